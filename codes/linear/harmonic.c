/* SPDX-License-Identifier: MIT */
/* A deterministic real maximum-distance-separable code with a tight-frame generator, G Gᵀ = I.
 *
 * Columns c = 0 … N − 1, scale √(2/N). m even: rows cos and sin of 2π (u + 1/2) c/N, u = 0 … m/2
 * − 1. m odd: a row 1/√2, then cos and sin of 2π u c/N, u = 1 … (m − 1)/2. Every m columns are a
 * Vandermonde matrix on the unit circle times a unitary one, hence invertible. Worst condition
 * number over survivor sets: cot(π/(2N)) for m = 2, √N for m = N − 1. (derived; not known to be
 * published) */
#include "codes/linear/inner.h"
#include "sim/core/elementary.h"

#include <math.h>

static void fill(int length, int m, int c, double *column) {
  double scale = sqrt(2.0 / length);
  int odd = m % 2;
  if (odd) column[0] = scale * M_SQRT1_2;
  for (int u = 0; u < m / 2; u++) {
    /* Twice the frequency, an integer, so that the angle is reduced without rounding. */
    long twice = odd ? 2 * (u + 1) : 2 * u + 1;
    double angle = M_PI * (double)(twice * c % (2L * length)) / length;
    column[odd + 2 * u] = scale * sg_cos(angle);
    column[odd + 2 * u + 1] = scale * sg_sin(angle);
  }
}

const sg_linear_type sg_linear_harmonic = {
    .name = "harmonic",
    .summary = "deterministic real harmonic frame, maximum distance separable and well conditioned",
    .reference = "straggle (derived)",
    .mds = "Singleton bound, met by construction",
    .column = fill,
};
