/* SPDX-License-Identifier: MIT */
/* Rand-k: C(v)_i = (n/k) v_i on a set of k coordinates drawn at random, 0 elsewhere.
 *
 * E C(v) = v and E ‖C(v) − v‖² = (n/k − 1) N². The randomness is shared: a message is a seed of 64
 * bits, from which the receiver draws the same set, and k floats. A value is rounded to one of the
 * two floats next to it at random, so that its mean, too, is exact. Every subset of k has the same
 * probability (Floyd's algorithm; above n/2 for those that stay out); it costs O(k) and a bit a
 * coordinate. */
#include "models/compress/packed.h"

static const sg_param params[] = {SG_ROWS_KEPT, {0}};

static double bits_of(const void *state, long n) {
  const sg_kept *r = state;
  return 64 + 32.0 * (double)sg_kept_of(r, n);
}

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  c->bits = bits_of;
  return sg_kept_read(c, values, e);
}

/* k of n, as bits; NULL: no memory. */
static uint64_t *draw(uint64_t seed, long n, long k, sg_packed *p) {
  size_t words = (size_t)(n + 63) / 64;
  uint64_t *set = (uint64_t *)(void *)sg_packed_scratch(p, (long)words);
  if (!set) return NULL;
  long some = k <= n / 2 ? k : n - k;
  sg_dither d = {.key = seed};
  memset(set, 0, words * sizeof *set);
  for (long j = n - some; j < n; j++) {
    long i = (long)(sg_dither_next(&d) * (double)(j + 1));
    if (i > j) i = j; /* rounding */
    if (set[i / 64] >> (i % 64) & 1) i = j;
    set[i / 64] |= (uint64_t)1 << (i % 64);
  }
  if (some == k) return set;
  for (size_t w = 0; w < words; w++) set[w] = ~set[w];
  if (n % 64) set[words - 1] &= ((uint64_t)1 << (n % 64)) - 1;
  return set;
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out) {
  const sg_kept *r = state;
  long k = sg_kept_of(r, n);
  uint64_t seed = (uint64_t)(sg_dither_next(dither) * 0x1p32) << 32;
  seed |= (uint64_t)(sg_dither_next(dither) * 0x1p32);
  const uint64_t *set = draw(seed, n, k, out);
  sg_moments m = sg_moments_of(n, x);
  bool fine = sg_sendable(&m);
  sg_bit_writer w;
  if (!set || !sg_bits_begin(&w, out, 64 + 32 * (size_t)k)) return;
  sg_write_word(&w, seed);
  for (long i = 0; i < n; i += 64)
    for (uint64_t in = set[i / 64]; in; in &= in - 1) {
      double v = x[i + __builtin_ctzll(in)];
      v = fine ? sg_float_near(v, sg_dither_next(dither)) : NAN;
      sg_write(&w, sg_float_bits(v), 32);
    }
  sg_bits_end(&w, out);
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  const sg_kept *r = state;
  long k = sg_kept_of(r, n);
  double factor = (double)n / (double)k;
  uint64_t seed = sg_unpack(in, 64);
  const uint64_t *set = draw(seed, n, k, in);
  if (!set) return;
  sg_bit_reader reader = sg_reader_begin(in);
  memset(x, 0, (size_t)n * sizeof *x);
  for (long i = 0; i < n; i += 64)
    for (uint64_t bits = set[i / 64]; bits; bits &= bits - 1)
      x[i + __builtin_ctzll(bits)] = factor * sg_float_of(sg_read(&reader, 32));
  sg_reader_end(&reader, in);
}

const sg_compressor_type sg_compressor_rand_k = {
    .about = {.name = "rand-k",
              .summary =
                  "A random set of coordinates, as floats, scaled up to be unbiased; the set "
                  "is drawn from a seed that is sent.",
              .reference = "Stich, Cordonnier, Jaggi 2018, arXiv 1809.07599 (the random set; "
                           "recalled); its error is derived",
              .params = params},
    .unbiased = true,
    .init = init,
    .encode = encode,
    .decode = decode};
