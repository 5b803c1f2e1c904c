/* SPDX-License-Identifier: MIT */
/* A chart as it is filled, and its numbers as CSV. */
#include "results/pictures/chart.h"

#include "sim/core/array.h"
#include "sim/core/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sg_clear_chart_axis(sg_chart_axis *a) {
  for (int i = 0; i < a->n_names; i++) free(a->name[i]);
  free(a->name);
  free(a->label);
  free(a->unit);
  free(a->column);
  *a = (sg_chart_axis){0};
}

void sg_chart_clear(sg_chart *c) {
  for (int i = 0; i < c->n_series; i++) {
    sg_chart_series *s = &c->series[i];
    for (int k = 0; k < s->n; k++) free((char *)s->point[k].label);
    free(s->point);
    free(s->name);
  }
  for (int i = 0; i < c->n_panels; i++) free(c->panel[i]);
  for (int i = 0; i < c->n_lines; i++) free(c->line[i].label);
  free(c->series);
  free(c->panel);
  free(c->line);
  sg_clear_chart_axis(&c->x);
  sg_clear_chart_axis(&c->y);
  sg_clear_chart_axis(&c->value);
  free(c->title);
  free(c->conditions);
  free(c->interval);
  free(c->message);
  free(c->id_column);
  *c = (sg_chart){0};
}

sg_status sg_chart_say(char **text, sg_error *e, const char *format, ...) {
  char *made;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&made, format, args);
  va_end(args);
  if (n < 0) return sg_fail_memory(e);
  free(*text);
  *text = made;
  return SG_OK;
}

/* A copy of a text, or nothing of nothing. */
static sg_status copy(char **to, const char *from, sg_error *e) {
  if (from) return sg_chart_say(to, e, "%s", from);
  free(*to);
  *to = NULL;
  return SG_OK;
}

sg_status sg_chart_name_axis(sg_chart_axis *a, const char *label, const char *unit,
                             const char *column, sg_error *e) {
  sg_status status = copy(&a->label, label, e);
  if (!status) status = copy(&a->unit, unit, e);
  if (!status) status = copy(&a->column, column, e);
  return status;
}

static sg_status fail_full(const char *what, int most, sg_error *e) {
  return sg_fail(e, SG_INVALID, NULL, "a picture has at most %d %s; a filter leaves some out", most,
                 what);
}

sg_status sg_chart_place(sg_chart_axis *a, const char *name, double *place, sg_error *e) {
  for (int i = a->n_names - 1; i >= 0; i--)
    if (!strcmp(a->name[i], name)) {
      *place = i;
      return SG_OK;
    }
  if (a->n_names >= SG_CHART_NAMES) return fail_full("names on an axis", SG_CHART_NAMES, e);
  char *copied = strdup(name);
  if (!copied || !SG_ROOM(a->name, a->capacity, a->n_names + 1)) {
    free(copied);
    return sg_fail_memory(e);
  }
  *place = a->n_names;
  a->name[a->n_names++] = copied;
  return SG_OK;
}

sg_status sg_chart_add_panel(sg_chart *c, const char *title, int *panel, sg_error *e) {
  if (c->n_panels >= SG_CHART_PANELS) return fail_full("panels", SG_CHART_PANELS, e);
  char *copied = strdup(title);
  if (!copied || !SG_ROOM(c->panel, c->panels_capacity, c->n_panels + 1)) {
    free(copied);
    return sg_fail_memory(e);
  }
  *panel = c->n_panels;
  c->panel[c->n_panels++] = copied;
  return SG_OK;
}

sg_status sg_chart_add_series(sg_chart *c, sg_mark mark, int panel, const char *name, sg_error *e) {
  if (c->n_series >= SG_CHART_SERIES) return fail_full("series", SG_CHART_SERIES, e);
  char *copied = strdup(name);
  if (!copied || !SG_ROOM(c->series, c->series_capacity, c->n_series + 1)) {
    free(copied);
    return sg_fail_memory(e);
  }
  c->series[c->n_series++] = (sg_chart_series){.name = copied, .mark = mark, .panel = panel};
  return SG_OK;
}

sg_chart_point sg_chart_at(double x, double y) {
  return (sg_chart_point){.x = x, .y = y, .low = NAN, .high = NAN, .value = NAN};
}

sg_status sg_chart_add_point(sg_chart *c, sg_chart_point p, sg_error *e) {
  if (c->n_points >= SG_CHART_POINTS) return fail_full("points", SG_CHART_POINTS, e);
  sg_chart_series *s = &c->series[c->n_series - 1];
  if (!SG_ROOM(s->point, s->capacity, s->n + 1)) return sg_fail_memory(e);
  if (p.label && !(p.label = strdup(p.label))) return sg_fail_memory(e);
  s->point[s->n++] = p;
  c->n_points++;
  return SG_OK;
}

sg_status sg_chart_add_line(sg_chart *c, bool vertical, double at, const char *label, sg_error *e) {
  if (!SG_ROOM(c->line, c->lines_capacity, c->n_lines + 1)) return sg_fail_memory(e);
  c->line[c->n_lines++] = (sg_chart_line){.vertical = vertical, .at = at};
  return copy(&c->line[c->n_lines - 1].label, label, e);
}

bool sg_chart_is_empty(const sg_chart *c) {
  for (int i = 0; i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++)
      if (isfinite(c->series[i].point[k].x) && isfinite(c->series[i].point[k].y)) return false;
  return true;
}

double sg_chart_step(const sg_chart *c, bool x) {
  double step = INFINITY;
  for (int i = 0; i < c->n_series; i++) {
    double last = NAN;
    for (int k = 0; k < c->series[i].n; k++) {
      double at = x ? c->series[i].point[k].x : c->series[i].point[k].y, by = fabs(at - last);
      if (by > 0 && by < step) step = by;
      last = at;
    }
  }
  return isfinite(step) ? step : 1;
}

/* --- CSV -------------------------------------------------------------------------------------- */

sg_chart_columns sg_find_chart_columns(const sg_chart *c) {
  sg_chart_columns has = {.panel = c->n_panels > 0};
  for (int i = 0; i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++) {
      const sg_chart_point *p = &c->series[i].point[k];
      has.interval |= !isnan(p->low) || !isnan(p->high);
      has.value |= !isnan(p->value);
      has.label |= p->label != NULL;
      has.id |= p->id != 0;
      has.marked |= p->marked;
    }
  return has;
}

static void put_place(sg_table *t, const sg_chart_axis *a, double x) {
  bool named = a->scale == SG_SCALE_NAMES && x >= 0 && x < a->n_names;
  if (named)
    sg_table_text(t, a->name[(int)x]);
  else
    sg_table_number(t, x, 17);
}

static void put_point(sg_table *t, const sg_chart *c, const sg_chart_columns *has,
                      const sg_chart_series *s, const sg_chart_point *p) {
  if (has->panel) sg_table_text(t, s->panel < c->n_panels ? c->panel[s->panel] : NULL);
  sg_table_text(t, s->name);
  put_place(t, &c->x, p->x);
  put_place(t, &c->y, p->y);
  if (has->interval) sg_table_number(t, p->low, 17);
  if (has->interval) sg_table_number(t, p->high, 17);
  if (has->value) sg_table_number(t, p->value, 17);
  if (has->label) sg_table_text(t, p->label);
  if (has->id && p->id) sg_table_integer(t, p->id);
  if (has->id && !p->id) sg_table_text(t, NULL);
  if (has->marked) sg_table_integer(t, p->marked);
}

static const char *heading(const sg_chart_axis *a, const char *otherwise) {
  return a->column ? a->column : otherwise;
}

static sg_table *table_of(const sg_chart *c, const sg_chart_columns *of) {
  const sg_chart_columns has = *of;
  sg_table *t = sg_table_new(0, NULL);
  if (has.panel) sg_table_column(t, "panel");
  sg_table_column(t, "series");
  sg_table_column(t, heading(&c->x, "x"));
  sg_table_column(t, heading(&c->y, "y"));
  if (has.interval) sg_table_column(t, "low");
  if (has.interval) sg_table_column(t, "high");
  if (has.value) sg_table_column(t, heading(&c->value, "value"));
  if (has.label) sg_table_column(t, "label");
  if (has.id) sg_table_column(t, c->id_column ? c->id_column : "id");
  if (has.marked) sg_table_column(t, "marked");
  return t;
}

sg_table *sg_chart_table(const sg_chart *c, long every) {
  const sg_chart_columns has = sg_find_chart_columns(c);
  sg_table *t = table_of(c, &has);
  for (int i = 0; t && i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++)
      if (k % every == 0 || k == c->series[i].n - 1)
        put_point(t, c, &has, &c->series[i], &c->series[i].point[k]);
  return t;
}

void sg_put_chart_csv(const sg_chart *c, sg_buffer *out) {
  enum { ROWS_AT_A_TIME = 256 };
  const sg_chart_columns has = sg_find_chart_columns(c);
  sg_table *t = table_of(c, &has);
  out->failed |= !t;
  for (int i = 0; t && i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++) {
      put_point(t, c, &has, &c->series[i], &c->series[i].point[k]);
      if (sg_table_rows(t) >= ROWS_AT_A_TIME) sg_table_print_rows(t, SG_FORMAT_CSV, out);
    }
  if (t) sg_table_print(t, SG_FORMAT_CSV, 0, out);
  sg_table_free(t);
}
