/* SPDX-License-Identifier: MIT */
/* The player: a list of things that can happen, from which a script picks. */
#include "sim/check/rehearsal.h"

#include "sim/core/array.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A protocol that has not come to rest by then never will. */
enum { MOST_THINGS = 1 << 20, MOST_STALLS = 1000 };

enum { ON_ITS_WAY, HELD, GONE, NAMED }; /* where a message is; NAMED: held, and wanted */

typedef struct thing {
  sg_cue_kind kind;
  int node;
  /* WORK: the order. MESSAGE: r->message[first … first + count − 1]. SIGNAL, COMMAND: count or arg.
   * TIMER: arg and rule. */
  sg_order order;
  int first, count;
} thing;

typedef struct rehearsed_node {
  int tasks; /* done in this round */
  bool dead;
} rehearsed_node;

bool sg_rehearsal_is_static(const sg_code *code) {
  return !code->parent && !code->type->on_event && code->models == 1 &&
         !(code->flags & SG_REMEMBERS);
}

static bool is_async(const sg_rehearsal *r) {
  return r->code->flags & SG_ASYNC;
}

static bool is_present(const sg_rehearsal *r, int node) {
  return !r->script->present || r->script->present[node];
}

static sg_status wrong(const sg_rehearsal *r, const char *what, sg_error *e) {
  return sg_fail(e, SG_BUG, NULL, "code %s: its protocol %s", r->code->type->about.name, what);
}

/* --- Traffic ---------------------------------------------------------------------------------- */

#define UNKNOWN                                                                                    \
  { NAN, NAN, NAN, NAN }
const sg_traffic_range sg_traffic_none = {UNKNOWN, UNKNOWN};

static void extreme(sg_traffic *a, const sg_traffic *b, double (*of)(double, double)) {
  *a = (sg_traffic){.messages = of(a->messages, b->messages),
                    .gradients = of(a->gradients, b->gradients),
                    .up = of(a->up, b->up),
                    .down = of(a->down, b->down)};
}

void sg_traffic_join(sg_traffic_range *range, const sg_traffic_range *other) {
  extreme(&range->least, &other->least, fmin);
  extreme(&range->most, &other->most, fmax);
}

/* What an update's own orders bring about belongs to it, as in the rows of a run. */
static void end_update(sg_rehearsal *r) {
  if (!r->updated) return;
  sg_traffic_join(&r->traffic, &(sg_traffic_range){r->since, r->since});
  r->since = (sg_traffic){0};
  r->updated = false;
}

/* --- Things ----------------------------------------------------------------------------------- */

static sg_status add(sg_rehearsal *r, const thing *t, sg_error *e) {
  if (!SG_ROOM(r->thing, r->things_capacity, r->things + 1)) return sg_fail_memory(e);
  r->thing[r->things++] = *t;
  return SG_OK;
}

static void take_out(sg_rehearsal *r, int i) {
  r->things--;
  memmove(r->thing + i, r->thing + i + 1, (size_t)(r->things - i) * sizeof *r->thing);
}

/* The first of that kind at that node; −1: there is none. */
static int find(const sg_rehearsal *r, sg_cue_kind kind, int node) {
  for (int i = 0; i < r->things; i++)
    if (r->thing[i].kind == kind && r->thing[i].node == node) return i;
  return -1;
}

/* Removes all of a kind, of one node or SG_ALL. */
static void cancel(sg_rehearsal *r, sg_cue_kind kind, int node) {
  int kept = 0;
  for (int i = 0; i < r->things; i++) {
    const thing *t = &r->thing[i];
    if (t->kind == kind && (node == SG_ALL || t->node == node)) {
      for (int k = 0; kind == SG_CUE_MESSAGE && k < t->count; k++) r->place[t->first + k] = GONE;
      continue;
    }
    r->thing[kept++] = *t;
  }
  r->things = kept;
}

/* A round begins when no update is under way; a timer that goes by the first arrival waits for
 * it, and one of no seconds for nothing. */
static bool can_happen(const sg_rehearsal *r, const thing *t, bool timers) {
  if (t->kind == SG_CUE_TIMER && t->order.rule == SG_AFTER_SECONDS)
    return timers || t->order.value == 0;
  if (t->kind == SG_CUE_TIMER) return timers && r->arrived;
  if (t->kind != SG_CUE_BEGIN) return true;
  for (int i = 0; i < r->things; i++)
    if (r->thing[i].kind == SG_CUE_UPDATE) return false;
  return true;
}

static double draw(sg_rehearsal *r) {
  sg_stream random;
  sg_stream_at(&random, r->script->seed, 0, SG_FOR_CHECK, 4, r->drawn++, 0);
  return sg_uniform(&random);
}

/* Whether anything is under way that needs no more work. */
static bool has_way(const sg_rehearsal *r) {
  for (int i = 0; i < r->things; i++)
    if (r->thing[i].kind != SG_CUE_WORK && can_happen(r, &r->thing[i], false)) return true;
  return false;
}

/* The job of who has done the fewest tasks; −1: there is none. */
static int pick_in_step(const sg_rehearsal *r) {
  int best = -1;
  for (int i = 0; i < r->things; i++)
    if (r->thing[i].kind == SG_CUE_WORK &&
        (best < 0 || r->node[r->thing[i].node].tasks < r->node[r->thing[best].node].tasks))
      best = i;
  return best;
}

static int pick_among(sg_rehearsal *r, bool timers) {
  int count = 0;
  bool prompt = r->script->prompt && has_way(r);
  if (r->script->prompt && !r->script->seed && !prompt) {
    int next = pick_in_step(r);
    if (next >= 0) return next;
  }
  for (int pass = 0, skip = 0; pass < 2; pass++) {
    for (int i = 0; i < r->things; i++) {
      const thing *t = &r->thing[i];
      if (!can_happen(r, t, timers) || (prompt && t->kind == SG_CUE_WORK)) continue;
      count += pass == 0;
      if (pass == 1 && skip-- == 0) return t->kind == SG_CUE_TIMER ? i : find(r, t->kind, t->node);
    }
    if (count == 0) return -1;
    if (pass == 0) skip = r->script->seed ? (int)(draw(r) * count) : 0;
  }
  return -1;
}

/* What happens next; −1: nothing can. */
static int pick(sg_rehearsal *r) {
  const sg_script *s = r->script;
  while (r->cue < s->n_cues && s->cue[r->cue].kind != SG_CUE_CRASH) {
    int i = find(r, s->cue[r->cue].kind, s->cue[r->cue].node);
    r->cue++;
    if (i >= 0 && can_happen(r, &r->thing[i], true)) return i;
  }
  int i = pick_among(r, s->timers);
  return i >= 0 || s->timers ? i : pick_among(r, true);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* What `node` holds of the same snapshot and segment; r->used is used for it. −1: no memory. */
static int gather(sg_rehearsal *r, int node, const sg_order *o) {
  int n = 0;
  for (int i = 0; i < r->count; i++) {
    const sg_message *m = r->message[i];
    if (m->to != node || r->place[i] != HELD || m->snapshot != o->snapshot ||
        m->segment != o->segment)
      continue;
    if (!SG_ROOM(r->used, r->used_capacity, n + 1)) return -1;
    r->used[n++] = m;
    if (!(o->flags & SG_COPY)) r->place[i] = GONE; /* It goes into the new one. */
  }
  return n;
}

/* The inputs stand behind the message, in one allocation. */
static sg_status form(sg_rehearsal *r, const sg_order *o, int node, sg_error *e) {
  int n_in = gather(r, node, o);
  if (n_in < 0 || !SG_ROOM(r->message, r->capacity, r->count + 1) ||
      !SG_ROOM(r->place, r->place_capacity, r->count + 1))
    return sg_fail_memory(e);
  sg_message *m = sg_arena_alloc(&r->arena, 1, sizeof *m + (size_t)n_in * sizeof(sg_message *));
  if (!m) return sg_fail_memory(e);
  const sg_message **in = (const sg_message **)(void *)(m + 1);
  if (n_in) memcpy(in, r->used, (size_t)n_in * sizeof *in);
  *m = sg_order_message(o, r->code, node);
  m->id = r->count;
  m->round = r->round;
  m->n_in = n_in;
  m->in = n_in ? in : NULL;
  r->since.messages++;
  if (!(o->flags & SG_FREE))
    r->since.gradients +=
        (double)sg_segment_length(&r->code->segment[o->segment]) / (double)r->code->shape.length;
  r->place[r->count] = ON_ITS_WAY;
  r->message[r->count++] = m;
  return SG_OK;
}

/* A transmission: the send, and those behind it that go with it. */
static sg_status leave(sg_rehearsal *r, int node, const sg_order *o, sg_error *e) {
  thing t = {.kind = SG_CUE_MESSAGE, .node = node, .first = r->count, .count = 1};
  sg_status status = form(r, o, node, e);
  for (int i; !status && (i = find(r, SG_CUE_WORK, node)) >= 0; t.count++) {
    sg_order next = r->thing[i].order;
    if (next.kind != SG_ORDER_SEND || !(next.flags & SG_WITH_PREVIOUS)) break;
    take_out(r, i);
    status = form(r, &next, node, e);
  }
  return status ? status : add(r, &t, e);
}

/* At the master. */
static sg_status hold(sg_rehearsal *r, const sg_message *m, sg_error *e) {
  if (!SG_ROOM(r->held, r->held_capacity, r->n_held + 1)) return sg_fail_memory(e);
  r->held[r->n_held++] = m;
  return SG_OK;
}

static void let_go(sg_rehearsal *r, const sg_message *m) {
  int kept = 0;
  r->place[m->id] = GONE;
  for (int i = 0; i < r->n_held; i++)
    if (r->held[i] != m) r->held[kept++] = r->held[i];
  r->n_held = kept;
  if (r->unseen > kept) r->unseen = kept;
}

/* --- Orders ----------------------------------------------------------------------------------- */

static sg_status tell(sg_rehearsal *r, const sg_event *event, sg_error *e);

static bool is_wanted(const sg_rehearsal *r, const sg_order *o, const sg_message *m) {
  if (r->named) return r->place[m->id] == NAMED;
  return o->snapshot == SG_ANY || o->snapshot == m->snapshot;
}

/* *refused: the weights were. */
static sg_status decode(sg_rehearsal *r, const sg_order *o, bool *refused, sg_error *e) {
  sg_rehearsed_decode what = {.model = o->model, .snapshot = o->snapshot, .flags = o->flags};
  bool decoded = false;
  if (o->model < 0 || o->model >= r->code->models)
    return wrong(r, "decodes for a model that there is not", e);
  if (find(r, SG_CUE_UPDATE, o->model) >= 0)
    return wrong(r, "decodes for a model before its last update is over", e);
  if (!SG_ROOM(r->used, r->used_capacity, r->n_held + 1)) return sg_fail_memory(e);
  for (int i = 0; i < r->n_held; i++)
    if (is_wanted(r, o, r->held[i])) r->used[what.count++] = r->held[i];
  what.message = r->used;
  for (int i = 0; i < r->n_held; i++) r->place[r->held[i]->id] = HELD;
  r->named = false;
  sg_status status = r->script->decode(r->script->user, r, &what, &decoded, e);
  if (status) return status;
  *refused = !decoded;
  if (!decoded) {
    r->refused++;
    return SG_OK;
  }
  r->updates++;
  r->updated = true;
  for (int i = 0; !(o->flags & SG_KEEP) && i < what.count; i++) let_go(r, r->used[i]);
  for (int i = r->n_held - 1; o->flags & SG_LAST && i >= 0; i--)
    if (r->held[i]->snapshot == o->snapshot) let_go(r, r->held[i]);
  return add(r, &(thing){.kind = SG_CUE_UPDATE, .node = o->model}, e);
}

static sg_status end_round(sg_rehearsal *r, sg_error *e) {
  if (is_async(r)) return wrong(r, "ends a round, but has no barrier", e);
  if (r->ending) return wrong(r, "ends a round that is over", e);
  r->ending = true;
  for (int i = 0; i < r->code->nodes; i++)
    r->since.down += find(r, SG_CUE_WORK, i) >= 0 || find(r, SG_CUE_MESSAGE, i) >= 0;
  cancel(r, SG_CUE_WORK, SG_ALL);
  cancel(r, SG_CUE_SIGNAL, SG_ALL);
  cancel(r, SG_CUE_COMMAND, SG_ALL);
  cancel(r, SG_CUE_TIMER, SG_ALL);
  if (!r->script->late) cancel(r, SG_CUE_MESSAGE, SG_ALL);
  return add(r, &(thing){.kind = SG_CUE_BEGIN}, e);
}

/* A node's job in front of what stands behind its `wanted`-th further task and the sends there. */
static sg_status insert(sg_rehearsal *r, const thing *t, int wanted, sg_error *e) {
  int at = 0;
  for (; at < r->things; at++) {
    const thing *other = &r->thing[at];
    if (other->kind != SG_CUE_WORK || other->node != t->node) continue;
    bool task = other->order.kind == SG_ORDER_TASK;
    if (task && wanted <= 0) break;
    wanted -= task;
  }
  sg_status status = add(r, t, e);
  if (status) return status;
  memmove(r->thing + at + 1, r->thing + at, (size_t)(r->things - 1 - at) * sizeof *r->thing);
  r->thing[at] = *t;
  return SG_OK;
}

/* A node is at its next task as soon as it has one. */
static bool is_busy(const sg_rehearsal *r, int node) {
  int i = find(r, SG_CUE_WORK, node);
  return i >= 0 && r->thing[i].order.kind == SG_ORDER_TASK;
}

static sg_status stop_node(sg_rehearsal *r, const sg_order *o, int at, int node, sg_error *e) {
  int first = find(r, SG_CUE_WORK, node);
  bool spare = o->flags & SG_QUEUED && is_busy(r, node);
  thing running = first >= 0 ? r->thing[first] : (thing){0};
  r->since.down += at != node && first >= 0; /* a node hears its own words without a signal */
  cancel(r, SG_CUE_WORK, node);
  if (o->flags & SG_QUEUED) return spare ? add(r, &running, e) : SG_OK;
  cancel(r, SG_CUE_TIMER, node + 1);
  cancel(r, SG_CUE_BACK, node);
  return SG_OK;
}

static sg_status send_after(sg_rehearsal *r, const sg_order *o, int node, sg_error *e) {
  int wanted = o->after - r->node[node].tasks;
  if (wanted > 0)
    return insert(r, &(thing){.kind = SG_CUE_WORK, .node = node, .order = *o}, wanted, e);
  sg_status status = form(r, o, node, e);
  thing *last = r->things > 0 ? &r->thing[r->things - 1] : NULL;
  if (o->flags & SG_WITH_PREVIOUS && last && last->kind == SG_CUE_MESSAGE && last->node == node &&
      last->first + last->count == r->count - 1) {
    last->count++;
    return status;
  }
  const thing t = {.kind = SG_CUE_MESSAGE, .node = node, .first = r->count - 1, .count = 1};
  return status ? status : add(r, &t, e);
}

/* Orders for nodes become their things. */
static sg_status order_nodes(sg_rehearsal *r, const sg_order *o, int at, sg_error *e) {
  int first, end;
  sg_order_nodes(o, r->code, &first, &end);
  if (first < 0 || end > r->code->nodes) return wrong(r, "orders a node that there is not", e);
  if (o->kind == SG_ORDER_SEND && (o->segment < 0 || o->segment >= r->code->segments))
    return wrong(r, "sends a message in a segment that there is not", e);
  for (int node = first; node < end; node++) {
    /* A command comes, as in a run, though the node may be dead: nothing follows then. */
    bool command = o->kind == SG_ORDER_TELL;
    sg_cue_kind kind = command ? SG_CUE_COMMAND : SG_CUE_WORK;
    sg_status status = SG_OK;
    r->since.down += command;
    if (!command && (!is_present(r, node) || r->node[node].dead)) continue;
    if (o->kind == SG_ORDER_STOP)
      status = stop_node(r, o, at, node, e);
    else if (o->kind == SG_ORDER_TIMER)
      status = add(r, &(thing){.kind = SG_CUE_TIMER, .node = node + 1, .order = *o}, e);
    else if (o->kind == SG_ORDER_SEND && o->after >= 0)
      status = send_after(r, o, node, e);
    else
      status = add(r, &(thing){.kind = kind, .node = node, .order = *o}, e);
    if (status) return status;
  }
  return SG_OK;
}

/* at: where the event is that the order answers. */
static sg_status obey(sg_rehearsal *r, const sg_order *o, int at, bool *refused, sg_error *e) {
  switch (o->kind) {
  case SG_ORDER_TASK:
  case SG_ORDER_SEND:
  case SG_ORDER_STOP:
  case SG_ORDER_TELL: return order_nodes(r, o, at, e);
  case SG_ORDER_TIMER:
    if (o->node != SG_MASTER) return order_nodes(r, o, at, e);
    return add(r, &(thing){.kind = SG_CUE_TIMER, .order = *o}, e);
  case SG_ORDER_USE:
    if (r->place[o->message->id] != HELD && r->place[o->message->id] != NAMED)
      return wrong(r, "uses a message that the master does not hold", e);
    r->place[o->message->id] = NAMED;
    r->named = true;
    return SG_OK;
  case SG_ORDER_DECODE: return decode(r, o, refused, e);
  case SG_ORDER_DROP: let_go(r, o->message); return SG_OK;
  case SG_ORDER_END_ROUND: return end_round(r, e);
  case SG_ORDER_SNAPSHOT:
  case SG_ORDER_CLOSE: break;
  }
  return SG_OK;
}

/* Tells the protocol and obeys. Orders behind a refused decode are void: it is told, and gives
 * others. */
static sg_status tell(sg_rehearsal *r, const sg_event *first, sg_error *e) {
  sg_event event = *first;
  for (bool refused = true; refused;) {
    refused = false;
    event.round = r->round;
    sg_orders_clear(&r->orders);
    sg_protocol_event(r->protocol, &event, &r->orders);
    if (r->orders.failed) return sg_fail_memory(e);
    for (int i = 0; i < r->orders.count && !refused; i++) {
      sg_order o = r->orders.order[i];
      sg_status status = obey(r, &o, event.at, &refused, e);
      if (status) return status;
      if (refused)
        event = (sg_event){
            .kind = SG_UPDATED, .at = SG_MASTER, .model = o.model, .skip = r->script->skip};
    }
  }
  end_update(r);
  return SG_OK;
}

/* --- What happens ----------------------------------------------------------------------------- */

static sg_status begin(sg_rehearsal *r, sg_error *e) {
  if (r->rounds++ > 0) r->round++;
  r->ending = r->arrived = false;
  memset(r->node, 0, (size_t)r->code->nodes * sizeof *r->node);
  return tell(r, &(sg_event){.kind = SG_BEGIN, .at = SG_MASTER}, e);
}

static sg_status show_cut(sg_rehearsal *r, int arg, sg_error *e) {
  int count = r->unseen;
  const sg_message **seen = malloc(((size_t)count + 1) * sizeof *seen);
  if (!seen) return sg_fail_memory(e);
  memcpy(seen, r->held + (r->n_held - count), (size_t)count * sizeof *seen);
  r->unseen = 0;
  const sg_event event = {
      .kind = SG_CUT, .at = SG_MASTER, .arg = arg, .count = count, .message = seen};
  sg_status status = tell(r, &event, e);
  free(seen);
  return status;
}

static sg_status arrive(sg_rehearsal *r, const thing *t, sg_error *e) {
  const sg_message *const *m = (const sg_message *const *)(r->message + t->first);
  int to = m[0]->to;
  if (to != SG_MASTER && !is_present(r, to)) return SG_OK;
  for (int i = 0; i < t->count; i++) {
    r->place[t->first + i] = HELD;
    sg_status status = to == SG_MASTER ? hold(r, m[i], e) : SG_OK;
    if (status) return status;
  }
  if (to == SG_MASTER && m[0]->round == r->round && !r->ending) r->arrived = true;
  if (to == SG_MASTER && r->code->flags & SG_SEE_CUTS) {
    r->unseen += t->count;
    return find(r, SG_CUE_TIMER, 0) >= 0 ? SG_OK : show_cut(r, 0, e);
  }
  const sg_event event = {
      .kind = SG_ARRIVAL, .at = to, .from = m[0]->from, .count = t->count, .message = m};
  return tell(r, &event, e);
}

static sg_status work(sg_rehearsal *r, const thing *t, sg_error *e) {
  rehearsed_node *n = &r->node[t->node];
  if (t->order.kind == SG_ORDER_SEND) return leave(r, t->node, &t->order, e);
  n->tasks++;
  if (t->order.flags & SG_HERE) {
    const sg_event here = {.kind = SG_SIGNAL, .at = t->node, .from = t->node, .count = n->tasks};
    sg_status status = tell(r, &here, e);
    if (status) return status;
  }
  if (!(t->order.flags & SG_REPORT)) return SG_OK;
  r->since.up++;
  return add(r, &(thing){.kind = SG_CUE_SIGNAL, .node = t->node, .count = n->tasks}, e);
}

static sg_status crash(sg_rehearsal *r, int node, sg_error *e) {
  if (!is_present(r, node) || r->node[node].dead || find(r, SG_CUE_WORK, node) < 0) return SG_OK;
  cancel(r, SG_CUE_WORK, node);
  cancel(r, SG_CUE_TIMER, node + 1);
  r->node[node].dead = !is_async(r);
  return is_async(r) ? add(r, &(thing){.kind = SG_CUE_BACK, .node = node}, e) : SG_OK;
}

static sg_status happen(sg_rehearsal *r, int i, sg_error *e) {
  thing t = r->thing[i];
  take_out(r, i);
  sg_event event = {.at = SG_MASTER, .from = t.node, .arg = t.order.arg, .count = t.count};
  switch (t.kind) {
  case SG_CUE_WORK: return work(r, &t, e);
  case SG_CUE_MESSAGE: return arrive(r, &t, e);
  case SG_CUE_BEGIN: return begin(r, e);
  case SG_CUE_SIGNAL: event.kind = SG_SIGNAL; break;
  case SG_CUE_COMMAND:
    event.kind = SG_COMMAND;
    event.at = t.node;
    event.count = r->node[t.node].tasks;
    event.busy = is_busy(r, t.node);
    break;
  case SG_CUE_TIMER:
    if (t.node > 0) {
      event.kind = SG_TIMER;
      event.at = t.node - 1;
      event.count = r->node[event.at].tasks;
      event.busy = is_busy(r, event.at);
      break;
    }
    if (r->code->flags & SG_SEE_CUTS) return show_cut(r, t.order.arg, e);
    event.kind = SG_TIMER;
    break;
  case SG_CUE_UPDATE:
    event.kind = SG_UPDATED;
    event.model = t.node;
    event.decoded = true;
    break;
  case SG_CUE_BACK:
    event.kind = SG_BACK;
    event.at = t.node;
    break;
  case SG_CUE_CRASH: break; /* never in the list */
  }
  return tell(r, &event, e);
}

static sg_status crashes(sg_rehearsal *r, sg_error *e) {
  const sg_script *s = r->script;
  sg_status status = SG_OK;
  if (r->cue < s->n_cues && s->cue[r->cue].kind == SG_CUE_CRASH)
    status = crash(r, s->cue[r->cue++].node, e);
  if (!status && s->crashes > 0 && draw(r) < s->crashes)
    status = crash(r, (int)(draw(r) * r->code->nodes), e);
  return status;
}

static sg_status prepare(sg_rehearsal *r, const sg_code *code, const sg_script *script,
                         sg_error *e) {
  *r = (sg_rehearsal){.code = code, .script = script, .traffic = sg_traffic_none};
  r->protocol = sg_protocol_new(code);
  r->node = sg_arena_alloc(&r->arena, (size_t)code->nodes, sizeof *r->node);
  return r->protocol && r->node ? SG_OK : sg_fail_memory(e);
}

sg_status sg_rehearse_opening(const sg_code *code, sg_rehearsal *r, sg_error *e) {
  static const sg_script everyone = {.updates = 1};
  sg_status status = prepare(r, code, &everyone, e);
  if (!status) status = begin(r, e);
  for (int i = 0; i < r->things && !status; i++) {
    const thing *t = &r->thing[i];
    if (t->kind != SG_CUE_WORK || t->order.kind != SG_ORDER_SEND) continue;
    status = form(r, &t->order, t->node, e);
    if (!status) status = hold(r, r->message[r->count - 1], e);
  }
  return status;
}

sg_status sg_rehearse(const sg_code *code, const sg_script *script, sg_rehearsal *r, sg_error *e) {
  sg_status status = prepare(r, code, script, e);
  if (!status) status = add(r, &(thing){.kind = SG_CUE_BEGIN}, e);
  int stalls = 0;
  for (long happened = 0; !status && r->updates < script->updates; happened++) {
    if (happened > MOST_THINGS || stalls > MOST_STALLS) return wrong(r, "does not come to rest", e);
    status = crashes(r, e);
    int next = pick(r);
    if (status) break;
    if (next >= 0) {
      status = happen(r, next, e);
    } else if (r->unseen > 0) {
      status = show_cut(r, 0, e);
    } else { /* it is told once; unless something comes of it, that is the end */
      stalls++;
      status = tell(r, &(sg_event){.kind = SG_STALLED, .at = SG_MASTER, .skip = script->skip}, e);
      if (pick_among(r, true) < 0) break;
    }
  }
  return status;
}

void sg_rehearsal_free(sg_rehearsal *r) {
  sg_protocol_free(r->protocol);
  sg_arena_free(r->arena); /* the messages, too */
  free(r->message);
  free(r->place);
  free(r->held);
  free(r->used);
  free(r->thing);
  sg_orders_free(&r->orders);
  *r = (sg_rehearsal){0};
}
