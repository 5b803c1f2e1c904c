/* SPDX-License-Identifier: MIT */
/* Vectors of four and of eight doubles, and functions that are compiled once for each width.
 *
 * Loops are written on GCC vector extensions and without fused multiply-add, so that every
 * processor and every clone of a function gives the same bits.
 *
 * SG_CLONES stands in the place of the head of a function of type void:
 *
 *   static SG_CLONES(negate, (long n, double *x), (n, x)) {
 *     for (long i = 0; i < n; i++) x[i] = -x[i];
 *   }
 *
 * with its parameters, then their names. The body is compiled for AVX-512, for AVX2 and for any
 * processor; negate itself picks one by sg_widest_lanes. SG_CLONES_OF(type, …) is the same with a
 * result. In the body the constant `wide` says whether it is the clone for AVX-512: only there are
 * vectors of eight as good as two of four (elsewhere GCC keeps them in memory), so that a loop on
 * sg_v8 stands behind `if (wide)`.
 *
 * The compilers' own target_clones would not do: clang 14 exports clones under names that do not
 * link across files, their resolvers run before a sanitizer is ready, and a test cannot choose. */
#ifndef SG_CORE_SIMD_H
#define SG_CORE_SIMD_H

#include "sim/core/lanes.h"

#include <stdbool.h>
#include <stdint.h>

typedef double sg_v4 __attribute__((vector_size(32)));
typedef int64_t sg_v4i __attribute__((vector_size(32)));
typedef uint64_t sg_v4w __attribute__((vector_size(32))); /* for sums that may wrap around */
/* The same in memory, at the alignment of a double. */
typedef double sg_v4u __attribute__((vector_size(32), aligned(8), may_alias));
typedef float sg_f4u __attribute__((vector_size(16), aligned(4), may_alias));

typedef double sg_v8 __attribute__((vector_size(64)));
typedef int64_t sg_v8i __attribute__((vector_size(64)));
typedef uint64_t sg_v8w __attribute__((vector_size(64)));
typedef double sg_v8u __attribute__((vector_size(64), aligned(8), may_alias));
typedef float sg_f8u __attribute__((vector_size(32), aligned(4), may_alias));

#define SG_INLINE static inline __attribute__((always_inline, unused))

#define SG_UNPACK(...) __VA_ARGS__
#ifdef SG_HAS_LANES
#define SG_CLONES_BY(type, give, name, params, args)                                               \
  type name params;                                                                                \
  SG_INLINE type name##_body(bool wide, SG_UNPACK params);                                         \
  SG_AVX512 static type name##_avx512 params {                                                     \
    give name##_body(true, SG_UNPACK args);                                                        \
  }                                                                                                \
  SG_AVX2 static type name##_avx2 params {                                                         \
    give name##_body(false, SG_UNPACK args);                                                       \
  }                                                                                                \
  __attribute__((noinline)) static type name##_scalar params {                                     \
    give name##_body(false, SG_UNPACK args);                                                       \
  }                                                                                                \
  type name params {                                                                               \
    if (sg_widest_lanes() == SG_LANES_AVX512)                                                      \
      give name##_avx512 args;                                                                     \
    else if (sg_widest_lanes() == SG_LANES_AVX2)                                                   \
      give name##_avx2 args;                                                                       \
    else                                                                                           \
      give name##_scalar args;                                                                     \
  }                                                                                                \
  SG_INLINE type name##_body(bool wide, SG_UNPACK params)
#else
#define SG_CLONES_BY(type, give, name, params, args)                                               \
  type name params;                                                                                \
  SG_INLINE type name##_body(bool wide, SG_UNPACK params);                                         \
  type name params {                                                                               \
    give name##_body(false, SG_UNPACK args);                                                       \
  }                                                                                                \
  SG_INLINE type name##_body(bool wide, SG_UNPACK params)
#endif
#define SG_CLONES(name, params, args)          SG_CLONES_BY(void, , name, params, args)
#define SG_CLONES_OF(type, name, params, args) SG_CLONES_BY(type, return, name, params, args)

SG_INLINE double sg_v4_sum(const sg_v4 *v) {
  return ((*v)[0] + (*v)[1]) + ((*v)[2] + (*v)[3]);
}

#define SG_V4(x) ((sg_v4){(x), (x), (x), (x)})

#define SG_LOW(v)  __builtin_shufflevector(v, v, 0, 1, 2, 3)
#define SG_HIGH(v) __builtin_shufflevector(v, v, 4, 5, 6, 7)

/* mask ? a : b, lane by lane; by reference because the ABI of vector arguments depends on the
 * processor. */
SG_INLINE void sg_v4_select(const sg_v4i *mask, const sg_v4 *a, const sg_v4 *b, sg_v4 *out) {
  *out = (sg_v4)((*mask & (sg_v4i)*a) | (~*mask & (sg_v4i)*b));
}
SG_INLINE void sg_v8_select(const sg_v8i *mask, const sg_v8 *a, const sg_v8 *b, sg_v8 *out) {
  *out = (sg_v8)((*mask & (sg_v8i)*a) | (~*mask & (sg_v8i)*b));
}

#endif
