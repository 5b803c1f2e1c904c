/* SPDX-License-Identifier: MIT */
/* Checks of codes against counts by hand, closed forms and singular values of rows written out;
 * broken promises, overflow, relays, threads, search; the grid of all codes. */
#include "codes/frame/code.h"
#include "sim/check/check.h"
#include "sim/check/grid.h"
#include "sim/check/rehearsal.h"
#include "sim/core/linalg.h"
#include "tests/support/code_bench.h"
#include "tests/support/toy_codes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static sg_shape shape_of(int n, long length) {
  return (sg_shape){.workers = n, .subsets = n, .length = length, .seed = 1, .updates = 1};
}

/* "d=4 m=2" → values. */
static sg_values *values_of(const sg_code_type *type, const char *settings) {
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  char copy[200], *at = NULL;
  assert_non_null(values);
  assert_true(strlen(settings) < sizeof copy);
  strcpy(copy, settings);
  for (char *word = strtok_r(copy, " ", &at); word; word = strtok_r(NULL, " ", &at)) {
    char *equals = strchr(word, '=');
    *equals = '\0';
    assert_int_equal(sg_values_parse(values, word, equals + 1, NULL), SG_OK);
  }
  return values;
}

static sg_code *code_of(const sg_code_type *type, const char *settings, int n, long length) {
  sg_values *values = values_of(type, settings);
  sg_shape shape = shape_of(n, length);
  sg_code *code = NULL;
  sg_error e = {0};
  if (sg_code_new(type, &shape, values, &code, &e)) fail_msg("%s", e.fault[0].message);
  sg_values_free(values);
  return code;
}

static sg_check *check_type(const sg_code_type *type, const char *settings, int n, long length,
                            const sg_check_options *options) {
  sg_code *code = code_of(type, settings, n, length);
  sg_check *check = NULL;
  sg_error e = {0};
  if (sg_code_check(code, options, &check, &e)) fail_msg("%s", e.fault[0].message);
  sg_code_free(code);
  return check;
}

static sg_check *check_named(const char *name, const char *settings, int n, long length) {
  const sg_check_options options = {.patterns = 5000, .seed = 1, .threads = 1};
  return check_type(sg_code_type_find(name), settings, n, length, &options);
}

static void expect_sets(const sg_check *c, int n, const int *sets, const int *decodable) {
  assert_int_equal(c->n_sets, n);
  for (int i = 0; i < n; i++) {
    assert_int_equal(c->sets[i].responders, c->workers - i);
    assert_true(c->sets[i].sets == sets[i]);
    assert_int_equal(c->sets[i].tried, sets[i]);
    assert_int_equal(c->sets[i].decodable, decodable[i]);
  }
}

/* Two groups of two: every set of three has one of each, and four of the six pairs have. */
static void fractional_repetition_by_hand(void **state) {
  (void)state;
  sg_check *c = check_named("fractional-repetition", "s=1", 4, 10);
  expect_sets(c, 5, (int[]){1, 4, 6, 4, 1}, (int[]){1, 4, 4, 0, 0});
  assert_true(c->exact && c->exhaustive && c->s_proved);
  assert_true(c->patterns == 5 && c->tried == 5 && c->searched == 0 && c->broken == 0);
  assert_int_equal(c->s_promised, 1);
  assert_int_equal(c->s_found, 1);
  assert_true(c->d_promised == 2 && c->d_found == 2 && c->m_promised == 1 && c->m_found == 1);
  assert_true(c->slack == 0);
  assert_true(c->cond2.worst == 1 && c->cond2.median == 1);
  assert_true(fabs(c->amplification.worst - 1) < 1e-15); /* as uncoded: every number is sent once */
  assert_true(c->residual.worst == 0);
  /* One message of each group: a sum of a part each, of 10 numbers; two messages are added. */
  assert_true(c->least_messages == 2 && c->received == 2);
  assert_true(c->encode_flops == 20 && c->find_flops == 0 && c->apply_flops == 4);
  sg_check_free(c);
}

/* Second messages of two groups of two, as above; first ones come of everyone. A worker has an
 * eighth of the data of its own and the quarter of its group: 3/8, or 1.5 subsets of 4. */
static void two_stages_by_hand(void **state) {
  (void)state;
  sg_check *c = check_named("partial-repetition", "s=1 p=3", 4, 10);
  expect_sets(c, 5, (int[]){1, 4, 6, 4, 1}, (int[]){1, 4, 4, 0, 0});
  assert_true(c->exact && c->partial && c->exhaustive && c->tried == 5 && c->broken == 0);
  assert_true(c->s_promised == 1 && c->s_found == 1 && c->s_proved);
  assert_true(c->d_found == 1.5 && c->copies == 1.5 && c->m_found == 0.5 && isnan(c->slack));
  assert_true(c->least_messages == 6 && c->received == 6);
  sg_check_free(c);
  c = check_named("partial-cyclic", "s=2 p=4", 7, 10);
  expect_sets(c, 8, (int[]){1, 7, 21, 35, 35, 21, 7, 1}, (int[]){1, 7, 21, 0, 0, 0, 0, 0});
  assert_true(c->partial && c->tried == 29 && c->broken == 0 && c->s_found == 2);
  assert_true(c->least_messages == 7 + 5 && c->residual.worst < 1e-10);
  sg_check_free(c);
}

static void uncoded_by_hand(void **state) {
  (void)state;
  sg_check *c = check_named("uncoded", "", 5, 8);
  expect_sets(c, 6, (int[]){1, 5, 10, 10, 5, 1}, (int[]){1, 0, 0, 0, 0, 0});
  assert_int_equal(c->s_found, 0);
  assert_true(c->slack == 0 && c->d_found == 1 && c->cond2.worst == 1);
  assert_int_equal(c->cond2.n_missing, 0);
  assert_true(c->least_messages == 5 && c->received == 5 && c->apply_flops == 10);
  /* float32 and bfloat16 numbers have 24 and 8 bits: half a unit is the most a rounding can do. */
  assert_true(c->error[SG_FLOAT64].worst < 0x1p-52);
  assert_true(c->error[SG_FLOAT32].worst > 0x1p-30 && c->error[SG_FLOAT32].worst < 0x1p-24);
  assert_true(c->error[SG_BFLOAT16].worst > 0x1p-14 && c->error[SG_BFLOAT16].worst < 0x1p-8);
  sg_check_free(c);
}

/* theory: harmonic. The worst condition number of the harmonic code is cot(π/2d) for m = 2 and
 * √d for m = d − 1; with one group it is the decode system itself. */
static void harmonic_closed_forms(void **state) {
  (void)state;
  for (int d = 3; d <= 9; d++) {
    char settings[80];
    snprintf(settings, sizeof settings, "d=%d m=2 linear_code=harmonic stop=decodable", d);
    sg_check *c = check_named("group", settings, d, 24);
    assert_true(fabs(c->cond2.worst * tan(M_PI / (2 * d)) - 1) < 1e-10);
    assert_true(c->slack == 0 && c->s_found == d - 2 && c->m_found == 2);
    assert_true(c->received == 1); /* any two halves */
    sg_check_free(c);
    snprintf(settings, sizeof settings, "d=%d m=%d linear_code=harmonic stop=count", d, d - 1);
    c = check_named("group", settings, 2 * d, 24L * (d - 1));
    assert_true(fabs(c->cond2.worst / sqrt(d) - 1) < 1e-10);
    assert_true(c->s_found == 1 && c->m_found == d - 1 && fabs(c->received - 2) < 1e-12);
    sg_check_free(c);
  }
}

/* The worst condition number by singular values of the rows as the code writes them. */
static double worst_condition(const sg_code *code) {
  enum { N = 10 };
  static double rows[N * N * 4], a[N * N * 4];
  double sigma[N], worst = 0;
  int n = code->nodes, columns = code->parts * code->segment[0].pieces;
  sg_expander expander = {0};
  memset(rows, 0, sizeof rows);
  for (int i = 0; i < n; i++) {
    sg_message message = {.from = i, .to = SG_MASTER};
    assert_true(sg_expand(&expander, code, NULL, &message, 1, rows + i * columns));
  }
  sg_expander_free(&expander);
  for (int p = 0; p < n; p++)
    for (int q = p + 1; q < n; q++) {
      int count = 0;
      for (int i = 0; i < n; i++)
        if (i != p && i != q)
          memcpy(a + columns * count++, rows + i * columns, (size_t)columns * sizeof *a);
      assert_int_equal(sg_singular_values(columns, count, a, columns, sigma), SG_OK);
      worst = fmax(worst, sigma[0] / sigma[count - 1]);
    }
  return worst;
}

static void condition_numbers_are_those_of_the_rows(void **state) {
  (void)state;
  static const char *const codes[][2] = {{"cyclic-repetition", "s=2"},
                                         {"ye-abbe", "d=4 m=2 construction=random"}};
  for (int i = 0; i < 2; i++) {
    sg_code *code = code_of(sg_code_type_find(codes[i][0]), codes[i][1], 9, 60);
    sg_check *c = check_named(codes[i][0], codes[i][1], 9, 60);
    double expected = worst_condition(code);
    if (!(fabs(c->cond2.worst / expected - 1) < 1e-9))
      fail_msg("%s: expected %g, found %g", codes[i][0], expected, c->cond2.worst);
    assert_int_equal(c->cond2.n_missing, 2);
    sg_check_free(c);
    sg_code_free(code);
  }
}

static void cyclic_repetition(void **state) {
  (void)state;
  sg_check *c = check_named("cyclic-repetition", "s=3", 10, 100);
  assert_true(c->patterns == 1 + 10 + 45 + 120 && c->tried == 176);
  assert_int_equal(c->s_found, 3);
  assert_true(c->s_proved && c->slack == 0 && c->broken == 0);
  assert_true(c->residual.worst > 0 && c->residual.worst < 1e-9);
  assert_true(c->residual.median <= c->residual.p90 && c->residual.p99 <= c->residual.worst);
  assert_true(c->received == 7 && c->least_messages == 7);
  /* Four terms of length 100; with everybody's message in use 10 products a coordinate. */
  assert_true(c->encode_flops == 800 && c->apply_flops == 20 && c->find_flops > 0);
  for (int p = 1; p < SG_PRECISIONS; p++) assert_true(c->error[p].worst > c->error[p - 1].worst);
  assert_true(c->error[SG_FLOAT64].worst < 1e-10);
  /* No set of six decodes, so none of fewer does. */
  assert_int_equal(c->n_sets, 11);
  assert_int_equal(c->sets[4].decodable, 0);
  assert_true(c->sets[4].tried == 210 && c->sets[10].tried == 1);
  sg_check_free(c);
}

/* --- Same results ----------------------------------------------------------------------------- */

static void expect_same_spread(const sg_check_spread *a, const sg_check_spread *b) {
  assert_true(a->median == b->median && a->p90 == b->p90 && a->p99 == b->p99);
  assert_true(a->worst == b->worst);
  assert_int_equal(a->n_missing, b->n_missing);
  assert_memory_equal(a->missing, b->missing, (size_t)a->n_missing * sizeof(int));
}

static void expect_same(const sg_check *a, const sg_check *b) {
  expect_same_spread(&a->cond2, &b->cond2);
  expect_same_spread(&a->amplification, &b->amplification);
  expect_same_spread(&a->residual, &b->residual);
  for (int p = 0; p < SG_PRECISIONS; p++) expect_same_spread(&a->error[p], &b->error[p]);
  assert_true(a->tried == b->tried && a->searched == b->searched && a->n_sets == b->n_sets);
  for (int i = 0; i < a->n_sets; i++)
    assert_true(a->sets[i].tried == b->sets[i].tried &&
                a->sets[i].decodable == b->sets[i].decodable);
}

static void threads_and_repeats_change_nothing(void **state) {
  (void)state;
  sg_check_options options = {.patterns = 150, .seed = 1, .threads = 1};
  const sg_code_type *type = sg_code_type_find("ye-abbe");
  sg_check *one = check_type(type, "d=6 m=2", 16, 60, &options);
  assert_false(one->exhaustive);
  assert_true(one->searched > 0 && one->tried == 150);
  for (int threads = 1; threads <= 5; threads += 2) {
    options.threads = threads;
    sg_check *again = check_type(type, "d=6 m=2", 16, 60, &options);
    expect_same(one, again);
    sg_check_free(again);
  }
  options.seed = 2;
  sg_check *other = check_type(type, "d=6 m=2", 16, 60, &options);
  assert_true(other->error[SG_FLOAT32].median != one->error[SG_FLOAT32].median);
  sg_check_free(other);
  sg_check_free(one);
}

/* What a search from few samples finds, beside all 2,517 patterns. */
static void a_search_comes_near_the_worst(void **state) {
  (void)state;
  const sg_code_type *type = sg_code_type_find("cyclic-repetition");
  sg_check_options all = {.patterns = 5000, .seed = 1, .threads = 2},
                   few = {.patterns = 1000, .seed = 1, .threads = 1};
  sg_check *truth = check_type(type, "s=4", 16, 20, &all);
  sg_check *found = check_type(type, "s=4", 16, 20, &few);
  assert_true(truth->exhaustive && !found->exhaustive);
  assert_true(found->cond2.worst <= truth->cond2.worst * (1 + 1e-9));
  assert_true(found->cond2.worst >= 0.5 * truth->cond2.worst);
  assert_true(found->amplification.worst >= 0.5 * truth->amplification.worst);
  assert_int_equal(found->s_found, 4);
  assert_true(truth->s_proved);
  sg_check_free(truth);
  sg_check_free(found);
}

static void take_share(void *user, double share) {
  double *last = user;
  assert_true(share >= 0 && share <= 1 && share >= *last);
  *last = share;
}

static void progress_rises(void **state) {
  (void)state;
  double last = 0;
  const sg_check_options options = {
      .patterns = 150, .seed = 1, .threads = 1, .progress = take_share, .user = &last};
  sg_check_free(check_type(sg_code_type_find("cyclic-repetition"), "s=4", 16, 20, &options));
  assert_true(last > 0.5);
}

/* --- Protocols of their own ------------------------------------------------------------------- */

static const sg_check_options plain = {.patterns = 1000, .seed = 1, .threads = 2};

static void codes_with_their_own_schedules(void **state) {
  (void)state;
  /* Two segments, a message each: what a worker sends is a gradient in all. */
  sg_check *c = check_type(&toy_two_messages, "", 3, 30, &plain);
  assert_true(c->m_found == 1 && c->received == 3 && c->least_messages == 6);
  assert_int_equal(c->s_found, 0);
  expect_sets(c, 4, (int[]){1, 3, 3, 1}, (int[]){1, 0, 0, 0});
  sg_check_free(c);
  /* Signals and commands: with one missing the others send coded messages. */
  c = check_type(&toy_nested, "", 3, 30, &plain);
  assert_int_equal(c->s_promised, 1);
  assert_int_equal(c->s_found, 1);
  assert_true(c->broken == 0 && c->residual.worst < 1e-12);
  assert_true(c->sets[1].decodable == 3 && c->sets[2].decodable == 0);
  assert_true(c->received == 2);
  /* With everyone there some orders need the second parts, so that a worker holds two of three:
   * d = s + m, and what is printed does not beat its own bound. */
  assert_true(c->d_found == 2 && c->copies == 2 && c->m_found == 1 && c->slack == 0);
  sg_check_free(c);
}

/* Any one of the three leaves may be missing, the inner node may not. */
static void relays(void **state) {
  (void)state;
  sg_check *c = check_type(&toy_tree, "", 4, 30, &plain);
  assert_true(c->sets[0].decodable == 1 && c->sets[1].tried == 4 && c->sets[1].decodable == 3);
  assert_true(c->broken == 0 && c->s_found == 0);
  assert_true(c->received == 1 && c->residual.worst < 1e-14);
  /* The relay's message is rounded from rounded ones. */
  assert_true(c->error[SG_FLOAT32].median > 1e-10 && c->error[SG_FLOAT32].worst < 1e-6);
  sg_check_free(c);
}

/* As toy-tree, but the inner node's weights are found by `combine`. */
static void own_terms(const sg_code *code, const sg_message *message, sg_row *row) {
  if (message->from < 3)
    toy_tree.encode(code, message, row);
  else
    sg_row_part(row, 3, 0, 1);
}

static sg_status combine(const sg_code *code, const sg_message *message, const sg_used *used) {
  static const double weight[3][3] = {{0, 1, 2}, {1, 0, 1}, {2, -1, 0}};
  (void)code, (void)message;
  if (used->count != 2) return SG_UNDECODABLE;
  int missing = 3 - used->message[0]->from - used->message[1]->from;
  for (int i = 0; i < 2; i++) used->W[i] = weight[missing][used->message[i]->from];
  return SG_OK;
}

static sg_verdict too_early(const sg_code *code, void *state, const sg_message *message,
                            sg_orders *orders) {
  (void)code, (void)state, (void)message, (void)orders;
  return SG_READY;
}

static void inner_nodes_that_decode(void **state) {
  (void)state;
  sg_code_type type = toy_tree;
  type.encode = own_terms;
  type.combine = combine;
  sg_check *c = check_type(&type, "", 4, 30, &plain);
  assert_true(c->sets[0].decodable == 1 && c->sets[1].decodable == 3 && c->broken == 0);
  assert_true(c->received == 1 && c->residual.worst < 1e-14);
  assert_true(c->error[SG_FLOAT64].worst < 1e-15 && c->error[SG_FLOAT32].median > 1e-10);
  sg_check_free(c);
  /* One that sends when the first leaf has answered cannot decode, nor can the master then. */
  type.arrive = too_early;
  c = check_type(&type, "", 4, 30, &plain);
  assert_true(c->sets[0].decodable == 0 && c->broken > 0 && c->s_found == -1);
  sg_check_free(c);
}

static void expect_traffic(sg_check *c, sg_traffic least, sg_traffic most) {
  const sg_traffic *found[] = {&c->traffic.least, &c->traffic.most};
  const sg_traffic *expected[] = {&least, &most};
  for (int i = 0; i < 2; i++) {
    assert_true(found[i]->messages == expected[i]->messages);
    assert_true(fabs(found[i]->gradients - expected[i]->gradients) < 1e-12);
    assert_true(found[i]->up == expected[i]->up && found[i]->down == expected[i]->down);
  }
  sg_check_free(c);
}

/* From one update to the next: messages, their length, reports, signals to workers. Of codes that
 * wait for the fastest n - s, whoever is slower is told to stop. */
static void traffic(void **state) {
  (void)state;
  expect_traffic(check_named("uncoded", "", 6, 20), (sg_traffic){6, 6, 0, 0},
                 (sg_traffic){6, 6, 0, 0});
  expect_traffic(check_named("cyclic-repetition", "s=2", 6, 20), (sg_traffic){4, 4, 0, 2},
                 (sg_traffic){6, 6, 0, 2});
  expect_traffic(check_type(&toy_two_messages, "", 3, 30, &plain), (sg_traffic){6, 3, 0, 0},
                 (sg_traffic){6, 3, 0, 0});
  /* All in step: three reports, and level 0; else up to all six. Three commands, and a worker that
   * is too late at level 1 is told of the end. */
  expect_traffic(check_type(&toy_nested, "", 3, 30, &plain), (sg_traffic){2, 2, 3, 3},
                 (sg_traffic){3, 3, 6, 4});
  expect_traffic(check_type(&toy_pipeline, "", 3, 30, &plain), (sg_traffic){6, 6, 0, 0},
                 (sg_traffic){9, 9, 0, 0}); /* the first job takes two rounds */
  /* Of the levels 0, 1, 2: n reports in step, at most a report for each of s_max + 1 tasks. */
  sg_check *c = check_named("nested", "s_max=2", 6, 20);
  assert_true(c->traffic.least.up == 6 && c->traffic.most.up == 18);
  assert_true(c->traffic.least.messages == 4 && c->traffic.most.messages == 6);
  sg_check_free(c);
}

/* Two jobs in flight: a worker has two of six parts and sends two vectors a job, a half each. */
static void jobs_in_flight(void **state) {
  (void)state;
  sg_check *c = check_type(&toy_pipeline, "", 3, 30, &plain);
  expect_sets(c, 4, (int[]){1, 3, 3, 1}, (int[]){1, 0, 0, 0});
  assert_true(c->s_found == 0 && c->d_found == 1 && c->m_found == 0.5 && c->slack == 0.5);
  assert_true(c->least_messages == 6 && c->received == 6 && c->residual.worst == 0);
  assert_true(c->error[SG_FLOAT64].worst < 1e-15);
  sg_check_free(c);
}

/* Without a barrier any worker updates the model, alone or with others: of 4 parts, 1 to 4 are in
 * the sum, so (α − 1)² is 1 for three to none of them. */
static void no_barrier(void **state) {
  (void)state;
  sg_check *c = check_type(&toy_async, "", 4, 30, &plain);
  assert_true(!c->exact && c->d_found == 1 && c->m_found == 1 && isnan(c->slack));
  expect_sets(c, 5, (int[]){1, 4, 6, 4, 1}, (int[]){1, 4, 6, 4, 0});
  for (int missing = 0; missing < 4; missing++)
    assert_true(c->sets[missing].worst_deviation == 0.75);
  assert_true(isnan(c->sets[4].worst_deviation));
  assert_true(c->least_messages == 1);
  sg_check_free(c);
}

/* n e = n s/(n − s) for s = 3 of 10 missing; below there is nothing. */
static void approximate_codes_have_errors(void **state) {
  (void)state;
  sg_check *c = check_named("ignore-stragglers", "s=3", 10, 20);
  for (int missing = 0; missing <= 3; missing++) {
    double expected = missing / (10.0 - missing);
    assert_true(fabs(c->sets[missing].mean_deviation - expected) < 1e-12);
    assert_true(fabs(c->sets[missing].worst_deviation - expected) < 1e-12);
  }
  assert_true(c->sets[4].decodable == 0 && isnan(c->sets[4].mean_deviation));
  assert_true(c->sets[8].decodable == 0 && isnan(c->sets[8].worst_deviation));
  sg_check_free(c);
}

/* Coded data: any 3 of 5, each with half of the data; copies 2.5, below s + m = 3, which is a bound
 * for sums of gradients only. */
static void coded_data(void **state) {
  (void)state;
  sg_check *c = check_type(&toy_coded, "", 5, 40, &plain);
  assert_true(c->s_found == 2 && c->s_proved && c->broken == 0);
  assert_true(c->d_found == 2.5 && c->copies == 2.5 && c->m_found == 1 && isnan(c->slack));
  assert_true(c->received == 3 && isnan(c->residual.worst));
  assert_true(c->error[SG_FLOAT64].worst > 0 && c->error[SG_FLOAT64].worst < 1e-12);
  assert_true(c->error[SG_FLOAT32].worst > 1e-9 && c->error[SG_FLOAT32].worst < 1e-4);
  sg_check_free(c);
}

/* --- Scripts ---------------------------------------------------------------------------------- */

typedef struct stage {
  sg_decoder *decoder;
  int tag[4], from[4], count; /* of the last decode */
  bool refuse;
} stage;

static sg_status on_stage(void *user, const sg_rehearsal *r, const sg_rehearsed_decode *what,
                          bool *decoded, sg_error *e) {
  stage *s = user;
  (void)r, (void)e;
  s->count = what->count;
  for (int i = 0; i < what->count && i < 4; i++) {
    s->tag[i] = what->message[i]->tag;
    s->from[i] = what->message[i]->from;
  }
  *decoded = !s->refuse;
  return SG_OK;
}

static int play(const sg_code *code, const sg_cue *cue, int cues, int updates, stage *s) {
  const sg_script script = {
      .cue = cue, .n_cues = cues, .updates = updates, .decode = on_stage, .user = s};
  sg_rehearsal r;
  sg_error e = {0};
  if (sg_rehearse(code, &script, &r, &e)) fail_msg("%s", e.fault[0].message);
  int made = r.updates;
  sg_rehearsal_free(&r);
  return made;
}

/* What is ordered first happens first: all have done one task before two have done two. With cues
 * workers 1 and 2 are done with both before worker 0 has begun, and it is told so. */
static void cues_choose_the_level(void **state) {
  (void)state;
  static const sg_cue fast[] = {{SG_CUE_BEGIN, 0},  {SG_CUE_WORK, 1},   {SG_CUE_WORK, 2},
                                {SG_CUE_WORK, 2},   {SG_CUE_WORK, 1},   {SG_CUE_SIGNAL, 1},
                                {SG_CUE_SIGNAL, 2}, {SG_CUE_SIGNAL, 2}, {SG_CUE_SIGNAL, 1},
                                {SG_CUE_COMMAND, 0}};
  sg_code *code = code_of(&toy_nested, "", 3, 30);
  stage s = {0};
  assert_int_equal(play(code, NULL, 0, 1, &s), 1);
  assert_true(s.count == 3 && s.tag[0] == 0 && s.from[2] == 2);
  assert_int_equal(play(code, fast, 10, 1, &s), 1);
  assert_true(s.count == 2 && s.tag[0] == 1 && s.from[0] == 1 && s.from[1] == 2);
  /* One of the three lost before it has done anything: the others must reach level 1. */
  static const sg_cue lost[] = {{SG_CUE_BEGIN, 0}, {SG_CUE_CRASH, 1}};
  assert_int_equal(play(code, lost, 2, 1, &s), 1);
  assert_true(s.count == 2 && s.from[0] == 0 && s.from[1] == 2);
  /* Two lost: nothing can happen any more; in the next round all are back, if it comes. */
  static const sg_cue both[] = {{SG_CUE_BEGIN, 0}, {SG_CUE_CRASH, 1}, {SG_CUE_CRASH, 2}};
  assert_int_equal(play(code, both, 3, 1, &s), 0);
  sg_code_free(code);
}

/* A refused decode is told, further messages make another try; the messages of the tree are made
 * of those that its parent has. */
static void refusals_and_relays(void **state) {
  (void)state;
  stage s = {.refuse = true};
  sg_code *code = code_of(&toy_tree, "", 4, 30);
  assert_int_equal(play(code, NULL, 0, 1, &s), 0);
  assert_true(s.count == 1 && s.from[0] == 3);
  s.refuse = false;
  assert_int_equal(play(code, NULL, 0, 3, &s), 3);
  sg_code_free(code);
  /* A crash without a barrier: the worker is soon back and given work again. */
  static const sg_cue crash[] = {{SG_CUE_BEGIN, 0}, {SG_CUE_CRASH, 0}, {SG_CUE_CRASH, 1}};
  code = code_of(&toy_async, "", 2, 30);
  assert_int_equal(play(code, crash, 3, 50, &s), 50);
  sg_code_free(code);
}

/* --- Faulty codes ----------------------------------------------------------------------------- */

static sg_status boast_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  (void)values, (void)e;
  code->parts = shape->workers;
  code->promised = 1;
  return SG_OK;
}

static void own_part(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code, (void)row->state;
  sg_row_part(row, message->from, 0, 1);
}

static const sg_code_type boast = {
    .about = {.name = "boast", .summary = ""}, .create = boast_create, .encode = own_part};

static void a_broken_promise_is_seen(void **state) {
  (void)state;
  sg_check *c = check_type(&boast, "", 4, 10, &plain);
  assert_int_equal(c->broken, 4);
  assert_int_equal(c->n_broken_missing, 1);
  assert_int_equal(c->broken_missing[0], 0);
  assert_int_equal(c->s_promised, 1);
  assert_int_equal(c->s_found, 0);
  assert_true(c->slack == 0);
  sg_check_free(c);
}

static void huge_part(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code, (void)row->state;
  sg_row_part(row, message->from, 0, 1e39);
}

static sg_status huge_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  (void)values, (void)e;
  code->parts = shape->workers;
  return SG_OK;
}

static const sg_code_type huge = {
    .about = {.name = "huge", .summary = ""}, .create = huge_create, .encode = huge_part};

static void overflow_is_an_infinite_error(void **state) {
  (void)state;
  sg_check *c = check_type(&huge, "", 3, 10, &plain);
  assert_true(c->error[SG_FLOAT64].worst < 1e-14);
  assert_true(isinf(c->error[SG_FLOAT32].worst) && isinf(c->error[SG_BFLOAT16].worst));
  assert_true(isinf(c->error[SG_FLOAT32].median));
  assert_int_equal(c->broken, 0);
  sg_check_free(c);
}

/* theory: ye-abbe-errors. At n = 24, (12, 6, 6), the polynomial code has lost its digits; the
 * random one and group codes have not. */
static void decodes_that_are_wrong_are_counted(void **state) {
  (void)state;
  const sg_check_options few = {.patterns = 60, .seed = 1, .threads = 2};
  const sg_code_type *type = sg_code_type_find("ye-abbe");
  sg_check *c = check_type(type, "d=12 m=6 construction=polynomial", 24, 60, &few);
  assert_true(c->inaccurate > 30 && c->error[SG_FLOAT64].worst > 1e-4);
  sg_check_free(c);
  c = check_type(type, "d=12 m=6 construction=random", 24, 60, &few);
  assert_true(c->inaccurate == 0 && c->error[SG_FLOAT64].worst < 1e-8);
  double random = c->error[SG_FLOAT64].worst;
  sg_check_free(c);
  c = check_type(sg_code_type_find("group"), "d=12 m=6 stop=count", 24, 60, &few);
  assert_true(c->inaccurate == 0 && c->error[SG_FLOAT64].worst <= random);
  sg_check_free(c);
}

/* Weights that claim to work whatever has come. */
static sg_status any_weights(const sg_code *code, const sg_used *used) {
  (void)code;
  for (int i = 0; i < used->count; i++) used->W[i] = 1;
  return SG_OK;
}

static sg_status liar_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                             sg_error *e) {
  (void)values, (void)e;
  code->parts = shape->workers;
  code->promised = shape->workers - 1;
  return SG_OK;
}

static const sg_code_type liar = {.about = {.name = "liar", .summary = ""},
                                  .create = liar_create,
                                  .encode = own_part,
                                  .weights = any_weights};

/* One copy of the data: s + m = 1 is all that there can be, though all its 15 patterns "decode". */
static void nothing_beats_the_bound(void **state) {
  (void)state;
  sg_check *c = check_type(&liar, "", 4, 20, &plain);
  assert_true(c->broken == 0 && c->tried == 15 && c->inaccurate == 14);
  assert_true(c->s_found == 0 && c->m_found == 1 && c->copies == 1 && c->slack == 0);
  sg_check_free(c);
}

static const sg_order *wrong_order; /* what the protocol under test orders when a round begins */

static void wrong_on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  (void)code, (void)state;
  if (event->kind == SG_TIMER) sg_timer(o, SG_AFTER_SECONDS, 0, 0);
  if (event->kind != SG_BEGIN) return;
  sg_snapshot(o, event->round, 0, 0);
  switch (wrong_order->kind) {
  case SG_ORDER_TASK: sg_task(o, wrong_order->node, event->round, 1, 1, 0); break;
  case SG_ORDER_SEND: sg_send(o, 0, SG_MASTER, event->round, wrong_order->segment, 0, 0); break;
  case SG_ORDER_DECODE: sg_decode(o, wrong_order->model, event->round, 0); break;
  case SG_ORDER_TIMER: sg_timer(o, SG_AFTER_SECONDS, 0, 0); break;
  default: sg_end_round(o), sg_end_round(o);
  }
}

static const sg_code_type wrong = {.about = {.name = "wrong", .summary = ""},
                                   .create = liar_create,
                                   .encode = own_part,
                                   .on_event = wrong_on_event};

static void orders_that_nobody_can_obey_are_faults(void **state) {
  (void)state;
  static const struct {
    sg_order order;
    const char *words;
  } cell[] = {{{.kind = SG_ORDER_TASK, .node = 9}, "orders a node that there is not"},
              {{.kind = SG_ORDER_SEND, .segment = 3}, "in a segment that there is not"},
              {{.kind = SG_ORDER_DECODE, .model = 2}, "for a model that there is not"},
              {{.kind = SG_ORDER_TIMER}, "does not come to rest"},
              {{.kind = SG_ORDER_END_ROUND}, "ends a round that is over"}};
  sg_code *code = code_of(&wrong, "", 3, 12);
  for (size_t i = 0; i < sizeof cell / sizeof *cell; i++) {
    sg_check *check = NULL;
    sg_error e = {0};
    wrong_order = &cell[i].order;
    assert_int_equal(sg_code_check(code, &plain, &check, &e), SG_BUG);
    assert_null(check);
    assert_int_equal(strncmp(e.fault[0].message, "code wrong: its protocol", 24), 0);
    if (!strstr(e.fault[0].message, cell[i].words)) fail_msg("%s", e.fault[0].message);
    sg_error_clear(&e);
  }
  sg_code_free(code);
}

/* --- The grid --------------------------------------------------------------------------------- */

typedef struct tally {
  int count;
  char last[200];
} tally;

static sg_status count_code(void *user, const sg_values *values, const sg_code *code, sg_error *e) {
  (void)e;
  tally *t = user;
  char label[200];
  sg_code_label(values, label, sizeof label);
  assert_int_equal(code->shape.workers, 12);
  assert_string_not_equal(label, t->last); /* no code twice */
  strcpy(t->last, label);
  t->count++;
  return SG_OK;
}

static sg_status stop_at_third(void *user, const sg_values *values, const sg_code *code,
                               sg_error *e) {
  (void)values, (void)code;
  return ++*(int *)user == 3 ? sg_fail(e, SG_INVALID, NULL, "enough") : SG_OK;
}

static void the_grid_has_every_code(void **state) {
  (void)state;
  sg_shape shape = shape_of(12, 60);
  sg_error e = {0};
  const sg_code_type *type;
  for (int i = 0; (type = sg_code_type_at(i)); i++) {
    tally t = {0};
    assert_int_equal(sg_grid_walk(type, &shape, count_code, &t, &e), SG_OK);
    bool wants_file = false; /* then there is none in a grid */
    for (const sg_param *p = type->about.params; p && p->name; p++)
      wants_file |= p->kind == SG_MATRIX && p->flags & SG_REQUIRED;
    if (t.count == 0 && !wants_file) { /* nor of one that wants one of several members */
      bench b;
      sg_values *values = bench_values(type->about.name, NULL);
      assert_int_equal(bench_open_shaped(&b, values, &shape, &e), SG_INVALID);
      wants_file = strstr(e.fault[0].message, "found 0 of them");
      sg_error_clear(&e);
      sg_values_free(values);
    }
    if ((t.count == 0) != wants_file) fail_msg("%s: %d in the grid", type->about.name, t.count);
  }
  int visits = 0;
  type = sg_code_type_find("ye-abbe");
  assert_int_equal(sg_grid_walk(type, &shape, stop_at_third, &visits, &e), SG_INVALID);
  assert_int_equal(visits, 3);
  sg_error_clear(&e);
}

/* --- Random straggling, by hand --------------------------------------------------------------- */

static void near(double found, double expected) {
  if (!(fabs(found - expected) <= 1e-12 * fmax(1, fabs(expected))))
    fail_msg("found %.15g, expected %.15g", found, expected);
}

/* n/k times the sum of k of n: e = (n − k)/k; nothing at all: 1. */
static void straggling_of_ignored_workers(void **state) {
  (void)state;
  enum { N = 5 };
  static const double p[] = {0.3};
  const sg_check_options options = {
      .patterns = 5000, .seed = 1, .threads = 2, .n_straggling = 1, .straggling = p};
  sg_check *c = check_type(sg_code_type_find("ignore-stragglers"), "s=4", N, 50, &options);
  double error = 0.3 * 0.3 * 0.3 * 0.3 * 0.3, choose[] = {1, 5, 10, 10, 5, 1};
  for (int k = 1; k <= N; k++) error += choose[k] * pow(0.7, k) * pow(0.3, N - k) * (N - k) / k;
  const sg_check_straggling *b = &c->straggling;
  assert_true(b->known && b->enumerated && b->tried == 32);
  near(b->error, error);
  near(b->share, 1 - pow(0.3, N));
  near(b->recovered, pow(0.7, N));
  near(b->refused, pow(0.3, N));
  near(b->bound, 0.3);
  near(b->unbiased_bound, 0.3 / 0.7);
  /* By number of missing workers: they are all alike, and every part is held once. */
  for (int q = 1; q < N; q++) {
    near(c->sets[q].mean_deviation, (double)q / (N - q));
    near(c->sets[q].greedy, (double)q / (N - q));
    near(c->sets[q].least_mean, (double)q / N);
    near(c->sets[q].least_worst, (double)q / N);
  }
  sg_check_free(c);
}

/* Groups of three with p in turn: lost with .2 · .1 · .2 and .1 · .2 · .1, independently. */
static void straggling_of_repetition(void **state) {
  (void)state;
  static const double p[] = {0.2, 0.1};
  const sg_check_options options = {
      .patterns = 5000, .seed = 1, .threads = 1, .n_straggling = 2, .straggling = p};
  sg_check *c = check_type(sg_code_type_find("fractional-repetition"), "s=2", 6, 50, &options);
  near(c->straggling.refused, 0.004 + 0.002 - 0.004 * 0.002);
  near(c->straggling.error, c->straggling.refused);
  near(c->straggling.bound, (0.004 + 0.002) / 2);
  assert_true(isnan(c->sets[1].greedy)); /* which is for codes that are not exact */
  sg_check_free(c);
  /* Too many patterns to try all: a sample, with its error. */
  sg_check_options few = options;
  few.n_straggling = 1;
  c = check_type(sg_code_type_find("fractional-repetition"), "s=2", 30, 60, &few);
  double kept = 1;
  for (int i = 0; i < 10; i++) kept *= 1 - 0.008;
  assert_true(!c->straggling.enumerated && c->straggling.tried == 5000);
  assert_true(fabs(c->straggling.refused - (1 - kept)) <= 4 * sqrt(kept * (1 - kept) / 5000));
  assert_true(fabs(c->straggling.error_se -
                   sqrt(c->straggling.error * (1 - c->straggling.error) / 5000)) < 1e-12);
  sg_check_free(c);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fractional_repetition_by_hand),
      cmocka_unit_test(two_stages_by_hand),
      cmocka_unit_test(uncoded_by_hand),
      cmocka_unit_test(harmonic_closed_forms),
      cmocka_unit_test(condition_numbers_are_those_of_the_rows),
      cmocka_unit_test(cyclic_repetition),
      cmocka_unit_test(threads_and_repeats_change_nothing),
      cmocka_unit_test(a_search_comes_near_the_worst),
      cmocka_unit_test(progress_rises),
      cmocka_unit_test(codes_with_their_own_schedules),
      cmocka_unit_test(relays),
      cmocka_unit_test(inner_nodes_that_decode),
      cmocka_unit_test(traffic),
      cmocka_unit_test(jobs_in_flight),
      cmocka_unit_test(no_barrier),
      cmocka_unit_test(approximate_codes_have_errors),
      cmocka_unit_test(straggling_of_ignored_workers),
      cmocka_unit_test(straggling_of_repetition),
      cmocka_unit_test(coded_data),
      cmocka_unit_test(cues_choose_the_level),
      cmocka_unit_test(refusals_and_relays),
      cmocka_unit_test(a_broken_promise_is_seen),
      cmocka_unit_test(overflow_is_an_infinite_error),
      cmocka_unit_test(decodes_that_are_wrong_are_counted),
      cmocka_unit_test(nothing_beats_the_bound),
      cmocka_unit_test(orders_that_nobody_can_obey_are_faults),
      cmocka_unit_test(the_grid_has_every_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
