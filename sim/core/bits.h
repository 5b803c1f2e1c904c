/* SPDX-License-Identifier: MIT */
/* Bits of a coordinate shared out to workers that straggle with different probabilities (theory:
 * osgc; CAGC, arXiv:2605.15890, official code).
 *
 * A message with b bits a coordinate has an error of variance D/(2^b − 1)² relative to its square,
 * and comes with probability 1 − p. As a share of an unbiased sum it is worth
 *   f(b) = (1 − p) / (D/(2^b − 1)² + p),   f(0) = 0,
 * and the variance of the sum is n² / Σ f_i(b_i). */
#ifndef SG_CORE_BITS_H
#define SG_CORE_BITS_H

#include "sim/core/error.h"

enum { SG_MOST_BITS = 15 };

/* f(bits) of a worker with straggling probability p in [0, 1], variance = D > 0. bits < 0: of
 * messages without error, (1 − p)/p, which is INFINITY for p = 0. */
double sg_worth_of_bits(double p, double variance, int bits);

/* bits[n], each 0 to SG_MOST_BITS, of sum `budget` (or n · SG_MOST_BITS, if that is less) that
 * maximise Σ f_i; the maximum in *worth. Among equals the later workers get more. By dynamic
 * programming: O(n · budget · SG_MOST_BITS) time, O(n · budget) memory. SG_NO_MEMORY. */
sg_status sg_share_bits(int n, const double *p, double variance, int budget, int *bits,
                        double *worth);

#endif
