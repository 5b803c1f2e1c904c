/* SPDX-License-Identifier: MIT */
/* The figures of blame, from maxima of arrivals.
 *
 * With a worker's time replaced by the median of the iteration, the iteration ends with the latest
 * of the others or with the median: so slowdown, recovered and the share of the slowest 3 % need no
 * simulation (the what-if of Lin et al. 2025, recalled). The score is the Shapley value of the
 * seconds above the median, which are a maximum: the game of the airport (Littlechild and Owen
 * 1973, recalled), whose value is a sum over the sorted lateness. So two workers that are late
 * together share what nobody would gain by mending one of them. */
#include "results/answers/blame.h"

#include "sim/core/array.h"
#include "sim/core/owned.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double SLOWEST_SHARE = 0.03, SIGNIFICANCE = 0.05;

void sg_blame_clear(sg_blame *b) {
  free(b->slowest);
  free(b->worker);
  *b = (sg_blame){0};
}

typedef struct arrival {
  int worker;
  double time;
} arrival;

/* Those that are missing last. */
static int by_time(const void *a, const void *b) {
  const arrival *x = a, *y = b;
  bool p = isnan(x->time), q = isnan(y->time);
  if (p != q) return p ? 1 : -1;
  if (!p && x->time != y->time) return x->time < y->time ? -1 : 1;
  return (x->worker > y->worker) - (x->worker < y->worker);
}

/* What is kept of an iteration. */
typedef struct iteration {
  double last, median; /* arrivals */
  double gap;          /* the last one's minus the one before */
  int worker;          /* that alone was last; −1: several, or nobody */
} iteration;

static double median_of(const arrival *x, int n) {
  return (x[(n - 1) / 2].time + x[n / 2].time) / 2;
}

/* n sorted arrivals that are known. */
static void add_iteration(const arrival *x, int n, int workers, iteration *it, sg_blamed *by) {
  *it = (iteration){.last = NAN, .median = NAN, .worker = -1};
  for (int k = n; k < workers; k++) by[x[k].worker].times_missing++;
  if (n == 0) return;
  it->last = x[n - 1].time;
  for (int k = n - 1; k >= 0 && x[k].time == it->last; k--) by[x[k].worker].times_last++;
  if (n == 1 || x[n - 2].time < it->last) {
    it->worker = x[n - 1].worker;
    it->gap = n > 1 ? it->last - x[n - 2].time : 0;
    by[it->worker].wait_s += it->gap;
  }
  if (n < workers) return;
  it->median = median_of(x, n);
  double share = 0, before = 0;
  for (int k = 0; k < n; k++) {
    double late = fmax(x[k].time - it->median, 0);
    share += (late - before) / (n - k);
    before = late;
    by[x[k].worker].score += share;
    by[x[k].worker].slowdown += late;
  }
  /* Seconds that the iteration would be shorter, if its last worker were the median one. */
  if (it->worker >= 0) by[it->worker].recovered += fmin(it->gap, it->last - it->median);
}

/* The ratio of the time with a worker to that without it is 1 + θ, θ the seconds that it adds over
 * the others. The interval is that of log θ, by Student's t from SG_BLOCKS blocks of iterations in
 * step, linearised: θ is positive and its estimate skewed, that of the ratio itself gave intervals
 * that ended too low (tests/validate_blame.c). A worker that was never alone the last adds nothing
 * that was seen. */
static sg_ratio interval(const sg_blame *b, const iteration *it, const double *without,
                         int worker) {
  double gap[SG_BLOCKS] = {0}, rest[SG_BLOCKS] = {0}, gaps = 0, rests = 0;
  sg_moments residual = {0};
  for (long k = 0, t = 0; k < SG_BLOCKS; k++) {
    for (; t < b->iterations * (k + 1) / SG_BLOCKS; t++) {
      gap[k] += it[t].worker == worker ? it[t].gap : 0;
      rest[k] += without[t];
    }
    gaps += gap[k];
    rests += rest[k];
  }
  double share = gaps / rests;
  for (int k = 0; k < SG_BLOCKS; k++) sg_moments_add(&residual, gap[k] - share * rest[k]);
  double error = sg_moments_sd(&residual) * sqrt(SG_BLOCKS) / rests;
  double far = gaps > 0 ? sg_t_quantile(1 - b->alpha / 2, SG_BLOCKS - 1) * error / share : 0;
  if (b->iterations < 2 * SG_BLOCKS) far = NAN;
  return (sg_ratio){.n = SG_BLOCKS,
                    .ratio = 1 + share,
                    .low = 1 + share * exp(-far),
                    .high = 1 + share * exp(far)};
}

/* Without the worker, an iteration ends with the arrival before. */
static void judge_eviction(sg_blame *b, const iteration *it, double *without, sg_blamed *w) {
  double bound = b->n / (b->n - 1.0);
  for (long t = 0; t < b->iterations; t++)
    without[t] = it[t].last - (it[t].worker == w->worker ? it[t].gap : 0);
  w->evict = interval(b, it, without, w->worker);
  w->keep = isnan(w->evict.low)     ? SG_BLAME_UNKNOWN
            : w->evict.low > bound  ? SG_BLAME_EVICT
            : w->evict.high < bound ? SG_BLAME_KEEP
                                    : SG_BLAME_UNDECIDED;
  b->effective = fmin(b->effective, sg_effective_block((int)b->iterations, without));
}

static int by_slowdown(const void *a, const void *b) {
  const sg_blamed *x = a, *y = b;
  if (x->slowdown != y->slowdown) return x->slowdown > y->slowdown ? -1 : 1;
  return (x->worker > y->worker) - (x->worker < y->worker);
}

/* The one to blame most first; where scores are not known, who made the others wait longest. */
static int by_blame(const void *a, const void *b) {
  const sg_blamed *x = a, *y = b;
  if (!isnan(x->score) && x->score != y->score) return x->score > y->score ? -1 : 1;
  if (x->wait_s != y->wait_s) return x->wait_s > y->wait_s ? -1 : 1;
  if (x->times_last != y->times_last) return x->times_last > y->times_last ? -1 : 1;
  return (x->worker > y->worker) - (x->worker < y->worker);
}

/* All of the slowest workers at once: workers are still in their order. */
static sg_status mend_slowest(const sg_arrivals *a, const iteration *it, sg_blame *b, sg_error *e) {
  SG_OWNED sg_blamed *sorted = malloc((size_t)b->n * sizeof *sorted);
  SG_OWNED bool *mended = calloc((size_t)b->n, sizeof *mended);
  b->n_slowest = (int)ceil(SLOWEST_SHARE * b->n - 1e-9);
  b->slowest = malloc((size_t)b->n_slowest * sizeof *b->slowest);
  if (!sorted || !mended || !b->slowest) return sg_fail_memory(e);
  memcpy(sorted, b->worker, (size_t)b->n * sizeof *sorted);
  qsort(sorted, (size_t)b->n, sizeof *sorted, by_slowdown);
  for (int k = 0; k < b->n_slowest; k++) mended[b->slowest[k] = sorted[k].worker] = true;
  double gain = 0;
  for (long t = 0; t < b->iterations; t++) {
    double last = it[t].median;
    for (int w = 0; w < b->n; w++)
      if (!mended[w]) last = fmax(last, a->time[t * b->n + w]);
    gain += it[t].last - last;
  }
  b->recovered = gain / (b->whole_s - b->median_s);
  return SG_OK;
}

/* Sums over iterations become what they are named. */
static sg_status find_shares(const sg_arrivals *a, const iteration *it, sg_blame *b, sg_error *e) {
  double late = b->whole_s - b->median_s;
  SG_OWNED double *time = malloc((size_t)b->iterations * sizeof *time);
  if (!time) return sg_fail_memory(e);
  for (long t = 0; t < b->iterations; t++) time[t] = it[t].last;
  b->effective =
      fmin((double)b->iterations / SG_BLOCKS, sg_effective_block((int)b->iterations, time));
  for (int w = 0; w < b->n; w++) {
    sg_blamed *x = &b->worker[w];
    x->slowdown = 1 + x->slowdown / b->median_s;
    x->recovered /= late;
    x->score /= late;
    judge_eviction(b, it, time, x);
  }
  return mend_slowest(a, it, b, e);
}

static void forget_shares(sg_blame *b) {
  b->whole_s = b->median_s = b->recovered = b->effective = NAN;
  for (int w = 0; w < b->n; w++) {
    sg_blamed *x = &b->worker[w];
    x->slowdown = x->recovered = x->score = NAN;
    x->evict = (sg_ratio){.ratio = NAN, .low = NAN, .high = NAN};
    x->keep = SG_BLAME_UNKNOWN;
  }
}

sg_status sg_blame_find(const sg_arrivals *a, bool simultaneous, sg_blame *b, sg_error *e) {
  if (a->workers < 2)
    return sg_fail(e, SG_INVALID, NULL, "one worker makes nobody wait: expected at least two");
  if (a->iterations < 1 || a->iterations > INT_MAX)
    return sg_fail(e, SG_INVALID, NULL, "expected from 1 to %d iterations, found %ld", INT_MAX,
                   a->iterations);
  b->n = a->workers;
  b->iterations = a->iterations;
  b->complete = true;
  b->alpha = SIGNIFICANCE / (simultaneous ? b->n : 1);
  b->worker = calloc((size_t)b->n, sizeof *b->worker);
  SG_OWNED iteration *it = malloc((size_t)b->iterations * sizeof *it);
  SG_OWNED arrival *x = malloc((size_t)b->n * sizeof *x);
  if (!b->worker || !it || !x) return sg_fail_memory(e);
  for (int w = 0; w < b->n; w++) b->worker[w].worker = w;
  for (long t = 0; t < b->iterations; t++) {
    int known = 0;
    for (int w = 0; w < b->n; w++) {
      x[w] = (arrival){w, a->time[t * b->n + w]};
      known += !isnan(x[w].time);
    }
    qsort(x, (size_t)b->n, sizeof *x, by_time);
    add_iteration(x, known, b->n, &it[t], b->worker);
    b->complete &= known == b->n;
    b->whole_s += it[t].last;
    b->median_s += it[t].median;
  }
  sg_status status = SG_OK;
  if (b->complete)
    status = find_shares(a, it, b, e);
  else
    forget_shares(b);
  qsort(b->worker, (size_t)b->n, sizeof *b->worker, by_blame);
  return status;
}

/* --- Pictures --------------------------------------------------------------------------------- */

enum { MOST_COLUMNS = 240, MOST_ROWS = 60 };

static void name_worker(const sg_arrivals *a, int worker, char out[32]) {
  snprintf(out, 32, "%lld", a->name ? a->name[worker] : worker);
}

/* Known arrivals of an iteration, sorted: their median; NAN: more than half are missing, or the one
 * in the middle. */
static double median_arrival(const double *time, int n, double *room) {
  int known = 0;
  for (int w = 0; w < n; w++)
    if (!isnan(time[w])) room[known++] = time[w];
  sg_sort_doubles(room, (size_t)known);
  return known > n / 2 ? (room[(n - 1) / 2] + room[n / 2]) / 2 : NAN;
}

/* Those that are missing have come later than the others, nobody knows how much. */
static sg_status add_cells(const sg_arrivals *a, const sg_blame *b, int rows, sg_chart *c,
                           sg_error *e) {
  long group = (a->iterations + MOST_COLUMNS - 1) / MOST_COLUMNS;
  SG_OWNED double *median = malloc((size_t)a->iterations * sizeof *median);
  SG_OWNED double *room = malloc((size_t)a->workers * sizeof *room);
  if (!median || !room) return sg_fail_memory(e);
  for (long t = 0; t < a->iterations; t++)
    median[t] = median_arrival(a->time + t * a->workers, a->workers, room);
  sg_status status = sg_chart_add_series(c, SG_MARK_CELLS, 0, "lateness", e);
  for (int row = 0; row < rows && !status; row++) {
    char name[32];
    double place;
    name_worker(a, b->worker[row].worker, name);
    status = sg_chart_place(&c->y, name, &place, e);
    for (long first = 0; first < a->iterations && !status; first += group) {
      sg_chart_point p = sg_chart_at((double)first, place);
      for (long t = first; t < first + group && t < a->iterations; t++) {
        double late = a->time[t * a->workers + b->worker[row].worker] - median[t];
        if (!isnan(late)) p.value = fmax(isnan(p.value) ? 0 : p.value, late);
      }
      if (!isnan(p.value)) status = sg_chart_add_point(c, p, e);
    }
  }
  return status;
}

sg_status sg_blame_chart(const sg_arrivals *a, const sg_blame *b, const char *unit, sg_chart *c,
                         sg_error *e) {
  int rows = b->n < MOST_ROWS ? b->n : MOST_ROWS;
  long group = (a->iterations + MOST_COLUMNS - 1) / MOST_COLUMNS;
  sg_buffer text = {0};
  sg_putf(&text, "%s%d of %d workers, the one to blame most at the top; %ld iterations",
          rows < b->n ? "the " : "", rows, b->n, a->iterations);
  if (group > 1) sg_putf(&text, ", of %ld in a row the largest", group);
  if (!b->complete) sg_put(&text, "; no colour: not waited for, or no median known");
  c->y.scale = SG_SCALE_NAMES;
  sg_status status = text.failed ? sg_fail_memory(e) : SG_OK;
  if (!status) status = sg_chart_say(&c->title, e, "Lateness, worker by iteration");
  if (!status) status = sg_chart_say(&c->conditions, e, "%s", text.data);
  if (!status) status = sg_chart_name_axis(&c->x, "iteration", NULL, "iteration", e);
  if (!status) status = sg_chart_name_axis(&c->y, "worker", NULL, "worker", e);
  if (!status)
    status =
        sg_chart_name_axis(&c->value, "arrival after the median worker's", unit, "lateness_s", e);
  if (!status) status = add_cells(a, b, rows, c, e);
  sg_buffer_free(&text);
  return status;
}

sg_status sg_blame_shares(const sg_arrivals *a, const sg_blame *b, sg_chart *c, sg_error *e) {
  int rows = b->n < MOST_ROWS ? b->n : MOST_ROWS;
  c->y.scale = SG_SCALE_NAMES;
  sg_status status = sg_chart_say(&c->title, e, "Who arrives last");
  if (!status)
    status = sg_chart_say(&c->conditions, e, "%s%d of %d workers; the line: all alike",
                          rows < b->n ? "the " : "", rows, b->n);
  if (!status)
    status = sg_chart_name_axis(&c->x, "iterations in which the worker arrived last", "%",
                                "pct_arrived_last", e);
  if (!status) status = sg_chart_name_axis(&c->y, "worker", NULL, "worker", e);
  if (!status) status = sg_chart_add_line(c, true, 100.0 / b->n, NULL, e);
  if (!status) status = sg_chart_add_series(c, SG_MARK_STACK, 0, "arrived last", e);
  for (int row = 0; row < rows && !status; row++) {
    char name[32];
    double place = row;
    name_worker(a, b->worker[row].worker, name);
    status = sg_chart_place(&c->y, name, &place, e);
    if (status) break;
    double share = 100 * (double)b->worker[row].times_last / (double)b->iterations;
    status = sg_chart_add_point(c, sg_chart_at(share, place), e);
  }
  return status;
}
