/* SPDX-License-Identifier: MIT */
/* Taking causes of lost time away from a delay model, on the same random numbers: what-if. */
#ifndef SG_MODELS_DELAY_CAUSES_H
#define SG_MODELS_DELAY_CAUSES_H

#include "models/delay/delay.h"

enum { SG_MOST_CAUSE_WORKERS = 20 };

typedef struct sg_delay_causes {
  bool stalls, memory, common, crashes, erasures;
  bool randomness; /* base times are their means */
  bool speeds;     /* every worker lasts as long as the median worker of the run */
  bool slowest;    /* the slowest worker of the run does */
  int n_workers;   /* these do */
  int worker[SG_MOST_CAUSE_WORKERS];
} sg_delay_causes;

/* Which of them the model has at all. slowest: as speeds; no single workers. */
sg_delay_causes sg_delay_causes_of(const sg_delay *delay);
/* Before any run. What the model does not have is taken away for nothing. Fault (at `place`) if
 * base times without a mean are to be replaced by it, or there is no such worker. */
sg_status sg_delay_remove_causes(sg_delay *delay, const sg_delay_causes *what, const char *place,
                                 sg_error *e);

#endif
