/* SPDX-License-Identifier: MIT */
/* A two-state Markov chain over iterations, one per worker and run: slow or not, dead or not.
 *
 * It is computed by sojourns: the lengths of stay are geometric, the k-th from a stream of its own,
 * so that the state in an iteration is a function of (seed, replication, worker, iteration) alone,
 * is found by going forward from the last question, and costs nothing while nothing changes. A
 * question about an earlier iteration goes forward from the start again. */
#ifndef SG_MODELS_CHAIN_H
#define SG_MODELS_CHAIN_H

#include "sim/core/random.h"

#include <stdbool.h>

typedef struct sg_chain {
  uint64_t seed;
  uint32_t draw;       /* tells chains apart: draw of SG_FOR_STATE */
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
