/* SPDX-License-Identifier: MIT */
/* OSGC: unbiased with straggling probabilities that differ (Song, Choi 2025, arXiv:2510.22539,
 * official code; placements as described there, reconstructed).
 *
 * Worker i comes with probability 1 − p_i and sends Σ_j α_ij g_j; the master adds up what has come
 * with weights 1/(1 − p_i). With Σ_i α_ij = 1 for every block that is unbiased, and where all block
 * gradients are alike its variance is Σ_i δ_i Y_i², δ_i = p_i/(1 − p_i), Y_i = Σ_j α_ij. The least
 * is n²/Σ δ_k⁻¹, at Y_i = n δ_i⁻¹/Σ δ_k⁻¹ (theory: osgc).
 *
 *   chain     block i and the next one's, with the running sums of Y − 1: workers stand in an order
 *             that keeps these small (the order is ours)
 *   shared    block i with coefficient 1, and Y_i − 1 times one block that all have
 *   none      block i alone, Y = 1: uncoded and unbiased, what the other two are with equal p
 * Each has at most two blocks, 1 + (k − 1)/n in the mean if k workers share. Where block gradients
 * are not alike the chain's smaller coefficients are better.
 *
 * With quantised messages (CAGC, arXiv:2605.15890, official code) 1/δ_i is replaced by what
 * b_i bits are worth, f_i(b_i) (bits.h); workers without bits hold no data, and the others have the
 * blocks. */
#include "codes/frame/code.h"
#include "codes/tools/sparse.h"
#include "sim/core/bits.h"
#include "sim/core/owned.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const placements[] = {"chain", "shared", "none", NULL};
enum { CHAIN, SHARED, NONE };

static const sg_param one_probability = SG_ROW_REAL("", 0, 1, "", .flags = SG_MAX_OPEN);
static const sg_param params[] = {
    SG_ROW_CHOICE("placement", placements, CHAIN,
                  "who has what besides a block of their own: the next worker's block (chain), one "
                  "block that all share, or nothing (none: uncoded, unbiased)"),
    SG_ROW_LIST("straggling", &one_probability, 0, 1000000,
                "probability that each worker straggles; left out: that of the scenario's erasures "
                "and crashes"),
    SG_ROW_INT("bits", 1, SG_MOST_BITS,
               "of messages quantised with bits that are shared out by what they are worth "
               "(compressor worker-bits with the same straggling): the mean over the workers",
               .flags = SG_OPTIONAL),
    SG_ROW_REAL("variance", 0, SG_UNBOUNDED, "D of that: messages have an error of D/(2^b - 1)²",
                .fallback = 1, .flags = SG_MIN_OPEN),
    {0}};

typedef struct tables {
  sg_sparse a;     /* α: workers × blocks */
  const double *p; /* straggling probabilities */
} tables;

/* --- Row sums --------------------------------------------------------------------------------- */

static sg_status read_probabilities(sg_code *code, const sg_values *values, double *p,
                                    sg_error *e) {
  int n = code->nodes, given = sg_count(values, "straggling");
  const sg_forecast *forecast = code->shape.forecast;
  if (given > 0 && given != n)
    return sg_fail_at(e, values, "straggling",
                      "expected a probability for each of %d workers, found %d", n, given);
  for (int i = 0; i < n; i++) {
    p[i] = given      ? sg_item(values, "straggling", i)->number
           : forecast ? forecast->straggling(forecast->of, i)
                      : 0;
    if (!(p[i] >= 0 && p[i] < 1))
      return sg_fail_at(e, values, "straggling",
                        "expected probabilities of straggling below 1, found %g of worker %d from "
                        "the scenario; give them as a list",
                        p[i], i);
  }
  return SG_OK;
}

/* Y_i over the workers with worth[i] > 0, of sum `blocks`; those that are never late, if there are
 * any, bear all of it. */
static void fill_sums(int n, const double *worth, int blocks, double *sum) {
  double all = 0;
  int sure = 0;
  for (int i = 0; i < n; i++) {
    sure += isinf(worth[i]);
    all += worth[i];
  }
  for (int i = 0; i < n; i++) {
    sum[i] = sure ? (isinf(worth[i]) ? (double)blocks / sure : 0) : blocks * worth[i] / all;
    if (fabs(sum[i] - 1) < 1e-12) sum[i] = 1; /* nothing to share, but for rounding */
  }
}

/* --- Placements ------------------------------------------------------------------------------- */

static void add(sg_sparse *a, int own, double of_own, int other, double of_other) {
  int column[2], count = 0;
  double value[2];
  if (own == other) {
    of_own += of_other;
    of_other = 0;
  }
  if (fabs(of_own) > 1e-12) column[count] = own, value[count++] = of_own;
  if (fabs(of_other) > 1e-12) column[count] = other, value[count++] = of_other;
  sg_sparse_add_row(a, count, column, value);
}

/* block[i]: the worker's own, −1: none. The block that is shared is that of the worker with the
 * largest sum. */
static void place_shared(sg_sparse *a, int n, const int *block, const double *sum) {
  int most = 0;
  for (int i = 0; i < n; i++)
    if (block[i] >= 0 && (block[most] < 0 || sum[i] > sum[most])) most = i;
  for (int i = 0; i < n; i++) {
    if (block[i] < 0)
      sg_sparse_add_row(a, 0, NULL, NULL);
    else if (i == most)
      add(a, block[i], sum[i], block[i], 0);
    else
      add(a, block[i], 1, block[most], sum[i] - 1);
  }
}

/* Of those that are left the worker that brings the running sum of Y − 1 nearest to 0 is next.
 * place[i]: of worker i. */
static sg_status make_order(int n, const int *block, const double *sum, int *place) {
  SG_OWNED bool *taken = calloc((size_t)n, sizeof *taken);
  if (!taken) return SG_NO_MEMORY;
  double running = 0;
  for (int k = 0;; k++) {
    int best = -1;
    for (int i = 0; i < n; i++)
      if (block[i] >= 0 && !taken[i] &&
          (best < 0 || fabs(running + sum[i] - 1) < fabs(running + sum[best] - 1)))
        best = i;
    if (best < 0) return SG_OK;
    taken[best] = true;
    place[best] = k;
    running += sum[best] - 1;
  }
}

/* The k-th worker in the order has the k-th block, with what the one before has left of it, and the
 * next one. */
static sg_status place_chain(sg_sparse *a, int n, int blocks, const int *block, const double *sum) {
  SG_OWNED int *place = malloc(2 * (size_t)n * sizeof *place);
  SG_OWNED double *before = malloc((size_t)n * sizeof *before);
  if (!place || !before || make_order(n, block, sum, place)) return SG_NO_MEMORY;
  int *who = place + n;
  double running = 0;
  for (int i = 0; i < n; i++)
    if (block[i] >= 0) who[place[i]] = i;
  for (int k = 0; k < blocks; k++) {
    before[who[k]] = running;
    running += sum[who[k]] - 1;
  }
  for (int i = 0; i < n; i++) {
    if (block[i] < 0) {
      sg_sparse_add_row(a, 0, NULL, NULL);
      continue;
    }
    bool last = place[i] == blocks - 1;
    add(a, place[i], last ? sum[i] : 1 - before[i], last ? place[i] : place[i] + 1,
        last ? 0 : before[i] + sum[i] - 1);
  }
  return SG_OK;
}

/* --- Making ----------------------------------------------------------------------------------- */

static sg_status write_note(sg_code *code, const sg_values *values, const double *p,
                            const double *worth, const int *bits, int blocks, sg_error *e) {
  int n = code->nodes, placement = sg_choice(values, "placement");
  int mean_bits = bits ? (int)sg_int(values, "bits") : 0;
  double variance = sg_real(values, "variance");
  enum { SIZE = 400 };
  char *note = sg_code_alloc(code, SIZE, 1);
  if (!note) return sg_fail_memory(e);
  double all = 0, uncoded = 0, value;
  int at;
  for (int i = 0; i < n; i++) {
    all += worth[i];
    uncoded += worth[i] > 0 ? 1 / worth[i] : 0;
  }
  value = (double)blocks * blocks / all;
  at = snprintf(note, SIZE,
                "variance with aligned gradients, in squares of a block's: %.8g (unbiased uncoded "
                "%.8g)",
                placement == NONE ? uncoded : value, uncoded);
  if (bits) {
    double equal = 0;
    for (int i = 0; i < n; i++) equal += sg_worth_of_bits(p[i], variance, mean_bits);
    at += snprintf(note + at, (size_t)(SIZE - at), "; bits worth %.7g (all equal: %.7g):", all,
                   equal);
  }
  for (int i = 0; bits && i < n && at < SIZE - 8; i++)
    at += snprintf(note + at, (size_t)(SIZE - at), " %d", bits[i]);
  code->note = note;
  return SG_OK;
}

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, placement = sg_choice(values, "placement"), blocks = 0;
  size_t count = (size_t)n;
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  double *p = sg_code_alloc(code, count, sizeof *p);
  SG_OWNED double *worth = malloc(2 * count * sizeof *worth);
  SG_OWNED int *bits = malloc(2 * count * sizeof *bits);
  void *memory = sg_code_alloc(code, sg_sparse_bytes(n, 2 * count), 1);
  if (!t || !p || !worth || !bits || !memory) return sg_fail_memory(e);
  double *sum = worth + n, total = 0;
  int *block = bits + n;
  bool quantised = sg_given(values, "bits");
  sg_status status = read_probabilities(code, values, p, e);
  if (status) return status;
  t->p = p;
  if (quantised && sg_share_bits(n, p, sg_real(values, "variance"), n * (int)sg_int(values, "bits"),
                                 bits, &total))
    return sg_fail_memory(e);
  for (int i = 0; i < n; i++) {
    worth[i] = sg_worth_of_bits(p[i], sg_real(values, "variance"), quantised ? bits[i] : -1);
    block[i] = worth[i] > 0 ? blocks++ : -1;
  }
  fill_sums(n, worth, blocks, sum);
  for (int i = 0; i < n && placement == NONE; i++) sum[i] = 1;
  t->a = sg_sparse_at(memory, n, blocks, 2 * count);
  if (placement == CHAIN)
    status = place_chain(&t->a, n, blocks, block, sum);
  else
    place_shared(&t->a, n, block, sum);
  if (status) return sg_fail_memory(e);
  code->parts = blocks;
  code->exact = false;
  code->flags |= SG_ANY_COUNT | SG_WEIGHTS_CONSTANT;
  status = write_note(code, values, p, worth, quantised ? bits : NULL, blocks, e);
  return status ? status : sg_code_one_segment(code, values, "placement", 1, n, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  for (size_t k = t->a.begin[message->from]; k < t->a.begin[message->from + 1]; k++)
    sg_row_part(row, t->a.column[k], 0, t->a.value[k]);
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  for (int i = 0; i < used->count; i++) used->W[i] = 1 / (1 - t->p[used->from[i]]);
  return SG_OK;
}

/* Σ over blocks of (E α_j − 1)² + Var α_j; workers are late independently. */
static sg_status mean_error(const sg_code *code, const double *p, int count, double *out) {
  const tables *t = code->self;
  size_t blocks = (size_t)code->parts;
  SG_OWNED double *mean = calloc(blocks, sizeof *mean);
  double error = 0;
  if (!mean) return SG_NO_MEMORY;
  *out = NAN;
  if (!p) return SG_OK;
  for (int i = 0; i < code->nodes; i++)
    for (size_t k = t->a.begin[i]; k < t->a.begin[i + 1]; k++) {
      double term = t->a.value[k] / (1 - t->p[i]);
      mean[t->a.column[k]] += term * (1 - p[i]);
      error += term * term * p[i] * (1 - p[i]);
    }
  for (size_t j = 0; j < blocks; j++) error += (mean[j] - 1) * (mean[j] - 1);
  *out = error / (double)blocks;
  return SG_OK;
}

const sg_code_type sg_osgc = {
    .about = {.name = "osgc",
              .brief = "unbiased, for unequal straggling",
              .summary = "Unbiased sums of whatever comes, with coefficients by how often each "
                         "worker straggles and at most two blocks a worker; or uncoded and "
                         "unbiased. Approximate.",
              .reference = "Song, Choi 2025, arXiv:2510.22539 (official code); bits: CAGC, "
                           "arXiv:2605.15890 (official code); orders derived.",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
    .mean_error = mean_error,
};
