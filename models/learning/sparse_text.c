/* SPDX-License-Identifier: MIT */
/* Generated sparse data that look like a bag of words.
 *
 * How often word j stands in a row is a Poisson number of rate r_j = min(c / (j + 1)^a, 50), so
 * that popularity falls as Zipf says, the popular words in the first columns. c is chosen such that
 * the expected share of numbers that are not 0 is the density: the mean of 1 − e^(−r_j). A word
 * that is there k times has the value (1 + ln k) · (1 + ln(1 / (1 − e^(−r_j)))), its frequency
 * times its inverse document frequency, and each row has length 1.
 *
 * Labels follow a linear model of normal weights, one vector per class: the class of the largest
 * score, scores counted from those of a mean row, so that no class takes all rows.
 *
 * A row is drawn by skips, not column by column: from column j on, where the rates fall, it is
 * E / r_j columns (E exponential) to the next one of a process of rate r_j, which is taken with the
 * probability (1 − e^(−r_k)) / (1 − e^(−r_j)). O(numbers that are not 0). */
#include "models/learning/data.h"
#include "sim/core/elementary.h"
#include "sim/core/memory.h"
#include "sim/core/random.h"

#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

/* What a stream of SG_FOR_DATA is for: its `worker`. */
enum { WEIGHTS = 1, ROWS };
enum { CHUNK = 1 << 15 }; /* numbers, or candidates of a row, taken from one stream */
enum { MOST_OFTEN = 255 };
static const double most_rate = 50; /* a word that is nowhere missing: e^-50 is nothing */

static const sg_param params[] = {
    SG_ROW_INT("rows", 2, 1e9, "number of rows, training and test together", .flags = SG_REQUIRED),
    SG_ROW_INT("features", 1, SG_FEATURES_MAX, "number of features", .flags = SG_REQUIRED),
    SG_ROW_REAL("density", 0, 1, "expected share of the numbers that are not 0", .fallback = 0.01,
                .flags = SG_MIN_OPEN | SG_MAX_OPEN),
    SG_ROW_REAL(
        "zipf", 0, 4,
        "how steeply the popularity of the columns falls: the rate of column j = 0, 1, … is "
        "proportional to (j + 1) to the power of minus this; 0: all are alike",
        .fallback = 1),
    SG_ROW_INT("classes", 2, 1000, "number of classes", .fallback = 2),
    SG_ROW_REAL("label_noise", 0, 1, "share of rows whose label is drawn anew at random"),
    SG_ROW_REAL("target_noise", 0, SG_UNBOUNDED,
                "least squares: standard deviation of the noise of the target", .fallback = 0.1),
    {0}};

typedef struct text {
  long rows, features;
  int outputs;     /* weight vectors */
  double *rate;    /* features, falling */
  double *present; /* 1 − e^(−rate) */
  double *idf;
  double *weight; /* outputs × features */
  double *centre; /* outputs: the score of a mean row */
  int32_t *column;
  double *value; /* features: of the row being made */
} text;

/* 1 − e^(−r) without cancellation: for small r the series. */
static double presence(double r) {
  return r < 1e-4 ? r * (1 - r / 2 * (1 - r / 3)) : 1 - sg_exp(-r);
}

/* Rates for this c; the sum of what is present. popularity: (j + 1)^−a. */
static double set_rates(text *t, const double *popularity, double c) {
  double sum = 0;
  for (long j = 0; j < t->features; j++) {
    t->rate[j] = fmin(c * popularity[j], most_rate);
    t->present[j] = presence(t->rate[j]);
    sum += t->present[j];
  }
  return sum;
}

/* Bisection on the logarithm of c; the sum rises with it. */
static void find_rates(text *t, double zipf, double density) {
  enum { STEPS = 48 }; /* 150 / 2^48: as exact as doubles of this size nearly are */
  const double wanted = density * (double)t->features;
  double low = -50, high = 100, *popularity = t->idf;
  for (long j = 0; j < t->features; j++) popularity[j] = sg_exp(-zipf * sg_log((double)(j + 1)));
  for (int i = 0; i < STEPS; i++) {
    double middle = (low + high) / 2;
    if (set_rates(t, popularity, sg_exp(middle)) < wanted)
      low = middle;
    else
      high = middle;
  }
  set_rates(t, popularity, sg_exp(high));
  for (long j = 0; j < t->features; j++) t->idf[j] = 1 - sg_log(t->present[j]);
}

static void draw_weights(text *t, uint64_t seed) {
  for (int o = 0; o < t->outputs; o++)
    for (long c = 0; c < t->features; c += CHUNK) {
      sg_stream s;
      sg_stream_at(&s, seed, 0, SG_FOR_DATA, WEIGHTS, (uint32_t)o, (uint32_t)(c / CHUNK));
      for (long j = c; j < t->features && j < c + CHUNK; j++)
        t->weight[o * t->features + j] = gsl_ran_gaussian_ziggurat(&s.rng, 1);
    }
}

/* About what a mean row scores: it need not be exact, it is part of the model. */
static void find_centre(text *t) {
  double square = 0;
  for (long j = 0; j < t->features; j++) {
    double value = t->idf[j] * (1 + sg_log(t->rate[j] / t->present[j]));
    square += t->present[j] * value * value;
    for (int o = 0; o < t->outputs; o++)
      t->centre[o] += t->present[j] * value * t->weight[o * t->features + j];
  }
  for (int o = 0; o < t->outputs; o++) t->centre[o] /= sqrt(square);
}

/* How often a word stands in a row that has it: Poisson, but not 0, by inversion of u. */
static int often(double rate, double present, double u) {
  double share = rate * sg_exp(-rate) / present;
  int k = 1;
  while (u >= share && k < MOST_OFTEN) {
    u -= share;
    share *= rate / ++k;
  }
  return k;
}

/* The numbers of row i, as long as 1; returns how many. */
static long draw_row(text *t, uint64_t seed, long i) {
  long n = 0, j = 0;
  double square = 0;
  sg_stream s;
  for (long candidate = 0; j < t->features; candidate++) {
    if (candidate % CHUNK == 0)
      sg_stream_at(&s, seed, 0, SG_FOR_DATA, ROWS, (uint32_t)i, (uint32_t)(candidate / CHUNK));
    double skip = floor(sg_exponential(&s, 1) / t->rate[j]), bound = t->present[j];
    if (skip >= (double)(t->features - j)) break;
    j += (long)skip;
    if (sg_uniform(&s) * bound < t->present[j]) {
      int k = often(t->rate[j], t->present[j], sg_uniform(&s));
      t->column[n] = (int32_t)j;
      t->value[n] = (1 + sg_log(k)) * t->idf[j];
      square += t->value[n] * t->value[n];
      n++;
    }
    j++;
  }
  double length = sqrt(square);
  for (long k = 0; k < n; k++) t->value[k] /= length;
  return n;
}

static double score(const text *t, int o, long n) {
  const double *w = t->weight + o * t->features;
  double sum = 0;
  for (long k = 0; k < n; k++) sum += t->value[k] * w[t->column[k]];
  return sum - t->centre[o];
}

/* The label, or target, of row i, whose n numbers were drawn. */
static double label(const text *t, const sg_values *values, bool real, uint64_t seed, long i,
                    long n) {
  sg_stream s;
  sg_stream_at(&s, seed, 0, SG_FOR_DATA, ROWS, (uint32_t)i, SG_MAX_DRAWS - 1);
  if (real)
    return score(t, 0, n) + gsl_ran_gaussian_ziggurat(&s.rng, sg_real(values, "target_noise"));
  if (sg_uniform(&s) < sg_real(values, "label_noise")) return floor(sg_uniform(&s) * t->outputs);
  int best = 0;
  double most = -INFINITY;
  for (int o = 0; o < t->outputs; o++) {
    double found = score(t, o, n);
    if (found > most) best = o, most = found;
  }
  return best;
}

static sg_status make(text *t, const sg_values *values, bool real, uint64_t seed, sg_data *data,
                      sg_error *e) {
  sg_status status = SG_OK;
  find_rates(t, sg_real(values, "zipf"), sg_real(values, "density"));
  draw_weights(t, seed);
  find_centre(t);
  for (long i = 0; !status && i < t->rows; i++) {
    long n = draw_row(t, seed, i);
    double y = label(t, values, real, seed, i, n);
    status = sg_data_add_row(data, y, n, t->column, t->value, e);
  }
  return status;
}

static sg_status load(const sg_values *values, bool real, uint64_t seed, sg_data *data,
                      sg_error *e) {
  int classes = (int)sg_int(values, "classes");
  text t = {.rows = sg_int(values, "rows"),
            .features = sg_int(values, "features"),
            .outputs = real ? 1 : classes};
  sg_status status = sg_data_sparse(data, e);
  data->entries = (double)t.rows * (double)t.features * sg_real(values, "density");
  if (!status && !real) status = sg_data_number_classes(data, classes, e);
  if (status) return status;
  if (data->outline) {
    data->rows = t.rows;
    return sg_data_sparse_end(data, t.features, e);
  }
  const size_t features = (size_t)t.features, numbers = (size_t)t.outputs + 4;
  double *room = malloc(features * numbers * sizeof *room);
  t.centre = calloc((size_t)t.outputs, sizeof *t.centre);
  t.column = malloc(features * sizeof *t.column);
  if (room && t.centre && t.column) {
    t.rate = room;
    t.present = room + features;
    t.idf = room + 2 * features;
    t.value = room + 3 * features;
    t.weight = room + 4 * features;
    status = make(&t, values, real, seed, data, e);
  } else
    status = sg_fail_room(e, "the model of the data", (double)features * 8.0 * (double)numbers);
  free(room);
  free(t.centre);
  free(t.column);
  return status ? status : sg_data_sparse_end(data, t.features, e);
}

const sg_data_source sg_data_source_sparse_text = {
    .about = {.name = "sparse-text",
              .summary = "generated: sparse rows that look like a bag of words",
              .params = params},
    .generated = true,
    .load = load};
