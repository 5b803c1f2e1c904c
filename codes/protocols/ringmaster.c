/* SPDX-License-Identifier: MIT */
/* Ringmaster ASGD (Maranjyan, Tyurin and Richtárik 2025): asynchronous descent in which no gradient
 * of delay R or more is used.
 *
 * Every gradient makes an update as it comes, unless it is R updates old or older: then it is
 * ignored. Who has sent one goes on with the newest model. With `stops` a worker whose gradient has
 * reached the delay R is interrupted at once and begins anew; word of it takes
 * network.signal_latency_s.
 *
 * Where worker i takes τ_i seconds for each gradient, any R consecutive updates take at most
 * 2 min_m H_m (1 + R/m), H_m the harmonic mean of the m smallest τ (theory: ringmaster). */
#include "codes/tools/no_barrier.h"

static const sg_param params[] = {
    SG_ROW_INT("r", 1, SG_UNBOUNDED, "the delay in updates from which on gradients are not used",
               .flags = SG_REQUIRED),
    SG_ROW("stops", SG_BOOL, "whether a worker is interrupted when its gradient has got so old"),
    SG_ROWS_LEARNERS(sg_gradients_of_learners),
    {0}};

typedef struct tables {
  sg_no_barrier base;
  long r;
} tables;

static bool is_old(const sg_code *code, int delay) {
  return delay >= ((const tables *)code->self)->r;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->r = sg_int(values, "r");
  t->base = (sg_no_barrier){
      .waits = true, .ignores = is_old, .interrupts = sg_bool(values, "stops") ? is_old : NULL};
  sg_status status = sg_no_barrier_create(code, values, NULL, e);
  return status ? status : sg_no_barrier_ready(code, values, "r", e);
}

const sg_code_type sg_ringmaster = {
    .about = {.name = "ringmaster",
              .brief = "no gradient of delay R or more",
              .summary = "No barrier: an update with every gradient that is less than R updates "
                         "old; older ones are ignored or, with stops, their workers interrupted "
                         "and given the newest model. Approximate.",
              .reference =
                  "Maranjyan, Tyurin, Richtárik (ICML 2025), arXiv:2501.16168 (published); "
                  "times for given τ derived.",
              .params = params},
    .create = create,
    .encode = sg_no_barrier_encode,
    .weights = sg_no_barrier_weights,
    .on_event = sg_no_barrier_event,
};
