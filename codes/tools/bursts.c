/* SPDX-License-Identifier: MIT */
/* Sets of stragglers as bits, and counts that each arrival brings up to date. */
#include "codes/tools/bursts.h"

#include <string.h>

enum { MISSING, PAST, BARRED, RING };

static uint64_t *set_of(const sg_bursts *b, sg_pattern *p, int which) {
  return p->set + which * b->words;
}

/* The stragglers of round r, one of the last W − 1. */
static uint64_t *round_of(const sg_bursts *b, sg_pattern *p, int r) {
  return set_of(b, p, RING + r % (b->window - 1));
}

size_t sg_bursts_size(const sg_bursts *b) {
  size_t sets = (size_t)(RING + b->window - 1);
  return sizeof(sg_pattern) + sets * (size_t)b->words * sizeof(uint64_t);
}

static void unite(uint64_t *into, const uint64_t *other, int words) {
  for (int w = 0; w < words; w++) into[w] |= other[w];
}

void sg_bursts_begin(const sg_bursts *b, sg_pattern *p, bool exempt) {
  size_t bytes = (size_t)b->words * sizeof(uint64_t);
  uint64_t *missing = set_of(b, p, MISSING), *past = set_of(b, p, PAST);
  int r = p->round++;
  if (r > 0 && b->window > 1) {
    memcpy(round_of(b, p, r - 1), missing, bytes);
    if (exempt) memset(round_of(b, p, r - 1), 0, bytes);
  }
  memset(missing, 0, 3 * bytes);
  for (int age = 1; age < b->window && age <= r; age++) {
    unite(past, round_of(b, p, r - age), b->words);
    if (age >= b->burst) unite(set_of(b, p, BARRED), round_of(b, p, r - age), b->words);
  }
  p->missing = p->distinct = p->barred = 0;
  for (int w = 0; w < b->words; w++) p->distinct += __builtin_popcountll(past[w]);
}

void sg_bursts_ask(const sg_bursts *b, sg_pattern *p, int worker) {
  set_of(b, p, MISSING)[worker / 64] |= UINT64_C(1) << (worker % 64);
  p->missing++;
  p->distinct += !sg_set_has(set_of(b, p, PAST), worker);
  p->barred += sg_set_has(set_of(b, p, BARRED), worker);
}

void sg_bursts_come(const sg_bursts *b, sg_pattern *p, int worker) {
  set_of(b, p, MISSING)[worker / 64] &= ~(UINT64_C(1) << (worker % 64));
  p->missing--;
  p->distinct -= !sg_set_has(set_of(b, p, PAST), worker);
  p->barred -= sg_set_has(set_of(b, p, BARRED), worker);
}
