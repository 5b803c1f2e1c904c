/* SPDX-License-Identifier: MIT */
/* Sparse data sets: generated rows, files of LIBSVM, their order, their scale. */
#include "models/learning/data.h"
#include "sim/core/random.h"
#include "tests/support/problems.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A data object from the settings of a learning object. */
static sg_data *made(const char *settings, bool real, uint64_t seed) {
  sg_error e = {0};
  sg_data *data = NULL;
  sg_values *v = learning_values("softmax", settings);
  sg_status status = sg_data_new(sg_object(v, "data"), real, seed, &data, &e);
  for (int i = 0; i < e.count; i++) print_error("%s: %s\n", e.fault[i].place, e.fault[i].message);
  assert_int_equal(status, SG_OK);
  sg_values_free(v);
  return data;
}

/* What every reader of sparse rows relies on. */
static void assert_is_sparse(const sg_data *d) {
  const sg_csr *m = d->sparse;
  assert_non_null(m);
  assert_null(d->x);
  assert_null(d->test_x);
  assert_ptr_equal(d->test_y, d->y + d->rows);
  assert_int_equal(m->start[0], 0);
  for (long i = 0; i < d->rows + d->test_rows; i++)
    for (long k = m->start[i]; k < m->start[i + 1]; k++) {
      assert_true(m->column[k] >= 0 && m->column[k] < d->columns - d->intercept);
      assert_true(k == m->start[i] || m->column[k] > m->column[k - 1]);
      assert_true(isfinite(m->value[k]));
    }
}

#define RAW "data.standardize=false data.shuffle=false data.test_share=0 "

static void text_has_the_density_and_popularity_it_should(void **state) {
  sg_data *d = made("data=sparse-text data.rows=20000 data.features=300 data.density=0.05 "
                    "data.zipf=1.1 " RAW,
                    false, 3);
  assert_is_sparse(d);
  assert_int_equal(d->rows, 20000);
  assert_int_equal(d->columns, 301);
  long count[300] = {0}, all = d->sparse->start[d->rows];
  for (long k = 0; k < all; k++) count[d->sparse->column[k]]++;
  /* Independent entries: the standard deviation of the sum is below the root of its mean. */
  assert_true(fabs((double)all - d->entries) < 4 * sqrt(d->entries));
  assert_true(d->entries == 20000 * 300 * 0.05);
  /* −ln(1 − share) is the rate, and falls with the power 1.1: from one column to another. */
  for (int j = 0; j < 300; j += 7) {
    double share = (double)count[j] / 20000, first = (double)count[20] / 20000;
    double wanted = -expm1(log1p(-first) * pow(21.0 / (j + 1), 1.1));
    double sd = sqrt(wanted * (1 - wanted) / 20000) + wanted / sqrt((double)count[20]);
    assert_true(fabs(share - wanted) < 4.5 * sd);
  }
  long ones = 0;
  for (long i = 0; i < d->rows; i++) {
    double square = 0;
    for (long k = d->sparse->start[i]; k < d->sparse->start[i + 1]; k++)
      square += d->sparse->value[k] * d->sparse->value[k];
    assert_true(d->sparse->start[i] == d->sparse->start[i + 1] || fabs(square - 1) < 1e-14);
    ones += d->y[i] == 1;
  }
  assert_true(ones > 20000 / 5 && ones < 20000 * 4 / 5); /* no class takes all */
  assert_int_equal(d->classes, 2);
  sg_data_free(d);
}

static void words_have_the_values_of_their_counts(void **state) {
  /* Two columns of the same rate: the ratio of the values of a row that has both is
   * (1 + ln a) / (1 + ln b) for counts a, b of Poisson numbers that are not 0. */
  sg_data *d = made("data=sparse-text data.rows=40000 data.features=2 data.density=0.6 "
                    "data.zipf=0 " RAW,
                    true, 5);
  assert_is_sparse(d);
  const double rate = -log1p(-0.6);
  long both = 0, alike = 0, twice = 0;
  for (long i = 0; i < d->rows; i++) {
    long k = d->sparse->start[i];
    if (d->sparse->start[i + 1] - k != 2) continue;
    double ratio = d->sparse->value[k] / d->sparse->value[k + 1];
    both++;
    alike += fabs(ratio - 1) < 1e-12;
    twice += fabs(ratio - (1 + log(2))) < 1e-12; /* 2 : 1 */
  }
  double p[40], same = 0, term = rate / expm1(rate);
  for (int k = 1; k < 40; term *= rate / ++k) p[k] = term, same += term * term;
  double n = (double)both;
  assert_true(fabs(n - 40000 * 0.36) < 4 * sqrt(40000 * 0.36 * 0.64));
  assert_true(fabs((double)alike - n * same) < 4 * sqrt(n * same * (1 - same)));
  assert_true(fabs((double)twice - n * p[2] * p[1]) < 4 * sqrt(n * p[2] * p[1]));
  sg_data_free(d);
}

static void rows_do_not_depend_on_what_else_is_drawn(void **state) {
  static const char more[] = "data.features=5000 data.density=0.02 data.classes=3 " RAW;
  char settings[256];
  snprintf(settings, sizeof settings, "data=sparse-text data.rows=30 %s", more);
  sg_data *few = made(settings, false, 9);
  snprintf(settings, sizeof settings, "data=sparse-text data.rows=77 %s", more);
  sg_data *many = made(settings, false, 9);
  size_t n = (size_t)few->sparse->start[30];
  assert_true(n > 1000);
  assert_memory_equal(few->sparse->start, many->sparse->start, 31 * sizeof(long));
  assert_memory_equal(few->sparse->column, many->sparse->column, n * sizeof(int32_t));
  assert_memory_equal(few->sparse->value, many->sparse->value, n * sizeof(double));
  assert_memory_equal(few->y, many->y, 30 * sizeof(double));
  sg_data_free(many);
  many = made(settings, false, 10);
  assert_true(memcmp(few->sparse->column, many->sparse->column, n * sizeof(int32_t)) != 0);
  sg_data_free(many);
  sg_data_free(few);
}

/* A row that has more candidates than one stream has room for. */
static void long_rows_are_whole(void **state) {
  sg_data *d = made("data=sparse-text data.rows=2 data.features=200000 data.density=0.5 "
                    "data.zipf=0.1 " RAW,
                    true, 1);
  assert_is_sparse(d);
  double sd = sqrt(2 * 200000 * 0.25);
  assert_true(fabs((double)d->sparse->start[2] - 200000) < 4 * sd);
  /* The later half has as many as the rates say: nothing is drawn twice, nothing is left out. */
  long later = 0;
  for (long k = 0; k < d->sparse->start[2]; k++) later += d->sparse->column[k] >= 100000;
  assert_true(later > 94000 && later < 100000);
  sg_data_free(d);
}

/* The weights are the same for every target: least squares on noiseless targets gives them, and
 * they fit rows that were not seen. */
static void targets_are_linear_in_the_features(void **state) {
  enum { FEATURES = 12 };
  sg_data *d = made("data=sparse-text data.rows=400 data.features=12 data.density=0.3 "
                    "data.target_noise=0 data.test_share=0.25 data.standardize=false",
                    true, 4);
  assert_is_sparse(d);
  double gram[FEATURES + 1][FEATURES + 2] = {{0}};
  for (long i = 0; i < d->rows; i++) {
    double x[FEATURES + 2] = {0};
    for (long k = d->sparse->start[i]; k < d->sparse->start[i + 1]; k++)
      x[d->sparse->column[k]] = d->sparse->value[k];
    x[FEATURES] = 1;
    x[FEATURES + 1] = d->y[i];
    for (int a = 0; a <= FEATURES; a++)
      for (int b = 0; b < FEATURES + 2; b++) gram[a][b] += x[a] * x[b];
  }
  for (int c = 0; c <= FEATURES; c++) /* Gauss and Jordan; the matrix is positive definite */
    for (int a = 0; a <= FEATURES; a++) {
      if (a == c) continue;
      double f = gram[a][c] / gram[c][c];
      for (int b = c; b < FEATURES + 2; b++) gram[a][b] -= f * gram[c][b];
    }
  for (long i = d->rows; i < d->rows + d->test_rows; i++) {
    double y = gram[FEATURES][FEATURES + 1] / gram[FEATURES][FEATURES];
    for (long k = d->sparse->start[i]; k < d->sparse->start[i + 1]; k++) {
      int j = d->sparse->column[k];
      y += d->sparse->value[k] * gram[j][FEATURES + 1] / gram[j][j];
    }
    assert_true(fabs(y - d->test_y[i - d->rows]) < 1e-9);
  }
  sg_data_free(d);
}

/* The order of Fisher and Yates for this seed, as dense rows get it. */
static void find_order(long rows, uint64_t seed, long *order) {
  sg_data *dense;
  sg_error e = {0};
  char path[] = "/tmp/straggle-test-XXXXXX", settings[256];
  int fd = mkstemp(path);
  dprintf(fd, "a,label\n");
  for (long i = 0; i < rows; i++) dprintf(fd, "%ld,0\n", i);
  close(fd);
  snprintf(settings, sizeof settings,
           "data=csv data.path=%s data.label=label data.standardize=false data.intercept=false "
           "data.test_share=0",
           path);
  sg_values *v = learning_values("least-squares", settings);
  assert_int_equal(sg_data_new(sg_object(v, "data"), true, seed, &dense, &e), SG_OK);
  for (long i = 0; i < rows; i++) order[i] = (long)dense->x[i];
  sg_data_free(dense);
  sg_values_free(v);
  unlink(path);
}

static void rows_are_shuffled_as_dense_ones(void **state) {
  enum { ROWS = 501 };
  static const char of[] = "data=sparse-text data.rows=501 data.features=40 data.density=0.2 "
                           "data.standardize=false ";
  char settings[256];
  long order[ROWS];
  find_order(ROWS, 8, order);
  snprintf(settings, sizeof settings, "%s data.shuffle=false data.test_share=0", of);
  sg_data *before = made(settings, true, 8);
  snprintf(settings, sizeof settings, "%s data.test_share=0.2", of);
  sg_data *after = made(settings, true, 8);
  assert_is_sparse(after);
  assert_int_equal(after->rows, 401);
  assert_int_equal(after->test_rows, 100);
  const sg_csr *a = before->sparse, *b = after->sparse;
  for (long i = 0; i < ROWS; i++) {
    long from = a->start[order[i]], n = a->start[order[i] + 1] - from, to = b->start[i];
    assert_true(after->y[i] == before->y[order[i]]);
    assert_int_equal(b->start[i + 1] - to, n);
    assert_memory_equal(a->column + from, b->column + to, (size_t)n * sizeof(int32_t));
    assert_memory_equal(a->value + from, b->value + to, (size_t)n * sizeof(double));
  }
  sg_data_free(before);
  sg_data_free(after);
}

static void standardised_columns_have_a_mean_square_of_one(void **state) {
  static const char of[] = "data=sparse-text data.rows=90 data.features=60 data.density=0.05 "
                           "data.zipf=2 data.test_share=0.4 ";
  char settings[256];
  snprintf(settings, sizeof settings, "%s data.standardize=false", of);
  sg_data *raw = made(settings, false, 2);
  sg_data *d = made(of, false, 2);
  assert_is_sparse(d);
  double square[60] = {0}, was[60] = {0};
  long fresh = 0;
  for (long k = 0; k < d->sparse->start[d->rows]; k++) {
    square[d->sparse->column[k]] += d->sparse->value[k] * d->sparse->value[k];
    was[d->sparse->column[k]] += raw->sparse->value[k] * raw->sparse->value[k];
  }
  for (int j = 0; j < 60; j++)
    assert_true(square[j] == 0 || fabs(square[j] / (double)d->rows - 1) < 1e-14);
  for (long k = 0; k < d->sparse->start[d->rows + d->test_rows]; k++) {
    int j = d->sparse->column[k];
    assert_int_equal(raw->sparse->column[k], j);
    double scaled = raw->sparse->value[k] / sqrt(was[j] / (double)d->rows);
    if (was[j] == 0) fresh++; /* a column that no training row has */
    assert_true(was[j] == 0 ? d->sparse->value[k] == 0
                            : fabs(d->sparse->value[k] - scaled) <= 1e-14 * fabs(scaled));
  }
  assert_true(fresh > 0);
  sg_data_free(raw);
  sg_data_free(d);
}

static void outlines_know_sizes(void **state) {
  sg_error e = {0};
  sg_values *v = learning_values(
      "softmax", "data=sparse-text data.rows=1000 data.features=700 data.classes=12");
  sg_data *data, *outline;
  assert_int_equal(sg_data_new(sg_object(v, "data"), false, 1, &data, &e), SG_OK);
  assert_int_equal(sg_data_outline(sg_object(v, "data"), false, 1, &outline, &e), SG_OK);
  assert_true(outline->outline && !data->outline);
  assert_non_null(outline->sparse);
  assert_null(outline->sparse->value);
  assert_null(outline->y);
  assert_int_equal(outline->rows, data->rows);
  assert_int_equal(outline->test_rows, data->test_rows);
  assert_int_equal(outline->columns, data->columns);
  assert_int_equal(outline->classes, 12);
  assert_string_equal(outline->class_name[1], "01");
  assert_true(sg_data_bytes(outline) == sg_data_bytes(data));
  assert_true(fabs(sg_data_bytes(data) - (800 * 8 + 12.0 * 800 * 7)) < 1);
  sg_data_free(data);
  sg_data_free(outline);
  sg_values_free(v);
}

/* --- Files ------------------------------------------------------------------------------------ */

/* The data of a text in LIBSVM's format. */
static sg_status read_text(const char *text, size_t length, const char *more, bool real,
                           sg_data **data, sg_error *e) {
  char path[] = "/tmp/straggle-test-XXXXXX", settings[512];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, length), (ssize_t)length);
  close(fd);
  snprintf(settings, sizeof settings, "data=libsvm data.path=%s %s", path, more);
  sg_values *v = learning_values("softmax", settings);
  sg_status status = sg_data_new(sg_object(v, "data"), real, 1, data, e);
  sg_values_free(v);
  unlink(path);
  return status;
}

static sg_data *whole(const char *text, const char *more, bool real) {
  sg_error e = {0};
  sg_data *d = NULL;
  sg_status status = read_text(text, strlen(text), more, real, &d, &e);
  for (int i = 0; i < e.count; i++) print_error("%s: %s\n", e.fault[i].place, e.fault[i].message);
  assert_int_equal(status, SG_OK);
  assert_is_sparse(d);
  return d;
}

static void files_are_read_in_every_dialect(void **state) {
  /* A byte order mark, CRLF, comments, blank lines, white space, rows without numbers, stored
   * zeros, spellings of one label, no end of the last line. */
  sg_data *d = whole("\xef\xbb\xbf# made by hand: 1:2\r\n"
                     "+1 1:0.5 \t 3:-2e3 \r\n"
                     "\r\n"
                     "-1 2:0 4:1# 5:6\n"
                     "   1.0 \n"
                     "word 1:.5\t2:+7\n"
                     "-1",
                     RAW, false);
  assert_int_equal(d->rows, 5);
  assert_int_equal(d->columns, 5);
  assert_int_equal(d->classes, 3);
  assert_string_equal(d->class_name[0], "-1");
  assert_string_equal(d->class_name[1], "+1");
  assert_string_equal(d->class_name[2], "word");
  const double y[] = {1, 0, 1, 2, 0}, value[] = {0.5, -2e3, 1, 0.5, 7};
  const int32_t column[] = {0, 2, 3, 0, 1};
  const long start[] = {0, 2, 3, 3, 5, 5};
  assert_memory_equal(d->y, y, sizeof y);
  assert_memory_equal(d->sparse->value, value, sizeof value);
  assert_memory_equal(d->sparse->column, column, sizeof column);
  assert_memory_equal(d->sparse->start, start, sizeof start);
  assert_true(d->entries == 5);
  assert_true(sg_data_bytes(d) == 5 * 8 + 5 * 12);
  sg_data_free(d);

  /* Ten comes after nine; the file may count from 0, and lack the last features. */
  d = whole("10 0:1\n9 2:1\n9.0 1:3\n", RAW "data.first_index=0 data.features=6", false);
  assert_int_equal(d->columns, 7);
  assert_int_equal(d->classes, 2);
  assert_string_equal(d->class_name[0], "9");
  assert_true(d->y[0] == 1 && d->y[1] == 0 && d->y[2] == 0);
  assert_int_equal(d->sparse->column[0], 0);
  assert_int_equal(d->sparse->column[1], 2);
  sg_data_free(d);
  d = whole("1\n2\n", RAW "data.features=3", true); /* nothing but an intercept */
  assert_int_equal(d->columns, 4);
  assert_int_equal(d->sparse->start[2], 0);
  sg_data_free(d);
  d = whole("0 2147483646:1\n1 1:1\n", RAW "data.intercept=false", false);
  assert_int_equal(d->columns, 2147483646);
  assert_int_equal(d->sparse->column[0], 2147483645);
  sg_data_free(d);
}

/* Against strtod, whatever way a number is spelt. */
static void numbers_are_rounded_exactly(void **state) {
  enum { ROWS = 20000 };
  static char text[ROWS * 64];
  static double wanted[ROWS];
  sg_stream s;
  size_t length = 0;
  sg_stream_at(&s, 6, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int i = 0; i < ROWS; i++) {
    static const char *const format[] = {"%.17g", "%.3f",  "%.15g", "%.6e",
                                         "%+.1f", "%.16g", "%.0f"};
    double x = (2 * sg_uniform(&s) - 1) * pow(10, floor(sg_uniform(&s) * 40) - 20);
    if (i % 5 == 0) x = floor(x);
    char number[128];
    snprintf(number, sizeof number, format[i % 7], i % 3 ? x : fmod(x, 1000));
    wanted[i] = strtod(number, NULL);
    length += (size_t)snprintf(text + length, sizeof text - length, "%s 1:1\n", number);
    assert_true(length < sizeof text);
  }
  sg_data *d = whole(text, RAW, true);
  assert_int_equal(d->rows, ROWS);
  for (int i = 0; i < ROWS; i++)
    if (d->y[i] != wanted[i]) fail_msg("row %d: %.17g instead of %.17g", i, d->y[i], wanted[i]);
  sg_data_free(d);
  d = whole("1e22 1:1e-22\n123456789012345e7 1:5.e0\n0.000000000000000000000001 1:.1e-9\n", RAW,
            true);
  assert_true(d->y[0] == 1e22 && d->y[1] == 123456789012345e7 && d->y[2] == 1e-24);
  assert_true(d->sparse->value[0] == 1e-22 && d->sparse->value[1] == 5);
  assert_true(d->sparse->value[2] == .1e-9);
  sg_data_free(d);
}

static void assert_fault(const sg_error *e, int i, const char *place, const char *message) {
  assert_true(i < e->count);
  size_t a = strlen(place), b = strlen(e->fault[i].place);
  if (b < a || strcmp(e->fault[i].place + b - a, place) || !strstr(e->fault[i].message, message))
    fail_msg("%d: %s: %s", i, e->fault[i].place, e->fault[i].message);
}

static void every_fault_has_its_place(void **state) {
  static const char text[] = "1 1:2\n"
                             "-1 0:3 2:x\n"
                             "1 3:1 3:2 2:1\n"
                             " 1:4\n"
                             "1 qid:3 1:1e300 2:0x1p3\n"
                             "-1 5\n"
                             "+1 4:nan 99999999999:2 5:\n"
                             "1 \xc3\xa4 7:1\n"
                             "1 1:1\r2:2\n"
                             "1 6:1 7:-inf\n";
  sg_error e = {0};
  sg_data *d = NULL;
  assert_int_equal(read_text(text, sizeof text - 1, RAW "data.features=6", false, &d, &e),
                   SG_INVALID);
  assert_null(d);
  assert_int_equal(e.count, 17);
  assert_fault(&e, 0, ":2:4", "an index ≥ 1, found 0; \"first_index\": 0 is for files that count");
  assert_fault(&e, 1, ":2:10", "a number as the value, found \"x\"");
  assert_fault(&e, 2, ":3:7", "an index > 3, as they rise in a row, found 3");
  assert_fault(&e, 3, ":3:11", "an index > 3, as they rise in a row, found 2");
  assert_fault(&e, 4, ":4:2", "a label before index:value, found \"1:4\"");
  assert_fault(&e, 5, ":5:3", "found \"qid:3\"; queries of rankings");
  assert_fault(&e, 6, ":5:11", "\"1e300\", which seems to stand for a missing value");
  assert_fault(&e, 7, ":5:19", "a number as the value, found \"0x1p3\"");
  assert_fault(&e, 8, ":6:4", "expected index:value, found \"5\"");
  assert_fault(&e, 9, ":7:6", "a finite number as the value, found \"nan\"");
  assert_fault(&e, 10, ":7:10", "an index ≤ 2147483646, found 99999999999");
  assert_fault(&e, 11, ":7:26", "a number as the value, found nothing");
  assert_fault(&e, 12, ":8:3", "expected index:value, found \"ä\"");
  assert_fault(&e, 13, ":8:5", "an index ≤ 6, as \"features\" says, found 7"); /* characters */
  assert_fault(&e, 14, ":9:6", "LF or CRLF, found CR alone");
  assert_fault(&e, 15, ":10:7", "an index ≤ 6, as \"features\" says, found 7");
  assert_fault(&e, 16, ":10:9", "a finite number as the value, found \"-inf\"");
  sg_error_clear(&e);
}

static void what_is_wrong_with_all_of_a_file_is_said(void **state) {
  static const struct {
    const char *text;
    size_t length;
    bool real;
    const char *place, *message;
  } of[] = {
      {"", 0, false, ":1", "expected rows, found none"},
      {"# only\n\n", 8, false, ":1", "expected rows, found none"},
      {"1\n2\n", 4, false, ":1", "expected rows with index:value, found none"},
      {"1 1:1\n1 2:\0 2\n", 15, false, ":2:5", "found a NUL byte"},
      {"1 1:1\n+1 2:1\n", 13, false, "/path", "at least 2 classes"},
      {"1 1:1\nyes 2:1\n", 14, true, ":2:1", "a number as the target, found \"yes\""},
      {"1 1:1\ninf 2:1\n", 14, true, ":2:1", "a finite number as the target, found \"inf\""},
  };
  for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
    sg_error e = {0};
    sg_data *d = NULL;
    assert_int_equal(read_text(of[i].text, of[i].length, RAW, of[i].real, &d, &e), SG_INVALID);
    assert_int_equal(e.count, 1);
    assert_fault(&e, 0, of[i].place, of[i].message);
    sg_error_clear(&e);
  }
  static char many[40000];
  sg_error e = {0};
  sg_data *d = NULL;
  for (int i = 0; i < 30; i++) strcat(many, "1 x\n");
  assert_int_equal(read_text(many, strlen(many), RAW, false, &d, &e), SG_INVALID);
  assert_int_equal(e.count, 21);
  assert_fault(&e, 20, "", "and 10 more faults");
  sg_error_clear(&e);
  size_t length = 0;
  for (int i = 0; i < 1001; i++)
    length += (size_t)snprintf(many + length, sizeof many - length, "%d.5 1:1\n", i);
  assert_int_equal(read_text(many, length, RAW, false, &d, &e), SG_INVALID);
  assert_int_equal(e.count, 1);
  assert_fault(&e, 0, ":1001:1", "at most 1000 distinct labels, found more; numbers to be");
  sg_error_clear(&e);
}

/* The same rows as a table of comma-separated values: the same numbers in the same order. */
static void a_file_has_the_rows_of_its_dense_twin(void **state) {
  enum { ROWS = 60, FEATURES = 9 };
  static const char more[] = "data.standardize=false data.test_share=0.25";
  char dense[8192], path[] = "/tmp/straggle-test-XXXXXX", settings[256];
  char sparse[8192];
  size_t n = 0, m = 0;
  sg_stream s;
  sg_stream_at(&s, 2, 0, SG_FOR_CHECK, 0, 0, 0);
  for (int j = 0; j < FEATURES; j++) n += (size_t)snprintf(dense + n, sizeof dense - n, "f%d,", j);
  n += (size_t)snprintf(dense + n, sizeof dense - n, "label\n");
  for (int i = 0; i < ROWS; i++) {
    const char *label = i % 3 ? "b" : "a";
    m += (size_t)snprintf(sparse + m, sizeof sparse - m, "%s", label);
    for (int j = 0; j < FEATURES; j++) {
      double x = sg_uniform(&s) < 0.7 && (j < FEATURES - 1 || i) ? 0 : sg_uniform(&s) - 0.5;
      n += (size_t)snprintf(dense + n, sizeof dense - n, "%.9g,", x);
      if (x != 0) m += (size_t)snprintf(sparse + m, sizeof sparse - m, " %d:%.9g", j + 1, x);
    }
    n += (size_t)snprintf(dense + n, sizeof dense - n, "%s\n", label);
    m += (size_t)snprintf(sparse + m, sizeof sparse - m, "\n");
  }
  int fd = mkstemp(path);
  assert_int_equal(write(fd, dense, n), (ssize_t)n);
  close(fd);
  snprintf(settings, sizeof settings, "data=csv data.path=%s data.label=label %s", path, more);
  sg_data *a = made(settings, false, 1), *b = whole(sparse, more, false);
  unlink(path);
  assert_int_equal(a->rows, b->rows);
  assert_int_equal(a->test_rows, b->test_rows);
  assert_int_equal(a->columns, b->columns);
  assert_memory_equal(a->y, b->y, ROWS * sizeof(double));
  for (long i = 0; i < ROWS; i++) {
    double x[FEATURES + 1] = {0};
    for (long k = b->sparse->start[i]; k < b->sparse->start[i + 1]; k++)
      x[b->sparse->column[k]] = b->sparse->value[k];
    for (int j = 0; j < FEATURES; j++) assert_true(a->x[i * a->columns + j] == x[j]);
  }
  sg_data_free(a);
  sg_data_free(b);
}

static void wild_columns_are_standardised_too(void **state) {
  sg_data *d = whole("0 1:3e200 2:3e-200\n1 1:4e200 2:4e-200\n",
                     "data.test_share=0 data.shuffle=false", false);
  for (int j = 0; j < 2; j++) {
    assert_true(fabs(d->sparse->value[j] - 3 / sqrt(12.5)) < 1e-14);
    assert_true(fabs(d->sparse->value[2 + j] - 4 / sqrt(12.5)) < 1e-14);
  }
  sg_data_free(d);
}

/* Each column is scaled as if its number were small. */
static void columns_of_large_numbers_are_standardised_too(void **state) {
  const char *kept = "data.test_share=0 data.shuffle=false";
  sg_data *small = whole("0 2:3 4:1 7:-2\n1 2:5 7:8\n0 4:2\n", kept, false);
  sg_data *large =
      whole("0 2:3 400000000:1 2000000000:-2\n1 2:5 2000000000:8\n0 400000000:2\n", kept, false);
  const int32_t column[] = {1, 399999999, 1999999999, 1, 1999999999, 399999999};
  assert_int_equal(large->columns, 2000000001);
  assert_memory_equal(large->sparse->column, column, sizeof column);
  assert_memory_equal(large->sparse->value, small->sparse->value, 6 * sizeof(double));
  assert_true(fabs(large->sparse->value[1] - 1 / sqrt(5.0 / 3)) < 1e-15);
  sg_data_free(small);
  sg_data_free(large);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(text_has_the_density_and_popularity_it_should),
      cmocka_unit_test(words_have_the_values_of_their_counts),
      cmocka_unit_test(rows_do_not_depend_on_what_else_is_drawn),
      cmocka_unit_test(long_rows_are_whole),
      cmocka_unit_test(targets_are_linear_in_the_features),
      cmocka_unit_test(rows_are_shuffled_as_dense_ones),
      cmocka_unit_test(standardised_columns_have_a_mean_square_of_one),
      cmocka_unit_test(outlines_know_sizes),
      cmocka_unit_test(files_are_read_in_every_dialect),
      cmocka_unit_test(numbers_are_rounded_exactly),
      cmocka_unit_test(every_fault_has_its_place),
      cmocka_unit_test(what_is_wrong_with_all_of_a_file_is_said),
      cmocka_unit_test(a_file_has_the_rows_of_its_dense_twin),
      cmocka_unit_test(wild_columns_are_standardised_too),
      cmocka_unit_test(columns_of_large_numbers_are_standardised_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
