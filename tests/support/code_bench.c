/* SPDX-License-Identifier: MIT */
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The messages of a round, from the orders that open it. */
static void plan_messages(bench *b) {
  sg_protocol *protocol = sg_protocol_new(b->code);
  sg_orders orders = {0};
  assert_non_null(protocol);
  sg_protocol_event(protocol, &(sg_event){.kind = SG_BEGIN}, &orders);
  assert_false(orders.failed);
  for (int node = 0; node < b->code->nodes; node++)
    for (int i = 0; i < orders.count; i++) {
      const sg_order *o = &orders.order[i];
      if (o->kind != SG_ORDER_SEND || (o->node != node && o->node != SG_ALL)) continue;
      assert_true(b->messages < BENCH_MESSAGES);
      b->message[b->messages] = sg_order_message(o, b->code, node);
      b->message[b->messages].id = b->messages;
      b->messages++;
    }
  sg_orders_free(&orders);
  sg_protocol_free(protocol);
}

sg_status bench_open_shaped(bench *b, sg_values *values, const sg_shape *shape, sg_error *e) {
  const sg_code_type *type = (const sg_code_type *)values->variant; /* its first member */
  *b = (bench){.values = values};
  sg_status status = sg_code_new(type, shape, values, &b->code, e);
  if (status) {
    assert_null(b->code);
    return status;
  }
  b->decoder = sg_decoder_new(b->code);
  b->state = calloc(1, b->code->state_size + 1);
  assert_true(b->decoder && b->state);
  if (type->begin_round) type->begin_round(b->code, b->state, 0);
  plan_messages(b);
  sg_code_label(values, b->label, sizeof b->label);
  return SG_OK;
}

sg_status bench_open(bench *b, sg_values *values, int n, uint64_t seed, sg_error *e) {
  sg_shape shape = {
      .workers = n, .subsets = n, .length = BENCH_LENGTH, .seed = seed, .updates = 1000};
  return bench_open_shaped(b, values, &shape, e);
}

void bench_close(bench *b) {
  sg_decoder_free(b->decoder);
  sg_code_free(b->code);
  free(b->state);
}

sg_values *bench_values(const char *name, ...) {
  const sg_code_type *type = sg_code_type_find(name);
  assert_non_null(type);
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "/schemes/0");
  assert_non_null(values);
  va_list list;
  va_start(list, name);
  const char *member;
  while ((member = va_arg(list, const char *)))
    assert_int_equal(sg_values_parse(values, member, va_arg(list, const char *), NULL), SG_OK);
  va_end(list);
  return values;
}

void bench_open_named(bench *b, sg_values *values, int n, uint64_t seed) {
  sg_error e = {0};
  if (bench_open(b, values, n, seed, &e))
    fail_msg("%s: %s", values->variant->name, e.fault[0].message);
}

void bench_refused(sg_values *values, int n, const char *place, const char *words) {
  bench b;
  sg_error e = {0};
  assert_int_equal(bench_open(&b, values, n, 1, &e), SG_INVALID);
  if (place) assert_string_equal(e.fault[0].place, place);
  if (!strstr(e.fault[0].message, words)) fail_msg("%s", e.fault[0].message);
  sg_error_clear(&e);
  sg_values_free(values);
}

void bench_close_named(bench *b) {
  sg_values_free(b->values);
  bench_close(b);
}

bool bench_comes(const bench *b, int message, unsigned long present) {
  bool flag[BENCH_MOST];
  for (int i = 0; i < b->code->nodes; i++) flag[i] = present >> i & 1;
  return sg_message_comes(b->code, &b->message[message], flag);
}

bool bench_is_promised(const bench *b, unsigned long present) {
  bool flag[BENCH_MOST];
  int missing = 0;
  for (int i = 0; i < b->code->nodes; i++) {
    flag[i] = present >> i & 1;
    missing += !flag[i];
  }
  return b->code->type->promises ? b->code->type->promises(b->code, flag)
                                 : missing <= b->code->promised;
}

unsigned long bench_sample(sg_stream *s, int n, int missing) {
  unsigned long present = (n == 64 ? 0 : 1UL << n) - 1;
  while (missing > 0) {
    int i = (int)(sg_uniform(s) * n);
    if (!(present >> i & 1)) continue;
    present &= ~(1UL << i);
    missing--;
  }
  return present;
}

sg_status bench_decode_segment(bench *b, int segment, unsigned long present, int turn,
                               sg_weights *w, const sg_message **order) {
  int n = b->messages, count = 0;
  for (int k = 0; k < n; k++) {
    int i = turn % 2 ? (n - 1 - k + turn) % n : (k + turn) % n;
    if (b->message[i].segment == segment && bench_comes(b, i, present))
      order[count++] = &b->message[i];
  }
  memcpy(b->order, order, (size_t)count * sizeof *order);
  sg_error e = {0};
  sg_status status = sg_decoder_weights(b->decoder, b->state, segment, count, order, w, &e);
  assert_int_equal(e.count, 0);
  return status;
}

sg_status bench_decode(bench *b, unsigned long present, int turn, sg_weights *w,
                       const sg_message **order) {
  return bench_decode_segment(b, 0, present, turn, w, order);
}

/* --- What is decoded -------------------------------------------------------------------------- */

/* Adds what a message is made of, times scale[v], to row v of alpha: (part, piece), coded ones
 * too. */
static void expand(const sg_code *code, const void *state, const sg_message *m, int pieces,
                   const double *scale, double *alpha) {
  size_t size = (size_t)(code->parts + code->coded_parts) * (size_t)pieces;
  double inner[BENCH_MOST];
  sg_row row = {0};
  assert_true(sg_encode(code, state, m, &row));
  for (int v = 0; v < pieces; v++)
    for (int t = 0; scale[v] != 0 && t < row.n_terms; t++)
      alpha[(size_t)v * size + (size_t)(row.term[t].part * pieces + row.term[t].piece)] +=
          scale[v] * row.term[t].coef;
  for (int i = 0; i < row.n_links; i++) {
    for (int v = 0; v < pieces; v++) inner[v] = scale[v] * row.link[i].coef;
    expand(code, state, row.link[i].message, pieces, inner, alpha);
  }
  sg_row_free(&row);
}

/* Of every part a number u of data and one y of targets: the gradient is Σ u (u x − y). */
static double number_of(int part, int which) {
  return sin(1 + 2.3 * part + 1.7 * which);
}

static double coded_deviation(const sg_code *code, const double *alpha, double bias) {
  double sum = 0, constant = 0, found = 0, x = 0.7;
  for (int p = 0; p < code->parts; p++) {
    double u = number_of(p, 0), y = number_of(p, 1);
    sum += u * (u * x - y);
    constant -= u * y;
    found += alpha[p] * u * (u * x - y);
  }
  for (int c = 0; c < code->coded_parts; c++) {
    double u = 0;
    for (int i = 0; i < code->coded[c].count; i++)
      u += code->coded[c].coef[i] * number_of(code->coded[c].part[i], 0);
    found += alpha[code->parts + c] * u * u * x;
  }
  return fabs(found + bias * constant - sum) / (1 + fabs(sum));
}

double bench_deviation(const sg_code *code, const void *state, int segment, const sg_weights *w,
                       const sg_message *const *order) {
  int pieces = w->pieces;
  size_t size = (size_t)(code->parts + code->coded_parts) * (size_t)pieces;
  double most = 0, *alpha = calloc((size_t)pieces * size, sizeof *alpha);
  const sg_message *first = NULL;
  assert_non_null(alpha);
  for (int i = 0; i < w->count; i++) {
    bool used = false;
    for (int v = 0; v < pieces; v++) used |= w->w[i * pieces + v] != 0;
    if (!used) continue;
    assert_int_equal(order[i]->segment, segment);
    if (first && order[i]->snapshot != first->snapshot) most = INFINITY;
    first = order[i];
    expand(code, state, order[i], pieces, w->w + i * pieces, alpha);
  }
  for (int v = 0; v < pieces; v++) {
    const double *a = alpha + (size_t)v * size;
    if (code->coded_parts) most = fmax(most, coded_deviation(code, a, w->bias[v]));
    for (size_t j = 0; !code->coded_parts && j < size; j++)
      most = fmax(most, fabs(a[j] - ((int)j % pieces == v)));
  }
  free(alpha);
  return most;
}

/* --- Rows ------------------------------------------------------------------------------------- */

static double width(const sg_code *code, int part) {
  if (part >= code->parts) part = code->coded[part - code->parts].part[0];
  return sg_code_edge(code, part + 1) - sg_code_edge(code, part);
}

/* Marks the parts in a worker's rows of a segment; their share of the data. */
static double held_in(const bench *b, int worker, int segment, unsigned char *ever) {
  const sg_code *code = b->code;
  unsigned char held[4 * BENCH_MOST] = {0};
  double share = 0;
  sg_row row = {0};
  for (int k = 0; k < b->messages; k++) {
    if (b->message[k].from != worker || b->message[k].segment != segment) continue;
    assert_true(sg_encode(code, b->state, &b->message[k], &row));
    for (int t = 0; t < row.n_terms; t++) {
      const sg_term *term = &row.term[t];
      assert_true(term->part >= 0 && term->part < code->parts + code->coded_parts);
      assert_true(term->piece >= 0 && term->piece < code->segment[segment].pieces);
      assert_true(term->coef != 0 && isfinite(term->coef));
      if (!held[term->part]) share += width(code, term->part);
      held[term->part] = ever[term->part] = 1;
    }
  }
  sg_row_free(&row);
  return share;
}

void bench_check_rows(bench *b) {
  const sg_code *code = b->code;
  double load = 0, stored = 0, most_sent = 0;
  for (int i = 0; i < code->nodes; i++) {
    unsigned char ever[4 * BENCH_MOST] = {0};
    double share = 0, sent = 0;
    for (int s = 0; s < code->segments; s++) {
      const sg_segment *segment = &code->segment[s];
      double part = (double)(segment->end - segment->begin) / (double)code->shape.length;
      share += held_in(b, i, s, ever) * part;
      for (int k = 0; k < b->messages; k++)
        if (b->message[k].from == i && b->message[k].segment == s) sent += part / segment->pieces;
    }
    if (code->work) assert_true(fabs(code->work[i] - share * code->shape.subsets) < 1e-9);
    load = fmax(load, code->work ? code->work[i] : share * code->shape.subsets);
    for (int p = 0; p < code->parts + code->coded_parts; p++)
      if (ever[p]) stored += width(code, p);
    most_sent = fmax(most_sent, sent);
  }
  if (code->work) assert_true(code->load == load && fabs(code->stored - stored) < 1e-9);
  assert_int_equal(code->reduction, code->segment[0].pieces);
  /* No exact code can beat d ≥ s + m (Ye & Abbe 2018), where a worker sends 1/m of a gradient,
   * stragglers send nothing, and what is sent is a sum of gradients of the data. */
  double d = load * code->nodes / code->shape.subsets, m = 1 / most_sent;
  if (code->exact && !code->type->comes && !code->coded_parts && d + 1e-9 < code->promised + m)
    fail_msg("%s, n = %d: d = %g is less than s + m = %d + %g, which no exact code can do",
             b->label, code->nodes, d, code->promised, m);
}

void bench_decode_rows(bench *b, unsigned long present, bench_decoded *out) {
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  if (bench_decode(b, present, 0, &w, order)) fail_msg("%s: %lx refused", b->label, present);
  *out = (bench_decoded){.count = w.count, .parts = b->code->parts};
  sg_row row = {.parts = b->code->parts, .pieces = 1};
  for (int i = 0; i < w.count; i++) {
    out->w[i] = w.w[i];
    assert_true(sg_encode(b->code, b->state, order[i], &row));
    for (int k = 0; k < row.n_terms; k++) {
      out->row[i][row.term[k].part] += row.term[k].coef;
      out->alpha[row.term[k].part] += w.w[i] * row.term[k].coef;
    }
  }
  sg_row_free(&row);
  for (int i = 0; i < out->parts; i++) {
    out->error += (out->alpha[i] - 1) * (out->alpha[i] - 1);
    out->sum += out->alpha[i];
    out->square += out->alpha[i] * out->alpha[i];
  }
}
