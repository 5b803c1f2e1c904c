/* SPDX-License-Identifier: MIT */
/* Gradients that are drawn once, behind the interface of a learning problem. */
#include "sim/check/gradients.h"

#include "codes/tools/gaussian.h"
#include "sim/core/linalg.h"

#include <math.h>
#include <string.h>

enum { STREAM = 1 << 14 /* normal numbers taken from one stream */ };

static sg_status given_begin(const sg_problem *problem, sg_workspace *ws,
                             const sg_gradient_request *request) {
  return SG_OK;
}

static sg_status given_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin,
                            long end, const double **out) {
  const sg_gradients *s = problem->self;
  for (int i = 0; i < s->items; i++) out[i] = s->gradient + i * problem->length + begin;
  return SG_OK;
}

static const sg_problem_type type = {.about = {.name = "given", .summary = "", .reference = ""},
                                     .begin = given_begin,
                                     .tile = given_tile};

static void draw_vector(uint64_t seed, size_t l, uint32_t which, double *g) {
  for (size_t i = 0; i < l; i += STREAM) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CHECK, which, (uint32_t)(i / STREAM), 3);
    sg_draw_gaussian(&random, l - i < STREAM ? (int)(l - i) : STREAM, g + i);
  }
}

/* Least squares with one row u and target y in each part: u (u · x − y). A coded row has no target;
 * what workers do not know of is the constant −Σ y u. */
static void least_squares(sg_gradients *s, const sg_code *code, uint64_t seed, double *x) {
  int l = (int)code->shape.length;
  double *u = s->gradient;
  draw_vector(seed, (size_t)l, (uint32_t)code->parts, x);
  cblas_dscal(l, 1 / sqrt(l), x, 1);
  memset(u + (ptrdiff_t)code->parts * l, 0, (size_t)code->coded_parts * (size_t)l * sizeof *u);
  for (int c = 0; c < code->coded_parts; c++)
    for (int i = 0; i < code->coded[c].count; i++)
      cblas_daxpy(l, code->coded[c].coef[i], u + (ptrdiff_t)code->coded[c].part[i] * l, 1,
                  u + (ptrdiff_t)(code->parts + c) * l, 1);
  for (int j = 0; j < code->parts + code->coded_parts; j++, u += l) {
    double y = j < code->parts ? cos(j + 1) : 0;
    cblas_daxpy(l, -y, u, 1, s->constant, 1);
    cblas_dscal(l, cblas_ddot(l, u, 1, x, 1) - y, u, 1);
  }
}

sg_status sg_gradients_make(sg_gradients *s, const sg_code *code, uint64_t seed, bool others,
                            sg_error *e) {
  *s = (sg_gradients){0};
  int known = code->parts + code->coded_parts;
  size_t l = (size_t)code->shape.length;
  s->items = others ? 2 * known : known;
  s->gradient = sg_arena_alloc(&s->arena, (size_t)s->items * l, sizeof *s->gradient);
  s->item = sg_arena_alloc(&s->arena, (size_t)s->items, sizeof *s->item);
  s->sum_item = sg_arena_alloc(&s->arena, (size_t)code->parts, sizeof *s->sum_item);
  double *x = sg_arena_alloc(&s->arena, l, sizeof *x);
  if (code->coded_parts) s->constant = sg_arena_alloc(&s->arena, l, sizeof *s->constant);
  if (!s->gradient || !s->item || !s->sum_item || !x || (code->coded_parts && !s->constant))
    return sg_fail_memory(e);
  for (int i = 0; i < s->items; i++) s->item[i].part = i % known;
  for (int p = 0; p < code->parts; p++) {
    draw_vector(seed, l, (uint32_t)p, s->gradient + (size_t)p * l);
    s->sum_item[p] = p;
  }
  if (code->coded_parts) least_squares(s, code, seed, x);
  for (size_t p = 0; p < (size_t)code->parts; p++)
    s->norms += cblas_dnrm2((int)l, s->gradient + p * l, 1);
  memset(x, 0, l * sizeof *x);
  for (size_t p = 0; p < (size_t)code->parts; p++)
    cblas_daxpy((int)l, 1, s->gradient + p * l, 1, x, 1);
  s->sum_norm = cblas_dnrm2((int)l, x, 1);
  for (size_t i = (size_t)known * l; i < (size_t)s->items * l; i++)
    s->gradient[i] = -s->gradient[i - (size_t)known * l];
  s->problem = (sg_problem){.type = &type,
                            .self = s,
                            .length = code->shape.length,
                            .subsets = code->shape.subsets,
                            .block_width = 1};
  return sg_partition_new(&s->problem, known, NULL, 0, NULL, &s->partition, e);
}

void sg_gradients_free(sg_gradients *s) {
  sg_partition_free(s->partition);
  sg_arena_free(s->arena);
  *s = (sg_gradients){0};
}
