/* SPDX-License-Identifier: MIT */
/* What makes times differ: the worker, the iteration, memory, stalls, load.
 *
 * Everything is measured on logarithms: y = μ + worker + iteration + residual. Times that are
 * stalls are set aside first (they take the value that their worker and iteration would have), so
 * that one rare event is not taken for slowness of all. */
#ifndef SG_SIM_FIT_STRUCTURE_H
#define SG_SIM_FIT_STRUCTURE_H

#include "sim/core/error.h"

#include <stdint.h>

/* A share of the variance, or an autocorrelation, beside what chance alone gives: the 95 % point of
 * `value` over permutations, and the probability of a value as large. */
typedef struct sg_fit_effect {
  double value, chance, p;
} sg_fit_effect;

/* Which parts of the structure the measurements call for, and are in the structured model: those
 * that chance does not explain and that are large enough to matter, one percent of probability, two
 * percent of time. */
typedef struct sg_fit_parts {
  bool persistent, change, memory, common, stalls, clustered, periodic;
} sg_fit_parts;

typedef struct sg_fit_structure {
  int workers;
  long iterations;
  /* Shares of the sum of squares of y, in [0, 1]; the rest is the residual's. Chance of `worker`:
   * stretches of iterations given to the workers at random; of `iteration`: each worker's times
   * turned by a random number of iterations. Both keep the memory of workers. */
  sg_fit_effect worker, iteration;
  /* Lag-1 autocorrelation of the residuals within workers. Permutations: of whole iterations. */
  sg_fit_effect memory;
  sg_fit_effect common_memory; /* the same of the iterations' means */
  /* The trace is so much longer than its memory that differences and changes for good can be told
   * from it; false: worker.p, persistent_p, change_p are NAN. */
  bool settled;
  /* Differences of workers' means: F test against stretches of iterations; standard error of a
   * worker's mean logarithm; correlation of the means in the first half with those in the second.
   */
  double persistent_p, level_error, halves;
  double worker_sd, iteration_sd,
      residual_sd;  /* of logarithms, estimates without their chance parts */
  double *factor;   /* workers: typical time relative to the mean worker */
  double *residual; /* iterations × workers: time / (factor · common), stalls as measured */
  double *common;   /* iterations: what all workers of an iteration share, mean logarithm 0 */
  bool *stalled;    /* iterations × workers */
  long block;       /* block length for a bootstrap */

  /* The worker whose course over stretches is least like chance; p by permutation of the stretches
   * of each worker, for all workers together. change_worker < 0: not computable. */
  int change_worker;
  long change_at;      /* first iteration at the new level */
  double change_ratio; /* time after / before */
  double change_p;

  /* Stalls: residuals above `threshold`, and so far above the worker's iterations around; more of
   * them than the tail of the others lets expect. INFINITY: none. */
  double threshold;
  long stalls;
  double stall_ratio;                 /* mean size, times the typical time */
  double stall_share;                 /* of all times */
  long stall_rows;                    /* iterations with one or more */
  double together;                    /* mean number of workers in such an iteration */
  double together_chance, together_p; /* if stalls came singly: mean, probability of as many */

  /* Workers that stall together: number of the group, from 1; 0: of none. Sought when clustered. */
  int *group, groups;
  /* Slow iterations, by a stall or of all workers, that come every `period` iterations, period_at
   * being the first: period_hits of slow_rows. p: those iterations at random places. */
  long slow_rows, period, period_at, period_hits;
  double period_p;
  bool *slow_row; /* iterations */

  /* Tail of the residuals above their 90 % point: shape ξ of a generalised Pareto law by
   * probability-weighted moments (Hosking and Wallis 1987, recalled). 0: exponential, ≥ ½: no
   * variance. NAN: too few times. */
  double tail, tail_error;

  double equal_rows; /* share of iterations whose times differ by less than 1 % */

  /* Two states of a worker from the residuals (Baum–Welch, two normal laws of equal spread); NAN
   * without memory. recoveries: how many were seen. stationary: enough, in a settled trace, for
   * the law of the states; true without memory. */
  double p_slow, p_recover, slowdown, recoveries;
  bool stationary;
  double *slow; /* iterations × workers: probability of having been slow */

  sg_fit_parts parts;
} sg_fit_structure;

/* x: iterations × workers times > 0, row-major, of equal load. Deterministic in seed. */
sg_status sg_fit_structure_new(long iterations, int workers, const double *x, uint64_t seed,
                               sg_fit_structure **out, sg_error *e);
void sg_fit_structure_free(sg_fit_structure *s);

/* How times grow with the load. */
typedef enum sg_fit_scaling {
  SG_FIT_ONE_LOAD,
  SG_FIT_PROPORTIONAL,
  SG_FIT_ADDITIVE,
  SG_FIT_STARTUP
} sg_fit_scaling;

enum { SG_FIT_LOADS = 16 };

typedef struct sg_fit_loads {
  int count; /* different loads; of more than SG_FIT_LOADS the smallest are kept */
  double load[SG_FIT_LOADS], mean[SG_FIT_LOADS], sd[SG_FIT_LOADS];
  long times[SG_FIT_LOADS];
  /* mean = fixed + per_subset · load by weighted least squares; sd ∝ load^growth: 1 proportional, ½
   * additive, 0 startup. */
  double fixed, fixed_error, per_subset, growth, growth_error;
  sg_fit_scaling scaling;
} sg_fit_loads;

/* n times and their loads, in any order. */
sg_status sg_fit_load_scaling(long n, const double *x, const double *load, sg_fit_loads *out,
                              sg_error *e);

#endif
