/* SPDX-License-Identifier: MIT */
/* How many runs a wanted precision takes: Stein's two stages (theory: two-stage).
 *
 * The first `least` replications of a scheme and of its baseline give the variance s² of the
 * logarithm of their ratio; N = (t s / h)² pairs are run in all, and no more is asked. Nobody looks
 * at a mean before the end, so nothing is gained by looking: the mean of the N pairs is within h of
 * the truth with 95 % confidence, whatever the variance is, as far as the logarithms are normal. */
#ifndef SG_SIM_UNTIL_H
#define SG_SIM_UNTIL_H

#include "sim/experiment/plan.h"

typedef struct sg_until_report {
  double half_width; /* that is wanted; 0: the scenario has no "until" */
  int pairs;         /* schemes with their baseline, or alone in their environment */
  int open;          /* of these: whose first runs are not all there */
  int none;          /* without a time to compare, as where a target is not always reached */
  int equal;         /* whose runs are all the same, of which more tell nothing */
  int capped;        /* that want more runs than `most` */
  double widest;     /* half-width that is left to expect of a capped one */
  int least, most;   /* runs of a point, as they are wanted now */
} sg_until_report;

/* Settles how many replications the plan's points have; db NULL: nothing is there yet. */
sg_status sg_until(sg_plan *plan, sg_db *db, sg_until_report *report, sg_error *e);
/* What it says, in a line; nothing where the scenario has no "until". */
void sg_until_put(const sg_until_report *report, sg_buffer *out);

/* Pairs that are wanted in all: n logarithms of ratios, h: half of the interval's width. */
double sg_two_stage(int n, const double *x, double h);

#endif
