/* SPDX-License-Identifier: MIT */
/* The master waits for a number of messages. */
#include "codes/frame/stop.h"

static const sg_param params[] = {
    SG_ROW_INT("messages", 1, SG_UNBOUNDED,
               "how many messages the master waits for in each segment; the code's own number when "
               "absent (n - s of the codes that tolerate s stragglers)",
               .flags = SG_OPTIONAL),
    {0}};

static sg_status create(sg_policy *stop, sg_code *code, const sg_values *values, sg_error *e) {
  if (!sg_given(values, "messages")) return SG_OK;
  stop->messages = (int)sg_int(values, "messages");
  stop->wants |= SG_COUNTS_ITS_OWN;
  return SG_OK;
}

const sg_stop_type sg_stop_count = {
    .about = {.name = "count",
              .summary = "at the (n - s)-th message, or at the number given",
              .params = params},
    .wants = SG_COUNTS,
    .create = create,
};
