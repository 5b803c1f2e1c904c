/* SPDX-License-Identifier: MIT */
/* The master waits until what has come contains a share of the data. */
#include "codes/frame/stop.h"

static const sg_param params[] = {
    SG_ROW_REAL(
        "share", 0, 1,
        "share of the parts of the data that must be contained in the messages that have come",
        .flags = SG_REQUIRED | SG_MIN_OPEN),
    {0}};

static sg_status create(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e) {
  stop->value = sg_real(values, "share");
  return SG_OK;
}

static bool met(const sg_policy *stop, const sg_arrivals *arrivals) {
  return arrivals->covered >= stop->value * (1 - 1e-12); /* a share of k parts, typed in decimals */
}

const sg_stop_type sg_stop_coverage = {
    .about = {.name = "coverage",
              .summary = "as soon as a share of the data is contained in what has come",
              .params = params},
    .wants = SG_WANTS_COVERAGE | SG_ENDS_WITH_ALL,
    .create = create,
    .met = met,
};
