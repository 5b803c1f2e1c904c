/* SPDX-License-Identifier: MIT */
/* float32 to float64: exact, so every vector gives the same. */
#include "models/learning/internal.h"
#include "sim/core/lanes.h"

#ifdef SG_HAS_LANES

#include <immintrin.h>

SG_AVX2 static long widen_fours(const float *x, long n, double *out) {
  long i = 0;
  for (; i + 4 <= n; i += 4) _mm256_storeu_pd(out + i, _mm256_cvtps_pd(_mm_loadu_ps(x + i)));
  return i;
}

SG_AVX512 static long widen_eights(const float *x, long n, double *out) {
  long i = 0;
  for (; i + 8 <= n; i += 8) _mm512_storeu_pd(out + i, _mm512_cvtps_pd(_mm256_loadu_ps(x + i)));
  return i;
}

#endif

void sg_widen(const float *x, long n, double *out) {
  long i = 0;
#ifdef SG_HAS_LANES
  if (sg_widest_lanes() == SG_LANES_AVX512)
    i = widen_eights(x, n, out);
  else if (sg_widest_lanes() == SG_LANES_AVX2)
    i = widen_fours(x, n, out);
#endif
  for (; i < n; i++) out[i] = x[i];
}
