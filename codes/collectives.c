/* SPDX-License-Identifier: MIT */
/* All collectives: who sends which chunk to whom after which arrivals. A new one is an entry of the
 * table and what it names. */
#include "codes/frame/collective.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_COLLECTIVE                                                                            \
  SG_ROW_INT("buckets", 1, SG_UNBOUNDED,                                                           \
             "parts of the gradient, the last computed first, each summed as soon as it is there " \
             "while the next is computed; of equal size and work",                                 \
             .fallback = 1)

static const sg_param params[] = {ROWS_COLLECTIVE, {0}};

/* --- Ring ------------------------------------------------------------------------------------- */

/* Chunk c of n goes round from worker c, each adding its own, and once more round from the last. */
static sg_status ring(sg_schedule *s, const sg_values *values, sg_error *e) {
  int n = s->workers;
  sg_schedule_chunks(s, n);
  for (int c = 0; c < n && !s->failed; c++) {
    s->keeper[c] = (c + n - 1) % n;
    for (int k = 0; k < 2 * (n - 1); k++)
      sg_schedule_hop(s, &(sg_hop){.round = k,
                                   .from = (c + k) % n,
                                   .to = (c + k + 1) % n,
                                   .first = c,
                                   .count = 1,
                                   .own = k < n ? SG_OWN_ALL : SG_OWN_NONE,
                                   .copy = k >= n - 1});
  }
  return SG_OK;
}

/* --- Recursive halving, recursive doubling ---------------------------------------------------- */

/* In round j workers whose numbers differ in one bit, the highest first, exchange halves of what
 * they still have to sum, until worker i has the sum of chunk i; then, the lowest bit first, what
 * they have. */
static sg_status halving(sg_schedule *s, const sg_values *values, sg_error *e) {
  int n = s->workers, rounds = 0;
  if (n & (n - 1)) {
    int below = 1;
    while (2 * below <= n) below *= 2;
    return sg_fail_at(e, values, NULL,
                      "expected a power of two of workers (the nearest are %d and %d), found %d; "
                      "\"ring\" takes any number",
                      below, 2 * below, n);
  }
  sg_schedule_chunks(s, n);
  for (int i = 0; i < n && !s->failed; i++) s->keeper[i] = i;
  for (int d = n / 2; d >= 1; d /= 2, rounds++)
    for (int i = 0; i < n; i++)
      sg_schedule_hop(s, &(sg_hop){.round = rounds,
                                   .from = i,
                                   .to = i ^ d,
                                   .first = (i ^ d) / d * d,
                                   .count = d,
                                   .own = SG_OWN_ALL});
  for (int d = 1; d < n; d *= 2, rounds++)
    for (int i = 0; i < n; i++)
      sg_schedule_hop(s, &(sg_hop){.round = rounds,
                                   .from = i,
                                   .to = i ^ d,
                                   .first = i / d * d,
                                   .count = d,
                                   .own = i,
                                   .copy = true});
  return SG_OK;
}

/* --- Tree ------------------------------------------------------------------------------------- */

static int depth_of(int i) {
  int depth = 0;
  for (; i > 0; i = (i - 1) / 2) depth++;
  return depth;
}

/* Worker i's children are 2i + 1 and 2i + 2: sums go up to worker 0, the whole sum comes down. */
static sg_status tree(sg_schedule *s, const sg_values *values, sg_error *e) {
  int n = s->workers, deepest = depth_of(n - 1);
  sg_schedule_chunks(s, 1);
  if (s->failed) return SG_OK;
  s->keeper[0] = 0;
  for (int i = 1; i < n; i++) {
    int parent = (i - 1) / 2;
    sg_schedule_hop(s, &(sg_hop){.round = deepest - depth_of(i),
                                 .from = i,
                                 .to = parent,
                                 .count = 1,
                                 .own = SG_OWN_ALL});
    sg_schedule_hop(s, &(sg_hop){.round = deepest + depth_of(parent),
                                 .from = parent,
                                 .to = i,
                                 .count = 1,
                                 .own = parent == 0 ? SG_OWN_ALL : SG_OWN_NONE,
                                 .copy = true});
  }
  return SG_OK;
}

/* --- StragglAR -------------------------------------------------------------------------------- */

/* The n − 1 others, numbered 0 … n − 2, sum chunk g at worker g while the late one still computes.
 * Then, one chunk in a round, worker g and the late one exchange what they have of chunk g, and
 * everybody else passes on whole chunks: each worker sends one and receives one at most. The last
 * chunk is whole after n − 1 rounds and then doubles: n − 2 + ⌈log₂ n⌉ rounds are the least.
 *
 * Who passes on what is derived: the newest chunks first, every holder of them, to those that do
 * not meet the late worker soon and whose newest chunk is oldest. Where that leaves a round too
 * many, ties are broken in other ways, a bounded number of them. */
enum { MOST_TRIES = 64, LATE = -1 };

typedef struct spread {
  int others, doublings, rounds;
  unsigned char *has; /* (others + 1) × others: of each worker, the late one last, by chunk */
  int *newest;        /* per worker: its newest chunk, −1 */
  int *missing;       /* per chunk: how many of the others lack it */
  unsigned char *sends, *receives;
  int *chunk, *from, *to; /* the sends of all rounds, of which round[r] is the first of r */
  int count, *first;
} spread;

static uint32_t mixed(uint32_t x) {
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  return x ^ x >> 16;
}

/* Who is to get `chunk`; −1: nobody can. */
static int receiver_of(const spread *p, int chunk, int round, int try) {
  int best = -1;
  uint64_t best_key = UINT64_MAX;
  int spare = p->doublings - 1 - (round - chunk); /* rounds for which it will have to pass it on */
  for (int g = 0; g < p->others; g++) {
    if (p->receives[g] || p->has[g * p->others + chunk]) continue;
    bool meets = g > round && g - round - 1 < spare;
    uint32_t tie = try ? mixed((uint32_t)(try * 65536 + round) * 2654435761U + (uint32_t)g) : 0;
    uint64_t key = (uint64_t)meets << 60 | (uint64_t)(p->newest[g] + 1) << 36 |
                   (uint64_t)(tie >> 16) << 20 | (uint64_t)g;
    if (key >= best_key) continue;
    best_key = key;
    best = g;
  }
  return best;
}

static void pass(spread *p, int from, int to, int chunk) {
  p->sends[from] = p->receives[to] = 1;
  p->from[p->count] = from;
  p->to[p->count] = to;
  p->chunk[p->count++] = chunk;
}

/* Plans all rounds; p->rounds: how many. */
static void plan_spread(spread *p, int try) {
  int m = p->others, oldest = 0, round = 0;
  memset(p->has, 0, (size_t)(m + 1) * (size_t)m);
  for (int i = 0; i <= m; i++) p->newest[i] = -1;
  for (int c = 0; c < m; c++) p->missing[c] = m;
  p->count = 0;
  for (; oldest < m; round++) {
    p->first[round] = p->count;
    memset(p->sends, 0, (size_t)m + 1);
    memset(p->receives, 0, (size_t)m + 1);
    if (round < m) p->sends[m] = p->sends[round] = p->receives[m] = p->receives[round] = 1;
    for (int c = (round < m ? round : m) - 1; c >= oldest; c--)
      for (int h = m; h >= 0 && p->missing[c] > 0; h--) {
        if (p->sends[h] || !p->has[h * m + c]) continue;
        int to = receiver_of(p, c, round, try);
        if (to < 0) break;
        pass(p, h, to, c);
      }
    for (int i = p->first[round]; i < p->count; i++) {
      int c = p->chunk[i], to = p->to[i];
      p->has[to * m + c] = 1;
      p->missing[c]--;
      if (c > p->newest[to]) p->newest[to] = c;
    }
    if (round < m) {
      p->has[m * m + round] = p->has[round * m + round] = 1;
      p->newest[round] = round;
      p->missing[round]--;
    }
    while (oldest < m && p->missing[oldest] == 0) oldest++;
  }
  p->first[round] = p->count;
  p->rounds = round;
}

/* The others' numbers leave out the late one's. */
static int worker_of(int late, int others, int g) {
  return g == others ? late : g < late ? g : g + 1;
}

static void add_exchanges(sg_schedule *s, const spread *p, int late) {
  int m = p->others;
  for (int c = 0; c < m; c++)
    for (int k = 0; k < m - 1; k++)
      sg_schedule_hop(s, &(sg_hop){.round = k,
                                   .from = worker_of(late, m, (c + 1 + k) % m),
                                   .to = worker_of(late, m, (c + 2 + k) % m),
                                   .first = c,
                                   .count = 1,
                                   .own = SG_OWN_ALL});
  for (int r = 0; r < p->rounds; r++) {
    sg_hop hop = {.round = m - 1 + r, .first = r, .count = 1, .own = SG_OWN_ALL, .copy = true};
    hop.exchange = true;
    for (int back = 0; r < m && back < 2; back++) {
      hop.from = back ? worker_of(late, m, r) : late;
      hop.to = back ? late : worker_of(late, m, r);
      sg_schedule_hop(s, &hop);
    }
    hop.exchange = false;
    for (int i = p->first[r]; i < p->first[r + 1]; i++) {
      hop.from = worker_of(late, m, p->from[i]);
      hop.to = worker_of(late, m, p->to[i]);
      hop.first = p->chunk[i];
      hop.own = p->from[i] == m || p->from[i] == p->chunk[i] ? SG_OWN_ALL : SG_OWN_NONE;
      sg_schedule_hop(s, &hop);
    }
  }
}

static sg_status straggl_ar(sg_schedule *s, const sg_values *values, sg_error *e) {
  int n = s->workers, m = n - 1;
  long late = sg_int(values, "late_worker");
  if (n % 2)
    return sg_fail_at(e, values, NULL,
                      "expected an even number of workers (the nearest are %d and %d), found %d",
                      n - 1, n + 1, n);
  if (late >= n)
    return sg_fail_at(e, values, "late_worker",
                      "expected the number of a worker (0 to %d), found %ld", n - 1, late);
  sg_schedule_chunks(s, m);
  spread p = {.others = m};
  while (1 << p.doublings < n) p.doublings++;
  size_t cells = (size_t)(m + 1) * (size_t)m, rounds = (size_t)(3 * n + 2);
  unsigned char *flags = calloc(cells + 2 * (size_t)n, 1);
  int *ints = calloc(3 * cells + rounds + 2 * (size_t)n, sizeof *ints);
  if (flags && ints && !s->failed) {
    p.has = flags;
    p.sends = flags + cells;
    p.receives = p.sends + n;
    p.chunk = ints;
    p.from = p.chunk + cells;
    p.to = p.from + cells;
    p.first = p.to + cells;
    p.newest = p.first + rounds;
    p.missing = p.newest + n;
    for (int c = 0; c < m; c++) s->keeper[c] = worker_of((int)late, m, c);
    int best = 0, least = INT32_MAX;
    for (int try = 0; try < MOST_TRIES && least > n - 2 + p.doublings; try++) {
      plan_spread(&p, try);
      if (p.rounds >= least) continue;
      least = p.rounds;
      best = try;
    }
    plan_spread(&p, best);
    add_exchanges(s, &p, (int)late);
  } else {
    s->failed = true;
  }
  free(flags);
  free(ints);
  return SG_OK;
}

static const sg_param straggl_ar_params[] = {
    SG_ROW_INT("late_worker", 0, SG_UNBOUNDED, "the worker that is known to be late"),
    ROWS_COLLECTIVE,
    {0}};

/* --- All of them ------------------------------------------------------------------------------ */

static const sg_collective_type types[] = {
    {.about = {.name = "ring",
               .summary = "n chunks go round, added up, and once more round: 2(n − 1) hops of l/n",
               .params = params},
     .symmetric = true,
     .make = ring},
    {.about = {.name = "halving-doubling",
               .summary = "recursive halving, then doubling: 2 log₂ n rounds; n a power of two",
               .params = params},
     .symmetric = true,
     .make = halving},
    {.about = {.name = "tree",
               .summary = "up a binary tree to worker 0 and down again, the whole vector at once",
               .params = params},
     .make = tree},
    {.about = {.name = "straggl-ar",
               .summary = "the others sum chunks of l/(n − 1) while one worker is late, then "
                          "n − 2 + ⌈log₂ n⌉ rounds; n even",
               .reference =
                   "Devraj et al. 2025, arXiv:2505.23523 (published: the rounds for powers "
                   "of two); who passes on what is derived",
               .params = straggl_ar_params},
     .blocking = true,
     .make = straggl_ar},
};

static const sg_variant *any_at(int i) {
  return i >= 0 && i < (int)(sizeof types / sizeof *types) ? &types[i].about : NULL;
}

const sg_family sg_collective_family = {
    .selector = "algorithm", .what = "collective", .at = any_at, .by_name = true};
