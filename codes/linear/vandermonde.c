/* SPDX-License-Identifier: MIT */
/* Polynomials at real points: maximum distance separable by construction, ill-conditioned all the
 * same. Monomials at the points of Ye and Abbe's scheme, or Chebyshev polynomials at Chebyshev
 * points. */
#include "codes/linear/linear.h"

#include <math.h>

/* 0 (odd length), 1, 1.5, 2, …, −1, −1.5, …: the points of Ye and Abbe (2018, recalled). */
static double evaluation_point(int length, int c) {
  int odd = length % 2, half = length / 2;
  if (odd && c == 0) return 0;
  c -= odd;
  return c < half ? 1 + c / 2.0 : -(1 + (c - half) / 2.0);
}

static sg_status generate(sg_code *code, const sg_values *values, int length, int m, double *g,
                          const void **self, sg_error *e) {
  for (int c = 0; c < length; c++) {
    double power = 1;
    for (int u = 0; u < m; u++, power *= evaluation_point(length, c)) g[u + c * m] = power;
  }
  return SG_OK;
}

/* T_u(cos((2c + 1) π/(2N))) = cos(u (2c + 1) π/(2N)). */
static sg_status generate_chebyshev(sg_code *code, const sg_values *values, int length, int m,
                                    double *g, const void **self, sg_error *e) {
  for (int c = 0; c < length; c++)
    for (int u = 0; u < m; u++) {
      long quarter = (long)u * (2 * c + 1) % (4L * length); /* of π/2N; an exact reduction */
      g[u + c * m] = cos(M_PI * (double)quarter / (2 * length));
    }
  return SG_OK;
}

const sg_linear_type sg_linear_vandermonde = {
    .name = "vandermonde",
    .summary = "powers of the points of Ye and Abbe's scheme; ill-conditioned",
    .reference = "Ye, Abbe (ICML 2018), arXiv:1802.03475 (points recalled)",
    .mds = "Singleton bound, met by construction",
    .generate = generate,
};
const sg_linear_type sg_linear_chebyshev = {
    .name = "chebyshev",
    .summary = "Chebyshev polynomials at Chebyshev points",
    .reference = "Fahim, Cadambe (2019), arXiv:1903.08326 (recalled)",
    .mds = "Singleton bound, met by construction",
    .generate = generate_chebyshev,
};
