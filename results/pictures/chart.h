/* SPDX-License-Identifier: MIT */
/* A picture as data: what is to be seen, not how it is drawn.
 *
 * A chart is filled by functions, owns all its texts, and is drawn as SVG (results/pictures/svg.h),
 * written as CSV with the exact numbers, or as a gnuplot script that draws this CSV. Whoever makes
 * a picture makes a chart; the named plots of a database are in results/pictures/figures.h.
 *
 * Texts come from files and are not trusted: any bytes may be given, they are escaped where they
 * are written. Numbers that are not finite are not drawn, but are in the CSV (NAN as an empty
 * cell). */
#ifndef SG_RESULTS_PICTURES_CHART_H
#define SG_RESULTS_PICTURES_CHART_H

#include "sim/core/text.h"

#include <stdint.h>

/* More is refused with SG_INVALID. What is drawn of them has limits of its own (svg.h). */
enum {
  SG_CHART_POINTS = 4000000, /* in all series together */
  SG_CHART_SERIES = 20000,
  SG_CHART_NAMES = 20000, /* of an axis */
  SG_CHART_PANELS = 10000
};

typedef enum sg_mark {
  SG_MARK_LINE,   /* points joined by a line, each with a bar from low to high (of y) */
  SG_MARK_STEPS,  /* a staircase: y holds from x to the next x */
  SG_MARK_POINTS, /* points alone, with bars */
  SG_MARK_BAND,   /* a line through y, and the area between low and high */
  SG_MARK_FOREST, /* rows: y a name, x the value, a bar from low to high of x */
  SG_MARK_STACK,  /* horizontal bars: y a name, x the length; series are put end to end */
  SG_MARK_CELLS   /* heat map: x and y places, `value` the colour, `label` the text of the cell */
} sg_mark;

typedef enum sg_scale { SG_SCALE_LINEAR, SG_SCALE_LOG, SG_SCALE_NAMES } sg_scale;

/* Zero: a linear axis without a label, as long as the data. */
typedef struct sg_chart_axis {
  char *label;  /* "iteration time"; NULL: none */
  char *unit;   /* "s"; NULL or "1": none is written */
  char *column; /* heading of its numbers in the CSV; NULL: x, y, value */
  sg_scale scale;
  bool from_zero; /* linear: 0 is in the picture */
  int n_names, capacity;
  char **name; /* SG_SCALE_NAMES: x = i is the place of name[i]; row 0 of a y axis is at the top */
} sg_chart_axis;

typedef struct sg_chart_point {
  double x, y;
  double low, high;  /* an interval; NAN: none */
  double value;      /* of SG_MARK_CELLS */
  const char *label; /* what it is, for tooltip and CSV; NULL: nothing. The chart keeps a copy */
  int64_t id;        /* point_id, run_id, …: the CSV has it under id_column; 0: none */
  bool marked;       /* drawn larger: the front of a Pareto plot, the best cell */
} sg_chart_point;

typedef struct sg_chart_series {
  char *name;
  sg_mark mark;
  int panel; /* 0: the only one */
  int n, capacity;
  sg_chart_point *point;
} sg_chart_series;

/* A line across the whole picture, such as at the baseline's 1×. */
typedef struct sg_chart_line {
  bool vertical;
  double at;
  char *label; /* NULL: none */
} sg_chart_line;

/* Zero-initialise; sg_chart_clear in any case. Series that are called the same look the same in all
 * panels. The first series are the most important: where there are too many to draw, those are
 * drawn. */
typedef struct sg_chart {
  char *title;      /* "Iteration time by scheme" */
  char *conditions; /* what it holds for: "12 workers, 20 runs each"; NULL: nothing */
  char *interval;   /* what low and high are: "95 % interval of the mean"; NULL: nothing */
  char *message;    /* what it shows, a sentence: <desc> and one line of `plot`; NULL: nothing */
  char *id_column;  /* "point_id"; NULL: id */
  sg_chart_axis x, y, value;
  int n_panels, panels_capacity; /* small multiples with the same axes; 0: one picture */
  char **panel;                  /* their titles */
  int n_series, series_capacity;
  sg_chart_series *series;
  int n_lines, lines_capacity;
  sg_chart_line *line;
  long n_points;
} sg_chart;

void sg_chart_clear(sg_chart *c);
void sg_clear_chart_axis(sg_chart_axis *a);

/* Each fails without memory or above the limits. */

/* Puts a text of the chart (&c->title, &c->x.unit, …), in place of what was there. */
sg_status sg_chart_say(char **text, sg_error *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Label, unit and column of an axis; any may be NULL. */
sg_status sg_chart_name_axis(sg_chart_axis *a, const char *label, const char *unit,
                             const char *column, sg_error *e);
/* The place of a name on an axis of names, which is added if it is new. */
sg_status sg_chart_place(sg_chart_axis *a, const char *name, double *place, sg_error *e);
/* One more panel: its number. */
sg_status sg_chart_add_panel(sg_chart *c, const char *title, int *panel, sg_error *e);
/* One more series; points are added to the last one. */
sg_status sg_chart_add_series(sg_chart *c, sg_mark mark, int panel, const char *name, sg_error *e);
/* A point whose other members are unknown. */
sg_chart_point sg_chart_at(double x, double y);
sg_status sg_chart_add_point(sg_chart *c, sg_chart_point p, sg_error *e);
sg_status sg_chart_add_line(sg_chart *c, bool vertical, double at, const char *label, sg_error *e);

/* Whether there is anything to see: a point with a place. */
bool sg_chart_is_empty(const sg_chart *c);

/* The least distance of two points in x, or in y: how wide the cells of a heat map are. */
double sg_chart_step(const sg_chart *c, bool x);

/* Which of the columns of the CSV that not every chart has this one has. */
typedef struct sg_chart_columns {
  bool panel, interval, value, label, id, marked;
} sg_chart_columns;
sg_chart_columns sg_find_chart_columns(const sg_chart *c);

/* All points, series after series in their order: columns panel, series, x, y, low, high, value,
 * label, id, marked: those that some point has, the axes' under their own names. Numbers read back
 * to the same double; of axes of names the names are written. RFC 4180, lines end in LF. */
void sg_put_chart_csv(const sg_chart *c, sg_buffer *out);

/* The same as a table for people, of each series every so many points and the last one. */
struct sg_table;
struct sg_table *sg_chart_table(const sg_chart *c, long every);

/* A script for gnuplot 5.4 or later that draws the CSV file `csv` into `picture` (SVG): by rows of
 * the CSV, so that names need no quoting. */
void sg_put_chart_gnuplot(const sg_chart *c, const char *csv, const char *picture, sg_buffer *out);

#endif
