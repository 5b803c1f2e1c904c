/* SPDX-License-Identifier: MIT */
/* Runs what is missing of a plan: points into the database, jobs of a few runs each to threads,
 * rows through chunks to the one writer. */
#include "sim/experiment/execute.h"

#include "sim/core/clock.h"
#include "sim/core/linalg.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A point in execution. Its world is made by the first thread that needs it; where replications
 * have worlds of their own, by each job. */
typedef struct active_point {
  const sg_planned *planned;
  int64_t point_id;
  sg_replicate varied;
  int group; /* the first point whose jobs are mixed with its own */
  sg_world *world;
  int first, missing; /* its runs in execution.replication */
  int jobs_left;
} active_point;

typedef struct job { /* runs of one point */
  int point, first, count;
  int group, replication; /* where it stands among the others */
} job;

typedef struct execution {
  const sg_execute_options *options;
  sg_writer *writer;
  sg_problem_cache *cache;
  sg_calibration calibration;
  sg_detail detail;
  int64_t invocation_id;
  active_point *point;
  int *replication; /* of all missing runs, point by point */
  job *job;
  int n_jobs, n_runs;
  atomic_int next_job, runs_done;
  atomic_long rows;
  atomic_bool stop;
  double rows_wanted;
  pthread_mutex_t making; /* worlds, which may take long */
  pthread_mutex_t lock;   /* what follows */
  pthread_cond_t ended;
  int threads_left;
  sg_error *error; /* NULL: nobody waits for faults any more */
  sg_status status;
} execution;

/* --- Rows to the writer ----------------------------------------------------------------------- */

typedef struct job_sink {
  execution *x;
  const active_point *point;
  const job *job;
  sg_chunk **chunk; /* one under way per run */
  double begun_s;
} job_sink;

static int run_index(const job_sink *s, int replication) {
  int i = 0;
  while (s->x->replication[s->job->first + i] != replication) i++;
  return i;
}

/* The chunk that a run's next rows go into; NULL: the writer refuses. */
static sg_chunk *chunk_of(job_sink *s, int replication) {
  sg_chunk **chunk = &s->chunk[run_index(s, replication)];
  if (!*chunk) *chunk = sg_writer_chunk(s->x->writer);
  if (*chunk) (*chunk)->run_id = sg_run_id(s->point->point_id, replication);
  return *chunk;
}

static bool hand_over(job_sink *s, int replication) {
  sg_chunk **chunk = &s->chunk[run_index(s, replication)], *full = *chunk;
  *chunk = NULL;
  return !full || sg_writer_rows(s->x->writer, full);
}

static bool sink_row(void *user, int replication, const sg_iteration_record *row, int n_workers,
                     const sg_worker_record *worker) {
  job_sink *s = user;
  if (s->x->detail == SG_DETAIL_SUMMARY) return true;
  sg_chunk *c = chunk_of(s, replication);
  if (!c) return false;
  c->iteration[c->n_iterations++] = *row;
  if (s->x->detail != SG_DETAIL_WORKER) n_workers = 0;
  /* What is queued has a bounded size, whatever the number of workers. */
  for (int done = 0; done < n_workers;) {
    c = chunk_of(s, replication);
    if (!c) return false;
    int room = SG_CHUNK_WORKERS - c->n_workers;
    int n = n_workers - done < room ? n_workers - done : room;
    if (!sg_chunk_add_workers(c, worker + done, n)) return false;
    done += n;
    if (c->n_workers == SG_CHUNK_WORKERS && !hand_over(s, replication)) return false;
  }
  c = s->chunk[run_index(s, replication)];
  return !c || c->n_iterations < SG_CHUNK_ROWS || hand_over(s, replication);
}

/* As many as there are workers, about, whose rows see to it that chunks do not grow. */
static bool sink_used(void *user, int replication, int n, const sg_used_record *used) {
  job_sink *s = user;
  sg_chunk *c = s->x->detail == SG_DETAIL_WORKER ? chunk_of(s, replication) : NULL;
  return s->x->detail != SG_DETAIL_WORKER || (c && sg_chunk_add_used(c, used, n));
}

static bool sink_times(void *user, int replication, int n, sg_time_group_record *time) {
  job_sink *s = user;
  return sg_writer_times(s->x->writer, sg_run_id(s->point->point_id, replication), n, time);
}

static bool sink_finish(void *user, int replication, const sg_run_row *run,
                        const sg_summary_record *summary, int n_workers,
                        const sg_worker_summary_record *worker) {
  job_sink *s = user;
  if (!hand_over(s, replication)) return false;
  sg_run_row row = *run;
  row.run_id = sg_run_id(s->point->point_id, replication);
  row.point_id = s->point->point_id;
  row.invocation_id = s->x->invocation_id;
  row.detail = s->x->detail;
  row.wall_s = sg_seconds_now() - s->begun_s;
  if (!sg_writer_finish(s->x->writer, &row, summary, n_workers, worker)) return false;
  /* A run that ended early has no more rows to come: progress counts it as whole. */
  long missing = (long)(s->point->planned->facts.max_iterations - run->iterations);
  atomic_fetch_add(&s->x->rows, missing > 0 ? missing : 0);
  atomic_fetch_add(&s->x->runs_done, 1);
  return true;
}

/* --- Threads ---------------------------------------------------------------------------------- */

static sg_status get_world(execution *x, active_point *p, int replication, sg_world **world,
                           sg_error *e) {
  const sg_point *point = p->planned->point;
  if (p->varied != SG_REPLICATE_DELAYS) {
    sg_status status = sg_world_of(point, replication, x->cache, &x->calibration, world, e);
    if (!status) status = sg_world_measure(*world, x->cache, e);
    if (status && *world) sg_world_free(*world, x->cache);
    if (status == SG_INVALID)
      sg_fail(e, status, "/replicate", "the code or data drawn for replication %d of %s is refused",
              replication, p->planned->label);
    return status;
  }
  pthread_mutex_lock(&x->making);
  sg_status status = SG_OK;
  if (!p->world) {
    status = sg_world_new(point, x->cache, &x->calibration, &p->world, e);
    if (!status) status = sg_world_measure(p->world, x->cache, e);
    if (status) { /* nobody else is to take it for whole */
      sg_world_free(p->world, x->cache);
      p->world = NULL;
    }
  }
  *world = p->world;
  pthread_mutex_unlock(&x->making);
  return status;
}

static void put_world(execution *x, active_point *p, sg_world *world) {
  if (p->varied != SG_REPLICATE_DELAYS) {
    sg_world_free(world, x->cache);
    return;
  }
  pthread_mutex_lock(&x->making);
  if (--p->jobs_left == 0) {
    sg_world_free(p->world, x->cache);
    p->world = NULL;
  }
  pthread_mutex_unlock(&x->making);
}

static sg_status run_job(execution *x, const job *j, sg_error *e) {
  active_point *p = &x->point[j->point];
  sg_world *world = NULL;
  const int *replication = x->replication + j->first;
  sg_status status = get_world(x, p, *replication, &world, e);
  if (status) return status;
  job_sink s = {.x = x, .point = p, .job = j, .begun_s = sg_seconds_now()};
  s.chunk = calloc((size_t)j->count, sizeof(sg_chunk *));
  if (!s.chunk) {
    put_world(x, p, world);
    return sg_fail_memory(e);
  }
  bool writing = true;
  for (int i = 0; writing && i < j->count; i++) {
    sg_run_row row = {.run_id = sg_run_id(p->point_id, replication[i]),
                      .point_id = p->point_id,
                      .invocation_id = x->invocation_id,
                      .replication = replication[i],
                      .detail = x->detail};
    writing = sg_writer_begin(x->writer, &row);
  }
  sg_block_options options = {
      .worker_rows = x->detail == SG_DETAIL_WORKER, .stop = &x->stop, .iterations = &x->rows};
  sg_sink sink = {
      .user = &s, .row = sink_row, .used = sink_used, .times = sink_times, .finish = sink_finish};
  status = writing ? sg_block_run(world, j->count, replication, &options, &sink, e) : SG_IO;
  for (int i = 0; i < j->count; i++)
    if (s.chunk[i]) sg_writer_rows(x->writer, s.chunk[i]); /* hands the chunk back */
  free(s.chunk);
  put_world(x, p, world);
  return status;
}

static void *work(void *user) {
  execution *x = user;
  sg_error faults = {0};
  for (;;) {
    int number = atomic_fetch_add(&x->next_job, 1);
    if (number >= x->n_jobs || atomic_load(&x->stop)) break;
    sg_status status = run_job(x, &x->job[number], &faults);
    if (!status) continue;
    /* After a stop the writer refuses rows, which is no fault. */
    bool stopped = status == SG_INTERRUPTED || (status == SG_IO && atomic_load(&x->stop));
    pthread_mutex_lock(&x->lock);
    if (!x->status && !stopped) x->status = status;
    if (x->error) sg_error_move(x->error, &faults);
    pthread_mutex_unlock(&x->lock);
    atomic_store(&x->stop, true);
    break;
  }
  sg_error_clear(&faults);
  pthread_mutex_lock(&x->lock);
  x->threads_left--;
  pthread_cond_signal(&x->ended);
  pthread_mutex_unlock(&x->lock);
  return NULL;
}

static void show_progress(execution *x, double begun_s) {
  if (!x->options->progress) return;
  double elapsed = sg_seconds_now() - begun_s;
  double share = x->rows_wanted > 0 ? (double)atomic_load(&x->rows) / x->rows_wanted : 1;
  sg_progress p = {.runs_done = atomic_load(&x->runs_done),
                   .runs_total = x->n_runs,
                   .share = fmin(share, 1),
                   .elapsed_s = elapsed,
                   .left_s = share > 0.001 ? elapsed * (1 - share) / share : NAN};
  x->options->progress(x->options->user, &p);
}

static bool is_stopped(const execution *x) {
  return x->options->stop && atomic_load(x->options->stop);
}

/* Waits until a thread ends, for a fifth of a second at most; x->lock is held. */
static void wait_a_while(execution *x) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += 200000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_nsec -= 1000000000;
    until.tv_sec++;
  }
  pthread_cond_timedwait(&x->ended, &x->lock, &until);
}

/* Starts the threads and watches them: progress for the user, and the user's wish to stop. A thread
 * may then be in the middle of something long (a code of thousands of workers, a pass over
 * gigabytes): after some patience it is left behind, *left. It can do no more than compute. */
static sg_status run_threads(execution *x, bool *left) {
  static const double patience_s = 0.4;
  int n = x->options->threads < x->n_jobs ? x->options->threads : x->n_jobs, started = 0;
  pthread_t *thread = calloc((size_t)(n ? n : 1), sizeof *thread);
  if (!thread) return sg_fail_memory(x->error);
  double begun_s = sg_seconds_now(), stopped_s = INFINITY;
  x->threads_left = n;
  while (started < n && pthread_create(&thread[started], NULL, work, x) == 0) started++;
  pthread_mutex_lock(&x->lock);
  x->threads_left -= n - started;
  if (started == 0 && n > 0)
    x->status = sg_fail(x->error, SG_NO_MEMORY, NULL, "no thread can be started");
  while (x->threads_left > 0 && sg_seconds_now() < stopped_s + patience_s) {
    wait_a_while(x);
    pthread_mutex_unlock(&x->lock);
    if (is_stopped(x) && isinf(stopped_s)) {
      stopped_s = sg_seconds_now();
      atomic_store(&x->stop, true);
      sg_writer_stop(x->writer);
    }
    show_progress(x, begun_s);
    pthread_mutex_lock(&x->lock);
  }
  *left = x->threads_left > 0;
  if (*left) x->error = NULL;
  sg_status status = x->status;
  pthread_mutex_unlock(&x->lock);
  for (int i = 0; i < started; i++)
    *left ? pthread_detach(thread[i]) : pthread_join(thread[i], NULL);
  free(thread);
  return status;
}

/* --- Preparation ------------------------------------------------------------------------------ */

/* The causes that a point is without, "stalls, speeds", as a text of JSON; false: none. They tell
 * it apart as an axis does. */
static bool put_without(const sg_values *root, sg_buffer *out) {
  int count = sg_count(root, "without");
  sg_buffer causes = {0};
  for (int i = 0; i < count; i++)
    sg_putf(&causes, "%s%s", i ? ", " : "", sg_item(root, "without", i)->text);
  if (causes.data) sg_put_json_string(out, causes.data);
  out->failed |= causes.failed;
  sg_buffer_free(&causes);
  return count > 0;
}

static sg_status add_point(const sg_planned *p, sg_db *db, int64_t scenario_id, int64_t *id,
                           sg_error *e) {
  int n_axes = p->point->n_axes;
  sg_axis *axis = calloc((size_t)n_axes + 1, sizeof *axis);
  sg_buffer config = {0}, without = {0};
  sg_status status = SG_OK;
  if (!axis) status = sg_fail_memory(e);
  for (int i = 0; axis && i < n_axes; i++)
    axis[i] = (sg_axis){.name = p->point->axis_name[i], .value = p->point->axis_value[i]};
  if (axis && put_without(p->point->values, &without))
    axis[n_axes++] = (sg_axis){.name = "without", .value = without.data};
  sg_putf(&config, "{\"environment\":%s,\"scheme\":%s", p->point->env_json, p->point->scheme_json);
  if (p->note && *p->note) { /* what was found from data, such as a block length */
    sg_put(&config, ",\"note\":");
    sg_put_json_string(&config, p->note);
  }
  sg_put(&config, "}");
  if (config.failed || without.failed) status = sg_fail_memory(e);
  if (!status) {
    sg_point_record record = p->facts;
    record.config_json = config.data;
    record.n_axes = n_axes;
    record.axis = axis;
    status = sg_db_add_point(db, scenario_id, &record, id, e);
  }
  free(axis);
  sg_buffer_free(&config);
  sg_buffer_free(&without);
  return status;
}

static int by_order(const void *a, const void *b) {
  const job *p = a, *q = b;
  if (p->group != q->group) return p->group < q->group ? -1 : 1;
  if (p->replication != q->replication) return p->replication < q->replication ? -1 : 1;
  return (p->point > q->point) - (p->point < q->point);
}

/* Jobs go point by point; where a replication has data of its own, replication by replication in
 * all schemes of an environment, so that the data are made once and forgotten. */
static int group_of(const execution *x, int number) {
  const active_point *a = &x->point[number];
  if (number == 0 || a->varied != SG_REPLICATE_DATA) return number;
  return strcmp(a->planned->env_key, a[-1].planned->env_key) == 0 ? a[-1].group : number;
}

/* Which runs of a point need not be computed. */
static sg_status find_runs(const execution *x, sg_db *db, int64_t point_id, const sg_planned *p,
                           bool *has, sg_error *e) {
  sg_db *known = x->options->known;
  int64_t id = 0;
  sg_status status = sg_db_has_runs(db, point_id, p->replications, x->detail, has, e);
  if (!status && known) status = sg_db_find_point(known, p->key, &id, e);
  bool *there = id ? malloc((size_t)p->replications * sizeof *there) : NULL;
  if (id && !there) return sg_fail_memory(e);
  if (id) status = sg_db_has_runs(known, id, p->replications, x->detail, there, e);
  for (int r = 0; id && !status && r < p->replications; r++) has[r] |= there[r];
  free(there);
  return status;
}

/* Runs of a point that one thread takes on together. Those of width 1 are cut so that every thread
 * has some. */
static int job_size(const execution *x, const sg_planned *p) {
  int each = x->n_runs / (2 * x->options->threads);
  if (p->width > 1 || x->options->threads == 1 || each >= p->abreast) return p->abreast;
  return each > 1 ? each : 1;
}

static void cut_jobs(execution *x, int n_points) {
  for (int i = 0; i < n_points; i++) {
    active_point *a = &x->point[i];
    int size = job_size(x, a->planned);
    for (int at = 0; at < a->missing; at += size, a->jobs_left++)
      x->job[x->n_jobs++] = (job){.point = i,
                                  .first = a->first + at,
                                  .count = a->missing - at < size ? a->missing - at : size,
                                  .group = a->group,
                                  .replication = x->replication[a->first + at]};
  }
  if (x->n_jobs) qsort(x->job, (size_t)x->n_jobs, sizeof *x->job, by_order);
}

/* Which runs are missing, cut into jobs. */
static sg_status find_missing(execution *x, const sg_plan *plan, sg_db *db, int64_t scenario_id,
                              sg_execute_report *report, sg_error *e) {
  int n_points = 0, longest = 1;
  size_t most = 1;
  for (int i = 0; i < plan->count; i++) {
    most += (size_t)plan->point[i].replications;
    if (plan->point[i].replications > longest) longest = plan->point[i].replications;
  }
  if (most > INT_MAX)
    return sg_fail(e, SG_NO_MEMORY, NULL, "these are %zu runs; at most %d can be missing at a time",
                   most, INT_MAX);
  bool *has = malloc((size_t)longest * sizeof *has);
  x->point = calloc((size_t)plan->n_valid, sizeof *x->point);
  x->replication = calloc(most, sizeof *x->replication);
  x->job = calloc(most, sizeof *x->job);
  sg_status status = has && x->point && x->replication && x->job ? SG_OK : sg_fail_memory(e);
  for (int i = 0; i < plan->count && !status; i++) {
    const sg_planned *p = &plan->point[i];
    if (!p->valid || p->duplicate) continue;
    active_point *a = &x->point[n_points];
    a->planned = p;
    a->varied = sg_point_replicates(p->point);
    a->group = group_of(x, n_points);
    status = is_stopped(x) ? SG_INTERRUPTED : add_point(p, db, scenario_id, &a->point_id, e);
    if (!status) status = find_runs(x, db, a->point_id, p, has, e);
    a->first = x->n_runs;
    for (int r = 0; !status && r < p->replications; r++) {
      if (r % 65536 == 65535 && is_stopped(x)) status = SG_INTERRUPTED;
      if (!sg_deal_has(x->options->deal, i, r)) continue;
      if (has[r]) {
        report->found++;
        continue;
      }
      x->replication[x->n_runs++] = r;
      a->missing++;
      x->rows_wanted += (double)p->facts.max_iterations;
    }
    n_points++;
  }
  if (!status) cut_jobs(x, n_points);
  free(has);
  return status;
}

static bool measures_decode(const sg_plan *plan) {
  for (int i = 0; i < plan->count; i++)
    if (plan->point[i].valid) {
      const sg_values *decode = sg_object(sg_section(plan->point[i].point, "master"), "decode");
      if (strcmp(decode->variant->name, "measured") == 0) return true;
    }
  return false;
}

enum { MESSAGES = 16, REPEATS = 5 };

/* A master's weighted sum of messages of length l: the best of tries long enough for the clock. */
static double time_decode(long l, const double *messages, const double *weights, double *out) {
  double best = 1e300;
  for (int r = 0; r < REPEATS; r++) {
    long times = 0;
    double begin = sg_seconds_now(), now;
    do {
      cblas_dgemv(CblasColMajor, CblasNoTrans, (int)l, MESSAGES, 1, messages, (int)l, weights, 1, 0,
                  out, 1);
      times++;
      now = sg_seconds_now();
    } while (now - begin < 2e-3);
    best = fmin(best, (now - begin) / (double)times);
  }
  return best;
}

/* Decode times of this machine, for master.decode.model = measured: those that the database has, or
 * of made-up messages of growing size, which takes about a second. */
static sg_status calibrate(const sg_execute_options *options, sg_calibration *c, sg_db *db,
                           sg_error *e) {
  static const long length[] = {1, 16, 256, 4096, 32768, 262144};
  const long most = length[sizeof length / sizeof *length - 1];
  sg_status status = sg_db_load_calibration(db, c, e);
  bool own = c->n > 0;
  if (!status && !own && options->known) status = sg_db_load_calibration(options->known, c, e);
  if (status || own) return status;
  if (c->n > 0) return sg_db_save_calibration(db, c, e);
  if (options->deal)
    return sg_fail(e, SG_INVALID, "/master/decode/model",
                   "shards need one measurement of decode times; make it in the scenario's own "
                   "database, with: straggle run … --set /replications=1");
  double *messages = malloc((size_t)most * (MESSAGES + 1) * sizeof *messages), weights[MESSAGES];
  if (!messages) return sg_fail_memory(e);
  double *out = messages + most * MESSAGES;
  for (long i = 0; i < most * MESSAGES; i++) messages[i] = 1.0 / (double)(i + 1);
  for (int i = 0; i < MESSAGES; i++) weights[i] = 1.0 / (i + 1);
  for (size_t i = 0; i < sizeof length / sizeof *length; i++) {
    c->flops[c->n] = 2.0 * MESSAGES * (double)length[i];
    c->seconds[c->n++] = time_decode(length[i], messages, weights, out);
  }
  free(messages);
  return sg_db_save_calibration(db, c, e);
}

static void execution_free(execution *x, const sg_plan *plan) {
  for (int i = 0; x->point && i < plan->n_valid; i++) sg_world_free(x->point[i].world, plan->cache);
  sg_writer_free(x->writer, NULL);
  free(x->point);
  free(x->replication);
  free(x->job);
  pthread_cond_destroy(&x->ended);
  pthread_mutex_destroy(&x->lock);
  pthread_mutex_destroy(&x->making);
  free(x);
}

static sg_status run_missing(execution *x, sg_db *db, sg_execute_report *report, bool *left,
                             sg_error *e) {
  sg_status status = sg_writer_new(db, &x->writer, e);
  if (status) return status;
  status = run_threads(x, left);
  sg_written written;
  sg_status writing = sg_writer_end(x->writer, &written, e);
  report->computed = written.runs;
  report->diverged = written.diverged;
  report->stalled = written.stalled;
  report->undecodable = written.undecodable;
  if (writing) status = writing;
  /* What the writer refuses without a fault of its own, it had no memory for. */
  return status == SG_IO && !sg_failed(e) ? sg_fail_memory(e) : status;
}

sg_status sg_execute(const sg_plan *plan, sg_db *db, const sg_invocation *invocation,
                     const sg_execute_options *options, sg_execute_report *report, sg_error *e) {
  *report = (sg_execute_report){0};
  execution *x = calloc(1, sizeof *x);
  if (!x) return sg_fail_memory(e);
  x->options = options;
  x->cache = plan->cache;
  x->detail = (sg_detail)sg_scenario_detail(plan->scenario);
  x->error = e;
  pthread_mutex_init(&x->making, NULL);
  pthread_mutex_init(&x->lock, NULL);
  pthread_cond_init(&x->ended, NULL);
  double begun_s = sg_seconds_now();
  int64_t scenario_id = 0;
  const char *text = sg_scenario_text(plan->scenario);
  char sha256[65];
  bool left = false;
  sg_sha256(text, strlen(text), sha256);
  sg_status status = sg_db_add_invocation(db, invocation, &x->invocation_id, e);
  if (!status)
    status = sg_db_add_scenario(db, sg_scenario_name(plan->scenario),
                                sg_scenario_path(plan->scenario), text, sha256, &scenario_id, e);
  if (!status && measures_decode(plan)) status = calibrate(options, &x->calibration, db, e);
  if (!status) status = sg_db_begin(db, e); /* one transaction for all points: they may be many */
  if (!status) status = sg_db_end(db, find_missing(x, plan, db, scenario_id, report, e), e);
  report->missing = x->n_runs;
  if (!status && x->n_runs > 0) {
    status = run_missing(x, db, report, &left, e);
    report->missing -= report->computed;
    if (!status && report->missing > 0) status = SG_INTERRUPTED;
  }
  /* Whoever sees this frees nothing that a thread may still read, whatever else went wrong. */
  if (left)
    status = SG_INTERRUPTED;
  else
    execution_free(x, plan);
  report->elapsed_s = sg_seconds_now() - begun_s;
  return status;
}
