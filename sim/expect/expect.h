/* SPDX-License-Identifier: MIT */
/* The exact law of the iteration time of a point, where there is one.
 *
 * A worker's time is broadcast + compute + uplink (sim/expect/time.h), the master's stop is a rule
 * found by asking the code (sim/expect/rule.h), and the iteration time an order statistic
 * (sim/expect/finish.h), plus the time of the update. What a point has that does not fit (memory,
 * queues at the master, several messages per worker, …) makes it unavailable, with the reason. */
#ifndef SG_SIM_EXPECT_EXPECT_H
#define SG_SIM_EXPECT_EXPECT_H

#include "sim/expect/finish.h"
#include "sim/expect/rule.h"
#include "sim/experiment/world.h"

typedef struct sg_expectation {
  sg_rule *rule;    /* owned */
  bool alike;       /* all workers' times have one law */
  double mean;      /* seconds; INFINITY: none */
  double error;     /* estimated absolute error of the mean */
  double err_norm;  /* E err_norm, of rounds without a message 1; NAN: exact, or no formula */
  double responses; /* E[R*]; NAN where workers differ, as it is no matter of counting then */
  double *within;   /* P(R* ≤ f), f = 0 … workers; NULL as above; owned */
  sg_finish finish; /* for sg_finish_late and sg_finish_quantile; its lists are owned */
} sg_expectation;

/* SG_INVALID with one fault, why there is no closed form. world is borrowed until *out is freed. */
sg_status sg_expect(const sg_world *world, sg_expectation **out, sg_error *e);
void sg_expectation_free(sg_expectation *x);

#endif
