/* SPDX-License-Identifier: MIT */
/* "Did you mean …?": the name that somebody who mistyped one may have meant. */
#ifndef SG_CORE_NEAREST_H
#define SG_CORE_NEAREST_H

#include <stdbool.h>

/* The candidate nearest to `word` in edit distance (optimal string alignment, upper and lower case
 * being the same), or NULL if none is near enough to be worth suggesting. Names of more than 64
 * bytes are never suggested. `candidates`: NULL-terminated. O(candidates · length²). */
const char *sg_nearest(const char *word, const char *const *candidates);

/* The same for names that are not in a list: each is considered, and `best` is the nearest so far.
 * Whether that is this one. `best` is not looked at again and may be gone. */
typedef struct sg_nearness {
  const char *word, *best;
  int cost; /* of best */
} sg_nearness;
bool sg_consider(sg_nearness *n, const char *candidate);

/* `; did you mean "nearest"?`, or nothing if there is none. A value, so that a message can be made
 * in one expression: sg_fail(…, "there is no code \"%s\"%s", word, sg_suggest(word, names).text).
 */
typedef struct sg_suggestion {
  char text[96];
} sg_suggestion;
sg_suggestion sg_suggest(const char *word, const char *const *candidates);

#endif
