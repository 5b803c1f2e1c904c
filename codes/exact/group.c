/* SPDX-License-Identifier: MIT */
/* Group codes from any linear code (Kadhe, Koyluoglu, Ramchandran 2020).
 *
 * Q = n/d groups of d workers; all workers of a group hold the group's share h, cut into m pieces,
 * and the worker at position c of the group sends Σ_u G[u][c] h[u]. Block length d = load,
 * dimension m = communication reduction, minimum distance − 1 = s. Construction: the natural
 * reading of the paper's abstract, verified numerically (recalled and derived).
 *
 * Where d does not divide n, Q = ⌊n/d⌋ groups of ⌊n/Q⌋ or ⌈n/Q⌉ workers with equal shares 1/Q, each
 * with its own [size, m] code: s is that of the smallest distance (derived).
 *
 * Below its threshold (below: minimum-norm) a group is estimated from what has come of it, and the
 * code is approximate: a deadline or a smaller count trades time, bytes and error (theory:
 * approximate-groups).
 *
 * Stopping as soon as every group can be decoded is never later than waiting for n − s workers and
 * survives s stragglers per group. By then some groups have more messages than they need; least
 * squares over all of them is better conditioned than any m of them.
 *
 * Fractional repetition (Tandon et al. 2017) is the one with a repetition code inside: n/(s + 1)
 * groups of s + 1 identical workers; each sends the plain sum of its group's share, the first of
 * every group is enough. Any s stragglers are survived, and up to n − n/(s + 1) lucky ones: that is
 * what `stop` turns on. Decoding only adds. */
#include "codes/linear/inner.h"
#include "codes/tools/below.h"
#include "codes/tools/groups.h"
#include "codes/tools/rules.h"
#include "sim/core/owned.h"

#include <stdio.h>

static const char *const decoders[] = {"least-squares", "first-m", NULL};
enum { LEAST_SQUARES, FIRST_M };

static const sg_param params[] = {
    SG_ROW_INT(
        "d", 1, SG_UNBOUNDED,
        "block length: workers in a group, and subsets that each of them computes when there are "
        "as many subsets as workers; divides the number of workers, unless groups is uneven",
        .flags = SG_REQUIRED),
    SG_ROW_INT("m", 1, SG_UNBOUNDED,
               "dimension: a message is 1/m of a gradient; may be left out where the linear code "
               "fixes it (repetition: 1, single-parity: d - 1, hamming, extended-hamming, matrix, "
               "ldpc with row_weight)",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("linear_code", sg_linear_names, 0, "the linear code inside the groups"),
    SG_ROW_CHOICE("decode", decoders, LEAST_SQUARES,
                  "what a group is decoded from: all its messages that have come, by minimum-norm "
                  "least squares, or the first m that suffice, by an m × m solve (codes that "
                  "decode by additions do so in either case)"),
    SG_ROWS_GROUPS,
    SG_ROWS_BELOW,
    SG_ROW_INT(
        "draws", 1, 10000,
        "Gaussian generators of which best-gaussian takes the one with the least worst condition",
        .fallback = 100, .with = "linear_code=best-gaussian"),
    SG_ROW_INT("column_weight", 1, 64, "ldpc: checks that a position is in", .fallback = 3,
               .with = "linear_code=ldpc"),
    SG_ROW_INT(
        "row_weight", 2, SG_UNBOUNDED,
        "ldpc: positions in a check; when left out it follows from m: d · column_weight / (d - m)",
        .flags = SG_OPTIONAL, .with = "linear_code=ldpc"),
    SG_ROW("generator", SG_MATRIX,
           "matrix: a CSV file of m rows of d numbers, relative to the scenario file",
           .flags = SG_OPTIONAL, .with = "linear_code=matrix"),
    {0}};

static const sg_param params_repetition[] = {
    SG_ROW_STRAGGLERS("number of stragglers tolerated; s + 1 must divide the number of workers"),
    {0}};

typedef struct tables {
  sg_groups groups;
  int m;
  bool by_count; /* m of every group are enough: no rank test */
} tables;

/* What has come in this round. Behind have[], where it takes a rank test: m × m numbers per group.
 */
typedef struct progress {
  int complete; /* groups of rank m */
  int have[];   /* per group: rank, which is a count where m of any suffice */
} progress;

static size_t basis_offset(int groups) {
  size_t size = sizeof(progress) + (size_t)groups * sizeof(int), step = sizeof(double);
  return (size + step - 1) / step * step;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* The dimension: that of the smallest group's code, which the others must share. */
static sg_status dimension(tables *t, const sg_linear_type *linear, const sg_values *values,
                           sg_error *e) {
  int least = t->groups.least, given = sg_given(values, "m") ? (int)sg_int(values, "m") : 0;
  int m = given;
  if (linear->rules) {
    sg_status status = linear->rules(linear, values, least, &m, e);
    int larger = given;
    if (!status && t->groups.most > least)
      status = linear->rules(linear, values, t->groups.most, &larger, e);
    if (status) return status;
    if (t->groups.most > least && larger != m)
      return sg_fail_at(e, values, "d",
                        "expected groups of one size with linear_code %s, whose m follows from the "
                        "size, found groups of %d and %d workers",
                        linear->name, least, t->groups.most);
  }
  if (!m) return sg_fail_at(e, values, "m", "expected m, from 1 to d = %d, found nothing", least);
  if (m > least)
    return sg_fail_at(e, values, "m", "expected m ≤ d = %d (1 to %d), found %d", least, least, m);
  t->m = m;
  return SG_OK;
}

static sg_status make_inner(tables *t, sg_code *code, const sg_linear_type *linear,
                            const sg_values *values, sg_error *e) {
  bool least_squares = sg_choice(values, "decode") == LEAST_SQUARES;
  const sg_inner **inner = t->groups.inner;
  for (int k = 0; k < 2; k++) {
    int size = k ? t->groups.most : t->groups.least;
    inner[k] = inner[0];
    if (k && size == t->groups.least) break;
    sg_status status = sg_inner_new(code, linear, values, size, t->m, least_squares, &inner[k], e);
    if (status) return status;
  }
  t->by_count = inner[0]->mds && inner[1]->mds;
  const sg_inner *weaker = inner[inner[1]->distance < inner[0]->distance];
  code->promised = weaker->distance - 1;
  char *note = sg_code_alloc(code, 160, 1);
  if (!note) return sg_fail_memory(e);
  snprintf(note, 160, "[%d, %d] code of minimum distance %d: %s", weaker->length, t->m,
           weaker->distance, weaker->how);
  code->note = note;
  return SG_OK;
}

static const sg_columns one_each = {.each = 1};

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  const sg_linear_type *linear = sg_linear_type_at(sg_choice(values, "linear_code"));
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_groups_read(code, values, &t->groups, e);
  if (!status) status = dimension(t, linear, values, e);
  if (!status && t->m > shape->length)
    return sg_code_one_segment(code, values, "m", t->m, 1, e); /* says so */
  if (!status) status = make_inner(t, code, linear, values, e);
  if (!status) status = sg_below_read(code, values, &t->groups, &one_each, e);
  if (status) return status;
  code->parts = t->groups.count;
  code->state_size = code->round_size = basis_offset(code->parts);
  if (!t->by_count)
    code->state_size += (size_t)code->parts * (size_t)t->m * (size_t)t->m * sizeof(double);
  /* With a table a decode is a look-up: keeping whole patterns as well would only cost time. */
  bool cheap = linear->add_up && linear->mds;
  if (!cheap && !(t->groups.inner[0]->index && t->groups.inner[1]->index))
    code->flags |= SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, "m", t->m, shape->workers - code->promised, e);
}

extern const sg_linear_type sg_linear_repetition;

static sg_status create_repetition(sg_code *code, const sg_shape *shape, const sg_values *values,
                                   sg_error *e) {
  int n = shape->workers, s = 0;
  sg_status status = sg_read_repetition(values, n, &s, e);
  if (status) return status;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->m = 1;
  t->by_count = true;
  status = sg_groups_make(code, n / (s + 1), SG_IN_ORDER, &t->groups, e);
  const sg_inner **inner = t->groups.inner;
  if (!status)
    status = sg_inner_new(code, &sg_linear_repetition, values, s + 1, 1, false, &inner[0], e);
  if (status) return status;
  inner[1] = inner[0];
  code->promised = s;
  code->flags = SG_WEIGHTS_CONSTANT;
  code->parts = t->groups.count;
  code->state_size = code->round_size = basis_offset(code->parts);
  return sg_code_one_segment(code, values, "s", 1, n - s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int group = t->groups.group[message->from];
  const double *column =
      sg_inner_column(sg_group_inner(&t->groups, group), t->groups.position[message->from]);
  for (int u = 0; u < t->m; u++) sg_row_part(row, group, u, column[u]);
}

/* --- Decoding --------------------------------------------------------------------------------- */

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_groups_weights(&t->groups, 1, NULL, NULL, used);
}

static sg_status mean_error(const sg_code *code, const double *p, int count, double *error) {
  const tables *t = code->self;
  return sg_below_error(code, &t->groups, &one_each, p, count, error);
}

/* Whether the workers that answer give every group rank m. */
static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  size_t m = (size_t)t->m;
  SG_OWNED int *rank = calloc((size_t)t->groups.count, sizeof *rank);
  SG_OWNED double *basis = t->by_count ? NULL : malloc((size_t)code->parts * m * m * sizeof *basis);
  bool ok = rank && (t->by_count || basis);
  for (int i = 0; ok && i < t->groups.workers; i++) {
    int group = t->groups.group[i];
    if (present[i])
      sg_inner_raise(sg_group_inner(&t->groups, group), t->groups.position[i],
                     t->by_count ? NULL : basis + (size_t)group * m * m, &rank[group]);
  }
  for (int group = 0; ok && group < t->groups.count; group++) ok = rank[group] == t->m;
  return ok;
}

/* --- Stopping --------------------------------------------------------------------------------- */

/* A message that does not raise its group's rank is used by least squares only. */
static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  progress *p = state;
  int group = t->groups.group[message->from], m = t->m, *have = &p->have[group];
  const sg_inner *inner = sg_group_inner(&t->groups, group);
  double *basis = t->by_count ? NULL
                              : (double *)(void *)((char *)state + basis_offset(t->groups.count)) +
                                    group * m * m;
  bool raised = sg_inner_raise(inner, t->groups.position[message->from], basis, have);
  if (raised && *have == m) p->complete++;
  if (!raised && !inner->least_squares) return SG_SKIP;
  return p->complete == code->parts ? SG_READY : SG_WAIT;
}

const sg_code_type sg_group = {
    .about = {.name = "group",
              .brief = "any linear code inside groups",
              .summary = "Any [d, m] linear code inside groups of d workers that share the same "
                         "data: load d, messages of 1/m of a gradient, s = minimum distance - 1.",
              .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled "
                           "from the abstract; construction derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .mean_error = mean_error,
    .arrive = arrive,
};

const sg_code_type sg_fractional_repetition = {
    .about = {.name = "fractional-repetition",
              .brief = "groups of s + 1 identical workers",
              .summary = "Groups of s + 1 identical workers send the sum of their share; one of "
                         "each group is enough (d = s + 1, m = 1, additions only).",
              .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 "
                           "(published).",
              .params = params_repetition},
    .create = create_repetition,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .arrive = arrive,
};
