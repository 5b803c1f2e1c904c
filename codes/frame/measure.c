/* SPDX-License-Identifier: MIT */
/* Work, load and stored data: what a code says of itself by its rows and its plan. */
#include "codes/frame/measure.h"
#include "codes/frame/protocol.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A combination of parts has as many rows as any one of them. */
static double width(const sg_code *code, int part) {
  if (part >= code->parts) part = code->coded[part - code->parts].part[0];
  return sg_code_edge(code, part + 1) - sg_code_edge(code, part);
}

/* Marks the parts in the row of a message. */
static bool mark_parts(const sg_code *code, const void *state, const sg_message *message,
                       sg_row *row, unsigned char *held) {
  if (!sg_encode(code, state, message, row)) return false;
  for (int i = 0; i < row->n_terms; i++) held[row->term[i].part] = 1;
  return true;
}

/* Equal parts are counted, not summed, so that a load of d subsets comes out as d exactly. */
static double held_share(const sg_code *code, const unsigned char *held) {
  int count = 0, all = code->parts + code->coded_parts;
  double sum = 0;
  for (int p = 0; p < all; p++) {
    if (!held[p]) continue;
    count++;
    sum += width(code, p);
  }
  return code->edge ? sum : (double)count / code->parts;
}

typedef struct measures {
  size_t all;          /* parts, coded ones included */
  unsigned char *held; /* all */
  unsigned char *ever; /* nodes × all */
  double *work, load;
  void *state;
  sg_row row;
} measures;

/* The default plan: a node's work follows from the rows it sends. */
static bool measure_rows(const sg_code *code, measures *m) {
  bool ok = true;
  for (int node = 0; ok && node < code->nodes; node++)
    for (int s = 0; ok && s < code->segments; s++) {
      const sg_segment *segment = &code->segment[s];
      sg_message message = {
          .from = node, .to = code->parent ? code->parent[node] : SG_MASTER, .segment = s};
      memset(m->held, 0, m->all);
      ok = mark_parts(code, m->state, &message, &m->row, m->held);
      unsigned char *ever = m->ever + (size_t)node * m->all;
      for (size_t p = 0; p < m->all; p++) ever[p] |= m->held[p];
      double share = (double)(segment->end - segment->begin) / (double)code->shape.length;
      m->work[node] += share * held_share(code, m->held) * code->shape.subsets;
    }
  return ok;
}

/* A plan of its own says the work; what is stored follows from the rows of its messages. */
static bool measure_plan(const sg_code *code, measures *m) {
  sg_orders o = {0};
  code->type->plan(code, m->state, 0, 0, &o);
  bool ok = !o.failed;
  for (int i = 0; ok && i < o.count; i++) {
    const sg_order *order = &o.order[i];
    int first, end;
    sg_order_nodes(order, code, &first, &end);
    for (int node = first; ok && node < end; node++) {
      sg_message message = sg_order_message(order, code, node);
      if (order->kind == SG_ORDER_TASK) m->work[node] += order->work;
      if (order->kind == SG_ORDER_SEND)
        ok = mark_parts(code, m->state, &message, &m->row, m->ever + (size_t)node * m->all);
    }
  }
  sg_orders_free(&o);
  return ok;
}

sg_status sg_measure(sg_code *code, sg_error *e) {
  measures m = {.all = (size_t)(code->parts + code->coded_parts)};
  m.work = sg_code_alloc(code, (size_t)code->nodes, sizeof *m.work);
  m.held = calloc((size_t)code->nodes + 1, m.all);
  m.ever = m.held ? m.held + m.all : NULL;
  m.state = calloc(1, code->state_size + 1);
  bool ok = m.work && m.held && m.state;
  if (ok && code->type->begin_round) code->type->begin_round(code, m.state, 0);
  if (ok) ok = code->type->plan ? measure_plan(code, &m) : measure_rows(code, &m);
  double stored = 0;
  for (int node = 0; ok && node < code->nodes; node++) {
    if (fabs(m.work[node] - round(m.work[node])) < 1e-9) m.work[node] = round(m.work[node]);
    m.load = fmax(m.load, m.work[node]);
    stored += held_share(code, m.ever + (size_t)node * m.all);
  }
  sg_status status = ok ? SG_OK : sg_row_fail(code, &m.row, e);
  sg_row_free(&m.row);
  free(m.held);
  free(m.state);
  if (status) return status;
  code->work = m.work;
  if (code->load <= 0) code->load = m.load;
  if (code->stored <= 0) code->stored = stored;
  return SG_OK;
}
