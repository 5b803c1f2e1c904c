/* SPDX-License-Identifier: MIT */
/* The elementary functions against long double, in ulps of the right value; where that is exact or
 * special, against it. */
#include "sim/core/elementary.h"
#include "sim/core/random.h"

#include <float.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DRAWS = 200000 };

static sg_stream stream;

static double between(double from, double to) {
  return from + (to - from) * sg_uniform(&stream);
}

/* Numbers of all sizes, as many near 1 as elsewhere. */
static double some_positive(void) {
  double size = sg_uniform(&stream);
  if (size < 0.4) return ldexp(between(1, 2), (int)between(-1074, 1024));
  return size < 0.7 ? between(0.6, 1.5) : 1 + ldexp(between(-1, 1), (int)between(-52, -2));
}

/* How many ulps of the right value lie between it and the found one. */
static double ulps(double found, long double right) {
  double near = (double)right;
  if (isinf(near) || near == 0) return found == near ? 0 : INFINITY;
  int exponent;
  frexp(near, &exponent);
  double ulp = ldexp(1, exponent < -1021 ? -1074 : exponent - 53);
  return (double)(fabsl((long double)found - right) / ulp);
}

static double worst;

static void weigh(double found, long double right, double limit, double x, double y) {
  double error = ulps(found, right);
  if (fabsl(right) < DBL_MIN) limit = 1.1;
  if (error > worst) worst = error;
  if (!(error <= limit))
    fail_msg("of %a, %a: %a, expected %La (%g ulp)", x, y, found, right, error);
}

static void logarithms(void **state) {
  worst = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = some_positive();
    weigh(sg_log(x), logl(x), 0.9, x, 0);
    weigh(sg_log1p(x), log1pl(x), 0.9, x, 0);
    x = i % 2 ? ldexp(between(-1, 1), (int)between(-80, 0)) : between(-1, 4);
    weigh(sg_log1p(x), log1pl(x), 0.9, x, 0);
    x = 1 - sg_uniform(&stream);
    weigh(sg_log(x), logl(x), 0.9, x, 0);
  }
  print_message("log, log1p: %.3f ulp\n", worst);
}

static void exponentials(void **state) {
  worst = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = i % 2 ? between(-746, 710) : ldexp(between(-1, 1), (int)between(-60, 3));
    weigh(sg_exp(x), expl(x), 0.9, x, 0);
  }
  print_message("exp: %.3f ulp\n", worst);
}

static void powers(void **state) {
  worst = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = some_positive(), y = ldexp(between(-1, 1), (int)between(-20, 12));
    if (i % 3 == 0) y = between(-745, 710) / log(x); /* results of all sizes */
    if (i % 3 == 1) x = sg_exponential(&stream, 1), y = 1 / between(0.05, 10);
    if (!isfinite(y)) continue;
    weigh(sg_pow(x, y), powl(x, y), 0.9, x, y);
  }
  print_message("pow: %.3f ulp\n", worst);
}

static void angles(void **state) {
  worst = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = i % 3 ? between(-7, 7) : between(-1e6, 1e6);
    if (i % 5 == 0) x = M_PI * (double)(i % 1000) / (1 + i % 97);
    weigh(sg_sin(x), sinl(x), 0.9, x, 0);
    weigh(sg_cos(x), cosl(x), 0.9, x, 0);
  }
  print_message("sin, cos: %.3f ulp\n", worst);
  assert_true(sg_sin(0) == 0 && sg_cos(0) == 1 && signbit(sg_sin(-0.0)));
}

static void special(void **state) {
  assert_true(sg_log(1) == 0 && sg_log1p(0) == 0 && signbit(sg_log1p(-0.0)) && sg_exp(0) == 1);
  assert_true(isinf(sg_log(0)) && isinf(sg_log1p(-1)) && isinf(sg_log(INFINITY)));
  assert_true(isnan(sg_log(-1)) && isnan(sg_log1p(-1.5)) && isnan(sg_log(NAN)));
  assert_true(isinf(sg_log1p(INFINITY)) && isnan(sg_log1p(NAN)) && sg_log1p(0x1p-1074) > 0);
  assert_true(isinf(sg_exp(710)) && isinf(sg_exp(INFINITY)) && sg_exp(-INFINITY) == 0);
  assert_true(sg_exp(-746) == 0 && sg_exp(-745) > 0 && isnan(sg_exp(NAN)));
  assert_true(sg_pow(0, 2) == 0 && isinf(sg_pow(0, -2)) && sg_pow(0, 0) == 1);
  assert_true(sg_pow(1, INFINITY) == 1 && sg_pow(INFINITY, -1) == 0 && isinf(sg_pow(0.5, -1e9)));
  assert_true(isnan(sg_pow(-1, 2)) && isnan(sg_pow(2, NAN)) && isnan(sg_pow(NAN, 1)));
  assert_true(sg_pow(3, 4) == 81 && sg_pow(0.5, 1074) == 0x1p-1074 && sg_pow(4, 0.5) == 2);
  assert_true(sg_pow(2, 0x1p-300) == 1 && isinf(sg_pow(2, 1e300)) && sg_pow(7.25, 1) == 7.25);
}

static void log_gammas(void **state) {
  for (int i = 0; i < DRAWS; i++) {
    double x = i % 2 ? between(1e-3, 30) : sg_exp(between(-10, 30));
    long double right = lgammal(x);
    assert_true(fabsl(sg_log_gamma(x) - right) <= 1e-14L * (1 + fabsl(right)));
  }
}

/* GSL's inverse is the same algorithm; its distribution functions are not. */
static void normal_quantiles(void **state) {
  for (int i = 0; i < DRAWS; i++) {
    double p = i % 2 ? sg_uniform(&stream) : sg_exp(between(-700, 0)),
           z = gsl_cdf_ugaussian_Pinv(p);
    assert_true(fabs(sg_normal_quantile(p) - z) <= 1e-14 * fabs(z));
    if (i % 2 == 0 && p < 0.4 && p > 1e-290)
      assert_true(fabs(gsl_cdf_ugaussian_P(sg_normal_quantile(p)) / p - 1) < 2e-12);
  }
  assert_true(sg_normal_quantile(0.5) == 0 && isinf(sg_normal_quantile(0)));
}

/* There and back, by GSL's distribution functions (of large shapes they have nine good digits);
 * near 1, by the other tail. */
static void gamma_quantiles(void **state) {
  static const double shapes[] = {0.05, 0.3, 1, 1.5, 4, 15.5, 17, 99, 1234.5, 10000};
  gsl_set_error_handler_off();
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int i = 0; i < DRAWS / 200; i++) {
      double a = shapes[s], p = i % 2 ? sg_uniform(&stream) : sg_exp(between(-30, 0));
      if (i % 8 == 0) p = 1 - ldexp(1, -(int)between(1, 53));
      double t = sg_gamma_quantile(a, p);
      if (t < DBL_MIN) continue;
      double back = p < 0.5 ? gsl_cdf_gamma_P(t, a, 1) / p : gsl_cdf_gamma_Q(t, a, 1) / (1 - p);
      if (!(fabs(back - 1) < (a < 1000 ? 1e-11 : 1e-9)))
        fail_msg("shape %g, p %.17g: t %.17g, %g", a, p, t, back - 1);
      if (a == 1) assert_true(fabs(t / -sg_log1p(-p) - 1) < 1e-13);
    }
  assert_true(sg_gamma_quantile(3, 0) == 0);
}

static const struct {
  const char *name;
  void (*many)(sg_lanes lanes, double *x, long n);
  double (*one)(double x);
} functions[] = {{"ln", sg_logs_with, sg_log},
                 {"log1p", sg_log1ps_with, sg_log1p},
                 {"exp", sg_exps_with, sg_exp},
                 {"quantile", sg_normal_quantiles_with, sg_normal_quantile}};

static void compare_many(int lanes, const char *name, const double *y, const double *x, double one,
                         double power) {
  if (memcmp(x, &one, sizeof one) != 0 && !(isnan(*x) && isnan(one)))
    fail_msg("vectors %d: %s %a (%g) is %a, expected %a", lanes, name, *y, power, *x, one);
}

/* Many at a time are those one by one, on all vectors that the processor has: numbers of every
 * size, and among them what has no logarithm. */
static void many_at_a_time(void **state) {
  (void)state;
  enum { COUNT = 1000, FUNCTIONS = sizeof functions / sizeof *functions };
  static const double odd[] = {0, -0.0, -1, INFINITY, -INFINITY, NAN, 5e-324, DBL_MIN, DBL_MAX, 1};
  static const double powers[] = {0, 1, 0.5, -3, 1 / 0.05, 0.001, 1e300, INFINITY, NAN, 1e-70};
  for (int lanes = SG_SCALAR; lanes <= (int)sg_widest_lanes(); lanes++)
    for (int repeat = 0; repeat < 600; repeat++) {
      double x[COUNT + 1], y[COUNT], z[COUNT];
      int n = repeat < 40 ? repeat : (int)(sg_uniform(&stream) * COUNT);
      for (int i = 0; i < n; i++) {
        double u = sg_uniform(&stream);
        int sort = repeat % 6;
        x[i] = sort == 0   ? 1 - u
               : sort == 1 ? -u
               : sort == 2 ? (u - 0.5) * 1600
                           : ldexp(u, (int)(2000 * sg_uniform(&stream)) - 1000);
        if (sort == 3) x[i] = ldexp(u, -(int)(70 * sg_uniform(&stream)));
        if (sort == 5 && i % 17 == repeat % 17) x[i] = odd[(i + repeat) % 10];
        y[i] = x[i];
      }
      x[n] = 3;
      for (int f = 0; f < FUNCTIONS; f++) {
        memcpy(x, y, (size_t)n * sizeof *x);
        functions[f].many((sg_lanes)lanes, x, n);
        for (int i = 0; i < n; i++)
          compare_many(lanes, functions[f].name, &y[i], &x[i], functions[f].one(y[i]), 0);
        assert_true(x[n] == 3);
      }
      double power = repeat % 4 ? 20 * sg_uniform(&stream) : powers[repeat / 4 % 10];
      for (int i = 0; i < n; i++) z[i] = x[i] = fabs(y[i]);
      sg_pows_with((sg_lanes)lanes, x, n, power);
      for (int i = 0; i < n; i++)
        compare_many(lanes, "pow", &z[i], &x[i], sg_pow(z[i], power), power);
      assert_true(x[n] == 3);
    }
}

int main(void) {
  sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(logarithms),       cmocka_unit_test(exponentials),
      cmocka_unit_test(powers),           cmocka_unit_test(angles),
      cmocka_unit_test(special),          cmocka_unit_test(log_gammas),
      cmocka_unit_test(normal_quantiles), cmocka_unit_test(gamma_quantiles),
      cmocka_unit_test(many_at_a_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
