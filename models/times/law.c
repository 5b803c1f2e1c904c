/* SPDX-License-Identifier: MIT */
/* The table of laws, and what is common to them. */
#include "models/times/laws/laws.h"

#include <string.h>

static const sg_law_type *const laws[] = {
    &sg_law_deterministic,    &sg_law_exponential, &sg_law_shifted_exponential,
    &sg_law_weibull,          &sg_law_gamma,       &sg_law_lognormal,
    &sg_law_capped_lognormal, &sg_law_pareto,      &sg_law_bimodal,
    &sg_law_mixture,          &sg_law_empirical};

const sg_law_type *sg_law_type_at(int i) {
  return i >= 0 && (size_t)i < sizeof laws / sizeof *laws ? laws[i] : NULL;
}

const sg_variant *sg_law_variant_at(int i) {
  const sg_law_type *type = sg_law_type_at(i);
  return type ? &type->about : NULL;
}

void sg_law_set(sg_law *law, const sg_law_type *type, int n, const double *value) {
  size_t before = (size_t)(sg_table_size(type->about.params) - n) * sizeof *value;
  *law = (sg_law){.type = type};
  memcpy(law->state->own + before, value, (size_t)n * sizeof *value);
}

sg_status sg_law_init(sg_law *law, const sg_values *values, sg_error *e) {
  int i = 0;
  *law = (sg_law){0};
  while (sg_law_variant_at(i) && sg_law_variant_at(i) != values->variant) i++;
  law->type = sg_law_type_at(i);
  if (!law->type) return sg_fail(e, SG_BUG, values->pointer, "no law of this kind is registered");
  double *real = (double *)law->state->own;
  for (const sg_param *p = values->variant->params; p->name; p++)
    if (p->kind == SG_REAL) *real++ = sg_real(values, p->name);
  sg_status status = law->type->init ? law->type->init(law->state, values, e) : SG_OK;
  if (status) sg_law_clear(law);
  return status;
}

void sg_law_clear(sg_law *law) {
  if (law->type && law->type->clear) law->type->clear(law->state);
  *law = (sg_law){0};
}

void sg_law_note(const sg_law *law, const char *what, sg_buffer *out) {
  if (!law->type) return;
  bool mean = isfinite(law->type->mean(law->state));
  if (mean && isfinite(law->type->variance(law->state))) return;
  sg_putf(out, "warning: %s: this %s law has no finite %s: averages of its times %s\n", what,
          law->type->about.name, mean ? "variance" : "mean",
          mean ? "converge slowly and their standard errors mean little; look at quantiles"
               : "do not converge, however many runs; look at quantiles");
}

long sg_law_rank(const double *ascending, long n, double t) {
  long low = 0, high = n;
  while (low < high) {
    long middle = low + (high - low) / 2;
    if (ascending[middle] <= t)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}
