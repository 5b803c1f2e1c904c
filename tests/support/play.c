/* SPDX-License-Identifier: MIT */
#include "tests/support/play.h"
#include "sim/core/linalg.h"
#include "sim/experiment/block.h"
#include "sim/experiment/plan.h"

#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer gradients, which an index of a small file can ask for, take memory and time only. */
enum { MOST_POINTS = 4, MOST_RUNS = 2, LONGEST = 1 << 20 };

/* As main does. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  gsl_set_error_handler_off();
  sg_blas_single_thread();
  return 0;
}

static void require(bool holds, const char *what) {
  if (holds) return;
  dprintf(STDERR_FILENO, "%s\n", what);
  abort();
}

/* NAN is "not known". */
static bool is_amount(double x) {
  return isnan(x) || x >= 0; /* times of a file may be so long that sums are infinite */
}

/* Of a run so far. */
typedef struct totals {
  double busy, wasted;
} totals;

static bool check_row(void *user, int replication, const sg_iteration_record *r, int n_workers,
                      const sg_worker_record *worker) {
  totals *t = (totals *)user + replication;
  require(r->duration_s >= 0 && r->start_s >= 0, "a duration");
  require(is_amount(r->wait_s) && is_amount(r->decode_s) && is_amount(r->update_s), "a time");
  require(is_amount(r->busy_s) && is_amount(r->queued_s), "busy or queued seconds");
  t->busy += r->busy_s;
  t->wasted += r->wasted_s; /* what was done in earlier rows may turn out to be of no use now */
  require(r->wasted_s >= 0 && t->wasted <= t->busy * (1 + 1e-9) + 1e-9, "wasted seconds");
  require(r->n_used >= 0 && r->n_received >= 0 && is_amount(r->bits), "counts of messages");
  for (int i = 0; i < n_workers; i++)
    require(is_amount(worker[i].compute_s) && is_amount(worker[i].arrival_s), "a worker's row");
  return true;
}

static bool check_end(void *user, int replication, const sg_run_row *run,
                      const sg_summary_record *summary, int n_workers,
                      const sg_worker_summary_record *worker) {
  require(run->status && run->stop_reason && *run->status && *run->stop_reason, "an outcome");
  require(run->iterations >= 0 && is_amount(run->sim_time_s), "a run's length");
  return true;
}

/* A fault of the scenario's, with a message that can be shown. */
static void check_faults(sg_status status, sg_error *e) {
  if (!status) return;
  require(e->count > 0, "a failure without a message");
  for (int i = 0; i < e->count; i++) {
    const char *text = e->fault[i].message;
    if (e->fault[i].status == SG_BUG) require(false, text);
    require(sg_utf8_valid(text, strlen(text)) == strlen(text), "a message that is not UTF-8");
  }
}

static void play_point(const sg_plan *plan, const sg_planned *p) {
  static const sg_calibration calibration = {1, {1e6}, {1e-3}};
  static const int replication[MOST_RUNS] = {0, 1};
  const sg_block_options options = {.worker_rows = true};
  totals total[MOST_RUNS] = {0};
  const sg_sink sink = {.user = total, .row = check_row, .finish = check_end};
  sg_error e = {0};
  sg_world *world = NULL;
  sg_status status = sg_world_new(p->point, plan->cache, &calibration, &world, &e);
  if (!status)
    status = sg_block_run(world, world->width < MOST_RUNS ? 1 : MOST_RUNS, replication, &options,
                          &sink, &e);
  check_faults(status, &e);
  sg_error_clear(&e);
  sg_world_free(world, plan->cache);
}

void fuzz_read(const char *json, size_t length, int n_overrides, const sg_override *override,
               bool expand) {
  enum { MOST_READ = 2000 };
  int count;
  sg_point *points;
  sg_scenario *s = NULL;
  sg_error e = {0};
  sg_buffer report = {0};
  sg_status status = sg_scenario_parse("fuzz.json", json, length, n_overrides, override, &s, &e);
  require((status == SG_OK) == (e.count == 0) && s, "a status without its message");
  if (!status && expand && !(status = sg_scenario_points(s, &count, &points, &e))) {
    for (int i = 0; i < count && i < MOST_READ; i++)
      require(points[i].scheme && points[i].env_json && points[i].scheme_json, "half a point");
    sg_points_free(count, points);
  }
  check_faults(status, &e);
  sg_scenario_report(s, "fuzz.json", &e, true, &report);
  const char *text = report.data ? report.data : "";
  require(!report.failed && sg_utf8_valid(text, report.length) == report.length, "a report");
  sg_buffer_free(&report);
  sg_error_clear(&e);
  sg_scenario_free(s);
}

int fuzz_play(const char *json, size_t length, int n_overrides, const sg_override *override) {
  sg_error e = {0};
  sg_scenario *s = NULL;
  sg_plan *plan = NULL;
  int played = 0;
  sg_status status = sg_scenario_parse("fuzz.json", json, length, n_overrides, override, &s, &e);
  if (!status) status = sg_plan_new(s, &plan, &e);
  for (int i = 0; !status && i < plan->count && played < MOST_POINTS; i++)
    if (plan->point[i].valid && !plan->point[i].duplicate &&
        plan->point[i].facts.length <= LONGEST) {
      play_point(plan, &plan->point[i]);
      played++;
    }
  check_faults(status, &e);
  sg_error_clear(&e);
  sg_plan_free(plan);
  sg_scenario_free(s);
  return played;
}

static char name[64];

static void remove_file(void) {
  unlink(name);
}

const char *fuzz_file(const void *data, size_t size) {
  static int file = -1;
  if (file < 0) {
    snprintf(name, sizeof name, "%s/fuzz.%ld", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
             (long)getpid());
    file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    require(file >= 0 && atexit(remove_file) == 0, "no file can be made");
  }
  require(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t)size, "a short write");
  return name;
}
