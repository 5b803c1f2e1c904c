/* SPDX-License-Identifier: MIT */
/* A gradient code for loads in proportion to given capacities, any s stragglers (after Wang, Guo,
 * Tang, Li, Li 2019).
 *
 * The data is a circle of circumference 1; node i of capacity c_i takes the next (s + 1) c_i / Σ c
 * of it, so that all together go round s + 1 times and every point is held by s + 1 nodes, distinct
 * if nobody holds more than everything. Parts lie between the places where somebody begins: at most
 * n of them, of unequal width, so that loads need no rounding.
 *
 * Coefficients and weights for a placement with s + 1 holders of each part: Ψ ((s + 1) × n) has
 * orthonormal rows made from independent N(0, 1) numbers, column j of B solves Ψ[:, H_j] b = 1. For
 * stragglers S the weights are λ Ψ with λ Ψ_S = 0, λ 1 = 1, in the parity form: 1ᵀΨ/(s + 1) when
 * everyone answers, and for N the vectors z Ψ with z 1 = 0. (recipe and code derived; idea of the
 * paper) */
#ifndef SG_CODES_CIRCLE_H
#define SG_CODES_CIRCLE_H

#include "codes/tools/parity.h"

typedef struct sg_circle {
  int n, s, parts;
  const double *edge; /* parts + 1, from 0 to 1 */
  const int *holder;  /* parts × (s + 1), row by row */
  const double *coef; /* of them */
  const sg_parity *parity;
} sg_circle;

/* The largest s for which no node holds more than all the data: (s + 1) c_max ≤ Σ c. */
long sg_circle_most(int n, const double *capacity);

/* For n nodes and s ≤ sg_circle_most. The memory is the code's. A singular draw of the seed is a
 * fault at `values`. O(n s² + parts s³). */
sg_status sg_circle_new(sg_code *code, const sg_values *values, int n, const double *capacity,
                        int s, uint64_t seed, sg_circle **out, sg_error *e);

#endif
