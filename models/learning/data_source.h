/* SPDX-License-Identifier: MIT */
/* Where rows of data come from: what data.c asks of each source. */
#ifndef SG_MODELS_LEARNING_DATA_SOURCE_H
#define SG_MODELS_LEARNING_DATA_SOURCE_H

#include "models/learning/data.h"

/* A source fills data->x and data->y with all its rows in data->rows, and classes, class_name and
 * sha256. Memory of x and y comes from sg_data_allocate, after which the source sets the features
 * of row i from data->x + i · data->columns; data.c sees to the intercept. On failure the caller
 * frees. */
typedef struct sg_data_source {
  sg_variant about;
  sg_status (*load)(const sg_values *values, bool real, uint64_t seed, sg_data *data, sg_error *e);
} sg_data_source;

/* Sets rows and columns (features, and the intercept if data->intercept) and allocates x and y. */
sg_status sg_data_allocate(sg_data *data, long rows, long features, sg_error *e);

extern const sg_data_source sg_data_source_csv, sg_data_source_gaussian_mixture;

#endif
