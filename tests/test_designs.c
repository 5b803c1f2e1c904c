/* SPDX-License-Identifier: MIT */
/* Symmetric designs and the codes made of them: existence, closed forms of weights and errors
 * against the normal equations, expected errors of the random relatives, products. */
#include "codes/tools/approximate.h"
#include "codes/tools/symmetric_design.h"
#include "tests/support/code_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- Designs ---------------------------------------------------------------------------------- */

static int common(const unsigned char *has, int n, int j, int k, bool of_blocks) {
  int sum = 0;
  for (int i = 0; i < n; i++)
    sum += of_blocks ? has[i * n + j] && has[i * n + k] : has[j * n + i] && has[k * n + i];
  return sum;
}

/* Whatever is said to be made is a design, of workers and of blocks. */
static void every_design_is_one(void **state) {
  int made = 0;
  for (int n = 1; n <= 133; n++)
    for (int l = 1; l <= n; l++) {
      sg_design d = sg_design_find(n, l);
      if (!d.kind) continue;
      unsigned char *has = malloc((size_t)n * (size_t)n);
      assert_non_null(has);
      assert_int_equal(sg_design_fill(&d, has), SG_OK);
      for (int j = 0; j < n; j++)
        for (int k = 0; k <= j; k++)
          for (int side = 0; side < 2; side++) {
            int expected = j == k ? l : d.omega;
            if (common(has, n, j, k, side) != expected)
              fail_msg("(%d, %d, %d), %s: %d and %d share %d", n, l, d.omega, sg_design_name(&d), j,
                       k, common(has, n, j, k, side));
          }
      free(has);
      made += l > 1 && l < n - 1;
    }
  assert_int_equal(made, 86); /* so many that are not trivial, complements among them */
}

static void known_designs_are_found(void **state) {
  static const int known[][3] = {
      {7, 3, 1},    {13, 4, 1},     {21, 5, 1},    {31, 6, 1},    {57, 8, 1},  {73, 9, 1},
      {91, 10, 1},  {133, 12, 1},   {11, 5, 2},    {15, 7, 3},    {19, 9, 4},  {23, 11, 5},
      {27, 13, 6},  {40, 13, 4},    {31, 15, 7},   {121, 40, 13}, {16, 6, 2},  {64, 28, 12},
      {37, 9, 2},   {101, 25, 6},   {109, 28, 7},  {7, 4, 2},     {13, 9, 6},  {85, 21, 5},
      {156, 31, 6}, {256, 120, 56}, {307, 18, 1},  {35, 17, 8},   {39, 19, 9}, {63, 31, 15},
      {71, 36, 18}, {143, 71, 35},  {343, 171, 85}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
    sg_design d = sg_design_find(known[k][0], known[k][1]);
    if (!d.kind || d.omega != known[k][2])
      fail_msg("(%d, %d, %d) is not found", known[k][0], known[k][1], known[k][2]);
  }
}

/* Excluded by Bruck, Ryser and Chowla for n < 160 and ℓ ≤ n/2: found by looking for solutions of
 * the equation among all numbers below Holzer's bound, with no symbols. */
static const int excluded[][3] = {
    {22, 7, 2},    {29, 8, 2},    {34, 12, 4},   {43, 7, 1},    {43, 15, 5},   {46, 10, 2},
    {52, 18, 6},   {53, 13, 3},   {58, 19, 6},   {61, 21, 7},   {67, 12, 2},   {67, 22, 7},
    {76, 25, 8},   {77, 20, 5},   {86, 35, 14},  {88, 30, 10},  {89, 33, 12},  {91, 36, 14},
    {92, 14, 2},   {93, 24, 6},   {94, 31, 10},  {103, 18, 3},  {106, 15, 2},  {106, 21, 4},
    {106, 36, 12}, {115, 39, 13}, {116, 46, 18}, {117, 29, 7},  {118, 27, 6},  {124, 42, 14},
    {125, 32, 8},  {130, 43, 14}, {133, 45, 15}, {134, 57, 24}, {136, 55, 22}, {137, 17, 2},
    {141, 21, 3},  {141, 56, 22}, {142, 48, 16}, {146, 30, 6},  {148, 49, 16}, {151, 25, 4},
    {157, 40, 10}, {157, 52, 17}};

static void impossible_designs_are_known(void **state) {
  size_t found = 0;
  int possible = 0;
  for (int n = 3; n < 160; n++)
    for (int l = 2; l <= n / 2; l++) {
      if (l * (l - 1) % (n - 1) != 0) continue;
      int omega = l * (l - 1) / (n - 1);
      bool excludes = found < sizeof excluded / sizeof *excluded && excluded[found][0] == n &&
                      excluded[found][1] == l && excluded[found][2] == omega;
      if (sg_design_is_possible(n, l, omega) == excludes)
        fail_msg("(%d, %d, %d) is %spossible", n, l, omega, excludes ? "" : "not ");
      if (excludes) assert_int_equal(sg_design_find(n, l).kind, SG_DESIGN_NONE);
      found += excludes;
      possible += !excludes;
    }
  assert_int_equal(found, sizeof excluded / sizeof *excluded);
  assert_int_equal(possible, 105);
}

/* --- Errors of decodes ------------------------------------------------------------------------ */

/* 1ᵀα = ‖α‖² and A_S (1 − α) = 0, which only optimal weights have. */
static void check_optimal(const bench *b, const bench_decoded *d) {
  if (fabs(d->sum - d->square) > 1e-9 * d->parts)
    fail_msg("%s: 1'a = %.12g, |a|^2 = %.12g", b->label, d->sum, d->square);
  assert_true(fabs(d->error - (d->parts - d->sum)) < 1e-9 * d->parts);
  for (int i = 0; i < d->count; i++) {
    double along = 0;
    for (int k = 0; k < d->parts; k++) along += d->row[i][k] * (1 - d->alpha[k]);
    assert_true(fabs(along) < 1e-9);
  }
}

/* (A_S A_Sᵀ) x = A_S 1 by Gaussian elimination: weights of one's own where the matrix is regular.
 */
static void solve_normal(const bench_decoded *d, double *x) {
  static double a[BENCH_MOST][BENCH_MOST + 1];
  int n = d->count;
  for (int i = 0; i < n; i++) {
    a[i][n] = 0;
    for (int k = 0; k < d->parts; k++) a[i][n] += d->row[i][k];
    for (int j = 0; j < n; j++) {
      a[i][j] = 0;
      for (int k = 0; k < d->parts; k++) a[i][j] += d->row[i][k] * d->row[j][k];
    }
  }
  for (int c = 0; c < n; c++)
    for (int i = 0; i < n; i++) {
      if (i == c) continue;
      double factor = a[i][c] / a[c][c];
      for (int j = c; j <= n; j++) a[i][j] -= factor * a[c][j];
    }
  for (int i = 0; i < n; i++) x[i] = a[i][n] / a[i][i];
}

static double design_error(double n, double l, double omega, int r) {
  return n - r * l * l / (l + omega * (r - 1));
}

/* Weights and errors of one set; the error is that of its number, whoever is missing. */
static void check_set(bench *b, const sg_design *q, unsigned long present) {
  static bench_decoded d;
  double x[BENCH_MOST];
  bench_decode_rows(b, present, &d);
  check_optimal(b, &d);
  if (q->l > q->omega) solve_normal(&d, x);
  for (int i = 0; i < d.count; i++) {
    assert_true(fabs(d.w[i] - q->l / (q->l + q->omega * (d.count - 1.0))) < 1e-13);
    if (q->l > q->omega) assert_true(fabs(d.w[i] - x[i]) < 1e-10);
  }
  assert_true(fabs(d.error - design_error(q->n, q->l, q->omega, d.count)) < 1e-10);
}

static void designs_have_closed_forms(void **state) {
  static const int list[][3] = {{7, 3, 1},   {13, 4, 1}, {11, 5, 2}, {21, 5, 1}, {31, 6, 1},
                                {15, 7, 3},  {16, 6, 2}, {37, 9, 2}, {7, 4, 2},  {27, 13, 6},
                                {40, 13, 4}, {57, 8, 1}, {6, 5, 4},  {6, 6, 6},  {6, 1, 0}};
  for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
    bench b;
    sg_design q = {.n = list[k][0], .l = list[k][1], .omega = list[k][2]};
    char d[12], omega[12];
    snprintf(d, sizeof d, "%d", q.l);
    snprintf(omega, sizeof omega, "%d", q.omega);
    bench_open_named(&b, bench_values("block-design", "d", d, "omega", omega, NULL), q.n, 1);
    bench_check_rows(&b);
    if (q.n <= 11)
      for (unsigned long set = 1; set < 1UL << q.n; set++) check_set(&b, &q, set);
    else {
      sg_stream s;
      sg_stream_at(&s, 3, 0, SG_FOR_CHECK, (uint32_t)k, 0, 0);
      for (int i = 0; i < 60; i++)
        check_set(&b, &q, bench_sample(&s, q.n, (int)(sg_uniform(&s) * q.n)));
    }
    bench_close_named(&b);
  }
}

/* The table of kept numbers, to its digits. */
static void designs_have_kept_errors(void **state) {
  static const struct {
    int n;
    const char *d, *error[6];
  } kept[] = {{7, "3", {".25", ".571429", "1", "1.6", "2.5", "4"}},
              {21, "5", {".166667", ".347826", ".545455", ".761905", "1"}}};
  for (int k = 0; k < 2; k++) {
    bench b;
    bench_open_named(&b, bench_values("block-design", "d", kept[k].d, NULL), kept[k].n, 1);
    for (int s = 1; s <= 6 && kept[k].error[s - 1]; s++) {
      static bench_decoded d;
      bench_decode_rows(&b, (1UL << kept[k].n) - (1UL << s), &d);
      assert_true(fabs(d.error - atof(kept[k].error[s - 1])) <= 0.5000001e-6);
    }
    bench_close_named(&b);
  }
}

/* Debiasing by the formula is that by all patterns, for each p and for a fixed number. */
static void bias_of_designs_is_known(void **state) {
  static const char *const by[][2] = {{"p", "0.2"}, {"p", "0.35"}, {"s", "2"}};
  static const char *const decoding[] = {"optimal", "constant"};
  for (int k = 0; k < 12; k++) {
    bench b[2];
    static bench_decoded d[2];
    if (k >= 6 && k % 2 == 0) continue; /* of other placements for constant weights only */
    for (int i = 0; i < 2; i++) {
      bench_open_named(&b[i],
                       bench_values(k < 6 ? "block-design" : "bernoulli", "d", "3",
                                    by[k / 2 % 3][0], by[k / 2 % 3][1], "decoding", decoding[k % 2],
                                    "debias", i ? "measured" : "known", NULL),
                       7, 1);
      bench_decode_rows(&b[i], 0x5d, &d[i]);
    }
    assert_true(fabs(d[0].sum - d[1].sum) < 1e-10);
    if (k < 6) assert_true(d[0].sum > 7 - design_error(7, 3, 1, 5) + 1e-3);
    for (int i = 0; i < 2; i++) bench_close_named(&b[i]);
  }
  /* Σ_r P(r) r w(r) ℓ/n by hand: p = 1/2, n = 3, ℓ = 2, ω = 1: 1/8 (3 · 2/3 + 3 · 8/9 + 1). */
  bench b;
  static bench_decoded d;
  bench_open_named(&b, bench_values("block-design", "d", "2", "p", "0.5", "debias", "known", NULL),
                   3, 1);
  bench_decode_rows(&b, 7, &d);
  assert_true(fabs(d.sum / 3 - 1 / ((2 + 8.0 / 3 + 1) / 8)) < 1e-12);
  bench_close_named(&b);
}

static const char *write_file(const char *name, const char *text) {
  static char path[80];
  snprintf(path, sizeof path, "/tmp/test_designs_%s_%d.csv", name, rand());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  return path;
}

/* The dual of an affine plane: 4 workers and 6 blocks, any two workers share one. */
static void designs_come_from_files(void **state) {
  const char *path = write_file("pairs", "1,1,1,0,0,0\n1,0,0,1,1,0\n0,1,0,1,0,1\n0,0,1,0,1,1\n");
  bench b;
  static bench_decoded d;
  bench_open_named(&b, bench_values("block-design", "d", "3", "incidence", path, NULL), 4, 1);
  assert_int_equal(b.code->parts, 6);
  for (unsigned long set = 1; set < 16; set++) {
    bench_decode_rows(&b, set, &d);
    check_optimal(&b, &d);
    assert_true(fabs(d.error - design_error(6, 3, 1, d.count)) < 1e-12);
  }
  bench_close_named(&b);
  bench_refused(bench_values("block-design", "d", "3", "incidence", path, NULL), 6,
                "/schemes/0/incidence", "is it transposed?");
  bench_refused(bench_values("block-design", "d", "3", "omega", "2", "incidence", path, NULL), 4,
                "/schemes/0/incidence", "expected omega = 2 blocks in common with the row of line");
  remove(path);
  path = write_file("bad", "1,1,0\n# a note\n1,2,0\n0,1,1\n1,1,1\n");
  sg_error e = {0};
  bench bad;
  sg_values *values = bench_values("block-design", "d", "2", "incidence", path, NULL);
  assert_int_equal(bench_open(&bad, values, 4, 1, &e), SG_INVALID);
  assert_int_equal(e.count, 2); /* every line that is wrong, by its number in the file */
  assert_non_null(strstr(e.fault[0].message, ":3: expected numbers 0 and 1"));
  assert_non_null(strstr(e.fault[1].message, ":5: expected d = 2 blocks"));
  sg_error_clear(&e);
  sg_values_free(values);
  remove(path);
}

/* --- Relatives that hold in the mean ---------------------------------------------------------- */

typedef struct moments {
  long count;
  double mean, squares;
} moments;

static void add(moments *m, double x) {
  double off = x - m->mean;
  m->mean += off / (double)++m->count;
  m->squares += off * (x - m->mean);
}

static void check_z(const moments *m, double expected, const char *what) {
  double error = sqrt(m->squares / (double)(m->count - 1) / (double)m->count);
  if (!(fabs(m->mean - expected) <= 4 * error))
    fail_msg("%s: %.6g ± %.2g, expected %.6g", what, m->mean, error, expected);
}

/* Mean error over seeds with r = n − s for the first s missing. */
static void check_mean_errors(sg_values *values, int n, int seeds, const double *expected,
                              int most) {
  moments m[8] = {{0}};
  char what[120];
  for (int seed = 1; seed <= seeds; seed++) {
    bench b;
    static bench_decoded d;
    bench_open_named(&b, values, n, (uint64_t)seed);
    for (int s = 0; s <= most; s++) {
      bench_decode_rows(&b, (1UL << n) - (1UL << s), &d);
      add(&m[s], d.error);
    }
    bench_close(&b);
  }
  for (int s = 0; s <= most; s++) {
    snprintf(what, sizeof what, "%s, n = %d, s = %d", values->variant->name, n, s);
    check_z(&m[s], expected[s], what);
  }
  sg_values_free(values);
}

static void soft_designs_have_the_error_of_designs(void **state) {
  static const double kept[] = {1.8529, 2.0, 2.1923},
                      plane[] = {0, .166667, .347826, .545455, .761905, 1.0},
                      /* n − r ℓ²/(ℓ + ω (r − 1)), by hand */
      other[] = {20 - 20 * 64 / 65.0, 20 - 19 * 64 / 62.0, 20 - 18 * 64 / 59.0};
  check_mean_errors(bench_values("soft-block-design", "d", "2.5", "omega", "1", NULL), 7, 6000,
                    kept, 2);
  check_mean_errors(bench_values("soft-block-design", "d", "5", NULL), 21, 1500, plane, 5);
  check_mean_errors(bench_values("soft-block-design", "d", "8", "omega", "3", NULL), 20, 1500,
                    other, 2);
  static const double wide[] = {6 - 6 * 4 / 9.5, 6 - 5 * 4 / 8.0}; /* ω = 1.5, beyond d²/n */
  check_mean_errors(bench_values("soft-block-design", "d", "2", "omega", "1.5", NULL), 6, 4000,
                    wide, 1);
  check_mean_errors(bench_values("sparse-gaussian", "d", "2.5", "omega", "1", NULL), 7, 6000, kept,
                    2);
  check_mean_errors(
      bench_values("sparse-gaussian", "d", "2.5", "omega", "1", "density", "0.8", NULL), 7, 6000,
      kept, 2);
  check_mean_errors(
      bench_values("sparse-gaussian", "d", "2.5", "omega", "0.7", "density", "0.95", NULL), 7, 6000,
      (double[]){7 - 7 * 6.25 / 6.7, 7 - 6 * 6.25 / 6}, 1);
  check_mean_errors(bench_values("sparse-gaussian", "d", "8", "omega", "3", "density", "0.9", NULL),
                    20, 1500, other, 2);
}

/* Loads of a soft design: whole blocks, each at ⌊ℓ⌋ or ⌈ℓ⌉ workers where ω is least. */
static void soft_designs_of_least_overlap_are_even(void **state) {
  bench b;
  static bench_decoded d;
  bench_open_named(&b, bench_values("soft-block-design", "d", "3", "omega", "1", NULL), 7, 4);
  bench_decode_rows(&b, 0x7f, &d);
  for (int i = 0; i < 7; i++) {
    double holders = 0;
    for (int j = 0; j < 7; j++) holders += d.row[j][i];
    assert_true(holders == 3);
  }
  bench_close_named(&b);
}

/* Constant weights are least squares among the weights that depend on the number only, in the mean
 * over all sets; so at least as good as one-step weights, and never better than optimal ones. */
static void constant_weights_are_best_of_their_kind(void **state) {
  static const char *const decoding[] = {"optimal", "constant", "one-step"};
  static bench_decoded d;
  for (int seed = 1; seed <= 10; seed++) {
    double error[3][11] = {{0}}, sums[11] = {0}, squares[11] = {0};
    for (int k = 0; k < 3; k++) {
      bench b;
      bench_open_named(&b, bench_values("bernoulli", "d", "3", "decoding", decoding[k], NULL), 10,
                       (uint64_t)seed);
      for (unsigned long set = 1; set < 1024; set++) {
        bench_decode_rows(&b, set, &d);
        error[k][d.count] += d.error;
        if (k != 1) continue;
        sums[d.count] += d.sum / d.w[0]; /* of A_S, whatever the weight */
        squares[d.count] += d.square / (d.w[0] * d.w[0]);
      }
      bench_close_named(&b);
    }
    for (int r = 1; r <= 10; r++) {
      assert_true(error[0][r] <= error[1][r] + 1e-9 && error[1][r] <= error[2][r] + 1e-9);
      /* Σ over sets of |w a − 1|² is least at w = Σ 1'a / Σ |a|²: 10 C − (Σ 1'a)²/Σ |a|². */
      double sets = tgamma(11) / tgamma(r + 1) / tgamma(11 - r);
      assert_true(fabs(error[1][r] - (10 * sets - sums[r] * sums[r] / squares[r])) < 1e-7 * sets);
    }
  }
}

/* --- Products --------------------------------------------------------------------------------- */

/* The factors' own errors, by their codes or by counting. */
static double factor_error(const char *kind, const char *d, int n, unsigned long present) {
  bench b;
  static bench_decoded of;
  if (strcmp(kind, "repetition") == 0) {
    int size = atoi(d), lost = 0;
    for (int i = 0; i < n; i += size) lost += !(present >> i & ((1UL << size) - 1)) * size;
    return lost;
  }
  bench_open_named(&b, bench_values("block-design", "d", d, NULL), n, 1);
  bench_decode_rows(&b, present, &of);
  bench_close_named(&b);
  return of.error;
}

static void products_multiply(void **state) {
  static const struct {
    const char *first, *d1, *second, *d2;
    int n1, n2;
  } list[] = {{"block-design", "3", "repetition", "2", 7, 4},
              {"repetition", "3", "block-design", "4", 6, 5},
              {"block-design", "2", "block-design", "3", 3, 7}};
  static bench_decoded d;
  sg_stream s;
  sg_stream_at(&s, 5, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int k = 0; k < 3; k++) {
    bench b;
    int n1 = list[k].n1, n2 = list[k].n2;
    char workers1[8];
    snprintf(workers1, sizeof workers1, "%d", n1);
    bench_open_named(&b,
                     bench_values("product", "workers1", workers1, "first", list[k].first, "d1",
                                  list[k].d1, "second", list[k].second, "d2", list[k].d2, NULL),
                     n1 * n2, 1);
    bench_check_rows(&b);
    for (int trial = 0; trial < 60; trial++) {
      unsigned long a = 1 + (unsigned long)(sg_uniform(&s) * ((1 << n1) - 1)),
                    c = 1 + (unsigned long)(sg_uniform(&s) * ((1 << n2) - 1)), set = 0;
      for (int i = 0; i < n1 * n2; i++)
        if (a >> i / n2 & c >> i % n2 & 1) set |= 1UL << i;
      double error = n1 * n2 - (n1 - factor_error(list[k].first, list[k].d1, n1, a)) *
                                   (n2 - factor_error(list[k].second, list[k].d2, n2, c));
      bench_decode_rows(&b, set, &d);
      check_optimal(&b, &d);
      if (fabs(d.error - error) > 1e-9)
        fail_msg("%s: %lx: %.12g, not %.12g", b.label, set, d.error, error);
      /* Any other set: optimal by its identities, and one more answer never hurts. */
      unsigned long any = bench_sample(&s, n1 * n2, 1 + (int)(sg_uniform(&s) * (n1 * n2 - 2)));
      bench_decode_rows(&b, any, &d);
      check_optimal(&b, &d);
      double before = d.error;
      bench_decode_rows(&b, any | 1UL << (int)(sg_uniform(&s) * n1 * n2), &d);
      assert_true(d.error <= before + 1e-9);
    }
    bench_close_named(&b);
  }
}

/* Weights on a grid are of least norm: orthogonal to the null space, so combinations of rows, which
 * with equal rows (repetition) means equal weights. */
static void products_share_weights_among_equals(void **state) {
  bench b;
  static bench_decoded d;
  bench_open_named(
      &b,
      bench_values("product", "workers1", "7", "d1", "3", "second", "repetition", "d2", "2", NULL),
      14, 1);
  bench_decode_rows(&b, (1UL << 14) - 1, &d);
  for (int i = 0; i < 14; i++) assert_true(fabs(d.w[i] - 1 / 6.0) < 1e-12); /* 1/3 · 1/2 */
  bench_close_named(&b);
}

/* --- Refusals --------------------------------------------------------------------------------- */

static void refusals_name_what_is_near(void **state) {
  bench_refused(
      bench_values("block-design", "d", "3", NULL), 8, "/schemes/0/d",
      "expected a design with d(d - 1) = omega (n - 1), such as (n, d, omega) = (8, 1, 0), "
      "(8, 7, 6), (8, 8, 8); (7, 3, 1) and (11, 5, 2); found n = 8, d = 3: 6");
  bench_refused(bench_values("block-design", "d", "3", "omega", "2", NULL), 7, "/schemes/0/omega",
                "found n = 7, d = 3: 6, omega = 2: 12");
  bench_refused(bench_values("block-design", "d", "7", NULL), 22, "/schemes/0/d",
                "found (22, 7, 2), which the theorem of Bruck, Ryser and Chowla excludes");
  bench_refused(bench_values("block-design", "d", "7", NULL), 43, "/schemes/0/d",
                "(40, 13, 4) and (47, 23, 11)");
  bench_refused(bench_values("block-design", "d", "11", NULL), 56, "/schemes/0/d",
                "or one of your own as `incidence`; found (56, 11, 2)");
  bench_refused(bench_values("block-design", "d", "9", NULL), 7, "/schemes/0/d",
                "expected d ≤ n = 7");
  bench_refused(bench_values("soft-block-design", "d", "2.5", "omega", "0.5", NULL), 7,
                "/schemes/0/omega", "expected omega from 0.666667 to 2.5");
  bench_refused(bench_values("soft-block-design", "d", "8", NULL), 7, "/schemes/0/d",
                "expected d ≤ n = 7, found 8");
  bench_refused(bench_values("sparse-gaussian", "d", "2.5", "omega", "0.6", NULL), 7,
                "/schemes/0/omega",
                "expected d(d - 1)/(n - 1) = 0.625 ≤ omega ≤ d = 2.5, found 0.6");
  bench_refused(bench_values("sparse-gaussian", "d", "2.5", "omega", "1", "density", "0.39", NULL),
                7, "/schemes/0/density", "expected a density from 0.4 to 1");
  bench_refused(bench_values("sparse-gaussian", "d", "2.5", "omega", "0.7", "density", "0.5", NULL),
                7, "/schemes/0/density", "expected a density from 0.82 to 1");
  bench_refused(bench_values("product", "workers1", "4", "d1", "2", "d2", "1", NULL), 8,
                "/schemes/0/d1", "such as (n1, d1, omega) = (4, 1, 0), (4, 3, 2), (4, 4, 4)");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_design_is_one),
      cmocka_unit_test(known_designs_are_found),
      cmocka_unit_test(impossible_designs_are_known),
      cmocka_unit_test(designs_have_closed_forms),
      cmocka_unit_test(designs_have_kept_errors),
      cmocka_unit_test(bias_of_designs_is_known),
      cmocka_unit_test(designs_come_from_files),
      cmocka_unit_test(soft_designs_have_the_error_of_designs),
      cmocka_unit_test(soft_designs_of_least_overlap_are_even),
      cmocka_unit_test(constant_weights_are_best_of_their_kind),
      cmocka_unit_test(products_multiply),
      cmocka_unit_test(products_share_weights_among_equals),
      cmocka_unit_test(refusals_name_what_is_near),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
