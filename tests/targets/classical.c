/* SPDX-License-Identifier: MIT */
/* Classical codes under delays that the other topics use (theory: closed-forms). */
#include "tests/targets/targets.h"

#define D1 "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3 "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\",\"per_subset_s\":0.1"

extern const rate_target classical_targets[];
const rate_target classical_targets[] = {
    {"closed form", RATE_SCENARIO(20, D1, "", "\"code\":\"uncoded\""), .value = 3647.740},
    {"closed form", RATE_SCENARIO(20, D1, "", "\"code\":\"cyclic-repetition\",\"s\":4"),
     .value = 7822.032},
    {"closed form", RATE_SCENARIO(20, D3, "", "\"code\":\"uncoded\""), .value = 3.69774},
    {"closed form", RATE_SCENARIO(20, D3, "", "\"code\":\"cyclic-repetition\",\"s\":4"),
     .value = 2.01441},
    {0}};
