/* SPDX-License-Identifier: MIT */
/* The statistics of summaries and comparisons. */
#include "results/statistics.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

void sg_moments_add(sg_moments *m, double x) {
  m->min = m->n == 0 || x < m->min ? x : m->min;
  m->max = m->n == 0 || x > m->max ? x : m->max;
  m->n++;
  double delta = x - m->mean;
  m->mean += delta / (double)m->n;
  m->m2 += delta * (x - m->mean);
}

double sg_moments_mean(const sg_moments *m) {
  return m->n > 0 ? m->mean : NAN;
}

double sg_moments_sd(const sg_moments *m) {
  return m->n > 1 ? sqrt(m->m2 / (double)(m->n - 1)) : NAN;
}

double sg_quantile(const double *sorted, size_t n, double p) {
  if (n == 0) return NAN;
  double h = p * (double)(n - 1);
  size_t i = (size_t)h;
  if (i + 1 >= n) return sorted[n - 1];
  double fraction = h - (double)i;
  /* Without the test, 0 · ∞ would spoil a quantile that is an order statistic. */
  return fraction > 0 ? sorted[i] + fraction * (sorted[i + 1] - sorted[i]) : sorted[i];
}

double sg_t_quantile(double p, double degrees) {
  return gsl_cdf_tdist_Pinv(p, degrees);
}

sg_ratio sg_paired_ratio(int n, const double *base, const double *x) {
  sg_moments m = {0};
  for (int i = 0; i < n; i++) sg_moments_add(&m, log(base[i] / x[i]));
  double mean = sg_moments_mean(&m), t = n < SG_FEWEST_PAIRS ? NAN : sg_t_quantile(0.975, n - 1);
  double half = t * sg_moments_sd(&m) / sqrt(n);
  return (sg_ratio){n, .ratio = exp(mean), .low = exp(mean - half), .high = exp(mean + half)};
}

double sg_sign_test(int wins, int losses) {
  int n = wins + losses, fewer = wins < losses ? wins : losses;
  if (n == 0) return 1;
  double p = 2 * gsl_cdf_binomial_P((unsigned)fewer, 0.5, (unsigned)n);
  return p < 1 ? p : 1;
}
