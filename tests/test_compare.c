/* SPDX-License-Identifier: MIT */
/* The comparison: numbers computed by hand, rules of censoring and of approximate schemes. */
#include "results/query.h"
#include "results/results.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <math.h>
#include <unistd.h>

static char path[96];
static sg_db *db;
static sg_writer *writer;
static int64_t scenario;

static void require(sg_status status, const sg_error *e) {
  if (status) fail_msg("%s", e->count ? e->fault[0].message : "no fault");
}

static int set_up(void **state) {
  (void)state;
  sg_error e = {0};
  int64_t invocation;
  snprintf(path, sizeof path, "/tmp/straggle-compare-%ld.db", (long)getpid());
  unlink(path);
  require(sg_db_open(path, SG_OPEN_WRITE, &db, &e), &e);
  require(sg_db_add_invocation(db, &(sg_invocation){.threads = 1}, &invocation, &e), &e);
  require(sg_db_add_scenario(db, "toy", "toy.json", "{}", "abc", &scenario, &e), &e);
  require(sg_writer_new(db, &writer, &e), &e);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  sg_error e = {0};
  require(sg_writer_free(writer, &e), &e);
  require(sg_db_close(db, &e), &e);
  return unlink(path);
}

typedef struct toy { /* a scheme; 0 where nothing is said */
  const char *env, *code, *label;
  bool baseline, timing_only, inexact, no_barrier;
  double target;
  const char *n; /* the sweep axis; NULL: none */
} toy;

static void flush(void) {
  sg_error e = {0};
  require(sg_writer_free(writer, &e), &e);
  require(sg_writer_new(db, &writer, &e), &e);
}

static int64_t add(toy t) {
  sg_error e = {0};
  int64_t id = 0;
  char hash[128];
  snprintf(hash, sizeof hash, "%s/%s", t.env, t.label);
  const sg_axis axis = {"n", t.n};
  const sg_point_record p = {.point_sha256 = hash,
                             .env_sha256 = t.env,
                             .config_json = "{}",
                             .scheme_label = t.label,
                             .code = t.code,
                             .stop_rule = "count",
                             .exact = !t.inexact,
                             .barrier = !t.no_barrier,
                             .timing_only = t.timing_only,
                             .is_baseline = t.baseline,
                             .n_workers = 12,
                             .n_subsets = 12,
                             .length = 100,
                             .load_d = 2,
                             .stragglers_s = 1,
                             .comm_m = 1,
                             .stored_data_factor = 2,
                             .scaling = "proportional",
                             .late_work = "cancel",
                             .late_messages = "cancel",
                             .problem = t.timing_only ? "none" : "least-squares",
                             .target_loss = t.target > 0 ? t.target : NAN,
                             .max_iterations = 10,
                             .seed = 1,
                             .n_axes = t.n ? 1 : 0,
                             .axis = &axis};
  flush();
  require(sg_db_add_point(db, scenario, &p, &id, &e), &e);
  return id;
}

static double cond1_of_runs = 1; /* of the finished runs that are added */

/* One run. target_s: NAN: not reached. */
static void run(int64_t point, int replication, double iter_s, double target_s, double scaled_err,
                const char *status) {
  const sg_run_row row = {.run_id = sg_run_id(point, replication),
                          .point_id = point,
                          .invocation_id = 1,
                          .replication = replication,
                          .detail = SG_DETAIL_SUMMARY,
                          .status = status,
                          .stop_reason = "iterations"};
  const sg_summary_record summary = {.iter_mean_s = iter_s,
                                     .iter_p99_s = 2 * iter_s,
                                     .time_to_target_s = target_s,
                                     .iterations_to_target = -1,
                                     .final_loss = 0.25,
                                     .final_accuracy = 0.75,
                                     .grad_scaled_err_max = scaled_err,
                                     .cond1_max = strstr(status, "finished") ? cond1_of_runs : NAN,
                                     .decode_amp_max = 3,
                                     .undecodable_iters = 1,
                                     .bytes_received_mean = 3e6,
                                     .worker_seconds_per_iter = 12 * iter_s};
  assert_true(sg_writer_begin(writer, &row));
  assert_true(sg_writer_finish(writer, &row, &summary, 0, NULL));
}

/* Runs of the given iteration times; exact arithmetic, no target. */
static void runs(int64_t point, int n, const double *iter_s) {
  for (int i = 0; i < n; i++) run(point, i, iter_s[i], NAN, 1e-15, "finished");
}

static cJSON *compare(const char *baseline) {
  sg_error e = {0};
  sg_buffer out = {0};
  flush();
  require(sg_compare(db, baseline, SG_FORMAT_JSON, 0, false, &out, &e), &e);
  cJSON *rows = cJSON_Parse(out.data);
  assert_true(cJSON_IsArray(rows));
  sg_buffer_free(&out);
  return rows;
}

static const cJSON *member(const cJSON *rows, int row, const char *name) {
  const cJSON *item = cJSON_GetObjectItem(cJSON_GetArrayItem(rows, row), name);
  assert_non_null(item);
  return item;
}

static void expect_text(const cJSON *rows, int row, const char *name, const char *expected) {
  assert_string_equal(member(rows, row, name)->valuestring, expected);
}

static void expect_number(const cJSON *rows, int row, const char *name, double expected) {
  const cJSON *item = member(rows, row, name);
  assert_true(cJSON_IsNumber(item));
  if (!(fabs(item->valuedouble - expected) <= 1e-9 * fabs(expected)))
    fail_msg("%s is %.17g, not %.17g", name, item->valuedouble, expected);
}

static void expect_printed(int width, const char *const *parts) {
  sg_error e = {0};
  sg_buffer out = {0};
  flush();
  require(sg_compare(db, NULL, SG_FORMAT_TEXT, width, false, &out, &e), &e);
  for (; *parts; parts++)
    if (!strstr(out.data, *parts)) fail_msg("no \"%s\" in\n%s", *parts, out.data);
  int column = 0;
  for (const char *s = out.data; width && *s; s++) {
    column = *s == '\n' ? 0 : column + (((unsigned char)*s & 0xC0) != 0x80);
    if (column > 100) fail_msg("a line is wider than 100 columns:\n%s", out.data);
  }
  sg_buffer_free(&out);
}

/* Log ratios 0.3, 0.4, 0.5, 0.4, 0.4: mean 0.4, sd sqrt(0.02 / 4), t(0.975, 4) = 2.776445105. */
static const double half_width = 2.7764451051977987 * 0.070710678118654752 / 2.2360679774997897;
static const double base_s[] = {2, 4, 2, 4, 2}, log_ratio[] = {0.3, 0.4, 0.5, 0.4, 0.4};

static void add_pair(const char *env, const char *n) {
  double x[5];
  for (int i = 0; i < 5; i++) x[i] = base_s[i] * exp(-log_ratio[i]);
  runs(add((toy){.env = env, .code = "uncoded", .label = "uncoded", .baseline = true, .n = n}), 5,
       base_s);
  runs(add((toy){.env = env, .code = "group", .label = "group d=2 m=1", .n = n}), 5, x);
}

static void test_ill_conditioned(void **state) {
  (void)state;
  const double x[] = {2, 3};
  int64_t base = add((toy){.env = "i", .code = "uncoded", .label = "uncoded", .baseline = true});
  runs(base, 2, x);
  int64_t point = add((toy){.env = "i", .code = "ye-abbe", .label = "ye-abbe d=10 m=5"});
  cond1_of_runs = 4e13;
  runs(point, 2, x);
  cond1_of_runs = 1;
  cJSON *rows = compare(NULL);
  expect_number(rows, 0, "cond1_max", 1);
  expect_number(rows, 1, "cond1_max", 4e13);
  expect_number(rows, 1, "decode_amp_max", 3);
  cJSON_Delete(rows);
  const char *const parts[] = {
      "Warning: ye-abbe d=10 m=5:", "condition up to 4.0e+13, weights up to 3.0e+00", NULL};
  expect_printed(100, parts);
  sg_error e = {0};
  sg_buffer out = {0};
  require(sg_compare(db, NULL, SG_FORMAT_TEXT, 0, false, &out, &e), &e);
  assert_null(strstr(out.data, "Warning: uncoded"));
  sg_buffer_free(&out);
}

static void test_interval(void **state) {
  (void)state;
  add_pair("e", NULL);
  cJSON *rows = compare(NULL);
  assert_int_equal(cJSON_GetArraySize(rows), 2);
  expect_text(rows, 0, "verdict", "baseline");
  expect_number(rows, 0, "iter_mean_s", 2.8);
  expect_number(rows, 0, "iter_p99_s", 5.6);
  expect_number(rows, 0, "worker_seconds_per_iter", 33.6);
  expect_number(rows, 0, "mb_received_mean", 3);
  expect_number(rows, 0, "undecodable_iters", 5);
  expect_number(rows, 1, "speedup", exp(0.4));
  expect_number(rows, 1, "speedup_ci95_low", exp(0.4 - half_width));
  expect_number(rows, 1, "speedup_ci95_high", exp(0.4 + half_width));
  expect_number(rows, 1, "pairs", 5);
  expect_text(rows, 1, "verdict", "faster");
  expect_text(rows, 1, "judged_by", "iteration_time");
  cJSON_Delete(rows);

  /* The view that the sqlite3 shell sees agrees, and so does the interval of a mean. */
  sg_error e = {0};
  sg_buffer out = {0};
  require(sg_query(db, "SELECT speedup_ci95_low AS low, iter_time_verdict AS v FROM v_compare",
                   SG_FORMAT_JSON, 0, NULL, &out, &e),
          &e);
  rows = cJSON_Parse(out.data);
  assert_int_equal(cJSON_GetArraySize(rows), 1);
  expect_number(rows, 0, "low", exp(0.4 - half_width));
  expect_text(rows, 0, "v", "faster");
  cJSON_Delete(rows);
  sg_buffer_free(&out);
  require(sg_query(db, "SELECT iter_mean_ci95_half_s AS half FROM v_point WHERE is_baseline",
                   SG_FORMAT_JSON, 0, NULL, &out, &e),
          &e);
  rows = cJSON_Parse(out.data); /* 2, 4, 2, 4, 2: sd sqrt(1.2) */
  expect_number(rows, 0, "half", 2.7764451051977987 * sqrt(1.2 / 5));
  cJSON_Delete(rows);
  sg_buffer_free(&out);

  const char *const parts[] = {"Environment 1: toy", "12 workers, 12 subsets, gradient length 100",
                               "1.49× [1.37, 1.63]", "faster",
                               "baseline: uncoded;", "iter (s)",
                               "late work cancel",   NULL};
  expect_printed(100, parts);
}

static void test_other_baseline(void **state) {
  (void)state;
  add_pair("e", NULL);
  cJSON *rows = compare("group");
  expect_text(rows, 1, "verdict", "baseline");
  expect_number(rows, 0, "speedup", exp(-0.4));
  expect_text(rows, 0, "verdict", "slower");
  cJSON_Delete(rows);
  rows = compare("group d=2 m=1");
  expect_text(rows, 1, "verdict", "baseline");
  cJSON_Delete(rows);
  sg_error e = {0};
  sg_buffer out = {0};
  assert_int_equal(sg_compare(db, "grup", SG_FORMAT_TEXT, 0, false, &out, &e), SG_USAGE);
  assert_non_null(strstr(e.fault[0].message, "did you mean \"group\"?"));
  sg_error_clear(&e);
  sg_buffer_free(&out);
}

static void test_few_and_missing_pairs(void **state) {
  (void)state;
  const double two[] = {1, 2, 1, 2}, one[] = {0.5, 1, 0.5, 1};
  runs(add((toy){.env = "e", .code = "a", .label = "a"}), 4, two);
  runs(add((toy){.env = "e", .code = "b", .label = "b"}), 4, one);
  int64_t c = add((toy){.env = "e", .code = "c", .label = "c"});
  run(c, 7, 1, NAN, 0, "finished");
  cJSON *rows = compare(NULL); /* no baseline is stored: the first */
  expect_text(rows, 0, "verdict", "baseline");
  expect_number(rows, 1, "speedup", 2);
  expect_text(rows, 1, "verdict", "too few");
  assert_true(cJSON_IsNull(member(rows, 1, "speedup_ci95_low")));
  expect_text(rows, 2, "verdict", "no pairs");
  cJSON_Delete(rows);
  const char *const parts[] = {"none is chosen here: the first scheme", "2.00× (4 pairs)",
                               "too few", "c: 0 replications are paired", NULL};
  expect_printed(100, parts);
}

static void test_undecided(void **state) {
  (void)state;
  const double a[] = {1, 1, 1, 1, 1}, b[] = {1.1, 0.9, 1.05, 0.95, 1};
  runs(add((toy){.env = "e", .code = "a", .label = "a", .baseline = true}), 5, a);
  runs(add((toy){.env = "e", .code = "b", .label = "b"}), 5, b);
  runs(add((toy){.env = "e", .code = "c", .label = "c"}), 5, a); /* the same to the last bit */
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "undecided");
  expect_text(rows, 2, "verdict", "undecided");
  expect_number(rows, 2, "speedup_ci95_high", 1);
  cJSON_Delete(rows);
}

static void test_approximate_and_timing_only(void **state) {
  (void)state;
  int64_t a = add((toy){.env = "e", .code = "a", .label = "a", .baseline = true});
  int64_t b = add((toy){.env = "e", .code = "b", .label = "b"});
  for (int i = 0; i < 5; i++) {
    run(a, i, 2, NAN, 1e-9, "finished");
    run(b, i, 1, NAN, i == 3 ? 2e-6 : 1e-9, "finished"); /* one bad run is enough */
  }
  toy t = {.env = "t", .code = "a", .label = "a", .baseline = true, .timing_only = true};
  int64_t point[3];
  point[0] = add(t);
  t = (toy){.env = "t", .code = "b", .label = "b", .timing_only = true};
  point[1] = add(t);
  t = (toy){.env = "t", .code = "c", .label = "c", .timing_only = true, .inexact = true};
  point[2] = add(t);
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 3; k++) run(point[k], i, k ? 1 : 2, NAN, NAN, "finished");
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "approximate");
  expect_number(rows, 1, "speedup", 2);
  expect_number(rows, 4, "exact", 0);
  expect_text(rows, 3, "verdict", "faster");
  expect_text(rows, 4, "verdict", "approximate");
  expect_number(rows, 4, "environment", 2);
  assert_true(cJSON_IsNull(member(rows, 4, "grad_scaled_err_max")));
  cJSON_Delete(rows);
  const char *const parts[] = {"timing only", "approximate: the gradient is not the exact sum",
                               NULL};
  expect_printed(100, parts);
}

/* A scheme that is judged by what it decoded on purpose has no error to speak of; its iterations
 * are not those of the baseline all the same. With a target, times are comparable. */
static void test_small_error_is_not_enough(void **state) {
  (void)state;
  static const toy schemes[] = {
      {.code = "uncoded", .label = "uncoded", .baseline = true},
      {.code = "k-async", .label = "k-async", .inexact = true, .no_barrier = true},
      {.code = "exact-async", .label = "exact-async", .no_barrier = true},
      {.code = "fastest-k", .label = "fastest-k", .inexact = true}};
  for (int target = 0; target < 2; target++)
    for (int k = 0; k < 4; k++) {
      toy t = schemes[k];
      t.env = target ? "t" : "e";
      t.target = target ? 0.1 : 0;
      int64_t point = add(t);
      for (int i = 0; i < 6; i++) run(point, i, k ? 1 : 10, k ? 1 : 10, 1e-16, "finished");
    }
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "no barrier");
  expect_text(rows, 2, "verdict", "no barrier");
  expect_text(rows, 3, "verdict", "approximate");
  expect_number(rows, 1, "barrier", 0);
  for (int k = 5; k < 8; k++) expect_text(rows, k, "verdict", "faster");
  cJSON_Delete(rows);
  sg_error e = {0};
  sg_buffer out = {0};
  require(sg_query(db,
                   "SELECT group_concat(iter_time_verdict) AS v FROM v_compare"
                   " WHERE env_sha256 = 'e' ORDER BY point_id",
                   SG_FORMAT_CSV, 0, NULL, &out, &e),
          &e);
  assert_string_equal(out.data, "v\n\"no barrier,no barrier,approximate\"\n");
  sg_buffer_free(&out);
  const char *const parts[] = {"no barrier: an update may use gradients of older models",
                               "approximate: the gradient is not the exact sum (by the code", NULL};
  expect_printed(100, parts);
}

/* Eight replications; the baseline needs 10 s. */
static void test_time_to_target(void **state) {
  (void)state;
  static const struct {
    const char *label;
    double base_s, s[8];
    const char *verdict;
    int reached;
  } cases[] = {
      {"all", 10, {5, 5, 5, 5, 5, 5, 5, 5}, "faster", 8},
      {"all but one", 10, {5, 5, 5, 5, 5, 5, 5, NAN}, "undecided", 7}, /* p = 18/256 */
      {"none", 10, {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}, "slower", 0},
      {"survivors", 10, {1, NAN, NAN, NAN, 1, NAN, NAN, NAN}, "undecided", 2},
      {"rescue", NAN, {5, 5, 5, 5, 5, 5, NAN, NAN}, "faster", 6}, /* p = 2/64 */
      {"nobody", NAN, {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}, "not reached", 0},
  };
  enum { N = sizeof cases / sizeof *cases };
  for (int k = 0; k < N; k++) {
    char env[16];
    snprintf(env, sizeof env, "%d", k);
    int64_t a = add(
        (toy){.env = env, .code = "uncoded", .label = "uncoded", .baseline = true, .target = 0.1});
    int64_t b = add((toy){.env = env, .code = "group", .label = cases[k].label, .target = 0.1});
    for (int i = 0; i < 8; i++) {
      run(a, i, 1, cases[k].base_s, 0, "finished");
      run(b, i, 1, cases[k].s[i], 1, "finished"); /* the error does not matter here */
    }
  }
  cJSON *rows = compare(NULL);
  for (int k = 0; k < N; k++) {
    expect_text(rows, 2 * k + 1, "verdict", cases[k].verdict);
    expect_text(rows, 2 * k + 1, "judged_by", "time_to_target");
    expect_number(rows, 2 * k + 1, "n_reached", cases[k].reached);
    assert_int_equal(cJSON_IsNull(member(rows, 2 * k + 1, "speedup")), k > 0);
  }
  expect_number(rows, 1, "speedup", 2);
  expect_number(rows, 3, "time_to_target_median_s", 5);
  /* Two of eight: no mean over survivors. */
  assert_true(cJSON_IsNull(member(rows, 7, "time_to_target_median_s")));
  cJSON_Delete(rows);
  const char *const parts[] = {"verdict on the time to loss 0.1",
                               "censored",
                               "7/8",
                               "sign test",
                               "2.00× [2.00, 2.00]",
                               NULL};
  expect_printed(100, parts);
}

static void test_runs_that_ended_early(void **state) {
  (void)state;
  int64_t a = add((toy){.env = "e", .code = "a", .label = "a", .baseline = true});
  int64_t b = add((toy){.env = "e", .code = "b", .label = "b"});
  for (int i = 0; i < 6; i++) {
    run(a, i, 2, NAN, 0, "finished");
    run(b, i, 1, NAN, 0, i == 2 ? "diverged" : "finished");
  }
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "did not finish");
  expect_number(rows, 1, "pairs", 5);
  expect_number(rows, 1, "ended_early", 1);
  cJSON_Delete(rows);
  const char *const parts[] = {"b: 1 of 6 runs ended early (1 diverged, 0 stalled, 0 undecodable)",
                               NULL};
  expect_printed(100, parts);
}

static void test_environments_and_versions(void **state) {
  (void)state;
  add_pair("e", "12");
  flush();
  sqlite3_exec(sg_db_handle(db), "UPDATE point SET results_version = 0", NULL, NULL, NULL);
  add_pair("e", "12");
  add_pair("f", "24");
  cJSON *rows = compare(NULL);
  assert_int_equal(cJSON_GetArraySize(rows), 6);
  expect_number(rows, 1, "results_version", 0);
  expect_number(rows, 2, "environment", 2);
  expect_number(rows, 3, "results_version", SG_RESULTS_VERSION);
  expect_number(rows, 4, "environment", 3);
  expect_text(rows, 3, "axes", "n = 12");
  expect_text(rows, 4, "axes", "n = 24");
  cJSON_Delete(rows);
  char versions[40];
  snprintf(versions, sizeof versions, "results version 0, now %d", SG_RESULTS_VERSION);
  const char *const parts[] = {"Environment 3: toy, n = 24", versions, NULL};
  expect_printed(100, parts);
}

static void test_nothing(void **state) {
  (void)state;
  cJSON *rows = compare("anything");
  assert_int_equal(cJSON_GetArraySize(rows), 0);
  cJSON_Delete(rows);
  const char *const parts[] = {"no finished runs", NULL};
  expect_printed(0, parts);
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      DB_TEST(test_interval),
      DB_TEST(test_ill_conditioned),
      DB_TEST(test_other_baseline),
      DB_TEST(test_few_and_missing_pairs),
      DB_TEST(test_undecided),
      DB_TEST(test_approximate_and_timing_only),
      DB_TEST(test_small_error_is_not_enough),
      DB_TEST(test_time_to_target),
      DB_TEST(test_runs_that_ended_early),
      DB_TEST(test_environments_and_versions),
      DB_TEST(test_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
