/* SPDX-License-Identifier: MIT */
/* The rates of `compare`: how often its intervals hold the ratio, how often verdicts and claims of
 * a fastest scheme are false.
 *
 * validate_compare [--short | --best] [SEED] prints Markdown tables (the last one alone) and fails
 * where a rate is further from what is claimed than four of its standard errors. Runs are
 * simulated, timing only; experiments are cut from them, or drawn from them with replacement. */
#include "results/answers/judge.h"
#include "sim/core/linalg.h"
#include "sim/experiment/block.h"
#include "tests/support/targets.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCHEMES = 3, SIZES = 4, MOST_ITERATIONS = 240 };
static const int sizes[SIZES] = {5, 10, 20, 50}; /* pairs of an experiment */
static const char *const schemes[SCHEMES] = {
    "'code':'uncoded'", "'code':'cyclic-repetition','s':2",
    "'code':'group','d':4,'m':2,'linear_code':'harmonic','stop':'decodable'"};

typedef enum kind { LIGHT, SKEWED, HEAVY, LASTING } kind;

typedef struct law {
  const char *name, *delay, *cluster;
  int iterations;
  kind kind;
} law;

#define SHIFTED "'model':'shifted-exponential','shift_s':1,'mean_excess_s':1"
#define MEMORY(length)                                                                             \
  SHIFTED ",'memory':{'slow_share':0.25,'mean_slow_iterations':" length ",'slowdown':4}"
static const law laws[] = {
    {"shifted exponential", SHIFTED, "", 100, LIGHT},
    {"the same, 10 iterations", SHIFTED, "", 10, LIGHT},
    {"lognormal, σ = 2", "'model':'lognormal','median_s':1,'sigma':2", "", 100, SKEWED},
    {"Pareto, shape 1.5", "'model':'pareto','minimum_s':1,'shape':1.5", "", 100, HEAVY},
    {"Pareto, shape 1.1", "'model':'pareto','minimum_s':1,'shape':1.1", "", 100, HEAVY},
    {"slow for 100 iterations", MEMORY("100"), "", 100, LASTING},
    {"slow for 10 iterations", MEMORY("10"), "", 240, LIGHT},
    {"random speeds", SHIFTED, ",'random_speed':{'model':'lognormal','sigma':0.5}", 100, LASTING},
};

typedef struct run { /* of one scheme */
  double mean, variance;
} run;

static int failures;
static uint64_t seed = 3;

static void require(bool good, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (!good) {
    printf("FAILED: ");
    vprintf(format, arguments);
    printf("\n");
    failures++;
  }
  va_end(arguments);
}

/* Whether a share of n is at least, or at most, what is claimed, by four standard errors. */
static bool at_least(double share, double claimed, double n) {
  return share >= claimed - 4 * sqrt(claimed * (1 - claimed) / n);
}

static bool at_most(double share, double claimed, double n) {
  return share <= claimed + 4 * sqrt(claimed * (1 - claimed) / n);
}

/* --- Runs ------------------------------------------------------------------------------------- */

typedef struct collector {
  sg_moments moments;
  double *time; /* NULL: not wanted */
} collector;

static bool add_row(void *user, int replication, const sg_iteration_record *row, int n_workers,
                    const sg_worker_record *worker) {
  collector *c = user;
  if (c->time) c->time[c->moments.n] = row->duration_s;
  sg_moments_add(&c->moments, row->duration_s);
  return true;
}

static bool finish(void *user, int replication, const sg_run_row *row,
                   const sg_summary_record *summary, int n,
                   const sg_worker_summary_record *worker) {
  return strcmp(row->stop_reason, "iterations") == 0;
}

/* `count` replications of a scheme; time: MOST_ITERATIONS of each, or NULL. */
static bool simulate(const law *l, int scheme, int count, run *out, double *time) {
  char text[1024];
  target_world w;
  sg_error e = {0};
  snprintf(text, sizeof text,
           "{'format':1,'cluster':{'workers':12%s},'delay':{%s},'learning':{'problem':'none',"
           "'length':960},'schemes':[{%s}],'random':{'seed':%llu},'stop':{'iterations':%d}}",
           l->cluster, l->delay, schemes[scheme], (unsigned long long)seed, l->iterations);
  for (char *c = text; *c; c++) *c = *c == '\'' ? '"' : *c;
  if (!target_open_text(text, &w)) return false;
  bool good = true;
  for (int i = 0; i < count && good; i++) {
    collector c = {.time = time ? time + (size_t)i * MOST_ITERATIONS : NULL};
    const sg_sink sink = {.user = &c, .row = add_row, .finish = finish};
    good = sg_block_run(w.world, 1, &i, &(sg_block_options){0}, &sink, &e) == SG_OK;
    double sd = sg_moments_sd(&c.moments);
    out[i] = (run){.mean = c.moments.mean, .variance = sd * sd};
  }
  target_close(&w);
  sg_error_clear(&e);
  return good;
}

/* --- Coverage --------------------------------------------------------------------------------- */

typedef struct truth {
  double geometric, means;
} truth;

static truth truth_of(int n, const run *base, const run *x) {
  double logs = 0, sum[2] = {0};
  for (int i = 0; i < n; i++) {
    logs += log(base[i].mean / x[i].mean);
    sum[0] += base[i].mean;
    sum[1] += x[i].mean;
  }
  return (truth){exp(logs / n), sum[0] / sum[1]};
}

/* Shares of the experiments of `size` pairs whose interval holds the truths. */
static truth coverage(int n, int size, const run *base, const run *x, truth t) {
  truth held = {0};
  int experiments = n / size;
  double time[2][50];
  for (int k = 0; k < experiments; k++) {
    for (int i = 0; i < size; i++) {
      time[0][i] = base[k * size + i].mean;
      time[1][i] = x[k * size + i].mean;
    }
    sg_ratio r = sg_paired_ratio(size, time[0], time[1], 0.05);
    held.geometric += r.low <= t.geometric && t.geometric <= r.high;
    held.means += r.low <= t.means && t.means <= r.high;
  }
  return (truth){held.geometric / experiments, held.means / experiments};
}

static bool is_warned(int size, int iterations, const run *x) {
  sg_moments means = {0}, variances = {0};
  for (int i = 0; i < size; i++) {
    sg_moments_add(&means, x[i].mean);
    sg_moments_add(&variances, x[i].variance);
  }
  return sg_effective_length(&means, variances.mean, iterations) < 10;
}

/* Share of the experiments of `size` runs of all schemes that are warned of. */
static double warned(int n, int size, int iterations, run *const x[SCHEMES]) {
  int experiments = n / size, warnings = 0;
  for (int k = 0; k < experiments; k++) {
    bool any = false;
    for (int s = 0; s < SCHEMES; s++) any |= is_warned(size, iterations, x[s] + k * size);
    warnings += any;
  }
  return (double)warnings / experiments;
}

static void put_range(double a, double b) {
  double low = 100 * fmin(a, b), high = 100 * fmax(a, b);
  if (rint(low) == rint(high)) /* as printf rounds */
    printf(" %.0f", low);
  else
    printf(" %.0f–%.0f", low, high);
}

static void print_coverage(const law *l, int n, run *const x[SCHEMES]) {
  truth t[SCHEMES], held[SIZES][SCHEMES];
  printf("| %s |", l->name);
  for (int s = 1; s < SCHEMES; s++) {
    t[s] = truth_of(n, x[0], x[s]);
    for (int k = 0; k < SIZES; k++) held[k][s] = coverage(n, sizes[k], x[0], x[s], t[s]);
  }
  for (int k = 0; k < SIZES; k++) {
    printf("%s", k ? " /" : "");
    put_range(held[k][1].geometric, held[k][2].geometric);
    for (int s = 1; s < SCHEMES; s++)
      require(at_least(held[k][s].geometric, l->kind == LIGHT || l->kind == SKEWED ? 0.93 : 0.85,
                       n / sizes[k]),
              "%s: %d pairs hold the ratio in %g of cases", l->name, sizes[k],
              held[k][s].geometric);
  }
  printf(" |");
  for (int k = 0; k < SIZES; k++) {
    printf("%s", k ? " /" : "");
    put_range(held[k][1].means, held[k][2].means);
  }
  double of5 = warned(n, 5, l->iterations, x), of20 = warned(n, 20, l->iterations, x);
  printf(" | %.2f, %.2f | %.3g / %.3g | %.1f, %.1f |\n", t[1].geometric, t[2].geometric, t[1].means,
         t[2].means, 100 * of5, 100 * of20);
  if (!strstr(l->delay, "memory") && l->kind != LASTING)
    require(at_most(of20, 0.03, n / 20), "%s: warned of in %g of cases", l->name, of20);
  if (l->kind == LASTING) require(of20 > 0.8, "%s: warned of in %g of cases only", l->name, of20);
}

/* Blocks of single runs, as where all are the same. */
static void print_blocks(const law *l, int n, run *const x[SCHEMES], const double *const time[2]) {
  truth t = truth_of(n, x[0], x[1]);
  int held = 0, warnings = 0;
  for (int i = 0; i < n; i++) {
    for (int s = 0, any = 0; s < 2 && !any; s++) {
      any = sg_effective_block(l->iterations, time[s] + (size_t)i * MOST_ITERATIONS) < 10;
      warnings += any;
    }
    sg_ratio r = sg_block_ratio(l->iterations, time[0] + (size_t)i * MOST_ITERATIONS,
                                time[1] + (size_t)i * MOST_ITERATIONS, 0.05);
    held += r.low <= t.means && t.means <= r.high;
  }
  double share = (double)held / n, of = (double)warnings / n;
  printf("| %s | %d | %.1f | %.1f |\n", l->name, l->iterations, 100 * share, 100 * of);
  if (l->kind == LASTING) require(of > 0.8, "%s: blocks are warned of in %g of cases", l->name, of);
  if (!strstr(l->delay, "memory"))
    require(at_least(share, l->kind == LIGHT ? 0.93 : 0.85, n),
            "%s: blocks hold the ratio in %g of cases", l->name, share);
}

/* --- False verdicts --------------------------------------------------------------------------- */

static uint64_t random_state;

static double uniform(void) { /* splitmix64 */
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

typedef struct alarms {
  long verdicts, verdicts_false, databases, databases_false;
} alarms;

static void count(alarms *a, int n, const sg_ratio *r) {
  int wrong = 0;
  for (int i = 0; i < n; i++) wrong += r[i].low > 1 || r[i].high < 1;
  a->verdicts += n;
  a->verdicts_false += wrong;
  a->databases++;
  a->databases_false += wrong > 0;
}

static void print_alarms(const char *what, const alarms a[2]) {
  static const char *const level[] = {"each", "simultaneous"};
  for (int k = 0; k < 2; k++) {
    double each = (double)a[k].verdicts_false / (double)a[k].verdicts,
           any = (double)a[k].databases_false / (double)a[k].databases;
    printf("| %s | %s | %.2f | %.1f | %.1f |\n", what, level[k], 100 * each, 100 * any,
           a[k].databases_false ? (double)a[k].verdicts_false / (double)a[k].databases_false : 0);
    if (k) require(at_most(any, 0.05, (double)a[k].databases), "%s: %g of databases", what, any);
  }
}

/* A sweep over points that share their random numbers: of each, runs against other runs of the same
 * scheme, which is equal to itself. */
enum { POINTS = 8, PAIRS = 10 };
static void sweep(int n, run *const point[POINTS]) {
  alarms a[2] = {0};
  for (int first = 0; first + 2 * PAIRS <= n; first += 2 * PAIRS)
    for (int k = 0; k < 2; k++) {
      sg_ratio r[POINTS];
      double time[2][PAIRS];
      for (int p = 0; p < POINTS; p++) {
        for (int i = 0; i < 2 * PAIRS; i++) time[i % 2][i / 2] = point[p][first + i].mean;
        r[p] = sg_paired_ratio(PAIRS, time[0], time[1], k ? 0.05 / POINTS : 0.05);
      }
      count(&a[k], POINTS, r);
    }
  print_alarms("8 points of a sweep", a);
}

/* 24 schemes that are equal to the baseline that they share, drawn from the runs. */
static void many_schemes(int databases, int n, const run *x) {
  enum { MANY = 24 };
  alarms a[2] = {0};
  for (int d = 0; d < databases; d++) {
    double time[MANY + 1][PAIRS];
    for (int s = 0; s <= MANY; s++)
      for (int i = 0; i < PAIRS; i++) time[s][i] = x[(int)(uniform() * n)].mean;
    for (int k = 0; k < 2; k++) {
      sg_ratio r[MANY];
      for (int s = 0; s < MANY; s++)
        r[s] = sg_paired_ratio(PAIRS, time[0], time[s + 1], k ? 0.05 / MANY : 0.05);
      count(&a[k], MANY, r);
    }
  }
  print_alarms("24 schemes", a);
}

/* --- Censoring: through a database and the judge ---------------------------------------------- */

enum { CENSORED_PAIRS = 20 };

/* Baselines need about 3600 s; the scheme needs `slow` of the baseline's time with probability p,
 * else `quick`, independently, and its cap ends a run after a share `cap` of 3600 s. */
typedef struct censoring {
  const char *name, *false_verdict; /* NULL: both */
  double p, slow, quick, cap;
} censoring;

static const censoring censored[] = {
    {"equal, cap at 0.6 of the time", NULL, 1, 1, 1, 0.6},
    {"equal, cap at the time", NULL, 1, 1, 1, 1},
    {"1.5 times as fast, cap at 0.65", "slower", 1, 1 / 1.5, 1, 0.65},
    {"slower in 65 %, cap at 0.6", "faster", 0.65, 1.3, 0.3, 0.6},
    {"never in 65 %, cap at 10", "faster", 0.65, 1e9, 0.3, 10},
};

/* A run that needs so long to the target, if it is not ended before, by what is its reason. */
static void add_run(sg_writer *w, int64_t point, int replication, double needed, double cap,
                    const char *end, double iter_mean_s) {
  bool reached = needed <= cap;
  const sg_run_row row = {.run_id = sg_run_id(point, replication),
                          .point_id = point,
                          .invocation_id = 1,
                          .replication = replication,
                          .status = "finished",
                          .stop_reason = reached ? "target-loss" : end,
                          .sim_time_s = reached ? needed : cap};
  sg_summary_record s = sg_summary_blank;
  s.iter_mean_s = iter_mean_s;
  s.time_to_target_s = reached ? needed : NAN;
  if (!sg_writer_begin(w, &row) || !sg_writer_finish(w, &row, &s, 0, NULL)) failures++;
}

typedef struct rates { /* of false verdicts, by rule */
  int ranked_last, left_out, sound, decided;
} rates;

static bool is_false(const censoring *c, int wins, int losses) {
  const char *verdict = sg_sign_test(wins, losses) >= 0.05 ? "undecided"
                        : wins > losses                    ? "faster"
                                                           : "slower";
  return strcmp(verdict, "undecided") && (!c->false_verdict || !strcmp(verdict, c->false_verdict));
}

/* The times of an experiment, and what other rules would say of them. */
static void draw(const censoring *c, double base[], double x[], rates *r) {
  int wins = 0, losses = 0, unknown = 0;
  for (int i = 0; i < CENSORED_PAIRS; i++) {
    base[i] = 3600 * exp(0.1 * (uniform() + uniform() + uniform() - 1.5));
    double same = 3600 * exp(0.1 * (uniform() + uniform() + uniform() - 1.5));
    x[i] = same * (uniform() < c->p ? c->slow : c->quick);
    bool reached = x[i] <= 3600 * c->cap;
    wins += reached && x[i] < base[i];
    losses += reached ? x[i] > base[i] : 3600 * c->cap >= base[i];
    unknown += !reached && 3600 * c->cap < base[i];
  }
  r->ranked_last += is_false(c, wins, losses + unknown);
  r->left_out += is_false(c, wins, losses);
}

static bool judge_censored(const censoring *c, int experiments, const char *path) {
  sg_error e = {0};
  sg_db *db = NULL;
  sg_writer *w = NULL;
  rates r = {0};
  double(*time)[2][CENSORED_PAIRS] = calloc((size_t)experiments, sizeof *time);
  int64_t(*point)[2] = calloc((size_t)experiments, sizeof *point);
  int64_t scenario = 0, invocation = 0;
  sg_comparison found = {0};
  unlink(path);
  sg_status status = time && point ? sg_db_open(path, SG_OPEN_WRITE, &db, &e) : SG_NO_MEMORY;
  if (!status) status = sg_db_add_invocation(db, &(sg_invocation){.threads = 1}, &invocation, &e);
  if (!status) status = sg_db_add_scenario(db, "c", "c.json", "{}", "c", &scenario, &e);
  if (!status) status = sg_db_begin(db, &e);
  for (int k = 0; k < experiments && !status; k++)
    for (int s = 0; s < 2 && !status; s++) {
      char env[16], key[24];
      snprintf(env, sizeof env, "%d", k);
      snprintf(key, sizeof key, "%d/%d", k, s);
      const sg_point_record p = {.point_sha256 = key,
                                 .models = 1,
                                 .env_sha256 = env,
                                 .config_json = "{}",
                                 .scheme_label = s ? "x" : "base",
                                 .code = "c",
                                 .stop_rule = "count",
                                 .is_baseline = !s,
                                 .target_loss = 1,
                                 .target_grad_norm2 = NAN};
      status = sg_db_add_point(db, scenario, &p, &point[k][s], &e);
    }
  if (db) status = sg_db_end(db, status, &e);
  if (!status) status = sg_writer_new(db, &w, &e);
  for (int k = 0; k < experiments && !status; k++) {
    draw(c, time[k][0], time[k][1], &r);
    for (int i = 0; i < CENSORED_PAIRS; i++) {
      add_run(w, point[k][0], i, time[k][0][i], INFINITY, "iterations", NAN);
      add_run(w, point[k][1], i, time[k][1][i], 3600 * c->cap, "iterations", NAN);
    }
  }
  if (w && !status) status = sg_writer_free(w, &e);
  if (!status) status = sg_judge(db, NULL, false, &found, &e);
  for (int i = 0; i < found.n; i++) {
    const char *verdict = found.scheme[i].verdict;
    bool decided = !strcmp(verdict, "faster") || !strcmp(verdict, "slower");
    r.decided += decided;
    r.sound += decided && (!c->false_verdict || !strcmp(verdict, c->false_verdict));
  }
  double percent = 100.0 / experiments;
  printf("| %s | %.1f | %.1f | %.1f | %.1f |\n", c->name, percent * r.ranked_last,
         percent * r.left_out, percent * r.sound, percent * r.decided);
  require(!status && at_most(r.sound / (double)experiments, 0.05, experiments), "%s: %d of %d",
          c->name, r.sound, experiments);
  for (int i = 0; i < e.count; i++) fprintf(stderr, "%s\n", e.fault[i].message);
  sg_comparison_clear(&found);
  sg_error close = {0};
  if (db) sg_db_close(db, &close);
  unlink(path);
  free(time);
  free(point);
  sg_error_clear(&e);
  sg_error_clear(&close);
  return !status;
}

/* --- The best of many: through a database and the judge --------------------------------------- */

/* k schemes, of which the first, or the first two, are `lead` times as fast as the others, which
 * are equal. Times of a replication have a factor in common, as equal delays make it. target: to a
 * loss, that a run reaches only if it needs under 1.2 times the median time; a cap ends it there.
 */
typedef struct field {
  const char *name;
  int k, pairs;
  double lead;
  bool target;
  bool two;
} field;

static const field fields[] = {
    {"2 equal", 2, 10, 1, false, false},
    {"9 equal", 9, 10, 1, false, false},
    {"20 equal", 20, 10, 1, false, false},
    {"9 equal, 5 pairs", 9, 5, 1, false, false},
    {"9 equal, to target, 20 pairs, censored", 9, 20, 1, true, false},
    {"9, the first 1.05 times as fast", 9, 10, 1.05, false, false},
    {"9, the first 1.2 times as fast", 9, 10, 1.2, false, false},
    {"20, the first 1.2 times as fast", 20, 10, 1.2, false, false},
    {"9, to target, 20 pairs, censored, the first 1.5 times", 9, 20, 1.5, true, false},
    {"3, the first two twice as fast", 3, 10, 2, false, true},
};
enum { MOST_SCHEMES = 20 };

static void add_timed_run(sg_writer *w, int64_t point, int replication, double s, bool to_target) {
  add_run(w, point, replication, to_target ? s : INFINITY, 1.2, "sim-time", s);
}

static sg_status add_field(const field *f, sg_db *db, int experiments, int64_t *point,
                           sg_error *e) {
  int64_t scenario = 0, invocation = 0;
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_db_add_invocation(db, &(sg_invocation){.threads = 1}, &invocation, e);
  if (!status) status = sg_db_add_scenario(db, "f", "f.json", "{}", "f", &scenario, e);
  for (int i = 0; i < experiments * f->k && !status; i++) {
    char env[16], key[24], label[16];
    snprintf(env, sizeof env, "%d", i / f->k);
    snprintf(key, sizeof key, "%d", i);
    snprintf(label, sizeof label, "%d", i % f->k);
    const sg_point_record p = {.point_sha256 = key,
                               .models = 1,
                               .env_sha256 = env,
                               .config_json = "{\"environment\":{\"stop\":{\"sim_time_s\":1.2}}}",
                               .scheme_label = label,
                               .code = "c",
                               .stop_rule = "count",
                               .exact = true,
                               .barrier = true,
                               .is_baseline = i % f->k == f->k - 1,
                               .target_loss = f->target ? 1 : NAN,
                               .target_grad_norm2 = NAN};
    status = sg_db_add_point(db, scenario, &p, &point[i], e);
  }
  return sg_db_end(db, status, e);
}

static void judge_field(const field *f, const sg_comparison *found) {
  int claims = 0, false_claims = 0, held = 0, known = 0, n = found->n_environments;
  for (int i = 0; i < n; i++) {
    const sg_lead *l = &found->environment[i].fastest;
    bool of[2]; /* whether the best, and the next, is one of the first */
    for (int k = 0; k < 2; k++)
      of[k] = atoi(found->scheme[k ? l->next : l->best].point.scheme_label) <= f->two;
    double actual = of[0] == of[1] ? 1 : of[0] ? f->lead : 1 / f->lead;
    claims += l->holds;
    false_claims += l->holds && (f->lead == 1 || f->two || !of[0]);
    known += !isnan(l->ratio.low);
    held += l->ratio.low <= actual && actual <= l->ratio.high;
  }
  double percent = 100.0 / n;
  printf("| %s | %.1f | %.1f |", f->name, percent * false_claims,
         percent * (claims - false_claims));
  if (known)
    printf(" %.1f |\n", 100.0 * held / known);
  else
    printf(" – |\n");
  require(at_most((double)false_claims / n, 0.05, n), "%s: %d false claims of %d", f->name,
          false_claims, n);
  if (f->lead >= 1.2 && !f->two)
    require(claims - false_claims > 0.3 * n, "%s: %d of %d claimed", f->name, claims, n);
  if (known && !f->target)
    require(at_least((double)held / known, 0.95, known), "%s: %d of %d held", f->name, held, known);
}

static bool judge_best(const field *f, int experiments, int n, const run *x, const char *path) {
  sg_error e = {0};
  sg_db *db = NULL;
  sg_writer *w = NULL;
  sg_comparison found = {0};
  double middle = 0;
  for (int i = 0; i < n; i++) middle += x[i].mean / n;
  int64_t *point = calloc((size_t)experiments * MOST_SCHEMES, sizeof *point);
  unlink(path);
  sg_status status = point ? sg_db_open(path, SG_OPEN_WRITE, &db, &e) : SG_NO_MEMORY;
  if (!status) status = add_field(f, db, experiments, point, &e);
  if (!status) status = sg_writer_new(db, &w, &e);
  for (int k = 0; k < experiments && !status; k++)
    for (int i = 0; i < f->pairs; i++) {
      double common = exp(0.1 * (uniform() + uniform() + uniform() - 1.5));
      for (int s = 0; s < f->k; s++) {
        double time = common * x[(int)(uniform() * n)].mean / middle;
        add_timed_run(w, point[k * f->k + s], i, s <= f->two ? time / f->lead : time, f->target);
      }
    }
  if (w && !status) status = sg_writer_free(w, &e);
  if (!status) status = sg_judge(db, NULL, false, &found, &e);
  if (!status) judge_field(f, &found);
  for (int i = 0; i < e.count; i++) fprintf(stderr, "%s\n", e.fault[i].message);
  sg_comparison_clear(&found);
  sg_error close = {0};
  if (db) sg_db_close(db, &close);
  unlink(path);
  free(point);
  sg_error_clear(&e);
  sg_error_clear(&close);
  return !status;
}

/* --- All -------------------------------------------------------------------------------------- */

static bool print_intervals(int n, int n_blocks, run *const x[POINTS]) {
  double *time[2];
  bool good = true;
  for (int s = 0; s < 2; s++) time[s] = calloc((size_t)n_blocks * MOST_ITERATIONS, sizeof *time[s]);
  printf(
      "| delays, iterations of a run | geometric mean held: 5 / 10 / 20 / 50 pairs, %% | ratio of "
      "means held, %% | geometric | of means | warned of, %%: 5, 20 runs |\n"
      "|---|---|---|---|---|---|\n");
  for (size_t k = 0; k < sizeof laws / sizeof *laws && good; k++) {
    for (int s = 0; s < SCHEMES && good; s++) good = simulate(&laws[k], s, n, x[s], NULL);
    if (good) print_coverage(&laws[k], n, x);
  }

  printf("\n| one run, blocks of iterations | iterations | held, %% | warned of, %% "
         "|\n|---|---|---|---|\n");
  for (size_t k = 0; k < sizeof laws / sizeof *laws && good; k++) {
    law l = laws[k];
    l.iterations = MOST_ITERATIONS;
    if (k == 1 || l.kind == HEAVY || *l.cluster) continue;
    for (int s = 0; s < 2 && good; s++) good = simulate(&l, s, n_blocks, x[s], time[s]);
    if (good) print_blocks(&l, n_blocks, x, (const double *const[]){time[0], time[1]});
  }
  for (int s = 0; s < 2; s++) free(time[s]);
  return good;
}

/* Runs of 20 iterations at the points of a sweep. */
static bool simulate_points(int n, run *const x[POINTS]) {
  bool good = true;
  for (int p = 0; p < POINTS && good; p++) {
    char delay[128];
    snprintf(delay, sizeof delay, "'model':'shifted-exponential','shift_s':1,'mean_excess_s':%g",
             1 + p / 2.0);
    good = simulate(&(law){"", delay, "", 20, LIGHT}, 0, n, x[p], NULL);
  }
  return good;
}

static bool print_verdicts(bool quick, int n, run *const x[POINTS], const char *path) {
  bool good = true;
  printf(
      "\n| nothing differs | level | false verdicts, %% | databases with one, %% | of these, how "
      "many |\n|---|---|---|---|---|\n");
  sweep(n, x);
  many_schemes(quick ? 400 : 8000, n, x[0]);
  printf("\n| censored runs, 20 pairs | ranked last | left out | `compare` | decided |\n"
         "|---|---|---|---|---|\n");
  for (size_t k = 0; k < sizeof censored / sizeof *censored && good; k++)
    good = judge_censored(&censored[k], quick ? 40 : 1000, path);
  return good;
}

static bool print_best(bool quick, int n, const run *x, const char *path) {
  bool good = true;
  printf("\n| schemes | false claims of a fastest, %% | true ones, %% | lead held, %% |\n"
         "|---|---|---|---|\n");
  for (size_t k = 0; k < sizeof fields / sizeof *fields && good; k++)
    good = judge_best(&fields[k], quick ? 40 : 2000, n, x, path);
  return good;
}

int main(int argc, char **argv) {
  bool quick = argc > 1 && strcmp(argv[1], "--short") == 0,
       best = argc > 1 && strcmp(argv[1], "--best") == 0;
  if (argc > 1 + (quick || best)) seed = strtoull(argv[1 + (quick || best)], NULL, 10);
  random_state = seed;
  int n = quick ? 400 : 8000, n_blocks = quick ? 200 : 4000;
  run *x[POINTS];
  char path[64];
  snprintf(path, sizeof path, "/tmp/straggle-validate-compare-%ld.db", (long)getpid());
  sg_blas_single_thread();
  for (int p = 0; p < POINTS; p++) x[p] = calloc((size_t)n, sizeof *x[p]);
  bool good = best || print_intervals(n, n_blocks, x);
  good = good && simulate_points(n, x);
  good = good && (best || print_verdicts(quick, n, x, path));
  good = good && print_best(quick, n, x[0], path);
  printf("\n%d runs of each scheme: %d rates are not as claimed.\n", n, failures);
  for (int p = 0; p < POINTS; p++) free(x[p]);
  return failures || !good ? EXIT_FAILURE : EXIT_SUCCESS;
}
