/* SPDX-License-Identifier: MIT */
/* Seconds of an update of schemes without a barrier (theory: ssp, fedbuff, delay-adaptive,
 * ringmaster). */
#include "tests/targets/targets.h"

#define LAW(law)    law ",\"scaling\":\"additive\""
#define EXPONENTIAL LAW("\"model\":\"exponential\",\"mean_s\":1")
#define SHIFTED     LAW("\"model\":\"shifted-exponential\",\"shift_s\":0.2,\"mean_excess_s\":1")
#define GAMMA       LAW("\"model\":\"gamma\",\"mean_s\":1,\"shape\":0.5")
#define LOGNORMAL   LAW("\"model\":\"lognormal\",\"median_s\":0.6065306597,\"sigma\":1")
#define SSP(s)      "\"code\":\"ssp\",\"s\":" s
#define EACH        ",\"updates\":\"per-gradient\""
#define FEDBUFF(k)  "\"code\":\"fedbuff\",\"k\":" k

extern const rate_target no_barrier_targets[];
const rate_target no_barrier_targets[] = {
    /* Two workers: a clock takes (2s + 3)/(2(s + 1)), a gradient half of it. */
    {"ssp, derived", RATE_SCENARIO(2, EXPONENTIAL, "", SSP("0")), .value = 1.5},
    {"ssp, derived", RATE_SCENARIO(2, EXPONENTIAL, "", SSP("1")), .value = 1.25},
    {"ssp, derived", RATE_SCENARIO(2, EXPONENTIAL, "", SSP("4")), .value = 1.1},
    {"ssp, derived", RATE_SCENARIO(2, EXPONENTIAL, "", SSP("0") EACH), .value = 0.75},
    {"ssp, derived", RATE_SCENARIO(2, EXPONENTIAL, "", SSP("3") EACH), .value = 0.5625},
    /* Ten: H_10. s = 1: a rate of 0.530849 (60) of a worker, by another program that plays 60
     * million gradients. */
    {"ssp, derived", RATE_SCENARIO(10, EXPONENTIAL, "", SSP("0")), .value = 2.9289682540},
    {"ssp, derived", RATE_SCENARIO(10, EXPONENTIAL, "", SSP("0") EACH), .value = 0.29289682540},
    {"ssp, derived (Monte Carlo)", RATE_SCENARIO(10, EXPONENTIAL, "", SSP("1")), .value = 1.883775,
     .error = 0.00022},
    {"ssp, derived (Monte Carlo)", RATE_SCENARIO(10, EXPONENTIAL, "", SSP("1") EACH),
     .value = 0.1883775, .error = 0.000022},
    /* K E[X]/C for any law. */
    {"fedbuff, derived", RATE_SCENARIO(10, EXPONENTIAL, "", FEDBUFF("3") ",\"concurrency\":4"),
     .value = 0.75},
    {"fedbuff, derived", RATE_SCENARIO(10, SHIFTED, "", FEDBUFF("3") ",\"concurrency\":4"),
     .value = 0.9},
    {"fedbuff, derived",
     RATE_SCENARIO(10, GAMMA, "", FEDBUFF("5") ",\"concurrency\":8,\"clients\":\"in-turn\""),
     .value = 0.625},
    {"fedbuff, derived", RATE_SCENARIO(10, LOGNORMAL, "", FEDBUFF("10")), .value = 1},
    /* E[X]/n for any law. */
    {"delay-adaptive, derived", RATE_SCENARIO(10, GAMMA, "", "\"code\":\"delay-adaptive\""),
     .value = 0.1},
    /* R = 1 with stops: the least of n times. With R beyond all delays, E[X]/n. */
    {"ringmaster, derived",
     RATE_SCENARIO(10, SHIFTED, "", "\"code\":\"ringmaster\",\"r\":1,\"stops\":true"),
     .value = 0.3},
    {"ringmaster, derived",
     RATE_SCENARIO(10, SHIFTED, "", "\"code\":\"ringmaster\",\"r\":1000000,\"stops\":true"),
     .value = 0.12},
    {0}};
