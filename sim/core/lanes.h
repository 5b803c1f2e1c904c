/* SPDX-License-Identifier: MIT */
/* Which vectors a processor has, for kernels that are written once for each.
 *
 * All give the same bits, and those of the scalar way. Tests call each that is here by its name
 * (the function that ends in _with); everybody else gets the widest. */
#ifndef SG_CORE_LANES_H
#define SG_CORE_LANES_H

#if defined(__x86_64__)
#define SG_HAS_LANES
#define SG_AVX2   __attribute__((target("avx2")))
#define SG_AVX512 __attribute__((target("avx512f,avx512dq")))
#endif

typedef enum sg_lanes { SG_SCALAR, SG_LANES_AVX2, SG_LANES_AVX512 } sg_lanes;

/* The widest that the processor has. */
static inline sg_lanes sg_widest_lanes(void) {
#ifdef SG_HAS_LANES
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    return SG_LANES_AVX512;
  if (__builtin_cpu_supports("avx2")) return SG_LANES_AVX2;
#endif
  return SG_SCALAR;
}

#endif
