/* SPDX-License-Identifier: MIT */
/* Counterfactuals of a scenario: causes of lost time taken away, on the same random numbers. */
#ifndef SG_SIM_WHATIF_H
#define SG_SIM_WHATIF_H

#include "models/delay/without.h"
#include "models/network/network.h"
#include "sim/core/text.h"

/* "stalls", "memory", "common", "crashes", "erasures", "randomness", "speeds", "slowest",
 * "worker=K", "uplink=F", "ingress=F", "links=F" (links F times as fast; 2 when F is left out). */
typedef struct sg_removal {
  sg_without without;
  double uplink, ingress; /* factors, 1: as they are */
} sg_removal;

/* Adds one of those words to a removal. A fault at `place` names the valid ones. */
sg_status sg_removal_add(sg_removal *r, const char *word, const char *place, sg_error *e);

/* Applies the scenario's list "without" (an SG_LIST of SG_TEXT in `root`). */
sg_status sg_apply_without(const sg_values *root, sg_delay *delay, sg_network *network,
                           sg_error *e);

/* Appends the words of all causes that the models have, one a line: those of the delay model, then
 * links=2 if messages take time. */
void sg_causes_of(const sg_delay *delay, const sg_network *network, sg_buffer *out);

#endif
