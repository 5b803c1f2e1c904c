/* SPDX-License-Identifier: MIT */
/* Generated data: one Gaussian cloud of unit covariance per class.
 *
 * The class means stand on orthogonal axes of random direction, all at the same distance from one
 * another. For least squares the target is linear in the features, with noise. */
#include "models/learning/data.h"
#include "sim/core/random.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

/* What a stream of SG_FOR_DATA is for: its `worker`. */
enum { DIRECTIONS, WEIGHTS, ROWS };
enum { CHUNK = 1 << 15 }; /* numbers taken from one stream */

static const sg_param params[] = {
    SG_ROW_INT("rows", 2, 1e9, "number of rows, training and test together", .flags = SG_REQUIRED),
    SG_ROW_INT("features", 1, 1e9, "number of features", .flags = SG_REQUIRED),
    SG_ROW_INT("classes", 2, 1000, "number of classes, at most the number of features",
               .fallback = 2),
    SG_ROW_REAL("separation", 0, SG_UNBOUNDED,
                "distance between class means in standard deviations", .fallback = 1),
    SG_ROW_REAL("label_noise", 0, 1, "share of rows whose label is drawn anew at random"),
    SG_ROW_REAL("target_noise", 0, SG_UNBOUNDED,
                "least squares: standard deviation of the noise of the target", .fallback = 0.1),
    {0}};

/* n standard normals of the address (what, index). */
static void normals(uint64_t seed, uint32_t what, long index, long n, double *out) {
  for (long c = 0; c < n; c += CHUNK) {
    sg_stream s;
    sg_stream_at(&s, seed, 0, SG_FOR_DATA, what, (uint32_t)index, (uint32_t)(c / CHUNK));
    for (long i = c; i < n && i < c + CHUNK; i++) out[i] = gsl_ran_gaussian_ziggurat(&s.rng, 1);
  }
}

/* classes × features: random orthogonal vectors of length separation/√2 (Gram–Schmidt, twice). */
static void class_means(uint64_t seed, int classes, long features, double separation, double *u) {
  for (int c = 0; c < classes; c++) {
    double *v = u + c * features, length = 0;
    normals(seed, DIRECTIONS, c, features, v);
    for (int b = 0; b < 2 * c; b++) {
      const double *w = u + b % c * features;
      double dot = 0;
      for (long i = 0; i < features; i++) dot += v[i] * w[i];
      for (long i = 0; i < features; i++) v[i] -= dot * w[i];
    }
    for (long i = 0; i < features; i++) length += v[i] * v[i];
    for (long i = 0; i < features; i++) v[i] /= sqrt(length);
  }
  for (long i = 0; i < classes * features; i++) u[i] *= separation / M_SQRT2;
}

static sg_status load(const sg_values *values, bool real, uint64_t seed, sg_data *data,
                      sg_error *e) {
  long rows = sg_int(values, "rows"), features = sg_int(values, "features");
  int classes = (int)sg_int(values, "classes");
  double noise = sg_real(values, "label_noise"), target_noise = sg_real(values, "target_noise");
  if (classes > features)
    return sg_fail_at(e, values, "classes", "expected at most features = %ld classes, found %d",
                      features, classes);
  sg_status status = sg_data_allocate(data, rows, features, e);
  if (!status && !real) status = sg_data_number_classes(data, classes, e);
  if (status || data->outline) return status;
  double *mean = malloc((size_t)(classes + 1) * (size_t)features * sizeof *mean);
  if (!mean) return sg_fail_memory(e);
  double *weight = mean + classes * features;
  class_means(seed, classes, features, sg_real(values, "separation"), mean);
  normals(seed, WEIGHTS, 0, features, weight);
  for (long i = 0; i < rows; i++) {
    double *x = data->x + i * data->columns, target = 0;
    int c = (int)(i % classes);
    normals(seed, ROWS, i, features, x);
    for (long j = 0; j < features; j++) x[j] += mean[c * features + j];
    sg_stream s;
    sg_stream_at(&s, seed, 0, SG_FOR_DATA, ROWS, (uint32_t)i, SG_MAX_DRAWS - 1);
    if (real) {
      for (long j = 0; j < features; j++) target += x[j] * weight[j];
      data->y[i] =
          target / sqrt((double)features) + gsl_ran_gaussian_ziggurat(&s.rng, target_noise);
    } else {
      bool anew = sg_uniform(&s) < noise;
      data->y[i] = anew ? floor(sg_uniform(&s) * classes) : c;
    }
  }
  free(mean);
  return SG_OK;
}

const sg_data_source sg_data_source_gaussian_mixture = {
    .about = {.name = "gaussian-mixture",
              .summary = "generated: a Gaussian cloud per class",
              .params = params},
    .generated = true,
    .load = load};
