/* SPDX-License-Identifier: MIT */
/* The cache of decode weights: a hash table whose entries stand in the order of their last use. */
#include "codes/frame/cache.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ENTRIES = 1024, FEWEST_ENTRIES = 8, BUCKETS = 2048, NONE = -1 };
static const size_t MOST_BYTES = (size_t)4 << 20;

typedef struct entry {
  uint64_t hash;
  size_t words;
  int chain;        /* the next entry of the same bucket */
  int older, newer; /* in the order of last use */
  sg_decode_info info;
} entry;

struct sg_cache {
  size_t key_words, values;
  int capacity, count, oldest, newest;
  int bucket[BUCKETS];
  uint64_t *key; /* capacity × key_words */
  double *value; /* capacity × values */
  entry entry[]; /* capacity; keys and values stand behind them */
};

sg_cache *sg_cache_new(size_t key_words, size_t values) {
  size_t fit = MOST_BYTES / (8 * (key_words + values) + sizeof(entry));
  if (fit < FEWEST_ENTRIES) return NULL;
  size_t capacity = fit < MOST_ENTRIES ? fit : MOST_ENTRIES;
  sg_cache *c = calloc(1, sizeof *c + capacity * (sizeof *c->entry + key_words * sizeof *c->key +
                                                  values * sizeof *c->value));
  if (!c) return NULL;
  c->key_words = key_words;
  c->values = values;
  c->capacity = (int)capacity;
  c->oldest = c->newest = NONE;
  for (int i = 0; i < BUCKETS; i++) c->bucket[i] = NONE;
  c->key = (uint64_t *)(void *)(c->entry + capacity);
  c->value = (double *)(void *)(c->key + capacity * key_words);
  return c;
}

bool sg_cache_fits(const sg_cache *c, size_t words, size_t values) {
  return words <= c->key_words && values <= c->values;
}

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 29;
}

/* Two independent chains, as each step waits for the product before it. */
static uint64_t hash_of(const uint64_t *key, size_t words) {
  uint64_t even = words, odd = ~even;
  size_t i = 0;
  for (; i + 1 < words; i += 2) {
    even = mix(even, key[i]);
    odd = mix(odd, key[i + 1]);
  }
  return mix(mix(odd, i < words ? key[i] : 0), even);
}

static void unlink_use(sg_cache *c, int i) {
  entry *x = &c->entry[i];
  *(x->older == NONE ? &c->oldest : &c->entry[x->older].newer) = x->newer;
  *(x->newer == NONE ? &c->newest : &c->entry[x->newer].older) = x->older;
}

static void link_newest(sg_cache *c, int i) {
  entry *x = &c->entry[i];
  x->newer = NONE;
  x->older = c->newest;
  *(c->newest == NONE ? &c->oldest : &c->entry[c->newest].newer) = i;
  c->newest = i;
}

const double *sg_cache_find(sg_cache *c, const uint64_t *key, size_t words, sg_decode_info *info) {
  uint64_t hash = hash_of(key, words);
  for (int i = c->bucket[hash % BUCKETS]; i != NONE; i = c->entry[i].chain) {
    const entry *x = &c->entry[i];
    if (x->hash != hash || x->words != words) continue;
    if (memcmp(c->key + (size_t)i * c->key_words, key, words * sizeof *key) != 0) continue;
    unlink_use(c, i);
    link_newest(c, i);
    *info = x->info;
    return c->value + (size_t)i * c->values;
  }
  return NULL;
}

/* The entry that is given up: a fresh one, or the one that was not asked for longest. */
static int vacate(sg_cache *c) {
  if (c->count < c->capacity) return c->count++;
  int i = c->oldest;
  unlink_use(c, i);
  int *at = &c->bucket[c->entry[i].hash % BUCKETS];
  while (*at != i) at = &c->entry[*at].chain;
  *at = c->entry[i].chain;
  return i;
}

double *sg_cache_add(sg_cache *c, const uint64_t *key, size_t words, const sg_decode_info *info) {
  int i = vacate(c);
  entry *x = &c->entry[i];
  x->hash = hash_of(key, words);
  x->words = words;
  x->info = *info;
  memcpy(c->key + (size_t)i * c->key_words, key, words * sizeof *key);
  int *bucket = &c->bucket[x->hash % BUCKETS];
  x->chain = *bucket;
  *bucket = i;
  link_newest(c, i);
  return c->value + (size_t)i * c->values;
}
