/* SPDX-License-Identifier: MIT */
/* Sparse Gaussian codes: a reconstruction after Jiang, Zhang, Wang 2026 (arXiv:2604.10374), whose
 * codes are correlated Gaussian numbers masked at random and decoded with constant weights
 * (published).
 *
 * A_ji = M_ji X_ji. M is 1 with probability φ, independently. For each block the numbers X of the n
 * workers are Gaussian, of mean β, variance τ² and correlation ρ, independent between blocks. With
 *
 *   β = ℓ/(n φ)   τ² = β − β²   ρ = (ω/(n φ²) − β²)/τ²
 *
 * mean sums and mean squared norms of workers' rows are ℓ, the mean product of two is ω, and so the
 * weights and the expected error are those of the block design (n, ℓ, ω):
 *
 *   w = ℓ/(ℓ + ω (r − 1))   E ‖α − 1‖² = n − r ℓ²/(ℓ + ω (r − 1))
 *
 * It needs φ ≥ ℓ/n and −1/(n − 1) ≤ ρ ≤ 1, which is φ ≥ ω/ℓ and φ ≥ (ℓ² − (n − 1) ω)/ℓ. A worker
 * computes n φ blocks in the mean. (reconstruction, derived; theory: sparse-gaussian)
 *
 * Of many workers (placement.h) only the numbers that are kept are drawn, and the rest as its sum.
 */
#include "codes/tools/gaussian.h"
#include "codes/tools/placement.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>

static const sg_param params[] = {
    SG_ROW_REAL("d", 0, SG_UNBOUNDED, "mean sum, and mean squared norm, ℓ of a worker's numbers",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    SG_ROW_REAL("omega", 0, SG_UNBOUNDED, "mean inner product ω of two workers' numbers",
                .flags = SG_REQUIRED),
    SG_ROW_REAL("density", 0, 1,
                "probability φ that a worker has a block, from max(d/n, omega/d, "
                "(d² - (n - 1) omega)/d) to 1; the least when left out",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROWS_DECODING(SG_CONSTANT),
    {0}};

typedef struct law {
  int n;
  double l, omega, density, mean, deviation, own,
      common; /* X = mean + deviation (own z + common y) */
} law;

static sg_status read_law(const sg_values *values, law *q, sg_error *e) {
  double n = q->n, l = q->l = sg_real(values, "d"), omega = q->omega = sg_real(values, "omega");
  const double slack = 1e-9; /* of numbers typed in decimals */
  double smallest = n > 1 ? fmax(0, l * (l - 1) / (n - 1)) : omega;
  if (l > n * (1 + slack)) return sg_fail_at(e, values, "d", "expected d ≤ n = %g, found %g", n, l);
  if (omega > l * (1 + slack) || omega < smallest * (1 - slack))
    return sg_fail_at(e, values, "omega",
                      "expected d(d - 1)/(n - 1) = %.6g ≤ omega ≤ d = %g, found %g", smallest, l,
                      omega);
  double least = fmax(l / n, fmax(omega / l, (l * l - (n - 1) * omega) / l));
  q->density = sg_given(values, "density") ? sg_real(values, "density") : fmin(1, least);
  if (q->density < least * (1 - slack))
    return sg_fail_at(e, values, "density",
                      "expected a density from %.6g to 1 with n = %g, d = %g and omega = %g, so "
                      "that a Gaussian of that variance and correlation exists; found %g",
                      least, n, l, omega, q->density);
  double f = q->density;
  q->mean = l / (n * f);
  double variance = fmax(0, q->mean - q->mean * q->mean),
         apart = omega / (n * f * f) - q->mean * q->mean;
  /* Where τ = 0 entries are 0 and 1, and any two workers share ℓ²/n. */
  if (variance < 1e-12 && fabs(apart) > 1e-9)
    return sg_fail_at(e, values, "omega",
                      "expected omega = d²/n = %.6g with density d/n = %.6g, whose numbers do not "
                      "vary, found %g",
                      l * l / n, l / n, omega);
  double rho = variance < 1e-12 ? 0 : fmin(1, apart / variance);
  q->deviation = sqrt(variance);
  q->own = sqrt(1 - rho);
  q->common = sqrt(fmax(0, (1 - rho) / n + rho)) - q->own / sqrt(n);
  return SG_OK;
}

typedef struct drawn {
  size_t count, capacity;
  sg_placed *entry;
} drawn;

static bool add(drawn *t, int worker, int block, double value) {
  if (value == 0) return true;
  if (!SG_ROOM(t->entry, t->capacity, t->count + 1)) return false;
  t->entry[t->count++] = (sg_placed){worker, block, value};
  return true;
}

/* The numbers of block i at all workers: y is the sum of the z over √n, so that X has variance
 * own² + 2 own common/√n + common² = 1 and correlation 2 own common/√n + common² = ρ. z: n numbers.
 */
static bool draw_block(const law *q, uint64_t seed, int i, double *z, drawn *t) {
  sg_stream random;
  double y = 0;
  bool ok = true;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 4, (uint32_t)i, 0);
  sg_draw_gaussian(&random, q->n, z);
  for (int j = 0; j < q->n; j++) y += z[j] / sqrt(q->n);
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 5, (uint32_t)i, 0);
  for (int j = 0; ok && j < q->n; j++) {
    bool in = sg_uniform(&random) < q->density;
    ok = add(t, j, i, in ? q->mean + q->deviation * (q->own * z[j] + q->common * y) : 0);
  }
  return ok;
}

/* The same law with as many numbers as the block has workers, of whom the others have one in all:
 * the sum of their z. */
static bool draw_block_by_skips(const law *q, uint64_t seed, int i, drawn *t) {
  sg_stream random;
  size_t first = t->count;
  double z, sum = 0;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 5, (uint32_t)i, 0);
  for (double j = -1;;) {
    j += 1 + sg_skip(sg_exponential(&random, 1), q->density);
    if (!(j < q->n)) break;
    if (!SG_ROOM(t->entry, t->capacity, t->count + 1)) return false;
    t->entry[t->count++] = (sg_placed){(int)j, i, 0};
  }
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 4, (uint32_t)i, 0);
  for (size_t k = first; k < t->count; k++) {
    sg_draw_gaussian(&random, 1, &t->entry[k].value);
    sum += t->entry[k].value;
  }
  sg_draw_gaussian(&random, 1, &z);
  double y = (sum + sqrt((double)q->n - (double)(t->count - first)) * z) / sqrt(q->n);
  for (size_t k = first; k < t->count; k++)
    t->entry[k].value = q->mean + q->deviation * (q->own * t->entry[k].value + q->common * y);
  return true;
}

static bool draw_blocks(const law *q, uint64_t seed, drawn *t) {
  bool large = sg_placement_is_large(q->n);
  SG_OWNED double *z = malloc((size_t)q->n * sizeof *z);
  bool ok = z != NULL;
  for (int i = 0; ok && i < q->n; i++)
    ok = large ? draw_block_by_skips(q, seed, i, t) : draw_block(q, seed, i, z, t);
  return ok;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers;
  law q = {.n = n};
  sg_status status = read_law(values, &q, e);
  if (status) return status;
  drawn all = {0};
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  bool ok =
      t && draw_blocks(&q, shape->seed, &all) && sg_place_entries(code, t, n, all.count, all.entry);
  free(all.entry);
  if (!ok) return sg_fail_memory(e);
  t->sum = t->energy = t->replication = q.l;
  t->overlap = q.omega;
  return sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_sparse_gaussian = {
    .about = {.name = "sparse-gaussian",
              .brief = "masked Gaussian numbers, approximate",
              .summary =
                  "Sparse Gaussian code: correlated Gaussian coefficients, of which a worker keeps "
                  "a share at random, with the weights and the mean error of a block design. "
                  "Approximate.",
              .reference = "After Jiang, Zhang, Wang 2026, arXiv:2604.10374 (idea published; the "
                           "parameters are a reconstruction, derived).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
