/* SPDX-License-Identifier: MIT */
/* Shards: a plan's runs dealt out to processes that know nothing of each other.
 *
 * What is dealt is a block of runs of one point, as many as are computed side by side, because a
 * block costs the same with fewer. Every shard gets one block of each n of a point; what is left
 * over goes, dearest point first, to the shard that has least. The deal depends on the plan and on
 * the number of shards alone, not on what is there, so that all shards make the same and an
 * interrupted one finds its own again. */
#ifndef SG_SIM_SHARD_H
#define SG_SIM_SHARD_H

#include "sim/core/text.h"
#include "sim/experiment/plan.h"

typedef struct sg_shard {
  int index, count; /* index from 0; people count from 1 */
} sg_shard;

/* "3/8", "auto", or "auto/8" from what a scheduler put into the environment
 * (docs/many-machines.md). SG_USAGE says what was found there. */
sg_status sg_shard_read(const char *text, sg_shard *out, sg_error *e);
/* "dir/name.shard-3-of-8.db" of "dir/name.db". */
void sg_shard_put_database(const sg_shard *shard, const char *database, sg_buffer *out);

typedef struct sg_deal {
  sg_shard shard;
  int *first;    /* of each point of the plan: where what is left over begins in owner */
  int *owner;    /* shards of the blocks that are left over */
  int *turn;     /* of each point: the shard that has the first block of every n */
  double *share; /* of each shard: its part of the expected work, 0 … 1 */
  const sg_plan *plan;
} sg_deal;

sg_status sg_deal_new(const sg_plan *plan, sg_shard shard, sg_deal **out, sg_error *e);
void sg_deal_free(sg_deal *deal);
/* Whether a run is this shard's; deal NULL: all are. */
bool sg_deal_has(const sg_deal *deal, int point, int replication);
/* What a block of a point is expected to cost, in microseconds or so: to compare points. */
double sg_block_cost(const sg_planned *p);

#endif
