/* SPDX-License-Identifier: MIT */
/* Scenario files: strict reading, faults and their places, overrides, points, canonical JSON,
 * schema, reference. Run from the project's root. */
#include "sim/scenario/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Scenarios to read ------------------------------------------------------------------------ */

#define BASE                                                                                       \
  "\"format\": 1, \"cluster\": {\"workers\": 4},"                                                  \
  "\"delay\": {\"model\": \"exponential\", \"mean_s\": 1},"                                        \
  "\"learning\": {\"problem\": \"none\"}"
#define MINIMAL "{" BASE ", \"schemes\": [{\"code\": \"uncoded\"}]}"

/* A read scenario with its faults. */
typedef struct reading {
  sg_scenario *s;
  sg_error e;
  sg_status status;
} reading;

static reading parse_set(const char *text, int n, const sg_override *override) {
  reading r = {0};
  r.status = sg_scenario_parse("dir/x.json", text, strlen(text), n, override, &r.s, &r.e);
  assert_non_null(r.s);
  assert_int_equal(r.status, sg_error_status(&r.e));
  return r;
}

static reading parse(const char *text) {
  return parse_set(text, 0, NULL);
}

static void end(reading *r) {
  sg_scenario_free(r->s);
  sg_error_clear(&r->e);
}

static void print_faults(const sg_error *e) {
  for (int i = 0; i < e->count; i++)
    print_message("%s: %s\n", e->fault[i].place, e->fault[i].message);
}

static reading parse_good(const char *text) {
  reading r = parse(text);
  if (r.status != SG_OK) print_faults(&r.e);
  assert_int_equal(r.status, SG_OK);
  assert_int_equal(r.e.count, 0);
  return r;
}

/* The text has exactly one fault, at this place, whose message has these words. */
static void expect_fault(const char *text, const char *place, const char *words) {
  reading r = parse(text);
  if (r.e.count != 1 || strcmp(r.e.fault[0].place, place) || !strstr(r.e.fault[0].message, words))
    print_faults(&r.e);
  assert_int_equal(r.status, SG_INVALID);
  assert_int_equal(r.e.count, 1);
  assert_string_equal(r.e.fault[0].place, place);
  assert_non_null(strstr(r.e.fault[0].message, words));
  end(&r);
}

/* --- Syntax ----------------------------------------------------------------------------------- */

static void test_syntax(void **state) {
  (void)state;
  const struct {
    const char *text, *place, *words;
  } bad[] = {
      {"", ":1:1", "expected a value, found the end of the file"},
      {"{\n  \"a\": 1,\n}", ":3:1", "another member after ',', found '}'"},
      {"{\"a\": [1,]}", ":1:10", "another item after ','"},
      {"{\"a\": NaN}", ":1:7", "found NaN (JSON has finite numbers only)"},
      {"{\"a\": -Infinity}", ":1:8", "expected a digit, found Infinity"},
      {"{\"a\" 1}", ":1:6", "':' after the member name"},
      {"{\"a\": 1 \"b\": 2}", ":1:9", "',' or '}'"},
      {"{\"a\": [1 2]}", ":1:10", "',' or ']'"},
      {"{a: 1}", ":1:2", "a member name in double quotes, found a"},
      {"{'a': 1}", ":1:2", "double quotes"},
      {"{} x", ":1:4", "the end of the file, found x"},
      {"{} // x", ":1:4", "JSON has no comments"},
      {"/* */ {}", ":1:1", "JSON has no comments"},
      {"{\"a\": 01}", ":1:7", "must not begin with 0"},
      {"{\"a\": 1.}", ":1:9", "after the decimal point"},
      {"{\"a\": .5}", ":1:7", "expected a value"},
      {"{\"a\": +5}", ":1:7", "expected a value"},
      {"{\"a\": 1e}", ":1:9", "digit of the exponent"},
      {"{\"a\": True}", ":1:7", "small letters"},
      {"{\"a\": \"x\ny\"}", ":1:7", "no closing quote on its line"},
      {"{\"a\": \"x", ":1:7", "no closing quote"},
      {"{\"a\": \"x\ty\"}", ":1:9", "control character"},
      {"{\"a\": \"\\x\"}", ":1:8", "escape sequence"},
      {"{\"a\": \"\\u12g4\"}", ":1:8", "escape sequence"},
      {"{\"a\": \"\\u0000\"}", ":1:8", "NUL"},
      {"{\"a\": \"\\ud83d\"}", ":1:8", "surrogate"},
      {"{\"ππ\": \"\xff\"}", ":1:9", "UTF-8"},
      {"\xef\xbb\xbf{}", ":1:1", "byte order mark"},
      {"{\"a\": 1111111111111111111111111111111111111111111111111111111111111111}", ":1:7",
       "too many digits"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char place[40];
    snprintf(place, sizeof place, "dir/x.json%s", bad[i].place);
    expect_fault(bad[i].text, place, bad[i].words);
  }
  expect_fault("[1]", "", "expected an object");
}

static void test_nul_and_depth(void **state) {
  (void)state;
  sg_error e = {0};
  sg_scenario *s;
  assert_int_equal(sg_scenario_parse("x", "{}\0{}", 5, 0, NULL, &s, &e), SG_INVALID);
  assert_string_equal(e.fault[0].place, "x:1:3");
  assert_non_null(strstr(e.fault[0].message, "the byte 0x00"));
  sg_scenario_free(s);
  sg_error_clear(&e);
  char deep[400];
  memset(deep, '[', 200);
  memset(deep + 200, ']', 199);
  deep[399] = '\0';
  expect_fault(deep, "dir/x.json:1:65", "nested more than 64 deep");
}

/* Well-formed, but not what JSON can hold or a member may be twice: listed with all other faults.
 */
static void test_numbers_and_duplicates(void **state) {
  (void)state;
  expect_fault("{" BASE ", \"schemes\": [{\"code\": \"uncoded\"}],\n\"random\": {\"seed\": "
               "9007199254740993}}",
               "dir/x.json:2:20", "cannot be held exactly");
  expect_fault("{" BASE ", \"schemes\": [{\"code\": \"uncoded\"}],\n\"stop\": {\"sim_time_s\": "
               "1e999}}",
               "dir/x.json:2:24", "too large");
  expect_fault("{" BASE ",\n\"schemes\": [{\"code\": \"uncoded\"}],\n\"format\": 1}",
               "dir/x.json:3:1", "duplicate member \"format\"");
  expect_fault("{" BASE ",\n\"schemes\": [{\"code\": \"uncoded\"}],\n \"f\\u006frmat\": 1}",
               "dir/x.json:3:2", "duplicate member \"format\"");
}

/* --- Faults ----------------------------------------------------------------------------------- */

static void test_faulty(void **state) {
  (void)state;
  /* All faults of a file that has many, in the order of the file. */
  static const struct {
    const char *place, *words;
  } expected[] = {
      {"/format", "expected a whole number = 1, found 2"},
      {"/nmae", "unknown member \"nmae\"; did you mean \"name\"?"},
      {"/replications", "expected a whole number ≥ 1 and ≤ 16777215, found 0"},
      {"/random/seed", "found -1"},
      {"/cluster/workers", "found the string \"12\""},
      {"/cluster/classes/0/speed", "\"speed\" is missing; expected a number > 0"},
      {"/cluster/classes/0/share", "expected a number > 0 and ≤ 1, found 1.5"},
      {"/cluster/classes/0/sped", "did you mean \"speed\"?"},
      {"/cluster/classes/1", "expected an object, found the number 3"},
      {"/delay/unit", "the sweep changes /learning/subsets"},
      {"/delay/model", "did you mean \"shifted-exponential\"? There are \"deterministic\""},
      {"/network/uplink/mean_s", "expected a number > 0, found the string \"long\""},
      {"/network/late_messages", "did you mean \"cancel\"?"},
      {"/learning/data", "\"source\" is missing; expected the name of a data source: \"csv\""},
      {"/learning/l2", "\"each\" is for members of \"schemes\""},
      {"/schemes/0/s", "unknown member \"s\" of \"uncoded\""},
      {"tests/scenarios/faulty.json:6:46", "duplicate member \"s\""},
      {"/schemes/1", "\"code\" is missing; expected the name of a gradient code: \"uncoded\""},
      {"/schemes/2/s/each", "found an empty list"},
      {"/schemes/3/s", "an axis of the sweep is called \"s\" too"},
      {"/schemes/3/s/each/1", "found -2"},
      {"/schemes/3/s/each/2", "in the list already"},
      {"/schemes/3/s/each/3", "found null"},
      {"/schemes/4/code", "expected the name of a gradient code, found an object"},
      {"/schemes/5/code", "unknown gradient code \"repetition\"; did you mean"},
      {"/baseline", "found \"uncodde\"; did you mean \"uncoded\"?"},
      {"/sweep/0/path", "unknown member \"worker\"; did you mean \"workers\"?"},
      {"/sweep/1/values", "found an empty list"},
      {"/sweep/2/values/1", "in the list already"},
      {"/sweep/2/values/2", "found 1.5"},
      {"/sweep/2/values/3", "found \"vier\""},
      {"/sweep/3/name", "found an empty string"},
      {"/sweep/3/path", "/delay is not a single value"},
      {"/sweep/4/values/0", "with this value, /network/uplink/mean_s: unknown member"},
      {"/sweep/4/values/0", "with this value, /network/uplink/bandwidth_Bps: \"bandwidth_Bps\" is"},
      {"/sweep/4/values/1", "did you mean \"linear\"?"},
      {"/sweep/4/values/2", "expected the name of an uplink model, found the number 3"},
      {"/sweep/5/path", "has an \"each\" already"},
      {"tests/scenarios/faulty.json:19:31", "cannot be held exactly"},
      {"/stop/iterations", "found 9007199254740992"},
      {"tests/scenarios/faulty.json:19:64", "the number 1e999 is too large"},
      {"/output/detail", "found \"all\""},
  };
  sg_error e = {0};
  sg_scenario *s;
  sg_status status = sg_scenario_read("tests/scenarios/faulty.json", 0, NULL, &s, &e);
  assert_int_equal(status, SG_INVALID);
  int n = (int)(sizeof expected / sizeof *expected);
  for (int i = 0; i < n && i < e.count; i++) {
    assert_string_equal(e.fault[i].place, expected[i].place);
    if (!strstr(e.fault[i].message, expected[i].words)) print_message("%s\n", e.fault[i].message);
    assert_non_null(strstr(e.fault[i].message, expected[i].words));
  }
  assert_int_equal(e.count, n);
  /* A scenario with faults has no points. */
  int count;
  sg_point *points;
  assert_int_equal(sg_scenario_points(s, &count, &points, NULL), SG_INVALID);
  assert_null(points);
  sg_scenario_free(s);
  sg_error_clear(&e);
}

static void test_single_faults(void **state) {
  (void)state;
#define SCHEMES(list) "{" BASE ", \"schemes\": [" list "]"
#define UNCODED       SCHEMES("{\"code\": \"uncoded\"}")
  expect_fault(SCHEMES("") "}", "/schemes", "expected a list of at least 1, found an empty list");
  expect_fault("{" BASE "}", "/schemes", "\"schemes\" is missing");
  expect_fault(SCHEMES("{\"code\": \"uncoded\"}, 7") "}", "/schemes/1",
               "expected an object with a \"code\", found the number 7");
  expect_fault(UNCODED ", \"baseline\": \"uncodde\"}", "/baseline", "did you mean \"uncoded\"?");
  expect_fault(UNCODED ", \"baseline\": \"group\"}", "/baseline", "in the list, found \"group\"");
  expect_fault(UNCODED ", \"Name\": \"x\"}", "/Name", "did you mean \"name\"?");
  expect_fault(UNCODED ", \"name\": null}", "/name", "expected a string, found null");
  expect_fault(UNCODED ", \"stop\": {\"sim_time_s\": 0}}", "/stop/sim_time_s",
               "expected a number > 0, found 0");
  expect_fault(UNCODED ", \"master\": {\"decode\": {\"model\": \"flops\"}}}",
               "/master/decode/flops_per_s", "is missing; expected a number > 0");
  expect_fault(UNCODED ", \"master\": {\"decode\": {\"flops_per_s\": 1}}}",
               "/master/decode/flops_per_s", "unknown member \"flops_per_s\" of \"none\"");
  expect_fault(UNCODED ", \"sweep\": {}}", "/sweep", "expected a list, found an object");
  expect_fault(UNCODED
               ", \"sweep\": [{\"name\": \"r\", \"path\": \"/replications\", \"values\": [1, "
               "2]}]}",
               "/sweep/0/path", "does not change the results");
  expect_fault(UNCODED ", \"sweep\": [{\"name\": \"r\", \"path\": \"/output/detail\", \"values\": "
                       "[\"worker\"]}]}",
               "/sweep/0/path", "does not change the results");
  expect_fault(UNCODED ", \"sweep\": [{\"name\": \"r\", \"path\": \"cluster\", \"values\": [1]}]}",
               "/sweep/0/path", "expected a JSON pointer");
  expect_fault(UNCODED
               ", \"sweep\": [{\"name\": \"r\", \"path\": \"/schemes/1/s\", \"values\": [1]}]}",
               "/sweep/0/path", "expected an index from 0 to 0");
  expect_fault(UNCODED
               ", \"sweep\": [{\"name\": \"r\", \"path\": \"/late_work/x\", \"values\": [1]}]}",
               "/sweep/0/path", "\"x\" is looked for in something that is no object");
  expect_fault(UNCODED
               ", \"sweep\": [{\"name\": \"u\", \"path\": \"/master/update_s\", \"values\": "
               "[1]}, {\"name\": \"u\", \"path\": \"/stop/target_loss\", \"values\": [1]}]}",
               "/sweep/1/name", "has this already");
  expect_fault(UNCODED
               ", \"sweep\": [{\"name\": \"u\", \"path\": \"/master/update_s\", \"values\": "
               "[1]}, {\"name\": \"v\", \"path\": \"/master/update_s\", \"values\": [1]}]}",
               "/sweep/1/path", "has this already");
  expect_fault(UNCODED
               ", \"sweep\": [{\"name\": \"n\", \"path\": \"/cluster/workers\", \"values\": "
               "[4, 8]}]}",
               "/delay/unit", "must be given because the sweep changes /cluster/workers");
  expect_fault(SCHEMES("{\"code\": \"cyclic-repetition\", \"s\": {\"each\": 1}}") "}",
               "/schemes/0/s", "expected a whole number ≥ 0, found an object");
}

/* A sweep over the unit itself says the unit. */
static void test_unit_given(void **state) {
  (void)state;
  reading r = parse_good(
      UNCODED
      ", \"sweep\": [{\"name\": \"n\", \"path\": \"/cluster/workers\", \"values\": [4, 8]}, "
      "{\"name\": \"u\", \"path\": \"/delay/unit\", \"values\": [\"subset\", \"dataset\"]}]}");
  end(&r);
}

static void test_too_many_points(void **state) {
  (void)state;
  sg_buffer b = {0};
  sg_put(&b, UNCODED ", \"sweep\": [");
  for (int axis = 0; axis < 2; axis++) {
    sg_putf(&b, "%s{\"name\": \"a%d\", \"path\": \"%s\", \"values\": [1", axis ? ", " : "", axis,
            axis ? "/master/update_s" : "/stop/iterations");
    for (int i = 2; i <= 400; i++) sg_putf(&b, ", %d", i);
    sg_put(&b, "]}");
  }
  sg_put(&b, "]}");
  expect_fault(b.data, "/sweep", "160000 environments × 1 schemes");
  sg_buffer_free(&b);
}

/* Very many faults are counted only. */
static void test_many_faults(void **state) {
  (void)state;
  sg_buffer b = {0};
  sg_put(&b, UNCODED);
  for (int i = 0; i < 1500; i++) sg_putf(&b, ", \"unknown%d\": 1", i);
  sg_put(&b, "}");
  reading r = parse(b.data);
  assert_int_equal(r.e.count, 1001);
  assert_string_equal(r.e.fault[1000].message, "500 more faults are not listed");
  end(&r);
  sg_buffer_free(&b);
}

/* --- Overrides -------------------------------------------------------------------------------- */

static void test_overrides(void **state) {
  (void)state;
  const sg_override good[] = {{"/cluster/workers", "8"},
                              {"/stop/iterations", "7"},
                              {"/stop/undecodable", "skip"},
                              {"/master/decode", "{\"model\": \"measured\"}"},
                              {"/schemes/0", "{\"code\": \"cyclic-repetition\", \"s\": 2}"},
                              {"/schemes/0/s", "{\"each\": [1, 2, 3]}"},
                              {"/random/seed", "\"18446744073709551615\""},
                              {"/output/database", "other.db"},
                              {"/name", "two words"}};
  reading r = parse_set(MINIMAL, (int)(sizeof good / sizeof *good), good);
  if (r.status != SG_OK) print_faults(&r.e);
  assert_int_equal(r.status, SG_OK);
  assert_string_equal(sg_scenario_name(r.s), "two words");
  assert_string_equal(sg_scenario_database(r.s), "dir/other.db");
  int count;
  sg_point *points;
  assert_int_equal(sg_scenario_points(r.s, &count, &points, &r.e), SG_OK);
  assert_int_equal(count, 3);
  const sg_values *v = points[2].values;
  assert_int_equal(sg_int(sg_object(v, "cluster"), "workers"), 8);
  assert_int_equal(sg_int(sg_object(v, "stop"), "iterations"), 7);
  assert_true(sg_given(sg_object(v, "stop"), "iterations"));
  assert_false(sg_given(sg_object(v, "stop"), "target_loss"));
  assert_string_equal(sg_text(sg_object(v, "stop"), "undecodable"), "skip");
  assert_true(sg_seed(sg_object(v, "random"), "seed") == UINT64_MAX);
  assert_string_equal(sg_object(sg_object(v, "master"), "decode")->variant->name, "measured");
  assert_int_equal(sg_int(points[2].scheme, "s"), 3);
  sg_points_free(count, points);
  end(&r);
}

static void expect_override_fault(const char *pointer, const char *value, sg_status status,
                                  const char *place, const char *words) {
  const sg_override set = {pointer, value};
  reading r = parse_set(MINIMAL, 1, &set);
  if (r.e.count != 1) print_faults(&r.e);
  assert_int_equal(r.e.count, 1);
  assert_int_equal(r.status, status);
  assert_string_equal(r.e.fault[0].place, place);
  assert_non_null(strstr(r.e.fault[0].message, words));
  end(&r);
}

static void test_override_faults(void **state) {
  (void)state;
  expect_override_fault("/cluster/worker", "3", SG_USAGE, "--set /cluster/worker",
                        "did you mean \"workers\"?");
  expect_override_fault("/clutser/workers", "3", SG_USAGE, "--set /clutser/workers",
                        "did you mean \"cluster\"?");
  expect_override_fault("cluster", "3", SG_USAGE, "--set cluster", "expected a JSON pointer");
  expect_override_fault("/schemes/1/s", "3", SG_USAGE, "--set /schemes/1/s", "from 0 to 0");
  expect_override_fault("/schemes/00/s", "3", SG_USAGE, "--set /schemes/00/s", "from 0 to 0");
  expect_override_fault("/random", "{\"seed\": 1", SG_USAGE, "--set /random:1:11", "'}'");
  expect_override_fault("/random", "{\"seed\": 1, \"seed\": 2}", SG_USAGE, "--set /random:1:13",
                        "duplicate");
  expect_override_fault("/cluster/workers", "0", SG_INVALID, "/cluster/workers", "found 0");
  expect_override_fault("/cluster/workers", "many", SG_INVALID, "/cluster/workers",
                        "the string \"many\"");
  expect_override_fault("/name", "\xff", SG_USAGE, "--set /name", "UTF-8");
}

/* --- Values and points ------------------------------------------------------------------------ */

static void test_defaults(void **state) {
  (void)state;
  reading r = parse_good(MINIMAL);
  assert_string_equal(sg_scenario_name(r.s), "x");
  assert_string_equal(sg_scenario_path(r.s), "dir/x.json");
  assert_string_equal(sg_scenario_database(r.s), "dir/x.db");
  assert_string_equal(sg_scenario_text(r.s), MINIMAL);
  assert_int_equal(sg_scenario_replications(r.s), 1);
  assert_int_equal(sg_scenario_detail(r.s), 1);
  assert_null(sg_scenario_baseline(r.s));
  assert_true(sg_scenario_skips_invalid(r.s));
  int count;
  sg_point *p;
  assert_int_equal(sg_scenario_points(r.s, &count, &p, &r.e), SG_OK);
  assert_int_equal(count, 1);
  assert_true(p->single);
  assert_int_equal(p->n_axes, 0);
  assert_string_equal(p->scheme->variant->name, "uncoded");
  assert_ptr_equal(p->scheme, sg_item(p->values, "schemes", 0)->object);
  assert_int_equal(sg_count(p->values, "schemes"), 1);
  assert_string_equal(sg_text(p->values, "late_work"), "cancel");
  assert_false(sg_given(p->values, "late_work"));
  assert_int_equal(sg_int(sg_object(p->values, "stop"), "iterations"), 100);
  assert_int_equal(sg_seed(sg_object(p->values, "random"), "seed"), 1);
  assert_non_null(sg_object(sg_object(p->values, "network"), "uplink"));
  sg_points_free(count, p);
  end(&r);
}

static void test_full(void **state) {
  (void)state;
  sg_error e = {0};
  sg_scenario *s;
  if (sg_scenario_read("tests/scenarios/full.json", 0, NULL, &s, &e) != SG_OK) print_faults(&e);
  assert_int_equal(e.count, 0);
  assert_string_equal(sg_scenario_name(s), "full");
  assert_string_equal(sg_scenario_database(s), "tests/scenarios/out/full.db");
  assert_string_equal(sg_scenario_baseline(s), "uncoded");
  assert_int_equal(sg_scenario_replications(s), 20);
  assert_int_equal(sg_scenario_detail(s), 2);
  assert_false(sg_scenario_skips_invalid(s));
  int count;
  sg_point *p;
  assert_int_equal(sg_scenario_points(s, &count, &p, &e), SG_OK);
  /* 2 environments × (1 + 2 + 2 · 3 schemes); the sweep of one scheme's d does not touch others. */
  assert_int_equal(count, 18);
  static const struct {
    int scheme, axes;
    const char *last_name, *last_value;
  } expected[9] = {{0, 1, "n", "12"}, {1, 2, "s", "1"}, {1, 2, "s", "2"},
                   {2, 3, "m", "1"},  {2, 3, "m", "2"}, {2, 3, "m", "3"},
                   {2, 3, "m", "1"},  {2, 3, "m", "2"}, {2, 3, "m", "3"}};
  for (int i = 0; i < 18; i++) {
    const sg_point *q = &p[i];
    const char *n = i < 9 ? "12" : "24";
    assert_int_equal(q->scheme_index, expected[i % 9].scheme);
    assert_int_equal(q->n_axes, expected[i % 9].axes);
    assert_false(q->single);
    assert_string_equal(q->axis_name[0], "n");
    assert_string_equal(q->axis_value[0], n);
    assert_string_equal(q->axis_name[q->n_axes - 1], expected[i % 9].last_name);
    if (i % 9) assert_string_equal(q->axis_value[q->n_axes - 1], expected[i % 9].last_value);
    assert_int_equal(sg_int(sg_object(q->values, "cluster"), "workers"), atoi(n));
    assert_string_equal(q->env_json, p[i < 9 ? 0 : 9].env_json);
    if (q->scheme_index < 2) continue;
    assert_string_equal(q->axis_name[1], "d");
    assert_int_equal(sg_int(q->scheme, "d"), i % 9 < 6 ? 4 : 6);
    assert_int_equal(sg_int(q->scheme, "m"), atoi(expected[i % 9].last_value));
    assert_string_equal(q->scheme->pointer, "/schemes/2");
  }
  assert_string_not_equal(p[0].env_json, p[9].env_json);
  assert_string_equal(p[3].scheme_json, p[12].scheme_json);
  /* Places in the scenario, files relative to it. */
  const sg_values *data = sg_object(sg_object(p->values, "learning"), "data");
  assert_string_equal(sg_text(data, "path"),
                      "tests/scenarios/../../scenarios/data/breast-cancer.csv");
  assert_string_equal(data->pointer, "/learning/data");
  assert_true(sg_real(sg_item(sg_object(p->values, "cluster"), "classes", 1)->object, "speed") ==
              0.5);
  assert_null(strstr(p->env_json, "cancer.csv"));
  assert_null(strstr(p->env_json, "schemes"));
  assert_null(strstr(p->env_json, "replications"));
  sg_points_free(count, p);
  sg_scenario_free(s);
  sg_error_clear(&e);
}

/* A sweep over a selector: each value is read with its own variant's table. */
static void test_selector_sweep(void **state) {
  (void)state;
  reading r =
      parse_good(UNCODED ", \"sweep\": [{\"name\": \"decode\", \"path\": "
                         "\"/master/decode/model\", \"values\": [\"none\", \"measured\"]}]}");
  int count;
  sg_point *p;
  assert_int_equal(sg_scenario_points(r.s, &count, &p, &r.e), SG_OK);
  assert_int_equal(count, 2);
  assert_non_null(strstr(p[0].env_json, "\"decode\": {\"model\": \"none\"}"));
  assert_non_null(strstr(p[1].env_json, "\"decode\": {\"model\": \"measured\"}"));
  assert_string_equal(p[1].axis_value[0], "\"measured\"");
  sg_points_free(count, p);
  end(&r);
}

static void test_equal_schemes(void **state) {
  (void)state;
  reading r =
      parse_good(SCHEMES("{\"code\": \"cyclic-repetition\", \"s\": 1}, {\"code\": \"uncoded\"},"
                         "{\"code\": \"cyclic-repetition\", \"s\": {\"each\": [1, 2]}},"
                         "{\"code\": \"uncoded\"}") "}");
  int count;
  sg_point *p;
  assert_int_equal(sg_scenario_points(r.s, &count, &p, &r.e), SG_OK);
  assert_int_equal(count, 3);
  assert_int_equal(p[0].scheme_index, 0);
  assert_int_equal(p[1].scheme_index, 1);
  assert_int_equal(p[2].scheme_index, 2);
  assert_int_equal(sg_int(p[2].scheme, "s"), 2);
  sg_points_free(count, p);
  end(&r);
}

/* The label of one value of an `each` may be the baseline. */
static void test_baseline_label(void **state) {
  (void)state;
#define CYCLIC SCHEMES("{\"code\": \"cyclic-repetition\", \"s\": {\"each\": [1, 2]}}")
  reading r = parse_good(CYCLIC ", \"baseline\": \"cyclic-repetition s=2\"}");
  assert_string_equal(sg_scenario_baseline(r.s), "cyclic-repetition s=2");
  end(&r);
  expect_fault(CYCLIC ", \"baseline\": \"cyclic-repetition s=22\"}", "/baseline",
               "did you mean \"cyclic-repetition s=2\"?");
}

static void get_env(const char *text, sg_buffer *out) {
  reading r = parse_good(text);
  int count;
  sg_point *p;
  assert_int_equal(sg_scenario_points(r.s, &count, &p, &r.e), SG_OK);
  sg_put(out, p->env_json);
  /* The whole configuration is JSON and holds the scheme as well. */
  sg_buffer all = {0};
  sg_values_to_json(p->values, &all);
  cJSON *tree = cJSON_Parse(all.data);
  assert_non_null(tree);
  const cJSON *schemes = cJSON_GetObjectItemCaseSensitive(tree, "schemes");
  assert_int_equal(cJSON_GetArraySize(schemes), 1);
  assert_string_equal(
      cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(schemes, 0), "code")->valuestring,
      p->scheme->variant->name);
  cJSON_Delete(tree);
  sg_buffer_free(&all);
  sg_points_free(count, p);
  end(&r);
}

static void test_canonical(void **state) {
  (void)state;
  static const char *const same[] = {
      MINIMAL,
      "{\"schemes\": [{\"code\": \"uncoded\"}], \"learning\": {\"problem\": \"none\"},\n"
      "\"delay\": {\"mean_s\": 1.0e0, \"model\": \"expon\\u0065ntial\"}, \"cluster\": "
      "{\"workers\": "
      "4.0}, \"format\": 1}",
      UNCODED
      ", \"late_work\": \"cancel\", \"stop\": {\"iterations\": 100}, \"random\": {\"seed\": "
      "\"1\"}, \"name\": \"other\", \"replications\": 9, \"baseline\": \"uncoded\", "
      "\"description\": \"words\", \"output\": {\"detail\": \"worker\"}}"};
  static const char *const different[] = {
      UNCODED ", \"late_work\": \"finish-first\"}", UNCODED ", \"stop\": {\"iterations\": 101}}",
      UNCODED ", \"stop\": {\"target_loss\": 0}}", UNCODED ", \"random\": {\"seed\": 2}}",
      UNCODED ", \"master\": {\"update_s\": 1e-300}}"};
  sg_buffer first = {0};
  get_env(same[0], &first);
  for (size_t i = 1; i < sizeof same / sizeof *same; i++) {
    sg_buffer b = {0};
    get_env(same[i], &b);
    assert_string_equal(b.data, first.data);
    sg_buffer_free(&b);
  }
  for (size_t i = 0; i < sizeof different / sizeof *different; i++) {
    sg_buffer b = {0};
    get_env(different[i], &b);
    assert_string_not_equal(b.data, first.data);
    sg_buffer_free(&b);
  }
  sg_buffer_free(&first);
}

/* --- Report ----------------------------------------------------------------------------------- */

static void expect_report(const char *text, int n, const sg_override *set, const char *expected) {
  reading r = parse_set(text, n, set);
  sg_buffer b = {0};
  sg_scenario_report(r.s, "dir/x.json", &r.e, false, &b);
  assert_string_equal(b.data, expected);
  sg_buffer_free(&b);
  end(&r);
}

static void test_report(void **state) {
  (void)state;
  expect_report("{\n\t\"π\": tru }", 0, NULL,
                "dir/x.json:2:7: error: expected a value, found tru\n"
                "  \t\"π\": tru }\n"
                "  \t     ^\n");
  expect_report("{" BASE ",\n\"schemes\": [{\"code\": \"uncoded\"}],\n"
                "\"stop\": { \"ietrations\": 3, \"sim_time_s\": \"1\" }}",
                0, NULL,
                "dir/x.json:3:11: error: /stop/ietrations: unknown member \"ietrations\"; did you "
                "mean \"iterations\"?\n"
                "  \"stop\": { \"ietrations\": 3, \"sim_time_s\": \"1\" }}\n"
                "            ^\n"
                "dir/x.json:3:42: error: /stop/sim_time_s: expected a number > 0, found the string "
                "\"1\"\n"
                "  \"stop\": { \"ietrations\": 3, \"sim_time_s\": \"1\" }}\n"
                "                                           ^\n");
  const sg_override set = {"/cluster/workers", "0"};
  expect_report(
      MINIMAL, 1, &set,
      "--set /cluster/workers=0: error: /cluster/workers: expected a whole number ≥ 1 and "
      "≤ 1000000, found 0\n");
}

/* A window of a long line, no control characters, colour when asked. */
static void test_report_window(void **state) {
  (void)state;
  sg_buffer text = {0}, b = {0};
  sg_put(&text, "{\"");
  for (int i = 0; i < 500; i++) sg_put(&text, "π");
  sg_put(&text, "\": \"\\u001b[31m\", \"x\": nope, \"y\": \"");
  for (int i = 0; i < 500; i++) sg_put(&text, "z");
  sg_put(&text, "\"}");
  reading r = parse(text.data);
  sg_scenario_report(r.s, NULL, &r.e, true, &b);
  assert_non_null(strstr(b.data, "\x1b[1;31merror:\x1b[0m expected a value, found nope"));
  const char *line = strchr(b.data, '\n') + 1, *caret = strchr(line, '\n') + 1;
  assert_true(caret - line < 140);
  /* The caret is as many characters in as the word it points to. */
  size_t column = 0;
  for (const char *c = line; c < strstr(line, "nope"); c++) column += (*c & 0xC0) != 0x80;
  assert_int_equal(strchr(caret, '^') - caret, column);
  sg_buffer_free(&b);
  sg_buffer_free(&text);
  end(&r);
  sg_error e = {0};
  sg_fail(&e, SG_INVALID, "data.csv:12", "a \x1b[2Jb");
  sg_fail(&e, SG_NO_INPUT, NULL, "cannot open");
  sg_scenario_report(NULL, "some.db", &e, false, &b);
  assert_string_equal(b.data, "data.csv:12: error: a ?[2Jb\nsome.db: error: cannot open\n");
  sg_buffer_free(&b);
  sg_error_clear(&e);
}

static void test_missing_file(void **state) {
  (void)state;
  sg_error e = {0};
  sg_scenario *s;
  assert_int_equal(sg_scenario_read("tests/scenarios/none.json", 0, NULL, &s, &e), SG_NO_INPUT);
  assert_null(s);
  assert_int_equal(e.count, 1);
  sg_error_clear(&e);
}

/* --- Schema and reference --------------------------------------------------------------------- */

static const cJSON *at(const cJSON *item, const char *path) {
  char copy[200], *save = NULL;
  snprintf(copy, sizeof copy, "%s", path);
  for (char *t = strtok_r(copy, "/", &save); t; t = strtok_r(NULL, "/", &save)) {
    item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(t))
                               : cJSON_GetObjectItemCaseSensitive(item, t);
    if (!item) print_message("no %s in %s\n", t, path);
    assert_non_null(item);
  }
  return item;
}

static void test_schema(void **state) {
  (void)state;
  sg_buffer b = {0};
  sg_scenario_schema(&b);
  assert_false(b.failed);
  cJSON *schema = cJSON_ParseWithOpts(b.data, NULL, true);
  assert_non_null(schema);
  int members = 0;
  for (const sg_param *p = sg_scenario_params; p->name; p++, members++) {
    char path[100];
    snprintf(path, sizeof path, "properties/%s/description", p->name);
    assert_string_equal(at(schema, path)->valuestring, p->summary);
  }
  assert_int_equal(cJSON_GetArraySize(at(schema, "properties")), members);
  assert_int_equal(cJSON_GetArraySize(at(schema, "required")), 5);
  assert_true(cJSON_IsFalse(at(schema, "additionalProperties")));
  assert_true(at(schema, "properties/cluster/properties/workers/minimum")->valuedouble == 1);
  assert_true(at(schema, "properties/stop/properties/iterations/default")->valuedouble == 100);
  assert_string_equal(at(schema, "properties/late_work/default")->valuestring, "cancel");
  /* A family: one branch for each variant, the members of which are the variant's own. */
  const cJSON *scheme = at(schema, "properties/schemes/items"), *branch;
  int n = 0;
  cJSON_ArrayForEach(branch, at(scheme, "allOf")) {
    const char *code = at(branch, "if/properties/code/const")->valuestring;
    assert_string_equal(code,
                        at(scheme, "properties/code/enum")->child
                            ? cJSON_GetArrayItem(at(scheme, "properties/code/enum"), n)->valuestring
                            : "");
    if (strcmp(code, "cyclic-repetition") == 0) {
      const cJSON *s = at(branch, "then/properties/s/anyOf");
      assert_string_equal(at(s, "0/type")->valuestring, "integer");
      assert_string_equal(at(s, "1/properties/each/items/type")->valuestring, "integer");
    }
    n++;
  }
  assert_true(n >= 6);
  cJSON_Delete(schema);
  sg_buffer_free(&b);
}

/* Each member of a table and of those below has a row in the reference. */
static void expect_rows(const char *text, const sg_param *table) {
  for (; table && table->name; table++) {
    char row[100];
    snprintf(row, sizeof row, "| `%s` | ", table->name);
    assert_non_null(strstr(text, row));
    const sg_param *inner = table->kind == SG_LIST ? table->fields : table;
    if (inner->kind == SG_OBJECT || inner->kind == SG_FAMILY) expect_rows(text, inner->fields);
    const sg_variant *v;
    for (int i = 0; inner->kind == SG_FAMILY && (v = inner->family->at(i)); i++) {
      if (strcmp(inner->family->selector, "code") == 0) continue;
      assert_non_null(strstr(text, v->summary));
      expect_rows(text, v->params);
    }
  }
}

static void test_reference(void **state) {
  (void)state;
  sg_buffer b = {0};
  sg_scenario_reference(&b);
  assert_false(b.failed);
  expect_rows(b.data, sg_scenario_params);
  assert_non_null(strstr(b.data, "## /cluster/classes/…"));
  assert_non_null(strstr(b.data, "| `iterations` | whole number ≥ 1 and ≤ 1000000000 | 100 | "));
  sg_buffer_free(&b);
  static const sg_param table[] = {
      {.name = "d", .kind = SG_INT, .min = 1, .max = 9, .fallback = 2, .summary = "The load | d."},
      {.name = NULL}};
  sg_param_reference(table, true, &b);
  assert_string_equal(b.data, "| member | type | default | meaning |\n|---|---|---|---|\n"
                              "| `d` | whole number ≥ 1 and ≤ 9 | 2 | The load \\| d. |\n");
  sg_buffer_free(&b);
  sg_param_reference(table, false, &b);
  assert_string_equal(b.data, "  d: whole number ≥ 1 and ≤ 9; default 2\n      The load | d.\n");
  sg_buffer_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_syntax),
      cmocka_unit_test(test_nul_and_depth),
      cmocka_unit_test(test_numbers_and_duplicates),
      cmocka_unit_test(test_faulty),
      cmocka_unit_test(test_single_faults),
      cmocka_unit_test(test_unit_given),
      cmocka_unit_test(test_too_many_points),
      cmocka_unit_test(test_many_faults),
      cmocka_unit_test(test_overrides),
      cmocka_unit_test(test_override_faults),
      cmocka_unit_test(test_defaults),
      cmocka_unit_test(test_full),
      cmocka_unit_test(test_selector_sweep),
      cmocka_unit_test(test_equal_schemes),
      cmocka_unit_test(test_baseline_label),
      cmocka_unit_test(test_canonical),
      cmocka_unit_test(test_report),
      cmocka_unit_test(test_report_window),
      cmocka_unit_test(test_missing_file),
      cmocka_unit_test(test_schema),
      cmocka_unit_test(test_reference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
