/* SPDX-License-Identifier: MIT */
/* What is left of the sum when only some workers answer: the errors of optimal decoding and of
 * peeling, without weights, as fast as a search wants them.
 *
 * Optimal decoding leaves the part of 1 that is orthogonal to the rows of the workers that came,
 * ‖1 − α‖² = ‖P_N 1‖² with N = {x : Σ_i a_ji x_i = 0 for each of them}. N is kept as linear
 * expressions of the x_i in free variables: each worker's equation takes one of these away or says
 * nothing new. On a graph (workers with two blocks) an expression is ± one variable, and what
 * remains is the sum over bipartite components of (|P| − |Q|)²/|K| of Glasgow and Wootters
 * (arXiv:2006.09638); in general it is exact for any coefficients, up to rounding.
 * theory: sparse. */
#ifndef SG_SIM_DESIGN_RESIDUAL_H
#define SG_SIM_DESIGN_RESIDUAL_H

#include "sim/design/tanner.h"

typedef struct sg_residual sg_residual;

/* Workspace for so many blocks: 8 blocks² bytes. NULL: no memory. */
sg_residual *sg_residual_new(int blocks);
void sg_residual_free(sg_residual *r);

/* ‖1 − α‖² of optimal weights of the workers in the set `came` (bit j of word j / 64). On sparse
 * placements about O(entries · log blocks). */
double sg_residual_error(sg_residual *r, const sg_tanner *a, const uint64_t *came);

/* The same without blocks that nobody in the set has, each of which costs 1 whatever the decoder.
 */
double sg_residual_beyond(sg_residual *r, const sg_tanner *a, const uint64_t *came);

/* The error worker by worker: nobody has come; one comes; the error now. */
void sg_residual_begin(sg_residual *r);
void sg_residual_add(sg_residual *r, const sg_tanner *a, int worker);
double sg_residual_now(sg_residual *r);

/* Blocks that peeling does not recover. O(rounds · entries), with a word for each 64 blocks. */
int sg_residual_unpeeled(sg_residual *r, const sg_tanner *a, const uint64_t *came);
int sg_residual_unpeeled_beyond(sg_residual *r, const sg_tanner *a, const uint64_t *came);

#endif
