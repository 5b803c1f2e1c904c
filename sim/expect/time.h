/* SPDX-License-Identifier: MIT */
/* The law of a sum of independent random times: how long one worker takes until its message is
 * delivered, Y = constant + Σ scale · (X_1 + … + X_draws).
 *
 * In closed form where there is one: Erlang and gamma sums of one scale, two exponentials
 * (hypoexponential, theory: worker-time), finitely many values.
 * Otherwise by numerical convolution, kept as piecewise Chebyshev polynomials of log P(Y > t).
 * Evaluation may fill that table: one thread at a time. */
#ifndef SG_SIM_EXPECT_TIME_H
#define SG_SIM_EXPECT_TIME_H

#include "models/times/law.h"

typedef struct sg_time {
  double constant, mean, variance; /* seconds, seconds²; INFINITY: there is none */
  double least;                    /* P(Y < least) = 0 */
  bool discrete;                   /* the atoms are all */
  int atoms, bends;
  double *atom; /* times with a probability of their own, in no order; owned */
  double *bend; /* where P(Y > t) may have a kink, as far as is known: for quadrature */
  struct variable *variable;  /* inner: all sums and summands; owned */
  const struct variable *sum; /* the random part; NULL: there is none */
} sg_time;

typedef struct sg_time_part {
  const sg_law *law; /* borrowed for as long as the sum lives */
  double scale;      /* > 0 */
  int draws;         /* ≥ 1 independent draws, added up */
} sg_time_part;

/* SG_INVALID with the reason where no law can be given: a law without a density that has to be
 * convolved, too many values. constant: seconds. */
sg_status sg_time_new(double constant, int n_parts, const sg_time_part *part, sg_time **out,
                      sg_error *e);
void sg_time_free(sg_time *x);

/* Questions have no status: where one lacks memory its answer is sg_starve's, NAN. sg_starved says
 * whether that happened in this thread since it was last asked, and so whether answers count. */
double sg_starve(void);
bool sg_starved(void);

double sg_time_late(const sg_time *x, double t); /* P(Y > t), small relative error */
double sg_time_done(const sg_time *x, double t); /* P(Y ≤ t) */

#endif
