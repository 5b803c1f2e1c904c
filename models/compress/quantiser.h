/* SPDX-License-Identifier: MIT */
/* The uniform quantiser of Saha, Pilanci, Goldsmith (2021, 2103.07578) with a budget of bits that
 * is any real number (theory: quantiser): ⌊D R⌋ bits are shared by M coefficients, each of which
 * has ⌊⌊D R⌋/M⌋; what is left goes to random coefficients, a bit each.
 *
 *   nearest    b bits: the nearest of 2^b points −1 + (2 k + 1)/2^b, times the largest magnitude;
 *              b = 0 gives 0
 *   dithered   the sign and a magnitude rounded at random to multiples of 1/(2^b − 1): unbiased.
 *              It has b + 1 bits, which are counted; b is at least 1
 *   sampled    for R < 1: ⌊D R⌋ random coefficients (at least one) dithered with b = 1, times
 *              M/⌊D R⌋, the others 0: unbiased. 2 bits each, which are counted
 *
 * Which coefficients are chosen is drawn from the address of the message, which both ends know. */
#ifndef SG_MODELS_QUANTISER_H
#define SG_MODELS_QUANTISER_H

#include "models/compress/compress.h"

typedef enum sg_rounding { SG_NEAREST, SG_DITHERED, SG_SAMPLED } sg_rounding;
extern const char *const sg_roundings[];

typedef struct sg_quantiser {
  double rate; /* R */
  sg_rounding rounding;
} sg_quantiser;

/* Rows "bits" and "rounding" of a compressor's table. */
#define SG_ROWS_QUANTISER                                                                          \
  SG_ROW_REAL("bits", 0, 24,                                                                       \
              "Bits R per coordinate of the message, any real number: ⌊R n⌋ are shared out.",      \
              .fallback = 4, .flags = SG_MIN_OPEN),                                                \
      SG_ROW_CHOICE("rounding", sg_roundings, SG_NEAREST,                                          \
                    "To the nearest level; at random without bias (dithered: R ≥ 1, and a bit "  \
                    "more than R is sent for each sign); or, for R < 1, without bias one bit and " \
                    "a sign of random coefficients only (sampled).")

sg_status sg_quantiser_read(sg_quantiser *q, const sg_values *values, sg_error *e);

/* Without the 32 of the largest magnitude. d: length of the message, m ≥ d: of what is quantised.
 */
double sg_quantiser_bits(const sg_quantiser *q, long d, long m);

/* k of n, all sets being alike in that each element is in with probability k/n. Of many elements
 * whose number is a power of two in O(1) memory, by a random permutation that is computed. */
typedef struct sg_subset {
  long n, k;
  bool hashed;
  uint32_t mask, half, add[2], times[2];
  const uint64_t *word; /* where not hashed: bit i % 64 of word i / 64 */
} sg_subset;

/* Doubles of memory that sg_subset_draw needs. */
long sg_subset_room(long n);
/* draw: tells apart the subsets of one message. */
void sg_subset_draw(sg_subset *s, uint64_t key, uint32_t draw, long n, long k, double *room);
/* in[i] = whether begin + i is in, 0 or 1, for i < count. begin: a multiple of 64. */
void sg_subset_flags(const sg_subset *s, long begin, int count, uint32_t *in);

/* Packs `most`, which is max |x_i|, as a float that is rounded up, and the levels of x, length m.
 * room: sg_subset_room(m) doubles. The key is out->key; dither is not asked by `nearest`. */
void sg_quantise(const sg_quantiser *q, sg_dither *dither, long d, long m, const double *x,
                 double most, double *room, sg_packed *out);
void sg_dequantise(const sg_quantiser *q, long d, long m, double *x, double *room, sg_packed *in);

#endif
