/* SPDX-License-Identifier: MIT */
/* Uplinks, broadcast and signals: durations that depend on the sender alone. What receivers do with
 * several messages at once is in ingress.c. */
#include "models/network/network.h"

#include "models/network/ingress.h"

#include <stdlib.h>

enum { DRAW_MESSAGE, DRAW_ITERATION };
enum { LATE_CANCEL, LATE_OCCUPY_LINK };

static const char *const draws[] = {"message", "iteration", NULL};
static const char *const late_choices[] = {"cancel", "occupy-link", NULL};

#define LATENCY                                                                                    \
  {                                                                                                \
    .name = "latency_s", .kind = SG_REAL,                                                          \
    .summary = "Seconds before the first byte, whatever the length.", .min = 0,                    \
    .max = SG_UNBOUNDED, .fallback = 0                                                             \
  }
#define BANDWIDTH                                                                                  \
  {                                                                                                \
    .name = "bandwidth_Bps", .kind = SG_REAL, .summary = "Bytes per second.", .min = 0,            \
    .max = SG_UNBOUNDED, .flags = SG_REQUIRED | SG_MIN_OPEN                                        \
  }

static const sg_param linear_params[] = {LATENCY, BANDWIDTH, {0}};
static const sg_param queue_params[] = {BANDWIDTH, {0}};

/* --- Uplink ----------------------------------------------------------------------------------- */

static const sg_variant uplink_none = {
    .name = "none", .summary = "Messages leave their sender in no time.", .reference = ""};
static const sg_variant uplink_linear = {.name = "linear",
                                         .summary = "Latency plus bytes over bandwidth.",
                                         .reference = "",
                                         .params = linear_params};

static const sg_variant *uplink_at(int i) {
  return i == 0 ? &uplink_none : i == 1 ? &uplink_linear : sg_law_variant_at(i - 2);
}

static const sg_family uplink_family = {
    .selector = "model", .what = "uplink model", .at = uplink_at, .fallback = "none"};

static const sg_param uplink_params[] = {
    {.name = "per_message_s",
     .kind = SG_REAL,
     .summary = "Seconds that every transmission takes besides, whatever its length.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .fallback = 0},
    {.name = "draw",
     .kind = SG_CHOICE,
     .summary = "For random laws: a draw for each message, or one per worker and iteration that "
                "its messages share in proportion to their lengths.",
     .choices = draws,
     .fallback = DRAW_MESSAGE},
    {0}};

/* --- Ingress and broadcast -------------------------------------------------------------------- */

static const sg_variant ingress_unlimited = {
    .name = "unlimited",
    .summary = "A receiver takes any number of messages at once, in no time.",
    .reference = ""};
static const sg_variant ingress_fifo = {.name = "fifo",
                                        .summary = "One message after another, in the order in "
                                                   "which they come from the uplinks.",
                                        .reference = "",
                                        .params = queue_params};
static const sg_variant ingress_fair = {.name = "fair-share",
                                        .summary = "All messages at hand share the bandwidth "
                                                   "equally (processor sharing).",
                                        .reference = "",
                                        .params = queue_params};

static const sg_variant *ingress_at(int i) {
  return i == 0 ? &ingress_unlimited : i == 1 ? &ingress_fifo : i == 2 ? &ingress_fair : NULL;
}

static const sg_family ingress_family = {
    .selector = "model", .what = "ingress model", .at = ingress_at, .fallback = "unlimited"};

static const sg_variant broadcast_none = {
    .name = "none", .summary = "The model reaches all workers in no time.", .reference = ""};
static const sg_variant broadcast_linear = {
    .name = "linear",
    .summary = "Latency plus bytes over bandwidth, to all workers in parallel.",
    .reference = "",
    .params = linear_params};

static const sg_variant *broadcast_at(int i) {
  return i == 0 ? &broadcast_none : i == 1 ? &broadcast_linear : NULL;
}

static const sg_family broadcast_family = {
    .selector = "model", .what = "broadcast model", .at = broadcast_at, .fallback = "none"};

const sg_param sg_network_params[] = {
    {.name = "uplink",
     .kind = SG_FAMILY,
     .summary = "The link from a worker, which takes one message at a time. A law is for one full "
                "gradient vector; a message takes its share of it.",
     .fields = uplink_params,
     .family = &uplink_family},
    {.name = "ingress",
     .kind = SG_FAMILY,
     .summary = "The link into a receiver, the master's above all, behind the uplinks.",
     .family = &ingress_family},
    {.name = "broadcast",
     .kind = SG_FAMILY,
     .summary = "How a model reaches the workers.",
     .family = &broadcast_family},
    {.name = "signal_latency_s",
     .kind = SG_REAL,
     .summary = "Seconds that a signal to the master or a command to a worker takes.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .fallback = 0},
    {.name = "late_messages",
     .kind = SG_CHOICE,
     .summary = "What becomes of messages under way when an iteration ends without them: they "
                "vanish, or they occupy the links until they are delivered and then dropped.",
     .choices = late_choices,
     .fallback = LATE_CANCEL},
    {0}};

/* --- The model -------------------------------------------------------------------------------- */

typedef struct linear_link {
  double latency, bandwidth;
} linear_link;

struct sg_network {
  enum { UPLINK_NONE, UPLINK_LINEAR, UPLINK_LAW } uplink;
  linear_link uplink_linear;
  sg_law uplink_law;
  double per_message;
  bool draw_per_iteration;
  sg_ingress_kind ingress;
  double ingress_bandwidth;
  bool broadcasts; /* linear; otherwise in no time */
  linear_link broadcast;
  double signal_latency;
  bool occupies_link;
  uint64_t seed;
};

static linear_link read_linear(const sg_values *values) {
  return (linear_link){.latency = sg_real(values, "latency_s"),
                       .bandwidth = sg_real(values, "bandwidth_Bps")};
}

static sg_status read_uplink(sg_network *n, const sg_values *uplink, sg_error *e) {
  n->per_message = sg_real(uplink, "per_message_s");
  n->draw_per_iteration = sg_choice(uplink, "draw") == DRAW_ITERATION;
  if (uplink->variant == &uplink_none) {
    n->uplink = UPLINK_NONE;
  } else if (uplink->variant == &uplink_linear) {
    n->uplink = UPLINK_LINEAR;
    n->uplink_linear = read_linear(uplink);
  } else {
    n->uplink = UPLINK_LAW;
    return sg_law_init(&n->uplink_law, uplink, e);
  }
  return SG_OK;
}

sg_status sg_network_new(const sg_values *network, int workers, uint64_t seed, sg_network **out,
                         sg_error *e) {
  (void)workers; /* All uplinks are alike as yet. */
  *out = NULL;
  sg_network *n = calloc(1, sizeof *n);
  if (!n) return sg_fail_memory(e);
  const sg_values *ingress = sg_object(network, "ingress");
  const sg_values *broadcast = sg_object(network, "broadcast");
  n->seed = seed;
  n->signal_latency = sg_real(network, "signal_latency_s");
  n->occupies_link = sg_choice(network, "late_messages") == LATE_OCCUPY_LINK;
  n->ingress = ingress->variant == &ingress_fifo   ? SG_INGRESS_FIFO
               : ingress->variant == &ingress_fair ? SG_INGRESS_FAIR_SHARE
                                                   : SG_INGRESS_UNLIMITED;
  if (n->ingress != SG_INGRESS_UNLIMITED) n->ingress_bandwidth = sg_real(ingress, "bandwidth_Bps");
  n->broadcasts = broadcast->variant == &broadcast_linear;
  if (n->broadcasts) n->broadcast = read_linear(broadcast);
  sg_status status = read_uplink(n, sg_object(network, "uplink"), e);
  if (status != SG_OK) {
    sg_network_free(n);
    return status;
  }
  *out = n;
  return SG_OK;
}

void sg_network_free(sg_network *network) {
  free(network);
}

double sg_uplink_seconds(const sg_network *network, uint32_t replication, int worker,
                         uint32_t iteration, uint32_t draw, double share, double bytes) {
  double seconds = network->per_message;
  if (network->uplink == UPLINK_LINEAR) {
    seconds += network->uplink_linear.latency + bytes / network->uplink_linear.bandwidth;
  } else if (network->uplink == UPLINK_LAW) {
    sg_stream stream;
    sg_stream_at(&stream, network->seed, replication, SG_FOR_UPLINK, (uint32_t)worker, iteration,
                 network->draw_per_iteration ? 0 : draw);
    seconds += share * sg_law_draw(&network->uplink_law, &stream);
  }
  return seconds;
}

double sg_broadcast_seconds(const sg_network *network, double bytes) {
  return network->broadcasts ? network->broadcast.latency + bytes / network->broadcast.bandwidth
                             : 0;
}

double sg_signal_seconds(const sg_network *network) {
  return network->signal_latency;
}

bool sg_network_occupies_link(const sg_network *network) {
  return network->occupies_link;
}

sg_ingress *sg_ingress_new(const sg_network *network) {
  return sg_ingress_make(network->ingress, network->ingress_bandwidth);
}
