/* SPDX-License-Identifier: MIT */
/* Margins of rows with one vector, or with two. A product's bits do not depend on its company, nor
 * on the processor: with AVX-512 there are eight sums at a time, and a register has both halves of
 * what others add up in two, and they are added in the same order. */
#include "models/learning/dense.h"
#include "models/learning/simd.h"

#ifdef SG_HAS_LANES

#include <immintrin.h>

#define INLINE SG_AVX512 static inline __attribute__((always_inline))

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

/* Columns i … i + count − 1, of up to four, of eight rows, turned: a column's eight numbers side by
 * side. Of four rows twice. */
INLINE void turned(int rows, const double *const *row, long i, int count, __m512d column[4]) {
  const __mmask8 some = (__mmask8)((1 << count) - 1);
  __m512d z[4];
  SG_UNROLL
  for (int r = 0; r < 4; r++)
    z[r] = _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_maskz_loadu_pd(some, row[r] + i)),
                              _mm256_maskz_loadu_pd(some, row[(r + 4) % rows] + i), 1);
  const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13),
                odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
  __m512d a = _mm512_unpacklo_pd(z[0], z[1]), b = _mm512_unpacklo_pd(z[2], z[3]),
          c = _mm512_unpackhi_pd(z[0], z[1]), d = _mm512_unpackhi_pd(z[2], z[3]);
  column[0] = _mm512_permutex2var_pd(a, even, b);
  column[1] = _mm512_permutex2var_pd(c, even, d);
  column[2] = _mm512_permutex2var_pd(a, odd, b);
  column[3] = _mm512_permutex2var_pd(c, odd, d);
}

/* `rows` rows with `points` vectors, eight sums: point by point. */
INLINE void eight_sums(int rows, int points, const double *const *row, const double *const *x,
                       long columns, double *out) {
  __m512d a[8];
  SG_UNROLL
  for (int k = 0; k < 8; k++) a[k] = _mm512_setzero_pd();
  long i = 0;
  for (; i + 8 <= columns; i += 8) {
    __m512d v[2];
    SG_UNROLL
    for (int p = 0; p < points; p++) v[p] = _mm512_loadu_pd(x[p] + i);
    SG_UNROLL
    for (int r = 0; r < rows; r++) {
      __m512d u = _mm512_loadu_pd(row[r] + i);
      SG_UNROLL
      for (int p = 0; p < points; p++)
        a[p * rows + r] = _mm512_add_pd(a[p * rows + r], _mm512_mul_pd(u, v[p]));
    }
  }
  __m512d sums = _mm512_insertf64x4(_mm512_castpd256_pd512(four_sums(a[0], a[1], a[2], a[3])),
                                    four_sums(a[4], a[5], a[6], a[7]), 1);
  for (int count; i < columns; i += count) { /* columns that are left, one after another */
    __m512d column[4];
    count = columns - i < 4 ? (int)(columns - i) : 4;
    turned(rows, row, i, count, column);
    SG_UNROLL
    for (int c = 0; c < 4; c++) {
      if (c >= count) break;
      __m256d with = _mm256_set1_pd(x[0][i + c]), with2 = _mm256_set1_pd(x[points - 1][i + c]);
      __m512d v = _mm512_insertf64x4(_mm512_castpd256_pd512(with), with2, 1);
      sums = _mm512_add_pd(sums, _mm512_mul_pd(column[c], v));
    }
  }
  _mm512_storeu_pd(out, sums);
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

/* Margins of as many rows as there are by eights or fours; returns how many. */
static long eight_margins(const double *const *row, long n, long columns, const double *x,
                          const double *y, double *zx, double *zy) {
  if (sg_widest_lanes() != SG_LANES_AVX512) return 0;
  return y ? margins_of_two(row, n, x, y, columns, zx, zy) : margins_of_one(row, n, x, columns, zx);
}

#else

static long eight_margins(const double *const *row, long n, long columns, const double *x,
                          const double *y, double *zx, double *zy) {
  return 0;
}

#endif

/* Inner products of four vectors with four others; those that are the same are read once. */
SG_INLINE void dot4(bool wide, const double *const a[4], const double *const b[4], long n,
                    double out[4]) {
  const double *a0 = a[0], *a1 = a[1], *a2 = a[2], *a3 = a[3];
  const double *b0 = b[0], *b1 = b[1], *b2 = b[2], *b3 = b[3];
  const sg_v4 zero = SG_V4(0.0);
  sg_v4 p0 = zero, p1 = zero, q0 = zero, q1 = zero, r0 = zero, r1 = zero, s0 = zero, s1 = zero;
  long i = 0;
  if (wide) {
    sg_v8 p = {0}, q = {0}, r = {0}, s = {0};
    for (; i + 8 <= n; i += 8) {
      p += AT8(a0, i) * AT8(b0, i), q += AT8(a1, i) * AT8(b1, i);
      r += AT8(a2, i) * AT8(b2, i), s += AT8(a3, i) * AT8(b3, i);
    }
    p0 = SG_LOW(p), p1 = SG_HIGH(p), q0 = SG_LOW(q), q1 = SG_HIGH(q);
    r0 = SG_LOW(r), r1 = SG_HIGH(r), s0 = SG_LOW(s), s1 = SG_HIGH(s);
  }
  for (; i + 8 <= n; i += 8) {
    p0 += AT(a0, i) * AT(b0, i), p1 += AT(a0, i + 4) * AT(b0, i + 4);
    q0 += AT(a1, i) * AT(b1, i), q1 += AT(a1, i + 4) * AT(b1, i + 4);
    r0 += AT(a2, i) * AT(b2, i), r1 += AT(a2, i + 4) * AT(b2, i + 4);
    s0 += AT(a3, i) * AT(b3, i), s1 += AT(a3, i + 4) * AT(b3, i + 4);
  }
  p0 += p1, q0 += q1, r0 += r1, s0 += s1;
  out[0] = sg_v4_sum(&p0), out[1] = sg_v4_sum(&q0);
  out[2] = sg_v4_sum(&r0), out[3] = sg_v4_sum(&s0);
  for (; i < n; i++) {
    out[0] += a0[i] * b0[i], out[1] += a1[i] * b1[i];
    out[2] += a2[i] * b2[i], out[3] += a3[i] * b3[i];
  }
}

/* Four rows with one vector. */
static SG_CLONES(dot_rows, (const double *const row[4], const double *x, long n, double out[4]),
                 (row, x, n, out)) {
  dot4(wide, row, (const double *const[]){x, x, x, x}, n, out);
}

/* Two rows with two vectors, x in out[0], out[1], y in out[2], out[3]. */
static SG_CLONES(dot_points,
                 (const double *const row[2], const double *x, const double *y, long n,
                  double out[4]),
                 (row, x, y, n, out)) {
  dot4(wide, (const double *const[]){row[0], row[1], row[0], row[1]},
       (const double *const[]){x, x, y, y}, n, out);
}

void sg_margins(const double *const *row, long n, long columns, const double *x, const double *y,
                double *zx, double *zy) {
  double out[4];
  int step = y ? 2 : 4;
  for (long i = eight_margins(row, n, columns, x, y, zx, zy); i < n; i += step) {
    const double *four[4];
    /* Past the end the last row stands in; its product is thrown away. */
    for (int k = 0; k < step; k++) four[k] = row[i + k < n ? i + k : n - 1];
    if (y)
      dot_points(four, x, y, columns, out);
    else
      dot_rows(four, x, columns, out);
    for (int k = 0; k < step && i + k < n; k++) {
      zx[i + k] = out[k];
      if (y) zy[i + k] = out[k + 2];
    }
  }
}
