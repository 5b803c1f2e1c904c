/* SPDX-License-Identifier: MIT */
/* IS-GC, gradient coding with arbitrary ignorance of stragglers (Su, Sukhnandan, Li 2023; details
 * recalled): parts are placed as in fractional or cyclic repetition, but workers send plain sums.
 * From whoever has answered the master takes a largest set of workers with disjoint parts and adds
 * up their sums: additions only, and never less than can be had by them.
 *
 * Fractional: one worker of each of n/c groups; with r of n answers, all sets alike, (n/c) (1 −
 * C(n − c, r)/C(n, r)) groups are recovered in the mean (derived). Cyclic: worker i has parts i …
 * i + c − 1, and two workers conflict at a circular distance below c. A largest set that begins at
 * x is found by taking the next answer that does not conflict, again and again. Some largest set
 * has a member among the first c places from any answer f on: if not, f conflicts with at most one
 * member, which lies before it, and may take its place. So c beginnings are enough (derived;
 * tested against all sets). Where to look for f is a number made from the set of answers, so that
 * no block is favoured; it may be any.
 *
 * The sum of the u recovered parts of n is times n/u, or is left as it is (`rescale`). theory:
 * is-gc */
#include "codes/frame/code.h"
#include "codes/tools/rules.h"

#include <string.h>

static const char *const placements[] = {"fractional", "cyclic", NULL};
enum { FRACTIONAL, CYCLIC };

static const sg_param params[] = {
    SG_ROW_INT("c", 1, SG_UNBOUNDED,
               "copies of each part, and parts of each worker; divides the number of workers with "
               "fractional placement",
               .flags = SG_REQUIRED),
    SG_ROW_CHOICE("placement", placements, FRACTIONAL,
                  "fractional: groups of c workers with the same c parts; cyclic: worker i has "
                  "parts i to i + c - 1 of n, around the end"),
    SG_ROW_INT("s", 0, SG_UNBOUNDED, "number of slowest workers that are not waited for"),
    SG_ROW("rescale", SG_BOOL, "the sum of u recovered parts of n is taken times n/u",
           .fallback = 1),
    {0}};

typedef struct tables {
  int c, placement;
  bool rescale;
} tables;

static sg_status create(sg_code *code, const sg_shape *shape, const sg_values *values,
                        sg_error *e) {
  int n = shape->workers, s = 0;
  long c = sg_int(values, "c");
  char list[200];
  sg_status status = sg_read_stragglers(values, n, &s, e);
  if (status) return status;
  if (c > n) return sg_fail_at(e, values, "c", "expected c ≤ n = %d, found %ld", n, c);
  if (n % c != 0 && sg_choice(values, "placement") == FRACTIONAL)
    return sg_fail_at(e, values, "c",
                      "expected c dividing n = %d (%s), or \"placement\": \"cyclic\", found %ld", n,
                      sg_divisors(n, 0, list, sizeof list), c);
  tables *t = code->self = sg_code_alloc(code, 1, sizeof *t);
  if (!t) return sg_fail_memory(e);
  *t = (tables){(int)c, sg_choice(values, "placement"), sg_bool(values, "rescale")};
  code->parts = n;
  code->promised = s;
  code->exact = false;
  code->flags = SG_WEIGHTS_PURE | SG_ANY_COUNT;
  return sg_code_one_segment(code, values, "s", 1, n - s, e);
}

static void encode(const sg_code *code, const sg_message *message, sg_row *row) {
  const tables *t = code->self;
  int n = code->nodes, first = t->placement == CYCLIC ? message->from : message->from / t->c * t->c;
  for (int i = 0; i < t->c; i++) sg_row_part(row, (first + i) % n, 0, 1);
}

/* --- The largest set -------------------------------------------------------------------------- */

/* One of each group: the first. */
static int choose_groups(const tables *t, const sg_used *used, double weight) {
  int chosen = 0;
  for (int i = 0; i < used->count; i++) {
    bool first = i == 0 || used->from[i] / t->c != used->from[i - 1] / t->c;
    if (first) used->W[i] = weight;
    chosen += first;
  }
  return chosen;
}

/* A number of the set, spread over all of them (the mixing of SplitMix64). */
static uint64_t mixed(const sg_used *used) {
  uint64_t h = 0;
  for (int i = 0; i < used->count; i++) {
    h += (uint64_t)used->from[i] + 0x9e3779b97f4a7c15u;
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    h ^= h >> 31;
  }
  return h;
}

/* How many can be had from answer `begin` on without conflict, once round the circle; next[i] is
 * the first answer at least c places after answer i, counted on around the end. */
static int walk(const tables *t, const sg_used *used, int n, int begin, const int *next,
                double weight) {
  int count = used->count, chosen = 0, end = used->from[begin] + n - t->c;
  for (int i = begin; used->from[i % count] + i / count * n <= end || i == begin;) {
    if (weight != 0) used->W[i % count] = weight;
    chosen++;
    i = i / count * count + next[i % count];
  }
  return chosen;
}

static sg_status choose_on_circle(const tables *t, const sg_used *used, int n, int *chosen,
                                  int *begin_of_best, int **next_of) {
  int count = used->count, *next = sg_used_scratch(used, (size_t)count * sizeof *next);
  if (!next) return SG_NO_MEMORY;
  for (int i = 0, k = 1; i < count; i++) {
    if (k <= i) k = i + 1;
    while (used->from[k % count] + k / count * n < used->from[i] + t->c) k++;
    next[i] = k;
  }
  int f = 0, from = (int)(mixed(used) % (uint64_t)n);
  while (f < count && used->from[f] < from) f++;
  *chosen = 0;
  for (int i = f; i < f + count; i++) {
    int begin = i % count, along = (used->from[begin] - used->from[f % count] + n) % n;
    if (along >= t->c) break;
    int had = walk(t, used, n, begin, next, 0);
    if (had > *chosen) {
      *chosen = had;
      *begin_of_best = begin;
    }
  }
  *next_of = next;
  return SG_OK;
}

static sg_status weights(const sg_code *code, const sg_used *used) {
  const tables *t = code->self;
  int n = code->nodes, chosen = 0, begin = 0, *next = NULL;
  if (t->placement == CYCLIC) {
    sg_status status = choose_on_circle(t, used, n, &chosen, &begin, &next);
    if (status) return status;
  } else
    chosen = choose_groups(t, used, 1);
  double recovered = (double)chosen * t->c, weight = t->rescale ? n / recovered : 1;
  if (t->placement == CYCLIC)
    walk(t, used, n, begin, next, weight);
  else
    choose_groups(t, used, weight);
  used->info->flops = t->placement == CYCLIC ? (double)used->count : 0;
  used->info->alpha_error = recovered * (weight - 1) * (weight - 1) + (n - recovered);
  used->info->alpha_sum = recovered * weight;
  return SG_OK;
}

const sg_code_type sg_is_gc = {
    .about = {.name = "is-gc",
              .brief = "sums of disjoint parts, approximate",
              .summary = "IS-GC: parts are placed as in fractional or cyclic repetition, workers "
                         "send plain sums, and the master adds up those of a largest set of "
                         "workers with disjoint parts. Approximate.",
              .reference = "Su, Sukhnandan, Li 2023 (recalled).",
              .params = params},
    .create = create,
    .encode = encode,
    .weights = weights,
};
