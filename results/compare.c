/* SPDX-License-Identifier: MIT */
/* The comparison of schemes: every scheme of an environment against its baseline, paired by
 * replication, because equal replications see the same delays.
 *
 * Where a target loss is set, the verdict is on the time to target. If every paired run reached it,
 * by Student's t on the logarithms of the ratios. If some did not, they are censored: a run that
 * did not reach the target counts as slower than one that did, and the exact sign test decides at
 * 5 %. There is never a mean over the runs that happened to get there.
 *
 * Without a target the verdict is on the mean iteration time, and only for schemes that give the
 * gradient: one that leaves stragglers out would always win. */
#include "results/ask.h"
#include "results/database.h"
#include "results/statistics.h"
#include "sim/core/param.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_EXACT_ERROR 1e-6
#define SIGNIFICANCE        0.05

typedef struct outcome { /* of one run */
  int replication;
  bool finished; /* not diverged, stalled, undecodable */
  double iter_mean_s, time_to_target_s;
} outcome;

/* Half of the 16 digits of a double. */
static const double ILL_CONDITIONED = 1e8;

typedef struct scheme {
  int64_t point_id, results_version;
  char *env_sha256, *label, *code, *stop_rule;
  bool exact, timing_only, is_baseline;
  double load_d, target_loss;
  int stragglers_s, comm_m;
  int n_runs, capacity;
  outcome *run; /* ascending by replication */
  sg_moments iter_mean_s, iter_p99_s, final_loss, final_accuracy, mb_received, worker_seconds,
      ingress_busy_share, queued_per_message_s;
  double scaled_err_max, cond1_max, amp_max; /* NAN: not known */
  int64_t undecodable_iters;
  int n_reached, n_diverged, n_stalled, n_undecodable;
  /* against the baseline */
  sg_ratio ratio; /* n = pairs; NAN ratio where pairs are censored */
  const char *verdict;
} scheme;

typedef struct environment { /* schemes [begin, end) of the report */
  int number, begin, end, baseline;
  bool to_target, baseline_by_default;
} environment;

typedef struct report {
  int n, capacity;
  scheme *scheme;
} report;

/* --- Loading ---------------------------------------------------------------------------------- */

static void report_clear(report *r) {
  for (int i = 0; i < r->n; i++) {
    free(r->scheme[i].env_sha256);
    free(r->scheme[i].label);
    free(r->scheme[i].code);
    free(r->scheme[i].stop_rule);
    free(r->scheme[i].run);
  }
  free(r->scheme);
}

static double real(sqlite3_stmt *s, int column) {
  return sqlite3_column_type(s, column) == SQLITE_NULL ? NAN : sqlite3_column_double(s, column);
}

static char *text(sqlite3_stmt *s, int column) {
  const char *value = (const char *)sqlite3_column_text(s, column);
  return strdup(value ? value : "");
}

static scheme *add_scheme(report *r, sqlite3_stmt *s) {
  if (r->n == r->capacity) {
    int capacity = r->capacity ? 2 * r->capacity : 16;
    scheme *grown = realloc(r->scheme, (size_t)capacity * sizeof *grown);
    if (!grown) return NULL;
    r->scheme = grown;
    r->capacity = capacity;
  }
  scheme *c = &r->scheme[r->n++];
  *c = (scheme){.point_id = sqlite3_column_int64(s, 0),
                .env_sha256 = text(s, 1),
                .results_version = sqlite3_column_int64(s, 2),
                .label = text(s, 3),
                .code = text(s, 4),
                .stop_rule = text(s, 5),
                .exact = sqlite3_column_int(s, 6),
                .timing_only = sqlite3_column_int(s, 7),
                .is_baseline = sqlite3_column_int(s, 8),
                .load_d = real(s, 9),
                .stragglers_s = sqlite3_column_int(s, 10),
                .comm_m = sqlite3_column_int(s, 11),
                .target_loss = real(s, 12),
                .scaled_err_max = NAN,
                .cond1_max = NAN,
                .amp_max = NAN,
                .verdict = ""};
  return c->env_sha256 && c->label && c->code && c->stop_rule ? c : NULL;
}

static void add_known(sg_moments *m, double x) {
  if (!isnan(x)) sg_moments_add(m, x);
}

static bool add_run(scheme *c, sqlite3_stmt *s) {
  if (c->n_runs == c->capacity) {
    int capacity = c->capacity ? 2 * c->capacity : 32;
    outcome *grown = realloc(c->run, (size_t)capacity * sizeof *grown);
    if (!grown) return false;
    c->run = grown;
    c->capacity = capacity;
  }
  const char *status = (const char *)sqlite3_column_text(s, 14);
  if (!status) return false;
  outcome o = {.replication = sqlite3_column_int(s, 13),
               .finished = strcmp(status, "finished") == 0,
               .iter_mean_s = real(s, 15),
               .time_to_target_s = real(s, 16)};
  c->run[c->n_runs++] = o;
  add_known(&c->iter_mean_s, o.iter_mean_s);
  add_known(&c->iter_p99_s, real(s, 17));
  add_known(&c->final_loss, real(s, 18));
  add_known(&c->final_accuracy, real(s, 19));
  c->scaled_err_max = fmax(c->scaled_err_max, real(s, 20)); /* fmax passes over NAN */
  add_known(&c->mb_received, real(s, 21) / 1e6);
  add_known(&c->worker_seconds, real(s, 22));
  c->undecodable_iters += sqlite3_column_int64(s, 23);
  add_known(&c->ingress_busy_share, real(s, 24));
  add_known(&c->queued_per_message_s, real(s, 25));
  c->cond1_max = fmax(c->cond1_max, real(s, 26));
  c->amp_max = fmax(c->amp_max, real(s, 27));
  c->n_reached += !isnan(o.time_to_target_s);
  c->n_diverged += strcmp(status, "diverged") == 0;
  c->n_stalled += strcmp(status, "stalled") == 0;
  c->n_undecodable += strcmp(status, "undecodable") == 0;
  return true;
}

/* All schemes that have runs; environments in the order of their first point. */
static sg_status load(sg_db *db, report *r, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(
      db,
      "SELECT p.point_id, p.env_sha256, p.results_version, p.scheme_label, p.code, p.stop_rule,"
      " p.exact, p.timing_only, p.is_baseline, p.load_d, p.stragglers_s, p.comm_m, p.target_loss,"
      " r.replication, r.status, s.iter_mean_s, s.time_to_target_s, s.iter_p99_s, s.final_loss,"
      " s.final_accuracy, s.grad_scaled_err_max, s.bytes_received_mean, s.worker_seconds_per_iter,"
      " s.undecodable_iters, s.ingress_busy_share, s.queued_per_message_s, s.cond1_max,"
      " s.decode_amp_max"
      " FROM point p JOIN run r USING (point_id) JOIN run_summary s USING (run_id)"
      " WHERE r.status <> 'running'"
      " ORDER BY min(p.point_id) OVER (PARTITION BY p.env_sha256, p.results_version),"
      " p.point_id, r.replication",
      &s, e);
  while (!status) {
    int code = sqlite3_step(s);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) {
      status = sg_db_fail(db, e);
      break;
    }
    scheme *last = r->n ? &r->scheme[r->n - 1] : NULL;
    if (!last || last->point_id != sqlite3_column_int64(s, 0)) last = add_scheme(r, s);
    if (!last || !add_run(last, s)) status = sg_fail_memory(e);
  }
  sqlite3_finalize(s);
  return status;
}

static bool same_environment(const scheme *a, const scheme *b) {
  return a->results_version == b->results_version && !strcmp(a->env_sha256, b->env_sha256);
}

/* --- Judging ---------------------------------------------------------------------------------- */

static bool is_named(const scheme *c, const char *baseline) {
  return !strcmp(c->code, baseline) || !strcmp(c->label, baseline);
}

/* Before anything is printed: the name must be there somewhere. */
static sg_status check_baseline(const report *r, const char *baseline, sg_error *e) {
  if (!baseline || r->n <= 0) return SG_OK;
  for (int i = 0; i < r->n; i++)
    if (is_named(&r->scheme[i], baseline)) return SG_OK;
  const char **name = calloc(2 * (size_t)r->n + 1, sizeof *name);
  if (!name) return sg_fail_memory(e);
  for (int i = 0; i < r->n; i++) {
    name[2 * i] = r->scheme[i].code;
    name[2 * i + 1] = r->scheme[i].label;
  }
  const char *near = sg_nearest(baseline, name);
  free(name);
  return near ? sg_fail(e, SG_USAGE, NULL,
                        "expected the code or the label of a scheme of this database as baseline, "
                        "found \"%s\"; did you mean \"%s\"?",
                        baseline, near)
              : sg_fail(e, SG_USAGE, NULL,
                        "expected the code or the label of a scheme of this database as baseline, "
                        "found \"%s\"; the first scheme is \"%s\"",
                        baseline, r->scheme[0].label);
}

static environment find_environment(const report *r, int begin, int number, const char *baseline) {
  const scheme *first = &r->scheme[begin];
  environment v = {.number = number, .begin = begin, .end = begin, .baseline = -1};
  for (; v.end < r->n && same_environment(first, &r->scheme[v.end]); v.end++) {
    const scheme *c = &r->scheme[v.end];
    bool chosen = baseline ? is_named(c, baseline) : c->is_baseline;
    if (chosen && v.baseline < 0) v.baseline = v.end;
  }
  v.baseline_by_default = v.baseline < 0;
  if (v.baseline < 0) v.baseline = begin;
  v.to_target = !isnan(first->target_loss) && !first->timing_only;
  return v;
}

static bool gives_gradient(const scheme *c) {
  if (c->timing_only || isnan(c->scaled_err_max)) return c->exact;
  return c->scaled_err_max < LARGEST_EXACT_ERROR;
}

static const char *by_interval(const sg_ratio *r) {
  if (r->n < SG_FEWEST_PAIRS) return "too few";
  return r->low > 1 ? "faster" : r->high < 1 ? "slower" : "undecided";
}

typedef struct pairs {
  int n, wins, losses, neither; /* wins: the scheme is faster; neither: both are censored */
  bool censored;                /* in some pair, one did not reach the target */
  double *base, *x;
} pairs;

/* Whether a pair of runs counts, and its two times; INFINITY: censored. */
static bool pair_times(const environment *v, const outcome *b, const outcome *x, double time[2]) {
  if (v->to_target) {
    time[0] = isnan(b->time_to_target_s) ? INFINITY : b->time_to_target_s;
    time[1] = isnan(x->time_to_target_s) ? INFINITY : x->time_to_target_s;
    return true;
  }
  time[0] = b->iter_mean_s;
  time[1] = x->iter_mean_s;
  return b->finished && x->finished && time[0] > 0 && time[1] > 0;
}

static void collect_pairs(const environment *v, const scheme *base, const scheme *c, pairs *p) {
  for (int i = 0, j = 0; i < base->n_runs && j < c->n_runs;) {
    const outcome *b = &base->run[i], *x = &c->run[j];
    if (b->replication != x->replication) {
      if (b->replication < x->replication)
        i++;
      else
        j++;
      continue;
    }
    i++;
    j++;
    double time[2];
    if (!pair_times(v, b, x, time)) continue;
    p->censored |= isinf(time[0]) || isinf(time[1]);
    p->neither += isinf(time[0]) && isinf(time[1]);
    p->wins += time[1] < time[0];
    p->losses += time[1] > time[0];
    p->base[p->n] = time[0];
    p->x[p->n++] = time[1];
  }
}

static const char *by_signs(const pairs *p) {
  if (p->neither == p->n) return "not reached";
  if (p->n < SG_FEWEST_PAIRS) return "too few";
  if (sg_sign_test(p->wins, p->losses) >= SIGNIFICANCE) return "undecided";
  return p->wins > p->losses ? "faster" : "slower";
}

static void judge_pairs(const environment *v, scheme *c, const pairs *p) {
  c->ratio =
      (sg_ratio){.n = p->n, .log_mean = NAN, .log_sd = NAN, .ratio = NAN, .low = NAN, .high = NAN};
  if (p->n > 0 && !p->censored) c->ratio = sg_paired_ratio(p->n, p->base, p->x);
  bool incomplete = c->n_diverged + c->n_stalled + c->n_undecodable > 0;
  if (!v->to_target && incomplete)
    c->verdict = "did not finish";
  else if (!v->to_target && !gives_gradient(c))
    c->verdict = "approximate";
  else if (p->n == 0)
    c->verdict = "no pairs";
  else if (p->censored)
    c->verdict = by_signs(p);
  else
    c->verdict = by_interval(&c->ratio);
}

static sg_status judge(report *r, const environment *v, sg_error *e) {
  const scheme *base = &r->scheme[v->baseline];
  pairs p = {.base = malloc((size_t)base->n_runs * sizeof *p.base),
             .x = malloc((size_t)base->n_runs * sizeof *p.x)};
  sg_status status = p.base && p.x ? SG_OK : sg_fail_memory(e);
  for (int i = v->begin; i < v->end && !status; i++) {
    pairs of_scheme = {.base = p.base, .x = p.x};
    collect_pairs(v, base, &r->scheme[i], &of_scheme);
    judge_pairs(v, &r->scheme[i], &of_scheme);
    if (i == v->baseline) r->scheme[i].verdict = "—";
  }
  free(p.base);
  free(p.x);
  return status;
}

/* --- Printing --------------------------------------------------------------------------------- */

/* The median, with runs that did not reach the target above all others; NAN if it is among them. */
static double median_to_target(const scheme *c) {
  sg_sample times = {0};
  bool kept = true;
  for (int i = 0; i < c->n_runs && kept; i++)
    if (!isnan(c->run[i].time_to_target_s))
      kept = sg_sample_add(&times, c->run[i].time_to_target_s);
  sg_sample_sort(&times);
  size_t n = (size_t)c->n_runs, upper = n / 2, lower = (n - 1) / 2;
  double median = kept && upper < times.n ? (times.x[lower] + times.x[upper]) / 2 : NAN;
  free(times.x);
  return median;
}

static void three_digits(double x, char out[32]) {
  if (x >= 99.95)
    snprintf(out, 32, "%.0f", x);
  else
    snprintf(out, 32, "%#.3g", x);
}

static void put_speedup(sg_table *t, const environment *v, const report *r, const scheme *c) {
  char ratio[32], low[32], high[32], cell[112];
  if (c == &r->scheme[v->baseline] || c->ratio.n == 0) {
    sg_table_text(t, c == &r->scheme[v->baseline] ? "1 (baseline)" : "—");
    return;
  }
  if (isnan(c->ratio.ratio)) {
    sg_table_text(t, "censored");
    return;
  }
  three_digits(c->ratio.ratio, ratio);
  three_digits(c->ratio.low, low);
  three_digits(c->ratio.high, high);
  if (isnan(c->ratio.low))
    snprintf(cell, sizeof cell, "%s× (%d pairs)", ratio, c->ratio.n);
  else
    snprintf(cell, sizeof cell, "%s× [%s, %s]", ratio, low, high);
  sg_table_text(t, cell);
}

/* "1982 (12/20)": the median and how many runs reached the target. */
static void put_time_to_target(sg_table *t, const scheme *c) {
  char cell[64];
  double median = median_to_target(c);
  if (isnan(median))
    snprintf(cell, sizeof cell, "— (%d/%d)", c->n_reached, c->n_runs);
  else
    snprintf(cell, sizeof cell, "%.4g (%d/%d)", median, c->n_reached, c->n_runs);
  sg_table_text(t, cell);
}

static int ended_early(const scheme *c) {
  return c->n_diverged + c->n_stalled + c->n_undecodable;
}

/* The table of one environment for people: the most important columns first, since a narrow
 * terminal gets it in blocks. Counts of mishaps only where there are any. */
static sg_table *people_table(const report *r, const environment *v) {
  bool timing = r->scheme[v->begin].timing_only, undecodable = false, early = false,
       shared_link = false;
  for (int i = v->begin; i < v->end; i++) {
    undecodable |= r->scheme[i].undecodable_iters > 0;
    early |= ended_early(&r->scheme[i]) > 0;
    shared_link |= sg_moments_mean(&r->scheme[i].ingress_busy_share) > 0;
  }
  const char *name[24];
  int n = 0;
  name[n++] = "scheme";
  name[n++] = "iter (s)";
  name[n++] = v->to_target ? "speed-up to target" : "speed-up [95 %]";
  name[n++] = "verdict";
  if (v->to_target) name[n++] = "to target (s)";
  name[n++] = "stop";
  name[n++] = "d";
  name[n++] = "s";
  name[n++] = "m";
  name[n++] = "iter p99 (s)";
  if (!timing) {
    name[n++] = "loss";
    name[n++] = "accuracy";
    name[n++] = "scaled error";
  }
  name[n++] = "MB/iter";
  if (shared_link) {
    name[n++] = "link busy (%)";
    name[n++] = "queued (s)";
  }
  name[n++] = "worker-s/iter";
  if (undecodable) name[n++] = "undecodable";
  name[n++] = "runs";
  if (early) name[n++] = "ended early";
  sg_table *t = sg_table_new(n, name);
  for (int i = v->begin; t && i < v->end; i++) {
    const scheme *c = &r->scheme[i];
    sg_table_text(t, c->label);
    sg_table_number(t, sg_moments_mean(&c->iter_mean_s), 4);
    put_speedup(t, v, r, c);
    sg_table_text(t, c->verdict);
    if (v->to_target) put_time_to_target(t, c);
    sg_table_text(t, c->stop_rule);
    sg_table_number(t, c->load_d, 3);
    sg_table_integer(t, c->stragglers_s);
    sg_table_integer(t, c->comm_m);
    sg_table_number(t, sg_moments_mean(&c->iter_p99_s), 4);
    if (!timing) {
      sg_table_number(t, sg_moments_mean(&c->final_loss), 4);
      sg_table_number(t, sg_moments_mean(&c->final_accuracy), 4);
      sg_table_number(t, c->scaled_err_max, 2);
    }
    sg_table_number(t, sg_moments_mean(&c->mb_received), 3);
    if (shared_link) {
      sg_table_number(t, 100 * sg_moments_mean(&c->ingress_busy_share), 3);
      sg_table_number(t, sg_moments_mean(&c->queued_per_message_s), 3);
    }
    sg_table_number(t, sg_moments_mean(&c->worker_seconds), 4);
    if (undecodable) sg_table_integer(t, c->undecodable_iters);
    sg_table_integer(t, c->n_runs);
    if (early) sg_table_integer(t, ended_early(c));
  }
  return t;
}

static sg_table *data_table(void) {
  static const char *const name[] = {"environment",
                                     "env_sha256",
                                     "results_version",
                                     "axes",
                                     "point_id",
                                     "scheme_label",
                                     "code",
                                     "stop_rule",
                                     "load_d",
                                     "stragglers_s",
                                     "comm_m",
                                     "is_baseline",
                                     "timing_only",
                                     "runs",
                                     "ended_early",
                                     "iter_mean_s",
                                     "judged_by",
                                     "pairs",
                                     "speedup",
                                     "speedup_ci95_low",
                                     "speedup_ci95_high",
                                     "verdict",
                                     "iter_p99_s",
                                     "time_to_target_median_s",
                                     "n_reached",
                                     "final_loss",
                                     "final_accuracy",
                                     "grad_scaled_err_max",
                                     "mb_received_mean",
                                     "worker_seconds_per_iter",
                                     "undecodable_iters",
                                     "ingress_busy_share",
                                     "queued_per_message_s",
                                     "cond1_max",
                                     "decode_amp_max"};
  return sg_table_new(sizeof name / sizeof *name, name);
}

static void put_data(sg_table *t, const report *r, const environment *v, const char *axes) {
  for (int i = v->begin; i < v->end; i++) {
    const scheme *c = &r->scheme[i];
    bool base = i == v->baseline;
    sg_table_integer(t, v->number);
    sg_table_text(t, c->env_sha256);
    sg_table_integer(t, c->results_version);
    sg_table_text(t, axes);
    sg_table_integer(t, c->point_id);
    sg_table_text(t, c->label);
    sg_table_text(t, c->code);
    sg_table_text(t, c->stop_rule);
    sg_table_number(t, c->load_d, 3);
    sg_table_integer(t, c->stragglers_s);
    sg_table_integer(t, c->comm_m);
    sg_table_integer(t, base);
    sg_table_integer(t, c->timing_only);
    sg_table_integer(t, c->n_runs);
    sg_table_integer(t, ended_early(c));
    sg_table_number(t, sg_moments_mean(&c->iter_mean_s), 4);
    sg_table_text(t, v->to_target ? "time_to_target" : "iteration_time");
    sg_table_integer(t, c->ratio.n);
    sg_table_number(t, base ? 1 : c->ratio.ratio, 4);
    sg_table_number(t, base ? NAN : c->ratio.low, 4);
    sg_table_number(t, base ? NAN : c->ratio.high, 4);
    sg_table_text(t, base ? "baseline" : c->verdict);
    sg_table_number(t, sg_moments_mean(&c->iter_p99_s), 4);
    sg_table_number(t, v->to_target ? median_to_target(c) : NAN, 4);
    if (v->to_target)
      sg_table_integer(t, c->n_reached);
    else
      sg_table_text(t, NULL);
    sg_table_number(t, sg_moments_mean(&c->final_loss), 4);
    sg_table_number(t, sg_moments_mean(&c->final_accuracy), 4);
    sg_table_number(t, c->scaled_err_max, 2);
    sg_table_number(t, sg_moments_mean(&c->mb_received), 3);
    sg_table_number(t, sg_moments_mean(&c->worker_seconds), 4);
    sg_table_integer(t, c->undecodable_iters);
    sg_table_number(t, sg_moments_mean(&c->ingress_busy_share), 3);
    sg_table_number(t, sg_moments_mean(&c->queued_per_message_s), 3);
    sg_table_number(t, c->cond1_max, 2);
    sg_table_number(t, c->amp_max, 2);
  }
}

/* A value of a sweep, which is JSON: 12500000000 as 1.25e+10. */
static void put_axis_value(const char *json, sg_buffer *out) {
  char *end, shorter[32];
  double x = strtod(json, &end);
  if (*end == '\0' && strlen(json) > 6)
    for (int digits = 1; digits <= 17; digits++) {
      snprintf(shorter, sizeof shorter, "%.*g", digits, x);
      if (strtod(shorter, NULL) == x) {
        sg_put(out, strlen(shorter) < strlen(json) ? shorter : json);
        return;
      }
    }
  sg_put(out, json);
}

/* "n = 12, mean = 3": what all schemes of the environment have in common, which is the sweep. */
static sg_status put_axes(sg_db *db, const scheme *first, sg_buffer *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status =
      sg_db_prepare(db,
                    "WITH env AS (SELECT point_id FROM point"
                    "             WHERE env_sha256 = ? AND results_version = ?)"
                    " SELECT name, value FROM point_axis JOIN env USING (point_id)"
                    " GROUP BY name, value HAVING count(*) = (SELECT count(*) FROM env)"
                    " ORDER BY min(position)",
                    &s, e);
  if (!status) {
    sqlite3_bind_text(s, 1, first->env_sha256, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, first->results_version);
  }
  for (bool any = false; !status; any = true) {
    int code = sqlite3_step(s);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) {
      status = sg_db_fail(db, e);
      break;
    }
    sg_putf(out, "%s%s = ", any ? ", " : "", sqlite3_column_text(s, 0));
    put_axis_value((const char *)sqlite3_column_text(s, 1), out);
  }
  sqlite3_finalize(s);
  return status;
}

static sg_status put_heading(sg_db *db, const report *r, const environment *v, const char *axes,
                             bool color, sg_buffer *out, sg_error *e) {
  const scheme *first = &r->scheme[v->begin];
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(db,
                                   "SELECT n_workers, n_subsets, length, problem, scaling,"
                                   " late_work, late_messages, name,"
                                   " json_extract(config_json, '$.environment.network.compression.compressor')"
                                   " FROM point"
                                   " JOIN scenario USING (scenario_id) WHERE point_id = ?",
                                   &s, e);
  if (!status) {
    sqlite3_bind_int64(s, 1, first->point_id);
    status = sg_db_step(db, s, e);
  }
  if (!status) {
    sg_putf(out, "%sEnvironment %d: %s", color ? "\033[1m" : "", v->number,
            sqlite3_column_text(s, 7));
    if (*axes) sg_putf(out, ", %s", axes);
    sg_putf(out, "%s\n", color ? "\033[0m" : "");
    sg_putf(out, "  %d workers, %d subsets, gradient length %lld, %s\n", sqlite3_column_int(s, 0),
            sqlite3_column_int(s, 1), (long long)sqlite3_column_int64(s, 2),
            first->timing_only ? "timing only" : (const char *)sqlite3_column_text(s, 3));
    static const char *const what[] = {"scaling", "late work", "late messages"};
    for (int k = 0; k < 3; k++) {
      const char *value = (const char *)sqlite3_column_text(s, 4 + k);
      sg_putf(out, "%s%s %s", k ? ", " : "  ", what[k], value ? value : "not known");
    }
    const char *precision = (const char *)sqlite3_column_text(s, 8);
    if (precision && strcmp(precision, "float64") != 0) sg_putf(out, ", messages as %s", precision);
    if (first->results_version != SG_RESULTS_VERSION)
      sg_putf(out, "\n  computed by other code (results version %lld, now %d)",
              (long long)first->results_version, SG_RESULTS_VERSION);
    sg_putf(out, "\n  baseline: %s", r->scheme[v->baseline].label);
    if (v->baseline_by_default) sg_put(out, " (none is chosen here: the first scheme)");
    if (v->to_target)
      sg_putf(out, "; verdict on the time to loss %g\n\n", first->target_loss);
    else
      sg_put(out, "; verdict on the mean iteration time\n\n");
  }
  sqlite3_finalize(s);
  return status;
}

static void put_notes(const report *r, const environment *v, sg_buffer *out) {
  const scheme *base = &r->scheme[v->baseline];
  if (!v->to_target && !gives_gradient(base))
    sg_put(out, "  Note: the baseline itself does not give the exact gradient.\n");
  for (int i = v->begin; i < v->end; i++) {
    const scheme *c = &r->scheme[i];
    if (ended_early(c))
      sg_putf(out,
              "  Note: %s: %d of %d runs ended early (%d diverged, %d stalled, %d undecodable).\n",
              c->label, ended_early(c), c->n_runs, c->n_diverged, c->n_stalled, c->n_undecodable);
    if (c->cond1_max >= ILL_CONDITIONED || c->amp_max >= ILL_CONDITIONED)
      sg_putf(
          out,
          "  Warning: %s:\n  ill-conditioned decodes (condition up to %.1e, weights up to %.1e): "
          "half of the\n  digits of a gradient or more may be lost.\n",
          c->label, c->cond1_max, c->amp_max);
    int most = base->n_runs > c->n_runs ? base->n_runs : c->n_runs;
    if (i != v->baseline && c->ratio.n < most)
      sg_putf(out,
              "  Note: %s: %d replications are paired with the baseline (it has %d runs, the "
              "baseline %d).\n",
              c->label, c->ratio.n, c->n_runs, base->n_runs);
  }
}

/* A paragraph of words in lines of a terminal's width; 0: unlimited, but nobody reads that. */
static void put_paragraph(const char *text, int width, sg_buffer *out) {
  size_t most = width > 20 && width < 100 ? (size_t)width : 100, column = 0;
  for (size_t n; *text; text += n, text += strspn(text, " ")) {
    n = strcspn(text, " ");
    bool fits = column > 0 && column + 1 + n <= most;
    if (column > 0) sg_put(out, fits ? " " : "\n");
    column = fits ? column + 1 + n : n;
    sg_put_bytes(out, text, n);
  }
  sg_put(out, "\n");
}

static void put_legend(const report *r, int width, sg_buffer *out) {
  bool target = false, iteration = false, shared_link = false;
  for (int i = 0; i < r->n; i++) {
    bool to_target = !isnan(r->scheme[i].target_loss) && !r->scheme[i].timing_only;
    target |= to_target;
    iteration |= !to_target;
    shared_link |= sg_moments_mean(&r->scheme[i].ingress_busy_share) > 0;
  }
  put_paragraph(
      "d: subsets per worker, s: stragglers tolerated, m: messages have 1/m of a gradient's "
      "length.",
      width, out);
  put_paragraph(
      "speed-up: time of the baseline over time of the scheme, paired by replication (both "
      "see the same delays), with its 95 % interval (t on log ratios); under 5 pairs: too "
      "few for one.",
      width, out);
  if (iteration)
    put_paragraph(
        "approximate: the gradient is not the exact sum (scaled error of 1e-6 or more), so "
        "iteration times are not comparable. scaled error: error of the decoded gradient "
        "over the summed norms.",
        width, out);
  if (shared_link)
    put_paragraph(
        "link busy: share of the time that the master's incoming link is in use. queued: "
        "mean time that a message waits for it, besides the time that it would need alone.",
        width, out);
  if (!target) return;
  put_paragraph("to target: median simulated time, runs that did not reach it above all others "
                "(reached/runs).",
                width, out);
  put_paragraph(
      "censored: some paired run did not reach the target; the verdict is then by the exact "
      "sign test at 5 %: a run that did not get there is slower than one that did, and "
      "pairs in which neither did are left out. not reached: neither did in any pair.",
      width, out);
}

static sg_status print_environment(sg_db *db, const report *r, const environment *v, sg_table *data,
                                   int width, bool color, sg_buffer *out, sg_error *e) {
  sg_buffer axes = {0};
  sg_put(&axes, "");
  sg_status status = put_axes(db, &r->scheme[v->begin], &axes, e);
  if (!status && axes.failed) status = sg_fail_memory(e);
  const char *common = axes.data ? axes.data : "";
  if (!status && data) put_data(data, r, v, common);
  if (!status && !data) {
    status = put_heading(db, r, v, common, color, out, e);
    sg_table *t = status ? NULL : people_table(r, v);
    if (!status && !t) status = sg_fail_memory(e);
    if (!status) {
      sg_table_print(t, SG_FORMAT_TEXT, width, out);
      put_notes(r, v, out);
      sg_put(out, "\n");
    }
    sg_table_free(t);
  }
  sg_buffer_free(&axes);
  return status;
}

static sg_status compare(sg_db *db, const char *baseline, sg_format format, int width, bool color,
                         sg_buffer *out, sg_error *e) {
  report r = {0};
  sg_table *data = NULL;
  sg_status status = load(db, &r, e);
  if (!status) status = check_baseline(&r, baseline, e);
  if (!status && format != SG_FORMAT_TEXT && !(data = data_table())) status = sg_fail_memory(e);
  for (int begin = 0, number = 1; begin < r.n && !status; number++) {
    environment v = find_environment(&r, begin, number, baseline);
    status = judge(&r, &v, e);
    if (!status) status = print_environment(db, &r, &v, data, width, color, out, e);
    begin = v.end;
  }
  if (!status && data) sg_table_print(data, format, width, out);
  if (!status && !data && r.n) put_legend(&r, width, out);
  if (!status && !data && !r.n) sg_put(out, "The database has no finished runs.\n");
  if (!status && out->failed) status = sg_fail_memory(e);
  sg_table_free(data);
  report_clear(&r);
  return status;
}

sg_status sg_compare(sg_db *db, const char *baseline, sg_format format, int width, bool color,
                     sg_buffer *out, sg_error *e) {
  /* One transaction: a writer that is at work does not show us two states of the database. */
  sg_status status = sg_db_execute(db, "SAVEPOINT compare", e);
  if (status) return status;
  status = compare(db, baseline, format, width, color, out, e);
  sqlite3_exec(sg_db_handle(db), "RELEASE compare", NULL, NULL, NULL);
  return status;
}
