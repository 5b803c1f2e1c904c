/* SPDX-License-Identifier: MIT */
/* QSGD: random rounding to s levels of the vector's 2-norm N.
 *
 *   C(v)_i = N · sgn(v_i) · l_i / s,   l_i = floor(a) + (1 with probability frac(a)),
 *   a = |v_i| s / N
 *
 * so that E C(v) = v and E ‖C(v) − v‖² = N²/s² · Σ f(1 − f) with f = frac(a) ≤ min(n/s², √n/s) N².
 * N travels as a float, rounded up so that no level exceeds s; the levels are counted in it.
 *
 * Dense, a coordinate has a sign and ⌈log2(s + 1)⌉ bits. By Elias, of those that are not 0 there
 * are the gap to the one before, the sign and the level, gaps and levels in Elias's recursive
 * (omega) code; last a gap that leads past the end. In the mean at most 32 + (3 + 1.5 log2(2 (s² +
 * n) / (s (s + √n)))) s (s + √n) bits (recalled, but for o(1)). */
#include "models/compress/elias.h"

#include <stdlib.h>

typedef struct qsgd {
  uint32_t levels;
  int width; /* bits of a level */
  bool elias;
} qsgd;
SG_COMPRESSOR_FITS(qsgd);

/* The code of a coordinate is s + sgn(v_i) l_i. In full blocks `per` of them, SIDE coordinates
 * apart, make a word of at most 52 bits, which is summed as a double, exactly. */
enum { SIDE = 64, MOST_PER = 8, BLOCK = SIDE * MOST_PER };

static const char *const codes[] = {"dense", "elias", NULL};

static const sg_param params[] = {
    SG_ROW_INT(
        "levels", 1, 65535,
        "Levels s of a magnitude besides 0; dense, a coordinate takes 1 + ⌈log2(s + 1)⌉ bits.",
        .fallback = 15),
    SG_ROW_CHOICE("code", codes, 0,
                  "Levels with a fixed number of bits, or, by Elias, positions and levels of those "
                  "that are not 0, whose bits depend on the data."),
    {0}};

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  qsgd *q = (qsgd *)c->state;
  q->levels = (uint32_t)sg_int(values, "levels");
  while (q->levels >> q->width) q->width++;
  q->elias = sg_choice(values, "code") == 1;
  if (q->elias) return SG_OK;
  c->head_bits = 32;
  c->number_bits = 1 + q->width;
  return SG_OK;
}

static int per_word(const qsgd *q) {
  int per = 52 / (1 + q->width);
  return per < MOST_PER ? per : MOST_PER;
}

/* SIDE words of `per` codes. A number y = v_i s / N goes to y + ½ − u, rounded to nearest: up with
 * the probability that it is above the level below, u uniform in (0, 1). */
static SG_CLONES(code_block,
                 (const qsgd *q, double norm, int per, const double *x, const double *u,
                  uint64_t *word),
                 (q, norm, per, x, u, word)) {
  /* Less than the quotient, so that |y| < s whatever is rounded. */
  const double factor = norm > 0 ? (double)q->levels / norm * (1 - 0x1p-50) : 0;
  const sg_v4 scale = SG_V4(factor), half = SG_V4(0.5), magic = SG_V4(0x1.8p52);
  const sg_v4 base = SG_V4(0x1.8p52 - (double)q->levels), step = SG_V4((double)(2 << q->width));
  for (int j = 0; j < SIDE; j += 4) {
    sg_v4 sum = SG_V4(0.0), weight = SG_V4(1.0);
    for (int m = 0; m < per; m++) {
      sg_v4 y = *(const sg_v4u *)(x + SIDE * m + j) * scale;
      y += half - *(const sg_v4u *)(u + SIDE * m + j);
      y = (y + magic) - base;
      sum += weight * y;
      weight *= step;
    }
    sg_v4w words = (sg_v4w)(sum + SG_V4(0x1p52)) & (((uint64_t)1 << 52) - 1);
    memcpy(word + j, &words, sizeof words);
  }
}

static void encode_dense(const qsgd *q, double norm, long n, const double *x, sg_dither *dither,
                         sg_packed *out) {
  double u[BLOCK], rest[SIDE] = {0};
  uint64_t word[SIDE] = {0};
  int per = per_word(q), width = 1 + q->width;
  bool fine = isfinite(norm);
  sg_bit_writer w;
  if (!sg_bits_begin(&w, out, (size_t)n * (size_t)width)) return;
  for (; n >= SIDE * per; n -= SIDE * per, x += SIDE * per) {
    sg_dither_fill(dither, u, SIDE * per);
    if (fine) code_block(q, norm, per, x, u, word);
    for (int j = 0; j < SIDE; j++) sg_write(&w, word[j], per * width);
  }
  sg_dither_fill(dither, u, n);
  for (long i = 0; i < n; i += SIDE) {
    int some = n - i < SIDE ? (int)(n - i) : SIDE;
    memcpy(rest, x + i, (size_t)some * sizeof *x);
    if (fine) code_block(q, norm, 1, rest, u + i, word);
    for (int j = 0; j < some; j++) sg_write(&w, word[j], width);
  }
  sg_bits_end(&w, out);
}

static void encode_elias(const qsgd *q, double norm, long n, const double *x, sg_dither *dither,
                         sg_packed *out) {
  enum { MOST = 2 * 56 }; /* bits of a coordinate, and more */
  double u[SIDE], rest[SIDE] = {0};
  uint64_t word[SIDE];
  long last = -1;
  int bits;
  sg_elias_table table;
  sg_bit_writer w;
  sg_elias_tables(&table);
  for (long i = 0; i < n && norm > 0 && isfinite(norm); i += SIDE) {
    int some = n - i < SIDE ? (int)(n - i) : SIDE;
    if (some < SIDE) memcpy(rest, x + i, (size_t)some * sizeof *x);
    sg_dither_fill(dither, u, some);
    code_block(q, norm, 1, some < SIDE ? rest : x + i, u, word);
    if (!sg_bits_begin(&w, out, (size_t)some * MOST)) return;
    uint64_t sent = 0;
    for (int j = 0; j < some; j++) sent |= (uint64_t)(word[j] != q->levels) << j;
    for (; sent; sent &= sent - 1) {
      int j = __builtin_ctzll(sent);
      long level = (long)word[j] - (long)q->levels;
      sg_write_elias(&w, &table, (uint64_t)(i + j - last), level < 0, (uint64_t)labs(level));
      last = i + j;
    }
    sg_bits_end(&w, out);
  }
  if (!sg_bits_begin(&w, out, MOST)) return;
  uint64_t end = sg_elias((uint64_t)(n - last), &bits);
  sg_write(&w, end, bits);
  sg_bits_end(&w, out);
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out) {
  const qsgd *q = state;
  sg_moments m = sg_moments_of(n, x);
  double norm = sg_float_above(sg_norm_of(n, x, &m));
  sg_pack_float(out, norm);
  (q->elias ? encode_elias : encode_dense)(q, norm, n, x, dither, out);
}

/* n is padded to fours. */
static SG_CLONES(values_of, (const qsgd *q, double norm, int n, const int32_t *code, double *x),
                 (q, norm, n, code, x)) {
  typedef int32_t i4 __attribute__((vector_size(16), aligned(4), may_alias));
  const sg_v4 top = SG_V4((double)q->levels);
  for (int i = 0; i < n; i += 4) {
    i4 level = *(const i4 *)(code + i) - (int32_t)q->levels;
    *(sg_v4u *)(x + i) = norm * __builtin_convertvector(level, sg_v4) / top;
  }
}

static void decode_dense(const qsgd *q, double norm, long n, sg_packed *in, double *x) {
  sg_bit_reader r = sg_reader_begin(in);
  double rest[SIDE];
  int32_t code[BLOCK] = {0};
  int per = per_word(q), width = 1 + q->width;
  const uint64_t low = ((uint64_t)1 << width) - 1;
  for (; n >= SIDE * per; n -= SIDE * per, x += SIDE * per) {
    for (int j = 0; j < SIDE; j++) {
      uint64_t word = sg_read(&r, per * width);
      for (int m = 0; m < per; m++, word >>= width) code[SIDE * m + j] = (int32_t)(word & low);
    }
    values_of(q, norm, SIDE * per, code, x);
  }
  for (long i = 0; i < n; i += SIDE) {
    int some = n - i < SIDE ? (int)(n - i) : SIDE;
    for (int j = 0; j < some; j++) code[j] = (int32_t)sg_read(&r, width);
    values_of(q, norm, some, code, rest);
    memcpy(x + i, rest, (size_t)some * sizeof *x);
  }
  sg_reader_end(&r, in);
}

static void decode_elias(const qsgd *q, double norm, long n, sg_packed *in, double *x) {
  sg_bit_reader r = sg_reader_begin(in);
  sg_elias_table table;
  sg_elias_tables(&table);
  for (long i = 0; i < n; i++) x[i] = 0 * norm;
  for (long i = (long)sg_read_elias(&r, &table) - 1; i < n; i += (long)sg_read_elias(&r, &table)) {
    double sign = sg_read(&r, 1) ? -1 : 1;
    x[i] = sign * (norm * (double)sg_read_elias(&r, &table) / q->levels);
  }
  sg_reader_end(&r, in);
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  const qsgd *q = state;
  double norm = sg_unpack_float(in); /* times level 0 is NaN if it is not finite */
  (q->elias ? decode_elias : decode_dense)(q, norm, n, in, x);
}

const sg_compressor_type sg_compressor_qsgd = {
    .about = {.name = "qsgd",
              .summary = "Magnitudes are rounded at random, without bias, to multiples of the "
                         "vector's 2-norm over s.",
              .reference = "Alistarh, Grubic, Li, Tomioka, Vojnović 2017, arXiv 1610.02132 (the "
                           "rule, its bound and its bits as recalled; its error is derived)",
              .params = params},
    .unbiased = true,
    .init = init,
    .encode = encode,
    .decode = decode};
