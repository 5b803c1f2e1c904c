/* SPDX-License-Identifier: MIT */
/* The command codes design: a sparse code for a scenario's cluster, or for given probabilities. */
#include "models/learning/problem.h"
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/core/clock.h"
#include "sim/design/design.h"
#include "sim/experiment/forecast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { MOST_WORKERS = 10000, MOST_BLOCKS = 2000, REFRESH = 2000 };
static const double MOST_BYTES = 1e9, HEAT = 0.05;

typedef struct job {
  const sg_call *call;
  const sg_args *args;
  sg_format format;
  /* The cluster. */
  sg_scenario *scenario;
  int n_points;
  sg_point *point;
  sg_delay *delay;
  const sg_forecast *forecast;
  double *lost;
  sg_survival survival;
  int subsets;
  /* The design. */
  sg_design_options options;
  sg_buffer heading;
  sg_design *design;
  double began_s, shown_s;
} job;

/* --- The command line ------------------------------------------------------------------------- */

static int check_request(const sg_call *call) {
  const sg_args *a = call->args;
  static const char *const alone[] = {"workers", "straggling", NULL}, *const timed[] = {
                                                                          "deadline", "first",
                                                                          "set", NULL};
  bool scenario = a->n_words > 0, by_time = sg_args_find(a, "objective")->choice == SG_FOR_TIME;
  for (int i = 0; alone[i]; i++) {
    if (scenario && sg_args_given(a, alone[i]))
      return sg_usage_fault(call, "expected --%s only without a scenario, which says it", alone[i]);
    if (!scenario && !sg_args_given(a, alone[i]))
      return sg_usage_fault(call, "expected a scenario, or --workers and --straggling");
  }
  for (int i = 0; timed[i]; i++)
    if (!scenario && sg_args_given(a, timed[i]))
      return sg_usage_fault(call, "--%s: expected a scenario, which has times, found none",
                            timed[i]);
  if (by_time && !scenario)
    return sg_usage_fault(call, "--objective time: expected a scenario, which has times, found "
                                "none");
  if (by_time != sg_args_given(a, "below"))
    return sg_usage_fault(call, by_time ? "--objective time: expected --below, the error at which "
                                          "the time is taken"
                                        : "expected --below only with --objective time");
  if (sg_args_given(a, "deadline") + sg_args_given(a, "first") + by_time > 1)
    return sg_usage_fault(call, "expected one of --deadline, --first and --objective time");
  if (sg_args_given(a, "entries") == sg_args_given(a, "load"))
    return sg_usage_fault(call, "expected one of --entries and --load");
  return EX_OK;
}

/* --- The cluster ------------------------------------------------------------------------------ */

static bool draw_times(void *of, double work, long first, int count, double *times) {
  return sg_forecast_draw(of, work, first, count, times);
}

/* The scenario with one point: its schemes may well want the file that is to be made. */
static sg_status read_scenario(job *j, const char *path, sg_error *e) {
  const sg_arg *set = sg_args_find(j->args, "set");
  sg_override *override = calloc((size_t)set->count + 3, sizeof *override);
  char **text = calloc((size_t)set->count + 1, sizeof *text);
  sg_status status = override && text ? SG_OK : sg_fail_memory(e);
  int n = 0;
  for (; n < set->count && !status; n++) {
    if (!(text[n] = strdup(set->item[n]))) {
      status = sg_fail_memory(e);
      break;
    }
    char *equals = strchr(text[n], '=');
    *equals = '\0';
    override[n] = (sg_override){text[n], equals + 1};
  }
  if (!status) {
    override[n++] = (sg_override){"/schemes", "[{\"code\": \"uncoded\"}]"};
    override[n++] = (sg_override){"/sweep", "[]"};
    override[n++] = (sg_override){"/baseline", "uncoded"};
    status = sg_scenario_read(path, n, override, &j->scenario, e);
  }
  if (!status) status = sg_scenario_points(j->scenario, &j->n_points, &j->point, e);
  for (int i = 0; text && i < set->count; i++) free(text[i]);
  free(text);
  free(override);
  return status;
}

static sg_status know_cluster(job *j, sg_error *e) {
  const sg_values *v = j->point->values, *cluster = sg_object(v, "cluster"),
                  *stop = sg_object(v, "stop");
  int n = (int)sg_int(cluster, "workers");
  uint64_t seed = sg_seed(sg_object(v, "random"), "seed");
  long updates = sg_int(stop, "iterations");
  if (n > MOST_WORKERS)
    return sg_fail(e, SG_INVALID, "/cluster/workers", "expected at most %d workers, found %d",
                   MOST_WORKERS, n);
  sg_problem *problem = NULL; /* of which only the sizes are wanted */
  sg_status status = sg_problem_outline(sg_object(v, "learning"), n, seed, &problem, e);
  double flops = status ? 0 : problem->subset_flops;
  j->subsets = status ? 1 : problem->subsets;
  sg_problem_free(problem);
  if (!status)
    status = sg_delay_new(cluster, sg_object(v, "delay"), j->subsets, flops, seed, &j->delay, e);
  if (status) return status;
  long most = sg_delay_iterations(j->delay);
  j->forecast = sg_forecast_new(j->delay, most > 0 && most < updates ? most : updates);
  j->lost = calloc((size_t)n, sizeof *j->lost);
  if (!j->forecast || !j->lost) return sg_fail_memory(e);
  double sum = 0;
  for (int w = 0; w < n; w++) {
    j->lost[w] = j->forecast->straggling(j->forecast->of, w);
    sum += j->lost[w];
  }
  if (isnan(sum))
    return sg_fail(e, SG_INVALID, "/cluster/erasure",
                   "expected erasures whose probabilities do not depend on the code, found \"%s\"",
                   sg_object(cluster, "erasure")->variant->name);
  j->survival = (sg_survival){.workers = n,
                              .lost = j->lost,
                              .draw = draw_times,
                              .of = (void *)(uintptr_t)j->forecast,
                              .scales = sg_delay_scales(j->delay),
                              .seed = seed};
  if (sum == 0 && !sg_args_given(j->args, "deadline") && !sg_args_given(j->args, "first") &&
      j->options.search.objective != SG_FOR_TIME)
    return sg_fail(e, SG_INVALID, "/cluster",
                   "no message is ever lost here: expected --deadline, --first or --objective "
                   "time, or erasures or crashes");
  return SG_OK;
}

static sg_status take_cluster(job *j, sg_error *e) {
  const sg_args *a = j->args;
  if (a->n_words > 0) {
    sg_status status = read_scenario(j, a->word[0], e);
    return status ? status : know_cluster(j, e);
  }
  const sg_arg *p = sg_args_find(a, "straggling");
  int n = (int)sg_args_integer(a, "workers");
  j->subsets = n;
  j->lost = calloc((size_t)n, sizeof *j->lost);
  if (!j->lost) return sg_fail_memory(e);
  if (p->count > n)
    return sg_fail(e, SG_USAGE, NULL, "--straggling: expected at most %d probabilities, found %d",
                   n, p->count);
  for (int w = 0; w < n; w++) j->lost[w] = p->real[w % p->count];
  j->survival = (sg_survival){.workers = n, .lost = j->lost, .seed = 1};
  return SG_OK;
}

/* --- The design ------------------------------------------------------------------------------- */

/* What the design is for, as comments of its file. */
static void put_heading(job *j) {
  const sg_survival *s = &j->survival;
  sg_buffer *out = &j->heading;
  double sum = 0;
  bool same = true;
  if (j->scenario) {
    const char *name = sg_scenario_name(j->scenario);
    sg_put(out, "# cluster: that of scenario \"");
    sg_put_clean(out, name, strlen(name), "", '?');
    sg_putf(out, "\", a block being %g of %d subsets\n", s->block_work, j->subsets);
  }
  for (int w = 0; w < s->workers; w++) {
    sum += s->lost[w];
    same &= s->lost[w] == s->lost[0];
  }
  if (s->deadline_s > 0) sg_putf(out, "# who comes within %g s counts\n", s->deadline_s);
  if (s->first > 0) sg_putf(out, "# the first %d who come count\n", s->first);
  if (s->ordered) sg_putf(out, "# small enough: at most %g\n", j->options.search.eps);
  if (same && sum > 0)
    sg_putf(out, "# answers are lost independently, with probability %g\n", s->lost[0]);
  else if (sum > 0) {
    sg_put(out, "# answers are lost independently, of each worker with probability");
    for (int w = 0; w < s->workers; w++) sg_putf(out, " %.6g", s->lost[w]);
    sg_put(out, "\n");
  }
}

static sg_status take_design(job *j, sg_error *e) {
  const sg_args *a = j->args;
  int m = j->survival.workers;
  sg_design_options *o = &j->options;
  o->blocks = sg_args_given(a, "blocks") ? (int)sg_args_integer(a, "blocks") : m;
  if (o->blocks > MOST_BLOCKS)
    return sg_fail(e, SG_USAGE, NULL, "expected --blocks, at most %d, for %d workers", MOST_BLOCKS,
                   m);
  double entries = sg_args_given(a, "entries") ? (double)sg_args_integer(a, "entries")
                                               : round(sg_args_find(a, "load")->number * m);
  o->entries = (int)fmin(entries, 1e9);
  int mean = (int)(((long)o->entries + m - 1) / m), usual = 2 * mean;
  o->most = sg_args_given(a, "most") ? (int)sg_args_integer(a, "most") : usual;
  if (o->most > o->blocks) o->most = o->blocks;
  o->signs = sg_args_given(a, "signs");
  o->heading = j->heading.data;
  o->search.eps = sg_args_given(a, "below") ? sg_args_find(a, "below")->number : 0;
  o->search.moves = sg_args_integer(a, "moves");
  o->search.patterns = (int)sg_args_integer(a, "patterns");
  o->search.refresh = REFRESH;
  o->search.heat = HEAT;
  o->search.seed = sg_args_given(a, "seed") ? sg_args_find(a, "seed")->seed : j->survival.seed;
  j->survival.seed = o->search.seed;
  j->survival.block_work = (double)j->subsets / o->blocks;
  j->survival.ordered = o->search.objective == SG_FOR_TIME;
  if (sg_args_given(a, "deadline")) j->survival.deadline_s = sg_args_find(a, "deadline")->number;
  if (sg_args_given(a, "first")) j->survival.first = (int)sg_args_integer(a, "first");
  if (j->survival.first > m)
    return sg_fail(e, SG_USAGE, NULL, "--first: expected at most %d workers, found %d", m,
                   j->survival.first);
  double levels = sg_survival_by_chance(&j->survival) ? 1 : o->most + 1.0;
  double bytes = 8.0 * levels * o->search.patterns * m;
  if (bytes > MOST_BYTES)
    return sg_fail(e, SG_USAGE, NULL,
                   "expected a bank of patterns of at most 1 GB, found one of %.3g GB: at most "
                   "%.0f --patterns with up to %d blocks a worker",
                   bytes / 1e9, floor(MOST_BYTES / (8.0 * levels * m)), o->most);
  put_heading(j);
  o->heading = j->heading.data ? j->heading.data : "";
  return j->heading.failed ? sg_fail_memory(e) : SG_OK;
}

/* A line with the time left, when the whole takes longer than a second. */
static void show_progress(void *user, double share) {
  job *j = user;
  double now = sg_seconds_now(), elapsed = now - j->began_s;
  if (elapsed < 1 || now - j->shown_s < 0.1) return;
  char done[64];
  snprintf(done, sizeof done, "%.0f of %ld moves",
           floor(fmin(share / SG_DESIGN_SEARCH_SHARE, 1) * (double)j->options.search.moves),
           j->options.search.moves);
  sg_show_progress("codes design", share, done, elapsed,
                   share > 0.001 ? elapsed * (1 - share) / share : NAN);
  j->shown_s = now;
}

/* --- The report ------------------------------------------------------------------------------- */

static void put_row(sg_rows *r, const sg_design *d, int row) {
  static const char *const loss[] = {"error", "peel_loss", "time_s"}, *const loss_error[] = {
                                                                          "error_se",
                                                                          "peel_loss_se",
                                                                          "time_se_s"};
  const sg_design_figures *f = &d->row[row];
  sg_row_text(r, "placement", sg_design_rows[row]);
  sg_row_number(r, loss[d->objective], f->loss, 4);
  sg_row_number(r, loss_error[d->objective], f->loss_error, 2);
  if (d->objective != SG_FOR_ERROR) {
    sg_row_number(r, "error", f->error, 4);
    sg_row_number(r, "error_se", f->error_error, 2);
  }
  sg_row_number(r, "bound", f->bound, 4);
  sg_row_number(r, "adversarial", f->adversarial, 4);
  sg_row_integer(r, "most", f->most);
  sg_row_integer(r, "entries", f->placement->entries);
}

static void put_words(const sg_design *d, sg_buffer *out) {
  const sg_design_figures *found = &d->row[SG_DESIGN_FOUND], *groups = &d->row[SG_DESIGN_GROUPS],
                          *random = &d->row[SG_DESIGN_RANDOM];
  char line[600];
  snprintf(line, sizeof line,
           "On %ld fresh patterns, %.3g of %d workers missing in the mean; adversarial: %s with %d "
           "missing, found greedily; bound: blocks that nobody answers for. The design has %.3g "
           "times the loss of a random placement%s.",
           d->patterns, d->missing, d->workers, d->objective == SG_FOR_PEEL ? "peel loss" : "error",
           d->stragglers, found->loss / random->loss,
           groups->loss <= found->loss + 2 * found->loss_error
               ? ", and fractional repetition is as good: the design has no use but against an "
                 "adversary"
               : "");
  sg_put(out, "\n");
  sg_put_wrapped(out, "", "", line, sg_terminal_width());
}

static int print(const job *j) {
  const sg_design *d = j->design;
  sg_rows rows = {0};
  sg_buffer out = {0};
  put_row(&rows, d, 0);
  rows.table = sg_table_new(rows.n, rows.name);
  if (!rows.table) return sg_out_of_memory();
  for (int row = 0; row < SG_DESIGN_ROWS; row++) put_row(&rows, d, row);
  sg_put_table(rows.table, j->format, &out);
  if (j->format == SG_FORMAT_TEXT) put_words(d, &out);
  return sg_print(&out);
}

static sg_status write_file(job *j, sg_error *e) {
  const char *path = sg_args_text(j->args, "output");
  sg_status status = path ? sg_write_file(path, &j->design->file, e) : SG_OK;
  const sg_search_report *s = &j->design->search;
  if (status) return status;
  if (s->interrupted)
    sg_say("interrupted after %ld of %ld moves; the best so far is %s%s\n", s->moves,
           j->options.search.moves, path ? "in " : "below", path ? path : "");
  return SG_OK;
}

static int run(const sg_call *call) {
  int code = check_request(call);
  if (code != EX_OK) return code;
  sg_error e = {0};
  job j = {.call = call,
           .args = call->args,
           .format = sg_args_format(call->args),
           .began_s = sg_seconds_now()};
  bool bar = sg_wants_progress(call->args);
  j.options.search.objective = (sg_objective)sg_args_find(call->args, "objective")->choice;
  sg_status status = take_cluster(&j, &e);
  if (!status) status = take_design(&j, &e);
  if (!status) {
    j.options.search.stop = sg_catch_signals(true);
    j.options.search.progress = bar ? show_progress : NULL;
    j.options.search.user = &j;
    status = sg_design_new(&j.survival, &j.options, &j.design, &e);
    if (bar) sg_end_progress();
    sg_catch_signals(false);
  }
  if (!status) status = write_file(&j, &e);
  if (status && j.scenario)
    code = sg_print_faults(j.scenario, call->args->word[0], j.format, &e);
  else if (status)
    code = sg_say_faults(call->command->name, status, &e);
  else
    code = print(&j);
  if (code == EX_OK && j.design->search.interrupted) code = sg_exit_code(SG_INTERRUPTED);
  sg_design_free(j.design);
  sg_buffer_free(&j.heading);
  free(j.lost);
  sg_forecast_free(j.forecast);
  sg_delay_free(j.delay);
  sg_points_free(j.n_points, j.point);
  sg_scenario_free(j.scenario);
  sg_error_clear(&e);
  return code;
}

const sg_command sg_cmd_codes_design =
    {.name = "codes design",
     .summary = "Search a sparse code for a cluster; write its file.",
     .operands = {{.name = "SCENARIO", .what = "a scenario file", .most = 1, .file = true}},
     .options =
         {SG_OPTION_ROW("workers", 'n', INTEGER, "N", "without a scenario: workers", .min = 1,
                        .max = MOST_WORKERS),
          SG_OPTION_ROW("straggling", 'p', REALS, "LIST",
                        "without a scenario: probabilities that workers do not answer, such as "
                        "0.05,0.4, repeated",
                        .max = 1),
          SG_OPTION_ROW("blocks", 'k', INTEGER, "K",
                        "blocks of the data; as many as workers if not given", .min = 1,
                        .max = MOST_BLOCKS),
          SG_OPTION_ROW("entries", 0, INTEGER, "E", "the budget: blocks of all workers together",
                        .min = 1, .max = 10000000),
          SG_OPTION_ROW("load", 'd', REAL, "D", "the same as blocks of a worker in the mean",
                        .max = MOST_BLOCKS),
          SG_OPTION_ROW("most", 0, INTEGER, "B",
                        "most blocks of a worker; twice the mean if not given", .min = 1,
                        .max = MOST_BLOCKS),
          SG_OPTION_ROW("objective", 0, CHOICE, "J",
                        "what is made small: error of optimal decoding, peel: blocks that peeling "
                        "does not recover, or time until the error is small enough",
                        .choices = sg_objectives, .fallback = "error"),
          SG_OPTION_ROW("below", 0, REAL, "EPS", "that error, ‖1 − α‖² / blocks", .max = 1),
          SG_OPTION_ROW("deadline", 0, REAL, "S",
                        "with a scenario: who needs longer than S seconds does not count",
                        .max = 0),
          SG_OPTION_ROW("first", 0, INTEGER, "R", "with a scenario: the first R count", .min = 1,
                        .max = MOST_WORKERS),
          SG_OPTION_ROW("moves", 0, INTEGER, "M", "moves of the search; 0: none", .min = 0,
                        .max = 10000000, .fallback = "6000"),
          SG_OPTION_ROW("patterns", 0, INTEGER, "N",
                        "straggler patterns that a move is tried on; drawn again every 2000 moves",
                        .min = 10, .max = 100000, .fallback = "4000"),
          SG_OPTION_ROW_FLAG("signs", 0, "coefficients ±1 by chance, rather than ones"),
          SG_OPTION_ROW("seed", 0, SEED,
                        "S", "of the search and its patterns; the scenario's, or 1, if not given"),
          SG_OPTION_ROW_SET,
          SG_OPTION_ROW("output", 'o', FILE, "FILE", "writes the code file, for the code sparse"),
          SG_OPTION_ROWS_FORMAT(sg_format_words, "how the report is printed"),
          SG_OPTION_ROW_FLAG("quiet", 'q', "no progress")},
     .text =
         {"Begins with greedy block degrees and moves single entries, with the decoder's error on "
          "a bank of straggler patterns as the measure (Metropolis). Figures are those of "
          "fresh patterns, with the same budget: of the design, of random placements, of "
          "fractional repetition, and the bound below every decoder.",
          "Of a scenario the cluster, the delays, erasures, crashes and the seed count; its "
          "schemes "
          "and sweeps do not, so that it may name the file that is to be made. Workers are lost "
          "independently, each with its probability. Times are those of computing alone.",
          "Ctrl-C ends the search and keeps the best so far; the exit code is then 130. The same "
          "arguments give the same file, byte for byte."},
     .examples = {{"codes design -n 12 --straggling 0.05,0.4 --load 2 --moves 500 -o mixed.csv",
                   "12 workers, every other one unreliable; as many blocks, each on 2 in the mean"},
                  {"codes design my.json --load 2 --deadline 20 --moves 200 -o design.csv",
                   "Who counts is who has computed its blocks within 6 s"},
                  {"codes design -n 12 --straggling 0.2 -k 8 --load 2 --objective peel --moves 500",
                   "For the peeling decoder; no file, the report alone"}},
     .run = run};
