/* SPDX-License-Identifier: MIT */
/* Graph codes with optimal decoding, after Glasgow and Wootters 2020 (arXiv:2006.09638): blocks are
 * the vertices of a graph and workers its edges; a worker sends the sum of the two blocks at its
 * ends. A reconstruction from the abstract and secondary sources (theory: graph-codes).
 *
 * Optimal weights come from the components of the surviving graph (codes/tools/incidence.h), those
 * of a spanning tree in linear time, or those of least norm, which amplify the noise of messages
 * least: for `weights` auto these up to MOST_LEAST_NORM workers, the tree's beyond. Both give the
 * same sum. */
#include "codes/tools/approximate.h"
#include "codes/tools/incidence.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"
#include "sim/core/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  RANDOM_REGULAR,
  CYCLE,
  COMPLETE,
  COMPLETE_BIPARTITE,
  PETERSEN,
  GENERALISED_PETERSEN,
  MOEBIUS_KANTOR,
  MOEBIUS_LADDER,
  CIRCULANT,
  LPS,
  RANDOM_BIPARTITE,
  FROM_FILE
};
static const char *const kinds[] = {"random-regular",
                                    "cycle",
                                    "complete",
                                    "complete-bipartite",
                                    "petersen",
                                    "generalised-petersen",
                                    "moebius-kantor",
                                    "moebius-ladder",
                                    "circulant",
                                    "lps",
                                    "random-bipartite",
                                    "file",
                                    NULL};

enum { AUTO, LEAST_NORM, TREE };
static const char *const weightings[] = {"auto", "minimum-norm", "tree", NULL};
enum { MOST_LEAST_NORM = 1000 };

static const sg_param step = SG_ROW_INT("step", 1, SG_UNBOUNDED, "a step");

static const sg_param params[] = {
    SG_ROW_CHOICE("graph", kinds, RANDOM_REGULAR,
                  "the graph; it must have an edge for each worker. generalised-petersen: GP(n/3, "
                  "k); moebius-ladder: a cycle of 2n/3 and its antipodal pairs; lps: the Ramanujan "
                  "graph X^(p,q) of Lubotzky, Phillips and Sarnak; random-regular and "
                  "random-bipartite (equal sides): simple, drawn uniformly, of degree d"),
    SG_ROW_INT("d", 1, SG_UNBOUNDED,
               "random graphs: degree, the number of workers that hold a block; left out: 3, or "
               "what follows from blocks"),
    SG_ROW_INT("blocks", 1, SG_UNBOUNDED,
               "random graphs and files: number of vertices; left out: what follows from d, or the "
               "largest in the file"),
    SG_ROW_INT("k", 1, SG_UNBOUNDED, "step of the inner edges, below n/6", .fallback = 2,
               .with = "graph=generalised-petersen"),
    SG_ROW_LIST("circulant_steps", &step, 1, 1000,
                "vertex i is joined to i + and - each step, modulo their number",
                .with = "graph=circulant"),
    SG_ROW_INT("lps_p", 2, SG_UNBOUNDED, "prime, 1 modulo 4: the graph is (p + 1)-regular",
               .fallback = 5, .with = "graph=lps"),
    SG_ROW_INT("lps_q", 2, SG_UNBOUNDED,
               "another such prime, above 2 sqrt(p): of about q^3 vertices", .fallback = 13,
               .with = "graph=lps"),
    SG_ROW("edges", SG_MATRIX, "CSV file: the two blocks of each worker in turn, counted from 0",
           .flags = SG_OPTIONAL, .with = "graph=file"),
    SG_ROW("shuffle", SG_BOOL, "blocks are put on the vertices by one random permutation"),
    SG_ROW_CHOICE(
        "weights", weightings, AUTO,
        "optimal weights: of a spanning tree, in linear time; minimum-norm, which amplify "
        "the noise of messages least; auto: minimum-norm up to 1000 workers, else tree",
        .with = "decoding=optimal"),
    SG_ROWS_APPROXIMATE,
    {0}};

typedef struct tables {
  sg_approximate common; /* first */
  sg_incidence graph;
  bool least_norm;
} tables;

/* --- Which graph ------------------------------------------------------------------------------ */

/* Families with a graph for i = least, least + 1, …: how many edges it has, rising. */
static long family_edges(int kind, long i) {
  switch (kind) {
  case CYCLE: return i;
  case COMPLETE: return i * (i - 1) / 2;
  case COMPLETE_BIPARTITE: return i * i;
  default: return 3 * i; /* GP(i, k), the ladder of 2i */
  }
}

/* The i whose graph has an edge for each of m workers. */
static sg_status fit_family(int kind, long least, long m, const sg_values *values, long *i,
                            sg_error *e) {
  static const char *const rules[] = {[CYCLE] = "at least 3",
                                      [COMPLETE] = "v (v - 1)/2 for v vertices",
                                      [COMPLETE_BIPARTITE] = "a square",
                                      [GENERALISED_PETERSEN] = "3 v with v > 2 k",
                                      [MOEBIUS_LADDER] = "a multiple of 3 from 6"};
  *i = least;
  while (family_edges(kind, *i) < m) ++*i;
  long above = family_edges(kind, *i);
  if (above == m) return SG_OK;
  char nearest[64];
  if (*i > least)
    snprintf(nearest, sizeof nearest, "%ld or %ld", family_edges(kind, *i - 1), above);
  else
    snprintf(nearest, sizeof nearest, "%ld", above);
  return sg_fail_at(e, values, "graph",
                    "expected a number of workers that is %s, the edges of a %s graph, such as %s, "
                    "found %ld workers",
                    rules[kind], kinds[kind], nearest, m);
}

static sg_status fit_fixed(const char *name, long edges, long m, const sg_values *values,
                           sg_error *e) {
  if (edges == m) return SG_OK;
  return sg_fail_at(e, values, "graph",
                    "expected %ld workers, one for each edge of %s, found %ld workers", edges, name,
                    m);
}

static sg_status of_memory(bool made, sg_error *e) {
  return made ? SG_OK : sg_fail_memory(e);
}

/* Whether a random graph with m edges can have degree d; n, the vertices that are left (of a side).
 */
static bool degree_fits(long m, bool sides, long d, long *n) {
  *n = sides ? m / d : 2 * m / d;
  return (sides ? m : 2 * m) % d == 0 && (sides ? d <= *n : d < *n);
}

/* "6 or 8": the degrees, or the numbers of blocks, that are possible and nearest to `wanted`. */
static void list_nearest(long m, bool sides, bool blocks, long wanted, char *out, size_t size) {
  long under = 0, over = 0, n;
  for (long d = 1; d <= m; d++) {
    if (!degree_fits(m, sides, d, &n)) continue;
    long x = blocks ? (sides ? 2 * n : n) : d;
    if (x < wanted && x > under) under = x;
    if (x > wanted && (!over || x < over)) over = x;
  }
  if (under && over)
    snprintf(out, size, "%ld or %ld", under, over);
  else
    snprintf(out, size, "%ld", under ? under : over);
}

/* Vertices n (of one side, with sides) and degree d of a random graph of m edges. */
static sg_status fit_random(bool sides, long m, const sg_values *values, long *n, long *d,
                            sg_error *e) {
  const long all = sides ? m : 2 * m; /* n d */
  bool given = sg_given(values, "blocks");
  long blocks = given ? sg_int(values, "blocks") : 0, each = sides ? 2 : 1;
  char nearest[64];
  *d = sg_given(values, "d") ? sg_int(values, "d") : 3;
  if (given && sides && blocks % 2)
    return sg_fail_at(e, values, "blocks",
                      "expected an even number of blocks, for sides of equal size, such as %ld or "
                      "%ld, found %ld",
                      blocks > 1 ? blocks - 1 : 2, blocks + 1, blocks);
  if (given && sg_given(values, "d") && blocks % 2 && *d % 2)
    return sg_fail_at(e, values, "blocks",
                      "expected blocks · d even, as every edge has two ends, such as %ld or %ld "
                      "blocks, or d = %ld, found %ld · %ld",
                      blocks - 1, blocks + 1, *d + 1, blocks, *d);
  bool by_blocks = given && !sg_given(values, "d");
  if (by_blocks)
    *d = blocks / each <= all && all % (blocks / each) == 0 ? all / (blocks / each) : 0;
  else if (given && blocks / each * *d != all)
    return sg_fail_at(e, values, "blocks",
                      "expected blocks · d/2 = %ld workers, one for each edge, found %ld workers",
                      blocks * *d / 2, m);
  if (*d > 0 && degree_fits(m, sides, *d, n)) return SG_OK;
  list_nearest(m, sides, by_blocks, by_blocks ? blocks : *d, nearest, sizeof nearest);
  if (by_blocks)
    return sg_fail_at(e, values, "blocks",
                      "expected a number of blocks for which %ld workers are the edges of a simple "
                      "regular graph, such as %s, found %ld",
                      m, nearest, blocks);
  return sg_fail_at(e, values, "d",
                    "expected a degree d that divides %s = %ld and is %s than the %ld vertices %s"
                    "that leaves, such as %s, found %ld",
                    sides ? "the number of workers" : "twice the number of workers", all,
                    sides ? "not more" : "less", all / *d, sides ? "of a side " : "", nearest, *d);
}

/* The valid numbers nearest to a prime that LPS graphs cannot have, the other being what it is. */
static void nearest_primes(long p, long q, bool first, char *out, size_t size) {
  const char *why;
  long wanted = first ? p : q, below = 0, above = 0;
  for (long x = wanted - 1; x > 1 && !below; x--)
    if (sg_lps_vertices(first ? x : p, first ? q : x, &why)) below = x;
  for (long x = wanted + 1; x < wanted + 1000 && !above; x++)
    if (sg_lps_vertices(first ? x : p, first ? q : x, &why)) above = x;
  if (below && above)
    snprintf(out, size, "%ld or %ld", below, above);
  else if (below || above)
    snprintf(out, size, "%ld", below ? below : above);
  else
    snprintf(out, size, "none with %s = %ld", first ? "q" : "p", first ? q : p);
}

static sg_status make_lps(sg_graph *g, long m, const sg_values *values, sg_error *e) {
  const char *why;
  long p = sg_int(values, "lps_p"), q = sg_int(values, "lps_q");
  long n = sg_lps_vertices(p, q, &why);
  char nearest[64], name[64];
  if (n == 0) {
    bool first = why[0] == 'p' && strncmp(why, "p and", 5) != 0;
    nearest_primes(p, q, first, nearest, sizeof nearest);
    return sg_fail_at(e, values, first ? "lps_p" : "lps_q",
                      "expected primes p and q of a Ramanujan graph: %s; nearest: %s; found p = "
                      "%ld, q = %ld",
                      why, nearest, p, q);
  }
  snprintf(name, sizeof name, "X^(%ld,%ld) on %ld vertices", p, q, n);
  sg_status status = fit_fixed(name, n / 2 * (p + 1), m, values, e);
  return status ? status : of_memory(sg_graph_lps(g, (int)p, (int)q), e);
}

static sg_status make_circulant(sg_graph *g, long m, const sg_values *values, sg_error *e) {
  enum { MOST = 1000 };
  int count = sg_count(values, "circulant_steps"), steps[MOST];
  long most = 0;
  if (count == 0)
    return sg_fail_at(e, values, "circulant_steps",
                      "expected steps such as [1, 2] with a circulant graph, found none");
  for (int i = 0; i < count; i++) {
    double number = sg_item(values, "circulant_steps", i)->number;
    steps[i] = number < 1e9 ? (int)number : 1000000000;
    if (steps[i] > most) most = steps[i];
    for (int k = 0; k < i; k++)
      if (steps[k] == steps[i])
        return sg_fail_at(e, values, "circulant_steps",
                          "expected different steps, found %d more than once", steps[i]);
  }
  /* The step n/2 has half as many edges. */
  long n = m / count;
  if (m % count || 2 * most >= n) {
    n = 2 * m / (2 * count - 1);
    if (2 * m % (2 * count - 1) || 2 * most != n) {
      long least = 2 * most + 1, below = m / count, above = below + 1;
      if (below < least) below = above = least;
      return sg_fail_at(e, values, "graph",
                        "expected a number of workers that is a multiple of the %d steps, for more "
                        "than twice as many vertices as the largest step, such as %ld or %ld, or "
                        "%ld with it as half of them, found %ld workers",
                        count, below * count, above * count, most * (2 * count - 1), m);
    }
  }
  return of_memory(sg_graph_circulant(g, (int)n, count, steps), e);
}

static sg_status make_from_file(sg_graph *g, long m, const sg_values *values, sg_error *e) {
  const sg_matrix *rows = sg_matrix_of(values, "edges");
  if (!rows)
    return sg_fail_at(e, values, "edges",
                      "expected the name of a CSV file, two blocks for each worker, with graph "
                      "file, found nothing");
  int blocks = sg_given(values, "blocks") && sg_int(values, "blocks") < 1 << 30
                   ? (int)sg_int(values, "blocks")
                   : 0;
  sg_error faults = {0};
  sg_status status = sg_graph_read(g, rows, sg_text(values, "edges"), blocks, &faults);
  if (status == SG_INVALID)
    sg_fail_at(e, values, "edges",
               "expected a graph without loops and isolated vertices, found %d fault%s in %s",
               faults.count, faults.count == 1 ? "" : "s", sg_text(values, "edges"));
  sg_error_move(e, &faults);
  return status ? status : fit_fixed(sg_text(values, "edges"), g->edges, m, values, e);
}

static sg_status make_graph(sg_graph *g, const sg_shape *shape, const sg_values *values,
                            sg_error *e) {
  int kind = sg_choice(values, "graph");
  long m = shape->workers, i = 0, d = 0;
  static const char *const random_only[] = {"d", "blocks"};
  for (int k = 0; k < 2; k++)
    if (kind != RANDOM_REGULAR && kind != RANDOM_BIPARTITE && !(kind == FROM_FILE && k == 1) &&
        sg_given(values, random_only[k]))
      return sg_fail_at(e, values, random_only[k],
                        "expected no %s with the graph %s, which follows from the number of "
                        "workers, found one",
                        random_only[k], kinds[kind]);
  if (kind == COMPLETE && m > 700000000)
    return sg_fail_at(e, values, "graph", "expected at most 700000000 workers, found %ld", m);
  long least = kind == CYCLE                  ? 3
               : kind == COMPLETE             ? 2
               : kind == COMPLETE_BIPARTITE   ? 1
               : kind == GENERALISED_PETERSEN ? 2 * sg_int(values, "k") + 1
                                              : 2;
  sg_status status = SG_OK;
  switch (kind) {
  case CYCLE:
  case COMPLETE:
  case COMPLETE_BIPARTITE:
  case GENERALISED_PETERSEN:
  case MOEBIUS_LADDER: status = fit_family(kind, least, m, values, &i, e); break;
  case PETERSEN: status = fit_fixed("Petersen's graph", 15, m, values, e); break;
  case MOEBIUS_KANTOR:
    status = fit_fixed("the graph of Möbius and Kantor", 24, m, values, e);
    break;
  case RANDOM_REGULAR: status = fit_random(false, m, values, &i, &d, e); break;
  case RANDOM_BIPARTITE: status = fit_random(true, m, values, &i, &d, e); break;
  default: break;
  }
  if (status) return status;
  switch (kind) {
  case CYCLE: return of_memory(sg_graph_cycle(g, (int)i), e);
  case COMPLETE: return of_memory(sg_graph_complete(g, (int)i), e);
  case COMPLETE_BIPARTITE: return of_memory(sg_graph_complete_bipartite(g, (int)i, (int)i), e);
  case PETERSEN: return of_memory(sg_graph_petersen(g, 5, 2), e);
  case MOEBIUS_KANTOR: return of_memory(sg_graph_petersen(g, 8, 3), e);
  case GENERALISED_PETERSEN:
    return of_memory(sg_graph_petersen(g, (int)i, (int)sg_int(values, "k")), e);
  case MOEBIUS_LADDER: return of_memory(sg_graph_moebius_ladder(g, (int)(2 * i)), e);
  case RANDOM_REGULAR: return of_memory(sg_graph_random_regular(g, (int)i, (int)d, shape->seed), e);
  case RANDOM_BIPARTITE:
    return of_memory(sg_graph_random_bipartite(g, (int)i, (int)d, shape->seed), e);
  case CIRCULANT: return make_circulant(g, m, values, e);
  case LPS: return make_lps(g, m, values, e);
  default: return make_from_file(g, m, values, e);
  }
}

/* --- Decoding --------------------------------------------------------------------------------- */

static sg_status tree_weights(const sg_approximate *a, int count, const int *worker, double *w,
                              sg_scratch *scratch, sg_decode_info *info) {
  const tables *t = (const tables *)(const void *)a;
  sg_incidence_report report;
  void *workspace = sg_scratch_get(scratch, sg_tree_weights_bytes(&t->graph));
  if (!workspace) return SG_NO_MEMORY;
  sg_tree_weights(&t->graph, count, worker, w, &report, workspace);
  info->flops = report.flops;
  return SG_OK;
}

static sg_status optimal_weights(const sg_approximate *a, int count, const int *worker, double *w,
                                 sg_scratch *scratch, sg_decode_info *info) {
  const tables *t = (const tables *)(const void *)a;
  sg_incidence_report report;
  if (!t->least_norm) return tree_weights(a, count, worker, w, scratch, info);
  void *workspace = sg_scratch_get(scratch, sg_least_norm_bytes(&t->graph));
  if (!workspace) return SG_NO_MEMORY;
  sg_least_norm_weights(&t->graph, count, worker, 0, w, &report, workspace);
  info->flops = report.flops;
  return SG_OK;
}

/* --- Making ----------------------------------------------------------------------------------- */

static void put_blocks_at_random(sg_graph *g, uint64_t seed, int *block) {
  sg_stream random;
  for (int v = 0; v < g->vertices; v++) block[v] = v;
  for (int v = g->vertices - 1; v > 0; v--) {
    if ((g->vertices - 1 - v) % 65536 == 0)
      sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0xfffb, (uint32_t)v, 0);
    int pick = (int)(sg_uniform(&random) * (v + 1)), kept = block[v];
    block[v] = block[pick];
    block[pick] = kept;
  }
  for (int k = 0; k < 2 * g->edges; k++) g->end[k] = block[g->end[k]];
}

static sg_status fill(sg_code *code, tables *t, sg_graph *g, const sg_values *values, sg_error *e) {
  SG_OWNED int *block = malloc(((size_t)g->vertices + 1) * sizeof *block);
  if (!block) return sg_fail_memory(e);
  if (sg_bool(values, "shuffle")) {
    put_blocks_at_random(g, code->shape.seed, block);
    sg_graph_index(g, false);
  }
  if (!sg_incidence_new(&code->arena, g, &t->graph) ||
      !sg_approximate_place(code, &t->common, g->vertices, 2 * (size_t)g->edges))
    return sg_fail_memory(e);
  for (int j = 0; j < g->edges; j++)
    sg_sparse_add_row(&t->common.a, 2, g->end + 2 * j, (double[]){1, 1});
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  sg_graph g = {0};
  sg_graph_facts facts;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  char *note = sg_code_alloc(code, 300, 1);
  if (!t || !note) return sg_fail_memory(e);
  sg_status status = make_graph(&g, shape, values, e);
  if (!status) status = fill(code, t, &g, values, e);
  if (!status && !sg_graph_measure(&g, &facts)) status = sg_fail_memory(e);
  sg_graph_free(&g);
  if (status) return status;
  int rule = sg_choice(values, "weights"), kind = sg_choice(values, "graph");
  t->least_norm = rule == LEAST_NORM || (rule == AUTO && shape->workers <= MOST_LEAST_NORM);
  t->common.optimal = optimal_weights;
  t->common.quick = tree_weights;
  bool drawn = kind == RANDOM_REGULAR || kind == RANDOM_BIPARTITE;
  bool uniform = drawn && sg_graph_exactly_uniform(t->graph.vertices, facts.most_degree,
                                                   kind == RANDOM_BIPARTITE);
  int at = snprintf(note, 300, "%d blocks on %d workers; optimal weights: %s", t->graph.vertices,
                    t->graph.edges, t->least_norm ? "minimum-norm" : "tree");
  if (drawn)
    at += snprintf(note + at, 300 - (size_t)at, "; the graph is drawn %s",
                   uniform ? "uniformly" : "by a chain of switches, nearly uniformly");
  if (facts.repeats)
    snprintf(note + at, 300 - (size_t)at,
             "; %d edges repeat another: two workers with the same blocks", facts.repeats);
  code->note = note;
  return sg_approximate_new(code, values, &t->common, e);
}

/* --- What is known of the graph --------------------------------------------------------------- */

static void put_bounds(const sg_code *code, const sg_graph_facts *f, const sg_spectrum *s,
                       int girth, sg_buffer *out) {
  const tables *t = code->self;
  double d = f->most_degree, m = t->graph.edges, blocks = t->graph.vertices;
  double some[4] = {0.1, 0.2, 0.3, t->common.p_mean};
  bool expanded = girth == 0 || girth >= 4;
  sg_putf(out, "random straggling: E e = p^d %s (derived)",
          expanded ? "+ C(d,2) (1 - p)^2 p^(3d-4)/3 + …" : "at the least");
  bool another = some[3] > 0 && some[3] != some[0] && some[3] != some[1] && some[3] != some[2];
  for (int i = 0; i < (another ? 4 : 3); i++) {
    double p = some[i], first = pow(p, d),
           next = expanded ? d * (d - 1) / 2 * (1 - p) * (1 - p) * pow(p, 3 * d - 4) / 3 : 0;
    sg_putf(out, "%s %.4g at p = %.3g", i ? "," : ":", first + next, p);
  }
  sg_put(out, "\nadversary: e <= (2d - gap)/(2d) · s/(workers - s) (derived)");
  int sets[2] = {(int)(m / 10), t->common.s};
  for (int i = 0; i < 2; i++) {
    if (sets[i] == 0 || (i && sets[1] == sets[0])) continue;
    sg_putf(out, "%s %.4g at s = %d", i && sets[0] ? "," : ":",
            (2 * d - s->gap) / (2 * d) * sets[i] / (m - sets[i]), sets[i]);
    if (sets[i] >= d) sg_putf(out, " (no graph is below %.4g)", floor(sets[i] / d) / blocks);
  }
  sg_put(out, "\nthe theorem on vertex-transitive graphs under random straggling (recalled, its "
              "covariance bound doubtful) is not used\n");
}

/* Of the graph that the decoder has: the same up to the names of vertices. */
static bool describe(const sg_code *code, sg_buffer *out) {
  const tables *t = code->self;
  sg_graph g;
  sg_graph_facts f;
  sg_spectrum s;
  if (!sg_graph_new(&g, t->graph.vertices, t->graph.edges)) return false;
  memcpy(g.end, t->graph.end, 2 * (size_t)g.edges * sizeof *g.end);
  sg_graph_index(&g, false);
  int girth = sg_graph_girth(&g);
  bool ok = girth >= 0 && sg_graph_measure(&g, &f);
  sg_status status = ok ? sg_graph_spectrum(&g, &s) : SG_NO_MEMORY;
  sg_graph_free(&g);
  if (status == SG_NO_MEMORY) return false;
  if (f.least_degree == f.most_degree)
    sg_putf(out, "graph: %d-regular", f.most_degree);
  else
    sg_putf(out, "graph: degrees %d to %d", f.least_degree, f.most_degree);
  if (f.components == 1)
    sg_put(out, ", connected");
  else
    sg_putf(out, ", %d components", f.components);
  sg_putf(out, ", %sbipartite, ", f.bipartite ? "" : "not ");
  if (girth)
    sg_putf(out, "girth %d\n", girth);
  else
    sg_put(out, "without cycles\n");
  if (status) return true; /* not regular: no bound by eigenvalues */
  double best = 2 * sqrt(f.most_degree - 1.0);
  sg_putf(out,
          "expansion: second eigenvalue %.6g, gap %.6g; largest other eigenvalue %.6g in size, %s "
          "2 sqrt(d - 1) = %.6g%s\n",
          s.second, s.gap, s.absolute, s.absolute <= best + 1e-9 ? "within" : "above", best,
          s.absolute <= best + 1e-9 && f.components == 1 ? " (Ramanujan)" : "");
  put_bounds(code, &f, &s, girth, out);
  return true;
}

const sg_code_type sg_graph_code = {
    .about = {.name = "graph",
              .brief = "blocks on vertices, workers on edges",
              .summary = "Graph code: blocks are the vertices of a graph and workers its edges; a "
                         "worker sends the sum of its two blocks, and the master decodes by the "
                         "components of the graph that is left, in linear time. Approximate.",
              .reference = "Glasgow, Wootters 2020, arXiv:2006.09638 (a reconstruction).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
    .describe = describe,
};
