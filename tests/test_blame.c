/* SPDX-License-Identifier: MIT */
/* Blame: numbers computed by hand, ties, arrivals that are missing, what is refused. */
#include "results/answers/blame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

static sg_blame find(int workers, long iterations, const double *time) {
  sg_blame b = {0};
  sg_arrivals a = {.workers = workers, .iterations = iterations, .time = (double *)time};
  assert_int_equal(sg_blame_find(&a, false, &b, NULL), SG_OK);
  return b;
}

static const sg_blamed *of(const sg_blame *b, int worker) {
  for (int i = 0; i < b->n; i++)
    if (b->worker[i].worker == worker) return &b->worker[i];
  fail();
  return NULL;
}

static void near(double x, double y) {
  if (!(fabs(x - y) <= 1e-12 * fmax(1, fabs(y)))) fail_msg("%.17g, expected %.17g", x, y);
}

/* Medians 2 and 2; lateness 0, 0, 2 and 0, 1, 4 of the workers. */
static void test_by_hand(void **state) {
  const double time[] = {1, 2, 4, /**/ 1, 3, 6, /**/ 2, 2, 2};
  sg_blame b = find(3, 3, time);
  assert_true(b.complete);
  near(b.whole_s, 4 + 6 + 2);
  near(b.median_s, 2 + 3 + 2);
  assert_int_equal(b.worker[0].worker, 2);
  const sg_blamed *slow = of(&b, 2), *middle = of(&b, 1), *fast = of(&b, 0);
  /* In the third all are last, and nobody waits. */
  assert_int_equal(slow->times_last, 3);
  assert_int_equal(middle->times_last, 1);
  near(slow->wait_s, 2 + 3);
  near(middle->wait_s, 0);
  near(slow->slowdown, (4 + 6 + 2) / 7.0);
  near(fast->slowdown, 1);
  near(slow->score, 1);
  near(slow->recovered, 1);
  assert_int_equal(b.n_slowest, 1);
  assert_int_equal(b.slowest[0], 2);
  near(b.recovered, 1);
  /* (4 + 6 + 2) over (2 + 3 + 2), without an interval of so few. */
  near(slow->evict.ratio, 12.0 / 7);
  assert_true(isnan(slow->evict.low));
  assert_int_equal(slow->keep, SG_BLAME_UNKNOWN);
  sg_blame_clear(&b);
}

/* Lateness 0, 0, 1, 3 above the median 2.5: the airport: 0.5 is shared by two, and so on. */
static void test_shapley(void **state) {
  const double time[] = {1, 2, 3, 5, /**/ 7, 1, 7, 1};
  sg_blame b = find(4, 2, time);
  double late = (5 - 2.5) + (7 - 4);
  near(of(&b, 3)->score, (0.25 + 2) / late);
  near(of(&b, 2)->score, (0.25 + 1.5) / late);
  near(of(&b, 0)->score, 1.5 / late);
  near(of(&b, 1)->score, 0);
  /* To mend one of two that are late together helps nobody. */
  near(of(&b, 0)->recovered, 0);
  near(of(&b, 3)->recovered, 2 / late);
  assert_int_equal(of(&b, 0)->times_last, 1);
  assert_int_equal(of(&b, 2)->times_last, 1);
  near(of(&b, 0)->wait_s, 0);
  sg_blame_clear(&b);
}

static void test_two_workers(void **state) {
  double time[60];
  for (int t = 0; t < 30; t++) {
    time[2 * t] = 1;
    time[2 * t + 1] = 3 + 0.01 * (t % 3);
  }
  sg_blame b = find(2, 30, time);
  /* The other, with twice as much, would be done after 2. */
  assert_int_equal(of(&b, 1)->keep, SG_BLAME_EVICT);
  assert_int_equal(of(&b, 0)->keep, SG_BLAME_KEEP);
  near(of(&b, 1)->evict.ratio, 3.01);
  near(of(&b, 1)->recovered, 1);
  sg_blame_clear(&b);
}

static void test_missing(void **state) {
  const double time[] = {1, NAN, 3, /**/ NAN, 2, 2.5, /**/ NAN, NAN, NAN};
  sg_blame b = find(3, 3, time);
  assert_false(b.complete);
  const sg_blamed *w = of(&b, 2);
  assert_int_equal(w->times_last, 2);
  near(w->wait_s, 2 + 0.5);
  assert_int_equal(w->times_missing, 1);
  assert_int_equal(of(&b, 0)->times_missing, 2);
  assert_true(isnan(w->score) && isnan(w->slowdown) && isnan(w->evict.ratio) && isnan(b.whole_s));
  assert_int_equal(w->keep, SG_BLAME_UNKNOWN);
  sg_blame_clear(&b);
}

static void test_all_alike(void **state) {
  double time[200];
  for (int i = 0; i < 200; i++) time[i] = 2;
  sg_blame b = find(5, 40, time);
  for (int w = 0; w < 5; w++) {
    assert_int_equal(b.worker[w].times_last, 40);
    near(b.worker[w].wait_s, 0);
    near(b.worker[w].evict.low, 1);
    near(b.worker[w].evict.high, 1);
    assert_int_equal(b.worker[w].keep, SG_BLAME_KEEP);
    assert_true(isnan(b.worker[w].score)); /* of nothing */
  }
  sg_blame_clear(&b);
}

static void test_refused(void **state) {
  const double time[] = {1, 2};
  sg_blame b = {0};
  sg_error e = {0};
  sg_arrivals a = {.workers = 1, .iterations = 2, .time = (double *)time};
  assert_int_equal(sg_blame_find(&a, false, &b, &e), SG_INVALID);
  sg_blame_clear(&b);
  a = (sg_arrivals){.workers = 2, .iterations = 0, .time = (double *)time};
  assert_int_equal(sg_blame_find(&a, false, &b, &e), SG_INVALID);
  sg_blame_clear(&b);
  sg_error_clear(&e);
}

/* Thinned pictures keep the latest arrival of a group. */
static void test_picture(void **state) {
  enum { N = 70, ITERATIONS = 1000 };
  double *time = malloc(sizeof *time * N * ITERATIONS);
  assert_non_null(time);
  for (int i = 0; i < N * ITERATIONS; i++) time[i] = 1;
  time[503 * N + 7] = 9;
  sg_arrivals a = {.workers = N, .iterations = ITERATIONS, .time = time};
  sg_blame b = find(N, ITERATIONS, time);
  sg_chart c = {0};
  assert_int_equal(sg_blame_chart(&a, &b, "s", &c, NULL), SG_OK);
  assert_int_equal(c.n_series, 1);
  assert_int_equal(c.series[0].n, 60 * 200);
  int found = 0;
  for (int i = 0; i < c.series[0].n; i++) {
    const sg_chart_point *p = &c.series[0].point[i];
    if (p->value == 0) continue;
    assert_string_equal(c.y.name[(int)p->y], "7");
    near(p->x, 500);
    near(p->value, 8);
    found++;
  }
  assert_int_equal(found, 1);
  sg_chart_clear(&c);
  assert_int_equal(sg_blame_shares(&a, &b, &c, NULL), SG_OK);
  assert_int_equal(c.series[0].n, 60);
  near(c.series[0].point[0].x, 100);
  sg_chart_clear(&c);
  sg_blame_clear(&b);
  free(time);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),     cmocka_unit_test(test_shapley),
      cmocka_unit_test(test_two_workers), cmocka_unit_test(test_missing),
      cmocka_unit_test(test_all_alike),   cmocka_unit_test(test_refused),
      cmocka_unit_test(test_picture)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
