/* SPDX-License-Identifier: MIT */
/* A block of coordinates stays in registers while the loop runs over the terms: every y is written
 * once, every x is read once per call. */
#include "models/learning/combine.h"
#include "models/learning/simd.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

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

/* Vectors t … end − 1 go into combinations A … B − 1 of N vectors V each. */
#define TERMS(V, N, A, B)                                                                          \
  case 8 * A + B:                                                                                  \
    for (; t < end; t++) {                                                                         \
      const double *p = x[t] + i, *c = coef + 4L * t;                                              \
      V u[N];                                                                                      \
      SG_UNROLL                                                                                    \
      for (int v = 0; v < N; v++) memcpy(&u[v], p + v * n_, sizeof u[v]);                          \
      SG_UNROLL                                                                                    \
      for (int j = A; j < B; j++) {                                                                \
        SG_UNROLL                                                                                  \
        for (int v = 0; v < N; v++) a[j][v] += c[j] * u[v];                                        \
      }                                                                                            \
    }                                                                                              \
    break;

/* Blocks of N vectors from coordinate i on, while there are so many. */
#define WINDOWS(V, N)                                                                              \
  for (const long n_ = sizeof(V) / sizeof(double); i + N * n_ <= n; i += N * n_) {                 \
    V a[4][N];                                                                                     \
    SG_UNROLL                                                                                      \
    for (int j = 0; j < 4; j++) {                                                                  \
      SG_UNROLL                                                                                    \
      for (int v = 0; v < N; v++) a[j][v] = (V){0};                                                \
    }                                                                                              \
    for (int r = 0; r < w->runs; r++) {                                                            \
      int t = w->run[r].first, end = w->run[r].end;                                                \
      switch (w->run[r].which) {                                                                   \
        TERMS(V, N, 0, 1)                                                                          \
        TERMS(V, N, 0, 2)                                                                          \
        TERMS(V, N, 0, 3)                                                                          \
        TERMS(V, N, 0, 4)                                                                          \
        TERMS(V, N, 1, 2)                                                                          \
        TERMS(V, N, 1, 3)                                                                          \
        TERMS(V, N, 1, 4)                                                                          \
        TERMS(V, N, 2, 3)                                                                          \
        TERMS(V, N, 2, 4)                                                                          \
        TERMS(V, N, 3, 4)                                                                          \
      }                                                                                            \
    }                                                                                              \
    SG_UNROLL                                                                                      \
    for (int j = 0; j < 4; j++) {                                                                  \
      if (j >= outs) break;                                                                        \
      SG_UNROLL                                                                                    \
      for (int v = 0; v < N; v++) memcpy(y[j] + i + v * n_, &a[j][v], sizeof(V));                  \
    }                                                                                              \
  }

/* At most one run ends with each window, and one where the next begins. What `which` says, as
 * above: combinations A … B − 1 by 8 A + B. */
void sg_windows_cut(sg_windows *w) {
  int a = 0, b = 0;
  w->runs = 0;
  for (int t = 0; a < w->outs;) {
    while (b < w->outs && w->first[b] <= t) b++;
    while (a < b && w->end[a] <= t) a++;
    int end = b < w->outs ? w->first[b] : INT_MAX;
    if (a < b) {
      end = w->end[a] < end ? w->end[a] : end;
      w->run[w->runs].which = 8 * a + b, w->run[w->runs].first = t, w->run[w->runs].end = end;
      w->runs++;
    }
    t = end;
  }
}

SG_CLONES(sg_combine_windows,
          (const sg_windows *w, const double *const *x, const double *coef, double *const y[4],
           long n),
          (w, x, coef, y, n)) {
  const int outs = w->outs;
  long i = 0;
  if (wide) WINDOWS(sg_v8, 4)
  WINDOWS(sg_v4, 2)
  for (; i < n; i++)
    for (int j = 0; j < w->outs; j++) {
      double a = 0;
      for (int t = w->first[j]; t < w->end[j]; t++) a += coef[4L * t + j] * x[t][i];
      y[j][i] = a;
    }
}
