/* SPDX-License-Identifier: MIT */
/* Local search over Tanner graphs with the decoder in the loop.
 *
 * J is the mean of a loss over a bank of patterns, the same for all placements until it is drawn
 * again. A move takes one entry elsewhere (same block, same worker, or anywhere), or lets two
 * change places; every block keeps a worker. The number of entries stays, unless who comes depends
 * on how much there is to do: then one may be added, within the budget, or dropped. It is kept if J
 * rises by no more than T · (an exponential variate of mean 1): Metropolis' rule, with the variate
 * drawn first, so that a move is given up as soon as it is known to be refused. T falls linearly
 * from `heat` times the first J to 0. Where who answers is independent chance, the share of blocks
 * that nobody answers for is known exactly (sg_tanner_bound): only what is lost beyond it is taken
 * from the bank, which leaves a small part of the noise. Patterns with a loss come first, as only
 * they can gain. Idea: Monte Carlo in the loop of a search over Tanner graphs, after Choukroun,
 * Wolf 2024, arXiv:2406.12900 (published); the rest derived. theory: sparse. */
#ifndef SG_SIM_DESIGN_SEARCH_H
#define SG_SIM_DESIGN_SEARCH_H

#include "sim/core/error.h"
#include "sim/design/bank.h"
#include "sim/design/residual.h"

#include <stdatomic.h>

typedef enum sg_objective {
  SG_FOR_ERROR, /* ‖1 − α‖²/blocks of optimal decoding */
  SG_FOR_PEEL,  /* share of blocks that peeling does not recover */
  SG_FOR_TIME   /* seconds until that error is ≤ eps; where it never is, until the last answer */
} sg_objective;

extern const char *const sg_objectives[]; /* the words, NULL-terminated */

typedef struct sg_search_options {
  sg_objective objective;
  double eps;
  long moves, refresh; /* the bank is drawn again after so many moves */
  int patterns;
  double heat;
  int budget; /* most entries, where fewer may be better because workers with more to do are later
               */
  bool signs; /* of new entries */
  uint64_t seed;
  const atomic_bool *stop;                    /* NULL: is never stopped */
  void (*progress)(void *user, double share); /* NULL: nobody looks */
  void *user;
} sg_search_options;

/* Workspace to measure placements with. */
typedef struct sg_judge sg_judge;
sg_judge *sg_judge_new(const sg_survival *of, const sg_search_options *o, int blocks, int most,
                       int patterns); /* NULL: no memory */
void sg_judge_free(sg_judge *j);
sg_bank *sg_judge_bank(sg_judge *j);
/* The loss in the bank's pattern i, whose set of workers is then in came (NULL: not wanted). */
double sg_judge_loss(sg_judge *j, const sg_tanner *a, int i, uint64_t *came);
/* That of a set of workers: error or peel. */
double sg_judge_set(sg_judge *j, const sg_tanner *a, const uint64_t *came);

typedef struct sg_search_report {
  long moves, kept;   /* tried and kept */
  double first, last; /* J of the beginning and of the end, each on its own bank */
  bool interrupted;
} sg_search_report;

/* Replaces `a` by the best placement found: of the beginning, the best of each bank and the end,
 * the one with the least J on another bank four times as large, numbered before those of the
 * search. Banks are numbered from `bank` on; *bank is then the next free number. SG_NO_MEMORY. */
sg_status sg_search(const sg_survival *of, const sg_search_options *o, sg_tanner *a, int *bank,
                    sg_search_report *report);

#endif
