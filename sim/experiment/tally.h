/* SPDX-License-Identifier: MIT */
/* What a run adds up to, collected row by row. */
#ifndef SG_SIM_TALLY_H
#define SG_SIM_TALLY_H

#include "results/results.h"

typedef struct sg_tally sg_tally;

sg_tally *sg_tally_new(int workers, int models, bool worker_rows);
void sg_tally_free(sg_tally *t);

/* A row, in order. worker: rows of the same iteration, n of them, or none. false: no memory. */
bool sg_tally_row(sg_tally *t, const sg_iteration_record *row, int n,
                  const sg_worker_record *worker);
/* With this row the last of the models has reached the target loss, after so many updates of it. */
void sg_tally_target(sg_tally *t, const sg_iteration_record *row, long updates);
/* Fills the summary, and run->iterations and run->sim_time_s. */
void sg_tally_finish(sg_tally *t, sg_run_row *run, sg_summary_record *summary);
/* After that: the iteration times in groups, allocated, and how many. NULL: none, or no memory. */
sg_time_group_record *sg_tally_times(const sg_tally *t, int *n);
/* One entry per worker, *n = 0 without worker rows. Owned by the tally. */
const sg_worker_summary_record *sg_tally_workers(sg_tally *t, const double *speeds, int *n);

#endif
