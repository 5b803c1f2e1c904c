/* SPDX-License-Identifier: MIT */
/* A learning problem whose partial gradients are given, so that codes are checked with the kernel
 * that runs use, without data and models.
 *
 * Those of the parts are independent normal vectors. With coded parts they are those of least
 * squares with one row u and one target y in each part, u (u · x − y), as coded data want them. */
#ifndef SG_CHECK_GRADIENTS_H
#define SG_CHECK_GRADIENTS_H

#include "codes/frame/code.h"
#include "models/learning/problem.h"

typedef struct sg_gradients {
  sg_problem problem; /* points to this: it stays where it is */
  sg_partition *partition;
  sg_arena *arena;
  int items;        /* parts, coded parts; with `others` as many again, at another snapshot */
  double *gradient; /* items × length */
  double *constant; /* length, with coded parts: what no worker sends; else NULL */
  sg_partial *item; /* items, for the request */
  int *sum_item;    /* the parts */
  double norms;     /* Σ ‖g‖ over the parts */
  double sum_norm;  /* ‖Σ g‖ over them */
} sg_gradients;

/* Draws of code and seed alone. A fault: not enough memory; sg_gradients_free all the same. */
sg_status sg_gradients_make(sg_gradients *gradients, const sg_code *code, uint64_t seed,
                            bool others, sg_error *e);
void sg_gradients_free(sg_gradients *gradients);

#endif
