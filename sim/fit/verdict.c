/* SPDX-License-Identifier: MIT */
/* What the numbers mean, in words. */
#include "sim/fit/internal.h"

#include "sim/core/array.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_fit_warning_names[SG_FIT_WARNINGS] = {
    "persistent", "change",   "memory",     "common",  "stalls",
    "clustered",  "periodic", "heavy-tail", "barrier", "short"};

__attribute__((format(printf, 3, 4))) static void warn(sg_fit *f, sg_fit_warning which,
                                                       const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (vasprintf(&f->warning[which], format, args) < 0) f->warning[which] = NULL;
  va_end(args);
  f->warned[which] = true;
}

/* That no test tells, and how often it is said wrongly: docs/validation.md. */
#define LOOKS_THE_SAME                                                                             \
  "a slow state as long as the trace cannot be told from a worker slow for good"

/* The slowest worker behind that one, of equal ones in order; last < 0: of all. */
static int next_slowest(const sg_fit_structure *s, int last) {
  const double *x = s->factor;
  int next = -1;
  for (int w = 0; w < s->workers; w++) {
    if (last >= 0 && (x[w] > x[last] || (x[w] == x[last] && w <= last))) continue;
    if (next < 0 || x[w] > x[next]) next = w;
  }
  return next;
}

/* Those that take longer than the median worker by a tenth and beyond chance, at least the
 * slowest. */
static void put_slow_workers(const sg_fit *f, double usual, sg_buffer *b) {
  enum { NAMED = 12 };
  const sg_fit_structure *s = f->structure;
  double least = usual * fmax(1.1, exp(4 * s->level_error));
  int slow = 0;
  for (int w = 0; w < s->workers; w++) slow += s->factor[w] > least;
  if (slow == 0) slow = 1;
  sg_putf(b, "; slower than the median worker: %s ", slow > 1 ? "workers" : "worker");
  for (int k = 0, w = -1; k < slow && k < NAMED; k++) {
    w = next_slowest(s, w);
    sg_putf(b, "%s%lld (%.3g times)", k ? ", " : "", f->trace->worker_name[w],
            s->factor[w] / usual);
  }
  if (slow > NAMED) sg_putf(b, " and %d more", slow - NAMED);
}

static void warn_of_persistence(sg_fit *f, double *factor) {
  const sg_fit_structure *s = f->structure;
  int n = s->workers;
  sg_buffer b = {0};
  memcpy(factor, s->factor, (size_t)n * sizeof *factor);
  sg_sort_doubles(factor, (size_t)n);
  sg_putf(
      &b,
      "persistent workers: the workers are %.0f %% of the variance (chance: below %.1f %%); the "
      "slowest takes %.3g times as long as the fastest",
      100 * s->worker.value, 100 * s->worker.chance, factor[n - 1] / factor[0]);
  put_slow_workers(f, n % 2 ? factor[n / 2] : (factor[n / 2 - 1] + factor[n / 2]) / 2, &b);
  if (!b.failed)
    warn(f, SG_FIT_PERSISTENT,
         "%s. An independent model spreads this slowness over all workers, and ranks codes "
         "wrongly; " LOOKS_THE_SAME,
         b.data);
  sg_buffer_free(&b);
}

static void warn_of_workers(sg_fit *f) {
  const sg_fit_structure *s = f->structure;
  if (s->parts.persistent) {
    double *factor = malloc((size_t)s->workers * sizeof *factor);
    f->warned[SG_FIT_PERSISTENT] = true;
    if (factor) warn_of_persistence(f, factor);
    free(factor);
  }
  if (s->parts.change)
    warn(f, SG_FIT_CHANGE,
         "change: worker %lld takes %.3g times as long from row %ld of %ld on (p = %.1g); nothing "
         "that is stationary describes that; " LOOKS_THE_SAME,
         f->trace->worker_name[s->change_worker], s->change_ratio, s->change_at + 1, s->iterations,
         s->change_p);
}

/* As many as stall together may share a machine. */
static void warn_of_clusters(sg_fit *f) {
  const sg_fit_structure *s = f->structure;
  sg_buffer b = {0};
  for (int g = 1; g <= s->groups; g++) {
    int named = 0;
    for (int w = 0; w < s->workers; w++)
      if (s->group[w] == g)
        sg_putf(&b, "%s%lld", named++ ? ", " : "; together: workers ", f->trace->worker_name[w]);
  }
  f->warned[SG_FIT_CLUSTERED] = true;
  if (!b.failed)
    warn(f, SG_FIT_CLUSTERED,
         "clustered stalls: %.2g workers stall at once (single stalls: %.2g); a code that survives "
         "s "
         "stragglers does not survive those%s",
         s->together, s->together_chance, b.data ? b.data : "");
  sg_buffer_free(&b);
}

static void warn_of_iterations(sg_fit *f) {
  const sg_fit_structure *s = f->structure;
  if (s->parts.memory)
    warn(f, SG_FIT_MEMORY,
         "memory: the autocorrelation of a worker's times from one iteration to the next is %.2f "
         "(chance: below %.2f); slow workers stay slow for a while, which a block of %ld "
         "iterations keeps",
         s->memory.value, s->memory.chance, s->block);
  if (s->parts.common)
    warn(f, SG_FIT_COMMON,
         "common factor: the iteration is %.0f %% of the variance (chance: below %.1f %%): workers "
         "are slow together, and no code helps against that",
         100 * s->iteration.value, 100 * s->iteration.chance);
  if (s->parts.stalls)
    warn(f, SG_FIT_STALLS,
         "stalls: %ld times (%.2g %%) are more than %.2g times the usual, %.3g times in the mean",
         s->stalls, 100 * s->stall_share, s->threshold, s->stall_ratio);
  if (s->parts.clustered) warn_of_clusters(f);
  if (s->parts.periodic)
    warn(f, SG_FIT_PERIODIC,
         "periodic: %ld of %ld slow iterations are rows %ld, %ld, %ld and so on, every %ld (p = "
         "%.1g); "
         "look for what the program does then, such as checkpoints. Only replay keeps that",
         s->period_hits, s->slow_rows, s->period_at + 1, s->period_at + s->period + 1,
         s->period_at + 2 * s->period + 1, s->period, s->period_p);
  if (s->tail > 0.15 && s->tail > 3 * s->tail_error)
    warn(f, SG_FIT_HEAVY_TAIL,
         "heavy tail: tail index ξ = %.2f ± %.2f, like a Pareto law of shape %.2g%s", s->tail,
         s->tail_error, 1 / s->tail,
         s->tail > 0.5 ? "; the variance may not exist, and means converge slowly" : "");
}

static void warn_of_data(sg_fit *f) {
  const sg_fit_structure *s = f->structure;
  if (s->equal_rows > 0.5 && s->iteration_sd > 0)
    warn(f, SG_FIT_BARRIER,
         "barrier: in %.0f %% of the iterations all workers have the same time within 1 %%: the "
         "times include waiting for the slowest, and say nothing about stragglers. Measure before "
         "the collective operation",
         100 * s->equal_rows);
  bool few = s->iterations < 30 || s->workers < 3 || s->iterations * s->workers < 200;
  if (few)
    warn(f, SG_FIT_SHORT,
         "too short: %ld iterations of %d workers; memory, stalls and tails cannot be seen in less "
         "than 30 iterations, 3 workers and 200 times",
         s->iterations, s->workers);
  else if (!s->settled)
    warn(f, SG_FIT_SHORT,
         "too short for its memory: slowness lasts so long that %ld iterations do not tell whether "
         "workers differ or change for good, nor for how long they are slow; " LOOKS_THE_SAME,
         s->iterations);
}

/* What speaks against independent delays of one law: the first of the warnings. */
static const char *const reasons[] = {[SG_FIT_PERSISTENT] = "workers differ for good",
                                      [SG_FIT_CHANGE] = "a worker changes its speed",
                                      [SG_FIT_MEMORY] = "slow workers stay slow for a while",
                                      [SG_FIT_COMMON] = "workers are slow together",
                                      [SG_FIT_STALLS] = "there are stalls",
                                      [SG_FIT_CLUSTERED] = "stalls come together",
                                      [SG_FIT_PERIODIC] = "slow iterations come in time"};
enum { REASONS = sizeof reasons / sizeof *reasons };

static int reasons_of(const sg_fit *f) {
  int total = 0;
  for (int i = 0; i < REASONS; i++) total += f->warned[i];
  return total;
}

/* "a, b and c" */
static void put_reasons(const sg_fit *f, sg_buffer *b) {
  for (int i = 0, done = 0; i < REASONS; i++) {
    if (!f->warned[i]) continue;
    done++;
    sg_putf(b, "%s%s", done == 1 ? "" : done == reasons_of(f) ? " and " : ", ", reasons[i]);
  }
}

static void put_deviation(const sg_fit *f, int model, sg_buffer *b) {
  double d = fit_deviation(f, model);
  if (isnan(d))
    sg_put(b, "has no iteration times");
  else if (d < 10)
    sg_putf(b, "misses the trace's iteration times by up to %.2g %%", 100 * d);
  else
    sg_put(b, "misses the trace's iteration times by more than tenfold");
}

/* What the literature would have taken. */
static void put_usual(const sg_fit *f, sg_buffer *b) {
  for (int i = 0; i < f->n_laws; i++) {
    if (strcmp(f->law[i].type->model, "shifted-exponential") != 0 || i == f->best) continue;
    sg_put(b, " The usual fit, a shifted exponential, ");
    put_deviation(f, i, b);
    sg_put(b, ".");
  }
}

static void put_independent(const sg_fit *f, sg_buffer *b) {
  const sg_fitted *law = &f->law[f->best];
  if (!law->ok) {
    sg_put(b, "The times are all equal: a deterministic delay.");
    return;
  }
  if (law->ad_p < 0.01)
    sg_putf(b,
            "Nothing speaks against independent delays, but no law fits well; the nearest is %s "
            "(Anderson–Darling p = %.2g). Resample the trace instead of a law.",
            law->type->name, law->ad_p);
  else
    sg_putf(b, "The measurements support independent delays with a %s law", law->type->name);
  if (isnan(law->ad_p))
    sg_put(b, ". (Whether it fits was not tested.)");
  else if (!(law->ad_p < 0.01))
    sg_putf(b, " (Anderson–Darling p = %.2g).", law->ad_p);
  sg_put(b, " That law ");
  put_deviation(f, f->best, b);
  sg_put(b, ".");
  put_usual(f, b);
}

/* The structured model is recommended when it comes near, the trace itself where it does not. */
static void put_dependent(sg_fit *f, sg_buffer *b) {
  sg_put(b, "The measurements do not support independent delays: ");
  put_reasons(f, b);
  sg_putf(b, ". The best independent law, %s, ", f->law[f->best].type->name);
  put_deviation(f, f->best, b);
  if (f->structure->stationary) {
    sg_put(b, "; the structured model ");
    put_deviation(f, f->structured, b);
  } else {
    sg_putf(b,
            "; no structured model, whose slow states would have to be guessed (%.0f of them end "
            "in the trace)",
            f->structure->recoveries);
  }
  double d = fit_deviation(f, f->structured);
  bool near = d <= 0.05 && !f->warned[SG_FIT_CHANGE] && f->structure->stationary;
  f->recommended = near ? f->structured : f->bootstrap;
  sg_put(b, ".");
  put_usual(f, b);
  sg_put(b, near ? " Use the structured model, or the trace itself by block-bootstrap."
                 : " Use the trace itself by block-bootstrap.");
}

sg_status fit_verdict(sg_fit *f, sg_error *e) {
  warn_of_data(f);
  if (!f->warned[SG_FIT_BARRIER]) {
    warn_of_workers(f);
    warn_of_iterations(f);
  }
  sg_buffer b = {0};
  f->recommended = f->law[f->best].ok && !(f->law[f->best].ad_p < 0.01) ? f->best : f->bootstrap;
  if (f->warned[SG_FIT_BARRIER]) {
    sg_put(&b, "These are times behind a barrier: no model of stragglers follows from them. "
               "Measure each worker's own computation.");
    f->recommended = f->bootstrap;
  } else if (reasons_of(f) > 0) {
    put_dependent(f, &b);
  } else {
    put_independent(f, &b);
  }
  if (!f->model[f->recommended].scenario) f->recommended = f->bootstrap;
  if (f->warned[SG_FIT_SHORT]) sg_put(&b, " All this is weak: the trace is short.");
  f->verdict = b.data;
  bool ok = !b.failed;
  for (int i = 0; i < SG_FIT_WARNINGS; i++) ok = ok && (f->warning[i] || !f->warned[i]);
  return ok ? SG_OK : sg_fail_memory(e);
}
