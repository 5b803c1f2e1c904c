/* SPDX-License-Identifier: MIT */
#include "models/learning/abreast.h"
#include "models/learning/dense.h"
#include "sim/core/array.h"
#include "sim/core/lanes.h"

#include <math.h>

#include <string.h>

enum {
  LANES = SG_ABREAST,
  ROWS = 3,
  VECTORS = 3,
  BLOCK_BYTES = 128 << 10, /* of rows, which stay in the second cache */
  MOST_ROWS = 240
};

bool sg_abreast_here(void) {
  return sg_widest_lanes() == SG_LANES_AVX512;
}

#ifdef SG_HAS_LANES

#include <immintrin.h>

/* packed (columns × 8) = n ≤ 8 vectors side by side; the others are 0. */
static void pack(int n, const double *const *x, long columns, double *packed) {
  if (n < LANES) memset(packed, 0, (size_t)columns * LANES * sizeof *packed);
  for (int v = 0; v < n; v++)
    for (long i = 0; i < columns; i++) packed[i * LANES + v] = x[v][i];
}

#define INLINE static inline __attribute__((always_inline)) SG_AVX512

/* Of `rows` rows (a constant at each call), to z, eight numbers a row. Sum k of a row is of columns
 * k, k + 8, …; they are added as dot4 adds its lanes, and then the last columns, one by one. */
INLINE void margins_of(int rows, long columns, const double *x, const double *packed, double *z) {
  __m512d a[ROWS][LANES];
  SG_UNROLL
  for (int r = 0; r < rows; r++) {
    SG_UNROLL
    for (int k = 0; k < LANES; k++) a[r][k] = _mm512_setzero_pd();
  }
  long i = 0;
  for (; i + LANES <= columns; i += LANES) {
    SG_UNROLL
    for (int k = 0; k < LANES; k++) {
      __m512d m = _mm512_loadu_pd(packed + (i + k) * LANES);
      SG_UNROLL
      for (int r = 0; r < rows; r++)
        a[r][k] = _mm512_add_pd(a[r][k], _mm512_mul_pd(_mm512_set1_pd(x[r * columns + i + k]), m));
    }
  }
  SG_UNROLL
  for (int r = 0; r < rows; r++) {
    SG_UNROLL
    for (int k = 0; k < 4; k++) a[r][k] = _mm512_add_pd(a[r][k], a[r][k + 4]);
    a[r][0] = _mm512_add_pd(_mm512_add_pd(a[r][0], a[r][1]), _mm512_add_pd(a[r][2], a[r][3]));
  }
  for (; i < columns; i++) {
    __m512d m = _mm512_loadu_pd(packed + i * LANES);
    SG_UNROLL
    for (int r = 0; r < rows; r++)
      a[r][0] = _mm512_add_pd(a[r][0], _mm512_mul_pd(_mm512_set1_pd(x[r * columns + i]), m));
  }
  SG_UNROLL
  for (int r = 0; r < rows; r++) _mm512_storeu_pd(z + r * LANES, a[r][0]);
}

/* z[v · ld + i] = row i of x times vector v of `packed`. */
SG_AVX512 static void margins(long rows, long columns, const double *x, const double *packed,
                              double *z, long ld) {
  double turned[ROWS * LANES];
  for (long i = 0; i < rows;) {
    int n = rows - i < ROWS ? (int)(rows - i) : ROWS;
    if (n == ROWS)
      margins_of(ROWS, columns, x + i * columns, packed, turned);
    else if (n == 2)
      margins_of(2, columns, x + i * columns, packed, turned);
    else
      margins_of(1, columns, x + i * columns, packed, turned);
    for (int v = 0; v < LANES; v++)
      for (int r = 0; r < n; r++) z[v * ld + i + r] = turned[r * LANES + v];
    i += n;
  }
}

/* `vectors` vectors of eight columns, the last with those of the mask, of all eight gradients. */
INLINE void gradients_of(int vectors, __mmask8 mask, long rows, long columns, const double *x,
                         const double *r, long ld, double *const *g, long at) {
  __m512d a[LANES][VECTORS];
  SG_UNROLL
  for (int v = 0; v < LANES; v++) {
    SG_UNROLL
    for (int k = 0; k < vectors; k++)
      a[v][k] = _mm512_maskz_loadu_pd(k + 1 == vectors ? mask : 0xff, g[v] + at + k * LANES);
  }
  for (long i = 0; i < rows; i++) {
    const double *row = x + i * columns + at;
    __m512d b[VECTORS];
    SG_UNROLL
    for (int k = 0; k < vectors; k++)
      b[k] = _mm512_maskz_loadu_pd(k + 1 == vectors ? mask : 0xff, row + k * LANES);
    SG_UNROLL
    for (int v = 0; v < LANES; v++) {
      __m512d c = _mm512_set1_pd(r[v * ld + i]);
      SG_UNROLL
      for (int k = 0; k < vectors; k++) a[v][k] = _mm512_add_pd(a[v][k], _mm512_mul_pd(c, b[k]));
    }
  }
  SG_UNROLL
  for (int v = 0; v < LANES; v++) {
    SG_UNROLL
    for (int k = 0; k < vectors; k++)
      _mm512_mask_storeu_pd(g[v] + at + k * LANES, k + 1 == vectors ? mask : 0xff, a[v][k]);
  }
}

/* g[v] += Σ r[v · ld + i] · row i of x, for eight v, row after row. */
SG_AVX512 static void gradients(long rows, long columns, const double *x, const double *r, long ld,
                                double *const *g) {
  long i = 0;
  for (; i + VECTORS * LANES <= columns; i += VECTORS * LANES)
    gradients_of(VECTORS, 0xff, rows, columns, x, r, ld, g, i);
  for (; i < columns; i += LANES)
    gradients_of(1, (__mmask8)(i + LANES <= columns ? 0xff : 0xff >> (i + LANES - columns)), rows,
                 columns, x, r, ld, g, i);
}

/* --- Requests --------------------------------------------------------------------------------- */

/* Eight vectors take as long as less than six, one by one. */
enum { ENOUGH = 6 };

static int groups_of(const sg_problem *problem, const sg_gradient_request *q) {
  const sg_dense *d = problem->self;
  return (q->columns * d->outputs + LANES - 1) / LANES;
}

static bool wants_loss(const sg_gradient_request *q, int column) {
  return q->loss_x && q->loss_x[column];
}

bool sg_abreast_suits(const sg_problem *problem, const sg_gradient_request *q) {
  const sg_dense *d = problem->self;
  int parts = sg_partition_parts(q->partition), losses = 0;
  if (!sg_abreast_here() || q->columns * d->outputs < ENOUGH * groups_of(problem, q)) return false;
  for (int i = 0; i < q->n_items; i++)
    if (q->item[i].batch && sg_is_batch(q->partition, &q->item[i])) return false;
  for (int c = 0; c < q->columns; c++) losses += wants_loss(q, c);
  double wanted = fmax(q->n_items, (double)losses * parts) * d->outputs;
  return wanted >= (double)ENOUGH * groups_of(problem, q) * parts;
}

/* Vectors that go through the data together: those of the columns, class by class, and zeros up to
 * a multiple of eight. */
typedef struct company {
  const sg_dense *dense;
  const sg_gradient_request *request;
  int vectors, groups;
  long block;      /* rows at a time */
  double *x, *y;   /* packed, group by group; y: points of losses, NULL if there are no others */
  double *zx, *zy; /* margins of a block, and residuals */
  double *room;    /* float32: for the rows of a block */
  double **g;      /* the gradient of a part for each; NULL: none is wanted */
} company;

/* Whole groups of rows, of which margins are made together, and whole vectors of losses. */
static long block_of(long columns) {
  long rows = BLOCK_BYTES / (8 * columns), groups = ROWS * (rows < ROWS * LANES ? 1 : LANES);
  rows = rows / groups * groups;
  return rows < ROWS ? ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
}

/* Margins of n rows with all vectors. */
static void all_margins(const company *k, long n, const double *x, const double *packed,
                        double *z) {
  long columns = k->dense->data->columns, ld = k->block;
  for (int i = 0; i < k->groups; i++)
    margins(n, columns, x, packed + i * columns * LANES, z + i * ld * LANES, ld);
}

/* Residuals, to zx, and losses (NULL: not wanted; of column c from c · rows on). */
static void all_losses(const company *k, long n, const double *target, double scale, double *loss,
                       long rows) {
  const sg_gradient_request *q = k->request;
  const sg_loss *type = k->dense->loss;
  int outputs = k->dense->outputs;
  long ld = k->block;
  for (int c = 0; c < q->columns; c++) {
    double *z = k->zx + (long)c * outputs * ld,
           *here = loss && wants_loss(q, c) ? loss + c * rows : NULL;
    if (here && q->loss_x[c] != q->x[c]) {
      type->rows(outputs, target, n, scale, k->zy + (long)c * outputs * ld, NULL, ld, here);
      here = NULL;
    }
    type->rows(outputs, target, n, scale, z, z, ld, here);
  }
}

/* The rows of s: gradients are added to g, losses written. */
static void pass(const company *k, const sg_stretch *s, double *loss, long rows) {
  long columns = k->dense->data->columns, ld = k->block;
  for (long b = 0; b < s->n; b += ld) {
    long n = s->n - b < ld ? s->n - b : ld;
    const double *x = s->single ? k->room : s->x + b * columns;
    if (s->single) sg_widen(s->single + b * columns, n * columns, k->room);
    all_margins(k, n, x, k->x, k->zx);
    if (k->y) all_margins(k, n, x, k->y, k->zy);
    all_losses(k, n, s->target + b, s->scale, loss ? loss + b : NULL, rows);
    for (int i = 0; k->g && i < k->groups; i++)
      gradients(n, columns, x, k->zx + i * ld * LANES, ld, k->g + i * LANES);
  }
}

/* Where the gradients of a part go; false: nobody wants any. */
static bool aim(company *k, const sg_problem *problem, sg_workspace *ws, int part, double *waste) {
  int parts = sg_partition_parts(k->request->partition), outputs = k->dense->outputs;
  bool any = false;
  for (int v = 0; v < k->groups * LANES; v++) {
    int i = v < k->vectors ? ws->index[v / outputs * parts + part] : -1;
    any |= i >= 0;
    k->g[v] = i < 0 ? waste : ws->vectors.p + i * problem->length + v % outputs * problem->stride;
  }
  return any;
}

/* Where each item's gradient stands, which is 0 now: one that is asked for twice is made once. */
static void place(const sg_problem *problem, sg_workspace *ws, const sg_gradient_request *q) {
  int parts = sg_partition_parts(q->partition);
  long l = problem->length;
  for (int k = 0; k < q->columns * parts; k++) ws->index[k] = -1;
  for (int i = 0; i < q->n_items; i++) {
    int *first = &ws->index[q->item[i].column * parts + q->item[i].part];
    if (*first < 0) {
      *first = i;
      memset(ws->vectors.p + i * l, 0, (size_t)l * sizeof(double));
    }
    ws->window[i] = ws->vectors.p + *first * l;
  }
}

static void pack_all(const company *k, const double *const *x, double *packed) {
  long columns = k->dense->data->columns;
  int outputs = k->dense->outputs;
  const double *vector[LANES];
  for (int i = 0; i < k->groups; i++) {
    int n = k->vectors - i * LANES < LANES ? k->vectors - i * LANES : LANES;
    for (int v = 0; v < n; v++) {
      int at = i * LANES + v;
      const double *point = x[at / outputs];
      vector[v] = (point ? point : k->request->x[at / outputs]) + at % outputs * columns;
    }
    pack(n, vector, columns, packed + i * columns * LANES);
  }
}

sg_status sg_abreast_begin(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *q) {
  const sg_dense *d = problem->self;
  const sg_partition *partition = q->partition;
  company k = {.dense = d,
               .request = q,
               .vectors = q->columns * d->outputs,
               .groups = groups_of(problem, q)};
  int parts = sg_partition_parts(partition);
  long columns = d->data->columns, rows = d->data->rows, padded = (long)k.groups * LANES;
  bool elsewhere = false, losses = false;
  for (int c = 0; c < q->columns; c++) {
    losses |= wants_loss(q, c);
    elsewhere |= wants_loss(q, c) && q->loss_x[c] != q->x[c];
  }
  const long block = k.block = block_of(columns);
  size_t points = elsewhere ? 2 : 1, room = d->data->float32 ? (size_t)(block * columns) : 0;
  if (!sg_numbers_need(&ws->vectors, (size_t)q->n_items * (size_t)problem->length) ||
      !sg_numbers_need(&ws->scratch,
                       points * (size_t)(padded * (columns + block)) + (size_t)columns + room) ||
      (losses && !sg_numbers_need(&ws->loss, (size_t)(rows * q->columns))) ||
      !SG_ROOM(ws->index, ws->index_room, q->columns * parts) ||
      !SG_ROOM(ws->gradient, ws->gradient_room, padded))
    return SG_NO_MEMORY;
  place(problem, ws, q);
  k.x = ws->scratch.p;
  k.zx = k.x + padded * columns;
  double *waste = k.zx + padded * block;
  memset(waste, 0, (size_t)columns * sizeof *waste);
  pack_all(&k, q->x, k.x);
  k.room = waste + columns;
  if (elsewhere) {
    k.y = k.room + room;
    k.zy = k.y + padded * columns;
    pack_all(&k, q->loss_x, k.y);
  }
  for (int p = 0; p < parts; p++) {
    const sg_stretch *s = &partition->stretch[p];
    bool loss = losses && p < partition->parts; /* coded rows have none */
    k.g = ws->gradient;
    if (!aim(&k, problem, ws, p, waste)) k.g = NULL;
    if (k.g || loss) pass(&k, s, loss ? ws->loss.p + s->at : NULL, rows);
  }
  for (int c = 0; q->loss && c < q->columns; c++)
    q->loss[c] = wants_loss(q, c)
                     ? sg_mean_loss(ws->loss.p + c * rows, rows) + sg_penalty(problem, q->loss_x[c])
                     : NAN;
  return SG_OK;
}

#else

bool sg_abreast_suits(const sg_problem *problem, const sg_gradient_request *q) {
  return false;
}

sg_status sg_abreast_begin(const sg_problem *problem, sg_workspace *ws,
                           const sg_gradient_request *q) {
  return SG_BUG;
}

#endif
