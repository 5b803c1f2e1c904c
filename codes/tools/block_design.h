/* SPDX-License-Identifier: MIT */
/* Sizes of the blocks of coordinates in block-coordinate gradient coding (Wang et al. 2022): block
 * s tolerates s stragglers, and all blocks are worked on in the order of s.
 *
 * With x_s the share of the coordinates that is in block s, S_s = Σ_(i ≤ s) (i + 1) x_i, and T_w
 * the time of worker w for one n-th of the data and all coordinates, an iteration takes
 *
 *   τ = max_s T₍n−s₎ S_s                                                            (published)
 *
 * where delays are in proportion to work. Blocks s < first are kept empty: what they would wait for
 * has no mean time, or more stragglers are to be tolerated. */
#ifndef SG_CODES_BLOCK_DESIGN_H
#define SG_CODES_BLOCK_DESIGN_H

#include "codes/frame/protocol.h"
#include "sim/core/text.h"

/* Draws of the times T of n workers, each draw rising. */
typedef struct sg_block_times {
  int n, draws;
  bool in_proportion; /* delays are in proportion to work; otherwise τ is not as above */
  double *time;       /* draws × n */
} sg_block_times;

/* Two independent samples: sizes are chosen by `chosen` and judged by `judged`. `work` is one n-th
 * of the data. Each of 4·10⁵/n draws, from 1000 to 20,000. Free with sg_block_times_free, after a
 * failure too. false: no memory. */
bool sg_block_times_new(const sg_forecast *forecast, int n, double work, sg_block_times *chosen,
                        sg_block_times *judged);
void sg_block_times_free(sg_block_times *times);

/* Shares x (n) with S_s in proportion to rate[s], s = first … n − 1; rates must not fall. Returns m
 * with S_s = m · rate[s]. With
 *
 *   rate[s] = 1/E T₍n−s₎   x^(t); m is a lower bound of E τ for any sizes, by Jensen's inequality
 *   rate[s] = E 1/T₍n−s₎   x^(f)
 *   rate[s] = s + 1        x^(lg), for the best chance to be done by a late time t. */
double sg_blocks_by_rate(int n, int first, const double *rate, double *x);

/* The mean of τ over the draws, and its standard error (NULL: not asked). O(draws · n). */
double sg_blocks_mean(const sg_block_times *times, int first, const double *x, double *error);

/* Takes shares x, positive from `first` on, to those that make the mean over the draws least, by
 * 150 steps of exponentiated subgradients; x becomes the best met. With step η_k,
 *
 *   x_s ← x_s exp(−η_k (g_s/f − 1)), normalised;   f = mean of τ, g_s = its subgradient
 *
 * f is convex, and as it is homogeneous Σ x_s g_s = f: at the optimum g_s = f wherever x_s > 0. A
 * plain projected subgradient of constant step, as published, stays 2 to 3 % above it. false: no
 * memory. */
bool sg_blocks_minimise(const sg_block_times *times, int first, double *x);

/* Whole sizes that add up to `length`: x · length rounded down, what is left over unit by unit to
 * the one that has lost most. lost: n numbers of workspace. */
void sg_blocks_round(int n, const double *x, long length, long *size, double *lost);

/* For codes whose segments are blocks that workers take one after another: a plan of a task of so
 * much work (in subsets, per segment) and a message for each. */
void sg_blocks_plan(const sg_code *code, const double *work, int snapshot, sg_orders *orders);
/* The text becomes the code's note; it is freed. */
sg_status sg_blocks_note(sg_code *code, sg_buffer *text, sg_error *e);

#endif
