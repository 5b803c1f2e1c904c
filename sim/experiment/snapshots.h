/* SPDX-License-Identifier: MIT */
/* The models of one run, and the snapshots of them at which gradients are taken.
 *
 * A snapshot stands in the slot that the engine gives it. Those that a decode uses are columns of
 * the pass over the data: where they stand (width 1), or, in a wide pass, the run's own column. */
#ifndef SG_SIM_SNAPSHOTS_H
#define SG_SIM_SNAPSHOTS_H

#include "sim/experiment/pass.h"
#include "sim/experiment/world.h"

typedef struct sg_slot {
  double *x; /* length l; NULL when timing only */
  int model;
  long update; /* of the model when the snapshot was taken */
} sg_slot;

typedef struct sg_snapshots {
  const sg_world *world;
  sg_pass *pass;
  int column;     /* the run's in a wide pass */
  double **state; /* models × vectors of the optimiser, each of length l */
  long *updates;  /* of each model, so far */
  sg_slot *slot;
  int n_slots, slots_capacity;
  /* Of the decode at hand. */
  struct sg_used_snapshot {
    int snapshot, slot, column;
  } * used;
  int n_used, used_capacity;
  double *spare; /* an evaluation point that no snapshot holds; made when it is wanted */
  /* With compressed models: */
  double *told; /* models × l: what workers have of each */
  double told_bits;
  uint32_t replication, taken; /* snapshots so far: with it, the address of their randomness */
  sg_packed packed;
} sg_snapshots;

/* models: l × (models · vectors · runs) numbers; the run's columns of it get the initial model.
 * NULL when timing only. false: no memory; sg_snapshots_free all the same. */
bool sg_snapshots_init(sg_snapshots *s, const sg_world *world, uint32_t replication, sg_pass *pass,
                       int column, double *models);
void sg_snapshots_free(sg_snapshots *s);

/* Keeps the evaluation point of a model, now, in a slot: what workers have of it where models are
 * compressed. false: no memory. */
bool sg_snapshots_take(sg_snapshots *s, int slot, int model);
/* Bits of the difference that the last one taken was sent as. */
double sg_snapshots_bits(const sg_snapshots *s);

/* The place of a snapshot among those that the decode at hand uses; new ones become columns of the
 * pass. −1: no memory. O(snapshots used). */
int sg_snapshots_find(sg_snapshots *s, const sg_run *run, int snapshot);

/* Of a model, so far. */
long sg_snapshots_updates(const sg_snapshots *s, int model);
/* Updates of its model since a snapshot was taken. */
long sg_snapshots_age(const sg_snapshots *s, const sg_run *run, int snapshot);

/* The model that the pass shows in column `used` is this model as it is now, to the last bit. */
bool sg_snapshots_current(const sg_snapshots *s, int used, int model);

/* The point of a snapshot that is alive. */
const double *sg_snapshots_point(const sg_snapshots *s, const sg_run *run, int snapshot);

/* The current model, without what the optimiser adds to it; the mean of the iterates where the
 * scenario wants that. */
const double *sg_snapshots_model(const sg_snapshots *s, int model);

/* A step of the optimiser along −gradient (timing only: one more update). Gradients of one current
 * snapshot were taken at its point; those of mixed age count as taken at the current one. */
sg_status sg_snapshots_step(sg_snapshots *s, int model, const double *gradient, sg_error *e);

#endif
