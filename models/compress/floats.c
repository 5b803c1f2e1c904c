/* SPDX-License-Identifier: MIT */
/* Number formats: each coordinate by itself is rounded to what the format can hold, to nearest,
 * ties to even, once (bfloat16 does not go through float32, which would round twice). A rounded
 * number is the double of equal value. Subnormal results are kept; what exceeds the largest number
 * of the format by half a unit or more becomes an infinity; NaN stays NaN; signs of zeros are kept.
 */
#include "models/compress/compress.h"
#include "sim/core/simd.h"

#include <math.h>
#include <string.h>

SG_INLINE void round_float32(sg_v4 *x) {
  typedef float f4 __attribute__((vector_size(16)));
  f4 narrow = __builtin_convertvector(*x, f4);
  *x = __builtin_convertvector(narrow, sg_v4);
}

/* A double has 45 significand bits more than a bfloat16. Normal numbers: adding just under half a
 * unit to the bits, and the last bit that stays, carries into that bit exactly when rounding to
 * nearest even goes up. Below 2^-126 the unit is 2^-133 whatever the number: adding 1.5 · 2^-81,
 * whose last bit is worth that much, rounds there. */
SG_INLINE void round_bfloat16(sg_v4 *x) {
  typedef uint64_t u4 __attribute__((vector_size(32)));
  const uint64_t dropped = ((uint64_t)1 << 45) - 1, half = (uint64_t)1 << 44;
  const sg_v4i sign = {INT64_MIN, INT64_MIN, INT64_MIN, INT64_MIN};
  sg_v4i bits = (sg_v4i)*x;
  sg_v4 size = (sg_v4)(bits & ~sign);
  u4 up = (((u4)bits >> 45) & 1) + (half - 1);
  sg_v4 normal = (sg_v4)(((u4)size + up) & ~dropped);
  const double unit = 0x1.8p-81;
  sg_v4 subnormal = (size + unit) - unit, infinite = SG_V4(INFINITY), y;
  sg_v4i tiny = size<SG_V4(0x1p-126), over = normal> SG_V4(0x1.fep127);
  sg_v4i is_nan = size != size;
  sg_v4_select(&tiny, &subnormal, &normal, &y);
  sg_v4_select(&over, &infinite, &y, &y);
  sg_v4_select(&is_nan, &size, &y, &y);
  *x = (sg_v4)((sg_v4i)y | (bits & sign));
}

SG_INLINE void round_all(void (*round4)(sg_v4 *), long n, double *x) {
  long i = 0;
  for (; i + 4 <= n; i += 4) {
    sg_v4 v = *(const sg_v4u *)(x + i);
    round4(&v);
    *(sg_v4u *)(x + i) = v;
  }
  if (i == n) return;
  sg_v4 rest = SG_V4(0.0);
  memcpy(&rest, x + i, (size_t)(n - i) * sizeof *x);
  round4(&rest);
  memcpy(x + i, &rest, (size_t)(n - i) * sizeof *x);
}

static SG_CLONES(all_float32, (const void *state, long n, double *x), (state, n, x)) {
  round_all(round_float32, n, x);
}

static SG_CLONES(all_bfloat16, (const void *state, long n, double *x), (state, n, x)) {
  round_all(round_bfloat16, n, x);
}

const sg_compressor_type sg_compressor_float64 = {
    .about = {.name = "float64",
              .summary = "Numbers travel as they are computed: IEEE 754 binary64, 64 bits each."},
    .number_bits = 64};

const sg_compressor_type sg_compressor_float32 = {
    .about = {.name = "float32",
              .summary = "Numbers are rounded to IEEE 754 binary32, to nearest: 32 bits each."},
    .number_bits = 32,
    .round = all_float32};

const sg_compressor_type sg_compressor_bfloat16 = {
    .about = {.name = "bfloat16",
              .summary = "Numbers are rounded to the upper half of a binary32 (8 significant "
                         "bits), to nearest: 16 bits each."},
    .number_bits = 16,
    .round = all_bfloat16};
