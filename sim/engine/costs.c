/* SPDX-License-Identifier: MIT */
/* What a run costs: busy and wasted seconds, bytes, and the rows that tell of it. */
#include "sim/engine/state.h"

#include <math.h>

/* Counts the busy seconds of all workers up to now. */
static void integrate(sg_run *run) {
  run->cost.busy += run->busy_now * (run->now - run->busy_up_to);
  run->busy_up_to = run->now;
  int kept = 0;
  for (int i = 0; i < run->n_waiting_nodes; i++) {
    node *n = &run->node[run->waiting_node[i]];
    if (n->busy_from > run->now) {
      run->waiting_node[kept++] = run->waiting_node[i];
      continue;
    }
    n->waits = false;
    run->busy_now++;
    run->cost.busy += run->now - n->busy_from;
  }
  run->n_waiting_nodes = kept;
}

void run_count_busy(sg_run *run, int index) {
  node *n = &run->node[index];
  if (n->fused && (n->task_end < run->now || (n->task_end == run->now && run->kind > EV_TASK))) {
    run_fused_task_done(run, index);
    return;
  }
  if (!n->computing) return;
  if (n->waits) integrate(run); /* It reads busy_from of tasks that have begun since. */
  double seconds = run->now - n->busy_from;
  if (seconds < 0) return; /* It may still wait for the model. */
  n->busy_from = run->now;
  n->plain = false;
  n->row_began = true;
  n->row_busy += seconds;
  if (!run->async) run->cost.busy += seconds;
  if (n->stale)
    run->cost.wasted += seconds;
  else
    n->worked += seconds;
}

void run_busy_begins(sg_run *run, int index) {
  node *n = &run->node[index];
  integrate(run);
  n->waits = n->busy_from > run->now;
  if (n->waits)
    run->waiting_node[run->n_waiting_nodes++] = index;
  else
    run->busy_now++;
}

void run_busy_ends(sg_run *run, int index) {
  node *n = &run->node[index];
  integrate(run);
  if (!n->waits) {
    run->busy_now--;
    return;
  }
  int i = 0;
  while (run->waiting_node[i] != index) i++;
  run->waiting_node[i] = run->waiting_node[--run->n_waiting_nodes];
  n->waits = false;
}

static void waste_up_to(sg_run *run, node *n, double worked) {
  if (worked <= n->settled) return;
  run->cost.wasted += worked - n->settled;
  n->settled = worked;
}

/* A message that is used makes use of all that its worker computed before it was sent. What came
 * after the last such message was wasted, unless one is still held or on its way. */
void run_settle_message(sg_run *run, int index, double worked, bool used) {
  node *n = &run->node[index];
  if (!used && run->async) waste_up_to(run, n, worked);
  if (used && worked > n->settled) n->settled = worked;
}

void run_settle(sg_run *run, int index) {
  node *n = &run->node[index];
  if (n->living > 0) return;
  if (n->worked > n->settled) run_log_settle(run, index, NULL);
  waste_up_to(run, n, n->worked);
  n->worked = n->settled = 0; /* so that sums stay short */
}

void run_ingress_usage(sg_run *run) {
  if (run->unlimited) return;
  sg_ingress_used used = sg_ingress_usage(run->ingress[0], run->now);
  run->cost.ingress_busy += used.busy_s;
  run->cost.queued += used.queued_s;
  run->cost.through_ingress += used.taken;
}

bool run_start_row(sg_run *run, bool decoded, double begin, double end,
                   const sg_run_result *result) {
  if (run->base + end > run->limits.sim_time_s) return false;
  /* A row reaches from the end of the previous one: rounds without an update belong to the row that
   * follows, and durations add up to the simulated time. */
  double origin = run->previous_end - run->base;
  sg_iteration_record *r = &run->record;
  *r = sg_iteration_blank;
  r->iteration = run->rows;
  r->round = run->round;
  r->start_s = run->base + origin;
  r->duration_s = end - origin;
  r->wait_s = begin - origin;
  r->decode_s = decoded ? result->decode_s : 0;
  r->update_s = decoded ? run->env->update_s : 0;
  r->decoded = decoded;
  r->n_used = decoded ? result->n_used : 0;
  r->last_worker = run->last_worker;
  run->previous_end = run->base + end;
  run->rows++;
  run->at_instant = 0;
  run->stalls = 0;
  run->has_record = true;
  return true;
}

static void fill_worker_row(sg_run *run, int index) {
  node *n = &run->node[index];
  run->worker_row[index] = (sg_worker_record){.iteration = run->record.iteration,
                                              .worker = index,
                                              .compute_s = n->row_began ? n->row_busy : NAN,
                                              .arrival_s = n->row_arrival,
                                              .tasks = n->row_tasks,
                                              .messages = n->row_messages,
                                              .used = n->row_used,
                                              .cancelled = n->row_cancelled};
  n->row_began = n->row_used = n->row_cancelled = false;
  n->row_busy = 0;
  n->row_arrival = NAN;
  n->row_tasks = n->row_messages = 0;
}

void run_finish_row(sg_run *run) {
  if (run->async) integrate(run);
  /* At the end of a round it is done already; without rounds only workers' own rows ask for it. */
  if (!run->ending && (!run->async || run->limits.worker_rows))
    for (int i = 0; i < run->nodes; i++) run_count_busy(run, i);
  for (int i = 0; (run->half_duplex || run->encodes) && i < run->nodes; i++)
    run_count_sent(run, &run->node[i]);
  run_ingress_usage(run);
  sg_iteration_record *r = &run->record;
  r->n_received = run->cost.received;
  r->messages_sent = run->cost.sent;
  r->signals_up = run->cost.signals_up;
  r->signals_down = run->cost.signals_down;
  r->bytes_received = run->cost.bytes_received;
  r->bytes_sent = run->cost.bytes_sent;
  r->bytes_broadcast = run->cost.bytes_broadcast;
  r->busy_s = run->cost.busy;
  r->wasted_s = run->cost.wasted;
  r->ingress_busy_s = run->cost.ingress_busy;
  r->queued_s = run->cost.queued;
  r->inner_decode_s = run->cost.combine_s;
  r->inner_decode_flops = run->cost.combine_flops;
  r->encode_s = run->cost.encode_s;
  r->ingress_messages = run->cost.through_ingress;
  run->cost = (struct costs){0};
  if (run->limits.worker_rows)
    for (int i = 0; i < run->nodes; i++) fill_worker_row(run, i);
}
