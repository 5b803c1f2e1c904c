/* SPDX-License-Identifier: MIT */
/* The laws of a random time: one descriptor each, and the table that lists them. */
#include "models/delay/law.h"

#include <math.h>

#define FITS(type)                                                                                 \
  _Static_assert(sizeof(type) <= SG_LAW_STATE && _Alignof(type) <= 16, "the state must fit")

/* --- deterministic ---------------------------------------------------------------------------- */

typedef struct deterministic {
  double value;
} deterministic;
FITS(deterministic);

static const sg_param deterministic_params[] = {
    {.name = "value_s",
     .kind = SG_REAL,
     .summary = "The time, in seconds; the same on every draw.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .flags = SG_REQUIRED},
    {0}};

static sg_status deterministic_init(void *state, const sg_values *values, sg_error *e) {
  (void)e;
  *(deterministic *)state = (deterministic){.value = sg_real(values, "value_s")};
  return SG_OK;
}

static double deterministic_draw(const void *state, sg_stream *stream) {
  (void)stream;
  return ((const deterministic *)state)->value;
}

static double deterministic_mean(const void *state) {
  return ((const deterministic *)state)->value;
}

static double deterministic_variance(const void *state) {
  (void)state;
  return 0;
}

static double deterministic_cdf(const void *state, double t) {
  return t >= ((const deterministic *)state)->value ? 1 : 0;
}

static bool deterministic_atom(const void *state, int i, double *time, double *probability) {
  *time = ((const deterministic *)state)->value;
  *probability = 1;
  return i == 0;
}

static const sg_law_type deterministic_type = {.about = {.name = "deterministic",
                                                         .summary = "Always the same time.",
                                                         .reference = "",
                                                         .params = deterministic_params},
                                               .init = deterministic_init,
                                               .draw = deterministic_draw,
                                               .mean = deterministic_mean,
                                               .variance = deterministic_variance,
                                               .cdf = deterministic_cdf,
                                               .atom = deterministic_atom};

/* --- exponential and shifted exponential: shift + Exp(mean excess) ---------------------------- */

typedef struct exponential {
  double shift, mean_excess;
} exponential;
FITS(exponential);

static const sg_param exponential_params[] = {
    {.name = "mean_s",
     .kind = SG_REAL,
     .summary = "The mean time, in seconds: the reciprocal of the literature's rate.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .flags = SG_REQUIRED | SG_MIN_OPEN},
    {0}};

static const sg_param shifted_params[] = {
    {.name = "shift_s",
     .kind = SG_REAL,
     .summary = "The least possible time, in seconds.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .flags = SG_REQUIRED},
    {.name = "mean_excess_s",
     .kind = SG_REAL,
     .summary = "The mean of the exponential time over the shift, in seconds: the reciprocal of "
                "the literature's rate.",
     .min = 0,
     .max = SG_UNBOUNDED,
     .flags = SG_REQUIRED | SG_MIN_OPEN},
    {0}};

static sg_status exponential_init(void *state, const sg_values *values, sg_error *e) {
  (void)e;
  *(exponential *)state = (exponential){.mean_excess = sg_real(values, "mean_s")};
  return SG_OK;
}

static sg_status shifted_init(void *state, const sg_values *values, sg_error *e) {
  (void)e;
  *(exponential *)state = (exponential){.shift = sg_real(values, "shift_s"),
                                        .mean_excess = sg_real(values, "mean_excess_s")};
  return SG_OK;
}

static double exponential_draw(const void *state, sg_stream *stream) {
  const exponential *x = state;
  return x->shift + sg_exponential(stream, x->mean_excess);
}

static double exponential_mean(const void *state) {
  const exponential *x = state;
  return x->shift + x->mean_excess;
}

static double exponential_variance(const void *state) {
  const exponential *x = state;
  return x->mean_excess * x->mean_excess;
}

static double exponential_cdf(const void *state, double t) {
  const exponential *x = state;
  return t <= x->shift ? 0 : -expm1(-(t - x->shift) / x->mean_excess);
}

static bool exponential_gamma(const void *state, double *shift, double *shape, double *scale) {
  const exponential *x = state;
  *shift = x->shift;
  *shape = 1;
  *scale = x->mean_excess;
  return true;
}

static const sg_law_type exponential_type = {
    .about = {.name = "exponential",
              .summary = "Exponential time: memoryless, no least time.",
              .reference = "",
              .params = exponential_params},
    .init = exponential_init,
    .draw = exponential_draw,
    .mean = exponential_mean,
    .variance = exponential_variance,
    .cdf = exponential_cdf,
    .gamma = exponential_gamma};

static const sg_law_type shifted_type = {
    .about = {.name = "shifted-exponential",
              .summary = "A least time plus an exponential one: the literature's usual model.",
              .reference = "Lee, Lam, Pedarsani, Papailiopoulos, Ramchandran, 2018, "
                           "arXiv:1512.02673",
              .params = shifted_params},
    .init = shifted_init,
    .draw = exponential_draw,
    .mean = exponential_mean,
    .variance = exponential_variance,
    .cdf = exponential_cdf,
    .gamma = exponential_gamma};

/* --- The table -------------------------------------------------------------------------------- */

static const sg_law_type *const laws[] = {&deterministic_type, &exponential_type, &shifted_type};

static const sg_law_type *law_at(int i) {
  return i >= 0 && (size_t)i < sizeof laws / sizeof *laws ? laws[i] : NULL;
}

const sg_variant *sg_law_variant_at(int i) {
  const sg_law_type *type = law_at(i);
  return type ? &type->about : NULL;
}

sg_status sg_law_init(sg_law *law, const sg_values *values, sg_error *e) {
  *law = (sg_law){0};
  for (int i = 0; law_at(i); i++)
    if (&law_at(i)->about == values->variant) {
      law->type = law_at(i);
      return law->type->init(law->state, values, e);
    }
  return sg_fail(e, SG_BUG, values->pointer, "no law of this kind is registered");
}
