/* SPDX-License-Identifier: MIT */
/* Reading and writing packed bits many at a time, for the loops of compressors.
 *
 * Bits are appended in words: what has not filled a byte yet stays in a register. The bits are
 * those of sg_pack and sg_unpack, which are for heads and tails. */
#ifndef SG_MODELS_PACKED_H
#define SG_MODELS_PACKED_H

#include "models/compress/compress.h"
#include "sim/core/simd.h"

#include <math.h>
#include <string.h>
#ifdef __x86_64__
#include <emmintrin.h>
#endif

/* Words in memory have their lowest byte first, on every machine. */
SG_INLINE uint64_t sg_in_order(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return __builtin_bswap64(word);
#else
  return word;
#endif
}

SG_INLINE void sg_store_word(unsigned char *at, uint64_t word) {
  word = sg_in_order(word);
  memcpy(at, &word, sizeof word);
}

SG_INLINE uint64_t sg_load_word(const unsigned char *at) {
  uint64_t word;
  memcpy(&word, at, sizeof word);
  return sg_in_order(word);
}

typedef struct sg_bit_writer {
  unsigned char *at; /* of the first byte that is not full */
  uint64_t word;     /* its bits, fewer than 8 */
  int have;
} sg_bit_writer;

/* Room for so many bits more; false, with p->failed: no memory. Between begin and end nobody else
 * writes. */
bool sg_bits_begin(sg_bit_writer *w, sg_packed *p, size_t bits);
void sg_bits_end(const sg_bit_writer *w, sg_packed *p);

/* value < 2^n, n ≤ 56. */
SG_INLINE void sg_write(sg_bit_writer *w, uint64_t value, int n) {
  w->word |= value << w->have;
  w->have += n;
  sg_store_word(w->at, w->word);
  w->at += w->have >> 3;
  w->word >>= w->have & ~7;
  w->have &= 7;
}

SG_INLINE void sg_write_word(sg_bit_writer *w, uint64_t value) {
  sg_store_word(w->at, w->word | value << w->have);
  w->at += 8;
  w->word = w->have > 0 ? value >> (64 - w->have) : 0;
}

typedef struct sg_bit_reader {
  const unsigned char *byte;
  size_t bytes, at; /* at: bits read */
} sg_bit_reader;

SG_INLINE sg_bit_reader sg_reader_begin(const sg_packed *p) {
  return (sg_bit_reader){.byte = p->byte, .bytes = (p->count + 7) / 8, .at = p->at};
}

SG_INLINE void sg_reader_end(const sg_bit_reader *r, sg_packed *p) {
  p->at = r->at;
}

/* At least 57 bits from the next one on; zeros past the end. */
SG_INLINE uint64_t sg_peek(const sg_bit_reader *r) {
  size_t byte = r->at >> 3;
  if (__builtin_expect(byte + 8 <= r->bytes, 1)) return sg_load_word(r->byte + byte) >> (r->at & 7);
  unsigned char rest[8] = {0};
  for (size_t i = 0; byte + i < r->bytes; i++) rest[i] = r->byte[byte + i];
  return sg_load_word(rest) >> (r->at & 7);
}

/* n ≤ 56. */
SG_INLINE uint64_t sg_read(sg_bit_reader *r, int n) {
  uint64_t value = sg_peek(r) & (((uint64_t)1 << n) - 1);
  r->at += (size_t)n;
  return value;
}

SG_INLINE uint64_t sg_read_word(sg_bit_reader *r) {
  uint64_t low = sg_read(r, 32);
  return low | sg_read(r, 32) << 32;
}

SG_INLINE uint64_t sg_float_bits(double value) {
  float narrow = (float)value;
  uint32_t bits;
  memcpy(&bits, &narrow, sizeof bits);
  return bits;
}

SG_INLINE double sg_float_of(uint64_t bits) {
  uint32_t word = (uint32_t)bits;
  float narrow;
  memcpy(&narrow, &word, sizeof narrow);
  return (double)narrow;
}

/* The least float that is not below a number. */
SG_INLINE double sg_float_above(double x) {
  float narrow = (float)x;
  return (double)((double)narrow < x ? nextafterf(narrow, INFINITY) : narrow);
}

/* A float next to x, the upper or the lower one with probabilities that make x the mean; u: uniform
 * in [0, 1). x itself if it is a float. */
SG_INLINE double sg_float_near(double x, double u) {
  uint64_t bits;
  if (fabs(x) < 0x1p-126) {
    double units = fabs(x) * 0x1p149, down = floor(units);
    return copysign((down + (u < units - down)) * 0x1p-149, x);
  }
  memcpy(&bits, &x, sizeof bits); /* a float's significand is 29 bits shorter */
  if (isfinite(x)) bits = (bits + (uint64_t)(u * 0x1p29)) & ~(((uint64_t)1 << 29) - 1);
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Bit i: the sign bit of x[i], i < 64. */
SG_INLINE uint64_t sg_sign_word(const double *x) {
  uint64_t word = 0;
#ifdef __x86_64__
#pragma GCC unroll 32
  for (int i = 0; i < 64; i += 2)
    word |= (uint64_t)(unsigned)_mm_movemask_pd(_mm_loadu_pd(x + i)) << i;
#else
  for (int i = 0; i < 64; i++) word |= (uint64_t)(signbit(x[i]) != 0) << i;
#endif
  return word;
}

/* Bit i: |x[i]| ≥ t, i < 64. */
SG_INLINE uint64_t sg_reach_word(const double *x, double t) {
  uint64_t word = 0;
#ifdef __x86_64__
  const __m128d sign = _mm_set1_pd(-0.0), least = _mm_set1_pd(t);
#pragma GCC unroll 32
  for (int i = 0; i < 64; i += 2) {
    __m128d a = _mm_andnot_pd(sign, _mm_loadu_pd(x + i));
    word |= (uint64_t)(unsigned)_mm_movemask_pd(_mm_cmpge_pd(a, least)) << i;
  }
#else
  for (int i = 0; i < 64; i++) word |= (uint64_t)(fabs(x[i]) >= t) << i;
#endif
  return word;
}

/* Bit i: low ≤ |x[i]| ≤ high. */
SG_INLINE uint64_t sg_between_word(const double *x, double low, double high) {
  uint64_t word = 0;
#ifdef __x86_64__
  const __m128d sign = _mm_set1_pd(-0.0), least = _mm_set1_pd(low), most = _mm_set1_pd(high);
#pragma GCC unroll 32
  for (int i = 0; i < 64; i += 2) {
    __m128d a = _mm_andnot_pd(sign, _mm_loadu_pd(x + i));
    a = _mm_and_pd(_mm_cmpge_pd(a, least), _mm_cmple_pd(a, most));
    word |= (uint64_t)(unsigned)_mm_movemask_pd(a) << i;
  }
#else
  for (int i = 0; i < 64; i++) word |= (uint64_t)(fabs(x[i]) >= low && fabs(x[i]) <= high) << i;
#endif
  return word;
}

/* What compressors ask of a vector first. In order of their lanes, the same on every machine. */
typedef struct sg_moments {
  double most, sum, square; /* max |x_i| (of those that are numbers), Σ |x_i|, Σ x_i² */
} sg_moments;

sg_moments sg_moments_of(long n, const double *x);
/* Whether all are finite, and floats: what is beyond has diverged. */
SG_INLINE bool sg_sendable(const sg_moments *m) {
  return isfinite(m->sum) && m->most <= 0x1.fffffep127;
}
/* The 2-norm, of tiny and huge vectors too; NAN if x is not finite. */
double sg_norm_of(long n, const double *x, const sg_moments *m);

/* --- How many coordinates are sent: a share of them, or k --------------------------------------
 */

#define SG_ROWS_KEPT                                                                               \
  SG_ROW_REAL("share", 0, 1, "The share k/n of the coordinates that are sent; k is rounded up.",   \
              .fallback = 0.01, .flags = SG_MIN_OPEN),                                             \
      SG_ROW_INT("k", 1, 0x1p53, "How many coordinates are sent, in place of a share of them.",    \
                 .flags = SG_OPTIONAL)

typedef struct sg_kept { /* a compressor's state */
  double share;
  long k; /* 0: by the share */
} sg_kept;
/* Reads them, of which one may be given, into c->state; c->least: k. */
sg_status sg_kept_read(sg_compressor *c, const sg_values *values, sg_error *e);
/* k, or ⌈share · n⌉, at least 1. */
long sg_kept_of(const sg_kept *kept, long n);

/* --- Ternary digits ---------------------------------------------------------------------------
 *
 * x_i becomes the digit 1 + sgn(x_i) where |x_i| ≥ t_i, otherwise 1; five digits are a byte,
 * Σ 3^m d_m; what is left over takes as few bits as it can: n digits 8 ⌊n/5⌋ + {0, 2, 4, 5, 7}. In
 * full blocks of 320 the digits of a byte are 64 coordinates apart, so that the bytes of a block
 * are made side by side. */
enum { SG_TRITS = 320 };

double sg_trit_bits(long n);
/* dither: thresholds are t_i = u_i t, u_i uniform in [0, 1); NULL: they are t. */
void sg_pack_trits(sg_packed *out, long n, const double *x, double t, sg_dither *dither);
/* x_i = (d_i − 1) c. */
void sg_unpack_trits(sg_packed *in, long n, double c, double *x);

#endif
