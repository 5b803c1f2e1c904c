/* SPDX-License-Identifier: MIT */
/* The `draw` of random streams with purpose SG_FOR_STATE (of a worker) and SG_FOR_COMMON (of an
 * iteration, worker 0): what each number is for. Append only: they are part of the results. */
#ifndef SG_MODELS_ADDRESS_H
#define SG_MODELS_ADDRESS_H

enum {
  STATE_SPEED = 0,  /* iteration 0 */
  STATE_SLOW = 1,   /* iteration: number of the sojourn */
  STATE_DEAD = 2,   /* iteration: number of the sojourn */
  STATE_CRASH = 3,  /* whether a worker crashes, for how long */
  STATE_STALL = 4,  /* whether a worker is stalled, for how long */
  STATE_ERASURE = 5 /* whether a worker is erased */
};
enum { COMMON_FACTOR = 0, COMMON_STALL = 1, COMMON_ERASURE = 2 };

#endif
