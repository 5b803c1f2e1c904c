/* SPDX-License-Identifier: MIT */
/* The result database: what is not one, the writer, the queries. (test_files.c: names, locks,
 * journals, damage.) */
#include "results/answers/statistics.h"
#include "results/query.h"
#include "results/results.h"
#include "tests/support/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/straggle-results-XXXXXX", path[96], other[96];

static int set_up(void **state) {
  (void)state;
  strcpy(folder + sizeof folder - 7, "XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/r.db", folder);
  snprintf(other, sizeof other, "%s/other.db", folder);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  static const char *const suffix[] = {"", "-wal", "-shm", "-lock", "-journal"};
  chmod(folder, 0700);
  for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++) {
    char name[128];
    snprintf(name, sizeof name, "%s%s", path, suffix[i]);
    unlink(name);
    snprintf(name, sizeof name, "%s%s", other, suffix[i]);
    unlink(name);
  }
  return rmdir(folder); /* fails if a file is left that we do not expect */
}

static void shell(const char *file, const char *sql) {
  sqlite3 *handle = NULL;
  assert_int_equal(sqlite3_open(file, &handle), SQLITE_OK);
  assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(handle);
}

static bool exists(const char *suffix) {
  char name[128];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  return access(name, F_OK) == 0;
}

static int64_t add_point(sg_db *db, const char *hash) {
  sg_error e = {0};
  int64_t scenario = 0, point = 0, invocation = 0;
  const sg_axis axis = {"n", "12"};
  const sg_point_record p = {.point_sha256 = hash,
                             .models = 1,
                             .env_sha256 = "env",
                             .config_json = "{}",
                             .scheme_label = "uncoded",
                             .code = "uncoded",
                             .stop_rule = "count",
                             .exact = true,
                             .is_baseline = true,
                             .n_workers = 12,
                             .n_subsets = 12,
                             .length = 100,
                             .load_d = 1,
                             .comm_m = 1,
                             .stored_data_factor = 1,
                             .scaling = "proportional",
                             .late_work = "cancel",
                             .late_messages = "cancel",
                             .problem = "none",
                             .target_loss = NAN,
                             .target_grad_norm2 = NAN,
                             .max_iterations = 10,
                             .seed = UINT64_MAX,
                             .n_axes = 1,
                             .axis = &axis};
  const sg_invocation i = {.argv = "straggle run", .threads = 2};
  assert_int_equal(sg_db_add_invocation(db, &i, &invocation, &e), SG_OK);
  assert_int_equal(sg_db_add_scenario(db, "s", "s.json", "{}", "abc", &scenario, &e), SG_OK);
  assert_int_equal(sg_db_add_point(db, scenario, &p, &point, &e), SG_OK);
  return point;
}

static sg_run_row run_row(int64_t point, int replication, sg_detail detail) {
  return (sg_run_row){.run_id = sg_run_id(point, replication),
                      .point_id = point,
                      .invocation_id = 1,
                      .replication = replication,
                      .detail = detail,
                      .status = "finished",
                      .stop_reason = "iterations",
                      .iterations = 1,
                      .rounds = 1,
                      .events = 1,
                      .sim_time_s = 1,
                      .wall_s = 1};
}

static const sg_summary_record summary = {
    .iter_mean_s = 2, .time_to_target_s = NAN, .iterations_to_target = -1, .final_loss = 0.5};

/* Writes a run of `rows` iterations, with two worker rows each if wanted. */
static bool write_run(sg_writer *w, int64_t point, int replication, int rows, bool workers) {
  sg_run_row run = run_row(point, replication, workers ? SG_DETAIL_WORKER : SG_DETAIL_ITERATION);
  if (!sg_writer_begin(w, &run)) return false;
  for (int i = 0; i < rows;) {
    sg_chunk *c = sg_writer_chunk(w);
    if (!c) return false;
    c->run_id = run.run_id;
    for (; c->n_iterations < SG_CHUNK_ROWS && i < rows; i++) {
      c->iteration[c->n_iterations++] = (sg_iteration_record){.iteration = i,
                                                              .duration_s = replication + 1,
                                                              .start_s = i,
                                                              .decoded = true,
                                                              .last_worker = i % 2 ? -1 : 3,
                                                              .grad_rel_err = i % 2 ? NAN : 1e-15};
      const sg_worker_record row[2] = {
          {.iteration = i, .worker = 0, .compute_s = NAN, .arrival_s = 1},
          {.iteration = i, .worker = 1, .compute_s = 1, .arrival_s = NAN}};
      if (workers && !sg_chunk_add_workers(c, row, 2)) return false;
    }
    if (!sg_writer_rows(w, c)) return false;
  }
  const sg_worker_summary_record worker = {.worker = 0, .speed = 1, .arrival_mean_s = NAN};
  return sg_writer_finish(w, &run, &summary, 1, &worker);
}

static void write_runs(sg_db *db, int64_t point, int first, int end, int rows) {
  sg_error e = {0};
  sg_writer *w = NULL;
  assert_int_equal(sg_writer_new(db, &w, &e), SG_OK);
  for (int i = first; i < end; i++) assert_true(write_run(w, point, i, rows, false));
  assert_int_equal(sg_writer_free(w, &e), SG_OK);
}

/* --- Opening ---------------------------------------------------------------------------------- */

static void test_missing(void **state) {
  (void)state;
  test_db_refuses(path, SG_OPEN_READ, SG_NO_INPUT, "No such file");
  assert_false(exists(""));
}

static void test_one_plain_file_is_left(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  write_runs(db, add_point(db, "a"), 0, 3, 5);
  assert_true(exists("-wal"));
  test_db_close(db);
  assert_false(exists("-wal") || exists("-shm") || exists("-lock") || exists("-journal"));
  db = test_db_open(path, SG_OPEN_READ);
  assert_int_equal(test_db_number(db, "PRAGMA application_id"), 0x73747267);
  assert_int_equal(test_db_number(db, "PRAGMA user_version"), SG_SCHEMA_VERSION);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run WHERE status = 'finished'"), 3);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 15);
  test_db_close(db);
}

static void test_not_a_database(void **state) {
  (void)state;
  FILE *f = fopen(path, "w");
  for (int i = 0; i < 400; i++) fputs("This is not a database.\n", f);
  fclose(f);
  test_db_refuses(path, SG_OPEN_READ, SG_INVALID, "expected a result database");
  test_db_refuses(path, SG_OPEN_WRITE, SG_INVALID, "expected a result database");
  struct stat info;
  stat(path, &info);
  assert_int_equal(info.st_size, 400 * 24); /* untouched */
}

static void test_database_of_another_program(void **state) {
  (void)state;
  shell(path, "CREATE TABLE songs (title)");
  test_db_refuses(path, SG_OPEN_READ, SG_INVALID, "another program");
  test_db_refuses(path, SG_OPEN_WRITE, SG_INVALID, "another program");
}

static void test_other_schema_version(void **state) {
  (void)state;
  test_db_close(test_db_open(path, SG_OPEN_WRITE));
  static const int versions[] = {1, 2, 77}; /* older ones, and one to come */
  for (int i = 0; i < 3; i++) {
    char set[40], expected[64];
    snprintf(set, sizeof set, "PRAGMA user_version = %d", versions[i]);
    shell(path, set);
    snprintf(expected, sizeof expected, "expected schema version %d, found %d;", SG_SCHEMA_VERSION,
             versions[i]);
    test_db_refuses(path, SG_OPEN_READ, SG_INVALID, expected);
    test_db_refuses(path, SG_OPEN_WRITE, SG_INVALID, expected);
  }
}

static void test_second_writer_is_refused_and_readers_are_not(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  write_runs(db, add_point(db, "a"), 0, 2, 5);
  test_db_refuses(path, SG_OPEN_WRITE, SG_BUSY, "another process is writing");
  sg_db *reader = test_db_open(path, SG_OPEN_READ);
  assert_int_equal(test_db_number(reader, "SELECT count(*) FROM v_point"), 1);
  write_runs(db, 1, 2, 4, 5); /* while somebody reads */
  assert_int_equal(test_db_number(reader, "SELECT replications FROM v_point"), 4);
  test_db_close(reader);
  test_db_close(db);
  test_db_close(test_db_open(path, SG_OPEN_WRITE)); /* the lock is gone */
}

/* A process is killed while it writes: what was complete stays and can be read at once. The rows of
 * the second run were committed with the first, those that came later were not. */
static void test_killed_writer(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    sg_error e = {0};
    sg_db *db = NULL, *reader = NULL;
    sg_writer *w = NULL;
    if (sg_db_open(path, SG_OPEN_WRITE, &db, &e) || sg_writer_new(db, &w, &e)) _exit(1);
    int64_t point = add_point(db, "a");
    sg_run_row run = run_row(point, 1, SG_DETAIL_ITERATION);
    sg_writer_begin(w, &run);
    for (int k = 0; k < 3; k++) {
      if (k == 2) write_run(w, point, 0, 10, true);
      sg_chunk *c = sg_writer_chunk(w);
      c->run_id = run.run_id;
      for (int i = 0; i < SG_CHUNK_ROWS; i++)
        c->iteration[c->n_iterations++] =
            (sg_iteration_record){.iteration = k * SG_CHUNK_ROWS + i, .decoded = true};
      sg_writer_rows(w, c);
    }
    if (sg_db_open(path, SG_OPEN_READ, &reader, &e)) _exit(1);
    while (test_db_number(reader, "SELECT count(*) FROM run WHERE status = 'finished'") < 1)
      usleep(1000);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFSIGNALED(status));
  assert_true(exists("-wal"));
  sg_db *db = test_db_open(path, SG_OPEN_READ);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run WHERE status = 'running'"), 1);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 2010);
  assert_int_equal(test_db_number(db, "SELECT replications FROM v_point"), 1);
  assert_int_equal(test_db_number(db, "SELECT max(iteration) FROM v_progress"), 9);
  test_db_close(db);
  db = test_db_open(path, SG_OPEN_WRITE);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run"), 1);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 10);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM worker_iteration"), 20);
  test_db_close(db);
}

/* A stop rolls back: nothing of the run is left, and the file has not grown. */
static void test_stopped_writer(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  int64_t point = add_point(db, "a");
  write_runs(db, point, 0, 1, 5);
  int64_t pages = test_db_number(db, "PRAGMA page_count");
  sg_error e = {0};
  sg_writer *w = NULL;
  sg_written written;
  assert_int_equal(sg_writer_new(db, &w, &e), SG_OK);
  sg_run_row run = run_row(point, 1, SG_DETAIL_ITERATION);
  assert_true(sg_writer_begin(w, &run));
  for (int k = 0; k < 40; k++) { /* more than the queue holds */
    sg_chunk *c = sg_writer_chunk(w);
    c->run_id = run.run_id;
    for (int i = 0; i < SG_CHUNK_ROWS; i++)
      c->iteration[c->n_iterations++] =
          (sg_iteration_record){.iteration = k * SG_CHUNK_ROWS + i, .decoded = true};
    assert_true(sg_writer_rows(w, c));
  }
  sg_writer_stop(w);
  assert_false(sg_writer_begin(w, &run));
  assert_null(sg_writer_chunk(w));
  assert_int_equal(sg_writer_end(w, &written, &e), SG_OK);
  assert_int_equal(written.runs, 0);
  assert_false(sg_writer_finish(w, &run, &summary, 0, NULL));
  assert_int_equal(sg_writer_free(w, &e), SG_OK);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 5);
  assert_int_equal(test_db_number(db, "PRAGMA page_count"), pages);
  assert_int_equal(e.count, 0);
  test_db_close(db);
}

/* --- Full disk -------------------------------------------------------------------------------- */

static void test_full_disk_while_writing(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  int64_t point = add_point(db, "a");
  write_runs(db, point, 0, 1, 100);
  sqlite3_exec(sg_db_handle(db), "PRAGMA max_page_count = 100", NULL, NULL, NULL);
  sg_error e = {0};
  sg_writer *w = NULL;
  assert_int_equal(sg_writer_new(db, &w, &e), SG_OK);
  bool accepted = true;
  for (int i = 0; i < 100 && accepted; i++) accepted = write_run(w, point, 0, 5000, true);
  assert_false(accepted);
  sg_run_row run = run_row(point, 7, SG_DETAIL_SUMMARY);
  assert_false(sg_writer_begin(w, &run));
  assert_null(sg_writer_chunk(w));
  assert_int_equal(sg_writer_free(w, &e), SG_IO);
  assert_non_null(strstr(e.fault[0].message, "full"));
  sg_error_clear(&e);
  sg_db_close(db, &e);
  sg_error_clear(&e);
  db = test_db_open(path, SG_OPEN_WRITE); /* the run that was to be replaced is as it was */
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run"), 1);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 100);
  assert_int_equal(
      test_db_number(db, "SELECT count(*) FROM run WHERE run_id > 0 AND status = 'finished'"), 1);
  test_db_close(db);
}

/* The child has the limit; a file that cannot be made is not left behind. */
static void test_full_disk_while_creating(void **state) {
  (void)state;
  pid_t child = fork();
  if (child == 0) {
    const struct rlimit limit = {8192, 8192};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    sg_error e = {0};
    sg_db *db = NULL;
    _exit((int)sg_db_open(path, SG_OPEN_WRITE, &db, &e));
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), SG_IO);
  assert_false(exists(""));
}

/* A row that is returned before it is committed. */
static void test_full_disk_at_one_row(void **state) {
  test_db_close(test_db_open(path, SG_OPEN_WRITE));
  pid_t child = fork();
  if (child == 0) {
    sg_db *db = test_db_open(path, SG_OPEN_WRITE);
    const struct rlimit limit = {16, 16};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    sg_error e = {0};
    int64_t id = 0;
    _exit((int)sg_db_add_invocation(db, &(sg_invocation){.argv = "straggle run"}, &id, &e));
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), SG_IO);
}

/* --- Contents --------------------------------------------------------------------------------- */

static void test_points(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  int64_t a = add_point(db, "a"), b = add_point(db, "b");
  assert_int_not_equal(a, b);
  assert_int_equal(add_point(db, "a"), a);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM point_axis"), 2);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM scenario"), 1);
  assert_int_equal(
      test_db_number(db, "SELECT count(*) FROM point WHERE seed = '18446744073709551615'"), 2);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM point WHERE target_loss IS NULL"), 2);
  sqlite3_exec(sg_db_handle(db), "UPDATE point SET results_version = 0", NULL, NULL, NULL);
  assert_int_not_equal(add_point(db, "a"), a); /* other code computed the old one */
  test_db_close(db);
}

static bool has(sg_db *db, int64_t point, int replication, sg_detail detail) {
  sg_error e = {0};
  bool yes[8];
  assert_int_equal(sg_db_has_runs(db, point, 8, detail, yes, &e), SG_OK);
  return yes[replication];
}

static void test_rows_and_details(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  int64_t point = add_point(db, "a");
  write_runs(db, point, 0, 1, 2500);
  assert_true(has(db, point, 0, SG_DETAIL_SUMMARY));
  assert_true(has(db, point, 0, SG_DETAIL_ITERATION));
  assert_false(has(db, point, 0, SG_DETAIL_WORKER));
  assert_false(has(db, point, 1, SG_DETAIL_SUMMARY));
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 2500);
  assert_int_equal(test_db_number(db, "SELECT sum(iteration) FROM iteration"), 2499 * 1250);
  assert_int_equal(test_db_number(db, "SELECT count(grad_rel_err) FROM iteration"), 1250);
  assert_int_equal(test_db_number(db, "SELECT count(last_worker) FROM iteration"), 1250);
  assert_int_equal(test_db_number(db,
                                  "SELECT count(*) FROM run_summary WHERE iter_mean_s = 2 AND"
                                  " time_to_target_s IS NULL AND iterations_to_target IS NULL AND"
                                  " final_loss = 0.5"),
                   1);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM worker_summary WHERE speed = 1 AND"
                                      " arrival_mean_s IS NULL"),
                   1);

  /* More detail replaces the run; all of its rows go with it. */
  sg_error e = {0};
  sg_writer *w = NULL;
  assert_int_equal(sg_writer_new(db, &w, &e), SG_OK);
  assert_true(write_run(w, point, 0, 10, true));
  assert_int_equal(sg_writer_free(w, &e), SG_OK);
  assert_true(has(db, point, 0, SG_DETAIL_WORKER));
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 10);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM worker_iteration"), 20);
  assert_int_equal(test_db_number(db, "SELECT count(compute_s) FROM worker_iteration"), 10);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run WHERE run_id = 16777216"), 1);
  test_db_close(db);
}

/* Decodes at 5 and, in the round from 9 on, at 18: the link was busy for 4 of 5 s and 12 of 13. */
static void test_use_of_the_masters_link(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  write_runs(db, add_point(db, "a"), 0, 2, 3);
  test_db_close(db);
  shell(path, "UPDATE iteration SET start_s = 0, wait_s = 5, ingress_busy_s = 4, queued_s = 3,"
              " ingress_messages = 2 WHERE iteration = 0;"
              "UPDATE iteration SET start_s = 9, wait_s = 9, ingress_busy_s = 12, queued_s = 0,"
              " ingress_messages = 0 WHERE iteration = 1;");
  db = test_db_open(path, SG_OPEN_READ);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM v_ingress"), 6);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM v_ingress WHERE iteration = 0"
                                      " AND abs(ingress_busy_share - 4.0 / 5) < 1e-12"
                                      " AND queued_per_message_s = 1.5"),
                   2);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM v_ingress WHERE iteration = 1"
                                      " AND abs(ingress_busy_share - 12.0 / 13) < 1e-12"
                                      " AND queued_per_message_s IS NULL"),
                   2);
  test_db_close(db);
}

static void test_unfinished_runs(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  int64_t point = add_point(db, "a");
  write_runs(db, point, 0, 1, 10);
  sg_error e = {0};
  sg_writer *w = NULL;
  assert_int_equal(sg_writer_new(db, &w, &e), SG_OK);
  for (int i = 0; i < 2; i++) { /* 0 would replace a run, 1 is new */
    sg_run_row run = run_row(point, i, SG_DETAIL_WORKER);
    assert_true(sg_writer_begin(w, &run));
    sg_chunk *c = sg_writer_chunk(w);
    c->run_id = run.run_id;
    c->iteration[c->n_iterations++] = (sg_iteration_record){.iteration = 0};
    assert_true(sg_writer_rows(w, c));
  }
  assert_int_equal(sg_writer_free(w, &e), SG_OK);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run WHERE status <> 'running'"), 1);
  test_db_close(db);
  db = test_db_open(path, SG_OPEN_READ);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run"), 1);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 10);
  test_db_close(db);
}

typedef struct job {
  sg_writer *writer;
  int64_t point;
  int first;
  bool ok;
} job;

static void *simulate(void *argument) {
  job *j = argument;
  j->ok = true;
  for (int i = j->first; i < 40; i += 4)
    j->ok &= write_run(j->writer, j->point, i, 1500 + i, i % 8 == 0);
  return NULL;
}

/* Four threads through one writer leave the same rows as one thread. */
static void test_many_threads(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  sg_error e = {0};
  sg_writer *w = NULL;
  int64_t point = add_point(db, "a");
  assert_int_equal(sg_writer_new(db, &w, &e), SG_OK);
  pthread_t thread[4];
  job jobs[4];
  for (int i = 0; i < 4; i++) {
    jobs[i] = (job){.writer = w, .point = point, .first = i};
    assert_int_equal(pthread_create(&thread[i], NULL, simulate, &jobs[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    pthread_join(thread[i], NULL);
    assert_true(jobs[i].ok);
  }
  assert_int_equal(sg_writer_free(w, &e), SG_OK);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM run WHERE status = 'finished'"), 40);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration"), 40 * 1500 + 39 * 20);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM iteration WHERE duration_s <>"
                                      " run_id % 16777216 + 1"),
                   0);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM worker_iteration"),
                   2 * (1500 * 5 + 8 + 16 + 24 + 32));
  test_db_close(db);
}

static void test_calibration(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  sg_error e = {0};
  sg_calibration c = {.n = 2, .flops = {1e3, 1e6}, .seconds = {1e-6, 0.1}}, back;
  assert_int_equal(sg_db_load_calibration(db, &back, &e), SG_OK);
  assert_int_equal(back.n, 0);
  assert_int_equal(sg_db_save_calibration(db, &c, &e), SG_OK);
  assert_int_equal(sg_db_save_calibration(db, &c, &e), SG_OK);
  assert_int_equal(sg_db_load_calibration(db, &back, &e), SG_OK);
  assert_int_equal(back.n, 2);
  assert_true(back.flops[1] == 1e6 && back.seconds[1] == 0.1);
  test_db_close(db);
}

/* Every column of every table and view is described, and nothing else is. */
static void test_all_columns_are_documented(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
#define COLUMNS                                                                                    \
  "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c"                        \
  " WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'"
  assert_true(test_db_number(db, "SELECT count(*) FROM (" COLUMNS ")") > 150);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM (" COLUMNS
                                      " EXCEPT SELECT table_name, column_name FROM column_doc)"),
                   0);
  assert_int_equal(
      test_db_number(db, "SELECT count(*) FROM (SELECT table_name, column_name FROM column_doc"
                         " EXCEPT " COLUMNS ")"),
      0);
  assert_int_equal(
      test_db_number(db, "SELECT count(*) FROM column_doc WHERE meaning = '' OR unit = ''"), 0);
  /* A unit in the name is the unit in the description. */
  assert_int_equal(test_db_number(db,
                                  "SELECT count(*) FROM column_doc WHERE column_name LIKE '%\\_s'"
                                  " ESCAPE '\\' AND unit <> 's' AND column_name <> 'stragglers_s'"),
                   0);
  test_db_close(db);
}

/* --- Queries ---------------------------------------------------------------------------------- */

static char *query(sg_db *db, const char *sql, sg_format format) {
  sg_error e = {0};
  sg_buffer out = {0};
  if (sg_query(db, sql, format, 0, NULL, &out, &e)) fail_msg("%s: %s", sql, e.fault[0].message);
  return out.data;
}

static void expect_fault(sg_db *db, const char *sql, const char *part) {
  sg_error e = {0};
  sg_buffer out = {0};
  assert_int_equal(sg_query(db, sql, SG_FORMAT_TEXT, 0, NULL, &out, &e), SG_USAGE);
  assert_int_equal(e.count, 1);
  if (!strstr(e.fault[0].message, part)) fail_msg("\"%s\" not in \"%s\"", part, e.fault[0].message);
  sg_error_clear(&e);
  sg_buffer_free(&out);
}

static void test_queries(void **state) {
  (void)state;
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  write_runs(db, add_point(db, "a"), 0, 3, 4);
  test_db_close(db);
  db = test_db_open(path, SG_OPEN_READ);
  char *text = query(db, "SELECT 1 AS a, 'x' AS b, 0.1 AS c, NULL AS d, x'0aff' AS e;  -- end",
                     SG_FORMAT_CSV);
  assert_string_equal(text, "a,b,c,d,e\n1,x,0.1,,0aff\n");
  free(text);
  text = query(db, "@", SG_FORMAT_JSON);
  cJSON *list = cJSON_Parse(text), *item = NULL;
  free(text);
  assert_true(cJSON_GetArraySize(list) >= 8);
  cJSON_ArrayForEach(item, list) { /* all named queries work */
    text = query(db, cJSON_GetObjectItem(item, "query")->valuestring, SG_FORMAT_JSON);
    cJSON *rows = cJSON_Parse(text);
    assert_true(cJSON_IsArray(rows));
    cJSON_Delete(rows);
    free(text);
  }
  cJSON_Delete(list);
  text = query(db, "SELECT duration_s, share FROM v_ecdf ORDER BY 1", SG_FORMAT_CSV);
  assert_non_null(strstr(text, "1,0.3333333333333333\n"));
  free(text);
  expect_fault(db, "SELECT * FROM v_pont", "no such table: v_pont; did you mean \"v_point\"?");
  expect_fault(db, "SELECT iter_mean FROM run_summary", "did you mean \"iter_mean_s\"?");
  expect_fault(db, "SELEC 1", "syntax error");
  expect_fault(db, "DELETE FROM run", "cannot change");
  expect_fault(db, "ATTACH 'x.db' AS x", "cannot change");
  expect_fault(db, "SELECT 1; SELECT 2", "found more");
  expect_fault(db, "", "found nothing");
  expect_fault(db, "@point", "did you mean @points?");
  test_db_close(db);
}

/* --- Statistics ------------------------------------------------------------------------------- */

static void assert_near(double x, double expected, double tolerance) {
  if (!(fabs(x - expected) <= tolerance)) fail_msg("%.17g is not %.17g", x, expected);
}

static void test_statistics(void **state) {
  (void)state;
  const double x[] = {1, 2, 4, 8};
  assert_true(sg_quantile(x, 4, 0.5) == 3 && sg_quantile(x, 4, 0) == 1 &&
              sg_quantile(x, 4, 1) == 8);
  assert_near(sg_quantile(x, 4, 0.9), 6.8, 1e-12); /* R: quantile(c(1,2,4,8), .9) */
  assert_true(isnan(sg_quantile(x, 0, 0.5)));
  sg_moments m = {0};
  assert_true(isnan(sg_moments_mean(&m)));
  for (int i = 0; i < 4; i++) sg_moments_add(&m, 1e9 + x[i]);
  assert_near(sg_moments_mean(&m) - 1e9, 3.75, 1e-6);
  assert_near(sg_moments_sd(&m), 3.095695936834452, 1e-6); /* sqrt(28.75 / 3) */
  assert_true(m.min == 1e9 + 1 && m.max == 1e9 + 8);
  assert_near(sg_t_quantile(0.975, 4), 2.776445105197799, 1e-12);
  assert_near(sg_sign_test(6, 0), 0.03125, 1e-15);
  assert_near(sg_sign_test(1, 9), 22.0 / 1024, 1e-15);
  assert_true(sg_sign_test(3, 3) == 1 && sg_sign_test(0, 0) == 1);
}

#define DB_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      DB_TEST(test_missing),
      DB_TEST(test_one_plain_file_is_left),
      DB_TEST(test_not_a_database),
      DB_TEST(test_database_of_another_program),
      DB_TEST(test_other_schema_version),
      DB_TEST(test_second_writer_is_refused_and_readers_are_not),
      DB_TEST(test_killed_writer),
      DB_TEST(test_stopped_writer),
      DB_TEST(test_full_disk_while_writing),
      DB_TEST(test_full_disk_while_creating),
      DB_TEST(test_full_disk_at_one_row),
      DB_TEST(test_points),
      DB_TEST(test_rows_and_details),
      DB_TEST(test_use_of_the_masters_link),
      DB_TEST(test_unfinished_runs),
      DB_TEST(test_many_threads),
      DB_TEST(test_calibration),
      DB_TEST(test_all_columns_are_documented),
      DB_TEST(test_queries),
      cmocka_unit_test(test_statistics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
