/* SPDX-License-Identifier: MIT */
/* A made inner code: its generator, its minimum distance, and how it is decoded.
 *
 * Survivors F decode when the columns G_F have rank m. The weights are the pseudo-inverse of G_F:
 * with exactly m survivors the solution of an m × m system, with more of them the minimum-norm
 * solution (better conditioned); types that can decode by additions do so first. */
#ifndef SG_CODES_INNER_H
#define SG_CODES_INNER_H

#include "codes/linear/linear.h"

typedef struct sg_inner {
  const sg_linear_type *type;
  int length, m;           /* N, m */
  int distance;            /* D, or a lower bound: what is promised is true in either case */
  const char *how;         /* how the distance is known, for people */
  bool mds;                /* any m positions are enough: counting replaces the rank test */
  bool least_squares;      /* over all that has come; otherwise over the first m that have rank m */
  const double *g;         /* m × N, column-major */
  const void *self;        /* the type's own */
  const double *row_space; /* m × N, orthonormal rows spanning those of G; NULL with mds */
  /* By bit set of survivors: where their inverse begins (in rows of m numbers), and its condition
   * is; −1: they are singular, −2: to be solved for. NULL: nothing is tabulated. */
  const int *index;
  const double *inverse, *cond1;
} sg_inner;

/* Shape rules are checked: m is what type->rules gave. Memory is the code's. */
sg_status sg_inner_new(sg_code *code, const sg_linear_type *type, const sg_values *values,
                       int length, int m, bool least_squares, const sg_inner **out, sg_error *e);

static inline const double *sg_inner_column(const sg_inner *c, int position) {
  return c->g + position * c->m;
}

/* Adds a position to a set of survivors. Returns whether its column raises the rank. basis: m × m
 * numbers, *rank: 0 before the first. O(m²). */
bool sg_inner_raise(const sg_inner *c, int position, double *basis, int *rank);

/* Bytes of workspace for sg_inner_weights with up to `count` survivors. */
size_t sg_inner_scratch(const sg_inner *c, int count);

/* Decode weights w (count × m, row by row) for survivors at rising positions. SG_UNDECODABLE if
 * their rank is less than m. cond1: 1-norm condition estimate, 1 for additions. */
sg_status sg_inner_weights(const sg_inner *c, int count, const int *position, double *w,
                           void *scratch, double *cond1, double *flops);

#endif
