/* SPDX-License-Identifier: MIT */
/* Data sets in memory, rows in the order in which subsets cut them: dense, or sparse rows. */
#ifndef SG_MODELS_DATA_H
#define SG_MODELS_DATA_H

#include "sim/core/param.h"

#include <stdint.h>

/* The scenario's learning.data object: family by "source" (csv, gaussian-mixture), common members
 * test_share, standardize, intercept, shuffle. */
extern const sg_param sg_data_params[];
extern const sg_family sg_data_family;

/* Compressed rows: row i has value[start[i]] … value[start[i + 1] − 1] in columns that rise. */
typedef struct sg_csr {
  long *start;     /* rows + 1 */
  int32_t *column; /* 0 … columns − 1, none twice in a row */
  double *value;
} sg_csr;

typedef struct sg_data {
  long rows, test_rows; /* N training rows, then apart the test rows */
  long columns;         /* features; a constant 1 as the last column if intercept */
  bool intercept;
  bool outline; /* x, y and their like are NULL: the source makes them, and they were not wanted */
  double *x;    /* rows × columns, row-major, ld = columns, 64-byte aligned */
  /* Sparse data: x and test_x are NULL; the rows + test_rows rows, the training rows first. The
   * ones of an intercept, the last column, are implied. NULL: dense. */
  sg_csr *sparse;
  double *y;      /* rows: class index 0, 1, … or a real target */
  double *test_x; /* test_rows × columns */
  double *test_y;
  int classes;       /* number of distinct labels; 0: y is real */
  char **class_name; /* classes names, sorted */
  char *note;        /* a line for people about what the data look like; NULL: none */
} sg_data;

/* Reads or generates. Labels: real = true wants numbers (least squares), otherwise any strings.
 * Faults of a CSV are listed with file:line, all of them up to a limit. Standardisation uses the
 * training rows only. */
sg_status sg_data_new(const sg_values *data, bool real, uint64_t seed, sg_data **out, sg_error *e);
/* The same without generated rows; read ones are there. */
sg_status sg_data_outline(const sg_values *data, bool real, uint64_t seed, sg_data **out,
                          sg_error *e);
void sg_data_free(sg_data *data);

/* Where rows come from. A source fills data->x and data->y with all its rows in data->rows, and
 * classes and class_name. Memory of x and y comes from sg_data_allocate, after which the source
 * sets the features of row i from data->x + i · data->columns; data.c sees to the intercept. On
 * failure the caller frees. */
typedef struct sg_data_source {
  sg_variant about;
  bool generated; /* load leaves x and y out of an outline */
  sg_status (*load)(const sg_values *values, bool real, uint64_t seed, sg_data *data, sg_error *e);
} sg_data_source;

extern const sg_data_source sg_data_source_csv, sg_data_source_gaussian_mixture;

/* Sets rows and columns (features, and the intercept if data->intercept) and allocates x and y, but
 * for an outline. */
sg_status sg_data_allocate(sg_data *data, long rows, long features, sg_error *e);

#endif
