/* SPDX-License-Identifier: MIT */
/* Clusters and trees (theory: clusters, theory: coded-reduce). */
#include "tests/targets/targets.h"

#define D1       "\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000"
#define D3       "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\",\"per_subset_s\":0.1"
#define GC_SC(s) "\"code\":\"clustered\",\"clusters\":4,\"s\":" #s

/* Compute r (1 + Exp(1)); 960 numbers are 7680 bytes: 0.05 s of ingress at 153600 bytes/s. */
#define COMPUTE                                                                                    \
  "\"model\":\"shifted-exponential\",\"shift_s\":1,\"mean_excess_s\":1,\"unit\":\"dataset\""
#define QUEUE         "\"ingress\":{\"model\":\"fifo\",\"bandwidth_Bps\":153600}"
#define TREE(w, L, s) "\"code\":\"coded-reduce\",\"fan_out\":" #w ",\"depth\":" #L ",\"s\":" #s
#define STAR          "\"code\":\"cyclic-repetition\",\"s\":5"

extern const rate_target trees_targets[];
const rate_target trees_targets[] = {
    {"closed form", RATE_SCENARIO(20, D1, "", GC_SC(4)), .value = 250 + 1000 * 25. / 12},
    {"closed form", RATE_SCENARIO(20, D3, "", GC_SC(4)), .value = 0.5 + 25. / 60},
    {"quadrature", RATE_SCENARIO(20, D1, "", GC_SC(2)), .value = 4013.14775},
    {"quadrature", RATE_SCENARIO(20, D3, "", GC_SC(2)), .value = 1.58771592},
    {"Monte Carlo", RATE_SCENARIO(20, COMPUTE, "", TREE(4, 2, 1)), .value = .43334,
     .error = .00002},
    {"Monte Carlo", RATE_SCENARIO(20, COMPUTE, QUEUE, TREE(4, 2, 1)), .value = .54838,
     .error = .00002},
    {"closed form", RATE_SCENARIO(20, COMPUTE, "", STAR), .value = .694321897},
    {"Monte Carlo", RATE_SCENARIO(20, COMPUTE, QUEUE, STAR), .value = 1.0665, .error = .00005},
    /* 4,000,000 draws of the recursion each. s + 1 divides neither 3 nor 5. */
    {"Monte Carlo", RATE_SCENARIO(12, COMPUTE, "", TREE(3, 2, 1)), .value = .588146,
     .error = .000073},
    {"Monte Carlo", RATE_SCENARIO(12, COMPUTE, QUEUE, TREE(3, 2, 1)), .value = .676389,
     .error = .000068},
    {"Monte Carlo", RATE_SCENARIO(39, COMPUTE, "", TREE(3, 3, 1)), .value = .341331,
     .error = .000034},
    {"Monte Carlo", RATE_SCENARIO(39, COMPUTE, QUEUE, TREE(3, 3, 1)), .value = .488265,
     .error = .000021},
    {"Monte Carlo", RATE_SCENARIO(30, COMPUTE, QUEUE, TREE(5, 2, 2)), .value = .594686,
     .error = .000031},
    {0}};
