/* SPDX-License-Identifier: MIT */
/* Where random times come from: a law, or a trace. Compute times (models/delay), uplinks and their
 * jitter (models/network) are such; what else happens to them is up to those. */
#ifndef SG_MODELS_TIMES_H
#define SG_MODELS_TIMES_H

#include "models/times/law.h"
#include "models/times/replay.h"

typedef struct sg_times {
  sg_law law;        /* type NULL: from the trace */
  sg_replay *replay; /* NULL: from the law */
  bool certain;      /* the means are taken instead of draws */
  sg_purpose purpose;
  int workers;
  uint64_t seed;
} sg_times;

/* values->variant is one of sg_law_or_replay_at. Times that are zeroed, or whose making failed, may
 * be cleared. purpose: of a law's random streams; a trace has its own. column, per_subset_s: for
 * traces (sg_replay_new). */
sg_status sg_times_init(sg_times *times, const sg_values *values, sg_purpose purpose, int workers,
                        uint64_t seed, sg_replay_column column, double per_subset_s, sg_error *e);
void sg_times_clear(sg_times *times);

/* Base seconds: a function of its arguments and the seed alone. Nodes beyond the workers (relays)
 * have draws of their own with a law, and a trace's times as worker `node` mod workers. */
double sg_times_seconds(const sg_times *times, uint32_t replication, int node, uint32_t iteration,
                        uint32_t draw);

/* What tells workers apart: the mean of a worker's times in a trace; 1 with a law. */
double sg_times_level(const sg_times *times, int worker);
bool sg_times_are_random(const sg_times *times);
/* From now on all times are their mean: the law's, or the worker's in the trace. false: there is
 * none. */
bool sg_times_take_mean(sg_times *times);

#endif
