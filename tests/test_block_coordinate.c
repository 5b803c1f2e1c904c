/* SPDX-License-Identifier: MIT */
/* Sizes of blocks against the exact law of an iteration, which is computed here from the law of a
 * worker's time alone, and against minima of that law which another program found. */
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "tests/support/code_bench.h"
#include "tests/support/targets.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_sf_gamma.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 20 };

/* --- The exact law ---------------------------------------------------------------------------- */

typedef struct law {
  const char *delay; /* members of a scenario */
  double (*cdf)(double t);
} law;

/* Wang et al. 2022, in units of their mean excess. */
static const double shift = 50, excess = 1000;

static double shifted_exponential(double t) {
  return t > shift ? -expm1(-(t - shift) / excess) : 0;
}

static double weibull(double t) {
  return t > 0 ? -expm1(-pow(t / 2, 0.7)) : 0;
}

static double pareto(double t) {
  return t > 1 ? 1 - pow(t, -2.5) : 0;
}

static const law laws[] = {
    {"\"model\":\"shifted-exponential\",\"shift_s\":50,\"mean_excess_s\":1000",
     shifted_exponential},
    {"\"model\":\"weibull\",\"scale_s\":2,\"shape\":0.7", weibull},
    {"\"model\":\"pareto\",\"minimum_s\":1,\"shape\":2.5", pareto},
};

/* P(T_(n−s) ≤ t/S_s for all s) = P(#{T > t/S_s} ≤ s for all s), over s on the number k of workers
 * that are above the threshold: it falls, and of those below each goes above with the same
 * probability. S: n values, 0 where there is no block yet. */
static double done_by(double t, int n, const double *S, double (*cdf)(double)) {
  double p[MOST + 1] = {1}, before = 1;
  for (int s = 0; s < n; s++) {
    double F = S[s] > 0 ? cdf(t / S[s]) : 1, q = before > 0 ? 1 - F / before : 0;
    double next[MOST + 1] = {0};
    if (q < 0) q = 0;
    for (int k = 0; k <= s; k++)
      for (int above = k; above <= s && p[k] > 0; above++)
        next[above] += p[k] * exp(gsl_sf_lnchoose((unsigned)(n - k), (unsigned)(above - k))) *
                       pow(q, above - k) * pow(1 - q, n - above);
    memcpy(p, next, sizeof p);
    before = F;
  }
  double sum = 0;
  for (int k = 0; k < n; k++) sum += p[k];
  return sum;
}

/* E τ for shares x, by Gauss's rule on pieces that grow with t. */
static double mean_time(int n, const double *x, double (*cdf)(double)) {
  double S[MOST], sum = 0, mean = 0;
  for (int s = 0; s < n; s++) S[s] = sum += (s + 1) * x[s];
  gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(8);
  double least = 1e-3, edge = 0;
  for (int piece = 0; piece < 400; piece++) {
    double end = least * pow(10, piece * 11.0 / 400);
    for (size_t i = 0; i < 8; i++) {
      double t, w;
      gsl_integration_glfixed_point(edge, end, i, &t, &w, rule);
      mean += w * (1 - done_by(t, n, S, cdf));
    }
    edge = end;
    if (done_by(end, n, S, cdf) > 1 - 1e-15) break;
  }
  gsl_integration_glfixed_table_free(rule);
  return mean;
}

/* --- A forecast that is exact ----------------------------------------------------------------- */

static double exact_mean(void *of, double work, int k) {
  int n = *(int *)of;
  double sum = 0;
  for (int i = n - k + 1; i <= n; i++) sum += 1.0 / i;
  return work * (shift + excess * sum);
}

/* The integral of P(1/T_(k) > r) over r, in pieces that shrink towards 0. */
static double exact_inverse(void *of, double work, int k) {
  int n = *(int *)of;
  double sum = 0;
  gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(8);
  double end = 1 / shift;
  for (int piece = 0; piece < 100; piece++, end *= 0.85)
    for (size_t i = 0; i < 8; i++) {
      double r, w;
      gsl_integration_glfixed_point(0.85 * end, end, i, &r, &w, rule);
      sum += w * gsl_cdf_binomial_Q((unsigned)k - 1, shifted_exponential(1 / r), (unsigned)n);
    }
  gsl_integration_glfixed_table_free(rule);
  return (sum + end) / work; /* the rest is certain */
}

static bool draw(void *of, double work, int count, double *times) {
  int n = *(int *)of;
  for (int i = 0; i < count; i++) {
    sg_stream s;
    sg_stream_at(&s, 1, 0, SG_FOR_CHECK, 0, (uint32_t)i, 0);
    for (int w = 0; w < n; w++) times[i * n + w] = work * (shift + sg_exponential(&s, excess));
  }
  return true;
}

static double none_lost(void *of, int worker) {
  return 0;
}

/* --- Codes ------------------------------------------------------------------------------------ */

static sg_code *make(int n, long length, const sg_forecast *forecast, sg_values *values) {
  sg_shape shape = {
      .workers = n, .subsets = n, .length = length, .seed = 1, .updates = 1, .forecast = forecast};
  sg_code *code;
  sg_error e = {0};
  if (sg_code_new((const sg_code_type *)values->variant, &shape, values, &code, &e))
    fail_msg("%s", e.fault[0].message);
  sg_values_free(values);
  return code;
}

/* Sizes of blocks 0 … n − 1: a segment waits for n − s workers. */
static void sizes_of(const sg_code *code, double *x) {
  memset(x, 0, (size_t)code->nodes * sizeof *x);
  for (int k = 0; k < code->segments; k++)
    x[code->nodes - code->segment[k].need] =
        (double)(code->segment[k].end - code->segment[k].begin);
}

static double exact_time(const sg_code *code, double (*cdf)(double)) {
  double x[MOST];
  sizes_of(code, x);
  for (int s = 0; s < code->nodes; s++) x[s] /= (double)code->shape.length;
  return mean_time(code->nodes, x, cdf);
}

static sg_code *make_exact(int n, long length, const char *design) {
  sg_forecast f = {.of = &n,
                   .mean = exact_mean,
                   .inverse_mean = exact_inverse,
                   .samples = draw,
                   .straggling = none_lost};
  return make(n, length, &f, bench_values("block-coordinate", "design", design, NULL));
}

/* The number in the note behind `before`. */
static double noted(const sg_code *code, const char *before) {
  const char *at = strstr(code->note, before);
  assert_non_null(at);
  return strtod(at + strlen(before), NULL);
}

static void assert_digits(double x, double cycles, double digit) {
  if (!(fabs(x - cycles) <= digit / 2)) fail_msg("%.8g is not %.8g", x, cycles);
}

/* --- Tests ------------------------------------------------------------------------------------ */

/* Means in the cycles of the paper, M b d/n of which are a second here: of shares, so that
 * coordinates are made so many that their number does not matter; 20,000 shift the last digit.
 * (derived) */
static void closed_forms(void **state) {
  static const struct {
    int n;
    double means, inverse, bound, single, optimum;
  } known[] = {{10, 1.3057e8, 1.27564e8, 8.3164e7, 1.5e8, 1.1692e8},
               {20, 7.8853e7, 7.8438e7, 5.1949e7, 1.0e8, 7.0495e7}};
  for (int i = 0; i < 2; i++) {
    int n = known[i].n;
    const long fine = 20000000;
    double cycles = 50 * 2e4 / n;
    sg_code *code = make_exact(n, fine, "means");
    assert_digits(cycles * exact_time(code, shifted_exponential), known[i].means,
                  i == 0 ? 1e4 : 1e3);
    assert_digits(cycles * noted(code, "at least "), known[i].bound, 1e3);
    double expected = noted(code, "time "), error = noted(code, "error ");
    assert_true(fabs(expected - exact_time(code, shifted_exponential)) < 4 * error);
    sg_code_free(code);
    code = make_exact(n, fine, "inverse-means");
    assert_digits(cycles * exact_time(code, shifted_exponential), known[i].inverse, 1e3);
    sg_code_free(code);
    code = make_exact(n, fine, "single-level");
    assert_int_equal(code->segments, 1);
    assert_int_equal(code->promised, n - 1);
    assert_digits(cycles * exact_time(code, shifted_exponential), known[i].single, 1e3);
    sg_code_free(code);
    code = make_exact(n, fine, "optimal");
    double least = cycles * exact_time(code, shifted_exponential);
    assert_true(least > 0.9999 * known[i].optimum && least < 1.005 * known[i].optimum);
    sg_code_free(code);
  }
}

/* To within the rounding of 20,000 coordinates to whole numbers. (published) */
static void published_vector(void **state) {
  static const int published[] = {5696, 1076, 609, 444, 366, 325, 303, 294,  294,  303,
                                  321,  349,  390, 448, 534, 663, 868, 1222, 1912, 3583};
  double x[MOST];
  sg_code *code = make_exact(20, 20000, "means");
  sizes_of(code, x);
  for (int s = 0; s < 20; s++)
    if (fabs(x[s] - published[s]) > 1) fail_msg("x_%d = %g is not %d", s, x[s], published[s]);
  sg_code_free(code);
}

/* Two parts: max(α T_(n−s), T_(n)) for each f of the work, with f = (s + 1)/(s + α) of the data
 * uncoded. P(τ ≤ t) by counting who is below t/α and who below t, of whom there must be n − s and
 * n; of the paper, by integration to their digits. (published formula, derived values) */
static void two_parts(void **state) {
  static const struct {
    int n, s;
    const char *text;
    double cycles;
  } known[] = {{10, 8, "8", 1.97574e8}, {20, 15, "15", 1.40735e8}};
  const double alpha = 6;
  for (int i = 0; i < 2; i++) {
    int n = known[i].n, s = known[i].s;
    double f = (s + 1) / (s + alpha), mean = 0;
    sg_code *code = make(n, 20000, NULL,
                         bench_values("partial-cyclic", "s", known[i].text, "alpha", "6",
                                      "partitions", "uneven", NULL));
    assert_true(fabs(code->edge[n] - f) < 1e-12);
    assert_true(fabs(code->load - alpha * f) < 1e-9);
    sg_code_free(code);
    gsl_integration_glfixed_table *rule = gsl_integration_glfixed_table_alloc(8);
    for (int piece = 0; piece < 2000; piece++)
      for (size_t k = 0; k < 8; k++) {
        double t, w, done = 0;
        gsl_integration_glfixed_point(50 * piece, 50 * piece + 50, k, &t, &w, rule);
        double early = shifted_exponential(t / alpha), late = shifted_exponential(t) - early;
        for (int m = n - s; m <= n; m++)
          done += gsl_sf_choose((unsigned)n, (unsigned)m) * pow(early, m) * pow(late, n - m);
        mean += w * (1 - done);
      }
    gsl_integration_glfixed_table_free(rule);
    assert_digits(50 * 2e4 / n * f * mean, known[i].cycles, 1e3);
  }
}

/* (d/H_n)/(s + 1), and the same beginning at s. */
static void large_time(void **state) {
  double x[MOST];
  sg_code *code = make(4, 25000, NULL, bench_values("block-coordinate", NULL));
  sizes_of(code, x);
  const double all[] = {12000, 6000, 4000, 3000};
  for (int s = 0; s < 4; s++) assert_true(x[s] == all[s]);
  sg_code_free(code);
  code = make(4, 1900, NULL, bench_values("block-coordinate", "s", "1", NULL));
  sizes_of(code, x);
  const double later[] = {0, 1200, 400, 300};
  for (int s = 0; s < 4; s++) assert_true(x[s] == later[s]);
  assert_int_equal(code->promised, 1);
  assert_null(strstr(code->note, "time 1"));
  sg_code_free(code);
}

static void put_scenario(char *text, size_t size, int n, const char *cluster, const char *delay,
                         const char *scheme) {
  snprintf(text, size,
           "{\"format\":1,\"cluster\":{\"workers\":%d%s},\"delay\":{%s},\"learning\":{"
           "\"problem\":\"none\",\"length\":20000},\"schemes\":[{\"code\":\"block-coordinate\"%s}],"
           "\"random\":{\"seed\":1},\"stop\":{\"iterations\":1}}",
           n, cluster, delay, scheme);
}

static sg_code *open_world(int n, const char *cluster, const char *delay, const char *scheme,
                           target_world *w) {
  char text[1024];
  put_scenario(text, sizeof text, n, cluster, delay, scheme);
  if (!target_open_text(text, w)) fail_msg("%s", text);
  return w->world->code;
}

/* The scenario is refused with these words. */
static void refused(int n, const char *cluster, const char *delay, const char *scheme,
                    const char *words) {
  char text[1024];
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  sg_error e = {0};
  put_scenario(text, sizeof text, n, cluster, delay, scheme);
  sg_status status = sg_scenario_parse("refused.json", text, strlen(text), 0, NULL, &scenario, &e);
  if (!status) status = sg_plan_new(scenario, &plan, &e);
  assert_int_equal(status, SG_INVALID);
  if (!strstr(e.fault[0].message, words)) fail_msg("not \"%s\": %s", words, e.fault[0].message);
  sg_error_clear(&e);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
}

/* Least E τ over all sizes, by minimising the exact law directly: Nelder and Mead's method, then
 * BFGS, from three starts over softmax(z) = x, with the law integrated by Gauss's rule (SciPy
 * 1.10.1). For n = 10 and 20 the exact value of the best sizes known. (derived) */
static void optimum_within_half_a_percent(void **state) {
  static const struct {
    int law, n;
    double least;
  } known[] = {
      {0, 3, 1009.036},  {0, 4, 1024.987},  {0, 7, 1093.893},  {0, 10, 1169.2},
      {0, 20, 1409.9},   {1, 3, 1.562058},  {1, 4, 1.3831292}, {1, 7, 1.0928865},
      {2, 3, 2.0373601}, {2, 4, 2.2007892}, {2, 7, 2.601049},
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    target_world w;
    const law *l = &laws[known[i].law];
    const sg_code *code = open_world(known[i].n, "", l->delay, "", &w);
    double ratio = exact_time(code, l->cdf) / known[i].least;
    if (!(ratio > 0.9998 && ratio < 1.005))
      fail_msg("%s, n = %d: %g of the least", l->delay, known[i].n, ratio);
    target_close(&w);
  }
}

/* Never above the optimum; and a sample's x^(t) is close to the exact one. */
static void bound_and_order(void **state) {
  static const char *const schemes[] = {"\"optimal\"", "\"means\"", "\"single-level\"",
                                        "\"large-time\""};
  for (size_t l = 0; l < sizeof laws / sizeof *laws; l++) {
    double time[4];
    for (int i = 0; i < 4; i++) {
      char scheme[64];
      target_world w;
      snprintf(scheme, sizeof scheme, ",\"design\":%s", schemes[i]);
      const sg_code *code = open_world(7, "", laws[l].delay, scheme, &w);
      time[i] = exact_time(code, laws[l].cdf);
      assert_true(noted(code, "at least ") < time[i]);
      assert_true(fabs(noted(code, "time ") - time[i]) < 5 * noted(code, "error "));
      target_close(&w);
    }
    for (int i = 1; i < 4; i++) assert_true(time[0] < 1.002 * time[i]);
  }
}

/* E T_(n) is infinite, and block 0 would wait for it: it is left empty. */
static void blocks_without_a_mean_are_empty(void **state) {
  target_world w;
  const sg_code *code =
      open_world(5, "", "\"model\":\"pareto\",\"minimum_s\":1,\"shape\":0.8", "", &w);
  assert_int_equal(code->promised, 1);
  assert_true(isfinite(noted(code, "time ")));
  target_close(&w);
  code = open_world(5, "", "\"model\":\"pareto\",\"minimum_s\":1,\"shape\":0.8",
                    ",\"design\":\"large-time\"", &w);
  assert_int_equal(code->promised, 0);
  assert_non_null(strstr(code->note, "time infinite"));
  target_close(&w);
}

/* Whoever may be lost is not waited for, unless s says how many are at a time. */
static void lost_workers(void **state) {
  target_world w;
  const sg_code *code = open_world(6, ",\"erasure\":{\"model\":\"pattern\",\"workers\":[1,4]}",
                                   laws[0].delay, "", &w);
  assert_int_equal(code->promised, 2);
  assert_non_null(strstr(code->note, "if nobody were lost"));
  target_close(&w);
  const char *three = ",\"erasure\":{\"model\":\"uniform\",\"count\":3}";
  code = open_world(6, three, laws[0].delay, ",\"s\":3,\"design\":\"means\"", &w);
  assert_int_equal(code->promised, 3);
  target_close(&w);
  refused(6, three, laws[0].delay, "", "every worker's messages may be lost");
}

static void refusals(void **state) {
  const char *delay = laws[0].delay, *exponential = "\"model\":\"exponential\",\"mean_s\":1",
             *slow = "\"model\":\"pareto\",\"minimum_s\":1,\"shape\":0.1",
             *startup = "\"model\":\"exponential\",\"mean_s\":1,\"scaling\":\"startup\","
                        "\"per_subset_s\":0.1";
  refused(4, "", exponential, ",\"design\":\"inverse-means\"", "found E 1/T_(1) = infinity");
  refused(4, "", slow, ",\"design\":\"means\"", "the fastest worker's has no mean");
  refused(4, "", startup, "", "expected delays in proportion to work");
  refused(4, "", "\"model\":\"deterministic\",\"value_s\":0", "", "expected delays above 0 s");
  refused(4, "", delay, ",\"s\":4", "expected s < n = 4");
  refused(4, "", delay, ",\"blocks\":[1,1,1],\"s\":2",
          "expected at most n - s = 2 blocks, found 3");
  refused(4, "", delay, ",\"blocks\":[0,0]", "expected sizes with a positive sum, found 0");
  refused(4, "", delay, ",\"blocks\":[1],\"design\":\"means\"", "expected blocks or design");
  refused(4, "", delay, ",\"design\":\"mean\"", "means");
  bench b;
  sg_error e = {0};
  sg_values *values = bench_values("block-coordinate", "design", "means", NULL);
  assert_int_equal(bench_open(&b, values, 4, 1, &e), SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "expected the delays of a scenario"));
  sg_error_clear(&e);
  sg_values_free(values);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(closed_forms),
      cmocka_unit_test(published_vector),
      cmocka_unit_test(two_parts),
      cmocka_unit_test(large_time),
      cmocka_unit_test(optimum_within_half_a_percent),
      cmocka_unit_test(bound_and_order),
      cmocka_unit_test(blocks_without_a_mean_are_empty),
      cmocka_unit_test(lost_workers),
      cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
