/* SPDX-License-Identifier: MIT */
/* Incremental rank test: whether the rows that have come so far span the all-ones row of every
 * piece. Elimination with pivoting, one row at a time: O(rank × parts × pieces) per message. */
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

#endif
