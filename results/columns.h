/* SPDX-License-Identifier: MIT */
/* The columns of all tables as one constant table, the twin of the parameter tables: what a column
 * is called, in what unit, what it means, where it lies in its record, what becomes of it over a
 * run and over the runs of a point, and where it is shown.
 *
 * Columns of results are rows of columns.def, those of other tables of columns.c. From them come
 * CREATE TABLE, INSERT and its bindings, the reading of rows, v_point, column_doc, the reference in
 * docs/database.md (`make docs`), and what `compare` and the named queries print. Nothing goes by
 * the position of a column but the statements that are made from the same rows.
 *
 * Axes of sweeps differ from database to database; they are columns of the view v_axes, which is
 * made anew when the axes change. */
#ifndef SG_RESULTS_COLUMNS_H
#define SG_RESULTS_COLUMNS_H

#include "results/database.h"
#include "sim/core/text.h"

#include <stddef.h>

typedef enum sg_column_kind {                 /* the C type of the member; how it is stored */
                              SG_COLUMN_BOOL, /* bool: INTEGER, 0 or 1 */
                              SG_COLUMN_INT,  /* int: INTEGER */
                              SG_COLUMN_LONG, /* int64_t: INTEGER */
                              SG_COLUMN_REAL, /* double: REAL, NAN is NULL */
                              SG_COLUMN_TEXT, /* const char *: TEXT, NULL is NULL */
                              SG_COLUMN_SEED  /* uint64_t: TEXT, since SQLite has no unsigned
                                                 integers */
} sg_column_kind;

/* Over a run: what run_summary keeps of a column of `iteration`. Over the runs of a point: what
 * v_point and `compare` make of a column of `run_summary`. Unknown numbers are passed over; of none
 * that is known, unknown. */
typedef enum sg_fold {
  SG_FOLD_NONE,
  SG_FOLD_MEAN,
  SG_FOLD_MAX,
  SG_FOLD_SUM,
  SG_FOLD_LAST_MAX, /* of each model the last; of these the largest */
  SG_FOLD_LAST_MIN, /* the smallest */
  SG_FOLD_POOLED    /* over the iterations of all runs: a column of v_iter_quantile */
} sg_fold;

enum {                    /* sg_column.shown */
       SG_IN_V_POINT = 1, /* columns of `point` that v_point repeats */
       SG_IN_POINTS = 2,  /* the named queries @points, @costs, … */
       SG_IN_COSTS = 4,
       SG_IN_NETWORK = 8,
       SG_IN_ERRORS = 16,
       SG_IN_WHAT_IF = 32,
       SG_IN_COMPARE = 64 /* `compare` as CSV, JSON, Markdown; as text, where there is a heading */
};

enum {                    /* sg_column.place where there is no member */
       SG_PLACE_KEY = -1, /* bound by whoever writes the row; such columns come first in a table */
       SG_PLACE_NONE = -2 /* given by SQLite, or a column of a view */
};

typedef struct sg_column {
  const char *table; /* that it belongs to; or the view in which alone it occurs */
  const char *name, *unit, *meaning;
  sg_column_kind kind;
  int place; /* offset in the record of its table, or SG_PLACE_… */
  sg_fold fold;
  const char *rule;  /* SQL after the type; NULL: NOT NULL where no value of the kind is NULL */
  bool none_below_0; /* integers: a negative number is NULL */
  unsigned shown;
  /* In the table of `compare` for people: NULL: not there. Values are multiplied by scale (0: 1)
   * and printed with so many significant digits (0: 4). A column that is unknown in a whole
   * environment is left out; unless_zero: or 0. */
  const char *heading;
  double scale;
  int digits;
  bool unless_zero;
} sg_column;

/* The first column of a table, NULL: no such table; and the one after it, NULL: it was the last. */
const sg_column *sg_columns_of(const char *table);
const sg_column *sg_column_after(const sg_column *c);
/* The first column that is a member of the table's record; so are all after it. */
const sg_column *sg_members_of(const char *table);

/* The column of a table or view by name: a view may show a column of any table. NULL: none. */
const sg_column *sg_column_find(const char *table, const char *name);

/* --- Records: the members of a record that have a place --------------------------------------- */

/* NAN: NULL, and for texts. */
double sg_column_number(const sg_column *c, const void *record);
void sg_column_set_number(const sg_column *c, void *record, double x);

/* Binds members from parameter `index` on, given the first; the next index, 0: no memory. Texts
 * must live until the statement is reset. */
int sg_bind_members(sqlite3_stmt *s, int index, const sg_column *c, const void *record);
/* "p.a, p.b, …" for the prefix "p.": the members of a table, and how many they are. */
int sg_put_members(const char *table, const char *prefix, sg_buffer *out);
/* Reads what sg_put_members lists from column `index` on. Texts are copies: sg_record_clear frees
 * them. False: no memory. */
bool sg_read_record(sqlite3_stmt *s, int index, const char *table, void *record);
void sg_record_clear(const char *table, void *record);

/* ", a, b": the columns of v_point that are shown in one of the places of `mask`. */
void sg_put_shown(unsigned mask, sg_buffer *out);

/* --- The schema ------------------------------------------------------------------------------- */

/* CREATE TABLE of all tables, then the indexes and views of schema.sql with their lists of columns
 * filled in. */
void sg_put_schema(sg_buffer *out);
/* Makes v_axes of the axes that the points have now, and column_doc. In the caller's transaction.
 */
sg_status sg_db_make_axes(sg_db *db, sg_error *e);
/* What v_axes says when it is as sg_db_make_axes made it; to be freed by sqlite3_free. */
sg_status sg_db_axes_view(sg_db *db, char **sql, sg_error *e);

#endif
