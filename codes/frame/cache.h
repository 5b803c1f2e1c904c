/* SPDX-License-Identifier: MIT */
/* A bounded cache of decode weights, keyed by arrival patterns; the pattern that was not asked for
 * longest makes room. All memory is taken at once when it is made. */
#ifndef SG_CODES_CACHE_H
#define SG_CODES_CACHE_H

#include "codes/frame/code.h"

typedef struct sg_cache sg_cache;

/* For keys of up to key_words words and entries of up to `values` numbers. NULL: no memory, or so
 * few entries would fit that a cache is of no use. It is one block of memory, for free(). */
sg_cache *sg_cache_new(size_t key_words, size_t values);

/* Whether a key of `words` words with `values` numbers fits. */
bool sg_cache_fits(const sg_cache *cache, size_t words, size_t values);

/* The numbers kept under a key, or NULL. */
const double *sg_cache_find(sg_cache *cache, const uint64_t *key, size_t words,
                            sg_decode_info *info);

/* Room for the numbers of a key that is not there yet and fits. */
double *sg_cache_add(sg_cache *cache, const uint64_t *key, size_t words,
                     const sg_decode_info *info);

#endif
