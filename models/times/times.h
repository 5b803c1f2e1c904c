/* SPDX-License-Identifier: MIT */
/* Where random times come from: a law, or a trace. Compute times (models/delay), uplinks and their
 * jitter (models/network) are such; what else happens to them is up to those.
 *
 * Of a trace a run sees, by mode:
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
#ifndef SG_MODELS_TIMES_H
#define SG_MODELS_TIMES_H

#include "models/times/law.h"
#include "models/times/trace.h"

/* --- A trace ---------------------------------------------------------------------------------- */

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

/* --- Either ----------------------------------------------------------------------------------- */

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

/* What a run has drawn ahead: the first times of all nodes in one iteration, side by side. Most
 * rounds need them all. Zeroed: nothing. Not shared by threads. */
typedef struct sg_ahead {
  int nodes;
  uint32_t iteration;
  double *seconds; /* NULL: nothing was drawn */
  double *second;  /* scratch: uniforms of laws that take two */
} sg_ahead;

/* Draws those of an iteration, if that is of use for these times. false: no memory. O(nodes). */
bool sg_times_draw_ahead(const sg_times *times, uint32_t replication, uint32_t iteration, int nodes,
                         sg_ahead *ahead);
void sg_ahead_clear(sg_ahead *ahead);

/* Base seconds: a function of its arguments and the seed alone, `ahead` (NULL: none) only saves
 * time. Nodes beyond the workers (relays)
 * have draws of their own with a law, and a trace's times as worker `node` mod workers. */
double sg_times_seconds(const sg_times *times, const sg_ahead *ahead, uint32_t replication,
                        int node, uint32_t iteration, uint32_t draw);

/* What tells workers apart: the mean of a worker's times in a trace; 1 with a law. */
double sg_times_level(const sg_times *times, int worker);
bool sg_times_are_random(const sg_times *times);
/* From now on all times are their mean: the law's, or the worker's in the trace. false: there is
 * none. */
bool sg_times_take_mean(sg_times *times);

#endif
