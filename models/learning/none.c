/* SPDX-License-Identifier: MIT */
/* Problem "none": timing only. Who arrives when and whether it decodes stays real; no gradient is
 * computed. */
#include "models/learning/internal.h"

static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  problem->length = sg_int(learning, "length");
  problem->stride = problem->length;
  problem->timing_only = true;
  return SG_OK;
}

static const sg_param params[] = {
    SG_ROW_INT("length", 1, 1e12, "coordinates of a gradient, which the sizes of messages follow",
               .fallback = 1),
    {0}};

const sg_problem_type sg_problem_none = {
    .about = {.name = "none",
              .summary = "timing only: nothing is computed, nothing is decoded",
              .params = params},
    .create = create};
