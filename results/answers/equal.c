/* SPDX-License-Identifier: MIT */
/* Points at equal batch, time or work: what an update, a sample, or the way to the target loss
 * costs, also where points differ in the number of workers. There are no verdicts: what an update
 * is worth depends on more than its samples, and intervals are of each point by itself. */
#include "results/answers/compare.h"

#include "sim/core/array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Updates use as many samples where these differ by at most that share. */
#define SAME_BATCH 0.01

/* --- Means and medians with intervals --------------------------------------------------------- */

static void put_four_digits(double x, sg_buffer *out) {
  sg_putf(out, fabs(x) < 999.95 ? "%#.4g" : "%.4g", x);
}

void sg_put_interval(const sg_interval *x, sg_buffer *out) {
  bool unknown = isnan(x->value) || (isinf(x->value) && !isfinite(x->low));
  if (unknown) {
    sg_put(out, "—");
    return;
  }
  sg_put(out, isinf(x->value) ? "> " : "");
  put_four_digits(isinf(x->value) ? x->low : x->value, out);
  if (isinf(x->value) || isnan(x->low)) return;
  sg_put(out, " [");
  put_four_digits(x->low, out);
  sg_put(out, ", ");
  if (isinf(x->high))
    sg_put(out, "–");
  else
    put_four_digits(x->high, out);
  sg_put(out, "]");
}

sg_interval sg_mean_of(int n, const double *x) {
  sg_moments m = {0};
  for (int i = 0; i < n; i++) sg_moments_add(&m, x[i]);
  sg_interval out = {sg_moments_mean(&m), NAN, NAN};
  if (n < SG_FEWEST_PAIRS || m.min == m.max) return out;
  double half = sg_t_quantile(0.975, n - 1) * sg_moments_sd(&m) / sqrt(n);
  return (sg_interval){out.value, out.value - half, out.value + half};
}

sg_interval sg_median_of(int n, double *x) {
  sg_sort_doubles(x, (size_t)n);
  sg_median m = sg_median_interval(x, n, 0.05);
  /* Runs that do not differ at all (replayed or fixed times) say nothing of chance. */
  if (n > 0 && x[0] == x[n - 1]) m.low = m.high = NAN;
  return (sg_interval){m.median, m.low, m.high};
}

void sg_put_interval_cells(sg_table *t, const char *name, const sg_interval *x) {
  static const char *const ending[] = {"", "_low", "_high"};
  const double value[] = {x->value, x->low, x->high};
  for (int k = 0; k < 3; k++) {
    char column[96];
    snprintf(column, sizeof column, "%s%s", name, ending[k]);
    sg_table_number(sg_table_at(t, column), isfinite(value[k]) ? value[k] : NAN, 4);
  }
}

/* --- A point ---------------------------------------------------------------------------------- */

typedef struct point_cost {
  int scheme, environment, batch;
  bool to_target;
  double samples;                           /* of an update, mean over runs */
  sg_interval update_s, sample_s, worker_s; /* worker_s: worker-seconds of a sample */
  sg_interval busy_s;                       /* of these, computing */
  sg_interval target_s, target_worker_s;    /* medians */
  double order;                             /* what is equalised goes by it */
} point_cost;

/* One number of each run that finished; how many. */
static int take(const sg_judged *s, double (*of)(const sg_judged *, const sg_outcome *),
                double *room) {
  int n = 0;
  for (int i = 0; i < s->n_runs; i++) {
    double x = s->run[i].finished ? of(s, &s->run[i]) : NAN;
    if (!isnan(x)) room[n++] = x;
  }
  return n;
}

static double update_of(const sg_judged *s, const sg_outcome *o) {
  return o->summary.iter_mean_s;
}

/* Where only times are simulated, what an update uses is a mean over all runs. */
static double samples_of(const sg_judged *s, const sg_outcome *o) {
  double x = s->point.timing_only ? sg_samples(s) : o->summary.samples_per_iter;
  return x > 0 ? x : NAN;
}

static double sample_s_of(const sg_judged *s, const sg_outcome *o) {
  return o->summary.iter_mean_s / samples_of(s, o);
}

static double worker_s_of(const sg_judged *s, const sg_outcome *o) {
  return o->summary.worker_seconds_per_iter / samples_of(s, o);
}

static double busy_s_of(const sg_judged *s, const sg_outcome *o) {
  return o->summary.busy_s_per_iter / samples_of(s, o);
}

/* Of all runs; who did not get there is later than all others. */
static sg_interval to_target(const sg_judged *s, double factor, double *room) {
  for (int i = 0; i < s->n_runs; i++) {
    double t = s->run[i].summary.time_to_target_s;
    room[i] = isnan(t) ? INFINITY : factor * t;
  }
  return sg_median_of(s->n_runs, room);
}

static point_cost cost_of(const sg_comparing *c, int environment, int i, double *room) {
  const sg_judged *s = &c->found.scheme[i];
  point_cost p = {.scheme = i,
                  .environment = environment,
                  .to_target = c->found.environment[environment].to_target,
                  .target_s = {NAN, NAN, NAN},
                  .target_worker_s = {NAN, NAN, NAN}};
  p.samples = sg_mean_of(take(s, samples_of, room), room).value;
  p.update_s = sg_mean_of(take(s, update_of, room), room);
  p.sample_s = sg_mean_of(take(s, sample_s_of, room), room);
  p.worker_s = sg_mean_of(take(s, worker_s_of, room), room);
  p.busy_s = sg_mean_of(take(s, busy_s_of, room), room);
  if (p.to_target) {
    p.target_s = to_target(s, 1, room);
    p.target_worker_s = to_target(s, s->point.n_workers, room);
  }
  const char *equal = c->options->equal;
  if (!strcmp(equal, "work"))
    p.order = p.to_target ? p.target_worker_s.value : p.worker_s.value;
  else if (p.to_target)
    p.order = p.target_s.value;
  else
    p.order = strcmp(equal, "batch") ? p.sample_s.value : p.update_s.value;
  return p;
}

/* --- A group ---------------------------------------------------------------------------------- */

static int by_batch(const void *a, const void *b) {
  const point_cost *p = a, *q = b;
  if (isnan(p->samples) || isnan(q->samples)) return isnan(p->samples) - isnan(q->samples);
  if (p->samples != q->samples) return p->samples < q->samples ? -1 : 1;
  return p->scheme - q->scheme;
}

static int by_order(const void *a, const void *b) {
  const point_cost *p = a, *q = b;
  if (p->batch != q->batch) return p->batch - q->batch;
  if (isnan(p->order) || isnan(q->order)) return isnan(p->order) - isnan(q->order);
  if (p->order != q->order) return p->order < q->order ? -1 : 1;
  return p->scheme - q->scheme;
}

/* Numbers the batches from 1, the smallest first; 0: no other point uses as many samples. */
static void find_batches(int n, point_cost *p) {
  int batches = 0;
  qsort(p, (size_t)n, sizeof *p, by_batch);
  for (int i = 0, k; i < n; i += k) {
    for (k = 1; i + k < n && p[i + k].samples <= p[i].samples * (1 + SAME_BATCH); k++) {
    }
    int number = k > 1 ? ++batches : 0;
    for (int m = i; m < i + k; m++) p[m].batch = number;
  }
}

/* The points of a group in their order; how many. */
static int collect(const sg_comparing *c, int n, const int *environment, point_cost *p,
                   double *room) {
  int found = 0;
  for (int k = 0; k < n; k++) {
    const sg_judged_environment *v = &c->found.environment[environment[k]];
    for (int i = v->begin; i < v->end; i++) p[found++] = cost_of(c, environment[k], i, room);
  }
  if (!strcmp(c->options->equal, "batch")) find_batches(found, p);
  qsort(p, (size_t)found, sizeof *p, by_order);
  return found;
}

/* Seconds are of one sample in CSV and JSON, of 1000 for people, and of a subset where there are
 * no samples. */
static double scale_of(const sg_judged *s) {
  return s->point.timing_only ? 1 : 1000;
}

static void put_scaled(sg_table *t, const sg_interval *x, double scale) {
  sg_buffer cell = {0};
  const sg_interval scaled = {scale * x->value, scale * x->low, scale * x->high};
  sg_put_interval(&scaled, &cell);
  sg_table_buffer(t, &cell);
}

static void put_people(sg_comparing *c, const sg_joined *j, const point_cost *p, sg_table *t) {
  const sg_judged *s = &c->found.scheme[p->scheme];
  const char *equal = c->options->equal, *unit = s->point.timing_only ? "subset" : "1000 samples";
  bool batch = !strcmp(equal, "batch"), work = !strcmp(equal, "work");
  char name[64];
  sg_buffer label = {0};
  sg_putf(&label, "%s%s", s->point.scheme_label, sg_gives_gradient(s) ? "" : " ~");
  sg_table_buffer(sg_table_at(t, "scheme"), &label);
  sg_put_joined_axes(c, j, p->environment, t);
  if (!sg_joined_by_workers(c, j)) sg_table_integer(sg_table_at(t, "workers"), s->point.n_workers);
  snprintf(name, sizeof name, "%s/iter", sg_samples_unit(s));
  sg_table_number(sg_table_at(t, name), p->samples, 4);
  if (p->to_target)
    put_scaled(sg_table_at(t, work ? "worker-s to loss [95 %]" : "time (s) [95 %]"),
               work ? &p->target_worker_s : &p->target_s, 1);
  if (batch) put_scaled(sg_table_at(t, "iter (s) [95 %]"), &p->update_s, 1);
  snprintf(name, sizeof name, "%ss/%s%s", work ? "worker-" : "", unit, batch ? "" : " [95 %]");
  if (batch)
    sg_table_number(sg_table_at(t, name), scale_of(s) * p->sample_s.value, 4);
  else
    put_scaled(sg_table_at(t, name), work ? &p->worker_s : &p->sample_s, scale_of(s));
  snprintf(name, sizeof name, "%s-s/%s", work ? "busy" : "worker", unit);
  sg_table_number(sg_table_at(t, name), scale_of(s) * (work ? p->busy_s.value : p->worker_s.value),
                  4);
  if (!batch) sg_table_number(sg_table_at(t, "iter (s)"), p->update_s.value, 4);
  sg_table_integer(sg_table_at(t, "runs"), s->n_runs);
}

static void put_data(sg_comparing *c, const sg_joined *j, int group, int rank, const point_cost *p,
                     sg_table *t) {
  const sg_judged *s = &c->found.scheme[p->scheme];
  sg_buffer name = {0};
  sg_table_integer(sg_table_at(t, "group"), group + 1);
  sg_put_group(c, j, group, &name);
  sg_table_buffer(sg_table_at(t, "name"), &name);
  sg_table_text(sg_table_at(t, "equal"), c->options->equal);
  sg_table_number(sg_table_at(t, "batch"), p->batch ? (double)p->batch : NAN, 4);
  sg_table_integer(sg_table_at(t, "rank"), rank);
  sg_put_joined_axes(c, j, p->environment, t);
  sg_table_text(sg_table_at(t, "scheme_label"), s->point.scheme_label);
  sg_table_text(sg_table_at(t, "code"), s->point.code);
  sg_table_integer(sg_table_at(t, "point_id"), s->point_id);
  sg_table_integer(sg_table_at(t, "gives_gradient"), sg_gives_gradient(s));
  sg_table_integer(sg_table_at(t, "n_workers"), s->point.n_workers);
  sg_table_integer(sg_table_at(t, "runs"), s->n_runs);
  sg_table_number(sg_table_at(t, "n_reached"), p->to_target ? (double)s->n_reached : NAN, 4);
  sg_table_text(sg_table_at(t, "unit"), sg_samples_unit(s));
  sg_table_number(sg_table_at(t, "samples_per_iter"), p->samples, 4);
  sg_put_interval_cells(t, "iter_s", &p->update_s);
  sg_put_interval_cells(t, "sample_s", &p->sample_s);
  sg_put_interval_cells(t, "worker_s_per_sample", &p->worker_s);
  sg_put_interval_cells(t, "busy_s_per_sample", &p->busy_s);
  sg_put_interval_cells(t, "time_to_target_s", &p->target_s);
  sg_put_interval_cells(t, "worker_s_to_target", &p->target_worker_s);
}

/* --- Words ------------------------------------------------------------------------------------ */

static const char *ordered_by(const sg_comparing *c, const point_cost *p) {
  const char *equal = c->options->equal;
  if (p->to_target)
    return strcmp(equal, "work") ? "time to the target loss" : "worker-seconds to the target loss";
  return !strcmp(equal, "batch")  ? "time of an update"
         : !strcmp(equal, "time") ? "time per sample used"
                                  : "worker-seconds per sample used";
}

static void put_alone(const sg_comparing *c, const sg_joined *j, int n, const point_cost *p,
                      sg_buffer *out) {
  int alone = 0;
  for (int i = 0; i < n; i++) alone += p[i].batch == 0;
  if (alone)
    sg_putf(out, " %d point%s left out, as no other uses as many: the first %s (%.4g).", alone,
            alone == 1 ? " is" : "s are", c->found.scheme[p[0].scheme].point.scheme_label,
            p[0].samples);
}

static void put_words(const sg_comparing *c, const sg_joined *j, int n, const point_cost *p,
                      sg_buffer *out) {
  const char *equal = c->options->equal;
  sg_buffer text = {0};
  int inexact = 0;
  for (int i = 0; i < n; i++) inexact += !sg_gives_gradient(&c->found.scheme[p[i].scheme]);
  if (!strcmp(equal, "batch")) {
    sg_putf(&text, "Equal batch: points whose updates use as many %s, within %g %%; ordered by %s.",
            sg_samples_unit(&c->found.scheme[p[0].scheme]), 100 * SAME_BATCH, ordered_by(c, &p[0]));
    put_alone(c, j, n, p, &text);
  } else {
    sg_putf(&text,
            !strcmp(equal, "time")
                ? "Equal time: ordered by %s, whatever an update uses and how many workers there "
                  "are."
                : "Equal work: ordered by %s: workers times seconds, what is paid for whether they "
                  "compute or wait (busy: of these, computing).",
            ordered_by(c, &p[0]));
  }
  sg_put(&text, " There is no verdict: each interval is of its point alone (of a mean by "
                "Student's t, of a median by order statistics), and says nothing of a difference.");
  if (inexact && !p[0].to_target)
    sg_put(&text, " ~: not the exact gradient of the current model; what such samples are worth "
                  "only a target loss (stop.target_loss) says.");
  out->failed |= text.failed;
  if (!text.failed) sg_put_paragraph(text.data, c->options->width, out);
  sg_buffer_free(&text);
}

/* --- All -------------------------------------------------------------------------------------- */

/* A table of the group's points, but those that are alone in their batch. */
static sg_status print_group(sg_comparing *c, const sg_joined *j, int group, int n,
                             const point_cost *p, sg_buffer *out, sg_error *e) {
  bool batch = !strcmp(c->options->equal, "batch"), text = c->options->format == SG_FORMAT_TEXT;
  int left = 0;
  sg_buffer name = {0};
  sg_put_group(c, j, group, &name);
  sg_putf(out, text ? "%s%s%s\n" : "%s%s%s\n\n", c->options->format == SG_FORMAT_LATEX ? "% " : "",
          name.data ? name.data : "", text ? "" : ":");
  out->failed |= name.failed;
  sg_buffer_free(&name);
  sg_status status = text ? sg_put_joined(c, j, group, c->options->width, out, e) : SG_OK;
  for (int i = 0; i < n && !status;) {
    sg_table *t = sg_table_new(0, NULL);
    int number = p[i].batch;
    for (; i < n && p[i].batch == number; i++)
      if (!batch || number) put_people(c, j, &p[i], t);
    if (!t) status = sg_fail_memory(e);
    if (t && sg_table_rows(t) > 0) {
      sg_put(out, text ? "\n" : "");
      if (text) left = sg_table_narrow(t, c->options->width > 0 ? c->options->width : 100, 4);
      sg_table_print(t, c->options->format, c->options->width, out);
      sg_put(out, text || i >= n ? "" : "\n");
    }
    sg_table_free(t);
  }
  if (text && !status) {
    sg_put(out, "\n");
    put_words(c, j, n, p, out);
    if (left) sg_putf(out, "%d more columns: a wider terminal, or --format csv.\n", left);
  }
  return status;
}

static sg_status for_all(sg_comparing *c, const sg_joined *j, sg_table *data, sg_buffer *out,
                         sg_error *e) {
  int most = 1;
  for (int i = 0; i < c->found.n; i++)
    if (c->found.scheme[i].n_runs > most) most = c->found.scheme[i].n_runs;
  int *of = calloc((size_t)c->found.n_environments + 1, sizeof *of);
  point_cost *p = calloc((size_t)c->found.n + 1, sizeof *p);
  double *room = calloc((size_t)most, sizeof *room);
  sg_status status = of && p && room ? SG_OK : sg_fail_memory(e);
  for (int g = 0; g < j->n && !status; g++) {
    int n = collect(c, sg_joined_of(c, j, g, of), of, p, room);
    for (int i = 0; i < n && data; i++) put_data(c, j, g, i + 1, &p[i], data);
    if (data) continue;
    sg_put(out, g ? "\n" : "");
    status = print_group(c, j, g, n, p, out, e);
  }
  free(room);
  free(p);
  free(of);
  return status;
}

sg_status sg_print_equal(sg_comparing *c, sg_buffer *out, sg_error *e) {
  const sg_compare_options *o = c->options;
  sg_joined j = {0};
  bool data = o->columns || o->sort || o->format == SG_FORMAT_CSV || o->format == SG_FORMAT_JSON;
  sg_table *t = data ? sg_table_new(0, NULL) : NULL;
  sg_status status = data && !t ? sg_fail_memory(e) : sg_join(c, o->across, &j, e);
  if (!status) status = for_all(c, &j, t, out, e);
  if (!status && data) status = sg_print_data(c, t, out, e);
  sg_table_free(t);
  sg_joined_clear(&j);
  return status;
}
