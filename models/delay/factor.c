/* SPDX-License-Identifier: MIT */
/* Factors: laws of times whose members are named without their unit. */
#include "models/delay/factor.h"

#include <string.h>

#define POSITIVE(member, what, value)                                                              \
  SG_ROW_REAL(member, 0, SG_UNBOUNDED, what, .fallback = value, .flags = SG_MIN_OPEN)
#define SHAPE(member, what, least, most)                                                           \
  SG_ROW_REAL(member, least, most, what, .flags = SG_REQUIRED)

static const sg_param deterministic[] = {POSITIVE("value", "The factor.", 1), {0}};
static const sg_param lognormal[] = {
    POSITIVE("median", "The median factor.", 1),
    SHAPE("sigma", "Standard deviation of the natural logarithm.", 1e-6, 10),
    {0}};
static const sg_param gamma_params[] = {
    POSITIVE("mean", "The mean factor.", 1),
    SHAPE("shape", "1/shape is the squared coefficient of variation.", 0.05, 10000),
    {0}};
static const sg_param weibull[] = {
    POSITIVE("scale", "The factor that 63.2 % stay below.", 1),
    SHAPE("shape", "Below 1: a heavier tail than the exponential's.", 0.05, 1000),
    {0}};
static const sg_param pareto[] = {
    POSITIVE("minimum", "The least factor.", 1),
    SHAPE("shape", "The tail index: at 1 and below there is no mean.", 0.05, 1000),
    {0}};
static const sg_param bimodal[] = {
    POSITIVE("fast", "The usual factor.", 1),
    POSITIVE("slow", "The other factor, at least fast.", 2),
    SHAPE("slow_probability", "The probability of the other factor.", 0, 1),
    {0}};

static const sg_variant variants[] = {
    {.name = "none", .summary = "The factor is 1."},
    {.name = "deterministic", .summary = "Always the same factor.", .params = deterministic},
    {.name = "lognormal", .summary = "Lognormal factor.", .params = lognormal},
    {.name = "gamma", .summary = "Gamma factor.", .params = gamma_params},
    {.name = "weibull", .summary = "Weibull factor.", .params = weibull},
    {.name = "pareto", .summary = "Pareto factor.", .params = pareto},
    {.name = "bimodal", .summary = "One of two factors.", .params = bimodal}};

SG_VARIANTS(variant_at, variants)

const sg_family sg_factor_family = {
    .selector = "model", .what = "law of a factor", .at = variant_at, .fallback = "none"};

/* The law of that name, its last parameters being those of the factor. */
sg_status sg_factor_init(sg_law *law, const sg_values *values, sg_error *e) {
  double value[3];
  int n = 0, i = 0;
  *law = (sg_law){0};
  if (values->variant == &variants[0]) return SG_OK;
  for (const sg_param *p = values->variant->params; p->name; p++)
    value[n++] = sg_real(values, p->name);
  if (values->variant->params == bimodal && value[1] < value[0])
    return sg_fail_at(e, values, "slow", "expected slow ≥ fast = %g, found %g", value[0], value[1]);
  while (sg_law_variant_at(i) && strcmp(sg_law_variant_at(i)->name, values->variant->name) != 0)
    i++;
  if (!sg_law_type_at(i))
    return sg_fail(e, SG_BUG, values->pointer, "there is no law of the name of this factor");
  sg_law_set(law, sg_law_type_at(i), n, value);
  return SG_OK;
}
