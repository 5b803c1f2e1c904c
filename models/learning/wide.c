/* SPDX-License-Identifier: MIT */
/* The product of the data with a narrow block of models.
 *
 * dgemm copies each operand into an order of its own before it multiplies. With a few dozen models
 * that copy of the data is a fifth of the time; here the data is read where it lies. For the
 * transposed product of a part's gradient, where the copy is short, OpenBLAS is as good.
 *
 * A few rows of the data meet a packed panel of models in registers, depth by depth, with fused
 * multiply-add; each row is read once, where it lies, and the next ones are fetched meanwhile. */
#include "models/learning/dense.h"
#include "sim/core/linalg.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
  DEPTH = 256, /* columns at a time: their models, packed, stay in the second cache */
  PANEL = 6,   /* rows at a time: 6 × 8 sums fill twelve of sixteen registers */
  LANES = 8    /* models at a time */
};

static int padded(int models) {
  return (models + LANES - 1) / LANES * LANES;
}

size_t sg_wide_scratch(long rows, int models) {
  return (size_t)(rows + DEPTH) * (size_t)padded(models);
}

#if defined(__x86_64__)

#define FMA __attribute__((target("avx2,fma")))

/* The sums must live in registers, at -O2 too; clang unrolls by itself. */
#ifdef __clang__
#define UNROLL
#else
#define UNROLL _Pragma("GCC unroll 6")
#endif

/* sum (rows × 8 of `width`) += x (rows × depth, leading dimension ld) · packed (depth × 8 of
 * `width`). `rows` is a constant at each call. Fetches two rows from `ahead` on into the second
 * cache. */
FMA static inline __attribute__((always_inline)) void panel(int rows, long depth, const double *x,
                                                            long ld, const double *packed,
                                                            int width, double *sum,
                                                            const double *ahead) {
  __m256d a[PANEL][2];
  UNROLL
  for (int r = 0; r < rows; r++) {
    a[r][0] = _mm256_loadu_pd(sum + r * width);
    a[r][1] = _mm256_loadu_pd(sum + r * width + 4);
  }
  for (long p = 0; p < depth; p++) {
    if (ahead && p % 8 == 0) {
      _mm_prefetch((const char *)(ahead + p), _MM_HINT_T1);
      _mm_prefetch((const char *)(ahead + ld + p), _MM_HINT_T1);
    }
    __m256d m0 = _mm256_loadu_pd(packed + p * width), m1 = _mm256_loadu_pd(packed + p * width + 4);
    UNROLL
    for (int r = 0; r < rows; r++) {
      __m256d v = _mm256_broadcast_sd(x + r * ld + p);
      a[r][0] = _mm256_fmadd_pd(v, m0, a[r][0]);
      a[r][1] = _mm256_fmadd_pd(v, m1, a[r][1]);
    }
  }
  UNROLL
  for (int r = 0; r < rows; r++) {
    _mm256_storeu_pd(sum + r * width, a[r][0]);
    _mm256_storeu_pd(sum + r * width + 4, a[r][1]);
  }
}

/* packed (depth × width, row-major) = rows [0, depth) of m; the last columns are zero. */
static void pack(long depth, int models, int width, const double *m, long columns, double *packed) {
  if (width > models) memset(packed, 0, (size_t)(depth * width) * sizeof *packed);
  for (int w = 0; w < models; w++)
    for (long p = 0; p < depth; p++) packed[p * width + w] = m[w * columns + p];
}

FMA static void multiply(long rows, long columns, int models, const double *x, const double *m,
                         double *scratch, double *z, long ld) {
  int width = padded(models);
  double *sum = scratch, *packed = scratch + rows * width;
  memset(sum, 0, (size_t)(rows * width) * sizeof *sum);
  for (long c = 0; c < columns; c += DEPTH) {
    long depth = c + DEPTH < columns ? DEPTH : columns - c, i = 0;
    pack(depth, models, width, m + c, columns, packed);
    for (; i + PANEL <= rows; i += PANEL) {
      const double *at = x + i * columns + c;
      for (int w = 0; w < width; w += LANES) {
        /* The next rows come from memory while these are at work, two rows a time. */
        const double *next = at + (PANEL + w / LANES * 2) * columns;
        panel(PANEL, depth, at, columns, packed + w, width, sum + i * width + w,
              w / LANES * 2 < PANEL && i + 2 * PANEL <= rows ? next : at);
      }
    }
    for (; i < rows; i++)
      for (int w = 0; w < width; w += LANES)
        panel(1, depth, x + i * columns + c, columns, packed + w, width, sum + i * width + w, NULL);
  }
  for (int w = 0; w < models; w++)
    for (long i = 0; i < rows; i++) z[w * ld + i] = sum[i * width + w];
}

#endif

void sg_wide_product(long rows, long columns, int models, const double *x, const double *m,
                     double *scratch, double *z, long ldz) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    multiply(rows, columns, models, x, m, scratch, z, ldz);
    return;
  }
#endif
  cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)rows, models, (int)columns, 1.0, x,
              (int)columns, m, (int)columns, 0.0, z, (int)ldz);
}
