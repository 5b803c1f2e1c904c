/* SPDX-License-Identifier: MIT */
/* The file of a database: its names, its lock, what a killed process left, damage and malice. */
#include "results/results.h"
#include "sim/core/text.h"
#include "tests/support/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/straggle-files-XXXXXX", path[96], other[96];

static int set_up(void **state) {
  strcpy(folder + sizeof folder - 7, "XXXXXX");
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/r.db", folder);
  snprintf(other, sizeof other, "%s/other.db", folder);
  return 0;
}

static int remove_one(const char *name, const struct stat *info, int type, struct FTW *at) {
  return remove(name);
}

static int tear_down(void **state) {
  chmod(folder, 0700);
  return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A second name in the folder, path and a suffix; good until the next call. */
static const char *beside(const char *suffix) {
  static char name[128];
  snprintf(name, sizeof name, "%s%s", path, suffix);
  return name;
}

static bool exists(const char *suffix) {
  struct stat info;
  return lstat(beside(suffix), &info) == 0;
}

static void make_db(void) {
  test_db_close(test_db_open(path, SG_OPEN_WRITE));
}

static void expect_open(sg_open_mode mode, sg_status expected, const char *part) {
  test_db_refuses(path, mode, expected, part);
}

static void shell(sqlite3 *handle, const char *sql) {
  if (sqlite3_exec(handle, sql, NULL, NULL, NULL)) fail_msg("%s: %s", sql, sqlite3_errmsg(handle));
}

/* SQL by a connection of its own, as other programs have; kill: the process ends in the middle. */
static void elsewhere(const char *sql, bool killed) {
  pid_t child = fork();
  if (child == 0) {
    sqlite3 *handle = NULL;
    sqlite3_open(path, &handle);
    int code = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    if (killed) kill(getpid(), SIGKILL);
    sqlite3_close(handle);
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(killed ? WIFSIGNALED(status) : WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

typedef struct bytes {
  size_t n;
  char *data;
} bytes;

static bytes read_all(const char *name) {
  bytes b = {0};
  sg_error e = {0};
  assert_int_equal(sg_read_file(name, NULL, &b.data, &b.n, &e), SG_OK);
  return b;
}

/* Frees what was read before. */
static void expect_same(const char *name, bytes before) {
  bytes now = read_all(name);
  assert_int_equal(now.n, before.n);
  assert_memory_equal(now.data, before.data, now.n);
  free(now.data);
  free(before.data);
}

#define MANY_ROWS                                                                                  \
  "INSERT INTO calibration WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)" \
  " SELECT i, i, i FROM n;"

/* --- Names and locks -------------------------------------------------------------------------- */

static void test_empty_file_and_folder(void **state) {
  fclose(fopen(path, "w"));
  expect_open(SG_OPEN_READ, SG_INVALID, "empty file");
  test_db_close(test_db_open(path, SG_OPEN_WRITE));
  test_db_close(test_db_open(path, SG_OPEN_READ));
  unlink(path);
  assert_int_equal(mkdir(path, 0700), 0);
  expect_open(SG_OPEN_READ, SG_NO_INPUT, "found a folder");
  expect_open(SG_OPEN_WRITE, SG_CANNOT_CREATE, "found a folder");
  rmdir(path);
}

static void test_folder_that_does_not_exist(void **state) {
  sg_error e = {0};
  sg_db *db = NULL;
  assert_int_equal(sg_db_open("/nonexistent/x.db", SG_OPEN_WRITE, &db, &e), SG_CANNOT_CREATE);
  sg_error_clear(&e);
}

static void test_read_only_folder(void **state) {
  bool root = geteuid() == 0; /* who may write anywhere, and so is somebody else for a moment */
  if (root && seteuid(65534)) skip();
  if (root) assert_int_equal(seteuid(0), 0);
  chmod(folder, 0555);
  if (root) assert_int_equal(seteuid(65534), 0);
  expect_open(SG_OPEN_WRITE, SG_CANNOT_CREATE, "cannot write");
  if (root) assert_int_equal(seteuid(0), 0);
}

/* A file is locked, not a name. */
static void test_all_names_have_one_lock(void **state) {
  make_db();
  for (int hard = 0; hard < 2; hard++) {
    sg_db *db = test_db_open(path, SG_OPEN_WRITE);
    assert_int_equal(hard ? link(path, other) : symlink(path, other), 0);
    test_db_refuses(other, SG_OPEN_WRITE, SG_BUSY, "another process is writing");
    test_db_close(db);
    test_db_close(test_db_open(other, SG_OPEN_WRITE));
    test_db_close(test_db_open(other, SG_OPEN_READ));
    unlink(other);
  }
}

/* What was left unfinished under one name would be lost under another. */
static void test_unfinished_under_another_name(void **state) {
  make_db();
  elsewhere("PRAGMA journal_mode = WAL;" MANY_ROWS, true);
  assert_true(exists("-wal"));
  assert_int_equal(link(path, other), 0);
  test_db_refuses(other, SG_OPEN_READ, SG_BUSY, "2 names (hard links)");
  test_db_refuses(other, SG_OPEN_WRITE, SG_BUSY, "2 names (hard links)");
  test_db_close(test_db_open(path, SG_OPEN_WRITE));
  sg_db *db = test_db_open(other, SG_OPEN_READ);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM calibration"), 100000);
  test_db_close(db);
}

/* The file of somebody else beside ours, which another program may call its lock. */
static void test_foreign_lock_file(void **state) {
  FILE *f = fopen(beside("-lock"), "w");
  fputs("mine", f);
  fclose(f);
  bytes before = read_all(beside("-lock"));
  make_db();
  expect_same(beside("-lock"), before);
}

static void test_dangling_links(void **state) {
  assert_int_equal(symlink("nowhere/r.db", path), 0);
  expect_open(SG_OPEN_WRITE, SG_CANNOT_CREATE, "-o");
  expect_open(SG_OPEN_READ, SG_NO_INPUT, "No such file");
  assert_true(exists(""));
  unlink(path);
  assert_int_equal(symlink(other, path), 0); /* to where a file can be made */
  make_db();
  assert_int_equal(access(other, F_OK), 0);
  assert_true(exists("") && !exists("-wal"));
}

/* Names that SQLite understands in its own way. */
static void test_special_names(void **state) {
  static const char *const names[] = {":memory:", "file:x.db?mode=memory", "file:y.db"};
  assert_int_equal(chdir(folder), 0);
  for (int i = 0; i < 3; i++) {
    test_db_close(test_db_open(names[i], SG_OPEN_WRITE));
    test_db_close(test_db_open(names[i], SG_OPEN_READ));
    assert_int_equal(access(names[i], F_OK), 0);
  }
  test_db_refuses("", SG_OPEN_WRITE, SG_CANNOT_CREATE, "No such file");
  assert_int_equal(chdir("/"), 0);
}

static void test_no_regular_file(void **state) {
  assert_int_equal(mkfifo(path, 0600), 0);
  expect_open(SG_OPEN_READ, SG_NO_INPUT, "a device or a pipe");
  expect_open(SG_OPEN_WRITE, SG_CANNOT_CREATE, "a device or a pipe");
  test_db_refuses("/dev/null", SG_OPEN_WRITE, SG_CANNOT_CREATE, "a device or a pipe");
}

/* --- Journals --------------------------------------------------------------------------------- */

static void test_foreign_journal_is_not_touched(void **state) {
  elsewhere("PRAGMA journal_mode = WAL; CREATE TABLE songs (title);", true);
  bytes main_file = read_all(path), wal = read_all(beside("-wal"));
  assert_true(wal.n > 0);
  expect_open(SG_OPEN_READ, SG_INVALID, "of straggle");
  expect_open(SG_OPEN_WRITE, SG_INVALID, "of straggle");
  expect_same(path, main_file);
  expect_same(beside("-wal"), wal);
}

/* A process killed in the middle of a transaction, with pages of it in the file. */
static void test_hot_journal(void **state) {
  make_db();
  elsewhere(MANY_ROWS, false);
  elsewhere(
      "PRAGMA cache_size = 4; PRAGMA synchronous = OFF; BEGIN; UPDATE calibration SET flops = -1;",
      true);
  assert_true(exists("-journal"));
  sg_db *db = test_db_open(path, SG_OPEN_READ);
  assert_int_equal(test_db_number(db, "SELECT min(flops) FROM calibration"), 1);
  test_db_close(db);
  assert_false(exists("-journal"));
}

/* Who may not write is told what to do. */
static void test_hot_journal_of_somebody_else(void **state) {
  if (geteuid() != 0) skip();
  make_db();
  elsewhere(MANY_ROWS, false);
  elsewhere(
      "PRAGMA cache_size = 4; PRAGMA synchronous = OFF; BEGIN; UPDATE calibration SET flops = -1;",
      true);
  chmod(folder, 0755);
  chmod(path, 0644);
  chmod(beside("-journal"), 0644);
  assert_int_equal(seteuid(65534), 0);
  expect_open(SG_OPEN_READ, SG_NO_INPUT, "killed");
  assert_int_equal(seteuid(0), 0);
}

/* A reader keeps results in the journal: that is known to who closes. */
static void test_reader_at_the_end(void **state) {
  sg_error e = {0};
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  sg_db *reader = test_db_open(path, SG_OPEN_READ);
  shell(sg_db_handle(reader), "BEGIN; SELECT count(*) FROM run");
  shell(sg_db_handle(db), MANY_ROWS);
  sqlite3_busy_timeout(sg_db_handle(db), 10);
  bool plain = true;
  assert_int_equal(sg_db_settle(db, &plain, &e), SG_OK);
  assert_false(plain);
  test_db_close(db);
  assert_true(exists("-wal"));
  test_db_close(reader);
  db = test_db_open(path, SG_OPEN_WRITE);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM calibration"), 100000);
  assert_int_equal(sg_db_settle(db, &plain, &e), SG_OK);
  assert_true(plain);
  test_db_close(db);
  assert_false(exists("-wal") || exists("-shm"));
}

static void test_free_pages_are_given_back(void **state) {
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  shell(sg_db_handle(db), MANY_ROWS "DELETE FROM calibration");
  assert_true(test_db_number(db, "PRAGMA freelist_count") > 256);
  test_db_close(db);
  db = test_db_open(path, SG_OPEN_READ);
  assert_int_equal(test_db_number(db, "PRAGMA freelist_count"), 0);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM t_quantile"), 200);
  test_db_close(db);
}

/* --- Damage and malice ------------------------------------------------------------------------ */

static void test_damage_is_seen_before_anything_is_written(void **state) {
  make_db();
  elsewhere(MANY_ROWS, false);
  int fd = open(path, O_RDWR);
  char garbage[4096];
  memset(garbage, 0xA5, sizeof garbage);
  off_t end = lseek(fd, 0, SEEK_END);
  assert_int_equal(pwrite(fd, garbage, sizeof garbage, end / 8192 * 4096), sizeof garbage);
  close(fd);
  bytes before = read_all(path);
  expect_open(SG_OPEN_WRITE, SG_INVALID, "damaged");
  expect_same(path, before);
  assert_false(exists("-wal") || exists("-journal"));
}

static void test_a_schema_that_is_not_ours(void **state) {
  static const char *const change[] = {
      "DROP VIEW v_ecdf; CREATE VIEW v_ecdf AS WITH n(i) AS (SELECT 1 UNION ALL SELECT i FROM n)"
      " SELECT i FROM n;",
      "DROP VIEW v_axes; CREATE VIEW v_axes AS SELECT point_id, randomblob(9) FROM point;",
      "DROP INDEX run_by_point; CREATE INDEX run_by_point ON run (point_id, replication) WHERE 0;",
      "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'final_loss',"
      " 'f1nal_loss') WHERE name = 'run_summary';"};
  for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
    make_db();
    elsewhere(change[i], false);
    bytes before = read_all(path);
    expect_open(SG_OPEN_READ, SG_INVALID, "is not as straggle makes it");
    expect_open(SG_OPEN_WRITE, SG_INVALID, "is not as straggle makes it");
    expect_same(path, before);
    unlink(path);
  }
}

/* What users add is theirs, but triggers do not fire. */
static void test_triggers_do_not_fire(void **state) {
  make_db();
  elsewhere("CREATE TABLE notes (text); CREATE VIEW mine AS SELECT * FROM v_point;"
            "CREATE TRIGGER t AFTER INSERT ON calibration BEGIN DELETE FROM t_quantile; END;",
            false);
  sg_db *db = test_db_open(path, SG_OPEN_WRITE);
  shell(sg_db_handle(db), "INSERT INTO calibration VALUES (1, 1, 1)");
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM t_quantile"), 200);
  assert_int_equal(test_db_number(db, "SELECT count(*) FROM mine"), 0);
  test_db_close(db);
}

static void test_limits_of_values(void **state) {
  make_db();
  sg_db *db = test_db_open(path, SG_OPEN_READ);
  sqlite3_stmt *s = NULL;
  sqlite3_prepare_v2(sg_db_handle(db), "SELECT zeroblob(1000000000)", -1, &s, NULL);
  assert_int_equal(sqlite3_step(s), SQLITE_TOOBIG);
  sqlite3_finalize(s);
  assert_int_not_equal(sqlite3_exec(sg_db_handle(db), "ATTACH 'x.db' AS x", NULL, NULL, NULL), 0);
  test_db_close(db);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      FILE_TEST(test_empty_file_and_folder),
      FILE_TEST(test_folder_that_does_not_exist),
      FILE_TEST(test_read_only_folder),
      FILE_TEST(test_all_names_have_one_lock),
      FILE_TEST(test_unfinished_under_another_name),
      FILE_TEST(test_foreign_lock_file),
      FILE_TEST(test_dangling_links),
      FILE_TEST(test_special_names),
      FILE_TEST(test_no_regular_file),
      FILE_TEST(test_foreign_journal_is_not_touched),
      FILE_TEST(test_hot_journal),
      FILE_TEST(test_hot_journal_of_somebody_else),
      FILE_TEST(test_reader_at_the_end),
      FILE_TEST(test_free_pages_are_given_back),
      FILE_TEST(test_damage_is_seen_before_anything_is_written),
      FILE_TEST(test_a_schema_that_is_not_ours),
      FILE_TEST(test_triggers_do_not_fire),
      FILE_TEST(test_limits_of_values),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
