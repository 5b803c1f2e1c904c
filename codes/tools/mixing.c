/* SPDX-License-Identifier: MIT */
/* Coefficients that mix best, by a barrier method. */
#include "codes/tools/mixing.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* τ times the objective minus the logarithms of the constraints is minimised for growing τ; with
 * `count` constraints the gap at the minimum is count/τ. */
static const double GAP = 1e-9, GROWTH = 8, DECREMENT = 1e-10;
enum { STEPS = 60, HALVINGS = 50 };

/* --- Circulant matrices ----------------------------------------------------------------------- */

typedef struct circulant {
  int n, k;
  const int *offset;
  const double *cosine, *sine; /* n: of 2π angle/n */
  double tau;

  double *at, *gradient, *step, *h; /* k weights and the bound q of |λ_l|²; KKT matrix */
  lapack_int *pivots;
} circulant;

/* Real and imaginary part of λ_l. */
static void eigenvalue(const circulant *c, const double *w, int l, double *re, double *im) {
  *re = *im = 0;
  for (int j = 0; j < c->k; j++) {
    long angle = (long)l * c->offset[j] % c->n;
    *re += w[j] * c->cosine[angle];
    *im += w[j] * c->sine[angle];
  }
}

/* 2 n numbers. */
static void fill_angles(circulant *c, double *table) {
  for (int i = 0; i < c->n; i++) {
    table[i] = cos(2 * M_PI * i / c->n);
    table[c->n + i] = sin(2 * M_PI * i / c->n);
  }
  c->cosine = table;
  c->sine = table + c->n;
}

static double lambda_of(const circulant *c, const double *w) {
  double most = 0, re, im;
  for (int l = 1; l <= c->n / 2; l++) {
    eigenvalue(c, w, l, &re, &im);
    most = fmax(most, hypot(re, im));
  }
  return most;
}

double sg_mixing_circulant_lambda(int n, int k, const int *offset, const double *w) {
  SG_OWNED double *table = malloc(2 * (size_t)n * sizeof *table);
  if (!table) return NAN;
  circulant c = {.n = n, .k = k, .offset = offset};
  fill_angles(&c, table);
  return lambda_of(&c, w);
}

/* The barrier function; INFINITY outside of the constraints. */
static double circulant_value(const circulant *c, const double *at) {
  double q = at[c->k], value = c->tau * q, re, im;
  for (int j = 0; j < c->k; j++) {
    if (!(at[j] > 0)) return INFINITY;
    value -= log(at[j]);
  }
  for (int l = 1; l <= c->n / 2; l++) {
    eigenvalue(c, at, l, &re, &im);
    double slack = q - re * re - im * im;
    if (!(slack > 0)) return INFINITY;
    value -= log(slack);
  }
  return value;
}

/* Adds what −log(q − |λ_l|²) has in gradient and Hessian (leading dimension k + 2). */
static void circulant_slack(const circulant *c, int l, double *ab) {
  int k = c->k, ld = k + 2;
  double re, im, *a = ab, *b = ab + k, *g = b + k;
  eigenvalue(c, c->at, l, &re, &im);
  for (int j = 0; j < k; j++) {
    long angle = (long)l * c->offset[j] % c->n;
    a[j] = c->cosine[angle];
    b[j] = c->sine[angle];
    g[j] = -2 * (re * a[j] + im * b[j]);
  }
  g[k] = 1;
  double slack = c->at[k] - re * re - im * im;
  for (int i = 0; i <= k; i++) {
    c->gradient[i] -= g[i] / slack;
    for (int j = 0; j <= k; j++) c->h[i + j * ld] += g[i] * g[j] / (slack * slack);
  }
  for (int i = 0; i < k; i++)
    for (int j = 0; j < k; j++) c->h[i + j * ld] += 2 * (a[i] * a[j] + b[i] * b[j]) / slack;
}

/* A Newton step into c->step; *decrement: squared. */
static sg_status circulant_newton(circulant *c, double *workspace, double *decrement) {
  int k = c->k, ld = k + 2;
  memset(c->h, 0, (size_t)ld * (size_t)ld * sizeof *c->h);
  memset(c->gradient, 0, (size_t)ld * sizeof *c->gradient);
  c->gradient[k] = c->tau;
  for (int j = 0; j < k; j++) {
    c->gradient[j] -= 1 / c->at[j];
    c->h[j + j * ld] += 1 / (c->at[j] * c->at[j]);
    c->h[j + (k + 1) * ld] = c->h[k + 1 + j * ld] = 1; /* Σ w stays as it is */
  }
  for (int l = 1; l <= c->n / 2; l++) circulant_slack(c, l, workspace);
  for (int i = 0; i <= k; i++) c->step[i] = -c->gradient[i];
  c->step[k + 1] = 0;
  /* Near the end the matrix is ill-conditioned by construction; the step is good enough. */
  if (sg_solve(ld, 1, c->h, ld, c->step, ld, c->pivots, NULL) == SG_NO_MEMORY) return SG_NO_MEMORY;
  *decrement = 0;
  for (int i = 0; i <= k; i++) *decrement -= c->gradient[i] * c->step[i];
  return SG_OK;
}

sg_status sg_mixing_circulant(int n, int k, const int *offset, double *w) {
  size_t size = (size_t)k + 2;
  SG_OWNED double *memory = calloc(7 * size + size * size, sizeof *memory);
  SG_OWNED double *table = malloc(2 * (size_t)n * sizeof *table);
  SG_OWNED lapack_int *pivots = malloc(size * sizeof *pivots);
  if (!memory || !table || !pivots) return SG_NO_MEMORY;
  circulant c = {.n = n, .k = k, .offset = offset, .at = memory, .pivots = pivots};
  fill_angles(&c, table);
  c.gradient = c.at + size;
  c.step = c.gradient + size;
  double *trial = c.step + size, *workspace = trial + size;
  c.h = workspace + 3 * size;
  memcpy(c.at, w, (size_t)k * sizeof *w);
  double least = lambda_of(&c, w), first = least;
  c.at[k] = least * least + 0.5;
  for (c.tau = 1; k > 1; c.tau *= GROWTH) {
    for (int i = 0; i < STEPS; i++) {
      double decrement;
      if (circulant_newton(&c, workspace, &decrement)) return SG_NO_MEMORY;
      double value = circulant_value(&c, c.at);
      if (!(decrement > DECREMENT)) break;
      double by = 1;
      int halvings = 0;
      for (; halvings < HALVINGS; halvings++, by /= 2) {
        for (int j = 0; j <= k; j++) trial[j] = c.at[j] + by * c.step[j];
        if (circulant_value(&c, trial) <= value - 0.1 * by * decrement) break;
      }
      if (halvings == HALVINGS) break;
      memcpy(c.at, trial, ((size_t)k + 1) * sizeof *trial);
    }
    if ((double)(n / 2 + k) / c.tau < GAP) break;
  }
  double sum = 0;
  for (int j = 0; j < k; j++) sum += c.at[j];
  for (int j = 0; j < k; j++) trial[j] = c.at[j] / sum;
  least = lambda_of(&c, trial);
  if (least <= first) memcpy(w, trial, (size_t)k * sizeof *w);
  return SG_OK;
}

/* --- Symmetric matrices ----------------------------------------------------------------------- */

typedef struct symmetric {
  int n, edges, sides; /* sides: 2 where both ends of the spectrum count, 1 if it is symmetric */
  const int *end;
  double joint; /* entries of J, and where */
  bool bipartite;
  double tau;
  double *at;         /* edges weights and the bound t of |λ| */
  double *inverse[2]; /* (t ∓ (W − J))⁻¹ */
  double *square;     /* n × n */
} symmetric;

static int end_of(const symmetric *s, int edge, int which) {
  return s->end[2 * edge + which];
}

/* t − sign · (W − J), in full. */
static void fill_side(const symmetric *s, const double *w, double t, double sign, double *out) {
  size_t n = (size_t)s->n, half = n / 2;
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < n; i++) {
      bool joint = !s->bipartite || (i < half) != (j < half);
      out[i + j * n] = (i == j ? t : 0) + (joint ? sign * s->joint : 0);
    }
  for (int e = 0; e < s->edges; e++) {
    size_t u = (size_t)end_of(s, e, 0), v = (size_t)end_of(s, e, 1);
    out[u + v * n] -= sign * w[e];
    if (u != v) out[v + u * n] -= sign * w[e];
  }
}

sg_status sg_mixing_symmetric_lambda(int n, int edges, const int *end, bool bipartite,
                                     const double *w, double *lambda) {
  symmetric s = {.n = n,
                 .edges = edges,
                 .end = end,
                 .bipartite = bipartite,
                 .joint = (bipartite ? 2.0 : 1.0) / n};
  SG_OWNED double *a = malloc(((size_t)n * (size_t)n + (size_t)n) * sizeof *a);
  if (!a) return SG_NO_MEMORY;
  double *value = a + (size_t)n * (size_t)n;
  fill_side(&s, w, 0, -1, a);
  lapack_int info = LAPACKE_dsyev(LAPACK_COL_MAJOR, 'N', 'L', n, a, n, value);
  if (info) return info == LAPACK_WORK_MEMORY_ERROR ? SG_NO_MEMORY : SG_BUG;
  *lambda = fmax(fabs(value[0]), fabs(value[n - 1]));
  return SG_OK;
}

/* The barrier function, INFINITY outside; with `keep` the inverses are left for derivatives. */
static double symmetric_value(const symmetric *s, const double *at, bool keep) {
  double value = s->tau * at[s->edges];
  for (int e = 0; e < s->edges; e++) {
    if (!(at[e] > 0)) return INFINITY;
    value -= log(at[e]);
  }
  for (int side = 0; side < s->sides; side++) {
    double *a = keep ? s->inverse[side] : s->square;
    fill_side(s, at, at[s->edges], side ? -1 : 1, a);
    if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', s->n, a, s->n)) return INFINITY;
    for (int i = 0; i < s->n; i++) value -= 2 * log(a[(size_t)i * (size_t)(s->n + 1)]);
    if (!keep) continue;
    LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', s->n, a, s->n);
    for (size_t j = 0, n = (size_t)s->n; j < n; j++)
      for (size_t i = 0; i < j; i++) a[i + j * n] = a[j + i * n];
  }
  return value;
}

/* A_e = c (E_uv + E_vu): c is 1/2 for a loop. */
static double half_of(const symmetric *s, int e) {
  return end_of(s, e, 0) == end_of(s, e, 1) ? 0.5 : 1;
}

/* Gradient and Hessian (lower triangle) of the barrier from the inverses, t last. */
static void symmetric_derivatives(const symmetric *s, double *gradient, double *h) {
  size_t n = (size_t)s->n, m = (size_t)s->edges, size = m + 1;
  memset(h, 0, size * size * sizeof *h);
  memset(gradient, 0, size * sizeof *gradient);
  for (size_t e = 0; e < m; e++) {
    gradient[e] = -1 / s->at[e];
    h[e + e * size] = 1 / (s->at[e] * s->at[e]);
  }
  gradient[m] = s->tau;
  for (int side = 0; side < s->sides; side++) {
    const double *p = s->inverse[side], *p2 = s->square;
    double sign = side ? -1 : 1;
    cblas_dsymm(CblasColMajor, CblasLeft, CblasLower, s->n, s->n, 1, p, s->n, p, s->n, 0, s->square,
                s->n);
    for (size_t i = 0; i < n; i++) {
      gradient[m] -= p[i + i * n];
      h[m + m * size] += p2[i + i * n];
    }
    for (int e = 0; e < s->edges; e++) {
      size_t u = (size_t)end_of(s, e, 0), v = (size_t)end_of(s, e, 1), at = (size_t)e;
      double twice = 2 * half_of(s, e);
      gradient[at] += sign * twice * p[u + v * n];
      h[m + at * size] -= sign * twice * p2[u + v * n];
      for (int f = e; f < s->edges; f++) {
        size_t k = (size_t)end_of(s, f, 0), l = (size_t)end_of(s, f, 1);
        h[(size_t)f + at * size] +=
            twice * half_of(s, f) * (p[u + k * n] * p[v + l * n] + p[u + l * n] * p[v + k * n]);
      }
    }
  }
}

typedef struct newton {
  double *gradient, *h, *c, *step, *right; /* c: (edges + 1) × n, Cᵀ of the row sums */
  lapack_int *pivots;
} newton;

/* The step that keeps the rows' sums: H = L Lᵀ, Y = L⁻¹ Cᵀ, and of L⁻¹ g what is orthogonal to Y.
 * Sums may depend on each other (bipartite graphs), which least squares does not mind. */
static sg_status symmetric_newton(const symmetric *s, newton *q, double *decrement) {
  int size = s->edges + 1, n = s->n, most = size > n ? size : n;
  symmetric_derivatives(s, q->gradient, q->h);
  if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', size, q->h, size)) return SG_UNDECODABLE;
  memset(q->c, 0, (size_t)size * (size_t)n * sizeof *q->c);
  for (int e = 0; e < s->edges; e++)
    for (int which = 0; which < 2; which++)
      q->c[(size_t)e + (size_t)end_of(s, e, which) * (size_t)size] = 1;
  memcpy(q->step, q->gradient, (size_t)size * sizeof *q->step);
  cblas_dtrsv(CblasColMajor, CblasLower, CblasNoTrans, CblasNonUnit, size, q->h, size, q->step, 1);
  cblas_dtrsm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, size, n, 1, q->h,
              size, q->c, size);
  double *y = q->c + (size_t)size * (size_t)n; /* overwritten by the solver */
  memcpy(y, q->c, (size_t)size * (size_t)n * sizeof *y);
  memset(q->right, 0, (size_t)most * sizeof *q->right);
  memcpy(q->right, q->step, (size_t)size * sizeof *q->right);
  sg_status status =
      sg_least_squares(size, n, 1, y, size, q->right, most, 1e-10, q->pivots, NULL, NULL);
  if (status) return status;
  cblas_dgemv(CblasColMajor, CblasNoTrans, size, n, 1, q->c, size, q->right, 1, -1, q->step, 1);
  *decrement = cblas_ddot(size, q->step, 1, q->step, 1);
  cblas_dtrsv(CblasColMajor, CblasLower, CblasTrans, CblasNonUnit, size, q->h, size, q->step, 1);
  return SG_OK;
}

/* At one τ. SG_UNDECODABLE: no step is good any more. SG_NO_MEMORY. */
static sg_status symmetric_centre(symmetric *s, newton *q, double *trial) {
  size_t size = (size_t)s->edges + 1;
  for (int i = 0; i < STEPS; i++) {
    double value = symmetric_value(s, s->at, true), decrement, by = 1;
    sg_status status = symmetric_newton(s, q, &decrement);
    if (status) return status;
    if (!(decrement > DECREMENT)) return SG_OK;
    int halvings = 0;
    for (; halvings < HALVINGS; halvings++, by /= 2) {
      for (size_t j = 0; j < size; j++) trial[j] = s->at[j] + by * q->step[j];
      if (symmetric_value(s, trial, false) <= value - 0.1 * by * decrement) break;
    }
    if (halvings == HALVINGS) return SG_OK; /* to rounding */
    memcpy(s->at, trial, size * sizeof *trial);
  }
  return SG_OK;
}

/* Takes rounding errors out of the rows' sums, by the change of w that is least in proportion to w.
 * c: room for n × edges numbers. */
static sg_status mend_sums(const symmetric *s, double *w, newton *q) {
  size_t n = (size_t)s->n;
  int most = s->edges > s->n ? s->edges : s->n;
  memset(q->c, 0, n * (size_t)s->edges * sizeof *q->c);
  for (int i = 0; i < most; i++) q->right[i] = i < s->n;
  for (int e = 0; e < s->edges; e++)
    for (int which = 0; which < 2; which++) {
      int v = end_of(s, e, which);
      if (which == 0 || v != end_of(s, e, 0)) q->right[v] -= w[e];
      q->c[(size_t)v + (size_t)e * n] = w[e];
    }
  sg_status status =
      sg_least_squares(s->n, s->edges, 1, q->c, s->n, q->right, most, 1e-10, q->pivots, NULL, NULL);
  for (int e = 0; !status && e < s->edges; e++) w[e] *= 1 + q->right[e];
  return status;
}

sg_status sg_mixing_symmetric(int n, int edges, const int *end, bool bipartite, double *w) {
  size_t side = (size_t)n * (size_t)n, size = (size_t)edges + 1;
  size_t most = size > (size_t)n ? size : (size_t)n;
  SG_OWNED double *memory =
      malloc((3 * side + 4 * size + size * size + 2 * size * (size_t)n + most) * sizeof *memory);
  SG_OWNED lapack_int *pivots = malloc(most * sizeof *pivots);
  if (!memory || !pivots) return SG_NO_MEMORY;
  symmetric s = {.n = n,
                 .edges = edges,
                 .sides = bipartite ? 1 : 2,
                 .end = end,
                 .bipartite = bipartite,
                 .joint = (bipartite ? 2.0 : 1.0) / n,
                 .inverse = {memory, memory + side},
                 .square = memory + 2 * side,
                 .at = memory + 3 * side};
  double *trial = s.at + size, first, last;
  newton q = {.gradient = trial + size, .step = trial + 2 * size, .pivots = pivots};
  q.h = q.step + size;
  q.c = q.h + size * size;
  q.right = q.c + 2 * size * (size_t)n;
  sg_status status = sg_mixing_symmetric_lambda(n, edges, end, bipartite, w, &first);
  if (status) return status;
  memcpy(s.at, w, (size_t)edges * sizeof *w);
  s.at[edges] = first + 0.5;
  for (s.tau = 1; !(status = symmetric_centre(&s, &q, trial)); s.tau *= GROWTH)
    if ((s.sides * n + edges) / s.tau < GAP) break;
  if (status == SG_NO_MEMORY) return status;
  status = mend_sums(&s, s.at, &q);
  if (!status) status = sg_mixing_symmetric_lambda(n, edges, end, bipartite, s.at, &last);
  if (!status && last < first) memcpy(w, s.at, (size_t)edges * sizeof *w);
  return status;
}
