/* SPDX-License-Identifier: MIT */
/* What a block of runs is asked for, and where its rows go. */
#ifndef SG_SIM_SINK_H
#define SG_SIM_SINK_H

#include "results/results.h"
#include "sim/engine/run.h"

#include <stdatomic.h>

/* Where rows go. Each function returns false to make the block stop. */
typedef struct sg_sink {
  void *user;
  bool (*row)(void *user, int replication, const sg_iteration_record *row, int n_workers,
              const sg_worker_record *worker);
  /* The messages that the update of a row to come used, of schemes without a barrier or with
   * mini-batches, where rows of workers are wanted. NULL: not wanted. */
  bool (*used)(void *user, int replication, int n, const sg_used_record *used);
  /* The iteration times of a run that is at its end, in groups by time (sg_group_size), allocated:
   * taken over. NULL: not wanted. */
  bool (*times)(void *user, int replication, int n, sg_time_group_record *time);
  /* The run's identity fields (ids) are the sink's business: only the outcome is filled in. */
  bool (*finish)(void *user, int replication, const sg_run_row *run,
                 const sg_summary_record *summary, int n_workers,
                 const sg_worker_summary_record *worker);
} sg_sink;

typedef struct sg_block_options {
  bool worker_rows;
  const atomic_bool *stop; /* set: return SG_INTERRUPTED soon; NULL: never */
  atomic_long *iterations; /* counts rows as they come, for progress; NULL: not wanted */
  /* Told of everything that happens in a run that is alone in its block; NULL: not wanted. */
  void (*log)(void *user, const sg_run_logged *entry);
  void *log_user;
} sg_block_options;

#endif
