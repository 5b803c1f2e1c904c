/* SPDX-License-Identifier: MIT */
/* Inner linear codes over the reals, for codes that work in groups.
 *
 * An [N, m, D] code: m numbers are sent as N, any N − D + 1 of which recover them. The generator G
 * is m × N, column-major; column c belongs to position c. A new inner code is one file and one line
 * in linear.c. */
#ifndef SG_CODES_LINEAR_H
#define SG_CODES_LINEAR_H

#include "sim/core/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct sg_linear_type {
  const char *name, *summary, *reference;

  /* The dimension that goes with a length, where there is only one; 0: every 1 ≤ m ≤ length.
   * NULL: every one. */
  int (*dimension)(int length);

  /* Fills G. */
  void (*generate)(int length, int m, uint64_t seed, double *g);

  /* Minimum distance. */
  int (*distance)(int length, int m);

  /* Decode weights by additions alone: w (m × m, row by row) such that Σ_c w[c][v] · (symbol at
   * position[c]) is number v; position: m rising positions. NULL: the m × m system is solved. */
  void (*add_up)(int length, int m, const int *position, double *w);
} sg_linear_type;

/* In the order of the documentation; NULL past the last. */
const sg_linear_type *sg_linear_type_at(int i);
extern const char *const sg_linear_names[]; /* NULL-terminated, in the same order */

#endif
