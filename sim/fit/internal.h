/* SPDX-License-Identifier: MIT */
/* The steps of a fit, which fit.c takes one after another. */
#ifndef SG_SIM_FIT_INTERNAL_H
#define SG_SIM_FIT_INTERNAL_H

#include "sim/fit/fit.h"

/* models.c: writes the scenario members of every model and simulates them, f->replayed too. done:
 * the share of the work that is behind, for progress. */
sg_status fit_models(sg_fit *f, const sg_fit_options *o, double done, sg_error *e);
/* verdict.c: warnings, what is recommended, the verdict. */
sg_status fit_verdict(sg_fit *f, sg_error *e);

/* Largest deviation of a model's iteration times from the replayed ones, relative; NAN: none. */
double fit_deviation(const sg_fit *f, int model);

#endif
