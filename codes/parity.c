/* SPDX-License-Identifier: MIT */
#include "codes/parity.h"
#include "sim/core/linalg.h"

#include <stdlib.h>
#include <string.h>

struct sg_parity {
  int rows, n, s, pieces;
  double *v;      /* rows × n */
  double *target; /* rows × pieces */
  double *full;   /* n × pieces: the weights when everyone answers */
  double *pinv;   /* n × rows */
  double *null;   /* n × s */
};

/* c := alpha a b + beta c, all column-major with the least leading dimensions. */
static void multiply(int m, int n, int k, double alpha, const double *a, const double *b,
                     double beta, double *c) {
  if (m == 0 || n == 0 || k == 0) return;
  if (n == 1)
    cblas_dgemv(CblasColMajor, CblasNoTrans, m, k, alpha, a, m, b, 1, beta, c, 1);
  else
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, n, k, alpha, a, m, b, k, beta, c, m);
}

/* pinv, null and full from V = U Σ Wᵀ. */
static void split(sg_parity *p, int rank, const double *sigma, const double *u, const double *wt) {
  int n = p->n, rows = p->rows;
  for (int i = 0; i < n; i++) {
    for (int r = 0; r < rows; r++) {
      double sum = 0;
      for (int k = 0; k < rank; k++) sum += wt[k + i * n] / sigma[k] * u[r + k * rows];
      p->pinv[i + r * n] = sum;
    }
    for (int k = rank; k < n; k++) p->null[i + (k - rank) * n] = wt[k + i * n];
  }
  multiply(n, p->pieces, rows, 1, p->pinv, p->target, 0, p->full);
}

static sg_status decompose(sg_parity *p, int rank) {
  size_t n = (size_t)p->n, rows = (size_t)p->rows;
  double *a = malloc(rows * n * sizeof *a), *sigma = malloc((n + rows) * sizeof *sigma);
  double *u = malloc(rows * rows * sizeof *u), *wt = malloc(n * n * sizeof *wt);
  sg_status status = SG_NO_MEMORY;
  if (a && sigma && u && wt) {
    memcpy(a, p->v, rows * n * sizeof *a);
    status = sg_svd(p->rows, p->n, a, p->rows, sigma, u, wt);
    if (!status) split(p, rank, sigma, u, wt);
  }
  free(a);
  free(sigma);
  free(u);
  free(wt);
  return status;
}

sg_status sg_parity_new(sg_code *code, int rows, int n, int rank, int pieces, const double *v,
                        const double *target, const sg_parity **out, sg_error *e) {
  size_t size = (size_t)n, r = (size_t)rows, m = (size_t)pieces;
  sg_parity *p = sg_code_alloc(code, 1, sizeof *p);
  if (!p) return sg_fail_memory(e);
  *p = (sg_parity){.rows = rows, .n = n, .s = n - rank, .pieces = pieces};
  p->v = sg_code_alloc(code, r * size, sizeof *p->v);
  p->target = sg_code_alloc(code, r * m, sizeof *p->target);
  p->full = sg_code_alloc(code, size * m, sizeof *p->full);
  p->pinv = sg_code_alloc(code, size * r, sizeof *p->pinv);
  p->null = sg_code_alloc(code, size * (size_t)p->s + 1, sizeof *p->null);
  if (!p->v || !p->target || !p->full || !p->pinv || !p->null) return sg_fail_memory(e);
  memcpy(p->v, v, r * size * sizeof *v);
  memcpy(p->target, target, r * m * sizeof *target);
  sg_status status = decompose(p, rank);
  if (status) return sg_fail(e, status, NULL, "the singular value decomposition of a code failed");
  *out = p;
  return SG_OK;
}

/* --- Decoding --------------------------------------------------------------------------------- */

typedef struct work {
  int q;           /* stragglers */
  int *missing;    /* them */
  double *inverse; /* s × q: (pseudo-)inverse of N[S] */
  double *system;  /* q × s */
  double *picked;  /* q × pieces */
  double *shift;   /* s × pieces */
  double *d, *delta, *residual;
} work;

static bool carve(work *w, const sg_parity *p, const sg_used *used, lapack_int **pivots) {
  size_t n = (size_t)p->n, s = (size_t)p->s, m = (size_t)p->pieces, r = (size_t)p->rows;
  double *x = sg_used_scratch(used, (2 * s * s + 2 * s * m + 2 * n * m + r * m) * sizeof *x +
                                        s * (sizeof **pivots + sizeof *w->missing));
  if (!x) return false;
  w->inverse = x, x += s * s;
  w->system = x, x += s * s;
  w->picked = x, x += s * m;
  w->shift = x, x += s * m;
  w->d = x, x += n * m;
  w->delta = x, x += n * m;
  w->residual = x, x += r * m;
  *pivots = (lapack_int *)(void *)x;
  w->missing = (int *)(*pivots + s);
  return true;
}

static void find_missing(work *w, const sg_parity *p, const sg_used *used) {
  w->q = 0;
  for (int i = 0, next = 0; i < p->n; i++) {
    if (next < used->count && used->message[next]->from == i)
      next++;
    else
      w->missing[w->q++] = i;
  }
}

/* The inverse of N[S], or with fewer than s stragglers its pseudo-inverse (s × q). */
static sg_status invert(const sg_parity *p, work *w, lapack_int *pivots, sg_decode_info *info) {
  int q = w->q, s = p->s;
  double cube = (double)q * q * q;
  for (int k = 0; k < s; k++)
    for (int i = 0; i < q; i++) w->system[i + k * q] = p->null[w->missing[i] + k * p->n];
  memset(w->inverse, 0, (size_t)s * (size_t)q * sizeof *w->inverse);
  for (int i = 0; i < q; i++) w->inverse[i + i * s] = 1;
  if (q == s) {
    info->flops = 2.0 / 3 * cube + 2 * cube;
    return sg_solve(s, s, w->system, s, w->inverse, s, pivots, &info->cond1);
  }
  int rank = 0;
  info->flops = 2.0 * q * q * (s - q / 3.0) + 4.0 * q * q * s;
  sg_status status =
      sg_least_squares(q, s, q, w->system, q, w->inverse, s, 1e-15, pivots, &rank, &info->cond1);
  return !status && rank < q ? SG_UNDECODABLE : status;
}

/* x −= N (N[S])⁻¹ x[S], and exactly 0 for stragglers. */
static void correct(const sg_parity *p, const work *w, double *x) {
  int q = w->q, n = p->n, m = p->pieces;
  for (int v = 0; v < m; v++)
    for (int i = 0; i < q; i++) w->picked[i + v * q] = x[w->missing[i] + v * n];
  multiply(p->s, m, q, 1, w->inverse, w->picked, 0, w->shift);
  multiply(n, m, p->s, -1, p->null, w->shift, 1, x);
  for (int v = 0; v < m; v++)
    for (int i = 0; i < q; i++) x[w->missing[i] + v * n] = 0;
}

static void refine(const sg_parity *p, const work *w) {
  int n = p->n, m = p->pieces, rows = p->rows;
  memcpy(w->residual, p->target, (size_t)rows * (size_t)m * sizeof *w->residual);
  multiply(rows, m, n, -1, p->v, w->d, 1, w->residual);
  multiply(n, m, rows, 1, p->pinv, w->residual, 0, w->delta);
  correct(p, w, w->delta);
  for (int i = 0; i < n * m; i++) w->d[i] += w->delta[i];
}

sg_status sg_parity_weights(const sg_parity *p, const sg_used *used, double *W,
                            sg_decode_info *info) {
  int n = p->n, m = p->pieces;
  if (used->count < n - p->s) return SG_UNDECODABLE;
  work w;
  lapack_int *pivots;
  if (!carve(&w, p, used, &pivots)) return SG_NO_MEMORY;
  find_missing(&w, p, used);
  if (w.q > p->s) return SG_UNDECODABLE;
  memcpy(w.d, p->full, (size_t)n * (size_t)m * sizeof *w.d);
  if (w.q > 0) {
    sg_status status = invert(p, &w, pivots, info);
    if (status) return status;
    correct(p, &w, w.d);
    refine(p, &w);
    info->flops += 4.0 * m * (w.q * p->s + n * p->s) + 4.0 * n * p->rows * m;
  }
  for (int i = 0; i < used->count; i++)
    for (int v = 0; v < m; v++) W[i * m + v] = w.d[used->message[i]->from + v * n];
  return SG_OK;
}
