/* SPDX-License-Identifier: MIT */
/* Who makes the others wait: from the arrivals of workers, measured or simulated, without a word
 * printed.
 *
 * An iteration in which all are waited for ends with its last arrival; what a worker is to blame
 * for is a question about these maxima (docs/blame.md). Where arrivals are missing, because the
 * scheme does not wait for all, only who arrived last and the wait from the arrival before it are
 * known. */
#ifndef SG_RESULTS_ANSWERS_BLAME_H
#define SG_RESULTS_ANSWERS_BLAME_H

#include "results/answers/statistics.h"
#include "results/pictures/chart.h"
#include "results/pictures/figures.h"

/* When the result of each worker came, from the start of the iteration. */
typedef struct sg_arrivals {
  int workers;
  long iterations;
  double *time;          /* iterations × workers, row-major; NAN: it was not waited for */
  const long long *name; /* of workers, not owned; NULL: their places */
} sg_arrivals;

typedef enum sg_eviction {
  SG_BLAME_UNDECIDED,
  SG_BLAME_KEEP,
  SG_BLAME_EVICT,
  SG_BLAME_UNKNOWN
} sg_eviction;

typedef struct sg_blamed { /* a worker; NAN where arrivals are missing */
  int worker;              /* its column */
  long times_last;         /* iterations in which nobody arrived later */
  double wait_s;      /* over all: its arrival, where it alone was last, minus the one before */
  long times_missing; /* iterations in which it was not waited for */
  double slowdown;    /* of all iterations, if only this worker were not the median one */
  double recovered;   /* share of the seconds above the median worker's, if only it were that */
  double score;       /* share of these that it is to blame for; all shares add up to 1 */
  /* Mean time with it over that without it, with its interval. Without it each of the others has
   * n/(n − 1) as much to do: it is worth its place while the ratio is below that. */
  sg_ratio evict;
  sg_eviction keep;
} sg_blamed;

typedef struct sg_blame {
  int n;
  long iterations;
  bool complete;            /* no arrival is missing */
  double whole_s, median_s; /* sums of the last and of the median arrivals; NAN: not complete */
  int n_slowest;            /* 3 % of the workers, rounded up: the greatest slowdowns */
  int *slowest;
  double recovered;  /* share of whole_s − median_s, if these were median workers */
  double alpha;      /* of one interval */
  double effective;  /* independent iterations that a block is worth (sg_effective_block) */
  sg_blamed *worker; /* the one to blame most first */
} sg_blame;

/* simultaneous: the intervals of all workers hold together at 95 % (Bonferroni). SG_INVALID: fewer
 * than two workers. Zero-initialise *b; clear it in any case. O(iterations · workers · log
 * workers).
 */
sg_status sg_blame_find(const sg_arrivals *a, bool simultaneous, sg_blame *b, sg_error *e);
void sg_blame_clear(sg_blame *b);

/* Lateness, arrival minus the median one of the iteration and at least 0, worker by iteration: the
 * workers to blame most, of many iterations in a row the largest. */
sg_status sg_blame_chart(const sg_arrivals *a, const sg_blame *b, const char *unit, sg_chart *c,
                         sg_error *e);
/* Shares of iterations in which each worker arrived last. */
sg_status sg_blame_shares(const sg_arrivals *a, const sg_blame *b, sg_chart *c, sg_error *e);

/* What the arrivals of a database are of. */
typedef struct sg_blame_source {
  int64_t point_id;
  char *label, *panel; /* of the scheme; what its environment has of axes. Owned */
  int runs;            /* whose iterations stand one after another; of equal ones the first */
  bool replay;
  bool collective; /* of an all-reduce: a worker is there when it has computed */
  int of;          /* how many schemes with rows of workers the request leaves */
} sg_blame_source;

/* The rows of workers of one scheme: of those that `r` leaves the first that waits for all workers,
 * baselines before others. SG_INVALID: there is none, and how to get one. Free a->time, and clear
 * the source, in any case. */
sg_status sg_blame_read(sg_db *db, const sg_figure_request *r, sg_blame_source *source,
                        sg_arrivals *a, sg_error *e);
void sg_blame_source_clear(sg_blame_source *source);

#endif
