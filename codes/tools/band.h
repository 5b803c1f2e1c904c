/* SPDX-License-Identifier: MIT */
/* Least squares with a band that goes round a circle: B (n × n) has s + 1 coefficients in each row,
 * at columns i, i + 1, …, i + s (mod n), and rank n − s, as the matrix of cyclic repetition has.
 *
 * Bᵀ x = y has solutions for every y in the range of Bᵀ. The one that uses only the n − s rows from
 * `first` on is found: numbered from `first`, they are a band below the diagonal, whose QR
 * decomposition has n − s reflections of s + 1 numbers and an R of s + 1 diagonals. Substitution
 * along the band instead, for which the unit diagonal calls, is a recurrence of order s with
 * growing solutions: it has lost all digits after some hundred rows. (derived) */
#ifndef SG_CODES_BAND_H
#define SG_CODES_BAND_H

#include "codes/frame/code.h"

typedef struct sg_band sg_band;

/* coef: n × (s + 1), row by row, copied into the factors; 2 s ≤ n. The memory, 2 n (s + 1) numbers,
 * is the code's. SG_UNDECODABLE: those rows are dependent to working precision. About 4 n s² flops.
 */
sg_status sg_band_new(sg_code *code, int n, int s, const double *coef, int first,
                      const sg_band **out);

/* y (n numbers) is overwritten, x (n numbers) gets the solution: zero at the s rows before `first`.
 */
void sg_band_solve(const sg_band *band, double *y, double *x);
double sg_band_flops(const sg_band *band); /* of a call */

#endif
