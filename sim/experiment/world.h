/* SPDX-License-Identifier: MIT */
/* Everything that the runs of one point share, made from its resolved configuration; where
 * replications draw codes or data anew, all that one run has. */
#ifndef SG_SIM_WORLD_H
#define SG_SIM_WORLD_H

#include "models/learning/optimizer.h"
#include "results/results.h"
#include "sim/engine/run.h"
#include "sim/scenario/scenario.h"

#include <math.h>

/* How long arithmetic takes: no time, by a rate, or as measured on this machine. */
typedef struct sg_pace {
  double flops_per_s;                /* INFINITY: no time; not with a calibration */
  const sg_calibration *calibration; /* borrowed; or NULL */
} sg_pace;
static inline bool sg_takes_time(const sg_pace *p) {
  return p->calibration || p->flops_per_s < INFINITY;
}

/* What replications vary, in the order of the scenario's words. */
typedef enum sg_replicate {
  SG_REPLICATE_DELAYS,
  SG_REPLICATE_CODE,
  SG_REPLICATE_DATA
} sg_replicate;

typedef struct sg_world {
  sg_environment environment;
  sg_run_limits limits;
  sg_delay *delay;
  sg_network *network;
  sg_compressor compressor;  /* of messages */
  sg_compressor broadcast;   /* of models; type NULL: they are not compressed */
  const sg_problem *problem; /* borrowed from the cache */
  sg_optimizer *optimizer;   /* NULL when timing only */
  sg_code *code;
  sg_partition *partition; /* NULL when timing only */
  sg_partition *whole;     /* one part in all; NULL unless there is a target for its gradient */
  sg_pace decode, encode;
  /* A run is done when each of these that is given is met by the same model; NAN: none. */
  double target_loss, target_grad_norm2;
  double start_norm;   /* of the gradient at the model that runs begin with; NAN: not measured */
  double start_loss;   /* of that model; NAN: not measured, or the problem has none */
  long evaluate_every; /* 0: never */
  int width;           /* models side by side: 1 or W */
  int abreast;         /* runs that a block should have, for speed alone: at least `width` */
  int workers;
  int replication; /* the only one whose world this is; −1: that of all */
  char label[128]; /* of the scheme */
} sg_world;

/* Data sets are large and shared by the points that use them: the cache keeps those in use and the
 * last one used. Thread-safe. */
typedef struct sg_problem_cache sg_problem_cache;
sg_problem_cache *sg_problem_cache_new(void);
void sg_problem_cache_free(sg_problem_cache *cache);
/* From now on worlds are made for what can be known of them, not to run: without generated data. */
void sg_problem_cache_outline(sg_problem_cache *cache, bool outline);

sg_replicate sg_point_replicates(const sg_point *point);

/* Rules that a code or model finds broken are SG_INVALID faults at the member concerned. */
sg_status sg_world_of(const sg_point *point, int replication, sg_problem_cache *cache,
                      const sg_calibration *calibration, sg_world **out, sg_error *e);
/* That of replication 0, which stands for all where they share it. */
sg_status sg_world_new(const sg_point *point, sg_problem_cache *cache,
                       const sg_calibration *calibration, sg_world **out, sg_error *e);
/* Measures start_norm and start_loss, a pass over the data for each problem, and the step where
 * the optimiser wants one (some passes); nothing when timing only. */
sg_status sg_world_measure(sg_world *world, sg_problem_cache *cache, sg_error *e);
/* The rate of a row's local steps; the optimiser's step where the row has none. */
double sg_world_rate(const sg_world *world, const sg_row *row);
/* The simulated time of a decode, of an encoding of so many flops. world: an sg_world. */
double sg_decode_seconds(const void *world, double flops);
double sg_encode_seconds(const void *world, double flops);
void sg_world_free(sg_world *world, sg_problem_cache *cache);

/* The values of a member of the root that is an object. */
static inline const sg_values *sg_section(const sg_point *p, const char *name) {
  return sg_object(p->values, name);
}

/* Appends the paths of all input files that the values name, a line each, in tables' order. */
void sg_values_paths(const sg_values *values, sg_buffer *out);

#endif
