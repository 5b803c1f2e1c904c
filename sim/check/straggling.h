/* SPDX-License-Identifier: MIT */
/* A code under random straggling and under an adversary, beside the bounds of any decoder.
 *
 * With α the coefficients of what is decoded (0 where nothing is), e = ‖α − 1‖² over their number.
 * Bounds follow from who holds what alone (theory: approximate-bounds, derived): a part that none
 * of those who answer holds has α = 0. */
#ifndef SG_CHECK_STRAGGLING_H
#define SG_CHECK_STRAGGLING_H

#include "sim/check/patterns.h"

/* Each worker straggles with its p, independently: fills c->check's straggling. All 2^n patterns
 * are tried where they are at most max(65,536, 4 · options.patterns), else options.patterns are
 * drawn. p: n numbers. */
sg_status sg_try_straggling(sg_crowd *c, const double *p, sg_check_straggling *out);

/* Fills `greedy` of the sizes in sets[0 … n_sets), q = 0, 1, … missing: workers are taken away one
 * by one, first so that a part that fewest are left for is lost (the greedy search of Munim and
 * Ramamoorthy), then, where n² is at most options.patterns, so that the error grows most. */
sg_status sg_try_adversary(sg_crowd *c, int n_sets, sg_check_sets *sets);

/* Fills least_mean and least_worst of the sizes. */
sg_status sg_bound_sets(const sg_crowd *c, int n_sets, sg_check_sets *sets);

#endif
