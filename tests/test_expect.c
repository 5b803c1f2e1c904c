/* SPDX-License-Identifier: MIT */
/* Exact iteration times: laws of sums, order statistics, stop rules found by asking codes, and the
 * printed reference values to their digits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/core/linalg.h"
#include "sim/expect/expect.h"
#include "tests/support/environment.h"
#include "tests/support/targets.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_math.h>
#include <gsl/gsl_roots.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE(found, expected, relative)                                                           \
  assert_true(fabs((found) - (expected)) <= (relative)*fabs(expected))

/* --- Helpers ---------------------------------------------------------------------------------- */

static double harmonic(int n) {
  double sum = 0;
  for (int i = 1; i <= n; i++) sum += 1.0 / i;
  return sum;
}

/* Parameters in the order of the law's table. */
static sg_law make_law3(const char *name, double a, double b, double c) {
  double by[4] = {a, b, c};
  sg_values *v = test_variant(&sg_delay_family, sg_delay_params, name, by);
  sg_law law;
  sg_error e = {0};
  assert_int_equal(sg_law_init(&law, v, &e), SG_OK);
  sg_values_free(v);
  return law;
}

static sg_law make_law(const char *name, double a, double b) {
  return make_law3(name, a, b, 0);
}

static sg_time *make_time(double constant, int n, const sg_time_part *part) {
  sg_time *x = NULL;
  sg_error e = {0};
  sg_status status = sg_time_new(constant, n, part, &x, &e);
  for (int i = 0; i < e.count; i++) fprintf(stderr, "%s\n", e.fault[i].message);
  assert_int_equal(status, SG_OK);
  return x;
}

/* d T1 + T2/m with T1 = t1 + Exp(lam1), T2 = t2 + Exp(lam2). */
static sg_time *ye_abbe_time(int d, int m, double t1, double lam1, double t2, double lam2) {
  sg_law compute = make_law("shifted-exponential", t1, 1 / lam1),
         uplink = make_law("shifted-exponential", t2, 1 / lam2);
  const sg_time_part part[] = {{&compute, d, 1}, {&uplink, 1.0 / m, 1}};
  return make_time(0, 2, part); /* gammas are taken by value: the laws may go */
}

/* E[Y_(need:n)] to the power of groups, all alike. */
static double mean_of(const sg_time *y, int n, int need, int groups) {
  sg_kind_count kind = {.law = 0, .count = n};
  sg_quorum quorum = {.times = groups, .kinds = 1, .kind = &kind, .need = need};
  sg_finish f = {.laws = 1, .law = &y, .quorums = 1, .quorum = &quorum};
  double mean, error;
  assert_int_equal(sg_finish_mean(&f, &mean, &error, NULL), SG_OK);
  if (!(isinf(mean) || error <= 1e-9 * mean)) fail_msg("%d of %d: %g +- %g", need, n, mean, error);
  return mean;
}

static double quantile_of(const sg_time *y, int n, int need, double p) {
  sg_kind_count kind = {.law = 0, .count = n};
  sg_quorum quorum = {.times = 1, .kinds = 1, .kind = &kind, .need = need};
  sg_finish f = {.laws = 1, .law = &y, .quorums = 1, .quorum = &quorum};
  return sg_finish_quantile(&f, p);
}

static double ye_abbe_mean(int n, int d, int s, int m) {
  sg_time *y = ye_abbe_time(d, m, 1.6, 0.8, 6, 0.1);
  double mean = mean_of(y, n, n - s, 1);
  sg_time_free(y);
  return mean;
}

/* --- Laws of sums ----------------------------------------------------------------------------- */

static void two_exponentials_with_equal_and_nearly_equal_rates(void **state) {
  (void)state;
  static const double ratio[] = {3, 1.1, 1 + 1e-6, 1 + 1e-9, 1 + 1e-12, 1};
  for (size_t i = 0; i < sizeof ratio / sizeof *ratio; i++) {
    sg_law a = make_law("exponential", 2, 0), b = make_law("exponential", 2 / ratio[i], 0);
    const sg_time_part part[] = {{&a, 1, 1}, {&b, 1, 1}};
    sg_time *x = make_time(5, 2, part);
    for (double t = 0.1; t < 60; t *= 1.7) {
      /* The published form in long double; at equal rates, and to first order near them, the
       * special case. */
      long double p = 0.5L, q = p * (long double)ratio[i], y = t;
      long double exact = ratio[i] - 1 < 1e-8 ? (1 + p * y - (q - p) * p * y * y / 2) * expl(-p * y)
                                              : (q * expl(-p * y) - p * expl(-q * y)) / (q - p);
      CLOSE(sg_time_late(x, 5 + t), (double)exact, 1e-9);
      CLOSE(sg_time_late(x, 5 + t) + sg_time_done(x, 5 + t), 1.0, 1e-14);
    }
    CLOSE(x->mean, 5 + 2 + 2 / ratio[i], 1e-14);
    sg_time_free(x);
  }
}

static void draws_of_one_law_are_erlang(void **state) {
  (void)state;
  sg_law law = make_law("shifted-exponential", 0.5, 2);
  const sg_time_part part[] = {{&law, 1.5, 4}};
  sg_time *x = make_time(1, 1, part);
  for (double t = 0.5; t < 60; t *= 1.6) {
    double z = t / 3, poisson = exp(-z) * (1 + z + z * z / 2 + z * z * z / 6);
    CLOSE(sg_time_late(x, 1 + 3 + t), poisson, 1e-12);
  }
  assert_true(sg_time_late(x, 3.999) == 1);
  sg_time_free(x);
}

/* Erlang(3, rate 1) + Exp(rate 2). */
static void numerical_convolution_agrees_with_simpsons_rule(void **state) {
  (void)state;
  sg_law a = make_law("exponential", 1, 0), b = make_law("exponential", 0.5, 0);
  const sg_time_part part[] = {{&a, 1, 3}, {&b, 1, 1}};
  sg_time *x = make_time(0, 2, part);
  for (double t = 1e-3; t < 80; t *= 1.37) {
    double s = 0; /* ∫ density of B at y · P(A > t − y) dy, by Simpson's rule */
    enum { STEPS = 4000 };
    for (int i = 0; i <= STEPS; i++) {
      double y = t * i / STEPS, r = t - y;
      double f = 2 * exp(-2 * y) * exp(-r) * (1 + r + r * r / 2);
      s += f * (i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2);
    }
    CLOSE(sg_time_late(x, t), s * t / STEPS / 3 + exp(-2 * t), 1e-9);
  }
  CLOSE(mean_of(x, 1, 1, 1), 3.5, 1e-10);
  sg_time_free(x);
}

static void finitely_many_values_are_summed(void **state) {
  (void)state;
  sg_law law = make_law("deterministic", 2, 0);
  const sg_time_part part[] = {{&law, 3, 2}};
  sg_time *x = make_time(1, 1, part);
  assert_true(x->discrete);
  assert_true(sg_time_late(x, 12.999) == 1 && sg_time_late(x, 13) == 0);
  CLOSE(mean_of(x, 5, 3, 2), 13.0, 1e-15);
  CLOSE(quantile_of(x, 5, 3, 0.99), 13.0, 1e-14);
  sg_time_free(x);
}

/* --- Order statistics ------------------------------------------------------------------------- */

static void order_statistics_of_exponentials(void **state) {
  (void)state;
  static const int sizes[] = {1, 2, 7, 60, 500};
  sg_law law = make_law("exponential", 3, 0);
  const sg_time_part part[] = {{&law, 1, 1}};
  sg_time *x = make_time(2, 1, part);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int n = sizes[i];
    for (int need = 1; need <= n; need += n < 10 ? 1 : n / 7)
      CLOSE(mean_of(x, n, need, 1), 2 + 3 * (harmonic(n) - harmonic(n - need)), 1e-11);
    CLOSE(quantile_of(x, n, n, 0.9), 2 - 3 * log(-expm1(log(0.9) / n)), 1e-12);
    CLOSE(quantile_of(x, n, 1, 0.5), 2 + 3 * M_LN2 / n, 1e-12);
  }
  sg_time_free(x);
}

/* Workers of two speeds: the fastest and the slowest have closed forms. */
static void workers_that_differ(void **state) {
  (void)state;
  sg_law slow = make_law("exponential", 4, 0), fast = make_law("exponential", 1, 0);
  const sg_time_part part[] = {{&slow, 1, 1}, {&fast, 1, 1}};
  sg_time *y[2] = {make_time(0, 1, &part[0]), make_time(0, 1, &part[1])};
  sg_kind_count kinds[] = {{.law = 0, .count = 2}, {.law = 1, .count = 3}};
  sg_quorum quorum = {.times = 1, .kinds = 2, .kind = kinds};
  sg_finish f = {.laws = 2, .law = (const sg_time *const *)y, .quorums = 1, .quorum = &quorum};
  double mean, error;
  quorum.need = 1;
  assert_int_equal(sg_finish_mean(&f, &mean, &error, NULL), SG_OK);
  CLOSE(mean, 1 / (2 / 4.0 + 3), 1e-12);
  /* The slowest: inclusion and exclusion over the subsets. */
  double all = 0;
  for (int a = 0; a <= 2; a++)
    for (int b = 0; b <= 3; b++)
      if (a + b)
        all += ((a + b) % 2 ? 1 : -1) * gsl_sf_choose(2, (unsigned)a) *
               gsl_sf_choose(3, (unsigned)b) / (a / 4.0 + b);
  quorum.need = 5;
  assert_int_equal(sg_finish_mean(&f, &mean, &error, NULL), SG_OK);
  CLOSE(mean, all, 1e-11);
  /* As a table of subsets that are not enough: the same. */
  double lacking[12];
  for (int a = 0; a <= 2; a++)
    for (int b = 0; b <= 3; b++)
      lacking[a * 4 + b] =
          a + b < 4 ? gsl_sf_choose(2, (unsigned)a) * gsl_sf_choose(3, (unsigned)b) : 0;
  quorum.need = 4;
  assert_int_equal(sg_finish_mean(&f, &mean, &error, NULL), SG_OK);
  quorum.need = 0;
  quorum.lacking = lacking;
  double table;
  assert_int_equal(sg_finish_mean(&f, &table, &error, NULL), SG_OK);
  CLOSE(table, mean, 1e-12);
  sg_time_free(y[0]);
  sg_time_free(y[1]);
}

static void who_never_answers_is_waited_for_without_end(void **state) {
  (void)state;
  sg_law law = make_law("exponential", 1, 0);
  const sg_time_part part[] = {{&law, 1, 1}};
  sg_time *x = make_time(0, 1, part);
  sg_kind_count kinds[] = {{.law = -1, .count = 1}, {.law = 0, .count = 3}};
  sg_quorum quorum = {.times = 1, .kinds = 2, .kind = kinds, .need = 3};
  sg_finish f = {.laws = 1, .law = (const sg_time *const *)&x, .quorums = 1, .quorum = &quorum};
  double mean, error;
  assert_int_equal(sg_finish_mean(&f, &mean, &error, NULL), SG_OK);
  CLOSE(mean, harmonic(3), 1e-11);
  quorum.need = 4;
  assert_int_equal(sg_finish_mean(&f, &mean, &error, NULL), SG_OK);
  assert_true(isinf(mean) && isinf(sg_finish_quantile(&f, 0.99)));
  sg_time_free(x);
}

/* --- All laws --------------------------------------------------------------------------------- */

enum { LAWS = 10 };

static void make_laws(sg_law *law) {
  law[0] = make_law("shifted-exponential", 1, 2);
  law[1] = make_law3("weibull", 0.5, 2, 0.6);
  law[2] = make_law3("weibull", 0, 2, 3);
  law[3] = make_law3("gamma", 1, 3, 0.4);
  law[4] = make_law3("gamma", 0, 3, 5.5);
  law[5] = make_law3("lognormal", 0.25, 2, 0.5);
  law[6] = make_law3("lognormal", 0, 1, 2);
  law[7] = make_law("pareto", 1, 2.5);
  law[8] = make_law3("bimodal", 1, 8, 0.1);
  law[9] = make_law("deterministic", 3, 0);
}

/* E[A + B] = E[A] + E[B], and so for draws of one law: the tail of each convolution, integrated. */
static void sums_of_any_two_laws_have_the_right_mean(void **state) {
  (void)state;
  sg_law law[LAWS];
  make_laws(law);
  for (int i = 0; i < LAWS; i++)
    for (int j = i; j < LAWS; j++) {
      const sg_time_part part[] = {{&law[i], 1.5, 1}, {&law[j], 0.3, 1}};
      sg_time *x = make_time(1, 2, part);
      double expected =
                 1 + 1.5 * law[i].type->mean(law[i].state) + 0.3 * law[j].type->mean(law[j].state),
             found = mean_of(x, 1, 1, 1);
      CLOSE(x->mean, expected, 1e-13);
      if (!(fabs(found - expected) <= 1e-9 * expected))
        fail_msg("%s + %s: %.15g, not %.15g", law[i].type->about.name, law[j].type->about.name,
                 found, expected);
      sg_time_free(x);
    }
  static const int draws[LAWS] = {5, 2, 3, 5, 5, 5, 2, 2, 5, 5};
  for (int i = 0; i < LAWS; i++) {
    const sg_time_part part[] = {{&law[i], 0.5, draws[i]}};
    sg_time *x = make_time(0, 1, part);
    CLOSE(mean_of(x, 1, 1, 1), 0.5 * draws[i] * law[i].type->mean(law[i].state), 1e-9);
    sg_time_free(x);
  }
}

/* P(X + Y > t) = 2/t + 2 log(t − 1)/t² for two Pareto times of index 1. */
static void heavy_tails_keep_their_digits(void **state) {
  (void)state;
  sg_law law = make_law("pareto", 1, 1);
  const sg_time_part part[] = {{&law, 1, 2}};
  sg_time *x = make_time(0, 1, part);
  for (double t = 2.01; t < 1e13; t *= 7.3)
    CLOSE(sg_time_late(x, t), 2 / t + 2 * log(t - 1) / (t * t), 1e-9);
  assert_true(isinf(mean_of(x, 4, 4, 1)) && isinf(x->mean));
  /* The first two of four answers have a mean (tail exponents 4 and 3), the last has none. */
  assert_true(isfinite(mean_of(x, 4, 1, 1)) && isfinite(mean_of(x, 4, 2, 1)));
  sg_time_free(x);
}

/* theory: order-statistics. E Y_(f:n) = t0 Γ(n+1) Γ(n−f+1−1/ξ) / (Γ(n−f+1) Γ(n+1−1/ξ)), where ξ
 * (n−f+1) > 1. */
static void order_statistics_of_pareto_times(void **state) {
  (void)state;
  static const double shapes[] = {0.4, 0.9, 1.05, 1.5, 2.5, 30};
  enum { N = 8 };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    double xi = shapes[i];
    sg_law law = make_law("pareto", 2, xi);
    const sg_time_part part[] = {{&law, 1, 1}};
    sg_time *x = make_time(0, 1, part);
    for (int f = 1; f <= N; f++) {
      double left = N - f + 1, found = mean_of(x, N, f, 1);
      if (xi * left <= 1) {
        assert_true(isinf(found));
        continue;
      }
      double log_ratio =
          lgamma(N + 1) + lgamma(left - 1 / xi) - lgamma(left) - lgamma(N + 1 - 1 / xi);
      CLOSE(found, 2 * exp(log_ratio), 1e-9);
    }
    sg_time_free(x);
  }
}

static void the_first_of_weibull_times_and_the_last_of_two_values(void **state) {
  (void)state;
  sg_law law = make_law3("weibull", 0, 2, 0.6), two = make_law3("bimodal", 1, 8, 0.1);
  const sg_time_part part[] = {{&law, 1, 1}}, coin[] = {{&two, 1, 1}}, coins[] = {{&two, 1, 3}};
  sg_time *x = make_time(0, 1, part), *c = make_time(0, 1, coin), *b = make_time(0, 1, coins);
  CLOSE(mean_of(x, 9, 1, 1), 2 * pow(9, -1 / 0.6) * tgamma(1 + 1 / 0.6), 1e-10);
  CLOSE(mean_of(c, 5, 5, 1), 8 - 7 * pow(0.9, 5), 1e-13);
  assert_true(quantile_of(c, 5, 5, 0.5) == 1 && quantile_of(c, 5, 5, 0.7) == 8);
  /* Three draws are binomial. */
  CLOSE(sg_time_late(b, 10), 3 * 0.9 * 0.01 + 0.001, 1e-13);
  sg_time_free(x);
  sg_time_free(c);
  sg_time_free(b);
}

/* --- Printed values --------------------------------------------------------------------------- */

static void every_target_to_its_printed_digits(void **state) {
  (void)state;
  for (int i = 0; i < n_targets; i++) {
    const target *t = &targets[i];
    target_world w;
    sg_error e = {0};
    sg_expectation *x = NULL;
    assert_true(target_open(t, 1, &w));
    assert_int_equal(sg_expect(w.world, &x, &e), SG_OK);
    double found = t->what == DURATION    ? x->mean
                   : t->what == RESPONSES ? x->responses
                                          : x->within[t->within];
    if (!target_met(t, found))
      fail_msg("%s, n = %d, %s: %.8f, printed %s (%.8f)", t->source, t->n, w.world->label, found,
               t->printed ? t->printed : "closed form", t->closed);
    if (t->what == DURATION) assert_true(x->error <= 1e-9 * x->mean);
    /* theory: responses. Σ P(R* = r) E[Y_(r:n)]. */
    if (t->what == DURATION && x->alike) {
      double sum = 0;
      for (int r = 1; r <= t->n; r++)
        if (x->within[r] > x->within[r - 1])
          sum += (x->within[r] - x->within[r - 1]) * mean_of(x->finish.law[0], t->n, r, 1);
      CLOSE(sum, x->mean, 1e-10);
    }
    sg_expectation_free(x);
    target_close(&w);
  }
}

/* theory: grouped, best of each family: the printed optimum is the optimum, n = 24 too. */
static void the_best_of_each_family_is_the_best(void **state) {
  (void)state;
  static const struct {
    int n;
    double uncoded, cyclic, grouped, ye_abbe;
    int d, m;
  } best[] = {{4, 29.7671, 18.2214, 18.2214, 16.5889, 4, 2},
              {6, 33.4350, 21.0646, 19.2820, 19.1915, 6, 2},
              {8, 36.1138, 24.1063, 20.2353, 21.3697, 4, 3},
              {12, 39.9674, 30.3599, 21.4433, 23.5353, 4, 3},
              {24, 46.6949, 38.2006, NAN, 26.8355, 3, 3}};
  for (size_t i = 0; i < sizeof best / sizeof *best; i++) {
    int n = best[i].n, at_d = 0, at_m = 0;
    double cyclic = INFINITY, grouped = INFINITY, least = INFINITY;
    for (int d = 2; d <= n; d++) {
      cyclic = fmin(cyclic, ye_abbe_mean(n, d, d - 1, 1));
      sg_time *y = ye_abbe_time(d, 1, 1.6, 0.8, 6, 0.1);
      if (n % d == 0) grouped = fmin(grouped, mean_of(y, d, 1, n / d));
      sg_time_free(y);
      for (int m = 1; m <= d; m++) {
        double mean = ye_abbe_mean(n, d, d - m, m);
        if (mean >= least) continue;
        least = mean;
        at_d = d;
        at_m = m;
      }
    }
    assert_true(fabs(ye_abbe_mean(n, 1, 0, 1) - best[i].uncoded) <= 0.50001e-4);
    assert_true(fabs(cyclic - best[i].cyclic) <= 0.50001e-4);
    if (!isnan(best[i].grouped)) assert_true(fabs(grouped - best[i].grouped) <= 0.50001e-4);
    assert_true(fabs(least - best[i].ye_abbe) <= 0.50001e-4);
    assert_true(at_d == best[i].d && at_m == best[i].m);
  }
}

/* theory: first-row. The triples are optimal over all (d, m). */
static void the_triples_of_the_first_row_are_optimal(void **state) {
  (void)state;
  static const int d_of[] = {10, 3, 2, 2, 2, 1}, m_of[] = {1, 2, 2, 2, 2, 1};
  for (int i = 0; i < 6; i++) {
    double least = INFINITY;
    int at_d = 0, at_m = 0;
    for (int d = 1; d <= 10; d++)
      for (int m = 1; m <= d; m++) {
        sg_time *y = ye_abbe_time(d, m, 1.5, 0.6, 1.5, 0.05 * (i + 1));
        double mean = mean_of(y, 10, 10 - d + m, 1);
        sg_time_free(y);
        if (mean >= least) continue;
        least = mean;
        at_d = d;
        at_m = m;
      }
    assert_true(at_d == d_of[i] && at_m == m_of[i]);
  }
}

/* --- theory: closed-forms --------------------------------------------------------------------- */

static void computation_only_is_best_at_an_end(void **state) {
  (void)state;
  static const int sizes[] = {4, 8, 10, 12, 20, 50, 100};
  static const double threshold[] = {.361111, .245408, .214330, .191201, .136723, .071412, .042297};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int n = sizes[i];
    assert_true(fabs((harmonic(n) - 1) / (n - 1) - threshold[i]) <= 0.501e-6);
    for (int side = -1; side <= 1; side += 2) {
      double t1 = threshold[i] + side * 1e-5;
      sg_law law = make_law("shifted-exponential", t1, 1);
      const sg_time_part one[] = {{&law, 1, 1}}, all[] = {{&law, n, 1}};
      sg_time *y1 = make_time(0, 1, one), *yn = make_time(0, 1, all);
      double uncoded = mean_of(y1, n, n, 1), everybody = mean_of(yn, n, 1, 1);
      CLOSE(uncoded, t1 + harmonic(n), 1e-10);
      CLOSE(everybody, n * t1 + 1, 1e-10);
      assert_true((everybody < uncoded) == (side < 0));
      sg_time_free(y1);
      sg_time_free(yn);
    }
  }
}

static double optimum(double alpha, void *user) {
  return alpha / (1 - alpha) + log1p(-alpha) - *(double *)user;
}

/* Communication only: the best m/n at n = 400 is the root of the limit's equation within 1/n or so.
 */
static void the_best_reduction_tends_to_its_limit(void **state) {
  (void)state;
  static double product[] = {.1, .25, .5, .6, 1, 2, 5, 10};
  static const double printed[] = {.340466, .468852, .575854, .604282,
                                   .682156, .778036, .876402, .926529};
  for (int i = 0; i < 8; i++) {
    gsl_function f = {.function = optimum, .params = &product[i]};
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    gsl_root_fsolver_set(solver, &f, 0.01, 0.999);
    for (int k = 0; k < 60; k++) gsl_root_fsolver_iterate(solver);
    double alpha = gsl_root_fsolver_root(solver);
    gsl_root_fsolver_free(solver);
    assert_true(fabs(alpha - printed[i]) <= 0.501e-6);
    enum { N = 400 };
    double least = INFINITY;
    int at = 0;
    sg_law law = make_law("shifted-exponential", product[i], 1);
    for (int m = (int)(alpha * N) - 12; m <= alpha * N + 12 && m <= N; m++) {
      const sg_time_part part[] = {{&law, 1.0 / m, 1}};
      sg_time *y = make_time(0, 1, part);
      double mean = mean_of(y, N, m, 1);
      CLOSE(mean, product[i] / m + (harmonic(N) - harmonic(N - m)) / m, 1e-10);
      if (mean < least) {
        least = mean;
        at = m;
      }
      sg_time_free(y);
    }
    assert_true(fabs(at - alpha * N) <= 2);
  }
}

/* --- Stop rules ------------------------------------------------------------------------------- */

static void check_rule(const char *members, int n, const char *text, const char *why) {
  char scenario[1024];
  snprintf(scenario, sizeof scenario,
           "{\"format\":1,\"cluster\":{\"workers\":%d},\"delay\":{\"model\":\"exponential\","
           "\"mean_s\":1},\"learning\":{\"problem\":\"none\",\"length\":840},%s}",
           n, members);
  target_world w;
  sg_error e = {0};
  sg_expectation *x = NULL;
  assert_true(target_open_text(scenario, &w));
  sg_status status = sg_expect(w.world, &x, &e);
  if (why) {
    assert_int_equal(status, SG_INVALID);
    assert_int_equal(e.count, 1);
    if (!strstr(e.fault[0].message, why)) fail_msg("%s", e.fault[0].message);
  } else {
    for (int i = 0; i < e.count; i++) fprintf(stderr, "%s\n", e.fault[i].message);
    assert_int_equal(status, SG_OK);
    assert_string_equal(x->rule->text, text);
  }
  sg_error_clear(&e);
  sg_expectation_free(x);
  target_close(&w);
}

#define SCHEME(members) "\"schemes\":[{" members "}]"

static void rules_are_found_by_asking(void **state) {
  (void)state;
  check_rule(SCHEME("\"code\":\"uncoded\""), 5, "5 of 5", NULL);
  check_rule(SCHEME("\"code\":\"uncoded\""), 1000, "1000 of 1000", NULL);
  check_rule(SCHEME("\"code\":\"ignore-stragglers\",\"s\":2"), 12, "10 of 12", NULL);
  check_rule(SCHEME("\"code\":\"cyclic-repetition\",\"s\":5"), 60, "55 of 60", NULL);
  check_rule(SCHEME("\"code\":\"fractional-repetition\",\"s\":2,\"stop\":\"count\""), 12,
             "10 of 12", NULL);
  check_rule(SCHEME("\"code\":\"fractional-repetition\",\"s\":2"), 12, "4 groups, 1 of 3 each",
             NULL);
  check_rule(SCHEME("\"code\":\"group\",\"d\":20,\"m\":3,\"linear_code\":\"harmonic\","
                    "\"stop\":\"decodable\""),
             60, "3 groups, 3 of 20 each", NULL);
}

static void what_has_no_closed_form_says_why(void **state) {
  (void)state;
#define CYCLIC ",\"schemes\":[{\"code\":\"cyclic-repetition\",\"s\":1}]"
  check_rule("\"network\":{\"ingress\":{\"model\":\"fifo\",\"bandwidth_Bps\":1e6}}" CYCLIC, 6, NULL,
             "queue at the master");
  check_rule("\"late_work\":\"finish-first\"" CYCLIC, 6, NULL, "depend on earlier");
  check_rule("\"network\":{\"late_messages\":\"occupy-link\"}" CYCLIC, 6, NULL,
             "depend on earlier");
  check_rule("\"master\":{\"decode\":{\"model\":\"flops\",\"flops_per_s\":1e9}}" CYCLIC, 6, NULL,
             "decode times");
  /* Nothing is late where all are waited for. */
  check_rule("\"late_work\":\"finish-first\",\"schemes\":[{\"code\":\"uncoded\"}]", 6, "6 of 6",
             NULL);
}

/* Each part of a worker's time that is certain, and the update, are added. */
static void certain_times_are_added(void **state) {
  (void)state;
  target_world w;
  sg_expectation *x = NULL;
  assert_true(target_open_text(
      "{\"format\":1,\"cluster\":{\"workers\":4},\"delay\":{\"model\":\"exponential\",\"mean_s\":2,"
      "\"scaling\":\"startup\",\"per_subset_s\":0.5},\"network\":{\"uplink\":{\"model\":\"linear\","
      "\"latency_s\":0.25,\"bandwidth_Bps\":1000,\"per_message_s\":0.125},\"broadcast\":{\"model\":"
      "\"linear\",\"latency_s\":3,\"bandwidth_Bps\":800}},\"master\":{\"update_s\":10},"
      "\"learning\":{\"problem\":\"none\",\"length\":100},"
      "\"schemes\":[{\"code\":\"cyclic-repetition\",\"s\":1}]}",
      &w));
  assert_int_equal(sg_expect(w.world, &x, NULL), SG_OK);
  double certain = (3 + 800 / 800.0) + 2 * 0.5 + (0.25 + 800 / 1000.0 + 0.125) + 10;
  CLOSE(x->mean, certain + 2 * (harmonic(4) - 1), 1e-11);
  sg_expectation_free(x);
  target_close(&w);
}

int main(void) {
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_exponentials_with_equal_and_nearly_equal_rates),
      cmocka_unit_test(draws_of_one_law_are_erlang),
      cmocka_unit_test(numerical_convolution_agrees_with_simpsons_rule),
      cmocka_unit_test(finitely_many_values_are_summed),
      cmocka_unit_test(order_statistics_of_exponentials),
      cmocka_unit_test(workers_that_differ),
      cmocka_unit_test(who_never_answers_is_waited_for_without_end),
      cmocka_unit_test(sums_of_any_two_laws_have_the_right_mean),
      cmocka_unit_test(heavy_tails_keep_their_digits),
      cmocka_unit_test(order_statistics_of_pareto_times),
      cmocka_unit_test(the_first_of_weibull_times_and_the_last_of_two_values),
      cmocka_unit_test(every_target_to_its_printed_digits),
      cmocka_unit_test(the_best_of_each_family_is_the_best),
      cmocka_unit_test(the_triples_of_the_first_row_are_optimal),
      cmocka_unit_test(computation_only_is_best_at_an_end),
      cmocka_unit_test(the_best_reduction_tends_to_its_limit),
      cmocka_unit_test(rules_are_found_by_asking),
      cmocka_unit_test(what_has_no_closed_form_says_why),
      cmocka_unit_test(certain_times_are_added),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
