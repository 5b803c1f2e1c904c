/* SPDX-License-Identifier: MIT */
/* Points are put into kinds of the same code, size and data. In turns a point of each kind is
 * tried, spread evenly over the kind, until a second is over; the others cost what those of their
 * kind do, and a kind of which none was tried what the one that is likest does, by size.
 *
 * Processor seconds are measured: a try is short and is seldom interrupted, however busy the
 * machine is. What the tries took by the clock, all together, tells how much longer that is. */
#include "sim/experiment/duration.h"

#include "sim/core/clock.h"
#include "sim/experiment/block.h"
#include "sim/experiment/shard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All tries together and one at least, by the clock; processor seconds of a run that may end early;
 * data that are not generated. */
static const double all_s = 0.9, least_s = 0.2, one_s = 0.003, early_s = 0.03, largest_bytes = 64e6;

/* What the writer's thread takes, measured on the sweep of docs/performance.md; generated data; and
 * a unit of what a block is expected to cost, where nothing could be tried. */
static const double run_s = 5e-5, row_s = 4e-6, worker_row_s = 2.2e-6, byte_s = 3e-9,
                    nominal_s = 2e-6;

typedef struct sample {      /* what one try shows */
  double make_s, block_s;    /* the world; its runs, side by side */
  double byte_s, iterations; /* generating its data; of a run, as far as it went */
  bool open;                 /* may end before that */
} sample;

typedef struct kind {
  const sg_planned *first;
  int *member, count, tried;
  double cost; /* expected of a block; sum over those that were tried */
  sample sum;
} kind;

typedef struct estimate {
  const sg_plan *plan;
  const int *missing;
  sg_detail detail;
  kind *kind;
  int count, *member;
  double begun_s;
} estimate;

/* --- One point -------------------------------------------------------------------------------- */

typedef struct seen {
  double end_s; /* simulated, of the last row */
  int64_t iterations;
} seen;

static bool take_row(void *user, int replication, const sg_iteration_record *row, int n,
                     const sg_worker_record *worker) {
  seen *s = user;
  s->end_s = row->start_s + row->duration_s;
  return true;
}

static bool take_finish(void *user, int replication, const sg_run_row *run,
                        const sg_summary_record *summary, int n,
                        const sg_worker_summary_record *worker) {
  seen *s = user;
  if (run->iterations > s->iterations) s->iterations = run->iterations;
  return true;
}

/* More and more iterations of a block, until the next would take more than `share_s` by the clock,
 * or they are all that there are. Runs that may end early are worth more: only the end tells how
 * long they are. */
static sg_status try_runs(sg_world *w, int runs, sg_detail detail, double share_s, sample *t,
                          sg_error *e) {
  int replication[64];
  const sg_block_options options = {.worker_rows = detail == SG_DETAIL_WORKER};
  const double sim_time_s = w->limits.sim_time_s;
  const long most = w->limits.iterations;
  bool target = !isnan(w->target_loss) || !isnan(w->target_grad_norm2);
  share_s = fmax(share_s, one_s);
  if (runs > 64) runs = 64;
  for (int i = 0; i < runs; i++) replication[i] = i;
  for (long n = 8;; n *= 4) {
    seen s = {0};
    const sg_sink sink = {.user = &s, .row = take_row, .finish = take_finish};
    w->limits.iterations = n < most ? n : most;
    double begin = sg_thread_seconds(), begin_s = sg_seconds_now();
    sg_status status = sg_block_run(w, runs, replication, &options, &sink, e);
    if (status) return status;
    t->block_s = sg_thread_seconds() - begin;
    t->iterations = (double)s.iterations;
    bool whole = n >= most || s.iterations < n;
    if (!whole &&
        (sg_seconds_now() - begin_s < share_s / 5 || (target && t->block_s < early_s / 5)))
      continue; /* 4 times as many, after it */
    if (!whole) {
      double wanted = (double)most;
      if (s.end_s > 0) wanted = fmin(wanted, (double)n * sim_time_s / s.end_s);
      t->block_s *= wanted / (double)n;
      t->iterations = wanted;
      t->open = target;
    }
    return SG_OK;
  }
}

static sg_status try_point(const estimate *x, int point, double share_s, sample *t, sg_error *e) {
  const sg_planned *p = &x->plan->point[point];
  sg_world *first = NULL, *w = NULL;
  *t = (sample){0};
  double begin = sg_thread_seconds();
  sg_status status = sg_world_new(p->point, x->plan->cache, NULL, &first, e);
  if (!status) status = sg_world_measure(first, x->plan->cache, e);
  t->make_s = sg_thread_seconds() - begin;
  if (!status && p->missing_bytes > 0) { /* again, now that there are data */
    begin = sg_thread_seconds();
    status = sg_world_new(p->point, x->plan->cache, NULL, &w, e);
    if (!status) status = sg_world_measure(w, x->plan->cache, e);
    double again = sg_thread_seconds() - begin;
    t->byte_s = fmax(t->make_s - again, 0) / p->missing_bytes;
    t->make_s = again;
    sg_world_free(w, x->plan->cache);
  }
  int runs = x->missing[point] < p->abreast ? x->missing[point] : p->abreast;
  if (!status) status = try_runs(first, runs, x->detail, share_s, t, e);
  if (p->width == 1) t->block_s /= runs; /* however jobs are cut */
  sg_world_free(first, x->plan->cache);
  return status;
}

/* --- Kinds ------------------------------------------------------------------------------------ */

static int by_kind(const void *a, const void *b, void *user) {
  const sg_planned *all = user, *p = &all[*(const int *)a], *q = &all[*(const int *)b];
#define BY(x, y)                                                                                   \
  if ((x) != (y)) return (x) < (y) ? -1 : 1
  int order = strcmp(p->facts.code, q->facts.code);
  if (order) return order;
  BY(p->facts.n_workers, q->facts.n_workers);
  BY(p->facts.length, q->facts.length);
  BY(p->facts.max_iterations, q->facts.max_iterations);
  BY(p->width, q->width);
  BY(p->data_bytes, q->data_bytes);
  order = strcmp(p->facts.problem, q->facts.problem);
  return order;
}

static int by_kind_and_place(const void *a, const void *b, void *user) {
  int order = by_kind(a, b, user), p = *(const int *)a, q = *(const int *)b;
  return order ? order : (p > q) - (p < q);
}

static sg_status classify(estimate *x, sg_error *e) {
  int n = 0, count = x->plan->count;
  x->member = malloc(((size_t)count + 1) * sizeof *x->member);
  x->kind = calloc((size_t)count + 1, sizeof *x->kind);
  if (!x->member || !x->kind) return sg_fail_memory(e);
  for (int i = 0; i < count; i++)
    if (x->missing[i] > 0) x->member[n++] = i;
  if (n) qsort_r(x->member, (size_t)n, sizeof *x->member, by_kind_and_place, x->plan->point);
  for (int i = 0; i < n; i++) {
    int *m = &x->member[i];
    if (!i || by_kind(m - 1, m, x->plan->point))
      x->kind[x->count++] = (kind){.first = &x->plan->point[*m], .member = m};
    x->kind[x->count - 1].count++;
  }
  return SG_OK;
}

/* The k-th of n places, so that the first few are spread evenly over all of them, the middle first:
 * the bits of k in the other order; −1: there is none. */
static int spread(int k, int n) {
  int place = 0, half = 1;
  while (half < n) half *= 2;
  for (int bit = half / 2; bit; bit /= 2, k /= 2) place += (k & 1) * bit;
  return place < n ? (place + n / 2) % n : -1;
}

static int ceiling(int n) { /* of spread's numbers */
  int half = 1;
  while (half < n) half *= 2;
  return half;
}

/* A point of a kind is tried; one that fails is what a run would say. */
static void try_member(estimate *x, kind *c, int point, double share_s) {
  sg_error ignored = {0};
  sample t;
  sg_status status = try_point(x, point, share_s, &t, &ignored);
  /* One whose end was not seen tells less than one that came to it. */
  bool worse = !status && c->tried && t.open && !c->sum.open,
       better = !status && c->tried && !t.open && c->sum.open;
  if (better) {
    c->sum = (sample){0};
    c->cost = c->tried = 0;
  }
  if (!status && !worse) {
    c->tried++;
    c->cost += sg_block_cost(&x->plan->point[point]);
    c->sum.make_s += t.make_s;
    c->sum.block_s += t.block_s;
    c->sum.iterations += t.iterations;
    c->sum.byte_s = fmax(c->sum.byte_s, t.byte_s);
    c->sum.open = t.open;
  }
  sg_error_clear(&ignored);
}

static void try_all(estimate *x) {
  int most = 0, left = 0;
  for (int i = 0; i < x->count; i++) {
    if (x->kind[i].count > most) most = x->kind[i].count;
    left += x->kind[i].count;
  }
  for (int k = 0; k < ceiling(most); k++)
    for (int j = 0; j < ceiling(x->count); j++) {
      int i = spread(j, x->count);
      kind *c = i < 0 ? NULL : &x->kind[i];
      int m = !c || k >= ceiling(c->count) ? -1 : spread(k, c->count);
      if (m < 0 || c->first->data_bytes > largest_bytes) continue;
      double left_s = all_s - (sg_seconds_now() - x->begun_s);
      if (left_s < 0) return;
      try_member(x, c, c->member[m], left_s / left--);
    }
}

/* The tried kind that is likest to one: of the same code, if there is one, and by cost. */
static const kind *likest(const estimate *x, const kind *c) {
  const kind *best = c->tried ? c : NULL;
  double least = INFINITY, cost = sg_block_cost(c->first);
  for (const kind *o = x->kind; !c->tried && o < x->kind + x->count; o++) {
    if (!o->tried) continue;
    double far = fabs(log(cost / (o->cost / o->tried))) +
                 (strcmp(o->first->facts.code, c->first->facts.code) ? 100 : 0);
    if (far >= least) continue;
    least = far;
    best = o;
  }
  return best;
}

/* What a point of a kind takes, from those that were tried. */
static sample typical(const estimate *x, const kind *c) {
  const kind *o = likest(x, c);
  double cost = sg_block_cost(c->first);
  if (!o)
    return (sample){.block_s = nominal_s * cost,
                    .byte_s = byte_s,
                    .iterations = (double)c->first->facts.max_iterations,
                    .open = sg_has_target(&c->first->facts)};
  double by = o == c ? 1.0 / o->tried : cost / o->cost;
  return (sample){.make_s = o->sum.make_s * by,
                  .block_s = o->sum.block_s * by,
                  .byte_s = o->sum.byte_s,
                  .iterations = o == c ? o->sum.iterations / o->tried
                                       : fmin(o->sum.iterations / o->tried,
                                              (double)c->first->facts.max_iterations),
                  .open = o->sum.open};
}

/* --- All together ----------------------------------------------------------------------------- */

/* What the jobs of a point add to the threads, as those take them: one after the other, whoever is
 * free. Beyond a number that nobody waits through singly they are even. */
static void schedule(double *busy, int threads, int jobs, double each) {
  enum { SINGLY = 4096 };
  int even = jobs > SINGLY ? jobs - SINGLY : 0;
  for (int t = 0; t < threads; t++) busy[t] += each * even / threads;
  for (int j = even; j < jobs; j++) {
    double *least = busy;
    for (int t = 1; t < threads; t++)
      if (busy[t] < *least) least = &busy[t];
    *least += each;
  }
}

typedef struct sums {
  double made_s, writer_s, data_s, bytes;
} sums;

static void add_kind(const estimate *x, const kind *c, double *busy, int threads, sums *sum,
                     sg_duration *out) {
  const sample t = typical(x, c);
  double row = x->detail == SG_DETAIL_SUMMARY ? 0 : row_s;
  out->tried += c->tried;
  out->points += c->count;
  out->at_most |= t.open;
  for (const int *m = c->member; m < c->member + c->count; m++) {
    const sg_planned *p = &x->plan->point[*m];
    sg_replicate varied = sg_point_replicates(p->point);
    int jobs = (x->missing[*m] + p->width - 1) / p->width;
    bool own = varied != SG_REPLICATE_DELAYS;
    schedule(busy, threads, jobs, t.block_s + (own ? t.make_s : t.make_s / jobs));
    if (!own) sum->made_s += t.make_s; /* one at a time, under a lock */
    if (x->detail == SG_DETAIL_WORKER) row = row_s + worker_row_s * p->facts.n_workers;
    sum->writer_s += x->missing[*m] * (run_s + t.iterations * row);
    /* Data are made once for neighbours that have the same. */
    double bytes = p->missing_bytes * (varied == SG_REPLICATE_DATA ? x->missing[*m] : 1);
    bool same = m > c->member && varied != SG_REPLICATE_DATA;
    if (!same && bytes > sum->bytes) {
      sum->bytes = bytes;
      sum->data_s = bytes * (t.byte_s > 0 ? t.byte_s : byte_s);
    }
  }
}

/* How much longer things take by the clock than the processor is at work on them: what was seen
 * while points were tried, but a second may be a bad one: at most what all that want to run have
 * wanted in the last minute. */
static double stretch_of(double clock_s, double processor_s, int threads, int processors) {
  double load, stretch = processor_s > 0.01 ? clock_s / processor_s : 1;
  if (getloadavg(&load, 1) == 1) stretch = fmin(stretch, (load + threads) / processors);
  return fmax(stretch, 1);
}

sg_status sg_duration_estimate(const sg_plan *plan, const int *missing, sg_detail detail,
                               int threads, int processors, sg_duration *out, sg_error *e) {
  estimate x = {.plan = plan, .missing = missing, .detail = detail, .begun_s = sg_seconds_now()};
  /* What was done so far `run` does, too. */
  double planning_s = sg_process_seconds(), tries_s = sg_thread_seconds();
  if (threads > processors) threads = processors;
  if (threads < 1) threads = 1;
  double *busy = calloc((size_t)threads, sizeof *busy);
  sg_status status = busy ? classify(&x, e) : sg_fail_memory(e);
  *out = (sg_duration){0};
  if (!status) {
    sums sum = {0};
    double work = 0, longest = 0;
    try_all(&x);
    while (x.count && sg_seconds_now() - x.begun_s < least_s) continue; /* to see how busy it is */
    double stretch = stretch_of(sg_seconds_now() - x.begun_s, sg_thread_seconds() - tries_s,
                                threads, processors);
    for (int i = 0; i < x.count; i++) add_kind(&x, &x.kind[i], busy, threads, &sum, out);
    for (int t = 0; t < threads; t++) {
      work += busy[t];
      longest = fmax(longest, busy[t]);
    }
    double writing = fmax(sum.writer_s, (work + sum.writer_s) / processors);
    out->seconds = planning_s + sum.data_s + fmax(fmax(longest, sum.made_s), writing);
    out->seconds *= stretch;
    out->guessed = out->tried == 0;
  }
  free(busy);
  free(x.kind);
  free(x.member);
  return status;
}
