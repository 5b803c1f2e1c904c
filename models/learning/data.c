/* SPDX-License-Identifier: MIT */
/* Data sets: the table of sources, the order of rows, the split, standardisation. */
#include "models/learning/data.h"
#include "models/learning/internal.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"
#include "sim/core/memory.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const sg_data_source *const sources[] = {
    &sg_data_source_csv, &sg_data_source_gaussian_mixture, &sg_data_source_libsvm,
    &sg_data_source_sparse_text};

static const sg_variant *variant_at(int i) {
  return i >= 0 && i < (int)(sizeof sources / sizeof *sources) ? &sources[i]->about : NULL;
}

const sg_family sg_data_family = {.selector = "source", .what = "data source", .at = variant_at};

static const char *const storages[] = {"float64", "float32", NULL};
enum { FLOAT32 = 1 };

const sg_param sg_data_params[] = {
    SG_ROW_REAL("test_share", 0, 1, "share of the rows kept for testing", .fallback = 0.2,
                .flags = SG_MAX_OPEN),
    SG_ROW("standardize", SG_BOOL,
           "bring every column to mean 0 and variance 1 over the training rows; constant columns "
           "become 0; columns of sparse data are only scaled, to a mean square of 1",
           .fallback = 1),
    SG_ROW("intercept", SG_BOOL, "add a column of ones, not regularised", .fallback = 1),
    SG_ROW("shuffle", SG_BOOL, "put the rows in random order before the split", .fallback = 1),
    SG_ROW_CHOICE("storage", storages, 0,
                  "how the numbers of dense rows stand in memory (none: float64); float32, half of "
                  "it, rounds each once, after standardisation, which makes another problem; "
                  "arithmetic is float64 all the same",
                  .flags = SG_OPTIONAL),
    {0}};

sg_status sg_data_allocate(sg_data *data, long rows, long features, sg_error *e) {
  data->rows = rows;
  data->columns = features + (data->intercept ? 1 : 0);
  if (data->outline) return SG_OK;
  data->x = sg_pages((size_t)rows * (size_t)data->columns, sizeof(double));
  data->y = malloc((size_t)rows * sizeof(double));
  if (data->x && data->y) return SG_OK;
  return sg_fail_room(e, "the data", (double)rows * (double)(data->columns + 1) * sizeof(double));
}

/* --- Sparse rows ------------------------------------------------------------------------------ */

sg_status sg_data_sparse(sg_data *data, sg_error *e) {
  data->sparse = calloc(1, sizeof *data->sparse);
  if (!data->sparse) return sg_fail_memory(e);
  sg_csr *m = data->sparse;
  if (data->outline) return SG_OK;
  if (!SG_ROOM(m->start, m->row_room, 1)) return sg_fail_memory(e);
  m->start[0] = 0;
  return SG_OK;
}

sg_status sg_data_add_row(sg_data *data, double y, long n, const int32_t *column,
                          const double *value, sg_error *e) {
  sg_csr *m = data->sparse;
  const long row = data->rows, at = m->start[row];
  if (!SG_ROOM(m->start, m->row_room, row + 2) || !SG_ROOM(data->y, m->target_room, row + 1) ||
      !SG_ROOM(m->column, m->column_room, at + n) || !SG_ROOM(m->value, m->value_room, at + n))
    return sg_fail_room(e, "the data", (double)(at + n) * (sizeof *column + sizeof *value));
  if (n > 0) {
    memcpy(m->column + at, column, (size_t)n * sizeof *column);
    memcpy(m->value + at, value, (size_t)n * sizeof *value);
  }
  m->start[row + 1] = at + n;
  data->y[row] = y;
  data->rows++;
  return SG_OK;
}

/* Less room, and never none; memory that cannot be given back is kept. */
static void *shrunk(void *array, size_t count, size_t size) {
  void *less = realloc(array, (count + !count) * size);
  return less ? less : array;
}

sg_status sg_data_sparse_end(sg_data *data, long features, sg_error *e) {
  sg_csr *m = data->sparse;
  data->columns = features + (data->intercept ? 1 : 0);
  if (data->outline) return SG_OK;
  const size_t rows = (size_t)data->rows, entries = (size_t)m->start[rows];
  m->start = shrunk(m->start, rows + 1, sizeof *m->start);
  data->y = shrunk(data->y, rows, sizeof *data->y);
  m->column = shrunk(m->column, entries, sizeof *m->column);
  m->value = shrunk(m->value, entries, sizeof *m->value);
  m->row_room = m->target_room = m->column_room = m->value_room = 0;
  if (data->entries == 0) data->entries = (double)entries;
  return m->start && data->y && m->column && m->value ? SG_OK : sg_fail_memory(e);
}

double sg_data_bytes(const sg_data *data) {
  const double rows = (double)data->rows, all = rows + (double)data->test_rows;
  if (!data->sparse)
    return rows * (double)data->columns * (data->float32 ? sizeof(float) : sizeof(double));
  return rows * sizeof(long) + data->entries * rows / all * (sizeof(double) + sizeof(int32_t));
}

double sg_data_making_bytes(const sg_data *data) {
  const double all = (double)(data->rows + data->test_rows) * (double)data->columns;
  return data->float32 ? all * sizeof(double) - sg_data_bytes(data) : 0;
}

sg_status sg_data_number_classes(sg_data *data, int classes, sg_error *e) {
  data->class_name = calloc((size_t)classes, sizeof *data->class_name);
  if (!data->class_name) return sg_fail_memory(e);
  data->classes = classes;
  int digits = snprintf(NULL, 0, "%d", classes - 1);
  for (int c = 0; c < classes; c++)
    if (asprintf(&data->class_name[c], "%0*d", digits, c) < 0) {
      data->class_name[c] = NULL;
      return sg_fail_memory(e);
    }
  return SG_OK;
}

/* --- The order of rows ------------------------------------------------------------------------ */

/* Rows i and j change places; order: those of sparse rows, which are moved when all is known. */
static void swap_rows(sg_data *data, long *order, long i, long j) {
  if (order) {
    const long row = order[i];
    order[i] = order[j];
    order[j] = row;
  } else
    cblas_dswap((int)data->columns, data->x + i * data->columns, 1, data->x + j * data->columns, 1);
  cblas_dswap(1, data->y + i, 1, data->y + j, 1);
}

/* Copies what each row has, `size` bytes a number, to the row's new place. */
static void *moved(const sg_csr *m, const long *order, long rows, const void *from, size_t size) {
  char *to = sg_pages((size_t)m->start[rows] + 1, size), *next = to;
  for (long i = 0; to && i < rows; i++) {
    const size_t bytes = (size_t)(m->start[order[i] + 1] - m->start[order[i]]) * size;
    memcpy(next, (const char *)from + (size_t)m->start[order[i]] * size, bytes);
    next += bytes;
  }
  return to;
}

/* Row i becomes what row order[i] was. One array after the other, so that a half of the rows is the
 * most that is there twice. order: rows + 1 numbers, which are used up. */
static bool move_rows(sg_csr *m, long *order, long rows) {
  void *value = moved(m, order, rows, m->value, sizeof *m->value);
  if (!value) return false;
  free(m->value);
  m->value = value;
  void *column = moved(m, order, rows, m->column, sizeof *m->column);
  if (!column) return false;
  free(m->column);
  m->column = column;
  for (long i = 0; i < rows; i++) order[i] = m->start[order[i] + 1] - m->start[order[i]];
  for (long i = 0; i < rows; i++) m->start[i + 1] = m->start[i] + order[i];
  return true;
}

/* Fisher–Yates, by the seed alone: the same order for sparse rows. */
static sg_status shuffle(sg_data *data, uint64_t seed, sg_error *e) {
  enum { CHUNK = 1 << 16 }; /* numbers taken from one stream */
  long *order = data->sparse ? malloc(((size_t)data->rows + 1) * sizeof *order) : NULL;
  if (data->sparse && !order) return sg_fail_memory(e);
  for (long i = 0; order && i < data->rows; i++) order[i] = i;
  sg_stream stream;
  for (long i = data->rows - 1, taken = 0; i > 0; i--, taken++) {
    if (taken % CHUNK == 0)
      sg_stream_at(&stream, seed, 0, SG_FOR_SPLIT, 0, (uint32_t)(taken / CHUNK), 0);
    long j = (long)(sg_uniform(&stream) * (double)(i + 1));
    if (j != i) swap_rows(data, order, i, j);
  }
  sg_status status = SG_OK;
  if (order && !move_rows(data->sparse, order, data->rows))
    status = sg_fail_room(e, "the order of the rows",
                          (double)data->sparse->start[data->rows] * sizeof(double));
  free(order);
  return status;
}

/* Training rows come first; test rows follow in the same memory. */
static sg_status split(sg_data *data, const sg_values *values, sg_error *e) {
  long all = data->rows;
  data->test_rows = (long)floor(sg_real(values, "test_share") * (double)all + 0.5);
  data->rows = all - data->test_rows;
  if (!data->outline) data->test_y = data->y + data->rows;
  if (data->x) data->test_x = data->x + data->rows * data->columns;
  if (data->rows < 1)
    return sg_fail_at(e, values, "test_share", "expected training rows, none of %ld is left", all);
  return SG_OK;
}

/* --- Standardisation -------------------------------------------------------------------------- */

/* Whether values of at most this have squares that overflow or vanish. */
static bool is_wild(double largest) {
  return largest > 0 && (largest >= 0x1p400 || largest <= 0x1p-400);
}

/* Brings columns whose squares would overflow, or vanish, to about 1 by powers of two, which
 * standardised values do not show. largest: `features` zeros. */
static void tame(sg_data *data, long features, double *largest) {
  const long rows = data->rows + data->test_rows;
  for (long i = 0; i < rows; i++)
    for (long j = 0; j < features; j++)
      largest[j] = fmax(largest[j], fabs(data->x[i * data->columns + j]));
  for (long j = 0; j < features; j++) {
    if (!is_wild(largest[j])) continue;
    const int exponent = ilogb(largest[j]);
    for (long i = 0; i < rows; i++) {
      double *x = data->x + i * data->columns + j;
      *x = scalbn(*x, -exponent);
    }
  }
}

/* mean, deviation: `features` values each. Two passes, so that large means do no harm. */
static void moments(const sg_data *data, long features, double *mean, double *deviation) {
  const double n = (double)data->rows;
  for (long i = 0; i < data->rows; i++)
    for (long j = 0; j < features; j++) mean[j] += data->x[i * data->columns + j];
  for (long j = 0; j < features; j++) mean[j] /= n;
  for (long i = 0; i < data->rows; i++)
    for (long j = 0; j < features; j++) {
      double d = data->x[i * data->columns + j] - mean[j];
      deviation[j] += d * d;
    }
  for (long j = 0; j < features; j++) {
    long i = 1;
    while (i < data->rows && data->x[i * data->columns + j] == data->x[j]) i++;
    /* A constant column has no deviation, whatever rounding left of it. */
    deviation[j] = i == data->rows ? 0 : sqrt(deviation[j] / n);
  }
}

static void standardize_dense(sg_data *data, long features, double *mean) {
  double *deviation = mean + features;
  tame(data, features, mean);
  memset(mean, 0, (size_t)features * sizeof *mean);
  moments(data, features, mean, deviation);
  for (long i = 0; i < data->rows + data->test_rows; i++)
    for (long j = 0; j < features; j++) {
      double *x = data->x + i * data->columns + j;
      *x = deviation[j] > 0 ? (*x - mean[j]) / deviation[j] : 0;
    }
}

static int compare_columns(const void *a, const void *b) {
  const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* The columns that have entries, ascending, each once; returns how many there are. */
static long columns_with_entries(const sg_csr *m, long entries, int32_t *column) {
  long count = 0;
  memcpy(column, m->column, (size_t)entries * sizeof *column);
  qsort(column, (size_t)entries, sizeof *column, compare_columns);
  for (long k = 0; k < entries; k++)
    if (count == 0 || column[k] != column[count - 1]) column[count++] = column[k];
  return count;
}

/* Zeros stay zeros, so nothing is centred. Columns are divided by the root of their mean square and
 * not by their deviation: without centring it is the mean square that stands on the diagonal of
 * XᵀX/N, so that one step size fits all columns; and a constant column stays what it is.
 * place[k] < places: where entry k's column stands in `largest`, two times as many zeros. */
static void scale_columns(sg_data *data, long places, const int32_t *place, double *largest) {
  const sg_csr *m = data->sparse;
  const long training = m->start[data->rows], all = m->start[data->rows + data->test_rows];
  double *square = largest + places;
  for (long k = 0; k < all; k++) largest[place[k]] = fmax(largest[place[k]], fabs(m->value[k]));
  for (long k = 0; k < all; k++)
    if (is_wild(largest[place[k]])) m->value[k] = scalbn(m->value[k], -ilogb(largest[place[k]]));
  for (long k = 0; k < training; k++) square[place[k]] += m->value[k] * m->value[k];
  for (long j = 0; j < places; j++) square[j] = sqrt(square[j] / (double)data->rows);
  for (long k = 0; k < all; k++) { /* a column that only test rows have says nothing */
    const double scale = square[place[k]];
    m->value[k] = scale > 0 ? m->value[k] / scale : 0;
  }
}

/* A small file may name a column of a large number: more columns than entries take no room. */
static sg_status standardize_sparse(sg_data *data, long features, sg_error *e) {
  const sg_csr *m = data->sparse;
  const long entries = m->start[data->rows + data->test_rows];
  const bool few = entries < features;
  SG_OWNED int32_t *made = few ? malloc(2 * (size_t)entries * sizeof *made + 1) : NULL;
  if (few && !made) return sg_fail_memory(e);
  long places = features;
  if (few) {
    const int32_t *column = made + entries;
    places = columns_with_entries(m, entries, made + entries);
    for (long k = 0; k < entries; k++)
      made[k] = (int32_t)((const int32_t *)bsearch(&m->column[k], column, (size_t)places,
                                                   sizeof *column, compare_columns) -
                          column);
  }
  SG_OWNED double *largest = calloc(2 * (size_t)places + 1, sizeof *largest);
  if (!largest) return sg_fail_memory(e);
  scale_columns(data, places, few ? made : m->column, largest);
  return SG_OK;
}

static sg_status standardize(sg_data *data, sg_error *e) {
  long features = data->columns - (data->intercept ? 1 : 0);
  if (data->sparse) return standardize_sparse(data, features, e);
  SG_OWNED double *scratch = calloc(2 * (size_t)features + 1, sizeof *scratch);
  if (!scratch) return sg_fail_memory(e);
  standardize_dense(data, features, scratch);
  return SG_OK;
}

/* --- float32 ---------------------------------------------------------------------------------- */

/* In place, so that nothing is there twice. */
static sg_status make_single(sg_data *data, const sg_values *values, sg_error *e) {
  const long count = (data->rows + data->test_rows) * data->columns;
  char *bytes = (char *)data->x;
  for (long i = 0; i < count; i++) {
    double number;
    memcpy(&number, bytes + i * (long)sizeof number, sizeof number);
    const float rounded = (float)number;
    if (isinf(rounded) && isfinite(number))
      return sg_fail_at(e, values, "storage",
                        "expected \"float64\" (or none) for data with %g, found \"float32\", whose "
                        "largest number is %g",
                        number, FLT_MAX);
    memcpy(bytes + i * (long)sizeof rounded, &rounded, sizeof rounded);
  }
  data->single = shrunk(data->x, (size_t)count, sizeof *data->single);
  data->test_single = data->single + data->rows * data->columns;
  data->x = data->test_x = NULL;
  return SG_OK;
}

static sg_status make(const sg_values *values, bool real, bool outline, uint64_t seed,
                      sg_data **out, sg_error *e) {
  *out = NULL;
  sg_data *data = calloc(1, sizeof *data);
  if (!data) return sg_fail_memory(e);
  data->intercept = sg_bool(values, "intercept");
  const sg_data_source *source =
      (const sg_data_source *)values->variant; /* `about` is its first member */
  data->outline = outline && source->generated;
  data->float32 = sg_given(values, "storage") && sg_choice(values, "storage") == FLOAT32;
  sg_status status = source->load(values, real, seed, data, e);
  if (!status && data->float32 && data->sparse)
    status = sg_fail_at(e, values, "storage",
                        "expected \"float64\" (or none) with sparse data, found \"float32\"");
  if (!status && !data->outline && sg_bool(values, "shuffle")) status = shuffle(data, seed, e);
  if (!status) status = split(data, values, e);
  const bool scaled = sg_bool(values, "standardize");
  if (!status && !data->outline && scaled) status = standardize(data, e);
  if (!status && data->sparse && scaled) { /* said of an outline, too */
    data->note = strdup("sparse data: columns are scaled to a mean square of 1, not centred\n");
    if (!data->note) status = sg_fail_memory(e);
  }
  for (long i = 0; !status && data->intercept && data->x && i < data->rows + data->test_rows; i++)
    data->x[(i + 1) * data->columns - 1] = 1;
  if (!status && data->float32 && data->x) status = make_single(data, values, e);
  if (status) {
    sg_data_free(data);
    return status;
  }
  *out = data;
  return SG_OK;
}

sg_status sg_data_new(const sg_values *values, bool real, uint64_t seed, sg_data **out,
                      sg_error *e) {
  return make(values, real, false, seed, out, e);
}

sg_status sg_data_outline(const sg_values *values, bool real, uint64_t seed, sg_data **out,
                          sg_error *e) {
  return make(values, real, true, seed, out, e);
}

void sg_data_free(sg_data *data) {
  if (!data) return;
  free(data->x);
  free(data->single);
  free(data->y);
  if (data->sparse) {
    free(data->sparse->start);
    free(data->sparse->column);
    free(data->sparse->value);
  }
  free(data->sparse);
  for (int c = 0; data->class_name && c < data->classes; c++) free(data->class_name[c]);
  free(data->class_name);
  free(data->note);
  free(data);
}
