/* SPDX-License-Identifier: MIT */
/* Making, measuring and labelling gradient codes; rows. */
#include "codes/frame/code.h"
#include "codes/frame/measure.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Memory ----------------------------------------------------------------------------------- */

struct sg_arena {
  struct sg_arena *next;
  max_align_t data[];
};

void *sg_code_alloc(sg_code *code, size_t count, size_t size) {
  if (size && count > (SIZE_MAX - sizeof(struct sg_arena)) / size) return NULL;
  struct sg_arena *block = calloc(1, sizeof *block + count * size);
  if (!block) return NULL;
  block->next = code->arena;
  code->arena = block;
  return block->data;
}

void sg_code_free(sg_code *code) {
  if (!code) return;
  while (code->arena) {
    struct sg_arena *next = code->arena->next;
    free(code->arena);
    code->arena = next;
  }
  free(code);
}

double sg_code_edge(const sg_code *code, int part) {
  return code->edge ? code->edge[part] : (double)part / code->parts;
}

/* --- Making ----------------------------------------------------------------------------------- */

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
  if (end != code->shape.length) return "segments must cover all coordinates";
  if (!code->type->encode) return "encode is missing";
  if (code->coded_parts) {
    if (!code->type->weights) return "coded parts need weights of their own";
    if (code->flags & SG_STOP_DECODABLE && !code->type->arrive && !code->type->on_event)
      return "coded parts have no rank test: arrive is missing";
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

static sg_status complete(sg_code *code, sg_error *e) {
  const sg_code_type *type = code->type;
  if (!code->segment) {
    sg_status status = sg_code_one_segment(code, NULL, NULL, 1, code->nodes, e);
    if (status) return status;
  }
  const char *what = mistake(code);
  if (what) return sg_fail(e, SG_BUG, NULL, "code %s: %s", type->about.name, what);
  if (code->reduction == 0) code->reduction = code->segment[0].pieces;
  if (!code->stop) code->stop = code->flags & SG_STOP_DECODABLE ? "decodable" : "count";
  if (!type->on_event && (!type->plan || code->load <= 0)) return sg_measure(code, e);
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
  if (!status) status = complete(code, e);
  if (status) {
    sg_code_free(code);
    return status;
  }
  *out = code;
  return SG_OK;
}

/* --- Labels ----------------------------------------------------------------------------------- */

/* Whether no other choice of the same table has this word. */
static bool is_unambiguous(const sg_param *table, const sg_param *own, const char *word) {
  for (const sg_param *p = table; p->name; p++) {
    if (p == own || p->kind != SG_CHOICE) continue;
    for (int i = 0; p->choices[i]; i++)
      if (strcmp(p->choices[i], word) == 0) return false;
  }
  return true;
}

static int print_member(const sg_values *values, const sg_param *p, char *out, size_t size) {
  const char *name = p->name;
  switch (p->kind) {
  case SG_INT: return snprintf(out, size, " %s=%ld", name, sg_int(values, name));
  case SG_REAL: return snprintf(out, size, " %s=%.15g", name, sg_real(values, name));
  case SG_BOOL: return snprintf(out, size, sg_bool(values, name) ? " %s" : " %s=false", name);
  case SG_CHOICE: {
    const char *word = sg_text(values, name);
    if (is_unambiguous(values->variant->params, p, word)) return snprintf(out, size, " %s", word);
    return snprintf(out, size, " %s=%s", name, word);
  }
  case SG_TEXT: return snprintf(out, size, " %s=%s", name, sg_text(values, name));
  case SG_MATRIX: { /* without its folder */
    const char *path = sg_text(values, name), *slash = strrchr(path, '/');
    return snprintf(out, size, " %s=%s", name, slash ? slash + 1 : path);
  }
  case SG_SEED:
    return snprintf(out, size, " %s=%llu", name, (unsigned long long)sg_seed(values, name));
  case SG_LIST: return snprintf(out, size, " %s=[%d]", name, sg_count(values, name));
  case SG_OBJECT:
  case SG_FAMILY:
  case SG_ANY: break;
  }
  return snprintf(out, size, " %s", name);
}

void sg_code_label(const sg_values *values, char *label, size_t size) {
  int n = snprintf(label, size, "%s", values->variant->name);
  for (const sg_param *p = values->variant->params; p && p->name; p++) {
    if (!sg_given(values, p->name)) continue;
    if (n < 0 || (size_t)n >= size) return;
    n += print_member(values, p, label + n, size - (size_t)n);
  }
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* Room for one more element; doubles the capacity. */
static bool grow(void **array, int count, int *capacity, size_t size) {
  if (count < *capacity) return true;
  if (*capacity > INT_MAX / 2) return false;
  int wider = *capacity ? 2 * *capacity : 8;
  void *moved = realloc(*array, (size_t)wider * size);
  if (!moved) return false;
  *array = moved;
  *capacity = wider;
  return true;
}

static void blame(sg_row *row, const char *mistake) {
  row->failed = true;
  row->mistake = mistake;
}

void sg_row_part(sg_row *row, int part, int piece, double coef) {
  if (part < 0 || part >= row->parts) {
    blame(row, "encode gave a term of a part that the code does not have");
    return;
  }
  if (piece < 0 || piece >= row->pieces) {
    blame(row, "encode gave a term of a piece that the segment does not have");
    return;
  }
  if (coef == 0) return;
  void *term = row->term;
  if (!grow(&term, row->n_terms, &row->terms_capacity, sizeof *row->term)) {
    row->failed = true;
    return;
  }
  row->term = term;
  row->term[row->n_terms++] = (sg_term){.part = part, .piece = piece, .coef = coef};
}

void sg_row_message(sg_row *row, const sg_message *input, double coef) {
  if (coef == 0) return;
  void *link = row->link;
  if (!grow(&link, row->n_links, &row->links_capacity, sizeof *row->link)) {
    row->failed = true;
    return;
  }
  row->link = link;
  row->link[row->n_links++] = (sg_link){.message = input, .coef = coef};
}

void sg_row_batch(sg_row *row, int name) {
  if (!(row->flags & SG_BATCHES)) {
    blame(row, "encode named a mini-batch, but the flag SG_BATCHES is missing");
    return;
  }
  row->batch = name;
}

void sg_row_local(sg_row *row, int steps, double rate) {
  if (!(row->flags & SG_LOCAL)) {
    blame(row, "encode gave local steps, but the flag SG_LOCAL is missing");
    return;
  }
  if (steps < 1 || !(rate > 0 && rate < INFINITY)) {
    blame(row, "local steps must be at least one, and their rate positive");
    return;
  }
  row->steps = steps;
  row->rate = rate;
}

bool sg_encode(const sg_code *code, const void *state, const sg_message *message, sg_row *row) {
  row->n_terms = row->n_links = row->batch = row->steps = 0;
  row->flags = code->flags;
  row->failed = false;
  row->mistake = NULL;
  row->state = state;
  row->parts = code->parts + code->coded_parts;
  row->pieces = code->segment[message->segment].pieces;
  code->type->encode(code, message, row);
  return !row->failed;
}

sg_status sg_row_fail(const sg_code *code, const sg_row *row, sg_error *e) {
  if (!row->mistake) return sg_fail_memory(e);
  return sg_fail(e, SG_BUG, NULL, "code %s: %s", code->type->about.name, row->mistake);
}

void sg_row_free(sg_row *row) {
  free(row->term);
  free(row->link);
  *row = (sg_row){0};
}
