/* SPDX-License-Identifier: MIT */
/* Margins of rows with one vector, or with two, with AVX-512: eight sums at a time. A register has
 * both halves of what dense.c adds up in two, and they are added in its order: the same bits. */
#include "models/learning/dense.h"

#ifdef SG_HAS_LANES

#include <immintrin.h>

#define INLINE SG_AVX512 static inline __attribute__((always_inline))

/* Sums must live in registers, at -O2 too; clang unrolls by itself. */
#ifdef __clang__
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* Sum k has lanes (0 + 4, 1 + 5, 2 + 6, 3 + 7), of which the first two and the last two are added,
 * then both. */
INLINE __m256d four_sums(__m512d a, __m512d b, __m512d c, __m512d d) {
  __m256d p = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
  __m256d q = _mm256_add_pd(_mm512_castpd512_pd256(b), _mm512_extractf64x4_pd(b, 1));
  __m256d r = _mm256_add_pd(_mm512_castpd512_pd256(c), _mm512_extractf64x4_pd(c, 1));
  __m256d s = _mm256_add_pd(_mm512_castpd512_pd256(d), _mm512_extractf64x4_pd(d, 1));
  __m256d pq = _mm256_hadd_pd(p, q), rs = _mm256_hadd_pd(r, s);
  return _mm256_add_pd(_mm256_permute2f128_pd(pq, rs, 0x20), _mm256_permute2f128_pd(pq, rs, 0x31));
}

/* `rows` rows with `points` vectors, eight sums: point by point. */
INLINE void eight_sums(int rows, int points, const double *const *row, const double *const *x,
                       long columns, double *out) {
  __m512d a[8];
  UNROLL
  for (int k = 0; k < 8; k++) a[k] = _mm512_setzero_pd();
  long i = 0;
  for (; i + 8 <= columns; i += 8) {
    __m512d v[2];
    UNROLL
    for (int p = 0; p < points; p++) v[p] = _mm512_loadu_pd(x[p] + i);
    UNROLL
    for (int r = 0; r < rows; r++) {
      __m512d u = _mm512_loadu_pd(row[r] + i);
      _mm_prefetch((const char *)(row[r] + i + 8 * columns), _MM_HINT_T0); /* the next eight */
      UNROLL
      for (int p = 0; p < points; p++)
        a[p * rows + r] = _mm512_add_pd(a[p * rows + r], _mm512_mul_pd(u, v[p]));
    }
  }
  _mm256_storeu_pd(out, four_sums(a[0], a[1], a[2], a[3]));
  _mm256_storeu_pd(out + 4, four_sums(a[4], a[5], a[6], a[7]));
  for (; i < columns; i++) {
    UNROLL
    for (int k = 0; k < 8; k++) out[k] += row[k % rows][i] * x[k / rows][i];
  }
}

SG_AVX512 static long margins_of_one(const double *const *row, long n, const double *x,
                                     long columns, double *z) {
  long i = 0;
  for (; i + 8 <= n; i += 8) eight_sums(8, 1, row + i, &x, columns, z + i);
  return i;
}

SG_AVX512 static long margins_of_two(const double *const *row, long n, const double *x,
                                     const double *y, long columns, double *zx, double *zy) {
  const double *both[] = {x, y};
  double out[8];
  long i = 0;
  for (; i + 4 <= n; i += 4) {
    eight_sums(4, 2, row + i, both, columns, out);
    for (int r = 0; r < 4; r++) zx[i + r] = out[r], zy[i + r] = out[4 + r];
  }
  return i;
}

long sg_eight_margins(const double *const *row, long n, long columns, const double *x,
                      const double *y, double *zx, double *zy) {
  if (sg_widest_lanes() != SG_LANES_AVX512) return 0;
  return y ? margins_of_two(row, n, x, y, columns, zx, zy) : margins_of_one(row, n, x, columns, zx);
}

#else

long sg_eight_margins(const double *const *row, long n, long columns, const double *x,
                      const double *y, double *zx, double *zy) {
  return 0;
}

#endif
