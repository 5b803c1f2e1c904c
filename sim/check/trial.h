/* SPDX-License-Identifier: MIT */
/* One pattern of stragglers put to a code: its messages, weights and arithmetic.
 *
 * The messages are those of a rehearsed round (rehearsal.h). Of a static code they are made,
 * written out and rounded once; of others for every pattern anew. */
#ifndef SG_CODES_TRIAL_H
#define SG_CODES_TRIAL_H

#include "sim/check/rehearsal.h"
#include "sim/core/precision.h"

enum { SG_TRIAL_CONDITION = 1, SG_TRIAL_ERRORS = 2, SG_TRIAL_ALL = 3 }; /* what is asked for */

/* NAN: not asked for, or not known. What the numbers are is said in check.h. */
typedef struct sg_trial_result {
  bool decoded;
  double cond2, amplification, residual, error[SG_PRECISIONS];
  double find_flops;  /* to find weights */
  double apply_flops; /* to apply them, per coordinate */
  double messages;    /* with a weight */
  double received;    /* their length, in gradients */
} sg_trial_result;

/* What all patterns of a code share; read-only, for any number of threads. */
typedef struct sg_trial_subject sg_trial_subject;
sg_status sg_trial_subject_new(const sg_code *code, uint64_t seed, sg_trial_subject **out,
                               sg_error *e);
void sg_trial_subject_free(sg_trial_subject *subject);
/* The round in which everyone answers. */
const sg_rehearsal *sg_trial_round(const sg_trial_subject *subject);
/* Whether there are gradients to measure errors with: not with coded data. */
bool sg_trial_has_errors(const sg_trial_subject *subject);

/* One per thread. NULL: no memory. */
typedef struct sg_trial sg_trial;
sg_trial *sg_trial_new(const sg_trial_subject *subject);
void sg_trial_free(sg_trial *trial);

/* present: nodes flags. A refused decode is a result, not a fault. */
sg_status sg_trial_run(sg_trial *trial, const bool *present, unsigned want, sg_trial_result *r,
                       sg_error *e);

#endif
