/* SPDX-License-Identifier: MIT */
/* What makes workers differ, beside their nominal speeds: random speed, memory, what an iteration
 * has in common, stalls. */
#ifndef SG_MODELS_MODIFIERS_H
#define SG_MODELS_MODIFIERS_H

#include "models/delay/chain.h"
#include "models/times/law.h"

/* The laws of factors without a unit, of a worker's speed, of what an iteration has in common:
 * {"model": none | lognormal | gamma | weibull | pareto | bimodal | deterministic}, the laws of
 * law.h with the same members, their times being numbers: "median" for "median_s". */
extern const sg_family sg_factor_family;
/* "delay.memory" and "delay.stalls". */
extern const sg_family sg_stall_length_family;
extern const sg_param sg_memory_params[], sg_stall_params[];

typedef struct sg_modifiers {
  int workers;
  uint64_t seed;
  bool any;     /* false: nothing below does anything */
  sg_law speed; /* type NULL: none */
  bool memory;
  sg_chain slow;
  double slowdown;
  sg_law common;                                         /* type NULL: none */
  double stall_probability, stall_share, stall_slowdown; /* share 0: each worker by itself */
  sg_law stall_length;                                   /* type NULL: none */
} sg_modifiers;

/* random_speed: a factor; memory and stalls may be NULL. A zeroed object, or one whose making
 * failed, may be cleared. */
sg_status sg_modifiers_init(sg_modifiers *m, const sg_values *random_speed, const sg_values *memory,
                            const sg_values *common, const sg_values *stalls, int workers,
                            uint64_t seed, sg_error *e);
void sg_modifiers_clear(sg_modifiers *m);

/* What befalls a worker in an iteration. */
typedef struct sg_effect {
  double factor;  /* multiplies its times */
  double stall_s; /* is added to its first task */
} sg_effect;

typedef struct sg_modifiers_run { /* what a run remembers; zeroed at first */
  const sg_modifiers *of;
  uint32_t replication;
  struct sg_modified { /* workers values */
    sg_chain_state slow;
    double speed; /* 0: not drawn yet */
    bool known;   /* `effect` is of `iteration` */
    uint32_t iteration;
    sg_effect effect;
  } * worker;
  double *factor, *stall_s, *uniform; /* workers values each, for sg_modifiers_effects */
  bool known;                         /* the next two are of `iteration` */
  uint32_t iteration;
  double common;
  bool stall; /* one that hits several workers */
} sg_modifiers_run;

/* false: no memory */
bool sg_modifiers_run_init(sg_modifiers_run *run, const sg_modifiers *of, uint32_t replication);
void sg_modifiers_run_clear(sg_modifiers_run *run);

/* The random speed of a worker in a run, 1 if there is none. */
double sg_modifiers_speed(const sg_modifiers_run *run, int worker);

/* A function of (seed, replication, worker, iteration) alone. O(1) for the iteration asked for last
 * and the next ones; an earlier one costs the way from the start. */
sg_effect sg_modifiers_effect(sg_modifiers_run *run, int worker, uint32_t iteration);

/* The same of all workers, to the bit, drawn side by side; valid until the next call. */
typedef struct sg_effects {
  const double *factor, *stall_s;
} sg_effects;
sg_effects sg_modifiers_effects(sg_modifiers_run *run, uint32_t iteration);

#endif
