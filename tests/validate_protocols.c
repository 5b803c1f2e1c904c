/* SPDX-License-Identifier: MIT */
/* Simulated means of protocols against known values (tests/targets).
 *
 *   validate_protocols [--short] [TOPIC]
 *
 * prints a Markdown table of z values (deviation beyond a target's tolerance, in combined standard
 * errors) and fails when any |z| > 4. 100,000 iterations each (10,000 with --short), seed 1; every
 * target has a replication number of its own, so that targets are independent. Iterations of one
 * run may hang together: the standard error is that of 100 batch means. Where the scenario draws
 * codes anew, a run has ten iterations. */
#include "sim/core/linalg.h"
#include "sim/experiment/block.h"
#include "tests/support/targets.h"
#include "tests/targets/targets.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCHES = 100, ANEW = 10 };

#define X(name) extern const rate_target name##_targets[];
#include "tests/targets/list.h"
#undef X

static const struct topic {
  const char *name;
  const rate_target *target;
} topics[] = {
#define X(name) {#name, name##_targets},
#include "tests/targets/list.h"
#undef X
};

typedef struct sums {
  const rate_target *t;
  long n, iterations;
  double batch[BATCHES];
} sums;

static bool add_row(void *user, int replication, const sg_iteration_record *row, int n_workers,
                    const sg_worker_record *worker) {
  (void)replication, (void)n_workers, (void)worker;
  sums *s = user;
  double x = s->t->of ? s->t->of(row) : row->duration_s;
  s->batch[s->n++ * BATCHES / s->iterations] += x * BATCHES / (double)s->iterations;
  return true;
}

static bool finish(void *user, int replication, const sg_run_row *run,
                   const sg_summary_record *summary, int n,
                   const sg_worker_summary_record *worker) {
  (void)user, (void)replication, (void)summary, (void)n, (void)worker;
  return strcmp(run->stop_reason, "iterations") == 0;
}

static sg_status run_one(const sg_world *world, int replication, sums *s, sg_error *e) {
  const sg_block_options options = {0};
  const sg_sink sink = {.user = s, .row = add_row, .finish = finish};
  return sg_block_run(world, 1, &replication, &options, &sink, e);
}

/* Replications from number 0 on, each with a code of its own. */
static sg_status run_anew(const target_world *w, sums *s, sg_error *e) {
  sg_status status = SG_OK;
  for (int replication = 0; !status && s->n < s->iterations; replication++) {
    sg_world *world;
    status = sg_world_of(w->plan->point[0].point, replication, w->plan->cache, NULL, &world, e);
    if (status) break;
    status = run_one(world, replication, s, e);
    sg_world_free(world, w->plan->cache);
  }
  return status;
}

/* Runs one target; its scheme's label, or NULL when it could not be run. */
static char *run(const rate_target *t, int replication, long iterations, sums *s) {
  char text[4096];
  sg_error e = {0};
  target_world w;
  *s = (sums){.t = t, .iterations = iterations};
  size_t length = strlen(t->scenario) - 1; /* up to the last brace */
  bool anew = strstr(t->scenario, "delays+code");
  snprintf(text, sizeof text, "%.*s,\"stop\":{\"iterations\":%ld}}", (int)length, t->scenario,
           anew ? ANEW : iterations);
  if (!target_open_text(text, &w)) return NULL;
  char *label = strdup(w.world->label);
  sg_status status = anew ? run_anew(&w, s, &e) : run_one(w.world, replication, s, &e);
  for (int i = 0; i < e.count; i++)
    fprintf(stderr, "validate_protocols: %s: %s: %s\n", label, e.fault[i].place,
            e.fault[i].message);
  target_close(&w);
  sg_error_clear(&e);
  if (!status && s->n == iterations) return label;
  free(label);
  return NULL;
}

/* Mean, and its standard error from the batches. */
static double mean_of(const sums *s, double *error) {
  double mean = 0, squares = 0;
  for (int b = 0; b < BATCHES; b++) mean += s->batch[b] / BATCHES;
  for (int b = 0; b < BATCHES; b++) squares += (s->batch[b] - mean) * (s->batch[b] - mean);
  *error = sqrt(squares / (BATCHES - 1) / BATCHES);
  return mean;
}

int main(int argc, char **argv) {
  bool quick = argc > 1 && strcmp(argv[1], "--short") == 0;
  const char *only = argc > 1 + quick ? argv[1 + quick] : NULL;
  long iterations = quick ? 10000 : 100000;
  int count = 0, failed = 0, outside = 0;
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  printf("| topic | source | scheme | quantity | known (standard error) | simulated | standard "
         "error | z |\n|---|---|---|---|---|---|---|---|\n");
  for (size_t k = 0; k < sizeof topics / sizeof *topics; k++) {
    if (only && strcmp(only, topics[k].name) != 0) continue;
    for (const rate_target *t = topics[k].target; t->scenario; t++, count++) {
      sums s;
      bool fewer = t->iterations > 0 && t->iterations < iterations;
      char *label = run(t, count, fewer ? t->iterations : iterations, &s);
      if (!label) {
        failed++;
        continue;
      }
      double error, mean = mean_of(&s, &error), slack = t->tolerance * fabs(t->value);
      double off = fmax(fabs(mean - t->value) - slack, 0);
      /* What never varies must be met to rounding. */
      double z = copysign(off, mean - t->value) /
                 hypot(hypot(error, t->error), 1e-9 * fmax(fabs(t->value), 1e-9));
      if (!(fabs(z) <= 4)) outside++;
      printf("| %s | %s | %s | %s | %.7g (%.2g) | %.7g | %.2g | %+.2f |\n", topics[k].name,
             t->source, label, t->quantity ? t->quantity : "E[T] / s", t->value, t->error, mean,
             error, z);
      fflush(stdout);
      free(label);
    }
  }
  printf("\n%d targets, %ld iterations each, seed 1; %d with |z| > 4, %d could not be run.\n",
         count, iterations, outside, failed);
  printf("%d passed, %d failed\n", count - outside - failed, outside + failed);
  return count == 0 || outside + failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
