/* SPDX-License-Identifier: MIT */
/* The table of columns: kinds, folds over a run and over the runs of a point, axes as columns.
 * What is expected is computed here from the numbers that are written. */
#include "results/columns.h"
#include "results/query.h"
#include "sim/experiment/tally.h"

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
static int64_t scenario, invocation;

static void require(sg_status status, const sg_error *e) {
  if (status) fail_msg("%s", e->count ? e->fault[0].message : "no fault");
}

static int set_up(void **state) {
  (void)state;
  sg_error e = {0};
  snprintf(path, sizeof path, "/tmp/straggle-columns-%ld.db", (long)getpid());
  unlink(path);
  require(sg_db_open(path, SG_OPEN_WRITE, &db, &e), &e);
  require(sg_db_add_invocation(db, &(sg_invocation){.cpu = "x", .threads = 1}, &invocation, &e),
          &e);
  require(sg_db_add_scenario(db, "toy", "toy.json", "{}", "abc", &scenario, &e), &e);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  sg_error e = {0};
  require(sg_db_close(db, &e), &e);
  return unlink(path);
}

static int64_t number(const char *sql) {
  sqlite3_stmt *s = NULL;
  if (sqlite3_prepare_v2(sg_db_handle(db), sql, -1, &s, NULL))
    fail_msg("%s: %s", sql, sqlite3_errmsg(sg_db_handle(db)));
  assert_int_equal(sqlite3_step(s), SQLITE_ROW);
  int64_t x = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return x;
}

static void expect_true(const char *sql) {
  if (number(sql) != 1) fail_msg("not so: %s", sql);
}

static const sg_point_record toy = {.env_sha256 = "env",
                                    .config_json = "{}",
                                    .scheme_label = "toy",
                                    .code = "toy",
                                    .stop_rule = "count",
                                    .exact = true,
                                    .barrier = true,
                                    .n_workers = 12,
                                    .length = INT64_C(5000000000),
                                    .load_d = 0.1,
                                    .target_loss = NAN,
                                    .target_grad_norm2 = NAN,
                                    .seed = UINT64_MAX};

static int64_t add_point(const char *hash, int n_axes, const sg_axis *axis) {
  sg_error e = {0};
  int64_t id = 0;
  sg_point_record p = toy;
  p.point_sha256 = hash;
  p.n_axes = n_axes;
  p.axis = axis;
  require(sg_db_add_point(db, scenario, &p, &id, &e), &e);
  return id;
}

static void write_run(int64_t point, int replication, const sg_summary_record *summary, int n,
                      const sg_iteration_record *row) {
  sg_error e = {0};
  sg_writer *w = NULL;
  const sg_run_row run = {.run_id = sg_run_id(point, replication),
                          .point_id = point,
                          .invocation_id = invocation,
                          .replication = replication,
                          .detail = SG_DETAIL_ITERATION,
                          .status = "finished",
                          .stop_reason = "iterations"};
  require(sg_writer_new(db, &w, &e), &e);
  assert_true(sg_writer_begin(w, &run));
  if (n > 0) {
    sg_chunk *c = sg_writer_chunk(w);
    assert_non_null(c);
    c->run_id = run.run_id;
    for (int i = 0; i < n; i++) c->iteration[c->n_iterations++] = row[i];
    assert_true(sg_writer_rows(w, c));
  }
  assert_true(sg_writer_finish(w, &run, summary, 0, NULL));
  require(sg_writer_free(w, &e), &e);
}

/* --- Kinds ------------------------------------------------------------------------------------ */

static void test_every_kind(void **state) {
  (void)state;
  add_point("a", 0, NULL);
  expect_true("SELECT typeof(exact) = 'integer' AND exact = 1 FROM point");          /* bool */
  expect_true("SELECT typeof(n_workers) = 'integer' AND n_workers = 12 FROM point"); /* int */
  expect_true("SELECT length = 5000000000 FROM point");                              /* int64_t */
  expect_true("SELECT typeof(load_d) = 'real' AND load_d = 0.1 FROM point");
  expect_true("SELECT target_loss IS NULL FROM point"); /* NAN */
  expect_true("SELECT code = 'toy' AND problem IS NULL FROM point");
  expect_true("SELECT typeof(seed) = 'text' AND seed = '18446744073709551615' FROM point");
  expect_true("SELECT cpu = 'x' AND host IS NULL AND started_utc LIKE '20%Z' FROM invocation");

  sg_iteration_record row[2] = {sg_iteration_blank, sg_iteration_blank};
  row[0].last_worker = -1;
  row[1].iteration = 1;
  row[1].last_worker = 0;
  row[1].loss = 0.1;
  write_run(1, 0, &sg_summary_blank, 2, row);
  expect_true("SELECT last_worker IS NULL AND loss IS NULL AND duration_s IS NULL AND n_used = 0"
              " FROM iteration WHERE iteration = 0");
  expect_true("SELECT last_worker = 0 AND loss = 0.1 FROM iteration WHERE iteration = 1");
}

/* What is read is what was written, member by member. */
static void test_reading(void **state) {
  (void)state;
  add_point("a", 0, NULL);
  sg_buffer sql = {0};
  sqlite3_stmt *s = NULL;
  sg_point_record p = {0};
  sg_put(&sql, "SELECT 1, ");
  assert_true(sg_put_members("point", "p.", &sql) > 20);
  sg_put(&sql, " FROM point p");
  assert_int_equal(sqlite3_prepare_v2(sg_db_handle(db), sql.data, -1, &s, NULL), SQLITE_OK);
  sg_buffer_free(&sql);
  assert_int_equal(sqlite3_step(s), SQLITE_ROW);
  assert_true(sg_read_record(s, 1, "point", &p));
  sqlite3_finalize(s);
  assert_string_equal(p.point_sha256, "a");
  assert_string_equal(p.scheme_label, "toy");
  assert_null(p.problem);
  assert_true(p.exact && p.barrier && !p.timing_only && p.n_workers == 12);
  assert_true(p.length == toy.length && p.load_d == 0.1 && isnan(p.target_loss));
  assert_true(p.seed == UINT64_MAX);
  sg_record_clear("point", &p);
  assert_null(p.code);
}

static void test_blank(void **state) {
  (void)state;
  int n = 0;
  for (const sg_column *c = sg_members_of("iteration"); c; c = sg_column_after(c), n++) {
    double x = sg_column_number(c, &sg_iteration_blank);
    assert_true(c->kind == SG_COLUMN_REAL ? isnan(x) : x == 0);
  }
  assert_true(n > 35);
  assert_null(sg_columns_of("no such table"));
  assert_null(sg_members_of("no such table"));
}

/* --- Folds ------------------------------------------------------------------------------------ */

static void test_folds_over_a_run(void **state) {
  (void)state;
  sg_summary_record s;
  sg_run_row run = {0};
  sg_tally *t = sg_tally_new(4, 1, false);
  assert_non_null(t);
  static const struct {
    double wait, loss, err, scaled, samples;
    int used;
    bool decoded;
  } rows[] = {{1, 9, NAN, NAN, 100, 3, true},
              {2, 7, 0.5, -2, NAN, 0, false},
              {6, NAN, 0.25, -5, 40, 4, true}};
  for (int i = 0; i < 3; i++) {
    sg_iteration_record r = sg_iteration_blank;
    r.iteration = i;
    r.start_s = 10 * i;
    r.duration_s = 10;
    r.wait_s = rows[i].wait;
    r.loss = rows[i].loss;
    r.decoding_err = rows[i].err;
    r.grad_scaled_err = rows[i].scaled;
    r.samples_used = rows[i].samples;
    r.n_used = rows[i].used;
    r.decoded = rows[i].decoded;
    r.busy_s = 2;
    r.wasted_s = 0.5;
    r.ingress_busy_s = 3;
    r.queued_s = 4;
    r.ingress_messages = 2;
    sg_tally_row(t, &r, 0, NULL);
  }
  sg_tally_finish(t, &run, &s);
  assert_true(s.wait_mean_s == 3);           /* mean */
  assert_true(s.decoding_err_mean == 0.375); /* of those that are known */
  assert_true(s.n_used_mean == 7.0 / 3);     /* of integers */
  assert_true(s.grad_scaled_err_max == -2);  /* max, not 0 */
  assert_true(s.samples_used_total == 140);  /* sum */
  assert_true(s.final_loss == 7);            /* last that is known */
  assert_true(isnan(s.staleness_max) && isnan(s.final_auc) && isnan(s.alpha_sum_mean));
  assert_true(s.undecodable_iters == 1 && s.iterations_to_target == -1);
  assert_true(isnan(s.time_to_target_s));
  /* Shares of sums. */
  assert_true(s.queued_per_message_s == 2 && s.ingress_busy_share == 0.3);
  assert_true(s.worker_busy_share == 0.05 && s.wasted_work_share == 0.25);
  assert_true(s.worker_seconds_per_iter == 40 && s.iter_sd_s == 0);
  assert_true(run.iterations == 3 && run.sim_time_s == 30);
  sg_tally_free(t);

  /* Of two models the worse at the end; the target is reached when both have, per model. */
  t = sg_tally_new(4, 2, false);
  assert_non_null(t);
  static const double loss[] = {9, 8, 3, 5, NAN}, accuracy[] = {0.5, 0.25, NAN, 0.75, NAN};
  for (int i = 0; i < 5; i++) {
    sg_iteration_record r = sg_iteration_blank;
    r.iteration = i;
    r.model = i % 2;
    r.start_s = 10 * i;
    r.duration_s = 10;
    r.decoded = true;
    r.loss = loss[i];
    r.test_accuracy = accuracy[i];
    assert_true(sg_tally_row(t, &r, 0, NULL));
    if (i == 3) sg_tally_target(t, &r, 2);
  }
  sg_tally_finish(t, &run, &s);
  assert_true(s.final_loss == 5 && s.final_accuracy == 0.5 && isnan(s.final_auc));
  assert_true(s.time_to_target_s == 20 && s.iterations_to_target == 2 && s.iter_mean_s == 10);
  sg_tally_free(t);

  t = sg_tally_new(4, 1, false); /* a run without a row */
  assert_non_null(t);
  sg_tally_finish(t, &run, &s);
  assert_true(isnan(s.wait_mean_s) && isnan(s.samples_used_total) && isnan(s.final_loss));
  assert_true(isnan(s.iter_mean_s) && isnan(s.worker_busy_share) && s.undecodable_iters == 0);
  sg_tally_free(t);
}

static double value_of(int column, int run) {
  return (column + 1) * (run == 1 ? 8 : run + 1); /* of three runs: 1, 8, 3 times */
}

/* Every column of run_summary, whatever it is: v_point and `compare` fold it as its row says. Whole
 * numbers, so that any order of adding is exact. */
static void test_folds_over_runs(void **state) {
  (void)state;
  const sg_column *first = sg_members_of("run_summary"), *c;
  int i, folded = 0, printed = 0;
  int64_t point = add_point("a", 0, NULL);
  for (int run = 0; run < 3; run++) {
    sg_summary_record s = sg_summary_blank;
    for (i = 0, c = first; c; c = sg_column_after(c), i++)
      sg_column_set_number(c, &s, value_of(i, run));
    write_run(point, run, &s, 0, NULL);
  }
  sg_error e = {0};
  sg_buffer out = {0};
  require(sg_compare(db, &(sg_compare_options){.format = SG_FORMAT_JSON}, &out, &e), &e);
  cJSON *rows = cJSON_Parse(out.data);
  sg_buffer_free(&out);
  assert_int_equal(cJSON_GetArraySize(rows), 1);
  for (i = 0, c = first; c; c = sg_column_after(c), i++) {
    if (c->fold == SG_FOLD_NONE) continue;
    if (c->fold == SG_FOLD_POOLED) { /* from iterations, of which there are none here */
      const cJSON *item = cJSON_GetObjectItem(rows->child, c->name);
      assert_true(item ? cJSON_IsNull(item) : !(c->shown & SG_IN_COMPARE));
      continue;
    }
    double times = c->fold == SG_FOLD_MEAN ? 4 : c->fold == SG_FOLD_MAX ? 8 : 12;
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT %s = %.17g FROM v_point", c->name, times * (i + 1));
    expect_true(sql);
    folded++;
    const cJSON *item = cJSON_GetObjectItem(rows->child, c->name);
    assert_true((item != NULL) == ((c->shown & SG_IN_COMPARE) != 0));
    if (!item) continue;
    if (fabs(item->valuedouble - times * (i + 1)) > 1e-12 * times * (i + 1))
      fail_msg("%s is %.17g", c->name, item->valuedouble);
    printed++;
  }
  cJSON_Delete(rows);
  assert_true(folded > 30 && printed > 10);
}

static void test_unknown_folds_to_unknown(void **state) {
  (void)state;
  int64_t point = add_point("a", 0, NULL);
  sg_summary_record s = sg_summary_blank;
  write_run(point, 0, &s, 0, NULL);
  s.final_loss = 3;
  s.cond1_max = 7;
  write_run(point, 1, &s, 0, NULL);
  expect_true("SELECT final_loss = 3 AND cond1_max = 7 AND iter_mean_s IS NULL"
              " AND staleness_max IS NULL FROM v_point");
}

/* A run of two models: their rows are not mixed. */
static void test_progress_of_models(void **state) {
  (void)state;
  sg_iteration_record row[3];
  for (int i = 0; i < 3; i++) {
    row[i] = sg_iteration_blank;
    row[i].iteration = i;
    row[i].model = i % 2;
    row[i].loss = 10 * i;
  }
  int64_t point = add_point("a", 0, NULL);
  write_run(point, 0, &sg_summary_blank, 3, row);
  row[0].model = 1; /* here the other model came first */
  row[0].loss = 100;
  write_run(point, 1, &sg_summary_blank, 1, row);
  expect_true("SELECT count(*) = 4 FROM v_progress");
  expect_true("SELECT loss_mean = 0 AND replications = 1 FROM v_progress WHERE iteration = 0"
              " AND model = 0");
  expect_true("SELECT loss_mean = 100 AND replications = 1 FROM v_progress WHERE iteration = 0"
              " AND model = 1");
}

/* --- Axes ------------------------------------------------------------------------------------- */

static const sg_axis axes[] = {{"n", "12"},
                               {"select", "\"pareto\""},
                               {"a\"b", "2.5"},
                               {"load_d", "[1,2]"},
                               {"N", "true"},
                               {"axis_load_d", "7"},
                               {"x' FROM run; DROP TABLE run; --", "1e300"},
                               {"", "not JSON"}};
static const char *const expected[] = {"n",
                                       "select",
                                       "a\"b",
                                       "axis_load_d",
                                       "axis_N",
                                       "axis_axis_load_d",
                                       "x' FROM run; DROP TABLE run; --",
                                       "axis_"};
enum { AXES = sizeof axes / sizeof *axes };

static void test_names_of_axes(void **state) {
  (void)state;
  write_run(add_point("a", AXES, axes), 0, &sg_summary_blank, 0, NULL);
  write_run(add_point("b", 1, &(sg_axis){"n", "24"}), 0, &sg_summary_blank, 0, NULL);
  static const char *const views[] = {"v_axes", "v_point"};
  for (int v = 0; v < 2; v++)
    for (int i = 0; i < AXES; i++) {
      char *sql = sqlite3_mprintf("SELECT count(*) FROM pragma_table_info('%s') c JOIN column_doc d"
                                  " ON d.table_name = '%s' AND d.column_name = c.name"
                                  " WHERE name = %Q AND d.meaning LIKE 'Value of the axis %%'",
                                  views[v], views[v], expected[i]);
      expect_true(sql);
      sqlite3_free(sql);
    }
  expect_true("SELECT count(*) = 9 FROM pragma_table_info('v_axes')");
  expect_true("SELECT n = 12 AND \"select\" = 'pareto' AND \"a\"\"b\" = 2.5"
              " AND axis_load_d = '[1,2]' AND load_d = 0.1 AND axis_N = 1"
              " AND axis_axis_load_d = 7 AND \"x' FROM run; DROP TABLE run; --\" = 1e300"
              " AND axis_ = 'not JSON' FROM v_point WHERE point_id = 1");
  expect_true("SELECT n = 24 AND \"select\" IS NULL FROM v_point WHERE point_id = 2");
  expect_true("SELECT count(*) = 2 FROM run");
}

/* Whether each axis is a column of a table in JSON, and the first row's n is 12. */
static void expect_axes(const char *what, const char *json) {
  cJSON *rows = cJSON_Parse(json);
  if (cJSON_GetArraySize(rows) < 1) fail_msg("%s: no rows", what);
  for (int i = 0; i < AXES; i++) {
    int found = 0;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, rows->child) found += strcmp(item->string, expected[i]) == 0;
    if (found != 1) fail_msg("%s has %d columns \"%s\"", what, found, expected[i]);
  }
  if (cJSON_GetObjectItemCaseSensitive(rows->child, "n")->valueint != 12) fail_msg("%s", what);
  cJSON_Delete(rows);
}

static void test_axes_are_printed(void **state) {
  (void)state;
  sg_iteration_record row = sg_iteration_blank;
  sg_summary_record s = sg_summary_blank;
  s.iter_mean_s = 1;
  row.duration_s = 1;
  int64_t point = add_point("a", AXES, axes), base = add_point("b", AXES, axes);
  sqlite3_exec(sg_db_handle(db), "UPDATE point SET is_baseline = point_id = 2", NULL, NULL, NULL);
  write_run(point, 0, &s, 1, &row);
  write_run(base, 0, &s, 1, &row);
  sqlite3_exec(sg_db_handle(db), "INSERT INTO worker_summary (run_id, worker) VALUES (16777216, 0)",
               NULL, NULL, NULL);
  static const char *const queries[] = {"@points",          "@compare", "@progress", "@ecdf",
                                        "@costs",           "@network", "@what-if",  "@errors",
                                        "@slowest-workers", "@runs"};
  sg_error e = {0};
  sg_buffer out = {0};
  for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
    require(sg_query(db, queries[i], SG_FORMAT_JSON, 0, NULL, &out, &e), &e);
    expect_axes(queries[i], out.data);
    sg_buffer_free(&out);
  }
  require(sg_compare(db, &(sg_compare_options){.format = SG_FORMAT_JSON}, &out, &e), &e);
  expect_axes("compare", out.data);
  sg_buffer_free(&out);
}

/* The columns follow the points: an axis that no point has any more goes. */
static void test_axes_change(void **state) {
  (void)state;
  expect_true("SELECT count(*) = 1 FROM pragma_table_info('v_axes')");
  add_point("a", 1, &(sg_axis){"n", "1"});
  expect_true("SELECT n = 1 FROM v_axes");
  add_point("a", 1, &(sg_axis){"mean", "5"});
  expect_true("SELECT count(*) = 2 FROM pragma_table_info('v_axes')");
  expect_true("SELECT mean = 5 FROM v_axes");
  add_point("a", 0, NULL);
  expect_true("SELECT count(*) = 1 FROM pragma_table_info('v_axes')");
  expect_true("SELECT count(*) = 0 FROM column_doc WHERE column_name IN ('n', 'mean')");
  /* What cannot be written leaves points and view as they were. */
  sqlite3_exec(sg_db_handle(db), "PRAGMA query_only = 1", NULL, NULL, NULL);
  sg_error e = {0};
  sg_point_record p = toy;
  int64_t id = 0;
  p.point_sha256 = "b";
  assert_int_not_equal(sg_db_add_point(db, scenario, &p, &id, &e), SG_OK);
  sg_error_clear(&e);
  sqlite3_exec(sg_db_handle(db), "PRAGMA query_only = 0", NULL, NULL, NULL);
  expect_true("SELECT count(*) = 1 FROM point");
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      DB_TEST(test_every_kind),         DB_TEST(test_reading),
      cmocka_unit_test(test_blank),     cmocka_unit_test(test_folds_over_a_run),
      DB_TEST(test_folds_over_runs),    DB_TEST(test_unknown_folds_to_unknown),
      DB_TEST(test_progress_of_models), DB_TEST(test_names_of_axes),
      DB_TEST(test_axes_are_printed),   DB_TEST(test_axes_change),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
