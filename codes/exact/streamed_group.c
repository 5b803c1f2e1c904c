/* SPDX-License-Identifier: MIT */
/* Streamed group codes: each worker sends successive coded chunks of its group's sum, and a group
 * is done at any M chunks in total. What slow workers have sent counts, and there is no m to
 * choose.
 *
 * Groups and data are those of the group code. The group's sum is cut into M pieces; chunk t of the
 * worker at position c is column (c, t) of a [N M', M] code, N workers of at most M' chunks each. A
 * group survives as long as M' · (workers that answer) ≥ M. The master needs M chunks of l/M, a
 * gradient's length, per group. (derived; the idea of sending several signals one after another:
 * Cao, Yan, Tang, Han 2020, arXiv:2006.04845)
 *
 * With below: minimum-norm a group of fewer chunks is estimated from those that have come, so that
 * a deadline may end a round, and every chunk that is in time counts (theory: approximate-groups).
 *
 * Chunks of a worker arrive in their order, so what can be at hand are mixes of the first k_c
 * chunks of each worker. The harmonic code is bad when these are neighbours on the circle. Here
 * worker c takes its points from a circle of M' cells, N points in each: point c of the cells in
 * van der Corput's order, begun at another cell by each worker. So every mix is spread over the
 * circle. The worst condition over all mixes is computed, not assumed. (derived) */
#include "codes/frame/protocol.h"
#include "codes/linear/inner.h"
#include "codes/tools/below.h"
#include "codes/tools/groups.h"
#include "codes/tools/rules.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>

static const char *const linear_codes[] = {"harmonic", "gaussian", "haar", NULL};
extern const sg_linear_type sg_linear_harmonic, sg_linear_gaussian, sg_linear_haar;
static const sg_linear_type *const linear_types[] = {&sg_linear_harmonic, &sg_linear_gaussian,
                                                     &sg_linear_haar};
static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED,
               "workers in a group, and subsets that each of them computes when there are as many "
               "subsets as workers; divides the number of workers, unless groups is uneven",
               .flags = SG_REQUIRED),
    SG_ROW_INT("chunks", 1, 64,
               "pieces M of a gradient: a chunk is 1/M of it, and M chunks complete a group",
               .flags = SG_REQUIRED),
    SG_ROW_INT("chunks_per_worker", 1, 64,
               "the most chunks that a worker sends; as many as chunks when left out, so that one "
               "worker can complete its group",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("linear_code", linear_codes, 0,
                  "the chunk code: harmonic with points spread so that all mixes of arrivals are "
                  "well conditioned, or random"),
    SG_ROWS_GROUPS,
    SG_ROWS_BELOW,
    {0}};

/* Mixes that are looked at, and the worst condition that is accepted. */
enum { MOST_MIXES = 1000 };
static const double WORST_CONDITION = 1e10;

typedef struct tables {
  sg_groups groups;
  int chunks, each; /* M, M' */
  int *cell;        /* M' cells in van der Corput's order */
} tables;

typedef struct progress {
  int complete; /* groups with M chunks */
  int have[];   /* per group */
} progress;

static int column_of(const void *self, int size, int position, int chunk) {
  const tables *t = self;
  int begin = t->cell[position % t->each];
  return (t->cell[chunk] + begin) % t->each * size + position;
}

/* --- Condition over arrival mixes ------------------------------------------------------------- */

typedef struct mixes {
  const tables *t;
  const sg_inner *inner;
  int size;
  int *sent; /* first chunks of each worker */
  double *a, *sigma;
  double worst;
  long count;
  sg_status status;
} mixes;

static void look_at(mixes *x) {
  int m = x->t->chunks, count = 0;
  for (int c = 0; c < x->size; c++)
    for (int k = 0; k < x->sent[c]; k++)
      memcpy(x->a + m * count++, sg_inner_column(x->inner, column_of(x->t, x->size, c, k)),
             (size_t)m * sizeof *x->a);
  sg_status status = sg_singular_values(m, m, x->a, m, x->sigma);
  if (status) x->status = status;
  x->worst = fmax(x->worst, x->sigma[0] / x->sigma[m - 1]);
  x->count++;
}

/* All ways in which workers c, c + 1, … send `left` chunks. false: more than MOST_MIXES. */
static bool all_mixes(mixes *x, int c, int left) {
  int each = x->t->each;
  if (left > (x->size - c) * each) return true;
  if (c == x->size - 1) {
    if (x->count == MOST_MIXES) return false;
    x->sent[c] = left;
    look_at(x);
    return true;
  }
  for (int k = 0; k <= (left < each ? left : each); k++) {
    x->sent[c] = k;
    if (!all_mixes(x, c + 1, left - k)) return false;
  }
  return true;
}

static void sampled_mixes(mixes *x, uint64_t seed) {
  sg_stream s;
  sg_stream_at(&s, seed, 0, SG_FOR_CODE, 0, 0, 3);
  for (x->count = 0; x->count < MOST_MIXES;) {
    memset(x->sent, 0, (size_t)x->size * sizeof *x->sent);
    for (int left = x->t->chunks; left > 0;) {
      int c = (int)(sg_uniform(&s) * x->size);
      if (x->sent[c] == x->t->each) continue;
      x->sent[c]++;
      left--;
    }
    look_at(x);
  }
}

static sg_status check_mixes(sg_code *code, const tables *t, const sg_inner *inner,
                             const sg_values *values, sg_error *e) {
  size_t m = (size_t)t->chunks;
  mixes x = {.t = t, .inner = inner, .size = inner->length / t->each};
  SG_OWNED int *sent = x.sent = calloc((size_t)x.size, sizeof *sent);
  SG_OWNED double *a = x.a = malloc(m * m * sizeof *a);
  SG_OWNED double *sigma = x.sigma = malloc(m * sizeof *sigma);
  char *note = sg_code_alloc(code, 160, 1);
  if (!sent || !a || !sigma || !note) return sg_fail_memory(e);
  bool all = all_mixes(&x, 0, t->chunks);
  if (!all) sampled_mixes(&x, code->shape.seed);
  if (x.status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (!(x.worst <= WORST_CONDITION))
    return sg_fail_at(e, values, "chunks",
                      "expected a chunk code whose condition number stays below %.0e, found %.1e "
                      "with %d chunks; fewer chunks have a smaller one",
                      WORST_CONDITION, x.worst, t->chunks);
  snprintf(note, 160, "[%d, %d] chunk code: worst condition number %.3g over %s%ld arrival mixes",
           inner->length, t->chunks, x.worst, all ? "all " : "a sample of ", x.count);
  code->note = note;
  return SG_OK;
}

/* --- Making ----------------------------------------------------------------------------------- */

static sg_status rules(tables *t, sg_code *code, const sg_values *values, sg_error *e) {
  sg_status status = sg_groups_read(code, values, &t->groups, e);
  if (status) return status;
  t->chunks = (int)sg_int(values, "chunks");
  t->each =
      sg_given(values, "chunks_per_worker") ? (int)sg_int(values, "chunks_per_worker") : t->chunks;
  int least = t->groups.least, needed = (t->chunks + least - 1) / least;
  if (t->each > t->chunks || t->each < needed)
    return sg_fail_at(e, values, "chunks_per_worker",
                      "expected from chunks / d = %d to chunks = %d, so that a group of %d can "
                      "complete, found %d",
                      needed, t->chunks, least, t->each);
  return SG_OK;
}

/* 0, 1/2, 1/4, 3/4, 1/8, … as cells of a circle of `count`; taken cells are passed over. */
static int *van_der_corput(sg_code *code, int count) {
  int *cell = sg_code_alloc(code, 2 * (size_t)count, sizeof *cell), *taken = cell + count;
  for (int i = 0, done = 0; cell && done < count; i++) {
    double x = 0, digit = .5;
    for (int bits = i; bits; bits >>= 1, digit /= 2) x += (bits & 1) * digit;
    int at = (int)(x * count);
    if (taken[at]) continue;
    taken[at] = 1;
    cell[done++] = at;
  }
  return cell;
}

static sg_columns columns_of(const tables *t) {
  return (sg_columns){.each = t->each, .of = column_of, .self = t};
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = rules(t, code, values, e);
  if (!status) status = sg_code_one_segment(code, values, "chunks", t->chunks, shape->workers, e);
  if (status) return status;
  t->cell = van_der_corput(code, t->each);
  if (!t->cell) return sg_fail_memory(e);
  const sg_linear_type *linear = linear_types[sg_choice(values, "linear_code")];
  for (int k = 0; k < 2 && !status; k++) {
    int size = k ? t->groups.most : t->groups.least;
    t->groups.inner[k] = t->groups.inner[0];
    if (k && size == t->groups.least) break;
    status =
        sg_inner_new(code, linear, values, size * t->each, t->chunks, true, &t->groups.inner[k], e);
    if (!status) status = check_mixes(code, t, t->groups.inner[k], values, e);
  }
  code->parts = t->groups.count;
  code->promised = t->groups.least - (t->chunks + t->each - 1) / t->each;
  code->flags = SG_WEIGHTS_PURE;
  code->stop = "decodable";
  code->state_size = code->round_size = sizeof(progress) + (size_t)code->parts * sizeof(int);
  const sg_columns columns = columns_of(t);
  return status ? status : sg_below_read(code, values, &t->groups, &columns, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int group = t->groups.group[message->from], size = sg_group_size(&t->groups, group);
  const double *column =
      sg_inner_column(sg_group_inner(&t->groups, group),
                      column_of(t, size, t->groups.position[message->from], message->tag));
  for (int u = 0; u < t->chunks; u++) sg_row_part(row, group, u, column[u]);
}

static void plan(const sg_code *code, const void *state, int round, int snapshot,
                 sg_orders *orders) {
  const tables *t = code->self;
  double work = (double)code->shape.subsets / code->parts;
  for (int v = 0; v < code->nodes; v++) {
    sg_task(orders, v, snapshot, work, SG_DRAWS_OF_WORK, 0);
    for (int k = 0; k < t->each; k++) sg_send(orders, v, SG_MASTER, snapshot, 0, k, 0);
  }
}

/* --- Decoding --------------------------------------------------------------------------------- */

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_groups_weights(&t->groups, t->each, column_of, t, used);
}

static sg_status mean_error(const sg_code *code, const double *p, int count, double *error) {
  const tables *t = code->self;
  const sg_columns columns = columns_of(t);
  return sg_below_error(code, &t->groups, &columns, p, count, error);
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  for (int group = 0; group < code->parts; group++) {
    int chunks = 0;
    for (int i = 0; i < code->nodes; i++)
      if (present[i] && t->groups.group[i] == group) chunks += t->each;
    if (chunks < t->chunks) return false;
  }
  return true;
}

/* Chunks beyond the M-th of a group make least squares better conditioned. */
static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  progress *p = state;
  if (++p->have[t->groups.group[message->from]] == t->chunks) p->complete++;
  return p->complete == code->parts ? SG_READY : SG_WAIT;
}

const sg_code_type sg_streamed_group = {
    .about = {.name = "streamed-group",
              .brief = "groups that send coded chunks in turn",
              .summary = "Group code whose workers send coded chunks one after another: a group is "
                         "done at any M chunks of 1/M of a gradient in total, from whichever of "
                         "its workers.",
              .reference = "straggle (derived); several signals per worker: Cao, Yan, Tang, Han "
                           "(2020), arXiv:2006.04845 (abstract published).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .promises = promises,
    .mean_error = mean_error,
    .plan = plan,
    .arrive = arrive,
};
