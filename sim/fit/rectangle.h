/* SPDX-License-Identifier: MIT */
/* What the parts of the analysis of a rectangle of times share: structure.c calls them in turn. */
#ifndef SG_SIM_FIT_RECTANGLE_H
#define SG_SIM_FIT_RECTANGLE_H

#include "sim/core/random.h"
#include "sim/fit/structure.h"

/* Permutations: enough for p = 0.002, fewer where a trace is very long. */
enum { FIT_PERMUTATIONS = 499, FIT_FEWEST = 199, FIT_MOST_STRETCHES = 20 };

typedef struct fit_data {
  long rows;
  int columns;
  size_t cells;
  const double *x;
  double *y;            /* logarithms, stalls set aside */
  double *z;            /* cells: residuals */
  double *row, *column; /* effects */
  double *scratch; /* cells, four times the rows, the columns 2 · FIT_MOST_STRETCHES + 1 times */
  double *value;   /* of each permutation, twice FIT_PERMUTATIONS */
  long *order;     /* of the rows; twice as many */
  uint64_t seed;
} fit_data;

static inline size_t fit_at(const fit_data *d, long row, int column) {
  return (size_t)row * (size_t)d->columns + (size_t)column;
}

/* Sorts. */
double fit_median(size_t n, double *x);

/* How many permutations of so much work each may be had. */
int fit_permutations(double work, double most);

/* Streams of permutations: one kind each. */
enum {
  FIT_OF_WORKERS = 1,
  FIT_OF_ITERATIONS,
  FIT_OF_MEMORY,
  FIT_OF_STALLS,
  FIT_OF_CHANGE,
  FIT_OF_PERIOD
};
void fit_stream(const fit_data *d, sg_stream *s, int kind, int replicate, long part);

/* Fisher–Yates of n values that are `stride` apart. */
void fit_shuffle(double *x, long n, long stride, sg_stream *s);

/* p and chance of an effect from its values in permutations. */
void fit_finish_effect(double *value, int permutations, sg_fit_effect *f);

/* stalls.c: sets d->y; of the stalls the tail too. */
void fit_stalls(fit_data *d, sg_fit_structure *s);
void fit_clustering(const fit_data *d, sg_fit_structure *s);
void fit_tail(const fit_data *d, sg_fit_structure *s);

/* levels.c: do workers differ for good, does one change for good; d->y, d->row, and worker.value
 * are known. total: the sum of squares of y. */
void fit_levels(const fit_data *d, double total, sg_fit_structure *s);

/* patterns.c: of slow iterations after fit_stalls; of workers that stall together. */
void fit_period(const fit_data *d, sg_fit_structure *s);
void fit_groups(const fit_data *d, sg_fit_structure *s);

/* states.c: slow and fast states of d->z, whose standard deviation is about sd. */
void fit_states(const fit_data *d, double sd, sg_fit_structure *s);

#endif
