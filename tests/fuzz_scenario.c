/* SPDX-License-Identifier: MIT */
/* Feeds arbitrary bytes to the scenario reader: whatever comes, it must answer, not crash.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the files given to it, the same way every time:  fuzz_scenario ITERATIONS FILE… */
#include "sim/scenario/scenario.h"

#include <stdint.h>
#include <stdio.h>
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

/* A small generator of its own: the order of mutations must not change with the simulator's. */
static uint64_t state = 88172645463325252u;

static size_t below(size_t n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (size_t)(state % n);
}

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
                                   "\"d\""};

/* One change: bytes flipped, cut, doubled, or a word put in or over. */
static size_t mutate(uint8_t *text, size_t size, size_t room) {
  size_t at = below(size + 1), n = below(below(4) ? 8 : 64) + 1;
  const char *w = word[below(sizeof word / sizeof *word)];
  switch (below(6)) {
  case 0:
    if (at < size) text[at] = (uint8_t)below(256);
    return size;
  case 1: /* cut */
    if (at + n > size) return size;
    memmove(text + at, text + at + n, size - at - n);
    return size - n;
  case 2: /* double a stretch */
    if (at + n > size || size + n > room) return size;
    memmove(text + at + n, text + at, size - at);
    return size + n;
  case 3: /* a stretch from somewhere else */
    if (at + n > size) return size;
    memmove(text + at, text + below(size - n + 1), n);
    return size;
  case 4: /* put a word in */
    n = strlen(w);
    if (size + n > room) return size;
    memmove(text + at + n, text + at, size - at);
    memcpy(text + at, w, n);
    return size + n;
  default: /* put a word over */
    n = strlen(w);
    if (at + n > size) return size;
    memcpy(text + at, w, n);
    return size;
  }
}

static int fuzz_file(const char *path, long iterations) {
  char *seed;
  size_t length;
  sg_error e = {0};
  if (sg_read_file(path, &seed, &length, &e) != SG_OK) {
    fprintf(stderr, "%s\n", e.fault[0].message);
    sg_error_clear(&e);
    return 1;
  }
  size_t room = length + 4096;
  uint8_t *text = malloc(room + 1);
  for (long i = 0; text && i < iterations; i++) {
    memcpy(text, seed, length);
    size_t size = length;
    for (size_t k = below(6) + 1; i > 0 && k > 0; k--) size = mutate(text, size, room);
    /* A copy of exactly this size, so that a sanitizer sees a byte read too many. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact) break;
    memcpy(exact, text, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
  }
  free(text);
  free(seed);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: fuzz_scenario ITERATIONS FILE…\n");
    return 64;
  }
  long iterations = strtol(argv[1], NULL, 10);
  for (int i = 2; i < argc; i++)
    if (fuzz_file(argv[i], iterations)) return 66;
  return 0;
}

#endif
