/* SPDX-License-Identifier: MIT */
/* Hamming codes with their 0/1 generators taken over the reals: [2^r − 1, 2^r − 1 − r], and
 * extended by a parity of all, [2^r, 2^r − 1 − r].
 *
 * Systematic: a number goes to the parity checks in which its word of r bits has a one; the words
 * are those of two ones or more, fewest ones first, then the largest first ([7, 4]: 110, 101, 011,
 * 111). The extension is the parity, modulo 2, of a row. Which sets of positions decode is a
 * matter of rank over the reals, not modulo 2: the counts differ. (derived) */
#include "codes/linear/linear.h"

enum { LARGEST = 12 }; /* r */

/* r with 2^r − 1 + extended = length, 0 if there is none. */
static int order_of(int length, int extended) {
  for (int r = 2; r <= LARGEST; r++)
    if ((1 << r) - 1 + extended == length) return r;
  return 0;
}

static sg_status check(const sg_values *values, const char *name, int length, int extended, int *m,
                       sg_error *e) {
  int r = order_of(length, extended);
  if (r) return sg_linear_only(values, name, length, (1 << r) - 1 - r, m, e);
  for (r = 2; r < LARGEST && (2 << r) - 1 + extended < length;) r++;
  return sg_fail_at(e, values, "d",
                    "expected groups of %s workers with linear_code %s (nearest: %d, %d), found %d",
                    extended ? "2^r" : "2^r - 1", name, (1 << r) - 1 + extended,
                    (2 << r) - 1 + extended, length);
}

static sg_status rules(const sg_values *values, int length, int *m, sg_error *e) {
  return check(values, "hamming", length, 0, m, e);
}

static sg_status rules_extended(const sg_values *values, int length, int *m, sg_error *e) {
  return check(values, "extended-hamming", length, 1, m, e);
}

static void fill(int r, int extended, int m, double *g) {
  int u = 0;
  for (int ones = 2; ones <= r; ones++)
    for (int word = (1 << r) - 1; word > 0; word--) {
      if (__builtin_popcount((unsigned)word) != ones) continue;
      g[u + u * m] = 1;
      for (int k = 0; k < r; k++) g[u + (m + k) * m] = word >> (r - 1 - k) & 1;
      if (extended) g[u + (m + r) * m] = (1 + ones) % 2;
      u++;
    }
}

static sg_status generate(sg_code *code, const sg_values *values, int length, int m, double *g,
                          const void **self, sg_error *e) {
  fill(order_of(length, 0), 0, m, g);
  return SG_OK;
}

static sg_status generate_extended(sg_code *code, const sg_values *values, int length, int m,
                                   double *g, const void **self, sg_error *e) {
  fill(order_of(length, 1), 1, m, g);
  return SG_OK;
}

const sg_linear_type sg_linear_hamming = {
    .name = "hamming",
    .summary = "Hamming code over the reals, d = 2^r - 1 and m = d - r: [7, 4]",
    .reference = "Hamming (1950); over the reals: straggle (derived)",
    .rules = rules,
    .generate = generate,
};
const sg_linear_type sg_linear_extended_hamming = {
    .name = "extended-hamming",
    .summary = "extended Hamming code over the reals, d = 2^r and m = d - 1 - r: [8, 4]",
    .reference = "Hamming (1950); over the reals: straggle (derived)",
    .rules = rules_extended,
    .generate = generate_extended,
};
