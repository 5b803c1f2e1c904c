/* SPDX-License-Identifier: MIT */
/* What approximate codes share. */
#include "codes/tools/approximate.h"
#include "codes/tools/rules.h"
#include "codes/tools/straggling.h"
#include "sim/core/linalg.h"
#include "sim/core/owned.h"
#include "sim/core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_decodings[] = {"optimal",  "fixed", "one-step", "landweber",
                                    "constant", "peel",  NULL};
const char *const sg_debiasings[] = {"none", "known", "measured", "blocks", NULL};

/* Systems up to so many blocks × messages are solved densely; of so many workers all patterns are
 * tried. */
enum { MOST_DENSE = 4096, MOST_WALKED = 12, SAMPLE = 2000 };
static const double RANK_TOLERANCE = 1e-12;

/* --- Making ----------------------------------------------------------------------------------- */

bool sg_approximate_place(sg_code *code, sg_approximate *t, int blocks, size_t entries) {
  int workers = code->shape.workers;
  void *memory = sg_code_alloc(code, sg_sparse_bytes(workers, entries), 1);
  if (memory) t->a = sg_sparse_at(memory, workers, blocks, entries);
  return memory != NULL;
}

sg_status sg_approximate_straggling(sg_code *code, const sg_values *values, sg_approximate *t,
                                    sg_error *e) {
  int n = code->shape.workers, messages;
  sg_status status = sg_read_stragglers(values, n, &t->s, e);
  if (status) return status;
  bool known, open = sg_stop_given(values, n, &messages) == SG_STOP_OPEN;
  double *p = sg_straggling_of(code, values, &known), sum = 0;
  if (!p) return sg_fail_memory(e);
  t->counted = !known;
  t->missing = t->counted ? messages ? n - messages : t->s : 0;
  t->unknown = t->counted && open && t->s == 0;
  for (int j = 0; j < n; j++) {
    if (t->counted) p[j] = (double)t->missing / n;
    sum += p[j];
  }
  t->p = p;
  t->p_mean = sum / n;
  if (t->p_mean >= 1)
    return sg_fail_at(e, values, NULL,
                      "expected a worker that may answer, found none: all straggle");
  return SG_OK;
}

/* σ, ε and ω of A: Σ_{j ≠ k} <a_j, a_k> = Σ_i (Σ_j a_ji)² − Σ a². */
static void fill_overlap(sg_approximate *t) {
  double all = 0, squares = 0, sums = 0, *column = t->row_scale, m = t->a.rows;
  if (t->energy > 0) return;
  for (int i = 0; i < t->a.columns; i++) column[i] = 0;
  for (size_t k = 0; k < t->a.begin[t->a.rows]; k++) {
    column[t->a.column[k]] += t->a.value[k];
    squares += t->a.value[k] * t->a.value[k];
  }
  for (int i = 0; i < t->a.columns; i++) {
    sums += column[i];
    all += column[i] * column[i];
  }
  t->sum = sums / m;
  t->energy = squares / m;
  t->overlap = m > 1 ? (all - squares) / (m * (m - 1)) : 0;
}

/* c of fixed weights, with which Σ α = blocks in the mean; ν. */
static void fill_constants(sg_approximate *t) {
  double answered = 0, sums = 0, longest = 0, all = 0;
  for (int j = 0; j < t->a.rows; j++) {
    double row = 0, size = 0;
    for (size_t k = t->a.begin[j]; k < t->a.begin[j + 1]; k++) {
      row += t->a.value[k];
      size += fabs(t->a.value[k]);
    }
    answered += (1 - t->p[j]) * row;
    sums += row;
    longest = fmax(longest, size);
  }
  t->fixed = t->a.columns / answered;
  if (t->replication == 0) t->replication = sums / t->a.columns;
  fill_overlap(t);
  /* ‖A‖₂² ≤ ‖A‖₁ ‖A‖_∞. */
  for (int i = 0; i < t->a.columns; i++) t->row_scale[i] = 0;
  for (size_t k = 0; k < t->a.begin[t->a.rows]; k++)
    t->row_scale[t->a.column[k]] += fabs(t->a.value[k]);
  for (int i = 0; i < t->a.columns; i++) all = fmax(all, t->row_scale[i]);
  t->step = longest > 0 ? 1 / (longest * all) : 0;
}

static sg_status measure_blocks(sg_code *code, sg_approximate *t, sg_error *e) {
  double mean;
  SG_OWNED double *kappa = malloc((size_t)t->a.columns * sizeof *kappa);
  if (!kappa || sg_approximate_measure(t, code->shape.seed, &mean, kappa)) return sg_fail_memory(e);
  /* A block that is never recovered stays as it is. */
  for (int i = 0; i < t->a.columns; i++) t->row_scale[i] = kappa[i] > 1e-6 ? 1 / kappa[i] : 1;
  return SG_OK;
}

/* Whether a worker's sum and its chance to answer have nothing to do with each other. */
static bool is_alike(const sg_approximate *t) {
  bool same_p = true, same_sum = true;
  for (int j = 0; j < t->a.rows; j++) {
    double sum = 0;
    for (size_t k = t->a.begin[j]; k < t->a.begin[j + 1]; k++) sum += t->a.value[k];
    same_sum &= fabs(sum - t->sum) <= 1e-9 * fabs(t->sum);
    same_p &= t->p[j] == t->p[0];
  }
  return same_p || same_sum;
}

static sg_status remove_bias(sg_code *code, const sg_values *values, sg_approximate *t,
                             sg_error *e) {
  double kappa = t->known;
  bool fixed = t->decoding == SG_FIXED;
  if (t->unknown && (fixed || t->debias != SG_DEBIAS_NONE))
    return sg_fail_at(
        e, values, "p",
        "expected p, or s, or a scenario with erasures or crashes, for %s \"%s\" with "
        "a stop policy that does not say how many answer; found none of them",
        fixed ? "decoding" : "debias",
        fixed ? sg_decodings[t->decoding] : sg_debiasings[t->debias]);
  if (t->debias == SG_DEBIAS_NONE) return SG_OK;
  if (t->decoding == SG_FIXED || t->decoding == SG_ONE_STEP)
    return sg_fail_at(e, values, "debias",
                      "expected none with %s weights, which have no bias in the mean over blocks, "
                      "found \"%s\"",
                      sg_decodings[t->decoding], sg_debiasings[t->debias]);
  bool constant = t->debias == SG_DEBIAS_KNOWN && t->decoding == SG_CONSTANT;
  if (constant && !is_alike(t))
    return sg_fail_at(e, values, "debias",
                      "expected measured, as the formula is of workers that straggle alike or "
                      "whose rows have the same sum, found \"known\"");
  if (constant && !sg_approximate_known_by_count(t, &kappa)) return sg_fail_memory(e);
  if (t->debias == SG_DEBIAS_KNOWN && !constant && (!(kappa > 0) || t->decoding != SG_OPTIMAL))
    return sg_fail_at(e, values, "debias",
                      "expected measured, as there is no formula for this code's bias with %s "
                      "decoding, found \"known\"",
                      sg_decodings[t->decoding]);
  if (t->debias == SG_DEBIAS_BLOCKS) return measure_blocks(code, t, e);
  if (t->debias == SG_DEBIAS_MEASURED && sg_approximate_measure(t, code->shape.seed, &kappa, NULL))
    return sg_fail_memory(e);
  if (!(kappa > 1e-6))
    return sg_fail_at(e, values, "debias",
                      "expected a code that recovers a share of the sum in the mean, found %.3g",
                      kappa);
  t->scale = 1 / kappa;
  return SG_OK;
}

sg_status sg_approximate_new(sg_code *code, const sg_values *values, sg_approximate *t,
                             sg_error *e) {
  sg_status status = t->p ? SG_OK : sg_approximate_straggling(code, values, t, e);
  if (status) return status;
  t->decoding = (sg_decoding)sg_choice(values, "decoding");
  t->debias = (sg_debias)sg_choice(values, "debias");
  t->steps = (int)sg_int(values, "steps");
  t->scale = 1;
  t->row_scale = sg_code_alloc(code, (size_t)t->a.columns, sizeof *t->row_scale);
  if (!t->row_scale) return sg_fail_memory(e);
  if (t->a.begin[t->a.rows] == 0)
    return sg_fail_at(e, values, NULL,
                      "expected a worker that holds data, found none: try another seed");
  fill_constants(t);
  for (int i = 0; i < t->a.columns; i++) t->row_scale[i] = 1;
  status = remove_bias(code, values, t, e);
  if (status) return status;
  code->parts = t->a.columns;
  code->promised = t->s;
  code->exact = false;
  code->flags |= SG_WEIGHTS_PURE | SG_ANY_COUNT;
  if (t->decoding == SG_FIXED) code->flags |= SG_WEIGHTS_CONSTANT;
  if (t->decoding == SG_ONE_STEP || t->decoding == SG_CONSTANT) code->flags |= SG_WEIGHTS_BY_COUNT;
  return sg_code_one_segment(code, values, "s", 1, code->shape.workers - t->s, e);
}

/* --- Weights ---------------------------------------------------------------------------------- */

/* The rows of the workers that came, in workspace at `at`. */
static size_t entries_of(const sg_approximate *t, int count, const int *worker) {
  size_t entries = 0;
  for (int i = 0; i < count; i++) entries += t->a.begin[worker[i] + 1] - t->a.begin[worker[i]];
  return entries;
}

static sg_sparse rows_of(const sg_approximate *t, int count, const int *worker, size_t entries,
                         void *at) {
  sg_sparse rows = sg_sparse_at(at, count, t->a.columns, entries);
  for (int i = 0; i < count; i++) {
    size_t begin = t->a.begin[worker[i]], n = t->a.begin[worker[i] + 1] - begin;
    sg_sparse_add_row(&rows, (int)n, t->a.column + begin, t->a.value + begin);
  }
  return rows;
}

static sg_status by_dense(const sg_approximate *t, int count, const int *worker, double *w,
                          sg_scratch *scratch, sg_decode_info *info) {
  int blocks = t->a.columns, ldb = blocks > count ? blocks : count;
  size_t size = (size_t)blocks * (size_t)count;
  double *a = sg_scratch_get(scratch,
                             (size + (size_t)ldb) * sizeof *a + (size_t)count * sizeof(lapack_int));
  if (!a) return SG_NO_MEMORY;
  double *x = a + size;
  lapack_int *pivots = (lapack_int *)(void *)(x + ldb);
  memset(a, 0, size * sizeof *a);
  for (int i = 0; i < count; i++)
    for (size_t k = t->a.begin[worker[i]]; k < t->a.begin[worker[i] + 1]; k++)
      a[(size_t)i * (size_t)blocks + (size_t)t->a.column[k]] += t->a.value[k];
  for (int i = 0; i < ldb; i++) x[i] = i < blocks;
  sg_status status = sg_least_squares(blocks, count, 1, a, blocks, x, ldb, RANK_TOLERANCE, pivots,
                                      NULL, &info->cond1);
  if (status) return status;
  memcpy(w, x, (size_t)count * sizeof *w);
  double least = fmin(blocks, count), most = fmax(blocks, count);
  info->flops = 2 * least * least * (most - least / 3) + 4.0 * (double)size;
  return SG_OK;
}

static sg_status by_lsqr(const sg_approximate *t, int count, const int *worker, double *w,
                         sg_scratch *scratch, sg_decode_info *info) {
  int blocks = t->a.columns;
  size_t entries = entries_of(t, count, worker), rows_bytes = sg_sparse_bytes(count, entries),
         lsqr_bytes = sg_lsqr_bytes(count, blocks);
  char *at = sg_scratch_get(scratch, rows_bytes + lsqr_bytes + (size_t)blocks * sizeof(double));
  if (!at) return SG_NO_MEMORY;
  sg_sparse rows = rows_of(t, count, worker, entries, at);
  double *ones = (double *)(void *)(at + rows_bytes + lsqr_bytes);
  for (int i = 0; i < blocks; i++) ones[i] = 1;
  sg_lsqr_report report;
  sg_lsqr(&rows, &(sg_lsqr_options){.transposed = true}, ones, w, &report, at + rows_bytes);
  info->flops = 4.0 * (double)entries * report.iterations;
  return SG_OK;
}

sg_status sg_approximate_least_squares(const sg_approximate *t, int count, const int *worker,
                                       double *w, sg_scratch *scratch, sg_decode_info *info) {
  return (double)t->a.columns * count <= MOST_DENSE ? by_dense(t, count, worker, w, scratch, info)
                                                    : by_lsqr(t, count, worker, w, scratch, info);
}

size_t sg_approximate_bytes(const sg_approximate *t) {
  size_t rows = (size_t)t->a.rows, columns = (size_t)t->a.columns,
         cells = rows * columns < MOST_DENSE ? rows * columns : MOST_DENSE,
         dense = (cells + rows + columns) * sizeof(double) + rows * sizeof(lapack_int),
         sparse = sg_sparse_bytes(t->a.rows, t->a.begin[t->a.rows]) +
                  sg_lsqr_bytes(t->a.rows, t->a.columns) + columns * sizeof(double);
  return dense > sparse ? dense : sparse;
}

static sg_status optimally(const sg_approximate *t, int count, const int *worker, double *w,
                           sg_scratch *scratch, sg_decode_info *info) {
  return (t->optimal ? t->optimal : sg_approximate_least_squares)(t, count, worker, w, scratch,
                                                                  info);
}

double sg_approximate_constant(const sg_approximate *t, int count) {
  double below = t->energy + t->overlap * (count - 1);
  return below > 0 ? t->sum / below : 0;
}

static sg_status by_peeling(const sg_approximate *t, int count, const int *worker, double *w,
                            sg_scratch *scratch, sg_decode_info *info) {
  size_t blocks = (size_t)t->a.columns, entries = entries_of(t, count, worker),
         matrix = sg_sparse_bytes(count, entries), peeling = sg_peel_bytes(&t->a); /* at most */
  char *at =
      sg_scratch_get(scratch, matrix + peeling + blocks * (sizeof(double) + 2 * sizeof(int)));
  if (!at) return SG_NO_MEMORY;
  sg_sparse rows = rows_of(t, count, worker, entries, at);
  double *target = (double *)(void *)(at + matrix + peeling);
  int *unknown = (int *)(void *)(target + blocks), *row = unknown + blocks;
  for (size_t i = 0; i < blocks; i++) target[i] = 1;
  int recovered = sg_peel(&rows, unknown, row, at + matrix);
  info->flops = 2.0 * (double)entries;
  if (recovered == 0) return t->resort ? optimally(t, count, worker, w, scratch, info) : SG_OK;
  sg_peel_weights(&rows, recovered, unknown, row, target, w);
  double factor = t->enlarge ? (double)blocks / recovered : 1;
  for (int i = 0; i < count; i++) w[i] *= factor;
  return SG_OK;
}

static sg_status by_landweber(const sg_approximate *t, int count, const int *worker, double *w,
                              sg_scratch *scratch, sg_decode_info *info) {
  size_t blocks = (size_t)t->a.columns;
  double *u = sg_scratch_get(scratch, 2 * blocks * sizeof *u), *next = u + blocks;
  if (!u) return SG_NO_MEMORY;
  for (size_t i = 0; i < blocks; i++) u[i] = 1;
  for (int step = 0; step < t->steps; step++) {
    memcpy(next, u, blocks * sizeof *u);
    for (int i = 0; i < count; i++) {
      double along = 0;
      size_t begin = t->a.begin[worker[i]], end = t->a.begin[worker[i] + 1];
      for (size_t k = begin; k < end; k++) along += t->a.value[k] * u[t->a.column[k]];
      along *= t->step;
      w[i] += along;
      for (size_t k = begin; k < end; k++) next[t->a.column[k]] -= t->a.value[k] * along;
    }
    memcpy(u, next, blocks * sizeof *u);
  }
  info->flops = 4.0 * (double)entries_of(t, count, worker) * t->steps;
  return SG_OK;
}

static sg_status by_decoder(const sg_approximate *t, int count, const int *worker, double *w,
                            sg_scratch *scratch, sg_decode_info *info) {
  double same = t->decoding == SG_FIXED ? t->fixed : t->a.rows / (t->replication * count);
  switch (t->decoding) {
  case SG_FIXED:
  case SG_ONE_STEP:
    for (int i = 0; i < count; i++) w[i] = same;
    return SG_OK;
  case SG_LANDWEBER: return by_landweber(t, count, worker, w, scratch, info);
  case SG_PEEL: return by_peeling(t, count, worker, w, scratch, info);
  case SG_CONSTANT:
    same = sg_approximate_constant(t, count);
    for (int i = 0; i < count; i++) w[i] = same;
    return SG_OK;
  case SG_OPTIMAL: break;
  }
  return optimally(t, count, worker, w, scratch, info);
}

sg_status sg_approximate_weigh(const sg_approximate *t, int count, const int *worker, double *w,
                               sg_scratch *scratch, sg_decode_info *info) {
  memset(w, 0, (size_t)count * sizeof *w);
  sg_status status = count > 0 ? by_decoder(t, count, worker, w, scratch, info) : SG_OK;
  for (int i = 0; i < count; i++) w[i] *= t->scale;
  return status;
}

void sg_approximate_alpha(const sg_approximate *t, int count, const int *worker, const double *w,
                          double *alpha) {
  memset(alpha, 0, (size_t)t->a.columns * sizeof *alpha);
  for (int i = 0; i < count; i++)
    for (size_t k = t->a.begin[worker[i]]; k < t->a.begin[worker[i] + 1]; k++)
      alpha[t->a.column[k]] += w[i] * t->a.value[k] * t->row_scale[t->a.column[k]];
}

void sg_approximate_encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const sg_approximate *t = code->self;
  for (size_t k = t->a.begin[message->from]; k < t->a.begin[message->from + 1]; k++)
    sg_row_part(row, t->a.column[k], 0, t->a.value[k] * t->row_scale[t->a.column[k]]);
}

sg_status sg_approximate_weights(const sg_code *code, const sg_used *used) {
  const sg_approximate *t = code->self;
  sg_status status =
      sg_approximate_weigh(t, used->count, used->from, used->W, used->scratch, used->info);
  if (status) return status;
  /* By the placement at once, rather than by the framework row by row. */
  double *alpha = sg_used_scratch(used, (size_t)t->a.columns * sizeof *alpha), error = 0, sum = 0;
  if (!alpha) return SG_NO_MEMORY;
  sg_approximate_alpha(t, used->count, used->from, used->W, alpha);
  for (int i = 0; i < t->a.columns; i++) {
    error += (alpha[i] - 1) * (alpha[i] - 1);
    sum += alpha[i];
  }
  used->info->alpha_error = error;
  used->info->alpha_sum = sum;
  return SG_OK;
}

/* --- Bias ------------------------------------------------------------------------------------- */

/* P(r of n answer), r = 0 … n: a number is missing, or each by its p. */
static void fill_answers(const sg_approximate *t, double *chance) {
  int n = t->a.rows;
  memset(chance, 0, ((size_t)n + 1) * sizeof *chance);
  chance[t->counted ? n - t->missing : 0] = 1;
  for (int j = 0; j < n && !t->counted; j++)
    for (int r = j + 1; r >= 0; r--)
      chance[r] = chance[r] * t->p[j] + (r > 0 ? chance[r - 1] * (1 - t->p[j]) : 0);
}

bool sg_approximate_known_by_count(const sg_approximate *t, double *kappa) {
  SG_OWNED double *chance = malloc(((size_t)t->a.rows + 1) * sizeof *chance);
  if (!chance) return false;
  fill_answers(t, chance);
  *kappa = 0;
  for (int r = 1; r <= t->a.rows; r++)
    *kappa += chance[r] * r * sg_approximate_constant(t, r) * t->sum / t->a.columns;
  return true;
}

typedef struct patterns {
  const sg_approximate *t;
  int *worker;
  double *w, *alpha, *sum;
  sg_scratch scratch;
  double total;
} patterns;

static sg_status add_pattern(patterns *q, const bool *missing, double probability) {
  const sg_approximate *t = q->t;
  sg_decode_info info;
  int count = 0;
  for (int j = 0; j < t->a.rows; j++)
    if (!missing[j]) q->worker[count++] = j;
  sg_status status = SG_OK;
  if (t->quick && t->decoding == SG_OPTIMAL)
    status = t->quick(t, count, q->worker, q->w, &q->scratch, &info);
  else
    status = sg_approximate_weigh(t, count, q->worker, q->w, &q->scratch, &info);
  if (status == SG_NO_MEMORY) return status;
  sg_approximate_alpha(t, status ? 0 : count, q->worker, q->w, q->alpha);
  for (int i = 0; i < t->a.columns; i++) q->sum[i] += probability * q->alpha[i];
  q->total += probability;
  return SG_OK;
}

/* All 2^m patterns, or those of so many missing ones. */
static sg_status add_all(patterns *q, bool *missing) {
  const sg_approximate *t = q->t;
  sg_status status = SG_OK;
  for (uint64_t set = 0; !status && set < (uint64_t)1 << t->a.rows; set++) {
    double probability = 1;
    if (t->counted && __builtin_popcountll(set) != t->missing) continue;
    for (int j = 0; j < t->a.rows; j++) {
      missing[j] = set >> j & 1;
      if (!t->counted) probability *= missing[j] ? t->p[j] : 1 - t->p[j];
    }
    if (probability > 0) status = add_pattern(q, missing, probability);
  }
  return status;
}

static sg_status add_sample(patterns *q, uint64_t seed, bool *missing) {
  const sg_approximate *t = q->t;
  int n = t->a.rows;
  sg_status status = SG_OK;
  for (int i = 0; !status && i < SAMPLE; i++) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CODE, 0xfffe, (uint32_t)i, 0);
    memset(missing, 0, (size_t)n * sizeof *missing);
    for (int j = 0; j < n && !t->counted; j++) missing[j] = sg_uniform(&random) < t->p[j];
    for (int j = n - t->missing; t->counted && j < n; j++) { /* Floyd's method */
      int pick = (int)(sg_uniform(&random) * (j + 1));
      missing[missing[pick] ? j : pick] = true;
    }
    status = add_pattern(q, missing, 1);
  }
  return status;
}

sg_status sg_approximate_measure(const sg_approximate *t, uint64_t seed, double *mean,
                                 double *kappa) {
  size_t n = (size_t)t->a.rows, blocks = (size_t)t->a.columns;
  patterns q = {.t = t};
  SG_OWNED int *worker = malloc((n + 1) * sizeof *worker);
  SG_OWNED double *w = calloc(n + 2 * blocks + 1, sizeof *w);
  SG_OWNED bool *missing = calloc(n + 1, sizeof *missing);
  if (!worker || !w || !missing) return SG_NO_MEMORY;
  q.worker = worker;
  q.w = w;
  q.alpha = w + n;
  q.sum = q.alpha + blocks;
  sg_status status = n <= MOST_WALKED ? add_all(&q, missing) : add_sample(&q, seed, missing);
  free(q.scratch.data);
  if (status) return status;
  *mean = 0;
  for (size_t i = 0; i < blocks; i++) {
    double share = q.total > 0 ? q.sum[i] / q.total : 0;
    if (kappa) kappa[i] = share;
    *mean += share / (double)blocks;
  }
  return SG_OK;
}
