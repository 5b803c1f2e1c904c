/* SPDX-License-Identifier: MIT */
/* Carrying out what a protocol orders: work, commands, timers, the end of a round. */
#include "sim/engine/state.h"

#include <math.h>

/* --- Jobs of a node: tasks and sends, one after another --------------------------------------- */

void run_touch(sg_run *run, int index) {
  node *n = &run->node[index];
  if (n->touched) return;
  n->touched = true;
  run->touched[run->n_touched++] = index;
}

job *run_append_job(sg_run *run, int index) {
  int id = run->free_job;
  if (id >= 0) {
    run->free_job = run->job[id].next;
  } else {
    if (!run_reserve(run, &run->job, &run->jobs_capacity, run->jobs + 1, sizeof *run->job))
      return NULL;
    id = run->jobs++;
  }
  if (run->node[index].fused) run_split(run, index);
  list *jobs = &run->node[index].jobs;
  if (jobs->head < 0)
    jobs->head = id;
  else
    run->job[jobs->tail].next = id;
  jobs->tail = id;
  run->job[id].next = -1;
  run_touch(run, index);
  return &run->job[id];
}

static bool can_compute(sg_run *run, int index) {
  if (index < run->compute_nodes) return true;
  run_fail(run, "a task for node %d, but only %d workers can compute", index, run->compute_nodes);
  return false;
}

static job task_of(const sg_order *order, int slot) {
  return (job){.next = -1,
               .message = -1,
               .snapshot = slot,
               .draws = order->draws > 0 ? order->draws : 1,
               .flags = order->flags,
               .work = order->work};
}

static void give_task(sg_run *run, const sg_order *order, int index, int slot) {
  if (!can_compute(run, index)) return;
  run_make_known(run, index, slot);
  job *task = run_append_job(run, index);
  if (!task) return;
  *task = task_of(order, slot);
  run->snapshot[slot].refs++;
}

/* --- Tasks ------------------------------------------------------------------------------------ */

/* Cancels queued tasks and sends that are not due. */
static void cancel_jobs(sg_run *run, int index) {
  list *jobs = &run->node[index].jobs;
  while (jobs->head >= 0) {
    job cancelled = run_pop_job(run, jobs);
    if (cancelled.message >= 0)
      run_free_transmission(run, cancelled.message);
    else
      run_release_snapshot(run, cancelled.snapshot);
  }
}

/* Crashes are looked at when a worker is to begin its first task of an iteration. A dead one loses
 * what it was given and does nothing until the next round; one that is down begins later. Whether
 * it may begin now or later, else the task is lost. */
static bool is_up(sg_run *run, int index, uint32_t iteration, bool first, const job *task) {
  node *n = &run->node[index];
  double down = first ? sg_delay_down(run->delay, index, iteration) : 0;
  if (down > 0)
    RUN_LOG(run, .kind = SG_LOG_DOWN, .node = index, .snapshot = -1,
            .begin_s = run->base + run->now, .end_s = run->base + run->now + down);
  if (isinf(down)) {
    n->dead = n->row_cancelled = true;
    /* Without rounds it is down for as long as the lost task would have taken. */
    if (run->async && sg_delay_comes_back(run->env->delay)) {
      double lost = sg_delay_seconds(run->delay, index, iteration, 0, task->work, task->draws);
      n->down_until = fmax(n->down_until, run->now + lost);
      run_schedule(run, run->now + lost, EV_BACK, index, 0);
    }
    n->begun++;
    run_release_snapshot(run, task->snapshot);
    cancel_jobs(run, index);
    n->dead = !run->async; /* without rounds the next task counts as the next iteration */
    return false;
  }
  if (down > 0) n->down_until = fmax(n->down_until, run->now + down);
  return true;
}

/* fused: the message that goes with it, −1. */
static void start_task(sg_run *run, int index, const job *task, int fused) {
  node *n = &run->node[index];
  const known *k = run_find_known(run, n, task->snapshot);
  double start = k && k->ready > run->now ? k->ready : run->now;
  uint32_t iteration = run->async ? n->begun : (uint32_t)run->round;
  int done = run->async ? 0 : n->draws;
  if (task->draws > SG_MAX_DRAWS - done) {
    run_fail(run, "more than %d random draws of worker %d in one iteration", SG_MAX_DRAWS, index);
    return;
  }
  if (run->fails) {
    if (!is_up(run, index, iteration, done == 0, task)) return;
    start = fmax(start, n->down_until);
  }
  double seconds = sg_delay_seconds(run->delay, index, iteration, done, task->work, task->draws);
  n->draws += task->draws;
  n->begun++;
  if (run->async) n->sent = n->draws = 0;
  n->computing = true;
  n->stale = n->task_cut = false;
  n->task_end = start + seconds;
  n->task_snapshot = task->snapshot;
  n->task_flags = task->flags;
  if (run->hooks.log) {
    n->task_name = run->snapshot[task->snapshot].name;
    n->task_begin = run->base + start;
  }
  n->busy_from = start;
  n->task_worked = n->worked;
  if (!isnan(n->timer)) {
    run_schedule(run, start + n->timer, EV_TIMER, index + 1, n->timer_arg);
    n->timer = NAN;
  }
  if (run->async) run_busy_begins(run, index);
  if (fused >= 0)
    run_fuse(run, index, fused);
  else
    run_schedule(run, n->task_end, EV_TASK, index, 0);
}

void run_task_done(sg_run *run, int index) {
  node *n = &run->node[index];
  run_count_busy(run, index);
  if (run->hooks.log) run_log_task(run, index, run->now, n->task_cut);
  if (run->async) run_busy_ends(run, index);
  n->row_began = true;
  n->computing = false;
  run_touch(run, index);
  if (n->stale) return; /* Its round is over, nobody waits for it. */
  run_release_snapshot(run, n->task_snapshot);
  n->tasks++;
  n->row_tasks++;
  unsigned flags = n->task_flags; /* The node may begin its next task in the event. */
  if (flags & SG_HERE)
    run_dispatch(
        run,
        &(sg_event){
            .kind = SG_SIGNAL, .round = run->round, .at = index, .from = index, .count = n->tasks});
  if (!(flags & SG_REPORT)) return;
  run->cost.signals_up++;
  run_log_signal(run, SG_LOG_SIGNAL, index, n->tasks);
  run_schedule(run, run->now + run->signal_s, EV_SIGNAL, index, n->tasks);
}

void run_set_going(sg_run *run) {
  for (int i = 0; i < run->n_touched && run->over == SG_RUN_DECODE; i++) {
    int index = run->touched[i];
    node *n = &run->node[index];
    n->touched = false;
    if (n->dead) cancel_jobs(run, index);
    while (!n->computing && n->jobs.head >= 0) {
      job next = run_pop_job(run, &n->jobs);
      if (next.message >= 0)
        run_send(run, next.message);
      else
        start_task(run, index, &next, run_take_fused(run, n, &next));
      if (run->over != SG_RUN_DECODE) return;
    }
    if (!n->sending && n->uplink.head >= 0) run_start_uplink(run, index, run->now);
  }
  run->n_touched = 0;
}

/* A task of a round that is over, or that is cancelled, goes on until `until` at most, for nothing.
 * One that still waits for the model has not begun: there is nothing to go on with. */
static void end_task(sg_run *run, int index, double until) {
  node *n = &run->node[index];
  run_count_busy(run, index);
  if (!n->computing || n->stale) return;
  run_release_snapshot(run, n->task_snapshot);
  if (until > run->now && n->busy_from <= run->now) {
    n->stale = true;
    if (n->task_end <= until) return;
    sg_queue_cancel(&run->queue, EV_TASK, index);
    run_schedule(run, until, EV_TASK, index, 0);
    n->task_end = until;
    n->task_cut = true;
    return;
  }
  if (run->hooks.log) run_log_task(run, index, run->now, true);
  if (run->async) run_busy_ends(run, index);
  n->computing = false;
  sg_queue_cancel(&run->queue, EV_TASK, index);
}

static void send_cancel(sg_run *run, int index, double heard) {
  run->cost.signals_down++;
  run_log_cancel(run, index, heard);
}

static void stop(sg_run *run, int index, unsigned flags) {
  node *n = &run->node[index];
  if (n->fused) run_split(run, index);
  if (flags & SG_QUEUED) {
    if (run->at != index && n->jobs.head >= 0) send_cancel(run, index, run->cancel_s);
    cancel_jobs(run, index);
    return;
  }
  n->timer = NAN;
  sg_queue_cancel(&run->queue, EV_TIMER, index + 1);
  sg_queue_cancel(&run->queue, EV_BACK, index); /* What it has lost it would not have to do. */
  /* A node that is told something itself hears of it at once. */
  double heard = run->at == index ? 0 : run->cancel_s;
  if (n->computing || n->jobs.head >= 0) {
    if (run->at == index)
      run_log_cancel(run, index, 0);
    else
      send_cancel(run, index, heard);
  }
  bool cut = n->computing && !n->stale;
  end_task(run, index, run->now + heard);
  cancel_jobs(run, index);
  if (cut) { /* Whatever it sends next is made of the tasks before. */
    run->cost.wasted += n->worked - n->task_worked;
    n->worked = n->task_worked;
  }
  if (!(flags & SG_USELESS) || n->worked <= n->settled) return;
  run_log_settle(run, index, NULL);
  run->cost.wasted += n->worked - n->settled;
  n->settled = n->worked;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void end_round_at(sg_run *run, int index) {
  node *n = &run->node[index];
  bool keeps_sends = run->env->late_work == SG_LATE_KEEP_PARTIAL;
  double heard = run->now + run->cancel_s;
  bool idle = !n->computing && n->jobs.head < 0 && n->uplink.head < 0;
  if (idle && n->living <= 0 && n->worked <= n->settled)
    n->worked = n->settled = 0; /* as run_settle, to which it has nothing to say */
  else
    run->unsettled[run->n_unsettled++] = index;
  /* Most are idle: nothing but this of what follows is about them. */
  if (idle) {
    if (run->prepares && !keeps_sends) n->prepared = 0;
    return;
  }
  if (n->fused) run_split(run, index);
  if (n->computing || n->jobs.head >= 0 || (!keeps_sends && n->uplink.head >= 0)) {
    n->row_cancelled = true;
    send_cancel(run, index, run->cancel_s);
  }
  end_task(run, index, run->env->late_work == SG_LATE_FINISH_FIRST ? INFINITY : heard);
  cancel_jobs(run, index);
  if (!keeps_sends) run_cancel_uplink(run, index, heard);
}

static void order_end_round(sg_run *run) {
  if (run->async) {
    run_fail(run, "the end of a round, but a code without a barrier has no rounds");
    return;
  }
  if (run->ending) {
    run_fail(run, "the end of round %d, which is over already", run->round);
    return;
  }
  run->ending = true;
  RUN_LOG(run, .kind = SG_LOG_ROUND_END, .node = SG_MASTER, .snapshot = -1,
          .begin_s = run->base + run->now, .end_s = run->base + run->now);
  for (int i = 0; i < run->nodes; i++) end_round_at(run, i);
  if (run->env->late_work != SG_LATE_KEEP_PARTIAL) run_cancel_on_way(run);
  for (int i = 0; i < run->n_unsettled; i++) run_settle(run, run->unsettled[i]);
  run->n_unsettled = 0;
  sg_queue_cancel_kind(&run->queue, EV_SIGNAL);
  sg_queue_cancel_kind(&run->queue, EV_COMMAND);
  sg_queue_cancel_kind(&run->queue, EV_TIMER);
  run->timers = run->n_waiting = 0;
  run_schedule(run, run->master_free > run->now ? run->master_free : run->now, EV_BEGIN, 0, 0);
}

/* Of most nodes one line is looked at. */
void run_reset_nodes(sg_run *run, double shift) {
  bool goes_on = run->occupies_link || run->env->late_work == SG_LATE_KEEP_PARTIAL;
  bool open = run_any_open(run);
  sg_links_begin_round(run->links, run->nodes, shift, goes_on);
  for (int i = 0; i < run->nodes; i++) {
    node *n = &run->node[i];
    n->tasks = n->draws = n->sent = 0;
    if (run->times_nodes) n->timer = NAN;
    if (run->fails) {
      n->dead = false;
      n->down_until -= shift;
    }
    if (n->computing) {
      n->busy_from -= shift;
      n->task_end -= shift;
    }
    if (n->sending) {
      n->send_end -= shift;
      /* Its sender has not heard yet that nobody wants it. */
      if (!goes_on) sg_links_occupy(run->links, i, n->send_end);
    }
    if (open)
      run_forget_closed(run, n);
    else
      n->n_known = 0;
    for (int k = 0; k < n->n_known; k++) {
      n->known[k].ready -= shift;
      if (!goes_on) sg_links_keep(run->links, i, n->known[k].ready);
    }
  }
}

/* --- Orders ----------------------------------------------------------------------------------- */

/* `first` and `end` of the nodes that an order is for. */
static bool nodes_of(sg_run *run, const sg_order *order, int *first, int *end) {
  sg_order_nodes(order, run->code, first, end);
  if (*first >= 0 && *end <= run->nodes) return true;
  run_fail(run, "something of node %d, of which there are %d", order->node, run->nodes);
  return false;
}

/* false and a fault: there is no such receiver. */
static inline bool receiver_of(sg_run *run, const sg_order *order, int index, int *to) {
  *to = order->to == SG_MASTER ? SG_MASTER : sg_order_message(order, run->code, index).to;
  if (*to >= SG_MASTER && *to < run->nodes && *to != index) return true;
  run_fail(run, "a message from node %d to node %d, which there is not", index, *to);
  return false;
}

/* The job of a send that waits for `wanted` more tasks of its node, behind other sends that do. */
static job *insert_send(sg_run *run, int index, int wanted) {
  list *jobs = &run->node[index].jobs;
  int old = jobs->tail, behind = -1, next = jobs->head;
  for (; next >= 0 && (wanted > 0 || run->job[next].message >= 0); next = run->job[next].next) {
    wanted -= run->job[next].message < 0;
    behind = next;
  }
  job *send = run_append_job(run, index);
  if (!send || next < 0) return send;
  int id = jobs->tail;
  run->job[old].next = -1;
  jobs->tail = old;
  run->job[id].next = next;
  if (behind < 0)
    jobs->head = id;
  else
    run->job[behind].next = id;
  return send;
}

/* Nothing more goes with the last send of its kind. */
static void send_due(sg_run *run) {
  int id = run->joined;
  run->joined = -1;
  if (!run->due) return;
  run->due = false;
  run_touch(run, run_message(run, id)->view.from);
  run_send(run, id);
}

/* A send that does not wait for all that its node has been given. */
static void send_after(sg_run *run, const sg_order *order, int index, int id) {
  node *n = &run->node[index];
  if (n->fused) run_split(run, index);
  int wanted = order->after - n->tasks;
  run->joined = id;
  run->due = wanted <= 0 && !n->dead;
  if (run->due) return;
  job *send = insert_send(run, index, wanted - (n->computing && !n->stale));
  if (send) send->message = id;
}

static void give_send(sg_run *run, const sg_order *order, int index, int slot) {
  int to, previous = -1;
  if (!receiver_of(run, order, index, &to)) return;
  if (order->flags & SG_WITH_PREVIOUS) {
    if (run->node[index].fused) run_split(run, index);
    const list *jobs = &run->node[index].jobs;
    previous = jobs->head >= 0 ? run->job[jobs->tail].message : -1;
    bool free = order->flags & SG_FREE;
    if (order->after >= 0) previous = run->joined;
    if (previous < 0 || run_message(run, previous)->view.from != index ||
        run_message(run, previous)->view.to != to || run_message(run, previous)->free != free) {
      run_fail(run,
               "a message of node %d that is to go with the previous one, but none to the same "
               "receiver, as free as it, stands right before it",
               index);
      return;
    }
  }
  if (previous < 0) send_due(run);
  int id = run_new_message(run, order, index, to, slot);
  if (id < 0) return;
  if (order->after >= 0 && previous < 0) {
    send_after(run, order, index, id);
    return;
  }
  if (previous < 0) {
    job *send = run_append_job(run, index);
    if (send) send->message = id;
    return;
  }
  message *last = run_message(run, previous);
  while (last->part >= 0) last = run_message(run, last->part);
  last->part = id;
  run_message(run, id)->first = false;
}

static bool is_segment(sg_run *run, const sg_order *order) {
  if (order->segment >= 0 && order->segment < run->code->segments) return true;
  run_fail(run, "a message in segment %d, of which there are %d", order->segment,
           run->code->segments);
  return false;
}

static void order_send(sg_run *run, const sg_order *order) {
  int first, end, slot = run_find_snapshot(run, order->snapshot);
  if (!nodes_of(run, order, &first, &end)) return;
  if (slot < 0)
    run_fail(run, "a message at snapshot %d, which is gone", order->snapshot);
  else if (is_segment(run, order))
    for (int i = first; i < end; i++) give_send(run, order, i, slot);
}

/* Whether the order behind a task of all nodes is a message of all, and the last of its batch. */
static bool pairs(const sg_run *run, const sg_order *task) {
  const sg_order *send = task + 1;
  return run->cursor + 1 == run->orders.count && task->node == SG_ALL &&
         send->kind == SG_ORDER_SEND && send->node == SG_ALL && send->snapshot == task->snapshot &&
         send->after < 0 && !(send->flags & (SG_FREE | SG_WITH_PREVIOUS));
}

/* A task and the message behind it begin at once, without a queue, where the node is idle and they
 * may be fused: the commonest round. */
void run_give_pair(sg_run *run, const sg_order *task, const sg_order *send, int index, int slot) {
  const node *n = &run->node[index];
  job first = task_of(task, slot);
  if (n->computing || n->jobs.head >= 0 || !run_may_fuse(run, n, &first)) {
    give_task(run, task, index, slot);
    give_send(run, send, index, slot);
    return;
  }
  int to, id;
  if (!can_compute(run, index) || !receiver_of(run, send, index, &to)) return;
  run_make_known(run, index, slot);
  run->snapshot[slot].refs++;
  if ((id = run_new_message(run, send, index, to, slot)) >= 0) start_task(run, index, &first, id);
}

static void order_task(sg_run *run, const sg_order *order) {
  int first, end, slot = run_find_snapshot(run, order->snapshot);
  if (!nodes_of(run, order, &first, &end)) return;
  if (slot < 0 || !run->snapshot[slot].open)
    run_fail(run, "a task at snapshot %d, which is not open", order->snapshot);
  else if (run->ending)
    run_fail(run, "a task after the end of round %d", run->round);
  else if (!(order->work >= 0 && order->work <= SG_UNBOUNDED))
    run_fail(run, "a task of %g subsets", order->work);
  else if (!pairs(run, order))
    for (int i = first; i < end; i++) give_task(run, order, i, slot);
  else if (is_segment(run, order + 1)) {
    run->cursor++;
    if (run_is_plain(run, order, order + 1))
      run_begin_plain(run, order, order + 1, slot);
    else
      for (; first < end; first++) run_give_pair(run, order, order + 1, first, slot);
  }
}

/* They begin with the next task of each node. */
static void order_timers_of_nodes(sg_run *run, const sg_order *order) {
  int first, end;
  if (!nodes_of(run, order, &first, &end)) return;
  for (int i = first; i < end; i++) {
    if (run->node[i].fused) run_split(run, i);
    run->times_nodes = true;
    run->node[i].timer = order->value;
    run->node[i].timer_arg = order->arg;
  }
}

static void order_timer(sg_run *run, const sg_order *order) {
  if (!(order->value >= 0 && order->value <= SG_UNBOUNDED)) {
    run_fail(run, "a timer at %g", order->value);
    return;
  }
  if (order->node != SG_MASTER) {
    order_timers_of_nodes(run, order);
    return;
  }
  run->timers++;
  if (order->rule == SG_AFTER_SECONDS) {
    run_schedule(run, run->now + order->value, EV_TIMER, 0, order->arg);
  } else if (!isnan(run->first_arrival)) {
    double time = order->value * run->first_arrival;
    run_schedule(run, time > run->now ? time : run->now, EV_TIMER, 0, order->arg);
  } else if (run_reserve(run, &run->waiting, &run->waiting_capacity, run->n_waiting + 1,
                         sizeof *run->waiting)) {
    run->waiting[run->n_waiting++] =
        (struct waiting_timer){.factor = order->value, .arg = order->arg};
  }
}

static void carry_out(sg_run *run, const sg_order *order) {
  int first, end, slot;
  if (run->joined >= 0 && order->kind != SG_ORDER_SEND) send_due(run);
  switch (order->kind) {
  case SG_ORDER_SNAPSHOT: run_order_snapshot(run, order); break;
  case SG_ORDER_TASK: order_task(run, order); break;
  case SG_ORDER_SEND: order_send(run, order); break;
  case SG_ORDER_STOP:
    if (nodes_of(run, order, &first, &end))
      for (int i = first; i < end; i++) stop(run, i, order->flags);
    break;
  case SG_ORDER_TELL:
    if (nodes_of(run, order, &first, &end))
      for (int i = first; i < end; i++) {
        run->cost.signals_down++;
        run_log_signal(run, SG_LOG_COMMAND, i, order->arg);
        run_schedule(run, run->now + run->signal_s, EV_COMMAND, i, order->arg);
      }
    break;
  case SG_ORDER_TIMER: order_timer(run, order); break;
  case SG_ORDER_USE: run_order_use(run, order); break;
  case SG_ORDER_DECODE: run_order_decode(run, order); break;
  case SG_ORDER_CLOSE:
    slot = run_find_snapshot(run, order->snapshot);
    if (slot >= 0) run_close_snapshot(run, slot); /* It may be gone with its last message. */
    break;
  case SG_ORDER_DROP: run_drop_held(run, order->message); break;
  case SG_ORDER_END_ROUND: order_end_round(run); break;
  }
}

void run_carry_out(sg_run *run) {
  while (run->cursor < run->orders.count && run->over == SG_RUN_DECODE && !run->deciding)
    carry_out(run, &run->orders.order[run->cursor++]);
  if (run->joined >= 0 && run->over == SG_RUN_DECODE) send_due(run);
  if (!run->deciding && run->n_touched > 0) run_set_going(run);
}
