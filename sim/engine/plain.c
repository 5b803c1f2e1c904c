/* SPDX-License-Identifier: MIT */
/* The commonest round on a straight way: every worker begins one task at the round's start, one
 * message follows it, and until enough of them have come nothing is asked of the protocol.
 *
 * Nothing is left out and nothing is put in another order: nodes, messages, queue and costs are
 * after each step what orders.c, fuse.c and messages.c would have made of them, to the last bit
 * (tests/test_plain.c). What is saved are questions whose answer is the same for all workers of a
 * round, random times one by one, and dispatches to a protocol that only counts. Wherever one of
 * the conditions does not hold the usual way is taken, for one worker or event as for all. */
#include "sim/engine/state.h"

#include <math.h>

/* Whether this worker is idle and has drawn nothing in this round, so that the times that were made
 * for all are its own. */
static inline bool is_fresh(const sg_run *run, const node *n) {
  return !n->computing && n->jobs.head < 0 && n->uplink.head < 0 && n->n_held == 0 &&
         n->draws == 0 && n->sent == 0 && (!run->times_nodes || isnan(n->timer));
}

bool run_is_plain(const sg_run *run, const sg_order *task, const sg_order *send) {
  return !run->limits.usual_way && !run->async && !run->half_duplex && !run->fails && !run->apart &&
         !run->encodes && !run->hooks.log && run->queue.bulk && run->compute_nodes >= run->nodes &&
         run->now == 0 && !(task->flags & SG_REPORT) && task->draws <= SG_MAX_DRAWS &&
         send->to == SG_MASTER;
}

/* run_make_known where that is nothing but to note it. */
static inline double make_known(sg_run *run, int index, int slot) {
  node *n = &run->node[index];
  const snapshot *p = &run->snapshot[slot];
  if (p->everywhere || !run->models_at_once || run->env->broadcast || n->n_known > 0)
    return run_make_known(run, index, slot);
  n->told = run->told;
  n->n_known = 1;
  n->known[0] = (known){.serial = p->serial, .slot = slot, .ready = run->now};
  run->cost.bytes_broadcast += run->model_bytes;
  return run->now;
}

/* Of a transmission of one message of a size that is known beforehand, as all fused ones are: what
 * message.bytes is, without a look there. */
static inline double bytes_of(const sg_run *run, int segment) {
  return run->env->header_bytes + run->bytes[segment];
}

/* As run_send and run_start_uplink, behind a task that is over at n->task_end. */
static inline void send_behind(sg_run *run, int index, message *m, double seconds) {
  node *n = &run->node[index];
  n->fused = n->plain = true;
  n->sent = 1;
  /* Where it will be and what will have been done when it has come, so that nobody need look at it
   * then; on its way nobody asks, and who splits the two says it anew. */
  m->place = run->unlimited ? IN_HANDS : IN_INGRESS;
  m->worked = n->worked + (n->task_end - n->busy_from);
  m->iteration = (uint32_t)run->round;
  m->draw = 0;
  m->number = 0;
  m->bits = run->bits[m->view.segment];
  m->bytes = bytes_of(run, m->view.segment);
  m->ready = 0;
  n->uplink = (list){m->view.id, m->view.id};
  n->sending = true;
  n->send_cut = n->uncounted = false;
  n->send_end = n->task_end + (seconds - run->latency_s);
  n->send_begin = run->base + n->task_end;
  if (!sg_queue_push_bulk(&run->queue, n->send_end, EV_UPLINK, index, 0)) run_out_of_memory(run);
}

/* run_new_message, to the master, without a call where there is a free one. */
static inline message *new_message(sg_run *run, const sg_order *send, int from, int slot) {
  if (run_has_message(run, from)) return run_take_message(run, send, from, SG_MASTER, slot);
  int id = run_new_message(run, send, from, SG_MASTER, slot);
  return id < 0 ? NULL : run_message(run, id);
}

/* Of the nodes in their order, what beginning changes. */
__attribute__((always_inline)) static inline void look_ahead_in_order(const sg_run *run, int i) {
  if (run->nodes < RUN_FEW || i + RUN_NEAR >= run->nodes) return;
  const node *near = &run->node[i + RUN_NEAR];
  __builtin_prefetch(near, 1);
  __builtin_prefetch(&near->task_end, 1);
  __builtin_prefetch(&near->only_known, 1);
  int id = run->node[i + RUN_NEAR / 2].spare;
  if (id < 0) return;
  __builtin_prefetch(run_message(run, id), 1);
  __builtin_prefetch(&run_message(run, id)->bytes, 1);
}

void run_begin_plain(sg_run *run, const sg_order *task, const sg_order *send, int slot) {
  int draws = task->draws > 0 ? task->draws : 1;
  if (!run_reserve(run, &run->seconds, &run->seconds_capacity, 2 * run->nodes,
                   sizeof *run->seconds))
    return;
  double *compute = run->seconds, *uplink = run->seconds + run->nodes;
  double bytes = bytes_of(run, send->segment);
  run->plain_bytes = bytes;
  run->plain_slot = slot;
  sg_delay_seconds_of_all(run->delay, (uint32_t)run->round, task->work, draws, compute);
  sg_links_uplink_seconds_of_all(run->links, run->nodes, run->replication, (uint32_t)run->round,
                                 bytes / run->model_bytes, bytes, uplink);
  for (int i = 0; i < run->nodes && run->over == SG_RUN_DECODE; i++) {
    node *n = &run->node[i];
    look_ahead_in_order(run, i);
    if (!is_fresh(run, n)) {
      run_give_pair(run, task, send, i, slot);
      continue;
    }
    double ready = make_known(run, i, slot);
    run->snapshot[slot].refs++;
    message *m = new_message(run, send, i, slot);
    if (!m) return;
    double start = ready > run->now ? ready : run->now;
    n->draws = draws;
    n->begun++;
    n->computing = true;
    n->stale = n->task_cut = false;
    n->task_end = start + compute[i];
    n->task_snapshot = slot;
    n->task_flags = task->flags;
    n->busy_from = start;
    n->task_worked = n->worked;
    compute[i] = n->task_end - n->busy_from;
    send_behind(run, i, m, uplink[i]);
  }
}

/* --- Arrivals --------------------------------------------------------------------------------- */

/* Whether that is one message of this round to the master that is still wanted. */
static inline bool is_plain(const sg_run *run, const message *m) {
  return m->part < 0 && m->snapshot >= 0 && m->view.to == SG_MASTER &&
         m->view.round == run->round && !run->ending;
}

/* As deliver and hold_at_master; the protocol has counted it. What only rows of workers tell is
 * left out without them, here and below. */
static inline void hold_quietly(sg_run *run, message *m, int from, int slot, double bytes) {
  if (!run_reserve(run, &run->held, &run->held_capacity, run->n_held + 1, sizeof *run->held))
    return;
  if (run->n_held == 0) {
    run->quiet_slot = slot;
    run->n_quiet = 0;
  }
  if (run->n_quiet == run->n_held && run->quiet_slot == slot) run->n_quiet++;
  run->held[run->n_held++] = &m->view;
  run->cost.received++;
  run->cost.bytes_received += bytes;
  if (run->limits.worker_rows) {
    node *sender = &run->node[from];
    sender->row_messages++;
    sender->row_arrival = run->now;
  }
  if (isnan(run->first_arrival)) run_start_waiting_timers(run);
}

/* As run_enter_ingress, of the master. When a message entered is for the log. */
static inline void queue_quietly(sg_run *run, int id, double bytes) {
  sg_ingress *queue = run->ingress[0];
  if (!sg_ingress_push(queue, run->now, id, bytes)) {
    run_out_of_memory(run);
    return;
  }
  run->in_ingress++;
  double next = sg_ingress_next(queue);
  run->delivery = next > run->now ? next : run->now;
}

/* The end of a fused task's uplink. The message itself is not looked at if it is as a plain round
 * began it: that wrote into it what is true from now on. */
static inline bool sent_quietly(sg_run *run, int index) {
  node *n = &run->node[index];
  int id = n->uplink.head;
  message *m = run_message(run, id);
  bool plain = n->plain;
  if (!n->fused || run->latency_s > 0 || run->ending) return false;
  if (!plain && (!is_plain(run, m) || m->next >= 0)) return false;
  if (run->unlimited && !sg_protocol_came(run->protocol)) return false;
  double seconds = plain ? run->seconds[index] : n->task_end - n->busy_from;
  double bytes = plain ? run->plain_bytes : bytes_of(run, m->view.segment);
  int slot = plain ? run->plain_slot : n->task_snapshot;
  /* As run_fused_task_done and run_uplink_done. */
  n->fused = n->computing = n->sending = n->uncounted = false;
  n->uplink.head = -1;
  n->worked += seconds;
  n->tasks++;
  run->cost.busy += seconds;
  run->cost.bytes_sent += bytes;
  run->cost.sent++;
  run_release_snapshot(run, slot);
  if (!plain) {
    m->worked = n->worked;
    m->place = run->unlimited ? IN_HANDS : IN_INGRESS;
    m->unseen = false;
  }
  if (run->limits.worker_rows) {
    n->row_began = true;
    n->row_busy += seconds;
    n->row_tasks++;
  }
  if (run->unlimited)
    hold_quietly(run, m, index, slot, bytes);
  else
    queue_quietly(run, id, bytes);
  return true;
}

/* The first message of the ingress is through. */
static inline bool delivered_quietly(sg_run *run) {
  sg_ingress *queue = run->ingress[0];
  message *m = run_message(run, sg_ingress_first(queue));
  run_look_ahead_in_ingress(run);
  if (!is_plain(run, m) || !sg_protocol_came(run->protocol)) return false;
  double bytes = sg_ingress_head(queue)->bytes;
  sg_ingress_pop(queue);
  run->in_ingress--;
  double next = sg_ingress_next(queue);
  run->delivery = next > run->now ? next : run->now;
  m->place = IN_HANDS;
  m->unseen = false;
  hold_quietly(run, m, m->view.from, m->snapshot, bytes);
  return true;
}

bool run_arrive_quietly(sg_run *run, const sg_queue_event *event) {
  if (run->limits.usual_way || run->hooks.log) return false;
  int kind = sg_queue_kind(event);
  if (kind == EV_UPLINK) return sent_quietly(run, event->subject);
  return kind == EV_DELIVER && event->subject == 0 && delivered_quietly(run);
}

void run_arrive_in_row(sg_run *run) {
  if (run->limits.usual_way || run->hooks.log) return;
  while (run->over == SG_RUN_DECODE) {
    run_look_ahead(run);
    const sg_queue_event *x = sg_queue_next_of_row(&run->queue, run->delivery);
    if (x ? sg_queue_kind(x) != EV_UPLINK
          : isinf(run->delivery) || !sg_queue_is_later(&run->queue, run->delivery))
      return;
    /* What step() does before an event is undone if this is not one of these. */
    double before = run->now, time = x ? x->time : run->delivery;
    int kind = run->kind;
    if (run->base + time > run->limits.sim_time_s) return;
    if (time > run->now) run->now = time;
    run->kind = x ? EV_UPLINK : EV_DELIVER;
    if (!(x ? sent_quietly(run, x->subject) : delivered_quietly(run))) {
      run->now = before;
      run->kind = kind;
      return;
    }
    if (x) sg_queue_next_taken(&run->queue);
    run->at_instant = run->now > before ? 1 : run->at_instant + 1;
    run->events++;
    run->stalled = false;
  }
}
