/* SPDX-License-Identifier: MIT */
/* Events and orders: how a code's protocol and the engine talk.
 *
 * The engine tells the protocol what happened (an event); the protocol answers with orders. Both
 * are plain data, so that a protocol is tested without an engine. Most codes use the default
 * protocol, one round per iteration, which asks the code's begin_round, plan, arrive and updated.
 */
#ifndef SG_CODES_PROTOCOL_H
#define SG_CODES_PROTOCOL_H

#include "codes/frame/code.h"

typedef enum sg_event_kind {
  SG_BEGIN,  /* round: a round begins (with SG_ASYNC: once) */
  SG_SIGNAL, /* at, from, count: the master learns that `from` has done `count` tasks of this round;
                with SG_HERE `from` itself (at = from) does, at once */
  SG_ARRIVAL, /* at, from, message[count]: delivered together to node `at`; held there already */
  SG_COMMAND, /* at, arg, count, busy: a command reached node `at`, which has done `count` tasks
                 of this round and is, if busy, at the next */
  SG_TIMER,   /* at, arg: a timer fired; at a node: count, busy as for a command */
  SG_CUT,     /* message[count], with SG_SEE_CUTS: all that came by the timer, later the rest */
  SG_UPDATED, /* model, decoded, and with SG_WANTS_VALUES norm, dot_previous: an update is over, or
                 the weights were refused (decoded = false) */
  SG_STALLED, /* nothing can happen any more; if no order comes back the run ends as stalled */
  SG_BACK     /* at: a worker that lost what it had been given to a crash, or its last message to an
                 erasure, can be given work again; without a barrier, else the next round says so */
} sg_event_kind;

struct sg_event {
  sg_event_kind kind;
  int round;
  int at, from; /* node numbers */
  int arg;
  int count;
  const sg_message *const *message;
  int model;
  bool decoded;
  bool busy;           /* node `at` is at a task that counts */
  bool skip;           /* UPDATED with decoded = false: the scenario says skip this round */
  double norm;         /* ‖ĝ‖ */
  double dot_previous; /* ⟨ĝ, the previous ĝ⟩ */
  double seconds;      /* simulated, since the round began */
  double now_s;        /* simulated, since the start of the run */
};

typedef enum sg_order_kind {
  SG_ORDER_SNAPSHOT,
  SG_ORDER_TASK,
  SG_ORDER_SEND,
  SG_ORDER_STOP,
  SG_ORDER_TELL,
  SG_ORDER_TIMER,
  SG_ORDER_USE,
  SG_ORDER_DECODE,
  SG_ORDER_CLOSE,
  SG_ORDER_DROP,
  SG_ORDER_END_ROUND
} sg_order_kind;

enum {                       /* sg_order.flags */
       SG_REPORT = 1,        /* task: tell the master when it is done (SIGNAL) */
       SG_WITH_PREVIOUS = 2, /* send: in the same transmission as the send before it */
       SG_LAST = 4,          /* decode: drop what else is held of the snapshot, and close it */
       SG_NO_SUM = 8,    /* decode: compare with the exact weighted sum only, not the whole sum */
       SG_KEEP = 16,     /* decode: what is used stays held and may be used again */
       SG_FREE = 32,     /* send: takes no time, occupies no link and counts no bytes (a worker that
                            is its own master) */
       SG_KNOWN = 64,    /* snapshot: all nodes know it already, it is not broadcast */
       SG_COPY = 128,    /* send: what it is made of stays held and may be sent on again */
       SG_QUEUED = 256,  /* stop: only what has not begun; the running task counts */
       SG_HERE = 512,    /* task: tell its node when it is done (SIGNAL at it); no signal is sent */
       SG_USELESS = 1024 /* stop: what the node has computed is wasted, whatever it sends next */
};

typedef enum sg_timer_rule {
  SG_AFTER_SECONDS,        /* value seconds after now */
  SG_AFTER_FACTOR_OF_FIRST /* at value (= 1 + μ) times the round's first arrival, from its start */
} sg_timer_rule;

#define SG_AFTER_ALL (-1) /* send: after all tasks queued so far */

#define SG_ANY (-3) /* decode: messages at any snapshot */
#define SG_UP  (-4) /* send: to the parent */

#define SG_DRAWS_OF_WORK (-5) /* task: sg_draws_of_work of its work */

typedef struct sg_order {
  sg_order_kind kind;
  int node, to, snapshot, segment, tag, model, arg, draws;
  int after; /* send: tasks of this round that its node must have done, or SG_AFTER_ALL */
  unsigned flags;
  sg_timer_rule rule;
  double work, value;
  const sg_message *message;
} sg_order;

struct sg_orders {
  int count, capacity;
  sg_order *order;
  bool failed;               /* out of memory */
  struct sg_protocol *round; /* for sg_round_event; set by sg_protocol_event */
};

/* Keep the optimiser's evaluation point of `model` under the name `snapshot`, 0 or more. */
void sg_snapshot(sg_orders *o, int snapshot, int model, unsigned flags);
/* How many draws work is made of, one for each subset, at least one. */
int sg_draws_of_work(double work);
/* Queue `work` (in subsets) for a node, or SG_ALL, at a snapshot. A snapshot that is new to the
 * node costs it a broadcast. draws: how many random draws the work is made of with additive
 * scaling, or SG_DRAWS_OF_WORK. */
void sg_task(sg_orders *o, int node, int snapshot, double work, int draws, unsigned flags);
/* Send a message after the tasks queued so far, made of what the node then holds of that snapshot
 * and segment. to: a node, SG_MASTER or SG_UP. */
void sg_send(sg_orders *o, int node, int to, int snapshot, int segment, int tag, unsigned flags);
/* The same, but as soon as the node has done `after` tasks of this round, whatever else it has been
 * given: beside its further tasks. */
void sg_send_after(sg_orders *o, int node, int to, int snapshot, int segment, int tag, int after,
                   unsigned flags);
/* Cancel the queued work and sends of a node or SG_ALL, and the task it is at: that goes on, for
 * nothing, until word of it has come (network.cancel), unless the event is at that node. What was
 * done of it is wasted. Its own timers are cancelled, and no SG_BACK comes for what it had lost. */
void sg_stop(sg_orders *o, int node);
/* sg_stop, and what the node has computed before, of this round, is wasted too: what it sends next
 * is others' work. */
void sg_discard(sg_orders *o, int node);
/* Cancel what the node has not begun, and let it finish the task it is at. */
void sg_stop_queued(sg_orders *o, int node);
/* A COMMAND event at a node or SG_ALL after the signal latency. */
void sg_tell(sg_orders *o, int node, int arg);
void sg_timer(sg_orders *o, sg_timer_rule rule, double value, int arg);
/* A timer of a node, or of each (SG_ALL): an SG_TIMER event there, `value` seconds after the next
 * task that it begins. No signal is needed. A new one replaces one whose task has not begun. */
void sg_timer_of(sg_orders *o, int node, double value, int arg);
/* The next sg_decode of this batch of orders uses this message, which the master holds, and no
 * others than those named so. */
void sg_use(sg_orders *o, const sg_message *message);
/* Update the model with the messages that sg_use named or, if there are none, with all that the
 * master holds now of the snapshot (or SG_ANY). They are freed, unless with SG_KEEP. */
void sg_decode(sg_orders *o, int model, int snapshot, unsigned flags);
/* No more tasks there; the snapshot is freed with its last message. */
void sg_close(sg_orders *o, int snapshot);
/* Forget a held message. */
void sg_drop(sg_orders *o, const sg_message *message);
/* Cancel all that is under way, as sg_stop does; BEGIN comes after pending updates. */
void sg_end_round(sg_orders *o);
void sg_orders_clear(sg_orders *o);
void sg_orders_free(sg_orders *o);

/* --- What orders mean: for engines, rehearsals and whoever reads a plan ----------------------- */

/* The nodes *first … *end − 1 that an order is for. */
void sg_order_nodes(const sg_order *order, const sg_code *code, int *first, int *end);
/* The message that a send order has a node send; id, round and inputs are the reader's. */
sg_message sg_order_message(const sg_order *order, const sg_code *code, int node);
/* Whether a message comes when exactly the workers with present[i] are waited for. */
bool sg_message_comes(const sg_code *code, const sg_message *message, const bool *present);

/* --- The default round ------------------------------------------------------------------------ */

/* What a code without on_event gets: at BEGIN a snapshot by the round's number and the code's plan
 * (or one task and a message per segment); arrivals are shown to the code, until the stop policy is
 * met in all segments; then a decode that ends the round. A refused decode is tried again with each
 * further arrival, or skips the round where the scenario says so. A code with on_event may call it
 * for the events that it does not handle itself: with the flag SG_ROUNDS, which also says that it
 * understands `stop`. */
void sg_round_event(const sg_event *event, sg_orders *orders);

/* A code's protocol in one run: its state, and the default round with its counters, stop policy and
 * rank test. One per run. */
typedef struct sg_protocol sg_protocol;
sg_protocol *sg_protocol_new(const sg_code *code);
void sg_protocol_free(sg_protocol *p);
/* Tells the protocol of an event; its orders are appended to `orders`. */
void sg_protocol_event(sg_protocol *p, const sg_event *event, sg_orders *orders);
/* The same as telling it that a message of this round, whichever, has come to the master, where
 * that changes nothing but counts and orders nothing: the default round of a code that waits for a
 * number of messages. false: it has to be told. O(1). */
bool sg_protocol_came(sg_protocol *p);
/* The code's state (state_size bytes). */
const void *sg_protocol_state(const sg_protocol *p);

/* The weights that the rank test of the default round has found on its way, where the stop policy
 * is "decodable" and the code has no `arrive`: see sg_rank_weights (rank.h). */
sg_status sg_protocol_weights(const sg_protocol *p, int segment, int count,
                              const sg_message *const *message, double *W, double *cond1,
                              double *flops);
/* sg_decoder_weights with the state of this protocol. For a code without `weights` and without
 * SG_WEIGHTS_PURE (such weights depend on the order of arrival in their last bits) it takes those
 * of sg_protocol_weights, unless they leave a residual above 1e-10: then, and where there are none,
 * they come from least squares, as ever. */
sg_status sg_decoder_weights_in(sg_decoder *decoder, const sg_protocol *p, int segment, int count,
                                const sg_message *const *message, sg_weights *weights, sg_error *e);

#endif
