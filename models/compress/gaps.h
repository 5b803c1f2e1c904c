/* SPDX-License-Identifier: MIT */
/* Positions of k of n coordinates as the gaps between them, in Golomb–Rice code: a gap g ≥ 1 takes
 * ⌊(g − 1)/2^b⌋ ones, a zero and b bits, b = ⌊log2(n/k)⌋; k gaps at most k (b + 1) + n/2^b. */
#ifndef SG_MODELS_GAPS_H
#define SG_MODELS_GAPS_H

#include "models/compress/packed.h"

SG_INLINE int sg_rice_bits(long n, long k) {
  int b = 0;
  while (k << (b + 1) <= n) b++;
  return b;
}

SG_INLINE size_t sg_most_gap_bits(long n, long k, int b) {
  return (size_t)k * (size_t)(b + 1) + (size_t)(n >> b) + 1;
}

SG_INLINE void sg_write_gap(sg_bit_writer *w, long gap, int b) {
  uint64_t rest = (uint64_t)gap - 1, ones = rest >> b;
  rest &= ((uint64_t)1 << b) - 1;
  for (; ones + (uint64_t)b > 55; ones -= ones < 32 ? ones : 32)
    sg_write(w, UINT32_MAX >> (ones < 32 ? 32 - ones : 0), ones < 32 ? (int)ones : 32);
  sg_write(w, (((uint64_t)1 << ones) - 1) | rest << (ones + 1), (int)ones + 1 + b);
}

SG_INLINE long sg_read_gap(sg_bit_reader *r, int b) {
  long ones = 0;
  for (;;) {
    uint64_t ahead = ~sg_peek(r);
    int some = ahead & UINT32_MAX ? __builtin_ctzll(ahead) : 32;
    ones += some;
    r->at += (size_t)some;
    if (some < 32) break;
  }
  r->at++;
  return (long)((uint64_t)ones << b | sg_read(r, b)) + 1;
}

#endif
