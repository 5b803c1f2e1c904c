/* SPDX-License-Identifier: MIT */
/* Weibull: P(X > shift + t) = exp(−(t/scale)^shape). */
#include "models/times/laws/laws.h"
#include "sim/core/elementary.h"

static const sg_param params[] = {
    LAW_SHIFT,
    LAW_SCALE("scale_s", "The scale, in seconds: the time that 63.2 % stay below (the shift not "
                         "counted)."),
    SG_ROW_REAL("shape", 0.05, 1000,
                "Below 1: a heavier tail than the exponential's; 1: exponential; above: lighter.",
                .flags = SG_REQUIRED),
    {0}};

static double at(const sg_law_state *x, double u) {
  return x->shift + x->scale * sg_pow(sg_exponential_at(u, 1), 1 / x->shape);
}

/* The operations of `at`. */
static void fill(const sg_law_state *x, sg_lanes lanes, double *u, long n) {
  for (long i = 0; i < n; i++) u[i] = 1.0 - u[i];
  sg_logs_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = -u[i];
  sg_pows_with(lanes, u, n, 1 / x->shape);
  for (long i = 0; i < n; i++) u[i] = x->shift + x->scale * u[i];
}

static double mean(const sg_law_state *x) {
  return x->shift + x->scale * sg_exp(sg_log_gamma(1 + 1 / x->shape));
}

static double variance(const sg_law_state *x) {
  double m = tgamma(1 + 1 / x->shape);
  return x->scale * x->scale * (tgamma(1 + 2 / x->shape) - m * m);
}

/* (t/scale)^shape */
static double hazard(const sg_law_state *x, double t) {
  return pow((t - x->shift) / x->scale, x->shape);
}

static double cdf(const sg_law_state *x, double t) {
  return t <= x->shift ? 0 : -expm1(-hazard(x, t));
}

static double tail(const sg_law_state *x, double t) {
  return t <= x->shift ? 1 : exp(-hazard(x, t));
}

static double density(const sg_law_state *x, double t) {
  if (t <= x->shift) return 0;
  double h = hazard(x, t);
  return x->shape / (t - x->shift) * h * exp(-h);
}

static double quantile(const sg_law_state *x, double p) {
  return x->shift + x->scale * sg_pow(-sg_log1p(-p), 1 / x->shape);
}

const sg_law_type sg_law_weibull = {
    .about = {.name = "weibull", .summary = "Weibull time, perhaps shifted.", .params = params},
    .formula = {"exp(−(t/scale)^shape)", "scale Γ(1 + 1/shape)",
                "scale² (Γ(1 + 2/shape) − Γ(1 + 1/shape)²)"},
    .at = at,
    .fill = fill,
    LAW_FUNCTIONS};
