/* SPDX-License-Identifier: MIT */
/* All-reduce without a master: a code's sum formed by the workers among themselves.
 *
 * A scheme's member `collective` wraps a code into one whose workers exchange chunks of the sum by
 * a schedule (an entry of the table in codes/collectives.c) until each has all of it. Every hop is
 * a message on its sender's link; it adds what its sender has of its own, times the weight that the
 * code gives it, to what has come. A code that waits for all needs nobody to tell it anything:
 * weights are known beforehand, and a worker's first hop goes when its own task is done. Otherwise
 * workers report when they are done, a coordinator waits by the code's stop policy, finds the
 * weights, and tells all to begin: whoever is late stops computing and forwards only. */
#ifndef SG_CODES_FRAME_COLLECTIVE_H
#define SG_CODES_FRAME_COLLECTIVE_H

#include "codes/frame/protocol.h"

enum { SG_OWN_NONE = -1, SG_OWN_ALL = -2 };

/* A transmission of the chunks first … first + count − 1. It goes when all that comes to its sender
 * in earlier rounds has. */
typedef struct sg_hop {
  int round, from, to, first, count;
  int own;       /* the chunk to which the sender adds its own, SG_OWN_NONE or SG_OWN_ALL */
  bool copy;     /* what it is made of is kept: of all hops of whole sums, and of exchanges */
  bool exchange; /* without what has come from its receiver */
} sg_hop;

typedef struct sg_schedule {
  int workers, chunks;
  bool blocking; /* a worker's round is over when its own hops have arrived, too */
  /* Where all chunks and links are equal it takes as long after the last worker as after all,
   * whoever that is and whenever the others are ready. */
  bool symmetric;
  int hops, capacity;
  sg_hop *hop;          /* sorted by round, then sender, once made; freed by its maker */
  int *keeper;          /* per chunk: a worker that has formed its sum, and holds what it is of */
  int keepers_capacity; /* of the array */
  bool failed;          /* out of memory */
} sg_schedule;

typedef struct sg_collective_type {
  sg_variant about;
  bool blocking, symmetric; /* as in its schedules */
  /* Adds the hops and says the keepers for schedule->workers ≥ 1. Faults go to `e` with sg_fail_at
   * of a parameter, or of the scheme's "collective". */
  sg_status (*make)(sg_schedule *schedule, const sg_values *values, sg_error *e);
} sg_collective_type;

/* For `make`. */
void sg_schedule_chunks(sg_schedule *schedule, int chunks);
void sg_schedule_hop(sg_schedule *schedule, const sg_hop *hop);

/* The schedule of a type; the arrays are freed by sg_schedule_free, on failure too. */
sg_status sg_schedule_make(const sg_collective_type *type, int workers, const sg_values *values,
                           sg_schedule *schedule, sg_error *e);
void sg_schedule_free(sg_schedule *schedule);

/* Wraps *code if the scheme's values have a `collective`: *code becomes the wrapping one, which
 * owns the old. On failure *code is as before. */
sg_status sg_collective_wrap(sg_code **code, const sg_values *values, sg_error *e);
/* Whether the scheme's values have one: layers are then its buckets. */
bool sg_collective_given(const sg_values *values);

/* Of a wrapping code (code->inner). */
const sg_schedule *sg_collective_schedule(const sg_code *code);
int sg_collective_buckets(const sg_code *code);
/* Whether workers wait for a coordinator. */
bool sg_collective_coordinated(const sg_code *code);

/* What the coordinator has in one run: the inner code's protocol and decoder. NULL: no memory. */
typedef struct sg_coordinator sg_coordinator;
sg_coordinator *sg_coordinator_new(const sg_code *code);
void sg_coordinator_free(sg_coordinator *coordinator);
/* Of the protocol that the orders are written for; NULL: it has none. */
sg_coordinator *sg_protocol_coordinator(const sg_protocol *p);

#endif
