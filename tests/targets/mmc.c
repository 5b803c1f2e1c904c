/* SPDX-License-Identifier: MIT */
/* Multi-message communication (theory: multi-message). */
#include "tests/targets/targets.h"

#define D1 "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3 "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\",\"per_subset_s\":0.1"
#define UC "\"code\":\"uc-mmc\",\"r\":5"
#define GC "\"code\":\"gc-mmc\",\"r\":5"
/* Once the fastest of the 5 workers of each of 4 clusters has done all 5 shares. */
#define CLUSTERS GC ",\"clusters\":4,\"prefixes\":[5]"
/* The 8 fastest of 10 workers in both clusters: the law of a maximum, integrated. */
#define TWO_CLUSTERS "\"code\":\"gc-mmc\",\"r\":3,\"clusters\":2,\"prefixes\":[3]"

extern const rate_target mmc_targets[];
const rate_target mmc_targets[] = {
    {"400,000 draws", RATE_SCENARIO(20, D1, "", UC), .value = 1557.6, .error = 1.0},
    {"400,000 draws", RATE_SCENARIO(20, D3, "", UC), .value = 0.9172, .error = 0.0004},
    {"400,000 draws", RATE_SCENARIO(20, D1, "", GC), .value = 1557.6, .error = 1.0},
    {"400,000 draws", RATE_SCENARIO(20, D3, "", GC), .value = 0.9172, .error = 0.0004},
    {"closed form", RATE_SCENARIO(20, D1, "", GC ",\"prefixes\":[5]"), .value = 7822.032},
    {"closed form", RATE_SCENARIO(20, D3, "", GC ",\"prefixes\":[5]"), .value = 2.01441},
    {"closed form", RATE_SCENARIO(20, D1, "", CLUSTERS), .value = 2333.333},
    {"closed form", RATE_SCENARIO(20, D3, "", CLUSTERS), .value = 0.916667},
    {"exact law", RATE_SCENARIO(20, D1, "", TWO_CLUSTERS), .value = 5340.278},
    {"exact law", RATE_SCENARIO(20, D3, "", TWO_CLUSTERS), .value = 2.030093},
    {"closed form", RATE_SCENARIO(20, D1, "", "\"code\":\"uc-mmc\",\"r\":1,\"epsilon\":0.25"),
     .value = 1364.4063},
    {0}};
