/* SPDX-License-Identifier: MIT */
/* Banks of straggler patterns: who answers, or when, in many rounds drawn beforehand, so that
 * placements are compared on the same random numbers.
 *
 * A worker's answer is lost with its probability, independently of others. Where there are times,
 * it needs them for its blocks, and counts when it comes by a deadline or among the first; how long
 * it needs depends on how many blocks it has. */
#ifndef SG_SIM_DESIGN_BANK_H
#define SG_SIM_DESIGN_BANK_H

#include "sim/design/tanner.h"

/* What is known of the workers. */
typedef struct sg_survival {
  int workers;
  const double *lost; /* workers: probability that no answer comes */
  /* Times of all workers for so many subsets, times[i · workers + j], of draws first … first +
   * count − 1; false: no memory. NULL: no times are known. */
  bool (*draw)(void *of, double work, long first, int count, double *times);
  void *of;
  bool scales;       /* they are in proportion to the work */
  double block_work; /* subsets of a block */
  double deadline_s; /* who comes later does not count; 0: all count */
  int first;         /* only so many who come first count; 0: all do */
  bool ordered;      /* the times themselves are wanted */
  uint64_t seed;     /* of what is lost */
} sg_survival;

/* Whether who comes depends on nothing but chance: not on times, nor on how many blocks it has. */
bool sg_survival_by_chance(const sg_survival *s);

typedef struct sg_bank {
  const sg_survival *of;
  int patterns, levels, words; /* levels: 1 + most blocks of a worker */
  bool timed;                  /* not by chance alone */
  uint64_t *came;              /* levels × patterns × words; NULL where times are kept */
  double *time;                /* levels × patterns × workers, INFINITY: lost; or NULL */
} sg_bank;

/* Room for so many patterns of workers with up to `most` blocks; NULL: no memory. The survival must
 * live as long. */
sg_bank *sg_bank_new(const sg_survival *of, int most, int patterns);
void sg_bank_free(sg_bank *b);
/* Draws the bank of that number, 0, 1, …: no two have patterns in common. false: no memory. */
bool sg_bank_fill(sg_bank *b, int number);

/* Who counts in pattern i, bit j of word j / 64, given how many blocks each worker has. order: how
 * all who answer come, by time, then number, of which so many are in *n_order; for banks with
 * `ordered`, NULL otherwise. order keeps what it had before as a guess, and begins with any
 * permutation of all workers. */
void sg_bank_pattern(const sg_bank *b, const sg_tanner *a, int i, uint64_t *came, int *order,
                     int *n_order);
double sg_bank_time(const sg_bank *b, const sg_tanner *a, int i, int worker);

/* lost[d · workers + j]: how often worker j with d ≤ most blocks does not count: exactly where that
 * is given, else as found in this bank. Where only the first count, or times do, as if all had
 * `usual` blocks, and without a number of them the first half counted. false: no memory. */
bool sg_bank_lost(const sg_bank *b, int most, int usual, double *lost);

#endif
