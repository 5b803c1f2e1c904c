/* SPDX-License-Identifier: MIT */
/* The master waits until the sum can be recovered, as the code or the rank test says. */
#include "codes/frame/stop.h"

static bool met(const sg_policy *stop, const sg_arrivals *arrivals) {
  return arrivals->decodable;
}

const sg_stop_type sg_stop_decodable = {
    .about = {.name = "decodable", .summary = "as soon as what has come determines the sum"},
    .wants = SG_WANTS_DECODABLE,
    .met = met,
};
