/* SPDX-License-Identifier: MIT */
/* Rows of a coding matrix that vanish at given workers (theory: nulling). */
#ifndef SG_CODES_NULLING_H
#define SG_CODES_NULLING_H

#include "codes/tools/parity.h"
#include "sim/core/linalg.h"

/* The m rows [X | I] (m × r, column-major, zero on entry) of B that belong to a part which `absent`
 * workers, listed in who, do not hold: X V_top = −V_bottom at these, V (r × n) having its last m
 * rows as V_bottom. With absent < r − m there are fewer equations than unknowns and X is the one of
 * minimum norm. SG_UNDECODABLE if V_top is rank-deficient there. scratch: absent (r − m) +
 * max(absent, r − m, 1) m numbers; pivots: max(absent, r − m). */
sg_status sg_nulling_block(const double *v, int r, int m, int absent, const int *who, double *block,
                           double *scratch, lapack_int *pivots);

/* --- By the null space ------------------------------------------------------------------------
 *
 * Of many workers V and its factors are tables of n × (n − s) numbers, while all that is needed of
 * V are its null space N (n × s) and D = V⁺ E (n × m), the weights of the last m unit vectors E
 * when everyone answers: the coefficients c of a part's piece u are what has Nᵀ c = 0, Dᵀ c = e_u
 * and zeros where the part is not held, s + m equations in as many unknowns as it has holders, of
 * which the solution of minimum norm is taken. So [N | D] is drawn, with orthonormal columns, as it
 * is of a V with orthonormal rows in general position; what decodes is as with V, s × s systems.
 * (theory: nulling) */
typedef struct sg_nulling {
  int n, s, m;
  double *frame; /* (s + m) × n, column-major: the rows of N, then of D, of each worker */
  double *a, *x; /* workspace */
  lapack_int *pivots;
} sg_nulling;

/* Whether it is done so: more than 512 workers, and n ≥ 2 (s + m). */
bool sg_nulling_is_large(int n, int s, int m);

/* most: holders of a part. Free it with sg_nulling_free, on failure too. O(n (s + m)²). */
sg_status sg_nulling_new(sg_nulling *q, int n, int s, int m, int most, uint64_t seed);
void sg_nulling_free(sg_nulling *q);

/* The coefficients of a part at its holders, m numbers each. holders ≥ s + m. SG_UNDECODABLE: the
 * seed's equations are dependent there to working precision. O(holders (s + m)²). */
sg_status sg_nulling_coefficients(const sg_nulling *q, int holders, const int *who, double *coef);

/* Decode weights of any n − s workers. */
sg_status sg_nulling_decoder(sg_code *code, const sg_nulling *q, const sg_parity **out);

#endif
