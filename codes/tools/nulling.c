/* SPDX-License-Identifier: MIT */
/* Coefficients that vanish where a part is not held. */
#include "codes/tools/nulling.h"
#include "codes/tools/gaussian.h"
#include "sim/core/owned.h"

#include <stdlib.h>
#include <string.h>

sg_status sg_nulling_block(const double *v, int r, int m, int absent, const int *who, double *block,
                           double *scratch, lapack_int *pivots) {
  int top = r - m, ldx = top > 0 ? top : 1, rank = absent;
  double *a = scratch, *x = scratch + absent * top;
  memset(x, 0, (size_t)ldx * (size_t)m * sizeof *x); /* LAPACKE looks for NANs in all of it */
  for (int k = 0; k < absent; k++) {
    const double *column = v + who[k] * r;
    for (int c = 0; c < top; c++) a[k + c * absent] = column[c];
    for (int u = 0; u < m; u++) x[k + u * ldx] = -column[top + u];
  }
  sg_status status = SG_OK;
  if (absent == top)
    status = sg_solve(absent, m, a, absent, x, ldx, pivots, NULL);
  else if (absent > 0)
    status = sg_least_squares(absent, top, m, a, absent, x, ldx, 1e-14, pivots, &rank, NULL);
  if (status || rank < absent) return status ? status : SG_UNDECODABLE;
  for (int u = 0; u < m; u++) {
    for (int c = 0; c < top; c++) block[u + c * m] = absent > 0 ? x[c + u * ldx] : 0;
    block[u + (top + u) * m] = 1;
  }
  return SG_OK;
}

/* --- By the null space ------------------------------------------------------------------------ */

/* As cyclic repetition (cyclic.c): up to so many workers weights' last bits and simulated flops
 * stay those of databases that are there. */
enum { DENSE = 512 };

bool sg_nulling_is_large(int n, int s, int m) {
  return n > DENSE && 2L * ((long)s + m) <= n;
}

sg_status sg_nulling_new(sg_nulling *q, int n, int s, int m, int most, uint64_t seed) {
  size_t rows = (size_t)s + (size_t)m, wide = rows > (size_t)most ? rows : (size_t)most;
  *q = (sg_nulling){.n = n, .s = s, .m = m};
  q->frame = malloc(rows * (size_t)n * sizeof *q->frame);
  q->a = malloc(rows * wide * sizeof *q->a);
  q->x = malloc(wide * (size_t)m * sizeof *q->x);
  q->pivots = malloc(wide * sizeof *q->pivots);
  if (!q->frame || !q->a || !q->x || !q->pivots) return SG_NO_MEMORY;
  sg_fill_gaussian(q->frame, s + m, n, s + m, seed);
  return sg_orthonormal_rows(s + m, n, q->frame, s + m);
}

void sg_nulling_free(sg_nulling *q) {
  free(q->frame);
  free(q->a);
  free(q->x);
  free(q->pivots);
}

sg_status sg_nulling_coefficients(const sg_nulling *q, int holders, const int *who, double *coef) {
  int rows = q->s + q->m, m = q->m, rank = rows;
  size_t size = (size_t)rows;
  for (int k = 0; k < holders; k++)
    memcpy(q->a + (size_t)k * size, q->frame + (size_t)who[k] * size, size * sizeof *q->a);
  memset(q->x, 0, (size_t)holders * (size_t)m * sizeof *q->x);
  for (int u = 0; u < m; u++) q->x[q->s + u + u * holders] = 1;
  sg_status status = holders == rows ? sg_solve(rows, m, q->a, rows, q->x, holders, q->pivots, NULL)
                                     : sg_least_squares(rows, holders, m, q->a, rows, q->x, holders,
                                                        1e-14, q->pivots, &rank, NULL);
  if (status || rank < rows) return status ? status : SG_UNDECODABLE;
  for (int k = 0; k < holders; k++)
    for (int u = 0; u < m; u++) coef[k * m + u] = q->x[k + u * holders];
  return SG_OK;
}

sg_status sg_nulling_decoder(sg_code *code, const sg_nulling *q, const sg_parity **out) {
  size_t n = (size_t)q->n, s = (size_t)q->s, m = (size_t)q->m;
  SG_OWNED double *null = malloc((s + m) * n * sizeof *null);
  if (!null) return SG_NO_MEMORY;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < s + m; k++) null[i + k * n] = q->frame[k + i * (s + m)];
  return sg_parity_known(code, q->n, q->s, q->m, null, null + s * n, out);
}
