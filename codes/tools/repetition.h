/* SPDX-License-Identifier: MIT */
/* Groups of workers with the same blocks, of which those without an answer are lost: what codes of
 * approximate fractional repetition share. theory: approximate-repetition */
#ifndef SG_CODES_TOOLS_REPETITION_H
#define SG_CODES_TOOLS_REPETITION_H

#include "codes/tools/approximate.h"
#include "codes/tools/groups.h"

typedef struct sg_repetition {
  sg_approximate base;
  sg_groups groups;
  bool mean; /* optimal weights: the mean of a group's answers (of least norm), not the first */
} sg_repetition;

/* P(nobody of the group answers): each by its p, or s of n, all sets alike. Straggling
 * (sg_approximate_straggling) and groups must have been read. O(workers). */
double sg_repetition_lost(const sg_repetition *t, int group);

/* Every worker's row: its group's blocks, as many as the group has workers, with coefficients 1.
 * Fills in optimal weights, O(n), and κ. For sg_approximate_new to follow. */
sg_status sg_repetition_place(sg_code *code, sg_repetition *t, sg_error *e);

#endif
