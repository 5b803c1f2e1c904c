/* SPDX-License-Identifier: MIT */
/* When a code's master may stop waiting, found by asking the code.
 *
 * The code's own protocol is fed with arrivals, and what it is not sure to decode is decoded, so
 * that any registered code is understood, whatever is inside its groups: no code is known here by
 * name. The answer is a conjunction of groups of workers (connected by the parts of the data that
 * they hold), each with a count or with a list of the subsets that are enough. */
#ifndef SG_SIM_EXPECT_RULE_H
#define SG_SIM_EXPECT_RULE_H

#include "codes/frame/code.h"
#include "models/compress/compress.h"
#include "sim/engine/run.h"

/* What a worker does in an iteration: tasks of `work` subsets in all, made of `draws` random draws
 * of equal size, then one transmission of so many bytes, its header not counted. */
typedef struct sg_rule_worker {
  bool answers; /* it sends something */
  int tasks;
  double work;
  int draws;
  double bytes;
} sg_rule_worker;

typedef struct sg_rule_group {
  int count;
  int *member;           /* rising; of the rule's */
  int need;              /* any so many members are enough; 0: see `enough` */
  unsigned char *enough; /* 2^count flags; bit i of the index: member i has answered */
} sg_rule_group;

typedef struct sg_rule {
  int workers;
  sg_rule_worker *worker;
  int computing;
  int *turn;   /* those, in the order of their first tasks: that of the broadcast */
  int *member; /* all workers, group by group */
  int groups;
  sg_rule_group *group;
  double deadline;   /* seconds from the start: the master decodes all the same; INFINITY: none */
  char text[96];     /* "9 of 12", "3 groups, 2 of 4 each", "response count" */
  const char *basis; /* how it is known: "construction", "all subsets", "sampled orders" */
} sg_rule;

/* SG_INVALID with the reason where the time of an iteration is no function of one arrival per
 * worker (several messages, signals, timers, relays, no barrier, memory of earlier rounds), or
 * where there are too many subsets to enumerate. compressor: of messages, NULL: float64. */
sg_status sg_rule_find(const sg_code *code, const sg_compressor *compressor,
                       sg_undecodable undecodable, sg_rule **out, sg_error *e);
void sg_rule_free(sg_rule *rule);

/* cumulative[f] = P(R* ≤ f) for f = 0 … workers, R* being the number of responses when the master
 * can first decode and all orders of arrival being equally likely: theory: responses,
 * [z^f] Π over groups of Σ A_i z^i, over binom(n, f). false: workers that never answer, or more
 * than 1000. */
bool sg_rule_responses(const sg_rule *rule, double *cumulative);

#endif
