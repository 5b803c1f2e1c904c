/* SPDX-License-Identifier: MIT */
#include "models/learning/data.h"
#include "models/learning/dense.h"
#include "sim/core/random.h"
#include "sim/core/text.h"
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
static sg_status make(const char *settings, bool real, uint64_t seed, sg_data **data, sg_error *e) {
  sg_values *v = learning_values("logistic-regression", settings);
  sg_status status = sg_data_new(sg_object(v, "data"), real, seed, data, e);
  sg_values_free(v);
  return status;
}

/* The data of a CSV text; the label is column "label". */
static sg_status read_csv(const char *text, const char *more, bool real, sg_data **data,
                          sg_error *e) {
  char path[] = "/tmp/straggle-test-XXXXXX", settings[512];
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  size_t length = strlen(text);
  assert_int_equal(write(fd, text, length), (ssize_t)length);
  close(fd);
  snprintf(settings, sizeof settings, "data=csv data.path=%s data.label=label %s", path, more);
  sg_status status = make(settings, real, 1, data, e);
  unlink(path);
  return status;
}

#define PLAIN "data.test_share=0 data.standardize=false data.intercept=false data.shuffle=false"

static void reads_plain_and_quoted(void **state) {
  (void)state;
  /* A byte order mark, CRLF, quotes with separator, quote and line break in them, blank lines. */
  static const char text[] = "\xef\xbb\xbf\"a\",label,b\r\n"
                             "1.5,\"x, \"\"y\"\"\",-2e3\r\n"
                             "\r\n"
                             " 2 ,\"two\nlines\", 4\r\n"
                             "3,\"x, \"\"y\"\"\",5";
  sg_error e = {0};
  sg_data *d;
  assert_int_equal(read_csv(text, PLAIN, false, &d, &e), SG_OK);
  assert_int_equal(d->rows, 3);
  assert_int_equal(d->columns, 2);
  assert_int_equal(d->classes, 2);
  assert_string_equal(d->class_name[0], "two\nlines");
  assert_string_equal(d->class_name[1], "x, \"y\"");
  const double x[] = {1.5, -2e3, 2, 4, 3, 5}, y[] = {1, 0, 1};
  assert_memory_equal(d->x, x, sizeof x);
  assert_memory_equal(d->y, y, sizeof y);
  sg_data_free(d);
}

static void reads_targets_and_ignores_columns(void **state) {
  (void)state;
  sg_error e = {0};
  sg_data *d;
  assert_int_equal(
      read_csv("id;label;a\nq1;0.5;1\nq2;-7;2\n", PLAIN " data.separator=;", true, &d, &e),
      SG_INVALID);
  assert_int_equal(e.count, 2); /* "id" is no number in either row */
  sg_error_clear(&e);
  assert_int_equal(read_csv("label,a\n0.5,1\n-7,2\n", PLAIN, true, &d, &e), SG_OK);
  assert_int_equal(d->classes, 0);
  assert_true(d->y[0] == 0.5 && d->y[1] == -7);
  assert_true(d->x[0] == 1 && d->x[1] == 2);
  sg_data_free(d);

  /* The list of ignored columns, put in by hand. */
  char path[] = "/tmp/straggle-test-XXXXXX", settings[256];
  int fd = mkstemp(path);
  static const char text[] = "id,label,a\nq1,u,1\nq2,v,2\n";
  assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
  close(fd);
  snprintf(settings, sizeof settings, "data=csv data.path=%s data.label=label " PLAIN, path);
  sg_values *v = learning_values("softmax", settings);
  sg_value *ignore = sg_values_find(sg_values_find(v, "data")->object, "ignore");
  ignore->item = calloc(1, sizeof *ignore->item);
  ignore->count = 1;
  ignore->item[0].text = strdup("id");
  assert_int_equal(sg_data_new(sg_object(v, "data"), false, 1, &d, &e), SG_OK);
  assert_int_equal(d->columns, 1);
  assert_true(d->x[0] == 1 && d->x[1] == 2);
  sg_data_free(d);
  sg_values_free(v);
  unlink(path);
}

static bool mentions(const sg_error *e, int i, const char *place, const char *message) {
  size_t a = strlen(place), b = strlen(e->fault[i].place);
  bool found = b >= a && strcmp(e->fault[i].place + b - a, place) == 0 &&
               strstr(e->fault[i].message, message);
  if (!found) print_error("%s: %s\n", e->fault[i].place, e->fault[i].message);
  return found;
}

static void lists_every_fault_with_its_line(void **state) {
  (void)state;
  sg_error e = {0};
  sg_data *d = NULL;
  assert_int_equal(read_csv("a,b,label\n"
                            "1,2,x\n"
                            "1,2\n"
                            "1,abc,y\n"
                            ",2,y\n"
                            "nan,inf,y\n"
                            "\"1\"2,3,x\n"
                            "1,2,\n"
                            "1,\"2\n\n",
                            PLAIN, false, &d, &e),
                   SG_INVALID);
  assert_null(d);
  assert_int_equal(e.count, 8);
  assert_true(mentions(&e, 0, ":3:4", "expected 3 fields, found 2"));
  assert_true(mentions(&e, 1, ":4:3", "\"b\", found \"abc\""));
  assert_true(mentions(&e, 2, ":5:1", "\"a\", found nothing"));
  assert_true(mentions(&e, 3, ":6:1", "finite number in column \"a\""));
  assert_true(mentions(&e, 4, ":6:5", "finite number in column \"b\""));
  assert_true(mentions(&e, 5, ":7:4", "after a quoted field"));
  assert_true(mentions(&e, 6, ":8:5", "expected a label"));
  assert_true(mentions(&e, 7, ":9:3", "closing quote"));
  sg_error_clear(&e);

  char text[1024] = "a,label\n";
  for (int i = 0; i < 30; i++) strcat(text, "bad,x\n");
  assert_int_equal(read_csv(text, PLAIN, false, &d, &e), SG_INVALID);
  assert_int_equal(e.count, 21);
  assert_true(mentions(&e, 20, "", "and 10 more"));
  sg_error_clear(&e);
}

static void refuses_what_cannot_be_learnt_from(void **state) {
  (void)state;
  static const struct {
    const char *text, *more, *place, *message;
  } cases[] = {
      {"a,label\n1,x\n2,x\n", PLAIN, "/learning/data/label", "at least 2 classes"},
      {"", PLAIN, ":1:1", "empty file"},
      {"a,label\n", PLAIN, ":1:1", "expected rows"},
      {"label\nx\n", PLAIN, ":1:1", "besides the label"},
      {"a,a,label\n1,2,x\n", PLAIN, ":1:3", "two columns"},
      {",a,label\n0,1,x\n1,2,y\n", PLAIN, ":1:1", "\"ignore\": [\"\"]"},
      {"a,Unnamed: 0,label\n1,0,x\n2,1,y\n", PLAIN, ":1:3", "\"ignore\": [\"Unnamed: 0\"]"},
      {"a;label\n1;x\n", PLAIN, ":1:2", "\"separator\" is for such files"},
      {"a,label\n1.7e308,x\n2,y\n", PLAIN, ":2:1", "stand for a missing value"},
      {"a,lable\n1,x\n", PLAIN, "/learning/data/label", "did you mean \"lable\"?"},
      {"1.5,x\n2,y\n", PLAIN, "/learning/data/label",
       "the header has \"1.5\", \"x\""}, /* no header */
      {"a,label\n1,x\n2,y\n", PLAIN " data.separator=;;", "/learning/data/separator",
       "one character"},
      {"a,label\n1,x\n2,y\n", "data.test_share=0.9", "/learning/data/test_share", "training rows"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sg_error e = {0};
    sg_data *d = NULL;
    assert_int_equal(read_csv(cases[i].text, cases[i].more, false, &d, &e), SG_INVALID);
    assert_int_equal(e.count, 1);
    assert_true(mentions(&e, 0, cases[i].place, cases[i].message));
    assert_null(d);
    sg_error_clear(&e);
  }
  sg_error e = {0};
  sg_data *d = NULL;
  assert_int_equal(make("data=csv data.path=/nonexistent.csv data.label=x", false, 1, &d, &e),
                   SG_NO_INPUT);
  assert_true(mentions(&e, 0, "/learning/data/path", "/nonexistent.csv"));
  sg_error_clear(&e);
}

/* An index that has a name is data like others, but not without a word. */
static void notes_a_column_that_counts(void **state) {
  (void)state;
  for (int other = 0; other < 2; other++) {
    char text[512] = "a,id,label\n";
    for (int i = 0; i < 12; i++)
      snprintf(text + strlen(text), 32, "%d,%d,%c\n", i * i, 7 + i + (other && i == 11),
               i < 6 ? 'x' : 'y');
    sg_error e = {0};
    sg_data *d;
    assert_int_equal(read_csv(text, "", false, &d, &e), SG_OK);
    if (other)
      assert_null(d->note);
    else
      assert_non_null(strstr(d->note, "column 2 of the data counts the rows"));
    sg_data_free(d);
  }
}

/* Powers of two do not change what is standardised, to the last bit, whatever the size. */
static void standardizes_huge_and_tiny_columns(void **state) {
  (void)state;
  static const int exponent[] = {0, 600, -700, 820, -1000};
  double first[60];
  for (size_t k = 0; k < sizeof exponent / sizeof *exponent; k++) {
    char text[8192] = "a,b,label\n";
    for (int i = 0; i < 30; i++)
      snprintf(text + strlen(text), 128, "%.17g,%d,%c\n", ldexp(sin(i), exponent[k]), i % 7,
               i % 3 ? 'x' : 'y');
    sg_error e = {0};
    sg_data *d;
    assert_int_equal(read_csv(text, "data.intercept=false", false, &d, &e), SG_OK);
    assert_int_equal(d->rows + d->test_rows, 30);
    if (k == 0) memcpy(first, d->x, sizeof first);
    assert_memory_equal(d->x, first, sizeof first);
    sg_data_free(d);
  }
}

static void standardizes_by_training_rows(void **state) {
  (void)state;
  char text[8192] = "a,c,label\n";
  for (int i = 0; i < 100; i++)
    snprintf(text + strlen(text), 64, "%d,0.1,%c\n", i * i, i % 3 ? 'x' : 'y');
  sg_error e = {0};
  sg_data *d;
  assert_int_equal(read_csv(text, "", false, &d, &e), SG_OK);
  assert_int_equal(d->rows, 80);
  assert_int_equal(d->test_rows, 20);
  assert_int_equal(d->columns, 3);
  assert_true(d->intercept);
  assert_ptr_equal((void *)((uintptr_t)d->x % 64), NULL);
  double sum = 0, sum2 = 0, test = 0;
  for (long i = 0; i < 80; i++) sum += d->x[3 * i], sum2 += d->x[3 * i] * d->x[3 * i];
  assert_true(fabs(sum) < 1e-12 && fabs(sum2 / 80 - 1) < 1e-12);
  for (long i = 0; i < 20; i++) test += d->test_x[3 * i];
  assert_true(fabs(test) > 1e-6); /* the test rows have a mean of their own */
  for (long i = 0; i < 100; i++) assert_true(d->x[3 * i + 1] == 0 && d->x[3 * i + 2] == 1);
  sg_data_free(d);
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void shuffles_by_the_seed_alone(void **state) {
  (void)state;
  char text[8192] = "a,label\n";
  for (int i = 0; i < 60; i++) snprintf(text + strlen(text), 64, "%d,%d\n", i, 3 * i);
  sg_error e = {0};
  sg_data *a, *b;
  const char *settings = "data.standardize=false data.intercept=false";
  assert_int_equal(read_csv(text, settings, true, &a, &e), SG_OK);
  assert_int_equal(read_csv(text, settings, true, &b, &e), SG_OK);
  assert_memory_equal(a->x, b->x, 60 * sizeof(double));
  int moved = 0;
  for (int i = 0; i < 60; i++) {
    assert_true(a->y[i] == 3 * a->x[i]); /* rows keep their targets */
    moved += a->x[i] != i;
  }
  assert_true(moved > 40);
  qsort(a->x, 60, sizeof(double), by_value);
  for (int i = 0; i < 60; i++) assert_true(a->x[i] == i);
  sg_data_free(a);
  sg_data_free(b);
}

static void mixture_has_its_separation(void **state) {
  (void)state;
  const char *settings = "data=gaussian-mixture data.rows=30000 data.features=5 data.classes=3 "
                         "data.separation=4 data.test_share=0 data.standardize=false "
                         "data.intercept=false";
  sg_error e = {0};
  sg_data *a, *b, *c;
  assert_int_equal(make(settings, false, 1, &a, &e), SG_OK);
  assert_int_equal(make(settings, false, 1, &b, &e), SG_OK);
  assert_int_equal(make(settings, false, 2, &c, &e), SG_OK);
  assert_memory_equal(a->x, b->x, 30000 * 5 * sizeof(double));
  assert_memory_not_equal(a->x, c->x, 30000 * 5 * sizeof(double));
  double mean[3][5] = {{0}}, count[3] = {0}, spread = 0;
  for (long i = 0; i < a->rows; i++) {
    int k = (int)a->y[i];
    count[k]++;
    for (int j = 0; j < 5; j++) mean[k][j] += a->x[5 * i + j];
  }
  for (int k = 0; k < 3; k++)
    for (int j = 0; j < 5; j++) mean[k][j] /= count[k];
  for (long i = 0; i < a->rows; i++)
    for (int j = 0; j < 5; j++) spread += pow(a->x[5 * i + j] - mean[(int)a->y[i]][j], 2);
  assert_true(fabs(spread / (5 * 30000.) - 1) < 0.02);
  for (int k = 0; k < 3; k++) {
    double distance = 0;
    for (int j = 0; j < 5; j++) distance += pow(mean[k][j] - mean[(k + 1) % 3][j], 2);
    assert_true(fabs(sqrt(distance) - 4) < 0.1);
    assert_true(count[k] == 10000);
  }
  sg_data_free(a);
  sg_data_free(b);
  sg_data_free(c);
}

static double pairs_right(long n, const double *score, const double *label) {
  double right = 0, pairs = 0;
  for (long i = 0; i < n; i++)
    for (long j = 0; j < n; j++)
      if (label[i] > 0 && label[j] <= 0) {
        pairs++;
        right += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
      }
  return right / pairs;
}

static double auc_of(long n, const double *score, const double *label) {
  double auc = 0;
  assert_int_equal(sg_auc(n, score, label, &auc), SG_OK);
  return auc;
}

static void auc_is_the_share_of_ordered_pairs(void **state) {
  (void)state;
  double score[200], label[200];
  for (uint32_t round = 0; round < 20; round++) {
    sg_stream s;
    sg_stream_at(&s, 7, 0, SG_FOR_CHECK, 0, round, 0);
    long n = 2 + (long)(sg_uniform(&s) * 198);
    for (long i = 0; i < n; i++) {
      score[i] = floor(sg_uniform(&s) * (round % 2 ? 5 : 1000)); /* few values: many ties */
      label[i] = i == 0 ? 1 : i == 1 ? 0 : sg_uniform(&s) < 0.3;
    }
    assert_true(fabs(auc_of(n, score, label) - pairs_right(n, score, label)) < 1e-12);
  }
  const double ones[] = {1, 1}, s[] = {0.3, NAN}, mixed[] = {0, 1};
  assert_true(isnan(auc_of(2, s, ones)) && isnan(auc_of(2, s, mixed)) && isnan(auc_of(0, s, ones)));
  const double t[] = {1, -1};
  assert_true(sg_binary_accuracy(2, t, mixed) == 0 && sg_binary_accuracy(1, t, ones) == 1);
}

static void ships_the_breast_cancer_data(void **state) {
  (void)state;
  if (access("scenarios/data/breast-cancer.csv", R_OK) != 0) skip();
  sg_error e = {0};
  sg_data *d;
  assert_int_equal(make("data=csv data.path=scenarios/data/breast-cancer.csv data.label=diagnosis",
                        false, 1, &d, &e),
                   SG_OK);
  assert_int_equal(d->rows + d->test_rows, 569);
  assert_int_equal(d->columns, 31);
  assert_string_equal(d->class_name[0], "benign");
  assert_string_equal(d->class_name[1], "malignant");
  double malignant = 0;
  for (int i = 0; i < 569; i++) malignant += d->y[i];
  assert_true(malignant == 212);
  sg_data_free(d);
}

/* All that can be known of generated data without them. */
static void outline_knows_what_the_data_are(void **state) {
  (void)state;
  sg_error e = {0};
  sg_data *data, *outline;
  sg_values *v = learning_values("softmax", "data=gaussian-mixture data.rows=103 data.features=7 "
                                            "data.classes=3 data.test_share=0.3");
  assert_int_equal(sg_data_new(sg_object(v, "data"), false, 1, &data, &e), SG_OK);
  assert_int_equal(sg_data_outline(sg_object(v, "data"), false, 1, &outline, &e), SG_OK);
  assert_true(outline->outline && !data->outline);
  assert_null(outline->x);
  assert_null(outline->y);
  assert_int_equal(outline->rows, data->rows);
  assert_int_equal(outline->test_rows, data->test_rows);
  assert_int_equal(outline->columns, data->columns);
  assert_int_equal(outline->classes, data->classes);
  sg_data_free(data);
  sg_data_free(outline);
  sg_values_free(v);
}

static void float32_is_rounded_once(void **state) {
  (void)state;
  static const char *const text = "a,label,b\n1.1,x,3e20\n2.7,y,-5e-3\n0.3,y,1e-60\n";
  sg_error e = {0};
  sg_data *wide, *d;
  for (int scaled = 0; scaled < 2; scaled++) {
    const char *base = scaled ? "data.test_share=0.34" : PLAIN;
    char single[256];
    snprintf(single, sizeof single, "%s data.storage=float32", base);
    assert_int_equal(read_csv(text, base, false, &wide, &e), SG_OK);
    assert_int_equal(read_csv(text, single, false, &d, &e), SG_OK);
    assert_true(wide->x && !wide->single && !d->x && !d->test_x && d->single);
    assert_int_equal(d->rows + d->test_rows, 3);
    assert_ptr_equal(d->test_single, d->single + d->rows * d->columns);
    for (long i = 0; i < 3 * d->columns; i++) assert_true(d->single[i] == (float)wide->x[i]);
    assert_memory_equal(d->y, wide->y, 3 * sizeof *d->y);
    assert_true(2 * sg_data_bytes(d) == sg_data_bytes(wide));
    assert_true(sg_data_bytes(d) + sg_data_making_bytes(d) == 8.0 * 3 * (double)d->columns);
    assert_true(sg_data_making_bytes(wide) == 0);
    sg_data_free(wide);
    sg_data_free(d);
  }
  assert_int_equal(
      read_csv("label,a\nx,1\ny,-1e39\n", PLAIN " data.storage=float32", false, &d, &e),
      SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "-1e+39"));
  assert_string_equal(e.fault[0].place, "/learning/data/storage");
  sg_error_clear(&e);
  assert_int_equal(
      make("data=sparse-text data.rows=50 data.features=20 data.storage=float32", false, 1, &d, &e),
      SG_INVALID);
  assert_non_null(strstr(e.fault[0].message, "sparse"));
  sg_error_clear(&e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_plain_and_quoted),
      cmocka_unit_test(reads_targets_and_ignores_columns),
      cmocka_unit_test(lists_every_fault_with_its_line),
      cmocka_unit_test(refuses_what_cannot_be_learnt_from),
      cmocka_unit_test(notes_a_column_that_counts),
      cmocka_unit_test(standardizes_by_training_rows),
      cmocka_unit_test(standardizes_huge_and_tiny_columns),
      cmocka_unit_test(shuffles_by_the_seed_alone),
      cmocka_unit_test(mixture_has_its_separation),
      cmocka_unit_test(auc_is_the_share_of_ordered_pairs),
      cmocka_unit_test(ships_the_breast_cancer_data),
      cmocka_unit_test(outline_knows_what_the_data_are),
      cmocka_unit_test(float32_is_rounded_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
