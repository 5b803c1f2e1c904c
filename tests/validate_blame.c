/* SPDX-License-Identifier: MIT */
/* The rates of `blame`: how often the interval of "time with a worker over time without it" holds
 * the ratio, and how often a worker on the threshold is evicted, or kept.
 *
 * validate_blame [--short] [SEED] prints a Markdown table and fails where a rate is further from
 * what is claimed than four of its standard errors.
 *
 * Times are exponential with mean 1, of worker 0 with mean c: so the ratio is known in closed form,
 * E max of n − 1 being H, and with worker 0 H + c E exp(−max / c), a product. Iterations of a
 * worker are independent, or hang together by a Gaussian AR(1), whose marginal law is the same. */
#include "results/answers/blame.h"
#include "sim/core/random.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORKERS = 64 };

typedef struct setting {
  const char *name;
  int workers;
  long iterations;
  double memory;     /* lag-1 autocorrelation of the Gaussian series */
  bool simultaneous; /* all intervals together */
  double claimed;    /* rate of each kind of false verdict */
} setting;

static const setting settings[] = {
    {"independent", 12, 240, 0, false, 0.025},
    {"independent", 12, 2000, 0, false, 0.025},
    {"independent, 64 workers", 64, 500, 0, false, 0.025},
    {"AR(1), 0.9", 12, 2000, 0.9, false, 0.04},
    /* Blocks that are worth few independent iterations, of which the command warns. */
    {"independent, few iterations", 12, 40, 0, false, 0.06},
    {"AR(1), 0.5", 12, 240, 0.5, false, 0.06},
    {"AR(1), 0.9, short", 12, 240, 0.9, false, 0.15},
    {"independent, simultaneous", 12, 240, 0, true, 0.025 / 12},
};

/* E max of n − 1 independent exponentials, and its ratio with one more of mean c. */
static double ratio_with(int n, double c) {
  double harmonic = 0, product = 1;
  for (int k = 1; k < n; k++) {
    harmonic += 1.0 / k;
    product *= k / (k + 1 / c);
  }
  return (harmonic + c * product) / harmonic;
}

/* The mean at which worker 0 is on the threshold. */
static double threshold(int n) {
  double low = 1, high = 100;
  for (int i = 0; i < 200; i++) {
    double middle = (low + high) / 2;
    if (ratio_with(n, middle) < n / (n - 1.0))
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

static void simulate(gsl_rng *r, const setting *s, double c, double *time) {
  double state[MOST_WORKERS];
  for (int w = 0; w < s->workers; w++) state[w] = gsl_ran_gaussian(r, 1);
  for (long t = 0; t < s->iterations; t++)
    for (int w = 0; w < s->workers; w++) {
      double fresh = gsl_ran_gaussian(r, 1);
      state[w] = s->memory * state[w] + sqrt(1 - s->memory * s->memory) * fresh;
      time[t * s->workers + w] = -log(gsl_cdf_ugaussian_Q(state[w])) * (w ? 1 : c);
    }
}

static int failures;

/* A rate that is claimed to be at most so much. */
static void require(const char *what, const setting *s, double rate, double claimed, int n) {
  if (rate <= claimed + 4 * sqrt(claimed * (1 - claimed) / n)) return;
  printf("FAILED: %s: %s %.4f, claimed %.4f\n", s->name, what, rate, claimed);
  failures++;
}

static void try_setting(gsl_rng *r, const setting *s, int experiments) {
  double c = threshold(s->workers), bound = s->workers / (s->workers - 1.0);
  int missed = 0, evicted = 0, kept = 0, any = 0, known = 0, warned = 0;
  double *time = malloc((size_t)s->iterations * (size_t)s->workers * sizeof *time);
  for (int i = 0; time && i < experiments; i++) {
    sg_blame b = {0};
    sg_arrivals a = {.workers = s->workers, .iterations = s->iterations, .time = time};
    simulate(r, s, c, time);
    if (sg_blame_find(&a, s->simultaneous, &b, NULL)) abort();
    bool some = false;
    for (int k = 0; k < b.n; k++) {
      const sg_blamed *w = &b.worker[k];
      some |= w->keep == SG_BLAME_EVICT;
      if (w->worker != 0) continue;
      known++;
      missed += w->evict.low > bound || w->evict.high < bound;
      evicted += w->keep == SG_BLAME_EVICT;
      kept += w->keep == SG_BLAME_KEEP;
    }
    any += some;
    warned += b.effective < 10;
    sg_blame_clear(&b);
  }
  free(time);
  double n = known;
  printf("| %s | %d | %ld | %.1f | %.1f | %.1f | %.1f | %.0f |\n", s->name, s->workers,
         s->iterations, 100 * (1 - missed / n), 100 * evicted / n, 100 * kept / n, 100 * any / n,
         100 * warned / n);
  require("intervals that miss", s, missed / n, 2 * s->claimed, known);
  require("false evictions", s, evicted / n, s->claimed, known);
  require("false keeping", s, kept / n, s->claimed, known);
  if (s->simultaneous) require("any false eviction", s, any / n, 0.025, known);
}

int main(int argc, char **argv) {
  bool brief = argc > 1 && !strcmp(argv[1], "--short");
  unsigned long seed = argc > 1 + brief ? strtoul(argv[1 + brief], NULL, 10) : 5;
  gsl_rng *r = gsl_rng_alloc(gsl_rng_mt19937);
  gsl_rng_set(r, seed);
  printf("Worker 0 on the threshold: the ratio is n/(n − 1), so that every verdict on it is "
         "false.\n\n"
         "| times | workers | iterations | interval holds (%%) | evicted (%%) | kept (%%) | some "
         "worker evicted (%%) | warned (%%) |\n|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    try_setting(r, &settings[i], brief ? 200 : 4000);
  gsl_rng_free(r);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
