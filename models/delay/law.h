/* SPDX-License-Identifier: MIT */
/* Laws of a random time in seconds: deterministic, exponential, shifted-exponential, …
 *
 * A law is a constant descriptor with a small state that the caller stores. It is used for compute
 * times (models/delay) and for links (models/network). Adding a law: one descriptor and one line in
 * the table of law.c. */
#ifndef SG_MODELS_LAW_H
#define SG_MODELS_LAW_H

#include "sim/core/param.h"
#include "sim/core/random.h"

#define SG_LAW_STATE 64 /* bytes; checked at compile time by each law */

typedef struct sg_law {
  const struct sg_law_type *type;
  _Alignas(16) unsigned char state[SG_LAW_STATE];
} sg_law;

typedef struct sg_law_type {
  sg_variant about;
  sg_status (*init)(void *state, const sg_values *values, sg_error *e);
  double (*draw)(const void *state, sg_stream *stream); /* seconds, ≥ 0 */
  double (*mean)(const void *state);                    /* INFINITY if there is none */
  double (*variance)(const void *state);
  double (*cdf)(const void *state, double t); /* P(X ≤ t) */
  /* For exact expectations (sim/expect); a law may leave out what it has not. */
  double (*tail)(const void *state, double t);    /* P(X > t), relative accuracy; NULL: 1 − cdf */
  double (*density)(const void *state, double t); /* of the part without atoms, 1/s */
  /* Whether X = shift + Gamma(shape, scale): such laws add up in closed form. */
  bool (*gamma)(const void *state, double *shift, double *shape, double *scale);
  /* The i-th time with a probability of its own; false past the last. NULL: none. */
  bool (*atom)(const void *state, int i, double *time, double *probability);
} sg_law_type;

const sg_variant *sg_law_variant_at(int i); /* for families: NULL past the last */

/* values->variant must be one of the laws' variants. */
sg_status sg_law_init(sg_law *law, const sg_values *values, sg_error *e);

static inline double sg_law_draw(const sg_law *law, sg_stream *stream) {
  return law->type->draw(law->state, stream);
}

#endif
