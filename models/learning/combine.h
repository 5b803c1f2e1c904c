/* SPDX-License-Identifier: MIT */
/* Linear combinations of vectors: the one inner loop of gradients, encoding and decoding. */
#ifndef SG_MODELS_COMBINE_H
#define SG_MODELS_COMBINE_H

/* y = Σ_t coef[t] · x[t], or y += … if `add`, over n coordinates. Terms are added in their order,
 * each coordinate by itself, so that the bits do not depend on how a vector is cut. y must not
 * overlap an x. */
void sg_combine(int terms, const double *const *x, const double *coef, double *y, long n, int add);

/* Four combinations of the same vectors in one pass: y[j] = Σ_t coef[4 t + j] · x[t]. The same bits
 * as four calls of sg_combine. */
void sg_combine4(int terms, const double *const *x, const double *coef, double *const y[4], long n);

#endif
