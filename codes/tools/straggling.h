/* SPDX-License-Identifier: MIT */
/* How likely workers are to straggle, as far as a code can know when it is made: from its parameter
 * `p`, from the scenario's erasures and crashes, from what its stop policy counts. */
#ifndef SG_CODES_STRAGGLING_H
#define SG_CODES_STRAGGLING_H

#include "codes/frame/code.h"

/* p_j of the workers, in the code's arena: the parameter `p`, or what the scenario says (1
 * included; 0 where that is not known before the code is there). *known: whether either said
 * anything. NULL: no memory. */
double *sg_straggling_of(sg_code *code, const sg_values *values, bool *known);

/* What the scheme's member `stop` says: */
typedef enum sg_stop_kind {
  SG_STOP_BY_CODE,  /* it is not given: the code's own */
  SG_STOP_BY_COUNT, /* "count" */
  SG_STOP_OPEN      /* another policy: how many answer is not said */
} sg_stop_kind;
/* *messages: how many "count" waits for, at most n; 0: the code's own number. */
sg_stop_kind sg_stop_given(const sg_values *values, int n, int *messages);

#endif
