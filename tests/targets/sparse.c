/* SPDX-License-Identifier: MIT */
/* Sparse random codes: decoding errors under erasures, and ErasureHead's times (theory: bernoulli,
 * stochastic-block, approximate-repetition, expander, stochastic-gradient-coding). */
#include "tests/targets/targets.h"

#include <stddef.h>

#define ERASED(n, erasure, scheme, replicate)                                                      \
  "{\"format\":1,\"cluster\":{\"workers\":" #n ",\"erasure\":{" erasure                            \
  "}},\"delay\":{\"model\":\"exponential\",\"mean_s\":0.5,\"scaling\":\"startup\","                \
  "\"per_subset_s\":0},\"schemes\":[{" scheme "}],\"learning\":{\"problem\":\"none\",\"length\":"  \
  "960},\"replications\":1,\"replicate\":\"" replicate                                             \
  "\",\"random\":{\"seed\":1},\"output\":{\"detail\":\"summary\"}}"
#define NONE     "\"model\":\"none\""
#define UNIFORM  "\"model\":\"uniform\",\"count\":"
#define OFTEN    "\"model\":\"bernoulli\",\"probability\":0.2"
#define ONE_STEP ",\"decoding\":\"one-step\""
#define HEAD                                                                                       \
  ",\"stop\":{\"rule\":\"first-of\",\"first\":\"count\",\"second\":{\"rule\":\"coverage\","        \
  "\"share\":1}}"

static double error_of(const sg_iteration_record *row) {
  return row->err_norm;
}

static double lost_of(const sg_iteration_record *row) { /* of 30 blocks */
  return 1 - row->alpha_sum / 30;
}

#define ERROR .quantity = "err_norm", .of = error_of
#define LOST  .quantity = "lost share", .of = lost_of
#define CODE  "delays+code"

extern const rate_target sparse_targets[];
const rate_target sparse_targets[] = {
    {"bernoulli, closed form",
     ERASED(100, UNIFORM "20", "\"code\":\"bernoulli\",\"d\":5" ONE_STEP, CODE), ERROR,
     .value = 0.2375},
    {"bernoulli, closed form",
     ERASED(100, UNIFORM "50", "\"code\":\"bernoulli\",\"d\":5" ONE_STEP, CODE), ERROR,
     .value = 0.38},
    {"stochastic-block, closed form",
     ERASED(100, UNIFORM "20",
            "\"code\":\"stochastic-block\",\"c\":10,\"P\":0.4,\"Q\":0.02" ONE_STEP, CODE),
     ERROR, .value = 0.164482218},
    {"stochastic-block, closed form",
     ERASED(100, UNIFORM "50",
            "\"code\":\"stochastic-block\",\"c\":10,\"P\":0.4,\"Q\":0.02" ONE_STEP, CODE),
     ERROR, .value = 0.286585234},
    {"approximate-repetition, closed form",
     ERASED(100, UNIFORM "20", "\"code\":\"approximate-repetition\",\"d\":5", "delays"), ERROR,
     .value = 2.05930545e-4},
    {"approximate-repetition, closed form",
     ERASED(100, UNIFORM "50", "\"code\":\"approximate-repetition\",\"d\":5", "delays"), ERROR,
     .value = 0.0281422472},
    {"approximate-repetition, closed form",
     ERASED(12, OFTEN, "\"code\":\"approximate-repetition\",\"d\":3", "delays"), ERROR,
     .value = 0.008},
    {"approximate-repetition, closed form",
     ERASED(12, OFTEN, "\"code\":\"approximate-repetition\",\"d\":3,\"debias\":\"known\"",
            "delays"),
     ERROR, .value = 0.008 / 0.992},
    {"expander, closed form",
     ERASED(100, UNIFORM "20", "\"code\":\"expander\",\"d\":5,\"graph\":\"circulant\"" ONE_STEP,
            CODE),
     ERROR, .value = 0.0479797980},
    {"expander, Monte Carlo",
     ERASED(100, UNIFORM "20", "\"code\":\"expander\",\"d\":5,\"graph\":\"circulant\"", CODE),
     ERROR, .value = 0.0207, .error = 1e-4},
    {"expander, Monte Carlo",
     ERASED(100, UNIFORM "50", "\"code\":\"expander\",\"d\":5,\"graph\":\"circulant\"", CODE),
     ERROR, .value = 0.1133, .error = 4e-4},
    {"stochastic-gradient-coding, closed form", ERASED(12, OFTEN, "\"code\":\"sgc\",\"d\":3", CODE),
     ERROR, .value = 1. / 12},
    {"approximate-repetition (ErasureHead), closed form",
     ERASED(30, NONE, "\"code\":\"approximate-repetition\",\"d\":3,\"s\":15" HEAD, "delays"),
     .value = 0.330702770},
    {"approximate-repetition (ErasureHead), closed form",
     ERASED(30, NONE, "\"code\":\"approximate-repetition\",\"d\":6,\"s\":20" HEAD, "delays"),
     .value = 0.163685152},
    {"approximate-repetition (ErasureHead), closed form",
     ERASED(30, NONE, "\"code\":\"approximate-repetition\",\"d\":2,\"s\":15" HEAD, "delays"), LOST,
     .value = 0.241379310},
    {"approximate-repetition (ErasureHead), closed form",
     ERASED(30, NONE, "\"code\":\"approximate-repetition\",\"d\":3,\"s\":15" HEAD, "delays"), LOST,
     .value = 0.112068966},
    {0}};
