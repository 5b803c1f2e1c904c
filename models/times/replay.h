/* SPDX-License-Identifier: MIT */
/* Times that come from a trace instead of a law. What a run sees, by mode:
 *
 *   replay: the trace, iteration by iteration.
 *   block-bootstrap: blocks of consecutive iterations, each from a random place of the trace
 *     (circular: Politis and Romano 1992). Workers keep their speeds, their memory within a block
 *     and what they have in common.
 *   iteration-bootstrap: whole iterations at random. No memory.
 *   iid-bootstrap: each time at random from the whole trace. Nothing is kept but the law.
 *
 * More workers than the trace has: worker w takes the times of worker w mod W of the trace, in the
 * copy w div W. Copies do not go in step: with replay copy c of C is c/C of the trace ahead, a
 * bootstrap draws blocks for each copy. Fewer: the first workers of the trace.
 * More iterations than the trace has: replay begins again (past_end wrap), or ends the run
 * (past_end end); the bootstraps have no end.
 * A row of load d has d times the time of one subset; with scaling startup, d times per_subset_s
 * and the time of the start. */
#ifndef SG_MODELS_REPLAY_H
#define SG_MODELS_REPLAY_H

#include "models/times/law.h"
#include "models/times/trace.h"

/* {"model": "trace", path, mode, block_iterations, past_end, unit_s}. */
extern const sg_variant sg_replay_variant;

/* For families: the laws, then sg_replay_variant, NULL past it. */
const sg_variant *sg_law_or_replay_at(int i);

typedef struct sg_replay sg_replay; /* immutable, shared by runs and threads */

typedef enum sg_replay_column {
  SG_REPLAY_COMPUTE, /* compute_s per subset: divided by the row's load */
  SG_REPLAY_START,   /* compute_s less per_subset_s times the row's load (1 without that column) */
  SG_REPLAY_SEND     /* send_s */
} sg_replay_column;

/* values->variant is sg_replay_variant. The same values and seed give the same iterations of the
 * trace for all columns. workers: of the cluster. per_subset_s: for SG_REPLAY_START. */
sg_status sg_replay_new(const sg_values *values, int workers, sg_replay_column column,
                        double per_subset_s, sg_replay **out, sg_error *e);
void sg_replay_free(sg_replay *replay);

/* Seconds of `worker` in `iteration`. draw: which of several times of one iteration; only
 * iid-bootstrap has more than one. O(1). */
double sg_replay_seconds(const sg_replay *replay, uint64_t seed, uint32_t replication, int worker,
                         uint32_t iteration, uint32_t draw);

/* The mean of a worker's times in the trace; with iid-bootstrap, that of all. */
double sg_replay_mean(const sg_replay *replay, int worker);

/* Most iterations of a run: those of the trace with past_end end, 0: no limit. */
long sg_replay_iterations(const sg_replay *replay);
/* Appends what a person should know, a line each: the block length, how the trace was stretched, a
 * warning with iid-bootstrap. */
void sg_replay_note(const sg_replay *replay, sg_buffer *out);

#endif
