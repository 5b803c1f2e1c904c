/* SPDX-License-Identifier: MIT */
/* Tables: alignment, fitting a terminal, CSV quoting, JSON that parses, Markdown. */
#include "sim/core/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <math.h>

static sg_table *sample(void) {
  const char *names[] = {"scheme", "iter_mean_s", "count"};
  sg_table *t = sg_table_new(3, names);
  assert_non_null(t);
  sg_table_text(t, "uncoded");
  sg_table_number(t, 31.4159265, 4);
  sg_table_integer(t, 7);
  sg_table_text(t, "group, \"d\" = 4");
  sg_table_number(t, NAN, 4);
  sg_table_integer(t, 12345);
  return t;
}

static char *print(const sg_table *t, sg_format format, int width) {
  sg_buffer out = {0};
  sg_table_print(t, format, width, &out);
  assert_false(out.failed);
  return out.data;
}

static void check(const sg_table *t, sg_format format, int width, const char *expected) {
  char *text = print(t, format, width);
  assert_string_equal(text, expected);
  free(text);
}

static void test_text(void **state) {
  (void)state;
  sg_table *t = sample();
  assert_int_equal(sg_table_rows(t), 2);
  check(t, SG_FORMAT_TEXT, 0,
        "scheme          iter_mean_s  count\n"
        "──────────────  ───────────  ─────\n"
        "uncoded               31.42      7\n"
        "group, \"d\" = 4               12345\n");
  sg_table_free(t);
}

static void test_text_cells_are_wrapped_to_fit(void **state) {
  (void)state;
  sg_table *t = sample();
  check(t, SG_FORMAT_TEXT, 30,
        "scheme      iter_mean_s  count\n"
        "──────────  ───────────  ─────\n"
        "uncoded           31.42      7\n"
        "group, \"d\"               12345\n"
        "= 4                           \n");
  sg_table_free(t);
}

static void test_blocks_repeat_the_first_column(void **state) {
  (void)state;
  sg_table *t = sample();
  /* Column 0 takes half of the width at most. */
  check(t, SG_FORMAT_TEXT, 25,
        "scheme        iter_mean_s\n"
        "────────────  ───────────\n"
        "uncoded             31.42\n"
        "group, \"d\" =             \n"
        "4                        \n"
        "\n"
        "scheme        count\n"
        "────────────  ─────\n"
        "uncoded           7\n"
        "group, \"d\" =  12345\n"
        "4                  \n");
  sg_table_free(t);
}

/* Words stay whole where they fit; nothing is lost of what does not, of any length. */
static void test_long_cells_are_wrapped(void **state) {
  (void)state;
  const char *names[] = {"what", "n"};
  sg_table *t = sg_table_new(2, names);
  sg_table_text(t,
                "a word or two: \xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9 abcdefghijklmno");
  sg_table_integer(t, 1);
  check(t, SG_FORMAT_TEXT, 13,
        "what        n\n"
        "──────────  ─\n"
        "a word or   1\n"
        "two:         \n"
        "éééééé       \n"
        "abcdefghij   \n"
        "klmno        \n");
  sg_table_free(t);
  char *x = malloc(100001);
  memset(x, 'x', 100000);
  x[100000] = '\0';
  t = sg_table_new(2, names);
  sg_table_text(t, x);
  sg_table_integer(t, 1);
  char *text = print(t, SG_FORMAT_TEXT, 40);
  size_t count = 0;
  for (const char *at = text; *at; at++) count += *at == 'x';
  assert_int_equal(count, 100000);
  free(text);
  free(x);
  sg_table_free(t);
}

static void test_numbers_of_people(void **state) {
  (void)state;
  static const struct {
    double x;
    int digits;
    const char *text;
  } cases[] = {{9.996, 3, "10.0"},   {0.000123456, 3, "0.000123"},
               {1234.56, 3, "1235"}, {1e-9, 3, "1e-09"},
               {100, 3, "100"},      {-0.0, 3, "0"},
               {-2.5, 3, "-2.50"},   {1.25e12 + 0.5, 3, "1.25e+12"}};
  const char *name = "x";
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sg_table *t = sg_table_new(1, &name);
    sg_table_number(t, cases[i].x, cases[i].digits);
    char *text = print(t, SG_FORMAT_TEXT, 0);
    text[strlen(text) - 1] = '\0';
    const char *line = strrchr(text, '\n') + 1;
    assert_string_equal(line + strspn(line, " "), cases[i].text);
    free(text);
    sg_table_free(t);
  }
}

static void test_csv(void **state) {
  (void)state;
  sg_table *t = sample();
  sg_table_text(t, "");
  sg_table_number(t, 0.1, 2);
  sg_table_text(t, NULL);
  check(t, SG_FORMAT_CSV, 10,
        "scheme,iter_mean_s,count\n"
        "uncoded,31.4159265,7\n"
        "\"group, \"\"d\"\" = 4\",,12345\n"
        "\"\",0.1,\n");
  sg_table_free(t);
}

static void test_json_parses(void **state) {
  (void)state;
  sg_table *t = sample();
  char *text = print(t, SG_FORMAT_JSON, 10);
  cJSON *root = cJSON_Parse(text);
  assert_non_null(root);
  assert_int_equal(cJSON_GetArraySize(root), 2);
  const cJSON *second = cJSON_GetArrayItem(root, 1);
  assert_string_equal(cJSON_GetObjectItem(second, "scheme")->valuestring, "group, \"d\" = 4");
  assert_true(cJSON_IsNull(cJSON_GetObjectItem(second, "iter_mean_s")));
  const cJSON *first = cJSON_GetArrayItem(root, 0);
  assert_true(cJSON_GetObjectItem(first, "iter_mean_s")->valuedouble == 31.4159265);
  assert_int_equal(cJSON_GetObjectItem(first, "count")->valueint, 7);
  cJSON_Delete(root);
  free(text);
  sg_table_free(t);
}

static void test_empty_json(void **state) {
  (void)state;
  const char *name = "x";
  sg_table *t = sg_table_new(1, &name);
  check(t, SG_FORMAT_JSON, 0, "[]\n");
  check(t, SG_FORMAT_CSV, 0, "x\n");
  check(t, SG_FORMAT_TEXT, 0, "x\n─\n");
  sg_table_free(t);
}

static void test_markdown(void **state) {
  (void)state;
  const char *names[] = {"a|b", "n"};
  sg_table *t = sg_table_new(2, names);
  sg_table_text(t, "x|y\nz");
  sg_table_number(t, 2.0 / 3, 3);
  check(t, SG_FORMAT_MARKDOWN, 0, "| a\\|b | n |\n|---|---:|\n| x\\|y z | 0.667 |\n");
  sg_table_free(t);
}

static void test_latex(void **state) {
  (void)state;
  const char *names[] = {"a_b", "n"};
  sg_table *t = sg_table_new(2, names);
  sg_table_text(t, "50 % & {$x^2$} \\ ~#<|>\n2.03× [1]");
  sg_table_number(t, 2.0 / 3, 3);
  check(t, SG_FORMAT_LATEX, 0,
        "\\begin{tabular}{lr}\n\\toprule\na\\_b & n \\\\\n\\midrule\n"
        "50 \\% \\& \\{\\$x\\textasciicircum{}2\\$\\} \\textbackslash{} \\textasciitilde{}\\#"
        "\\textless{}\\textbar{}\\textgreater{} 2.03\\(\\times\\) {[}1{]} & 0.667 \\\\\n"
        "\\bottomrule\n\\end{tabular}\n");
  sg_table_free(t);
}

static void test_choose_and_order(void **state) {
  (void)state;
  const char *names[] = {"name", "x", "n"};
  sg_table *t = sg_table_new(3, names);
  static const double x[] = {3, NAN, 1, 3};
  for (int i = 0; i < 4; i++) {
    sg_table_text(t, (const char *[]){"d", "a", "c", "b"}[i]);
    sg_table_number(t, x[i], 3);
    sg_table_integer(t, i);
  }
  assert_int_equal(sg_table_find(t, "n"), 2);
  assert_int_equal(sg_table_find(t, "m"), -1);
  assert_string_equal(sg_table_name(t, 1), "x");
  assert_null(sg_table_name(t, 3));
  assert_int_equal(sg_table_value(t, 2, 2), 2);
  assert_int_equal(sg_table_width(t), 10);
  sg_table_sort(t, 1, false); /* equal ones stay, unknown ones are last */
  check(t, SG_FORMAT_CSV, 0, "name,x,n\nc,1,2\nd,3,0\nb,3,3\na,,1\n");
  sg_table_sort(t, 1, true);
  check(t, SG_FORMAT_CSV, 0, "name,x,n\nd,3,0\nb,3,3\nc,1,2\na,,1\n");
  sg_table_sort(t, 0, false);
  check(t, SG_FORMAT_CSV, 0, "name,x,n\na,,1\nb,3,3\nc,1,2\nd,3,0\n");
  sg_table_select(t, 2, (const int[]){2, 0}, (const char *[]){"number", "name"});
  check(t, SG_FORMAT_CSV, 0, "number,name\n1,a\n3,b\n2,c\n0,d\n");
  assert_int_equal(sg_table_narrow(t, 12, 1), 0);
  assert_int_equal(sg_table_narrow(t, 11, 1), 1);
  check(t, SG_FORMAT_CSV, 0, "number\n1\n3\n2\n0\n");
  assert_int_equal(sg_table_narrow(t, 0, 1), 0);
  sg_table_free(t);
}

/* Text from a database must not steer the terminal, and a code point is one column wide. */
static void test_control_characters_and_utf8(void **state) {
  (void)state;
  const char *names[] = {"é", "n"};
  sg_table *t = sg_table_new(2, names);
  sg_table_text(t, "\033[31m×");
  sg_table_integer(t, 1);
  check(t, SG_FORMAT_TEXT, 0,
        "é       n\n"
        "──────  ─\n"
        " [31m×  1\n");
  sg_table_free(t);
}

/* Printed in parts, or at once: the same text. */
static void test_rows_as_they_come(void **state) {
  (void)state;
  static const sg_format format[] = {SG_FORMAT_CSV, SG_FORMAT_JSON};
  for (int f = 0; f < 2; f++)
    for (int rows = 0; rows <= 3; rows++) {
      const char *names[] = {"a", "b"};
      sg_table *whole = sg_table_new(2, names), *part = sg_table_new(2, names);
      sg_buffer expected = {0}, out = {0};
      for (int i = 0; i < rows; i++) {
        sg_table_text(whole, "x,y");
        sg_table_integer(whole, i);
        sg_table_text(part, "x,y");
        sg_table_integer(part, i);
        if (i < 2) assert_true(sg_table_print_rows(part, format[f], &out));
        assert_int_equal(sg_table_rows(part), i < 2 ? 0 : 1);
      }
      sg_table_print(whole, format[f], 0, &expected);
      sg_table_print(part, format[f], 0, &out);
      assert_string_equal(out.data, expected.data);
      assert_false(sg_table_print_rows(whole, SG_FORMAT_TEXT, &out));
      sg_buffer_free(&expected);
      sg_buffer_free(&out);
      sg_table_free(whole);
      sg_table_free(part);
    }
}

/* Functions take a table that there was no memory for. */
static void test_no_table(void **state) {
  (void)state;
  sg_buffer out = {0};
  sg_table_column(NULL, "a");
  sg_table_text(sg_table_at(NULL, "b"), "x");
  sg_table_number(NULL, 1, 3);
  sg_table_print(NULL, SG_FORMAT_CSV, 0, &out);
  assert_true(out.failed);
  sg_table_free(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_text_cells_are_wrapped_to_fit),
      cmocka_unit_test(test_blocks_repeat_the_first_column),
      cmocka_unit_test(test_long_cells_are_wrapped),
      cmocka_unit_test(test_numbers_of_people),
      cmocka_unit_test(test_csv),
      cmocka_unit_test(test_json_parses),
      cmocka_unit_test(test_empty_json),
      cmocka_unit_test(test_markdown),
      cmocka_unit_test(test_latex),
      cmocka_unit_test(test_choose_and_order),
      cmocka_unit_test(test_control_characters_and_utf8),
      cmocka_unit_test(test_rows_as_they_come),
      cmocka_unit_test(test_no_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
