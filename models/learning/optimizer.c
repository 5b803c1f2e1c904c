/* SPDX-License-Identifier: MIT */
/* Gradient descent, with differentially encoded feedback or without, Nesterov's accelerated
 * gradient, and momentum without a point of its own; projection onto a ball. */
#include "models/learning/optimizer.h"
#include "models/learning/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sg_optimizer {
  int method;
  double step;
  int word;      /* SMOOTH, CURVED: the step is to come from the problem, NAN until then; NUMBER */
  double radius; /* of the ball around 0; INFINITY: none */
  bool average;
  double momentum; /* negative: the method's sequence */
};

static const sg_param nesterov_params[] = {
    SG_ROW_REAL("momentum", 0, 1, "a constant β; absent: the sequence β_t = t/(t + 3), t = 0, 1, …",
                .flags = SG_OPTIONAL | SG_MAX_OPEN),
    {0}};

static const sg_param heavy_ball_params[] = {
    SG_ROW_REAL("momentum", 0, 1,
                "a constant β; absent: the sequence β_t = (t − 1)/(t + 2), t = 1, 2, …, β_0 = 0",
                .flags = SG_OPTIONAL | SG_MAX_OPEN),
    {0}};

enum { GRADIENT_DESCENT, DGD_DEF, NESTEROV, HEAVY_BALL };
enum { NUMBER, SMOOTH, CURVED };

static const sg_variant methods[] = {
    [GRADIENT_DESCENT] = {.name = "gradient-descent", .summary = "x ← x − step·∇f(x)"},
    [DGD_DEF] = {.name = "dgd-def",
                 .summary =
                     "gradient descent with differentially encoded feedback, for one worker "
                     "whose compressor has feedback: the gradient is taken at z = x − step·e, "
                     "e being what has not been sent yet, so that z descends as without "
                     "compression",
                 .reference = "Saha, Pilanci, Goldsmith 2021, arXiv:2103.07578 (published)"},
    [NESTEROV] =
        {.name = "nesterov",
         .summary =
             "y_t = x_t + β_t (x_t − x_{t−1}), x_{t+1} = y_t − step·∇f(y_t), with β_t = t/(t + 3) "
             "or a constant momentum",
         .reference = "Nesterov 1983; the sequence of Su, Boyd, Candès 2016, arXiv:1503.01243",
         .params = nesterov_params},
    /* With h = 2/(t + 2) the official program has v = (1 − h) x + h u, x₊ = v − step·g,
     * u₊ = x + (x₊ − x)/h: v − x = h_t (1/h_{t−1} − 1) (x_t − x_{t−1}). */
    [HEAVY_BALL] = {
        .name = "heavy-ball",
        .summary = "x_{t+1} = x_t + β_t (x_t − x_{t−1}) − step·∇f(x_t), with β_t = (t − 1)/(t + 2) "
                   "or a constant momentum",
        .reference = "Polyak 1964 (recalled); the sequence is that of ErasureHead's accelerated "
                     "descent, arXiv:1901.09671 (official program, published)",
        .params = heavy_ball_params}};

SG_VARIANTS(method_at, methods)

const sg_family sg_optimizer_family = {
    .selector = "method", .what = "optimiser", .at = method_at, .fallback = "gradient-descent"};

static const char *const automatic[] = {"auto", "two-over-l-plus-mu", NULL};

const sg_param sg_optimizer_params[] = {
    SG_ROW_REAL(
        "step", 0, SG_UNBOUNDED,
        "step size, constant over the run; auto: 1/L, with which exact gradients make the "
        "loss of every problem but the synthetic one fall, L being a bound of its "
        "curvature (docs/theory.md); two-over-l-plus-mu: 2/(L + µ), of least squares, whose "
        "curvatures L and µ are the ends of a spectrum",
        .fallback = 1, .flags = SG_MIN_OPEN, .choices = automatic),
    SG_ROW_REAL("radius", 0, SG_UNBOUNDED,
                "the model is projected onto the ball of this radius around 0 after each step",
                .flags = SG_OPTIONAL | SG_MIN_OPEN),
    SG_ROW("average", SG_BOOL,
           "losses and tests are those of the mean of all iterates so far, not of the last one",
           .flags = SG_OPTIONAL),
    {0}};

sg_status sg_optimizer_new(const sg_values *optimizer, sg_optimizer **out, sg_error *e) {
  *out = malloc(sizeof **out);
  if (!*out) return sg_fail_memory(e);
  int method = (int)(optimizer->variant - methods);
  bool constant = (method == NESTEROV || method == HEAVY_BALL) && sg_given(optimizer, "momentum");
  const char *chosen = sg_text(optimizer, "step"); /* a word */
  **out = (sg_optimizer){.method = method,
                         .step = chosen ? NAN : sg_real(optimizer, "step"),
                         .word = !chosen                             ? NUMBER
                                 : strcmp(chosen, automatic[0]) == 0 ? SMOOTH
                                                                     : CURVED,
                         .radius = sg_given(optimizer, "radius") ? sg_real(optimizer, "radius")
                                                                 : INFINITY,
                         .average = sg_given(optimizer, "average") && sg_bool(optimizer, "average"),
                         .momentum = constant ? sg_real(optimizer, "momentum") : -1};
  return SG_OK;
}

bool sg_optimizer_is_automatic(const sg_optimizer *optimizer) {
  return optimizer->word == SMOOTH;
}

void sg_optimizer_set_smoothness(sg_optimizer *optimizer, double bound) {
  if (optimizer->word == SMOOTH) optimizer->step = bound > 0 ? 1 / bound : 1;
}

bool sg_optimizer_wants_curvature(const sg_optimizer *optimizer) {
  return optimizer->word == CURVED;
}

void sg_optimizer_set_curvature(sg_optimizer *optimizer, double least, double most) {
  if (optimizer->word == CURVED) optimizer->step = most > 0 ? 2 / (least + most) : 1;
}

double sg_optimizer_beside(const sg_optimizer *optimizer) {
  return optimizer->method == DGD_DEF ? -optimizer->step : 0;
}

bool sg_optimizer_is_beside(const sg_optimizer *optimizer) {
  return optimizer->method == DGD_DEF;
}

double sg_optimizer_step_size(const sg_optimizer *optimizer) {
  return optimizer->step;
}

double sg_optimizer_found_step(const sg_optimizer *optimizer) {
  return optimizer->word ? optimizer->step : NAN;
}

/* It remembers the previous model. */
static bool is_accelerated(const sg_optimizer *optimizer) {
  return optimizer->method == NESTEROV || optimizer->method == HEAVY_BALL;
}

int sg_optimizer_vectors(const sg_optimizer *optimizer) {
  return 1 + is_accelerated(optimizer) + optimizer->average;
}

int sg_optimizer_result(const sg_optimizer *optimizer) {
  return optimizer->average ? 1 + is_accelerated(optimizer) : 0;
}

bool sg_optimizer_projects(const sg_optimizer *optimizer) {
  return optimizer->radius < INFINITY;
}

/* β_t. In update 0 there is no previous model. */
static double momentum_at(const sg_optimizer *optimizer, long update) {
  if (!is_accelerated(optimizer) || update == 0) return 0;
  if (optimizer->momentum >= 0) return optimizer->momentum;
  return optimizer->method == NESTEROV ? (double)update / (double)(update + 3)
                                       : (double)(update - 1) / (double)(update + 2);
}

void sg_optimizer_point(const sg_optimizer *optimizer, long length, long update,
                        double *const *state, double *out) {
  const double *x = state[0];
  double beta = optimizer->method == NESTEROV ? momentum_at(optimizer, update) : 0;
  if (beta == 0) {
    memcpy(out, x, (size_t)length * sizeof *out);
    return;
  }
  const double *previous = state[1];
  for (long i = 0; i < length; i++) out[i] = x[i] + beta * (x[i] - previous[i]);
}

/* x = point − step (gradient + l2 · point) over n coordinates; point may be x. */
static SG_CLONES(descend,
                 (double step, double l2, long n, const double *point, const double *gradient,
                  double *x),
                 (step, l2, n, point, gradient, x)) {
  long i = 0;
  for (; i + 4 <= n; i += 4) {
    sg_v4 p = AT(point, i), g = AT(gradient, i);
    TO(x, i) = p - step * (g + l2 * p);
  }
  for (; i < n; i++) x[i] = point[i] - step * (gradient[i] + l2 * point[i]);
}

/* The same from x, with the last move again in part. */
static SG_CLONES(roll,
                 (double step, double l2, double beta, long n, const double *point,
                  const double *gradient, double *x, double *previous),
                 (step, l2, beta, n, point, gradient, x, previous)) {
  for (long i = 0; i < n; i++) {
    double now = x[i];
    x[i] = now + beta * (now - previous[i]) - step * (gradient[i] + l2 * point[i]);
    previous[i] = now;
  }
}

static void project(double radius, long n, double *x) {
  double sum = 0;
  for (long i = 0; i < n; i++) sum += x[i] * x[i];
  if (!(sum > radius * radius)) return;
  double scale = radius / sqrt(sum);
  for (long i = 0; i < n; i++) x[i] *= scale;
}

void sg_optimizer_step(const sg_optimizer *optimizer, const sg_problem *problem, long update,
                       double *const *state, const double *point, const double *gradient) {
  long l = problem->length, stride = problem->stride, free_ones = problem->unregularised;
  double beta = momentum_at(optimizer, update);
  if (optimizer->method == NESTEROV) memcpy(state[1], state[0], (size_t)l * sizeof(double));
  for (long b = 0; b < l; b += stride) {
    long n = stride - free_ones;
    if (optimizer->method == HEAVY_BALL) {
      roll(optimizer->step, problem->l2, beta, n, point + b, gradient + b, state[0] + b,
           state[1] + b);
      roll(optimizer->step, 0, beta, free_ones, point + b + n, gradient + b + n, state[0] + b + n,
           state[1] + b + n);
      continue;
    }
    descend(optimizer->step, problem->l2, n, point + b, gradient + b, state[0] + b);
    descend(optimizer->step, 0, free_ones, point + b + n, gradient + b + n, state[0] + b + n);
  }
  if (sg_optimizer_projects(optimizer)) project(optimizer->radius, l, state[0]);
  if (!optimizer->average) return;
  double *mean = state[sg_optimizer_result(optimizer)], share = 1 / (double)(update + 1);
  for (long i = 0; i < l; i++) mean[i] += share * (state[0][i] - mean[i]);
}
