/* SPDX-License-Identifier: MIT */
/* Classes of workers by share: of equal speed, of equal links, … */
#ifndef SG_CORE_CLASSES_H
#define SG_CORE_CLASSES_H

#include "sim/core/param.h"

/* What is divided into classes; part of the random stream's address. */
typedef enum sg_classes_of { SG_CLASSES_OF_SPEED, SG_CLASSES_OF_LINKS } sg_classes_of;

/* Which class each worker is in. Member `list` of `v` has objects with a "share", which must sum to
 * 1. A class gets its share by largest remainder, and workers in the order of the list or,
 * shuffled, by a random permutation that depends on the seed alone. class_of: workers values, out;
 * all 0 if the list is empty. */
sg_status sg_classes_assign(const sg_values *v, const char *list, int workers, bool shuffled,
                            sg_classes_of what, uint64_t seed, int *class_of, sg_error *e);

#endif
