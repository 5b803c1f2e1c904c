/* SPDX-License-Identifier: MIT */
/* How workers take local steps: plain data that a code fills in (sg_code.local) and learning
 * problems carry out (models/learning/local.h). */
#ifndef SG_CORE_LOCAL_OPTIMIZER_H
#define SG_CORE_LOCAL_OPTIMIZER_H

#include <stdbool.h>

typedef enum sg_local_method { SG_INNER_SGD, SG_INNER_MOMENTUM, SG_INNER_ADAMW } sg_local_method;

typedef struct sg_local_optimizer {
  sg_local_method method;
  /* What is sent is the displacement x − x after times the part's share of the data, which an
   * optimiser with step 1 averages; false: that over the rate, in units of a gradient. */
  bool displacement;
  bool kept; /* what the method remembers stays at the worker from one round to the next */
  bool rate_given;
  double momentum;                            /* of SG_INNER_MOMENTUM */
  double beta1, beta2, epsilon, weight_decay; /* of SG_INNER_ADAMW; per step and rate */
} sg_local_optimizer;

#endif
