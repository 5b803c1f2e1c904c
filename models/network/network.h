/* SPDX-License-Identifier: MIT */
/* Links: uplink of each worker, the master's ingress, broadcast.
 *
 * The order is store-and-forward: computed → uplink (law or linear; one message at a time per
 * sender) → the receiver's ingress queue → delivered. */
#ifndef SG_MODELS_NETWORK_H
#define SG_MODELS_NETWORK_H

#include "models/delay/law.h"

/* The scenario's "network" object: uplink {model: none | linear | a law; per_message_s; draw:
 * message | iteration}, ingress {model: unlimited | fifo | fair-share; bandwidth_Bps}, broadcast
 * {model: none | linear; latency_s; bandwidth_Bps}, signal_latency_s, late_messages (cancel |
 * occupy-link). */
extern const sg_param sg_network_params[];

typedef struct sg_network sg_network; /* immutable, shared */

sg_status sg_network_new(const sg_values *network, int workers, uint64_t seed, sg_network **out,
                         sg_error *e);
void sg_network_free(sg_network *network);

/* Seconds on the sender's uplink. share: length of the message / length of a full gradient vector
 * (a random law is for one full vector). draw: index of the message among those of this worker in
 * this iteration (ignored with draw = iteration). */
double sg_uplink_seconds(const sg_network *network, uint32_t replication, int worker,
                         uint32_t iteration, uint32_t draw, double share, double bytes);

/* Seconds until a model of `bytes` has reached a worker, all workers in parallel. */
double sg_broadcast_seconds(const sg_network *network, double bytes);
double sg_signal_seconds(const sg_network *network);
bool sg_network_occupies_link(const sg_network *network); /* late_messages = occupy-link */

/* The queue in front of one receiver. Holds message numbers (the caller's), not messages. */
typedef struct sg_ingress sg_ingress;
sg_ingress *sg_ingress_new(const sg_network *network);
void sg_ingress_free(sg_ingress *q);
bool sg_ingress_unlimited(const sg_ingress *q); /* then messages are delivered at once: no queue */
/* A message of `bytes` has come to the queue at time now. O(log queued). false: no memory. */
bool sg_ingress_push(sg_ingress *q, double now, int message, double bytes);
/* The time of the next delivery, INFINITY if nothing is queued. */
double sg_ingress_next(const sg_ingress *q);
/* Takes the message delivered at sg_ingress_next. */
int sg_ingress_pop(sg_ingress *q);
/* Takes out a message that is no longer wanted at time now. */
void sg_ingress_remove(sg_ingress *q, double now, int message);
void sg_ingress_clear(sg_ingress *q); /* empty, idle */
/* All times that the queue holds move by −shift: times are relative to the iteration's start. */
void sg_ingress_shift(sg_ingress *q, double shift);
/* Seconds the link has been busy, and seconds messages have waited, since the last call. */
void sg_ingress_usage(sg_ingress *q, double now, double *busy_s, double *queued_s);

#endif
