/* SPDX-License-Identifier: MIT */
/* Cyclic repetition (Tandon et al. 2017).
 *
 * Worker i holds shares i, …, i + s (mod n) and sends their combination by row i of the matrix B of
 * cyclic.h. Any 0 ≤ s < n.
 *
 * The master decodes with the smaller of the two forms of parity.h instead of the least squares of
 * the paper's program. */
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"

static const sg_param params[] = {
    SG_ROW_STRAGGLERS("number of stragglers tolerated; a worker computes s + 1 of n shares"), {0}};

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  sg_cyclic *cyclic = NULL;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (!status) status = sg_cyclic_new(code, values, n, s, shape->seed, &cyclic, e);
  if (status) return status;
  code->self = cyclic;
  code->parts = n;
  code->promised = s;
  code->flags = SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, "s", 1, n - s, e);
}

const sg_code_type sg_cyclic_repetition = {
    .about = {.name = "cyclic-repetition",
              .brief = "cyclic placement, random coefficients",
              .summary = "Cyclic placement with random coefficients: any n - s workers recover the "
                         "sum (d = s + 1, m = 1).",
              .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 and "
                           "its official program (published).",
              .params = params},
    .create = create,
    .encode = sg_cyclic_encode,
    .weights = sg_cyclic_weights,
};
