/* SPDX-License-Identifier: MIT */
/* Incremental rank test: whether the rows that have come so far span the all-ones row of every
 * piece. Elimination with pivoting within the row, one row at a time: O(rank × parts × pieces) per
 * message, less where rows stay sparse. The factors are kept, as they come, so that the weights
 * with which the rows give the sum need no second elimination. */
#ifndef SG_CODES_RANK_H
#define SG_CODES_RANK_H

#include "codes/frame/code.h"

typedef struct sg_rank sg_rank;

sg_rank *sg_rank_new(const sg_code *code, int segment);
void sg_rank_free(sg_rank *r);
void sg_rank_clear(sg_rank *r);

/* Adds the row of a message. SG_SKIP: it depends on those before; SG_READY: the sum can be
 * recovered now. *failed is set when there is no memory. */
sg_verdict sg_rank_add(sg_rank *r, const void *state, const sg_message *message, bool *failed);

/* The weights of the messages that have been added since sg_rank_clear, if the sum can be recovered
 * and `message` holds exactly those of them that do not depend on others, in any order; otherwise
 * SG_UNDECODABLE. SG_NO_MEMORY. The rows are independent, so there are no other weights; these
 * are one solve with triangular factors, O(entries of the factors × pieces). W: count × pieces, row
 * by row. *cond1: ‖A‖₁ times an estimate of ‖A_P⁻¹‖₁ (Higham 1988), A having a column per message
 * and A_P being its square part in the pivots. *flops: of all eliminations and of this solve. */
sg_status sg_rank_weights(sg_rank *r, int count, const sg_message *const *message, double *W,
                          double *cond1, double *flops);

#endif
