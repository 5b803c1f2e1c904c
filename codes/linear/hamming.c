/* SPDX-License-Identifier: MIT */
/* Hamming codes with their 0/1 generators taken over the reals: [2^r − 1, 2^r − 1 − r], and
 * extended by a parity of all, [2^r, 2^r − 1 − r].
 *
 * Systematic: a number goes to the parity checks in which its word of r bits has a one; the words
 * are those of two ones or more, fewest ones first, then the largest first ([7, 4]: 110, 101, 011,
 * 111). The extension is the parity, modulo 2, of a row. Which sets of positions decode is a
 * matter of rank over the reals, not modulo 2: the counts differ. (derived) */
#include "codes/linear/inner.h"

enum { LARGEST = 12 }; /* r */

extern const sg_linear_type sg_linear_extended_hamming;

static sg_status rules(const sg_linear_type *type, const sg_values *values, int length, int *m,
                       sg_error *e) {
  int extended = type == &sg_linear_extended_hamming, r = 2;
  while (r < LARGEST && (2 << r) - 1 + extended <= length) r++;
  if ((1 << r) - 1 + extended == length)
    return sg_linear_only(type, values, length, (1 << r) - 1 - r, m, e);
  return sg_fail_at(e, values, "d",
                    "expected groups of %s workers with linear_code %s (nearest: %d, %d), found %d",
                    extended ? "2^r" : "2^r - 1", type->name, (1 << r) - 1 + extended,
                    (2 << r) - 1 + extended, length);
}

static sg_status generate(sg_code *code, const sg_values *values, sg_inner *c, sg_error *e) {
  int extended = c->type == &sg_linear_extended_hamming, m = c->m, u = 0;
  int r = c->length - extended - m;
  for (int ones = 2; ones <= r; ones++)
    for (int word = (1 << r) - 1; word > 0; word--) {
      if (__builtin_popcount((unsigned)word) != ones) continue;
      c->g[u + u * m] = 1;
      for (int k = 0; k < r; k++) c->g[u + (m + k) * m] = word >> (r - 1 - k) & 1;
      if (extended) c->g[u + (m + r) * m] = (1 + ones) % 2;
      u++;
    }
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
    .rules = rules,
    .generate = generate,
};
