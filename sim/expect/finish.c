/* SPDX-License-Identifier: MIT */
/* Order statistics of independent times, and their means and quantiles by quadrature. */
#include "sim/expect/finish.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sort_double.h>
#include <math.h>
#include <stdlib.h>

/* --- One quorum at one time ------------------------------------------------------------------- */

/* done and late: probabilities of one worker's answer, by law; [−1]: of one that never comes. */
typedef struct instant {
  const double *done, *late;
} instant;

/* x^k for k = 0 … n. */
static void powers(double x, int n, double *out) {
  out[0] = 1;
  for (int k = 1; k <= n; k++) out[k] = out[k - 1] * x;
}

static int members(const sg_quorum *q) {
  int n = 0;
  for (int i = 0; i < q->kinds; i++) n += q->kind[i].count;
  return n;
}

/* P(at least `least` of the members are late): Poisson-binomial, by adding one worker at a time.
 * pmf: members + 1 numbers of workspace. O(members²). */
static double many_late(const sg_quorum *q, const instant *at, int least, double *pmf) {
  int n = 0;
  pmf[0] = 1;
  for (int i = 0; i < q->kinds; i++) {
    double p = at->late[q->kind[i].law], r = at->done[q->kind[i].law];
    for (int c = 0; c < q->kind[i].count; c++) {
      pmf[n + 1] = pmf[n] * p;
      for (int k = n; k > 0; k--) pmf[k] = pmf[k] * r + pmf[k - 1] * p;
      pmf[0] *= r;
      n++;
    }
  }
  double sum = 0;
  for (int k = n; k >= least; k--) sum += pmf[k];
  return sum;
}

/* Σ lacking · Π done^have · late^(count − have) over the table. */
static double table_late(const sg_quorum *q, const instant *at, double *work) {
  int n = members(q), have[64] = {0};
  double *done = work, *late = work + n + q->kinds, sum = 0;
  for (int i = 0, start = 0; i < q->kinds; start += q->kind[i].count + 1, i++) {
    powers(at->done[q->kind[i].law], q->kind[i].count, done + start);
    powers(at->late[q->kind[i].law], q->kind[i].count, late + start);
  }
  for (size_t entry = 0;; entry++) {
    if (q->lacking[entry] > 0) {
      double p = q->lacking[entry];
      for (int i = 0, start = 0; i < q->kinds; start += q->kind[i].count + 1, i++)
        p *= done[start + have[i]] * late[start + q->kind[i].count - have[i]];
      sum += p;
    }
    int i = q->kinds - 1;
    while (i >= 0 && have[i] == q->kind[i].count) have[i--] = 0;
    if (i < 0) return sum;
    have[i]++;
  }
}

/* P(the quorum is not met yet). work: 2 · (members + kinds) numbers. */
static double quorum_late(const sg_quorum *q, const instant *at, double *work) {
  if (!q->need) return table_late(q, at, work);
  int n = members(q);
  if (q->kinds > 1) return many_late(q, at, n - q->need + 1, work);
  double p = at->late[q->kind[0].law], r = at->done[q->kind[0].law];
  if (p <= 0) return 0;
  if (r <= 0) return 1;
  /* At least n − need + 1 of n are late: a regularised incomplete beta function. */
  return p < 0.5 ? gsl_cdf_beta_P(p, n - q->need + 1, q->need)
                 : gsl_cdf_beta_Q(r, q->need, n - q->need + 1);
}

/* log P(T ≤ t): −INFINITY while some quorum cannot have been met. */
static double log_done(const sg_finish *f, double t) {
  if (f->deadline > 0 && t - f->constant >= f->deadline) return 0;
  int most = 0;
  for (int i = 0; i < f->quorums; i++) {
    int size = 2 * (members(&f->quorum[i]) + f->quorum[i].kinds);
    if (size > most) most = size;
  }
  double *work = malloc(sizeof *work * (size_t)(most + 2 * (f->laws + 1)));
  if (!work) return sg_starve();
  double *done = work + most + 1, *late = done + f->laws + 1, sum = 0;
  done[-1] = 0;
  late[-1] = 1;
  for (int i = 0; i < f->laws; i++) {
    done[i] = sg_time_done(f->law[i], t - f->constant);
    late[i] = sg_time_late(f->law[i], t - f->constant);
  }
  instant at = {.done = done, .late = late};
  for (int i = 0; i < f->quorums && sum > -INFINITY; i++) {
    double p = quorum_late(&f->quorum[i], &at, work);
    sum += p < 1 ? f->quorum[i].times * log1p(-p) : -INFINITY;
  }
  free(work);
  return sum;
}

double sg_finish_late(const sg_finish *f, double t) {
  return -expm1(log_done(f, t));
}

double sg_finish_done(const sg_finish *f, double t) {
  return exp(log_done(f, t));
}

/* --- Quantiles -------------------------------------------------------------------------------- */

static double least(const sg_finish *f) {
  double t = INFINITY;
  for (int i = 0; i < f->laws; i++) t = fmin(t, f->law[i]->least);
  return f->constant + t;
}

/* The least t with P(T > t) ≤ late, by its distance from the least possible time. */
static double when_late(const sg_finish *f, double late) {
  double from = least(f), low = 0, high = 1;
  if (sg_finish_late(f, from) <= late) return from;
  while (sg_finish_late(f, from + high) > late) {
    low = high;
    high *= 2;
    if (high > 1e300) return INFINITY;
  }
  for (int i = 0; i < 1200; i++) {
    double middle = (low + high) / 2;
    if (!(middle > low && middle < high) || from + low == from + high) break;
    if (sg_finish_late(f, from + middle) > late)
      low = middle;
    else
      high = middle;
  }
  return from + high;
}

double sg_finish_quantile(const sg_finish *f, double p) {
  return when_late(f, 1 - p);
}

/* --- Mean ------------------------------------------------------------------------------------- */

enum { MOST_INTERVALS = 2000, MOST_EDGES = 512 };

static double late_at(double t, void *user) {
  return sg_finish_late(user, t);
}

typedef struct beyond {
  const sg_finish *f;
  double from, scale;
} beyond;

/* In x = log(1 + (t − from)/scale), which turns power laws into exponentials. */
static double late_in_log(double x, void *user) {
  const beyond *b = user;
  double factor = exp(x);
  return b->scale * factor * sg_finish_late(b->f, b->from + b->scale * (factor - 1));
}

/* ∫ P(T > t) dt from `from` on. What is left at x = 600 is a power law, if anything. */
static void add_tail(const sg_finish *f, double from, double scale, gsl_integration_workspace *w,
                     double *mean, double *error) {
  static const double edge[] = {0, 1, 2, 4, 8, 16, 64, 256, 600};
  beyond b = {.f = f, .from = from, .scale = scale};
  gsl_function in_log = {.function = late_in_log, .params = &b};
  double value, wrong, enough = 1e-14 * fabs(*mean);
  size_t i = 1;
  for (; i < sizeof edge / sizeof *edge; i++) {
    double first = late_in_log(edge[i - 1], &b);
    if (first <= 0 || (i > 4 && first * edge[8] < 1e-17 * *mean)) return;
    gsl_integration_qags(&in_log, edge[i - 1], edge[i], enough, 1e-11, MOST_INTERVALS, w, &value,
                         &wrong);
    *mean += value;
    *error += wrong;
  }
  double last = late_in_log(600, &b), before = late_in_log(590, &b);
  if (last > 0 && before > last) *mean += last * 10 / log(before / last);
}

bool sg_finish_has_moment(const sg_finish *f, int order) {
  bool all = true;
  if (f->deadline > 0) return true;
  for (int i = 0; i < f->laws; i++)
    all = all && isfinite(order == 1 ? f->law[i]->mean : f->law[i]->variance);
  if (all) return true;
  double scale = when_late(f, 0.1) - least(f);
  double t = (scale > 0 ? scale : 1) * 1e12, far = t * 1e6;
  double near_tail = sg_finish_late(f, t), far_tail = sg_finish_late(f, far);
  if (!(far_tail > 0)) return true;
  return log(near_tail / far_tail) / log(far / t) > order + 1e-6;
}

/* Nothing is later than the deadline; one more edge is there. */
static int end_at_deadline(const sg_finish *f, double *edge, int n) {
  if (!(f->deadline > 0)) return n;
  double end = f->constant + f->deadline;
  edge[n++] = end;
  for (int i = 0; i < n; i++) edge[i] = fmin(edge[i], end);
  return n;
}

/* Where P(T > t) may jump or bend, and a few of its quantiles, ascending. */
static int find_edges(const sg_finish *f, double *edge) {
  static const double levels[] = {0.999, 0.9, 0.5, 0.1, 1e-2, 1e-4, 1e-7};
  int n = 0;
  for (int i = 0; i < f->laws; i++) {
    const sg_time *y = f->law[i];
    for (int a = 0; a < y->bends && n < MOST_EDGES - 16; a++) edge[n++] = f->constant + y->bend[a];
    for (int a = 0; a < y->atoms && n < MOST_EDGES - 16; a++) edge[n++] = f->constant + y->atom[a];
  }
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) edge[n++] = when_late(f, levels[i]);
  n = end_at_deadline(f, edge, n);
  gsl_sort(edge, 1, (size_t)n);
  return n;
}

/* The least time and ∫ P(T > t) dt from there on. w, edge: workspace. */
static void add_integral(const sg_finish *f, gsl_integration_workspace *w, double *edge,
                         double *mean, double *error) {
  int n = find_edges(f, edge);
  double value, wrong, scale = edge[n - 1] - edge[0];
  *mean = edge[0];
  double enough = 1e-14 * fmax(fabs(*mean), when_late(f, 0.5) - edge[0]);
  gsl_function in_time = {.function = late_at, .params = (void *)(uintptr_t)f};
  for (int i = 1; i < n; i++) {
    double width = edge[i] - edge[i - 1];
    if (!(width > 1e-15 * fabs(edge[i]))) {
      *mean += width;
      continue;
    }
    gsl_integration_qags(&in_time, edge[i - 1], edge[i], enough, 1e-12, MOST_INTERVALS, w, &value,
                         &wrong);
    *mean += value;
    *error += wrong;
  }
  if (scale > 0 && !(f->deadline > 0)) add_tail(f, edge[n - 1], scale, w, mean, error);
}

static sg_status integrate(const sg_finish *f, double *mean, double *error, sg_error *e) {
  if (!sg_finish_has_moment(f, 1)) return SG_OK;
  gsl_integration_workspace *w = gsl_integration_workspace_alloc(MOST_INTERVALS);
  double *edge = malloc((MOST_EDGES + 16) * sizeof *edge);
  if (w && edge) add_integral(f, w, edge, mean, error);
  sg_status status = w && edge ? SG_OK : sg_fail_memory(e);
  free(edge);
  gsl_integration_workspace_free(w);
  return status;
}

/* Steps: Σ (next time − time) · P(T > time). */
static sg_status add_steps(const sg_finish *f, double *mean, double *error, sg_error *e) {
  int n = 0;
  for (int i = 0; i < f->laws; i++) n += f->law[i]->atoms;
  double *time = malloc(((size_t)n + 2) * sizeof *time);
  if (!time) return sg_fail_memory(e);
  n = 0;
  for (int i = 0; i < f->laws; i++)
    for (int a = 0; a < f->law[i]->atoms; a++) time[n++] = f->constant + f->law[i]->atom[a];
  n = end_at_deadline(f, time, n);
  gsl_sort(time, 1, (size_t)n);
  double sum = time[0];
  for (int i = 1; i < n; i++)
    if (time[i] > time[i - 1]) /* half-way: the steps themselves are rounded */
      sum += (time[i] - time[i - 1]) * sg_finish_late(f, (time[i - 1] + time[i]) / 2);
  *mean = sum;
  *error = 1e-15 * fabs(sum);
  free(time);
  return SG_OK;
}

sg_status sg_finish_mean(const sg_finish *f, double *mean, double *error, sg_error *e) {
  bool discrete = true;
  *error = 0;
  *mean = INFINITY;
  if (f->laws == 0 || isinf(when_late(f, 0.5))) return SG_OK;
  for (int i = 0; i < f->laws; i++) discrete = discrete && f->law[i]->discrete;
  for (int i = 0; i < f->quorums; i++)
    /* Where somebody never answers, T may never come. Kinds are in rising order of law. */
    if (f->quorum[i].kind[0].law < 0 && isinf(when_late(f, 1e-12))) return SG_OK;
  return discrete ? add_steps(f, mean, error, e) : integrate(f, mean, error, e);
}
