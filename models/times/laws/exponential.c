/* SPDX-License-Identifier: MIT */
/* shift + Exp(mean excess). */
#include "models/times/laws/laws.h"

typedef struct exponential {
  double shift, mean_excess;
} exponential;
FITS(exponential);

static const sg_param exponential_params[] = {
    LAW_SCALE("mean_s", "The mean time, in seconds: the reciprocal of the literature's rate."),
    {0}};

static const sg_param shifted_params[] = {
    LAW_TIME("shift_s", "The least possible time, in seconds."),
    LAW_SCALE("mean_excess_s",
              "The mean of the exponential time over the shift, in seconds: the reciprocal of "
              "the literature's rate."),
    {0}};

static sg_status exponential_init(void *state, const sg_values *values, sg_error *e) {
  *(exponential *)state = (exponential){.mean_excess = sg_real(values, "mean_s")};
  return SG_OK;
}

static double draw(const void *state, sg_stream *stream) {
  const exponential *x = state;
  return x->shift + sg_exponential(stream, x->mean_excess);
}

static double mean(const void *state) {
  const exponential *x = state;
  return x->shift + x->mean_excess;
}

static double variance(const void *state) {
  const exponential *x = state;
  return x->mean_excess * x->mean_excess;
}

static double cdf(const void *state, double t) {
  const exponential *x = state;
  return t <= x->shift ? 0 : -expm1(-(t - x->shift) / x->mean_excess);
}

static double quantile(const void *state, double p) {
  const exponential *x = state;
  return x->shift - x->mean_excess * log1p(-p);
}

static double tail(const void *state, double t) {
  const exponential *x = state;
  return t <= x->shift ? 1 : exp(-(t - x->shift) / x->mean_excess);
}

static double density(const void *state, double t) {
  const exponential *x = state;
  return t < x->shift ? 0 : exp(-(t - x->shift) / x->mean_excess) / x->mean_excess;
}

static bool gamma_form(const void *state, double *shift, double *shape, double *scale) {
  const exponential *x = state;
  *shift = x->shift;
  *shape = 1;
  *scale = x->mean_excess;
  return true;
}

const sg_law_type sg_law_exponential = {
    .about = {.name = "exponential",
              .summary = "Exponential time: memoryless, no least time.",
              .params = exponential_params},
    .formula = {"exp(−t/mean)", "mean", "mean²"},
    .init = exponential_init,
    LAW_FUNCTIONS(draw),
    .gamma = gamma_form};

const sg_law_type sg_law_shifted_exponential = {
    .about = {.name = "shifted-exponential",
              .summary = "A least time plus an exponential one: the literature's usual model.",
              .reference = "Lee, Lam, Pedarsani, Papailiopoulos, Ramchandran, 2018, "
                           "arXiv:1512.02673",
              .params = shifted_params},
    .formula = {"exp(−t/mean_excess)", "mean_excess", "mean_excess²"},
    LAW_FUNCTIONS(draw),
    .gamma = gamma_form};
