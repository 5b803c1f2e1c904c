/* SPDX-License-Identifier: MIT */
/* Graphs: making them. Their measures are in graph_measures.c. */
#include "codes/tools/graphs.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"
#include "sim/core/text.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Memory and index ------------------------------------------------------------------------- */

bool sg_graph_new(sg_graph *g, int vertices, int edges) {
  size_t n = (size_t)vertices, m = (size_t)edges;
  assert(vertices >= 0 && edges >= 0 && edges <= 1 << 30);
  *g = (sg_graph){.vertices = vertices, .edges = edges};
  g->end = calloc(6 * m + n + 1, sizeof *g->end);
  if (!g->end) return false;
  g->to = g->end + 2 * m;
  g->by = g->to + 2 * m;
  g->begin = g->by + 2 * m;
  return true;
}

void sg_graph_free(sg_graph *g) {
  free(g->end);
  *g = (sg_graph){0};
}

static void order_ends(sg_graph *g) {
  for (int e = 0; e < g->edges; e++) {
    int u = g->end[2 * e], v = g->end[2 * e + 1];
    assert(u >= 0 && u < g->vertices && v >= 0 && v < g->vertices);
    if (u <= v) continue;
    g->end[2 * e] = v;
    g->end[2 * e + 1] = u;
  }
}

/* By counting, stably, from `from` to `to`, by the ends at place 0 or 1 of each edge. */
static void sort_by(const sg_graph *g, int place, const int *from, int *to) {
  int *next = g->begin;
  memset(next, 0, ((size_t)g->vertices + 1) * sizeof *next);
  for (int e = 0; e < g->edges; e++) next[from[2 * e + place] + 1]++;
  for (int v = 0; v < g->vertices; v++) next[v + 1] += next[v];
  for (int e = 0; e < g->edges; e++) {
    int k = next[from[2 * e + place]]++;
    to[2 * k] = from[2 * e];
    to[2 * k + 1] = from[2 * e + 1];
  }
}

bool sg_graph_index(sg_graph *g, bool sort) {
  order_ends(g);
  if (sort) { /* `to` is free yet */
    sort_by(g, 1, g->end, g->to);
    sort_by(g, 0, g->to, g->end);
  }
  memset(g->begin, 0, ((size_t)g->vertices + 1) * sizeof *g->begin);
  for (int k = 0; k < 2 * g->edges; k++) g->begin[g->end[k] + 1]++;
  for (int v = 0; v < g->vertices; v++) g->begin[v + 1] += g->begin[v];
  for (int k = 0; k < 2 * g->edges; k++) { /* begin[v] goes on to the end of v's … */
    int at = g->begin[g->end[k]]++;
    g->to[at] = g->end[k ^ 1];
    g->by[at] = k / 2;
  }
  memmove(g->begin + 1, g->begin, (size_t)g->vertices * sizeof *g->begin); /* … and back */
  g->begin[0] = 0;
  return true;
}

/* --- Families --------------------------------------------------------------------------------- */

static void join(sg_graph *g, int *count, int u, int v) {
  assert(*count < g->edges);
  g->end[2 * *count] = u;
  g->end[2 * (*count)++ + 1] = v;
}

bool sg_graph_circulant(sg_graph *g, int n, int steps, const int *step) {
  int edges = 0, count = 0;
  for (int k = 0; k < steps; k++) {
    assert(step[k] > 0 && step[k] <= n / 2);
    edges += 2 * step[k] == n ? n / 2 : n;
  }
  if (!sg_graph_new(g, n, edges)) return false;
  for (int k = 0; k < steps; k++)
    for (int i = 0; i < (2 * step[k] == n ? n / 2 : n); i++) join(g, &count, i, (i + step[k]) % n);
  return sg_graph_index(g, true);
}

bool sg_graph_cycle(sg_graph *g, int n) {
  assert(n >= 3);
  return sg_graph_circulant(g, n, 1, &(int){1});
}

bool sg_graph_moebius_ladder(sg_graph *g, int n) {
  assert(n >= 4 && n % 2 == 0);
  return sg_graph_circulant(g, n, 2, (int[]){1, n / 2});
}

bool sg_graph_complete(sg_graph *g, int n) {
  int count = 0;
  assert(n >= 2 && n <= 40000);
  if (!sg_graph_new(g, n, n * (n - 1) / 2)) return false;
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) join(g, &count, i, j);
  return sg_graph_index(g, false);
}

bool sg_graph_complete_bipartite(sg_graph *g, int a, int b) {
  int count = 0;
  assert(a >= 1 && b >= 1 && a <= 30000 && b <= 30000);
  if (!sg_graph_new(g, a + b, a * b)) return false;
  for (int i = 0; i < a; i++)
    for (int j = 0; j < b; j++) join(g, &count, i, a + j);
  return sg_graph_index(g, false);
}

bool sg_graph_petersen(sg_graph *g, int n, int k) {
  int count = 0;
  assert(k >= 1 && 2 * k < n);
  if (!sg_graph_new(g, 2 * n, 3 * n)) return false;
  for (int i = 0; i < n; i++) {
    join(g, &count, i, (i + 1) % n);
    join(g, &count, i, n + i);
    join(g, &count, n + i, n + (i + k) % n);
  }
  return sg_graph_index(g, true);
}

bool sg_graph_margulis(sg_graph *g, int s) {
  int count = 0;
  assert(s >= 2 && s <= 16000);
  if (!sg_graph_new(g, s * s, 4 * s * s)) return false;
  for (int x = 0; x < s; x++)
    for (int y = 0; y < s; y++) {
      int from = x * s + y;
      join(g, &count, from, (x + 2 * y) % s * s + y);
      join(g, &count, from, (x + 2 * y + 1) % s * s + y);
      join(g, &count, from, x * s + (y + 2 * x) % s);
      join(g, &count, from, x * s + (y + 2 * x + 1) % s);
    }
  return sg_graph_index(g, true);
}

/* --- Lubotzky, Phillips, Sarnak --------------------------------------------------------------- */

static bool is_prime(long n) {
  for (long k = 2; k * k <= n; k++)
    if (n % k == 0) return false;
  return n >= 2;
}

/* base^exponent modulo q, q < 2^31. */
static long power(long base, long exponent, long q) {
  long result = 1;
  for (base %= q; exponent > 0; exponent /= 2) {
    if (exponent % 2) result = result * base % q;
    base = base * base % q;
  }
  return result;
}

static bool is_square(long a, long q) {
  return power(a, (q - 1) / 2, q) == 1;
}

int sg_lps_vertices(long p, long q, const char **why) {
  const long most = 1000000; /* primes beyond have graphs that are too large in any case */
  const double edges = (double)q * ((double)q * (double)q - 1) * ((double)p + 1) / 2;
  *why = NULL;
  if (p < 2 || p > most || p % 4 != 1 || !is_prime(p))
    *why = "p must be a prime that is 1 modulo 4";
  else if (q < 2 || q > most || q % 4 != 1 || !is_prime(q))
    *why = "q must be a prime that is 1 modulo 4";
  else if (p == q)
    *why = "p and q must be different";
  else if (q * q <= 4 * p)
    *why = "q must be greater than 2 √p, or the graph is not simple";
  else if (edges / (is_square(p, q) ? 2 : 1) > (double)(1 << 30))
    *why = "the graph would have more than 2^30 edges";
  return *why ? 0 : (int)(q * (q * q - 1) / (is_square(p, q) ? 2 : 1));
}

/* A matrix over the integers modulo q up to a factor: its first entry that is not 0 becomes 1. */
typedef struct projective {
  long a, b, c, d;
} projective;

typedef struct lps {
  long q;
  const long *inverse; /* q: of numbers modulo q */
  int *vertex;         /* q³ + q²: of a matrix by number_of; −1: not in the group */
} lps;

static projective normal(const lps *l, projective m) {
  long first = m.a ? m.a : m.b, f = l->inverse[first];
  return (projective){m.a * f % l->q, m.b * f % l->q, m.c * f % l->q, m.d * f % l->q};
}

/* Of a normal matrix: 1 b c d first, then 0 1 c d. */
static size_t number_of(const lps *l, projective m) {
  size_t q = (size_t)l->q, rest = (size_t)m.c * q + (size_t)m.d;
  return m.a ? (size_t)m.b * q * q + rest : q * q * q + rest;
}

static projective times(long q, projective x, projective y) {
  return (projective){(x.a * y.a + x.b * y.c) % q, (x.a * y.b + x.b * y.d) % q,
                      (x.c * y.a + x.d * y.c) % q, (x.c * y.b + x.d * y.d) % q};
}

static long modulo(long x, long q) {
  return (x % q + q) % q;
}

/* The p + 1 matrices of the quaternions of norm p. */
static int generators(int p, long q, projective *s) {
  int count = 0, root = (int)sqrt((double)p);
  long i = 2;
  while (i * i % q != q - 1) i++;
  for (int a0 = 1; a0 <= root; a0 += 2)
    for (int a1 = -root + root % 2; a1 <= root; a1 += 2)
      for (int a2 = -root + root % 2; a2 <= root; a2 += 2)
        for (int a3 = -root + root % 2; a3 <= root; a3 += 2)
          if (a0 * a0 + a1 * a1 + a2 * a2 + a3 * a3 == p) {
            assert(count <= p);
            s[count++] = (projective){modulo(a0 + i * a1, q), modulo(a2 + i * a3, q),
                                      modulo(-a2 + i * a3, q), modulo(a0 - i * a1, q)};
          }
  assert(count == p + 1); /* Jacobi's theorem */
  return count;
}

/* Calls for every normal matrix of the group in the order of its number. */
static void number_vertices(lps *l, bool squares, projective *of) {
  long q = l->q;
  int next = 0;
  for (long first = 0; first < q + 1; first++)
    for (long c = 0; c < q; c++)
      for (long d = 0; d < q; d++) {
        projective m = first < q ? (projective){1, first, c, d} : (projective){0, 1, c, d};
        long det = modulo(m.a * d - m.b * c, q);
        bool in = det != 0 && (!squares || is_square(det, q));
        l->vertex[number_of(l, m)] = in ? next : -1;
        if (in) of[next++] = m;
      }
}

bool sg_graph_lps(sg_graph *g, int p, int q) {
  const char *why;
  int n = sg_lps_vertices(p, q, &why), count = 0;
  size_t size = (size_t)q;
  assert(n > 0);
  *g = (sg_graph){0};
  SG_OWNED long *inverse = calloc(size, sizeof *inverse);
  SG_OWNED int *vertex = malloc(size * size * (size + 1) * sizeof *vertex);
  SG_OWNED projective *of = malloc((size_t)n * sizeof *of);
  SG_OWNED projective *s = malloc(((size_t)p + 1) * sizeof *s);
  if (!inverse || !vertex || !of || !s || !sg_graph_new(g, n, n / 2 * (p + 1))) return false;
  for (long x = 1; x < q; x++) inverse[x] = power(x, q - 2, q);
  lps l = {.q = q, .inverse = inverse, .vertex = vertex};
  generators(p, q, s);
  number_vertices(&l, is_square(p, q), of);
  /* The inverse of a generator is one: every edge is met from both ends. */
  for (int v = 0; v < n; v++)
    for (int k = 0; k <= p; k++) {
      int u = vertex[number_of(&l, normal(&l, times(q, of[v], s[k])))];
      assert(u >= 0 && u != v);
      if (v < u) join(g, &count, v, u);
    }
  assert(count == g->edges);
  return sg_graph_index(g, true);
}

/* --- Random graphs ---------------------------------------------------------------------------- */

/* Numbers of one long stream of a seed, which is cut into addressed ones. */
typedef struct dice {
  uint64_t seed;
  uint32_t purpose, next, left;
  sg_stream stream;
} dice;

static int below(dice *d, int n) {
  enum { LENGTH = 1 << 16 };
  if (d->left-- == 0) {
    sg_stream_at(&d->stream, d->seed, 0, SG_FOR_CODE, d->purpose, d->next++, 0);
    d->left = LENGTH - 1;
  }
  return (int)(sg_uniform(&d->stream) * n);
}

/* A graph of fixed degree by rows of neighbours, while it is made. */
typedef struct partial {
  int n, d, side; /* side: 0, or vertices below it are joined to others only */
  int *degree, *to, *point;
} partial;

static bool has(const partial *r, int u, int v) {
  for (int k = 0; k < r->degree[u]; k++)
    if (r->to[(size_t)u * (size_t)r->d + (size_t)k] == v) return true;
  return false;
}

static void add(partial *r, int u, int v) {
  r->to[(size_t)u * (size_t)r->d + (size_t)r->degree[u]++] = v;
  r->to[(size_t)v * (size_t)r->d + (size_t)r->degree[v]++] = u;
}

/* One pairing of all points, up to the first that spoils it. */
static bool pair_points(partial *r, dice *d) {
  int points = r->n * r->d, half = r->side * r->d;
  memset(r->degree, 0, (size_t)r->n * sizeof *r->degree);
  for (int left = points; left > (r->side ? half : 0); left -= r->side ? 1 : 2) {
    /* With sides, those above pair with those below; else the last with any before it. */
    int last = r->point[left - 1], below_it = r->side ? left - half : left - 1;
    int pick = below(d, below_it), to = r->side ? left - half - 1 : left - 2;
    int u = last / r->d, v = r->point[pick] / r->d;
    if (u == v || has(r, u, v)) return false;
    add(r, u, v);
    int kept = r->point[pick];
    r->point[pick] = r->point[to];
    r->point[to] = kept;
  }
  return true;
}

static void replace(partial *r, int u, int old, int new) {
  int *to = r->to + (size_t)u * (size_t)r->d;
  while (*to != old) to++;
  *to = new;
}

/* From a circulant graph: edges a b and c d become a d and c b. */
static void switch_edges(partial *r, dice *random) {
  int m = r->n * r->d / 2;
  int span = r->side ? r->side : r->n;
  memset(r->degree, 0, (size_t)r->n * sizeof *r->degree);
  for (int i = 0; i < span; i++)
    for (int k = 0; k < (r->side ? r->d : r->d / 2); k++)
      add(r, i, r->side ? r->side + (i + k) % span : (i + k + 1) % span);
  for (int i = 0; !r->side && r->d % 2 && i < span / 2; i++) add(r, i, i + span / 2);
  int *end = r->point; /* edges, instead of points; with sides the lower one first */
  for (int u = 0, at = 0; u < r->n; u++)
    for (int k = 0; k < r->d; k++) {
      int v = r->to[(size_t)u * (size_t)r->d + (size_t)k];
      if (u > v) continue;
      end[at++] = u;
      end[at++] = v;
    }
  long steps = (long)(10.0 * m * (log((double)m + 1) + 1));
  for (long i = 0; i < steps; i++) {
    int e = below(random, m), f = below(random, m), turned = r->side ? 0 : below(random, 2);
    int a = end[2 * e], b = end[2 * e + 1], c = end[2 * f + turned], w = end[2 * f + 1 - turned];
    if (a == w || c == b || a == c || b == w || has(r, a, w) || has(r, c, b)) continue;
    replace(r, a, b, w);
    replace(r, b, a, c);
    replace(r, c, w, b);
    replace(r, w, c, a);
    end[2 * e + 1] = w;
    end[2 * f] = c;
    end[2 * f + 1] = b;
  }
}

bool sg_graph_exactly_uniform(int n, int d, bool bipartite) {
  if (!bipartite && d > n - 1 - d) d = n - 1 - d;
  if (bipartite && 2 * d > n / 2) d = n / 2 - d;
  /* Spoilers are about Poisson of that mean; a trial gets as far as the first. */
  double mean = bipartite ? (d - 1.0) * (d - 1.0) / 2 : ((double)d * d - 1) / 4;
  return d <= 1 || mean + log((double)n * d / (mean + 1)) < log(6e7);
}

static void fill_rows(partial *r, bool exact, uint64_t seed) {
  dice random = {.seed = seed, .purpose = 0xfffd};
  for (int k = 0; k < r->n * r->d; k++) r->point[k] = k;
  if (exact)
    while (!pair_points(r, &random)) continue;
  else
    switch_edges(r, &random);
}

/* The graph of the rows, or of the pairs that are not in them. */
static bool from_rows(sg_graph *g, const partial *r, bool complement) {
  int count = 0, first = r->side, wanted = r->side ? r->side : r->n - 1;
  int d = complement ? wanted - r->d : r->d;
  if (!sg_graph_new(g, r->n, r->n * d / 2)) return false;
  for (int u = 0; u < (r->side ? r->side : r->n); u++) {
    for (int k = 0; !complement && k < r->d; k++) {
      int v = r->to[(size_t)u * (size_t)r->d + (size_t)k];
      if (u < v) join(g, &count, u, v);
    }
    for (int v = first ? first : u + 1; complement && v < r->n; v++)
      if (!has(r, u, v)) join(g, &count, u, v);
  }
  return sg_graph_index(g, true);
}

static bool draw(sg_graph *g, int n, int side, int d, bool exact, uint64_t seed) {
  int full = side ? side : n - 1;
  bool complement = d > full - d;
  partial r = {.n = n, .d = complement ? full - d : d, .side = side};
  *g = (sg_graph){0};
  size_t points = (size_t)n * (size_t)r.d;
  SG_OWNED int *memory = malloc(((size_t)n + 2 * points + 1) * sizeof *memory);
  if (!memory) return false;
  r.degree = memory;
  r.to = memory + n;
  r.point = r.to + points;
  memset(r.degree, 0, (size_t)n * sizeof *r.degree);
  fill_rows(&r, exact, seed);
  return from_rows(g, &r, complement);
}

bool sg_graph_random_regular(sg_graph *g, int n, int d, uint64_t seed) {
  assert(d >= 0 && d < n && n % 2 * d % 2 == 0 && (double)n * d < 1 << 30);
  return draw(g, n, 0, d, sg_graph_exactly_uniform(n, d, false), seed);
}

bool sg_graph_random_bipartite(sg_graph *g, int side, int d, uint64_t seed) {
  assert(side >= 1 && d >= 0 && d <= side && 2.0 * side * d < 1 << 30);
  return draw(g, 2 * side, side, d, sg_graph_exactly_uniform(2 * side, d, true), seed);
}

bool sg_graph_random_by_switches(sg_graph *g, int n, int d, bool bipartite, uint64_t seed) {
  assert(!bipartite || n % 2 == 0);
  return draw(g, n, bipartite ? n / 2 : 0, d, false, seed);
}

/* --- Files ------------------------------------------------------------------------------------ */

enum { MOST_FAULTS = 20, MOST_VERTICES = 1 << 30 };

typedef struct reading {
  const sg_matrix *rows;
  const char *path;
  sg_error *e;
  int faults;
} reading;

/* row −1: a fault of the whole file. */
static void __attribute__((format(printf, 3, 4)))
fault(reading *r, int row, const char *format, ...) {
  if (r->faults++ >= MOST_FAULTS) return;
  char text[300];
  sg_buffer place = {0};
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  sg_put(&place, r->path);
  if (row >= 0) sg_putf(&place, ":%ld", sg_matrix_line(r->rows, row));
  sg_fail(r->e, SG_INVALID, place.data, "%s", text);
  free(place.data);
}

static bool is_vertex(double x) {
  return x >= 0 && x < MOST_VERTICES && x == floor(x);
}

/* Whether the row is an edge; *largest: the largest vertex so far. */
static bool check_row(reading *r, int row, int vertices, int *largest) {
  const double *x = r->rows->number + (size_t)row * 2;
  for (int k = 0; k < 2; k++) {
    if (!is_vertex(x[k]) || (vertices > 0 && x[k] >= vertices)) {
      if (vertices > 0)
        fault(r, row, "expected a vertex, a whole number from 0 to %d, found %g", vertices - 1,
              x[k]);
      else
        fault(r, row, "expected a vertex, a whole number ≥ 0, found %g", x[k]);
      return false;
    }
    if (x[k] > *largest) *largest = (int)x[k];
  }
  if (x[0] != x[1]) return true;
  fault(r, row, "expected an edge between two vertices, found a loop at %g", x[0]);
  return false;
}

/* One fault for every run of vertices without edges. */
static void check_isolated(reading *r, const sg_graph *g) {
  for (int v = 0; v < g->vertices; v++) {
    int first = v;
    while (v < g->vertices && g->begin[v] == g->begin[v + 1]) v++;
    if (v == first + 1)
      fault(r, -1,
            "expected an edge at every vertex, found none at %d: its block would be lost in "
            "every round",
            first);
    if (v > first + 1)
      fault(r, -1,
            "expected an edge at every vertex, found none at %d to %d: their blocks would be "
            "lost in every round",
            first, v - 1);
  }
}

sg_status sg_graph_read(sg_graph *g, const sg_matrix *rows, const char *path, int vertices,
                        sg_error *e) {
  reading r = {.rows = rows, .path = path, .e = e};
  int largest = 0, count = 0;
  *g = (sg_graph){0};
  if (rows->columns != 2) {
    fault(&r, 0, "expected the two vertices of an edge in each row, found %d number%s",
          rows->columns, rows->columns == 1 ? "" : "s");
    return SG_INVALID;
  }
  if (!sg_graph_new(g, 0, rows->rows)) return sg_fail_memory(e);
  for (int i = 0; i < rows->rows; i++)
    if (check_row(&r, i, vertices, &largest)) {
      const double *x = rows->number + (size_t)i * 2;
      join(g, &count, (int)x[0], (int)x[1]);
    }
  /* More vertices than twice the edges: some have none, and there is no need to list them. */
  int n = vertices > 0 ? vertices : largest + 1;
  if (n > 2 * rows->rows) {
    fault(&r, -1, "expected an edge at every vertex, found %d vertices and %d edges", n,
          rows->rows);
  } else {
    sg_graph whole;
    if (!sg_graph_new(&whole, n, count)) return sg_fail_memory(e);
    memcpy(whole.end, g->end, 2 * (size_t)count * sizeof *g->end);
    sg_graph_free(g);
    *g = whole;
    sg_graph_index(g, false);
    check_isolated(&r, g);
  }
  if (r.faults > MOST_FAULTS)
    sg_fail(e, SG_INVALID, path, "%d more faults are not listed", r.faults - MOST_FAULTS);
  return r.faults ? SG_INVALID : SG_OK;
}
