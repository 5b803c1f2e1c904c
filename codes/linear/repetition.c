/* SPDX-License-Identifier: MIT */
/* [N, 1, N]: every position carries the same number. */
#include "codes/linear/linear.h"

static int dimension(int length) {
  (void)length;
  return 1;
}

static void generate(int length, int m, uint64_t seed, double *g) {
  (void)m;
  (void)seed;
  for (int c = 0; c < length; c++) g[c] = 1;
}

static int distance(int length, int m) {
  (void)m;
  return length;
}

static void add_up(int length, int m, const int *position, double *w) {
  (void)length;
  (void)m;
  (void)position;
  w[0] = 1;
}

extern const sg_linear_type sg_linear_repetition;
const sg_linear_type sg_linear_repetition = {
    .name = "repetition",
    .summary = "repetition code, m = 1: fractional repetition, additions only",
    .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 (published)",
    .dimension = dimension,
    .generate = generate,
    .distance = distance,
    .add_up = add_up,
};
