/* SPDX-License-Identifier: MIT */
/* Published and derived numbers of single codes; what the framework does for all of them. */
#include "codes/frame/code.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static double deviation(bench *b, const sg_weights *w) {
  return bench_deviation(b->code, b->state, 0, w, b->order);
}

/* --- Numbers of single schemes ---------------------------------------------------------------- */

static double choose(int n, int k) {
  double c = 1;
  for (int i = 1; i <= k; i++) c = c * (n - k + i) / i;
  return c;
}

/* P(R* ≤ f): the share of f-subsets that can be decoded. */
static void response_law(bench *b, double *law) {
  int n = b->code->nodes;
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  for (int f = 0; f <= n; f++) law[f] = 0;
  for (unsigned long present = 0; present < 1UL << n; present++)
    if (bench_decode(b, present, 0, &w, order) == SG_OK) law[__builtin_popcountl(present)]++;
  for (int f = 0; f <= n; f++) law[f] /= choose(n, f);
}

static void check_law(sg_values *values, int n, double mean, int first, int count,
                      const double *expected) {
  bench b;
  double law[BENCH_MOST], sum = 0;
  bench_open_named(&b, values, n, 1);
  response_law(&b, law);
  for (int f = 0; f < n; f++) sum += 1 - law[f];
  assert_true(fabs(sum - mean) < 5e-5);
  for (int i = 0; i < count; i++) assert_true(fabs(law[first + i] - expected[i]) < 5e-5);
  bench_close_named(&b);
}

static void group_response_counts_follow_their_laws(void **state) {
  (void)state;
  static const struct {
    int n;
    const char *d, *m;
    double mean;
  } cell[] = {{8, "4", "1", 2.6},     {8, "4", "2", 4.6286},  {8, "4", "3", 6.4286},
              {12, "3", "2", 9.5273}, {12, "4", "1", 4.4667}, {12, "4", "2", 7.4753},
              {12, "4", "3", 9.9818}, {12, "6", "3", 6.8701}};
  static const char *const linear[] = {"harmonic", "gaussian"};
  for (size_t i = 0; i < sizeof cell / sizeof *cell; i++)
    for (int k = 0; k < 2; k++)
      check_law(bench_values("group", "d", cell[i].d, "m", cell[i].m, "stop", "decodable",
                             "linear_code", linear[k], NULL),
                cell[i].n, cell[i].mean, 0, 0, NULL);
  static const double small[] = {.5143, .8571, 1}, large[] = {.2338, .5455, .8, .9455, 1};
  check_law(bench_values("group", "d", "4", "m", "2", "stop", "decodable", NULL), 8, 4.6286, 4, 3,
            small);
  check_law(bench_values("group", "d", "4", "m", "2", "stop", "decodable", NULL), 12, 7.4753, 6, 5,
            large);
  check_law(bench_values("fractional-repetition", "s", "3", NULL), 8, 2.6, 0, 0, NULL);
}

/* With a maximum-distance-separable inner code what is promised is exactly what can be decoded,
 * whatever the stop policy: that says when the master stops, not what it can do. */
static void group_promises_are_tight(void **state) {
  (void)state;
  static const char *const stops[] = {"decodable", "count"};
  for (int k = 0; k < 2; k++) {
    bench b;
    const sg_message *order[BENCH_MESSAGES];
    sg_weights w;
    long promised = 0, decodable = 0;
    bench_open_named(&b, bench_values("group", "d", "4", "m", "2", "stop", stops[k], NULL), 8, 1);
    for (unsigned long present = 0; present < 256; present++) {
      promised += bench_is_promised(&b, present);
      decodable += bench_decode(&b, present, 0, &w, order) == SG_OK;
    }
    assert_int_equal(decodable, 11 * 11); /* 6 + 4 + 1 sets of at least 2 of 4 in each group */
    assert_int_equal(promised, 11 * 11);
    bench_close_named(&b);
  }
}

/* Ratio of extreme singular values of the rows of some workers of a one-group code. */
static double condition(bench *b, unsigned long present) {
  double a[BENCH_MOST * BENCH_MOST] = {0}, sigma[BENCH_MOST];
  int m = b->code->segment[0].pieces, count = 0;
  sg_expander expander = {0};
  for (int i = 0; i < b->code->nodes; i++)
    if (present >> i & 1)
      assert_true(sg_expand(&expander, b->code, b->state, &b->message[i], 1, a + m * count++));
  sg_expander_free(&expander);
  assert_int_equal(sg_singular_values(m, count, a, m, sigma), SG_OK);
  return sigma[0] / sigma[m - 1];
}

static double worst_condition(int d, int m) {
  char d_text[12], m_text[12];
  double worst = 0;
  bench b;
  snprintf(d_text, sizeof d_text, "%d", d);
  snprintf(m_text, sizeof m_text, "%d", m);
  bench_open_named(&b, bench_values("group", "d", d_text, "m", m_text, "stop", "count", NULL), d,
                   1);
  assert_true(fabs(condition(&b, (1UL << d) - 1) - 1) < 1e-12); /* a tight frame */
  for (unsigned long f = 0; f < 1UL << d; f++)
    if (__builtin_popcountl(f) == m) worst = fmax(worst, condition(&b, f));
  bench_close_named(&b);
  return worst;
}

static void harmonic_conditions_equal_their_closed_forms(void **state) {
  (void)state;
  for (int d = 3; d <= 12; d++) {
    assert_true(fabs(worst_condition(d, 2) * tan(M_PI / (2 * d)) - 1) < 1e-10);
    assert_true(fabs(worst_condition(d, d - 1) / sqrt(d) - 1) < 1e-10);
  }
  /* theory: inner-conditions. */
  assert_true(fabs(worst_condition(6, 3) - 5.83) < 5e-3);
  assert_true(fabs(worst_condition(6, 4) - 4.73) < 5e-3);
  assert_true(fabs(worst_condition(8, 4) - 15.3) < 5e-2);
  assert_true(fabs(worst_condition(8, 6) - 7.25) < 5e-3);
  assert_true(fabs(worst_condition(10, 5) - 42) < .5);
}

/* The largest error of a decoded gradient, relative to its largest coordinate, over sampled
 * patterns with gradients of N(0, 1)-like numbers. Really encodes and decodes. */
static double decode_error(bench *b, int patterns) {
  enum { WIDTH = 4 };
  static double g[BENCH_MOST][BENCH_MOST * WIDTH], f[BENCH_MESSAGES][WIDTH];
  const sg_code *code = b->code;
  const sg_message *order[BENCH_MESSAGES];
  int m = code->segment[0].pieces, n = code->nodes;
  sg_stream s;
  sg_stream_at(&s, 2, 0, SG_FOR_CHECK, 0, 0, 0);
  double worst = 0, exact[BENCH_MOST * WIDTH] = {0}, size = 0;
  for (int p = 0; p < code->parts; p++)
    for (int j = 0; j < m * WIDTH; j++) {
      g[p][j] = 3.46 * (sg_uniform(&s) - .5);
      exact[j] += g[p][j];
    }
  for (int j = 0; j < m * WIDTH; j++) size = fmax(size, fabs(exact[j]));
  for (int t = 0; t < patterns; t++) {
    sg_weights w;
    assert_int_equal(bench_decode(b, bench_sample(&s, n, code->promised), 0, &w, order), SG_OK);
    memset(f, 0, sizeof f);
    for (int i = 0; i < w.count; i++) {
      const sg_row *row = sg_decoder_row(b->decoder, i);
      for (int k = 0; k < row->n_terms; k++)
        for (int j = 0; j < WIDTH; j++)
          f[i][j] += row->term[k].coef * g[row->term[k].part][row->term[k].piece * WIDTH + j];
    }
    for (int v = 0; v < m; v++)
      for (int j = 0; j < WIDTH; j++) {
        double sum = 0;
        for (int i = 0; i < w.count; i++) sum += w.w[i * m + v] * f[i][j];
        worst = fmax(worst, fabs(sum - exact[v * WIDTH + j]) / size);
      }
  }
  return worst;
}

static double ye_abbe_error(int n, const char *d, const char *m, const char *construction) {
  bench b;
  bench_open_named(&b, bench_values("ye-abbe", "d", d, "m", m, "construction", construction, NULL),
                   n, 1);
  double error = decode_error(&b, 300);
  bench_close_named(&b);
  return error;
}

/* theory: ye-abbe-errors. The polynomial construction has to fail. */
static void polynomial_ye_abbe_loses_accuracy(void **state) {
  (void)state;
  assert_true(ye_abbe_error(8, "4", "2", "polynomial") < 1e-11);
  assert_true(ye_abbe_error(10, "5", "2", "polynomial") < 1e-10);
  double at_15 = ye_abbe_error(15, "7", "3", "polynomial");  /* 1.9e-9 there */
  double at_18 = ye_abbe_error(18, "9", "4", "polynomial");  /* 2.5e-6 */
  double at_20 = ye_abbe_error(20, "10", "5", "polynomial"); /* 4.8e-4 */
  double at_24 = ye_abbe_error(24, "12", "6", "polynomial"); /* 2.1 */
  assert_true(at_15 > 1e-11 && at_15 < 1e-7);
  assert_true(at_18 > 1e-8 && at_18 < 1e-4);
  assert_true(at_20 > 1e-6 && at_20 < 1e-1);
  assert_true(at_24 > 1e-3);
  assert_true(ye_abbe_error(20, "10", "5", "random") < 1e-9);
  assert_true(ye_abbe_error(24, "12", "6", "random") < 1e-9);
  assert_true(ye_abbe_error(30, "15", "7", "random") < 1e-9);
}

/* On the same (d, s, m), over a grid with d ≤ 12: the group code's worst error is no larger than
 * that of any construction of Ye and Abbe's, unless both are a few roundings. */
static void groups_are_as_accurate_as_ye_abbe(void **state) {
  (void)state;
  static const int sizes[] = {2, 4, 8, 10, 12, 20};
  static const char *const constructions[] = {"polynomial", "random"};
  int compared = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int d = 1; d <= sizes[i]; d++) {
      if (sizes[i] % d != 0 || d > 12) continue;
      for (int m = 1; m <= d; m++) {
        char d_text[12], m_text[12];
        bench b;
        if (d > 6 && m > 2 && m < d - 1 && m != d / 2) continue;
        snprintf(d_text, sizeof d_text, "%d", d);
        snprintf(m_text, sizeof m_text, "%d", m);
        bench_open_named(&b, bench_values("group", "d", d_text, "m", m_text, "stop", "count", NULL),
                         sizes[i], 1);
        double group = decode_error(&b, 50);
        bench_close_named(&b);
        for (int k = 0; k < 2; k++) {
          bench_open_named(&b,
                           bench_values("ye-abbe", "d", d_text, "m", m_text, "construction",
                                        constructions[k], NULL),
                           sizes[i], 1);
          double other = decode_error(&b, 50);
          bench_close_named(&b);
          if (group > other && group > 1e-15)
            fail_msg("n = %d, d = %d, m = %d: group %g, ye-abbe %s %g", sizes[i], d, m, group,
                     constructions[k], other);
          compared++;
        }
      }
    }
  assert_true(compared >= 60);
}

static void ignoring_stragglers_says_what_it_loses(void **state) {
  (void)state;
  bench b;
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  bench_open_named(&b, bench_values("ignore-stragglers", "s", "3", NULL), 10, 1);
  assert_false(b.code->exact);
  assert_int_equal(bench_decode(&b, 0x3f8, 0, &w, order), SG_OK);
  assert_true(fabs(w.info.alpha_error - 10.0 * 3 / 7) < 1e-12);
  assert_int_equal(bench_decode(&b, 0x3f0, 0, &w, order), SG_UNDECODABLE);
  bench_close_named(&b);
}

static void additions_only_where_promised(void **state) {
  (void)state;
  sg_values *list[] = {
      bench_values("uncoded", NULL), bench_values("fractional-repetition", "s", "3", NULL),
      bench_values("group", "d", "4", "linear_code", "repetition", "stop", "decodable", NULL),
      bench_values("group", "d", "4", "linear_code", "single-parity", "stop", "decodable", NULL)};
  for (size_t k = 0; k < 4; k++) {
    bench b;
    const sg_message *order[BENCH_MESSAGES];
    sg_weights w;
    bench_open_named(&b, list[k], 8, 1);
    for (int late = 0; late < 8; late += 3) {
      unsigned long present = b.code->promised ? 0xffUL & ~(1UL << late) : 0xff;
      assert_int_equal(bench_decode(&b, present, 0, &w, order), SG_OK);
      assert_true(w.info.cond1 == 1 && w.info.flops == 0);
      for (int i = 0; i < w.count * w.pieces; i++) assert_true(w.w[i] == 0 || fabs(w.w[i]) == 1);
      assert_true(deviation(&b, &w) == 0);
    }
    bench_close_named(&b);
  }
}

static void assert_refused(sg_values *values, int n, const char *place, const char *message) {
  bench b;
  sg_error e = {0};
  assert_int_equal(bench_open(&b, values, n, 1, &e), SG_INVALID);
  assert_int_equal(e.count, 1);
  assert_string_equal(e.fault[0].place, place);
  assert_string_equal(e.fault[0].message, message);
  sg_error_clear(&e);
  sg_values_free(values);
}

/* --- Other exact codes ------------------------------------------------------------------------ */

/* The largest error of the weights over all patterns of at most s stragglers. */
static double worst_deviation(bench *b) {
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  double worst = 0;
  int n = b->code->nodes;
  for (unsigned long present = 0; present < 1UL << n; present++) {
    if (__builtin_popcountl(present) < n - b->code->promised) continue;
    assert_int_equal(bench_decode(b, present, 0, &w, order), SG_OK);
    worst = fmax(worst, deviation(b, &w));
  }
  return worst;
}

/* theory: full-length-errors. |a| |B_F|₂ / √n of the cyclic MDS code is worst for contiguous
 * bursts; that of Reed–Solomon codes with a spread mask stays far below. */
static double burst_bound(sg_values *values, int n, int s) {
  static double rows[2 * BENCH_MOST * BENCH_MOST];
  double worst = 0, sigma[2 * BENCH_MOST];
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  bench b;
  bench_open_named(&b, values, n, 1);
  for (int first = 0; first < n; first++) {
    unsigned long present = (1UL << n) - 1;
    for (int i = 0; i < s; i++) present &= ~(1UL << (first + i) % n);
    assert_int_equal(bench_decode(&b, present, 0, &w, order), SG_OK);
    memset(rows, 0, sizeof rows);
    sg_expander expander = {0};
    for (int i = 0; i < w.count; i++)
      assert_true(sg_expand(&expander, b.code, b.state, order[i], 1, rows + i * n));
    sg_expander_free(&expander);
    assert_int_equal(sg_singular_values(n, w.count, rows, n, sigma), SG_OK);
    double square = 0;
    for (int i = 0; i < w.count; i++) square += w.w[i] * w.w[i];
    worst = fmax(worst, sqrt(square / n) * sigma[0]);
    assert_true(w.info.amplification <= worst * (1 + 1e-12)); /* |row| ≤ |B_F|₂ */
  }
  bench_close_named(&b);
  return worst;
}

static void weights_stay_as_small_as_theory_says(void **state) {
  (void)state;
  static const struct {
    int n;
    const char *s;
    double least, most;
  } cell[] = {{10, "1", 1.35, 1.45},  {10, "3", 10.5, 11.5}, {20, "3", 48.5, 49.5},
              {20, "5", 450, 550},    {30, "5", 2500, 3500}, {50, "5", 1.5e4, 2.5e4},
              {50, "9", .95e7, 1.5e7}};
  for (size_t i = 0; i < sizeof cell / sizeof *cell; i++) {
    int n = cell[i].n, s = atoi(cell[i].s);
    double x = burst_bound(bench_values("cyclic-mds", "s", cell[i].s, NULL), n, s);
    assert_true(x >= cell[i].least && x <= cell[i].most);
    double y = burst_bound(
        bench_values("reed-solomon", "s", cell[i].s, "nodes", "roots-of-unity", NULL), n, s);
    assert_true(y <= fmax(2, x / 2));
  }
}

/* The example of theory: reed-solomon; roots of unity, cyclic mask, n = 12, d = 4. Its rows are
 * those here times n, its weights those here over n. */
static void reed_solomon_has_its_reference_numbers(void **state) {
  (void)state;
  bench b;
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  double coef = 0, weight = 0;
  sg_row row[2];
  memset(row, 0, sizeof row);
  bench_open_named(
      &b, bench_values("reed-solomon", "s", "3", "nodes", "roots-of-unity", "mask", "cyclic", NULL),
      12, 1);
  assert_int_equal(b.messages, 24);
  for (int i = 0; i < b.messages; i += 2) {
    for (int k = 0; k < 2; k++) {
      sg_encode(b.code, b.state, &b.message[i + k], &row[k]);
    }
    for (int t = 0; t < row[0].n_terms; t++) {
      double imaginary = 0; /* purely real coefficients have no term in the second row */
      for (int k = 0; k < row[1].n_terms; k++)
        if (row[1].term[k].part == row[0].term[t].part) imaginary = row[1].term[k].coef;
      coef = fmax(coef, 12 * hypot(row[0].term[t].coef, imaginary));
    }
  }
  for (unsigned long present = 0; present < 4096; present++) {
    if (__builtin_popcountl(present) != 9) continue;
    assert_int_equal(bench_decode(&b, present, 0, &w, order), SG_OK);
    assert_true(deviation(&b, &w) < 4e-14); /* 3e-14 there */
    for (int i = 0; i < w.count; i += 2) weight = fmax(weight, hypot(w.w[i], w.w[i + 1]) / 12);
  }
  assert_true(fabs(weight - .62) < 5e-3);
  assert_true(fabs(coef - 44.8) < 5e-2);
  sg_row_free(&row[0]);
  sg_row_free(&row[1]);
  bench_close_named(&b);
}

/* Loads are those of a balanced mask, also for k other than n. */
static void reed_solomon_masks_are_balanced(void **state) {
  (void)state;
  for (int n = 2; n <= 13; n++)
    for (int s = 0; s < n; s++)
      for (int k = 1; k <= 2 * n + 1; k++)
        for (int mask = 0; mask < 2; mask++) {
          bench b;
          char s_text[12], k_text[12];
          double least = INFINITY, most = 0;
          snprintf(s_text, sizeof s_text, "%d", s);
          snprintf(k_text, sizeof k_text, "%d", k);
          bench_open_named(&b,
                           bench_values("reed-solomon", "s", s_text, "parts", k_text, "mask",
                                        mask ? "cyclic" : "spread", NULL),
                           n, 1);
          for (int i = 0; i < n; i++) {
            least = fmin(least, b.code->work[i] * k / n);
            most = fmax(most, b.code->work[i] * k / n);
          }
          assert_true(fabs(most - ceil((double)k * (s + 1) / n)) < 1e-9);
          assert_true(fabs(least - floor((double)k * (s + 1) / n)) < 1e-9);
          assert_true(fabs(b.code->stored - (s + 1)) < 1e-9);
          bench_close_named(&b);
        }
}

static void cyclic_mds_is_normalised_and_has_its_fallbacks(void **state) {
  (void)state;
  bench b;
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  for (int s = 1; s < 12; s += 2) {
    char text[12];
    sg_row row = {0};
    snprintf(text, sizeof text, "%d", s);
    bench_open_named(&b, bench_values("cyclic-mds", "s", text, NULL), 12, 1);
    assert_true(b.code->promised == s && b.code->load == s + 1);
    assert_int_equal(bench_decode(&b, 0xfff, 0, &w, order), SG_OK);
    for (int i = 0; i < 12; i++) assert_true(w.w[i] == 1);
    sg_encode(b.code, b.state, &b.message[0], &row);
    for (int t = 0; t < row.n_terms; t++) assert_true(fabs(row.term[t].coef) <= .5 + 1e-12);
    assert_true(worst_deviation(&b) < 1e-12);
    sg_row_free(&row);
    bench_close_named(&b);
  }
  bench_open_named(&b, bench_values("cyclic-mds", "s", "2", NULL), 12, 1);
  assert_true(b.code->promised == 3 && b.code->load == 4 && b.code->segment[0].need == 9);
  bench_close_named(&b);
  bench_open_named(&b, bench_values("cyclic-mds", "s", "2", "even", "negacyclic", NULL), 12, 1);
  assert_true(b.code->promised == 2 && b.code->load == 3);
  assert_true(worst_deviation(&b) < 1e-12);
  bench_close_named(&b);
}

static void loads_follow_speeds(void **state) {
  (void)state;
  static const double speed[] = {1, 3, 1, 2.5, 4, 1, 2, .5}; /* sum 15 */
  sg_shape shape = {
      .workers = 8, .subsets = 24, .length = BENCH_LENGTH, .speed = speed, .seed = 1, .updates = 1};
  for (int s = 0; s <= 2; s++) {
    bench b;
    char text[12];
    snprintf(text, sizeof text, "%d", s);
    assert_int_equal(
        bench_open_shaped(&b, bench_values("heterogeneous", "s", text, NULL), &shape, NULL), SG_OK);
    bench_check_rows(&b);
    for (int i = 0; i < 8; i++)
      assert_true(fabs(b.code->work[i] - 24.0 * (s + 1) * speed[i] / 15) < 1e-9);
    assert_true(worst_deviation(&b) < 1e-11);
    bench_close_named(&b);
  }
  bench b;
  sg_error e = {0};
  sg_values *values = bench_values("heterogeneous", "s", "3", NULL);
  assert_int_equal(bench_open_shaped(&b, values, &shape, &e), SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "s from 0 to 2: worker 4 of speed 4"));
  sg_error_clear(&e);
  sg_values_free(values);
  /* As many parts by their speed as can be; nobody waits long for a slow worker. */
  values = bench_values("arbitrary-placement", "s", "1", "m", "2", "placement", "by-speed", "parts",
                        "30", NULL);
  assert_int_equal(bench_open_shaped(&b, values, &shape, NULL), SG_OK);
  bench_check_rows(&b);
  assert_true(worst_deviation(&b) < 1e-11);
  for (int i = 0; i < 8; i++) {
    double parts = b.code->work[i] * 30 / 24, share = 90 * speed[i] / 15;
    assert_true(parts >= share - 2 && parts <= share + 2);
  }
  bench_close_named(&b);
}

/* The example of theory: nulling; n = 9, k = 7, s = 2, m = 2, replication from 4 to 6. */
static void any_placement_will_do(void **state) {
  (void)state;
  static const char *const names[] = {"cyclic", "random"};
  for (int k = 0; k < 2; k++) {
    bench b;
    bench_open_named(&b,
                     bench_values("arbitrary-placement", "s", "2", "parts", "7", "replication", "4",
                                  "replication_max", "6", "placement", names[k], NULL),
                     9, 1);
    assert_true(b.code->reduction == 2 && b.code->promised == 2 && b.code->parts == 7);
    assert_true(b.code->stored > 4 && b.code->stored < 6);
    bench_check_rows(&b);
    assert_true(worst_deviation(&b) < 1e-12);
    bench_close_named(&b);
  }
  /* The same from a file: worker i holds part j unless i + j is a multiple of 3. */
  char path[] = "/tmp/straggle-placement-XXXXXX";
  int file = mkstemp(path);
  assert_true(file >= 0);
  FILE *f = fdopen(file, "w");
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 5; j++) fprintf(f, "%d%c", (i + j) % 3 != 0, j < 4 ? ',' : '\n');
  fclose(f);
  bench b;
  bench_open_named(
      &b,
      bench_values("arbitrary-placement", "s", "1", "placement", "matrix", "matrix", path, NULL), 6,
      1);
  assert_true(b.code->parts == 5 && b.code->reduction == 3); /* r = 4 */
  bench_check_rows(&b);
  assert_true(worst_deviation(&b) < 1e-12);
  sg_row row = {0};
  sg_encode(b.code, b.state, &b.message[1], &row);
  for (int t = 0; t < row.n_terms; t++) assert_true((1 + row.term[t].part) % 3 != 0);
  sg_row_free(&row);
  bench_close_named(&b);
  assert_refused(
      bench_values("arbitrary-placement", "s", "1", "placement", "matrix", "matrix", path, NULL), 7,
      "/schemes/0/matrix", "expected a row for each of n = 7 workers, found 6");
  unlink(path);
}

/* First messages of everyone and second messages of `second`. */
static sg_status decode_stages(bench *b, unsigned long first, unsigned long second, sg_weights *w) {
  const sg_message **order = b->order;
  int count = 0;
  for (int i = 0; i < b->messages; i++) {
    const sg_message *m = &b->message[i];
    if ((m->tag == 0 ? first : second) >> m->from & 1) order[count++] = m;
  }
  return sg_decoder_weights(b->decoder, b->state, 0, count, order, w, NULL);
}

/* Whether the stop rule says ready, whatever the order of arrival. */
static bool is_ready(bench *b, unsigned long first, unsigned long second) {
  bool ready = false;
  memset(b->state, 0, b->code->round_size);
  for (int i = b->messages - 1; i >= 0; i--) {
    const sg_message *m = &b->message[i];
    if (!((m->tag == 0 ? first : second) >> m->from & 1)) continue;
    ready |= b->code->type->arrive(b->code, b->state, m, NULL) == SG_READY;
  }
  return ready;
}

static void partial_codes_need_all_first_messages(void **state) {
  (void)state;
  static const char *const names[] = {"partial-cyclic", "partial-repetition"};
  for (int k = 0; k < 2; k++)
    for (int p = 4; p <= 7; p += 3) { /* s = 2 */
      bench b;
      char text[12];
      sg_weights w;
      snprintf(text, sizeof text, "%d", p);
      bench_open_named(&b, bench_values(names[k], "s", "2", "p", text, NULL), 6, 1);
      assert_true(fabs(b.code->load - (double)p / (p - 2)) < 1e-12);
      assert_true(b.code->promised == 2 && b.code->type->comes);
      for (int i = 0; i < 6; i++) /* first messages hold p − s − 1 of (p − s) n partitions */
        assert_true(fabs(sg_code_edge(b.code, i + 1) - sg_code_edge(b.code, i) -
                         (p - 3.0) / ((p - 2) * 6)) < 1e-12);
      for (unsigned long second = 0; second < 64; second++) {
        bool enough =
            k == 0 ? __builtin_popcountl(second) >= 4 : (second & 7) != 0 && (second & 070) != 0;
        assert_int_equal(decode_stages(&b, 63, second, &w), enough ? SG_OK : SG_UNDECODABLE);
        if (enough) assert_true(deviation(&b, &w) < 1e-11);
        assert_true(is_ready(&b, 63, second) == enough);
        assert_int_equal(decode_stages(&b, 62, second, &w), SG_UNDECODABLE);
        assert_false(is_ready(&b, 62, second));
      }
      bench_close_named(&b);
    }
  /* alpha: the largest p that is still safe; 2 (s + 1) for alpha = 2, load 4/3 for s = 1. */
  bench b;
  bench_open_named(&b, bench_values("partial-cyclic", "s", "1", "alpha", "2", NULL), 6, 1);
  assert_true(fabs(b.code->load - 4.0 / 3) < 1e-12);
  bench_close_named(&b);
  bench_open_named(&b, bench_values("partial-cyclic", "s", "2", "alpha", "1.7", NULL), 6, 1);
  assert_true(fabs(b.code->load - 7.0 / 5) < 1e-12); /* p = 7: 7/4 ≥ 1.7 > 8/5 */
  bench_close_named(&b);
}

/* --- The framework ---------------------------------------------------------------------------- */

/* Tandon et al. (2017), the figure with three workers: B and its decoding rows A. */
static const double figure_b[3][3] = {{.5, 1, 0}, {0, 1, -1}, {.5, 0, 1}};
static const double figure_a[3][3] = {{0, 1, 2}, {1, 0, 1}, {2, -1, 0}};

static sg_status figure_create(sg_code *code, const sg_shape *shape, const sg_values *values,
                               sg_error *e) {
  code->promised = 1;
  code->flags = SG_WEIGHTS_PURE;
  return sg_code_one_segment(code, values, NULL, 1, shape->workers - 1, e);
}

static void figure_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  (void)code;
  for (int p = 0; p < 3; p++) sg_row_part(row, p, 0, figure_b[message->from][p]);
}

static const sg_code_type figure_type = {
    .about = {.name = "figure", .summary = "", .reference = ""},
    .create = figure_create,
    .encode = figure_encode};

static void least_squares_finds_the_published_weights(void **state) {
  (void)state;
  bench b;
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  sg_values *values = sg_values_new(NULL, &figure_type.about, "");
  assert_int_equal(bench_open(&b, values, 3, 1, NULL), SG_OK);
  bench_check_rows(&b);
  assert_true(b.code->load == 2 && b.code->stored == 2);
  for (int late = 0; late < 3; late++) {
    assert_int_equal(bench_decode(&b, 7UL & ~(1UL << late), late, &w, order), SG_OK);
    for (int i = 0; i < 2; i++) assert_true(fabs(w.w[i] - figure_a[late][order[i]->from]) < 1e-14);
    assert_true(w.info.flops > 0 && w.info.cond1 > 1);
  }
  for (int i = 0; i < 3; i++)
    assert_int_equal(bench_decode(&b, 1UL << i, 0, &w, order), SG_UNDECODABLE);
  bench_close_named(&b);
}

static void patterns_are_remembered(void **state) {
  (void)state;
  bench b;
  const sg_message *order[BENCH_MESSAGES];
  sg_weights w;
  long asked, found;
  bench_open_named(&b, bench_values("cyclic-repetition", "s", "2", NULL), 12, 1);
  for (int turn = 0; turn < 4; turn++)
    assert_int_equal(bench_decode(&b, 0xfdb, turn, &w, order), SG_OK);
  sg_decoder_cache_counts(b.decoder, &asked, &found);
  assert_true(asked == 4 && found == 3);
  bench_close_named(&b);
  /* More patterns than there is room for: the oldest go, what is answered stays right. */
  bench_open_named(&b, bench_values("cyclic-repetition", "s", "5", NULL), 16, 1);
  for (int round = 0; round < 2; round++)
    for (unsigned long present = 0; present < 1UL << 16; present++) {
      if (__builtin_popcountl(present) != 11) continue;
      assert_int_equal(bench_decode(&b, present, 0, &w, order), SG_OK);
      if (present % 16 == 3) assert_true(deviation(&b, &w) < 1e-9);
      assert_int_equal(bench_decode(&b, present, 1, &w, order), SG_OK);
    }
  sg_decoder_cache_counts(b.decoder, &asked, &found);
  assert_int_equal(asked, 4 * 4368);
  assert_int_equal(found, 2 * 4368); /* the second of each pair, nothing of the round before */
  bench_close_named(&b);
}

static void assert_label(sg_values *values, const char *expected) {
  char label[64];
  sg_code_label(values, label, sizeof label);
  assert_string_equal(label, expected);
  sg_code_label(values, label, 8); /* cut, not overrun */
  assert_true(strlen(label) < 8);
  sg_values_free(values);
}

static void labels_are_short(void **state) {
  (void)state;
  assert_label(bench_values("uncoded", NULL), "uncoded");
  assert_label(bench_values("group", "d", "4", "m", "2", "linear_code", "harmonic", "stop",
                            "decodable", NULL),
               "group d=4 m=2 harmonic decodable");
  assert_label(bench_values("ye-abbe", "d", "4", "m", "2", "construction", "polynomial", NULL),
               "ye-abbe d=4 m=2 polynomial");
}

static void faults_name_the_rule(void **state) {
  (void)state;
  assert_refused(bench_values("group", "d", "4", "m", "2", "stop", "count", NULL), 10,
                 "/schemes/0/d",
                 "expected d dividing n = 10 (1, 2, 5, 10), or \"groups\": \"uneven\", found 4");
  assert_refused(bench_values("group", "d", "5", "stop", "count", NULL), 10, "/schemes/0/m",
                 "expected m, from 1 to d = 5, found nothing");
  assert_refused(bench_values("fractional-repetition", "s", "2", NULL), 10, "/schemes/0/s",
                 "expected s + 1 dividing n = 10 (s one of 0, 1, 4, 9), found s = 2");
  assert_refused(bench_values("cyclic-repetition", "s", "10", NULL), 10, "/schemes/0/s",
                 "expected s < n = 10 (0 to 9), found 10");
  assert_refused(bench_values("ye-abbe", "d", "4", "m", "2", "s", "3", NULL), 10, "/schemes/0/s",
                 "expected s ≤ d - m = 2 (d ≥ s + m), found 3");
  assert_refused(bench_values("cyclic-mds", "s", "4", "even", "reject", NULL), 10, "/schemes/0/s",
                 "expected n + s odd (s = 3 or 5 with n = 10), found s = 4");
  assert_refused(bench_values("partial-repetition", "s", "2", "p", "5", NULL), 10, "/schemes/0/s",
                 "expected s + 1 dividing n = 10 (s one of 0, 1, 4, 9), found s = 2");
  assert_refused(bench_values("partial-cyclic", "s", "2", "p", "3", NULL), 10, "/schemes/0/p",
                 "expected p from s + 2 = 4 to s + 1000000, found 3");
  assert_refused(bench_values("partial-cyclic", "s", "2", "alpha", "5", NULL), 10,
                 "/schemes/0/alpha", "expected alpha from 1.000003 to s + 2 = 4, found 5");
  assert_refused(bench_values("partial-cyclic", "s", "2", NULL), 10, "/schemes/0",
                 "expected p or alpha, found neither");
  assert_refused(bench_values("arbitrary-placement", "s", "2", "replication", "4", "m", "3", NULL),
                 10, "/schemes/0/m", "expected m ≤ least replication - s = 2 (1 to 2), found 3");
  assert_refused(
      bench_values("group", "d", "64", "m", "61", "stop", "count", NULL), 64, "/schemes/0/m",
      "expected at most as many pieces (m) as a gradient has coordinates (60), found 61");
}

/* Work is counted in the scenario's subsets, whatever parts the code has chosen. */
static void work_is_counted_in_subsets(void **state) {
  (void)state;
  sg_values *values = bench_values("cyclic-repetition", "s", "2", NULL);
  double speed[12] = {2};
  sg_shape shape = {.workers = 12, .subsets = 48, .length = 10, .speed = speed, .seed = 1};
  sg_code *code;
  assert_int_equal(sg_code_new(sg_code_type_find("cyclic-repetition"), &shape, values, &code, NULL),
                   SG_OK);
  assert_true(code->load == 12 && code->work[5] == 12 && fabs(code->stored - 3) < 1e-12);
  assert_true(code->shape.speed != speed && code->shape.speed[0] == 2);
  assert_string_equal(code->stop, "count");
  sg_code_free(code);
  sg_values_free(values);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(group_response_counts_follow_their_laws),
      cmocka_unit_test(group_promises_are_tight),
      cmocka_unit_test(harmonic_conditions_equal_their_closed_forms),
      cmocka_unit_test(polynomial_ye_abbe_loses_accuracy),
      cmocka_unit_test(groups_are_as_accurate_as_ye_abbe),
      cmocka_unit_test(ignoring_stragglers_says_what_it_loses),
      cmocka_unit_test(additions_only_where_promised),
      cmocka_unit_test(weights_stay_as_small_as_theory_says),
      cmocka_unit_test(reed_solomon_has_its_reference_numbers),
      cmocka_unit_test(reed_solomon_masks_are_balanced),
      cmocka_unit_test(cyclic_mds_is_normalised_and_has_its_fallbacks),
      cmocka_unit_test(loads_follow_speeds),
      cmocka_unit_test(any_placement_will_do),
      cmocka_unit_test(partial_codes_need_all_first_messages),
      cmocka_unit_test(least_squares_finds_the_published_weights),
      cmocka_unit_test(patterns_are_remembered),
      cmocka_unit_test(labels_are_short),
      cmocka_unit_test(faults_name_the_rule),
      cmocka_unit_test(work_is_counted_in_subsets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
