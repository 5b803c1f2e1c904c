/* SPDX-License-Identifier: MIT */
/* A code's protocol played without an engine: no clock, no links, only what happens in which order.
 *
 * Orders make things that can happen: a node's next task is done or its next transmission leaves, a
 * transmission, a signal or a command arrives, an update is over, a round begins, a timer fires.
 * What belongs together (the jobs of a node, its transmissions, its signals, commands to it) keeps
 * its order; all else may happen in any. A script says which: first the cues in their order, then
 * at random, or whatever was ordered first. Timers fire when nothing else can happen, unless a cue
 * or the script has them fire earlier. So any order of arrivals and any progress of workers that an
 * engine can come to, with any delays, has a script.
 *
 * Decodes are the caller's: it is shown the messages that the protocol wants to use. */
#ifndef SG_CHECK_REHEARSAL_H
#define SG_CHECK_REHEARSAL_H

#include "codes/frame/protocol.h"

typedef enum sg_cue_kind {
  SG_CUE_WORK,    /* a node's next job: a task is done, or a transmission leaves */
  SG_CUE_MESSAGE, /* the transmission that left it first arrives */
  SG_CUE_SIGNAL,  /* its first signal arrives at the master */
  SG_CUE_COMMAND, /* the first command to it arrives */
  SG_CUE_TIMER,   /* the timer that was set first fires (node: 0; of a node: its number + 1) */
  SG_CUE_UPDATE,  /* the update of model number `node` is over */
  SG_CUE_BEGIN,   /* the next round begins (node: 0) */
  SG_CUE_BACK,    /* it can be given work again */
  SG_CUE_CRASH    /* it loses all it was given; without a barrier it is then soon back, otherwise it
                     does nothing until the next round */
} sg_cue_kind;

typedef struct sg_cue {
  sg_cue_kind kind;
  int node;
} sg_cue;

typedef struct sg_rehearsal sg_rehearsal;

/* What goes over links from one update to the next, as the rows of a run count it. */
typedef struct sg_traffic {
  double messages, gradients; /* that left a sender, and their length in gradients */
  double up, down;            /* reports to the master; commands to workers and word to stop */
} sg_traffic;
typedef struct sg_traffic_range {
  sg_traffic least, most; /* of updates; NAN: there was none */
} sg_traffic_range;
extern const sg_traffic_range sg_traffic_none;
void sg_traffic_join(sg_traffic_range *range, const sg_traffic_range *other);

/* The messages that a decode uses, in the order of arrival. */
typedef struct sg_rehearsed_decode {
  int model, snapshot; /* snapshot: or SG_ANY */
  unsigned flags;
  int count;
  const sg_message *const *message; /* of all segments */
} sg_rehearsed_decode;

typedef struct sg_script {
  const bool *present; /* nodes flags: those without do nothing at all; NULL: all are there */
  int n_cues;          /* a cue that cannot happen (any more) is passed over */
  const sg_cue *cue;
  uint64_t seed;  /* of the order after the cues; 0: what was ordered first happens first */
  bool prompt;    /* what is on its way arrives before anybody works on, in step if seed is 0 */
  bool timers;    /* timers may fire before all else has happened */
  bool late;      /* messages of a round that is over still arrive */
  double crashes; /* the chance of a crash before a thing happens */
  bool skip;      /* what `skip` of events says: the scenario skips undecodable rounds */
  int updates;    /* after so many the curtain falls */
  /* Whether the decode succeeds; a fault ends the rehearsal. The rehearsal's state is as it is when
   * weights are found in a run. */
  sg_status (*decode)(void *user, const sg_rehearsal *r, const sg_rehearsed_decode *what,
                      bool *decoded, sg_error *e);
  void *user;
} sg_script;

struct sg_rehearsal { /* to be read; what is not named here is the player's */
  const sg_code *code;
  sg_arena *arena;
  sg_protocol *protocol; /* its state is what `encode` and `weights` are called with */
  int updates, refused, rounds;
  sg_traffic_range traffic; /* of the updates */
  int count, capacity;
  sg_message **message; /* all that were sent, relays after what they are made from */
  const struct sg_script *script;
  struct thing *thing;
  int things, things_capacity;
  struct rehearsed_node *node;
  int n_held, held_capacity;
  const sg_message **held; /* by the master, in the order of arrival */
  unsigned char *place;    /* of each message */
  int place_capacity, unseen;
  const sg_message **used;
  int used_capacity;
  int round, cue;
  bool ending, arrived, named, updated;
  sg_traffic since; /* the last update */
  uint32_t drawn;
  sg_orders orders;
};

/* Plays until there were `updates` updates, or nothing can happen any more (r->updates says how
 * far it came). Faults: not enough memory; SG_BUG, naming the code, of a protocol that does not
 * come to rest or gives an order that no engine could obey; those of `decode`. O(things · things
 * that can happen at once). r: zeroed; sg_rehearsal_free, also after a fault. */
sg_status sg_rehearse(const sg_code *code, const sg_script *script, sg_rehearsal *r, sg_error *e);
/* Only the orders that open the first round: all messages that they send are formed, held and told
 * to nobody. */
sg_status sg_rehearse_opening(const sg_code *code, sg_rehearsal *r, sg_error *e);
void sg_rehearsal_free(sg_rehearsal *r);

/* Whether the messages of a pattern are those of the full round whose senders are present: no
 * relays, no protocol that reacts to arrivals, no memory of earlier rounds. */
bool sg_rehearsal_is_static(const sg_code *code);

#endif
