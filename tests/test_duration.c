/* SPDX-License-Identifier: MIT */
/* How long a plan will take, on a machine whose clocks do not depend on how busy it is: each time
 * somebody looks at one it is a millisecond later. */
#include "sim/experiment/duration.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static long ticks;

int clock_gettime(clockid_t clock, struct timespec *t) {
  (void)clock;
  ticks++;
  *t = (struct timespec){.tv_sec = ticks / 1000, .tv_nsec = ticks % 1000 * 1000000};
  return 0;
}

int getloadavg(double *load, int count) { /* it is not known */
  (void)load, (void)count;
  return -1;
}

/* The estimate of a sweep of so many points, each of so many iterations and runs. */
static sg_duration estimate(int points, int iterations, int replications, int threads) {
  sg_buffer text = {0};
  sg_putf(&text,
          "{\"format\":1,\"cluster\":{\"workers\":6},\"delay\":{\"model\":\"exponential\","
          "\"mean_s\":1},\"learning\":{\"problem\":\"none\"},\"schemes\":[{\"code\":\"uncoded\"}],"
          "\"stop\":{\"iterations\":%d},\"replications\":%d,\"random\":{\"seed\":1},"
          "\"sweep\":[{\"name\":\"t\",\"path\":\"/delay/mean_s\",\"values\":[",
          iterations, replications);
  for (int i = 1; i <= points; i++) sg_putf(&text, "%s%d", i > 1 ? "," : "", i);
  sg_put(&text, "]}]}");
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  sg_error e = {0};
  sg_duration d;
  sg_status status = sg_scenario_parse("test.json", text.data, text.length, 0, NULL, &scenario, &e);
  if (!status) status = sg_plan_new(scenario, &plan, &e);
  for (int i = 0; i < e.count; i++) print_error("%s: %s\n", e.fault[i].place, e.fault[i].message);
  assert_int_equal(status, SG_OK);
  assert_int_equal(plan->count, points);
  int *missing = malloc((size_t)points * sizeof *missing);
  assert_non_null(missing);
  for (int i = 0; i < points; i++) missing[i] = replications;
  ticks = 0;
  assert_int_equal(sg_duration_estimate(plan, missing, SG_DETAIL_SUMMARY, threads, 64, &d, &e),
                   SG_OK);
  free(missing);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  sg_buffer_free(&text);
  return d;
}

/* Of all points, not of those that were tried; twice as long where a run is twice as long; half as
 * long with twice as many threads. */
static void test_all_points(void **state) {
  const sg_duration few = estimate(200, 100000, 1, 1), many = estimate(600, 100000, 1, 1),
                    longer = estimate(600, 200000, 1, 1), two = estimate(600, 100000, 1, 2);
  print_message("%g %g %g %g s, %d of %d points tried\n", few.seconds, many.seconds, longer.seconds,
                two.seconds, many.tried, many.points);
  assert_int_equal(many.points, 600);
  assert_true(many.tried > 0 && many.tried < 200);
  assert_false(many.guessed || many.at_most);
  assert_true(fabs(many.seconds / few.seconds - 3) < 0.3);
  assert_true(fabs(longer.seconds / many.seconds - 2) < 0.2);
  assert_true(fabs(many.seconds / two.seconds - 2) < 0.2);
}

/* Of all runs that are missing: blocks of as many as run side by side take the same time here. */
static void test_all_runs(void **state) {
  const sg_duration one = estimate(400, 100000, 64, 1), ten = estimate(400, 100000, 640, 1);
  print_message("%g %g s\n", one.seconds, ten.seconds);
  assert_true(fabs(ten.seconds / one.seconds - 10) < 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_points),
                                     cmocka_unit_test(test_all_runs)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
