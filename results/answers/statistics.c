/* SPDX-License-Identifier: MIT */
/* The statistics of summaries and comparisons. */
#include "results/answers/statistics.h"

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

size_t sg_group_size(size_t rank, size_t n) {
  size_t of_tail = (n - rank) / 10, of_all = n / 25;
  size_t size = of_tail < of_all ? of_tail : of_all;
  return size > 1 ? size : 1;
}

/* About a given ratio, from the spread of logarithms. */
static sg_ratio interval(const sg_moments *logs, double log_ratio, double alpha) {
  double n = (double)logs->n, t = n < SG_FEWEST_PAIRS ? NAN : sg_t_quantile(1 - alpha / 2, n - 1);
  double half = t * sg_moments_sd(logs) / sqrt(n);
  return (sg_ratio){.n = (int)logs->n,
                    .ratio = exp(log_ratio),
                    .low = exp(log_ratio - half),
                    .high = exp(log_ratio + half)};
}

sg_ratio sg_paired_ratio(int n, const double *base, const double *x, double alpha) {
  sg_moments m = {0};
  for (int i = 0; i < n; i++) sg_moments_add(&m, log(base[i] / x[i]));
  return interval(&m, sg_moments_mean(&m), alpha);
}

sg_ratio sg_block_ratio(int n, const double *base, const double *x, double alpha) {
  sg_moments m = {0};
  double of_base = 0, of_x = 0;
  if (n < 2 * SG_BLOCKS) return (sg_ratio){.ratio = NAN, .low = NAN, .high = NAN};
  for (int k = 0, i = 0; k < SG_BLOCKS; k++) {
    double sum[2] = {0};
    for (; i < (int)((long)n * (k + 1) / SG_BLOCKS); i++) {
      sum[0] += base[i];
      sum[1] += x[i];
    }
    sg_moments_add(&m, log(sum[0] / sum[1]));
    of_base += sum[0];
    of_x += sum[1];
  }
  return interval(&m, log(of_base / of_x), alpha);
}

double sg_effective_length(const sg_moments *means, double within, double length) {
  double runs = (double)means->n, between = means->m2 / (runs - 1);
  if (runs < SG_FEWEST_PAIRS || length < 2 || !(between > 0) || !(within > 0)) return NAN;
  double f = length * between / within;
  if (f < gsl_cdf_fdist_Pinv(0.99, runs - 1, runs * (length - 1))) return NAN;
  return (within * (length - 1) / length + between) / between;
}

double sg_effective_block(int n, const double *x) {
  sg_moments means = {0}, variances = {0};
  for (int k = 0, i = 0; k < SG_BLOCKS; k++) {
    sg_moments block = {0};
    for (; i < (int)((long)n * (k + 1) / SG_BLOCKS); i++) sg_moments_add(&block, x[i]);
    sg_moments_add(&means, block.mean);
    if (block.n > 1) sg_moments_add(&variances, block.m2 / (double)(block.n - 1));
  }
  return sg_effective_length(&means, variances.mean, (double)n / SG_BLOCKS);
}

double sg_sign_test(int wins, int losses) {
  int n = wins + losses, fewer = wins < losses ? wins : losses;
  if (n == 0) return 1;
  double p = 2 * gsl_cdf_binomial_P((unsigned)fewer, 0.5, (unsigned)n);
  return p < 1 ? p : 1;
}

sg_median sg_median_interval(const double *sorted, int n, double alpha) {
  sg_median m = {n, NAN, NAN, NAN};
  if (n == 0) return m;
  double lower = sorted[(n - 1) / 2], upper = sorted[n / 2];
  m.median = isinf(upper) ? upper : (lower + upper) / 2;
  /* The k-th from below and from above: the median is outside with 2 P(Bin(n, 1/2) < k). */
  int k = 0;
  while (k < n / 2 && 2 * gsl_cdf_binomial_P((unsigned)k, 0.5, (unsigned)n) <= alpha) k++;
  if (k == 0) return m;
  m.low = sorted[k - 1];
  m.high = sorted[n - k];
  return m;
}
