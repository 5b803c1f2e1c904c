/* SPDX-License-Identifier: MIT */
/* What the files of results/ share: SQLite calls that fail with our messages. */
#ifndef SG_RESULTS_DATABASE_H
#define SG_RESULTS_DATABASE_H

#include "results/results.h"

/* Records that nobody else sees. */
typedef struct sg_scenario_record {
  const char *name, *path, *text, *sha256;
} sg_scenario_record;
typedef struct sg_calibration_record {
  double flops, seconds;
} sg_calibration_record;
typedef struct sg_t_quantile_record {
  double t975;
} sg_t_quantile_record;
typedef struct sg_column_doc_record {
  const char *table_name, *column_name, *unit, *meaning;
} sg_column_doc_record;

/* The fault of the last SQLite call, with the status that fits and the name of the file. */
sg_status sg_db_fail(sg_db *db, sg_error *e);
sg_status sg_db_execute(sg_db *db, const char *sql, sg_error *e);
sg_status sg_db_prepare(sg_db *db, const char *sql, sqlite3_stmt **out, sg_error *e);
/* One step; a row and the end are both well. */
sg_status sg_db_step(sg_db *db, sqlite3_stmt *statement, sg_error *e);
/* One step; whether it came to a row. Nothing is done where *status is a fault already. */
bool sg_db_row(sg_db *db, sqlite3_stmt *statement, sg_status *status, sg_error *e);
/* A text that our files always have; "" where a damaged one has NULL. */
const char *sg_db_text(sqlite3_stmt *statement, int column);
/* Prepares a query and binds :text and :number, as far as it names them. */
sg_status sg_db_ask(sg_db *db, const char *sql, const char *text, int64_t number,
                    sqlite3_stmt **out, sg_error *e);
/* "INSERT INTO table (…) VALUES (?, …)" and `suffix`: the keys of a table, then its members, in
 * order (columns.h). */
sg_status sg_db_prepare_insert(sg_db *db, const char *table, const char *suffix, sqlite3_stmt **out,
                               sg_error *e);
/* Inserts a record into its table, behind the keys of what it belongs to, and `conflict` (ON
 * CONFLICT …, or "") after it; *id, if it is wanted, is the row's number. */
sg_status sg_db_insert(sg_db *db, const char *table, int n_keys, const int64_t *key,
                       const void *record, const char *conflict, int64_t *id, sg_error *e);
/* "summary", "iteration", "worker" */
const char *sg_detail_name(sg_detail detail);

#endif
