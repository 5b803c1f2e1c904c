/* SPDX-License-Identifier: MIT */
/* Load scalings, units, fixed costs, worker classes. */
#include "tests/support/environment.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Seconds of one call on an environment made for it: the same whatever was drawn ahead. */
static double seconds(const test_setup *setup, int worker, uint32_t iteration, int done,
                      double work, int draws) {
  test_environment t;
  test_environment_make(&t, setup);
  sg_delay_run *run = sg_delay_run_new(t.delay, 3);
  assert_non_null(run);
  double s = sg_delay_seconds(run, worker, iteration, done, work, draws);
  for (uint32_t ahead = iteration; ahead < iteration + 2; ahead++) {
    assert_true(sg_delay_draw_ahead(run, ahead));
    assert_true(sg_delay_seconds(run, worker, iteration, done, work, draws) == s);
  }
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
  sg_status status = sg_delay_new(c, delay, 1, 0, seed, &d, e);
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
      cmocka_unit_test(scalings),
      cmocka_unit_test(largest_remainder),
      cmocka_unit_test(random_assignment),
      cmocka_unit_test(shares_must_sum_to_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
