/* SPDX-License-Identifier: MIT */
/* Which vectors a processor has, for kernels that are compiled once for each.
 *
 * All give the same bits, and those of the scalar way. Everybody gets the widest; tests run each
 * that is here, by sg_use_lanes or by the name of a function that ends in _with. `make LANES=avx2`
 * or `LANES=scalar` is a program that goes no further. */
#ifndef SG_CORE_LANES_H
#define SG_CORE_LANES_H

#if defined(__x86_64__)
#define SG_HAS_LANES
#define SG_AVX2   __attribute__((target("avx2")))
#define SG_AVX512 __attribute__((target("avx512f,avx512dq,avx512vl")))
#endif

/* Before a loop over sums that must live in registers, at -O2 too; clang unrolls by itself. */
#ifdef __clang__
#define SG_UNROLL
#else
#define SG_UNROLL _Pragma("GCC unroll 8")
#endif

typedef enum sg_lanes { SG_SCALAR, SG_LANES_AVX2, SG_LANES_AVX512 } sg_lanes;

/* What is used; read it by sg_widest_lanes. Found before main begins. */
extern sg_lanes sg_lanes_used;

/* The widest that the processor has and the program may use. */
static inline sg_lanes sg_widest_lanes(void) {
  return sg_lanes_used;
}

/* From here on no wider ones than `most`; SG_LANES_AVX512: all that there are. Not while other
 * threads are at work. */
void sg_use_lanes(sg_lanes most);

#endif
