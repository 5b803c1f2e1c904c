/* SPDX-License-Identifier: MIT */
/* shift + Gamma(shape, mean/shape): the scale is the mean. Drawn by inversion: one uniform a draw,
 * so that draws are comonotone across parameters. */
#include "models/times/laws/laws.h"
#include "sim/core/elementary.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

static const sg_param params[] = {
    LAW_SHIFT,
    LAW_SCALE("mean_s", "The mean time, in seconds (the shift not counted)."),
    SG_ROW_REAL(
        "shape", 0.05, 10000,
        "1/shape is the squared coefficient of variation; 1: exponential; a whole number: Erlang.",
        .flags = SG_REQUIRED),
    {0}};

static double theta_of(const sg_law_state *x) {
  return x->scale / x->shape;
}

static double quantile(const sg_law_state *x, double p) {
  return x->shift + theta_of(x) * sg_gamma_quantile(x->shape, p);
}

static double mean(const sg_law_state *x) {
  return x->shift + x->shape * theta_of(x);
}

static double variance(const sg_law_state *x) {
  return x->shape * theta_of(x) * theta_of(x);
}

static double cdf(const sg_law_state *x, double t) {
  return t <= x->shift ? 0 : gsl_cdf_gamma_P(t - x->shift, x->shape, theta_of(x));
}

static double tail(const sg_law_state *x, double t) {
  return t <= x->shift ? 1 : gsl_cdf_gamma_Q(t - x->shift, x->shape, theta_of(x));
}

static double density(const sg_law_state *x, double t) {
  return t <= x->shift ? 0 : gsl_ran_gamma_pdf(t - x->shift, x->shape, theta_of(x));
}

static bool gamma_form(const sg_law_state *x, double *shift, double *shape, double *theta) {
  *shift = x->shift;
  *shape = x->shape;
  *theta = theta_of(x);
  return true;
}

const sg_law_type sg_law_gamma = {
    .about = {.name = "gamma", .summary = "Gamma time, perhaps shifted.", .params = params},
    .formula = {"Q(shape, shape t/mean)", "mean", "mean²/shape"},
    LAW_FUNCTIONS,
    .gamma = gamma_form};
