/* SPDX-License-Identifier: MIT */
/* Errors of graph codes under random erasure: the enumerations of theory: graph-codes (derived, by
 * other code than ours), through the engine. A round in which nothing comes would not end; with 15
 * workers there is none. */
#include "tests/targets/targets.h"

#define ERASED(n, erasure_, members)                                                               \
  "{\"format\":1,\"cluster\":{\"workers\":" #n ",\"erasure\":{" erasure_                           \
  "}},\"delay\":{\"model\":\"exponential\",\"mean_s\":1},\"schemes\":[{\"code\":"                  \
  "\"graph\"," members                                                                             \
  "}],\"learning\":{\"problem\":\"none\",\"length\":960},\"random\":{\"seed\":1}"                  \
  ",\"output\":{\"detail\":\"summary\"}}"

#define BERNOULLI(p) "\"model\":\"bernoulli\",\"probability\":" #p
#define UNIFORM(s)   "\"model\":\"uniform\",\"count\":" #s
#define PETERSEN     "\"graph\":\"petersen\",\"weights\":\"tree\""
#define LEAST_NORM   "\"graph\":\"petersen\",\"weights\":\"minimum-norm\""
#define K4           "\"graph\":\"complete\""

static double total(const sg_iteration_record *row) {
  return row->decoding_err;
}
static double mean(const sg_iteration_record *row) {
  return row->err_norm;
}
static double exact(const sg_iteration_record *row) {
  return row->decoding_err < 1e-12;
}

extern const rate_target graph_targets[];
const rate_target graph_targets[] = {{"enumeration", ERASED(15, BERNOULLI(0.1), PETERSEN),
                                      "E e, Petersen", mean, .value = 1.21778161e-3},
                                     {"enumeration", ERASED(15, BERNOULLI(0.2), LEAST_NORM),
                                      "E e, Petersen", mean, .value = 9.92994634e-3},
                                     {"enumeration", ERASED(15, BERNOULLI(0.3), PETERSEN),
                                      "E e, Petersen", mean, .value = 0.0335226033},
                                     {"enumeration", ERASED(15, BERNOULLI(0.2), PETERSEN),
                                      "P(exact), Petersen", exact, .value = 0.886153,
                                      .tolerance = 1e-6},
                                     {"enumeration", ERASED(15, UNIFORM(3), LEAST_NORM),
                                      "E n e, Petersen", total, .value = 0.0263736264},
                                     {"enumeration", ERASED(15, UNIFORM(5), PETERSEN),
                                      "E n e, Petersen", total, .value = 0.272172272},
                                     {"enumeration", ERASED(15, UNIFORM(8), LEAST_NORM),
                                      "E n e, Petersen", total, .value = 1.50753691},
                                     {"enumeration", ERASED(6, UNIFORM(4), K4), "E n e, K4", total,
                                      .value = 1.0666667, .tolerance = 1e-7},
                                     {0}};
