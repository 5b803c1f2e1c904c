/* SPDX-License-Identifier: MIT */
/* Runs of one point, side by side.
 *
 * A thread advances each run of its block to its next decode, joins the partial gradients that all
 * of them want, computes and decodes once, and goes on. A run's rows do not depend on its
 * neighbours: the width of the block belongs to the point, unused columns are padded. */
#ifndef SG_SIM_BLOCK_H
#define SG_SIM_BLOCK_H

#include "sim/experiment/world.h"
#include "sim/kernel.h"

#include <stdatomic.h>

/* Where rows go. Each function returns false to make the block stop. */
typedef struct sg_sink {
  void *user;
  bool (*row)(void *user, int replication, const sg_iteration_record *row, int n_workers,
              const sg_worker_record *worker);
  /* The run's identity fields (ids) are the sink's business: only the outcome is filled in. */
  bool (*finish)(void *user, int replication, const sg_run_row *run,
                 const sg_summary_record *summary, int n_workers,
                 const sg_worker_summary_record *worker);
} sg_sink;

typedef struct sg_block_options {
  bool worker_rows;
  const atomic_bool *stop; /* set: return SG_INTERRUPTED soon; NULL: never */
  atomic_long *iterations; /* counts rows as they come, for progress; NULL: not wanted */
} sg_block_options;

/* Runs `count` replications, count ≤ world->width. Faults of one run end the block. */
sg_status sg_block_run(const sg_world *world, int count, const int *replication,
                       const sg_block_options *options, const sg_sink *sink, sg_error *e);

#endif
