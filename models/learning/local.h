/* SPDX-License-Identifier: MIT */
/* The steps of workers by themselves: gradient descent, heavy-ball momentum (Polyak 1964, in the
 * form v ← βv + g, x ← x − rate·v; recalled) and AdamW (Kingma and Ba 2015, arXiv:1412.6980, with
 * the decoupled decay of Loshchilov and Hutter 2019, arXiv:1711.05101; recalled):
 *
 *   x ← x − rate·λ·x,  m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,
 *   x ← x − rate·(m/(1 − β₁ᵗ))/(√(v/(1 − β₂ᵗ)) + ε),  t = 1, 2, …
 *
 * Intercepts do not decay. What a method remembers (its state) is the number t, then vectors; zeros
 * begin it. */
#ifndef SG_MODELS_LOCAL_H
#define SG_MODELS_LOCAL_H

#include "models/learning/problem.h"

/* Numbers of a state for models of this length; 0: nothing is remembered. */
long sg_local_size(const sg_local_optimizer *inner, long length);

/* One step from x, in place, along the gradient g of a worker's own loss. O(length). */
void sg_local_step(const sg_local_optimizer *inner, const sg_problem *problem, double rate,
                   const double *g, double *state, double *x);

#endif
