/* SPDX-License-Identifier: MIT */
#include "codes/tools/no_barrier.h"

#include "sim/core/random.h"

#include <limits.h>
#include <string.h>

/* Behind it stand `most` messages and their senders (~ where in use), then of each worker:
 * gradients given, come and held; 1 + the version that it computes at, 0: it does not; a place in
 * the list of those that wait to go on, and one in the ring of those whose turn it is not. */
typedef struct progress {
  int version;
  int held, in_use; /* messages, and of them those in the update that is under way */
  int senders;      /* of gradients that are held and not in use, each once */
  int waiting;
  int lost; /* workers that are not waited for any more */
  int first_idle, idle;
  uint32_t draws;
  const sg_message *message[];
} progress;

static size_t most(const sg_code *code) {
  const sg_no_barrier *b = code->self;
  return (size_t)b->learners.k + (size_t)b->room + 2 * (size_t)code->nodes;
}

static int *senders(const sg_code *code, progress *p) {
  return (int *)(void *)(p->message + most(code));
}

enum { GIVEN, COME, HELD, AT, WAITING, IDLE, ARRAYS };

static int *array(const sg_code *code, progress *p, int which) {
  return senders(code, p) + most(code) + (size_t)which * (size_t)code->nodes;
}

sg_status sg_no_barrier_create(sg_code *code, const sg_values *values, const char *k, sg_error *e) {
  sg_no_barrier *b = code->self;
  sg_status status = sg_learners_read(code, values, k, &b->learners, e);
  code->flags |= SG_ASYNC;
  code->exact = false;
  b->active = b->active ? b->active : code->nodes;
  return status;
}

sg_status sg_no_barrier_ready(sg_code *code, const sg_values *values, const char *member,
                              sg_error *e) {
  sg_no_barrier *b = code->self;
  if (b->room == 0) b->room = b->learners.k > code->nodes ? b->learners.k : code->nodes;
  if (b->room > SG_NO_BARRIER_MOST)
    return sg_fail_at(e, values, member,
                      "expected at most %d gradients that may wait for the master, found more",
                      SG_NO_BARRIER_MOST);
  code->state_size = sizeof(progress) + most(code) * (sizeof(sg_message *) + sizeof(int)) +
                     ARRAYS * (size_t)code->nodes * sizeof(int);
  return SG_OK;
}

void sg_no_barrier_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const sg_no_barrier *b = code->self;
  sg_learners_row(code, &b->learners, message->from, (unsigned)message->tag, row);
}

/* Messages are sorted by their senders. */
sg_status sg_no_barrier_weights(const sg_code *code, const sg_used *used) {
  const sg_no_barrier *b = code->self;
  const progress *p = used->state;
  if (!b->weight || used->count == 0) return sg_learners_weights(code, used, 1);
  used->info->alpha_error = code->parts == 1 ? 0 : code->parts;
  used->info->alpha_sum = 0;
  double alpha = 0;
  for (int i = 0; i < used->count; i++) {
    const sg_message *m = used->message[i];
    int delay = p->version > m->snapshot ? p->version - m->snapshot : 0;
    alpha += used->W[i] = b->weight(code, delay) * code->parts / used->count;
    bool last = i + 1 == used->count || (code->parts > 1 && used->message[i + 1]->from != m->from);
    if (!last) continue;
    used->info->alpha_sum += alpha;
    used->info->alpha_error += (alpha - 1) * (alpha - 1) - (code->parts > 1);
    alpha = 0;
  }
  return SG_OK;
}

/* --- Who computes ----------------------------------------------------------------------------- */

static void give(const sg_code *code, progress *p, int worker, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  array(code, p, AT)[worker] = p->version + 1;
  sg_learners_give(&b->learners, worker, p->version, ++array(code, p, GIVEN)[worker], o);
}

static void rest(const sg_code *code, progress *p, int worker) {
  array(code, p, IDLE)[(p->first_idle + p->idle++) % code->nodes] = worker;
}

/* One of those that rest begins. */
static void give_next(const sg_code *code, progress *p, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  int *idle = array(code, p, IDLE), at = p->first_idle, worker;
  if (!b->in_turn) {
    sg_stream s;
    sg_stream_at(&s, code->shape.seed, 0, SG_FOR_CODE, 0, p->draws++, 0);
    at = (at + (int)(sg_uniform(&s) * p->idle)) % code->nodes;
  }
  worker = idle[at];
  idle[at] = idle[p->first_idle];
  p->first_idle = (p->first_idle + 1) % code->nodes;
  p->idle--;
  give(code, p, worker, o);
}

/* How many gradients may have come of a worker that goes on. */
static long most_come(const sg_code *code, progress *p) {
  const sg_no_barrier *b = code->self;
  int *of = array(code, p, COME), least = INT_MAX;
  if (b->lead == 0) return LONG_MAX;
  if (b->clocks) return p->version + b->lead - 1;
  for (int i = 0; i < code->nodes; i++) least = of[i] < least ? of[i] : least;
  return b->lead < LONG_MAX - least ? least + b->lead - 1 : LONG_MAX;
}

/* Those that may, unless the master cannot keep up. */
static void go_on(const sg_code *code, progress *p, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  if (p->waiting == 0 || p->held - p->in_use >= b->room) return;
  long most_of = most_come(code, p);
  int *who = array(code, p, WAITING), *come = array(code, p, COME), stay = 0, count = p->waiting;
  if (b->clocks) { /* In the order in which a round would begin. */
    const int *at = array(code, p, AT);
    for (int i = count = 0; i < code->nodes; i++)
      if (at[i] == 0 && come[i] < INT_MAX) who[count++] = i;
  }
  for (int i = 0; i < count; i++)
    if (come[who[i]] > most_of) {
      who[stay++] = who[i];
    } else if (b->active == code->nodes) {
      give(code, p, who[i], o);
    } else {
      rest(code, p, who[i]);
      give_next(code, p, o);
    }
  p->waiting = stay;
}

static void wait(const sg_code *code, progress *p, int worker) {
  array(code, p, WAITING)[p->waiting++] = worker;
}

/* --- What the master holds -------------------------------------------------------------------- */

/* One more or one fewer of a worker's gradients waits for the master. */
static void count(const sg_code *code, progress *p, int worker, int by) {
  int *held = array(code, p, HELD), before = held[worker] > 0;
  held[worker] += by;
  p->senders += (held[worker] > 0) - before;
}

/* Begins the next update if there is enough for it, with fewer than k if there are but `fewest`:
 * the oldest gradients or, with clocks, the oldest of each worker. */
static bool update(const sg_code *code, progress *p, int fewest, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  int *from = senders(code, p), *taken = array(code, p, IDLE), k = b->learners.k;
  int need = b->clocks ? p->senders : fewest < k ? fewest : k;
  if (need == 0 || (b->clocks ? p->senders < k - p->lost : p->held < need)) return false;
  for (int i = 0; p->in_use < need; i++) {
    int worker = from[i];
    if (b->clocks && taken[worker] == p->version + 1) continue;
    if (b->clocks) taken[worker] = p->version + 1; /* Nobody rests. */
    sg_use(o, p->message[i]);
    count(code, p, worker, -1);
    from[i] = ~worker;
    p->in_use++;
  }
  sg_decode(o, 0, SG_ANY, SG_NO_SUM);
  return true;
}

/* Whether the master drops what has come instead of holding it. */
static bool is_ignored(const sg_code *code, const progress *p, const sg_message *m) {
  const sg_no_barrier *b = code->self;
  return b->ignores && b->ignores(code, p->version - m->snapshot);
}

static void arrival(const sg_code *code, progress *p, const sg_message *m, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  bool ignored = is_ignored(code, p, m) || (size_t)p->held == most(code);
  if (b->interrupts && m->tag != array(code, p, GIVEN)[m->from]) {
    sg_drop(o, m); /* It has been interrupted since, and is at the next one. */
    return;
  }
  array(code, p, AT)[m->from] = 0;
  if (array(code, p, COME)[m->from] < INT_MAX) array(code, p, COME)[m->from]++;
  if (ignored || !b->waits) wait(code, p, m->from);
  if (ignored) {
    sg_drop(o, m);
    go_on(code, p, o);
    return;
  }
  senders(code, p)[p->held] = m->from;
  p->message[p->held++] = m;
  count(code, p, m->from, 1);
  /* An update that takes no time is over before a timer that takes none: then who brought the last
   * gradient goes on with the new model. */
  if (p->in_use > 0 || !update(code, p, INT_MAX, o))
    go_on(code, p, o);
  else if (!b->waits)
    sg_timer(o, SG_AFTER_SECONDS, 0, 0);
}

/* Forgets what was used, and drops what has grown too old while it waited. */
static void clear_up(const sg_code *code, progress *p, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  int *from = senders(code, p), kept = 0;
  for (int i = 0; i < p->held; i++) {
    bool used = from[i] < 0, ignored = !used && is_ignored(code, p, p->message[i]);
    int worker = used ? ~from[i] : from[i];
    if (!used && !ignored) {
      p->message[kept] = p->message[i];
      from[kept++] = worker;
      continue;
    }
    if (ignored) {
      sg_drop(o, p->message[i]);
      count(code, p, worker, -1);
    }
    if (b->waits) wait(code, p, worker);
  }
  p->held = kept;
  p->in_use = 0;
}

static void interrupt(const sg_code *code, progress *p, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  const int *at = array(code, p, AT);
  for (int i = 0; b->interrupts && i < code->nodes; i++) {
    if (at[i] == 0 || !b->interrupts(code, p->version + 1 - at[i])) continue;
    sg_stop(o, i);
    give(code, p, i, o);
  }
}

static void updated(const sg_code *code, progress *p, sg_orders *o) {
  sg_close(o, p->version++);
  sg_snapshot(o, p->version, 0, 0);
  clear_up(code, p, o);
  update(code, p, INT_MAX, o);
  interrupt(code, p, o);
  go_on(code, p, o);
}

/* Nothing more will come: with what there is, and without those of whom nothing is held and who do
 * not wait. */
static void stalled(const sg_code *code, progress *p, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  int *at = array(code, p, AT), *come = array(code, p, COME);
  if (b->gives_up)
    for (int i = 0; i < code->nodes; i++) {
      if (at[i] == 0) continue;
      at[i] = 0;
      come[i] = INT_MAX;
      p->lost++;
    }
  if (p->held == 0 || !update(code, p, p->held, o)) go_on(code, p, o);
}

void sg_no_barrier_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const sg_no_barrier *b = code->self;
  progress *p = state;
  switch (event->kind) {
  case SG_BEGIN:
    sg_snapshot(o, 0, 0, 0);
    if (b->active == code->nodes) {
      for (int i = 0; i < code->nodes; i++) array(code, p, AT)[i] = 1;
      sg_learners_give(&b->learners, SG_ALL, 0, 0, o);
      break;
    }
    for (int i = 0; i < code->nodes; i++) rest(code, p, i);
    for (int i = 0; i < b->active; i++) give_next(code, p, o);
    break;
  case SG_ARRIVAL: arrival(code, p, event->message[0], o); break;
  case SG_TIMER: go_on(code, p, o); break;
  case SG_UPDATED:
    if (event->decoded) updated(code, p, o);
    break;
  case SG_BACK: give(code, p, event->at, o); break;
  case SG_STALLED:
    if (event->skip) stalled(code, p, o);
    break;
  default: break;
  }
}
