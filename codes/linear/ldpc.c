/* SPDX-License-Identifier: MIT */
/* Regular low-density parity-check codes (Gallager 1962) over the reals.
 *
 * The parity-check matrix H has r = N c/w rows of w ones and columns of c ones, drawn at random by
 * matching the ends of its edges; draws with double edges, of rank less than r or with a position
 * that is always 0 are thrown away, of the others the one with the fewest cycles of length 4 is
 * taken: two positions in the same checks would be a word of weight 2. Codewords are the x with H x
 * = 0. The r positions that pivoted elimination picks become parities, the others carry the m = N −
 * r numbers: G = [I | −(H_p⁻¹ H_i)ᵀ].
 *
 * Decoding peels first: a check with one unknown gives it as minus the sum of the others, by
 * additions. What peeling leaves is for least squares. Over GF(2) the same sets peel; over the
 * reals least squares goes further. (derived; gradient codes from such codes: Maity, Rawat,
 * Mazumdar, 2018, arXiv:1805.08327, recalled) */
#include "codes/linear/inner.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>

enum { DRAWS = 200, REPAIRS = 50 }; /* attempts; passes of one attempt over double edges */

typedef struct checks {
  int rows, weight;
  int member[]; /* rows × weight positions */
} checks;

/* --- Rules ------------------------------------------------------------------------------------ */

/* Every c ≤ r < N that divides N c, as the dimension N − r, smallest first. */
static void valid_dimensions(int n, long c, char *out, size_t size) {
  size_t length = 0;
  out[0] = '\0';
  for (long r = n - 1; r >= c; r--) {
    if (n * c % r != 0) continue;
    if (length + 24 > size) {
      snprintf(out + length, size - length, ", …");
      return;
    }
    length += (size_t)snprintf(out + length, size - length, "%s%ld", length ? ", " : "", n - r);
  }
  if (!length) snprintf(out, size, "none");
}

static sg_status by_row_weight(const sg_values *values, int n, long c, int *m, sg_error *e) {
  long w = sg_int(values, "row_weight");
  if (w <= c || w > n || n * c % w != 0)
    return sg_fail_at(e, values, "row_weight",
                      "expected column_weight %ld < row_weight ≤ %d, dividing %d × %ld = %ld (so "
                      "that checks are whole), found %ld",
                      c, n, n, c, n * c, w);
  int only = (int)(n - n * c / w);
  if (*m && *m != only)
    return sg_fail_at(e, values, "m",
                      "expected m = %d (length %d, column_weight %ld, row_weight %ld), found %d",
                      only, n, c, w, *m);
  *m = only;
  return SG_OK;
}

static sg_status rules(const sg_linear_type *type, const sg_values *values, int n, int *m,
                       sg_error *e) {
  long c = sg_int(values, "column_weight");
  char list[160];
  if (sg_given(values, "row_weight")) return by_row_weight(values, n, c, m, e);
  if (!*m)
    return sg_fail_at(e, values, "m",
                      "expected m or row_weight with linear_code ldpc, found neither");
  if (*m < n && c <= n - *m && n * c % (n - *m) == 0) return SG_OK;
  valid_dimensions(n, c, list, sizeof list);
  return sg_fail_at(e, values, "m",
                    "expected m such that %d − m checks of equal weight share %d × column_weight "
                    "%ld ones (m one of: %s), found %d",
                    n, n, c, list, *m);
}

/* --- Drawing ---------------------------------------------------------------------------------- */

static bool is_member(const checks *h, int row, int position, int but) {
  for (int i = 0; i < h->weight; i++)
    if (i != but && h->member[row * h->weight + i] == position) return true;
  return false;
}

/* Random ends of edges; doubles are exchanged with others until there are none. */
static bool draw(checks *h, int n, int column_weight, sg_stream *s) {
  int edges = n * column_weight;
  for (int i = 0; i < edges; i++) h->member[i] = i / column_weight;
  for (int i = edges - 1; i > 0; i--) {
    int j = (int)(sg_uniform(s) * (i + 1)), kept = h->member[i];
    h->member[i] = h->member[j];
    h->member[j] = kept;
  }
  for (int pass = 0; pass < REPAIRS; pass++) {
    bool simple = true;
    for (int i = 0; i < edges; i++) {
      if (!is_member(h, i / h->weight, h->member[i], i % h->weight)) continue;
      int j = (int)(sg_uniform(s) * edges), kept = h->member[i];
      h->member[i] = h->member[j];
      h->member[j] = kept;
      simple = false;
    }
    if (simple) return true;
  }
  return false;
}

/* Moves to the end of order[] the r columns that pivoted Gram–Schmidt picks. false: the rank of H
 * is less than r. h: rows × n, column-major, lost. */
static bool pick_parities(int rows, int n, double *h, int *order) {
  for (int k = 0; k < rows; k++) {
    int last = n - 1 - k, best = 0;
    double most = 0;
    for (int i = 0; i <= last; i++) {
      const double *v = h + order[i] * rows;
      double norm = cblas_ddot(rows, v, 1, v, 1);
      if (norm > most) {
        most = norm;
        best = i;
      }
    }
    if (most < 1e-12) return false;
    int column = order[best];
    order[best] = order[last];
    order[last] = column;
    double *b = h + column * rows;
    cblas_dscal(rows, 1 / sqrt(most), b, 1);
    for (int i = 0; i < last; i++) {
      double *v = h + order[i] * rows;
      cblas_daxpy(rows, -cblas_ddot(rows, b, 1, v, 1), b, 1, v, 1);
    }
  }
  return true;
}

static void fill_dense(const checks *h, int n, double *dense) {
  memset(dense, 0, (size_t)h->rows * (size_t)n * sizeof *dense);
  for (int i = 0; i < h->rows * h->weight; i++) dense[i / h->weight + h->member[i] * h->rows] = 1;
}

/* Cycles of length 4 are pairs of checks that two positions share. Squared, so that positions with
 * all checks in common are the last that is chosen. */
static double short_cycles(const checks *h, int n, double *dense) {
  double sum = 0;
  fill_dense(h, n, dense);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      double shared = cblas_ddot(h->rows, dense + i * h->rows, 1, dense + j * h->rows, 1);
      double pairs = shared * (shared - 1) / 2;
      sum += pairs * pairs;
    }
  return sum;
}

/* Renames positions so that the numbers come first, and fills G. SG_UNDECODABLE: not a good draw.
 */
static sg_status make_generator(checks *h, int n, double *g, double *dense, double *system,
                                lapack_int *pivots, int *order) {
  int r = h->rows, m = n - r;
  fill_dense(h, n, dense);
  for (int i = 0; i < n; i++) order[i] = i;
  if (!pick_parities(r, n, dense, order)) return SG_UNDECODABLE;
  for (int i = 0; i < n; i++) pivots[order[i]] = i;
  for (int i = 0; i < r * h->weight; i++) h->member[i] = (int)pivots[h->member[i]];
  fill_dense(h, n, dense);
  memcpy(system, dense + m * r, (size_t)r * (size_t)r * sizeof *system);
  sg_status status = sg_solve(r, m, system, r, dense, r, pivots, NULL);
  if (status) return status;
  for (int u = 0; u < m; u++) g[u + u * m] = 1;
  for (int k = 0; k < r; k++) {
    double most = 0;
    for (int u = 0; u < m; u++) {
      double x = -dense[k + u * r];
      if (fabs(x) < 1e-12) x = 0; /* what rounding has left of a zero */
      g[u + (m + k) * m] = x;
      most = fmax(most, fabs(x));
    }
    if (most == 0) return SG_UNDECODABLE;
  }
  return SG_OK;
}

/* The best of the draws, 0 cycles being good enough. */
static sg_status generate(sg_code *code, const sg_values *values, sg_inner *c, sg_error *e) {
  int column_weight = (int)sg_int(values, "column_weight"), rows = c->length - c->m;
  size_t n = (size_t)c->length, r = (size_t)rows, edges = n * (size_t)column_weight;
  size_t size = sizeof(checks) + edges * sizeof(int), entries = n * (size_t)c->m;
  checks *best = sg_code_alloc(code, 1, size);
  SG_OWNED checks *h = malloc(size);
  SG_OWNED double *dense = malloc(r * n * sizeof *dense), *system = malloc(r * r * sizeof *system);
  SG_OWNED double *g = malloc(entries * sizeof *g);
  SG_OWNED lapack_int *pivots = malloc(n * sizeof *pivots);
  SG_OWNED int *order = malloc(n * sizeof *order);
  if (!best || !h || !dense || !system || !g || !pivots || !order) return sg_fail_memory(e);
  h->rows = rows;
  h->weight = (int)(edges / r);
  double least = INFINITY;
  for (int k = 0; k < DRAWS && least > 0; k++) {
    sg_stream s;
    sg_stream_at(&s, code->shape.seed, 0, SG_FOR_CODE, (uint32_t)k, 0, 2);
    if (!draw(h, c->length, column_weight, &s)) continue;
    double cycles = short_cycles(h, c->length, dense);
    if (cycles >= least) continue;
    memset(g, 0, entries * sizeof *g);
    sg_status status = make_generator(h, c->length, g, dense, system, pivots, order);
    if (status == SG_NO_MEMORY) return sg_fail_memory(e);
    if (status) continue;
    least = cycles;
    memcpy(c->g, g, entries * sizeof *g);
    memcpy(best, h, size);
  }
  c->self = best;
  if (least < INFINITY) return SG_OK;
  return sg_fail_at(e, values, "column_weight",
                    "expected weights with a %d × %d parity-check matrix of full rank, found none "
                    "in %d draws with column_weight %d (fewer ones per column leave more choice)",
                    rows, c->length, DRAWS, column_weight);
}

/* --- Peeling ---------------------------------------------------------------------------------- */

/* The member of a check that is unknown if it is the only one, else −1. */
static int only_unknown(const checks *h, int row, const double *sum, int count) {
  int found = -1;
  for (int i = 0; i < h->weight; i++) {
    int position = h->member[row * h->weight + i];
    if (!isnan(sum[position * count])) continue;
    if (found >= 0) return -1;
    found = position;
  }
  return found;
}

/* sum: what each position is as a combination of the survivors; its first number is NAN while it is
 * not known. */
static bool peel(const sg_inner *code, int count, const int *position, double *w, double *sum,
                 double *flops) {
  const checks *h = code->self;
  int m = code->m;
  for (int c = 0; c < code->length; c++) sum[c * count] = NAN;
  for (int i = 0; i < count; i++) {
    memset(sum + position[i] * count, 0, (size_t)count * sizeof *sum);
    sum[position[i] * count + i] = 1;
  }
  for (bool progress = true; progress;) {
    progress = false;
    for (int row = 0; row < h->rows; row++) {
      int c = only_unknown(h, row, sum, count);
      if (c < 0) continue;
      memset(sum + c * count, 0, (size_t)count * sizeof *sum);
      for (int i = 0; i < h->weight; i++) {
        int other = h->member[row * h->weight + i];
        if (other != c) cblas_daxpy(count, -1, sum + other * count, 1, sum + c * count, 1);
      }
      *flops += (double)(h->weight - 1) * count;
      progress = true;
    }
  }
  for (int u = 0; u < m; u++)
    if (isnan(sum[u * count])) return false;
  for (int i = 0; i < count; i++)
    for (int u = 0; u < m; u++) w[i * m + u] = sum[u * count + i];
  return true;
}

const sg_linear_type sg_linear_ldpc = {
    .name = "ldpc",
    .summary = "regular low-density parity-check code over the reals: peeling by additions, then "
               "least squares",
    .reference = "Gallager (1962); over the reals: Maity, Rawat, Mazumdar (2018), "
                 "arXiv:1805.08327 (recalled); construction derived",
    .rules = rules,
    .generate = generate,
    .add_up = peel,
};
