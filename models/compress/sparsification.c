/* SPDX-License-Identifier: MIT */
/* Sparsification: v_i/p_i with probability p_i = min(1, |v_i|/t), otherwise 0; t such that Σ p_i is
 * the budget, a share of n.
 *
 * E C(v) = v and E ‖C(v) − v‖² = Σ v_i² (1/p_i − 1), the least for that budget. Who has p_i < 1
 * becomes ±t: such coordinates need no value. t travels as a float and counts as such, so that the
 * mean is exact; where fewer coordinates are not 0 than the budget has, t = 0 and all of them are
 * sent. Those that are at least t are floats, rounded at random.
 *
 * Bits: t (32), and of each that is sent its gap (gaps.h, at the budget's density), one bit whether
 * it is ±t, and a sign or a float; last a gap that leads past the end. The paper counts 32 + log2 n
 * for each (recalled). */
#include "models/compress/gaps.h"

typedef struct sparsification {
  double share;
} sparsification;
SG_COMPRESSOR_FITS(sparsification);

enum { BLOCK = 256 };

static const sg_param params[] = {
    SG_ROW_REAL("share", 0, 1, "The share of the coordinates that are sent in the mean.",
                .fallback = 0.05, .flags = SG_MIN_OPEN),
    {0}};

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  ((sparsification *)c->state)->share = sg_real(values, "share");
  return SG_OK;
}

/* Σ min(1, |x_i|/t) = budget. t = (Σ of those below t) / (budget − how many are not) has one
 * solution; from Σ/budget it falls to it, and there are as many steps as sets of those above. */
static double threshold_of(long n, const double *x, const sg_moments *m, double budget) {
  double t = m->sum / budget;
  for (long before = 0; t > 0;) {
    long above = 0;
    double below = 0;
    for (long i = 0; i < n; i++) {
      double a = fabs(x[i]);
      bool reaches = a >= t;
      above += reaches;
      below += reaches ? 0 : a;
    }
    if (above == before) break;
    before = above;
    if ((double)above >= budget) return 0;
    t = below / (budget - (double)above);
  }
  return t;
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out) {
  double budget = ((const sparsification *)state)->share * (double)n, u[BLOCK];
  sg_moments m = sg_moments_of(n, x);
  bool fine = sg_sendable(&m);
  double t = fine ? (double)(float)threshold_of(n, x, &m, budget) : NAN;
  long last = -1;
  int b = sg_rice_bits(n, (long)ceil(budget));
  sg_bit_writer w;
  sg_pack_float(out, t);
  for (long i = 0; i < n; i += BLOCK) {
    int some = n - i < BLOCK ? (int)(n - i) : BLOCK;
    size_t ones = (size_t)((i + some - last) >> b);
    if (!sg_bits_begin(&w, out, (size_t)some * (size_t)(b + 35) + ones)) return;
    if (t > 0) sg_dither_fill(dither, u, some);
    for (int j = 0; j < some; j++) {
      double v = fine ? x[i + j] : NAN, a = fabs(v);
      if (fine ? a == 0 || (t > 0 && a <= u[j] * t) : i + j > 0) continue;
      sg_write_gap(&w, i + j - last, b);
      last = i + j;
      if (a < t)
        sg_write(&w, 1 | (uint64_t)(v < 0) << 1, 2);
      else
        sg_write(&w, sg_float_bits(sg_float_near(v, sg_dither_next(dither))) << 1, 33);
    }
    sg_bits_end(&w, out);
  }
  if (!sg_bits_begin(&w, out, sg_most_gap_bits(n, 1, b))) return;
  sg_write_gap(&w, n - last, b);
  sg_bits_end(&w, out);
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  int b = sg_rice_bits(n, (long)ceil(((const sparsification *)state)->share * (double)n));
  sg_bit_reader r = sg_reader_begin(in);
  double t = sg_float_of(sg_read(&r, 32));
  memset(x, 0, (size_t)n * sizeof *x);
  for (long i = sg_read_gap(&r, b) - 1; i < n; i += sg_read_gap(&r, b))
    if (sg_read(&r, 1))
      x[i] = sg_read(&r, 1) ? -t : t;
    else
      x[i] = sg_float_of(sg_read(&r, 32));
  sg_reader_end(&r, in);
}

const sg_compressor_type sg_compressor_sparsification = {
    .about = {.name = "sparsification",
              .summary =
                  "Coordinates at random, with probabilities by their magnitudes that sum up "
                  "to a budget, scaled up to be unbiased.",
              .reference = "Wangni, Wang, Liu, Zhang 2018, arXiv 1710.09854 (the rule as recalled; "
                           "its error is derived; the threshold is solved for, not iterated "
                           "towards; the code of positions and values is ours)",
              .params = params},
    .unbiased = true,
    .init = init,
    .encode = encode,
    .decode = decode};
