/* SPDX-License-Identifier: MIT */
/* The life of a run: clock, event loop, decodes. */
#include "sim/core/memory.h"
#include "sim/engine/state.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A protocol that orders work of no duration for ever must not hang the program. */
#define MOST_AT_ONE_INSTANT 10000000
#define MOST_STALLS         1000000

static void end_with_fault(sg_run *run) {
  run->over = SG_RUN_FAILED;
  run->end_time = run->base + run->now;
}

void run_fail(sg_run *run, const char *format, ...) {
  if (run->over != SG_RUN_DECODE) return;
  va_list args;
  va_start(args, format);
  int used = snprintf(run->fault, sizeof run->fault, "%s orders ", run->code->type->about.name);
  size_t from = (size_t)used < sizeof run->fault ? (size_t)used : sizeof run->fault - 1;
  vsnprintf(run->fault + from, sizeof run->fault - from, format, args);
  va_end(args);
  end_with_fault(run);
}

void run_out_of_memory(sg_run *run) {
  if (run->over != SG_RUN_DECODE) return;
  run->fault[0] = '\0';
  end_with_fault(run);
}

static void finish(sg_run *run, sg_run_status status, double end_time) {
  if (run->over != SG_RUN_DECODE) return;
  run->over = status;
  run->end_time = end_time;
  run_log_rest(run);
}

bool run_grow(sg_run *run, void *array, int *capacity, int wanted, size_t size) {
  int larger = *capacity ? *capacity : 16;
  while (larger < wanted) larger *= 2;
  void *grown = realloc(*(void **)array, (size_t)larger * size);
  if (!grown) {
    run_out_of_memory(run);
    return false;
  }
  *(void **)array = grown;
  *capacity = larger;
  return true;
}

void run_schedule(sg_run *run, double time, int kind, int subject, int value) {
  if (!sg_queue_push(&run->queue, time, kind, subject, value)) run_out_of_memory(run);
}

void run_dispatch(sg_run *run, sg_event *event) {
  run->at = event->at;
  event->seconds = run->now;
  event->now_s = run->base + run->now;
  sg_orders_clear(&run->orders);
  run->cursor = 0;
  sg_protocol_event(run->protocol, event, &run->orders);
  if (run->orders.failed) run_out_of_memory(run);
  run_carry_out(run);
}

/* --- Life ------------------------------------------------------------------------------------- */

static node *new_nodes(size_t count) {
  node *all = sg_pages(count, sizeof *all);
  for (node *n = all; n && n < all + count; n++)
    *n = (node){.jobs = {-1, -1},
                .uplink = {-1, -1},
                .known = &n->only_known,
                .known_capacity = 1,
                .spare = -1,
                .row_arrival = NAN,
                .timer = NAN};
  return all;
}

static bool allocate(sg_run *run) {
  size_t nodes = (size_t)run->nodes;
  int subjects = run->nodes + 1 > run->code->models ? run->nodes + 1 : run->code->models;
  run->protocol = sg_protocol_new(run->code);
  run->delay = sg_delay_run_new(run->env->delay, run->replication);
  run->node = new_nodes(nodes);
  run->unsettled = malloc(nodes * sizeof *run->unsettled);
  run->touched = calloc(nodes, sizeof *run->touched);
  run->links = sg_links_new(run->env->network, run->nodes, run->model_bytes);
  run->ingress = calloc(nodes + 1, sizeof(sg_ingress *));
  run->segment = calloc((size_t)run->code->segments, sizeof *run->segment);
  run->bits = calloc((size_t)run->code->segments, sizeof *run->bits);
  run->bytes = calloc((size_t)run->code->segments, sizeof *run->bytes);
  run->model = calloc((size_t)run->code->models, sizeof *run->model);
  run->waiting_node = calloc(nodes, sizeof *run->waiting_node);
  /* A message of each node in one chunk. */
  for (run->chunk_bits = 6; 1 << run->chunk_bits < run->nodes && run->chunk_bits < 30;)
    run->chunk_bits++;
  run->names = 16;
  run->by_name = malloc((size_t)run->names * sizeof *run->by_name);
  for (int i = 0; run->by_name && i < run->names; i++) run->by_name[i] = -1;
  if (run->limits.worker_rows) run->worker_row = calloc(nodes, sizeof *run->worker_row);
  if (!run->protocol || !run->delay || !run->node || !run->touched || !run->unsettled ||
      !run->links || !run->ingress || !run->segment || !run->waiting_node || !run->by_name ||
      !run->bits || !run->bytes || !run->model || (run->limits.worker_rows && !run->worker_row) ||
      !sg_queue_init(&run->queue, EV_KINDS, subjects))
    return false;
  for (int i = 0; i < run->code->segments; i++) {
    if (!sg_compressor_fixed(run->env->compressor)) break;
    run->bits[i] =
        sg_compressor_bits(run->env->compressor, sg_segment_length(&run->code->segment[i]));
    run->bytes[i] = sg_bytes_of(run->bits[i]);
  }
  run->ingress[0] = sg_ingress_new(run->env->network);
  return run->ingress[0] != NULL;
}

sg_run *sg_run_new(const sg_environment *environment, const sg_code *code, uint32_t replication,
                   const sg_run_limits *limits, const sg_run_hooks *hooks, sg_error *e) {
  assert(environment->delay && environment->network && environment->length > 0);
  assert(environment->update_s >= 0 && environment->header_bytes >= 0);
  assert(code->nodes > 0 && code->segments > 0 && code->models > 0 && limits->sim_time_s >= 0);
  sg_run *run = calloc(1, sizeof *run);
  if (!run) {
    sg_fail_memory(e);
    return NULL;
  }
  *run = (sg_run){.env = environment,
                  .code = code,
                  .limits = *limits,
                  .replication = replication,
                  .nodes = code->nodes,
                  .compute_nodes = sg_delay_workers(environment->delay),
                  .async = code->flags & SG_ASYNC,
                  .occupies_link = sg_network_occupies_link(environment->network),
                  .models_at_once = !sg_network_broadcasts(environment->network),
                  .fails = sg_delay_fails(environment->delay),
                  .half_duplex = sg_network_half_duplex(environment->network),
                  .model_bytes = (double)environment->length * sizeof(double),
                  .signal_s = sg_signal_seconds(environment->network),
                  .cancel_s = sg_cancel_seconds(environment->network),
                  .latency_s = sg_uplink_latency(environment->network),
                  .encodes = environment->encode_seconds != NULL,
                  .free_job = -1,
                  .free_snapshot = -1,
                  .joined = -1,
                  .first_arrival = NAN,
                  .delivery = INFINITY,
                  .over = SG_RUN_DECODE};
  if (hooks) run->hooks = *hooks;
  run->apart = sg_compressor_forms(environment->compressor);
  run->forms = run->apart && run->hooks.form;
  if (!allocate(run) || !sg_queue_push(&run->queue, 0, EV_BEGIN, 0, 0)) {
    sg_run_free(run);
    sg_fail_memory(e);
    return NULL;
  }
  run->unlimited = sg_ingress_unlimited(run->ingress[0]);
  return run;
}

void sg_run_free(sg_run *run) {
  if (!run) return;
  sg_protocol_free(run->protocol);
  sg_delay_run_free(run->delay);
  sg_queue_free(&run->queue);
  if (run->node)
    for (int i = 0; i < run->nodes; i++) {
      if (run->node[i].known != &run->node[i].only_known) free(run->node[i].known);
      free(run->node[i].held);
    }
  sg_links_free(run->links);
  if (run->ingress)
    for (int i = 0; i <= run->nodes; i++) sg_ingress_free(run->ingress[i]);
  for (int id = 0; id < run->messages; id++) free((void *)run_message(run, id)->view.in);
  for (int c = 0; c < run->n_chunks; c++) free(run->chunk[c]);
  sg_orders_free(&run->orders);
  sg_row_free(&run->row);
  free(run->chunk);
  free(run->node);
  free(run->touched);
  free(run->unsettled);
  free(run->job);
  free(run->snapshot);
  free(run->by_name);
  free(run->waiting_node);
  free(run->ingress);
  free(run->held);
  free(run->waiting);
  free(run->seen);
  free(run->seconds);
  free(run->segment);
  free(run->bits);
  free(run->bytes);
  free(run->wanted);
  free(run->model);
  free(run->worker_row);
  free(run);
}

/* --- Events ----------------------------------------------------------------------------------- */

static void begin_round(sg_run *run) {
  /* The protocol may have ordered a further update after it ended the round. */
  if (run->master_free > run->now) {
    run_schedule(run, run->master_free, EV_BEGIN, 0, 0);
    return;
  }
  double shift = run->now;
  run->base += shift;
  run->now = run->master_free = 0;
  if (run->rounds > 0) {
    sg_queue_shift(&run->queue, shift);
    run->delivery -= shift;
    if (!run->unlimited)
      for (int i = 0; i <= run->nodes; i++)
        if (run->ingress[i]) sg_ingress_shift(run->ingress[i], shift);
    run_reset_nodes(run, shift);
    run->round++;
  }
  run->rounds++;
  run->ending = run->refused = false;
  run->first_arrival = NAN;
  RUN_LOG(run, .kind = SG_LOG_ROUND_BEGIN, .node = SG_MASTER, .snapshot = -1, .begin_s = run->base,
          .end_s = run->base);
  if (!run->async &&
      !(sg_delay_draw_ahead(run->delay, (uint32_t)run->round) &&
        sg_links_draw_ahead(run->links, run->nodes, run->replication, (uint32_t)run->round)))
    run_out_of_memory(run);
  sg_queue_begin_bulk(&run->queue);
  run_dispatch(run, &(sg_event){.kind = SG_BEGIN, .round = run->round, .at = SG_MASTER});
  sg_queue_end_bulk(&run->queue);
}

static void update_over(sg_run *run, int model) {
  struct model *m = &run->model[model];
  m->pending = false;
  run_dispatch(run, &(sg_event){.kind = SG_UPDATED,
                                .round = run->round,
                                .at = SG_MASTER,
                                .model = model,
                                .decoded = true,
                                .norm = m->norm,
                                .dot_previous = m->dot_previous});
}

static void log_instant(const sg_run *run, sg_log_kind kind, int at, int value) {
  double now_s = run->base + run->now;
  RUN_LOG(run, .kind = kind, .node = at, .snapshot = -1, .value = value, .begin_s = now_s,
          .end_s = now_s);
}

/* At a node: how far it is. */
static void dispatch_at(sg_run *run, sg_event_kind kind, int who, int arg) {
  run_count_busy(run, who); /* A fused task may be over. */
  const node *n = &run->node[who];
  run_dispatch(run, &(sg_event){.kind = kind,
                                .round = run->round,
                                .at = who,
                                .from = SG_MASTER,
                                .arg = arg,
                                .count = n->tasks,
                                .busy = n->computing && !n->stale});
}

static void timer_fired(sg_run *run, int arg) {
  run->timers--;
  log_instant(run, SG_LOG_TIMER, SG_MASTER, arg);
  if (run->code->flags & SG_SEE_CUTS)
    run_show_cut(run, arg);
  else
    run_dispatch(run,
                 &(sg_event){.kind = SG_TIMER, .round = run->round, .at = SG_MASTER, .arg = arg});
}

/* No event is left. The protocol is told once; unless something comes of it, that is the end. */
static void stall(sg_run *run) {
  if (run->n_unseen > 0) {
    run_show_cut(run, 0);
  } else if (!run->stalled && run->stalls++ < MOST_STALLS) {
    run->stalled = true;
    run_dispatch(run, &(sg_event){.kind = SG_STALLED,
                                  .round = run->round,
                                  .at = SG_MASTER,
                                  .skip = run->limits.undecodable == SG_UNDEC_SKIP});
  } else {
    finish(run, run->refused ? SG_RUN_UNDECODABLE : SG_RUN_STALLED, run->base + run->now);
  }
}

static void handle(sg_run *run, const sg_queue_event *event) {
  int who = event->subject;
  switch (sg_queue_kind(event)) {
  case EV_UPDATED: update_over(run, who); break;
  case EV_DELIVER: run_ingress_done(run, who - 1); break;
  case EV_UPLINK: run_uplink_done(run, who); break;
  case EV_COME: run_come(run, event->value); break;
  case EV_TASK: run_task_done(run, who); break;
  case EV_SIGNAL:
    run_dispatch(run, &(sg_event){.kind = SG_SIGNAL,
                                  .round = run->round,
                                  .at = SG_MASTER,
                                  .from = who,
                                  .count = event->value});
    break;
  case EV_COMMAND: dispatch_at(run, SG_COMMAND, who, event->value); break;
  case EV_TIMER:
    if (who == 0) {
      timer_fired(run, event->value);
    } else {
      log_instant(run, SG_LOG_TIMER, who - 1, event->value);
      dispatch_at(run, SG_TIMER, who - 1, event->value);
    }
    break;
  case EV_BACK:
    log_instant(run, SG_LOG_BACK, who, 0);
    run_dispatch(run, &(sg_event){.kind = SG_BACK, .round = run->round, .at = who});
    break;
  case EV_BEGIN: begin_round(run); break;
  }
}

/* The next event. The master's next delivery changes with every message that comes to its link: it
 * stands beside the event queue, which it would fill with dead events. */
static bool next_event(sg_run *run, sg_queue_event *event) {
  if (sg_queue_pop_before(&run->queue, run->delivery, EV_DELIVER, event)) return true;
  if (isinf(run->delivery)) return false;
  *event = (sg_queue_event){.time = run->delivery, .key = (uint64_t)EV_DELIVER << 56};
  return true;
}

static void step(sg_run *run) {
  sg_queue_event event;
  if (run->n_touched == 0) run_arrive_in_row(run);
  run_look_ahead(run);
  if (!next_event(run, &event)) {
    stall(run);
    return;
  }
  if (run->base + event.time > run->limits.sim_time_s) {
    finish(run, SG_RUN_TIME, run->limits.sim_time_s);
    return;
  }
  if (event.time > run->now) {
    run->now = event.time;
    run->at_instant = 0;
  }
  run->kind = sg_queue_kind(&event);
  run->events++;
  run->stalled = false;
  if (++run->at_instant > MOST_AT_ONE_INSTANT) {
    run_fail(run, "work without end: more than %d events at one instant", MOST_AT_ONE_INSTANT);
    return;
  }
  if (!run_arrive_quietly(run, &event)) handle(run, &event);
  if (run->n_touched > 0 && !run->deciding) run_set_going(run);
}

sg_run_status sg_run_advance(sg_run *run) {
  while (run->over == SG_RUN_DECODE && !run->deciding) step(run);
  return run->over;
}

const sg_run_request *sg_run_request_of(const sg_run *run) {
  return run->deciding ? &run->request : NULL;
}

/* --- What came of a decode -------------------------------------------------------------------- */

static void use_wanted(sg_run *run) {
  bool many = run->n_wanted > RUN_FEW;
  int kept = run->n_held - run->n_wanted;
  for (int i = 0; i < run->n_wanted; i++) {
    if (many && i + RUN_FAR < run->n_wanted) __builtin_prefetch(run->wanted[i + RUN_FAR], 1);
    if (many && i + RUN_NEAR < run->n_wanted)
      __builtin_prefetch(&run->node[run->wanted[i + RUN_NEAR]->from], 1);
    if (run->decode.flags & SG_KEEP)
      run_keep_used(run, run->wanted[i]->id);
    else
      run_free_message(run, run->wanted[i]->id, true);
    kept += run_message(run, run->wanted[i]->id)->place == IN_HANDS;
  }
  run->n_wanted = 0;
  if (kept > 0)
    run_compact_held(run);
  else
    run->n_held = run->n_quiet = 0;
}

/* What SG_LAST asks for. */
static void drop_rest(sg_run *run) {
  if (!(run->decode.flags & SG_LAST) || run->decode.snapshot == SG_ANY) return;
  int slot = run_find_snapshot(run, run->decode.snapshot);
  if (slot < 0) return;
  run_drop_snapshot(run, slot);
  if (run->snapshot[slot].alive) run_close_snapshot(run, slot);
}

static void supply_decoded(sg_run *run, const sg_run_result *result) {
  double begin = run->master_free > run->now ? run->master_free : run->now;
  double end = begin + result->decode_s + run->env->update_s;
  if (!run_start_row(run, true, begin, end, result)) {
    finish(run, SG_RUN_TIME, run->limits.sim_time_s);
    return;
  }
  RUN_LOG(run, .kind = SG_LOG_UPDATE, .node = SG_MASTER, .model = run->decode.model,
          .snapshot = run->decode.snapshot, .begin_s = run->base + begin, .end_s = run->base + end);
  use_wanted(run);
  struct model *m = &run->model[run->decode.model];
  *m = (struct model){.updates = m->updates + 1,
                      .pending = true,
                      .norm = result->norm,
                      .dot_previous = result->dot_previous};
  run->master_free = end;
  run_schedule(run, end, EV_UPDATED, run->decode.model, 0);
  drop_rest(run);
  run_carry_out(run);
  run_finish_row(run);
}

/* Orders behind a refused decode in the same batch are void: the protocol, which could not know, is
 * told and orders anew. */
static void supply_refused(sg_run *run) {
  run->refused = true;
  /* A deadline at which nothing has come skips the step, whatever becomes of bad patterns. */
  if (run->limits.undecodable == SG_UNDEC_ERROR && run->n_wanted > 0) {
    finish(run, SG_RUN_UNDECODABLE, run->base + run->now);
    return;
  }
  bool over_before = run->ending;
  run_dispatch(run, &(sg_event){.kind = SG_UPDATED,
                                .round = run->round,
                                .at = SG_MASTER,
                                .model = run->decode.model,
                                .decoded = false,
                                .skip = run->limits.undecodable == SG_UNDEC_SKIP});
  if (!run->ending || over_before) return;
  /* The round is skipped: what was held for the decode is dropped, and the work on it wasted. */
  drop_rest(run);
  for (int i = 0; i < run->nodes; i++) run_settle(run, i);
  double end = run->master_free > run->now ? run->master_free : run->now;
  if (run_start_row(run, false, run->now, end, NULL))
    run_finish_row(run);
  else
    finish(run, SG_RUN_TIME, run->limits.sim_time_s);
}

void sg_run_supply(sg_run *run, const sg_run_result *result) {
  assert(run->deciding);
  assert(!result->decoded || (result->decode_s >= 0 && result->n_used >= 0));
  run->deciding = run->has_record = false;
  RUN_LOG(run, .kind = SG_LOG_DECODE, .cut = !result->decoded, .node = SG_MASTER,
          .model = run->decode.model, .snapshot = run->decode.snapshot, .value = run->n_wanted,
          .used = run->wanted, .begin_s = run->base + run->now, .end_s = run->base + run->now);
  if (result->decoded)
    supply_decoded(run, result);
  else
    supply_refused(run);
  if (run->has_record && run->rows >= run->limits.iterations)
    finish(run, SG_RUN_ITERATIONS, run->previous_end);
}

/* --- Questions -------------------------------------------------------------------------------- */

sg_run_sent sg_run_sent_of(const sg_run *run, const sg_message *view) {
  const message *m = run_message(run, view->id);
  assert(&m->view == view);
  return (sg_run_sent){.message = view,
                       .state = sg_protocol_state(run->protocol),
                       .iteration = m->iteration,
                       .draw = m->draw,
                       .part = m->number};
}

double sg_run_bits(const sg_run *run, const sg_message *view) {
  return run_message(run, view->id)->bits;
}

int sg_run_slot(const sg_run *run, int name) {
  return run_find_snapshot(run, name);
}

const sg_iteration_record *sg_run_record(const sg_run *run) {
  return run->has_record ? &run->record : NULL;
}

const sg_worker_record *sg_run_worker_records(const sg_run *run, int *count) {
  bool any = run->has_record && run->limits.worker_rows;
  *count = any ? run->nodes : 0;
  return any ? run->worker_row : NULL;
}

double sg_run_now(const sg_run *run) {
  return run->over == SG_RUN_DECODE ? run->base + run->now : run->end_time;
}

long sg_run_rounds(const sg_run *run) {
  return run->rounds;
}

long sg_run_events(const sg_run *run) {
  return run->events;
}

const char *sg_run_fault(const sg_run *run) {
  return *run->fault ? run->fault : NULL;
}
