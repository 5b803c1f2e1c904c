/* SPDX-License-Identifier: MIT */
/* Charts as SVG, and what other pictures are drawn with.
 *
 * The bytes depend on the chart alone: no time, no locale, no random names. Colours are those of
 * Okabe and Ito by CSS classes, with a second set for `prefers-color-scheme: dark`; shapes of
 * points and dashes of lines tell series apart without colour. */
#ifndef SG_RESULTS_PICTURES_SVG_H
#define SG_RESULTS_PICTURES_SVG_H

#include "results/pictures/chart.h"

/* What is drawn at most; the rest is in the CSV, and the picture says how many. */
enum {
  SG_SVG_SERIES = 12,  /* series with different names */
  SG_SVG_POINTS = 400, /* of a line: more are thinned, extremes stay */
  SG_SVG_PANELS = 12,
  SG_SVG_NAMES = 60 /* rows of a forest, rows and columns of a heat map */
};

typedef struct sg_svg_options {
  int width;          /* of the viewBox; 0: 600. Texts have 14 of it, so 400 pixels are enough */
  const char *prefix; /* of ids in the file, for several pictures in one page; NULL: "c" */
  bool within;        /* inside HTML: without XML declaration and style sheet (sg_put_svg_style) */
} sg_svg_options;

void sg_put_chart_svg(const sg_chart *c, const sg_svg_options *options, sg_buffer *out);

/* The style sheet of all pictures, for the <style> of a page: every rule is below the class `sg`,
 * which the svg elements have. */
void sg_put_svg_style(sg_buffer *out);

/* --- What pictures are put together from -------------------------------------------------------
 */

/* Text between tags or in quotes: < > & " ' are escaped, control characters and what is not UTF-8
 * become question marks. NULL: nothing. */
void sg_put_xml(sg_buffer *out, const char *text);
/* A coordinate: at most one decimal, "12.5", "-3", "0". Beyond ±1e7: cut there. NAN: 0. */
void sg_put_coordinate(sg_buffer *out, double x);
/* " name=\"x\"" */
void sg_put_svg_number(sg_buffer *out, const char *name, double x);
/* The width of a text of this size: an estimate on the safe side, since nobody knows the reader's
 * font. */
double sg_svg_text_width(const char *text, double size);
/* The text, cut with "…" where it would be wider than `most`; whether it was cut. */
bool sg_put_svg_fitted(sg_buffer *out, const char *text, double size, double most);
/* A straight line; attributes: such as class="sg-axis". */
void sg_put_svg_line(sg_buffer *out, double x1, double y1, double x2, double y2,
                     const char *attributes);
/* A whole text element; anchor: "start", "middle", "end". What does not fit is cut, and is whole in
 * the tooltip. most: 0: it fits. */
void sg_put_svg_text(sg_buffer *out, double x, double y, const char *class_name, const char *anchor,
                     const char *text, double size, double most);

enum { SG_MOST_TICKS = 40 };
typedef struct sg_ticks {
  int n;
  double at[SG_MOST_TICKS];
  char text[SG_MOST_TICKS][48]; /* "" where there is no room for it */
} sg_ticks;
/* Round numbers (1, 2, 5 times a power of ten; log: decades, with 2 and 5 where few) in [low,
 * high], about `wanted` of them. */
void sg_find_ticks(double low, double high, bool log, int wanted, sg_ticks *out);
/* A number for people, of so many significant digits: "1,471", "0.055", "2.5×10⁻¹²". NAN: "–". */
void sg_put_figure(sg_buffer *out, double x, int digits);

/* Classes of colour, "sg-c0" … "sg-c6" for strokes, with "sg-f0" … for areas and points; series i
 * has colour i % SG_SVG_COLORS. */
enum { SG_SVG_COLORS = 7 };
/* The path of the shape of series `i`, about (x, y), of radius r. */
void sg_put_svg_shape(sg_buffer *out, int i, double x, double y, double r);
/* The colour of a heat map at a share from 0 to 1 (Cividis: even in grey), as 0xRRGGBB, and whether
 * text on it is white. */
unsigned sg_svg_heat(double share, bool *dark);

#endif
