/* SPDX-License-Identifier: MIT */
/* Sparse placements drawn at random. */
#include "codes/tools/placement.h"
#include "sim/core/array.h"
#include "sim/core/elementary.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct drawn {
  int workers, blocks;
  size_t count, capacity;
  int *worker;   /* the workers of block 0, then of block 1, … */
  int *holders;  /* of each block */
  double *some;  /* workers + 1: the chance that this worker or a later one has the block */
  size_t *begin; /* workers + 1: where a worker's blocks are in `block` */
  int *block;
} drawn;

bool sg_placement_is_large(int workers) {
  return workers > 4096;
}

double sg_skip(double exponential, double chance) {
  return chance > 0 ? floor(exponential / -sg_log1p(-chance)) : INFINITY;
}

static bool add_holder(drawn *t, int worker, int block) {
  if (!SG_ROOM(t->worker, t->capacity, t->count + 1)) return false;
  t->worker[t->count++] = worker;
  t->holders[block]++;
  return true;
}

/* Whether worker j has the block is drawn in turn. Given that someone has it, as long as nobody
 * does the chance is c_j over that of this worker or a later one, so that the last one who can have
 * it does. */
static bool draw_block(const sg_draw *draw, drawn *t, uint64_t seed, int block) {
  sg_stream random;
  int end;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0, (uint32_t)block, 0);
  t->some[t->workers] = 0;
  for (int j = t->workers - 1; draw->cover && j >= 0; j--) {
    double chance = draw->chance(draw->of, j, block, &end);
    t->some[j] = chance + (1 - chance) * t->some[j + 1];
  }
  for (int j = 0; j < t->workers; j++) {
    double chance = draw->chance(draw->of, j, block, &end);
    if (draw->cover && t->holders[block] == 0 && chance > 0) chance /= t->some[j];
    if (sg_uniform(&random) < chance && !add_holder(t, j, block)) return false;
  }
  return true;
}

/* −Σ log(1 − chance) over all workers: nobody has the block with probability exp(−this). */
static double weight_of(const sg_draw *draw, int workers, int block) {
  double sum = 0;
  for (int j = 0, end; j < workers; j = end) {
    double chance = draw->chance(draw->of, j, block, &end);
    sum -= (end - j) * sg_log1p(-chance);
  }
  return sum;
}

/* The same law by skips: along the workers, worker j being −log(1 − chance) long, those that have
 * the block are where the points of a Poisson process of rate 1 lie. Given that there are some, the
 * first point is an exponential variable below the whole length. */
static bool draw_by_skips(const sg_draw *draw, drawn *t, uint64_t seed, int block) {
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 11, (uint32_t)block, 0);
  double most = draw->cover ? 1 - sg_exp(-weight_of(draw, t->workers, block)) : 1;
  double left = -sg_log1p(-sg_uniform(&random) * most);
  for (int j = 0, end, last = -1; j < t->workers; j = end) {
    double chance = draw->chance(draw->of, j, block, &end);
    if (chance > 0) last = end - 1;
    for (;;) {
      double skip = sg_skip(left, chance);
      if (!(skip < end - j)) break;
      j += (int)skip;
      if (!add_holder(t, j++, block)) return false;
      left = sg_exponential(&random, 1);
    }
    if (j < end) left = fmax(0, left + (end - j) * sg_log1p(-chance));
    /* Rounding may put the first point behind the last worker that can have the block. */
    if (end == t->workers && draw->cover && t->holders[block] == 0 && last >= 0)
      return add_holder(t, last, block);
  }
  return true;
}

bool sg_place_entries(sg_code *code, sg_approximate *t, int blocks, size_t count,
                      const sg_placed *entry) {
  size_t n = (size_t)code->shape.workers;
  if (!sg_approximate_place(code, t, blocks, count)) return false;
  sg_sparse *a = &t->a;
  memset(a->begin, 0, (n + 1) * sizeof *a->begin);
  for (size_t k = 0; k < count; k++) a->begin[entry[k].worker + 1]++;
  for (size_t j = 0; j < n; j++) a->begin[j + 1] += a->begin[j];
  for (size_t k = 0; k < count; k++) { /* begin[j] goes on to the end of row j … */
    size_t place = a->begin[entry[k].worker]++;
    a->column[place] = entry[k].block;
    a->value[place] = entry[k].value;
  }
  memmove(a->begin + 1, a->begin, n * sizeof *a->begin); /* … and back */
  a->begin[0] = 0;
  a->rows = (int)n;
  return true;
}

/* The other way round: the blocks of each worker, rising. */
static bool turn(drawn *t) {
  size_t n = (size_t)t->workers;
  t->begin = calloc(n + 2, sizeof *t->begin);
  t->block = malloc((t->count + 1) * sizeof *t->block);
  if (!t->begin || !t->block) return false;
  for (size_t k = 0; k < t->count; k++) t->begin[t->worker[k] + 2]++;
  for (size_t j = 2; j <= n + 1; j++) t->begin[j] += t->begin[j - 1];
  size_t k = 0;
  for (int i = 0; i < t->blocks; i++)
    for (int h = 0; h < t->holders[i]; h++) t->block[t->begin[t->worker[k++] + 1]++] = i;
  return true;
}

/* Leaves `most` of the blocks of a worker, chosen uniformly; of those that it alone has, all.
 * Returns how many are left, at the beginning of its list. */
static int prune(const sg_draw *draw, drawn *t, uint64_t seed, int worker) {
  int *has = t->block + t->begin[worker], count = (int)(t->begin[worker + 1] - t->begin[worker]);
  int left = 0, wanted = draw->most, kept = 0;
  if (draw->most == 0) return count;
  for (int i = 0; i < count; i++)
    if (draw->cover && t->holders[has[i]] == 1)
      wanted--;
    else
      left++;
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 1, (uint32_t)worker, 0);
  for (int i = 0; i < count; i++) {
    bool keep = draw->cover && t->holders[has[i]] == 1;
    if (!keep && sg_uniform(&random) * left-- < wanted) {
      wanted--;
      keep = true;
    }
    if (keep)
      has[kept++] = has[i];
    else
      t->holders[has[i]]--;
  }
  return kept;
}

static sg_status place(sg_code *code, const sg_draw *draw, drawn *t, sg_approximate *a) {
  uint64_t seed = code->shape.seed;
  bool skips =
      draw->by == SG_BY_SKIPS || (draw->by == SG_BY_SIZE && sg_placement_is_large(t->workers));
  t->holders = calloc((size_t)t->blocks, sizeof *t->holders);
  t->some = malloc(((size_t)t->workers + 1) * sizeof *t->some);
  double *ones = sg_code_alloc(code, (size_t)t->blocks, sizeof *ones);
  if (!t->holders || !t->some || !ones) return SG_NO_MEMORY;
  for (int i = 0; i < t->blocks; i++) {
    ones[i] = 1;
    if (!(skips ? draw_by_skips : draw_block)(draw, t, seed, i)) return SG_NO_MEMORY;
  }
  if (!turn(t) || !sg_approximate_place(code, a, t->blocks, t->count)) return SG_NO_MEMORY;
  for (int j = 0; j < t->workers; j++)
    sg_sparse_add_row(&a->a, prune(draw, t, seed, j), t->block + t->begin[j], ones);
  return SG_OK;
}

sg_status sg_placement_draw(sg_code *code, const sg_draw *draw, sg_approximate *a, sg_error *e) {
  drawn t = {.workers = code->shape.workers, .blocks = draw->blocks};
  sg_status status = place(code, draw, &t, a);
  free(t.worker);
  free(t.holders);
  free(t.some);
  free(t.begin);
  free(t.block);
  return status ? sg_fail_memory(e) : SG_OK;
}
