/* SPDX-License-Identifier: MIT */
/* The reader of comma-separated values: records, places and limits. */
#include "sim/core/csv.h"
#include "sim/core/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All records as "field|field\n", with "!\n" for a faulty one. */
static char *records(const char *text, char separator, bool comments, sg_error *e) {
  sg_csv r = {
      .name = "t.csv", .separator = separator, .comment = comments ? sg_csv_skip : NULL, .e = e};
  sg_buffer b = {0};
  sg_csv_text(&r, text, strlen(text));
  sg_put(&b, "");
  for (;;) {
    sg_status status = sg_csv_next(&r);
    assert_true(!status || status == SG_INVALID);
    if (status) sg_put(&b, "!\n");
    if (status) continue;
    if (r.count == 0) break;
    for (int i = 0; i < r.count; i++) {
      sg_put(&b, i ? "|" : "");
      sg_put_bytes(&b, r.field[i].text, r.field[i].length);
    }
    sg_put(&b, "\n");
  }
  sg_csv_end(&r);
  assert_false(b.failed);
  return b.data;
}

static void dialects(void **state) {
  (void)state;
  static const struct {
    const char *text;
    char separator;
    bool comments;
    const char *records;
  } cases[] = {
      {"", ',', false, ""},
      {"\n \n\t\r\n", ',', false, ""},
      {"a,b\nc,d", ',', false, "a|b\nc|d\n"},
      {"\xef\xbb\xbf\"a\",b\r\n c , d \r\n\r\n", ',', false, "a|b\nc|d\n"},
      {"a,,\n,\n", ',', false, "a||\n|\n"},
      {"\"a,b\",\"c\"\"d\",\"\",\"\"\"\"\n", ',', false, "a,b|c\"d||\"\n"},
      {"\"one\ntwo\",3\n4,5\n", ',', false, "one\ntwo|3\n4|5\n"},
      {" \"a\" , \" b \" \n", ',', false, "a|b\n"},
      {"5\" disk,x\"y\n", ',', false, "5\" disk|x\"y\n"},
      {"# no\na,#b\n  # nor this\n", ',', true, "a|#b\n"},
      {"# yes\n", ',', false, "# yes\n"},
      {"a\t\tb \n\t\n", '\t', false, "a||b\n|\n"},
      {"a  b\n", ' ', false, "a||b\n"},
      {"a,b;c\n", ';', false, "a,b|c\n"},
      {"\"a\"b,c\nd\n", ',', false, "!\nd\n"},
      {"a\n\"b\nc\n", ',', false, "a\n!\n"},
      {"a,b\r\r\n\"c\" \r\n\r\n,\r\nd\r", ',', false, "a|b\nc\n|\nd\n"},
      {"\"a\rb\",c\r\n", ',', false, "a\rb|c\n"},
      {"\"a;b\"\n1;2\n", ',', false, "a;b\n1;2\n"}, /* one column, as its quotes say */
      {"a,b\rc,d\ne,f\n", ',', false, "!\ne|f\n"},
      {"a,b\rc,d\r", ',', false, "!\n"},
      {"# x\ra,b\r", ',', true, "!\n"},
      {"\"a\"\rb,c\nd\n", ',', false, "!\nd\n"},
      {"a;b\n1;2\n", ',', false, "!\n"},
      {"a\tb\n1\t2\n", ',', false, "!\n"},
      {"a|b\n", ';', false, "!\n"},
      {"a,b\n", '\t', false, "!\n"},
      {"\"a\"\"\"\"b\",\"\"\"c\",\"d\"\"\"\n\"\"\"e\"\n", ',', false, "a\"\"b|\"c|d\"\n\"e\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sg_error e = {0};
    char *found = records(cases[i].text, cases[i].separator, cases[i].comments, &e);
    assert_string_equal(found, cases[i].records);
    assert_int_equal(e.count, strchr(cases[i].records, '!') ? 1 : 0);
    free(found);
    sg_error_clear(&e);
  }
}

/* Lines and columns are those that an editor shows, behind a byte order mark, multi-byte characters
 * and fields that go over lines too. */
static void places(void **state) {
  (void)state;
  static const char text[] = "\xef\xbb\xbf"
                             "a,b,c\r\n"
                             "ä, 2,\"x\ny\"  ,ö,z\r\n"
                             "\n\"é\"ß,1\n"
                             "\"never\nends";
  sg_error e = {0};
  sg_csv r = {.name = "t.csv", .separator = ',', .e = &e};
  sg_csv_text(&r, text, sizeof text - 1);
  assert_int_equal(sg_csv_next(&r), SG_OK);
  sg_csv_fault(&r, 2, "third");
  sg_csv_fault(&r, 3, "behind");
  assert_int_equal(sg_csv_next(&r), SG_OK);
  assert_int_equal(r.line, 2);
  assert_int_equal(r.count, 5);
  for (int i = -1; i <= 5; i++) sg_csv_fault(&r, i, "field %d", i);
  assert_int_equal(sg_csv_next(&r), SG_INVALID);
  assert_int_equal(sg_csv_next(&r), SG_INVALID);
  assert_int_equal(sg_csv_next(&r), SG_OK);
  assert_int_equal(r.count, 0);
  sg_csv_fault_in(&r, 7, "whole");
  assert_int_equal(sg_csv_end(&r), SG_INVALID);
  static const char *const expected[] = {"1:5", "1:6", "2:1", "2:1", "2:4", "2:6",
                                         "3:6", "3:8", "3:9", "5:4", "6:1", "7"};
  assert_int_equal(e.count, 12);
  for (int i = 0; i < 12; i++) {
    char place[32];
    snprintf(place, sizeof place, "t.csv:%s", expected[i]);
    assert_string_equal(e.fault[i].place, place);
  }
  assert_string_equal(e.fault[9].message, "expected a separator after a quoted field, found \"ß\"");
  sg_error_clear(&e);
}

static void numbers(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool number;
    double x;
  } cases[] = {{"1", true, 1},          {" -2.5e3 ", true, -2500},
               {"\"+.5\"", true, 0.5},  {"1e999", true, INFINITY},
               {"inf", true, INFINITY}, {"0x10", false, 0},
               {"0X1p3", false, 0},     {"1 2", false, 0},
               {"1s", false, 0},        {"\"\"", false, 0},
               {"1\"", false, 0},       {"e5", false, 0},
               {"\"1\"\"\"", false, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int where = 0; where < 2; where++) { /* in the middle, and at the very end of the text */
      char text[64];
      double x;
      snprintf(text, sizeof text, where ? "7,%s" : "7,%s,7\n", cases[i].text);
      size_t length = strlen(text);
      char *exact = malloc(length); /* no NUL behind it */
      memcpy(exact, text, length);
      sg_error e = {0};
      sg_csv r = {.name = "t.csv", .separator = ',', .e = &e};
      sg_csv_text(&r, exact, length);
      assert_int_equal(sg_csv_next(&r), SG_OK);
      assert_int_equal(sg_csv_number(&r, 1, &x), cases[i].number);
      if (cases[i].number) assert_true(x == cases[i].x);
      bool finite = cases[i].number && isfinite(cases[i].x);
      assert_int_equal(sg_csv_finite(&r, 1, "c", &x), finite);
      assert_int_equal(sg_csv_end(&r), finite ? SG_OK : SG_INVALID);
      free(exact);
      sg_error_clear(&e);
    }
  /* A separator that could go on with a number does not. */
  sg_csv r = {.name = "t.csv", .separator = 'e'};
  double x;
  sg_csv_text(&r, "1e5\n", 4);
  assert_int_equal(sg_csv_next(&r), SG_OK);
  assert_int_equal(r.count, 2);
  assert_true(sg_csv_number(&r, 0, &x) && x == 1);
  assert_true(sg_csv_number(&r, 1, &x) && x == 5);
  sg_csv_end(&r);
}

/* Text in UTF-16, archives and the like are one fault, where the first NUL is. */
static void nul_bytes(void **state) {
  (void)state;
  static const char text[] = "a,b\n1,2\n3,\0\n\0,\0\n", utf16[] = "\xff\xfe"
                                                                  "a\0,\0b\0\n\0";
  const struct {
    const char *text;
    size_t length;
    const char *place;
  } cases[] = {{text, sizeof text - 1, "t.csv:3:3"}, {utf16, sizeof utf16 - 1, "t.csv:1:4"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sg_error e = {0};
    sg_csv r = {.name = "t.csv", .separator = ',', .e = &e};
    sg_csv_text(&r, cases[i].text, cases[i].length);
    assert_int_equal(sg_csv_next(&r), SG_INVALID);
    assert_int_equal(sg_csv_next(&r), SG_OK);
    assert_int_equal(r.count, 0);
    assert_int_equal(sg_csv_end(&r), SG_INVALID);
    assert_int_equal(e.count, 1);
    assert_string_equal(e.fault[0].place, cases[i].place);
    assert_non_null(strstr(e.fault[0].message, "NUL byte"));
    sg_error_clear(&e);
  }
}

/* Files have the largest double or float where a value is missing; 1e200 is a number like others.
 */
static void sizes(void **state) {
  (void)state;
  static const char *const marks[] = {"1.7976931348623157e308", "-1.7e308",     "1e251",
                                      "3.4028234663852886e+38", "-3.40282e+38", "3.4e38"};
  for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
    sg_error e = {0};
    sg_csv r = {.name = "t.csv", .separator = ',', .e = &e};
    double x;
    sg_csv_text(&r, marks[i], strlen(marks[i]));
    assert_int_equal(sg_csv_next(&r), SG_OK);
    assert_false(sg_csv_finite(&r, 0, "c", &x));
    assert_non_null(strstr(e.fault[0].message, "missing value"));
    sg_csv_end(&r);
    sg_error_clear(&e);
  }
  static const double fine[] = {0, 1e250, -1e200, 1e38, 3.3e38, -3.5e38, 1e-300};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) assert_true(sg_csv_is_usable(fine[i]));
  assert_false(sg_csv_is_usable(NAN));
}

/* Twenty faults are listed; what is found is cut between characters, and so is a message. */
static void limits(void **state) {
  (void)state;
  sg_error e = {0};
  sg_buffer text = {0};
  for (int i = 0; i < 59; i++) sg_put(&text, "a");
  sg_put(&text, "äb\n\xff\xfe\n");
  for (int i = 0; i < 50; i++) sg_put(&text, "x\n");
  sg_csv r = {.name = "t.csv", .separator = ',', .e = &e};
  sg_csv_text(&r, text.data, text.length);
  double x;
  while (!sg_csv_next(&r) && r.count > 0) assert_false(sg_csv_finite(&r, 0, NULL, &x));
  assert_int_equal(sg_csv_end(&r), SG_INVALID);
  assert_int_equal(e.count, SG_CSV_FAULTS + 1);
  for (int i = 0; i <= SG_CSV_FAULTS; i++)
    assert_int_equal(sg_utf8_valid(e.fault[i].message, strlen(e.fault[i].message)),
                     strlen(e.fault[i].message));
  assert_int_equal(strlen(e.fault[0].message), strlen("expected a number, found \"\"") + 59);
  assert_string_equal(e.fault[1].message, "expected a number, found \"\"");
  assert_string_equal(e.fault[SG_CSV_FAULTS].place, "t.csv");
  assert_string_equal(e.fault[SG_CSV_FAULTS].message, "and 32 more faults");
  sg_error_clear(&e);
  sg_buffer_free(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(dialects), cmocka_unit_test(places),
                                     cmocka_unit_test(numbers),  cmocka_unit_test(nul_bytes),
                                     cmocka_unit_test(sizes),    cmocka_unit_test(limits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
