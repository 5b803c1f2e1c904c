/* SPDX-License-Identifier: MIT */
/* Times that are one of two at most: deterministic, bimodal. */
#include "models/times/laws/laws.h"

typedef struct bimodal {
  double fast, slow, slow_probability; /* deterministic: always fast, the others 0 */
} bimodal;
FITS(bimodal);

static const sg_param deterministic_params[] = {
    LAW_TIME("value_s", "The time, in seconds; the same on every draw."), {0}};

static const sg_param bimodal_params[] = {
    LAW_TIME("fast_s", "The usual time, in seconds."),
    LAW_TIME("slow_s", "The time of a straggler, in seconds; at least fast_s."),
    SG_ROW_REAL("slow_probability", 0, 1, "The probability of the slow time.",
                .flags = SG_REQUIRED),
    {0}};

static sg_status bimodal_init(sg_law_state *state, const sg_values *values, sg_error *e) {
  const bimodal *x = (const bimodal *)state;
  if (x->slow < x->fast)
    return sg_fail_at(e, values, "slow_s", "expected slow_s ≥ fast_s = %g, found %g", x->fast,
                      x->slow);
  return SG_OK;
}

static double deterministic_draw(const sg_law_state *state, sg_stream *stream) {
  return ((const bimodal *)state)->fast;
}

static void deterministic_fill(const sg_law_state *state, sg_lanes lanes, double *u, long n) {
  for (long i = 0; i < n; i++) u[i] = ((const bimodal *)state)->fast;
}

static double at(const sg_law_state *state, double u) {
  const bimodal *x = (const bimodal *)state;
  return u < 1 - x->slow_probability ? x->fast : x->slow;
}

static double mean(const sg_law_state *state) {
  const bimodal *x = (const bimodal *)state;
  return x->fast + x->slow_probability * (x->slow - x->fast);
}

static double variance(const sg_law_state *state) {
  const bimodal *x = (const bimodal *)state;
  double d = x->slow - x->fast;
  return x->slow_probability * (1 - x->slow_probability) * d * d;
}

static double cdf(const sg_law_state *state, double t) {
  const bimodal *x = (const bimodal *)state;
  return t < x->fast ? 0 : t < x->slow ? 1 - x->slow_probability : 1;
}

static double tail(const sg_law_state *state, double t) {
  const bimodal *x = (const bimodal *)state;
  return t < x->fast ? 1 : t < x->slow ? x->slow_probability : 0;
}

static double quantile(const sg_law_state *state, double p) {
  const bimodal *x = (const bimodal *)state;
  return p <= 1 - x->slow_probability ? x->fast : x->slow;
}

static double density(const sg_law_state *state, double t) {
  return 0;
}

static bool atom(const sg_law_state *state, int i, double *time, double *probability) {
  const bimodal *x = (const bimodal *)state;
  *time = i == 0 ? x->fast : x->slow;
  *probability = i == 0 ? 1 - x->slow_probability : x->slow_probability;
  return i == 0 || (i == 1 && x->slow_probability > 0);
}

const sg_law_type sg_law_deterministic = {.about = {.name = "deterministic",
                                                    .summary = "Always the same time.",
                                                    .params = deterministic_params},
                                          .formula = {"1 for t < value", "value", "0"},
                                          .draw = deterministic_draw,
                                          .fill = deterministic_fill,
                                          LAW_FUNCTIONS,
                                          .atom = atom};

const sg_law_type sg_law_bimodal = {
    .about = {.name = "bimodal",
              .summary = "One of two times: the usual one, or a straggler's.",
              .params = bimodal_params},
    .formula = {"fast, or slow with probability p", "fast + p (slow − fast)",
                "p (1 − p)(slow − fast)²"},
    .init = bimodal_init,
    .at = at,
    LAW_FUNCTIONS,
    .atom = atom};
