/* SPDX-License-Identifier: MIT */
/* Graph codes: graphs and their measures against closed forms, the decoder against brute force, and
 * against the printed numbers of theory: graph-codes (derived, by other code than ours). */
#include "codes/tools/incidence.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static sg_stream stream_of(uint32_t test, uint32_t number) {
  sg_stream s;
  sg_stream_at(&s, 12, 2, SG_FOR_CHECK, test, number, 0);
  return s;
}

static int below(sg_stream *s, int n) {
  return (int)(sg_uniform(s) * n);
}

/* --- Graphs ----------------------------------------------------------------------------------- */

static sg_graph_facts facts_of(const sg_graph *g) {
  sg_graph_facts f;
  assert_true(sg_graph_measure(g, &f));
  return f;
}

/* Regular of degree d, simple, on so many vertices; ends in order, the index complete. */
static void check_simple(const sg_graph *g, int vertices, int d, int components, bool bipartite) {
  sg_graph_facts f = facts_of(g);
  assert_int_equal(g->vertices, vertices);
  assert_int_equal(2 * g->edges, vertices * d);
  assert_int_equal(f.least_degree, d);
  assert_int_equal(f.most_degree, d);
  assert_int_equal(f.loops + f.repeats, 0);
  assert_int_equal(f.components, components);
  assert_int_equal(f.bipartite, bipartite);
  for (int v = 0; v < vertices; v++)
    for (int k = g->begin[v]; k < g->begin[v + 1]; k++) {
      const int *end = g->end + 2 * g->by[k];
      assert_true((end[0] == v && end[1] == g->to[k]) || (end[1] == v && end[0] == g->to[k]));
    }
}

static void check_spectrum(sg_graph *g, double second, double least, double absolute, int girth) {
  sg_spectrum s;
  assert_int_equal(sg_graph_spectrum(g, &s), SG_OK);
  if (!(fabs(s.second - second) < 1e-8 && fabs(s.least - least) < 1e-8 &&
        fabs(s.absolute - absolute) < 1e-8))
    fail_msg("%d vertices: %.12g, %.12g, %.12g, expected %.12g, %.12g, %.12g", g->vertices,
             s.second, s.least, s.absolute, second, least, absolute);
  assert_int_equal(sg_graph_girth(g), girth);
  sg_graph_free(g);
}

/* λ of a circulant graph of n vertices: Σ 2 cos(2π j step/n), but one cosine for the step n/2. */
static void check_circulant(int n, int steps, const int *step, int components, bool bipartite,
                            int girth) {
  double second = -INFINITY, least = INFINITY, absolute = 0;
  int d = 0;
  sg_graph g;
  for (int k = 0; k < steps; k++) d += 2 * step[k] == n ? 1 : 2;
  for (int j = 1; j < n; j++) {
    double sum = 0;
    for (int k = 0; k < steps; k++)
      sum += (2 * step[k] == n ? 1 : 2) * cos(2 * M_PI * j / n * step[k]);
    second = fmax(second, sum);
    least = fmin(least, sum);
    bool known = bipartite && components == 1 && 2 * j == n;
    if (!known) absolute = fmax(absolute, fabs(sum));
  }
  assert_true(sg_graph_circulant(&g, n, steps, step));
  check_simple(&g, n, d, components, bipartite);
  check_spectrum(&g, second, least, absolute, girth);
}

static void families_are_what_is_known_of_them(void **state) {
  (void)state;
  sg_graph g;
  assert_true(sg_graph_petersen(&g, 5, 2)); /* eigenvalues 3, 1 (5), −2 (4) */
  check_simple(&g, 10, 3, 1, false);
  check_spectrum(&g, 1, -2, 2, 5);
  assert_true(sg_graph_petersen(&g, 8, 3)); /* 3, √3 (4), 1 (3), −1, −√3, −3 */
  check_simple(&g, 16, 3, 1, true);
  check_spectrum(&g, sqrt(3), -3, sqrt(3), 6);
  for (int n = 3; n < 9; n++) {
    assert_true(sg_graph_complete(&g, n));
    check_simple(&g, n, n - 1, 1, false);
    check_spectrum(&g, -1, -1, 1, 3);
    assert_true(sg_graph_complete_bipartite(&g, n, n));
    check_simple(&g, 2 * n, n, 1, true);
    check_spectrum(&g, 0, -n, 0, 4);
    check_circulant(n, 1, (int[]){1}, 1, n % 2 == 0, n);
  }
  /* Small by LAPACK, large by Lanczos. */
  check_circulant(1200, 1, (int[]){1}, 1, true, 1200);
  check_circulant(1000, 2, (int[]){1, 7}, 1, true, 4);
  check_circulant(1001, 2, (int[]){1, 30}, 1, false, 4);
  check_circulant(600, 2, (int[]){2, 4}, 2, false, 3);
  check_circulant(10, 2, (int[]){1, 5}, 1, true, 4);
  assert_true(sg_graph_moebius_ladder(&g, 16));
  check_simple(&g, 16, 3, 1, false);
  sg_graph_free(&g);
  assert_true(sg_graph_margulis(&g, 7));
  sg_graph_facts f = facts_of(&g);
  assert_true(f.least_degree == 8 && f.most_degree == 8 && f.components == 1);
  sg_spectrum s;
  assert_int_equal(sg_graph_spectrum(&g, &s), SG_OK);
  assert_true(s.second <= 5 * sqrt(2)); /* Gabber and Galil 1981 */
  assert_int_equal(sg_graph_girth(&g), 1);
  sg_graph_free(&g);
}

/* Two sizes that are bipartite and two that are not, one of which is named in the literature. */
static void ramanujan_graphs_are_ramanujan(void **state) {
  (void)state;
  static const struct {
    int p, q, vertices, girth; /* girth ≥ 4 log_p q − log_p 4 if bipartite, 2 log_p q (published) */
    bool bipartite;
  } known[] = {{5, 13, 2184, 8, true},
               {5, 17, 4896, 8, true},
               {17, 13, 1092, 3, false},
               {13, 17, 2448, 6, false},
               {5, 29, 12180, 9, false}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const char *why;
    sg_graph g;
    sg_spectrum s;
    int p = known[i].p, q = known[i].q;
    assert_int_equal(sg_lps_vertices(p, q, &why), known[i].vertices);
    assert_true(sg_graph_lps(&g, p, q));
    check_simple(&g, known[i].vertices, p + 1, 1, known[i].bipartite);
    assert_int_equal(sg_graph_spectrum(&g, &s), SG_OK);
    assert_true(s.absolute <= 2 * sqrt(p) + 1e-9);
    assert_true(s.absolute > 2 * sqrt(p) * 0.8); /* Alon and Boppana */
    assert_true(fabs(s.least - -(p + 1.0)) < 1e-9 || !known[i].bipartite);
    int girth = sg_graph_girth(&g);
    assert_int_equal(girth, known[i].girth);
    assert_true(girth >=
                (known[i].bipartite ? 4 * log(q) / log(p) - log(4) / log(p) : 2 * log(q) / log(p)) -
                    1e-9);
    sg_graph_free(&g);
  }
  static const struct {
    long p, q;
    const char *words;
  } none[] = {{3, 13, "p must be a prime"},
              {9, 13, "p must be a prime"},
              {5, 15, "q must be a prime"},
              {5, 7, "q must be a prime"},
              {13, 13, "different"},
              {13, 5, "2 √p"},
              {29, 5, "2 √p"},
              {5, 1009, "2^30"},
              {1000003, 13, "p must be a prime"}};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
    const char *why;
    assert_int_equal(sg_lps_vertices(none[i].p, none[i].q, &why), 0);
    assert_non_null(strstr(why, none[i].words));
  }
}

/* --- Random graphs ---------------------------------------------------------------------------- */

/* The graph on at most 8 vertices as a number. */
static unsigned long name_of(const sg_graph *g) {
  unsigned long name = 0;
  for (int e = 0; e < g->edges; e++)
    name |= 1UL << (g->end[2 * e] * g->vertices + g->end[2 * e + 1]);
  return name;
}

/* χ² of how often each of `kinds` graphs was drawn, less its mean, in standard deviations. */
static double excess_of_names(int kinds, int draws, bool (*draw)(sg_graph *, uint64_t)) {
  unsigned long name[200] = {0};
  int count[200] = {0}, met = 0;
  for (int i = 0; i < draws; i++) {
    sg_graph g;
    assert_true(draw(&g, (uint64_t)i + 1));
    unsigned long x = name_of(&g);
    sg_graph_free(&g);
    int k = 0;
    while (k < met && name[k] != x) k++;
    assert_true(k < 200);
    if (k == met) name[met++] = x;
    count[k]++;
  }
  assert_int_equal(met, kinds); /* every graph that there is, and no other */
  double chi = 0, expected = (double)draws / kinds;
  for (int k = 0; k < kinds; k++) chi += (count[k] - expected) * (count[k] - expected) / expected;
  return (chi - (kinds - 1)) / sqrt(2.0 * (kinds - 1));
}

static bool cubic_6(sg_graph *g, uint64_t seed) {
  return sg_graph_random_regular(g, 6, 3, seed);
}
static bool cycles_6(sg_graph *g, uint64_t seed) {
  return sg_graph_random_regular(g, 6, 2, seed);
}
static bool permutations_4(sg_graph *g, uint64_t seed) {
  return sg_graph_random_bipartite(g, 4, 1, seed);
}
static bool switched_cubic_6(sg_graph *g, uint64_t seed) {
  return sg_graph_random_by_switches(g, 6, 3, false, seed);
}
static bool switched_cycles_6(sg_graph *g, uint64_t seed) {
  return sg_graph_random_by_switches(g, 6, 2, false, seed);
}
static bool switched_squares_4(sg_graph *g, uint64_t seed) {
  return sg_graph_random_by_switches(g, 8, 2, true, seed);
}
static bool squares_4(sg_graph *g, uint64_t seed) {
  return sg_graph_random_bipartite(g, 4, 2, seed);
}

/* Labelled graphs: 70 cubic ones on 6 vertices (60 prisms, 10 K_3,3), 70 of degree 2 (60 hexagons,
 * 10 pairs of triangles), 24 permutations, 90 0/1 matrices of order 4 with line sums 2. */
static void random_graphs_are_uniform(void **state) {
  (void)state;
  assert_true(sg_graph_exactly_uniform(6, 3, false) && sg_graph_exactly_uniform(8, 2, true));
  assert_true(fabs(excess_of_names(70, 7000, cubic_6)) < 4);
  assert_true(fabs(excess_of_names(70, 7000, cycles_6)) < 4);
  assert_true(fabs(excess_of_names(24, 4800, permutations_4)) < 4);
  assert_true(fabs(excess_of_names(90, 9000, squares_4)) < 4);
  assert_true(fabs(excess_of_names(70, 7000, switched_cubic_6)) < 4);
  assert_true(fabs(excess_of_names(70, 7000, switched_cycles_6)) < 4);
  assert_true(fabs(excess_of_names(90, 9000, switched_squares_4)) < 4);
}

/* By switches, as they are too dense for pairings: every pair is an edge as often as any other. */
static void dense_graphs_are_switched(void **state) {
  (void)state;
  enum { N = 20, D = 8, DRAWS = 600 };
  assert_false(sg_graph_exactly_uniform(N, D, false));
  int pair[N][N] = {{0}};
  for (int i = 0; i < DRAWS; i++) {
    sg_graph g;
    assert_true(sg_graph_random_regular(&g, N, D, (uint64_t)i + 1));
    sg_graph_facts f = facts_of(&g);
    assert_true(f.least_degree == D && f.most_degree == D && f.loops + f.repeats == 0);
    for (int e = 0; e < g.edges; e++) pair[g.end[2 * e]][g.end[2 * e + 1]]++;
    sg_graph_free(&g);
  }
  double p = (double)D / (N - 1), chi = 0, pairs = N * (N - 1) / 2.0;
  for (int u = 0; u < N; u++)
    for (int v = u + 1; v < N; v++) {
      double off = pair[u][v] - DRAWS * p;
      chi += off * off / (DRAWS * p * (1 - p));
    }
  /* The sums at the vertices are fixed: N degrees of freedom less. */
  assert_true(fabs(chi - (pairs - N)) < 4 * sqrt(2 * pairs));
  sg_graph g;
  assert_true(sg_graph_random_bipartite(&g, 50, 8, 3));
  check_simple(&g, 100, 8, 1, true);
  for (int e = 0; e < g.edges; e++) assert_true(g.end[2 * e] < 50 && g.end[2 * e + 1] >= 50);
  sg_graph_free(&g);
  for (int d = 0; d < 12; d++) { /* few edges, many, and complements */
    assert_true(sg_graph_random_regular(&g, 12, d, 5));
    sg_graph_facts f = facts_of(&g);
    assert_true(f.least_degree == d && f.most_degree == d && f.loops + f.repeats == 0);
    sg_graph_free(&g);
  }
}

/* --- Decoding against brute force ------------------------------------------------------------- */

enum { MOST_V = 64, MOST_E = 256 };

typedef struct decoding {
  sg_arena *arena;
  sg_graph g;
  sg_incidence in;
  void *workspace;
  int count, edge[MOST_E];
  double tree[MOST_E], norm[MOST_E];
  double alpha[MOST_V], alpha_norm[MOST_V];
  sg_incidence_report of_tree, of_norm;
} decoding;

static void decoding_open(decoding *d) { /* d->g is made */
  assert_true(d->g.vertices <= MOST_V && d->g.edges <= MOST_E);
  assert_true(sg_incidence_new(&d->arena, &d->g, &d->in));
  d->workspace = malloc(sg_least_norm_bytes(&d->in));
  assert_non_null(d->workspace);
  assert_true(sg_least_norm_bytes(&d->in) >= sg_tree_weights_bytes(&d->in));
}

static void decoding_close(decoding *d) {
  sg_graph_free(&d->g);
  sg_arena_free(d->arena);
  free(d->workspace);
}

static void alpha_of(const decoding *d, const double *w, double *alpha) {
  memset(alpha, 0, (size_t)d->g.vertices * sizeof *alpha);
  for (int i = 0; i < d->count; i++) {
    alpha[d->g.end[2 * d->edge[i]]] += w[i];
    alpha[d->g.end[2 * d->edge[i] + 1]] += w[i];
  }
}

static double square(int n, const double *x) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] * x[i];
  return sum;
}

static double error_of(int n, const double *alpha) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (alpha[i] - 1) * (alpha[i] - 1);
  return sum;
}

/* Σ (|P| − |Q|)²/|K| over bipartite components, by repeated relaxation of two labels. */
static double by_components(const decoding *d) {
  int n = d->g.vertices, label[MOST_V], colour[MOST_V];
  double sum = 0;
  for (int v = 0; v < n; v++) {
    label[v] = v;
    colour[v] = -1;
  }
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = 0; i < d->count; i++) {
      int u = d->g.end[2 * d->edge[i]], v = d->g.end[2 * d->edge[i] + 1];
      int least = label[u] < label[v] ? label[u] : label[v];
      moved |= label[u] != least || label[v] != least;
      label[u] = label[v] = least;
    }
  }
  for (int k = 0; k < n; k++) {
    if (label[k] != k) continue;
    int sides[2] = {0, 0};
    colour[k] = 0;
    for (bool moved = true; moved;) {
      moved = false;
      for (int i = 0; i < d->count; i++)
        for (int turn = 0; turn < 2; turn++) {
          int u = d->g.end[2 * d->edge[i] + turn], v = d->g.end[2 * d->edge[i] + 1 - turn];
          if (label[u] != k || colour[u] < 0 || colour[v] >= 0) continue;
          colour[v] = !colour[u];
          moved = true;
        }
    }
    bool bipartite = true;
    for (int i = 0; i < d->count; i++)
      if (label[d->g.end[2 * d->edge[i]]] == k)
        bipartite &= colour[d->g.end[2 * d->edge[i]]] != colour[d->g.end[2 * d->edge[i] + 1]];
    for (int v = 0; v < n; v++)
      if (label[v] == k) sides[colour[v]]++;
    double excess = sides[0] - sides[1];
    if (bipartite) sum += excess * excess / (sides[0] + sides[1]);
  }
  return sum;
}

/* Least squares of least norm by LAPACK, ‖w‖² and α. */
static double by_lapack(const decoding *d, double *alpha) {
  static double a[MOST_V * MOST_E], x[MOST_E + MOST_V];
  lapack_int pivots[MOST_E];
  int n = d->g.vertices, ld = n > d->count ? n : d->count;
  memset(a, 0, sizeof a);
  for (int i = 0; i < d->count; i++)
    for (int k = 0; k < 2; k++) a[i * n + d->g.end[2 * d->edge[i] + k]] += 1;
  for (int v = 0; v < ld; v++) x[v] = v < n;
  memset(alpha, 0, (size_t)n * sizeof *alpha);
  if (d->count == 0) return 0;
  assert_int_equal(sg_least_squares(n, d->count, 1, a, n, x, ld, 1e-11, pivots, NULL, NULL), SG_OK);
  alpha_of(d, x, alpha);
  return square(d->count, x);
}

static long patterns, disconnected, odd, bipartite_only, empty;

/* One pattern: both decoders, the identities of optimal decoding, the component formula, and the
 * bounds. Returns the error. */
static double check_pattern(decoding *d, bool with_lapack) {
  int n = d->g.vertices, degree[MOST_V] = {0}, lost = 0;
  sg_tree_weights(&d->in, d->count, d->edge, d->tree, &d->of_tree, d->workspace);
  sg_least_norm_weights(&d->in, d->count, d->edge, 0, d->norm, &d->of_norm, d->workspace);
  alpha_of(d, d->tree, d->alpha);
  alpha_of(d, d->norm, d->alpha_norm);
  double error = error_of(n, d->alpha), sum = 0;
  for (int v = 0; v < n; v++) {
    assert_true(fabs(d->alpha[v] - d->alpha_norm[v]) < 1e-9);
    sum += d->alpha[v];
  }
  assert_true(fabs(error - by_components(d)) < 1e-9);
  assert_true(fabs(error - d->of_tree.deviation) < 1e-9);
  assert_true(fabs(error - d->of_norm.deviation) < 1e-9);
  /* 1ᵀα = ‖α‖², n e = n − 1ᵀα, A_Sᵀ(1 − α) = 0. */
  assert_true(fabs(sum - square(n, d->alpha)) < 1e-9);
  assert_true(fabs(error - (n - sum)) < 1e-9);
  for (int i = 0; i < d->count; i++) {
    int u = d->g.end[2 * d->edge[i]], v = d->g.end[2 * d->edge[i] + 1];
    assert_true(fabs(2 - d->alpha[u] - d->alpha[v]) < 1e-9);
    degree[u]++;
    degree[v]++;
  }
  /* A block that nobody has is lost. */
  for (int v = 0; v < n; v++) lost += degree[v] == 0;
  assert_true(error >= lost - 1e-9 && error <= n + 1e-9);
  assert_true(square(d->count, d->norm) <= square(d->count, d->tree) + 1e-9);
  patterns++;
  disconnected += d->of_tree.components > 1;
  odd += d->of_tree.bipartite < d->of_tree.components;
  bipartite_only += d->of_tree.bipartite == d->of_tree.components && d->count > 0;
  empty += d->count == 0;
  if (!with_lapack) return error;
  double alpha[MOST_V], norm = by_lapack(d, alpha);
  for (int v = 0; v < n; v++) assert_true(fabs(alpha[v] - d->alpha[v]) < 1e-9);
  assert_true(fabs(square(d->count, d->norm) - norm) <= 1e-9 * (1 + norm));
  return error;
}

static void draw_edges(decoding *d, sg_stream *s, double p) {
  d->count = 0;
  for (int e = 0; e < d->g.edges; e++)
    if (sg_uniform(s) >= p) d->edge[d->count++] = e;
}

/* One more worker never raises the optimal error. */
static void add_worker(decoding *d, sg_stream *s, double error) {
  int missing = below(s, d->g.edges), at = 0;
  while (at < d->count && d->edge[at] < missing) at++;
  if (at < d->count && d->edge[at] == missing) return;
  memmove(d->edge + at + 1, d->edge + at, (size_t)(d->count - at) * sizeof *d->edge);
  d->edge[at] = missing;
  d->count++;
  assert_true(check_pattern(d, false) <= error + 1e-9);
}

/* Graphs of all kinds, the last with several components and repeated edges. */
static void make_some(int which, sg_graph *g) {
  bool ok = false;
  switch (which) {
  case 0: ok = sg_graph_petersen(g, 5, 2); break;
  case 1: ok = sg_graph_petersen(g, 8, 3); break;
  case 2: ok = sg_graph_moebius_ladder(g, 24); break;
  case 3: ok = sg_graph_complete(g, 7); break;
  case 4: ok = sg_graph_complete_bipartite(g, 5, 5); break;
  case 5: ok = sg_graph_cycle(g, 33); break;
  case 6: ok = sg_graph_random_regular(g, 60, 3, 9); break;
  case 7: ok = sg_graph_random_regular(g, 60, 6, 9); break;
  case 8: ok = sg_graph_random_bipartite(g, 30, 4, 9); break;
  case 9: ok = sg_graph_complete_bipartite(g, 2, 9); break;
  default:
    ok = sg_graph_new(g, 40, 80);
    sg_stream s = stream_of(9, 0);
    for (int e = 0; ok && e < 80; e++) {
      int block = e % 4, u = below(&s, 10), v = below(&s, 9);
      g->end[2 * e] = 10 * block + u;
      g->end[2 * e + 1] = 10 * block + (v < u ? v : v + 1);
    }
    ok = ok && sg_graph_index(g, true);
  }
  assert_true(ok);
}

static void both_decoders_give_the_optimal_sum(void **state) {
  (void)state;
  enum { KINDS = 11, EACH = 700 };
  for (int which = 0; which < KINDS; which++) {
    decoding d = {0};
    make_some(which, &d.g);
    decoding_open(&d);
    for (uint32_t i = 0; i < EACH; i++) {
      sg_stream s = stream_of(1, (uint32_t)which * EACH + i);
      draw_edges(&d, &s, i == 0 ? 1.1 : i == 1 ? -1 : sg_uniform(&s));
      double error = check_pattern(&d, i % 4 == 0);
      add_worker(&d, &s, error);
    }
    decoding_close(&d);
  }
  assert_true(patterns >= 10000);
  assert_true(disconnected > 1000 && odd > 1000 && bipartite_only > 1000 && empty >= KINDS);
}

/* --- Printed numbers -------------------------------------------------------------------------- */

typedef struct enumeration {
  double mean[3]; /* E e at p = .1, .2, .3 */
  double exact;   /* probability of α = 1 at p = .2 */
  double sets_mean[16], sets_worst[16];
  double kappa[MOST_V];  /* E α_i at p = .2 */
  double second[MOST_V]; /* E α_i² */
} enumeration;

/* All patterns of a registered code: α by its rows and weights. */
static void enumerate(bench *b, enumeration *out) {
  static const double p[3] = {0.1, 0.2, 0.3};
  int m = b->code->nodes, n = b->code->parts;
  double sets[16] = {0};
  sg_row row = {0};
  *out = (enumeration){0};
  for (unsigned long present = 0; present < 1UL << m; present++) {
    const sg_message *order[BENCH_MESSAGES];
    double alpha[MOST_V] = {0}, error = 0;
    sg_weights w;
    sg_status status = bench_decode(b, present, 1, &w, order);
    for (int i = 0; status == SG_OK && i < w.count; i++) {
      assert_true(sg_encode(b->code, b->state, order[i], &row));
      for (int k = 0; k < row.n_terms; k++) alpha[row.term[k].part] += w.w[i] * row.term[k].coef;
    }
    double sum = 0;
    for (int i = 0; i < n; i++) {
      error += (alpha[i] - 1) * (alpha[i] - 1);
      sum += alpha[i];
    }
    if (status == SG_OK) {
      assert_true(fabs(w.info.alpha_error - error) < 1e-12 * n);
      assert_true(fabs(w.info.alpha_sum - sum) < 1e-12 * n);
    }
    int missing = m - __builtin_popcountl(present);
    sets[missing]++;
    out->sets_mean[missing] += error;
    out->sets_worst[missing] = fmax(out->sets_worst[missing], error);
    for (int k = 0; k < 3; k++) {
      double probability = pow(p[k], missing) * pow(1 - p[k], m - missing);
      out->mean[k] += probability * error / n;
      if (k != 1) continue;
      if (error < 1e-18) out->exact += probability;
      for (int i = 0; i < n; i++) {
        out->kappa[i] += probability * alpha[i];
        out->second[i] += probability * alpha[i] * alpha[i];
      }
    }
  }
  for (int s = 0; s <= m; s++) out->sets_mean[s] /= sets[s];
  sg_row_free(&row);
}

/* Whether a number is another one as printed with so many decimals. */
static void check_printed(double x, const char *printed) {
  char text[40];
  const char *point = strchr(printed, '.'), *exponent = strchr(printed, 'e');
  int decimals = point ? (int)((exponent ? (size_t)(exponent - point) : strlen(point)) - 1) : 0;
  snprintf(text, sizeof text, exponent ? "%.*e" : "%.*f", decimals, x);
  assert_true(fabs(strtod(text, NULL) - strtod(printed, NULL)) <=
              1e-12 * fabs(strtod(printed, NULL)));
}

typedef struct printed_sets {
  int s;
  const char *mean, *worst;
} printed_sets;

static void check_enumeration(const char *graph, int m, const char *weights,
                              const char *const mean[3], const char *exact,
                              const char *const debiased[3], const printed_sets *sets) {
  bench b;
  enumeration found;
  char text[8];
  snprintf(text, sizeof text, "%d", m - 1); /* any set may be missing */
  bench_open_named(&b, bench_values("graph", "graph", graph, "weights", weights, "s", text, NULL),
                   m, 1);
  enumerate(&b, &found);
  for (int k = 0; k < 3; k++) {
    double p = 0.1 * (k + 1);
    check_printed(found.mean[k], mean[k]);
    if (debiased) check_printed(found.mean[k] / (1 - found.mean[k]), debiased[k]);
    assert_true(found.mean[k] >= p * p * p); /* p^d, any decoder */
  }
  check_printed(found.exact, exact);
  /* The bias by itself: every block has the same (these graphs are vertex-transitive). */
  for (int i = 0; i < b.code->parts; i++) {
    assert_true(fabs(found.kappa[i] - (1 - found.mean[1])) < 1e-12);
    double kappa = found.kappa[i], variance = found.second[i] / kappa / kappa - 1;
    assert_true(fabs(variance - found.mean[1] / (1 - found.mean[1])) < 1e-9);
  }
  for (; sets->mean; sets++) {
    check_printed(found.sets_mean[sets->s], sets->mean);
    check_printed(found.sets_worst[sets->s], sets->worst);
  }
  for (int s = 0; s < m; s++) assert_true(found.sets_worst[s] >= s / 3 - 1e-9);
  bench_close_named(&b);
}

static void enumerations_are_those_printed(void **state) {
  (void)state;
  static const char *const k4[] = {"1.81e-3", "0.01312", "0.04023"};
  static const char *const petersen[] = {"1.21778161e-3", "9.92994634e-3", "0.0335226033"};
  static const char *const debiased[] = {"1.21926641e-3", "0.0100295391", "0.0346853464"};
  static const printed_sets of_k4[] = {{3, "0.4", "1"}, {4, "1.0666667", "1.33333"}, {0}};
  static const printed_sets of_petersen[] = {
      {3, "0.0263736264", "1"}, {5, "0.272172272", "2"}, {8, "1.50753691", "3.14286"}, {0}};
  static const char *const ways[] = {"tree", "minimum-norm"};
  for (int i = 0; i < 2; i++) {
    check_enumeration("complete", 6, ways[i], k4, "0.953344", NULL, of_k4);
    check_enumeration("petersen", 15, ways[i], petersen, "0.886153", debiased, of_petersen);
  }
}

/* Adversarial bound, for constant weights and so for optimal ones: n e ≤ (20/3) s/(15 − s) on
 * Petersen's graph; fixed weights, e = p/(d (1 − p)) on any regular one. */
static void bounds_hold(void **state) {
  (void)state;
  bench b;
  enumeration found;
  bench_open_named(
      &b, bench_values("graph", "graph", "petersen", "decoding", "one-step", "s", "14", NULL), 15,
      1);
  enumerate(&b, &found);
  for (int s = 0; s < 15; s++) {
    double bound = 20.0 / 3 * s / (15 - s);
    assert_true(found.sets_worst[s] <= bound + 1e-9);
  }
  bench_close_named(&b);
  static const char *const p[] = {"0.1", "0.2", "0.3"}, *const printed[] = {".037037", ".083333",
                                                                            ".142857"};
  for (int k = 0; k < 3; k++) {
    bench_open_named(
        &b,
        bench_values("graph", "graph", "complete", "decoding", "fixed", "p", p[k], "s", "5", NULL),
        6, 1);
    enumerate(&b, &found);
    check_printed(found.mean[k], printed[k]);
    bench_close_named(&b);
  }
}

/* --- Monte Carlo ------------------------------------------------------------------------------ */

typedef struct estimate {
  double mean, error; /* and its standard error */
  double tree_norm, tree_most, norm, most;
} estimate;

/* e over `draws` patterns; with `norms`, mean ‖w‖²/m and the largest |w|. */
static estimate sample(sg_graph *g, double p, int draws, bool norms, uint32_t test) {
  sg_arena *arena = NULL;
  sg_incidence in;
  estimate x = {0};
  double sum = 0, squares = 0;
  assert_true(sg_incidence_new(&arena, g, &in));
  void *workspace = malloc(sg_least_norm_bytes(&in));
  int *edge = malloc((size_t)g->edges * sizeof *edge);
  double *w = malloc((size_t)g->edges * sizeof *w);
  assert_true(workspace && edge && w);
  for (uint32_t i = 0; i < (uint32_t)draws; i++) {
    sg_stream s = stream_of(test, i);
    sg_incidence_report report;
    int count = 0;
    for (int e = 0; e < g->edges; e++)
      if (sg_uniform(&s) >= p) edge[count++] = e;
    for (int way = 0; way < (norms ? 2 : 1); way++) {
      if (way == 0)
        sg_tree_weights(&in, count, edge, w, &report, workspace);
      else
        sg_least_norm_weights(&in, count, edge, 0, w, &report, workspace);
      double most = 0;
      for (int k = 0; k < count; k++) most = fmax(most, fabs(w[k]));
      *(way ? &x.norm : &x.tree_norm) += square(count, w) / g->edges / draws;
      double *largest = way ? &x.most : &x.tree_most;
      *largest = fmax(*largest, most);
    }
    double e = report.deviation / g->vertices;
    sum += e;
    squares += e * e;
  }
  x.mean = sum / draws;
  x.error = sqrt((squares / draws - x.mean * x.mean) / draws);
  free(workspace);
  free(edge);
  free(w);
  sg_arena_free(arena);
  return x;
}

static void check_z(const char *what, const estimate *x, double printed, double error) {
  double z = (x->mean - printed) / sqrt(x->error * x->error + error * error);
  if (!(fabs(z) <= 4))
    fail_msg("%s: %.6g ± %.2g, printed %.6g ± %.2g, z = %.2f", what, x->mean, x->error, printed,
             error, z);
}

static void monte_carlo_values_are_met(void **state) {
  (void)state;
  sg_graph g;
  assert_true(sg_graph_lps(&g, 5, 13));
  estimate x = sample(&g, 0.3, 3000, false, 2);
  check_z("X^(5,13)", &x, 7.13e-4, 1e-5);
  check_z("X^(5,13), expansion", &x, pow(0.3, 6) + 15 * 0.49 * pow(0.3, 14) / 3, 0);
  sg_graph_free(&g);
  assert_true(sg_graph_random_regular(&g, 1000, 3, 4));
  x = sample(&g, 0.2, 3000, false, 3);
  check_z("random cubic", &x, 8.198e-3, 5e-5);
  sg_graph_free(&g);
}

/* The norms of both kinds of weights at p = 0.2, over graphs, 20 trials each as those of the table;
 * the tree's depend on which tree it is, and on few patterns. */
static void norms_are_those_printed(void **state) {
  (void)state;
  enum { GRAPHS = 10 };
  static const struct {
    int n, d;
    double tree, norm, tree_most, most;
  } printed[] = {{24, 3, 0.637, 0.239, 3, 2},
                 {200, 3, 0.956, 0.240, 11, 2},
                 {1000, 3, 1.32, 0.244, 17, 2.1},
                 {1000, 6, 6.10, 0.0403, 111, 1.0}};
  for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
    estimate x = {0};
    for (uint32_t k = 0; k < GRAPHS; k++) {
      sg_graph g;
      assert_true(sg_graph_random_regular(&g, printed[i].n, printed[i].d, k + 1));
      estimate y = sample(&g, 0.2, 20, true, 20 + k);
      x.norm += y.norm / GRAPHS;
      x.most += y.most / GRAPHS;
      x.tree_norm += y.tree_norm / GRAPHS;
      x.tree_most += y.tree_most / GRAPHS;
      sg_graph_free(&g);
    }
    print_message("n = %d, d = %d: tree %.3g (most %.3g), minimum-norm %.4g (most %.3g)\n",
                  printed[i].n, printed[i].d, x.tree_norm, x.tree_most, x.norm, x.most);
    assert_true(fabs(x.norm / printed[i].norm - 1) < 0.03);
    assert_true(x.most > 0.7 * printed[i].most && x.most < 1.4 * printed[i].most);
    assert_true(x.tree_norm > 0.5 * printed[i].tree && x.tree_norm < 2 * printed[i].tree);
    assert_true(x.tree_most > 0.4 * printed[i].tree_most &&
                x.tree_most < 2.5 * printed[i].tree_most);
  }
}

/* --- The code --------------------------------------------------------------------------------- */

static void graphs_that_do_not_fit_are_refused(void **state) {
  (void)state;
  static const struct {
    int n;
    const char *name, *text, *name_2, *text_2, *place, *words;
  } wrong[] = {
      {12, "graph", "petersen", NULL, NULL, "graph", "expected 15 workers"},
      {23, "graph", "moebius-kantor", NULL, NULL, "graph", "expected 24 workers"},
      {12, "graph", "complete", NULL, NULL, "graph", "such as 10 or 15"},
      {12, "graph", "complete-bipartite", NULL, NULL, "graph", "such as 9 or 16"},
      {2, "graph", "cycle", NULL, NULL, "graph", "at least 3"},
      {13, "graph", "moebius-ladder", NULL, NULL, "graph", "such as 12 or 15"},
      {16, "graph", "generalised-petersen", NULL, NULL, "graph", "such as 15 or 18"},
      {12, "graph", "generalised-petersen", "k", "2", "graph", "such as 15, found 12"},
      {12, "graph", "lps", NULL, NULL, "graph", "expected 6552 workers"},
      {12, "graph", "lps", "lps_p", "7", "lps_p", "nearest: 5 or 17"},
      {12, "graph", "lps", "lps_q", "15", "lps_q", "nearest: 13 or 17"},
      {12, "graph", "lps", "lps_p", "13", "lps_q", "nearest: 17"},
      {12, "graph", "lps", "lps_p", "53", "lps_q", "greater than 2 √p"},
      {12, "graph", "circulant", NULL, NULL, "circulant_steps", "expected steps"},
      {13, "graph", "circulant", "circulant_steps", "1,3", "graph", "such as 14"},
      {12, "graph", "circulant", "circulant_steps", "1,1", "circulant_steps", "different steps"},
      {13, "d", "3", NULL, NULL, "d", "such as 2"},
      {12, "d", "5", "blocks", "5", "blocks", "4 or 6 blocks"},
      {12, "d", "4", "blocks", "8", "blocks", "blocks · d/2 = 16 workers"},
      {12, "blocks", "7", NULL, NULL, "blocks", "6 or 8"},
      {12, "graph", "random-bipartite", "d", "5", "d", "such as 3"},
      {12, "graph", "random-bipartite", "blocks", "7", "blocks", "even number of blocks"},
      {12, "graph", "cycle", "d", "2", "d", "expected no d"},
      {12, "graph", "file", NULL, NULL, "edges", "name of a CSV file"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char place[64];
    snprintf(place, sizeof place, "/schemes/0/%s", wrong[i].place);
    bench_refused(
        bench_values("graph", wrong[i].name, wrong[i].text, wrong[i].name_2, wrong[i].text_2, NULL),
        wrong[i].n, place, wrong[i].words);
  }
}

static sg_values *from_file(const char *text, char *path, size_t size) {
  snprintf(path, size, "/tmp/test_graph_%ld.csv", (long)getpid());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  sg_values *values = bench_values("graph", "graph", "file", "edges", path, NULL);
  unlink(path);
  return values;
}

static void files_are_read_and_their_faults_listed(void **state) {
  (void)state;
  char path[64];
  bench b;
  sg_error e = {0};
  /* A triangle with a doubled edge: the workers stand in the order of the lines. */
  sg_values *values = from_file("# edges\n2, 0\n0,1\n1,2\n1,2\n", path, sizeof path);
  bench_open_named(&b, values, 4, 1);
  assert_int_equal(b.code->parts, 3);
  assert_non_null(strstr(b.code->note, "1 edges repeat another"));
  sg_row row = {0};
  assert_true(sg_encode(b.code, b.state, &b.message[0], &row));
  assert_true(row.n_terms == 2 && row.term[0].part == 0 && row.term[1].part == 2);
  sg_row_free(&row);
  bench_close_named(&b);
  values = from_file("0,1\n1,1\n0,2.5\n1,2\n\n-1,3\n5,2\n", path, sizeof path);
  assert_int_equal(bench_open(&b, values, 6, 1, &e), SG_INVALID);
  static const struct {
    int line;
    const char *words;
  } faults[] = {{0, "found 4 faults"},
                {2, "a loop at 1"},
                {3, "found 2.5"},
                {6, "found -1"},
                {0, "none at 3 to 4"}};
  assert_int_equal(e.count, 5);
  for (int i = 0; i < 5; i++) {
    char place[80];
    snprintf(place, sizeof place,
             faults[i].line ? "%s:%d"
             : i            ? "%s"
                            : "/schemes/0/edges",
             path, faults[i].line);
    assert_string_equal(e.fault[i].place, place);
    assert_non_null(strstr(e.fault[i].message, faults[i].words));
  }
  sg_error_clear(&e);
  sg_values_free(values);
  values = from_file("0\n1\n", path, sizeof path);
  bench_refused(values, 2, "/schemes/0/edges", "found 1 fault in");
  values = from_file("0,1\n1,2\n2,0\n", path, sizeof path);
  bench_refused(values, 4, "/schemes/0/graph", "expected 3 workers");
  values = from_file("0,1\n0,1000000\n", path, sizeof path);
  bench_refused(values, 2, "/schemes/0/edges", "found 1 fault in");
}

/* One permutation of the blocks: the same graph, other names; another seed, another one. */
static void blocks_are_shuffled(void **state) {
  (void)state;
  int seen[3][24][2];
  for (int which = 0; which < 3; which++) {
    bench b;
    sg_row row = {0};
    bench_open_named(
        &b,
        bench_values("graph", "graph", "moebius-kantor", "shuffle", which ? "true" : "false", NULL),
        24, which == 2 ? 2 : 1);
    int degree[16] = {0};
    for (int j = 0; j < 24; j++) {
      assert_true(sg_encode(b.code, b.state, &b.message[j], &row));
      for (int k = 0; k < 2; k++) degree[seen[which][j][k] = row.term[k].part]++;
    }
    for (int i = 0; i < 16; i++) assert_int_equal(degree[i], 3);
    sg_row_free(&row);
    bench_close_named(&b);
  }
  assert_memory_not_equal(seen[0], seen[1], sizeof seen[0]);
  assert_memory_not_equal(seen[1], seen[2], sizeof seen[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(families_are_what_is_known_of_them),
      cmocka_unit_test(ramanujan_graphs_are_ramanujan),
      cmocka_unit_test(random_graphs_are_uniform),
      cmocka_unit_test(dense_graphs_are_switched),
      cmocka_unit_test(both_decoders_give_the_optimal_sum),
      cmocka_unit_test(enumerations_are_those_printed),
      cmocka_unit_test(bounds_hold),
      cmocka_unit_test(monte_carlo_values_are_met),
      cmocka_unit_test(norms_are_those_printed),
      cmocka_unit_test(graphs_that_do_not_fit_are_refused),
      cmocka_unit_test(files_are_read_and_their_faults_listed),
      cmocka_unit_test(blocks_are_shuffled),
  };
  sg_blas_single_thread();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
