/* SPDX-License-Identifier: MIT */
/* Laws fitted to a sample of times: maximum likelihood with bias correction, parameter intervals,
 * goodness of fit.
 *
 * What is published about each estimator is named at its function in laws.c. Times are taken to be
 * independent and of one law: whether they are is what structure.h asks. */
#ifndef SG_SIM_FIT_LAWS_H
#define SG_SIM_FIT_LAWS_H

#include "models/times/law.h"

enum { SG_FIT_PARAMS = 3 };

typedef struct sg_fit_type {
  const char *name;  /* for people: "shifted weibull" */
  const char *model; /* the delay law of the scenario format */
  int parameters;
  const char *parameter[SG_FIT_PARAMS]; /* members of that law */
  bool location[SG_FIT_PARAMS];         /* a time from which others are counted; else > 0 */
  /* n ascending times > 0 that are not all equal. value: bias-corrected; *loglik at the maximum of
   * the likelihood. false: there is no estimate. NULL: the next two do it. */
  bool (*fit)(long n, const double *x, double *value, double *loglik, double *workspace);
  /* The two parameters beside a shift, from the logarithms y of n times over it, whose mean is
   * `mean`; at the maximum of the likelihood, and what takes the bias out (NULL: nothing). */
  bool (*above)(long n, const double *y, double mean, double *value, double *loglik);
  void (*correct)(long n, const double *y, double *value);
  /* 95 % intervals by closed form; NULL: by the parametric bootstrap. */
  void (*interval)(long n, const double *x, const double *value, double *low, double *high);
  const sg_law_type *law; /* with that distribution function of the last parameters */
  double (*draw)(const double *value, sg_stream *stream); /* over the shift */
} sg_fit_type;

const sg_fit_type *sg_fit_type_at(int i); /* NULL past the last */
double sg_fit_draw(const sg_fit_type *type, const double *value, sg_stream *stream);

typedef struct sg_fitted {
  const sg_fit_type *type;
  bool ok; /* false: no estimate, nothing below counts */
  double value[SG_FIT_PARAMS], low[SG_FIT_PARAMS], high[SG_FIT_PARAMS];
  double loglik, aic;
  double ks, ks_p; /* Kolmogorov–Smirnov distance, p-value */
  double ad, ad_p; /* Anderson–Darling A² */
} sg_fitted;

/* Fits one law to n ascending times. replicates: of the parametric bootstrap (p-values, intervals
 * of types that are not exact); 0: none, those are NAN. Deterministic in seed. Time grows as
 * replicates · n log n. */
sg_status sg_fit_law(const sg_fit_type *type, long n, const double *x, int replicates,
                     uint64_t seed, sg_fitted *out, sg_error *e);

#endif
