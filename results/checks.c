/* SPDX-License-Identifier: MIT */
/* Checks of codes: the rows of code_check and code_check_sets. */
#include "results/columns.h"

/* The older check of the same thing goes first: its sets go with it. */
static sg_status delete_older(sg_db *db, const sg_code_check_record *r, sg_error *e) {
  char *sql = sqlite3_mprintf(
      "DELETE FROM code_check WHERE config_json = %Q AND n_workers = %d AND n_subsets = %d"
      " AND length = %lld AND seed = '%llu' AND max_patterns = %lld AND speeds = %Q",
      r->config_json, r->n_workers, r->n_subsets, (long long)r->length, (unsigned long long)r->seed,
      (long long)r->max_patterns, r->speeds);
  sg_status status = sql ? sg_db_execute(db, sql, e) : sg_fail_memory(e);
  sqlite3_free(sql);
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
