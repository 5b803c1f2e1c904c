/* SPDX-License-Identifier: MIT */
/* What the schemes of a database are worth against each other, without a word printed: for every
 * command that compares them.
 *
 * Schemes stand in environments (equal env_sha256 and results_version: the same cluster, delays,
 * network and data). In each, every scheme is paired with the baseline by replication, because
 * equal replications see the same delays. How a verdict is reached stands at the head of judge.c.
 */
#ifndef SG_RESULTS_JUDGE_H
#define SG_RESULTS_JUDGE_H

#include "results/results.h"
#include "results/statistics.h"

typedef struct sg_outcome { /* of one run */
  int replication;
  bool finished; /* not diverged, stalled, undecodable */
  sg_summary_record summary;
} sg_outcome;

typedef struct sg_judged { /* a scheme in its environment */
  int64_t point_id, results_version;
  sg_point_record point;     /* without axes; texts owned */
  sg_summary_record summary; /* over all runs, each column folded as its row of columns.def says */
  int n_runs, capacity;
  sg_outcome *run;              /* ascending by replication */
  double median_time_to_target; /* runs that did not reach it above all others; NAN: among them */
  int n_reached, n_diverged, n_stalled, n_undecodable, n_ended_early; /* the last: of three kinds */
  /* Against the baseline. */
  sg_ratio ratio;      /* n = pairs; NAN ratio where pairs are censored */
  const char *verdict; /* a constant text; "baseline" for the baseline itself */
} sg_judged;

typedef struct sg_environment { /* schemes [begin, end) of the comparison */
  int begin, end, baseline;
  bool to_target, baseline_by_default;
} sg_environment;

typedef struct sg_comparison {
  int n, capacity;
  sg_judged *scheme; /* that have runs; environments in the order of their first point */
  int n_environments, environments_capacity;
  sg_environment *environment;
} sg_comparison;

/* Reads all schemes and judges them. baseline: a code or scheme label instead of the stored one, or
 * NULL; SG_USAGE with the nearest name where no scheme is called so. Zero-initialise *c; clear it
 * in any case. */
sg_status sg_judge(sg_db *db, const char *baseline, sg_comparison *c, sg_error *e);
void sg_comparison_clear(sg_comparison *c);

/* Whether an iteration of the scheme does what one of the baseline does: the exact sum, of the
 * current model. Only then iteration times may be compared. */
bool sg_gives_gradient(const sg_judged *s);

#endif
