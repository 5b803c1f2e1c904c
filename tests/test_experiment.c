/* SPDX-License-Identifier: MIT */
/* Whole experiments: the same rows for any number of threads and after interruptions, models that
 * descend as they do without the simulator, runs found again. */
#include "models/learning/abreast.h"
#include "models/learning/data.h"
#include "sim/core/linalg.h"
#include "sim/experiment/execute.h"
#include "tests/support/toy_codes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/straggle-test-XXXXXX";

static void path_of(const char *name, char path[256]) {
  snprintf(path, 256, "%s/%s", folder, name);
}

static int set_up(void **state) {
  (void)state;
  sg_blas_single_thread();
  return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  char command[300];
  snprintf(command, sizeof command, "rm -r '%s'", folder);
  return system(command);
}

static void fail_with(sg_error *e) {
  for (int i = 0; i < e->count; i++)
    print_error("%s: %s\n", e->fault[i].place, e->fault[i].message);
  sg_error_clear(e);
  fail();
}

/* --- Executing into a database and reading it back ---------------------------------------------
 */

static atomic_bool stop;
static int signs; /* of progress, until it is stopped */

static void stop_soon(void *user, const sg_progress *p) {
  (void)user, (void)p;
  if (--signs <= 0) atomic_store(&stop, true);
}

static sg_plan *plan_of(const char *text, sg_scenario **scenario) {
  char path[256];
  path_of("scenario.json", path);
  sg_error e = {0};
  sg_plan *plan = NULL;
  sg_status status = sg_scenario_parse(path, text, strlen(text), 0, NULL, scenario, &e);
  if (status == SG_OK) status = sg_plan_new(*scenario, &plan, &e);
  if (status != SG_OK) fail_with(&e);
  return plan;
}

/* Runs a scenario; with interrupt, a call is stopped at its first sign of progress, the next at its
 * second and so on: what is not finished is lost, and a sanitizer may need longer than one sign. */
static sg_execute_report execute(const char *text, const char *database, int threads,
                                 bool interrupt) {
  sg_scenario *scenario = NULL;
  sg_plan *plan = plan_of(text, &scenario);
  sg_execute_report report = {0};
  sg_status status = SG_INTERRUPTED;
  for (int calls = 0; status == SG_INTERRUPTED; calls++) {
    assert_true(calls < 1000);
    sg_error e = {0};
    sg_db *db = NULL;
    status = sg_db_open(database, SG_OPEN_WRITE, &db, &e);
    if (status != SG_OK) fail_with(&e);
    atomic_store(&stop, false);
    signs = calls + 1;
    sg_execute_options options = {
        .threads = threads, .stop = &stop, .progress = interrupt ? stop_soon : NULL};
    sg_invocation invocation = {.argv = "test", .version = "test", .threads = threads};
    status = sg_execute(plan, db, &invocation, &options, &report, &e);
    if (sg_db_close(db, &e) != SG_OK || (status != SG_OK && status != SG_INTERRUPTED))
      fail_with(&e);
  }
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  return report;
}

/* All result rows as text: what may differ between two executions is left out. */
static char *dump(const char *database) {
  static const char *const queries[] = {
      "SELECT * FROM point ORDER BY point_id",
      "SELECT run_id, point_id, replication, detail, status, stop_reason, iterations, rounds, "
      "events, "
      "sim_time_s FROM run ORDER BY run_id",
      "SELECT * FROM run_summary ORDER BY run_id",
      "SELECT * FROM iteration ORDER BY run_id, iteration",
      "SELECT * FROM worker_iteration ORDER BY run_id, iteration, worker",
      "SELECT * FROM worker_summary ORDER BY run_id, worker"};
  sg_error e = {0};
  sg_db *db = NULL;
  sg_buffer out = {0};
  if (sg_db_open(database, SG_OPEN_READ, &db, &e) != SG_OK) fail_with(&e);
  for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(sg_db_handle(db), queries[i], -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
      for (int c = 0; c < sqlite3_column_count(s); c++) {
        if (sqlite3_column_type(s, c) == SQLITE_FLOAT)
          sg_putf(&out, "%a|", sqlite3_column_double(s, c));
        else
          sg_putf(&out, "%s|", (const char *)sqlite3_column_text(s, c));
      }
      sg_put(&out, "\n");
    }
    sqlite3_finalize(s);
  }
  sg_db_close(db, &e);
  assert_false(out.failed);
  return out.data;
}

#define DELAYS                                                                                     \
  "\"delay\":{\"model\":\"shifted-exponential\",\"shift_s\":1.6,\"mean_excess_s\":1.25},"          \
  "\"network\":{\"uplink\":{\"model\":\"shifted-exponential\",\"shift_s\":6,\"mean_excess_s\":10}" \
  "},"
#define LEARNING(width)                                                                            \
  "\"learning\":{\"problem\":\"logistic-regression\",\"l2\":0.001,\"block_width\":" #width ","     \
  "\"data\":{\"source\":\"gaussian-mixture\",\"rows\":300,\"features\":17},"                       \
  "\"optimizer\":{\"method\":\"nesterov\",\"step\":0.5}},"
#define SCHEMES                                                                                    \
  "\"schemes\":[{\"code\":\"uncoded\"},{\"code\":\"cyclic-repetition\",\"s\":{\"each\":[1,3]}},"   \
  "{\"code\":\"ignore-stragglers\",\"s\":2},"                                                      \
  "{\"code\":\"group\",\"d\":3,\"m\":2,\"linear_code\":\"gaussian\",\"stop\":\"decodable\"}],"

static const char small[] = "{\"format\":1,\"cluster\":{\"workers\":6}," DELAYS LEARNING(1) SCHEMES
    "\"replications\":6,\"stop\":{\"iterations\":300},\"output\":{\"detail\":\"worker\"}}";
static const char wide[] = "{\"format\":1,\"cluster\":{\"workers\":6}," DELAYS LEARNING(4) SCHEMES
    "\"replications\":6,\"stop\":{\"iterations\":300,\"target_loss\":0.2},"
    "\"output\":{\"detail\":\"iteration\"}}";

static void same_rows(const char *text, const char *name) {
  char one[256], two[256], broken[256], file[64];
  snprintf(file, sizeof file, "%s-1.db", name);
  path_of(file, one);
  snprintf(file, sizeof file, "%s-2.db", name);
  path_of(file, two);
  snprintf(file, sizeof file, "%s-3.db", name);
  path_of(file, broken);
  sg_execute_report report = execute(text, one, 1, false);
  assert_int_equal(report.computed, 30);
  assert_int_equal(report.found, 0);
  execute(text, two, 2, false);
  execute(text, broken, 2, true);
  char *a = dump(one), *b = dump(two), *c = dump(broken);
  assert_true(strlen(a) > 100000);
  assert_string_equal(a, b);
  assert_string_equal(a, c);
  free(a);
  free(b);
  free(c);
  report = execute(text, one, 2, false); /* nothing is missing */
  assert_int_equal(report.computed, 0);
  assert_int_equal(report.found, 30);
}

static void test_same_rows_narrow(void **state) {
  (void)state;
  same_rows(small, "narrow");
}

static void test_same_rows_wide(void **state) {
  (void)state;
  same_rows(wide, "wide");
}

/* Every run with a code and data of its own. */
static void test_same_rows_drawn_anew(void **state) {
  (void)state;
  static const char text[] = "{\"format\":1,\"cluster\":{\"workers\":6}," DELAYS LEARNING(4) SCHEMES
      "\"replicate\":\"delays+code+data\",\"replications\":6,"
      "\"stop\":{\"iterations\":100},\"output\":{\"detail\":\"worker\"}}";
  same_rows(text, "anew");
}

static long count_rows(const char *database, const char *sql) {
  sg_error e = {0};
  sg_db *db = NULL;
  sqlite3_stmt *s = NULL;
  if (sg_db_open(database, SG_OPEN_READ, &db, &e) != SG_OK) fail_with(&e);
  assert_int_equal(sqlite3_prepare_v2(sg_db_handle(db), sql, -1, &s, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(s), SQLITE_ROW);
  long n = (long)sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  sg_db_close(db, &e);
  return n;
}

static void write_data(const char *path, double first) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "a,b,label\n");
  for (int i = 0; i < 40; i++)
    fprintf(f, "%g,%g,%s\n", i == 0 ? first : i % 7, (double)(i * i % 11), i % 3 ? "yes" : "no");
  fclose(f);
}

/* Common random numbers: whatever a code asks first, and however much, a worker takes the same time
 * in an iteration of a replication. With a start-up time alone the load does not matter. */
static void test_common_random_numbers(void **state) {
  (void)state;
  static const char text[] =
      "{\"format\":1,\"cluster\":{\"workers\":12,"
      "\"random_speed\":{\"model\":\"lognormal\",\"sigma\":0.3}},"
      "\"delay\":{\"model\":\"gamma\",\"mean_s\":1,\"shape\":2,\"scaling\":\"startup\","
      "\"per_subset_s\":0,\"memory\":{\"p_slow\":0.1,\"p_recover\":0.3,\"slowdown\":3},"
      "\"common\":{\"model\":\"lognormal\",\"sigma\":0.2},"
      "\"stalls\":{\"probability\":0.05,\"share\":0.5,\"slowdown\":2,"
      "\"length\":{\"model\":\"exponential\",\"mean_s\":5}}},"
      "\"learning\":{\"problem\":\"none\",\"length\":100},"
      "\"schemes\":[{\"code\":\"uncoded\"},{\"code\":\"cyclic-repetition\",\"s\":3},"
      "{\"code\":\"fractional-repetition\",\"s\":2}],"
      "\"replications\":4,\"stop\":{\"iterations\":50},\"output\":{\"detail\":\"worker\"}}";
  char database[256];
  path_of("common.db", database);
  assert_int_equal(execute(text, database, 2, false).computed, 12);
  sg_error e = {0};
  sg_db *db = NULL;
  sqlite3_stmt *s = NULL;
  if (sg_db_open(database, SG_OPEN_READ, &db, &e) != SG_OK) fail_with(&e);
  /* Uncoded waits for all, so its times are complete; of the others those that were not cut off.
   * The last column is the same with one replication against the next. */
  assert_int_equal(
      sqlite3_prepare_v2(
          sg_db_handle(db),
          "WITH w AS (SELECT code, replication, iteration, worker, compute_s FROM worker_iteration "
          "JOIN run USING (run_id) JOIN point USING (point_id) WHERE NOT cancelled) "
          "SELECT count(*), max(abs(b.compute_s - a.compute_s)), "
          "(SELECT min(abs(d.compute_s - c.compute_s)) FROM w c JOIN w d USING (code, iteration, "
          "worker) WHERE code = 'uncoded' AND d.replication = c.replication + 1) "
          "FROM w a JOIN w b USING (replication, iteration, worker) "
          "WHERE a.code = 'uncoded' AND b.code <> 'uncoded' GROUP BY b.code",
          -1, &s, NULL),
      SQLITE_OK);
  int codes = 0;
  for (; sqlite3_step(s) == SQLITE_ROW; codes++) {
    assert_true(sqlite3_column_int(s, 0) > 4 * 50 * 12 / 4);
    assert_true(sqlite3_column_double(s, 1) < 1e-12);
    assert_true(sqlite3_column_double(s, 2) > 1e-9);
  }
  assert_int_equal(codes, 2);
  sqlite3_finalize(s);
  sg_db_close(db, &e);
}

/* More replications are added to what is there; another content of the data file makes all runs
 * new, another name of the scenario none. */
static void test_runs_found_again(void **state) {
  (void)state;
  static const char format[] =
      "{\"format\":1,\"name\":\"%s\",\"cluster\":{\"workers\":4}," DELAYS
      "\"learning\":{\"problem\":\"logistic-regression\",\"data\":{\"source\":\"csv\",\"path\":"
      "\"data.csv\",\"label\":\"label\"}},\"schemes\":[{\"code\":\"uncoded\"}],"
      "\"replications\":%d,\"stop\":{\"iterations\":5}}";
  char data[256], database[256], text[1024];
  path_of("data.csv", data);
  path_of("again.db", database);
  write_data(data, 1);
  snprintf(text, sizeof text, format, "one", 3);
  assert_int_equal(execute(text, database, 1, false).computed, 3);
  snprintf(text, sizeof text, format, "two", 5);
  sg_execute_report report = execute(text, database, 1, false);
  assert_int_equal(report.computed, 2);
  assert_int_equal(report.found, 3);
  write_data(data, 2);
  report = execute(text, database, 1, false);
  assert_int_equal(report.computed, 5);
  assert_int_equal(count_rows(database, "SELECT count(*) FROM run"), 10);
}

/* What a plan has read of files is what its runs take. */
static void test_data_are_read_once(void **state) {
  (void)state;
  static const char text[] =
      "{\"format\":1,\"cluster\":{\"workers\":4}," DELAYS
      "\"learning\":{\"problem\":\"logistic-regression\",\"data\":{\"source\":\"csv\",\"path\":"
      "\"data.csv\",\"label\":\"label\"}},\"schemes\":[{\"code\":\"uncoded\"}],"
      "\"replications\":1,\"stop\":{\"iterations\":5}}";
  char data[256];
  path_of("data.csv", data);
  write_data(data, 1);
  sg_scenario *scenario = NULL;
  sg_plan *plan = plan_of(text, &scenario);
  assert_true(plan->point[0].data_bytes > 0 && plan->point[0].missing_bytes == 0);
  assert_int_equal(unlink(data), 0);
  sg_error e = {0};
  sg_world *world = NULL;
  if (sg_world_new(plan->point[0].point, plan->cache, NULL, &world, &e) != SG_OK) fail_with(&e);
  sg_world_free(world, plan->cache);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
}

/* --- Against plain gradient descent --------------------------------------------------------------
 */

static double plain_loss(const sg_data *d, const double *x, double l2, double *gradient) {
  double loss = 0, n = (double)d->rows;
  for (long c = 0; c < d->columns; c++) gradient[c] = 0;
  for (long r = 0; r < d->rows; r++) {
    const double *row = d->x + r * d->columns;
    double z = 0;
    for (long c = 0; c < d->columns; c++) z += row[c] * x[c];
    loss += log1p(exp(-fabs(z))) + (z > 0 ? z : 0) - d->y[r] * z;
    double residual = 1 / (1 + exp(-z)) - d->y[r];
    for (long c = 0; c < d->columns; c++) gradient[c] += residual * row[c];
  }
  loss /= n;
  for (long c = 0; c < d->columns; c++) {
    bool free_of_l2 = d->intercept && c == d->columns - 1;
    gradient[c] = gradient[c] / n + (free_of_l2 ? 0 : l2 * x[c]);
    if (!free_of_l2) loss += l2 / 2 * x[c] * x[c];
  }
  return loss;
}

/* Gradient descent in a page, without straggle's problems, optimisers and codes. */
static double plain_descent(const sg_values *data_values, int steps, double step, double l2) {
  sg_error e = {0};
  sg_data *d = NULL;
  if (sg_data_new(data_values, false, 1, &d, &e) != SG_OK) fail_with(&e);
  double *x = calloc((size_t)d->columns, sizeof *x), *g = calloc((size_t)d->columns, sizeof *g);
  assert_non_null(x);
  assert_non_null(g);
  for (int t = 0; t < steps; t++) {
    plain_loss(d, x, l2, g);
    for (long c = 0; c < d->columns; c++) x[c] -= step * g[c];
  }
  double loss = plain_loss(d, x, l2, g);
  free(x);
  free(g);
  sg_data_free(d);
  return loss;
}

static void test_same_loss_as_plain_descent(void **state) {
  (void)state;
  static const char text[] =
      "{\"format\":1,\"cluster\":{\"workers\":12}," DELAYS
      "\"learning\":{\"problem\":\"logistic-regression\",\"l2\":0.001,\"evaluate_every\":10,"
      "\"data\":{\"source\":\"gaussian-mixture\",\"rows\":500,\"features\":9},"
      "\"optimizer\":{\"method\":\"gradient-descent\",\"step\":0.7}},"
      "\"schemes\":[{\"code\":\"uncoded\"},{\"code\":\"fractional-repetition\",\"s\":2},"
      "{\"code\":\"cyclic-repetition\",\"s\":3},"
      "{\"code\":\"ye-abbe\",\"d\":4,\"m\":2,\"construction\":\"polynomial\"},"
      "{\"code\":\"ye-abbe\",\"d\":5,\"m\":3,\"construction\":\"random\"},"
      "{\"code\":\"group\",\"d\":4,\"m\":3,\"linear_code\":\"harmonic\",\"stop\":\"decodable\"},"
      "{\"code\":\"group\",\"d\":6,\"m\":2,\"linear_code\":\"gaussian\",\"stop\":\"count\"},"
      "{\"code\":\"group\",\"d\":4,\"m\":1,\"linear_code\":\"repetition\",\"stop\":\"decodable\"},"
      "{\"code\":\"group\",\"d\":4,\"m\":3,\"linear_code\":\"single-parity\",\"stop\":"
      "\"decodable\"}],"
      "\"stop\":{\"iterations\":60}}";
  char database[256];
  path_of("plain.db", database);
  assert_int_equal(execute(text, database, 2, false).computed, 9);
  sg_scenario *scenario = NULL;
  sg_plan *plan = plan_of(text, &scenario);
  const sg_values *learning = sg_section(plan->point[0].point, "learning");
  double expected = plain_descent(sg_object(learning, "data"), 60, 0.7, 0.001);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  sg_error e = {0};
  sg_db *db = NULL;
  sqlite3_stmt *s = NULL;
  if (sg_db_open(database, SG_OPEN_READ, &db, &e) != SG_OK) fail_with(&e);
  assert_int_equal(sqlite3_prepare_v2(sg_db_handle(db),
                                      "SELECT final_loss, grad_scaled_err_max FROM run_summary", -1,
                                      &s, NULL),
                   SQLITE_OK);
  int rows = 0;
  while (sqlite3_step(s) == SQLITE_ROW) {
    assert_true(fabs(sqlite3_column_double(s, 0) - expected) < 1e-9 * expected);
    assert_true(sqlite3_column_double(s, 1) < 1e-9);
    rows++;
  }
  assert_int_equal(rows, 9);
  sqlite3_finalize(s);
  sg_db_close(db, &e);
}

/* Four of six parts come, with α = 6/4, two have α = 0: Σ(α − 1)² = 4/4 + 2 = 3. */
static void test_decoding_errors(void **state) {
  (void)state;
  char database[256];
  path_of("errors.db", database);
  execute("{\"format\":1,\"cluster\":{\"workers\":6}," DELAYS LEARNING(1) SCHEMES
          "\"stop\":{\"iterations\":20},\"output\":{\"detail\":\"iteration\"}}",
          database, 1, false);
  sg_error e = {0};
  sg_db *db = NULL;
  sqlite3_stmt *s = NULL;
  if (sg_db_open(database, SG_OPEN_READ, &db, &e) != SG_OK) fail_with(&e);
  assert_int_equal(
      sqlite3_prepare_v2(sg_db_handle(db),
                         "SELECT exact, decoding_err, err_norm, err_root, model,"
                         " err_norm_mean FROM iteration JOIN run USING (run_id)"
                         " JOIN run_summary USING (run_id) JOIN point USING (point_id)",
                         -1, &s, NULL),
      SQLITE_OK);
  int rows = 0;
  for (; sqlite3_step(s) == SQLITE_ROW; rows++) {
    static const double expected[] = {3, 0.5, 1.7320508075688772};
    for (int k = 0; k < 3; k++)
      if (sqlite3_column_int(s, 0))
        assert_int_equal(sqlite3_column_type(s, 1 + k), SQLITE_NULL);
      else
        assert_true(fabs(sqlite3_column_double(s, 1 + k) - expected[k]) < 1e-12);
    assert_true(sqlite3_column_type(s, 4) == SQLITE_INTEGER && sqlite3_column_int(s, 4) == 0);
    assert_true(sqlite3_column_int(s, 0) || fabs(sqlite3_column_double(s, 5) - 0.5) < 1e-12);
  }
  assert_int_equal(rows, 5 * 20);
  sqlite3_finalize(s);
  sg_db_close(db, &e);
}

/* --- Neighbours ----------------------------------------------------------------------------------
 */

typedef struct losses {
  int replication, count;
  double loss[64], error[64];
} losses;

static bool keep_row(void *user, int replication, const sg_iteration_record *row, int n,
                     const sg_worker_record *worker) {
  (void)n, (void)worker;
  losses *l = user;
  if (replication != l->replication) return true;
  assert_true(l->count < 64);
  l->loss[l->count] = row->loss;
  l->error[l->count++] = row->grad_rel_err;
  return true;
}

static bool keep_going(void *user, int replication, const sg_run_row *run,
                       const sg_summary_record *summary, int n, const sg_worker_summary_record *w) {
  (void)user, (void)replication, (void)run, (void)summary, (void)n, (void)w;
  return true;
}

/* A run has the same bits alone and in any company, at any place: in a wide block, and in one of
 * width 1, whose columns may go through the data together. */
static void test_neighbours_do_not_matter(void **state) {
  (void)state;
#define RUN "\"schemes\":[{\"code\":\"cyclic-repetition\",\"s\":2}],\"stop\":{\"iterations\":40}}"
  static const char *const texts[] = {
      "{\"format\":1,\"cluster\":{\"workers\":6}," DELAYS LEARNING(8) RUN,
      "{\"format\":1,\"cluster\":{\"workers\":6}," DELAYS LEARNING(0) RUN};
#undef RUN
  static const int companies[][8] = {
      {3, -1}, {3, 1, 2, -1}, {7, 3, 5, -1}, {0, 1, 2, 4, 5, 6, 7, 3}};
  for (int width = 8; width >= 1; width -= 7) {
    sg_scenario *scenario = NULL;
    sg_plan *plan = plan_of(texts[width == 1], &scenario);
    sg_error e = {0};
    sg_world *world = NULL;
    if (sg_world_new(plan->point[0].point, plan->cache, NULL, &world, &e) != SG_OK) fail_with(&e);
    assert_int_equal(world->width, width);
    assert_int_equal(world->abreast, width == 8 || sg_abreast_here() ? 8 : 1);
    losses alone = {0};
    for (size_t i = 0; i < sizeof companies / sizeof *companies; i++) {
      losses l = {.replication = 3};
      int count = 0;
      while (count < 8 && companies[i][count] >= 0) count++;
      const sg_block_options options = {0};
      const sg_sink sink = {.user = &l, .row = keep_row, .finish = keep_going};
      if (sg_block_run(world, count, companies[i], &options, &sink, &e) != SG_OK) fail_with(&e);
      assert_int_equal(l.count, 40);
      if (i == 0) alone = l;
      assert_memory_equal(l.loss, alone.loss, sizeof l.loss);
      assert_memory_equal(l.error, alone.error, sizeof l.error);
    }
    sg_world_free(world, plan->cache);
    sg_plan_free(plan);
    sg_scenario_free(scenario);
  }
}

/* --- Protocols of other kinds, with real gradients -------------------------------------------- */

typedef struct course {
  int rows;
  double first_loss, last_loss, worst_error;
} course;

static bool follow(void *user, int replication, const sg_iteration_record *row, int n,
                   const sg_worker_record *worker) {
  (void)replication, (void)n, (void)worker;
  course *c = user;
  if (c->rows++ == 0) c->first_loss = row->loss;
  c->last_loss = row->loss;
  c->worst_error = fmax(c->worst_error, row->grad_rel_err);
  assert_true(row->grad_rel_err >= 0);
  return true;
}

/* Schemes that are not one round per iteration decode what they say, and their models descend. */
static void test_other_protocols_learn(void **state) {
  (void)state;
  for (int i = 0; i < TOY_KINDS; i++) {
    char text[1024];
    snprintf(text, sizeof text,
             "{\"format\":1,\"cluster\":{\"workers\":%d}," DELAYS
             "\"learning\":{\"problem\":\"logistic-regression\",\"data\":{\"source\":"
             "\"gaussian-mixture\",\"rows\":200,\"features\":8}},"
             "\"schemes\":[{\"code\":\"%s\"}],\"stop\":{\"iterations\":80}}",
             toy_kinds[i].workers, toy_kinds[i].code);
    sg_scenario *scenario = NULL;
    sg_plan *plan = plan_of(text, &scenario);
    sg_error e = {0};
    sg_world *w = NULL;
    if (sg_world_new(plan->point[0].point, plan->cache, NULL, &w, &e) != SG_OK) fail_with(&e);
    course c = {0};
    const int replication = 0;
    const sg_block_options options = {0};
    const sg_sink sink = {.user = &c, .row = follow, .finish = keep_going};
    if (sg_block_run(w, 1, &replication, &options, &sink, &e) != SG_OK) fail_with(&e);
    assert_int_equal(c.rows, 80);
    assert_true(c.worst_error < 1e-11);
    assert_true(c.last_loss < c.first_loss);
    sg_world_free(w, plan->cache);
    sg_plan_free(plan);
    sg_scenario_free(scenario);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_rows_narrow),
                                     cmocka_unit_test(test_same_rows_wide),
                                     cmocka_unit_test(test_same_rows_drawn_anew),
                                     cmocka_unit_test(test_common_random_numbers),
                                     cmocka_unit_test(test_runs_found_again),
                                     cmocka_unit_test(test_data_are_read_once),
                                     cmocka_unit_test(test_same_loss_as_plain_descent),
                                     cmocka_unit_test(test_decoding_errors),
                                     cmocka_unit_test(test_neighbours_do_not_matter),
                                     cmocka_unit_test(test_other_protocols_learn)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
