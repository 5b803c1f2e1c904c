/* SPDX-License-Identifier: MIT */
/* The elementary functions behind random times and codes, in plain double arithmetic.
 *
 * A libm chooses its code by the processor (with FMA or without) and changes with its version: its
 * last bits are not the same everywhere. These are, wherever doubles are IEEE 754's and the
 * compiler neither contracts nor reorders, so that the same seed has the same simulated times on
 * every machine. tests/test_elementary.c measures the errors. */
#ifndef SG_CORE_ELEMENTARY_H
#define SG_CORE_ELEMENTARY_H

#include "sim/core/lanes.h"

/* Within 0.9 ulp; as libm's at 0, infinities and outside their domain. */
double sg_log(double x);
double sg_log1p(double x);

/* Within 0.9 ulp; within 1.1 where the result is subnormal. */
double sg_exp(double x);

/* For x ≥ 0 (else NaN): within 0.9 ulp; within 1.1 where the result is subnormal. */
double sg_pow(double x, double y);

/* Within 0.9 ulp for |x| ≤ 2^20. */
double sg_sin(double x);
double sg_cos(double x);

/* log Γ(x) for x > 0, within 1e-14 (1 + its size). */
double sg_log_gamma(double x);

/* Where a standard normal variable has probability p below it: Wichura (1988), algorithm AS 241,
 * relative error about 1e-16 before rounding. */
double sg_normal_quantile(double p);

/* Where Γ(shape, 1) has probability p below it, 0 ≤ p < 1. */
double sg_gamma_quantile(double shape, double p);

/* --- Many at a time: elementary_lanes.c --------------------------------------------------------
 *
 * x[i] = f(x[i]) for i < n, to the bit, on these vectors, which the processor must have. Usual
 * arguments take a third of the time with AVX2, a vector of others that of the single function. */
void sg_logs_with(sg_lanes lanes, double *x, long n);
void sg_log1ps_with(sg_lanes lanes, double *x, long n);
void sg_exps_with(sg_lanes lanes, double *x, long n);
void sg_pows_with(sg_lanes lanes, double *x, long n, double y);
void sg_normal_quantiles_with(sg_lanes lanes, double *p, long n);

#endif
