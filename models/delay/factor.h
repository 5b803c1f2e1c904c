/* SPDX-License-Identifier: MIT */
/* Random factors without a unit: of a worker's speed, of what an iteration has in common. */
#ifndef SG_MODELS_FACTOR_H
#define SG_MODELS_FACTOR_H

#include "models/times/law.h"

/* {"model": none | lognormal | gamma | weibull | pareto | bimodal | deterministic}: the laws of
 * law.h with the same members, their times being numbers: "median" for "median_s". */
extern const sg_family sg_factor_family;

/* The law of a factor; none (type NULL): it is 1. */
sg_status sg_factor_init(sg_law *law, const sg_values *values, sg_error *e);

#endif
