/* SPDX-License-Identifier: MIT */
/* Sparse placements drawn at random. */
#include "codes/tools/placement.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <stdlib.h>

typedef struct table {
  int workers, blocks;
  unsigned char *has; /* workers × blocks */
  int *holders;       /* of each block */
  double *some;       /* workers + 1: the chance that this worker or a later one has the block */
} table;

static unsigned char *row_of(const table *t, int worker) {
  return t->has + (size_t)worker * (size_t)t->blocks;
}

/* Whether worker j has the block is drawn in turn. Given that someone has it, as long as nobody
 * does the chance is c_j over that of this worker or a later one, so that the last one who can have
 * it does. */
static void draw_block(const sg_draw *draw, table *t, uint64_t seed, int block) {
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0, (uint32_t)block, 0);
  t->some[t->workers] = 0;
  for (int j = t->workers - 1; draw->cover && j >= 0; j--) {
    double chance = draw->chance(draw->of, j, block);
    t->some[j] = chance + (1 - chance) * t->some[j + 1];
  }
  for (int j = 0; j < t->workers; j++) {
    double chance = draw->chance(draw->of, j, block);
    if (draw->cover && t->holders[block] == 0 && chance > 0) chance /= t->some[j];
    bool in = sg_uniform(&random) < chance;
    row_of(t, j)[block] = in;
    t->holders[block] += in;
  }
}

/* Leaves `most` of the blocks of a worker, chosen uniformly; of those that it alone has, all. */
static void prune(const sg_draw *draw, table *t, uint64_t seed, int worker) {
  unsigned char *has = row_of(t, worker);
  int left = 0, wanted = draw->most;
  for (int i = 0; i < t->blocks; i++)
    if (has[i] && draw->cover && t->holders[i] == 1)
      wanted--;
    else
      left += has[i];
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 1, (uint32_t)worker, 0);
  for (int i = 0; i < t->blocks; i++) {
    if (!has[i] || (draw->cover && t->holders[i] == 1)) continue;
    if (sg_uniform(&random) * left-- < wanted)
      wanted--;
    else {
      has[i] = 0;
      t->holders[i]--;
    }
  }
}

sg_status sg_placement_draw(sg_code *code, const sg_draw *draw, sg_approximate *a, sg_error *e) {
  size_t n = (size_t)code->shape.workers, blocks = (size_t)draw->blocks, entries = 0;
  uint64_t seed = code->shape.seed;
  double *ones = sg_code_alloc(code, blocks, sizeof *ones);
  SG_OWNED unsigned char *has = malloc(n * blocks);
  SG_OWNED int *holders = calloc(2 * blocks, sizeof *holders);
  SG_OWNED double *some = malloc((n + 1) * sizeof *some);
  if (!ones || !has || !holders || !some) return sg_fail_memory(e);
  table t = {(int)n, (int)blocks, has, holders, some};
  for (int i = 0; i < t.blocks; i++) draw_block(draw, &t, seed, i);
  for (int j = 0; j < t.workers && draw->most > 0; j++) prune(draw, &t, seed, j);
  for (int i = 0; i < t.blocks; i++) entries += (size_t)holders[i];
  if (!sg_approximate_place(code, a, t.blocks, entries)) return sg_fail_memory(e);
  int *block = holders + blocks;
  for (int j = 0; j < t.workers; j++) {
    int load = 0;
    for (int i = 0; i < t.blocks; i++)
      if (row_of(&t, j)[i]) {
        ones[load] = 1;
        block[load++] = i;
      }
    sg_sparse_add_row(&a->a, load, block, ones);
  }
  return SG_OK;
}
