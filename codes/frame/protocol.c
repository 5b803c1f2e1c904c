/* SPDX-License-Identifier: MIT */
/* Orders, a code's protocol in one run, and the default round: one round per iteration. */
#include "codes/frame/collective.h"
#include "codes/frame/rank.h"
#include "codes/frame/stop.h"
#include "sim/core/array.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Orders: lists of plain data that a protocol writes and an engine carries out ------------- */

static void add(sg_orders *o, const sg_order *order) {
  if (SG_ROOM(o->order, o->capacity, o->count + 1))
    o->order[o->count++] = *order;
  else
    o->failed = true;
}

void sg_snapshot(sg_orders *o, int snapshot, int model, unsigned flags) {
  add(o,
      &(sg_order){.kind = SG_ORDER_SNAPSHOT, .snapshot = snapshot, .model = model, .flags = flags});
}

int sg_draws_of_work(double work) {
  return work < 1.5 ? 1 : work < INT_MAX ? (int)lround(work) : INT_MAX;
}

void sg_task(sg_orders *o, int node, int snapshot, double work, int draws, unsigned flags) {
  if (draws == SG_DRAWS_OF_WORK) draws = sg_draws_of_work(work);
  add(o, &(sg_order){.kind = SG_ORDER_TASK,
                     .node = node,
                     .snapshot = snapshot,
                     .work = work,
                     .draws = draws,
                     .flags = flags});
}

void sg_send(sg_orders *o, int node, int to, int snapshot, int segment, int tag, unsigned flags) {
  sg_send_after(o, node, to, snapshot, segment, tag, SG_AFTER_ALL, flags);
}

void sg_send_after(sg_orders *o, int node, int to, int snapshot, int segment, int tag, int after,
                   unsigned flags) {
  add(o, &(sg_order){.kind = SG_ORDER_SEND,
                     .node = node,
                     .to = to,
                     .snapshot = snapshot,
                     .segment = segment,
                     .tag = tag,
                     .after = after,
                     .flags = flags});
}

void sg_stop(sg_orders *o, int node) {
  add(o, &(sg_order){.kind = SG_ORDER_STOP, .node = node});
}

void sg_discard(sg_orders *o, int node) {
  add(o, &(sg_order){.kind = SG_ORDER_STOP, .node = node, .flags = SG_USELESS});
}

void sg_stop_queued(sg_orders *o, int node) {
  add(o, &(sg_order){.kind = SG_ORDER_STOP, .node = node, .flags = SG_QUEUED});
}

void sg_tell(sg_orders *o, int node, int arg) {
  add(o, &(sg_order){.kind = SG_ORDER_TELL, .node = node, .arg = arg});
}

void sg_timer(sg_orders *o, sg_timer_rule rule, double value, int arg) {
  add(o, &(sg_order){
             .kind = SG_ORDER_TIMER, .node = SG_MASTER, .rule = rule, .value = value, .arg = arg});
}

void sg_timer_of(sg_orders *o, int node, double value, int arg) {
  add(o, &(sg_order){.kind = SG_ORDER_TIMER, .node = node, .value = value, .arg = arg});
}

void sg_use(sg_orders *o, const sg_message *message) {
  add(o, &(sg_order){.kind = SG_ORDER_USE, .message = message});
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

/* --- What orders mean ------------------------------------------------------------------------- */

void sg_order_nodes(const sg_order *order, const sg_code *code, int *first, int *end) {
  *first = order->node == SG_ALL ? 0 : order->node;
  *end = order->node == SG_ALL ? code->nodes : order->node + 1;
}

sg_message sg_order_message(const sg_order *order, const sg_code *code, int node) {
  int to = order->to != SG_UP ? order->to : code->parent ? code->parent[node] : SG_MASTER;
  return (sg_message){.from = node,
                      .to = to,
                      .snapshot = order->snapshot,
                      .segment = order->segment,
                      .tag = order->tag};
}

bool sg_message_comes(const sg_code *code, const sg_message *message, const bool *present) {
  return code->type->comes ? code->type->comes(code, message, present) : present[message->from];
}

/* --- A protocol ------------------------------------------------------------------------------- */

/* The argument of the stop policy's timers: a code's own are whatever it likes from 0 on. */
enum { STOP_TIMER = -1 };

/* What has come to the master of one segment. */
typedef struct progress {
  sg_arrivals arrivals;
  bool met;      /* the stop policy is */
  sg_rank *rank; /* where decodability is asked for and the code does not say it; or NULL */
  unsigned char *covered; /* parts flags, where coverage is asked for */
  int parts;              /* of them that are set */
} progress;

/* After so many rounds in a row without a message nobody is there any more. */
enum { MOST_EMPTY = 500 };

struct sg_protocol {
  const sg_code *code;
  sg_arena *arena; /* of all but the rank tests and what grows */
  void *state;
  int round;
  progress *segment; /* code->segments */
  int unmet;         /* segments whose stop policy is not met yet */
  int expected;      /* messages that the plan and further orders have sent to the master */
  int come;          /* of them that have come */
  int empty;         /* rounds in a row in which nothing has */
  int least;         /* messages of the segment of which fewest have come */
  int quiet;         /* so many further messages change nothing but counts: see came() */
  bool counts_only;  /* see counts_only() */
  int counted;       /* orders of the event at hand that have been looked at for `expected` */
  bool over;         /* the decode that ends the round was ordered and not refused since */
  bool timed_out;    /* the policy's timer has fired */
  int *children;     /* tree: per node, how many it waits for; NULL for a star */
  int *at_node;      /* tree: per node and segment, messages that have come to it */
  bool alike;        /* all nodes have the same work and report to the master */
  sg_expander expander;
  sg_scratch dense;            /* (parts + coded parts) × pieces, for coverage */
  sg_coordinator *coordinator; /* of a collective whose workers wait for one */
};

static bool make_tree(sg_protocol *p) {
  const sg_code *code = p->code;
  if (!code->parent) return true;
  size_t nodes = (size_t)code->nodes;
  p->children = sg_arena_alloc(&p->arena, nodes, sizeof *p->children);
  p->at_node = sg_arena_alloc(&p->arena, nodes * (size_t)code->segments, sizeof *p->at_node);
  if (!p->children || !p->at_node) return false;
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

/* Whether until the policy is met a message changes nothing but counts, whichever it is: nobody
 * asks whose it is or what is in it, and no timer is set by it. */
static bool counts_only(const sg_code *code) {
  const sg_code_type *type = code->type;
  const unsigned more = SG_WANTS_DECODABLE | SG_WANTS_COVERAGE | SG_ENDS_WITH_ALL | SG_IS_QUORUM;
  return !type->on_event && !type->arrive && !code->parent && code->segments == 1 &&
         !(code->flags & SG_SEE_CUTS) && code->policy->type->wants & SG_COUNTS &&
         !(code->policy->wants & more);
}

static bool make_progress(sg_protocol *p, int s) {
  const sg_code *code = p->code;
  progress *g = &p->segment[s];
  unsigned wants = code->policy->wants;
  g->arrivals.need = code->segment[s].need;
  if (wants & SG_WANTS_DECODABLE && !code->type->arrive && !(g->rank = sg_rank_new(code, s)))
    return false;
  if (!(wants & SG_WANTS_COVERAGE)) return true;
  g->covered = sg_arena_alloc(&p->arena, (size_t)code->parts, 1);
  return g->covered;
}

static bool has_rounds(const sg_code *code) {
  return !code->type->on_event || code->flags & SG_ROUNDS;
}

sg_protocol *sg_protocol_new(const sg_code *code) {
  sg_protocol *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->code = code;
  p->alike = all_alike(code);
  p->counts_only = counts_only(code);
  p->state = sg_arena_alloc(&p->arena, 1, code->state_size + 1);
  p->segment = sg_arena_alloc(&p->arena, (size_t)code->segments, sizeof *p->segment);
  bool ok = p->state && p->segment;
  if (ok && code->inner && sg_collective_coordinated(code)) {
    p->coordinator = sg_coordinator_new(code);
    ok = p->coordinator;
  }
  if (ok && has_rounds(code)) {
    ok = make_tree(p);
    for (int s = 0; ok && s < code->segments; s++) ok = make_progress(p, s);
  }
  if (ok) return p;
  sg_protocol_free(p);
  return NULL;
}

void sg_protocol_free(sg_protocol *p) {
  if (!p) return;
  for (int s = 0; p->segment && s < p->code->segments; s++) sg_rank_free(p->segment[s].rank);
  sg_coordinator_free(p->coordinator);
  sg_arena_free(p->arena);
  free(p->dense.data);
  sg_expander_free(&p->expander);
  free(p);
}

sg_coordinator *sg_protocol_coordinator(const sg_protocol *p) {
  return p->coordinator;
}

const void *sg_protocol_state(const sg_protocol *p) {
  return p->state;
}

sg_status sg_protocol_weights(const sg_protocol *p, int segment, int count,
                              const sg_message *const *message, double *W, double *cond1,
                              double *flops) {
  sg_rank *rank = p->segment[segment].rank;
  return rank ? sg_rank_weights(rank, count, message, W, cond1, flops) : SG_UNDECODABLE;
}

/* The last layer's gradient is there first. */
static void plan_by_layer(const sg_protocol *p, int node, double work, int snapshot, sg_orders *o) {
  const sg_code *code = p->code;
  for (int s = code->segments - 1; s >= 0; s--) {
    double share = work * code->shape.layer_work[s];
    if (share > 0) sg_task(o, node, snapshot, share, SG_DRAWS_OF_WORK, 0);
    sg_send(o, node, SG_MASTER, snapshot, s, 0, 0);
  }
}

/* One task with everything a node has to do, then a message per segment. An inner node of a tree
 * sends when its children have answered. */
static void default_plan(const sg_protocol *p, int snapshot, sg_orders *o) {
  const sg_code *code = p->code;
  int to = code->parent ? SG_UP : SG_MASTER;
  if (code->by_layer) {
    for (int v = 0; v < (p->alike ? 1 : code->nodes); v++)
      plan_by_layer(p, p->alike ? SG_ALL : v, code->work[v], snapshot, o);
    return;
  }
  if (p->alike) { /* A few orders for all say the same as a few for each. */
    double work = code->work[0];
    if (work > 0) sg_task(o, SG_ALL, snapshot, work, SG_DRAWS_OF_WORK, 0);
    for (int s = 0; s < code->segments; s++) sg_send(o, SG_ALL, to, snapshot, s, 0, 0);
    return;
  }
  for (int v = 0; v < code->nodes; v++) {
    double work = code->work[v];
    if (work > 0) sg_task(o, v, snapshot, work, SG_DRAWS_OF_WORK, 0);
    if (p->children && p->children[v] > 0) continue;
    for (int s = 0; s < code->segments; s++) sg_send(o, v, to, snapshot, s, 0, 0);
  }
}

/* Counts what orders have sent to the master since the last call; inner nodes were counted when the
 * round began. */
static void count_sends(sg_protocol *p, const sg_orders *o) {
  const sg_code *code = p->code;
  if (!(code->policy->wants & SG_ENDS_WITH_ALL)) return;
  for (; p->counted < o->count; p->counted++) {
    const sg_order *order = &o->order[p->counted];
    int from, end;
    if (order->kind != SG_ORDER_SEND) continue;
    sg_order_nodes(order, code, &from, &end);
    for (int v = from; v < end; v++)
      p->expected +=
          sg_order_message(order, code, v).to == SG_MASTER && !(p->children && p->children[v] > 0);
  }
}

/* Messages to the master that inner nodes will send. */
static int count_inner(const sg_protocol *p) {
  const sg_code *code = p->code;
  int count = 0;
  for (int v = 0; p->children && v < code->nodes; v++)
    if (p->children[v] > 0 && code->parent[v] == SG_MASTER) count += code->segments;
  return count;
}

static void set_timers(const sg_policy *stop, sg_orders *o) {
  if (stop->type->timed) sg_timer(o, stop->type->rule, stop->value, STOP_TIMER);
  for (int i = 0; i < 2; i++)
    if (stop->part[i]) set_timers(stop->part[i], o);
}

static void clear_progress(const sg_code *code, progress *g) {
  g->arrivals = (sg_arrivals){.need = g->arrivals.need};
  g->met = false;
  g->parts = 0;
  if (g->rank) sg_rank_clear(g->rank);
  if (g->covered) memset(g->covered, 0, (size_t)code->parts);
}

static void begin(sg_protocol *p, int round, sg_orders *o) {
  const sg_code *code = p->code;
  assert(has_rounds(code)); /* the flag SG_ROUNDS */
  p->round = round;
  p->unmet = code->segments;
  p->come = p->least = 0;
  p->over = p->timed_out = false;
  for (int s = 0; s < code->segments; s++) clear_progress(code, &p->segment[s]);
  if (p->at_node)
    memset(p->at_node, 0, (size_t)code->nodes * (size_t)code->segments * sizeof *p->at_node);
  memset(p->state, 0, code->round_size);
  if (code->type->begin_round) code->type->begin_round(code, p->state, round);
  sg_snapshot(o, round, 0, 0);
  if (code->type->plan)
    code->type->plan(code, p->state, round, round, o);
  else
    default_plan(p, round, o);
  p->expected = count_inner(p);
  const sg_policy *policy = code->policy;
  int need = policy->messages > 0 ? policy->messages : code->segment[0].need;
  p->quiet = p->counts_only ? need - 1 : 0;
  set_timers(code->policy, o);
}

/* --- Arrivals --------------------------------------------------------------------------------- */

static void cover_part(progress *g, int part) {
  g->parts += !g->covered[part];
  g->covered[part] = 1;
}

/* Marks the parts that the message contains, those of its coded parts and of a relay's inputs. */
static void cover(sg_protocol *p, progress *g, const sg_message *m, sg_orders *o) {
  const sg_code *code = p->code;
  int all = code->parts + code->coded_parts, pieces = code->segment[m->segment].pieces;
  size_t bytes = (size_t)all * (size_t)pieces * sizeof(double);
  double *dense = sg_scratch_get(&p->dense, bytes);
  if (dense) memset(dense, 0, bytes);
  if (!dense || !sg_expand(&p->expander, code, p->state, m, 1, dense)) {
    o->failed = true;
    return;
  }
  for (int j = 0; j < all * pieces; j++) {
    int part = j / pieces;
    if (dense[j] == 0) continue;
    if (part < code->parts) {
      cover_part(g, part);
      continue;
    }
    const sg_combination *c = &code->coded[part - code->parts];
    for (int i = 0; i < c->count; i++) cover_part(g, c->part[i]);
  }
  g->arrivals.covered = (double)g->parts / code->parts;
}

static sg_verdict verdict_of(sg_protocol *p, int at, const sg_message *m, sg_orders *o) {
  const sg_code *code = p->code;
  if (code->type->arrive) return code->type->arrive(code, p->state, m, o);
  if (at != SG_MASTER) {
    int come = ++p->at_node[at * code->segments + m->segment];
    return come >= p->children[at] ? SG_READY : SG_WAIT;
  }
  sg_rank *rank = p->segment[m->segment].rank;
  return rank ? sg_rank_add(rank, p->state, m, &o->failed) : SG_WAIT;
}

static void take_at_node(sg_protocol *p, int at, const sg_message *m, sg_orders *o) {
  sg_verdict verdict = verdict_of(p, at, m, o);
  if (verdict == SG_SKIP) sg_drop(o, m);
  if (verdict == SG_READY) sg_send(o, at, SG_UP, m->snapshot, m->segment, 0, 0);
}

/* The grace of quorums that the last arrival has completed in all segments. */
static void set_grace(const sg_policy *stop, int before, int least, sg_orders *o) {
  if (stop->type->wants & SG_IS_QUORUM && stop->value > 0 && before < stop->messages &&
      least >= stop->messages)
    sg_timer(o, SG_AFTER_SECONDS, stop->value, STOP_TIMER);
  for (int i = 0; i < 2; i++)
    if (stop->part[i]) set_grace(stop->part[i], before, least, o);
}

static void count_least(sg_protocol *p, sg_orders *o) {
  int before = p->least, least = INT_MAX;
  for (int s = 0; s < p->code->segments; s++)
    least = p->segment[s].arrivals.come < least ? p->segment[s].arrivals.come : least;
  p->least = least;
  set_grace(p->code->policy, before, least, o);
}

static void set_all_met(sg_protocol *p) {
  for (int s = 0; s < p->code->segments; s++) p->segment[s].met = true;
  p->unmet = 0;
}

/* A message at the master. It is dropped if it adds nothing, unless after a refused decode:
 * everything is welcome then that may mend the arithmetic. */
static void take(sg_protocol *p, const sg_message *m, sg_orders *o) {
  const sg_policy *policy = p->code->policy;
  progress *g = &p->segment[m->segment];
  sg_verdict verdict = verdict_of(p, SG_MASTER, m, o);
  count_sends(p, o);
  p->come++;
  p->quiet--;
  p->empty = 0;
  g->arrivals.come++;
  g->arrivals.decodable |= verdict == SG_READY;
  if (g->covered) cover(p, g, m, o);
  if (!g->met && (p->timed_out || sg_stop_met(policy, &g->arrivals))) {
    g->met = true;
    p->unmet--;
  }
  if (!g->met && verdict == SG_SKIP && !(policy->wants & SG_IS_QUORUM)) sg_drop(o, m);
  if (policy->wants & SG_IS_QUORUM) count_least(p, o);
  if (policy->wants & SG_ENDS_WITH_ALL && p->come >= p->expected) set_all_met(p);
}

/* The engine ends the round only if the decode succeeds: after a refused one more messages may
 * come, and each is a reason to try again. */
static void decode(sg_protocol *p, sg_orders *o) {
  p->over = true;
  p->quiet = 0;
  sg_decode(o, 0, p->round, SG_LAST);
  sg_end_round(o);
}

static void arrival(sg_protocol *p, int at, const sg_event *event, sg_orders *o) {
  bool fresh = false; /* the master has got something that it did not drop at once */
  for (int i = 0; i < event->count; i++) {
    const sg_message *m = event->message[i];
    if (m->round != p->round || (at == SG_MASTER && p->over)) {
      sg_drop(o, m); /* late */
    } else if (at != SG_MASTER) {
      take_at_node(p, at, m, o);
    } else {
      take(p, m, o);
      fresh = true;
    }
  }
  if (fresh && p->unmet == 0) decode(p, o);
}

/* What has come must do; where nothing has, or no quorum, the iteration is skipped. */
static void timer(sg_protocol *p, sg_orders *o) {
  if (p->over || p->timed_out) return;
  p->timed_out = true;
  set_all_met(p);
  decode(p, o);
}

static void updated(sg_protocol *p, const sg_event *event, sg_orders *o) {
  if (p->code->type->updated) p->code->type->updated(p->code, p->state, event);
  if (event->decoded) return;
  p->over = false;
  bool none = p->come == 0 || p->least < sg_stop_least(p->code->policy);
  if (!event->skip && !(p->timed_out && none)) return;
  p->over = true;
  sg_close(o, p->round);
  sg_end_round(o);
}

void sg_round_event(const sg_event *event, sg_orders *orders) {
  sg_protocol *p = orders->round;
  assert(p); /* the orders that on_event was given */
  switch (event->kind) {
  case SG_BEGIN: begin(p, event->round, orders); break;
  case SG_ARRIVAL: arrival(p, event->at, event, orders); break;
  case SG_CUT:
    arrival(p, SG_MASTER, event, orders);
    if (event->arg == STOP_TIMER) timer(p, orders);
    break;
  case SG_UPDATED: updated(p, event, orders); break;
  case SG_TIMER:
    if (event->arg == STOP_TIMER) timer(p, orders);
    break;
  case SG_STALLED: /* More will not come. With what there is or, if that is refused, not at all. */
    if (event->skip)
      decode(p, orders);
    else if (p->code->flags & SG_ANY_COUNT && (p->come > 0 || p->empty++ < MOST_EMPTY))
      timer(p, orders); /* once: a refused decode would come back here */
    break;
  case SG_SIGNAL:
  case SG_COMMAND:
  case SG_BACK: break;
  }
}

bool sg_protocol_came(sg_protocol *p) {
  if (p->quiet <= 0) return false;
  p->quiet--;
  p->come++;
  p->empty = 0;
  p->segment[0].arrivals.come++;
  return true;
}

void sg_protocol_event(sg_protocol *p, const sg_event *event, sg_orders *orders) {
  orders->round = p;
  p->counted = orders->count;
  if (p->code->type->on_event)
    p->code->type->on_event(p->code, p->state, event, orders);
  else
    sg_round_event(event, orders);
  count_sends(p, orders);
}
