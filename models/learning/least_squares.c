/* SPDX-License-Identifier: MIT */
/* Least squares: loss (z − y)² / 2 with real targets. */
#include "models/learning/dense.h"

static void rows(int outputs, const double *y, long n, double scale, const double *z, double *r,
                 long ld, double *loss) {
  for (long i = 0; i < n; i++) {
    double difference = z[i] - y[i];
    if (r) r[i] = scale * difference;
    if (loss) loss[i] = 0.5 * difference * difference;
  }
}

static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  static const sg_loss loss = {rows, NULL};
  return sg_dense_create(problem, learning, seed, &loss, 0, e);
}

const sg_problem_type sg_problem_least_squares = {
    .about = {.name = "least-squares",
              .summary = "linear regression, half the mean squared error",
              .params = sg_dense_params},
    .create = create,

    .combine = sg_dense_combine,
    SG_DENSE_FUNCTIONS};
