/* SPDX-License-Identifier: MIT */
/* DropCompute: a worker computes M micro-batches, one after another, and sends the sum of them with
 * their number. `threshold_s` seconds after it began, by its own clock, it stops: after the
 * micro-batch that it is at (running: finish), or at once, and that one is lost (drop). The master
 * takes the mean over all micro-batches that came, whoever computed them.
 *
 * A worker that has none yet sends zeros, as it must take part in an all-reduce, and the master
 * waits for all; where nobody has one the iteration is skipped.
 *
 * Micro-batches are mini-batches of the worker's share of the data or of all of it, or (part) M
 * equal pieces of its share: then nothing but what was dropped is missing, and without a threshold
 * the sum is exact. The order of the pieces moves on by one in every iteration, so that it is not
 * always the same that are dropped. (theory: drop-compute) */
#include "codes/tools/learners.h"
#include "sim/core/random.h"

#include <limits.h>

static const char *const running[] = {"finish", "drop", NULL};
static const char *const gradients[] = {"batch", "global-batch", "part", NULL};
enum { BATCH, GLOBAL_BATCH, PART };

static const sg_param params[] = {
    SG_ROW_INT("micro_batches", 1, SG_MAX_DRAWS, "M: micro-batches of a worker in an iteration",
               .flags = SG_REQUIRED),
    SG_ROW_REAL("threshold_s", 0, SG_UNBOUNDED,
                "seconds after which a worker stops, from when it began to compute; when left out "
                "it never does",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_CHOICE("running", running, 0,
                  "what becomes of the micro-batch that a worker is at when it stops: it is "
                  "finished, or dropped"),
    SG_ROW_CHOICE("gradients", gradients, 0,
                  "what a micro-batch is: a mini-batch of the worker's share of the data (batch), "
                  "of all the data, which each worker then has (global-batch), each of "
                  "learning.batch_rows rows and each time others; or one of M equal pieces of the "
                  "worker's share (part)"),
    SG_ROW_REAL("work", 0, SG_UNBOUNDED,
                "work of a micro-batch, in subsets; when left out 1/M of that of a worker's share "
                "of the data",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    {0}};

typedef struct tables {
  int batches; /* M */
  int of;      /* BATCH, … */
  double work; /* of a micro-batch */
  double threshold;
  bool stops, drops;
} tables;

typedef struct progress {
  int come;  /* messages in this round */
  bool last; /* no more will */
} progress;

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  *t = (tables){.batches = (int)sg_int(values, "micro_batches"),
                .of = sg_choice(values, "gradients"),
                .stops = sg_given(values, "threshold_s"),
                .drops = sg_choice(values, "running") == 1};
  t->work = (double)shape->subsets / n / t->batches;
  if (sg_given(values, "work")) t->work = sg_real(values, "work");
  if (t->stops) t->threshold = sg_real(values, "threshold_s");
  if (t->work > SG_MAX_DRAWS || t->batches * sg_draws_of_work(t->work) > SG_MAX_DRAWS)
    return sg_fail_at(e, values, "work",
                      "expected micro_batches = %d times work at most %d, the random draws that a "
                      "worker has in an iteration, found work = %g",
                      t->batches, SG_MAX_DRAWS, t->work);
  if (t->of == PART && t->batches > INT_MAX / n)
    return sg_fail_at(e, values, "micro_batches",
                      "expected at most %d pieces of the data, found "
                      "%d for each of %d workers",
                      INT_MAX, t->batches, n);
  code->parts = t->of == GLOBAL_BATCH ? 1 : t->of == PART ? n * t->batches : n;
  code->stored = t->of == GLOBAL_BATCH ? n : 1;
  code->load = t->work * t->batches;
  code->exact = t->of == PART && !t->stops;
  code->flags = SG_ROUNDS | (t->of == PART ? 0 : SG_BATCHES) |
                (code->exact ? SG_WEIGHTS_CONSTANT : SG_ANY_COUNT);
  code->state_size = code->round_size = sizeof(progress);
  return sg_code_one_segment(code, values, "micro_batches", 1, n, e);
}

/* The tag is the number of micro-batches. */
static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int n = code->shape.workers, m = t->batches, from = message->from;
  unsigned number = (unsigned)message->snapshot;
  if (message->tag == 0) return;
  if (t->of == PART) {
    for (int k = 0; k < message->tag; k++)
      sg_row_part(row, from * m + (int)((number + (unsigned)k) % (unsigned)m), 0, 1);
    return;
  }
  if (t->of == GLOBAL_BATCH) number = number * (unsigned)n + (unsigned)from;
  sg_row_batches(row, (int)(number % (unsigned)(INT_MAX / m - 1)) * m + 1, message->tag);
  sg_row_part(row, t->of == GLOBAL_BATCH ? 0 : from, 0, 1);
}

/* The mean over all that came, times the number of parts. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  double all = 0, parts = code->parts;
  for (int i = 0; i < used->count; i++) all += used->message[i]->tag;
  if (all == 0 || (code->exact && all < parts)) return SG_UNDECODABLE;
  double weight = parts / all;
  used->info->alpha_error = used->info->alpha_sum = parts;
  for (int i = 0; i < used->count; i++) {
    double count = used->message[i]->tag, share = t->of == PART ? 1 : count;
    if (count == 0) continue; /* zeros: a weight of 0 */
    used->W[i] = weight;
    used->info->alpha_error += count / share * ((weight * share - 1) * (weight * share - 1) - 1);
  }
  if (code->exact || t->of == GLOBAL_BATCH) used->info->alpha_error = 0;
  return SG_OK;
}

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  for (int k = 0; k < t->batches; k++) sg_task(o, SG_ALL, snapshot, t->work, SG_DRAWS_OF_WORK, 0);
  sg_send(o, SG_ALL, SG_MASTER, snapshot, 0, t->batches, 0);
  if (t->stops) sg_timer_of(o, SG_ALL, t->threshold, 0);
}

/* At a worker: it stops, unless it has all, or will. */
static void stop(const tables *t, const sg_event *event, sg_orders *o) {
  bool finishes = event->busy && !t->drops;
  int count = event->count + finishes;
  if (count >= t->batches) return;
  if (finishes)
    sg_stop_queued(o, event->at);
  else
    sg_stop(o, event->at);
  sg_send(o, event->at, SG_MASTER, event->round, 0, count, 0);
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  const tables *t = code->self;
  progress *p = state;
  sg_event told = *event;
  if (event->kind == SG_TIMER && event->at != SG_MASTER) {
    stop(t, event, o);
    return;
  }
  for (int i = 0; event->kind == SG_ARRIVAL && i < event->count; i++)
    p->come += event->message[i]->round == event->round;
  p->last |= event->kind == SG_STALLED || p->come == code->nodes;
  /* All that came are zeros. */
  if (event->kind == SG_UPDATED && !code->exact) told.skip |= p->last;
  sg_round_event(&told, o);
}

const sg_code_type sg_drop_compute = {
    .about = {.name = "drop-compute",
              .brief = "micro-batches until a threshold",
              .summary = "Each worker computes M micro-batches in turn and stops at a threshold of "
                         "its own clock; the model is updated with the mean of all that were "
                         "computed. Approximate with a threshold.",
              .reference = "Giladi, Gottlieb, Shkolnik, Karnieli, Banner, Hoffer, Levy, Soudry "
                           "(2023), arXiv:2306.10598 (method published; formulas recalled).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .plan = plan,
    .on_event = on_event,
};
