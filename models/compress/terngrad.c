/* SPDX-License-Identifier: MIT */
/* TernGrad: C(v)_i = R sgn(v_i) with probability |v_i| / R, otherwise 0; R = max |v_i|.
 *
 * E C(v) = v and E ‖C(v) − v‖² = Σ |v_i| (R − |v_i|). R travels as a float, rounded up, and counts
 * as such; five digits are a byte. A coordinate is sent where |v_i| ≥ R u, u uniform. */
#include "models/compress/packed.h"

static double bits_of(const void *state, long n) {
  return 32 + sg_trit_bits(n);
}

static sg_status init(sg_compressor *c, const sg_values *values, sg_error *e) {
  c->bits = bits_of;
  return SG_OK;
}

static void encode(const void *state, sg_dither *dither, long n, const double *x, sg_packed *out) {
  sg_moments m = sg_moments_of(n, x);
  double range = sg_sendable(&m) ? sg_float_above(m.most) : NAN;
  sg_pack_float(out, range);
  sg_pack_trits(out, n, x, range, dither);
}

static void decode(const void *state, long n, sg_packed *in, double *x) {
  double range = sg_unpack_float(in);
  sg_unpack_trits(in, n, range, x);
}

const sg_compressor_type sg_compressor_terngrad = {
    .about = {.name = "terngrad",
              .summary = "Plus or minus the largest magnitude, or zero, at random, without bias: "
                         "five coordinates a byte.",
              .reference = "Wen, Xu, Yan, Wu, Wang, Chen, Li 2017, arXiv 1705.07878 (the rule as "
                           "recalled; its error is derived)",
              .params = NULL},
    .unbiased = true,
    .init = init,
    .encode = encode,
    .decode = decode};
