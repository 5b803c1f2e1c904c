/* SPDX-License-Identifier: MIT */
/* Whether workers differ for good, or one changes for good, beyond what their memory makes of equal
 * ones.
 *
 * Each worker's times are cut into stretches. Once those are long beside its memory, whatever that
 * is, their means are as good as independent: given to the workers at random they say what chance
 * makes of the workers' means, put in another order what it makes of their course. How much
 * neighbouring stretches are still alike is measured, and counts against a finding; where they are
 * too much alike the trace is too short to tell. */
#include "sim/fit/rectangle.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

enum { FEWEST_STRETCHES = FIT_MOST_STRETCHES / 2 };

typedef struct stretches {
  int count, columns;
  double *mean, *work;  /* count × columns: deviations from the worker's mean; workspace */
  double *level;        /* columns: the workers' means, of mean 0 */
  double square;        /* of the deviations, all together */
  int turning;          /* the worker whose course is least like chance */
  double course, grown; /* how far that goes; the variance of a mean, relative to independence */
} stretches;

static void take_means(const fit_data *d, int count, stretches *s) {
  int n = d->columns;
  double mean = 0;
  s->count = count;
  s->square = 0;
  for (int b = 0; b < count; b++) {
    long first = b * d->rows / count, last = (b + 1) * d->rows / count;
    for (int w = 0; w < n; w++) {
      double sum = 0;
      for (long i = first; i < last; i++) sum += d->y[fit_at(d, i, w)] - d->row[i];
      s->mean[b * n + w] = sum / (double)(last - first);
    }
  }
  for (int w = 0; w < n; w++) {
    s->level[w] = 0;
    for (int b = 0; b < count; b++) s->level[w] += s->mean[b * n + w] / count;
    for (int b = 0; b < count; b++) {
      double z = s->mean[b * n + w] -= s->level[w];
      s->square += z * z;
    }
    mean += s->level[w] / n;
  }
  for (int w = 0; w < n; w++) s->level[w] -= mean;
}

/* The largest cumulated sum of a worker's deviations. */
static double course_of(const stretches *s, const double *mean, int worker) {
  double sum = 0, most = 0;
  for (int b = 0; b < s->count; b++) {
    sum += mean[b * s->columns + worker];
    most = fmax(most, fabs(sum));
  }
  return most;
}

static double most_of(const stretches *s, const double *mean, int *worker) {
  double most = -1;
  for (int w = 0; w < s->columns; w++) {
    double x = course_of(s, mean, w);
    if (x <= most) continue;
    most = x;
    *worker = w;
  }
  return most;
}

/* The correlation of neighbouring stretches, free of the bias of deviations from an own mean to
 * first order. The worker that may have changed is left out: its change is no memory, nor is what
 * that leaves in the others by way of the mean of all. */
static double alike(const stretches *s) {
  int n = s->columns, left_out = n > 3 ? s->turning : -1;
  double product = 0, square = 0, c = 1.0 / s->count, kept = left_out < 0 ? n : n - 1;
  for (int b = 0; b < s->count; b++) {
    double mean = 0, *z = &s->work[b * n];
    for (int w = 0; w < n; w++) mean += w == left_out ? 0 : s->mean[b * n + w] / kept;
    for (int w = 0; w < n; w++) {
      z[w] = w == left_out ? 0 : s->mean[b * n + w] - mean;
      square += z[w] * z[w];
      if (b) product += z[w] * z[w - n] * s->count / (s->count - 1);
    }
  }
  double q = square > 0 ? product / square : 0;
  return (q * (1 - c) + c) / (1 - 2 * c * (1 - q));
}

static void test_workers(const fit_data *d, const stretches *s, double total, sg_fit_structure *f) {
  int n = s->columns;
  double a = n - 1, between = 0, rest = a * (s->count - 1) / s->grown;
  f->persistent_p = NAN;
  if (n < 2) return;
  for (int w = 0; w < n; w++) between += s->level[w] * s->level[w];
  f->level_error = sqrt(s->square * s->grown / (a * (s->count - 1) * s->count));
  if (s->square > 0)
    f->persistent_p =
        gsl_cdf_fdist_Q(between / a / (f->level_error * f->level_error), a, fmax(1, rest));
  for (int p = 0; p < FIT_PERMUTATIONS; p++) {
    sg_stream g;
    double sum = 0;
    for (int b = 0; b < s->count; b++) {
      fit_stream(d, &g, FIT_OF_WORKERS, p, b);
      for (int w = 0; w < n; w++) s->work[b * n + w] = s->mean[b * n + w] + s->level[w];
      fit_shuffle(&s->work[b * n], n, 1, &g);
    }
    for (int w = 0; w < n; w++) {
      double mean = 0;
      for (int b = 0; b < s->count; b++) mean += s->work[b * n + w] / s->count;
      sum += mean * mean;
    }
    d->value[p] = total > 0 ? sum * (double)d->rows * s->grown / total : 0;
  }
  fit_finish_effect(d->value, FIT_PERMUTATIONS, &f->worker);
}

static void test_change(const fit_data *d, const stretches *s, sg_fit_structure *f) {
  int above = 0, ignored, n = s->columns;
  if (n < 3) return;
  memcpy(s->work, s->mean, (size_t)(n * s->count) * sizeof *s->work);
  for (int p = 0; p < FIT_PERMUTATIONS; p++) {
    sg_stream g;
    for (int w = 0; w < n; w++) {
      fit_stream(d, &g, FIT_OF_CHANGE, p, w);
      fit_shuffle(&s->work[w], s->count, n, &g);
    }
    above += most_of(s, s->work, &ignored) * sqrt(s->grown) >= s->course;
  }
  f->change_p = (1.0 + above) / (1 + FIT_PERMUTATIONS);
  f->change_worker = s->turning;
  double sum = 0, most = -1, before = 0, after = 0;
  for (long i = 0; i + 1 < d->rows; i++) {
    sum += d->z[fit_at(d, i, s->turning)];
    if (fabs(sum) <= most) continue;
    most = fabs(sum);
    f->change_at = i + 1;
  }
  for (long i = 0; i < d->rows; i++)
    *(i < f->change_at ? &before : &after) += d->z[fit_at(d, i, s->turning)];
  f->change_ratio = exp(after / (double)(d->rows - f->change_at) - before / (double)f->change_at);
}

void fit_levels(const fit_data *d, double total, sg_fit_structure *f) {
  size_t room = (size_t)FIT_MOST_STRETCHES * (size_t)d->columns;
  stretches s = {.columns = d->columns,
                 .mean = d->scratch,
                 .work = d->scratch + room,
                 .level = d->scratch + 2 * room};
  f->worker.p = f->worker.chance = f->persistent_p = f->change_p = f->level_error = NAN;
  f->change_worker = -1;
  f->settled = false;
  int most = d->rows < FIT_MOST_STRETCHES ? FEWEST_STRETCHES : FIT_MOST_STRETCHES;
  for (int count = most; count >= FEWEST_STRETCHES && count <= d->rows; count /= 2) {
    take_means(d, count, &s);
    s.course = most_of(&s, s.mean, &s.turning);
    double rho = alike(&s); /* counted as 1 + 2 ρ, which holds for memories of 0.4 stretches */
    f->settled = !(rho > (count > FEWEST_STRETCHES ? 0.2 : 0.3));
    if (!f->settled) continue;
    /* Where there is memory, something for the error of that: too little is a false finding. */
    double error = f->memory.p < 0.01 ? 1.5 / sqrt(fmax(1, d->columns - 1) * count) : 0;
    s.grown = 1 + 2 * fmax(0, rho + error);
    test_workers(d, &s, total, f);
    test_change(d, &s, f);
    return;
  }
}
