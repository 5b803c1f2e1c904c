/* SPDX-License-Identifier: MIT */
/* Data sets: the table of sources, the order of rows, the split, standardisation. */
#include "models/learning/data.h"
#include "models/learning/internal.h"
#include "sim/core/linalg.h"
#include "sim/core/memory.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const sg_data_source *const sources[] = {&sg_data_source_csv,
                                                &sg_data_source_gaussian_mixture};

static const sg_variant *variant_at(int i) {
  return i >= 0 && i < (int)(sizeof sources / sizeof *sources) ? &sources[i]->about : NULL;
}

const sg_family sg_data_family = {.selector = "source", .what = "data source", .at = variant_at};

const sg_param sg_data_params[] = {
    SG_ROW_REAL("test_share", 0, 1, "share of the rows kept for testing", .fallback = 0.2,
                .flags = SG_MAX_OPEN),
    SG_ROW("standardize", SG_BOOL,
           "bring every column to mean 0 and variance 1 over the training rows; constant columns "
           "become 0",
           .fallback = 1),
    SG_ROW("intercept", SG_BOOL, "add a column of ones, not regularised", .fallback = 1),
    SG_ROW("shuffle", SG_BOOL, "put the rows in random order before the split", .fallback = 1),
    {0}};

sg_status sg_data_allocate(sg_data *data, long rows, long features, sg_error *e) {
  data->rows = rows;
  data->columns = features + (data->intercept ? 1 : 0);
  if (data->outline) return SG_OK;
  data->x = sg_large_array((size_t)rows * (size_t)data->columns, sizeof(double));
  data->y = malloc((size_t)rows * sizeof(double));
  if (data->x && data->y) return SG_OK;
  return sg_fail_room(e, "the data", (double)rows * (double)(data->columns + 1) * sizeof(double));
}

/* Fisher–Yates, by the seed alone. */
static void shuffle(sg_data *data, uint64_t seed) {
  enum { CHUNK = 1 << 16 }; /* numbers taken from one stream */
  sg_stream stream;
  for (long i = data->rows - 1, taken = 0; i > 0; i--, taken++) {
    if (taken % CHUNK == 0)
      sg_stream_at(&stream, seed, 0, SG_FOR_SPLIT, 0, (uint32_t)(taken / CHUNK), 0);
    long j = (long)(sg_uniform(&stream) * (double)(i + 1));
    if (j == i) continue;
    cblas_dswap((int)data->columns, data->x + i * data->columns, 1, data->x + j * data->columns, 1);
    cblas_dswap(1, data->y + i, 1, data->y + j, 1);
  }
}

/* Training rows come first; test rows follow in the same memory. */
static sg_status split(sg_data *data, const sg_values *values, sg_error *e) {
  long all = data->rows;
  data->test_rows = (long)floor(sg_real(values, "test_share") * (double)all + 0.5);
  data->rows = all - data->test_rows;
  if (!data->outline) {
    data->test_x = data->x + data->rows * data->columns;
    data->test_y = data->y + data->rows;
  }
  if (data->rows < 1)
    return sg_fail_at(e, values, "test_share", "expected training rows, none of %ld is left", all);
  return SG_OK;
}

/* Brings columns whose squares would overflow, or vanish, to about 1 by powers of two, which
 * standardised values do not show. largest: `features` zeros. */
static void tame(sg_data *data, long features, double *largest) {
  const long rows = data->rows + data->test_rows;
  for (long i = 0; i < rows; i++)
    for (long j = 0; j < features; j++)
      largest[j] = fmax(largest[j], fabs(data->x[i * data->columns + j]));
  for (long j = 0; j < features; j++) {
    if (largest[j] == 0 || (largest[j] < 0x1p400 && largest[j] > 0x1p-400)) continue;
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

static sg_status standardize(sg_data *data, sg_error *e) {
  long features = data->columns - (data->intercept ? 1 : 0);
  double *mean = calloc(2 * (size_t)features + 1, sizeof *mean), *deviation = mean + features;
  if (!mean) return sg_fail_memory(e);
  tame(data, features, mean);
  memset(mean, 0, (size_t)features * sizeof *mean);
  moments(data, features, mean, deviation);
  for (long i = 0; i < data->rows + data->test_rows; i++)
    for (long j = 0; j < features; j++) {
      double *x = data->x + i * data->columns + j;
      *x = deviation[j] > 0 ? (*x - mean[j]) / deviation[j] : 0;
    }
  free(mean);
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
  sg_status status = source->load(values, real, seed, data, e);
  if (!status && !data->outline && sg_bool(values, "shuffle")) shuffle(data, seed);
  if (!status) status = split(data, values, e);
  if (!status && !data->outline && sg_bool(values, "standardize")) status = standardize(data, e);
  if (status) {
    sg_data_free(data);
    return status;
  }
  for (long i = 0; data->intercept && !data->outline && i < data->rows + data->test_rows; i++)
    data->x[(i + 1) * data->columns - 1] = 1;
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
  free(data->y);
  for (int c = 0; data->class_name && c < data->classes; c++) free(data->class_name[c]);
  free(data->class_name);
  free(data->note);
  free(data);
}
