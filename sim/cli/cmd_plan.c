/* SPDX-License-Identifier: MIT */
/* The command plan: points and runs, what is missing, and what the rest will take. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/experiment/duration.h"
#include "sim/experiment/until.h"

#include <math.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

typedef struct estimate {
  double bytes;
  long long missing;
  sg_duration time;
} estimate;

static void put_row(sg_rows *t, const sg_planned *p, int runs, int missing) {
  const double none = NAN;
  const char *note = p->duplicate           ? "the same as a point above"
                     : p->facts.is_baseline ? "baseline"
                                            : "";
  sg_buffer axes = {0}, why = {0};
  sg_point_put_axes(p->point, p->point->n_axes, &axes);
  if (p->valid)
    sg_put(&why, note);
  else
    sg_putf(&why, "skipped: %s", p->why.count ? p->why.fault[0].message : "");
  sg_row_text(t, "scheme", p->label);
  sg_row_buffer(t, "axes", &axes);
  sg_row_number(t, "n_workers", p->valid ? p->facts.n_workers : none, 4);
  sg_row_number(t, "load_d", p->valid ? p->facts.load_d : none, 4);
  sg_row_number(t, "stragglers_s", p->valid ? p->facts.stragglers_s : none, 4);
  sg_row_number(t, "comm_m", p->valid ? p->facts.comm_m : none, 4);
  sg_row_text(t, "stop", p->valid ? p->stop : NULL);
  sg_row_number(t, "runs", p->valid ? runs : none, 4);
  sg_row_number(t, "missing_runs", p->valid ? missing : none, 4);
  sg_row_buffer(t, "note", &why);
}

static sg_status put_rows(const sg_session *s, int threads, sg_rows *t, estimate *total,
                          sg_error *e) {
  const sg_plan *plan = s->plan;
  sg_detail detail = (sg_detail)sg_scenario_detail(s->scenario);
  int *missing = calloc((size_t)plan->count + 1, sizeof *missing);
  put_row(t, &(sg_planned){.point = &(sg_point){0}}, 0, 0);
  t->table = sg_table_new(t->n, t->name);
  sg_status status = t->table && missing ? SG_OK : sg_fail_memory(e);
  for (int i = 0; i < plan->count && !status; i++) {
    const sg_planned *p = &plan->point[i];
    int runs = 0;
    if (p->valid && !p->duplicate) status = sg_count_missing(s, i, &runs, &missing[i], e);
    if (missing[i]) total->bytes += missing[i] * sg_stored_bytes(p, detail);
    total->missing += missing[i];
    put_row(t, p, runs, missing[i]);
  }
  if (!status && total->missing)
    status = sg_duration_estimate(plan, missing, detail, threads, sg_processors(), &total->time, e);
  free(missing);
  return status;
}

/* "about 3 s with 2 threads", and where that comes from. */
static void put_duration(const sg_duration *d, int threads, sg_buffer *out) {
  char seconds[32];
  sg_putf(out, "%s %s with %d thread%s", d->at_most ? "at most about" : "about",
          sg_format_seconds(d->seconds, seconds), threads, threads == 1 ? "" : "s");
  if (d->guessed)
    sg_put(out, " (a guess from sizes: the data are not generated for it)");
  else if (d->tried < d->points)
    sg_putf(out, " (%d of %d points were tried)", d->tried, d->points);
}

static int print_plan(const sg_session *s, const sg_table *t, const estimate *total,
                      const sg_until_report *until, int threads) {
  sg_buffer out = {0};
  sg_table_print(t, s->format, sg_table_width_here(), &out);
  if (s->format == SG_FORMAT_TEXT) {
    char bytes[32];
    if (threads > total->missing) threads = (int)total->missing;
    sg_putf(&out, "\n%d points, %d skipped; %lld runs are missing in %s", s->plan->n_valid,
            s->plan->n_skipped, total->missing, s->database);
    if (total->missing) {
      sg_put(&out, ": ");
      put_duration(&total->time, threads, &out);
      sg_putf(&out, ", %s", sg_format_bytes(total->bytes, bytes));
    }
    sg_put(&out, ".\n");
    sg_until_put(until, &out);
    if (s->deal) {
      double most = 0;
      for (int i = 0; i < s->shard.count; i++) most = fmax(most, s->deal->share[i]);
      sg_putf(&out,
              "Shard %d of %d: %.3g %% of the work, as far as it is known; the most is %.3g %%.\n",
              s->shard.index + 1, s->shard.count, 100 * s->deal->share[s->shard.index], 100 * most);
    }
  }
  return sg_print(&out);
}

static int run(const sg_call *call) {
  sg_session s;
  sg_rows t = {0};
  estimate total = {0};
  int code = EX_OK, threads = sg_threads(call->args);
  sg_status status = sg_session_open(call, call->args->word[0], &s);
  if (!status && sg_args_given(call->args, "suggest")) {
    status = sg_suggest_parameters(&s, sg_args_integer(call->args, "suggest"), &code);
    return sg_session_close(&s, status, code);
  }
  if (!status) {
    status = sg_session_shard(call, &s);
    if (!status && access(s.database, F_OK) == 0)
      status = sg_session_database(&s, s.database, SG_OPEN_READ);
  }
  sg_until_report until = {0};
  if (!status) status = sg_until(s.plan, s.shard.count ? s.known : s.db, &until, &s.error);
  if (!status) status = sg_session_deal(&s);
  if (!status) status = put_rows(&s, threads, &t, &total, &s.error);
  if (!status) code = print_plan(&s, t.table, &total, &until, threads);
  sg_table_free(t.table);
  return sg_session_close(&s, status, code);
}

const sg_command sg_cmd_plan = {
    .name = "plan",
    .summary = "List points and runs, what is missing, time and size.",
    .operands = {SG_OPERAND_FILE("SCENARIO", "one scenario file")},
    .options = {SG_OPTION_ROW_OUTPUT,
                SG_OPTION_ROW_THREADS(
                    "threads that the time is estimated for; all processors if not given"),
                SG_OPTION_ROW_SET, SG_OPTION_ROWS_SHARD("list only"),
                SG_OPTION_ROW("suggest", 0, INTEGER, "N",
                              "instead: the N fastest choices of the parameters of codes that can "
                              "name candidates, by a run of each on the scenario's delays",
                              .min = 1, .max = 10000),
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed")},
    .text = {"The time is estimated within a second, by running some iterations of points of every "
             "code "
             "and size; with a target loss, of whole runs where these are short."},
    .examples = {{"plan my.json -j 8", "How long it will take with 8 threads"}},
    .run = run};
