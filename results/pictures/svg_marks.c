/* SPDX-License-Identifier: MIT */
/* The marks of a chart: lines, staircases, points, bands, bars, cells, with tooltips.
 *
 * A line of more points than paper can show is thinned: of each strip of the picture the first, the
 * last, the lowest and the highest point are drawn, so no extreme is lost. */
#include "results/pictures/svg_picture.h"

#include "sim/core/owned.h"

#include <string.h>

enum { MARKERS = 40, SPARSE = 8 }; /* up to how many points have a marker each; if more, so many */

static void put_xy(sg_buffer *out, const char *command, double x, double y) {
  sg_put(out, command);
  sg_put_coordinate(out, x);
  sg_put(out, " ");
  sg_put_coordinate(out, y);
}

/* --- Tooltips --------------------------------------------------------------------------------- */

static void put_value(sg_buffer *text, const sg_chart_axis *a, double x) {
  if (a->label) sg_putf(text, "%s ", a->label);
  if (a->scale == SG_SCALE_NAMES && x >= 0 && x < a->n_names)
    sg_put(text, a->name[(int)x]);
  else
    sg_put_figure(text, x, 5);
  if (a->unit && strcmp(a->unit, "1") != 0) sg_putf(text, " %s", a->unit);
}

static void put_tooltip(const sg_picture *p, const sg_chart_series *s, const sg_chart_point *q) {
  const sg_chart *c = p->c;
  sg_buffer text = {0};
  sg_put(&text, s->name);
  if (q->label && strcmp(q->label, s->name) != 0)
    sg_putf(&text, "%s%s", *s->name ? ": " : "", q->label);
  if (text.length) sg_put(&text, "; ");
  put_value(&text, &c->x, q->x);
  sg_put(&text, ", ");
  put_value(&text, &c->y, q->y);
  if (!isnan(q->value)) sg_put(&text, ", ");
  if (!isnan(q->value)) put_value(&text, &c->value, q->value);
  if (!isnan(q->low) || !isnan(q->high)) {
    sg_put(&text, " [");
    sg_put_figure(&text, q->low, 5);
    sg_put(&text, ", ");
    sg_put_figure(&text, q->high, 5);
    sg_put(&text, "]");
  }
  sg_put(p->out, "<title>");
  sg_put_xml(p->out, text.data);
  sg_put(p->out, "</title>");
  p->out->failed |= text.failed;
  sg_buffer_free(&text);
}

/* --- Thinning --------------------------------------------------------------------------------- */

/* Points of a series on paper, those that have a place, in their order. */
typedef struct spot {
  double x, y, low, high; /* on paper; NAN: none */
  const sg_chart_point *of;
} spot;

static spot *find_spots(const sg_picture *p, const sg_frame *f, const sg_chart_series *s, int *n) {
  spot *at = malloc(((size_t)s->n + 1) * sizeof *at);
  *n = 0;
  p->out->failed |= !at;
  for (int k = 0; at && k < s->n; k++) {
    const sg_chart_point *q = &s->point[k];
    bool across = s->mark == SG_MARK_FOREST;
    spot new = {.x = sg_paper_x(p, f, q->x), .y = sg_paper_y(p, f, q->y), .of = q};
    new.low = across ? sg_paper_x(p, f, q->low) : sg_paper_y(p, f, q->low);
    new.high = across ? sg_paper_x(p, f, q->high) : sg_paper_y(p, f, q->high);
    /* An interval that begins at or below 0 reaches the edge of a logarithmic axis. */
    if (isnan(new.low) && isfinite(q->high) && isfinite(q->low))
      new.low = across ? f->left : f->top + f->height;
    if (isfinite(q->low) && isinf(q->high)) new.high = across ? f->left + f->width : f->top;
    if (isfinite(new.x) && isfinite(new.y)) at[(*n)++] = new;
  }
  return at;
}

/* Keeps of n spots the first, last, lowest and highest of each of SG_SVG_POINTS / 4 strips. */
static int thin_line(const sg_frame *f, spot *at, int n) {
  enum { STRIPS = SG_SVG_POINTS / 4 };
  if (n <= SG_SVG_POINTS) return n;
  int kept = 0;
  for (int begin = 0, end; begin < n; begin = end) {
    int strip = (int)floor(STRIPS * (at[begin].x - f->left) / f->width), top = begin, low = begin;
    for (end = begin + 1; end < n; end++) {
      if ((int)floor(STRIPS * (at[end].x - f->left) / f->width) != strip) break;
      if (at[end].y < at[top].y) top = end;
      if (at[end].y > at[low].y) low = end;
    }
    /* In ascending order, each once. The band is as wide as it is anywhere in the strip. */
    double edge[2] = {at[begin].low, at[begin].high};
    for (int k = begin; k < end; k++) {
      edge[0] = fmax(edge[0], at[k].low);
      edge[1] = fmin(edge[1], at[k].high);
    }
    int keep[4] = {begin, top < low ? top : low, top < low ? low : top, end - 1};
    for (int k = 0; k < 4; k++) {
      if (k > 0 && keep[k] <= keep[k - 1]) continue;
      at[kept] = at[keep[k]];
      if (end < n || k == 0) { /* else it is the last of all, where the band ends */
        at[kept].low = k == 0 ? edge[0] : NAN;
        at[kept].high = k == 0 ? edge[1] : NAN;
      }
      kept++;
    }
  }
  return kept;
}

/* A staircase: what is less than a pixel from the last corner is left out, but for the end. */
static int thin_steps(spot *at, int n) {
  int kept = 0;
  if (n <= SG_SVG_POINTS) return n;
  for (int k = 0; k < n; k++) {
    const spot *last = &at[kept ? kept - 1 : 0];
    if (kept && k < n - 1 && fabs(at[k].x - last->x) < 1 && fabs(at[k].y - last->y) < 1) continue;
    at[kept++] = at[k];
  }
  return kept;
}

/* Points: one of each square of 3 by 3, marked ones always. */
static int thin_points(const sg_frame *f, spot *at, int n) {
  if (n <= SG_SVG_POINTS) return n;
  int columns = (int)(f->width / 3) + 2, rows = (int)(f->height / 3) + 2, kept = 0;
  SG_OWNED char *taken = calloc((size_t)columns * (size_t)rows, 1);
  if (!taken) return n;
  for (int k = 0; k < n; k++) {
    int i = (int)((at[k].x - f->left) / 3), j = (int)((at[k].y - f->top) / 3);
    bool inside = i >= 0 && i < columns && j >= 0 && j < rows;
    if (inside && taken[i * rows + j] && !at[k].of->marked) continue;
    if (inside) taken[i * rows + j] = 1;
    at[kept++] = at[k];
  }
  return kept;
}

/* --- Lines and points ------------------------------------------------------------------------- */

static void put_dash(sg_buffer *out, int style) {
  if (style % 5) sg_putf(out, " sg-d%d", style % 5);
}

static void draw_line(const sg_picture *p, int style, const spot *at, int n, bool steps) {
  sg_buffer *out = p->out;
  if (n < 2) return;
  sg_putf(out, "<path class=\"sg-line sg-c%d", style % SG_SVG_COLORS);
  put_dash(out, style);
  put_xy(out, "\" d=\"M", at[0].x, at[0].y);
  for (int k = 1; k < n; k++) {
    if (steps) {
      sg_put(out, "H");
      sg_put_coordinate(out, at[k].x);
      sg_put(out, "V");
      sg_put_coordinate(out, at[k].y);
    } else {
      put_xy(out, "L", at[k].x, at[k].y);
    }
  }
  sg_put(out, "\"/>\n");
}

static void draw_band(const sg_picture *p, int style, const spot *at, int n) {
  const char *command = "M";
  sg_putf(p->out, "<path class=\"sg-band sg-f%d\" d=\"", style % SG_SVG_COLORS);
  for (int k = 0; k < n; k++) {
    if (isnan(at[k].high)) continue;
    put_xy(p->out, command, at[k].x, at[k].high);
    command = "L";
  }
  for (int k = n - 1; k >= 0; k--)
    if (!isnan(at[k].low)) put_xy(p->out, *command == 'M' ? "M" : "L", at[k].x, at[k].low);
  sg_put(p->out, "\"/>\n");
}

static void draw_whisker(const sg_picture *p, int style, const spot *s, bool across) {
  enum { CAP = 3 };
  sg_buffer *out = p->out;
  if (isnan(s->low) || isnan(s->high)) return;
  double from = s->low, to = s->high;
  sg_putf(out, "<path class=\"sg-bar sg-c%d\" d=\"", style % SG_SVG_COLORS);
  if (across) {
    put_xy(out, "M", from, s->y - CAP);
    put_xy(out, "v6M", from, s->y);
    put_xy(out, "L", to, s->y);
    put_xy(out, "M", to, s->y - CAP);
    sg_put(out, "v6");
  } else {
    put_xy(out, "M", s->x - CAP, from);
    put_xy(out, "h6M", s->x, from);
    put_xy(out, "L", s->x, to);
    put_xy(out, "M", s->x - CAP, to);
    sg_put(out, "h6");
  }
  sg_put(out, "\"/>\n");
}

static void draw_point(const sg_picture *p, const sg_chart_series *s, int style, const spot *at) {
  sg_putf(p->out, "<path class=\"sg-f%d\" d=\"", style % SG_SVG_COLORS);
  sg_put_svg_shape(p->out, style, at->x, at->y, at->of->marked ? 4.6 : 3.4);
  sg_put(p->out, "\">");
  put_tooltip(p, s, at->of);
  sg_put(p->out, "</path>\n");
  if (!at->of->marked) return;
  sg_put(p->out, "<path class=\"sg-ring\" d=\"");
  sg_put_svg_shape(p->out, 0, at->x, at->y, 8);
  sg_put(p->out, "\"/>\n");
}

static void draw_series(const sg_picture *p, const sg_frame *f, const sg_chart_series *s,
                        int style) {
  int all;
  SG_OWNED spot *at = find_spots(p, f, s, &all);
  if (!at || all == 0) return;
  bool steps = s->mark == SG_MARK_STEPS, band = s->mark == SG_MARK_BAND,
       line = s->mark == SG_MARK_LINE, across = s->mark == SG_MARK_FOREST;
  int n = steps          ? thin_steps(at, all)
          : line || band ? thin_line(f, at, all)
                         : thin_points(f, at, all);
  bool few = all <= MARKERS || !(line || band || steps);
  if (band) draw_band(p, style, at, n);
  if (line || band || steps) draw_line(p, style, at, n, steps);
  if (steps || (band && !few)) return;
  int apart = n > SPARSE ? n / SPARSE : 1;
  for (int k = 0; k < n; k++) {
    if (!few && k % apart != apart / 2 && !at[k].of->marked) continue;
    if (!band && few) draw_whisker(p, style, &at[k], across);
    draw_point(p, s, style, &at[k]);
  }
}

/* --- Bars put end to end ---------------------------------------------------------------------- */

static void put_rectangle(sg_buffer *out, double x, double y, double width, double height) {
  sg_put(out, "<rect");
  sg_put_svg_number(out, "x", x);
  sg_put_svg_number(out, "y", y);
  sg_put_svg_number(out, "width", fmax(width, 0));
  sg_put_svg_number(out, "height", fmax(height, 0));
}

/* Lines across an area, as many kinds as there are dashes: for print in black and white. */
static void draw_hatch(const sg_picture *p, int style, double x, double y, double w, double h) {
  enum { STEP = 7 };
  if (style % 4 == 0 || w < 2) return;
  sg_put(p->out, "<path class=\"sg-hatch\" d=\"");
  if (style % 4 == 3)
    for (double at = y + STEP / 2.0; at < y + h; at += 5) {
      put_xy(p->out, "M", x, at);
      sg_put(p->out, "h");
      sg_put_coordinate(p->out, w);
    }
  else
    for (double at = x - h; at < x + w; at += STEP) { /* cut at the sides of the area */
      double from = fmax(at, x), to = fmin(at + h, x + w);
      if (to <= from) continue;
      bool up = style % 4 == 1;
      put_xy(p->out, "M", from, up ? y + h - (from - at) : y + (from - at));
      put_xy(p->out, "L", to, up ? y + h - (to - at) : y + (to - at));
    }
  sg_put(p->out, "\"/>\n");
}

static void draw_segment(const sg_picture *p, int style, double x, double y, double w, double h) {
  put_rectangle(p->out, x, y, w, h);
  sg_putf(p->out, " class=\"sg-f%d\">", style % SG_SVG_COLORS);
}

static void draw_stack(const sg_picture *p, const sg_frame *f) {
  const sg_chart *c = p->c;
  SG_OWNED double *end = calloc((size_t)c->y.n_names + 1, sizeof *end);
  p->out->failed |= !end;
  double height = 0.7 * (sg_paper_y(p, f, 1) - sg_paper_y(p, f, 0));
  for (int i = 0; end && i < c->n_series; i++) {
    const sg_chart_series *s = &c->series[i];
    int style = sg_style_of(p, s);
    if (s->mark != SG_MARK_STACK || s->panel != f->panel) continue;
    for (int k = 0; k < s->n; k++) {
      const sg_chart_point *q = &s->point[k];
      if (!(q->y >= 0 && q->y < c->y.n_names) || !(q->x > 0)) continue;
      double from = end[(int)q->y], to = end[(int)q->y] = from + q->x;
      double y = sg_paper_y(p, f, q->y) - height / 2, left = sg_paper_x(p, f, from),
             right = sg_paper_x(p, f, to);
      if (style < 0 || isnan(y)) continue;
      draw_segment(p, style, left, y, right - left, height);
      put_tooltip(p, s, q);
      sg_put(p->out, "</rect>\n");
      draw_hatch(p, style, left, y, right - left, height);
    }
  }
}

/* --- Heat maps -------------------------------------------------------------------------------- */

static double share_of(const sg_range *r, double x) {
  if (r->log) return x > 0 ? log(x / r->low) / log(r->high / r->low) : 0;
  return (x - r->low) / (r->high - r->low);
}

/* More cells than this in a row are put together: the highest value is drawn. */
enum { MOST_COLUMNS = 240, MOST_ROWS = 120 };

static void draw_cell(const sg_picture *p, const sg_chart_series *s, const sg_chart_point *q,
                      double x, double y, double w, double h, bool texts) {
  bool is_dark;
  sg_buffer *out = p->out, figure = {0};
  put_rectangle(out, x, y, w, h);
  sg_putf(out, " fill=\"#%06x\">", sg_svg_heat(share_of(&p->value, q->value), &is_dark));
  put_tooltip(p, s, q);
  sg_put(out, "</rect>\n");
  if (texts && h >= 15) {
    const char *class_name = is_dark ? "sg-cell sg-white" : "sg-cell sg-black";
    bool both = q->label && h >= 31 && w >= 50;
    sg_put_figure(&figure, q->value, 3);
    const char *text = figure.data ? figure.data : "";
    bool fits = sg_svg_text_width(text, 12) <= w - 4;
    if (fits)
      sg_put_svg_text(out, x + w / 2, y + h / 2 + (both ? -3 : 4), class_name, "middle", text, 12,
                      0);
    if (both)
      sg_put_svg_text(out, x + w / 2, y + h / 2 + 11, class_name, "middle", q->label, 12, w - 6);
    out->failed |= figure.failed;
    sg_buffer_free(&figure);
  }
  if (!q->marked) return;
  put_rectangle(out, x + 1.5, y + 1.5, w - 3, h - 3);
  sg_putf(out, " class=\"sg-best\" stroke=\"%s\"/>\n", is_dark ? "#fff" : "#000");
}

typedef struct raster { /* for each place the point that is drawn there */
  int columns, rows;
  const sg_chart_point **cell;
} raster;

static int bins(const sg_range *r, int most) {
  double n = floor((r->high - r->low) / r->step + 0.5);
  return n < 1 ? 1 : n > most ? most : (int)n;
}

/* Rasters of many cells: those of a colour, of few, are one path, neighbours in a row one
 * rectangle. A tooltip on each would make the file ten times as large. */
enum { FINE_CELLS = 1500, FINE_COLORS = 32 };

static void draw_fine(const sg_picture *p, const sg_frame *f, const raster *r, double w, double h) {
  sg_buffer *out = p->out;
  for (int color = 0; color < FINE_COLORS; color++) {
    bool is_dark, any = false;
    for (int j = 0; j < r->rows; j++)
      for (int i = 0, run = 0; i < r->columns; i += run ? run : 1) {
        run = 0;
        for (; i + run < r->columns && r->cell[j * r->columns + i + run]; run++) {
          double share = share_of(&p->value, r->cell[j * r->columns + i + run]->value);
          if ((int)fmin(fmax(share, 0) * FINE_COLORS, FINE_COLORS - 1) != color) break;
        }
        if (!run) continue;
        if (!any)
          sg_putf(out, "<path fill=\"#%06x\" d=\"",
                  sg_svg_heat(color / (FINE_COLORS - 1.0), &is_dark));
        any = true;
        put_xy(out, "M", f->left + i * w, f->top + j * h);
        sg_put(out, "h");
        sg_put_coordinate(out, run * w + 0.3);
        sg_put(out, "v");
        sg_put_coordinate(out, h + (h > 8 ? -1 : 0.3));
        sg_put(out, "h");
        sg_put_coordinate(out, -(run * w + 0.3));
        sg_put(out, "z");
      }
    if (any) sg_put(out, "\"/>\n");
  }
}

static void draw_cells(const sg_picture *p, const sg_frame *f, const sg_chart_series *s) {
  bool names[] = {p->x.axis->scale == SG_SCALE_NAMES, p->y.axis->scale == SG_SCALE_NAMES};
  raster r = {bins(&p->x, names[0] ? SG_SVG_NAMES : MOST_COLUMNS),
              bins(&p->y, names[1] ? SG_SVG_NAMES : MOST_ROWS), NULL};
  SG_OWNED const sg_chart_point **cell = calloc((size_t)r.columns * (size_t)r.rows, sizeof *cell);
  p->out->failed |= !cell;
  double w = f->width / r.columns, h = f->height / r.rows;
  for (int k = 0; cell && k < s->n; k++) {
    const sg_chart_point *q = &s->point[k];
    double x = sg_paper_x(p, f, q->x) - f->left, y = sg_paper_y(p, f, q->y) - f->top;
    if (!(x >= 0 && x < f->width && y >= 0 && y < f->height) || isnan(q->value)) continue;
    int row = (int)fmin(y / h, r.rows - 1), column = (int)fmin(x / w, r.columns - 1);
    const sg_chart_point **at = &cell[row * r.columns + column];
    if (!*at || q->value > (*at)->value || q->marked) *at = q;
  }
  r.cell = cell;
  if (cell && r.columns * r.rows > FINE_CELLS) {
    draw_fine(p, f, &r, w, h);
    return;
  }
  /* Between large cells there is paper; small ones overlap a little, so that there is none. */
  double less = w > 8 && h > 8 ? 1 : -0.3;
  for (int j = 0; cell && j < r.rows; j++)
    for (int i = 0; i < r.columns; i++)
      if (cell[j * r.columns + i])
        draw_cell(p, s, cell[j * r.columns + i], f->left + i * w, f->top + j * h, w - less,
                  h - less, w >= 24);
}

/* --- Texts at points that are marked ---------------------------------------------------------- */

typedef struct box {
  double left, right, top, bottom;
  bool soft; /* a text may lie on it if there is no other place */
} box;

static bool overlap(const box *a, const box *b) {
  return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

typedef struct boxes {
  int n;
  box box[400];
} boxes;

static void take(boxes *taken, box b) {
  if (taken->n < (int)(sizeof taken->box / sizeof *taken->box)) taken->box[taken->n++] = b;
}

/* Where the text is free of points and of texts before it, or at least of marked ones: right, left,
 * above, below; else it is a tooltip only. */
static void draw_name(const sg_picture *p, const sg_frame *f, const char *label, double x, double y,
                      boxes *taken) {
  enum { SIZE = 12 };
  double w = sg_svg_text_width(label, SIZE);
  const double place[][2] = {{x + 11, y + 4},     {x - 11 - w, y + 4}, {x - w / 2, y - 12},
                             {x - w / 2, y + 21}, {x + 9, y - 10},     {x + 9, y + 19},
                             {x - 9 - w, y - 10}, {x - 9 - w, y + 19}};
  for (int t = 0; t < 16; t++) {
    const double *at = place[t % 8];
    box wanted = {at[0], at[0] + w, at[1] - 11, at[1] + 3, false};
    bool clear = wanted.left >= f->left && wanted.right <= f->left + f->width + 4 &&
                 wanted.top >= f->top && wanted.bottom <= f->top + f->height;
    for (int m = 0; m < taken->n && clear; m++)
      clear = (t >= 8 && taken->box[m].soft) || !overlap(&wanted, &taken->box[m]);
    if (!clear) continue;
    sg_put_svg_text(p->out, at[0], at[1], "sg-cell sg-over", "start", label, SIZE, 0);
    take(taken, wanted);
    return;
  }
}

static void draw_names(const sg_picture *p, const sg_frame *f) {
  const sg_chart *c = p->c;
  boxes taken = {0};
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < c->n_series; i++) {
      const sg_chart_series *s = &c->series[i];
      if (s->mark != SG_MARK_POINTS || s->panel != f->panel || sg_style_of(p, s) < 0) continue;
      for (int k = 0; k < s->n; k++) {
        const sg_chart_point *q = &s->point[k];
        double x = sg_paper_x(p, f, q->x), y = sg_paper_y(p, f, q->y), r = q->marked ? 8 : 4;
        if (isnan(x) || isnan(y)) continue;
        if (pass == 0) take(&taken, (box){x - r, x + r, y - r, y + r, !q->marked});
        if (pass == 1 && q->marked && q->label) draw_name(p, f, q->label, x, y, &taken);
      }
    }
}

void sg_draw_marks(const sg_picture *p, const sg_frame *f) {
  const sg_chart *c = p->c;
  if (sg_has_mark(c, SG_MARK_STACK)) draw_stack(p, f);
  /* The first series are the most important: they lie on top. */
  for (int i = c->n_series - 1; i >= 0; i--) {
    const sg_chart_series *s = &c->series[i];
    int style = sg_style_of(p, s);
    if (s->panel != f->panel || style < 0 || s->mark == SG_MARK_STACK) continue;
    if (s->mark == SG_MARK_CELLS)
      draw_cells(p, f, s);
    else
      draw_series(p, f, s, style);
  }
  draw_names(p, f);
}

void sg_draw_sample(const sg_picture *p, int style, double x, double y) {
  sg_buffer *out = p->out;
  sg_mark mark = p->mark[style];
  bool line = mark == SG_MARK_LINE || mark == SG_MARK_BAND || mark == SG_MARK_STEPS;
  if (mark == SG_MARK_STACK) {
    draw_segment(p, style, x, y - 6, 26, 12);
    sg_put(out, "</rect>\n");
    draw_hatch(p, style, x, y - 6, 26, 12);
    return;
  }
  if (line) {
    sg_putf(out, "<path class=\"sg-line sg-c%d", style % SG_SVG_COLORS);
    put_dash(out, style);
    put_xy(out, "\" d=\"M", x, y);
    sg_put(out, "h26\"/>\n");
  }
  if (mark == SG_MARK_STEPS || mark == SG_MARK_BAND) return;
  sg_putf(out, "<path class=\"sg-f%d\" d=\"", style % SG_SVG_COLORS);
  sg_put_svg_shape(out, style, x + 13, y, 4);
  sg_put(out, "\"/>\n");
}
