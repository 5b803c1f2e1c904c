/* SPDX-License-Identifier: MIT */
/* The addresses of what befalls workers, and a two-state Markov chain over iterations, one per
 * worker and run: slow or not, dead or not.
 *
 * It is computed by sojourns: the lengths of stay are geometric, the k-th from a stream of its own,
 * so that the state in an iteration is a function of (seed, replication, worker, iteration) alone,
 * is found by going forward from the last question, and costs nothing while nothing changes. A
 * question about an earlier iteration goes forward from the start again. */
#ifndef SG_MODELS_CHAIN_H
#define SG_MODELS_CHAIN_H

#include "sim/core/random.h"

#include <stdbool.h>

/* The `draw` of random streams with purpose SG_FOR_STATE (of a worker) and SG_FOR_COMMON (of an
 * iteration, worker 0): what each number is for. Append only: they are part of the results. */
enum {
  STATE_SPEED = 0,  /* iteration 0 */
  STATE_SLOW = 1,   /* iteration: number of the sojourn */
  STATE_DEAD = 2,   /* iteration: number of the sojourn */
  STATE_CRASH = 3,  /* whether a worker crashes, for how long */
  STATE_STALL = 4,  /* whether a worker is stalled, for how long */
  STATE_ERASURE = 5 /* whether a worker is erased */
};
enum { COMMON_FACTOR = 0, COMMON_STALL = 1, COMMON_ERASURE = 2 };

typedef struct sg_chain {
  uint64_t seed;
  uint32_t draw;       /* tells chains apart: STATE_… */
  double enter, leave; /* probability per iteration of getting into the state, and out of it; 0:
                          never */
  double start;        /* probability of being in it in iteration 0 */
} sg_chain;

typedef struct sg_chain_state { /* zeroed: before the start */
  uint64_t from, until;         /* in this state from iteration `from` up to but not with `until` */
  uint32_t sojourn;
  bool in;
} sg_chain_state;

bool sg_chain_in(const sg_chain *chain, sg_chain_state *state, uint32_t replication, int worker,
                 uint32_t iteration);

#endif
