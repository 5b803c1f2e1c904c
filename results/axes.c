/* SPDX-License-Identifier: MIT */
/* Axes of sweeps as columns.
 *
 * Which axes there are differs from database to database, so v_axes, with a column for each, is a
 * view that is made again whenever the set of names changes; v_point and the named queries join it
 * and take its columns by `*`. A view in the file, not SQL put together for one query: so the
 * sqlite3 shell, Python and R see the axes, too.
 *
 * Users type the names: each is quoted as an identifier, and as a string where it is looked up. One
 * that is called like a column of the database (or like another axis but for its case, which SQLite
 * ignores) is `axis_` and its name. */
#include "results/columns.h"
#include "sim/core/array.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_AXES = 1000 }; /* a view has at most 2000 columns */

/* What only queries and `compare` call columns. */
static const char *const printed[] = {"percent",
                                      "points",
                                      "environment",
                                      "runs",
                                      "ended_early",
                                      "judged_by",
                                      "pairs_unknown",
                                      "level",
                                      "ratio_of_means",
                                      "effective_iterations",
                                      "verdict",
                                      "time_to_target_median_s",
                                      "time_to_target_median_low_s",
                                      "time_to_target_median_high_s",
                                      "mb_received_mean",
                                      NULL};

typedef struct axis {
  char *name, *column; /* as typed; what its column is called */
} axis;

typedef struct axes {
  int n, capacity;
  axis *axis;
} axes;

static void axes_clear(axes *a) {
  for (int i = 0; i < a->n; i++) {
    sqlite3_free(a->axis[i].name);
    sqlite3_free(a->axis[i].column);
  }
  free(a->axis);
}

static bool is_taken(const axes *a, const char *column) {
  if (!*column || sg_column_find("", column)) return true;
  for (int i = 0; printed[i]; i++)
    if (!sqlite3_stricmp(printed[i], column)) return true;
  for (int i = 0; i < a->n; i++)
    if (!sqlite3_stricmp(a->axis[i].column, column)) return true;
  return false;
}

static bool add_axis(axes *a, const char *name) {
  if (!SG_ROOM(a->axis, a->capacity, a->n + 1)) return false;
  char *column = sqlite3_mprintf("%s", name);
  while (column && is_taken(a, column)) column = sqlite3_mprintf("axis_%z", column);
  axis *added = &a->axis[a->n++];
  *added = (axis){.name = sqlite3_mprintf("%s", name), .column = column};
  return added->name && added->column;
}

/* All names, in the order in which points were added: so a column keeps its name. */
static sg_status read_axes(sg_db *db, axes *a, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(db,
                               "SELECT name FROM point_axis GROUP BY name"
                               " ORDER BY min(point_id), position LIMIT :number",
                               NULL, MOST_AXES, &s, e);
  while (sg_db_row(db, s, &status, e))
    if (!add_axis(a, sg_db_text(s, 0))) status = sg_fail_memory(e);
  sqlite3_finalize(s);
  return status;
}

/* Values are JSON: numbers and texts become what they are, lists and objects stay JSON. */
static char *view_of(sg_db *db, const axes *a) {
  sqlite3_str *s = sqlite3_str_new(sg_db_handle(db));
  sqlite3_str_appendall(s, "CREATE VIEW v_axes AS SELECT point_id");
  for (int i = 0; i < a->n; i++)
    sqlite3_str_appendf(
        s,
        ",\n (SELECT CASE WHEN json_valid(value) THEN json_extract(value, '$') ELSE value END"
        " FROM point_axis a WHERE a.point_id = p.point_id AND a.name = %Q) AS \"%w\"",
        a->axis[i].name, a->axis[i].column);
  sqlite3_str_appendall(s, "\nFROM point p");
  return sqlite3_str_finish(s);
}

static sg_status make_view(sg_db *db, const axes *a, sg_error *e) {
  char *sql = view_of(db, a);
  sg_status status = sql ? sg_db_execute(db, "DROP VIEW IF EXISTS v_axes", e) : sg_fail_memory(e);
  if (!status) status = sg_db_execute(db, sql, e);
  sqlite3_free(sql);
  return status;
}

static sg_status describe(sg_db *db, const axes *a, const char *table, const char *name,
                          sg_error *e) {
  const sg_column *c = sg_column_find(table, name);
  sg_column_doc_record doc = {table, name, c ? c->unit : "as set", c ? c->meaning : NULL};
  char *meaning = NULL;
  for (int i = 0; !c && i < a->n; i++)
    if (!strcmp(a->axis[i].column, name))
      doc.meaning = meaning = sqlite3_mprintf(
          "Value of the axis \"%s\" at the point; NULL: it has none", a->axis[i].name);
  sg_status status = sg_db_insert(db, "column_doc", 0, NULL, &doc, "", NULL, e);
  sqlite3_free(meaning);
  return status;
}

/* One row for each column of each table and view that there is. */
static sg_status make_descriptions(sg_db *db, const axes *a, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_execute(db, "DELETE FROM column_doc", e);
  if (!status)
    status = sg_db_prepare(db,
                           "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"
                           " WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'",
                           &s, e);
  while (sg_db_row(db, s, &status, e))
    status = describe(db, a, (const char *)sqlite3_column_text(s, 0),
                      (const char *)sqlite3_column_text(s, 1), e);
  sqlite3_finalize(s);
  return status;
}

sg_status sg_db_make_axes(sg_db *db, sg_error *e) {
  axes a = {0};
  sg_status status = read_axes(db, &a, e);
  if (!status) status = make_view(db, &a, e);
  if (!status) status = make_descriptions(db, &a, e);
  axes_clear(&a);
  return status;
}

sg_status sg_db_axes_view(sg_db *db, char **sql, sg_error *e) {
  axes a = {0};
  *sql = NULL;
  sg_status status = read_axes(db, &a, e);
  if (!status && !(*sql = view_of(db, &a))) status = sg_fail_memory(e);
  axes_clear(&a);
  return status;
}
