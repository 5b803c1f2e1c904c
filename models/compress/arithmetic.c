/* SPDX-License-Identifier: MIT */
#include "models/compress/arithmetic.h"

/* A state in [2^31, 2^63); a symbol of frequency f makes it 2^16/f times larger. Symbols are taken
 * in from the last to the first, so that they come out from the first to the last. */
enum { BITS = 16, ONE = 1 << BITS };
#define LEAST ((uint64_t)1 << 31)

static int bits_for(long n) {
  int bits = 0;
  while (n >> bits) bits++;
  return bits;
}

/* Of + and of −: k of n are not 0. */
static uint32_t frequency_of(long n, long k) {
  double half = (double)ONE / 2 * ((double)k / (double)n);
  uint32_t f = (uint32_t)nearbyint(half);
  if (k > 0 && f == 0) f = 1;
  if (k < n && f >= ONE / 2) f = ONE / 2 - 1;
  return f;
}

void sg_pack_ternary(sg_packed *out, long n, const double *x, uint32_t *word) {
  long k = 0, words = 0;
  for (long i = 0; i < n; i++) k += x[i] != 0;
  uint64_t state = LEAST;
  uint32_t f = frequency_of(n, k);
  for (long i = n - 1; i >= 0; i--) {
    uint32_t own = x[i] == 0 ? ONE - 2 * f : f, start = x[i] > 0 ? 0 : x[i] < 0 ? f : 2 * f;
    if (state >= (uint64_t)own << (63 - BITS)) {
      word[words++] = (uint32_t)state;
      state >>= 32;
    }
    state = (state / own << BITS) + state % own + start;
  }
  sg_bit_writer w;
  if (!sg_bits_begin(&w, out, 64 + 64 + 32 * (size_t)words)) return;
  sg_write(&w, (uint64_t)k, bits_for(n));
  sg_write_word(&w, state);
  while (words > 0) sg_write(&w, word[--words], 32);
  sg_bits_end(&w, out);
}

void sg_unpack_ternary(sg_packed *in, long n, double c, double *x) {
  sg_bit_reader r = sg_reader_begin(in);
  long k = (long)sg_read(&r, bits_for(n));
  uint32_t f = frequency_of(n, k);
  uint64_t state = sg_read_word(&r);
  for (long i = 0; i < n; i++) {
    uint32_t slot = state & (ONE - 1);
    bool plus = slot < f, minus = !plus && slot < 2 * f;
    uint32_t own = plus || minus ? f : ONE - 2 * f, start = plus ? 0 : minus ? f : 2 * f;
    x[i] = plus ? c : minus ? -c : 0 * c;
    state = own * (state >> BITS) + slot - start;
    if (state < LEAST) state = state << 32 | sg_read(&r, 32);
  }
  sg_reader_end(&r, in);
}
