/* SPDX-License-Identifier: MIT */
/* Laws of the batched coupon's collector, over draws of the code (theory: coupon-collector). */
#include "tests/targets/targets.h"

#define COUPONS(n, delay_, members)                                                                \
  "{\"format\":1,\"cluster\":{\"workers\":" #n "},\"delay\":{" delay_ "},\"schemes\":[{\"code\":"  \
  "\"coupon-collector\"," members "}],\"learning\":{\"problem\":\"none\",\"length\":960},"         \
  "\"replicate\":\"delays+code\",\"random\":{\"seed\":1},\"output\":{\"detail\":\"summary\"}}"

#define EXPONENTIAL "\"model\":\"exponential\",\"mean_s\":1"
#define D1          "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3          EXPONENTIAL ",\"scaling\":\"startup\",\"per_subset_s\":0.1"
#define ONE         "\"model\":\"deterministic\",\"value_s\":0.25,\"unit\":\"subset\""

static double received(const sg_iteration_record *row) {
  return row->n_received;
}

/* With times that are all 1 s, batches that are reassigned take another second. */
static double covered(const sg_iteration_record *row) {
  return row->duration_s < 1.5;
}

extern const rate_target coupon_collector_targets[];
const rate_target coupon_collector_targets[] = {
    {"closed form", COUPONS(100, EXPONENTIAL, "\"r\":20"), "E[K], 5 batches", received,
     .value = 137. / 12},
    {"closed form", COUPONS(300, EXPONENTIAL, "\"r\":30"), "E[K], 10 batches", received,
     .value = 7381. / 252},
    {"closed form", COUPONS(20, ONE, "\"r\":4,\"uncovered\":\"reassign\""), "P(covered), 5 batches",
     covered, .value = 0.9427194306625536},
    {"closed form", COUPONS(20, D1, "\"r\":4"), .value = 3576.6954006746446},
    {"closed form", COUPONS(20, D3, "\"r\":4"), .value = 1.2441738501686612},
    {0}};
