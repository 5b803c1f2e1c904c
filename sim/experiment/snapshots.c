/* SPDX-License-Identifier: MIT */
/* Models and snapshots of one run: slots, columns of the pass, steps of the optimiser. */
#include "sim/experiment/snapshots.h"

#include "sim/core/array.h"
#include "sim/core/linalg.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static double **state_of(const sg_snapshots *s, int model) {
  return s->state + (ptrdiff_t)model * sg_optimizer_vectors(s->world->optimizer);
}

static double *own_column(const sg_snapshots *s) {
  return s->pass->matrix + s->column * s->pass->length;
}

bool sg_snapshots_init(sg_snapshots *s, const sg_world *w, uint32_t replication, sg_pass *pass,
                       int column, double *models) {
  *s = (sg_snapshots){.world = w, .pass = pass, .column = column, .replication = replication};
  s->updates = calloc((size_t)w->code->models, sizeof *s->updates);
  if (!s->updates || !models) return s->updates != NULL;
  if (w->environment.broadcast) {
    s->told = calloc((size_t)w->code->models * (size_t)pass->length, sizeof *s->told);
    if (!s->told) return false;
  }
  int vectors = w->code->models * sg_optimizer_vectors(w->optimizer);
  s->state = calloc((size_t)vectors, sizeof *s->state);
  if (!s->state) return false;
  for (int k = 0; k < vectors; k++) {
    /* Vector 0 of all runs, then vector 1 of all runs: columns of the same matrix. */
    s->state[k] = models + ((ptrdiff_t)k * pass->runs + column) * pass->length;
    memset(s->state[k], 0, (size_t)pass->length * sizeof(double));
  }
  for (int i = 0; i < w->code->models; i++) {
    sg_problem_start(w->problem, state_of(s, i)[0]);
    if (s->told) sg_problem_start(w->problem, s->told + (ptrdiff_t)i * pass->length);
  }
  return true;
}

void sg_snapshots_free(sg_snapshots *s) {
  for (int i = 0; i < s->n_slots; i++)
    if (s->slot[i].x && s->slot[i].x != own_column(s)) free(s->slot[i].x);
  free(s->slot);
  free(s->state);
  free(s->updates);
  free(s->used);
  free(s->spare);
  free(s->told);
  sg_packed_free(&s->packed);
}

/* Slots up to `number`; the first is the run's column of the pass. */
static bool make_slot(sg_snapshots *s, int number) {
  if (!SG_ROOM(s->slot, s->slots_capacity, number + 1)) return false;
  while (s->n_slots <= number) s->slot[s->n_slots++] = (sg_slot){0};
  sg_slot *slot = &s->slot[number];
  if (slot->x || s->world->problem->timing_only) return true;
  slot->x = number == 0 ? own_column(s) : malloc((size_t)s->pass->length * sizeof *slot->x);
  return slot->x != NULL;
}

/* x: the model's evaluation point; becomes what workers have of it, which begins as the model that
 * runs begin with at both ends. */
static bool tell(sg_snapshots *s, int model, double *x) {
  long l = s->pass->length;
  double *told = s->told + (ptrdiff_t)model * l;
  sg_dither dither;
  sg_dither_at(&dither, s->world->environment.seed, s->replication, s->world->code->nodes,
               s->taken++, 0, 0);
  cblas_daxpy((int)l, -1, told, 1, x, 1);
  if (sg_compress(s->world->environment.broadcast, &s->packed, &dither, l, x, NULL, &s->told_bits))
    return false;
  cblas_daxpy((int)l, 1, x, 1, told, 1);
  memcpy(x, told, (size_t)l * sizeof *x);
  return true;
}

double sg_snapshots_bits(const sg_snapshots *s) {
  return s->told_bits;
}

bool sg_snapshots_take(sg_snapshots *s, int number, int model) {
  if (!make_slot(s, number)) return false;
  sg_slot *slot = &s->slot[number];
  slot->model = model;
  slot->update = s->updates[model];
  if (slot->x)
    sg_optimizer_point(s->world->optimizer, s->pass->length, slot->update, state_of(s, model),
                       slot->x);
  return !slot->x || !s->told || tell(s, model, slot->x);
}

/* In a wide pass gradients are taken at the columns of its matrix: a snapshot elsewhere changes
 * places with the one that is there. */
static void bring_to_column(sg_snapshots *s, sg_slot *slot) {
  double *column = own_column(s);
  if (slot->x == column) return;
  sg_slot *there = s->slot;
  while (there->x != column) there++;
  cblas_dswap((int)s->pass->length, slot->x, 1, column, 1);
  there->x = slot->x;
  slot->x = column;
}

int sg_snapshots_find(sg_snapshots *s, const sg_run *run, int snapshot) {
  for (int i = 0; i < s->n_used; i++)
    if (s->used[i].snapshot == snapshot) return i;
  int number = sg_run_slot(run, snapshot), column = s->column;
  if (number < 0 || !SG_ROOM(s->used, s->used_capacity, s->n_used + 1)) return -1;
  if (s->pass->width > 1)
    bring_to_column(s, &s->slot[number]);
  else
    column = sg_pass_column(s->pass, s->slot[number].x);
  if (column < 0) return -1;
  s->used[s->n_used] =
      (struct sg_used_snapshot){.snapshot = snapshot, .slot = number, .column = column};
  return s->n_used++;
}

long sg_snapshots_age(const sg_snapshots *s, const sg_run *run, int snapshot) {
  int number = sg_run_slot(run, snapshot);
  assert(number >= 0 && number < s->n_slots);
  const sg_slot *slot = &s->slot[number];
  return s->updates[slot->model] - slot->update;
}

bool sg_snapshots_current(const sg_snapshots *s, int used, int model) {
  const sg_slot *slot = &s->slot[s->used[used].slot];
  return !s->told && slot->model == model && slot->update == s->updates[model];
}

const double *sg_snapshots_point(const sg_snapshots *s, const sg_run *run, int snapshot) {
  return s->slot[sg_run_slot(run, snapshot)].x;
}

long sg_snapshots_updates(const sg_snapshots *s, int model) {
  return s->updates[model];
}

const double *sg_snapshots_model(const sg_snapshots *s, int model) {
  return state_of(s, model)[sg_optimizer_result(s->world->optimizer)];
}

sg_status sg_snapshots_step(sg_snapshots *s, int model, const double *gradient, sg_error *e) {
  const sg_optimizer *optimizer = s->world->optimizer;
  const double *at = NULL;
  if (s->world->problem->timing_only) {
    s->updates[model]++;
    return SG_OK;
  }
  if (s->n_used == 1 && sg_snapshots_current(s, 0, model)) {
    at = s->slot[s->used[0].slot].x;
  } else {
    if (!s->spare) s->spare = malloc((size_t)s->pass->length * sizeof *s->spare);
    if (!s->spare) return sg_fail_memory(e);
    sg_optimizer_point(optimizer, s->pass->length, s->updates[model], state_of(s, model), s->spare);
    at = s->spare;
  }
  sg_optimizer_step(optimizer, s->world->problem, s->updates[model], state_of(s, model), at,
                    gradient);
  s->updates[model]++;
  return SG_OK;
}
