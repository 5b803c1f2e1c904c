/* SPDX-License-Identifier: MIT */
/* A placement as a Tanner graph that can be changed: which worker has which blocks, with which
 * coefficients. Workers and blocks are numbered from 0; a worker has a block at most once. */
#ifndef SG_SIM_DESIGN_TANNER_H
#define SG_SIM_DESIGN_TANNER_H

#include "sim/core/random.h"

#include <stdbool.h>

typedef struct sg_tanner {
  int workers, blocks, entries;
  int most;     /* blocks that a worker may have */
  int *degree;  /* workers: how many it has */
  int *copies;  /* blocks: how many workers have it */
  int *block;   /* workers × most: a worker's blocks, in no order */
  double *coef; /* their coefficients */
} sg_tanner;

/* Without entries; 1 ≤ most ≤ blocks. One allocation, sg_tanner_free. NULL: no memory. */
sg_tanner *sg_tanner_new(int workers, int blocks, int most);
void sg_tanner_free(sg_tanner *a);
/* Of two of the same size. */
void sg_tanner_copy(sg_tanner *to, const sg_tanner *from);

/* The slot in which a worker has a block; −1: it does not. O(degree). */
int sg_tanner_find(const sg_tanner *a, int worker, int block);
/* Adds what is not there yet, in a worker's last slot; there is room. */
void sg_tanner_add(sg_tanner *a, int worker, int block, double coef);
/* Takes an entry out; its slot is taken by the worker's last. */
void sg_tanner_remove(sg_tanner *a, int worker, int slot);
/* The k-th entry, by worker and slot, 0 ≤ k < entries. */
void sg_tanner_entry(const sg_tanner *a, int k, int *worker, int *slot);
/* A worker's blocks in rising order. */
void sg_tanner_sort(sg_tanner *a);

/* --- Placements to begin with and to compare with; `a` is without entries --------------------- */

/* Each block's share of `entries` (equal to within one) on workers drawn at random, of those that
 * have room; no worker is favoured. */
void sg_tanner_random(sg_tanner *a, int entries, uint64_t seed);
/* The same, but workers' degrees are equal to within one, too: random regular, simple. */
void sg_tanner_regular(sg_tanner *a, int entries, uint64_t seed);
/* Fractional repetition with at most so many entries where the numbers divide: as few equal groups
 * of consecutive workers as that allows, each with its share of the blocks; and the most blocks
 * that a worker then has. */
void sg_tanner_repetition(sg_tanner *a, int entries);
int sg_tanner_repetition_most(int workers, int blocks, int entries);
/* Greedy block degrees: the next entry goes to the (block, worker) that takes most from
 * Σ_i Π_{j has i} p_j per unit of cost, within `most` (theory: sparse); of equals to the worker
 * with fewest blocks, then by chance. lost[d · workers + j]: p_j of a worker with d blocks, d ≤
 * most. Every block gets a worker first. Where a worker with more to do answers less often fewer
 * entries may be better: their number is the one with the least sum. O(entries · workers · blocks ·
 * most). false: no memory. */
bool sg_tanner_greedy(sg_tanner *a, int entries, const double *lost, uint64_t seed);

/* (1/blocks) Σ_i Π_{j has i} p_j, with p_j as above: no decoder has a lower mean error, for a block
 * that nobody answers for is lost. */
double sg_tanner_bound(const sg_tanner *a, const double *lost);

#endif
