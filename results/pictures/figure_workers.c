/* SPDX-License-Identifier: MIT */
/* Plots of where time goes: of an iteration, for the mean worker, and who makes the others wait. */
#include "results/answers/blame.h"
#include "results/answers/compare.h"
#include "results/pictures/figure_rows.h"

#include "sim/core/owned.h"

/* --- Where the time of an iteration goes ------------------------------------------------------ */

typedef struct spent { /* a scheme and its seconds */
  const sg_row *row;
  double whole, part[SG_SPENT];
  int panel;
} spent;

/* Panel by panel, the shortest iteration first. */
static int by_whole(const void *a, const void *b) {
  const spent *p = a, *q = b;
  if (p->panel != q->panel) return p->panel - q->panel;
  if (p->whole != q->whole) return (p->whole > q->whole) - (p->whole < q->whole);
  return (p->row->point_id > q->row->point_id) - (p->row->point_id < q->row->point_id);
}

static sg_status add_spent(const spent *all, int n, sg_chart *c, sg_error *e) {
  /* Beside computing what a scheme cannot help; in colours next to each other they differ. */
  static const int order[SG_SPENT] = {0, 4, 1, 2, 3};
  sg_status status = SG_OK;
  double place;
  for (int i = 0; i < n && !status; i++)
    status = sg_chart_place(&c->y, all[i].row->label, &place, e);
  for (int m = 0; m < SG_SPENT; m++) {
    bool any = false;
    for (int i = 0; i < n && !any; i++) any = all[i].part[order[m]] > 0;
    for (int i = 0; i < n && any && !status; i++) {
      if (i == 0 || all[i].panel != all[i - 1].panel)
        status = sg_chart_add_series(c, SG_MARK_STACK, all[i].panel, sg_spent_on[order[m]], e);
      if (!status) status = sg_chart_place(&c->y, all[i].row->label, &place, e);
      sg_chart_point p = sg_chart_at(all[i].part[order[m]], place);
      p.id = all[i].row->point_id;
      if (!status) status = sg_chart_add_point(c, p, e);
    }
  }
  return status;
}

sg_status sg_figure_where(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  static const char *const none[SG_ROW_COLUMNS] = {NULL};
  sg_rows_found f = {0};
  sg_comparison cmp = {0};
  sg_status status = sg_find_axes(db, r, &f, e);
  if (!status) status = sg_find_rows(db, r, none, &f, e);
  if (!status) status = sg_judge(db, r->baseline, false, &cmp, e);
  SG_OWNED spent *all = calloc((size_t)cmp.n + 1, sizeof *all);
  if (!status && !all) status = sg_fail_memory(e);
  int n = 0, hint = 0, unknown = 0;
  for (int i = 0; i < cmp.n && !status; i++) {
    spent new = {.row = sg_row_of(&f, cmp.scheme[i].point_id, &hint),
                 .whole = cmp.scheme[i].summary.iter_mean_s};
    if (!new.row) continue;
    if (!sg_find_spent(&cmp.scheme[i], new.part)) {
      unknown++;
      continue;
    }
    status = sg_panel_of(c, &f, new.row, &new.panel, e);
    all[n++] = new;
  }
  if (!status && n == 0)
    status = sg_fail(e, SG_INVALID, NULL,
                     "of no scheme it is known where its time goes: workers compute while they "
                     "send, or nothing was decoded");
  c->y.scale = SG_SCALE_NAMES;
  c->x.from_zero = true;
  if (!status) qsort(all, (size_t)n, sizeof *all, by_whole);
  if (!status) status = add_spent(all, n, c, e);
  if (!status) status = sg_chart_name_axis(&c->y, "scheme", NULL, "scheme_label", e);
  if (!status) status = sg_chart_name_axis(&c->x, "mean time of an iteration", "s", "seconds", e);
  if (!status) status = sg_chart_say(&c->title, e, "Where the time of an iteration goes");
  if (!status) status = sg_chart_say(&c->conditions, e, "%s; for the mean worker", f.conditions);
  if (!status && unknown)
    status =
        sg_chart_say(&c->message, e, "%d scheme%s left out: their workers compute while they send",
                     unknown, unknown == 1 ? " is" : "s are");
  if (!status) status = sg_chart_say(&c->id_column, e, "point_id");
  sg_comparison_clear(&cmp);
  sg_rows_clear(&f);
  return status;
}

/* --- Workers ---------------------------------------------------------------------------------- */

typedef sg_status picture(const sg_arrivals *a, const sg_blame *b, const char *unit, sg_chart *c,
                          sg_error *e);

static sg_status shares(const sg_arrivals *a, const sg_blame *b, const char *unit, sg_chart *c,
                        sg_error *e) {
  return sg_blame_shares(a, b, c, e);
}

static sg_status draw(sg_db *db, const sg_figure_request *r, picture *put, sg_chart *c,
                      sg_error *e) {
  sg_blame_source source = {0};
  sg_arrivals a = {0};
  sg_blame b = {0};
  sg_status status = sg_blame_read(db, r, &source, &a, e);
  if (!status) status = sg_blame_find(&a, false, &b, e);
  if (!status) status = put(&a, &b, "s", c, e);
  SG_OWNED char *conditions = c->conditions;
  c->conditions = NULL;
  if (!status)
    status = sg_chart_say(&c->conditions, e, "%s%s%s; %s", source.label, *source.panel ? ", " : "",
                          source.panel, conditions);
  if (!status && b.complete)
    status = sg_chart_say(&c->message, e,
                          "worker %d is to blame for %.3g %% of the time after the median worker; "
                          "`straggle blame` says more",
                          b.worker[0].worker, 100 * b.worker[0].score);
  sg_blame_clear(&b);
  sg_blame_source_clear(&source);
  free(a.time);
  return status;
}

sg_status sg_figure_lateness(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  return draw(db, r, sg_blame_chart, c, e);
}

sg_status sg_figure_last(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  return draw(db, r, shares, c, e);
}
