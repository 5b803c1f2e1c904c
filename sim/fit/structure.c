/* SPDX-License-Identifier: MIT */
/* Analysis of a rectangle of times into workers, iterations, memory and stalls. */
#include "sim/fit/rectangle.h"

#include "models/times/trace.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Times moved for one test: by chance, by turning. */
#define MOST_SHUFFLED 2e7
#define MOST_TURNED   1e8

enum { FEWEST_RECOVERIES = 10 };

double fit_median(size_t n, double *x) {
  sg_sort_doubles(x, n);
  return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

int fit_permutations(double work, double most) {
  return (int)fmin(fmax(most / work, FIT_FEWEST), FIT_PERMUTATIONS);
}

void fit_stream(const fit_data *d, sg_stream *s, int kind, int replicate, long part) {
  sg_stream_at(s, d->seed, (uint32_t)kind, SG_FOR_BOOTSTRAP, (uint32_t)part, (uint32_t)replicate,
               0);
}

void fit_shuffle(double *x, long n, long stride, sg_stream *s) {
  for (long i = n - 1; i > 0; i--) {
    long j = (long)(sg_uniform(s) * (double)(i + 1));
    double swapped = x[i * stride];
    x[i * stride] = x[j * stride];
    x[j * stride] = swapped;
  }
}

void fit_finish_effect(double *value, int count, sg_fit_effect *f) {
  int above = 0;
  for (int i = 0; i < count; i++) above += value[i] >= f->value;
  f->p = (1.0 + above) / (1 + count);
  sg_sort_doubles(value, (size_t)count);
  f->chance = value[(int)(0.95 * count)];
}

/* --- Two-way analysis ------------------------------------------------------------------------- */

/* Effects of rows and columns, the mean, and sums of squares {columns, rows, residual}. */
static double effects(const fit_data *d, double square[3]) {
  double mean = 0, *row = d->row, *column = d->column;
  for (size_t k = 0; k < d->cells; k++) mean += d->y[k];
  mean /= (double)d->cells;
  for (int w = 0; w < d->columns; w++) column[w] = 0;
  for (long i = 0; i < d->rows; i++) {
    double sum = 0;
    for (int w = 0; w < d->columns; w++) {
      double z = d->y[fit_at(d, i, w)] - mean;
      sum += z;
      column[w] += z;
    }
    row[i] = sum / d->columns;
  }
  square[0] = square[1] = square[2] = 0;
  for (int w = 0; w < d->columns; w++) {
    column[w] /= (double)d->rows;
    square[0] += (double)d->rows * column[w] * column[w];
  }
  for (long i = 0; i < d->rows; i++) {
    square[1] += d->columns * row[i] * row[i];
    for (int w = 0; w < d->columns; w++) {
      double z = d->y[fit_at(d, i, w)] - mean - row[i] - column[w];
      square[2] += z * z;
    }
  }
  return mean;
}

static void add(long n, const double *x, double *sum) {
  for (long i = 0; i < n; i++) sum[i] += x[i];
}

/* The share of the iterations when it is chance which times of different workers are of the same
 * one. Each worker's times are turned, each by a random number of iterations: that keeps its memory
 * and its law. */
static void test_iterations(const fit_data *d, double mean, double total, sg_fit_effect *f) {
  long rows = d->rows;
  double *x = d->scratch, *sum = x + d->cells;
  int count = fit_permutations((double)d->cells, MOST_TURNED);
  for (int w = 0; w < d->columns; w++)
    for (long i = 0; i < rows; i++) x[w * rows + i] = d->y[fit_at(d, i, w)] - mean;
  for (int p = 0; p < count; p++) {
    sg_stream g;
    double squares = 0;
    memset(sum, 0, (size_t)rows * sizeof *sum);
    for (int w = 0; w < d->columns; w++) {
      if (w % 65536 == 0) fit_stream(d, &g, FIT_OF_ITERATIONS, p, w / 65536);
      long turn = (long)(sg_uniform(&g) * (double)rows);
      add(rows - turn, &x[w * rows + turn], sum);
      add(turn, &x[w * rows], sum + rows - turn);
    }
    for (long i = 0; i < rows; i++) squares += sum[i] * sum[i];
    d->value[p] = total > 0 ? squares / d->columns / total : 0;
  }
  fit_finish_effect(d->value, count, f);
}

/* Σ over columns of Σ z(i) z(i−1), over Σ z², rows taken in the given order. */
static double lag_one(long rows, int columns, const double *z, const long *order) {
  double product = 0, square = 0;
  for (long i = 0; i < rows; i++) {
    const double *now = &z[order[i] * columns], *before = i ? &z[order[i - 1] * columns] : NULL;
    for (int w = 0; w < columns; w++) {
      square += now[w] * now[w];
      if (before) product += now[w] * before[w];
    }
  }
  return square > 0 ? product / square : 0;
}

/* Of the workers' residuals, and of the iterations. */
static void test_memory(const fit_data *d, sg_fit_structure *s) {
  long *order = d->order;
  int count = fit_permutations((double)d->cells, MOST_SHUFFLED);
  double *value = d->value, *of_all = value + FIT_PERMUTATIONS;
  for (long i = 0; i < d->rows; i++) order[i] = i;
  s->memory.value = lag_one(d->rows, d->columns, d->z, order);
  s->common_memory.value = lag_one(d->rows, 1, d->row, order);
  for (int p = 0; p < count; p++) {
    sg_stream g;
    for (long i = d->rows - 1, drawn = 0; i > 0; i--, drawn++) {
      if (drawn % 65536 == 0) fit_stream(d, &g, FIT_OF_MEMORY, p, drawn / 65536);
      long j = (long)(sg_uniform(&g) * (double)(i + 1)), swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    value[p] = lag_one(d->rows, d->columns, d->z, order);
    of_all[p] = lag_one(d->rows, 1, d->row, order);
  }
  fit_finish_effect(value, count, &s->memory);
  fit_finish_effect(of_all, count, &s->common_memory);
}

static double correlation(int n, const double *x, const double *y) {
  double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
  for (int i = 0; i < n; i++) mx += x[i] / n, my += y[i] / n;
  for (int i = 0; i < n; i++) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : NAN;
}

/* Of the workers' means in the first half with those in the second. */
static double halves(const fit_data *d) {
  double *first = d->scratch, *second = first + d->columns;
  if (d->columns < 2 || d->rows < 4) return NAN;
  memset(first, 0, 2 * (size_t)d->columns * sizeof *first);
  for (long i = 0; i < d->rows; i++)
    for (int w = 0; w < d->columns; w++)
      (i < d->rows / 2 ? first : second)[w] += d->y[fit_at(d, i, w)] - d->row[i];
  for (int w = 0; w < d->columns; w++) {
    first[w] /= (double)(d->rows / 2);
    second[w] /= (double)(d->rows - d->rows / 2);
  }
  return correlation(d->columns, first, second);
}

/* --- All -------------------------------------------------------------------------------------- */

static double equal_rows(const fit_data *d) {
  long equal = 0;
  for (long i = 0; i < d->rows; i++) {
    double least = INFINITY, most = 0;
    for (int w = 0; w < d->columns; w++) {
      double x = d->x[fit_at(d, i, w)];
      least = fmin(least, x);
      most = fmax(most, x);
    }
    equal += most <= 1.01 * least;
  }
  return d->columns > 1 ? (double)equal / (double)d->rows : 0;
}

static double positive_root(double variance) {
  return variance > 0 ? sqrt(variance) : 0;
}

static void take_factors(const fit_data *d, const double *square, sg_fit_structure *s) {
  double columns = d->columns, rows = (double)d->rows, sum = 0;
  double error = d->columns > 1 && d->rows > 1 ? square[2] / ((columns - 1) * (rows - 1)) : 0;
  s->residual_sd = sqrt(error);
  s->worker_sd = d->columns > 1 ? positive_root((square[0] / (columns - 1) - error) / rows) : 0;
  s->iteration_sd = d->rows > 1 ? positive_root((square[1] / (rows - 1) - error) / columns) : 0;
  for (int w = 0; w < d->columns; w++) sum += exp(d->column[w]);
  for (int w = 0; w < d->columns; w++) s->factor[w] = exp(d->column[w]) * columns / sum;
  for (long i = 0; i < d->rows; i++) s->common[i] = exp(d->row[i]);
  for (long i = 0; i < d->rows; i++)
    for (int w = 0; w < d->columns; w++)
      s->residual[fit_at(d, i, w)] = d->x[fit_at(d, i, w)] / s->factor[w] / s->common[i];
}

/* What is left of y without the mean and those effects. */
static void take_residuals(const fit_data *d, double mean, bool rows, bool columns) {
  for (long i = 0; i < d->rows; i++)
    for (int w = 0; w < d->columns; w++)
      d->z[fit_at(d, i, w)] =
          d->y[fit_at(d, i, w)] - mean - (rows ? d->row[i] : 0) - (columns ? d->column[w] : 0);
}

static sg_fit_parts parts_of(const sg_fit_structure *s) {
  return (sg_fit_parts){
      .persistent = s->worker.p < 0.01 && s->persistent_p < 0.01 && s->worker_sd > 0.02,
      .change = s->change_p < 0.01 && fabs(log(s->change_ratio)) > 0.1,
      .memory = s->memory.p < 0.01 && s->memory.value > 0.1 && s->residual_sd > 0.01,
      /* Turning is not quite what chance does where the memory is as long as the trace. */
      .common =
          s->iteration.p < (s->settled ? 0.01 : 0.003) && s->iteration_sd > 0.02 && s->workers > 2,
      .stalls = s->stalls > 0,
      .clustered = s->stalls > 0 && s->together_p < 0.01 && s->together > 1.2 * s->together_chance,
      .periodic = s->period_p < 0.01 && 2 * s->period_hits >= s->slow_rows};
}

/* false: no memory. */
static bool analyse(fit_data *d, sg_fit_structure *s) {
  double square[3];
  s->equal_rows = equal_rows(d);
  fit_stalls(d, s);
  double mean = effects(d, square), total = square[0] + square[1] + square[2];
  s->worker.value = total > 0 ? square[0] / total : 0;
  s->iteration.value = total > 0 ? square[1] / total : 0;
  test_iterations(d, mean, total, &s->iteration);
  take_residuals(d, mean, true, true);
  take_factors(d, square, s);
  test_memory(d, s);
  s->block = sg_block_length(d->rows, d->columns, d->y);
  s->halves = halves(d);
  fit_levels(d, total, s);
  fit_clustering(d, s);
  fit_period(d, s);
  fit_tail(d, s);
  s->parts = parts_of(s);
  if (s->parts.clustered) fit_groups(d, s);
  s->p_slow = s->p_recover = s->slowdown = NAN;
  if (s->parts.memory) { /* what is chance alone would take a part of the slow states with it */
    take_residuals(d, mean, s->iteration.p < 0.01, s->parts.persistent);
    fit_states(d, s->residual_sd, s);
  }
  bool seen = !s->parts.memory || s->recoveries >= FEWEST_RECOVERIES;
  if (!seen && !s->parts.change) s->settled = s->parts.persistent = false;
  s->stationary = seen && (s->settled || !s->parts.memory);
  return s->block > 0;
}

sg_status sg_fit_structure_new(long iterations, int workers, const double *x, uint64_t seed,
                               sg_fit_structure **out, sg_error *e) {
  size_t rows = (size_t)iterations, columns = (size_t)workers, cells = rows * columns;
  size_t scratch = cells + 4 * rows + (2 * FIT_MOST_STRETCHES + 1) * columns;
  double *work =
      malloc((2 * cells + scratch + rows + columns + 2 * FIT_PERMUTATIONS) * sizeof *work);
  long *order = malloc(2 * rows * sizeof *order);
  sg_fit_structure *s = calloc(1, sizeof *s);
  bool ok = work && order && s && (s->stalled = calloc(cells + rows, sizeof *s->stalled)) &&
            (s->group = calloc(columns, sizeof *s->group)) &&
            (s->factor = calloc(2 * cells + rows + columns, sizeof *s->factor));
  if (ok) {
    fit_data d = {.rows = iterations,
                  .columns = workers,
                  .cells = cells,
                  .x = x,
                  .order = order,
                  .seed = seed};
    d.y = work;
    d.z = d.y + cells;
    d.scratch = d.z + cells;
    d.row = d.scratch + scratch;
    d.column = d.row + rows;
    d.value = d.column + columns;
    s->workers = workers;
    s->slow_row = s->stalled + cells;
    s->iterations = iterations;
    s->residual = s->factor + columns;
    s->slow = s->residual + cells;
    s->common = s->slow + cells;
    ok = analyse(&d, s);
  }
  free(work);
  free(order);
  *out = ok ? s : NULL;
  if (ok) return SG_OK;
  sg_fit_structure_free(s);
  return sg_fail_memory(e);
}

void sg_fit_structure_free(sg_fit_structure *s) {
  if (!s) return;
  free(s->factor);
  free(s->stalled);
  free(s->group);
  free(s);
}
