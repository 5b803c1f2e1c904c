/* SPDX-License-Identifier: MIT */
/* Gradient codes for any placement of the data, with unequal replication (Jahani-Nezhad &
 * Maddah-Ali 2021).
 *
 * Part j is held by r_j workers, r = min r_j. Any s stragglers are tolerated with messages of
 * 1/m = 1/(r − s) of a gradient, which is optimal. As in Ye and Abbe's random construction, V
 * ((n − s) × n) is random, here with orthonormal rows, and the m rows of B for part j are [X_j | I]
 * with X_j such that B V vanishes at the workers without part j. These are n − r_j ≤ n − s − m
 * equations in n − s − m unknowns, of which the solution of minimum norm is taken. (rate published;
 * construction derived)
 *
 * The placement is one of several constructions or a matrix from a file. */
#include "codes/tools/gaussian.h"
#include "codes/tools/nulling.h"
#include "codes/tools/parity.h"
#include "codes/tools/rules.h"
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
  unsigned char *held; /* parts × n, row by row */
  int *start;          /* n + 1: where worker i's entries begin */
  int *part;           /* of each entry */
  double *coef;        /* entries × m */
  double *v;           /* (n − s) × n, column-major */
  const sg_parity *parity;
} tables;

/* --- Placement -------------------------------------------------------------------------------- */

/* The r workers with the least load for their speed get the part; ties go by the order of a random
 * number each, or by number. */
static void give_least_loaded(const sg_code *code, tables *t, int j, int r, bool by_speed,
                              double *load, uint64_t seed) {
  sg_stream stream;
  unsigned char *held = t->held + (size_t)j * (size_t)t->n;
  sg_stream_at(&stream, seed, 0, SG_FOR_CODE, (uint32_t)j, 1, 0);
  double *rank = load + t->n;
  for (int i = 0; i < t->n; i++)
    rank[i] = by_speed ? (load[i] + 1) / code->shape.speed[i] : load[i] + sg_uniform(&stream) / 2;
  for (int k = 0; k < r; k++) {
    int best = -1;
    for (int i = 0; i < t->n; i++)
      if (!held[i] && (best < 0 || rank[i] < rank[best])) best = i;
    held[best] = 1;
    load[best]++;
  }
}

static sg_status construct(sg_code *code, tables *t, int placement, int least, int most,
                           uint64_t seed, sg_error *e) {
  int n = t->n;
  SG_OWNED double *load = calloc(2 * (size_t)n, sizeof *load);
  if (!load) return sg_fail_memory(e);
  for (int j = 0; j < t->parts; j++) {
    int r = least + j % (most - least + 1);
    if (placement == CYCLIC) {
      int first = (int)((long)j * n / t->parts);
      for (int k = 0; k < r; k++) t->held[(size_t)j * (size_t)n + (size_t)((first + k) % n)] = 1;
      continue;
    }
    if (placement == RANDOM) {
      sg_stream stream;
      sg_stream_at(&stream, seed, 0, SG_FOR_CODE, (uint32_t)j, 2, 0);
      r = least + (int)(sg_uniform(&stream) * (most - least + 1));
    }
    give_least_loaded(code, t, j, r, placement == BY_SPEED, load, seed);
  }
  return SG_OK;
}

static sg_status read_matrix(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  const sg_matrix *matrix = sg_matrix_of(values, "matrix");
  int n = t->n;
  if (matrix->rows != n)
    return sg_fail_at(e, values, "matrix", "expected a row for each of n = %d workers, found %d", n,
                      matrix->rows);
  t->parts = matrix->columns;
  t->held = sg_code_alloc(code, (size_t)n * (size_t)t->parts, 1);
  if (!t->held) return sg_fail_memory(e);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < t->parts; j++) {
      double x = matrix->number[(size_t)i * (size_t)t->parts + (size_t)j];
      if (x != 0 && x != 1)
        return sg_fail_at(e, values, "matrix", "expected 0 or 1 in row %d, column %d, found %g",
                          i + 1, j + 1, x);
      t->held[(size_t)j * (size_t)n + (size_t)i] = x == 1;
    }
  return SG_OK;
}

/* Reads the placement, and least: how many workers hold a part at least. */
static sg_status read_placement(sg_code *code, tables *t, const sg_values *values, int *least,
                                sg_error *e) {
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
    sg_status status = read_matrix(code, t, values, e);
    *least = n;
    for (int j = 0; !status && j < t->parts; j++) {
      int r = 0;
      for (int i = 0; i < n; i++) r += t->held[(size_t)j * (size_t)n + (size_t)i];
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
  t->held = sg_code_alloc(code, (size_t)n * (size_t)t->parts, 1);
  if (!t->held) return sg_fail_memory(e);
  *least = (int)low;
  return construct(code, t, placement, (int)low, (int)high, code->shape.seed, e);
}

/* --- Coefficients ----------------------------------------------------------------------------- */

static int count_entries(tables *t) {
  int entries = 0;
  for (int i = 0; i < t->n; i++) {
    t->start[i] = entries;
    for (int j = 0; j < t->parts; j++) entries += t->held[(size_t)j * (size_t)t->n + (size_t)i];
  }
  return t->start[t->n] = entries;
}

/* Rows of B of each part, times the columns of V of the workers that hold it. */
static sg_status fill_coefficients(tables *t) {
  int n = t->n, r = n - t->s, m = t->m;
  size_t size = (size_t)n, mr = (size_t)m * (size_t)r;
  SG_OWNED double *block = malloc(mr * sizeof *block);
  SG_OWNED double *scratch = malloc((size * (size_t)r + (size + 1) * (size_t)m) * sizeof *scratch);
  SG_OWNED int *absent = malloc(size * sizeof *absent), *next = malloc(size * sizeof *next);
  SG_OWNED lapack_int *pivots = malloc((size + 1) * sizeof *pivots);
  if (!block || !scratch || !absent || !next || !pivots) return SG_NO_MEMORY;
  memcpy(next, t->start, size * sizeof *next);
  for (int j = 0; j < t->parts; j++) {
    const unsigned char *held = t->held + (size_t)j * size;
    int count = 0;
    for (int i = 0; i < n; i++)
      if (!held[i]) absent[count++] = i;
    memset(block, 0, mr * sizeof *block);
    sg_status status = sg_nulling_block(t->v, r, m, count, absent, block, scratch, pivots);
    if (status) return status;
    for (int i = 0; i < n; i++) {
      if (!held[i]) continue;
      int at = next[i]++;
      t->part[at] = j;
      cblas_dgemv(CblasColMajor, CblasNoTrans, m, r, 1, block, m, t->v + i * r, 1, 0,
                  t->coef + (size_t)at * (size_t)m, 1);
    }
  }
  return SG_OK;
}

static sg_status make(sg_code *code, tables *t) {
  size_t n = (size_t)t->n, r = (size_t)(t->n - t->s), m = (size_t)t->m;
  t->start = sg_code_alloc(code, n + 1, sizeof *t->start);
  if (!t->start) return SG_NO_MEMORY;
  size_t entries = (size_t)count_entries(t);
  t->part = sg_code_alloc(code, entries, sizeof *t->part);
  t->coef = sg_code_alloc(code, entries * m, sizeof *t->coef);
  t->v = sg_code_alloc(code, n * r, sizeof *t->v);
  double *target = sg_code_alloc(code, r * m, sizeof *target);
  if (!t->part || !t->coef || !t->v || !target) return SG_NO_MEMORY;
  sg_fill_gaussian(t->v, (int)r, t->n, (int)r, code->shape.seed);
  sg_status status = sg_orthonormal_rows((int)r, t->n, t->v, (int)r);
  if (!status) status = fill_coefficients(t);
  if (status) return status;
  for (size_t u = 0; u < m; u++) target[r - m + u + u * r] = 1;
  return sg_parity_new(code, (int)r, t->n, (int)r, t->m, t->v, target, &t->parity);
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, least = n, s = 0;
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  t->n = n;
  t->s = s;
  status = read_placement(code, t, values, &least, e);
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
  if (status) return status;
  return sg_made_at_random(make(code, t), values, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  for (int at = t->start[message->from]; at < t->start[message->from + 1]; at++)
    for (int u = 0; u < t->m; u++)
      sg_row_part(row, t->part[at], u, t->coef[(size_t)at * (size_t)t->m + (size_t)u]);
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
