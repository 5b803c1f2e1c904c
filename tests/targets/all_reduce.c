/* SPDX-License-Identifier: MIT */
/* What all-reduce takes after the last worker is ready (theory: all-reduce): 1 GiB over links of
 * 3 µs and 450 GiB/s, in milliseconds, and iterations with random times. */
#include "tests/targets/targets.h"

#define LATE(n, speeds, collective)                                                                \
  "{\"format\":1,\"cluster\":{\"workers\":" #n ",\"speeds\":[0.5," speeds "]},"                    \
  "\"delay\":{\"model\":\"deterministic\",\"value_s\":0.004},\"network\":{\"uplink\":"             \
  "{\"model\":\"linear\",\"latency_s\":3e-6,\"bandwidth_Bps\":483183820800}},"                     \
  "\"schemes\":[{\"code\":\"uncoded\",\"collective\":\"" collective "\"}],"                        \
  "\"learning\":{\"problem\":\"none\",\"length\":134217728},\"replications\":1,"                   \
  "\"random\":{\"seed\":1},\"output\":{\"detail\":\"summary\"}}"
#define ONE    "1"
#define THREE  "1,1,1"
#define FIVE   "1,1," THREE
#define SEVEN  "1,1,1,1," THREE
#define EIGHT  SEVEN ",1"
#define MANY   EIGHT "," EIGHT "," EIGHT "," EIGHT "," EIGHT "," EIGHT "," EIGHT "," SEVEN
#define MS     .quantity = "ms after the last is ready", .of = after_last, .iterations = 100
#define DIGITS MS, .tolerance = 2e-7

/* The late worker is ready after 8 ms. */
static double after_last(const sg_iteration_record *row) {
  return 1e3 * (row->duration_s - 0.008);
}

#define LINEAR "\"uplink\":{\"model\":\"linear\",\"latency_s\":0.01,\"bandwidth_Bps\":96000}"
#define LAW    "\"model\":\"exponential\",\"mean_s\":1"

extern const rate_target all_reduce_targets[];
const rate_target all_reduce_targets[] = {
    {"all-reduce, derived", LATE(8, SEVEN, "ring"), .value = 3.930889, DIGITS},
    {"all-reduce, derived", LATE(64, MANY, "ring"), .value = 4.753000, DIGITS},
    /* The published schedule's rounds; seven for n = 6. */
    {"all-reduce, derived", LATE(8, SEVEN, "straggl-ar"), .value = 2.884143, DIGITS},
    {"all-reduce, derived", LATE(64, MANY, "straggl-ar"), .value = 2.602589, DIGITS},
    {"all-reduce, derived", LATE(6, FIVE, "straggl-ar"), .value = 3.132111, DIGITS},
    /* 6 × 3 µs + 2 · 7/8 · 20/9 ms. 2 · depth (α + sβ) after the others, whose sums come to the
       late root when it is ready for 0.45 ms. */
    {"all-reduce, derived", LATE(8, SEVEN, "halving-doubling"), .value = 3.906889, DIGITS},
    {"all-reduce, derived", LATE(4, THREE, "tree"), .value = 4.900889, DIGITS},
    {"all-reduce, derived", LATE(2, ONE, "ring"), .value = 2.228222, DIGITS},
    /* H_8 + 14 (α + 960 B/96 kB/s); 3 (H_8 − H_2) + the same, by a code for two stragglers. */
    {"all-reduce, derived",
     RATE_SCENARIO(8, LAW, LINEAR, "\"code\":\"uncoded\",\"collective\":\"ring\""),
     .value = 2.9978571429},
    {"all-reduce, derived",
     RATE_SCENARIO(8, LAW, LINEAR,
                   "\"code\":\"cyclic-repetition\",\"s\":2,\"collective\":\"ring\""),
     .value = 3.9335714286},
    {0}};
