/* SPDX-License-Identifier: MIT */
/* Vectors of doubles: loads, exp and log1p, with the same bits on every processor. */
#ifndef SG_MODELS_SIMD_H
#define SG_MODELS_SIMD_H

#include "sim/core/simd.h"

/* Four numbers in memory, from p[i] on; eight. */
#define AT(p, i)  (*(const sg_v4u *)((p) + (i)))
#define TO(p, i)  (*(sg_v4u *)((p) + (i)))
#define AT8(p, i) (*(const sg_v8u *)((p) + (i)))
#define TO8(p, i) (*(sg_v8u *)((p) + (i)))

/* *x = e^x for x ≤ 0, within 2 ulp; below e^-708 the result stays at e^-708. NaN stays NaN.
 * x = k ln 2 + r, |r| ≤ ln 2 / 2; Taylor in r to degree 13, even and odd powers apart. */
#define DEFINE_EXP(V)                                                                              \
  SG_INLINE void sg_##V##_exp(sg_##V *x) {                                                         \
    const double shifter =                                                                         \
        0x1.8p52; /* adding it rounds to a whole number, kept in the low bits */                   \
    sg_##V low = (sg_##V){0} + -708.0, v;                                                          \
    sg_##V##i under = *x < low;                                                                    \
    sg_##V##_select(&under, &low, x, &v);                                                          \
    sg_##V t = v * 0x1.71547652b82fep0 + shifter;                                                  \
    sg_##V k = t - shifter;                                                                        \
    sg_##V r = (v - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;                              \
    sg_##V q = r * r;                                                                              \
    sg_##V even = (sg_##V){0} + 1.0 / 479001600, odd = (sg_##V){0} + 1.0 / 6227020800;             \
    even = even * q + 1.0 / 3628800;                                                               \
    odd = odd * q + 1.0 / 39916800;                                                                \
    even = even * q + 1.0 / 40320;                                                                 \
    odd = odd * q + 1.0 / 362880;                                                                  \
    even = even * q + 1.0 / 720;                                                                   \
    odd = odd * q + 1.0 / 5040;                                                                    \
    even = even * q + 1.0 / 24;                                                                    \
    odd = odd * q + 1.0 / 120;                                                                     \
    even = even * q + 0.5;                                                                         \
    odd = odd * q + 1.0 / 6;                                                                       \
    sg_##V p = 1.0 + (r + q * (even + r * odd));                                                   \
    /* Of NaN the sum wraps around, and stays NaN. */                                              \
    *x = (sg_##V)((sg_##V##w)p + ((sg_##V##w)t << 52));                                            \
  }
DEFINE_EXP(v4)
DEFINE_EXP(v8)

/* *x = log(1 + x) for 0 ≤ x ≤ 1, with small relative error also near 0:
 * 2 artanh(s), s = x / (2 + x) ≤ 1/3, as a series in s² to degree 16. */
#define DEFINE_LOG1P(V)                                                                            \
  SG_INLINE void sg_##V##_log1p(sg_##V *x) {                                                       \
    sg_##V s = *x / (2.0 + *x), q = s * s, w = q * q;                                              \
    sg_##V even = (sg_##V){0} + 1.0 / 33, odd = (sg_##V){0} + 1.0 / 31;                            \
    even = even * w + 1.0 / 29;                                                                    \
    odd = odd * w + 1.0 / 27;                                                                      \
    even = even * w + 1.0 / 25;                                                                    \
    odd = odd * w + 1.0 / 23;                                                                      \
    even = even * w + 1.0 / 21;                                                                    \
    odd = odd * w + 1.0 / 19;                                                                      \
    even = even * w + 1.0 / 17;                                                                    \
    odd = odd * w + 1.0 / 15;                                                                      \
    even = even * w + 1.0 / 13;                                                                    \
    odd = odd * w + 1.0 / 11;                                                                      \
    even = even * w + 1.0 / 9;                                                                     \
    odd = odd * w + 1.0 / 7;                                                                       \
    even = even * w + 1.0 / 5;                                                                     \
    odd = odd * w + 1.0 / 3;                                                                       \
    /* s + s·(small): the leading term is not rounded twice. */                                   \
    *x = 2.0 * (s + s * (q * (even * q + odd)));                                                   \
  }
DEFINE_LOG1P(v4)
DEFINE_LOG1P(v8)

#endif
