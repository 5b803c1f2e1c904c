/* SPDX-License-Identifier: MIT */
/* Seconds of an update of K-sync and K-async descent and of fastest-k, n = 10 (theory: k-sync,
 * adaptive-k). Times of mini-batches are independent: additive scaling, a draw each. */
#include "tests/targets/targets.h"

#define LAW(law)    law ",\"scaling\":\"additive\""
#define EXPONENTIAL LAW("\"model\":\"exponential\",\"mean_s\":1")
#define SHIFTED     LAW("\"model\":\"shifted-exponential\",\"shift_s\":0.2,\"mean_excess_s\":1")
#define GAMMA       LAW("\"model\":\"gamma\",\"mean_s\":1,\"shape\":0.5")
#define FIRST(k)    "\"code\":\"" k "\",\"k\":"
#define GROWN_TO(k) "\"code\":\"adaptive-k\",\"policy\":\"times\",\"k_min\":" k ",\"k_max\":" k

extern const rate_target async_targets[];
const rate_target async_targets[] = {
    /* H_10 − H_7 and H_10 − H_5; K/n. */
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-sync") "3"),
     .value = 0.3361111111},
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-sync") "5"),
     .value = 0.6456349206},
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-batch-sync") "3"),
     .value = 0.3},
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-batch-sync") "5"),
     .value = 0.5},
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-async") "3"),
     .value = 0.3361111111},
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-async") "5"),
     .value = 0.6456349206},
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-batch-async") "3"),
     .value = 0.3},
    {"k-sync, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FIRST("k-batch-async") "5"),
     .value = 0.5},
    /* K E[X]/n for any law. */
    {"k-sync, derived", RATE_SCENARIO(10, SHIFTED, "", FIRST("k-batch-async") "3"), .value = 0.36},
    {"k-sync, derived", RATE_SCENARIO(10, GAMMA, "", FIRST("k-batch-async") "3"), .value = 0.3},
    {"k-sync, derived", RATE_SCENARIO(10, GAMMA, "", FIRST("k-batch-async") "10"), .value = 1},
    /* t₀ + (H_10 − H_(10 − k))/μ. */
    {"adaptive-k, derived", RATE_SCENARIO(10, SHIFTED, "", GROWN_TO("3")), .value = 0.5361111111},
    {"adaptive-k, derived", RATE_SCENARIO(10, SHIFTED, "", GROWN_TO("8")), .value = 1.6289682540},
    {0}};
