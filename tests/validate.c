/* SPDX-License-Identifier: MIT */
/* Simulated means against closed forms and values found by quadrature.
 *
 * validate [--short] prints a Markdown table of z values (deviation in standard errors) and fails
 * when any |z| > 4 or Σz² is above the 99.9 % point of χ². Always seed 1; every target has a
 * replication number of its own, so that targets are independent. */
#include "sim/core/linalg.h"
#include "sim/experiment/block.h"
#include "sim/experiment/plan.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum measure { DURATION, RESPONSES, RESPONSES_WITHIN } measure;

typedef struct target {
  bool quick;         /* part of the short form */
  const char *source; /* section of the handbook, standing */
  int n;
  const char *scheme;  /* JSON members */
  const char *compute; /* delay members; NULL: the laws of the table for n = 8 */
  const char *uplink;
  measure what;
  int within; /* RESPONSES_WITHIN: P(R* ≤ within) */
  double value;
} target;

#define COMPUTE       "\"model\":\"shifted-exponential\",\"shift_s\":1.6,\"mean_excess_s\":1.25"
#define UPLINK        "\"model\":\"shifted-exponential\",\"shift_s\":6,\"mean_excess_s\":10"
#define NOTHING       "\"model\":\"none\""
#define NO_DELAY      "\"model\":\"deterministic\",\"value_s\":0"
#define YE_ABBE(d, m) "\"code\":\"ye-abbe\",\"d\":" #d ",\"m\":" #m ",\"construction\":\"random\""
#define GROUP(d, m)                                                                                \
  "\"code\":\"group\",\"d\":" #d ",\"m\":" #m ",\"linear_code\":\"harmonic\",\"stop\":"            \
  "\"decodable\""
#define CYCLIC(s) "\"code\":\"cyclic-repetition\",\"s\":" #s
#define FRC(s)    "\"code\":\"fractional-repetition\",\"s\":" #s

#define CELL(q, src, n, scheme, value)                                                             \
  { q, src, n, scheme, COMPUTE, UPLINK, DURATION, 0, value }

static const target targets[] = {
    CELL(true, "12.3, recalled", 8, "\"code\":\"uncoded\"", 36.1138),
    CELL(true, "12.3, recalled", 8, YE_ABBE(8, 1), 24.1063),
    CELL(true, "12.3, recalled", 8, YE_ABBE(2, 2), 23.1036),
    CELL(true, "12.3, recalled", 8, YE_ABBE(4, 3), 21.3697),
    CELL(false, "12.3, derived", 8, CYCLIC(1), 29.2288),
    CELL(false, "12.3, derived", 8, CYCLIC(2), 27.3351),
    CELL(false, "12.3, derived", 8, CYCLIC(3), 26.7469),
    CELL(false, "12.3, derived", 8, CYCLIC(4), 26.4574),
    CELL(false, "12.3, derived", 8, CYCLIC(5), 26.0891),
    CELL(false, "12.3, derived", 8, CYCLIC(6), 25.4172),
    CELL(false, "12.3, derived", 8, YE_ABBE(3, 2), 21.3994),
    CELL(true, "12.3, derived (a = b)", 8, YE_ABBE(4, 2), 21.5369),
    CELL(false, "12.3, derived", 8, YE_ABBE(5, 2), 21.9114),
    CELL(false, "12.3, derived", 8, YE_ABBE(6, 2), 22.2099),
    CELL(false, "12.3, derived", 8, YE_ABBE(7, 2), 22.3189),
    CELL(false, "12.3, derived", 8, YE_ABBE(8, 2), 22.1405),
    CELL(false, "12.3, derived", 8, YE_ABBE(3, 3), 22.2604),
    CELL(false, "12.3, derived", 8, YE_ABBE(5, 3), 21.5749),
    CELL(false, "12.3, derived", 8, YE_ABBE(6, 3), 21.9095),
    CELL(false, "12.3, derived", 8, YE_ABBE(7, 3), 22.1707),
    CELL(false, "12.3, derived", 8, YE_ABBE(8, 3), 22.2772),
    CELL(true, "12.5, derived", 8, GROUP(2, 1), 22.3621),
    CELL(false, "12.5, derived", 8, GROUP(2, 2), 23.1036),
    CELL(false, "12.5, derived", 8, GROUP(4, 1), 20.2353),
    CELL(true, "12.5, derived", 8, GROUP(4, 2), 18.4528),
    CELL(false, "12.5, derived", 8, GROUP(4, 3), 19.7250),
    CELL(true, "12.5, derived", 8, FRC(3), 20.2353),
    CELL(false, "12.5, derived", 12, CYCLIC(1), 33.0995),
    CELL(false, "12.5, derived", 12, CYCLIC(2), 31.3525),
    CELL(false, "12.5, derived", 12, YE_ABBE(4, 2), 24.2153),
    CELL(false, "12.5, derived", 12, YE_ABBE(6, 3), 25.1052),
    CELL(false, "12.5, derived", 12, GROUP(2, 1), 24.2494),
    CELL(false, "12.5, derived", 12, GROUP(3, 1), 21.6374),
    CELL(false, "12.5, derived", 12, GROUP(3, 2), 20.0540),
    CELL(false, "12.5, derived", 12, GROUP(3, 3), 23.9540),
    CELL(false, "12.5, derived", 12, GROUP(4, 1), 21.4433),
    CELL(true, "12.5, derived", 12, GROUP(4, 2), 19.5255),
    CELL(false, "12.5, derived", 12, GROUP(4, 3), 20.9572),
    CELL(false, "12.5, derived", 12, GROUP(6, 1), 22.8876),
    CELL(false, "12.5, derived", 12, GROUP(6, 2), 20.8454),
    CELL(false, "12.5, derived", 12, GROUP(6, 3), 21.3005),
    CELL(false, "12.5, derived", 12, GROUP(6, 4), 23.1136),
    CELL(false, "12.5, derived", 12, GROUP(6, 5), 26.8363),
    /* Response counts hold for any iid delays. */
    {true, "5.5, derived", 8, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES, 0, 4.6286},
    {false, "5.5, derived", 8, GROUP(4, 1), COMPUTE, UPLINK, RESPONSES, 0, 2.6000},
    {false, "5.5, derived", 8, GROUP(4, 3), COMPUTE, UPLINK, RESPONSES, 0, 6.4286},
    {false, "5.5, derived", 12, GROUP(3, 2), COMPUTE, UPLINK, RESPONSES, 0, 9.5273},
    {false, "5.5, derived", 12, GROUP(4, 1), COMPUTE, UPLINK, RESPONSES, 0, 4.4667},
    {true, "5.5, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES, 0, 7.4753},
    {false, "5.5, derived", 12, GROUP(4, 3), COMPUTE, UPLINK, RESPONSES, 0, 9.9818},
    {false, "5.5, derived", 12, GROUP(6, 3), COMPUTE, UPLINK, RESPONSES, 0, 6.8701},
    {false, "5.5, derived", 8, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 4, .5143},
    {false, "5.5, derived", 8, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 5, .8571},
    {false, "5.5, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 6, .2338},
    {false, "5.5, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 7, .5455},
    {false, "5.5, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 8, .8000},
    {false, "5.5, derived", 12, GROUP(4, 2), COMPUTE, UPLINK, RESPONSES_WITHIN, 9, .9455},
    /* Computation only: E[T] = d t1 + (d/λ)(H(n) − H(d−1)); repetition: d t1 + H(n/d)/λ. */
    {true, "2.3, derived", 12, CYCLIC(2), COMPUTE, NOTHING, DURATION, 0,
     3 * 1.6 + 3 * 1.25 * (3.1032106782106783 - 1.5)},
    {false, "2.3, derived", 12, FRC(2), COMPUTE, NOTHING, DURATION, 0, 3 * 1.6 + 1.25 * 25 / 12},
    {false, "2.3, derived", 12, "\"code\":\"uncoded\"", COMPUTE, NOTHING, DURATION, 0,
     1.6 + 1.25 * 3.1032106782106783},
    /* Communication only, d = n = 12: t2/m + (H(n) − H(n−m))/(m λ). */
    {false, "12.2 T-5, derived", 12, YE_ABBE(12, 1), NO_DELAY,
     "\"model\":\"shifted-exponential\",\"shift_s\":1,\"mean_excess_s\":1", DURATION, 0,
     1.083333333},
    {true, "12.2 T-5, derived", 12, YE_ABBE(12, 9), NO_DELAY,
     "\"model\":\"shifted-exponential\",\"shift_s\":1,\"mean_excess_s\":1", DURATION, 0,
     1.0 / 9 + (3.1032106782106783 - 11.0 / 6) / 9},
};

typedef struct sums {
  const target *t;
  double n, sum, squares;
  char label[128];
} sums;

static bool add_row(void *user, int replication, const sg_iteration_record *row, int n_workers,
                    const sg_worker_record *worker) {
  (void)replication, (void)n_workers, (void)worker;
  sums *s = user;
  double x = row->duration_s;
  if (s->t->what == RESPONSES) x = row->n_received;
  if (s->t->what == RESPONSES_WITHIN) x = row->n_received <= s->t->within;
  double d = x - s->t->value; /* deviations keep the sum of squares exact */
  s->n++;
  s->sum += d;
  s->squares += d * d;
  return true;
}

static bool finish(void *user, int replication, const sg_run_row *run,
                   const sg_summary_record *summary, int n,
                   const sg_worker_summary_record *worker) {
  (void)user, (void)replication, (void)summary, (void)n, (void)worker;
  return strcmp(run->stop_reason, "iterations") == 0;
}

static void report(const char *scheme, sg_error *e) {
  fprintf(stderr, "validate: %s\n", scheme);
  for (int i = 0; i < e->count; i++)
    fprintf(stderr, "  %s: %s\n", e->fault[i].place, e->fault[i].message);
}

/* Runs one target; false when it could not be run. */
static bool run(const target *t, int replication, long iterations, sums *s) {
  char text[2048];
  /* 5040 is divisible by every m used here: padding would lengthen messages. */
  snprintf(text, sizeof text,
           "{\"format\":1,\"cluster\":{\"workers\":%d},\"delay\":{%s,\"unit\":\"subset\"},"
           "\"network\":{\"uplink\":{%s}},\"learning\":{\"problem\":\"none\",\"length\":5040},"
           "\"schemes\":[{%s}],\"random\":{\"seed\":1},\"stop\":{\"iterations\":%ld}}",
           t->n, t->compute, t->uplink, t->scheme, iterations);
  sg_error e = {0};
  sg_scenario *scenario = NULL;
  sg_plan *plan = NULL;
  sg_world *world = NULL;
  *s = (sums){.t = t};
  sg_status status = sg_scenario_parse("validate.json", text, strlen(text), 0, NULL, &scenario, &e);
  if (status == SG_OK) status = sg_plan_new(scenario, &plan, &e);
  if (status == SG_OK) status = sg_world_new(plan->point[0].point, plan->cache, NULL, &world, &e);
  if (status == SG_OK) memcpy(s->label, world->label, sizeof s->label);
  const sg_block_options options = {0};
  const sg_sink sink = {.user = s, .row = add_row, .finish = finish};
  if (status == SG_OK) status = sg_block_run(world, 1, &replication, &options, &sink, &e);
  if (status != SG_OK) report(t->scheme, &e);
  if (plan) sg_world_free(world, plan->cache);
  sg_plan_free(plan);
  sg_scenario_free(scenario);
  sg_error_clear(&e);
  return status == SG_OK;
}

int main(int argc, char **argv) {
  enum { ITERATIONS = 100000 };
  bool quick = argc > 1 && strcmp(argv[1], "--short") == 0;
  static const char *const names[] = {"E[T] / s", "E[R*]", "P(R* ≤ f)"};
  int count = 0, outside = 0, failed = 0;
  sg_blas_single_thread();
  double chi2 = 0;
  printf("| source | n | scheme | quantity | target | simulated | standard error | z |\n"
         "|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    const target *t = &targets[i];
    if (quick && !t->quick) continue;
    sums s;
    if (!run(t, (int)i, ITERATIONS, &s)) {
      failed++;
      continue;
    }
    double mean = s.sum / s.n, sd = sqrt((s.squares - s.n * mean * mean) / (s.n - 1));
    double error = sd / sqrt(s.n), z = mean / error;
    char quantity[64];
    snprintf(quantity, sizeof quantity, "%s", names[t->what]);
    if (t->what == RESPONSES_WITHIN) snprintf(quantity, sizeof quantity, "P(R* ≤ %d)", t->within);
    printf("| %s | %d | %s%s | %s | %.4f | %.4f | %.4f | %+.2f |\n", t->source, t->n, s.label,
           strcmp(t->uplink, NOTHING) == 0     ? ", computation only"
           : strcmp(t->compute, NO_DELAY) == 0 ? ", communication only"
                                               : "",
           quantity, t->value, t->value + mean, error, z);
    fflush(stdout);
    chi2 += z * z;
    count++;
    if (!(fabs(z) <= 4)) outside++;
  }
  double bound = gsl_cdf_chisq_Pinv(0.999, count);
  printf(
      "\n%d targets, %d iterations each, seed 1: %d with |z| > 4; Σz² = %.1f, 99.9 %% point of χ² "
      "with %d degrees of freedom %.1f.\n",
      count, ITERATIONS, outside, chi2, count, bound);
  int bad = failed + outside + !(chi2 < bound);
  printf("%d passed, %d failed\n", count - outside, bad);
  return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
