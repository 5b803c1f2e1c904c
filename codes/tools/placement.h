/* SPDX-License-Identifier: MIT */
/* Sparse placements drawn at random: every worker has every block with a chance of its own. */
#ifndef SG_CODES_TOOLS_PLACEMENT_H
#define SG_CODES_TOOLS_PLACEMENT_H

#include "codes/tools/approximate.h"

typedef struct sg_draw {
  int blocks;
  /* P(the worker has the block), from 0 to 1, independent of the others. */
  double (*chance)(const void *of, int worker, int block);
  const void *of;
  bool cover; /* given that some worker has the block, for each block */
  int most;   /* of the blocks of a worker so many are kept, at random; with `cover` none of which
                 it is the only holder is dropped, which may leave more. 0: all are kept */
} sg_draw;

/* Draws a placement with entries 1 into t->a, from streams of code->shape.seed alone. A block whose
 * chances are all 0 stays without a worker, `cover` or not. SG_NO_MEMORY. O(workers · blocks) time,
 * memory in proportion to what was drawn. */
sg_status sg_placement_draw(sg_code *code, const sg_draw *draw, sg_approximate *t, sg_error *e);

#endif
