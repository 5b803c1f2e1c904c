/* SPDX-License-Identifier: MIT */
/* The workers whose loss is worst for a code, found greedily. */
#ifndef SG_SIM_WORST_H
#define SG_SIM_WORST_H

#include "codes/frame/code.h"

/* Marks `count` of the code's nodes, one after another: each time the one without which the sum is
 * no longer determined or, if it still is whichever is taken, with which the decoding weights
 * amplify most (the first of several). count · nodes decodes. A fault at `place` where a round of
 * the code cannot be tried without a clock. erased: code->nodes values, out. */
sg_status sg_worst_erasure(const sg_code *code, uint64_t seed, int count, const char *place,
                           bool *erased, sg_error *e);

#endif
