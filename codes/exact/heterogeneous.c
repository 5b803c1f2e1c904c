/* SPDX-License-Identifier: MIT */
/* Heterogeneity-aware gradient coding (Wang, Guo, Tang, Li, Li 2019): loads in proportion to known
 * speeds, any s stragglers.
 *
 * The data is a circle of circumference 1; worker i of speed c_i takes the next (s + 1) c_i / Σ c
 * of it, so that all together go round s + 1 times and every point is held by s + 1 workers,
 * distinct if nobody holds more than everything. Parts lie between the places where somebody
 * begins: at most n of them, of unequal width, so that loads need no rounding.
 *
 * Coefficients and weights for a placement with s + 1 holders of each part: Ψ ((s + 1) × n) has
 * orthonormal rows made from independent N(0, 1) numbers, column j of B solves Ψ[:, H_j] b = 1. For
 * stragglers S the weights are λ Ψ with λ Ψ_S = 0, λ 1 = 1, in the parity form: 1ᵀΨ/(s + 1) when
 * everyone answers, and for N the vectors z Ψ with z 1 = 0. (recipe and code derived; idea of the
 * paper) */
#include "codes/tools/gaussian.h"
#include "codes/tools/parity.h"
#include "codes/tools/rules.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"

#include <math.h>

static const sg_param params[] = {
    SG_ROW_STRAGGLERS(
        "number of stragglers tolerated; the fastest worker must not get more than all the "
        "data: (s + 1) c_max <= sum of speeds"),
    {0}};

/* Places on the circle closer than this are one. */
static const double NEAR = 1e-9;

typedef struct tables {
  int n, s, parts;
  int *holder;  /* parts × (s + 1), row by row */
  double *coef; /* of them */
  int *start;   /* n + 1: where worker i's entries begin in `entry` */
  int *entry;   /* places in holder and coef */
  const sg_parity *parity;
} tables;

/* Where the parts begin, from the places `end` (n + 1, rising from 0 to s + 1) at which workers
 * begin; returns how many there are. */
static int cut(const double *end, int n, double *edge) {
  int count = 0;
  for (int i = 0; i < n; i++) {
    double at = end[i] - floor(end[i]);
    edge[i] = at < NEAR || at > 1 - NEAR ? 0 : at;
  }
  sg_sort_doubles(edge, (size_t)n);
  for (int i = 0; i < n; i++)
    if (count == 0 || edge[i] > edge[count - 1] + NEAR) edge[count++] = edge[i];
  edge[count] = 1;
  return count;
}

/* The holders of each part: its middle is met once in every turn. */
static void place(tables *t, const double *end, const double *edge) {
  for (int turn = 0; turn <= t->s; turn++) {
    int i = 0;
    for (int j = 0; j < t->parts; j++) {
      double middle = turn + (edge[j] + edge[j + 1]) / 2;
      while (i < t->n - 1 && end[i + 1] <= middle) i++;
      t->holder[j * (t->s + 1) + turn] = i;
      t->start[i + 1]++;
    }
  }
  for (int i = 0; i < t->n; i++) t->start[i + 1] += t->start[i];
}

/* Ψ[:, H] b = 1 for every part. */
static sg_status fill_coefficients(tables *t, const double *psi) {
  int d = t->s + 1;
  size_t size = (size_t)d;
  SG_OWNED double *a = malloc(size * size * sizeof *a);
  SG_OWNED lapack_int *pivots = malloc(size * sizeof *pivots);
  sg_status status = a && pivots ? SG_OK : SG_NO_MEMORY;
  for (int j = 0; !status && j < t->parts; j++) {
    for (int c = 0; c < d; c++) {
      t->coef[j * d + c] = 1;
      for (int r = 0; r < d; r++) a[r + c * d] = psi[r + t->holder[j * d + c] * d];
    }
    status = sg_solve(d, 1, a, d, t->coef + j * d, d, pivots, NULL);
  }
  return status;
}

/* N = Ψᵀ Z for Helmert's orthonormal basis Z of the vectors with sum 0. */
static sg_status make_decoder(sg_code *code, tables *t, const double *psi) {
  int n = t->n, s = t->s, d = s + 1;
  SG_OWNED double *null = malloc(((size_t)n * (size_t)s + 1) * sizeof *null);
  SG_OWNED double *full = malloc((size_t)n * sizeof *full);
  if (!null || !full) return SG_NO_MEMORY;
  for (int i = 0; i < n; i++) {
    double sum = psi[i * d];
    for (int k = 1; k <= s; k++) {
      double x = psi[k + i * d];
      null[i + (k - 1) * n] = (sum - k * x) / sqrt((double)k * (k + 1));
      sum += x;
    }
    full[i] = sum / d;
  }
  return sg_parity_known(code, n, s, 1, null, full, &t->parity);
}

static sg_status make(sg_code *code, tables *t, double *end, double *edge, uint64_t seed,
                      const sg_values *values, sg_error *e) {
  size_t n = (size_t)t->n, d = (size_t)t->s + 1;
  t->parts = cut(end, t->n, edge);
  size_t entries = (size_t)t->parts * d;
  t->holder = sg_code_alloc(code, entries, sizeof *t->holder);
  t->coef = sg_code_alloc(code, entries, sizeof *t->coef);
  t->start = sg_code_alloc(code, n + 1, sizeof *t->start);
  t->entry = sg_code_alloc(code, entries, sizeof *t->entry);
  int *count = sg_code_alloc(code, n, sizeof *count);
  double *psi = sg_code_alloc(code, d * n, sizeof *psi);
  if (!t->holder || !t->coef || !t->start || !t->entry || !count || !psi) return sg_fail_memory(e);
  place(t, end, edge);
  for (int at = 0; at < (int)entries; at++) {
    int i = t->holder[at];
    t->entry[t->start[i] + count[i]++] = at;
  }
  sg_fill_gaussian(psi, (int)d, t->n, (int)d, seed);
  sg_status status = sg_orthonormal_rows((int)d, t->n, psi, (int)d);
  if (!status) status = fill_coefficients(t, psi);
  if (!status) status = make_decoder(code, t, psi);
  code->parts = t->parts;
  code->edge = edge;
  return sg_made_at_random(status, values, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  long s = sg_int(values, "s");
  int n = shape->workers, fastest = 0;
  const double *speed = code->shape.speed;
  double sum = 0;
  for (int i = 0; i < n; i++) {
    sum += speed[i];
    if (speed[i] > speed[fastest]) fastest = i;
  }
  long most = (long)floor(sum / speed[fastest] * (1 + 1e-12)) - 1;
  if (s > most)
    return sg_fail_at(e, values, "s",
                      "expected (s + 1) c_max ≤ the sum of speeds (s from 0 to %ld: worker %d of "
                      "speed %g would hold more than all the data), found %ld",
                      most, fastest, speed[fastest], s);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  double *end = sg_code_alloc(code, (size_t)n + 1, sizeof *end);
  double *edge = sg_code_alloc(code, (size_t)n + 1, sizeof *edge);
  if (!t || !end || !edge) return sg_fail_memory(e);
  t->n = n;
  t->s = (int)s;
  double before = 0;
  for (int i = 0; i <= n; i++) {
    end[i] = (double)(s + 1) * before / sum;
    if (i < n) before += speed[i];
  }
  code->promised = t->s;
  code->flags = SG_WEIGHTS_PURE;
  sg_status status = make(code, t, end, edge, shape->seed, values, e);
  return status ? status : sg_code_one_segment(code, values, "s", 1, n - t->s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  for (int k = t->start[message->from]; k < t->start[message->from + 1]; k++)
    sg_row_part(row, t->entry[k] / (t->s + 1), 0, t->coef[t->entry[k]]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->parity, used, 0, NULL);
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
