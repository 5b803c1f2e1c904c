/* SPDX-License-Identifier: MIT */
/* Measured times of workers, read from a CSV file (sim/core/csv.h).
 *
 *   # source: where the times come from        comment lines: "# name: value", all optional
 *   # licence: terms
 *   # unit: s                                  s when absent; anything else is not seconds
 *   iteration,worker,compute_s,send_s,load     header; the order is free, send_s and load optional
 *   0,0,1.25,0.1,1
 *
 * A trace is a full rectangle: every worker has one row in every iteration. Rules:
 *   numbers     iterations and workers are whole numbers ≥ 0 in any order of rows. They need be
 *               neither contiguous nor begin at 0: they are taken in ascending order, and gaps in
 *               the numbering mean nothing.
 *   duplicates  a second row of an iteration and worker is a fault, whatever its load.
 *   gaps        a worker without a row in an iteration that others have is a fault.
 *   times       compute_s > 0, send_s ≥ 0, finite; load: a whole number ≥ 1 of subsets, of which
 *               compute_s is the total. Anything else is a fault.
 * All faults are listed with their line, up to a limit, and the rest is counted. */
#ifndef SG_MODELS_TRACE_H
#define SG_MODELS_TRACE_H

#include "sim/core/text.h"

typedef struct sg_trace {
  int workers;
  long iterations;
  double *compute;        /* iterations × workers, row-major, ld = workers; the trace's unit */
  double *send;           /* the same shape; NULL: no such column */
  double *load;           /* the same shape, subsets; NULL: no such column */
  long long *worker_name; /* workers numbers as they are in the file, ascending */
  char *source, *licence; /* of the comments; "" when absent */
  char *unit;             /* "s" when absent */
  bool seconds;           /* the unit is the second */
} sg_trace;

/* Reads a file, or text that is in memory; `name` stands for the file in messages. *out is set only
 * on success. O(rows log rows). */
sg_status sg_trace_read(const char *path, sg_trace **out, sg_error *e);
sg_status sg_trace_parse(const char *name, const char *text, size_t length, sg_trace **out,
                         sg_error *e);
void sg_trace_free(sg_trace *trace);

/* Keeps only the workers of a list of their numbers such as "0-7,12". A list that names none, or
 * one that the trace has not, is SG_USAGE. */
sg_status sg_trace_select(sg_trace *trace, const char *list, sg_error *e);

/* Sample autocovariances of the columns of x (iterations × workers, row-major) about their own
 * means, pooled over the columns: r[k], k = 0 … lags, with divisor iterations · workers. */
void sg_autocovariances(long iterations, int workers, const double *x, long lags, double *r);

/* The block length of a circular block bootstrap of the rows of x, from the pooled
 * autocorrelations: Politis and White 2004 with the correction of Patton, Politis and White 2009
 * (recalled). From 1 (no autocorrelation beyond chance) to min(3 √iterations, iterations/3); 0: out
 * of memory. */
long sg_block_length(long iterations, int workers, const double *x);

#endif
