/* SPDX-License-Identifier: MIT */
/* What the optimisers of a run's workers remember from one displacement to the next, where a code's
 * workers take local steps (sg_code.local) and keep it.
 *
 * It advances with a displacement that is used, and not with one that is late, erased or cancelled:
 * then its sender begins the next steps with what it remembered before. Where messages are formed
 * when they are sent, the steps of a message go on from those of the sender's message before it,
 * unless it is known already that this one was of no use. */
#ifndef SG_SIM_INNER_STATES_H
#define SG_SIM_INNER_STATES_H

#include "sim/experiment/world.h"

typedef struct sg_inner_states {
  size_t size;   /* numbers of a worker; 0: nothing is kept */
  double *state; /* worker by worker; NULL then */
} sg_inner_states;

/* false: no memory. */
bool sg_inner_states_init(sg_inner_states *states, const sg_world *world);
void sg_inner_states_free(sg_inner_states *states);

/* Of a worker; NULL: nothing is kept. */
static inline double *sg_inner_states_of(const sg_inner_states *states, int worker) {
  return states->size ? states->state + (size_t)worker * states->size : NULL;
}

/* Bytes that a run keeps. */
double sg_inner_states_memory(const sg_world *world);

#endif
