/* SPDX-License-Identifier: MIT */
/* Counterfactuals of a scenario: causes of lost time taken away, on the same random numbers. */
#ifndef SG_SIM_CAUSES_H
#define SG_SIM_CAUSES_H

#include "models/delay/delay.h"
#include "models/network/network.h"
#include "sim/core/text.h"

/* Without their "=K" or "=F"; ends in NULL. */
extern const char *const sg_cause_names[];

/* What is to be taken away, as a set of the words
 * "stalls", "memory", "common", "crashes", "erasures", "randomness", "speeds", "slowest",
 * "worker=K", "uplink=F", "ingress=F", "links=F" (links F times as fast; 2 when F is left out). */
typedef struct sg_causes {
  sg_delay_causes delay;
  double uplink, ingress; /* factors, 1: as they are */
} sg_causes;

/* Adds one of those words to a set. A fault at `place` names the valid ones. */
sg_status sg_causes_add(sg_causes *r, const char *word, const char *place, sg_error *e);

/* Applies the scenario's list "without" (an SG_LIST of SG_TEXT in `root`). */
sg_status sg_causes_remove(const sg_values *root, sg_delay *delay, sg_network *network,
                           sg_error *e);

/* Appends the words of all causes that the models have, one a line: those of the delay model, then
 * links=2 if messages take time. */
void sg_causes_of(const sg_delay *delay, const sg_network *network, sg_buffer *out);

#endif
