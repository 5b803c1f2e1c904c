/* SPDX-License-Identifier: MIT */
/* Folds the rows of a run into its summary as columns.def says; what is more than the fold of one
 * column (quantiles, shares of sums, the target) is computed here by name. */
#include "sim/experiment/tally.h"

#include "results/answers/statistics.h"
#include "sim/core/array.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct worker_sum {
  double compute, arrival;
  long computed, arrived, used, cancelled;
} worker_sum;

/* One member for each column of `iteration` that a run keeps (columns.def). */
typedef struct kept {
#define SG_FOLDED(type, name, ...) double name;
#include "results/columns.def"
} kept;

struct sg_tally {
  int workers, models;
  double *duration; /* of every iteration, for quantiles */
  size_t rows, capacity;
  int64_t through_ingress;
  kept value, known; /* sums or largest of what is known; how many are known */
  kept *last;        /* per model, of the columns that are kept so */
  double end_s, busy, wasted, ingress_busy, broadcast;
  sg_summary_record total; /* made at the end, but for counts and the target */
  worker_sum *worker;      /* NULL without worker rows */
  sg_worker_summary_record *summary;
};

sg_tally *sg_tally_new(int workers, int models, bool worker_rows) {
  sg_tally *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->workers = workers;
  t->models = models;
  t->last = malloc((size_t)models * sizeof *t->last);
  if (!t->last) {
    sg_tally_free(t);
    return NULL;
  }
  for (int i = 0; i < models; i++)
    t->last[i] = (kept){
#define SG_FOLDED(type, name, ...) .name = NAN,
#include "results/columns.def"
    };
  t->total = sg_summary_blank;
  t->total.iterations_to_target = -1;
  if (worker_rows) {
    t->worker = calloc((size_t)workers, sizeof *t->worker);
    t->summary = calloc((size_t)workers, sizeof *t->summary);
    if (!t->worker || !t->summary) {
      sg_tally_free(t);
      return NULL;
    }
  }
  return t;
}

void sg_tally_free(sg_tally *t) {
  if (!t) return;
  free(t->duration);
  free(t->last);
  free(t->worker);
  free(t->summary);
  free(t);
}

static void add_workers(sg_tally *t, int n, const sg_worker_record *row) {
  for (int i = 0; i < n; i++) {
    worker_sum *w = &t->worker[row[i].worker];
    if (!isnan(row[i].compute_s)) {
      w->compute += row[i].compute_s;
      w->computed++;
    }
    if (!isnan(row[i].arrival_s)) {
      w->arrival += row[i].arrival_s;
      w->arrived++;
    }
    w->used += row[i].used;
    w->cancelled += row[i].cancelled;
  }
}

/* One more known number x of a column; t->value: 0 before the first. */
#define FOLD_MEAN(name, x)     t->value.name += x
#define FOLD_SUM               FOLD_MEAN
#define FOLD_MAX(name, x)      t->value.name = t->known.name == 0 ? x : fmax(t->value.name, x)
#define FOLD_LAST_MAX(name, x) t->last[r->model].name = x
#define FOLD_LAST_MIN          FOLD_LAST_MAX
#define END_MEAN(name)         (t->known.name > 0 ? t->value.name / t->known.name : NAN)
#define END_SUM(name)          (t->known.name > 0 ? t->value.name : NAN)
#define END_MAX                END_SUM
#define END_LAST_MAX(name)     of_models(t, offsetof(kept, name), fmax)
#define END_LAST_MIN(name)     of_models(t, offsetof(kept, name), fmin)

static double of_models(const sg_tally *t, size_t place, double (*of)(double, double)) {
  double x = NAN;
  for (int i = 0; i < t->models; i++) {
    double last;
    memcpy(&last, (const char *)&t->last[i] + place, sizeof last);
    x = of(x, last);
  }
  return x;
}

static void fold(sg_tally *t, const sg_iteration_record *r) {
#define SG_FOLDED(type, name, unit, meaning, over_run, ...)                                        \
  if (!isnan((double)r->name)) {                                                                   \
    FOLD_##over_run(name, (double)r->name);                                                        \
    t->known.name++;                                                                               \
  }
#include "results/columns.def"
}

bool sg_tally_row(sg_tally *t, const sg_iteration_record *r, int n,
                  const sg_worker_record *worker) {
  if (!SG_ROOM(t->duration, t->capacity, t->rows + 1)) return false;
  t->duration[t->rows++] = r->duration_s;
  t->end_s = r->start_s + r->duration_s;
  fold(t, r);
  t->busy += r->busy_s;
  t->wasted += r->wasted_s;
  t->broadcast += r->bytes_broadcast;
  t->ingress_busy += r->ingress_busy_s;
  t->through_ingress += r->ingress_messages;
  t->total.undecodable_iters += !r->decoded;
  if (t->worker) add_workers(t, n, worker);
  return true;
}

void sg_tally_target(sg_tally *t, const sg_iteration_record *row, long updates) {
  t->total.time_to_target_s = (row->start_s + row->duration_s) / t->models;
  t->total.iterations_to_target = updates;
  /* The row itself comes later. */
  t->total.bits_to_target = t->value.bits + row->bits;
  t->total.bytes_to_target =
      t->value.bytes_sent + t->broadcast + row->bytes_sent + row->bytes_broadcast;
  t->total.busy_to_target_s = t->busy + row->busy_s;
  t->total.samples_to_target = t->value.samples_used + row->samples_used;
}

static void durations(sg_tally *t) {
  sg_summary_record *s = &t->total;
  const double *x = t->duration;
  size_t n = t->rows;
  if (n == 0) return;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < n; i++) sum += x[i];
  s->iter_mean_s = sum / (double)n;
  for (size_t i = 0; i < n; i++) squares += (x[i] - s->iter_mean_s) * (x[i] - s->iter_mean_s);
  if (n > 1) s->iter_sd_s = sqrt(squares / (double)(n - 1));
  sg_sort_doubles(t->duration, n);
  s->iter_min_s = x[0];
  s->iter_max_s = x[n - 1];
  s->iter_p50_s = sg_quantile(x, n, 0.5);
  s->iter_p90_s = sg_quantile(x, n, 0.9);
  s->iter_p99_s = sg_quantile(x, n, 0.99);
}

sg_time_group_record *sg_tally_times(const sg_tally *t, int *n) {
  size_t count = 0, rank = 0;
  for (size_t i = 0; i < t->rows; i += sg_group_size(i, t->rows)) count++;
  sg_time_group_record *group = !count ? NULL : calloc(count, sizeof *group);
  *n = group ? (int)count : 0;
  for (int k = 0; k < *n; k++) {
    size_t size = sg_group_size(rank, t->rows);
    double sum = 0;
    for (size_t i = 0; i < size; i++) sum += t->duration[rank + i];
    group[k] = (sg_time_group_record){k, (int64_t)size, sum / (double)size};
    rank += size;
  }
  return group;
}

void sg_tally_finish(sg_tally *t, sg_run_row *run, sg_summary_record *summary) {
  double time = t->end_s > 0 ? t->end_s : NAN;
  sg_summary_record *s = &t->total;
  durations(t);
#define SG_FOLDED(type, name, unit, meaning, over_run, kept, ...) s->kept = END_##over_run(name);
#include "results/columns.def"
  s->queued_per_message_s =
      t->through_ingress ? t->value.queued_s / (double)t->through_ingress : NAN;
  s->ingress_busy_share = t->ingress_busy / time;
  s->worker_busy_share = t->busy / (t->workers * time);
  s->wasted_work_share = t->busy > 0 ? t->wasted / t->busy : NAN;
  s->worker_seconds_per_iter = t->workers * s->iter_mean_s;
  s->busy_s_per_iter = t->rows ? t->busy / (double)t->rows : NAN;
  s->samples_per_iter = t->known.samples_used > 0 ? t->value.samples_used / (double)t->rows : NAN;
  *summary = *s;
  run->iterations = (int64_t)t->rows;
  run->sim_time_s = t->end_s;
}

const sg_worker_summary_record *sg_tally_workers(sg_tally *t, const double *speeds, int *n) {
  *n = t->worker ? t->workers : 0;
  double rows = t->rows ? (double)t->rows : NAN;
  for (int i = 0; i < *n; i++) {
    const worker_sum *w = &t->worker[i];
    t->summary[i] = (sg_worker_summary_record){
        .worker = i,
        .speed = speeds[i],
        .compute_mean_s = w->computed ? w->compute / (double)w->computed : NAN,
        .arrival_mean_s = w->arrived ? w->arrival / (double)w->arrived : NAN,
        .used_share = (double)w->used / rows,
        .cancelled_share = (double)w->cancelled / rows};
  }
  return t->summary;
}
