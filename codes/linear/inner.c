/* SPDX-License-Identifier: MIT */
/* Inner codes: minimum distance by search, rank of survivors, tables of inverses, decoding. */
#include "codes/linear/inner.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"

#include <math.h>

/* Columns of matrices with orthonormal rows count as dependent when elimination leaves less than
 * this of them. */
static const double DEPENDENT = 1e-9;
/* Relative rank tolerance of least squares. A code that has no singular survivor sets is decoded
 * however bad its condition, which is reported. */
static const double RANK_TOLERANCE = 1e-11, NO_TOLERANCE = 1e-300;
/* Effort of making: multiplications in the search for the distance; survivor sets and numbers (1
 * MB) that are tabulated. */
static const double SEARCH_FLOPS = 2e7, MOST_TABULATED = 1 << 17;
enum { TABULATED_LENGTH = 12, TABULATED_SQUARES = 4096, TABULATED_SETS = 512 };
enum { SINGULAR = -1, NOT_TABULATED = -2 }; /* in sg_inner.index */

/* --- Rank ------------------------------------------------------------------------------------- */

/* v −= its part in the span of `rank` orthonormal columns; twice, so that rounding does not show.
 * Returns what is left of its norm. */
static double orthogonalize(int n, int rank, const double *basis, double *v) {
  for (int pass = 0; pass < 2; pass++)
    for (int k = 0; k < rank; k++) {
      const double *b = basis + (size_t)k * (size_t)n;
      double dot = 0;
      for (int i = 0; i < n; i++) dot += b[i] * v[i];
      for (int i = 0; i < n; i++) v[i] -= dot * b[i];
    }
  double sum = 0;
  for (int i = 0; i < n; i++) sum += v[i] * v[i];
  return sqrt(sum);
}

/* Appends v to an orthonormal basis if it is independent of it; room for one more column. */
static bool extend(int n, const double *v, double *basis, int *rank) {
  if (*rank == n) return false;
  double *next = basis + (size_t)*rank * (size_t)n;
  memcpy(next, v, (size_t)n * sizeof *v);
  double norm = orthogonalize(n, *rank, basis, next);
  if (!(norm > DEPENDENT)) return false;
  for (int i = 0; i < n; i++) next[i] /= norm;
  ++*rank;
  return true;
}

bool sg_inner_raise(const sg_inner *c, int position, double *basis, int *rank) {
  if (c->mds) return *rank < c->m && ++*rank;
  return extend(c->m, c->row_space + position * c->m, basis, rank);
}

/* --- Minimum distance ------------------------------------------------------------------------- */

/* Erasures S can be mended when the columns H_S of a parity-check matrix are independent, so D is
 * the least number of dependent columns. */
typedef struct search {
  int n, rows; /* N, N − m */
  const double *h;
  double *basis; /* rows × rows: of the set at hand */
} search;

/* Whether some set of `more` columns from `first` on is dependent of the `rank` ones at hand. */
static bool find_dependent(search *s, int first, int rank, int more) {
  for (int c = first; c + more <= s->n; c++) {
    int after = rank;
    if (!extend(s->rows, s->h + (size_t)c * (size_t)s->rows, s->basis, &after)) return true;
    if (more > 1 && find_dependent(s, c + 1, after, more - 1)) return true;
  }
  return false;
}

static double choose(int n, int k) {
  double c = 1;
  for (int i = 1; i <= k; i++) c = c * (n - k + i) / i;
  return c;
}

/* Multiplications to look at all sets of one column, then of two, … then of t, as far as they are
 * not too many. */
static double effort(int n, int rows, int t) {
  double sum = 0, sets = 1;
  for (int k = 1; k <= t && sum <= SEARCH_FLOPS; k++) {
    sets = sets * (n - k + 1) / k;
    sum += sets * 4 * rows * k * (t - k + 1);
  }
  return sum;
}

/* The least t for which t erasures cannot always be mended, among those that can be looked at. */
static void find_distance(sg_inner *c, const double *h, double *basis) {
  int n = c->length, rows = n - c->m, t = 1;
  search s = {.n = n, .rows = rows, .h = h, .basis = basis};
  while (t <= rows && effort(n, rows, t) <= SEARCH_FLOPS && !find_dependent(&s, 0, 0, t)) t++;
  bool all = t > rows || effort(n, rows, t) <= SEARCH_FLOPS;
  c->distance = t;
  c->how = all ? "found by exhaustive search" : "lower bound, by exhaustive search of smaller sets";
  c->mds = all && t > rows;
}

/* Row space and null space of G, orthonormal. */
static sg_status split(const sg_inner *c, double *row_space, double *h) {
  int n = c->length, m = c->m;
  size_t size = (size_t)n * (size_t)n;
  SG_OWNED double *a = malloc((size_t)m * (size_t)n * sizeof *a), *vt = malloc(size * sizeof *vt);
  SG_OWNED double *u = malloc((size_t)m * (size_t)m * sizeof *u);
  SG_OWNED double *sigma = malloc((size_t)m * sizeof *sigma);
  if (!a || !vt || !u || !sigma) return SG_NO_MEMORY;
  memcpy(a, c->g, (size_t)m * (size_t)n * sizeof *a);
  sg_status status = sg_svd(m, n, a, m, sigma, u, vt);
  for (int j = 0; !status && j < n; j++) {
    memcpy(row_space + j * m, vt + j * n, (size_t)m * sizeof *vt);
    memcpy(h + j * (n - m), vt + j * n + m, (size_t)(n - m) * sizeof *vt);
  }
  return status;
}

static sg_status measure(sg_code *code, sg_inner *c, sg_error *e) {
  int n = c->length, m = c->m, rows = n - m;
  bool known = c->type->mds;
  if (known && effort(n, rows, rows) > SEARCH_FLOPS) {
    c->mds = true;
    c->distance = rows + 1;
    c->how = c->type->mds;
    return SG_OK;
  }
  double *row_space = sg_code_alloc(code, (size_t)m * (size_t)n, sizeof *row_space);
  SG_OWNED double *h =
      malloc(((size_t)rows * (size_t)n + (size_t)rows * (size_t)rows + 1) * sizeof *h);
  sg_status status = row_space && h ? split(c, row_space, h) : SG_NO_MEMORY;
  if (status) return status == SG_NO_MEMORY ? sg_fail_memory(e) : status;
  find_distance(c, h, h + rows * n);
  c->row_space = row_space;
  return SG_OK;
}

/* --- Weights ---------------------------------------------------------------------------------- */

typedef struct workspace {
  double *system, *x, *basis, *sums;
  int *picked;
  lapack_int *pivots;
} workspace;

static size_t doubles(const sg_inner *c, int count) {
  size_t m = (size_t)c->m, k = (size_t)(count > c->m ? count : c->m);
  return 2 * m * k + m * m + (c->type->add_up ? (size_t)c->length * k : 0);
}

size_t sg_inner_scratch(const sg_inner *c, int count) {
  size_t k = (size_t)(count > c->m ? count : c->m);
  return doubles(c, count) * sizeof(double) + k * (2 * sizeof(int) + sizeof(lapack_int));
}

static workspace carve(const sg_inner *c, int count, void *scratch) {
  size_t m = (size_t)c->m, k = (size_t)(count > c->m ? count : c->m);
  workspace ws = {.system = scratch};
  ws.x = ws.system + m * k;
  ws.basis = ws.x + m * k;
  ws.sums = ws.basis + m * m;
  ws.pivots = (lapack_int *)(void *)(ws.system + doubles(c, count));
  ws.picked = (int *)(ws.pivots + k);
  return ws;
}

/* w (m × m, row by row) = G_F⁻¹ for m survivors. */
static sg_status invert(const sg_inner *c, const int *position, const workspace *ws, double *w,
                        double *cond1) {
  int m = c->m;
  /* The transposed system, so that the column-major solution is w row by row: G_Fᵀ wᵀ = I. */
  for (int i = 0; i < m; i++)
    for (int u = 0; u < m; u++) ws->system[i + u * m] = sg_inner_column(c, position[i])[u];
  memset(w, 0, (size_t)m * (size_t)m * sizeof *w);
  for (int u = 0; u < m; u++) w[u + u * m] = 1;
  sg_status status = sg_solve(m, m, ws->system, m, w, m, ws->pivots, cond1);
  if (c->mds) return status == SG_UNDECODABLE && isfinite(*cond1) ? SG_OK : status;
  return !status && *cond1 > 1 / RANK_TOLERANCE ? SG_UNDECODABLE : status;
}

/* The minimum-norm solution of G_F w = I, for more than m survivors. */
static sg_status least_squares(const sg_inner *c, int count, const int *position,
                               const workspace *ws, double *w, double *cond1) {
  int m = c->m, rank;
  for (int i = 0; i < count; i++)
    memcpy(ws->system + i * m, sg_inner_column(c, position[i]), (size_t)m * sizeof *w);
  memset(ws->x, 0, (size_t)count * (size_t)m * sizeof *w);
  for (int v = 0; v < m; v++) ws->x[v + v * count] = 1;
  sg_status status =
      sg_least_squares(m, count, m, ws->system, m, ws->x, count,
                       c->mds ? NO_TOLERANCE : RANK_TOLERANCE, ws->pivots, &rank, cond1);
  if (status || rank < m) return status ? status : SG_UNDECODABLE;
  for (int i = 0; i < count; i++)
    for (int v = 0; v < m; v++) w[i * m + v] = ws->x[i + v * count];
  return SG_OK;
}

static unsigned bits(int count, const int *position) {
  unsigned set = 0;
  for (int i = 0; i < count; i++) set |= 1u << position[i];
  return set;
}

/* The pseudo-inverse for exactly these survivors, from the table or solved for. flops: what a
 * solve costs. */
static sg_status invert_all(const sg_inner *c, int count, const int *position, const workspace *ws,
                            double *w, double *cond1, double *flops) {
  int m = c->m, at = c->index ? c->index[bits(count, position)] : NOT_TABULATED;
  *flops = count == m ? (2.0 / 3 + 2) * m * m * m
                      : 2.0 * m * m * (count - m / 3.0) + 4.0 * m * m * count;
  if (at == SINGULAR) return SG_UNDECODABLE;
  if (at != NOT_TABULATED) {
    memcpy(w, c->inverse + (size_t)at * (size_t)m, (size_t)count * (size_t)m * sizeof *w);
    *cond1 = c->cond1[at];
    return SG_OK;
  }
  return count == m ? invert(c, position, ws, w, cond1)
                    : least_squares(c, count, position, ws, w, cond1);
}

/* From the first m positions that have rank m alone. */
static sg_status invert_first(const sg_inner *c, int count, const int *position,
                              const workspace *ws, double *w, double *cond1, double *flops) {
  int m = c->m, picked = 0, rank = 0;
  int *at = ws->picked, *chosen = ws->picked + count;
  for (int i = 0; i < count && picked < m; i++)
    if (sg_inner_raise(c, position[i], ws->basis, &rank)) at[picked++] = i;
  if (picked < m) return SG_UNDECODABLE;
  for (int i = 0; i < m; i++) chosen[i] = position[at[i]];
  sg_status status = invert_all(c, m, chosen, ws, ws->x, cond1, flops);
  if (status) return status;
  memset(w, 0, (size_t)count * (size_t)m * sizeof *w);
  for (int i = 0; i < m; i++) memcpy(w + at[i] * m, ws->x + i * m, (size_t)m * sizeof *w);
  return SG_OK;
}

sg_status sg_inner_weights(const sg_inner *c, int count, const int *position, double *w,
                           void *scratch, double *cond1, double *flops) {
  int m = c->m;
  if (count < m) return SG_UNDECODABLE;
  *cond1 = 1;
  *flops = 0;
  workspace ws = carve(c, count, scratch);
  if (c->type->add_up) {
    memset(w, 0, (size_t)count * (size_t)m * sizeof *w);
    if (c->type->add_up(c, count, position, w, ws.sums, flops)) return SG_OK;
  }
  /* Should the first m be singular to working precision, the others may help. */
  if (count > m && !c->least_squares && !invert_first(c, count, position, &ws, w, cond1, flops))
    return SG_OK;
  return invert_all(c, count, position, &ws, w, cond1, flops);
}

sg_status sg_inner_nearest(const sg_inner *c, int count, const int *position, double *w,
                           void *scratch, double *cond1, double *flops) {
  int m = c->m, rank, ldx = count > m ? count : m;
  workspace ws = carve(c, count, scratch);
  for (int i = 0; i < count; i++)
    memcpy(ws.system + i * m, sg_inner_column(c, position[i]), (size_t)m * sizeof *w);
  memset(ws.x, 0, (size_t)ldx * (size_t)m * sizeof *w);
  for (int v = 0; v < m; v++) ws.x[v + v * ldx] = 1;
  sg_status status = sg_least_squares(m, count, m, ws.system, m, ws.x, ldx, RANK_TOLERANCE,
                                      ws.pivots, &rank, cond1);
  if (status) return status;
  for (int i = 0; i < count; i++)
    for (int v = 0; v < m; v++) w[i * m + v] = ws.x[i + v * ldx];
  double least = count < m ? count : m, most = count < m ? m : count;
  *flops = 2.0 * least * least * (most - least / 3) + 4.0 * m * m * count;
  return SG_OK;
}

/* --- Making ----------------------------------------------------------------------------------- */

/* Inverses of all survivor sets that are asked for, where these are few. */
static sg_status tabulate(sg_code *code, sg_inner *c, sg_error *e) {
  int n = c->length, m = c->m, most = c->least_squares ? n : m;
  if (n > TABULATED_LENGTH || c->type->add_up) return SG_OK;
  double sets = 0, rows = 0;
  for (int k = m; k <= most; k++) {
    sets += choose(n, k);
    rows += choose(n, k) * k;
  }
  if (rows * m > MOST_TABULATED || sets > (most > m ? TABULATED_SETS : TABULATED_SQUARES))
    return SG_OK;
  int *index = sg_code_alloc(code, (size_t)1 << n, sizeof *index);
  double *inverse = sg_code_alloc(code, (size_t)rows * (size_t)m, sizeof *inverse);
  double *cond1 = sg_code_alloc(code, (size_t)rows, sizeof *cond1);
  void *scratch = sg_code_alloc(code, sg_inner_scratch(c, n), 1);
  if (!index || !inverse || !cond1 || !scratch) return sg_fail_memory(e);
  workspace ws = carve(c, n, scratch);
  int at = 0, position[TABULATED_LENGTH];
  for (unsigned set = 0; set < 1u << n; set++) {
    int count = 0;
    double flops;
    for (int i = 0; i < n; i++)
      if (set >> i & 1) position[count++] = i;
    index[set] = count < m ? SINGULAR : NOT_TABULATED;
    if (count < m || count > most) continue;
    sg_status status =
        invert_all(c, count, position, &ws, inverse + (size_t)at * (size_t)m, &cond1[at], &flops);
    if (status == SG_NO_MEMORY) return sg_fail_memory(e);
    index[set] = status ? SINGULAR : at;
    at += count;
  }
  c->index = index;
  c->inverse = inverse;
  c->cond1 = cond1;
  return SG_OK;
}

sg_status sg_inner_new(sg_code *code, const sg_linear_type *type, const sg_values *values,
                       int length, int m, bool least_squares, const sg_inner **out, sg_error *e) {
  sg_inner *c = sg_code_alloc(code, 1, sizeof *c);
  double *g = sg_code_alloc(code, (size_t)m * (size_t)length, sizeof *g);
  if (!c || !g) return sg_fail_memory(e);
  *c = (sg_inner){.type = type,
                  .length = length,
                  .m = m,
                  .least_squares = least_squares && !(type->add_up && type->mds),
                  .g = g};
  for (int k = 0; type->column && k < length; k++) type->column(length, m, k, g + k * m);
  sg_status status = type->generate ? type->generate(code, values, c, e) : SG_OK;
  if (!status) status = measure(code, c, e);
  if (!status) status = tabulate(code, c, e);
  *out = c;
  return status;
}
