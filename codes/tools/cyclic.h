/* SPDX-License-Identifier: MIT */
/* The matrix B of cyclic repetition (Tandon et al. 2017), for the codes that use it.
 *
 * P (s × n) has independent N(0, 1) columns, the last one minus the sum of the others, so that
 * P 1 = 0. Row i of B has a 1 at column i and −P[:, others]⁻¹ P[:, i] at columns i + 1, …, i + s
 * (mod n), so that the rows of B lie in the null space of P, which has dimension n − s and contains
 * the all-ones row: any n − s rows span it. Any 0 ≤ s < n. */
#ifndef SG_CODES_CYCLIC_H
#define SG_CODES_CYCLIC_H

#include "codes/tools/parity.h"

typedef struct sg_cyclic {
  int n, s;
  double *coef;            /* n × (s + 1), row by row: columns i, i + 1, … of row i */
  const sg_parity *parity; /* decode weights of any n − s rows */
} sg_cyclic;

/* A table for n workers, which need not be all of the code's. The memory is the code's. A singular
 * draw of the seed is a fault at `values`. O(n s³) in O(n s) memory; up to 512 workers, and where
 * 2 s > n, O(n s³ + n³) in O(n²) for the decoder. P of one seed has the same first rows whatever s,
 * so that the rows of a larger s lie in the span of those of a smaller one. */
sg_status sg_cyclic_new(sg_code *code, const sg_values *values, int n, int s, uint64_t seed,
                        sg_cyclic **out, sg_error *e);
/* The same without a decoder (`parity` is NULL) and without coefficients yet. */
sg_status sg_cyclic_blank(sg_code *code, int n, int s, sg_cyclic **out, sg_error *e);
/* Fills in the coefficients by the draw-th P of the seed; sg_cyclic_new takes the 0-th.
 * SG_UNDECODABLE: a singular draw. SG_NO_MEMORY. O(n s³). */
sg_status sg_cyclic_draw(const sg_cyclic *c, uint64_t seed, uint32_t draw);
/* The same, and how small the first or last coefficient of a row gets, over its norm: *least, of
 * all rows. It ends, without the coefficients of the other rows, as soon as that is at most `bar`.
 */
sg_status sg_cyclic_draw_above(const sg_cyclic *c, uint64_t seed, uint32_t draw, double bar,
                               double *least);

/* Row i of B over the parts first, …, first + n − 1. */
void sg_cyclic_row(const sg_cyclic *cyclic, int i, int first, sg_row *row);

/* For codes of one cyclic matrix, whose `self` is an sg_cyclic: rows over the shares of all n
 * workers, and decode weights of any n − s of them. */
void sg_cyclic_encode(const sg_code *code, const sg_message *message, sg_row *row);
sg_status sg_cyclic_weights(const sg_code *code, const sg_used *used);

#endif
