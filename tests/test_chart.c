/* SPDX-License-Identifier: MIT */
/* Charts: what is filled in comes out in the CSV, and the picture is sound whatever it is. */
#include "results/pictures/chart.h"
#include "results/pictures/svg.h"
#include "sim/core/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS = SG_MARK_CELLS + 1 };

/* A chart with a mark, `n` points in each of `series` series. */
static void fill(sg_chart *c, sg_mark mark, int series, int n) {
  char name[64];
  double place;
  assert_int_equal(sg_chart_say(&c->title, NULL, "A title of mark %d", (int)mark), SG_OK);
  assert_int_equal(sg_chart_say(&c->conditions, NULL, "twelve workers; twenty runs each"), SG_OK);
  assert_int_equal(sg_chart_name_axis(&c->x, "x axis", "s", "x_s", NULL), SG_OK);
  assert_int_equal(sg_chart_name_axis(&c->y, "y axis", NULL, NULL, NULL), SG_OK);
  bool rows = mark == SG_MARK_FOREST || mark == SG_MARK_STACK;
  if (rows || mark == SG_MARK_CELLS) c->y.scale = SG_SCALE_NAMES;
  for (int i = 0; i < series; i++) {
    snprintf(name, sizeof name, "series %d", i);
    assert_int_equal(sg_chart_add_series(c, mark, 0, name, NULL), SG_OK);
    for (int k = 0; k < n; k++) {
      sg_chart_point p = sg_chart_at(k, sin(0.1 * k) + i);
      p.low = p.y - 0.5;
      p.high = p.y + 0.5;
      snprintf(name, sizeof name, "row %d", k);
      if (c->y.scale == SG_SCALE_NAMES)
        assert_int_equal(sg_chart_place(&c->y, name, &place, NULL), SG_OK);
      if (c->y.scale == SG_SCALE_NAMES) p.y = place;
      if (mark == SG_MARK_CELLS) p.value = k;
      if (rows) p.x = 1 + k + i;
      p.label = name;
      p.id = k + 1;
      assert_int_equal(sg_chart_add_point(c, p, NULL), SG_OK);
    }
  }
}

static char *svg_of(const sg_chart *c) {
  sg_buffer out = {0};
  sg_put_chart_svg(c, NULL, &out);
  assert_false(out.failed);
  return out.data;
}

static int count(const char *text, const char *word) {
  int n = 0;
  for (; (text = strstr(text, word)); text += strlen(word)) n++;
  return n;
}

/* Every tag that is opened is closed, in order; no number is none; nothing but tags has < in it. */
static void assert_sound(const char *svg) {
  const char *open[64];
  size_t length[64];
  int depth = 0;
  for (const char *at = strchr(svg, '<'); at; at = strchr(at + 1, '<')) {
    const char *end = strchr(at, '>');
    assert_non_null(end);
    if (at[1] == '?') continue;
    const char *name = at + 1 + (at[1] == '/');
    size_t n = strcspn(name, " />\n");
    if (at[1] == '/') {
      assert_true(depth > 0);
      depth--;
      assert_true(length[depth] == n && !memcmp(open[depth], name, n));
    } else if (end[-1] != '/') {
      assert_true(depth < 64);
      open[depth] = name;
      length[depth++] = n;
    }
  }
  assert_int_equal(depth, 0);
  assert_null(strstr(svg, "nan"));
  assert_null(strstr(svg, "\"inf"));
  assert_true(sg_utf8_valid(svg, strlen(svg)) == strlen(svg));
}

static void test_all_marks(void **state) {
  static const int sizes[][2] = {{0, 0}, {1, 0}, {1, 1}, {3, 7}, {14, 5}, {1, 3000}};
  for (int mark = 0; mark < MARKS; mark++)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      for (int log = 0; log < 2; log++) {
        sg_chart c = {0};
        fill(&c, (sg_mark)mark, sizes[i][0], sizes[i][1]);
        if (log) c.x.scale = SG_SCALE_LOG; /* some places are 0 or less */
        if (log && c.y.scale == SG_SCALE_LINEAR) c.y.scale = SG_SCALE_LOG;
        char *svg = svg_of(&c), *again = svg_of(&c);
        assert_sound(svg);
        assert_string_equal(svg, again);
        free(svg);
        free(again);
        sg_chart_clear(&c);
      }
}

static void test_strange_numbers(void **state) {
  static const double strange[] = {NAN, INFINITY, -INFINITY, 1e308, -1e308, 5e-324, 0, -0.0, 1};
  enum { N = sizeof strange / sizeof *strange };
  for (int mark = 0; mark < MARKS; mark++)
    for (int scale = SG_SCALE_LINEAR; scale <= SG_SCALE_LOG; scale++) {
      sg_chart c = {.x.scale = (sg_scale)scale, .y.scale = (sg_scale)scale};
      c.value.scale = (sg_scale)scale;
      assert_int_equal(sg_chart_say(&c.title, NULL, "strange"), SG_OK);
      assert_int_equal(sg_chart_add_series(&c, (sg_mark)mark, 0, "all", NULL), SG_OK);
      for (int i = 0; i < N * N; i++) {
        sg_chart_point p = sg_chart_at(strange[i / N], strange[i % N]);
        p.low = strange[(i + 1) % N];
        p.high = strange[(i + 2) % N];
        p.value = strange[(i + 3) % N];
        assert_int_equal(sg_chart_add_point(&c, p, NULL), SG_OK);
      }
      char *svg = svg_of(&c);
      assert_sound(svg);
      free(svg);
      sg_chart_clear(&c);
    }
}

static void test_texts_are_escaped(void **state) {
  static const char evil[] = "<script>alert('x')</script> & \"é\" ]]> \x1b[31m \xff";
  sg_chart c = {0};
  double place;
  int panel;
  c.x.scale = SG_SCALE_NAMES;
  sg_chart_say(&c.title, NULL, "%s", evil);
  sg_chart_say(&c.conditions, NULL, "%s", evil);
  sg_chart_say(&c.message, NULL, "%s", evil);
  sg_chart_say(&c.interval, NULL, "%s", evil);
  sg_chart_name_axis(&c.x, evil, evil, evil, NULL);
  sg_chart_name_axis(&c.y, evil, evil, evil, NULL);
  sg_chart_add_panel(&c, evil, &panel, NULL);
  sg_chart_add_series(&c, SG_MARK_POINTS, panel, evil, NULL);
  sg_chart_place(&c.x, evil, &place, NULL);
  sg_chart_point p = sg_chart_at(place, 1);
  p.low = 0;
  p.high = 2;
  p.label = evil;
  p.marked = true;
  sg_chart_add_point(&c, p, NULL);
  sg_chart_add_line(&c, true, 0, evil, NULL);
  char *svg = svg_of(&c);
  assert_sound(svg);
  assert_null(strstr(svg, "<script"));
  assert_null(strstr(svg, "\x1b"));
  assert_non_null(
      strstr(svg, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;é&quot;"));
  sg_buffer csv = {0}, script = {0};
  sg_put_chart_csv(&c, &csv);
  sg_put_chart_gnuplot(&c, "a'b.csv", "c.svg", &script);
  assert_null(strstr(csv.data, "\x1b"));
  assert_null(strstr(script.data, "\x1b"));
  assert_non_null(strstr(script.data, "'a''b.csv'"));
  free(svg);
  sg_buffer_free(&csv);
  sg_buffer_free(&script);
  sg_chart_clear(&c);
}

/* Numbers read back to the same double, and points stand in the order in which they were added. */
static void test_csv_is_exact(void **state) {
  sg_chart c = {0};
  double given[400];
  srand(1);
  sg_chart_name_axis(&c.x, "x", NULL, "duration_s", NULL);
  for (int i = 0; i < 200; i++) {
    if (i % 50 == 0) sg_chart_add_series(&c, SG_MARK_LINE, 0, i ? "b, \"c\"" : "a", NULL);
    given[2 * i] = ldexp(rand(), rand() % 200 - 100) / 3;
    given[2 * i + 1] = -ldexp(rand(), rand() % 200 - 100) / 7;
    sg_chart_add_point(&c, sg_chart_at(given[2 * i], given[2 * i + 1]), NULL);
  }
  sg_buffer csv = {0};
  sg_put_chart_csv(&c, &csv);
  sg_csv r = {.name = "chart", .separator = ','};
  sg_csv_text(&r, csv.data, csv.length);
  assert_int_equal(sg_csv_next(&r), SG_OK);
  assert_int_equal(r.count, 3);
  assert_true(sg_csv_is(r.field[0], "series") && sg_csv_is(r.field[1], "duration_s") &&
              sg_csv_is(r.field[2], "y"));
  for (int i = 0; i < 200; i++) {
    double x, y;
    assert_int_equal(sg_csv_next(&r), SG_OK);
    assert_true(sg_csv_is(r.field[0], i < 50 ? "a" : "b, \"c\""));
    assert_true(sg_csv_number(&r, 1, &x) && sg_csv_number(&r, 2, &y));
    assert_true(x == given[2 * i] && y == given[2 * i + 1]);
  }
  assert_int_equal(sg_csv_next(&r), SG_OK);
  assert_int_equal(r.count, 0);
  sg_csv_end(&r);
  sg_buffer_free(&csv);
  sg_chart_clear(&c);
}

static void test_limits(void **state) {
  sg_chart c = {0};
  sg_error e = {0};
  double place;
  char name[32];
  for (int i = 0; i < SG_CHART_SERIES; i++)
    assert_int_equal(sg_chart_add_series(&c, SG_MARK_LINE, 0, "s", &e), SG_OK);
  assert_int_equal(sg_chart_add_series(&c, SG_MARK_LINE, 0, "s", &e), SG_INVALID);
  c.n_points = SG_CHART_POINTS;
  assert_int_equal(sg_chart_add_point(&c, sg_chart_at(0, 0), &e), SG_INVALID);
  for (int i = 0; i < SG_CHART_NAMES; i += 1 + SG_CHART_NAMES / 100) {
    snprintf(name, sizeof name, "%d", i);
    assert_int_equal(sg_chart_place(&c.x, name, &place, &e), SG_OK);
  }
  int known = c.x.n_names;
  assert_int_equal(sg_chart_place(&c.x, "0", &place, &e), SG_OK);
  assert_true(place == 0 && c.x.n_names == known);
  assert_int_equal(e.count, 2);
  assert_non_null(strstr(e.fault[0].message, "at most 20000 series"));
  sg_error_clear(&e);
  sg_chart_clear(&c);
}

/* Ticks are round, in the range, ascending and evenly spaced, not too few and not too many. */
static void test_ticks(void **state) {
  srand(2);
  for (int i = 0; i < 20000; i++) {
    double low = (rand() - RAND_MAX / 2.0) * pow(10, rand() % 20 - 15),
           high = low + (1 + rand()) * pow(10, rand() % 20 - 15);
    int wanted = 2 + rand() % 10;
    sg_ticks t;
    if (high - low < 1e-9 * fabs(low)) continue;
    sg_find_ticks(low, high, false, wanted, &t);
    assert_in_range(t.n, 2, 2 * wanted + 1);
    double slack = 1e-6 * (high - low), step = t.n > 1 ? t.at[1] - t.at[0] : NAN;
    for (int k = 0; k < t.n; k++) {
      assert_true(t.at[k] >= low - slack && t.at[k] <= high + slack);
      assert_true(t.text[k][0] && strlen(t.text[k]) < sizeof t.text[0]);
      if (k > 0) assert_true(fabs(t.at[k] - t.at[k - 1] - step) < 1e-4 * step);
    }
    if (t.n < 2) continue;
    double digit = step / pow(10, floor(log10(step) + 1e-6));
    assert_true(fabs(digit - 1) < 1e-4 || fabs(digit - 2) < 1e-4 || fabs(digit - 5) < 1e-4);
  }
  sg_ticks t;
  sg_find_ticks(0, 1500, false, 5, &t);
  assert_string_equal(t.text[1], "500");
  assert_string_equal(t.text[3], "1,500");
  sg_find_ticks(-0.2, 0.31, false, 6, &t);
  assert_string_equal(t.text[0], "−0.2");
  assert_string_equal(t.text[2], "0");
  assert_string_equal(t.text[4], "0.2");
  sg_find_ticks(1e-16, 2, true, 6, &t);
  for (int k = 1; k < t.n; k++) assert_true(t.at[k] / t.at[k - 1] > 900);
  assert_string_equal(t.text[0], "10⁻¹⁵");
  assert_string_equal(t.text[t.n - 1], "1");
}

static void test_figures(void **state) {
  static const struct {
    double x;
    int digits;
    const char *text;
  } known[] = {{1471.4, 4, "1,471"},
               {0.055, 3, "0.055"},
               {2.5e-12, 3, "2.5×10⁻¹²"},
               {1e7, 3, "10⁷"},
               {-3.25, 3, "−3.25"},
               {1234567, 7, "1,234,567"},
               {0, 3, "0"},
               {999.96, 4, "1,000"},
               {1e-4, 3, "0.0001"},
               {12.5e9, 3, "1.25×10¹⁰"},
               {NAN, 3, "–"},
               {100000, 6, "100,000"}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    sg_buffer out = {0};
    sg_put_figure(&out, known[i].x, known[i].digits);
    assert_string_equal(out.data, known[i].text);
    sg_buffer_free(&out);
  }
}

/* The bytes are the same where decimals have a comma. */
static void test_locale(void **state) {
  sg_chart c = {0};
  fill(&c, SG_MARK_LINE, 3, 9);
  char *svg = svg_of(&c);
  const char *there = NULL;
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
  for (int i = 0; i < 4 && !there; i++) there = setlocale(LC_ALL, names[i]);
  char *other = svg_of(&c);
  setlocale(LC_ALL, "C");
  assert_string_equal(svg, other);
  free(svg);
  free(other);
  sg_chart_clear(&c);
  if (!there) skip(); /* a system without such a locale */
}

/* The first number behind a text. */
static double number_behind(const char **at, const char *text) {
  *at = strstr(*at, text);
  if (!*at) return NAN;
  *at += strlen(text);
  return strtod(*at, NULL);
}

/* Of 100,000 points one is very high and one very low: both are in the picture. */
static void test_thinning_keeps_extremes(void **state) {
  enum { N = 100000 };
  static const sg_mark marks[] = {SG_MARK_LINE, SG_MARK_BAND};
  for (int m = 0; m < 2; m++) {
    sg_chart c = {0};
    sg_chart_say(&c.title, NULL, "spikes");
    sg_chart_add_series(&c, marks[m], 0, "a", NULL);
    for (int i = 0; i < N; i++)
      sg_chart_add_point(&c,
                         sg_chart_at(i, i == 12345   ? 100
                                        : i == 77777 ? -100
                                                     : sin(0.001 * i)),
                         NULL);
    char *svg = svg_of(&c);
    const char *at = strstr(svg, "class=\"sg-line");
    assert_non_null(at);
    at = strstr(at, " d=\"M") + 3;
    const char *end = strchr(at + 4, '"');
    double low = INFINITY, high = -INFINITY;
    int points = 0;
    while (at < end) { /* "x y" pairs behind M and L */
      const char *next = strpbrk(at + 1, "ML\"");
      if (*next == '"' && next == end) break;
      char *rest;
      strtod(next + 1, &rest);
      double y = strtod(rest, &rest);
      low = fmin(low, y);
      high = fmax(high, y);
      points++;
      at = next;
    }
    assert_in_range(points, 100, SG_SVG_POINTS + 8);
    /* The axis has 4 % of room at both ends: 290 high, from 100 to −100. */
    assert_true(high - low > 290 / 1.08 - 1 && high - low < 290);
    free(svg);
    sg_chart_clear(&c);
  }
}

/* Names beside the ends of lines do not overlap, even where all lines end in one place. */
static void test_legend_does_not_overlap(void **state) {
  sg_chart c = {0};
  sg_chart_say(&c.title, NULL, "twelve");
  char name[32];
  for (int i = 0; i < 12; i++) {
    snprintf(name, sizeof name, "family %02d", i);
    sg_chart_add_series(&c, SG_MARK_LINE, 0, name, NULL);
    for (int k = 0; k < 5; k++) sg_chart_add_point(&c, sg_chart_at(k, 1 + 0.001 * i * k), NULL);
  }
  char *svg = svg_of(&c);
  double place[12];
  for (int i = 0; i < 12; i++) {
    char text[32];
    snprintf(text, sizeof text, ">family %02d</text>", i);
    const char *at = strstr(svg, text), *begin = at;
    assert_non_null(at);
    while (strncmp(begin, "<text", 5) != 0) begin--;
    place[i] = number_behind(&begin, " y=\"");
    for (int k = 0; k < i; k++) assert_true(fabs(place[i] - place[k]) >= 17.9);
  }
  assert_null(strstr(svg, "more series"));
  free(svg);
  /* One more: there are twelve and a word about the other. */
  sg_chart_add_series(&c, SG_MARK_LINE, 0, "family 12", NULL);
  sg_chart_add_point(&c, sg_chart_at(1, 1), NULL);
  svg = svg_of(&c);
  assert_null(strstr(svg, "family 12"));
  assert_non_null(strstr(svg, "… 1 more series in the CSV"));
  free(svg);
  sg_chart_clear(&c);
}

static void test_within_html(void **state) {
  sg_chart c = {0};
  fill(&c, SG_MARK_LINE, 2, 5);
  sg_buffer out = {0};
  sg_put_chart_svg(&c, &(sg_svg_options){.prefix = "fig3", .within = true}, &out);
  assert_true(!strncmp(out.data, "<svg ", 5));
  assert_null(strstr(out.data, "<style"));
  assert_non_null(strstr(out.data, "aria-labelledby=\"fig3-t fig3-d\""));
  assert_int_equal(count(out.data, "id=\""), count(out.data, "id=\"fig3-"));
  /* Every class is ours, and every rule of the sheet is below ours. */
  assert_int_equal(count(out.data, "class=\""),
                   count(out.data, "class=\"sg-") + count(out.data, "class=\"sg\""));
  sg_buffer_free(&out);
  sg_put_svg_style(&out);
  for (const char *at = out.data; (at = strchr(at, '{')); at++) {
    const char *rule = at;
    while (rule > out.data && rule[-1] != '}' && rule[-1] != '\n' && rule[-1] != '{') rule--;
    assert_true(!strncmp(rule, ".sg", 3) || !strncmp(rule, "@media", 6));
  }
  sg_buffer_free(&out);
  sg_chart_clear(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_marks),
                                     cmocka_unit_test(test_strange_numbers),
                                     cmocka_unit_test(test_texts_are_escaped),
                                     cmocka_unit_test(test_csv_is_exact),
                                     cmocka_unit_test(test_limits),
                                     cmocka_unit_test(test_ticks),
                                     cmocka_unit_test(test_figures),
                                     cmocka_unit_test(test_locale),
                                     cmocka_unit_test(test_thinning_keeps_extremes),
                                     cmocka_unit_test(test_legend_does_not_overlap),
                                     cmocka_unit_test(test_within_html)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
