/* SPDX-License-Identifier: MIT */
/* Delay laws against their closed forms, load scalings, units, worker classes. */
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
  const char *name;
  double by[2], mean, variance;
} laws[] = {{"deterministic", {2.5}, 2.5, 0},
            {"exponential", {3}, 3, 9},
            {"shifted-exponential", {1.5, 2}, 3.5, 4}};
enum { LAWS = sizeof laws / sizeof *laws };

static void law(int i, sg_law *out) {
  sg_error e = {0};
  sg_values *v = test_variant(&sg_delay_family, sg_delay_params, laws[i].name, laws[i].by);
  assert_int_equal(sg_law_init(out, v, &e), SG_OK);
  sg_values_free(v);
}

static void every_law_is_described(void **state) {
  (void)state;
  int count = 0;
  for (const sg_variant *v; (v = sg_law_variant_at(count)); count++) {
    assert_true(strlen(v->name) > 0 && strlen(v->summary) > 0);
    assert_ptr_equal(sg_family_find(&sg_delay_family, v->name), v);
    for (const sg_param *p = v->params; p->name; p++)
      assert_non_null(strstr(p->summary, "seconds"));
  }
  assert_int_equal(count, LAWS); /* a law without a line in this test */
  assert_null(sg_law_variant_at(-1));
}

/* Sample moments within four standard errors of the closed forms, and the share of draws below
 * several times within four of the distribution function. */
static void moments_and_distribution(void **state) {
  (void)state;
  enum { COUNT = 100000 };
  for (int i = 0; i < LAWS; i++) {
    sg_law x;
    law(i, &x);
    double mean = x.type->mean(x.state), variance = x.type->variance(x.state);
    NEAR(mean, laws[i].mean);
    NEAR(variance, laws[i].variance);
    const double at[] = {0.5 * mean, mean, 2 * mean, 4 * mean};
    int below[4] = {0};
    double sum = 0, squares = 0;
    for (int k = 0; k < COUNT; k++) {
      sg_stream s;
      sg_stream_at(&s, 1, 0, SG_FOR_COMPUTE, 0, (uint32_t)k, 0);
      double t = sg_law_draw(&x, &s);
      assert_true(t >= 0);
      sum += t - mean;
      squares += (t - mean) * (t - mean);
      for (int j = 0; j < 4; j++) below[j] += t <= at[j];
    }
    assert_true(fabs(sum / COUNT) <= 4 * sqrt(variance / COUNT));
    /* The fourth central moment of these laws is 9 variance². */
    assert_true(fabs(squares / COUNT - variance) <= 4 * variance * sqrt(8.0 / COUNT));
    for (int j = 0; j < 4; j++) {
      double p = x.type->cdf(x.state, at[j]);
      assert_true(fabs((double)below[j] / COUNT - p) <= 4 * sqrt(p * (1 - p) / COUNT));
    }
    assert_true(x.type->cdf(x.state, 0) == 0);
    assert_true(x.type->cdf(x.state, 1e6) == 1);
  }
}

/* Seconds of one call on an environment made for it. */
static double seconds(const test_setup *setup, int worker, uint32_t iteration, int done,
                      double work, int draws) {
  test_environment t;
  test_environment_make(&t, setup);
  sg_delay_run *run = sg_delay_run_new(t.delay, 3);
  assert_non_null(run);
  double s = sg_delay_seconds(run, worker, iteration, done, work, draws);
  sg_delay_run_free(run);
  test_environment_free(&t);
  return s;
}

/* The draw of the law at an address. */
static double draw(uint64_t seed, int worker, uint32_t iteration, uint32_t number) {
  sg_stream s;
  sg_stream_at(&s, seed, 3, SG_FOR_COMPUTE, (uint32_t)worker, iteration, number);
  return 1 + sg_exponential(&s, 2);
}

static void scalings(void **state) {
  (void)state;
  test_setup s = {.workers = 3,
                  .speed = (const double[]){1, 2, 1},
                  .delay = "shifted-exponential",
                  .delay_by = {1, 2},
                  .subsets = 4,
                  .seed = 17};
  NEAR(seconds(&s, 0, 5, 0, 3, 3), 3 * draw(17, 0, 5, 0));
  NEAR(seconds(&s, 1, 5, 0, 3, 3), 3 * draw(17, 1, 5, 0) / 2);
  /* One draw per worker and iteration, whichever task it is. */
  NEAR(seconds(&s, 0, 5, 2, 0.5, 1), 0.5 * draw(17, 0, 5, 0));

  s.scaling = "additive";
  NEAR(seconds(&s, 0, 5, 0, 3, 3), draw(17, 0, 5, 0) + draw(17, 0, 5, 1) + draw(17, 0, 5, 2));
  NEAR(seconds(&s, 1, 6, 2, 1, 2), (draw(17, 1, 6, 2) + draw(17, 1, 6, 3)) / 2 / 2);

  s.scaling = "startup";
  s.per_subset_s = 0.25;
  NEAR(seconds(&s, 0, 5, 0, 3, 3), draw(17, 0, 5, 0) + 0.75);
  NEAR(seconds(&s, 1, 5, 0, 3, 3), (draw(17, 1, 5, 0) + 0.75) / 2);
  NEAR(seconds(&s, 0, 5, 1, 3, 3), 0.75); /* the first task has paid */

  /* A law for all the data: one of 4 subsets takes a quarter, in whatever scaling grows with it. */
  s.unit = "dataset";
  NEAR(seconds(&s, 0, 5, 0, 3, 3), draw(17, 0, 5, 0) + 0.75);
  s.scaling = "proportional";
  NEAR(seconds(&s, 0, 5, 0, 3, 3), 3 * draw(17, 0, 5, 0) / 4);
  s.scaling = "additive";
  NEAR(seconds(&s, 0, 5, 0, 2, 2), (draw(17, 0, 5, 0) + draw(17, 0, 5, 1)) / 4);
}

/* --- Classes ---------------------------------------------------------------------------------- */

/* The cluster of `count` classes; the delay, or NULL and its fault. */
static sg_delay *cluster(int workers, int count, const double *share, const double *speed,
                         const char *assign, uint64_t seed, sg_error *e) {
  sg_values *c = test_cluster(count, speed);
  sg_error ignored = {0};
  for (int i = 0; i < count; i++) {
    sg_values *item = sg_values_find(c, "classes")->item[i].object;
    assert_int_equal(sg_values_set_number(item, "share", share[i], &ignored), SG_OK);
  }
  assert_int_equal(sg_values_set_number(c, "workers", workers, &ignored), SG_OK);
  assert_int_equal(sg_values_set_string(c, "assign", assign, &ignored), SG_OK);
  const double by[] = {1};
  sg_values *delay = test_variant(&sg_delay_family, sg_delay_params, "deterministic", by);
  sg_delay *d = NULL;
  sg_status status = sg_delay_new(c, delay, 1, seed, &d, e);
  assert_int_equal(status == SG_OK, d != NULL);
  sg_values_free(c);
  sg_values_free(delay);
  return d;
}

static int with_speed(const sg_delay *d, double speed) {
  int count = 0;
  for (int w = 0; w < sg_delay_workers(d); w++) count += sg_delay_speeds(d)[w] == speed;
  return count;
}

static void largest_remainder(void **state) {
  (void)state;
  sg_error e = {0};
  /* 10 workers: 3.3, 4.5, 2.2 → 3, 5, 2. */
  sg_delay *d = cluster(10, 3, (const double[]){0.33, 0.45, 0.22}, (const double[]){1, 2, 3},
                        "in-order", 0, &e);
  static const double expected[] = {1, 1, 1, 2, 2, 2, 2, 2, 3, 3};
  assert_memory_equal(sg_delay_speeds(d), expected, sizeof expected);
  sg_delay_free(d);
  /* Equal remainders: the earlier class. 7 workers: 3.5, 3.5. */
  d = cluster(7, 2, (const double[]){0.5, 0.5}, (const double[]){1, 2}, "in-order", 0, &e);
  assert_int_equal(with_speed(d, 1), 4);
  sg_delay_free(d);
  /* 0.7 · 10 and 0.1 · 10 are whole, though not in binary. */
  d = cluster(10, 3, (const double[]){0.7, 0.2, 0.1}, (const double[]){1, 2, 3}, "random", 0, &e);
  assert_int_equal(with_speed(d, 1), 7);
  assert_int_equal(with_speed(d, 3), 1);
  sg_delay_free(d);
  assert_int_equal(e.count, 0);
}

static void random_assignment(void **state) {
  (void)state;
  sg_error e = {0};
  enum { WORKERS = 200000 };
  const double share[] = {0.75, 0.25}, speed[] = {1, 0.5};
  sg_delay *a = cluster(WORKERS, 2, share, speed, "random", 1, &e);
  sg_delay *same = cluster(WORKERS, 2, share, speed, "random", 1, &e);
  sg_delay *other = cluster(WORKERS, 2, share, speed, "random", 2, &e);
  size_t bytes = WORKERS * sizeof(double);
  assert_int_equal(with_speed(a, 0.5), WORKERS / 4);
  assert_int_equal(with_speed(other, 0.5), WORKERS / 4);
  assert_memory_equal(sg_delay_speeds(a), sg_delay_speeds(same), bytes);
  assert_memory_not_equal(sg_delay_speeds(a), sg_delay_speeds(other), bytes);
  /* Slow workers are everywhere: in each tenth a quarter of them, within four deviations. */
  for (int tenth = 0; tenth < 10; tenth++) {
    int slow = 0, size = WORKERS / 10;
    for (int w = tenth * size; w < (tenth + 1) * size; w++) slow += sg_delay_speeds(a)[w] == 0.5;
    assert_true(abs(slow - size / 4) < 4 * sqrt(size * 0.25 * 0.75));
  }
  sg_delay_free(a);
  sg_delay_free(same);
  sg_delay_free(other);
}

static void shares_must_sum_to_one(void **state) {
  (void)state;
  sg_error e = {0};
  const double speed[] = {1, 2};
  assert_null(cluster(10, 2, (const double[]){0.5, 0.4}, speed, "random", 0, &e));
  assert_int_equal(e.count, 1);
  assert_string_equal(e.fault[0].place, "/cluster/classes");
  assert_non_null(strstr(e.fault[0].message, "0.9"));
  assert_int_equal(sg_error_status(&e), SG_INVALID);
  sg_error_clear(&e);
  sg_delay *d = cluster(10, 2, (const double[]){0.5, 0.5 + 1e-12}, speed, "random", 0, &e);
  assert_non_null(d);
  sg_delay_free(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_law_is_described),
      cmocka_unit_test(moments_and_distribution),
      cmocka_unit_test(scalings),
      cmocka_unit_test(largest_remainder),
      cmocka_unit_test(random_assignment),
      cmocka_unit_test(shares_must_sum_to_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
