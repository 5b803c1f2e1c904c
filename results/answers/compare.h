/* SPDX-License-Identifier: MIT */
/* The parts of `compare`: what environments are called (environments.c), all columns of a scheme
 * (compared.c), sentences (answer.c), one line per environment (best.c), environments that are put
 * together at equal batch, time or work (equal.c) or to choose the parameters of each code
 * (tuned.c), both by joined.c, and the whole (compare.c).
 */
#ifndef SG_RESULTS_ANSWERS_COMPARE_H
#define SG_RESULTS_ANSWERS_COMPARE_H

#include "results/answers/judge.h"
#include "results/query.h"

/* A value of an axis that all schemes of an environment share, as JSON. */
typedef struct sg_setting {
  const char *name, *value;
} sg_setting;

typedef struct sg_environment_name {
  char *scenario;
  int begin, end; /* its settings in those of all */
  /* "delay/mean_excess_s = 5, …": where others are called the same, what they differ in; or NULL.
   */
  char *differs;
} sg_environment_name;

typedef struct sg_names {
  sg_environment_name *environment; /* one for each of the comparison */
  int n;
  sg_setting *setting;
  int n_settings, capacity;
  /* Axes that are not the same in all environments, and whether these alone tell them apart. */
  int n_varying, varying_capacity;
  const char **varying;
  bool told_apart;
  struct sg_axis_value *value; /* of all points; what the texts above belong to */
  int n_values, values_capacity;
} sg_names;

/* Zero-initialise; clear in any case. */
sg_status sg_names_read(sg_db *db, const sg_comparison *c, sg_names *names, sg_error *e);
void sg_names_clear(sg_names *names);
/* NULL: the environment does not have the axis. */
const char *sg_names_setting(const sg_names *names, int environment, const char *axis);
/* The k-th axis of a point, of its scheme (`each`), too; false: it has no more. */
bool sg_names_axis(const sg_names *names, int64_t point, int k, sg_setting *axis);
/* "quickstart, n = 12": the scenario, axes that vary, and what else differs. */
void sg_put_name(const sg_names *names, int environment, sg_buffer *out);
/* A value, which is JSON: texts without quotes where that is clear, 12500000000 as 1.25e+10. */
void sg_put_setting(const char *json, sg_buffer *out);

/* What n environments differ in, with all values: "cluster/workers 100, 104; …". */
sg_status sg_put_differences(sg_db *db, const sg_comparison *c, int n, const int *of,
                             sg_buffer *out, sg_error *e);

/* What is asked for, and what its answer is made of. */
typedef struct sg_comparing {
  sg_db *db;
  const sg_compare_options *options;
  sg_comparison found;
  sg_names names;
  sqlite3_stmt *axes;     /* of a point, by number: a row of v_axes */
  sqlite3_stmt *settings; /* of a point: what the heading says of its configuration */
} sg_comparing;

/* How many times the data are computed by all workers together: 1 without redundancy. */
double sg_work(const sg_judged *s);
/* Whether updates of the schemes of an environment do not use the same of the data; the rest of
 * what is to be said of it is in sentences. */
bool sg_samples_differ(const sg_comparison *c, const sg_judged_environment *v);
/* A ratio with its interval: "2.03× [1.98, 2.07]"; without one "2.03× (4 pairs)", "censored". */
void sg_put_ratio(const sg_ratio *r, sg_buffer *out);
/* The time by which schemes are ordered, with (reached/runs) where some did not get there. */
void sg_put_time(const sg_judged_environment *v, const sg_judged *s, sg_buffer *out);
/* The median time to target as one number: NAN where it is not known. */
double sg_median_time(const sg_judged *s);

/* A value of an axis, with as many digits as it has. */
void sg_put_axis(sg_table *t, double x);
/* Rows of all columns: schemes of environment `number` (−1: of all) in the order `of` (NULL: as
 * they are), or the fastest ones. The columns are there without rows, too. */
sg_status sg_put_schemes(sg_comparing *c, int number, const int *of, sg_table *t, sg_error *e);
sg_status sg_put_fastest(sg_comparing *c, sg_table *t, sg_error *e);
/* Orders and chooses columns as the options say; SG_USAGE with the nearest name. */
sg_status sg_choose_columns(const sg_compare_options *o, sg_table *t, sg_error *e);

/* Sentences on an environment: its fastest, schemes that are inexact, where time goes. */
void sg_put_answer(const sg_comparison *c, const sg_judged_environment *v, int width,
                   sg_buffer *out);
/* What of many claims must be said once. */
void sg_put_multiplicity(const sg_comparison *c, int width, sg_buffer *out);
/* A paragraph in lines that can be read: of the terminal, or of 100 columns; in one line where the
 * width is negative. */
void sg_put_paragraph(const char *text, int width, sg_buffer *out);

/* What an environment is, a line for each thing that is to be said of it; without an end of line.
 */
sg_status sg_put_heading(sg_comparing *c, int number, sg_buffer *out, sg_error *e);
/* Notes and warnings under its table, in lines of 100 columns. */
sg_status sg_put_notes(sg_comparing *c, int number, sg_buffer *out, sg_error *e);
/* The table of an environment, the fastest first, with the columns that there is room for: how many
 * are left out. */
sg_status sg_put_people(sg_comparing *c, int number, sg_table *t, int *left, sg_error *e);
/* One line per environment as a table, and what stands under it; SG_NO_MEMORY. */
sg_status sg_make_best(sg_comparing *c, sg_table **t, sg_buffer *legend, sg_error *e);

/* Seconds of an iteration, of a worker on average; they add up to the iteration. False: not known,
 * as where computing goes on beside sending (late work that is finished). */
enum { SG_SPENT = 5 };
extern const char *const sg_spent_on[SG_SPENT];
bool sg_find_spent(const sg_judged *s, double part[SG_SPENT]);

/* One line per environment, for people. */
sg_status sg_print_best(sg_comparing *c, sg_buffer *out, sg_error *e);

/* --- Environments put together ------------------------------------------------------------------
 */

/* Environments that agree in all axes but those that are asked for, in the order of the first. */
typedef struct sg_joined {
  int n_axes;
  char **axis;
  int n, *group; /* groups; of each environment */
} sg_joined;
/* axes: "n,step"; NULL: each environment by itself. SG_USAGE with the nearest name. Clear it in any
 * case. */
sg_status sg_join(const sg_comparing *c, const char *axes, sg_joined *j, sg_error *e);
void sg_joined_clear(sg_joined *j);
/* The environments of a group: how many; room for all of them. */
int sg_joined_of(const sg_comparing *c, const sg_joined *j, int group, int *environment);
/* The group as an environment is called, without the axes over which it is joined. */
void sg_put_group(const sg_comparing *c, const sg_joined *j, int group, sg_buffer *out);
/* What its environments are joined over and differ in, in a sentence; nothing of a single one. */
sg_status sg_put_joined(sg_comparing *c, const sg_joined *j, int group, int width, sg_buffer *out,
                        sg_error *e);
/* Whether one of the axes is the number of workers. */
bool sg_joined_by_workers(const sg_comparing *c, const sg_joined *j);
/* The cells of the axes, each in a column of its own; of an environment. */
void sg_put_joined_axes(const sg_comparing *c, const sg_joined *j, int environment, sg_table *t);

/* A mean or median over runs with its interval, NAN where there is none: "3.59 [3.57, 3.61]". */
typedef struct sg_interval {
  double value, low, high;
} sg_interval;
void sg_put_interval(const sg_interval *x, sg_buffer *out);
/* The mean of n numbers with Student's interval, from SG_FEWEST_PAIRS on, where they differ. */
sg_interval sg_mean_of(int n, const double *x);
/* The median with its interval of order statistics; sorts x, INFINITY: later than all others. */
sg_interval sg_median_of(int n, double *x);
/* Three cells, "name", "name_low" and "name_high"; what is not finite is empty. */
void sg_put_interval_cells(sg_table *t, const char *name, const sg_interval *x);

/* Rows for programs, chosen and ordered as the options say; without any only that there are none.
 */
sg_status sg_print_data(const sg_comparing *c, sg_table *t, sg_buffer *out, sg_error *e);
sg_status sg_print_equal(sg_comparing *c, sg_buffer *out, sg_error *e);
sg_status sg_print_tuned(sg_comparing *c, sg_buffer *out, sg_error *e);

#endif
