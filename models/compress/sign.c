/* SPDX-License-Identifier: MIT */
/* One bit a coordinate and a float for all: the sign, by rule or at random.
 *
 *   scaled-sign       C(v)_i = (Σ|v| / n) · sgn(v_i), sgn(0) = ±1; ‖C(v) − v‖² = N² − (Σ|v|)²/n
 *   stochastic-sign   C(v)_i = ±R, + with probability (1 + v_i/R)/2, R = max |v_i|: E C(v) = v,
 *                     E ‖C(v) − v‖² = Σ (R² − v_i²)
 *
 * A bit is 1 for minus. R is rounded up to a float, so that probabilities are at most 1. */
#include "models/compress/packed.h"

enum { BLOCK = 256 };

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  c->head_bits = 32;
  return SG_OK;
}

/* The signs of x, as bits. */
SG_INLINE void pack_signs(sg_bit_writer *w, long n, const double *x) {
  long i = 0;
  for (; i + 64 <= n; i += 64) sg_write_word(w, sg_sign_word(x + i));
  for (; i < n; i++) sg_write(w, signbit(x[i]) != 0, 1);
}

static void encode_scaled(const void *state, sg_dither *dither, long n, const double *x,
                          sg_packed *out) {
  sg_moments m = sg_moments_of(n, x);
  sg_bit_writer w;
  if (!sg_bits_begin(&w, out, 32 + (size_t)n)) return;
  sg_write(&w, sg_float_bits(sg_sendable(&m) ? m.sum / (double)n : NAN), 32);
  pack_signs(&w, n, x);
  sg_bits_end(&w, out);
}

/* Minus where u ≥ (1 + x/R)/2: the sign of the difference, which is 0 or positive otherwise; n is
 * padded to fours. */
static SG_CLONES(draw_signs, (int n, const double *x, double range, double *u), (n, x, range, u)) {
  const sg_v4 half = SG_V4(0.5), over = SG_V4(0.5 / range);
  bool divide = !isfinite(over[0]); /* where the range is subnormal */
  for (int i = 0; i < n; i += 4) {
    sg_v4 v = *(const sg_v4u *)(x + i), p = half + (divide ? v / range * half : v * over);
    sg_v4i minus = *(const sg_v4u *)(u + i) >= p;
    *(sg_v4u *)(u + i) = (sg_v4)minus;
  }
}

static void encode_stochastic(const void *state, sg_dither *dither, long n, const double *x,
                              sg_packed *out) {
  sg_moments m = sg_moments_of(n, x);
  double range = sg_sendable(&m) ? sg_float_above(m.most) : NAN, u[BLOCK], rest[BLOCK];
  sg_bit_writer w;
  if (!sg_bits_begin(&w, out, 32 + (size_t)n)) return;
  sg_write(&w, sg_float_bits(range), 32);
  for (long i = 0; i < n; i += BLOCK) {
    int some = n - i < BLOCK ? (int)(n - i) : BLOCK;
    sg_dither_fill(dither, u, some);
    for (int j = some; j % 4; j++) u[j] = rest[j] = 0;
    if (some % 4) memcpy(rest, x + i, (size_t)some * sizeof *x);
    if (range > 0) draw_signs(some, some % 4 ? rest : x + i, range, u);
    pack_signs(&w, some, u);
  }
  sg_bits_end(&w, out);
}

/* 64 numbers of that size with these signs. */
SG_INLINE void spread(uint64_t minus, double size, double *x) {
  const sg_v4w sign = {(uint64_t)1 << 63, (uint64_t)1 << 63, (uint64_t)1 << 63, (uint64_t)1 << 63};
  const sg_v4 positive = SG_V4(size);
  const sg_v4w up = {63, 62, 61, 60};
  for (int i = 0; i < 64; i += 4) {
    sg_v4w word = {minus >> i, minus >> i, minus >> i, minus >> i};
    *(sg_v4u *)(x + i) = (sg_v4)((word << up & sign) ^ (sg_v4w)positive);
  }
}

static SG_CLONES(unpack_signs, (sg_bit_reader * r, long n, double size, double *x),
                 (r, n, size, x)) {
  long i = 0;
  for (; i + 64 <= n; i += 64) spread(sg_read_word(r), size, x + i);
  for (; i < n; i++) x[i] = sg_read(r, 1) ? -size : size;
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  sg_bit_reader r = sg_reader_begin(in);
  double size = sg_float_of(sg_read(&r, 32));
  unpack_signs(&r, n, size, x);
  sg_reader_end(&r, in);
}

const sg_compressor_type sg_compressor_scaled_sign = {
    .about = {.name = "scaled-sign",
              .summary = "Signs, with the mean magnitude of the vector: one bit a coordinate.",
              .reference = "Karimireddy, Rebjock, Stich, Jaggi 2019, arXiv 1901.09847 (recalled); "
                           "its error is derived",
              .params = NULL},
    .number_bits = 1,
    .init = init,
    .encode = encode_scaled,
    .decode = decode};

const sg_compressor_type sg_compressor_stochastic_sign = {
    .about = {.name = "stochastic-sign",
              .summary = "Plus or minus the largest magnitude, at random, without bias: one bit a "
                         "coordinate.",
              .reference = "1-bit gradient coding, arXiv 2403.14716 (the rule and its variance as "
                           "recalled)",
              .params = NULL},
    .unbiased = true,
    .number_bits = 1,
    .init = init,
    .encode = encode_stochastic,
    .decode = decode};
