/* SPDX-License-Identifier: MIT */
/* Rows: the recipes of messages. */
#include "codes/frame/code.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>

/* Whether it holds; otherwise the row fails by that mistake or, if it is NULL, for want of memory.
 */
static bool expect(sg_row *row, bool holds, const char *mistake) {
  if (holds) return true;
  row->failed = true;
  row->mistake = mistake;
  return false;
}

void *sg_scratch_get(sg_scratch *scratch, size_t bytes) {
  if (bytes <= scratch->size) return scratch->data;
  void *moved = realloc(scratch->data, bytes);
  if (!moved) return NULL;
  *scratch = (sg_scratch){.data = moved, .size = bytes};
  return moved;
}

void sg_row_part(sg_row *row, int part, int piece, double coef) {
  if (expect(row, part >= 0 && part < row->parts,
             "encode gave a term of a part that the code does not have") &&
      expect(row, piece >= 0 && piece < row->pieces,
             "encode gave a term of a piece that the segment does not have") &&
      coef != 0 && expect(row, SG_ROOM(row->term, row->terms_capacity, row->n_terms + 1), NULL))
    row->term[row->n_terms++] = (sg_term){.part = part, .piece = piece, .coef = coef};
}

void sg_row_message(sg_row *row, const sg_message *input, double coef) {
  if (coef != 0 && expect(row, SG_ROOM(row->link, row->links_capacity, row->n_links + 1), NULL))
    row->link[row->n_links++] = (sg_link){.message = input, .coef = coef};
}

void sg_row_batch(sg_row *row, int name) {
  if (expect(row, row->flags & SG_BATCHES,
             "encode named a mini-batch, but the flag SG_BATCHES is missing"))
    row->batch = name;
}

void sg_row_batches(sg_row *row, int name, int count) {
  sg_row_batch(row, name);
  if (expect(row, count >= 1 && name >= 1, "encode named less than one mini-batch") &&
      expect(row, name <= INT_MAX - count, "encode named mini-batches beyond the largest int"))
    row->batches = count;
}

void sg_row_local(sg_row *row, int steps, double rate) {
  if (!expect(row, row->flags & SG_LOCAL,
              "encode gave local steps, but the flag SG_LOCAL is missing") ||
      !expect(row, steps >= 1 && rate >= 0 && rate < INFINITY,
              "local steps must be at least one, and their rate positive or 0"))
    return;
  row->steps = steps;
  row->rate = rate;
}

void sg_row_offset(sg_row *row, double factor) {
  if (expect(row, row->flags & SG_OFFSET,
             "encode gave an offset, but the flag SG_OFFSET is missing") &&
      expect(row, isfinite(factor), "the factor of an offset must be finite"))
    row->offset = factor;
}

static int order_of(const void *a, const void *b) {
  const sg_message *x = *(const sg_message *const *)a, *y = *(const sg_message *const *)b;
  return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                            : (x->tag > y->tag) - (x->tag < y->tag);
}

/* The inputs of a relay's message with the weights that the code finds for them. */
static void combine(const sg_code *code, const sg_message *message, sg_row *row) {
  size_t n = (size_t)message->n_in;
  double *w = sg_scratch_get(&row->used, n * (sizeof *w + sizeof(sg_message *)));
  if (!expect(row, w, NULL)) return;
  const sg_message **in = (const sg_message **)(void *)(w + n);
  for (size_t i = 0; i < n; i++) {
    in[i] = message->in[i];
    w[i] = 0;
  }
  qsort(in, n, sizeof *in, order_of);
  row->combined = (sg_decode_info){.cond1 = 1, .alpha_error = NAN};
  double bias = 1;
  const sg_used used = {.state = row->state,
                        .segment = message->segment,
                        .count = message->n_in,
                        .message = in,
                        .scratch = &row->scratch,
                        .W = w,
                        .bias = &bias,
                        .info = &row->combined};
  sg_status status = code->type->combine(code, message, &used);
  row->undecodable = status == SG_UNDECODABLE;
  row->failed = status;
  double length = (double)sg_segment_length(&code->segment[message->segment]);
  double noise = sg_weights_noise((long)n, w);
  for (size_t i = 0; i < n && !row->failed; i++) {
    if (!isfinite(w[i])) row->undecodable = row->failed = true;
    row->combined.flops += fabs(w[i]) > noise ? 2 * length : 0;
    sg_row_message(row, in[i], w[i]);
  }
}

bool sg_encode(const sg_code *code, const void *state, const sg_message *message, sg_row *row) {
  row->n_terms = row->n_links = row->batch = row->steps = 0;
  row->batches = 1;
  row->offset = 0;
  row->flags = code->flags;
  row->failed = false;
  row->mistake = NULL;
  row->state = state;
  row->parts = code->parts + code->coded_parts;
  row->pieces = code->segment[message->segment].pieces;
  row->undecodable = false;
  row->combined = (sg_decode_info){.cond1 = NAN};
  code->type->encode(code, message, row);
  if (row->batches > 1)
    expect(row, row->steps == 0, "encode gave local steps on a sum of mini-batches");
  if (code->type->combine && message->n_in > 0 && !row->failed) combine(code, message, row);
  return !row->failed;
}

sg_status sg_row_fail(const sg_code *code, const sg_row *row, sg_error *e) {
  if (row->undecodable) return SG_UNDECODABLE;
  if (!row->mistake) return sg_fail_memory(e);
  return sg_fail(e, SG_BUG, NULL, "code %s: %s", code->type->about.name, row->mistake);
}

void sg_row_free(sg_row *row) {
  free(row->term);
  free(row->link);
  free(row->scratch.data);
  free(row->used.data);
  *row = (sg_row){0};
}

/* A stack of messages still to be written out, instead of recursion. */
static bool push(sg_expander *x, const sg_message *message, double coef) {
  if (!SG_ROOM(x->todo, x->capacity, x->count + 1)) return false;
  x->todo[x->count++] = (sg_link){.message = message, .coef = coef};
  return true;
}

bool sg_expand(sg_expander *x, const sg_code *code, const void *state, const sg_message *message,
               double scale, double *dense) {
  int pieces = code->segment[message->segment].pieces;
  x->count = 0;
  if (!push(x, message, scale)) return false;
  while (x->count > 0) {
    sg_link next = x->todo[--x->count];
    if (!sg_encode(code, state, next.message, &x->row)) return false;
    for (int i = 0; i < x->row.n_terms; i++) {
      const sg_term *t = &x->row.term[i];
      dense[t->part * pieces + t->piece] += next.coef * t->coef * x->row.batches;
    }
    for (int i = 0; i < x->row.n_links; i++)
      if (!push(x, x->row.link[i].message, next.coef * x->row.link[i].coef)) return false;
  }
  return true;
}

void sg_expander_free(sg_expander *x) {
  sg_row_free(&x->row);
  free(x->todo);
  *x = (sg_expander){0};
}
