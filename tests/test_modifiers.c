/* SPDX-License-Identifier: MIT */
/* What makes workers differ: closed forms of memory, common factor, stalls and erasures; that any
 * iteration can be recomputed alone; crashes against schedules made by hand. */
#include "sim/experiment/block.h"
#include "sim/experiment/plan.h"
#include "tests/support/point.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ONE "{'model': 'deterministic', 'value_s': 1"

static sg_delay *make(const char *delay, const char *cluster, sg_error *e) {
  test_point p;
  sg_delay *d = NULL;
  test_point_make(&p, delay, cluster);
  sg_delay_new(sg_object(p.point->values, "cluster"), sg_object(p.point->values, "delay"), 4, 0, 1,
               &d, e);
  test_point_free(&p);
  return d;
}

static double seconds(sg_delay_run *run, int worker, uint32_t iteration) {
  return sg_delay_seconds(run, worker, iteration, 0, 1, 1);
}

static void within(double found, double expected, double error) {
  if (!(fabs(found - expected) <= 4 * error))
    fail_msg("found %g, expected %g ± %g", found, expected, error);
}

/* Occupancy p/(p + r), burst lengths geometric with mean 1/r; the variance of the share of slow
 * iterations in N is π(1 − π)(1 + λ)/((1 − λ) N) with λ = 1 − p − r (Gilbert 1960, derived). */
static void gilbert_elliott(void **state) {
  (void)state;
  enum { WORKERS = 40, N = 2000 };
  const double p = 0.05, r = 0.2, pi = p / (p + r), lambda = 1 - p - r;
  sg_error e = {0};
  sg_delay *d = make(ONE ", 'memory': {'p_slow': 0.05, 'p_recover': 0.2, 'slowdown': 3}}",
                     "{'workers': 40}", &e);
  assert_non_null(d);
  sg_delay_run *run = sg_delay_run_new(d, 0);
  long slow = 0, bursts = 0, in_bursts = 0, first = 0;
  for (int w = 0; w < WORKERS; w++) {
    long length = -1; /* of the burst at hand; −1: none, or one that may have begun before */
    bool before = true;
    for (uint32_t i = 0; i < N; i++) {
      double t = seconds(run, w, i);
      assert_true(t == 1 || t == 3);
      bool now = t == 3;
      slow += now;
      first += i == 0 && now;
      if (now && !before) length = 0;
      if (now && length >= 0) length++;
      if (!now && length > 0) {
        bursts++;
        in_bursts += length;
        length = -1;
      }
      before = now;
    }
  }
  double n = (double)WORKERS * N;
  within((double)slow / n, pi, sqrt(pi * (1 - pi) * (1 + lambda) / ((1 - lambda) * n)));
  within((double)in_bursts / (double)bursts, 1 / r, sqrt((1 - r) / (r * r) / (double)bursts));
  within((double)first / WORKERS, pi, sqrt(pi * (1 - pi) / WORKERS)); /* a stationary start */
  sg_delay_run_free(run);
  sg_delay_free(d);
}

static void common_factor(void **state) {
  (void)state;
  enum { N = 20000 };
  sg_error e = {0};
  sg_delay *d =
      make("{'model': 'exponential', 'mean_s': 1, 'common': {'model': 'gamma', 'shape': 4}}",
           "{'workers': 3}", &e);
  sg_delay *plain = make("{'model': 'exponential', 'mean_s': 1}", "{'workers': 3}", &e);
  sg_delay_run *run = sg_delay_run_new(d, 0), *base = sg_delay_run_new(plain, 0);
  double sum = 0, squares = 0;
  for (uint32_t i = 0; i < N; i++) {
    double factor = seconds(run, 0, i) / seconds(base, 0, i);
    for (int w = 1; w < 3; w++) /* the same for all; the base times are those without it */
      assert_true(fabs(seconds(run, w, i) / seconds(base, w, i) - factor) < 1e-12 * factor);
    sum += factor - 1;
    squares += (factor - 1) * (factor - 1);
  }
  within(sum / N, 0, sqrt(0.25 / N));
  /* Fourth central moment of a gamma factor of shape a and mean 1: 3/a² + 6/a³. */
  within(squares / N, 0.25, sqrt((3.0 / 16 + 6.0 / 64 - 1.0 / 16) / N));
  sg_delay_run_free(run);
  sg_delay_run_free(base);
  sg_delay_free(d);
  sg_delay_free(plain);
}

/* Stalls at once: P(stalled) = p, correlation of two workers (c − p)/(1 − p); independent without
 * a share. */
static void stalls(void **state) {
  (void)state;
  enum { N = 60000 };
  const double p = 0.02, c = 0.3;
  for (int clustered = 0; clustered < 2; clustered++) {
    sg_error e = {0};
    sg_delay *d = make(clustered ? ONE ", 'stalls': {'probability': 0.02, 'share': 0.3, 'length': "
                                       "{'model': 'exponential', 'mean_s': 10}}}"
                                 : ONE ", 'stalls': {'probability': 0.02, 'length': {'model': "
                                       "'exponential', 'mean_s': 10}}}",
                       "{'workers': 2}", &e);
    sg_delay_run *run = sg_delay_run_new(d, 0);
    long hit = 0, both = 0;
    double added = 0;
    for (uint32_t i = 0; i < N; i++) {
      double a = seconds(run, 0, i) - 1, b = seconds(run, 1, i) - 1;
      assert_true(sg_delay_seconds(run, 0, i, 1, 1, 1) == 1); /* not on a second task */
      hit += a > 0;
      both += a > 0 && b > 0;
      added += a;
    }
    double pair = clustered ? p * c : p * p;
    within((double)hit / N, p, sqrt(p * (1 - p) / N));
    within((double)both / N, pair, sqrt(pair * (1 - pair) / N));
    within(added / (double)hit, 10, 10 / sqrt((double)hit));
    sg_delay_run_free(run);
    sg_delay_free(d);
  }
}

/* A speed for the whole run, another in each replication; divides times. */
static void random_speed(void **state) {
  (void)state;
  enum { WORKERS = 2000 };
  sg_error e = {0};
  sg_delay *d =
      make(ONE "}", "{'workers': 2000, 'random_speed': {'model': 'lognormal', 'sigma': 0.5}}", &e);
  sg_delay_run *run = sg_delay_run_new(d, 0), *other = sg_delay_run_new(d, 1);
  double sum = 0, squares = 0, cross = 0;
  for (int w = 0; w < WORKERS; w++) {
    double t = seconds(run, w, 0), log_t = log(t);
    assert_true(seconds(run, w, 77) == t);
    sum += log_t;
    squares += log_t * log_t;
    cross += log_t * log(seconds(other, w, 0));
  }
  within(sum / WORKERS, 0, 0.5 / sqrt(WORKERS));
  within(squares / WORKERS, 0.25, 0.25 * sqrt(2.0 / WORKERS));
  within(cross / WORKERS, 0, 0.25 / sqrt(WORKERS));
  sg_delay_run_free(run);
  sg_delay_run_free(other);
  sg_delay_free(d);
}

/* Any iteration, asked for alone and in any order, is what it is in a whole run. */
static void any_iteration_alone(void **state) {
  (void)state;
  enum { N = 300 };
  sg_error e = {0};
  sg_delay *d = make("{'model': 'weibull', 'scale_s': 1, 'shape': 0.7, 'memory': {'p_slow': 0.1, "
                     "'p_recover': 0.2, 'slowdown': 3}, 'common': {'model': 'lognormal', 'sigma': "
                     "0.3}, 'stalls': {'probability': 0.05, 'share': 0.5, 'slowdown': 9}}",
                     "{'workers': 5, 'random_speed': {'model': 'gamma', 'shape': 3}, 'crashes': "
                     "{'model': 'iterations', 'mean_iterations': 20, 'mean_recovery_iterations': "
                     "5}, 'erasure': {'model': 'uniform', 'count': 2}}",
                     &e);
  double times[5][N];
  bool dead[5][N], erased[5][N];
  sg_delay_run *run = sg_delay_run_new(d, 2);
  for (uint32_t i = 0; i < N; i++)
    for (int w = 0; w < 5; w++) {
      times[w][i] = seconds(run, w, i);
      dead[w][i] = isinf(sg_delay_down(run, w, i));
      erased[w][i] = sg_delay_erased(run, w, i);
    }
  for (int k = 0; k < 400; k++) { /* here and there, back and forth */
    int w = k % 5;
    uint32_t i = (uint32_t)(k * 7919) % N;
    sg_delay_run *fresh = k % 3 ? NULL : sg_delay_run_new(d, 2), *r = fresh ? fresh : run;
    assert_true(seconds(r, w, i) == times[w][i]);
    assert_true(isinf(sg_delay_down(r, w, i)) == dead[w][i]);
    assert_true(sg_delay_erased(r, w, i) == erased[w][i]);
    sg_delay_run_free(fresh);
  }
  sg_delay_run_free(run);
  sg_delay_free(d);
}

static void speeds_and_fixed_costs(void **state) {
  (void)state;
  sg_error e = {0};
  sg_delay *d = make(ONE ", 'fixed_s': 0.5, 'memory': {'p_slow': 1, 'p_recover': 1e-9, 'slowdown': "
                         "3}}",
                     "{'workers': 2, 'speeds': [1, 2]}", &e);
  sg_delay_run *run = sg_delay_run_new(d, 0);
  assert_true(sg_delay_seconds(run, 0, 1, 0, 4, 4) == 4 * 3 + 0.5);
  assert_true(sg_delay_seconds(run, 1, 1, 0, 4, 4) == 4 * 3 / 2.0 + 0.5);
  sg_delay_run_free(run);
  sg_delay_free(d);
  static const struct {
    const char *delay, *cluster, *place, *says;
  } bad[] = {
      {ONE "}", "{'workers': 3, 'speeds': [1, 2]}", "/cluster/speeds",
       "each of 3 workers, found 2"},
      {ONE "}", "{'workers': 1, 'speeds': [1], 'classes': [{'share': 1, 'speed': 2}]}",
       "/cluster/speeds", "found both"},
      {ONE ", 'stalls': {'probability': 0.5, 'share': 0.1, 'slowdown': 2}}", "{'workers': 1}",
       "/delay/stalls/share", "at least the probability, 0.5"},
      {ONE ", 'stalls': {'probability': 0.5}}", "{'workers': 1}", "/delay/stalls", "does nothing"},
      {ONE "}", "{'workers': 2, 'erasure': {'model': 'burst', 'count': 3}}",
       "/cluster/erasure/count", "at most as many"},
      {ONE "}", "{'workers': 2, 'erasure': {'model': 'pattern', 'workers': [0, 2]}}",
       "/cluster/erasure/workers", "workers 0 to 1, found 2"},
      {ONE "}", "{'workers': 2, 'erasure': {'model': 'bernoulli'}}", "/cluster/erasure/probability",
       "probabilities, found none"},
      {ONE "}",
       "{'workers': 2, 'erasure': {'model': 'bernoulli', 'probability': 0.1, 'probabilities': [0, "
       "1]}}",
       "/cluster/erasure/probability", "found several"},
      {ONE "}", "{'workers': 2, 'erasure': {'model': 'bernoulli', 'probabilities': [0.1]}}",
       "/cluster/erasure/probabilities", "each of 2 workers, found 1"},
      {ONE "}",
       "{'workers': 2, 'erasure': {'model': 'bernoulli', 'classes': [{'share': 0.5, 'probability': "
       "0.1}]}}",
       "/cluster/erasure/classes", "sum"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_null(make(bad[i].delay, bad[i].cluster, &e));
    assert_int_equal(e.count, 1);
    assert_string_equal(e.fault[0].place, bad[i].place);
    if (!strstr(e.fault[0].message, bad[i].says)) fail_msg("%s", e.fault[0].message);
    sg_error_clear(&e);
  }
}

/* By class and by worker: each as often as its own probability says. */
static void erasures_of_their_own(void **state) {
  (void)state;
  enum { N = 20000, WORKERS = 6 };
  static const char *const clusters[] = {
      "{'workers': 6, 'erasure': {'model': 'bernoulli', 'assign': 'in-order', 'classes': "
      "[{'share': 0.5, 'probability': 0.05}, {'share': 0.5, 'probability': 0.4}]}}",
      "{'workers': 6, 'erasure': {'model': 'bernoulli', 'probabilities': [0, 1, 0.2, 0.4, 0.6, "
      "0.8]}}"};
  static const double p[2][WORKERS] = {{0.05, 0.05, 0.05, 0.4, 0.4, 0.4},
                                       {0, 1, 0.2, 0.4, 0.6, 0.8}};
  for (int c = 0; c < 2; c++) {
    sg_error e = {0};
    sg_delay *d = make(ONE "}", clusters[c], &e);
    assert_non_null(d);
    sg_delay_run *run = sg_delay_run_new(d, 0);
    long each[WORKERS] = {0};
    for (uint32_t i = 0; i < N; i++)
      for (int w = 0; w < WORKERS; w++) each[w] += sg_delay_erased(run, w, i);
    for (int w = 0; w < WORKERS; w++)
      within((double)each[w] / N, p[c][w], sqrt(p[c][w] * (1 - p[c][w]) / N) + 1e-12);
    sg_delay_run_free(run);
    sg_delay_free(d);
  }
}

/* Sets of the right size, each worker equally often; bursts are consecutive; fresh or not. */
static void erasures(void **state) {
  (void)state;
  enum { N = 20000, WORKERS = 7 };
  static const char *const clusters[] = {
      "{'workers': 7, 'erasure': {'model': 'uniform', 'count': 3}}",
      "{'workers': 7, 'erasure': {'model': 'burst', 'count': 3}}",
      "{'workers': 7, 'erasure': {'model': 'bernoulli', 'probability': 0.3}}",
      "{'workers': 7, 'erasure': {'model': 'uniform', 'count': 3, 'drawn_per': 'run'}}"};
  for (int c = 0; c < 4; c++) {
    sg_error e = {0};
    sg_delay *d = make(ONE "}", clusters[c], &e);
    sg_delay_run *run = sg_delay_run_new(d, 0);
    long each[WORKERS] = {0}, first_two = 0;
    for (uint32_t i = 0; i < N; i++) {
      int count = 0, starts = 0;
      bool x[WORKERS];
      for (int w = 0; w < WORKERS; w++) count += x[w] = sg_delay_erased(run, w, i);
      for (int w = 0; w < WORKERS; w++) {
        starts += x[w] && !x[(w + WORKERS - 1) % WORKERS];
        each[w] += x[w];
      }
      first_two += x[0] && x[1];
      if (c != 2) assert_int_equal(count, 3);
      if (c == 1) assert_int_equal(starts, 1);
    }
    double p = c == 2 ? 0.3 : 3.0 / 7;
    /* P(workers 0 and 1): 3·2/(7·6) uniform, 2/7 in a burst, p² independent. */
    double pair = c == 0 ? 1.0 / 7 : c == 1 ? 2.0 / 7 : 0.09;
    for (int w = 0; w < WORKERS; w++) {
      if (c == 3)
        assert_true(each[w] == 0 || each[w] == N);
      else
        within((double)each[w] / N, p, sqrt(p * (1 - p) / N));
    }
    if (c < 3) within((double)first_two / N, pair, sqrt(pair * (1 - pair) / N));
    sg_delay_run_free(run);
    sg_delay_free(d);
  }
}

/* --- In the engine ---------------------------------------------------------------------------- */

enum { MOST = 64 };
typedef struct outcome {
  int rows;
  double duration[MOST];
  bool decoded[MOST];
  char reason[32];
} outcome;

static bool add_row(void *user, int replication, const sg_iteration_record *row, int n,
                    const sg_worker_record *worker) {
  (void)replication, (void)n, (void)worker;
  outcome *o = user;
  assert_true(o->rows < MOST);
  o->duration[o->rows] = row->duration_s;
  o->decoded[o->rows++] = row->decoded;
  return true;
}

static bool finish(void *user, int replication, const sg_run_row *run,
                   const sg_summary_record *summary, int n,
                   const sg_worker_summary_record *worker) {
  (void)replication, (void)summary, (void)n, (void)worker;
  snprintf(((outcome *)user)->reason, sizeof((outcome *)user)->reason, "%s", run->stop_reason);
  return true;
}

static void simulate(const char *delay, const char *cluster, const char *scheme, const char *stop,
                     outcome *o) {
  sg_buffer b = {0};
  sg_error e = {0};
  sg_scenario *s = NULL;
  sg_plan *plan = NULL;
  sg_world *w = NULL;
  const int replication = 0;
  const sg_block_options options = {0};
  const sg_sink sink = {.user = o, .row = add_row, .finish = finish};
  *o = (outcome){0};
  sg_putf(&b,
          "{'format': 1, 'cluster': %s, 'delay': %s, 'learning': {'problem': 'none', 'length': 8}, "
          "'schemes': [%s], 'stop': %s}",
          cluster, delay, scheme, stop);
  for (char *c = b.data; *c; c++)
    if (*c == '\'') *c = '"';
  sg_status status = sg_scenario_parse("test.json", b.data, b.length, 0, NULL, &s, &e);
  if (status == SG_OK) status = sg_plan_new(s, &plan, &e);
  if (status == SG_OK) status = sg_world_new(plan->point[0].point, plan->cache, NULL, &w, &e);
  if (status == SG_OK) status = sg_block_run(w, 1, &replication, &options, &sink, &e);
  if (status != SG_OK) fail_msg("%s", e.count ? e.fault[0].message : "?");
  sg_world_free(w, plan->cache);
  sg_plan_free(plan);
  sg_scenario_free(s);
  sg_buffer_free(&b);
}

/* Mean lives of one iteration are exactly one iteration long: alive, dead, alive, … in step. */
static void crashes_by_hand(void **state) {
  (void)state;
  outcome o;
  /* By turns: 1 s, then nothing comes and the round is skipped at once. */
  const char *by_turns = "{'workers': 3, 'crashes': {'model': 'iterations', 'mean_iterations': 1, "
                         "'mean_recovery_iterations': 1}}";
  simulate(ONE "}", by_turns, "{'code': 'uncoded'}", "{'iterations': 6, 'undecodable': 'skip'}",
           &o);
  assert_int_equal(o.rows, 6);
  for (int i = 0; i < 6; i++) {
    assert_true(o.duration[i] == (i % 2 ? 0 : 1));
    assert_true(o.decoded[i] == (i % 2 == 0));
  }
  /* Waiting, the second round has no end. */
  simulate(ONE "}", by_turns, "{'code': 'uncoded'}", "{'iterations': 6}", &o);
  assert_int_equal(o.rows, 1);
  assert_string_equal(o.reason, "stalled");
  simulate(ONE "}", "{'workers': 3, 'crashes': {'model': 'permanent', 'mean_iterations': 1}}",
           "{'code': 'uncoded'}", "{'iterations': 4, 'undecodable': 'skip'}", &o);
  assert_int_equal(o.rows, 4);
  assert_true(o.decoded[0] && !o.decoded[1] && !o.decoded[3]);
  /* Down for 5 s in every round but the first. */
  simulate(ONE "}",
           "{'workers': 3, 'crashes': {'model': 'seconds', 'mean_iterations': 1, 'downtime': "
           "{'model': 'deterministic', 'value_s': 5}}}",
           "{'code': 'uncoded'}", "{'iterations': 4}", &o);
  assert_string_equal(o.reason, "iterations");
  assert_int_equal(o.rows, 4);
  for (int i = 0; i < 4; i++) assert_true(fabs(o.duration[i] - (i ? 6 : 1)) < 1e-12);
}

/* Down times that outlast rounds, against a schedule of a few lines: a round ends with the first
 * of two workers, the other one stays down until it is up. */
static void downtime_outlasts_rounds(void **state) {
  (void)state;
  enum { N = 40 };
  const char *cluster = "{'workers': 2, 'crashes': {'model': 'seconds', 'mean_iterations': 3, "
                        "'downtime': {'model': 'exponential', 'mean_s': 4}}}";
  outcome o;
  simulate(ONE "}", cluster, "{'code': 'ignore-stragglers', 's': 1}", "{'iterations': 40}", &o);
  assert_int_equal(o.rows, N);
  sg_error e = {0};
  sg_delay *d = make(ONE "}", cluster, &e);
  sg_delay_run *run = sg_delay_run_new(d, 0);
  double now = 0, until[2] = {0};
  int outlasting = 0;
  for (uint32_t i = 0; i < N; i++) {
    double end = INFINITY;
    for (int w = 0; w < 2; w++) {
      double down = sg_delay_down(run, w, i);
      outlasting += until[w] > now;
      if (down > 0) until[w] = fmax(until[w], now + down);
      end = fmin(end, fmax(now, until[w]) + 1);
    }
    assert_true(fabs(o.duration[i] - (end - now)) < 1e-9);
    now = end;
  }
  assert_true(outlasting > 0);
  sg_delay_run_free(run);
  sg_delay_free(d);
}

/* Erased workers 0 and 1 of fractional repetition with groups {0, 1}, {2, 3}: never decodable; 0
 * and 2: always, at the time of workers 1 and 3. */
static void erased_messages(void **state) {
  (void)state;
  outcome o;
  const char *stop = "{'iterations': 3, 'undecodable': 'skip'}";
  const char *frc = "{'code': 'fractional-repetition', 's': 1}";
  simulate(ONE "}",
           "{'workers': 4, 'speeds': [1, 0.5, 1, 0.25], 'erasure': {'model': 'pattern', "
           "'workers': [0, 2]}}",
           frc, stop, &o);
  assert_int_equal(o.rows, 3);
  for (int i = 0; i < 3; i++) assert_true(o.decoded[i] && o.duration[i] == 2 / 0.25);
  simulate(ONE "}", "{'workers': 4, 'erasure': {'model': 'pattern', 'workers': [0, 1]}}", frc, stop,
           &o);
  assert_int_equal(o.rows, 3);
  for (int i = 0; i < 3; i++) assert_true(!o.decoded[i] && o.duration[i] == 2);
}

/* The times of all workers at once are those one by one, drawn ahead or not, whatever changes
 * them. */
static void all_at_once(void **state) {
  (void)state;
  enum { N = 37 };
#define LAW "{'model': 'shifted-exponential', 'shift_s': 1, 'mean_excess_s': 2"
#define MORE                                                                                       \
  ", 'memory': {'p_slow': 0.2, 'p_recover': 0.3, 'slowdown': 3}, 'stalls': {'probability': 0.1, "  \
  "'share': 0.5, 'length': {'model': 'exponential', 'mean_s': 5}}, 'common': {'model': "           \
  "'lognormal', 'sigma': 0.3}, 'fixed_s': 0.25}"
  static const char *const delays[] = {LAW "}",
                                       LAW ", 'fixed_s': 0.25}",
                                       LAW ", 'scaling': 'additive'}",
                                       LAW ", 'scaling': 'startup', 'per_subset_s': 0.5}",
                                       LAW MORE,
                                       LAW ", 'stalls': {'probability': 0.2, 'slowdown': 2}}",
                                       ONE "}",
                                       ONE MORE,
                                       "{'model': 'pareto', 'minimum_s': 1, 'shape': 2}"};
  static const char *const clusters[] = {
      "{'workers': 37}",
      "{'workers': 37, 'classes': [{'share': 0.5, 'speed': 1}, {'share': 0.5, 'speed': 3}], "
      "'random_speed': {'model': 'lognormal', 'sigma': 0.3}}"};
  for (size_t i = 0; i < sizeof delays / sizeof *delays * 2; i++) {
    sg_error e = {0};
    sg_delay *d = make(delays[i / 2], clusters[i % 2], &e);
    assert_non_null(d);
    sg_delay_run *all = sg_delay_run_new(d, 2), *one = sg_delay_run_new(d, 2);
    for (uint32_t iteration = 0; iteration < 40; iteration++) {
      double found[N], work = 1 + 0.5 * (iteration % 3);
      int draws = 1 + (int)(iteration % 2);
      if (iteration % 4 > 0) assert_true(sg_delay_draw_ahead(all, iteration));
      sg_delay_seconds_of_all(all, iteration, work, draws, found);
      for (int w = 0; w < N; w++) {
        double expected = sg_delay_seconds(one, w, iteration, 0, work, draws);
        assert_memory_equal(&found[w], &expected, sizeof expected);
        /* And its next task. */
        double next = sg_delay_seconds(all, w, iteration, draws, work, 1);
        expected = sg_delay_seconds(one, w, iteration, draws, work, 1);
        assert_memory_equal(&next, &expected, sizeof expected);
      }
    }
    sg_delay_run_free(all);
    sg_delay_run_free(one);
    sg_delay_free(d);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gilbert_elliott),
      cmocka_unit_test(common_factor),
      cmocka_unit_test(stalls),
      cmocka_unit_test(random_speed),
      cmocka_unit_test(any_iteration_alone),
      cmocka_unit_test(speeds_and_fixed_costs),
      cmocka_unit_test(erasures),
      cmocka_unit_test(erasures_of_their_own),
      cmocka_unit_test(crashes_by_hand),
      cmocka_unit_test(downtime_outlasts_rounds),
      cmocka_unit_test(erased_messages),
      cmocka_unit_test(all_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
