/* SPDX-License-Identifier: MIT */
/* The fit of traces: verdicts and warnings on the shipped ones, numbers that are known, edges. */
#include "sim/experiment/plan.h"
#include "sim/fit/fit.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct case_ {
  sg_trace *trace;
  sg_fit *fit;
} case_;

static case_ fit_text(const char *text, const char *path, int replicates) {
  const sg_fit_options o = {.seed = 1, .replicates = replicates};
  sg_error e = {0};
  case_ c = {0};
  sg_status status = text ? sg_trace_parse(path, text, strlen(text), &c.trace, &e)
                          : sg_trace_read(path, &c.trace, &e);
  if (status == SG_OK) status = sg_fit_new(c.trace, path, &o, &c.fit, &e);
  if (status != SG_OK) fail_msg("%s: %s", e.fault[0].place, e.fault[0].message);
  return c;
}

static void done(case_ *c) {
  sg_fit_free(c->fit);
  sg_trace_free(c->trace);
}

/* Exactly these warnings. */
static void warnings(const sg_fit *f, const char *expected) {
  char found[256] = "";
  for (int i = 0; i < SG_FIT_WARNINGS; i++) {
    assert_int_equal(f->warned[i], f->warning[i] != NULL);
    if (!f->warned[i]) continue;
    strcat(found, *found ? " " : "");
    strcat(found, sg_fit_warning_names[i]);
  }
  assert_string_equal(found, expected);
}

static const char looks_the_same[] =
    "a slow state as long as the trace cannot be told from a worker slow for good";

static void near(double found, double expected, double relative) {
  if (!(fabs(found - expected) <= relative * fabs(expected)))
    fail_msg("found %g, expected %g within %g %%", found, expected, 100 * relative);
}

/* The model's iteration times are those of the trace, within so many of its standard errors and a
 * share. */
static void comes_near(const sg_fit *f, int model, double errors, double share) {
  for (int k = 0; k < f->n_waits; k++) {
    double d = fabs(f->model[model].mean[k] - f->replayed[k]);
    if (!(d <= errors * f->replayed_error[k] + share * f->replayed[k]))
      fail_msg("%s, s = %d: %g, not %g ± %g", f->model[model].name, f->wait[k],
               f->model[model].mean[k], f->replayed[k], f->replayed_error[k]);
  }
}

/* The members, in a scenario. */
static bool is_valid(const char *members) {
  sg_buffer b = {0};
  sg_error e = {0};
  sg_scenario *s = NULL;
  sg_plan *plan = NULL;
  sg_putf(&b,
          "{\"format\":1,%s,\"learning\":{\"problem\":\"none\"},\"schemes\":[{\"code\":"
          "\"uncoded\"}]}",
          members);
  bool ok = sg_scenario_parse("fit.json", b.data, b.length, 0, NULL, &s, &e) == SG_OK &&
            sg_plan_new(s, &plan, &e) == SG_OK;
  sg_plan_free(plan);
  sg_scenario_free(s);
  sg_error_clear(&e);
  sg_buffer_free(&b);
  return ok;
}

/* --- The shipped traces ----------------------------------------------------------------------- */

static void independent(void **state) {
  (void)state;
  case_ c = fit_text(NULL, "scenarios/traces/independent.csv", 19);
  const sg_fit *f = c.fit;
  warnings(f, "");
  assert_string_equal(f->law[f->best].type->name, "shifted exponential");
  assert_true(f->law[f->best].ad_p > 0.05 && f->law[f->best].ks_p > 0.05);
  assert_true(f->law[f->best].low[0] <= 1 && 1 <= f->law[f->best].high[0]);
  assert_true(f->law[f->best].low[1] <= 0.5386 && 0.5 <= f->law[f->best].high[1]);
  assert_int_equal(f->recommended, f->best);
  assert_non_null(strstr(f->verdict, "support independent delays with a shifted exponential law"));
  /* The law and the trace give the same iteration times, within three standard errors. */
  comes_near(f, f->best, 3, 0);
  for (int i = 0; i < f->n_models; i++)
    if (f->model[i].scenario) assert_true(is_valid(f->model[i].scenario));
  assert_int_equal(f->structure->block, 1);
  done(&c);
}

static void persistent(void **state) {
  (void)state;
  case_ c = fit_text(NULL, "scenarios/traces/persistent.csv", 0);
  const sg_fit *f = c.fit;
  warnings(f, "persistent");
  assert_true(f->structure->worker.value > 0.8 && f->structure->worker.p < 0.005);
  assert_true(f->structure->halves > 0.95);
  /* Worker 8 is at half of 1 − 8/24, worker 0 is nominal. */
  near(f->structure->factor[8] / f->structure->factor[0], 3, 0.05);
  /* All that are slow are named: 3 and 8 at half speed, and those behind the median. */
  assert_non_null(strstr(f->warning[SG_FIT_PERSISTENT], "workers 8 ("));
  assert_non_null(strstr(f->warning[SG_FIT_PERSISTENT], ", 3 ("));
  assert_non_null(strstr(f->warning[SG_FIT_PERSISTENT], looks_the_same));
  comes_near(f, f->structured, 2, 0.01);
  assert_int_equal(f->recommended, f->structured);
  assert_non_null(strstr(f->model[f->structured].scenario, "\"speeds\""));
  assert_true(is_valid(f->model[f->structured].scenario));
  done(&c);
}

static void memory(void **state) {
  (void)state;
  case_ c = fit_text(NULL, "scenarios/traces/memory.csv", 0);
  const sg_fit *f = c.fit;
  warnings(f, "memory");
  assert_true(f->structure->memory.p < 0.005 && f->structure->memory.value > 0.4);
  near(f->structure->p_slow, 0.05, 0.3);
  near(f->structure->p_recover, 0.2, 0.3);
  near(f->structure->slowdown, 2.5, 0.2);
  assert_true(f->structure->block >= 5);
  comes_near(f, f->structured, 2, 0.02);
  assert_non_null(strstr(f->model[f->structured].scenario, "\"memory\""));
  assert_true(is_valid(f->model[f->structured].scenario));
  done(&c);
}

static void stalls(void **state) {
  (void)state;
  case_ c = fit_text(NULL, "scenarios/traces/stalls.csv", 0);
  const sg_fit *f = c.fit;
  warnings(f, "common stalls clustered");
  near(f->structure->stall_ratio, 12, 0.15);
  assert_true(f->structure->together > 4 && f->structure->together_chance < 1.5);
  near(f->structure->iteration_sd, 0.1, 0.3);
  comes_near(f, f->structured, 2, 0.05);
  assert_non_null(strstr(f->model[f->structured].scenario, "\"share\""));
  assert_true(is_valid(f->model[f->structured].scenario));
  done(&c);
}

static void loads(void **state) {
  (void)state;
  case_ c = fit_text(NULL, "scenarios/traces/loads.csv", 0);
  const sg_fit *f = c.fit;
  warnings(f, "");
  assert_int_equal(f->loads.scaling, SG_FIT_STARTUP);
  near(f->loads.per_subset, 0.5, 0.05);
  near(f->loads.fixed, 1.1, 0.05);
  near(f->law[f->best].value[0], 0.8, 0.05);
  near(f->law[f->best].value[1], 0.3, 0.1);
  assert_non_null(strstr(f->model[f->best].scenario, "\"scaling\": \"startup\""));
  done(&c);
}

static void barrier(void **state) {
  (void)state;
  case_ c = fit_text(NULL, "scenarios/traces/barrier.csv", 0);
  warnings(c.fit, "barrier");
  assert_non_null(strstr(c.fit->verdict, "behind a barrier"));
  done(&c);
}

/* --- Made here -------------------------------------------------------------------------------- */

static double uniform(uint32_t kind, int worker, long iteration) {
  sg_stream s;
  sg_stream_at(&s, 2, kind, SG_FOR_CHECK, (uint32_t)worker, (uint32_t)iteration, 0);
  return sg_uniform(&s);
}

typedef double time_of(int worker, long iteration, double u);

static case_ fit_made(int workers, long iterations, uint32_t kind, time_of *time) {
  sg_buffer b = {0};
  sg_put(&b, "iteration,worker,compute_s\n");
  for (long i = 0; i < iterations; i++)
    for (int w = 0; w < workers; w++)
      sg_putf(&b, "%ld,%d,%.9g\n", i, w, time(w, i, uniform(kind, w, i)));
  case_ c = fit_text(b.data, "made.csv", 0);
  sg_buffer_free(&b);
  return c;
}

static double turns_slow(int worker, long iteration, double u) {
  return (1 - 0.2 * log1p(-u)) * (worker == 4 && iteration >= 120 ? 1.8 : 1);
}
static double pareto(int worker, long iteration, double u) {
  (void)worker, (void)iteration;
  return pow(1 - u, -1 / 2.0);
}
static double weibull(int worker, long iteration, double u) {
  (void)worker, (void)iteration;
  return 2 * pow(-log1p(-u), 1 / 1.5);
}

static void a_worker_that_turns_slow(void **state) {
  (void)state;
  case_ c = fit_made(8, 200, 1, turns_slow);
  const sg_fit_structure *s = c.fit->structure;
  assert_true(c.fit->warned[SG_FIT_CHANGE]);
  assert_int_equal(s->change_worker, 4);
  assert_true(labs(s->change_at - 120) <= 3);
  near(s->change_ratio, 1.8, 0.1);
  assert_non_null(strstr(c.fit->warning[SG_FIT_CHANGE], looks_the_same));
  assert_int_equal(c.fit->recommended, c.fit->bootstrap);
  done(&c);
}

/* Four workers become slow, none recovers: how long that lasts is not in the trace. */
static double for_ever(int worker, long iteration, double u) {
  return (1 - 0.2 * log1p(-u)) * (worker < 4 && iteration >= 80 + 40 * worker ? 3 : 1);
}
static void half_a_slow_state_is_no_law(void **state) {
  (void)state;
  case_ c = fit_made(12, 240, 5, for_ever);
  assert_true(c.fit->warned[SG_FIT_MEMORY] && !c.fit->structure->stationary);
  assert_null(c.fit->model[c.fit->structured].scenario);
  assert_int_equal(c.fit->recommended, c.fit->bootstrap);
  assert_non_null(strstr(c.fit->warning[SG_FIT_SHORT], looks_the_same));
  assert_non_null(strstr(c.fit->verdict, "would have to be guessed (0 of them end in the trace)"));
  done(&c);
}

/* Workers 4 to 7 stall in the same iterations; all are slow in every 24th, from the sixth on. */
static double of_one_machine(int worker, long iteration, double u) {
  bool stalls = worker / 4 == 1 && uniform(6, 100, iteration) < 0.04;
  return (1 - 0.2 * log1p(-u)) * (stalls ? 12 : 1);
}
static double in_time(int worker, long iteration, double u) {
  return (1 - 0.2 * log1p(-u)) * (iteration % 24 == 5 ? 2 : 1);
}
static void machines_and_periods(void **state) {
  (void)state;
  case_ c = fit_made(12, 240, 6, of_one_machine);
  assert_true(c.fit->warned[SG_FIT_CLUSTERED] && !c.fit->warned[SG_FIT_PERIODIC]);
  assert_int_equal(c.fit->structure->groups, 1);
  for (int w = 0; w < 12; w++) assert_int_equal(c.fit->structure->group[w], w / 4 == 1);
  assert_non_null(strstr(c.fit->warning[SG_FIT_CLUSTERED], "together: workers 4, 5, 6, 7"));
  done(&c);
  c = fit_made(12, 240, 7, in_time);
  warnings(c.fit, "common periodic");
  assert_int_equal(c.fit->structure->period, 24);
  assert_int_equal(c.fit->structure->period_at, 5);
  assert_int_equal(c.fit->structure->period_hits, 10);
  done(&c);
}

static void heavy_tails(void **state) {
  (void)state;
  case_ c = fit_made(12, 250, 2, pareto);
  assert_true(c.fit->warned[SG_FIT_HEAVY_TAIL]);
  assert_string_equal(c.fit->law[c.fit->best].type->name, "pareto");
  warnings(c.fit, "heavy-tail"); /* its longest times are no stalls */
  assert_non_null(strstr(c.fit->verdict, "support independent delays with a pareto law"));
  assert_null(strstr(c.fit->verdict, "nan")); /* no bootstrap: no p */
  done(&c);
  c = fit_made(12, 250, 3, weibull);
  assert_string_equal(c.fit->law[c.fit->best].type->name, "weibull");
  warnings(c.fit, "");
  done(&c);
}

/* How often chance alone makes a warning: independent workers, many traces. One percent is the
 * level of each test; 40 traces, at most 4 with any of the four warnings. */
static void chance_seldom_warns(void **state) {
  (void)state;
  int warned = 0;
  for (uint32_t k = 0; k < 40; k++) {
    double x[60 * 6];
    sg_error e = {0};
    sg_fit_structure *s;
    for (int i = 0; i < 360; i++) x[i] = 0.5 - log1p(-uniform(100 + k, i % 6, i / 6));
    assert_int_equal(sg_fit_structure_new(60, 6, x, k, &s, &e), SG_OK);
    warned += s->parts.persistent || s->parts.memory || s->parts.common || s->parts.change;
    sg_fit_structure_free(s);
  }
  assert_true(warned <= 4);
}

/* A long trace has long times: none of 250,000 independent ones is a stall. */
static void long_traces_do_not_stall(void **state) {
  (void)state;
  enum { ROWS = 5000, COLUMNS = 50 };
  double *x = malloc((size_t)ROWS * COLUMNS * sizeof *x);
  sg_error e = {0};
  sg_fit_structure *s;
  for (int i = 0; i < ROWS * COLUMNS; i++)
    x[i] = 1 - 0.5 * log1p(-uniform(200, i % COLUMNS, i / COLUMNS));
  assert_int_equal(sg_fit_structure_new(ROWS, COLUMNS, x, 1, &s, &e), SG_OK);
  assert_true(s->settled && s->stalls == 0);
  assert_true(!s->parts.persistent && !s->parts.change && !s->parts.memory && !s->parts.common &&
              !s->parts.periodic);
  sg_fit_structure_free(s);
  free(x);
}

static void scaling_of_loads(void **state) {
  (void)state;
  enum { N = 3000 };
  static double x[N], load[N];
  static const sg_fit_scaling expected[] = {SG_FIT_PROPORTIONAL, SG_FIT_ADDITIVE};
  for (int kind = 0; kind < 2; kind++) {
    for (int i = 0; i < N; i++) {
      load[i] = 1 << i % 3;
      double sum = 0;
      for (int d = 0; d < (int)load[i]; d++) sum -= log1p(-uniform(4, kind ? d : 0, i));
      x[i] = load[i] + sum;
    }
    sg_fit_loads l;
    sg_error e = {0};
    assert_int_equal(sg_fit_load_scaling(N, x, load, &l, &e), SG_OK);
    assert_int_equal(l.count, 3);
    assert_int_equal(l.scaling, expected[kind]);
    assert_true(fabs(l.fixed) < 4 * l.fixed_error);
    assert_true(fabs(l.growth - (kind ? 0.5 : 1)) < 4 * l.growth_error);
  }
}

/* --- Edges ------------------------------------------------------------------------------------ */

static void small_and_degenerate(void **state) {
  (void)state;
  static const char *const texts[] = {
      "iteration,worker,compute_s\n0,0,1\n",
      "iteration,worker,compute_s\n0,0,1\n0,1,2\n",
      "iteration,worker,compute_s\n0,0,1\n1,0,2\n2,0,3\n3,0,5\n",
      "iteration,worker,compute_s\n0,0,1e250\n0,1,1e-300\n1,0,1\n1,1,1\n2,0,5e-324\n2,1,1e249\n",
      "iteration,worker,compute_s\n0,0,1\n0,1,1\n1,0,1\n1,1,1\n2,0,1\n2,1,1\n",
      "iteration,worker,compute_s,load\n0,0,1,1\n0,1,1,2\n1,0,1,3\n1,1,1,4\n2,0,1,5\n2,1,1,6\n"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    case_ c = fit_text(texts[i], "made.csv", 3);
    assert_non_null(c.fit->verdict);
    assert_true(c.fit->warned[SG_FIT_SHORT]);
    done(&c);
  }
}

static void trace_units(void **state) {
  (void)state;
  sg_buffer b = {0};
  sg_put(&b, "# unit: ticks\niteration,worker,compute_s\n");
  for (int i = 0; i < 50; i++)
    for (int w = 0; w < 5; w++) sg_putf(&b, "%d,%d,%.9g\n", i, w, 100 * uniform(9, w, i) + 1);
  case_ c = fit_text(b.data, "ticks.csv", 0);
  assert_non_null(strstr(c.fit->model[c.fit->bootstrap].scenario, "\"unit_s\": 1"));
  done(&c);
  sg_buffer_free(&b);
}

static void same_seed_same_fit(void **state) {
  (void)state;
  case_ a = fit_text(NULL, "scenarios/traces/memory.csv", 3);
  case_ b = fit_text(NULL, "scenarios/traces/memory.csv", 3);
  assert_string_equal(a.fit->verdict, b.fit->verdict);
  for (int i = 0; i < a.fit->n_laws; i++) {
    assert_ptr_equal(a.fit->law[i].type, b.fit->law[i].type);
    assert_memory_equal(&a.fit->law[i].value, &b.fit->law[i].value, sizeof a.fit->law[i].value);
    assert_true(a.fit->law[i].ad_p == b.fit->law[i].ad_p);
  }
  for (int i = 0; i < a.fit->n_models; i++)
    assert_memory_equal(a.fit->model[i].mean, b.fit->model[i].mean, sizeof a.fit->model[i].mean);
  done(&a);
  done(&b);
}

int main(void) {
  gsl_set_error_handler_off();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(independent),
      cmocka_unit_test(persistent),
      cmocka_unit_test(memory),
      cmocka_unit_test(stalls),
      cmocka_unit_test(loads),
      cmocka_unit_test(barrier),
      cmocka_unit_test(a_worker_that_turns_slow),
      cmocka_unit_test(half_a_slow_state_is_no_law),
      cmocka_unit_test(machines_and_periods),
      cmocka_unit_test(heavy_tails),
      cmocka_unit_test(chance_seldom_warns),
      cmocka_unit_test(long_traces_do_not_stall),
      cmocka_unit_test(scaling_of_loads),
      cmocka_unit_test(small_and_degenerate),
      cmocka_unit_test(trace_units),
      cmocka_unit_test(same_seed_same_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
