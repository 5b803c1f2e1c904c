/* SPDX-License-Identifier: MIT */
/* MindFlayer SGD (Maranjyan, Shaikh Omar, Richtárik, UAI 2025, arXiv:2410.04285): worker i makes
 * B_i attempts at a mini-batch gradient at x^k, each of which it gives up after t_i seconds; with
 * N_i successes the step is taken with Σ_i Σ_j g_ij / Σ_i p_i B_i, p_i = F_i(t_i) the probability
 * that an attempt succeeds. That is unbiased where all workers' gradients estimate the same; with
 * weights by-worker, (1/n) Σ_i Σ_j g_ij / (p_i B_i), where data differ by worker (the same authors'
 * Vecna SGD; recalled).
 *
 * A worker goes by its own clock and needs no word from the master. When its attempts are over it
 * sends one message, the sum of what it has (that they are added up there is ours: the paper knows
 * no network); the update is made when the messages of all are there. An attempt that takes exactly
 * t_i succeeds; one that is lost to a crash is made again.
 *
 * p_i is given, or the share of sampled times of worker i (10^6/n of them, at least 1,000 and at
 * most 10^5; of more than 10,000 workers 10^7/n, at least 100) that are at most t_i. Then the
 * relative error of the step's size is that of the share: the root of (1 − p)/p over their number.
 */
#include "codes/tools/collect.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TRIALS = 1000000 };

static const char *const weight_words[] = {"pooled", "by-worker", NULL};
static const sg_param one_count = SG_ROW_INT("", 0, SG_UNBOUNDED, "");
static const sg_param one_time = SG_ROW_REAL("", 0, SG_UNBOUNDED, "");
static const sg_param one_share = SG_ROW_REAL("", 0, 1, "");
static const sg_param params[] = {
    SG_ROW_INT("trials", 1, MOST_TRIALS, "attempts of a worker in an update, B", .fallback = 1),
    SG_ROW_REAL("time_limit", 0, SG_UNBOUNDED,
                "seconds after which an attempt is given up, t; this, quantile or worker_limits",
                .flags = SG_OPTIONAL),
    SG_ROW_REAL("quantile", 0, 1,
                "the share of a worker's own times that are to be within its limit, found from "
                "sampled times of the scenario",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW_LIST("worker_trials", &one_count, 0, 1000000, "B_i of each worker in place of trials"),
    SG_ROW_LIST("worker_limits", &one_time, 0, 1000000, "t_i of each worker, in seconds"),
    SG_ROW_LIST("success", &one_share, 0, 1000000,
                "probability p_i that an attempt succeeds, of each worker or one for all; when "
                "left out the share of sampled times of the scenario within the limit"),
    SG_ROW_CHOICE("weights", weight_words, 0,
                  "what the sum of all gradients is divided by: the expected number of all "
                  "(pooled), or each worker's sum by its own (by-worker: Vecna), which is unbiased "
                  "where data differ by worker"),
    SG_ROWS_LEARNERS(sg_batches_of_learners),
    {0}};

typedef struct trial {
  int attempts;         /* B_i */
  double limit, expect; /* t_i; p_i B_i */
} trial;

typedef struct tables {
  sg_learners learners;
  sg_collect collect;
  bool by_worker;
  int need, most; /* workers with attempts; most attempts of one */
  trial worker[];
} tables;

/* Of each worker. The attempt it is at has a number of its own, so that the timer of one that was
 * over in time is not taken for that of the next. */
typedef struct progress {
  int left; /* attempts behind this one; −1: all are over */
  int successes, attempt;
} progress;

static progress *progress_of(const sg_code *code, void *state, int worker) {
  return (progress *)(void *)sg_collect_own(code, state) + worker;
}

/* --- Making one ------------------------------------------------------------------------------- */

static sg_status check(const sg_values *values, int n, sg_error *e) {
  static const char *const lists[] = {"worker_trials", "worker_limits", "success"};
  for (int i = 0; i < 3; i++) {
    int count = sg_count(values, lists[i]);
    bool fits = count == 0 || count == n || (count == 1 && i == 2);
    if (!fits)
      return sg_fail_at(e, values, lists[i], "expected a number for each of %d workers, found %d",
                        n, count);
  }
  int ways = sg_given(values, "time_limit") + sg_given(values, "quantile") +
             (sg_count(values, "worker_limits") > 0);
  if (ways == 1) return SG_OK;
  return sg_fail_at(e, values, "time_limit",
                    "expected one of time_limit, quantile and worker_limits, found %d of them",
                    ways);
}

/* Of a list, of one number for all, or what stands in its place. */
static double item_of(const sg_values *values, const char *list, int worker, double other) {
  int count = sg_count(values, list);
  return count == 0 ? other : sg_item(values, list, count > 1 ? worker : 0)->number;
}

/* Of each worker. */
static int samples_for(int n) {
  return (int)fmax(100, fmin(1e5, fmax(1e6 / n, fmin(1e3, 1e7 / n))));
}

/* A worker's limit by its quantile, and its p from `count` of its times; without times the share
 * that is wished, or 1. */
static double share_of(trial *w, double quantile, double *time, int count) {
  if (count == 0) return quantile > 0 ? quantile : 1;
  if (quantile > 0) {
    sg_sort_doubles(time, (size_t)count);
    w->limit = time[(int)fmax(ceil(quantile * count - 1e-9), 1) - 1];
  }
  int within = 0;
  for (int k = 0; k < count; k++) within += time[k] <= w->limit;
  return (double)within / count;
}

static sg_status read_workers(sg_code *code, tables *t, const sg_values *values, sg_error *e) {
  const sg_forecast *forecast = code->shape.forecast;
  int n = code->nodes, told = sg_count(values, "success");
  double quantile = sg_given(values, "quantile") ? sg_real(values, "quantile") : 0;
  double limit = sg_given(values, "time_limit") ? sg_real(values, "time_limit") : 1;
  long trials = sg_int(values, "trials");
  int draws = forecast && (!told || quantile > 0) ? samples_for(n) : 0;
  SG_OWNED double *times = malloc((size_t)draws * ((size_t)n + 1) * sizeof *times + 1);
  if (!times || (draws && !forecast->samples(forecast->of, t->learners.work, draws, times)))
    return sg_fail_memory(e);
  double *column = times + (size_t)draws * (size_t)n, least = 1, greatest = 0, sum = 0;
  for (int i = 0; i < n; i++) {
    trial *w = &t->worker[i];
    double attempts = item_of(values, "worker_trials", i, (double)trials);
    if (attempts > MOST_TRIALS)
      return sg_fail_at(e, values, "worker_trials", "expected at most %d attempts, found %.0f",
                        MOST_TRIALS, attempts);
    *w = (trial){.attempts = (int)attempts, .limit = item_of(values, "worker_limits", i, limit)};
    for (int k = 0; k < draws; k++) column[k] = times[(size_t)k * (size_t)n + (size_t)i];
    double p = share_of(w, quantile, column, draws);
    if (told) p = item_of(values, "success", i, 1);
    w->expect = p * w->attempts;
    sum += w->expect;
    least = fmin(least, p);
    greatest = fmax(greatest, p);
    t->need += w->attempts > 0;
    t->most = w->attempts > t->most ? w->attempts : t->most;
    if (t->by_worker && !(w->expect > 0))
      return sg_fail_at(e, values, "weights",
                        "expected success now and then of all workers with weights by-worker, "
                        "found p B = %g of worker %d",
                        w->expect, i);
  }
  if (!(sum > 0))
    return sg_fail_at(e, values, "time_limit",
                      "expected success now and then of some worker, found p B = 0 of all");
  char *note = sg_code_alloc(code, 1, 120);
  if (!note) return sg_fail_memory(e);
  snprintf(note, 120, "an attempt succeeds with p = %.4g … %.4g, %s", least, greatest,
           told       ? "as given"
           : forecast ? "by sampled times"
                      : "not known without a scenario");
  code->note = note;
  return SG_OK;
}

static bool enough(const sg_code *code, void *state, const sg_message *message) {
  return ((const sg_collected *)state)->come >= ((const tables *)code->self)->need;
}

static void start(const sg_code *code, void *state, int worker, sg_orders *o) {
  const tables *t = code->self;
  progress *p = progress_of(code, state, worker);
  p->attempt = (p->attempt + 1) % INT_MAX;
  sg_timer_of(o, worker, t->worker[worker].limit, p->attempt);
  sg_task(o, worker, ((sg_collected *)state)->version, t->learners.work, SG_DRAWS_OF_WORK, SG_HERE);
}

/* The next attempt, or what came of them all. */
static void next(const sg_code *code, void *state, int worker, sg_orders *o) {
  progress *p = progress_of(code, state, worker);
  if (p->left-- > 0)
    start(code, state, worker, o);
  else
    sg_send(o, worker, SG_MASTER, ((sg_collected *)state)->version, 0, p->successes, 0);
}

/* All begin; one that was lost to a crash begins that attempt again, and one whose message was
 * erased all of them. */
static void give(const sg_code *code, void *state, int node, sg_orders *o) {
  const tables *t = code->self;
  for (int i = node == SG_ALL ? 0 : node; i <= (node == SG_ALL ? code->nodes - 1 : node); i++) {
    progress *p = progress_of(code, state, i);
    if (t->worker[i].attempts == 0) continue;
    if (node == SG_ALL || p->left < 0)
      *p = (progress){.left = t->worker[i].attempts - 1, .attempt = p->attempt};
    start(code, state, i, o);
  }
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  size_t n = (size_t)shape->workers;
  sg_status status = check(values, shape->workers, e);
  if (status) return status;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t + n * sizeof *t->worker);
  if (!t) return sg_fail_memory(e);
  t->by_worker = strcmp(sg_text(values, "weights"), "by-worker") == 0;
  t->collect = (sg_collect){.interrupt = true, .once = true, .give = give, .enough = enough};
  if ((status = sg_learners_read(code, values, NULL, &t->learners, e))) return status;
  if ((status = read_workers(code, t, values, e))) return status;
  code->flags |= SG_ASYNC;
  code->load *= t->most;
  code->state_size = sg_collect_state(code, sizeof(progress));
  return SG_OK;
}

/* --- In a run --------------------------------------------------------------------------------- */

/* A worker's names of a version stand together; the tag says how many there are. */
static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  if (message->tag == 0) return;
  bool shared = t->learners.shared;
  unsigned block = (unsigned)message->snapshot;
  if (shared) block = block * (unsigned)code->nodes + (unsigned)message->from;
  block %= (unsigned)(INT_MAX / t->most);
  sg_row_batches(row, (int)block * t->most + 1, message->tag);
  sg_row_part(row, shared ? 0 : message->from, 0, 1);
}

/* Where a round may end without some workers, as if there were none but these. */
static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  double expected = 0, alpha = 0;
  for (int i = 0; i < used->count; i++)
    expected += t->by_worker ? 1 : t->worker[used->from[i]].expect;
  if (!(expected > 0)) return SG_UNDECODABLE;
  used->info->alpha_error = code->parts;
  for (int i = 0; i < used->count; i++) {
    int tag = used->message[i]->tag;
    double of = expected * (t->by_worker ? t->worker[used->from[i]].expect : 1);
    used->W[i] = tag > 0 ? code->parts / of : 0;
    double a = tag * used->W[i];
    alpha += a;
    used->info->alpha_error += (a - 1) * (a - 1) - 1;
  }
  used->info->alpha_sum = alpha;
  if (code->parts == 1) used->info->alpha_error = (alpha - 1) * (alpha - 1);
  return SG_OK;
}

static void on_event(const sg_code *code, void *state, const sg_event *event, sg_orders *o) {
  if (event->kind == SG_SIGNAL) {
    progress_of(code, state, event->at)->successes++;
    next(code, state, event->at, o);
  } else if (event->kind == SG_TIMER) {
    if (!event->busy || event->arg != progress_of(code, state, event->at)->attempt) return;
    sg_stop(o, event->at);
    next(code, state, event->at, o);
  } else {
    sg_collect_event(code, &((const tables *)code->self)->collect, state, event, o);
  }
}

const sg_code_type sg_mindflayer = {
    .about = {.name = "mindflayer",
              .brief = "attempts that are given up in time",
              .summary = "Every worker makes its attempts at a mini-batch gradient, each given up "
                         "after a time limit, and sends the sum of what it has; the update divides "
                         "by the expected number of successes. Approximate.",
              .reference = "Maranjyan, Shaikh Omar, Richtárik (UAI 2025), arXiv:2410.04285 "
                           "(published, with code); weights by-worker recalled; one message of a "
                           "worker in an update ours; times derived.",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .on_event = on_event,
};
