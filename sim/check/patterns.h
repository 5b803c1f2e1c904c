/* SPDX-License-Identifier: MIT */
/* Patterns of workers that do not answer, and threads that try many of them.
 *
 * A pattern is n flags: whether worker i is there. Results stand in the order of the patterns, so
 * that they are the same for any number of threads. */
#ifndef SG_CHECK_PATTERNS_H
#define SG_CHECK_PATTERNS_H

#include "sim/check/check.h"
#include "sim/check/trial.h"
#include "sim/core/random.h"

typedef struct sg_crowd {
  const sg_code *code;
  const sg_check_options *options;
  sg_trial_subject *subject;
  int n;       /* workers */
  size_t row;  /* bytes of a pattern */
  bool *flags; /* one row of all nodes per thread, and one more: relays are always present */
  int threads;
  sg_trial **trial;   /* one per thread */
  double done, total; /* patterns, for progress */
  sg_error *error;
} sg_crowd;

/* Clear it in any case. Code and options must outlive it. */
sg_status sg_crowd_init(sg_crowd *c, const sg_code *code, const sg_check_options *options,
                        sg_error *e);
void sg_crowd_clear(sg_crowd *c);

/* The results of `count` patterns, one after another in `pattern`, by as many threads as pay.
 * want: as sg_trial_run. */
sg_status sg_crowd_run(sg_crowd *c, long count, const bool *pattern, unsigned want,
                       sg_trial_result *r);
/* The pattern with flags for relays behind those of the workers; valid until the next call. */
const bool *sg_crowd_nodes(const sg_crowd *c, const bool *pattern);
/* What all patterns so far have shown. false: no memory. Free the load in any case. */
void sg_crowd_traffic(const sg_crowd *c, sg_traffic_range *traffic);
bool sg_crowd_load(const sg_crowd *c, sg_load *load);

int sg_missing_in(int workers, const bool *pattern);
double sg_binomial(int n, int k); /* exact below 2^53 */
/* All sets of q missing workers, in lexicographic order; *next moves behind them. */
sg_status sg_put_all(const sg_crowd *c, int q, bool **next);
/* A random set of q missing workers (Floyd's method). */
void sg_put_random(int n, int q, sg_stream *random, bool *out);

#endif
