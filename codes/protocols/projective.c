/* SPDX-License-Identifier: MIT */
/* Projective derivative codes (after Soto, Ilmer, Guan, Li 2022, arXiv:2201.12990; a
 * reconstruction: exact codes, weights and experiments of the paper are unknown to us).
 *
 * The gradient's coordinates are in K blocks with partial derivatives v_1 … v_K. A task returns one
 * combination y_j = Σ_i c_ji v_i over all the data, of at most three blocks: in a dense layer rows
 * are combined before the outer product, so it costs 1/K of the backward work whatever its weight,
 * and a message is 1/K of a gradient (derived). Rows c_j are unit vectors spread in projective
 * space (projective.h), so that messages share little.
 *
 * Batch: a round is decoded by minimum norm from what has come, v̂ = C_S⁺ y_S = P v; the error is
 * |(I − P) v|², and for directions all alike the share rank(C_S)/K of the energy is captured.
 *
 * Asynchronous: no barrier. Each message is made orthogonal to those that have been used since the
 * basis was begun, t = c_j − Σ_q ⟨q, c_j⟩ q; with |t| above a tolerance the model takes a step
 * along q_new = t/|t| with y_new = (y_j − Σ ⟨q, c_j⟩ y_q)/|t|, otherwise it is dropped. Messages
 * are kept and used again, so the updates of a basis sum to batch decoding of its messages. A basis
 * ends with rank K, or with as many messages as a round has: else those that never come would hold
 * up all. A worker goes on with the newest model when its message has been dealt with.
 *
 * With rotate workers take turns with the rows, so that a direction is not left out for ever
 * because of who has it; with more rows than tasks in a round all rows have their turn. */
#include "codes/tools/projective.h"
#include "codes/frame/protocol.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_ROWS = 20000 };
static const double DEPENDENT = 1e-6;

#define ROWS_PROJECTIVE                                                                            \
  SG_ROW_INT("blocks", 1, 4096, "blocks K of coordinates: a message is 1/K of a gradient",         \
             .flags = SG_REQUIRED),                                                                \
      SG_ROW_INT("weight", 1, SG_UNBOUNDED, "the most blocks that a message combines, 1 to 3",     \
                 .fallback = 3),                                                                   \
      SG_ROW("rotate", SG_BOOL,                                                                    \
             "whether workers take turns with the combinations, from task to task"),               \
      SG_ROW_INT("rows", 1, MOST_ROWS,                                                             \
                 "how many combinations there are, with rotate; as many as tasks of all workers "  \
                 "(asynchronous: workers) when left out",                                          \
                 .flags = SG_OPTIONAL)

static const sg_param batch_params[] = {
    ROWS_PROJECTIVE,
    SG_ROW_INT("tasks", 1, 64, "combinations that a worker computes and sends in a round, in turn",
               .fallback = 1),
    {0}};
static const sg_param async_params[] = {ROWS_PROJECTIVE, {0}};

typedef struct tables {
  int blocks, tasks, rows;
  bool rotate;
  sg_sparse c; /* rows × blocks */
} tables;

/* --- Making ----------------------------------------------------------------------------------- */

static sg_status make(sg_code *code, const sg_values *values, int tasks, sg_error *e) {
  int n = code->shape.workers, all = n * tasks;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  char *note = sg_code_alloc(code, 240, 1);
  sg_spread of;
  if (!t || !note) return sg_fail_memory(e);
  *t = (tables){.blocks = (int)sg_int(values, "blocks"),
                .tasks = tasks,
                .rows = sg_given(values, "rows") ? (int)sg_int(values, "rows") : all,
                .rotate = sg_bool(values, "rotate")};
  if (sg_int(values, "weight") > SG_SPREAD_WEIGHT)
    return sg_fail_at(e, values, "weight", "expected a weight of 1 to %d, found %ld",
                      SG_SPREAD_WEIGHT, sg_int(values, "weight"));
  if (t->rows < all || (t->rows > all && !t->rotate))
    return sg_fail_at(e, values, "rows",
                      "expected %s%d combinations, one of each task of a round, found %d",
                      t->rotate ? "at least " : "without rotate ", all, t->rows);
  if (t->rows > MOST_ROWS)
    return sg_fail_at(e, values, NULL, "expected at most %d tasks in a round, found %d", MOST_ROWS,
                      t->rows);
  sg_status status = sg_code_one_segment(code, values, "blocks", t->blocks, all, e);
  if (status) return status;
  if (sg_spread_rows(code, t->rows, t->blocks, (int)sg_int(values, "weight"), &t->c, &of))
    return sg_fail_memory(e);
  snprintf(
      note, 240,
      "%d combinations of %d blocks of rank %d: coherence %.4g (distance %.4g), sum of squared "
      "products %.5g (at least %.5g)",
      t->rows, t->blocks, of.rank, of.coherence, sqrt(fmax(0, 1 - of.coherence * of.coherence)),
      of.potential, of.welch);
  code->note = note;
  code->parts = 1;
  code->exact = false;
  return SG_OK;
}

static sg_status batch_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  int tasks = (int)sg_int(values, "tasks");
  code->flags |= SG_ANY_COUNT | SG_WEIGHTS_PURE;
  /* Less than all the work on the data that a worker holds: it is not measured by the rows. */
  code->load = (double)tasks * shape->subsets / (double)sg_int(values, "blocks");
  code->stored = shape->workers;
  return make(code, values, tasks, e);
}

/* The `turn`-th combination of a worker. */
static int row_of(const tables *t, int all, int slot, long turn) {
  return t->rotate ? (int)((slot + turn % t->rows * (all + 1L)) % t->rows) : slot;
}

static void write_row(const tables *t, int number, sg_row *row) {
  for (size_t k = t->c.begin[number]; k < t->c.begin[number + 1]; k++)
    sg_row_part(row, 0, t->c.column[k], t->c.value[k]);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  write_row(t, message->tag % t->rows, row);
}

/* --- Batch ------------------------------------------------------------------------------------ */

static void plan(const sg_code *code, const void *state, int round, int snapshot,
                 sg_orders *orders) {
  const tables *t = code->self;
  double work = (double)code->shape.subsets / t->blocks;
  for (int v = 0; v < code->nodes; v++)
    for (int k = 0; k < t->tasks; k++) {
      int number = row_of(t, code->nodes * t->tasks, v * t->tasks + k, round);
      sg_task(orders, v, snapshot, work, SG_DRAWS_OF_WORK, 0);
      sg_send(orders, v, SG_MASTER, snapshot, 0, number, 0);
    }
}

const sg_code_type sg_projective_derivative = {
    .about = {.name = "projective-derivative",
              .brief = "combinations of partial derivatives",
              .summary = "Workers send combinations of at most three of K blocks of the gradient's "
                         "coordinates over all the data; what has come is decoded by minimum norm. "
                         "Approximate.",
              .reference = "Soto, Ilmer, Guan, Li 2022, arXiv:2201.12990 (a reconstruction; "
                           "decoding and costs derived).",
              .params = batch_params},
    .create = batch_create,
    .encode = encode,
    .plan = plan,
};

/* --- Asynchronous ----------------------------------------------------------------------------- */

/* Behind it stand: the orthonormal basis and the combinations of messages that give it, K × K
 * numbers each; the K messages of the basis; 2 n messages that wait; n counts of tasks. A worker
 * has one message under way or waiting, and another only where a crash gave it work anew. */
typedef struct progress {
  int version, rank, come; /* come: messages of this basis, those that were dropped too */
  int first, waiting;      /* in a ring of 2 n */
  bool busy;
} progress;

static double *basis(progress *p) {
  return (double *)(void *)(p + 1);
}

static double *mix(const sg_code *code, progress *p) {
  size_t k = (size_t)((const tables *)code->self)->blocks;
  return basis(p) + k * k;
}

static const sg_message **kept(const sg_code *code, progress *p) {
  size_t k = (size_t)((const tables *)code->self)->blocks;
  return (const sg_message **)(void *)(mix(code, p) + k * k);
}

static int most_waiting(const sg_code *code) {
  return 2 * code->nodes;
}

static const sg_message **queue(const sg_code *code, progress *p) {
  return kept(code, p) + ((const tables *)code->self)->blocks;
}

static int *given(const sg_code *code, progress *p) {
  return (int *)(void *)(queue(code, p) + most_waiting(code));
}

static sg_status async_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                              sg_error *e) {
  size_t k = (size_t)sg_int(values, "blocks"), n = (size_t)shape->workers;
  sg_status status = make(code, values, 1, e);
  code->flags |= SG_ASYNC;
  code->load = (double)shape->subsets / (double)k;
  code->stored = shape->workers;
  code->state_size = sizeof(progress) + 2 * k * k * sizeof(double) +
                     (k + 2 * n) * sizeof(sg_message *) + n * sizeof(int);
  return status;
}

static void give(const sg_code *code, progress *p, int worker, sg_orders *o) {
  const tables *t = code->self;
  long turn = given(code, p)[worker]++;
  long rounds = (INT_MAX - t->rows) / t->rows;
  int number = row_of(t, code->nodes, worker, turn);
  sg_task(o, worker, p->version, (double)code->shape.subsets / t->blocks, SG_DRAWS_OF_WORK, 0);
  sg_send(o, worker, SG_MASTER, p->version, 0, number + (int)(turn % rounds) * t->rows, 0);
}

static void begin_basis(const sg_code *code, progress *p, sg_orders *o) {
  for (int i = 0; i < p->rank; i++) sg_drop(o, kept(code, p)[i]);
  p->rank = p->come = 0;
}

/* Appends what the message's row has beyond the basis, and which messages give it. */
static bool extend(const sg_code *code, progress *p, const sg_message *m) {
  const tables *t = code->self;
  int blocks = t->blocks, number = m->tag % t->rows, rank = p->rank;
  double *q = basis(p), *next = q + (size_t)rank * (size_t)blocks;
  double *of = mix(code, p), *own = of + (size_t)rank * (size_t)blocks, norm = 0;
  memset(next, 0, (size_t)blocks * sizeof *next);
  memset(own, 0, (size_t)blocks * sizeof *own);
  for (size_t k = t->c.begin[number]; k < t->c.begin[number + 1]; k++)
    next[t->c.column[k]] = t->c.value[k];
  own[rank] = 1;
  for (int pass = 0; pass < 2; pass++) /* twice, so that rounding does not show */
    for (int i = 0; i < rank; i++) {
      const double *b = q + (size_t)i * (size_t)blocks, *a = of + (size_t)i * (size_t)blocks;
      double along = 0;
      for (int u = 0; u < blocks; u++) along += b[u] * next[u];
      for (int u = 0; u < blocks; u++) next[u] -= along * b[u];
      for (int k = 0; k <= i; k++) own[k] -= along * a[k];
    }
  for (int u = 0; u < blocks; u++) norm += next[u] * next[u];
  norm = sqrt(norm);
  if (!(norm > DEPENDENT)) return false;
  for (int u = 0; u < blocks; u++) next[u] /= norm;
  for (int k = 0; k <= rank; k++) own[k] /= norm;
  kept(code, p)[p->rank++] = m;
  return true;
}

/* Deals with what has come, until a message is worth an update. */
static void go_on(const sg_code *code, progress *p, sg_orders *o) {
  const tables *t = code->self;
  while (!p->busy && p->waiting > 0) {
    const sg_message *m = queue(code, p)[p->first];
    p->first = (p->first + 1) % most_waiting(code);
    p->waiting--;
    if (p->rank == t->blocks || p->come == code->nodes) begin_basis(code, p, o);
    p->come++;
    if (extend(code, p, m)) {
      for (int i = 0; i < p->rank; i++) sg_use(o, kept(code, p)[i]);
      sg_decode(o, 0, SG_ANY, SG_NO_SUM | SG_KEEP);
      p->busy = true;
    } else {
      int from = m->from;
      sg_drop(o, m);
      give(code, p, from, o);
    }
  }
}

static void updated(const sg_code *code, progress *p, bool decoded, sg_orders *o) {
  int from = kept(code, p)[p->rank - 1]->from;
  p->busy = false;
  if (decoded) {
    sg_close(o, p->version++);
    sg_snapshot(o, p->version, 0, 0);
  }
  give(code, p, from, o);
  go_on(code, p, o);
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  progress *p = state;
  switch (event->kind) {
  case SG_BEGIN:
    sg_snapshot(o, 0, 0, 0);
    for (int v = 0; v < code->nodes; v++) give(code, p, v, o);
    break;
  case SG_ARRIVAL:
    for (int i = 0; i < event->count; i++)
      if (p->waiting < most_waiting(code))
        queue(code, p)[(p->first + p->waiting++) % most_waiting(code)] = event->message[i];
      else
        sg_drop(o, event->message[i]);
    go_on(code, p, o);
    break;
  case SG_UPDATED: updated(code, p, event->decoded, o); break;
  case SG_BACK: give(code, p, event->at, o); break;
  default: break;
  }
}

/* q_new ⊗ y_new. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  progress *p = (progress *)(uintptr_t)used->state;
  int blocks = ((const tables *)code->self)->blocks, last = p->rank - 1;
  if (last < 0) return SG_UNDECODABLE;
  const double *q = basis(p) + (size_t)last * (size_t)blocks;
  const double *own = mix(code, p) + (size_t)last * (size_t)blocks;
  for (int i = 0; i < used->count; i++) {
    int k = 0;
    const sg_message *m = used->message[i];
    while (k <= last && (kept(code, p)[k]->from != m->from || kept(code, p)[k]->tag != m->tag)) k++;
    for (int u = 0; k <= last && u < blocks; u++) used->W[i * blocks + u] = own[k] * q[u];
  }
  used->info->flops = 4.0 * blocks * p->rank;
  return SG_OK;
}

const sg_code_type sg_projective_derivative_async = {
    .about = {.name = "projective-derivative-async",
              .brief = "an update with every combination",
              .summary = "The same without a barrier: each combination that comes is made "
                         "orthogonal to those before it, and the model takes a step along what is "
                         "new in it. Approximate.",
              .reference = "Soto, Ilmer, Guan, Li 2022, arXiv:2201.12990 (a reconstruction; "
                           "updates derived).",
              .params = async_params},
    .create = async_create,
    .encode = encode,
    .weights = weights,
    .on_event = on_event,
};
