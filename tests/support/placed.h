/* SPDX-License-Identifier: MIT */
/* Approximate codes by a sparse placement without an engine: made as typed, weights and α of any
 * pattern, means over all of them or over samples. Faults fail the running test. */
#ifndef SG_TESTS_PLACED_H
#define SG_TESTS_PLACED_H

#include "codes/tools/approximate.h"
#include "sim/core/random.h"
#include "tests/support/code_bench.h"

typedef struct made {
  sg_values *values;
  sg_code *code;
  const sg_approximate *t;
  int workers, blocks;
  int *who;
  double *w, *alpha;
  sg_scratch scratch;
} made;

/* The values of a registered code with parameters as typed: "d=3 graph=circulant". */
sg_values *typed(const char *name, const char *words);
made make_with(const char *name, const char *words, int n, uint64_t seed,
               const sg_forecast *forecast);
made make(const char *name, const char *words, int n, uint64_t seed);
void drop(made *m);

/* ‖α − 1‖² when exactly these answer; α stays in m->alpha, who and the weights in m->who, m->w. */
double decode(made *m, const bool *present);
double decode_set(made *m, unsigned long set);

/* P(exactly these answer) with every worker straggling by p; E ‖α − 1‖² over all patterns, and over
 * all sets of r answers. */
double chance(int n, unsigned long set, double p);
double mean_error(made *m, double p);
double mean_error_of(made *m, int r);

double choose(int n, int k);

typedef struct moments {
  double count, sum, squares;
} moments;

sg_stream stream_of(uint32_t number);
/* r of n, all sets alike. */
void sample(sg_stream *s, int n, int r, bool *present);
void take(moments *m, double x);
/* |z| ≤ 4. */
void check_z(const moments *m, double expected, const char *what);

/* Needs cmocka.h. */
#define CLOSE(found, expected, tolerance)                                                          \
  do {                                                                                             \
    double f_ = (found), e_ = (expected);                                                          \
    if (!(fabs(f_ - e_) <= (tolerance))) fail_msg("found %.12g, expected %.12g", f_, e_);          \
  } while (0)

#endif
