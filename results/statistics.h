/* SPDX-License-Identifier: MIT */
/* The statistics of summaries and comparisons. */
#ifndef SG_RESULTS_STATISTICS_H
#define SG_RESULTS_STATISTICS_H

#include <stddef.h>

/* Mean and variance of a stream of numbers (Welford), and its extremes. Zero-initialise. */
typedef struct sg_moments {
  long n;
  double mean, m2, min, max; /* m2: sum of squared deviations from the mean */
} sg_moments;
void sg_moments_add(sg_moments *m, double x);
/* NAN where there are too few numbers: none for the mean, one for the standard deviation. */
double sg_moments_mean(const sg_moments *m);
double sg_moments_sd(const sg_moments *m); /* of the sample: divisor n − 1 */

/* The p-quantile of n ascending numbers, linear between order statistics (type 7 of Hyndman and
 * Fan, the default of R and NumPy). NAN for n = 0. */
double sg_quantile(const double *sorted, size_t n, double p);

/* The p-quantile of Student's t. */
double sg_t_quantile(double p, double degrees);

/* Fewer pairs give no interval. */
#define SG_FEWEST_PAIRS 5

/* The geometric mean of base[i] / x[i] with its 95 % confidence interval, by Student's t on the
 * logarithms. All numbers positive. NAN without pairs; the interval, under SG_FEWEST_PAIRS. */
typedef struct sg_ratio {
  int n;
  double ratio, low, high;
} sg_ratio;
sg_ratio sg_paired_ratio(int n, const double *base, const double *x);

/* The two-sided p-value of the exact sign test: `wins` against `losses`, ties left out. */
double sg_sign_test(int wins, int losses);

#endif
