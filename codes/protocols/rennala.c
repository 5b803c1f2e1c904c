/* SPDX-License-Identifier: MIT */
/* Rennala SGD (Tyurin, Richtárik 2023, arXiv:2305.12387) and Malenia SGD (the same paper).
 *
 * Rennala: all workers compute mini-batch gradients at x^k again and again; the mean of the first B
 * of them, from whomever, makes the step, and all begin anew at x^(k+1). Malenia, for data that
 * differ by worker: until the harmonic mean of the workers' numbers B_i of gradients reaches S/n
 * (so each has at least one); the step is taken with the mean over the workers of their own means,
 * which is unbiased whatever their data and speeds are.
 *
 * A worker that has sent a gradient begins the next one when the master has it. In the paper what
 * is under way at a step is finished and ignored (interrupt: false); interrupted workers are our
 * addition, and what the exact times of theory: rennala are of. */
#include "codes/tools/collect.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define ROW_INTERRUPT                                                                              \
  SG_ROW("interrupt", SG_BOOL,                                                                     \
         "whether workers are stopped when the master has enough, by a signal, and begin at the "  \
         "new model at once; otherwise a gradient of the old model is finished, sent and ignored", \
         .fallback = 1)
static const sg_param rennala_params[] = {
    SG_ROW_INT("b", 1, 1000000000, "gradients of an update, B", .flags = SG_REQUIRED),
    ROW_INTERRUPT,
    SG_ROWS_LEARNERS(sg_batches_of_learners),
    {0}};
static const sg_param malenia_params[] = {
    SG_ROW_INT("s", 1, 1000000000,
               "S: an update needs a harmonic mean of the workers' numbers of gradients of S/n, "
               "and one of each worker at least",
               .flags = SG_REQUIRED),
    SG_ROW_INT("most", 1, 1000000000,
               "gradients of a worker in an update after which it waits for the next model; when "
               "left out 100 S/n, so that those who wait are 1 % of what S asks at most",
               .flags = SG_OPTIONAL),
    ROW_INTERRUPT,
    SG_ROW_REAL("work", 0, SG_UNBOUNDED,
                "work of a gradient, in subsets; when left out that of a worker's share of the "
                "data",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    {0}};

typedef struct tables {
  sg_learners learners;
  sg_collect collect;
  int b;       /* of an update; most of a worker in one */
  double most; /* of Σ 1/B_i: n²/S */
} tables;

static sg_status create(sg_code *code, const sg_values *values, size_t own, sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_learners_read(code, values, NULL, &t->learners, e);
  t->collect = (sg_collect){.interrupt = sg_bool(values, "interrupt"), .work = t->learners.work};
  code->flags |= SG_ASYNC | SG_BATCHES;
  code->exact = false;
  code->state_size = sg_collect_state(code, own);
  return status;
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_collect_row(code, ((const tables *)code->self)->learners.shared, message, row);
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  sg_collect_event(code, &((const tables *)code->self)->collect, state, event, o);
}

/* --- Rennala ---------------------------------------------------------------------------------- */

static bool rennala_enough(const sg_code *code, void *state, const sg_message *message) {
  return ((const sg_collected *)state)->come >= ((const tables *)code->self)->b;
}

static sg_status rennala_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  sg_status status = create(code, values, 0, e);
  if (status) return status;
  tables *t = code->self;
  t->b = (int)sg_int(values, "b");
  t->collect.enough = rennala_enough;
  code->flags |= SG_WEIGHTS_BY_COUNT;
  return SG_OK;
}

static sg_status rennala_weights(const sg_code *code, const sg_used *used) {
  return sg_learners_weights(code, used, 1);
}

const sg_code_type sg_rennala = {
    .about = {.name = "rennala",
              .brief = "the first B gradients at one model",
              .summary = "Everyone computes mini-batch gradients at the newest model again and "
                         "again; the first B of them, from whomever, make the update, and older "
                         "ones are ignored. Approximate.",
              .reference = "Tyurin, Richtárik (NeurIPS 2023), arXiv:2305.12387 (published); "
                           "interruption ours, times for fixed seconds a gradient derived.",
              .params = rennala_params},
    .create = rennala_create,
    .encode = encode,
    .weights = rennala_weights,
    .on_event = on_event,
};

/* --- Malenia ---------------------------------------------------------------------------------- */

/* The state's own are B_i; `sum` is Σ 1/B_i over the workers that have answered. */
static bool malenia_enough(const sg_code *code, void *state, const sg_message *message) {
  sg_collected *c = state;
  int *b = sg_collect_own(code, state);
  if (c->come == 1) memset(b, 0, (size_t)code->nodes * sizeof *b);
  int now = ++b[message->from];
  c->answered += now == 1;
  c->sum += now == 1 ? 1 : 1.0 / now - 1.0 / (now - 1);
  return c->answered == code->nodes && c->sum <= ((const tables *)code->self)->most;
}

/* So that a run comes to rest where one of them is lost. */
static bool malenia_rests(const sg_code *code, void *state, int worker) {
  return sg_collect_own(code, state)[worker] >= ((const tables *)code->self)->b;
}

static sg_status malenia_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                sg_error *e) {
  sg_status status = create(code, values, sizeof(int), e);
  if (status) return status;
  tables *t = code->self;
  double n = shape->workers, mean = (double)sg_int(values, "s") / n;
  bool given = sg_given(values, "most");
  t->b = given ? (int)sg_int(values, "most") : (int)fmin(fmax(100 * mean, 100), INT_MAX);
  if (t->b < mean)
    return sg_fail_at(e, values, "most", "expected most ≥ S/n = %g, found %d", mean, t->b);
  t->most = n / mean * (1 + 1e-9); /* equal but for rounding is enough */
  t->collect.enough = malenia_enough;
  t->collect.rests = malenia_rests;
  return SG_OK;
}

/* Messages are sorted by their senders. With all workers each part is whole. */
static sg_status malenia_weights(const sg_code *code, const sg_used *used) {
  int answered = 0;
  for (int i = 0; i < used->count; i++) answered += i == 0 || used->from[i] != used->from[i - 1];
  if (answered == 0) return SG_UNDECODABLE;
  double share = (double)code->parts / answered;
  for (int i = 0, end; i < used->count; i = end) {
    for (end = i; end < used->count && used->from[end] == used->from[i];) end++;
    for (int k = i; k < end; k++) used->W[k] = share / (end - i);
  }
  used->info->alpha_error = answered * (share - 1) * (share - 1) + (code->parts - answered);
  used->info->alpha_sum = code->parts;
  return SG_OK;
}

const sg_code_type sg_malenia = {
    .about = {.name = "malenia",
              .brief = "gradients of all, as many as S asks",
              .summary = "Everyone computes mini-batch gradients of its own data at the newest "
                         "model again and again, until the harmonic mean of the workers' numbers "
                         "of them is S/n; the update is made with the mean over the workers of "
                         "their means, unbiased whatever their data. Approximate.",
              .reference = "Tyurin, Richtárik (NeurIPS 2023), arXiv:2305.12387 (published); "
                           "interruption ours.",
              .params = malenia_params},
    .create = malenia_create,
    .encode = encode,
    .weights = malenia_weights,
    .on_event = on_event,
};
