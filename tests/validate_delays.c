/* SPDX-License-Identifier: MIT */
/* Delay models against closed forms and values found by quadrature.
 *
 * validate_delays [--short] prints a Markdown table of z values and fails when any |z| > 4. Always
 * seed 1; every target has a replication number of its own. */
#include "models/delay/delay.h"
#include "sim/core/array.h"
#include "sim/core/linalg.h"
#include "tests/support/point.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 12, BATCHES = 50 };

/* What an iteration gives, from the times and erasures of its workers. */
typedef enum measure { ORDER, MEAN, SLOW, BURST_END, BOTH, ERASED_BOTH } measure;

typedef struct target {
  const char *name, *delay, *cluster;
  measure what;
  int rank; /* ORDER: the rank-th least of N times, from 1 */
  double value;
} target;

#define ONE    "'model': 'deterministic', 'value_s': 1"
#define PLAIN  "'workers': 12"
#define MEMORY ONE ", 'memory': {'slow_share': 0.2, 'mean_slow_iterations': 5, 'slowdown': 3}"
#define STALL(share)                                                                               \
  ONE ", 'stalls': {'probability': 0.1, " share "'length': {'model': 'exponential', 'mean_s': "    \
      "10}}"

/* Order statistics: ∫ P(X₍ᵣ₎ > t) dt by Simpson's rule (Weibull with shape 1/2, gamma, lognormal,
 * mixture), else closed forms: sums over the binomial law (bimodal, empirical), inclusion and
 * exclusion (Weibull), ratios of gamma functions (Pareto). All derived. */
static const target targets[] = {
    {"Weibull, shape 2: greatest", "'model': 'weibull', 'scale_s': 2, 'shape': 2", PLAIN, ORDER, 12,
     3.45709141720707},
    {"Weibull, shape 2: least", "'model': 'weibull', 'scale_s': 2, 'shape': 2", PLAIN, ORDER, 1,
     0.5116633539732443},
    {"Weibull, shape 1/2, shifted: 10th",
     "'model': 'weibull', 'shift_s': 1, 'scale_s': 0.5, 'shape': 0.5", PLAIN, ORDER, 10,
     2.4426305585745283},
    {"gamma, shape 4: 9th", "'model': 'gamma', 'mean_s': 3, 'shape': 4", PLAIN, ORDER, 9,
     3.629819104973066},
    {"gamma, shape 4: greatest", "'model': 'gamma', 'mean_s': 3, 'shape': 4", PLAIN, ORDER, 12,
     5.873771772536032},
    {"lognormal, σ = 1/2: 9th", "'model': 'lognormal', 'median_s': 2, 'sigma': 0.5", PLAIN, ORDER,
     9, 2.662174790633911},
    {"lognormal, σ = 1/2: greatest", "'model': 'lognormal', 'median_s': 2, 'sigma': 0.5", PLAIN,
     ORDER, 12, 4.711426239314648},
    {"Pareto, shape 3: 10th", "'model': 'pareto', 'minimum_s': 1, 'shape': 3", PLAIN, ORDER, 10,
     1.738251793624845},
    {"bimodal: 10th", "'model': 'bimodal', 'fast_s': 1, 'slow_s': 5, 'slow_probability': 0.2",
     PLAIN, ORDER, 10, 2.7666170060800015},
    {"mixture: 10th",
     "'model': 'mixture', 'components': [{'model': 'exponential', 'mean_s': 1, 'weight': 0.75}, "
     "{'model': 'deterministic', 'value_s': 4, 'weight': 0.25}]",
     PLAIN, ORDER, 10, 3.382621987885307},
    {"empirical: 9th", "'model': 'empirical', 'values_s': [1, 2, 2, 7]", PLAIN, ORDER, 9,
     3.755715250968933},
    {"memory: share of slow times", MEMORY, PLAIN, SLOW, 0, 0.2},
    /* A slow iteration is the last of its burst with probability p_recover. */
    {"memory: slow, then not", MEMORY, PLAIN, BURST_END, 0, 0.2 * 0.2},
    {"common factor, gamma: mean", ONE ", 'common': {'model': 'gamma', 'shape': 4}", PLAIN, MEAN, 0,
     1},
    /* E[max of exponential times] · E[factor]. */
    {"common factor: greatest",
     "'model': 'exponential', 'mean_s': 1, 'common': {'model': 'gamma', 'shape': 4}", PLAIN, ORDER,
     12, 3.103210678210678},
    {"stalls: seconds added", STALL(""), PLAIN, MEAN, 0, 1 + 0.1 * 10},
    {"stalls: two at once", STALL(""), PLAIN, BOTH, 0, 0.1 * 0.1},
    {"clustered stalls: seconds added", STALL("'share': 0.5, "), PLAIN, MEAN, 0, 1 + 0.1 * 10},
    {"clustered stalls: two at once", STALL("'share': 0.5, "), PLAIN, BOTH, 0, 0.1 * 0.5},
    {"random speed, lognormal: mean", ONE,
     PLAIN ", 'random_speed': {'model': 'lognormal', 'sigma': 0.5}", MEAN, 0, 1.1331484530668263},
    {"erasure, 3 of 12: workers 0 and 1", ONE,
     PLAIN ", 'erasure': {'model': 'uniform', 'count': 3}", ERASED_BOTH, 0, 3.0 * 2 / (12 * 11)},
    {"erasure, burst of 3: workers 0 and 1", ONE,
     PLAIN ", 'erasure': {'model': 'burst', 'count': 3}", ERASED_BOTH, 0, 2.0 / 12},
};

static double measured(const target *t, sg_delay_run *run, uint32_t iteration) {
  double x[N], sum = 0;
  for (int w = 0; w < N; w++) {
    x[w] = sg_delay_seconds(run, w, iteration, 0, 1, 1);
    sum += t->what == SLOW ? x[w] == 3 : x[w];
  }
  switch (t->what) {
  case ORDER: sg_sort_doubles(x, N); return x[t->rank - 1];
  case MEAN:
  case SLOW: return sum / N;
  case BURST_END: return x[0] == 3 && sg_delay_seconds(run, 0, iteration + 1, 0, 1, 1) == 1;
  case BOTH: return x[0] > 1 && x[1] > 1;
  case ERASED_BOTH: return sg_delay_erased(run, 0, iteration) && sg_delay_erased(run, 1, iteration);
  }
  return NAN;
}

/* Standard errors come from the means of batches, each a replication of its own: iterations may
 * depend on each other, replications do not. */
static bool evaluate(const target *t, int number, int iterations, double *mean, double *error) {
  char delay[512], cluster[256];
  test_point p;
  sg_error e = {0};
  sg_delay *d = NULL;
  double sum = 0, squares = 0;
  snprintf(delay, sizeof delay, "{%s}", t->delay);
  snprintf(cluster, sizeof cluster, "{%s}", t->cluster);
  test_point_make(&p, delay, cluster);
  sg_status status = sg_delay_new(sg_object(p.point->values, "cluster"),
                                  sg_object(p.point->values, "delay"), N, 0, 1, &d, &e);
  test_point_free(&p);
  for (int b = 0; b < BATCHES && status == SG_OK; b++) {
    sg_delay_run *run = sg_delay_run_new(d, (uint32_t)(number * BATCHES + b));
    if (!run) return false;
    double m = 0;
    for (int i = 0; i < iterations / BATCHES; i++)
      m += measured(t, run, (uint32_t)i) / (iterations / BATCHES);
    sg_delay_run_free(run);
    sum += m - t->value;
    squares += (m - t->value) * (m - t->value);
  }
  sg_delay_free(d);
  sg_error_clear(&e);
  double off = sum / BATCHES;
  *mean = t->value + off;
  *error = sqrt((squares / BATCHES - off * off) / (BATCHES - 1));
  return status == SG_OK;
}

int main(int argc, char **argv) {
  int iterations = argc > 1 && strcmp(argv[1], "--short") == 0 ? 5000 : 200000, bad = 0, count = 0;
  sg_blas_single_thread();
  printf(
      "| delay model, n = 12 | target | simulated | standard error | z |\n|---|---|---|---|---|\n");
  for (; count < (int)(sizeof targets / sizeof *targets); count++) {
    double mean, error;
    if (!evaluate(&targets[count], count, iterations, &mean, &error)) {
      printf("%s: failed\n", targets[count].name);
      bad++;
      continue;
    }
    double z = (mean - targets[count].value) / error;
    printf("| %s | %.6g | %.6g | %.2g | %+.2f |\n", targets[count].name, targets[count].value, mean,
           error, z);
    if (!(fabs(z) <= 4)) bad++;
  }
  printf("\n%d targets, %d iterations each, seed 1: %d with |z| > 4.\n%d passed, %d failed\n",
         count, iterations, bad, count - bad, bad);
  return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
