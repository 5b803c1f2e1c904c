/* SPDX-License-Identifier: MIT */
#include "sim/core/bits.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>

double sg_worth_of_bits(double p, double variance, int bits) {
  if (bits == 0 || p >= 1) return 0;
  double levels = ldexp(1, bits) - 1, noise = bits < 0 ? 0 : variance / (levels * levels);
  return (1 - p) / (noise + p);
}

sg_status sg_share_bits(int n, const double *p, double variance, int budget, int *bits,
                        double *worth) {
  if (budget > n * SG_MOST_BITS) budget = n * SG_MOST_BITS;
  /* best[b]: the most that workers so far make of b bits, all of them; took: the last one's. */
  size_t width = (size_t)budget + 1;
  SG_OWNED double *best = malloc(2 * width * sizeof *best);
  SG_OWNED signed char *took = malloc((size_t)n * width);
  if (!best || !took) return SG_NO_MEMORY;
  double *before = best, *now = best + width;
  for (size_t b = 0; b < width; b++) before[b] = b == 0 ? 0 : -INFINITY;
  for (int i = 0; i < n; i++) {
    double gain[SG_MOST_BITS + 1];
    for (int own = 0; own <= SG_MOST_BITS; own++) gain[own] = sg_worth_of_bits(p[i], variance, own);
    for (size_t b = 0; b < width; b++) {
      signed char *choice = &took[(size_t)i * width + b];
      now[b] = -INFINITY;
      *choice = 0;
      for (size_t own = 0; own <= SG_MOST_BITS && own <= b; own++)
        if (before[b - own] + gain[own] >= now[b]) {
          now[b] = before[b - own] + gain[own];
          *choice = (signed char)own;
        }
    }
    double *swap = before;
    before = now;
    now = swap;
  }
  *worth = before[budget];
  for (int i = n - 1, left = budget; i >= 0; i--) {
    bits[i] = took[(size_t)i * width + (size_t)left];
    left -= bits[i];
  }
  return SG_OK;
}
