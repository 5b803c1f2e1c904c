/* SPDX-License-Identifier: MIT */
/* The pass over sparse rows.
 *
 * Margins go row by row: the non-zero k of a row is added to sum k mod 4 of its model, so that four
 * chains of additions hide what it takes to fetch coordinates from all over the model. Gradients go
 * by stripes of 64 columns: each part, and each mini-batch, has its non-zeros once more, stripe by
 * stripe, and a tile takes those of its stripes. In a stripe they stand row by row, since one after
 * another of the same column would wait for each other. A tile goes from part to part, a few
 * hundred entries each: too short for the processor to guess what comes, so that the next ones are
 * asked for (four tenths of the time less). Both have a form for one model and one for eight side
 * by side, which read a non-zero once for all of them. The additions to a coordinate go by rows,
 * always. */
#include "models/learning/sparse.h"
#include "models/learning/entries.h"
#include "models/learning/simd.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  LANES = 8,             /* models side by side */
  BLOCK = 4 * SG_STRIPE, /* coordinates of eight models that are summed in the first-level cache */
  AHEAD = 48 /* entries that are fetched before they are needed, four to a line of the cache */
};

/* What the tiles of one or more items are made of. */
struct sg_source {
  const sg_stretch *rows; /* of the part */
  long n;                 /* of which so many count: fewer in a mini-batch */
  double *residual;       /* width 1: of these rows, output by output */
  size_t list, listed;    /* their non-zeros */
  bool drawn;             /* which stand in ws->entry, not in the partition */
  double *vector;         /* where there are no lists: the whole gradient */
};

/* --- Margins ---------------------------------------------------------------------------------- */

/* z[i] of n rows with one model. last: what is added for the intercept. */
static void margins_single(const sg_stretch *s, const double *x, double last, double *z) {
  const int32_t *column = s->sparse->column;
  const double *value = s->sparse->value;
  for (long i = 0; i < s->n; i++) {
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    long k = sg_entries_row(s, i)[0], end = sg_entries_row(s, i)[1];
    for (; k + 4 <= end; k += 4) {
      s0 += value[k] * x[column[k]], s1 += value[k + 1] * x[column[k + 1]];
      s2 += value[k + 2] * x[column[k + 2]], s3 += value[k + 3] * x[column[k + 3]];
    }
    if (k < end) s0 += value[k] * x[column[k]];
    if (k + 1 < end) s1 += value[k + 1] * x[column[k + 1]];
    if (k + 2 < end) s2 += value[k + 2] * x[column[k + 2]];
    z[i] = ((s0 + s1) + (s2 + s3)) + last;
  }
}

/* The same of eight models; x: columns × 8; row i of model w to z[w · ld + i], models < lanes. */
static SG_CLONES(margins_lanes,
                 (const sg_stretch *s, const double *x, const double *last, int lanes, double *z,
                  long ld),
                 (s, x, last, lanes, z, ld)) {
  const int32_t *column = s->sparse->column;
  const double *value = s->sparse->value;
  const sg_v4 zero = SG_V4(0.0);
  const sg_v4 last_a = AT(last, 0), last_b = AT(last, 4);
  for (long i = 0; i < s->n; i++) {
    sg_v4 a0 = zero, a1 = zero, a2 = zero, a3 = zero, b0 = zero, b1 = zero, b2 = zero, b3 = zero;
    const long *row = s->sparse->start + s->first + (s->pick ? s->pick[i] : i);
    long k = row[0], end = row[1];
#define ADD_AT(j, a, b)                                                                            \
  do {                                                                                             \
    const double *at = x + (long)column[k + (j)] * LANES, v = value[k + (j)];                      \
    a += v * AT(at, 0), b += v * AT(at, 4);                                                        \
  } while (0)
    for (; k + 4 <= end; k += 4) {
      ADD_AT(0, a0, b0);
      ADD_AT(1, a1, b1);
      ADD_AT(2, a2, b2);
      ADD_AT(3, a3, b3);
    }
    if (k < end) ADD_AT(0, a0, b0);
    if (k + 1 < end) ADD_AT(1, a1, b1);
    if (k + 2 < end) ADD_AT(2, a2, b2);
#undef ADD_AT
    double sum[LANES];
    TO(sum, 0) = ((a0 + a1) + (a2 + a3)) + last_a;
    TO(sum, 4) = ((b0 + b1) + (b2 + b3)) + last_b;
    for (int w = 0; w < lanes; w++) z[w * ld + i] = sum[w];
  }
}

/* A few vectors of a model, or of several: the form that the margins take them in. */
typedef struct block {
  int lanes; /* 1 … LANES */
  const double *x[LANES];
  double last[LANES]; /* the coordinates of the intercept */
  double *side;       /* columns × LANES, where there are two or more */
} block;

static void set_block(const sg_data *data, block *b) {
  for (int w = 0; w < LANES; w++)
    b->last[w] = data->intercept && w < b->lanes ? b->x[w][data->columns - 1] : 0;
  if (b->lanes == 1) return;
  for (int w = 0; w < LANES; w++) {
    const double *x = b->x[w < b->lanes ? w : 0];
    for (long i = 0; i < data->columns; i++) b->side[i * LANES + w] = x[i];
  }
}

/* Row i with vector w to z[w · ld + i]. */
static void margins(const sg_stretch *s, const block *b, double *z, long ld) {
  double last[LANES];
  for (int w = 0; w < LANES; w++) last[w] = s->one * b->last[w];
  if (b->lanes == 1)
    margins_single(s, b->x[0], last[0], z);
  else
    margins_lanes(s, b->side, last, b->lanes, z, ld);
}

/* --- Width 1 ---------------------------------------------------------------------------------- */

/* Margins at x of the parts of which something is wanted (all: of all that have a loss), row by row
 * of the whole data; z: outputs × ld. side: room for a block. */
static void margins_of_parts(const sg_dense *d, const sg_workspace *ws, const sg_partition *p,
                             bool all, const double *x, double *side, double *z, long ld) {
  for (int o = 0; o < d->outputs; o += LANES) {
    block b = {.lanes = d->outputs - o < LANES ? d->outputs - o : LANES, .side = side};
    for (int w = 0; w < b.lanes; w++) b.x[w] = x + (o + w) * d->data->columns;
    set_block(d->data, &b);
    for (int i = 0; i < sg_partition_parts(p); i++) {
      const sg_stretch *s = &p->stretch[i];
      if ((all && i < p->parts) || ws->index[i] >= 0) margins(s, &b, z + o * ld + s->at, ld);
    }
  }
}

/* A mini-batch: its rows, their residuals at x, and its non-zeros. */
static bool draw(const sg_problem *problem, sg_workspace *ws, const sg_gradient_request *q,
                 const sg_partial *item, struct sg_source *source, size_t *used, double *residual,
                 double *target, double *side) {
  const sg_dense *d = problem->self;
  sg_stretch s = q->partition->stretch[item->part];
  const double *x = q->x[item->column];
  long rows = s.n;
  s.pick = sg_batch_rows(ws, q->partition, item);
  if (!s.pick) return false;
  s.n = sg_partition_rows(q->partition, item->part, item->batch);
  s.scale *= (double)rows / (double)s.n;
  for (int o = 0; o < d->outputs; o += LANES) {
    block b = {.lanes = d->outputs - o < LANES ? d->outputs - o : LANES, .side = side};
    for (int w = 0; w < b.lanes; w++) b.x[w] = x + (o + w) * d->data->columns;
    set_block(d->data, &b);
    margins(&s, &b, residual + o * s.n, s.n);
  }
  for (long i = 0; i < s.n; i++) target[i] = s.target[s.pick[i]];
  d->loss->rows(d->outputs, target, s.n, s.scale, residual, residual, s.n, NULL);
  *source = (struct sg_source){.rows = &q->partition->stretch[item->part],
                               .n = s.n,
                               .residual = residual,
                               .list = *used,
                               .listed = sg_entries_count(&s),
                               .drawn = true};
  if (!SG_ROOM(ws->entry, ws->entry_room, *used + source->listed + 1) ||
      !SG_ROOM(ws->spare, ws->spare_room, source->listed + 1))
    return false;
  sg_entries_gather(&s, ws->entry + *used);
  sg_entries_sort(ws->entry + *used, source->listed, d->data->columns, ws->spare);
  *used += source->listed;
  return true;
}

/* Rows behind the gradient of an item. */
static long rows_of(const sg_gradient_request *q, const sg_partial *item) {
  return sg_partition_rows(q->partition, item->part, item->batch);
}

static double sum_of(const double *residual, long n) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += residual[i];
  return sum;
}

/* The whole gradient of an item, row by row: additions to a coordinate go by rows, as in tiles. */
static void make_vector(const sg_dense *d, const struct sg_source *source) {
  const sg_stretch *s = source->rows;
  const long columns = d->data->columns;
  for (int o = 0; o < d->outputs; o++) {
    double *g = source->vector + o * columns;
    const double *r = source->residual + o * source->n;
    memset(g, 0, (size_t)columns * sizeof *g);
    for (long i = 0; i < s->n; i++)
      for (long k = sg_entries_row(s, i)[0]; k < sg_entries_row(s, i)[1]; k++)
        g[s->sparse->column[k]] += s->sparse->value[k] * r[i];
    if (d->data->intercept) g[columns - 1] = s->one * sum_of(r, s->n);
  }
}

static sg_status begin_single(const sg_problem *problem, sg_workspace *ws,
                              const sg_gradient_request *q) {
  const sg_dense *d = problem->self;
  const sg_data *data = d->data;
  const sg_partition *p = q->partition;
  const long outputs = d->outputs;
  const int all = sg_partition_parts(p);
  const sg_stretch *end = &p->stretch[all - 1];
  const long ld = end->at + end->n > data->rows ? end->at + end->n : data->rows;
  long residuals = 0;
  for (int i = 0; i < q->n_items; i++) residuals += rows_of(q, &q->item[i]) * outputs;
  if (!sg_numbers_need(&ws->residual, (size_t)residuals) ||
      !sg_numbers_need(&ws->scratch, (size_t)(ld * (outputs + 1) + data->columns * LANES)) ||
      !sg_numbers_need(&ws->loss, (size_t)data->rows) ||
      (!p->entry && !sg_numbers_need(&ws->vectors, (size_t)(q->columns * problem->length))))
    return SG_NO_MEMORY;
  double *z = ws->scratch.p, *side = z + ld * (outputs + 1), *residual = ws->residual.p;
  size_t used = 0;
  ws->n_used = 0;
  for (int c = 0; c < q->columns; c++) {
    const double *x = q->x[c], *y = q->loss_x ? q->loss_x[c] : NULL;
    for (int i = 0; i < all; i++) ws->index[i] = -1;
    for (int i = 0; i < q->n_items; i++) {
      const sg_partial *item = &q->item[i];
      if (item->column != c) continue;
      int *index = &ws->index[item->part];
      const sg_stretch *s = &p->stretch[item->part];
      struct sg_source *source = &ws->source[ws->n_used];
      if (item->batch && sg_is_batch(p, item)) {
        ws->which[i] = ws->n_used++;
        if (!draw(problem, ws, q, item, source, &used, residual, z + ld * outputs, side))
          return SG_NO_MEMORY;
        residual += rows_of(q, item) * outputs;
        continue;
      }
      if (*index < 0) {
        *index = ws->n_used++;
        *source = (struct sg_source){s, s->n, residual, s->list, s->listed, false, NULL};
        residual += s->n * outputs;
      }
      ws->which[i] = *index; /* an item that is asked for twice is made once */
    }
    margins_of_parts(d, ws, p, y == x, x, side, z, ld);
    for (int i = 0; i < all; i++) {
      const sg_stretch *s = &p->stretch[i];
      bool loss = y == x && i < p->parts; /* coded rows have none */
      if (ws->index[i] < 0 && !loss) continue;
      d->loss->rows(d->outputs, s->target, s->n, s->scale, z + s->at, z + s->at, ld,
                    loss ? ws->loss.p + s->at : NULL);
      if (ws->index[i] < 0) continue;
      double *r = ws->source[ws->index[i]].residual;
      for (long o = 0; o < outputs; o++)
        memcpy(r + o * s->n, z + o * ld + s->at, (size_t)s->n * sizeof *r);
      if (!p->entry) {
        ws->source[ws->index[i]].vector = ws->vectors.p + c * problem->length;
        make_vector(d, &ws->source[ws->index[i]]);
      }
    }
    if (y && y != x) {
      for (int i = 0; i < all; i++) ws->index[i] = -1;
      margins_of_parts(d, ws, p, true, y, side, z, ld);
      d->loss->rows(d->outputs, data->y, data->rows, 1, z, NULL, ld, ws->loss.p);
    }
    if (q->loss)
      q->loss[c] = y ? sg_mean_loss(ws->loss.p, data->rows) + sg_penalty(problem, y) : NAN;
  }
  return SG_OK;
}

/* out[column − first] += value · residual over the entries before column `end`, which ends a
 * stripe; returns where they end. */
static size_t add_single(const sg_entry *entry, size_t at, size_t n, long first, long end,
                         const double *residual, double *out) {
  for (; at < n && entry[at].column < end; at++) {
    __builtin_prefetch(entry + at + AHEAD);
    out[entry[at].column - first] += entry[at].value * residual[entry[at].row];
  }
  return at;
}

/* The same of a stripe of which columns first … end − 1 are wanted: all of it is summed. */
static size_t add_edge(const sg_entry *entry, size_t at, size_t n, long first, long end,
                       const double *residual, double *out) {
  double sum[SG_STRIPE] = {0};
  long begin = sg_stripe_of(first) << SG_STRIPE_BITS;
  at = add_single(entry, at, n, begin, begin + SG_STRIPE, residual, sum);
  memcpy(out, sum + (first - begin), (size_t)(end - first) * sizeof *out);
  return at;
}

/* Coordinates first … end − 1 of an output, to out. at: where the entries may begin; returns where
 * those of the next tile may. */
static size_t tile_single(const sg_data *data, const struct sg_source *source,
                          const sg_entry *entry, const double *residual, long first, long end,
                          size_t at, double *out) {
  const size_t n = source->listed;
  const long whole = end == data->columns ? end : end & -SG_STRIPE; /* where whole stripes end */
  at = sg_entries_find(entry, n, sg_stripe_of(first), at);
  for (long b = first, stop; b < end; b = stop) {
    if (b % SG_STRIPE == 0 && b < whole) {
      stop = whole;
      memset(out + (b - first), 0, (size_t)(stop - b) * sizeof *out);
      at = add_single(entry, at, n, first, stop, residual, out);
      continue;
    }
    const long over = (b & -SG_STRIPE) + SG_STRIPE;
    stop = over < end ? over : end;
    size_t next = add_edge(entry, at, n, b, stop, residual, out + (b - first));
    if (stop == over) at = next; /* else the next tile needs the stripe, too */
  }
  if (data->intercept && end == data->columns)
    out[end - 1 - first] = source->rows->one * sum_of(residual, source->n);
  return at;
}

static const sg_entry *entries_of(const sg_workspace *ws, const struct sg_source *source) {
  return (source->drawn ? ws->entry : ws->request->partition->entry) + source->list;
}

/* Room for the hints of a slot. */
static size_t *hints_of(sg_workspace *ws, int slot) {
  size_t known = ws->hint_room, wanted = (size_t)(slot + 1) * (size_t)ws->n_used;
  if (!SG_ROOM(ws->hint, ws->hint_room, wanted + 1)) return NULL;
  memset(ws->hint + known, 0, (ws->hint_room - known) * sizeof *ws->hint);
  return ws->hint + (size_t)slot * (size_t)ws->n_used;
}

/* --- Width W ---------------------------------------------------------------------------------- */

/* Models first … of a block of eight, as many as are asked for something. */
static int lanes_at(const sg_workspace *ws, int first) {
  return ws->n_models - first < LANES ? ws->n_models - first : LANES;
}

/* Where the residuals of output o of the models `first` … begin: rows × 8, or rows where the block
 * has one model. */
static double *residuals_at(const sg_workspace *ws, const sg_dense *d, int first, int o, long ld) {
  return ws->residual.p + ((long)(first / LANES) * d->outputs + o) * ld * LANES;
}

static long residual_rows(const sg_partition *p) {
  const sg_stretch *last = &p->stretch[sg_partition_parts(p) - 1];
  return last->at + last->n;
}

/* Margins of eight models at x, output o of model w to z[(w · outputs + o) · ld + row]; of coded
 * parts if they are used (coded), else of the training rows. */
static void margins_of_models(const sg_dense *d, const sg_workspace *ws, const sg_partition *p,
                              bool coded, int lanes, const double *const *x, double *side,
                              double *z, long ld) {
  for (int o = 0; o < d->outputs; o++) {
    block b = {.lanes = lanes, .side = side};
    for (int w = 0; w < lanes; w++) b.x[w] = x[w] + o * d->data->columns;
    set_block(d->data, &b);
    for (int i = 0; i < (coded ? sg_partition_parts(p) : p->parts); i++)
      if (i < p->parts || ws->index[i] >= 0)
        margins(&p->stretch[i], &b, z + o * ld + p->stretch[i].at, ld * d->outputs);
  }
}

/* Residuals of the models `first` …, and their losses. z: LANES · outputs · ld numbers. */
static void residuals_of_models(const sg_problem *problem, sg_workspace *ws,
                                const sg_gradient_request *q, int first, double *z, double *side) {
  const sg_dense *d = problem->self;
  const sg_partition *p = q->partition;
  const long ld = residual_rows(p), rows = d->data->rows;
  const int lanes = lanes_at(ws, first);
  margins_of_models(d, ws, p, true, lanes, q->x + first, side, z, ld);
  for (int w = 0; w < lanes; w++) {
    double *at = z + (long)w * d->outputs * ld;
    const double *y = q->loss_x ? q->loss_x[first + w] : NULL;
    bool loss = y && y == q->x[first + w];
    d->loss->rows(d->outputs, d->data->y, rows, 1.0 / (double)rows, at, at, ld,
                  loss ? ws->loss.p : NULL);
    if (loss && q->loss)
      q->loss[first + w] = sg_mean_loss(ws->loss.p, rows) + sg_penalty(problem, y);
    for (int i = p->parts; i < sg_partition_parts(p); i++) {
      const sg_stretch *s = &p->stretch[i];
      if (ws->index[i] >= 0)
        d->loss->rows(1, s->target, s->n, s->scale, at + s->at, at + s->at, ld, NULL);
    }
  }
  for (int o = 0; o < d->outputs; o++) {
    double *to = residuals_at(ws, d, first, o, ld);
    if (lanes == 1) {
      memcpy(to, z + o * ld, (size_t)ld * sizeof *to);
      continue;
    }
    for (int w = 0; w < LANES; w++) {
      const double *from = z + ((long)w * d->outputs + o) * ld;
      for (long i = 0; i < ld; i++) to[i * LANES + w] = w < lanes ? from[i] : 0;
    }
  }
}

/* The losses of the models `first` … that are wanted elsewhere than where their gradients are. */
static void losses_elsewhere(const sg_problem *problem, sg_workspace *ws,
                             const sg_gradient_request *q, int first, double *z, double *side) {
  const sg_dense *d = problem->self;
  const long ld = residual_rows(q->partition), rows = d->data->rows;
  for (int w = first; w < first + lanes_at(ws, first); w++) {
    const double *y = q->loss_x[w];
    if (!y || y == q->x[w]) continue;
    margins_of_models(d, ws, q->partition, false, 1, &y, side, z, ld);
    d->loss->rows(d->outputs, d->data->y, rows, 1, z, NULL, ld, ws->loss.p);
    if (q->loss) q->loss[w] = sg_mean_loss(ws->loss.p, rows) + sg_penalty(problem, y);
  }
}

static sg_status begin_wide(const sg_problem *problem, sg_workspace *ws,
                            const sg_gradient_request *q) {
  const sg_dense *d = problem->self;
  const sg_partition *p = q->partition;
  ws->n_models = 0;
  for (int i = 0; i < q->n_items; i++)
    if (q->item[i].column >= ws->n_models) ws->n_models = q->item[i].column + 1;
  for (int c = ws->n_models; q->loss_x && c < q->columns; c++)
    if (q->loss_x[c]) ws->n_models = c + 1;
  const long ld = residual_rows(p), blocks = (ws->n_models + LANES - 1) / LANES;
  const size_t z_size = (size_t)(LANES * d->outputs * ld);
  if (!sg_numbers_need(&ws->residual, (size_t)blocks * z_size) ||
      !sg_numbers_need(&ws->scratch, z_size + (size_t)(d->data->columns * LANES)) ||
      !sg_numbers_need(&ws->loss, (size_t)d->data->rows))
    return SG_NO_MEMORY;
  ws->n_used = 0;
  for (int i = 0; i < sg_partition_parts(p); i++) ws->index[i] = -1;
  for (int i = 0; i < q->n_items; i++) {
    int *index = &ws->index[q->item[i].part];
    if (*index < 0) {
      const sg_stretch *s = &p->stretch[q->item[i].part];
      *index = ws->n_used++;
      ws->source[*index] = (struct sg_source){s, s->n, NULL, s->list, s->listed, false, NULL};
    }
    ws->which[i] = *index;
  }
  for (int c = 0; q->loss && c < q->columns; c++) q->loss[c] = NAN;
  for (int c = 0; c < ws->n_models; c += LANES) {
    residuals_of_models(problem, ws, q, c, ws->scratch.p, ws->scratch.p + z_size);
    if (q->loss_x) losses_elsewhere(problem, ws, q, c, ws->scratch.p, ws->scratch.p + z_size);
  }
  return SG_OK;
}

/* As add_single, of eight models: out is (end − first) × 8, residual rows × 8. */
static SG_CLONES_OF(size_t, add_lanes,
                    (const sg_entry *entry, size_t at, size_t n, long first, long end,
                     const double *residual, double *out),
                    (entry, at, n, first, end, residual, out)) {
  for (; at < n && entry[at].column < end; at++) {
    __builtin_prefetch(entry + at + AHEAD);
    double *o = out + (entry[at].column - first) * LANES, v = entry[at].value;
    const double *r = residual + (long)entry[at].row * LANES;
    sg_v4 a = AT(o, 0) + v * AT(r, 0), b = AT(o, 4) + v * AT(r, 4);
    TO(o, 0) = a, TO(o, 4) = b;
  }
  return at;
}

/* n coordinates of eight models, coordinate by coordinate, to model w's from out[w · ld] on. */
static SG_CLONES(turn, (const double *side, long n, int lanes, double *out, long ld),
                 (side, n, lanes, out, ld)) {
  long i = 0;
  for (; i + 4 <= n; i += 4)
    for (int w = 0; w < lanes; w += 4) {
      const double *from = side + i * LANES + w;
      sg_v4 a = AT(from, 0), b = AT(from, LANES), c = AT(from, 2L * LANES),
            d = AT(from, 3L * LANES);
      sg_v4 ab_even = __builtin_shufflevector(a, b, 0, 4, 2, 6),
            ab_odd = __builtin_shufflevector(a, b, 1, 5, 3, 7),
            cd_even = __builtin_shufflevector(c, d, 0, 4, 2, 6),
            cd_odd = __builtin_shufflevector(c, d, 1, 5, 3, 7);
      double *to = out + w * ld + i;
      TO(to, 0) = __builtin_shufflevector(ab_even, cd_even, 0, 1, 4, 5);
      if (w + 1 < lanes) TO(to, ld) = __builtin_shufflevector(ab_odd, cd_odd, 0, 1, 4, 5);
      if (w + 2 < lanes) TO(to, 2 * ld) = __builtin_shufflevector(ab_even, cd_even, 2, 3, 6, 7);
      if (w + 3 < lanes) TO(to, 3 * ld) = __builtin_shufflevector(ab_odd, cd_odd, 2, 3, 6, 7);
    }
  for (; i < n; i++)
    for (int w = 0; w < lanes; w++) out[w * ld + i] = side[i * LANES + w];
}

/* What the ones of an intercept come to. */
static void add_ones(const struct sg_source *source, const double *residual, double *out) {
  for (long i = 0; i < source->n; i++)
    for (int w = 0; w < LANES; w++) out[w] += residual[i * LANES + w];
  for (int w = 0; w < LANES; w++) out[w] *= source->rows->one;
}

/* As tile_single, of `lanes` ≥ 2 models; model w to out[w · ld]. */
static size_t tile_lanes(const sg_data *data, const struct sg_source *source, const sg_entry *entry,
                         const double *residual, int lanes, long first, long end, size_t at,
                         double *out, long ld) {
  double side[BLOCK * LANES];
  const size_t n = source->listed;
  at = sg_entries_find(entry, n, sg_stripe_of(first), at);
  for (long b = first, stop; b < end; out += stop - b, b = stop) {
    const long begin = b & -SG_STRIPE; /* what is before b is summed, and left */
    stop = end - begin < BLOCK ? end : begin + BLOCK;
    memset(side, 0, (size_t)((stop - begin + SG_STRIPE - 1) & -SG_STRIPE) * LANES * sizeof *side);
    at = add_lanes(entry, at, n, begin, stop & -SG_STRIPE, residual, side);
    /* Of the last stripe the next tile may need the rest. */
    if (stop % SG_STRIPE)
      add_lanes(entry, at, n, begin, (stop & -SG_STRIPE) + SG_STRIPE, residual, side);
    if (data->intercept && stop == data->columns)
      add_ones(source, residual, side + (stop - 1 - begin) * LANES);
    turn(side + (b - begin) * LANES, stop - b, lanes, out, ld);
  }
  return at;
}

/* Output o of the part of a source, all models of the request. */
static size_t tile_models(const sg_dense *d, const sg_workspace *ws, const struct sg_source *source,
                          int o, long first, long end, size_t at, double *out, long ld) {
  const sg_gradient_request *q = ws->request;
  const sg_entry *entry = entries_of(ws, source);
  const long rows = residual_rows(q->partition), place = source->rows->at;
  size_t stop = at;
  for (int c = 0; c < ws->n_models; c += LANES, out += LANES * ld) {
    const double *r = residuals_at(ws, d, c, o, rows);
    int lanes = lanes_at(ws, c);
    if (lanes == 1)
      stop = tile_single(d->data, source, entry, r + place, first, end, at, out);
    else
      stop = tile_lanes(d->data, source, entry, r + place * LANES, lanes, first, end, at, out, ld);
  }
  return stop;
}

/* --- Requests --------------------------------------------------------------------------------- */

/* Models one at a time: in width 1, and where there are no lists. */
static bool is_single(const sg_gradient_request *q) {
  return q->width == 1 || !q->partition->entry;
}

sg_status sg_sparse_begin(const sg_problem *problem, sg_workspace *ws,
                          const sg_gradient_request *q) {
  if (!SG_ROOM(ws->source, ws->source_room, q->n_items + 1) ||
      !SG_ROOM(ws->which, ws->which_room, q->n_items + 1))
    return SG_NO_MEMORY;
  return is_single(q) ? begin_single(problem, ws, q) : begin_wide(problem, ws, q);
}

sg_status sg_sparse_tile(const sg_problem *problem, sg_workspace *ws, int slot, long begin,
                         long end, const double **out) {
  const sg_dense *d = problem->self;
  const sg_gradient_request *q = ws->request;
  const bool single = is_single(q);
  const long columns = d->data->columns, ld = (end - begin + 7) / 8 * 8,
             size = single ? ld : ld * q->width;
  size_t *hint = hints_of(ws, slot);
  double *tile = sg_workspace_tile(ws, slot, (size_t)size * (size_t)ws->n_used + 1);
  if (!hint || !tile) return SG_NO_MEMORY;
  for (int u = 0; u < ws->n_used; u++) {
    const struct sg_source *s = &ws->source[u];
    if (s->vector) continue;
    if (u + 1 < ws->n_used && !s[1].vector)
      for (size_t k = 0; k < AHEAD; k += 4)
        __builtin_prefetch(entries_of(ws, s + 1) + hint[u + 1] + k);
    for (long at = begin, stop; at < end; at = stop) { /* class by class */
      const long o = at / columns, first = at - o * columns;
      double *to = tile + u * size + (at - begin);
      stop = end < (o + 1) * columns ? end : (o + 1) * columns;
      if (single)
        hint[u] = tile_single(d->data, s, entries_of(ws, s), s->residual + o * s->n, first,
                              stop - o * columns, hint[u], to);
      else
        hint[u] = tile_models(d, ws, s, (int)o, first, stop - o * columns, hint[u], to, ld);
    }
  }
  for (int i = 0; i < q->n_items; i++) {
    const struct sg_source *s = &ws->source[ws->which[i]];
    out[i] = s->vector ? s->vector + begin : tile + ws->which[i] * size;
    if (!single) out[i] += q->item[i].column * ld;
  }
  return SG_OK;
}

/* --- Evaluation, curvature -------------------------------------------------------------------- */

/* Margins of rows with one model, z[o · n + row]. */
static void margins_of_rows(const sg_dense *d, const sg_stretch *s, const double *x, double *side,
                            double *z) {
  for (int o = 0; o < d->outputs; o += LANES) {
    block b = {.lanes = d->outputs - o < LANES ? d->outputs - o : LANES, .side = side};
    for (int w = 0; w < b.lanes; w++) b.x[w] = x + (o + w) * d->data->columns;
    set_block(d->data, &b);
    margins(s, &b, z + o * s->n, s->n);
  }
}

sg_status sg_sparse_evaluate(const sg_problem *problem, sg_workspace *ws, unsigned what,
                             int columns, const double *const *x, sg_metrics *metrics) {
  const sg_dense *d = problem->self;
  const sg_data *data = d->data;
  const sg_stretch train = {.sparse = data->sparse, .n = data->rows, .one = 1},
                   test = {
                       .sparse = data->sparse, .first = data->rows, .n = data->test_rows, .one = 1};
  const long longest = train.n > test.n ? train.n : test.n;
  if (!sg_numbers_need(&ws->loss, (size_t)longest) ||
      !sg_numbers_need(&ws->scratch, (size_t)(longest * d->outputs + data->columns * LANES)))
    return SG_NO_MEMORY;
  double *z = ws->scratch.p, *side = z + longest * d->outputs;
  for (int c = 0; c < columns; c++) {
    if (what & SG_WANT_LOSS) {
      margins_of_rows(d, &train, x[c], side, z);
      d->loss->rows(d->outputs, data->y, train.n, 1, z, NULL, train.n, ws->loss.p);
      metrics[c].loss = sg_mean_loss(ws->loss.p, train.n) + sg_penalty(problem, x[c]);
    }
    if (what & SG_WANT_TEST && test.n > 0) {
      margins_of_rows(d, &test, x[c], side, z);
      d->loss->rows(d->outputs, data->test_y, test.n, 1, z, NULL, test.n, ws->loss.p);
      metrics[c].test_loss = sg_mean_loss(ws->loss.p, test.n);
      sg_status status = d->loss->judge ? d->loss->judge(data, z, &metrics[c]) : SG_OK;
      if (status) return status;
    }
  }
  return SG_OK;
}

void sg_sparse_gram(const sg_data *data, const double *v, double *u) {
  const sg_csr *x = data->sparse;
  double constant = 0;
  for (long i = 0; i < data->rows; i++) {
    double z;
    const sg_stretch row = {.sparse = x, .first = i, .n = 1};
    margins_single(&row, v, data->intercept ? v[data->columns - 1] : 0, &z);
    z /= (double)data->rows;
    constant += z;
    for (long k = x->start[i]; k < x->start[i + 1]; k++) u[x->column[k]] += z * x->value[k];
  }
  if (data->intercept) u[data->columns - 1] += constant;
}
