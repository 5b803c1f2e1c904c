/* SPDX-License-Identifier: MIT */
/* `codes check`: what the command and its printing share. */
#ifndef SG_SIM_CODES_CHECK_H
#define SG_SIM_CODES_CHECK_H

#include "results/results.h"
#include "sim/check/check.h"
#include "sim/cli/command.h"

enum { SG_MISSING_TEXTS = 4 + SG_PRECISIONS };

/* A check with what it is of. */
typedef struct sg_checked {
  char label[128];
  const char *code;
  char *config; /* JSON */
  char *note;   /* what else the code says of itself; NULL: nothing */
  sg_check *check;
  /* What its record in a database points to. */
  sg_sets_record *sets;
  sg_buffer missing[SG_MISSING_TEXTS];
} sg_checked;

typedef struct sg_codes_check {
  const sg_call *call;
  bool all;
  sg_format format;
  const char *speeds; /* as typed */
  sg_shape shape;
  sg_check_options options;
  int count, capacity;
  sg_checked *item;
  /* Progress. */
  int codes, codes_done;
  bool shown;
  double began_s, shown_s;
} sg_codes_check;

/* "[0,3,5]" */
void sg_put_missing(int n, const int *missing, sg_buffer *out);

/* The checks in the format asked for, on standard output; returns an exit code. */
int sg_print_checks(const sg_codes_check *s);

#endif
