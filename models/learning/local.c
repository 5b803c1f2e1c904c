/* SPDX-License-Identifier: MIT */
#include "models/learning/local.h"

#include <math.h>

long sg_local_size(const sg_local_optimizer *inner, long length) {
  if (!inner || inner->method == SG_INNER_SGD) return 0;
  return 1 + (inner->method == SG_INNER_ADAMW ? 2 : 1) * length;
}

static void roll(const sg_local_optimizer *inner, long n, double rate, const double *g, double *v,
                 double *x) {
  for (long i = 0; i < n; i++) {
    v[i] = inner->momentum * v[i] + g[i];
    x[i] -= rate * v[i];
  }
}

static void adam(const sg_local_optimizer *inner, const sg_problem *p, double t, double rate,
                 const double *g, double *m, double *v, double *x) {
  double b1 = inner->beta1, b2 = inner->beta2;
  double first = 1 - pow(b1, t), second = 1 - pow(b2, t);
  long decaying = p->stride - p->unregularised;
  for (long i = 0; i < p->length; i++) {
    if (i % p->stride < decaying) x[i] -= rate * inner->weight_decay * x[i];
    m[i] = b1 * m[i] + (1 - b1) * g[i];
    v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
    x[i] -= rate * (m[i] / first) / (sqrt(v[i] / second) + inner->epsilon);
  }
}

void sg_local_step(const sg_local_optimizer *inner, const sg_problem *problem, double rate,
                   const double *g, double *state, double *x) {
  long l = problem->length;
  if (inner->method == SG_INNER_SGD) {
    for (long i = 0; i < l; i++) x[i] -= rate * g[i];
    return;
  }
  double *first = state + 1;
  *state += 1;
  if (inner->method == SG_INNER_MOMENTUM)
    roll(inner, l, rate, g, first, x);
  else
    adam(inner, problem, *state, rate, g, first, first + l, x);
}
