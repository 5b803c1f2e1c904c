/* SPDX-License-Identifier: MIT */
/* The command run: simulates what is missing. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/experiment/causes.h"
#include "sim/experiment/execute.h"
#include "sim/experiment/until.h"

#include <math.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

static void show_progress(void *user, const sg_progress *p) {
  char done[48];
  snprintf(done, sizeof done, "%d/%d runs", p->runs_done, p->runs_total);
  sg_show_progress(user, p->share, done, p->elapsed_s, p->left_s);
}

/* Runs that were added on another machine: their times are the same to the last bit, what BLAS has
 * summed is not. */
static sg_status warn_of_kernels(sg_db *db, sg_error *e) {
  int64_t points;
  sg_buffer names = {0};
  sg_status status = sg_db_mixed_kernels(db, &points, &names, e);
  if (!status && points > 0)
    sg_say("warning: %lld points have runs of several BLAS kernels (%s): simulated times are those "
           "of one machine, losses and errors may differ in their last bits; OPENBLAS_CORETYPE "
           "chooses the kernel\n",
           (long long)points, names.data ? names.data : "");
  sg_buffer_free(&names);
  return status;
}

static int print_report(const sg_session *s, const sg_execute_report *r, sg_status status,
                        bool quiet) {
  if (s->format == SG_FORMAT_JSON) {
    sg_buffer out = {0};
    sg_put(&out, "{");
    sg_put_json_text_member(&out, "database", s->database);
    SG_PUT_NUMBERS(&out, {"points", s->plan->n_valid}, {"skipped", s->plan->n_skipped},
                   {"computed", r->computed}, {"found", r->found}, {"missing", r->missing},
                   {"elapsed_s", r->elapsed_s});
    sg_put(&out, "}\n");
    return sg_print(&out);
  }
  if (quiet && !status) return EX_OK;
  char elapsed[32];
  sg_say("%s: %d runs computed in %s, %d were there already", s->database, r->computed,
         sg_format_seconds(r->elapsed_s, elapsed), r->found);
  if (r->diverged) fprintf(stderr, "; %d diverged", r->diverged);
  if (r->stalled) fprintf(stderr, "; %d stalled", r->stalled);
  if (r->undecodable) fprintf(stderr, "; %d ended as undecodable", r->undecodable);
  fprintf(stderr, "\n");
  if (status == SG_INTERRUPTED)
    fprintf(stderr,
            "stopped: %d runs are still missing; what is finished is kept. "
            "The same command goes on from here.\n",
            r->missing);
  return EX_OK;
}

static void print_until(const sg_until_report *until) {
  sg_buffer line = {0};
  sg_until_put(until, &line);
  if (line.data && !line.failed) fputs(line.data, stderr);
  sg_buffer_free(&line);
}

/* What the plan says before anything runs. */
static void print_plan(const sg_session *s) {
  const sg_plan *plan = s->plan;
  sg_buffer notes = {0};
  if (plan->n_skipped)
    sg_putf(&notes,
            "%d of %d combinations are skipped, which a code cannot have: straggle check %s\n",
            plan->n_skipped, plan->count, s->path);
  sg_plan_notes(plan, false, &notes);
  if (notes.data && !notes.failed) sg_say("%s", notes.data);
  sg_buffer_free(&notes);
}

static long count_runs(const sg_plan *plan) {
  long n = 0;
  for (int i = 0; i < plan->count; i++) n += plan->point[i].replications;
  return n;
}

/* Computes what is missing; with "until" a second time, when the first runs have told how many
 * there are. To shards the merged database has told it. */
static sg_status execute(sg_session *s, const sg_invocation *invocation,
                         const sg_execute_options *options, sg_execute_report *report,
                         sg_until_report *until) {
  sg_status status = SG_OK;
  for (int stage = 0; stage < (s->deal ? 1 : 2) && !status; stage++) {
    long runs = count_runs(s->plan);
    sg_execute_report before = *report;
    if (!s->deal) status = sg_until(s->plan, s->db, until, &s->error);
    if (status || (stage && count_runs(s->plan) == runs)) return status;
    status = sg_execute(s->plan, s->db, invocation, options, report, &s->error);
    report->found -= before.computed;
    report->computed += before.computed;
    report->diverged += before.diverged;
    report->stalled += before.stalled;
    report->undecodable += before.undecodable;
    report->elapsed_s += before.elapsed_s;
  }
  return status;
}

static int run_scenario(const sg_call *call, const char *path) {
  const sg_args *args = call->args;
  bool quiet = sg_args_given(args, "quiet"), bar = sg_wants_progress(args);
  sg_session s;
  sg_execute_report report = {0};
  sg_until_report until = {0};
  int code = EX_OK;
  sg_status status = sg_session_open(call, path, &s);
  if (!status && !quiet) print_plan(&s);
  if (!status) status = sg_session_shard(call, &s);
  if (!status) status = sg_until(s.plan, s.known, &until, &s.error);
  if (!status) status = sg_session_deal(&s);
  if (!status) status = sg_session_output(&s, args);
  const atomic_bool *stop = sg_catch_signals(true);
  if (!status) {
    sg_provenance made;
    sg_execute_options options = {.threads = sg_threads(args),
                                  .deal = s.deal,
                                  .known = s.known,
                                  .stop = stop,
                                  .progress = bar ? show_progress : NULL,
                                  .user = (void *)(uintptr_t)sg_scenario_name(s.scenario)};
    sg_provenance_read(call, options.threads, &made);
    if (*s.number) made.invocation.shard = s.number;
    status = execute(&s, &made.invocation, &options, &report, &until);
    if (bar) sg_end_progress();
    if (!status) status = warn_of_kernels(s.db, &s.error);
    status = sg_session_finish(&s, status);
    if (!status || status == SG_INTERRUPTED) code = print_report(&s, &report, status, quiet);
    if (!status && !quiet) print_until(&until);
  }
  bool faults = s.error.count > 0;
  /* A file that was taken away keeps nothing for who looks for it by its name. */
  bool there = s.database && access(s.database, F_OK) == 0;
  code = sg_session_close(&s, status, code);
  if (faults && there && report.computed > 0)
    fprintf(stderr, "%d runs that were finished before this are kept.\n", report.computed);
  return code;
}

static int run(const sg_call *call) {
  int code = EX_OK;
  bool what_if = sg_args_given(call->args, "what-if");
  for (const char *const *o = (const char *const[]){"shard", "known", NULL}; *o; o++)
    if (what_if && sg_args_given(call->args, *o))
      return sg_usage_fault(call, "--what-if and --%s cannot be combined", *o);
  for (int i = 0; i < call->args->n_words && code != sg_exit_code(SG_INTERRUPTED); i++) {
    sg_catch_signals(false);
    int one = (what_if ? sg_what_if : run_scenario)(call, call->args->word[i]);
    if (one != EX_OK) code = one;
  }
  return code;
}

const sg_command sg_cmd_run = {
    .name = "run",
    .summary = "Simulate the runs that a scenario's database lacks.",
    .operands = {SG_OPERAND_FILES("SCENARIO", "a scenario file")},
    .options = {SG_OPTION_ROW_OUTPUT,
                SG_OPTION_ROW_THREADS(
                    "runs computed at the same time; all processors if not given"),
                SG_OPTION_ROW_SET, SG_OPTION_ROWS_SHARD("compute only"),
                SG_OPTION_ROW(
                    "what-if", 0, LIST, "CAUSES",
                    "also without each of these, on the same random numbers, and print what time "
                    "each costs: stalls, memory, common, crashes, erasures, speeds, slowest, "
                    "randomness, worker=K, uplink=F, ingress=F, links=F; with commas, or repeated; "
                    "auto: the scenario's \"what_if\", or all that it has",
                    .choices = sg_cause_names),
                SG_OPTION_ROWS_FORMAT(
                    sg_format_words,
                    "how the table of --what-if is printed; json: the summary of a run, too"),
                SG_OPTION_ROW_FLAG("force", 0,
                                   "also runs that need more memory or disk than there is"),
                SG_OPTION_ROW_FLAG("quiet", 'q', "no progress and no summary")},
    .text = {"Runs that the database has are not computed again, so that the same command goes on "
             "after an interrupt (Ctrl-C) and more replications are added. Results are the same "
             "for any number of threads."},
    .examples = {{"run scenarios/quickstart.json", "The quickstart, into scenarios/quickstart.db"},
                 {"run my.json -o slow.db --set /delay/mean_excess_s=10 --set /replications=50",
                  "With other members, without an editor"},
                 {"run my.json --what-if stalls,speeds",
                  "What time stalls and differences of speed cost"}},
    .run = run};
