/* SPDX-License-Identifier: MIT */
/* What codes are told beforehand of the workers' times, against closed forms and quadrature; and a
 * code that chooses its redundancy by it. */
#include "sim/experiment/execute.h"
#include "sim/experiment/forecast.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { UPDATES = 40, SEED = 7, DRAWS = 100000 };

static void fail_with(sg_error *e) {
  for (int i = 0; i < e->count; i++)
    print_error("%s: %s\n", e->fault[i].place, e->fault[i].message);
  sg_error_clear(e);
  fail();
}

/* --- A code that takes down what it is told --------------------------------------------------- */

enum { MOST = 12, COUNT = 200 };

typedef struct told {
  double mean[MOST], inverse[MOST], straggling[MOST]; /* of T_(1) …, of workers */
  double times[COUNT * MOST];
} told;

static double asked_work = 1;
static told heard;

static void ask(const sg_forecast *f, int n, double work, told *t) {
  *t = (told){0};
  assert_non_null(f);
  for (int k = 1; k <= n; k++) {
    t->mean[k - 1] = f->mean(f->of, work, k);
    t->inverse[k - 1] = f->inverse_mean(f->of, work, k);
    t->straggling[k - 1] = f->straggling(f->of, k - 1);
  }
  assert_true(f->samples(f->of, work, COUNT, t->times));
}

static sg_status listener_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                                 sg_error *e) {
  (void)code, (void)values, (void)e;
  assert_true(shape->workers <= MOST);
  ask(shape->forecast, shape->workers, asked_work, &heard);
  return SG_OK;
}

static void own_part(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  sg_row_part(row, message->from, 0, 1);
}

static const sg_code_type listener = {.about = {.name = "listener", .summary = "", .reference = ""},
                                      .create = listener_create,
                                      .encode = own_part};

/* --- A code that chooses -------------------------------------------------------------------- */

/* Fractional repetition of n = 12 workers with the tolerance s, s + 1 a divisor of n, for which
 * E T_(n − s) of s + 1 subsets is least; without a forecast s = 0. */
typedef struct choosy {
  int s;
} choosy;

static sg_status choosy_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  choosy *c = code->self = sg_code_alloc(code, 1, sizeof *c);
  if (!c) return sg_fail_memory(e);
  double least = INFINITY;
  for (int s = 0; shape->forecast && s < shape->workers; s++) {
    if (shape->workers % (s + 1)) continue;
    double time = shape->forecast->mean(shape->forecast->of, s + 1, shape->workers - s);
    if (isnan(time)) return sg_fail_memory(e);
    if (time >= least) continue;
    least = time;
    c->s = s;
  }
  code->promised = c->s;
  return sg_code_one_segment(code, values, NULL, 1, shape->workers - c->s, e);
}

static void choosy_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const choosy *c = code->self;
  int d = c->s + 1, first = message->from / d * d;
  for (int p = first; p < first + d; p++) sg_row_part(row, p, 0, 1);
}

static const sg_code_type choosy_type = {
    .about = {.name = "choosy", .summary = "", .reference = ""},
    .create = choosy_create,
    .encode = choosy_encode};

/* --- Scenes ----------------------------------------------------------------------------------- */

typedef struct scene {
  sg_scenario *scenario;
  sg_plan *plan;
  sg_point point;
  sg_values *scheme;
  sg_world *world;
} scene;

/* cluster: members besides workers; delay: members; more: members of the root, each with a comma
 * before it. */
static void open_scene(scene *s, const sg_code_type *type, int workers, const char *cluster,
                       const char *delay, const char *more) {
  char text[1024];
  *s = (scene){0};
  snprintf(text, sizeof text,
           "{\"format\":1,\"cluster\":{\"workers\":%d%s},\"random\":{\"seed\":%d},"
           "\"delay\":{%s},\"learning\":{\"problem\":\"none\",\"length\":12},"
           "\"schemes\":[{\"code\":\"uncoded\"}],\"stop\":{\"iterations\":%d}%s}",
           workers, cluster, SEED, delay, UPDATES, more);
  sg_error e = {0};
  sg_status status = sg_scenario_parse("test.json", text, strlen(text), 0, NULL, &s->scenario, &e);
  if (!status) status = sg_plan_new(s->scenario, &s->plan, &e);
  if (status) fail_with(&e);
  s->scheme = sg_values_new(NULL, &type->about, "/schemes/0");
  s->point = *s->plan->point[0].point;
  s->point.scheme = s->scheme;
  if (sg_world_new(&s->point, s->plan->cache, NULL, &s->world, &e)) fail_with(&e);
  assert_null(s->world->code->shape.forecast);
}

static void close_scene(scene *s) {
  sg_world_free(s->world, s->plan->cache);
  sg_values_free(s->scheme);
  sg_plan_free(s->plan);
  sg_scenario_free(s->scenario);
}

/* What a code hears that asks for so much work. */
static told hear(int workers, double work, const char *cluster, const char *delay) {
  scene s;
  asked_work = work;
  open_scene(&s, &listener, workers, cluster, delay, "");
  close_scene(&s);
  return heard;
}

static void near(double found, double expected, double tolerance) {
  if (!(fabs(found - expected) <= tolerance))
    fail_msg("expected %.9g ± %.2g, found %.9g", expected, tolerance, found);
}

static const char *const exponential =
    "\"model\":\"shifted-exponential\",\"shift_s\":1,\"mean_excess_s\":2";

/* --- Means ------------------------------------------------------------------------------------ */

/* E T_(k) = work (shift + mean (H_n − H_{n−k})), Var = (work mean)² Σ 1/i² over the same i. */
static void means_of_shifted_exponentials(void **state) {
  (void)state;
  enum { N = 10 };
  const double work = 3;
  told t = hear(N, work, "", exponential);
  double sum = 0, squares = 0;
  for (int k = 1; k <= N; k++) {
    sum += 1.0 / (N - k + 1);
    squares += 1.0 / ((N - k + 1) * (N - k + 1));
    near(t.mean[k - 1], work * (1 + 2 * sum), 5 * work * 2 * sqrt(squares / DRAWS));
  }
}

/* The density of the k-th of n uniforms. */
static double beta_density(double u, int k, int n) {
  return exp(lgamma(n + 1) - lgamma(k) - lgamma(n - k + 1) + (k - 1) * log(u) +
             (n - k) * log1p(-u));
}

/* E 1/T_(k) by the midpoint rule over the k-th uniform, which T_(k) is a function of. */
static void inverse_means_by_quadrature(void **state) {
  (void)state;
  enum { N = 8, NODES = 200000 };
  told t = hear(N, 1, "", exponential);
  for (int k = 1; k <= N; k++) {
    double first = 0, second = 0;
    for (int i = 0; i < NODES; i++) {
      double u = (i + 0.5) / NODES, x = 1 / (1 - 2 * log1p(-u)), p = beta_density(u, k, N) / NODES;
      first += x * p;
      second += x * x * p;
    }
    near(t.inverse[k - 1], first, 5 * sqrt((second - first * first) / DRAWS));
  }
}

/* Two workers of speeds 1 and 3 with exponential times: E min = 1/(a + b), E max = 1/a + 1/b −
 * that; 1/T_(1) has no mean, E 1/T_(2) = ∫ (density of the maximum)/t dt by the midpoint rule. */
static void workers_differ(void **state) {
  (void)state;
  told t = hear(2, 1, ",\"speeds\":[1,3]", "\"model\":\"exponential\",\"mean_s\":2");
  double a = 0.5, b = 1.5, least = 1 / (a + b), most = 1 / a + 1 / b - least;
  near(t.mean[0], least, 5 * least / sqrt(DRAWS));
  near(t.mean[1], most, 5 * most / sqrt(DRAWS));
  assert_true(isinf(t.inverse[0]) && t.inverse[0] > 0);
  double sum = 0, step = 1e-4;
  for (long i = 0; i < 400000; i++) {
    double x = ((double)i + 0.5) * step;
    sum += step / x * (a * exp(-a * x) * -expm1(-b * x) + b * exp(-b * x) * -expm1(-a * x));
  }
  near(t.inverse[1], sum, 0.02 * sum); /* 1/T_(2) has no variance */
}

/* Pareto times of index 0.8: the mean of the k-th of n is there while (n − k + 1) 0.8 > 1, and is
 * x_m Γ(n + 1) Γ(n − k + 1 − 1/α) / (Γ(n − k + 1) Γ(n + 1 − 1/α)). */
static void means_that_do_not_exist(void **state) {
  (void)state;
  enum { N = 5 };
  told t = hear(N, 1, "", "\"model\":\"pareto\",\"minimum_s\":2,\"shape\":0.8");
  double inverse = 1 / 0.8;
  assert_true(isinf(t.mean[N - 1]));
  for (int k = 1; k < N; k++) assert_true(isfinite(t.mean[k - 1]));
  for (int k = 1; k <= N; k++) assert_true(t.inverse[k - 1] <= 0.5);
  for (int k = 1; k <= 2; k++) { /* those with a variance */
    double exact = 2 * exp(lgamma(N + 1) + lgamma(N - k + 1 - inverse) - lgamma(N - k + 1) -
                           lgamma(N + 1 - inverse));
    near(t.mean[k - 1], exact, 0.02 * exact);
  }
  /* Weibull times of shape 0.3 at zero: P(T_(k) < t) falls like t^(0.3 k). */
  t = hear(N, 1, "", "\"model\":\"weibull\",\"scale_s\":1,\"shape\":0.3");
  for (int k = 1; k <= N; k++) assert_int_equal(isinf(t.inverse[k - 1]) != 0, k <= 3);
  /* With a second of certain time all is well. */
  t = hear(N, 1, "", "\"model\":\"weibull\",\"scale_s\":1,\"shape\":0.3,\"fixed_s\":1");
  for (int k = 1; k <= N; k++) assert_true(t.inverse[k - 1] < 1);
  /* A factor that all have in common spares no one. */
  t = hear(N, 1, "",
           "\"model\":\"deterministic\",\"value_s\":1,"
           "\"common\":{\"model\":\"pareto\",\"minimum\":1,\"shape\":0.9}");
  for (int k = 1; k <= N; k++) assert_true(isinf(t.mean[k - 1]));
}

/* The sum of m = 3 exponentials of mean 2 is 2 Gamma(3): E 1/T = 1/(2 (m − 1)), which a single
 * exponential has not; a startup is paid once. */
static void work_scales_as_the_scenario_says(void **state) {
  (void)state;
  told t = hear(1, 3, "", "\"model\":\"exponential\",\"mean_s\":2,\"scaling\":\"additive\"");
  near(t.mean[0], 6, 5 * 2 * sqrt(3.0 / DRAWS));
  near(t.inverse[0], 0.25, 5 * 0.25 / sqrt(DRAWS));
  t = hear(1, 1, "", "\"model\":\"exponential\",\"mean_s\":2,\"scaling\":\"additive\"");
  assert_true(isinf(t.inverse[0]));
  t = hear(1, 3, "",
           "\"model\":\"exponential\",\"mean_s\":2,\"scaling\":\"startup\","
           "\"per_subset_s\":5,\"fixed_s\":0.5");
  near(t.mean[0], 15 + 2 + 0.5, 5 * 2 / sqrt(DRAWS));
}

/* Replayed over and over, a trace has exactly the means of its iterations; a bootstrap has them
 * within its error. */
static void traces_have_their_own_means(void **state) {
  (void)state;
  static const double time[4][2] = {{1, 2}, {4, 3}, {2, 2}, {5, 9}};
  char path[64], delay[160];
  snprintf(path, sizeof path, "/tmp/%d-forecast.csv", (int)getpid());
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "# unit: s\niteration,worker,compute_s\n");
  double least = 0, most = 0, inverse = 0;
  for (int i = 0; i < 4; i++) {
    for (int w = 0; w < 2; w++) fprintf(f, "%d,%d,%g\n", i, w, time[i][w]);
    least += fmin(time[i][0], time[i][1]) / 4;
    most += fmax(time[i][0], time[i][1]) / 4;
    inverse += 1 / fmax(time[i][0], time[i][1]) / 4;
  }
  fclose(f);
  snprintf(delay, sizeof delay, "\"model\":\"trace\",\"path\":\"%s\",\"mode\":\"replay\"", path);
  told t = hear(2, 1, "", delay);
  near(t.mean[0], least, 1e-9);
  near(t.mean[1], most, 1e-9);
  near(t.inverse[1], inverse, 1e-9);
  snprintf(delay, sizeof delay,
           "\"model\":\"trace\",\"path\":\"%s\",\"mode\":\"iteration-bootstrap\"", path);
  t = hear(2, 1, "", delay);
  near(t.mean[0], least, 0.03);
  near(t.mean[1], most, 0.05);
  unlink(path);
}

/* --- Samples ---------------------------------------------------------------------------------- */

static void samples_are_times(void **state) {
  (void)state;
  enum { N = 4 };
  told t = hear(N, 2, ",\"speeds\":[1,1,1,4]", exponential), again;
  again = hear(N, 2, ",\"speeds\":[1,1,1,4]", exponential);
  assert_memory_equal(&t, &again, sizeof t);
  for (int w = 0; w < N; w++) {
    double sum = 0, exact = w == 3 ? 1.5 : 6, sd = w == 3 ? 1 : 4;
    for (int i = 0; i < COUNT; i++) sum += t.times[i * N + w] / COUNT;
    near(sum, exact, 5 * sd / sqrt(COUNT));
  }
  /* No run has these times: not the same ones, and not the same in another place. */
  scene s;
  open_scene(&s, &listener, N, ",\"speeds\":[1,1,1,4]", exponential, "");
  for (uint32_t r = 0; r < 20; r++) {
    sg_delay_run *run = sg_delay_run_new(s.world->delay, r);
    assert_non_null(run);
    for (uint32_t i = 0; i < UPDATES; i++) {
      double time = sg_delay_seconds(run, 0, i, 0, 2, 2);
      for (int j = 0; j < COUNT; j++) assert_true(time != t.times[j * N]);
    }
    sg_delay_run_free(run);
  }
  close_scene(&s);
}

/* --- Stragglers ------------------------------------------------------------------------------- */

static void all_straggle(const told *t, int n, double expected) {
  for (int w = 0; w < n; w++) near(t->straggling[w], expected, 1e-12);
}

static void straggling_is_exact(void **state) {
  (void)state;
  enum { N = 10 };
  told t = hear(N, 1, "", exponential);
  all_straggle(&t, N, 0);
  t = hear(N, 1, ",\"erasure\":{\"model\":\"bernoulli\",\"probability\":0.2}", exponential);
  all_straggle(&t, N, 0.2);
  t = hear(N, 1, ",\"erasure\":{\"model\":\"uniform\",\"count\":3}", exponential);
  all_straggle(&t, N, 0.3);
  t = hear(N, 1,
           ",\"erasure\":{\"model\":\"bernoulli\",\"assign\":\"in-order\",\"classes\":["
           "{\"share\":0.3,\"probability\":0.4},{\"share\":0.7,\"probability\":0.05}]}",
           exponential);
  for (int w = 0; w < N; w++) near(t.straggling[w], w < 3 ? 0.4 : 0.05, 1e-12);
  t = hear(N, 1,
           ",\"erasure\":{\"model\":\"bernoulli\",\"probabilities\":[0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,"
           "0.8,0.9]}",
           exponential);
  for (int w = 0; w < N; w++) near(t.straggling[w], w / 10.0, 1e-12);
  t = hear(N, 1, ",\"erasure\":{\"model\":\"pattern\",\"workers\":[2,5]}", exponential);
  for (int w = 0; w < N; w++) assert_true(t.straggling[w] == (w == 2 || w == 5));
  t = hear(N, 1, ",\"erasure\":{\"model\":\"worst\",\"count\":2}", exponential);
  for (int w = 0; w < N; w++) assert_true(isnan(t.straggling[w]));
  /* Alive at first, then dead for good with 1/50 after each iteration. */
  double dead = 0, alive = 1;
  for (int i = 0; i < UPDATES; i++, alive *= 1 - 1.0 / 50) dead += (1 - alive) / UPDATES;
  t = hear(N, 1, ",\"crashes\":{\"model\":\"permanent\",\"mean_iterations\":50}", exponential);
  all_straggle(&t, N, dead);
  t = hear(N, 1,
           ",\"crashes\":{\"model\":\"permanent\",\"mean_iterations\":50},"
           "\"erasure\":{\"model\":\"bernoulli\",\"probability\":0.2}",
           exponential);
  all_straggle(&t, N, 1 - (1 - dead) * 0.8);
}

/* The frequency in runs of the engine's own delays. */
static void straggling_is_what_runs_have(void **state) {
  (void)state;
  enum { N = 3, RUNS = 4000 };
  scene s;
  open_scene(&s, &listener, N,
             ",\"crashes\":{\"model\":\"iterations\",\"mean_iterations\":10,"
             "\"mean_recovery_iterations\":4},"
             "\"erasure\":{\"model\":\"burst\",\"count\":1}",
             exponential, "");
  double lost = 0;
  for (uint32_t r = 0; r < RUNS; r++) {
    sg_delay_run *run = sg_delay_run_new(s.world->delay, r);
    for (uint32_t i = 0; i < UPDATES; i++)
      lost += isinf(sg_delay_down(run, 1, i)) || sg_delay_erased(run, 1, i);
    sg_delay_run_free(run);
  }
  near(heard.straggling[1], lost / (RUNS * UPDATES), 0.01);
  assert_true(heard.straggling[1] > 0.4 && heard.straggling[1] < 0.6);
  /* Times are of workers that answer: the crashes are not in them. */
  near(heard.mean[0], 1 + 2.0 / 3, 0.02);
  close_scene(&s);
}

/* --- Choosing --------------------------------------------------------------------------------- */

/* argmin of (s + 1)(shift + mean (H_n − H_s)). */
static int best_tolerance(int n, double shift, double mean) {
  int best = 0;
  double least = INFINITY;
  for (int s = 0; s < n; s++) {
    double sum = 0;
    for (int i = s + 1; i <= n; i++) sum += 1.0 / i;
    double time = (s + 1) * (shift + mean * sum);
    if (n % (s + 1) || time >= least) continue;
    least = time;
    best = s;
  }
  return best;
}

typedef struct course {
  int rows;
  double duration[UPDATES];
} course;

static bool keep_row(void *user, int replication, const sg_iteration_record *row, int n,
                     const sg_worker_record *worker) {
  (void)replication, (void)n, (void)worker;
  course *c = user;
  assert_true(c->rows < UPDATES);
  c->duration[c->rows++] = row->duration_s;
  return true;
}

static bool finish(void *user, int replication, const sg_run_row *run,
                   const sg_summary_record *summary, int n, const sg_worker_summary_record *w) {
  (void)user, (void)replication, (void)summary, (void)n, (void)w;
  assert_string_equal(run->stop_reason, "iterations");
  return true;
}

static int chosen(const sg_world *w) {
  return ((const choosy *)w->code->self)->s;
}

static void run(const sg_world *w, course *c) {
  const int replication = 1;
  const sg_block_options options = {0};
  const sg_sink sink = {.user = c, .row = keep_row, .finish = finish};
  sg_error e = {0};
  *c = (course){0};
  if (sg_block_run(w, 1, &replication, &options, &sink, &e)) fail_with(&e);
  assert_int_equal(c->rows, UPDATES);
}

static void a_code_chooses_its_tolerance(void **state) {
  (void)state;
  static const double shifts[] = {1, 0.05, 0.01, 0.001};
  int before = -1, kinds = 0;
  for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
    char delay[128];
    snprintf(delay, sizeof delay,
             "\"model\":\"shifted-exponential\",\"shift_s\":%g,\"mean_excess_s\":1", shifts[i]);
    scene s;
    course c;
    open_scene(&s, &choosy_type, 12, "", delay, "");
    int best = best_tolerance(12, shifts[i], 1);
    assert_int_equal(chosen(s.world), best);
    assert_int_equal(s.world->code->load, best + 1);
    kinds += best != before;
    before = best;
    run(s.world, &c);
    close_scene(&s);
  }
  assert_true(kinds >= 2);
  /* Nothing is known: the default. */
  sg_values *values = sg_values_new(NULL, &choosy_type.about, "");
  const sg_shape shape = {.workers = 12, .subsets = 12, .length = 12, .seed = 1, .updates = 1};
  sg_code *code;
  assert_int_equal(sg_code_new(&choosy_type, &shape, values, &code, NULL), SG_OK);
  assert_int_equal(code->promised, 0);
  sg_code_free(code);
  sg_values_free(values);
}

static void *make_world(void *user) {
  scene *s = user;
  sg_world *w = NULL;
  sg_error e = {0};
  return sg_world_new(&s->point, s->plan->cache, NULL, &w, &e) ? NULL : w;
}

static const char *const slow = "\"model\":\"weibull\",\"scale_s\":1,\"shape\":0.35";

/* Plan and run, and threads at the same time, make the same code, whose runs have the same rows. */
static void worlds_agree(void **state) {
  (void)state;
  scene s;
  course here, there;
  pthread_t thread[2];
  open_scene(&s, &choosy_type, 12,
             ",\"random_speed\":{\"model\":\"lognormal\",\"median\":1,"
             "\"sigma\":0.3}",
             slow, "");
  assert_true(chosen(s.world) > 0);
  run(s.world, &here);
  for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&thread[i], NULL, make_world, &s), 0);
  for (int i = 0; i < 2; i++) {
    void *made;
    pthread_join(thread[i], &made);
    assert_non_null(made);
    assert_int_equal(chosen(made), chosen(s.world));
    run(made, &there);
    assert_memory_equal(&here, &there, sizeof here);
    sg_world_free(made, s.plan->cache);
  }
  close_scene(&s);
}

/* A what-if asks what the same code would have done: without the randomness of times, of which it
 * was afraid, it would have chosen otherwise. */
static void what_if_keeps_the_code(void **state) {
  (void)state;
  scene s;
  open_scene(&s, &choosy_type, 12, "", slow, "");
  int with = chosen(s.world);
  close_scene(&s);
  open_scene(&s, &choosy_type, 12, "", slow, ",\"without\":[\"randomness\"]");
  assert_int_equal(chosen(s.world), with);
  assert_true(with > 0);
  close_scene(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(means_of_shifted_exponentials),
      cmocka_unit_test(inverse_means_by_quadrature),
      cmocka_unit_test(workers_differ),
      cmocka_unit_test(means_that_do_not_exist),
      cmocka_unit_test(work_scales_as_the_scenario_says),
      cmocka_unit_test(traces_have_their_own_means),
      cmocka_unit_test(samples_are_times),
      cmocka_unit_test(straggling_is_exact),
      cmocka_unit_test(straggling_is_what_runs_have),
      cmocka_unit_test(a_code_chooses_its_tolerance),
      cmocka_unit_test(worlds_agree),
      cmocka_unit_test(what_if_keeps_the_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
