/* SPDX-License-Identifier: MIT */
/* Asynchronous descent with steps that depend on the delay (after Mishchenko et al. 2022 and
 * Koloskova et al. 2022): every gradient makes an update as it comes, with the step γ n/max(n, δ),
 * δ its delay in updates. With equal workers δ is n − 1 in the mean, so that only what comes much
 * too late is taken less far. Who has sent one goes on with the model that comes of it. */
#include "codes/tools/no_barrier.h"

static const sg_param params[] = {SG_ROWS_LEARNERS(sg_gradients_of_learners), {0}};

static double weight(const sg_code *code, int delay) {
  return delay > code->nodes ? (double)code->nodes / delay : 1;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  sg_no_barrier *b = code->self = sg_code_alloc(code, 1, sizeof *b);
  if (!b) return sg_fail_memory(e);
  *b = (sg_no_barrier){.waits = true, .weight = weight};
  sg_status status = sg_no_barrier_create(code, values, NULL, e);
  return status ? status : sg_no_barrier_ready(code, values, "work", e);
}

const sg_code_type sg_delay_adaptive = {
    .about = {.name = "delay-adaptive",
              .brief = "steps n/max(n, delay)",
              .summary = "No barrier: an update with every gradient, at the step divided by max(1, "
                         "δ/n) where δ is how many updates old the gradient is. Approximate.",
              .reference = "Mishchenko, Bach, Even, Woodworth (NeurIPS 2022), arXiv:2206.07638; "
                           "Koloskova, Stich, Jaggi (NeurIPS 2022), arXiv:2206.08307 (recalled).",
              .params = params},
    .create = create,
    .encode = sg_no_barrier_encode,
    .weights = sg_no_barrier_weights,
    .on_event = sg_no_barrier_event,
};
