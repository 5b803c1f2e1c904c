/* SPDX-License-Identifier: MIT */
/* Clusters and trees (theory: clusters, trees). */
#include "tests/targets/targets.h"

#define D1       "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3       "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\",\"per_subset_s\":0.1"
#define GC_SC(s) "\"code\":\"clustered\",\"clusters\":4,\"s\":" #s

extern const rate_target trees_targets[];
const rate_target trees_targets[] = {
    {"closed form", RATE_SCENARIO(20, D1, "", GC_SC(4)), .value = 250 + 1000 * 25. / 12},
    {"closed form", RATE_SCENARIO(20, D3, "", GC_SC(4)), .value = 0.5 + 25. / 60},
    {"quadrature", RATE_SCENARIO(20, D1, "", GC_SC(2)), .value = 4013.14775},
    {"quadrature", RATE_SCENARIO(20, D3, "", GC_SC(2)), .value = 1.58771592},
    {0}};
