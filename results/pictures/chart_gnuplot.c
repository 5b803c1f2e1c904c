/* SPDX-License-Identifier: MIT */
/* A chart as a gnuplot script: for whoever wants another look than ours. The numbers are in the CSV
 * file; the script knows in which of its rows a series stands. */
#include "results/pictures/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* In single quotes gnuplot knows one special character. */
static void put_quoted(sg_buffer *out, const char *text) {
  sg_put(out, "'");
  for (const char *at = text ? text : ""; *at;) {
    size_t n = strcspn(at, "'");
    sg_put_clean(out, at, n, "", '?');
    at += n;
    if (*at) sg_put(out, "''");
    at += *at != '\0';
  }
  sg_put(out, "'");
}

static void put_label(sg_buffer *out, const char *axis, const sg_chart_axis *a) {
  sg_buffer text = {0};
  sg_put(&text, a->label ? a->label : "");
  if (a->unit && strcmp(a->unit, "1") != 0) sg_putf(&text, " (%s)", a->unit);
  sg_putf(out, "set %slabel ", axis);
  put_quoted(out, text.data);
  sg_put(out, "\n");
  out->failed |= text.failed;
  sg_buffer_free(&text);
}

/* The names of an axis as its tics, as an array, and a function from a name to its place. */
static void put_axis(sg_buffer *out, const char *axis, const sg_chart_axis *a) {
  put_label(out, axis, a);
  if (a->scale == SG_SCALE_LOG) sg_putf(out, "set logscale %s\nset format %s '%%h'\n", axis, axis);
  if (a->from_zero && a->scale == SG_SCALE_LINEAR) sg_putf(out, "set %srange [0:*]\n", axis);
  if (a->scale != SG_SCALE_NAMES || a->n_names == 0) return;
  sg_putf(out, "array Name_%s[%d] = [", axis, a->n_names);
  for (int i = 0; i < a->n_names; i++) {
    sg_put(out, i ? ", " : "");
    put_quoted(out, a->name[i]);
  }
  sg_putf(
      out,
      "]\nplace_%s(name) = (at = sum [i = 1:%d] (Name_%s[i] eq name ? i : 0), at ? at - 1 : NaN)\n",
      axis, a->n_names, axis);
  sg_putf(out, "set %stics (", axis);
  for (int i = 0; i < a->n_names; i++) {
    sg_put(out, i ? ", " : "");
    put_quoted(out, a->name[i]);
    sg_putf(out, " %d", i);
  }
  bool down = axis[0] == 'y';
  sg_putf(out, down ? ")\nset %srange [%d.5:-0.5]\n" : ")\nset %srange [-0.5:%d.5]\n", axis,
          a->n_names - 1);
}

typedef struct places { /* columns of the CSV, from 1; x, y also as expressions */
  int x, y, low, high, value, label;
  char at_x[32], at_y[32], cell_x[32], cell_y[32];
  double half[2]; /* of cells, in x and y */
} places;

static void put_place(char out[32], const char *axis, const sg_chart_axis *a, int column,
                      const char *number) {
  bool named = a->scale == SG_SCALE_NAMES;
  snprintf(out, 32, named ? "(place_%s(strcol(%d)))" : "%s%d", named ? axis : number, column);
}

static places find_places(const sg_chart *c, const sg_chart_columns *has) {
  places at = {0};
  int next = 2 + has->panel;
  at.x = next++;
  at.y = next++;
  if (has->interval) at.low = next++;
  if (has->interval) at.high = next++;
  if (has->value) at.value = next++;
  if (has->label) at.label = next++;
  put_place(at.at_x, "x", &c->x, at.x, "");
  put_place(at.at_y, "y", &c->y, at.y, "");
  put_place(at.cell_x, "x", &c->x, at.x, "$");
  put_place(at.cell_y, "y", &c->y, at.y, "$");
  at.half[0] = sg_chart_step(c, true) / 2;
  at.half[1] = sg_chart_step(c, false) / 2;
  return at;
}

typedef struct plots { /* of one panel: commas between them */
  sg_buffer *out;
  const char *csv;
  long first, last; /* rows of the series */
  bool any;
} plots;

static void begin_plot(plots *p) {
  sg_put(p->out, p->any ? ", \\\n     " : "plot ");
  put_quoted(p->out, p->csv);
  sg_putf(p->out, " skip 1 every ::%ld::%ld using ", p->first, p->last);
  p->any = true;
}

static void put_title(plots *p, const char *name) {
  sg_put(p->out, " title ");
  put_quoted(p->out, name);
}

static bool has_bars(const sg_chart_series *s) {
  for (int k = 0; k < s->n; k++)
    if (isfinite(s->point[k].low) && isfinite(s->point[k].high)) return true;
  return false;
}

static void put_series(const sg_chart_series *s, int color, const places *at, plots *p) {
  sg_buffer *out = p->out;
  bool bars = has_bars(s);
  switch (s->mark) {
  case SG_MARK_BAND:
    if (bars) {
      begin_plot(p);
      sg_putf(out, "%s:%d:%d with filledcurves fs transparent solid 0.2 noborder lc %d notitle",
              at->at_x, at->low, at->high, color);
    }
    begin_plot(p);
    sg_putf(out, "%s:%s with lines lc %d", at->at_x, at->at_y, color);
    break;
  case SG_MARK_STEPS:
    begin_plot(p);
    sg_putf(out, "%s:%s with steps lc %d", at->at_x, at->at_y, color);
    break;
  case SG_MARK_LINE:
  case SG_MARK_POINTS:
  case SG_MARK_FOREST:
    /* Bars apart: gnuplot leaves points out that have none. */
    if (bars) {
      begin_plot(p);
      sg_putf(out, "%s:%s:%d:%d with %cerrorbars pt 0 lc %d notitle", at->at_x, at->at_y, at->low,
              at->high, s->mark == SG_MARK_FOREST ? 'x' : 'y', color);
    }
    begin_plot(p);
    sg_putf(out, "%s:%s with %s pt %d lc %d", at->at_x, at->at_y,
            s->mark == SG_MARK_LINE ? "linespoints" : "points", color, color);
    break;
  case SG_MARK_STACK: /* a bar begins where the one before it ended */
    begin_plot(p);
    sg_putf(out,
            "(row = place_y(strcol(%d)), from = End[row + 1], End[row + 1] = from + $%d, from):"
            "(row):(from):(End[row + 1]):(row - 0.35):(row + 0.35) with boxxyerror fs solid 0.8",
            at->y, at->x);
    break;
  case SG_MARK_CELLS:
    begin_plot(p);
    sg_putf(out,
            "(at_x = %s):(at_y = %s):(at_x - %.17g):(at_x + %.17g):(at_y - %.17g):(at_y + %.17g):%d"
            " with boxxyerror fs solid lc palette",
            at->cell_x, at->cell_y, at->half[0], at->half[0], at->half[1], at->half[1], at->value);
    break;
  }
  put_title(p, s->name);
}

static void put_panel(const sg_chart *c, const places *at, const char *csv, int panel,
                      sg_buffer *out) {
  plots p = {.out = out, .csv = csv};
  if (c->n_panels > 0) {
    sg_put(out, "set title ");
    put_quoted(out, c->panel[panel]);
    sg_put(out, "\n");
  }
  for (int i = 0; i < c->n_lines; i++) {
    const sg_chart_line *l = &c->line[i];
    sg_putf(out,
            l->vertical ? "set arrow from %g, graph 0 to %g, graph 1 nohead dt 2\n"
                        : "set arrow from graph 0, first %g to graph 1, first %g nohead dt 2\n",
            l->at, l->at);
  }
  for (int i = 0; i < c->n_series; i++)
    if (c->series[i].mark == SG_MARK_STACK) {
      sg_putf(out, "array End[%d]\ndo for [i = 1:%d] { End[i] = 0 }\n", c->y.n_names, c->y.n_names);
      break;
    }
  for (int i = 0; i < c->n_series; i++) {
    const sg_chart_series *s = &c->series[i];
    p.last = p.first + s->n - 1;
    int color = 0; /* that of the first series of this name */
    while (strcmp(c->series[color].name, s->name) != 0) color++;
    if (s->n > 0 && s->panel == panel) put_series(s, color + 1, at, &p);
    p.first += s->n;
  }
  sg_put(out, "\n");
}

void sg_put_chart_gnuplot(const sg_chart *c, const char *csv, const char *picture, sg_buffer *out) {
  const sg_chart_columns has = sg_find_chart_columns(c);
  const places at = find_places(c, &has);
  int panels = c->n_panels > 1 ? c->n_panels : 1, columns = (int)ceil(sqrt(panels));
  sg_put(out, "# Draws the numbers of ");
  put_quoted(out, csv);
  sg_putf(out,
          "; gnuplot 5.4 or later.\nset terminal svg size %d,%d noenhanced background 'white'\n",
          panels > 1 ? 500 * columns : 800,
          panels > 1 ? 360 * ((panels + columns - 1) / columns) : 500);
  sg_put(out, "set output ");
  put_quoted(out, picture);
  sg_put(
      out,
      "\nset encoding utf8\nset datafile separator comma\nset key outside right top\nset title ");
  put_quoted(out, c->title);
  sg_put(out, "\nset grid\n");
  put_axis(out, "x", &c->x);
  put_axis(out, "y", &c->y);
  if (has.value) put_label(out, "cb", &c->value);
  if (has.value)
    sg_put(out,
           "set palette defined (0 '#00224e', 3 '#575d6d', 6 '#a59c74', 9 '#fee838')\nunset key\n");
  if (has.value && c->value.scale == SG_SCALE_LOG) sg_put(out, "set logscale cb\n");
  if (c->n_panels > 1)
    sg_putf(out, "set multiplot layout %d,%d\n", (panels + columns - 1) / columns, columns);
  for (int panel = 0; panel < panels; panel++) put_panel(c, &at, csv, panel, out);
  if (c->n_panels > 1) sg_put(out, "unset multiplot\n");
}
