/* SPDX-License-Identifier: MIT */
/* Stop policies: every one on several codes against schedules computed by hand, with the decoder;
 * the exact law of min(T, D); faults of the scheme's member `stop`. */
#include "sim/core/linalg.h"
#include "sim/expect/expect.h"
#include "tests/support/environment.h"
#include "tests/support/targets.h"
#include "tests/support/toy_codes.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Codes with a stop policy, as typed ------------------------------------------------------- */

/* "s=1 stop=deadline(deadline_s=2)". */
static sg_status parse(sg_values *v, const char *words, sg_error *e) {
  char copy[256];
  snprintf(copy, sizeof copy, "%s", words);
  sg_status status = SG_OK;
  for (char *rest, *word = strtok_r(copy, " ", &rest); word && !status;
       word = strtok_r(NULL, " ", &rest)) {
    char *equals = strchr(word, '=');
    assert_non_null(equals);
    *equals = 0;
    status = sg_values_parse(v, word, equals + 1, e);
  }
  return status;
}

static sg_code *make(const sg_code_type *type, int workers, const char *words) {
  sg_shape shape = {.workers = workers, .subsets = workers, .length = 12, .updates = 8};
  sg_values *v = sg_values_new(sg_scheme_params, &type->about, "");
  sg_error e = {0};
  sg_code *code = NULL;
  assert_non_null(v);
  sg_status status = parse(v, words, &e);
  if (!status) status = sg_code_new(type, &shape, v, &code, &e);
  if (status) fail_msg("%s: %s: %s", words, e.fault[0].place, e.fault[0].message);
  sg_values_free(v);
  return code;
}

typedef struct played {
  sg_iteration_record row[8];
  int rows, asked; /* asked: decodes, refused ones too */
  sg_run_status status;
} played;

/* Plays up to 8 rows, with weights really found. */
static played play(const sg_code_type *type, const char *words, test_setup setup,
                   sg_run_limits limits) {
  played p = {0};
  test_environment t;
  setup.length = 12;
  test_environment_make(&t, &setup);
  sg_code *code = make(type, setup.workers, words);
  if (limits.sim_time_s <= 0) limits.sim_time_s = INFINITY;
  sg_run *run = sg_run_new(&t.env, code, 0, &limits, NULL, NULL);
  sg_decoder *decoder = sg_decoder_new(code);
  assert_true(run && decoder && limits.iterations <= 8);
  while ((p.status = sg_run_advance(run)) == SG_RUN_DECODE) {
    const sg_run_request *r = sg_run_request_of(run);
    sg_run_result result = {.decoded = true};
    for (int s = 0; s < r->n_segments; s++) {
      sg_weights w;
      sg_status status = sg_decoder_weights(decoder, r->state, s, r->segment[s].count,
                                            r->segment[s].message, &w, NULL);
      assert_true(status == SG_OK || status == SG_UNDECODABLE);
      result.decoded &= status == SG_OK;
      result.n_used += r->segment[s].count;
    }
    p.asked++;
    sg_run_supply(run, &result);
    if (sg_run_record(run)) p.row[p.rows++] = *sg_run_record(run);
  }
  if (p.status == SG_RUN_FAILED) fail_msg("%s", sg_run_fault(run));
  double sum = 0;
  for (int i = 0; i < p.rows; i++) sum += p.row[i].duration_s;
  if (p.status == SG_RUN_ITERATIONS) NEAR(sum, sg_run_now(run));
  sg_decoder_free(decoder);
  sg_run_free(run);
  sg_code_free(code);
  test_environment_free(&t);
  return p;
}

/* Four workers, of speeds 1, 0.8, 0.5, 0.25: a subset takes 1, 1.25, 2, 4 s. */
static const double speeds[] = {1, 0.8, 0.5, 0.25};
static const test_setup four = {
    .workers = 4, .speed = speeds, .delay = "deterministic", .delay_by = {1}};

typedef struct schedule {
  const char *code, *words;
  double seconds;
  int used; /* 0: skipped */
} schedule;

/* The first two rounds are alike and last so long. */
static void check_schedule(const schedule *c, sg_undecodable policy) {
  played p = play(sg_code_type_find(c->code), c->words, four,
                  (sg_run_limits){.iterations = 2, .undecodable = policy});
  if (p.status != SG_RUN_ITERATIONS || p.rows != 2)
    fail_msg("%s %s: %d", c->code, c->words, p.status);
  for (int i = 0; i < 2; i++) {
    const sg_iteration_record *r = &p.row[i];
    if (fabs(r->duration_s - c->seconds) > 1e-12 || r->n_used != c->used ||
        r->decoded != (c->used > 0))
      fail_msg("%s %s: round %d lasts %g s and uses %d", c->code, c->words, i, r->duration_s,
               r->n_used);
  }
}

static void policies_on_an_approximate_code(void **state) {
  (void)state;
  static const schedule cases[] = {
      {"ignore-stragglers", "s=1", 2, 3},
      {"ignore-stragglers", "s=1 stop=count", 2, 3},
      {"ignore-stragglers", "s=1 stop=count(messages=1)", 1, 1},
      {"ignore-stragglers", "s=1 stop=count(messages=4)", 4, 4},
      {"ignore-stragglers", "s=1 stop=decodable", 4, 4}, /* the sum is all four */
      {"ignore-stragglers", "s=1 stop=coverage(share=0.5)", 1.25, 2},
      {"ignore-stragglers", "s=1 stop=coverage(share=0.51)", 2, 3},
      {"ignore-stragglers", "s=1 stop=coverage(share=1)", 4, 4},
      {"ignore-stragglers", "s=1 stop=deadline(deadline_s=2)", 2, 3}, /* at its very instant */
      {"ignore-stragglers", "s=1 stop=deadline(deadline_s=1.999)", 1.999, 2},
      {"ignore-stragglers", "s=1 stop=deadline(deadline_s=3.5)", 3.5, 3},
      {"ignore-stragglers", "s=1 stop=deadline(deadline_s=9)", 4, 4}, /* all have come */
      {"ignore-stragglers", "s=1 stop=deadline(deadline_s=0.5)", 0.5, 0},
      {"ignore-stragglers", "s=1 stop=first-factor(mu=0)", 1, 1},
      {"ignore-stragglers", "s=1 stop=first-factor(mu=0.25)", 1.25, 2},
      {"ignore-stragglers", "s=1 stop=first-factor(mu=2)", 3, 3},
      {"ignore-stragglers", "s=1 stop=first-factor(mu=9)", 4, 4},
      {"ignore-stragglers", "s=1 stop=quorum(count=2)", 1.25, 2},
      {"ignore-stragglers", "s=1 stop=quorum(count=2,grace_s=0.5)", 1.75, 2},
      {"ignore-stragglers", "s=1 stop=quorum(count=2,grace_s=0.75)", 2, 3}, /* at its instant */
      {"ignore-stragglers", "s=1 stop=quorum(count=2,grace_s=1.5)", 2.75, 3},
      {"ignore-stragglers", "s=1 stop=quorum(count=2,grace_s=9)", 4, 4}, /* all have come */
      {"ignore-stragglers", "s=1 stop=quorum(count=4,grace_s=1)", 4, 4},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=quorum(count=2,grace_s=2),second=deadline(deadline_s=2.5))", 2.5,
       3},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=quorum(count=2,grace_s=1),second=deadline(deadline_s=9))", 2.25, 3},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=quorum(count=3),second=deadline(deadline_s=1.5))", 1.5, 2},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=count(messages=2),second=deadline(deadline_s=1.1))", 1.1, 1},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=count(messages=2),second=deadline(deadline_s=3))", 1.25, 2},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=deadline(deadline_s=3),second=deadline(deadline_s=1.5))", 1.5, 2},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=first-factor(mu=1.2),second=coverage(share=1))", 2.2, 3},
      {"ignore-stragglers",
       "s=1 stop=first-of(first=first-factor(mu=9),second=coverage(share=0.75))", 2, 3},
      {"uncoded", "stop=coverage(share=0.25)", 4, 4}, /* one is not enough for it */
  };
  for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++)
    for (int policy = 0; policy < 3; policy++) check_schedule(&cases[i], (sg_undecodable)policy);
  /* Exact and refused three times. */
  const schedule *last = &cases[sizeof cases / sizeof *cases - 1];
  check_schedule(last, SG_UNDEC_WAIT);
}

/* Two subsets each, at 2, 2.5, 4, 8 s; any three decode, with fractional repetition one of {0, 1}
 * and one of {2, 3}. */
static void policies_on_exact_codes(void **state) {
  (void)state;
  static const schedule cases[] = {
      {"cyclic-repetition", "s=1", 4, 3},
      {"cyclic-repetition", "s=1 stop=decodable", 4, 3},
      {"cyclic-repetition", "s=1 stop=count(messages=4)", 8, 4},
      {"cyclic-repetition", "s=1 stop=deadline(deadline_s=4)", 4, 3},
      {"cyclic-repetition", "s=1 stop=deadline(deadline_s=5)", 5, 3},
      {"cyclic-repetition", "s=1 stop=deadline(deadline_s=9)", 8, 4},
      {"cyclic-repetition", "s=1 stop=deadline(deadline_s=1)", 1, 0},
      {"cyclic-repetition", "s=1 stop=first-of(first=decodable,second=deadline(deadline_s=30))", 4,
       3},
      {"cyclic-repetition", "s=1 stop=quorum(count=3)", 4, 3},
      {"cyclic-repetition", "s=1 stop=quorum(count=3,grace_s=2)", 6, 3},
      {"cyclic-repetition", "s=1 stop=quorum(count=3,grace_s=9)", 8, 4},
      {"fractional-repetition", "s=1 stop=quorum(count=3,grace_s=1)", 5,
       3},                                    /* nothing is dropped */
      {"fractional-repetition", "s=1", 4, 2}, /* the second of the first pair is dropped */
      {"fractional-repetition", "s=1 stop=count", 4, 2},
      {"fractional-repetition", "s=1 stop=coverage(share=0.6)", 4, 2},
      {"fractional-repetition", "s=1 stop=deadline(deadline_s=5)", 5, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int policy = 0; policy < 3; policy++) check_schedule(&cases[i], (sg_undecodable)policy);
}

/* What has come by 3 s does not determine the sum. */
static void refused_at_the_deadline(void **state) {
  (void)state;
  const sg_code_type *cyclic = sg_code_type_find("cyclic-repetition");
  const char *words = "s=1 stop=deadline(deadline_s=3)";
  sg_run_limits limits = {.iterations = 2, .undecodable = SG_UNDEC_WAIT};
  played p = play(cyclic, words, four, limits); /* refused at 3, decoded at 4 */
  assert_int_equal(p.rows, 2);
  assert_int_equal(p.asked, 4);
  for (int i = 0; i < 2; i++) {
    NEAR(p.row[i].duration_s, 4);
    assert_true(p.row[i].decoded && p.row[i].n_used == 3);
  }
  /* Refused at 2.2 and again with each later arrival but the one that makes it whole. */
  p = play(cyclic, "s=1 stop=deadline(deadline_s=2.2)", four, limits);
  assert_int_equal(p.asked, 6);
  NEAR(p.row[1].duration_s, 4);
  /* s = 0 promises the sum: nothing is left out at a deadline. */
  p = play(sg_code_type_find("ignore-stragglers"), "s=0 stop=deadline(deadline_s=1.5)", four,
           limits);
  assert_int_equal(p.asked, 6);
  NEAR(p.row[1].duration_s, 4);
  limits.undecodable = SG_UNDEC_SKIP;
  p = play(cyclic, words, four, limits);
  assert_int_equal(p.asked, 2);
  for (int i = 0; i < 2; i++) {
    NEAR(p.row[i].duration_s, 3);
    assert_false(p.row[i].decoded);
    assert_int_equal(p.row[i].n_used, 0);
    assert_int_equal(p.row[i].n_received, 2);
    NEAR(p.row[i].busy_s, 2 + 2.5 + 3 + 3);
    NEAR(p.row[i].wasted_s, p.row[i].busy_s);
  }
  limits.undecodable = SG_UNDEC_ERROR;
  p = play(cyclic, words, four, limits);
  assert_int_equal(p.status, SG_RUN_UNDECODABLE);
  assert_int_equal(p.rows, 0);
}

/* --- Trees, segments, failures ---------------------------------------------------------------- */

/* Leaves have 2 parts at 2, 4, 20 s, sent in 2 s; node 3 sends at 6, its message comes at 8. */
static void trees(void **state) {
  (void)state;
  test_setup setup = {.workers = 4,
                      .speed = (const double[]){1, 0.5, 0.1, 1},
                      .delay = "deterministic",
                      .delay_by = {1},
                      .uplink = "deterministic",
                      .uplink_by = {2}};
  sg_run_limits limits = {.iterations = 2};
  /* At 8 all messages to the master, one, have come. */
  played p = play(&toy_tree, "stop=deadline(deadline_s=10)", setup, limits);
  assert_int_equal(p.rows, 2);
  NEAR(p.row[1].duration_s, 8);
  p = play(&toy_tree, "stop=deadline(deadline_s=8)", setup, limits);
  NEAR(p.row[1].duration_s, 8);
  assert_true(p.row[1].decoded);
  p = play(&toy_tree, "stop=deadline(deadline_s=7)", setup, limits);
  NEAR(p.row[1].duration_s, 7);
  assert_false(p.row[1].decoded);
  p = play(&toy_tree, "stop=first-factor(mu=1)", setup, limits);
  NEAR(p.row[1].duration_s, 8);
  /* Through the relay the message contains all four parts. */
  p = play(&toy_tree, "stop=coverage(share=1)", setup, limits);
  NEAR(p.row[1].duration_s, 8);
  assert_int_equal(p.row[1].n_used, 1);
}

/* Two workers of speeds 1 and 1/2: segment 0 after 1 | 2 s, segment 1 after 3 | 6 s. */
static void several_segments(void **state) {
  (void)state;
  test_setup setup = {
      .workers = 2, .speed = (const double[]){1, 0.5}, .delay = "deterministic", .delay_by = {1}};
  sg_run_limits limits = {.iterations = 2};
  static const struct {
    const char *words;
    double seconds;
    int used, asked; /* asked for, both rounds together */
  } cases[] = {
      {"", 6, 4, 2},
      {"stop=decodable", 6, 4, 2},
      {"stop=deadline(deadline_s=7)", 6, 4, 2},
      {"stop=deadline(deadline_s=6)", 6, 4, 2},
      {"stop=coverage(share=1)", 6, 4, 2},
      /* Exact: refused at 4 s and mended at 6; at 2.5 segment 1 has nothing, and at 3 one. */
      {"stop=deadline(deadline_s=4)", 6, 4, 4},
      {"stop=deadline(deadline_s=2.5)", 6, 4, 6},
      /* Segment 1 is met with its first message, segment 0 long before: refused, then mended. */
      {"stop=count(messages=1)", 6, 4, 4},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    played p = play(&toy_two_messages, cases[i].words, setup, limits);
    if (p.rows != 2 || fabs(p.row[1].duration_s - cases[i].seconds) > 1e-12 ||
        p.row[1].n_used != cases[i].used || p.asked != cases[i].asked)
      fail_msg("%s: %g s, %d used, %d asked", cases[i].words, p.row[1].duration_s, p.row[1].n_used,
               p.asked);
  }
}

/* Of 6 workers some never answer: rounds end at the deadline, or when those that come have. */
static void failures(void **state) {
  (void)state;
  target_world w;
  static const char *const cause[] = {
      "\"cluster\":{\"workers\":6,\"crashes\":{\"model\":\"iterations\",\"mean_iterations\":3,"
      "\"mean_recovery_iterations\":1.5}},",
      "\"cluster\":{\"workers\":6,\"erasure\":{\"model\":\"bernoulli\",\"probability\":0.3}},"};
  for (int c = 0; c < 2; c++) {
    char text[1024];
    snprintf(text, sizeof text,
             "{\"format\":1,%s\"delay\":{\"model\":\"deterministic\",\"value_s\":1},"
             "\"learning\":{\"problem\":\"none\",\"length\":12},"
             "\"schemes\":[{\"code\":\"ignore-stragglers\",\"s\":1,"
             "\"stop\":{\"rule\":\"deadline\",\"deadline_s\":1.5}}],\"stop\":{\"iterations\":400}}",
             cause[c]);
    assert_true(target_open_text(text, &w));
    sg_run *run = sg_run_new(&w.world->environment, w.world->code, 0, &w.world->limits, NULL, NULL);
    int whole = 0, part = 0;
    while (sg_run_advance(run) == SG_RUN_DECODE) {
      int count = sg_run_request_of(run)->segment->count;
      sg_run_supply(run, &(sg_run_result){.decoded = count > 0, .n_used = count});
      const sg_iteration_record *r = sg_run_record(run);
      assert_non_null(r);
      NEAR(r->duration_s, count == 6 ? 1 : 1.5);
      assert_int_equal(r->n_received, count);
      assert_int_equal(r->decoded, count > 0);
      whole += count == 6;
      part += count < 6;
    }
    NEAR(sg_run_now(run), whole + 1.5 * part);
    assert_true(whole > 400 * 0.03 && part > 400 * 0.6); /* (2/3)⁶ = 0.088, 0.7⁶ = 0.118 */
    sg_run_free(run);
    target_close(&w);
  }
}

/* Every setting of what is late; messages of 96 bytes enter the master one after another in 0.5 s,
 * the update takes 0.75 s. Whatever is late of a round never orders a second decode. */
static void late_settings(void **state) {
  (void)state;
  for (int v = 0; v < 6; v++) {
    test_setup setup = four;
    setup.ingress = "fifo";
    setup.ingress_Bps = 96 / 0.5;
    setup.update_s = 0.75;
    setup.late_work = (sg_late_work)(v % 3);
    setup.late_messages = v / 3 ? "occupy-link" : "cancel";
    played p = play(sg_code_type_find("ignore-stragglers"), "s=1 stop=deadline(deadline_s=2)",
                    setup, (sg_run_limits){.iterations = 8});
    assert_int_equal(p.status, SG_RUN_ITERATIONS);
    assert_int_equal(p.rows, 8);
    assert_int_equal(p.asked, 8);
    /* In at 1.5 and, at the very deadline, 2; the third has just come to the master's link. */
    NEAR(p.row[0].duration_s, 2.75);
    assert_int_equal(p.row[0].n_used, 2);
    NEAR(p.row[0].queued_s, 0.25);
    for (int i = 0; i < 8; i++) NEAR(p.row[i].duration_s, 2.75);
    assert_int_equal(p.row[1].n_used, 2);
    /* The third message comes at 2.5, during the update: seen by nobody, late, or never. */
    bool keeps = setup.late_work == SG_LATE_KEEP_PARTIAL;
    assert_int_equal(p.row[1].n_received, keeps ? 3 : 2);
  }
}

/* --- The law of min(T, D) --------------------------------------------------------------------- */

#define SCENARIO                                                                                   \
  "{\"format\":1,\"cluster\":{\"workers\":%d},\"delay\":{%s},\"learning\":{\"problem\":\"none\","  \
  "\"length\":12},\"schemes\":[{%s}],\"stop\":{\"iterations\":%d,\"undecodable\":\"%s\"}}"

static sg_status open_expectation(target_world *w, sg_expectation **x, sg_error *e, int workers,
                                  const char *delay, const char *scheme, const char *undecodable) {
  char text[1024];
  snprintf(text, sizeof text, SCENARIO, workers, delay, scheme, 20000, undecodable);
  assert_true(target_open_text(text, w));
  return sg_expect(w->world, x, e);
}

/* P(fewer than need of n have come by t), each with probability p. */
static double fewer(int n, int need, double p) {
  double sum = 0;
  for (int i = 0; i < need; i++)
    sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0)) * pow(p, i) *
           pow(1 - p, n - i);
  return sum;
}

/* The mean of simulated rounds, within 4 standard errors. */
static void simulate(const sg_world *w, double mean) {
  sg_run *run = sg_run_new(&w->environment, w->code, 0, &w->limits, NULL, NULL);
  sg_decoder *decoder = sg_decoder_new(w->code);
  double sum = 0, squares = 0;
  long n = 0;
  while (sg_run_advance(run) == SG_RUN_DECODE) {
    const sg_run_request *r = sg_run_request_of(run);
    sg_weights weights;
    sg_status status = sg_decoder_weights(decoder, r->state, 0, r->segment->count,
                                          r->segment->message, &weights, NULL);
    sg_run_supply(run, &(sg_run_result){.decoded = !status, .n_used = r->segment->count});
    double seconds = sg_run_record(run)->duration_s;
    sum += seconds;
    squares += seconds * seconds;
    n++;
  }
  double found = sum / (double)n, sd = sqrt(fmax(squares / (double)n - found * found, 0));
  assert_int_equal(n, 20000);
  if (fabs(found - mean) > 4 * sd / sqrt((double)n) + 1e-9)
    fail_msg("simulated %g, exact %g, standard error %g", found, mean, sd / sqrt((double)n));
  sg_decoder_free(decoder);
  sg_run_free(run);
}

/* Exponential times of mean 2; T is when the need-th of 5 has come. */
static void min_of_time_and_deadline(void **state) {
  (void)state;
  static const struct {
    const char *scheme;
    int need;
    double unit; /* mean of a worker's time */
    const char *undecodable;
  } codes[] = {
      {"\"code\":\"ignore-stragglers\",\"s\":2,\"stop\":{\"rule\":\"deadline\",\"deadline_s\":%g}",
       5, 2, "wait"},
      {"\"code\":\"ignore-stragglers\",\"s\":2,\"stop\":{\"rule\":\"first-of\",\"first\":\"count\","
       "\"second\":{\"rule\":\"deadline\",\"deadline_s\":%g}}",
       3, 2, "error"},
      {"\"code\":\"ignore-stragglers\",\"s\":2,\"stop\":{\"rule\":\"first-of\",\"first\":{\"rule\":"
       "\"deadline\",\"deadline_s\":%g},\"second\":{\"rule\":\"deadline\",\"deadline_s\":1000}}",
       5, 2, "wait"},
      {"\"code\":\"cyclic-repetition\",\"s\":1,\"stop\":{\"rule\":\"first-of\",\"first\":"
       "\"decodable\",\"second\":{\"rule\":\"deadline\",\"deadline_s\":%g}}",
       4, 4, "skip"},
  };
  static const double deadlines[] = {0.3, 1, 2.5, 6, 40};
  for (size_t c = 0; c < sizeof codes / sizeof *codes; c++)
    for (size_t d = 0; d < sizeof deadlines / sizeof *deadlines; d++) {
      double deadline = deadlines[d];
      char scheme[512];
      snprintf(scheme, sizeof scheme, codes[c].scheme, deadline);
      target_world w;
      sg_expectation *x = NULL;
      sg_error e = {0};
      if (open_expectation(&w, &x, &e, 5, "\"model\":\"exponential\",\"mean_s\":2", scheme,
                           codes[c].undecodable))
        fail_msg("%s: %s", scheme, e.fault[0].message);
      /* ∫ P(T > t) dt up to the deadline, by Simpson's rule. */
      enum { STEPS = 20000 };
      double integral = 0, h = deadline / STEPS;
      for (int i = 0; i <= STEPS; i++)
        integral += (i == 0 || i == STEPS ? 1
                     : i % 2              ? 4
                                          : 2) *
                    fewer(5, codes[c].need, -expm1(-i * h / codes[c].unit));
      integral *= h / 3;
      if (fabs(x->mean - integral) > 1e-9 * integral)
        fail_msg("%s: %.12g, by integration %.12g", scheme, x->mean, integral);
      /* Quantiles, by bisection of the same law. */
      for (double p = 0.05; p < 1; p += 0.15) {
        double low = 0, high = 200;
        for (int i = 0; i < 100; i++) {
          double t = (low + high) / 2;
          *(fewer(5, codes[c].need, -expm1(-t / codes[c].unit)) > 1 - p ? &low : &high) = t;
        }
        assert_true(fabs(sg_finish_quantile(&x->finish, p) - fmin(high, deadline)) < 1e-8 * high);
      }
      assert_true(sg_finish_quantile(&x->finish, 0.999999) <= deadline);
      if (d % 2 == 0 || c == 1) simulate(w.world, x->mean);
      sg_expectation_free(x);
      target_close(&w);
    }
}

/* Times of 1, 2 or 6 s with probabilities 1/2, 1/4, 1/4: sums in place of integrals. */
static void discrete_times_and_a_deadline(void **state) {
  (void)state;
  static const double deadlines[] = {0.5, 1, 1.5, 2, 5, 6, 7};
  for (size_t d = 0; d < sizeof deadlines / sizeof *deadlines; d++) {
    double deadline = deadlines[d], mean = 0;
    char scheme[256];
    snprintf(scheme, sizeof scheme,
             "\"code\":\"ignore-stragglers\",\"s\":1,\"stop\":{\"rule\":\"deadline\","
             "\"deadline_s\":%g}",
             deadline);
    target_world w;
    sg_expectation *x = NULL;
    sg_error e = {0};
    if (open_expectation(&w, &x, &e, 3, "\"model\":\"empirical\",\"values_s\":[1,1,2,6]", scheme,
                         "wait"))
      fail_msg("%s", e.fault[0].message);
    static const double value[] = {1, 1, 2, 6};
    for (int i = 0; i < 64; i++) {
      double t = fmax(value[i % 4], fmax(value[i / 4 % 4], value[i / 16]));
      mean += fmin(t, deadline) / 64;
    }
    if (fabs(x->mean - mean) > 1e-9)
      fail_msg("deadline %g: %.12g, not %.12g", deadline, x->mean, mean);
    simulate(w.world, x->mean);
    sg_expectation_free(x);
    target_close(&w);
  }
}

static void what_has_no_closed_form(void **state) {
  (void)state;
#define EXPONENTIAL "\"model\":\"exponential\",\"mean_s\":2"
  static const struct {
    const char *delay, *scheme, *undecodable, *why;
  } cases[] = {
      {EXPONENTIAL,
       "\"code\":\"cyclic-repetition\",\"s\":1,\"stop\":{\"rule\":\"deadline\",\"deadline_s\":3}",
       "wait", "stop.undecodable \"skip\""},
      {EXPONENTIAL,
       "\"code\":\"ignore-stragglers\",\"s\":1,\"stop\":{\"rule\":\"first-factor\",\"mu\":1}",
       "wait", "time of the first arrival"},
      {EXPONENTIAL "},\"master\":{\"update_s\":1",
       "\"code\":\"ignore-stragglers\",\"s\":1,\"stop\":{\"rule\":\"deadline\",\"deadline_s\":3}",
       "wait", "has no update"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    target_world w;
    sg_expectation *x = NULL;
    sg_error e = {0};
    sg_status status =
        open_expectation(&w, &x, &e, 4, cases[i].delay, cases[i].scheme, cases[i].undecodable);
    assert_int_equal(status, SG_INVALID);
    if (!strstr(e.fault[0].message, cases[i].why)) fail_msg("%s", e.fault[0].message);
    sg_error_clear(&e);
    target_close(&w);
  }
}

/* --- Faults ----------------------------------------------------------------------------------- */

static void faults_as_typed(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"deadlin(deadline_s=3)", "did you mean \"deadline\""},
      {"deadline", "\"deadline_s\" is missing"},
      {"deadline()", "\"deadline_s\" is missing"},
      {"deadline(deadline_s=3", "closing bracket"},
      {"deadline(", "closing bracket"},
      {"deadline(deadline_s=3))", "3)"},
      {"deadline(3)", "expected member=value"},
      {"deadline(deadline=3)", "did you mean \"deadline_s\""},
      {"deadline(deadline_s=0)", "> 0"},
      {"deadline(deadline_s=soon)", "soon"},
      {"deadline(deadline_s=nan)", "nan"},
      {"count(messages=0)", "1"},
      {"count(messages=1.5)", "whole number"},
      {"coverage(share=1.5)", "1.5"},
      {"first-of(first=decodable)", "\"second\" is missing"},
      {"first-of(first=decodable,second=deadline(deadline_s=30)", "closing bracket"},
      {"first-of(first=decodable,second=deadline)", "\"deadline_s\" is missing"},
      {"first-of(first=first-of(first=count,second=count),second=count)", "first-of"},
      {"first-of(first=cuont,second=count)", "did you mean \"count\""},
      {"", "stop policy"},
      {"(deadline_s=3)", "stop policy"},
  };
  const sg_code_type *type = sg_code_type_find("uncoded");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sg_values *v = sg_values_new(sg_scheme_params, &type->about, "");
    sg_error e = {0};
    if (!sg_values_parse(v, "stop", cases[i].text, &e)) fail_msg("%s is taken", cases[i].text);
    if (!strstr(e.fault[0].message, cases[i].says))
      fail_msg("%s: %s: %s", cases[i].text, e.fault[0].place, e.fault[0].message);
    assert_non_null(strstr(e.fault[0].place, "/stop"));
    sg_error_clear(&e);
    sg_values_free(v);
  }
}

/* A protocol of its own that does not call the default round decides itself. */
static void not_with_a_protocol_of_its_own(void **state) {
  (void)state;
  sg_shape shape = {.workers = 3, .subsets = 3, .length = 8, .updates = 1};
  sg_values *v = sg_values_new(sg_scheme_params, &toy_nested.about, "");
  sg_error e = {0};
  sg_code *code = NULL;
  assert_int_equal(parse(v, "stop=count", &e), SG_OK);
  assert_int_equal(sg_code_new(&toy_nested, &shape, v, &code, &e), SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "toy-nested"));
  sg_error_clear(&e);
  sg_values_free(v);
}

int main(void) {
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(policies_on_an_approximate_code),
      cmocka_unit_test(policies_on_exact_codes),
      cmocka_unit_test(refused_at_the_deadline),
      cmocka_unit_test(trees),
      cmocka_unit_test(several_segments),
      cmocka_unit_test(failures),
      cmocka_unit_test(late_settings),
      cmocka_unit_test(min_of_time_and_deadline),
      cmocka_unit_test(discrete_times_and_a_deadline),
      cmocka_unit_test(what_has_no_closed_form),
      cmocka_unit_test(faults_as_typed),
      cmocka_unit_test(not_with_a_protocol_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
