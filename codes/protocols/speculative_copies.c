/* SPDX-License-Identifier: MIT */
/* Speculative copies (backup tasks): each of n workers has a part of the data; when only k parts
 * have not come, r copies of each are started on workers that have answered, whatever the first
 * ones are doing. The first result of a part counts, and who else is at it is stopped.
 *
 * Any worker may have to copy any part, so that each has all the data. Copies go to who answered
 * first, a part each, in turns. Where workers are lost and fewer than n − k answers come, the
 * copies are started when nothing else can happen: of all that is missing, on all there are.
 *
 * Where times are exponential with rate μ and a copy draws its own (scaling: additive), an
 * iteration takes (H_n − H_k + H_k/(r + 1))/μ in the mean (theory: speculative-copies). */
#include "codes/frame/protocol.h"
#include "codes/tools/rules.h"

#include <math.h>
#include <string.h>

static const sg_param params[] = {
    SG_ROW_INT("left", 1, SG_UNBOUNDED, "k: copies are started when so many parts have not come",
               .flags = SG_OPTIONAL),
    SG_ROW_REAL("left_share", 0, 1,
                "instead of left: the share of the parts, of which k is the nearest whole number, "
                "at least 1",
                .flags = SG_OPTIONAL | SG_MIN_OPEN | SG_MAX_OPEN),
    SG_ROW_INT("copies", 1, SG_UNBOUNDED,
               "r: copies of each part, beside the first; at most (n - k)/k, as each worker that "
               "has answered takes one",
               .fallback = 1),
    {0}};

typedef struct tables {
  int left, copies;
  double work;
} tables;

/* Behind it stand n workers in the order of their answers, for each worker what it copies (the part
 * + 1; 0: nothing), and n flags of parts that have come. */
typedef struct progress {
  int come, answered;
  int begun; /* parts that had come when copies were started last */
  bool started;
  int worker[];
} progress;

static int *copied_by(const sg_code *code, progress *p) {
  return p->worker + code->nodes;
}

static bool *have(const sg_code *code, progress *p) {
  return (bool *)(void *)(copied_by(code, p) + code->nodes);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  bool left = sg_given(values, "left"), share = sg_given(values, "left_share");
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  if (left == share)
    return sg_fail_at(e, values, "left", "expected either left or left_share, found %s",
                      left ? "both" : "neither");
  long k = left ? sg_int(values, "left") : lround(fmax(1, sg_real(values, "left_share") * n));
  long copies = sg_int(values, "copies");
  if (k > n / 2)
    return sg_fail_at(e, values, left ? "left" : "left_share",
                      "expected k ≤ n/2 = %g, so that there is a worker for a copy of each part, "
                      "found k = %ld",
                      n / 2.0, k);
  if (copies > (n - k) / k)
    return sg_fail_at(e, values, "copies",
                      "expected copies ≤ (n − k)/k (1 to %ld): each of %ld workers that have "
                      "answered takes one, found %ld",
                      (n - k) / k, n - k, copies);
  *t = (tables){.left = (int)k, .copies = (int)copies, .work = (double)shape->subsets / n};
  code->parts = n;
  code->stored = n;
  code->promised = n - 1;
  code->load = t->work;
  code->flags = SG_ROUNDS | SG_WEIGHTS_CONSTANT;
  code->state_size = code->round_size =
      sizeof(progress) + (size_t)n * (2 * sizeof(int) + sizeof(bool));
  return sg_code_one_segment(code, values, "left", 1, n, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_row_part(row, message->tag, 0, 1); /* the tag is the part */
}

static void give(const sg_code *code, int worker, int part, int snapshot, sg_orders *o) {
  sg_task(o, worker, snapshot, ((const tables *)code->self)->work, SG_DRAWS_OF_WORK, 0);
  sg_send(o, worker, SG_MASTER, snapshot, 0, part, 0);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  for (int i = 0; i < code->nodes; i++) give(code, i, i, snapshot, o);
}

/* `copies` of each part that has not come, one after another on the workers that have answered. */
static void start_copies(const sg_code *code, progress *p, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  int next = 0;
  p->started = true;
  p->begun = p->come;
  for (int c = 0; c < t->copies; c++)
    for (int part = 0; part < code->parts; part++) {
      if (have(code, p)[part]) continue;
      int worker = p->worker[next++ % p->answered];
      copied_by(code, p)[worker] = part + 1;
      give(code, worker, part, snapshot, o);
    }
}

static void stop_others(const sg_code *code, progress *p, int part, int first, sg_orders *o) {
  for (int i = 0; i < code->nodes; i++)
    if (i != first && (i == part || copied_by(code, p)[i] == part + 1)) sg_stop(o, i);
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  int from = message->from, part = message->tag;
  if (have(code, p)[part]) return SG_SKIP;
  have(code, p)[part] = true;
  if (!p->started) p->worker[p->answered++] = from;
  if (++p->come == code->parts) return SG_READY;
  if (p->started)
    stop_others(code, p, part, from, o);
  else if (p->come == code->parts - t->left)
    start_copies(code, p, message->snapshot, o);
  return SG_WAIT;
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  progress *p = state;
  /* A worker that copied several parts may have been stopped for one of them: once more then. */
  bool again = !p->started || p->come > p->begun;
  if (event->kind == SG_STALLED && again && p->answered > 0 && p->come < code->parts)
    start_copies(code, p, event->round, o);
  else
    sg_round_event(event, o);
}

static bool promises(const sg_code *code, const bool *present) {
  for (int i = 0; i < code->nodes; i++)
    if (present[i]) return true;
  return false;
}

const sg_code_type sg_speculative_copies = {
    .about = {.name = "speculative-copies",
              .brief = "copies of the last parts, first result",
              .summary = "Uncoded, but when only k parts have not come, r copies of each are "
                         "started on workers that have answered; the first result of a part "
                         "counts.",
              .reference = "Backup tasks: Dean, Ghemawat (OSDI 2004) (recalled); replication at "
                           "the end: Wang, Joshi, Wornell (2014), arXiv:1404.1328 (recalled); "
                           "expectation derived.",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = sg_first_of_each,
    .promises = promises,
    .plan = plan,
    .arrive = arrive,
    .on_event = on_event,
};
