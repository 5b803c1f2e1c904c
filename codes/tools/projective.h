/* SPDX-License-Identifier: MIT */
/* Sparse unit vectors that are spread in real projective space, for codes whose messages are to
 * share little (theory: projective-derivative; the search is ours). */
#ifndef SG_CODES_PROJECTIVE_H
#define SG_CODES_PROJECTIVE_H

#include "codes/frame/code.h"
#include "codes/tools/sparse.h"

enum { SG_SPREAD_WEIGHT = 3 }; /* most entries of a vector */

typedef struct sg_spread {
  double coherence; /* max |⟨c_j, c_k⟩| over j ≠ k; the least distance is √(1 − coherence²) */
  double potential; /* Σ_{j<k} ⟨c_j, c_k⟩² */
  double welch;     /* the least it can be, max(0, (rows²/blocks − rows)/2) */
  int rank;
} sg_spread;

/* rows unit vectors in `blocks` dimensions with at most `weight` ≤ SG_SPREAD_WEIGHT entries each,
 * of rank min(rows, blocks): the unit vectors and random ones, then exchanges of one vector at a
 * time as long as Σ ⟨c_j, c_k⟩⁴ falls, a number that large products and duplicates dominate.
 * Of more than 512 vectors the exchanges end after some 5·10⁷ products, with many
 * vectors in few dimensions before the first (random ones are spread well there), and the first
 * `blocks` stay unit vectors where rows · blocks² > 10⁹. Deterministic in the code's seed. Memory
 * is the code's. O(rows · blocks²), and milliseconds for a hundred; with many O(rows²/blocks + 10⁹)
 * at most. SG_NO_MEMORY. */
sg_status sg_spread_rows(sg_code *code, int rows, int blocks, int weight, sg_sparse *out,
                         sg_spread *report);

#endif
