/* SPDX-License-Identifier: MIT */
/* The protocol of all collectives: schedules carried out hop by hop, and their coordinator.
 *
 * This file is long because it is one protocol: schedule, coordinator, rows and wrapping share the
 * state of a round. */
#include "codes/frame/collective.h"
#include "codes/frame/stop.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Schedules -------------------------------------------------------------------------------- */

void sg_schedule_chunks(sg_schedule *s, int chunks) {
  s->chunks = chunks;
  if (!SG_ROOM(s->keeper, s->keepers_capacity, chunks)) s->failed = true;
}

void sg_schedule_hop(sg_schedule *s, const sg_hop *hop) {
  if (SG_ROOM(s->hop, s->capacity, s->hops + 1))
    s->hop[s->hops++] = *hop;
  else
    s->failed = true;
}

static int by_round(const void *a, const void *b) {
  const sg_hop *x = a, *y = b;
  if (x->round != y->round) return x->round < y->round ? -1 : 1;
  if (x->from != y->from) return x->from < y->from ? -1 : 1;
  return (x->to > y->to) - (x->to < y->to);
}

sg_status sg_schedule_make(const sg_collective_type *type, int workers, const sg_values *values,
                           sg_schedule *s, sg_error *e) {
  *s = (sg_schedule){.workers = workers, .blocking = type->blocking, .symmetric = type->symmetric};
  sg_status status = type->make(s, values, e);
  if (!status && s->failed) status = sg_fail_memory(e);
  if (!status && s->hops > 0) qsort(s->hop, (size_t)s->hops, sizeof *s->hop, by_round);
  return status;
}

void sg_schedule_free(sg_schedule *s) {
  free(s->hop);
  free(s->keeper);
  *s = (sg_schedule){0};
}

/* --- Tables ----------------------------------------------------------------------------------- */

/* What a worker does in a round in which it has something to do. */
typedef struct step {
  int hop, hops; /* those that it sends */
  int waits;     /* arrivals after which the step is over */
} step;

typedef struct tables {
  sg_schedule s;
  int buckets;
  bool coordinated;
  int *first;         /* n + 1: where the steps of each worker begin */
  step *step;         /* first[n] of them */
  int *sends, *comes; /* per hop: the step of its sender, of its receiver */
  double *share;      /* per bucket: of the work */
  int *done;          /* per bucket: tasks of a worker that is through with it */
  double *w;          /* per worker: its weight; coordinated: in the state */
  bool alike;         /* all have the same work */
} tables;

const sg_schedule *sg_collective_schedule(const sg_code *code) {
  return &((const tables *)code->self)->s;
}

int sg_collective_buckets(const sg_code *code) {
  return ((const tables *)code->self)->buckets;
}

bool sg_collective_coordinated(const sg_code *code) {
  return ((const tables *)code->self)->coordinated;
}

/* Workers wait for the coordinator, or exchange what they have. */
enum { WAITING, RUNNING };

typedef struct progress {
  const void *inner;   /* the inner code's state in the run */
  double flops, cond1; /* of the inner decode */
  int phase;
  int left; /* transmissions that have not come yet */
  int come; /* chunks that have come to the master */
} progress;

/* Behind it, in one piece. */
typedef struct arrays {
  double *w;              /* n */
  int *given;             /* n: tasks of this round */
  int *at;                /* buckets × n: the step that each worker is at, −1: none yet */
  int *waits;             /* buckets × steps: arrivals that a step still waits for */
  unsigned char *answers; /* n: it has a message of its own */
} arrays;

static size_t lay_out(const tables *t, const void *state, arrays *a) {
  size_t n = (size_t)t->s.workers, b = (size_t)t->buckets, steps = (size_t)t->first[n];
  size_t ints = n + b * n + b * steps;
  if (state) {
    a->w = (double *)((uintptr_t)state + sizeof(progress));
    a->given = (int *)(void *)(a->w + n);
    a->at = a->given + n;
    a->waits = a->at + b * n;
    a->answers = (unsigned char *)(a->waits + b * steps);
  }
  return sizeof(progress) + n * sizeof(double) + ints * sizeof(int) + n;
}

static bool make_steps(sg_code *code, tables *t) {
  const sg_schedule *s = &t->s;
  size_t n = (size_t)s->workers, hops = (size_t)s->hops;
  t->first = sg_code_alloc(code, n + 2, sizeof *t->first);
  t->step = sg_code_alloc(code, 2 * hops + 1, sizeof *t->step);
  t->sends = sg_code_alloc(code, hops + 1, sizeof *t->sends);
  t->comes = sg_code_alloc(code, hops + 1, sizeof *t->comes);
  int *last = sg_code_alloc(code, n, sizeof *last); /* round of each worker's last step */
  if (!t->first || !t->step || !t->sends || !t->comes || !last) return false;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < n; i++) last[i] = -1;
    /* First how many each has, one place on; then where its steps end so far. */
    for (int h = 0; h < s->hops; h++) {
      const sg_hop *hop = &s->hop[h];
      for (int side = 0; side < 2; side++) {
        int who = side ? hop->to : hop->from;
        if (last[who] != hop->round) t->first[who + 1 + !pass]++;
        last[who] = hop->round;
        if (!pass) continue;
        int at = t->first[who + 1] - 1;
        step *p = &t->step[at];
        (side ? t->comes : t->sends)[h] = at;
        if (!side && p->hops++ == 0) p->hop = h;
        p->waits += side || s->blocking;
      }
    }
    for (size_t i = 1; !pass && i < n + 2; i++) t->first[i] += t->first[i - 1];
  }
  return true;
}

/* --- The coordinator -------------------------------------------------------------------------- */

enum { MOST_TIMERS = 2 };

struct sg_coordinator {
  const sg_code *code; /* the inner one */
  sg_protocol *protocol;
  sg_decoder *decoder;
  sg_orders orders;
  sg_message *message;     /* per worker: what it would send */
  const sg_message **held; /* those of workers that have reported, unless dropped */
  int n_held;
  bool reported; /* some worker has */
  sg_order timer[MOST_TIMERS];
  int timers; /* that wait for the first report */
};

sg_coordinator *sg_coordinator_new(const sg_code *code) {
  sg_coordinator *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  size_t n = (size_t)code->nodes;
  c->code = code->inner;
  c->protocol = sg_protocol_new(c->code);
  c->decoder = sg_decoder_new(c->code);
  c->message = calloc(n, sizeof *c->message);
  c->held = calloc(n, sizeof *c->held);
  if (c->protocol && c->decoder && c->message && c->held) return c;
  sg_coordinator_free(c);
  return NULL;
}

void sg_coordinator_free(sg_coordinator *c) {
  if (!c) return;
  sg_protocol_free(c->protocol);
  sg_decoder_free(c->decoder);
  sg_orders_free(&c->orders);
  free(c->message);
  free((void *)c->held);
  free(c);
}

static void drop(sg_coordinator *c, const sg_message *m) {
  int kept = 0;
  for (int i = 0; i < c->n_held; i++)
    if (c->held[i] != m) c->held[kept++] = c->held[i];
  c->n_held = kept;
}

/* The weights of those that have reported, and word to all; or a decode that is refused, as there
 * is nothing at the master: the engine then says whether the round may be skipped. */
static void decide(sg_coordinator *c, progress *p, const arrays *a, int round, sg_orders *o) {
  sg_weights weights;
  sg_error ignored = {0};
  sg_status status =
      sg_decoder_weights_in(c->decoder, c->protocol, 0, c->n_held, c->held, &weights, &ignored);
  sg_error_clear(&ignored);
  if (status == SG_UNDECODABLE) {
    sg_decode(o, 0, round, SG_LAST);
    return;
  }
  if (status) {
    o->failed = true;
    return;
  }
  for (int i = 0; i < c->n_held; i++) a->w[c->held[i]->from] = weights.w[i];
  p->flops = weights.info.flops;
  p->cond1 = weights.info.cond1;
  p->phase = RUNNING;
  sg_tell(o, SG_ALL, 0);
}

static void take_timer(sg_coordinator *c, const sg_order *order, sg_orders *o) {
  if (order->rule == SG_AFTER_SECONDS)
    sg_timer(o, order->rule, order->value, order->arg);
  else if (c->timers < MOST_TIMERS)
    c->timer[c->timers++] = *order;
}

/* Tells the inner protocol, and carries out what it orders as far as that is the coordinator's. */
static void ask(sg_coordinator *c, progress *p, const arrays *a, const sg_event *event,
                sg_orders *o) {
  bool decided = false;
  sg_orders_clear(&c->orders);
  sg_protocol_event(c->protocol, event, &c->orders);
  o->failed |= c->orders.failed;
  for (int i = 0; i < c->orders.count && !o->failed; i++) {
    const sg_order *order = &c->orders.order[i];
    int first, end;
    sg_order_nodes(order, c->code, &first, &end);
    switch (order->kind) {
    case SG_ORDER_TASK:
      sg_task(o, order->node, event->round, order->work, order->draws, order->flags | SG_REPORT);
      for (int v = first; v < end; v++) a->given[v]++;
      break;
    case SG_ORDER_SEND:
      for (int v = first; v < end; v++) a->answers[v] = 1;
      break;
    case SG_ORDER_TIMER: take_timer(c, order, o); break;
    case SG_ORDER_DROP: drop(c, order->message); break;
    case SG_ORDER_DECODE:
      decided = true;
      decide(c, p, a, event->round, o);
      break;
    case SG_ORDER_CLOSE:
      if (!decided) sg_close(o, order->snapshot);
      break;
    case SG_ORDER_END_ROUND:
      if (!decided) sg_end_round(o);
      break;
    case SG_ORDER_SNAPSHOT:
    case SG_ORDER_STOP:
    case SG_ORDER_TELL:
    case SG_ORDER_USE: break;
    }
  }
}

/* A worker has done its part. */
static void report(sg_coordinator *c, progress *p, const arrays *a, const sg_event *event, int who,
                   sg_orders *o) {
  sg_message *m = &c->message[who];
  *m = (sg_message){
      .id = who, .from = who, .to = SG_MASTER, .snapshot = event->round, .round = event->round};
  for (int i = 0; i < c->timers && !c->reported; i++)
    sg_timer(o, SG_AFTER_SECONDS, (c->timer[i].value - 1) * event->seconds, c->timer[i].arg);
  c->reported = true;
  c->held[c->n_held++] = m;
  const sg_message *const view = m;
  ask(c, p, a,
      &(sg_event){.kind = SG_ARRIVAL,
                  .round = event->round,
                  .at = SG_MASTER,
                  .from = who,
                  .count = 1,
                  .message = &view,
                  .seconds = event->seconds,
                  .now_s = event->now_s},
      o);
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* What the worker would send to a master, times its weight. */
static void add_own(const sg_code *code, const sg_message *m, sg_row *row) {
  const tables *t = code->self;
  const void *state = row->state;
  arrays a = {0};
  lay_out(t, state, &a);
  double w = t->coordinated ? a.w[m->from] : t->w[m->from];
  const sg_message mine = {
      .id = m->from, .from = m->from, .to = SG_MASTER, .snapshot = m->snapshot, .round = m->round};
  int first = row->n_terms;
  if (w == 0) return;
  row->state = ((const progress *)state)->inner;
  code->inner->type->encode(code->inner, &mine, row);
  row->state = state;
  for (int i = first; i < row->n_terms; i++) row->term[i].coef *= w;
}

/* Inputs by number of hop, whatever the order of their arrival: sums are then the same to the last
 * bit. */
static void add_inputs(const sg_message *m, bool exchange, sg_row *row) {
  for (int last = -1;;) {
    const sg_message *next = NULL;
    for (int i = 0; i < m->n_in; i++) {
      const sg_message *in = m->in[i];
      if (in->tag > last && (!next || in->tag < next->tag) && !(exchange && in->from == m->to))
        next = in;
    }
    if (!next) return;
    sg_row_message(row, next, 1);
    last = next->tag;
  }
}

static void encode(const sg_code *code, const sg_message *m, sg_row *row) {
  const tables *t = code->self;
  static const sg_hop keeps = {.own = SG_OWN_ALL};
  const sg_hop *hop = m->tag < t->s.hops ? &t->s.hop[m->tag] : &keeps;
  if (hop->own == SG_OWN_ALL || hop->own == m->segment % t->s.chunks) add_own(code, m, row);
  add_inputs(m, hop->exchange, row);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const progress *p = used->state;
  if (used->count != 1) return SG_UNDECODABLE;
  used->W[0] = 1;
  if (p->cond1 > 0) used->info->cond1 = p->cond1;
  if (used->segment == 0) used->info->flops = p->flops; /* once */
  return SG_OK;
}

/* --- The protocol ----------------------------------------------------------------------------- */

typedef struct run {
  const sg_code *code;
  const tables *t;
  progress *p;
  arrays a;
  sg_coordinator *c; /* or NULL */
  const sg_event *event;
  sg_orders *o;
} run;

/* The sends of a step, of which those of a worker's first bucket wait for nothing but its tasks. */
static void send_step(const run *r, int bucket, int who, int at) {
  const tables *t = r->t;
  const step *p = &t->step[at];
  int given = r->a.given[who], after = t->buckets > 1 && given > 0 ? t->done[bucket] : given;
  for (int h = p->hop; h < p->hop + p->hops; h++) {
    const sg_hop *hop = &t->s.hop[h];
    unsigned flags = hop->copy ? SG_COPY : 0;
    for (int k = 0; k < hop->count; k++)
      sg_send_after(r->o, who, hop->to, r->event->round, bucket * t->s.chunks + hop->first + k, h,
                    r->c ? 0 : after, flags | (k > 0 ? SG_WITH_PREVIOUS : 0));
  }
}

/* Through all steps that wait for nothing. */
static void go_on(const run *r, int bucket, int who) {
  const tables *t = r->t;
  int *at = &r->a.at[bucket * t->s.workers + who], first = t->first[who];
  const int *waits = r->a.waits + bucket * t->first[t->s.workers];
  while (*at >= 0 && first + *at < t->first[who + 1] && waits[first + *at] == 0)
    if (first + ++*at < t->first[who + 1]) send_step(r, bucket, who, first + *at);
}

static void start(const run *r, int bucket, int who) {
  int *at = &r->a.at[bucket * r->t->s.workers + who], first = r->t->first[who];
  if (*at >= 0) return;
  *at = 0;
  if (first == r->t->first[who + 1]) return; /* it has nothing to do: alone */
  send_step(r, bucket, who, first);
  go_on(r, bucket, who);
}

/* Everybody has everything: of each chunk the master is shown one copy. */
static void finish(const run *r) {
  const sg_schedule *s = &r->t->s;
  for (int b = 0; b < r->t->buckets; b++)
    for (int c = 0; c < s->chunks; c++)
      sg_send_after(r->o, s->keeper[c], SG_MASTER, r->event->round, b * s->chunks + c, s->hops,
                    s->hops > 0 || r->c ? 0 : r->a.given[0], SG_FREE);
}

/* The tasks of those that wait for nobody. */
static void give_tasks(const run *r) {
  const sg_code *inner = r->code->inner;
  const tables *t = r->t;
  int n = t->s.workers, round = r->event->round, begin = r->o->count, kept = begin;
  if (inner->type->plan) {
    inner->type->plan(inner, NULL, round, round, r->o);
    for (int i = begin; i < r->o->count; i++) {
      const sg_order *order = &r->o->order[i];
      int first, end;
      if (order->kind != SG_ORDER_TASK) continue;
      sg_order_nodes(order, inner, &first, &end);
      for (int v = first; v < end; v++) r->a.given[v]++;
      r->o->order[kept++] = *order;
    }
    r->o->count = kept;
    return;
  }
  for (int v = 0; v < n; v++) {
    double work = inner->work[v];
    for (int b = t->buckets - 1; b >= 0 && work > 0; b--) {
      if (t->share[b] == 0) continue;
      r->a.given[v]++;
      if (v == 0 || !t->alike)
        sg_task(r->o, t->alike ? SG_ALL : v, round, work * t->share[b], SG_DRAWS_OF_WORK, 0);
    }
  }
}

static void begin(const run *r) {
  const tables *t = r->t;
  size_t n = (size_t)t->s.workers, steps = (size_t)t->first[n];
  memset(r->p, 0, r->code->state_size);
  for (size_t i = 0; i < (size_t)t->buckets * n; i++) r->a.at[i] = -1;
  for (int b = 0; b < t->buckets; b++)
    for (size_t i = 0; i < steps; i++) r->a.waits[(size_t)b * steps + i] = t->step[i].waits;
  r->p->left = t->buckets * t->s.hops;
  r->p->cond1 = 1;
  r->p->phase = r->c ? WAITING : RUNNING;
  sg_snapshot(r->o, r->event->round, 0, SG_KNOWN);
  if (r->c) {
    r->p->inner = sg_protocol_state(r->c->protocol);
    r->c->n_held = r->c->timers = 0;
    r->c->reported = false;
    ask(r->c, r->p, &r->a, r->event, r->o);
    for (int i = 0; i < t->s.workers && r->p->phase == WAITING; i++)
      if (r->a.answers[i] && r->a.given[i] == 0) report(r->c, r->p, &r->a, r->event, i, r->o);
    return;
  }
  give_tasks(r);
  for (int b = t->buckets - 1; b >= 0; b--)
    for (int i = 0; i < t->s.workers; i++) start(r, b, i);
  if (r->p->left == 0) finish(r);
}

/* A worker hears that the sum can begin; one that is not wanted in it stops computing. */
static void hear(const run *r) {
  int who = r->event->at;
  if (r->a.w[who] == 0) sg_discard(r->o, who);
  for (int b = 0; b < r->t->buckets; b++) start(r, b, who);
  if (r->p->left == 0) finish(r);
}

static void arrival(const run *r) {
  const tables *t = r->t;
  const sg_message *m = r->event->message[0];
  if (m->round != r->event->round || r->p->phase == WAITING) { /* of an earlier round, late */
    for (int i = 0; i < r->event->count; i++) sg_drop(r->o, r->event->message[i]);
    return;
  }
  if (m->to == SG_MASTER) {
    if (++r->p->come < r->code->segments) return;
    sg_decode(r->o, 0, r->event->round, SG_LAST);
    sg_end_round(r->o);
    return;
  }
  int bucket = m->segment / t->s.chunks, *waits = r->a.waits + bucket * t->first[t->s.workers];
  waits[t->comes[m->tag]]--;
  if (t->s.blocking) {
    waits[t->sends[m->tag]]--;
    go_on(r, bucket, m->from);
  }
  go_on(r, bucket, m->to);
  if (--r->p->left == 0) finish(r);
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const tables *t = code->self;
  run r = {.code = code,
           .t = t,
           .p = state,
           .c = t->coordinated ? sg_protocol_coordinator(o->round) : NULL,
           .event = event,
           .o = o};
  lay_out(t, state, &r.a);
  bool waits = r.p->phase == WAITING && r.c;
  switch (event->kind) {
  case SG_BEGIN: begin(&r); break;
  case SG_SIGNAL:
    if (waits && event->count == r.a.given[event->from] && r.a.answers[event->from])
      report(r.c, r.p, &r.a, event, event->from, o);
    break;
  case SG_TIMER:
    if (waits) ask(r.c, r.p, &r.a, event, o);
    break;
  case SG_COMMAND: hear(&r); break;
  case SG_ARRIVAL: arrival(&r); break;
  case SG_STALLED: /* with less than all chunks it is refused, and the round is skipped */
    if (waits)
      ask(r.c, r.p, &r.a, event, o);
    else if (event->skip)
      sg_decode(o, 0, event->round, SG_LAST);
    break;
  case SG_UPDATED:
    if (r.c && (waits || event->decoded)) ask(r.c, r.p, &r.a, event, o);
    if (waits || event->decoded || !event->skip) break;
    sg_close(o, event->round);
    sg_end_round(o);
    break;
  case SG_CUT:
  case SG_BACK: break;
  }
}

/* --- Wrapping --------------------------------------------------------------------------------- */

static const sg_values *collective_of(const sg_values *values) {
  return values && sg_values_param(values, "collective") ? sg_object(values, "collective") : NULL;
}

bool sg_collective_given(const sg_values *values) {
  return collective_of(values) != NULL;
}

/* Why a code cannot be summed so; NULL: it can. several: some worker sends more than one message.
 */
static const char *cannot(const sg_code *code, bool several) {
  if (code->type->on_event) return "has a protocol of its own";
  if (code->flags & SG_SEE_CUTS) return "decodes at times that it sets itself";
  if (code->parent) return "sends by way of other workers";
  if (code->models > 1) return "trains several models";
  if (code->coded_parts) return "computes on coded data, whose gradients are no summands";
  if (code->flags & SG_OFFSET) return "takes gradients beside the model";
  if (code->segments > 1 || code->segment->pieces > 1)
    return "cuts gradients into pieces (m > 1), which no sum of messages puts together";
  if (code->nodes > code->shape.workers) return "has relays";
  return several ? "has workers that send several messages" : NULL;
}

/* Who sends in the plan of the first round. */
static sg_status count_sends(const sg_code *code, bool *several, bool *all, sg_error *e) {
  *several = false;
  *all = true;
  if (!code->type->plan || code->type->on_event) return SG_OK;
  int n = code->nodes, *sends = calloc((size_t)n, sizeof *sends);
  void *state = calloc(1, code->state_size + 1);
  sg_orders o = {0};
  bool ok = sends && state;
  if (ok && code->type->begin_round) code->type->begin_round(code, state, 0);
  if (ok) code->type->plan(code, state, 0, 0, &o);
  ok = ok && !o.failed;
  for (int i = 0; ok && i < o.count; i++) {
    int first, end;
    if (o.order[i].kind != SG_ORDER_SEND) continue;
    sg_order_nodes(&o.order[i], code, &first, &end);
    for (int v = first; v < end; v++) *several |= ++sends[v] > 1 || o.order[i].tag != 0;
  }
  for (int v = 0; ok && v < n; v++) *all = *all && sends[v] > 0;
  sg_orders_free(&o);
  free(sends);
  free(state);
  return ok ? SG_OK : sg_fail_memory(e);
}

/* Where all workers are waited for, in every round: their weights. */
static sg_status find_weights(sg_code *code, tables *t, bool all, sg_error *e) {
  const sg_code *inner = code->inner;
  const sg_policy *stop = inner->policy;
  int n = t->s.workers, need = stop->messages > 0 ? stop->messages : inner->segment->need;
  t->coordinated = true;
  if (!(stop->type->wants & SG_COUNTS) || need < n || !all || inner->state_size > 0 ||
      inner->flags & SG_REMEMBERS)
    return SG_OK;
  sg_protocol *protocol = sg_protocol_new(inner);
  sg_decoder *decoder = sg_decoder_new(inner);
  sg_message *message = calloc((size_t)n, sizeof *message);
  const sg_message **view = calloc((size_t)n, sizeof *view);
  t->w = sg_code_alloc(code, (size_t)n, sizeof *t->w);
  sg_status status = protocol && decoder && message && view && t->w ? SG_OK : sg_fail_memory(e);
  sg_weights found;
  for (int i = 0; i < n && !status; i++) {
    message[i] = (sg_message){.id = i, .from = i, .to = SG_MASTER};
    view[i] = &message[i];
  }
  if (!status)
    status = sg_decoder_weights(decoder, sg_protocol_state(protocol), 0, n, view, &found, e);
  for (int i = 0; i < n && !status; i++) t->w[i] = found.w[i];
  if (!status) t->coordinated = false;
  sg_protocol_free(protocol);
  sg_decoder_free(decoder);
  free(message);
  free((void *)view);
  if (status != SG_UNDECODABLE) return status;
  sg_error_clear(e);
  return SG_OK;
}

/* Transmissions of the worker that has most for a bucket, at least one; 0: no memory. */
static int most_sends(const sg_schedule *s) {
  SG_OWNED int *sends = calloc((size_t)s->workers, sizeof *sends);
  int most = 1;
  for (int i = 0; sends && i < s->hops; i++)
    if (++sends[s->hop[i].from] > most) most = sends[s->hop[i].from];
  return sends ? most : 0;
}

/* Buckets, and in each its chunks, which differ by a coordinate at most. */
static sg_status make_segments(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  const sg_values *own = collective_of(values);
  const sg_shape *shape = &code->shape;
  bool layers = sg_values_param(values, "layers") && sg_choice(values, "layers") != 0;
  long buckets = sg_int(own, "buckets"), chunks = t->s.chunks;
  if (layers && sg_given(own, "buckets"))
    return sg_fail_at(e, own, "buckets",
                      "expected no buckets where layers are sent one by one, "
                      "found %ld",
                      buckets);
  if (layers) buckets = shape->n_layers;
  const char *member = layers ? "layers" : buckets > 1 ? "buckets" : "collective";
  const sg_values *where = buckets > 1 && !layers ? own : values;
  if (buckets > shape->length || chunks * buckets > INT32_MAX / 4)
    return sg_fail_at(e, own, "buckets", "expected at most l = %ld, found %ld", shape->length,
                      buckets);
  int sends = most_sends(&t->s);
  if (sends == 0) return sg_fail_memory(e);
  long most = SG_MAX_DRAWS / sends;
  if (buckets > 1 && buckets > most)
    return sg_fail_at(e, where, member,
                      "expected at most %ld buckets or layers, since a worker has at most %d "
                      "transmissions in an iteration, found %ld",
                      most, SG_MAX_DRAWS, buckets);
  t->buckets = (int)buckets;
  if (buckets > 1 && (t->coordinated || code->inner->type->plan))
    return sg_fail_at(
        e, where, member,
        "expected one bucket with the code \"%s\": what workers add is known when %s, "
        "which leaves nothing to overlap with; found %ld (\"uncoded\" can)",
        code->type->about.name,
        t->coordinated ? "the coordinator has chosen them" : "all is computed", buckets);
  sg_segment *segment = sg_code_alloc(code, (size_t)(buckets * chunks), sizeof *segment);
  t->share = sg_code_alloc(code, (size_t)buckets, sizeof *t->share);
  t->done = sg_code_alloc(code, (size_t)buckets, sizeof *t->done);
  if (!segment || !t->share || !t->done) return sg_fail_memory(e);
  long begin = 0;
  for (int b = 0; b < t->buckets; b++) {
    long end = layers ? shape->layer_end[b]
                      : (long)((double)shape->length * (double)(b + 1) / (double)buckets);
    if (b + 1 == t->buckets) end = shape->length;
    t->share[b] = layers ? shape->layer_work[b] : 1 / (double)buckets;
    long least = (end - begin) / chunks, longer = (end - begin) % chunks;
    if (least < 1)
      return sg_fail_at(e, where, member,
                        "expected at least as many coordinates as chunks (%ld)%s, found %ld",
                        chunks, buckets > 1 ? " in each bucket or layer" : "", end - begin);
    for (long c = 0; c < chunks; c++, begin = end) {
      end = begin + least + (c < longer);
      segment[b * chunks + c] = (sg_segment){.begin = begin, .end = end, .pieces = 1, .need = 1};
    }
  }
  for (int b = t->buckets - 1, done = 0; b >= 0; b--) t->done[b] = done += t->share[b] > 0;
  code->segment = segment;
  code->segments = (int)(buckets * chunks);
  return SG_OK;
}

static bool describe(const sg_code *code, struct sg_buffer *out) {
  return sg_code_describe(code->inner, out);
}

/* Its own type, so that it goes by the inner code's name. */
static bool make_type(sg_code *code) {
  const sg_code *inner = code->inner;
  sg_code_type *type = sg_code_alloc(code, 1, sizeof *type);
  if (!type) return false;
  *type = (sg_code_type){.about = inner->type->about,
                         .create = inner->type->create,
                         .encode = encode,
                         .weights = weights,
                         .describe = describe,
                         .on_event = on_event};
  code->type = type;
  code->shape = inner->shape;
  code->nodes = inner->nodes;
  code->parts = inner->parts;
  code->edge = inner->edge;
  code->models = code->reduction = 1;
  code->load = inner->load;
  code->stored = inner->stored;
  code->work = inner->work;
  code->exact = inner->exact;
  code->stop = inner->stop;
  code->policy = inner->policy;
  code->local = inner->local;
  code->flags = inner->flags & (SG_BATCHES | SG_LOCAL | SG_REMEMBERS | SG_WEIGHTS_BY_COUNT);
  return true;
}

static sg_status keep_schedule(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  const sg_values *own = collective_of(values);
  sg_schedule made, *s = &t->s;
  sg_status status =
      sg_schedule_make((const sg_collective_type *)own->variant, code->nodes, own, &made, e);
  *s = made;
  s->hop = sg_code_alloc(code, (size_t)made.hops + 1, sizeof *s->hop);
  s->keeper = sg_code_alloc(code, (size_t)made.chunks + 1, sizeof *s->keeper);
  if (!status && !(s->hop && s->keeper)) status = sg_fail_memory(e);
  if (!status && made.hops > 0) memcpy(s->hop, made.hop, (size_t)made.hops * sizeof *s->hop);
  if (!status) memcpy(s->keeper, made.keeper, (size_t)made.chunks * sizeof *s->keeper);
  sg_schedule_free(&made);
  return !status && !make_steps(code, t) ? sg_fail_memory(e) : status;
}

static sg_status make_note(sg_code *code, const tables *t, sg_error *e) {
  enum { SIZE = 200 };
  char *note = sg_code_alloc(code, SIZE, 1);
  if (!note) return sg_fail_memory(e);
  const sg_schedule *s = &t->s;
  int rounds = s->hops > 0 ? s->hop[s->hops - 1].round + 1 : 0;
  snprintf(note, SIZE,
           "all-reduce without a master: %d chunks, %d rounds, %d hops%s; a lost worker stops it%s",
           s->chunks, rounds, s->hops, t->buckets > 1 ? " for each bucket" : "",
           t->coordinated ? ", a late one only forwards" : "");
  code->note = note;
  return SG_OK;
}

sg_status sg_collective_wrap(sg_code **out, const sg_values *values, sg_error *e) {
  if (!sg_collective_given(values)) return SG_OK;
  sg_code *inner = *out, *code = calloc(1, sizeof *code);
  bool several, all;
  if (!code) return sg_fail_memory(e);
  sg_status status = count_sends(inner, &several, &all, e);
  const char *why = status ? NULL : cannot(inner, several);
  if (why)
    status = sg_fail_at(e, values, "collective",
                        "expected no \"collective\" with the code \"%s\", which %s; codes of one "
                        "message per worker can, such as \"uncoded\" and \"cyclic-repetition\"",
                        inner->type->about.name, why);
  tables *t = status ? NULL : sg_code_alloc(code, 1, sizeof *t);
  if (!status && !t) status = sg_fail_memory(e);
  code->self = t;
  code->inner = inner;
  if (!status && !make_type(code)) status = sg_fail_memory(e);
  if (!status) status = keep_schedule(code, t, values, e);
  if (!status) status = find_weights(code, t, all, e);
  if (!status) status = make_segments(code, t, values, e);
  if (!status) status = make_note(code, t, e);
  if (status) {
    code->inner = NULL;
    sg_code_free(code);
    return status;
  }
  t->alike = inner->work != NULL;
  for (int v = 1; v < code->nodes && t->alike; v++) t->alike = inner->work[v] == inner->work[0];
  inner->shape.layer_end = NULL; /* the problem may be gone when the code is used */
  inner->shape.layer_work = NULL;
  if (!t->coordinated) code->flags |= SG_WEIGHTS_CONSTANT;
  code->state_size = code->round_size = lay_out(t, NULL, NULL);
  *out = code;
  return SG_OK;
}
