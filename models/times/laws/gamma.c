/* SPDX-License-Identifier: MIT */
/* shift + Gamma(shape, mean/shape): the scale is the mean. Drawn by inversion: one uniform a draw,
 * so that draws are comonotone across parameters. */
#include "models/times/laws/laws.h"

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

/* Where Γ(shape, 1) has probability p below it. In x = ln t, ln P is concave and ln Q is too, so
 * that Newton's method converges from any place; GSL's own inverse fails for some shapes. The start
 * is the series of P at 0, or Wilson and Hilferty's (1931) cube of a normal time. */
static double inverse(double shape, double p) {
  if (p <= 0) return 0;
  double z = gsl_cdf_ugaussian_Pinv(p), c = 1 / (9 * shape), cube = 1 - c + z * sqrt(c);
  int sign; /* lgamma would write it to a variable that threads share */
  double x =
      cube > 0.3 ? log(shape) + 3 * log(cube) : (log(p) + lgamma_r(shape + 1, &sign)) / shape;
  for (int i = 0; i < 100; i++) {
    double t = exp(x), step;
    if (t <= DBL_MIN) break; /* P = t^shape/Γ(shape + 1) to the last bit */
    double density = t * gsl_ran_gamma_pdf(t, shape, 1);
    if (p < 0.5) {
      double below = gsl_cdf_gamma_P(t, shape, 1);
      step = below > 0 && density > 0 ? log(p / below) * below / density : 1;
    } else {
      double above = gsl_cdf_gamma_Q(t, shape, 1);
      step = above > 0 && density > 0 ? log(above / (1 - p)) * above / density : -1;
    }
    x += fmax(-30, fmin(step, 1));
    if (fabs(step) < 1e-14 * (1 + fabs(x))) break;
  }
  return exp(x);
}

static double quantile(const sg_law_state *x, double p) {
  return x->shift + theta_of(x) * inverse(x->shape, p);
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
