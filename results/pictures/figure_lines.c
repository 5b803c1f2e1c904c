/* SPDX-License-Identifier: MIT */
/* Plots that are one number against another: time against an axis, any column against any other,
 * numerical error against n. */
#include "results/pictures/figure_rows.h"

#include "results/columns.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"

#include <stdio.h>
#include <string.h>

#define INEXACT " (inexact)"

/* A row where it is drawn, and what it belongs to. */
typedef struct spot {
  const sg_row *row;
  const char *series;
  double x;
  int panel, at; /* at: of its row, so that an order is an order */
} spot;

static int by_series(const void *a, const void *b) {
  const spot *p = a, *q = b;
  int c = p->panel != q->panel ? (p->panel > q->panel) - (p->panel < q->panel)
                               : strcmp(p->series, q->series);
  if (c == 0) c = (p->x > q->x) - (p->x < q->x);
  return c ? c : (p->at > q->at) - (p->at < q->at);
}

static double y_of(const spot *s) {
  return s->row->cell[SG_ROW_Y].number;
}

/* Of spots of one series at one place only the lowest is kept: a family at its best parameters. */
static int keep_best(spot *s, int n) {
  int kept = 0;
  for (int i = 0; i < n; i++) {
    spot *last = kept ? &s[kept - 1] : NULL;
    bool same = last && last->panel == s[i].panel && !strcmp(last->series, s[i].series) &&
                last->x == s[i].x;
    if (!same)
      s[kept++] = s[i];
    else if (y_of(&s[i]) < y_of(last))
      *last = s[i];
  }
  return kept;
}

/* Series in the order of their last point in the panel, the lowest first; those that are not to be
 * compared behind all others. */
typedef struct order {
  int begin, end;
  bool comparable;
  double last;
} order;

static int by_last(const void *a, const void *b) {
  const order *p = a, *q = b;
  if (p->comparable != q->comparable) return p->comparable ? -1 : 1;
  int c = (p->last > q->last) - (p->last < q->last);
  return c ? c : (p->begin > q->begin) - (p->begin < q->begin);
}

static sg_status add_series(sg_chart *c, const spot *s, const order *o, bool lines, sg_error *e) {
  sg_mark mark = lines ? SG_MARK_LINE : SG_MARK_POINTS;
  for (int i = o->begin + 1; i < o->end && lines; i++)
    if (s[i].x == s[i - 1].x) mark = SG_MARK_POINTS;
  sg_status status = sg_chart_add_series(c, mark, s[o->begin].panel, s[o->begin].series, e);
  for (int i = o->begin; i < o->end && !status; i++) {
    const sg_row *row = s[i].row;
    sg_chart_point p = sg_chart_at(s[i].x, y_of(&s[i]));
    p.low = row->low;
    p.high = row->high;
    p.label = row->label;
    p.id = row->point_id;
    status = sg_chart_add_point(c, p, e);
  }
  return status;
}

static sg_status add_all(sg_chart *c, spot *s, int n, bool best, sg_error *e) {
  qsort(s, (size_t)n, sizeof *s, by_series);
  if (best) n = keep_best(s, n);
  SG_OWNED order *o = calloc((size_t)n + 1, sizeof *o);
  if (!o) return sg_fail_memory(e);
  int series = 0;
  for (int i = 0; i < n; i++) {
    bool same = i > 0 && s[i].panel == s[i - 1].panel && !strcmp(s[i].series, s[i - 1].series);
    if (!same) o[series++] = (order){.begin = i, .comparable = true};
    o[series - 1].end = i + 1;
    o[series - 1].comparable &= s[i].row->comparable;
    o[series - 1].last = y_of(&s[i]);
  }
  qsort(o, (size_t)series, sizeof *o, by_last);
  sg_status status = SG_OK;
  for (int i = 0; i < series && !status; i++) status = add_series(c, s, &o[i], true, e);
  return status;
}

/* The name of the series of a row: its code, as it is counted there as worth the same or not, or
 * what the group column says. */
static char *series_of(const sg_row *row, const sg_figure_request *r, bool iteration_time) {
  sg_buffer name = {0};
  const char *group = row->cell[SG_ROW_GROUP].text;
  sg_put(&name, r->group ? (group ? group : "–") : row->code);
  if (iteration_time && !row->comparable) sg_put(&name, INEXACT);
  if (!name.failed) return name.data;
  sg_buffer_free(&name);
  return NULL;
}

/* The best of the last places, in one panel or all: what the picture says in a sentence. */
static sg_status say_best(sg_chart *c, const char *y, sg_error *e) {
  const sg_chart_point *best = NULL;
  const char *panel = "";
  double last = -INFINITY;
  for (int i = 0; i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++) last = fmax(last, c->series[i].point[k].x);
  for (int i = 0; i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++) {
      const sg_chart_point *q = &c->series[i].point[k];
      bool inexact = strstr(c->series[i].name, INEXACT);
      if (q->x != last || !q->label || inexact || (best && !(q->y < best->y))) continue;
      best = q;
      panel = c->n_panels > 0 ? c->panel[c->series[i].panel] : "";
    }
  if (!best || !c->x.column) return SG_OK;
  sg_buffer text = {0};
  sg_putf(&text, "lowest %s at %s = ", y, c->x.column);
  if (c->x.scale == SG_SCALE_NAMES)
    sg_put(&text, c->x.name[(int)last]);
  else
    sg_putf(&text, "%.6g", last);
  sg_putf(&text, "%s%s: %s, %.4g%s%s", *panel ? ", " : "", panel, best->label, best->y,
          c->y.unit ? " " : "", c->y.unit ? c->y.unit : "");
  sg_status status =
      text.failed ? sg_fail_memory(e) : sg_chart_say(&c->message, e, "%s", text.data);
  sg_buffer_free(&text);
  return status;
}

/* Rows as spots, in panels. Rows without x or y are left out: how many. */
static sg_status find_spots(const sg_figure_request *r, const sg_rows_found *f, bool iteration_time,
                            sg_chart *c, spot *s, char **names, int *n, int *lost, sg_error *e) {
  sg_status status = SG_OK;
  *n = *lost = 0;
  for (int i = 0; i < f->n && !status; i++) {
    const sg_row *row = &f->row[i];
    spot new = {.row = row, .at = i};
    if (!row->cell[SG_ROW_X].text || isnan(row->cell[SG_ROW_Y].number)) {
      ++*lost;
      continue;
    }
    status = sg_place_of(&c->x, &row->cell[SG_ROW_X], &new.x, e);
    if (!status) status = sg_panel_of(c, f, row, &new.panel, e);
    new.series = names[i] = series_of(row, r, iteration_time);
    if (!status && !new.series) status = sg_fail_memory(e);
    s[(*n)++] = new;
  }
  return status;
}

static sg_status draw(sg_db *db, const sg_figure_request *r, sg_rows_found *f, const char *x,
                      const char *y, bool best, sg_chart *c, sg_error *e) {
  bool iteration_time = best && strncmp(y, "iter_", 5) == 0;
  const char *column[SG_ROW_COLUMNS] = {[SG_ROW_X] = x, [SG_ROW_Y] = y, [SG_ROW_GROUP] = r->group};
  sg_status status = sg_find_rows(db, r, column, f, e);
  SG_OWNED spot *s = calloc((size_t)f->n + 1, sizeof *s);
  SG_OWNED char **names = calloc((size_t)f->n + 1, sizeof *names);
  int n = 0, lost = 0;
  if (!status && (!s || !names)) status = sg_fail_memory(e);
  if (!status) status = sg_set_axis(db, &c->x, x, f, SG_ROW_X, r->log_x, r->linear_x, 30, e);
  if (!status) status = sg_set_axis(db, &c->y, y, f, SG_ROW_Y, r->log_y, r->linear_y, 50, e);
  c->y.from_zero = best;
  c->x.from_zero = false;
  if (!status && c->y.scale == SG_SCALE_NAMES)
    status = sg_fail(e, SG_USAGE, NULL, "expected a column of numbers as y, found \"%s\"", y);
  if (!status) status = find_spots(r, f, iteration_time, c, s, names, &n, &lost, e);
  if (!status && n == 0)
    status = sg_fail(e, SG_INVALID, NULL, "no point has both %s and %s%s", x, y,
                     strcmp(y, "time_to_target_s") != 0
                         ? ""
                         : ": no scheme reached the target in all its runs; --y iter_mean_s "
                           "shows iteration times");
  if (!status) status = add_all(c, s, n, best, e);
  for (int i = 0; names && i < f->n; i++) free(names[i]);
  if (!status) status = sg_chart_say(&c->id_column, e, "point_id");
  if (!status) status = sg_chart_say(&c->interval, e, "95 %% interval of the mean");
  if (!status && lost > 0)
    status = sg_chart_say(&c->conditions, e, "%s; %d points without a value are left out",
                          f->conditions, lost);
  else if (!status)
    status = sg_chart_say(&c->conditions, e, "%s", f->conditions);
  return status;
}

/* --- Time against an axis --------------------------------------------------------------------- */

sg_status sg_figure_time(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sg_rows_found f = {0};
  sg_status status = sg_find_axes(db, r, &f, e);
  const sg_axis_found *axis = status ? NULL : sg_best_axis(&f, NULL);
  const char *x = r->x ? r->x : axis ? axis->name : NULL, *y = r->y ? r->y : sg_time_column(&f);
  if (!status && !x)
    status = sg_fail(e, SG_INVALID, NULL,
                     "the points looked at have no axis with two values to draw time against; a "
                     "scenario's \"sweep\" makes one, --x takes another column (n_workers, "
                     "load_d), and `plot DB speedup` needs none");
  if (!status) status = draw(db, r, &f, x, y, true, c, e);
  bool to_target = f.to_target && !r->y;
  if (!status)
    status = sg_chart_say(&c->title, e, "%s%s by %s, each %s at its best parameters",
                          to_target ? "Time to the " : "",
                          to_target                   ? f.goal
                          : !strcmp(y, "iter_mean_s") ? "Iteration time"
                          : c->y.label                ? c->y.label
                                                      : y,
                          x, r->group ? r->group : "family");
  if (!status) status = say_best(c, c->y.label ? c->y.label : y, e);
  sg_rows_clear(&f);
  return status;
}

/* --- Any column against any other ------------------------------------------------------------- */

sg_status sg_figure_free(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sg_rows_found f = {0};
  sg_figure_request q = *r;
  sg_status status = sg_find_axes(db, r, &f, e);
  if (!q.group) q.group = "scheme_label";
  const sg_axis_found *axis = status ? NULL : sg_best_axis(&f, NULL);
  const char *x = r->x ? r->x : axis ? axis->name : "load_d", *y = r->y ? r->y : sg_time_column(&f);
  if (!status) status = draw(db, &q, &f, x, y, false, c, e);
  if (!status)
    status = sg_chart_say(&c->title, e, "%s by %s", c->y.label ? c->y.label : y,
                          c->x.label ? c->x.label : x);
  if (!status)
    status = sg_chart_say(&c->message, e, "%ld point%s in %d series", c->n_points,
                          c->n_points == 1 ? "" : "s", c->n_series);
  sg_rows_clear(&f);
  return status;
}

/* --- Numerical error -------------------------------------------------------------------------- */

/* Where all points have one x, a row for each says more than a column of points: the chart is
 * turned, y being drawn along x. */
static sg_status turn(sg_chart *c, sg_error *e) {
  double x = NAN;
  for (int i = 0; i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++) {
      if (!isnan(x) && c->series[i].point[k].x != x) return SG_OK;
      x = c->series[i].point[k].x;
    }
  sg_chart_axis names = {.scale = SG_SCALE_NAMES};
  sg_status status = sg_chart_name_axis(&names, "scheme", NULL, "scheme_label", e);
  for (int i = 0; i < c->n_series && !status; i++) {
    c->series[i].mark = SG_MARK_FOREST;
    for (int k = 0; k < c->series[i].n && !status; k++) {
      sg_chart_point *q = &c->series[i].point[k];
      q->x = q->y;
      status = sg_chart_place(&names, q->label ? q->label : "", &q->y, e);
    }
    if (!status) status = sg_chart_say(&c->series[i].name, e, "%s", "all");
  }
  sg_chart_axis old = c->x;
  c->x = c->y;
  c->y = names;
  c->x.from_zero = false;
  sg_clear_chart_axis(&old);
  return status;
}

/* What stands beside a worst case: its median, where the table has one. */
static void median_column(const char *y, char out[64]) {
  size_t n = strlen(y);
  out[0] = '\0';
  if (n < 7 || n > 56 || strcmp(y + n - 6, "_worst") != 0) return;
  snprintf(out, 64, "%.*s_median", (int)n - 6, y);
  const sg_column *c = sg_column_find("code_check", out);
  if (!c || strcmp(c->table, "code_check") != 0) out[0] = '\0';
}

typedef struct checked { /* a row of code_check */
  char *series, *label;
  double x, y, low;
  int64_t id;
} checked;

static int by_label(const void *a, const void *b) {
  const checked *p = a, *q = b;
  int c = strcmp(p->series, q->series);
  if (c == 0) c = (p->x > q->x) - (p->x < q->x);
  return c ? c : (p->id > q->id) - (p->id < q->id);
}

typedef struct checks {
  int n, capacity;
  checked *item;
} checks;

static sg_status ask_checks(sg_db *db, const sg_figure_request *r, const char *x, const char *y,
                            const char *median, sqlite3_stmt **s, sg_error *e) {
  sg_buffer sql = {0};
  sg_status status = sg_check_column(db, "code_check", x, e);
  if (!status) status = sg_check_column(db, "code_check", y, e);
  if (!status && r->group) status = sg_check_column(db, "code_check", r->group, e);
  sg_put(&sql, "SELECT ");
  sg_put_identifier(&sql, r->group ? r->group : "scheme_label");
  sg_put(&sql, ", ");
  sg_put_identifier(&sql, x);
  sg_put(&sql, ", ");
  sg_put_identifier(&sql, y);
  sg_put(&sql, ", ");
  if (*median)
    sg_put_identifier(&sql, median);
  else
    sg_put(&sql, "NULL");
  sg_put(&sql, ", check_id, scheme_label FROM code_check WHERE 1");
  if (!status) status = sg_put_filters(db, r, "code_check", &sql, e);
  sg_put(&sql, " ORDER BY check_id");
  if (!status) status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, s, e);
  if (!status) status = sg_bind_filters(r, 1, *s, e);
  sg_buffer_free(&sql);
  return status;
}

static double number_at(sqlite3_stmt *s, int at) {
  return sqlite3_column_type(s, at) == SQLITE_NULL ? NAN : sqlite3_column_double(s, at);
}

static sg_status read_checks(sg_db *db, sqlite3_stmt *s, checks *a, sg_error *e) {
  sg_status status = SG_OK;
  while (sg_db_row(db, s, &status, e)) {
    if (!SG_ROOM(a->item, a->capacity, a->n + 1)) return sg_fail_memory(e);
    const char *group = (const char *)sqlite3_column_text(s, 0);
    checked *k = &a->item[a->n++];
    *k = (checked){.series = strdup(group ? group : "–"),
                   .label = sg_copy_text(s, 5),
                   .x = number_at(s, 1),
                   .y = number_at(s, 2),
                   .low = number_at(s, 3),
                   .id = sqlite3_column_int64(s, 4)};
    if (!k->series || !k->label) return sg_fail_memory(e);
  }
  return status;
}

/* The last number of each series decides its place: the safest first. */
static sg_status put_checks(const checks *a, sg_chart *c, sg_error *e) {
  SG_OWNED order *o = calloc((size_t)a->n + 1, sizeof *o);
  if (!o) return sg_fail_memory(e);
  int series = 0;
  for (int i = 0; i < a->n; i++) {
    const checked *k = &a->item[i];
    if (i == 0 || strcmp(k->series, k[-1].series) != 0) o[series++] = (order){.begin = i};
    o[series - 1].end = i + 1;
    o[series - 1].last = k->y;
  }
  qsort(o, (size_t)series, sizeof *o, by_last);
  sg_status status = SG_OK;
  for (int i = 0; i < series && !status; i++) {
    bool lines = true;
    for (int k = o[i].begin + 1; k < o[i].end; k++) lines &= a->item[k].x != a->item[k - 1].x;
    status = sg_chart_add_series(c, lines ? SG_MARK_LINE : SG_MARK_POINTS, 0,
                                 a->item[o[i].begin].series, e);
    for (int k = o[i].begin; k < o[i].end && !status; k++) {
      const checked *q = &a->item[k];
      sg_chart_point p = sg_chart_at(q->x, q->y);
      p.low = q->low;
      p.high = isnan(q->low) ? NAN : q->y;
      p.label = q->label;
      p.id = q->id;
      status = sg_chart_add_point(c, p, e);
    }
  }
  return status;
}

static sg_status error_of_checks(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  const char *x = r->x ? r->x : "n_workers", *y = r->y ? r->y : "err_float64_worst";
  char median[64];
  sqlite3_stmt *s = NULL;
  checks a = {0};
  median_column(y, median);
  sg_status status = ask_checks(db, r, x, y, median, &s, e);
  if (!status) status = read_checks(db, s, &a, e);
  sqlite3_finalize(s);
  if (!status && a.n == 0)
    status = sg_fail(e, SG_INVALID, NULL, "no check of a code is left by --filter and --scheme");
  if (!status) {
    qsort(a.item, (size_t)a.n, sizeof *a.item, by_label);
    status = put_checks(&a, c, e);
  }
  if (!status) status = sg_name_axis_of(db, &c->x, "code_check", x, e);
  if (!status) status = sg_name_axis_of(db, &c->y, "code_check", y, e);
  c->x.scale = r->log_x ? SG_SCALE_LOG : SG_SCALE_LINEAR;
  c->y.scale = r->linear_y ? SG_SCALE_LINEAR : SG_SCALE_LOG;
  if (!status && r->y)
    status = sg_chart_say(&c->title, e, "%s by %s", c->y.label, c->x.label);
  else if (!status)
    status = sg_chart_say(&c->title, e, "Numerical error of decoded gradients");
  if (!status)
    status = sg_chart_say(&c->conditions, e,
                          "codes check: patterns of missing workers, random gradients; 0 and "
                          "overflows are not drawn");
  if (!status && *median)
    status = sg_chart_say(&c->interval, e, "from the median pattern to the worst");
  if (!status) status = sg_chart_say(&c->id_column, e, "check_id");
  if (!status) status = say_best(c, c->y.label ? c->y.label : y, e);
  if (!status) status = turn(c, e);
  for (int i = 0; i < a.n; i++) {
    free(a.item[i].series);
    free(a.item[i].label);
  }
  free(a.item);
  return status;
}

static sg_status error_of_runs(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sg_rows_found f = {0};
  sg_figure_request q = *r;
  if (!q.group) q.group = "scheme_label";
  sg_status status = sg_find_axes(db, r, &f, e);
  const sg_axis_found *axis = status ? NULL : sg_best_axis(&f, NULL);
  const char *x = r->x                           ? r->x
                  : axis && axis->of_environment ? axis->name
                                                 : "n_workers",
             *y = r->y ? r->y : "grad_scaled_err_max";
  q.log_y = !r->linear_y;
  if (!status) status = draw(db, &q, &f, x, y, false, c, e);
  if (status == SG_INVALID && f.conditions && !r->y) {
    sg_error_clear(e);
    status = sg_fail(e, SG_INVALID, NULL,
                     "the runs computed no gradients, only times; `straggle codes check CODE -n "
                     "6,8,…,30 --database DB` measures errors, as do runs of a scenario with a "
                     "learning problem");
  }
  if (!status) status = sg_chart_say(&c->title, e, "Numerical error of decoded gradients, in runs");
  if (!status) status = say_best(c, c->y.label ? c->y.label : y, e);
  if (!status) status = turn(c, e);
  sg_rows_clear(&f);
  return status;
}

sg_status sg_figure_error(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(
      db, "SELECT (SELECT count(*) FROM code_check), (SELECT count(*) FROM run)", &s, e);
  bool row = sg_db_row(db, s, &status, e);
  bool checked_ones = row && sqlite3_column_int64(s, 0) > 0,
       runs = row && sqlite3_column_int64(s, 1) > 0;
  sqlite3_finalize(s);
  if (status) return status;
  if (!checked_ones && !runs)
    return sg_fail(e, SG_INVALID, NULL,
                   "the database has neither checks of codes nor runs; `straggle codes check CODE "
                   "-n 6,8,…,30 --database DB` makes checks");
  /* A column that only runs have asks for runs. */
  const sg_column *y = r->y ? sg_column_find("code_check", r->y) : NULL;
  bool of_checks = !r->y || (y && !strcmp(y->table, "code_check"));
  return checked_ones && of_checks ? error_of_checks(db, r, c, e) : error_of_runs(db, r, c, e);
}
