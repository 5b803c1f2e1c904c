/* SPDX-License-Identifier: MIT */
/* Curves through the parts of the data and values on them, for codes on coded data: workers hold
 * points u(x) = Σ_j basis_j(x) · part_j of a curve that is part j at x = at_j. */
#ifndef SG_CODES_INTERPOLATION_H
#define SG_CODES_INTERPOLATION_H

#include "codes/frame/code.h"

/* Chebyshev point i of n, of the first kind: cos((2i + 1)π/(2n)), falling. */
double sg_chebyshev(int i, int n);

/* The values at x of n functions, the j-th of which is 1 at at[j] and 0 at the other points. */
typedef void sg_basis(int n, const double *at, double x, double *out);

/* Lagrange's polynomials. O(n²). */
void sg_lagrange_basis(int n, const double *at, double x, double *out);
/* Berrut's rational functions (−1)^j/(x − at_j) over their sum, without poles where `at` falls or
 * rises. O(n). In the half form the first and the last have weight 1/2; at all Chebyshev points of
 * the second kind they are Lagrange's polynomials. */
void sg_berrut_basis(int n, const double *at, double x, double *out);
void sg_berrut_half_basis(int n, const double *at, double x, double *out);

/* Makes the code's coded parts. Its parts, in groups of `size` (the last may have fewer), lie at
 * at[0 … size − 1] on the curve of their group; coded part number c · groups + u is that of group u
 * at x[c], 0 ≤ c < count. false: no memory. */
bool sg_code_on_curves(sg_code *code, sg_basis *basis, int size, const double *at, int count,
                       const double *x);

/* Weights with which values of a polynomial of degree below `need` at `count` ≥ need distinct
 * points x sum to Σ_j of its values at to[j], j < n_to. `need` of the values are used, those that
 * come first in Leja's order, in which each point is as far from those before as can be (by the
 * product of the distances); other weights are 0. info: cond1 = max_j Σ_i |basis_i(to[j])|,
 * Lebesgue's constant, by which errors of values are amplified at most; flops. scratch: 2 · count
 * numbers. O(need · (count + n_to)). */
void sg_lagrange_weights(int count, const double *x, int need, int n_to, const double *to,
                         double *weight, double *scratch, sg_decode_info *info);

#endif
