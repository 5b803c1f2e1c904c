/* SPDX-License-Identifier: MIT */
/* Rounds under the (1 + μ) κ rule. */
#include "codes/tools/sequential.h"

#include <math.h>
#include <string.h>

const char *const sg_wait_outs[] = {"all", "conforming", NULL};

/* The beginning of the state; the pattern and the scheme's own follow. */
typedef struct progress {
  bool timed;   /* (1 + μ) κ is over */
  bool allowed; /* and those who were missing then conformed */
  bool over;    /* what is due was decoded, or the round has ended */
} progress;

enum { HEAD = 16 }; /* what follows is aligned */

static sg_pattern *pattern_of(progress *p) {
  return (sg_pattern *)(void *)((char *)p + HEAD);
}

sg_status sg_read_bursts(const sg_values *values, int n, sg_bursts *bursts, sg_error *e) {
  long lambda = sg_int(values, "lambda");
  if (lambda > n)
    return sg_fail_at(e, values, "lambda", "expected lambda ≤ n = %d (0 to %d), found %ld", n, n,
                      lambda);
  *bursts = (sg_bursts){.n = n,
                        .words = sg_bursts_words(n),
                        .burst = (int)sg_int(values, "B"),
                        .window = (int)sg_int(values, "W"),
                        .lambda = (int)lambda};
  return SG_OK;
}

sg_status sg_sequential_init(sg_sequential *t, const sg_sequence *scheme, int delay, size_t own,
                             sg_code *code, const sg_values *values, sg_error *e) {
  size_t head = HEAD + sg_bursts_size(&t->bursts);
  long models = sg_given(values, "models") ? sg_int(values, "models") : delay + 1;
  if (models <= delay)
    return sg_fail_at(e, values, "models",
                      "expected more models than rounds from a job's beginning to its end, %d: "
                      "%d or more, found %ld",
                      delay, delay + 1, models);
  t->scheme = scheme;
  t->delay = delay;
  t->jobs = code->shape.updates;
  t->factor = 1 + sg_real(values, "mu");
  t->until_conforming = sg_choice(values, "wait_out") == 1;
  t->own = (head + 15) / 16 * 16;
  code->self = t;
  code->models = (int)models;
  code->state_size = t->own + own;
  code->flags = SG_WEIGHTS_PURE;
  code->stop = "conforming";
  return SG_OK;
}

void sg_sequential_ask(const sg_code *code, void *own, int worker) {
  const sg_sequential *t = code->self;
  progress *p = (progress *)(void *)((char *)own - t->own);
  int first = worker == SG_ALL ? 0 : worker, end = worker == SG_ALL ? code->nodes : worker + 1;
  for (int i = first; i < end; i++) sg_bursts_ask(&t->bursts, pattern_of(p), i);
}

int sg_counts_to_try(int n, long *value, int most) {
  int count = 0;
  for (long x = 1; x <= n / 2 && count < most; x = (3 * x + 1) / 2) value[count++] = x;
  return count;
}

int sg_bursts_to_try(const sg_shape *shape, const char *name, long *value, int most) {
  static const long bursts[] = {1, 2, 3}, windows[] = {2, 3, 4, 5};
  if (strcmp(name, "lambda") == 0) {
    int count = sg_counts_to_try(shape->workers, value, most - 1);
    value[count] = shape->workers;
    return count + 1;
  }
  bool is_burst = strcmp(name, "B") == 0;
  if (!is_burst && strcmp(name, "W") != 0) return 0;
  int count = is_burst ? 3 : 4;
  memcpy(value, is_burst ? bursts : windows, (size_t)count * sizeof *value);
  return count;
}

/* What is due is decoded, and the round ends unless the weights are refused. */
static void finish(const sg_code *code, progress *p, int round, sg_orders *o) {
  int due = sg_job_due(code->self, round);
  p->over = true;
  if (due >= 0) sg_decode(o, sg_job_model(code, due), due, SG_LAST);
  sg_end_round(o);
}

static bool can_decode(const sg_code *code, const void *own, int round) {
  const sg_sequential *t = code->self;
  int due = sg_job_due(t, round);
  return due < 0 || t->scheme->decodable(code, own, due);
}

/* After a round that did not conform but had to end, what is due may need more than a pattern that
 * conforms. */
static void finish_if_ready(const sg_code *code, progress *p, const void *own, int round,
                            sg_orders *o) {
  const sg_sequential *t = code->self;
  bool enough = p->allowed ||
                (p->timed && t->until_conforming && sg_bursts_conform(&t->bursts, pattern_of(p)));
  if (pattern_of(p)->missing == 0 || (enough && can_decode(code, own, round)))
    finish(code, p, round, o);
}

/* The timer comes before the tasks: a task and a message of all at the end of the orders begin
 * without queues. */
static void begin(const sg_code *code, progress *p, void *own, int round, sg_orders *o) {
  const sg_sequential *t = code->self;
  const sg_sequence *scheme = t->scheme;
  bool exempt = round > 0 && scheme->exempt && scheme->exempt(code, own, pattern_of(p)->missing);
  if (round >= t->jobs + t->delay) return; /* All is decoded. */
  p->timed = p->allowed = p->over = false;
  sg_bursts_begin(&t->bursts, pattern_of(p), exempt);
  if (round < t->jobs) sg_snapshot(o, round, sg_job_model(code, round), 0);
  sg_timer(o, SG_AFTER_FACTOR_OF_FIRST, t->factor, 0);
  scheme->ask(code, own, round, o);
  if (pattern_of(p)->missing == 0) finish(code, p, round, o); /* Nothing is left to be done. */
}

static void arrival(const sg_code *code, progress *p, void *own, const sg_event *event,
                    sg_orders *o) {
  const sg_sequential *t = code->self;
  if (p->over || event->message[0]->round != event->round) { /* late: its sender straggled */
    for (int i = 0; i < event->count; i++) sg_drop(o, event->message[i]);
    return;
  }
  for (int i = 0; i < event->count; i++) t->scheme->came(code, own, event->message[i]);
  sg_bursts_come(&t->bursts, pattern_of(p), event->from);
  finish_if_ready(code, p, own, event->round, o);
}

void sg_sequential_event(const sg_code *code, void *state, const sg_event *event,
                         sg_orders *orders) {
  const sg_sequential *t = code->self;
  progress *p = state;
  void *own = (char *)state + t->own;
  int due = sg_job_due(t, event->round);
  switch (event->kind) {
  case SG_BEGIN: begin(code, p, own, event->round, orders); break;
  case SG_ARRIVAL: arrival(code, p, own, event, orders); break;
  case SG_TIMER:
    if (p->over) break;
    p->timed = true;
    p->allowed = sg_bursts_conform(&t->bursts, pattern_of(p));
    finish_if_ready(code, p, own, event->round, orders);
    break;
  case SG_STALLED: /* Who is missing never comes; after the last job nobody is. */
    if (p->over) break;
    if (event->skip || can_decode(code, own, event->round)) finish(code, p, event->round, orders);
    break;
  case SG_UPDATED:
    if (event->decoded) break;
    p->over = event->skip;
    if (!event->skip) break;
    sg_close(orders, due);
    sg_end_round(orders);
    break;
  default: break;
  }
}
