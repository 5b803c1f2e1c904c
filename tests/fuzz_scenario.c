/* SPDX-License-Identifier: MIT */
/* Feeds arbitrary bytes to the scenario reader: whatever comes, it must answer, not crash.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the files given to it, the same way every time:  fuzz_scenario ITERATIONS FILE… */
#include "tests/support/mutate.h"
#include "tests/support/play.h"

#include <string.h>

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
  fuzz_read((const char *)data, size, nul ? 1 : 0, &override, is_small(data, size));
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
  LLVMFuzzerInitialize(&argc, &argv);
  return mutate_main(argc, argv, &how, LLVMFuzzerTestOneInput);
}

#endif
