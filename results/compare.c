/* SPDX-License-Identifier: MIT */
/* The comparison as it is printed: for people, an environment at a time with heading, notes and
 * legend; for programs, one table of all schemes. Which summaries are shown, and under which
 * heading, the table of columns says; what is judged (judge.c) has columns of its own here. */
#include "results/query.h"

#include "results/columns.h"
#include "results/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Half of the 16 digits of a double. */
static const double ILL_CONDITIONED = 1e8;
/* Of a run: with fewer, intervals were found to be too narrow. */
static const double FEW_ITERATIONS = 10;

/* --- For people ------------------------------------------------------------------------------- */

static void three_digits(double x, char out[32]) {
  snprintf(out, 32, x >= 99.95 ? "%.0f" : "%#.3g", x);
}

static void put_speedup(sg_table *t, const sg_judged *base, const sg_judged *s) {
  char ratio[32], low[32], high[32], cell[112];
  if (s == base || s->ratio.n == 0 || isnan(s->ratio.ratio)) {
    sg_table_text(t, s == base ? "1 (baseline)" : s->ratio.n == 0 ? "—" : "censored");
    return;
  }
  three_digits(s->ratio.ratio, ratio);
  three_digits(s->ratio.low, low);
  three_digits(s->ratio.high, high);
  if (isnan(s->ratio.low))
    snprintf(cell, sizeof cell, "%s× (%d pair%s)", ratio, s->ratio.n, s->ratio.n == 1 ? "" : "s");
  else
    snprintf(cell, sizeof cell, "%s× [%s, %s]", ratio, low, high);
  sg_table_text(t, cell);
}

/* "1982 (20/20)": the median and how many runs reached the target; "1517–1982 (13/20)", "> 1517
 * (7/20)": where the others were cut too early to know it better. */
static void put_time_to_target(sg_table *t, const sg_judged *s) {
  char cell[80];
  double low = s->median_low, high = s->median_high;
  int at = 0;
  if (low > 0 && isfinite(low) && isfinite(high) && low < high)
    at = snprintf(cell, sizeof cell, "%.4g–%.4g", low, high);
  else if (isfinite(high))
    at = snprintf(cell, sizeof cell, "%s%.4g", low < high ? "≤ " : "", high);
  else if (low > 0 && isfinite(low))
    at = snprintf(cell, sizeof cell, "> %.4g", low);
  else
    at = snprintf(cell, sizeof cell, "—");
  snprintf(cell + at, sizeof cell - (size_t)at, " (%d/%d)", s->n_reached, s->n_runs);
  sg_table_text(t, cell);
}

/* As one number: NAN where it is not known. */
static double median_time(const sg_judged *s) {
  return s->median_low == s->median_high && isfinite(s->median_low) ? s->median_low : NAN;
}

/* The folded value of a column as a cell. */
static void put_summary(sg_table *t, const sg_column *c, const sg_judged *s, double scale) {
  double x = sg_column_number(c, &s->summary);
  sg_table_number(t, scale > 0 ? scale * x : x, c->digits ? c->digits : 4);
}

/* Whether a column has something to say of an environment. */
static bool is_shown(const sg_comparison *c, const sg_judged_environment *v,
                     const sg_column *column) {
  if (!column->heading) return false;
  for (int i = v->begin; i < v->end; i++) {
    double x = sg_column_number(column, &c->scheme[i].summary);
    if (!isnan(x) && (x != 0 || !column->unless_zero)) return true;
  }
  return false;
}

/* The table of one environment for people: the most important columns first, since a narrow
 * terminal gets it in blocks. */
static sg_table *people_table(const sg_comparison *c, const sg_judged_environment *v) {
  sg_table *t = sg_table_new(0, NULL);
  bool early = false;
  for (int i = v->begin; i < v->end; i++) early |= c->scheme[i].n_ended_early > 0;
  for (int i = v->begin; t && i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    sg_table_text(sg_table_at(t, "scheme"), s->point.scheme_label);
    sg_table_number(sg_table_at(t, "iter (s)"), s->summary.iter_mean_s, 4);
    put_speedup(sg_table_at(t, v->to_target ? "speed-up to target" : "speed-up [95 %]"),
                &c->scheme[v->baseline], s);
    sg_table_text(sg_table_at(t, "verdict"), i == v->baseline ? "—" : s->verdict);
    if (v->to_target) put_time_to_target(sg_table_at(t, "to target (s)"), s);
    sg_table_text(sg_table_at(t, "stop"), s->point.stop_rule);
    sg_table_number(sg_table_at(t, "d"), s->point.load_d, 3);
    sg_table_integer(sg_table_at(t, "s"), s->point.stragglers_s);
    sg_table_integer(sg_table_at(t, "m"), s->point.comm_m);
    for (const sg_column *k = sg_members_of("run_summary"); k; k = sg_column_after(k))
      if (is_shown(c, v, k)) put_summary(sg_table_at(t, k->heading), k, s, k->scale);
    sg_table_integer(sg_table_at(t, "runs"), s->n_runs);
    if (early) sg_table_integer(sg_table_at(t, "ended early"), s->n_ended_early);
  }
  return t;
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
static sg_status put_axes(sg_db *db, const sg_judged *first, sg_buffer *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status =
      sg_db_ask(db,
                "WITH env AS (SELECT point_id FROM point"
                "             WHERE env_sha256 = :text AND results_version = :number)"
                " SELECT name, value FROM point_axis JOIN env USING (point_id)"
                " GROUP BY name, value HAVING count(*) = (SELECT count(*) FROM env)"
                " ORDER BY min(position)",
                first->point.env_sha256, first->results_version, &s, e);
  sg_put(out, "");
  while (sg_db_row(db, s, &status, e)) {
    sg_putf(out, "%s%s = ", out->length ? ", " : "", sqlite3_column_text(s, 0));
    put_axis_value((const char *)sqlite3_column_text(s, 1), out);
  }
  sqlite3_finalize(s);
  return !status && out->failed ? sg_fail_memory(e) : status;
}

/* What an interval holds for: what the replications do not vary is as the seed has drawn it. */
static void put_condition(const sg_judged *first, sg_buffer *out) {
  const sg_point_record *p = &first->point;
  const char *varied = p->replicate ? p->replicate : "delays";
  bool code = strstr(varied, "+code"), data = strstr(varied, "+data") || p->timing_only;
  if (first->replay) sg_put(out, "  compute times are replayed, the same in all replications\n");
  sg_putf(out, "  replications vary %s", varied);
  if (!code || !data)
    sg_putf(out, ": intervals hold for %s%s%s", code ? "" : "this draw of the codes",
            code || data ? "" : " and ", data ? "" : "this split of the data");
  sg_put(out, "\n");
}

static sg_status put_heading(sg_db *db, const sg_comparison *c, int number, const char *axes,
                             bool color, sg_buffer *out, sg_error *e) {
  const sg_judged_environment *v = &c->environment[number];
  const sg_judged *first = &c->scheme[v->begin];
  const sg_point_record *p = &first->point;
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(
      db,
      "SELECT name,"
      " coalesce(json_extract(config_json, '$.environment.network.compression.compressor'),"
      " json_extract(config_json, '$.environment.network.precision'))"
      " FROM point JOIN scenario USING (scenario_id) WHERE point_id = :number",
      NULL, first->point_id, &s, e);
  if (!status) status = sg_db_step(db, s, e);
  if (!status) {
    sg_putf(out, "%sEnvironment %d: %s", color ? "\033[1m" : "", number + 1,
            sqlite3_column_text(s, 0));
    if (*axes) sg_putf(out, ", %s", axes);
    sg_putf(out, "%s\n", color ? "\033[0m" : "");
    sg_putf(out, "  %d workers, %d subsets, gradient length %lld, %s\n", p->n_workers, p->n_subsets,
            (long long)p->length, p->timing_only ? "timing only" : p->problem);
    const char *const of[] = {p->scaling, p->late_work, p->late_messages};
    static const char *const what[] = {"scaling", "late work", "late messages"};
    for (int k = 0; k < 3; k++)
      sg_putf(out, "%s%s %s", k ? ", " : "  ", what[k], of[k] ? of[k] : "not known");
    const char *precision = (const char *)sqlite3_column_text(s, 1);
    if (precision && strcmp(precision, "float64") != 0) sg_putf(out, ", messages as %s", precision);
    if (first->results_version != SG_RESULTS_VERSION)
      sg_putf(out, "\n  computed by other code (results version %lld, now %d)",
              (long long)first->results_version, SG_RESULTS_VERSION);
    sg_put(out, "\n");
    put_condition(first, out);
    sg_putf(out, "  baseline: %s", c->scheme[v->baseline].point.scheme_label);
    if (v->baseline_by_default) sg_put(out, " (none is chosen here: the first scheme)");
    if (v->to_target)
      sg_putf(out, "; verdict on the time to loss %g", p->target_loss);
    else
      sg_put(out, "; verdict on the mean iteration time");
    if (c->alpha < 0.05)
      sg_putf(out, ";\n  intervals and verdicts hold together at 95 %% (%d of them)", c->n_tested);
    sg_put(out, "\n\n");
  }
  sqlite3_finalize(s);
  return status;
}

/* Laws without variance, wherever they stand in the environment. */
static sg_status put_tails(sg_db *db, const sg_judged *first, sg_buffer *out, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status =
      sg_db_ask(db,
                "SELECT substr(fullkey, length('$.environment.') + 1), json_extract(value, "
                "'$.shape') AS shape"
                " FROM point, json_tree(config_json) WHERE point_id = :number AND type = 'object'"
                " AND fullkey LIKE '$.environment.%' AND json_extract(value, '$.model') = 'pareto'"
                " AND shape <= 2",
                NULL, first->point_id, &s, e);
  while (sg_db_row(db, s, &status, e))
    sg_putf(
        out,
        "  Warning: %s: Pareto times of shape %g have no %s: intervals hold the ratio somewhat less"
        "\n  often than they say, and a ratio of mean times much less (docs/validation.md).\n",
        (const char *)sqlite3_column_text(s, 0), sqlite3_column_double(s, 1),
        sqlite3_column_double(s, 1) > 1 ? "variance" : "mean");
  sqlite3_finalize(s);
  return status;
}

/* Runs that are worth few independent iterations: the worst of the environment. */
static void put_memory(const sg_comparison *c, const sg_judged_environment *v, sg_buffer *out) {
  const sg_judged *worst = NULL;
  for (int i = v->begin; i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    if (s->effective_iterations < FEW_ITERATIONS &&
        (!worst || s->effective_iterations < worst->effective_iterations))
      worst = s;
  }
  if (worst)
    sg_putf(out,
            "  Warning: iterations hang together: the mean of a %s of %s is\n  worth that of %.2g "
            "independent ones. Intervals may be too narrow; longer runs help.\n",
            worst->runs_equal ? "block" : "run", worst->point.scheme_label,
            worst->effective_iterations);
}

static void put_equal_runs(const sg_comparison *c, const sg_judged_environment *v, sg_buffer *out) {
  int known = 0, unknown = 0, censored = 0;
  for (int i = v->begin; i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    known += s->runs_equal && !isnan(s->ratio.low);
    unknown += s->runs_equal && isnan(s->ratio.low) && !isnan(s->ratio.ratio);
    censored += s->runs_equal && isnan(s->ratio.ratio);
  }
  if (known)
    sg_putf(
        out,
        "  Note: all replications are the same (%d schemes): intervals are from one, by %d blocks "
        "of\n  iterations.\n",
        known, SG_BLOCKS);
  if (unknown)
    sg_putf(
        out,
        "  Note: all replications are the same (%d schemes), and there are no iterations to take "
        "an\n  interval from (detail iteration, at least %d).\n",
        unknown, 2 * SG_BLOCKS);
  if (censored)
    sg_putf(out,
            "  Note: all replications are the same (%d schemes), and censored: one pair decides "
            "nothing.\n",
            censored);
}

/* Pairs of which nobody knows who is faster. */
static void put_unknown_pairs(const sg_comparison *c, const sg_judged_environment *v,
                              sg_buffer *out) {
  bool any = false;
  for (int i = v->begin; i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    if (!s->n_unknown) continue;
    if (!any)
      sg_putf(
          out,
          "  Warning: the cap of %lld iterations ended runs before the other's time to target. Who "
          "is\n  faster there is unknown, and counts against a verdict; a larger stop.iterations "
          "(with\n  stop.sim_time_s, if need be) decides it. Pairs:\n",
          (long long)s->point.max_iterations);
    sg_putf(out, "    %s: %d of %d\n", s->point.scheme_label, s->n_unknown, s->ratio.n);
    any = true;
  }
}

static void put_notes(const sg_comparison *c, const sg_judged_environment *v, sg_buffer *out) {
  const sg_judged *base = &c->scheme[v->baseline];
  if (!v->to_target && !sg_gives_gradient(base))
    sg_put(out, base->point.barrier
                    ? "  Note: the baseline itself does not give the exact gradient.\n"
                    : "  Note: the baseline itself uses gradients of older models.\n");
  for (int i = v->begin; i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    const char *label = s->point.scheme_label;
    double cond1 = s->summary.cond1_max, amp = s->summary.decode_amp_max;
    if (s->n_ended_early)
      sg_putf(out,
              "  Note: %s: %d of %d runs ended early (%d diverged, %d stalled, %d undecodable).\n",
              label, s->n_ended_early, s->n_runs, s->n_diverged, s->n_stalled, s->n_undecodable);
    if (cond1 >= ILL_CONDITIONED || amp >= ILL_CONDITIONED)
      sg_putf(out,
              "  Warning: %s:\n  ill-conditioned decodes (condition up to %.1e, amplification up "
              "to %.1e):\n  half of the digits of a gradient or more may be lost.\n",
              label, cond1, amp);
    double means = s->ratio_of_means;
    if (i != v->baseline && (means < s->ratio.low || means > s->ratio.high))
      sg_putf(out, "  Note: %s: the ratio of the mean times is %.3g, outside of the interval.\n",
              label, means);
    int most = base->n_runs > s->n_runs ? base->n_runs : s->n_runs;
    if (i != v->baseline && s->ratio.n < most)
      sg_putf(out,
              "  Note: %s: %d replications are paired with the baseline (it has %d runs, the "
              "baseline %d).\n",
              label, s->ratio.n, s->n_runs, base->n_runs);
  }
  put_unknown_pairs(c, v, out);
  put_equal_runs(c, v, out);
  put_memory(c, v, out);
}

static void put_legend(const sg_comparison *c, int width, sg_buffer *out) {
  bool target = false, iteration = false, shared_link = false, no_barrier = false, loaded = false;
  for (int i = 0; i < c->n_environments; i++) {
    target |= c->environment[i].to_target;
    iteration |= !c->environment[i].to_target;
  }
  for (int i = 0; i < c->n; i++) {
    shared_link |= c->scheme[i].summary.ingress_busy_share > 0;
    no_barrier |= !c->scheme[i].point.barrier;
    loaded |= c->scheme[i].point.load_d > 1;
  }
  const struct {
    bool shown;
    const char *text;
  } paragraph[] = {
      {true, "d: subsets per worker, s: stragglers tolerated, m: messages have 1/m of a gradient's "
             "length."},
      {loaded, "What d costs is an assumption of the scenario: d subsets take d times as long to "
               "compute as one (scaling proportional, additive), or each per_subset_s more "
               "(startup)."},
      {true, "speed-up: the geometric mean, over replications, of the baseline's time over the "
             "scheme's (both see the same delays), with its 95 % interval (t on log ratios); under "
             "5 pairs: too few for one. It is a typical run's ratio, not the ratio of the mean "
             "times."},
      {c->n_tested > 1 && c->alpha == 0.05,
       "Each verdict is wrong in 5 % of cases by itself; environments of a sweep share their "
       "random numbers, so that wrong ones come in packs. --simultaneous holds all of them "
       "together."},
      {iteration, "approximate: the gradient is not the exact sum (by the code, or by a scaled "
                  "error of 1e-6 or more), so iteration times are not comparable; a target loss "
                  "makes times comparable. scaled error: error of the decoded gradient over the "
                  "summed norms."},
      {iteration && no_barrier, "no barrier: an update may use gradients of older models, so "
                                "iteration times are not comparable with those of schemes that "
                                "wait."},
      {shared_link, "link busy: share of the time that the master's incoming link is in use. "
                    "queued: mean time that a message waits for it, besides the time that it would "
                    "need alone."},
      {target, "to target: median simulated time (reached/runs); between two times, or above one, "
               "where runs ended too early to say more."},
      {target, "censored: some paired run did not reach the target; the verdict is then by the "
               "exact sign test: a run that did not get there is slower than one that did in less "
               "simulated time than it had. not reached: neither did in any pair."}};
  /* In lines of a terminal's width; 0: unlimited, but nobody reads that. */
  int columns = width > 20 && width < 100 ? width : 100;
  for (size_t i = 0; i < sizeof paragraph / sizeof *paragraph; i++)
    if (paragraph[i].shown) sg_put_wrapped(out, "", "", paragraph[i].text, columns);
}

static sg_status print_environment(sg_db *db, const sg_comparison *c, int number, int width,
                                   bool color, sg_buffer *out, sg_error *e) {
  const sg_judged_environment *v = &c->environment[number];
  sg_buffer axes = {0};
  sg_status status = put_axes(db, &c->scheme[v->begin], &axes, e);
  if (!status) status = put_heading(db, c, number, axes.data, color, out, e);
  sg_buffer_free(&axes);
  if (status) return status;
  sg_table *t = people_table(c, v);
  if (!t) return sg_fail_memory(e);
  sg_table_print(t, SG_FORMAT_TEXT, width, out);
  put_notes(c, v, out);
  status = put_tails(db, &c->scheme[v->begin], out, e);
  sg_put(out, "\n");
  sg_table_free(t);
  return status;
}

/* --- For programs ----------------------------------------------------------------------------- */

/* axes: a row of v_axes, whose first column is the point's number. */
static void put_scheme(sg_table *t, const sg_comparison *c, int number, int i, const char *common,
                       sqlite3_stmt *axes) {
  const sg_judged_environment *v = &c->environment[number];
  const sg_judged *s = &c->scheme[i];
  bool base = i == v->baseline;
  sg_table_integer(sg_table_at(t, "environment"), number + 1);
  sg_table_text(sg_table_at(t, "env_sha256"), s->point.env_sha256);
  sg_table_integer(sg_table_at(t, "results_version"), s->results_version);
  sg_table_text(sg_table_at(t, "axes"), common);
  sg_table_integer(sg_table_at(t, "point_id"), s->point_id);
  for (int k = 1; k < sqlite3_column_count(axes); k++)
    sg_put_value(sg_table_at(t, sqlite3_column_name(axes, k)), axes, k);
  sg_table_text(sg_table_at(t, "scheme_label"), s->point.scheme_label);
  sg_table_text(sg_table_at(t, "code"), s->point.code);
  sg_table_text(sg_table_at(t, "stop_rule"), s->point.stop_rule);
  sg_table_integer(sg_table_at(t, "exact"), s->point.exact);
  sg_table_integer(sg_table_at(t, "barrier"), s->point.barrier);
  sg_table_number(sg_table_at(t, "load_d"), s->point.load_d, 3);
  sg_table_integer(sg_table_at(t, "stragglers_s"), s->point.stragglers_s);
  sg_table_integer(sg_table_at(t, "comm_m"), s->point.comm_m);
  sg_table_integer(sg_table_at(t, "is_baseline"), base);
  sg_table_integer(sg_table_at(t, "timing_only"), s->point.timing_only);
  sg_table_integer(sg_table_at(t, "runs"), s->n_runs);
  sg_table_integer(sg_table_at(t, "ended_early"), s->n_ended_early);
  sg_table_text(sg_table_at(t, "judged_by"), v->to_target ? "time_to_target" : "iteration_time");
  sg_table_integer(sg_table_at(t, "pairs"), s->ratio.n);
  sg_table_integer(sg_table_at(t, "pairs_unknown"), s->n_unknown);
  sg_table_number(sg_table_at(t, "level"), 1 - c->alpha, 6);
  sg_table_number(sg_table_at(t, "speedup"), base ? 1 : s->ratio.ratio, 4);
  sg_table_number(sg_table_at(t, "speedup_ci95_low"), base ? NAN : s->ratio.low, 4);
  sg_table_number(sg_table_at(t, "speedup_ci95_high"), base ? NAN : s->ratio.high, 4);
  sg_table_number(sg_table_at(t, "ratio_of_means"), base ? 1 : s->ratio_of_means, 4);
  sg_table_number(sg_table_at(t, "effective_iterations"), s->effective_iterations, 3);
  sg_table_text(sg_table_at(t, "verdict"), s->verdict);
  sg_table_text(sg_table_at(t, "replicate"), s->point.replicate);
  sg_table_number(sg_table_at(t, "time_to_target_median_s"), v->to_target ? median_time(s) : NAN,
                  4);
  sg_table_number(sg_table_at(t, "time_to_target_median_low_s"),
                  v->to_target && isfinite(s->median_low) ? s->median_low : NAN, 4);
  sg_table_number(sg_table_at(t, "time_to_target_median_high_s"),
                  v->to_target && isfinite(s->median_high) ? s->median_high : NAN, 4);
  sg_table_number(sg_table_at(t, "n_reached"), v->to_target ? (double)s->n_reached : NAN, 4);
  sg_table_number(sg_table_at(t, "mb_received_mean"), s->summary.bytes_received_mean / 1e6, 3);
  for (const sg_column *k = sg_members_of("run_summary"); k; k = sg_column_after(k))
    if (k->shown & SG_IN_COMPARE) put_summary(sg_table_at(t, k->name), k, s, 1);
}

static sg_status print_data(sg_db *db, const sg_comparison *c, sg_format format, sg_buffer *out,
                            sg_error *e) {
  sqlite3_stmt *axes = NULL;
  sg_table *t = sg_table_new(0, NULL);
  sg_status status = t ? SG_OK : sg_fail_memory(e);
  if (!status) status = sg_db_prepare(db, "SELECT * FROM v_axes WHERE point_id = ?", &axes, e);
  for (int number = 0; number < c->n_environments && !status; number++) {
    const sg_judged_environment *v = &c->environment[number];
    sg_buffer common = {0};
    status = put_axes(db, &c->scheme[v->begin], &common, e);
    for (int i = v->begin; i < v->end && !status; i++) {
      sqlite3_bind_int64(axes, 1, c->scheme[i].point_id);
      status = sg_db_step(db, axes, e);
      if (!status) put_scheme(t, c, number, i, common.data, axes);
      sqlite3_reset(axes);
    }
    sg_buffer_free(&common);
  }
  if (!status && !c->n) { /* the columns are there without rows, too */
    const sg_comparison blank = {.scheme = &(sg_judged){0},
                                 .environment = &(sg_judged_environment){0}};
    put_scheme(t, &blank, 0, 0, NULL, axes);
    sg_table_drop_rows(t);
  }
  if (!status) sg_table_print(t, format, 0, out);
  sg_table_free(t);
  sqlite3_finalize(axes);
  return status;
}

sg_status sg_compare(sg_db *db, const char *baseline, bool simultaneous, sg_format format,
                     int width, bool color, sg_buffer *out, sg_error *e) {
  sg_comparison c = {0};
  /* One transaction: a writer that is at work does not show us two states of the database. */
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_judge(db, baseline, simultaneous, &c, e);
  if (!status && format != SG_FORMAT_TEXT) {
    status = print_data(db, &c, format, out, e);
  } else if (!status) {
    for (int i = 0; i < c.n_environments && !status; i++)
      status = print_environment(db, &c, i, width, color, out, e);
    if (!status && c.n) put_legend(&c, width, out);
    if (!status && !c.n) sg_put(out, "The database has no finished runs.\n");
  }
  if (!status && out->failed) status = sg_fail_memory(e);
  sg_comparison_clear(&c);
  return sg_db_end(db, status, e);
}
