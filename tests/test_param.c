/* SPDX-License-Identifier: MIT */
/* Parameter tables and text: defaults, ranges, messages, names, copies, number formats. */
#include "sim/core/nearest.h"
#include "sim/core/param.h"
#include "sim/core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const late_work[] = {"cancel", "finish-first", NULL};
static const char *const words[] = {"workers", NULL};

static const sg_param pareto[] = {
    {.name = "shape", .kind = SG_REAL, .max = SG_UNBOUNDED, .flags = SG_REQUIRED | SG_MIN_OPEN},
    {.name = NULL}};
static const sg_variant laws[] = {
    {.name = "none", .summary = "nothing", .reference = ""},
    {.name = "pareto", .summary = "heavy", .reference = "", .params = pareto}};
static const sg_variant *law_at(int i) {
  return i < 2 ? &laws[i] : NULL;
}
static const sg_family law_family = {
    .selector = "model", .what = "delay law", .at = law_at, .fallback = "none"};
static const sg_family strict_family = {.selector = "model", .what = "uplink model", .at = law_at};

static const sg_param inner[] = {
    {.name = "step", .kind = SG_REAL, .min = 0, .max = 1, .fallback = 0.5, .flags = SG_MAX_OPEN},
    {.name = "seed", .kind = SG_SEED, .text = "7"},
    {.name = NULL}};
static const sg_param item[] = {{.name = "item", .kind = SG_INT}, {.name = NULL}};

static const sg_param table[] = {
    {.name = "workers", .kind = SG_INT, .min = 1, .max = SG_UNBOUNDED, .flags = SG_REQUIRED},
    {.name = "d", .kind = SG_INT, .min = 1, .max = 8, .fallback = 3},
    {.name = "free", .kind = SG_REAL, .fallback = -2},
    {.name = "subsets", .kind = SG_INT, .min = 1, .max = 99, .text = "workers", .choices = words},
    {.name = "late_work", .kind = SG_CHOICE, .choices = late_work, .fallback = 1},
    {.name = "shuffle", .kind = SG_BOOL, .fallback = 1},
    {.name = "label", .kind = SG_TEXT, .text = "diagnosis"},
    {.name = "target", .kind = SG_REAL, .flags = SG_OPTIONAL},
    {.name = "optimizer", .kind = SG_OBJECT, .fields = inner},
    {.name = "law", .kind = SG_FAMILY, .family = &law_family},
    {.name = "uplink", .kind = SG_FAMILY, .family = &strict_family},
    {.name = "list", .kind = SG_LIST, .fields = item, .min = 1, .max = 4},
    {.name = NULL}};

static sg_values *new_values(void) {
  sg_values *v = sg_values_new(table, NULL, "/x");
  assert_non_null(v);
  return v;
}

static void expect_fault(sg_error *e, sg_status status, const char *place, const char *message) {
  assert_int_equal(status, SG_INVALID);
  assert_int_equal(e->count, 1);
  assert_string_equal(e->fault[0].place, place);
  assert_string_equal(e->fault[0].message, message);
  sg_error_clear(e);
}

static void test_defaults(void **state) {
  (void)state;
  sg_values *v = new_values();
  assert_false(sg_given(v, "workers"));
  assert_int_equal(sg_int(v, "d"), 3);
  assert_true(sg_real(v, "free") == -2);
  assert_string_equal(sg_text(v, "subsets"), "workers");
  assert_int_equal(sg_choice(v, "late_work"), 1);
  assert_string_equal(sg_text(v, "late_work"), "finish-first");
  assert_true(sg_bool(v, "shuffle"));
  assert_string_equal(sg_text(v, "label"), "diagnosis");
  assert_false(sg_given(v, "target"));
  assert_true(sg_real(sg_object(v, "optimizer"), "step") == 0.5);
  assert_int_equal(sg_seed(sg_object(v, "optimizer"), "seed"), 7);
  assert_string_equal(sg_object(v, "optimizer")->pointer, "/x/optimizer");
  assert_string_equal(sg_object(v, "law")->variant->name, "none");
  assert_null(sg_object(v, "uplink"));
  assert_int_equal(sg_count(v, "list"), 0);
  sg_values_free(v);
}

static void test_set(void **state) {
  (void)state;
  sg_error e = {0};
  sg_values *v = new_values();
  assert_int_equal(sg_values_set_number(v, "workers", 12, &e), SG_OK);
  assert_int_equal(sg_values_set_number(v, "subsets", 24, &e), SG_OK);
  assert_int_equal(sg_values_set_bool(v, "shuffle", false, &e), SG_OK);
  assert_int_equal(sg_values_set_string(v, "late_work", "cancel", &e), SG_OK);
  assert_int_equal(sg_values_set_number(v, "free", 1e300, &e), SG_OK);
  assert_int_equal(sg_int(v, "workers"), 12);
  assert_true(sg_given(v, "workers"));
  assert_null(sg_text(v, "subsets"));
  assert_int_equal(sg_int(v, "subsets"), 24);
  assert_int_equal(sg_values_set_string(v, "subsets", "workers", &e), SG_OK);
  assert_string_equal(sg_text(v, "subsets"), "workers");
  assert_false(sg_bool(v, "shuffle"));
  assert_int_equal(sg_choice(v, "late_work"), 0);
  assert_true(sg_real(v, "free") == 1e300);
  assert_int_equal(e.count, 0);
  sg_values_free(v);
}

static void test_messages(void **state) {
  (void)state;
  sg_error e = {0};
  sg_values *v = new_values();
  expect_fault(&e, sg_values_set_number(v, "workers", -1, &e), "/x/workers",
               "expected a whole number ≥ 1, found -1");
  expect_fault(&e, sg_values_set_number(v, "d", 2.5, &e), "/x/d",
               "expected a whole number ≥ 1 and ≤ 8, found 2.5");
  expect_fault(&e, sg_values_set_number(v, "d", 9, &e), "/x/d",
               "expected a whole number ≥ 1 and ≤ 8, found 9");
  expect_fault(&e, sg_values_set_number(v, "workers", 1e17, &e), "/x/workers",
               "expected a whole number ≥ 1, found 1e+17");
  expect_fault(&e, sg_values_set_number(v, "free", NAN, &e), "/x/free",
               "expected a number, found not a number");
  expect_fault(&e, sg_values_set_string(v, "workers", "3", &e), "/x/workers",
               "expected a whole number ≥ 1, found the string \"3\"");
  expect_fault(&e, sg_values_set_bool(v, "label", true, &e), "/x/label",
               "expected a string, found true");
  expect_fault(&e, sg_values_set_number(v, "label", 4, &e), "/x/label",
               "expected a string, found the number 4");
  expect_fault(&e, sg_values_set_string(v, "late_work", "canel", &e), "/x/late_work",
               "expected one of \"cancel\", \"finish-first\", found \"canel\"; did you mean "
               "\"cancel\"?");
  expect_fault(
      &e, sg_values_set_string(v, "subsets", "worker", &e), "/x/subsets",
      "expected a whole number ≥ 1 and ≤ 99 or \"workers\", found \"worker\"; did you mean "
      "\"workers\"?");
  expect_fault(&e, sg_values_set_number(v, "worker", 3, &e), "/x/worker",
               "unknown member \"worker\"; did you mean \"workers\"?");
  expect_fault(&e, sg_fail_at(&e, v, "d", "expected d ≥ %d", 4), "/x/d", "expected d ≥ 4");
  expect_fault(&e, sg_fail_at(&e, v, NULL, "no"), "/x", "no");
  /* A refused value leaves the old one. */
  assert_int_equal(sg_int(v, "d"), 3);
  assert_false(sg_given(v, "d"));
  sg_values_free(v);
}

static void test_open_bounds(void **state) {
  (void)state;
  sg_error e = {0};
  sg_values *v = sg_values_new(inner, &laws[1], "");
  assert_non_null(v);
  assert_int_equal(sg_values_set_number(v, "step", 0, &e), SG_OK);
  assert_int_equal(sg_values_set_number(v, "shape", 1e-300, &e), SG_OK);
  expect_fault(&e, sg_values_set_number(v, "step", 1, &e), "/step",
               "expected a number ≥ 0 and < 1, found 1");
  expect_fault(&e, sg_values_set_number(v, "shape", 0, &e), "/shape",
               "expected a number > 0, found 0");
  expect_fault(&e, sg_values_set_number(v, "shap", 0, &e), "/shap",
               "unknown member \"shap\" of \"pareto\"; did you mean \"shape\"?");
  sg_values_free(v);
}

static void test_seeds(void **state) {
  (void)state;
  sg_error e = {0};
  sg_values *v = sg_values_new(inner, NULL, "");
  assert_int_equal(sg_values_set_number(v, "seed", 9007199254740992.0, &e), SG_OK);
  assert_true(sg_seed(v, "seed") == UINT64_C(9007199254740992));
  assert_int_equal(sg_values_set_string(v, "seed", "18446744073709551615", &e), SG_OK);
  assert_true(sg_seed(v, "seed") == UINT64_MAX);
  assert_int_equal(sg_values_set_string(v, "seed", "0042", &e), SG_OK);
  assert_string_equal(sg_text(v, "seed"), "42");
  assert_int_equal(e.count, 0);
  const char *const bad[] = {"18446744073709551616", "", "-1", " 1", "1x", "0x10"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(sg_values_set_string(v, "seed", bad[i], &e), SG_INVALID);
    sg_error_clear(&e);
  }
  const double wrong[] = {-1, 0.5, 9007199254740994.0, INFINITY};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_int_equal(sg_values_set_number(v, "seed", wrong[i], &e), SG_INVALID);
    sg_error_clear(&e);
  }
  assert_true(sg_seed(v, "seed") == 42);
  sg_values_free(v);
}

static void test_parse(void **state) {
  (void)state;
  sg_error e = {0};
  sg_values *v = new_values();
  assert_int_equal(sg_values_parse(v, "d", "8", &e), SG_OK);
  assert_int_equal(sg_values_parse(v, "free", "-1.5e-3", &e), SG_OK);
  assert_int_equal(sg_values_parse(v, "shuffle", "false", &e), SG_OK);
  assert_int_equal(sg_values_parse(v, "label", "8", &e), SG_OK);
  assert_int_equal(sg_values_parse(v, "late_work", "cancel", &e), SG_OK);
  assert_int_equal(sg_values_parse(v, "subsets", "workers", &e), SG_OK);
  assert_int_equal(sg_int(v, "d"), 8);
  assert_true(sg_real(v, "free") == -1.5e-3);
  assert_false(sg_bool(v, "shuffle"));
  assert_string_equal(sg_text(v, "label"), "8");
  const char *const bad[] = {"", "x", "0x3", "inf", "nan", "1 ", "1e", "--1"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(sg_values_parse(v, "d", bad[i], &e), SG_INVALID);
    sg_error_clear(&e);
  }
  expect_fault(&e, sg_values_parse(v, "shuffle", "yes", &e), "/x/shuffle",
               "expected true or false, found the string \"yes\"");
  sg_values_free(v);
}

static void test_parse_lists(void **state) {
  (void)state;
  static const sg_param number[] = {SG_ROW_INT("item", 1, 9, "."), {0}};
  static const sg_param lists[] = {SG_ROW_LIST("list", number, 0, 0, "."), {0}};
  sg_error e = {0};
  sg_values *v = sg_values_new(lists, NULL, "/x");
  assert_int_equal(sg_values_parse(v, "list", "1,3,9", &e), SG_OK);
  assert_int_equal(sg_count(v, "list"), 3);
  assert_true(sg_item(v, "list", 0)->number == 1 && sg_item(v, "list", 2)->number == 9);
  assert_int_equal(sg_values_parse(v, "list", "4", &e), SG_OK);
  assert_int_equal(sg_count(v, "list"), 1);
  assert_true(sg_given(v, "list"));
  expect_fault(&e, sg_values_parse(v, "list", "1,,2", &e), "/x/list",
               "expected a whole number ≥ 1 and ≤ 9, found the string \"\"");
  expect_fault(&e, sg_values_parse(v, "list", "1,10", &e), "/x/list",
               "expected a whole number ≥ 1 and ≤ 9, found 10");
  assert_false(sg_given(v, "list"));
  sg_values_free(v);
}

static void test_required(void **state) {
  (void)state;
  static const sg_param nested[] = {
      {.name = "cluster", .kind = SG_OBJECT, .fields = table, .flags = SG_REQUIRED},
      {.name = NULL}};
  sg_error e = {0};
  sg_values *v = sg_values_new(nested, NULL, "");
  expect_fault(&e, sg_values_check_required(v, &e), "/cluster",
               "\"cluster\" is missing; expected an object");
  sg_values *cluster = sg_values_find(v, "cluster")->object;
  assert_int_equal(sg_values_set_number(cluster, "d", 2, &e), SG_OK);
  expect_fault(&e, sg_values_check_required(v, &e), "/cluster/workers",
               "\"workers\" is missing; expected a whole number ≥ 1");
  assert_int_equal(sg_values_set_number(cluster, "workers", 2, &e), SG_OK);
  assert_int_equal(sg_values_check_required(v, &e), SG_OK);
  sg_values_free(v);
}

static void test_copy(void **state) {
  (void)state;
  sg_error e = {0};
  sg_values *v = new_values();
  sg_values_set_number(v, "workers", 5, &e);
  sg_values_set_string(v, "label", "other", &e);
  sg_value *list = sg_values_find(v, "list");
  assert_true(sg_value_new_items(list, 2));
  assert_int_equal(sg_value_set_number(item, &list->item[1], "/x/list/1", 9, &e), SG_OK);
  sg_values *copy = sg_values_copy(v);
  assert_non_null(copy);
  sg_values_free(v);
  assert_int_equal(sg_int(copy, "workers"), 5);
  assert_string_equal(sg_text(copy, "label"), "other");
  assert_int_equal(sg_count(copy, "list"), 2);
  assert_true(sg_item(copy, "list", 1)->number == 9);
  assert_true(sg_real(sg_object(copy, "optimizer"), "step") == 0.5);
  assert_string_equal(copy->pointer, "/x");
  sg_values_free(copy);
}

static void test_nearest(void **state) {
  (void)state;
  const char *const names[] = {"cyclic-repetition", "group", "logistic-regression", "s", "d", NULL};
  assert_string_equal(sg_nearest("cyclic-repitition", names), "cyclic-repetition");
  assert_string_equal(sg_nearest("gruop", names), "group");
  assert_string_equal(sg_nearest("Group", names), "group");
  assert_string_equal(sg_nearest("logistic", names), "logistic-regression");
  assert_null(sg_nearest("k", names));
  assert_null(sg_nearest("", names));
  assert_null(sg_nearest("something else entirely", names));
  char longest[200];
  memset(longest, 'x', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  assert_null(sg_nearest(longest, names));
}

static void test_variants(void **state) {
  (void)state;
  assert_ptr_equal(sg_family_find(&law_family, "pareto"), &laws[1]);
  assert_null(sg_family_find(&law_family, "Pareto"));
  sg_error e = {0};
  expect_fault(&e, sg_fail_variant(&e, "/d/model", &law_family, "parto"), "/d/model",
               "unknown delay law \"parto\"; did you mean \"pareto\"? There are \"none\", "
               "\"pareto\"");
  expect_fault(&e, sg_fail_variant(&e, "/d", &strict_family, NULL), "/d",
               "\"model\" is missing; expected the name of an uplink model: \"none\", \"pareto\"");
}

static void test_pointers(void **state) {
  (void)state;
  char *p = sg_pointer_join("/a", "b/c~d");
  assert_string_equal(p, "/a/b~1c~0d");
  free(p);
}

/* --- text.c ----------------------------------------------------------------------------------- */

static void expect_text(sg_buffer *b, const char *text) {
  assert_false(b->failed);
  assert_string_equal(b->data, text);
  sg_buffer_free(b);
}

static void test_json_text(void **state) {
  (void)state;
  sg_buffer b = {0};
  sg_put(&b, "{");
  sg_put_json_name(&b, "a");
  sg_put_json_string(&b, "\"\\\n\t\x01π\xff");
  sg_put_json_name(&b, "b");
  sg_put_json_number(&b, INFINITY);
  sg_put(&b, "}");
  expect_text(&b, "{\"a\": \"\\\"\\\\\\n\\t\\u0001π\\ufffd\", \"b\": null}");
}

static void test_json_numbers(void **state) {
  (void)state;
  const struct {
    double x;
    const char *text;
  } known[] = {{0.1, "0.1"},    {1e6, "1000000"}, {1.0 / 3, "0.3333333333333333"},
               {1e22, "1e+22"}, {-0.5, "-0.5"},   {9007199254740992.0, "9007199254740992"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    sg_buffer b = {0};
    sg_put_json_number(&b, known[i].x);
    expect_text(&b, known[i].text);
  }
  double x = 1;
  for (int i = 0; i < 2000; i++) {
    x = fmod(x * 1.6180339887498949 + 1e-3 * i, 1e6) * (i % 7 ? 1 : 1e-290);
    sg_buffer b = {0};
    sg_put_json_number(&b, x);
    assert_true(strtod(b.data, NULL) == x);
    sg_buffer_free(&b);
  }
}

static void test_buffer_grows(void **state) {
  (void)state;
  sg_buffer b = {0};
  for (int i = 0; i < 5000; i++) sg_putf(&b, "%04d", i);
  assert_int_equal(b.length, 20000);
  assert_memory_equal(b.data + 4 * 1234, "1234", 4);
  assert_int_equal(strlen(b.data), 20000);
  sg_buffer_free(&b);
  assert_null(b.data);
}

static void test_people(void **state) {
  (void)state;
  char out[32];
  const struct {
    double x;
    const char *text;
  } seconds[] = {{0, "0 s"},          {2.5e-6, "2.5 µs"},
                 {0.25, "250 ms"},    {3.2, "3.2 s"},
                 {42, "42 s"},        {59.99, "1 min 0 s"},
                 {250, "4 min 10 s"}, {3599.9, "1 h 0 min"},
                 {7500, "2 h 5 min"}, {90000, "1 d 1 h"},
                 {NAN, "–"}},
    bytes[] = {{0, "0 B"}, {999, "999 B"}, {999.9, "1.0 kB"}, {1.2e6, "1.2 MB"}, {25e9, "25 GB"}};
  for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++)
    assert_string_equal(sg_format_seconds(seconds[i].x, out), seconds[i].text);
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++)
    assert_string_equal(sg_format_bytes(bytes[i].x, out), bytes[i].text);
}

static void test_sha256(void **state) {
  (void)state;
  char hex[65]; /* FIPS 180-2, example B.1 */
  sg_sha256("abc", 3, hex);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void test_utf8(void **state) {
  (void)state;
  assert_int_equal(sg_utf8_valid("aπ≥😀", 10), 10);
  assert_int_equal(sg_utf8_valid("a\xc0\x80", 3), 1);        /* overlong */
  assert_int_equal(sg_utf8_valid("\xed\xa0\x80", 3), 0);     /* a surrogate */
  assert_int_equal(sg_utf8_valid("ab\xe2\x89", 4), 2);       /* cut short */
  assert_int_equal(sg_utf8_valid("\xf4\x90\x80\x80", 4), 0); /* beyond U+10FFFF */
}

static void test_read_file(void **state) {
  (void)state;
  char path[] = "/tmp/test_param.XXXXXX", *data;
  size_t length;
  sg_error e = {0};
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "a\0b\n", 4), 4);
  close(fd);
  assert_int_equal(sg_read_file(path, NULL, &data, &length, &e), SG_OK);
  assert_int_equal(length, 4);
  assert_memory_equal(data, "a\0b\n", 5);
  free(data);
  unlink(path);
  assert_int_equal(sg_read_file(path, NULL, &data, &length, &e), SG_NO_INPUT);
  assert_null(data);
  assert_non_null(strstr(e.fault[0].message, "No such file"));
  sg_error_clear(&e);
  /* Nothing that has no end, that waits for somebody, or that would fill the memory. */
  assert_int_equal(mkfifo(path, 0600), 0);
  const struct {
    const char *path, *found;
  } others[] = {{"/", "found a folder"},
                {path, "found a pipe"},
                {"/dev/zero", "found a device"},
                {"/proc/self/mem", "cannot read"}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    sg_status status = sg_read_file(others[i].path, "/here", &data, &length, &e);
    assert_true(status == SG_NO_INPUT || (status == SG_IO && i == 3));
    assert_null(data);
    assert_string_equal(e.fault[0].place, "/here");
    assert_non_null(strstr(e.fault[0].message, others[i].found));
    sg_error_clear(&e);
  }
  unlink(path);
  assert_int_equal(sg_read_file("/proc/self/status", NULL, &data, &length, &e), SG_OK);
  assert_true(length > 10); /* though its size is 0 */
  free(data);
  fd = open(path, O_CREAT | O_WRONLY, 0600);
  assert_int_equal(ftruncate(fd, (off_t)SG_FILE_BYTES + 1), 0); /* sparse */
  close(fd);
  assert_int_equal(sg_read_file(path, NULL, &data, &length, &e), SG_NO_INPUT);
  assert_non_null(strstr(e.fault[0].message, "expected at most 4.0 GB"));
  assert_int_equal(sg_read_input(path, &data, &length, &e), SG_NO_INPUT);
  assert_non_null(strstr(e.fault[1].message, "expected at most 256 MB"));
  unlink(path);
  sg_error_clear(&e);
}

static const sg_param matrix_table[] = {
    {.name = "generator", .kind = SG_MATRIX, .flags = SG_OPTIONAL}, {.name = NULL}};

/* Writes a file of that text and sets the member to it. *path is the file's name. */
static sg_status set_matrix(sg_values *v, const char *text, char path[32], sg_error *e) {
  strcpy(path, "/tmp/test_param.XXXXXX");
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
  close(fd);
  sg_status status = sg_values_parse(v, "generator", path, e);
  unlink(path);
  return status;
}

static void test_matrix(void **state) {
  (void)state;
  sg_values *v = sg_values_new(matrix_table, NULL, "/x");
  sg_error e = {0};
  char path[32], hex[65];
  static const char text[] = "\xef\xbb\xbf# a comment\r\n 1 ,-2.5e0,\t3\r\n\r\n0,1e-3,.5";
  static const double expected[] = {1, -2.5, 3, 0, 1e-3, .5};
  assert_null(sg_matrix_of(v, "generator"));
  assert_int_equal(set_matrix(v, text, path, &e), SG_OK);
  assert_string_equal(sg_text(v, "generator"), path);
  const sg_matrix *m = sg_matrix_of(v, "generator");
  assert_true(m->rows == 2 && m->columns == 3);
  assert_memory_equal(m->number, expected, sizeof expected);
  sg_sha256(text, strlen(text), hex);
  assert_string_equal(m->sha256, hex);
  /* A copy is its own; a new file replaces the old one. */
  sg_values *copy = sg_values_copy(v);
  assert_int_equal(set_matrix(v, "7", path, &e), SG_OK);
  m = sg_matrix_of(copy, "generator");
  assert_true(m->rows == 2 && m->number[5] == .5);
  m = sg_matrix_of(v, "generator");
  assert_true(m->rows == 1 && m->columns == 1 && m->number[0] == 7);
  sg_values_free(copy);
  sg_values_free(v);
}

static void test_matrix_faults(void **state) {
  (void)state;
  static const struct {
    const char *text, *place, *message;
  } fault[] = {
      {"", ":1:1", "expected rows of numbers, found an empty file"},
      {"# nothing\n\n", ":1:1", "expected rows of numbers, found an empty file"},
      {"1,2\n3\n", ":2:2", "expected 2 numbers as in the first row, found 1"},
      {"1,2\n3, 4, 5,6\n", ":2:7", "expected 2 numbers as in the first row, found 4"},
      {"1,2\n3,zwölf\n", ":2:3", "expected a number, found \"zwölf\""},
      {"1,2\n\n 3,0x10\n", ":3:4", "expected a number, found \"0x10\""},
      {"1,nan\n", ":1:3", "expected a finite number, found \"nan\""},
      {"-inf\n", ":1:1", "expected a finite number, found \"-inf\""},
      {"1,1e999\n", ":1:3", "expected a finite number, found \"1e999\""},
      {"1,,2\n", ":1:3", "expected a number, found nothing"},
      {"1,2,\n", ":1:5", "expected a number, found nothing"},
      {"1 2\n", ":1:1", "expected a number, found \"1 2\""},
  };
  sg_values *v = sg_values_new(matrix_table, NULL, "/x");
  sg_error e = {0};
  char path[32], place[64];
  for (size_t i = 0; i < sizeof fault / sizeof *fault; i++) {
    assert_int_equal(set_matrix(v, fault[i].text, path, &e), SG_INVALID);
    assert_null(sg_matrix_of(v, "generator"));
    snprintf(place, sizeof place, "%s%s", path, fault[i].place);
    expect_fault(&e, SG_INVALID, place, fault[i].message);
  }
  /* All faults are listed, up to a limit. */
  assert_int_equal(set_matrix(v, "1,a\nb,2\n3\n", path, &e), SG_INVALID);
  assert_int_equal(e.count, 3);
  sg_error_clear(&e);
  char many[80] = "";
  for (int i = 0; i < 30; i++) strcat(many, "x\n");
  assert_int_equal(set_matrix(v, many, path, &e), SG_INVALID);
  assert_int_equal(e.count, 21);
  assert_string_equal(e.fault[20].message, "and 10 more faults");
  sg_error_clear(&e);
  /* No file: at the member, where the name is. */
  assert_int_equal(sg_values_parse(v, "generator", "/nowhere/g.csv", &e), SG_NO_INPUT);
  assert_string_equal(e.fault[0].place, "/x/generator");
  assert_string_equal(e.fault[0].message,
                      "cannot open \"/nowhere/g.csv\": No such file or directory");
  sg_error_clear(&e);
  assert_int_equal(sg_values_set_number(v, "generator", 3, &e), SG_INVALID);
  expect_fault(&e, SG_INVALID, "/x/generator",
               "expected the name of a CSV file of numbers, found the number 3");
  sg_values_free(v);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),      cmocka_unit_test(test_set),
      cmocka_unit_test(test_messages),      cmocka_unit_test(test_open_bounds),
      cmocka_unit_test(test_seeds),         cmocka_unit_test(test_parse),
      cmocka_unit_test(test_parse_lists),   cmocka_unit_test(test_required),
      cmocka_unit_test(test_copy),          cmocka_unit_test(test_nearest),
      cmocka_unit_test(test_variants),      cmocka_unit_test(test_pointers),
      cmocka_unit_test(test_json_text),     cmocka_unit_test(test_json_numbers),
      cmocka_unit_test(test_buffer_grows),  cmocka_unit_test(test_people),
      cmocka_unit_test(test_sha256),        cmocka_unit_test(test_utf8),
      cmocka_unit_test(test_read_file),     cmocka_unit_test(test_matrix),
      cmocka_unit_test(test_matrix_faults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
