/* SPDX-License-Identifier: MIT */
/* Data sets in memory, rows in the order in which subsets cut them: dense, or sparse rows. */
#ifndef SG_MODELS_DATA_H
#define SG_MODELS_DATA_H

#include "sim/core/param.h"

#include <stddef.h>
#include <stdint.h>

/* The scenario's learning.data object: family by "source" (csv, gaussian-mixture, libsvm,
 * sparse-text), common members test_share, standardize, intercept, shuffle, storage. */
extern const sg_param sg_data_params[];
extern const sg_family sg_data_family;

/* Compressed rows: row i has value[start[i]] … value[start[i + 1] − 1] in columns that rise. */
typedef struct sg_csr {
  long *start;     /* rows + 1 */
  int32_t *column; /* 0 … columns − 1, none twice in a row */
  double *value;
  size_t row_room, target_room, column_room, value_room; /* while rows are added */
} sg_csr;

typedef struct sg_data {
  long rows, test_rows; /* N training rows, then apart the test rows */
  long columns;         /* features; a constant 1 as the last column if intercept */
  bool intercept;
  bool float32; /* the storage that is wanted */
  bool outline; /* x, y and their like are NULL: the source makes them, and they were not wanted */
  double *x;    /* rows × columns, row-major, ld = columns, 64-byte aligned */
  /* storage float32: x and test_x are NULL, and these are the same rows, rounded once. */
  float *single, *test_single;
  /* Sparse data: x and test_x are NULL; the rows + test_rows rows, the training rows first. The
   * ones of an intercept, the last column, are implied. NULL: dense. In an outline its arrays are
   * NULL. */
  sg_csr *sparse;
  double entries; /* sparse: stored numbers of all rows; if generated, how many are expected, so
                     that an outline says the same */
  double *y;      /* rows: class index 0, 1, … or a real target */
  double *test_x; /* test_rows × columns */
  double *test_y;
  int classes;       /* number of distinct labels; 0: y is real */
  char **class_name; /* classes names, sorted */
  char *note;        /* a line for people about what the data look like; NULL: none */
} sg_data;

/* Reads or generates. Labels: real = true wants numbers (least squares), otherwise any strings.
 * Faults of a file are listed with file:line:column, all of them up to a limit. Standardisation
 * uses the training rows only; sparse columns are scaled to a mean square of 1, and not centred.
 * float32: SG_INVALID of sparse data, and of numbers beyond its range. */
sg_status sg_data_new(const sg_values *data, bool real, uint64_t seed, sg_data **out, sg_error *e);
/* The same without generated rows; read ones are there. */
sg_status sg_data_outline(const sg_values *data, bool real, uint64_t seed, sg_data **out,
                          sg_error *e);
void sg_data_free(sg_data *data);
/* Memory of the training rows without their targets. The same for an outline. */
double sg_data_bytes(const sg_data *data);
/* What there is more while they are made. */
double sg_data_making_bytes(const sg_data *data);

/* Where rows come from. A source fills data->x and data->y with all its rows in data->rows, and
 * classes and class_name. Memory of x and y comes from sg_data_allocate, after which the source
 * sets the features of row i from data->x + i · data->columns; data.c sees to the intercept. On
 * failure the caller frees. */
typedef struct sg_data_source {
  sg_variant about;
  bool generated; /* load leaves x and y out of an outline */
  sg_status (*load)(const sg_values *values, bool real, uint64_t seed, sg_data *data, sg_error *e);
} sg_data_source;

extern const sg_data_source sg_data_source_csv, sg_data_source_gaussian_mixture,
    sg_data_source_libsvm, sg_data_source_sparse_text;

/* Sets rows and columns (features, and the intercept if data->intercept) and allocates x and y, but
 * for an outline. */
sg_status sg_data_allocate(sg_data *data, long rows, long features, sg_error *e);

/* Sparse rows instead, one after another: sg_data_sparse, then sg_data_add_row, which appends a row
 * of n numbers in columns that rise (O(n), amortised), then sg_data_sparse_end, which gives back
 * the room that is left over and sets columns, and for what is read, `entries`. An outline of
 * generated data has the first and the last alone, and its source sets rows and entries. */
sg_status sg_data_sparse(sg_data *data, sg_error *e);
sg_status sg_data_add_row(sg_data *data, double y, long n, const int32_t *column,
                          const double *value, sg_error *e);
sg_status sg_data_sparse_end(sg_data *data, long features, sg_error *e);
enum { SG_FEATURES_MAX = INT32_MAX - 1 }; /* of sparse rows; an intercept has its column, too */

/* Labels that are numbers 0 … classes − 1 get names that sort as numbers do. */
sg_status sg_data_number_classes(sg_data *data, int classes, sg_error *e);

#endif
