/* SPDX-License-Identifier: MIT */
/* The parity-check decoder: a solve of the size of the stragglers, not of those who answered.
 *
 * V (rows × n) has the workers' coefficients as columns, its rank is n − s; wanted are weights D_F
 * with V_F D_F = E. With D = V⁺ E, the weights when everyone answers, and N (n × s) an orthonormal
 * basis of the null space of V,
 *
 *   D_F = D[F] − N[F] (N[S])⁻¹ D[S]
 *
 * for stragglers S; with fewer than s of them the pseudo-inverse of N[S] gives the minimum-norm
 * weights. One step of iterative refinement follows: the residual E − V_F D_F, through V⁺ and the
 * same correction. (2/3) s³ + O(n²) flops instead of (2/3) (n − s)³. (derived) */
#ifndef SG_CODES_PARITY_H
#define SG_CODES_PARITY_H

#include "codes/code.h"

typedef struct sg_parity sg_parity;

/* v: rows × n, column-major; target: rows × pieces. Both are copied; the memory is the code's. Uses
 * a singular value decomposition of V. */
sg_status sg_parity_new(sg_code *code, int rows, int n, int rank, int pieces, const double *v,
                        const double *target, const sg_parity **out, sg_error *e);

/* Weights for messages of distinct workers, sorted; at least n − s of them. */
sg_status sg_parity_weights(const sg_parity *p, const sg_used *used, double *W,
                            sg_decode_info *info);

#endif
