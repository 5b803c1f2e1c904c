/* SPDX-License-Identifier: MIT */
/* Messages that never come: crashed workers, and the erasure models of coding theory. */
#ifndef SG_MODELS_FAILURES_H
#define SG_MODELS_FAILURES_H

#include "models/delay/chain.h"
#include "models/times/law.h"

/* "cluster.crashes": none | permanent | iterations | seconds; "cluster.erasure": none | bernoulli |
 * uniform | burst | worst | pattern. */
extern const sg_family sg_crash_family, sg_erasure_family;
extern const sg_param sg_erasure_params[];

typedef enum sg_crash_model {
  SG_CRASH_NONE,
  SG_CRASH_CHAIN, /* permanent, iterations */
  SG_CRASH_SECONDS
} sg_crash_model;
typedef enum sg_erasure_model {
  SG_ERASE_NONE,
  SG_ERASE_BERNOULLI,
  SG_ERASE_UNIFORM,
  SG_ERASE_BURST,
  SG_ERASE_WORST,
  SG_ERASE_PATTERN
} sg_erasure_model;

typedef struct sg_failures {
  int workers;
  uint64_t seed;
  sg_crash_model crash;
  sg_chain dead;
  double crash_probability; /* SG_CRASH_SECONDS: per iteration */
  sg_law downtime;
  sg_erasure_model erasure;
  bool fresh;          /* in each iteration, not once a run */
  double *probability; /* SG_ERASE_BERNOULLI: workers values */
  int count;
  bool *pattern; /* workers values; SG_ERASE_WORST (once found), SG_ERASE_PATTERN */
} sg_failures;

/* A zeroed object, or one whose making failed, may be cleared. */
sg_status sg_failures_init(sg_failures *f, const sg_values *crashes, const sg_values *erasure,
                           int workers, uint64_t seed, sg_error *e);
void sg_failures_clear(sg_failures *f);

typedef struct sg_failures_run { /* what a run remembers; zeroed at first */
  const sg_failures *of;
  uint32_t replication;
  sg_chain_state *dead; /* workers values */
  bool *erased;         /* workers values, of `iteration` */
  int *list;            /* those that are erased */
  int listed;
  bool known;
  uint32_t iteration;
} sg_failures_run;

/* The probability that a worker's messages never come in an iteration drawn uniformly from the
 * first `iterations`; NAN where the pattern is not known yet. */
double sg_failures_probability(const sg_failures *f, int worker, long iterations);

/* Whether what is erased in one iteration may come in the next. */
bool sg_failures_get_through(const sg_failures *f);

/* false: no memory */
bool sg_failures_run_init(sg_failures_run *run, const sg_failures *of, uint32_t replication);
void sg_failures_run_clear(sg_failures_run *run);

/* What befalls a worker at its first task of an iteration: 0 nothing, INFINITY it is dead in this
 * iteration, otherwise the seconds from now for which it is down. */
double sg_failures_down(sg_failures_run *run, int worker, uint32_t iteration);
/* Whether the messages of a worker in an iteration never come. */
bool sg_failures_erased(sg_failures_run *run, int worker, uint32_t iteration);

#endif
