/* SPDX-License-Identifier: MIT */
/* Free and named queries, on a connection that cannot write. In those about points, `x.*` is the
 * number of the point and a column for each axis; columns that stand in several of v_point's tables
 * say themselves where they are shown (columns.def). */
#include "results/query.h"

#include "results/columns.h"
#include "sim/core/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FROM_POINTS " FROM v_point JOIN v_axes x USING (point_id) ORDER BY point_id"
static const struct named {
  const char *name, *summary;
  unsigned shown; /* the columns at {shown} */
  const char *sql;
  const char *none; /* where it has no rows: why that may be; NULL: no finished runs are there */
} named[] = {
    {"@points", "one row per parameter combination and scheme", SG_IN_POINTS,
     "SELECT x.*, axes, scheme_label{shown}" FROM_POINTS, NULL},
    {"@compare", "paired speed-up of iteration times over the baseline", 0,
     "SELECT x.*, scheme_label, baseline_label, pairs, speedup, speedup_ci95_low,"
     " speedup_ci95_high, iter_time_verdict"
     " FROM v_compare JOIN v_axes x USING (point_id) ORDER BY point_id",
     "no scheme was compared: it takes a \"baseline\" in the scenario, finished runs of it and of "
     "others; "
     "straggle compare takes the first scheme where there is none"},
    {"@progress", "loss and accuracy over simulated time, mean over replications", 0,
     "SELECT x.*, scheme_label, model, iteration, replications, time_mean_s, loss_mean,"
     " test_accuracy_mean"
     " FROM v_progress JOIN v_axes x USING (point_id) ORDER BY point_id, model, iteration",
     "iterations are not kept: it needs \"output\": {\"detail\": \"iteration\"} or more"},
    {"@ecdf", "distribution of iteration times: percentiles of every point", 0,
     "SELECT x.*, scheme_label, percent, duration_s"
     " FROM (SELECT point_id, scheme_label, CAST(round(100 * p.value) AS INTEGER) AS percent,"
     "  min(duration_s) AS duration_s"
     "  FROM v_ecdf JOIN json_each('[0.01,0.05,0.1,0.25,0.5,0.75,0.9,0.95,0.99,1]') p"
     "  ON share >= p.value GROUP BY point_id, p.value)"
     " JOIN v_axes x USING (point_id) ORDER BY point_id, percent",
     "iterations are not kept: it needs \"output\": {\"detail\": \"iteration\"} or more"},
    {"@costs", "bytes, worker time and waste per iteration", SG_IN_COSTS,
     "SELECT x.*, scheme_label{shown}" FROM_POINTS, NULL},
    {"@network", "the master's link: how busy, how long messages wait, bytes", SG_IN_NETWORK,
     "SELECT x.*, axes, scheme_label{shown}" FROM_POINTS, NULL},
    {"@what-if", "the same runs without causes of lost time (run --what-if)", SG_IN_WHAT_IF,
     "SELECT x.*, axes, scheme_label{shown} FROM v_point v JOIN v_axes x USING (point_id)"
     " JOIN (SELECT point_id, json_extract(config_json, '$.environment.without') AS causes"
     "  FROM point) USING (point_id) ORDER BY scheme_label, causes IS NOT NULL, point_id",
     NULL},
    {"@errors", "arithmetic and decoding: largest errors, condition numbers, staleness",
     SG_IN_ERRORS, "SELECT x.*, scheme_label{shown}" FROM_POINTS, NULL},
    {"@staleness", "how old the gradients were that updates used, without a barrier", 0,
     "SELECT x.*, scheme_label, staleness, messages, share"
     " FROM (SELECT point_id, scheme_label, staleness, count(*) AS messages,"
     "  count(*) * 1.0 / sum(count(*)) OVER (PARTITION BY point_id) AS share"
     "  FROM used_message JOIN run USING (run_id) JOIN point USING (point_id)"
     "  WHERE status <> 'running' GROUP BY point_id, staleness)"
     " JOIN v_axes x USING (point_id) ORDER BY point_id, staleness",
     "no messages are kept: it needs \"output\": {\"detail\": \"worker\"}, and schemes without a "
     "barrier or with mini-batches"},
    {"@code-checks", "codes that were checked: recovery, conditioning, errors", 0,
     "SELECT scheme_label, n_workers, load_found, stragglers_found, comm_found, slack,"
     " broken_promises, patterns_inaccurate, cond2_median, cond2_worst, amp_worst,"
     " err_float64_worst, err_float32_worst, err_bfloat16_worst, received_gradients, check_id"
     " FROM code_check ORDER BY check_id",
     "no code was checked into this database: straggle codes check NAME --database DB"},
    {"@slowest-workers", "workers by the time of their last message, slowest first", 0,
     "SELECT x.*, scheme_label, worker, speed, compute_mean_s, arrival_mean_s, used_share,"
     " cancelled_share"
     " FROM (SELECT point_id, scheme_label, worker, avg(speed) AS speed,"
     "  avg(compute_mean_s) AS compute_mean_s, avg(arrival_mean_s) AS arrival_mean_s,"
     "  avg(used_share) AS used_share, avg(cancelled_share) AS cancelled_share"
     "  FROM worker_summary JOIN run USING (run_id) JOIN point USING (point_id)"
     "  WHERE status <> 'running' GROUP BY point_id, worker"
     "  ORDER BY used_share, arrival_mean_s DESC, point_id, worker LIMIT 50)"
     " JOIN v_axes x USING (point_id) ORDER BY used_share, arrival_mean_s DESC, point_id, worker",
     "workers are not kept: it needs \"output\": {\"detail\": \"worker\"}"},
    {"@runs", "every run: how it ended", 0,
     "SELECT run_id, x.*, scheme_label, replication, detail, status, stop_reason, iterations,"
     " rounds, sim_time_s, wall_s"
     " FROM run JOIN point USING (point_id) JOIN v_axes x USING (point_id)"
     " WHERE status <> 'running' ORDER BY run_id",
     NULL},
    {"@scenarios", "the scenarios whose results are here", 0,
     "SELECT scenario_id, name, path, sha256, count(point_id) AS points FROM scenario"
     " LEFT JOIN point USING (scenario_id) GROUP BY scenario_id ORDER BY scenario_id",
     NULL},
    {"@invocations", "who wrote here: command, version, machine", 0,
     "SELECT * FROM invocation ORDER BY invocation_id", NULL},
    {"@tables", "tables and views, with their number of columns", 0,
     "SELECT m.name, m.type, count(*) AS columns FROM sqlite_schema m, pragma_table_info(m.name)"
     " WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'"
     " GROUP BY m.name ORDER BY m.type, m.name",
     NULL},
    {"@columns", "every column: unit and meaning", 0,
     "SELECT table_name, column_name, unit, meaning FROM column_doc"
     " ORDER BY table_name, column_name",
     NULL},
    {0}};

static sg_status list_named(sg_format format, int width, sg_buffer *out, sg_error *e) {
  sg_table *t = sg_table_new(0, NULL);
  if (!t) return sg_fail_memory(e);
  for (const struct named *q = named; q->name; q++) {
    sg_table_text(sg_table_at(t, "query"), q->name);
    sg_table_text(sg_table_at(t, "shows"), q->summary);
  }
  sg_table_print(t, format, width, out);
  sg_table_free(t);
  return out->failed ? sg_fail_memory(e) : SG_OK;
}

/* *none: why it may have no rows. */
static sg_status put_named(const char *name, sg_buffer *sql, const char **none, sg_error *e) {
  static const char mark[] = "{shown}";
  sg_nearness near = {.word = name + 1};
  for (const struct named *q = named; q->name; q++) {
    sg_consider(&near, q->name + 1);
    if (strcmp(q->name, name) != 0) continue;
    *none = q->none ? q->none : "no finished runs are in this database";
    const char *at = strstr(q->sql, mark);
    if (at) sg_put_bytes(sql, q->sql, (size_t)(at - q->sql));
    if (at) sg_put_shown(q->shown, sql);
    sg_put(sql, at ? at + sizeof mark - 1 : q->sql);
    return sql->failed ? sg_fail_memory(e) : SG_OK;
  }
  return near.best
             ? sg_fail(e, SG_USAGE, NULL, "no query is named %s; did you mean @%s?", name,
                       near.best)
             : sg_fail(e, SG_USAGE, NULL, "no query is named %s; `query DB @` lists them", name);
}

/* The name in column_doc that is nearest to what follows `prefix` in a message, in a string of the
 * caller's; NULL: none, or another message. "table.column" and "main.table": the last part. A
 * suggestion is not worth a fault of its own: without memory there is none. */
static char *suggest(sg_db *db, const char *message, const char *prefix, const char *names_sql) {
  sqlite3_stmt *s = NULL;
  char *found = NULL;
  if (strncmp(message, prefix, strlen(prefix)) != 0) return NULL;
  const char *word = message + strlen(prefix), *dot = strrchr(word, '.');
  sg_nearness near = {.word = dot ? dot + 1 : word};
  sg_status status = sg_db_prepare(db, names_sql, &s, NULL);
  while (sg_db_row(db, s, &status, NULL)) {
    if (!sg_consider(&near, sg_db_text(s, 0))) continue;
    free(found);
    found = strdup(near.best);
  }
  sqlite3_finalize(s);
  return found;
}

static sg_status fail_sql(sg_db *db, sg_error *e) {
  if (sqlite3_errcode(sg_db_handle(db)) != SQLITE_ERROR) return sg_db_fail(db, e);
  char *message = strdup(sqlite3_errmsg(sg_db_handle(db)));
  if (!message) return sg_fail_memory(e);
  char *near =
      suggest(db, message, "no such table: ", "SELECT DISTINCT table_name FROM column_doc");
  if (!near)
    near = suggest(db, message, "no such column: ", "SELECT DISTINCT column_name FROM column_doc");
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
  for (int i = 0; i < n; i++) {
    static const char digit[] = "0123456789abcdef";
    sg_put_bytes(&hex, (const char[]){digit[byte[i] >> 4], digit[byte[i] & 15]}, 2);
  }
  sg_table_buffer(t, &hex);
}

void sg_put_value(sg_table *t, sqlite3_stmt *s, int column) {
  switch (sqlite3_column_type(s, column)) {
  case SQLITE_INTEGER: sg_table_integer(t, sqlite3_column_int64(s, column)); break;
  case SQLITE_FLOAT: sg_table_number(t, sqlite3_column_double(s, column), 6); break;
  case SQLITE_TEXT: sg_table_text(t, (const char *)sqlite3_column_text(s, column)); break;
  case SQLITE_BLOB: put_blob(t, s, column); break;
  default: sg_table_text(t, NULL);
  }
}

enum { ROWS_AT_A_TIME = 64, BYTES_AT_A_TIME = 1 << 16 };

static sg_status print_rows(sg_db *db, sqlite3_stmt *s, const char *none, sg_format format,
                            int width, sg_flush *flush, sg_buffer *out, sg_error *e) {
  sg_table *t = sg_table_new(0, NULL);
  if (!t) return sg_fail_memory(e);
  for (int j = 0; j < sqlite3_column_count(s); j++) sg_table_column(t, sqlite3_column_name(s, j));
  sg_status status = SG_OK;
  int code = SQLITE_ROW;
  while (!status && (code = sqlite3_step(s)) == SQLITE_ROW) {
    for (int j = 0; j < sqlite3_column_count(s); j++) sg_put_value(t, s, j);
    if (!flush || sg_table_rows(t) < ROWS_AT_A_TIME || !sg_table_print_rows(t, format, out))
      continue;
    if (out->failed)
      status = sg_fail_memory(e);
    else if (out->length >= BYTES_AT_A_TIME && !flush(out))
      status = sg_fail(e, SG_IO, NULL, "the answer cannot be written: %s", strerror(errno));
  }
  if (!status && code != SQLITE_DONE) status = fail_sql(db, e);
  bool empty = none && format == SG_FORMAT_TEXT && sg_table_rows(t) == 0;
  if (!status && empty)
    sg_putf(out, "No rows: %s.\n", none);
  else if (!status)
    sg_table_print(t, format, width, out);
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

static sg_status query(sg_db *db, const char *sql, const char *none, sg_format format, int width,
                       sg_flush *flush, sg_buffer *out, sg_error *e) {
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
    status = print_rows(db, s, none, format, width, flush, out, e);
  sqlite3_finalize(s);
  return status;
}

sg_status sg_query(sg_db *db, const char *sql, sg_format format, int width, sg_flush *flush,
                   sg_buffer *out, sg_error *e) {
  if (!sql || !strcmp(sql, "@")) return list_named(format, width, out, e);
  if (*sql != '@') return query(db, sql, NULL, format, width, flush, out, e);
  sg_buffer of_name = {0};
  const char *none = NULL;
  sg_status status = put_named(sql, &of_name, &none, e);
  if (!status) status = query(db, of_name.data, none, format, width, flush, out, e);
  sg_buffer_free(&of_name);
  return status;
}
