/* SPDX-License-Identifier: MIT */
/* Selective repetition, SR-SGC (Krishnan, Ebrahimi, Khisti 2023; theory: sequential).
 *
 * GC(s) with s = ⌈B λ / (W − 1 + B)⌉, B dividing W − 1, Δ = B. In round r all do their task of job
 * r, except: if v > s workers did not return job r − B in round r − B (they straggled, or were at
 * an older job), the first v − s of them repeat job r − B instead. It is decoded at the end of
 * round r from what came of it in both rounds. After the last job only repetitions are left;
 * rounds without any take no time.
 *
 * Past rounds with at most s stragglers and without a repetition among what came are exempt from
 * the pattern: nothing of them has to be repeated. */
#include "codes/tools/cyclic.h"
#include "codes/tools/sequential.h"

#include <string.h>

static const sg_param params[] = {SG_ROWS_BURSTS, SG_ROWS_SEQUENTIAL("B + 1"), {0}};

typedef struct tables {
  sg_sequential sequential; /* first */
  sg_cyclic *cyclic;
  double work;
} tables;

typedef struct job {
  int come;       /* workers that have returned it */
  uint64_t set[]; /* they */
} job;

typedef struct progress { /* B + 1 jobs follow */
  int64_t repeated;       /* results of this round that were repetitions */
} progress;

static size_t job_size(const sg_bursts *b) {
  return sizeof(job) + (size_t)b->words * sizeof(uint64_t);
}

static job *job_of(const tables *t, void *own, int number) {
  char *jobs = (char *)own + sizeof(progress);
  size_t slot = (size_t)(number % (t->sequential.delay + 1));
  return (job *)(void *)(jobs + slot * job_size(&t->sequential.bursts));
}

static void give(const tables *t, int worker, int snapshot, sg_orders *o) {
  sg_task(o, worker, snapshot, t->work, sg_sequential_draws(t->work), 0);
  sg_send(o, worker, SG_MASTER, snapshot, 0, 0, 0);
}

static void ask(const sg_code *code, void *own, int round, sg_orders *o) {
  const tables *t = code->self;
  const sg_sequential *q = &t->sequential;
  int old = sg_job_due(q, round), n = code->nodes;
  const job *due = old >= 0 ? job_of(t, own, old) : NULL;
  int repeat = due ? n - due->come - t->cyclic->s : 0;
  bool fresh = round < q->jobs;
  ((progress *)own)->repeated = 0;
  if (fresh) memset(job_of(t, own, round), 0, job_size(&q->bursts));
  if (repeat <= 0) {
    if (!fresh) return;
    sg_sequential_ask(code, own, SG_ALL);
    give(t, SG_ALL, round, o);
    return;
  }
  for (int i = 0; i < n; i++) {
    bool repeats = repeat > 0 && !sg_set_has(due->set, i);
    repeat -= repeats;
    if (!repeats && !fresh) continue;
    sg_sequential_ask(code, own, i);
    give(t, i, repeats ? old : round, o);
  }
}

static void came(const sg_code *code, void *own, const sg_message *message) {
  job *j = job_of(code->self, own, message->snapshot);
  int from = message->from;
  ((progress *)own)->repeated += message->snapshot != message->round;
  j->come += !sg_set_has(j->set, from);
  j->set[from / 64] |= UINT64_C(1) << (from % 64);
}

static bool decodable(const sg_code *code, const void *own, int number) {
  const tables *t = code->self;
  return job_of(t, (void *)own, number)->come >= code->nodes - t->cyclic->s;
}

static bool exempt(const sg_code *code, const void *own, int stragglers) {
  const tables *t = code->self;
  return ((const progress *)own)->repeated == 0 && stragglers <= t->cyclic->s;
}

static const sg_sequence scheme = {
    .ask = ask, .came = came, .decodable = decodable, .exempt = exempt};

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  tables *t = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_bursts *b = &t->sequential.bursts;
  sg_status status = sg_read_bursts(values, n, b, e);
  if (status) return status;
  int rest = (b->window - 1) % b->burst, below = b->window - rest;
  if (rest > 0 && below > 1)
    return sg_fail_at(e, values, "W",
                      "expected W − 1 a multiple of B = %d (W one of %d, %d), found W = %d",
                      b->burst, below, below + b->burst, b->window);
  if (rest > 0)
    return sg_fail_at(e, values, "W",
                      "expected W − 1 a multiple of B = %d (W = %d, %d, …), found "
                      "W = %d",
                      b->burst, 1 + b->burst, 1 + 2 * b->burst, b->window);
  int parts = b->window - 1 + b->burst, s = (b->burst * b->lambda + parts - 1) / parts;
  if (s >= n)
    return sg_fail_at(e, values, "lambda",
                      "expected s = ⌈B λ / (W − 1 + B)⌉ < n = %d (lambda at most %d), found s = %d",
                      n, (n - 1) * parts / b->burst, s);
  status = sg_cyclic_new(code, values, n, s, shape->seed, &t->cyclic, e);
  if (status) return status;
  t->work = (s + 1) * (double)shape->subsets / n;
  code->parts = n;
  code->promised = s;
  code->load = t->work;
  size_t own = sizeof(progress) + (size_t)(b->burst + 1) * job_size(b);
  status = sg_sequential_init(&t->sequential, &scheme, b->burst, own, code, values, e);
  return status ? status : sg_code_one_segment(code, values, "lambda", 1, n - s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  sg_cyclic_row(t->cyclic, message->from, 0, row);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->cyclic->parity, used, 0, NULL);
}

const sg_code_type sg_sr_sgc = {
    .about = {.name = "sr-sgc",
              .brief = "sequential, repeats what stragglers owe",
              .summary =
                  "Sequential gradient coding by selective repetition: who straggled repeats "
                  "its task of an older job, as far as that job needs it; tolerates bursts "
                  "(B, W, lambda) with s = ceil(B lambda / (W - 1 + B)).",
              .reference = "Krishnan, Ebrahimi, Khisti (ICLR 2023), arXiv:2211.13802 and its "
                           "official program (published).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .candidates = sg_bursts_to_try,
    .on_event = sg_sequential_event,
};
