/* SPDX-License-Identifier: MIT */
/* A block of coordinates stays in registers while the loop runs over the terms: every y is written
 * once, every x is read once per call. */
#include "models/learning/combine.h"
#include "models/learning/simd.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#ifdef SG_HAS_LANES

#include <immintrin.h>

/* A block of `vectors` (a constant at each call) vectors of eight; of the last one those numbers
 * that `mask` names. */
SG_AVX512 static inline __attribute__((always_inline)) void
block512(int vectors, __mmask8 mask, int terms, const double *const *x, long i, const double *coef,
         double *y, bool add, long ahead) {
  __m512d a[8];
  SG_UNROLL
  for (int v = 0; v < vectors; v++)
    a[v] = !add              ? _mm512_setzero_pd()
           : v < vectors - 1 ? _mm512_loadu_pd(y + i + 8L * v)
                             : _mm512_maskz_loadu_pd(mask, y + i + 8L * v);
  for (int t = 0; t < terms; t++) {
    const double *p = x[t] + i;
    const __m512d c = _mm512_set1_pd(coef[t]);
    SG_UNROLL
    for (int v = 0; v < vectors; v++) {
      __m512d u =
          v < vectors - 1 ? _mm512_loadu_pd(p + 8L * v) : _mm512_maskz_loadu_pd(mask, p + 8L * v);
      a[v] = _mm512_add_pd(a[v], _mm512_mul_pd(c, u));
      if (ahead) _mm_prefetch((const char *)(p + 8L * v + ahead), _MM_HINT_T0);
    }
  }
  SG_UNROLL
  for (int v = 0; v < vectors; v++) {
    if (v < vectors - 1)
      _mm512_storeu_pd(y + i + 8L * v, a[v]);
    else
      _mm512_mask_storeu_pd(y + i + 8L * v, mask, a[v]);
  }
}

/* In blocks of up to eight vectors, all about as long: one or two would wait for each other's
 * additions. */
SG_AVX512 static inline __attribute__((always_inline)) void
combine512(int terms, const double *const *x, const double *coef, double *y, long n, bool add,
           long ahead) {
  long left = (n + 7) / 8;
  for (long blocks = (left + 7) / 8, i = 0; blocks > 0; blocks--) {
    int vectors = (int)((left + blocks - 1) / blocks);
    left -= vectors;
    __mmask8 mask = (__mmask8)(left == 0 ? 0xFF >> (-n & 7) : 0xFF);
    switch (vectors) {
    case 1: block512(1, mask, terms, x, i, coef, y, add, ahead); break;
    case 2: block512(2, mask, terms, x, i, coef, y, add, ahead); break;
    case 3: block512(3, mask, terms, x, i, coef, y, add, ahead); break;
    case 4: block512(4, mask, terms, x, i, coef, y, add, ahead); break;
    case 5: block512(5, mask, terms, x, i, coef, y, add, ahead); break;
    case 6: block512(6, mask, terms, x, i, coef, y, add, ahead); break;
    case 7: block512(7, mask, terms, x, i, coef, y, add, ahead); break;
    default: block512(8, mask, terms, x, i, coef, y, add, ahead);
    }
    i += 8L * vectors;
  }
}

SG_AVX512 static void combine_near(int terms, const double *const *x, const double *coef, double *y,
                                   long n, bool add) {
  combine512(terms, x, coef, y, n, add, 0);
}

SG_AVX512 static void combine_far(int terms, const double *const *x, const double *coef, double *y,
                                  long n, long ahead) {
  combine512(terms, x, coef, y, n, true, ahead);
}
#endif

void sg_add_rows(int rows, const double *const *row, const double *coef, double *y, long n,
                 long ahead) {
#ifdef SG_HAS_LANES
  if (ahead && sg_widest_lanes() == SG_LANES_AVX512) {
    combine_far(rows, row, coef, y, n, ahead);
    return;
  }
#endif
  sg_combine(rows, row, coef, y, n, 1);
}

SG_CLONES(sg_combine,
          (int terms, const double *const *x, const double *coef, double *y, long n, int add),
          (terms, x, coef, y, n, add)) {
#ifdef SG_HAS_LANES
  if (wide) {
    combine_near(terms, x, coef, y, n, add);
    return;
  }
#endif
  long i = 0;
  for (; i + 32 <= n; i += 32) {
    sg_v4 a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, a4 = {0}, a5 = {0}, a6 = {0}, a7 = {0};
    if (add) {
      a0 = AT(y, i), a1 = AT(y, i + 4), a2 = AT(y, i + 8), a3 = AT(y, i + 12);
      a4 = AT(y, i + 16), a5 = AT(y, i + 20), a6 = AT(y, i + 24), a7 = AT(y, i + 28);
    }
    for (int t = 0; t < terms; t++) {
      const double *p = x[t] + i;
      const double c = coef[t];
      a0 += c * AT(p, 0), a1 += c * AT(p, 4), a2 += c * AT(p, 8), a3 += c * AT(p, 12);
      a4 += c * AT(p, 16), a5 += c * AT(p, 20), a6 += c * AT(p, 24), a7 += c * AT(p, 28);
    }
    TO(y, i) = a0, TO(y, i + 4) = a1, TO(y, i + 8) = a2, TO(y, i + 12) = a3;
    TO(y, i + 16) = a4, TO(y, i + 20) = a5, TO(y, i + 24) = a6, TO(y, i + 28) = a7;
  }
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
  WINDOWS(sg_v4, 1)
  for (; i < n; i++)
    for (int j = 0; j < w->outs; j++) {
      double a = 0;
      for (int t = w->first[j]; t < w->end[j]; t++) a += coef[4L * t + j] * x[t][i];
      y[j][i] = a;
    }
}
