/* SPDX-License-Identifier: MIT */
/* The time that a collective takes, hop by hop, where links have certain times. */
#ifndef SG_SIM_EXPECT_HOPS_H
#define SG_SIM_EXPECT_HOPS_H

#include "sim/experiment/world.h"

/* When the last hop of the collective of world->code arrives, workers being ready at ready[i]
 * (NULL: all at 0): each hop leaves when its sender has what its round is made of and its link is
 * free. O(hops). Returns why there is no such time, or NULL. *memory false: none left. */
const char *sg_hops_seconds(const sg_world *world, const double *ready, double *seconds,
                            bool *memory);
/* Whether it takes that long after the last worker, whoever that is and whenever others are ready.
 */
bool sg_hops_any_order(const sg_world *world);

#endif
