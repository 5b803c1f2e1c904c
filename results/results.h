/* SPDX-License-Identifier: MIT */
/* The result database: opening, what is in it, the one writer.
 *
 * One SQLite file, STRICT tables (made from columns.def, columns.c and schema.sql), WAL while
 * running and a single plain file at the end. Every function fails with a message that names the
 * file: SG_BUSY when it is locked, SG_INVALID for a file that is no database of ours or of another
 * schema version, SG_IO for a full disk, SG_CANNOT_CREATE, SG_NO_INPUT. */
#ifndef SG_RESULTS_RESULTS_H
#define SG_RESULTS_RESULTS_H

#include "results/record.h"
#include "sim/core/error.h"
#include "sim/core/random.h"
#include "sim/core/text.h"

#include <math.h>
#include <sqlite3.h>
#include <stdatomic.h>

#define SG_SCHEMA_VERSION  10
#define SG_RESULTS_VERSION 10 /* raised whenever numbers change: makes all runs new */

typedef enum sg_detail { SG_DETAIL_SUMMARY, SG_DETAIL_ITERATION, SG_DETAIL_WORKER } sg_detail;

typedef enum sg_open_mode {
  SG_OPEN_READ, /* must exist and be ours */
  SG_OPEN_WRITE /* created if missing; runs left `running` by a killed process are deleted */
} sg_open_mode;

typedef struct sg_db sg_db;
sg_status sg_db_open(const char *path, sg_open_mode mode, sg_db **out, sg_error *e);
/* A large database takes long to be looked through before anything is written: until *stop. */
sg_status sg_db_open_until(const char *path, sg_open_mode mode, const atomic_bool *stop,
                           sg_db **out, sg_error *e);
/* After writing: checkpoint, back to a rollback journal, so that one plain file is left. *plain:
 * it is; false: somebody reads, and some results are in companions of the file until the next
 * writer or reader has closed it. */
sg_status sg_db_settle(sg_db *db, bool *plain, sg_error *e);
sg_status sg_db_close(sg_db *db, sg_error *e); /* settles, too */
sqlite3 *sg_db_handle(sg_db *db);              /* for queries */

/* What is written between them is there as a whole or not at all; they nest. sg_db_end keeps it
 * where `status` is SG_OK and forgets it otherwise; it returns `status`, or why it could not be
 * kept. */
sg_status sg_db_begin(sg_db *db, sg_error *e);
sg_status sg_db_end(sg_db *db, sg_status status, sg_error *e);

/* Provenance of one command that writes. NULL texts become NULL. */
typedef struct sg_invocation {
  const char *argv, *version, *git_revision, *compiler, *blas, *blas_core, *cpu, *host, *libc,
      *shard; /* "3/8" */
  int threads;
} sg_invocation;
sg_status sg_db_add_invocation(sg_db *db, const sg_invocation *i, int64_t *id, sg_error *e);
sg_status sg_db_add_scenario(sg_db *db, const char *name, const char *path, const char *text,
                             const char *sha256, int64_t *id, sg_error *e);

/* One parameter combination × one scheme. */
typedef struct sg_axis {    /* a sweep axis, an `each` member, or what it is without */
  const char *name, *value; /* value as JSON text */
} sg_axis;
typedef struct sg_point_record {
  const char *point_sha256, *env_sha256; /* key; the same without the scheme: equal = comparable */
  const char *config_json;               /* the resolved configuration */
  const char *scheme_label, *code, *stop_rule;   /* "group d=4 m=2 …", "group", "decodable" */
  bool exact, barrier, timing_only, is_baseline; /* barrier: no gradients of older models */
  int models;                                    /* trained side by side */
  int n_workers, n_subsets;
  int64_t length; /* l */
  double load_d;  /* subsets per worker */
  int stragglers_s, comm_m;
  double stored_data_factor;
  const char *scaling, *late_work, *late_messages, *problem, *replicate;
  const char *compression; /* "qsgd levels=7" */
  bool compressed;         /* beyond a number format of at least 32 bits that is the network's */
  double target_loss, target_grad_norm2; /* NAN: none; both: when both are met */
  int64_t max_iterations;
  uint64_t seed;
  int n_axes;
  const sg_axis *axis;
} sg_point_record;
/* Whether runs of the point end at a target, and so are judged by the time to it. */
static inline bool sg_has_target(const sg_point_record *p) {
  return !p->timing_only && (!isnan(p->target_loss) || !isnan(p->target_grad_norm2));
}
/* What it is: "loss 0.08", "‖∇f‖² 1e-06", or both; nothing where there is none. */
void sg_put_target(double loss, double grad_norm2, sg_buffer *out);
/* The same in SQL, of a row of `point` or `v_point`. */
#define SG_SQL_HAS_TARGET                                                                          \
  "(coalesce(target_loss, target_grad_norm2) IS NOT NULL AND NOT timing_only)"
/* Finds a point by its key or adds it; the name, baseline flag and axes of an old one are brought
 * up to date. */
sg_status sg_db_add_point(sg_db *db, int64_t scenario_id, const sg_point_record *p, int64_t *id,
                          sg_error *e);
/* Points whose losses and errors come from several BLAS kernels, and so may differ in their last
 * bits: how many, and the kernels' names in `out` (nothing: none). */
sg_status sg_db_mixed_kernels(sg_db *db, int64_t *points, sg_buffer *out, sg_error *e);
/* *id = 0 when there is no point with this key. */
sg_status sg_db_find_point(sg_db *db, const char *point_sha256, int64_t *id, sg_error *e);
/* Simulated seconds per decoded iteration of a finished run; NAN if there is none, it ended early
 * (stalled, undecodable, diverged) or never decoded. */
sg_status sg_db_update_seconds(sg_db *db, const char *point_sha256, int replication,
                               double *seconds, sg_error *e);
/* What replications 0 … n − 1 of a point are compared by: the time to target where there is one,
 * otherwise the mean iteration time. NAN: there is no such run; INFINITY: it has no such time. */
sg_status sg_db_times(sg_db *db, const char *point_sha256, int n, double *time, sg_error *e);
/* Whether finished runs of at least this detail are there, of the replications of a point:
 * has[0 … replications). */
sg_status sg_db_has_runs(sg_db *db, int64_t point_id, int replications, sg_detail detail, bool *has,
                         sg_error *e);

/* run_id = point_id · 2^24 + replication: the same whatever the order of execution. */
static inline int64_t sg_run_id(int64_t point_id, int replication) {
  return point_id * SG_MAX_REPLICATIONS + replication;
}

typedef struct sg_run_row {
  int64_t run_id, point_id, invocation_id;
  int replication;
  sg_detail detail;
  const char *status;      /* finished | diverged | stalled | undecodable */
  const char *stop_reason; /* iterations | target-loss | target-gradient | targets | sim-time, or as
                              status */
  int64_t iterations, rounds, events;
  double sim_time_s, wall_s;
} sg_run_row;

/* --- The writer: one thread that owns the connection until it is closed ----------------------- */

typedef struct sg_writer sg_writer;
sg_status sg_writer_new(sg_db *db, sg_writer **out, sg_error *e);

/* A chunk of rows of one run, filled by a simulating thread and handed over. */
#define SG_CHUNK_ROWS    1000
#define SG_CHUNK_WORKERS 8192 /* rows of workers, about 1 MB: more go into a chunk of their own */
typedef struct sg_chunk {
  int64_t run_id;
  int n_iterations, n_workers, workers_capacity, n_used, used_capacity;
  sg_iteration_record iteration[SG_CHUNK_ROWS];
  sg_worker_record *worker; /* rows of the same iterations at detail `worker` */
  sg_used_record *used;     /* likewise, where there are any */
} sg_chunk;

/* An empty chunk, recycled where possible. NULL: no memory, or the writer has failed. */
sg_chunk *sg_writer_chunk(sg_writer *w);
bool sg_chunk_add_workers(sg_chunk *c, const sg_worker_record *row, int count);
bool sg_chunk_add_used(sg_chunk *c, const sg_used_record *row, int count);

/* The run begins: its rows may follow. Any older run with this id is replaced. These four block
 * while the queue is full; false: the writer has failed, stop. */
bool sg_writer_begin(sg_writer *w, const sg_run_row *run);
bool sg_writer_rows(sg_writer *w, sg_chunk *chunk); /* takes the chunk, empty or full */
/* All its iteration times in groups; takes `time`, which was allocated. */
bool sg_writer_times(sg_writer *w, int64_t run_id, int n, sg_time_group_record *time);
/* The run is complete: its status becomes that of `run`, and views show it. */
bool sg_writer_finish(sg_writer *w, const sg_run_row *run, const sg_summary_record *summary,
                      int n_workers, const sg_worker_summary_record *worker);
/* What is queued and not yet committed is dropped, and what comes is refused. */
void sg_writer_stop(sg_writer *w);
typedef struct sg_written { /* committed; the last three are among the runs */
  int runs, diverged, stalled, undecodable;
} sg_written;
/* Writes what is queued, commits, ends the thread. Faults of the thread are in `e`. The writer then
 * refuses everything, so that threads which still know it come to no harm. */
sg_status sg_writer_end(sg_writer *w, sg_written *written, sg_error *e);
sg_status sg_writer_free(sg_writer *w, sg_error *e); /* ends it, if it has not ended */

/* --- Checks of codes -------------------------------------------------------------------------- */

/* Over patterns of missing workers; `missing`: JSON of those of the worst; NULL: there is none. */
typedef struct sg_spread_record {
  double median, p90, p99, worst;
  const char *missing;
} sg_spread_record;

typedef struct sg_sets_record {
  int responders;
  double sets;
  int64_t tried, decodable;
  double mean_err, worst_err, greedy_err, mean_err_bound, worst_err_bound;
} sg_sets_record;

typedef struct sg_code_check_record {
  const char *scheme_label, *code, *config_json;
  const char *speeds; /* of the workers, "4,1,1", repeated */
  int n_workers, n_subsets;
  int64_t length, max_patterns;
  uint64_t seed;
  bool exact, exhaustive;
  double patterns;
  int64_t patterns_tried, patterns_searched;
  double load_d;
  int stragglers_s, comm_m;
  double load_found, stored_data_factor, comm_found, slack;
  int stragglers_found;
  bool stragglers_proved;
  int64_t broken_promises, patterns_inaccurate;
  const char *broken_missing;
  sg_spread_record cond2, amp, residual, err_float64, err_float32, err_bfloat16;
  double norms_ratio, encode_flops, find_flops, apply_flops, least_messages, received_gradients,
      received_bytes, messages_least, messages_most, gradients_least, gradients_most, up_least,
      up_most, down_least, down_most;
  const char *straggling; /* as typed; NULL: not asked for */
  int64_t straggling_tried;
  bool straggling_enumerated;
  double bernoulli_err, bernoulli_err_se, bernoulli_kappa, bernoulli_debiased, bernoulli_recovered,
      bernoulli_refused, bernoulli_bound, bernoulli_unbiased_bound;
  int n_sets;
  const sg_sets_record *sets;
} sg_code_check_record;

/* Adds the checks of one command with their sets, all or none; each takes the place of an older one
 * of the same code, size and seed. */
sg_status sg_db_add_code_checks(sg_db *db, const sg_invocation *invocation, int count,
                                const sg_code_check_record *record, sg_error *e);

/* Measured decode times: a table of (flops → seconds) of one machine, kept in the database so that
 * the same seed gives the same results later. n = 0: none stored. */
typedef struct sg_calibration {
  int n;
  double flops[16], seconds[16];
} sg_calibration;
sg_status sg_db_load_calibration(sg_db *db, sg_calibration *c, sg_error *e);
sg_status sg_db_save_calibration(sg_db *db, const sg_calibration *c, sg_error *e);

#endif
