/* SPDX-License-Identifier: MIT */
/* Rows of the result database as plain data: one member per row of columns.def, which says what
 * each means. NAN becomes NULL. */
#ifndef SG_RESULTS_RECORD_H
#define SG_RESULTS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/* One update of a model at the master. */
typedef struct sg_iteration_record {
#define SG_ITERATION(type, name, ...) type name;
#define SG_FOLDED(type, name, ...)    type name;
#include "results/columns.def"
} sg_iteration_record;

/* What a row is before anything is computed: NAN, and 0 in columns that are not real. */
extern const sg_iteration_record sg_iteration_blank;

/* One worker in one iteration. */
typedef struct sg_worker_record {
#define SG_WORKER(type, name, ...) type name;
#include "results/columns.def"
} sg_worker_record;

/* What is left of a run when its iterations are forgotten. Computed by the simulator as rows are
 * made, so that it is there at every detail. */
typedef struct sg_summary_record {
#define SG_SUMMARY(type, name, ...)                           type name;
#define SG_FOLDED(type, name, unit, meaning, fold, kept, ...) double kept;
#include "results/columns.def"
} sg_summary_record;

extern const sg_summary_record sg_summary_blank; /* as sg_iteration_blank */

/* Iterations of a run that took about as long: what its quantiles are pooled from. */
typedef struct sg_time_group_record {
  int position;
  int64_t iterations;
  double mean_s;
} sg_time_group_record;

/* One worker in one run. */
typedef struct sg_worker_summary_record {
#define SG_WORKER_SUMMARY(type, name, ...) type name;
#include "results/columns.def"
} sg_worker_summary_record;

/* A message that an update used: of schemes whose rows of workers do not tell. */
typedef struct sg_used_record {
#define SG_USED(type, name, ...) type name;
#include "results/columns.def"
} sg_used_record;

#endif
