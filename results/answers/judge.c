/* SPDX-License-Identifier: MIT */
/* Reads the schemes of a database with the summaries of their runs, folds these over the runs of
 * each scheme, and judges every scheme of an environment against its baseline, paired by
 * replication.
 *
 * Where a target is set (loss, gradient), the verdict is on the time to target. If every paired run
 * reached it, by Student's t on the logarithms of the ratios. If some did not, they are censored,
 * and the exact sign test decides. A run that did not reach the target is slower than one that did
 * only if it went on at least as long in simulated time, or can never reach it (diverged, stalled,
 * undecodable); else it is unknown who is faster, and the pair counts against any verdict: this is
 * sound whatever the cap and the times have to do with each other. Pairs in which neither got there
 * in the simulated time that was set are ties. There is never a mean over the runs that happened to
 * get there.
 *
 * Where replications do not differ at all (replayed times), pairs are one sample: the spread comes
 * from blocks of iterations, and there is no verdict where that one pair is censored.
 *
 * Without a target the verdict is on the mean iteration time, and only for exact schemes with a
 * barrier: one that leaves stragglers out, or does not wait for them, would always win, whatever
 * its iterations are worth. Nor may one be the baseline: all others would lose against it. That a
 * scheme is exact is not enough where gradients were computed: its error must be small, too, and it
 * must not have skipped rounds. */
#include "results/answers/judge.h"

#include "results/columns.h"
#include "sim/core/array.h"
#include "sim/core/nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where members begin in a row: behind point_id, results_version, replayed or not, time at which
 * runs are ended; behind replication, status, stop_reason, iterations, end. */
enum { POINT_AT = 4, SUMMARY_AT = 5 };

#define SIGNIFICANCE 0.05

/* --- Reading: what the table of columns lists, so that a new column is there at once ---------- */

void sg_comparison_clear(sg_comparison *c) {
  for (int i = 0; i < c->n; i++) {
    sg_record_clear("point", &c->scheme[i].point);
    free(c->scheme[i].run);
  }
  free(c->scheme);
  free(c->environment);
  *c = (sg_comparison){0};
}

static sg_judged *add_scheme(sg_comparison *c, sqlite3_stmt *s) {
  if (!SG_ROOM(c->scheme, c->capacity, c->n + 1)) return NULL;
  sg_judged *j = &c->scheme[c->n++];
  *j = (sg_judged){.point_id = sqlite3_column_int64(s, 0),
                   .results_version = sqlite3_column_int64(s, 1),
                   .replay = sqlite3_column_int(s, 2),
                   .sim_time_s =
                       sqlite3_column_type(s, 3) == SQLITE_NULL ? NAN : sqlite3_column_double(s, 3),
                   .summary = sg_summary_blank,
                   .verdict = ""};
  return sg_read_record(s, POINT_AT, "point", &j->point) ? j : NULL;
}

/* A run that is ended by simulated time has had all of that, not only the time up to its last
 * update. */
static bool add_run(sg_judged *j, sqlite3_stmt *s) {
  if (!SG_ROOM(j->run, j->capacity, j->n_runs + 1)) return false;
  const char *status = sg_db_text(s, 1), *reason = sg_db_text(s, 2);
  bool timed_out = strcmp(reason, "sim-time") == 0 && !isnan(j->sim_time_s);
  sg_outcome *o = &j->run[j->n_runs++];
  *o = (sg_outcome){.replication = sqlite3_column_int(s, 0),
                    .finished = strcmp(status, "finished") == 0,
                    .capped = strcmp(reason, "iterations") == 0,
                    .iterations = sqlite3_column_double(s, 3),
                    .end_s = (timed_out ? j->sim_time_s : sqlite3_column_double(s, 4)) /
                             j->point.models};
  j->n_diverged += strcmp(status, "diverged") == 0;
  j->n_stalled += strcmp(status, "stalled") == 0;
  j->n_undecodable += strcmp(status, "undecodable") == 0;
  j->n_ended_early += !o->finished;
  return sg_read_record(s, SUMMARY_AT, "run_summary", &o->summary);
}

/* One column over the runs of a scheme. */
static double fold(const sg_judged *j, const sg_column *c) {
  sg_moments known = {0};
  double sum = 0;
  for (int i = 0; i < j->n_runs; i++) {
    double x = sg_column_number(c, &j->run[i].summary);
    if (isnan(x)) continue;
    sg_moments_add(&known, x);
    sum += x;
  }
  switch (c->fold) {
  case SG_FOLD_MEAN: return sg_moments_mean(&known);
  case SG_FOLD_MAX: return known.n ? known.max : NAN;
  case SG_FOLD_SUM: return known.n ? sum : NAN;
  case SG_FOLD_POOLED: return sg_column_number(c, &j->summary);
  case SG_FOLD_NONE:
  case SG_FOLD_LAST_MAX:
  case SG_FOLD_LAST_MIN: break;
  }
  return NAN;
}

/* When a run reaches the target: at the earliest, and at the latest. */
static double not_before(const sg_outcome *o) {
  double t = o->summary.time_to_target_s;
  return !isnan(t) ? t : o->finished ? o->end_s : INFINITY;
}

static double not_after(const sg_outcome *o) {
  double t = o->summary.time_to_target_s;
  return !isnan(t) ? t : INFINITY;
}

static double median_by(const sg_judged *j, double (*time_of)(const sg_outcome *), double *room) {
  size_t n = (size_t)j->n_runs;
  for (size_t i = 0; i < n; i++) room[i] = time_of(&j->run[i]);
  sg_sort_doubles(room, n);
  return sg_quantile(room, n, 0.5);
}

static double effective_iterations(const sg_judged *j) {
  sg_moments means = {0}, variances = {0}, lengths = {0};
  for (int i = 0; i < j->n_runs; i++) {
    const sg_outcome *o = &j->run[i];
    double sd = o->summary.iter_sd_s;
    if (!o->finished || isnan(sd)) continue;
    sg_moments_add(&means, o->summary.iter_mean_s);
    sg_moments_add(&variances, sd * sd);
    sg_moments_add(&lengths, o->iterations);
  }
  return sg_effective_length(&means, sg_moments_mean(&variances), sg_moments_mean(&lengths));
}

static bool fold_runs(sg_judged *j) {
  double *room = malloc((size_t)j->n_runs * sizeof *room);
  if (!room) return false;
  for (const sg_column *c = sg_members_of("run_summary"); c; c = sg_column_after(c))
    sg_column_set_number(c, &j->summary, fold(j, c));
  /* Where workers sum among themselves no master receives anything. */
  if (j->summary.bytes_received_mean == 0 && j->summary.bytes_sent_mean > 0)
    j->summary.bytes_received_mean = NAN;
  for (int i = 0; i < j->n_runs; i++) j->n_reached += !isinf(not_after(&j->run[i]));
  j->median_low = median_by(j, not_before, room);
  j->median_high = median_by(j, not_after, room);
  j->effective_iterations = effective_iterations(j);
  free(room);
  return true;
}

static sg_status load_runs(sg_db *db, sqlite3_stmt *s, sg_judged *j, sg_error *e) {
  sg_status status = SG_OK;
  sqlite3_bind_int64(s, 1, j->point_id);
  while (sg_db_row(db, s, &status, e))
    if (!add_run(j, s)) status = sg_fail_memory(e);
  sqlite3_reset(s);
  return status;
}

static sg_status prepare_runs(sg_db *db, sqlite3_stmt **runs, sg_error *e) {
  sg_buffer sql = {0};
  sg_put(&sql, "SELECT r.replication, r.status, r.stop_reason, r.iterations, r.sim_time_s, ");
  sg_put_members("run_summary", "s.", &sql);
  sg_put(&sql, " FROM run r JOIN run_summary s USING (run_id)"
               " WHERE r.point_id = ? AND r.status <> 'running' ORDER BY r.replication");
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, runs, e);
  sg_buffer_free(&sql);
  return status;
}

/* A statement for the points and one for the runs of a point, so that a configuration is read once.
 */
static sg_status load(sg_db *db, sg_comparison *c, sg_error *e) {
  sqlite3_stmt *s = NULL, *runs = NULL;
  sg_buffer sql = {0};
  sg_put(&sql, "SELECT p.point_id, p.results_version,"
               " json_extract(p.config_json, '$.environment.delay.mode') = 'replay',"
               " json_extract(p.config_json, '$.environment.stop.sim_time_s'), ");
  sg_put_members("point", "p.", &sql);
  sg_put(&sql, " FROM point p"
               " WHERE EXISTS (SELECT 1 FROM run r JOIN run_summary USING (run_id)"
               "               WHERE r.point_id = p.point_id AND r.status <> 'running')"
               " ORDER BY min(p.point_id) OVER (PARTITION BY p.env_sha256, p.results_version),"
               " p.point_id");
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, &s, e);
  sg_buffer_free(&sql);
  if (!status) status = prepare_runs(db, &runs, e);
  while (sg_db_row(db, s, &status, e)) {
    sg_judged *added = add_scheme(c, s);
    if (!added)
      status = sg_fail_memory(e);
    else
      status = load_runs(db, runs, added, e);
  }
  for (int i = 0; i < c->n && !status; i++)
    if (!fold_runs(&c->scheme[i])) status = sg_fail_memory(e);
  sqlite3_finalize(s);
  sqlite3_finalize(runs);
  return status;
}

/* --- Judging ---------------------------------------------------------------------------------- */

static bool is_named(const sg_judged *s, const char *baseline) {
  return !strcmp(s->point.code, baseline) || !strcmp(s->point.scheme_label, baseline);
}

/* The name must be there somewhere. */
static sg_status check_baseline(const sg_comparison *c, const char *baseline, sg_error *e) {
  if (!baseline || c->n <= 0) return SG_OK;
  sg_nearness near = {.word = baseline};
  for (int i = 0; i < c->n; i++) {
    if (is_named(&c->scheme[i], baseline)) return SG_OK;
    sg_consider(&near, c->scheme[i].point.code);
    sg_consider(&near, c->scheme[i].point.scheme_label);
  }
  return sg_fail(e, SG_USAGE, NULL,
                 "expected the code or the label of a scheme of this database as baseline, "
                 "found \"%s\"; %s \"%s\"%s",
                 baseline, near.best ? "did you mean" : "the first scheme is",
                 near.best ? near.best : c->scheme[0].point.scheme_label, near.best ? "?" : "");
}

static bool same_environment(const sg_judged *a, const sg_judged *b) {
  return a->results_version == b->results_version &&
         !strcmp(a->point.env_sha256, b->point.env_sha256);
}

static sg_judged_environment find_environment(const sg_comparison *c, int begin,
                                              const char *baseline) {
  const sg_judged *first = &c->scheme[begin];
  sg_judged_environment v = {.begin = begin, .end = begin, .baseline = -1};
  for (; v.end < c->n && same_environment(first, &c->scheme[v.end]); v.end++) {
    const sg_judged *s = &c->scheme[v.end];
    bool chosen = baseline ? is_named(s, baseline) : s->point.is_baseline;
    if (chosen && v.baseline < 0) v.baseline = v.end;
  }
  v.baseline_by_default = v.baseline < 0;
  if (v.baseline < 0) v.baseline = begin;
  v.to_target = sg_has_target(&first->point);
  return v;
}

/* Time to a target has skipped rounds in it, a mean iteration has them beside the others. */
bool sg_gives_gradient(const sg_judged *s) {
  bool to_target = sg_has_target(&s->point);
  double error = s->summary.grad_scaled_err_max;
  return s->point.exact && s->point.barrier && !s->point.compressed &&
         (to_target || s->summary.undecodable_iters == 0) &&
         (isnan(error) || error < SG_LARGEST_EXACT_ERROR);
}

bool sg_uses_old_models(const sg_judged *s) {
  return !s->point.barrier && s->summary.staleness_max != 0;
}

double sg_samples(const sg_judged *s) {
  double iterations = 0, skipped = (double)s->summary.undecodable_iters;
  if (!s->point.timing_only) return s->summary.samples_per_iter;
  for (int i = 0; i < s->n_runs; i++) iterations += s->run[i].iterations;
  double used = s->point.exact ? s->point.n_subsets : s->summary.subsets_effective_mean;
  return iterations > 0 ? used * (1 - skipped / iterations) : NAN;
}

const char *sg_samples_unit(const sg_judged *s) {
  return s->point.timing_only ? "subsets" : "samples";
}

static const char *by_interval(const sg_ratio *r) {
  return r->low > 1 ? "faster" : r->high < 1 ? "slower" : "undecided";
}

typedef struct pairs {
  int n, wins, losses; /* wins: the scheme is faster */
  int unknown;         /* a run was cut before it could show who is faster */
  int neither;         /* of which no run reached the target */
  bool censored;       /* in some pair, one did not reach the target */
  const sg_outcome *first[2];
  double *base, *x;
} pairs;

/* Whether a pair of runs counts, and its two times; INFINITY: censored. */
static bool pair_times(const sg_judged_environment *v, const sg_outcome *const of[2],
                       double time[2]) {
  for (int i = 0; i < 2; i++)
    time[i] = v->to_target ? not_after(of[i]) : of[i]->summary.iter_mean_s;
  return v->to_target || (of[0]->finished && of[1]->finished && time[0] > 0 && time[1] > 0);
}

static void add_pair(const sg_judged_environment *v, const sg_outcome *const of[2],
                     const double time[2], pairs *p) {
  bool first = time[0] <= time[1], none = isinf(time[0]) && isinf(time[1]);
  bool unknown =
      none ? of[0]->capped || of[1]->capped : v->to_target && not_before(of[first]) < time[!first];
  if (p->n == 0) memcpy(p->first, of, sizeof p->first);
  p->censored |= isinf(time[0]) || isinf(time[1]);
  p->neither += none;
  p->unknown += unknown;
  p->wins += !unknown && time[1] < time[0];
  p->losses += !unknown && time[1] > time[0];
  p->base[p->n] = time[0];
  p->x[p->n++] = time[1];
}

static void collect_pairs(const sg_judged_environment *v, const sg_judged *base, const sg_judged *s,
                          pairs *p) {
  for (int i = 0, j = 0; i < base->n_runs && j < s->n_runs;) {
    const sg_outcome *const of[2] = {&base->run[i], &s->run[j]};
    double time[2];
    i += of[0]->replication <= of[1]->replication;
    j += of[1]->replication <= of[0]->replication;
    if (of[0]->replication == of[1]->replication && pair_times(v, of, time))
      add_pair(v, of, time, p);
  }
}

/* Unknown pairs may all have gone the other way. */
static const char *by_signs(const pairs *p, double alpha) {
  if (p->wins > p->losses + p->unknown && sg_sign_test(p->wins, p->losses + p->unknown) < alpha)
    return "faster";
  if (p->losses > p->wins + p->unknown && sg_sign_test(p->wins + p->unknown, p->losses) < alpha)
    return "slower";
  return "undecided";
}

/* Whether the pairs are one and the same, so that only iterations can tell; of a single pair, and
 * where nobody got anywhere, the configuration says it. */
static bool are_equal(const sg_judged *s, const pairs *p) {
  if (p->n > 0 && p->neither == p->n) return s->replay;
  for (int i = 1; i < p->n; i++)
    if (p->base[i] != p->base[0] || p->x[i] != p->x[0]) return false;
  return p->n > 1 || (p->n == 1 && s->replay);
}

/* The interval of equal pairs, about the ratio of the whole runs, from the iterations that the
 * first has in step. */
static sg_status judge_blocks(sg_db *db, const sg_judged *base, sg_judged *s, const pairs *p,
                              double alpha, sg_error *e) {
  sqlite3_stmt *q = NULL;
  sg_buffer sql = {0};
  double *time = NULL, *x = NULL;
  int n = 0, capacity[2] = {0};
  sg_putf(&sql,
          "SELECT b.duration_s, x.duration_s FROM iteration b JOIN iteration x USING (iteration)"
          " WHERE b.run_id = %lld AND x.run_id = %lld ORDER BY iteration",
          (long long)sg_run_id(base->point_id, p->first[0]->replication),
          (long long)sg_run_id(s->point_id, p->first[1]->replication));
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, &q, e);
  while (sg_db_row(db, q, &status, e)) {
    if (!SG_ROOM(time, capacity[0], n + 1) || !SG_ROOM(x, capacity[1], n + 1)) {
      status = sg_fail_memory(e);
      break;
    }
    time[n] = sqlite3_column_double(q, 0);
    x[n++] = sqlite3_column_double(q, 1);
  }
  sg_ratio blocks = sg_block_ratio(n, time, x, alpha);
  s->ratio.low = s->ratio.ratio * blocks.low / blocks.ratio;
  s->ratio.high = s->ratio.ratio * blocks.high / blocks.ratio;
  s->effective_iterations = fmin(sg_effective_block(n, time), sg_effective_block(n, x));
  sqlite3_finalize(q);
  sg_buffer_free(&sql);
  free(time);
  free(x);
  return status;
}

static sg_status judge_pairs(sg_db *db, const sg_judged_environment *v, const sg_judged *base,
                             sg_judged *s, const pairs *p, double alpha, sg_error *e) {
  sg_status status = SG_OK;
  double sum[2] = {0};
  for (int i = 0; i < p->n; i++) {
    sum[0] += p->base[i];
    sum[1] += p->x[i];
  }
  s->ratio = sg_paired_ratio(p->censored ? 0 : p->n, p->base, p->x, alpha);
  s->ratio.n = p->n;
  s->ratio_of_means = p->censored ? NAN : sum[0] / sum[1];
  s->n_unknown = p->unknown;
  s->runs_equal = are_equal(s, p);
  if (s->runs_equal && !p->censored) status = judge_blocks(db, base, s, p, alpha, e);
  s->tested = false;
  if (!v->to_target && s->n_ended_early > 0)
    s->verdict = "did not finish";
  else if (!v->to_target && !s->point.barrier)
    s->verdict = "no barrier";
  else if (!v->to_target && !sg_gives_gradient(s))
    s->verdict = s->point.exact && s->point.compressed ? "compressed" : "approximate";
  else if (!v->to_target && !sg_gives_gradient(base))
    s->verdict = "inexact baseline";
  else if (p->n == 0)
    s->verdict = "no pairs";
  else if (p->neither == p->n)
    s->verdict = "not reached";
  else if (s->runs_equal && isnan(s->ratio.low))
    s->verdict = "runs equal";
  else if (p->n < SG_FEWEST_PAIRS && !s->runs_equal)
    s->verdict = "too few";
  else {
    s->verdict = p->censored ? by_signs(p, alpha) : by_interval(&s->ratio);
    s->tested = true;
  }
  return status;
}

/* --- The fastest ------------------------------------------------------------------------------ */

double sg_judged_time(const sg_judged_environment *v, const sg_judged *s) {
  return v->to_target ? s->median_high : s->summary.iter_mean_s;
}

/* By the estimate; where medians are not known, by what they are at least. */
static bool is_before(const sg_comparison *c, const sg_judged_environment *v, int a, int b) {
  const sg_judged *x = &c->scheme[a], *y = &c->scheme[b];
  double s = sg_judged_time(v, x), t = sg_judged_time(v, y);
  if (s == t && v->to_target) {
    s = x->median_low;
    t = y->median_low;
  }
  return s < t || (s == t && a < b);
}

static bool is_candidate(const sg_judged_environment *v, const sg_judged *s, bool all) {
  if (!all && !sg_gives_gradient(s)) return false;
  return v->to_target ? s->n_reached > 0 : s->n_ended_early == 0 && s->summary.iter_mean_s > 0;
}

/* Candidates in their order. Who never got there stays one where it was cut too early to know. */
static int collect_candidates(const sg_comparison *c, const sg_judged_environment *v, bool all,
                              int *of) {
  int n = 0;
  for (int pass = 0; pass < 2; pass++) {
    double first = n ? sg_judged_time(v, &c->scheme[of[0]]) : NAN;
    for (int i = v->begin; i < v->end; i++) {
      const sg_judged *s = &c->scheme[i];
      bool taken = is_candidate(v, s, all);
      bool unknown =
          v->to_target && !taken && (all || sg_gives_gradient(s)) && n > 0 && s->median_low < first;
      if (pass ? !unknown : !taken) continue;
      int at = n++;
      for (; at > 0 && is_before(c, v, i, of[at - 1]); at--) of[at] = of[at - 1];
      of[at] = i;
    }
  }
  return n;
}

/* Two schemes that do the same, up to rounding of sums. */
static bool do_the_same(const pairs *p) {
  bool same = p->n > 0;
  for (int i = 0; i < p->n && same; i++)
    same = isfinite(p->base[i]) && fabs(p->x[i] - p->base[i]) <= 1e-9 * p->base[i];
  return same;
}

static pairs pairs_of(const sg_comparison *c, const sg_judged_environment *v, int a, int b,
                      double *time) {
  pairs p = {.base = time, .x = time + c->scheme[a].n_runs};
  collect_pairs(v, &c->scheme[a], &c->scheme[b], &p);
  return p;
}

/* Takes schemes that do the same as the best out of the candidates; how many are left. */
static int take_ties(const sg_comparison *c, const sg_judged_environment *v, int n, int *of,
                     double *time, sg_lead *lead) {
  int left = n > 0;
  for (int k = 1; k < n; k++) {
    pairs p = pairs_of(c, v, of[k], of[0], time);
    if (!do_the_same(&p)) {
      of[left++] = of[k];
    } else if (!lead->n_ties++) {
      lead->tie = of[k];
    }
  }
  return left;
}

/* The best is judged against every other candidate, each as a scheme is against its baseline. */
static sg_status judge_lead(sg_db *db, const sg_comparison *c, const sg_judged_environment *v,
                            int n, int *of, double *time, sg_lead *lead, sg_error *e) {
  sg_status status = SG_OK;
  *lead = (sg_lead){.best = n > 0 ? of[0] : -1,
                    .next = -1,
                    .tie = -1,
                    .doubt = -1,
                    .ratio = {.ratio = NAN, .low = NAN, .high = NAN},
                    .verdict = ""};
  lead->n = n = take_ties(c, v, n, of, time, lead);
  lead->alpha = c->alpha_of_lead / (n > 2 ? n - 1 : 1);
  for (int k = 1; k < n && !status; k++) {
    sg_judged best = c->scheme[of[0]];
    pairs p = pairs_of(c, v, of[k], of[0], time);
    status = judge_pairs(db, v, &c->scheme[of[k]], &best, &p, lead->alpha, e);
    if (k == 1) {
      lead->next = of[1];
      lead->ratio = best.ratio;
      lead->verdict = best.verdict;
      lead->tested = best.tested;
    }
    if (lead->doubt < 0 && strcmp(best.verdict, "faster") != 0) lead->doubt = of[k];
  }
  lead->holds = n > 1 && lead->doubt < 0;
  return status;
}

static sg_status judge_leads(sg_db *db, sg_comparison *c, sg_judged_environment *v, sg_error *e) {
  int most = 1;
  for (int i = v->begin; i < v->end; i++)
    if (c->scheme[i].n_runs > most) most = c->scheme[i].n_runs;
  double *time = malloc(2 * (size_t)most * sizeof *time);
  int *of = malloc((size_t)(v->end - v->begin) * sizeof *of);
  sg_status status = time && of ? SG_OK : sg_fail_memory(e);
  v->of_all = (sg_lead){.best = -1, .next = -1, .tie = -1, .doubt = -1, .verdict = ""};
  if (!status) {
    int n = collect_candidates(c, v, false, of);
    for (int k = 0; k < n; k++) c->scheme[of[k]].rank = k + 1;
    status = judge_lead(db, c, v, n, of, time, &v->fastest, e);
    c->n_leads += v->fastest.tested;
  }
  if (!status && v->to_target) {
    status = judge_lead(db, c, v, collect_candidates(c, v, true, of), of, time, &v->of_all, e);
    c->n_leads += v->of_all.tested && v->of_all.best != v->fastest.best;
  }
  free(of);
  free(time);
  return status;
}

/* --- All -------------------------------------------------------------------------------------- */

static sg_status judge(sg_db *db, sg_comparison *c, const sg_judged_environment *v, sg_error *e) {
  sg_judged *base = &c->scheme[v->baseline];
  double *time = malloc(2 * (size_t)base->n_runs * sizeof *time);
  if (!time) return sg_fail_memory(e);
  sg_status status = SG_OK;
  for (int i = v->begin; i < v->end && !status; i++) {
    sg_judged *s = &c->scheme[i];
    pairs p = {.base = time, .x = time + base->n_runs};
    collect_pairs(v, base, s, &p);
    if (s != base) status = judge_pairs(db, v, base, s, &p, c->alpha, e);
    c->n_tested += s->tested;
    base->ratio.n = s == base ? p.n : base->ratio.n;
  }
  base->verdict = "baseline";
  free(time);
  return status;
}

static sg_status judge_all(sg_db *db, sg_comparison *c, double alpha, double alpha_of_lead,
                           sg_error *e) {
  sg_status status = SG_OK;
  c->alpha = alpha;
  c->alpha_of_lead = alpha_of_lead;
  c->n_tested = c->n_leads = 0;
  for (int i = 0; i < c->n_environments && !status; i++) {
    status = judge(db, c, &c->environment[i], e);
    if (!status) status = judge_leads(db, c, &c->environment[i], e);
  }
  return status;
}

sg_status sg_judge(sg_db *db, const char *baseline, bool simultaneous, sg_comparison *c,
                   sg_error *e) {
  sg_status status = load(db, c, e);
  if (!status) status = check_baseline(c, baseline, e);
  for (int begin = 0; begin < c->n && !status;) {
    if (!SG_ROOM(c->environment, c->environments_capacity, c->n_environments + 1))
      return sg_fail_memory(e);
    sg_judged_environment *v = &c->environment[c->n_environments++];
    *v = find_environment(c, begin, baseline);
    begin = v->end;
  }
  if (!status) status = judge_all(db, c, SIGNIFICANCE, SIGNIFICANCE, e);
  /* How many are tested does not depend on the level. */
  if (!status && simultaneous && (c->n_tested > 1 || c->n_leads > 1))
    status = judge_all(db, c, SIGNIFICANCE / (c->n_tested > 1 ? c->n_tested : 1),
                       SIGNIFICANCE / (c->n_leads > 1 ? c->n_leads : 1), e);
  return status;
}
