/* SPDX-License-Identifier: MIT */
/* Data on a circle: placement, coefficients, weights. */
#include "codes/tools/circle.h"
#include "codes/tools/gaussian.h"
#include "codes/tools/rules.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>

/* Places on the circle closer than this are one. */
static const double NEAR = 1e-9;

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
static void place(const sg_circle *t, const double *end, const double *edge, int *holder) {
  for (int turn = 0; turn <= t->s; turn++) {
    int i = 0;
    for (int j = 0; j < t->parts; j++) {
      double middle = turn + (edge[j] + edge[j + 1]) / 2;
      while (i < t->n - 1 && end[i + 1] <= middle) i++;
      holder[j * (t->s + 1) + turn] = i;
    }
  }
}

/* Ψ[:, H] b = 1 for every part. */
static sg_status fill_coefficients(const sg_circle *t, const double *psi, double *coef) {
  int d = t->s + 1;
  size_t size = (size_t)d;
  SG_OWNED double *a = malloc(size * size * sizeof *a);
  SG_OWNED lapack_int *pivots = malloc(size * sizeof *pivots);
  sg_status status = a && pivots ? SG_OK : SG_NO_MEMORY;
  for (int j = 0; !status && j < t->parts; j++) {
    for (int c = 0; c < d; c++) {
      coef[j * d + c] = 1;
      for (int r = 0; r < d; r++) a[r + c * d] = psi[r + t->holder[j * d + c] * d];
    }
    status = sg_solve(d, 1, a, d, coef + j * d, d, pivots, NULL);
  }
  return status;
}

/* N = Ψᵀ Z for Helmert's orthonormal basis Z of the vectors with sum 0. */
static sg_status make_decoder(sg_code *code, sg_circle *t, const double *psi) {
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

sg_status sg_circle_new(sg_code *code, const sg_values *values, int n, const double *capacity,
                        int s, uint64_t seed, sg_circle **out, sg_error *e) {
  size_t size = (size_t)n, d = (size_t)s + 1;
  double sum = 0, before = 0;
  sg_circle *t = sg_code_alloc(code, 1, sizeof *t);
  double *end = sg_code_alloc(code, size + 1, sizeof *end);
  double *edge = sg_code_alloc(code, size + 1, sizeof *edge);
  double *psi = sg_code_alloc(code, d * size, sizeof *psi);
  if (!t || !end || !edge || !psi) return sg_fail_memory(e);
  for (int i = 0; i < n; i++) sum += capacity[i];
  for (int i = 0; i <= n; i++) {
    end[i] = (double)(s + 1) * before / sum;
    if (i < n) before += capacity[i];
  }
  *t = (sg_circle){.n = n, .s = s, .parts = cut(end, n, edge), .edge = edge};
  int *holder = sg_code_alloc(code, (size_t)t->parts * d, sizeof *holder);
  double *coef = sg_code_alloc(code, (size_t)t->parts * d, sizeof *coef);
  if (!holder || !coef) return sg_fail_memory(e);
  t->holder = holder;
  t->coef = coef;
  *out = t;
  place(t, end, edge, holder);
  sg_fill_gaussian(psi, s + 1, n, s + 1, seed);
  sg_status status = sg_orthonormal_rows(s + 1, n, psi, s + 1);
  if (!status) status = fill_coefficients(t, psi, coef);
  if (!status) status = make_decoder(code, t, psi);
  return sg_made_at_random(status, values, e);
}

long sg_circle_most(int n, const double *capacity) {
  double sum = 0, most = 0;
  for (int i = 0; i < n; i++) {
    sum += capacity[i];
    most = fmax(most, capacity[i]);
  }
  return (long)floor(sum / most * (1 + 1e-12)) - 1;
}
