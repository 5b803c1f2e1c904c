/* SPDX-License-Identifier: MIT */
#ifndef SG_SIM_FIT_INTERNAL_H
#define SG_SIM_FIT_INTERNAL_H

#include "sim/fit/fit.h"

/* Which parts of the structure the measurements call for, and are in the structured model. */
typedef struct fit_parts {
  bool persistent, memory, common, stalls, clustered;
} fit_parts;
fit_parts fit_parts_of(const sg_fit *f);

/* models.c: writes the scenario members of every model and simulates them, f->replayed too. */
sg_status fit_models(sg_fit *f, uint64_t seed, sg_error *e);
/* verdict.c: warnings, what is recommended, the verdict. */
sg_status fit_verdict(sg_fit *f, sg_error *e);

/* Largest deviation of a model's iteration times from the replayed ones, relative; NAN: none. */
double fit_deviation(const sg_fit *f, int model);

#endif
