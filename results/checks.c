/* SPDX-License-Identifier: MIT */
/* Checks of codes: the rows of code_check and code_check_sets. */
#include "results/columns.h"

/* The older check of the same thing goes first: its sets go with it. */
static sg_status delete_older(sg_db *db, const sg_code_check_record *r, sg_error *e) {
  sqlite3_stmt *statement = NULL;
  sg_status status = sg_db_prepare(
      db,
      "DELETE FROM code_check WHERE config_json = ? AND n_workers = ? AND n_subsets = ?"
      " AND length = ? AND seed = ? AND max_patterns = ? AND speeds = ?",
      &statement, e);
  if (!status) {
    sg_bind_text(statement, 1, r->config_json);
    sqlite3_bind_int(statement, 2, r->n_workers);
    sqlite3_bind_int(statement, 3, r->n_subsets);
    sqlite3_bind_int64(statement, 4, r->length);
    sg_bind_seed(statement, 5, r->seed);
    sqlite3_bind_int64(statement, 6, r->max_patterns);
    sg_bind_text(statement, 7, r->speeds);
    status = sg_db_step(db, statement, e);
  }
  sqlite3_finalize(statement);
  return status;
}

static sg_status add_one(sg_db *db, int64_t invocation_id, const sg_code_check_record *r,
                         sg_error *e) {
  int64_t id = 0;
  sg_status status = delete_older(db, r, e);
  if (!status) status = sg_db_insert(db, "code_check", 1, &invocation_id, r, "", &id, e);
  for (int i = 0; i < r->n_sets && !status; i++)
    status = sg_db_insert(db, "code_check_sets", 1, &id, &r->sets[i], "", NULL, e);
  return status;
}

sg_status sg_db_add_code_checks(sg_db *db, const sg_invocation *invocation, int count,
                                const sg_code_check_record *record, sg_error *e) {
  int64_t id = 0;
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = sg_db_add_invocation(db, invocation, &id, e);
  for (int i = 0; i < count && !status; i++) status = add_one(db, id, &record[i], e);
  return sg_db_end(db, status, e);
}
