/* SPDX-License-Identifier: MIT */
/* The way of a message: the sender's uplink, the receiver's ingress queue, the receiver's hands. */
#include "sim/core/memory.h"
#include "sim/engine/state.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Pool ------------------------------------------------------------------------------------- */

static bool add_chunk(sg_run *run) {
  int c = run->n_chunks;
  if (!run_reserve(run, &run->chunk, &run->chunks_capacity, c + 1, sizeof *run->chunk))
    return false;
  run->chunk[c] = c < INT_MAX >> run->chunk_bits
                      ? sg_pages((size_t)1 << run->chunk_bits, sizeof(message))
                      : NULL;
  if (!run->chunk[c]) {
    run_out_of_memory(run);
    return false;
  }
  run->n_chunks++;
  return true;
}

int run_new_message(sg_run *run, const sg_order *order, int from, int to, int slot) {
  if (!run_has_message(run, from) && !add_chunk(run)) return -1;
  message *m = run_take_message(run, order, from, to, slot);
  m->worked = 0;
  m->place = IN_JOBS;
  return m->view.id;
}

/* It no longer counts as something that may be of use. */
static void detach(sg_run *run, message *m, bool used) {
  for (int i = 0; i < m->view.n_in; i++) {
    message *input = run_message(run, m->view.in[i]->id);
    if (input->owners == 1) detach(run, input, used);
  }
  if (m->snapshot < 0) return;
  if (run->hooks.gone) run->hooks.gone(run->hooks.user, &m->view);
  run_release_snapshot(run, m->snapshot);
  m->snapshot = -1;
  node *n = &run->node[m->view.from];
  n->living--;
  if (used) n->row_used = true;
  if (!used && run->async && m->worked > n->settled) run_log_settle(run, m->view.from, &m->view);
  run_settle_message(run, m->view.from, m->worked, used);
}

/* One that nothing else was made of, and that nobody else has, was used: the commonest end. */
static inline void free_used(sg_run *run, message *m) {
  node *n = &run->node[m->view.from];
  run_release_snapshot(run, m->snapshot);
  n->living--;
  if (run->limits.worker_rows) n->row_used = true;
  if (m->worked > n->settled) n->settled = m->worked;
  if (m->unseen) run->n_unseen--;
  if (m->named) run->n_named--;
  m->snapshot = -1;
  m->owners = 0;
  m->used = true;
  m->unseen = m->named = false;
  m->place = IN_NOWHERE;
  m->next = n->spare;
  n->spare = m->view.id;
}

void run_free_message(sg_run *run, int id, bool used) {
  message *m = run_message(run, id);
  if (used && m->owners == 1 && m->view.n_in == 0 && m->snapshot >= 0 && !run->hooks.gone) {
    free_used(run, m);
    return;
  }
  m->used |= used;
  if (--m->owners > 0) return;
  used = m->used; /* by one of its owners */
  for (int i = 0; i < m->view.n_in; i++) run_free_message(run, m->view.in[i]->id, used);
  m->view.n_in = 0;
  detach(run, m, used);
  if (m->unseen) run->n_unseen--;
  if (m->named) run->n_named--;
  m->unseen = m->named = false;
  m->place = IN_NOWHERE;
  m->next = run->node[m->view.from].spare;
  run->node[m->view.from].spare = id;
}

void run_keep_used(sg_run *run, int id) {
  message *m = run_message(run, id);
  for (int i = 0; i < m->view.n_in; i++) run_keep_used(run, m->view.in[i]->id);
  if (m->snapshot < 0) return;
  run->node[m->view.from].row_used = true;
  run_settle_message(run, m->view.from, m->worked, true);
}

void run_free_transmission(sg_run *run, int id) {
  while (id >= 0) {
    int part = run_message(run, id)->part;
    run_free_message(run, id, false);
    id = part;
  }
}

/* The transmission goes on its way for nothing: it only occupies links. */
static void discard(sg_run *run, int id) {
  for (; id >= 0; id = run_message(run, id)->part) detach(run, run_message(run, id), false);
}

/* --- What receivers hold ---------------------------------------------------------------------- */

void run_compact_held(sg_run *run) {
  int kept = 0;
  run->n_quiet = 0;
  for (int i = 0; i < run->n_held; i++)
    if (run_message(run, run->held[i]->id)->place == IN_HANDS) run->held[kept++] = run->held[i];
  run->n_held = kept;
}

/* Takes message `id`, which stands behind `previous` (−1: first), off the list of its segment. */
static void unlink_held(sg_run *run, node *n, int previous, int id) {
  message *m = run_message(run, id);
  list *held = &n->held[m->view.segment];
  if (previous < 0)
    held->head = m->next;
  else
    run_message(run, previous)->next = m->next;
  if (held->tail == id) held->tail = previous;
  m->place = IN_RELAY; /* if it is still wanted at all */
  n->n_held--;
  run->held_by_nodes--;
}

void run_drop_held(sg_run *run, const sg_message *held) {
  if (!run_owns(run, held) || run_message(run, held->id)->place != IN_HANDS) {
    run_fail(run, "to drop a message that is not held");
    return;
  }
  int id = held->id;
  const message *m = run_message(run, id);
  int to = m->view.to;
  if (to == SG_MASTER) {
    run->n_quiet = 0;
    /* The order is most often about the message that came last. */
    int i = run->n_held - 1;
    while (run->held[i] != &m->view) i--;
    run->n_held--;
    memmove(&run->held[i], &run->held[i + 1], (size_t)(run->n_held - i) * sizeof *run->held);
  } else {
    int previous = -1;
    int i = run->node[to].held[m->view.segment].head;
    for (; i != id; i = run_message(run, i)->next) previous = i;
    unlink_held(run, &run->node[to], previous, id);
  }
  run_free_message(run, id, false);
}

static void drop_of_segment(sg_run *run, node *n, int segment, int slot) {
  for (int previous = -1, id = n->held[segment].head; id >= 0;) {
    int next = run_message(run, id)->next;
    if (run_message(run, id)->snapshot == slot) {
      unlink_held(run, n, previous, id);
      run_free_message(run, id, false);
    } else {
      previous = id;
    }
    id = next;
  }
}

void run_drop_snapshot(sg_run *run, int slot) {
  int kept = 0;
  run->n_quiet = 0;
  for (int i = 0; i < run->n_held; i++) {
    const sg_message *m = run->held[i];
    if (run_message(run, m->id)->snapshot == slot)
      run_free_message(run, m->id, false);
    else
      run->held[kept++] = m;
  }
  run->n_held = kept;
  for (int i = 0; i < run->nodes && run->held_by_nodes > 0; i++)
    for (int k = 0; k < run->code->segments && run->node[i].n_held > 0; k++)
      drop_of_segment(run, &run->node[i], k, slot);
}

/* Gives a message what its sender holds of that snapshot and segment. */
static void take_inputs(sg_run *run, message *m) {
  node *n = &run->node[m->view.from];
  for (int previous = -1, id = n->held[m->view.segment].head; id >= 0;) {
    message *input = run_message(run, id);
    int next = input->next;
    if (input->snapshot == m->snapshot) {
      if (!run_reserve(run, &m->view.in, &m->in_capacity, m->view.n_in + 1, sizeof *m->view.in))
        return;
      if (m->copies) {
        input->owners++;
        previous = id;
      } else {
        unlink_held(run, n, previous, id);
      }
      ((const sg_message **)m->view.in)[m->view.n_in++] = &input->view;
    } else {
      previous = id;
    }
    id = next;
  }
}

/* --- Uplink ----------------------------------------------------------------------------------- */

/* Also for a message that will be erased or late: its sender cannot know. */
static void form(sg_run *run, message *m) {
  sg_run_sent sent = sg_run_sent_of(run, &m->view);
  if (!run->hooks.form(run->hooks.user, &sent, &m->bits)) run_out_of_memory(run);
}

/* The seconds for which its sender works on a message before it sends it: an inner node decodes,
 * and encoding takes its time where the scenario says so. */
static double prepare_seconds(sg_run *run, const message *m) {
  bool combines = m->view.n_in > 0 && run->code->type->combine;
  if (!combines && !run->encodes) return 0;
  const void *state = sg_protocol_state(run->protocol);
  const sg_row *row = &run->row;
  if (!sg_encode(run->code, state, &m->view, &run->row)) {
    /* Refused weights are found out again by the decode that wants to use the message. */
    if (row->mistake)
      run_fail(run, "code %s: %s", run->code->type->about.name, row->mistake);
    else if (!row->undecodable)
      run_out_of_memory(run);
    return 0;
  }
  const sg_environment *env = run->env;
  double flops = combines ? row->combined.flops : 0;
  double combine_s =
      combines && env->flops_seconds ? env->flops_seconds(env->flops_user, flops) : 0;
  /* A sum that an inner node has decoded is what it sends. */
  double length = (double)sg_segment_length(&run->code->segment[m->view.segment]);
  double adds = combines ? 0 : 2.0 * (row->n_terms * row->batches + row->n_links) * length;
  double encode_s = run->encodes ? env->encode_seconds(env->flops_user, adds) : 0;
  run->cost.combine_flops += flops;
  run->cost.combine_s += combine_s;
  run->cost.encode_s += encode_s;
  return combine_s + encode_s;
}

/* The transmission comes at `time`, and occupies nothing until then. */
static void fly(sg_run *run, int id, double time) {
  for (int i = id; i >= 0; i = run_message(run, i)->part) run_message(run, i)->place = IN_FLIGHT;
  run->in_flight++;
  run_schedule(run, time, EV_COME, run_message(run, id)->view.from, id);
}

void run_send(sg_run *run, int id) {
  message *m = run_message(run, id);
  node *n = &run->node[m->view.from];
  uint32_t iteration = !run->async ? (uint32_t)m->view.round : n->begun > 0 ? n->begun - 1 : 0;
  uint32_t draw = (uint32_t)n->sent++;
  int number = 0;
  m->bytes = run->env->header_bytes;
  double prepare_s = 0;
  for (int i = id; i >= 0; i = run_message(run, i)->part) {
    message *part = run_message(run, i);
    if (n->n_held > 0) take_inputs(run, part);
    prepare_s += prepare_seconds(run, part);
    part->place = IN_UPLINK;
    part->worked = n->worked;
    part->iteration = iteration;
    part->draw = draw;
    part->number = number++;
    part->bits = run->bits[part->view.segment];
    if (run->forms) form(run, part);
    m->bytes += run->forms ? sg_bytes_of(part->bits) : run->bytes[part->view.segment];
  }
  m->ready = prepare_s > 0 ? n->prepared = fmax(n->prepared, run->base + run->now) + prepare_s : 0;
  run->prepares |= prepare_s > 0;
  bool lost = run->fails && m->view.from < run->compute_nodes &&
              sg_delay_erased(run->delay, m->view.from, m->iteration);
  if (run->hooks.log && !n->fused) {
    double ready_s = fmax(m->ready, run->base + run->now);
    run_log_send(run, id, ready_s - prepare_s, ready_s, lost);
  }
  if (lost) {
    n->row_cancelled = true;
    /* Without rounds nobody else would ask for more of a worker with nothing to do. */
    if (run->async && n->jobs.head < 0 && sg_delay_gets_through(run->env->delay))
      run_schedule(run, run->now, EV_BACK, m->view.from, 0);
    run_free_transmission(run, id);
    return;
  }
  if (m->draw >= SG_MAX_DRAWS) {
    run_fail(run, "more than %d transmissions of node %d in one iteration", SG_MAX_DRAWS,
             m->view.from);
    return;
  }
  m->next = -1;
  if (m->free) {
    m->bytes = 0;
    run_count_transmission(run, id);
    fly(run, id, fmax(run->now, m->ready - run->base));
    return;
  }
  if (n->uplink.head < 0)
    n->uplink.head = id;
  else
    run_message(run, n->uplink.tail)->next = id;
  n->uplink.tail = id;
}

void run_count_transmission(sg_run *run, int id) {
  run->cost.bytes_sent += run_message(run, id)->bytes;
  for (int i = id; i >= 0; i = run_message(run, i)->part) run->cost.sent++;
}

void run_count_begun(sg_run *run, node *n) {
  bool through = n->send_end <= run->now && !n->send_cut; /* whatever rounding says of its start */
  if (!through && n->send_begin > run->base + run->now) return;
  run_count_transmission(run, n->uplink.head);
  n->uncounted = false;
}

void run_start_uplink(sg_run *run, int index, double start) {
  node *n = &run->node[index];
  const message *m = run_message(run, n->uplink.head);
  n->sending = true;
  n->send_cut = false;
  if (m->ready > 0) start = fmax(start, m->ready - run->base);
  double seconds = sg_links_uplink_seconds(run->links, run->replication, index, m->iteration,
                                           m->draw, m->bytes / run->model_bytes, m->bytes);
  seconds -= run->latency_s;
  n->send_end = sg_links_send_message(run->links, index, start, seconds);
  n->send_begin = run->base + (run->half_duplex ? n->send_end - seconds : start);
  n->uncounted = !n->fused;
  run_count_sent(run, n);
  run_schedule(run, n->send_end, EV_UPLINK, index, 0);
}

/* --- Delivery --------------------------------------------------------------------------------- */

void run_start_waiting_timers(sg_run *run) {
  run->first_arrival = run->now;
  for (int i = 0; i < run->n_waiting; i++) {
    double time = run->waiting[i].factor * run->now;
    run_schedule(run, time > run->now ? time : run->now, EV_TIMER, 0, run->waiting[i].arg);
  }
  run->n_waiting = 0;
}

static void show(sg_run *run, sg_event_kind kind, int at, int arg, int count) {
  run_dispatch(run, &(sg_event){.kind = kind,
                                .round = run->round,
                                .at = at,
                                .from = count > 0 ? run->seen[0]->from : SG_MASTER,
                                .arg = arg,
                                .count = count,
                                .message = run->seen});
}

void run_show_cut(sg_run *run, int arg) {
  int count = run->n_unseen;
  if (!run_reserve(run, &run->seen, &run->seen_capacity, count, sizeof *run->seen)) return;
  /* What has not been shown yet is what came last. */
  for (int i = 0; i < count; i++) {
    run->seen[i] = run->held[run->n_held - count + i];
    run_message(run, run->seen[i]->id)->unseen = false;
  }
  run->n_unseen = 0;
  show(run, SG_CUT, SG_MASTER, arg, count);
}

static void hold_at_master(sg_run *run, int id, double bytes, int count) {
  bool cuts = run->code->flags & SG_SEE_CUTS;
  const message *first = run_message(run, id);
  if (!run_reserve(run, &run->held, &run->held_capacity, run->n_held + count, sizeof *run->held))
    return;
  for (int i = id; i >= 0; i = run_message(run, i)->part) {
    message *m = run_message(run, i);
    m->unseen = cuts;
    run->held[run->n_held++] = &m->view;
  }
  run->cost.received += count;
  run->cost.bytes_received += bytes;
  if (run->limits.worker_rows) {
    node *sender = &run->node[first->view.from];
    sender->row_messages += count;
    sender->row_arrival = run->now;
  }
  bool of_this_round = first->view.round == run->round && !run->ending;
  if (of_this_round && isnan(run->first_arrival)) run_start_waiting_timers(run);
  if (!cuts) {
    show(run, SG_ARRIVAL, SG_MASTER, 0, count);
    return;
  }
  run->n_unseen += count;
  /* While a timer runs the code does not ask to see arrivals; after it, each one at once. */
  if (run->timers == 0) run_show_cut(run, 0);
}

static bool make_held(sg_run *run, node *n) {
  int segments = run->code->segments;
  n->held = malloc((size_t)segments * sizeof *n->held);
  if (!n->held) run_out_of_memory(run);
  for (int k = 0; n->held && k < segments; k++) n->held[k] = (list){-1, -1};
  return n->held;
}

static void hold_at_node(sg_run *run, int id, int to, int count) {
  if (run->node[to].fused) run_split(run, to); /* Its message will be made of this one too. */
  node *n = &run->node[to], *sender = &run->node[run_message(run, id)->view.from];
  if (!n->held && !make_held(run, n)) return;
  for (int i = id; i >= 0; i = run_message(run, i)->part) {
    list *held = &n->held[run_message(run, i)->view.segment];
    run_message(run, i)->next = -1;
    if (held->head < 0)
      held->head = i;
    else
      run_message(run, held->tail)->next = i;
    held->tail = i;
  }
  n->n_held += count;
  run->held_by_nodes += count;
  sender->row_messages += count;
  sender->row_arrival = run->now;
  show(run, SG_ARRIVAL, to, 0, count);
}

static void deliver(sg_run *run, int id) {
  message *first = run_message(run, id);
  if (run->hooks.log) {
    if (first->place != IN_INGRESS) first->entered = run->base + run->now;
    run_log_ingress(run, id, first->snapshot < 0);
  }
  if (first->snapshot < 0) {
    run_free_transmission(run, id);
    return;
  }
  int count = 0, to = first->view.to;
  for (int i = id; i >= 0; i = run_message(run, i)->part) {
    if (!run_reserve(run, &run->seen, &run->seen_capacity, count + 1, sizeof *run->seen)) return;
    run_message(run, i)->place = IN_HANDS;
    run->seen[count++] = &run_message(run, i)->view;
  }
  if (to == SG_MASTER)
    hold_at_master(run, id, first->bytes, count);
  else
    hold_at_node(run, id, to, count);
}

/* The time of a queue's next delivery has changed. */
static void reschedule(sg_run *run, int receiver) {
  double next = sg_ingress_next(run->ingress[receiver + 1]);
  if (receiver == SG_MASTER) {
    run->delivery = next > run->now ? next : run->now;
    return;
  }
  sg_queue_cancel(&run->queue, EV_DELIVER, receiver + 1);
  if (isinf(next)) return;
  run_schedule(run, next > run->now ? next : run->now, EV_DELIVER, receiver + 1, 0);
}

void run_enter_ingress(sg_run *run, int id) {
  message *m = run_message(run, id);
  int to = m->view.to;
  sg_ingress **queue = &run->ingress[to + 1];
  if (!*queue) *queue = sg_ingress_new(run->env->network);
  if (!*queue || !sg_ingress_push(*queue, run->now, id, m->bytes)) {
    run_out_of_memory(run);
    return;
  }
  for (int i = id; i >= 0; i = run_message(run, i)->part) run_message(run, i)->place = IN_INGRESS;
  m->entered = run->base + run->now;
  run->in_ingress++;
  reschedule(run, to);
}

void run_come(sg_run *run, int id) {
  message *m = run_message(run, id);
  if (m->place == IN_FLIGHT) run->in_flight--;
  if (m->snapshot < 0 && (m->free || !run->occupies_link))
    run_free_transmission(run, id);
  else if (m->free || run->unlimited)
    deliver(run, id);
  else
    run_enter_ingress(run, id);
}

void run_uplink_done(sg_run *run, int index) {
  node *n = &run->node[index];
  if (n->fused) run_fused_task_done(run, index);
  run_count_sent(run, n);
  int id = n->uplink.head;
  if (run->hooks.log) run_log_uplink(run, id, n->send_cut);
  n->uplink.head = run_message(run, id)->next;
  n->sending = n->uncounted = false;
  if (n->uplink.head >= 0) run_touch(run, index);
  if (run->latency_s > 0 && !n->send_cut)
    fly(run, id, run->now + run->latency_s);
  else
    run_come(run, id);
}

int run_leave_ingress(sg_run *run, int receiver) {
  if (receiver == SG_MASTER) run_look_ahead_in_ingress(run);
  int id = sg_ingress_pop(run->ingress[receiver + 1]);
  run->in_ingress--;
  reschedule(run, receiver);
  return id;
}

void run_ingress_done(sg_run *run, int receiver) {
  deliver(run, run_leave_ingress(run, receiver));
}

/* --- Late messages ---------------------------------------------------------------------------- */

void run_cancel_uplink(sg_run *run, int index, double until) {
  node *n = &run->node[index];
  run_count_sent(run, n);
  n->prepared = 0;
  int id = n->uplink.head;
  if (id < 0) return;
  int waiting = n->sending ? run_message(run, id)->next : id;
  while (waiting >= 0) {
    int next = run_message(run, waiting)->next;
    run_free_transmission(run, waiting);
    waiting = next;
  }
  n->uplink = (list){-1, -1};
  if (!n->sending) return;
  if (run->occupies_link || until > run->now) {
    discard(run, id);
    message *m = run_message(run, id);
    m->next = -1;
    n->uplink = (list){id, id};
    if (!run->occupies_link && n->send_end > until) {
      sg_queue_cancel(&run->queue, EV_UPLINK, index);
      run_schedule(run, until, EV_UPLINK, index, 0);
      n->send_end = until;
      n->send_cut = true;
    }
    n->prepared = fmin(m->ready, run->base + n->send_end);
  } else {
    sg_queue_cancel(&run->queue, EV_UPLINK, index);
    if (run->hooks.log) run_log_uplink(run, id, true);
    n->sending = n->uncounted = false;
    run_free_transmission(run, id);
  }
}

/* All that is queued is late: it goes on its way for nothing, or vanishes. */
static void cancel_in_ingress(sg_run *run, int receiver) {
  sg_ingress *queue = run->ingress[receiver + 1];
  for (int id; (id = sg_ingress_drop(queue, run->now)) >= 0; run->in_ingress--) {
    run->node[run_message(run, id)->view.from].row_cancelled = true;
    if (run->hooks.log) run_log_ingress(run, id, true);
    run_free_transmission(run, id);
  }
  reschedule(run, receiver);
}

void run_cancel_on_way(sg_run *run) {
  /* What occupies links goes on for nothing, and so does what nothing can stop. */
  bool occupies = run->occupies_link;
  for (int id = 0; id < run->messages && run->in_flight + occupies * run->in_ingress > 0; id++) {
    const message *m = run_message(run, id);
    bool goes_on = m->place == IN_FLIGHT || (occupies && m->place == IN_INGRESS);
    if (!goes_on || !m->first || m->snapshot < 0) continue;
    run->node[m->view.from].row_cancelled = true;
    discard(run, id);
  }
  for (int i = 0; i <= run->nodes && !occupies && run->in_ingress > 0; i++)
    if (run->ingress[i]) cancel_in_ingress(run, i - 1);
}
