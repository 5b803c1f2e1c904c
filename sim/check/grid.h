/* SPDX-License-Identifier: MIT */
/* Every registered code with sensible combinations of its parameters, from the parameter tables.
 *
 * Words keep their defaults but for one at a time, which runs through its choices (of a member
 * named "stop" only the last: the rule does not change a code's arithmetic); those without a
 * default run as well. Required whole numbers run through 1, 2, 3 and 4; optional ones are left out
 * where the code can do without, otherwise they run, too; what has a default keeps it. Combinations
 * that the code refuses are passed over, and so are those without tolerance for stragglers where
 * others of the code have some. Codes that must be given a real number, a text or a file are not in
 * the grid.
 */
#ifndef SG_CODES_GRID_H
#define SG_CODES_GRID_H

#include "codes/frame/code.h"

/* Called with values and the code made of them; both are the grid's. */
typedef sg_status (*sg_grid_visit)(void *user, const sg_values *values, const sg_code *code,
                                   sg_error *e);

/* The members of one type. Stops at the first fault of `visit`. */
sg_status sg_grid_walk(const sg_code_type *type, const sg_shape *shape, sg_grid_visit visit,
                       void *user, sg_error *e);

#endif
