/* SPDX-License-Identifier: MIT */
/* [N, N − 1, 2] single parity check: the numbers themselves, then their sum. */
#include "codes/linear/inner.h"

static sg_status rules(const sg_values *values, int length, int *m, sg_error *e) {
  if (length < 2)
    return sg_fail_at(e, values, "d",
                      "expected groups of at least 2 workers with linear_code single-parity, "
                      "found %d",
                      length);
  return sg_linear_only(values, "single-parity", length, length - 1, m, e);
}

static sg_status generate(sg_code *code, const sg_values *values, int length, int m, double *g,
                          const void **self, sg_error *e) {
  for (int c = 0; c < length; c++)
    for (int u = 0; u < m; u++) g[u + c * m] = c == length - 1 || c == u;
  return SG_OK;
}

/* At most one of the numbers is missing: it is the parity less the others. The parity is not needed
 * when all have come. */
static bool add_up(const sg_inner *code, int count, const int *position, double *w, double *scratch,
                   double *flops) {
  int m = code->m, missing = m;
  if (count == m && position[m - 1] == m)
    for (missing = 0; missing < m - 1 && position[missing] == missing;) missing++;
  for (int i = 0; i < m; i++)
    for (int v = 0; v < m; v++) {
      double weight = position[i] == v;
      if (v == missing) weight = i == m - 1 ? 1 : -1;
      w[i * m + v] = weight;
    }
  return true;
}

const sg_linear_type sg_linear_single_parity = {
    .name = "single-parity",
    .summary = "single parity check, m = d - 1 and s = 1: additions only",
    .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled)",
    .mds = "Singleton bound, met by construction",
    .rules = rules,
    .generate = generate,
    .add_up = add_up,
};
