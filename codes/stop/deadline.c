/* SPDX-License-Identifier: MIT */
/* The master waits for a time from the start of the iteration. What comes at that very instant is
 * in time. Nothing at all: the iteration is skipped. */
#include "codes/frame/protocol.h"
#include "codes/frame/stop.h"

static const sg_param params[] = {SG_ROW_REAL("deadline_s", 0, SG_UNBOUNDED,
                                              "seconds from the start of the iteration",
                                              .flags = SG_REQUIRED | SG_MIN_OPEN),
                                  {0}};

static sg_status create(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e) {
  stop->timed = true;
  stop->rule = SG_AFTER_SECONDS;
  stop->value = sg_real(values, "deadline_s");
  return SG_OK;
}

const sg_stop_type sg_stop_deadline_s = {
    .about = {.name = "deadline",
              .summary = "at a time from the start of the iteration, or when all have come",
              .params = params},
    .wants = SG_ENDS_WITH_ALL,
    .create = create,
};
