/* SPDX-License-Identifier: MIT */
/* Every registered code with sensible combinations of its parameters, from the parameter tables.
 *
 *   words           run through their choices if they have no default; of those that have one,
 *                   one at a time departs from it. Of a member named "stop" only the last choice
 *                   is taken: the rule does not change a code's arithmetic
 *   whole numbers   1, 2, 3 and 4 if required; optional ones are left out if the code can do
 *                   without, otherwise they run, too; with a default they keep it
 *   real numbers    if required, three values between their bounds
 *   others          are left out: a code that must be given a text or a file is not in the grid
 *
 * Combinations that the code refuses are passed over. So are those that promise nothing without
 * stragglers, if others of the code do promise something. */
#ifndef SG_CHECK_GRID_H
#define SG_CHECK_GRID_H

#include "codes/frame/code.h"

/* Called with values and the code made of them; both are the grid's. */
typedef sg_status (*sg_grid_visit)(void *user, const sg_values *values, const sg_code *code,
                                   sg_error *e);

/* The members of one type. Stops at the first fault of `visit`. */
sg_status sg_grid_walk(const sg_code_type *type, const sg_shape *shape, sg_grid_visit visit,
                       void *user, sg_error *e);

#endif
