/* SPDX-License-Identifier: MIT */
/* Computes the missing runs of a plan with several threads and stores them. */
#ifndef SG_SIM_EXECUTE_H
#define SG_SIM_EXECUTE_H

#include "sim/experiment/block.h"
#include "sim/experiment/shard.h"

typedef struct sg_progress {
  int runs_done, runs_total; /* of those that were missing */
  double share;              /* of the work, 0 … 1 */
  double elapsed_s, left_s;  /* left: NAN while unknown */
} sg_progress;

typedef struct sg_execute_options {
  int threads;
  const sg_deal *deal; /* only the runs of one shard; NULL: all */
  sg_db *known;        /* runs that it has are not missing; NULL: none */
  const atomic_bool *stop;
  void (*progress)(void *user,
                   const sg_progress *progress); /* about five times a second; or NULL */
  void *user;
} sg_execute_options;

typedef struct sg_execute_report {
  int computed, found, missing; /* runs computed now, runs that were there, runs still missing */
  int diverged, stalled, undecodable; /* among those computed */
  double elapsed_s;
} sg_execute_report;

/* db is open for writing. On SG_INTERRUPTED what is finished is kept. */
sg_status sg_execute(const sg_plan *plan, sg_db *db, const sg_invocation *invocation,
                     const sg_execute_options *options, sg_execute_report *report, sg_error *e);

#endif
