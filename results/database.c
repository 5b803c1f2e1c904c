/* SPDX-License-Identifier: MIT */
/* The result database: opening, closing, what is in it.
 *
 * Before anything is changed, the file is checked: a database of another program, or of another
 * version of the schema, is never touched (file.c), nor is one that is damaged. One process at a
 * time writes; it holds a lock on the file (SQLite's own last for a transaction only), while
 * readers go on. */
#include "results/database.h"

#include "results/answers/statistics.h"
#include "results/columns.h"
#include "results/file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_TIMEOUT_MS 5000
#define LONGEST_VALUE   (1 << 28) /* bytes */
#define LONGEST_T       200       /* rows of t_quantile; the views go on with the normal quantile */

struct sg_db {
  sqlite3 *handle;
  sg_file file;
  const atomic_bool *stop; /* while it is opened; NULL: never */
  bool settled;            /* nothing is written any more */
};

sqlite3 *sg_db_handle(sg_db *db) {
  return db->handle;
}

/* SQLite runs "out of memory" over some damaged records, too. Memory is not what was short when the
 * file can be looked through and something is found. */
static bool is_damaged(sg_db *db) {
  sqlite3_stmt *s = NULL;
  bool told = !sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &s, NULL) &&
              sqlite3_step(s) == SQLITE_ROW;
  const char *text = told ? (const char *)sqlite3_column_text(s, 0) : NULL;
  bool damaged = text && strcmp(text, "ok") != 0;
  sqlite3_finalize(s);
  return damaged;
}

sg_status sg_db_fail(sg_db *db, sg_error *e) {
  const char *text = sqlite3_errmsg(db->handle), *path = db->file.path;
  int system = sqlite3_system_errno(db->handle);
  if (sqlite3_extended_errcode(db->handle) == SQLITE_READONLY_DBMOVED)
    return sg_fail(e, SG_CANNOT_CREATE, path,
                   "the file was removed or renamed while results were written to it");
  switch (sqlite3_errcode(db->handle) & 0xFF) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return sg_fail(e, SG_BUSY, path,
                   "the database is in use by another process; try again when that has finished");
  case SQLITE_FULL:
  case SQLITE_IOERR:
    return sg_fail(e, SG_IO, path,
                   "writing or reading failed (%s); is the disk full? results that were complete "
                   "are kept",
                   text);
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_CANTOPEN:
    return sg_fail(e, SG_CANNOT_CREATE, path,
                   "cannot be opened or written (%s%s%s); check the permissions of the file and "
                   "its folder",
                   text, system ? ": " : "", system ? strerror(system) : "");
  case SQLITE_TOOBIG:
    return sg_fail(e, SG_INVALID, path, "a value has more than %d MB", LONGEST_VALUE >> 20);
  case SQLITE_INTERRUPT: return SG_INTERRUPTED; /* as was asked for */
  case SQLITE_NOMEM:
    if (!is_damaged(db)) return sg_fail_memory(e);
    text = "its pages do not fit together"; /* fall through */
  /* All else comes of what is in the file: our statements fit what we make. */
  default:
    return sg_fail(e, SG_INVALID, path,
                   "expected a result database of straggle, found something else or a damaged "
                   "file (%s)",
                   text);
  }
}

sg_status sg_db_execute(sg_db *db, const char *sql, sg_error *e) {
  return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) ? sg_db_fail(db, e) : SG_OK;
}

sg_status sg_db_prepare(sg_db *db, const char *sql, sqlite3_stmt **out, sg_error *e) {
  return sqlite3_prepare_v2(db->handle, sql, -1, out, NULL) ? sg_db_fail(db, e) : SG_OK;
}

sg_status sg_db_step(sg_db *db, sqlite3_stmt *statement, sg_error *e) {
  int code = sqlite3_step(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SG_OK : sg_db_fail(db, e);
}

bool sg_db_row(sg_db *db, sqlite3_stmt *statement, sg_status *status, sg_error *e) {
  if (!*status) *status = sg_db_step(db, statement, e);
  return !*status && sqlite3_data_count(statement) > 0;
}

const char *sg_db_text(sqlite3_stmt *statement, int column) {
  const char *text = (const char *)sqlite3_column_text(statement, column);
  return text ? text : "";
}

sg_status sg_db_ask(sg_db *db, const char *sql, const char *text, int64_t number,
                    sqlite3_stmt **out, sg_error *e) {
  sg_status status = sg_db_prepare(db, sql, out, e);
  int text_at = sqlite3_bind_parameter_index(*out, ":text"),
      number_at = sqlite3_bind_parameter_index(*out, ":number");
  if (text_at) sqlite3_bind_text(*out, text_at, text, -1, SQLITE_STATIC);
  if (number_at) sqlite3_bind_int64(*out, number_at, number);
  return status;
}

sg_status sg_db_begin(sg_db *db, sg_error *e) {
  return sg_db_execute(db, "SAVEPOINT whole", e);
}

sg_status sg_db_end(sg_db *db, sg_status status, sg_error *e) {
  if (!status) status = sg_db_execute(db, "RELEASE whole", e);
  if (status) sqlite3_exec(db->handle, "ROLLBACK TO whole; RELEASE whole", NULL, NULL, NULL);
  return status;
}

/* The first column of the first row, or 0. */
static sg_status scalar(sg_db *db, const char *sql, const char *text, int64_t *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(db, sql, text, 0, &s, e);
  *out = sg_db_row(db, s, &status, e) ? sqlite3_column_int64(s, 0) : 0;
  sqlite3_finalize(s);
  return status;
}

/* --- Opening and closing ---------------------------------------------------------------------- */

static void discard(sg_db *db, bool remove) {
  sqlite3_close(db->handle);
  sg_file_close(&db->file, remove);
  free(db);
}

/* A database may come from anywhere. It gets no say beyond its rows: triggers never fire, no value
 * is larger than what a scenario has, and until check_schema has seen that its views are ours they
 * call only what SQLite holds to be harmless (to which json_extract does not belong in 3.40).
 * SQLite guards nothing (NOMUTEX): a connection is one thread's at a time, the writer's from
 * sg_writer_new to sg_writer_end. Others may only interrupt it. */
static sg_status connect(sg_db *db, int flags, sg_error *e) {
  if (sqlite3_open_v2(db->file.real, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL))
    return sg_db_fail(db, e);
  static const struct {
    int what, value;
  } setting[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                 {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
                 {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1}};
  for (size_t i = 0; i < sizeof setting / sizeof *setting; i++)
    sqlite3_db_config(db->handle, setting[i].what, setting[i].value, NULL);
  sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, LONGEST_VALUE);
  if (flags & SQLITE_OPEN_READONLY) sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
  return SG_OK;
}

static sg_status create_schema(sg_db *db, sg_error *e) {
  char identity[96];
  snprintf(identity, sizeof identity, "PRAGMA application_id = %d; PRAGMA user_version = %d",
           SG_APPLICATION_ID, SG_SCHEMA_VERSION);
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  sg_buffer schema = {0};
  sg_put_schema(&schema);
  status = schema.failed ? sg_fail_memory(e) : sg_db_execute(db, schema.data, e);
  sg_buffer_free(&schema);
  if (!status) status = sg_db_make_axes(db, e);
  for (int64_t df = 1; df <= LONGEST_T && !status; df++)
    status = sg_db_insert(db, "t_quantile", 1, &df,
                          &(sg_t_quantile_record){sg_t_quantile(0.975, (double)df)}, "", NULL, e);
  if (!status) status = sg_db_execute(db, identity, e);
  return sg_db_end(db, status, e);
}

/* That the database has the table, index or view that `sql` makes, as its file keeps it: word by
 * word. `find` asks for it. */
static sg_status check_text(sg_db *db, sqlite3_stmt *find, const char *sql, size_t length,
                            sg_error *e) {
  sg_status status = SG_OK;
  sqlite3_bind_text(find, 1, sql, (int)length, SQLITE_STATIC);
  bool same = sg_db_row(db, find, &status, e);
  sqlite3_reset(find);
  if (same || status) return status;
  const char *name = strchr(sql, ' ') + 1; /* CREATE TABLE name */
  name = strchr(name, ' ') + 1;
  return sg_fail(e, SG_INVALID, db->file.path,
                 "\"%.*s\" is not as straggle makes it: the file is damaged, or was changed by "
                 "another program",
                 (int)strcspn(name, " "), name);
}

/* Users may have added tables and views of their own, which nothing here reads. */
static sg_status check_schema(sg_db *db, sg_error *e) {
  sqlite3_stmt *find = NULL;
  sg_buffer schema = {0};
  char *axes = NULL;
  int64_t tables = 0;
  sg_put_schema(&schema);
  /* As of one moment: a writer may be at it. After a fault the connection is closed. */
  sg_status status = schema.failed ? sg_fail_memory(e) : sg_db_execute(db, "BEGIN", e);
  if (!status) status = scalar(db, "SELECT count(*) FROM sqlite_schema", NULL, &tables, e);
  if (!status && tables == 0) status = sg_fail(e, SG_INVALID, db->file.path, SG_EMPTY_FILE);
  if (!status) status = sg_db_prepare(db, "SELECT 1 FROM sqlite_schema WHERE sql = ?", &find, e);
  /* Statements begin and end with a line. */
  for (const char *at = schema.data, *end; !status && (at = strstr(at, "CREATE ")); at = end) {
    end = strstr(at, ";\n");
    status = check_text(db, find, at, (size_t)(end - at), e);
  }
  if (!status) status = sg_db_axes_view(db, &axes, e);
  if (!status) status = check_text(db, find, axes, strlen(axes), e);
  sqlite3_free(axes);
  sqlite3_finalize(find);
  sg_buffer_free(&schema);
  if (!status) status = sg_db_execute(db, "COMMIT", e);
  if (!status) sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
  return status;
}

static int is_stopped(void *db) {
  const atomic_bool *stop = ((sg_db *)db)->stop;
  return stop && atomic_load(stop);
}

/* Rows are added only to what is whole, so that a fault of today is not hidden by rows of tomorrow.
 */
static sg_status check_whole(sg_db *db, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sqlite3_progress_handler(db->handle, 10000, is_stopped, db);
  sg_status status = sg_db_prepare(db, "PRAGMA quick_check(1)", &s, e);
  const char *found = sg_db_row(db, s, &status, e) ? sg_db_text(s, 0) : "nothing is known of it";
  if (!status && strcmp(found, "ok") != 0)
    status = sg_fail(e, SG_INVALID, db->file.path,
                     "the file is damaged (%s); take a copy of it that is whole, or save its rows "
                     "by sqlite3's .recover",
                     found);
  sqlite3_finalize(s);
  sqlite3_progress_handler(db->handle, 0, NULL, NULL);
  return status;
}

static sg_status open_to_write(sg_db *db, sg_error *e) {
  int64_t tables = 0;
  sg_status status = connect(db, SQLITE_OPEN_READWRITE, e);
  /* Of a process that was killed while it made them no table is left. */
  if (!status) status = scalar(db, "SELECT count(*) FROM sqlite_schema", NULL, &tables, e);
  db->file.empty |= tables == 0;
  if (!status && db->file.empty) status = create_schema(db, e);
  if (!status) status = check_schema(db, e);
  if (!status && !db->file.empty) status = check_whole(db, e);
  if (status) return status;
  sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
  status = sg_db_execute(db,
                         "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                         "PRAGMA foreign_keys = ON;"
                         "DELETE FROM run WHERE status = 'running'",
                         e);
  if (status) sqlite3_exec(db->handle, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
  return status;
}

/* A process that was killed may leave a journal that only who may write can use: that is done, and
 * the database read again. */
static sg_status open_to_read(sg_db *db, sg_error *e) {
  sg_error first = {0};
  sg_status status = connect(db, SQLITE_OPEN_READONLY, &first);
  if (!status) status = check_schema(db, &first);
  int code = sqlite3_errcode(db->handle) & 0xFF;
  if (status == SG_CANNOT_CREATE && (code == SQLITE_READONLY || code == SQLITE_CANTOPEN)) {
    sqlite3_close(db->handle);
    status = connect(db, SQLITE_OPEN_READWRITE, e);
    bool mended = !status &&
                  !sqlite3_exec(db->handle, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
    sqlite3_close(db->handle);
    db->handle = NULL;
    sg_error_clear(&first);
    if (!mended)
      return sg_fail(e, SG_NO_INPUT, db->file.path,
                     "a process that was killed left a journal, which must be used before the "
                     "database can be read: who may write to the file and its folder can do so, "
                     "by this command or by running the scenario again");
    status = connect(db, SQLITE_OPEN_READONLY, &first);
    if (!status) status = check_schema(db, &first);
  }
  sg_error_move(e, &first);
  return status;
}

sg_status sg_db_open(const char *path, sg_open_mode mode, sg_db **out, sg_error *e) {
  return sg_db_open_until(path, mode, NULL, out, e);
}

sg_status sg_db_open_until(const char *path, sg_open_mode mode, const atomic_bool *stop,
                           sg_db **out, sg_error *e) {
  *out = NULL;
  sg_db *db = calloc(1, sizeof *db);
  if (!db) return sg_fail_memory(e);
  bool write = mode == SG_OPEN_WRITE;
  db->stop = stop;
  sg_status status = sg_file_open(path, write, &db->file, e);
  if (!status) status = write ? open_to_write(db, e) : open_to_read(db, e);
  /* A file that could not be made into a database is not left behind. */
  if (status)
    discard(db, true);
  else
    *out = db;
  return status;
}

/* Where most of the file is free, because runs were stopped or replaced, it is made smaller. */
static void shrink(sg_db *db) {
  enum { FEWEST = 256 };
  int64_t pages = 0, free_pages = 0;
  sg_error ignored = {0};
  if (!scalar(db, "PRAGMA page_count", NULL, &pages, &ignored) &&
      !scalar(db, "PRAGMA freelist_count", NULL, &free_pages, &ignored) && free_pages > FEWEST &&
      2 * free_pages > pages)
    sg_db_execute(db, "VACUUM", &ignored);
  sg_error_clear(&ignored);
}

sg_status sg_db_settle(sg_db *db, bool *plain, sg_error *e) {
  *plain = db->settled = true;
  if (!db->file.write) return SG_OK;
  int64_t busy = 0;
  sg_error ignored = {0};
  sg_status status = sg_db_execute(db, "DELETE FROM run WHERE status = 'running'", e);
  /* Refused while somebody reads: then the last reader leaves the WAL, and nothing is lost. */
  if (!status) status = scalar(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, &busy, e);
  if (!status && !busy) status = sg_db_execute(db, "PRAGMA journal_mode = DELETE", &ignored);
  *plain = !status && !busy;
  if (sg_error_status(&ignored) == SG_BUSY) status = SG_OK;
  if (status) sg_error_move(e, &ignored);
  sg_error_clear(&ignored);
  if (*plain) shrink(db);
  return status;
}

sg_status sg_db_close(sg_db *db, sg_error *e) {
  if (!db) return SG_OK;
  bool plain;
  sg_status status = db->settled ? SG_OK : sg_db_settle(db, &plain, e);
  discard(db, false);
  return status;
}

/* --- What is in it ---------------------------------------------------------------------------- */

sg_status sg_db_insert(sg_db *db, const char *table, int n_keys, const int64_t *key,
                       const void *record, const char *conflict, int64_t *id, sg_error *e) {
  sqlite3_stmt *insert = NULL;
  sg_buffer suffix = {0};
  sg_putf(&suffix, "%s%s", conflict, id ? " RETURNING rowid" : "");
  sg_status status =
      suffix.failed ? sg_fail_memory(e) : sg_db_prepare_insert(db, table, suffix.data, &insert, e);
  if (!status) {
    for (int k = 0; k < n_keys; k++) sqlite3_bind_int64(insert, k + 1, key[k]);
    if (!sg_bind_members(insert, n_keys + 1, sg_members_of(table), record))
      status = sg_fail_memory(e);
  }
  if (sg_db_row(db, insert, &status, e)) *id = sqlite3_column_int64(insert, 0);
  /* Outside of a transaction what was RETURNING a row is committed no earlier than here. */
  if (sqlite3_finalize(insert) && !status) status = sg_db_fail(db, e);
  sg_buffer_free(&suffix);
  return status;
}

sg_status sg_db_add_invocation(sg_db *db, const sg_invocation *i, int64_t *id, sg_error *e) {
  return sg_db_insert(db, "invocation", 0, NULL, i, "", id, e);
}

sg_status sg_db_add_scenario(sg_db *db, const char *name, const char *path, const char *text,
                             const char *sha256, int64_t *id, sg_error *e) {
  return sg_db_insert(db, "scenario", 0, NULL, &(sg_scenario_record){name, path, text, sha256},
                      " ON CONFLICT (sha256, path) DO UPDATE SET name = excluded.name", id, e);
}

/* The axes of a point. *changed: the names of all axes may have changed, and v_axes with them. */
static sg_status replace_axes(sg_db *db, int64_t point_id, const sg_point_record *p, bool *changed,
                              sg_error *e) {
  for (int i = 0; i < p->n_axes; i++) {
    int64_t known = 0;
    sg_status status = scalar(db, "SELECT 1 FROM point_axis WHERE name = :text LIMIT 1",
                              p->axis[i].name, &known, e);
    if (status) return status;
    *changed |= !known;
  }
  sqlite3_stmt *delete = NULL;
  sg_status status =
      sg_db_ask(db, "DELETE FROM point_axis WHERE point_id = :number RETURNING position, name",
                NULL, point_id, &delete, e);
  while (sg_db_row(db, delete, &status, e)) {
    int position = sqlite3_column_int(delete, 0);
    bool kept = position >= 0 && position < p->n_axes;
    *changed |= !kept || strcmp(sg_db_text(delete, 1), p->axis[position].name) != 0;
  }
  sqlite3_finalize(delete);
  for (int i = 0; i < p->n_axes && !status; i++)
    status = sg_db_insert(db, "point_axis", 2, (int64_t[]){point_id, i}, &p->axis[i], "", NULL, e);
  return status;
}

sg_status sg_db_add_point(sg_db *db, int64_t scenario_id, const sg_point_record *p, int64_t *id,
                          sg_error *e) {
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  bool changed = false;
  status = sg_db_insert(db, "point", 2, (int64_t[]){scenario_id, SG_RESULTS_VERSION}, p,
                        " ON CONFLICT (point_sha256, results_version) DO UPDATE SET"
                        " scenario_id = excluded.scenario_id,"
                        " scheme_label = excluded.scheme_label,"
                        " is_baseline = excluded.is_baseline",
                        id, e);
  if (!status) status = replace_axes(db, *id, p, &changed, e);
  if (!status && changed) status = sg_db_make_axes(db, e);
  return sg_db_end(db, status, e);
}

const char *sg_detail_name(sg_detail detail) {
  static const char *const name[] = {"summary", "iteration", "worker"};
  return name[detail];
}

sg_status sg_db_mixed_kernels(sg_db *db, int64_t *points, sg_buffer *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  *points = 0;
  sg_status status =
      sg_db_ask(db,
                "WITH used AS (SELECT DISTINCT point_id, blas_core FROM run JOIN invocation USING"
                " (invocation_id) JOIN point USING (point_id) WHERE NOT timing_only AND blas_core "
                "IS NOT NULL),"
                " mixed AS (SELECT point_id FROM used GROUP BY point_id HAVING count(*) > 1)"
                " SELECT (SELECT count(*) FROM mixed), group_concat(DISTINCT blas_core) FROM used"
                " WHERE point_id IN mixed",
                NULL, 0, &s, e);
  if (sg_db_row(db, s, &status, e)) *points = sqlite3_column_int64(s, 0);
  if (!status && *points > 0) sg_put(out, sg_db_text(s, 1));
  sqlite3_finalize(s);
  return status;
}

sg_status sg_db_find_point(sg_db *db, const char *point_sha256, int64_t *id, sg_error *e) {
  return scalar(db, "SELECT point_id FROM point WHERE point_sha256 = :text", point_sha256, id, e);
}

sg_status sg_db_has_runs(sg_db *db, int64_t point_id, int replications, sg_detail detail, bool *has,
                         sg_error *e) {
  sqlite3_stmt *s = NULL;
  memset(has, 0, (size_t)replications * sizeof *has);
  sg_status status = sg_db_ask(db,
                               "SELECT replication, detail FROM run WHERE point_id = :number AND"
                               " status <> 'running'",
                               NULL, point_id, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    int64_t r = sqlite3_column_int64(s, 0);
    if (r < 0 || r >= replications) continue;
    for (int d = (int)detail; d <= (int)SG_DETAIL_WORKER; d++)
      has[r] |= strcmp(sg_db_text(s, 1), sg_detail_name((sg_detail)d)) == 0;
  }
  sqlite3_finalize(s);
  return status;
}

sg_status sg_db_update_seconds(sg_db *db, const char *point_sha256, int replication,
                               double *seconds, sg_error *e) {
  sqlite3_stmt *s = NULL;
  *seconds = NAN;
  sg_status status =
      sg_db_ask(db,
                "SELECT sim_time_s / nullif(iterations - undecodable_iters, 0) FROM run"
                " JOIN run_summary USING (run_id) WHERE status = 'finished' AND replication ="
                " :number AND point_id = (SELECT point_id FROM point WHERE point_sha256 = :text)",
                point_sha256, replication, &s, e);
  if (sg_db_row(db, s, &status, e) && sqlite3_column_type(s, 0) != SQLITE_NULL)
    *seconds = sqlite3_column_double(s, 0);
  sqlite3_finalize(s);
  return status;
}

void sg_put_target(double loss, double grad_norm2, sg_buffer *out) {
  if (!isnan(loss)) sg_putf(out, "loss %g", loss);
  if (!isnan(loss) && !isnan(grad_norm2)) sg_put(out, " and ");
  if (!isnan(grad_norm2)) sg_putf(out, "‖∇f‖² %g", grad_norm2);
}

sg_status sg_db_times(sg_db *db, const char *point_sha256, int n, double *time, sg_error *e) {
  sqlite3_stmt *s = NULL;
  for (int r = 0; r < n; r++) time[r] = NAN;
  sg_status status = sg_db_ask(
      db,
      "SELECT replication, CASE WHEN " SG_SQL_HAS_TARGET
      " THEN time_to_target_s WHEN status = 'finished' AND iter_mean_s > 0 THEN iter_mean_s END"
      " FROM point JOIN run USING (point_id) JOIN run_summary USING (run_id)"
      " WHERE point_sha256 = :text AND replication BETWEEN 0 AND :number - 1"
      " AND status <> 'running'",
      point_sha256, n, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    bool none = sqlite3_column_type(s, 1) == SQLITE_NULL;
    time[sqlite3_column_int(s, 0)] = none ? INFINITY : sqlite3_column_double(s, 1);
  }
  sqlite3_finalize(s);
  return status;
}

sg_status sg_db_load_calibration(sg_db *db, sg_calibration *c, sg_error *e) {
  sqlite3_stmt *s = NULL;
  *c = (sg_calibration){0};
  const int room = sizeof c->flops / sizeof *c->flops;
  sg_status status =
      sg_db_prepare(db, "SELECT flops, seconds FROM calibration ORDER BY position", &s, e);
  for (; c->n < room && sg_db_row(db, s, &status, e); c->n++) {
    c->flops[c->n] = sqlite3_column_double(s, 0);
    c->seconds[c->n] = sqlite3_column_double(s, 1);
  }
  sqlite3_finalize(s);
  return status;
}

sg_status sg_db_save_calibration(sg_db *db, const sg_calibration *c, sg_error *e) {
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_db_execute(db, "DELETE FROM calibration", e);
  for (int64_t i = 0; i < c->n && !status; i++)
    status = sg_db_insert(db, "calibration", 1, &i,
                          &(sg_calibration_record){c->flops[i], c->seconds[i]}, "", NULL, e);
  return sg_db_end(db, status, e);
}

/* --- Checks of codes -------------------------------------------------------------------------- */

/* The older check of the same thing goes first: its sets go with it. */
static sg_status delete_older(sg_db *db, const sg_code_check_record *r, sg_error *e) {
  char *sql = sqlite3_mprintf(
      "DELETE FROM code_check WHERE config_json = %Q AND n_workers = %d AND n_subsets = %d"
      " AND length = %lld AND seed = '%llu' AND max_patterns = %lld AND speeds = %Q",
      r->config_json, r->n_workers, r->n_subsets, (long long)r->length, (unsigned long long)r->seed,
      (long long)r->max_patterns, r->speeds);
  sg_status status = sql ? sg_db_execute(db, sql, e) : sg_fail_memory(e);
  sqlite3_free(sql);
  return status;
}

sg_status sg_db_add_code_checks(sg_db *db, const sg_invocation *invocation, int count,
                                const sg_code_check_record *record, sg_error *e) {
  int64_t invocation_id = 0, id = 0;
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_db_add_invocation(db, invocation, &invocation_id, e);
  for (const sg_code_check_record *r = record; r < record + count && !status; r++) {
    status = delete_older(db, r, e);
    if (!status) status = sg_db_insert(db, "code_check", 1, &invocation_id, r, "", &id, e);
    for (int i = 0; i < r->n_sets && !status; i++)
      status = sg_db_insert(db, "code_check_sets", 1, &id, &r->sets[i], "", NULL, e);
  }
  return sg_db_end(db, status, e);
}
