/* SPDX-License-Identifier: MIT */
/* Reads the schemes of a database with the summaries of their runs, folds these over the runs of
 * each scheme, and judges every scheme of an environment against its baseline, paired by
 * replication.
 *
 * Where a target loss is set, the verdict is on the time to target. If every paired run reached it,
 * by Student's t on the logarithms of the ratios. If some did not, they are censored: a run that
 * did not reach the target counts as slower than one that did, and the exact sign test decides at
 * 5 %. There is never a mean over the runs that happened to get there.
 *
 * Without a target the verdict is on the mean iteration time, and only for exact schemes with a
 * barrier: one that leaves stragglers out, or does not wait for them, would always win, whatever
 * its iterations are worth. That a scheme is exact is not enough where gradients were computed: its
 * error must be small, too. */
#include "results/judge.h"

#include "results/columns.h"
#include "sim/core/array.h"
#include "sim/core/nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Before the members of `point` in a row: point_id, results_version, replication, status. */
enum { POINT_AT = 4 };

#define LARGEST_EXACT_ERROR 1e-6
#define SIGNIFICANCE        0.05

/* --- Reading: what the table of columns lists, so that a new column is there at once ---------- */

void sg_comparison_clear(sg_comparison *c) {
  for (int i = 0; i < c->n; i++) {
    sg_record_clear("point", &c->scheme[i].point);
    free(c->scheme[i].run);
  }
  free(c->scheme);
  free(c->environment);
  *c = (sg_comparison){0};
}

static sg_judged *add_scheme(sg_comparison *c, sqlite3_stmt *s) {
  if (!SG_ROOM(c->scheme, c->capacity, c->n + 1)) return NULL;
  sg_judged *j = &c->scheme[c->n++];
  *j = (sg_judged){.point_id = sqlite3_column_int64(s, 0),
                   .results_version = sqlite3_column_int64(s, 1),
                   .verdict = ""};
  return sg_read_record(s, POINT_AT, "point", &j->point) ? j : NULL;
}

static bool add_run(sg_judged *j, sqlite3_stmt *s, int summary_at) {
  if (!SG_ROOM(j->run, j->capacity, j->n_runs + 1)) return false;
  const char *status = (const char *)sqlite3_column_text(s, 3);
  if (!status) return false;
  sg_outcome *o = &j->run[j->n_runs++];
  *o = (sg_outcome){.replication = sqlite3_column_int(s, 2),
                    .finished = strcmp(status, "finished") == 0};
  j->n_diverged += strcmp(status, "diverged") == 0;
  j->n_stalled += strcmp(status, "stalled") == 0;
  j->n_undecodable += strcmp(status, "undecodable") == 0;
  j->n_ended_early += !o->finished;
  return sg_read_record(s, summary_at, "run_summary", &o->summary);
}

/* One column over the runs of a scheme. */
static double fold(const sg_judged *j, const sg_column *c) {
  sg_moments known = {0};
  double sum = 0;
  for (int i = 0; i < j->n_runs; i++) {
    double x = sg_column_number(c, &j->run[i].summary);
    if (isnan(x)) continue;
    sg_moments_add(&known, x);
    sum += x;
  }
  switch (c->fold) {
  case SG_FOLD_MEAN: return sg_moments_mean(&known);
  case SG_FOLD_MAX: return known.n ? known.max : NAN;
  case SG_FOLD_SUM: return known.n ? sum : NAN;
  case SG_FOLD_NONE:
  case SG_FOLD_LAST: break;
  }
  return NAN;
}

static bool fold_runs(sg_judged *j) {
  j->summary = sg_summary_blank;
  for (const sg_column *c = sg_members_of("run_summary"); c; c = sg_column_after(c))
    sg_column_set_number(c, &j->summary, fold(j, c));
  size_t n = 0, upper = (size_t)j->n_runs / 2, lower = ((size_t)j->n_runs - 1) / 2;
  double *time = malloc((size_t)j->n_runs * sizeof *time);
  if (!time) return false;
  for (int i = 0; i < j->n_runs; i++) {
    time[n] = j->run[i].summary.time_to_target_s;
    if (!isnan(time[n])) n++;
  }
  sg_sort_doubles(time, n);
  j->n_reached = (int)n;
  j->median_time_to_target = upper < n ? (time[lower] + time[upper]) / 2 : NAN;
  free(time);
  return true;
}

static sg_status load(sg_db *db, sg_comparison *c, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer sql = {0};
  sg_put(&sql, "SELECT p.point_id, p.results_version, r.replication, r.status, ");
  int summary_at = POINT_AT + sg_put_members("point", "p.", &sql);
  sg_put(&sql, ", ");
  sg_put_members("run_summary", "s.", &sql);
  sg_put(&sql, " FROM point p JOIN run r USING (point_id) JOIN run_summary s USING (run_id)"
               " WHERE r.status <> 'running'"
               " ORDER BY min(p.point_id) OVER (PARTITION BY p.env_sha256, p.results_version),"
               " p.point_id, r.replication");
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, &s, e);
  sg_buffer_free(&sql);
  while (sg_db_row(db, s, &status, e)) {
    sg_judged *last = c->n ? &c->scheme[c->n - 1] : NULL;
    if (!last || last->point_id != sqlite3_column_int64(s, 0)) last = add_scheme(c, s);
    if (!last || !add_run(last, s, summary_at)) status = sg_fail_memory(e);
  }
  for (int i = 0; i < c->n && !status; i++)
    if (!fold_runs(&c->scheme[i])) status = sg_fail_memory(e);
  sqlite3_finalize(s);
  return status;
}

/* --- Judging ---------------------------------------------------------------------------------- */

static bool is_named(const sg_judged *s, const char *baseline) {
  return !strcmp(s->point.code, baseline) || !strcmp(s->point.scheme_label, baseline);
}

/* The name must be there somewhere. */
static sg_status check_baseline(const sg_comparison *c, const char *baseline, sg_error *e) {
  if (!baseline || c->n <= 0) return SG_OK;
  sg_nearness near = {.word = baseline};
  for (int i = 0; i < c->n; i++) {
    if (is_named(&c->scheme[i], baseline)) return SG_OK;
    sg_consider(&near, c->scheme[i].point.code);
    sg_consider(&near, c->scheme[i].point.scheme_label);
  }
  return sg_fail(e, SG_USAGE, NULL,
                 "expected the code or the label of a scheme of this database as baseline, "
                 "found \"%s\"; %s \"%s\"%s",
                 baseline, near.best ? "did you mean" : "the first scheme is",
                 near.best ? near.best : c->scheme[0].point.scheme_label, near.best ? "?" : "");
}

static bool same_environment(const sg_judged *a, const sg_judged *b) {
  return a->results_version == b->results_version &&
         !strcmp(a->point.env_sha256, b->point.env_sha256);
}

static sg_environment find_environment(const sg_comparison *c, int begin, const char *baseline) {
  const sg_judged *first = &c->scheme[begin];
  sg_environment v = {.begin = begin, .end = begin, .baseline = -1};
  for (; v.end < c->n && same_environment(first, &c->scheme[v.end]); v.end++) {
    const sg_judged *s = &c->scheme[v.end];
    bool chosen = baseline ? is_named(s, baseline) : s->point.is_baseline;
    if (chosen && v.baseline < 0) v.baseline = v.end;
  }
  v.baseline_by_default = v.baseline < 0;
  if (v.baseline < 0) v.baseline = begin;
  v.to_target = !isnan(first->point.target_loss) && !first->point.timing_only;
  return v;
}

bool sg_gives_gradient(const sg_judged *s) {
  double error = s->summary.grad_scaled_err_max;
  return s->point.exact && s->point.barrier && (isnan(error) || error < LARGEST_EXACT_ERROR);
}

static const char *by_interval(const sg_ratio *r) {
  if (r->n < SG_FEWEST_PAIRS) return "too few";
  return r->low > 1 ? "faster" : r->high < 1 ? "slower" : "undecided";
}

typedef struct pairs {
  int n, wins, losses, neither; /* wins: the scheme is faster; neither: both are censored */
  bool censored;                /* in some pair, one did not reach the target */
  double *base, *x;
} pairs;

/* Whether a pair of runs counts, and its two times; INFINITY: censored. */
static bool pair_times(const sg_environment *v, const sg_outcome *b, const sg_outcome *x,
                       double time[2]) {
  const sg_summary_record *of[2] = {&b->summary, &x->summary};
  for (int i = 0; i < 2; i++) {
    double to_target = of[i]->time_to_target_s;
    time[i] = !v->to_target ? of[i]->iter_mean_s : isnan(to_target) ? INFINITY : to_target;
  }
  return v->to_target || (b->finished && x->finished && time[0] > 0 && time[1] > 0);
}

static void collect_pairs(const sg_environment *v, const sg_judged *base, const sg_judged *s,
                          pairs *p) {
  for (int i = 0, j = 0; i < base->n_runs && j < s->n_runs;) {
    const sg_outcome *b = &base->run[i], *x = &s->run[j];
    double time[2];
    i += b->replication <= x->replication;
    j += x->replication <= b->replication;
    if (b->replication != x->replication || !pair_times(v, b, x, time)) continue;
    p->censored |= isinf(time[0]) || isinf(time[1]);
    p->neither += isinf(time[0]) && isinf(time[1]);
    p->wins += time[1] < time[0];
    p->losses += time[1] > time[0];
    p->base[p->n] = time[0];
    p->x[p->n++] = time[1];
  }
}

static const char *by_signs(const pairs *p) {
  if (p->neither == p->n) return "not reached";
  if (p->n < SG_FEWEST_PAIRS) return "too few";
  if (sg_sign_test(p->wins, p->losses) >= SIGNIFICANCE) return "undecided";
  return p->wins > p->losses ? "faster" : "slower";
}

static void judge_pairs(const sg_environment *v, sg_judged *s, const pairs *p) {
  s->ratio = sg_paired_ratio(p->censored ? 0 : p->n, p->base, p->x);
  s->ratio.n = p->n;
  if (!v->to_target && s->n_ended_early > 0)
    s->verdict = "did not finish";
  else if (!v->to_target && !s->point.barrier)
    s->verdict = "no barrier";
  else if (!v->to_target && !sg_gives_gradient(s))
    s->verdict = "approximate";
  else if (p->n == 0)
    s->verdict = "no pairs";
  else if (p->censored)
    s->verdict = by_signs(p);
  else
    s->verdict = by_interval(&s->ratio);
}

static sg_status judge(sg_comparison *c, const sg_environment *v, sg_error *e) {
  sg_judged *base = &c->scheme[v->baseline];
  double *time = malloc(2 * (size_t)base->n_runs * sizeof *time);
  if (!time) return sg_fail_memory(e);
  for (int i = v->begin; i < v->end; i++) {
    pairs p = {.base = time, .x = time + base->n_runs};
    collect_pairs(v, base, &c->scheme[i], &p);
    judge_pairs(v, &c->scheme[i], &p);
  }
  base->verdict = "baseline";
  free(time);
  return SG_OK;
}

sg_status sg_judge(sg_db *db, const char *baseline, sg_comparison *c, sg_error *e) {
  sg_status status = load(db, c, e);
  if (!status) status = check_baseline(c, baseline, e);
  for (int begin = 0; begin < c->n && !status;) {
    if (!SG_ROOM(c->environment, c->environments_capacity, c->n_environments + 1))
      return sg_fail_memory(e);
    sg_environment *v = &c->environment[c->n_environments++];
    *v = find_environment(c, begin, baseline);
    status = judge(c, v, e);
    begin = v->end;
  }
  return status;
}
