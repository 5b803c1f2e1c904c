/* SPDX-License-Identifier: MIT */
/* Feeds arbitrary bytes to the trace reader, and what it takes to the fit: whatever comes, they
 * must answer, not crash.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the first lines of the files given to it, the same way every time:
 *   fuzz_trace ITERATIONS FILE… */
#include "sim/fit/fit.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fit of more is no other than one of less, and slow. */
enum {
  MOST_CELLS = 400,
  LINES = 52
}; /* four iterations of twelve workers, and a head of four lines */

static void check_fit(const sg_trace *t) {
  const sg_fit_options options = {.seed = 1, .replicates = 2};
  sg_error e = {0};
  sg_fit *fit = NULL;
  sg_status status = sg_fit_new(t, "fuzz.csv", &options, &fit, &e);
  /* The trace itself is a model that names a file, which is not there. */
  if ((status == SG_OK) != (fit != NULL) || (status == SG_OK && !fit->verdict)) abort();
  if (status != SG_OK && e.count == 0) abort();
  sg_error_clear(&e);
  sg_fit_free(fit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  sg_trace *t = NULL;
  sg_error e = {0};
  sg_status status = sg_trace_parse("fuzz.csv", (const char *)data, size, &t, &e);
  if ((status == SG_OK) != (e.count == 0) || (status == SG_OK) != (t != NULL)) abort();
  if (e.count > 21) abort(); /* bounded */
  for (int i = 0; i < e.count; i++)
    if (sg_utf8_valid(e.fault[i].message, strlen(e.fault[i].message)) < strlen(e.fault[i].message))
      abort();
  sg_error_clear(&e);
  if (!t) return 0;
  size_t cells = (size_t)t->iterations * (size_t)t->workers;
  if (t->workers < 1 || t->iterations < 1) abort();
  for (size_t k = 0; k < cells; k++)
    if (!(t->compute[k] > 0) || !isfinite(t->compute[k])) abort();
  if (cells <= MOST_CELLS) check_fit(t);
  sg_trace_free(t);
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

static const char *const word[] = {
    ",",         "\n",        "\r\n",  "#",        "# unit: ms\n", "1e308",
    "1e-308",    "5e-324",    "nan",   "inf",      "-1",           "0",
    "0x1p3",     "\"",        "1e999", "load",     "send_s",       "worker",
    "compute_s", "iteration", "\xff",  "\xe2\x89", "1.5",          "9007199254740993",
    " ",         "\t",        "7",     "# source:"};

/* One change: bytes flipped, cut, doubled, or a word put in or over. */
static size_t mutate(char *text, size_t size, size_t room) {
  size_t at = below(size + 1), n = below(below(4) ? 6 : 64) + 1;
  const char *w = word[below(sizeof word / sizeof *word)];
  switch (below(6)) {
  case 0:
    if (at < size) text[at] = (char)below(256);
    return size;
  case 1: /* cut */
    if (at + n > size) return size;
    memmove(text + at, text + at + n, size - at - n);
    return size - n;
  case 2: /* double a stretch */
    if (at + n > size || size + n > room) return size;
    memmove(text + at + n, text + at, size - at);
    return size + n;
  case 3: /* another digit: mostly a valid trace */
    if (at < size && text[at] >= '0' && text[at] <= '9') text[at] = (char)('0' + below(10));
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
  size_t kept = 0;
  for (int lines = 0; kept < length && lines < LINES; kept++) lines += seed[kept] == '\n';
  size_t room = kept + 4096;
  char *text = malloc(room + 1);
  for (long i = 0; text && i < iterations; i++) {
    memcpy(text, seed, kept);
    size_t size = kept;
    for (size_t k = below(4) + 1; i > 0 && k > 0; k--) size = mutate(text, size, room);
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
    fprintf(stderr, "usage: fuzz_trace ITERATIONS FILE…\n");
    return 64;
  }
  gsl_set_error_handler_off();
  long iterations = strtol(argv[1], NULL, 10);
  for (int i = 2; i < argc; i++)
    if (fuzz_file(argv[i], iterations)) return 66;
  return 0;
}

#endif
