/* SPDX-License-Identifier: MIT */
/* What the files that draw a chart as SVG share: svg_chart.c lays it out, svg_marks.c draws what is
 * in it. */
#ifndef SG_RESULTS_PICTURES_SVG_PICTURE_H
#define SG_RESULTS_PICTURES_SVG_PICTURE_H

#include "results/pictures/svg.h"

#include <math.h>

typedef struct sg_range { /* of an axis, and where its ticks are */
  const sg_chart_axis *axis;
  bool log;
  double low, high, step; /* step: of cells, the least distance of two places */
  sg_ticks ticks;
} sg_range;

typedef struct sg_frame { /* where a panel is on paper */
  int panel;
  double left, top, width, height;
} sg_frame;

typedef struct sg_picture {
  const sg_chart *c;
  sg_buffer *out;
  const char *prefix;
  double width, height;
  sg_range x, y, value;
  int n_panels;                     /* that are drawn, at least 1 */
  int n_styles, n_more;             /* names that are drawn, that are not */
  const char *style[SG_SVG_SERIES]; /* their names: number i looks like series i */
  sg_mark mark[SG_SVG_SERIES];
} sg_picture;

/* Whether a chart has this mark. */
bool sg_has_mark(const sg_chart *c, sg_mark mark);
/* The look of a series; −1: it is not drawn. */
int sg_style_of(const sg_picture *p, const sg_chart_series *s);
/* On paper; NAN where there is no such place (0 on a logarithmic axis). */
double sg_paper_x(const sg_picture *p, const sg_frame *f, double x);
double sg_paper_y(const sg_picture *p, const sg_frame *f, double y);

/* All marks of a panel. */
void sg_draw_marks(const sg_picture *p, const sg_frame *f);
/* What a legend shows of a style, in a box of 26 by 12 at (x, y), y being its middle. */
void sg_draw_sample(const sg_picture *p, int style, double x, double y);

#endif
