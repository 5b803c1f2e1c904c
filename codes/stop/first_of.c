/* SPDX-License-Identifier: MIT */
/* Two stop policies, whichever is met first. */
#include "codes/frame/stop.h"

static const sg_param params[] = {
    SG_ROW_FAMILY("first", &sg_stop_part_family, "a stop policy", .flags = SG_REQUIRED),
    SG_ROW_FAMILY("second", &sg_stop_part_family, "another one", .flags = SG_REQUIRED),
    {0}};

static sg_status create(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e) {
  sg_status status = sg_stop_new(code, sg_object(values, "first"), &stop->part[0], e);
  return status ? status : sg_stop_new(code, sg_object(values, "second"), &stop->part[1], e);
}

static bool met(const sg_policy *stop, const sg_arrivals *arrivals) {
  return sg_stop_met(stop->part[0], arrivals) || sg_stop_met(stop->part[1], arrivals);
}

const sg_stop_type sg_stop_first_of = {
    .about = {.name = "first-of",
              .summary = "the first of two policies that is met",
              .params = params},
    .create = create,
    .met = met,
};
