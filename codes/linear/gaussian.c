/* SPDX-License-Identifier: MIT */
/* Random generators, maximum distance separable with probability 1. Independent N(0, 1) entries: as
 * they come, the best of a number of draws, or behind a unit matrix. Haar: orthonormal rows,
 * uniformly distributed, a tight frame. */
#include "codes/tools/gaussian.h"
#include "codes/linear/inner.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <gsl/gsl_combination.h>
#include <math.h>

static sg_status generate(sg_code *code, const sg_values *values, sg_inner *c, sg_error *e) {
  sg_fill_gaussian(c->g, c->m, c->length, c->m, code->shape.seed);
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

static bool list_sets(const trial *t) {
  gsl_combination *set = gsl_combination_calloc((size_t)t->length, (size_t)t->m);
  if (!set) return false;
  int *to = t->set;
  do
    for (int i = 0; i < t->m; i++) *to++ = (int)gsl_combination_get(set, (size_t)i);
  while (gsl_combination_next(set) == GSL_SUCCESS);
  gsl_combination_free(set);
  return true;
}

/* Each position is taken with the chance that leaves all sets equally likely. */
static void sample_sets(const trial *t, uint64_t seed) {
  sg_stream s;
  sg_stream_at(&s, seed, 0, SG_FOR_CODE, 0, 0, 1);
  for (int k = 0; k < t->sets; k++)
    for (int c = 0, have = 0; c < t->length; c++)
      if (sg_uniform(&s) * (t->length - c) < t->m - have) t->set[k * t->m + have++] = c;
}

/* To *worst; stops as soon as it is no better than `best`. */
static sg_status worst_condition(const trial *t, const double *g, double best, double *worst) {
  int m = t->m;
  double cond1;
  *worst = 0;
  for (int k = 0; k < t->sets && *worst < best; k++) {
    for (int i = 0; i < m; i++)
      memcpy(t->system + i * m, g + t->set[k * m + i] * m, (size_t)m * sizeof *g);
    if (sg_solve(m, 0, t->system, m, NULL, m, t->pivots, &cond1) == SG_NO_MEMORY)
      return SG_NO_MEMORY;
    *worst = fmax(*worst, cond1);
  }
  return SG_OK;
}

static sg_status generate_best(sg_code *code, const sg_values *values, sg_inner *c, sg_error *e) {
  int length = c->length, m = c->m;
  double sets = 1, best = INFINITY;
  for (int i = 1; i <= m; i++) sets = sets * (length - m + i) / i;
  bool all = sets <= MOST_SETS;
  int count = all ? (int)lround(sets) : SAMPLED_SETS;
  size_t size = (size_t)m * (size_t)length;
  SG_OWNED int *set = malloc((size_t)count * (size_t)m * sizeof *set);
  SG_OWNED double *system = malloc((size_t)m * (size_t)m * sizeof *system);
  SG_OWNED lapack_int *pivots = malloc((size_t)m * sizeof *pivots);
  SG_OWNED double *draw = malloc(size * sizeof *draw);
  trial t = {length, m, count, set, system, pivots};
  if (!set || !system || !pivots || !draw || (all && !list_sets(&t))) return sg_fail_memory(e);
  if (!all) sample_sets(&t, code->shape.seed);
  for (long k = 0; k < sg_int(values, "draws"); k++) {
    sg_fill_gaussian_draw(draw, m, length, m, code->shape.seed, (uint32_t)k);
    double worst;
    if (worst_condition(&t, draw, best, &worst)) return sg_fail_memory(e);
    if (worst >= best) continue;
    best = worst;
    memcpy(c->g, draw, size * sizeof *draw);
  }
  return SG_OK;
}

/* --- Systematic, and Haar --------------------------------------------------------------------- */

static sg_status generate_systematic(sg_code *code, const sg_values *values, sg_inner *c,
                                     sg_error *e) {
  int m = c->m;
  for (int u = 0; u < m; u++) c->g[u + u * m] = 1;
  sg_fill_gaussian(c->g + m * m, m, c->length - m, m, code->shape.seed);
  return SG_OK;
}

/* The polar factor U Vᵀ of a Gaussian matrix U Σ Vᵀ: G Gᵀ = I. */
static sg_status generate_haar(sg_code *code, const sg_values *values, sg_inner *c, sg_error *e) {
  int length = c->length, m = c->m;
  size_t n = (size_t)length, rows = (size_t)m;
  SG_OWNED double *a = malloc(rows * n * sizeof *a), *sigma = malloc(rows * sizeof *sigma);
  SG_OWNED double *u = malloc(rows * rows * sizeof *u), *vt = malloc(n * n * sizeof *vt);
  if (!a || !sigma || !u || !vt) return sg_fail_memory(e);
  sg_fill_gaussian(a, m, length, m, code->shape.seed);
  sg_status status = sg_svd(m, length, a, m, sigma, u, vt);
  if (status) return status == SG_NO_MEMORY ? sg_fail_memory(e) : status;
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, length, m, 1, u, m, vt, length, 0, c->g,
              m);
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
const sg_linear_type sg_linear_haar = {
    .name = "haar",
    .summary = "the first rows of a random orthogonal matrix",
    .reference = "straggle (derived)",
    .mds = "Singleton bound, met with probability 1",
    .generate = generate_haar,
};
