/* SPDX-License-Identifier: MIT */
/* Vectors of four doubles.
 *
 * Loops are written on GCC vector extensions, four lanes at a time and without fused multiply-add,
 * so that every processor and every clone of a function gives the same bits. SG_CLONES compiles a
 * function twice and picks the wider form at load time. */
#ifndef SG_CORE_SIMD_H
#define SG_CORE_SIMD_H

#include <stdint.h>

typedef double sg_v4 __attribute__((vector_size(32)));
typedef int64_t sg_v4i __attribute__((vector_size(32)));
typedef uint64_t sg_v4w __attribute__((vector_size(32))); /* for sums that may wrap around */
/* The same in memory, at the alignment of a double. */
typedef double sg_v4u __attribute__((vector_size(32), aligned(8), may_alias));
typedef float sg_f4u __attribute__((vector_size(16), aligned(4), may_alias));

/* Clang 14 exports clones under names of its own, which do not link across files. The resolvers
 * that pick a clone run before a sanitizer is ready. Without clones the bits are the same. */
#if defined(__clang__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||         \
    !defined(__x86_64__)
#define SG_NO_CLONES
#endif
#ifdef SG_NO_CLONES
#define SG_CLONES
#else
#define SG_CLONES __attribute__((target_clones("avx2", "default")))
#endif
#define SG_INLINE static inline __attribute__((always_inline, unused))

SG_INLINE double sg_v4_sum(const sg_v4 *v) {
  return ((*v)[0] + (*v)[1]) + ((*v)[2] + (*v)[3]);
}

#define SG_V4(x) ((sg_v4){(x), (x), (x), (x)})

/* mask ? a : b, lane by lane; by reference because the ABI of vector arguments depends on the
 * processor. */
SG_INLINE void sg_v4_select(const sg_v4i *mask, const sg_v4 *a, const sg_v4 *b, sg_v4 *out) {
  *out = (sg_v4)((*mask & (sg_v4i)*a) | (~*mask & (sg_v4i)*b));
}

#endif
