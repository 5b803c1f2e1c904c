/* SPDX-License-Identifier: MIT */
/* Free and named queries, on a connection that cannot write. */
#include "results/ask.h"
#include "results/database.h"
#include "sim/core/nearest.h"
#include "sim/core/param.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct named {
  const char *name, *summary, *sql;
} named[] = {
    {"points", "one row per parameter combination and scheme",
     "SELECT point_id, axes, scheme_label, stop_rule, n_workers, load_d, stragglers_s, comm_m,"
     " replications, iter_mean_s, iter_mean_ci95_half_s, iter_p99_s, time_to_target_s, final_loss,"
     " final_accuracy, grad_scaled_err_max FROM v_point ORDER BY point_id"},
    {"compare", "paired speed-up of iteration times over the baseline",
     "SELECT scheme_label, baseline_label, pairs, speedup, speedup_ci95_low, speedup_ci95_high,"
     " iter_time_verdict, point_id FROM v_compare ORDER BY point_id"},
    {"progress", "loss and accuracy over simulated time, mean over replications",
     "SELECT scheme_label, iteration, replications, time_mean_s, loss_mean, test_accuracy_mean,"
     " point_id FROM v_progress ORDER BY point_id, iteration"},
    {"ecdf", "distribution of iteration times: percentiles of every point",
     "SELECT scheme_label, CAST(round(100 * p.value) AS INTEGER) AS percent,"
     " min(duration_s) AS duration_s, point_id"
     " FROM v_ecdf JOIN json_each('[0.01,0.05,0.1,0.25,0.5,0.75,0.9,0.95,0.99,1]') p"
     " ON share >= p.value GROUP BY point_id, p.value ORDER BY point_id, p.value"},
    {"costs", "bytes, worker time and waste per iteration",
     "SELECT scheme_label, bytes_received_mean, bytes_sent_mean, worker_seconds_per_iter,"
     " worker_busy_share, wasted_work_share, stored_data_factor, point_id"
     " FROM v_point ORDER BY point_id"},
    {"network", "the master's link: how busy, how long messages wait, bytes",
     "SELECT scheme_label, axes, iter_mean_s, ingress_busy_share, queued_per_message_s, comm_m,"
     " bytes_received_mean, point_id FROM v_point ORDER BY point_id"},
    {"what-if", "the same runs without causes of lost time (run --what-if)",
     "SELECT p.scheme_label, p.axes, json_extract(c.config_json, '$.environment.without') AS "
     "without,"
     " p.replications, p.iter_mean_s, p.iter_p99_s, p.point_id FROM v_point p"
     " JOIN point c USING (point_id) ORDER BY p.scheme_label, without IS NOT NULL, p.point_id"},
    {"errors", "arithmetic: largest errors and condition numbers",
     "SELECT scheme_label, exact, grad_rel_err_max, grad_scaled_err_max, decoding_err_mean,"
     " cond1_max, decode_amp_max, undecodable_iters, point_id FROM v_point ORDER BY point_id"},
    {"code-checks", "codes that were checked: recovery, conditioning, errors",
     "SELECT scheme_label, n_workers, load_found, stragglers_found, comm_found, slack,"
     " broken_promises, patterns_inaccurate, cond2_median, cond2_worst, amp_worst, "
     "err_float64_worst,"
     " err_float32_worst, err_bfloat16_worst, received_gradients, check_id FROM code_check"
     " ORDER BY check_id"},
    {"slowest-workers", "workers by the time of their last message, slowest first",
     "SELECT scheme_label, worker, avg(speed) AS speed, avg(compute_mean_s) AS compute_mean_s,"
     " avg(arrival_mean_s) AS arrival_mean_s, avg(used_share) AS used_share,"
     " avg(cancelled_share) AS cancelled_share, point_id"
     " FROM worker_summary JOIN run USING (run_id) JOIN point USING (point_id)"
     " WHERE status <> 'running' GROUP BY point_id, worker"
     " ORDER BY used_share, arrival_mean_s DESC, point_id, worker LIMIT 50"},
    {"runs", "every run: how it ended",
     "SELECT run_id, scheme_label, replication, detail, status, stop_reason, iterations, rounds,"
     " sim_time_s, wall_s FROM run JOIN point USING (point_id) WHERE status <> 'running'"
     " ORDER BY run_id"},
    {"scenarios", "the scenarios whose results are here",
     "SELECT scenario_id, name, path, sha256, count(point_id) AS points FROM scenario"
     " LEFT JOIN point USING (scenario_id) GROUP BY scenario_id ORDER BY scenario_id"},
    {"invocations", "who wrote here: command, version, machine",
     "SELECT * FROM invocation ORDER BY invocation_id"},
    {"tables", "tables and views, with their number of columns",
     "SELECT m.name, m.type, count(*) AS columns FROM sqlite_schema m, pragma_table_info(m.name)"
     " WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'"
     " GROUP BY m.name ORDER BY m.type, m.name"},
    {"columns", "every column: unit and meaning",
     "SELECT table_name, column_name, unit, meaning FROM column_doc"
     " ORDER BY table_name, column_name"},
};
enum { N_NAMED = sizeof named / sizeof *named };

static sg_status list_named(sg_format format, int width, sg_buffer *out, sg_error *e) {
  static const char *const column[] = {"query", "shows"};
  sg_table *t = sg_table_new(2, column);
  if (!t) return sg_fail_memory(e);
  for (int i = 0; i < N_NAMED; i++) {
    sg_buffer name = {0};
    sg_putf(&name, "@%s", named[i].name);
    sg_table_text(t, name.data);
    sg_table_text(t, named[i].summary);
    sg_buffer_free(&name);
  }
  sg_table_print(t, format, width, out);
  sg_table_free(t);
  return out->failed ? sg_fail_memory(e) : SG_OK;
}

static const char *find_named(const char *name, sg_error *e) {
  const char *candidate[N_NAMED + 1] = {0};
  for (int i = 0; i < N_NAMED; i++) {
    if (!strcmp(named[i].name, name)) return named[i].sql;
    candidate[i] = named[i].name;
  }
  const char *near = sg_nearest(name, candidate);
  if (near)
    sg_fail(e, SG_USAGE, NULL, "no query is named @%s; did you mean @%s?", name, near);
  else
    sg_fail(e, SG_USAGE, NULL, "no query is named @%s; `query DB @` lists them", name);
  return NULL;
}

/* The name nearest to `word` in the first column of a query, in a string of the caller's, or NULL.
 * A suggestion is not worth a fault of its own: without memory there is none. */
static char *suggest(sg_db *db, const char *word, const char *names_sql) {
  sqlite3_stmt *s = NULL;
  char *found = NULL;
  const char **name = NULL;
  int n = 0;
  if (sqlite3_prepare_v2(sg_db_handle(db), names_sql, -1, &s, NULL)) return NULL;
  for (;;) {
    const char **grown = realloc(name, ((size_t)n + 1) * sizeof *grown);
    if (!grown) goto out;
    name = grown;
    name[n] = NULL;
    if (sqlite3_step(s) != SQLITE_ROW) break;
    name[n] = strdup((const char *)sqlite3_column_text(s, 0));
    if (!name[n++]) goto out;
  }
  const char *near = sg_nearest(word, name);
  found = near ? strdup(near) : NULL;
out:
  for (int i = 0; i < n; i++) free((char *)name[i]);
  free(name);
  sqlite3_finalize(s);
  return found;
}

/* "table.column" or "main.table" → the last part. */
static const char *last_part(const char *word) {
  const char *dot = strrchr(word, '.');
  return dot ? dot + 1 : word;
}

static sg_status fail_sql(sg_db *db, sg_error *e) {
  static const char no_table[] = "no such table: ", no_column[] = "no such column: ";
  int code = sqlite3_errcode(sg_db_handle(db));
  if (code != SQLITE_ERROR) return sg_db_fail(db, e);
  char *message = strdup(sqlite3_errmsg(sg_db_handle(db))), *near = NULL;
  if (!message) return sg_fail_memory(e);
  if (!strncmp(message, no_table, sizeof no_table - 1))
    near = suggest(db, last_part(message + sizeof no_table - 1),
                   "SELECT DISTINCT table_name FROM column_doc");
  else if (!strncmp(message, no_column, sizeof no_column - 1))
    near = suggest(db, last_part(message + sizeof no_column - 1),
                   "SELECT DISTINCT column_name FROM column_doc");
  sg_status status =
      near ? sg_fail(e, SG_USAGE, NULL, "SQL: %s; did you mean \"%s\"?", message, near)
           : sg_fail(e, SG_USAGE, NULL, "SQL: %s (`query DB @columns` lists all columns)", message);
  free(near);
  free(message);
  return status;
}

static void put_blob(sg_table *t, sqlite3_stmt *s, int column) {
  const unsigned char *byte = sqlite3_column_blob(s, column);
  int n = sqlite3_column_bytes(s, column);
  sg_buffer hex = {0};
  sg_put(&hex, "");
  for (int i = 0; i < n; i++) sg_putf(&hex, "%02x", byte[i]);
  sg_table_text(t, hex.data);
  sg_buffer_free(&hex);
}

static void put_value(sg_table *t, sqlite3_stmt *s, int column) {
  switch (sqlite3_column_type(s, column)) {
  case SQLITE_INTEGER: sg_table_integer(t, sqlite3_column_int64(s, column)); break;
  case SQLITE_FLOAT: sg_table_number(t, sqlite3_column_double(s, column), 6); break;
  case SQLITE_TEXT: sg_table_text(t, (const char *)sqlite3_column_text(s, column)); break;
  case SQLITE_BLOB: put_blob(t, s, column); break;
  default: sg_table_text(t, NULL);
  }
}

static sg_table *table_for(sqlite3_stmt *s) {
  int n = sqlite3_column_count(s);
  const char **name = calloc((size_t)n, sizeof *name);
  if (!name) return NULL;
  bool named_all = true;
  for (int j = 0; j < n; j++) named_all &= (name[j] = sqlite3_column_name(s, j)) != NULL;
  sg_table *t = named_all ? sg_table_new(n, name) : NULL;
  free(name);
  return t;
}

static sg_status print_rows(sg_db *db, sqlite3_stmt *s, sg_format format, int width, sg_buffer *out,
                            sg_error *e) {
  sg_table *t = table_for(s);
  if (!t) return sg_fail_memory(e);
  sg_status status = SG_OK;
  int code;
  while ((code = sqlite3_step(s)) == SQLITE_ROW)
    for (int j = 0; j < sqlite3_column_count(s); j++) put_value(t, s, j);
  if (code != SQLITE_DONE) status = fail_sql(db, e);
  if (!status) sg_table_print(t, format, width, out);
  if (!status && out->failed) status = sg_fail_memory(e);
  sg_table_free(t);
  return status;
}

/* Whether nothing but blanks, comments and semicolons follows a statement. */
static bool is_last(sg_db *db, const char *tail) {
  sqlite3_stmt *next = NULL;
  while (*tail) {
    if (sqlite3_prepare_v2(sg_db_handle(db), tail, -1, &next, &tail) || next) {
      sqlite3_finalize(next);
      return false;
    }
  }
  return true;
}

sg_status sg_query(sg_db *db, const char *sql, sg_format format, int width, sg_buffer *out,
                   sg_error *e) {
  if (!sql || !strcmp(sql, "@")) return list_named(format, width, out, e);
  if (*sql == '@' && !(sql = find_named(sql + 1, e))) return SG_USAGE;
  sqlite3_stmt *s = NULL;
  const char *tail = NULL;
  if (sqlite3_prepare_v2(sg_db_handle(db), sql, -1, &s, &tail)) return fail_sql(db, e);
  sg_status status;
  if (!s)
    status = sg_fail(e, SG_USAGE, NULL, "expected an SQL statement, found nothing");
  else if (!sqlite3_stmt_readonly(s) || sqlite3_column_count(s) == 0)
    status = sg_fail(e, SG_USAGE, NULL,
                     "expected a statement that reads (SELECT …), found one that does not; queries "
                     "cannot change results");
  else if (!is_last(db, tail))
    status = sg_fail(e, SG_USAGE, NULL, "expected one SQL statement, found more");
  else
    status = print_rows(db, s, format, width, out, e);
  sqlite3_finalize(s);
  return status;
}
