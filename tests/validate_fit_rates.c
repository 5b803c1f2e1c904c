/* SPDX-License-Identifier: MIT */
/* How often `fit` finds what is not there, and what is: traces whose structure is known.
 *
 *   validate_fit_rates [--short] [SEED]   fails where false alarms are beyond 2 % or a finding is
 *                                         made less often than its row says, by more than chance,
 * or a model guesses how long slow states last */
#include "sim/fit/fit.h"

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
  double node;           /* of an iteration, that the times of the first four workers are */
  double every;          /* factor of every 25th iteration */
} recipe;

static const recipe nothing[] = {
    {.name = "1 + Exp(½)", .law = SHIFTED_EXPONENTIAL},
    {.name = "lognormal, σ = ½", .law = LOGNORMAL},
    {.name = "Pareto 2.2", .law = PARETO},
    {.name = "memory 5, × 3", .law = NARROW, .stay = 5, .slowdown = 3},
    {.name = "memory 10, × 4", .law = NARROW, .stay = 10, .slowdown = 4},
    {.name = "memory 50, × 4", .law = NARROW, .stay = 50, .slowdown = 4},
    {.name = "memory 100, × 4", .law = NARROW, .stay = 100, .slowdown = 4},
};
enum { NOTHING = sizeof nothing / sizeof *nothing };

/* Slow for about as long as the trace or longer: none tells that from workers that differ or change
 * for good, so `persistent` and `change` are shown and not judged. */
static const recipe longer[] = {
    {.name = "memory 200, × 4", .law = NARROW, .stay = 200, .slowdown = 4},
    {.name = "memory 500, × 4", .law = NARROW, .stay = 500, .slowdown = 4},
    {.name = "memory 1000, × 4", .law = NARROW, .stay = 1000, .slowdown = 4},
};
enum { LONGER = sizeof longer / sizeof *longer };

enum { PERSISTENT, CHANGE, COMMON, STALLS, PERIODIC, CLUSTERED, GROUPS, MEMORY, UNSETTLED, FLAGS };

typedef struct truth {
  recipe recipe;
  int flag;
  int columns;  /* where it is required, with 500 iterations: */
  double least; /* % of traces */
} truth;

#define BASE        .law = SHIFTED_EXPONENTIAL
#define MEMORY_OF_5 .law = NARROW, .stay = 5, .slowdown = 3
static const truth truths[] = {
    {{.name = "common σ = 0.1", BASE, .common = 0.1}, COMMON, 8, 95},
    {{.name = "common σ = 0.2 over memory 5, × 3", MEMORY_OF_5, .common = 0.2}, COMMON, 8, 90},
    {{.name = "two workers × 1.1", BASE, .slow_workers = 1.1}, PERSISTENT, 8, 95},
    {{.name = "two workers × 1.5 over memory 5, × 3", MEMORY_OF_5, .slow_workers = 1.5},
     PERSISTENT,
     8,
     90},
    {{.name = "one worker × 1.2 from 60 % on", BASE, .change = 1.2}, CHANGE, 8, 90},
    {{.name = "one worker × 2 from 60 % on, over memory 5, × 3", MEMORY_OF_5, .change = 2},
     CHANGE,
     32,
     80},
    {{.name = "stalls × 12 of 0.3 % of the times", BASE, .stall = 0.003}, STALLS, 8, 80},
    {{.name = "stalls × 12 of half of the workers in 1.25 % of the iterations",
      BASE,
      .cluster = 0.0125},
     CLUSTERED,
     8,
     80},
    {{.name = "stalls × 12 of the first four workers in 2 % of the iterations", BASE, .node = 0.02},
     GROUPS,
     32,
     80},
    {{.name = "every 25th iteration × 2", BASE, .every = 2}, PERIODIC, 8, 95},
    {{.name = "memory 5, × 1.8", .law = NARROW, .stay = 5, .slowdown = 1.8}, MEMORY, 8, 95},
    {{.name = "memory 5, × 2.5 over 1 + Exp(½)", BASE, .stay = 5, .slowdown = 2.5}, MEMORY, 8, 95},
};
enum { TRUTHS = sizeof truths / sizeof *truths };

/* The thresholds of sim/fit were chosen on traces of seed 1, the sizes of which a finding is
 * required on those of seed 2. */
static uint64_t seed = 3;

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
    sg_stream_at(&s, seed, kind, SG_FOR_CHECK, (uint32_t)w, set, 2);
    for (long i = 0; i < rows; i++) {
      double u = sg_uniform(&s);
      if (r->stay > 0) slow = i == 0 ? u < 0.25 : slow ? u >= 1 / r->stay : u < 1 / r->stay / 3;
      bool stalls = sg_uniform(&s) < r->stall;
      x[i * columns + w] = draw(r->law, &s) * factor_of(r->slowdown, slow) *
                           factor_of(r->slow_workers, w < 2) * factor_of(12, stalls) *
                           factor_of(r->change, w == columns - 1 && i >= rows * 3 / 5);
    }
  }
  for (long i = 0; i < rows && (r->common > 0 || r->cluster > 0 || r->node > 0 || r->every > 0);
       i++) {
    sg_stream s;
    sg_stream_at(&s, seed, kind, SG_FOR_CHECK, (uint32_t)i, set, 3);
    double all = exp(r->common * gsl_ran_gaussian_ziggurat(&s.rng, 1));
    bool stalls = sg_uniform(&s) < r->cluster;
    bool node = sg_uniform(&s) < r->node;
    for (int w = 0; w < columns; w++)
      x[i * columns + w] *= all * factor_of(12, stalls && sg_uniform(&s) < 0.5) *
                            factor_of(12, node && w < 4) * factor_of(r->every, i % 25 == 7);
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
    count[PERIODIC] += s->parts.periodic;
    count[GROUPS] += s->groups == 1 && s->group[0] == 1 && s->group[3] == 1 && s->group[4] == 0;
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

enum { SIZES = 9 };
static const long rows_of[] = {240, 500, 2000};
static const int columns_of[] = {8, 32, 64};

typedef struct tally {
  int sets, count[FLAGS];
} tally;

static void add(const tally *from, tally *to) {
  to->sets += from->sets;
  for (int k = 0; k < FLAGS; k++) to->count[k] += from->count[k];
}

/* Fails where there are more than two in a hundred, of those from `judged` on. size < 0: of all
 * sizes. */
static int put_alarms(const char *name, bool memory, int judged, int size, const tally *t) {
  int failures = 0;
  if (size < 0)
    printf("| %s | all | %d |", name, t->sets);
  else
    printf("| %s | %d × %ld | %d |", name, columns_of[size / 3], rows_of[size % 3], t->sets);
  for (int k = 0; k <= PERIODIC; k++) {
    percent(t->count[k], t->sets);
    failures += k >= judged && beyond(t->count[k], t->sets, 0.02);
  }
  percent(t->count[MEMORY], t->sets);
  if (!memory) failures += beyond(t->count[MEMORY], t->sets, 0.02);
  percent(t->count[UNSETTLED], t->sets);
  printf("%s\n", failures ? " FAILED" : "");
  fflush(stdout);
  return failures;
}

/* Of each size, of all sizes, and of all laws without and with memory. */
static int false_alarms(bool quick) {
  tally sums[2][SIZES] = {0};
  int failures = 0, sizes = quick ? 1 : SIZES;
  for (uint32_t k = 0; k < NOTHING; k++) {
    const recipe *r = &nothing[k];
    bool memory = r->stay > 0;
    tally all = {0};
    for (int i = 0; i < sizes; i++) {
      long rows = rows_of[i % 3];
      int columns = columns_of[i / 3];
      double most = 8e5 / (double)(rows * columns);
      tally t = {.sets = quick ? 40 : (int)fmin(200, fmax(30, most))};
      count_flags(r, k, rows, columns, t.sets, t.count);
      failures += put_alarms(r->name, memory, PERSISTENT, i, &t);
      add(&t, &all);
      add(&t, &sums[memory][i]);
    }
    if (!quick) failures += put_alarms(r->name, memory, PERSISTENT, -1, &all);
  }
  for (int memory = 0; memory < 2; memory++)
    for (int i = 0; i < sizes; i++)
      failures += put_alarms(memory ? "all with memory" : "all without memory", memory, PERSISTENT,
                             i, &sums[memory][i]);
  for (uint32_t k = 0; k < LONGER && !quick; k++)
    for (int i = 0; i < 2 * 3; i++) {
      tally t = {.sets = 200};
      if (i % 3 == 2) continue;
      count_flags(&longer[k], NOTHING + k, rows_of[i % 3], columns_of[i / 3], t.sets, t.count);
      failures += put_alarms(longer[k].name, true, COMMON, i, &t);
    }
  return failures;
}

static int power(const truth *t, uint32_t kind, long rows, int columns, int sets, bool asserted) {
  int count[FLAGS];
  count_flags(&t->recipe, kind, rows, columns, sets, count);
  static const char *const names[] = {"persistent", "change",    "common", "stalls",
                                      "periodic",   "clustered", "group",  "memory"};
  bool bad = asserted && beyond(sets - count[t->flag], sets, 1 - t->least / 100);
  printf("| %s | `%s` | %d × %ld | %d |", t->recipe.name, names[t->flag], columns, rows, sets);
  percent(count[t->flag], sets);
  percent(count[UNSETTLED], sets);
  printf("%s\n", bad ? " FAILED" : "");
  fflush(stdout);
  return bad;
}

/* --- The structured model --------------------------------------------------------------------- */

enum { OF_MODEL = 12 };
static const struct {
  double stay;
  long rows;
} lasting[] = {{10, 240}, {25, 240}, {100, 240}, {240, 240}, {1000, 240}, {50, 500}, {500, 500}};
enum { LASTING = sizeof lasting / sizeof *lasting };

/* Adds how far the model is off the trace, for each wait. false: there is none. */
static bool add_deviations(const recipe *r, uint32_t kind, uint32_t set, long rows, double *x,
                           double *sum, double *most) {
  long long name[OF_MODEL] = {0};
  sg_trace t = {.workers = OF_MODEL,
                .iterations = rows,
                .compute = x,
                .worker_name = name,
                .source = "",
                .licence = "",
                .unit = "s",
                .seconds = true};
  sg_fit *f;
  sg_error e = {0};
  make(r, kind, set, rows, OF_MODEL, x);
  if (sg_fit_new(&t, "", &(sg_fit_options){.seed = set + 1}, &f, &e)) abort();
  const sg_fit_model *m = &f->model[f->structured];
  bool there = m->scenario != NULL;
  for (int k = 0; k < f->n_waits && there; k++) {
    double d = 100 * (m->mean[k] / f->replayed[k] - 1);
    sum[k] += d;
    *most = fmax(*most, fabs(d));
  }
  sg_fit_free(f);
  return there;
}

/* Fails where slow states last as long as the trace and a model misses it: it guesses. */
static int models(int sets) {
  int failures = 0;
  printf("\n| slow for, × 4 | n × T | traces | with a model | off, s = 0 | 1 | 2 | 4 | 8 | most "
         "(%%) |\n"
         "|---|---|---|---|---|---|---|---|---|---|\n");
  for (uint32_t k = 0; k < LASTING; k++) {
    long rows = lasting[k].rows;
    recipe r = {.law = NARROW, .stay = lasting[k].stay, .slowdown = 4};
    double *x = malloc((size_t)rows * OF_MODEL * sizeof *x), sum[SG_FIT_WAITS] = {0}, most = 0;
    int there = 0;
    for (int set = 0; set < sets; set++)
      there += add_deviations(&r, 200 + k, (uint32_t)set, rows, x, sum, &most);
    bool bad = r.stay >= (double)rows && most > 5;
    printf("| %g | %d × %ld | %d | %d |", r.stay, OF_MODEL, rows, sets, there);
    for (int w = 0; w < SG_FIT_WAITS; w++)
      if (there)
        printf(" %+.1f |", sum[w] / there);
      else
        printf(" – |");
    printf(there ? " %.1f |" : " – |", most);
    printf("%s\n", bad ? " FAILED" : "");
    fflush(stdout);
    failures += bad;
    free(x);
  }
  return failures;
}

int main(int argc, char **argv) {
  bool quick = argc > 1 && strcmp(argv[1], "--short") == 0;
  if (argc > 1 + quick) seed = strtoull(argv[1 + quick], NULL, 10);
  printf("| times | n × T | traces | persistent | change | common | stalls | periodic | memory | "
         "undecided |\n|---|---|---|---|---|---|---|---|---|---|\n");
  int failures = false_alarms(quick);
  printf("\n| what is there | found as | n × T | traces | found (%%) | undecided (%%) |\n"
         "|---|---|---|---|---|---|\n");
  for (uint32_t k = 0; k < TRUTHS; k++)
    for (int i = 0; i < 4; i++) {
      bool required = i % 2 == 1 && columns_of[i / 2] == truths[k].columns;
      if (!quick || required)
        failures += power(&truths[k], 100 + k, rows_of[i % 2], columns_of[i / 2], quick ? 20 : 100,
                          required);
    }
  if (!quick) failures += models(20);
  printf("\n%d failed\n", failures);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
