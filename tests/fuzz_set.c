/* SPDX-License-Identifier: MIT */
/* Command-line overrides of a valid scenario: lines of POINTER=VALUE, up to four, as --set has
 * them. Whatever comes, the scenario is read with them, expanded into points and reported, or
 * refused with messages.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the files given to it, the same way every time:  fuzz_set ITERATIONS FILE… */
#include "tests/support/mutate.h"
#include "tests/support/play.h"

#include <stdlib.h>
#include <string.h>

static const char base[] =
    "{\"format\":1,\"cluster\":{\"workers\":6,\"speeds\":[1,1,1,1,2,1]},\"delay\":{\"model\":"
    "\"gamma\",\"mean_s\":1,\"shape\":2,\"memory\":{\"slow_share\":0.2,\"mean_slow_iterations\":5,"
    "\"slowdown\":3}},\"network\":{\"uplink\":{\"model\":\"linear\",\"bandwidth_Bps\":1e3}},"
    "\"learning\":{\"problem\":\"none\",\"length\":12},\"schemes\":[{\"code\":\"uncoded\"},{"
    "\"code\":"
    "\"cyclic-repetition\",\"s\":{\"each\":[1,2]}},{\"code\":\"group\",\"d\":2,\"m\":1,"
    "\"linear_code\":\"harmonic\",\"stop\":\"decodable\"}],\"sweep\":[{\"name\":\"k\",\"path\":"
    "\"/delay/shape\",\"values\":[1,2]}],\"stop\":{\"iterations\":3}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { MOST = 4 };
  sg_override override[MOST];
  int n = 0;
  char *text = malloc(size + 1);
  if (!text || size > 4096) {
    free(text);
    return 0;
  }
  memcpy(text, data, size);
  text[size] = '\0';
  for (char *line = text; n < MOST && line; n++) {
    char *end = strchr(line, '\n'), *equal;
    if (end) *end++ = '\0';
    equal = strchr(line, '=');
    if (!equal) break;
    *equal = '\0';
    override[n] = (sg_override){line, equal + 1};
    line = end;
  }
  fuzz_read(base, sizeof base - 1, n, override, true);
  free(text);
  return 0;
}

#ifndef SG_LIBFUZZER

static const char *const word[] = {"/",
                                   "/schemes/",
                                   "/0",
                                   "/1/s",
                                   "/-",
                                   "~0",
                                   "~1",
                                   "=",
                                   "\n",
                                   "{}",
                                   "[",
                                   "]",
                                   "{\"each\":[1,2,3]}",
                                   "/delay/model",
                                   "pareto",
                                   "null",
                                   "1e999",
                                   "-1",
                                   "true",
                                   "\"",
                                   "\xff",
                                   "/sweep/0/values",
                                   "2",
                                   "{\"code\":\"uncoded\"}",
                                   NULL};

int main(int argc, char **argv) {
  const mutation how = {.word = word, .most = 4};
  return mutate_main(argc, argv, &how, LLVMFuzzerTestOneInput);
}

#endif
