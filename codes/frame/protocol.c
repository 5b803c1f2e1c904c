/* SPDX-License-Identifier: MIT */
/* Orders, and the default protocol: one round per iteration. */
#include "codes/frame/protocol.h"
#include "codes/frame/rank.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Orders ----------------------------------------------------------------------------------- */

static void add(sg_orders *o, const sg_order *order) {
  if (o->count == o->capacity) {
    int capacity = o->capacity ? 2 * o->capacity : 32;
    sg_order *moved = realloc(o->order, (size_t)capacity * sizeof *moved);
    if (!moved) {
      o->failed = true;
      return;
    }
    o->order = moved;
    o->capacity = capacity;
  }
  o->order[o->count++] = *order;
}

void sg_snapshot(sg_orders *o, int snapshot, int model) {
  add(o, &(sg_order){.kind = SG_ORDER_SNAPSHOT, .snapshot = snapshot, .model = model});
}

void sg_task(sg_orders *o, int node, int snapshot, double work, int draws, unsigned flags) {
  add(o, &(sg_order){.kind = SG_ORDER_TASK,
                     .node = node,
                     .snapshot = snapshot,
                     .work = work,
                     .draws = draws,
                     .flags = flags});
}

void sg_send(sg_orders *o, int node, int to, int snapshot, int segment, int tag, unsigned flags) {
  add(o, &(sg_order){.kind = SG_ORDER_SEND,
                     .node = node,
                     .to = to,
                     .snapshot = snapshot,
                     .segment = segment,
                     .tag = tag,
                     .flags = flags});
}

void sg_stop(sg_orders *o, int node) {
  add(o, &(sg_order){.kind = SG_ORDER_STOP, .node = node});
}

void sg_tell(sg_orders *o, int node, int arg) {
  add(o, &(sg_order){.kind = SG_ORDER_TELL, .node = node, .arg = arg});
}

void sg_timer(sg_orders *o, sg_timer_rule rule, double value, int arg) {
  add(o, &(sg_order){.kind = SG_ORDER_TIMER, .rule = rule, .value = value, .arg = arg});
}

void sg_decode(sg_orders *o, int model, int snapshot, unsigned flags) {
  add(o,
      &(sg_order){.kind = SG_ORDER_DECODE, .model = model, .snapshot = snapshot, .flags = flags});
}

void sg_close(sg_orders *o, int snapshot) {
  add(o, &(sg_order){.kind = SG_ORDER_CLOSE, .snapshot = snapshot});
}

void sg_drop(sg_orders *o, const sg_message *message) {
  add(o, &(sg_order){.kind = SG_ORDER_DROP, .message = message});
}

void sg_end_round(sg_orders *o) {
  add(o, &(sg_order){.kind = SG_ORDER_END_ROUND});
}

void sg_orders_clear(sg_orders *o) {
  o->count = 0;
  o->failed = false;
}

void sg_orders_free(sg_orders *o) {
  free(o->order);
  *o = (sg_orders){0};
}

/* --- The default protocol --------------------------------------------------------------------- */

struct sg_protocol {
  const sg_code *code;
  void *state;
  int round;
  int *seen;          /* per segment: messages that have come to the master */
  unsigned char *met; /* per segment: its stop rule is met */
  int unmet;          /* segments whose stop rule is not met yet */
  int *children;      /* tree: per node, how many it waits for; NULL for a star */
  int *come;          /* tree: per node, messages that have come to it */
  bool alike;         /* all nodes have the same work and report to the master */
  sg_rank **rank;     /* per segment with the rank test as stop rule, else NULL */
};

static bool make_tree(sg_protocol *p) {
  const sg_code *code = p->code;
  if (!code->parent) return true;
  p->children = calloc((size_t)code->nodes, sizeof *p->children);
  p->come = calloc((size_t)code->nodes * (size_t)code->segments, sizeof *p->come);
  if (!p->children || !p->come) return false;
  for (int v = 0; v < code->nodes; v++)
    if (code->parent[v] != SG_MASTER) p->children[code->parent[v]]++;
  return true;
}

static bool all_alike(const sg_code *code) {
  if (code->parent || !code->work) return false;
  for (int v = 1; v < code->nodes; v++)
    if (code->work[v] != code->work[0]) return false;
  return true;
}

static bool make_rank_tests(sg_protocol *p) {
  const sg_code *code = p->code;
  if (!(code->flags & SG_STOP_DECODABLE) || code->type->arrive) return true;
  p->rank = calloc((size_t)code->segments, sizeof(sg_rank *));
  if (!p->rank) return false;
  for (int s = 0; s < code->segments; s++)
    if (!(p->rank[s] = sg_rank_new(code, s))) return false;
  return true;
}

sg_protocol *sg_protocol_new(const sg_code *code) {
  sg_protocol *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->code = code;
  p->alike = all_alike(code);
  p->state = calloc(1, code->state_size + 1);
  p->seen = calloc((size_t)code->segments, sizeof *p->seen);
  p->met = calloc((size_t)code->segments, sizeof *p->met);
  if (p->state && p->seen && p->met &&
      (code->type->on_event || (make_tree(p) && make_rank_tests(p))))
    return p;
  sg_protocol_free(p);
  return NULL;
}

void sg_protocol_free(sg_protocol *p) {
  if (!p) return;
  for (int s = 0; p->rank && s < p->code->segments; s++) sg_rank_free(p->rank[s]);
  free(p->rank);
  free(p->state);
  free(p->seen);
  free(p->met);
  free(p->children);
  free(p->come);
  free(p);
}

const void *sg_protocol_state(const sg_protocol *p) {
  return p->state;
}

static int draws(double work) {
  return work < 1 ? 1 : (int)lround(work);
}

/* One task with everything a node has to do, then a message per segment. An inner node of a tree
 * sends when its children have answered. */
static void default_plan(const sg_protocol *p, int snapshot, sg_orders *o) {
  const sg_code *code = p->code;
  int to = code->parent ? SG_UP : SG_MASTER;
  if (p->alike) { /* A few orders for all say the same as a few for each. */
    double work = code->work[0];
    if (work > 0) sg_task(o, SG_ALL, snapshot, work, draws(work), 0);
    for (int s = 0; s < code->segments; s++) sg_send(o, SG_ALL, to, snapshot, s, 0, 0);
    return;
  }
  for (int v = 0; v < code->nodes; v++) {
    double work = code->work[v];
    if (work > 0) sg_task(o, v, snapshot, work, draws(work), 0);
    if (p->children && p->children[v] > 0) continue;
    for (int s = 0; s < code->segments; s++) sg_send(o, v, to, snapshot, s, 0, 0);
  }
}

static void begin(sg_protocol *p, int round, sg_orders *o) {
  const sg_code *code = p->code;
  p->round = round;
  p->unmet = code->segments;
  memset(p->seen, 0, (size_t)code->segments * sizeof *p->seen);
  memset(p->met, 0, (size_t)code->segments * sizeof *p->met);
  if (p->come) memset(p->come, 0, (size_t)code->nodes * (size_t)code->segments * sizeof *p->come);
  for (int s = 0; p->rank && s < code->segments; s++) sg_rank_clear(p->rank[s]);
  if (code->type->begin_round) code->type->begin_round(code, p->state, round);
  sg_snapshot(o, round, 0);
  if (code->type->plan)
    code->type->plan(code, p->state, round, round, o);
  else
    default_plan(p, round, o);
}

static sg_verdict default_verdict(sg_protocol *p, int at, const sg_message *m, bool *failed) {
  const sg_code *code = p->code;
  if (at != SG_MASTER)
    return ++p->come[at * code->segments + m->segment] >= p->children[at] ? SG_READY : SG_WAIT;
  if (p->rank) return sg_rank_add(p->rank[m->segment], p->state, m, failed);
  return ++p->seen[m->segment] >= code->segment[m->segment].need ? SG_READY : SG_WAIT;
}

/* Returns whether the master has got something new while all stop rules are met. */
static bool take(sg_protocol *p, int at, const sg_message *m, sg_orders *o) {
  const sg_code *code = p->code;
  if (m->round != p->round) {
    sg_drop(o, m);
    return false;
  }
  sg_verdict verdict = code->type->arrive ? code->type->arrive(code, p->state, m)
                                          : default_verdict(p, at, m, &o->failed);
  if (verdict == SG_SKIP) {
    sg_drop(o, m);
    return false;
  }
  if (at != SG_MASTER) {
    if (verdict == SG_READY) sg_send(o, at, SG_UP, m->snapshot, m->segment, 0, 0);
    return false;
  }
  if (verdict == SG_READY && !p->met[m->segment]) {
    p->met[m->segment] = 1;
    p->unmet--;
  }
  return p->unmet == 0;
}

/* The engine ends the round only if the decode succeeds: after a refused one more messages may
 * come, and each is a reason to try again. */
static void arrival(sg_protocol *p, int at, const sg_event *event, sg_orders *o) {
  bool ready = false;
  for (int i = 0; i < event->count; i++) ready |= take(p, at, event->message[i], o);
  if (!ready) return;
  sg_decode(o, 0, p->round, SG_LAST);
  sg_end_round(o);
}

static void updated(sg_protocol *p, const sg_event *event, sg_orders *o) {
  if (p->code->type->updated) p->code->type->updated(p->code, p->state, event);
  if (event->decoded || !event->skip) return;
  sg_close(o, p->round);
  sg_end_round(o);
}

void sg_protocol_event(sg_protocol *p, const sg_event *event, sg_orders *orders) {
  if (p->code->type->on_event) {
    p->code->type->on_event(p->code, p->state, event, orders);
    return;
  }
  switch (event->kind) {
  case SG_BEGIN: begin(p, event->round, orders); break;
  case SG_ARRIVAL: arrival(p, event->at, event, orders); break;
  case SG_CUT: arrival(p, SG_MASTER, event, orders); break;
  case SG_UPDATED: updated(p, event, orders); break;
  case SG_STALLED: /* More will not come. With what there is or, if that is refused, not at all. */
    if (!event->skip) break;
    sg_decode(orders, 0, p->round, SG_LAST);
    sg_end_round(orders);
    break;
  case SG_SIGNAL:
  case SG_COMMAND:
  case SG_TIMER: break;
  }
}
