/* SPDX-License-Identifier: MIT */
/* Coefficients of cyclic repetition and their decoder. */
#include "codes/tools/cyclic.h"
#include "codes/tools/gaussian.h"
#include "codes/tools/rules.h"
#include "sim/core/linalg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Up to so many workers the decoder is made by a QR decomposition of all of B: its table of n × n
 * numbers then fits a cache, and the weights' last bits and the flops of a decode, which are
 * simulated time, stay those of databases that are there. */
enum { DENSE = 512 };

/* P of the draw, s × n. */
static void fill_p(const sg_cyclic *c, uint64_t seed, uint32_t draw, double *p) {
  int s = c->s, n = c->n;
  sg_fill_gaussian_draw(p, s, n - 1, s, seed, draw);
  for (int j = 0; j < n - 1; j++)
    for (int r = 0; r < s; r++) p[r + (n - 1) * s] -= p[r + j * s];
}

/* Columns first, …, first + s − 1 (mod n) of P. */
static void window(const sg_cyclic *c, const double *p, int first, double *a) {
  size_t s = (size_t)c->s;
  for (size_t k = 0; k < s; k++)
    memcpy(a + k * s, p + ((size_t)first + k) % (size_t)c->n * s, s * sizeof *a);
}

static double smaller_end(const double *coef, int s) {
  return fmin(fabs(coef[0]), fabs(coef[s])) / cblas_dnrm2(s + 1, coef, 1);
}

/* least: NULL, or as in cyclic.h. */
static sg_status draw_rows(const sg_cyclic *c, uint64_t seed, uint32_t draw, double bar,
                           double *least) {
  int s = c->s, n = c->n;
  size_t size = (size_t)s;
  double *p = calloc(size * (size_t)(n + s + 1) + 1, sizeof *p), *a = p + (size_t)n * size;
  lapack_int *pivots = (lapack_int *)(void *)(a + size * size);
  if (!p) return SG_NO_MEMORY;
  sg_status status = SG_OK;
  fill_p(c, seed, draw, p);
  for (int i = 0; !status && i < n && (!least || *least > bar); i++) {
    double *row = c->coef + (size_t)i * (size + 1);
    window(c, p, i + 1, a);
    row[0] = 1;
    for (int r = 0; r < s; r++) row[r + 1] = -p[r + i * s];
    status = sg_solve(s, 1, a, s, row + 1, s, pivots, NULL);
    if (least) *least = fmin(*least, smaller_end(row, s));
  }
  free(p);
  return status;
}

sg_status sg_cyclic_draw(const sg_cyclic *c, uint64_t seed, uint32_t draw) {
  return draw_rows(c, seed, draw, 0, NULL);
}

sg_status sg_cyclic_draw_above(const sg_cyclic *c, uint64_t seed, uint32_t draw, double bar,
                               double *least) {
  *least = 1;
  return draw_rows(c, seed, draw, bar, least);
}

static sg_status dense_decoder(sg_code *code, sg_cyclic *c) {
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

/* Mᵀ B = 0 for the M (n × s, column-major) whose row i is the first row of the inverse of columns
 * i, …, i + s − 1 of P: solutions of the adjoint of the recurrence Σ_k B_{i,i+k} p_{i+k} = 0.
 * (theory: cyclic-null-space) */
static sg_status fill_null(const sg_cyclic *c, uint64_t seed, double *null) {
  int s = c->s, n = c->n;
  size_t size = (size_t)s;
  double *p = calloc(size * (size_t)(n + s + 2) + 1, sizeof *p), *a = p + (size_t)n * size,
         *y = a + size * size;
  lapack_int *pivots = (lapack_int *)(void *)(y + size);
  if (!p) return SG_NO_MEMORY;
  sg_status status = SG_OK;
  fill_p(c, seed, 0, p);
  for (int i = 0; !status && i < n; i++) {
    window(c, p, i, a);
    memset(y, 0, size * sizeof *y);
    if (s > 0) y[0] = 1;
    status = sg_solve_transposed(s, 1, a, s, y, s, pivots, NULL);
    for (int k = 0; k < s; k++) null[(size_t)i + (size_t)k * (size_t)n] = y[k];
  }
  free(p);
  return status;
}

static sg_status banded_decoder(sg_code *code, sg_cyclic *c, uint64_t seed) {
  double *null = malloc((size_t)c->n * (size_t)c->s * sizeof *null + 1);
  if (!null) return SG_NO_MEMORY;
  sg_status status = fill_null(c, seed, null);
  if (!status) status = sg_parity_banded(code, c->n, c->s, c->coef, null, &c->parity);
  free(null);
  return status;
}

static sg_status make_decoder(sg_code *code, sg_cyclic *c, uint64_t seed) {
  bool banded = c->n > DENSE && 2L * c->s <= c->n;
  return banded ? banded_decoder(code, c, seed) : dense_decoder(code, c);
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
  if (!status) status = make_decoder(code, *out, seed);
  return sg_made_at_random(status, values, e);
}

void sg_cyclic_row(const sg_cyclic *t, int i, int first, sg_row *row) {
  const double *coef = t->coef + (size_t)i * (size_t)(t->s + 1);
  for (int c = 0; c <= t->s; c++) sg_row_part(row, first + (i + c) % t->n, 0, coef[c]);
}

void sg_cyclic_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  sg_cyclic_row(code->self, message->from, 0, row);
}

sg_status sg_cyclic_weights(const sg_code *code, const sg_used *used) {
  const sg_cyclic *t = code->self;
  return sg_parity_weights(t->parity, used, 0, NULL);
}
