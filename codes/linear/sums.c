/* SPDX-License-Identifier: MIT */
/* Codes of plain sums. Repetition, [N, 1, N]: every position carries the same number. Single parity
 * check, [N, N − 1, 2]: the numbers themselves, then their sum. */
#include "codes/linear/inner.h"

static sg_status rules_repetition(const sg_linear_type *type, const sg_values *values, int length,
                                  int *m, sg_error *e) {
  return sg_linear_only(type, values, length, 1, m, e);
}

static bool take_first(const sg_inner *code, int count, const int *position, double *w,
                       double *scratch, double *flops) {
  w[0] = 1;
  return true;
}

static sg_status rules_parity(const sg_linear_type *type, const sg_values *values, int length,
                              int *m, sg_error *e) {
  if (length < 2)
    return sg_fail_at(e, values, "d",
                      "expected groups of at least 2 workers with linear_code single-parity, "
                      "found %d",
                      length);
  return sg_linear_only(type, values, length, length - 1, m, e);
}

/* Of both: the last position of a repetition code is a sum of one number. */
static void fill(int length, int m, int c, double *column) {
  for (int u = 0; u < m; u++) column[u] = c >= m || c == u;
}

/* At most one of the numbers is missing: it is the parity less the others. The parity is not needed
 * when all have come. */
static bool subtract(const sg_inner *code, int count, const int *position, double *w,
                     double *scratch, double *flops) {
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

const sg_linear_type sg_linear_repetition = {
    .name = "repetition",
    .summary = "repetition code, m = 1: fractional repetition, additions only",
    .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 (published)",
    .mds = "Singleton bound, met by construction",
    .rules = rules_repetition,
    .column = fill,
    .add_up = take_first,
};
const sg_linear_type sg_linear_single_parity = {
    .name = "single-parity",
    .summary = "single parity check, m = d - 1 and s = 1: additions only",
    .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled)",
    .mds = "Singleton bound, met by construction",
    .rules = rules_parity,
    .column = fill,
    .add_up = subtract,
};
