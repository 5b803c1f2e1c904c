/* SPDX-License-Identifier: MIT */
/* What named plots are made of: the points of a database that a request is about, with the columns
 * that it names, in environments. */
#ifndef SG_RESULTS_PICTURES_FIGURE_ROWS_H
#define SG_RESULTS_PICTURES_FIGURE_ROWS_H

#include "results/pictures/figures.h"

#include <math.h>

/* A column besides those of v_point: how often the data are computed by all workers together, the
 * work× of `compare`. */
#define SG_WORK "figure_work"

enum { SG_ROW_X, SG_ROW_Y, SG_ROW_VALUE, SG_ROW_GROUP, SG_ROW_COLUMNS };

typedef struct sg_cell { /* of a row */
  double number;         /* NAN: it is none */
  char *text;            /* as it is printed; NULL: the database has none */
} sg_cell;

typedef struct sg_row { /* a point */
  int64_t point_id;
  char *label, *code;
  int environment; /* from 0, in the order of their first point: as `compare` numbers them */
  char *panel;     /* what its environment has of axes that the picture does not have */
  bool comparable; /* its iterations do what those of the uncoded scheme do (sg_gives_gradient) */
  int runs, unfinished;
  double low, high; /* of y, over replications; NAN: not known */
  sg_cell cell[SG_ROW_COLUMNS];
} sg_row;

typedef struct sg_axis_found { /* a column of v_axes */
  char *name;
  bool of_environment; /* all schemes of an environment have one value */
  int values;          /* different ones, of the points looked at */
  bool numeric;
} sg_axis_found;

typedef struct sg_rows_found {
  int n, capacity;
  sg_row *row;
  int n_axes, axes_capacity;
  sg_axis_found *axis;
  int n_environments;
  bool to_target;   /* all have a target, and some reached it: times are those to it */
  const char *goal; /* what it is: "target loss", "target gradient", "target" (of both kinds) */
  double target, target_grad_norm2; /* those that all have; NAN: they have not */
  bool one_panel;                   /* all rows have the same */
  char *conditions;                 /* "12 workers; 20 runs each; …" */
} sg_rows_found;

/* Which axes there are, and what the points looked at have in common; no rows yet. */
sg_status sg_find_axes(sg_db *db, const sg_figure_request *r, sg_rows_found *f, sg_error *e);
/* Reads the rows with the columns named (NULL: none), after sg_find_axes. A name that v_point does
 * not have is SG_USAGE, with the nearest. Intervals are read where y is a mean over runs. */
sg_status sg_find_rows(sg_db *db, const sg_figure_request *r,
                       const char *const column[SG_ROW_COLUMNS], sg_rows_found *f, sg_error *e);
void sg_rows_clear(sg_rows_found *f);
/* A copy of a column's text. NULL: it is NULL, or no memory. */
char *sg_copy_text(sqlite3_stmt *s, int at);
/* The row of a point, NULL: it is not there. *hint: where the last one was, 0 at first: whoever
 * asks in the order of the rows is answered at once. */
sg_row *sg_row_of(const sg_rows_found *f, int64_t point_id, int *hint);

/* "time_to_target_s" or "iter_mean_s", what times are by default. */
const char *sg_time_column(const sg_rows_found *f);
/* Says on an axis of times to a target what that is. */
sg_status sg_name_goal(sg_chart_axis *a, const char *column, const sg_rows_found *f, sg_error *e);
/* The axis to draw against: the one of the environment with the most values, else of the schemes;
 * `but`: not this one. NULL: there is none. */
const sg_axis_found *sg_best_axis(const sg_rows_found *f, const char *but);

/* The two axes to draw a map over: those of environments before those of schemes, then those with
 * the most combinations; *x or *y that is given stays. NULL: there is no such axis. */
sg_status sg_best_pair(sg_db *db, const sg_figure_request *r, const sg_rows_found *f,
                       const char **x, const char **y, sg_error *e);

/* Gives an axis of a chart the label, unit and scale of a column: logarithmic by wish, or where
 * numbers are positive and differ `much`-fold (0: never). cell: SG_ROW_X, …; names where some is no
 * number. A chart's places are then those of sg_place_of. */
sg_status sg_set_axis(sg_db *db, sg_chart_axis *a, const char *column, const sg_rows_found *f,
                      int cell, bool log, bool linear, double much, sg_error *e);
sg_status sg_place_of(sg_chart_axis *a, const sg_cell *cell, double *place, sg_error *e);

/* The panel of a row, made if need be; 0 without panels where there is one only. */
sg_status sg_panel_of(sg_chart *c, const sg_rows_found *f, const sg_row *row, int *panel,
                      sg_error *e);

/* The SQL condition that the request's filters and scheme make of points, " AND …" on v_point,
 * whose parameters are bound by sg_bind_filters from number `first` on. */
sg_status sg_put_filters(sg_db *db, const sg_figure_request *r, const char *table, sg_buffer *sql,
                         sg_error *e);
sg_status sg_bind_filters(const sg_figure_request *r, int first, sqlite3_stmt *s, sg_error *e);
/* Whether a table or view has a column; otherwise SG_USAGE with the nearest name. */
sg_status sg_check_column(sg_db *db, const char *table, const char *column, sg_error *e);
void sg_put_identifier(sg_buffer *sql, const char *name);
/* Label and unit of a column for people. */
sg_status sg_name_axis_of(sg_db *db, sg_chart_axis *a, const char *table, const char *column,
                          sg_error *e);

/* The plots. */
sg_status sg_figure_time(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_free(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_error(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_ecdf(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_tail(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_loss(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_gradient(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_speedup(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_heat(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_pareto(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_where(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_lateness(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
sg_status sg_figure_last(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);

#endif
