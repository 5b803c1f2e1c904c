/* SPDX-License-Identifier: MIT */
/* The command fit: what a trace supports, as text and as JSON. */
#include "sim/cli/command.h"
#include "sim/cli/output.h"
#include "sim/core/clock.h"
#include "sim/fit/fit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIGITS = 4 };
static const double LEAST_P = 1e-12; /* smaller ones are not told apart */
static const char *const scalings[] = {"one-load", "proportional", "additive", "startup"};

/* --- Text ------------------------------------------------------------------------------------- */

static const char *unit_of(const sg_fit *f) {
  return f->trace->seconds ? "s" : "trace units";
}

static void put_head(const sg_fit *f, int width, sg_buffer *b) {
  const sg_trace *t = f->trace;
  sg_putf(b, "%s: %d workers × %ld iterations\n", f->path, t->workers, t->iterations);
  if (*t->source) sg_put_wrapped(b, "  source: ", "    ", t->source, width);
  if (*t->licence) sg_put_wrapped(b, "  licence: ", "    ", t->licence, width);
  if (t->seconds) return;
  sg_put_wrapped(b, "  unit: ", "    ", t->unit, width);
  sg_put(b, "  All times below are in trace units, not seconds.\n");
}

static void put_laws(const sg_fit *f, sg_buffer *b) {
  static const char *const columns[] = {"law",    "parameters", "ΔAIC",  "KS",
                                        "p (KS)", "A²",         "p (A²)"};
  sg_table *t = sg_table_new(7, columns);
  for (int i = 0; t && i < f->n_laws; i++) {
    const sg_fitted *law = &f->law[i];
    char parameters[128] = "no estimate";
    int n = 0;
    for (int p = 0; law->ok && p < law->type->parameters; p++)
      n += snprintf(parameters + n, sizeof parameters - (size_t)n, "%s%s %.4g", p ? ", " : "",
                    law->type->parameter[p], law->value[p]);
    sg_table_text(t, law->type->name);
    sg_table_text(t, parameters);
    sg_table_number(t, law->ok ? law->aic - f->law[0].aic : NAN, DIGITS);
    sg_table_number(t, law->ok ? law->ks : NAN, 2);
    sg_table_number(t, law->ks_p, 2);
    sg_table_number(t, law->ok ? law->ad : NAN, 3);
    sg_table_number(t, law->ad_p, 2);
  }
  sg_putf(b, "\nLaws, as if all times were independent (%ld of them; times in %s)\n", f->fitted,
          unit_of(f));
  sg_put_table(t, SG_FORMAT_TEXT, b);
  if (f->replicates > 0) sg_putf(b, "p: parametric bootstrap, %d samples.\n", f->replicates);
}

/* Of the laws that are nearest. */
static void put_intervals(const sg_fit *f, sg_buffer *b) {
  enum { SHOWN = 3 };
  static const char *const columns[] = {"law", "parameter", "estimate", "low (95 %)",
                                        "high (95 %)"};
  sg_table *t = sg_table_new(5, columns);
  for (int i = 0; t && i < f->n_laws && i < SHOWN; i++)
    for (int p = 0; f->law[i].ok && p < f->law[i].type->parameters; p++) {
      sg_table_text(t, f->law[i].type->name);
      sg_table_text(t, f->law[i].type->parameter[p]);
      sg_table_number(t, f->law[i].value[p], 5);
      sg_table_number(t, f->law[i].low[p], 5);
      sg_table_number(t, f->law[i].high[p], 5);
    }
  sg_put(b, "\n");
  sg_put_table(t, SG_FORMAT_TEXT, b);
}

static void effect(sg_table *t, const char *name, const char *what, const sg_fit_effect *f,
                   double sd) {
  sg_table_text(t, name);
  sg_table_text(t, what);
  sg_table_number(t, f->value, 3);
  sg_table_number(t, f->chance, 2);
  sg_table_number(t, f->p, 2);
  sg_table_number(t, isnan(sd) ? NAN : 100 * sd, 3);
}

static void put_structure(const sg_fit *f, sg_buffer *b) {
  static const char *const columns[] = {"cause",         "measure", "value",
                                        "chance (95 %)", "p",       "spread (%)"};
  const sg_fit_structure *s = f->structure;
  sg_table *t = sg_table_new(6, columns);
  if (t) {
    effect(t, "worker", "share of variance", &s->worker, s->worker_sd);
    effect(t, "iteration", "share of variance", &s->iteration, s->iteration_sd);
    effect(t, "memory", "lag-1 autocorrelation", &s->memory, NAN);
    effect(t, "memory of all", "lag-1 autocorrelation", &s->common_memory, NAN);
    effect(t, "the rest", "share of variance",
           &(sg_fit_effect){1 - s->worker.value - s->iteration.value, NAN, NAN}, s->residual_sd);
    if (s->stalls)
      effect(t, "stalls", "workers at once",
             &(sg_fit_effect){s->together, s->together_chance, s->together_p}, NAN);
  }
  sg_put(b, "\nWhat makes times differ (logarithms; chance: permutations)\n");
  sg_put_table(t, SG_FORMAT_TEXT, b);
  sg_put(b, "Workers apart from memory: ");
  if (isnan(s->persistent_p))
    sg_put(b, "not computable");
  else
    sg_putf(b, "p %s %.2g", s->persistent_p < LEAST_P ? "<" : "=", fmax(s->persistent_p, LEAST_P));
  if (!isnan(s->halves)) sg_putf(b, "; first half against second: r = %.2f", s->halves);
  sg_putf(b, ".\nStalls: %ld. Block: %ld iteration%s.\n", s->stalls, s->block,
          s->block == 1 ? "" : "s");
  if (f->warned[SG_FIT_MEMORY])
    sg_putf(b, "Slow and fast states: P(slow) = %.3g, P(recovery) = %.3g, slowdown %.3g.\n",
            s->p_slow, s->p_recover, s->slowdown);
}

static void put_loads(const sg_fit *f, int width, sg_buffer *b) {
  static const char *const columns[] = {"load", "times", "mean", "standard deviation"};
  const sg_fit_loads *l = &f->loads;
  if (l->count < 2) {
    sg_put(b, "\n");
    sg_put_wrapped(
        b, "", "",
        "All times are of one load: what d subsets cost is not in them. What is to be "
        "pasted takes d times as long for them; if a second subset is cheaper, "
        "\"scaling\": \"startup\" with per_subset_s says so, and redundancy pays sooner. "
        "Measure two loads (column load) where that decides.",
        width);
    return;
  }
  sg_table *t = sg_table_new(4, columns);
  for (int i = 0; t && i < l->count; i++) {
    sg_table_number(t, l->load[i], 6);
    sg_table_integer(t, l->times[i]);
    sg_table_number(t, l->mean[i], DIGITS);
    sg_table_number(t, l->sd[i], DIGITS);
  }
  sg_putf(b, "\nLoad (subsets; times in %s)\n", unit_of(f));
  sg_put_table(t, SG_FORMAT_TEXT, b);
  sg_putf(b,
          "mean = %.4g (± %.2g) + %.4g · load;\n"
          "spread grows as load^%.2f (± %.2f): scaling %s.\n",
          l->fixed, l->fixed_error, l->per_subset, l->growth, l->growth_error,
          scalings[l->scaling]);
}

static void put_models(const sg_fit *f, sg_buffer *b) {
  char name[SG_FIT_WAITS][32];
  const char *columns[SG_FIT_WAITS + 1] = {"model"};
  for (int k = 0; k < f->n_waits; k++) {
    snprintf(name[k], sizeof name[k], "s = %d", f->wait[k]);
    columns[k + 1] = name[k];
  }
  sg_table *t = sg_table_new(f->n_waits + 1, columns);
  char text[64];
  if (t) {
    snprintf(text, sizeof text, "the trace (%s)", unit_of(f));
    sg_table_text(t, text);
    for (int k = 0; k < f->n_waits; k++) sg_table_number(t, f->replayed[k], DIGITS);
    sg_table_text(t, "  its standard error (%)");
    for (int k = 0; k < f->n_waits; k++)
      sg_table_number(t, 100 * f->replayed_error[k] / f->replayed[k], 2);
  }
  for (int i = 0; t && i < f->n_models; i++) {
    const sg_fit_model *m = &f->model[i];
    if (!m->scenario) continue;
    snprintf(text, sizeof text, "%.56s (%%)", m->name);
    sg_table_text(t, text);
    for (int k = 0; k < f->n_waits; k++) {
      double d = 100 * (m->mean[k] / f->replayed[k] - 1);
      char cell[32];
      snprintf(cell, sizeof cell, fabs(d) < 1000 ? "%+.1f" : "%+.1e", d);
      sg_table_text(t, cell);
    }
  }
  sg_put(b, "\nIteration time, waiting for n − s workers: the trace, and how far models are "
            "off\n");
  sg_put_table(t, SG_FORMAT_TEXT, b);
}

static void put_text(const sg_fit *f, int width, sg_buffer *b) {
  put_head(f, width, b);
  put_laws(f, b);
  put_intervals(f, b);
  put_structure(f, b);
  put_loads(f, width, b);
  put_models(f, b);
  sg_put(b, "\n");
  sg_put_wrapped(b, "Verdict: ", "  ", f->verdict, width);
  for (int i = 0; i < SG_FIT_WARNINGS; i++)
    if (f->warned[i]) sg_put_wrapped(b, "  ! ", "    ", f->warning[i], width);
  if (f->warned[SG_FIT_BARRIER]) return; /* nothing to recommend */
  const sg_fit_model *m = &f->model[f->recommended];
  sg_putf(b, "\nTo paste into a scenario (%s):\n\n%s\n", m->name, m->scenario);
  if (!f->trace->seconds)
    sg_put(b, "\nIts times are in trace units: multiply them by the seconds of one"
              " (unit_s of a trace).\n");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void list(sg_buffer *b, const char *name, int n, const double *x) {
  sg_put_json_raw_member(b, name, "[");
  for (int i = 0; i < n; i++) {
    if (i) sg_put(b, ", ");
    sg_put_json_number(b, x[i]);
  }
  sg_put(b, "]");
}

static void json_laws(const sg_fit *f, sg_buffer *b) {
  sg_put_json_raw_member(b, "laws", "[");
  for (int i = 0; i < f->n_laws; i++) {
    const sg_fitted *law = &f->law[i];
    sg_put(b, i ? ", {" : "{");
    sg_put_json_text_member(b, "law", law->type->name);
    sg_put_json_bool_member(b, "estimated", law->ok);
    if (law->ok) {
      sg_put_json_raw_member(b, "parameters", "{");
      for (int p = 0; p < law->type->parameters; p++) {
        sg_put_json_raw_member(b, law->type->parameter[p], "{");
        SG_PUT_NUMBERS(b, {"value", law->value[p]}, {"low", law->low[p]}, {"high", law->high[p]});
        sg_put(b, "}");
      }
      sg_put(b, "}");
      SG_PUT_NUMBERS(b, {"log_likelihood", law->loglik}, {"aic", law->aic}, {"ks", law->ks},
                     {"ks_p", law->ks_p}, {"ad", law->ad}, {"ad_p", law->ad_p});
    }
    sg_put(b, "}");
  }
  sg_put(b, "]");
}

static void json_effect(sg_buffer *b, const char *name, const sg_fit_effect *f) {
  sg_put_json_raw_member(b, name, "{");
  SG_PUT_NUMBERS(b, {"value", f->value}, {"chance", f->chance}, {"p", f->p});
  sg_put(b, "}");
}

static void json_structure(const sg_fit *f, sg_buffer *b) {
  const sg_fit_structure *s = f->structure;
  json_effect(b, "worker_share", &s->worker);
  json_effect(b, "iteration_share", &s->iteration);
  json_effect(b, "memory", &s->memory);
  json_effect(b, "common_memory", &s->common_memory);
  SG_PUT_NUMBERS(b, {"persistent_p", s->persistent_p}, {"halves_correlation", s->halves},
                 {"worker_sd", s->worker_sd}, {"iteration_sd", s->iteration_sd},
                 {"residual_sd", s->residual_sd});
  list(b, "worker_factor", s->workers, s->factor);
  sg_put_json_number_member(b, "block_iterations", (double)s->block);
  sg_put_json_raw_member(b, "change", "{");
  SG_PUT_NUMBERS(
      b, {"worker", s->change_worker < 0 ? NAN : (double)f->trace->worker_name[s->change_worker]},
      {"row", (double)s->change_at}, {"ratio", s->change_worker < 0 ? NAN : s->change_ratio},
      {"p", s->change_p});
  sg_put(b, "}");
  sg_put_json_raw_member(b, "stalls", "{");
  SG_PUT_NUMBERS(b, {"count", (double)s->stalls}, {"share", s->stall_share},
                 {"ratio", s->stall_ratio}, {"threshold", s->threshold}, {"together", s->together},
                 {"together_chance", s->together_chance}, {"together_p", s->together_p});
  sg_put(b, "}");
  sg_put_json_raw_member(b, "stall_groups", "[");
  for (int w = 0; w < s->workers; w++) sg_putf(b, "%s%d", w ? ", " : "", s->group[w]);
  sg_put(b, "]");
  sg_put_json_raw_member(b, "period", "{");
  SG_PUT_NUMBERS(b, {"slow_iterations", (double)s->slow_rows}, {"iterations", (double)s->period},
                 {"first_row", (double)s->period_at}, {"hits", (double)s->period_hits},
                 {"p", s->period_p});
  sg_put(b, "}");
  SG_PUT_NUMBERS(b, {"tail_index", s->tail}, {"tail_index_error", s->tail_error},
                 {"equal_rows", s->equal_rows}, {"p_slow", s->p_slow}, {"p_recover", s->p_recover},
                 {"slowdown", s->slowdown});
}

static void json_loads(const sg_fit *f, sg_buffer *b) {
  const sg_fit_loads *l = &f->loads;
  sg_put_json_raw_member(b, "load", "{");
  sg_put_json_text_member(b, "scaling", scalings[l->scaling]);
  list(b, "loads", l->count, l->load);
  list(b, "means", l->count, l->mean);
  list(b, "standard_deviations", l->count, l->sd);
  SG_PUT_NUMBERS(b, {"fixed", l->fixed}, {"per_subset", l->per_subset}, {"growth", l->growth});
  sg_put(b, "}");
}

static void json_models(const sg_fit *f, sg_buffer *b) {
  double wait[SG_FIT_WAITS];
  for (int k = 0; k < f->n_waits; k++) wait[k] = f->wait[k];
  list(b, "wait_s", f->n_waits, wait);
  list(b, "replayed", f->n_waits, f->replayed);
  list(b, "replayed_error", f->n_waits, f->replayed_error);
  sg_put_json_raw_member(b, "models", "[");
  for (int i = 0, n = 0; i < f->n_models; i++) {
    const sg_fit_model *m = &f->model[i];
    if (!m->scenario) continue;
    sg_put(b, n++ ? ", {" : "{");
    sg_put_json_text_member(b, "model", m->name);
    list(b, "iteration_time", f->n_waits, m->mean);
    sg_put_json_text_member(b, "scenario", m->scenario);
    sg_put(b, "}");
  }
  sg_put(b, "]");
}

static void put_json(const sg_fit *f, sg_buffer *b) {
  sg_put(b, "{");
  sg_put_json_text_member(b, "trace", f->path);
  sg_put_json_text_member(b, "unit", unit_of(f));
  SG_PUT_NUMBERS(b, {"workers", f->trace->workers}, {"iterations", (double)f->trace->iterations},
                 {"fitted_times", (double)f->fitted});
  json_laws(f, b);
  json_structure(f, b);
  json_loads(f, b);
  json_models(f, b);
  sg_put_json_text_member(b, "best_law", f->law[f->best].type->name);
  sg_put_json_text_member(b, "recommended", f->model[f->recommended].name);
  sg_put_json_text_member(b, "verdict", f->verdict);
  sg_put_json_raw_member(b, "warnings", "{");
  for (int i = 0; i < SG_FIT_WARNINGS; i++)
    if (f->warned[i]) sg_put_json_text_member(b, sg_fit_warning_names[i], f->warning[i]);
  sg_put(b, "}}\n");
}

/* --- The command ------------------------------------------------------------------------------ */

static sg_status read_piped(const char *path, sg_trace **trace, sg_error *e) {
  char *text;
  size_t length;
  sg_status status = sg_read_input(path, &text, &length, e);
  if (!status) status = sg_trace_parse(path, text, length, trace, e);
  free(text);
  return status;
}

static void show_share(void *user, double share) {
  double elapsed_s = sg_seconds_now() - *(const double *)user;
  sg_show_progress("fit", share, "of laws and models", elapsed_s, elapsed_s * (1 - share) / share);
}

static int run(const sg_call *call) {
  const sg_args *args = call->args;
  double begun_s = sg_seconds_now();
  bool bar = sg_cursor(STDERR_FILENO);
  const char *path = args->word[0];
  sg_format format = sg_args_format(args);
  sg_error e = {0};
  sg_trace *trace = NULL;
  sg_fit *fit = NULL;
  const sg_fit_options options = {.seed = sg_args_find(args, "seed")->seed,
                                  .selected = sg_args_text(args, "workers"),
                                  .replicates = (int)sg_args_integer(args, "replicates"),
                                  .progress = bar ? show_share : NULL,
                                  .user = &begun_s};
  bool piped = strcmp(path, "-") == 0;
  sg_status status = piped ? read_piped(path, &trace, &e) : sg_trace_read(path, &trace, &e);
  if (!status && options.selected) status = sg_trace_select(trace, options.selected, &e);
  /* A scenario needs a file: which one, its author must say. */
  if (!status) status = sg_fit_new(trace, piped ? "TRACE.csv" : path, &options, &fit, &e);
  if (bar) sg_end_progress();
  sg_buffer out = {0};
  if (!status && format == SG_FORMAT_JSON)
    put_json(fit, &out);
  else if (!status)
    put_text(fit, sg_terminal_width(), &out);
  int code = status ? sg_print_faults(NULL, path, format, &e) : sg_print(&out);
  sg_error_clear(&e);
  sg_fit_free(fit);
  sg_trace_free(trace);
  return code;
}

const sg_command sg_cmd_fit = {
    .name = "fit",
    .summary = "Fit delay models to measured times, with a verdict.",
    .operands = {SG_OPERAND_FILE("TRACE", "one trace")},
    .options = {SG_OPTION_ROW("workers", 0, TEXT, "LIST",
                              "only these workers of the trace, such as 0-7,12"),
                SG_OPTION_ROW("seed", 0, SEED, "N", "of permutations and bootstraps",
                              .fallback = "1"),
                SG_OPTION_ROW("replicates", 0, INTEGER, "N",
                              "samples of the parametric bootstrap; 0: no p-values", .max = 100000,
                              .fallback = "199"),
                SG_OPTION_ROWS_FORMAT(sg_report_words, "how the result is printed")},
    .text = {"Laws with their parameters, what makes workers differ, a verdict in words, and the "
             "members of a scenario to paste. The trace - is standard input."},
    .examples = {{"fit scenarios/traces/persistent.csv",
                  "Which delay model these measurements support"}},
    .run = run};
