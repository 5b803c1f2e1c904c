/* SPDX-License-Identifier: MIT */
/* Sparse placements drawn at random: every worker has every block with a chance of its own. */
#ifndef SG_CODES_TOOLS_PLACEMENT_H
#define SG_CODES_TOOLS_PLACEMENT_H

#include "codes/tools/approximate.h"

typedef enum sg_drawn_by { SG_BY_SIZE, SG_ONE_BY_ONE, SG_BY_SKIPS } sg_drawn_by;

typedef struct sg_draw {
  int blocks;
  /* P(the worker has the block), from 0 to 1, independent of the others. *end: the first worker
   * behind it whose chance is another one, or may be. */
  double (*chance)(const void *of, int worker, int block, int *end);
  const void *of;
  bool cover; /* given that some worker has the block, for each block */
  int most;   /* of the blocks of a worker so many are kept, at random; with `cover` none of which
                 it is the only holder is dropped, which may leave more. 0: all are kept */
  sg_drawn_by by; /* SG_BY_SIZE but in tests */
} sg_draw;

/* Whether random placements for so many workers are drawn in time that goes with what is in them,
 * from other random numbers than those of fewer workers: above 4096. Their law is the same. */
bool sg_placement_is_large(int workers);

/* Draws a placement with entries 1 into t->a, from streams of code->shape.seed alone. A block whose
 * chances are all 0 stays without a worker, `cover` or not. SG_NO_MEMORY. Memory in proportion to
 * what was drawn. Time O(workers · blocks), a number for each pair; with many workers O(entries +
 * runs of equal chances), by skips over those that do not have the block. */
sg_status sg_placement_draw(sg_code *code, const sg_draw *draw, sg_approximate *t, sg_error *e);

/* An entry of a placement. */
typedef struct sg_placed {
  int worker, block;
  double value;
} sg_placed;

/* The placement of these entries into t->a, each place at most once; a worker's stand in the order
 * in which they come here. false: no memory. O(workers + count). */
bool sg_place_entries(sg_code *code, sg_approximate *t, int blocks, size_t count,
                      const sg_placed *entry);

/* How many of those that do not have it lie before the next one that has, each having it with this
 * chance: ⌊E/−log(1 − chance)⌋ for an exponential variable E, as a whole number that is not
 * rounded; INFINITY for chance 0. */
double sg_skip(double exponential, double chance);

#endif
