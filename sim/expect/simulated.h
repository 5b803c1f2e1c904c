/* SPDX-License-Identifier: MIT */
/* What a result database says of the iteration times of points, to stand beside exact values. */
#ifndef SG_SIM_EXPECT_SIMULATED_H
#define SG_SIM_EXPECT_SIMULATED_H

#include "results/results.h"

typedef struct sg_simulated {
  int runs;
  long iterations; /* of all runs: 0: none in the database */
  double mean, sd; /* over all iterations of all runs */
  bool cut;        /* runs were ended by simulated time, which favours short iterations */
  /* Iteration times with their (replication << 32 | iteration), rising; NULL without rows. */
  double *time;
  int64_t *address;
  double p99; /* of all iterations; without rows by groups of them (v_iter_quantile) */
} sg_simulated;

/* The finished runs of the point with this key; other runs are left out. */
sg_status sg_simulated_read(sg_db *db, const char *point_sha256, sg_simulated *out, sg_error *e);
void sg_simulated_clear(sg_simulated *x);

/* Share of the iterations that took at most t; NAN without rows. */
double sg_simulated_within(const sg_simulated *x, double t);

/* The correlation of the iteration times of two points over equal replications and iterations,
 * which share their random numbers; 1, the worst, without rows. */
double sg_simulated_correlation(const sg_simulated *a, const sg_simulated *b);

#endif
