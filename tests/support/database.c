/* SPDX-License-Identifier: MIT */
#include "tests/support/database.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

sg_db *test_db_open(const char *path, sg_open_mode mode) {
  sg_error e = {0};
  sg_db *db = NULL;
  if (sg_db_open(path, mode, &db, &e)) fail_msg("%s: %s", path, e.fault[0].message);
  assert_int_equal(e.count, 0);
  return db;
}

void test_db_close(sg_db *db) {
  sg_error e = {0};
  if (sg_db_close(db, &e)) fail_msg("%s", e.fault[0].message);
}

void test_db_refuses(const char *path, sg_open_mode mode, sg_status expected, const char *part) {
  sg_error e = {0};
  sg_db *db = NULL;
  sg_status status = sg_db_open(path, mode, &db, &e);
  if (status != expected)
    fail_msg("status %d, expected %d: %s", status, expected, e.count ? e.fault[0].message : "");
  assert_null(db);
  assert_int_equal(e.count, 1);
  assert_string_equal(e.fault[0].place, path);
  if (!strstr(e.fault[0].message, part)) fail_msg("\"%s\" not in \"%s\"", part, e.fault[0].message);
  sg_error_clear(&e);
}

int64_t test_db_number(sg_db *db, const char *sql) {
  sqlite3_stmt *s = NULL;
  if (sqlite3_prepare_v2(sg_db_handle(db), sql, -1, &s, NULL))
    fail_msg("%s", sqlite3_errmsg(sg_db_handle(db)));
  assert_int_equal(sqlite3_step(s), SQLITE_ROW);
  int64_t x = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return x;
}
