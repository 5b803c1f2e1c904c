/* SPDX-License-Identifier: MIT */
/* The k largest magnitudes of a vector, and the k that gives the best ternary message, without
 * sorting: magnitudes are compared by their bits, counted by the leading ones of these (the
 * exponent and five more), and only those that share them with the wanted one are looked at again.
 * Of a long vector a sample says between which numbers the k-th lies, and all is counted only where
 * it has misled. O(n).
 *
 * Workspace is p's scratch; false, with p->failed: no memory. */
#ifndef SG_MODELS_SELECT_H
#define SG_MODELS_SELECT_H

#include "models/compress/packed.h"

/* The k-th largest magnitude: what is larger is in, and so are the first `ties` of those `equal`
 * that equal it. Of vectors that are not finite `total` is not, and nothing else is said. */
typedef struct sg_cut {
  double value, sum;  /* sum: Σ of the k magnitudes */
  double total, most; /* of the vector: Σ |x_i|, and a bound of |x_i|: the largest, if 2^128 is less
                         than eight times as large */
  long k, ties, equal;
} sg_cut;

/* 1 ≤ k ≤ n. */
bool sg_cut_at(long n, const double *x, long k, sg_packed *p, sg_cut *cut);
/* The k that maximises (Σ of the k largest)²/k (theory: percentile-ternary), the smallest of
 * several; k = 0 of a zero vector. */
bool sg_best_cut(long n, const double *x, sg_packed *p, sg_cut *cut);

/* Index of the last of those equal to the cut that is in; n − 1 if all are. */
long sg_cut_last(long n, const double *x, const sg_cut *cut);

#endif
