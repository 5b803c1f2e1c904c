/* SPDX-License-Identifier: MIT */
/* Block-coordinate gradient coding and its baselines in the setting of Wang et al. 2022: 20,000
 * coordinates, 50 samples, one cycle per sample and derivative, cycle times of shifted exponential
 * law (shift 50, mean excess 1000). Their τ is here (M b d/n) cycles times the seconds of an
 * iteration: a worker's time for its share of the samples and all coordinates is M b d/n cycles,
 * here a subset. (theory: block-coordinate) */
#include "tests/targets/targets.h"

/* A cycle time of x is x seconds per subset. */
#define TIMED(n, scheme)                                                                           \
  "{\"format\":1,\"cluster\":{\"workers\":" #n "},\"delay\":{\"model\":\"shifted-exponential\","   \
  "\"shift_s\":50,\"mean_excess_s\":1000},\"schemes\":[{" scheme "}],\"learning\":{\"problem\":"   \
  "\"none\",\"length\":20000},\"replications\":1,\"random\":{\"seed\":1},\"output\":{\"detail\":"  \
  "\"summary\"}}"
#define DESIGN(n, word) TIMED(n, "\"code\":\"block-coordinate\",\"design\":\"" word "\"")
#define TWO_PART(n, s)                                                                             \
  TIMED(n, "\"code\":\"partial-cyclic\",\"s\":" #s ",\"alpha\":6,\"partitions\":\"uneven\"")
#define LAYERS(n, each)    TIMED(n, "\"code\":\"hierarchical-layers\",\"coordinates\":" #each)
#define SECONDS(cycles, n) ((cycles) * (n) / (50 * 2e4))

/* Sizes are chosen from a sample of delays: a mean is known to 0.1 % of itself at worst, and E τ
 * of x^(t) and x^(f) to 0.05 %. */
#define BY_SAMPLE 5e-4

extern const rate_target block_targets[];
const rate_target block_targets[] = {
    {"x^(t), exact law", DESIGN(10, "means"), .value = SECONDS(1.30566e8, 10),
     .tolerance = BY_SAMPLE},
    {"x^(t), exact law", DESIGN(20, "means"), .value = SECONDS(7.88530e7, 20),
     .tolerance = BY_SAMPLE},
    {"x^(f), exact law", DESIGN(10, "inverse-means"), .value = SECONDS(1.27564e8, 10),
     .tolerance = BY_SAMPLE},
    {"x^(f), exact law", DESIGN(20, "inverse-means"), .value = SECONDS(7.8438e7, 20),
     .tolerance = BY_SAMPLE},
    {"optimum, exact law", DESIGN(10, "optimal"), .value = SECONDS(1.1692e8, 10),
     .tolerance = BY_SAMPLE},
    {"optimum, exact law", DESIGN(20, "optimal"), .value = SECONDS(7.0495e7, 20),
     .tolerance = BY_SAMPLE},
    {"single level, closed form", DESIGN(10, "single-level"), .value = SECONDS(1.5e8, 10)},
    {"single level, closed form", DESIGN(20, "single-level"), .value = SECONDS(1e8, 20)},
    {"two parts, exact law", TWO_PART(10, 8), .value = SECONDS(1.97574e8, 10), .tolerance = 3e-6},
    {"two parts, exact law", TWO_PART(20, 15), .value = SECONDS(1.40735e8, 20), .tolerance = 4e-6},
    {"x^(lg), exact law", DESIGN(20, "large-time"), .value = 2723.3720, .tolerance = 1e-5},
    {"R = d, closed form", LAYERS(10, 1), .value = SECONDS(1.5e8, 10)},
    {"R = d/2, exact law", LAYERS(10, 2), .value = 860.648432, .tolerance = 1e-8},
    {"R = d/2, exact law", LAYERS(20, 2), .value = 1007.41799, .tolerance = 1e-8},
    {0}};
