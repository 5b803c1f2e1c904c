/* SPDX-License-Identifier: MIT */
/* Patterns of workers that do not answer, and threads that try many of them. */
#include "sim/check/patterns.h"

#include "sim/core/owned.h"

#include <gsl/gsl_combination.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 8 }; /* patterns that a thread takes at a time */

sg_status sg_crowd_init(sg_crowd *c, const sg_code *code, const sg_check_options *options,
                        sg_error *e) {
  *c = (sg_crowd){.code = code,
                  .options = options,
                  .n = code->shape.workers,
                  .row = (size_t)code->shape.workers * sizeof(bool),
                  .threads = options->threads > 1 ? options->threads : 1,
                  .error = e};
  sg_status status = sg_trial_subject_new(code, options->seed, &c->subject, e);
  if (status) return status;
  size_t flags = (size_t)(c->threads + 1) * (size_t)code->nodes;
  c->trial = calloc((size_t)c->threads, sizeof(sg_trial *));
  c->flags = malloc(flags);
  bool ok = c->trial && c->flags;
  if (ok) memset(c->flags, true, flags);
  for (int i = 0; ok && i < c->threads; i++) ok = (c->trial[i] = sg_trial_new(c->subject)) != NULL;
  return ok ? SG_OK : sg_fail_memory(e);
}

void sg_crowd_clear(sg_crowd *c) {
  for (int i = 0; c->trial && i < c->threads; i++) sg_trial_free(c->trial[i]);
  free(c->trial);
  free(c->flags);
  sg_trial_subject_free(c->subject);
}

/* --- Many patterns ---------------------------------------------------------------------------- */

typedef struct batch {
  sg_crowd *c;
  long count;
  const bool *pattern; /* count × n */
  unsigned want;
  sg_trial_result *result;
  atomic_long next;
  atomic_bool failed;
} batch;

typedef struct hand {
  batch *batch;
  sg_trial *trial;
  bool *flags;
  sg_error error;
} hand;

static void show_progress(const sg_crowd *c, double done) {
  if (c->options->progress && c->total > 0)
    c->options->progress(c->options->user, fmin(done / c->total, 1));
}

/* The pattern with flags for relays behind those of the workers. */
static const bool *of_nodes(const sg_crowd *c, const bool *pattern, bool *flags) {
  memcpy(flags, pattern, c->row);
  return flags;
}

static void *work(void *argument) {
  hand *w = argument;
  batch *b = w->batch;
  const sg_crowd *c = b->c;
  bool first = w->trial == c->trial[0];
  while (!atomic_load_explicit(&b->failed, memory_order_relaxed)) {
    long from = atomic_fetch_add(&b->next, CHUNK);
    if (from >= b->count) break;
    for (long i = from; i < from + CHUNK && i < b->count; i++)
      if (sg_trial_run(w->trial, of_nodes(c, b->pattern + i * c->n, w->flags), b->want,
                       &b->result[i], &w->error))
        atomic_store(&b->failed, true);
    if (first) show_progress(c, c->done + (double)from);
  }
  return NULL;
}

/* The results of all patterns, by as many threads as pay. */
sg_status sg_crowd_run(sg_crowd *c, long count, const bool *pattern, unsigned want,
                       sg_trial_result *r) {
  batch b = {.c = c, .count = count, .pattern = pattern, .want = want, .result = r};
  SG_OWNED hand *w = calloc((size_t)c->threads, sizeof *w);
  SG_OWNED pthread_t *thread = calloc((size_t)c->threads, sizeof *thread);
  if (!w || !thread) return sg_fail_memory(c->error);
  int started = 1;
  for (int i = 0; i < c->threads; i++)
    w[i] = (hand){
        .batch = &b, .trial = c->trial[i], .flags = c->flags + (size_t)i * (size_t)c->code->nodes};
  while (started < c->threads && count > 4L * CHUNK * started &&
         pthread_create(&thread[started], NULL, work, &w[started]) == 0)
    started++;
  work(&w[0]);
  for (int i = 1; i < started; i++) pthread_join(thread[i], NULL);
  bool failed = atomic_load(&b.failed);
  for (int i = 0; i < c->threads; i++) sg_error_move(c->error, &w[i].error);
  c->done += (double)count;
  return failed ? sg_error_status(c->error) : SG_OK;
}

/* --- Patterns --------------------------------------------------------------------------------- */

int sg_missing_in(int workers, const bool *pattern) {
  int n = 0;
  for (int i = 0; i < workers; i++) n += !pattern[i];
  return n;
}

double sg_binomial(int n, int k) {
  double x = 1;
  if (k > n - k) k = n - k;
  for (int i = 1; i <= k; i++) x = nearbyint(x * (n - k + i) / i);
  return x;
}

/* All sets of q missing workers, in lexicographic order; *next moves behind them. */
sg_status sg_put_all(const sg_crowd *c, int q, bool **next) {
  gsl_combination *missing = gsl_combination_calloc((size_t)c->n, (size_t)q);
  if (!missing) return sg_fail_memory(c->error);
  do {
    memset(*next, true, c->row);
    for (int i = 0; i < q; i++) (*next)[gsl_combination_get(missing, (size_t)i)] = false;
    *next += c->n;
  } while (gsl_combination_next(missing) == GSL_SUCCESS);
  gsl_combination_free(missing);
  return SG_OK;
}

/* A random set of q missing workers (Floyd's method). */
void sg_put_random(int n, int q, sg_stream *random, bool *out) {
  memset(out, true, (size_t)n * sizeof *out);
  for (int j = n - q; j < n; j++) {
    int pick = (int)(sg_uniform(random) * (j + 1));
    out[out[pick] ? pick : j] = false;
  }
}

/* --- What all have shown ---------------------------------------------------------------------- */

const bool *sg_crowd_nodes(const sg_crowd *c, const bool *pattern) {
  return of_nodes(c, pattern, c->flags + (size_t)c->threads * (size_t)c->code->nodes);
}

void sg_crowd_traffic(const sg_crowd *c, sg_traffic_range *traffic) {
  *traffic = *sg_trial_subject_traffic(c->subject);
  for (int i = 0; i < c->threads; i++) sg_traffic_join(traffic, sg_trial_traffic(c->trial[i]));
}

bool sg_crowd_load(const sg_crowd *c, sg_load *load) {
  if (!sg_load_init(load, c->code)) return false;
  sg_load_join(load, sg_trial_subject_load(c->subject));
  for (int i = 0; i < c->threads; i++) sg_load_join(load, sg_trial_load(c->trial[i]));
  return true;
}
