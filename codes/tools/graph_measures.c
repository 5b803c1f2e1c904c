/* SPDX-License-Identifier: MIT */
/* Graphs: what is measured of them. */
#include "codes/tools/graphs.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Degrees and components ------------------------------------------------------------------- */

/* Colours 0 and 1 by breadth-first search, if colour is not NULL of room for all vertices; queue:
 * likewise. The number of components; *proper: whether no edge joins equal colours. */
static int colour_components(const sg_graph *g, signed char *colour, int *queue, bool *proper) {
  int components = 0;
  *proper = true;
  memset(colour, -1, (size_t)g->vertices);
  for (int root = 0; root < g->vertices; root++) {
    if (colour[root] >= 0) continue;
    components++;
    int first = 0, last = 0;
    queue[last++] = root;
    for (colour[root] = 0; first < last; first++)
      for (int k = g->begin[queue[first]]; k < g->begin[queue[first] + 1]; k++) {
        int v = g->to[k];
        *proper &= colour[v] != colour[queue[first]];
        if (colour[v] >= 0) continue;
        colour[v] = !colour[queue[first]];
        queue[last++] = v;
      }
  }
  return components;
}

/* Edges that join what an edge before them joins. seen: a number for every vertex. */
static int count_repeats(const sg_graph *g, int *seen) {
  int repeats = 0;
  for (int v = 0; v < g->vertices; v++) seen[v] = -1;
  for (int u = 0; u < g->vertices; u++) {
    int loops = 0;
    for (int k = g->begin[u]; k < g->begin[u + 1]; k++) {
      int v = g->to[k];
      if (v == u) loops++;
      if (v <= u) continue;
      repeats += seen[v] == u;
      seen[v] = u;
    }
    if (loops > 2) repeats += loops / 2 - 1;
  }
  return repeats;
}

bool sg_graph_measure(const sg_graph *g, sg_graph_facts *f) {
  *f = (sg_graph_facts){.least_degree = g->vertices ? INT_MAX : 0};
  SG_OWNED signed char *colour = malloc((size_t)g->vertices + 1);
  SG_OWNED int *queue = malloc(((size_t)g->vertices + 1) * sizeof *queue);
  if (!colour || !queue) return false;
  for (int v = 0; v < g->vertices; v++) {
    int d = g->begin[v + 1] - g->begin[v];
    if (d < f->least_degree) f->least_degree = d;
    if (d > f->most_degree) f->most_degree = d;
  }
  for (int e = 0; e < g->edges; e++) f->loops += g->end[2 * e] == g->end[2 * e + 1];
  f->repeats = count_repeats(g, queue);
  f->components = colour_components(g, colour, queue, &f->bipartite);
  return true;
}

/* --- Girth ------------------------------------------------------------------------------------ */

typedef struct search {
  const sg_graph *g;
  int *level, *by, *queue; /* vertices numbers each: −1: not met; the edge it was met by */
} search;

/* The shortest cycle through what the search from `root` meets, if below `best`. */
static int shortest_from(const search *s, int root, int best) {
  int first = 0, last = 0;
  s->level[root] = 0;
  s->by[root] = -1;
  s->queue[last++] = root;
  for (; first < last; first++) {
    int u = s->queue[first];
    if (2 * s->level[u] + 1 >= best) break;
    for (int k = s->g->begin[u]; k < s->g->begin[u + 1]; k++) {
      int v = s->g->to[k];
      if (s->g->by[k] == s->by[u]) continue;
      if (s->level[v] < 0) {
        s->level[v] = s->level[u] + 1;
        s->by[v] = s->g->by[k];
        s->queue[last++] = v;
      } else if (s->level[u] + s->level[v] + 1 < best)
        best = s->level[u] + s->level[v] + 1;
    }
  }
  for (int i = 0; i < last; i++) s->level[s->queue[i]] = -1;
  return best;
}

int sg_graph_girth(const sg_graph *g) {
  size_t n = (size_t)g->vertices;
  SG_OWNED int *memory = malloc((3 * n + 1) * sizeof *memory);
  if (!memory) return -1;
  search s = {.g = g, .level = memory, .by = memory + n, .queue = memory + 2 * n};
  int best = INT_MAX;
  sg_graph_facts facts;
  if (!sg_graph_measure(g, &facts)) return -1;
  if (facts.loops > 0) return 1;
  if (g->edges == g->vertices - facts.components) return 0; /* a forest */
  /* A connected graph of degree 2 is one cycle, and every search would go half around it. */
  if (facts.components == 1 && facts.least_degree == 2 && facts.most_degree == 2) return g->edges;
  for (size_t v = 0; v < n; v++) s.level[v] = -1;
  for (int v = 0; v < g->vertices; v++) best = shortest_from(&s, v, best);
  return best;
}

/* --- Eigenvalues ------------------------------------------------------------------------------ */

enum { MOST_DENSE = 400, MOST_STEPS = 3000 };

static sg_status by_lapack(const sg_graph *g, double *second, double *least) {
  size_t n = (size_t)g->vertices;
  SG_OWNED double *a = calloc(n * n + n, sizeof *a);
  if (!a) return SG_NO_MEMORY;
  double *lambda = a + n * n;
  for (int v = 0; v < g->vertices; v++)
    for (int k = g->begin[v]; k < g->begin[v + 1]; k++) a[(size_t)v * n + (size_t)g->to[k]] += 1;
  sg_status status = sg_symmetric_eigenvalues(g->vertices, a, g->vertices, lambda);
  *second = lambda[n - 2];
  *least = lambda[0];
  return status;
}

static double dot(int n, const double *x, const double *y) {
  return cblas_ddot(n, x, 1, y, 1);
}

/* Takes out the eigenvectors that are known: ones, and signs by colour (NULL: not wanted). */
static void deflate(int n, const signed char *colour, double *x) {
  double ones = 0, signs = 0;
  for (int i = 0; i < n; i++) {
    ones += x[i];
    if (colour) signs += colour[i] ? -x[i] : x[i];
  }
  ones /= n;
  signs /= n;
  for (int i = 0; i < n; i++) x[i] -= ones + (colour ? (colour[i] ? -signs : signs) : 0);
}

/* Lanczos' method without reorthogonalisation: rounding errors only make copies of eigenvalues that
 * have been found, which ends of the spectrum do not mind, once what is known is taken out in every
 * step. Ends within `residual` of an eigenvalue are taken; their error is about its square. */
static sg_status by_lanczos(const sg_graph *g, const signed char *colour, double residual,
                            double *second, double *least) {
  int n = g->vertices, next_look = 40;
  size_t size = (size_t)n;
  SG_OWNED double *memory = calloc(3 * size + 2 * MOST_STEPS, sizeof *memory);
  if (!memory) return SG_NO_MEMORY;
  double *v = memory, *before = v + n, *w = before + n, *diagonal = w + n;
  double *beside = diagonal + MOST_STEPS, beta = 0;
  sg_stream random;
  for (int i = 0; i < n; i++) {
    if (i % 65536 == 0) sg_stream_at(&random, 1, 0, SG_FOR_CODE, 0xfffc, (uint32_t)(i / 65536), 0);
    v[i] = sg_uniform(&random) - 0.5;
  }
  deflate(n, colour, v);
  cblas_dscal(n, 1 / sqrt(dot(n, v, v)), v, 1);
  for (int step = 0; step < MOST_STEPS; step++) {
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int k = g->begin[i]; k < g->begin[i + 1]; k++) sum += v[g->to[k]];
      w[i] = sum - beta * before[i];
    }
    diagonal[step] = dot(n, v, w);
    cblas_daxpy(n, -diagonal[step], v, 1, w, 1);
    deflate(n, colour, w);
    beside[step] = beta = sqrt(dot(n, w, w));
    bool exhausted = beta < 1e-9 * residual, last = step + 1 == MOST_STEPS;
    if (exhausted || last || step + 1 == next_look) {
      double ends[2], tails[2];
      sg_status status = sg_tridiagonal_ends(step + 1, diagonal, beside, ends, tails);
      if (status) return status;
      *least = ends[0];
      *second = ends[1];
      if (exhausted || fmax(fabs(tails[0]), fabs(tails[1])) * beta <= residual) return SG_OK;
      next_look += next_look / 4;
    }
    double *free_now = before;
    before = v;
    v = w;
    w = free_now;
    cblas_dscal(n, 1 / beta, v, 1);
  }
  return SG_OK; /* near enough: what is left is below the digits that are shown */
}

sg_status sg_graph_spectrum(const sg_graph *g, sg_spectrum *s) {
  sg_graph_facts f;
  *s = (sg_spectrum){.second = NAN, .least = NAN, .absolute = NAN, .gap = NAN};
  if (!sg_graph_measure(g, &f)) return SG_NO_MEMORY;
  if (g->vertices < 2 || f.least_degree != f.most_degree) return SG_INVALID;
  double d = f.least_degree;
  bool signs = f.bipartite && f.components == 1;
  SG_OWNED signed char *colour = malloc((size_t)g->vertices);
  SG_OWNED int *queue = malloc((size_t)g->vertices * sizeof *queue);
  if (!colour || !queue) return SG_NO_MEMORY;
  colour_components(g, colour, queue, &f.bipartite);
  sg_status status = g->vertices <= MOST_DENSE
                         ? by_lapack(g, &s->second, &s->least)
                         : by_lanczos(g, signs ? colour : NULL, 1e-6 * d, &s->second, &s->least);
  if (status) return status == SG_NO_MEMORY ? status : SG_BUG;
  if (f.bipartite) s->least = -d;
  /* The spectrum of a bipartite graph is symmetric. */
  s->absolute = signs ? fabs(s->second) : fmax(fabs(s->second), fabs(s->least));
  if (g->vertices == 2 && signs) s->absolute = 0; /* no others */
  /* What is left of a zero would be printed as if it meant something. */
  double *const size[] = {&s->second, &s->least, &s->absolute};
  for (int i = 0; i < 3; i++)
    if (fabs(*size[i]) < 1e-12 * d) *size[i] = 0;
  s->gap = d - s->second;
  return SG_OK;
}
