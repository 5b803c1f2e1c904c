/* SPDX-License-Identifier: MIT */
/* A block of coordinates stays in registers while the loop runs over the terms: every y is written
 * once, every x is read once per call. */
#include "models/learning/combine.h"
#include "models/learning/simd.h"

#include <stdbool.h>

/* Blocks of eight vectors from coordinate i on, while there are so many. */
#define COMBINE(V, AT, TO)                                                                         \
  for (const long n_ = sizeof(V) / sizeof *y; i + 8 * n_ <= n; i += 8 * n_) {                      \
    V a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, a4 = {0}, a5 = {0}, a6 = {0}, a7 = {0};              \
    if (add) {                                                                                     \
      a0 = AT(y, i), a1 = AT(y, i + n_), a2 = AT(y, i + 2 * n_), a3 = AT(y, i + 3 * n_);           \
      a4 = AT(y, i + 4 * n_), a5 = AT(y, i + 5 * n_), a6 = AT(y, i + 6 * n_);                      \
      a7 = AT(y, i + 7 * n_);                                                                      \
    }                                                                                              \
    for (int t = 0; t < terms; t++) {                                                              \
      const double *p = x[t] + i;                                                                  \
      const double c = coef[t];                                                                    \
      a0 += c * AT(p, 0), a1 += c * AT(p, n_), a2 += c * AT(p, 2 * n_), a3 += c * AT(p, 3 * n_);   \
      a4 += c * AT(p, 4 * n_), a5 += c * AT(p, 5 * n_), a6 += c * AT(p, 6 * n_);                   \
      a7 += c * AT(p, 7 * n_);                                                                     \
    }                                                                                              \
    TO(y, i) = a0, TO(y, i + n_) = a1, TO(y, i + 2 * n_) = a2, TO(y, i + 3 * n_) = a3;             \
    TO(y, i + 4 * n_) = a4, TO(y, i + 5 * n_) = a5, TO(y, i + 6 * n_) = a6;                        \
    TO(y, i + 7 * n_) = a7;                                                                        \
  }

SG_CLONES(sg_combine,
          (int terms, const double *const *x, const double *coef, double *y, long n, int add),
          (terms, x, coef, y, n, add)) {
  long i = 0;
  if (wide) COMBINE(sg_v8, AT8, TO8)
  COMBINE(sg_v4, AT, TO)
  for (; i + 4 <= n; i += 4) {
    sg_v4 a = SG_V4(0.0);
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

/* The same of four combinations, two vectors of each. */
#define COMBINE4(V, AT, TO)                                                                        \
  for (const long n_ = sizeof(V) / sizeof *y0; i + 2 * n_ <= n; i += 2 * n_) {                     \
    V a0 = {0}, a1 = {0}, b0 = {0}, b1 = {0}, c0 = {0}, c1 = {0}, d0 = {0}, d1 = {0};              \
    for (int t = 0; t < terms; t++) {                                                              \
      const double *c = coef + 4L * t;                                                             \
      V u = AT(x[t], i), v = AT(x[t], i + n_);                                                     \
      a0 += c[0] * u, a1 += c[0] * v, b0 += c[1] * u, b1 += c[1] * v;                              \
      c0 += c[2] * u, c1 += c[2] * v, d0 += c[3] * u, d1 += c[3] * v;                              \
    }                                                                                              \
    TO(y0, i) = a0, TO(y0, i + n_) = a1, TO(y1, i) = b0, TO(y1, i + n_) = b1;                      \
    TO(y2, i) = c0, TO(y2, i + n_) = c1, TO(y3, i) = d0, TO(y3, i + n_) = d1;                      \
  }

SG_CLONES(sg_combine4,
          (int terms, const double *const *x, const double *coef, double *const y[4], long n),
          (terms, x, coef, y, n)) {
  double *y0 = y[0], *y1 = y[1], *y2 = y[2], *y3 = y[3];
  long i = 0;
  if (wide) COMBINE4(sg_v8, AT8, TO8)
  COMBINE4(sg_v4, AT, TO)
  for (; i < n; i++)
    for (int j = 0; j < 4; j++) {
      double a = 0;
      for (int t = 0; t < terms; t++) a += coef[4L * t + j] * x[t][i];
      y[j][i] = a;
    }
}
