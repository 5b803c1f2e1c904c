/* SPDX-License-Identifier: MIT */
/* Inner linear codes and what group makes of them: minimum distances, decodable sets by rank over
 * the reals, peeling, uneven groups, groups by speed, messages. The property tests of test_codes
 * walk all of them as well. */
#include "codes/frame/protocol.h"
#include "codes/linear/inner.h"
#include "codes/tools/gaussian.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST = 32 };

typedef struct bench {
  sg_values *values;
  sg_code *code;
  sg_decoder *decoder;
  void *state;
  sg_message message[MOST];
} bench;

static sg_values *group_of(const char *first, ...) {
  sg_values *values =
      sg_values_new(sg_scheme_params, &sg_code_type_find("group")->about, "/schemes/0");
  assert_non_null(values);
  va_list list;
  va_start(list, first);
  for (const char *member = first; member; member = va_arg(list, const char *))
    assert_int_equal(sg_values_parse(values, member, va_arg(list, const char *), NULL), SG_OK);
  va_end(list);
  return values;
}

static void set_matrix(sg_values *values, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/test_linear_%ld.csv", (long)getpid());
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  assert_int_equal(sg_values_parse(values, "generator", path, NULL), SG_OK);
  unlink(path);
}

static void open_group(bench *b, sg_values *values, int n, const double *speed) {
  *b = (bench){.values = values};
  sg_shape shape = {
      .workers = n, .subsets = n, .length = 60, .speed = speed, .seed = 1, .updates = 1};
  sg_error e = {0};
  if (sg_code_new((const sg_code_type *)values->variant, &shape, values, &b->code, &e))
    fail_msg("%s", e.fault[0].message);
  b->decoder = sg_decoder_new(b->code);
  b->state = calloc(1, b->code->state_size + 1);
  assert_true(b->decoder && b->state);
  memset(b->state, 0, b->code->round_size);
  for (int i = 0; i < n; i++) b->message[i] = (sg_message){.id = i, .from = i, .to = SG_MASTER};
}

static void close_group(bench *b) {
  sg_decoder_free(b->decoder);
  sg_code_free(b->code);
  free(b->state);
  sg_values_free(b->values);
}

static sg_status decode(bench *b, unsigned long present, sg_weights *w) {
  const sg_message *held[MOST];
  int count = 0;
  for (int i = 0; i < b->code->nodes; i++)
    if (present >> i & 1) held[count++] = &b->message[i];
  return sg_decoder_weights(b->decoder, b->state, 0, count, held, w, NULL);
}

/* m × count columns of the workers in the set; one group only. */
static int columns_of(const bench *b, unsigned long present, double *a) {
  int m = b->code->segment[0].pieces, count = 0;
  sg_row row = {0};
  for (int i = 0; i < b->code->nodes; i++) {
    if (!(present >> i & 1)) continue;
    double *column = a + m * count++;
    memset(column, 0, (size_t)m * sizeof *a);
    sg_encode(b->code, b->state, &b->message[i], &row);
    for (int k = 0; k < row.n_terms; k++) column[row.term[k].piece] = row.term[k].coef;
  }
  sg_row_free(&row);
  return count;
}

/* Rank by singular values. */
static int rank_of(const bench *b, unsigned long present) {
  double a[MOST * MOST], sigma[MOST];
  int m = b->code->segment[0].pieces, count = columns_of(b, present, a), rank = 0;
  if (count == 0) return 0;
  assert_int_equal(sg_singular_values(m, count, a, m, sigma), SG_OK);
  for (int i = 0; i < (m < count ? m : count); i++) rank += sigma[i] > 1e-10 * sigma[0];
  return rank;
}

/* Enumerates all sets of survivors of a one-group code: verdict = rank m = promise = what the stop
 * rule says, whatever the order of arrival. Returns how many sets of each size decode. */
static void decodable_sets(bench *b, long *count) {
  int n = b->code->nodes, m = b->code->segment[0].pieces;
  memset(count, 0, (size_t)(n + 1) * sizeof *count);
  for (unsigned long present = 0; present < 1UL << n; present++) {
    sg_weights w;
    bool flag[MOST], decodes = decode(b, present, &w) == SG_OK, ready = false;
    assert_true(decodes == (rank_of(b, present) == m));
    memset(b->state, 0, b->code->round_size);
    for (int k = 0; k < n; k++) {
      int i = (5 * k + (int)(present % 7)) % n; /* n is not a multiple of 5 */
      flag[i] = present >> i & 1;
      if (flag[i])
        ready |= b->code->type->arrive(b->code, b->state, &b->message[i], NULL) == SG_READY;
    }
    assert_true(decodes == ready);
    assert_true(decodes == b->code->type->promises(b->code, flag));
    count[__builtin_popcountl(present)] += decodes;
  }
}

static long choose(int n, int k) {
  double c = 1;
  for (int i = 1; i <= k; i++) c = c * (n - k + i) / i;
  return lround(c);
}

/* All sets of at least n − s survivors decode and of n − s − 1 some do not. */
static void check_distance(bench *b, int s) {
  long count[MOST];
  int n = b->code->nodes;
  assert_int_equal(b->code->promised, s);
  decodable_sets(b, count);
  for (int k = n - s; k <= n; k++) assert_int_equal(count[k], choose(n, k));
  assert_true(count[n - s - 1] < choose(n, n - s - 1));
  assert_non_null(strstr(b->code->note, "found by exhaustive search"));
}

static void hamming_distances_and_counts(void **state) {
  (void)state;
  bench b;
  long count[MOST];
  open_group(&b, group_of("d", "7", "linear_code", "hamming", "stop", "decodable", NULL), 7, NULL);
  assert_true(b.code->reduction == 4 && b.code->load == 7);
  check_distance(&b, 2);
  decodable_sets(&b, count);
  /* Over GF(2) 28 of the 35 sets of 4 decode (the others are complements of the 7 words of weight
   * 3). */
  assert_true(count[4] == 29 && count[5] == 21);
  close_group(&b);
  open_group(&b, group_of("d", "8", "linear_code", "extended-hamming", "stop", "decodable", NULL),
             8, NULL);
  assert_int_equal(b.code->reduction, 4);
  check_distance(&b, 3);
  decodable_sets(&b, count);
  assert_true(count[4] == 60 && count[5] == 56); /* over GF(2): 70 − 14 words of weight 4 */
  /* The generator of theory: hamming. */
  static const double parity[4][4] = {{1, 1, 0, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 0}};
  double g[MOST];
  assert_int_equal(columns_of(&b, 0xff, g), 8);
  for (int u = 0; u < 4; u++)
    for (int c = 0; c < 8; c++) assert_true(g[u + 4 * c] == (c < 4 ? u == c : parity[u][c - 4]));
  close_group(&b);
}

/* What is known by construction holds at every length, whether a search could afford to find it or
 * not; group, and fractional repetition, which has no rank test to fall back on. */
static void repetition_survives_all_but_one(void **state) {
  (void)state;
  for (int d = 2; d < MOST; d++) {
    char number[16];
    bench b;
    snprintf(number, sizeof number, "%d", d);
    open_group(&b, group_of("d", number, "linear_code", "repetition", NULL), d, NULL);
    assert_int_equal(b.code->promised, d - 1);
    assert_int_equal(b.code->segment[0].need, 1);
    close_group(&b);
    snprintf(number, sizeof number, "%d", d - 1);
    sg_values *values = sg_values_new(
        sg_scheme_params, &sg_code_type_find("fractional-repetition")->about, "/schemes/0");
    assert_int_equal(sg_values_parse(values, "s", number, NULL), SG_OK);
    open_group(&b, values, d, NULL);
    for (int i = 0; i < d; i++)
      assert_int_equal(b.code->type->arrive(b.code, b.state, &b.message[i], NULL),
                       i == 0 ? SG_READY : SG_SKIP);
    close_group(&b);
  }
}

/* [12, 6] with three ones in a column: some sets peel, some need least squares, all that have rank
 * 6 decode. */
static void ldpc_peels_then_solves(void **state) {
  (void)state;
  bench b;
  long count[MOST], peeled = 0, solved = 0;
  open_group(&b, group_of("d", "12", "m", "6", "linear_code", "ldpc", "stop", "decodable", NULL),
             12, NULL);
  decodable_sets(&b, count);
  check_distance(&b, 3);
  for (unsigned long present = 0; present < 1UL << 12; present++) {
    sg_weights w;
    if (decode(&b, present, &w)) continue;
    bool whole = true;
    for (int i = 0; i < w.count * w.pieces; i++) whole &= w.w[i] == round(w.w[i]);
    if (w.info.cond1 == 1 && whole) peeled++;
    if (w.info.cond1 > 1) solved++;
  }
  printf("s=%d %ld %ld\n", b.code->promised, peeled, solved);
  assert_true(peeled > 100 && solved > 100);
  close_group(&b);
  /* The dimension follows from both weights. */
  open_group(&b,
             group_of("d", "12", "linear_code", "ldpc", "stop", "decodable", "column_weight", "2",
                      "row_weight", "4", NULL),
             12, NULL);
  assert_int_equal(b.code->reduction, 6);
  close_group(&b);
}

/* Two repeated columns: D = 2 where an MDS code would have 3. */
static void singular_sets_are_refused(void **state) {
  (void)state;
  bench b;
  sg_weights w;
  for (int first = 0; first < 2; first++) {
    sg_values *values = group_of("d", "4", "linear_code", "matrix", "stop", "decodable", "decode",
                                 first ? "first-m" : "least-squares", NULL);
    set_matrix(values, "1,0,1,0\n0,1,0,1\n");
    open_group(&b, values, 4, NULL);
    assert_int_equal(b.code->reduction, 2);
    check_distance(&b, 1);
    assert_int_equal(decode(&b, 0x5, &w), SG_UNDECODABLE);
    assert_int_equal(decode(&b, 0xa, &w), SG_UNDECODABLE);
    assert_int_equal(decode(&b, 0x3, &w), SG_OK);
    assert_int_equal(decode(&b, 0x7, &w), SG_OK);
    /* The third message is of the same row as the first: of use to least squares only. */
    memset(b.state, 0, b.code->round_size);
    const sg_code_type *type = b.code->type;
    assert_int_equal(type->arrive(b.code, b.state, &b.message[0], NULL), SG_WAIT);
    assert_int_equal(type->arrive(b.code, b.state, &b.message[2], NULL), first ? SG_SKIP : SG_WAIT);
    assert_int_equal(type->arrive(b.code, b.state, &b.message[1], NULL), SG_READY);
    close_group(&b);
  }
  /* By count: any n − s = 3. */
  sg_values *values = group_of("d", "4", "linear_code", "matrix", "stop", "count", NULL);
  set_matrix(values, "1,0,1,0\n0,1,0,1\n");
  open_group(&b, values, 8, NULL);
  assert_true(b.code->promised == 1 && b.code->segment[0].need == 7);
  close_group(&b);
}

/* The largest 2-norm of a column of weights. */
static double weights_size(bench *b, unsigned long present) {
  sg_weights w;
  double most = 0;
  assert_int_equal(decode(b, present, &w), SG_OK);
  for (int v = 0; v < w.pieces; v++) {
    double sum = 0;
    for (int i = 0; i < w.count; i++) sum += w.w[i * w.pieces + v] * w.w[i * w.pieces + v];
    most = fmax(most, sum);
  }
  return sqrt(most);
}

/* The minimum-norm weights of all arrivals are never larger than those of the first m. */
static void least_squares_has_smaller_weights(void **state) {
  (void)state;
  static const char *const codes[] = {"harmonic", "gaussian", "haar", "chebyshev"};
  for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
    bench all, first;
    open_group(&all,
               group_of("d", "6", "m", "3", "linear_code", codes[k], "stop", "decodable", NULL), 6,
               NULL);
    open_group(&first,
               group_of("d", "6", "m", "3", "linear_code", codes[k], "stop", "decodable", "decode",
                        "first-m", NULL),
               6, NULL);
    long better = 0;
    for (unsigned long present = 0; present < 64; present++) {
      int count = __builtin_popcountl(present);
      if (count < 3) continue;
      double x = weights_size(&all, present), y = weights_size(&first, present);
      assert_true(x <= y * (1 + 1e-12));
      if (count == 3) assert_true(x == y);
      better += x < .9 * y;
    }
    assert_true(better >= 5);
    /* A tight frame with everyone there: the weights are Gᵀ, whose columns have norm 1. */
    if (k == 0 || k == 2) assert_true(fabs(weights_size(&all, 63) - 1) < 1e-12);
    close_group(&all);
    close_group(&first);
  }
}

static double worst_condition(bench *b, int m) {
  double worst = 0;
  int n = b->code->nodes;
  for (unsigned long present = 0; present < 1UL << n; present++) {
    double a[MOST * MOST], sigma[MOST];
    if (__builtin_popcountl(present) != m) continue;
    columns_of(b, present, a);
    assert_int_equal(sg_singular_values(m, m, a, m, sigma), SG_OK);
    worst = fmax(worst, sigma[0] / sigma[m - 1]);
  }
  return worst;
}

static void more_draws_are_better(void **state) {
  (void)state;
  static const char *const draws[] = {"1", "10", "100", "1000"};
  double last = INFINITY;
  bench b;
  open_group(&b, group_of("d", "6", "m", "3", "linear_code", "gaussian", "stop", "count", NULL), 6,
             NULL);
  double single = worst_condition(&b, 3);
  close_group(&b);
  for (int k = 0; k < 4; k++) {
    open_group(&b,
               group_of("d", "6", "m", "3", "linear_code", "best-gaussian", "stop", "count",
                        "draws", draws[k], NULL),
               6, NULL);
    double worst = worst_condition(&b, 3);
    if (k == 0) assert_true(worst == single);
    /* Draws are compared by 1-norm estimates, at most a factor 3 (= m) off. */
    assert_true(worst <= 3 * last);
    last = worst;
    close_group(&b);
  }
  assert_true(last < single / 3);
}

static void haar_rows_are_orthonormal(void **state) {
  (void)state;
  bench b;
  double g[MOST * MOST];
  open_group(&b, group_of("d", "8", "m", "5", "linear_code", "haar", "stop", "count", NULL), 8,
             NULL);
  columns_of(&b, 0xff, g);
  for (int u = 0; u < 5; u++)
    for (int v = 0; v < 5; v++) {
      double dot = 0;
      for (int c = 0; c < 8; c++) dot += g[u + 5 * c] * g[v + 5 * c];
      assert_true(fabs(dot - (u == v)) < 1e-14);
    }
  close_group(&b);
}

/* ⌊n/d⌋ groups, equal shares, s of the smallest group. */
static void uneven_groups(void **state) {
  (void)state;
  bench b;
  sg_weights w;
  open_group(&b, group_of("d", "4", "m", "2", "stop", "decodable", "groups", "uneven", NULL), 11,
             NULL);
  assert_true(b.code->parts == 2 && b.code->promised == 3 && b.code->load == 5.5);
  assert_true(b.code->stored == 5.5); /* 6 and 5 workers with half the data each */
  assert_int_equal(decode(&b, 0x18 | 0x600, &w), SG_OK); /* two of 0 … 5, two of 6 … 10 */
  assert_int_equal(decode(&b, 0x3f | 0x400, &w), SG_UNDECODABLE);
  close_group(&b);
  /* Where d divides n it is the even code. */
  open_group(&b, group_of("d", "4", "m", "2", "stop", "decodable", "groups", "uneven", NULL), 8,
             NULL);
  assert_true(b.code->load == 4 && b.code->promised == 2);
  close_group(&b);
}

static bool together(const bench *b, int i, int j) {
  sg_row x = {0}, y = {0};
  sg_encode(b->code, b->state, &b->message[i], &x);
  sg_encode(b->code, b->state, &b->message[j], &y);
  bool same = x.term[0].part == y.term[0].part;
  sg_row_free(&x);
  sg_row_free(&y);
  return same;
}

static void slow_workers_are_spread(void **state) {
  (void)state;
  double speed[12] = {.5, .5, .4, 1, 1, 1, 1, 2, 1, 1, 1, 1};
  static const char *const names[] = {"in-order", "by-speed"};
  for (int k = 0; k < 2; k++) {
    bench b;
    open_group(&b, group_of("d", "4", "m", "2", "stop", "decodable", "grouping", names[k], NULL),
               12, speed);
    assert_true(together(&b, 0, 1) == (k == 0) && together(&b, 0, 2) == (k == 0));
    if (k) assert_true(!together(&b, 1, 2) && together(&b, 7, 2)); /* fastest with slowest */
    /* Each group has four workers. */
    for (int i = 0; i < 12; i++) {
      int mates = 0;
      for (int j = 0; j < 12; j++) mates += together(&b, i, j);
      assert_int_equal(mates, 4);
    }
    close_group(&b);
  }
}

static void assert_refused(sg_values *values, int n, const char *member, const char *message) {
  sg_shape shape = {.workers = n, .subsets = n, .length = 60, .seed = 1, .updates = 1};
  sg_error e = {0};
  sg_code *code;
  char place[64];
  assert_int_equal(sg_code_new(sg_code_type_find("group"), &shape, values, &code, &e), SG_INVALID);
  assert_int_equal(e.count, 1);
  snprintf(place, sizeof place, "/schemes/0/%s", member);
  assert_string_equal(e.fault[0].place, place);
  assert_string_equal(e.fault[0].message, message);
  sg_error_clear(&e);
  sg_values_free(values);
}

static sg_values *matrix_of(const char *d, const char *text) {
  sg_values *values = group_of("d", d, "linear_code", "matrix", "stop", "count", NULL);
  set_matrix(values, text);
  return values;
}

static void faults_name_rules_and_valid_values(void **state) {
  (void)state;
  assert_refused(group_of("d", "4", "linear_code", "matrix", "stop", "count", NULL), 8, "generator",
                 "expected the name of a CSV file, m rows of d numbers, with linear_code matrix, "
                 "found nothing");
  assert_refused(matrix_of("4", "1,0,1\n0,1,1\n"), 8, "generator",
                 "expected a matrix of 4 columns, one for each worker of a group, found 2 × 3; "
                 "d = 3 would fit it");
  assert_refused(matrix_of("2", "1,0\n0,1\n1,1\n"), 8, "generator",
                 "expected at most as many rows (m) as columns (d = 2), found 3 × 2; is it "
                 "transposed?");
  assert_refused(matrix_of("4", "1,0,1,1\n0,1,1,0\n1,1,2,1\n"), 8, "generator",
                 "expected a generator whose rows are independent (rank m = 3), found rank 2: row "
                 "3 depends on those before it; without such rows m = 2 is valid");
  assert_refused(matrix_of("4", "1,0,0,1\n0,0,1,1\n"), 8, "generator",
                 "expected a number other than 0 in every column, found none in column 2: worker "
                 "1 of a group would have nothing to do");
  sg_values *both = matrix_of("4", "1,0,1,1\n0,1,1,0\n");
  assert_int_equal(sg_values_parse(both, "m", "3", NULL), SG_OK);
  assert_refused(both, 8, "m", "expected m = 2, the rows of the generator, found 3");
  assert_refused(group_of("d", "4", "linear_code", "hamming", "stop", "count", NULL), 8, "d",
                 "expected groups of 2^r - 1 workers with linear_code hamming (nearest: 3, 7), "
                 "found 4");
  assert_refused(group_of("d", "12", "linear_code", "extended-hamming", "stop", "count", NULL), 12,
                 "d",
                 "expected groups of 2^r workers with linear_code extended-hamming (nearest: 8, "
                 "16), found 12");
  assert_refused(group_of("d", "7", "m", "3", "linear_code", "hamming", "stop", "count", NULL), 7,
                 "m", "expected m = 4 with linear_code hamming and groups of 7 workers, found 3");
  assert_refused(group_of("d", "12", "m", "7", "linear_code", "ldpc", "stop", "count", NULL), 12,
                 "m",
                 "expected m such that 12 − m checks of equal weight share 12 × column_weight 3 "
                 "ones (m one of: 3, 6, 8, 9), found 7");
  assert_refused(group_of("d", "12", "linear_code", "ldpc", "stop", "count", NULL), 12, "m",
                 "expected m or row_weight with linear_code ldpc, found neither");
  assert_refused(
      group_of("d", "12", "linear_code", "ldpc", "stop", "count", "row_weight", "5", NULL), 12,
      "row_weight",
      "expected column_weight 3 < row_weight ≤ 12, dividing 12 × 3 = 36 (so that checks are "
      "whole), found 5");
  assert_refused(group_of("d", "4", "m", "2", "stop", "count", "draws", "5", NULL), 8, "draws",
                 "expected \"draws\" only with linear_code \"best-gaussian\", found \"harmonic\"");
  assert_refused(group_of("d", "9", "m", "2", "stop", "count", "groups", "uneven", NULL), 8, "d",
                 "expected d ≤ n = 8 (divisors: 1, 2, 4, 8), found 9");
  assert_refused(
      group_of("d", "3", "linear_code", "single-parity", "stop", "count", "groups", "uneven", NULL),
      7, "d",
      "expected groups of one size with linear_code single-parity, whose m follows from "
      "the size, found groups of 3 and 4 workers");
}

/* Beyond the search a proven bound is promised, and said to be one. */
static void long_codes_promise_what_is_proven(void **state) {
  (void)state;
  bench b;
  open_group(&b, group_of("d", "30", "m", "15", "linear_code", "ldpc", "stop", "count", NULL), 30,
             NULL);
  assert_non_null(strstr(b.code->note, "minimum distance"));
  int s = b.code->promised;
  printf("%s\n", b.code->note);
  assert_int_equal(s, 3);
  sg_stream stream;
  sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int trial = 0; trial < 300; trial++) {
    sg_weights w;
    unsigned long present = (1UL << 30) - 1;
    for (int missing = 0; missing < s;) {
      int i = (int)(sg_uniform(&stream) * 30);
      missing += (int)(present >> i & 1);
      present &= ~(1UL << i);
    }
    assert_int_equal(decode(&b, present, &w), SG_OK);
  }
  close_group(&b);
  open_group(&b, group_of("d", "30", "m", "15", "stop", "count", NULL), 30, NULL);
  assert_int_equal(b.code->promised, 15);
  assert_non_null(strstr(b.code->note, "Singleton bound, met by construction"));
  close_group(&b);
}

/* theory: gaussian-conditions. A 2 × 2 Gaussian matrix has P(κ > x) = 2x/(1 + x²) and E ln κ = π/2.
 * From ‖A‖² = σ₁² + σ₂² and |det A| = σ₁ σ₂: κ + 1/κ = ‖A‖²/|det A|. */
static void gaussian_conditions_have_their_law(void **state) {
  (void)state;
  enum { DRAWS = 200000 };
  const double x[] = {3.7320508075688772, 10, 100}; /* the first is the median */
  double above[3] = {0}, sum = 0, squares = 0;
  sg_stream stream;
  for (int i = 0; i < DRAWS; i++) {
    double a[4];
    if (i % 10000 == 0) sg_stream_at(&stream, 1, 0, SG_FOR_CHECK, 0, 0, (uint32_t)(i / 10000));
    sg_draw_gaussian(&stream, 4, a);
    double ratio = (a[0] * a[0] + a[1] * a[1] + a[2] * a[2] + a[3] * a[3]) /
                   (2 * fabs(a[0] * a[3] - a[1] * a[2]));
    double kappa = ratio + sqrt(fmax(ratio * ratio - 1, 0)), log_kappa = log(kappa);
    for (int k = 0; k < 3; k++) above[k] += kappa > x[k];
    sum += log_kappa;
    squares += log_kappa * log_kappa;
  }
  for (int k = 0; k < 3; k++) {
    double p = 2 * x[k] / (1 + x[k] * x[k]);
    assert_true(fabs(above[k] / DRAWS - p) < 4 * sqrt(p * (1 - p) / DRAWS));
  }
  double mean = sum / DRAWS, error = sqrt((squares / DRAWS - mean * mean) / DRAWS);
  assert_true(fabs(mean - acos(0)) < 4 * error);
}

int main(void) {
  sg_blas_single_thread();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hamming_distances_and_counts),
      cmocka_unit_test(repetition_survives_all_but_one),
      cmocka_unit_test(ldpc_peels_then_solves),
      cmocka_unit_test(singular_sets_are_refused),
      cmocka_unit_test(least_squares_has_smaller_weights),
      cmocka_unit_test(more_draws_are_better),
      cmocka_unit_test(gaussian_conditions_have_their_law),
      cmocka_unit_test(haar_rows_are_orthonormal),
      cmocka_unit_test(uneven_groups),
      cmocka_unit_test(slow_workers_are_spread),
      cmocka_unit_test(faults_name_rules_and_valid_values),
      cmocka_unit_test(long_codes_promise_what_is_proven),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
