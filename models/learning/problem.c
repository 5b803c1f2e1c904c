/* SPDX-License-Identifier: MIT */
/* The framework around learning problems: parameter table, registry, partitions, workspaces,
 * mini-batches, local steps. What a request asks for is checked here, once for all problems. */
#include "models/learning/internal.h"
#include "models/learning/local.h"
#include "models/learning/optimizer.h"
#include "models/learning/sparse.h"
#include "sim/core/array.h"
#include "sim/core/random.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_WIDTH = 16, BLOCK_WIDTH_MAX = 64 };

/* From here on one model at a time is bound by memory, several side by side are not. */
static const double block_bytes = 64e6;

/* --- Registry --------------------------------------------------------------------------------- */

/* Timing only. Who arrives when and whether it decodes stays real. */
static sg_status create_none(sg_problem *problem, const sg_values *learning, uint64_t seed,
                             sg_error *e) {
  problem->length = problem->stride = sg_int(learning, "length");
  problem->timing_only = true;
  return SG_OK;
}

static const sg_param none_params[] = {
    SG_ROW_INT("length", 1, 1e12, "coordinates of a gradient, which the sizes of messages follow",
               .fallback = 1),
    {0}};

static const sg_problem_type none = {
    .about = {.name = "none",
              .summary = "timing only: nothing is computed, nothing is decoded",
              .params = none_params},
    .create = create_none};

static const sg_problem_type *const types[] = {
    &sg_problem_logistic,  &sg_problem_softmax,   &sg_problem_least_squares, &sg_problem_hinge,
    &sg_problem_quadratic, &sg_problem_synthetic, &sg_problem_layered,       &none};

static const sg_variant *variant_at(int i) {
  return i >= 0 && i < (int)(sizeof types / sizeof *types) ? &types[i]->about : NULL;
}

const sg_family sg_problem_family = {
    .selector = "problem", .what = "learning problem", .at = variant_at};

static const char *const subset_words[] = {"workers", NULL};

const sg_param sg_learning_params[] = {
    SG_ROW_INT("subsets", 1, 1e6, "number of data subsets, the unit of work",
               .choices = subset_words, .text = "workers"),
    SG_ROW_REAL("l2", 0, SG_UNBOUNDED,
                "weight of the regulariser (l2/2)·‖x‖²; intercepts are not regularised"),
    SG_ROW_FAMILY("optimizer", &sg_optimizer_family, "how the master updates the model",
                  .fields = sg_optimizer_params),
    SG_ROW_INT(
        "evaluate_every", 0, 1e9,
        "updates between two evaluations of loss, test metrics and, where stop has a target for "
        "it, the norm of the gradient; 0: never. A target loss is "
        "looked for after every update all the same, but without a barrier, with mini-batches "
        "and local steps, where runs get there up to so many updates late",
        .fallback = 1),
    SG_ROW_INT(
        "block_width", 0, BLOCK_WIDTH_MAX,
        "models computed side by side; 0: 16 for dense data of 64 MB or more, 8 for sparse data of "
        "2 MB or more (12 bytes a number), without batch_rows; else 1, where runs share a pass "
        "over "
        "dense data all the same, with the bits of one alone, if the processor has AVX-512"),
    SG_ROW_INT("batch_rows", 1, 1e9,
               "rows of a mini-batch, for schemes that compute on mini-batches; a part with no "
               "more rows is taken whole; not with problem quadratic, whose mini-batches have none",
               .flags = SG_OPTIONAL),
    {0}};

/* --- Problems --------------------------------------------------------------------------------- */

/* Mini-batches are computed for one model at a time. */
static sg_status check_batches(const sg_problem *p, const sg_values *learning, sg_error *e) {
  if (p->batch_rows == 0 || p->timing_only) return SG_OK;
  if (p->rows == 0)
    return sg_fail_at(e, learning, "batch_rows",
                      "expected a problem whose data have rows, found \"%s\"", p->type->about.name);
  if (sg_int(learning, "block_width") > 1)
    return sg_fail_at(e, learning, "block_width",
                      "expected 1 (or none) with batch_rows, found %ld: mini-batches are computed "
                      "for one model at a time",
                      sg_int(learning, "block_width"));
  return SG_OK;
}

static sg_status make(const sg_values *learning, int workers, uint64_t seed, bool outline,
                      sg_problem **out, sg_error *e) {
  *out = NULL;
  sg_problem *p = calloc(1, sizeof *p);
  if (!p) return sg_fail_memory(e);
  p->type = (const sg_problem_type *)learning->variant; /* `about` is its first member */
  p->subsets = sg_text(learning, "subsets") ? workers : (int)sg_int(learning, "subsets");
  p->l2 = sg_real(learning, "l2");
  p->batch_rows = sg_given(learning, "batch_rows") ? sg_int(learning, "batch_rows") : 0;
  p->seed = seed;
  p->outline = outline;
  p->abreast = 1;
  sg_status status = p->type->create(p, learning, seed, e);
  if (!status) status = check_batches(p, learning, e);
  if (status) {
    sg_problem_free(p);
    return status;
  }
  long width = sg_int(learning, "block_width");
  if (p->batch_rows > 0)
    p->block_width = 1;
  else if (width > 0)
    p->block_width = (int)width;
  else if (p->block_width == 0) /* the problem leaves it open */
    p->block_width = p->data_bytes < block_bytes ? 1 : BLOCK_WIDTH;
  if (width > 0 || p->batch_rows > 0 || p->block_width > 1) p->abreast = 1;
  *out = p;
  return SG_OK;
}

sg_status sg_problem_new(const sg_values *learning, int workers, uint64_t seed, sg_problem **out,
                         sg_error *e) {
  return make(learning, workers, seed, false, out, e);
}

sg_status sg_problem_outline(const sg_values *learning, int workers, uint64_t seed,
                             sg_problem **out, sg_error *e) {
  return make(learning, workers, seed, true, out, e);
}

void sg_problem_free(sg_problem *problem) {
  if (!problem) return;
  if (problem->type->destroy) problem->type->destroy(problem);
  free(problem->self);
  free(problem);
}

bool sg_problem_has_batches(const sg_problem *problem) {
  return problem->batch_rows > 0 || problem->stochastic;
}

void sg_problem_start(const sg_problem *problem, double *x) {
  if (problem->type->start)
    problem->type->start(problem, x);
  else
    memset(x, 0, (size_t)problem->length * sizeof *x);
}

/* --- Partitions ------------------------------------------------------------------------------- */

/* Whether the combinations can be made. */
static sg_status check_coded(const sg_problem *problem, const sg_partition *p, int n_coded,
                             const sg_coded_part *coded, sg_error *e) {
  if (!problem->type->combine)
    return sg_fail(e, SG_INVALID, NULL,
                   "coded data need gradients that are linear in the model: expected problem "
                   "\"%s\" (or \"%s\"), found \"%s\"",
                   sg_problem_least_squares.about.name, none.about.name, problem->type->about.name);
  for (int c = 0; c < n_coded; c++) {
    const sg_coded_part *m = &coded[c];
    if (m->count < 1)
      return sg_fail(e, SG_BUG, NULL, "coded part %d is a combination of no parts", c);
    for (int i = 0; i < m->count; i++)
      if (m->part[i] < 0 || m->part[i] >= p->parts)
        return sg_fail(e, SG_BUG, NULL, "coded part %d combines part %d; there are parts 0 … %d", c,
                       m->part[i], p->parts - 1);
    long rows = sg_partition_rows(p, m->part[0], 0);
    for (int i = 1; i < m->count; i++)
      if (sg_partition_rows(p, m->part[i], 0) != rows)
        return sg_fail(e, SG_INVALID, NULL,
                       "expected equally many training rows in the parts that a coded part "
                       "combines, found %ld in part %d and %ld in part %d: the data have %ld "
                       "training rows in %d parts",
                       rows, m->part[0], sg_partition_rows(p, m->part[i], 0), m->part[i],
                       problem->rows, p->parts);
  }
  return SG_OK;
}

sg_status sg_partition_new(const sg_problem *problem, int parts, const double *edge, int n_coded,
                           const sg_coded_part *coded, sg_partition **out, sg_error *e) {
  assert(parts >= 1 && n_coded >= 0);
  *out = NULL;
  sg_partition *p = calloc(1, sizeof *p);
  if (!p) return sg_fail_memory(e);
  p->problem = problem;
  p->parts = parts;
  p->stretch = calloc((size_t)parts + (size_t)n_coded, sizeof *p->stretch);
  sg_status status = p->stretch ? SG_OK : sg_fail_memory(e);
  if (!status && problem->type->partition)
    status = problem->type->partition(problem, parts, edge, p, e);
  if (!status && n_coded > 0 && !problem->timing_only) {
    status = check_coded(problem, p, n_coded, coded, e);
    if (!status) status = problem->type->combine(problem, n_coded, coded, p, e);
  }
  if (status) {
    sg_partition_free(p);
    return status;
  }
  p->coded = n_coded;
  *out = p;
  return SG_OK;
}

void sg_partition_free(sg_partition *partition) {
  if (!partition) return;
  free(partition->stretch);
  sg_sparse_free(partition);
  free(partition->made);
  free(partition->start);
  free(partition->overlap);
  free(partition);
}

int sg_partition_parts(const sg_partition *partition) {
  return partition->parts + partition->coded;
}

const double *sg_partition_constant(const sg_partition *partition) {
  return partition->constant;
}

long sg_partition_rows(const sg_partition *p, int part, int batch) {
  assert(part >= 0 && part < sg_partition_parts(p));
  if (p->problem->rows == 0) return 0;
  long rows = p->stretch[part].n;
  return batch && p->problem->batch_rows < rows ? p->problem->batch_rows : rows;
}

double sg_partition_samples(const sg_partition *p, int part, int batch) {
  if (p->problem->rows > 0) return (double)sg_partition_rows(p, part, batch);
  return batch && p->problem->stochastic ? 1 : NAN;
}

double sg_partition_bytes(const sg_partition *partition) {
  return partition ? sizeof(double) * (double)partition->made_numbers : 0;
}

/* The part's share of the data. */
static double share_of(const sg_partition *p, int part) {
  if (p->problem->rows > 0) return (double)sg_partition_rows(p, part, 0) / (double)p->problem->rows;
  double subsets = 0;
  for (int i = p->start[part]; i < p->start[part + 1]; i++) subsets += p->overlap[i].share;
  return subsets / p->problem->subsets;
}

/* --- Workspaces ------------------------------------------------------------------------------- */

bool sg_numbers_need(sg_numbers *b, size_t count) {
  if (count <= b->capacity) return true;
  size_t capacity = (count + 7) / 8 * 8;
  double *p = capacity > SIZE_MAX / sizeof *p ? NULL : aligned_alloc(64, capacity * sizeof *p);
  if (!p) return false;
  free(b->p);
  *b = (sg_numbers){p, capacity};
  return true;
}

double *sg_workspace_tile(sg_workspace *ws, int slot, size_t count) {
  int slots = ws->slots;
  if (!SG_ROOM(ws->tile, slots, slot + 1)) return NULL;
  while (ws->slots < slots) ws->tile[ws->slots++] = (sg_numbers){NULL, 0};
  return sg_numbers_need(&ws->tile[slot], count) ? ws->tile[slot].p : NULL;
}

bool sg_workspace_shape(sg_workspace *ws, int items, int parts) {
  return SG_ROOM(ws->window, ws->window_room, items) && SG_ROOM(ws->used, ws->used_room, parts) &&
         SG_ROOM(ws->index, ws->index_room, parts);
}

sg_workspace *sg_workspace_new(const sg_problem *problem) {
  sg_workspace *ws = calloc(1, sizeof *ws);
  if (ws) ws->problem = problem;
  return ws;
}

void sg_workspace_free(sg_workspace *ws) {
  if (!ws) return;
  for (int i = 0; i < ws->slots; i++) free(ws->tile[i].p);
  free(ws->tile);
  free(ws->vectors.p);
  free(ws->residual.p);
  free(ws->turned.p);
  free(ws->widened.p);
  free(ws->scratch.p);
  free(ws->loss.p);
  free(ws->local.p);
  free(ws->source);
  free(ws->which);
  free(ws->entry);
  free(ws->spare);
  free(ws->hint);
  free(ws->order);
  free(ws->pick);
  free(ws->window);
  free(ws->used);
  free(ws->index);
  free(ws->gradient);
  free(ws);
}

/* --- Mini-batches ----------------------------------------------------------------------------- */

bool sg_is_batch(const sg_partition *partition, const sg_partial *item) {
  return item->batch && sg_partition_rows(partition, item->part, item->batch) <
                            sg_partition_rows(partition, item->part, 0);
}

/* The first steps of a Fisher–Yates shuffle, taken back afterwards, so that the next batch needs no
 * new list of all rows. */
const long *sg_batch_rows(sg_workspace *ws, const sg_partition *partition, const sg_partial *item) {
  enum { CHUNK = 1 << 16 }; /* rows drawn from one stream */
  long rows = sg_partition_rows(partition, item->part, 0),
       count = sg_partition_rows(partition, item->part, item->batch);
  size_t known = ws->order_room;
  if (!SG_ROOM(ws->order, ws->order_room, rows) || !SG_ROOM(ws->pick, ws->pick_room, 2 * count))
    return NULL;
  for (size_t i = known; i < ws->order_room; i++) ws->order[i] = (long)i;
  long *order = ws->order, *pick = ws->pick, *place = pick + count;
  sg_stream stream;
  for (long i = 0; i < count; i++) {
    if (i % CHUNK == 0)
      sg_stream_at(&stream, partition->problem->seed, 0, SG_FOR_BATCH, (uint32_t)item->part,
                   (uint32_t)item->batch, (uint32_t)(i / CHUNK));
    place[i] = i + (long)(sg_uniform(&stream) * (double)(rows - i));
    pick[i] = order[place[i]];
    order[place[i]] = order[i];
    order[i] = pick[i];
  }
  for (long i = count - 1; i >= 0; i--) {
    order[i] = order[place[i]];
    order[place[i]] = pick[i];
  }
  return pick;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* One step of gradient descent is the gradient. */
static bool is_local(const sg_gradient_request *q) {
  return q->steps > 1 || (q->steps == 1 && q->inner &&
                          (q->inner->method != SG_INNER_SGD || q->inner->displacement));
}

/* Whatever a code can get wrong is refused here: nothing below looks again. */
static sg_status check_item(const sg_problem *problem, const sg_gradient_request *q,
                            const sg_partial *item, sg_error *e) {
  int parts = q->partition->parts, all = sg_partition_parts(q->partition);
  if (item->part < 0 || item->part >= all)
    return sg_fail(e, SG_BUG, NULL,
                   "the gradient of part %d is wanted; there are parts 0 … %d, %d of them coded",
                   item->part, all - 1, all - parts);
  if (item->column < 0 || item->column >= q->columns)
    return sg_fail(e, SG_BUG, NULL, "a gradient at column %d is wanted; there are %d", item->column,
                   q->columns);
  if (is_local(q) && item->part >= parts)
    return sg_fail(e, SG_BUG, NULL, "local steps are wanted on coded part %d, which has no loss",
                   item->part);
  if (!item->batch || (is_local(q) && !sg_problem_has_batches(problem))) return SG_OK;
  if (problem->rows == 0 && !problem->stochastic)
    return sg_fail(e, SG_INVALID, "/learning",
                   "mini-batch %d of part %d is wanted, but the data of problem \"%s\" have no "
                   "rows",
                   item->batch, item->part, problem->type->about.name);
  if (!sg_problem_has_batches(problem))
    return sg_fail(e, SG_INVALID, "/learning",
                   "\"batch_rows\" is missing: mini-batch %d of part %d is wanted; expected how "
                   "many rows it has",
                   item->batch, item->part);
  if (q->width != 1)
    return sg_fail(e, SG_BUG, NULL, "mini-batches are wanted in width %d; they have width 1",
                   q->width);
  return SG_OK;
}

static sg_status check_request(const sg_problem *problem, const sg_gradient_request *q,
                               sg_error *e) {
  if (!problem->type->begin)
    return sg_fail(e, SG_BUG, NULL, "problem \"%s\" has no gradients", problem->type->about.name);
  if (q->partition->problem != problem)
    return sg_fail(e, SG_BUG, NULL, "a request joins a problem and the partition of another");
  if (q->width < 1 || q->columns < 0 || (q->width > 1 && q->columns > q->width))
    return sg_fail(e, SG_BUG, NULL, "a request has %d columns in width %d", q->columns, q->width);
  if (is_local(q) && q->width != 1)
    return sg_fail(e, SG_BUG, NULL, "local steps are wanted in width %d; they have width 1",
                   q->width);
  for (int i = 0; i < q->n_items; i++) {
    sg_status status = check_item(problem, q, &q->item[i], e);
    if (status) return status;
  }
  return SG_OK;
}

static sg_status begin(const sg_problem *problem, sg_workspace *ws, const sg_gradient_request *q,
                       sg_error *e) {
  ws->request = q;
  sg_status status = problem->type->begin(problem, ws, q);
  if (status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (status)
    sg_fail(e, status, NULL, "a request that problem \"%s\" cannot meet",
            problem->type->about.name);
  return status;
}

/* y + factor · (l2 · x), where the L2 term counts. */
static void add_penalty(const sg_problem *p, double factor, const double *x, double *y) {
  for (long b = 0; b < p->length && p->l2 > 0; b += p->stride)
    for (long i = b; i < b + p->stride - p->unregularised; i++) y[i] += factor * p->l2 * x[i];
}

/* The steps of one item, which has been checked, to `out`. work: where they are, a gradient, and
 * what an optimiser remembers for the time. */
static sg_status take_steps(const sg_problem *problem, sg_workspace *ws,
                            const sg_gradient_request *request, const sg_partial *item, double *out,
                            double *work, sg_error *e) {
  static const sg_local_optimizer plain = {0};
  const sg_local_optimizer *inner = request->inner ? request->inner : &plain;
  size_t l = (size_t)problem->length;
  double share = share_of(request->partition, item->part);
  double *point = work, *h = work + l, *state = item->state;
  const double *begun = request->x[item->column];
  bool sums = inner->method == SG_INNER_SGD && !inner->displacement;
  if (!state) {
    state = h + l;
    memset(state, 0, (size_t)sg_local_size(inner, problem->length) * sizeof *state);
  }
  memcpy(point, begun, l * sizeof *point);
  memset(out, 0, l * sizeof *out);
  for (int t = 0; t < request->steps; t++) {
    const double *at = point, *g;
    int batch = item->batch && sg_problem_has_batches(problem) ? item->batch + t : 0;
    const sg_partial one = {.part = item->part, .batch = batch};
    const sg_gradient_request q = {.partition = request->partition,
                                   .width = 1,
                                   .columns = 1,
                                   .x = &at,
                                   .n_items = 1,
                                   .item = &one};
    sg_status status = begin(problem, ws, &q, e);
    if (status) return status;
    if (problem->type->tile(problem, ws, 0, 0, problem->length, &g)) return sg_fail_memory(e);
    memcpy(h, g, l * sizeof *h);
    add_penalty(problem, share, point, h);
    const double *sent = t == 0 ? g : h; /* the L2 term at the first point is the master's */
    for (size_t i = 0; sums && i < l; i++) out[i] += sent[i];
    for (size_t i = 0; inner->method != SG_INNER_SGD && i < l; i++) h[i] /= share;
    double rate = inner->method == SG_INNER_SGD ? request->rate / share : request->rate;
    sg_local_step(inner, problem, rate, h, state, point);
  }
  if (sums) return SG_OK;
  double scale = inner->displacement ? share : share / request->rate;
  for (size_t i = 0; i < l; i++) out[i] = scale * (begun[i] - point[i]);
  add_penalty(problem, -share, begun, out);
  return SG_OK;
}

sg_status sg_problem_begin(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *request, sg_error *e) {
  assert(ws->problem == problem);
  sg_status status = check_request(problem, request, e);
  if (status) return status;
  if (!is_local(request)) return begin(problem, ws, request, e);
  long l = problem->length, items = request->n_items;
  size_t work = (size_t)(2 * l + sg_local_size(request->inner, l));
  if (!sg_numbers_need(&ws->local, (size_t)items * (size_t)l + work)) return sg_fail_memory(e);
  for (int i = 0; i < items && !status; i++)
    status = take_steps(problem, ws, request, &request->item[i], ws->local.p + i * l,
                        ws->local.p + items * l, e);
  if (status) return status;
  sg_gradient_request losses = *request;
  losses.n_items = 0;
  status = begin(problem, ws, &losses, e);
  ws->request = request;
  return status;
}

sg_status sg_problem_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin,
                          long end, const double **out) {
  const sg_gradient_request *q = ws->request;
  assert(q && slot >= 0 && begin >= 0 && begin < end && end <= problem->length);
  if (!is_local(q)) return problem->type->tile(problem, ws, slot, begin, end, out);
  for (int i = 0; i < q->n_items; i++) out[i] = ws->local.p + i * problem->length + begin;
  return SG_OK;
}

sg_status sg_problem_gradient_norm2(const sg_problem *problem, sg_workspace *ws,
                                    const sg_partition *whole, const double *x, bool l2,
                                    double *loss, double *norm2, sg_error *e) {
  const sg_partial item = {0};
  const sg_gradient_request request = {.partition = whole,
                                       .width = 1,
                                       .columns = 1,
                                       .x = &x,
                                       .n_items = 1,
                                       .item = &item,
                                       .loss_x = loss ? &x : NULL,
                                       .loss = loss};
  long stride = problem->stride, free_ones = problem->unregularised;
  sg_status status = sg_problem_begin(problem, ws, &request, e);
  double sum = 0;
  for (long at = 0, end; !status && at < problem->length; at = end) {
    const double *tile;
    end = at + SG_TILE < problem->length ? at + SG_TILE : problem->length;
    status = sg_problem_tile(problem, ws, 0, at, end, &tile);
    if (status) sg_fail_memory(e);
    for (long i = 0; !status && i < end - at; i++) {
      bool regular = l2 && (at + i) % stride < stride - free_ones;
      double g = regular ? tile[i] + problem->l2 * x[at + i] : tile[i];
      sum += g * g;
    }
  }
  *norm2 = sum;
  ws->request = NULL; /* ours ends here */
  return status;
}

sg_status sg_problem_evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what,
                              int columns, const double *const *x, sg_metrics *metrics) {
  for (int c = 0; c < columns; c++) metrics[c] = (sg_metrics){NAN, NAN, NAN, NAN};
  if (!problem->type->evaluate) return SG_OK;
  return problem->type->evaluate(problem, ws, what, columns, x, metrics);
}
