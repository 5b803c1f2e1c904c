/* SPDX-License-Identifier: MIT */
/* Hierarchical coded computation (Ferdinand, Draper 2018) of a gradient, as the baseline of Wang et
 * al. 2022: layers of few coordinates, each coded over its coordinates.
 *
 * A worker computes R layers one after another: of layer j = 1 … R one combination of its k_j =
 * n − s_j coordinates, over all the data; any k_j workers recover the layer. Σ k_j = l. The s_j
 * rise with j and solve, in whole numbers,
 *
 *   max u,  u ≤ (s_j + 1)/j,  s_j ≤ n − 1,  Σ s_j = n R − l
 *
 * which makes the chance to be late of the worst layer fall fastest. (published: program, with
 * rounding) Where that leaves s_j open, the next smallest (s_j + 1)/j is made as large as can be,
 * and so on: s_j + 1 = min(n, v j) rounded up; where that is too much, the last layers have theirs.
 * (derived)
 *
 * Layers with the same s follow one another, and only the last of them can be the one that is
 * waited for: they are one segment of n − s pieces, a message being as long as its layers are many.
 *
 * Work is that of linear models whose workers hold combinations of columns of the data: a layer
 * costs 1/l of a gradient over all the data, whatever k_j. Other models, where k_j coordinates cost
 * k_j times as much, are given the same times here. d < s + m is possible for that reason. */
#include "codes/linear/inner.h"
#include "codes/tools/block_design.h"
#include "sim/core/owned.h"

#include <math.h>

extern const sg_linear_type sg_linear_haar;

static const sg_param params[] = {
    SG_ROW_INT("coordinates", 1, SG_UNBOUNDED,
               "mean number of coordinates of a layer, up to the number n of workers: there are "
               "l/coordinates layers, rounded up. 1: each coordinate on every worker; n: no "
               "redundancy",
               .flags = SG_REQUIRED),
    {0}};

typedef struct tables {
  const sg_inner **inner; /* per segment: n columns of n − s numbers */
  double *work;           /* of a segment, in subsets */
} tables;

/* --- Layers ----------------------------------------------------------------------------------- */

/* s_j + 1 for the rate v, and Σ k_j. */
static int raised(double v, long j, int n) {
  double x = ceil(v * (double)j);
  return x < 1 ? 1 : x > n ? n : (int)x;
}

static long coordinates(double v, long layers, int n) {
  long sum = 0;
  for (long j = 1; j <= layers; j++) sum += n + 1 - raised(v, j, n);
  return sum;
}

/* count[s]: layers with s stragglers. Σ (n − s) count[s] = length. */
static void choose_layers(int n, long length, long layers, long *count) {
  double low = 0, high = n; /* too few stragglers; too many or just enough */
  for (int i = 0; i < 60; i++) {
    double v = (low + high) / 2;
    if (coordinates(v, layers, n) > length)
      low = v;
    else
      high = v;
  }
  low *= 1 - 1e-11; /* equal ratios a/j step up together */
  high = fmin(high * (1 + 1e-11), n);
  long over = coordinates(low, layers, n) - length; /* of those that step up between the two */
  if (over < 0) over = 0;
  for (long j = layers; j >= 1; j--) {
    int s = raised(low, j, n) - 1;
    int more = raised(high, j, n) - 1 - s;
    int step = more < over ? more : (int)over; /* the last layers first */
    over -= step;
    count[s + step]++;
  }
}

/* --- Making ----------------------------------------------------------------------------------- */

static sg_status make_segments(sg_code *code, const sg_values *values, const long *count,
                               sg_error *e) {
  int n = code->nodes, segments = 0;
  for (int s = 0; s < n; s++) segments += count[s] > 0;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  sg_segment *segment = sg_code_alloc(code, (size_t)segments, sizeof *segment);
  if (!t || !segment) return sg_fail_memory(e);
  t->inner = sg_code_alloc(code, (size_t)segments, sizeof *t->inner);
  t->work = sg_code_alloc(code, (size_t)segments, sizeof *t->work);
  if (!t->inner || !t->work) return sg_fail_memory(e);
  long begin = 0;
  int at = 0;
  for (int s = 0; s < n; s++) {
    if (count[s] == 0) continue;
    long size = count[s] * (n - s);
    if (at == 0) code->promised = s;
    t->work[at] = (double)count[s] / (double)code->shape.length * code->shape.subsets;
    code->load += t->work[at];
    segment[at] = (sg_segment){.begin = begin, .end = begin + size, .pieces = n - s, .need = n - s};
    begin += size;
    sg_status status =
        sg_inner_new(code, &sg_linear_haar, values, n, n - s, true, &t->inner[at], e);
    if (status) return status;
    at++;
  }
  code->segment = segment;
  code->segments = segments;
  code->stored = n;
  return SG_OK;
}

static sg_status make_note(sg_code *code, long layers, const long *count, sg_error *e) {
  sg_buffer text = {0};
  sg_putf(&text, "%ld layer%s, of s:layers", layers, layers == 1 ? "" : "s");
  for (int s = 0; s < code->nodes; s++)
    if (count[s] > 0) sg_putf(&text, " %d:%ld", s, count[s]);
  return sg_blocks_note(code, &text, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  long each = sg_int(values, "coordinates"), most = shape->length < n ? shape->length : n;
  if (each > most)
    return sg_fail_at(e, values, "coordinates",
                      "expected at most as many coordinates as workers and as the gradient has: 1 "
                      "to %ld, found %ld",
                      most, each);
  SG_OWNED long *count = calloc((size_t)n, sizeof *count);
  if (!count) return sg_fail_memory(e);
  long layers = (shape->length + each - 1) / each;
  choose_layers(n, shape->length, layers, count);
  code->parts = 1;
  sg_status status = make_segments(code, values, count, e);
  return status ? status : make_note(code, layers, count, e);
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void plan(const sg_code *code, const void *state, int round, int snapshot, sg_orders *o) {
  const tables *t = code->self;
  sg_blocks_plan(code, t->work, snapshot, o);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  const sg_inner *inner = t->inner[message->segment];
  const double *column = sg_inner_column(inner, message->from);
  for (int v = 0; v < inner->m; v++) sg_row_part(row, 0, v, column[v]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  const sg_inner *inner = t->inner[used->segment];
  size_t solving = sg_inner_scratch(inner, used->count);
  char *scratch = sg_used_scratch(used, solving + (size_t)used->count * sizeof(int));
  if (!scratch) return SG_NO_MEMORY;
  int *position = (int *)(void *)(scratch + solving);
  for (int i = 0; i < used->count; i++) position[i] = used->message[i]->from;
  return sg_inner_weights(inner, used->count, position, used->W, scratch, &used->info->cond1,
                          &used->info->flops);
}

const sg_code_type sg_hierarchical_layers = {
    .about = {.name = "hierarchical-layers",
              .brief = "layers of coordinates with rising s",
              .summary = "Hierarchical coded computation: layers of few coordinates, each coded "
                         "over its coordinates so that any n - s workers recover it, with s "
                         "rising from layer to layer. For linear models with combinations of "
                         "columns stored.",
              .reference = "Ferdinand, Draper (ISIT 2018), with the linear program of the official "
                           "program of Wang, Cui, Li, Zou, Xiong (2022), arXiv:2206.02450 "
                           "(published); ties and rounding derived.",
              .params = params},
    .create = create,
    .plan = plan,
    .encode = encode,
    .weights = weights,
};
