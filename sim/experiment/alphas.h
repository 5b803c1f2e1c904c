/* SPDX-License-Identifier: MIT */
/* Moments of α, the coefficients of what a run decodes, one for each part of the data: how far
 * their means are from 1, and how large their covariance is (theory: decoding-error). */
#ifndef SG_SIM_ALPHAS_H
#define SG_SIM_ALPHAS_H

#include <stdbool.h>

typedef struct sg_alphas {
  int parts;
  long count;
  double *alpha;   /* of the decode at hand; parts numbers, zero before it */
  double *sum;     /* Σ (α − 1) */
  double *squares; /* Σ (α − 1)(α − 1)ᵀ, lower triangle, parts × parts; NULL: too many */
} sg_alphas;

enum { SG_MOST_COVARIANCES = 256 }; /* parts up to which a covariance is taken */

/* false: no memory; sg_alphas_free all the same. */
bool sg_alphas_init(sg_alphas *m, int parts);
void sg_alphas_free(sg_alphas *m);
/* Takes in m->alpha, and clears it. O(parts²), O(parts) where there are too many. */
void sg_alphas_add(sg_alphas *m);
/* ‖mean of α − 1‖ / √parts; NAN: there was no decode. */
double sg_alphas_bias(const sg_alphas *m);
/* The spectral norm of the sample covariance, O(parts³); *norm NAN with less than two decodes or
 * where there are too many parts. false: no memory. */
bool sg_alphas_covariance_norm(const sg_alphas *m, double *norm);

#endif
