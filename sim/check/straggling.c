/* SPDX-License-Identifier: MIT */
/* Random straggling, a greedy adversary, and the bounds of any decoder. */
#include "sim/check/straggling.h"

#include "sim/core/owned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 1 << 16, BATCH = 1 << 12 };

/* An approximate decode is exact below this, per coefficient. */
static const double NOTHING = 1e-18;

/* --- Bernoulli -------------------------------------------------------------------------------- */

typedef struct sums {
  double weight, error, error2, squares, share, recovered, refused;
} sums;

static void add(sums *s, double probability, const sg_trial_result *r) {
  double e = r->decoded ? r->deviation : 1, share = r->decoded ? r->share : 0;
  s->weight += probability;
  s->error += probability * e;
  s->error2 += probability * e * e;
  s->share += probability * share;
  s->squares += probability * (e + 2 * share - 1);
  if (!r->decoded)
    s->refused += probability;
  else if (e <= NOTHING)
    s->recovered += probability;
}

/* (1/parts) Σ_i Π_{j holds i} p_j, or what it is to the unbiased: Σ Π/(1 − Π). */
static sg_status bound(const sg_crowd *c, const double *p, sg_check_straggling *out) {
  const sg_code *code = c->code;
  sg_load load;
  bool ok = sg_crowd_load(c, &load);
  out->bound = out->unbiased_bound = 0;
  for (int i = 0; ok && i < code->parts; i++) {
    double lost = 1;
    for (int j = 0; j < c->n; j++)
      if (load.held[(size_t)j * (size_t)load.parts + (size_t)i]) lost *= p[j];
    out->bound += lost / code->parts;
    out->unbiased_bound += lost / (1 - lost) / code->parts;
  }
  sg_load_free(&load);
  return ok ? SG_OK : sg_fail_memory(c->error);
}

/* Pattern number `number`, as bits or drawn; its probability, 1 if drawn. */
static double put_pattern(const sg_crowd *c, bool all, long number, const double *p, bool *out) {
  double probability = 1;
  sg_stream random;
  if (!all) sg_stream_at(&random, c->options->seed, 0, SG_FOR_CHECK, 3, (uint32_t)number, 0);
  for (int j = 0; j < c->n; j++) {
    out[j] = all ? !(number >> j & 1) : sg_uniform(&random) >= p[j];
    if (all) probability *= out[j] ? 1 - p[j] : p[j];
  }
  return probability;
}

sg_status sg_try_straggling(sg_crowd *c, const double *p, sg_check_straggling *out) {
  double most = fmax(FEW, 4.0 * (double)c->options->patterns);
  bool all = c->n < 40 && (double)(1L << c->n) <= most;
  long count = all ? 1L << c->n : c->options->patterns;
  SG_OWNED bool *pattern = malloc(BATCH * c->row);
  SG_OWNED sg_trial_result *r = malloc(BATCH * sizeof *r);
  SG_OWNED double *probability = malloc(BATCH * sizeof *probability);
  sums s = {0};
  sg_status status = pattern && r && probability ? SG_OK : sg_fail_memory(c->error);
  for (long from = 0; !status && from < count; from += BATCH) {
    long n = count - from < BATCH ? count - from : BATCH;
    for (long i = 0; i < n; i++)
      probability[i] = put_pattern(c, all, from + i, p, pattern + i * c->n);
    status = sg_crowd_run(c, n, pattern, 0, r);
    for (long i = 0; !status && i < n; i++) add(&s, probability[i], &r[i]);
  }
  *out = (sg_check_straggling){.known = true, .enumerated = all, .tried = count};
  if (status) return status;
  out->error = s.error / s.weight;
  out->error_se = all ? 0 : sqrt(fmax(s.error2 / s.weight - out->error * out->error, 0) / s.weight);
  out->formula = NAN;
  if (c->code->type->mean_error && c->code->type->mean_error(c->code, p, 0, &out->formula))
    return sg_fail_memory(c->error);
  out->share = s.share / s.weight;
  out->debiased = s.squares / s.weight / (out->share * out->share) - 1;
  out->recovered = s.recovered / s.weight;
  out->refused = s.refused / s.weight;
  return bound(c, p, out);
}

/* --- An adversary ----------------------------------------------------------------------------- */

static double error_of(const sg_trial_result *r) {
  return r->decoded ? r->deviation : 1;
}

/* Workers in the order in which they are taken. order: n numbers. */
static sg_status isolate(const sg_crowd *c, int *order) {
  sg_load load;
  bool ok = sg_crowd_load(c, &load) && sg_load_isolate(&load, c->n, c->code->parts, order);
  sg_load_free(&load);
  return ok ? SG_OK : sg_fail_memory(c->error);
}

static void raise_greedy(sg_check_sets *sets, double error) {
  if (!(error <= sets->greedy)) sets->greedy = error;
}

static sg_status take_parts(sg_crowd *c, int n_sets, sg_check_sets *sets) {
  SG_OWNED int *order = malloc((size_t)c->n * sizeof *order);
  SG_OWNED bool *pattern = malloc((size_t)n_sets * c->row);
  SG_OWNED sg_trial_result *r = malloc((size_t)n_sets * sizeof *r);
  sg_status status = order && pattern && r ? isolate(c, order) : sg_fail_memory(c->error);
  if (status) return status;
  memset(pattern, true, (size_t)n_sets * c->row);
  for (int q = 0; q < n_sets; q++)
    for (int i = 0; i < q && i < c->n; i++)
      pattern[(size_t)q * (size_t)c->n + (size_t)order[i]] = false;
  status = sg_crowd_run(c, n_sets, pattern, 0, r);
  for (int q = 0; q < n_sets && !status; q++) raise_greedy(&sets[q], error_of(&r[q]));
  return status;
}

static sg_status take_workers(sg_crowd *c, int n_sets, sg_check_sets *sets) {
  size_t n = (size_t)c->n;
  SG_OWNED bool *now = malloc(c->row), *pattern = malloc(n * c->row);
  SG_OWNED sg_trial_result *r = malloc(n * sizeof *r);
  SG_OWNED int *who = malloc(n * sizeof *who);
  sg_status status = now && pattern && r && who ? SG_OK : sg_fail_memory(c->error);
  if (!status) memset(now, true, c->row);
  for (int q = 1; q < n_sets && !status; q++) {
    long count = 0;
    for (int j = 0; j < c->n; j++) {
      if (!now[j]) continue;
      memcpy(pattern + (size_t)count * n, now, c->row);
      pattern[(size_t)count * n + (size_t)j] = false;
      who[count++] = j;
    }
    if (count == 0) break;
    status = sg_crowd_run(c, count, pattern, 0, r);
    long best = 0;
    for (long i = 1; i < count && !status; i++)
      if (error_of(&r[i]) > error_of(&r[best]) * (1 + 1e-12)) best = i;
    if (status) break;
    now[who[best]] = false;
    raise_greedy(&sets[q], error_of(&r[best]));
  }
  return status;
}

sg_status sg_try_adversary(sg_crowd *c, int n_sets, sg_check_sets *sets) {
  for (int q = 0; q < n_sets; q++) sets[q].greedy = NAN;
  sg_status status = take_parts(c, n_sets, sets);
  if (!status && (double)c->n * c->n <= (double)c->options->patterns)
    status = take_workers(c, n_sets, sets);
  return status;
}

/* --- Bounds ----------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
  return *(const int *)a - *(const int *)b;
}

/* The probability that all of d holders are among q missing ones of n. */
static double lost(int n, int q, int d) {
  double x = 1;
  for (int i = 0; i < d; i++) x *= q > i ? (double)(q - i) / (n - i) : 0;
  return x;
}

sg_status sg_bound_sets(const sg_crowd *c, int n_sets, sg_check_sets *sets) {
  int parts = c->code->parts;
  sg_load load;
  SG_OWNED int *holders = calloc((size_t)parts, sizeof *holders);
  bool ok = sg_crowd_load(c, &load) && holders;
  for (int j = 0; ok && j < c->n; j++)
    for (int i = 0; i < parts; i++)
      holders[i] += load.held[(size_t)j * (size_t)load.parts + (size_t)i];
  if (ok) qsort(holders, (size_t)parts, sizeof *holders, by_size);
  for (int q = 0; ok && q < n_sets; q++) {
    int budget = q, isolated = 0;
    sets[q].least_mean = 0;
    for (int i = 0; i < parts; i++) sets[q].least_mean += lost(c->n, q, holders[i]) / parts;
    /* Parts with the fewest holders, as if no worker were counted twice. */
    while (isolated < parts && holders[isolated] <= budget) budget -= holders[isolated++];
    sets[q].least_worst = (double)isolated / parts;
  }
  sg_load_free(&load);
  return ok ? SG_OK : sg_fail_memory(c->error);
}
