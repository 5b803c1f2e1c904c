/* SPDX-License-Identifier: MIT */
/* The command plan: points and runs, what is missing, and what the rest will take. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/core/clock.h"
#include "sim/experiment/block.h"
#include "sim/experiment/until.h"

#include <math.h>
#include <sysexits.h>
#include <unistd.h>

static bool ignore_row(void *user, int replication, const sg_iteration_record *row, int n,
                       const sg_worker_record *worker) {
  return true;
}

static bool ignore_finish(void *user, int replication, const sg_run_row *run,
                          const sg_summary_record *summary, int n,
                          const sg_worker_summary_record *worker) {
  return true;
}

/* Seconds per iteration of one run, found by running a few. NAN when that failed. */
static double probe(const sg_plan *plan, const sg_planned *p) {
  sg_error e = {0};
  sg_world *w = NULL;
  double seconds = NAN;
  if (!sg_world_new(p->point, plan->cache, NULL, &w, &e)) {
    const sg_sink sink = {.row = ignore_row, .finish = ignore_finish};
    const sg_block_options options = {0};
    const int replication = 0;
    for (long n = 4; n <= 4096; n *= 8) {
      w->limits.iterations = n < p->facts.max_iterations ? n : (long)p->facts.max_iterations;
      double begin = sg_seconds_now();
      if (sg_block_run(w, 1, &replication, &options, &sink, &e)) break;
      seconds = (sg_seconds_now() - begin) / (double)w->limits.iterations;
      if (sg_seconds_now() - begin > 0.05 || n >= p->facts.max_iterations) break;
    }
  }
  sg_world_free(w, plan->cache);
  sg_error_clear(&e);
  return seconds;
}

/* Points whose time is measured, the seconds that this may take in all, and the data that are not
 * generated for it. */
enum { PROBES = 24, PROBE_S = 10, PROBED_BYTES = 256000000 };

typedef struct estimate {
  double seconds, bytes, begun_s;
  long long missing;
  int probed, points;
} estimate;

static void add_estimate(estimate *t, const sg_plan *plan, const sg_planned *p, int missing,
                         sg_detail detail) {
  bool probed =
      t->probed < PROBES && sg_seconds_now() - t->begun_s < PROBE_S && p->data_bytes < PROBED_BYTES;
  double each = probed ? probe(plan, p) : NAN;
  if (!isnan(each)) {
    t->seconds += each * (double)p->facts.max_iterations * missing;
    t->probed++;
  }
  t->bytes += missing * sg_stored_bytes(p, detail);
  t->missing += missing;
  t->points++;
}

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

static sg_status put_rows(const sg_session *s, sg_rows *t, estimate *total, sg_error *e) {
  const sg_plan *plan = s->plan;
  sg_detail detail = (sg_detail)sg_scenario_detail(s->scenario);
  put_row(t, &(sg_planned){.point = &(sg_point){0}}, 0, 0);
  t->table = sg_table_new(t->n, t->name);
  if (!t->table) return sg_fail_memory(e);
  for (int i = 0; i < plan->count; i++) {
    const sg_planned *p = &plan->point[i];
    int runs = 0, missing = 0;
    if (p->valid && !p->duplicate) {
      sg_status status = sg_count_missing(s, i, &runs, &missing, e);
      if (status) return status;
      if (missing) add_estimate(total, plan, p, missing, detail);
    }
    put_row(t, p, runs, missing);
  }
  return SG_OK;
}

static int print_plan(const sg_session *s, const sg_table *t, const estimate *total,
                      const sg_until_report *until, int threads) {
  sg_buffer out = {0};
  sg_table_print(t, s->format, sg_terminal_width(), &out);
  if (s->format == SG_FORMAT_TEXT) {
    char seconds[32], bytes[32];
    if (threads > total->missing) threads = (int)total->missing;
    sg_putf(&out, "\n%d points, %d skipped; %lld runs are missing in %s", s->plan->n_valid,
            s->plan->n_skipped, total->missing, s->database);
    if (total->missing)
      sg_putf(&out, ": about %s with %d thread%s, %s",
              sg_format_seconds(total->probed ? total->seconds / threads : NAN, seconds), threads,
              threads == 1 ? "" : "s", sg_format_bytes(total->bytes, bytes));
    if (total->probed < total->points)
      sg_putf(&out, " (time: of %d of %d points)", total->probed, total->points);
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
  estimate total = {.begun_s = sg_seconds_now()};
  int code = EX_OK;
  sg_status status = sg_session_open(call, call->args->word[0], &s);
  if (!status) {
    status = sg_session_shard(call, &s);
    if (!status && access(s.database, F_OK) == 0)
      status = sg_session_database(&s, s.database, SG_OPEN_READ);
  }
  sg_until_report until = {0};
  if (!status) status = sg_until(s.plan, s.shard.count ? s.known : s.db, &until, &s.error);
  if (!status) status = sg_session_deal(&s);
  if (!status) status = put_rows(&s, &t, &total, &s.error);
  if (!status) code = print_plan(&s, t.table, &total, &until, sg_threads(call->args));
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
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed")},
    .text = {"The time is estimated by running a few iterations of the first 24 points."},
    .examples = {{"plan my.json -j 8", "How long it will take with 8 threads"}},
    .run = run};
