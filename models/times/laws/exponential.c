/* SPDX-License-Identifier: MIT */
/* shift + Exp(mean excess): the scale. */
#include "models/times/laws/laws.h"
#include "sim/core/elementary.h"

static const sg_param exponential_params[] = {
    LAW_SCALE("mean_s", "The mean time, in seconds: the reciprocal of the literature's rate."),
    {0}};

static const sg_param shifted_params[] = {
    LAW_TIME("shift_s", "The least possible time, in seconds."),
    LAW_SCALE("mean_excess_s",
              "The mean of the exponential time over the shift, in seconds: the reciprocal of "
              "the literature's rate."),
    {0}};

static sg_status exponential_init(sg_law_state *x, const sg_values *values, sg_error *e) {
  *x = (sg_law_state){.scale = sg_real(values, "mean_s")};
  return SG_OK;
}

static double at(const sg_law_state *x, double u) {
  return x->shift + sg_exponential_at(u, x->scale);
}

/* The operations of sg_exponential_at. */
static void fill(const sg_law_state *x, sg_lanes lanes, double *u, long n) {
  double scale = -x->scale, shift = x->shift;
  for (long i = 0; i < n; i++) u[i] = 1.0 - u[i];
  sg_logs_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = shift + scale * u[i];
}

static double mean(const sg_law_state *x) {
  return x->shift + x->scale;
}

static double variance(const sg_law_state *x) {
  return x->scale * x->scale;
}

static double cdf(const sg_law_state *x, double t) {
  return t <= x->shift ? 0 : -expm1(-(t - x->shift) / x->scale);
}

static double quantile(const sg_law_state *x, double p) {
  return x->shift - x->scale * sg_log1p(-p);
}

static double tail(const sg_law_state *x, double t) {
  return t <= x->shift ? 1 : exp(-(t - x->shift) / x->scale);
}

static double density(const sg_law_state *x, double t) {
  return t < x->shift ? 0 : exp(-(t - x->shift) / x->scale) / x->scale;
}

static bool gamma_form(const sg_law_state *x, double *shift, double *shape, double *scale) {
  *shift = x->shift;
  *shape = 1;
  *scale = x->scale;
  return true;
}

const sg_law_type sg_law_exponential = {
    .about = {.name = "exponential",
              .summary = "Exponential time: memoryless, no least time.",
              .params = exponential_params},
    .formula = {"exp(−t/mean)", "mean", "mean²"},
    .init = exponential_init,
    .at = at,
    .fill = fill,
    LAW_FUNCTIONS,
    .gamma = gamma_form};

const sg_law_type sg_law_shifted_exponential = {
    .about = {.name = "shifted-exponential",
              .summary = "A least time plus an exponential one: the literature's usual model.",
              .reference = "Lee, Lam, Pedarsani, Papailiopoulos, Ramchandran, 2018, "
                           "arXiv:1512.02673",
              .params = shifted_params},
    .formula = {"exp(−t/mean_excess)", "mean_excess", "mean_excess²"},
    .at = at,
    .fill = fill,
    LAW_FUNCTIONS,
    .gamma = gamma_form};
