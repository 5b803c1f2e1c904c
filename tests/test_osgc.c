/* SPDX-License-Identifier: MIT */
/* OSGC, the bits of CAGC and the compressor that has them: over all sets of workers, against brute
 * force, and to the digits of the formulas. */
#include "models/compress/compress.h"
#include "sim/core/bits.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 10 };

/* The code's own mean error. */
static double own_error(const bench *b, const double *p, int count) {
  double error = NAN;
  assert_int_equal(b->code->type->mean_error(b->code, p, count, &error), SG_OK);
  return error;
}

static void near(const char *what, double found, double wanted, double within) {
  if (!(fabs(found - wanted) <= within)) fail_msg("%s: %.15g, not %.15g", what, found, wanted);
}

/* exp(−ψ (t − 1)), ψ from 0.1 to 2, t = 1.5. */
static void fill(double *p) {
  for (int i = 0; i < N; i++) p[i] = exp(-.5 * (.1 + 1.9 * i / 9));
}

static sg_values *osgc(const char *placement, int n, const double *p) {
  char list[400];
  int at = 0;
  for (int i = 0; i < n; i++)
    at += snprintf(list + at, sizeof list - (size_t)at, i ? ",%.17g" : "%.17g", p[i]);
  return bench_values("osgc", "placement", placement, "straggling", list, NULL);
}

typedef struct means {
  double error, variance, off; /* E err_norm; E (Σ α − blocks)²; largest |E α − 1| */
} means;

static means mean_of(bench *b, const double *p) {
  int n = b->code->nodes, blocks = b->code->parts;
  double sum[N] = {0};
  means m = {0};
  sg_expander x = {0};
  for (unsigned long set = 0; set < 1UL << n; set++) {
    const sg_message *order[BENCH_MESSAGES];
    double alpha[N] = {0}, chance = 1, all = 0;
    sg_weights w;
    for (int i = 0; i < n; i++) chance *= set >> i & 1 ? 1 - p[i] : p[i];
    if (bench_decode(b, set, 0, &w, order) == SG_OK)
      for (int i = 0; i < w.count; i++)
        assert_true(sg_expand(&x, b->code, b->state, order[i], w.w[i], alpha));
    for (int j = 0; j < blocks; j++) {
      m.error += chance * (alpha[j] - 1) * (alpha[j] - 1) / blocks;
      sum[j] += chance * alpha[j];
      all += alpha[j];
    }
    m.variance += chance * (all - blocks) * (all - blocks);
  }
  sg_expander_free(&x);
  for (int j = 0; j < blocks; j++) m.off = fmax(m.off, fabs(sum[j] - 1));
  return m;
}

static void variances(void **state) {
  (void)state;
  static const struct {
    const char *placement;
    double variance, copies;
  } cases[] = {{"chain", 13.000232, 1.9}, {"shared", 13.000232, 1.9}, {"none", 37.116629, 1}};
  double p[N], error[3];
  fill(p);
  for (int k = 0; k < 3; k++) {
    bench b;
    bench_open_named(&b, osgc(cases[k].placement, N, p), N, 1);
    means m = mean_of(&b, p);
    near(b.label, m.variance, cases[k].variance, 5e-7);
    near(b.label, m.off, 0, 1e-12);
    near(b.label, own_error(&b, p, 0), m.error, 1e-12);
    near(b.label, b.code->stored, cases[k].copies, 1e-12);
    assert_true(b.code->load <= 2);
    char digits[32];
    snprintf(digits, sizeof digits, "%.8g", cases[k].variance);
    assert_non_null(strstr(b.code->note, digits));
    /* Where they straggle otherwise than was thought, too. */
    double q[N];
    for (int i = 0; i < N; i++) q[i] = p[i] * p[i];
    error[k] = m.error;
    m = mean_of(&b, q);
    near(b.label, own_error(&b, q, 0), m.error, 1e-12);
    bench_close_named(&b);
  }
  assert_true(error[0] < error[2] && error[2] < error[1]); /* gradients that are not alike */
}

/* Random probabilities, some workers alike, some that are never late. */
static void any_probabilities(void **state) {
  (void)state;
  sg_stream s;
  sg_stream_at(&s, 7, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int k = 0; k < 60; k++) {
    int n = 1 + k % 8, sure = 0;
    double p[N], all = 0, uncoded = 0;
    for (int i = 0; i < n; i++) {
      p[i] = k % 3 == 0 && i % 2 ? .25 : .02 + .9 * sg_uniform(&s);
      if (k % 5 == 4 && i == 0) p[i] = 0;
      sure += p[i] == 0;
      all += (1 - p[i]) / p[i];
      uncoded += p[i] / (1 - p[i]);
    }
    for (int placement = 0; placement < 3; placement++) {
      static const char *const names[] = {"chain", "shared", "none"};
      bench b;
      bench_open_named(&b, osgc(names[placement], n, p), n, 1);
      means m = mean_of(&b, p);
      double least = sure ? 0 : (double)n * n / all;
      near(b.label, m.off, 0, 1e-10);
      near(b.label, m.variance, placement == 2 ? uncoded : least, 1e-9 * (1 + uncoded));
      bench_close_named(&b);
    }
  }
}

/* With equal probabilities nothing is shared: row by row the uncoded scheme. */
static void equal_probabilities(void **state) {
  (void)state;
  double p[6] = {.3, .3, .3, .3, .3, .3};
  for (int k = 0; k < 2; k++) {
    bench b[2];
    bench_open_named(&b[0], osgc(k ? "chain" : "shared", 6, p), 6, 1);
    bench_open_named(&b[1], osgc("none", 6, p), 6, 1);
    near(b[0].label, b[0].code->stored, 1, 1e-12);
    for (int i = 0; i < 6; i++) {
      double row[2][N] = {{0}};
      sg_expander x = {0};
      int own = -1;
      for (int j = 0; j < 2; j++)
        assert_true(sg_expand(&x, b[j].code, b[j].state, &b[j].message[i], 1, row[j]));
      sg_expander_free(&x);
      for (int j = 0; j < 6; j++)
        if (row[0][j] != 0) {
          assert_true(own < 0 && row[0][j] == 1);
          own = j;
        }
      assert_true(own >= 0 && row[1][i] == 1);
    }
    near(b[0].label, mean_of(&b[0], p).error, mean_of(&b[1], p).error, 1e-14);
    near(b[0].label, mean_of(&b[0], p).error, .3 / .7, 1e-12);
    for (int j = 0; j < 2; j++) bench_close_named(&b[j]);
  }
}

static void refusals(void **state) {
  (void)state;
  bench_refused(bench_values("osgc", "straggling", ".1,.2", NULL), 3, "/schemes/0/straggling",
                "expected a probability for each of 3 workers, found 2");
  sg_values *v = bench_values("osgc", NULL);
  sg_error e = {0};
  assert_int_equal(sg_values_parse(v, "straggling", ".1,1", &e), SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "< 1"));
  sg_error_clear(&e);
  sg_values_free(v);
}

/* --- Bits --------------------------------------------------------------------------------------
 */

static double brute(int n, const double *p, double variance, int budget) {
  if (n == 0) return budget == 0 ? 0 : -INFINITY;
  double best = -INFINITY;
  for (int b = 0; b <= budget && b <= SG_MOST_BITS; b++) {
    double d = pow(2, b) - 1, own = b ? (1 - *p) / (variance / (d * d) + *p) : 0;
    best = fmax(best, own + brute(n - 1, p + 1, variance, budget - b));
  }
  return best;
}

static void bits_are_shared_out(void **state) {
  (void)state;
  double p[N], worth, equal = 0;
  int bits[N], wanted[N] = {0, 0, 2, 2, 2, 2, 3, 3, 3, 3};
  fill(p);
  assert_int_equal(sg_share_bits(N, p, 1, 20, bits, &worth), SG_OK);
  assert_memory_equal(bits, wanted, sizeof bits);
  near("worth", worth, 6.904467, 5e-7);
  for (int i = 0; i < N; i++) equal += sg_worth_of_bits(p[i], 1, 2);
  near("equal bits", equal, 6.227705, 5e-7);
  sg_stream s;
  sg_stream_at(&s, 8, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int k = 0; k < 200; k++) {
    int n = 1 + k % 4, budget = (int)(14 * sg_uniform(&s)), sum = 0;
    double variance = .01 + 10 * sg_uniform(&s), check = 0;
    for (int i = 0; i < n; i++) p[i] = .01 + .98 * sg_uniform(&s);
    assert_int_equal(sg_share_bits(n, p, variance, budget, bits, &worth), SG_OK);
    for (int i = 0; i < n; i++) {
      assert_in_range(bits[i], 0, SG_MOST_BITS);
      sum += bits[i];
      check += sg_worth_of_bits(p[i], variance, bits[i]);
    }
    assert_int_equal(sum, budget);
    near("worth", worth, check, 1e-12);
    near("worth", worth, brute(n, p, variance, budget), 1e-12);
  }
  /* More than there is room for. */
  assert_int_equal(sg_share_bits(2, p, 1, 1000, bits, &worth), SG_OK);
  assert_int_equal(bits[0] + bits[1], 2 * SG_MOST_BITS);
}

/* Workers without bits have no data; the others have all of it. Messages' own errors added, the
 * variance is blocks²/Σ f. */
static void quantised_codes(void **state) {
  (void)state;
  static const char *const placements[] = {"chain", "shared"};
  double p[N];
  fill(p);
  for (int k = 0; k < 2; k++) {
    bench b;
    sg_values *v = osgc(placements[k], N, p);
    assert_int_equal(sg_values_parse(v, "bits", "2", NULL), SG_OK);
    bench_open_named(&b, v, N, 1);
    assert_int_equal(b.code->parts, 8);
    assert_non_null(
        strstr(b.code->note, "worth 6.904467 (all equal: 6.227705): 0 0 2 2 2 2 3 3 3 3"));
    means m = mean_of(&b, p);
    near(b.label, m.off, 0, 1e-12);
    double own = 0, sums[N] = {0};
    sg_row row = {0};
    for (int i = 0; i < N; i++) {
      static const int bits[N] = {0, 0, 2, 2, 2, 2, 3, 3, 3, 3};
      assert_true(sg_encode(b.code, b.state, &b.message[i], &row));
      assert_int_equal(row.n_terms > 0, bits[i] > 0);
      for (int t = 0; t < row.n_terms; t++) sums[i] += row.term[t].coef;
      double levels = pow(2, bits[i]) - 1;
      if (bits[i]) own += sums[i] * sums[i] / (levels * levels) / (1 - p[i]);
    }
    sg_row_free(&row);
    near(b.label, m.variance + own, 64 / 6.904467, 1e-5);
    bench_close_named(&b);
  }
}

static sg_compressor compressor_of(const char *name, const char *text, const char *other,
                                   const char *value) {
  sg_compressor c;
  sg_error e = {0};
  sg_values *v =
      sg_values_new(NULL, sg_family_find(&sg_compressor_family, "worker-bits"), "/network");
  assert_int_equal(sg_values_parse(v, name, text, &e), SG_OK);
  if (other) assert_int_equal(sg_values_parse(v, other, value, &e), SG_OK);
  if (sg_compressor_init(&c, v, &e)) fail_msg("%s", e.fault[0].message);
  sg_values_free(v);
  return c;
}

/* Numbers of 2^b places, the bits that were counted, no bias, and Σ Δ² f (1 − f). */
static void the_compressor(void **state) {
  (void)state;
  enum { LENGTH = 7, DRAWS = 20000 };
  static const double x[LENGTH] = {.3, -1.7, 0, 1.2, -.01, 1.7, 2};
  sg_compressor c = compressor_of("worker_bits", "0,1,3,15", NULL, NULL);
  sg_packed packed = {0};
  assert_false(sg_compressor_fixed(&c));
  for (int worker = 0; worker < 8; worker++) {
    static const int own[] = {0, 1, 3, 15};
    int b = own[worker % 4];
    double step = b ? 4 / (pow(2, b) - 1) : 0, sum[LENGTH] = {0}, error = 0, error2 = 0, exact = 0;
    packed.worker = worker;
    for (int r = 0; r < DRAWS; r++) {
      double y[LENGTH], bits, square = 0;
      sg_dither d;
      sg_dither_at(&d, 1, (uint32_t)r, worker, 0, 0, 0);
      memcpy(y, x, sizeof y);
      assert_int_equal(sg_compress(&c, &packed, &d, LENGTH, y, NULL, &bits), SG_OK);
      assert_true(bits == (b ? 64 + LENGTH * b : 0));
      for (int i = 0; i < LENGTH; i++) {
        if (!b) assert_true(y[i] == 0);
        double place = b ? (y[i] + 2) / step : 0;
        near("a place", place, nearbyint(place), 1e-9);
        assert_true(!b || fabs(y[i] - x[i]) <= step * (1 + 1e-9));
        sum[i] += y[i] - x[i];
        square += (y[i] - x[i]) * (y[i] - x[i]);
      }
      error += square / DRAWS;
      error2 += square * square / DRAWS;
    }
    for (int i = 0; b && i < LENGTH; i++) {
      double f = (x[i] + 2) / step - floor((x[i] + 2) / step);
      exact += step * step * f * (1 - f);
      near("the mean", sum[i] / DRAWS, 0, 5 * step * sqrt(f * (1 - f) / DRAWS) + 1e-12);
    }
    if (b) near("the error", error, exact, 4 * sqrt((error2 - error * error) / DRAWS) + 1e-12);
  }
  sg_packed_free(&packed);
}

static void its_members(void **state) {
  (void)state;
  double p[N];
  char list[400];
  int at = 0;
  fill(p);
  for (int i = 0; i < N; i++)
    at += snprintf(list + at, sizeof list - (size_t)at, i ? ",%.17g" : "%.17g", p[i]);
  sg_compressor c = compressor_of("bits", "2", "straggling", list);
  sg_packed packed = {0};
  static const int wanted[N] = {0, 0, 2, 2, 2, 2, 3, 3, 3, 3};
  for (int worker = 0; worker < 2 * N; worker++) {
    double x[100] = {1}, bits;
    sg_dither d;
    packed.worker = worker;
    sg_dither_at(&d, 1, 0, worker, 0, 0, 0);
    assert_int_equal(sg_compress(&c, &packed, &d, 100, x, NULL, &bits), SG_OK);
    assert_true(bits == (wanted[worker % N] ? 64 + 100 * wanted[worker % N] : 0));
  }
  sg_packed_free(&packed);
  c = compressor_of("bits", "5", NULL, NULL);
  assert_true(sg_compressor_fixed(&c) && sg_compressor_bits(&c, 10) == 64 + 50);
  static const char *const wrong[][3] = {{"worker_bits", "0,0", "expected a worker that has bits"},
                                         {"worker_bits", "3,2", "found both"}};
  for (int k = 0; k < 2; k++) {
    sg_error e = {0};
    sg_values *v =
        sg_values_new(NULL, sg_family_find(&sg_compressor_family, "worker-bits"), "/network");
    assert_int_equal(sg_values_parse(v, wrong[k][0], wrong[k][1], &e), SG_OK);
    if (k) assert_int_equal(sg_values_parse(v, "straggling", ".1", &e), SG_OK);
    assert_int_equal(sg_compressor_init(&c, v, &e), SG_INVALID);
    assert_non_null(strstr(e.fault[0].message, wrong[k][2]));
    sg_error_clear(&e);
    sg_values_free(v);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(variances),           cmocka_unit_test(any_probabilities),
      cmocka_unit_test(equal_probabilities), cmocka_unit_test(refusals),
      cmocka_unit_test(bits_are_shared_out), cmocka_unit_test(quantised_codes),
      cmocka_unit_test(the_compressor),      cmocka_unit_test(its_members),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
