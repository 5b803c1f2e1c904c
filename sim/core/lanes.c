/* SPDX-License-Identifier: MIT */
#include "sim/core/lanes.h"

#ifndef SG_MOST_LANES /* LANES of the Makefile */
#define SG_MOST_LANES SG_LANES_AVX512
#endif

sg_lanes sg_lanes_used = SG_SCALAR;

static sg_lanes of_processor(void) {
#ifdef SG_HAS_LANES
  __builtin_cpu_init(); /* a constructor may come before the library's own */
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return SG_LANES_AVX512;
  if (__builtin_cpu_supports("avx2")) return SG_LANES_AVX2;
#endif
  return SG_SCALAR;
}

void sg_use_lanes(sg_lanes most) {
  sg_lanes had = of_processor(), may = most < SG_MOST_LANES ? most : SG_MOST_LANES;
  sg_lanes_used = had < may ? had : may;
}

__attribute__((constructor)) static void find(void) {
  sg_use_lanes(SG_LANES_AVX512);
}
