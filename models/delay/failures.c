/* SPDX-License-Identifier: MIT */
/* Crashes and erasures: which messages never come. */
#include "models/delay/failures.h"
#include "sim/core/classes.h"

#include <math.h>
#include <stdlib.h>

enum { FRESH_ITERATION, FRESH_RUN };

#define MEAN_ITERATIONS(member, what) SG_ROW_REAL(member, 1, 1e9, what, .flags = SG_REQUIRED)
#define TO_CRASH                                                                                   \
  MEAN_ITERATIONS("mean_iterations", "Mean number of iterations for which a worker is up before "  \
                                     "it crashes (geometric); all are up at the start.")

static const sg_param permanent_params[] = {TO_CRASH, {0}};
static const sg_param iterations_params[] = {
    TO_CRASH,
    MEAN_ITERATIONS("mean_recovery_iterations",
                    "Mean number of iterations for which it is dead then (geometric)."),
    {0}};

static const sg_family downtime_family = {
    .selector = "model", .what = "delay law", .at = sg_law_variant_at};

static const sg_param seconds_params[] = {
    TO_CRASH,
    SG_ROW_FAMILY(
        "downtime", &downtime_family,
        "The time in seconds from a crash, when the worker would turn to its task or wait "
        "for the model, until it is up again and begins that task anew.",
        .flags = SG_REQUIRED),
    {0}};

static const sg_variant crashes[] = {
    {.name = "none", .summary = "Workers do not crash."},
    {.name = "permanent",
     .summary = "A worker that crashes never comes back.",
     .params = permanent_params},
    {.name = "iterations",
     .summary =
         "A crashed worker does nothing for whole iterations: neither tasks nor messages. A scheme "
         "that cannot do without it ends as stalled, or skips the iteration (stop.undecodable).",
     .params = iterations_params},
    {.name = "seconds",
     .summary =
         "A crashed worker is back after a random time; what it was given then begins, unless the "
         "iteration is over.",
     .params = seconds_params}};

SG_VARIANTS(crash_at, crashes)

const sg_family sg_crash_family = {
    .selector = "model", .what = "crash model", .at = crash_at, .fallback = "none"};

static const sg_param class_params[] = {
    SG_ROW_SHARE,
    SG_ROW_REAL("probability", 0, 1, "Of each worker of the class.", .flags = SG_REQUIRED),
    {0}};
static const sg_param class_item[] = {
    SG_ROW_OBJECT("class", class_params, "A class of workers of equal probability."), {0}};
static const sg_param probability_item[] = {SG_ROW_REAL("probability", 0, 1, "Of a worker."), {0}};
static const sg_param bernoulli_params[] = {
    SG_ROW_REAL("probability", 0, 1, "Of each worker, independently.", .flags = SG_OPTIONAL),
    SG_ROW_LIST("classes", class_item, 0, 1000000,
                "Instead: classes of workers by probability. A class gets its share of the workers "
                "by largest remainder."),
    SG_ROW_CHOICE("assign", sg_classes_orders, 0,
                  "Which workers are in which class: by a random permutation that depends on the "
                  "seed alone, or in the order of the list."),
    SG_ROW_LIST("probabilities", probability_item, 0, 1000000,
                "Instead: the probability of each worker, in order."),
    {0}};
static const sg_param count_params[] = {SG_ROW_INT("count", 0, 1000000,
                                                   "How many workers are erased, at most all.",
                                                   .flags = SG_REQUIRED),
                                        {0}};
static const sg_param worker_item[] = {
    SG_ROW_INT("worker", 0, 999999, "The number of a worker, from 0."), {0}};
static const sg_param pattern_params[] = {SG_ROW_LIST("workers", worker_item, 0, 1000000,
                                                      "The workers that are erased, from 0.",
                                                      .flags = SG_REQUIRED),
                                          {0}};

static const sg_variant erasures[] = {
    {.name = "none", .summary = "No message is lost."},
    {.name = "bernoulli",
     .summary = "Each worker is erased with a probability, the same for all or its own.",
     .params = bernoulli_params},
    {.name = "uniform",
     .summary = "A number of workers, all sets of that size being equally likely.",
     .params = count_params},
    {.name = "burst",
     .summary =
         "A number of consecutive workers (after the last comes the first) from a random one.",
     .params = count_params},
    {.name = "worst",
     .summary = "The workers whose loss is worst for the code, found one after another (greedily): "
                "at each step the one without which the sum is no longer determined or, among "
                "those, with which the decoding weights grow most; of codes that are not exact the "
                "one with which the decoding error grows most, or, if that is worse, all that "
                "hold one part after the other. A greedy search: a worse set may exist.",
     .params = count_params},
    {.name = "pattern", .summary = "Listed workers, always.", .params = pattern_params}};

SG_VARIANTS(erasure_at, erasures)

const sg_family sg_erasure_family = {
    .selector = "model", .what = "erasure model", .at = erasure_at, .fallback = "none"};

static const char *const freshness[] = {"iteration", "run", NULL};
const sg_param sg_erasure_params[] = {
    SG_ROW_CHOICE("drawn_per", freshness, FRESH_ITERATION,
                  "bernoulli, uniform and burst: drawn anew in each iteration, or once a run."),
    {0}};

/* --- Reading ---------------------------------------------------------------------------------- */

static sg_status read_crashes(sg_failures *f, const sg_values *v, sg_error *e) {
  if (v->variant == &crashes[0]) return SG_OK;
  double crash = 1 / sg_real(v, "mean_iterations");
  f->crash = SG_CRASH_CHAIN;
  f->dead = (sg_chain){.seed = f->seed, .draw = STATE_DEAD, .enter = crash};
  if (v->variant == &crashes[2]) f->dead.leave = 1 / sg_real(v, "mean_recovery_iterations");
  if (v->variant != &crashes[3]) return SG_OK;
  f->crash = SG_CRASH_SECONDS;
  f->crash_probability = crash;
  return sg_law_init(&f->downtime, sg_object(v, "downtime"), e);
}

static sg_status read_pattern(sg_failures *f, const sg_values *v, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < sg_count(v, "workers"); i++) {
    double w = sg_item(v, "workers", i)->number;
    if (w < f->workers)
      f->pattern[(int)w] = true;
    else
      status =
          sg_fail_at(e, v, "workers", "expected workers 0 to %d, found %.0f", f->workers - 1, w);
  }
  return status;
}

static sg_status read_probabilities(sg_failures *f, const sg_values *v, sg_error *e) {
  int listed = sg_count(v, "probabilities"), classes = sg_count(v, "classes"), n = f->workers;
  int given = sg_given(v, "probability") + (listed > 0) + (classes > 0);
  if (given != 1)
    return sg_fail_at(e, v, "probability",
                      "expected one of probability, classes and probabilities, found %s",
                      given ? "several" : "none");
  if (listed > 0 && listed != n)
    return sg_fail_at(e, v, "probabilities",
                      "expected a probability for each of %d workers, found %d", n, listed);
  f->probability = calloc((size_t)n, sizeof *f->probability);
  int *class_of = calloc((size_t)n, sizeof *class_of);
  sg_status status = f->probability && class_of ? SG_OK : sg_fail_memory(e);
  if (!status && classes > 0)
    status = sg_classes_assign(v, n, SG_CLASSES_OF_ERASURE, f->seed, class_of, e);
  for (int w = 0; !status && w < n; w++)
    f->probability[w] = listed > 0 ? sg_item(v, "probabilities", w)->number
                        : classes > 0
                            ? sg_real(sg_item(v, "classes", class_of[w])->object, "probability")
                            : sg_real(v, "probability");
  free(class_of);
  return status;
}

static sg_status read_erasure(sg_failures *f, const sg_values *v, sg_error *e) {
  f->erasure = (sg_erasure_model)(v->variant - erasures);
  f->fresh = sg_choice(v, "drawn_per") == FRESH_ITERATION;
  if (f->erasure == SG_ERASE_NONE) return SG_OK;
  f->pattern = calloc((size_t)f->workers, sizeof *f->pattern);
  if (!f->pattern) return sg_fail_memory(e);
  if (f->erasure == SG_ERASE_PATTERN) return read_pattern(f, v, e);
  if (f->erasure == SG_ERASE_BERNOULLI) return read_probabilities(f, v, e);
  f->count = (int)sg_int(v, "count");
  if (f->count > f->workers)
    return sg_fail_at(e, v, "count", "expected at most as many as there are workers, %d, found %d",
                      f->workers, f->count);
  return SG_OK;
}

sg_status sg_failures_init(sg_failures *f, const sg_values *crash, const sg_values *erasure,
                           int workers, uint64_t seed, sg_error *e) {
  *f = (sg_failures){.workers = workers, .seed = seed};
  sg_status a = read_crashes(f, crash, e), b = read_erasure(f, erasure, e);
  return a ? a : b;
}

void sg_failures_clear(sg_failures *f) {
  sg_law_clear(&f->downtime);
  free(f->pattern);
  free(f->probability);
  f->pattern = NULL;
  f->probability = NULL;
}

static double erasure_probability(const sg_failures *f, int worker) {
  switch (f->erasure) {
  case SG_ERASE_NONE: return 0;
  case SG_ERASE_BERNOULLI: return f->probability[worker];
  case SG_ERASE_UNIFORM:
  case SG_ERASE_BURST: return (double)f->count / f->workers;
  case SG_ERASE_PATTERN: return f->pattern[worker] ? 1 : 0;
  case SG_ERASE_WORST: return f->count == 0 ? 0 : f->count == f->workers ? 1 : NAN;
  }
  return NAN;
}

/* A worker is up in iteration 0 and dead in iteration i with probability π (1 − qⁱ), q = 1 − enter
 * − leave and π = enter / (enter + leave): here the mean of that. Crashes of seconds only delay. */
static double death_probability(const sg_failures *f, long iterations) {
  if (f->crash != SG_CRASH_CHAIN) return 0;
  double change = f->dead.enter + f->dead.leave, n = (double)iterations, power = 1;
  for (double q = 1 - change; iterations > 0; iterations /= 2, q *= q) /* of a design: no libm */
    if (iterations % 2) power *= q;
  return f->dead.enter / change * (1 - (1 - power) / (n * change));
}

double sg_failures_probability(const sg_failures *f, int worker, long iterations) {
  return 1 - (1 - erasure_probability(f, worker)) * (1 - death_probability(f, iterations));
}

bool sg_failures_get_through(const sg_failures *f) {
  bool some = false;
  for (int w = 0; f->erasure == SG_ERASE_BERNOULLI && w < f->workers; w++)
    some |= f->probability[w] < 1;
  if (f->erasure == SG_ERASE_UNIFORM || f->erasure == SG_ERASE_BURST) some = f->count < f->workers;
  return f->fresh && some;
}

bool sg_failures_run_init(sg_failures_run *run, const sg_failures *f, uint32_t replication) {
  size_t n = (size_t)f->workers;
  *run = (sg_failures_run){.of = f, .replication = replication};
  if (f->crash == SG_CRASH_CHAIN && !(run->dead = calloc(n, sizeof *run->dead))) return false;
  if (f->erasure != SG_ERASE_UNIFORM && f->erasure != SG_ERASE_BURST) return true;
  run->erased = calloc(n, sizeof *run->erased);
  run->list = calloc(n, sizeof *run->list);
  return run->erased && run->list;
}

void sg_failures_run_clear(sg_failures_run *run) {
  free(run->dead);
  free(run->erased);
  free(run->list);
  *run = (sg_failures_run){0};
}

/* --- What happens ----------------------------------------------------------------------------- */

double sg_failures_down(sg_failures_run *run, int worker, uint32_t iteration) {
  const sg_failures *f = run->of;
  sg_stream s;
  switch (f->crash) {
  case SG_CRASH_NONE: break;
  case SG_CRASH_CHAIN:
    if (sg_chain_in(&f->dead, &run->dead[worker], run->replication, worker, iteration))
      return INFINITY;
    break;
  case SG_CRASH_SECONDS:
    if (iteration == 0) break;
    sg_stream_at(&s, f->seed, run->replication, SG_FOR_STATE, (uint32_t)worker, iteration,
                 STATE_CRASH);
    if (sg_uniform(&s) < f->crash_probability) return sg_law_draw(&f->downtime, &s);
    break;
  }
  return 0;
}

static void erase(sg_failures_run *run, int worker) {
  run->erased[worker] = true;
  run->list[run->listed++] = worker;
}

/* The set of an iteration. Uniform: Floyd's sample of `count` of n. A stream has 2^17 numbers, so
 * that it is positioned anew. */
static void draw_set(sg_failures_run *run, uint32_t iteration) {
  const sg_failures *f = run->of;
  int n = f->workers;
  sg_stream s;
  while (run->listed > 0) run->erased[run->list[--run->listed]] = false;
  if (f->erasure == SG_ERASE_BURST) {
    sg_stream_at(&s, f->seed, run->replication, SG_FOR_COMMON, 0, iteration, COMMON_ERASURE);
    int first = (int)(sg_uniform(&s) * n);
    for (int i = 0; i < f->count; i++) erase(run, (first + i) % n);
  } else {
    for (int j = n - f->count, drawn = 0; j < n; j++, drawn++) {
      if (drawn % 65536 == 0)
        sg_stream_at(&s, f->seed, run->replication, SG_FOR_COMMON, (uint32_t)(drawn / 65536),
                     iteration, COMMON_ERASURE);
      int t = (int)(sg_uniform(&s) * (j + 1));
      erase(run, run->erased[t] ? j : t);
    }
  }
  run->known = true;
  run->iteration = iteration;
}

bool sg_failures_erased(sg_failures_run *run, int worker, uint32_t iteration) {
  const sg_failures *f = run->of;
  sg_stream s;
  if (!f->fresh) iteration = 0;
  switch (f->erasure) {
  case SG_ERASE_NONE: return false;
  case SG_ERASE_BERNOULLI:
    sg_stream_at(&s, f->seed, run->replication, SG_FOR_STATE, (uint32_t)worker, iteration,
                 STATE_ERASURE);
    return sg_uniform(&s) < f->probability[worker];
  case SG_ERASE_UNIFORM:
  case SG_ERASE_BURST:
    if (!run->known || run->iteration != iteration) draw_set(run, iteration);
    return run->erased[worker];
  case SG_ERASE_WORST:
  case SG_ERASE_PATTERN: return f->pattern[worker];
  }
  return false;
}
