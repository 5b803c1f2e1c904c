/* SPDX-License-Identifier: MIT */
/* Order statistics of completion times by a sample, made when it is first asked for. */
#include "sim/experiment/forecast.h"

#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_DRAWS = 100000, LEAST_DRAWS = 100, TIMES = 4000000 };
/* Iterations of a run that are drawn from where its workers have a past, whose length costs. */
enum { SHORT_PAST = 16 };

typedef struct order_means { /* of T_(1) … T_(n) */
  double work;
  double *mean, *inverse; /* one allocation */
} order_means;

typedef struct forecaster {
  sg_forecast forecast;
  sg_delay *delay;           /* with streams apart */
  long updates, first, span; /* draws are of iterations first … first + span − 1 */
  int workers;
  bool scales; /* one sample is enough for all works */
  order_means *known;
  int n_known, known_capacity;
} forecaster;

static int draws_for(int workers) {
  int draws = TIMES / workers;
  return draws > MOST_DRAWS ? MOST_DRAWS : draws < LEAST_DRAWS ? LEAST_DRAWS : draws;
}

/* The i-th draw of all workers' times: a run of its own, as some things last for a run. */
static bool draw(const forecaster *f, long i, double work, double *time) {
  uint32_t iteration = (uint32_t)(f->first + i % f->span);
  int draws = work < 1 ? 1 : (int)lround(work);
  bool fails = sg_delay_fails(f->delay);
  sg_delay_run *run = sg_delay_run_new(f->delay, (uint32_t)i);
  if (!run) return false;
  for (int w = 0; w < f->workers; w++) {
    double down = fails ? sg_delay_down(run, w, iteration) : 0;
    time[w] = sg_delay_seconds(run, w, iteration, 0, work, draws) + (isfinite(down) ? down : 0);
  }
  sg_delay_run_free(run);
  return true;
}

static bool make_means(const forecaster *f, order_means *m) {
  int n = f->workers, draws = draws_for(n);
  double *time = malloc((size_t)n * sizeof *time);
  m->mean = calloc(2 * (size_t)n, sizeof *m->mean);
  bool ok = time && m->mean;
  if (ok) m->inverse = m->mean + n;
  for (int i = 0; ok && i < draws; i++) {
    ok = draw(f, i, m->work, time);
    if (!ok) break;
    sg_sort_doubles(time, (size_t)n);
    for (int k = 0; k < n; k++) {
      m->mean[k] += time[k] / draws;
      m->inverse[k] += 1 / time[k] / draws;
    }
  }
  free(time);
  /* Of a sample everything has a mean. */
  sg_delay_tails tails = sg_delay_tails_of(f->delay, m->work);
  for (int k = 1; ok && k <= n; k++) {
    if ((n - k + 1) * tails.far <= 1 + 1e-9) m->mean[k - 1] = INFINITY;
    if (k * tails.near <= 1 + 1e-9) m->inverse[k - 1] = INFINITY;
  }
  return ok;
}

/* NULL: no memory. */
static const order_means *means_of(forecaster *f, double work) {
  for (int i = 0; i < f->n_known; i++)
    if (f->known[i].work == work) return &f->known[i];
  if (!SG_ROOM(f->known, f->known_capacity, f->n_known + 1)) return NULL;
  order_means *m = &f->known[f->n_known];
  *m = (order_means){.work = work};
  if (make_means(f, m)) {
    f->n_known++;
    return m;
  }
  free(m->mean);
  return NULL;
}

static double mean(void *of, double work, int k) {
  forecaster *f = of;
  const order_means *m = means_of(f, f->scales ? 1 : work);
  return !m ? NAN : f->scales ? m->mean[k - 1] * work : m->mean[k - 1];
}

static double inverse_mean(void *of, double work, int k) {
  forecaster *f = of;
  const order_means *m = means_of(f, f->scales ? 1 : work);
  return !m ? NAN : f->scales ? m->inverse[k - 1] / work : m->inverse[k - 1];
}

bool sg_forecast_draw(const sg_forecast *forecast, double work, long first, int count,
                      double *times) {
  const forecaster *f = forecast->of;
  for (int i = 0; i < count; i++)
    if (!draw(f, MOST_DRAWS + first + i, work, times + (size_t)i * (size_t)f->workers))
      return false;
  return true;
}

static bool samples(void *of, double work, int count, double *times) {
  const forecaster *f = of;
  return sg_forecast_draw(&f->forecast, work, 0, count, times);
}

static double straggling(void *of, int worker) {
  const forecaster *f = of;
  return sg_delay_loses(f->delay, worker, f->updates);
}

const sg_forecast *sg_forecast_new(const sg_delay *delay, long updates) {
  forecaster *f = calloc(1, sizeof *f);
  if (f) f->delay = sg_delay_apart(delay);
  if (!f || !f->delay) {
    free(f);
    return NULL;
  }
  sg_delay_causes has = sg_delay_causes_of(delay);
  f->updates = updates;
  f->workers = sg_delay_workers(delay);
  f->scales = sg_delay_scales(delay);
  f->span = updates < MOST_DRAWS ? updates : MOST_DRAWS;
  if ((has.memory || has.crashes) && updates > 1) { /* the first iteration knows no crash */
    f->first = 1;
    f->span = updates - 1 < SHORT_PAST ? updates - 1 : SHORT_PAST;
  }
  f->forecast = (sg_forecast){.of = f,
                              .mean = mean,
                              .inverse_mean = inverse_mean,
                              .samples = samples,
                              .straggling = straggling};
  return &f->forecast;
}

void sg_forecast_free(const sg_forecast *forecast) {
  if (!forecast) return;
  forecaster *f = forecast->of;
  for (int i = 0; i < f->n_known; i++) free(f->known[i].mean);
  free(f->known);
  free(f->delay);
  free(f);
}
