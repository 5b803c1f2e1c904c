/* SPDX-License-Identifier: MIT */
/* Many elementary functions at a time, on the vectors of the processor: elementary_each.inc. */
#include "sim/core/elementary.h"
#include "sim/core/elementary_rows.h"
#include "sim/core/simd.h"

#include <float.h>
#include <stdint.h>
#include <string.h>

#ifdef SG_HAS_LANES
#include <immintrin.h>

/* The four numbers of four rows, one of each in a vector. */
SG_AVX2 static inline __attribute__((always_inline)) void
log_rows4(sg_v4w row, sg_v4 *middle, sg_v4 *reciprocal, sg_v4 *high, sg_v4 *low) {
  __m256d a = _mm256_loadu_pd(&sg_log_rows[row[0]].middle);
  __m256d b = _mm256_loadu_pd(&sg_log_rows[row[1]].middle);
  __m256d c = _mm256_loadu_pd(&sg_log_rows[row[2]].middle);
  __m256d d = _mm256_loadu_pd(&sg_log_rows[row[3]].middle);
  __m256d ab = _mm256_unpacklo_pd(a, b), ba = _mm256_unpackhi_pd(a, b);
  __m256d cd = _mm256_unpacklo_pd(c, d), dc = _mm256_unpackhi_pd(c, d);
  *middle = (sg_v4)_mm256_permute2f128_pd(ab, cd, 0x20);
  *reciprocal = (sg_v4)_mm256_permute2f128_pd(ba, dc, 0x20);
  *high = (sg_v4)_mm256_permute2f128_pd(ab, cd, 0x31);
  *low = (sg_v4)_mm256_permute2f128_pd(ba, dc, 0x31);
}

SG_AVX2 static inline __attribute__((always_inline)) void power_rows4(sg_v4w row, sg_v4 *value,
                                                                      sg_v4 *missing) {
  __m128d a = _mm_loadu_pd(&sg_power_rows[row[0]].value);
  __m128d b = _mm_loadu_pd(&sg_power_rows[row[1]].value);
  __m128d c = _mm_loadu_pd(&sg_power_rows[row[2]].value);
  __m128d d = _mm_loadu_pd(&sg_power_rows[row[3]].value);
  *value = (sg_v4)_mm256_set_m128d(_mm_unpacklo_pd(c, d), _mm_unpacklo_pd(a, b));
  *missing = (sg_v4)_mm256_set_m128d(_mm_unpackhi_pd(c, d), _mm_unpackhi_pd(a, b));
}

SG_AVX512 static inline __attribute__((always_inline)) void
log_rows8(sg_v8w row, sg_v8 *middle, sg_v8 *reciprocal, sg_v8 *high, sg_v8 *low) {
  const double *table = &sg_log_rows[0].middle;
  __m512i at = (__m512i)(row << 2);
  *middle = (sg_v8)_mm512_i64gather_pd(at, table, 8);
  *reciprocal = (sg_v8)_mm512_i64gather_pd(at, table + 1, 8);
  *high = (sg_v8)_mm512_i64gather_pd(at, table + 2, 8);
  *low = (sg_v8)_mm512_i64gather_pd(at, table + 3, 8);
}

SG_AVX512 static inline __attribute__((always_inline)) void power_rows8(sg_v8w row, sg_v8 *value,
                                                                        sg_v8 *missing) {
  const double *table = &sg_power_rows[0].value;
  __m512i at = (__m512i)(row << 1);
  *value = (sg_v8)_mm512_i64gather_pd(at, table, 8);
  *missing = (sg_v8)_mm512_i64gather_pd(at, table + 1, 8);
}

#define D           sg_v4
#define W           sg_v4w
#define WIDTH       4
#define TARGET      SG_AVX2
#define NAME(name)  name##_avx2
#define LOAD(p)     ((sg_v4)_mm256_loadu_pd(p))
#define STORE(p, x) _mm256_storeu_pd(p, (__m256d)(x))
#define SQRT(x)     ((sg_v4)_mm256_sqrt_pd((__m256d)(x)))
#define ANY(x)      (_mm256_movemask_pd((__m256d)(x)) != 0)
#define LOG_ROWS    log_rows4
#define POWER_ROWS  power_rows4
#include "sim/core/elementary_each.inc"
#undef D
#undef W
#undef WIDTH
#undef TARGET
#undef NAME
#undef LOAD
#undef STORE
#undef SQRT
#undef ANY
#undef LOG_ROWS
#undef POWER_ROWS

#define D           sg_v8
#define W           sg_v8w
#define WIDTH       8
#define TARGET      SG_AVX512
#define NAME(name)  name##_avx512
#define LOAD(p)     ((sg_v8)_mm512_loadu_pd(p))
#define STORE(p, x) _mm512_storeu_pd(p, (__m512d)(x))
#define SQRT(x)     ((sg_v8)_mm512_sqrt_pd((__m512d)(x)))
#define ANY(x)      (_mm512_movepi64_mask((__m512i)(x)) != 0)
#define LOG_ROWS    log_rows8
#define POWER_ROWS  power_rows8
#include "sim/core/elementary_each.inc"
#endif

/* Makes numbers in their place, whole vectors only, and stops before one that is not usual. */
typedef long kernel(double *x, long n, double y);

static double log_one(double x, double y) {
  return sg_log(x);
}

static double log1p_one(double x, double y) {
  return sg_log1p(x);
}

static double exp_one(double x, double y) {
  return sg_exp(x);
}

static double normal_one(double p, double y) {
  return sg_normal_quantile(p);
}

static void each(kernel *vectors, double (*one)(double x, double y), double *x, long n, double y) {
  enum { WIDEST = 8 };
  for (long i = 0; i < n;) {
    if (vectors) i += vectors(x + i, n - i, y);
    long some = n - i < WIDEST ? n - i : WIDEST;
    double last[WIDEST] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
    /* The rest, as a vector too; or one that is not usual. */
    if (some > 0) memcpy(last, x + i, (size_t)some * sizeof *x);
    if (!vectors || some == WIDEST || (some > 0 && vectors(last, WIDEST, y) < WIDEST))
      for (long k = 0; k < some; k++) x[i + k] = one(x[i + k], y);
    else if (some > 0)
      memcpy(x + i, last, (size_t)some * sizeof *x);
    i += some;
  }
}

#ifdef SG_HAS_LANES
#define KERNEL(name)                                                                               \
  (lanes == SG_LANES_AVX512 ? name##_avx512 : lanes == SG_LANES_AVX2 ? name##_avx2 : NULL)
#else
#define KERNEL(name) NULL
#endif

void sg_logs_with(sg_lanes lanes, double *x, long n) {
  each(KERNEL(logs), log_one, x, n, 0);
}

void sg_log1ps_with(sg_lanes lanes, double *x, long n) {
  each(KERNEL(log1ps), log1p_one, x, n, 0);
}

void sg_exps_with(sg_lanes lanes, double *x, long n) {
  each(KERNEL(exps), exp_one, x, n, 0);
}

void sg_pows_with(sg_lanes lanes, double *x, long n, double y) {
  each(KERNEL(pows), sg_pow, x, n, y);
}

void sg_normal_quantiles_with(sg_lanes lanes, double *p, long n) {
  each(KERNEL(normal_quantiles), normal_one, p, n, 0);
}
