/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: one file per law (or pair of laws), each with a descriptor
 * that is listed in ../law.c. */
#ifndef SG_MODELS_LAWS_H
#define SG_MODELS_LAWS_H

#include "models/times/law.h"

#include <math.h>

#define FITS(type)                                                                                 \
  _Static_assert(sizeof(type) <= sizeof(sg_law_state) && _Alignof(type) <= 16, "it must fit")

/* The members of a descriptor in a file whose functions are called as the members are. */
#define LAW_FUNCTIONS                                                                              \
  .mean = mean, .variance = variance, .cdf = cdf, .quantile = quantile, .tail = tail,              \
  .density = density

/* Rows of parameter tables. */
#define LAW_TIME(member, what) SG_ROW_REAL(member, 0, SG_UNBOUNDED, what, .flags = SG_REQUIRED)
#define LAW_SCALE(member, what)                                                                    \
  SG_ROW_REAL(member, 0, SG_UNBOUNDED, what, .flags = SG_REQUIRED | SG_MIN_OPEN)
#define LAW_SHIFT SG_ROW_REAL("shift_s", 0, SG_UNBOUNDED, "Seconds added to every time.")

/* How many of n ascending numbers are at most t. */
long sg_law_rank(const double *ascending, long n, double t);

extern const sg_law_type sg_law_deterministic, sg_law_exponential, sg_law_shifted_exponential,
    sg_law_weibull, sg_law_gamma, sg_law_lognormal, sg_law_capped_lognormal, sg_law_pareto,
    sg_law_bimodal, sg_law_mixture, sg_law_empirical;

#endif
