/* SPDX-License-Identifier: MIT */
/* `codes check`: what the command and its printing share. */
#ifndef SG_SIM_CODES_CHECK_H
#define SG_SIM_CODES_CHECK_H

#include "sim/check/check.h"
#include "sim/core/table.h"

typedef struct sg_check_request {
  long workers, subsets, length, patterns;
  int threads;
  uint64_t seed;
  const char *speeds; /* as typed; NULL: all 1 */
  sg_format format;
  bool all;
} sg_check_request;

/* A check with what it is of. */
typedef struct sg_checked {
  char label[128];
  const char *code;
  char *config; /* JSON */
  char *note;   /* what else the code says of itself; NULL: nothing */
  sg_check *check;
} sg_checked;

/* "[0,3,5]" */
void sg_put_missing(int n, const int *missing, sg_buffer *out);

/* The checks in the format asked for, on standard output; returns an exit code. */
int sg_print_checks(const sg_check_request *q, int subsets, int count, const sg_checked *checked);

#endif
