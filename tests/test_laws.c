/* SPDX-License-Identifier: MIT */
/* Every law of a time against its closed forms: moments, distribution function, quantiles, order
 * statistics; what a law refuses. */
#include "models/times/times.h"
#include "tests/support/point.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NEARLY(found, expected, tolerance)                                                         \
  assert_true(fabs((double)(found) - (double)(expected)) <=                                        \
              (tolerance) * (1 + fabs((double)(expected))))

/* Γ(1.5) = √π/2, Γ(2) = 1: Weibull of shape 2. */
#define ROOT_PI 1.7724538509055160273
static const struct {
  const char *json;
  double mean, variance;
} laws[] = {
    {"{'model': 'deterministic', 'value_s': 2.5}", 2.5, 0},
    {"{'model': 'exponential', 'mean_s': 3}", 3, 9},
    {"{'model': 'shifted-exponential', 'shift_s': 1.5, 'mean_excess_s': 2}", 3.5, 4},
    {"{'model': 'weibull', 'scale_s': 2, 'shape': 2}", ROOT_PI, 4 - ROOT_PI *ROOT_PI},
    /* Shape 1/2: Γ(3) = 2, Γ(5) = 24. */
    {"{'model': 'weibull', 'shift_s': 1, 'scale_s': 0.5, 'shape': 0.5}", 2, 0.25 * (24 - 4)},
    {"{'model': 'gamma', 'mean_s': 3, 'shape': 4}", 3, 9.0 / 4},
    {"{'model': 'gamma', 'shift_s': 0.5, 'mean_s': 1, 'shape': 0.5}", 1.5, 2},
    {"{'model': 'lognormal', 'median_s': 2, 'sigma': 0.5}", 2.2662969061336526,
     4 * 0.2840254166877414 * 1.2840254166877414},
    /* Delays of micro-batches (theory: drop-compute): Φ(z − 1)/2 + 5.5 Φ(−z) at z = ln 5.5/median.
     */
    {"{'model': 'capped-lognormal', 'shift_s': 1, 'median_s': 0.30326532985631671, 'sigma': 1, "
     "'cap_s': 5.5}",
     1 + 0.49590362053069137, 0.36500828466845314},
    {"{'model': 'pareto', 'minimum_s': 1, 'shape': 5}", 1.25, 5.0 / 48},
    {"{'model': 'bimodal', 'fast_s': 1, 'slow_s': 5, 'slow_probability': 0.2}", 1.8, 2.56},
    {"{'model': 'mixture', 'components': [{'model': 'exponential', 'mean_s': 1, 'weight': 0.75}, "
     "{'model': 'deterministic', 'value_s': 4, 'weight': 0.25}]}",
     1.75, 0.75 * 2 + 0.25 * 16 - 1.75 * 1.75},
    {"{'model': 'empirical', 'values_s': [1, 2, 2, 7]}", 3, 5.5},
};
enum { LAWS = sizeof laws / sizeof *laws };

static void make(const char *json, sg_law *law) {
  sg_error e = {0};
  test_point p;
  test_point_make(&p, json, "{'workers': 4}");
  assert_int_equal(sg_law_init(law, sg_object(p.point->values, "delay"), &e), SG_OK);
  test_point_free(&p);
}

static void every_law_is_described(void **state) {
  (void)state;
  for (int i = 0; sg_law_variant_at(i); i++) {
    const sg_variant *v = sg_law_variant_at(i);
    for (int k = 0; k < 3; k++)
      if (!sg_law_type_at(i)->formula[k] || !*sg_law_type_at(i)->formula[k])
        fail_msg("the law %s has no formula %d for docs/delays.md", v->name, k);
    assert_true(strlen(v->summary) > 0);
    for (const sg_param *p = v->params; p->name; p++) {
      size_t n = strlen(p->name);
      if (n > 2 && strcmp(p->name + n - 2, "_s") == 0)
        assert_non_null(strcasestr(p->summary, "seconds"));
    }
  }
  assert_null(sg_law_variant_at(-1));
}

/* Some values of a law's parameters that it takes, found from its table alone: numbers in their
 * ranges, growing in the order of the table. false: it needs more than numbers. */
static bool some_values(int i, int attempt, sg_law *law) {
  const sg_variant *variant = sg_law_variant_at(i);
  sg_values *v = sg_values_new(NULL, variant, "/delay");
  sg_error e = {0};
  assert_non_null(v);
  for (int k = 0; variant->params[k].name; k++) {
    const sg_param *p = &variant->params[k];
    bool ranged = p->min < p->max && p->max <= 1;
    double x =
        ranged ? p->min + (p->max - p->min) * (0.2 + 0.1 * attempt) : 1.5 + 0.2 * attempt + 0.5 * k;
    if (p->kind != SG_INT && p->kind != SG_REAL) continue;
    if (p->kind == SG_INT) x = ceil(x);
    if (!ranged && p->max > p->min) x = fmin(fmax(x, p->min), p->max);
    assert_int_equal(sg_values_set_number(v, p->name, x, &e), SG_OK);
  }
  bool ok = !sg_values_check_required(v, &e) && !sg_law_init(law, v, &e);
  sg_error_clear(&e);
  sg_values_free(v);
  return ok;
}

static double tail_of(double t, void *law) {
  return sg_law_tail(law, t);
}

static double twice_t_tail_of(double t, void *law) {
  return 2 * t * tail_of(t, law);
}

static double density_of(double t, void *law) {
  const sg_law *x = law;
  return x->type->density(x->state, t);
}

/* E X = ∫ P(X > t) dt or E X² = ∫ 2 t P(X > t) dt, over pieces between quantiles: a law may have
 * atoms. */
static double moment(sg_law *x, double (*of)(double t, void *law)) {
  gsl_integration_workspace *w = gsl_integration_workspace_alloc(1000);
  gsl_function f = {of, x};
  double from = 0, sum = 0, part, error;
  gsl_error_handler_t *old = gsl_set_error_handler_off();
  for (int k = 1; k <= 33; k++) { /* to the quantile that all but 1e-15 stay below */
    double to = x->type->quantile(x->state, k < 20 ? 0.05 * k : 1 - pow(10, 18 - k));
    if (to <= from) continue;
    gsl_integration_qag(&f, from, to, 0, 1e-10, 1000, GSL_INTEG_GAUSS31, w, &part, &error);
    sum += part;
    from = to;
  }
  gsl_set_error_handler(old);
  gsl_integration_workspace_free(w);
  return sum;
}

/* The sample mean within four standard errors of the law's own, shares of draws below several
 * quantiles within four of what its distribution function says. */
static void check_draws(const sg_law *x, uint32_t number, const char *what) {
  enum { COUNT = 40000 };
  double mean = x->type->mean(x->state), variance = x->type->variance(x->state);
  const double p[] = {0.01, 0.3, 0.5, 0.9, 0.999};
  int below[5] = {0};
  double at[5], sum = 0;
  for (int j = 0; j < 5; j++) at[j] = x->type->quantile(x->state, p[j]);
  for (int k = 0; k < COUNT; k++) {
    sg_stream s;
    sg_stream_at(&s, 1, number, SG_FOR_COMPUTE, 0, (uint32_t)k, 0);
    double t = sg_law_draw(x, &s);
    assert_true(t >= 0);
    sum += t - mean;
    for (int j = 0; j < 5; j++) below[j] += t <= at[j];
  }
  if (isfinite(variance) && fabs(sum / COUNT) > 4 * sqrt(variance / COUNT))
    fail_msg("mean of %s", what);
  for (int j = 0; j < 5; j++) {
    double q = x->type->cdf(x->state, at[j]);
    if (fabs((double)below[j] / COUNT - q) > 4 * sqrt(q * (1 - q) / COUNT))
      fail_msg("%s: %d of %d below %g, expected a share of %g", what, below[j], COUNT, at[j], q);
  }
}

/* The quantile is the smallest time with enough probability below it; tail and distribution add up;
 * the density integrates to the differences of the distribution; atoms are its jumps. */
static void check_functions(const sg_law *x) {
  for (int k = 1; k < 200; k++) {
    double p = k / 200.0, t = x->type->quantile(x->state, p);
    assert_true(x->type->cdf(x->state, t) >= p - 1e-12);
    assert_true(x->type->cdf(x->state, t * (1 - 1e-9) - 1e-9) <= p + 1e-12);
    if (x->type->tail) NEARLY(x->type->tail(x->state, t), 1 - x->type->cdf(x->state, t), 1e-12);
  }
  double jumps = 0, time, probability;
  for (int k = 0; x->type->atom && x->type->atom(x->state, k, &time, &probability); k++)
    jumps += probability;
  double low = x->type->quantile(x->state, 0.05);
  if (jumps == 0) { /* the middle of the law, where no density has a pole, in pieces */
    double area = 0, part, error;
    size_t evaluations;
    gsl_function f = {density_of, (void *)x};
    for (int k = 1; k < 19; k++) {
      double from = x->type->quantile(x->state, 0.05 * k);
      double to = x->type->quantile(x->state, 0.05 * (k + 1));
      gsl_integration_qng(&f, from, to, 0, 1e-8, &part, &error, &evaluations);
      area += part;
    }
    NEARLY(area, 0.9, 1e-7);
  } else if (x->type->density(x->state, low) == 0) {
    NEARLY(jumps, 1, 1e-12);
  }
}

/* Every registered law by itself, with values that its own table allows: nothing is written here
 * for a new one. Laws that need more than numbers are among the closed forms below. */
static void registered_laws(void **state) {
  (void)state;
  for (int i = 0; sg_law_variant_at(i); i++) {
    const char *name = sg_law_variant_at(i)->name;
    int made = 0;
    for (int attempt = 0; attempt < 4; attempt++) {
      sg_law x;
      if (!some_values(i, attempt, &x)) continue;
      made++;
      check_functions(&x);
      check_draws(&x, 1000 + (uint32_t)(8 * i + attempt), name);
      double mean = x.type->mean(x.state), found = moment(&x, tail_of);
      if (isfinite(mean) && fabs(found - mean) > 1e-5 * mean)
        fail_msg("%s: the integral of its tail is %.9g, its mean %.9g", name, found, mean);
      /* Second moments of heavy tails are not in what can be integrated. */
      double square = mean * mean + x.type->variance(x.state);
      double reach = x.type->quantile(x.state, 1 - 1e-15);
      found = moment(&x, twice_t_tail_of);
      if (1e-15 * reach * reach < 1e-6 * square && fabs(found - square) > 1e-5 * square)
        fail_msg("%s: E X² is %.9g by its tail, %.9g by mean and variance", name, found, square);
      sg_law_clear(&x);
    }
    char quoted[64];
    snprintf(quoted, sizeof quoted, "'%s'", name);
    for (int k = 0; k < LAWS; k++) made += strstr(laws[k].json, quoted) != NULL;
    if (made == 0) fail_msg("the law %s is not tested: it needs a row above", name);
  }
}

static void closed_forms(void **state) {
  (void)state;
  for (int i = 0; i < LAWS; i++) {
    sg_law x;
    make(laws[i].json, &x);
    NEARLY(x.type->mean(x.state), laws[i].mean, 1e-13);
    NEARLY(x.type->variance(x.state), laws[i].variance, 1e-13);
    check_draws(&x, (uint32_t)i, laws[i].json);
    check_functions(&x);
    sg_law_clear(&x);
  }
}

/* Inversion of a gamma law must not fail anywhere, as GSL's own does. */
static void gamma_is_inverted_everywhere(void **state) {
  (void)state;
  for (double shape = 0.05; shape < 10001; shape *= 1.3) {
    char json[96];
    snprintf(json, sizeof json, "{'model': 'gamma', 'mean_s': 1, 'shape': %.17g}", shape);
    sg_law x;
    make(json, &x);
    for (double p = 1e-12; p < 0.5; p *= 3) {
      double a = x.type->quantile(x.state, p), b = x.type->quantile(x.state, 1 - p);
      assert_true(isfinite(a) && isfinite(b) && a <= b);
      if (a > 1e-300) NEARLY(x.type->cdf(x.state, a) / p, 1, 1e-6);
      NEARLY(x.type->tail(x.state, b) / p, 1, 1e-3);
    }
    assert_true(x.type->quantile(x.state, 0) == 0);
    sg_law_clear(&x);
  }
}

/* Means of order statistics of n = 5 times. Closed forms: the least Weibull time is Weibull with
 * scale · n^(−1/shape), the least Pareto time Pareto with shape n · shape, exponential ones by
 * harmonic numbers; bimodal ones from the binomial law. */
static void order_statistics(void **state) {
  (void)state;
  enum { N = 5, COUNT = 20000 };
  static const struct {
    const char *json;
    int rank; /* from 1 */
    double mean;
  } cases[] = {
      {"{'model': 'exponential', 'mean_s': 3}", 5, 3 * 137.0 / 60},
      {"{'model': 'exponential', 'mean_s': 3}", 2, 3 * (0.2 + 0.25)},
      {"{'model': 'weibull', 'scale_s': 2, 'shape': 2}", 1, ROOT_PI / 2.2360679774997896964},
      {"{'model': 'pareto', 'minimum_s': 1, 'shape': 1.5}", 1, 7.5 / 6.5},
      /* E[X₍₄₎] of Pareto: n!/(n−r)! · Γ(n−r+1−1/a)/Γ(n+1−1/a) with a = 5. */
      {"{'model': 'pareto', 'minimum_s': 1, 'shape': 5}", 4, 0},
      /* Five uniform measured times 1 … 4 of four: found by summing P(X₍₅₎ > t). */
      {"{'model': 'empirical', 'values_s': [1, 2, 3, 4]}", 5, 4 - (1 + 32 + 243) / 1024.0},
      {"{'model': 'bimodal', 'fast_s': 1, 'slow_s': 5, 'slow_probability': 0.2}", 4, 0},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    double expected = cases[c].mean, sum = 0, squares = 0;
    if (c == 4) expected = 120 / 1.0 * tgamma(2 - 0.2) / tgamma(6 - 0.2);
    if (c == 6) expected = 1 + 4 * gsl_cdf_binomial_Q(1, 0.2, 5); /* two or more are slow */
    sg_law x;
    make(cases[c].json, &x);
    for (int k = 0; k < COUNT; k++) {
      double t[N];
      for (int w = 0; w < N; w++) {
        sg_stream s;
        sg_stream_at(&s, 1, 100 + (uint32_t)c, SG_FOR_COMPUTE, (uint32_t)w, (uint32_t)k, 0);
        double y = sg_law_draw(&x, &s);
        int i = w;
        for (; i > 0 && t[i - 1] > y; i--) t[i] = t[i - 1];
        t[i] = y;
      }
      double d = t[cases[c].rank - 1] - expected;
      sum += d;
      squares += d * d;
    }
    double m = sum / COUNT, error = sqrt((squares / COUNT - m * m) / COUNT);
    if (fabs(m) > 4 * error) fail_msg("case %zu: %g off, standard error %g", c, m, error);
    sg_law_clear(&x);
  }
}

/* A draw takes a fixed number of uniforms and grows with them: the same stream gives the same
 * uniform after one. */
static void draws_take_one_uniform(void **state) {
  (void)state;
  for (int i = 0; i < LAWS; i++) {
    sg_law x;
    make(laws[i].json, &x);
    bool mixture = strcmp(x.type->about.name, "mixture") == 0;
    for (uint32_t k = 0; k < 50 && !mixture; k++) {
      sg_stream s, other;
      sg_stream_at(&s, 1, 0, SG_FOR_COMPUTE, 0, k, 0);
      sg_stream_at(&other, 1, 0, SG_FOR_COMPUTE, 0, k, 0);
      double t = sg_law_draw(&x, &s), u = sg_uniform(&other);
      if (strcmp(x.type->about.name, "deterministic") != 0)
        assert_true(sg_uniform(&s) == sg_uniform(&other));
      if (u > 0) NEARLY(t, x.type->quantile(x.state, u), 1e-9);
    }
    sg_law_clear(&x);
  }
}

static void notes_of_missing_moments(void **state) {
  (void)state;
  static const struct {
    const char *shape, *says;
  } cases[] = {{"0.9", "no finite mean"}, {"1.5", "no finite variance"}, {"3", NULL}};
  for (int c = 0; c < 3; c++) {
    char json[80];
    snprintf(json, sizeof json, "{'model': 'pareto', 'minimum_s': 1, 'shape': %s}", cases[c].shape);
    sg_law x;
    sg_buffer b = {0};
    make(json, &x);
    sg_law_note(&x, "delay", &b);
    if (cases[c].says)
      assert_non_null(strstr(b.data, cases[c].says));
    else
      assert_null(b.data);
    sg_buffer_free(&b);
    sg_law_clear(&x);
  }
}

static void faults(void **state) {
  (void)state;
  static const struct {
    const char *json, *place, *says;
  } cases[] = {
      {"{'model': 'bimodal', 'fast_s': 2, 'slow_s': 1, 'slow_probability': 0.1}", "/delay/slow_s",
       "slow_s ≥ fast_s = 2"},
      {"{'model': 'mixture', 'components': [{'model': 'exponential', 'mean_s': 1, 'weight': 0.5}]}",
       "/delay/components", "found a sum of 0.5"},
      {"{'model': 'empirical'}", "/delay", "neither"},
      {"{'model': 'empirical', 'values_s': [1], 'path': 'README.md'}", "/delay", "both"},
      {"{'model': 'empirical', 'path': 'sim'}", "/delay", "found a folder"},
  };
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    sg_error e = {0};
    sg_law x;
    test_point p;
    test_point_make(&p, cases[c].json, "{'workers': 4}");
    assert_int_not_equal(sg_law_init(&x, sg_object(p.point->values, "delay"), &e), SG_OK);
    assert_true(e.count >= 1);
    assert_string_equal(e.fault[0].place, cases[c].place);
    if (!strstr(e.fault[0].message, cases[c].says)) fail_msg("%s", e.fault[0].message);
    sg_error_clear(&e);
    test_point_free(&p);
  }
}

static void csv_columns(void **state) {
  (void)state;
  char path[] = "/tmp/straggle-times-XXXXXX", json[160];
  int file = mkstemp(path);
  assert_true(file >= 0);
  static const char text[] = "# source: made up\nworker, time\n0, 2\r\n1,4\n\n2, 6\n";
  assert_int_equal(write(file, text, sizeof text - 1), sizeof text - 1);
  snprintf(json, sizeof json, "{'model': 'empirical', 'path': '%s', 'column': 'time'}", path);
  sg_law x;
  make(json, &x);
  NEARLY(x.type->mean(x.state), 4, 1e-15);
  sg_law_clear(&x);
  static const char bad[] = "3, -1\n4, x\n5\n";
  assert_int_equal(write(file, bad, sizeof bad - 1), sizeof bad - 1);
  sg_error e = {0};
  test_point p;
  test_point_make(&p, json, "{'workers': 4}");
  assert_int_equal(sg_law_init(&x, sg_object(p.point->values, "delay"), &e), SG_INVALID);
  assert_int_equal(e.count, 3); /* each bad line with its number */
  assert_non_null(strstr(e.fault[0].place, ":7:4"));
  assert_string_equal(e.fault[0].message, "expected a time ≥ 0, found \"-1\"");
  assert_non_null(strstr(e.fault[2].place, ":9:2"));
  assert_string_equal(e.fault[2].message, "expected 2 fields, found 1");
  sg_error_clear(&e);
  test_point_free(&p);
  close(file);
  unlink(path);
}

/* The mean of a file's times; 0 and its first fault if it is refused. */
static double mean_of_file(const char *text, const char *more, sg_error *e) {
  char path[] = "/tmp/straggle-times-XXXXXX", json[160];
  int file = mkstemp(path);
  assert_true(file >= 0);
  assert_int_equal(write(file, text, strlen(text)), strlen(text));
  close(file);
  snprintf(json, sizeof json, "{'model': 'empirical', 'path': '%s'%s}", path, more);
  test_point p;
  test_point_make(&p, json, "{'workers': 4}");
  sg_law x;
  bool ok = !sg_law_init(&x, sg_object(p.point->values, "delay"), e);
  double mean = ok ? x.type->mean(x.state) : 0;
  sg_law_clear(&x);
  test_point_free(&p);
  unlink(path);
  return mean;
}

/* No time may be lost, and none taken from the inside of a quoted field, without a word. */
static void csv_dialects(void **state) {
  (void)state;
  sg_error e = {0};
  NEARLY(mean_of_file("\xef\xbb\xbf"
                      "1000\n2\n",
                      "", &e),
         501, 1e-15);
  NEARLY(mean_of_file("seconds\n1000\n2\n", "", &e), 501, 1e-15);
  NEARLY(mean_of_file("\"params\",runtime\n\"GC, 5, \"\"a\"\"\",12\n\"GC, 6\",14\n",
                      ", 'column': 'runtime'", &e),
         13, 1e-15);
  NEARLY(mean_of_file("0\n1\n2", ", 'column': '0'", &e), 1.5, 1e-15);
  assert_int_equal(e.count, 0);
  static const char named[] = ", 'column': 't'";
  static const struct {
    const char *text, *more, *place, *says;
  } bad[] = {
      {"1000 s\n1\n", "", ":1:1", "a time ≥ 0 or a name, found \"1000 s\""},
      {"NA\n1\n", "", ":1:1", "a time ≥ 0 or a name, found \"NA\""},
      {"\"\"\n1\n", "", ":1:1", "a time ≥ 0 or a name, found nothing"},
      {"0\n1\n", "", ":1:1", "pandas"},
      {"1,5\n2,5\n", "", ":1:3", "found 2"},
      {"t\n0x10\n", "", ":2:1", "found \"0x10\""},
      {"t\n1\n2,3\n", "", ":3:3", "expected 1 field, found 2"},
      {"t\n1\n1.7976931348623157e308\n", "", ":3:1", "stand for a missing value"},
      {"t\n3.4028235e+38\n1\n", "", ":2:1", "stand for a missing value"},
      {"a;t\n1;2\n", "", ":1:2", "expected \",\" between fields, found \";\""},
      {"a;t\n1;2\n", named, ":1:2", "expected \",\" between fields, found \";\""},
      {"t,t\n1,2\n", named, ":1:3", "two columns are named \"t\""},
      {"a,t\nx, 5,1\n", named, ":2:6", "expected 2 fields, found 3"}, /* a comma not quoted */
      {"t\r1\r2\r", "", ":1:2", "found CR alone"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_true(mean_of_file(bad[i].text, bad[i].more, &e) == 0);
    assert_int_equal(e.count, 1);
    assert_non_null(strstr(e.fault[0].message, bad[i].says));
    assert_non_null(strstr(e.fault[0].place, bad[i].place));
    sg_error_clear(&e);
  }
}

/* Uniforms of every size, the least, those near the greatest and at the borders of cases. */
static double some_uniform(int w, int n) {
  static const double odd[] = {0,     0x1p-53, 0x1p-30,        1 - 0x1p-53, 1 - 0x1p-40, 0.5,
                               0.075, 0.925,   0x1.fffffep-29, 1e-12,       1 - 1e-12,   0x1p-28};
  sg_stream s;
  sg_stream_at(&s, 5, 0, SG_FOR_COMPUTE, (uint32_t)w, (uint32_t)n, 0);
  return n % 2 && w % 10 == 9 ? odd[(w + n) / 10 % 12] : sg_uniform(&s);
}

/* Of all laws that can: many times at once are those one by one, on all vectors that the processor
 * has. */
static void many_at_a_time(void **state) {
  (void)state;
  enum { COUNT = 301 };
  int able = 0;
  for (int i = 0; i < LAWS; i++) {
    sg_law x;
    make(laws[i].json, &x);
    able += x.type->fill != NULL;
    for (int lanes = SG_SCALAR; lanes <= (int)sg_widest_lanes() && x.type->fill; lanes++)
      for (int n = 0; n < COUNT; n++) {
        double t[COUNT], expected[COUNT];
        for (int w = 0; w < n; w++) {
          t[w] = some_uniform(w, n);
          expected[w] = x.type->draw ? x.type->draw(x.state, NULL) : sg_law_at(&x, t[w]);
        }
        x.type->fill(x.state, (sg_lanes)lanes, t, n);
        if (memcmp(t, expected, (size_t)n * sizeof *t) != 0)
          fail_msg("vectors %d: %s", lanes, laws[i].json);
      }
    sg_law_clear(&x);
  }
  assert_true(able >= 7);
}

/* The same of laws that take two uniforms; more than a block of them, too. */
static void pairs_at_a_time(void **state) {
  (void)state;
  enum { COUNT = 700 };
  int able = 0;
  for (int i = 0; i < LAWS; i++) {
    sg_law x;
    make(laws[i].json, &x);
    able += x.type->fill_pairs != NULL;
    for (int lanes = SG_SCALAR; lanes <= (int)sg_widest_lanes() && x.type->fill_pairs; lanes++)
      for (int n = 0; n < COUNT; n += 1 + n / 10) {
        double u[COUNT], v[COUNT];
        sg_uniform_pairs_at_with((sg_lanes)lanes, u, v, n, 5, 0, SG_FOR_COMPUTE, (uint32_t)n, 0);
        x.type->fill_pairs(x.state, (sg_lanes)lanes, u, v, n);
        for (int w = 0; w < n; w++) {
          sg_stream s;
          sg_stream_at(&s, 5, 0, SG_FOR_COMPUTE, (uint32_t)w, (uint32_t)n, 0);
          double expected = sg_law_draw(&x, &s);
          if (memcmp(&u[w], &expected, sizeof expected) != 0)
            fail_msg("vectors %d: %s", lanes, laws[i].json);
        }
      }
    sg_law_clear(&x);
  }
  assert_true(able >= 1);
}

/* What a run draws ahead are the draws one by one, of every law, whether it can fill or not. */
static void ahead_of_a_round(void **state) {
  (void)state;
  enum { NODES = 77 };
  for (int i = 0; i < LAWS; i++) {
    sg_times t = {.purpose = SG_FOR_UPLINK, .workers = NODES, .seed = 9};
    sg_ahead ahead = {0};
    make(laws[i].json, &t.law);
    for (uint32_t iteration = 0; iteration < 20; iteration++) {
      assert_true(sg_times_draw_ahead(&t, 3, iteration, NODES, &ahead));
      for (int w = 0; w < NODES; w++) {
        double a = sg_times_seconds(&t, &ahead, 3, w, iteration, 0),
               b = sg_times_seconds(&t, NULL, 3, w, iteration, 0);
        if (memcmp(&a, &b, sizeof a) != 0) fail_msg("%s: %a, expected %a", laws[i].json, a, b);
      }
    }
    sg_ahead_clear(&ahead);
    sg_times_clear(&t);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_law_is_described),
      cmocka_unit_test(registered_laws),
      cmocka_unit_test(closed_forms),
      cmocka_unit_test(gamma_is_inverted_everywhere),
      cmocka_unit_test(order_statistics),
      cmocka_unit_test(draws_take_one_uniform),
      cmocka_unit_test(notes_of_missing_moments),
      cmocka_unit_test(faults),
      cmocka_unit_test(csv_columns),
      cmocka_unit_test(csv_dialects),
      cmocka_unit_test(many_at_a_time),
      cmocka_unit_test(pairs_at_a_time),
      cmocka_unit_test(ahead_of_a_round),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
