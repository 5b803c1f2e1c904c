/* SPDX-License-Identifier: MIT */
/* Stochastic gradient coding (Bitar, Wootters, El Rouayheb 2019, arXiv:1905.05383; a
 * reconstruction): block i is on d_i workers W_i, worker j sends the sum of g_i/(d_i (1 − p)), and
 * the master adds whatever has come (recalled; theory: stochastic-gradient-coding).
 *
 * Placements are pair-wise balanced, |W_i ∩ W_k| = d_i d_k/m of m workers: in the mean, each block
 * with d_i workers drawn uniformly, or exactly, from a Hadamard matrix of order m: its rows but the
 * all-ones one are the blocks, its +1 their workers, so that there are m − 1 blocks, each on m/2
 * workers, any two together on m/4 (one worker has nothing, the others m/2 blocks). With p for
 * every worker (derived)
 *
 *   E ‖ĝ − g‖² = p/(1 − p) (Σ_i (1/d_i − 1/m) ‖g_i‖² + ‖g‖²/m),   E ‖α − 1‖²/n = p/(d (1 − p)).
 *
 * Where p is not known, one-step weights have r/m for 1 − p, with r answers (derived). Where it
 * differs by worker, fixed weights have 1 − p_j, which keeps the sum unbiased (derived). */
#include "codes/tools/approximate.h"
#include "codes/tools/hadamard.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <stdlib.h>

static const char *const placements[] = {"random", "hadamard", NULL};
enum { RANDOM, HADAMARD };

static const sg_param replication = SG_ROW_INT("", 1, SG_UNBOUNDED, "workers of the block");
static const sg_param params[] = {
    SG_ROW_INT("d", 1, SG_UNBOUNDED, "replication: workers that have a block, of n",
               .flags = SG_OPTIONAL),
    SG_ROW_LIST("replications", &replication, 0, 0,
                "instead of d: workers of each block, as many numbers as there are blocks"),
    SG_ROW_INT("blocks", 1, 1000000,
               "equal blocks of the data; left out: n, or as many as there are replications",
               .flags = SG_OPTIONAL, .with = "placement=random"),
    SG_ROW_CHOICE("placement", placements, RANDOM,
                  "random: each block's workers are drawn uniformly; hadamard: n - 1 blocks, each "
                  "on n/2 workers, any two together on n/4; worker 0 has none"),
    SG_ROWS_STRAGGLING,
    SG_ROW_CHOICE("decoding", sg_decodings, SG_FIXED,
                  "weights of the messages: fixed (the same whatever has come, unbiased with p), "
                  "one-step (by the number that has come), optimal (least squares), or landweber "
                  "(steps from one-step to optimal)"),
    SG_ROW_INT("steps", 1, 100000, "steps of landweber", .fallback = 10),
    SG_ROW_CHOICE("debias", sg_debiasings, SG_DEBIAS_NONE,
                  "none; measured: the sum over its mean share; blocks: each block over its own "
                  "mean share, as measured"),
    {0}};

typedef struct places {
  size_t count;
  int *worker, *block;
  double *value;
} places;

/* `d` workers of n, uniformly: the first d of a shuffle. */
static void draw_workers(uint64_t seed, int block, int n, int d, int *all, places *out) {
  sg_stream random;
  sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0, (uint32_t)block, 0);
  for (int j = 0; j < n; j++) all[j] = j;
  for (int k = 0; k < d; k++) {
    int pick = k + (int)(sg_uniform(&random) * (n - k)), worker = all[pick];
    all[pick] = all[k];
    all[k] = worker;
    out->worker[out->count] = worker;
    out->block[out->count] = block;
    out->value[out->count++] = 1.0 / d;
  }
}

static sg_status place_at_random(const sg_values *values, const sg_shape *shape, int blocks,
                                 places *out, sg_error *e) {
  int n = shape->workers, listed = sg_count(values, "replications");
  SG_OWNED int *all = malloc((size_t)n * sizeof *all);
  if (!all) return sg_fail_memory(e);
  for (int i = 0; i < blocks; i++) {
    double d = listed ? sg_item(values, "replications", i)->number : (double)sg_int(values, "d");
    draw_workers(shape->seed, i, n, (int)d, all, out);
  }
  return SG_OK;
}

/* With the signs of rows such that column 0 is −1: all other columns then have +1 as often, n/2
 * times, so that loads are equal but for worker 0, who has nothing. */
static sg_status place_by_hadamard(int n, places *out, sg_error *e) {
  size_t size = (size_t)n * (size_t)n;
  SG_OWNED signed char *h = malloc(size + (size_t)n);
  if (!h || !sg_hadamard(n, h)) return sg_fail_memory(e);
  for (int i = 1; i < n; i++)
    for (int j = 0; j < n; j++)
      if (h[(size_t)i * (size_t)n + (size_t)j] != h[(size_t)i * (size_t)n]) {
        out->worker[out->count] = j;
        out->block[out->count] = i - 1;
        out->value[out->count++] = 2.0 / n;
      }
  return SG_OK;
}

/* How many blocks, and how often they all stand together. */
static sg_status count_random(const sg_values *values, int n, int *blocks, size_t *entries,
                              sg_error *e) {
  int listed = sg_count(values, "replications");
  bool uniform = sg_given(values, "d");
  if (uniform == (listed > 0))
    return sg_fail_at(e, values, "d", "expected d or replications, found %s",
                      uniform ? "both" : "neither");
  *blocks = sg_given(values, "blocks") ? (int)sg_int(values, "blocks") : listed ? listed : n;
  if (listed && listed != *blocks)
    return sg_fail_at(e, values, "replications",
                      "expected a number for each of the %d blocks, found %d", *blocks, listed);
  *entries = 0;
  for (int i = 0; i < (listed ? listed : 1); i++) {
    double d = listed ? sg_item(values, "replications", i)->number : (double)sg_int(values, "d");
    if (d > n)
      return sg_fail_at(e, values, listed ? "replications" : "d",
                        "expected at most n = %d workers for a block, found %g", n, d);
    *entries += (size_t)d * (size_t)(listed ? 1 : *blocks);
  }
  return SG_OK;
}

static sg_status count_hadamard(const sg_values *values, int n, int *blocks, size_t *entries,
                                sg_error *e) {
  if (n < 4 || !sg_hadamard_exists(n)) {
    int below = n - 1, above = n < 4 ? 4 : n + 1;
    while (below >= 4 && !sg_hadamard_exists(below)) below--;
    while (!sg_hadamard_exists(above)) above++;
    return below < 4
               ? sg_fail_at(e, values, "placement",
                            "expected a number of workers that is the order of a Hadamard matrix "
                            "(%d is the first), found n = %d",
                            above, n)
               : sg_fail_at(e, values, "placement",
                            "expected a number of workers that is the order of a Hadamard matrix "
                            "by Paley or Sylvester (nearest %d and %d), found n = %d",
                            below, above, n);
  }
  if (sg_count(values, "replications") || (sg_given(values, "d") && sg_int(values, "d") != n / 2))
    return sg_fail_at(e, values, sg_given(values, "d") ? "d" : "replications",
                      "expected d = n/2 = %d with a Hadamard placement, or none, found another",
                      n / 2);
  *blocks = n - 1;
  *entries = (size_t)(n - 1) * (size_t)(n / 2);
  return SG_OK;
}

/* Entries 1/d_i; with fixed weights over their workers' own 1 − p_j, relative to the mean. */
static sg_status fill(sg_code *code, sg_approximate *t, int blocks, const places *all,
                      sg_error *e) {
  int n = code->shape.workers;
  void *memory = sg_code_alloc(code, sg_sparse_bytes(n, all->count), 1);
  SG_OWNED void *workspace = malloc(sg_sparse_triplets_bytes(blocks));
  if (!memory || !workspace) return sg_fail_memory(e);
  for (size_t k = 0; t->decoding == SG_FIXED && k < all->count; k++)
    /* Of one that never answers it does not matter. */
    if (t->p[all->worker[k]] < 1) all->value[k] *= (1 - t->p_mean) / (1 - t->p[all->worker[k]]);
  t->a = sg_sparse_from_triplets(memory, n, blocks, all->count, all->worker, all->block, all->value,
                                 workspace);
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, blocks = 0;
  size_t entries = 0;
  bool hadamard = sg_choice(values, "placement") == HADAMARD;
  sg_status status = hadamard ? count_hadamard(values, n, &blocks, &entries, e)
                              : count_random(values, n, &blocks, &entries, e);
  if (status) return status;
  sg_approximate *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  SG_OWNED int *numbers = malloc(2 * entries * sizeof *numbers);
  SG_OWNED double *value = malloc(entries * sizeof *value);
  if (!t || !numbers || !value) return sg_fail_memory(e);
  places all = {.worker = numbers, .block = numbers + entries, .value = value};
  t->decoding = (sg_decoding)sg_choice(values, "decoding");
  status = sg_approximate_straggling(code, values, t, e);
  if (!status)
    status =
        hadamard ? place_by_hadamard(n, &all, e) : place_at_random(values, shape, blocks, &all, e);
  if (!status) status = fill(code, t, blocks, &all, e);
  return status ? status : sg_approximate_new(code, values, t, e);
}

const sg_code_type sg_stochastic_gradient_coding = {
    .about = {.name = "sgc",
              .brief = "blocks on some workers each, plain sums",
              .summary = "Stochastic gradient coding: each block is on some workers, drawn at "
                         "random or by a Hadamard matrix, and the master adds what comes of sums "
                         "that are scaled to be unbiased. Approximate.",
              .reference = "Bitar, Wootters, El Rouayheb 2019, arXiv:1905.05383 (recalled; a "
                           "reconstruction).",
              .params = params},
    .create = create,
    .encode = sg_approximate_encode,
    .weights = sg_approximate_weights,
};
