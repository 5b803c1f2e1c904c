/* SPDX-License-Identifier: MIT */
/* Settles the number of replications by the wanted precision. */
#include "sim/experiment/until.h"

#include "results/answers/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double half_of(int n, double sd) {
  return sg_t_quantile(0.975, n - 1) * sd;
}

static double sd_of(int n, const double *x) {
  sg_moments m = {0};
  for (int i = 0; i < n; i++) sg_moments_add(&m, x[i]);
  return sg_moments_sd(&m);
}

double sg_two_stage(int n, const double *x, double h) {
  double root = half_of(n, sd_of(n, x)) / h;
  return fmax(n, ceil(root * root));
}

/* Points of one environment stand together, in the order of the plan. */
static int by_environment(const void *a, const void *b) {
  const sg_planned *p = *(sg_planned *const *)a, *q = *(sg_planned *const *)b;
  int order = strcmp(p->env_key, q->env_key);
  return order ? order : (p > q) - (p < q);
}

typedef struct settling {
  sg_db *db;
  int pilot, most;
  double h; /* of the logarithm */
  double *base, *x;
  sg_until_report *report;
} settling;

/* The runs that a scheme, whose times are in x, wants against the baseline's; NULL: alone. */
static int wanted(settling *s, const double *base) {
  bool open = false, none = false;
  s->report->pairs++;
  for (int r = 0; r < s->pilot; r++) {
    double b = base ? base[r] : 1;
    open |= isnan(s->x[r]) || isnan(b);
    none |= isinf(s->x[r]) || isinf(b);
    s->x[r] = log(b / s->x[r]);
  }
  s->report->open += open;
  s->report->none += none && !open;
  if (open || none) return s->pilot;
  s->report->equal += !(sd_of(s->pilot, s->x) > 0);
  double n = sg_two_stage(s->pilot, s->x, s->h);
  if (n <= s->most) return (int)n;
  double left = expm1(half_of(s->pilot, sd_of(s->pilot, s->x)) / sqrt(s->most));
  s->report->widest = fmax(s->report->widest, left);
  s->report->capped++;
  return s->most;
}

static sg_status read_times(settling *s, const sg_planned *p, double *time, sg_error *e) {
  if (s->db) return sg_db_times(s->db, p->key, s->pilot, time, e);
  for (int r = 0; r < s->pilot; r++) time[r] = NAN;
  return SG_OK;
}

static sg_status settle_environment(settling *s, int n, sg_planned **point, sg_error *e) {
  int b = 0;
  while (b < n && !point[b]->facts.is_baseline) b++;
  sg_planned *base = point[b < n ? b : 0];
  sg_status status = read_times(s, base, s->base, e);
  base->replications = s->pilot;
  for (int i = 0; i < n && !status; i++) {
    if (point[i] == base && n > 1) continue;
    status = read_times(s, point[i], s->x, e);
    if (status) return status;
    int runs = wanted(s, n > 1 ? s->base : NULL);
    point[i]->replications = runs;
    if (runs > base->replications) base->replications = runs;
  }
  return status;
}

sg_status sg_until(sg_plan *plan, sg_db *db, sg_until_report *report, sg_error *e) {
  const sg_values *u = sg_scenario_until(plan->scenario);
  *report = (sg_until_report){0};
  if (!u) return SG_OK;
  report->half_width = sg_real(u, "half_width");
  settling s = {.db = db,
                .pilot = (int)sg_int(u, "least"),
                .most = (int)sg_int(u, "most"),
                .h = log1p(report->half_width),
                .report = report};
  sg_planned **point = calloc((size_t)plan->n_valid + 1, sizeof *point);
  s.base = calloc(2 * (size_t)s.pilot, sizeof *s.base);
  s.x = s.base ? s.base + s.pilot : NULL;
  sg_status status = point && s.base ? SG_OK : sg_fail_memory(e);
  int n = 0;
  for (int i = 0; !status && i < plan->count; i++)
    if (plan->point[i].valid && !plan->point[i].duplicate) point[n++] = &plan->point[i];
  if (!status) qsort(point, (size_t)n, sizeof *point, by_environment);
  for (int begin = 0, end = 0; begin < n && !status; begin = end) {
    while (end < n && !strcmp(point[begin]->env_key, point[end]->env_key)) end++;
    status = settle_environment(&s, end - begin, point + begin, e);
  }
  for (int i = 0; i < n && !status; i++) {
    int runs = point[i]->replications;
    if (i == 0 || runs < report->least) report->least = runs;
    if (runs > report->most) report->most = runs;
  }
  free(point);
  free(s.base);
  return status;
}

void sg_until_put(const sg_until_report *r, sg_buffer *out) {
  if (r->half_width <= 0) return;
  sg_putf(out, "until ± %.3g %%: ", 100 * r->half_width);
  if (r->open == r->pairs)
    sg_putf(out, "the first %d runs of each point settle how many there are", r->least);
  else if (r->least == r->most)
    sg_putf(out, "%d runs of each point", r->least);
  else
    sg_putf(out, "%d to %d runs of a point", r->least, r->most);
  if (r->open && r->open < r->pairs)
    sg_putf(out, "; of %d comparisons the first %d runs are not all there", r->open, r->least);
  if (r->capped)
    sg_putf(out, "; %d of %d comparisons want more than %d, to expect is up to ± %.2g %%",
            r->capped, r->pairs, r->most, 100 * r->widest);
  if (r->none)
    sg_putf(out, "; %d of %d have runs without a time to compare and stay at %d", r->none, r->pairs,
            r->least);
  if (r->equal)
    sg_putf(out, "; runs of %d of %d are all the same, and more of them tell nothing", r->equal,
            r->pairs);
  sg_put(out, "\n");
}
