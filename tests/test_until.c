/* SPDX-License-Identifier: MIT */
/* The two stages of "until": numbers by hand, and the rates that are claimed. */
#include "results/answers/statistics.h"
#include "sim/core/random.h"
#include "sim/experiment/until.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_numbers(void **state) {
  /* s² of 1 … 5 is 2.5, t of 4 degrees 2.776445: (2.776445 √2.5 / h)². */
  const double x[] = {1, 2, 3, 4, 5};
  assert_true(sg_two_stage(5, x, 1) == 20);     /* 19.27 */
  assert_true(sg_two_stage(5, x, 0.1) == 1928); /* 1927.16 */
  assert_true(sg_two_stage(5, x, 100) == 5);
  assert_true(sg_two_stage(5, (const double[]){2, 2, 2, 2, 2}, 0.01) == 5);
}

/* What a trial draws: normal numbers of mean 0. */
typedef struct source {
  sg_stream stream;
  double sigma;
} source;

static void begin(source *s, uint64_t seed, int trial) {
  sg_stream_at(&s->stream, seed, (uint32_t)trial, SG_FOR_BOOTSTRAP, 0, 0, 0);
}

static double draw(source *s) {
  return gsl_ran_gaussian_ziggurat(&s->stream.rng, s->sigma);
}

/* Whether the mean of N numbers is within h of the truth; *wanted: N. */
static bool two_stages(source *s, int pilot, double h, double *wanted) {
  double x[64], sum = 0;
  for (int i = 0; i < pilot; i++) sum += x[i] = draw(s);
  double n = *wanted = sg_two_stage(pilot, x, h);
  for (int i = pilot; i < n; i++) sum += draw(s);
  return fabs(sum / n) <= h;
}

/* The same by looking at Student's interval after every pair until it is narrow enough. */
static bool peeking(source *s, int pilot, double h) {
  sg_moments m = {0};
  for (;;) {
    sg_moments_add(&m, draw(s));
    if (m.n < pilot) continue;
    double half = sg_t_quantile(0.975, (double)m.n - 1) * sg_moments_sd(&m) / sqrt((double)m.n);
    if (half <= h || m.n == 4096) return fabs(sg_moments_mean(&m)) <= h;
  }
}

static void test_coverage(void **state) {
  enum { TRIALS = 20000 };
  const double allowed = 4 * sqrt(0.95 * 0.05 / TRIALS), h = 0.1;
  static const struct {
    int pilot;
    double sigma;
  } cases[] = {{5, 0.1}, {5, 0.3}, {10, 0.3}, {20, 0.3}, {20, 0.05}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    int pilot = cases[c].pilot, within = 0;
    source s = {.sigma = cases[c].sigma};
    sg_moments runs = {0};
    for (int i = 0; i < TRIALS; i++) {
      double n;
      begin(&s, c, i);
      within += two_stages(&s, pilot, h, &n);
      sg_moments_add(&runs, n);
    }
    double rate = (double)within / TRIALS;
    print_message("pilot %2d, sigma %.2f: %.4f within, %.1f runs\n", pilot, s.sigma, rate,
                  sg_moments_mean(&runs));
    assert_true(rate > 0.95 - allowed);
    /* Where more than the pilot is wanted nothing is wasted either. */
    double known = pow(gsl_cdf_ugaussian_Pinv(0.975) * s.sigma / h, 2);
    if (known > 2 * pilot) assert_true(rate < 0.97);
  }
}

/* The rate tells the rule from one that is not sound. */
static void test_peeking(void **state) {
  enum { TRIALS = 8000 };
  int within = 0;
  source s = {.sigma = 0.3};
  for (int i = 0; i < TRIALS; i++) {
    begin(&s, 1000, i);
    within += peeking(&s, 5, 0.1);
  }
  print_message("peeking: %.4f within\n", (double)within / TRIALS);
  assert_true((double)within / TRIALS < 0.95 - 4 * sqrt(0.95 * 0.05 / TRIALS));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers),
                                     cmocka_unit_test(test_coverage),
                                     cmocka_unit_test(test_peeking)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
