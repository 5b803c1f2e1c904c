/* SPDX-License-Identifier: MIT */
/* Gradient codes for any placement of the data, with unequal replication (Jahani-Nezhad &
 * Maddah-Ali 2021).
 *
 * Part j is held by r_j workers, r = min r_j. Any s stragglers are tolerated with messages of
 * 1/m = 1/(r − s) of a gradient, which is optimal. As in Ye and Abbe's random construction, V
 * ((n − s) × n) is random, here with orthonormal rows, and the m rows of B for part j are [X_j | I]
 * with X_j such that B V vanishes at the workers without part j. These are n − r_j ≤ n − s − m
 * equations in n − s − m unknowns, of which the solution of minimum norm is taken. (rate published;
 * construction derived) Of more than 512 workers with n ≥ 2 (s + m) the same comes from the null
 * space of V (nulling.h), in O(s + m)² for each number.
 *
 * The placement is one of several constructions or a matrix from a file. */
#include "codes/tools/fewest.h"
#include "codes/tools/gaussian.h"
#include "codes/tools/nulling.h"
#include "codes/tools/parity.h"
#include "codes/tools/placement.h"
#include "codes/tools/rules.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

static const char *const placements[] = {"cyclic", "random", "by-speed", "matrix", NULL};
enum { CYCLIC, RANDOM, BY_SPEED, MATRIX };

static const sg_param params[] = {
    SG_ROW_STRAGGLERS("number of stragglers tolerated"),
    SG_ROW_INT("m", 1, SG_UNBOUNDED,
               "communication reduction: a message is 1/m of a gradient. Left out: the most there "
               "can be, least replication - s",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("placement", placements, CYCLIC,
                  "which workers hold a part: neighbours in a circle; workers drawn at random so "
                  "that loads are as equal as they can be; those with the least load for their "
                  "speed; or the matrix of a file"),
    SG_ROW_INT("replication", 1, SG_UNBOUNDED,
               "least number of workers that hold a part; s + m when left out. Not with a matrix",
               .flags = SG_OPTIONAL),
    SG_ROW_INT("replication_max", 1, SG_UNBOUNDED,
               "most workers that hold a part: parts have from the least to the most in turn, or "
               "at random with placement random; the least when left out. Not with a matrix",
               .flags = SG_OPTIONAL),
    SG_ROW_INT("parts", 1, 100000,
               "how many equal parts the data is cut into; the number of workers when left out. "
               "Not with a matrix",
               .flags = SG_OPTIONAL),
    SG_ROW("matrix", SG_MATRIX,
           "file with a row for each worker and a column for each part: 1 where the worker holds "
           "the part, else 0",
           .flags = SG_OPTIONAL),
    {0}};

typedef struct tables {
  int n, s, m, parts;
  size_t *start; /* n + 1: where worker i's entries begin */
  int *part;     /* of each entry */
  double *coef;  /* entries × m */
  const sg_parity *parity;
} tables;

/* Who holds what, while the code is made. */
typedef struct holdings {
  size_t *first; /* parts + 1: where a part's holders begin */
  int *holder;
  size_t count, capacity;
  bool *held; /* n, all false between uses */
} holdings;

static void free_holdings(holdings *h) {
  free(h->first);
  free(h->holder);
  free(h->held);
}

/* --- Placement -------------------------------------------------------------------------------- */

static bool add_holder(holdings *h, int worker) {
  if (!SG_ROOM(h->holder, h->capacity, h->count + 1)) return false;
  h->holder[h->count++] = worker;
  return true;
}

static bool give_circle(holdings *h, int n, int first, int r) {
  bool ok = true;
  for (int k = 0; ok && k < r; k++) ok = add_holder(h, (first + k) % n);
  return ok;
}

/* The r workers with the least load get the part, by a random number of each among equals. rank: n
 * numbers. */
static bool give_at_random(holdings *h, int n, int r, sg_stream *stream, int *load, double *rank) {
  size_t first = h->count;
  for (int i = 0; i < n; i++) rank[i] = load[i] + sg_uniform(stream) / 2;
  for (int k = 0; k < r; k++) {
    int best = -1;
    for (int i = 0; i < n; i++)
      if (!h->held[i] && (best < 0 || rank[i] < rank[best])) best = i;
    if (!add_holder(h, best)) return false;
    h->held[best] = true;
    load[best]++;
  }
  for (size_t k = first; k < h->count; k++) h->held[h->holder[k]] = false;
  return true;
}

/* The same law in O(r). */
static bool give_fewest(holdings *h, int r, sg_stream *stream, sg_fewest *fewest) {
  for (int k = 0; k < r; k++)
    if (!add_holder(h, sg_fewest_take(fewest, stream))) return false;
  sg_fewest_end_round(fewest);
  return true;
}

/* A heap of workers: who would have the least load for their speed with one part more comes first,
 * by number among equals. */
typedef struct heap {
  const double *speed;
  int *load, *worker, count;
} heap;

static bool goes_before(const heap *q, int a, int b) {
  double x = (q->load[a] + 1.0) / q->speed[a], y = (q->load[b] + 1.0) / q->speed[b];
  return x < y || (x == y && a < b);
}

static void push(heap *q, int worker) {
  int at = q->count++;
  for (; at > 0 && goes_before(q, worker, q->worker[(at - 1) / 2]); at = (at - 1) / 2)
    q->worker[at] = q->worker[(at - 1) / 2];
  q->worker[at] = worker;
}

static int pop(heap *q) {
  int first = q->worker[0], moved = q->worker[--q->count], at = 0;
  for (int below; (below = 2 * at + 1) < q->count; at = below) {
    if (below + 1 < q->count && goes_before(q, q->worker[below + 1], q->worker[below])) below++;
    if (!goes_before(q, q->worker[below], moved)) break;
    q->worker[at] = q->worker[below];
  }
  q->worker[at] = moved;
  return first;
}

static bool give_by_speed(holdings *h, int r, heap *q) {
  size_t first = h->count;
  for (int k = 0; k < r; k++)
    if (!add_holder(h, pop(q))) return false;
  for (size_t k = first; k < h->count; k++) {
    q->load[h->holder[k]]++;
    push(q, h->holder[k]);
  }
  return true;
}

/* O(parts · r) for a circle and at random, with up to 4096 workers at random O(parts · n r);
 * O(parts · r log n) by speed. */
static bool construct(const sg_code *code, const tables *t, holdings *h, int placement, int least,
                      int most) {
  size_t n = (size_t)t->n;
  SG_OWNED int *load = calloc(2 * n, sizeof *load);
  SG_OWNED double *rank = malloc(n * sizeof *rank);
  if (!load || !rank) return false;
  sg_fewest fewest;
  heap q = {.speed = code->shape.speed, .load = load, .worker = load + n};
  bool ok = true, large = sg_placement_is_large(t->n);
  if (placement == RANDOM) sg_fewest_begin(&fewest, t->n, load + n);
  for (int i = 0; placement == BY_SPEED && i < t->n; i++) push(&q, i);
  for (int j = 0; ok && j < t->parts; j++) {
    sg_stream stream;
    int r = least + j % (most - least + 1);
    h->first[j] = h->count;
    if (placement == CYCLIC)
      ok = give_circle(h, t->n, (int)((long)j * t->n / t->parts), r);
    else if (placement == BY_SPEED)
      ok = give_by_speed(h, r, &q);
    else {
      sg_stream_at(&stream, code->shape.seed, 0, SG_FOR_CODE, (uint32_t)j, 2, 0);
      r = least + (int)(sg_uniform(&stream) * (most - least + 1));
      sg_stream_at(&stream, code->shape.seed, 0, SG_FOR_CODE, (uint32_t)j, 1, 0);
      ok = large ? give_fewest(h, r, &stream, &fewest)
                 : give_at_random(h, t->n, r, &stream, load, rank);
    }
  }
  h->first[t->parts] = h->count;
  return ok;
}

static bool lay_out(holdings *h, const tables *t) {
  h->first = calloc((size_t)t->parts + 1, sizeof *h->first);
  h->held = calloc((size_t)t->n, sizeof *h->held);
  return h->first && h->held;
}

static sg_status read_matrix(tables *t, holdings *h, const sg_values *values, sg_error *e) {
  const sg_matrix *matrix = sg_matrix_of(values, "matrix");
  int n = t->n;
  if (matrix->rows != n)
    return sg_fail_at(e, values, "matrix", "expected a row for each of n = %d workers, found %d", n,
                      matrix->rows);
  t->parts = matrix->columns;
  const double *number = matrix->number;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < t->parts; j++, number++)
      if (*number != 0 && *number != 1)
        return sg_fail_at(e, values, "matrix", "expected 0 or 1 in row %d, column %d, found %g",
                          i + 1, j + 1, *number);
  bool ok = lay_out(h, t);
  for (int j = 0; ok && j < t->parts; j++) {
    h->first[j] = h->count;
    for (int i = 0; ok && i < n; i++)
      if (matrix->number[(size_t)i * (size_t)t->parts + (size_t)j] == 1) ok = add_holder(h, i);
  }
  if (!ok) return sg_fail_memory(e);
  h->first[t->parts] = h->count;
  return SG_OK;
}

/* Reads the placement, and least: how many workers hold a part at least. */
static sg_status read_placement(sg_code *code, tables *t, holdings *h, const sg_values *values,
                                int *least, sg_error *e) {
  int placement = sg_choice(values, "placement"), n = t->n;
  static const char *const not_with[] = {"replication", "replication_max", "parts"};
  if (sg_given(values, "matrix") != (placement == MATRIX))
    return sg_fail_at(e, values, "matrix",
                      placement == MATRIX
                          ? "expected the name of a CSV file, n rows of a 0 or 1 for "
                            "each part, with placement matrix, found nothing"
                          : "expected a matrix only with placement matrix, found "
                            "another placement");
  for (int i = 0; i < 3; i++)
    if (placement == MATRIX && sg_given(values, not_with[i]))
      return sg_fail_at(e, values, not_with[i],
                        "expected no %s with placement matrix, which says it, found one",
                        not_with[i]);
  if (placement == MATRIX) {
    sg_status status = read_matrix(t, h, values, e);
    *least = n;
    for (int j = 0; !status && j < t->parts; j++) {
      int r = (int)(h->first[j + 1] - h->first[j]);
      if (r < *least) *least = r;
    }
    return status;
  }
  long low = t->s + (sg_given(values, "m") ? sg_int(values, "m") : 1);
  if (sg_given(values, "replication")) low = sg_int(values, "replication");
  if (low > n)
    return sg_fail_at(e, values, sg_given(values, "replication") ? "replication" : "m",
                      "expected a replication of at most n = %d, found %ld", n, low);
  long high = sg_given(values, "replication_max") ? sg_int(values, "replication_max") : low;
  if (high < low || high > n)
    return sg_fail_at(e, values, "replication_max",
                      "expected replication_max from replication = %ld to n = %d, found %ld", low,
                      n, high);
  t->parts = sg_given(values, "parts") ? (int)sg_int(values, "parts") : n;
  *least = (int)low;
  return lay_out(h, t) && construct(code, t, h, placement, (int)low, (int)high) ? SG_OK
                                                                                : sg_fail_memory(e);
}

/* --- Coefficients ----------------------------------------------------------------------------- */

static void count_entries(tables *t, const holdings *h) {
  memset(t->start, 0, ((size_t)t->n + 1) * sizeof *t->start);
  for (size_t k = 0; k < h->count; k++) t->start[h->holder[k] + 1]++;
  for (int i = 0; i < t->n; i++) t->start[i + 1] += t->start[i];
}

/* The coefficients of each part in turn: m numbers of each of its holders, into `own`. */
typedef sg_status coefficients(void *of, const holdings *h, int holders, const int *who,
                               double *own);

static sg_status fill(tables *t, const holdings *h, coefficients *find, void *of) {
  size_t m = (size_t)t->m, n = (size_t)t->n;
  SG_OWNED double *own = malloc(n * m * sizeof *own);
  SG_OWNED size_t *next = malloc(n * sizeof *next);
  if (!own || !next) return SG_NO_MEMORY;
  memcpy(next, t->start, n * sizeof *next);
  for (int j = 0; j < t->parts; j++) {
    const int *who = h->holder + h->first[j];
    int holders = (int)(h->first[j + 1] - h->first[j]);
    sg_status status = find(of, h, holders, who, own);
    if (status) return status;
    for (int k = 0; k < holders; k++) {
      size_t at = next[who[k]]++;
      t->part[at] = j;
      memcpy(t->coef + at * m, own + (size_t)k * m, m * sizeof *own);
    }
  }
  return SG_OK;
}

typedef struct rows {
  int n, r, m;
  double *v; /* r × n, column-major */
  double *block, *scratch;
  int *absent;
  lapack_int *pivots;
} rows;

/* Rows of B, times the columns of V of the workers that hold the part. */
static sg_status by_rows(void *of, const holdings *h, int holders, const int *who, double *own) {
  const rows *q = of;
  int count = 0, m = q->m, r = q->r;
  for (int k = 0; k < holders; k++) h->held[who[k]] = true;
  for (int i = 0; i < q->n; i++)
    if (!h->held[i]) q->absent[count++] = i;
  for (int k = 0; k < holders; k++) h->held[who[k]] = false;
  memset(q->block, 0, (size_t)m * (size_t)r * sizeof *q->block);
  sg_status status =
      sg_nulling_block(q->v, r, m, count, q->absent, q->block, q->scratch, q->pivots);
  for (int k = 0; !status && k < holders; k++)
    cblas_dgemv(CblasColMajor, CblasNoTrans, m, r, 1, q->block, m, q->v + who[k] * r, 1, 0,
                own + k * m, 1);
  return status;
}

static sg_status make_small(sg_code *code, tables *t, const holdings *h) {
  size_t n = (size_t)t->n, r = (size_t)(t->n - t->s), m = (size_t)t->m;
  SG_OWNED double *v = malloc(n * r * sizeof *v);
  SG_OWNED double *target = calloc(r * m, sizeof *target);
  SG_OWNED double *block = malloc(m * r * sizeof *block);
  SG_OWNED double *scratch = malloc((n * r + (n + 1) * m) * sizeof *scratch);
  SG_OWNED int *absent = malloc(n * sizeof *absent);
  SG_OWNED lapack_int *pivots = malloc((n + 1) * sizeof *pivots);
  if (!v || !target || !block || !scratch || !absent || !pivots) return SG_NO_MEMORY;
  sg_fill_gaussian(v, (int)r, t->n, (int)r, code->shape.seed);
  sg_status status = sg_orthonormal_rows((int)r, t->n, v, (int)r);
  rows q = {t->n, (int)r, t->m, v, block, scratch, absent, pivots};
  if (!status) status = fill(t, h, by_rows, &q);
  if (status) return status;
  for (size_t u = 0; u < m; u++) target[r - m + u + u * r] = 1;
  return sg_parity_new(code, (int)r, t->n, (int)r, t->m, v, target, &t->parity);
}

static sg_status by_null_space(void *of, const holdings *h, int holders, const int *who,
                               double *own) {
  return sg_nulling_coefficients(of, holders, who, own);
}

static sg_status make_large(sg_code *code, tables *t, const holdings *h) {
  sg_nulling q;
  int most = 0;
  for (int j = 0; j < t->parts; j++) {
    int r = (int)(h->first[j + 1] - h->first[j]);
    if (r > most) most = r;
  }
  sg_status status = sg_nulling_new(&q, t->n, t->s, t->m, most, code->shape.seed);
  if (!status) status = fill(t, h, by_null_space, &q);
  if (!status) status = sg_nulling_decoder(code, &q, &t->parity);
  sg_nulling_free(&q);
  return status;
}

static sg_status make(sg_code *code, tables *t, const holdings *h) {
  t->start = sg_code_alloc(code, (size_t)t->n + 1, sizeof *t->start);
  t->part = sg_code_alloc(code, h->count, sizeof *t->part);
  t->coef = sg_code_alloc(code, h->count * (size_t)t->m, sizeof *t->coef);
  if (!t->start || !t->part || !t->coef) return SG_NO_MEMORY;
  count_entries(t, h);
  return (sg_nulling_is_large(t->n, t->s, t->m) ? make_large : make_small)(code, t, h);
}

static sg_status create_with(sg_code *code, tables *t, holdings *h, const sg_values *values,
                             sg_error *e) {
  int n = t->n, s = t->s, least = n;
  sg_status status = read_placement(code, t, h, values, &least, e);
  if (status) return status;
  if (least <= s)
    return sg_fail_at(e, values, "s",
                      "expected s less than the least replication of a part, %d (0 to %d), found "
                      "%d",
                      least, least - 1, s);
  long m = sg_given(values, "m") ? sg_int(values, "m") : least - s;
  if (m > least - s)
    return sg_fail_at(e, values, "m",
                      "expected m ≤ least replication - s = %d (1 to %d), found %ld", least - s,
                      least - s, m);
  t->m = (int)m;
  code->parts = t->parts;
  code->promised = t->s;
  code->flags = SG_WEIGHTS_PURE;
  status = sg_code_one_segment(code, values, "m", t->m, n - t->s, e);
  return status ? status : sg_made_at_random(make(code, t, h), values, e);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->n = n;
  t->s = s;
  holdings h = {0};
  status = create_with(code, t, &h, values, e);
  free_holdings(&h);
  return status;
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  for (size_t at = t->start[message->from]; at < t->start[message->from + 1]; at++)
    for (int u = 0; u < t->m; u++)
      sg_row_part(row, t->part[at], u, t->coef[at * (size_t)t->m + (size_t)u]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  return sg_parity_weights(t->parity, used, 0, NULL);
}

const sg_code_type sg_arbitrary_placement = {
    .about = {.name = "arbitrary-placement",
              .brief = "any placement of the data",
              .summary = "Any placement of the data, each part on as many workers as one likes: "
                         "messages of 1/(r - s) of a gradient, r the least replication.",
              .reference = "Jahani-Nezhad, Maddah-Ali (2021), arXiv:2103.01589 (rate published); "
                           "construction after Ye, Abbe (ICML 2018), arXiv:1802.03475 (derived).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
