/* SPDX-License-Identifier: MIT */
/* A chart on paper: what there is room for, where panels, axes, texts and the legend stand. */
#include "results/pictures/svg_picture.h"

#include "sim/core/owned.h"

#include <stdio.h>
#include <string.h>

enum { PAD = 12, SIZE = 14, SMALL = 13, LINE_HEIGHT = 18, LEGEND_HEIGHT = 20 };

/* --- What is drawn ---------------------------------------------------------------------------- */

bool sg_has_mark(const sg_chart *c, sg_mark mark) {
  for (int i = 0; i < c->n_series; i++)
    if (c->series[i].mark == mark) return true;
  return false;
}

int sg_style_of(const sg_picture *p, const sg_chart_series *s) {
  if (s->panel >= p->n_panels) return -1;
  for (int i = 0; i < p->n_styles; i++)
    if (!strcmp(p->style[i], s->name)) return i;
  return -1;
}

/* The first names of series get a look. Of those that follow none is drawn; how many they are is
 * found against all that went before, so a name counts once. */
static void choose_styles(sg_picture *p) {
  const sg_chart *c = p->c;
  for (int i = 0; i < c->n_series; i++) {
    const sg_chart_series *s = &c->series[i];
    bool known = false;
    for (int k = 0; k < i && !known; k++) known = !strcmp(c->series[k].name, s->name);
    if (known) continue;
    if (p->n_styles < SG_SVG_SERIES) {
      p->mark[p->n_styles] = s->mark;
      p->style[p->n_styles++] = s->name;
    } else {
      p->n_more++;
    }
  }
}

/* --- Ranges ----------------------------------------------------------------------------------- */

typedef struct extent {
  double low, high;
} extent;

static void stretch(extent *x, double to, bool log) {
  if (!isfinite(to) || (log && to <= 0)) return;
  to = fmin(fmax(to, -1e300), 1e300);
  if (!(x->low <= to)) x->low = to;
  if (!(x->high >= to)) x->high = to;
}

static void stretch_stack(const sg_picture *p, extent *x) {
  const sg_chart *c = p->c;
  for (int panel = 0; panel < p->n_panels; panel++) {
    SG_OWNED double *sum = calloc((size_t)c->y.n_names + 1, sizeof *sum);
    p->out->failed |= !sum;
    for (int i = 0; sum && i < c->n_series; i++)
      for (int k = 0; k < c->series[i].n && c->series[i].panel == panel; k++) {
        const sg_chart_point *q = &c->series[i].point[k];
        if (!(q->y >= 0 && q->y < c->y.n_names) || !(q->x > 0)) continue;
        stretch(x, sum[(int)q->y] += q->x, false);
      }
  }
}

/* The extent of an axis: 'x', 'y', or 'v' for values. */
static extent find_extent(const sg_picture *p, char which, bool log) {
  const sg_chart *c = p->c;
  extent x = {NAN, NAN};
  for (int i = 0; i < c->n_series; i++) {
    const sg_chart_series *s = &c->series[i];
    if (sg_style_of(p, s) < 0 || s->mark == SG_MARK_STACK) continue;
    bool bars = s->mark == SG_MARK_FOREST ? which == 'x' : which == 'y';
    for (int k = 0; k < s->n; k++) {
      const sg_chart_point *q = &s->point[k];
      if (which != 'v' && (!isfinite(q->x) || !isfinite(q->y))) continue;
      stretch(&x, which == 'x' ? q->x : which == 'y' ? q->y : q->value, log);
      if (bars && s->mark != SG_MARK_CELLS) stretch(&x, q->low, log);
      if (bars && s->mark != SG_MARK_CELLS) stretch(&x, q->high, log);
    }
  }
  if (which == 'x' && sg_has_mark(c, SG_MARK_STACK)) {
    stretch(&x, 0, false);
    stretch_stack(p, &x);
  }
  for (int i = 0; i < c->n_lines && which != 'v'; i++)
    if (c->line[i].vertical == (which == 'x')) stretch(&x, c->line[i].at, log);
  return x;
}

static void find_range(const sg_picture *p, char which, const sg_chart_axis *a, sg_range *r) {
  bool cells = sg_has_mark(p->c, SG_MARK_CELLS) && which != 'v';
  r->axis = a;
  r->log = a->scale == SG_SCALE_LOG;
  r->step = 1;
  if (a->scale == SG_SCALE_NAMES) {
    r->low = -0.5;
    r->high = (a->n_names < 1 ? 1 : a->n_names > SG_SVG_NAMES ? SG_SVG_NAMES : a->n_names) - 0.5;
    return;
  }
  extent x = find_extent(p, which, r->log);
  if (a->from_zero && !r->log) stretch(&x, 0, false);
  if (isnan(x.low)) x = (extent){r->log ? 1 : 0, r->log ? 10 : 1};
  if (cells && !r->log) {
    r->step = sg_chart_step(p->c, which == 'x');
    r->low = x.low - r->step / 2;
    r->high = x.high + r->step / 2;
    return;
  }
  if (r->log) {
    double pad = which == 'v' ? 1 : pow(x.high / x.low, 0.04);
    if (x.high / x.low < 1.02) pad = 1.5;
    r->low = x.low / pad;
    r->high = x.high * pad;
    return;
  }
  double pad = which == 'v' ? 0 : 0.04 * (x.high - x.low), size = fmax(fabs(x.low), fabs(x.high));
  if (x.high - x.low <= 1e-9 * size || x.high == x.low) pad = size > 0 ? 0.1 * size : 1;
  r->low = a->from_zero && x.low == 0 ? 0 : x.low - pad;
  r->high = a->from_zero && x.high == 0 ? 0 : x.high + pad;
}

static double share_along(const sg_range *r, double x) {
  if (!r->log) return (x - r->low) / (r->high - r->low);
  return x > 0 ? log(x / r->low) / log(r->high / r->low) : NAN;
}

double sg_paper_x(const sg_picture *p, const sg_frame *f, double x) {
  return isfinite(x) ? f->left + f->width * share_along(&p->x, x) : NAN;
}

/* Rows of names go down, numbers up. */
double sg_paper_y(const sg_picture *p, const sg_frame *f, double y) {
  if (!isfinite(y)) return NAN;
  double share = share_along(&p->y, y);
  return f->top + f->height * (p->y.axis->scale == SG_SCALE_NAMES ? share : 1 - share);
}

/* --- Texts ------------------------------------------------------------------------------------ */

/* The bytes of the next line of a text: as many words as `room` has, at least one. */
static size_t next_line(const char *text, double size, double room) {
  size_t n = 0, end = 0;
  double width = 0;
  for (;;) {
    size_t next = n + strcspn(text + n, " ");
    char word[256];
    size_t length = next - n < sizeof word ? next - n : sizeof word - 1;
    memcpy(word, text + n, length);
    word[length] = '\0';
    width += sg_svg_text_width(word, size) + (n ? 0.4 * size : 0);
    if (end && width > room) return end;
    end = next;
    n = next + strspn(text + next, " ");
    if (!text[n]) return end;
  }
}

/* A text in lines of a width below *y, which goes on; out NULL: only that. */
static void put_paragraph(sg_buffer *out, const char *text, const char *class_name, double size,
                          double x, double room, double *y) {
  while (text && *text) {
    size_t end = next_line(text, size, room);
    *y += size + 5;
    char *line = out ? strndup(text, end) : NULL;
    if (line) sg_put_svg_text(out, x, *y, class_name, "start", line, size, room);
    if (out) out->failed |= !line;
    free(line);
    text += end;
    text += strspn(text, " ");
  }
}

static char *axis_title(const sg_chart_axis *a, bool more, sg_buffer *text) {
  sg_put(text, a->label ? a->label : "");
  if (a->unit && strcmp(a->unit, "1") != 0) sg_putf(text, " (%s)", a->unit);
  if (more) sg_put(text, " · log");
  return text->data;
}

/* Title, conditions and what intervals are. */
static void put_head(const sg_picture *p, sg_buffer *out, double *y) {
  const sg_chart *c = p->c;
  sg_buffer text = {0};
  sg_put(&text, c->conditions ? c->conditions : "");
  if (c->interval && sg_find_chart_columns(c).interval)
    sg_putf(&text, "%s%s: %s", text.length ? "; " : "",
            sg_has_mark(c, SG_MARK_BAND) ? "band" : "bars", c->interval);
  *y += 2;
  put_paragraph(out, c->title, "sg-title", 16, PAD, p->width - 2 * PAD, y);
  put_paragraph(out, text.data, "sg-small sg-muted", SMALL, PAD, p->width - 2 * PAD, y);
  if (out) out->failed |= text.failed;
  sg_buffer_free(&text);
}

/* --- Axes ------------------------------------------------------------------------------------- */

static double widest_name(const sg_chart_axis *a, double size) {
  double width = 0;
  for (int i = 0; i < a->n_names && i < SG_SVG_NAMES; i++)
    width = fmax(width, sg_svg_text_width(a->name[i], size));
  return width;
}

static double widest_tick(const sg_range *r) {
  double width = 0;
  for (int i = 0; i < r->ticks.n; i++)
    width = fmax(width, sg_svg_text_width(r->ticks.text[i], SMALL));
  return width;
}

static void draw_x_axis(const sg_picture *p, const sg_frame *f, bool tilted) {
  sg_buffer *out = p->out;
  const sg_chart_axis *a = p->x.axis;
  double bottom = f->top + f->height, last = -INFINITY;
  for (int i = 0; i < a->n_names && i < SG_SVG_NAMES && a->scale == SG_SCALE_NAMES; i++) {
    double x = sg_paper_x(p, f, i), room = f->width / (p->x.high - p->x.low);
    if (!tilted) {
      sg_put_svg_text(out, x, bottom + 17, "sg-small", "middle", a->name[i], SMALL, room - 3);
      continue;
    }
    sg_putf(out, "<g transform=\"translate(");
    sg_put_coordinate(out, x + 4);
    sg_put(out, " ");
    sg_put_coordinate(out, bottom + 14);
    sg_put(out, ") rotate(-35)\">");
    sg_put_svg_text(out, 0, 0, "sg-small", "end", a->name[i], SMALL, 120);
    sg_put(out, "</g>\n");
  }
  for (int i = 0; i < p->x.ticks.n && a->scale != SG_SCALE_NAMES; i++) {
    double x = sg_paper_x(p, f, p->x.ticks.at[i]);
    double half = sg_svg_text_width(p->x.ticks.text[i], SMALL) / 2;
    sg_put_svg_line(out, x, bottom, x, bottom + 4, "class=\"sg-axis\"");
    if (x - half < last + 5 || x + half > p->width - 1 || !p->x.ticks.text[i][0]) continue;
    sg_put_svg_text(out, x, bottom + 18, "sg-small", "middle", p->x.ticks.text[i], SMALL, 0);
    last = x + half;
  }
}

static void draw_y_axis(const sg_picture *p, const sg_frame *f, double room) {
  const sg_chart_axis *a = p->y.axis;
  if (a->scale == SG_SCALE_NAMES) {
    for (int i = 0; i < a->n_names && i < SG_SVG_NAMES; i++)
      sg_put_svg_text(p->out, f->left - 7, sg_paper_y(p, f, i) + 4.5, "sg-small", "end", a->name[i],
                      SMALL, room);
    return;
  }
  for (int i = 0; i < p->y.ticks.n; i++)
    if (p->y.ticks.text[i][0])
      sg_put_svg_text(p->out, f->left - 7, sg_paper_y(p, f, p->y.ticks.at[i]) + 4.5, "sg-small",
                      "end", p->y.ticks.text[i], SMALL, 0);
}

static void draw_grid(const sg_picture *p, const sg_frame *f) {
  bool cells = sg_has_mark(p->c, SG_MARK_CELLS);
  for (int i = 0; i < p->y.ticks.n && !cells; i++) {
    double y = sg_paper_y(p, f, p->y.ticks.at[i]);
    sg_put_svg_line(p->out, f->left, y, f->left + f->width, y, "class=\"sg-grid\"");
  }
  for (int i = 0; i < p->x.ticks.n && !cells; i++) {
    double x = sg_paper_x(p, f, p->x.ticks.at[i]);
    sg_put_svg_line(p->out, x, f->top, x, f->top + f->height, "class=\"sg-grid\"");
  }
}

static void draw_lines(const sg_picture *p, const sg_frame *f) {
  const sg_chart *c = p->c;
  for (int i = 0; i < c->n_lines; i++) {
    const sg_chart_line *l = &c->line[i];
    double x = sg_paper_x(p, f, l->at), y = sg_paper_y(p, f, l->at);
    if (l->vertical && !isnan(x))
      sg_put_svg_line(p->out, x, f->top, x, f->top + f->height, "class=\"sg-ref\"");
    else if (!l->vertical && !isnan(y))
      sg_put_svg_line(p->out, f->left, y, f->left + f->width, y, "class=\"sg-ref\"");
    if (!l->label || !*l->label) continue;
    if (!l->vertical && !isnan(y))
      sg_put_svg_text(p->out, f->left + f->width - 4, y - 4, "sg-small sg-muted", "end", l->label,
                      SMALL, f->width);
    else if (l->vertical && !isnan(x))
      sg_put_svg_text(p->out, x + 4, f->top - 4, "sg-small sg-muted",
                      x > f->left + f->width / 2 ? "end" : "start", l->label, SMALL, f->width / 2);
  }
}

/* --- Legends ---------------------------------------------------------------------------------- */

/* Whether series must be told apart. */
static bool wants_legend(const sg_picture *p) {
  return !sg_has_mark(p->c, SG_MARK_CELLS) && (p->n_styles > 1 || p->n_more > 0);
}

static double widest_style(const sg_picture *p) {
  double width = 0;
  for (int i = 0; i < p->n_styles; i++) width = fmax(width, sg_svg_text_width(p->style[i], SMALL));
  return width;
}

typedef struct end { /* of a line: where its name would be best, and where it goes */
  int style;
  double x, y, at;
} end;

/* The last place of each style, from top to bottom, at least LINE_HEIGHT apart. */
static int find_ends(const sg_picture *p, const sg_frame *f, end *ends) {
  const sg_chart *c = p->c;
  int n = 0;
  for (int i = 0; i < c->n_series; i++) {
    const sg_chart_series *s = &c->series[i];
    int style = sg_style_of(p, s);
    if (style < 0 || n >= SG_SVG_SERIES) continue;
    end new = {.style = style, .x = NAN};
    for (int k = s->n - 1; k >= 0 && isnan(new.x); k--) {
      double x = sg_paper_x(p, f, s->point[k].x), y = sg_paper_y(p, f, s->point[k].y);
      if (!isnan(x) && !isnan(y)) new = (end){style, x, y, y};
    }
    if (isnan(new.x)) continue;
    int at = n++;
    for (; at > 0 && ends[at - 1].y > new.y; at--) ends[at] = ends[at - 1];
    ends[at] = new;
  }
  double lowest = f->top + f->height + 4;
  for (int i = 1; i < n; i++) ends[i].at = fmax(ends[i].at, ends[i - 1].at + LINE_HEIGHT);
  for (int i = n - 1; i >= 0; i--) {
    ends[i].at = fmin(ends[i].at, lowest);
    lowest = ends[i].at - LINE_HEIGHT;
  }
  return n;
}

/* Names beside the ends of their lines. */
static void draw_direct(const sg_picture *p, const sg_frame *f) {
  end ends[SG_SVG_SERIES];
  int n = find_ends(p, f, ends);
  double x = f->left + f->width + 8;
  for (int i = 0; i < n; i++) {
    const end *d = &ends[i];
    sg_putf(p->out, "<path class=\"sg-thin sg-c%d\" d=\"M", d->style % SG_SVG_COLORS);
    sg_put_coordinate(p->out, d->x + 5);
    sg_put(p->out, " ");
    sg_put_coordinate(p->out, d->y);
    sg_put(p->out, "L");
    sg_put_coordinate(p->out, x + 2);
    sg_put(p->out, " ");
    sg_put_coordinate(p->out, d->at);
    sg_put(p->out, "\"/>\n");
    sg_draw_sample(p, d->style, x + 4, d->at);
    sg_put_svg_text(p->out, x + 34, d->at + 4.5, "sg-small", "start", p->style[d->style], SMALL, 0);
  }
}

/* Columns of a legend below the picture. */
static int legend_columns(const sg_picture *p) {
  int columns = (int)((p->width - 2 * PAD) / (widest_style(p) + 50));
  columns = columns > p->n_styles ? p->n_styles : columns;
  return columns < 1 ? 1 : columns;
}

static void draw_legend(const sg_picture *p, bool named, double *y) {
  int columns = legend_columns(p), rows = (p->n_styles + columns - 1) / columns;
  double width = (p->width - 2 * PAD) / columns;
  for (int i = 0; i < p->n_styles && named; i++) {
    double x = PAD + i / rows * width, middle = *y + (i % rows + 0.6) * LEGEND_HEIGHT;
    sg_draw_sample(p, i, x, middle);
    sg_put_svg_text(p->out, x + 33, middle + 4.5, "sg-small", "start", p->style[i], SMALL,
                    width - 40);
  }
  if (named) *y += rows * LEGEND_HEIGHT;
}

/* The colours of a heat map and what they mean. */
static void draw_scale(const sg_picture *p, double *y) {
  enum { STEPS = 40, HEIGHT = 12 };
  sg_buffer *out = p->out, title = {0};
  double left = PAD, width = p->width - 2 * PAD, last = -INFINITY;
  axis_title(p->value.axis, p->value.log, &title);
  *y += 20;
  sg_put_svg_text(out, left, *y, "sg-small", "start", title.data ? title.data : "", SMALL, width);
  out->failed |= title.failed;
  sg_buffer_free(&title);
  *y += 7;
  for (int i = 0; i < STEPS; i++) {
    bool is_dark;
    sg_put(out, "<rect");
    sg_put_svg_number(out, "x", left + i * width / STEPS);
    sg_put_svg_number(out, "y", *y);
    sg_put_svg_number(out, "width", width - i * width / STEPS); /* no seams */
    sg_put_svg_number(out, "height", HEIGHT);
    sg_putf(out, " fill=\"#%06x\"/>\n", sg_svg_heat((i + 0.5) / STEPS, &is_dark));
  }
  *y += HEIGHT;
  for (int i = 0; i < p->value.ticks.n; i++) {
    const char *text = p->value.ticks.text[i];
    double x = left + width * share_along(&p->value, p->value.ticks.at[i]),
           half = sg_svg_text_width(text, SMALL) / 2;
    x = fmin(fmax(x, left + half), left + width - half);
    if (!*text || x - half < last + 5) continue;
    sg_put_svg_text(out, x, *y + 16, "sg-small", "middle", text, SMALL, 0);
    last = x + half;
  }
  *y += 20;
}

/* --- Layout ----------------------------------------------------------------------------------- */

static int ticks_for(double length, double each) {
  return (int)(length / each);
}

static double plot_height(const sg_picture *p, bool small) {
  bool cells = sg_has_mark(p->c, SG_MARK_CELLS);
  double rows = p->y.high - p->y.low;
  if (p->y.axis->scale == SG_SCALE_NAMES)
    return fmax(rows * (cells ? rows > 16 ? 20 : 38 : 23), 40);
  return small ? 170 : 290;
}

static void put_left_out(const sg_picture *p, sg_buffer *text) {
  const sg_chart *c = p->c;
  const struct {
    int n;
    const char *what;
  } more[] = {{p->n_more, "series"},
              {c->n_panels - p->n_panels, "panels"},
              {c->x.n_names - SG_SVG_NAMES, "columns"},
              {c->y.n_names - SG_SVG_NAMES, "rows"}};
  for (int i = 0; i < 4; i++)
    if (more[i].n > 0 && c->n_series > 0)
      sg_putf(text, "%s… %d more %s in the CSV", text->length ? "; " : "", more[i].n, more[i].what);
}

/* What of the layout does not change from panel to panel. */
typedef struct layout {
  bool direct, below, tilted; /* names at lines, a legend below, names of x askew */
  int columns, rows;
  double left, names_room, right, bottom, gap, width, height, title;
} layout;

/* Where lines and points stand at a few places only, those are the ticks: nobody asked for a time
 * at n = 15. */
static void ticks_at_places(const sg_chart *c, sg_ticks *t) {
  enum { FEW = 12 };
  sg_ticks few = {0};
  for (int i = 0; i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++) {
      double x = c->series[i].point[k].x;
      bool known = !isfinite(x);
      int at = few.n;
      for (int m = 0; m < few.n && !known; m++) known = few.at[m] == x;
      if (known) continue;
      if (c->series[i].mark != SG_MARK_LINE || few.n == FEW) return;
      for (; at > 0 && few.at[at - 1] > x; at--) few.at[at] = few.at[at - 1];
      few.at[at] = x;
      few.n++;
    }
  if (few.n < 2) return;
  for (int i = 0; i < few.n; i++) {
    sg_buffer text = {0};
    sg_put_figure(&text, few.at[i], 4);
    snprintf(few.text[i], sizeof few.text[i], "%s", text.data ? text.data : "");
    sg_buffer_free(&text);
  }
  *t = few;
}

static layout plan(sg_picture *p) {
  const sg_chart *c = p->c;
  bool y_names = c->y.scale == SG_SCALE_NAMES;
  bool lines = !sg_has_mark(c, SG_MARK_STEPS) && !sg_has_mark(c, SG_MARK_POINTS) &&
               (sg_has_mark(c, SG_MARK_LINE) || sg_has_mark(c, SG_MARK_BAND));
  layout l = {.columns = p->n_panels == 1                     ? 1
                         : p->n_panels > 4 && p->width >= 800 ? 3
                                                              : 2,
              .gap = 22,
              .title = 6};
  l.rows = (p->n_panels + l.columns - 1) / l.columns;
  l.height = plot_height(p, p->n_panels > 1);
  sg_find_ticks(p->y.low, p->y.high, p->y.log, ticks_for(l.height, 45), &p->y.ticks);
  if (y_names) p->y.ticks.n = 0;
  double name_share = p->n_panels > 1 ? 0.34 : 0.44;
  l.names_room = fmin(widest_name(&c->y, SMALL) + 1, name_share * p->width);
  l.left = PAD + 8 + (y_names ? l.names_room : widest_tick(&p->y));
  l.direct = wants_legend(p) && p->n_panels == 1 && lines && widest_style(p) <= 0.3 * p->width &&
             p->n_styles * LINE_HEIGHT <= l.height;
  l.below = wants_legend(p) && !l.direct;
  l.right = l.direct ? widest_style(p) + 34 + 10 + PAD : PAD + 10;
  l.width = (p->width - l.left - l.right - (l.columns - 1) * l.gap) / l.columns;
  /* Numbers of y stand at every panel, names at those on the left. */
  if (!y_names) {
    double each = widest_tick(&p->y) + 8;
    l.width = (p->width - l.left - l.right - (l.columns - 1) * (l.gap + each)) / l.columns;
    l.gap += each;
  }
  for (int i = 0; i < p->n_panels && c->n_panels > 0; i++) {
    double title = 7;
    put_paragraph(NULL, c->panel[i], "", SMALL, 0, l.width + l.gap / 2, &title);
    l.title = fmax(l.title, title);
  }
  for (int i = 0; i < c->n_lines; i++)
    if (c->line[i].vertical && c->line[i].label) {
      l.title += 18;
      break;
    }
  sg_find_ticks(p->x.low, p->x.high, p->x.log, ticks_for(l.width, 68), &p->x.ticks);
  ticks_at_places(c, &p->x.ticks);
  if (c->x.scale == SG_SCALE_NAMES) {
    p->x.ticks.n = 0;
    double widest = widest_name(&c->x, SMALL);
    l.tilted = widest > l.width / (p->x.high - p->x.low) - 3 && c->x.n_names > 1;
    l.bottom = l.tilted ? 20 + 0.58 * fmin(widest, 120) : 22;
  } else {
    l.bottom = 24;
  }
  return l;
}

static void draw_panel(const sg_picture *p, const layout *l, const sg_frame *f, bool names) {
  sg_buffer *out = p->out;
  sg_putf(out, "<clipPath id=\"%s-p%d\"><rect", p->prefix, f->panel);
  sg_put_svg_number(out, "x", f->left - 5);
  sg_put_svg_number(out, "y", f->top - 5);
  sg_put_svg_number(out, "width", f->width + 10);
  sg_put_svg_number(out, "height", f->height + 10);
  sg_put(out, "/></clipPath>\n");
  double title = f->top - l->title;
  if (p->c->n_panels > 0)
    put_paragraph(out, p->c->panel[f->panel], "sg-small", SMALL, f->left, f->width + l->gap / 2,
                  &title);
  draw_grid(p, f);
  draw_lines(p, f);
  sg_putf(out, "<g clip-path=\"url(#%s-p%d)\">\n", p->prefix, f->panel);
  sg_draw_marks(p, f);
  sg_put(out, "</g>\n");
  sg_put_svg_line(out, f->left, f->top + f->height, f->left + f->width, f->top + f->height,
                  "class=\"sg-axis\"");
  sg_put_svg_line(out, f->left, f->top, f->left, f->top + f->height, "class=\"sg-axis\"");
  draw_x_axis(p, f, l->tilted);
  if (names) draw_y_axis(p, f, l->names_room);
  if (l->direct) draw_direct(p, f);
}

static void draw_body(sg_picture *p, const layout *l, double *y) {
  sg_buffer title = {0};
  bool y_names = p->y.axis->scale == SG_SCALE_NAMES;
  if (p->y.axis->label && (!y_names || sg_has_mark(p->c, SG_MARK_CELLS))) {
    *y += SMALL + 8;
    sg_put_svg_text(p->out, PAD, *y, "sg-small", "start", axis_title(p->y.axis, p->y.log, &title),
                    SMALL, p->width - 2 * PAD);
    sg_buffer_free(&title);
    *y += 2;
  }
  for (int i = 0; i < p->n_panels; i++) {
    int row = i / l->columns, column = i % l->columns;
    sg_frame f = {.panel = i,
                  .left = l->left + column * (l->width + l->gap),
                  .top = *y + l->title + row * (l->title + l->height + l->bottom),
                  .width = l->width,
                  .height = l->height};
    draw_panel(p, l, &f, !y_names || column == 0);
  }
  *y += l->rows * (l->title + l->height + l->bottom);
  if (p->x.axis->label) {
    double middle = l->left + (l->columns * (l->width + l->gap) - l->gap) / 2;
    *y += SMALL + 4;
    sg_put_svg_text(p->out, middle, *y, "sg-small", "middle",
                    axis_title(p->x.axis, p->x.log, &title), SMALL, 0);
    sg_buffer_free(&title);
  }
}

/* --- The file --------------------------------------------------------------------------------- */

static void open_svg(const sg_picture *p, const sg_svg_options *o, double height) {
  sg_buffer *out = p->out;
  if (!o->within) sg_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
  sg_put(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sg\" viewBox=\"0 0 ");
  sg_put_coordinate(out, p->width);
  sg_put(out, " ");
  sg_put_coordinate(out, height);
  sg_put(out, "\"");
  sg_put_svg_number(out, "width", p->width);
  sg_put_svg_number(out, "height", height);
  sg_putf(out, " role=\"img\" aria-labelledby=\"%s-t %s-d\">\n<title id=\"%s-t\">", p->prefix,
          p->prefix, p->prefix);
  sg_put_xml(out, p->c->title);
  sg_putf(out, "</title>\n<desc id=\"%s-d\">", p->prefix);
  sg_put_xml(out, p->c->conditions);
  if (p->c->conditions && p->c->message) sg_put(out, ". ");
  sg_put_xml(out, p->c->message);
  sg_put(out, "</desc>\n");
  if (!o->within) {
    sg_put(out, "<style>\n");
    sg_put_svg_style(out);
    sg_put(out, "</style>\n");
  }
  sg_put(out, "<rect class=\"sg-paper\"");
  sg_put_svg_number(out, "width", p->width);
  sg_put_svg_number(out, "height", height);
  sg_put(out, "/>\n");
}

void sg_put_chart_svg(const sg_chart *c, const sg_svg_options *options, sg_buffer *out) {
  static const sg_svg_options usual = {0};
  const sg_svg_options *o = options ? options : &usual;
  sg_buffer body = {0}, left_out = {0};
  sg_picture p = {.c = c,
                  .out = &body,
                  .prefix = o->prefix ? o->prefix : "c",
                  .width = o->width ? o->width : 600,
                  .n_panels = c->n_panels < 1               ? 1
                              : c->n_panels > SG_SVG_PANELS ? SG_SVG_PANELS
                                                            : c->n_panels};
  choose_styles(&p);
  find_range(&p, 'x', &c->x, &p.x);
  find_range(&p, 'y', &c->y, &p.y);
  find_range(&p, 'v', &c->value, &p.value);
  sg_find_ticks(p.value.low, p.value.high, p.value.log, 6, &p.value.ticks);
  const layout l = plan(&p);
  double y = 0;
  put_head(&p, &body, &y);
  draw_body(&p, &l, &y);
  y += 6;
  draw_legend(&p, l.below, &y);
  if (sg_has_mark(c, SG_MARK_CELLS)) draw_scale(&p, &y);
  put_left_out(&p, &left_out);
  put_paragraph(&body, left_out.data, "sg-small sg-muted", SMALL, PAD, p.width - 2 * PAD, &y);
  /* The height is known at the end, and stands at the beginning. */
  p.out = out;
  open_svg(&p, o, ceil(y + 10));
  if (body.data) sg_put_bytes(out, body.data, body.length);
  sg_put(out, "</svg>\n");
  out->failed |= body.failed || left_out.failed;
  sg_buffer_free(&body);
  sg_buffer_free(&left_out);
}
