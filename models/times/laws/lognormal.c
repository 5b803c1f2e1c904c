/* SPDX-License-Identifier: MIT */
/* shift + median · exp(σ Z): the scale is the median, the shape σ. */
#include "models/times/laws/laws.h"
#include "sim/core/elementary.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

static const sg_param params[] = {
    LAW_SHIFT,
    LAW_SCALE("median_s", "The median time, in seconds (the shift not counted)."),
    SG_ROW_REAL("sigma", 0, 10,
                "Standard deviation of the natural logarithm; the mean is median · exp(σ²/2).",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    {0}};

static double quantile(const sg_law_state *x, double p) {
  return x->shift + x->scale * sg_exp(x->shape * sg_normal_quantile(p));
}

/* The operations of `quantile`. */
static void fill(const sg_law_state *x, sg_lanes lanes, double *u, long n) {
  sg_normal_quantiles_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = x->shape * u[i];
  sg_exps_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = x->shift + x->scale * u[i];
}

static double mean(const sg_law_state *x) {
  return x->shift + x->scale * sg_exp(x->shape * x->shape / 2);
}

static double variance(const sg_law_state *x) {
  double s2 = x->shape * x->shape;
  return x->scale * x->scale * expm1(s2) * exp(s2);
}

static double z_of(const sg_law_state *x, double t) {
  return log((t - x->shift) / x->scale) / x->shape;
}

static double cdf(const sg_law_state *x, double t) {
  return t <= x->shift ? 0 : gsl_cdf_ugaussian_P(z_of(x, t));
}

static double tail(const sg_law_state *x, double t) {
  return t <= x->shift ? 1 : gsl_cdf_ugaussian_Q(z_of(x, t));
}

static double density(const sg_law_state *x, double t) {
  return t <= x->shift ? 0 : gsl_ran_ugaussian_pdf(z_of(x, t)) / (x->shape * (t - x->shift));
}

const sg_law_type sg_law_lognormal = {
    .about = {.name = "lognormal", .summary = "Lognormal time, perhaps shifted.", .params = params},
    .formula = {"Φ(−ln(t/median)/sigma)", "median exp(sigma²/2)",
                "median² (exp(sigma²) − 1) exp(sigma²)"},
    .fill = fill,
    LAW_FUNCTIONS};
