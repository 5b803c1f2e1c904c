/* SPDX-License-Identifier: MIT */
/* Decode weights from a null space: making the tables, and the small system of a decode. */
#include "codes/tools/parity.h"
#include "codes/tools/band.h"
#include "sim/core/linalg.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sg_parity {
  int rows, n, s, pieces;
  double *null;  /* n × s */
  double *full;  /* n × pieces: the weights when everyone answers */
  double *space; /* (n − s) × n: orthonormal rows, for the direct form; else NULL */
  double *aim;   /* (n − s) × pieces: space · full */
  /* For refinement; pinv and band are NULL if there is none. */
  double *target;      /* rows × pieces */
  double *pinv;        /* n × rows: V · pinv · x = x for every x in the range of V */
  const sg_band *band; /* in its place */
  int *start, *row;
  double *value; /* V by columns, without its zeros */
};

/* --- Making ----------------------------------------------------------------------------------- */

static sg_parity *blank(sg_code *code, int rows, int n, int s, int pieces) {
  size_t size = (size_t)n, m = (size_t)pieces, r = (size_t)(n - s);
  sg_parity *p = sg_code_alloc(code, 1, sizeof *p);
  if (!p) return NULL;
  *p = (sg_parity){.rows = rows, .n = n, .s = s, .pieces = pieces};
  p->null = sg_code_alloc(code, size * (size_t)s + 1, sizeof *p->null);
  p->full = sg_code_alloc(code, size * m, sizeof *p->full);
  bool ok = p->null && p->full;
  if (s > n - s) {
    p->space = sg_code_alloc(code, r * size + 1, sizeof *p->space);
    p->aim = sg_code_alloc(code, r * m + 1, sizeof *p->aim);
    ok = ok && p->space && p->aim;
  }
  return ok ? p : NULL;
}

static sg_status finish(sg_parity *p, sg_status status, const sg_parity **out) {
  int r = p->n - p->s;
  if (status) return status;
  if (p->space && r > 0)
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, r, p->pieces, p->n, 1, p->space, r,
                p->full, p->n, 0, p->aim, r);
  *out = p;
  return SG_OK;
}

/* Q, n × wide, with R and the pivots behind it. */
static size_t bytes_for_qr(int n, int wide) {
  return (size_t)n * (size_t)(wide + n) * sizeof(double) + (size_t)wide * sizeof(lapack_int);
}

/* From Vᵀ Π = Q R: N and C are columns of Q, and pinv = C' R₁₁⁻ᵀ at the pivoted rows of V, the
 * others having nothing new to say. */
static sg_status decompose(sg_parity *p, const double *v) {
  int n = p->n, rows = p->rows, rank = n - p->s, wide = rows > n ? rows : n;
  size_t size = (size_t)n;
  double *q = malloc(bytes_for_qr(n, wide)), *r = q + size * (size_t)wide;
  lapack_int *pivots = (lapack_int *)(void *)(r + size * size);
  if (!q) return SG_NO_MEMORY;
  for (int i = 0; i < n; i++)
    for (int c = 0; c < rows; c++) q[i + c * n] = v[c + i * rows];
  sg_status status = sg_pivoted_qr(n, rows, rank, q, n, r, rank > 0 ? rank : 1, pivots);
  for (int i = 0; !status && i < n; i++) {
    for (int k = rank; k < n; k++) p->null[i + (k - rank) * n] = q[i + k * n];
    for (int k = 0; p->space && k < rank; k++) p->space[k + i * rank] = q[i + k * n];
  }
  if (!status && rank > 0) {
    cblas_dtrsm(CblasColMajor, CblasRight, CblasUpper, CblasTrans, CblasNonUnit, n, rank, 1, r,
                rank, q, n);
    for (int k = 0; k < rank; k++)
      memcpy(p->pinv + (size_t)(pivots[k] - 1) * size, q + (size_t)k * size, size * sizeof *q);
  }
  free(q);
  return status;
}

static void keep_columns(sg_parity *p, const double *v) {
  int at = 0;
  for (int i = 0; i < p->n; i++) {
    for (int r = 0; r < p->rows; r++) {
      if (v[r + i * p->rows] == 0) continue;
      p->row[at] = r;
      p->value[at++] = v[r + i * p->rows];
    }
    p->start[i + 1] = at;
  }
}

sg_status sg_parity_new(sg_code *code, int rows, int n, int rank, int pieces, const double *v,
                        const double *target, const sg_parity **out) {
  size_t size = (size_t)n, r = (size_t)rows, m = (size_t)pieces, filled = 0;
  for (size_t i = 0; i < r * size; i++) filled += v[i] != 0;
  sg_parity *p = blank(code, rows, n, n - rank, pieces);
  if (!p) return SG_NO_MEMORY;
  p->target = sg_code_alloc(code, r * m, sizeof *p->target);
  p->pinv = sg_code_alloc(code, size * r, sizeof *p->pinv);
  p->start = sg_code_alloc(code, size + 1, sizeof *p->start);
  p->row = sg_code_alloc(code, filled + 1, sizeof *p->row);
  p->value = sg_code_alloc(code, filled + 1, sizeof *p->value);
  if (!p->target || !p->pinv || !p->start || !p->row || !p->value) return SG_NO_MEMORY;
  memcpy(p->target, target, r * m * sizeof *target);
  keep_columns(p, v);
  sg_status status = decompose(p, v);
  if (!status)
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, pieces, rows, 1, p->pinv, n, target,
                rows, 0, p->full, n);
  return finish(p, status, out);
}

/* C as the orthonormal complement of N. */
static sg_status complement(sg_parity *p) {
  int n = p->n, s = p->s, r = n - s;
  size_t size = (size_t)n;
  double *q = malloc(bytes_for_qr(n, n)), *unused = q + size * size;
  lapack_int *pivots = (lapack_int *)(void *)(unused + size * size);
  if (!q) return SG_NO_MEMORY;
  memcpy(q, p->null, size * (size_t)s * sizeof *q);
  sg_status status = sg_pivoted_qr(n, s, s, q, n, unused, s > 0 ? s : 1, pivots);
  for (int i = 0; !status && i < n; i++)
    for (int k = 0; k < r; k++) p->space[k + i * r] = q[i + (s + k) * n];
  free(q);
  return status;
}

sg_status sg_parity_known(sg_code *code, int n, int s, int pieces, const double *null,
                          const double *full, const sg_parity **out) {
  sg_parity *p = blank(code, 0, n, s, pieces);
  if (!p) return SG_NO_MEMORY;
  memcpy(p->null, null, (size_t)n * (size_t)s * sizeof *null);
  memcpy(p->full, full, (size_t)n * (size_t)pieces * sizeof *full);
  return finish(p, p->space ? complement(p) : SG_OK, out);
}

/* N = M R⁻¹ with R from a QR decomposition of M. Rows of M differ a lot in length (a window of P
 * may be close to singular), and so each keeps its own relative accuracy, which Q would not have.
 */
static sg_status make_orthonormal(int n, int s, const double *m, double *null) {
  size_t size = (size_t)n * (size_t)s;
  if (s == 0) return SG_OK;
  double *qr = malloc(size * sizeof *qr), least = INFINITY, most = 0;
  if (!qr) return SG_NO_MEMORY;
  memcpy(qr, m, size * sizeof *qr);
  memcpy(null, m, size * sizeof *null);
  sg_status status = sg_triangle(n, s, qr, n);
  for (int k = 0; !status && k < s; k++) {
    double x = fabs(qr[(size_t)k * (size_t)(n + 1)]);
    least = fmin(least, x);
    most = fmax(most, x);
  }
  if (!status && !(least > n * DBL_EPSILON * most)) status = SG_UNDECODABLE;
  if (!status)
    cblas_dtrsm(CblasColMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, n, s, 1, qr, n,
                null, n);
  free(qr);
  return status;
}

/* Where the rows that the band solves with begin: of some places, the one before which the s rows
 * of N that are left out have the smallest inverse, as it is what the solution is larger by than
 * that of minimum norm. */
static sg_status best_cut(const sg_parity *p, int *first) {
  enum { PLACES = 256 };
  int n = p->n, s = p->s, places = n < PLACES ? n : PLACES;
  size_t size = (size_t)s;
  double least = INFINITY;
  double *a = malloc((2 * size + 1) * size * sizeof *a + 1), *inverse = a + size * size;
  lapack_int *pivots = (lapack_int *)(void *)(inverse + size * size);
  *first = 0;
  if (!a) return SG_NO_MEMORY;
  for (int at = 0; s > 0 && at < places; at++) {
    int cut = (int)((long)at * n / places);
    double cond = 0, norm = 0, sum = 0;
    for (int i = 0; i < s; i++)
      for (int k = 0; k < s; k++)
        sum +=
            fabs(a[i + k * s] = p->null[(size_t)((cut - s + i + n) % n) + (size_t)k * (size_t)n]);
    if (!(sum > 0) || sg_invert(s, a, s, inverse, s, pivots, &cond)) continue;
    for (size_t i = 0; i < size * size; i++) norm = fmax(norm, fabs(inverse[i]));
    if (norm < least) {
      least = norm;
      *first = cut;
    }
  }
  free(a);
  return SG_OK;
}

/* full += the part of x that is orthogonal to N, with V x = the residual of `full`. */
static void correct_full(sg_parity *p, double *residual, double *x) {
  int n = p->n;
  for (int i = 0; i < n; i++) residual[i] = 1;
  for (int i = 0; i < n; i++)
    for (int at = p->start[i]; at < p->start[i + 1]; at++)
      residual[p->row[at]] -= p->full[i] * p->value[at];
  sg_band_solve(p->band, residual, x);
  for (int k = 0; k < p->s; k++) {
    const double *null = p->null + (size_t)k * (size_t)n;
    cblas_daxpy(n, -cblas_ddot(n, null, 1, x, 1), null, 1, x, 1);
  }
  for (int i = 0; i < n; i++) p->full[i] += x[i];
}

sg_status sg_parity_banded(sg_code *code, int n, int s, const double *coef, const double *null,
                           const sg_parity **out) {
  size_t size = (size_t)n, wide = (size_t)s + 1;
  int first;
  sg_parity *p = blank(code, n, n, s, 1);
  if (!p) return SG_NO_MEMORY;
  p->target = sg_code_alloc(code, size, sizeof *p->target);
  p->start = sg_code_alloc(code, size + 1, sizeof *p->start);
  p->row = sg_code_alloc(code, size * wide, sizeof *p->row);
  p->value = sg_code_alloc(code, size * wide, sizeof *p->value);
  double *scratch = malloc(2 * size * sizeof *scratch);
  sg_status status = SG_NO_MEMORY;
  if (p->target && p->start && p->row && p->value && scratch)
    status = make_orthonormal(n, s, null, p->null);
  if (!status) status = best_cut(p, &first);
  if (!status) status = sg_band_new(code, n, s, coef, first, &p->band);
  for (int i = 0; !status && i < n; i++) {
    p->target[i] = 1;
    p->start[i + 1] = p->start[i] + s + 1;
    for (int k = 0; k <= s; k++) p->row[p->start[i] + k] = (i + k) % n;
  }
  if (!status) memcpy(p->value, coef, size * wide * sizeof *coef);
  for (int step = 0; !status && step < 2; step++) correct_full(p, scratch, scratch + n);
  free(scratch);
  return finish(p, status, out);
}

/* --- Decoding --------------------------------------------------------------------------------- */

typedef struct work {
  bool direct;
  int q, f;            /* stragglers; answers */
  int *missing, *have; /* their columns, rising */
  int *message;        /* per column: the place of its message in `used`, −1 */
  int in, out; /* the matrix that is inverted is in × out, its (pseudo-)inverse out × in */
  double *system, *inverse;
  double *picked, *shift; /* in and out numbers */
  double *d, *delta, *residual;
  lapack_int *pivots;
} work;

static bool carve(work *w, const sg_parity *p, const sg_used *used) {
  int r = p->n - p->s;
  size_t n = (size_t)p->n, m = (size_t)p->pieces, rows = (size_t)p->rows;
  /* in ≤ min(s, r), out ≤ max(in, …): s, or the number of answers. */
  size_t in = (size_t)(p->space ? r : p->s), out = p->space ? n : in;
  double *x = sg_used_scratch(used, (2 * in * out + in + out + 2 * n * m + rows * m) * sizeof *x +
                                        out * sizeof *w->pivots + 3 * n * sizeof *w->missing);
  if (!x) return false;
  w->system = x, x += in * out;
  w->inverse = x, x += in * out;
  w->picked = x, x += in;
  w->shift = x, x += out;
  w->d = x, x += n * m;
  w->delta = x, x += n * m;
  w->residual = x, x += rows * m;
  w->pivots = (lapack_int *)(void *)x;
  w->missing = (int *)(w->pivots + out);
  w->have = w->missing + n;
  w->message = w->have + n;
  return true;
}

static void find_missing(work *w, const sg_parity *p, const sg_used *used, int tag,
                         const int *column) {
  w->q = w->f = 0;
  for (int c = 0; c < p->n; c++) w->message[c] = -1;
  for (int k = 0; k < used->count; k++) {
    int from = used->message[k]->from, c = column ? column[from] : from;
    if (used->message[k]->tag == tag && c >= 0) w->message[c] = k;
  }
  for (int c = 0; c < p->n; c++)
    if (w->message[c] < 0)
      w->missing[w->q++] = c;
    else
      w->have[w->f++] = c;
}

/* N[S] or C[:, F], and its inverse, or with more columns than rows its pseudo-inverse. */
static sg_status invert(const sg_parity *p, work *w, sg_decode_info *info) {
  int n = p->n, r = n - p->s;
  w->in = w->direct ? r : w->q;
  w->out = w->direct ? w->f : p->s;
  if (w->direct)
    for (int i = 0; i < w->f; i++)
      memcpy(w->system + i * r, p->space + w->have[i] * r, (size_t)r * sizeof *w->system);
  else
    for (int k = 0; k < p->s; k++)
      for (int i = 0; i < w->q; i++) w->system[i + k * w->q] = p->null[w->missing[i] + k * n];
  double in = w->in, out = w->out;
  if (w->in == w->out) {
    info->flops = 8.0 / 3 * in * in * in;
    return sg_invert(w->in, w->system, w->in, w->inverse, w->out, w->pivots, &info->cond1);
  }
  int rank = 0;
  memset(w->inverse, 0, (size_t)w->in * (size_t)w->out * sizeof *w->inverse);
  for (int i = 0; i < w->in; i++) w->inverse[i + i * w->out] = 1;
  info->flops = 2 * in * in * (out - in / 3) + 4 * in * in * out;
  sg_status status = sg_least_squares(w->in, w->out, w->in, w->system, w->in, w->inverse, w->out,
                                      1e-15, w->pivots, &rank, &info->cond1);
  return !status && rank < w->in ? SG_UNDECODABLE : status;
}

/* y = A x, or y = y − A x; A: rows × columns. Short columns are not worth a call of BLAS. */
static void apply(int rows, int columns, const double *a, const double *x, double sign, double *y) {
  for (int c = 0; c < columns; c++)
    for (int r = 0; r < rows; r++) y[r] += sign * x[c] * a[r + c * rows];
}

/* x becomes the combination of the answers alone with the same V x. */
static void project(const sg_parity *p, const work *w, double *x) {
  int n = p->n, r = n - p->s;
  memset(w->shift, 0, (size_t)w->out * sizeof *w->shift);
  if (w->direct) {
    memset(w->picked, 0, (size_t)r * sizeof *w->picked);
    apply(r, n, p->space, x, 1, w->picked);
    apply(w->out, r, w->inverse, w->picked, 1, w->shift);
    memset(x, 0, (size_t)n * sizeof *x);
    for (int i = 0; i < w->f; i++) x[w->have[i]] = w->shift[i];
    return;
  }
  for (int i = 0; i < w->q; i++) w->picked[i] = x[w->missing[i]];
  apply(w->out, w->in, w->inverse, w->picked, 1, w->shift);
  apply(n, p->s, p->null, w->shift, -1, x);
  for (int i = 0; i < w->q; i++) x[w->missing[i]] = 0;
}

/* d += the weights of the residual E − V d. More steps, or a residual in extended precision, bring
 * nothing: what is left is the rounding of d itself. */
static void refine(const sg_parity *p, const work *w) {
  int n = p->n, m = p->pieces, rows = p->rows;
  memcpy(w->residual, p->target, (size_t)rows * (size_t)m * sizeof *w->residual);
  for (int v = 0; v < m; v++) {
    double *residual = w->residual + v * rows;
    for (int k = 0; k < w->f; k++) {
      int i = w->have[k];
      double d = w->d[i + v * n];
      for (int at = p->start[i]; at < p->start[i + 1]; at++)
        residual[p->row[at]] -= d * p->value[at];
    }
  }
  if (p->band)
    sg_band_solve(p->band, w->residual, w->delta);
  else if (m == 1)
    cblas_dgemv(CblasColMajor, CblasNoTrans, n, rows, 1, p->pinv, n, w->residual, 1, 0, w->delta,
                1);
  else
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, n, m, rows, 1, p->pinv, n, w->residual,
                rows, 0, w->delta, n);
  for (int v = 0; v < m; v++) project(p, w, w->delta + v * n);
  for (int i = 0; i < n * m; i++) w->d[i] += w->delta[i];
}

/* One projection; with refinement another one, a residual and a product. */
static double flops_of_projections(const sg_parity *p, const work *w) {
  double n = p->n, r = p->n - p->s, inner = 2.0 * w->in * w->out, filled = 0;
  double one = w->direct ? 2 * r * n + inner : 2 * n * p->s + inner;
  if (!p->pinv && !p->band) return p->pieces * one;
  for (int k = 0; k < w->f; k++) filled += p->start[w->have[k] + 1] - p->start[w->have[k]];
  double solve = p->band ? sg_band_flops(p->band) : 2 * n * p->rows;
  return p->pieces * (2 * one + 2 * filled + solve + n);
}

sg_status sg_parity_weights(const sg_parity *p, const sg_used *used, int tag, const int *column) {
  sg_decode_info *info = used->info;
  int n = p->n, m = p->pieces;
  work w;
  if (!carve(&w, p, used)) return SG_NO_MEMORY;
  find_missing(&w, p, used, tag, column);
  if (w.q > p->s) return SG_UNDECODABLE;
  memcpy(w.d, p->full, (size_t)n * (size_t)m * sizeof *w.d);
  if (w.q > 0) {
    double q = w.q, r = n - p->s, least = p->s == w.q ? 8.0 / 3 * q * q * q : 6 * q * q * p->s;
    w.direct = p->space && least > (w.f == n - p->s ? 8.0 / 3 * r * r * r : 6 * r * r * w.f);
    sg_status status = invert(p, &w, info);
    if (status) return status;
    for (int v = 0; v < m; v++) project(p, &w, w.d + v * n);
    if (p->pinv || p->band) refine(p, &w);
    info->flops += flops_of_projections(p, &w);
  }
  for (int k = 0; k < w.f; k++)
    for (int v = 0; v < m; v++) used->W[w.message[w.have[k]] * m + v] = w.d[w.have[k] + v * n];
  return SG_OK;
}
