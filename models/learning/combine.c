/* SPDX-License-Identifier: MIT */
/* A block of coordinates stays in registers while the loop runs over the terms: every y is written
 * once, every x is read once per call. */
#include "models/learning/combine.h"
#include "models/learning/simd.h"

#include <stdbool.h>

SG_CLONES void sg_combine(int terms, const double *const *x, const double *coef, double *y, long n,
                          int add) {
  const sg_v4 zero = SG_V4(0.0);
  long i = 0;
  for (; i + 32 <= n; i += 32) {
    sg_v4 a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero, a6 = zero, a7 = zero;
    if (add) {
      a0 = AT(y, i), a1 = AT(y, i + 4), a2 = AT(y, i + 8), a3 = AT(y, i + 12);
      a4 = AT(y, i + 16), a5 = AT(y, i + 20), a6 = AT(y, i + 24), a7 = AT(y, i + 28);
    }
    for (int t = 0; t < terms; t++) {
      const double *p = x[t] + i;
      sg_v4 c = SG_V4(coef[t]);
      a0 += c * AT(p, 0), a1 += c * AT(p, 4), a2 += c * AT(p, 8), a3 += c * AT(p, 12);
      a4 += c * AT(p, 16), a5 += c * AT(p, 20), a6 += c * AT(p, 24), a7 += c * AT(p, 28);
    }
    TO(y, i) = a0, TO(y, i + 4) = a1, TO(y, i + 8) = a2, TO(y, i + 12) = a3;
    TO(y, i + 16) = a4, TO(y, i + 20) = a5, TO(y, i + 24) = a6, TO(y, i + 28) = a7;
  }
  for (; i + 4 <= n; i += 4) {
    sg_v4 a = zero;
    if (add) a = AT(y, i);
    for (int t = 0; t < terms; t++) a += coef[t] * AT(x[t], i);
    TO(y, i) = a;
  }
  for (; i < n; i++) {
    double a = add ? y[i] : 0;
    for (int t = 0; t < terms; t++) a += coef[t] * x[t][i];
    y[i] = a;
  }
}

SG_CLONES void sg_combine4(int terms, const double *const *x, const double *coef,
                           double *const y[4], long n) {
  const sg_v4 zero = SG_V4(0.0);
  double *y0 = y[0], *y1 = y[1], *y2 = y[2], *y3 = y[3];
  long i = 0;
  for (; i + 8 <= n; i += 8) {
    sg_v4 a0 = zero, a1 = zero, b0 = zero, b1 = zero, c0 = zero, c1 = zero, d0 = zero, d1 = zero;
    for (int t = 0; t < terms; t++) {
      const double *c = coef + 4L * t;
      sg_v4 u = AT(x[t], i), v = AT(x[t], i + 4);
      a0 += c[0] * u, a1 += c[0] * v, b0 += c[1] * u, b1 += c[1] * v;
      c0 += c[2] * u, c1 += c[2] * v, d0 += c[3] * u, d1 += c[3] * v;
    }
    TO(y0, i) = a0, TO(y0, i + 4) = a1, TO(y1, i) = b0, TO(y1, i + 4) = b1;
    TO(y2, i) = c0, TO(y2, i + 4) = c1, TO(y3, i) = d0, TO(y3, i + 4) = d1;
  }
  for (; i < n; i++)
    for (int j = 0; j < 4; j++) {
      double a = 0;
      for (int t = 0; t < terms; t++) a += coef[4L * t + j] * x[t][i];
      y[j][i] = a;
    }
}
