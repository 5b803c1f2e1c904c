/* SPDX-License-Identifier: MIT */
/* How well a model classifies. */
#ifndef SG_MODELS_METRICS_H
#define SG_MODELS_METRICS_H

/* Share of n rows whose score's sign says the label (positive: class 1; zero: class 0). NAN if
 * there are no rows. */
double sg_binary_accuracy(long n, const double *score, const double *label);

/* Area under the ROC curve by the Mann–Whitney rank sum, ties counted half. NAN if a class is
 * missing, a score is not a number, or memory is short. */
double sg_auc(long n, const double *score, const double *label);

#endif
