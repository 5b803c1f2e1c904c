/* SPDX-License-Identifier: MIT */
/* Taking causes of lost time away from a delay model, on the same random numbers: what-if. */
#ifndef SG_MODELS_WITHOUT_H
#define SG_MODELS_WITHOUT_H

#include "models/delay/delay.h"

enum { SG_MOST_WITHOUT = 20 };

typedef struct sg_without {
  bool stalls, memory, common, crashes, erasures;
  bool randomness; /* base times are their means */
  bool speeds;     /* every worker lasts as long as the median worker of the run */
  bool slowest;    /* the slowest worker of the run does */
  int n_workers;   /* these do */
  int worker[SG_MOST_WITHOUT];
} sg_without;

/* Which of them the model has at all. slowest: as speeds; no single workers. */
sg_without sg_delay_causes(const sg_delay *delay);
/* Before any run. What the model does not have is taken away for nothing. Fault (at `place`) if
 * base times without a mean are to be replaced by it, or there is no such worker. */
sg_status sg_delay_take_away(sg_delay *delay, const sg_without *what, const char *place,
                             sg_error *e);

#endif
