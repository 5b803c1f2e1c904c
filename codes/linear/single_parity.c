/* SPDX-License-Identifier: MIT */
/* [N, N − 1, 2] single parity check: the numbers themselves, then their sum. */
#include "codes/linear/linear.h"

static int dimension(int length) {
  return length - 1;
}

static void generate(int length, int m, uint64_t seed, double *g) {
  (void)seed;
  for (int c = 0; c < length; c++)
    for (int u = 0; u < m; u++) g[u + c * m] = c == length - 1 || c == u;
}

static int distance(int length, int m) {
  (void)length;
  (void)m;
  return 2;
}

/* At most one of the numbers is missing: it is the parity less the others. */
static void add_up(int length, int m, const int *position, double *w) {
  bool parity = position[m - 1] == length - 1;
  int missing = parity ? 0 : m;
  while (parity && missing < m - 1 && position[missing] == missing) missing++;
  for (int c = 0; c < m; c++)
    for (int v = 0; v < m; v++) {
      double weight = position[c] == v;
      if (v == missing) weight = c == m - 1 ? 1 : -1;
      w[c * m + v] = weight;
    }
}

extern const sg_linear_type sg_linear_single_parity;
const sg_linear_type sg_linear_single_parity = {
    .name = "single-parity",
    .summary = "single parity check, m = d - 1 and s = 1: additions only",
    .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled)",
    .dimension = dimension,
    .generate = generate,
    .distance = distance,
    .add_up = add_up,
};
