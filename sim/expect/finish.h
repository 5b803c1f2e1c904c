/* SPDX-License-Identifier: MIT */
/* The law of the time at which enough workers have answered: order statistics of independent times.
 *
 * Enough is a conjunction of quorums over disjoint sets of workers: T = max over quorums of the
 * time at which the quorum is met, or the deadline if that is earlier. A quorum is a count (any
 * `need` of its workers) or a table (how many of its subsets are not enough, by how many of each
 * kind of worker they hold). Formulas: theory: order-statistics; with workers that differ the
 * Poisson-binomial recursion.
 *
 * All that is summed is positive, so that P(T > t) has small relative error: heavy tails are
 * integrated right. */
#ifndef SG_SIM_EXPECT_FINISH_H
#define SG_SIM_EXPECT_FINISH_H

#include "sim/expect/time.h"

/* How the members of a quorum answer: `count` of them with law number `law` (of the caller's
 * list), the kinds in rising order of law. law −1: never. */
typedef struct sg_kind_count {
  int law, count;
} sg_kind_count;

typedef struct sg_quorum {
  int times; /* so many quorums alike, over disjoint workers */
  int kinds;
  sg_kind_count *kind;
  int need; /* any so many of the members are enough; 0: the table says */
  /* Π (count + 1) numbers, the last kind fastest: how many such subsets are not enough. */
  double *lacking;
} sg_quorum;

typedef struct sg_finish {
  int laws;
  const sg_time *const *law; /* borrowed */
  int quorums;
  const sg_quorum *quorum; /* borrowed */
  double constant;         /* seconds added to every T */
  double deadline;         /* T is at most this, the constant apart; 0: there is none */
} sg_finish;

double sg_finish_late(const sg_finish *f, double t); /* P(T > t) */
double sg_finish_done(const sg_finish *f, double t); /* P(T ≤ t) */

/* E[T] by GSL's adaptive quadrature of P(T > t), as a finite sum where all times are discrete.
 * error: the estimate of the absolute error. INFINITY where T has no mean (decided by the tail's
 * exponent, if a worker's time has none) or may never come. SG_NO_MEMORY is the only fault. */
sg_status sg_finish_mean(const sg_finish *f, double *mean, double *error, sg_error *e);

/* Whether T has a mean (order 1) or a variance (order 2), by the exponent of its tail. */
bool sg_finish_has_moment(const sg_finish *f, int order);

/* The least t with P(T ≤ t) ≥ p, 0 < p < 1, by bisection to the last digits; INFINITY: never. */
double sg_finish_quantile(const sg_finish *f, double p);

#endif
