/* SPDX-License-Identifier: MIT */
/* Known values of what protocols take: closed forms and values that other programs computed, with
 * the scenarios that they are of. `validate_protocols` simulates them. A topic has a file with its
 * array, and its line in list.h. */
#ifndef SG_TESTS_TARGETS_TARGETS_H
#define SG_TESTS_TARGETS_TARGETS_H

#include "results/record.h"

#include <stdbool.h>

typedef struct rate_target {
  const char *source;   /* section of docs/theory.md, label; how the value was got */
  const char *scenario; /* JSON, one point; stop.iterations is set by the program */
  const char *quantity; /* for people; NULL: seconds of an iteration */
  double (*of)(const sg_iteration_record *row); /* of each row; NULL: duration_s */
  double value;
  double error;     /* standard error of the value; 0: exact to its digits */
  double tolerance; /* relative, where the value is rounded or known to be approximate; else 0 */
  long iterations;  /* at most so many, 100 or a multiple, where nothing varies; 0: no limit */
} rate_target;

/* A scenario that times one scheme. delay, network and scheme are members of their objects. */
#define RATE_SCENARIO(n, delay_, network_, scheme)                                                 \
  "{\"format\":1,\"cluster\":{\"workers\":" #n "},\"delay\":{" delay_ "},\"network\":{" network_   \
  "},\"schemes\":[{" scheme "}],\"learning\":{\"problem\":\"none\",\"length\":960},"               \
  "\"replications\":1,\"random\":{\"seed\":1}"                                                     \
  ",\"output\":{\"detail\":\"summary\"}}"

#endif
