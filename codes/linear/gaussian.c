/* SPDX-License-Identifier: MIT */
/* Independent N(0, 1) entries: maximum distance separable with probability 1. */
#include "codes/gaussian.h"
#include "codes/linear/linear.h"

static void generate(int length, int m, uint64_t seed, double *g) {
  sg_fill_gaussian(g, m, length, m, seed);
}

static int distance(int length, int m) {
  return length - m + 1;
}

extern const sg_linear_type sg_linear_gaussian;
const sg_linear_type sg_linear_gaussian = {
    .name = "gaussian",
    .summary = "random Gaussian generator, maximum distance separable with probability 1",
    .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled)",
    .generate = generate,
    .distance = distance,
};
