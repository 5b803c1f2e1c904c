/* SPDX-License-Identifier: MIT */
/* Rare, very long times: which they are, whether they come together, and the tail without them. */
#include "sim/fit/rectangle.h"

#include "sim/core/array.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

static double robust_spread(size_t n, const double *x, double *scratch) {
  memcpy(scratch, x, n * sizeof *x);
  double middle = fit_median(n, scratch);
  for (size_t k = 0; k < n; k++) scratch[k] = fabs(x[k] - middle);
  return 1.4826 * fit_median(n, scratch);
}

/* A stall is far off: four times the typical time, and six robust deviations. */
static double limit_of(double spread) {
  return fmax(log(4), 6 * spread);
}

/* Residuals from medians, which stalls do not move: y − median of the worker − median of the row.
 * Half of the workers may stall at once, so that the row's median is taken of those that are not
 * far off; if all are, the iteration was slow for all. */
static void robust_residuals(fit_data *d, double *r) {
  double *list = d->scratch;
  for (size_t k = 0; k < d->cells; k++) r[k] = log(d->x[k]);
  for (int w = 0; w < d->columns; w++) {
    for (long i = 0; i < d->rows; i++) list[i] = r[fit_at(d, i, w)];
    d->column[w] = fit_median((size_t)d->rows, list);
    for (long i = 0; i < d->rows; i++) r[fit_at(d, i, w)] -= d->column[w];
  }
  double limit = limit_of(robust_spread(d->cells, r, d->scratch));
  for (long i = 0; i < d->rows; i++) {
    size_t near = 0;
    for (int w = 0; w < d->columns; w++)
      if (r[fit_at(d, i, w)] <= limit) list[near++] = r[fit_at(d, i, w)];
    if (near == 0)
      for (int w = 0; w < d->columns; w++) list[near++] = r[fit_at(d, i, w)];
    /* Of one or two workers the row's median is the time itself, of which nothing would be left. */
    d->row[i] = d->columns > 2 ? fit_median(near, list) : 0;
    for (int w = 0; w < d->columns; w++) r[fit_at(d, i, w)] -= d->row[i];
  }
}

/* The median of the up to four residuals of a worker around an iteration. */
static double around(const fit_data *d, double *r, long row, int column) {
  double list[4];
  size_t n = 0;
  for (long i = row - 2; i <= row + 2; i++)
    if (i != row && i >= 0 && i < d->rows) list[n++] = r[fit_at(d, i, column)];
  return n ? fit_median(n, list) : 0;
}

/* From where on times are stalls; INFINITY: there are none. d->z: how far each time is above what
 * was usual and above the worker's iterations around it, which is kept; a worker that is slow for a
 * while has memory and no stall.
 *
 * Long times alone are no stalls, every law has them, and the more the longer the trace is. So the
 * tail goes on from its upper quarter as an exponential one of logarithms, a Pareto law of times,
 * which all usual laws stay below (its mean is from two quantiles, which stalls hardly move, and
 * two standard errors higher). Stalls are where three times as many are seen as that lets expect,
 * more than chance does, and no more of them in a row than alone. */
static double stall_limit(const fit_data *d, double spread, const double *r) {
  double *sorted = memcpy(d->scratch, r, d->cells * sizeof *r), n = (double)d->cells;
  sg_sort_doubles(sorted, d->cells);
  double from = sorted[d->cells * 9 / 10], most = sorted[d->cells - 1];
  double mean = (from - sorted[d->cells * 3 / 4]) / log(2.5) * (1 + 5.4 / sqrt(n));
  for (double limit = limit_of(spread); limit < most; limit += log(2) / 2) {
    unsigned all = 0, alone = 0;
    for (size_t k = 0; k < d->cells; k++) all += r[k] > limit, alone += d->z[k] > limit;
    double expected = 0.1 * n * exp(-(limit - from) / mean);
    if (alone > 2 && alone > 3 * expected && 2 * alone >= all &&
        gsl_cdf_poisson_Q(alone - 1, expected) < 0.001)
      return limit;
  }
  return INFINITY;
}

/* In y a stall takes the worker's level around it: nothing of the other workers, or they would seem
 * to have something in common. */
void fit_stalls(fit_data *d, sg_fit_structure *s) {
  double *r = s->residual, sum = 0;
  robust_residuals(d, r);
  double spread = robust_spread(d->cells, r, d->scratch), least = limit_of(spread);
  for (long i = 0; i < d->rows; i++)
    for (int w = 0; w < d->columns; w++) {
      size_t k = fit_at(d, i, w);
      d->z[k] = r[k] > least ? fmin(r[k], r[k] - around(d, r, i, w)) : -INFINITY;
    }
  double limit = stall_limit(d, spread, r);
  s->threshold = exp(limit);
  for (long i = 0; i < d->rows; i++) {
    bool any = false;
    for (int w = 0; w < d->columns; w++) {
      size_t k = fit_at(d, i, w);
      s->stalled[k] = d->z[k] > limit;
      d->y[k] = s->stalled[k] ? d->column[w] + around(d, r, i, w) : log(d->x[k]);
      if (!s->stalled[k]) continue;
      s->stalls++;
      any = true;
      sum += exp(r[k]);
    }
    s->stall_rows += any;
  }
  s->stall_share = (double)s->stalls / (double)d->cells;
  s->stall_ratio = s->stalls ? sum / (double)s->stalls : NAN;
  s->together = s->stall_rows ? (double)s->stalls / (double)s->stall_rows : NAN;
}

/* --- Clustering of stalls --------------------------------------------------------------------- */

/* Whether stalls come together more than if each worker had them at times of its own. */
void fit_clustering(const fit_data *d, sg_fit_structure *s) {
  if (s->stalls == 0 || d->columns < 2) {
    s->together_chance = s->together_p = NAN;
    return;
  }
  double sum = 0;
  int above = 0, count = fit_permutations((double)d->cells, 2e7);
  for (int p = 0; p < count; p++) {
    long *of_row = memset(d->order, 0, (size_t)d->rows * sizeof *d->order);
    for (int w = 0; w < d->columns; w++) {
      sg_stream g;
      fit_stream(d, &g, FIT_OF_STALLS, p, w);
      long left = 0;
      for (long i = 0; i < d->rows; i++) left += s->stalled[fit_at(d, i, w)];
      for (long i = 0; i < d->rows && left > 0; i++) /* selection sampling */
        if (sg_uniform(&g) * (double)(d->rows - i) < (double)left) of_row[i]++, left--;
    }
    long rows = 0;
    for (long i = 0; i < d->rows; i++) rows += of_row[i] > 0;
    double together = (double)s->stalls / (double)rows;
    sum += together;
    above += together >= s->together;
  }
  s->together_chance = sum / count;
  s->together_p = (1.0 + above) / (1 + count);
}

/* --- Tail ------------------------------------------------------------------------------------- */

void fit_tail(const fit_data *d, sg_fit_structure *s) {
  double usual = 0, stall = INFINITY;
  for (size_t k = 0; k < d->cells; k++)
    if (s->stalled[k])
      stall = fmin(stall, s->residual[k]);
    else
      usual = fmax(usual, s->residual[k]);
  /* Stalls behind a gap are a thing of their own, without one they are the end of the tail. */
  size_t n = 0;
  for (size_t k = 0; k < d->cells; k++)
    if (!s->stalled[k] || stall < 1.5 * usual) d->scratch[n++] = s->residual[k];
  sg_sort_doubles(d->scratch, n);
  size_t m = n / 10;
  s->tail = s->tail_error = NAN;
  if (m < 20) return;
  double from = d->scratch[n - m - 1], a0 = 0, a1 = 0;
  for (size_t j = 0; j < m; j++) {
    double excess = d->scratch[n - m + j] - from;
    a0 += excess;
    a1 += excess * (1 - ((double)j + 0.65) / (double)m);
  }
  a0 /= (double)m;
  a1 /= (double)m;
  if (!(a0 - 2 * a1 > 0)) return;
  s->tail = 2 - a0 / (a0 - 2 * a1);
  double k = -fmin(s->tail, 0.4); /* the formula needs ξ < ½ */
  s->tail_error = sqrt((1 + k) * (2 + k) * (2 + k) * (1 + k + 2 * k * k) / (1 + 2 * k) /
                       (3 + 2 * k) / (double)m);
}
