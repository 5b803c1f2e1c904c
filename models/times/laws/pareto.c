/* SPDX-License-Identifier: MIT */
/* Pareto: P(X > t) = (minimum/t)^shape for t ≥ minimum. */
#include "models/times/laws/laws.h"
#include "sim/core/elementary.h"

typedef struct pareto {
  double minimum, shape;
} pareto;
FITS(pareto);

static const sg_param params[] = {
    LAW_SCALE("minimum_s", "The least possible time, in seconds."),
    SG_ROW_REAL("shape", 0.05, 1000,
                "The tail index: at 1 and below there is no mean, at 2 and below no variance.",
                .flags = SG_REQUIRED),
    {0}};

static double quantile(const sg_law_state *state, double p) {
  const pareto *x = (const pareto *)state;
  return x->minimum * sg_exp(-sg_log1p(-p) / x->shape);
}

/* The operations of `quantile`. */
static void fill(const sg_law_state *state, sg_lanes lanes, double *u, long n) {
  const pareto *x = (const pareto *)state;
  for (long i = 0; i < n; i++) u[i] = -u[i];
  sg_log1ps_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = -u[i] / x->shape;
  sg_exps_with(lanes, u, n);
  for (long i = 0; i < n; i++) u[i] = x->minimum * u[i];
}

static double mean(const sg_law_state *state) {
  const pareto *x = (const pareto *)state;
  return x->shape > 1 ? x->minimum * x->shape / (x->shape - 1) : INFINITY;
}

static double variance(const sg_law_state *state) {
  const pareto *x = (const pareto *)state;
  double a = x->shape;
  return a > 2 ? x->minimum * x->minimum * a / ((a - 1) * (a - 1) * (a - 2)) : INFINITY;
}

static double tail(const sg_law_state *state, double t) {
  const pareto *x = (const pareto *)state;
  return t <= x->minimum ? 1 : exp(x->shape * log(x->minimum / t));
}

static double cdf(const sg_law_state *state, double t) {
  const pareto *x = (const pareto *)state;
  return t <= x->minimum ? 0 : -expm1(x->shape * log(x->minimum / t));
}

static double density(const sg_law_state *state, double t) {
  const pareto *x = (const pareto *)state;
  return t < x->minimum ? 0 : x->shape / t * tail(state, t);
}

const sg_law_type sg_law_pareto = {
    .about = {.name = "pareto",
              .summary = "Pareto time: a tail so heavy that moments may not exist.",
              .params = params},
    .formula = {"(minimum/t)^shape", "minimum shape/(shape − 1), none for shape ≤ 1",
                "minimum² shape/((shape − 1)²(shape − 2)), none for shape ≤ 2"},
    .fill = fill,
    LAW_FUNCTIONS};
