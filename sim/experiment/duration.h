/* SPDX-License-Identifier: MIT */
/* How long the missing runs of a plan will take, from a second of trying some of them. */
#ifndef SG_SIM_DURATION_H
#define SG_SIM_DURATION_H

#include "sim/experiment/plan.h"

typedef struct sg_duration {
  double seconds; /* of the whole command, on this machine as busy as it is now */
  int tried, points;
  bool guessed; /* no point could be tried: a guess from sizes */
  bool at_most; /* runs may reach their target sooner: none that was tried did */
} sg_duration;

/* missing: runs of each point of the plan; threads that compute, of so many processors. */
sg_status sg_duration_estimate(const sg_plan *plan, const int *missing, sg_detail detail,
                               int threads, int processors, sg_duration *out, sg_error *e);

#endif
