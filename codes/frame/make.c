/* SPDX-License-Identifier: MIT */
/* Making gradient codes: their memory, defaults, mistakes of their authors, and what they say of
 * themselves by their rows and their plan. */
#include "codes/frame/collective.h"
#include "codes/frame/stop.h"
#include "sim/core/array.h"
#include "sim/core/text.h"

#include <gsl/gsl_heapsort.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- Memory ----------------------------------------------------------------------------------- */

struct sg_arena {
  sg_arena *next;
  max_align_t data[];
};

void *sg_arena_alloc(sg_arena **arena, size_t count, size_t size) {
  if (size && count > (SIZE_MAX - sizeof(sg_arena)) / size) return NULL;
  sg_arena *block = calloc(1, sizeof *block + count * size);
  if (!block) return NULL;
  block->next = *arena;
  *arena = block;
  return block->data;
}

void sg_arena_free(sg_arena *arena) {
  while (arena) {
    sg_arena *next = arena->next;
    free(arena);
    arena = next;
  }
}

void *sg_code_alloc(sg_code *code, size_t count, size_t size) {
  return sg_arena_alloc(&code->arena, count, size);
}

void sg_code_free(sg_code *code) {
  if (!code) return;
  sg_code_free(code->inner);
  sg_arena_free(code->arena);
  free(code);
}

bool sg_code_describe(const sg_code *code, sg_buffer *out) {
  if (code->note) sg_putf(out, "%s\n", code->note);
  return (!code->type->describe || code->type->describe(code, out)) && !out->failed;
}

double sg_code_edge(const sg_code *code, int part) {
  return code->edge ? code->edge[part] : (double)part / code->parts;
}

/* --- Defaults and mistakes -------------------------------------------------------------------- */

sg_status sg_code_one_segment(sg_code *code, const sg_values *values, const char *member,
                              int pieces, int need, sg_error *e) {
  long length = code->shape.length;
  if (pieces > length)
    return sg_fail_at(e, values, member,
                      "expected at most as many pieces (m) as a gradient has coordinates (%ld), "
                      "found %d",
                      length, pieces);
  sg_segment *segment = sg_code_alloc(code, 1, sizeof *segment);
  if (!segment) return sg_fail_memory(e);
  *segment = (sg_segment){.begin = 0, .end = length, .pieces = pieces, .need = need};
  code->segment = segment;
  code->segments = 1;
  return SG_OK;
}

static sg_code *blank(const sg_code_type *type, const sg_shape *shape) {
  sg_code *code = calloc(1, sizeof *code);
  if (!code) return NULL;
  code->type = type;
  code->shape = *shape;
  code->nodes = shape->workers;
  code->parts = shape->subsets;
  code->segments = code->models = 1;
  code->exact = true;
  double *speed = sg_code_alloc(code, (size_t)shape->workers, sizeof *speed);
  if (!speed) {
    sg_code_free(code);
    return NULL;
  }
  for (int i = 0; i < shape->workers; i++) speed[i] = shape->speed ? shape->speed[i] : 1;
  code->shape.speed = speed;
  return code;
}

/* Mistakes of a code's author, found before they can do harm. */
static const char *mistake(const sg_code *code) {
  if (code->nodes < 1 || code->parts < 1 || code->models < 1 || code->coded_parts < 0)
    return "nodes, parts and models must be positive";
  if (code->edge && (code->edge[0] != 0 || code->edge[code->parts] != 1))
    return "edges must go from 0 to 1";
  for (int p = 0; code->edge && p < code->parts; p++)
    if (!(code->edge[p] < code->edge[p + 1])) return "edges must rise";
  long end = 0;
  for (int s = 0; s < code->segments; s++) {
    const sg_segment *segment = &code->segment[s];
    if (segment->begin != end || segment->end <= end) return "segments must follow one another";
    if (segment->pieces < 1 || segment->pieces > segment->end - segment->begin)
      return "pieces must be from 1 to the length of the segment";
    end = segment->end;
  }
  for (int s = 0; s < code->segments && code->flags & SG_OFFSET; s++)
    if (code->segment[s].pieces > 1) return "offsets need segments of one piece";
  if (end != code->shape.length) return "segments must cover all coordinates";
  if (!code->type->encode) return "encode is missing";
  if (code->coded_parts) {
    if (!code->type->weights) return "coded parts need weights of their own";
    if (code->flags & (SG_BATCHES | SG_LOCAL))
      return "coded parts have neither mini-batches nor local steps";
    if (!code->coded) return "coded is missing";
  }
  for (int c = 0; c < code->coded_parts; c++) {
    if (code->coded[c].count < 1) return "a coded part must be a combination of parts";
    for (int i = 0; i < code->coded[c].count; i++)
      if (code->coded[c].part[i] < 0 || code->coded[c].part[i] >= code->parts)
        return "a coded part combines a part that the code does not have";
  }
  if ((code->flags & SG_ASYNC) && !code->type->on_event)
    return "without a barrier: on_event is missing";
  return NULL;
}

/* --- Work, load and stored data --------------------------------------------------------------- */

/* A part that a node holds, as one number: in the order of nodes, then of parts. */
static uint64_t pair_of(int node, int part) {
  return (uint64_t)node << 32 | (uint32_t)part;
}

typedef struct measures {
  double *work, stored;
  uint64_t *held; /* what was sent; may repeat itself */
  size_t count, capacity;
  void *state;
  sg_row row;
} measures;

/* Adds the parts in the row of a message. */
static bool add_parts(const sg_code *code, const sg_message *message, measures *m) {
  if (!sg_encode(code, m->state, message, &m->row) ||
      !SG_ROOM(m->held, m->capacity, m->count + (size_t)m->row.n_terms))
    return false;
  for (int i = 0; i < m->row.n_terms; i++)
    m->held[m->count++] = pair_of(message->from, m->row.term[i].part);
  return true;
}

static int by_number(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

/* The share of the data in what is held from `first` on, summed over nodes. Equal parts are
 * counted, not summed, so that a load of d subsets comes out as d exactly. A combination of parts
 * has as many rows as any one of them. */
static double held_share(const sg_code *code, measures *m, size_t first) {
  double all = 0, sum = 0;
  int count = 0;
  if (m->count == first) return 0; /* an idle node; there may be no array yet */
  gsl_heapsort(m->held + first, m->count - first, sizeof *m->held, by_number); /* in place */
  for (size_t i = first; i < m->count; i++) {
    int p = (int)(uint32_t)m->held[i],
        part = p < code->parts ? p : code->coded[p - code->parts].part[0];
    bool last = i + 1 == m->count || m->held[i + 1] >> 32 != m->held[i] >> 32;
    if (i == first || m->held[i] != m->held[i - 1]) {
      count++;
      sum += sg_code_edge(code, part + 1) - sg_code_edge(code, part);
    }
    if (!last) continue;
    all += code->edge ? sum : (double)count / code->parts;
    sum = count = 0;
  }
  return all;
}

/* The default plan: a node's work follows from the rows it sends. */
static bool measure_rows(const sg_code *code, measures *m) {
  bool ok = true;
  for (int node = 0; ok && node < code->nodes; node++) {
    m->count = 0;
    for (int s = 0; ok && s < code->segments; s++) {
      const sg_segment *segment = &code->segment[s];
      sg_message message = {
          .from = node, .to = code->parent ? code->parent[node] : SG_MASTER, .segment = s};
      size_t first = m->count;
      ok = add_parts(code, &message, m);
      double share = (double)(segment->end - segment->begin) / (double)code->shape.length;
      if (ok) m->work[node] += share * held_share(code, m, first) * code->shape.subsets;
    }
    if (ok) m->stored += held_share(code, m, 0);
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
      if (order->kind == SG_ORDER_SEND) ok = add_parts(code, &message, m);
    }
  }
  sg_orders_free(&o);
  if (ok) m->stored = held_share(code, m, 0);
  return ok;
}

/* Fills work, and load and stored where create left them open: from the rows of the default plan,
 * or from the first round's plan of a code with its own. */
static sg_status measure(sg_code *code, sg_error *e) {
  measures m = {.work = sg_code_alloc(code, (size_t)code->nodes, sizeof *m.work),
                .state = calloc(1, code->state_size + 1)};
  bool ok = m.work && m.state;
  if (ok && code->type->begin_round) code->type->begin_round(code, m.state, 0);
  if (ok) ok = code->type->plan ? measure_plan(code, &m) : measure_rows(code, &m);
  double load = 0;
  for (int node = 0; ok && node < code->nodes; node++) {
    if (fabs(m.work[node] - round(m.work[node])) < 1e-9) m.work[node] = round(m.work[node]);
    load = fmax(load, m.work[node]);
  }
  sg_status status = ok ? SG_OK : sg_row_fail(code, &m.row, e);
  sg_row_free(&m.row);
  free(m.held);
  free(m.state);
  if (status) return status;
  code->work = m.work;
  if (code->load <= 0) code->load = load;
  if (code->stored <= 0) code->stored = m.stored;
  return SG_OK;
}

/* --- Layer by layer --------------------------------------------------------------------------- */

/* One segment becomes as many as there are layers. */
static sg_status split_by_layer(sg_code *code, const sg_values *values, sg_error *e) {
  const sg_code_type *type = code->type;
  const sg_shape *shape = &code->shape;
  if (!values || !sg_values_param(values, "layers") || sg_choice(values, "layers") == 0)
    return SG_OK;
  if (shape->n_layers < 1)
    return sg_fail_at(e, values, "layers",
                      "expected \"together\" with a learning problem that has no layers (one that "
                      "has is \"layered-gradient\"), found \"one-by-one\"");
  if (sg_collective_given(values)) return SG_OK; /* whose buckets they are */
  if (code->segments > 1 || type->on_event || type->plan || type->arrive || code->parent)
    return sg_fail_at(e, values, "layers",
                      "expected \"together\" with \"%s\", which has a schedule of its own, found "
                      "\"one-by-one\"; codes of the default round can, such as "
                      "\"cyclic-repetition\"",
                      type->about.name);
  const sg_segment *whole = code->segment;
  sg_segment *segment = sg_code_alloc(code, (size_t)shape->n_layers, sizeof *segment);
  double *work = sg_code_alloc(code, (size_t)shape->n_layers, sizeof *work);
  if (!segment || !work) return sg_fail_memory(e);
  for (int i = 0; i < shape->n_layers; i++) {
    long begin = i > 0 ? shape->layer_end[i - 1] : 0, end = shape->layer_end[i];
    if (end - begin < whole->pieces)
      return sg_fail_at(e, values, "layers",
                        "expected layers of at least m = %d coordinates, found %ld in layer %d",
                        whole->pieces, end - begin, i);
    segment[i] =
        (sg_segment){.begin = begin, .end = end, .pieces = whole->pieces, .need = whole->need};
    work[i] = shape->layer_work[i];
  }
  code->segment = segment;
  code->segments = shape->n_layers;
  code->shape.layer_work = work; /* the problem may be gone when the code is used */
  code->by_layer = true;
  return SG_OK;
}

/* --- All of it -------------------------------------------------------------------------------- */

static sg_status complete(sg_code *code, const sg_values *values, sg_error *e) {
  const sg_code_type *type = code->type;
  sg_status status = SG_OK;
  if (!code->segment) status = sg_code_one_segment(code, NULL, NULL, 1, code->nodes, e);
  if (!status) status = split_by_layer(code, values, e);
  if (status) return status;
  const char *what = mistake(code);
  if (what) return sg_fail(e, SG_BUG, NULL, "code %s: %s", type->about.name, what);
  if (code->reduction == 0) code->reduction = code->segment[0].pieces;
  status = sg_stop_of_scheme(code, values, &code->policy, e);
  if (status) return status;
  if (code->coded_parts && code->policy->wants & SG_WANTS_DECODABLE && !type->arrive)
    return sg_fail(e, SG_INVALID, NULL,
                   "code %s: coded data have no rank test: expected a stop policy other than "
                   "\"%s\", or a code with arrive",
                   type->about.name, code->policy->type->about.name);
  if (!code->stop || (values && sg_values_param(values, "stop") && sg_given(values, "stop")))
    code->stop = code->policy->type->about.name;
  if (!type->on_event && (!type->plan || code->load <= 0)) return measure(code, e);
  if (code->stored <= 0) code->stored = code->nodes * code->load / code->shape.subsets;
  return SG_OK;
}

sg_status sg_code_new(const sg_code_type *type, const sg_shape *shape, const sg_values *values,
                      sg_code **out, sg_error *e) {
  *out = NULL;
  if (shape->workers < 1 || shape->subsets < 1 || shape->length < 1)
    return sg_fail(e, SG_BUG, NULL, "a code needs workers, subsets and coordinates");
  sg_code *code = blank(type, shape);
  if (!code) return sg_fail_memory(e);
  sg_status status = sg_values_check_with(values, e);
  if (!status) status = type->create(code, shape, values, e);
  code->shape.forecast = NULL; /* its maker may be gone when the code is used */
  if (!status) status = complete(code, values, e);
  if (!status) status = sg_collective_wrap(&code, values, e);
  code->shape.layer_end = NULL; /* and so may the problem */
  if (!code->by_layer) code->shape.layer_work = NULL;
  if (status) {
    sg_code_free(code);
    return status;
  }
  *out = code;
  return SG_OK;
}
