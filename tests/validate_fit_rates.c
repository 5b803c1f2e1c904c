/* SPDX-License-Identifier: MIT */
/* How often `fit` finds what is not there, and what is: traces whose structure is known.
 *
 *   validate_fit_rates [--short]   seed 1; fails where false alarms are beyond 2 % or a finding is
 *                                  made less often than its row says, by more than chance */
#include "sim/fit/structure.h"

#include "sim/core/random.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum law { SHIFTED_EXPONENTIAL, LOGNORMAL, PARETO, NARROW } law;

/* What a trace is made of. stay: mean iterations in the slow state, in a quarter of which a worker
 * is; 0: no memory. */
typedef struct recipe {
  const char *name;
  law law;
  double stay, slowdown;
  double common;         /* σ of a lognormal factor of each iteration */
  double slow_workers;   /* factor of the first two workers */
  double change;         /* factor of the last worker after three fifths */
  double stall, cluster; /* probability of a time of being 12 times as long; of an iteration, that
                            half of its times are */
} recipe;

static const recipe nothing[] = {
    {.name = "1 + Exp(½)", .law = SHIFTED_EXPONENTIAL},
    {.name = "lognormal, σ = ½", .law = LOGNORMAL},
    {.name = "Pareto 2.2", .law = PARETO},
    {.name = "memory 5, × 3", .law = NARROW, .stay = 5, .slowdown = 3},
    {.name = "memory 10, × 4", .law = NARROW, .stay = 10, .slowdown = 4},
    {.name = "memory 50, × 4", .law = NARROW, .stay = 50, .slowdown = 4},
    {.name = "memory 100, × 4", .law = NARROW, .stay = 100, .slowdown = 4},
    {.name = "memory 1000, × 4", .law = NARROW, .stay = 1000, .slowdown = 4},
};
enum { NOTHING = sizeof nothing / sizeof *nothing };

enum { PERSISTENT, CHANGE, COMMON, STALLS, CLUSTERED, MEMORY, UNSETTLED, FLAGS };

typedef struct truth {
  recipe recipe;
  int flag;
  double least; /* % of traces, 8 × 500 */
} truth;

#define BASE        .law = SHIFTED_EXPONENTIAL
#define MEMORY_OF_5 .law = NARROW, .stay = 5, .slowdown = 3
static const truth truths[] = {
    {{.name = "common σ = 0.1", BASE, .common = 0.1}, COMMON, 95},
    {{.name = "common σ = 0.2 over memory 5, × 3", MEMORY_OF_5, .common = 0.2}, COMMON, 90},
    {{.name = "two workers × 1.1", BASE, .slow_workers = 1.1}, PERSISTENT, 95},
    {{.name = "two workers × 1.5 over memory 5, × 3", MEMORY_OF_5, .slow_workers = 1.5},
     PERSISTENT,
     90},
    {{.name = "one worker × 1.2 from 60 % on", BASE, .change = 1.2}, CHANGE, 95},
    {{.name = "one worker × 2 from 60 % on, over memory 5, × 3", MEMORY_OF_5, .change = 2},
     CHANGE,
     90},
    {{.name = "stalls × 12 of 0.3 % of the times", BASE, .stall = 0.003}, STALLS, 95},
    {{.name = "stalls × 12 of half of the workers in 1.25 % of the iterations",
      BASE,
      .cluster = 0.0125},
     CLUSTERED,
     90},
    {{.name = "memory 5, × 1.8", .law = NARROW, .stay = 5, .slowdown = 1.8}, MEMORY, 95},
    {{.name = "memory 5, × 2.5 over 1 + Exp(½)", BASE, .stay = 5, .slowdown = 2.5}, MEMORY, 95},
};
enum { TRUTHS = sizeof truths / sizeof *truths };

static double draw(law l, sg_stream *s) {
  switch (l) {
  case SHIFTED_EXPONENTIAL: return 1 + sg_exponential(s, 0.5);
  case LOGNORMAL: return exp(0.5 * gsl_ran_gaussian_ziggurat(&s->rng, 1));
  case PARETO: return pow(1 - sg_uniform(s), -1 / 2.2);
  case NARROW: return exp(0.2 * gsl_ran_gaussian_ziggurat(&s->rng, 1));
  }
  return NAN;
}

static double factor_of(double factor, bool applies) {
  return applies && factor > 0 ? factor : 1;
}

static void make(const recipe *r, uint32_t kind, uint32_t set, long rows, int columns, double *x) {
  for (int w = 0; w < columns; w++) {
    sg_stream s;
    bool slow = false;
    sg_stream_at(&s, 1, kind, SG_FOR_CHECK, (uint32_t)w, set, 2);
    for (long i = 0; i < rows; i++) {
      double u = sg_uniform(&s);
      if (r->stay > 0) slow = i == 0 ? u < 0.25 : slow ? u >= 1 / r->stay : u < 1 / r->stay / 3;
      bool stalls = sg_uniform(&s) < r->stall;
      x[i * columns + w] = draw(r->law, &s) * factor_of(r->slowdown, slow) *
                           factor_of(r->slow_workers, w < 2) * factor_of(12, stalls) *
                           factor_of(r->change, w == columns - 1 && i >= rows * 3 / 5);
    }
  }
  for (long i = 0; i < rows && (r->common > 0 || r->cluster > 0); i++) {
    sg_stream s;
    sg_stream_at(&s, 1, kind, SG_FOR_CHECK, (uint32_t)i, set, 3);
    double all = exp(r->common * gsl_ran_gaussian_ziggurat(&s.rng, 1));
    bool stalls = sg_uniform(&s) < r->cluster;
    for (int w = 0; w < columns; w++)
      x[i * columns + w] *= all * factor_of(12, stalls && sg_uniform(&s) < 0.5);
  }
}

static void count_flags(const recipe *r, uint32_t kind, long rows, int columns, int sets,
                        int count[FLAGS]) {
  double *x = malloc((size_t)rows * (size_t)columns * sizeof *x);
  memset(count, 0, FLAGS * sizeof *count);
  for (int set = 0; set < sets; set++) {
    sg_fit_structure *s;
    sg_error e = {0};
    make(r, kind, (uint32_t)set, rows, columns, x);
    if (sg_fit_structure_new(rows, columns, x, (uint64_t)set, &s, &e)) abort();
    count[PERSISTENT] += s->parts.persistent;
    count[CHANGE] += s->parts.change;
    count[COMMON] += s->parts.common;
    count[STALLS] += s->parts.stalls;
    count[CLUSTERED] += s->parts.clustered;
    count[MEMORY] += s->parts.memory;
    count[UNSETTLED] += !s->settled;
    sg_fit_structure_free(s);
  }
  free(x);
}

static void percent(int count, int sets) {
  printf(" %.1f |", 100.0 * count / sets);
}

/* More of them than a rate of so much would give, once in a thousand. */
static bool beyond(int count, int sets, double rate) {
  return count > 0 && gsl_cdf_binomial_Q((unsigned)count - 1, rate, (unsigned)sets) < 0.001;
}

static int false_alarms(const recipe *r, uint32_t kind, long rows, int columns, int sets) {
  int count[FLAGS], failures = 0;
  count_flags(r, kind, rows, columns, sets, count);
  printf("| %s | %d × %ld | %d |", r->name, columns, rows, sets);
  for (int k = 0; k <= STALLS; k++) {
    percent(count[k], sets);
    failures += beyond(count[k], sets, 0.02);
  }
  percent(count[MEMORY], sets);
  if (!(r->stay > 0)) failures += beyond(count[MEMORY], sets, 0.02);
  percent(count[UNSETTLED], sets);
  printf("%s\n", failures ? " FAILED" : "");
  fflush(stdout);
  return failures;
}

static int power(const truth *t, uint32_t kind, long rows, int columns, int sets, bool asserted) {
  int count[FLAGS];
  count_flags(&t->recipe, kind, rows, columns, sets, count);
  static const char *const names[] = {"persistent", "change",    "common",
                                      "stalls",     "clustered", "memory"};
  bool bad = asserted && beyond(sets - count[t->flag], sets, 1 - t->least / 100);
  printf("| %s | `%s` | %d × %ld | %d |", t->recipe.name, names[t->flag], columns, rows, sets);
  percent(count[t->flag], sets);
  percent(count[UNSETTLED], sets);
  printf("%s\n", bad ? " FAILED" : "");
  fflush(stdout);
  return bad;
}

int main(int argc, char **argv) {
  bool quick = argc > 1 && strcmp(argv[1], "--short") == 0;
  static const long rows[] = {240, 500, 2000};
  static const int columns[] = {8, 32, 64};
  int failures = 0;
  printf("| times | n × T | traces | persistent (%%) | change (%%) | common (%%) | stalls (%%) | "
         "memory (%%) | undecided (%%) |\n|---|---|---|---|---|---|---|---|---|\n");
  for (uint32_t k = 0; k < NOTHING; k++)
    for (int c = 0; c < 3; c++)
      for (int t = 0; t < 3; t++) {
        if (quick && (c || t)) continue;
        int sets = quick ? 40 : columns[c] * rows[t] > 32000 ? 100 : 400;
        failures += false_alarms(&nothing[k], k, rows[t], columns[c], sets);
      }
  printf("\n| what is there | found as | n × T | traces | found (%%) | undecided (%%) |\n"
         "|---|---|---|---|---|---|\n");
  for (uint32_t k = 0; k < TRUTHS; k++)
    for (int c = 0; c < 2; c++)
      for (int t = 0; t < 2; t++)
        if (!quick || (c == 0 && t == 1))
          failures +=
              power(&truths[k], 100 + k, rows[t], columns[c], quick ? 20 : 200, c == 0 && t == 1);
  printf("\n%d failed\n", failures);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
