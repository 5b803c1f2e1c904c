/* SPDX-License-Identifier: MIT */
/* The expander code (Raviv, Tamo, Tandon, Dimakis 2017, arXiv:1707.03858): the encoding matrix is
 * B = Adj(G)/d of a d-regular graph G on n vertices, which are workers and blocks both; a worker
 * has the blocks of its neighbours, and its own only if the identity is added (published; theory:
 * expander).
 *
 * Decoders: n/(n − s) on all that came (here one-step), or least squares (published). With λ the
 * largest eigenvalue modulus of B but for the 1 of the all-ones vector (the second singular value,
 * where B is not symmetric), one-step weights have ‖α − 1‖ ≤ λ √(n s/(n − s)) whoever is missing,
 * and no decoder does better than √(s/d) against an adversary, where d divides s (derived). On a
 * bipartite G λ = 1, and the bound says nothing.
 *
 * Graphs: random regular; random bipartite, whose sides are workers and blocks; Margulis' of degree
 * 8, n a square (the three of the official code, published); a random circulant support, worker j
 * with blocks j + o for d random offsets o. Optimal coefficients instead of 1/d: those of least λ,
 * non-negative, with row and column sums 1, on the same support (Munim and Ramamoorthy, program
 * CVX_AGC, published): circulant on a circulant support, symmetric on a graph. */
#include "codes/tools/approximate.h"
#include "codes/tools/graphs.h"
#include "codes/tools/mixing.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"regular", "bipartite", "margulis", "circulant", NULL};
enum { REGULAR, BIPARTITE, MARGULIS, CIRCULANT };
static const char *const coefficients[] = {"equal", "optimal", NULL};
enum { EQUAL, OPTIMAL };

/* Unknowns and sums of the optimisation on a graph: its steps are O(size³). */
enum { MARGULIS_DEGREE = 8, MOST_OPTIMISED = 450 };

static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED,
               "degree of the graph: a worker has d blocks, of n (8 for margulis)",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("graph", kinds, REGULAR,
                  "regular: random and simple; bipartite: random, between workers and blocks; "
                  "margulis: of degree 8, n a square; circulant: worker j has blocks j + o (mod "
                  "n), for d random offsets o"),
    SG_ROW("identity", SG_BOOL, "a worker has its own block, too: B = (Adj(G) + I)/(d + 1)"),
    SG_ROW_CHOICE("coefficients", coefficients, EQUAL,
                  "equal: 1/d; optimal: those on the same support, with row and column sums 1, "
                  "whose second largest eigenvalue modulus is least"),
    SG_ROWS_APPROXIMATE,
    {0}};

/* The entries of B: triplets, in malloc's memory. */
typedef struct support {
  int n;
  size_t count;
  int *row, *column;
  double *value;
  double lambda, equal; /* of these coefficients, and of equal ones */
} support;

static bool support_new(support *s, int n, size_t most) {
  *s = (support){.n = n, .row = malloc(2 * most * sizeof *s->row)};
  s->value = malloc(most * sizeof *s->value);
  s->column = s->row ? s->row + most : NULL;
  return s->row && s->value;
}

static void add(support *s, int row, int column, double value) {
  s->row[s->count] = row;
  s->column[s->count] = column;
  s->value[s->count++] = value;
}

/* --- Circulant -------------------------------------------------------------------------------- */

/* d of 1 … n − 1, by Floyd's method, and 0 with the identity. */
static int draw_offsets(uint64_t seed, int n, int d, bool identity, int *offset) {
  sg_stream random;
  int count = 0;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0, 0, 0);
  if (identity) offset[count++] = 0;
  for (int k = n - d; k < n; k++) {
    int pick = 1 + (int)(sg_uniform(&random) * k);
    for (int i = 0; i < count; i++)
      if (offset[i] == pick) pick = k;
    offset[count++] = pick;
  }
  return count;
}

static sg_status circulant(const sg_values *values, uint64_t seed, int n, int d, support *s,
                           sg_error *e) {
  SG_OWNED int *offset = malloc(((size_t)d + 1) * sizeof *offset);
  SG_OWNED double *w = malloc(((size_t)d + 1) * sizeof *w);
  if (!offset || !w) return sg_fail_memory(e);
  int k = draw_offsets(seed, n, d, sg_bool(values, "identity"), offset);
  if (!support_new(s, n, (size_t)n * (size_t)k)) return sg_fail_memory(e);
  for (int j = 0; j < k; j++) w[j] = 1.0 / k;
  s->equal = sg_mixing_circulant_lambda(n, k, offset, w);
  if (sg_choice(values, "coefficients") == OPTIMAL && sg_mixing_circulant(n, k, offset, w))
    return sg_fail_memory(e);
  s->lambda = sg_mixing_circulant_lambda(n, k, offset, w);
  if (isnan(s->equal) || isnan(s->lambda)) return sg_fail_memory(e);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < k; j++)
      if (w[j] > 0) add(s, i, (int)(((long)i + offset[j]) % n), w[j]);
  return SG_OK;
}

/* --- By a graph ------------------------------------------------------------------------------- */

static sg_status make_graph(const sg_values *values, uint64_t seed, int n, int d, sg_graph *g) {
  bool ok = false;
  switch (sg_choice(values, "graph")) {
  case REGULAR: ok = sg_graph_random_regular(g, n, d, seed); break;
  case BIPARTITE: ok = sg_graph_random_bipartite(g, n, d, seed); break;
  default: ok = sg_graph_margulis(g, (int)lround(sqrt(n)));
  }
  return ok ? SG_OK : SG_NO_MEMORY;
}

/* λ of equal coefficients. */
static sg_status graph_lambda(const sg_graph *g, bool bipartite, bool identity, int d,
                              double *lambda) {
  sg_spectrum spectrum;
  sg_status status = sg_graph_spectrum(g, &spectrum);
  if (status) return status;
  double own = identity;
  *lambda = (bipartite ? fabs(spectrum.second)
                       : fmax(fabs(spectrum.second + own), fabs(spectrum.least + own))) /
            (d + own);
  return SG_OK;
}

/* Each pair once, with the identity as loops, and its equal weight: repeated edges add up, and a
 * loop of the graph counts twice, as in its degree. Edges stand sorted. loop: a number for each
 * vertex. */
static int pairs_of(const sg_graph *g, bool identity, int d, int *end, double *w, int *loop) {
  double share = 1.0 / (d + identity);
  int count = 0;
  for (int v = 0; v < g->vertices; v++) loop[v] = -1;
  for (int e = 0; e < g->edges; e++) {
    int u = g->end[2 * e], v = g->end[2 * e + 1];
    double value = u == v ? 2 * share : share;
    if (count > 0 && end[2 * count - 2] == u && end[2 * count - 1] == v)
      w[count - 1] += value;
    else {
      end[2 * count] = u;
      end[2 * count + 1] = v;
      if (u == v) loop[v] = count;
      w[count++] = value;
    }
  }
  for (int v = 0; identity && v < g->vertices; v++) {
    if (loop[v] < 0) {
      loop[v] = count;
      end[2 * count] = end[2 * count + 1] = v;
      w[count++] = 0;
    }
    w[loop[v]] += share;
  }
  return count;
}

static sg_status by_graph(const sg_values *values, uint64_t seed, int n, int d, support *s,
                          sg_error *e) {
  sg_graph g = {0};
  bool bipartite = sg_choice(values, "graph") == BIPARTITE, identity = sg_bool(values, "identity");
  sg_status status = make_graph(values, seed, n, d, &g);
  if (!status) status = graph_lambda(&g, bipartite, identity, d, &s->equal);
  size_t most = (size_t)g.edges + (size_t)g.vertices + 1;
  double equal = s->equal;
  SG_OWNED int *end = malloc((2 * most + (size_t)g.vertices) * sizeof *end);
  SG_OWNED double *w = malloc(most * sizeof *w);
  if (!status && (!end || !w || !support_new(s, n, 2 * most))) status = SG_NO_MEMORY;
  int pairs = status ? 0 : pairs_of(&g, identity, d, end, w, end + 2 * most), vertices = g.vertices;
  sg_graph_free(&g);
  if (status) return sg_fail_memory(e);
  s->equal = s->lambda = equal;
  if (sg_choice(values, "coefficients") == OPTIMAL) {
    if (pairs + vertices > MOST_OPTIMISED)
      return sg_fail_at(e, values, "coefficients",
                        "expected equal, or a graph of at most %d edges and vertices in all (n ≤ "
                        "%d here), or a circulant support, found %d and %d",
                        MOST_OPTIMISED, (int)((long)MOST_OPTIMISED * n / (pairs + vertices)), pairs,
                        vertices);
    if (sg_mixing_symmetric(vertices, pairs, end, bipartite, w) ||
        sg_mixing_symmetric_lambda(vertices, pairs, end, bipartite, w, &s->lambda))
      return sg_fail_memory(e);
  }
  for (int k = 0; k < pairs; k++) {
    int u = end[2 * k], v = end[2 * k + 1];
    add(s, u, bipartite ? v - n : v, w[k]);
    if (!bipartite && u != v) add(s, v, u, w[k]);
  }
  return SG_OK;
}

/* --- The code --------------------------------------------------------------------------------- */

static sg_status read_degree(const sg_values *values, int n, int *d, sg_error *e) {
  int kind = sg_choice(values, "graph"), root = (int)lround(sqrt(n));
  bool given = sg_given(values, "d");
  long most = kind == BIPARTITE ? n : n - 1;
  *d = given ? (int)fmin((double)sg_int(values, "d"), 1e6) : MARGULIS_DEGREE;
  if (sg_bool(values, "identity") && kind == BIPARTITE)
    return sg_fail_at(e, values, "identity",
                      "expected no identity with a bipartite graph, on whose sides a worker has no "
                      "block of its own, found true");
  if (kind == MARGULIS && (root < 2 || root * root != n))
    return sg_fail_at(e, values, "graph",
                      "expected n = %d or %d workers with margulis, a square, found %d",
                      root < 2 ? 4 : (root - (root * root > n)) * (root - (root * root > n)),
                      root < 2 ? 9 : (root + (root * root < n)) * (root + (root * root < n)), n);
  if (kind == MARGULIS && *d != MARGULIS_DEGREE)
    return sg_fail_at(e, values, "d", "expected 8, the degree of margulis, or none, found %d", *d);
  if (kind == MARGULIS) return SG_OK;
  if (!given)
    return sg_fail_at(e, values, "d", "expected a degree from 1 to %ld, found none", most);
  if (*d > most)
    return sg_fail_at(e, values, "d", "expected d ≤ %ld with n = %d workers, found %d", most, n,
                      *d);
  if (kind == REGULAR && n % 2 && *d % 2)
    return sg_fail_at(e, values, "d",
                      "expected n d even, as every edge has two ends (d = %d or %d), found n = %d, "
                      "d = %d",
                      *d - 1 > 0 ? *d - 1 : 2, *d + 1, n, *d);
  return SG_OK;
}

static sg_status note(sg_code *code, const support *s, int missing, sg_error *e) {
  enum { SIZE = 240 };
  int n = s->n, length;
  char *text = sg_code_alloc(code, SIZE, 1);
  if (!text) return sg_fail_memory(e);
  length = snprintf(text, SIZE, "second eigenvalue modulus %.6g", s->lambda);
  if (s->lambda != s->equal)
    length +=
        snprintf(text + length, SIZE - (size_t)length, " (equal coefficients: %.6g)", s->equal);
  if (missing > 0)
    snprintf(text + length, SIZE - (size_t)length,
             ": with any %d missing, one-step weights have an error |α − 1| of at most %.6g",
             missing, s->lambda * sqrt((double)n * missing / (n - missing)));
  code->note = text;
  return SG_OK;
}

static sg_status fill(sg_code *code, sg_approximate *t, const support *s, sg_error *e) {
  void *memory = sg_code_alloc(code, sg_sparse_bytes(s->n, s->count), 1);
  SG_OWNED void *workspace = malloc(sg_sparse_triplets_bytes(s->n));
  if (!memory || !workspace) return sg_fail_memory(e);
  t->a =
      sg_sparse_from_triplets(memory, s->n, s->n, s->count, s->row, s->column, s->value, workspace);
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, d = 0;
  sg_status status = read_degree(values, n, &d, e);
  if (status) return status;
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  support s = {0};
  status = sg_choice(values, "graph") == CIRCULANT ? circulant(values, shape->seed, n, d, &s, e)
                                                   : by_graph(values, shape->seed, n, d, &s, e);
  if (!status) status = fill(code, t, &s, e);
  if (!status) status = sg_approximate_new(code, values, t, e);
  if (!status) status = note(code, &s, t->s, e);
  free(s.row);
  free(s.value);
  return status;
}

const sg_code_type sg_expander_code = {
    .about = {.name = "expander",
              .brief = "the adjacency of a regular graph",
              .summary = "Expander code: a worker sends the mean of the blocks of its neighbours "
                         "in a regular graph; any s stragglers cost no more than the graph's "
                         "second eigenvalue allows. Approximate.",
              .reference = "Raviv, Tamo, Tandon, Dimakis 2017, arXiv:1707.03858 (published); "
                           "optimal coefficients: Munim, Ramamoorthy, CVX_AGC (published).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
