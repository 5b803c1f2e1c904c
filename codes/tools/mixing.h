/* SPDX-License-Identifier: MIT */
/* Coefficients on a given support that mix best: non-negative, rows and columns adding up to 1,
 * with the least second-largest eigenvalue modulus λ (theory: expander; Munim and Ramamoorthy,
 * their program CVX_AGC, published; here by an interior-point method, derived).
 *
 * Both problems are convex. A logarithmic barrier with Newton's method follows the central path
 * until the duality gap, which it certifies, is below 1e-9: what is returned is optimal within
 * that. λ of the result is computed apart from it. */
#ifndef SG_CODES_TOOLS_MIXING_H
#define SG_CODES_TOOLS_MIXING_H

#include "sim/core/error.h"

#include <stdbool.h>

/* Circulant matrices, B_(i, i + offset[j] mod n) = w_j, with k different offsets. Minimises
 *   λ(w) = max over l = 1 … n/2 of |Σ_j w_j exp(2πi l offset[j]/n)|
 * over w ≥ 0, Σ w = 1. w: on entry a point with w > 0, on return the best one. SG_NO_MEMORY;
 * SG_BUG: no step could be made. About 60 steps of O(n k²). */
sg_status sg_mixing_circulant(int n, int k, const int *offset, double *w);
/* λ; NAN: no memory. O(n k). */
double sg_mixing_circulant_lambda(int n, int k, const int *offset, const double *w);

/* Symmetric matrices W = Σ_e w_e A_e over the edges (end[2e], end[2e + 1]) of a graph, each pair of
 * vertices at most once, loops allowed (they count once). Minimises the largest modulus of the
 * eigenvalues of W − J, where J is 1/n everywhere or, with `bipartite` (edges join the first half
 * of the vertices with the second, W is [0 B; Bᵀ 0]), 2/n between the halves: then λ is the second
 * singular value of B. w: on entry a point w > 0 with rows adding up to 1. Errors as above. About
 * 80 steps of O((edges + n)³). */
sg_status sg_mixing_symmetric(int n, int edges, const int *end, bool bipartite, double *w);
sg_status sg_mixing_symmetric_lambda(int n, int edges, const int *end, bool bipartite,
                                     const double *w, double *lambda);

#endif
