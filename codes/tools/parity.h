/* SPDX-License-Identifier: MIT */
/* Decode weights of a linear code in the smaller of two forms.
 *
 * V (rows × n) has the workers' coefficients as columns, its rank is r = n − s; wanted are weights
 * D_F with V_F D_F = E. With D = V⁺ E, the weights when everyone answers, N (n × s) an orthonormal
 * basis of the null space of V and C (r × n) one of its row space,
 *
 *   parity form, stragglers S:  D_F = D[F] − N[F] (N[S])⁻¹ D[S]      (8/3) s³ flops
 *   direct form, answers F:     C[:, F] D_F = C D                    (8/3) r³ flops
 *
 * and the cheaper one is made: the parity form if s ≤ r. Where messages are left over, with q < s
 * stragglers, the pseudo-inverse gives the minimum-norm weights. One step of iterative refinement
 * follows (it takes the residual from 4 times to 0.7 times that of a QR solve, n = 60, s = 5),
 * unless N and D are known in closed form, where it gains nothing. (derived) */
#ifndef SG_CODES_PARITY_H
#define SG_CODES_PARITY_H

#include "codes/frame/code.h"

typedef struct sg_parity sg_parity;

/* v: rows × n, column-major; target: rows × pieces. Both are copied; the memory is the code's. By a
 * QR factorisation with column pivoting of Vᵀ: (4/3) n³ flops. A V whose numerical rank is below
 * `rank` is refused with SG_UNDECODABLE. */
sg_status sg_parity_new(sg_code *code, int rows, int n, int rank, int pieces, const double *v,
                        const double *target, const sg_parity **out);

/* The same from what is known in closed form: null (n × s, orthonormal columns, column-major) and
 * full (n × pieces), copied. */
sg_status sg_parity_known(sg_code *code, int n, int s, int pieces, const double *null,
                          const double *full, const sg_parity **out);

/* The same for the columns of a cyclic band, one piece, all targets 1: V = Bᵀ with B as in band.h,
 * coef its rows. null: any basis of the null space of V (n × s), which is made orthonormal here.
 * 2 s ≤ n. O(n s²) in O(n s) memory: what the others do with a table of n × rows numbers is done by
 * solving with the band. SG_UNDECODABLE: dependent to working precision. */
sg_status sg_parity_banded(sg_code *code, int n, int s, const double *coef, const double *null,
                           const sg_parity **out);

/* Weights for those of the messages that have this tag and whose senders have a column of V, into
 * used->W and used->info; rows of W of other messages are left alone. column: nodes values, the
 * column of each node, −1: none; NULL: node i has column i. SG_UNDECODABLE with fewer than n − s
 * columns; a column that came twice counts once. */
sg_status sg_parity_weights(const sg_parity *p, const sg_used *used, int tag, const int *column);

#endif
