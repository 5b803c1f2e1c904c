/* SPDX-License-Identifier: MIT */
/* shift + median · exp(σ Z). */
#include "models/times/laws/laws.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

typedef struct lognormal {
  double shift, median, sigma;
} lognormal;
FITS(lognormal);

static const sg_param params[] = {
    LAW_SHIFT,
    LAW_SCALE("median_s", "The median time, in seconds (the shift not counted)."),
    SG_ROW_REAL("sigma", 0, 10,
                "Standard deviation of the natural logarithm; the mean is median · exp(σ²/2).",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    {0}};

static double quantile(const void *state, double p) {
  const lognormal *x = state;
  return x->shift + x->median * exp(x->sigma * gsl_cdf_ugaussian_Pinv(p));
}

static double draw(const void *state, sg_stream *stream) {
  return quantile(state, sg_uniform(stream));
}

static double mean(const void *state) {
  const lognormal *x = state;
  return x->shift + x->median * exp(x->sigma * x->sigma / 2);
}

static double variance(const void *state) {
  const lognormal *x = state;
  double s2 = x->sigma * x->sigma;
  return x->median * x->median * expm1(s2) * exp(s2);
}

static double z_of(const lognormal *x, double t) {
  return log((t - x->shift) / x->median) / x->sigma;
}

static double cdf(const void *state, double t) {
  const lognormal *x = state;
  return t <= x->shift ? 0 : gsl_cdf_ugaussian_P(z_of(x, t));
}

static double tail(const void *state, double t) {
  const lognormal *x = state;
  return t <= x->shift ? 1 : gsl_cdf_ugaussian_Q(z_of(x, t));
}

static double density(const void *state, double t) {
  const lognormal *x = state;
  return t <= x->shift ? 0 : gsl_ran_ugaussian_pdf(z_of(x, t)) / (x->sigma * (t - x->shift));
}

const sg_law_type sg_law_lognormal = {
    .about = {.name = "lognormal", .summary = "Lognormal time, perhaps shifted.", .params = params},
    .formula = {"Φ(−ln(t/median)/sigma)", "median exp(sigma²/2)",
                "median² (exp(sigma²) − 1) exp(sigma²)"},
    LAW_FUNCTIONS(draw)};
