/* SPDX-License-Identifier: MIT */
/* Tiered start (Sasi, Lalitha, Aggarwal, Rajan 2019): some workers start at once, the others when a
 * given number of messages has come.
 *
 * What they compute is an ordinary gradient code of all n workers, cyclic repetition or groups of
 * s + 1 identical workers: worker i is in group i mod n/(s + 1), so that the first tier has all
 * groups if it has enough workers. Whoever has not been started costs nothing, neither time nor a
 * broadcast. The second tier also starts when the first can bring nothing more. (abstract
 * published, the rest a reconstruction: the paper's smaller tasks are not in it) */
#include "codes/frame/protocol.h"
#include "codes/tools/cyclic.h"
#include "codes/tools/rules.h"

#include <string.h>

static const char *const bases[] = {"cyclic", "repetition", NULL};
enum { CYCLIC, REPETITION };

static const sg_param params[] = {
    SG_ROW_STRAGGLERS("number of stragglers tolerated among all n workers"),
    SG_ROW_INT("start", 1, SG_UNBOUNDED, "n1: workers that start at once, the first by number",
               .flags = SG_REQUIRED),
    SG_ROW_INT("after", 1, SG_UNBOUNDED,
               "messages after which the other n - n1 workers start, at most start",
               .flags = SG_REQUIRED),
    SG_ROW_CHOICE("base", bases, CYCLIC,
                  "the gradient code: cyclic repetition, or groups of s + 1 identical workers "
                  "(s + 1 must divide the number of workers)"),
    {0}};

typedef struct tables {
  int s, start, after, groups; /* groups: 0 for cyclic repetition */
  const sg_cyclic *cyclic;
} tables;

/* What has come in this round. */
typedef struct progress {
  int come, complete;
  bool all;     /* the second tier has been started */
  bool group[]; /* groups */
} progress;

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  bool repeats = sg_choice(values, "base") == REPETITION;
  sg_status status =
      repeats ? sg_read_repetition(values, n, &t->s, e) : sg_read_stragglers(values, n, &t->s, e);
  if (status) return status;
  long start = sg_int(values, "start"), after = sg_int(values, "after");
  if (start > n)
    return sg_fail_at(e, values, "start", "expected start ≤ n = %d (1 to %d), found %ld", n, n,
                      start);
  if (after > start)
    return sg_fail_at(e, values, "after",
                      "expected after ≤ start = %ld (1 to %ld), or the others never start, found "
                      "%ld",
                      start, start, after);
  t->start = (int)start;
  t->after = (int)after;
  t->groups = repeats ? n / (t->s + 1) : 0;
  if (!repeats) {
    sg_cyclic *cyclic;
    status = sg_cyclic_new(code, values, n, t->s, shape->seed, &cyclic, e);
    if (status) return status;
    t->cyclic = cyclic;
  }
  code->parts = repeats ? t->groups : n;
  code->promised = t->s;
  code->load = (double)shape->subsets * (t->s + 1) / n;
  code->flags = SG_ROUNDS | (repeats ? 0 : SG_WEIGHTS_PURE);
  code->state_size = code->round_size = sizeof(progress) + (size_t)t->groups * sizeof(bool);
  return sg_code_one_segment(code, values, "s", 1, n - t->s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  if (t->groups)
    sg_row_part(row, message->from % t->groups, 0, 1);
  else
    sg_cyclic_row(t->cyclic, message->from, 0, row);
}

/* The first of each group. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  if (!t->groups) return sg_parity_weights(t->cyclic->parity, used, 0, NULL);
  bool *have = sg_used_scratch(used, (size_t)t->groups);
  if (!have) return SG_NO_MEMORY;
  memset(have, 0, (size_t)t->groups);
  int count = 0;
  for (int i = 0; i < used->count; i++) {
    int group = used->message[i]->from % t->groups;
    used->W[i] = !have[group];
    count += !have[group];
    have[group] = true;
  }
  return count == t->groups ? SG_OK : SG_UNDECODABLE;
}

static void start(const sg_code *code, int from, int end, int snapshot, sg_orders *o) {
  for (int j = from; j < end; j++) {
    sg_task(o, j, snapshot, code->load, SG_DRAWS_OF_WORK, 0);
    sg_send(o, j, SG_MASTER, snapshot, 0, 0, 0);
  }
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  start(code, 0, t->start, snapshot, o);
}

static void start_others(const sg_code *code, progress *p, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  p->all = true;
  start(code, t->start, code->nodes, snapshot, o);
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  bool *group = t->groups ? &p->group[message->from % t->groups] : NULL;
  bool known = group && *group;
  if (group) *group = true;
  p->complete += !known;
  bool ready = p->complete == (group ? t->groups : code->nodes - t->s);
  if (++p->come == t->after && !p->all && !ready) start_others(code, p, message->snapshot, o);
  return known ? SG_SKIP : ready ? SG_READY : SG_WAIT;
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  if (event->kind == SG_STALLED && !p->all && t->start < code->nodes)
    start_others(code, p, event->round, o);
  else
    sg_round_event(event, o);
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  int there = 0;
  for (int j = 0; j < code->nodes; j++) there += present[j];
  if (!t->groups) return there >= code->nodes - t->s;
  for (int group = 0; group < t->groups; group++) {
    there = 0;
    for (int j = group; j < code->nodes; j += t->groups) there += present[j];
    if (there == 0) return false;
  }
  return true;
}

const sg_code_type sg_tiered = {
    .about = {.name = "tiered",
              .brief = "spare workers that start later",
              .summary = "A gradient code whose first workers start at once and whose others start "
                         "when a given number of messages has come.",
              .reference = "After Sasi, Lalitha, Aggarwal, Rajan (2019), arXiv:1909.02516 "
                           "(abstract published; a reconstruction on plain gradient codes).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .plan = plan,
    .arrive = arrive,
    .on_event = on_event,
};
