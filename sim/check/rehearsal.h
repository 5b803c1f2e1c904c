/* SPDX-License-Identifier: MIT */
/* The messages of one round, without an engine: a code's own protocol is told that the round
 * begins, every task is done at once, every message arrives, in the order of the orders. Workers
 * that are not present do nothing at all: no tasks, no messages, no relaying. */
#ifndef SG_CODES_REHEARSAL_H
#define SG_CODES_REHEARSAL_H

#include "codes/frame/protocol.h"

/* Zero-initialise; sg_rehearsal_free. */
typedef struct sg_rehearsal {
  sg_protocol *protocol; /* its state is what `encode` and `weights` are called with */
  int count, capacity;
  sg_message **message; /* count messages, relays after what they are made from; owned */
  int n_delivered, delivered_capacity;
  const sg_message **delivered; /* those that are held by the master at the end */
} sg_rehearsal;

/* Whether a round of the code can be rehearsed: it has a barrier, one model, and no timers' cuts.
 * A fault says which is missing. */
sg_status sg_rehearsal_possible(const sg_code *code, sg_error *e);

/* Whether the messages of a pattern are those of the full round whose senders are present: no
 * relays, no protocol that reacts to arrivals. */
bool sg_rehearsal_is_static(const sg_code *code);

/* present: nodes flags, NULL: all. With a static code the master's arrivals are not told to the
 * protocol, whose state stays as the round begins; otherwise they are. */
sg_status sg_rehearsal_round(const sg_code *code, const bool *present, sg_rehearsal *rehearsal,
                             sg_error *e);
void sg_rehearsal_free(sg_rehearsal *rehearsal);

#endif
