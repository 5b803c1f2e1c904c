/* SPDX-License-Identifier: MIT */
/* Optimisers: gradient descent, with differentially encoded feedback or without; Nesterov, heavy
 * ball. */
#ifndef SG_MODELS_OPTIMIZER_H
#define SG_MODELS_OPTIMIZER_H

#include "models/learning/problem.h"

/* The scenario's learning.optimizer object: family by "method"; step. */
extern const sg_param sg_optimizer_params[];
extern const sg_family sg_optimizer_family;

typedef struct sg_optimizer sg_optimizer; /* immutable while runs use it, shared */

/* *out is freed with free. */
sg_status sg_optimizer_new(const sg_values *optimizer, sg_optimizer **out, sg_error *e);

/* "step": "auto" has no step until the bound of the problem's curvature has been told. */
bool sg_optimizer_is_automatic(const sg_optimizer *optimizer);
void sg_optimizer_set_smoothness(sg_optimizer *optimizer, double bound);
/* "step": "two-over-l-plus-mu": so has one that wants both ends of a constant curvature. */
bool sg_optimizer_wants_curvature(const sg_optimizer *optimizer);
void sg_optimizer_set_curvature(sg_optimizer *optimizer, double least, double most);
/* The step; NAN until its bound has been told. */
double sg_optimizer_step_size(const sg_optimizer *optimizer);
double sg_optimizer_found_step(const sg_optimizer *optimizer); /* NAN: the scenario gives it */

/* dgd-def: gradients are taken at the point + this factor times what the worker has not sent yet;
 * 0: at the point. Worth asking once the step is known. */
double sg_optimizer_beside(const sg_optimizer *optimizer);
bool sg_optimizer_is_beside(const sg_optimizer *optimizer);

/* Number of vectors of length l of state per model: x, with Nesterov the previous x, and the mean
 * of the iterates where it is wanted. */
int sg_optimizer_vectors(const sg_optimizer *optimizer);

/* Which of them is the model that losses and tests are of: x, or the mean of x_1, x_2, … (average).
 */
int sg_optimizer_result(const sg_optimizer *optimizer);
/* Whether x is kept in a ball around 0 (radius). */
bool sg_optimizer_projects(const sg_optimizer *optimizer);

/* Where the next gradient is taken, written to `out` (length l). update: 0, 1, … counts updates of
 * this model. state: vectors, state[0] = x the current model.
 * gradient descent and heavy ball: x.  nesterov: y_t = x_t + β_t (x_t − x_{t−1}). */
void sg_optimizer_point(const sg_optimizer *optimizer, long length, long update,
                        double *const *state, double *out);

/* One step, projected onto the ball if there is one, with gradient ĝ of the mean loss taken at
 * `point` (from sg_optimizer_point); adds the L2 term at `point` here. */
void sg_optimizer_step(const sg_optimizer *optimizer, const sg_problem *problem, long update,
                       double *const *state, const double *point, const double *gradient);

#endif
