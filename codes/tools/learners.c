/* SPDX-License-Identifier: MIT */
#include "codes/tools/learners.h"

#include "codes/frame/stop.h"
#include "sim/core/random.h"

#include <limits.h>
#include <math.h>
#include <string.h>

const char *const sg_gradients_of_learners[] = {"part", "batch", "global-batch", NULL};
const char *const sg_batches_of_learners[] = {"batch", "global-batch", NULL};

sg_status sg_learners_read(sg_code *code, const sg_values *values, const char *k, sg_learners *l,
                           sg_error *e) {
  int n = code->shape.workers;
  if (k && sg_int(values, k) > n)
    return sg_fail_at(e, values, k, "expected %s ≤ n = %d, found %ld", k, n, sg_int(values, k));
  return sg_learners_read_rest(code, values, k ? (int)sg_int(values, k) : 1, l, e);
}

sg_status sg_learners_read_rest(sg_code *code, const sg_values *values, int k, sg_learners *l,
                                sg_error *e) {
  int n = code->shape.workers;
  const char *of = sg_values_param(values, "gradients") ? sg_text(values, "gradients") : "batch";
  *l = (sg_learners){
      .k = k, .work = (double)code->shape.subsets / n, .shared = strcmp(of, "global-batch") == 0};
  if (sg_given(values, "work")) l->work = sg_real(values, "work");
  if (l->k * l->work > SG_MAX_DRAWS) /* A worker may be given K gradients in an iteration. */
    return sg_fail_at(
        e, values, "work",
        "expected work ≤ %d (a worker has at most %d random draws in an iteration, and "
        "may need one for each subset of %d gradient%s), found %g",
        SG_MAX_DRAWS / k, SG_MAX_DRAWS, k, k > 1 ? "s" : "", l->work);
  code->parts = l->shared ? 1 : n;
  code->stored = l->shared ? n : 1;
  code->load = l->work;
  if (strcmp(of, "part") == 0) return SG_OK;
  code->flags |= SG_BATCHES;
  code->exact = false;
  return SG_OK;
}

void sg_learners_give(const sg_learners *l, int node, int snapshot, int tag, sg_orders *o) {
  sg_task(o, node, snapshot, l->work, SG_DRAWS_OF_WORK, 0);
  sg_send(o, node, SG_MASTER, snapshot, 0, tag, 0);
}

void sg_learners_row(const sg_code *code, const sg_learners *l, int worker, unsigned number,
                     sg_row *row) {
  if (l->shared) number = number * (unsigned)code->nodes + (unsigned)worker;
  if (code->flags & SG_BATCHES) sg_row_batch(row, (int)(number % INT_MAX) + 1);
  sg_row_part(row, l->shared ? 0 : worker, 0, 1);
}

sg_status sg_learners_weights(const sg_code *code, const sg_used *used, int need) {
  bool fewer = !code->exact && code->policy->wants & (SG_ENDS_WITH_ALL | SG_COUNTS_ITS_OWN);
  if (used->count == 0 || (used->count < need && !fewer)) return SG_UNDECODABLE;
  double weight = (double)code->parts / used->count;
  used->info->alpha_error = used->info->alpha_sum = code->parts;
  for (int i = 0, begin = 0; i < used->count; i++) {
    used->W[i] = weight;
    bool last = i + 1 == used->count ||
                (code->parts > 1 && used->message[i + 1]->from != used->message[i]->from);
    if (!last) continue;
    double alpha = weight * (i + 1 - begin);
    used->info->alpha_error += (alpha - 1) * (alpha - 1) - 1;
    begin = i + 1;
  }
  /* One by one the squares of parts that are whole go, and leave a rounding error. */
  if (code->exact || code->parts == 1) used->info->alpha_error = 0;
  return SG_OK;
}
