/* SPDX-License-Identifier: MIT */
/* How long messages and models are on the links of the workers. What receivers do with several
 * messages at once is in ingress.c. */
#include "models/network/model.h"

#include <stdlib.h>

/* --- Durations -------------------------------------------------------------------------------- */

/* Nodes that are no workers have nominal links. */
static double speed_of(const sg_network *network, const double *speed, int node) {
  return speed && node < network->workers ? speed[node] : 1;
}

/* Of a message on the uplink: what is not random. */
static double certain_seconds(const sg_network *network, double speed, double bytes) {
  const linear_link *of = &network->uplink_linear;
  if (network->uplink != UPLINK_LINEAR) return network->per_message;
  return network->per_message + (of->latency + bytes / (of->bandwidth * speed));
}

static double uplink_seconds(const sg_network *network, const sg_ahead *ahead,
                             const sg_ahead *jitter, uint32_t replication, int worker,
                             uint32_t iteration, uint32_t number, double share, double bytes) {
  double speed = speed_of(network, network->uplink_speed, worker);
  double seconds = certain_seconds(network, speed, bytes);
  if (network->uplink == UPLINK_TIMES)
    seconds += share / speed *
               sg_times_seconds(&network->uplink_times, ahead, replication, worker, iteration,
                                network->draw_per_iteration ? 0 : number);
  if (network->jitters)
    seconds += sg_times_seconds(&network->jitter, jitter, replication, worker, iteration, number);
  return seconds;
}

double sg_uplink_seconds(const sg_network *network, uint32_t replication, int worker,
                         uint32_t iteration, uint32_t number, double share, double bytes) {
  return uplink_seconds(network, NULL, NULL, replication, worker, iteration, number, share, bytes);
}

const char *sg_uplink_form_of(const sg_network *network, int worker, double share, double bytes,
                              sg_uplink_form *form) {
  double speed = speed_of(network, network->uplink_speed, worker);
  *form = (sg_uplink_form){.certain = certain_seconds(network, speed, bytes)};
  if (network->uplink == UPLINK_TIMES) {
    if (network->uplink_times.replay) return "uplink times come from a trace";
    form->law[form->laws] = &network->uplink_times.law;
    form->factor[form->laws++] = share / speed;
  }
  if (network->jitters) {
    form->law[form->laws] = &network->jitter.law;
    form->factor[form->laws++] = 1;
  }
  return NULL;
}

double sg_uplink_latency(const sg_network *network) {
  bool apart = network->uplink == UPLINK_LINEAR && !network->latency_occupies;
  return apart ? network->uplink_linear.latency : 0;
}

double sg_signal_seconds(const sg_network *network) {
  return network->signal_latency;
}

double sg_cancel_seconds(const sg_network *network) {
  return network->cancels_at_once ? 0 : network->signal_latency;
}

bool sg_network_occupies_link(const sg_network *network) {
  return network->occupies_link;
}

bool sg_network_broadcasts(const sg_network *network) {
  return network->broadcast != BROADCAST_NONE;
}

bool sg_network_half_duplex(const sg_network *network) {
  return network->half_duplex;
}

/* --- The links of a run ----------------------------------------------------------------------- */

typedef struct link {
  double hop;  /* seconds from the sender before it, the master or a node of the tree */
  double path; /* from the master */
  /* With half duplex: */
  double free; /* when all that has been asked of it is over */
  uint32_t model;
  double sent, there; /* of that model, the last one sent to it */
} link;

struct sg_links {
  const sg_network *network;
  double model_bytes; /* of which hop and path are the seconds */
  double master_free; /* sequential: when the master's outgoing link is */
  sg_ahead ahead;     /* of the uplinks' times */
  sg_ahead jitter;
  link link[]; /* by node */
};

/* Breadth first: the master's children are 0 … f − 1, those of i begin at f(i + 1). −1: master. */
static int parent_of(const sg_network *network, int node) {
  return node / network->fan_out - 1;
}

sg_links *sg_links_new(const sg_network *network, int nodes, double model_bytes) {
  sg_links *links = calloc(1, sizeof *links + (size_t)nodes * sizeof(link));
  if (!links) return NULL;
  links->network = network;
  links->model_bytes = model_bytes;
  const linear_link *of = &network->broadcast_linear;
  for (int i = 0; i < nodes; i++) links->link[i].sent = -1;
  for (int i = 0; i < nodes && network->broadcast != BROADCAST_NONE; i++) {
    double speed = speed_of(network, network->downlink_speed, i);
    links->link[i].hop = links->link[i].path = of->latency + model_bytes / (of->bandwidth * speed);
    if (network->broadcast != BROADCAST_TREE) continue;
    int parent = parent_of(network, i);
    if (parent >= 0) links->link[i].path += links->link[parent].path;
  }
  return links;
}

void sg_links_free(sg_links *links) {
  if (links) sg_ahead_clear(&links->ahead);
  if (links) sg_ahead_clear(&links->jitter);
  free(links);
}

bool sg_links_draw_ahead(sg_links *links, int nodes, uint32_t replication, uint32_t iteration) {
  const sg_network *network = links->network;
  return (network->uplink != UPLINK_TIMES ||
          sg_times_draw_ahead(&network->uplink_times, replication, iteration, nodes,
                              &links->ahead)) &&
         (!network->jitters ||
          sg_times_draw_ahead(&network->jitter, replication, iteration, nodes, &links->jitter));
}

double sg_links_uplink_seconds(const sg_links *links, uint32_t replication, int worker,
                               uint32_t iteration, uint32_t number, double share, double bytes) {
  return uplink_seconds(links->network, &links->ahead, &links->jitter, replication, worker,
                        iteration, number, share, bytes);
}

static bool is_drawn(const sg_ahead *ahead, int nodes, uint32_t iteration) {
  return ahead->seconds && ahead->iteration == iteration && ahead->nodes >= nodes;
}

void sg_links_uplink_seconds_of_all(const sg_links *links, int nodes, uint32_t replication,
                                    uint32_t iteration, double share, double bytes,
                                    double *seconds) {
  const sg_network *network = links->network;
  const double *times = links->ahead.seconds, *jitter = links->jitter.seconds;
  if ((network->uplink == UPLINK_TIMES && !is_drawn(&links->ahead, nodes, iteration)) ||
      (network->jitters && !is_drawn(&links->jitter, nodes, iteration))) {
    for (int i = 0; i < nodes; i++)
      seconds[i] = sg_links_uplink_seconds(links, replication, i, iteration, 0, share, bytes);
    return;
  }
  double certain = certain_seconds(network, 1, bytes);
  for (int i = 0; i < nodes; i++) seconds[i] = certain;
  for (int i = 0; network->uplink_speed && i < nodes; i++)
    seconds[i] = certain_seconds(network, speed_of(network, network->uplink_speed, i), bytes);
  if (network->uplink == UPLINK_TIMES && network->uplink_speed)
    for (int i = 0; i < nodes; i++)
      seconds[i] += share / speed_of(network, network->uplink_speed, i) * times[i];
  else if (network->uplink == UPLINK_TIMES)
    for (int i = 0; i < nodes; i++) seconds[i] += share * times[i];
  for (int i = 0; network->jitters && i < nodes; i++) seconds[i] += jitter[i];
}

static double later(double a, double b) {
  return a > b ? a : b;
}

static double hop_seconds(const sg_links *links, int node, double bytes) {
  const linear_link *of = &links->network->broadcast_linear;
  if (bytes == links->model_bytes) return links->link[node].hop;
  return of->latency +
         bytes / (of->bandwidth * speed_of(links->network, links->network->downlink_speed, node));
}

/* From the master, whose model the nodes of a tree pass on. */
static double path_seconds(const sg_links *links, int node, double bytes) {
  bool tree = links->network->broadcast == BROADCAST_TREE;
  double seconds = 0;
  if (bytes == links->model_bytes) return links->link[node].path;
  for (; node >= 0; node = tree ? parent_of(links->network, node) : -1)
    seconds += hop_seconds(links, node, bytes);
  return seconds;
}

/* When the node before this one can begin to send the model, which left the master at `now`. A
 * forwarder that has been sent this model at the same time may have had to wait for it. */
static double forwarded(const sg_links *links, int node, uint32_t model, double now, double bytes) {
  int parent = parent_of(links->network, node);
  if (parent < 0) return now;
  const link *p = &links->link[parent];
  return p->model == model && p->sent == now ? p->there : now + path_seconds(links, parent, bytes);
}

double sg_links_send_model(sg_links *links, int node, uint32_t model, double now) {
  return sg_links_send_bytes(links, node, model, now, links->model_bytes);
}

double sg_links_send_bytes(sg_links *links, int node, uint32_t model, double now, double bytes) {
  const sg_network *network = links->network;
  link *l = &links->link[node];
  bool sequential = network->broadcast == BROADCAST_SEQUENTIAL;
  if (network->broadcast == BROADCAST_NONE) return now;
  if (!network->half_duplex && !sequential) return now + path_seconds(links, node, bytes);
  double hop = hop_seconds(links, node, bytes);
  double begin = now;
  if (sequential) begin = later(now, links->master_free);
  if (network->broadcast == BROADCAST_TREE) begin = forwarded(links, node, model, now, bytes);
  if (network->half_duplex) begin = later(begin, l->free);
  l->there = l->free = begin + hop;
  l->model = model;
  l->sent = now;
  /* The last byte has left the master a latency before it is there. */
  if (sequential) links->master_free = begin + (hop - network->broadcast_linear.latency);
  return l->there;
}

double sg_links_send_message(sg_links *links, int node, double now, double seconds) {
  if (!links->network->half_duplex) return now + seconds;
  link *l = &links->link[node];
  return l->free = later(now, l->free) + seconds;
}

void sg_links_begin_round(sg_links *links, int nodes, double shift, bool goes_on) {
  links->master_free = goes_on ? links->master_free - shift : 0;
  for (int i = 0; i < nodes && links->network->half_duplex; i++) {
    link *l = &links->link[i];
    l->free = goes_on ? l->free - shift : 0;
    l->sent -= shift;
    l->there -= shift;
  }
}

void sg_links_occupy(sg_links *links, int node, double until) {
  links->link[node].free = later(links->link[node].free, until);
}

void sg_links_keep(sg_links *links, int node, double there) {
  sg_links_occupy(links, node, there);
  links->master_free = later(links->master_free, there - links->network->broadcast_linear.latency);
}
