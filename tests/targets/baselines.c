/* SPDX-License-Identifier: MIT */
/* What is run instead of codes, within a barrier: backup workers, DropCompute, speculative copies,
 * nothing at all with lognormal workers (theory: backup-workers, drop-compute, speculative-copies,
 * lognormal-workers). */
#include "tests/targets/targets.h"

#define SHIFTED     "\"model\":\"shifted-exponential\",\"shift_s\":1,\"mean_excess_s\":0.5"
#define EXPONENTIAL "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"additive\""
#define LOGNORMAL   "\"model\":\"lognormal\",\"median_s\":1,\"sigma\":0.1"
/* 1 + min(Z/α, 5.5), Z ~ LogNormal(4, 1), α = 2 exp(4.5): a median of exp(−½)/2. */
#define MICRO_BATCHES                                                                              \
  "\"model\":\"capped-lognormal\",\"shift_s\":1,\"median_s\":0.30326532985631671,\"sigma\":1,"     \
  "\"cap_s\":5.5,\"scaling\":\"additive\""
#define SENDS_IN_1_S "\"uplink\":{\"model\":\"deterministic\",\"value_s\":1}"
#define BACKUPS(b)   "\"code\":\"backup-workers\",\"b\":" b
#define DROPS(more)  "\"code\":\"drop-compute\",\"gradients\":\"part\"," more
#define STOPS        "\"micro_batches\":12,\"work\":1,\"threshold_s\":18,\"running\":\"drop\""

/* Of C micro-batches of nM that came each part has α = nM/C: Σ (α − 1)² over parts is nM/C − 1. */
static double share_kept(const sg_iteration_record *row) {
  return 1 / (1 + row->err_norm);
}

extern const rate_target baselines_targets[];
const rate_target baselines_targets[] = {
    /* 1 + (H_100 − H_b)/2. */
    {"backup-workers, derived", RATE_SCENARIO(100, SHIFTED, "", BACKUPS("0")), .value = 3.593689,
     .tolerance = 1e-7},
    {"backup-workers, derived", RATE_SCENARIO(100, SHIFTED, "", BACKUPS("4")), .value = 2.552022,
     .tolerance = 2e-7},
    {"drop-compute, derived (Monte Carlo)",
     RATE_SCENARIO(64, MICRO_BATCHES, "", DROPS("\"micro_batches\":1,\"work\":12")),
     .value = 24.486, .error = 0.027},
    /* Some of 64 workers always are at work after 18 s. */
    {"drop-compute, derived", RATE_SCENARIO(64, MICRO_BATCHES, SENDS_IN_1_S, DROPS(STOPS)),
     .value = 19},
    {"drop-compute, derived (Monte Carlo)",
     RATE_SCENARIO(64, MICRO_BATCHES, SENDS_IN_1_S, DROPS(STOPS)), "share kept", share_kept,
     .value = 0.9404, .tolerance = 2e-4},
    /* H_400 − H_20 + H_20/2, and H_400. */
    {"speculative-copies, derived",
     RATE_SCENARIO(400, EXPONENTIAL, "", "\"code\":\"speculative-copies\",\"left\":20"),
     .value = 4.771060, .tolerance = 2e-7},
    {"speculative-copies, derived", RATE_SCENARIO(400, EXPONENTIAL, "", "\"code\":\"uncoded\""),
     .value = 6.569930, .tolerance = 1e-7},
    /* E max/median. */
    {"lognormal-workers, derived", RATE_SCENARIO(8, LOGNORMAL, "", "\"code\":\"uncoded\""),
     .value = 1.15516, .tolerance = 5e-6},
    {"lognormal-workers, derived", RATE_SCENARIO(64, LOGNORMAL, "", "\"code\":\"uncoded\""),
     .value = 1.26542, .tolerance = 5e-6},
    {"lognormal-workers, derived", RATE_SCENARIO(512, LOGNORMAL, "", "\"code\":\"uncoded\""),
     .value = 1.35673, .tolerance = 5e-6},
    {"lognormal-workers, derived", RATE_SCENARIO(1024, LOGNORMAL, "", "\"code\":\"uncoded\""),
     .value = 1.38465, .tolerance = 5e-6},
    {0}};
