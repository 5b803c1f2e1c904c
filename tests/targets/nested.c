/* SPDX-License-Identifier: MIT */
/* Nested codes (theory: nested): the exact law, as tests/nested_law.py computes it. */
#include "tests/targets/targets.h"

#define D1 "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3 "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\",\"per_subset_s\":0.1"
#define NESTED(n, delay, members, known)                                                           \
  {                                                                                                \
    "nested, derived (exact law)", RATE_SCENARIO(n, delay, "", "\"code\":\"nested\"," members),    \
        .value = known                                                                             \
  }

extern const rate_target nested_targets[];
const rate_target nested_targets[] = {
    NESTED(20, D1, "\"s_max\":4", 3536.966),
    NESTED(20, D3, "\"s_max\":4", 1.989450),
    NESTED(20, D1, "\"s_max\":4,\"signalling\":\"no-signals\"", 3536.966),
    NESTED(20, D3, "\"s_max\":19", 1.619727),
    NESTED(20, D3, "\"levels\":[4]", 2.014406),
    NESTED(8, D1, "\"s_max\":2", 2464.532),
    NESTED(8, D3, "\"s_max\":2", 1.507362),
    NESTED(12, D1, "\"levels\":[0,2,11]", 1483.138),
    NESTED(12, D3, "\"levels\":[1,3,5],\"signalling\":\"no-signals\"", 1.400576),
    NESTED(5, D3, "\"s_max\":4", 0.6750442),
    {0}};
