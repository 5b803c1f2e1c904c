/* SPDX-License-Identifier: MIT */
/* Laws of a random time in seconds: exponential, Weibull, Pareto, empirical, …
 *
 * A law is a constant descriptor with a small state that the caller stores. It is used for compute
 * times (models/delay) and for links (models/network). Adding a law: one file in laws/ with its
 * descriptor, which is declared in laws/laws.h and listed in law.c. Reading, messages, schema,
 * reference, mixtures, tests and the table of docs/delays.md then have it (`make docs`). */
#ifndef SG_MODELS_LAW_H
#define SG_MODELS_LAW_H

#include "sim/core/param.h"
#include "sim/core/random.h"
#include "sim/core/text.h"

/* What a law keeps of its parameters: location, scale and shape, or a struct of its own in the same
 * place, whose size the law checks when it is compiled. */
typedef union sg_law_state {
  struct {
    double shift, scale, shape;
  };
  _Alignas(16) unsigned char own[64];
} sg_law_state;

typedef struct sg_law {
  const struct sg_law_type *type;
  sg_law_state state[1]; /* so that it is handed on by its name */
} sg_law;

typedef struct sg_law_type {
  sg_variant about;
  /* For the table of docs/delays.md, in the names of the parameters without their units:
   * P(X > shift + t), mean less the shift, variance. */
  const char *formula[3];
  /* The state begins as the law's SG_REAL parameters, doubles in the order of their table; a law of
   * which that is all has no init (NULL). After a fault the framework clears the state. */
  sg_status (*init)(sg_law_state *state, const sg_values *values, sg_error *e);
  void (*clear)(sg_law_state *state); /* frees what the state owns; NULL: nothing */
  /* Seconds, ≥ 0, at a uniform 0 ≤ u < 1, by inversion: they grow with it. NULL: the quantile. */
  double (*at)(const sg_law_state *state, double u);
  /* The same from a stream, of a law that takes more than one uniform (a mixture: one and those of
   * the law taken). NULL: at one uniform. */
  double (*draw)(const sg_law_state *state, sg_stream *stream);
  /* The same for n uniforms at a time, in their place, to the bit: u[i] = at(u[i]), on these
   * vectors. Only to save time; NULL: one by one. A law with `draw` has it if it takes no uniform
   * at all, and then finds none there. */
  void (*fill)(const sg_law_state *state, sg_lanes lanes, double *u, long n);
  /* What `fill` is, of a law with `draw` that takes two uniforms at most: u the first, v the second
   * of each, which may be overwritten. */
  void (*fill_pairs)(const sg_law_state *state, sg_lanes lanes, double *u, double *v, long n);
  double (*mean)(const sg_law_state *state); /* INFINITY if there is none */
  double (*variance)(const sg_law_state *state);
  double (*cdf)(const sg_law_state *state, double t); /* P(X ≤ t) */
  /* The smallest t with cdf(t) ≥ p, 0 < p < 1. */
  double (*quantile)(const sg_law_state *state, double p);
  /* Of the part without atoms, 1/s. */
  double (*density)(const sg_law_state *state, double t);
  /* What a law may leave out (NULL). P(X > t) with relative accuracy, where 1 − cdf has less: */
  double (*tail)(const sg_law_state *state, double t);
  /* Whether X = shift + Gamma(shape, scale): such laws add up in closed form. */
  bool (*gamma)(const sg_law_state *state, double *shift, double *shape, double *scale);
  /* The i-th time with a probability of its own; false past the last. NULL: none. */
  bool (*atom)(const sg_law_state *state, int i, double *time, double *probability);
} sg_law_type;

const sg_variant *sg_law_variant_at(int i); /* for families: NULL past the last */

/* The law whose variant that is. */
const sg_law_type *sg_law_type_at(int i);

/* values->variant must be one of the laws' variants. */
sg_status sg_law_init(sg_law *law, const sg_values *values, sg_error *e);
/* A law of real parameters alone from the last n of them, of which nothing is checked; those before
 * (the shift) are 0. */
void sg_law_set(sg_law *law, const sg_law_type *type, int n, const double *value);
void sg_law_clear(sg_law *law); /* a law that was never made may be cleared if it is zeroed */

/* Appends a line for people if there is a law that has no finite mean or variance. what: "delay", …
 */
void sg_law_note(const sg_law *law, const char *what, sg_buffer *out);

/* P(X > t). */
static inline double sg_law_tail(const sg_law *law, double t) {
  return law->type->tail ? law->type->tail(law->state, t) : 1 - law->type->cdf(law->state, t);
}

/* Of a law that takes one uniform. */
static inline double sg_law_at(const sg_law *law, double u) {
  return law->type->at ? law->type->at(law->state, u) : law->type->quantile(law->state, u);
}

static inline double sg_law_draw(const sg_law *law, sg_stream *stream) {
  return law->type->draw ? law->type->draw(law->state, stream) : sg_law_at(law, sg_uniform(stream));
}

#endif
