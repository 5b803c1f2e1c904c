/* SPDX-License-Identifier: MIT */
/* Where base times come from: a law, or a trace. Modifiers (delay.c) are applied to them. */
#ifndef SG_MODELS_SOURCE_H
#define SG_MODELS_SOURCE_H

#include "models/delay/law.h"
#include "models/delay/replay.h"

typedef struct sg_source {
  sg_law law;        /* type NULL: from the trace */
  sg_replay *replay; /* NULL: from the law */
  bool certain;      /* the means are taken instead of draws */
  uint64_t seed;
} sg_source;

/* values->variant is one of sg_law_or_replay_at. A source that is zeroed, or whose making failed,
 * may be cleared. column, per_subset_s: for traces (sg_replay_new). */
sg_status sg_source_init(sg_source *source, const sg_values *values, int workers, uint64_t seed,
                         sg_replay_column column, double per_subset_s, sg_error *e);
void sg_source_clear(sg_source *source);

/* Base seconds: a function of its arguments and the seed alone. */
double sg_source_seconds(const sg_source *source, uint32_t replication, int worker,
                         uint32_t iteration, uint32_t draw);

/* What tells workers apart: the mean of a worker's times in a trace; 1 with a law. */
double sg_source_level(const sg_source *source, int worker);
bool sg_source_is_random(const sg_source *source);
/* From now on all times are their mean: the law's, or the worker's in the trace. false: there is
 * none. */
bool sg_source_take_mean(sg_source *source);

#endif
