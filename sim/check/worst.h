/* SPDX-License-Identifier: MIT */
/* The workers whose loss is worst for a code, found greedily. */
#ifndef SG_CHECK_WORST_H
#define SG_CHECK_WORST_H

#include "codes/frame/code.h"

/* Marks `count` of the workers, one after another. Of an exact code each time one without which the
 * sum cannot be decoded any more; if there is none, the one without which the decode weights are
 * largest (sg_check.amplification). Of others the one without which the decoding error is largest,
 * then the weights; and if it is worse to take all holders of one part after the other
 * (sg_load_isolate), these. Of several the first. count · workers decodes. A mistake in the code is
 * a fault at `place`. erased: code->nodes values, out; relays are not. */
sg_status sg_worst_erasure(const sg_code *code, uint64_t seed, int count, const char *place,
                           bool *erased, sg_error *e);

#endif
