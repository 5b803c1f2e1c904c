/* SPDX-License-Identifier: MIT */
/* Polynomials at real points: maximum distance separable by construction, ill-conditioned all the
 * same. Monomials at the points of Ye and Abbe's scheme, or Chebyshev polynomials at Chebyshev
 * points. */
#include "codes/linear/inner.h"
#include "sim/core/elementary.h"

#include <math.h>

/* The points are 0 (odd length), 1, 1.5, 2, …, −1, −1.5, … (Ye and Abbe 2018, recalled). */
double sg_vandermonde_point(int length, int c) {
  int odd = length % 2, half = length / 2;
  if (odd && c == 0) return 0;
  c -= odd;
  return c < half ? 1 + c / 2.0 : -(1 + (c - half) / 2.0);
}

void sg_vandermonde_column(int length, int m, int c, double *column) {
  double power = 1;
  for (int u = 0; u < m; u++, power *= sg_vandermonde_point(length, c)) column[u] = power;
}

/* T_u(cos((2c + 1) π/(2N))) = cos(u (2c + 1) π/(2N)). */
static void chebyshev_column(int length, int m, int c, double *column) {
  for (int u = 0; u < m; u++) {
    long quarter = (long)u * (2 * c + 1) % (4L * length); /* of π/2N; an exact reduction */
    column[u] = sg_cos(M_PI * (double)quarter / (2 * length));
  }
}

const sg_linear_type sg_linear_vandermonde = {
    .name = "vandermonde",
    .summary = "powers of the points of Ye and Abbe's scheme; ill-conditioned",
    .reference = "Ye, Abbe (ICML 2018), arXiv:1802.03475 (points recalled)",
    .mds = "Singleton bound, met by construction",
    .column = sg_vandermonde_column,
};
const sg_linear_type sg_linear_chebyshev = {
    .name = "chebyshev",
    .summary = "Chebyshev polynomials at Chebyshev points",
    .reference = "Fahim, Cadambe (2019), arXiv:1903.08326 (recalled)",
    .mds = "Singleton bound, met by construction",
    .column = chebyshev_column,
};
