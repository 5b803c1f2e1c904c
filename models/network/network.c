/* SPDX-License-Identifier: MIT */
/* The scenario's "network": tables and reading. Durations and links are in links.c, what receivers
 * do with several messages at once in ingress.c. */
#include "models/network/model.h"
#include "sim/core/classes.h"

#include <stdlib.h>

enum { DRAW_MESSAGE, DRAW_ITERATION };
enum { LATE_CANCEL, LATE_OCCUPY_LINK };
enum { FULL_DUPLEX, HALF_DUPLEX };
enum { CANCEL_BY_SIGNAL, CANCEL_AT_ONCE };
enum { LINK_FREE, LINK_BUSY };

static const char *const draws[] = {"message", "iteration", NULL};
static const char *const late_choices[] = {"cancel", "occupy-link", NULL};
static const char *const duplexes[] = {"full", "half", NULL};
static const char *const cancels[] = {"signal", "instant", NULL};
static const char *const latencies[] = {"link-free", "link-busy", NULL};

#define LATENCY                                                                                    \
  SG_ROW_REAL("latency_s", 0, SG_UNBOUNDED, "Seconds before the first byte, whatever the length.")
#define BANDWIDTH                                                                                  \
  SG_ROW_REAL("bandwidth_Bps", 0, SG_UNBOUNDED, "Bytes per second.",                               \
              .flags = SG_REQUIRED | SG_MIN_OPEN)

static const sg_param linear_params[] = {LATENCY, BANDWIDTH, {0}};
static const sg_param queue_params[] = {BANDWIDTH, {0}};
static const sg_param tree_params[] = {
    LATENCY,
    BANDWIDTH,
    SG_ROW_INT("fan_out", 1, 1000000,
               "To how many workers the master, and each worker that has the model, sends it on.",
               .fallback = 2),
    {0}};

/* --- Uplink ----------------------------------------------------------------------------------- */

static const sg_variant uplink_none = {.name = "none",
                                       .summary = "Messages leave their sender in no time."};
static const sg_variant uplink_linear = {
    .name = "linear", .summary = "Latency plus bytes over bandwidth.", .params = linear_params};

static const sg_variant *uplink_at(int i) {
  return i == 0 ? &uplink_none : i == 1 ? &uplink_linear : sg_law_or_replay_at(i - 2);
}

static const sg_family uplink_family = {
    .selector = "model", .what = "uplink model", .at = uplink_at, .fallback = "none"};

static const sg_variant jitter_none = {.name = "none", .summary = "No jitter."};

static const sg_variant *jitter_at(int i) {
  return i == 0 ? &jitter_none : sg_law_variant_at(i - 1);
}

static const sg_family jitter_family = {
    .selector = "model", .what = "jitter law", .at = jitter_at, .fallback = "none"};

static const sg_param uplink_params[] = {
    SG_ROW_CHOICE("during_latency", latencies, LINK_FREE,
                  "Where the model has a latency: whether the worker's next message may follow at "
                  "once, so that several are on their way, or must wait until this one has come."),
    SG_ROW_REAL("per_message_s", 0, SG_UNBOUNDED,
                "Seconds that every transmission takes besides, whatever its length."),
    SG_ROW_CHOICE("draw", draws, DRAW_MESSAGE,
                  "For random laws: a draw for each message, or one per worker and iteration that "
                  "its messages share in proportion to their lengths."),
    SG_ROW_FAMILY("jitter", &jitter_family,
                  "A random time that every transmission is on the link besides, whatever its "
                  "length and the speed of the link; a draw for each."),
    {0}};

/* --- Ingress and broadcast -------------------------------------------------------------------- */

static const sg_variant ingresses[] = {
    [SG_INGRESS_UNLIMITED] = {.name = "unlimited",
                              .summary =
                                  "A receiver takes any number of messages at once, in no time."},
    [SG_INGRESS_FIFO] =
        {.name = "fifo",
         .summary = "One message after another, in the order in which they come from the uplinks.",
         .params = queue_params},
    [SG_INGRESS_FAIR_SHARE] = {
        .name = "fair-share",
        .summary = "All messages at hand share the bandwidth equally (processor sharing).",
        .params = queue_params}};

SG_VARIANTS(ingress_at, ingresses)

static const sg_family ingress_family = {
    .selector = "model", .what = "ingress model", .at = ingress_at, .fallback = "unlimited"};

static const sg_variant broadcasts[] = {
    [BROADCAST_NONE] = {.name = "none", .summary = "The model reaches all workers in no time."},
    [BROADCAST_LINEAR] = {.name = "linear",
                          .summary =
                              "Latency plus bytes over bandwidth, to all workers in parallel.",
                          .params = linear_params},
    [BROADCAST_SEQUENTIAL] =
        {.name = "sequential",
         .summary = "The master sends to one worker after another, in the order in which they are "
                    "given work (0, 1, … in a round): its link is busy for bytes over bandwidth "
                    "with each, which has the model a latency later.",
         .params = linear_params},
    [BROADCAST_TREE] = {
        .name = "tree",
        .summary = "Workers send the model on, whole, to fan_out others each, in parallel. "
                   "Numbered breadth first: the master's children are the workers 0 to fan_out − "
                   "1. Worker i has the model after as many hops of latency plus bytes over "
                   "bandwidth as it is deep in the tree. Sending on does not occupy uplinks.",
        .params = tree_params}};

SG_VARIANTS(broadcast_at, broadcasts)

static const sg_family broadcast_family = {
    .selector = "model", .what = "broadcast model", .at = broadcast_at, .fallback = "none"};

/* --- Classes of links ------------------------------------------------------------------------- */

static const sg_param class_params[] = {
    SG_ROW_SHARE,
    SG_ROW_REAL("uplink_speed", 0, SG_UNBOUNDED,
                "Multiplies the bandwidth of the uplink, or divides the times of its law; 1 is "
                "nominal. Latency, per_message_s and jitter stay.",
                .fallback = 1, .flags = SG_MIN_OPEN),
    SG_ROW_REAL("downlink_speed", 0, SG_UNBOUNDED,
                "Multiplies the bandwidth with which a model comes to the worker.", .fallback = 1,
                .flags = SG_MIN_OPEN),
    {0}};

static const sg_param class_item[] = {
    SG_ROW_OBJECT("class", class_params, "A class of workers with equal links."), {0}};

const sg_param sg_network_params[] = {
    SG_ROW_FAMILY(
        "uplink", &uplink_family,
        "The link from a worker, which takes one message at a time. A law is for one full gradient "
        "vector in float64; a message takes the share of it that its bytes have.",
        .fields = uplink_params),
    SG_ROW_FAMILY("ingress", &ingress_family,
                  "The link into a receiver, the master's above all, behind the uplinks."),
    SG_ROW_FAMILY("broadcast", &broadcast_family, "How a model reaches the workers."),
    SG_ROWS_CLASSES(
        class_item, "the speed of their links",
        "Which workers are in which class of links: by a random permutation that depends on the "
        "seed alone (another than that of the cluster's classes), or in the order of the list."),
    SG_ROW_CHOICE("duplex", duplexes, FULL_DUPLEX,
                  "Full: a worker sends and receives at the same time. Half: its link carries one "
                  "thing at a time, a message or a model, for the whole time of its transfer, in "
                  "the order in which they ask for it: models when they are sent to it, messages "
                  "when they are first in its queue."),
    SG_ROW_FAMILY("compression", &sg_compressor_family,
                  "What becomes of a message between sender and receiver, and how many bits it "
                  "has.",
                  .fields = sg_compression_params, .formerly = "precision"),
    SG_ROW_FAMILY("broadcast_compression", &sg_compressor_family,
                  "What becomes of the models on their way to the workers: the difference between "
                  "the model and what workers have of it is compressed, and added to that at both "
                  "ends. Workers compute at what they have. A worker that has missed some is sent "
                  "those, too. Left out: models travel as float64.",
                  .flags = SG_OPTIONAL),
    SG_ROW_INT("header_bytes", 0, 1000000000,
               "Bytes of a transmission besides its numbers, on the links and in all counts."),
    SG_ROW_REAL("signal_latency_s", 0, SG_UNBOUNDED,
                "Seconds that a signal to the master takes, or a command to a worker; also the "
                "word that it may stop: see cancel."),
    SG_ROW_CHOICE("cancel", cancels, CANCEL_BY_SIGNAL,
                  "How workers hear that the master needs no more. By a signal: until it has come, "
                  "a worker goes on with the task and the message that it is at, for nothing. Or "
                  "at the instant of the master's decision, and for free."),
    SG_ROW_CHOICE("late_messages", late_choices, LATE_CANCEL,
                  "What becomes of messages under way when an iteration ends without them: they "
                  "vanish, or they occupy the links until they are delivered and then dropped. "
                  "Where models occupy links (sequential, half duplex), the same holds for them."),
    {0}};

/* --- Reading ---------------------------------------------------------------------------------- */

static linear_link read_linear(const sg_values *values) {
  return (linear_link){.latency = sg_real(values, "latency_s"),
                       .bandwidth = sg_real(values, "bandwidth_Bps")};
}

static sg_status read_uplink(sg_network *n, const sg_values *uplink, sg_error *e) {
  const sg_values *jitter = sg_object(uplink, "jitter");
  sg_status times = SG_OK, jitters = SG_OK;
  n->per_message = sg_real(uplink, "per_message_s");
  n->latency_occupies = sg_choice(uplink, "during_latency") == LINK_BUSY;
  n->draw_per_iteration = sg_choice(uplink, "draw") == DRAW_ITERATION;
  if (uplink->variant == &uplink_linear) {
    n->uplink = UPLINK_LINEAR;
    n->uplink_linear = read_linear(uplink);
  } else if (uplink->variant != &uplink_none) {
    n->uplink = UPLINK_TIMES;
    times = sg_times_init(&n->uplink_times, uplink, SG_FOR_UPLINK, n->workers, n->seed,
                          SG_REPLAY_SEND, 0, e);
  }
  n->jitters = jitter->variant != &jitter_none;
  if (n->jitters)
    jitters =
        sg_times_init(&n->jitter, jitter, SG_FOR_JITTER, n->workers, n->seed, SG_REPLAY_SEND, 0, e);
  return times ? times : jitters;
}

static void read_broadcast(sg_network *n, const sg_values *broadcast) {
  n->broadcast = (int)(broadcast->variant - broadcasts);
  if (n->broadcast == BROADCAST_NONE) return;
  n->broadcast_linear = read_linear(broadcast);
  if (n->broadcast == BROADCAST_TREE) n->fan_out = (int)sg_int(broadcast, "fan_out");
}

static void read_ingress(sg_network *n, const sg_values *ingress) {
  n->ingress = (sg_ingress_kind)(ingress->variant - ingresses);
  if (n->ingress != SG_INGRESS_UNLIMITED) n->ingress_bandwidth = sg_real(ingress, "bandwidth_Bps");
}

static sg_status read_classes(sg_network *n, const sg_values *network, sg_error *e) {
  if (sg_count(network, "classes") == 0) return SG_OK;
  size_t workers = (size_t)n->workers;
  int *class_of = calloc(workers, sizeof *class_of);
  n->uplink_speed = calloc(workers, sizeof *n->uplink_speed);
  n->downlink_speed = calloc(workers, sizeof *n->downlink_speed);
  sg_status status = class_of && n->uplink_speed && n->downlink_speed ? SG_OK : sg_fail_memory(e);
  if (!status)
    status = sg_classes_assign(network, n->workers, SG_CLASSES_OF_LINKS, n->seed, class_of, e);
  for (int w = 0; w < n->workers && !status; w++) {
    const sg_values *item = sg_item(network, "classes", class_of[w])->object;
    n->uplink_speed[w] = sg_real(item, "uplink_speed");
    n->downlink_speed[w] = sg_real(item, "downlink_speed");
  }
  free(class_of);
  return status;
}

sg_status sg_network_new(const sg_values *network, int workers, uint64_t seed, sg_network **out,
                         sg_error *e) {
  *out = NULL;
  sg_network *n = calloc(1, sizeof *n);
  if (!n) return sg_fail_memory(e);
  n->workers = workers;
  n->seed = seed;
  n->signal_latency = sg_real(network, "signal_latency_s");
  n->cancels_at_once = sg_choice(network, "cancel") == CANCEL_AT_ONCE;
  n->occupies_link = sg_choice(network, "late_messages") == LATE_OCCUPY_LINK;
  n->half_duplex = sg_choice(network, "duplex") == HALF_DUPLEX;
  read_ingress(n, sg_object(network, "ingress"));
  read_broadcast(n, sg_object(network, "broadcast"));
  /* Both are checked, so that all faults are listed at once. */
  sg_status uplink = read_uplink(n, sg_object(network, "uplink"), e);
  sg_status classes = read_classes(n, network, e);
  if (uplink || classes) {
    sg_network_free(n);
    return uplink ? uplink : classes;
  }
  *out = n;
  return SG_OK;
}

void sg_network_free(sg_network *network) {
  if (!network) return;
  sg_times_clear(&network->uplink_times);
  sg_times_clear(&network->jitter);
  free(network->uplink_speed);
  free(network->downlink_speed);
  free(network);
}

void sg_network_note(const sg_network *network, sg_buffer *out) {
  if (network->uplink_times.law.type) sg_law_note(&network->uplink_times.law, "uplink", out);
  if (network->jitters) sg_law_note(&network->jitter.law, "uplink jitter", out);
}

sg_status sg_network_speed_up(sg_network *n, double uplink, double ingress, sg_error *e) {
  n->ingress_bandwidth *= ingress;
  if (uplink == 1) return SG_OK;
  if (!n->uplink_speed) {
    n->uplink_speed = malloc((size_t)n->workers * sizeof *n->uplink_speed);
    if (!n->uplink_speed) return sg_fail_memory(e);
    for (int w = 0; w < n->workers; w++) n->uplink_speed[w] = 1;
  }
  for (int w = 0; w < n->workers; w++) n->uplink_speed[w] *= uplink;
  return SG_OK;
}

bool sg_network_takes_time(const sg_network *n) {
  return n->uplink != UPLINK_NONE || n->ingress != SG_INGRESS_UNLIMITED;
}
