/* SPDX-License-Identifier: MIT */
/* The inside of sg_network, shared by the files of this folder; everybody else includes network.h.
 */
#ifndef SG_MODELS_NETWORK_MODEL_H
#define SG_MODELS_NETWORK_MODEL_H

#include "models/network/network.h"
#include "models/times/times.h"

enum { BROADCAST_NONE, BROADCAST_LINEAR, BROADCAST_SEQUENTIAL, BROADCAST_TREE };

typedef struct linear_link {
  double latency, bandwidth;
} linear_link;

struct sg_network {
  int workers;
  enum { UPLINK_NONE, UPLINK_LINEAR, UPLINK_TIMES } uplink;
  linear_link uplink_linear;
  sg_times uplink_times;
  double per_message;
  bool draw_per_iteration;
  bool jitters;
  sg_times jitter;
  double *uplink_speed, *downlink_speed; /* workers values; NULL: all 1 */
  sg_ingress_kind ingress;
  double ingress_bandwidth;     /* bytes per second, unless it is unlimited */
  int broadcast;                /* BROADCAST_… */
  linear_link broadcast_linear; /* sequential: of the master's link; tree: of each hop */
  int fan_out;
  bool half_duplex;
  double signal_latency;
  bool cancels_at_once;
  bool latency_occupies; /* the uplink */
  bool occupies_link;
  uint64_t seed;
};

#endif
