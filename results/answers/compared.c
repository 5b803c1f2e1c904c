/* SPDX-License-Identifier: MIT */
/* All that is known of a scheme in its environment, and of the fastest of each, as columns: what
 * CSV and JSON print, and what --columns and --sort choose from. Which summaries there are the
 * table of columns says; what is judged has columns of its own here. */
#include "results/answers/compare.h"

#include "results/columns.h"
#include "sim/core/nearest.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double sg_work(const sg_judged *s) {
  return s->point.load_d * s->point.n_workers / s->point.n_subsets;
}

double sg_median_time(const sg_judged *s) {
  return s->median_low == s->median_high && isfinite(s->median_low) ? s->median_low : NAN;
}

static double known(double x) {
  return isfinite(x) ? x : NAN;
}

void sg_put_axis(sg_table *t, double x) {
  char text[32];
  int digits = 0;
  do snprintf(text, sizeof text, "%.*g", ++digits, x);
  while (digits < 17 && strtod(text, NULL) != x);
  sg_table_number(t, x, digits);
}

/* An axis may be called like a column that only stands here. */
static sg_table *at_axis(sg_table *t, const char *axis) {
  static const char *const ours[] = {"scenario",
                                     "rank",
                                     "work",
                                     "samples",
                                     "samples_unit",
                                     "sample_s",
                                     "worker_s_per_sample",
                                     "time_s",
                                     "candidates",
                                     "best_label",
                                     "lead",
                                     "lead_low",
                                     "lead_high",
                                     "lead_level",
                                     "ahead",
                                     "lead_verdict",
                                     "next_label",
                                     "doubt_label",
                                     "ties",
                                     "tie_label",
                                     "fastest_of_all_label",
                                     "baseline_label",
                                     "speed-up",
                                     NULL};
  char name[256];
  for (int i = 0; ours[i]; i++)
    if (!sqlite3_stricmp(ours[i], axis))
      return sg_table_at(t, sqlite3_snprintf(sizeof name, name, "axis_%s", axis));
  return sg_table_at(t, axis);
}

/* The name of an axis from that of its column, which may have "axis_" in front. */
static bool is_axis(const char *column, const char *axis) {
  while (sqlite3_stricmp(column, axis) != 0 && !strncmp(column, "axis_", 5)) column += 5;
  return !sqlite3_stricmp(column, axis);
}

/* Whether an axis is shared by the schemes of some environment, and of this one. */
static bool is_shared(const sg_names *n, int number, const char *column, bool *here) {
  bool any = false;
  *here = false;
  for (int i = 0; i < n->n_settings; i++) {
    bool same = is_axis(column, n->setting[i].name);
    any |= same;
    *here |= same && i >= n->environment[number].begin && i < n->environment[number].end;
  }
  return any;
}

/* A row of v_axes without the number of the point in front. shared: without axes of the schemes
 * themselves, such as `each`. */
static sg_status put_axes(sg_comparing *c, int number, int64_t point, bool shared, sg_table *t,
                          sg_error *e) {
  sg_status status = SG_OK;
  if (!c->axes)
    status = sg_db_prepare(c->db, "SELECT * FROM v_axes WHERE point_id = ?", &c->axes, e);
  if (status) return status;
  sqlite3_bind_int64(c->axes, 1, point);
  status = point ? sg_db_step(c->db, c->axes, e) : SG_OK;
  for (int k = 1; k < sqlite3_column_count(c->axes) && !status; k++) {
    const char *name = sqlite3_column_name(c->axes, k);
    bool here = true;
    if (shared && !is_shared(&c->names, number, name, &here)) continue;
    at_axis(t, name);
    if (!here)
      sg_table_text(t, NULL);
    else if (sqlite3_column_type(c->axes, k) == SQLITE_FLOAT)
      sg_put_axis(t, sqlite3_column_double(c->axes, k));
    else
      sg_put_value(t, c->axes, k);
  }
  sqlite3_reset(c->axes);
  return status;
}

static void put_common(const sg_names *names, int number, sg_table *t) {
  sg_buffer text = {0};
  sg_put(&text, "");
  for (int i = names->n ? names->environment[number].begin : 0;
       names->n && i < names->environment[number].end; i++) {
    sg_putf(&text, "%s%s = ", text.length ? ", " : "", names->setting[i].name);
    sg_put_setting(names->setting[i].value, &text);
  }
  sg_table_buffer(t, &text);
}

static void put_summary(sg_table *t, const sg_column *c, const sg_judged *s) {
  sg_table_number(t, sg_column_number(c, &s->summary), c->digits ? c->digits : 4);
}

static void put_number(sg_table *t, const char *column, double x) {
  sg_table_number(sg_table_at(t, column), x, 4);
}

/* As people read it: only where it is asked for. */
#define SPEEDUP "speed-up"

static bool is_chosen(const sg_compare_options *o) {
  return o->columns && strcmp(o->columns, "all") != 0;
}

static sg_status put_scheme(sg_comparing *c, int number, int i, sg_table *t, sg_error *e) {
  const sg_judged_environment *v = &c->found.environment[number];
  const sg_judged *s = &c->found.scheme[i];
  bool base = i == v->baseline;
  sg_table_integer(sg_table_at(t, "environment"), number + 1);
  sg_table_text(sg_table_at(t, "env_sha256"), s->point.env_sha256);
  sg_table_integer(sg_table_at(t, "results_version"), s->results_version);
  put_common(&c->names, number, sg_table_at(t, "axes"));
  sg_table_integer(sg_table_at(t, "point_id"), s->point_id);
  sg_status status = put_axes(c, number, s->point_id, false, t, e);
  sg_table_text(sg_table_at(t, "scheme_label"), s->point.scheme_label);
  sg_table_text(sg_table_at(t, "code"), s->point.code);
  sg_table_text(sg_table_at(t, "stop_rule"), s->point.stop_rule);
  sg_table_integer(sg_table_at(t, "exact"), s->point.exact);
  sg_table_integer(sg_table_at(t, "barrier"), s->point.barrier);
  sg_table_integer(sg_table_at(t, "models"), s->point.models);
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
  sg_table_number(sg_table_at(t, "level"), 1 - c->found.alpha, 6);
  put_number(t, "speedup", base ? 1 : s->ratio.ratio);
  put_number(t, "speedup_ci95_low", base ? NAN : s->ratio.low);
  put_number(t, "speedup_ci95_high", base ? NAN : s->ratio.high);
  put_number(t, "ratio_of_means", base ? 1 : s->ratio_of_means);
  sg_table_number(sg_table_at(t, "effective_iterations"), s->effective_iterations, 3);
  sg_table_text(sg_table_at(t, "verdict"), s->verdict);
  sg_table_text(sg_table_at(t, "replicate"), s->point.replicate);
  put_number(t, "time_to_target_median_s", v->to_target ? sg_median_time(s) : NAN);
  put_number(t, "time_to_target_median_low_s", v->to_target ? known(s->median_low) : NAN);
  put_number(t, "time_to_target_median_high_s", v->to_target ? known(s->median_high) : NAN);
  put_number(t, "n_reached", v->to_target ? (double)s->n_reached : NAN);
  sg_table_number(sg_table_at(t, "mb_received_mean"), s->summary.bytes_received_mean / 1e6, 3);
  for (const sg_column *k = sg_members_of("run_summary"); k; k = sg_column_after(k))
    if (k->shown & SG_IN_COMPARE) put_summary(sg_table_at(t, k->name), k, s);
  sg_table_text(sg_table_at(t, "scenario"),
                c->names.n ? c->names.environment[number].scenario : "");
  put_number(t, "rank", s->rank ? (double)s->rank : NAN);
  put_number(t, "work", sg_work(s));
  put_number(t, "samples", sg_samples(s));
  sg_table_text(sg_table_at(t, "samples_unit"), sg_samples_unit(s));
  put_number(t, "sample_s", s->summary.iter_mean_s / sg_samples(s));
  put_number(t, "worker_s_per_sample", s->summary.worker_seconds_per_iter / sg_samples(s));
  put_number(t, "time_s", v->to_target ? sg_median_time(s) : s->summary.iter_mean_s);
  if (!is_chosen(c->options)) return status;
  sg_buffer cell = {0};
  if (base)
    sg_put(&cell, "1 (baseline)");
  else
    sg_put_ratio(&s->ratio, &cell);
  sg_table_buffer(sg_table_at(t, SPEEDUP), &cell);
  return status;
}

static const sg_comparison *blank(void) {
  static sg_judged scheme;
  static sg_judged_environment environment;
  static const sg_comparison none = {.scheme = &scheme, .environment = &environment};
  return &none;
}

/* Without rows the columns are there all the same. */
static sg_status put_columns(sg_comparing *c, sg_table *t,
                             sg_status (*put)(sg_comparing *, int, int, sg_table *, sg_error *),
                             sg_error *e) {
  sg_comparing nothing = {.db = c->db, .options = c->options, .found = *blank()};
  sg_status status = put(&nothing, 0, 0, t, e);
  sqlite3_finalize(nothing.axes);
  sg_table_drop_rows(t);
  return status;
}

sg_status sg_put_schemes(sg_comparing *c, int number, const int *of, sg_table *t, sg_error *e) {
  sg_status status = SG_OK;
  int begin = number < 0 ? 0 : number, end = number < 0 ? c->found.n_environments : number + 1;
  for (int k = begin; k < end; k++) {
    int first = c->found.environment[k].begin;
    for (int i = first; i < c->found.environment[k].end && !status; i++)
      status = put_scheme(c, k, of ? of[i - first] : i, t, e);
  }
  return status || c->found.n ? status : put_columns(c, t, put_scheme, e);
}

/* --- The fastest ------------------------------------------------------------------------------ */

static const sg_judged *scheme_at(const sg_comparison *c, int i) {
  static const sg_judged none = {0};
  return i < 0 ? &none : &c->scheme[i];
}

static sg_status put_best(sg_comparing *c, int number, int unused, sg_table *t, sg_error *e) {
  const sg_judged_environment *v = &c->found.environment[number];
  const sg_lead *lead = &v->fastest;
  const sg_judged *best = scheme_at(&c->found, lead->best), *base = &c->found.scheme[v->baseline];
  bool is_base = lead->best == v->baseline, any = lead->best >= 0;
  sg_table_integer(sg_table_at(t, "environment"), number + 1);
  sg_table_text(sg_table_at(t, "scenario"),
                c->names.n ? c->names.environment[number].scenario : "");
  sg_table_text(sg_table_at(t, "env_sha256"), base->point.env_sha256);
  sg_table_integer(sg_table_at(t, "results_version"), base->results_version);
  put_common(&c->names, number, sg_table_at(t, "axes"));
  sg_status status = put_axes(c, number, c->found.scheme[v->begin].point_id, true, t, e);
  sg_table_text(sg_table_at(t, "judged_by"), v->to_target ? "time_to_target" : "iteration_time");
  sg_table_integer(sg_table_at(t, "candidates"), lead->n);
  sg_table_text(sg_table_at(t, "best_label"), best->point.scheme_label);
  sg_table_text(sg_table_at(t, "code"), best->point.code);
  put_number(t, "point_id", any ? (double)best->point_id : NAN);
  put_number(t, "load_d", any ? best->point.load_d : NAN);
  put_number(t, "stragglers_s", any ? (double)best->point.stragglers_s : NAN);
  put_number(t, "comm_m", any ? (double)best->point.comm_m : NAN);
  put_number(t, "work", any ? sg_work(best) : NAN);
  put_number(t, "time_s",
             !any           ? NAN
             : v->to_target ? sg_median_time(best)
                            : best->summary.iter_mean_s);
  sg_table_text(sg_table_at(t, "baseline_label"), base->point.scheme_label);
  put_number(t, "speedup", !any ? NAN : is_base ? 1 : best->ratio.ratio);
  put_number(t, "speedup_ci95_low", any && !is_base ? best->ratio.low : NAN);
  put_number(t, "speedup_ci95_high", any && !is_base ? best->ratio.high : NAN);
  sg_table_number(sg_table_at(t, "level"), 1 - c->found.alpha, 6);
  sg_table_integer(sg_table_at(t, "ties"), lead->n_ties);
  sg_table_text(sg_table_at(t, "tie_label"),
                lead->n_ties ? c->found.scheme[lead->tie].point.scheme_label : NULL);
  sg_table_text(sg_table_at(t, "next_label"), scheme_at(&c->found, lead->next)->point.scheme_label);
  put_number(t, "pairs", lead->next >= 0 ? (double)lead->ratio.n : NAN);
  put_number(t, "lead", lead->ratio.ratio);
  put_number(t, "lead_low", lead->ratio.low);
  put_number(t, "lead_high", lead->ratio.high);
  sg_table_number(sg_table_at(t, "lead_level"), 1 - lead->alpha, 6);
  sg_table_integer(sg_table_at(t, "ahead"), lead->holds);
  sg_table_text(sg_table_at(t, "lead_verdict"), lead->verdict);
  sg_table_text(sg_table_at(t, "doubt_label"),
                scheme_at(&c->found, lead->doubt)->point.scheme_label);
  sg_table_text(
      sg_table_at(t, "fastest_of_all_label"),
      scheme_at(&c->found, v->to_target ? v->of_all.best : lead->best)->point.scheme_label);
  return status;
}

sg_status sg_put_fastest(sg_comparing *c, sg_table *t, sg_error *e) {
  sg_status status = SG_OK;
  for (int k = 0; k < c->found.n_environments && !status; k++) status = put_best(c, k, 0, t, e);
  return status || c->found.n ? status : put_columns(c, t, put_best, e);
}

/* --- Columns by name -------------------------------------------------------------------------- */

/* What tables for people call some columns. */
static const struct {
  const char *name, *column;
} aliases[] = {{"scheme", "scheme_label"}, {"d", "load_d"},
               {"s", "stragglers_s"},      {"m", "comm_m"},
               {"work×", "work"},          {"time", "time_s"},
               {"fastest", "best_label"},  {"next", "next_label"},
               {SPEEDUP, SPEEDUP},         {SPEEDUP, "speedup"}};
enum { N_ALIASES = sizeof aliases / sizeof *aliases };

/* The headings of the tables first: an axis, such as the s of {"each": [1, 2]}, may be called like
 * one of them, and says nothing of other schemes. */
static int find_column(const sg_table *t, const char *name, sg_error *e) {
  int found = -1;
  for (int i = 0; i < N_ALIASES && found < 0; i++)
    if (!strcmp(aliases[i].name, name)) found = sg_table_find(t, aliases[i].column);
  if (found < 0) found = sg_table_find(t, name);
  if (found >= 0) return found;
  sg_nearness near = {.word = name};
  for (int j = 0; sg_table_name(t, j); j++) sg_consider(&near, sg_table_name(t, j));
  for (int i = 0; i < N_ALIASES; i++)
    if (sg_table_find(t, aliases[i].column) >= 0) sg_consider(&near, aliases[i].name);
  if (near.best)
    sg_fail(e, SG_USAGE, NULL, "no column is called \"%s\"; did you mean \"%s\"?", name, near.best);
  else
    sg_fail(e, SG_USAGE, NULL, "no column is called \"%s\"; --format json shows them all", name);
  return -1;
}

/* The columns "a,b,c", each fault by itself. */
static sg_status choose(const char *list, sg_table *t, sg_error *e) {
  char *text = strdup(list), *rest = text;
  int n = 0, most = 1;
  for (const char *c = list; *c; c++) most += *c == ',';
  int *column = malloc((size_t)most * sizeof *column);
  const char **name = malloc((size_t)most * sizeof *name);
  sg_status status = text && column && name ? SG_OK : sg_fail_memory(e);
  for (char *word; !status && (word = strsep(&rest, ",")); n++) {
    name[n] = word;
    column[n] = find_column(t, word, e);
  }
  for (int k = 0; k < n; k++)
    if (column[k] < 0) status = SG_USAGE;
  if (!status) sg_table_select(t, n, column, name);
  free(column);
  free(name);
  free(text);
  return status;
}

sg_status sg_choose_columns(const sg_compare_options *o, sg_table *t, sg_error *e) {
  if (o->sort) {
    bool descending = *o->sort == '-';
    const char *name = o->sort + descending;
    int column = find_column(t, strcmp(name, SPEEDUP) ? name : "speedup", e);
    if (column < 0) return SG_USAGE;
    sg_table_sort(t, column, descending);
  }
  return is_chosen(o) ? choose(o->columns, t, e) : SG_OK;
}
