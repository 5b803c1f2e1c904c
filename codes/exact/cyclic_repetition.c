/* SPDX-License-Identifier: MIT */
/* Cyclic repetition (Tandon et al. 2017).
 *
 * Worker i holds shares i, …, i + s (mod n) and sends their combination by row i of the matrix B of
 * cyclic.h. Any 0 ≤ s < n.
 *
 * The master decodes with the smaller of the two forms of parity.h instead of the least squares of
 * the paper's program. */
#include "codes/tools/cyclic.h"

static const sg_param params[] = {
    SG_ROW_INT("s", 0, SG_UNBOUNDED,
               "number of stragglers tolerated; a worker computes s + 1 of n shares",
               .flags = SG_REQUIRED),
    {0}};

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  long s = sg_int(values, "s");
  int n = shape->workers;
  if (s >= n)
    return sg_fail_at(e, values, "s", "expected s < n = %d (0 to %d), found %ld", n, n - 1, s);
  sg_cyclic *cyclic;
  sg_status status = sg_cyclic_new(code, values, n, (int)s, shape->seed, &cyclic, e);
  if (status) return status;
  code->self = cyclic;
  code->parts = n;
  code->promised = (int)s;
  code->flags = SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, "s", 1, n - (int)s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const sg_cyclic *t = code->self;
  const double *coef = t->coef + message->from * (t->s + 1);
  for (int c = 0; c <= t->s; c++) sg_row_part(row, (message->from + c) % code->nodes, 0, coef[c]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const sg_cyclic *t = code->self;
  return sg_parity_weights(t->parity, used, 0, NULL);
}

extern const sg_code_type sg_cyclic_repetition;
const sg_code_type sg_cyclic_repetition = {
    .about = {.name = "cyclic-repetition",
              .brief = "cyclic placement, random coefficients",
              .summary = "Cyclic placement with random coefficients: any n - s workers recover the "
                         "sum (d = s + 1, m = 1).",
              .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 and "
                           "its official program (published).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
