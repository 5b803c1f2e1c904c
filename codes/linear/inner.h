/* SPDX-License-Identifier: MIT */
/* Inner linear codes over the reals, for codes that work in groups.
 *
 * An [N, m, D] code: m numbers are sent as N, any N − D + 1 of which recover them. The generator G
 * is m × N, column-major; column c belongs to position c. A new inner code is one file and one line
 * in linear.c. What is common to all, minimum distance and decoding, is in inner.c.
 *
 * Survivors F decode when the columns G_F have rank m. The weights are the pseudo-inverse of G_F:
 * with exactly m survivors the solution of an m × m system, with more of them the minimum-norm
 * solution (better conditioned); types that can decode by additions do so first. */
#ifndef SG_CODES_INNER_H
#define SG_CODES_INNER_H

#include "codes/frame/code.h"

typedef struct sg_linear_type sg_linear_type;

/* A made inner code: its generator, its minimum distance, and how it is decoded. */
typedef struct sg_inner {
  const sg_linear_type *type;
  int length, m;           /* N, m */
  int distance;            /* D, or a lower bound: what is promised is true in either case */
  const char *how;         /* how the distance is known, for people */
  bool mds;                /* any m positions are enough: counting replaces the rank test */
  bool least_squares;      /* over all that has come; otherwise over the first m that have rank m */
  double *g;               /* m × N, column-major */
  const void *self;        /* the type's own */
  const double *row_space; /* m × N, orthonormal rows spanning those of G; NULL with mds */
  /* By bit set of survivors: where their inverse begins (in rows of m numbers), and its condition
   * is; −1: they are singular, −2: to be solved for. NULL: nothing is tabulated. */
  const int *index;
  const double *inverse, *cond1;
} sg_inner;

struct sg_linear_type {
  const char *name, *summary, *reference;

  /* Why any m positions are enough, "by construction" or "with probability 1". NULL: not known, so
   * that the minimum distance is searched for and decoding goes by rank. */
  const char *mds;

  /* Checks what joins length, dimension and the type's own parameters; *m is the dimension that was
   * given (0: none) and becomes that of the code. Faults name the rule and the nearest valid
   * values, at "d", "m" or the parameter. NULL: every 1 ≤ m ≤ length, to be given. */
  sg_status (*rules)(const sg_linear_type *type, const sg_values *values, int length, int *m,
                     sg_error *e);

  /* Column c of G, where there is a formula for it. */
  void (*column)(int length, int m, int c, double *column);
  /* In its place: fills c->g (zeroed), and c->self if the decoder needs more; memory is the code's.
   * Only type, length and m are known. */
  sg_status (*generate)(sg_code *code, const sg_values *values, sg_inner *c, sg_error *e);

  /* Decode weights by additions alone: w (count × m, row by row, zeroed) such that Σ_i w[i][v] ·
   * (symbol at position[i]) is number v; position: rising. false: additions do not suffice, least
   * squares are next; w may be changed then. scratch: length × count numbers. NULL: there is no
   * such decoder. */
  bool (*add_up)(const sg_inner *code, int count, const int *position, double *w, double *scratch,
                 double *flops);
};

/* In the order of the documentation; NULL past the last. */
const sg_linear_type *sg_linear_type_at(int i);
extern const char *const sg_linear_names[]; /* NULL-terminated, in the same order */

/* The rule of types that have one dimension for a length: m is `only`, whether given or not. */
sg_status sg_linear_only(const sg_linear_type *type, const sg_values *values, int length, int only,
                         int *m, sg_error *e);

/* Powers 0 … m − 1 of a point: columns of a Vandermonde matrix, for Ye and Abbe's scheme, too. */
double sg_vandermonde_point(int length, int c);
void sg_vandermonde_column(int length, int m, int c, double *column);

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

/* The same where the rank is less than m: the pseudo-inverse of the columns, with which the
 * estimate is the projection on their span. 1 ≤ count. */
sg_status sg_inner_nearest(const sg_inner *c, int count, const int *position, double *w,
                           void *scratch, double *cond1, double *flops);

#endif
