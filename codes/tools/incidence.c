/* SPDX-License-Identifier: MIT */
/* Optimal decoding of graph codes. */
#include "codes/tools/incidence.h"
#include "sim/core/owned.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Making ----------------------------------------------------------------------------------- */

/* Vertices in the order of a breadth-first search of the whole graph, in which that of the
 * surviving one then goes nearly forward through memory. place: of each vertex. */
static void number_by_search(const sg_graph *g, int *vertex, int *place) {
  int first = 0, end = 0;
  for (int v = 0; v < g->vertices; v++) place[v] = -1;
  for (int root = 0; root < g->vertices; root++) {
    if (place[root] >= 0) continue;
    place[root] = end;
    for (vertex[end++] = root; first < end; first++)
      for (int k = g->begin[vertex[first]]; k < g->begin[vertex[first] + 1]; k++) {
        int v = g->to[k];
        if (place[v] >= 0) continue;
        place[v] = end;
        vertex[end++] = v;
      }
  }
}

bool sg_incidence_new(sg_arena **arena, const sg_graph *graph, sg_incidence *out) {
  size_t n = (size_t)graph->vertices, m = (size_t)graph->edges;
  int *begin = sg_arena_alloc(arena, n + 1, sizeof *begin);
  int *end = sg_arena_alloc(arena, 2 * m + 1, sizeof *end);
  sg_half_edge *half = sg_arena_alloc(arena, 2 * m + 1, sizeof *half);
  SG_OWNED int *vertex = malloc((2 * n + 1) * sizeof *vertex);
  *out = (sg_incidence){
      .vertices = graph->vertices, .edges = graph->edges, .begin = begin, .end = end, .half = half};
  if (!begin || !end || !half || !vertex) return false;
  int *place = vertex + n, at = 0;
  number_by_search(graph, vertex, place);
  for (size_t k = 0; k < 2 * m; k++) end[k] = place[graph->end[k]];
  for (size_t i = 0; i < n; i++) {
    begin[i] = at;
    for (int k = graph->begin[vertex[i]]; k < graph->begin[vertex[i] + 1]; k++)
      half[at++] = (sg_half_edge){.to = place[graph->to[k]], .by = graph->by[k]};
  }
  begin[n] = at;
  return true;
}

/* --- Workspace -------------------------------------------------------------------------------- */

/* How far the search looks ahead in its queue; graphs of so many edges do not stay in the cache,
 * and their weights are fetched, too. */
enum { AHEAD = 8, LARGE = 1 << 16 };
enum { UNSEEN = 0, SEEN = 2 }; /* a vertex that was seen is SEEN + its colour */

typedef struct tree {
  const sg_incidence *g;
  int count;
  uint64_t *came; /* bits of the edges that have come … */
  int *rank;      /* … and how many came before each word of 64: an edge's place among them */
  unsigned char *state; /* of vertices */
  /* In the order of the search; places, not vertices, are what trees and weights know. */
  int *vertex;
  int *link;     /* 2 · place of the vertex it was found from + its colour */
  int *by;       /* the edge it was found by */
  double *still; /* what its vertex still needs, less what is due to all of its colour */
  int found;
} tree;

static size_t rounded(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

static void *take(char **at, size_t bytes) {
  void *memory = *at;
  *at += rounded(bytes);
  return memory;
}

static size_t words_of(const sg_incidence *g) {
  return ((size_t)g->edges + 63) / 64;
}

size_t sg_tree_weights_bytes(const sg_incidence *g) {
  size_t n = (size_t)g->vertices + 1, words = words_of(g);
  return rounded(words * sizeof(uint64_t)) + rounded(words * sizeof(int)) + rounded(n) +
         3 * rounded(n * sizeof(int)) + rounded(n * sizeof(double));
}

static tree lay_out(const sg_incidence *g, int count, char **at) {
  size_t n = (size_t)g->vertices + 1, words = words_of(g);
  tree t = {.g = g, .count = count};
  t.still = take(at, n * sizeof *t.still);
  t.came = take(at, words * sizeof *t.came);
  t.rank = take(at, words * sizeof *t.rank);
  t.vertex = take(at, n * sizeof *t.vertex);
  t.link = take(at, n * sizeof *t.link);
  t.by = take(at, n * sizeof *t.by);
  t.state = take(at, n);
  return t;
}

static void mark(tree *t, const int *edge) {
  size_t words = words_of(t->g);
  memset(t->came, 0, words * sizeof *t->came);
  memset(t->state, UNSEEN, (size_t)t->g->vertices);
  for (int i = 0; i < t->count; i++) t->came[edge[i] >> 6] |= (uint64_t)1 << (edge[i] & 63);
  for (size_t k = 0, sum = 0; k < words; k++) {
    t->rank[k] = (int)sum;
    sum += (size_t)__builtin_popcountll(t->came[k]);
  }
}

/* Where an edge that has come stands among those. */
static int place_of(const tree *t, int edge) {
  uint64_t before = t->came[edge >> 6] & (((uint64_t)1 << (edge & 63)) - 1);
  return t->rank[edge >> 6] + __builtin_popcountll(before);
}

/* --- Components ------------------------------------------------------------------------------- */

typedef struct component {
  int first, end; /* places */
  int odd;        /* an edge between vertices of equal colour; −1: bipartite */
  int from;       /* the place of one of its ends */
  int excess;     /* vertices of colour 0 less those of colour 1 */
} component;

/* The component of a vertex, in the next places. */
static component search(tree *t, int root) {
  const sg_incidence *g = t->g;
  component c = {.first = t->found, .odd = -1};
  int end = t->found, excess = 1;
  t->vertex[end] = root;
  t->link[end] = 2 * end;
  t->by[end] = -1;
  t->state[root] = SEEN;
  end++;
  for (int at = c.first; at < end; at++) {
    int u = t->vertex[at], colour = t->state[u], other = colour ^ 1, found_before = end;
    if (at + AHEAD < end) __builtin_prefetch(g->half + g->begin[t->vertex[at + AHEAD]]);
    for (int k = g->begin[u]; k < g->begin[u + 1]; k++) {
      int v = g->half[k].to, e = g->half[k].by, state = t->state[v];
      int came = (int)(t->came[e >> 6] >> (e & 63)) & 1;
      int fresh = came & (state == UNSEEN), odd = came & (state == colour);
      c.odd = odd ? e : c.odd;
      c.from = odd ? at : c.from;
      t->vertex[end] = v;
      t->link[end] = 2 * at + (other & 1);
      t->by[end] = e;
      t->state[v] = (unsigned char)(fresh ? other : state);
      end += fresh;
    }
    excess += other & 1 ? found_before - end : end - found_before;
  }
  c.end = t->found = end;
  c.excess = excess;
  return c;
}

/* Δ: α is 1 − Δ at colour 0 and 1 + Δ at colour 1. */
static double imbalance(const component *c) {
  return c->odd >= 0 ? 0 : (double)c->excess / (c->end - c->first);
}

static void count_component(const component *c, sg_incidence_report *r) {
  r->components++;
  if (c->odd >= 0) return;
  r->bipartite++;
  r->deviation += (double)c->excess * c->excess / (c->end - c->first);
}

/* The place of the odd edge's other end. */
static int other_end(const tree *t, const component *c) {
  int u = t->vertex[c->from], v = t->g->end[2 * c->odd];
  if (v == u) v = t->g->end[2 * c->odd + 1];
  int at = c->first;
  while (t->vertex[at] != v) at++;
  return at;
}

/* Adds weights for which the sums at the vertices are due[colour] + still[place]; still is used up.
 * In a component with an odd cycle they exist whatever is due, else if the two colours are owed the
 * same. */
static void sweep(tree *t, const component *c, const double due[2], double owed, double *w) {
  bool large = t->g->edges > LARGE;
  if (c->odd >= 0) {
    double half = owed / 2; /* more is due to colour 0, by so much, than to colour 1 */
    int to = other_end(t, c);
    double weight = t->link[to] & 1 ? -half : half;
    w[place_of(t, c->odd)] += weight;
    t->still[c->from] -= weight;
    t->still[to] -= weight;
  }
  for (int at = c->end - 1; at > c->first; at--) {
    if (large && at - AHEAD > c->first) __builtin_prefetch(w + place_of(t, t->by[at - AHEAD]), 1);
    int link = t->link[at];
    double weight = due[link & 1] + t->still[at];
    w[place_of(t, t->by[at])] += weight;
    t->still[link >> 1] -= weight;
  }
}

void sg_tree_weights(const sg_incidence *g, int count, const int *edge, double *w,
                     sg_incidence_report *report, void *workspace) {
  char *memory = workspace;
  tree t = lay_out(g, count, &memory);
  *report = (sg_incidence_report){0};
  mark(&t, edge);
  memset(w, 0, (size_t)count * sizeof *w);
  memset(t.still, 0, (size_t)g->vertices * sizeof *t.still);
  for (int root = 0; root < g->vertices; root++) {
    if (t.state[root] != UNSEEN) continue;
    component c = search(&t, root);
    double delta = imbalance(&c);
    count_component(&c, report);
    if (c.end > c.first + 1) sweep(&t, &c, (double[]){1 - delta, 1 + delta}, c.excess, w);
  }
  report->flops = 2.0 * g->vertices + 4.0 * report->components;
}

/* --- Weights of least norm -------------------------------------------------------------------- */

typedef struct core {
  tree t;
  component *component;
  int components;
  int *u, *v;   /* places of the ends of the edges that have come */
  int *at;      /* by vertex: its place */
  int *degree;  /* by place: of edges that are left */
  int *mixed;   /* by place: the exclusive or of their numbers */
  int *ready;   /* places of degree 1 */
  double *need; /* by place: what the edges that are left must give */
  /* The 2-core. Its rows stand in the order of their lengths, so that those of one length are
   * gone through without a branch. */
  int n, longest;
  size_t entries;
  int *row;                     /* by place; of no use outside the core */
  int *first;                   /* longest + 2: the first row of each length */
  int *next;                    /* rows: where the next neighbour goes */
  int *neighbour;               /* row by row */
  double *y, *r, *p, *q, *over; /* rows; over: 1 / length */
} core;

size_t sg_least_norm_bytes(const sg_incidence *g) {
  size_t n = (size_t)g->vertices + 1, m = (size_t)g->edges + 1;
  return sg_tree_weights_bytes(g) + rounded(n * sizeof(component)) + 2 * rounded(m * sizeof(int)) +
         6 * rounded(n * sizeof(int)) + rounded((m + n) * sizeof(int)) +
         rounded(2 * m * sizeof(int)) + 6 * rounded(n * sizeof(double));
}

static core lay_out_core(const sg_incidence *g, int count, char **memory) {
  size_t n = (size_t)g->vertices + 1, m = (size_t)g->edges + 1;
  core c = {.t = lay_out(g, count, memory)};
  double **const numbers[] = {&c.need, &c.y, &c.r, &c.p, &c.q, &c.over};
  int **const by_vertex[] = {&c.at, &c.degree, &c.mixed, &c.ready, &c.row, &c.next};
  for (int i = 0; i < 6; i++) *numbers[i] = take(memory, n * sizeof(double));
  for (int i = 0; i < 6; i++) *by_vertex[i] = take(memory, n * sizeof(int));
  c.component = take(memory, n * sizeof *c.component);
  c.u = take(memory, m * sizeof *c.u);
  c.v = take(memory, m * sizeof *c.v);
  c.neighbour = take(memory, 2 * m * sizeof *c.neighbour);
  c.first = take(memory, (m + n) * sizeof *c.first); /* a degree is at most the number of edges */
  return c;
}

/* The components, and what each vertex needs. */
static void find_components(core *c, sg_incidence_report *r) {
  tree *t = &c->t;
  for (int root = 0; root < t->g->vertices; root++) {
    if (t->state[root] != UNSEEN) continue;
    component *k = &c->component[c->components++];
    *k = search(t, root);
    count_component(k, r);
    double delta = imbalance(k), alpha[2] = {1 - delta, 1 + delta};
    for (int at = k->first; at < k->end; at++) {
      c->need[at] = k->end == k->first + 1 ? 0 : alpha[t->link[at] & 1];
      c->at[t->vertex[at]] = at;
    }
  }
}

/* Edges with an end that has no other can only have the weight that this end needs. */
static void peel(core *c, const int *edge, double *w) {
  const sg_incidence *g = c->t.g;
  int waiting = 0;
  memset(c->degree, 0, (size_t)g->vertices * sizeof *c->degree);
  memset(c->mixed, 0, (size_t)g->vertices * sizeof *c->mixed);
  for (int i = 0; i < c->t.count; i++) {
    int u = c->u[i] = c->at[g->end[2 * edge[i]]], v = c->v[i] = c->at[g->end[2 * edge[i] + 1]];
    c->degree[u]++;
    c->degree[v]++;
    c->mixed[u] ^= i;
    c->mixed[v] ^= i;
  }
  for (int at = 0; at < g->vertices; at++)
    if (c->degree[at] == 1) c->ready[waiting++] = at;
  while (waiting > 0) {
    int at = c->ready[--waiting], i = c->mixed[at];
    if (c->degree[at] != 1) continue; /* the last two of a tree: one has gone with the other */
    int to = c->u[i] ^ c->v[i] ^ at;
    w[i] = c->need[at];
    c->need[to] -= w[i];
    c->degree[at] = 0;
    c->mixed[to] ^= i;
    if (--c->degree[to] == 1) c->ready[waiting++] = to;
  }
}

static bool in_core(const core *c, int edge) {
  return c->degree[c->u[edge]] > 0 && c->degree[c->v[edge]] > 0;
}

/* Rows by length, by counting. */
static void make_rows(core *c) {
  int vertices = c->t.g->vertices;
  for (int at = 0; at < vertices; at++)
    if (c->degree[at] > c->longest) c->longest = c->degree[at];
  memset(c->first, 0, ((size_t)c->longest + 2) * sizeof *c->first);
  for (int at = 0; at < vertices; at++) c->first[c->degree[at] + 1] += c->degree[at] > 0;
  for (int k = 0; k <= c->longest; k++) c->first[k + 1] += c->first[k];
  c->n = c->first[c->longest + 1];
  for (int at = 0; at < vertices; at++)
    if (c->degree[at] > 0) c->row[at] = c->first[c->degree[at]]++;
  memmove(c->first + 1, c->first, ((size_t)c->longest + 1) * sizeof *c->first);
  c->first[0] = 0;
  for (int length = 1; length <= c->longest; length++)
    for (int i = c->first[length]; i < c->first[length + 1]; i++) {
      c->next[i] = (int)c->entries;
      c->over[i] = 1.0 / length;
      c->entries += (size_t)length;
    }
  for (int i = 0; i < c->t.count; i++) {
    if (!in_core(c, i)) continue;
    int u = c->row[c->u[i]], v = c->row[c->v[i]];
    c->neighbour[c->next[u]++] = v;
    c->neighbour[c->next[v]++] = u;
  }
}

static inline double add_rows(int length, int rows, const int *neighbour, const double *own,
                              const double *x, double *out) {
  double product = 0;
  for (int i = 0; i < rows; i++, neighbour += length) {
    double sum = length * own[i];
    for (int k = 0; k < length; k++) sum += x[neighbour[k]];
    out[i] = sum;
    product += own[i] * sum;
  }
  return product;
}

/* out = (D + Adj) x; xᵀ out. */
static double times(const core *c, const double *x, double *out) {
  double product = 0;
  const int *at = c->neighbour;
  for (int length = 1; length <= c->longest; length++) {
    int first = c->first[length], rows = c->first[length + 1] - first;
    const double *own = x + first;
    double *to = out + first;
    switch (length) { /* loops of known length are unrolled */
    case 2: product += add_rows(2, rows, at, own, x, to); break;
    case 3: product += add_rows(3, rows, at, own, x, to); break;
    case 4: product += add_rows(4, rows, at, own, x, to); break;
    case 5: product += add_rows(5, rows, at, own, x, to); break;
    case 6: product += add_rows(6, rows, at, own, x, to); break;
    default: product += add_rows(length, rows, at, own, x, to); break;
    }
    at += (size_t)length * (size_t)rows;
  }
  return product;
}

/* y with (D + Adj) y = what the rows of the core need, by conjugate gradients. */
static void solve(core *c, double tolerance, sg_incidence_report *report) {
  double rho = 0, size = 0;
  int most = c->n + 10;
  for (int at = 0; at < c->t.g->vertices; at++)
    if (c->degree[at] > 0) c->r[c->row[at]] = c->need[at];
  for (int i = 0; i < c->n; i++) {
    c->y[i] = c->r[i] * c->over[i] / 2; /* right where all degrees and needs are the same */
    size += c->r[i] * c->r[i] * c->over[i];
  }
  times(c, c->y, c->q);
  for (int i = 0; i < c->n; i++) {
    c->r[i] -= c->q[i];
    c->p[i] = c->r[i] * c->over[i];
    rho += c->r[i] * c->p[i];
  }
  for (; rho > tolerance * tolerance * size && report->steps < most; report->steps++) {
    double along = times(c, c->p, c->q), before = rho;
    if (!(along > 0)) break;
    along = rho / along;
    rho = 0;
    for (int i = 0; i < c->n; i++) {
      c->y[i] += along * c->p[i];
      c->r[i] -= along * c->q[i];
      rho += c->r[i] * c->r[i] * c->over[i];
    }
    for (int i = 0; i < c->n; i++) c->p[i] = c->r[i] * c->over[i] + rho / before * c->p[i];
  }
  report->core = c->n;
}

/* What conjugate gradients have left goes along the tree. */
static void put_right(core *c, double *w, sg_incidence_report *report) {
  double *still = c->t.still, left = 0, all = 0;
  for (int at = 0; at < c->t.g->vertices; at++) still[at] = c->degree[at] > 0 ? c->need[at] : 0;
  for (int i = 0; i < c->t.count; i++) {
    if (!in_core(c, i)) continue;
    w[i] = c->y[c->row[c->u[i]]] + c->y[c->row[c->v[i]]];
    still[c->u[i]] -= w[i];
    still[c->v[i]] -= w[i];
  }
  for (int k = 0; k < c->components; k++) {
    const component *one = &c->component[k];
    double owed = 0;
    for (int at = one->first; at < one->end; at++) {
      owed += c->t.link[at] & 1 ? -still[at] : still[at];
      left += still[at] * still[at];
      all += c->degree[at] > 0 ? c->need[at] * c->need[at] : 0;
    }
    if (one->end > one->first + 2) sweep(&c->t, one, (double[]){0, 0}, owed, w);
  }
  report->residual = all > 0 ? sqrt(left / all) : 0;
}

void sg_least_norm_weights(const sg_incidence *g, int count, const int *edge, double tolerance,
                           double *w, sg_incidence_report *report, void *workspace) {
  char *memory = workspace;
  core c = lay_out_core(g, count, &memory);
  *report = (sg_incidence_report){0};
  mark(&c.t, edge);
  memset(w, 0, (size_t)count * sizeof *w);
  find_components(&c, report);
  peel(&c, edge, w);
  make_rows(&c);
  if (c.n > 0) {
    solve(&c, tolerance > 0 ? tolerance : 1e-8, report);
    put_right(&c, w, report);
  }
  double a_step = 2.0 * (double)c.entries + 11.0 * c.n;
  report->flops = 4.0 * g->vertices + 2.0 * count + (report->steps + 1) * a_step;
}
