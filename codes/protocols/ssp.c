/* SPDX-License-Identifier: MIT */
/* Stale-synchronous descent (Ho et al. 2013): workers go through clocks, a gradient each, and none
 * is more than s clocks ahead of the slowest.
 *
 * updates "per-clock": the model is moved by the mean of clock c's n gradients when all of them are
 * in, and a worker begins a clock when at most s of the clocks before it are missing in the model.
 * s = 0 is synchronous descent. A gradient is at most s updates old.
 *
 * updates "per-gradient": by every gradient as it comes, its weight that of one in n, so that a
 * clock of all moves the model as far as before. That is K-async with K = 1 and max_lead = s
 * (k_async.c) with a step of 1/n.
 *
 * Who is lost for good stops them all or, if undecodable rounds are skipped, is done without once
 * nothing else can happen. Two workers with independent exponential times of rate 1 go through
 * 2(s + 1)/(2s + 3) clocks a second each (theory: ssp). */
#include "codes/tools/no_barrier.h"

static const char *const updates[] = {"per-clock", "per-gradient", NULL};

static const sg_param params[] = {
    SG_ROW_INT("s", 0, SG_UNBOUNDED, "by how many clocks a worker may be ahead of the slowest",
               .flags = SG_REQUIRED),
    SG_ROW_CHOICE("updates", updates, 0,
                  "when the model is updated: with all n gradients of a clock (per-clock) or with "
                  "each gradient as it comes, at 1/n of the step (per-gradient)"),
    SG_ROWS_LEARNERS(sg_gradients_of_learners),
    {0}};

static double one_of_n(const sg_code *code, int delay) {
  return 1.0 / code->nodes;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  sg_no_barrier *b = code->self = sg_code_alloc(code, 1, sizeof *b);
  if (!b) return sg_fail_memory(e);
  long s = sg_int(values, "s");
  *b = (sg_no_barrier){.lead = s + 1, .gives_up = true};
  sg_status status = sg_no_barrier_create(code, values, NULL, e);
  if (status) return status;
  if (sg_choice(values, "updates") == 1) {
    b->waits = true;
    b->weight = one_of_n;
  } else { /* Of each worker one for every clock that it may be ahead, and one that comes. */
    b->clocks = true;
    b->learners.k = shape->workers;
    b->room = s > SG_NO_BARRIER_MOST ? SG_NO_BARRIER_MOST + 1 : (s + 1) * shape->workers;
  }
  return sg_no_barrier_ready(code, values, "s", e);
}

const sg_code_type sg_ssp = {
    .about = {.name = "ssp",
              .brief = "nobody more than s clocks ahead",
              .summary = "Stale-synchronous: no worker is more than s gradients ahead of the "
                         "slowest; the model is updated with all gradients of a clock, or with "
                         "each as it comes. Approximate; s = 0 with updates per clock is "
                         "synchronous descent.",
              .reference = "Ho, Cipar, Cui, Lee, Kim, Gibbons, Gibson, Ganger, Xing (NIPS 2013) "
                           "(recalled); rates derived.",
              .params = params},
    .create = create,
    .encode = sg_no_barrier_encode,
    .weights = sg_no_barrier_weights,
    .on_event = sg_no_barrier_event,
};
