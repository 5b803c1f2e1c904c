/* SPDX-License-Identifier: MIT */
/* Independent N(0, 1) entries: maximum distance separable with probability 1. As they come, the
 * best of a number of draws, or behind a unit matrix. */
#include "codes/tools/gaussian.h"
#include "codes/linear/linear.h"
#include "sim/core/linalg.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status generate(sg_code *code, const sg_values *values, int length, int m, double *g,
                          const void **self, sg_error *e) {
  sg_fill_gaussian(g, m, length, m, code->shape.seed);
  return SG_OK;
}

/* --- The best of a number of draws ------------------------------------------------------------ */

/* Draws are compared by their worst condition over all survivor sets of m, or where there are very
 * many over a sample of them. */
enum { MOST_SETS = 20000, SAMPLED_SETS = 5000 };

typedef struct trial {
  int length, m, sets;
  int *set; /* sets × m positions */
  double *system;
  lapack_int *pivots;
} trial;

/* The next set of m rising positions; false after the last. */
static bool next_set(int n, int m, int *position) {
  int i = m - 1;
  while (i >= 0 && position[i] == n - m + i) i--;
  if (i < 0) return false;
  position[i]++;
  for (int j = i + 1; j < m; j++) position[j] = position[j - 1] + 1;
  return true;
}

static void list_sets(trial *t) {
  int *last = t->set;
  for (int i = 0; i < t->m; i++) last[i] = i;
  for (int k = 1; k < t->sets; k++, last += t->m) {
    memcpy(last + t->m, last, (size_t)t->m * sizeof *last);
    next_set(t->length, t->m, last + t->m);
  }
}

/* Each position is taken with the chance that leaves all sets equally likely. */
static void sample_sets(trial *t, uint64_t seed) {
  sg_stream s;
  sg_stream_at(&s, seed, 0, SG_FOR_CODE, 0, 0, 1);
  for (int k = 0; k < t->sets; k++)
    for (int c = 0, have = 0; c < t->length; c++)
      if (sg_uniform(&s) * (t->length - c) < t->m - have) t->set[k * t->m + have++] = c;
}

/* Stops as soon as the worst is no better than `best`. */
static double worst_condition(const trial *t, const double *g, double best) {
  int m = t->m;
  double worst = 0, cond1;
  for (int k = 0; k < t->sets && worst < best; k++) {
    for (int i = 0; i < m; i++)
      memcpy(t->system + i * m, g + t->set[k * m + i] * m, (size_t)m * sizeof *g);
    sg_solve(m, 0, t->system, m, NULL, m, t->pivots, &cond1);
    worst = fmax(worst, cond1);
  }
  return worst;
}

static sg_status generate_best(sg_code *code, const sg_values *values, int length, int m, double *g,
                               const void **self, sg_error *e) {
  trial t = {.length = length, .m = m};
  double sets = 1, best = INFINITY;
  size_t size = (size_t)m * (size_t)length;
  for (int i = 1; i <= m; i++) sets = sets * (length - m + i) / i;
  t.sets = sets > MOST_SETS ? SAMPLED_SETS : (int)lround(sets);
  t.set = malloc((size_t)t.sets * (size_t)m * sizeof *t.set);
  t.system = malloc((size_t)m * (size_t)m * sizeof *t.system);
  t.pivots = malloc((size_t)m * sizeof *t.pivots);
  double *draw = malloc(size * sizeof *draw);
  bool ok = t.set && t.system && t.pivots && draw;
  if (ok && sets > MOST_SETS) sample_sets(&t, code->shape.seed);
  if (ok && sets <= MOST_SETS) list_sets(&t);
  for (long k = 0; ok && k < sg_int(values, "draws"); k++) {
    sg_fill_gaussian_draw(draw, m, length, m, code->shape.seed, (uint32_t)k);
    double worst = worst_condition(&t, draw, best);
    if (worst >= best) continue;
    best = worst;
    memcpy(g, draw, size * sizeof *g);
  }
  free(t.set);
  free(t.system);
  free(t.pivots);
  free(draw);
  return ok ? SG_OK : sg_fail_memory(e);
}

/* --- Systematic ------------------------------------------------------------------------------- */

static sg_status generate_systematic(sg_code *code, const sg_values *values, int length, int m,
                                     double *g, const void **self, sg_error *e) {
  for (int u = 0; u < m; u++) g[u + u * m] = 1;
  sg_fill_gaussian(g + m * m, m, length - m, m, code->shape.seed);
  return SG_OK;
}

const sg_linear_type sg_linear_gaussian = {
    .name = "gaussian",
    .summary = "random Gaussian generator, maximum distance separable with probability 1",
    .reference = "Kadhe, Koyluoglu, Ramchandran (ISIT 2020), arXiv:2005.07184 (recalled)",
    .mds = "Singleton bound, met with probability 1",
    .generate = generate,
};
const sg_linear_type sg_linear_best_gaussian = {
    .name = "best-gaussian",
    .summary = "the best conditioned of a number of Gaussian draws",
    .reference = "straggle (derived)",
    .mds = "Singleton bound, met with probability 1",
    .generate = generate_best,
};
const sg_linear_type sg_linear_systematic_gaussian = {
    .name = "systematic-gaussian",
    .summary = "the numbers themselves, then Gaussian combinations of them",
    .reference = "straggle (derived)",
    .mds = "Singleton bound, met with probability 1",
    .generate = generate_systematic,
};
