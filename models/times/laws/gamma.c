/* SPDX-License-Identifier: MIT */
/* shift + Gamma(shape, mean/shape). */
#include "models/times/laws/laws.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

typedef struct gamma_law {
  double shift, mean, shape; /* the mean without the shift */
} gamma_law;
FITS(gamma_law);

static const sg_param params[] = {
    LAW_SHIFT,
    LAW_SCALE("mean_s", "The mean time, in seconds (the shift not counted)."),
    SG_ROW_REAL(
        "shape", 0.05, 10000,
        "1/shape is the squared coefficient of variation; 1: exponential; a whole number: Erlang.",
        .flags = SG_REQUIRED),
    {0}};

static double scale(const gamma_law *x) {
  return x->mean / x->shape;
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

static double quantile(const void *state, double p) {
  const gamma_law *x = state;
  return x->shift + scale(x) * inverse(x->shape, p);
}

/* By inversion: one uniform a draw, so that draws are comonotone across parameters. */
static double draw(const void *state, sg_stream *stream) {
  return quantile(state, sg_uniform(stream));
}

static double mean(const void *state) {
  const gamma_law *x = state;
  return x->shift + x->shape * scale(x);
}

static double variance(const void *state) {
  const gamma_law *x = state;
  return x->shape * scale(x) * scale(x);
}

static double cdf(const void *state, double t) {
  const gamma_law *x = state;
  return t <= x->shift ? 0 : gsl_cdf_gamma_P(t - x->shift, x->shape, scale(x));
}

static double tail(const void *state, double t) {
  const gamma_law *x = state;
  return t <= x->shift ? 1 : gsl_cdf_gamma_Q(t - x->shift, x->shape, scale(x));
}

static double density(const void *state, double t) {
  const gamma_law *x = state;
  return t <= x->shift ? 0 : gsl_ran_gamma_pdf(t - x->shift, x->shape, scale(x));
}

static bool gamma_form(const void *state, double *shift, double *shape, double *theta) {
  const gamma_law *x = state;
  *shift = x->shift;
  *shape = x->shape;
  *theta = scale(x);
  return true;
}

const sg_law_type sg_law_gamma = {
    .about = {.name = "gamma", .summary = "Gamma time, perhaps shifted.", .params = params},
    .formula = {"Q(shape, shape t/mean)", "mean", "mean²/shape"},
    LAW_FUNCTIONS(draw),
    .gamma = gamma_form};
