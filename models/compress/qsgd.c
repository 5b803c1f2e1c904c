/* SPDX-License-Identifier: MIT */
/* QSGD: random rounding to s levels of the vector's 2-norm N, with bits that are known before.
 *
 *   C(v)_i = N · sgn(v_i) · l_i / s,   l_i = floor(a) + (1 with probability frac(a)),  a = |v_i|
 * s/N
 *
 * so that E C(v) = v and E ‖C(v) − v‖² = N²/s² · Σ f(1 − f) with f = frac(a) ≤ min(n/s², √n/s) N².
 * N travels as a float, rounded up so that no level exceeds s; the levels are counted in it. */
#include "models/compress/compress.h"

#include <math.h>

typedef struct qsgd {
  uint32_t levels;
  int width; /* bits of a level */
} qsgd;
SG_COMPRESSOR_FITS(qsgd);

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

/* The 2-norm, scaled by the largest magnitude so that no square overflows or vanishes. */
static double norm_of(long n, const double *x) {
  double most = 0, sum = 0;
  for (long i = 0; i < n; i++) {
    if (!isfinite(x[i])) return NAN;
    most = fmax(most, fabs(x[i]));
  }
  if (most == 0) return 0;
  for (long i = 0; i < n; i++) sum += (x[i] / most) * (x[i] / most);
  return most * sqrt(sum);
}

static double round_up(double norm) {
  float narrow = (float)norm;
  return (double)(narrow < norm ? nextafterf(narrow, INFINITY) : narrow);
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, double *memory,
                   sg_packed *out) {
  const qsgd *q = state;
  double norm = round_up(norm_of(n, x)), scale = (double)q->levels / norm;
  bool fine = norm > 0 && isfinite(norm);
  sg_pack_float(out, norm);
  for (long i = 0; i < n; i++) {
    double u = sg_dither_next(dither);
    uint64_t level = 0;
    if (fine) {
      /* scale may overflow where the norm is subnormal. */
      double a = isfinite(scale) ? fabs(x[i]) * scale : fabs(x[i]) / norm * q->levels;
      level = (uint64_t)a;
      level += u < a - (double)level;
      if (level > q->levels) level = q->levels; /* a rounding error above s */
    }
    sg_pack(out, (uint64_t)(signbit(x[i]) != 0) << q->width | level, 1 + q->width);
  }
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  const qsgd *q = state;
  double norm = sg_unpack_float(in); /* times level 0 is NaN if it is not finite */
  for (long i = 0; i < n; i++) {
    bool minus = sg_unpack(in, 1);
    double value = norm * (double)sg_unpack(in, q->width) / q->levels;
    x[i] = minus ? -value : value;
  }
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
