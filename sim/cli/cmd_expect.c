/* SPDX-License-Identifier: MIT */
/* The command expect: exact iteration times beside simulated ones. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/expect/expect.h"
#include "sim/expect/simulated.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

typedef struct result {
  const sg_planned *of;
  bool exact; /* has a closed form */
  char *why;  /* otherwise, or where simulated values are missing or cannot be judged; owned */
  char rule[96];
  const char *basis;
  double mean, error, p50, p90, p99, responses, err_norm;
  double z, z99; /* NAN: not judged */
  sg_simulated simulated;
} result;

static void clear(result *r) {
  free(r->why);
  sg_simulated_clear(&r->simulated);
}

static void say_why(result *r, const char *why) {
  r->why = strdup(why);
  if (!r->why) sg_starve();
}

/* All iterations took equally long, but for the rounding of their ends: the time is never random,
 * or what makes it so is too rare to have happened once. */
static void judge_constant(const sg_simulated *s, result *r) {
  double off = fabs(s->mean - r->mean);
  if (off <= 1e-9 * fabs(r->mean))
    r->z = 0;
  else if (off >= fabs(r->mean) / (double)s->iterations)
    r->z = INFINITY;
  else
    say_why(r, "the mean is not judged: what makes iterations differ was too rare to happen");
}

/* Deviations in standard errors. Where there is a closed form iterations are independent of one
 * another, within a run and between runs: the standard error of the mean is sd/√(iterations of all
 * runs), that of the share within the exact p99 is binomial. */
static void judge(const sg_expectation *x, result *r) {
  const sg_simulated *s = &r->simulated;
  double n = (double)s->iterations;
  if (s->cut) {
    say_why(r, "simulated values are not judged: runs were ended by simulated time, which "
               "favours short iterations");
    return;
  }
  if (!sg_finish_has_moment(&x->finish, 2))
    say_why(r, "the mean is not judged: the iteration time has no variance");
  else if (s->sd > 1e-12 * fabs(s->mean))
    r->z = (s->mean - r->mean) / (s->sd / sqrt(n));
  else if (n > 1)
    judge_constant(s, r);
  double share = sg_simulated_within(s, r->p99 * (1 + 1e-12));
  double expected = sg_finish_done(&x->finish, r->p99 * (1 + 1e-12));
  if (expected > 0 && expected < 1)
    r->z99 = (expected - share) / sqrt(expected * (1 - expected) / n);
}

/* SG_INVALID where replications draw codes anew and the next one's has another time than x. */
static sg_status check_draws(const sg_plan *plan, const sg_point *point, const sg_expectation *x,
                             sg_error *why) {
  if (sg_point_replicates(point) == SG_REPLICATE_DELAYS) return SG_OK;
  sg_world *w = NULL;
  sg_expectation *other = NULL;
  sg_status status = sg_world_of(point, 1, plan->cache, NULL, &w, why);
  if (!status) status = sg_expect(w, &other, why);
  if (!status && (x->mean != other->mean ||
                  sg_finish_quantile(&x->finish, 0.99) != sg_finish_quantile(&other->finish, 0.99)))
    status = sg_fail(why, SG_INVALID, NULL,
                     "the time hangs on the draw of the code, which replications vary");
  sg_expectation_free(other);
  sg_world_free(w, plan->cache);
  return status;
}

/* One point: exact values, then what the database has. */
static sg_status compute(const sg_plan *plan, sg_db *db, result *r, sg_error *e) {
  r->err_norm = NAN;
  r->mean = r->error = r->p50 = r->p90 = r->p99 = r->responses = r->z = r->z99 = NAN;
  sg_error why = {0};
  sg_world *w = NULL;
  sg_expectation *x = NULL;
  sg_status status = sg_world_new(r->of->point, plan->cache, NULL, &w, e);
  if (status) return status;
  status = sg_expect(w, &x, &why);
  if (!status) status = check_draws(plan, r->of->point, x, &why);
  if (!status) {
    r->exact = true;
    memcpy(r->rule, x->rule->text, sizeof r->rule);
    r->basis = x->rule->basis;
    r->mean = x->mean;
    r->error = x->error;
    r->responses = x->responses;
    r->err_norm = x->err_norm;
    r->p50 = sg_finish_quantile(&x->finish, 0.5);
    r->p90 = sg_finish_quantile(&x->finish, 0.9);
    r->p99 = sg_finish_quantile(&x->finish, 0.99);
  } else if (status == SG_INVALID) {
    say_why(r, why.count && why.fault[0].message ? why.fault[0].message : "");
    status = SG_OK;
  } else {
    sg_error_move(e, &why);
  }
  sg_error_clear(&why);
  if (!status && db) status = sg_simulated_read(db, r->of->key, &r->simulated, e);
  if (!status && db && r->exact && r->simulated.iterations) judge(x, r);
  if (!status && db && r->exact && !r->simulated.iterations) say_why(r, "not in the database");
  if (sg_starved() && !status) status = sg_fail_memory(e);
  sg_expectation_free(x);
  sg_world_free(w, plan->cache);
  return status;
}

/* --- Σz² -------------------------------------------------------------------------------------- */

typedef struct total {
  int exact, judged, beyond, unavailable, unmatched;
  double chi2, degrees, bound; /* bound: 99.9 % point of Σz² */
} total;

/* Points share their random numbers, so that their z are correlated: the 99.9 % point is that of
 * g·χ² with f degrees of freedom, the mean and variance of Σz² (Satterthwaite 1946): g = Σρ²/k, f =
 * k²/Σρ² over all pairs of the k points, χ² with k degrees of freedom if no two are correlated. */
static total sum_up(int n, const result *r, bool database) {
  total t = {0};
  double rho2 = 0;
  for (int i = 0; i < n; i++) {
    t.exact += r[i].exact;
    t.unavailable += !r[i].exact;
    t.unmatched += database && !r[i].simulated.iterations;
    if (isnan(r[i].z)) continue;
    t.judged++;
    t.beyond += fabs(r[i].z) > 4 || fabs(r[i].z99) > 4;
    t.chi2 += r[i].z * r[i].z;
    for (int j = 0; j < n; j++) {
      if (isnan(r[j].z)) continue;
      double rho = i == j ? 1 : sg_simulated_correlation(&r[i].simulated, &r[j].simulated);
      rho2 += rho * rho;
    }
  }
  if (t.judged) {
    double k = t.judged;
    t.degrees = k * k / rho2;
    t.bound = rho2 / k * gsl_cdf_chisq_Pinv(0.999, t.degrees);
  }
  return t;
}

/* --- Output ----------------------------------------------------------------------------------- */

typedef struct view {
  bool axes, all, simulated; /* which columns there are; all: what machines want besides */
  bool errors;               /* of approximate codes, where one has an expected one */
} view;

/* Members of a scheme are in its label: axes are shown where that does not tell points apart. */
static bool needs_axes(const sg_plan *plan) {
  for (int i = 1; i < plan->count; i++)
    for (int j = 0; j < i; j++)
      if (plan->point[i].valid && plan->point[j].valid &&
          strcmp(plan->point[i].label, plan->point[j].label) == 0)
        return true;
  return false;
}

/* JSON has no infinity: there and in CSV the word stands in its place. */
static void put_time(sg_rows *t, const char *column, double x) {
  if (isinf(x))
    sg_row_text(t, column, "infinite");
  else
    sg_row_number(t, column, x, 6);
}

static void put_row(sg_rows *t, const view *v, const result *r) {
  const sg_planned *p = r->of;
  const sg_simulated *s = &r->simulated;
  sg_row_text(t, "scheme", p->label);
  if (v->axes) {
    sg_buffer axes = {0};
    sg_point_put_axes(p->point, p->point->n_axes, &axes);
    sg_row_buffer(t, "axes", &axes);
  }
  sg_row_integer(t, "n", p->facts.n_workers);
  sg_row_text(t, "wait_for", r->exact ? r->rule : v->all ? NULL : "no closed form");
  if (v->all) sg_row_text(t, "known_by", r->basis);
  put_time(t, "mean_s", r->mean);
  if (v->all) sg_row_number(t, "mean_error_s", r->error, 2);
  put_time(t, "p50_s", r->p50);
  put_time(t, "p90_s", r->p90);
  put_time(t, "p99_s", r->p99);
  if (v->errors) sg_row_number(t, "err_norm", r->err_norm, 6);
  if (v->all) sg_row_number(t, "responses_mean", r->responses, 6);
  if (v->simulated) {
    bool any = s->iterations > 0;
    sg_row_number(t, "sim_mean_s", any ? s->mean : NAN, 6);
    sg_row_number(t, "std_error_s", any ? s->sd / sqrt((double)s->iterations) : NAN, 2);
    sg_row_number(t, "z", r->z, 3);
    sg_row_number(t, "sim_p99_s", any ? s->p99 : NAN, 5);
    sg_row_number(t, "z_p99", r->z99, 3);
    if (v->all) sg_row_integer(t, "iterations", s->iterations);
    if (v->all) sg_row_integer(t, "runs", s->runs);
  }
  if (v->all) sg_row_text(t, "note", r->why);
}

static void put_summary_json(const total *t, bool database, sg_buffer *out) {
  sg_put_json_raw_member(out, "summary", "{");
  SG_PUT_NUMBERS(out, {"exact", t->exact}, {"unavailable", t->unavailable});
  if (database) {
    SG_PUT_NUMBERS(out, {"unmatched", t->unmatched}, {"judged", t->judged}, {"beyond_4", t->beyond},
                   {"sum_z2", t->chi2}, {"degrees_of_freedom", t->judged ? t->degrees : NAN},
                   {"sum_z2_p999", t->judged ? t->bound : NAN});
  }
  sg_put(out, "}");
}

/* What does not fit into the table: points without values, and why; each reason once. */
static void put_notes(const sg_plan *plan, int n, const result *r, sg_buffer *out) {
  for (int i = 0; i < n; i++) {
    if (!r[i].why) continue;
    bool said = false;
    for (int j = 0; j < i && !said; j++) said = r[j].why && strcmp(r[j].why, r[i].why) == 0;
    if (said) continue;
    int alike = 0;
    for (int j = i; j < n; j++) alike += r[j].why && strcmp(r[j].why, r[i].why) == 0;
    sg_putf(out, "%s%s: %s", r[i].exact ? "" : "no closed form: ", r[i].of->label, r[i].why);
    if (alike > 1) sg_putf(out, " (and %d more)", alike - 1);
    sg_put(out, "\n");
  }
  sg_error e = {0};
  if (sg_put_skipped(plan, false, out, &e)) out->failed = true;
  sg_error_clear(&e);
}

static void put_summary(const total *t, const result *r, int n, sg_buffer *out) {
  double worst = 0;
  for (int i = 0; i < n; i++)
    if (r[i].exact && isfinite(r[i].mean)) worst = fmax(worst, r[i].error / fabs(r[i].mean));
  sg_putf(out, "%d point%s exact", t->exact, t->exact == 1 ? "" : "s");
  if (t->exact) sg_putf(out, " (quadrature error at most %.0e of the mean)", fmax(worst, 1e-16));
  if (t->unavailable) sg_putf(out, ", %d without a closed form", t->unavailable);
  if (t->unmatched) sg_putf(out, ", %d not in the database", t->unmatched);
  sg_put(out, ".\n");
  if (!t->judged) return;
  sg_putf(out,
          "%d judged: %d with |z| > 4; Σz² = %.2f, 99.9 %% point %.2f (χ², %.3g effective degrees "
          "of freedom:\npoints share their delays). Standard errors: sd/√iterations, all "
          "iterations of all runs being independent.\n",
          t->judged, t->beyond, t->chi2, t->bound, t->degrees);
}

static void print(const sg_session *s, int n, const result *r, sg_buffer *out) {
  sg_format format = s->format;
  bool errors = false;
  for (int i = 0; i < n; i++) errors = errors || (r[i].exact && !isnan(r[i].err_norm));
  const view v = {.axes = needs_axes(s->plan),
                  .all = format == SG_FORMAT_CSV || format == SG_FORMAT_JSON,
                  .simulated = s->db != NULL,
                  .errors = errors};
  total t = sum_up(n, r, v.simulated);
  sg_rows rows = {0};
  put_row(&rows, &v, &(result){.of = &(sg_planned){.point = &(sg_point){0}}});
  rows.table = sg_table_new(rows.n, rows.name);
  for (int i = 0; rows.table && i < n; i++) put_row(&rows, &v, &r[i]);
  if (format == SG_FORMAT_JSON) sg_put(out, "{\"points\": ");
  sg_put_table(rows.table, format, out);
  if (format == SG_FORMAT_JSON) {
    put_summary_json(&t, v.simulated, out);
    sg_put(out, "}\n");
  } else if (format != SG_FORMAT_CSV) {
    sg_put(out, "\n");
    put_notes(s->plan, n, r, out);
    put_summary(&t, r, n, out);
  }
}

/* All points but the skipped and the repeated. */
static sg_status compute_all(sg_session *s, bool bar, sg_buffer *out) {
  const sg_plan *plan = s->plan;
  result *r = calloc((size_t)plan->count + 1, sizeof *r);
  sg_status status = r ? SG_OK : sg_fail_memory(&s->error);
  int n = 0;
  for (int i = 0; i < plan->count && !status; i++) {
    if (!plan->point[i].valid || plan->point[i].duplicate) continue;
    if (bar) fprintf(stderr, "\rexpect: point %d of %d\033[K", i + 1, plan->count);
    r[n].of = &plan->point[i];
    status = compute(plan, s->db, &r[n++], &s->error);
  }
  if (bar) fprintf(stderr, "\r\033[K");
  if (!status) print(s, n, r, out);
  for (int i = 0; r && i < n; i++) clear(&r[i]);
  free(r);
  return status;
}

/* --- The command ------------------------------------------------------------------------------ */

static int run(const sg_call *call) {
  const char *database = sg_args_text(call->args, "database");
  sg_session s;
  sg_buffer out = {0};
  sg_status status = sg_session_open(call, call->args->word[0], &s);
  if (!status && database) status = sg_session_database(&s, database, SG_OPEN_READ);
  if (!status) status = compute_all(&s, sg_wants_progress(call->args), &out);
  int code = status ? EX_OK : sg_print(&out);
  sg_buffer_free(&out);
  return sg_session_close(&s, status, code);
}

const sg_command sg_cmd_expect = {
    .name = "expect",
    .summary = "Exact iteration times, beside the simulated ones.",
    .operands = {SG_OPERAND_FILE("SCENARIO", "one scenario file")},
    .options = {SG_OPTION_ROW("database", 'd', FILE, "DB", "results to compare with"),
                SG_OPTION_ROW_SET,
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed"),
                SG_OPTION_ROW_FLAG("quiet", 'q', "no progress")},
    .text = {"Mean and quantiles of the iteration time, without simulating, where the model has a "
             "closed form; otherwise the reason why it has none. With a database, each simulated "
             "mean is judged by its distance from the exact one in standard errors."},
    .examples = {{"expect scenarios/papers/ye-abbe-n8.json", "Exact means and quantiles alone"},
                 {"expect my.json --database my.db", "Whether simulated means agree with them"}},
    .run = run};
