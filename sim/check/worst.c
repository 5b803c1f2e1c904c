/* SPDX-License-Identifier: MIT */
/* The erasure that a code can bear least, by search. */
#include "sim/check/worst.h"

#include "sim/check/trial.h"
#include "sim/core/owned.h"

#include <math.h>

/* How bad a pattern is: a refused decode is worse than any error, that than any weights. Of exact
 * codes the deviation is 0 but for rounding. */
static bool is_worse(const sg_trial_result *a, const sg_trial_result *b, bool exact) {
  if (a->decoded != b->decoded) return !a->decoded;
  if (a->decoded && !exact && fabs(a->deviation - b->deviation) > 1e-9)
    return a->deviation > b->deviation;
  return a->decoded && a->amplification > b->amplification * (1 + 1e-9);
}

static sg_status add_worst(sg_trial *trial, const sg_code *code, bool *present, bool *erased,
                           sg_error *e) {
  int worst = -1;
  sg_trial_result most = {0};
  for (int v = 0; v < code->shape.workers; v++) {
    sg_trial_result r;
    if (erased[v]) continue;
    present[v] = false;
    sg_status status = sg_trial_run(trial, present, 0, &r, e);
    present[v] = true;
    if (status) return status;
    if (worst >= 0 && !is_worse(&r, &most, code->exact)) continue;
    worst = v;
    most = r;
  }
  if (worst < 0) return SG_OK;
  erased[worst] = true;
  present[worst] = false;
  return SG_OK;
}

/* Instead of those that were found all holders of some parts, if that is worse. */
static sg_status try_isolation(sg_trial *trial, const sg_trial_subject *subject,
                               const sg_code *code, int count, bool *present, bool *erased,
                               sg_error *e) {
  int workers = code->shape.workers;
  sg_trial_result found, isolated;
  SG_OWNED int *order = malloc((size_t)workers * sizeof *order);
  if (!order || !sg_load_isolate(sg_trial_subject_load(subject), workers, code->parts, order))
    return sg_fail_memory(e);
  sg_status status = sg_trial_run(trial, present, 0, &found, e);
  if (status) return status;
  for (int i = 0; i < workers; i++) present[order[i]] = i >= count;
  status = sg_trial_run(trial, present, 0, &isolated, e);
  if (status || !is_worse(&isolated, &found, false)) return status;
  for (int v = 0; v < workers; v++) erased[v] = !present[v];
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
  for (int i = 0; i < count && !status; i++) status = add_worst(trial, code, present, erased, e);
  if (!status && !code->exact)
    status = try_isolation(trial, subject, code, count, present, erased, e);
  sg_trial_free(trial);
  sg_trial_subject_free(subject);
  return status;
}
