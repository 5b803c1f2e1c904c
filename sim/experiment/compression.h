/* SPDX-License-Identifier: MIT */
/* What messages become, by the scheme or else by the network, and which combinations with codes are
 * wrong. */
#ifndef SG_SIM_COMPRESSION_H
#define SG_SIM_COMPRESSION_H

#include "sim/experiment/world.h"

/* The values of the scheme's `compression`, or of the network's. */
const sg_values *sg_compression_of(const sg_point *point);

/* Whether messages lose more than a number format of at least 32 bits that all schemes of the
 * environment have: then an iteration does something else than one of the others. */
bool sg_compression_loses(const sg_point *point, const sg_world *w);

/* Reads w->compressor and w->broadcast. Faults: bits that depend on gradients or models that the
 * problem does not have. */
sg_status sg_compression_read(const sg_point *point, sg_world *w, sg_error *e);

/* Refuses what theory says is wrong with w->code, unless the scenario insists: error feedback where
 * weights change or there is no barrier, and what has a bias where weights are chosen by who
 * answers. */
sg_status sg_compression_check(const sg_point *point, const sg_world *w, sg_error *e);

/* The optimiser dgd-def: one worker on a link of its own, with what it remembers. */
sg_status sg_compression_check_beside(const sg_values *scheme, const sg_values *optimizer,
                                      const sg_world *w, sg_error *e);

#endif
