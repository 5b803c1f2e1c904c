/* SPDX-License-Identifier: MIT */
/* The comparison: numbers computed by hand, rules of censoring and of approximate schemes. */
#include "results/answers/judge.h"
#include "results/answers/statistics.h"
#include "results/query.h"
#include "results/results.h"
#include "sim/core/array.h"

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
  const char *config; /* NULL: {} */
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
                             .models = 1,
                             .env_sha256 = t.env,
                             .config_json = t.config ? t.config : "{}",
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
                             .target_grad_norm2 = NAN,
                             .max_iterations = 10,
                             .seed = 1,
                             .n_axes = t.n ? 1 : 0,
                             .axis = &axis};
  flush();
  require(sg_db_add_point(db, scenario, &p, &id, &e), &e);
  return id;
}

/* Of the runs that are added. */
static double cond1_of_runs = 1; /* of finished ones */
static double end_of_runs_s = 1000;
static const char *reason_of_runs = "iterations";
static int64_t skipped_by_runs; /* rounds */
static double staleness_of_runs;

/* One run. target_s: NAN: not reached. */
static void run(int64_t point, int replication, double iter_s, double target_s, double scaled_err,
                const char *status) {
  const sg_run_row row = {.run_id = sg_run_id(point, replication),
                          .point_id = point,
                          .invocation_id = 1,
                          .replication = replication,
                          .detail = SG_DETAIL_SUMMARY,
                          .status = status,
                          .stop_reason = isnan(target_s) ? reason_of_runs : "target-loss",
                          .iterations = 10,
                          .sim_time_s = isnan(target_s) ? end_of_runs_s : target_s};
  const sg_summary_record summary = {.iter_mean_s = iter_s,
                                     .iter_sd_s = NAN,
                                     .time_to_target_s = target_s,
                                     .iterations_to_target = -1,
                                     .final_loss = 0.25,
                                     .final_accuracy = 0.75,
                                     .grad_scaled_err_max = scaled_err,
                                     .cond1_max = strstr(status, "finished") ? cond1_of_runs : NAN,
                                     .decode_amp_max = 3,
                                     .undecodable_iters = skipped_by_runs,
                                     .staleness_max = staleness_of_runs,
                                     .bytes_received_mean = 3e6,
                                     .worker_seconds_per_iter = 12 * iter_s};
  sg_time_group_record *time = calloc(1, sizeof *time); /* the writer takes it */
  assert_non_null(time);
  *time = (sg_time_group_record){.iterations = 10, .mean_s = iter_s};
  assert_true(sg_writer_begin(writer, &row));
  assert_true(sg_writer_times(writer, row.run_id, 1, time));
  assert_true(sg_writer_finish(writer, &row, &summary, 0, NULL));
}

/* Replications differ; the ratio of two runs of one stays what it is. */
static double wobble(int replication) {
  return 1 + replication / 8.0;
}

/* Runs of the given iteration times; exact arithmetic, no target. */
static void runs(int64_t point, int n, const double *iter_s) {
  for (int i = 0; i < n; i++) run(point, i, iter_s[i], NAN, 1e-15, "finished");
}

static bool simultaneous;

static cJSON *compare(const char *baseline) {
  sg_error e = {0};
  sg_buffer out = {0};
  flush();
  require(sg_compare(db,
                     &(sg_compare_options){.baseline = baseline,
                                           .simultaneous = simultaneous,
                                           .format = SG_FORMAT_JSON,
                                           .width = 0},
                     &out, &e),
          &e);
  cJSON *rows = cJSON_Parse(out.data);
  assert_true(cJSON_IsArray(rows));
  sg_buffer_free(&out);
  return rows;
}

static void query(const char *sql, sg_format format, sg_buffer *out) {
  sg_error e = {0};
  require(sg_query(db, sql, format, 0, NULL, out, &e), &e);
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

static void expect_number_or_null(const cJSON *rows, int row, const char *name, double expected) {
  if (!isnan(expected))
    expect_number(rows, row, name, expected);
  else if (!cJSON_IsNull(member(rows, row, name)))
    fail_msg("%s of row %d is not NULL", name, row);
}

static void expect_not_printed(const char *text) {
  sg_error e = {0};
  sg_buffer out = {0};
  flush();
  require(sg_compare(db,
                     &(sg_compare_options){.baseline = NULL,
                                           .simultaneous = simultaneous,
                                           .format = SG_FORMAT_TEXT,
                                           .width = 100},
                     &out, &e),
          &e);
  if (strstr(out.data, text)) fail_msg("\"%s\" in\n%s", text, out.data);
  sg_buffer_free(&out);
}

/* Wherever lines of running text end. */
static bool has(const char *text, const char *part) {
  char *flat = strdup(text);
  assert_non_null(flat);
  for (char *c = flat; *c; c++) *c = *c == '\n' ? ' ' : *c;
  bool found = strstr(text, part) || strstr(flat, part);
  free(flat);
  return found;
}

static void expect_printed(int width, const char *const *parts) {
  sg_error e = {0};
  sg_buffer out = {0};
  flush();
  require(sg_compare(db,
                     &(sg_compare_options){.baseline = NULL,
                                           .simultaneous = simultaneous,
                                           .format = SG_FORMAT_TEXT,
                                           .width = width},
                     &out, &e),
          &e);
  for (; *parts; parts++)
    if (!has(out.data, *parts)) fail_msg("no \"%s\" in\n%s", *parts, out.data);
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
      "Warning: ye-abbe d=10 m=5:", "condition up to 4.0e+13, amplification up to 3.0e+00", NULL};
  expect_printed(100, parts);
  sg_error e = {0};
  sg_buffer out = {0};
  require(
      sg_compare(db,
                 &(sg_compare_options){
                     .baseline = NULL, .simultaneous = false, .format = SG_FORMAT_TEXT, .width = 0},
                 &out, &e),
      &e);
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
  expect_number(rows, 0, "iter_p99_s", 4); /* pooled */
  expect_number(rows, 0, "worker_seconds_per_iter", 33.6);
  expect_number(rows, 0, "mb_received_mean", 3);
  expect_number(rows, 0, "undecodable_iters", 0);
  expect_number(rows, 1, "speedup", exp(0.4));
  expect_number(rows, 1, "speedup_ci95_low", exp(0.4 - half_width));
  expect_number(rows, 1, "speedup_ci95_high", exp(0.4 + half_width));
  expect_number(rows, 1, "pairs", 5);
  expect_text(rows, 1, "verdict", "faster");
  expect_text(rows, 1, "judged_by", "iteration_time");
  cJSON_Delete(rows);

  /* The view that the sqlite3 shell sees agrees, and so does the interval of a mean. */
  sg_buffer out = {0};
  query("SELECT speedup_ci95_low AS low, iter_time_verdict AS v FROM v_compare", SG_FORMAT_JSON,
        &out);
  rows = cJSON_Parse(out.data);
  assert_int_equal(cJSON_GetArraySize(rows), 1);
  expect_number(rows, 0, "low", exp(0.4 - half_width));
  expect_text(rows, 0, "v", "faster");
  cJSON_Delete(rows);
  sg_buffer_free(&out);
  query("SELECT iter_mean_ci95_half_s AS half FROM v_point WHERE is_baseline", SG_FORMAT_JSON,
        &out);
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
  assert_int_equal(sg_compare(db,
                              &(sg_compare_options){.baseline = "grup",
                                                    .simultaneous = false,
                                                    .format = SG_FORMAT_TEXT,
                                                    .width = 0},
                              &out, &e),
                   SG_USAGE);
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
  const double a[] = {1, 1, 2, 1, 1}, b[] = {1.1, 0.9, 2.1, 0.95, 1};
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
    run(a, i, 2 * wobble(i), NAN, 1e-9, "finished");
    run(b, i, wobble(i), NAN, i == 3 ? 2e-6 : 1e-9, "finished"); /* one bad run is enough */
  }
  toy t = {.env = "t", .code = "a", .label = "a", .baseline = true, .timing_only = true};
  int64_t point[3];
  point[0] = add(t);
  t = (toy){.env = "t", .code = "b", .label = "b", .timing_only = true};
  point[1] = add(t);
  t = (toy){.env = "t", .code = "c", .label = "c", .timing_only = true, .inexact = true};
  point[2] = add(t);
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < 3; k++) run(point[k], i, (k ? 1 : 2) * wobble(i), NAN, NAN, "finished");
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "approximate");
  expect_number(rows, 1, "speedup", 2);
  expect_number(rows, 4, "exact", 0);
  expect_text(rows, 3, "verdict", "faster");
  expect_text(rows, 4, "verdict", "approximate");
  expect_number(rows, 4, "environment", 2);
  assert_true(cJSON_IsNull(member(rows, 4, "grad_scaled_err_max")));
  cJSON_Delete(rows);
  const char *const parts[] = {"timing only", "~ inexact: b (error 2e-06). Their iterations",
                               "~ inexact: c (by its rule not the exact gradient). Their", NULL};
  expect_printed(100, parts);
}

/* Rounds that are skipped do nothing: they would make a mean iteration short. With a target their
 * time is in that to the target. */
static void test_skipped_rounds(void **state) {
  (void)state;
  for (int target = 0; target < 2; target++)
    for (int k = 0; k < 2; k++) {
      int64_t point = add((toy){.env = target ? "t" : "e",
                                .code = k ? "b" : "a",
                                .label = k ? "b" : "a",
                                .baseline = !k,
                                .target = target ? 0.1 : 0});
      skipped_by_runs = 2 * k;
      for (int i = 0; i < 6; i++) {
        double s = (k ? 1 : 10) * wobble(i);
        run(point, i, s, target ? s : NAN, 1e-16, "finished");
      }
    }
  skipped_by_runs = 0;
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "approximate");
  expect_number(rows, 1, "undecodable_iters", 12);
  expect_text(rows, 3, "verdict", "faster");
  cJSON_Delete(rows);
  sg_buffer out = {0};
  query("SELECT iter_time_verdict AS v FROM v_compare WHERE env_sha256 = 'e'", SG_FORMAT_CSV, &out);
  assert_string_equal(out.data, "v\napproximate\n");
  sg_buffer_free(&out);
  const char *const parts[] = {"~ inexact: b (12 rounds skipped). Their iterations", NULL};
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
      for (int i = 0; i < 6; i++) {
        double s = (k ? 1 : 10) * wobble(i);
        staleness_of_runs = t.no_barrier && k < 3 ? 4 : 0;
        run(point, i, s, s, 1e-16, "finished");
      }
    }
  staleness_of_runs = 0;
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "no barrier");
  expect_text(rows, 2, "verdict", "no barrier");
  expect_text(rows, 3, "verdict", "approximate");
  expect_number(rows, 1, "barrier", 0);
  for (int k = 5; k < 8; k++) expect_text(rows, k, "verdict", "faster");
  cJSON_Delete(rows);
  sg_buffer out = {0};
  query("SELECT group_concat(iter_time_verdict) AS v FROM v_compare"
        " WHERE env_sha256 = 'e' ORDER BY point_id",
        SG_FORMAT_CSV, &out);
  assert_string_equal(out.data, "v\n\"no barrier,no barrier,approximate\"\n");
  sg_buffer_free(&out);
  const char *const parts[] = {
      "~ inexact: k-async (gradients of older models), exact-async (gradients of older",
      "models), fastest-k (by its rule not the exact gradient). Their iterations do something "
      "else,",
      "Fastest of all, inexact: k-async", NULL};
  expect_printed(100, parts);
}

/* Eight replications; the baseline needs 10 s in the first, and more in the others. Who did not
 * reach the target ended after end_s: by a cap unless something else is said. */
#define NEVER NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN
static void test_time_to_target(void **state) {
  (void)state;
  static const struct {
    const char *label;
    double base_s, s[8], end_s;
    const char *verdict;
    int reached, unknown;
    double median_low, median_high; /* NAN: none */
    const char *end;                /* reason, or status that is its own reason */
  } cases[] = {
      {"all", 10, {5, 5, 5, 5, 5, 5, 5, 5}, 1000, "faster", 8, 0, 7.1875, 7.1875, "iterations"},
      /* p = 18/256 */
      {"all but one",
       10,
       {5, 5, 5, 5, 5, 5, 5, NAN},
       1000,
       "undecided",
       7,
       0,
       7.1875,
       7.1875,
       "iterations"},
      {"none", 10, {NEVER}, 1000, "slower", 0, 0, 1000, NAN, "iterations"},
      {"survivors",
       10,
       {1, NAN, NAN, NAN, 1, NAN, NAN, NAN},
       1000,
       "undecided",
       2,
       0,
       1000,
       NAN,
       "iterations"},
      /* p = 2/64: in the time that was set, neither got there twice. */
      {"rescue", NAN, {5, 5, 5, 5, 5, 5, NAN, NAN}, 20, "faster", 6, 0, 7.1875, 7.1875, "sim-time"},
      {"rescue, capped",
       NAN,
       {5, 5, 5, 5, 5, 5, NAN, NAN},
       1000,
       "undecided",
       6,
       2,
       7.1875,
       7.1875,
       "iterations"},
      {"nobody", NAN, {NEVER}, 1000, "not reached", 0, 8, 1000, NAN, "iterations"},
      /* Cut before the baseline was there: nothing is known, not even that it is slower. */
      {"cut early", 10, {NEVER}, 4, "undecided", 0, 8, 4, NAN, "iterations"},
      {"cut late", 10, {NEVER}, 20, "slower", 0, 0, 20, NAN, "iterations"},
      {"some cut early",
       10,
       {5, 5, 5, 5, 5, NAN, NAN, NAN},
       2,
       "undecided",
       5,
       3,
       5.3125,
       7.1875,
       "iterations"},
      /* All of the simulated time that was set, 20 s, counts: not only that of its last update. */
      {"whole updates", 10, {NEVER}, 4, "slower", 0, 0, 20, NAN, "sim-time"},
      /* Who died has no time to target, however early that was. */
      {"dead", 10, {NEVER}, 4, "slower", 0, 0, NAN, NAN, "stalled"},
  };
  enum { N = sizeof cases / sizeof *cases };
  for (int k = 0; k < N; k++) {
    char env[16];
    snprintf(env, sizeof env, "%d", k);
    toy t = {.env = env, .code = "uncoded", .label = "uncoded", .baseline = true, .target = 0.1};
    t.config = "{\"environment\":{\"stop\":{\"sim_time_s\":20}}}";
    int64_t a = add(t);
    t.label = cases[k].label;
    t.baseline = false;
    int64_t b = add(t);
    end_of_runs_s = cases[k].end_s;
    reason_of_runs = cases[k].end;
    for (int i = 0; i < 8; i++) {
      run(a, i, 1, cases[k].base_s * wobble(i), 0, "finished");
      run(b, i, 1, cases[k].s[i] * wobble(i), 1, /* the error does not matter here */
          strcmp(cases[k].end, "stalled") ? "finished" : "stalled");
    }
  }
  cJSON *rows = compare(NULL);
  for (int k = 0; k < N; k++) {
    int row = 2 * k + 1;
    expect_text(rows, row, "verdict", cases[k].verdict);
    expect_text(rows, row, "judged_by", "time_to_target");
    expect_number(rows, row, "n_reached", cases[k].reached);
    expect_number(rows, row, "pairs_unknown", cases[k].unknown);
    assert_int_equal(cJSON_IsNull(member(rows, row, "speedup")), k > 0);
    double low = cases[k].median_low, high = cases[k].median_high;
    expect_number_or_null(rows, row, "time_to_target_median_low_s", low);
    expect_number_or_null(rows, row, "time_to_target_median_high_s", high);
    /* One number only where all agree: no median of survivors. */
    expect_number_or_null(rows, row, "time_to_target_median_s", low == high ? low : NAN);
  }
  expect_number(rows, 1, "speedup", 2);
  cJSON_Delete(rows);
  const char *const parts[] = {"verdict on the time to loss 0.1",
                               "censored",
                               "7.188 (7/8)",
                               "> 4 (0/8)",
                               "5.312–7.188 (5/8)",
                               "— (0/8)",
                               "sign test",
                               "2.00× [2.00, 2.00]",
                               "Warning: the cap of 10 iterations ended runs",
                               "    cut early: 8 of 8\n",
                               NULL};
  expect_printed(100, parts);
  expect_not_printed("    cut late: ");
  expect_not_printed("    dead: ");
}

/* 80 iterations of which every run is the same; blocks of eight: the ratios of their sums are e^0.1
 * and e^0.3 in turn. */
static void replay(int64_t point, int replication, int n, bool coded) {
  run(point, replication, coded ? 1 : 1.25, NAN, 0, "finished");
  sg_chunk *c = sg_writer_chunk(writer);
  assert_non_null(c);
  c->run_id = sg_run_id(point, replication);
  for (int i = 0; i < n; i++) {
    sg_iteration_record *r = &c->iteration[c->n_iterations++];
    *r = sg_iteration_blank;
    r->iteration = i;
    r->duration_s = (1 + i % 8) * (coded ? 1 : exp(i / 8 % 2 ? 0.3 : 0.1));
  }
  assert_true(sg_writer_rows(writer, c));
}

static void test_equal_runs(void **state) {
  (void)state;
  static const struct {
    int runs, iterations;
    bool replayed;
    const char *verdict;
  } cases[] = {{6, 80, false, "faster"}, {6, 0, false, "runs equal"}, {6, 19, false, "runs equal"},
               {1, 80, true, "faster"},  {1, 80, false, "too few"},   {1, 0, true, "runs equal"}};
  enum { N = sizeof cases / sizeof *cases };
  for (int k = 0; k < N; k++) {
    char env[16];
    snprintf(env, sizeof env, "%d", k);
    toy t = {.env = env,
             .code = "a",
             .label = "a",
             .baseline = true,
             .config =
                 cases[k].replayed ? "{\"environment\":{\"delay\":{\"mode\":\"replay\"}}}" : NULL};
    int64_t a = add(t);
    t.baseline = false;
    t.code = t.label = "b";
    int64_t b = add(t);
    for (int i = 0; i < cases[k].runs; i++) {
      replay(a, i, cases[k].iterations, false);
      replay(b, i, cases[k].iterations, true);
    }
  }
  cJSON *rows = compare(NULL);
  /* Ten logarithms 0.1 and 0.3 in turn: sd 0.1 sqrt(10/9); t(0.975, 9). */
  double half = 2.2621571628540993 * 0.1 * sqrt(10.0 / 9) / sqrt(10);
  for (int k = 0; k < N; k++) {
    bool known = strcmp(cases[k].verdict, "faster") == 0;
    expect_text(rows, 2 * k + 1, "verdict", cases[k].verdict);
    expect_number(rows, 2 * k + 1, "speedup", 1.25);
    expect_number_or_null(rows, 2 * k + 1, "speedup_ci95_low", known ? 1.25 * exp(-half) : NAN);
    expect_number_or_null(rows, 2 * k + 1, "speedup_ci95_high", known ? 1.25 * exp(half) : NAN);
  }
  cJSON_Delete(rows);
  const char *const parts[] = {
      "all replications are the same (1 schemes): intervals are from one, by 10 blocks",
      "all replications are the same (1 schemes), and there are no iterations", NULL};
  expect_printed(100, parts);
  /* What the shell sees has no interval of width 0 either. */
  sg_buffer out = {0};
  query("SELECT iter_time_verdict, speedup_ci95_low FROM v_compare JOIN point USING"
        " (point_id) WHERE point.env_sha256 = '0'",
        SG_FORMAT_CSV, &out);
  assert_string_equal(out.data, "iter_time_verdict,speedup_ci95_low\nruns equal,\n");
  sg_buffer_free(&out);
}

/* The sign test counts pairs: eight copies of one are one. */
static void test_equal_censored_runs(void **state) {
  (void)state;
  toy t = {.env = "e", .code = "a", .label = "a", .baseline = true, .target = 0.1};
  t.config = "{\"environment\":{\"stop\":{\"sim_time_s\":20}}}";
  int64_t a = add(t);
  t.baseline = false;
  t.code = t.label = "b";
  int64_t b = add(t);
  end_of_runs_s = 20;
  reason_of_runs = "sim-time";
  for (int i = 0; i < 8; i++) {
    run(a, i, 1, 10, 0, "finished");
    run(b, i, 1, NAN, 0, "finished");
  }
  cJSON *rows = compare(NULL);
  expect_text(rows, 1, "verdict", "runs equal");
  expect_number_or_null(rows, 1, "speedup", NAN);
  cJSON_Delete(rows);
  const char *const parts[] = {"all replications are the same (1 schemes), and censored", NULL};
  expect_printed(100, parts);
}

/* The p-quantile of t with 4 degrees of freedom: F(t) = 1/2 + 3/4 (s − s³/3), s = t/√(4 + t²). */
static double student4(double p) {
  double low = 0, high = 1;
  for (int i = 0; i < 200; i++) {
    double s = (low + high) / 2;
    *(0.5 + 0.75 * (s - s * s * s / 3) < p ? &low : &high) = s;
  }
  return 2 * low / sqrt(1 - low * low);
}

/* Log ratios with a mean of 0.4 are decided at 5 % and at 5 % of 30, with 0.1 at 5 % only. */
static void test_simultaneous(void **state) {
  (void)state;
  for (int k = 0; k < 30; k++) {
    char label[16];
    double x[5];
    snprintf(label, sizeof label, "c%d", k);
    for (int i = 0; i < 5; i++) x[i] = base_s[i] * exp(-(log_ratio[i] - (k ? 0.3 : 0)));
    if (k == 0)
      runs(add((toy){.env = "e", .code = "a", .label = "a", .baseline = true}), 5, base_s);
    runs(add((toy){.env = "e", .code = "c", .label = label}), 5, x);
  }
  cJSON *rows = compare(NULL);
  for (int k = 1; k <= 30; k++) expect_text(rows, k, "verdict", "faster");
  expect_number(rows, 1, "level", 0.95);
  cJSON_Delete(rows);
  const char *const single[] = {"--simultaneous", NULL},
                    *const all[] = {
                        "All 30 intervals and verdicts against a baseline hold together at 95 %",
                        NULL};
  expect_printed(100, single);
  simultaneous = true;
  rows = compare(NULL);
  expect_text(rows, 1, "verdict", "faster");
  for (int k = 2; k <= 30; k++) expect_text(rows, k, "verdict", "undecided");
  /* t(1 − 0.05/60, 4), by bisection of the closed form of its distribution. */
  double half = student4(1 - 0.05 / 60) * sqrt(0.02 / 4) / sqrt(5);
  expect_number(rows, 1, "speedup_ci95_low", exp(0.4 - half));
  expect_number(rows, 1, "level", 1 - 0.05 / 30);
  cJSON_Delete(rows);
  expect_printed(100, all);
  expect_not_printed("--simultaneous");
  simultaneous = false;
}

static sg_comparison judged(void) {
  sg_error e = {0};
  sg_comparison c = {0};
  flush();
  require(sg_judge(db, NULL, simultaneous, &c, &e), &e);
  return c;
}

static void expect_near(double found, double expected) {
  if (!(fabs(found - expected) <= 1e-9 * fabs(expected)))
    fail_msg("%.17g is not %.17g", found, expected);
}

/* Five runs that need e^−x as long as those of `base_s`. */
static void add_faster(const char *env, const char *label, const double x[5]) {
  double time[5];
  for (int i = 0; i < 5; i++) time[i] = base_s[i] * exp(-x[i]);
  runs(add((toy){.env = env, .code = label, .label = label}), 5, time);
}

/* Of three schemes one is ahead of both others only at the level for two comparisons; of a fourth
 * that does the same as the first nothing is said but that. */
static void test_lead(void **state) {
  (void)state;
  const double next[] = {0.1, 0.1, 0.1, 0.1, 0.1};
  runs(add((toy){.env = "e", .code = "a", .label = "a", .baseline = true}), 5, base_s);
  add_faster("e", "next", next);
  add_faster("e", "best", log_ratio); /* 0.3 ahead of the next, with the spread of log_ratio */
  add_faster("e", "twin", log_ratio);
  const double slow[] = {0.3, 0.1, -0.1, 0.1, 0.1}, fast[] = {0.4, 0.3, 0.2, 0.1, 0.1};
  runs(add((toy){.env = "f", .code = "a", .label = "a", .baseline = true}), 5, base_s);
  add_faster("f", "slow", slow);
  add_faster("f", "fast", fast);
  sg_comparison c = judged();
  const sg_lead *l = &c.environment[0].fastest;
  assert_int_equal(l->n, 3);
  assert_string_equal(c.scheme[l->best].point.scheme_label, "best");
  assert_string_equal(c.scheme[l->next].point.scheme_label, "next");
  assert_int_equal(l->n_ties, 1);
  assert_string_equal(c.scheme[l->tie].point.scheme_label, "twin");
  double half = student4(1 - 0.025 / 2) * sqrt(0.02 / 4) / sqrt(5);
  expect_near(l->alpha, 0.025);
  expect_near(l->ratio.ratio, exp(0.3));
  expect_near(l->ratio.low, exp(0.3 - half));
  expect_near(l->ratio.high, exp(0.3 + half));
  assert_true(l->holds && l->tested);
  assert_int_equal(l->doubt, -1);
  assert_int_equal(c.environment[0].of_all.n, 0); /* no target */
  for (int i = 0, rank[] = {4, 3, 1, 2}; i < 4; i++) assert_int_equal(c.scheme[i].rank, rank[i]);
  /* Ahead of the baseline and of the next at the same level, or not. */
  l = &c.environment[1].fastest;
  assert_string_equal(c.scheme[l->best].point.scheme_label, "fast");
  assert_false(l->holds);
  assert_string_equal(c.scheme[l->doubt].point.scheme_label, "slow");
  assert_int_equal(c.n_leads, 2);
  sg_comparison_clear(&c);
  simultaneous = true;
  c = judged();
  expect_near(c.environment[0].fastest.alpha, 0.0125);
  simultaneous = false;
  sg_comparison_clear(&c);
  const char *const parts[] = {
      "← fastest: best, 1.49× [1.37, 1.63] as fast as a (the same in every run: twin), 1.35× [",
      "It is ahead of all 2 others beyond chance (95 % for that)",
      "That is within chance: either may be the faster",
      "Each interval and verdict is wrong in 5 % of cases by itself",
      "of 2 in up to about 0.1",
      "One line per environment: --best",
      NULL};
  expect_printed(100, parts);
}

/* What may not be claimed: too few pairs; a scheme that was cut before the first was there; and who
 * never had a chance is no candidate. */
static void test_lead_not_known(void **state) {
  (void)state;
  const double two[] = {2, 4}, one[] = {1, 2};
  runs(add((toy){.env = "few", .code = "a", .label = "a", .baseline = true}), 2, two);
  runs(add((toy){.env = "few", .code = "b", .label = "b"}), 2, one);
  reason_of_runs = "iterations";
  static const struct {
    const char *env, *label;
    double target_s, end_s;
    bool inexact;
  } cases[] = {{"t", "base", 20, 20, false}, {"t", "quick", 10, 10, false},
               {"t", "cut", NAN, 5, false},  {"t", "hopeless", NAN, 1000, false},
               {"u", "base", 20, 20, false}, {"u", "quick", 10, 10, false},
               {"u", "rough", 5, 5, true},   {"u", "hopeless", NAN, 1000, false}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    int64_t point = add((toy){.env = cases[k].env,
                              .code = cases[k].label,
                              .label = cases[k].label,
                              .inexact = cases[k].inexact,
                              .baseline = !strcmp(cases[k].label, "base"),
                              .target = 0.1});
    end_of_runs_s = cases[k].end_s;
    for (int i = 0; i < 8; i++) run(point, i, 1, cases[k].target_s * wobble(i), 0, "finished");
  }
  end_of_runs_s = 1000;
  sg_comparison c = judged();
  const sg_lead *l = &c.environment[0].fastest;
  assert_true(l->best == 1 && l->next == 0 && !l->holds && !l->tested);
  assert_string_equal(l->verdict, "too few");
  l = &c.environment[1].fastest;
  assert_int_equal(l->n, 3); /* base, quick, cut */
  assert_string_equal(c.scheme[l->best].point.scheme_label, "quick");
  assert_string_equal(c.scheme[l->next].point.scheme_label, "base");
  expect_near(l->ratio.ratio, 2);
  assert_string_equal(l->verdict, "faster");
  assert_false(l->holds);
  assert_string_equal(c.scheme[l->doubt].point.scheme_label, "cut");
  l = &c.environment[2].fastest;
  assert_int_equal(l->n, 2);
  assert_true(l->holds);
  l = &c.environment[2].of_all;
  assert_int_equal(l->n, 3);
  assert_string_equal(c.scheme[l->best].point.scheme_label, "rough");
  assert_true(l->holds);
  sg_comparison_clear(&c);
  const char *const parts[] = {
      "2.00× (2 pairs) the next, a, the baseline. Whether that is more than chance is not "
      "known",
      "It is ahead of the next beyond chance, but not of cut.",
      "Fastest of all, inexact: rough, 2.00× [2.00, 2.00] the next, quick.", NULL};
  expect_printed(100, parts);
}

/* Runs of different law and length: pooled from groups, against all iterations. */
static void test_pooled_quantiles(void **state) {
  (void)state;
  enum { RUNS = 3 };
  static const int length[RUNS] = {37, 1000, 20000};
  static double all[21037], of_run[20000];
  size_t n = 0;
  int64_t point = add((toy){.env = "e", .code = "a", .label = "a", .baseline = true});
  uint64_t x = 1;
  for (int r = 0; r < RUNS; r++) {
    size_t m = (size_t)length[r], rank = 0;
    int k = 0;
    for (size_t i = 0; i < m; i++) {
      x = x * 6364136223846793005u + 1442695040888963407u;
      double u = ((double)(x >> 11) + 0.5) / 9007199254740992.0;
      of_run[i] = all[n++] = 1 + pow(u, -1 / (1.5 + r)); /* Pareto */
    }
    sg_sort_doubles(of_run, m);
    sg_time_group_record *time = calloc(m, sizeof *time);
    assert_non_null(time);
    for (; rank < m; k++) {
      size_t size = sg_group_size(rank, m);
      double sum = 0;
      for (size_t i = 0; i < size; i++) sum += of_run[rank + i];
      time[k] = (sg_time_group_record){k, (int64_t)size, sum / (double)size};
      rank += size;
    }
    assert_int_equal(rank, m);
    if (r == 0) assert_int_equal(k, 37);
    assert_in_range(k, 1, 110);
    const sg_run_row row = {.run_id = sg_run_id(point, r),
                            .point_id = point,
                            .invocation_id = 1,
                            .replication = r,
                            .status = "finished",
                            .stop_reason = "iterations"};
    assert_true(sg_writer_begin(writer, &row));
    assert_true(sg_writer_times(writer, row.run_id, k, time));
    assert_true(sg_writer_finish(writer, &row, &sg_summary_blank, 0, NULL));
  }
  sg_sort_doubles(all, n);
  flush();
  static const char *const name[] = {"iter_p50_s", "iter_p90_s", "iter_p99_s"};
  static const double p[] = {0.5, 0.9, 0.99};
  sg_buffer out = {0};
  query("SELECT iter_p50_s, iter_p90_s, iter_p99_s FROM v_point", SG_FORMAT_JSON, &out);
  cJSON *rows = cJSON_Parse(out.data);
  sg_buffer_free(&out);
  /* `compare` computes them without the view. */
  sg_error e = {0};
  sg_comparison c = judged();
  assert_true(isnan(c.scheme[0].summary.iter_p50_s));
  require(sg_judge_pooled(db, &c, &e), &e);
  expect_near(c.scheme[0].summary.iter_p50_s, member(rows, 0, name[0])->valuedouble);
  expect_near(c.scheme[0].summary.iter_p90_s, member(rows, 0, name[1])->valuedouble);
  expect_near(c.scheme[0].summary.iter_p99_s, member(rows, 0, name[2])->valuedouble);
  sg_comparison_clear(&c);
  for (int k = 0; k < 3; k++) {
    double found = member(rows, 0, name[k])->valuedouble;
    /* The rank is off by a tenth of what is above, at most. */
    double low = sg_quantile(all, n, 1 - 1.1 * (1 - p[k])),
           high = sg_quantile(all, n, 1 - 0.9 * (1 - p[k]));
    if (!(found > low && found < high))
      fail_msg("%s %g is not in [%g, %g]", name[k], found, low, high);
    double exact = sg_quantile(all, n, p[k]);
    if (!(fabs(found / exact - 1) < 5e-3)) fail_msg("%s is %g, exactly %g", name[k], found, exact);
  }
  cJSON_Delete(rows);
}

static void test_runs_that_ended_early(void **state) {
  (void)state;
  int64_t a = add((toy){.env = "e", .code = "a", .label = "a", .baseline = true});
  int64_t b = add((toy){.env = "e", .code = "b", .label = "b"});
  for (int i = 0; i < 6; i++) {
    run(a, i, 2 * wobble(i), NAN, 0, "finished");
    run(b, i, wobble(i), NAN, 0, i == 2 ? "diverged" : "finished");
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
      DB_TEST(test_skipped_rounds),
      DB_TEST(test_small_error_is_not_enough),
      DB_TEST(test_time_to_target),
      DB_TEST(test_equal_runs),
      DB_TEST(test_equal_censored_runs),
      DB_TEST(test_simultaneous),
      DB_TEST(test_lead),
      DB_TEST(test_lead_not_known),
      DB_TEST(test_pooled_quantiles),
      DB_TEST(test_runs_that_ended_early),
      DB_TEST(test_environments_and_versions),
      DB_TEST(test_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
