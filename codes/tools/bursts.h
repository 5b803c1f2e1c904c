/* SPDX-License-Identifier: MIT */
/* Bursty stragglers (Krishnan, Ebrahimi, Khisti 2023): who is missing in a round, judged against
 * the rounds before it.
 *
 * A pattern is (B, W, λ)-bursty if in any W consecutive rounds at most λ different workers
 * straggle, and none that straggles in round r did in rounds r − W + 1, …, r − B. With W = 1 the
 * rounds are judged alone: at most λ stragglers in each. */
#ifndef SG_CODES_BURSTS_H
#define SG_CODES_BURSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sg_bursts {
  int n, words;      /* workers; words of 64 bits of a set of them: sg_bursts_words */
  int burst, window; /* B ≥ 1, W ≥ 1 */
  int lambda;        /* −1: no round conforms */
} sg_bursts;

/* Part of a code's state, zeroed at first; sg_bursts_size bytes. */
typedef struct sg_pattern {
  int round;      /* rounds begun, of which the last is under way */
  int missing;    /* who was asked for something in it and has not sent it */
  int distinct;   /* these and the stragglers of the W − 1 rounds before it */
  int barred;     /* of the missing those that straggled W − 1 to B rounds ago */
  uint64_t set[]; /* missing, all of the last W − 1 rounds, barred; then those rounds in a ring */
} sg_pattern;

static inline int sg_bursts_words(int n) {
  return (n + 63) / 64;
}

size_t sg_bursts_size(const sg_bursts *b);

/* The round under way is over: who is missing was its straggler, unless nobody shall have been.
 * The next begins, with nobody missing. O(W · words). */
void sg_bursts_begin(const sg_bursts *b, sg_pattern *p, bool exempt);
/* Something is asked of a worker that is not missing; what was asked of it has come. */
void sg_bursts_ask(const sg_bursts *b, sg_pattern *p, int worker);
void sg_bursts_come(const sg_bursts *b, sg_pattern *p, int worker);

/* Whether the pattern conforms if all who are missing are stragglers of this round. */
static inline bool sg_bursts_conform(const sg_bursts *b, const sg_pattern *p) {
  return p->distinct <= b->lambda && p->barred == 0;
}

static inline bool sg_set_has(const uint64_t *set, int i) {
  return set[i / 64] >> (i % 64) & 1;
}

#endif
