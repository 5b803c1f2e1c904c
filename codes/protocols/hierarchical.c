/* SPDX-License-Identifier: MIT */
/* Hierarchical gradient coding with edge nodes (Tang et al. 2024, arXiv:2406.10831; a
 * reconstruction from the abstract): the master has E edge nodes, edge e has m_e workers, M = Σ m_e
 * in all. s_e of the edges may fail, and s_w workers at each of the others.
 *
 * Edges compute nothing and relay: an edge decodes from all but s_w of its workers and sends one
 * vector; the master decodes from all but s_e edges. Of the data, a circle of circumference 1, edge
 * e is responsible for the next (s_e + 1) m_e/M by the code of circle.h, which goes round s_e + 1
 * times; it is cut into m_e equal intervals, of which the worker at place q has q, …, q + s_w (mod
 * m_e) with the coefficients of cyclic.h times those of its edge. So every point is held by
 * (s_e + 1)(s_w + 1) workers, as it must be, and the load (s_e + 1)(s_w + 1)/M is equal however
 * uneven the edges are. All intervals begin at multiples of (s_e + 1)/M: there are
 * M/gcd(s_e + 1, M) equal parts. */
#include "codes/frame/protocol.h"
#include "codes/tools/circle.h"
#include "codes/tools/cyclic.h"
#include "sim/core/owned.h"

#include <stdlib.h>

static const sg_param size_item[] = {SG_ROW_INT("", 1, SG_UNBOUNDED, "workers of an edge node"),
                                     {0}};
static const sg_param params[] = {
    SG_ROW_INT("edges", 1, SG_UNBOUNDED,
               "number of edge nodes, each of which relays for workers that follow one another",
               .flags = SG_REQUIRED),
    SG_ROW_INT("s_e", 0, SG_UNBOUNDED,
               "edge nodes that the master does without; none may be responsible for more than all "
               "the data: (s_e + 1) m_max <= n",
               .flags = SG_REQUIRED),
    SG_ROW_INT("s_w", 0, SG_UNBOUNDED,
               "workers that each edge node does without, fewer than it has", .flags = SG_REQUIRED),
    SG_ROW_LIST("sizes", size_item, 1, 1000000,
                "how many workers each edge node has, n in all; as equal as they can be when "
                "absent",
                .flags = SG_OPTIONAL),
    {0}};

typedef struct tables {
  int edges, s_edges, s_workers;
  int *first; /* edges + 1: the first worker of each */
  int *edge,
      *column;  /* per node; edge: of a worker, edges of an edge node, the master's receiver */
  int interval; /* parts of an interval */
  sg_circle *circle;
  double *coef;       /* edges × parts of the circle: of an edge's data, 0 where it has none */
  int *of_circle;     /* per part: where it lies in the circle */
  sg_cyclic **inside; /* per edge; edges of a size share one */
} tables;

/* --- Making ----------------------------------------------------------------------------------- */

static int size_of(const tables *t, int edge) {
  return t->first[edge + 1] - t->first[edge];
}

static sg_status read_sizes(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  int n = code->shape.workers;
  long edges = sg_int(values, "edges"), sum = 0;
  bool given = sg_given(values, "sizes");
  if (edges > n)
    return sg_fail_at(e, values, "edges", "expected at most n = %d edge nodes, found %ld", n,
                      edges);
  if (given && sg_count(values, "sizes") != edges)
    return sg_fail_at(e, values, "sizes", "expected edges = %ld numbers, found %d", edges,
                      sg_count(values, "sizes"));
  t->edges = (int)edges;
  t->first = sg_code_alloc(code, (size_t)edges + 1, sizeof *t->first);
  if (!t->first) return sg_fail_memory(e);
  for (int i = 0; i < t->edges; i++) {
    sum += given ? (long)sg_item(values, "sizes", i)->number : n / edges + (i < n % edges);
    t->first[i + 1] = sum < n ? (int)sum : n;
  }
  if (sum == n) return SG_OK;
  return sg_fail_at(e, values, "sizes", "expected n = %d workers in all, found %ld", n, sum);
}

static sg_status read_stragglers(tables *t, const double *capacity, const sg_values *values,
                                 sg_error *e) {
  long s_edges = sg_int(values, "s_e"), s_workers = sg_int(values, "s_w");
  long most = sg_circle_most(t->edges, capacity);
  int least = 0, largest = 0;
  for (int i = 1; i < t->edges; i++) {
    if (capacity[i] < capacity[least]) least = i;
    if (capacity[i] > capacity[largest]) largest = i;
  }
  if (s_edges > most)
    return sg_fail_at(e, values, "s_e",
                      "expected (s_e + 1) m_max ≤ n = %d (s_e from 0 to %ld: edge node %d "
                      "of %d workers would be responsible for more than all the data), found %ld",
                      t->first[t->edges], most, largest, size_of(t, largest), s_edges);
  if (s_workers >= size_of(t, least))
    return sg_fail_at(e, values, "s_w",
                      "expected fewer than edge node %d has workers (0 to %d), found %ld; the load "
                      "is (s_e + 1)(s_w + 1)/n of the data",
                      least, size_of(t, least) - 1, s_workers);
  t->s_edges = (int)s_edges;
  t->s_workers = (int)s_workers;
  return SG_OK;
}

static int greatest_common_divisor(int a, int b) {
  return b ? greatest_common_divisor(b, a % b) : a;
}

/* The coefficients of edges, and where each part lies in their circle. */
static sg_status lay_parts(sg_code *code, tables *t, sg_error *e) {
  const sg_circle *c = t->circle;
  size_t parts = (size_t)code->parts;
  t->of_circle = sg_code_alloc(code, parts, sizeof *t->of_circle);
  t->coef = sg_code_alloc(code, (size_t)t->edges * (size_t)c->parts, sizeof *t->coef);
  if (!t->of_circle || !t->coef) return sg_fail_memory(e);
  for (int k = 0; k < c->parts * (c->s + 1); k++)
    t->coef[c->holder[k] * c->parts + k / (c->s + 1)] = c->coef[k];
  for (int p = 0, at = 0; p < code->parts; p++) {
    while (at + 1 < c->parts && c->edge[at + 1] < (p + 0.5) / code->parts) at++;
    t->of_circle[p] = at;
  }
  return SG_OK;
}

static sg_status make_inside(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  t->inside = sg_code_alloc(code, (size_t)t->edges, sizeof(sg_cyclic *));
  if (!t->inside) return sg_fail_memory(e);
  for (int i = 0; i < t->edges; i++) {
    for (int k = 0; k < i && !t->inside[i]; k++)
      if (size_of(t, k) == size_of(t, i)) t->inside[i] = t->inside[k];
    if (t->inside[i]) continue;
    sg_status status = sg_cyclic_new(code, values, size_of(t, i), t->s_workers, code->shape.seed,
                                     &t->inside[i], e);
    if (status) return status;
  }
  return SG_OK;
}

static sg_status lay_nodes(sg_code *code, tables *t, sg_error *e) {
  int n = code->shape.workers;
  size_t nodes = (size_t)(n + t->edges);
  int *parent = sg_code_alloc(code, nodes, sizeof *parent);
  t->edge = sg_code_alloc(code, nodes, sizeof *t->edge);
  t->column = sg_code_alloc(code, nodes, sizeof *t->column);
  if (!parent || !t->edge || !t->column) return sg_fail_memory(e);
  for (int i = 0; i < t->edges; i++) {
    for (int v = t->first[i]; v < t->first[i + 1]; v++) {
      parent[v] = n + i;
      t->edge[v] = i;
      t->column[v] = v - t->first[i];
    }
    parent[n + i] = SG_MASTER;
    t->edge[n + i] = t->edges;
    t->column[n + i] = i;
  }
  code->nodes = (int)nodes;
  code->parent = parent;
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = read_sizes(code, t, values, e);
  if (status) return status;
  SG_OWNED double *capacity = malloc((size_t)t->edges * sizeof *capacity);
  if (!capacity) return sg_fail_memory(e);
  for (int i = 0; i < t->edges; i++) capacity[i] = size_of(t, i);
  status = read_stragglers(t, capacity, values, e);
  if (!status)
    status =
        sg_circle_new(code, values, t->edges, capacity, t->s_edges, shape->seed, &t->circle, e);
  if (status) return status;
  int common = greatest_common_divisor(t->s_edges + 1, n);
  code->parts = n / common;
  t->interval = (t->s_edges + 1) / common;
  code->promised = (t->s_edges + 1) * (t->s_workers + 1) - 1;
  code->round_size = code->state_size = ((size_t)t->edges + 1) * sizeof(int);
  status = lay_parts(code, t, e);
  if (!status) status = make_inside(code, t, values, e);
  if (!status) status = lay_nodes(code, t, e);
  return status ? status : sg_code_one_segment(code, values, "s_e", 1, t->edges - t->s_edges, e);
}

/* --- Messages --------------------------------------------------------------------------------- */

/* Edge nodes have no terms of their own. */
static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int edge = t->edge[message->from], own = t->column[message->from];
  if (edge == t->edges) return;
  const double *outside = t->coef + edge * t->circle->parts;
  const double *inside = t->inside[edge]->coef + own * (t->s_workers + 1);
  for (int k = 0; k <= t->s_workers; k++) {
    int place = t->first[edge] + (own + k) % size_of(t, edge);
    for (int i = 0; i < t->interval; i++) {
      int part = (int)(((long)place * t->interval + i) % code->parts);
      sg_row_part(row, part, 0, inside[k] * outside[t->of_circle[part]]);
    }
  }
}

static int needed(const tables *t, int edge) {
  return edge == t->edges ? t->edges - t->s_edges : size_of(t, edge) - t->s_workers;
}

static sg_verdict arrive(const sg_code *code, void *state, const sg_message *message,
                         sg_orders *orders) {
  const tables *t = code->self;
  int *have = state; /* messages of each edge and, last, of the master, in this round */
  int edge = t->edge[message->from], come = ++have[edge], need = needed(t, edge);
  return come < need ? SG_WAIT : come == need ? SG_READY : SG_SKIP;
}

/* At an edge node. */
static sg_status combine(const sg_code *code, const sg_message *message, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->inside[t->column[message->from]]->parity, used, 0, t->column);
}

/* At the master. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->circle->parity, used, 0, t->column);
}

static bool promises(const sg_code *code, const bool *present) {
  const tables *t = code->self;
  int good = 0;
  for (int i = 0; i < t->edges; i++) {
    int have = 0;
    for (int v = t->first[i]; v < t->first[i + 1]; v++) have += present[v];
    good += present[code->shape.workers + i] && have >= needed(t, i);
  }
  return good >= needed(t, t->edges);
}

const sg_code_type sg_hierarchical = {
    .about = {.name = "hierarchical",
              .brief = "edge nodes that decode for their workers",
              .summary = "Workers behind edge nodes that decode and relay: any s_e edge nodes "
                         "and any s_w workers of each other one may be missing; load "
                         "(s_e + 1)(s_w + 1), optimal.",
              .reference = "Tang et al. (2024), arXiv:2406.10831 (abstract published; a "
                           "reconstruction).",
              .params = params},
    .create = create,
    .encode = encode,
    .combine = combine,
    .weights = weights,
    .promises = promises,
    .arrive = arrive,
};
