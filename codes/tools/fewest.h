/* SPDX-License-Identifier: MIT */
/* Dealing things out evenly at random: each time of those items that have been taken least often.
 *
 * Round by round some different items are taken, one after the other, each a random one of those
 * with the fewest rounds behind them that this round has not got. So all items have been in `least`
 * rounds or one more, and it is enough to keep them apart. */
#ifndef SG_CODES_FEWEST_H
#define SG_CODES_FEWEST_H

#include "sim/core/random.h"

/* order[0 … low) are the items with the fewest rounds, order[0 … taken) those of this round. */
typedef struct sg_fewest {
  int count, low, taken;
  int *order; /* count numbers */
} sg_fewest;

/* 0 … count − 1, of no round; order: room for them, which stays the caller's. */
void sg_fewest_begin(sg_fewest *f, int count, int *order);
/* Takes one more, at most count in a round; a number of the stream. O(1). */
int sg_fewest_take(sg_fewest *f, sg_stream *random);
/* Ends the round. O(taken). */
void sg_fewest_end_round(sg_fewest *f);

#endif
