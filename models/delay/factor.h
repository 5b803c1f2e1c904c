/* SPDX-License-Identifier: MIT */
/* Random factors without a unit: of a worker's speed, of what an iteration has in common. */
#ifndef SG_MODELS_FACTOR_H
#define SG_MODELS_FACTOR_H

#include "models/times/law.h"

/* {"model": none | lognormal | gamma | weibull | pareto | bimodal | deterministic}: the laws of
 * law.h with the same members, their times being numbers: "median" for "median_s". */
extern const sg_family sg_factor_family;

typedef struct sg_factor {
  bool random; /* false: 1 */
  sg_law law;
} sg_factor;

sg_status sg_factor_init(sg_factor *factor, const sg_values *values, sg_error *e);
void sg_factor_clear(sg_factor *factor);
/* Appends a line if there is no finite mean or variance. */
void sg_factor_note(const sg_factor *factor, const char *what, sg_buffer *out);

#endif
