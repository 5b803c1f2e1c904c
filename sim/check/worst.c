/* SPDX-License-Identifier: MIT */
/* The erasure that a code can bear least, by search. */
#include "sim/check/worst.h"

#include "sim/check/trial.h"
#include "sim/core/owned.h"

/* How bad a pattern is: a refused decode is worse than any weights. */
static bool is_worse(const sg_trial_result *a, const sg_trial_result *b) {
  if (a->decoded != b->decoded) return !a->decoded;
  return a->decoded && a->amplification > b->amplification * (1 + 1e-9);
}

static sg_status add_worst(sg_trial *trial, int workers, bool *present, bool *erased, sg_error *e) {
  int worst = -1;
  sg_trial_result most = {0};
  for (int v = 0; v < workers; v++) {
    sg_trial_result r;
    if (erased[v]) continue;
    present[v] = false;
    sg_status status = sg_trial_run(trial, present, 0, &r, e);
    present[v] = true;
    if (status) return status;
    if (worst >= 0 && !is_worse(&r, &most)) continue;
    worst = v;
    most = r;
  }
  if (worst < 0) return SG_OK;
  erased[worst] = true;
  present[worst] = false;
  return SG_OK;
}

sg_status sg_worst_erasure(const sg_code *code, uint64_t seed, int count, const char *place,
                           bool *erased, sg_error *e) {
  sg_trial_subject *subject = NULL;
  sg_error own = {0};
  memset(erased, false, (size_t)code->nodes * sizeof *erased);
  sg_status status = sg_trial_subject_new(code, seed, &subject, &own);
  if (status) {
    status = sg_fail(e, status, place, "the worst erasure of this code cannot be found: %s",
                     own.count && own.fault[0].message ? own.fault[0].message : "no memory");
    sg_error_clear(&own);
    return status;
  }
  SG_OWNED bool *present = malloc((size_t)code->nodes * sizeof *present);
  sg_trial *trial = sg_trial_new(subject);
  if (!present || !trial)
    status = sg_fail_memory(e);
  else
    memset(present, true, (size_t)code->nodes * sizeof *present);
  for (int i = 0; i < count && !status; i++)
    status = add_worst(trial, code->shape.workers, present, erased, e);
  sg_trial_free(trial);
  sg_trial_subject_free(subject);
  return status;
}
