/* SPDX-License-Identifier: MIT */
/* The comparison as it is printed: for people, an environment at a time with heading, table, answer
 * and notes, and a legend at the end; for programs, one table of all schemes. */
#include "results/answers/compare.h"

#include "results/columns.h"
#include "results/database.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Half of the 16 digits of a double. */
static const double ILL_CONDITIONED = 1e8;
/* Of a run: with fewer, intervals were found to be too narrow. */
static const double FEW_ITERATIONS = 10;

/* --- The table for people --------------------------------------------------------------------- */

enum {
  ESSENTIAL = 7,
  WIDTH_OF_FILES = 100
}; /* columns of a table, at least; of what is no terminal */

static bool is_text(sg_format f) {
  return f == SG_FORMAT_TEXT;
}

/* Whether it is for programs: all rows in one table, all columns. */
static bool is_data(sg_format f) {
  return f == SG_FORMAT_CSV || f == SG_FORMAT_JSON;
}

/* The speed-up, or why there is none, and the signs to which sentences under the table refer. */
static void put_speedup(const sg_comparison *c, const sg_judged_environment *v, int i,
                        sg_table *t) {
  const sg_judged *s = &c->scheme[i];
  sg_buffer cell = {0};
  bool censored = s->ratio.n > 0 && isnan(s->ratio.ratio);
  if (i == v->baseline)
    sg_put(&cell, "1 (baseline)");
  else if (s->ratio.n == 0 || (censored && !s->tested))
    sg_put(&cell, s->verdict);
  else if (censored)
    sg_putf(&cell, "censored: %s", s->verdict);
  else
    sg_put_ratio(&s->ratio, &cell);
  if (i == v->fastest.best) sg_put(&cell, " ←");
  if (!sg_gives_gradient(s)) sg_put(&cell, " ~");
  sg_table_buffer(t, &cell);
}

/* A number where that says it. */
static void put_time(const sg_judged_environment *v, const sg_judged *s, sg_table *t) {
  sg_buffer cell = {0};
  double time = v->to_target ? sg_median_time(s) : s->summary.iter_mean_s;
  if (!isnan(time) && (!v->to_target || s->n_reached == s->n_runs)) {
    sg_table_number(t, time, 4);
    return;
  }
  sg_put_time(v, s, &cell);
  sg_table_buffer(t, &cell);
}

/* Whether messages of some scheme are compressed: then bits stand beside times. */
static bool are_compressed(const sg_comparison *c, const sg_judged_environment *v) {
  bool any = false;
  for (int i = v->begin; i < v->end; i++) any = any || c->scheme[i].point.compressed;
  return any;
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

static void put_summary(sg_table *t, const sg_column *c, const sg_judged *s) {
  double x = sg_column_number(c, &s->summary);
  sg_table_number(t, c->scale > 0 ? c->scale * x : x, c->digits ? c->digits : 4);
}

static void put_row(const sg_comparison *c, const sg_judged_environment *v, int i, sg_table *t) {
  const sg_judged *s = &c->scheme[i];
  sg_table_text(sg_table_at(t, "scheme"), s->point.scheme_label);
  sg_table_number(sg_table_at(t, "d"), s->point.load_d, 3);
  sg_table_integer(sg_table_at(t, "s"), s->point.stragglers_s);
  sg_table_integer(sg_table_at(t, "m"), s->point.comm_m);
  sg_table_number(sg_table_at(t, "work×"), sg_work(s), 3);
  put_time(v, s, sg_table_at(t, v->to_target ? "time (s)" : "iter (s)"));
  if (are_compressed(c, v)) {
    double bits = v->to_target ? s->summary.bits_to_target : s->summary.bits_mean;
    sg_table_number(sg_table_at(t, v->to_target ? "Mbit" : "Mbit/iter"), 1e-6 * bits, 3);
  }
  put_speedup(c, v, i, sg_table_at(t, "speed-up [95 %]"));
  if (sg_samples_differ(c, v)) {
    bool subsets = s->point.timing_only;
    sg_table_number(sg_table_at(t, subsets ? "subsets/iter" : "samples/iter"), sg_samples(s), 4);
  }
  sg_table_text(sg_table_at(t, "verdict"), i == v->baseline ? "—" : s->verdict);
  if (v->to_target) sg_table_number(sg_table_at(t, "iter (s)"), s->summary.iter_mean_s, 4);
  sg_table_text(sg_table_at(t, "stop"), s->point.stop_rule);
  for (const sg_column *k = sg_members_of("run_summary"); k; k = sg_column_after(k))
    if (is_shown(c, v, k)) put_summary(sg_table_at(t, k->heading), k, s);
  sg_table_integer(sg_table_at(t, "runs"), s->n_runs);
  sg_table_integer(sg_table_at(t, "ended early"), s->n_ended_early);
}

/* The fastest first; behind the exact ones those that are not. */
static bool is_above(const sg_comparison *c, const sg_judged_environment *v, int a, int b) {
  const sg_judged *x = &c->scheme[a], *y = &c->scheme[b];
  if (sg_gives_gradient(x) != sg_gives_gradient(y)) return sg_gives_gradient(x);
  if ((x->rank > 0) != (y->rank > 0)) return x->rank > 0;
  if (x->rank != y->rank) return x->rank < y->rank;
  double s = sg_judged_time(v, x), t = sg_judged_time(v, y);
  if (s == t && v->to_target) {
    s = x->median_low;
    t = y->median_low;
  }
  return s < t || (isnan(t) && !isnan(s));
}

/* The schemes of an environment from top to bottom, by a column that is asked for. */
static sg_status sort_by_column(sg_comparing *c, int number, int *of, sg_error *e) {
  sg_table *t = sg_table_new(0, NULL);
  const sg_judged_environment *v = &c->found.environment[number];
  sg_status status = t ? sg_put_schemes(c, number, NULL, t, e) : sg_fail_memory(e);
  if (!status) status = sg_choose_columns(c->options, t, e);
  for (int row = 0; !status && row < sg_table_rows(t); row++)
    for (int i = v->begin; i < v->end; i++)
      if (c->found.scheme[i].point_id == sg_table_value(t, row, sg_table_find(t, "point_id")))
        of[row] = i;
  sg_table_free(t);
  return status;
}

static void sort_by_time(const sg_comparison *c, const sg_judged_environment *v, int *of) {
  int n = 0;
  for (int i = v->begin; i < v->end; i++) {
    int at = n++;
    for (; at > 0 && is_above(c, v, i, of[at - 1]); at--) of[at] = of[at - 1];
    of[at] = i;
  }
}

/* As many columns as there is room for. */
sg_status sg_put_people(sg_comparing *c, int number, sg_table *t, int *left, sg_error *e) {
  const sg_compare_options *o = c->options;
  const sg_judged_environment *v = &c->found.environment[number];
  int *of = calloc((size_t)(v->end - v->begin), sizeof *of);
  sg_status status = of ? SG_OK : sg_fail_memory(e);
  if (!status && o->sort)
    status = sort_by_column(c, number, of, e);
  else if (!status)
    sort_by_time(&c->found, v, of);
  for (int k = 0; k < v->end - v->begin && !status; k++) put_row(&c->found, v, of[k], t);
  free(of);
  if (status) return status;
  int least = ESSENTIAL + are_compressed(&c->found, v);
  if (is_text(o->format))
    *left = sg_table_narrow(t, o->width > 0 ? o->width : WIDTH_OF_FILES, least);
  else
    *left = sg_table_narrow(t, 0, least + 1);
  return SG_OK;
}

/* --- Around the table ------------------------------------------------------------------------- */

/* What an interval holds for: what the replications do not vary is as the seed has drawn it. */
static void put_condition(const sg_judged *first, sg_buffer *out) {
  const sg_point_record *p = &first->point;
  const char *varied = p->replicate ? p->replicate : "delays";
  bool code = strstr(varied, "+code"), data = strstr(varied, "+data") || p->timing_only;
  if (first->replay) sg_put(out, "compute times are replayed, the same in all replications\n");
  sg_putf(out, "replications vary %s", varied);
  if (!code || !data)
    sg_putf(out, ": intervals hold for %s%s%s", code ? "" : "this draw of the codes",
            code || data ? "" : " and ", data ? "" : "this split of the data");
  sg_put(out, "\n");
}

/* Members of the network that differ from what they are by themselves. */
static void put_signals(sqlite3_stmt *s, sg_buffer *out) {
  const char *precision = sg_db_text(s, 0), *cancel = sg_db_text(s, 2);
  double latency = sqlite3_column_double(s, 1);
  if (*precision && strcmp(precision, "float64") != 0) sg_putf(out, ", messages as %s", precision);
  if (latency > 0) sg_putf(out, ", signals take %.3g s", latency);
  if (*cancel && strcmp(cancel, "signal") != 0) sg_putf(out, ", cancel %s", cancel);
}

static sg_status read_settings(sg_comparing *c, int64_t point, sg_error *e) {
  sg_status status = SG_OK;
  if (!c->settings)
    status = sg_db_prepare(
        c->db,
        "SELECT coalesce(json_extract(config_json, '$.environment.network.compression.compressor'),"
        " json_extract(config_json, '$.environment.network.precision')),"
        " json_extract(config_json, '$.environment.network.signal_latency_s'),"
        " json_extract(config_json, '$.environment.network.cancel')"
        " FROM point WHERE point_id = ?",
        &c->settings, e);
  if (status) return status;
  sqlite3_bind_int64(c->settings, 1, point);
  return sg_db_step(c->db, c->settings, e);
}

/* The environment, a line for each thing that is to be said of it. */
sg_status sg_put_heading(sg_comparing *c, int number, sg_buffer *out, sg_error *e) {
  const sg_judged_environment *v = &c->found.environment[number];
  const sg_judged *first = &c->found.scheme[v->begin];
  const sg_point_record *p = &first->point;
  sg_status status = read_settings(c, first->point_id, e);
  if (status) return status;
  sg_putf(out, "Environment %d: ", number + 1);
  sg_put_name(&c->names, number, out);
  sg_putf(out, "\n%d workers, %d subsets, gradient length %lld, %s\n", p->n_workers, p->n_subsets,
          (long long)p->length,
          p->timing_only ? "timing only"
          : p->problem   ? p->problem
                         : "not known");
  const char *const of[] = {p->scaling, p->late_work, p->late_messages};
  static const char *const what[] = {"scaling", "late work", "late messages"};
  for (int k = 0; k < 3; k++)
    sg_putf(out, "%s%s %s", k ? ", " : "", what[k], of[k] ? of[k] : "not known");
  put_signals(c->settings, out);
  sqlite3_reset(c->settings);
  if (first->results_version != SG_RESULTS_VERSION)
    sg_putf(out, "\ncomputed by other code (results version %lld, now %d)",
            (long long)first->results_version, SG_RESULTS_VERSION);
  sg_put(out, "\n");
  put_condition(first, out);
  sg_putf(out, "baseline: %s", c->found.scheme[v->baseline].point.scheme_label);
  if (v->baseline_by_default) sg_put(out, " (none is chosen here: the first scheme)");
  if (v->to_target) {
    sg_put(out, "; verdict on the time to ");
    sg_put_target(p->target_loss, p->target_grad_norm2, out);
    sg_put(out, ", time: the median");
  } else {
    sg_put(out, "; verdict on the mean iteration time");
  }
  return SG_OK;
}

/* The first line as it is, the others in lines of the terminal. */
static sg_status print_heading(sg_comparing *c, int number, sg_buffer *out, sg_error *e) {
  const sg_compare_options *o = c->options;
  sg_buffer raw = {0}, text = {0};
  sg_status status = sg_put_heading(c, number, &raw, e);
  /* Names in a database may hold anything. */
  if (raw.data && !raw.failed) sg_put_clean(&text, raw.data, raw.length, "\n", '?');
  out->failed |= raw.failed || text.failed;
  sg_buffer_free(&raw);
  char *rest = text.failed ? NULL : text.data;
  for (char *line; !status && (line = strsep(&rest, "\n"));) {
    bool first = line == text.data;
    sg_put(out, first && o->color ? "\033[1m" : "");
    if (first)
      sg_put(out, line);
    else
      sg_put_wrapped(out, "  ", "    ", line, o->width > 40 && o->width < 100 ? o->width : 100);
    sg_put(out, first && o->color ? "\033[0m" : "");
    sg_put(out, first ? "\n" : "");
  }
  sg_put(out, "\n");
  sg_buffer_free(&text);
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
        sg_db_text(s, 0), sqlite3_column_double(s, 1),
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
    sg_put(out, sg_uses_old_models(base)
                    ? "  Note: the baseline itself uses gradients of older models.\n"
                    : "  Note: the baseline itself does not give the exact gradient.\n");
  for (int i = v->begin; i < v->end; i++) {
    const sg_judged *s = &c->scheme[i];
    const char *label = s->point.scheme_label;
    double cond1 = s->summary.cond1_max, amp = s->summary.decode_amp_max;
    if (s->point.models > 1)
      sg_putf(
          out, "  Note: %s trains %d models side by side; an iteration updates one of them%s.\n",
          label, s->point.models,
          v->to_target ? ",\n  and times to the target are per model: until all have reached it, "
                         "over their number"
                       : "");
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

static void put_legend(sg_comparing *c, int left, sg_buffer *out) {
  const sg_comparison *f = &c->found;
  int width = c->options->width;
  bool missed = false, shared_link = false, censored = false, loaded = false;
  bool unequal = false;
  for (int i = 0; i < f->n_environments; i++) unequal |= sg_samples_differ(f, &f->environment[i]);
  for (int i = 0; i < f->n; i++) {
    missed |= sg_has_target(&f->scheme[i].point) && f->scheme[i].n_reached < f->scheme[i].n_runs;
    shared_link |= f->scheme[i].summary.ingress_busy_share > 0;
    loaded |= f->scheme[i].point.load_d > 1;
    censored |= f->scheme[i].tested && isnan(f->scheme[i].ratio.ratio);
  }
  const struct {
    bool shown;
    const char *text;
  } paragraph[] = {
      {true, "d: subsets per worker, s: stragglers tolerated, m: messages have 1/m of a gradient's "
             "length; work×: how often the data are computed by all workers together."},
      {loaded, "What d costs is assumed by the scenario: d times the computing of one subset, or "
               "per_subset_s for each (scaling startup)."},
      {true, "speed-up: the baseline's time over the scheme's, geometric mean over paired runs "
             "(both see the same delays), with its 95 % interval. (docs/reading-compare.md)"},
      {unequal, "samples/iter: training rows whose gradients an update uses (subsets where only "
                "times are simulated). --equal time, work or batch: what a sample costs."},
      {shared_link, "link busy: share of the time that the master's incoming link is in use; "
                    "queued: mean wait of a message for it."},
      {missed, "time: between two times, or above one, where runs ended too early to say more; "
               "(reached/runs)."},
      {censored, "censored: some paired run did not reach the target; the verdict is by the exact "
                 "sign test."}};
  for (size_t i = 0; i < sizeof paragraph / sizeof *paragraph; i++)
    if (paragraph[i].shown) sg_put_paragraph(paragraph[i].text, width, out);
  sg_put_multiplicity(f, width, out);
  sg_buffer more = {0};
  if (left > 0 && !c->options->columns)
    sg_putf(&more, "%d more columns: --columns all, or a list; a wider terminal.", left);
  if (f->n_environments > 1)
    sg_putf(&more, "%sOne line per environment: --best.", more.length ? " " : "");
  if (more.length && !more.failed) sg_put_paragraph(more.data, width, out);
  out->failed |= more.failed;
  sg_buffer_free(&more);
}

sg_status sg_put_notes(sg_comparing *c, int number, sg_buffer *out, sg_error *e) {
  const sg_judged_environment *v = &c->found.environment[number];
  put_notes(&c->found, v, out);
  return put_tails(c->db, &c->found.scheme[v->begin], out, e);
}

/* Puts the words under a table. */
static sg_status put_words(sg_comparing *c, int number, sg_buffer *out, sg_error *e) {
  const sg_judged_environment *v = &c->found.environment[number];
  sg_buffer text = {0};
  sg_put_answer(&c->found, v, c->options->width, &text);
  sg_status status = sg_put_notes(c, number, &text, e);
  if (text.data) sg_put_clean(out, text.data, text.length, "\n", '?');
  out->failed |= text.failed;
  sg_buffer_free(&text);
  return status;
}

static sg_status put_table(sg_comparing *c, int number, int *left, sg_buffer *out, sg_error *e) {
  const sg_compare_options *o = c->options;
  sg_table *t = sg_table_new(0, NULL);
  sg_status status = t ? SG_OK : sg_fail_memory(e);
  if (!status && o->columns) {
    const sg_judged_environment *v = &c->found.environment[number];
    int *of = calloc((size_t)(v->end - v->begin), sizeof *of);
    if (of) sort_by_time(&c->found, v, of);
    status = of ? sg_put_schemes(c, number, of, t, e) : sg_fail_memory(e);
    free(of);
    if (!status) status = sg_choose_columns(o, t, e);
  } else if (!status) {
    status = sg_put_people(c, number, t, left, e);
  }
  if (!status) sg_table_print(t, o->format, o->width, out);
  sg_table_free(t);
  return status;
}

static sg_status print_environment(sg_comparing *c, int number, int *left, sg_buffer *out,
                                   sg_error *e) {
  bool text = is_text(c->options->format), latex = c->options->format == SG_FORMAT_LATEX;
  sg_status status = text ? print_heading(c, number, out, e) : SG_OK;
  if (!text && c->found.n_environments > 1) {
    sg_put(out, latex ? "% " : "");
    sg_put_name(&c->names, number, out);
    sg_put(out, latex ? "\n" : ":\n\n");
  }
  if (!status) status = put_table(c, number, left, out, e);
  if (!status && text) {
    sg_put(out, "\n");
    status = put_words(c, number, out, e);
  }
  if (text || number < c->found.n_environments - 1) sg_put(out, "\n");
  return status;
}

/* --- All -------------------------------------------------------------------------------------- */

static sg_status print_data(sg_comparing *c, sg_buffer *out, sg_error *e) {
  sg_table *t = sg_table_new(0, NULL);
  sg_status status = t ? SG_OK : sg_fail_memory(e);
  if (!status)
    status = c->options->best ? sg_put_fastest(c, t, e) : sg_put_schemes(c, -1, NULL, t, e);
  if (!status) status = sg_choose_columns(c->options, t, e);
  if (!status) sg_table_print(t, c->options->format, c->options->width, out);
  sg_table_free(t);
  return status;
}

static sg_status print(sg_comparing *c, sg_buffer *out, sg_error *e) {
  const sg_compare_options *o = c->options;
  int left = 0;
  sg_status status = SG_OK;
  bool other = o->equal || o->tuned;
  if (other && (c->found.n || is_data(o->format)))
    return o->equal ? sg_print_equal(c, out, e) : sg_print_tuned(c, out, e);
  if (is_data(o->format)) return print_data(c, out, e);
  if (!c->found.n) {
    sg_put(out, "The database has no finished runs.\n");
    return SG_OK;
  }
  if (o->best) return o->columns || o->sort ? print_data(c, out, e) : sg_print_best(c, out, e);
  for (int i = 0; i < c->found.n_environments && !status; i++)
    status = print_environment(c, i, &left, out, e);
  if (!status && is_text(o->format)) put_legend(c, left, out);
  return status;
}

/* Quantiles are over all iterations of all runs: they are read where they may be printed. */
static bool wants_pooled(const sg_compare_options *o) {
  if (o->best || o->equal || o->tuned) return false;
  return is_data(o->format) || o->columns || o->sort ||
         (is_text(o->format) && o->width > WIDTH_OF_FILES);
}

sg_status sg_compare(sg_db *db, const sg_compare_options *options, sg_buffer *out, sg_error *e) {
  sg_comparing c = {.db = db, .options = options};
  /* One transaction: a writer that is at work does not show us two states of the database. */
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_judge(db, options->baseline, options->simultaneous, &c.found, e);
  if (!status && wants_pooled(options)) status = sg_judge_pooled(db, &c.found, e);
  if (!status) status = sg_names_read(db, &c.found, &c.names, e);
  if (!status) status = print(&c, out, e);
  if (!status && out->failed) status = sg_fail_memory(e);
  sqlite3_finalize(c.axes);
  sqlite3_finalize(c.settings);
  sg_names_clear(&c.names);
  sg_comparison_clear(&c.found);
  return sg_db_end(db, status, e);
}
