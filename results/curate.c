/* SPDX-License-Identifier: MIT */
/* Scenarios of one name, and forgetting. */
#include "results/curate.h"

#include "results/columns.h"
#include "sim/core/nearest.h"
#include "sim/core/owned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Namesakes -------------------------------------------------------------------------------- */

/* A relative path is one from where a command was run: the same file may be named otherwise now. */
static bool may_be_same(const char *stored, const char *path) {
  SG_OWNED char *there = realpath(stored, NULL), *here = realpath(path, NULL);
  if (there && here) return strcmp(there, here) == 0;
  const char *a = strrchr(stored, '/'), *b = strrchr(path, '/');
  return strcmp(a ? a + 1 : stored, b ? b + 1 : path) == 0;
}

sg_status sg_db_namesake(sg_db *db, const char *name, const char *path, const char *sha256,
                         sg_buffer *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(db,
                               "SELECT path, sha256 FROM scenario s WHERE name = :text AND EXISTS"
                               " (SELECT 1 FROM point p WHERE p.scenario_id = s.scenario_id)",
                               name, 0, &s, e);
  while (!out->data && sg_db_row(db, s, &status, e)) {
    const char *stored = (const char *)sqlite3_column_text(s, 0);
    const char *sha = (const char *)sqlite3_column_text(s, 1);
    if (stored && sha && strcmp(sha, sha256) != 0 && !may_be_same(stored, path))
      sg_put(out, stored);
  }
  sqlite3_finalize(s);
  return status;
}

/* --- Which points ----------------------------------------------------------------------------- */

static const char environments[] = "(SELECT env_sha256, results_version, row_number() OVER (ORDER "
                                   "BY min(point_id)) AS number FROM point JOIN run USING "
                                   "(point_id) WHERE status <> 'running' GROUP BY 1, 2)";

static sg_status ask_long(sg_db *db, const char *sql, const char *text, int64_t *x, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(db, sql, text, 0, &s, e);
  *x = sg_db_row(db, s, &status, e) ? sqlite3_column_int64(s, 0) : 0;
  sqlite3_finalize(s);
  return status;
}

/* Fails unless `sql` counts something of that name; `names` selects what there is. */
static sg_status check_name(sg_db *db, const char *what, const char *name, const char *sql,
                            const char *names, sg_error *e) {
  int64_t n = 0;
  if (!name) return SG_OK;
  sg_status status = ask_long(db, sql, name, &n, e);
  if (status || n > 0) return status;
  sqlite3_stmt *s = NULL;
  sg_nearness near = {.word = name};
  sg_buffer best = {0};
  status = sg_db_prepare(db, names, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    const char *candidate = (const char *)sqlite3_column_text(s, 0);
    if (!candidate || !sg_consider(&near, candidate)) continue;
    sg_buffer_free(&best);
    best = (sg_buffer){0};
    sg_putf(&best, "; did you mean \"%s\"?", candidate);
  }
  sqlite3_finalize(s);
  if (!status)
    status = sg_fail(e, SG_USAGE, NULL, "no %s here is called \"%s\"%s", what, name,
                     best.data && !best.failed ? best.data : "");
  sg_buffer_free(&best);
  return status;
}

static bool is_beginning(const char *text) {
  size_t n = strlen(text);
  return n >= 6 && n <= 64 && strspn(text, "0123456789abcdef") == n;
}

static bool is_number(const char *text) {
  size_t n = strlen(text);
  return n > 0 && n <= 6 && strspn(text, "0123456789") == n;
}

/* "number = 3", or "env_sha256 LIKE 'ab12cd%'"; a word that is neither, or of no environment here,
 * is a fault. */
static sg_status put_environment(sg_db *db, const char *text, sg_buffer *sql, sg_error *e) {
  int64_t n = 0;
  sg_buffer one = {0}, count = {0};
  sg_status status = SG_OK;
  if (is_number(text))
    sg_putf(&one, "number = %ld", strtol(text, NULL, 10));
  else if (is_beginning(text))
    sg_putf(&one, "env_sha256 LIKE '%s%%'", text);
  if (one.data) sg_putf(&count, "SELECT count(*) FROM %s WHERE %s", environments, one.data);
  if (one.failed || count.failed)
    status = sg_fail_memory(e);
  else if (count.data)
    status = ask_long(db, count.data, NULL, &n, e);
  if (!status && n == 0)
    status = sg_fail(e, SG_USAGE, NULL,
                     "expected the number of an environment, as compare counts them, or at least "
                     "6 digits of its env_sha256, found \"%s\", which is none here",
                     text);
  if (!status) sg_put(sql, one.data);
  sg_buffer_free(&one);
  sg_buffer_free(&count);
  return status;
}

/* " AND (number = 3 OR …)": each item is a list with commas. */
static sg_status put_environments(sg_db *db, const sg_forget *what, sg_buffer *sql, sg_error *e) {
  sg_status status = SG_OK;
  int n = 0;
  for (int i = 0; i < what->n_environments; i++) {
    SG_OWNED char *list = strdup(what->environment[i]);
    if (!list) return sg_fail_memory(e);
    for (char *rest = list, *word; !status && (word = strsep(&rest, ","));) {
      sg_put(sql, n++ ? " OR " : " AND (");
      status = put_environment(db, word, sql, e);
    }
  }
  if (n) sg_put(sql, ")");
  return status;
}

/* The expression alone, as one that reads: what follows it would be another statement. */
static sg_status check_where(sg_db *db, const char *where, sg_error *e) {
  if (!where) return SG_OK;
  sqlite3 *handle = sg_db_handle(db);
  sqlite3_stmt *s = NULL;
  const char *rest = NULL;
  sg_buffer sql = {0};
  sg_status status = SG_OK;
  sg_putf(&sql, "SELECT point_id FROM v_point WHERE (%s\n)", where);
  int code = sql.failed ? SQLITE_NOMEM : sqlite3_prepare_v2(handle, sql.data, -1, &s, &rest);
  if (sql.failed)
    status = sg_fail_memory(e);
  else if (code && code != SQLITE_ERROR)
    status = sg_db_fail(db, e);
  else if (code)
    status = sg_fail(e, SG_USAGE, NULL, "--where: %s; query DB @columns lists those of v_point",
                     sqlite3_errmsg(handle));
  else if (!s || !sqlite3_stmt_readonly(s) || (rest && *rest))
    status = sg_fail(e, SG_USAGE, NULL, "--where: expected one SQL expression, found more");
  sqlite3_finalize(s);
  sg_buffer_free(&sql);
  return status;
}

/* Puts the query of the points: number, label, axes, runs, environment. */
static sg_status put_query(sg_db *db, const sg_forget *what, sg_buffer *sql, sg_error *e) {
  sg_status status = check_name(db, "scenario", what->scenario,
                                "SELECT count(*) FROM scenario WHERE name = :text OR path = :text",
                                "SELECT DISTINCT name FROM scenario", e);
  if (!status)
    status = check_name(db, "scheme", what->scheme,
                        "SELECT count(*) FROM point WHERE scheme_label = :text OR code = :text",
                        "SELECT scheme_label FROM point UNION SELECT code FROM point", e);
  if (!status) status = check_where(db, what->where, e);
  sg_putf(sql,
          "SELECT p.point_id, p.scheme_label, (SELECT group_concat(name || ' = ' || value, ', ')"
          " FROM point_axis a WHERE a.point_id = p.point_id), (SELECT count(*) FROM run r WHERE"
          " r.point_id = p.point_id), dense_rank() OVER (ORDER BY p.env_sha256, p.results_version)"
          " FROM point p JOIN scenario USING (scenario_id) LEFT JOIN %s USING (env_sha256,"
          " results_version) WHERE 1",
          environments);
  if (!status) status = put_environments(db, what, sql, e);
  char *rest = sqlite3_mprintf(
      "%s%Q%s%Q%s%Q%s%Q%s", what->scenario ? " AND (name = " : " AND (1 OR ", what->scenario,
      " OR path = ", what->scenario, what->scheme ? ") AND (scheme_label = " : ") AND (1 OR ",
      what->scheme, " OR code = ", what->scheme, ")");
  if (!rest) status = sg_fail_memory(e);
  if (!status) sg_put(sql, rest);
  if (!status && what->where)
    sg_putf(sql, " AND p.point_id IN (SELECT point_id FROM v_point WHERE (%s\n))", what->where);
  sg_put(sql, " ORDER BY p.point_id");
  sqlite3_free(rest);
  return !status && sql->failed ? sg_fail_memory(e) : status;
}

static void add_point(sqlite3_stmt *s, sg_forgotten *found) {
  enum { LISTED = 20 };
  int64_t runs = sqlite3_column_int64(s, 3), environment = sqlite3_column_int64(s, 4);
  const char *axes = (const char *)sqlite3_column_text(s, 2);
  found->points++;
  found->runs += runs;
  if (environment > found->environments) found->environments = environment;
  if (found->points <= LISTED)
    sg_putf(&found->list, "  %s%s%s: %lld run%s\n", sg_db_text(s, 1), axes ? ", " : "",
            axes ? axes : "", (long long)runs, runs == 1 ? "" : "s");
  else if (found->points == LISTED + 1)
    sg_put(&found->list, "  …\n");
}

/* Adds the points up, and runs `keep`, which may be NULL, with the number of each. */
static sg_status walk(sg_db *db, const sg_forget *what, sg_forgotten *found, sqlite3_stmt *keep,
                      sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer sql = {0};
  *found = (sg_forgotten){0};
  sg_status status = put_query(db, what, &sql, e);
  if (!status) status = sg_db_prepare(db, sql.data, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    add_point(s, found);
    if (!keep) continue;
    sqlite3_reset(keep);
    sqlite3_bind_int64(keep, 1, sqlite3_column_int64(s, 0));
    status = sg_db_step(db, keep, e);
  }
  sqlite3_finalize(s);
  sg_buffer_free(&sql);
  return status;
}

sg_status sg_forget_find(sg_db *db, const sg_forget *what, sg_forgotten *found, sg_error *e) {
  return walk(db, what, found, NULL, e);
}

/* --- Forgetting ------------------------------------------------------------------------------- */

sg_status sg_forget_points(sg_db *db, const sg_forget *what, const sg_invocation *invocation,
                           sg_forgotten *found, sg_error *e) {
  sqlite3_stmt *keep = NULL;
  int64_t id = 0;
  *found = (sg_forgotten){0};
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_db_add_invocation(db, invocation, &id, e);
  /* First all are found: what is looked for must not change meanwhile. Runs and all that hangs on
   * them go with their points. */
  if (!status) status = sg_db_execute(db, "CREATE TEMP TABLE gone (id INTEGER PRIMARY KEY)", e);
  if (!status) status = sg_db_prepare(db, "INSERT INTO gone VALUES (?1)", &keep, e);
  if (!status) status = walk(db, what, found, keep, e);
  sqlite3_finalize(keep);
  if (!status)
    status = sg_db_execute(db,
                           "DELETE FROM run WHERE point_id IN (SELECT id FROM gone);"
                           "DELETE FROM point WHERE point_id IN (SELECT id FROM gone);"
                           "DELETE FROM scenario WHERE scenario_id NOT IN"
                           " (SELECT scenario_id FROM point);"
                           "DROP TABLE gone",
                           e);
  if (!status) status = sg_db_make_axes(db, e);
  status = sg_db_end(db, status, e);
  if (status) return status;
  /* Without room for a second file it stays as large as it is, which harms nobody. */
  sg_error ignored = {0};
  sg_db_execute(db, "VACUUM", &ignored);
  sg_error_clear(&ignored);
  return SG_OK;
}
