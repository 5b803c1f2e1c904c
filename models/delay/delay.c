/* SPDX-License-Identifier: MIT */
/* Compute times of the workers of a cluster: a source of base times, three load scalings, speeds,
 * modifiers. docs/delays.md has the formulas. */
#include "models/delay/delay.h"

#include "models/delay/failures.h"
#include "models/delay/modifiers.h"
#include "models/times/times.h"
#include "sim/core/array.h"
#include "sim/core/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT_SUBSET, UNIT_DATASET, UNIT_FLOPS };
enum { PROPORTIONAL, ADDITIVE, STARTUP };

static const char *const units[] = {"subset", "dataset", "flops", NULL};
static const char *const scalings[] = {"proportional", "additive", "startup", NULL};

const sg_param sg_delay_params[] = {
    SG_ROW_CHOICE("unit", units, UNIT_SUBSET,
                  "What the law is for: one subset; all the data, of which a subset takes 1/k; or "
                  "flops: a factor (of mean 1, say) of the time that the learning problem's flops "
                  "of a subset take at flops_per_s. With scaling startup only per_subset_s grows "
                  "with the work and the unit changes nothing."),
    SG_ROW_REAL("flops_per_s", 0, SG_UNBOUNDED, "With the unit flops: the rate of a worker.",
                .flags = SG_OPTIONAL | SG_MIN_OPEN, .with = "unit=flops"),
    SG_ROW_CHOICE("scaling", scalings, PROPORTIONAL,
                  "How the time grows with a load of d subsets: proportional (one draw per worker "
                  "and iteration, times d), additive (the sum of a draw per subset), startup (one "
                  "draw that does not depend on the load, plus d times per_subset_s)."),
    SG_ROW_REAL("per_subset_s", 0, SG_UNBOUNDED,
                "With scaling startup, which wants it: seconds per subset besides the draw. 0: "
                "redundancy costs no computing time."),
    SG_ROW_REAL("fixed_s", 0, SG_UNBOUNDED,
                "Seconds that every task takes besides (its launch, say), whatever its load and "
                "whoever does it: nothing divides or multiplies them."),
    SG_ROW_OBJECT("memory", sg_memory_params,
                  "Workers that are slow for several iterations in a row (Gilbert 1960, Elliott "
                  "1963): a Markov chain for each worker that begins in its stationary state.",
                  .flags = SG_OPTIONAL),
    SG_ROW_FAMILY("common", &sg_factor_family,
                  "A random factor per iteration that multiplies the times of all workers."),
    SG_ROW_OBJECT("stalls", sg_stall_params, "Rare stalls, of single workers or of many at once.",
                  .flags = SG_OPTIONAL),
    {0}};

const sg_family sg_delay_family = {
    .selector = "model", .what = "delay law", .at = sg_law_or_replay_at, .fallback = NULL};

static const sg_param class_params[] = {
    SG_ROW_SHARE,
    SG_ROW_REAL("speed", 0, SG_UNBOUNDED,
                "The speed of a worker of this class, 1 being nominal; divides compute times.",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    {0}};

static const sg_param class_item[] = {
    SG_ROW_OBJECT("class", class_params, "A class of workers of equal speed."), {0}};

static const sg_param speed_item[] = {
    SG_ROW_REAL("speed", 0, SG_UNBOUNDED, "A speed, 1 being nominal.", .flags = SG_MIN_OPEN), {0}};

const sg_param sg_cluster_params[] = {
    SG_ROW_INT("workers", 1, 1000000, "The number n of workers.", .flags = SG_REQUIRED),
    SG_ROWS_CLASSES(class_item, "speed",
                    "Which workers are in which class: by a random permutation that depends on the "
                    "seed alone, or in the order of the list."),
    SG_ROW_LIST("speeds", speed_item, 0, 1000000,
                "The speed of each worker, in order, instead of classes."),
    SG_ROW_LIST("known_speeds", speed_item, 0, 1000000,
                "What schemes know of the speed of each worker, in order, where compute times have "
                "the speeds in them already, as those of a trace have, and are not divided by "
                "them: instead of speeds and classes."),
    SG_ROW_FAMILY("random_speed", &sg_factor_family,
                  "A random factor of each worker's speed that lasts for the whole run; a new one "
                  "in each replication."),
    SG_ROW_FAMILY("crashes", &sg_crash_family,
                  "Workers that die: their messages never come while they are dead."),
    SG_ROW_FAMILY("erasure", &sg_erasure_family,
                  "Workers whose messages never come in an iteration, though they compute: the "
                  "erasure models of coding theory, beside the clock.",
                  .fields = sg_erasure_params),
    {0}};

struct sg_delay {
  sg_times times;
  sg_modifiers modifiers;
  sg_failures failures;
  bool levels; /* workers are made to last as long as the median one: which, is in `removed` */
  sg_delay_causes removed;
  int workers;
  int scaling;
  double scale; /* seconds of a subset that the law's 1 stands for */
  double per_subset, fixed;
  uint64_t seed;
  double *speed; /* workers values, behind the struct; behind them those that schemes know */
};

struct sg_delay_run {
  const sg_delay *delay;
  uint32_t replication;
  sg_modifiers_run modifiers;
  sg_failures_run failures;
  double *level; /* workers values that multiply times; NULL: all 1 */
  sg_ahead ahead;
};

/* --- Speed classes ---------------------------------------------------------------------------- */

static sg_status assign_speeds(sg_delay *delay, const sg_values *cluster, sg_error *e) {
  int listed = sg_count(cluster, "speeds"), classes = sg_count(cluster, "classes");
  if (listed > 0 && listed != delay->workers)
    return sg_fail_at(e, cluster, "speeds", "expected a speed for each of %d workers, found %d",
                      delay->workers, listed);
  if (listed > 0 && classes > 0)
    return sg_fail_at(e, cluster, "speeds", "expected either speeds or classes, found both");
  for (int w = 0; w < delay->workers; w++)
    delay->speed[w] = listed > 0 ? sg_item(cluster, "speeds", w)->number : 1;
  if (classes == 0) return SG_OK;
  int *class_of = calloc((size_t)delay->workers, sizeof *class_of);
  if (!class_of) return sg_fail_memory(e);
  sg_status status =
      sg_classes_assign(cluster, delay->workers, SG_CLASSES_OF_SPEED, delay->seed, class_of, e);
  for (int w = 0; w < delay->workers && !status; w++)
    delay->speed[w] = sg_real(sg_item(cluster, "classes", class_of[w])->object, "speed");
  free(class_of);
  return status;
}

static sg_status read_known_speeds(sg_delay *delay, const sg_values *cluster, sg_error *e) {
  int known = sg_count(cluster, "known_speeds");
  const char *twice = sg_count(cluster, "speeds") > 0    ? "speeds"
                      : sg_count(cluster, "classes") > 0 ? "classes"
                                                         : NULL;
  double *speed = delay->speed + delay->workers;
  memcpy(speed, delay->speed, (size_t)delay->workers * sizeof *speed);
  if (known > 0 && known != delay->workers)
    return sg_fail_at(e, cluster, "known_speeds",
                      "expected a speed for each of %d workers, found %d", delay->workers, known);
  if (known > 0 && twice)
    return sg_fail_at(e, cluster, "known_speeds",
                      "expected no known_speeds with %s, which divide the times and which schemes "
                      "know, found both",
                      twice);
  for (int w = 0; w < known; w++) speed[w] = sg_item(cluster, "known_speeds", w)->number;
  return SG_OK;
}

/* --- The model -------------------------------------------------------------------------------- */

/* Without the cost of a subset redundancy would be free, which nobody means who does not say so. */
static sg_status check_startup(const sg_values *delay, sg_error *e) {
  if (sg_choice(delay, "scaling") != STARTUP || sg_given(delay, "per_subset_s")) return SG_OK;
  return sg_fail_at(e, delay, "per_subset_s",
                    "expected per_subset_s with scaling startup, found none: the seconds that each "
                    "subset of a load adds, which measured times of one load cannot tell; 0 means "
                    "that redundancy costs no computing time");
}

/* Seconds that a law's 1 stands for. */
static sg_status read_unit(const sg_values *delay, int subsets, double subset_flops, double *scale,
                           sg_error *e) {
  *scale = sg_choice(delay, "unit") == UNIT_DATASET ? 1.0 / subsets : 1;
  if (sg_choice(delay, "unit") != UNIT_FLOPS) return SG_OK;
  if (!sg_given(delay, "flops_per_s"))
    return sg_fail_at(
        e, delay, "flops_per_s",
        "expected flops_per_s, the rate of a worker, with the unit flops, found none");
  if (sg_choice(delay, "scaling") == STARTUP)
    return sg_fail_at(e, delay, "unit",
                      "expected subset with scaling startup, whose work takes per_subset_s, found "
                      "\"flops\"");
  if (!(subset_flops > 0))
    return sg_fail_at(e, delay, "unit",
                      "expected a learning problem whose flops are known (\"layered-gradient\") "
                      "with the unit flops, or the unit subset, found \"flops\"");
  *scale = subset_flops / sg_real(delay, "flops_per_s");
  return SG_OK;
}

sg_status sg_delay_new(const sg_values *cluster, const sg_values *delay, int subsets,
                       double subset_flops, uint64_t seed, sg_delay **out, sg_error *e) {
  *out = NULL;
  int workers = (int)sg_int(cluster, "workers");
  sg_delay *d = calloc(1, sizeof *d + 2 * (size_t)workers * sizeof *d->speed);
  if (!d) return sg_fail_memory(e);
  *d = (sg_delay){.workers = workers,
                  .scaling = sg_choice(delay, "scaling"),
                  .per_subset = sg_real(delay, "per_subset_s"),
                  .fixed = sg_real(delay, "fixed_s"),
                  .seed = seed,
                  .speed = (double *)(d + 1)};
  /* All are checked, so that all faults are listed at once. */
  sg_replay_column column = d->scaling == STARTUP ? SG_REPLAY_START : SG_REPLAY_COMPUTE;
  sg_status times =
      sg_times_init(&d->times, delay, SG_FOR_COMPUTE, workers, seed, column, d->per_subset, e);
  sg_status startup = check_startup(delay, e),
            unit = read_unit(delay, subsets, subset_flops, &d->scale, e);
  sg_status classes = assign_speeds(d, cluster, e), known = read_known_speeds(d, cluster, e);
  sg_status modifiers = sg_modifiers_init(&d->modifiers, sg_object(cluster, "random_speed"),
                                          sg_object(delay, "memory"), sg_object(delay, "common"),
                                          sg_object(delay, "stalls"), workers, seed, e);
  sg_status failures = sg_failures_init(&d->failures, sg_object(cluster, "crashes"),
                                        sg_object(cluster, "erasure"), workers, seed, e);
  sg_status status = startup     ? startup
                     : unit      ? unit
                     : times     ? times
                     : classes   ? classes
                     : known     ? known
                     : modifiers ? modifiers
                                 : failures;
  if (status)
    sg_delay_free(d);
  else
    *out = d;
  return status;
}

void sg_delay_free(sg_delay *delay) {
  if (!delay) return;
  sg_times_clear(&delay->times);
  sg_modifiers_clear(&delay->modifiers);
  sg_failures_clear(&delay->failures);
  free(delay);
}

const double *sg_delay_speeds(const sg_delay *delay) {
  return delay->speed;
}

const double *sg_delay_known_speeds(const sg_delay *delay) {
  return delay->speed + delay->workers;
}

int sg_delay_workers(const sg_delay *delay) {
  return delay->workers;
}

long sg_delay_iterations(const sg_delay *delay) {
  return delay->times.replay ? sg_replay_iterations(delay->times.replay) : 0;
}

void sg_delay_note(const sg_delay *delay, sg_buffer *out) {
  if (delay->times.replay)
    sg_replay_note(delay->times.replay, out);
  else
    sg_law_note(&delay->times.law, "delay", out);
  sg_law_note(&delay->modifiers.speed, "random speed", out);
  sg_law_note(&delay->modifiers.common, "common factor", out);
  sg_law_note(&delay->modifiers.stall_length, "stalls", out);
  if (delay->failures.crash == SG_CRASH_SECONDS)
    sg_law_note(&delay->failures.downtime, "downtime", out);
  if (delay->per_subset > 0 && delay->scaling != STARTUP)
    sg_putf(out, "warning: delay: per_subset_s does nothing with scaling %s, only with startup\n",
            scalings[delay->scaling]);
}

/* --- What if ---------------------------------------------------------------------------------- */

/* How long a worker lasts in this run, but for what changes within it. */
static double slowness(const sg_delay_run *run, int worker) {
  double speed = run->delay->speed[worker] * sg_modifiers_speed(&run->modifiers, worker);
  return sg_times_level(&run->delay->times, worker) / speed;
}

/* The factors that make workers last as long as the median one. false: no memory. */
static bool make_levels(sg_delay_run *run) {
  const sg_delay *d = run->delay;
  size_t n = (size_t)d->workers;
  if (!d->levels) return true;
  double *level = run->level = malloc(n * sizeof *level), *sorted = malloc(n * sizeof *sorted);
  if (level && sorted) {
    int slowest = 0;
    for (int w = 0; w < d->workers; w++) {
      sorted[w] = level[w] = slowness(run, w);
      if (level[w] > level[slowest]) slowest = w;
    }
    sg_sort_doubles(sorted, n);
    double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    for (int w = 0; w < d->workers; w++) {
      bool levelled = d->removed.speeds || (d->removed.slowest && w == slowest);
      for (int i = 0; i < d->removed.n_workers; i++) levelled |= d->removed.worker[i] == w;
      level[w] = levelled ? median / level[w] : 1;
    }
  }
  free(sorted);
  return level && sorted;
}

sg_delay_causes sg_delay_causes_of(const sg_delay *d) {
  sg_delay_causes has = {.stalls = d->modifiers.stall_probability > 0,
                         .memory = d->modifiers.memory,
                         .common = d->modifiers.common.type,
                         .crashes = d->failures.crash != SG_CRASH_NONE,
                         .erasures = d->failures.erasure != SG_ERASE_NONE,
                         .randomness = sg_times_are_random(&d->times),
                         .speeds = d->modifiers.speed.type};
  for (int w = 1; w < d->workers; w++)
    has.speeds |=
        sg_times_level(&d->times, w) / d->speed[w] != sg_times_level(&d->times, 0) / d->speed[0];
  has.slowest = has.speeds;
  return has;
}

sg_status sg_delay_remove_causes(sg_delay *d, const sg_delay_causes *what, const char *place,
                                 sg_error *e) {
  sg_modifiers *m = &d->modifiers;
  for (int i = 0; i < what->n_workers; i++)
    if (what->worker[i] >= d->workers)
      return sg_fail(e, SG_INVALID, place, "expected worker=0 to worker=%d, found worker=%d",
                     d->workers - 1, what->worker[i]);
  if (what->randomness && !sg_times_take_mean(&d->times))
    return sg_fail(e, SG_INVALID, place,
                   "compute times cannot be replaced by their mean: the law has none");
  if (what->stalls) m->stall_probability = 0;
  if (what->memory) m->memory = false;
  if (what->common) sg_law_clear(&m->common);
  if (what->crashes) d->failures.crash = SG_CRASH_NONE;
  if (what->erasures) d->failures.erasure = SG_ERASE_NONE;
  m->any = m->speed.type || m->memory || m->common.type || m->stall_probability > 0;
  d->removed = *what;
  d->levels = what->speeds || what->slowest || what->n_workers > 0;
  return SG_OK;
}

/* --- Beforehand ------------------------------------------------------------------------------- */

sg_delay *sg_delay_apart(const sg_delay *delay) {
  sg_delay *d = malloc(sizeof *d);
  if (!d) return NULL;
  sg_stream s;
  sg_stream_at(&s, delay->seed, 0, SG_FOR_FORECAST, 0, 0, 0);
  *d = *delay;
  d->seed = (uint64_t)ldexp(sg_uniform(&s), 53);
  d->times.seed = d->modifiers.seed = d->failures.seed = d->seed;
  d->modifiers.slow.seed = d->failures.dead.seed = d->seed;
  return d;
}

double sg_delay_loses(const sg_delay *delay, int worker, long iterations) {
  return sg_failures_probability(&delay->failures, worker, iterations);
}

bool sg_delay_scales(const sg_delay *d) {
  bool stalls = d->modifiers.stall_probability > 0 && d->modifiers.stall_length.type;
  return d->scaling == PROPORTIONAL && d->fixed == 0 && !stalls &&
         d->failures.crash != SG_CRASH_SECONDS;
}

/* Laws without a mean fall like a power, in whose range a double still has digits at these ends;
 * what falls faster than t near 0, or is 0 there, decides nothing. */
static double far_index(const sg_law *law) {
  if (isfinite(law->type->mean(law->state))) return INFINITY;
  return log(sg_law_tail(law, 1e60) / sg_law_tail(law, 1e90)) / log(1e30);
}

static double near_index(const sg_law *law) {
  double closer = law->type->cdf(law->state, 1e-90), close = law->type->cdf(law->state, 1e-60);
  return closer > 0 ? log(close / closer) / log(1e30) : INFINITY;
}

sg_delay_tails sg_delay_tails_of(const sg_delay *d, double work) {
  const sg_modifiers *m = &d->modifiers;
  sg_delay_tails t = {INFINITY, INFINITY};
  if (!d->times.replay && !d->times.certain) {
    t.far = far_index(&d->times.law);
    t.near = near_index(&d->times.law);
    if (d->scaling == ADDITIVE && work > 1) t.near *= (double)lround(work);
  }
  if (m->speed.type) {
    t.far = fmin(t.far, near_index(&m->speed));
    t.near = fmin(t.near, far_index(&m->speed));
  }
  if (m->stall_probability > 0 && m->stall_length.type)
    t.far = fmin(t.far, far_index(&m->stall_length));
  if (d->failures.crash == SG_CRASH_SECONDS) t.far = fmin(t.far, far_index(&d->failures.downtime));
  if (m->common.type) {
    if (far_index(&m->common) <= 1) t.far = 0;
    if (near_index(&m->common) <= 1) t.near = 0;
  }
  if (d->fixed > 0 || (d->scaling == STARTUP && d->per_subset * work > 0)) t.near = INFINITY;
  return t;
}

/* --- Runs ------------------------------------------------------------------------------------- */

sg_delay_run *sg_delay_run_new(const sg_delay *delay, uint32_t replication) {
  sg_delay_run *run = calloc(1, sizeof *run);
  if (!run) return NULL;
  run->delay = delay;
  run->replication = replication;
  if (sg_modifiers_run_init(&run->modifiers, &delay->modifiers, replication) &&
      sg_failures_run_init(&run->failures, &delay->failures, replication) && make_levels(run))
    return run;
  sg_delay_run_free(run);
  return NULL;
}

void sg_delay_run_free(sg_delay_run *run) {
  if (!run) return;
  sg_modifiers_run_clear(&run->modifiers);
  sg_failures_run_clear(&run->failures);
  free(run->level);
  sg_ahead_clear(&run->ahead);
  free(run);
}

bool sg_delay_fails(const sg_delay *delay) {
  return delay->failures.crash != SG_CRASH_NONE || delay->failures.erasure != SG_ERASE_NONE;
}

bool sg_delay_comes_back(const sg_delay *delay) {
  return delay->failures.crash == SG_CRASH_CHAIN && delay->failures.dead.leave > 0;
}

bool sg_delay_gets_through(const sg_delay *delay) {
  return sg_failures_get_through(&delay->failures);
}

int sg_delay_worst_wanted(const sg_delay *delay) {
  return delay->failures.erasure == SG_ERASE_WORST ? delay->failures.count : 0;
}

void sg_delay_set_worst(sg_delay *delay, const bool *erased) {
  for (int w = 0; w < delay->workers; w++) delay->failures.pattern[w] = erased[w];
}

double sg_delay_down(sg_delay_run *run, int worker, uint32_t iteration) {
  return sg_failures_down(&run->failures, worker, iteration);
}

bool sg_delay_erased(sg_delay_run *run, int worker, uint32_t iteration) {
  return sg_failures_erased(&run->failures, worker, iteration);
}

static double draw(const sg_delay_run *run, int worker, uint32_t iteration, int number) {
  return sg_times_seconds(&run->delay->times, &run->ahead, run->replication, worker, iteration,
                          (uint32_t)number);
}

bool sg_delay_draw_ahead(sg_delay_run *run, uint32_t iteration) {
  return sg_times_draw_ahead(&run->delay->times, run->replication, iteration, run->delay->workers,
                             &run->ahead);
}

/* Before levels, modifiers and speeds. */
static double base_seconds(const sg_delay_run *run, int worker, uint32_t iteration, int done,
                           double work, int draws) {
  const sg_delay *d = run->delay;
  double seconds = 0;
  switch (d->scaling) {
  case PROPORTIONAL: seconds = draw(run, worker, iteration, 0) * work * d->scale; break;
  case ADDITIVE:
    for (int i = 0; i < draws; i++) seconds += draw(run, worker, iteration, done + i);
    seconds *= work / draws * d->scale;
    break;
  case STARTUP:
    seconds = d->per_subset * work + (done == 0 ? draw(run, worker, iteration, 0) : 0);
    break;
  }
  return seconds;
}

double sg_delay_seconds(sg_delay_run *run, int worker, uint32_t iteration, int done, double work,
                        int draws) {
  const sg_delay *d = run->delay;
  double seconds = base_seconds(run, worker, iteration, done, work, draws);
  if (run->level) seconds *= run->level[worker];
  if (!d->modifiers.any) return seconds / d->speed[worker] + d->fixed;
  sg_effect effect = sg_modifiers_effect(&run->modifiers, worker, iteration);
  return seconds * effect.factor / d->speed[worker] + (done == 0 ? effect.stall_s : 0) + d->fixed;
}

static void base_seconds_of_all(const sg_delay_run *run, uint32_t iteration, double work, int draws,
                                double *seconds) {
  const sg_delay *d = run->delay;
  const sg_ahead *ahead = &run->ahead;
  bool one = d->scaling != ADDITIVE || draws == 1;
  if (!ahead->seconds || ahead->iteration != iteration || !one) {
    for (int w = 0; w < d->workers; w++)
      seconds[w] = base_seconds(run, w, iteration, 0, work, draws);
    return;
  }
  const double *base = ahead->seconds;
  double factor = work / draws * d->scale, certain = d->per_subset * work;
  switch (d->scaling) {
  case PROPORTIONAL:
    for (int w = 0; w < d->workers; w++) seconds[w] = base[w] * work * d->scale;
    break;
  case ADDITIVE:
    for (int w = 0; w < d->workers; w++) seconds[w] = base[w] * factor;
    break;
  case STARTUP:
    for (int w = 0; w < d->workers; w++) seconds[w] = certain + base[w];
    break;
  }
}

void sg_delay_seconds_of_all(sg_delay_run *run, uint32_t iteration, double work, int draws,
                             double *seconds) {
  const sg_delay *d = run->delay;
  base_seconds_of_all(run, iteration, work, draws, seconds);
  for (int w = 0; run->level && w < d->workers; w++) seconds[w] *= run->level[w];
  if (!d->modifiers.any) {
    for (int w = 0; w < d->workers; w++) seconds[w] = seconds[w] / d->speed[w] + d->fixed;
    return;
  }
  sg_effects effects = sg_modifiers_effects(&run->modifiers, iteration);
  for (int w = 0; w < d->workers; w++)
    seconds[w] = seconds[w] * effects.factor[w] / d->speed[w] + effects.stall_s[w] + d->fixed;
}

const char *sg_delay_form_of(const sg_delay *d, int worker, int tasks, double work, int draws,
                             sg_delay_form *form) {
  *form = (sg_delay_form){.law = &d->times.law, .draws = 1};
  if (d->times.replay) return "compute times come from a trace";
  if (d->levels || d->times.certain) return "causes of lost time are taken away";
  if (d->modifiers.speed.type) return "workers have random speeds";
  if (d->modifiers.memory) return "workers are slow for several iterations in a row";
  if (d->modifiers.common.type) return "all workers of an iteration have a factor in common";
  if (d->modifiers.stall_probability > 0) return "workers stall";
  if (d->failures.crash != SG_CRASH_NONE) return "workers crash";
  if (d->failures.erasure != SG_ERASE_NONE) return "messages are erased";
  switch (d->scaling) {
  case PROPORTIONAL: form->factor = work * d->scale; break;
  case ADDITIVE:
    form->factor = work / draws * d->scale;
    form->draws = draws;
    break;
  case STARTUP:
    form->factor = 1;
    form->certain = d->per_subset * work;
    break;
  }
  form->factor /= d->speed[worker];
  form->certain = form->certain / d->speed[worker] + tasks * d->fixed;
  return NULL;
}
