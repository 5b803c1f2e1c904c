/* SPDX-License-Identifier: MIT */
/* The framework around learning problems: parameter table, registry, partitions, workspaces. */
#include "models/learning/internal.h"
#include "models/learning/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { BLOCK_WIDTH = 16, BLOCK_WIDTH_MAX = 64 };

/* From here on one model at a time is bound by memory, several side by side are not. */
static const double block_bytes = 64e6;

/* --- Registry --------------------------------------------------------------------------------- */

static const sg_problem_type *const types[] = {&sg_problem_logistic, &sg_problem_softmax,
                                               &sg_problem_least_squares, &sg_problem_synthetic,
                                               &sg_problem_none};

static const sg_variant *variant_at(int i) {
  return i >= 0 && i < (int)(sizeof types / sizeof *types) ? &types[i]->about : NULL;
}

const sg_family sg_problem_family = {
    .selector = "problem", .what = "learning problem", .at = variant_at};

static const char *const subset_words[] = {"workers", NULL};

const sg_param sg_learning_params[] = {
    {.name = "subsets",
     .kind = SG_INT,
     .summary = "number of data subsets, the unit of work",
     .min = 1,
     .max = 1e6,
     .choices = subset_words,
     .text = "workers"},
    {.name = "l2",
     .kind = SG_REAL,
     .summary = "weight of the regulariser (l2/2)·‖x‖²; intercepts are not regularised",
     .max = SG_UNBOUNDED},
    {.name = "optimizer",
     .kind = SG_FAMILY,
     .summary = "how the master updates the model",
     .fields = sg_optimizer_params,
     .family = &sg_optimizer_family},
    {.name = "evaluate_every",
     .kind = SG_INT,
     .summary = "updates between two evaluations of loss and test metrics; 0: never",
     .max = 1e9,
     .fallback = 1},
    {.name = "block_width",
     .kind = SG_INT,
     .summary = "models computed side by side; 0: 16 for data of 64 MB or more, else 1",
     .max = BLOCK_WIDTH_MAX},
    {.name = NULL}};

/* --- Problems --------------------------------------------------------------------------------- */

sg_status sg_problem_new(const sg_values *learning, int workers, uint64_t seed, sg_problem **out,
                         sg_error *e) {
  *out = NULL;
  sg_problem *p = calloc(1, sizeof *p);
  if (!p) return sg_fail_memory(e);
  p->type = (const sg_problem_type *)learning->variant; /* `about` is its first member */
  p->subsets = sg_text(learning, "subsets") ? workers : (int)sg_int(learning, "subsets");
  p->l2 = sg_real(learning, "l2");
  sg_status status = p->type->create(p, learning, seed, e);
  if (status) goto fail;
  long width = sg_int(learning, "block_width");
  if (width > 0)
    p->block_width = (int)width;
  else if (p->block_width == 0) /* the problem leaves it open */
    p->block_width = p->data_bytes < block_bytes ? 1 : BLOCK_WIDTH;
  p->initial = calloc((size_t)p->length, sizeof *p->initial);
  if (!p->initial) {
    status = sg_fail_memory(e);
    goto fail;
  }
  *out = p;
  return SG_OK;
fail:
  sg_problem_free(p);
  return status;
}

void sg_problem_free(sg_problem *problem) {
  if (!problem) return;
  if (problem->type->destroy) problem->type->destroy(problem);
  free(problem->initial);
  free(problem);
}

/* --- Partitions ------------------------------------------------------------------------------- */

sg_status sg_partition_new(const sg_problem *problem, int parts, const double *edge,
                           sg_partition **out, sg_error *e) {
  *out = NULL;
  sg_partition *p = calloc(1, sizeof *p);
  if (!p) return sg_fail_memory(e);
  p->problem = problem;
  p->parts = parts;
  sg_status status =
      problem->type->partition ? problem->type->partition(problem, parts, edge, p, e) : SG_OK;
  if (status) {
    sg_partition_free(p);
    return status;
  }
  *out = p;
  return SG_OK;
}

void sg_partition_free(sg_partition *partition) {
  if (!partition) return;
  free(partition->row);
  free(partition->start);
  free(partition->subset);
  free(partition->share);
  free(partition);
}

int sg_partition_parts(const sg_partition *partition) {
  return partition->parts;
}

/* --- Workspaces ------------------------------------------------------------------------------- */

void *sg_large_array(size_t count, size_t size) {
  const size_t page = (size_t)2 << 20;
  if (count > (SIZE_MAX - page) / size) return NULL;
  size_t bytes = count * size, unit = bytes < 2 * page ? 64 : page;
  bytes = (bytes + unit - 1) / unit * unit;
  void *p = aligned_alloc(unit, bytes);
  if (p && unit == page) madvise(p, bytes, MADV_HUGEPAGE); /* only a hint */
  return p;
}

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
  if (slot >= ws->slots) {
    sg_numbers *tile = realloc(ws->tile, ((size_t)slot + 1) * sizeof *tile);
    if (!tile) return NULL;
    ws->tile = tile;
    while (ws->slots <= slot) ws->tile[ws->slots++] = (sg_numbers){NULL, 0};
  }
  return sg_numbers_need(&ws->tile[slot], count) ? ws->tile[slot].p : NULL;
}

bool sg_workspace_shape(sg_workspace *ws, int items, int parts) {
  if (items > ws->windows) {
    const double **window = realloc(ws->window, (size_t)items * sizeof *window);
    if (!window) return false;
    ws->window = window;
    ws->windows = items;
  }
  if (parts > ws->parts) {
    int *used = realloc(ws->used, (size_t)parts * sizeof *used);
    if (used) ws->used = used;
    int *index = realloc(ws->index, (size_t)parts * sizeof *index);
    if (index) ws->index = index;
    if (!used || !index) return false;
    ws->parts = parts;
  }
  return true;
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
  free(ws->scratch.p);
  free(ws->loss.p);
  free(ws->factor.p);
  free(ws->window);
  free(ws->used);
  free(ws->index);
  free(ws);
}

/* --- Requests --------------------------------------------------------------------------------- */

sg_status sg_problem_begin(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *request) {
  if (!problem->type->begin || request->partition->problem != problem) return SG_BUG;
  for (int i = 0; i < request->n_items; i++)
    if (request->item[i].batch) return SG_BUG;
  ws->request = request;
  return problem->type->begin(problem, ws, request);
}

sg_status sg_problem_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin,
                          long end, const double **out) {
  return problem->type->tile(problem, ws, slot, begin, end, out);
}

sg_status sg_problem_evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what,
                              int columns, const double *const *x, sg_metrics *metrics) {
  if (problem->type->evaluate)
    return problem->type->evaluate(problem, ws, what, columns, x, metrics);
  for (int c = 0; c < columns; c++) metrics[c] = (sg_metrics){NAN, NAN, NAN, NAN};
  return SG_OK;
}
