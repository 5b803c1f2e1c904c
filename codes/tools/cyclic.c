/* SPDX-License-Identifier: MIT */
/* Coefficients of cyclic repetition and their decoder. */
#include "codes/tools/cyclic.h"
#include "codes/tools/gaussian.h"
#include "codes/tools/rules.h"
#include "sim/core/linalg.h"

#include <stdlib.h>

sg_status sg_cyclic_draw(const sg_cyclic *c, uint64_t seed, uint32_t draw) {
  int s = c->s, n = c->n;
  double *p = calloc((size_t)s * (size_t)(n + s + 1) + 1, sizeof *p), *a = p + n * s;
  lapack_int *pivots = (lapack_int *)(void *)(a + s * s);
  if (!p) return SG_NO_MEMORY;
  sg_status status = SG_OK;
  sg_fill_gaussian_draw(p, s, n - 1, s, seed, draw);
  for (int j = 0; j < n - 1; j++)
    for (int r = 0; r < s; r++) p[r + (n - 1) * s] -= p[r + j * s];
  for (int i = 0; !status && i < n; i++) {
    double *row = c->coef + i * (s + 1);
    for (int k = 0; k < s; k++)
      for (int r = 0; r < s; r++) a[r + k * s] = p[r + (i + 1 + k) % n * s];
    row[0] = 1;
    for (int r = 0; r < s; r++) row[r + 1] = -p[r + i * s];
    status = sg_solve(s, 1, a, s, row + 1, s, pivots, NULL);
  }
  free(p);
  return status;
}

static sg_status make_decoder(sg_code *code, sg_cyclic *c) {
  int n = c->n;
  double *v = calloc((size_t)n * (size_t)(n + 1), sizeof *v), *ones = v + n * n;
  if (!v) return SG_NO_MEMORY;
  for (int i = 0; i < n; i++) {
    ones[i] = 1;
    for (int k = 0; k <= c->s; k++) v[(i + k) % n + i * n] = c->coef[i * (c->s + 1) + k];
  }
  sg_status status = sg_parity_new(code, n, n, n - c->s, 1, v, ones, &c->parity);
  free(v);
  return status;
}

sg_status sg_cyclic_blank(sg_code *code, int n, int s, sg_cyclic **out, sg_error *e) {
  sg_cyclic *c = sg_code_alloc(code, 1, sizeof *c);
  if (!c) return sg_fail_memory(e);
  *c = (sg_cyclic){.n = n, .s = s};
  c->coef = sg_code_alloc(code, (size_t)n * (size_t)(s + 1), sizeof *c->coef);
  *out = c;
  return c->coef ? SG_OK : sg_fail_memory(e);
}

sg_status sg_cyclic_new(sg_code *code, const sg_values *values, int n, int s, uint64_t seed,
                        sg_cyclic **out, sg_error *e) {
  sg_status status = sg_cyclic_blank(code, n, s, out, e);
  if (status) return status;
  status = sg_cyclic_draw(*out, seed, 0);
  if (!status) status = make_decoder(code, *out);
  return sg_made_at_random(status, values, e);
}

void sg_cyclic_row(const sg_cyclic *t, int i, int first, sg_row *row) {
  const double *coef = t->coef + i * (t->s + 1);
  for (int c = 0; c <= t->s; c++) sg_row_part(row, first + (i + c) % t->n, 0, coef[c]);
}

void sg_cyclic_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_cyclic_row(code->self, message->from, 0, row);
}

sg_status sg_cyclic_weights(const sg_code *code, const sg_used *used) {
  const sg_cyclic *t = code->self;
  return sg_parity_weights(t->parity, used, 0, NULL);
}
