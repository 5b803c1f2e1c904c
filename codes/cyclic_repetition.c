/* SPDX-License-Identifier: MIT */
/* Cyclic repetition (Tandon et al. 2017).
 *
 * P (s × n) has independent N(0, 1) columns, the last one minus the sum of the others, so that
 * P 1 = 0. Worker i holds shares i, …, i + s (mod n); its row of B has a 1 at share i and
 * −P[:, others]⁻¹ P[:, i] elsewhere, so that the rows of B lie in the null space of P, which has
 * dimension n − s and contains the all-ones row: any n − s rows span it. Any 0 ≤ s < n.
 *
 * The master decodes with the parity-check form (s × s) instead of the least squares of the paper's
 * code. */
#include "codes/code.h"
#include "codes/gaussian.h"
#include "codes/parity.h"
#include "sim/core/linalg.h"

#include <stdlib.h>

static const sg_param params[] = {
    {.name = "s",
     .kind = SG_INT,
     .summary = "number of stragglers tolerated; a worker computes s + 1 of n shares",
     .min = 0,
     .max = SG_UNBOUNDED,
     .flags = SG_REQUIRED},
    {.name = NULL},
};

typedef struct tables {
  int s;
  double *coef; /* n × (s + 1), row by row: of shares i, i + 1, … of worker i */
  const sg_parity *parity;
} tables;

static sg_status fill_rows(tables *t, int n, uint64_t seed) {
  int s = t->s;
  size_t size = (size_t)s;
  double *p = calloc(size * (size_t)n + 1, sizeof *p), *a = calloc(size * size + 1, sizeof *a);
  lapack_int *pivots = calloc(size + 1, sizeof *pivots);
  sg_status status = p && a && pivots ? SG_OK : SG_NO_MEMORY;
  if (!status) {
    sg_fill_gaussian(p, s, n - 1, s, seed);
    for (int j = 0; j < n - 1; j++)
      for (int r = 0; r < s; r++) p[r + (n - 1) * s] -= p[r + j * s];
  }
  for (int i = 0; !status && i < n; i++) {
    double *row = t->coef + i * (s + 1);
    for (int c = 0; c < s; c++)
      for (int r = 0; r < s; r++) a[r + c * s] = p[r + (i + 1 + c) % n * s];
    row[0] = 1;
    for (int r = 0; r < s; r++) row[r + 1] = -p[r + i * s];
    status = sg_solve(s, 1, a, s, row + 1, s, pivots, NULL);
  }
  free(p);
  free(a);
  free(pivots);
  return status;
}

static sg_status make_decoder(sg_code *code, tables *t, sg_error *e) {
  int n = code->nodes;
  double *v = calloc((size_t)n * (size_t)n, sizeof *v), *ones = calloc((size_t)n, sizeof *ones);
  sg_status status = SG_NO_MEMORY;
  if (v && ones) {
    for (int i = 0; i < n; i++) {
      ones[i] = 1;
      for (int c = 0; c <= t->s; c++) v[(i + c) % n + i * n] = t->coef[i * (t->s + 1) + c];
    }
    status = sg_parity_new(code, n, n, n - t->s, 1, v, ones, &t->parity, e);
  } else {
    sg_fail_memory(e);
  }
  free(v);
  free(ones);
  return status;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  long s = sg_int(values, "s");
  int n = shape->workers;
  if (s >= n)
    return sg_fail_at(e, values, "s", "expected s < n = %d (0 to %d), found %ld", n, n - 1, s);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->s = (int)s;
  t->coef = sg_code_alloc(code, (size_t)n * (size_t)(s + 1), sizeof *t->coef);
  if (!t->coef) return sg_fail_memory(e);
  code->parts = n;
  code->promised = t->s;
  code->flags = SG_WEIGHTS_PURE;
  sg_status status = fill_rows(t, n, shape->seed);
  if (status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (status)
    return sg_fail_at(e, values, NULL,
                      "the random code of this seed is singular: try another seed");
  status = make_decoder(code, t, e);
  return status ? status : sg_code_one_segment(code, values, "s", 1, n - t->s, e);
}

static void encode(const sg_code *code, const void *state, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  const double *coef = t->coef + message->from * (t->s + 1);
  (void)state;
  for (int c = 0; c <= t->s; c++) sg_row_part(row, (message->from + c) % code->nodes, 0, coef[c]);
}

static sg_status weights(const sg_code *code, const void *state, int segment, const sg_used *used,
                         double *W, double *bias, sg_decode_info *info) {
  const tables *t = code->self;
  (void)state;
  (void)segment;
  (void)bias;
  return sg_parity_weights(t->parity, used, W, info);
}

extern const sg_code_type sg_cyclic_repetition;
const sg_code_type sg_cyclic_repetition = {
    .about = {.name = "cyclic-repetition",
              .summary = "Cyclic placement with random coefficients: any n - s workers recover the "
                         "sum (d = s + 1, m = 1).",
              .reference = "Tandon, Lei, Dimakis, Karampatziakis (ICML 2017), arXiv:1612.03301 and "
                           "its official program (published).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
