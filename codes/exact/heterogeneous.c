/* SPDX-License-Identifier: MIT */
/* Heterogeneity-aware gradient coding (Wang, Guo, Tang, Li, Li 2019): loads in proportion to known
 * speeds, any s stragglers, by the code of circle.h. */
#include "codes/tools/circle.h"
#include "codes/tools/rules.h"

static const sg_param params[] = {
    SG_ROW_STRAGGLERS(
        "number of stragglers tolerated; the fastest worker must not get more than all the "
        "data: (s + 1) c_max <= sum of speeds"),
    {0}};

typedef struct tables {
  sg_circle *circle;
  int *start; /* n + 1: where worker i's entries begin in `entry` */
  int *entry; /* places in the circle's holder and coef */
} tables;

/* What each worker holds, from who holds each part. */
static sg_status list_entries(sg_code *code, tables *t, sg_error *e) {
  const sg_circle *c = t->circle;
  size_t n = (size_t)c->n, entries = (size_t)c->parts * ((size_t)c->s + 1);
  t->start = sg_code_alloc(code, n + 1, sizeof *t->start);
  t->entry = sg_code_alloc(code, entries, sizeof *t->entry);
  int *count = sg_code_alloc(code, n, sizeof *count);
  if (!t->start || !t->entry || !count) return sg_fail_memory(e);
  for (size_t at = 0; at < entries; at++) t->start[c->holder[at] + 1]++;
  for (int i = 0; i < c->n; i++) t->start[i + 1] += t->start[i];
  for (int at = 0; at < (int)entries; at++) {
    int i = c->holder[at];
    t->entry[t->start[i] + count[i]++] = at;
  }
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  long s = sg_int(values, "s");
  int n = shape->workers, fastest = 0;
  const double *speed = code->shape.speed;
  for (int i = 0; i < n; i++)
    if (speed[i] > speed[fastest]) fastest = i;
  long most = sg_circle_most(n, speed);
  if (s > most)
    return sg_fail_at(e, values, "s",
                      "expected (s + 1) c_max ≤ the sum of speeds (s from 0 to %ld: worker %d of "
                      "speed %g would hold more than all the data), found %ld",
                      most, fastest, speed[fastest], s);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_circle_new(code, values, n, speed, (int)s, shape->seed, &t->circle, e);
  if (!status) status = list_entries(code, t, e);
  if (status) return status;
  code->parts = t->circle->parts;
  code->edge = t->circle->edge;
  code->promised = (int)s;
  code->flags = SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, "s", 1, n - (int)s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  for (int k = t->start[message->from]; k < t->start[message->from + 1]; k++)
    sg_row_part(row, t->entry[k] / (t->circle->s + 1), 0, t->circle->coef[t->entry[k]]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->circle->parity, used, 0, NULL);
}

const sg_code_type sg_heterogeneous = {
    .about = {.name = "heterogeneous",
              .brief = "loads in proportion to speeds",
              .summary = "Loads in proportion to the workers' speeds, every part on s + 1 workers: "
                         "any n - s of them recover the sum (m = 1).",
              .reference = "Wang, Guo, Tang, Li, Li (2019), arXiv:1901.09339 (abstract published; "
                           "placement and code derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
