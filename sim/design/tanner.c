/* SPDX-License-Identifier: MIT */
/* Placements that can be changed. */
#include "sim/design/tanner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Streams of constructions: worker numbers that no code uses. */
enum { FOR_RANDOM = 0xd001, FOR_REGULAR, FOR_GREEDY };

sg_tanner *sg_tanner_new(int workers, int blocks, int most) {
  size_t m = (size_t)workers, n = (size_t)blocks, slots = m * (size_t)most;
  sg_tanner *a = malloc(sizeof *a + slots * sizeof(double) + (m + n + slots) * sizeof(int));
  if (!a) return NULL;
  *a = (sg_tanner){.workers = workers, .blocks = blocks, .most = most};
  a->coef = (double *)(void *)(a + 1);
  a->degree = (int *)(void *)(a->coef + slots);
  a->copies = a->degree + m;
  a->block = a->copies + n;
  memset(a->coef, 0, slots * sizeof *a->coef);
  memset(a->degree, 0, (m + n + slots) * sizeof *a->degree);
  return a;
}

void sg_tanner_free(sg_tanner *a) {
  free(a);
}

void sg_tanner_copy(sg_tanner *to, const sg_tanner *from) {
  size_t m = (size_t)from->workers, slots = m * (size_t)from->most;
  to->entries = from->entries;
  memcpy(to->coef, from->coef, slots * sizeof *to->coef);
  memcpy(to->degree, from->degree, (m + (size_t)from->blocks + slots) * sizeof *to->degree);
}

int sg_tanner_find(const sg_tanner *a, int worker, int block) {
  const int *has = a->block + (size_t)worker * (size_t)a->most;
  for (int s = 0; s < a->degree[worker]; s++)
    if (has[s] == block) return s;
  return -1;
}

void sg_tanner_add(sg_tanner *a, int worker, int block, double coef) {
  size_t at = (size_t)worker * (size_t)a->most + (size_t)a->degree[worker]++;
  a->block[at] = block;
  a->coef[at] = coef;
  a->copies[block]++;
  a->entries++;
}

void sg_tanner_remove(sg_tanner *a, int worker, int slot) {
  size_t at = (size_t)worker * (size_t)a->most, last = at + (size_t)--a->degree[worker];
  at += (size_t)slot;
  a->copies[a->block[at]]--;
  a->entries--;
  a->block[at] = a->block[last];
  a->coef[at] = a->coef[last];
}

void sg_tanner_entry(const sg_tanner *a, int k, int *worker, int *slot) {
  int j = 0;
  while (k >= a->degree[j]) k -= a->degree[j++];
  *worker = j;
  *slot = k;
}

void sg_tanner_sort(sg_tanner *a) {
  for (int j = 0; j < a->workers; j++) {
    int *has = a->block + (size_t)j * (size_t)a->most;
    double *coef = a->coef + (size_t)j * (size_t)a->most;
    for (int s = 1; s < a->degree[j]; s++)
      for (int t = s; t > 0 && has[t] < has[t - 1]; t--) {
        int b = has[t];
        double x = coef[t];
        has[t] = has[t - 1];
        coef[t] = coef[t - 1];
        has[t - 1] = b;
        coef[t - 1] = x;
      }
  }
}

/* --- Constructions ---------------------------------------------------------------------------- */

static int share(int total, int of, int i) {
  return (int)((long)total * (i + 1) / of - (long)total * i / of);
}

/* One of the workers that have room, do not have the block, and have at most `limit` blocks; −1:
 * there is none. */
static int draw_worker(const sg_tanner *a, int block, int limit, sg_stream *random) {
  int count = 0, chosen = -1;
  for (int j = 0; j < a->workers; j++) {
    if (a->degree[j] >= a->most || a->degree[j] > limit || sg_tanner_find(a, j, block) >= 0)
      continue;
    if (sg_uniform(random) * ++count < 1) chosen = j; /* each with the same chance */
  }
  return chosen;
}

void sg_tanner_random(sg_tanner *a, int entries, uint64_t seed) {
  for (int i = 0; i < a->blocks; i++) {
    sg_stream random;
    sg_stream_at(&random, seed, 0, SG_FOR_CHECK, FOR_RANDOM, (uint32_t)i, 0);
    for (int k = share(entries, a->blocks, i); k > 0; k--) {
      int j = draw_worker(a, i, a->most, &random);
      if (j >= 0) sg_tanner_add(a, j, i, 1);
    }
  }
}

/* Each block takes the least loaded workers in turn, ties by chance; then entries change places at
 * random, which keeps all degrees. */
void sg_tanner_regular(sg_tanner *a, int entries, uint64_t seed) {
  enum { ROUNDS = 20 };
  sg_stream random;
  for (int i = 0; i < a->blocks; i++) {
    sg_stream_at(&random, seed, 0, SG_FOR_CHECK, FOR_REGULAR, (uint32_t)i, 0);
    for (int k = share(entries, a->blocks, i); k > 0; k--)
      for (int limit = 0; limit < a->most; limit++) {
        int j = draw_worker(a, i, limit, &random);
        if (j < 0) continue;
        sg_tanner_add(a, j, i, 1);
        break;
      }
  }
  for (int round = 0; round < ROUNDS; round++) {
    sg_stream_at(&random, seed, 0, SG_FOR_CHECK, FOR_REGULAR, (uint32_t)round, 1);
    for (int k = 0; k < a->entries && k < 1 << 15; k++) {
      int u, v, su, sv;
      sg_tanner_entry(a, (int)(sg_uniform(&random) * a->entries), &u, &su);
      sg_tanner_entry(a, (int)(sg_uniform(&random) * a->entries), &v, &sv);
      int *x = &a->block[(size_t)u * (size_t)a->most + (size_t)su],
          *y = &a->block[(size_t)v * (size_t)a->most + (size_t)sv], block = *x;
      if (sg_tanner_find(a, u, *y) >= 0 || sg_tanner_find(a, v, block) >= 0) continue;
      *x = *y;
      *y = block;
    }
  }
}

static long groups_of(long workers, long blocks, long entries) {
  long groups = (workers * blocks + entries - 1) / entries, most = workers;
  if (most > blocks) most = blocks;
  return groups < 1 ? 1 : groups > most ? most : groups;
}

int sg_tanner_repetition_most(int workers, int blocks, int entries) {
  long groups = groups_of(workers, blocks, entries);
  return (int)((blocks + groups - 1) / groups);
}

void sg_tanner_repetition(sg_tanner *a, int entries) {
  long m = a->workers, n = a->blocks, groups = groups_of(m, n, entries);
  for (int j = 0; j < a->workers; j++) {
    long g = j * groups / m;
    for (long i = (g * n + groups - 1) / groups; i * groups / n == g && i < n; i++)
      sg_tanner_add(a, j, (int)i, 1);
  }
}

double sg_tanner_bound(const sg_tanner *a, const double *lost) {
  double sum = 0;
  for (int i = 0; i < a->blocks; i++) {
    double product = 1;
    for (int j = 0; j < a->workers && product > 0; j++)
      if (sg_tanner_find(a, j, i) >= 0)
        product *= lost[(size_t)a->degree[j] * (size_t)a->workers + (size_t)j];
    sum += product;
  }
  return sum / a->blocks;
}

/* Π p_j of each block, at the degrees as they are. */
static void products(const sg_tanner *a, const double *lost, double *product) {
  for (int i = 0; i < a->blocks; i++) product[i] = 1;
  for (int j = 0; j < a->workers; j++)
    for (int s = 0; s < a->degree[j]; s++)
      product[a->block[(size_t)j * (size_t)a->most + (size_t)s]] *=
          lost[(size_t)a->degree[j] * (size_t)a->workers + (size_t)j];
}

/* What is taken from the sum when worker j gets one block more, without that block's own share: a
 * worker with more to do may answer less often, for its other blocks too. */
static double price(const sg_tanner *a, const double *lost, const double *product, int j) {
  size_t m = (size_t)a->workers, d = (size_t)a->degree[j];
  double now = lost[d * m + (size_t)j], then = lost[(d + 1) * m + (size_t)j], sum = 0;
  if (now == then) return 0;
  for (size_t s = 0; s < d; s++) {
    int i = a->block[(size_t)j * (size_t)a->most + s];
    double others = 1;
    for (int k = 0; k < a->workers && now == 0; k++)
      if (k != j && sg_tanner_find(a, k, i) >= 0)
        others *= lost[(size_t)a->degree[k] * m + (size_t)k];
    sum += now > 0 ? product[i] * (then / now - 1) : others * then;
  }
  return sum;
}

/* The next entry of the greedy placement: what takes most away, or adds least. The worker that got
 * it; −1: there is no room. */
static int greedy_step(sg_tanner *a, const double *lost, double *product, uint64_t seed) {
  sg_stream random;
  double best = 0;
  int block = -1, worker = -1, ties = 0;
  bool first = false; /* blocks without a worker come first */
  sg_stream_at(&random, seed, 0, SG_FOR_CHECK, FOR_GREEDY, (uint32_t)a->entries, 0);
  products(a, lost, product);
  for (int i = 0; i < a->blocks; i++) first |= a->copies[i] == 0;
  for (int j = 0; j < a->workers; j++) {
    if (a->degree[j] >= a->most) continue;
    double costs = price(a, lost, product, j),
           then = lost[(size_t)(a->degree[j] + 1) * (size_t)a->workers + (size_t)j];
    for (int i = 0; i < a->blocks; i++) {
      if ((first && a->copies[i] > 0) || sg_tanner_find(a, j, i) >= 0) continue;
      double gain = product[i] * (1 - then) - costs, slack = 1e-12 * (fabs(best) + fabs(gain));
      bool near = worker >= 0 && fabs(gain - best) <= slack;
      bool better = worker < 0 || (near ? a->degree[j] < a->degree[worker] : gain > best);
      bool even = near && a->degree[j] == a->degree[worker];
      if (!better && !even) continue;
      ties = better ? 1 : ties + 1;
      if (better) best = gain;
      if (!better && !(sg_uniform(&random) * ties < 1)) continue;
      block = i;
      worker = j;
    }
  }
  if (worker >= 0) sg_tanner_add(a, worker, block, 1);
  return worker;
}

bool sg_tanner_greedy(sg_tanner *a, int entries, const double *lost, uint64_t seed) {
  double *product = malloc((size_t)a->blocks * sizeof *product), least = INFINITY;
  int *worker = malloc((size_t)entries * sizeof *worker), best = 0;
  bool ok = product && worker;
  while (ok && a->entries < entries) {
    int j = greedy_step(a, lost, product, seed);
    if (j < 0) break;
    worker[a->entries - 1] = j;
    double sum = sg_tanner_bound(a, lost);
    if (sum > least * (1 + 1e-12)) continue;
    least = sum;
    best = a->entries;
  }
  /* Back to the number of entries that was best; a worker's last came last. */
  while (ok && a->entries > best) {
    int j = worker[a->entries - 1];
    sg_tanner_remove(a, j, a->degree[j] - 1);
  }
  free(product);
  free(worker);
  return ok;
}
