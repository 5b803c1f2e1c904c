/* SPDX-License-Identifier: MIT */
/* exp and log1p of simd.h on vectors of eight doubles, for functions compiled for AVX-512: the same
 * operations in the same order on each lane, so the same bits. */
#ifndef SG_MODELS_SIMD8_H
#define SG_MODELS_SIMD8_H

#include "sim/core/lanes.h"

#ifdef SG_HAS_LANES

#include <immintrin.h>

#define SG_INLINE8 SG_AVX512 static inline __attribute__((always_inline, unused))

/* a · b + c, rounded twice. */
SG_INLINE8 __m512d sg_then8(__m512d a, __m512d b, double c) {
  return _mm512_add_pd(_mm512_mul_pd(a, b), _mm512_set1_pd(c));
}

/* As sg_v4_exp. */
SG_INLINE8 __m512d sg_exp8(__m512d x) {
  const __m512d shifter = _mm512_set1_pd(0x1.8p52), low = _mm512_set1_pd(-708.0);
  const __m512d v = _mm512_mask_mov_pd(x, _mm512_cmp_pd_mask(x, low, _CMP_LT_OQ), low);
  const __m512d t = sg_then8(v, _mm512_set1_pd(0x1.71547652b82fep0), 0x1.8p52);
  const __m512d k = _mm512_sub_pd(t, shifter);
  const __m512d r =
      _mm512_sub_pd(_mm512_sub_pd(v, _mm512_mul_pd(k, _mm512_set1_pd(0x1.62e42feep-1))),
                    _mm512_mul_pd(k, _mm512_set1_pd(0x1.a39ef35793c76p-33)));
  const __m512d q = _mm512_mul_pd(r, r);
  __m512d even = _mm512_set1_pd(1.0 / 479001600), odd = _mm512_set1_pd(1.0 / 6227020800);
  even = sg_then8(even, q, 1.0 / 3628800);
  odd = sg_then8(odd, q, 1.0 / 39916800);
  even = sg_then8(even, q, 1.0 / 40320);
  odd = sg_then8(odd, q, 1.0 / 362880);
  even = sg_then8(even, q, 1.0 / 720);
  odd = sg_then8(odd, q, 1.0 / 5040);
  even = sg_then8(even, q, 1.0 / 24);
  odd = sg_then8(odd, q, 1.0 / 120);
  even = sg_then8(even, q, 0.5);
  odd = sg_then8(odd, q, 1.0 / 6);
  const __m512d inner = _mm512_add_pd(even, _mm512_mul_pd(r, odd));
  const __m512d p = _mm512_add_pd(_mm512_set1_pd(1.0), _mm512_add_pd(r, _mm512_mul_pd(q, inner)));
  return _mm512_castsi512_pd(
      _mm512_add_epi64(_mm512_castpd_si512(p), _mm512_slli_epi64(_mm512_castpd_si512(t), 52)));
}

/* As sg_v4_log1p. */
SG_INLINE8 __m512d sg_log1p8(__m512d x) {
  const __m512d s = _mm512_div_pd(x, _mm512_add_pd(_mm512_set1_pd(2.0), x));
  const __m512d q = _mm512_mul_pd(s, s), w = _mm512_mul_pd(q, q);
  __m512d even = _mm512_set1_pd(1.0 / 33), odd = _mm512_set1_pd(1.0 / 31);
  even = sg_then8(even, w, 1.0 / 29);
  odd = sg_then8(odd, w, 1.0 / 27);
  even = sg_then8(even, w, 1.0 / 25);
  odd = sg_then8(odd, w, 1.0 / 23);
  even = sg_then8(even, w, 1.0 / 21);
  odd = sg_then8(odd, w, 1.0 / 19);
  even = sg_then8(even, w, 1.0 / 17);
  odd = sg_then8(odd, w, 1.0 / 15);
  even = sg_then8(even, w, 1.0 / 13);
  odd = sg_then8(odd, w, 1.0 / 11);
  even = sg_then8(even, w, 1.0 / 9);
  odd = sg_then8(odd, w, 1.0 / 7);
  even = sg_then8(even, w, 1.0 / 5);
  odd = sg_then8(odd, w, 1.0 / 3);
  const __m512d small = _mm512_mul_pd(q, _mm512_add_pd(_mm512_mul_pd(even, q), odd));
  return _mm512_mul_pd(_mm512_set1_pd(2.0), _mm512_add_pd(s, _mm512_mul_pd(s, small)));
}

#endif
#endif
