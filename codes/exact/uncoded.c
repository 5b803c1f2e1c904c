/* SPDX-License-Identifier: MIT */
/* No code: every worker has a share of its own and the master waits for all of them. */
#include "codes/frame/code.h"

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  code->parts = shape->workers;
  code->promised = 0;
  code->flags = SG_WEIGHTS_CONSTANT;
  return sg_code_one_segment(code, values, NULL, 1, shape->workers, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, message->from, 0, 1);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  if (used->count < code->nodes) return SG_UNDECODABLE;
  for (int i = 0; i < used->count; i++) used->W[i] = 1;
  return SG_OK;
}

const sg_code_type sg_uncoded = {
    .about = {.name = "uncoded",
              .brief = "no redundancy, waits for all",
              .summary = "No redundancy: each of n workers computes 1/n of the gradient and the "
                         "master waits for all (d = 1, s = 0, m = 1).",
              .reference = ""},
    .create = create,
    .encode = encode,
    .weights = weights,
};
