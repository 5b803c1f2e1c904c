/* SPDX-License-Identifier: MIT */
/* Databases in tests: what does not go as expected fails the running test. */
#ifndef SG_TESTS_DATABASE_H
#define SG_TESTS_DATABASE_H

#include "results/results.h"

sg_db *test_db_open(const char *path, sg_open_mode mode);
void test_db_close(sg_db *db);
/* That opening ends in one fault, at the file, with `part` in its message. */
void test_db_refuses(const char *path, sg_open_mode mode, sg_status expected, const char *part);
/* The first column of the first row. */
int64_t test_db_number(sg_db *db, const char *sql);

#endif
