/* SPDX-License-Identifier: MIT */
/* Orthonormal rows, uniformly distributed: the polar factor U Vᵀ of a Gaussian matrix U Σ Vᵀ. A
 * tight frame, G Gᵀ = I. */
#include "codes/linear/linear.h"
#include "codes/tools/gaussian.h"
#include "sim/core/linalg.h"

#include <stdlib.h>

static sg_status generate(sg_code *code, const sg_values *values, int length, int m, double *g,
                          const void **self, sg_error *e) {
  size_t n = (size_t)length, rows = (size_t)m;
  double *a = malloc(rows * n * sizeof *a), *sigma = malloc(rows * sizeof *sigma);
  double *u = malloc(rows * rows * sizeof *u), *vt = malloc(n * n * sizeof *vt);
  sg_status status = SG_NO_MEMORY;
  if (a && sigma && u && vt) {
    sg_fill_gaussian(a, m, length, m, code->shape.seed);
    status = sg_svd(m, length, a, m, sigma, u, vt);
  }
  if (!status)
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, length, m, 1, u, m, vt, length, 0, g,
                m);
  free(a);
  free(sigma);
  free(u);
  free(vt);
  return status == SG_NO_MEMORY ? sg_fail_memory(e) : status;
}

const sg_linear_type sg_linear_haar = {
    .name = "haar",
    .summary = "the first rows of a random orthogonal matrix",
    .reference = "straggle (derived)",
    .mds = "Singleton bound, met with probability 1",
    .generate = generate,
};
