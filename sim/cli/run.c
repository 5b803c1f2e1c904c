/* SPDX-License-Identifier: MIT */
/* The commands run and plan. */
#include "sim/cli/cli.h"
#include "sim/experiment/execute.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* The only state that a signal handler can reach. */
static atomic_bool stop_wanted;

static void on_signal(int number) {
  (void)number;
  atomic_store(&stop_wanted, true);
}

static void catch_signals(void) {
  /* A second signal ends the program at once; the database survives that too. */
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

static void show_progress(void *user, const sg_progress *p) {
  enum { WIDTH = 30 };
  char bar[WIDTH + 1], elapsed[32], left[32];
  int full = (int)(p->share * WIDTH);
  for (int i = 0; i < WIDTH; i++) bar[i] = i < full ? '#' : '.';
  bar[WIDTH] = '\0';
  fprintf(stderr, "\r%s [%s] %3.0f %%  %d/%d runs  %s  left %s\033[K", (const char *)user, bar,
          100 * p->share, p->runs_done, p->runs_total, sg_format_seconds(p->elapsed_s, elapsed),
          isnan(p->left_s) ? "?" : sg_format_seconds(p->left_s, left));
  fflush(stderr);
}

static void print_skipped(const sg_plan *plan, FILE *to) {
  for (int i = 0; i < plan->count; i++) {
    const sg_planned *p = &plan->point[i];
    for (int f = 0; f < p->why.count; f++) {
      fprintf(to, "skipped: %s", p->label);
      for (int a = 0; a < p->point->n_axes; a++)
        fprintf(to, ", %s = %s", p->point->axis_name[a], p->point->axis_value[a]);
      fprintf(to, ": %s\n", p->why.fault[f].message);
    }
  }
}

static int print_report(const char *database, const sg_plan *plan, const sg_execute_report *r,
                        sg_status status, const sg_options *o) {
  if (o->format == SG_FORMAT_JSON) {
    sg_buffer out = {0};
    sg_put(&out, "{");
    sg_put_json_name(&out, "database");
    sg_put_json_string(&out, database);
    sg_put_json_name(&out, "points");
    sg_putf(&out, "%d", plan->n_valid);
    sg_put_json_name(&out, "skipped");
    sg_putf(&out, "%d", plan->n_skipped);
    sg_put_json_name(&out, "computed");
    sg_putf(&out, "%d", r->computed);
    sg_put_json_name(&out, "found");
    sg_putf(&out, "%d", r->found);
    sg_put_json_name(&out, "missing");
    sg_putf(&out, "%d", r->missing);
    sg_put_json_name(&out, "elapsed_s");
    sg_put_json_number(&out, r->elapsed_s);
    sg_put(&out, "}\n");
    return sg_print(&out);
  }
  if (o->quiet && status == SG_OK) return EX_OK;
  char elapsed[32];
  fprintf(stderr, "%s: %d runs computed in %s, %d were there already", database, r->computed,
          sg_format_seconds(r->elapsed_s, elapsed), r->found);
  if (r->diverged) fprintf(stderr, "; %d diverged", r->diverged);
  if (r->stalled) fprintf(stderr, "; %d stalled", r->stalled);
  if (r->undecodable) fprintf(stderr, "; %d ended as undecodable", r->undecodable);
  fprintf(stderr, "\n");
  if (status == SG_INTERRUPTED)
    fprintf(
        stderr,
        "stopped: %d runs are still missing; what is finished is kept. The same command goes on "
        "from here.\n",
        r->missing);
  return EX_OK;
}

static int run_scenario(const char *path, const sg_options *o, int argc, char **argv) {
  sg_error e = {0};
  sg_scenario *s = NULL;
  sg_plan *plan = NULL;
  sg_db *db = NULL;
  sg_execute_report report = {0};
  sg_buffer command_line = {0};
  char cpu[128], host[128];
  int code = EX_OK;
  sg_status status = sg_scenario_read(path, o->n_overrides, o->override, &s, &e);
  if (status == SG_OK) status = sg_plan_new(s, &plan, &e);
  if (status != SG_OK) goto out;
  if (!o->quiet) {
    sg_buffer notes = {0};
    print_skipped(plan, stderr);
    sg_plan_notes(plan, &notes);
    if (notes.data && !notes.failed) fputs(notes.data, stderr);
    sg_buffer_free(&notes);
  }
  const char *database = o->database ? o->database : sg_scenario_database(s);
  status = sg_db_open(database, SG_OPEN_WRITE, &db, &e);
  if (status != SG_OK) goto out;
  sg_invocation invocation;
  sg_provenance(argc, argv, o->threads, &command_line, cpu, host, &invocation);
  bool bar = !o->quiet && isatty(STDERR_FILENO);
  sg_execute_options options = {.threads = o->threads,
                                .stop = &stop_wanted,
                                .progress = bar ? show_progress : NULL,
                                .user = (void *)(uintptr_t)sg_scenario_name(s)};
  status = sg_execute(plan, db, &invocation, &options, &report, &e);
  if (bar) fprintf(stderr, "\r\033[K");
  sg_status closing = sg_db_close(db, &e);
  db = NULL;
  if (status == SG_OK) status = closing;
  if (status == SG_OK || status == SG_INTERRUPTED)
    code = print_report(database, plan, &report, status, o);
out:
  if (db) sg_db_close(db, &e);
  if (e.count > 0) {
    code = sg_print_faults(s, path, o->format, &e);
    if (report.computed > 0)
      fprintf(stderr, "%d runs that were finished before this are kept.\n", report.computed);
  } else if (status != SG_OK && code == EX_OK) {
    code = sg_exit_code(status);
  }
  sg_buffer_free(&command_line);
  sg_plan_free(plan);
  sg_scenario_free(s);
  return code;
}

int sg_cmd_run(int argc, char **argv) {
  sg_options o;
  if (!sg_options_read(argc, argv, "ojsqWf", &o)) return o.code;
  int code = EX_OK;
  if (o.n_words == 0) code = sg_usage_fault("run", "expected a scenario file");
  catch_signals();
  for (int i = 0; i < o.n_words && !atomic_load(&stop_wanted); i++) {
    int one = o.n_what_ifs ? sg_what_if(o.word[i], &o, &stop_wanted, argc, argv)
                           : run_scenario(o.word[i], &o, argc, argv);
    if (one != EX_OK) code = one;
  }
  sg_options_free(&o);
  return code;
}

/* --- plan ------------------------------------------------------------------------------------- */

static bool ignore_row(void *user, int replication, const sg_iteration_record *row, int n,
                       const sg_worker_record *worker) {
  (void)user, (void)replication, (void)row, (void)n, (void)worker;
  return true;
}

static bool ignore_finish(void *user, int replication, const sg_run_row *run,
                          const sg_summary_record *summary, int n,
                          const sg_worker_summary_record *worker) {
  (void)user, (void)replication, (void)run, (void)summary, (void)n, (void)worker;
  return true;
}

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds per iteration of one run, found by running a few. NAN when that failed. */
static double probe(const sg_plan *plan, const sg_planned *p) {
  sg_error e = {0};
  sg_world *w = NULL;
  double seconds = NAN;
  if (sg_world_new(p->point, plan->cache, NULL, &w, &e) == SG_OK) {
    const sg_sink sink = {.row = ignore_row, .finish = ignore_finish};
    const sg_block_options options = {0};
    const int replication = 0;
    for (long n = 4; n <= 4096; n *= 8) {
      w->limits.iterations = n < p->facts.max_iterations ? n : (long)p->facts.max_iterations;
      double begin = seconds_now();
      if (sg_block_run(w, 1, &replication, &options, &sink, &e) != SG_OK) break;
      seconds = (seconds_now() - begin) / (double)w->limits.iterations;
      if (seconds_now() - begin > 0.05 || n >= p->facts.max_iterations) break;
    }
  }
  sg_world_free(w, plan->cache);
  sg_error_clear(&e);
  return seconds;
}

/* Bytes of a stored row, measured on quickstart databases at each detail. */
enum { ITERATION_BYTES = 180, WORKER_BYTES = 40, RUN_BYTES = 600 };

typedef struct estimate {
  double seconds, bytes;
  int missing, probed;
} estimate;

static void add_estimate(estimate *t, const sg_plan *plan, const sg_planned *p, int missing,
                         sg_detail detail) {
  enum { PROBES = 24 };
  static const double unknown = NAN;
  double each = t->probed < PROBES ? probe(plan, p) : unknown;
  if (!isnan(each)) {
    t->seconds += each * (double)p->facts.max_iterations * missing;
    t->probed++;
  }
  double row = detail == SG_DETAIL_SUMMARY ? 0 : ITERATION_BYTES;
  if (detail == SG_DETAIL_WORKER) row += WORKER_BYTES * p->facts.n_workers;
  t->bytes += missing * (RUN_BYTES + row * (double)p->facts.max_iterations);
  t->missing += missing;
}

static sg_status count_missing(sg_db *db, const sg_planned *p, int replications, sg_detail detail,
                               int *missing, sg_error *e) {
  *missing = replications;
  if (!db) return SG_OK;
  int64_t id = 0;
  sg_status status = sg_db_find_point(db, p->key, &id, e);
  for (int r = 0; status == SG_OK && id && r < replications; r++) {
    bool has = false;
    status = sg_db_has_run(db, id, r, detail, &has, e);
    *missing -= has;
  }
  return status;
}

static void plan_row(sg_table *t, const sg_planned *p, int replications, int missing) {
  sg_buffer axes = {0};
  for (int a = 0; a < p->point->n_axes; a++)
    sg_putf(&axes, "%s%s=%s", a ? " " : "", p->point->axis_name[a], p->point->axis_value[a]);
  sg_table_text(t, p->label);
  sg_table_text(t, axes.data);
  sg_buffer_free(&axes);
  if (p->valid) {
    sg_table_integer(t, p->facts.n_workers);
    sg_table_number(t, p->facts.load_d, 4);
    sg_table_integer(t, p->facts.stragglers_s);
    sg_table_integer(t, p->facts.comm_m);
    sg_table_text(t, p->stop);
    sg_table_integer(t, p->duplicate ? 0 : replications);
    sg_table_integer(t, p->duplicate ? 0 : missing);
    sg_table_text(t, p->duplicate ? "the same as a point above" : p->facts.is_baseline ? "baseline" : "");
  } else {
    for (int i = 0; i < 7; i++) sg_table_text(t, NULL);
    sg_buffer why = {0};
    sg_putf(&why, "skipped: %s", p->why.count ? p->why.fault[0].message : "");
    sg_table_text(t, why.data);
    sg_buffer_free(&why);
  }
}

static sg_status plan_table(const sg_plan *plan, sg_db *db, sg_table *t, estimate *total,
                            sg_error *e) {
  int replications = sg_scenario_replications(plan->scenario);
  sg_detail detail = (sg_detail)sg_scenario_detail(plan->scenario);
  for (int i = 0; i < plan->count; i++) {
    const sg_planned *p = &plan->point[i];
    int missing = 0;
    if (p->valid && !p->duplicate) {
      sg_status status = count_missing(db, p, replications, detail, &missing, e);
      if (status != SG_OK) return status;
      if (missing) add_estimate(total, plan, p, missing, detail);
    }
    plan_row(t, p, replications, missing);
  }
  return SG_OK;
}

int sg_cmd_plan(int argc, char **argv) {
  static const char *const columns[] = {"scheme",       "axes",   "n_workers", "load_d",
                                        "stragglers_s", "comm_m", "stop",      "runs",
                                        "missing_runs", "note"};
  sg_options o;
  if (!sg_options_read(argc, argv, "ojsf", &o)) return o.code;
  if (o.n_words != 1) {
    sg_options_free(&o);
    return sg_usage_fault("plan", "expected one scenario file");
  }
  sg_error e = {0};
  sg_scenario *s = NULL;
  sg_plan *plan = NULL;
  sg_db *db = NULL;
  sg_table *t = sg_table_new(10, columns);
  estimate total = {0};
  int code = EX_OK;
  sg_status status =
      t ? sg_scenario_read(o.word[0], o.n_overrides, o.override, &s, &e) : sg_fail_memory(&e);
  if (status == SG_OK) status = sg_plan_new(s, &plan, &e);
  const char *database = NULL;
  if (status == SG_OK) {
    database = o.database ? o.database : sg_scenario_database(s);
    if (access(database, F_OK) == 0) status = sg_db_open(database, SG_OPEN_READ, &db, &e);
  }
  if (status == SG_OK) status = plan_table(plan, db, t, &total, &e);
  if (status == SG_OK) {
    sg_buffer out = {0};
    sg_table_print(t, o.format, sg_terminal_width(), &out);
    if (o.format == SG_FORMAT_TEXT) {
      char seconds[32], bytes[32];
      int threads = o.threads < total.missing ? o.threads : total.missing;
      sg_putf(&out, "\n%d points, %d skipped; %d runs are missing in %s", plan->n_valid,
              plan->n_skipped, total.missing, database);
      if (total.missing)
        sg_putf(&out, ": about %s with %d thread%s, %s%s",
                sg_format_seconds(total.seconds / threads, seconds), threads,
                threads == 1 ? "" : "s", sg_format_bytes(total.bytes, bytes),
                total.probed == 24 ? " (time: of the first 24 points)" : "");
      sg_put(&out, ".\n");
    }
    code = sg_print(&out);
  } else {
    code = sg_print_faults(s, o.word[0], o.format, &e);
  }
  if (db) sg_db_close(db, &e);
  sg_error_clear(&e);
  sg_table_free(t);
  sg_plan_free(plan);
  sg_scenario_free(s);
  sg_options_free(&o);
  return code;
}
