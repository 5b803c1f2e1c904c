/* SPDX-License-Identifier: MIT */
/* [N, 1, N]: every position carries the same number. */
#include "codes/linear/inner.h"

static sg_status rules(const sg_values *values, int length, int *m, sg_error *e) {
  return sg_linear_only(values, "repetition", length, 1, m, e);
}

static sg_status generate(sg_code *code, const sg_values *values, int length, int m, double *g,
                          const void **self, sg_error *e) {
  for (int c = 0; c < length; c++) g[c] = 1;
  return SG_OK;
}

static bool add_up(const sg_inner *code, int count, const int *position, double *w, double *scratch,
                   double *flops) {
  w[0] = 1;
  return true;
}

const sg_linear_type sg_linear_repetition = {
    .name = "repetition",
    .summary = "repetition code, m = 1: fractional repetition, additions only",
    .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 (published)",
    .mds = "Singleton bound, met by construction",
    .rules = rules,
    .generate = generate,
    .add_up = add_up,
};
