/* SPDX-License-Identifier: MIT */
/* Databases added to another, such as those of shards.
 *
 * Points are found again by their keys, runs by (key, replication). A run that is there already
 * must be the same, to the bit, in every column but wall-clock time and numbers of rows; of two
 * that are recorded in different detail the more detailed is kept. What is not the same is said and
 * nothing is written. Who computed a run (invocation) and from which scenario is kept. */
#ifndef SG_RESULTS_MERGE_H
#define SG_RESULTS_MERGE_H

#include "results/results.h"

#include <stdatomic.h>

typedef struct sg_merge_report {
  int databases;             /* that were read */
  int runs, found, replaced; /* added, there already, there in less detail */
  int checks;                /* of codes, added */
  int shards_missing; /* of those that belong together; of several cuts the one that lacks fewest */
  int of_shards;      /* 0: no shards */
} sg_merge_report;

/* All or nothing. out: open for writing; a file of `in` that is the same as `out_path` is passed
 * over. SG_INVALID: something is not the same, or of another version. SG_INTERRUPTED when *stop. */
sg_status sg_merge(sg_db *out, const char *out_path, int n, const char *const *in,
                   const atomic_bool *stop, sg_merge_report *report, sg_error *e);

#endif
