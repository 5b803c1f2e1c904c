/* SPDX-License-Identifier: MIT */
/* Density evolution of rateless and of regular LDPC codes. */
#include "codes/tools/density_evolution.h"

#include <math.h>

double sg_degrees_mean(const sg_degrees *law) {
  double mean = 0;
  for (int k = 1; k <= law->most; k++) mean += k * law->chance[k];
  return mean;
}

int sg_raptor_degrees(double eps, int most, double *chance) {
  double u = 2 * eps * (1 - 2 * eps) / ((1 - 4 * eps) * (1 - 4 * eps));
  double whole = floor(1 / eps * (1 + 1e-12)); /* 1/0.1 is 10 */
  int last = whole + 1 < most ? (int)whole + 1 : most;
  for (int k = 0; k <= last; k++) chance[k] = k > 1 ? 1 / (k * (k - 1.0) * (u + 1)) : 0;
  /* What is above `last`, that degree included: Σ_{k ≥ last} of 1/(k (k − 1)) is 1/(last − 1). */
  if (last > 1) chance[last] = 1 / ((last - 1) * (u + 1));
  chance[1] = last > 1 ? u / (u + 1) : 1;
  return last;
}

double sg_evolve_rateless(const sg_degrees *law, double ratio) {
  double x = 1;
  for (long round = 0; round < 1000000; round++) {
    double edges = 0;
    for (int k = law->most; k >= 1; k--) edges = edges * (1 - x) + k * law->chance[k];
    double next = exp(-ratio * edges);
    if (fabs(next - x) < 1e-14) return next;
    x = next;
  }
  return x;
}

void sg_evolve_ldpc(int left, int right, double p, int rounds, double *q) {
  double x = p;
  for (int t = 0; t < rounds; t++) {
    double unknown = 1 - pow(1 - x, right - 1);
    q[t] = p * pow(unknown, left);
    x = p * pow(unknown, left - 1);
  }
}

static double bound_at(int left, int right, double x) {
  return x / pow(1 - pow(1 - x, right - 1), left - 1);
}

double sg_ldpc_threshold(int left, int right) {
  enum { STEPS = 2000 };
  int best = STEPS;
  for (int k = 1; k <= STEPS; k++)
    if (bound_at(left, right, (double)k / STEPS) < bound_at(left, right, (double)best / STEPS))
      best = k;
  /* Near the best point of the grid the function has one minimum: thirds of the interval. */
  double low = (best - 1.0) / STEPS, high = best < STEPS ? (best + 1.0) / STEPS : 1;
  if (best == 1) low = 0.5 / STEPS;
  for (int i = 0; i < 100; i++) {
    double a = low + (high - low) / 3, b = high - (high - low) / 3;
    if (bound_at(left, right, a) < bound_at(left, right, b))
      high = b;
    else
      low = a;
  }
  return bound_at(left, right, (low + high) / 2);
}
