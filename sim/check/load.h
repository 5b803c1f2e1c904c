/* SPDX-License-Identifier: MIT */
/* What workers hold, compute with and send, read off a code's messages. */
#ifndef SG_CHECK_LOAD_H
#define SG_CHECK_LOAD_H

#include "codes/frame/code.h"

/* The most that any pattern, order and round has shown.
 * A snapshot's messages count together. */
typedef struct sg_load {
  int nodes, parts;    /* coded parts included */
  unsigned char *held; /* nodes × parts */
  double *flops;       /* of encoding */
  double *sent;        /* numbers */
} sg_load;
bool sg_load_init(sg_load *load, const sg_code *code); /* false: no memory */
void sg_load_free(sg_load *load);
void sg_load_join(sg_load *into, const sg_load *other);

/* Adds the messages of the list that are of that snapshot, together. Faults: not enough memory, a
 * mistake in a row. */
sg_status sg_load_add(sg_load *load, const sg_code *code, const void *state, int count,
                      const sg_message *const *message, int snapshot, sg_error *e);

/* The order in which an adversary takes workers 0 … workers − 1 so that one part after the other is
 * lost, each time one of which fewest holders are left (the greedy search of Munim and Ramamoorthy;
 * published). order: `workers` numbers. parts: those of the data. O(workers · parts · parts).
 * false: no memory. */
bool sg_load_isolate(const sg_load *load, int workers, int parts, int *order);

#endif
