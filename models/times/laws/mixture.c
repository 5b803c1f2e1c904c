/* SPDX-License-Identifier: MIT */
/* A mixture of other laws: one of them is taken at random on every draw. */
#include "models/times/laws/laws.h"

#include <stdlib.h>

typedef struct mixture {
  int count;
  double *upper; /* cumulative weights; the last is 1 */
  sg_law *part;
} mixture;
FITS(mixture);

/* All laws but mixtures. */
static const sg_variant *simple_at(int i) {
  const sg_variant *variant = NULL;
  for (int k = 0; k <= i && (variant = sg_law_variant_at(k)); k++)
    i += variant == &sg_law_mixture.about;
  return variant;
}

static const sg_family simple_family = {.selector = "model", .what = "delay law", .at = simple_at};

static const sg_param component_params[] = {
    SG_ROW_REAL("weight", 0, 1, "The probability of this law; the weights sum to 1.",
                .flags = SG_REQUIRED | SG_MIN_OPEN),
    {0}};

static const sg_param component[] = {
    SG_ROW_FAMILY("component", &simple_family, "A law and its weight.", .fields = component_params),
    {0}};

static const sg_param params[] = {SG_ROW_LIST("components", component, 1, 1000,
                                              "The laws that are mixed (no mixtures again).",
                                              .flags = SG_REQUIRED),
                                  {0}};

static void clear(sg_law_state *state) {
  mixture *x = (mixture *)state;
  for (int i = 0; x->part && i < x->count; i++) sg_law_clear(&x->part[i]);
  free(x->part);
  free(x->upper);
  *x = (mixture){0};
}

static sg_status init(sg_law_state *state, const sg_values *values, sg_error *e) {
  mixture *x = (mixture *)state;
  int n = sg_count(values, "components");
  *x = (mixture){.count = n,
                 .upper = calloc((size_t)n + 1, sizeof *x->upper),
                 .part = aligned_alloc(16, ((size_t)n + 1) * sizeof *x->part)};
  if (!x->upper || !x->part) return sg_fail_memory(e);
  for (int i = 0; i < n; i++) x->part[i] = (sg_law){0};
  sg_status status = SG_OK;
  double sum = 0;
  for (int i = 0; i < n; i++) {
    const sg_values *item = sg_item(values, "components", i)->object;
    x->upper[i] = sum += sg_real(item, "weight");
    sg_status s = sg_law_init(&x->part[i], item, e);
    if (s) status = s;
  }
  if (!status && fabs(sum - 1) > 1e-9)
    status = sg_fail_at(e, values, "components",
                        "expected weights that sum to 1, found a sum of %.10g", sum);
  if (n > 0) x->upper[n - 1] = 1;
  return status;
}

static double weight(const mixture *x, int i) {
  return i > 0 ? x->upper[i] - x->upper[i - 1] : x->upper[0];
}

static double draw(const sg_law_state *state, sg_stream *stream) {
  const mixture *x = (const mixture *)state;
  return sg_law_draw(&x->part[sg_law_rank(x->upper, x->count - 1, sg_uniform(stream))], stream);
}

static void part_times(const sg_law *part, sg_lanes lanes, double *v, long n) {
  if (part->type->fill)
    part->type->fill(part->state, lanes, v, n);
  else
    for (long i = 0; i < n; i++) v[i] = sg_law_at(part, v[i]);
}

/* In blocks, of each the times of one part after another. */
static void fill_pairs(const sg_law_state *state, sg_lanes lanes, double *u, double *v, long n) {
  enum { BLOCK = 256 };
  const mixture *x = (const mixture *)state;
  for (long begin = 0; begin < n; begin += BLOCK) {
    int count = n - begin < BLOCK ? (int)(n - begin) : BLOCK, from[BLOCK], taken[BLOCK];
    double time[BLOCK];
    for (int i = 0; i < count; i++)
      taken[i] = (int)sg_law_rank(x->upper, x->count - 1, u[begin + i]);
    for (int c = 0; c < x->count; c++) {
      int of_part = 0;
      for (int i = 0; i < count; i++) {
        from[of_part] = i;
        time[of_part] = v[begin + i];
        of_part += taken[i] == c;
      }
      part_times(&x->part[c], lanes, time, of_part);
      for (int i = 0; i < of_part; i++) u[begin + from[i]] = time[i];
    }
  }
}

static double mean(const sg_law_state *state) {
  const mixture *x = (const mixture *)state;
  double sum = 0;
  for (int i = 0; i < x->count; i++) sum += weight(x, i) * x->part[i].type->mean(x->part[i].state);
  return sum;
}

static double variance(const sg_law_state *state) {
  const mixture *x = (const mixture *)state;
  double m = mean(state), sum = 0;
  if (!isfinite(m)) return INFINITY;
  for (int i = 0; i < x->count; i++) {
    const sg_law *part = &x->part[i];
    double d = part->type->mean(part->state) - m;
    sum += weight(x, i) * (part->type->variance(part->state) + d * d);
  }
  return sum;
}

static double cdf(const sg_law_state *state, double t) {
  const mixture *x = (const mixture *)state;
  double sum = 0;
  for (int i = 0; i < x->count; i++)
    sum += weight(x, i) * x->part[i].type->cdf(x->part[i].state, t);
  return sum;
}

static double tail(const sg_law_state *state, double t) {
  const mixture *x = (const mixture *)state;
  double sum = 0;
  for (int i = 0; i < x->count; i++) sum += weight(x, i) * sg_law_tail(&x->part[i], t);
  return sum;
}

static double density(const sg_law_state *state, double t) {
  const mixture *x = (const mixture *)state;
  double sum = 0;
  for (int i = 0; i < x->count; i++)
    sum += weight(x, i) * x->part[i].type->density(x->part[i].state, t);
  return sum;
}

/* The smallest t with cdf(t) ≥ p, by bisection to the last bit: it lies between the least and the
 * greatest of the parts' quantiles. */
static double quantile(const sg_law_state *state, double p) {
  const mixture *x = (const mixture *)state;
  double low = INFINITY, high = 0;
  for (int i = 0; i < x->count; i++) {
    double q = x->part[i].type->quantile(x->part[i].state, p);
    low = fmin(low, q);
    high = fmax(high, q);
  }
  if (!isfinite(high)) return high;
  if (cdf(state, low) >= p) return low;
  for (;;) {
    double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return high;
    if (cdf(state, middle) >= p)
      high = middle;
    else
      low = middle;
  }
}

static bool atom(const sg_law_state *state, int i, double *time, double *probability) {
  const mixture *x = (const mixture *)state;
  for (int c = 0; c < x->count; c++) {
    const sg_law *part = &x->part[c];
    for (int k = 0; part->type->atom && part->type->atom(part->state, k, time, probability); k++)
      if (i-- == 0) {
        *probability *= weight(x, c);
        return true;
      }
  }
  return false;
}

const sg_law_type sg_law_mixture = {
    .about = {.name = "mixture",
              .summary = "One of several laws, at random on every "
                         "draw.",
              .params = params},
    .formula = {"Σ weight · P(component > t)", "Σ weight · mean",
                "Σ weight · (variance + mean²) − (Σ weight · mean)²"},
    .init = init,
    .clear = clear,
    .draw = draw,
    .fill_pairs = fill_pairs,
    LAW_FUNCTIONS,
    .atom = atom};
