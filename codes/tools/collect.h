/* SPDX-License-Identifier: MIT */
/* Gradients collected at one version of the model: no barrier, but no gradient of an older model is
 * ever used. Workers are given work at version k one by one, as long as the master wants more; when
 * it has enough it takes the step to version k + 1, and whatever comes of version k after that is
 * dropped. As in Rennala SGD and its kin (Tyurin, Richtárik 2023, arXiv:2305.12387).
 *
 * With `interrupt` all workers are stopped when the master has enough (word of it takes
 * network.cancel its time), and all begin at the new model when the update is over. Without, what
 * is under way is finished and sent, and its worker gets the new model in return. O(1) for a
 * message and, with interrupt, O(n) for an update. */
#ifndef SG_CODES_COLLECT_H
#define SG_CODES_COLLECT_H

#include "codes/tools/learners.h"

/* At the beginning of the code's state. Behind it stand n workers that wait for an update. */
typedef struct sg_collected {
  int version;
  unsigned given; /* gradients that were asked for, since the start of the run */
  bool updating;
  int come, waiting; /* messages of this version; workers */
  int answered;      /* these two are the code's own, 0 at the beginning of a version */
  double sum;
} sg_collected;

typedef struct sg_collect {
  bool interrupt;
  bool once; /* a worker's message is all that it sends at a version */
  /* Has a node, or SG_ALL, begin at the version. NULL: sg_collect_give with `work`. */
  void (*give)(const sg_code *code, void *state, int node, sg_orders *o);
  double work;
  /* Whether the master has enough with this message, the come-th of the version. */
  bool (*enough)(const sg_code *code, void *state, const sg_message *message);
  /* Whether a worker that has sent one waits for the next version. NULL: none does. */
  bool (*rests)(const sg_code *code, void *state, int worker);
} sg_collect;

/* Bytes of the state: of this tool, and `own` for each worker behind. */
size_t sg_collect_state(const sg_code *code, size_t own);
/* What is the code's own of it: n times `own` bytes, ints. */
int *sg_collect_own(const sg_code *code, void *state);
/* Has a node, or SG_ALL, compute a mini-batch at the version and send it. */
void sg_collect_give(double work, sg_collected *c, int node, sg_orders *o);
/* The row of such a message: names of mini-batches differ, all workers' together, until they begin
 * again after 2^31. */
void sg_collect_row(const sg_code *code, bool shared, const sg_message *message, sg_row *row);
/* All of on_event. */
void sg_collect_event(const sg_code *code, const sg_collect *how, void *state,
                      const sg_event *event, sg_orders *o);

#endif
