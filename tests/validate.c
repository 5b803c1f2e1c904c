/* SPDX-License-Identifier: MIT */
/* Simulated means against exact values, those of `straggle expect`'s module.
 *
 * validate [--short] prints a Markdown table of z values (deviation in standard errors) and fails
 * when any |z| > 4, Σz² is above the 99.9 % point of χ², or an exact value is not the printed one.
 * Always seed 1; every target has a replication number of its own, so that targets are independent.
 */
#include "sim/core/linalg.h"
#include "sim/expect/expect.h"
#include "sim/experiment/block.h"
#include "tests/support/targets.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sums {
  const target *t;
  double exact; /* by quadrature */
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
  double d = x - s->exact; /* deviations keep the sum of squares exact */
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

/* The exact value; NAN where the module has none. */
static double exact_value(const target *t, const sg_world *world) {
  sg_error e = {0};
  sg_expectation *x = NULL;
  double value = NAN;
  if (sg_expect(world, &x, &e) != SG_OK)
    report(t->scheme, &e);
  else if (t->what == DURATION)
    value = x->mean;
  else if (t->what == RESPONSES)
    value = x->responses;
  else
    value = x->within[t->within];
  sg_expectation_free(x);
  sg_error_clear(&e);
  return value;
}

/* Runs one target; false when it could not be run. */
static bool run(const target *t, int replication, long iterations, sums *s) {
  sg_error e = {0};
  target_world w;
  *s = (sums){.t = t};
  if (!target_open(t, iterations, &w)) return false;
  memcpy(s->label, w.world->label, sizeof s->label);
  s->exact = exact_value(t, w.world);
  const sg_block_options options = {0};
  const sg_sink sink = {.user = s, .row = add_row, .finish = finish};
  sg_status status =
      isnan(s->exact) ? SG_INVALID : sg_block_run(w.world, 1, &replication, &options, &sink, &e);
  if (status != SG_OK) report(t->scheme, &e);
  target_close(&w);
  sg_error_clear(&e);
  return status == SG_OK;
}

int main(int argc, char **argv) {
  enum { ITERATIONS = 100000 };
  bool quick = argc > 1 && strcmp(argv[1], "--short") == 0;
  static const char *const names[] = {"E[T] / s", "E[R*]", "P(R* ≤ f)"};
  int count = 0, outside = 0, failed = 0, misprinted = 0;
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  double chi2 = 0;
  printf("| source | n | scheme | quantity | printed | exact | simulated | standard error | z |\n"
         "|---|---|---|---|---|---|---|---|---|\n");
  for (int i = 0; i < n_targets; i++) {
    const target *t = &targets[i];
    if (quick && !t->quick) continue;
    sums s;
    if (!run(t, i, ITERATIONS, &s)) {
      failed++;
      continue;
    }
    double mean = s.sum / s.n, sd = sqrt((s.squares - s.n * mean * mean) / (s.n - 1));
    double error = sd / sqrt(s.n), z = mean / error;
    char quantity[64];
    snprintf(quantity, sizeof quantity, "%s", names[t->what]);
    if (t->what == RESPONSES_WITHIN) snprintf(quantity, sizeof quantity, "P(R* ≤ %d)", t->within);
    printf("| %s | %d | %s%s | %s | %s | %.6f | %.4f | %.4f | %+.2f |\n", t->source, t->n, s.label,
           target_kind(t), quantity,
           t->printed         ? t->printed
           : isnan(t->closed) ? ""
                              : "closed form",
           s.exact, s.exact + mean, error, z);
    fflush(stdout);
    chi2 += z * z;
    count++;
    if (!(fabs(z) <= 4)) outside++;
    if (!target_met(t, s.exact)) misprinted++;
  }
  double bound = gsl_cdf_chisq_Pinv(0.999, count);
  printf(
      "\n%d targets, %d iterations each, seed 1: %d exact values differ from the printed digits; "
      "%d with |z| > 4; Σz² = %.1f, 99.9 %% point of χ² with %d degrees of freedom %.1f.\n",
      count, ITERATIONS, misprinted, outside, chi2, count, bound);
  int bad = failed + outside + misprinted + !(chi2 < bound);
  printf("%d passed, %d failed\n", count - outside, bad);
  return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
