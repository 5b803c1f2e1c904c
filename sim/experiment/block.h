/* SPDX-License-Identifier: MIT */
/* Runs of one point, side by side.
 *
 * A thread advances each run of its block to its next decode, joins the partial gradients that all
 * of them want, computes and decodes once, and goes on. A run's rows do not depend on its
 * neighbours: the width of the block belongs to the point, unused columns are padded. */
#ifndef SG_SIM_BLOCK_H
#define SG_SIM_BLOCK_H

#include "sim/experiment/sink.h"
#include "sim/experiment/world.h"

/* Runs `count` replications, count ≤ world->abreast. Faults of one run end the block. */
sg_status sg_block_run(const sg_world *world, int count, const int *replication,
                       const sg_block_options *options, const sg_sink *sink, sg_error *e);

#endif
