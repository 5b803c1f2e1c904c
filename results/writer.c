/* SPDX-License-Identifier: MIT */
/* The writer: one thread that owns the connection, fed through a bounded queue.
 *
 * Rows of a run are committed in pieces while its status is `running`, which no view shows; the
 * transaction that has its last rows changes the status. A run that replaces an older one is
 * written under its negated number and takes the place of the old in that same transaction, so
 * that a fault midway costs nothing that was there before.
 *
 * A writer that has failed rolls back, empties its queue and refuses everything from then on. */
#include "results/database.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 16, ROWS_PER_TRANSACTION = 1000 };

typedef enum action { BEGIN, ROWS, FINISH, ABANDON } action;

typedef struct command {
  action action;
  sg_run_row run;
  char status[16], stop_reason[16]; /* of run: the caller's strings may be gone */
  sg_chunk *chunk;
  sg_summary_record summary;
  int n_workers;
  sg_worker_summary_record *worker; /* owned */
} command;

typedef enum query {
  FIND_RUN,
  INSERT_RUN,
  INSERT_ITERATION,
  INSERT_WORKER,
  INSERT_SUMMARY,
  INSERT_WORKER_SUMMARY,
  FINISH_RUN,
  DELETE_RUN,
  RENUMBER_RUN,
  QUERIES
} query;

static const char *const sql[QUERIES] = {
    [FIND_RUN] = "SELECT 1 FROM run WHERE run_id = ? AND status <> 'running'",
    [INSERT_RUN] = "INSERT INTO run (run_id, point_id, invocation_id, replication, detail, status)"
                   " VALUES (?, ?, ?, ?, ?, 'running')",
    [INSERT_ITERATION] =
        "INSERT INTO iteration (run_id, iteration, round, decoded, n_used, n_received, last_worker,"
        " ingress_messages, start_s, duration_s, wait_s, decode_s, update_s, bytes_received,"
        " bytes_sent, bytes_broadcast, busy_s, wasted_s, ingress_busy_s, queued_s, loss, test_loss,"
        " test_accuracy, test_auc, grad_norm, grad_rel_err, grad_scaled_err, decoding_err,"
        " cond1_est, decode_amp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [INSERT_WORKER] = "INSERT INTO worker_iteration (run_id, iteration, worker, tasks, messages,"
                      " used, cancelled, compute_s, arrival_s) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [INSERT_SUMMARY] =
        "INSERT INTO run_summary (run_id, undecodable_iters, iterations_to_target, iter_mean_s,"
        " iter_sd_s, iter_min_s, iter_p50_s, iter_p90_s, iter_p99_s, iter_max_s, wait_mean_s,"
        " decode_mean_s, time_to_target_s, final_loss, final_test_loss, final_accuracy, final_auc,"
        " grad_rel_err_max, grad_scaled_err_max, decoding_err_mean, cond1_max, decode_amp_max,"
        " n_used_mean, bytes_received_mean, bytes_sent_mean, worker_busy_share, wasted_work_share,"
        " worker_seconds_per_iter, decode_cache_hit_rate, ingress_busy_share, queued_mean_s,"
        " queued_per_message_s)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?)",
    [INSERT_WORKER_SUMMARY] =
        "INSERT INTO worker_summary (run_id, worker, speed, compute_mean_s, arrival_mean_s,"
        " used_share, cancelled_share) VALUES (?, ?, ?, ?, ?, ?, ?)",
    [FINISH_RUN] = "UPDATE run SET status = ?, stop_reason = ?, iterations = ?, rounds = ?,"
                   " events = ?, sim_time_s = ?, wall_s = ? WHERE run_id = ?",
    [DELETE_RUN] = "DELETE FROM run WHERE run_id = ?",
    [RENUMBER_RUN] = "UPDATE run SET run_id = -run_id WHERE run_id = ?",
};

struct sg_writer {
  sg_db *db;
  pthread_t thread;
  pthread_mutex_t mutex; /* guards what follows, up to the blank line */
  pthread_cond_t filled, emptied;
  command queue[QUEUE];
  int head, count;
  bool closing, failed;
  long finished;
  sg_chunk **spare; /* chunks to use again */
  int n_spare, spare_capacity;

  /* The thread's own. */
  sqlite3_stmt *statement[QUERIES];
  bool in_transaction;
  long rows;          /* in the open transaction */
  int64_t *replacing; /* numbers of runs that are under way and replace an older one */
  int n_replacing, replacing_capacity;
  sg_error error;
};

/* --- Chunks ----------------------------------------------------------------------------------- */

static void chunk_free(sg_chunk *c) {
  if (!c) return;
  free(c->worker);
  free(c);
}

sg_chunk *sg_writer_chunk(sg_writer *w) {
  pthread_mutex_lock(&w->mutex);
  bool failed = w->failed;
  sg_chunk *c = !failed && w->n_spare > 0 ? w->spare[--w->n_spare] : NULL;
  pthread_mutex_unlock(&w->mutex);
  if (failed) return NULL;
  if (!c) return calloc(1, sizeof *c);
  c->run_id = 0;
  c->n_iterations = c->n_workers = 0;
  return c;
}

bool sg_chunk_add_workers(sg_chunk *c, const sg_worker_record *row, int count) {
  if (c->n_workers + count > c->workers_capacity) {
    int capacity = c->workers_capacity ? 2 * c->workers_capacity : 256;
    while (capacity < c->n_workers + count) capacity *= 2;
    sg_worker_record *grown = realloc(c->worker, (size_t)capacity * sizeof *grown);
    if (!grown) return false;
    c->worker = grown;
    c->workers_capacity = capacity;
  }
  if (count > 0) memcpy(c->worker + c->n_workers, row, (size_t)count * sizeof *row);
  c->n_workers += count;
  return true;
}

static void recycle(sg_writer *w, sg_chunk *c) {
  pthread_mutex_lock(&w->mutex);
  if (w->n_spare < w->spare_capacity) {
    w->spare[w->n_spare++] = c;
    c = NULL;
  }
  pthread_mutex_unlock(&w->mutex);
  chunk_free(c);
}

/* --- The thread ------------------------------------------------------------------------------- */

static sg_status run_statement(sg_writer *w, query q) {
  sg_status status = sg_db_step(w->db, w->statement[q], &w->error);
  sqlite3_reset(w->statement[q]);
  return status;
}

static sg_status begin_transaction(sg_writer *w) {
  if (w->in_transaction) return SG_OK;
  sg_status status = sg_db_execute(w->db, "BEGIN IMMEDIATE", &w->error);
  w->in_transaction = !status;
  return status;
}

static sg_status commit(sg_writer *w) {
  if (!w->in_transaction) return SG_OK;
  sg_status status = sg_db_execute(w->db, "COMMIT", &w->error);
  if (status) return status;
  w->in_transaction = false;
  w->rows = 0;
  return SG_OK;
}

static int find_replacing(const sg_writer *w, int64_t run_id) {
  for (int i = 0; i < w->n_replacing; i++)
    if (w->replacing[i] == run_id) return i;
  return -1;
}

/* The number under which the rows of a run are kept until it is finished. */
static int64_t stored_id(const sg_writer *w, int64_t run_id) {
  return find_replacing(w, run_id) < 0 ? run_id : -run_id;
}

static void forget_replacing(sg_writer *w, int64_t run_id) {
  int i = find_replacing(w, run_id);
  if (i >= 0) w->replacing[i] = w->replacing[--w->n_replacing];
}

static sg_status note_replacing(sg_writer *w, int64_t run_id) {
  if (w->n_replacing == w->replacing_capacity) {
    int capacity = w->replacing_capacity ? 2 * w->replacing_capacity : 16;
    int64_t *grown = realloc(w->replacing, (size_t)capacity * sizeof *grown);
    if (!grown) return sg_fail_memory(&w->error);
    w->replacing = grown;
    w->replacing_capacity = capacity;
  }
  w->replacing[w->n_replacing++] = run_id;
  return SG_OK;
}

static sg_status delete_run(sg_writer *w, int64_t stored) {
  sqlite3_bind_int64(w->statement[DELETE_RUN], 1, stored);
  return run_statement(w, DELETE_RUN);
}

static sg_status begin_run(sg_writer *w, const command *c) {
  int64_t id = c->run.run_id;
  sqlite3_stmt *find = w->statement[FIND_RUN], *insert = w->statement[INSERT_RUN];
  sqlite3_bind_int64(find, 1, id);
  int code = sqlite3_step(find);
  sg_status status = SG_OK;
  if (code != SQLITE_ROW && code != SQLITE_DONE) status = sg_db_fail(w->db, &w->error);
  sqlite3_reset(find);
  if (!status && find_replacing(w, id) < 0 && code == SQLITE_ROW) status = note_replacing(w, id);
  if (!status) status = delete_run(w, stored_id(w, id)); /* begun before, and not finished */
  if (status) return status;
  sqlite3_bind_int64(insert, 1, stored_id(w, id));
  sqlite3_bind_int64(insert, 2, c->run.point_id);
  sqlite3_bind_int64(insert, 3, c->run.invocation_id);
  sqlite3_bind_int(insert, 4, c->run.replication);
  sqlite3_bind_text(insert, 5, sg_detail_name(c->run.detail), -1, SQLITE_STATIC);
  return run_statement(w, INSERT_RUN);
}

static sg_status write_iteration(sg_writer *w, int64_t run_id, const sg_iteration_record *r) {
  sqlite3_stmt *s = w->statement[INSERT_ITERATION];
  const double real[] = {r->start_s,   r->duration_s,     r->wait_s,          r->decode_s,
                         r->update_s,  r->bytes_received, r->bytes_sent,      r->bytes_broadcast,
                         r->busy_s,    r->wasted_s,       r->ingress_busy_s,  r->queued_s,
                         r->loss,      r->test_loss,      r->test_accuracy,   r->test_auc,
                         r->grad_norm, r->grad_rel_err,   r->grad_scaled_err, r->decoding_err,
                         r->cond1_est, r->decode_amp};
  sqlite3_bind_int64(s, 1, run_id);
  sqlite3_bind_int64(s, 2, r->iteration);
  sqlite3_bind_int64(s, 3, r->round);
  sqlite3_bind_int(s, 4, r->decoded);
  sqlite3_bind_int(s, 5, r->n_used);
  sqlite3_bind_int(s, 6, r->n_received);
  if (r->last_worker < 0)
    sqlite3_bind_null(s, 7);
  else
    sqlite3_bind_int(s, 7, r->last_worker);
  sqlite3_bind_int64(s, 8, r->ingress_messages);
  for (size_t i = 0; i < sizeof real / sizeof *real; i++) sg_bind_real(s, 9 + (int)i, real[i]);
  return run_statement(w, INSERT_ITERATION);
}

static sg_status write_worker(sg_writer *w, int64_t run_id, const sg_worker_record *r) {
  sqlite3_stmt *s = w->statement[INSERT_WORKER];
  sqlite3_bind_int64(s, 1, run_id);
  sqlite3_bind_int64(s, 2, r->iteration);
  sqlite3_bind_int(s, 3, r->worker);
  sqlite3_bind_int(s, 4, r->tasks);
  sqlite3_bind_int(s, 5, r->messages);
  sqlite3_bind_int(s, 6, r->used);
  sqlite3_bind_int(s, 7, r->cancelled);
  sg_bind_real(s, 8, r->compute_s);
  sg_bind_real(s, 9, r->arrival_s);
  return run_statement(w, INSERT_WORKER);
}

static sg_status write_rows(sg_writer *w, const command *c) {
  sg_status status = SG_OK;
  int64_t id = stored_id(w, c->chunk->run_id);
  for (int i = 0; i < c->chunk->n_iterations && !status; i++)
    status = write_iteration(w, id, &c->chunk->iteration[i]);
  for (int i = 0; i < c->chunk->n_workers && !status; i++)
    status = write_worker(w, id, &c->chunk->worker[i]);
  w->rows += c->chunk->n_iterations + c->chunk->n_workers;
  return status;
}

static sg_status write_summary(sg_writer *w, int64_t run_id, const sg_summary_record *r) {
  sqlite3_stmt *s = w->statement[INSERT_SUMMARY];
  const double real[] = {r->iter_mean_s,
                         r->iter_sd_s,
                         r->iter_min_s,
                         r->iter_p50_s,
                         r->iter_p90_s,
                         r->iter_p99_s,
                         r->iter_max_s,
                         r->wait_mean_s,
                         r->decode_mean_s,
                         r->time_to_target_s,
                         r->final_loss,
                         r->final_test_loss,
                         r->final_accuracy,
                         r->final_auc,
                         r->grad_rel_err_max,
                         r->grad_scaled_err_max,
                         r->decoding_err_mean,
                         r->cond1_max,
                         r->decode_amp_max,
                         r->n_used_mean,
                         r->bytes_received_mean,
                         r->bytes_sent_mean,
                         r->worker_busy_share,
                         r->wasted_work_share,
                         r->worker_seconds_per_iter,
                         r->decode_cache_hit_rate,
                         r->ingress_busy_share,
                         r->queued_mean_s,
                         r->queued_per_message_s};
  sqlite3_bind_int64(s, 1, run_id);
  sqlite3_bind_int64(s, 2, r->undecodable_iters);
  if (r->iterations_to_target < 0)
    sqlite3_bind_null(s, 3);
  else
    sqlite3_bind_int64(s, 3, r->iterations_to_target);
  for (size_t i = 0; i < sizeof real / sizeof *real; i++) sg_bind_real(s, 4 + (int)i, real[i]);
  return run_statement(w, INSERT_SUMMARY);
}

static sg_status write_worker_summary(sg_writer *w, int64_t run_id,
                                      const sg_worker_summary_record *r) {
  sqlite3_stmt *s = w->statement[INSERT_WORKER_SUMMARY];
  const double real[] = {r->speed, r->compute_mean_s, r->arrival_mean_s, r->used_share,
                         r->cancelled_share};
  sqlite3_bind_int64(s, 1, run_id);
  sqlite3_bind_int(s, 2, r->worker);
  for (size_t i = 0; i < sizeof real / sizeof *real; i++) sg_bind_real(s, 3 + (int)i, real[i]);
  return run_statement(w, INSERT_WORKER_SUMMARY);
}

/* The older run goes and the new one takes its number, in the transaction that completes it. */
static sg_status take_place(sg_writer *w, int64_t run_id) {
  if (find_replacing(w, run_id) < 0) return SG_OK;
  sg_status status = delete_run(w, run_id);
  if (status) return status;
  sqlite3_bind_int64(w->statement[RENUMBER_RUN], 1, -run_id);
  status = run_statement(w, RENUMBER_RUN);
  if (!status) forget_replacing(w, run_id);
  return status;
}

static sg_status finish_run(sg_writer *w, const command *c) {
  int64_t id = stored_id(w, c->run.run_id);
  sqlite3_stmt *s = w->statement[FINISH_RUN];
  sg_status status = write_summary(w, id, &c->summary);
  for (int i = 0; i < c->n_workers && !status; i++)
    status = write_worker_summary(w, id, &c->worker[i]);
  if (status) return status;
  sqlite3_bind_text(s, 1, c->status, -1, SQLITE_STATIC);
  sqlite3_bind_text(s, 2, c->stop_reason, -1, SQLITE_STATIC);
  sqlite3_bind_int64(s, 3, c->run.iterations);
  sqlite3_bind_int64(s, 4, c->run.rounds);
  sqlite3_bind_int64(s, 5, c->run.events);
  sg_bind_real(s, 6, c->run.sim_time_s);
  sg_bind_real(s, 7, c->run.wall_s);
  sqlite3_bind_int64(s, 8, id);
  status = run_statement(w, FINISH_RUN);
  if (!status) status = take_place(w, c->run.run_id);
  if (!status) status = commit(w);
  return status;
}

static sg_status abandon_run(sg_writer *w, const command *c) {
  int64_t id = c->run.run_id;
  sg_status status = delete_run(w, stored_id(w, id));
  forget_replacing(w, id);
  return status;
}

static sg_status execute(sg_writer *w, const command *c) {
  sg_status status = begin_transaction(w);
  if (status) return status;
  switch (c->action) {
  case BEGIN: status = begin_run(w, c); break;
  case ROWS: status = write_rows(w, c); break;
  case FINISH: status = finish_run(w, c); break;
  case ABANDON: status = abandon_run(w, c); break;
  }
  if (!status && w->rows >= ROWS_PER_TRANSACTION) status = commit(w);
  return status;
}

static void roll_back(sg_writer *w) {
  /* SQLite may have rolled back on its own, then this fails harmlessly. */
  sqlite3_exec(sg_db_handle(w->db), "ROLLBACK", NULL, NULL, NULL);
  w->in_transaction = false;
}

static bool take(sg_writer *w, command *c) {
  pthread_mutex_lock(&w->mutex);
  while (w->count == 0 && !w->closing) pthread_cond_wait(&w->filled, &w->mutex);
  bool any = w->count > 0;
  if (any) {
    *c = w->queue[w->head];
    w->head = (w->head + 1) % QUEUE;
    w->count--;
    pthread_cond_signal(&w->emptied);
  }
  pthread_mutex_unlock(&w->mutex);
  return any;
}

static void *write_all(void *argument) {
  sg_writer *w = argument;
  bool failed = false;
  command c;
  while (take(w, &c)) {
    if (!failed && execute(w, &c)) {
      roll_back(w);
      failed = true;
    }
    if (c.chunk) recycle(w, c.chunk);
    free(c.worker);
    pthread_mutex_lock(&w->mutex);
    if (failed) {
      w->failed = true;
      pthread_cond_broadcast(&w->emptied);
    } else if (c.action == FINISH) {
      w->finished++;
    }
    pthread_mutex_unlock(&w->mutex);
  }
  if (!failed && commit(w)) roll_back(w);
  return NULL;
}

/* --- The simulating threads' side ------------------------------------------------------------- */

/* Takes over what the command owns, whether it succeeds or not. */
static bool enqueue(sg_writer *w, command c) {
  pthread_mutex_lock(&w->mutex);
  while (w->count == QUEUE && !w->failed) pthread_cond_wait(&w->emptied, &w->mutex);
  bool accepted = !w->failed;
  if (accepted) {
    w->queue[(w->head + w->count++) % QUEUE] = c;
    pthread_cond_signal(&w->filled);
  }
  pthread_mutex_unlock(&w->mutex);
  if (!accepted) {
    chunk_free(c.chunk);
    free(c.worker);
  }
  return accepted;
}

bool sg_writer_begin(sg_writer *w, const sg_run_row *run) {
  return enqueue(w, (command){.action = BEGIN, .run = *run});
}

bool sg_writer_rows(sg_writer *w, sg_chunk *chunk) {
  return enqueue(w, (command){.action = ROWS, .chunk = chunk});
}

bool sg_writer_finish(sg_writer *w, const sg_run_row *run, const sg_summary_record *summary,
                      int n_workers, const sg_worker_summary_record *worker) {
  command c = {.action = FINISH, .run = *run, .summary = *summary, .n_workers = n_workers};
  snprintf(c.status, sizeof c.status, "%s", run->status);
  snprintf(c.stop_reason, sizeof c.stop_reason, "%s", run->stop_reason);
  if (n_workers > 0) {
    c.worker = malloc((size_t)n_workers * sizeof *worker);
    if (!c.worker) return false;
    memcpy(c.worker, worker, (size_t)n_workers * sizeof *worker);
  }
  return enqueue(w, c);
}

bool sg_writer_abandon(sg_writer *w, int64_t run_id) {
  return enqueue(w, (command){.action = ABANDON, .run.run_id = run_id});
}

long sg_writer_finished(const sg_writer *w) {
  pthread_mutex_t *mutex = (pthread_mutex_t *)&w->mutex;
  pthread_mutex_lock(mutex);
  long finished = w->finished;
  pthread_mutex_unlock(mutex);
  return finished;
}

static void release(sg_writer *w) {
  for (int q = 0; q < QUERIES; q++) sqlite3_finalize(w->statement[q]);
  for (int i = 0; i < w->n_spare; i++) chunk_free(w->spare[i]);
  free(w->spare);
  free(w->replacing);
  pthread_cond_destroy(&w->filled);
  pthread_cond_destroy(&w->emptied);
  pthread_mutex_destroy(&w->mutex);
  sg_error_clear(&w->error);
  free(w);
}

sg_status sg_writer_new(sg_db *db, sg_writer **out, sg_error *e) {
  *out = NULL;
  sg_writer *w = calloc(1, sizeof *w);
  if (!w) return sg_fail_memory(e);
  w->db = db;
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->filled, NULL);
  pthread_cond_init(&w->emptied, NULL);
  w->spare_capacity = 2 * QUEUE;
  w->spare = calloc((size_t)w->spare_capacity, sizeof *w->spare);
  sg_status status = w->spare ? SG_OK : sg_fail_memory(e);
  for (int q = 0; q < QUERIES && !status; q++)
    status = sg_db_prepare(db, sql[q], &w->statement[q], e);
  if (!status && pthread_create(&w->thread, NULL, write_all, w))
    status = sg_fail(e, SG_NO_MEMORY, NULL, "cannot start the thread that writes results");
  if (status) {
    release(w);
    return status;
  }
  *out = w;
  return SG_OK;
}

sg_status sg_writer_free(sg_writer *w, sg_error *e) {
  if (!w) return SG_OK;
  pthread_mutex_lock(&w->mutex);
  w->closing = true;
  pthread_cond_signal(&w->filled);
  pthread_mutex_unlock(&w->mutex);
  pthread_join(w->thread, NULL);
  sg_status status = sg_error_status(&w->error);
  sg_error_move(e, &w->error);
  release(w);
  return status;
}
