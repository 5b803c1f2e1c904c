/* SPDX-License-Identifier: MIT */
/* Top-k: the k coordinates of largest magnitude (ties: the lower index).
 *
 * Values travel as floats; positions as the gaps between them in Golomb–Rice code, whose length
 * depends on the data: a gap g ≥ 1 takes ⌊(g − 1)/2^b⌋ ones, a zero and b bits, b = ⌊log2(n/k)⌋,
 * together at most k (b + 1) + n/2^b. Without rounding of values ‖v − C(v)‖² ≤ (1 − k/n) ‖v‖². */
#include "models/compress/compress.h"

#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <string.h>

typedef struct top_k {
  double share;
} top_k;
SG_COMPRESSOR_FITS(top_k);

static const sg_param params[] = {
    SG_ROW_REAL("share", 0, 1, "The share k/n of the coordinates that are sent; k is rounded up.",
                .fallback = 0.01, .flags = SG_MIN_OPEN),
    {0}};

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  ((top_k *)c->state)->share = sg_real(values, "share");
  return SG_OK;
}

static long kept(const top_k *t, long n) {
  long k = (long)ceil(t->share * (double)n);
  return k < 1 ? 1 : k > n ? n : k;
}

static int rice_bits(long n, long k) {
  int b = 0;
  while (k << (b + 1) <= n) b++;
  return b;
}

static double magnitude(double x) {
  return isnan(x) ? INFINITY : fabs(x);
}

static void pack_gap(sg_packed *out, long gap, int b) {
  uint64_t rest = (uint64_t)gap - 1;
  for (uint64_t ones = rest >> b; ones > 0;) {
    int some = ones < 64 ? (int)ones : 64;
    sg_pack(out, UINT64_MAX, some);
    ones -= (uint64_t)some;
  }
  sg_pack(out, 0, 1);
  sg_pack(out, rest, b);
}

static long unpack_gap(sg_packed *in, int b) {
  uint64_t ones = 0;
  while (sg_unpack(in, 1)) ones++;
  return (long)(ones << b | sg_unpack(in, b)) + 1;
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, double *memory,
                   sg_packed *out) {
  long k = kept(state, n), last = -1;
  int b = rice_bits(n, k);
  double *order = sg_packed_scratch(out, n);
  if (!order) return;
  for (long i = 0; i < n; i++) order[i] = magnitude(x[i]);
  double least = gsl_stats_select(order, 1, (size_t)n, (size_t)(n - k));
  long ties = k;
  for (long i = 0; i < n; i++) ties -= magnitude(x[i]) > least;
  for (long i = 0; i < n; i++) {
    bool sent = magnitude(x[i]) > least || (magnitude(x[i]) == least && ties-- > 0);
    if (!sent) continue;
    pack_gap(out, i - last, b);
    sg_pack_float(out, x[i]);
    last = i;
  }
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  long k = kept(state, n), at = -1;
  int b = rice_bits(n, k);
  memset(x, 0, (size_t)n * sizeof *x);
  for (long i = 0; i < k; i++) {
    at += unpack_gap(in, b);
    x[at] = sg_unpack_float(in);
  }
}

const sg_compressor_type sg_compressor_top_k = {
    .about = {.name = "top-k",
              .summary = "The coordinates of largest magnitude, as floats with their positions; "
                         "with error feedback unless the scenario says otherwise.",
              .reference = "Stich, Cordonnier, Jaggi 2018, arXiv 1809.07599; error feedback: "
                           "Karimireddy, Rebjock, Stich, Jaggi 2019, arXiv 1901.09847 (recalled); "
                           "the code of the positions is ours",
              .params = params},
    .feedback = SG_FEEDBACK_CLASSIC,
    .init = init,
    .encode = encode,
    .decode = decode};
