/* SPDX-License-Identifier: MIT */
/* QR of a band that goes round a circle, by Householder reflections, column by column. */
#include "codes/tools/band.h"
#include "sim/core/owned.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sg_band {
  int n, s, first;
  /* Of column k: its reflection I − v vᵀ (|v|² = 2, or 0) of coordinates k … k + s, and column k of
   * R: rows k − s … k, the diagonal last. */
  double *v, *r;
};

/* x[0 … s] −= v (vᵀ x) */
static void reflect(int s, const double *v, double *x) {
  double product = 0;
  for (int t = 0; t <= s; t++) product += v[t] * x[t];
  for (int t = 0; t <= s; t++) x[t] -= product * v[t];
}

/* The v that takes x to a multiple of the first unit vector, which is returned. */
static double reflection(int s, const double *x, double *v) {
  double rest = 0, norm = 0;
  for (int t = 1; t <= s; t++) rest += x[t] * x[t];
  norm = sqrt(x[0] * x[0] + rest);
  memset(v, 0, (size_t)(s + 1) * sizeof *v);
  if (rest == 0) return x[0];
  double head = x[0] + copysign(norm, x[0]), scale = sqrt(2 / (head * head + rest));
  v[0] = head * scale;
  for (int t = 1; t <= s; t++) v[t] = x[t] * scale;
  return -copysign(norm, x[0]);
}

sg_status sg_band_new(sg_code *code, int n, int s, const double *coef, int first,
                      const sg_band **out) {
  size_t wide = (size_t)s + 1, rank = (size_t)(n - s);
  sg_band *b = sg_code_alloc(code, 1, sizeof *b);
  SG_OWNED double *column = malloc(2 * wide * sizeof *column);
  if (!b || !column) return SG_NO_MEMORY;
  *b = (sg_band){.n = n, .s = s, .first = first};
  b->v = sg_code_alloc(code, rank * wide, sizeof *b->v);
  b->r = sg_code_alloc(code, rank * wide, sizeof *b->r);
  if (!b->v || !b->r) return SG_NO_MEMORY;
  bool independent = true;
  for (int k = 0; k < n - s; k++) {
    double *v = b->v + (size_t)k * wide, *r = b->r + (size_t)k * wide;
    memset(column, 0, (size_t)s * sizeof *column); /* coordinates k − s … k + s */
    memcpy(column + s, coef + (size_t)((first + k) % n) * wide, wide * sizeof *column);
    for (int j = k > s ? k - s : 0; j < k; j++)
      reflect(s, b->v + (size_t)j * wide, column + s - (k - j));
    memcpy(r, column, (size_t)s * sizeof *r);
    r[s] = reflection(s, column + s, v);
    /* Rows of B differ a lot in length: each is judged by its own. */
    double square = 0;
    for (int t = 0; t <= s; t++) square += r[t] * r[t];
    independent = independent && fabs(r[s]) > (s + 1) * DBL_EPSILON * sqrt(square);
  }
  *out = b;
  return independent ? SG_OK : SG_UNDECODABLE;
}

void sg_band_solve(const sg_band *b, double *y, double *x) {
  int n = b->n, s = b->s, rank = n - s;
  size_t wide = (size_t)s + 1;
  /* x serves for y numbered from `first`. */
  memcpy(x, y + b->first, (size_t)(n - b->first) * sizeof *x);
  memcpy(x + n - b->first, y, (size_t)b->first * sizeof *x);
  for (int k = 0; k < rank; k++) reflect(s, b->v + (size_t)k * wide, x + k);
  for (int k = rank - 1; k >= 0; k--) {
    const double *r = b->r + (size_t)k * wide;
    x[k] /= r[s];
    for (int j = k > s ? k - s : 0; j < k; j++) x[j] -= r[s - (k - j)] * x[k];
  }
  for (int k = rank; k < n; k++) x[k] = 0;
  memcpy(y, x, (size_t)n * sizeof *y);
  for (int k = 0; k < n; k++) x[(b->first + k) % n] = y[k];
}

double sg_band_flops(const sg_band *b) {
  return 6.0 * (b->n - b->s) * (b->s + 1);
}
