/* SPDX-License-Identifier: MIT */
/* Graphs: families of them, random ones, graphs from files, and what is measured of them.
 *
 * A graph is a list of edges with an index of neighbours. Loops and repeated edges are possible
 * (Margulis' graphs and files have them); a loop counts twice in its vertex's degree and stands
 * twice among its neighbours, so that degrees add up to 2 · edges. Unless said otherwise edges
 * stand in lexicographic order. Memory is malloc's: sg_graph_free, also after a failure.
 *
 * Functions that fill a graph take arguments that make one (asserted): sg_lps_vertices and
 * sg_graph_read judge those that come from outside. They return false without memory. */
#ifndef SG_CODES_TOOLS_GRAPHS_H
#define SG_CODES_TOOLS_GRAPHS_H

#include "sim/core/error.h"
#include "sim/core/matrix.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct sg_graph {
  int vertices, edges;
  int *end;     /* edge e joins end[2e] and end[2e + 1], the smaller number first */
  int *begin;   /* vertices + 1: what vertex v is joined to stands from begin[v] … */
  int *to, *by; /* … to begin[v + 1] − 1: the neighbour, and the edge to it, rising */
} sg_graph;

/* Room for so many edges, to be filled into `end` in any order; then sg_graph_index orders ends and
 * makes the index of neighbours, after sorting the edges if wanted. O(vertices + edges). */
bool sg_graph_new(sg_graph *g, int vertices, int edges);
bool sg_graph_index(sg_graph *g, bool sort);
void sg_graph_free(sg_graph *g);

/* --- Families --------------------------------------------------------------------------------- */

bool sg_graph_cycle(sg_graph *g, int n);                     /* n ≥ 3 */
bool sg_graph_complete(sg_graph *g, int n);                  /* n ≥ 2 */
bool sg_graph_complete_bipartite(sg_graph *g, int a, int b); /* sides 0 … a − 1 and the rest */
/* i and i ± step (mod n) for each step, 0 < step ≤ n/2, steps different. */
bool sg_graph_circulant(sg_graph *g, int n, int steps, const int *step);
/* GP(n, k): an outer cycle 0 … n − 1, spokes i, n + i, and n + i joined to n + (i + k mod n), for
 * 1 ≤ k < n/2: 2n vertices, cubic. GP(5, 2) is Petersen's graph, GP(8, 3) that of Möbius and
 * Kantor. */
bool sg_graph_petersen(sg_graph *g, int n, int k);
/* A cycle of n vertices, n ≥ 4 even, and its antipodal pairs: cubic. */
bool sg_graph_moebius_ladder(sg_graph *g, int n);
/* Margulis' graph in the form of Gabber and Galil 1981, as networkx has it: vertex (x, y) of Z_s²
 * is x·s + y and has an edge to each of (x + 2y, y), (x + 2y + 1, y), (x, y + 2x), (x, y + 2x + 1).
 * 8-regular with loops and repeated edges; s ≥ 2. */
bool sg_graph_margulis(sg_graph *g, int s);

/* The graph X^{p,q} of Lubotzky, Phillips and Sarnak 1988: the Cayley graph of PSL(2, q) if p is a
 * square modulo q, else of PGL(2, q), by the p + 1 integer quaternions of norm p with a_0 > 0 odd
 * and the others even. (p + 1)-regular; bipartite in the second case; every eigenvalue but ± (p +
 * 1) is at most 2 √p in size (published). p and q are different primes, both 1 modulo 4; with q > 2
 * √p it is simple.
 *
 * How many vertices it has, or 0 with why not: "p must be a prime that is 1 modulo 4", … Graphs of
 * more than 2^30 edges are none. */
int sg_lps_vertices(long p, long q, const char **why);
bool sg_graph_lps(sg_graph *g, int p, int q);

/* A random simple graph, regular of degree d on n vertices, n d even, 0 ≤ d < n.
 *
 * Uniform, exactly: points are paired at random (the configuration model, Bollobás 1980) and the
 * pairing is thrown away as soon as a loop or a repeated edge comes, where about e^((d² − 1)/4)
 * trials of a part of the graph are affordable: d ≤ 5 for every n up to 10^5, d = 6 up to n = 10^4,
 * d = 7 up to n = 600. Otherwise 10 m ln m random switches of two edges of a circulant graph, kept
 * if the graph stays simple: the uniform law is the only stationary one of that chain (it mixes in
 * polynomial time, Cooper, Dyer and Greenhill 2007), so the law is near the uniform one, as near
 * as such a chain comes in that time, which is not known in numbers. Above d = (n − 1)/2 the
 * complement is drawn. sg_graph_exactly_uniform says which it is. */
bool sg_graph_random_regular(sg_graph *g, int n, int d, uint64_t seed);
/* The same on two sides of `side` vertices (0 … side − 1 and the rest), every edge joining them,
 * 0 ≤ d ≤ side; the chance to be simple is then about e^(−(d − 1)²/2). */
bool sg_graph_random_bipartite(sg_graph *g, int side, int d, uint64_t seed);
bool sg_graph_exactly_uniform(int n, int d, bool bipartite);
/* By switches however small the graph is. */
bool sg_graph_random_by_switches(sg_graph *g, int n, int d, bool bipartite, uint64_t seed);

/* Edges as the rows of a file, two vertices each, counted from 0; they keep their order. `vertices`
 * as given, or 0: the largest number and 1. Every fault goes to e at "path:line": rows that are not
 * two whole numbers, vertices out of range, loops, vertices without an edge (at "path"). Repeated
 * edges are no fault. SG_INVALID, SG_NO_MEMORY. */
sg_status sg_graph_read(sg_graph *g, const sg_matrix *rows, const char *path, int vertices,
                        sg_error *e);

/* --- Measures --------------------------------------------------------------------------------- */

typedef struct sg_graph_facts {
  int least_degree, most_degree;
  int loops, repeats; /* edges that are loops; that have come before */
  int components;
  bool bipartite; /* all components are */
} sg_graph_facts;

/* O(vertices + edges). */
bool sg_graph_measure(const sg_graph *g, sg_graph_facts *facts);

/* The length of a shortest cycle: 1 a loop, 2 a repeated edge, 0 none; −1: no memory. A
 * breadth-first search from each vertex that goes no further than half the best cycle: O(vertices ·
 * d^(girth/2)) on regular graphs, at most O(vertices · edges). */
int sg_graph_girth(const sg_graph *g);

/* Eigenvalues of the adjacency matrix of a regular graph: λ_1 = d ≥ λ_2 ≥ … ≥ λ_n. By LAPACK up to
 * 400 vertices, else by Lanczos' method in the complement of the vector of ones (and of that of
 * signs, if the graph is connected and bipartite), to about 1e-9 d. */
typedef struct sg_spectrum {
  double second;   /* λ_2 */
  double least;    /* λ_n; −d if a component is bipartite */
  double absolute; /* largest |λ| but for d and, of a connected bipartite graph, −d */
  double gap;      /* d − λ_2, with its sign: 0 if the graph is not connected */
} sg_spectrum;

/* SG_INVALID: not regular, or of one vertex; SG_NO_MEMORY; SG_BUG: LAPACK failed. */
sg_status sg_graph_spectrum(const sg_graph *g, sg_spectrum *spectrum);

#endif
