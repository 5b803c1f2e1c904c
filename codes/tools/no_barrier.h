/* SPDX-License-Identifier: MIT */
/* Descent without a barrier: workers compute gradients at whatever model is the newest when they
 * begin, and the master updates the model with those that have come. What schemes differ in is a
 * few rules; a code without a barrier is a table of them and, where they are not enough, an
 * on_event of its own around sg_no_barrier_event.
 *
 * The delay of a gradient is the number of updates between its model and now. An update uses
 * exactly those gradients that it began with, however many more come while it takes its time; one
 * that waits meanwhile is judged by its delay when its turn comes.
 *
 * What a worker lost to a crash it is given anew when it is back, at the newest model. Where too
 * few are left for an update a run stalls or, if undecodable rounds are skipped, goes on with what
 * there is.
 *
 * State: O(n + room) numbers. An event costs O(1), O(n) with a lead or interruptions, an update
 * O(gradients that wait) besides. */
#ifndef SG_CODES_NO_BARRIER_H
#define SG_CODES_NO_BARRIER_H

#include "codes/tools/learners.h"

#define SG_NO_BARRIER_MOST (1 << 20) /* gradients that may wait for the master */

/* Begins the tables of a code (code->self). Zeroed rules: an update with every K gradients, each
 * used and all with the same weight; who has sent one goes on at once, with the newest model. */
typedef struct sg_no_barrier {
  sg_learners learners; /* by sg_no_barrier_create; k may be set behind it */

  /* Who has sent a gradient waits for the update that uses it; else it waits only while `room`
   * gradients, by default max(n, k), wait for the master, or for its lead or its turn. */
  bool waits;
  long room;
  /* A worker goes on when it is at most `lead` − 1 gradients ahead of the slowest; 0: however far.
   * With `clocks` of the model's version instead, and an update uses the oldest gradient held of
   * each of k workers in place of the k oldest. */
  long lead;
  bool clocks;
  /* So many workers compute at a time, 0: all. When one is done another begins, drawn from those
   * that do not or, in turn, the one that has not for longest. */
  int active;
  bool in_turn;
  /* If undecodable rounds are skipped, workers that are lost for good are not waited for. */
  bool gives_up;

  /* The weight of a gradient, beside 1 for the mean of those of the update. NULL: 1. */
  double (*weight)(const sg_code *code, int delay);
  /* Whether a gradient is dropped unused; its sender goes on. NULL: no. */
  bool (*ignores)(const sg_code *code, int delay);
  /* Whether, after an update, a worker is interrupted whose gradient would by now have this delay,
   * and begins anew. What it may have sent already is dropped. NULL: no. */
  bool (*interrupts)(const sg_code *code, int delay);
} sg_no_barrier;

/* Reads the members of learners and `k`, one that is named so (NULL: k = 1), and fills in what the
 * code needs. The rules that have a size (k, room) are set between it and sg_no_barrier_ready. */
sg_status sg_no_barrier_create(sg_code *code, const sg_values *values, const char *k, sg_error *e);
/* Sets the size of the state. A fault at `member` if `room` is too large. */
sg_status sg_no_barrier_ready(sg_code *code, const sg_values *values, const char *member,
                              sg_error *e);

/* Of a code's descriptor. */
void sg_no_barrier_encode(const sg_code *code, const sg_message *message, sg_row *row);
sg_status sg_no_barrier_weights(const sg_code *code, const sg_used *used);
void sg_no_barrier_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o);

#endif
