/* SPDX-License-Identifier: MIT */
/* The master waits for 1 + μ times the time of the first arrival: the straggler detection of
 * sequential gradient coding. */
#include "codes/frame/protocol.h"
#include "codes/frame/stop.h"

static const sg_param params[] = {
    SG_ROW_REAL("mu", 0, SG_UNBOUNDED,
                "the tolerance μ: the master waits until 1 + μ times the first arrival",
                .flags = SG_REQUIRED),
    {0}};

static sg_status create(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e) {
  stop->timed = true;
  stop->rule = SG_AFTER_FACTOR_OF_FIRST;
  stop->value = 1 + sg_real(values, "mu");
  return SG_OK;
}

const sg_stop_type sg_stop_first_factor = {
    .about = {.name = "first-factor",
              .summary = "at 1 + μ times the time of the first arrival, or when all have come",
              .reference = "Krishnan, Ebrahimi, Khisti (ICLR 2023), arXiv:2211.13802 (recalled)",
              .params = params},
    .wants = SG_ENDS_WITH_ALL,
    .create = create,
};
