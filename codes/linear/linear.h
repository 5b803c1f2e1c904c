/* SPDX-License-Identifier: MIT */
/* Inner linear codes over the reals, for codes that work in groups.
 *
 * An [N, m, D] code: m numbers are sent as N, any N − D + 1 of which recover them. The generator G
 * is m × N, column-major; column c belongs to position c. A new inner code is one file and one line
 * in linear.c. What is common to all (minimum distance, decoding) is in inner.h. */
#ifndef SG_CODES_LINEAR_H
#define SG_CODES_LINEAR_H

#include "codes/frame/code.h"

struct sg_inner;

typedef struct sg_linear_type {
  const char *name, *summary, *reference;

  /* Why any m positions are enough, "by construction" or "with probability 1". NULL: not known, so
   * that the minimum distance is searched for and decoding goes by rank. */
  const char *mds;

  /* Checks what joins length, dimension and the type's own parameters; *m is the dimension that was
   * given (0: none) and becomes that of the code. Faults name the rule and the nearest valid
   * values, at "d", "m" or the parameter. NULL: every 1 ≤ m ≤ length, to be given. */
  sg_status (*rules)(const sg_values *values, int length, int *m, sg_error *e);

  /* Fills G (zeroed), and *self if the decoder needs more than G; memory is the code's. */
  sg_status (*generate)(sg_code *code, const sg_values *values, int length, int m, double *g,
                        const void **self, sg_error *e);

  /* Decode weights by additions alone: w (count × m, row by row, zeroed) such that Σ_i w[i][v] ·
   * (symbol at position[i]) is number v; position: rising. false: additions do not suffice, least
   * squares are next; w may be changed then. scratch: length × count numbers. NULL: there is no
   * such decoder. */
  bool (*add_up)(const struct sg_inner *code, int count, const int *position, double *w,
                 double *scratch, double *flops);
} sg_linear_type;

/* In the order of the documentation; NULL past the last. */
const sg_linear_type *sg_linear_type_at(int i);
extern const char *const sg_linear_names[]; /* NULL-terminated, in the same order */

/* The rule of types that have one dimension for a length: m is `only`, whether given or not. */
sg_status sg_linear_only(const sg_values *values, const char *name, int length, int only, int *m,
                         sg_error *e);

#endif
