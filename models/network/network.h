/* SPDX-License-Identifier: MIT */
/* Links: uplink of each worker, the master's ingress, broadcast.
 *
 * The order is store-and-forward: computed → uplink (law or linear; one message at a time per
 * sender) → the receiver's ingress queue → delivered. Models come to workers by broadcast. */
#ifndef SG_MODELS_NETWORK_H
#define SG_MODELS_NETWORK_H

#include "models/compress/compress.h"
#include "models/network/ingress.h"
#include "models/times/law.h"

/* The scenario's "network" object. Compression and headers are what messages are, not what links
 * do: whoever makes messages reads them (sg_environment). */
extern const sg_param sg_network_params[];

typedef struct sg_network sg_network; /* immutable, shared */

sg_status sg_network_new(const sg_values *network, int workers, uint64_t seed, sg_network **out,
                         sg_error *e);
void sg_network_free(sg_network *network);
/* Makes all uplinks and the ingress link so many times as fast (not latency, per_message_s or
 * jitter), before any run. */
sg_status sg_network_speed_up(sg_network *network, double uplink, double ingress, sg_error *e);
bool sg_network_takes_time(const sg_network *network); /* uplinks or the ingress do */
/* Appends what a person should know of the model: moments that do not exist. */
void sg_network_note(const sg_network *network, sg_buffer *out);

/* Seconds from the sender's uplink to the receiver's ingress. share: bytes of the message / bytes
 * of a full gradient vector in float64 (a random law is for one such vector). draw: index of the
 * message among those of this worker in this iteration (a law with draw = iteration ignores it,
 * jitter does not). */
double sg_uplink_seconds(const sg_network *network, uint32_t replication, int worker,
                         uint32_t iteration, uint32_t draw, double share, double bytes);

/* The same time as certain + Σ factor · X with independent draws, for exact expectations
 * (sim/expect). Returns NULL, or why there is no such form. */
typedef struct sg_uplink_form {
  double certain; /* seconds */
  int laws;
  const sg_law *law[2]; /* owned by the network */
  double factor[2];
} sg_uplink_form;
const char *sg_uplink_form_of(const sg_network *network, int worker, double share, double bytes,
                              sg_uplink_form *form);

/* The part of those seconds in which the message is on its way and the link is free for the next
 * one; 0 where latency occupies the link. */
double sg_uplink_latency(const sg_network *network);

double sg_signal_seconds(const sg_network *network); /* to the master, or a command to a worker */
double sg_cancel_seconds(const sg_network *network); /* until a worker hears that it may stop */
bool sg_network_occupies_link(const sg_network *network); /* late_messages = occupy-link */
/* Whether models take time to come to the workers. */
bool sg_network_broadcasts(const sg_network *network);
bool sg_network_half_duplex(const sg_network *network);

/* What the links of a run's nodes are at. Times are those of the run's clock. */
typedef struct sg_links sg_links;
/* model_bytes: the size of a model. NULL: no memory. */
sg_links *sg_links_new(const sg_network *network, int nodes, double model_bytes);
void sg_links_free(sg_links *links);
/* Most nodes will send in this iteration: draws the times of their first messages side by side. It
 * only saves time. false: no memory. */
bool sg_links_draw_ahead(sg_links *links, int nodes, uint32_t replication, uint32_t iteration);
/* sg_uplink_seconds, which takes what was drawn ahead. */
double sg_links_uplink_seconds(const sg_links *links, uint32_t replication, int worker,
                               uint32_t iteration, uint32_t draw, double share, double bytes);
/* Those of the first messages of all nodes, of the same bytes: seconds[i] is what
 * sg_links_uplink_seconds(links, replication, i, iteration, 0, share, bytes) is, to the bit. */
void sg_links_uplink_seconds_of_all(const sg_links *links, int nodes, uint32_t replication,
                                    uint32_t iteration, double share, double bytes,
                                    double *seconds);
/* Sends a model, told apart from others by its number, to a node; the time at which it is there.
 * O(1). */
double sg_links_send_model(sg_links *links, int node, uint32_t model, double now);
/* The same, of so many bytes. */
double sg_links_send_bytes(sg_links *links, int node, uint32_t model, double now, double bytes);
/* A message that takes `seconds` is first in a node's uplink queue; the time at which it is through
 * the uplink: now + seconds but for half duplex. */
double sg_links_send_message(sg_links *links, int node, double now, double seconds);
/* The clock is set back by `shift` at the start of a round. goes_on: what is on its way stays so;
 * otherwise all links are free, but for the models that the caller then says are still wanted. */
void sg_links_begin_round(sg_links *links, int nodes, double shift, bool goes_on);
/* A message that its sender cannot know is not wanted occupies its link until then. */
void sg_links_occupy(sg_links *links, int node, double until);
/* A model that is still wanted occupies the links until it is there. */
void sg_links_keep(sg_links *links, int node, double there);

#endif
