/* SPDX-License-Identifier: MIT */
/* The nearest of some names, by edit distance. */
#include "sim/core/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_NAME = 64 };

/* Optimal string alignment distance, upper and lower case being the same. */
static int distance(const char *a, const char *b) {
  int n = (int)strlen(a), m = (int)strlen(b);
  int row[3][LONGEST_NAME + 1]; /* rows i − 2, i − 1, i, in turn */
  for (int j = 0; j <= m; j++) row[0][j] = j;
  for (int i = 1; i <= n; i++) {
    int *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= m; j++) {
      bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
      int best = up[j - 1] + !same;
      if (up[j] + 1 < best) best = up[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
        best = up2[j - 2] + 1;
      now[j] = best;
    }
  }
  return row[n % 3][m];
}

/* The cost of taking `word` for `candidate`, −1 if they are too far apart. */
static int mistake(const char *word, const char *candidate) {
  size_t n = strlen(word), m = strlen(candidate), longest = n > m ? n : m;
  if (n == 0 || longest > LONGEST_NAME) return -1;
  int limit = longest < 6 ? 1 : (int)longest / 3, d = distance(word, candidate);
  if (d <= limit && d < (int)longest) return d;
  /* Half a name ("logistic") or too much of one is worth a suggestion as well. */
  if (n >= 3 && m >= 3 && (strcasestr(candidate, word) || strcasestr(word, candidate)))
    return LONGEST_NAME + d;
  return -1;
}

bool sg_consider(sg_nearness *n, const char *candidate) {
  int cost = mistake(n->word, candidate);
  if (cost < 0 || (n->best && cost >= n->cost)) return false;
  n->best = candidate;
  n->cost = cost;
  return true;
}

const char *sg_nearest(const char *word, const char *const *candidates) {
  sg_nearness n = {.word = word};
  for (; *candidates; candidates++) sg_consider(&n, *candidates);
  return n.best;
}

sg_suggestion sg_suggest(const char *word, const char *const *candidates) {
  sg_suggestion s = {{0}};
  const char *near = sg_nearest(word, candidates);
  _Static_assert(sizeof s.text > LONGEST_NAME + 20, "the longest name must fit");
  if (near) snprintf(s.text, sizeof s.text, "; did you mean \"%s\"?", near);
  return s;
}
