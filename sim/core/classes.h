/* SPDX-License-Identifier: MIT */
/* Classes of workers by share: of equal speed, of equal links, … */
#ifndef SG_CORE_CLASSES_H
#define SG_CORE_CLASSES_H

#include "sim/core/param.h"

/* What is divided into classes; part of the random stream's address. */
typedef enum sg_classes_of {
  SG_CLASSES_OF_SPEED,
  SG_CLASSES_OF_LINKS,
  SG_CLASSES_OF_ERASURE
} sg_classes_of;

/* Rows of objects that have classes of workers: the share of a class, and the members `classes` and
 * `assign`, with what they say about whose classes they are. */
#define SG_ROW_SHARE                                                                               \
  SG_ROW_REAL("share", 0, 1,                                                                       \
              "The share of the workers that are in this class; the shares sum to 1.",             \
              .flags = SG_REQUIRED | SG_MIN_OPEN)
#define SG_ROWS_CLASSES(item, of_what, assigned)                                                   \
  SG_ROW_LIST("classes", item, 0, 1000000,                                                         \
              "Classes of workers by " of_what "; without any, all have speed 1. A class gets "    \
              "its share of the workers by largest remainder."),                                   \
      SG_ROW_CHOICE("assign", sg_classes_orders, 0, assigned)
extern const char *const sg_classes_orders[]; /* random, in-order */

/* Which class each worker is in, by the members `classes` and `assign` of `v`. A class gets its
 * share, which must sum to 1, by largest remainder, and workers in the order of the list or by a
 * random permutation that depends on the seed alone. class_of: workers values, out; all 0 if there
 * are no classes. */
sg_status sg_classes_assign(const sg_values *v, int workers, sg_classes_of what, uint64_t seed,
                            int *class_of, sg_error *e);

#endif
