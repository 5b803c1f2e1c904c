/* SPDX-License-Identifier: MIT */
/* The Bernoulli gradient code (Charles, Papailiopoulos, Ellenberg 2017, arXiv:1711.06771): a worker
 * has each block with probability d/n, independently (recalled).
 *
 * With one-step weights E ‖α − 1‖² = n(n − d)/(r d) for r of n workers (derived). A block that
 * nobody has (probability (1 − d/n)^n) is lost in every round, so `cover` draws such blocks again.
 * The regularised code prunes a worker with more than 2d blocks to 2d (recalled; perhaps the paper
 * means the blocks' degrees), which is what makes d < log n work. */
#include "codes/tools/approximate.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const sg_param params[] = {
    SG_ROW_REAL("d", 0, SG_UNBOUNDED, "computation load: mean number of blocks, of n, of a worker",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROW("regularise", SG_BOOL, "workers with more than 2d blocks are pruned to 2d at random"),
    SG_ROW("cover", SG_BOOL, "blocks that no worker has are drawn again until one does"),
    SG_ROWS_APPROXIMATE,
    {0}};

typedef struct draws {
  int n;
  double chance;
  unsigned char *has; /* workers × blocks */
} draws;

static bool draw_block(const draws *q, uint64_t seed, int block, uint32_t attempt) {
  bool any = false;
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0, (uint32_t)block, attempt);
  for (int j = 0; j < q->n; j++) {
    bool in = sg_uniform(&random) < q->chance;
    q->has[(size_t)j * (size_t)q->n + (size_t)block] = in;
    any |= in;
  }
  return any;
}

/* Leaves `most` of the blocks of a worker, chosen at random. */
static int prune(unsigned char *has, int n, int load, int most, uint64_t seed, int worker) {
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 1, (uint32_t)worker, 0);
  for (int i = 0, left = load, wanted = most; i < n; i++) {
    if (!has[i]) continue;
    bool keep = sg_uniform(&random) * left < wanted;
    left--;
    if (keep)
      wanted--;
    else
      has[i] = 0;
  }
  return load < most ? load : most;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  double d = sg_real(values, "d");
  bool cover = sg_bool(values, "cover");
  if (d > n) return sg_fail_at(e, values, "d", "expected d ≤ n = %d, found %g", n, d);
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  double *ones = sg_code_alloc(code, (size_t)n, sizeof *ones);
  int *block = sg_code_alloc(code, (size_t)n, sizeof *block);
  draws q = {.n = n, .chance = d / n, .has = malloc((size_t)n * (size_t)n)};
  size_t entries = 0;
  sg_status status = t && ones && block && q.has ? SG_OK : sg_fail_memory(e);
  for (int i = 0; !status && i < n; i++)
    for (uint32_t attempt = 0; !draw_block(&q, shape->seed, i, attempt) && cover; attempt++)
      if (attempt > 60000)
        status = sg_fail_at(e, values, "cover", "expected a larger d: no worker draws block %d", i);
  for (int j = 0; !status && j < n; j++) {
    unsigned char *has = q.has + (size_t)j * (size_t)n;
    int load = 0, most = (int)ceil(2 * d);
    for (int i = 0; i < n; i++) load += has[i];
    if (sg_bool(values, "regularise")) load = prune(has, n, load, most, shape->seed, j);
    entries += (size_t)load;
  }
  if (!status && !sg_approximate_place(code, t, n, entries)) status = sg_fail_memory(e);
  for (int j = 0; !status && j < n; j++) {
    int load = 0;
    for (int i = 0; i < n; i++)
      if (q.has[(size_t)j * (size_t)n + (size_t)i]) {
        ones[load] = 1;
        block[load++] = i;
      }
    sg_sparse_add_row(&t->a, load, block, ones);
  }
  free(q.has);
  if (status) return status;
  t->replication = d;
  return sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_bernoulli = {
    .about = {.name = "bernoulli",
              .brief = "random sparse placement, approximate",
              .summary = "Bernoulli gradient code: a worker has each of n blocks with "
                         "probability d/n and sends their sum. Approximate.",
              .reference = "Charles, Papailiopoulos, Ellenberg 2017, arXiv:1711.06771 (recalled).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
