/* SPDX-License-Identifier: MIT */
/* Feeds arbitrary bytes to the trace reader, and what it takes to the fit: whatever comes, they
 * must answer, not crash.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the first lines of the files given to it, the same way every time:
 *   fuzz_trace ITERATIONS FILE… */
#include "sim/fit/fit.h"
#include "tests/support/mutate.h"
#include "tests/support/play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static const char *const word[] = {",",
                                   "\n",
                                   "\r\n",
                                   "#",
                                   "# unit: ms\n",
                                   "1e308",
                                   "1e-308",
                                   "5e-324",
                                   "nan",
                                   "inf",
                                   "-1",
                                   "0",
                                   "0x1p3",
                                   "\"",
                                   "1e999",
                                   "load",
                                   "send_s",
                                   "worker",
                                   "compute_s",
                                   "iteration",
                                   "\xff",
                                   "\xe2\x89",
                                   "1.5",
                                   "9007199254740993",
                                   " ",
                                   "\t",
                                   "7",
                                   "# source:",
                                   NULL};

int main(int argc, char **argv) {
  const mutation how = {.word = word, .lines = LINES, .most = 4};
  LLVMFuzzerInitialize(&argc, &argv);
  return mutate_main(argc, argv, &how, LLVMFuzzerTestOneInput);
}

#endif
