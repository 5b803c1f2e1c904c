/* SPDX-License-Identifier: MIT */
/* Plots of schemes against each other: speed-ups with their intervals, the best scheme over two
 * axes, time against what it costs. */
#include "results/pictures/figure_rows.h"

#include "results/answers/judge.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"

#include <string.h>

/* --- Speed-ups -------------------------------------------------------------------------------- */

typedef struct ranked {
  const sg_judged *scheme;
  const sg_row *row;
  int panel;
  bool baseline;
} ranked;

static double ratio_of(const ranked *r) {
  return r->baseline ? 1 : r->scheme->ratio.ratio;
}

/* Panel by panel, the fastest first. */
static int by_ratio(const void *a, const void *b) {
  const ranked *p = a, *q = b;
  if (p->panel != q->panel) return p->panel - q->panel;
  double x = ratio_of(p), y = ratio_of(q);
  if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
  return x != y ? (x < y) - (x > y)
                : (p->row->point_id > q->row->point_id) - (p->row->point_id < q->row->point_id);
}

static sg_status rank(const sg_comparison *cmp, const sg_rows_found *f, sg_chart *c, ranked *out,
                      int *n, sg_error *e) {
  sg_status status = SG_OK;
  int hint = 0;
  for (int v = 0; v < cmp->n_environments; v++)
    for (int i = cmp->environment[v].begin; i < cmp->environment[v].end && !status; i++) {
      ranked new = {.scheme = &cmp->scheme[i],
                    .row = sg_row_of(f, cmp->scheme[i].point_id, &hint),
                    .baseline = i == cmp->environment[v].baseline};
      if (!new.row) continue;
      status = sg_panel_of(c, f, new.row, &new.panel, e);
      out[(*n)++] = new;
    }
  qsort(out, (size_t)*n, sizeof *out, by_ratio);
  return status;
}

/* One verdict: a series in each panel that has it. */
static sg_status put_verdict(const ranked *all, int n, const char *verdict, sg_chart *c,
                             sg_error *e) {
  sg_status status = SG_OK;
  for (int panel = 0; panel < (c->n_panels ? c->n_panels : 1) && !status; panel++) {
    bool begun = false;
    for (int k = 0; k < n && !status; k++) {
      const sg_judged *s = all[k].scheme;
      sg_chart_point p = sg_chart_at(ratio_of(&all[k]), NAN);
      if (strcmp(s->verdict, verdict) != 0 || all[k].panel != panel) continue;
      if (!begun) status = sg_chart_add_series(c, SG_MARK_FOREST, panel, verdict, e);
      begun = true;
      if (!status) status = sg_chart_place(&c->y, all[k].row->label, &p.y, e);
      p.low = all[k].baseline ? NAN : s->ratio.low;
      p.high = all[k].baseline ? NAN : s->ratio.high;
      p.id = s->point_id;
      if (!status) status = sg_chart_add_point(c, p, e);
    }
  }
  return status;
}

/* A series for each verdict, so that they look different, and the usual ones always the same. */
static sg_status put_ratios(const ranked *all, int n, sg_chart *c, sg_error *e) {
  static const char *const usual[] = {"faster",   "slower",      "undecided",
                                      "baseline", "approximate", "compressed"};
  enum { USUAL = sizeof usual / sizeof *usual };
  sg_status status = SG_OK;
  double place;
  for (int i = 0; i < n && !status; i++)
    status = sg_chart_place(&c->y, all[i].row->label, &place, e);
  for (int i = 0; i < USUAL && !status; i++) status = put_verdict(all, n, usual[i], c, e);
  for (int i = 0; i < n && !status; i++) {
    bool known = false;
    for (int k = 0; k < USUAL; k++) known |= !strcmp(usual[k], all[i].scheme->verdict);
    for (int k = 0; k < i && !known; k++)
      known = !strcmp(all[k].scheme->verdict, all[i].scheme->verdict);
    if (!known) status = put_verdict(all, n, all[i].scheme->verdict, c, e);
  }
  return status;
}

static sg_status say_speedup(const sg_comparison *cmp, const sg_rows_found *f, const ranked *all,
                             int n, sg_chart *c, sg_error *e) {
  bool to_target = false, iteration = false, one = true;
  const char *baseline = NULL;
  const ranked *best = NULL;
  for (int i = 0; i < cmp->n_environments; i++) {
    const sg_judged_environment *v = &cmp->environment[i];
    const char *label = cmp->scheme[v->baseline].point.scheme_label;
    bool looked_at = false;
    for (int k = 0; k < n && !looked_at; k++)
      looked_at = all[k].scheme >= &cmp->scheme[v->begin] && all[k].scheme < &cmp->scheme[v->end];
    if (!looked_at) continue;
    *(v->to_target ? &to_target : &iteration) = true;
    one = one && (!baseline || !strcmp(baseline, label));
    baseline = label;
  }
  for (int i = 0; i < n; i++) {
    const ranked *r = &all[i];
    bool counts = r->scheme->tested && !strcmp(r->scheme->verdict, "faster");
    if (counts && (!best || ratio_of(r) > ratio_of(best))) best = r;
  }
  const char *over = one && baseline ? baseline : "its baseline";
  sg_status status = sg_chart_say(&c->title, e, "Speed-up over %s", over);
  if (!status)
    status =
        sg_chart_say(&c->conditions, e, "%s; by %s%s%s; pairs of runs with the same delays",
                     f->conditions, to_target ? "time to the " : "iteration time",
                     to_target ? f->goal : "", to_target && iteration ? " or iteration time" : "");
  if (!status) status = sg_chart_say(&c->interval, e, "95 %% interval of the geometric mean ratio");
  if (!status && best)
    status =
        sg_chart_say(&c->message, e, "fastest: %s, %.3g× %s [%.3g, %.3g]%s%s%s", best->row->label,
                     ratio_of(best), over, best->scheme->ratio.low, best->scheme->ratio.high,
                     *best->row->panel ? " (" : "", best->row->panel, *best->row->panel ? ")" : "");
  else if (!status)
    status = sg_chart_say(&c->message, e, "no scheme is shown to be faster than %s", over);
  return status;
}

sg_status sg_figure_speedup(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sg_rows_found f = {0};
  sg_comparison cmp = {0};
  const char *none[SG_ROW_COLUMNS] = {NULL};
  sg_status status = sg_find_axes(db, r, &f, e);
  if (!status) status = sg_find_rows(db, r, none, &f, e);
  if (!status) status = sg_judge(db, r->baseline, false, &cmp, e);
  SG_OWNED ranked *all = calloc((size_t)cmp.n + 1, sizeof *all);
  int n = 0;
  if (!status && !all) status = sg_fail_memory(e);
  c->y.scale = SG_SCALE_NAMES;
  if (!status) status = sg_chart_name_axis(&c->y, "scheme", NULL, "scheme_label", e);
  if (!status) status = sg_chart_name_axis(&c->x, "speed-up", "×", "speedup", e);
  if (!status) status = rank(&cmp, &f, c, all, &n, e);
  if (!status) status = put_ratios(all, n, c, e);
  double low = 1, high = 1;
  int known = 0, others = 0;
  for (int i = 0; i < n; i++) {
    others += !all[i].baseline;
    known += !all[i].baseline && !isnan(ratio_of(&all[i]));
    low = fmin(low, ratio_of(&all[i]));
    high = fmax(high, ratio_of(&all[i]));
  }
  if (!status && others == 0)
    status = sg_fail(e, SG_INVALID, NULL,
                     "there is one scheme, and nothing to compare it with; `plot DB ecdf` shows "
                     "its iteration times");
  if (!status && known == 0)
    status = sg_fail(e, SG_INVALID, NULL,
                     "no scheme has a speed-up: pairs of runs are missing, or some of each did not "
                     "reach the target; `straggle compare DB` says more");
  c->x.scale = r->log_x || (!r->linear_x && high > 3 * low) ? SG_SCALE_LOG : SG_SCALE_LINEAR;
  if (!status) status = sg_chart_add_line(c, true, 1, NULL, e);
  if (!status) status = sg_chart_say(&c->id_column, e, "point_id");
  if (!status) status = say_speedup(&cmp, &f, all, n, c, e);
  sg_comparison_clear(&cmp);
  sg_rows_clear(&f);
  return status;
}

/* --- Heat maps -------------------------------------------------------------------------------- */

typedef struct cell_place { /* a cell: where, and the best row there */
  int panel;
  double x, y;
  const sg_row *best;
} cell_place;

static int by_place(const void *a, const void *b) {
  const cell_place *p = a, *q = b;
  if (p->panel != q->panel) return p->panel - q->panel;
  if (p->y != q->y) return (p->y > q->y) - (p->y < q->y);
  if (p->x != q->x) return (p->x > q->x) - (p->x < q->x);
  double v = p->best->cell[SG_ROW_VALUE].number, w = q->best->cell[SG_ROW_VALUE].number;
  if (v != w) return (v > w) - (v < w);
  return (p->best->point_id > q->best->point_id) - (p->best->point_id < q->best->point_id);
}

/* Axes of a heat map are names, in the order of their numbers: the lowest y is at the bottom. */
static int by_number(const void *a, const void *b) {
  const sg_cell *p = *(const sg_cell *const *)a, *q = *(const sg_cell *const *)b;
  if (isnan(p->number) || isnan(q->number)) return isnan(p->number) - isnan(q->number);
  return (p->number > q->number) - (p->number < q->number);
}

static sg_status order_names(const sg_rows_found *f, int cell, bool down, sg_chart_axis *a,
                             sg_error *e) {
  SG_OWNED const sg_cell **all = calloc((size_t)f->n + 1, sizeof *all);
  if (!all) return sg_fail_memory(e);
  int n = 0;
  for (int i = 0; i < f->n; i++)
    if (f->row[i].cell[cell].text) all[n++] = &f->row[i].cell[cell];
  qsort(all, (size_t)n, sizeof *all, by_number);
  sg_status status = SG_OK;
  double at;
  a->scale = SG_SCALE_NAMES;
  for (int i = 0; i < n && !status; i++)
    status = sg_chart_place(a, all[down ? n - 1 - i : i]->text, &at, e);
  return status;
}

static sg_status put_cells(const sg_rows_found *f, bool only_comparable, sg_chart *c, int *left_out,
                           sg_error *e) {
  SG_OWNED cell_place *at = calloc((size_t)f->n + 1, sizeof *at);
  sg_status status = at ? SG_OK : sg_fail_memory(e);
  int n = 0, panel = -1;
  for (int i = 0; i < f->n && !status; i++) {
    const sg_row *row = &f->row[i];
    if (!row->cell[SG_ROW_X].text || !row->cell[SG_ROW_Y].text ||
        isnan(row->cell[SG_ROW_VALUE].number) || (only_comparable && !row->comparable)) {
      ++*left_out;
      continue;
    }
    at[n].best = row;
    status = sg_panel_of(c, f, row, &at[n].panel, e);
    if (!status) status = sg_chart_place(&c->x, row->cell[SG_ROW_X].text, &at[n].x, e);
    if (!status) status = sg_chart_place(&c->y, row->cell[SG_ROW_Y].text, &at[n].y, e);
    n++;
  }
  if (status) return status;
  qsort(at, (size_t)n, sizeof *at, by_place);
  const cell_place *best = NULL;
  for (int i = 0; i < n; i++)
    if (!best || at[i].best->cell[SG_ROW_VALUE].number < best->best->cell[SG_ROW_VALUE].number)
      best = &at[i];
  for (int i = 0; i < n && !status; i++) {
    bool same =
        i > 0 && at[i].panel == at[i - 1].panel && at[i].x == at[i - 1].x && at[i].y == at[i - 1].y;
    if (same) continue; /* the best of a place comes first */
    if (at[i].panel != panel) status = sg_chart_add_series(c, SG_MARK_CELLS, at[i].panel, "", e);
    panel = at[i].panel;
    sg_chart_point p = sg_chart_at(at[i].x, at[i].y);
    p.value = at[i].best->cell[SG_ROW_VALUE].number;
    p.label = at[i].best->label;
    p.id = at[i].best->point_id;
    p.marked = &at[i] == best;
    if (!status) status = sg_chart_add_point(c, p, e);
  }
  return status;
}

static sg_status heat(sg_db *db, const sg_figure_request *r, sg_rows_found *f, const char *x,
                      const char *y, const char *value, sg_chart *c, sg_error *e) {
  const char *column[SG_ROW_COLUMNS] = {[SG_ROW_X] = x, [SG_ROW_Y] = y, [SG_ROW_VALUE] = value};
  int left_out = 0;
  bool any = false;
  sg_status status = sg_find_rows(db, r, column, f, e);
  if (!status) status = order_names(f, SG_ROW_X, false, &c->x, e);
  if (!status) status = order_names(f, SG_ROW_Y, true, &c->y, e);
  if (!status) status = sg_name_axis_of(db, &c->x, "v_point", x, e);
  if (!status) status = sg_name_axis_of(db, &c->y, "v_point", y, e);
  if (!status) status = sg_set_axis(db, &c->value, value, f, SG_ROW_VALUE, false, false, 30, e);
  if (!status && c->value.scale == SG_SCALE_NAMES)
    status =
        sg_fail(e, SG_USAGE, NULL, "expected a column of numbers as value, found \"%s\"", value);
  /* Iteration times of what gives no gradient are not comparable, unless there is nothing else. */
  bool iteration_time = strncmp(value, "iter_", 5) == 0;
  for (int i = 0; i < f->n; i++) any |= f->row[i].comparable;
  if (!status) status = put_cells(f, iteration_time && any && !r->scheme, c, &left_out, e);
  if (!status && c->n_points == 0)
    status = sg_fail(e, SG_INVALID, NULL, "no point has %s, %s and %s", x, y, value);
  if (!status)
    status =
        sg_chart_say(&c->conditions, e, "%s%s", f->conditions,
                     iteration_time && any && !r->scheme && left_out ? "; exact schemes only" : "");
  return status;
}

sg_status sg_figure_heat(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sg_rows_found f = {0};
  sg_status status = sg_find_axes(db, r, &f, e);
  const char *x = r->x, *y = r->y;
  if (!status) status = sg_best_pair(db, r, &f, &x, &y, e);
  const char *value = r->value ? r->value : sg_time_column(&f);
  if (!status && (!x || !y))
    status = sg_fail(e, SG_INVALID, NULL,
                     "the points looked at have no two axes with two values each; a scenario's "
                     "\"sweep\" makes axes, --x and --y take other columns (load_d, comm_m)");
  if (!status) status = heat(db, r, &f, x, y, value, c, e);
  if (!status) status = sg_chart_say(&c->id_column, e, "point_id");
  if (!status)
    status = sg_chart_say(&c->title, e, "%s %s by %s and %s",
                          r->scheme ? r->scheme : "The best scheme and its",
                          !strcmp(value, "iter_mean_s")        ? "iteration time"
                          : !strcmp(value, "time_to_target_s") ? "time to the target"
                                                               : value,
                          x, y);
  const sg_chart_point *best = NULL;
  for (int i = 0; !status && i < c->n_series; i++)
    for (int k = 0; k < c->series[i].n; k++)
      if (c->series[i].point[k].marked) best = &c->series[i].point[k];
  if (best)
    status = sg_chart_say(&c->message, e, "lowest: %s, %.4g%s%s at %s = %s, %s = %s", best->label,
                          best->value, c->value.unit ? " " : "", c->value.unit ? c->value.unit : "",
                          x, c->x.name[(int)best->x], y, c->y.name[(int)best->y]);
  sg_rows_clear(&f);
  return status;
}

/* --- Pareto ----------------------------------------------------------------------------------- */

/* By panel, x, y. */
static int by_x(const void *a, const void *b) {
  const cell_place *p = a, *q = b;
  if (p->panel != q->panel) return p->panel - q->panel;
  if (p->x != q->x) return (p->x > q->x) - (p->x < q->x);
  if (p->y != q->y) return (p->y > q->y) - (p->y < q->y);
  return (p->best->point_id > q->best->point_id) - (p->best->point_id < q->best->point_id);
}

/* A series per code, the front marked: those for which nothing is as good in one and better in the
 * other. */
static sg_status put_pareto(const cell_place *at, int n, const bool *front, sg_chart *c,
                            sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < n && !status; i++) {
    bool known = false;
    for (int k = 0; k < i && !known; k++) known = !strcmp(at[k].best->code, at[i].best->code);
    for (int panel = 0; panel < (c->n_panels ? c->n_panels : 1) && !known && !status; panel++) {
      bool begun = false;
      for (int k = i; k < n && !status; k++) {
        const sg_row *row = at[k].best;
        if (at[k].panel != panel || strcmp(row->code, at[i].best->code) != 0) continue;
        if (!begun) status = sg_chart_add_series(c, SG_MARK_POINTS, panel, row->code, e);
        begun = true;
        sg_chart_point p = sg_chart_at(at[k].x, at[k].y);
        p.low = row->low;
        p.high = row->high;
        p.label = row->label;
        p.id = row->point_id;
        p.marked = front[k];
        if (!status) status = sg_chart_add_point(c, p, e);
      }
    }
  }
  return status;
}

/* Short names of what is paid with. */
static const char *price_of(const char *x) {
  static const char *const names[][2] = {{"work", SG_WORK},
                                         {"bytes", "bytes_received_mean"},
                                         {"error", "grad_scaled_err_max"},
                                         {"loss", "final_loss"}};
  for (int i = 0; x && i < 4; i++)
    if (!strcmp(x, names[i][0])) return names[i][1];
  return x ? x : names[0][1];
}

sg_status sg_figure_pareto(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sg_rows_found f = {0};
  sg_status status = sg_find_axes(db, r, &f, e);
  const char *x = price_of(r->x), *y = r->y ? r->y : sg_time_column(&f);
  const char *column[SG_ROW_COLUMNS] = {[SG_ROW_X] = x, [SG_ROW_Y] = y};
  if (!status) status = sg_find_rows(db, r, column, &f, e);
  if (!status) status = sg_set_axis(db, &c->x, x, &f, SG_ROW_X, r->log_x, r->linear_x, 20, e);
  if (!status) status = sg_set_axis(db, &c->y, y, &f, SG_ROW_Y, r->log_y, r->linear_y, 20, e);
  c->y.from_zero = true;
  if (!status && (c->x.scale == SG_SCALE_NAMES || c->y.scale == SG_SCALE_NAMES))
    status = sg_fail(e, SG_USAGE, NULL, "expected columns of numbers as x and y");
  SG_OWNED cell_place *at = calloc((size_t)f.n + 1, sizeof *at);
  SG_OWNED bool *front = calloc((size_t)f.n + 1, sizeof *front);
  if (!status && (!at || !front)) status = sg_fail_memory(e);
  int n = 0, left_out = 0, marked = 0;
  /* Where iterations are not worth the same, an error as x says what they are worth. */
  bool exact_only = strncmp(y, "iter_", 5) == 0 && strncmp(x, "grad_", 5) != 0 &&
                    strncmp(x, "err_", 4) != 0 && strncmp(x, "decoding_", 9) != 0;
  for (int i = 0; i < f.n && !status; i++) {
    const sg_row *row = &f.row[i];
    if (isnan(row->cell[SG_ROW_X].number) || isnan(row->cell[SG_ROW_Y].number) ||
        (exact_only && !row->comparable)) {
      left_out++;
      continue;
    }
    at[n] =
        (cell_place){.x = row->cell[SG_ROW_X].number, .y = row->cell[SG_ROW_Y].number, .best = row};
    status = sg_panel_of(c, &f, row, &at[n++].panel, e);
  }
  if (!status && n == 0)
    status = sg_fail(e, SG_INVALID, NULL, "no point%s has both %s and %s",
                     exact_only ? " of an exact scheme" : "", c->x.label ? c->x.label : x, y);
  if (!status) {
    qsort(at, (size_t)n, sizeof *at, by_x);
    double lowest = INFINITY;
    for (int i = 0; i < n; i++) {
      if (i > 0 && at[i].panel != at[i - 1].panel) lowest = INFINITY;
      front[i] = at[i].y < lowest;
      marked += front[i];
      lowest = fmin(lowest, at[i].y);
    }
    status = put_pareto(at, n, front, c, e);
  }
  if (!status)
    status = sg_chart_say(&c->title, e, "%s against %s",
                          !strcmp(y, "iter_mean_s")        ? "Iteration time"
                          : !strcmp(y, "time_to_target_s") ? "Time to the target"
                          : c->y.label                     ? c->y.label
                                                           : y,
                          c->x.label ? c->x.label : x);
  if (!status)
    status = sg_chart_say(&c->conditions, e, "%s%s; ringed: nothing is better in both",
                          f.conditions, left_out && exact_only ? "; exact schemes only" : "");
  if (!status) status = sg_chart_say(&c->interval, e, "95 %% interval of the mean");
  if (!status) status = sg_chart_say(&c->id_column, e, "point_id");
  if (!status) status = sg_chart_say(&c->message, e, "%d of %d points are on the front", marked, n);
  sg_rows_clear(&f);
  return status;
}
