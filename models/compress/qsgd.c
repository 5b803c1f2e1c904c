/* SPDX-License-Identifier: MIT */
/* QSGD: random rounding to s levels of the vector's 2-norm N.
 *
 *   C(v)_i = N · sgn(v_i) · l_i / s,   l_i = floor(a) + (1 with probability frac(a)),
 *   a = |v_i| s / N
 *
 * so that E C(v) = v and E ‖C(v) − v‖² = N²/s² · Σ f(1 − f) with f = frac(a) ≤ min(n/s², √n/s) N².
 * N travels as a float, rounded up so that no level exceeds s; the levels are counted in it. */
#include "models/compress/packed.h"

typedef struct qsgd {
  uint32_t levels;
  int width; /* bits of a level */
} qsgd;
SG_COMPRESSOR_FITS(qsgd);

enum { BLOCK = 256 };

static const sg_param params[] = {
    SG_ROW_INT("levels", 1, 65535,
               "Levels s of a magnitude besides 0; a coordinate takes 1 + ⌈log2(s + 1)⌉ bits.",
               .fallback = 15),
    {0}};

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  qsgd *q = (qsgd *)c->state;
  q->levels = (uint32_t)sg_int(values, "levels");
  while (q->levels >> q->width) q->width++;
  c->head_bits = 32;
  c->number_bits = 1 + q->width;
  return SG_OK;
}

/* Levels, and above them the signs, of a block; u: uniforms, at least as many as numbers, padded to
 * fours as these are. */
SG_CLONES static void levels_of(const qsgd *q, double norm, int n, const double *x, const double *u,
                                int32_t *code) {
  typedef int32_t i4 __attribute__((vector_size(16)));
  const sg_v4 scale = SG_V4((double)q->levels / norm), top = SG_V4((double)q->levels);
  /* scale may overflow where the norm is subnormal. */
  bool divide = !isfinite(scale[0]);
  for (int i = 0; i < n; i += 4) {
    sg_v4i v = (sg_v4i) * (const sg_v4u *)(x + i), minus = v < 0;
    sg_v4 a = (sg_v4)(v & INT64_MAX);
    a = divide ? a / norm * top : a * scale;
    i4 down = __builtin_convertvector(a, i4);
    sg_v4 level = __builtin_convertvector(down, sg_v4), one = SG_V4(1.0);
    sg_v4i up = *(const sg_v4u *)(u + i) < a - level;
    level += (sg_v4)(up & (sg_v4i)one);
    sg_v4i over = level > top; /* a rounding error above s */
    sg_v4_select(&over, &top, &level, &level);
    i4 whole = __builtin_convertvector(level, i4), sign = __builtin_convertvector(minus, i4);
    whole |= sign & (1 << q->width);
    memcpy(code + i, &whole, sizeof whole);
  }
}

static void pack_codes(sg_bit_writer *w, int n, const int32_t *code, int width) {
  int i = 0;
  for (; i + 3 <= n; i += 3) /* three of at most 17 bits */
    sg_write(
        w, (uint64_t)code[i] | (uint64_t)code[i + 1] << width | (uint64_t)code[i + 2] << 2 * width,
        3 * width);
  for (; i < n; i++) sg_write(w, (uint64_t)code[i], width);
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, double *memory,
                   sg_packed *out) {
  const qsgd *q = state;
  sg_moments m = sg_moments_of(n, x);
  double norm = sg_float_above(sg_norm_of(n, x, &m)), u[BLOCK], rest[BLOCK] = {0};
  int32_t code[BLOCK] = {0};
  sg_bit_writer w;
  if (!sg_bits_begin(&w, out, 32 + (size_t)n * (size_t)(1 + q->width))) return;
  sg_write(&w, sg_float_bits(norm), 32);
  for (long i = 0; i < n; i += BLOCK) {
    int some = n - i < BLOCK ? (int)(n - i) : BLOCK;
    if (norm > 0 && isfinite(norm)) {
      sg_dither_fill(dither, u, some);
      for (int j = some; j % 4; j++) u[j] = 0;
      if (some % 4) memcpy(rest, x + i, (size_t)some * sizeof *x);
      levels_of(q, norm, some, some % 4 ? rest : x + i, u, code);
    }
    pack_codes(&w, some, code, 1 + q->width);
  }
  sg_bits_end(&w, out);
}

SG_CLONES static void values_of(const qsgd *q, double norm, int n, const int32_t *code, double *x) {
  typedef int32_t i4 __attribute__((vector_size(16), aligned(4), may_alias));
  const sg_v4 top = SG_V4((double)q->levels);
  const int32_t sign = 1 << q->width;
  for (int i = 0; i < n; i += 4) {
    i4 c = *(const i4 *)(code + i), minus = (c & sign) != 0;
    sg_v4 value = norm * __builtin_convertvector(c & (sign - 1), sg_v4) / top;
    sg_v4i signs = __builtin_convertvector(minus, sg_v4i) & INT64_MIN;
    *(sg_v4u *)(x + i) = (sg_v4)((sg_v4i)value ^ signs);
  }
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  const qsgd *q = state;
  sg_bit_reader r = sg_reader_begin(in);
  double norm = sg_float_of(sg_read(&r, 32)); /* times level 0 is NaN if it is not finite */
  double rest[BLOCK];
  int32_t code[BLOCK] = {0};
  for (long i = 0; i < n; i += BLOCK) {
    int some = n - i < BLOCK ? (int)(n - i) : BLOCK;
    for (int j = 0; j < some; j++) code[j] = (int32_t)sg_read(&r, 1 + q->width);
    values_of(q, norm, some, code, some % 4 ? rest : x + i);
    if (some % 4) memcpy(x + i, rest, (size_t)some * sizeof *x);
  }
  sg_reader_end(&r, in);
}

const sg_compressor_type sg_compressor_qsgd = {
    .about = {.name = "qsgd",
              .summary = "Magnitudes are rounded at random, without bias, to multiples of the "
                         "vector's 2-norm over s.",
              .reference = "Alistarh, Grubic, Li, Tomioka, Vojnović 2017, arXiv 1610.02132 (the "
                           "rule and its bits; here with a fixed number of bits for a level)",
              .params = params},
    .unbiased = true,
    .init = init,
    .encode = encode,
    .decode = decode};
