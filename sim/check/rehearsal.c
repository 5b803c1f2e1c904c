/* SPDX-License-Identifier: MIT */
#include "sim/check/rehearsal.h"

#include <stdlib.h>
#include <string.h>

/* A protocol that has not come to rest by then never will. */
enum { MOST_ORDERS = 1 << 20, DEEPEST = 1000 };

sg_status sg_rehearsal_possible(const sg_code *code, sg_error *e) {
  const char *what = code->flags & SG_ASYNC      ? "it has no barrier"
                     : code->flags & SG_SEE_CUTS ? "its rounds end by a timer"
                     : code->models > 1          ? "several jobs are in flight"
                                                 : NULL;
  if (!what) return SG_OK;
  return sg_fail(e, SG_INVALID, NULL,
                 "expected a code whose rounds stand for themselves, found \"%s\": %s",
                 code->type->about.name, what);
}

bool sg_rehearsal_is_static(const sg_code *code) {
  return !code->parent && !code->type->on_event;
}

typedef struct player {
  const sg_code *code;
  const bool *present;
  sg_rehearsal *rehearsal;
  int *done;                 /* per node: tasks */
  const sg_message **inputs; /* what a node holds; room for all messages */
  int inputs_capacity;
  int depth;
  long orders; /* obeyed so far */
  bool failed, restless;
} player;

static bool is_present(const player *p, int node) {
  return !p->present || p->present[node];
}

static bool widen(void *array, int *capacity, int count, size_t size) {
  if (count < *capacity) return true;
  int wider = *capacity ? 2 * *capacity : 64;
  void *old, *moved;
  memcpy(&old, array, sizeof old);
  moved = realloc(old, (size_t)wider * size);
  if (!moved) return false;
  memcpy(array, &moved, sizeof moved);
  *capacity = wider;
  return true;
}

static void obey(player *p, const sg_order *order);

/* Orders that come back are obeyed at once, as an engine would. */
static void tell(player *p, const sg_event *event) {
  sg_orders orders = {0};
  if (p->failed || p->restless) return;
  p->depth++;
  sg_protocol_event(p->rehearsal->protocol, event, &orders);
  p->failed |= orders.failed;
  p->orders += orders.count;
  p->restless |= p->orders > MOST_ORDERS || p->depth > DEEPEST;
  for (int i = 0; i < orders.count && !p->failed && !p->restless; i++) obey(p, &orders.order[i]);
  sg_orders_free(&orders);
  p->depth--;
}

/* The messages of the same snapshot and segment that `node` has been sent. */
static int gather(player *p, int node, int snapshot, int segment) {
  const sg_rehearsal *r = p->rehearsal;
  int n = 0;
  for (int i = 0; i < r->count; i++) {
    const sg_message *m = r->message[i];
    if (m->to != node || m->snapshot != snapshot || m->segment != segment) continue;
    if (!widen(&p->inputs, &p->inputs_capacity, n, sizeof *p->inputs)) {
      p->failed = true;
      return 0;
    }
    p->inputs[n++] = m;
  }
  return n;
}

static sg_message *new_message(player *p, const sg_order *o, int from) {
  sg_rehearsal *r = p->rehearsal;
  int n_in = p->code->parent ? gather(p, from, o->snapshot, o->segment) : 0;
  sg_message *m = NULL;
  /* The inputs stand behind the message, in one allocation. */
  if (!p->failed && widen(&r->message, &r->capacity, r->count, sizeof(sg_message *)))
    m = calloc(1, sizeof *m + (size_t)n_in * sizeof(sg_message *));
  if (!m) {
    p->failed = true;
    return NULL;
  }
  const sg_message **in = (const sg_message **)(void *)(m + 1);
  if (n_in) memcpy(in, p->inputs, (size_t)n_in * sizeof *in);
  *m = sg_order_message(o, p->code, from);
  m->id = r->count;
  m->n_in = n_in;
  m->in = n_in ? in : NULL;
  r->message[r->count++] = m;
  return m;
}

static void send(player *p, const sg_order *o, int from) {
  sg_rehearsal *r = p->rehearsal;
  const sg_message *m = new_message(p, o, from);
  if (!m) return;
  int to = m->to;
  if (to != SG_MASTER && !is_present(p, to)) return;
  if (to == SG_MASTER) {
    if (!widen(&r->delivered, &r->delivered_capacity, r->n_delivered, sizeof *r->delivered)) {
      p->failed = true;
      return;
    }
    r->delivered[r->n_delivered++] = m;
    if (sg_rehearsal_is_static(p->code)) return;
  }
  tell(p, &(sg_event){.kind = SG_ARRIVAL, .at = to, .from = from, .count = 1, .message = &m});
}

/* Who has dropped a message does not hold it any more: it is nobody's. */
static void drop(sg_rehearsal *r, const sg_message *message) {
  int kept = 0;
  for (int i = 0; i < r->n_delivered; i++)
    if (r->delivered[i] != message) r->delivered[kept++] = r->delivered[i];
  r->n_delivered = kept;
  r->message[message->id]->to = SG_ALL;
}

static void obey_one(player *p, const sg_order *o, int node) {
  switch (o->kind) {
  case SG_ORDER_TASK:
    p->done[node]++;
    if (o->flags & SG_REPORT)
      tell(p, &(sg_event){.kind = SG_SIGNAL, .from = node, .count = p->done[node]});
    break;
  case SG_ORDER_SEND: send(p, o, node); break;
  case SG_ORDER_TELL:
    tell(p, &(sg_event){.kind = SG_COMMAND, .at = node, .arg = o->arg, .count = p->done[node]});
    break;
  default: break;
  }
}

/* Decodes, ends and timers are no concern of a rehearsal: everything arrives. */
static void obey(player *p, const sg_order *o) {
  if (o->kind == SG_ORDER_DROP) {
    drop(p->rehearsal, o->message);
    return;
  }
  int from, to;
  sg_order_nodes(o, p->code, &from, &to);
  if (o->kind != SG_ORDER_TASK && o->kind != SG_ORDER_SEND && o->kind != SG_ORDER_TELL) return;
  for (int node = from; node < to && !p->failed; node++)
    if (is_present(p, node)) obey_one(p, o, node);
}

sg_status sg_rehearsal_round(const sg_code *code, const bool *present, sg_rehearsal *rehearsal,
                             sg_error *e) {
  player p = {.code = code, .present = present, .rehearsal = rehearsal};
  rehearsal->protocol = sg_protocol_new(code);
  p.done = calloc((size_t)code->nodes, sizeof *p.done);
  p.failed = !rehearsal->protocol || !p.done;
  tell(&p, &(sg_event){.kind = SG_BEGIN});
  free(p.done);
  free(p.inputs);
  if (p.failed) return sg_fail_memory(e);
  if (p.restless)
    return sg_fail(e, SG_BUG, NULL, "the protocol of \"%s\" does not come to rest",
                   code->type->about.name);
  return SG_OK;
}

void sg_rehearsal_free(sg_rehearsal *r) {
  sg_protocol_free(r->protocol);
  for (int i = 0; i < r->count; i++) free(r->message[i]);
  free(r->message);
  free(r->delivered);
  *r = (sg_rehearsal){0};
}
