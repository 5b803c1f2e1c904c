/* SPDX-License-Identifier: MIT */
/* Feeds arbitrary bytes to the scenario reader: whatever comes, it must answer, not crash.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the files given to it, the same way every time:  fuzz_scenario ITERATIONS FILE… */
#include "sim/scenario/scenario.h"
#include "tests/support/mutate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rather small, so that a fuzzer that finds the way to large sweeps does not spend its time there.
 */
enum { MOST_POINTS = 2000 };

/* A cheap bound on how many points a text can ask for: each comma may add a value to an axis. */
static bool is_small(const uint8_t *data, size_t size) {
  double points = 1;
  int run = 1;
  for (size_t i = 0; i < size; i++) {
    if (data[i] == '[') run = 1;
    if (data[i] == ',') run++;
    if (data[i] == ']') points *= run;
  }
  return points < 1e9;
}

static void check_points(const sg_scenario *s, sg_error *e) {
  int count;
  sg_point *points;
  if (sg_scenario_points(s, &count, &points, e) != SG_OK) return;
  for (int i = 0; i < count && i < MOST_POINTS; i++)
    if (!points[i].scheme || !points[i].env_json || !points[i].scheme_json) abort();
  sg_points_free(count, points);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  /* What stands before the first NUL is an override's value: it is fuzzed as well. */
  const uint8_t *nul = memchr(data, 0, size);
  char value[64] = "1";
  if (nul && (size_t)(nul - data) < sizeof value) {
    memcpy(value, data, (size_t)(nul - data));
    value[nul - data] = '\0';
    size -= (size_t)(nul - data) + 1;
    data = nul + 1;
  }
  const sg_override override = {"/cluster/workers", value};
  sg_scenario *s = NULL;
  sg_error e = {0};
  sg_buffer report = {0};
  sg_status status =
      sg_scenario_parse("fuzz.json", (const char *)data, size, nul ? 1 : 0, &override, &s, &e);
  if ((status == SG_OK) != (e.count == 0) || !s) abort();
  if (status == SG_OK && is_small(data, size)) check_points(s, &e);
  sg_scenario_report(s, "fuzz.json", &e, true, &report);
  if (report.failed || sg_utf8_valid(report.data ? report.data : "", report.length) < report.length)
    abort();
  sg_buffer_free(&report);
  sg_error_clear(&e);
  sg_scenario_free(s);
  return 0;
}

#ifndef SG_LIBFUZZER

static const char *const word[] = {"{",
                                   "}",
                                   "[",
                                   "]",
                                   ",",
                                   ":",
                                   "\"",
                                   "\\u0000",
                                   "\\ud83d",
                                   "1e999",
                                   "-0",
                                   "null",
                                   "true",
                                   "9007199254740993",
                                   "\"each\"",
                                   "{\"each\":[1,2]}",
                                   "{\"each\":[]}",
                                   "\"path\":\"/schemes/0/s\"",
                                   "\"code\"",
                                   "\"/cluster/workers\"",
                                   "\"model\":\"exponential\"",
                                   "\"sweep\"",
                                   "\xff",
                                   "\xe2\x89",
                                   "/*",
                                   "~1",
                                   "\"\"",
                                   "\"group\"",
                                   "0.5",
                                   "\"uncoded\"",
                                   "\n",
                                   "\"d\"",
                                   NULL};

int main(int argc, char **argv) {
  const mutation how = {.word = word, .most = 6};
  return mutate_main(argc, argv, &how, LLVMFuzzerTestOneInput);
}

#endif
