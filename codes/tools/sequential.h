/* SPDX-License-Identifier: MIT */
/* The rounds of sequential gradient coding (Krishnan, Ebrahimi, Khisti, ICLR 2023,
 * arXiv:2211.13802), for the codes that have them.
 *
 * Job t is a gradient of model t mod `models`. It begins in round t and is decoded at the end of
 * round t + Δ, so that several jobs are in flight; Δ < models makes them independent. With κ the
 * time of the round's first result, workers that take longer than (1 + μ) κ straggle. If they are a
 * pattern that the scheme stands, the round ends at (1 + μ) κ, or earlier with the last result, and
 * what stragglers send later is dropped. If not, the master waits it out: for all, after which
 * nobody has straggled, or until the rest is such a pattern.
 *
 * Where a worker is dead no wait for it ends by itself: when nothing more can come the round is
 * over, with those who are missing as its stragglers, if what is due can be decoded or the scenario
 * skips what cannot. */
#ifndef SG_CODES_SEQUENTIAL_H
#define SG_CODES_SEQUENTIAL_H

#include "codes/frame/protocol.h"
#include "codes/tools/bursts.h"

/* What a scheme adds. `own` is its part of the state. */
typedef struct sg_sequence {
  /* Round r begins: gives tasks and sends, and names with sg_sequential_ask who has any. */
  void (*ask)(const sg_code *code, void *own, int round, sg_orders *orders);
  void (*came)(const sg_code *code, void *own, const sg_message *message);
  bool (*decodable)(const sg_code *code, const void *own, int job);
  /* Whether the round that is over, with so many stragglers, shall count as one without. NULL:
   * never. */
  bool (*exempt)(const sg_code *code, const void *own, int stragglers);
} sg_sequence;

typedef struct sg_sequential { /* a code's `self` begins with it */
  const sg_sequence *scheme;
  sg_bursts bursts;
  int delay;     /* Δ */
  long jobs;     /* that there will be: later rounds begin none */
  double factor; /* 1 + μ */
  bool until_conforming;
  size_t own; /* where the scheme's state begins */
} sg_sequential;

/* The parameters that all of them have. */
extern const char *const sg_wait_outs[];
#define SG_ROWS_SEQUENTIAL(models_)                                                                \
  SG_ROW_REAL("mu", 0, SG_UNBOUNDED,                                                               \
              "the tolerance μ: who takes longer than 1 + μ times the first result straggles",     \
              .fallback = 1),                                                                      \
      SG_ROW_CHOICE("wait_out", sg_wait_outs, 0,                                                   \
                    "what a round lasts whose stragglers do not conform: for all, after which "    \
                    "nobody has straggled, or until those who are missing conform"),               \
      SG_ROW_INT("models", 1, 10000,                                                               \
                 "models trained in turn, a job for each: more than jobs can be in flight, "       \
                 "that is at least " models_,                                                      \
                 .flags = SG_OPTIONAL)

/* The members of a burst. */
enum { SG_MOST_WINDOW = 256 };
#define SG_ROWS_BURSTS                                                                             \
  SG_ROW_INT("B", 1, SG_MOST_WINDOW, "rounds that a burst of a worker's slowness may last",        \
             .flags = SG_REQUIRED),                                                                \
      SG_ROW_INT("W", 2, SG_MOST_WINDOW, "rounds of the window in which stragglers are counted",   \
                 .flags = SG_REQUIRED),                                                            \
      SG_ROW_INT("lambda", 0, SG_UNBOUNDED,                                                        \
                 "different workers that may straggle in a window, at most the number of workers", \
                 .flags = SG_REQUIRED)
/* Reads them: λ ≤ n. */
sg_status sg_read_bursts(const sg_values *values, int n, sg_bursts *bursts, sg_error *e);

/* Fills t, and what of the code it decides (models, state_size, flags), for a scheme with so many
 * bytes of state; t->bursts is filled in already. */
sg_status sg_sequential_init(sg_sequential *t, const sg_sequence *scheme, int delay, size_t own,
                             sg_code *code, const sg_values *values, sg_error *e);

/* The model of a job. */
static inline int sg_job_model(const sg_code *code, int job) {
  return job % code->models;
}

/* The job that a round decodes; −1: none. */
static inline int sg_job_due(const sg_sequential *t, int round) {
  return round >= t->delay && round - t->delay < t->jobs ? round - t->delay : -1;
}

/* A worker, or SG_ALL, has been given something to send in this round. */
void sg_sequential_ask(const sg_code *code, void *own, int worker);

/* Draws that work is made of with additive scaling: one a subset. */
int sg_sequential_draws(double work);

/* Candidates of a number of workers: 1, 2, 3, 5, 8, 12, …, at most n/2, and of B and W; see
 * sg_code_type.candidates. */
int sg_counts_to_try(int n, long *value, int most);
int sg_bursts_to_try(const sg_shape *shape, const char *name, long *value, int most);

void sg_sequential_event(const sg_code *code, void *state, const sg_event *event,
                         sg_orders *orders);

#endif
