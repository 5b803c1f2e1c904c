/* SPDX-License-Identifier: MIT */
/* The statistics of summaries and comparisons. */
#ifndef SG_RESULTS_ANSWERS_STATISTICS_H
#define SG_RESULTS_ANSWERS_STATISTICS_H

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

/* Of n ascending numbers, those that are put together with the one at `rank` when they are kept as
 * groups (count and mean). A group holds at most a tenth of the numbers from its first one on and
 * 1/25 of all, or one number: where groups of several sets are pooled, the rank of a number near
 * the p-quantile is off by less than (1 − p)/10. Under 50 numbers nothing is put together. */
size_t sg_group_size(size_t rank, size_t n);

/* The p-quantile of Student's t. */
double sg_t_quantile(double p, double degrees);

/* Fewer pairs give no interval. */
#define SG_FEWEST_PAIRS 5

/* The geometric mean of base[i] / x[i] with its confidence interval of level 1 − alpha, by
 * Student's t on the logarithms. All numbers positive. NAN without pairs; the interval, under
 * SG_FEWEST_PAIRS. */
typedef struct sg_ratio {
  int n;
  double ratio, low, high;
} sg_ratio;
sg_ratio sg_paired_ratio(int n, const double *base, const double *x, double alpha);

/* Batch means: the same of two series of n positive numbers in step, from the ratios of the sums of
 * SG_BLOCKS blocks. `ratio` is that of the sums over all; NAN where a block has under two numbers.
 */
#define SG_BLOCKS 10
sg_ratio sg_block_ratio(int n, const double *base, const double *x, double alpha);

/* How many independent numbers the mean of a run of `length` is worth: their variance over that of
 * the mean, between `runs` runs (n, mean, m2 of the means; `within`: the mean of the runs' own
 * variances). NAN: not fewer than the numbers are, as far as can be told (F test at 1 %). */
double sg_effective_length(const sg_moments *means, double within, double length);
/* The same of SG_BLOCKS blocks of one series. */
double sg_effective_block(int n, const double *x);

/* The median of n ascending numbers, INFINITY allowed, with the narrowest interval of order
 * statistics that holds the median of any continuous law in at least 1 − alpha of cases; low, high
 * are NAN where there is none (n < 6 at 5 %). */
typedef struct sg_median {
  int n;
  double median, low, high;
} sg_median;
sg_median sg_median_interval(const double *sorted, int n, double alpha);

/* The two-sided p-value of the exact sign test: `wins` against `losses`, ties left out. */
double sg_sign_test(int wins, int losses);

#endif
