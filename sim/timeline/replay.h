/* SPDX-License-Identifier: MIT */
/* A stored run, simulated again: first to compare its rows with the stored ones, then, if they are
 * the same, with a log. */
#ifndef SG_SIM_TIMELINE_REPLAY_H
#define SG_SIM_TIMELINE_REPLAY_H

#include "results/results.h"
#include "sim/scenario/scenario.h"
#include "sim/timeline/timeline.h"

/* Which run: by its id, or (0) by the label or code of its scheme and the number of its
 * replication; of several points the one of an environment, as compare counts them (0: any). */
typedef struct sg_run_name {
  int64_t run_id;
  const char *scheme;
  int replication, environment;
} sg_run_name;

/* SG_USAGE with the nearest names, or with all runs that fit: there is not one such run. */
sg_status sg_find_run(sg_db *db, const sg_run_name *name, int64_t *run_id, sg_error *e);

typedef struct sg_replay_options {
  long first, last; /* iterations; last −1: to the end; beyond the end: SG_USAGE */
  int n_overrides;  /* such as where a trace is now */
  const sg_override *override;
} sg_replay_options;

/* SG_INVALID: the run is not what would come of its configuration now, and why. The timeline must
 * be freed in any case. */
sg_status sg_replay(sg_db *db, int64_t run_id, const sg_replay_options *options, sg_timeline *out,
                    sg_error *e);

#endif
