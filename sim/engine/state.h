/* SPDX-License-Identifier: MIT */
/* The inside of a run, shared by the files of this folder and by nobody else.
 *
 *   run.c       life cycle, event loop, decode and supply
 *   orders.c    what a protocol orders: tasks, timers; the end of a round
 *   snapshots.c snapshots of models, and who has been sent which
 *   request.c   what a decode uses of what the master holds
 *   fuse.c      tasks and the messages behind them that are one event
 *   plain.c     the commonest round on a straight way
 *   messages.c  messages: pool, uplinks, ingress queues, delivery
 *   costs.c     seconds and bytes: the rows of sg_run_record
 *   log.c       what the caller's log is told
 *
 * Functions that cross these files begin with run_. Failures (memory, invalid orders) set run->over
 * and are noticed by the event loop. */
#ifndef SG_SIM_ENGINE_STATE_H
#define SG_SIM_ENGINE_STATE_H

#include "sim/engine/queue.h"
#include "sim/engine/run.h"

/* Simultaneous events go in this order: what is finished at a time is finished for all that happen
 * at that time, a deadline lets in what comes at its very instant, and a round begins last. */
enum {
  EV_UPDATED, /* subject: model */
  EV_DELIVER, /* subject: receiver + 1; of the master not in the queue: see sg_run.delivery */
  EV_UPLINK,  /* subject: node */
  EV_COME,    /* subject: node, value: a transmission that is through its latency, or SG_FREE */
  EV_TASK,    /* subject: node */
  EV_SIGNAL,  /* subject: node, value: tasks done */
  EV_COMMAND, /* subject: node, value: arg */
  EV_TIMER,   /* subject: 0, or node + 1; value: arg */
  EV_BACK,    /* subject: node */
  EV_BEGIN,   /* subject 0 */
  EV_KINDS
};

enum { /* message.place */
       IN_NOWHERE,
       IN_JOBS,    /* ordered; its turn has not come */
       IN_UPLINK,  /* due or on the sender's uplink */
       IN_FLIGHT,  /* off the uplink, the rest of its latency before it: EV_COME */
       IN_INGRESS, /* in the receiver's ingress queue */
       IN_HANDS,   /* held by the receiver */
       IN_RELAY    /* part of a message that an inner node makes of it */
};

/* Kept small: all of a round's messages should stay in the first cache. What comes, is held and
 * used is in the first of its two lines. */
typedef struct message {
  _Alignas(64) sg_message view; /* what codes see; the first member */
  int snapshot;                 /* slot, −1: discarded, it only occupies links on its way */
  int next;                     /* in the list it is in, −1: last */
  int part;                     /* the next message of the same transmission, −1 */
  unsigned place : 3;           /* IN_… */
  bool first : 1;               /* of its transmission, for which it stands in queues */
  bool free : 1;                /* SG_FREE; of a transmission, in all its messages */
  bool copies : 1;              /* SG_COPY */
  bool used : 1;                /* by an owner that has let go of it */
  bool named : 1;               /* the next decode uses it: sg_use */
  bool unseen : 1;              /* held by the master, not yet shown in a CUT */
  unsigned owners : 23; /* who holds it or has made a message of it: 1 unless with SG_COPY */
  double worked;        /* of the transmission: node.worked when it was sent */

  /* Of the transmission, in its first message. */
  double bytes;
  double ready;   /* its sender is through with preparing it, 0: at once; absolute */
  double entered; /* its receiver's ingress: absolute; for the log */
  double bits;
  uint32_t iteration, draw; /* of the transmission */
  int number;               /* in its transmission */
  int in_capacity;
} message;

typedef struct job { /* a task, or a transmission when message ≥ 0 */
  int next, message, snapshot, draws;
  unsigned flags;
  double work;
} job;

typedef struct snapshot {
  int name, refs; /* refs: tasks and messages of it */
  bool alive, open;
  bool everywhere; /* SG_KNOWN */
  int next;        /* in the list of its hash or of free slots, −1: last */
  uint32_t serial; /* tells snapshots apart that had the same slot */
} snapshot;

typedef struct known { /* a snapshot that a node has been sent */
  uint32_t serial;
  int slot;
  double ready; /* when it is there */
} known;

typedef struct list {
  int head, tail; /* −1: empty */
} list;

/* With a hundred thousand workers a round is a walk through memory in the order of arrival: lines
 * are asked for some events ahead (run_look_ahead), and what is needed at a time stands together.
 * The first line is what a round's end, the next one and the use of a message look at, the first
 * two what a task with its message behind it needs when it comes, the third what its beginning
 * needs besides.
 */
typedef struct node {
  _Alignas(64) list jobs;
  list uplink;
  /* Busy seconds in all, and those of them of which it is known whether they were wasted. */
  double worked, settled;
  int tasks, draws, sent; /* in this round: tasks done, draws and transmissions used */
  int living;             /* messages ordered from it that are not used, dropped or cancelled */
  int spare;              /* messages of its own that are free, −1: none */
  int n_known;
  bool touched; /* on the list of nodes to be set going */
  bool sending; /* the first of `uplink` is on the link */
  bool computing;
  bool fused;     /* what follows the running task is already on its way: see fuse.c */
  bool uncounted; /* its bytes are, until it begins: run_count_sent */
  bool plain;     /* fused, and as a plain round began it: run->seconds and the rest hold */
  bool waits;     /* it begins later than now: on the list of those that do */
  bool dead;      /* in this round: it does nothing */

  _Alignas(64) double task_end; /* of the running task */
  double busy_from;             /* busy seconds of the running task are counted up to here */
  double send_end;              /* of the first of `uplink`, if sending, on this round's clock */
  double row_busy, row_arrival; /* for the worker's row, since the previous row, as row_… below */
  int row_tasks, row_messages;
  int task_snapshot; /* the running task */
  int n_held;
  bool task_cut, send_cut; /* the running task, the message on the link ends before it is done */
  bool stale;              /* the running task is of a round that is over, or cancelled */
  bool row_began, row_used, row_cancelled;

  _Alignas(64) known only_known; /* `known` as long as it has one place */
  known *known;                  /* n_known of them */
  int known_capacity;
  unsigned task_flags; /* the running task */
  double task_worked;  /* worked when the running task began */
  double send_begin;   /* of the first of `uplink`, if sending: absolute */
  double told;         /* those of the run's that it has been sent */
  uint32_t begun;      /* tasks since the start of the run, for SG_ASYNC */
  int timer_arg;

  double task_begin; /* the running task: absolute */
  double down_until; /* on this round's clock; it begins nothing before */
  double prepared;   /* it is through with preparing messages, one after another: absolute */
  double timer;      /* seconds from the next task's beginning; NAN: there is none */
  list *held; /* per segment, in the order of arrival; NULL: nothing was ever held by this node */
  int task_name; /* the running task: of its snapshot, which a stale one no longer has */
} node;

struct sg_run {
  const sg_environment *env;
  const sg_code *code;
  sg_run_limits limits;
  sg_run_hooks hooks;
  uint32_t replication;
  sg_protocol *protocol;
  sg_delay_run *delay;
  sg_queue queue;
  int nodes, compute_nodes;
  double signal_s, cancel_s; /* until a signal, a cancel is where it goes */
  double latency_s;          /* of the uplinks, which does not occupy them */
  double model_bytes;
  double told;   /* with compressed models: bytes of all differences so far */
  double *bits;  /* per segment: of its messages; 0 where they depend on the data */
  double *bytes; /* the same in whole bytes */
  bool forms;    /* messages are formed when they are sent */
  bool apart;    /* they would be with gradients: events are the same without */
  bool async, occupies_link, half_duplex;
  bool models_at_once; /* a model is everywhere when it is sent */
  bool fails;          /* messages may never come: crashes, erasure */
  bool encodes;        /* encoding takes time */
  bool prepares;       /* a message was prepared for some time: node.prepared is not 0 everywhere */
  bool times_nodes;    /* a node was given a timer: node.timer is not NAN everywhere */

  /* Clock. */
  double base, now; /* absolute start of the round; seconds since then */
  int kind, at;     /* of the event that is being handled */
  int round;
  long rounds, events, rows, at_instant;
  double master_free; /* when the updates ordered so far are over */
  bool ending;        /* the round is over, the next one has not begun */
  bool refused;       /* a decode was refused in this round */
  bool stalled;       /* the protocol was told so and nothing happened since */
  int stalls;         /* how often since the previous row */

  node *node;
  int *touched, n_touched;
  int *unsettled, n_unsettled; /* at the end of a round: for run_settle */
  job *job;
  int jobs, jobs_capacity, free_job;
  message **chunk; /* of 2^chunk_bits messages: codes keep pointers to them, they must not move */
  int n_chunks, chunks_capacity, chunk_bits;
  int messages; /* made so far, by number; those in the chunks behind them were never touched */
  snapshot *snapshot; /* by slot */
  int snapshots, snapshots_capacity, recent_snapshot, free_snapshot;
  int *by_name, names; /* heads of lists of slots, by a hash of the name; a power of two of them */
  uint32_t serial;
  sg_links *links;
  sg_ingress **ingress; /* by receiver + 1; made when first needed */
  bool unlimited;
  double delivery;   /* when the master's queue gives the next message, INFINITY: it is empty */
  int in_ingress;    /* transmissions in all ingress queues */
  int in_flight;     /* and off the uplinks */
  int held_by_nodes; /* messages held by inner nodes */

  /* The master. */
  const sg_message **held; /* in the order of arrival */
  int n_held, held_capacity;
  int n_quiet,
      quiet_slot; /* the first of `held` that came quietly (plain.c), all of one snapshot */
  int n_unseen;
  int n_named;          /* messages for the next decode: sg_use */
  double first_arrival; /* of a message of this round; NAN: none yet */
  int timers;           /* pending, waiting ones included */
  struct waiting_timer {
    double factor;
    int arg;
  } * waiting; /* for the first arrival */
  int n_waiting, waiting_capacity;
  double *seconds; /* of a plain round: of tasks, busy ones since they began; then of uplinks */
  int seconds_capacity;
  double plain_bytes;      /* of its messages */
  int plain_slot;          /* its snapshot */
  const sg_message **seen; /* scratch for the messages of an event */
  int seen_capacity;

  sg_row row; /* of an inner node's message */
  sg_orders orders;
  int cursor; /* the next order to carry out */
  /* Of this batch: the transmission of the last sg_send_after, to which others may be joined, −1;
   * whether its turn has come, and it is sent when they have been. */
  int joined;
  bool due;

  /* The decode in progress. */
  bool deciding;
  sg_order decode;
  sg_run_request request;
  sg_run_segment *segment; /* code->segments */
  const sg_message **wanted;
  int n_wanted, wanted_capacity;
  int last_worker; /* sender of the wanted message that came last, −1 */
  struct model {
    long updates;
    bool pending; /* being updated */
    double norm, dot_previous;
  } * model;

  /* Costs since the previous row. */
  struct costs {
    double bytes_received, bytes_sent, bytes_broadcast, busy, wasted, ingress_busy, queued;
    double combine_s, combine_flops; /* of inner nodes */
    double encode_s;
    int received;
    long sent, signals_up, signals_down, through_ingress;
  } cost;
  /* Without a barrier the busy seconds of all workers are an integral: a row costs what happened
   * since the previous one, not the number of workers. */
  int busy_now;                       /* workers that compute */
  double busy_up_to;                  /* cost.busy counts up to here */
  int *waiting_node, n_waiting_nodes; /* workers whose task begins when the model has come */
  double previous_end;                /* absolute end of the previous update */
  sg_iteration_record record;
  bool has_record;
  sg_worker_record *worker_row;

  sg_run_status over; /* SG_RUN_DECODE: not over */
  double end_time;    /* absolute, once over */
  char fault[240];
};

/* --- run.c --- */
/* The code's protocol ordered what cannot be carried out: the fault is the code's name, "orders"
 * and this. */
void run_fail(sg_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_out_of_memory(sg_run *run);
void run_schedule(sg_run *run, double time, int kind, int subject, int value);
bool run_grow(sg_run *run, void *array, int *capacity, int wanted, size_t size);
/* Grows an array of `size`-byte entries to hold `wanted`; false and a fault without memory. */
static inline bool run_reserve(sg_run *run, void *array, int *capacity, int wanted, size_t size) {
  return wanted <= *capacity || run_grow(run, array, capacity, wanted, size);
}
/* Tells the protocol, with the time, and carries out its orders, up to a decode. */
void run_dispatch(sg_run *run, sg_event *event);

/* --- orders.c --- */
/* Carries out orders from the cursor on, up to a decode. */
void run_carry_out(sg_run *run);
/* Sets going the nodes that were given something to do. */
void run_set_going(sg_run *run);
void run_touch(sg_run *run, int node);
void run_task_done(sg_run *run, int node);
/* A new job at the end of a node's queue, for the caller to fill in; NULL: no memory. */
job *run_append_job(sg_run *run, int node);
/* The first job, taken off the queue. */
static inline job run_pop_job(sg_run *run, list *jobs) {
  int id = jobs->head;
  job taken = run->job[id];
  jobs->head = taken.next;
  run->job[id].next = run->free_job;
  run->free_job = id;
  return taken;
}
/* A task and the message behind it, where the node may be at something else. */
void run_give_pair(sg_run *run, const sg_order *task, const sg_order *send, int node, int slot);
/* The clock starts again at 0: moves and resets what nodes remember of the round that is over. */
void run_reset_nodes(sg_run *run, double shift);

/* --- snapshots.c --- */
void run_order_snapshot(sg_run *run, const sg_order *order);
int run_find_snapshot(const sg_run *run, int name); /* slot, −1 */
bool run_any_open(const sg_run *run);               /* for tasks */
void run_close_snapshot(sg_run *run, int slot);
void run_forget_snapshot(sg_run *run, int slot);
/* A task or message of it is over. */
static inline void run_release_snapshot(sg_run *run, int slot) {
  snapshot *p = &run->snapshot[slot];
  if (--p->refs == 0 && !p->open) run_forget_snapshot(run, slot);
}
/* A snapshot that is new to a node is sent to it at once, whatever it is doing. When it is there.
 */
double run_make_known(sg_run *run, int node, int slot);
/* When that was; NULL: the node does not know it. */
const known *run_find_known(const sg_run *run, const node *n, int slot);
/* Forgets those of which a node cannot be given tasks any more. */
void run_forget_closed(sg_run *run, node *n);

/* --- request.c --- */
void run_order_use(sg_run *run, const sg_order *order);
void run_order_decode(sg_run *run, const sg_order *order);

/* --- fuse.c --- */
/* Whether nothing but what follows a task that is to begin stands against their being one. */
static inline bool run_may_fuse(const sg_run *run, const node *n, const job *task) {
  return !(task->flags & SG_REPORT) && !run->async && !run->half_duplex && !run->fails &&
         !run->apart && !run->encodes && n->uplink.head < 0 && n->n_held == 0;
}
/* The message that follows a task that is to begin, taken off the queue, or −1. */
int run_take_fused(sg_run *run, node *n, const job *task);
/* A fused task and its message become two again, for what happens to the node now. */
void run_split(sg_run *run, int node);
/* Accounts for a fused task that is over. */
void run_fused_task_done(sg_run *run, int node);

/* --- plain.c --- */
/* Whether a task of all nodes and a message of all behind it may begin there. */
bool run_is_plain(const sg_run *run, const sg_order *task, const sg_order *send);
/* They begin; on the usual way (orders.c) where a node is at something else. */
void run_begin_plain(sg_run *run, const sg_order *task, const sg_order *send, int slot);
/* Handles an event that brings one message of this round to the master or into its ingress, if that
 * is so and nobody has to be told. */
bool run_arrive_quietly(sg_run *run, const sg_queue_event *event);
/* Handles such events as long as they are the next ones of the queue's row. */
void run_arrive_in_row(sg_run *run);

/* --- messages.c --- */
static inline message *run_message(const sg_run *run, int id) {
  return &run->chunk[id >> run->chunk_bits][id & ((1 << run->chunk_bits) - 1)];
}
__attribute__((always_inline)) static inline void run_prefetch_message(const message *m) {
  __builtin_prefetch(m, 1);
  __builtin_prefetch(&m->bytes, 1);
}
/* Of an event that comes soon: its node, then, when that is near, its message; of a delivery from
 * the master's queue that comes soon its message. Those of few nodes are in the cache. */
enum { RUN_FAR = 48, RUN_NEAR = 24, RUN_FEW = 1000 };
__attribute__((always_inline)) static inline void run_look_ahead(const sg_run *run) {
  if (run->nodes < RUN_FEW) return;
  int far = sg_queue_ahead(&run->queue, RUN_FAR), near = sg_queue_ahead(&run->queue, RUN_NEAR);
  if (far >= 0 && far < run->nodes) {
    __builtin_prefetch(&run->node[far], 1);
    if (run->seconds) __builtin_prefetch(&run->seconds[far], 0);
  }
  const node *n = near >= 0 && near < run->nodes ? &run->node[near] : NULL;
  if (!n || n->plain || n->uplink.head < 0) return;
  __builtin_prefetch(&n->task_end, 1);
  run_prefetch_message(run_message(run, n->uplink.head));
}
__attribute__((always_inline)) static inline void run_look_ahead_in_ingress(const sg_run *run) {
  int id = run->nodes < RUN_FEW ? -1 : sg_ingress_ahead(run->ingress[0], RUN_FAR);
  if (id >= 0) run_prefetch_message(run_message(run, id));
}
/* Whether this is a message of this run, and not a copy or a pointer to something else. */
static inline bool run_owns(const sg_run *run, const sg_message *m) {
  return m && m->id >= 0 && m->id < run->messages && &run_message(run, m->id)->view == m;
}
/* Whether there is a message for an order to this node without a new chunk. */
static inline bool run_has_message(const sg_run *run, int from) {
  return run->node[from].spare >= 0 || run->messages < run->n_chunks << run->chunk_bits;
}
/* A free message for an order; there is one. One of the node's own, or a new one, so that messages
 * lie in memory in the order of nodes, whatever the order in which they were freed. Where it is,
 * and the work behind it, are the caller's to say. */
static inline message *run_take_message(sg_run *run, const sg_order *order, int from, int to,
                                        int slot) {
  node *n = &run->node[from];
  int id = n->spare >= 0 ? n->spare : run->messages++;
  message *m = run_message(run, id);
  if (n->spare >= 0)
    n->spare = m->next;
  else
    *m = (message){0};
  m->view = (sg_message){.id = id,
                         .from = from,
                         .to = to,
                         .snapshot = order->snapshot,
                         .segment = order->segment,
                         .tag = order->tag,
                         .round = run->round,
                         .in = m->view.in};
  m->owners = 1;
  m->used = m->unseen = m->named = false;
  m->copies = order->flags & SG_COPY;
  m->free = order->flags & SG_FREE;
  m->snapshot = slot;
  m->next = m->part = -1;
  m->first = true;
  run->snapshot[slot].refs++;
  n->living++;
  return m;
}
/* The same, which makes more of them where there is none: its number; −1: no memory. */
int run_new_message(sg_run *run, const sg_order *order, int from, int to, int slot);
void run_free_message(sg_run *run, int id, bool used);
/* A held message was used and stays held. */
void run_keep_used(sg_run *run, int id);
/* A transmission comes to its receiver. */
void run_come(sg_run *run, int id);
/* A transmission with all its parts. */
void run_free_transmission(sg_run *run, int id);
/* The turn of a transmission has come: it goes to the end of the sender's uplink queue. */
void run_send(sg_run *run, int id);
/* The first in the uplink queue goes on the link at `start`. */
void run_start_uplink(sg_run *run, int node, double start);
/* Counts a transmission that goes on its way: its bytes and messages. */
void run_count_transmission(sg_run *run, int id);
/* The one on the link, once: when it has begun. It may wait there, for its encoding or for a link
 * that goes one way at a time. */
void run_count_begun(sg_run *run, node *n);
static inline void run_count_sent(sg_run *run, node *n) {
  if (n->uncounted) run_count_begun(run, n);
}
void run_uplink_done(sg_run *run, int node);
void run_ingress_done(sg_run *run, int receiver);
/* A transmission enters its receiver's ingress; the one that is through leaves it. */
void run_enter_ingress(sg_run *run, int id);
int run_leave_ingress(sg_run *run, int receiver);
/* The round's first message has come. */
void run_start_waiting_timers(sg_run *run);
/* Forgets a message that its receiver holds. */
void run_drop_held(sg_run *run, const sg_message *held);
/* Forgets all that is held of a snapshot, by whomever. */
void run_drop_snapshot(sg_run *run, int slot);
/* Of fuse.c: the running task and message `id` are one. */
static inline void run_fuse(sg_run *run, int index, int id) {
  run->node[index].fused = true;
  run->node[index].plain = false;
  run_send(run, id);
  if (run->over == SG_RUN_DECODE) run_start_uplink(run, index, run->node[index].task_end);
}
/* What becomes of transmissions of a round that is over, by late_messages; the one on the link is
 * there until `until` at most. */
void run_cancel_uplink(sg_run *run, int node, double until);
void run_cancel_on_way(sg_run *run);
/* Takes freed messages off the master's list. */
void run_compact_held(sg_run *run);
/* Shows the messages that wait for a cut. */
void run_show_cut(sg_run *run, int arg);

/* --- log.c --- */
void run_log_entry(const sg_run *run, sg_run_logged entry);
#define RUN_LOG(run, ...)                                                                          \
  do {                                                                                             \
    if ((run)->hooks.log) run_log_entry((run), (sg_run_logged){__VA_ARGS__});                      \
  } while (0)
/* These are asked only where there is a log. The running task is over, or cancelled, at `end`
 * on this round's clock; transmission `id`, the one on the link, has been sent, or is cancelled,
 * now; a transmission has left the receiver's ingress. */
void run_log_task(const sg_run *run, int node, double end, bool cut);
void run_log_uplink(const sg_run *run, int id, bool cut);
void run_log_ingress(const sg_run *run, int id, bool cut);
/* The turn of a transmission has come: it is prepared from begin_s to ready_s, both absolute. */
void run_log_send(const sg_run *run, int id, double begin_s, double ready_s, bool lost);
/* Also without a log. A signal, or a command, goes on its way; word of a cancel does; what a node
 * computed is settled. */
void run_log_signal(const sg_run *run, sg_log_kind kind, int node, int value);
void run_log_cancel(const sg_run *run, int node, double seconds);
void run_log_settle(const sg_run *run, int node, const sg_message *before);
/* Cuts all that is under way: the run is over. */
void run_log_rest(sg_run *run);

/* --- costs.c --- */
/* Without a barrier: a node begins to compute at n->busy_from, or ends. Call when computing is set,
 * and before it is cleared. */
void run_busy_begins(sg_run *run, int node);
void run_busy_ends(sg_run *run, int node);
/* Counts the seconds that a node has been computing up to now, and with a fused task that is over
 * what else its end brings. */
void run_count_busy(sg_run *run, int node);
/* A message that stands for the seconds up to `worked` of a node was used, or was not. */
void run_settle_message(sg_run *run, int node, double worked, bool used);
/* Decides which busy seconds of the round that ends were wasted. */
void run_settle(sg_run *run, int node);
void run_ingress_usage(sg_run *run);
/* Starts the row of the update or skipped round that ends at `end`; false: past the time limit. */
bool run_start_row(sg_run *run, bool decoded, double begin, double end,
                   const sg_run_result *result);
/* Fills in the costs and starts counting anew. */
void run_finish_row(sg_run *run);

#endif
