/* SPDX-License-Identifier: MIT */
#include "sim/experiment/tally.h"

#include "results/statistics.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>

typedef struct worker_sum {
  double compute, arrival;
  long computed, arrived, used, cancelled;
} worker_sum;

struct sg_tally {
  int workers;
  double *duration; /* of every iteration, for quantiles */
  long rows, capacity;
  bool failed;
  double end_s, wait, decode, used, received, sent, busy, wasted, ingress_busy, queued,
      decoding_err;
  long decoding_errs, undecodable, decoded, through_ingress;
  sg_summary_record last; /* final and worst values as they come */
  worker_sum *worker;     /* NULL without worker rows */
  sg_worker_summary_record *summary;
};

static double worse(double a, double b) {
  return isnan(a) || b > a ? b : a;
}

sg_tally *sg_tally_new(int workers, bool worker_rows) {
  sg_tally *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->workers = workers;
  t->last = (sg_summary_record){.time_to_target_s = NAN,
                                .iterations_to_target = -1,
                                .final_loss = NAN,
                                .final_test_loss = NAN,
                                .final_accuracy = NAN,
                                .final_auc = NAN,
                                .grad_rel_err_max = NAN,
                                .grad_scaled_err_max = NAN,
                                .cond1_max = NAN,
                                .decode_amp_max = NAN};
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
  free(t->worker);
  free(t->summary);
  free(t);
}

static void keep_duration(sg_tally *t, double seconds) {
  if (t->rows == t->capacity) {
    long capacity = t->capacity ? 2 * t->capacity : 1024;
    double *grown = realloc(t->duration, (size_t)capacity * sizeof *grown);
    if (!grown) {
      t->failed = true; /* quantiles will be missing, the run is sound */
      return;
    }
    t->duration = grown;
    t->capacity = capacity;
  }
  t->duration[t->rows] = seconds;
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

void sg_tally_row(sg_tally *t, const sg_iteration_record *r, int n,
                  const sg_worker_record *worker) {
  keep_duration(t, r->duration_s);
  t->rows++;
  t->end_s = r->start_s + r->duration_s;
  t->wait += r->wait_s;
  t->decode += r->decode_s;
  t->used += r->n_used;
  t->received += r->bytes_received;
  t->sent += r->bytes_sent;
  t->busy += r->busy_s;
  t->wasted += r->wasted_s;
  t->ingress_busy += r->ingress_busy_s;
  t->queued += r->queued_s;
  t->through_ingress += r->ingress_messages;
  if (r->decoded)
    t->decoded++;
  else
    t->undecodable++;
  if (!isnan(r->decoding_err)) {
    t->decoding_err += r->decoding_err;
    t->decoding_errs++;
  }
  sg_summary_record *s = &t->last;
  if (!isnan(r->loss)) s->final_loss = r->loss;
  if (!isnan(r->test_loss)) s->final_test_loss = r->test_loss;
  if (!isnan(r->test_accuracy)) s->final_accuracy = r->test_accuracy;
  if (!isnan(r->test_auc)) s->final_auc = r->test_auc;
  s->grad_rel_err_max = worse(s->grad_rel_err_max, r->grad_rel_err);
  s->grad_scaled_err_max = worse(s->grad_scaled_err_max, r->grad_scaled_err);
  s->cond1_max = worse(s->cond1_max, r->cond1_est);
  s->decode_amp_max = worse(s->decode_amp_max, r->decode_amp);
  if (t->worker) add_workers(t, n, worker);
}

void sg_tally_target(sg_tally *t, const sg_iteration_record *row) {
  t->last.time_to_target_s = row->start_s + row->duration_s;
  t->last.iterations_to_target = row->iteration + 1;
}

static void durations(const sg_tally *t, sg_summary_record *s) {
  s->iter_mean_s = s->iter_sd_s = s->iter_min_s = s->iter_max_s = NAN;
  s->iter_p50_s = s->iter_p90_s = s->iter_p99_s = NAN;
  if (t->failed || t->rows == 0) return;
  size_t n = (size_t)t->rows;
  double sum = 0, squares = 0;
  for (size_t i = 0; i < n; i++) sum += t->duration[i];
  s->iter_mean_s = sum / (double)n;
  for (size_t i = 0; i < n; i++) {
    double d = t->duration[i] - s->iter_mean_s;
    squares += d * d;
  }
  if (n > 1) s->iter_sd_s = sqrt(squares / (double)(n - 1));
  sg_sort_doubles(t->duration, n);
  s->iter_min_s = t->duration[0];
  s->iter_max_s = t->duration[n - 1];
  s->iter_p50_s = sg_quantile(t->duration, n, 0.5);
  s->iter_p90_s = sg_quantile(t->duration, n, 0.9);
  s->iter_p99_s = sg_quantile(t->duration, n, 0.99);
}

void sg_tally_finish(sg_tally *t, sg_run_row *run, sg_summary_record *summary) {
  double rows = t->rows ? (double)t->rows : NAN, time = t->end_s > 0 ? t->end_s : NAN;
  *summary = t->last;
  durations(t, summary);
  summary->wait_mean_s = t->wait / rows;
  summary->decode_mean_s = t->decode / rows;
  summary->n_used_mean = t->used / rows;
  summary->bytes_received_mean = t->received / rows;
  summary->bytes_sent_mean = t->sent / rows;
  summary->queued_mean_s = t->queued / rows;
  summary->queued_per_message_s = t->through_ingress ? t->queued / (double)t->through_ingress : NAN;
  summary->ingress_busy_share = t->ingress_busy / time;
  summary->worker_busy_share = t->busy / (t->workers * time);
  summary->wasted_work_share = t->busy > 0 ? t->wasted / t->busy : NAN;
  summary->worker_seconds_per_iter = t->workers * summary->iter_mean_s;
  summary->undecodable_iters = t->undecodable;
  summary->decoding_err_mean = t->decoding_errs ? t->decoding_err / (double)t->decoding_errs : NAN;
  run->iterations = t->rows;
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
