/* SPDX-License-Identifier: MIT */
/* Batch raptor code (Wang, Liu, Shroff 2019, arXiv:1901.08166).
 *
 * The blocks lie in ⌊n/b⌋ batches of b = ⌈1/log(n/s)⌉ + 1; a worker sends the sum of as many
 * batches, all alike, as a degree drawn from the law of density_evolution.h says. Peeling recovers
 * batches, each with weight 1; the others are lost (recalled). The aim is that few are: with n − s
 * messages, density evolution says which share is left as n grows.
 *
 * With no message of degree 1 peeling recovers nothing: then the step is zero, or one with
 * least-squares weights (`fallback`). A part of the data is a batch, and errors count batches.
 * theory: brc */
#include "codes/tools/approximate.h"
#include "codes/tools/density_evolution.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const fallbacks[] = {"least-squares", "zero", NULL};
enum { LEAST_SQUARES };

static const sg_param params[] = {
    SG_ROW_REAL("eps", 0, 0.25,
                "share of the batches that may be lost: degrees go up to 1/eps + 1, rounded down",
                .flags = SG_REQUIRED | SG_MIN_OPEN | SG_MAX_OPEN),
    SG_ROW_INT("batch", 1, SG_UNBOUNDED,
               "blocks, of n, in a batch; left out: 1/log(n/s), rounded up, and one more",
               .flags = SG_OPTIONAL),
    SG_ROW_CHOICE("fallback", fallbacks, LEAST_SQUARES,
                  "what is decoded where peeling recovers nothing: the nearest to the sum by "
                  "least squares, or zero"),
    SG_ROWS_DECODING(SG_PEEL),
    {0}};

static sg_status read_batches(const sg_values *values, const sg_approximate *t, int n, int *count,
                              sg_error *e) {
  double p = t->p_mean, size = p > 0 ? ceil(1 / -log(p) - 1e-9) + 1 : 1;
  if (sg_given(values, "batch")) {
    size = (double)sg_int(values, "batch");
    if (size > n)
      return sg_fail_at(e, values, "batch", "expected batch ≤ n = %d, found %g", n, size);
  }
  *count = n / (int)fmin(size, n);
  return SG_OK;
}

/* The degree of worker j and its batches: the first of a random order. order: 0 … batches − 1. */
static int draw_worker(const double *chance, int most, uint64_t seed, int j, int batches,
                       int *order) {
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 6, (uint32_t)j, 0);
  double u = sg_uniform(&random);
  int degree = 1;
  while (degree < most && u >= chance[degree]) u -= chance[degree++];
  for (int k = 0; k < degree; k++) {
    int other = k + (int)(sg_uniform(&random) * (batches - k)), kept = order[k];
    order[k] = order[other];
    order[other] = kept;
  }
  return degree;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, batches = 0;
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  sg_status status = sg_approximate_straggling(code, values, t, e);
  if (!status) status = read_batches(values, t, n, &batches, e);
  if (status) return status;
  SG_OWNED double *chance = malloc(((size_t)batches + 2) * sizeof *chance);
  SG_OWNED double *ones = malloc((size_t)batches * sizeof *ones);
  SG_OWNED int *order = malloc((size_t)batches * sizeof *order);
  char *note = sg_code_alloc(code, 240, 1);
  if (!chance || !ones || !order || !note) return sg_fail_memory(e);
  int most = sg_raptor_degrees(sg_real(values, "eps"), batches, chance);
  sg_degrees law = {most, chance};
  size_t entries = 0;
  for (int i = 0; i < batches; i++) {
    order[i] = i;
    ones[i] = 1;
  }
  for (int j = 0; j < n; j++) /* the order does not matter for the degrees */
    entries += (size_t)draw_worker(chance, most, shape->seed, j, batches, order);
  for (int i = 0; i < batches; i++) order[i] = i;
  if (!sg_approximate_place(code, t, batches, entries)) return sg_fail_memory(e);
  for (int j = 0; j < n; j++) {
    int degree = draw_worker(chance, most, shape->seed, j, batches, order);
    sg_sparse_add_row(&t->a, degree, order, ones);
  }
  double ratio = n * (1 - t->p_mean) / batches;
  snprintf(note, 240,
           "%d batches, degrees up to %d, %.4g in the mean; with %.4g messages for each batch "
           "peeling leaves %.4g of very many batches (density evolution)",
           batches, most, sg_degrees_mean(&law), ratio, sg_evolve_rateless(&law, ratio));
  code->note = note;
  t->resort = sg_choice(values, "fallback") == LEAST_SQUARES;
  return sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_brc = {
    .about = {.name = "brc",
              .brief = "rateless sums of batches, approximate",
              .summary =
                  "Batch raptor code: workers send sums of batches of blocks, as many as a degree "
                  "law says; peeling recovers all but a share eps of the batches. Approximate.",
              .reference = "Wang, Liu, Shroff 2019, arXiv:1901.08166 (orders published; code "
                           "recalled).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
