/* SPDX-License-Identifier: MIT */
/* The named plots: from a database to a chart. */
#ifndef SG_RESULTS_PICTURES_FIGURES_H
#define SG_RESULTS_PICTURES_FIGURES_H

#include "results/pictures/chart.h"
#include "results/results.h"

/* What is asked for; zero: the default of everything. Texts as typed. */
typedef struct sg_figure_request {
  const char *name;     /* "time"; NULL: what suits the database, or the free form by x and y */
  const char *x, *y;    /* columns: of v_axes, v_point or code_check */
  const char *group;    /* the column that makes the series */
  const char *value;    /* of heat: the column of the colour */
  const char *scheme;   /* only schemes of this code or label */
  const char *baseline; /* as for sg_judge */
  int n_filters;        /* "n = 20", "code=group", "load_d<4": all of them hold */
  const char *const *filter;
  bool log_x, log_y, linear_x, linear_y; /* neither: what suits the plot */
} sg_figure_request;

typedef struct sg_figure {
  const char *name, *summary; /* "ecdf"; "how iteration times are distributed" */
  const char *needs;          /* "detail iteration"; "": finished runs */
  sg_status (*make)(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e);
} sg_figure;

/* All of them, in the order of the listing; ends in {0}. */
extern const sg_figure sg_figures[];

/* SG_INVALID: the database lacks what the picture needs; the message says what that is, and which
 * command would give it. SG_USAGE: a plot or column that there is not, or a filter that cannot be
 * read. Zero-initialise *c; clear it in any case. *used: the plot that was made; may be NULL. */
sg_status sg_figure_make(sg_db *db, const sg_figure_request *r, const sg_figure **used, sg_chart *c,
                         sg_error *e);

#endif
