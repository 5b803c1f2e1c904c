/* SPDX-License-Identifier: MIT */
/* The Bernoulli gradient code (Charles, Papailiopoulos, Ellenberg 2017, arXiv:1711.06771): a worker
 * has each block with probability d/n, independently (recalled; theory: bernoulli).
 *
 * With one-step weights E ‖α − 1‖² = n(n − d)/(r d) for r of n workers (derived). A block that
 * nobody has (probability (1 − d/n)^n) is lost in every round, so `cover` draws given that somebody
 * has it. The regularised code prunes a worker with more than 2d blocks to 2d (recalled; perhaps
 * the paper means the blocks' degrees), which is what makes d < log n work. */
#include "codes/tools/placement.h"

#include <math.h>

static const sg_param params[] = {
    SG_ROW_REAL("d", 0, SG_UNBOUNDED, "computation load: mean number of blocks, of n, of a worker",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROW("regularise", SG_BOOL, "workers with more than 2d blocks are pruned to 2d at random"),
    SG_ROW("cover", SG_BOOL, "drawn given that every block has a worker"),
    SG_ROWS_APPROXIMATE,
    {0}};

typedef struct equal {
  int workers;
  double share;
} equal;

static double chance(const void *of, int worker, int block, int *end) {
  const equal *q = of;
  *end = q->workers;
  return q->share;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  double d = sg_real(values, "d");
  equal of = {n, d / n};
  if (d > n) return sg_fail_at(e, values, "d", "expected d ≤ n = %d, found %g", n, d);
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_draw draw = {.blocks = n,
                  .chance = chance,
                  .of = &of,
                  .cover = sg_bool(values, "cover"),
                  .most = sg_bool(values, "regularise") ? (int)ceil(2 * d) : 0};
  sg_status status = sg_placement_draw(code, &draw, t, e);
  if (status) return status;
  /* The formula's weights are those of the mean; otherwise of what was drawn. */
  if (!draw.cover && !draw.most) t->replication = d;
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
