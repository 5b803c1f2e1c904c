/* SPDX-License-Identifier: MIT */
/* Multiplexed sequential gradient coding, M-SGC (Krishnan, Ebrahimi, Khisti 2023).
 * (theory: sequential)
 *
 * Parameters 0 < B < W, λ ≤ n; Δ = W − 2 + B. The data are cut into W − 1 chunks a worker, (λ +
 * 1)/Z of the data each and with nobody else, and B groups of n chunks of 1/Z, each group with its
 * own GC(λ); Z = n (B + (W − 1)(λ + 1)). With λ = n there are no groups, and a chunk is 1/(n (W −
 * 1)).
 *
 * A worker does W − 1 + B minitasks a round. Minitask j of round r belongs to job r − j. For j <
 * W − 1 it is the worker's chunk j. Afterwards it is the first chunk that the worker still owes
 * that job, having straggled, or, if it owes none, its combination of group j − (W − 1). All
 * results of a round come together, so that a straggler loses all. Job t is decoded at the end of
 * round t + Δ: the chunks are added up, and each group is decoded from n − λ results.
 *
 * A message's tag says what it is: chunk 0, …, W − 2, or W − 1 + group. */
#include "codes/tools/cyclic.h"
#include "codes/tools/sequential.h"

#include <math.h>
#include <string.h>

static const sg_param params[] = {SG_ROWS_BURSTS, SG_ROWS_SEQUENTIAL("W + B - 1"), {0}};

typedef struct tables {
  sg_sequential sequential; /* first */
  sg_cyclic *cyclic;        /* GC(λ) of the groups; NULL: λ = n */
  int n, chunks, groups;    /* workers; W − 1; B */
  double minitask;          /* its work */
  size_t size;              /* bytes of a job */
} tables;

/* What has come of a job: `come` chunks, results per group; per worker chunks that it owes; per
 * worker and chunk whether it has come. */
typedef struct job {
  int come;
  int count[]; /* groups, workers; then bytes */
} job;

static size_t job_size(const tables *t) {
  size_t ints = 1 + (size_t)t->groups + (size_t)t->n;
  size_t bytes = ints * sizeof(int) + (size_t)t->n * (size_t)t->chunks;
  return (bytes + sizeof(int) - 1) / sizeof(int) * sizeof(int);
}

static job *job_of(const tables *t, void *own, int number) {
  unsigned slot = (unsigned)number % (unsigned)(t->sequential.delay + 1);
  return (job *)(void *)((char *)own + slot * t->size);
}

static int *owes(const tables *t, job *j) {
  return j->count + t->groups;
}

static unsigned char *has(const tables *t, job *j, int worker) {
  return (unsigned char *)(owes(t, j) + t->n) + worker * t->chunks;
}

static void begin_job(const tables *t, job *j) {
  memset(j, 0, t->size);
  for (int i = 0; i < t->n; i++) owes(t, j)[i] = t->chunks;
}

/* What a worker does for a job in minitask `slot` ≥ W − 1; −1: nothing. */
static int later_minitask(const tables *t, job *j, int worker, int slot) {
  if (owes(t, j)[worker] == 0) return t->cyclic ? slot : -1;
  const unsigned char *come = has(t, j, worker);
  int chunk = 0;
  while (come[chunk]) chunk++;
  return chunk;
}

/* The results of a round go together. */
static unsigned flag_of(int *sent) {
  return (*sent)++ ? SG_WITH_PREVIOUS : 0;
}

/* λ = n: who owes nothing has nothing to do in the later minitasks. */
static void ask_one(const sg_code *code, void *own, int worker, int round, int first, int last,
                    sg_orders *o) {
  const tables *t = code->self;
  int snapshot = round < t->sequential.jobs ? round : (int)t->sequential.jobs - 1;
  int at = o->count, sent = 0;
  sg_task(o, worker, snapshot, 0, 1, 0);
  for (int slot = first; slot <= last; slot++) {
    int tag =
        slot < t->chunks ? slot : later_minitask(t, job_of(t, own, round - slot), worker, slot);
    if (tag >= 0) sg_send(o, worker, SG_MASTER, round - slot, 0, tag, flag_of(&sent));
  }
  if (o->failed) return;
  if (sent == 0) {
    o->count = at;
    return;
  }
  o->order[at].work = sent * t->minitask;
  o->order[at].draws = sg_sequential_draws(sent * t->minitask);
  sg_sequential_ask(code, own, worker);
}

/* Tasks are of the newest job: the models of the others are with the workers already. */
static void ask(const sg_code *code, void *own, int round, sg_orders *o) {
  const tables *t = code->self;
  const sg_sequential *q = &t->sequential;
  int first = round < q->jobs ? 0 : round - (int)q->jobs + 1;
  int last = round < q->delay ? round : q->delay, sent = 0;
  if (first == 0) begin_job(t, job_of(t, own, round));
  if (!t->cyclic) {
    for (int i = 0; i < t->n; i++) ask_one(code, own, i, round, first, last, o);
    return;
  }
  double work = (last - first + 1) * t->minitask;
  sg_sequential_ask(code, own, SG_ALL);
  sg_task(o, SG_ALL, round - first, work, sg_sequential_draws(work), 0);
  for (int slot = first; slot <= last; slot++) {
    job *j = job_of(t, own, round - slot);
    unsigned flag = flag_of(&sent);
    if (slot < t->chunks || j->come == t->n * t->chunks)
      sg_send(o, SG_ALL, SG_MASTER, round - slot, 0, slot, flag);
    else
      for (int i = 0; i < t->n; i++)
        sg_send(o, i, SG_MASTER, round - slot, 0, later_minitask(t, j, i, slot), flag);
  }
}

static void came(const sg_code *code, void *own, const sg_message *message) {
  const tables *t = code->self;
  job *j = job_of(t, own, message->snapshot);
  if (message->tag >= t->chunks) {
    j->count[message->tag - t->chunks]++;
    return;
  }
  unsigned char *come = has(t, j, message->from) + message->tag;
  j->come += !*come;
  owes(t, j)[message->from] -= !*come;
  *come = 1;
}

static bool decodable(const sg_code *code, const void *own, int number) {
  const tables *t = code->self;
  const job *j = job_of(t, (void *)own, number);
  if (j->come < t->n * t->chunks) return false;
  for (int g = 0; t->cyclic && g < t->groups; g++)
    if (j->count[g] < t->n - t->cyclic->s) return false;
  return true;
}

static const sg_sequence scheme = {.ask = ask, .came = came, .decodable = decodable};

/* Chunks of all workers, worker by worker, then the groups. Returns whether there was memory. */
static bool cut_data(sg_code *code, const tables *t, int lambda) {
  int n = t->n, chunks = n * t->chunks, coded = lambda < n ? n * t->groups : 0;
  double z = (double)chunks * (lambda + 1) + coded;
  double *edge = sg_code_alloc(code, (size_t)(chunks + coded) + 1, sizeof *edge);
  if (!edge) return false;
  for (int p = 1; p <= chunks + coded; p++)
    edge[p] = p <= chunks ? (double)p * (lambda + 1) / z
                          : ((double)chunks * (lambda + 1) + (p - chunks)) / z;
  code->parts = chunks + coded;
  code->edge = edge;
  return true;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  tables *t = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_bursts *b = &t->sequential.bursts;
  sg_status status = sg_read_bursts(values, n, b, e);
  if (status) return status;
  if (b->burst >= b->window)
    return sg_fail_at(e, values, "B", "expected B < W = %d (1 to %d), found %d", b->window,
                      b->window - 1, b->burst);
  int lambda = b->lambda;
  t->n = n;
  t->chunks = b->window - 1;
  t->groups = b->burst;
  t->size = job_size(t);
  if (lambda < n) status = sg_cyclic_new(code, values, n, lambda, shape->seed, &t->cyclic, e);
  if (status) return status;
  if (!cut_data(code, t, lambda)) return sg_fail_memory(e);
  double chunk = code->edge[1] * shape->subsets; /* its work, and the group's λ + 1 chunks' */
  t->minitask = chunk;
  code->load = (t->chunks + t->groups) * chunk;
  if (lambda == n) code->stored = 1;
  status = sg_sequential_init(&t->sequential, &scheme, b->window - 2 + b->burst,
                              (size_t)(b->window - 1 + b->burst) * t->size, code, values, e);
  return status ? status : sg_code_one_segment(code, values, "lambda", 1, code->parts, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int group = message->tag - t->chunks;
  if (group < 0)
    sg_row_part(row, message->from * t->chunks + message->tag, 0, 1);
  else
    sg_cyclic_row(t->cyclic, message->from, t->n * (t->chunks + group), row);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  const sg_message *const *m = used->message;
  sg_decode_info *info = used->info;
  double flops = 0, cond1 = 1;
  int chunks = 0;
  for (int i = 0; i < used->count; i++) {
    bool again = i > 0 && m[i]->from == m[i - 1]->from && m[i]->tag == m[i - 1]->tag;
    if (m[i]->tag >= t->chunks || again) continue;
    used->W[i] = 1;
    chunks++;
  }
  if (chunks < t->n * t->chunks) return SG_UNDECODABLE;
  for (int g = 0; t->cyclic && g < t->groups; g++) {
    sg_status status = sg_parity_weights(t->cyclic->parity, used, t->chunks + g, NULL);
    if (status) return status;
    flops += info->flops;
    cond1 = fmax(cond1, info->cond1);
    info->flops = 0;
    info->cond1 = 1;
  }
  info->flops = flops;
  info->cond1 = cond1;
  return SG_OK;
}

const sg_code_type sg_m_sgc = {
    .about = {.name = "m-sgc",
              .brief = "sequential, minitasks of several jobs",
              .summary = "Multiplexed sequential gradient coding: a worker does a minitask for "
                         "each of W - 1 + B jobs, redoes chunks that it lost as a straggler, and "
                         "is spared the coded ones meanwhile; tolerates bursts (B, W, lambda) at "
                         "a small load.",
              .reference = "Krishnan, Ebrahimi, Khisti (ICLR 2023), arXiv:2211.13802 and its "
                           "official program (published); lambda = n (derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .candidates = sg_bursts_to_try,
    .on_event = sg_sequential_event,
};
