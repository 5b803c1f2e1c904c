/* SPDX-License-Identifier: MIT */
/* What the schemes of a database are worth against each other, without a word printed: for every
 * command that compares them.
 *
 * Schemes stand in environments (equal env_sha256 and results_version: the same cluster, delays,
 * network and data). In each, every scheme is paired with the baseline by replication, because
 * equal replications see the same delays. How a verdict is reached stands at the head of judge.c;
 * the fastest of an environment is chosen among all that can be compared (theory: best-of-many).
 */
#ifndef SG_RESULTS_ANSWERS_JUDGE_H
#define SG_RESULTS_ANSWERS_JUDGE_H

#include "results/answers/statistics.h"
#include "results/results.h"

/* The error of a gradient over the norms of its parts up to which it is rounding. */
#define SG_LARGEST_EXACT_ERROR 1e-6

typedef struct sg_outcome { /* of one run */
  int replication;
  bool finished;            /* not diverged, stalled, undecodable */
  bool capped;              /* ended by the greatest number of iterations */
  double iterations, end_s; /* end_s: per model, as the time to target */
  sg_summary_record summary;
} sg_outcome;

typedef struct sg_judged { /* a scheme in its environment */
  int64_t point_id, results_version;
  sg_point_record point;     /* without axes; texts owned */
  double sim_time_s;         /* at which runs are ended; NAN: they are not */
  sg_summary_record summary; /* over all runs, each column folded as its row of columns.def says */
  int n_runs, capacity;
  sg_outcome *run; /* ascending by replication */
  /* The median time to target lies between them: runs that did not reach it would have at their end
   * at the earliest. INFINITY: not bounded. */
  double median_low, median_high;
  int n_reached, n_diverged, n_stalled, n_undecodable, n_ended_early; /* the last: of three kinds */
  bool replay;                 /* of a trace's times, which are the same in every run */
  double effective_iterations; /* of a run (sg_effective_length), where all are equal of a block */
  /* Against the baseline. */
  sg_ratio ratio;        /* n = pairs; NAN ratio where pairs are censored */
  double ratio_of_means; /* over the pairs; NAN where they are censored */
  int n_unknown;         /* pairs of which nobody knows who reached the target first */
  bool runs_equal;     /* in all pairs: `ratio` is from blocks of iterations, or has no interval */
  bool tested;         /* the verdict is a statistical one */
  const char *verdict; /* a constant text; "baseline" for the baseline itself */
  int rank;            /* among the candidates of `fastest`, from 1; 0: it is none */
} sg_judged;

/* The fastest of n candidates, and whether it is so beyond chance. */
typedef struct sg_lead {
  int n;
  int best, next; /* schemes of the comparison, by the estimate; −1: there is none */
  /* Schemes that take the best's time in every run, as they do the same: no candidates besides it.
   * How many, and the first; −1. */
  int n_ties, tie;
  /* Of the next's time over the best's, paired, as in sg_judged; its interval has level 1 − alpha,
   * which is Bonferroni's for the n − 1 comparisons of the best with the others. */
  sg_ratio ratio;
  double alpha;
  const char *verdict; /* on the best against the next at that level; "" without a next */
  bool tested;         /* it is a statistical one */
  bool holds;          /* at that level the best is ahead of every other candidate */
  int doubt;           /* the first by the estimate that it is not ahead of; −1: none */
} sg_lead;

typedef struct sg_judged_environment { /* schemes [begin, end) of the comparison */
  int begin, end, baseline;
  bool to_target, baseline_by_default;
  /* By the mean iteration time of schemes that give the gradient and of which all runs finished; or
   * by the median time to target, of those that give the gradient, and of all. `of_all` is empty
   * where there is no target: iterations of the others are not comparable. Candidates for a target
   * reached it in some run, or were cut before the best of those was there. */
  sg_lead fastest, of_all;
} sg_judged_environment;

typedef struct sg_comparison {
  double alpha;         /* of one verdict and interval */
  int n_tested;         /* verdicts that are statistical */
  double alpha_of_lead; /* of the claim that a scheme is the fastest of its environment */
  int n_leads;          /* such claims that can be judged */
  int n, capacity;
  sg_judged *scheme; /* that have runs; environments in the order of their first point */
  int n_environments, environments_capacity;
  sg_judged_environment *environment;
} sg_comparison;

/* Reads all schemes and judges them. baseline: a code or scheme label instead of the stored one, or
 * NULL; SG_USAGE with the nearest name where no scheme is called so. simultaneous: intervals and
 * verdicts of the whole database hold together at 95 % (Bonferroni, whatever they share), not each
 * by itself; so do, by themselves, all claims of a fastest. Zero-initialise *c; clear it in any
 * case. */
sg_status sg_judge(sg_db *db, const char *baseline, bool simultaneous, sg_comparison *c,
                   sg_error *e);
void sg_comparison_clear(sg_comparison *c);

/* Whether an iteration of the scheme does what one of the baseline does: the exact sum, of the
 * current model, from messages that lose nothing that counts; without a target in every round, too.
 * Only then iteration times may be compared. */
bool sg_gives_gradient(const sg_judged *s);
/* Whether it has no barrier and did not, as those that collect gradients at one model, use the
 * current one only. */
bool sg_uses_old_models(const sg_judged *s);

/* How much of the data an update uses: training rows; where times only are simulated subsets, all
 * of them for exact schemes and else their effective number (subsets_effective). A skipped update
 * uses none. NAN: not known. */
double sg_samples(const sg_judged *s);
/* "samples", "subsets". */
const char *sg_samples_unit(const sg_judged *s);

/* What schemes of an environment are ordered by: the mean iteration time, or the median time to
 * target, INFINITY where it is not known to be reached. */
double sg_judged_time(const sg_judged_environment *v, const sg_judged *s);

/* Folds the columns that are pooled over the iterations of all runs (iter_p99_s and its like),
 * which takes long and few want: they are NAN until then. */
sg_status sg_judge_pooled(sg_db *db, sg_comparison *c, sg_error *e);

#endif
