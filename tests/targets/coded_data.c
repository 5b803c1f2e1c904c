/* SPDX-License-Identifier: MIT */
/* Lagrange coded data (theory: lagrange): the exact law of a threshold, as tests/threshold_law.py
 * computes it; with one message it is an order statistic. */
#include "tests/targets/targets.h"

#define D1 "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3 "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\",\"per_subset_s\":0.1"
#define MANY(n, delay, r, known)                                                                   \
  {                                                                                                \
    "lagrange, derived (exact law)",                                                               \
        RATE_SCENARIO(n, delay, "", "\"code\":\"lcc-mmc\",\"r\":" #r), .value = known              \
  }
#define ONE(n, delay, r, known)                                                                    \
  {                                                                                                \
    "lagrange, closed form",                                                                       \
        RATE_SCENARIO(n, delay, "", "\"code\":\"polynomial-regression\",\"r\":" #r),               \
        .value = known                                                                             \
  }

extern const rate_target coded_data_targets[];
const rate_target coded_data_targets[] = {
    MANY(20, D1, 5, 1356.735), MANY(20, D3, 5, 0.8208469), MANY(6, D1, 3, 1791.805),
    MANY(6, D3, 3, 1.154356),  MANY(10, D1, 2, 4130.887),  MANY(12, D3, 4, 0.9280655),
    ONE(20, D1, 5, 2338.030),  ONE(20, D3, 5, 0.9176059),  ONE(12, D1, 5, 2241.414),
    ONE(12, D3, 5, 0.9103535), ONE(7, D3, 2, 2.792857),    {0}};
