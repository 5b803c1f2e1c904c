/* SPDX-License-Identifier: MIT */
/* Buffered asynchronous aggregation (FedBuff, Nguyen et al. 2022): C of n workers compute at a
 * time; when K gradients are in the buffer the model is updated with their mean, each weighted by
 * how old it is.
 *
 * When a worker is done another begins, drawn from those that do not compute (itself among them) or
 * in turn, at the newest model. What the weights take away is not made up for: the mean divides by
 * K. Clients that send displacements after local steps in place of gradients are not built here.
 *
 * C workers that never wait are C renewal processes, so that updates come at rate C/(K E[X])
 * whatever the law of the times X (theory: fedbuff). A worker that is lost for good keeps its place
 * among the C. */
#include "codes/tools/no_barrier.h"

#include <math.h>

enum { CONSTANT, INVERSE_SQRT, POLYNOMIAL };
static const char *const weights[] = {"constant", "inverse-sqrt", "polynomial", NULL};
static const char *const clients[] = {"drawn", "in-turn", NULL};

static const sg_param params[] = {
    SG_ROW_K("k", "mini-batches of an update"),
    SG_ROW_INT("concurrency", 1, SG_UNBOUNDED,
               "how many workers compute at a time, at most their number; when left out all",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("weight", weights, INVERSE_SQRT,
                  "weight of a mini-batch that is δ updates old: 1 (constant), 1/√(1 + δ) "
                  "(inverse-sqrt) or (1 + δ)^−exponent (polynomial)"),
    SG_ROW_REAL("exponent", 0, SG_UNBOUNDED, "exponent of the weight \"polynomial\"",
                .fallback = 0.5, .with = "weight=polynomial"),
    SG_ROW_CHOICE("clients", clients, 0,
                  "who begins when a worker is done: one of those that do not compute, drawn at "
                  "random (the same draws in every replication), or the one that has rested for "
                  "longest (in-turn)"),
    SG_ROWS_LEARNERS(sg_batches_of_learners),
    {0}};

typedef struct tables {
  sg_no_barrier base;
  double exponent;
} tables;

static double weight(const sg_code *code, int delay) {
  double exponent = ((const tables *)code->self)->exponent;
  return exponent == 0.5 ? 1 / sqrt(1.0 + delay) : pow(1.0 + delay, -exponent);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  int of = sg_choice(values, "weight"), n = shape->workers;
  long active = sg_given(values, "concurrency") ? sg_int(values, "concurrency") : n;
  sg_status status = SG_OK;
  if (active > n)
    status =
        sg_fail_at(e, values, "concurrency", "expected concurrency ≤ n = %d, found %ld", n, active);
  t->exponent = of == POLYNOMIAL ? sg_real(values, "exponent") : 0.5;
  t->base = (sg_no_barrier){.active = (int)(active < n ? active : n),
                            .in_turn = sg_choice(values, "clients") == 1,
                            .weight = of == CONSTANT ? NULL : weight};
  sg_status read = sg_no_barrier_create(code, values, "k", e);
  if (status || read) return status ? status : read;
  return sg_no_barrier_ready(code, values, "k", e);
}

const sg_code_type sg_fedbuff = {
    .about = {.name = "fedbuff",
              .brief = "a buffer of K, weighted by age",
              .summary = "No barrier: C workers compute at a time, and every K mini-batches make "
                         "an update, each weighted by how old it is; when a worker is done another "
                         "begins with the newest model. Approximate.",
              .reference = "Nguyen, Malik, Zhan, Yousefpour, Rabbat, Malek, Huba (AISTATS 2022), "
                           "arXiv:2106.06639 (recalled); rates derived.",
              .params = params},
    .create = create,
    .encode = sg_no_barrier_encode,
    .weights = sg_no_barrier_weights,
    .on_event = sg_no_barrier_event,
};
