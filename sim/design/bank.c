/* SPDX-License-Identifier: MIT */
/* Banks of straggler patterns. */
#include "sim/design/bank.h"
#include "sim/core/owned.h"

#include <math.h>
#include <string.h>

enum { FOR_LOST = 0xd010 };

static bool keeps_times(const sg_survival *s) {
  return s->draw && (s->ordered || s->first > 0);
}

bool sg_survival_by_chance(const sg_survival *s) {
  return !s->draw || !(s->deadline_s > 0 || keeps_times(s));
}

sg_bank *sg_bank_new(const sg_survival *of, int most, int patterns) {
  sg_bank *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  *b = (sg_bank){.of = of, .patterns = patterns, .words = (of->workers + 63) / 64};
  b->timed = !sg_survival_by_chance(of);
  b->levels = b->timed ? most + 1 : 1;
  size_t rounds = (size_t)b->levels * (size_t)patterns;
  if (keeps_times(of))
    b->time = calloc(rounds * (size_t)of->workers, sizeof *b->time);
  else
    b->came = calloc(rounds * (size_t)b->words, sizeof *b->came);
  if (b->time || b->came) return b;
  free(b);
  return NULL;
}

void sg_bank_free(sg_bank *b) {
  if (!b) return;
  free(b->came);
  free(b->time);
  free(b);
}

/* Times of workers with d blocks, of all patterns. */
static bool draw_level(const sg_bank *b, int d, int number, const double *one, double *time) {
  const sg_survival *s = b->of;
  size_t all = (size_t)b->patterns * (size_t)s->workers;
  if (d > 0 && !s->scales)
    return s->draw(s->of, d * s->block_work, (long)number * b->patterns, b->patterns, time);
  for (size_t i = 0; i < all; i++) time[i] = d * one[i]; /* who has nothing to do takes no time */
  return true;
}

bool sg_bank_fill(sg_bank *b, int number) {
  const sg_survival *s = b->of;
  size_t m = (size_t)s->workers, N = (size_t)b->patterns, W = (size_t)b->words;
  SG_OWNED double *one = calloc(2 * N * m, sizeof *one);
  SG_OWNED unsigned char *lost = malloc(N * m);
  if (!one || !lost) return false;
  double *level = one + N * m;
  for (size_t i = 0; i < N; i++) {
    sg_stream random;
    sg_stream_at(&random, s->seed, (uint32_t)number, SG_FOR_CHECK, FOR_LOST, (uint32_t)i, 0);
    for (size_t j = 0; j < m; j++) lost[i * m + j] = sg_uniform(&random) < s->lost[j];
  }
  if (b->timed && s->scales &&
      !s->draw(s->of, s->block_work, (long)number * b->patterns, b->patterns, one))
    return false;
  for (int d = 0; d < b->levels; d++) {
    if (b->timed && !draw_level(b, d, number, one, level)) return false;
    for (size_t i = 0; i < N; i++)
      for (size_t j = 0; j < m; j++) {
        size_t at = (size_t)d * N + i;
        double t = lost[i * m + j] ? INFINITY : level[i * m + j];
        if (b->time)
          b->time[at * m + j] = t;
        else {
          uint64_t bit = (uint64_t)1 << j % 64, *word = &b->came[at * W + j / 64];
          bool in = b->timed ? t <= s->deadline_s : t < INFINITY;
          *word = in ? *word | bit : *word & ~bit;
        }
      }
  }
  return true;
}

double sg_bank_time(const sg_bank *b, const sg_tanner *a, int i, int worker) {
  return b->time[((size_t)a->degree[worker] * (size_t)b->patterns + (size_t)i) *
                     (size_t)b->of->workers +
                 (size_t)worker];
}

/* By insertion: the order of the pattern before the move, or of the pattern before, is near. */
static void sort_by_time(const sg_bank *b, const sg_tanner *a, int i, int *order) {
  for (int k = 1; k < a->workers; k++) {
    int j = order[k], at = k;
    double t = sg_bank_time(b, a, i, j);
    for (; at > 0; at--) {
      int other = order[at - 1];
      double u = sg_bank_time(b, a, i, other);
      if (u < t || (u == t && other < j)) break;
      order[at] = other;
    }
    order[at] = j;
  }
}

void sg_bank_pattern(const sg_bank *b, const sg_tanner *a, int i, uint64_t *came, int *order,
                     int *n_order) {
  size_t W = (size_t)b->words;
  if (!b->timed) {
    memcpy(came, b->came + (size_t)i * W, W * sizeof *came);
    return;
  }
  memset(came, 0, W * sizeof *came);
  if (b->came) {
    for (int j = 0; j < a->workers; j++)
      came[j / 64] |=
          b->came[((size_t)a->degree[j] * (size_t)b->patterns + (size_t)i) * W + (size_t)j / 64] &
          (uint64_t)1 << j % 64;
    return;
  }
  int count = 0, most = b->of->first > 0 ? b->of->first : a->workers;
  sort_by_time(b, a, i, order);
  while (count < a->workers && count < most && sg_bank_time(b, a, i, order[count]) < INFINITY) {
    came[order[count] / 64] |= (uint64_t)1 << order[count] % 64;
    count++;
  }
  *n_order = count;
}

bool sg_bank_lost(const sg_bank *b, int most, int usual, double *lost) {
  size_t m = (size_t)b->of->workers, N = (size_t)b->patterns;
  memset(lost, 0, (size_t)(most + 1) * m * sizeof *lost);
  if (!b->timed) {
    for (int d = 0; d <= most; d++) memcpy(lost + (size_t)d * m, b->of->lost, m * sizeof *lost);
    return true;
  }
  if (b->came) {
    for (size_t d = 0; d <= (size_t)most; d++)
      for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < m; j++)
          if (!(b->came[(d * N + i) * (size_t)b->words + j / 64] >> j % 64 & 1))
            lost[d * m + j] += 1.0 / (double)N;
    return true;
  }
  SG_OWNED double *sorted = malloc(m * sizeof *sorted);
  if (!sorted) return false;
  size_t wanted = b->of->first > 0 ? (size_t)b->of->first : (m + 1) / 2;
  const double *time = b->time + (size_t)usual * N * m;
  for (size_t i = 0; i < N; i++) {
    /* The wanted-th smallest, by counting: m is small. */
    double limit = INFINITY;
    for (size_t j = 0; j < m; j++) {
      size_t below = 0, to = 0;
      for (size_t k = 0; k < m; k++) {
        below += time[i * m + k] < time[i * m + j];
        to += time[i * m + k] <= time[i * m + j];
      }
      if (below < wanted && wanted <= to) limit = time[i * m + j];
    }
    for (size_t j = 0; j < m; j++) {
      double t = time[i * m + j];
      if (!(t <= limit && t < INFINITY))
        for (int d = 0; d <= most; d++) lost[(size_t)d * m + j] += 1.0 / (double)N;
    }
  }
  return true;
}
