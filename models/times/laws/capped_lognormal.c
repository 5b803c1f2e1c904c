/* SPDX-License-Identifier: MIT */
/* shift + min(median · exp(σ Z), cap): a lognormal time that never lasts longer than a cap, as of
 * delays that end with a timeout. At the cap there is an atom. */
#include "models/times/laws/laws.h"
#include "sim/core/elementary.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>

typedef struct capped {
  double shift, median, sigma, cap;
} capped;
FITS(capped);

static const sg_param params[] = {
    LAW_SHIFT,
    LAW_SCALE("median_s", "The median time without the cap, in seconds (the shift not counted)."),
    SG_ROW_REAL("sigma", 0, 10, "Standard deviation of the natural logarithm, without the cap.",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    LAW_SCALE("cap_s", "The longest time, in seconds (the shift not counted)."),
    {0}};

static const capped *of(const sg_law_state *state) {
  return (const capped *)state;
}

static double quantile(const sg_law_state *state, double p) {
  const capped *x = of(state);
  return x->shift + fmin(x->median * sg_exp(x->sigma * sg_normal_quantile(p)), x->cap);
}

/* The operations of `quantile`. */
static void fill(const sg_law_state *state, sg_lanes lanes, double *u, long n) {
  const capped *x = of(state);
  sg_normal_quantiles_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = x->sigma * u[i];
  sg_exps_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = x->shift + fmin(x->median * u[i], x->cap);
}

/* Where ln t stands among the logarithms. */
static double z_of(const capped *x, double t) {
  return log(t / x->median) / x->sigma;
}

/* E min(X, cap)^k. */
static double moment(const capped *x, int k) {
  double z = z_of(x, x->cap), s = k * x->sigma;
  return pow(x->median, k) * exp(s * s / 2) * gsl_cdf_ugaussian_P(z - s) +
         pow(x->cap, k) * gsl_cdf_ugaussian_Q(z);
}

static double mean(const sg_law_state *state) {
  return of(state)->shift + moment(of(state), 1);
}

static double variance(const sg_law_state *state) {
  double first = moment(of(state), 1);
  return fmax(moment(of(state), 2) - first * first, 0);
}

static double cdf(const sg_law_state *state, double t) {
  const capped *x = of(state);
  double after = t - x->shift;
  return after <= 0 ? 0 : after >= x->cap ? 1 : gsl_cdf_ugaussian_P(z_of(x, after));
}

static double tail(const sg_law_state *state, double t) {
  const capped *x = of(state);
  double after = t - x->shift;
  return after <= 0 ? 1 : after >= x->cap ? 0 : gsl_cdf_ugaussian_Q(z_of(x, after));
}

static double density(const sg_law_state *state, double t) {
  const capped *x = of(state);
  double after = t - x->shift;
  if (after <= 0 || after >= x->cap) return 0;
  return gsl_ran_ugaussian_pdf(z_of(x, after)) / (x->sigma * after);
}

static bool atom(const sg_law_state *state, int i, double *time, double *probability) {
  const capped *x = of(state);
  *time = x->shift + x->cap;
  *probability = gsl_cdf_ugaussian_Q(z_of(x, x->cap));
  return i == 0;
}

const sg_law_type sg_law_capped_lognormal = {
    .about = {.name = "capped-lognormal",
              .summary = "Lognormal time, perhaps shifted, that a cap cuts off.",
              .params = params},
    .formula = {"Φ(−ln(t/median)/sigma) below the cap, then 0",
                "median exp(sigma²/2) Φ(z − sigma) + cap Φ(−z), z = ln(cap/median)/sigma",
                "median² exp(2 sigma²) Φ(z − 2 sigma) + cap² Φ(−z) less the square of the mean"},
    .fill = fill,
    .atom = atom,
    LAW_FUNCTIONS};
