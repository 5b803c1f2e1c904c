/* SPDX-License-Identifier: MIT */
/* Each fitted model as members of a scenario, and the iteration times that the simulator's own
 * delay model makes of them. They are read as a user's scenario would be: what is printed is what
 * was compared. */
#include "sim/core/array.h"
#include "sim/experiment/plan.h"
#include "sim/fit/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Draws per model: about so many, in at least FEWEST_RUNS runs unless that takes more than
 * MOST_DRAWS. */
#define DRAWS      2e5
#define MOST_DRAWS 1e6
enum { FEWEST_RUNS = 20, MOST_RUNS = 400, RESAMPLES = 200 };

/* --- Members ---------------------------------------------------------------------------------- */

static void number(sg_buffer *b, const char *name, double x) {
  sg_putf(b, ", \"%s\": %.6g", name, x);
}

/* "model" and the members of a law. */
static void put_law(sg_buffer *b, const sg_fitted *law) {
  sg_putf(b, "\"model\": \"%s\"", law->type->model);
  for (int p = 0; p < law->type->parameters; p++) {
    const char *name = law->type->parameter[p];
    size_t n = strlen(name);
    bool time = n > 2 && strcmp(name + n - 2, "_s") == 0;
    number(b, name, time ? fmax(0, law->value[p]) : law->value[p]);
  }
}

static void put_scaling(sg_buffer *b, const sg_fit *f) {
  static const char *const names[] = {NULL, "proportional", "additive", "startup"};
  sg_put(b, ", \"unit\": \"subset\"");
  if (names[f->loads.scaling]) sg_putf(b, ", \"scaling\": \"%s\"", names[f->loads.scaling]);
  if (f->loads.scaling == SG_FIT_STARTUP) number(b, "per_subset_s", f->per_subset);
}

static void trace_members(const sg_fit *f, sg_buffer *b) {
  sg_putf(b, "\"cluster\": { \"workers\": %d },\n\"delay\": { \"model\": \"trace\", \"path\": ",
          f->trace->workers);
  sg_put_json_string(b, f->path);
  sg_putf(b, ", \"mode\": \"block-bootstrap\", \"block_iterations\": %ld", f->structure->block);
  if (f->selected) {
    sg_put(b, ", \"workers\": ");
    sg_put_json_string(b, f->selected);
  }
  if (!f->trace->seconds) sg_put(b, ", \"unit_s\": 1");
  put_scaling(b, f);
  sg_put(b, " }");
}

/* The share q of the workers that a stall hits, from the mean number hit where one is: a binomial
 * number that is not zero has the mean n q / (1 − (1 − q)ⁿ), which grows with q. */
static double cluster_share(const sg_fit_structure *s) {
  double low = s->stall_share, high = 1, n = s->workers;
  for (int i = 0; i < 60; i++) {
    double q = (low + high) / 2;
    *(n * q / (1 - pow(1 - q, n)) < s->together ? &low : &high) = q;
  }
  return fmin(1, high);
}

/* A law, and those parts of the structure. */
static void law_members(const sg_fit *f, const sg_fitted *law, sg_fit_parts parts, sg_buffer *b) {
  const sg_fit_structure *s = f->structure;
  sg_putf(b, "\"cluster\": { \"workers\": %d", s->workers);
  if (parts.persistent) {
    sg_put(b, ", \"speeds\": [");
    for (int w = 0; w < s->workers; w++) sg_putf(b, "%s%.4g", w ? ", " : "", 1 / s->factor[w]);
    sg_put(b, "]");
  }
  sg_put(b, " },\n\"delay\": { ");
  put_law(b, law);
  put_scaling(b, f);
  if (parts.memory)
    sg_putf(b, ",\n  \"memory\": { \"p_slow\": %.4g, \"p_recover\": %.4g, \"slowdown\": %.4g }",
            s->p_slow, s->p_recover, s->slowdown);
  if (parts.common)
    sg_putf(b, ",\n  \"common\": { \"model\": \"lognormal\", \"median\": 1, \"sigma\": %.4g }",
            s->iteration_sd);
  if (parts.stalls) {
    sg_putf(b, ",\n  \"stalls\": { \"probability\": %.4g, \"slowdown\": %.4g", s->stall_share,
            s->stall_ratio);
    if (parts.clustered) sg_putf(b, ", \"share\": %.4g", cluster_share(s));
    sg_put(b, " }");
  }
  sg_put(b, " }");
}

/* --- Iteration times -------------------------------------------------------------------------- */

/* Adds the times at which all but s of the workers are done. times: of each worker, are sorted. */
static void add_waits(const sg_fit *f, double *times, double *sum) {
  int n = f->trace->workers;
  sg_sort_doubles(times, (size_t)n);
  for (int i = 0; i < f->n_waits; i++) sum[i] += times[n - 1 - f->wait[i]];
}

/* An iteration of the trace. */
static void take_row(const sg_fit *f, long row, double *times) {
  int n = f->trace->workers;
  for (int w = 0; w < n; w++) times[w] = f->x[row * n + w] + f->per_subset;
}

/* Which iteration of the trace is the i-th of a block bootstrap. start: of the block, kept between
 * calls. */
static long resampled_row(const sg_fit *f, uint64_t seed, uint32_t replication, int part, long i,
                          long *start) {
  long rows = f->trace->iterations, block = f->structure->block;
  sg_stream g;
  if (i % block == 0) {
    sg_stream_at(&g, seed, replication, SG_FOR_BOOTSTRAP, (uint32_t)part, (uint32_t)(i / block), 0);
    *start = (long)(sg_uniform(&g) * (double)rows);
  }
  return (*start + i % block) % rows;
}

/* times: of each worker, workspace. */
static sg_status replay(sg_fit *f, uint64_t seed, double *times, sg_error *e) {
  long rows = f->trace->iterations, start = 0;
  double *each = calloc((size_t)rows * SG_FIT_WAITS, sizeof *each);
  if (!each) return sg_fail_memory(e);
  for (long i = 0; i < rows; i++) {
    take_row(f, i, times);
    add_waits(f, times, &each[i * SG_FIT_WAITS]);
    for (int k = 0; k < f->n_waits; k++)
      f->replayed[k] += each[i * SG_FIT_WAITS + k] / (double)rows;
  }
  /* Standard errors by the block bootstrap. */
  for (int k = 0; k < f->n_waits; k++) {
    double squares = 0;
    for (int r = 0; r < RESAMPLES; r++) {
      double sum = 0;
      for (long i = 0; i < rows; i++)
        sum += each[resampled_row(f, seed, 2, r, i, &start) * SG_FIT_WAITS + k];
      double d = sum / (double)rows - f->replayed[k];
      squares += d * d;
    }
    f->replayed_error[k] = sqrt(squares / RESAMPLES);
  }
  free(each);
  return SG_OK;
}

static int runs_of(const sg_fit *f) {
  double cells = (double)f->trace->iterations * f->trace->workers;
  double runs = fmax(DRAWS / cells, fmin(FEWEST_RUNS, MOST_DRAWS / cells));
  return runs < 1 ? 1 : runs > MOST_RUNS ? MOST_RUNS : (int)runs;
}

/* delay NULL: blocks of the trace, which need not be a file, and may be a choice of its workers: it
 * is not read again. */
static sg_status simulate(const sg_fit *f, const sg_delay *delay, uint64_t seed, double *times,
                          double *mean, sg_error *e) {
  int n = f->trace->workers, runs = runs_of(f);
  long rows = f->trace->iterations, start = 0;
  double sum[SG_FIT_WAITS] = {0};
  for (int r = 0; r < runs; r++) {
    sg_delay_run *run = delay ? sg_delay_run_new(delay, (uint32_t)r) : NULL;
    if (delay && !run) return sg_fail_memory(e);
    for (long i = 0; i < rows; i++) {
      if (!delay) take_row(f, resampled_row(f, seed, (uint32_t)r, 0, i, &start), times);
      for (int w = 0; w < n && delay; w++)
        times[w] = sg_delay_seconds(run, w, (uint32_t)i, 0, 1, 1);
      add_waits(f, times, sum);
    }
    sg_delay_run_free(run);
  }
  for (int k = 0; k < f->n_waits; k++) mean[k] = sum[k] / runs / (double)rows;
  return SG_OK;
}

/* As `check` and `run` would read it. */
static sg_status simulate_model(const sg_fit *f, sg_fit_model *m, uint64_t seed, double *times,
                                sg_error *e) {
  sg_buffer text = {0};
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  sg_world *world = NULL;
  sg_putf(&text,
          "{\"format\": 1, %s, \"learning\": {\"problem\": \"none\"}, \"schemes\": [{\"code\": "
          "\"uncoded\"}], \"random\": {\"seed\": \"%llu\"}}",
          m->scenario, (unsigned long long)seed);
  if (text.failed) return sg_fail_memory(e);
  sg_status status = sg_scenario_parse("fit", text.data, text.length, 0, NULL, &scenario, e);
  if (!status) status = sg_plan_new(scenario, &plan, e);
  if (!status) status = sg_world_new(plan->point[0].point, plan->cache, NULL, &world, e);
  if (!status) status = simulate(f, world->delay, seed, times, m->mean, e);
  if (plan) sg_world_free(world, plan->cache);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  sg_buffer_free(&text);
  return status;
}

/* --- All -------------------------------------------------------------------------------------- */

/* The next model, of a law if there is an estimate; law NULL: the trace. */
static sg_status add(sg_fit *f, const char *name, const sg_fitted *law, sg_fit_parts parts,
                     sg_error *e) {
  sg_fit_model *m = &f->model[f->n_models++];
  sg_buffer b = {0};
  snprintf(m->name, sizeof m->name, "%s", name);
  for (int k = 0; k < SG_FIT_WAITS; k++) m->mean[k] = NAN;
  if (!law)
    trace_members(f, &b);
  else if (law->ok)
    law_members(f, law, parts, &b);
  m->scenario = b.data;
  return b.failed ? sg_fail_memory(e) : SG_OK;
}

static sg_status add_all(sg_fit *f, sg_error *e) {
  const sg_fit_parts none = {0};
  sg_status status = SG_OK;
  for (int i = 0; i < f->n_laws && !status; i++)
    status = add(f, f->law[i].type->name, &f->law[i], none, e);
  f->structured = f->n_models;
  sg_fitted base = f->base;
  base.ok = base.ok && f->structure->stationary; /* half a slow state tells no law of them */
  if (!status) status = add(f, "structured", &base, f->structure->parts, e);
  f->bootstrap = f->n_models;
  if (!status) status = add(f, "block-bootstrap of the trace", NULL, none, e);
  return status;
}

sg_status fit_models(sg_fit *f, const sg_fit_options *o, double done, sg_error *e) {
  static const int waits[SG_FIT_WAITS] = {0, 1, 2, 4, 8};
  for (int k = 0; k < SG_FIT_WAITS && waits[k] < f->trace->workers; k++)
    f->wait[f->n_waits++] = waits[k];
  const uint64_t seed = o->seed;
  double *times = malloc((size_t)f->trace->workers * sizeof *times);
  if (!times) return sg_fail_memory(e);
  sg_status status = replay(f, seed, times, e);
  if (!status) status = add_all(f, e);
  if (!status) status = simulate(f, NULL, seed, times, f->model[f->bootstrap].mean, e);
  for (int i = 0; i < f->bootstrap && !status; i++) {
    if (o->progress) o->progress(o->user, done + (1 - done) * (i + 1) / (f->bootstrap + 1));
    if (f->model[i].scenario) {
      sg_error own = {0};
      status = simulate_model(f, &f->model[i], seed, times, &own);
      if (status == SG_INVALID) { /* an estimate that is out of the format's range */
        sg_error_clear(&own);
        free(f->model[i].scenario);
        f->model[i].scenario = NULL;
        status = SG_OK;
      }
      sg_error_move(e, &own);
    }
  }
  free(times);
  return status;
}

double fit_deviation(const sg_fit *f, int model) {
  double most = 0;
  for (int k = 0; k < f->n_waits; k++) {
    double d = fabs(f->model[model].mean[k] / f->replayed[k] - 1);
    if (!(d <= most)) most = d; /* takes a NAN over */
  }
  return most;
}
