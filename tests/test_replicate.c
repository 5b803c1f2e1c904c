/* SPDX-License-Identifier: MIT */
/* What replications draw anew: delays, codes, data; by runs of whole scenarios. A replication's
 * code and data are those of a scenario with the seed that the head of random.h says. */
#include "sim/core/linalg.h"
#include "sim/experiment/execute.h"

#include <math.h>
#include <Random123/philox.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 4, ITERATIONS = 12, COLUMNS = 6, SCHEMES = 4 };

static char folder[] = "/tmp/straggle-test-XXXXXX";

static int set_up(void **state) {
  sg_blas_single_thread();
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  char command[300];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  return system(command);
}

static void fail_with(sg_error *e) {
  for (int i = 0; i < e->count; i++)
    print_error("%s: %s\n", e->fault[i].place, e->fault[i].message);
  fail();
}

/* Rows of a database: [scheme][replication][iteration][column]. */
typedef struct rows {
  double at[SCHEMES][RUNS][ITERATIONS][COLUMNS];
  int count;
} rows;

enum { LOSS, NORM, ERROR, COND, SIZE, DURATION };

static const char fixed_times[] = "{\"model\":\"deterministic\",\"value_s\":1}",
                  random_times[] = "{\"model\":\"exponential\",\"mean_s\":1}";

/* All schemes decode by random coefficients, or have none; the speeds make one order of arrivals
 * where times are fixed. */
static rows *run(const char *replicate, uint64_t seed, int replications, const char *delay) {
  static int number;
  char text[2000], path[256];
  snprintf(text, sizeof text,
           "{\"format\":1,\"cluster\":{\"workers\":6,\"speeds\":[1,2,3,4,5,6]},\"delay\":%s,"
           "\"learning\":{\"problem\":\"logistic-regression\",\"l2\":0.01,"
           "\"data\":{\"source\":\"gaussian-mixture\",\"rows\":120,\"features\":7},"
           "\"optimizer\":{\"method\":\"nesterov\",\"step\":0.5}},\"schemes\":["
           "{\"code\":\"uncoded\"},{\"code\":\"cyclic-repetition\",\"s\":2},"
           "{\"code\":\"group\",\"d\":3,\"m\":2,\"linear_code\":\"gaussian\"},"
           "{\"code\":\"arbitrary-placement\",\"replication\":3,\"s\":2,\"placement\":\"random\"}"
           "],\"replicate\":\"%s\",\"random\":{\"seed\":\"%llu\"},\"replications\":%d,"
           "\"stop\":{\"iterations\":%d}}",
           delay, replicate, (unsigned long long)seed, replications, ITERATIONS);
  snprintf(path, sizeof path, "%s/%d.db", folder, number++);
  sg_error e = {0};
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  sg_db *db = NULL;
  sg_execute_report report;
  const sg_execute_options options = {.threads = 2};
  const sg_invocation invocation = {.argv = "test", .version = "test", .threads = 2};
  if (sg_scenario_parse("scenario.json", text, strlen(text), 0, NULL, &scenario, &e) ||
      sg_plan_new(scenario, &plan, &e) || sg_db_open(path, SG_OPEN_WRITE, &db, &e) ||
      sg_execute(plan, db, &invocation, &options, &report, &e))
    fail_with(&e);
  assert_int_equal(report.computed, SCHEMES * replications);
  sqlite3_stmt *s = NULL;
  rows *r = calloc(1, sizeof *r);
  assert_non_null(r);
  assert_int_equal(
      sqlite3_prepare_v2(
          sg_db_handle(db),
          "SELECT dense_rank() OVER (ORDER BY point_id) - 1, replication, iteration, loss,"
          " grad_norm, grad_scaled_err, cond1_est, decode_amp, duration_s"
          " FROM iteration JOIN run USING (run_id)",
          -1, &s, NULL),
      SQLITE_OK);
  for (; sqlite3_step(s) == SQLITE_ROW; r->count++)
    for (int c = 0; c < COLUMNS; c++)
      r->at[sqlite3_column_int(s, 0)][sqlite3_column_int(s, 1)][sqlite3_column_int(s, 2)][c] =
          sqlite3_column_double(s, 3 + c);
  assert_int_equal(r->count, SCHEMES * replications * ITERATIONS);
  sqlite3_finalize(s);
  sg_db_close(db, &e);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  return r;
}

/* The seed as random.h says it, from Philox alone. */
static uint64_t seed_of(uint64_t seed, uint32_t replication) {
  const philox4x32_ctr_t counter = {{0, 0, 0, 17u << 24 | replication}};
  const philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
  philox4x32_ctr_t out = philox4x32(counter, key);
  return (uint64_t)out.v[0] << 32 | out.v[1];
}

/* Every bit of every row, where times do not depend on the replication. */
static void test_equal_to_a_scenario_of_that_seed(void **state) {
  static const uint64_t seeds[] = {1, UINT64_MAX};
  for (int i = 0; i < 2; i++) {
    rows *all = run("delays+code+data", seeds[i], RUNS, fixed_times);
    for (uint32_t r = 0; r < RUNS; r++) {
      assert_true(sg_replication_seed(seeds[i], r) == seed_of(seeds[i], r));
      rows *one = run("delays", seed_of(seeds[i], r), 1, fixed_times);
      for (int k = 0; k < SCHEMES; k++)
        assert_memory_equal(all->at[k][r], one->at[k][0], sizeof one->at[k][0]);
      free(one);
    }
    free(all);
  }
}

/* Whether the numbers of a column in the first iteration differ in all pairs of replications
 * (true), or in none (false). */
static bool differ(const rows *r, int scheme, int column) {
  int different = 0;
  for (int i = 0; i < RUNS; i++)
    for (int j = 0; j < i; j++)
      different += r->at[scheme][i][0][column] != r->at[scheme][j][0][column];
  assert_true(different == 0 || different == RUNS * (RUNS - 1) / 2);
  return different > 0;
}

static void test_what_is_drawn_anew(void **state) {
  static const char *const modes[] = {"delays", "delays+code", "delays+code+data"};
  for (int m = 0; m < 3; m++) {
    rows *r = run(modes[m], 5, RUNS, fixed_times);
    assert_true(differ(r, 0, LOSS) == (m == 2)); /* uncoded: the data alone */
    assert_true(differ(r, 0, NORM) == (m == 2));
    for (int k = 1; k < SCHEMES; k++) assert_true(differ(r, k, COND) == (m >= 1));
    free(r);
  }
}

/* In each mode the delays of a replication are the same ones, whatever the code and data: of
 * uncoded, which waits for everybody. */
static void test_delays_stay(void **state) {
  rows *a = run("delays", 5, RUNS, random_times), *b = run("delays+code", 5, RUNS, random_times),
       *c = run("delays+code+data", 5, RUNS, random_times);
  assert_true(differ(a, 0, DURATION));
  for (int r = 0; r < RUNS; r++)
    for (int t = 0; t < ITERATIONS; t++) {
      assert_true(a->at[0][r][t][DURATION] == b->at[0][r][t][DURATION]);
      assert_true(a->at[0][r][t][DURATION] == c->at[0][r][t][DURATION]);
    }
  free(a);
  free(b);
  free(c);
}

/* Exact codes of a replication learn from the same data: one trajectory, another in the next. */
static void test_exact_codes_agree_within_a_replication(void **state) {
  rows *a = run("delays+code+data", 5, RUNS, random_times);
  for (int r = 0; r < RUNS; r++)
    for (int t = 0; t < ITERATIONS; t++) {
      double loss = a->at[0][r][t][LOSS];
      for (int k = 1; k < SCHEMES; k++)
        assert_true(fabs(a->at[k][r][t][LOSS] - loss) < 1e-9 * loss);
      for (int other = 0; other < r; other++)
        assert_true(fabs(a->at[0][other][t][LOSS] - loss) > 1e-6 * loss);
    }
  free(a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_equal_to_a_scenario_of_that_seed),
      cmocka_unit_test(test_what_is_drawn_anew),
      cmocka_unit_test(test_delays_stay),
      cmocka_unit_test(test_exact_codes_agree_within_a_replication),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
