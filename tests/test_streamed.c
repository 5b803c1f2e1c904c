/* SPDX-License-Identifier: MIT */
/* Streamed group codes: every iteration's time against the formula for its own draws, the mean
 * against reference values by Monte Carlo, the spread of the harmonic chunk code, messages. */
#include "codes/linear/inner.h"
#include "sim/core/linalg.h"
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORKERS = 8, MOST_CHUNKS = 8 };

static sg_code *streamed(int n, const char *const *member, sg_error *e) {
  const sg_code_type *type = sg_code_type_find("streamed-group");
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "/schemes/0");
  assert_non_null(values);
  for (; *member; member += 2)
    assert_int_equal(sg_values_parse(values, member[0], member[1], NULL), SG_OK);
  sg_shape shape = {.workers = n, .subsets = n, .length = 1000, .seed = 1, .updates = 1000000};
  sg_code *code = NULL;
  sg_code_new(type, &shape, values, &code, e);
  sg_values_free(values);
  return code;
}

static int rising(const void *x, const void *y) {
  const double *a = x, *b = y;
  return (*a > *b) - (*a < *b);
}

/* theory: streamed-group. Chunk t of worker i comes at d T1_i + (T2_i/M + per message) t, a group
 * is done at its M-th chunk, the iteration with its last group. */
static double formula(const test_environment *t, sg_delay_run *delay, int i, int d, int chunks,
                      double per_message) {
  double latest = 0, share = ceil(1000.0 / chunks) / 1000; /* padded where M does not divide l */
  for (int group = 0; group < WORKERS / d; group++) {
    double time[WORKERS * MOST_CHUNKS];
    for (int c = 0; c < d; c++) {
      int w = group * d + c;
      double compute = sg_delay_seconds(delay, w, (uint32_t)i, 0, d, d);
      double vector = sg_uplink_seconds(t->network, 0, w, (uint32_t)i, 0, 1, 8000) - per_message;
      for (int k = 0; k < chunks; k++)
        time[c * chunks + k] = compute + (vector * share + per_message) * (k + 1);
    }
    qsort(time, (size_t)(d * chunks), sizeof *time, rising);
    latest = fmax(latest, time[chunks - 1]);
  }
  return latest;
}

/* Mean of `iterations` rounds, each compared with the formula. */
static double check_rounds(const char *d, const char *chunks, double per_message, int iterations) {
  test_setup setup = {.workers = WORKERS,
                      .delay = "shifted-exponential",
                      .delay_by = {1.6, 1.25},
                      .uplink = "shifted-exponential",
                      .uplink_by = {6, 10},
                      .draw = "iteration",
                      .per_message_s = per_message,
                      .length = 1000,
                      .seed = 1};
  test_environment t;
  test_environment_make(&t, &setup);
  sg_code *code = streamed(WORKERS, (const char *const[]){"d", d, "chunks", chunks, NULL}, NULL);
  assert_non_null(code);
  sg_run_limits limits = {.iterations = iterations, .sim_time_s = INFINITY};
  sg_run *run = sg_run_new(&t.env, code, 0, &limits, &(sg_run_hooks){0}, NULL);
  sg_delay_run *delay = sg_delay_run_new(t.delay, 0);
  assert_true(run && delay);
  double sum = 0;
  for (int i = 0; i < iterations; i++) {
    assert_int_equal(sg_run_advance(run), SG_RUN_DECODE);
    sg_run_supply(run, &(sg_run_result){.decoded = true, .n_used = 1});
    const sg_iteration_record *row = sg_run_record(run);
    assert_non_null(row);
    NEAR(row->duration_s, formula(&t, delay, i, atoi(d), atoi(chunks), per_message));
    /* A chunk is 1/M of a gradient, rounded up. */
    int length = (1000 + atoi(chunks) - 1) / atoi(chunks);
    NEAR(row->bytes_received, row->n_received * length * 8.0);
    sum += row->duration_s;
  }
  sg_delay_run_free(delay);
  sg_run_free(run);
  sg_code_free(code);
  test_environment_free(&t);
  return sum / iterations;
}

static void times_follow_the_formula(void **state) {
  (void)state;
  check_rounds("4", "3", .5, 300);
  check_rounds("2", "4", 2, 300);
  check_rounds("8", "5", 0, 300);
  check_rounds("1", "4", .1, 300);
}

/* theory: streamed-group, n = 8: Monte Carlo of 60,000 runs, standard error about .01; here 10,000
 * rounds, .03. */
static void means_are_the_reference_values(void **state) {
  (void)state;
  assert_true(fabs(check_rounds("4", "1", 0, 10000) - 20.24) < .15);
  assert_true(fabs(check_rounds("4", "2", 0, 10000) - 17.50) < .12);
  assert_true(fabs(check_rounds("4", "4", 0, 10000) - 16.14) < .12);
  assert_true(fabs(check_rounds("4", "8", 0, 10000) - 15.52) < .12);
  assert_true(fabs(check_rounds("2", "4", 0, 10000) - 17.50) < .15);
}

static double worst_of(const char *d, const char *chunks, const char *linear) {
  sg_code *code = streamed(
      atoi(d), (const char *const[]){"d", d, "chunks", chunks, "linear_code", linear, NULL}, NULL);
  assert_non_null(code);
  const char *number = strstr(code->note, "condition number ");
  assert_non_null(number);
  double worst = strtod(number + strlen("condition number "), NULL);
  sg_code_free(code);
  return worst;
}

/* The spread harmonic chunk code is better than Gaussian ones over all mixes of arrivals. */
static void spread_points_are_well_conditioned(void **state) {
  (void)state;
  static const char *const sizes[][2] = {{"4", "4"}, {"4", "8"}, {"6", "6"}, {"8", "8"}};
  static const double most[] = {30, 130, 600, 7000};
  for (int i = 0; i < 4; i++) {
    double harmonic = worst_of(sizes[i][0], sizes[i][1], "harmonic");
    double gaussian = worst_of(sizes[i][0], sizes[i][1], "gaussian");
    assert_true(harmonic < most[i] && harmonic < gaussian);
  }
  /* One worker's own chunks lie evenly on the circle: with d = 1 the only mix is orthogonal. */
  assert_true(fabs(worst_of("1", "8", "harmonic") - 1) < 1e-2);
}

static void assert_refused(int n, const char *const *member, const char *place,
                           const char *message) {
  sg_error e = {0};
  assert_null(streamed(n, member, &e));
  assert_int_equal(e.count, 1);
  assert_string_equal(e.fault[0].place, place);
  assert_string_equal(e.fault[0].message, message);
  sg_error_clear(&e);
}

static void faults_and_promises(void **state) {
  (void)state;
  assert_refused(8, (const char *const[]){"d", "3", "chunks", "4", NULL}, "/schemes/0/d",
                 "expected d dividing n = 8 (1, 2, 4, 8), or \"groups\": \"uneven\", found 3");
  assert_refused(
      8, (const char *const[]){"d", "4", "chunks", "8", "chunks_per_worker", "1", NULL},
      "/schemes/0/chunks_per_worker",
      "expected from chunks / d = 2 to chunks = 8, so that a group of 4 can complete, found 1");
  sg_code *code = streamed(
      8, (const char *const[]){"d", "4", "chunks", "4", "chunks_per_worker", "2", NULL}, NULL);
  assert_int_equal(code->promised, 2); /* two workers of a group are enough */
  assert_true(code->load == 4 && code->reduction == 4);
  sg_code_free(code);
  code =
      streamed(10, (const char *const[]){"d", "4", "chunks", "4", "groups", "uneven", NULL}, NULL);
  assert_true(code->promised == 4 && code->load == 5);
  sg_code_free(code);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(times_follow_the_formula),
      cmocka_unit_test(means_are_the_reference_values),
      cmocka_unit_test(spread_points_are_well_conditioned),
      cmocka_unit_test(faults_and_promises),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
