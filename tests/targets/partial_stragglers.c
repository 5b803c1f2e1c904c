/* SPDX-License-Identifier: MIT */
/* Mean iteration times of partial stragglers, n = 20, five chunks a worker in a circle, no
 * communication (theory: partial-stragglers): 400,000 draws of another program. */
#include "tests/targets/targets.h"

#define D1    "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3    "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\",\"per_subset_s\":0.1"
#define PS(q) "\"code\":\"partial-stragglers\",\"replication\":5,\"pieces\":" #q

extern const rate_target partial_stragglers_targets[];
const rate_target partial_stragglers_targets[] = {
    {"Monte Carlo", RATE_SCENARIO(20, D1, "", PS(1)), .value = 1557.6, .error = 1.0},
    {"Monte Carlo", RATE_SCENARIO(20, D1, "", PS(2)), .value = 2912.3, .error = 1.6},
    {"Monte Carlo", RATE_SCENARIO(20, D3, "", PS(1)), .value = 0.9172, .error = 0.0004},
    {"Monte Carlo", RATE_SCENARIO(20, D3, "", PS(2)), .value = 1.3586, .error = 0.0006},
    {0}};
