/* SPDX-License-Identifier: MIT */
/* Adds databases to another. Each has a connection of its own (SQLite attaches ten at most); rows
 * go from one to the other as SQLite's values, by the table of columns. */
#include "results/merge.h"

#include "results/columns.h"
#include "sim/core/array.h"
#include "sim/core/param.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_DIFFERENCES = 10 };

/* What hangs on a run, and from which detail on. */
static const struct {
  const char *table;
  sg_detail from;
} parts[] = {{"run_summary", SG_DETAIL_SUMMARY},     {"iter_time_group", SG_DETAIL_SUMMARY},
             {"worker_summary", SG_DETAIL_WORKER},   {"iteration", SG_DETAIL_ITERATION},
             {"worker_iteration", SG_DETAIL_WORKER}, {"used_message", SG_DETAIL_WORKER}};
enum { PARTS = sizeof parts / sizeof *parts };

typedef struct ids { /* numbers of rows, there and here; ascending there */
  int n, capacity;
  struct id_pair {
    int64_t in, out;
  } * pair;
} ids;

typedef struct merge {
  sg_db *out, *in;
  const char *path; /* of `in` */
  const atomic_bool *stop;
  sg_merge_report *report;
  sg_error *e;
  ids invocation, scenario, point;
  bool new_points;
  int differences;
  sqlite3_stmt *of_in[PARTS], *of_out[PARTS], *add[PARTS];
} merge;

/* --- SQL from the table of columns ------------------------------------------------------------ */

static bool listed(const char *name, const char *const *list) {
  for (; list && *list; list++)
    if (strcmp(name, *list) == 0) return true;
  return false;
}

/* "a, b" or "a IS ? AND b IS ?", of all columns but some; how many. */
static int put_columns(const char *table, const char *const *but, const char *between,
                       const char *after, sg_buffer *out) {
  int n = 0;
  for (const sg_column *c = sg_columns_of(table); c; c = sg_column_after(c))
    if (!listed(c->name, but)) sg_putf(out, "%s%s%s", n++ ? between : "", c->name, after);
  return n;
}

static sg_status prepare(sg_db *db, sg_buffer *sql, sqlite3_stmt **out, sg_error *e) {
  sg_status status = sql->failed ? sg_fail_memory(e) : sg_db_prepare(db, sql->data, out, e);
  sg_buffer_free(sql);
  return status;
}

/* "SELECT columns FROM table" and `rest`. */
static sg_status prepare_select(sg_db *db, const char *table, const char *const *but,
                                const char *rest, sqlite3_stmt **out, sg_error *e) {
  sg_buffer sql = {0};
  sg_put(&sql, "SELECT ");
  put_columns(table, but, ", ", "", &sql);
  sg_putf(&sql, " FROM %s %s", table, rest);
  return prepare(db, &sql, out, e);
}

/* All columns but some; a row's number is returned where SQLite gives it. */
static sg_status prepare_add(sg_db *db, const char *table, const char *const *but,
                             sqlite3_stmt **out, sg_error *e) {
  sg_buffer sql = {0};
  sg_putf(&sql, "INSERT INTO %s (", table);
  int n = put_columns(table, but, ", ", "", &sql);
  for (int i = 0; i < n; i++) sg_put(&sql, i ? ", ?" : ") VALUES (?");
  sg_put(&sql, but ? ") RETURNING rowid" : ")");
  return prepare(db, &sql, out, e);
}

/* Without memory for a copy of the value the parameter would be NULL. */
static sg_status bind_value(sqlite3_stmt *to, int parameter, sqlite3_stmt *from, int column,
                            sg_error *e) {
  int code = sqlite3_bind_value(to, parameter, sqlite3_column_value(from, column));
  return code == SQLITE_NOMEM ? sg_fail_memory(e) : SG_OK;
}

/* Binds the columns of a row from `first` on to ?1, ?2, …; the last ones may have no place. */
static sg_status bind_row(sqlite3_stmt *to, sqlite3_stmt *from, int first, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = first; i < sqlite3_data_count(from) && !status; i++)
    status = bind_value(to, i - first + 1, from, i, e);
  return status;
}

static sg_status run_once(merge *m, sqlite3_stmt *s) {
  sg_status status = sg_db_step(m->out, s, m->e);
  sqlite3_reset(s);
  return status;
}

/* --- Numbers of rows -------------------------------------------------------------------------- */

static int by_in(const void *a, const void *b) {
  const struct id_pair *p = a, *q = b;
  return (p->in > q->in) - (p->in < q->in);
}

/* 0: there is no such row, as in a database that was tampered with. */
static int64_t out_id(const ids *map, int64_t in) {
  const struct id_pair *p = map->n ? bsearch(&(struct id_pair){.in = in}, map->pair, (size_t)map->n,
                                             sizeof *map->pair, by_in)
                                   : NULL;
  return p ? p->out : 0;
}

static sg_status keep_id(merge *m, ids *map, int64_t in, int64_t out) {
  if (!SG_ROOM(map->pair, map->capacity, map->n + 1)) return sg_fail_memory(m->e);
  map->pair[map->n++] = (struct id_pair){in, out};
  return SG_OK;
}

/* --- What is the same ------------------------------------------------------------------------- */

static bool same_value(sqlite3_stmt *a, sqlite3_stmt *b, int i) {
  if (sqlite3_column_type(a, i) != sqlite3_column_type(b, i)) return false;
  if (sqlite3_column_type(a, i) == SQLITE_FLOAT) { /* −0 is not 0 */
    double x = sqlite3_column_double(a, i), y = sqlite3_column_double(b, i);
    return memcmp(&x, &y, sizeof x) == 0;
  }
  if (sqlite3_column_type(a, i) == SQLITE_INTEGER)
    return sqlite3_column_int64(a, i) == sqlite3_column_int64(b, i);
  int n = sqlite3_column_bytes(a, i);
  return n == sqlite3_column_bytes(b, i) &&
         (n == 0 || memcmp(sqlite3_column_blob(a, i), sqlite3_column_blob(b, i), (size_t)n) == 0);
}

/* Numbers of rows, who wrote when, and what a new name or baseline changes. */
static const char *const may_differ[] = {"run_id",       "point_id",    "invocation_id", "check_id",
                                         "scenario_id",  "is_baseline", "detail",        "wall_s",
                                         "scheme_label", NULL};

/* The first column that two rows do not have in common, −1: none. A row is not the same as none:
 * its column 0. */
static int first_difference(sqlite3_stmt *a, sqlite3_stmt *b) {
  int n = sqlite3_data_count(a);
  if (n != sqlite3_data_count(b)) return 0;
  for (int i = 0; i < n; i++)
    if (!same_value(a, b, i) && !listed(sqlite3_column_name(a, i), may_differ)) return i;
  return -1;
}

static void put_value(sqlite3_stmt *s, int i, sg_buffer *out) {
  const char *text = (const char *)sqlite3_column_text(s, i);
  if (sqlite3_column_type(s, i) == SQLITE_FLOAT)
    sg_putf(out, "%.17g", sqlite3_column_double(s, i));
  else
    sg_putf(out, "%.60s", text ? text : "NULL");
}

/* Who computed a run. */
static sg_status put_origin(sg_db *db, int64_t invocation, sg_buffer *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(db,
                               "SELECT format('kernels %s on %s (%s, %s)', blas_core, host, cpu,"
                               " git_revision) FROM invocation WHERE invocation_id = :number",
                               NULL, invocation, &s, e);
  const char *text = sg_db_row(db, s, &status, e) ? (const char *)sqlite3_column_text(s, 0) : NULL;
  sg_put(out, text ? text : "unknown");
  sqlite3_finalize(s);
  return status;
}

/* Adds a fault about two rows; by: who computed them. */
static sg_status differ(merge *m, const char *what, const char *table, sqlite3_stmt *here,
                        sqlite3_stmt *there, int column, const char *by) {
  if (m->differences++ >= MOST_DIFFERENCES) return SG_OK;
  sqlite3_stmt *any = sqlite3_data_count(here) ? here : there;
  sg_buffer b = {0};
  bool missing = sqlite3_data_count(here) != sqlite3_data_count(there);
  sg_putf(&b, "%s is not the same: ", what);
  if (missing)
    sg_putf(&b, "a row of %s", table);
  else
    sg_putf(&b, "%s.%s", table, sqlite3_column_name(any, column));
  if (strcmp(table, "iteration") == 0 || strcmp(table, "worker_iteration") == 0 ||
      strcmp(table, "used_message") == 0)
    sg_putf(&b, " of iteration %lld", (long long)sqlite3_column_int64(any, 1));
  if (missing) {
    sg_put(&b, any == here ? " is not here but" : " is here but not");
  } else {
    sg_put(&b, " is ");
    put_value(there, column, &b);
    sg_put(&b, " here and ");
    put_value(here, column, &b);
  }
  sg_put(&b, " in the databases before it");
  sg_put(&b, by);
  sg_fail_buffer(m->e, SG_INVALID, m->path, &b);
  return SG_OK;
}

/* --- Who wrote, from what --------------------------------------------------------------------- */

/* Rows of a table whose numbers SQLite gives; `same`: the columns that make two rows one, NULL: all
 * but the number. */
static sg_status add_rows(merge *m, const char *table, const char *id, const char *same, ids *map) {
  const char *but[] = {id, NULL};
  sqlite3_stmt *in = NULL, *find = NULL, *add = NULL;
  sg_buffer rest = {0}, sql = {0};
  sg_putf(&rest, "ORDER BY %s", id);
  sg_putf(&sql, "SELECT %s FROM %s WHERE ", id, table);
  if (same)
    sg_put(&sql, same);
  else
    put_columns(table, but, " AND ", " IS ?", &sql);
  sg_status status =
      rest.failed ? sg_fail_memory(m->e) : prepare_select(m->in, table, NULL, rest.data, &in, m->e);
  sg_buffer_free(&rest);
  if (status)
    sg_buffer_free(&sql);
  else
    status = prepare(m->out, &sql, &find, m->e);
  if (!status) status = prepare_add(m->out, table, but, &add, m->e);
  while (sg_db_row(m->in, in, &status, m->e)) {
    sqlite3_reset(find);
    status = bind_row(find, in, 1, m->e);
    bool there = sg_db_row(m->out, find, &status, m->e);
    if (!there && !status) {
      sqlite3_reset(add);
      status = bind_row(add, in, 1, m->e);
      sg_db_row(m->out, add, &status, m->e);
    }
    if (!status)
      status =
          keep_id(m, map, sqlite3_column_int64(in, 0), sqlite3_column_int64(there ? find : add, 0));
    sqlite3_reset(add);
  }
  sqlite3_finalize(in);
  sqlite3_finalize(find);
  sqlite3_finalize(add);
  return status;
}

static sg_status add_calibration(merge *m) {
  sg_calibration here, there;
  sg_status status = sg_db_load_calibration(m->out, &here, m->e);
  if (!status) status = sg_db_load_calibration(m->in, &there, m->e);
  if (status || there.n == 0) return status;
  if (here.n == 0) return sg_db_save_calibration(m->out, &there, m->e);
  bool same = here.n == there.n;
  for (int i = 0; i < here.n && same; i++)
    same = here.flops[i] == there.flops[i] && here.seconds[i] == there.seconds[i];
  return same ? SG_OK
              : sg_fail(m->e, SG_INVALID, m->path,
                        "its decode times (master.decode.model = measured) are from another "
                        "measurement than those of the databases before it");
}

/* --- Points ----------------------------------------------------------------------------------- */

static sg_status add_axes(merge *m, int64_t in_id, int64_t out_id_) {
  sqlite3_stmt *in = NULL, *add = NULL;
  sg_status status =
      sg_db_ask(m->in, "SELECT * FROM point_axis WHERE point_id = :number ORDER BY position", NULL,
                in_id, &in, m->e);
  if (!status) status = prepare_add(m->out, "point_axis", NULL, &add, m->e);
  while (sg_db_row(m->in, in, &status, m->e)) {
    status = bind_row(add, in, 0, m->e);
    sqlite3_bind_int64(add, 1, out_id_);
    if (!status) status = run_once(m, add);
  }
  sqlite3_finalize(in);
  sqlite3_finalize(add);
  return status;
}

/* Columns of the statements on points and on runs, which have all columns. */
enum { POINT_SCENARIO = 1, POINT_VERSION, POINT_KEY };
enum { RUN_ID, RUN_POINT, RUN_INVOCATION, RUN_REPLICATION, RUN_DETAIL };

static sg_status add_point(merge *m, sqlite3_stmt *in, sqlite3_stmt *add, int64_t *id) {
  sqlite3_reset(add);
  sg_status status = bind_row(add, in, 1, m->e);
  sqlite3_bind_int64(add, POINT_SCENARIO,
                     out_id(&m->scenario, sqlite3_column_int64(in, POINT_SCENARIO)));
  if (sg_db_row(m->out, add, &status, m->e)) *id = sqlite3_column_int64(add, 0);
  sqlite3_reset(add);
  m->new_points = true;
  return status ? status : add_axes(m, sqlite3_column_int64(in, 0), *id);
}

static sg_status add_points(merge *m) {
  static const char *const id_alone[] = {"point_id", NULL};
  sqlite3_stmt *in = NULL, *find = NULL, *add = NULL;
  sg_status status = prepare_select(m->in, "point", NULL, "ORDER BY point_id", &in, m->e);
  if (!status)
    status = prepare_select(m->out, "point", NULL,
                            "WHERE results_version = ?1 AND point_sha256 = ?2", &find, m->e);
  if (!status) status = prepare_add(m->out, "point", id_alone, &add, m->e);
  while (sg_db_row(m->in, in, &status, m->e)) {
    int64_t id = 0;
    sqlite3_reset(find);
    status = bind_value(find, 1, in, POINT_VERSION, m->e);
    if (!status) status = bind_value(find, 2, in, POINT_KEY, m->e);
    if (sg_db_row(m->out, find, &status, m->e)) {
      id = sqlite3_column_int64(find, 0);
      int column = first_difference(find, in);
      if (column >= 0) status = differ(m, "a point", "point", find, in, column, "");
    } else if (!status) {
      status = add_point(m, in, add, &id);
    }
    if (!status) status = keep_id(m, &m->point, sqlite3_column_int64(in, 0), id);
  }
  sqlite3_finalize(in);
  sqlite3_finalize(find);
  sqlite3_finalize(add);
  return status;
}

/* --- Runs ------------------------------------------------------------------------------------- */

static sg_detail detail_of(sqlite3_stmt *run) {
  const char *name = sg_db_text(run, RUN_DETAIL);
  int d = SG_DETAIL_WORKER;
  while (d > 0 && strcmp(name, sg_detail_name((sg_detail)d)) != 0) d--;
  return (sg_detail)d;
}

static void ask_for(sqlite3_stmt *s, int64_t id) {
  sqlite3_reset(s);
  sqlite3_bind_int64(s, 1, id);
}

static sg_status add_run(merge *m, sqlite3_stmt *in, sqlite3_stmt *add, int64_t run_id,
                         int64_t point_id) {
  sg_status status = bind_row(add, in, 0, m->e);
  sqlite3_bind_int64(add, RUN_ID + 1, run_id);
  sqlite3_bind_int64(add, RUN_POINT + 1, point_id);
  sqlite3_bind_int64(add, RUN_INVOCATION + 1,
                     out_id(&m->invocation, sqlite3_column_int64(in, RUN_INVOCATION)));
  if (!status) status = run_once(m, add);
  for (int p = 0; p < PARTS && !status; p++) {
    ask_for(m->of_in[p], sqlite3_column_int64(in, RUN_ID));
    while (sg_db_row(m->in, m->of_in[p], &status, m->e)) {
      status = bind_row(m->add[p], m->of_in[p], 0, m->e);
      sqlite3_bind_int64(m->add[p], 1, run_id);
      if (!status) status = run_once(m, m->add[p]);
    }
  }
  return status;
}

/* "replication 3 of group d=2", and who computed it, there and here. */
static sg_status put_run(merge *m, sqlite3_stmt *in, sqlite3_stmt *out, sg_buffer *what,
                         sg_buffer *by) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(m->in, "SELECT scheme_label FROM point WHERE point_id = :number",
                               NULL, sqlite3_column_int64(in, RUN_POINT), &s, m->e);
  const char *label = sg_db_row(m->in, s, &status, m->e) ? sg_db_text(s, 0) : "";
  sg_putf(what, "replication %d of %s", sqlite3_column_int(in, RUN_REPLICATION), label);
  sqlite3_finalize(s);
  sg_put(by, "; computed with ");
  if (!status) status = put_origin(m->in, sqlite3_column_int64(in, RUN_INVOCATION), by, m->e);
  sg_put(by, " and with ");
  if (!status) status = put_origin(m->out, sqlite3_column_int64(out, RUN_INVOCATION), by, m->e);
  return status;
}

/* Compares what both have of a run; *same: that is equal. */
static sg_status compare_run(merge *m, sqlite3_stmt *in, sqlite3_stmt *out, sg_detail detail,
                             bool *same) {
  sg_status status = SG_OK;
  sqlite3_stmt *here = out, *there = in;
  const char *table = "run";
  int column = first_difference(out, in);
  for (int p = 0; p < PARTS && column < 0 && !status; p++) {
    if (parts[p].from > detail) continue;
    table = parts[p].table;
    here = m->of_out[p];
    there = m->of_in[p];
    ask_for(here, sqlite3_column_int64(out, RUN_ID));
    ask_for(there, sqlite3_column_int64(in, RUN_ID));
    for (bool more = true; more && column < 0 && !status;) {
      more = sg_db_row(m->out, here, &status, m->e);
      more |= sg_db_row(m->in, there, &status, m->e);
      if (more && !status) column = first_difference(here, there);
    }
  }
  *same = column < 0;
  if (status || *same) return status;
  sg_buffer what = {0}, by = {0};
  status = put_run(m, in, out, &what, &by);
  if (!status) status = what.failed || by.failed ? sg_fail_memory(m->e) : SG_OK;
  if (!status) status = differ(m, what.data, table, here, there, column, by.data);
  sg_buffer_free(&what);
  sg_buffer_free(&by);
  return status;
}

typedef struct run_statements {
  sqlite3_stmt *in, *find, *add, *remove;
} run_statements;

static sg_status take_run(merge *m, const run_statements *s) {
  int64_t point = out_id(&m->point, sqlite3_column_int64(s->in, RUN_POINT));
  int64_t run_id = sg_run_id(point, sqlite3_column_int(s->in, RUN_REPLICATION));
  sg_status status = SG_OK;
  ask_for(s->find, run_id);
  bool there = sg_db_row(m->out, s->find, &status, m->e), same = false;
  if (status) return status;
  if (there) {
    sg_detail old = detail_of(s->find), new = detail_of(s->in);
    status = compare_run(m, s->in, s->find, old < new ? old : new, &same);
    if (status || !same || new <= old) {
      m->report->found += same;
      return status;
    }
    sqlite3_reset(s->find);
    sqlite3_bind_int64(s->remove, 1, run_id);
    status = run_once(m, s->remove);
  }
  if (!status) status = add_run(m, s->in, s->add, run_id, point);
  m->report->replaced += there;
  m->report->runs += !there;
  return status;
}

static sg_status prepare_parts(merge *m) {
  static const char all[] = "WHERE run_id = ?1 ORDER BY 1, 2, 3";
  sg_status status = SG_OK;
  for (int p = 0; p < PARTS && !status; p++) {
    status = prepare_select(m->in, parts[p].table, NULL, all, &m->of_in[p], m->e);
    if (!status) status = prepare_select(m->out, parts[p].table, NULL, all, &m->of_out[p], m->e);
    if (!status) status = prepare_add(m->out, parts[p].table, NULL, &m->add[p], m->e);
  }
  return status;
}

static sg_status add_runs(merge *m) {
  run_statements s = {0};
  sg_status status = prepare_parts(m);
  if (!status)
    status = prepare_select(m->in, "run", NULL, "WHERE status <> 'running' ORDER BY run_id", &s.in,
                            m->e);
  if (!status) status = prepare_select(m->out, "run", NULL, "WHERE run_id = ?1", &s.find, m->e);
  if (!status) status = prepare_add(m->out, "run", NULL, &s.add, m->e);
  if (!status) status = sg_db_prepare(m->out, "DELETE FROM run WHERE run_id = ?1", &s.remove, m->e);
  while (sg_db_row(m->in, s.in, &status, m->e)) {
    status = m->stop && atomic_load(m->stop) ? SG_INTERRUPTED : take_run(m, &s);
    if (status) break;
  }
  sqlite3_finalize(s.in);
  sqlite3_finalize(s.find);
  sqlite3_finalize(s.add);
  sqlite3_finalize(s.remove);
  for (int p = 0; p < PARTS; p++) {
    sqlite3_finalize(m->of_in[p]);
    sqlite3_finalize(m->of_out[p]);
    sqlite3_finalize(m->add[p]);
    m->of_in[p] = m->of_out[p] = m->add[p] = NULL;
  }
  return status;
}

/* --- Checks of codes -------------------------------------------------------------------------- */

enum { CHECK_ID, CHECK_INVOCATION };

static sg_status add_sets(merge *m, int64_t from, int64_t to) {
  sqlite3_stmt *in = NULL, *add = NULL;
  sg_status status =
      prepare_select(m->in, "code_check_sets", NULL, "WHERE check_id = ?1", &in, m->e);
  if (!status) status = prepare_add(m->out, "code_check_sets", NULL, &add, m->e);
  if (!status) ask_for(in, from);
  while (sg_db_row(m->in, in, &status, m->e)) {
    status = bind_row(add, in, 0, m->e);
    sqlite3_bind_int64(add, 1, to);
    if (!status) status = run_once(m, add);
  }
  sqlite3_finalize(in);
  sqlite3_finalize(add);
  return status;
}

static sg_status take_check(merge *m, sqlite3_stmt *in, sqlite3_stmt *find, sqlite3_stmt *add) {
  sqlite3_reset(find);
  sg_status status = bind_row(find, in, 0, m->e);
  if (sg_db_row(m->out, find, &status, m->e)) {
    int column = first_difference(find, in);
    return column < 0 ? SG_OK : differ(m, "a check of a code", "code_check", find, in, column, "");
  }
  if (status) return status;
  sqlite3_reset(add);
  status = bind_row(add, in, 1, m->e);
  sqlite3_bind_int64(add, CHECK_INVOCATION,
                     out_id(&m->invocation, sqlite3_column_int64(in, CHECK_INVOCATION)));
  int64_t id = sg_db_row(m->out, add, &status, m->e) ? sqlite3_column_int64(add, 0) : 0;
  sqlite3_reset(add);
  m->report->checks++;
  return status ? status : add_sets(m, sqlite3_column_int64(in, CHECK_ID), id);
}

static sg_status add_checks(merge *m) {
  static const char *const id_alone[] = {"check_id", NULL};
  static const char *const key[] = {"config_json", "n_workers", "n_subsets",    "length",
                                    "speeds",      "seed",      "max_patterns", NULL};
  sqlite3_stmt *in = NULL, *find = NULL, *add = NULL;
  sg_buffer same = {0};
  int i = 1;
  for (const sg_column *c = sg_columns_of("code_check"); c; c = sg_column_after(c), i++)
    if (listed(c->name, key))
      sg_putf(&same, "%s %s = ?%d", same.length ? " AND" : "WHERE", c->name, i);
  sg_status status =
      same.failed ? sg_fail_memory(m->e)
                  : prepare_select(m->in, "code_check", NULL, "ORDER BY check_id", &in, m->e);
  if (!status) status = prepare_select(m->out, "code_check", NULL, same.data, &find, m->e);
  sg_buffer_free(&same);
  if (!status) status = prepare_add(m->out, "code_check", id_alone, &add, m->e);
  while (sg_db_row(m->in, in, &status, m->e)) {
    status = take_check(m, in, find, add);
    if (status) break;
  }
  sqlite3_finalize(in);
  sqlite3_finalize(find);
  sqlite3_finalize(add);
  return status;
}

/* --- Databases -------------------------------------------------------------------------------- */

static sg_status check_version(merge *m) {
  sqlite3_stmt *s = NULL;
  sg_status status =
      sg_db_ask(m->in, "SELECT results_version FROM point WHERE results_version <> :number LIMIT 1",
                NULL, SG_RESULTS_VERSION, &s, m->e);
  if (sg_db_row(m->in, s, &status, m->e))
    status = sg_fail(m->e, SG_INVALID, m->path,
                     "expected results of version %d, found %d; merge them with the straggle that "
                     "computed them",
                     SG_RESULTS_VERSION, sqlite3_column_int(s, 0));
  sqlite3_finalize(s);
  return status;
}

static sg_status add_database(merge *m) {
  sg_status status = sg_db_begin(m->in, m->e); /* one state of a database that is written to */
  if (status) return status;
  status = check_version(m);
  if (!status) status = add_calibration(m);
  if (!status) status = add_rows(m, "invocation", "invocation_id", NULL, &m->invocation);
  if (!status)
    status = add_rows(m, "scenario", "scenario_id", "sha256 = ?4 AND path = ?2", &m->scenario);
  if (!status) status = add_points(m);
  if (!status) status = add_runs(m);
  if (!status) status = add_checks(m);
  m->invocation.n = m->scenario.n = m->point.n = 0;
  return sg_db_end(m->in, status, m->e);
}

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Of cuts into shards, the one that lacks fewest. */
static sg_status count_shards(merge *m) {
  sqlite3_stmt *s = NULL;
  sg_status status =
      sg_db_ask(m->out,
                "SELECT n, n - count(DISTINCT shard) FROM (SELECT shard,"
                " CAST(substr(shard, instr(shard, '/') + 1) AS INTEGER) AS n FROM invocation"
                " WHERE shard IS NOT NULL) GROUP BY n ORDER BY 2, 1 LIMIT 1",
                NULL, 0, &s, m->e);
  if (sg_db_row(m->out, s, &status, m->e)) {
    m->report->of_shards = sqlite3_column_int(s, 0);
    m->report->shards_missing = sqlite3_column_int(s, 1);
  }
  sqlite3_finalize(s);
  return status;
}

sg_status sg_merge(sg_db *out, const char *out_path, int n, const char *const *in,
                   const atomic_bool *stop, sg_merge_report *report, sg_error *e) {
  *report = (sg_merge_report){0};
  merge m = {.out = out, .stop = stop, .report = report, .e = e};
  sg_status status = sg_db_begin(out, e);
  if (status) return status;
  for (int i = 0; i < n && !status; i++) {
    if (same_file(in[i], out_path)) continue;
    m.path = in[i];
    status = sg_db_open(in[i], SG_OPEN_READ, &m.in, e);
    if (!status) status = add_database(&m);
    if (m.in) sg_db_close(m.in, e);
    m.in = NULL;
    report->databases++;
  }
  if (m.differences > MOST_DIFFERENCES)
    sg_fail(e, SG_INVALID, m.path, "and %d more runs are not the same",
            m.differences - MOST_DIFFERENCES);
  if (!status && m.differences) status = SG_INVALID;
  if (!status && m.new_points) status = sg_db_make_axes(out, e);
  if (!status) status = count_shards(&m);
  free(m.invocation.pair);
  free(m.scenario.pair);
  free(m.point.pair);
  return sg_db_end(out, status, e);
}
