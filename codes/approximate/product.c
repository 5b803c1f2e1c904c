/* SPDX-License-Identifier: MIT */
/* Product codes: Kronecker products of two placements (Sakorikar, Wang 2021, arXiv:2105.05231, who
 * have products of codes; published. Which factors, and decoding: derived).
 *
 * Worker (a, b) of n₁ × n₂, number a n₂ + b, has block (i, k) with coefficient A₁[a, i] A₂[b, k].
 * Where those who answer are a grid S₁ × S₂ (all but some rows and columns: racks, say), α = α₁ ⊗
 * α₂ with the weights w₁ ⊗ w₂ of the factors, which are the least-norm optimal ones of the product,
 * as the pseudo-inverse of a product is that of the factors, and with optimal factors
 *
 *   ‖α − 1‖² = n₁ n₂ − (n₁ − Err₁)(n₂ − Err₂)
 *
 * Other sets are for least squares. theory: product */
#include "codes/tools/approximate.h"
#include "codes/tools/rules.h"
#include "codes/tools/symmetric_design.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const factors[] = {"block-design", "repetition", "circulant", "bernoulli", NULL};
enum { BLOCK_DESIGN, REPETITION, CIRCULANT, BERNOULLI };

static const sg_param params[] = {
    SG_ROW_INT("workers1", 1, SG_UNBOUNDED,
               "workers n1 of the first factor; divides the number of workers n, and the second "
               "factor has n/n1",
               .flags = SG_REQUIRED),
    SG_ROW_CHOICE("first", factors, BLOCK_DESIGN,
                  "the first factor: block-design (symmetric), repetition (groups of d1 workers "
                  "with the same d1 blocks), circulant (worker i has blocks i to i + d1 - 1), or "
                  "bernoulli (each block with probability d1/n1)"),
    SG_ROW_REAL("d1", 0, SG_UNBOUNDED, "load of the first factor; a whole number but for bernoulli",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROW_CHOICE("second", factors, REPETITION, "the second factor, likewise with d2"),
    SG_ROW_REAL("d2", 0, SG_UNBOUNDED,
                "load of the second factor; a whole number but for bernoulli",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROWS_APPROXIMATE,
    {0}};

typedef struct tables {
  sg_approximate base;
  sg_approximate factor[2]; /* placements alone, for least squares */
} tables;

/* --- Factors ---------------------------------------------------------------------------------- */

/* Which parameters are meant. */
typedef struct place {
  const char *kind, *load;
  int n;
  uint32_t stream;
} place;

static void draw_bernoulli(int n, double d, uint64_t seed, uint32_t stream, unsigned char *has) {
  for (int i = 0; i < n; i++) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CODE, stream, (uint32_t)i, 0);
    for (int j = 0; j < n; j++)
      has[(size_t)j * (size_t)n + (size_t)i] = sg_uniform(&random) < d / n;
  }
}

static sg_status fill_factor(const sg_values *values, const place *q, uint64_t seed,
                             unsigned char *has, sg_error *e) {
  int n = q->n, kind = sg_choice(values, q->kind);
  double load = sg_real(values, q->load);
  char list[400];
  if (load > n)
    return sg_fail_at(e, values, q->load,
                      "expected %s ≤ %d, the workers of the factor, "
                      "found %g",
                      q->load, n, load);
  if (kind == BERNOULLI) {
    draw_bernoulli(n, load, seed, q->stream, has);
    return SG_OK;
  }
  int d = (int)load;
  if (d != load)
    return sg_fail_at(e, values, q->load, "expected a whole number with \"%s\", found %g",
                      factors[kind], load);
  sg_design design = sg_design_find(n, d);
  if (kind == BLOCK_DESIGN && !design.kind)
    return sg_fail_at(e, values, q->load,
                      "expected a design that can be made, such as (%s, %s, omega) = %s; found "
                      "%d with %d workers in the factor",
                      q->stream == 8 ? "n2" : "n1", q->load,
                      sg_design_nearest(n, d, list, sizeof list), d, n);
  if (kind == BLOCK_DESIGN) return sg_design_fill(&design, has) ? sg_fail_memory(e) : SG_OK;
  if (kind == REPETITION && n % d != 0)
    return sg_fail_at(e, values, q->load, "expected %s dividing %d (%s), found %d", q->load, n,
                      sg_divisors(n, 0, list, sizeof list), d);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) {
      bool same = i / d == j / d, near = (i - j + n) % n < d;
      has[(size_t)j * (size_t)n + (size_t)i] = kind == REPETITION ? same : near;
    }
  return SG_OK;
}

/* The factor as a matrix. */
static sg_status make_factor(sg_code *code, const sg_values *values, const place *q,
                             sg_approximate *out, sg_error *e) {
  size_t n = (size_t)q->n, entries = 0;
  SG_OWNED unsigned char *has = malloc(n * n);
  SG_OWNED double *ones = malloc(n * sizeof *ones);
  SG_OWNED int *block = malloc(n * sizeof *block);
  if (!has || !ones || !block) return sg_fail_memory(e);
  sg_status status = fill_factor(values, q, code->shape.seed, has, e);
  if (status) return status;
  for (size_t k = 0; k < n * n; k++) entries += has[k];
  void *memory = sg_code_alloc(code, sg_sparse_bytes(q->n, entries), 1);
  if (!memory) return sg_fail_memory(e);
  out->a = sg_sparse_at(memory, q->n, q->n, entries);
  for (size_t j = 0; j < n; j++) {
    int load = 0;
    for (size_t i = 0; i < n; i++) {
      if (!has[j * n + i]) continue;
      ones[load] = 1;
      block[load++] = (int)i;
    }
    sg_sparse_add_row(&out->a, load, block, ones);
  }
  return SG_OK;
}

static sg_status multiply(sg_code *code, tables *t, sg_error *e) {
  const sg_sparse *a = &t->factor[0].a, *b = &t->factor[1].a;
  size_t entries = a->begin[a->rows] * b->begin[b->rows],
         longest = (size_t)a->columns * (size_t)b->columns;
  SG_OWNED double *ones = malloc(longest * sizeof *ones);
  SG_OWNED int *block = malloc(longest * sizeof *block);
  if (!ones || !block || !sg_approximate_place(code, &t->base, (int)longest, entries))
    return sg_fail_memory(e);
  for (int j = 0; j < a->rows; j++)
    for (int l = 0; l < b->rows; l++) {
      int load = 0;
      for (size_t x = a->begin[j]; x < a->begin[j + 1]; x++)
        for (size_t y = b->begin[l]; y < b->begin[l + 1]; y++) {
          ones[load] = a->value[x] * b->value[y];
          block[load++] = a->column[x] * b->columns + b->column[y];
        }
      sg_sparse_add_row(&t->base.a, load, block, ones);
    }
  return SG_OK;
}

/* --- Decoding --------------------------------------------------------------------------------- */

/* The rows and the columns of the grid that somebody is in, into side[0] and side[1]. Whether all
 * of these pairs are there. */
static bool is_grid(const tables *t, int count, const int *worker, int *side[2], int size[2]) {
  int n1 = t->factor[0].a.rows, n2 = t->factor[1].a.rows;
  int *row = side[0], *column = side[1];
  for (int a = 0; a < n1; a++) row[a] = 0;
  for (int b = 0; b < n2; b++) column[b] = 0;
  for (int i = 0; i < count; i++) row[worker[i] / n2] = column[worker[i] % n2] = 1;
  for (int f = 0; f < 2; f++) {
    int n = f ? n2 : n1, found = 0;
    for (int a = 0; a < n; a++)
      if (side[f][a]) side[f][found++] = a;
    size[f] = found;
  }
  return size[0] * size[1] == count;
}

static sg_status optimal(const sg_approximate *base, int count, const int *worker, double *w,
                         sg_scratch *scratch, sg_decode_info *info) {
  const tables *t = (const tables *)base;
  int size[2], *side[2], most = t->factor[0].a.rows + t->factor[1].a.rows;
  /* What lives across the factors' least squares stands before the workspace of these. */
  size_t own = ((size_t)most * (sizeof(double) + sizeof(int)) + 15) / 16 * 16,
         solving = sg_approximate_bytes(&t->factor[t->factor[1].a.rows > t->factor[0].a.rows]);
  double *at = sg_scratch_get(scratch, own + solving);
  if (!at) return SG_NO_MEMORY;
  side[0] = (int *)(void *)(at + most);
  side[1] = side[0] + t->factor[0].a.rows;
  if (!is_grid(t, count, worker, side, size))
    return sg_approximate_least_squares(base, count, worker, w, scratch, info);
  sg_scratch inner = {.data = (char *)at + own, .size = solving};
  double flops = count, cond1 = 1, *u[2] = {at, at + t->factor[0].a.rows};
  memset(at, 0, (size_t)most * sizeof *at);
  for (int f = 0; f < 2; f++) {
    sg_decode_info of = {.cond1 = 1};
    sg_status status =
        sg_approximate_least_squares(&t->factor[f], size[f], side[f], u[f], &inner, &of);
    if (status) return status;
    flops += of.flops;
    cond1 *= of.cond1;
  }
  for (int a = 0; a < size[0]; a++)
    for (int b = 0; b < size[1]; b++) w[a * size[1] + b] = u[0][a] * u[1][b];
  info->flops = flops;
  info->cond1 = cond1;
  return SG_OK;
}

/* --- The code --------------------------------------------------------------------------------- */

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  long n1 = sg_int(values, "workers1");
  char list[200];
  if (n1 > n || n % n1 != 0)
    return sg_fail_at(e, values, "workers1", "expected workers1 dividing n = %d (%s), found %ld", n,
                      sg_divisors(n, 0, list, sizeof list), n1);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  const place q[2] = {{"first", "d1", (int)n1, 7}, {"second", "d2", n / (int)n1, 8}};
  for (int f = 0; f < 2; f++) {
    sg_status status = make_factor(code, values, &q[f], &t->factor[f], e);
    if (status) return status;
  }
  sg_status status = multiply(code, t, e);
  if (status) return status;
  t->base.optimal = optimal;
  return sg_approximate_new(code, values, &t->base, e);
}

const sg_code_type sg_product = {
    .about = {.name = "product",
              .brief = "two placements multiplied, approximate",
              .summary =
                  "Product code: the Kronecker product of two placements (block design, "
                  "repetition, circulant, Bernoulli), for workers in a grid; the factors' weights "
                  "multiply where those that answer are a grid. Approximate.",
              .reference = "Sakorikar, Wang 2021, arXiv:2105.05231 (products published; factors "
                           "and decoding derived).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
