/* SPDX-License-Identifier: MIT */
/* Each code at its best parameters: those of its schemes and, where environments are put together,
 * of the sweep, such as the step of the optimiser.
 *
 * The best of many looks better than it is. So replications with even numbers choose, and those
 * with odd numbers, of which the choice knows nothing, are what is reported: medians with intervals
 * of order statistics, and ratios over the baseline's code, at its own best, by pairs of
 * replications. These are valid whatever the two runs of a pair have in common, as pairs are
 * independent of each other. Exact and inexact settings of a code are two rows. */
#include "results/answers/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEASURES = 5 };
static const char *const measure[MEASURES] = {"time_to_target_s", "worker_s_to_target",
                                              "busy_s_to_target", "bytes_to_target",
                                              "samples_to_target"};

/* A code at its best. */
typedef struct tuned {
  int scheme, environment;       /* of the comparison */
  int candidates, reached, runs; /* runs: that are reported */
  sg_interval of[MEASURES];      /* without a target the first is the mean iteration time */
  sg_ratio over;                 /* the baseline's time over this one's */
  bool baseline;
} tuned;

static bool is_reported(const sg_outcome *o) {
  return o->replication % 2 == 1;
}

static bool same_family(const sg_judged *a, const sg_judged *b) {
  return !strcmp(a->point.code, b->point.code) && sg_gives_gradient(a) == sg_gives_gradient(b);
}

/* INFINITY: the run did not get there. */
static double time_of(bool to_target, const sg_outcome *o) {
  double t = to_target ? o->summary.time_to_target_s : o->finished ? o->summary.iter_mean_s : NAN;
  return t > 0 ? t : INFINITY;
}

/* --- Choosing --------------------------------------------------------------------------------- */

typedef struct score {
  int runs, missed;
  double log_time; /* mean over the runs that got there */
} score;

static score score_of(const sg_judged *s, bool to_target) {
  score x = {0};
  double sum = 0;
  for (int i = 0; i < s->n_runs; i++) {
    if (is_reported(&s->run[i])) continue;
    double t = time_of(to_target, &s->run[i]);
    x.runs++;
    x.missed += isinf(t);
    sum += isinf(t) ? 0 : log(t);
  }
  x.log_time = x.runs > x.missed ? sum / (x.runs - x.missed) : INFINITY;
  return x;
}

/* Who misses the target more seldom, then who is faster. */
static bool is_better(const score *a, const score *b) {
  if (a->runs == 0 || b->runs == 0) return a->runs > 0;
  double x = (double)a->missed / a->runs, y = (double)b->missed / b->runs;
  return x != y ? x < y : a->log_time < b->log_time;
}

/* Iterations that do something else are not ranked by their time. */
static bool may_be_chosen(const sg_judged *s, bool to_target) {
  return to_target || sg_gives_gradient(s);
}

/* The best of the family of scheme `first`, which is the first of it in the group; false: none. */
static bool choose(const sg_comparison *c, int n, const int *environment, const sg_judged *first,
                   tuned *out) {
  score best = {0};
  *out = (tuned){.scheme = -1};
  for (int k = 0; k < n; k++) {
    const sg_judged_environment *v = &c->environment[environment[k]];
    for (int i = v->begin; i < v->end; i++) {
      const sg_judged *s = &c->scheme[i];
      if (!same_family(first, s) || !may_be_chosen(s, v->to_target)) continue;
      score x = score_of(s, v->to_target);
      out->candidates++;
      out->baseline |= i == v->baseline;
      if (!is_better(&x, &best)) continue;
      best = x;
      out->scheme = i;
      out->environment = environment[k];
    }
  }
  return out->scheme >= 0;
}

/* --- Measuring -------------------------------------------------------------------------------- */

/* Of the runs that are reported; INFINITY: not reached. */
static int take(const sg_judged *s, bool to_target, int which, double *room) {
  int n = 0;
  for (int i = 0; i < s->n_runs; i++) {
    const sg_outcome *o = &s->run[i];
    const double value[MEASURES] = {
        time_of(to_target, o), s->point.n_workers * o->summary.time_to_target_s,
        o->summary.busy_to_target_s, o->summary.bytes_to_target, o->summary.samples_to_target};
    if (!is_reported(o)) continue;
    bool missed = to_target && isnan(o->summary.time_to_target_s);
    room[n++] = missed ? INFINITY : value[which];
  }
  return n;
}

static void measure_best(const sg_comparison *c, tuned *t, double *room) {
  const sg_judged *s = &c->scheme[t->scheme];
  bool to_target = c->environment[t->environment].to_target;
  for (int k = 0; k < MEASURES; k++) {
    t->of[k] = (sg_interval){NAN, NAN, NAN};
    if (k > 0 && !to_target) continue;
    t->runs = take(s, to_target, k, room);
    bool known = t->runs > 0;
    for (int i = 0; i < t->runs; i++) known &= !isnan(room[i]);
    for (int i = 0; i < t->runs && k == 0; i++) t->reached += !isinf(room[i]);
    if (known) t->of[k] = sg_median_of(t->runs, room);
  }
}

/* Over the baseline, by pairs of replications; censored: no number. */
static void pair_with(const sg_comparison *c, const tuned *base, tuned *t, double *room) {
  const sg_judged *a = &c->scheme[base->scheme], *b = &c->scheme[t->scheme];
  bool to_target = c->environment[t->environment].to_target, censored = false;
  double *x = room, *y = room + a->n_runs;
  int n = 0;
  for (int i = 0, k = 0; i < a->n_runs && k < b->n_runs;) {
    const sg_outcome *of[2] = {&a->run[i], &b->run[k]};
    i += of[0]->replication <= of[1]->replication;
    k += of[1]->replication <= of[0]->replication;
    if (of[0]->replication != of[1]->replication || !is_reported(of[0])) continue;
    x[n] = time_of(to_target, of[0]);
    y[n] = time_of(to_target, of[1]);
    censored |= isinf(x[n]) || isinf(y[n]);
    n++;
  }
  t->over = sg_paired_ratio(censored ? 0 : n, x, y, c->alpha);
  t->over.n = n;
  bool equal = n > 0;
  for (int i = 1; i < n; i++) equal &= x[i] == x[0] && y[i] == y[0];
  if (equal) t->over.low = t->over.high = NAN;
}

static int by_time(const void *a, const void *b) {
  const tuned *p = a, *q = b;
  double x = p->of[0].value, y = q->of[0].value;
  if (x == y) return q->reached - p->reached ? q->reached - p->reached : p->scheme - q->scheme;
  return isnan(x) || x > y ? 1 : -1;
}

/* The codes of a group, the fastest first; how many. left: codes that are not ranked. */
static int tune(const sg_comparison *c, int n, const int *environment, tuned *out, int *left,
                double *room) {
  int found = 0;
  *left = 0;
  for (int k = 0; k < n; k++) {
    const sg_judged_environment *v = &c->environment[environment[k]];
    for (int i = v->begin; i < v->end; i++) {
      bool known = false;
      for (int m = 0; m <= k && !known; m++)
        for (int other = c->environment[environment[m]].begin;
             other < (m == k ? i : c->environment[environment[m]].end) && !known; other++)
          known = same_family(&c->scheme[other], &c->scheme[i]);
      if (known) continue;
      if (choose(c, n, environment, &c->scheme[i], &out[found]))
        measure_best(c, &out[found++], room);
      else
        ++*left;
    }
  }
  const tuned *base = NULL;
  for (int i = 0; i < found && !base; i++)
    if (out[i].baseline) base = &out[i];
  for (int i = 0; i < found; i++) {
    out[i].over = (sg_ratio){.ratio = NAN, .low = NAN, .high = NAN};
    if (base && base != &out[i]) pair_with(c, base, &out[i], room);
  }
  qsort(out, (size_t)found, sizeof *out, by_time);
  return found;
}

/* --- Tables ----------------------------------------------------------------------------------- */

static void put_people(sg_comparing *c, const sg_joined *j, const tuned *b, sg_table *t) {
  const sg_judged *s = &c->found.scheme[b->scheme];
  bool to_target = c->found.environment[b->environment].to_target;
  sg_buffer cell = {0};
  sg_putf(&cell, "%s%s", s->point.scheme_label, sg_gives_gradient(s) ? "" : " ~");
  sg_table_buffer(sg_table_at(t, "scheme"), &cell);
  sg_put_joined_axes(c, j, b->environment, t);
  cell = (sg_buffer){0};
  sg_put_interval(&b->of[0], &cell);
  if (b->reached < b->runs) sg_putf(&cell, " (%d/%d)", b->reached, b->runs);
  sg_table_buffer(sg_table_at(t, to_target ? "time (s) [95 %]" : "iter (s) [95 %]"), &cell);
  cell = (sg_buffer){0};
  if (b->baseline)
    sg_put(&cell, "1 (baseline)");
  else
    sg_put_ratio(&b->over, &cell);
  sg_table_buffer(sg_table_at(t, "speed-up [95 %]"), &cell);
  static const struct {
    const char *name;
    double scale;
  } shown[MEASURES] = {{0}, {"worker-s", 1}, {"busy-s", 1}, {"MB", 1e-6}, {"samples", 1}};
  for (int k = 1; k < MEASURES && to_target; k++) {
    double x = shown[k].scale * b->of[k].value;
    sg_table_number(sg_table_at(t, shown[k].name), isfinite(x) ? x : NAN, 4);
  }
  sg_table_integer(sg_table_at(t, "tried"), b->candidates);
}

static void put_data(sg_comparing *c, const sg_joined *j, int group, int rank, const tuned *b,
                     sg_table *t) {
  const sg_judged *s = &c->found.scheme[b->scheme];
  sg_buffer name = {0};
  sg_table_integer(sg_table_at(t, "group"), group + 1);
  sg_put_group(c, j, group, &name);
  sg_table_buffer(sg_table_at(t, "name"), &name);
  sg_table_integer(sg_table_at(t, "rank"), rank);
  sg_table_text(sg_table_at(t, "code"), s->point.code);
  sg_table_integer(sg_table_at(t, "gives_gradient"), sg_gives_gradient(s));
  sg_table_text(sg_table_at(t, "scheme_label"), s->point.scheme_label);
  sg_put_joined_axes(c, j, b->environment, t);
  sg_table_integer(sg_table_at(t, "point_id"), s->point_id);
  sg_table_integer(sg_table_at(t, "n_workers"), s->point.n_workers);
  sg_table_integer(sg_table_at(t, "is_baseline"), b->baseline);
  sg_table_integer(sg_table_at(t, "candidates"), b->candidates);
  sg_table_integer(sg_table_at(t, "runs"), b->runs);
  bool to_target = c->found.environment[b->environment].to_target;
  sg_table_number(sg_table_at(t, "n_reached"), to_target ? (double)b->reached : NAN, 4);
  const sg_interval none = {NAN, NAN, NAN};
  sg_put_interval_cells(t, "iter_s", to_target ? &none : &b->of[0]);
  for (int k = 0; k < MEASURES; k++)
    sg_put_interval_cells(t, measure[k], to_target || k ? &b->of[k] : &none);
  sg_table_number(sg_table_at(t, "pairs"), b->baseline ? NAN : (double)b->over.n, 4);
  sg_table_number(sg_table_at(t, "speedup"), b->baseline ? 1 : b->over.ratio, 4);
  sg_table_number(sg_table_at(t, "speedup_ci95_low"), b->over.low, 4);
  sg_table_number(sg_table_at(t, "speedup_ci95_high"), b->over.high, 4);
}

/* --- Words ------------------------------------------------------------------------------------ */

/* Whether a value is the least or largest of three or more that the family was tried with. */
static bool at_edge(const sg_comparing *c, int n, const int *environment, const tuned *b,
                    const sg_setting *axis) {
  char *end;
  double chosen = strtod(axis->value, &end);
  bool below = false, above = false, more = false;
  if (*end) return false;
  double other = NAN;
  for (int k = 0; k < n; k++) {
    const sg_judged_environment *v = &c->found.environment[environment[k]];
    for (int i = v->begin; i < v->end; i++) {
      const sg_judged *s = &c->found.scheme[i];
      sg_setting has = {0};
      bool found = false;
      if (!same_family(s, &c->found.scheme[b->scheme])) continue;
      for (int m = 0; !found && sg_names_axis(&c->names, s->point_id, m, &has); m++)
        found = !strcmp(has.name, axis->name);
      double x = found ? strtod(has.value, NULL) : NAN;
      if (isnan(x) || x == chosen) continue;
      more |= !isnan(other) && x != other;
      other = x;
      below |= x < chosen;
      above |= x > chosen;
    }
  }
  return more && below != above;
}

static void put_edges(const sg_comparing *c, int n, const int *environment, int found,
                      const tuned *best, sg_buffer *out) {
  int shown = 0;
  for (int i = 0; i < found; i++) {
    const sg_judged *s = &c->found.scheme[best[i].scheme];
    sg_setting axis;
    for (int m = 0; sg_names_axis(&c->names, s->point_id, m, &axis); m++) {
      if (!at_edge(c, n, environment, &best[i], &axis)) continue;
      sg_putf(out, "%s%s (%s = ", shown++ ? ", " : " At the edge of the values tried: ",
              s->point.scheme_label, axis.name);
      sg_put_setting(axis.value, out);
      sg_put(out, ")");
    }
  }
  if (shown) sg_put(out, "; more values may be better.");
}

static void put_words(const sg_comparing *c, int n, const int *environment, int found,
                      const tuned *best, int left, sg_buffer *out) {
  sg_buffer text = {0}, clean = {0};
  bool to_target = found && c->found.environment[best[0].environment].to_target, inexact = false;
  for (int i = 0; i < found; i++) inexact |= !sg_gives_gradient(&c->found.scheme[best[i].scheme]);
  sg_putf(&text,
          "Each code at its best of those tried, as replications with even numbers say; the "
          "numbers are medians%s over the others, which did not choose. worker-s: workers times "
          "seconds; busy-s: of these computing; MB: put on any uplink and broadcast.",
          to_target ? " to the target" : "");
  if (inexact) sg_put(&text, " ~: not the exact gradient of the current model.");
  if (left)
    sg_putf(&text,
            " %d code%s that do%s not give the exact gradient %s left out: without a target loss "
            "times of iterations are not comparable.",
            left, left == 1 ? "" : "s", left == 1 ? "es" : "", left == 1 ? "is" : "are");
  put_edges(c, n, environment, found, best, &text);
  if (text.data && !text.failed) sg_put_clean(&clean, text.data, text.length, "", '?');
  out->failed |= text.failed || clean.failed;
  if (clean.data && !clean.failed) sg_put_paragraph(clean.data, c->options->width, out);
  sg_buffer_free(&clean);
  sg_buffer_free(&text);
}

/* --- All -------------------------------------------------------------------------------------- */

static sg_status print_group(sg_comparing *c, const sg_joined *j, int group, int n,
                             const int *environment, int found, const tuned *best, int left,
                             sg_buffer *out, sg_error *e) {
  bool text = c->options->format == SG_FORMAT_TEXT;
  sg_buffer name = {0};
  sg_put_group(c, j, group, &name);
  sg_putf(out, "%s%s%s", c->options->format == SG_FORMAT_LATEX ? "% " : "",
          name.data ? name.data : "", text ? "\n" : ":\n\n");
  out->failed |= name.failed;
  sg_buffer_free(&name);
  sg_status status = text ? sg_put_joined(c, j, group, c->options->width, out, e) : SG_OK;
  sg_table *t = sg_table_new(0, NULL);
  for (int i = 0; i < found && t; i++) put_people(c, j, &best[i], t);
  if (!t) status = sg_fail_memory(e);
  if (!status && found) {
    sg_put(out, text ? "\n" : "");
    sg_table_print(t, c->options->format, c->options->width, out);
    sg_put(out, text ? "\n" : "");
  }
  sg_table_free(t);
  if (!status && text) put_words(c, n, environment, found, best, left, out);
  return status;
}

static sg_status for_all(sg_comparing *c, const sg_joined *j, sg_table *data, sg_buffer *out,
                         sg_error *e) {
  int most = 1;
  for (int i = 0; i < c->found.n; i++)
    if (c->found.scheme[i].n_runs > most) most = c->found.scheme[i].n_runs;
  int *of = calloc((size_t)c->found.n_environments + 1, sizeof *of);
  tuned *best = calloc((size_t)c->found.n + 1, sizeof *best);
  double *room = calloc(2 * (size_t)most, sizeof *room);
  sg_status status = of && best && room ? SG_OK : sg_fail_memory(e);
  for (int g = 0; g < j->n && !status; g++) {
    int left, n = sg_joined_of(c, j, g, of);
    int found = tune(&c->found, n, of, best, &left, room);
    for (int i = 0; i < found && data; i++) put_data(c, j, g, i + 1, &best[i], data);
    if (data) continue;
    sg_put(out, g ? "\n" : "");
    status = print_group(c, j, g, n, of, found, best, left, out, e);
  }
  free(room);
  free(best);
  free(of);
  return status;
}

/* Both halves must have runs. */
static sg_status check_halves(const sg_comparison *c, sg_error *e) {
  bool half[2] = {false, false};
  for (int i = 0; i < c->n; i++)
    for (int k = 0; k < c->scheme[i].n_runs; k++) half[is_reported(&c->scheme[i].run[k])] = true;
  if (c->n == 0 || (half[0] && half[1])) return SG_OK;
  return sg_fail(e, SG_INVALID, NULL,
                 "expected replications with even and with odd numbers, which choose and are "
                 "reported; found one kind alone: run with \"replications\" of 2 or more");
}

sg_status sg_print_tuned(sg_comparing *c, sg_buffer *out, sg_error *e) {
  const sg_compare_options *o = c->options;
  sg_joined j = {0};
  bool data = o->columns || o->sort || o->format == SG_FORMAT_CSV || o->format == SG_FORMAT_JSON;
  sg_table *t = data ? sg_table_new(0, NULL) : NULL;
  sg_status status = data && !t ? sg_fail_memory(e) : check_halves(&c->found, e);
  if (!status) status = sg_join(c, o->across, &j, e);
  if (!status) status = for_all(c, &j, t, out, e);
  if (!status && data) status = sg_print_data(c, t, out, e);
  sg_table_free(t);
  sg_joined_clear(&j);
  return status;
}
