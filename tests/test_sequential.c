/* SPDX-License-Identifier: MIT */
/* Sequential gradient coding: loads, refusals, and that SR-SGC and M-SGC never fail under a pattern
 * that conforms. Patterns are judged here by the definition, round by round over the whole history;
 * nothing of codes/tools/bursts.c is in it. */
#include "sim/check/rehearsal.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_N = 12, MOST_ROUNDS = 48, RUNS = 6000 };

/* --- Loads ------------------------------------------------------------------------------------ */

/* Of 256 subsets by 256 workers, as a share of the data. */
static double load_of(const char *name, const char *B, const char *W, const char *lambda,
                      int promised) {
  bench b;
  bench_open_named(&b, bench_values(name, "B", B, "W", W, "lambda", lambda, NULL), 256, 1);
  double load = b.code->load / 256, least = 0;
  assert_int_equal(b.code->promised, promised);
  int burst = atoi(B), window = atoi(W), l = atoi(lambda);
  least = (window - 1 + burst) / (256.0 * (window - 1) + burst * (256.0 - l));
  assert_true(load >= least - 1e-15);
  bench_close_named(&b);
  return load;
}

static void loads_are_those_of_the_paper(void **state) {
  (void)state;
  assert_true(fabs(load_of("m-sgc", "1", "2", "27", 0) - .0075431034) < 5e-11);
  assert_true(fabs(load_of("m-sgc", "1", "2", "9", 0) - .0071022727) < 5e-11);
  assert_true(fabs(load_of("m-sgc", "1", "2", "24", 0) - .0075120192) < 5e-11);
  assert_true(load_of("sr-sgc", "2", "3", "23", 12) == .05078125);
  /* λ = n meets the bound. */
  assert_true(fabs(load_of("m-sgc", "2", "4", "256", 0) - 5 / (256.0 * 3)) < 1e-15);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void what_cannot_be_is_refused(void **state) {
  (void)state;
  bench_refused(bench_values("sr-sgc", "B", "3", "W", "6", "lambda", "2", NULL), 8, "/schemes/0/W",
                "(W one of 4, 7), found W = 6");
  bench_refused(bench_values("sr-sgc", "B", "3", "W", "3", "lambda", "2", NULL), 8, "/schemes/0/W",
                "(W = 4, 7, …), found W = 3");
  bench_refused(bench_values("m-sgc", "B", "3", "W", "3", "lambda", "2", NULL), 8, "/schemes/0/B",
                "expected B < W = 3 (1 to 2), found 3");
  bench_refused(bench_values("m-sgc", "B", "1", "W", "3", "lambda", "9", NULL), 8,
                "/schemes/0/lambda", "expected lambda ≤ n = 8 (0 to 8), found 9");
  bench_refused(bench_values("m-sgc", "B", "1", "W", "3", "lambda", "2", "models", "2", NULL), 8,
                "/schemes/0/models", "3 or more, found 2");
  bench_refused(bench_values("sr-sgc", "B", "1", "W", "2", "lambda", "1", NULL), 1,
                "/schemes/0/lambda", "lambda at most 0");
  bench_refused(bench_values("sequential-gc", "s", "8", NULL), 8, "/schemes/0/s",
                "expected s < n = 8");
}

/* --- Patterns --------------------------------------------------------------------------------- */

typedef struct course {
  sg_stream random;
  int n, B, W, lambda, s, jobs, rounds, delay;
  bool selective, exempts;           /* SR-SGC; whose pattern may have exempt rounds */
  bool slow[MOST_ROUNDS][MOST_N];    /* the stragglers */
  bool counts[MOST_ROUNDS];          /* the round is not exempt */
  int returned[MOST_ROUNDS][MOST_N]; /* SR-SGC: job, worker */
  bench b;
  int decoded;
} course;

static int below(course *c, int most) {
  return (int)(sg_uniform(&c->random) * most);
}

/* The definition: at most λ different stragglers in rounds r − W + 1, …, r, and none of round r
 * among those of rounds r − W + 1, …, r − B. */
static bool conforms(const course *c, int r) {
  int distinct = 0;
  for (int i = 0; i < c->n; i++) {
    bool any = false;
    for (int q = r - c->W + 1; q <= r; q++) {
      if (q < 0 || !c->slow[q][i] || (q < r && !c->counts[q])) continue;
      any = true;
      if (q <= r - c->B && c->slow[r][i]) return false;
    }
    distinct += any;
  }
  return distinct <= c->lambda;
}

/* SR-SGC as it is published: who repeats job r − B, and what comes. */
static void play_selective(course *c, int r) {
  int old = r - c->B, owed = 0, stragglers = 0;
  bool repeated = false;
  for (int i = 0; old >= 0 && i < c->n; i++) owed += !c->returned[old][i];
  int repeat = old >= 0 ? owed - c->s : 0, fastest = -1;
  for (int i = 0; i < c->n; i++) {
    bool repeats = repeat > 0 && !c->returned[old][i];
    repeat -= repeats;
    if (!repeats && r >= c->jobs) { /* it has nothing to do */
      c->slow[r][i] = false;
      continue;
    }
    if (r >= c->jobs && fastest < 0) c->slow[r][fastest = i] = false;
    stragglers += c->slow[r][i];
    if (c->slow[r][i]) continue;
    repeated |= repeats;
    c->returned[repeats ? old : r][i] = 1;
  }
  if (c->exempts) c->counts[r] = repeated || stragglers > c->s;
}

/* Workers are slow at random or in bursts; then some are made fast until the round conforms. */
static void make_pattern(course *c) {
  double share = sg_uniform(&c->random), stay = sg_uniform(&c->random);
  memset(c->slow, 0, sizeof c->slow);
  memset(c->returned, 0, sizeof c->returned);
  for (int r = 0; r < c->rounds; r++) {
    c->counts[r] = true;
    for (int i = 0; i < c->n; i++)
      c->slow[r][i] = sg_uniform(&c->random) < (r > 0 && c->slow[r - 1][i] ? stay : share);
    while (!conforms(c, r)) c->slow[r][below(c, c->n)] = false;
    c->slow[r][below(c, c->n)] = false; /* the fastest worker never straggles */
    /* With λ = n only those who owe something work in the last rounds, and one of them is it. */
    if (c->lambda == c->n && r >= c->jobs + c->W - 2) memset(c->slow[r], 0, sizeof c->slow[r]);
    if (c->selective) play_selective(c, r);
  }
}

/* --- Runs ------------------------------------------------------------------------------------- */

/* In a round who is not slow does its work and is heard; then (1 + μ) κ is over, the update takes
 * place and the next round begins. What the slow send leaves them before or never, and comes in the
 * middle of the next round. */
static int make_cues(course *c, sg_cue *cue) {
  int count = 0, under_way[MOST_N] = {0};
  for (int r = 0; r < c->rounds; r++) {
    int turn = below(c, c->n);
    cue[count++] = (sg_cue){SG_CUE_BEGIN, 0};
    for (int k = 0; k < c->n; k++) {
      int i = (k + turn) % c->n;
      bool leaves = !c->slow[r][i] || below(c, 2);
      for (int part = 0; leaves && part < 2; part++) cue[count++] = (sg_cue){SG_CUE_WORK, i};
      under_way[i] += leaves;
      for (; !c->slow[r][i] && under_way[i] > 0; under_way[i]--)
        cue[count++] = (sg_cue){SG_CUE_MESSAGE, i};
    }
    cue[count++] = (sg_cue){SG_CUE_TIMER, 0};
    for (int m = 0; m < c->b.code->models; m++) cue[count++] = (sg_cue){SG_CUE_UPDATE, m};
  }
  return count;
}

static sg_status decode(void *user, const sg_rehearsal *r, const sg_rehearsed_decode *what,
                        bool *decoded, sg_error *e) {
  course *c = user;
  const void *state = sg_protocol_state(r->protocol);
  sg_weights w;
  *decoded = false;
  /* Jobs are decoded in their order, each at the end of its round and by its model. */
  if (what->snapshot != c->decoded || r->round != c->decoded + c->delay ||
      what->model != what->snapshot % c->b.code->models)
    fail_msg("%s, n = %d: job %d decoded in round %d", c->b.label, c->n, what->snapshot, r->round);
  for (int i = 0; i < what->count; i++)
    if (c->slow[what->message[i]->round][what->message[i]->from])
      fail_msg("%s, n = %d: worker %d straggled in round %d and is decoded", c->b.label, c->n,
               what->message[i]->from, what->message[i]->round);
  sg_status status = sg_decoder_weights(c->b.decoder, state, 0, what->count, what->message, &w, e);
  if (status) fail_msg("%s, n = %d: job %d was refused", c->b.label, c->n, what->snapshot);
  double off = bench_deviation(c->b.code, state, 0, &w, what->message);
  if (!(off <= 1e-8)) fail_msg("%s: job %d off by %g", c->b.label, what->snapshot, off);
  *decoded = true;
  c->decoded++;
  return SG_OK;
}

static void run_course(course *c) {
  static sg_cue cue[MOST_ROUNDS * 5 * MOST_N + MOST_ROUNDS * (MOST_ROUNDS + 2)];
  char B[8], W[8], lambda[8];
  snprintf(B, sizeof B, "%d", c->B);
  snprintf(W, sizeof W, "%d", c->W);
  snprintf(lambda, sizeof lambda, "%d", c->lambda);
  sg_error e = {0};
  sg_shape shape = {
      .workers = c->n, .subsets = c->n, .length = BENCH_LENGTH, .seed = 1, .updates = c->jobs};
  const char *name = c->selective ? "sr-sgc" : "m-sgc";
  sg_values *values = bench_values(name, "B", B, "W", W, "lambda", lambda, NULL);
  if (bench_open_shaped(&c->b, values, &shape, &e))
    fail_msg("%s B=%s W=%s lambda=%s, n = %d: %s", name, B, W, lambda, c->n, e.fault[0].message);
  make_pattern(c);
  c->decoded = 0;
  sg_script script = {.cue = cue,
                      .n_cues = make_cues(c, cue),
                      .late = true,
                      .updates = c->jobs,
                      .decode = decode,
                      .user = c};
  sg_rehearsal r;
  if (sg_rehearse(c->b.code, &script, &r, &e)) fail_msg("%s: %s", name, e.fault[0].message);
  assert_int_equal(c->decoded, c->jobs);
  assert_int_equal(r.refused, 0);
  assert_int_equal(r.rounds, c->rounds);
  sg_rehearsal_free(&r);
  bench_close_named(&c->b);
}

static void conforming_patterns_are_decoded(void **state) {
  (void)state;
  static course c;
  long slow = 0, exempt = 0;
  for (int i = 0; i < RUNS; i++) {
    c = (course){.selective = i % 2, .exempts = i % 4 == 3};
    sg_stream_at(&c.random, 7, (uint32_t)i, SG_FOR_CHECK, 0, 0, 0);
    c.n = 2 + below(&c, MOST_N - 1);
    c.lambda = below(&c, c.n + 1);
    if (c.selective) {
      c.B = 1 + below(&c, 4);
      c.W = 1 + c.B * (1 + below(&c, 3));
      c.delay = c.B;
    } else {
      c.W = 2 + below(&c, 6);
      c.B = 1 + below(&c, c.W - 1);
      c.delay = c.W - 2 + c.B;
    }
    c.s = (c.B * c.lambda + c.W - 2 + c.B) / (c.W - 1 + c.B);
    c.jobs = 1 + below(&c, 24);
    c.rounds = c.jobs + c.delay;
    run_course(&c);
    for (int r = 0; r < c.rounds; r++) {
      for (int q = r - c.W + 1; q < r; q++) exempt += q >= 0 && !c.counts[q];
      for (int k = 0; k < c.n; k++) slow += c.slow[r][k];
    }
  }
  /* The patterns are worth the name. */
  assert_true(slow > 50000);
  assert_true(exempt > 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(loads_are_those_of_the_paper),
                                     cmocka_unit_test(what_cannot_be_is_refused),
                                     cmocka_unit_test(conforming_patterns_are_decoded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
