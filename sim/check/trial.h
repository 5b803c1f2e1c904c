/* SPDX-License-Identifier: MIT */
/* One pattern of stragglers put to a code: its messages, weights and arithmetic.
 *
 * Weights are the code's, arithmetic is that of the one kernel, as in a run. The messages are those
 * of rehearsed rounds (rehearsal.h). A static code has the same ones whatever the pattern; the
 * rounds of others are played for each pattern, several in a row and in several orders of what
 * happens, and the pattern decodes if all of them do. */
#ifndef SG_CHECK_TRIAL_H
#define SG_CHECK_TRIAL_H

#include "models/compress/compress.h"
#include "sim/check/load.h"
#include "sim/check/rehearsal.h"

enum { SG_TRIAL_CONDITION = 1, SG_TRIAL_ERRORS = 2, SG_TRIAL_ALL = 3 }; /* what is asked for */

/* Of several decodes, the worst. NAN: not asked for, or not known. */
typedef struct sg_trial_result {
  bool decoded;
  double cond2, amplification, residual, error[SG_PRECISIONS]; /* as check.h says */
  double deviation;   /* Σ (α − 1)² over parts, per part: 0 for an exact decode */
  double share;       /* Σ α over parts, per part: 1 for an exact decode */
  double find_flops;  /* to find weights */
  double apply_flops; /* to apply them, per coordinate */
  double messages;    /* with a weight; of several decodes the least */
  double received;    /* their length, in gradients; the least, too */
} sg_trial_result;

/* What all patterns of a code share; read-only, for any number of threads. Gradients are
 * independent normal vectors; with coded parts those of least squares with a row in each part. At
 * another snapshot than the decode's they are others, so that a mix of snapshots is an error. */
typedef struct sg_trial_subject sg_trial_subject;
sg_status sg_trial_subject_new(const sg_code *code, uint64_t seed, sg_trial_subject **out,
                               sg_error *e);
void sg_trial_subject_free(sg_trial_subject *subject);
/* Σ ‖g‖ / ‖Σ g‖ of the gradients of the parts. */
double sg_trial_subject_norms_ratio(const sg_trial_subject *subject);
/* With everyone there, in several orders of what happens. */
const sg_load *sg_trial_subject_load(const sg_trial_subject *subject);
const sg_traffic_range *sg_trial_subject_traffic(const sg_trial_subject *subject);

/* One per thread. NULL: no memory. */
typedef struct sg_trial sg_trial;
sg_trial *sg_trial_new(const sg_trial_subject *subject);
void sg_trial_free(sg_trial *trial);

/* present: nodes flags. A refused decode is a result, not a fault. */
sg_status sg_trial_run(sg_trial *trial, const bool *present, unsigned want, sg_trial_result *r,
                       sg_error *e);
/* What the patterns so far have shown. */
const sg_load *sg_trial_load(const sg_trial *trial);
const sg_traffic_range *sg_trial_traffic(const sg_trial *trial); /* of patterns that are played */

#endif
