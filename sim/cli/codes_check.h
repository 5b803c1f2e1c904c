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
  int subsets;
  /* What its record in a database points to. */
  sg_sets_record *sets;
  sg_buffer missing[SG_MISSING_TEXTS];
} sg_checked;

typedef struct sg_codes_check {
  const sg_call *call;
  bool all, many; /* --all; more than one check may come of it */
  sg_format format;
  const char *speeds, *straggling; /* as typed */
  sg_shape shape;                  /* of the check at hand */
  int n_sizes, *size;
  sg_check_options options;
  int count, capacity;
  sg_checked *item;
  /* Progress. */
  int codes, codes_done;
  bool shown;
  double began_s, shown_s;
} sg_codes_check;

/* --- Lists (codes_check_lists.c) ---------------------------------------------------------------
 */

typedef struct sg_words {
  int n, capacity;
  char **word;
} sg_words;

/* "6,8,…,30" (or "..."), "1,2", "7" as words; the dots go on by the difference of the two numbers
 * before them. what: the option or parameter, for faults. */
sg_status sg_words_read(const char *what, const char *list, sg_words *w, sg_error *e);
void sg_words_free(sg_words *w);
/* The same as whole numbers in a range; *out is the caller's. */
sg_status sg_read_counts(const char *what, const char *list, int least, int most, int **out, int *n,
                         sg_error *e);

/* The parameters behind a code's name, each with the values that it shall have. */
typedef struct sg_choices {
  int n, name_capacity, values_capacity, combinations;
  char **name;
  sg_words *values;
} sg_choices;
/* All faults are collected. Clear it in any case. */
sg_status sg_choices_read(const sg_args *a, const sg_values *values, sg_choices *c, sg_error *e);
/* Sets combination i of them. */
sg_status sg_choose(const sg_choices *c, int combination, sg_values *values, sg_error *e);
void sg_choices_free(sg_choices *c);

/* "[0,3,5]" */
void sg_put_missing(int n, const int *missing, sg_buffer *out);

/* The checks in the format asked for, on standard output; returns an exit code. */
int sg_print_checks(const sg_codes_check *s);

#endif
