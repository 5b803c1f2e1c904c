/* SPDX-License-Identifier: MIT */
/* The modifiers in their fixed order: speed, memory, common factor, stalls. */
#include "models/delay/modifiers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Factors ---------------------------------------------------------------------------------- */

#define POSITIVE(member, what, value)                                                              \
  SG_ROW_REAL(member, 0, SG_UNBOUNDED, what, .fallback = value, .flags = SG_MIN_OPEN)
#define SHAPE(member, what, least, most)                                                           \
  SG_ROW_REAL(member, least, most, what, .flags = SG_REQUIRED)

static const sg_param deterministic[] = {POSITIVE("value", "The factor.", 1), {0}};
static const sg_param lognormal[] = {
    POSITIVE("median", "The median factor.", 1),
    SHAPE("sigma", "Standard deviation of the natural logarithm.", 1e-6, 10),
    {0}};
static const sg_param gamma_params[] = {
    POSITIVE("mean", "The mean factor.", 1),
    SHAPE("shape", "1/shape is the squared coefficient of variation.", 0.05, 10000),
    {0}};
static const sg_param weibull[] = {
    POSITIVE("scale", "The factor that 63.2 % stay below.", 1),
    SHAPE("shape", "Below 1: a heavier tail than the exponential's.", 0.05, 1000),
    {0}};
static const sg_param pareto[] = {
    POSITIVE("minimum", "The least factor.", 1),
    SHAPE("shape", "The tail index: at 1 and below there is no mean.", 0.05, 1000),
    {0}};
static const sg_param bimodal[] = {
    POSITIVE("fast", "The usual factor.", 1),
    POSITIVE("slow", "The other factor, at least fast.", 2),
    SHAPE("slow_probability", "The probability of the other factor.", 0, 1),
    {0}};

static const sg_variant factors[] = {
    {.name = "none", .summary = "The factor is 1."},
    {.name = "deterministic", .summary = "Always the same factor.", .params = deterministic},
    {.name = "lognormal", .summary = "Lognormal factor.", .params = lognormal},
    {.name = "gamma", .summary = "Gamma factor.", .params = gamma_params},
    {.name = "weibull", .summary = "Weibull factor.", .params = weibull},
    {.name = "pareto", .summary = "Pareto factor.", .params = pareto},
    {.name = "bimodal", .summary = "One of two factors.", .params = bimodal}};

SG_VARIANTS(factor_at, factors)

const sg_family sg_factor_family = {
    .selector = "model", .what = "law of a factor", .at = factor_at, .fallback = "none"};

/* The law of that name, its last parameters being those of the factor. */
static sg_status read_factor(sg_law *law, const sg_values *values, sg_error *e) {
  double value[3];
  int n = 0, i = 0;
  *law = (sg_law){0};
  if (values->variant == &factors[0]) return SG_OK;
  for (const sg_param *p = values->variant->params; p->name; p++)
    value[n++] = sg_real(values, p->name);
  if (values->variant->params == bimodal && value[1] < value[0])
    return sg_fail_at(e, values, "slow", "expected slow ≥ fast = %g, found %g", value[0], value[1]);
  while (sg_law_variant_at(i) && strcmp(sg_law_variant_at(i)->name, values->variant->name) != 0)
    i++;
  if (!sg_law_type_at(i))
    return sg_fail(e, SG_BUG, values->pointer, "there is no law of the name of this factor");
  sg_law_set(law, sg_law_type_at(i), n, value);
  return SG_OK;
}

/* --- Memory and stalls ------------------------------------------------------------------------ */

#define MEMORY(member, what, least, most, open)                                                    \
  SG_ROW_REAL(member, least, most, what, .flags = SG_OPTIONAL | (open))

const sg_param sg_memory_params[] = {
    MEMORY("p_slow", "Probability per iteration that a worker becomes slow.", 0, 1, SG_MIN_OPEN),
    MEMORY("p_recover", "Probability per iteration that a slow worker recovers.", 0, 1,
           SG_MIN_OPEN),
    MEMORY("slow_share",
           "Instead of the two: the share of iterations in which a worker is slow, "
           "p_slow/(p_slow + p_recover).",
           0, 1, SG_MIN_OPEN | SG_MAX_OPEN),
    MEMORY("mean_slow_iterations",
           "With slow_share: for how many iterations in a row, 1/p_recover. At "
           "1/(1 − slow_share) there is no memory.",
           1, 1e9, 0),
    SG_ROW_REAL("slowdown", 1, SG_UNBOUNDED, "Multiplies the times of a slow worker.",
                .flags = SG_REQUIRED),
    {0}};

static const sg_variant no_length = {.name = "none", .summary = "A stall adds no time of its own."};

static const sg_variant *length_at(int i) {
  return i == 0 ? &no_length : i > 0 ? sg_law_variant_at(i - 1) : NULL;
}

const sg_family sg_stall_length_family = {
    .selector = "model", .what = "delay law", .at = length_at, .fallback = "none"};

const sg_param sg_stall_params[] = {
    SG_ROW_REAL("probability", 0, 1,
                "Probability that a given worker is stalled in a given iteration.",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROW_FAMILY("length", &sg_stall_length_family,
                  "The seconds that a stall adds to the worker's first task of the iteration, a "
                  "draw for each worker; nothing divides or multiplies them."),
    SG_ROW_REAL("slowdown", 1, SG_UNBOUNDED, "Multiplies the times of a stalled worker.",
                .fallback = 1),
    SG_ROW_REAL("share", 0, 1,
                "Clustering: the share of the workers that is hit at once. In an iteration a stall "
                "occurs with probability/share, and then hits each worker with this probability. "
                "At least probability; absent: workers stall independently of each other.",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    {0}};

static sg_status read_memory(sg_modifiers *m, const sg_values *v, sg_error *e) {
  if (!v) return SG_OK;
  bool p = sg_given(v, "p_slow"), r = sg_given(v, "p_recover");
  bool share = sg_given(v, "slow_share"), length = sg_given(v, "mean_slow_iterations");
  double enter, leave;
  m->slowdown = sg_real(v, "slowdown");
  if (p && r && !share && !length) {
    enter = sg_real(v, "p_slow");
    leave = sg_real(v, "p_recover");
  } else if (share && length && !p && !r) {
    double slow = sg_real(v, "slow_share");
    leave = 1 / sg_real(v, "mean_slow_iterations");
    enter = leave * slow / (1 - slow);
    if (enter > 1 + 1e-12)
      return sg_fail_at(e, v, "mean_slow_iterations",
                        "a slow_share of %g needs slow times of at least %g iterations, found %g",
                        slow, slow / (1 - slow), 1 / leave);
  } else {
    return sg_fail_at(e, v, NULL,
                      "expected p_slow and p_recover, or slow_share and mean_slow_iterations");
  }
  m->slow = (sg_chain){.seed = m->seed,
                       .draw = STATE_SLOW,
                       .enter = fmin(enter, 1),
                       .leave = leave,
                       .start = enter / (enter + leave)};
  return SG_OK;
}

static sg_status read_stalls(sg_modifiers *m, const sg_values *v, sg_error *e) {
  if (!v) return SG_OK;
  m->stall_probability = sg_real(v, "probability");
  m->stall_slowdown = sg_real(v, "slowdown");
  if (sg_given(v, "share")) m->stall_share = sg_real(v, "share");
  if (m->stall_share > 0 && m->stall_share < m->stall_probability)
    return sg_fail_at(e, v, "share", "expected at least the probability, %g, found %g",
                      m->stall_probability, m->stall_share);
  const sg_values *length = sg_object(v, "length");
  if (length->variant != &no_length) return sg_law_init(&m->stall_length, length, e);
  if (m->stall_slowdown == 1)
    return sg_fail_at(e, v, NULL, "a stall does nothing: expected a length or a slowdown > 1");
  return SG_OK;
}

sg_status sg_modifiers_init(sg_modifiers *m, const sg_values *random_speed, const sg_values *memory,
                            const sg_values *common, const sg_values *stalls, int workers,
                            uint64_t seed, sg_error *e) {
  *m = (sg_modifiers){.workers = workers, .seed = seed, .memory = memory, .stall_slowdown = 1};
  sg_status d = read_memory(m, memory, e);
  sg_status a = read_factor(&m->speed, random_speed, e);
  sg_status b = read_factor(&m->common, common, e);
  sg_status c = read_stalls(m, stalls, e);
  m->any = m->speed.type || memory || m->common.type || m->stall_probability > 0;
  return a ? a : b ? b : c ? c : d;
}

void sg_modifiers_clear(sg_modifiers *m) {
  sg_law_clear(&m->speed);
  sg_law_clear(&m->common);
  sg_law_clear(&m->stall_length);
}

bool sg_modifiers_run_init(sg_modifiers_run *run, const sg_modifiers *of, uint32_t replication) {
  *run = (sg_modifiers_run){.of = of, .replication = replication};
  if (!of->any) return true;
  size_t workers = (size_t)of->workers;
  run->worker = calloc(workers, sizeof *run->worker);
  run->factor = calloc(3 * workers, sizeof *run->factor);
  run->stall_s = run->factor + workers;
  run->uniform = run->stall_s + workers;
  return run->worker && run->factor;
}

void sg_modifiers_run_clear(sg_modifiers_run *run) {
  free(run->worker);
  free(run->factor);
  run->worker = NULL;
  run->factor = NULL;
}

/* What all workers have in common. */
static void begin_iteration(sg_modifiers_run *run, uint32_t iteration) {
  const sg_modifiers *m = run->of;
  sg_stream s;
  run->common = 1;
  if (m->common.type) {
    sg_stream_at(&s, m->seed, run->replication, SG_FOR_COMMON, 0, iteration, COMMON_FACTOR);
    run->common = sg_law_draw(&m->common, &s);
  }
  run->stall = true;
  if (m->stall_share > 0) {
    sg_stream_at(&s, m->seed, run->replication, SG_FOR_COMMON, 0, iteration, COMMON_STALL);
    run->stall = sg_uniform(&s) * m->stall_share < m->stall_probability;
  }
  run->known = true;
  run->iteration = iteration;
}

/* A worker is hit where its uniform is below this. */
static double hit_below(const sg_modifiers *m) {
  return m->stall_share > 0 ? m->stall_share : m->stall_probability;
}

static void stall(const sg_modifiers_run *run, int worker, uint32_t iteration, double *factor,
                  double *stall_s) {
  const sg_modifiers *m = run->of;
  sg_stream s;
  sg_stream_at(&s, m->seed, run->replication, SG_FOR_STATE, (uint32_t)worker, iteration,
               STATE_STALL);
  if (sg_uniform(&s) >= hit_below(m)) return;
  *factor *= m->stall_slowdown;
  if (m->stall_length.type) *stall_s = sg_law_draw(&m->stall_length, &s);
}

/* All of an iteration in which there is a stall: of most workers the first number says that they
 * are not hit. */
static void stall_all(sg_modifiers_run *run, uint32_t iteration) {
  const sg_modifiers *m = run->of;
  double below = hit_below(m);
  sg_uniforms_at(run->uniform, m->workers, m->seed, run->replication, SG_FOR_STATE, iteration,
                 STATE_STALL);
  for (int w = 0; w < m->workers; w++)
    if (run->uniform[w] < below) stall(run, w, iteration, &run->factor[w], &run->stall_s[w]);
}

double sg_modifiers_speed(const sg_modifiers_run *run, int worker) {
  const sg_modifiers *m = run->of;
  sg_stream s;
  if (!m->speed.type) return 1;
  sg_stream_at(&s, m->seed, run->replication, SG_FOR_STATE, (uint32_t)worker, 0, STATE_SPEED);
  double speed = sg_law_draw(&m->speed, &s);
  return fmax(speed, 1e-300); /* a speed is never 0, whatever the law's last bit */
}

static double speed_of(sg_modifiers_run *run, int worker) {
  struct sg_modified *w = &run->worker[worker];
  if (w->speed == 0) w->speed = sg_modifiers_speed(run, worker);
  return w->speed;
}

sg_effects sg_modifiers_effects(sg_modifiers_run *run, uint32_t iteration) {
  const sg_modifiers *m = run->of;
  if (!run->known || run->iteration != iteration) begin_iteration(run, iteration);
  for (int w = 0; w < m->workers; w++) {
    run->factor[w] = run->common;
    run->stall_s[w] = 0;
  }
  for (int w = 0; m->speed.type && w < m->workers; w++) run->factor[w] /= speed_of(run, w);
  for (int w = 0; m->memory && w < m->workers; w++)
    if (sg_chain_in(&m->slow, &run->worker[w].slow, run->replication, w, iteration))
      run->factor[w] *= m->slowdown;
  if (m->stall_probability > 0 && run->stall) stall_all(run, iteration);
  return (sg_effects){run->factor, run->stall_s};
}

sg_effect sg_modifiers_effect(sg_modifiers_run *run, int worker, uint32_t iteration) {
  const sg_modifiers *m = run->of;
  struct sg_modified *w = &run->worker[worker];
  if (w->known && w->iteration == iteration) return w->effect;
  if (!run->known || run->iteration != iteration) begin_iteration(run, iteration);
  sg_effect effect = {.factor = run->common};
  if (m->speed.type) effect.factor /= speed_of(run, worker);
  if (m->memory && sg_chain_in(&m->slow, &w->slow, run->replication, worker, iteration))
    effect.factor *= m->slowdown;
  if (m->stall_probability > 0 && run->stall)
    stall(run, worker, iteration, &effect.factor, &effect.stall_s);
  w->effect = effect;
  w->iteration = iteration;
  w->known = true;
  return effect;
}
