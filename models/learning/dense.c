/* SPDX-License-Identifier: MIT */
/* The pass over dense data.
 *
 * Rows are those of a part, those of a coded part (combinations of rows, with targets 0), or those
 * of a mini-batch: all three go through the same pass.
 *
 * Width 1: a block of rows is read once; its margins, its residuals and its share of the gradient
 * follow while it is in cache. Blocks start anew at each part, so that a partial gradient does not
 * depend on what else is asked for. The order of additions is fixed by the data alone. Several
 * columns go through a block together where the processor has the loops for it (abreast.c).
 *
 * Width W: two matrix products with W columns each. Models are columns of the products: with models
 * as rows a model's place changes its bits on some OpenBLAS kernels. Unused columns are computed
 * with the rest, so that the shape never changes. */
#include "models/learning/dense.h"
#include "models/learning/abreast.h"
#include "models/learning/combine.h"
#include "models/learning/simd.h"
#include "models/learning/sparse.h"
#include "sim/core/linalg.h"
#include "sim/core/memory.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"
#include "sim/core/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  BLOCK_BYTES = 12 << 10, /* a block of short rows; it and the next one fit the first-level cache */
  NEAR_BYTES = 28 << 10,  /* what may be there of rows, beside models and margins */
  BLOCK_ROWS = 64,
  SPARSE_WIDTH = 8,
  PRODUCT_ROWS = 480 /* rows of X that meet the models of both points while they are near */
};

/* Sparse rows that do not fit the second cache, with their list, are worth reading once for several
 * models; more than a register's eight add little (docs/performance.md). */
static const double sparse_block_bytes = 2e6;

/* --- Creation --------------------------------------------------------------------------------- */

/* Says what classes there are as one reads them: "3 ("a", "b", "c")". */
static sg_status wrong_classes(const sg_values *learning, const sg_data *data, sg_error *e) {
  sg_buffer found = {0};
  sg_putf(&found, "%d (", data->classes);
  for (int c = 0; c < data->classes && c < 5; c++)
    sg_putf(&found, "%s\"%s\"", c ? ", " : "", data->class_name[c]);
  sg_put(&found, data->classes > 5 ? ", …)" : ")");
  sg_status status =
      found.failed ? sg_fail_memory(e)
                   : sg_fail_at(e, learning, "data",
                                "expected labels of exactly 2 classes for logistic-regression, "
                                "found %.255s; problem \"softmax\" takes more",
                                found.data);
  sg_buffer_free(&found);
  return status;
}

static const sg_param params[] = {SG_ROW_FAMILY("data", &sg_data_family, "the data set",
                                                .fields = sg_data_params, .flags = SG_REQUIRED),
                                  {0}};

/* Reads the data and fills in the problem. */
static sg_status create(sg_problem *problem, const sg_values *learning, uint64_t seed,
                        sg_error *e) {
  const int classes = problem->type->loss->classes;
  sg_dense *d = calloc(1, sizeof *d);
  if (!d) return sg_fail_memory(e);
  problem->self = d;
  d->loss = problem->type->loss;
  sg_status status = (problem->outline ? sg_data_outline : sg_data_new)(
      sg_object(learning, "data"), classes == 0, seed, &d->data, e);
  if (status) return status;
  sg_data *data = d->data;
  problem->outline = data->outline;
  if (classes == 2 && data->classes != 2) return wrong_classes(learning, data, e);
  if (data->rows < problem->subsets)
    return sg_fail_at(e, learning, "data",
                      "expected a training row for each of the %d subsets, found %ld rows",
                      problem->subsets, data->rows);
  d->outputs = classes > 2 ? data->classes : 1;
  for (long i = 0; classes == 2 && data->y && i < data->rows + data->test_rows; i++)
    data->y[i] = 2 * data->y[i] - 1; /* of the test rows, too */
  long row = 8 * data->columns, block = (BLOCK_BYTES / row + 3) / 8 * 8;
  if (block < 8) block = 8 * row <= NEAR_BYTES ? 8 : 4;
  d->block = block > BLOCK_ROWS ? BLOCK_ROWS : block;
  d->ahead = 2 * d->block * row <= NEAR_BYTES ? d->block * data->columns : 0;
  problem->note = data->note;
  problem->rows = data->rows;
  problem->length = data->columns * d->outputs;
  problem->stride = data->columns;
  problem->unregularised = data->intercept ? 1 : 0;
  problem->data_bytes = sg_data_bytes(data);
  problem->making_bytes = sg_data_making_bytes(data);
  if (data->sparse)
    problem->block_width = problem->data_bytes < sparse_block_bytes ? 1 : SPARSE_WIDTH;
  else if (sg_abreast_here())
    problem->abreast = SG_ABREAST;
  return SG_OK;
}

static bool is_sparse(const sg_problem *problem) {
  return ((const sg_dense *)problem->self)->data->sparse != NULL;
}

static void destroy(sg_problem *problem) {
  const sg_dense *d = problem->self;
  if (d) sg_data_free(d->data);
}

static sg_status partition(const sg_problem *problem, int parts, const double *edge,
                           sg_partition *partition, sg_error *e) {
  const sg_data *data = ((const sg_dense *)problem->self)->data;
  long n = data->rows, first = 0;
  for (int p = 0; p < parts; p++) {
    double share = edge ? edge[p + 1] : (double)(p + 1) / parts;
    /* An edge that should fall on half a row goes up, whatever its last bits are. */
    long end = p + 1 == parts ? n : (long)floor(share * (double)n + 0.5 + 1e-9);
    if (end <= first)
      return sg_fail(e, SG_INVALID, NULL,
                     "expected training rows for each of the %d parts of the code, found none for "
                     "part %d: the data have %ld training rows",
                     parts, p, n);
    partition->stretch[p] =
        (sg_stretch){.x = data->x ? data->x + first * data->columns : NULL,
                     .single = data->single ? data->single + first * data->columns : NULL,
                     .target = data->y ? data->y + first : NULL,
                     .n = end - first,
                     .scale = 1.0 / (double)n,
                     .at = first,
                     .sparse = data->sparse,
                     .first = first,
                     .one = 1};
    first = end;
  }
  return data->sparse ? sg_sparse_partition(data, partition, e) : SG_OK;
}

/* The sum of coef · (rows of the part), to x; float32 is widened by stretches. */
static void combine_rows(const sg_partition *p, const sg_coded_part *m, long numbers, double *x) {
  enum { TERMS = 16 /* parts at a time */, NUMBERS = 256 };
  const double *term[TERMS];
  double widened[TERMS][NUMBERS];
  long most = p->stretch[m->part[0]].single ? NUMBERS : numbers;
  for (long at = 0; at < numbers; at += most) {
    long n = numbers - at < most ? numbers - at : most;
    for (int t = 0; t < m->count; t += TERMS) {
      int terms = m->count - t < TERMS ? m->count - t : TERMS;
      for (int k = 0; k < terms; k++) {
        const sg_stretch *s = &p->stretch[m->part[t + k]];
        if (s->single) sg_widen(s->single + at, n, widened[k]);
        term[k] = s->single ? widened[k] : s->x + at;
      }
      sg_combine(terms, term, m->coef + t, x + at, n, t > 0);
    }
  }
}

/* −Xᵀy / N. room: a row. */
static void make_constant(const sg_data *data, double *room, double *constant) {
  const sg_stretch all = {.x = data->x, .single = data->single};
  for (long i = 0; i < data->rows; i++) {
    const double *row, coef = -data->y[i] / (double)data->rows;
    sg_get_rows(&all, i, 1, data->columns, room, &row);
    sg_combine(1, &row, &coef, constant, data->columns, 1);
  }
}

/* Coded parts of a loss whose residuals are z − y: linear in the model, so that the gradient of a
 * combination without its targets is X̃ᵀX̃ x / N. */
static sg_status combine(const sg_problem *problem, int count, const sg_coded_part *coded,
                         sg_partition *p, sg_error *e) {
  const sg_data *data = ((const sg_dense *)problem->self)->data;
  long columns = data->columns, longest = 0;
  if (data->sparse) return sg_sparse_combine(data, count, coded, p, e);
  for (int c = 0; c < count; c++) {
    long rows = p->stretch[coded[c].part[0]].n;
    p->made_numbers += coded[c].count > 1 ? rows * columns : 0;
    longest = rows > longest ? rows : longest;
  }
  if (data->outline) return SG_OK;
  p->made = sg_pages((size_t)(p->made_numbers + longest + 2 * columns), sizeof *p->made);
  if (!p->made) return sg_fail_room(e, "coded data", 8.0 * (double)p->made_numbers);
  double *made = p->made, *zero = made + p->made_numbers;
  memset(zero, 0, (size_t)(longest + 2 * columns) * sizeof *zero);
  long at = data->rows;
  for (int c = 0; c < count; c++) {
    const sg_coded_part *m = &coded[c];
    sg_stretch *s = &p->stretch[p->parts + c];
    *s = p->stretch[m->part[0]];
    s->target = zero;
    s->at = at;
    at += s->n;
    if (m->count == 1) { /* the rows are there already */
      s->scale *= m->coef[0] * m->coef[0];
      continue;
    }
    combine_rows(p, m, s->n * columns, made);
    s->x = made;
    s->single = NULL;
    made += s->n * columns;
  }
  p->constant = zero + longest;
  make_constant(data, p->constant + columns, p->constant);
  return SG_OK;
}

/* --- Width 1 ---------------------------------------------------------------------------------- */

double sg_penalty(const sg_problem *problem, const double *x) {
  if (problem->l2 <= 0) return 0;
  double sum = 0;
  for (long b = 0; b < problem->length; b += problem->stride)
    for (long i = b; i < b + problem->stride - problem->unregularised; i++) sum += x[i] * x[i];
  return 0.5 * problem->l2 * sum;
}

SG_CLONES_OF(double, sg_mean_loss, (const double *loss, long n), (loss, n)) {
  sg_v4 a = SG_V4(0.0), b = SG_V4(0.0);
  long i = 0;
  for (; i + 8 <= n; i += 8) a += AT(loss, i), b += AT(loss, i + 4);
  a += b;
  double sum = sg_v4_sum(&a);
  for (; i < n; i++) sum += loss[i];
  return sum / (double)n;
}

void sg_get_rows(const sg_stretch *s, long b, long n, long columns, double *room,
                 const double **row) {
  if (!s->single && !s->pick) {
    const double *at = s->x + b * columns;
    for (long i = 0; i < n; i++, at += columns) row[i] = at;
    return;
  }
  for (long i = 0; i < n; i++) {
    long at = s->pick ? s->pick[b + i] : b + i;
    row[i] = s->single ? room + i * columns : s->x + at * columns;
    if (s->single && s->pick) sg_widen(s->single + at * columns, columns, room + i * columns);
  }
  if (s->single && !s->pick) sg_widen(s->single + b * columns, n * columns, room);
}

/* Room for the margins of a block at two points, and for its rows. */
static size_t block_scratch(const sg_dense *d) {
  return (size_t)(d->block * (2 * d->outputs + (d->data->float32 ? d->data->columns : 0)));
}

/* Adds the gradient at x of the rows of s to g (NULL: not wanted) and writes their losses at y to
 * `loss` (NULL: not wanted). scratch: block_scratch numbers. */
static void pass(const sg_dense *d, const sg_stretch *s, const double *x, const double *y,
                 double *g, double *loss, double *scratch) {
  long columns = d->data->columns, ld = d->block;
  double *zx = scratch, *zy = scratch + ld * d->outputs, picked[BLOCK_ROWS];
  if (!g) x = y; /* margins at one point */
  bool two = loss && x != y;
  /* Rows that are picked, or widened, do not lie one after another. */
  long ahead = s->pick || s->single ? 0 : d->ahead;
  for (long b = 0; b < s->n; b += ld) {
    long n = s->n - b < ld ? s->n - b : ld;
    const double *row[BLOCK_ROWS], *target = s->target + b;
    sg_get_rows(s, b, n, columns, zy + ld * d->outputs, row);
    for (long i = 0; s->pick && i < n; i++) picked[i] = s->target[s->pick[b + i]];
    if (s->pick) target = picked;
    for (int o = 0; o < d->outputs; o++)
      sg_margins(row, n, columns, x + o * columns, two ? y + o * columns : NULL, zx + o * ld,
                 zy + o * ld);
    if (two) d->loss->rows(d->outputs, target, n, s->scale, zy, NULL, ld, loss + b);
    d->loss->rows(d->outputs, target, n, s->scale, zx, g ? zx : NULL, ld,
                  loss && !two ? loss + b : NULL);
    if (!g) continue;
    for (int o = 0; o < d->outputs; o++)
      sg_add_rows((int)n, row, zx + o * ld, g + o * columns, columns, ahead);
  }
}

/* The gradient of a mini-batch, scaled so that its mean is the part's. */
static bool batch_gradient(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *q, const sg_partial *item, double *g) {
  const sg_dense *d = problem->self;
  sg_stretch s = q->partition->stretch[item->part];
  long rows = s.n;
  s.pick = sg_batch_rows(ws, q->partition, item);
  if (!s.pick) return false;
  s.n = sg_partition_rows(q->partition, item->part, item->batch);
  s.scale *= (double)rows / (double)s.n;
  memset(g, 0, (size_t)problem->length * sizeof *g);
  pass(d, &s, q->x[item->column], NULL, g, NULL, ws->scratch.p);
  return true;
}

static sg_status begin_single(const sg_problem *problem, sg_workspace *ws,
                              const sg_gradient_request *q) {
  const sg_dense *d = problem->self;
  const sg_partition *partition = q->partition;
  long l = problem->length, rows = d->data->rows;
  int all = sg_partition_parts(partition);
  if (!sg_numbers_need(&ws->vectors, (size_t)q->n_items * (size_t)l) ||
      !sg_numbers_need(&ws->scratch, block_scratch(d)) || !sg_numbers_need(&ws->loss, (size_t)rows))
    return SG_NO_MEMORY;
  for (int c = 0; c < q->columns; c++) {
    const double *y = q->loss_x ? q->loss_x[c] : NULL;
    for (int p = 0; p < all; p++) ws->index[p] = -1;
    for (int i = 0; i < q->n_items; i++) {
      const sg_partial *item = &q->item[i];
      if (item->column != c) continue;
      int *first = &ws->index[item->part];
      if (item->batch && sg_is_batch(partition, item)) {
        ws->window[i] = ws->vectors.p + i * l;
        if (!batch_gradient(problem, ws, q, item, ws->vectors.p + i * l)) return SG_NO_MEMORY;
        continue;
      }
      if (*first < 0) *first = i;
      ws->window[i] = ws->vectors.p + *first * l; /* an item that is asked for twice is made once */
    }
    for (int p = 0; p < all; p++) {
      double *g = ws->index[p] < 0 ? NULL : ws->vectors.p + ws->index[p] * l;
      bool loss = y && p < partition->parts; /* coded rows have none */
      if (!g && !loss) continue;
      if (g) memset(g, 0, (size_t)l * sizeof *g);
      const sg_stretch *s = &partition->stretch[p];
      pass(d, s, q->x[c], y, g, loss ? ws->loss.p + s->at : NULL, ws->scratch.p);
    }
    if (q->loss) q->loss[c] = y ? sg_mean_loss(ws->loss.p, rows) + sg_penalty(problem, y) : NAN;
  }
  return SG_OK;
}

/* --- Width W ---------------------------------------------------------------------------------- */

/* Margins of rows begin … begin + n − 1 with all W models: column (model · outputs + output) of z.
 */
static void product(const sg_dense *d, const sg_workspace *ws, int width, const sg_stretch *s,
                    long begin, long n, const double *x, double *z, long ld) {
  long models = (long)width * d->outputs, columns = d->data->columns;
  sg_wide_product(n, columns, (int)models, s->single ? NULL : s->x + begin * columns,
                  s->single ? s->single + begin * columns : NULL, x,
                  ws->scratch.p + PRODUCT_ROWS * models, z, ld);
}

static sg_stretch whole(const sg_dense *d) {
  long n = d->data->rows;
  return (sg_stretch){.x = d->data->x,
                      .single = d->data->single,
                      .target = d->data->y,
                      .n = n,
                      .scale = 1.0 / (double)n};
}

/* The losses of q->loss_x where it is another point than q->x. other: its first column. */
static void losses_elsewhere(const sg_problem *problem, sg_workspace *ws,
                             const sg_gradient_request *q, const double *other, long begin,
                             long end) {
  const sg_dense *d = problem->self;
  long rows = d->data->rows;
  const sg_stretch all = whole(d);
  product(d, ws, q->width, &all, begin, end - begin, other, ws->scratch.p, PRODUCT_ROWS);
  for (int c = 0; c < q->columns; c++)
    if (q->loss_x[c] && q->loss_x[c] != q->x[c])
      d->loss->rows(d->outputs, d->data->y + begin, end - begin, 1,
                    ws->scratch.p + (long)c * d->outputs * PRODUCT_ROWS, NULL, PRODUCT_ROWS,
                    ws->loss.p + c * rows + begin);
}

/* Numbers between the residuals of two models: those of all rows, then of all coded rows. */
static long residual_rows(const sg_partition *p) {
  const sg_stretch *last = &p->stretch[sg_partition_parts(p) - 1];
  return last->at + last->n;
}

/* Residuals of a coded part: its margins, scaled. */
static void coded_residuals(const sg_dense *d, const sg_workspace *ws, const sg_gradient_request *q,
                            int part) {
  const sg_stretch *s = &q->partition->stretch[part];
  long ld = residual_rows(q->partition);
  double *z = ws->residual.p + s->at;
  for (long b = 0; b < s->n; b += PRODUCT_ROWS)
    product(d, ws, q->width, s, b, s->n - b < PRODUCT_ROWS ? s->n - b : PRODUCT_ROWS, q->x[0],
            z + b, ld);
  for (int c = 0; c < q->columns; c++, z += ld)
    d->loss->rows(1, s->target, s->n, s->scale, z, z, ld, NULL);
}

/* Class by class, row by row, the residuals of all models, for the sums that want them so. */
static bool turn_residuals(const sg_dense *d, sg_workspace *ws, const sg_gradient_request *q,
                           long rows) {
  int width = q->width;
  bool wanted = false;
  for (int u = 0; u < ws->n_used; u++)
    wanted |= sg_wide_sums_suit(q->partition->stretch[ws->used[u]].n, 0, width);
  if (!wanted) return true;
  if (!sg_numbers_need(&ws->turned, (size_t)(rows * width * d->outputs)) ||
      !sg_numbers_need(&ws->scratch, SG_WIDE_SCRATCH))
    return false;
  for (int o = 0; o < d->outputs; o++)
    for (long i = 0; i < rows; i += 8) /* a line of the cache of each model */
      for (int w = 0; w < width; w++)
        for (long k = i; k < i + 8 && k < rows; k++)
          ws->turned.p[(o * rows + k) * width + w] =
              ws->residual.p[((long)w * d->outputs + o) * rows + k];
  return true;
}

static sg_status begin_wide(const sg_problem *problem, sg_workspace *ws,
                            const sg_gradient_request *q) {
  const sg_dense *d = problem->self;
  long rows = d->data->rows, models = (long)q->width * d->outputs, ld = residual_rows(q->partition);
  const double *other = NULL; /* column 0 of the block of loss points */
  const sg_stretch all = whole(d);
  for (int c = 0; q->loss_x && c < q->columns; c++) {
    if (!q->loss_x[c] || q->loss_x[c] == q->x[c]) continue;
    const double *first = q->loss_x[c] - c * problem->length;
    if (other && other != first) return SG_BUG;
    other = first;
  }
  if (!sg_numbers_need(&ws->residual, (size_t)(ld * models)) ||
      !sg_numbers_need(&ws->scratch, (size_t)(PRODUCT_ROWS * models) +
                                         sg_wide_scratch(PRODUCT_ROWS, (int)models)) ||
      (q->loss_x && !sg_numbers_need(&ws->loss, (size_t)(rows * q->columns))))
    return SG_NO_MEMORY;
  for (long b = 0; b < rows; b += PRODUCT_ROWS) {
    long end = b + PRODUCT_ROWS < rows ? b + PRODUCT_ROWS : rows;
    product(d, ws, q->width, &all, b, end - b, q->x[0], ws->residual.p + b, ld);
    if (other) losses_elsewhere(problem, ws, q, other, b, end);
  }
  for (int c = 0; c < q->columns; c++) {
    const double *y = q->loss_x ? q->loss_x[c] : NULL;
    double *z = ws->residual.p + (long)c * d->outputs * ld;
    double *loss = y ? ws->loss.p + c * rows : NULL;
    d->loss->rows(d->outputs, d->data->y, rows, 1.0 / (double)rows, z, z, ld,
                  y == q->x[c] ? loss : NULL);
    if (q->loss) q->loss[c] = y ? sg_mean_loss(loss, rows) + sg_penalty(problem, y) : NAN;
  }
  for (int p = 0; p < sg_partition_parts(q->partition); p++) ws->index[p] = -1;
  ws->n_used = 0;
  for (int i = 0; i < q->n_items; i++) {
    int *index = &ws->index[q->item[i].part];
    if (*index >= 0) continue;
    *index = ws->n_used;
    ws->used[ws->n_used++] = q->item[i].part;
    if (q->item[i].part >= q->partition->parts) coded_residuals(d, ws, q, q->item[i].part);
  }
  /* Whatever stands in unused columns must not slow the products down. */
  memset(ws->residual.p + (long)q->columns * d->outputs * ld, 0,
         (size_t)((q->width - q->columns) * d->outputs * ld) * sizeof(double));
  return turn_residuals(d, ws, q, ld) ? SG_OK : SG_NO_MEMORY;
}

static sg_status begin(const sg_problem *problem, sg_workspace *ws,
                       const sg_gradient_request *request) {
  if (!sg_workspace_shape(ws, request->n_items, sg_partition_parts(request->partition)))
    return SG_NO_MEMORY;
  if (is_sparse(problem)) return sg_sparse_begin(problem, ws, request);
  if (request->width > 1) return begin_wide(problem, ws, request);
  return sg_abreast_suits(problem, request) ? sg_abreast_begin(problem, ws, request)
                                            : begin_single(problem, ws, request);
}

/* Coordinates [begin, end) of a part's gradients, W columns with leading dimension ld. */
static bool part_tile(const sg_dense *d, sg_workspace *ws, int part, long begin, long end,
                      double *out, long ld) {
  const sg_gradient_request *q = ws->request;
  const sg_stretch *s = &q->partition->stretch[part];
  long columns = d->data->columns, rows = residual_rows(q->partition);
  while (begin < end) { /* class by class */
    long o = begin / columns, first = begin - o * columns;
    long n = end < (o + 1) * columns ? end - begin : (o + 1) * columns - begin;
    if (sg_wide_sums_suit(s->n, n, q->width)) {
      sg_wide_sums(s->n, n, q->width, s->single ? NULL : s->x + first,
                   s->single ? s->single + first : NULL, columns,
                   ws->turned.p + (o * rows + s->at) * q->width, ws->scratch.p, out, ld);
    } else {
      if (s->single && !sg_numbers_need(&ws->widened, (size_t)(s->n * n))) return false;
      for (long i = 0; s->single && i < s->n; i++)
        sg_widen(s->single + i * columns + first, n, ws->widened.p + i * n);
      const double *x = s->single ? ws->widened.p : s->x + first;
      cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, (int)n, q->width, (int)s->n, 1.0, x,
                  (int)(s->single ? n : columns), ws->residual.p + o * rows + s->at,
                  (int)(rows * d->outputs), 0.0, out, (int)ld);
    }
    begin += n;
    out += n;
  }
  return true;
}

static sg_status tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin, long end,
                      const double **out) {
  const sg_gradient_request *q = ws->request;
  if (is_sparse(problem)) return sg_sparse_tile(problem, ws, slot, begin, end, out);
  if (q->width == 1) {
    for (int i = 0; i < q->n_items; i++) out[i] = ws->window[i] + begin;
    return SG_OK;
  }
  long ld = (end - begin + 7) / 8 * 8, size = ld * q->width;
  double *tile = sg_workspace_tile(ws, slot, (size_t)(size * ws->n_used));
  if (!tile) return SG_NO_MEMORY;
  for (int u = 0; u < ws->n_used; u++)
    if (!part_tile(problem->self, ws, ws->used[u], begin, end, tile + u * size, ld))
      return SG_NO_MEMORY;
  for (int i = 0; i < q->n_items; i++)
    out[i] = tile + ws->index[q->item[i].part] * size + q->item[i].column * ld;
  return SG_OK;
}

/* --- Evaluation ------------------------------------------------------------------------------- */

/* z: room for the margins of all test rows, then for the rows of a block. */
static sg_status test(const sg_dense *d, const double *x, double *z, double *loss, sg_metrics *m) {
  const sg_data *data = d->data;
  const sg_stretch all = {.x = data->test_x, .single = data->test_single};
  long n = data->test_rows;
  if (n == 0) return SG_OK;
  for (long b = 0; b < n; b += d->block) {
    const double *row[BLOCK_ROWS];
    long block = n - b < d->block ? n - b : d->block;
    sg_get_rows(&all, b, block, data->columns, z + n * d->outputs, row);
    for (int o = 0; o < d->outputs; o++)
      sg_margins(row, block, data->columns, x + o * data->columns, NULL, z + o * n + b, NULL);
  }
  d->loss->rows(d->outputs, data->test_y, n, 1, z, NULL, n, loss);
  m->test_loss = sg_mean_loss(loss, n);
  return d->loss->judge ? d->loss->judge(data, z, m) : SG_OK;
}

static sg_status evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what, int columns,
                          const double *const *x, sg_metrics *metrics) {
  const sg_dense *d = problem->self;
  if (is_sparse(problem)) return sg_sparse_evaluate(problem, ws, what, columns, x, metrics);
  long n = d->data->rows, t = d->data->test_rows, longest = n > t ? n : t;
  const sg_stretch all = whole(d);
  if (!sg_numbers_need(&ws->loss, (size_t)longest) ||
      !sg_numbers_need(&ws->scratch, (size_t)(t * d->outputs) + block_scratch(d)))
    return SG_NO_MEMORY;
  for (int c = 0; c < columns; c++) {
    if (what & SG_WANT_LOSS) {
      pass(d, &all, x[c], x[c], NULL, ws->loss.p, ws->scratch.p);
      metrics[c].loss = sg_mean_loss(ws->loss.p, n) + sg_penalty(problem, x[c]);
    }
    if (!(what & SG_WANT_TEST)) continue;
    sg_status status = test(d, x[c], ws->scratch.p, ws->loss.p, &metrics[c]);
    if (status) return status;
  }
  return SG_OK;
}

/* --- Smoothness ------------------------------------------------------------------------------- */

/* u = XᵀX v / N; z: room for the margins of a block, and its rows. */
static void apply_gram(const sg_dense *d, const double *v, double *z, double *u) {
  const sg_data *data = d->data;
  memset(u, 0, (size_t)data->columns * sizeof *u);
  if (data->sparse) {
    sg_sparse_gram(data, v, u);
    return;
  }
  const sg_stretch all = whole(d);
  for (long b = 0; b < data->rows; b += d->block) {
    const double *row[BLOCK_ROWS];
    long n = data->rows - b < d->block ? data->rows - b : d->block;
    sg_get_rows(&all, b, n, data->columns, z + d->block, row);
    sg_margins(row, n, data->columns, v, NULL, z, NULL);
    for (long i = 0; i < n; i++) z[i] /= (double)data->rows;
    sg_combine((int)n, row, z, u, data->columns, 1);
  }
}

/* The largest eigenvalue of XᵀX / N by the power method from a fixed random start: within its
 * residual of an eigenvalue, which is added, so that the bound is rather too large. The sums have a
 * fixed order: the same bits on every machine. */
static sg_status largest_eigenvalue(const sg_dense *d, double *out) {
  enum { MOST_STEPS = 500 };
  static const double enough = 1e-4; /* of the eigenvalue */
  long n = d->data->columns;
  SG_OWNED double *v = malloc((2 * (size_t)n + block_scratch(d)) * sizeof *v);
  if (!v) return SG_NO_MEMORY;
  double *u = v + n, norm = 0, residual = INFINITY;
  sg_stream stream;
  sg_stream_at(&stream, 0, 0, SG_FOR_INITIAL, 0, 0, 0);
  for (long i = 0; i < n; i++) u[i] = 2 * sg_uniform(&stream) - 1;
  for (long i = 0; i < n; i++) norm += u[i] * u[i];
  *out = 0;
  for (int k = 0; k < MOST_STEPS && norm > 0 && residual > enough * *out; k++) {
    double scale = 1 / sqrt(norm), value = 0, error = 0;
    for (long i = 0; i < n; i++) v[i] = scale * u[i];
    apply_gram(d, v, u + n, u);
    norm = 0;
    for (long i = 0; i < n; i++) value += v[i] * u[i], norm += u[i] * u[i];
    for (long i = 0; i < n; i++) error += (u[i] - value * v[i]) * (u[i] - value * v[i]);
    residual = sqrt(error);
    *out = value;
  }
  if (norm > 0) *out += residual;
  return SG_OK;
}

static sg_status smoothness(const sg_problem *problem, double *bound) {
  const sg_dense *d = problem->self;
  double largest = 0;
  sg_status status = largest_eigenvalue(d, &largest);
  *bound = d->loss->curvature * largest + problem->l2;
  return status;
}

/* The spectrum of XᵀX / N + diag(l2 but for what is not regularised), by singular values. */
static sg_status curvature(const sg_problem *problem, double *least, double *most) {
  const sg_dense *d = problem->self;
  size_t n = (size_t)d->data->columns;
  SG_OWNED double *gram = calloc(n * (n + 3) + block_scratch(d), sizeof *gram);
  if (!gram) return SG_NO_MEMORY;
  double *v = gram + n * n, *sigma = v + n, *z = sigma + n;
  for (size_t i = 0; i < n; i++) {
    memset(v, 0, n * sizeof *v);
    v[i] = 1;
    apply_gram(d, v, z, gram + i * n);
    if (i + (size_t)problem->unregularised < n) gram[i * n + i] += problem->l2;
  }
  sg_status status = sg_singular_values((int)n, (int)n, gram, (int)n, sigma);
  *most = sigma[0];
  *least = sigma[n - 1];
  return status;
}

/* --- Descriptors ------------------------------------------------------------------------------ */

#define DENSE(...) BASE(.smoothness = smoothness, __VA_ARGS__)
#define BASE(bound, called, text, ...)                                                             \
  {                                                                                                \
    .about = {.name = called, .summary = text, .params = params}, .create = create,                \
    .destroy = destroy, .partition = partition, .begin = begin, .tile = tile,                      \
    .evaluate = evaluate, bound, .loss = __VA_ARGS__                                               \
  }

const sg_problem_type sg_problem_logistic =
    DENSE("logistic-regression", "logistic regression with two classes", &sg_logistic_loss);
const sg_problem_type sg_problem_softmax =
    DENSE("softmax", "softmax regression with any number of classes", &sg_softmax_loss);
const sg_problem_type sg_problem_hinge =
    BASE(.smoothness = NULL, "hinge", "support vector machine: hinge loss of two classes, with l2",
         &sg_hinge_loss);
const sg_problem_type sg_problem_least_squares =
    DENSE("least-squares", "linear regression, half the mean squared error", &sg_least_squares_loss,
          .combine = combine, .curvature = curvature);
