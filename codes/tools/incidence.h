/* SPDX-License-Identifier: MIT */
/* Optimal decoding of graph codes: weights on the edges of a graph whose sums at the vertices are
 * nearest to 1 (theory: graph-codes).
 *
 * Worker e holds the blocks at the ends of edge e. With the edges that have come, A_S the incidence
 * of vertices and edges, α = A_S w minimises ‖α − 1‖ exactly if, in every component K of the
 * surviving graph (derived),
 *
 *   K has an odd cycle              α_v = 1
 *   K is bipartite, sides P and Q   α_v = 1 − Δ on P, 1 + Δ on Q, Δ = (|P| − |Q|)/|K|
 *
 * an isolated vertex being a component with α = 0. So ‖α − 1‖² = Σ (|P| − |Q|)²/|K| over bipartite
 * components. The components come from one breadth-first search. Two sets of weights have that α:
 *
 *   tree         those of the search's tree, from the leaves to the root, and, in a component with
 *                an odd cycle, of one edge between vertices of equal colour. O(vertices + edges).
 *   least norm   w = A_Sᵀ y with A_S A_Sᵀ y = α, the least ‖w‖: what amplifies the noise of
 * messages least. Edges that hang as trees on the rest have the only weights they can have; in what
 * is left, the 2-core, y comes by conjugate gradients with the degrees as preconditioner, and what
 * these leave of α is then put right on the tree. So α is exact to rounding however early they end;
 * ‖w‖ is within a factor 1 + O(tolerance²) of the least.
 *
 * The search takes no branch that depends on who came, and looks ahead in its queue, as otherwise
 * mispredictions and memory would be most of its time. */
#ifndef SG_CODES_TOOLS_INCIDENCE_H
#define SG_CODES_TOOLS_INCIDENCE_H

#include "codes/frame/code.h"
#include "codes/tools/graphs.h"

typedef struct sg_half_edge {
  int to, by; /* the neighbour and the edge to it */
} sg_half_edge;

/* A graph without loops as the decoder reads it; repeated edges are possible. Vertices have numbers
 * of its own, edges those of the graph. */
typedef struct sg_incidence {
  int vertices, edges;
  const int *begin, *end; /* as in sg_graph */
  const sg_half_edge *half;
} sg_incidence;

/* A copy of the graph in the arena. false: no memory. */
bool sg_incidence_new(sg_arena **arena, const sg_graph *graph, sg_incidence *out);

typedef struct sg_incidence_report {
  int components, bipartite; /* of the surviving graph; isolated vertices are bipartite */
  double deviation;          /* ‖α − 1‖² by the formula above */
  int core, steps;           /* least norm: vertices of the 2-core, steps of conjugate gradients */
  double residual; /* least norm: ‖α − A_S w‖ before it was put right, over ‖α‖ in the core */
  double flops;
} sg_incidence_report;

/* Bytes of workspace that one of the functions below needs. */
size_t sg_tree_weights_bytes(const sg_incidence *g);
size_t sg_least_norm_bytes(const sg_incidence *g);

/* Weights w[0 … count) of the edges edge[0 … count), rising, each once; count ≥ 0. */
void sg_tree_weights(const sg_incidence *g, int count, const int *edge, double *w,
                     sg_incidence_report *report, void *workspace);
/* tolerance: where conjugate gradients end, of the residual in the norm of the inverse degrees,
 * relative; 0: 1e-8. They end at the latest after as many steps as the core has vertices. */
void sg_least_norm_weights(const sg_incidence *g, int count, const int *edge, double tolerance,
                           double *w, sg_incidence_report *report, void *workspace);

#endif
