/* SPDX-License-Identifier: MIT */
/* The writer: one thread that owns the connection, fed through a bounded queue.
 *
 * A transaction lasts until a run is finished. Rows of the others that are under way go with it,
 * their status is `running`, which no view shows. A run that replaces an older one is written under
 * its negated number and takes the place of the old in that same transaction, so that a fault
 * midway costs nothing that was there before. What is rolled back was in SQLite's journal only: a
 * run that is stopped leaves nothing in the file, however many rows it had.
 *
 * A writer that has failed or was stopped rolls back, empties its queue and refuses everything from
 * then on. */
#include "results/columns.h"
#include "sim/core/array.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 16, SPARE = 2 * QUEUE };

typedef enum action { BEGIN, ROWS, TIMES, FINISH } action;

typedef struct command {
  action action;
  sg_run_row run;
  char status[16], stop_reason[16]; /* of run: the caller's strings may be gone */
  sg_chunk *chunk;
  sg_summary_record summary;
  int n_workers;
  sg_worker_summary_record *worker; /* owned */
  int n_times;
  sg_time_group_record *time; /* owned */
} command;

typedef enum query {
  FIND_RUN,
  INSERT_RUN,
  INSERT_ITERATION,
  INSERT_WORKER,
  INSERT_USED,
  INSERT_TIME,
  INSERT_SUMMARY,
  INSERT_WORKER_SUMMARY,
  FINISH_RUN,
  DELETE_RUN,
  RENUMBER_RUN,
  QUERIES
} query;

static const char *const inserts[QUERIES] = {
    [INSERT_ITERATION] = "iteration", [INSERT_WORKER] = "worker_iteration",
    [INSERT_USED] = "used_message",   [INSERT_TIME] = "iter_time_group",
    [INSERT_SUMMARY] = "run_summary", [INSERT_WORKER_SUMMARY] = "worker_summary"};
static const char *const sql[QUERIES] = {
    [FIND_RUN] = "SELECT 1 FROM run WHERE run_id = ? AND status <> 'running'",
    [INSERT_RUN] = "INSERT INTO run (run_id, point_id, invocation_id, replication, detail, status)"
                   " VALUES (?, ?, ?, ?, ?, 'running')",
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
  bool closing, stopped, failed;
  sg_chunk *spare[SPARE]; /* chunks to use again */
  int n_spare;

  /* The thread's own. */
  sqlite3_stmt *statement[QUERIES];
  const sg_column *member[QUERIES]; /* of the table of a query that inserts records */
  int64_t *replacing; /* numbers of runs that are under way and replace an older one */
  int n_replacing, replacing_capacity;
  sg_written written;
  bool ended;
  sg_error error;
};

/* --- Chunks ----------------------------------------------------------------------------------- */

static void chunk_free(sg_chunk *c) {
  if (!c) return;
  free(c->worker);
  free(c->used);
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
  c->n_iterations = c->n_workers = c->n_used = 0;
  return c;
}

bool sg_chunk_add_workers(sg_chunk *c, const sg_worker_record *row, int count) {
  if (!SG_ROOM(c->worker, c->workers_capacity, c->n_workers + count)) return false;
  if (count > 0) memcpy(c->worker + c->n_workers, row, (size_t)count * sizeof *row);
  c->n_workers += count;
  return true;
}

bool sg_chunk_add_used(sg_chunk *c, const sg_used_record *row, int count) {
  if (!SG_ROOM(c->used, c->used_capacity, c->n_used + count)) return false;
  if (count > 0) memcpy(c->used + c->n_used, row, (size_t)count * sizeof *row);
  c->n_used += count;
  return true;
}

static void recycle(sg_writer *w, sg_chunk *c) {
  pthread_mutex_lock(&w->mutex);
  if (w->n_spare < SPARE) {
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
  bool none = sqlite3_get_autocommit(sg_db_handle(w->db));
  return none ? sg_db_execute(w->db, "BEGIN IMMEDIATE", &w->error) : SG_OK;
}

static sg_status commit(sg_writer *w) {
  bool none = sqlite3_get_autocommit(sg_db_handle(w->db));
  return none ? SG_OK : sg_db_execute(w->db, "COMMIT", &w->error);
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

/* A statement about a run. */
static sg_status run_for(sg_writer *w, query q, int64_t run_id) {
  sqlite3_bind_int64(w->statement[q], 1, run_id);
  return run_statement(w, q);
}

static sg_status begin_run(sg_writer *w, const command *c) {
  int64_t id = c->run.run_id;
  sqlite3_stmt *find = w->statement[FIND_RUN], *insert = w->statement[INSERT_RUN];
  sg_status status = SG_OK;
  sqlite3_bind_int64(find, 1, id);
  bool older = sg_db_row(w->db, find, &status, &w->error);
  sqlite3_reset(find);
  if (older && find_replacing(w, id) < 0) {
    if (!SG_ROOM(w->replacing, w->replacing_capacity, w->n_replacing + 1))
      return sg_fail_memory(&w->error);
    w->replacing[w->n_replacing++] = id;
  }
  if (!status)
    status = run_for(w, DELETE_RUN, stored_id(w, id)); /* begun before, and not finished */
  if (status) return status;
  sqlite3_bind_int64(insert, 1, stored_id(w, id));
  sqlite3_bind_int64(insert, 2, c->run.point_id);
  sqlite3_bind_int64(insert, 3, c->run.invocation_id);
  sqlite3_bind_int(insert, 4, c->run.replication);
  sqlite3_bind_text(insert, 5, sg_detail_name(c->run.detail), -1, SQLITE_STATIC);
  return run_statement(w, INSERT_RUN);
}

/* A row of a run: its number is the key of all tables that hang on runs. */
static sg_status write_row(sg_writer *w, query q, int64_t run_id, const void *record) {
  if (!sg_bind_members(w->statement[q], 2, w->member[q], record)) return sg_fail_memory(&w->error);
  return run_for(w, q, run_id);
}

static sg_status write_rows(sg_writer *w, const command *c) {
  sg_status status = SG_OK;
  int64_t id = stored_id(w, c->chunk->run_id);
  for (int i = 0; i < c->chunk->n_iterations && !status; i++)
    status = write_row(w, INSERT_ITERATION, id, &c->chunk->iteration[i]);
  for (int i = 0; i < c->chunk->n_workers && !status; i++)
    status = write_row(w, INSERT_WORKER, id, &c->chunk->worker[i]);
  for (int i = 0; i < c->chunk->n_used && !status; i++)
    status = write_row(w, INSERT_USED, id, &c->chunk->used[i]);
  return status;
}

static sg_status write_times(sg_writer *w, const command *c) {
  sg_status status = SG_OK;
  int64_t id = stored_id(w, c->run.run_id);
  for (int i = 0; i < c->n_times && !status; i++)
    status = write_row(w, INSERT_TIME, id, &c->time[i]);
  return status;
}

/* The older run goes and the new one takes its number, in the transaction that completes it. */
static sg_status take_place(sg_writer *w, int64_t run_id) {
  int i = find_replacing(w, run_id);
  if (i < 0) return SG_OK;
  sg_status status = run_for(w, DELETE_RUN, run_id);
  if (!status) status = run_for(w, RENUMBER_RUN, -run_id);
  if (!status) w->replacing[i] = w->replacing[--w->n_replacing];
  return status;
}

static sg_status finish_run(sg_writer *w, command *c) {
  int64_t id = stored_id(w, c->run.run_id);
  sqlite3_stmt *s = w->statement[FINISH_RUN];
  sg_status status = write_row(w, INSERT_SUMMARY, id, &c->summary);
  for (int i = 0; i < c->n_workers && !status; i++)
    status = write_row(w, INSERT_WORKER_SUMMARY, id, &c->worker[i]);
  if (status) return status;
  c->run.status = c->status;
  c->run.stop_reason = c->stop_reason;
  int last = sg_bind_members(s, 1, sg_members_of("run"), &c->run);
  if (!last) return sg_fail_memory(&w->error);
  sqlite3_bind_int64(s, last, id);
  status = run_statement(w, FINISH_RUN);
  if (!status) status = take_place(w, c->run.run_id);
  if (!status) status = commit(w);
  if (status) return status;
  w->written.runs++;
  w->written.diverged += strcmp(c->status, "diverged") == 0;
  w->written.stalled += strcmp(c->status, "stalled") == 0;
  w->written.undecodable += strcmp(c->status, "undecodable") == 0;
  return SG_OK;
}

static sg_status execute(sg_writer *w, command *c) {
  sg_status status = begin_transaction(w);
  if (status) return status;
  switch (c->action) {
  case BEGIN: status = begin_run(w, c); break;
  case ROWS: status = write_rows(w, c); break;
  case TIMES: status = write_times(w, c); break;
  case FINISH: status = finish_run(w, c); break;
  }
  return status;
}

static void roll_back(sg_writer *w) {
  /* SQLite may have rolled back on its own, then this fails harmlessly. */
  sqlite3_exec(sg_db_handle(w->db), "ROLLBACK", NULL, NULL, NULL);
}

/* The next command; *stopped: none counts any more. */
static bool take(sg_writer *w, command *c, bool *stopped) {
  pthread_mutex_lock(&w->mutex);
  while (w->count == 0 && !w->closing) pthread_cond_wait(&w->filled, &w->mutex);
  bool any = w->count > 0;
  if (any) {
    *c = w->queue[w->head];
    w->head = (w->head + 1) % QUEUE;
    w->count--;
    pthread_cond_signal(&w->emptied);
  }
  *stopped = w->stopped;
  pthread_mutex_unlock(&w->mutex);
  return any;
}

static void refuse(sg_writer *w) {
  pthread_mutex_lock(&w->mutex);
  w->failed = true;
  if (w->stopped) sg_error_clear(&w->error); /* to have been interrupted is no fault */
  pthread_cond_broadcast(&w->emptied);
  pthread_mutex_unlock(&w->mutex);
}

static void *write_all(void *argument) {
  sg_writer *w = argument;
  bool failed = false, stopped;
  command c;
  while (take(w, &c, &stopped)) {
    if (!failed && (stopped || execute(w, &c))) failed = true;
    if (c.chunk) recycle(w, c.chunk);
    free(c.worker);
    free(c.time);
    if (failed) refuse(w);
  }
  if (failed || stopped || commit(w)) roll_back(w);
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
    free(c.time);
  }
  return accepted;
}

bool sg_writer_begin(sg_writer *w, const sg_run_row *run) {
  return enqueue(w, (command){.action = BEGIN, .run = *run});
}

bool sg_writer_rows(sg_writer *w, sg_chunk *chunk) {
  return enqueue(w, (command){.action = ROWS, .chunk = chunk});
}

bool sg_writer_times(sg_writer *w, int64_t run_id, int n, sg_time_group_record *time) {
  return enqueue(w, (command){.action = TIMES, .run.run_id = run_id, .n_times = n, .time = time});
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

static void release(sg_writer *w) {
  for (int q = 0; q < QUERIES; q++) sqlite3_finalize(w->statement[q]);
  for (int i = 0; i < w->n_spare; i++) chunk_free(w->spare[i]);
  free(w->replacing);
  pthread_cond_destroy(&w->filled);
  pthread_cond_destroy(&w->emptied);
  pthread_mutex_destroy(&w->mutex);
  sg_error_clear(&w->error);
  free(w);
}

/* All that a run's record says, for the run of a number. */
static sg_status prepare_finish(sg_writer *w, sg_error *e) {
  sg_buffer text = {0};
  sg_put(&text, "UPDATE run SET (");
  int members = sg_put_members("run", "", &text);
  sg_put(&text, ") = (");
  for (int i = 0; i < members; i++) sg_put(&text, i ? ", ?" : "?");
  sg_put(&text, ") WHERE run_id = ?");
  sg_status status = text.failed ? sg_fail_memory(e)
                                 : sg_db_prepare(w->db, text.data, &w->statement[FINISH_RUN], e);
  sg_buffer_free(&text);
  return status;
}

sg_status sg_writer_new(sg_db *db, sg_writer **out, sg_error *e) {
  *out = NULL;
  sg_writer *w = calloc(1, sizeof *w);
  if (!w) return sg_fail_memory(e);
  w->db = db;
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->filled, NULL);
  pthread_cond_init(&w->emptied, NULL);
  sg_status status = SG_OK;
  for (int q = 0; q < QUERIES && !status; q++) {
    if (inserts[q]) {
      w->member[q] = sg_members_of(inserts[q]);
      status = sg_db_prepare_insert(db, inserts[q], "", &w->statement[q], e);
    } else if (sql[q]) {
      status = sg_db_prepare(db, sql[q], &w->statement[q], e);
    }
  }
  if (!status) status = prepare_finish(w, e);
  if (!status && pthread_create(&w->thread, NULL, write_all, w))
    status = sg_fail(e, SG_NO_MEMORY, NULL, "cannot start the thread that writes results");
  if (status) {
    release(w);
    return status;
  }
  *out = w;
  return SG_OK;
}

void sg_writer_stop(sg_writer *w) {
  pthread_mutex_lock(&w->mutex);
  w->stopped = w->failed = true;
  pthread_cond_broadcast(&w->emptied);
  pthread_mutex_unlock(&w->mutex);
  sqlite3_interrupt(sg_db_handle(w->db));
}

sg_status sg_writer_end(sg_writer *w, sg_written *written, sg_error *e) {
  pthread_mutex_lock(&w->mutex);
  w->closing = true;
  pthread_cond_signal(&w->filled);
  pthread_mutex_unlock(&w->mutex);
  pthread_join(w->thread, NULL);
  pthread_mutex_lock(&w->mutex);
  w->failed = w->ended = true;
  pthread_mutex_unlock(&w->mutex);
  for (int q = 0; q < QUERIES; q++) {
    sqlite3_finalize(w->statement[q]);
    w->statement[q] = NULL;
  }
  *written = w->written;
  sg_status status = sg_error_status(&w->error);
  sg_error_move(e, &w->error);
  return status;
}

sg_status sg_writer_free(sg_writer *w, sg_error *e) {
  if (!w) return SG_OK;
  sg_written ignored;
  sg_status status = w->ended ? SG_OK : sg_writer_end(w, &ignored, e);
  release(w);
  return status;
}
