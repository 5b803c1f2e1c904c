/* SPDX-License-Identifier: MIT */
/* Checks of codes: the rows of code_check and code_check_sets. */
#include "results/database.h"

#include <inttypes.h>
#include <stdio.h>

static const char insert_check[] =
    "INSERT INTO code_check (invocation_id, n_workers, n_subsets, length, max_patterns,"
    " exact, exhaustive, patterns_tried, patterns_searched, stragglers_s, comm_m,"
    " stragglers_found, stragglers_proved, broken_promises, patterns_inaccurate,"
    " scheme_label, code, config_json, speeds, seed, broken_missing, cond2_worst_missing,"
    " amp_worst_missing, residual_worst_missing, err_float64_worst_missing,"
    " err_float32_worst_missing, err_bfloat16_worst_missing, patterns, load_d, load_found, "
    "stored_data_factor,"
    " comm_found, slack, cond2_median, cond2_p90, cond2_worst, amp_median, amp_p90,"
    " amp_worst, residual_median, residual_worst, err_float64_median, err_float64_p99,"
    " err_float64_worst, err_float32_median, err_float32_p99, err_float32_worst,"
    " err_bfloat16_median, err_bfloat16_p99, err_bfloat16_worst, encode_flops, find_flops,"
    " apply_flops, least_messages, received_gradients, received_bytes) VALUES (?, ?, ?, ?, ?,"
    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

static void bind_text(sqlite3_stmt *statement, int index, const char *text) {
  if (text) sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* The older check of the same thing goes first: its sets go with it. */
static sg_status delete_older(sg_db *db, const sg_code_check_record *r, const char *seed,
                              sg_error *e) {
  sqlite3_stmt *statement = NULL;
  sg_status status = sg_db_prepare(
      db,
      "DELETE FROM code_check WHERE config_json = ? AND n_workers = ? AND n_subsets = ?"
      " AND length = ? AND seed = ? AND max_patterns = ? AND speeds = ?",
      &statement, e);
  if (!status) {
    bind_text(statement, 1, r->config_json);
    sqlite3_bind_int(statement, 2, r->n_workers);
    sqlite3_bind_int(statement, 3, r->n_subsets);
    sqlite3_bind_int64(statement, 4, r->length);
    bind_text(statement, 5, seed);
    sqlite3_bind_int64(statement, 6, r->max_patterns);
    bind_text(statement, 7, r->speeds);
    status = sg_db_step(db, statement, e);
  }
  sqlite3_finalize(statement);
  return status;
}

static sg_status add_check(sg_db *db, int64_t invocation_id, const sg_code_check_record *r,
                           const char *seed, int64_t *id, sg_error *e) {
  sqlite3_stmt *insert = NULL;
  sg_status status = sg_db_prepare(db, insert_check, &insert, e);
  if (!status) {
    const int64_t integer[] = {invocation_id,
                               r->n_workers,
                               r->n_subsets,
                               r->length,
                               r->max_patterns,
                               r->exact,
                               r->exhaustive,
                               r->patterns_tried,
                               r->patterns_searched,
                               r->stragglers_s,
                               r->comm_m,
                               r->stragglers_found,
                               r->stragglers_proved,
                               r->broken_promises,
                               r->patterns_inaccurate};
    const char *text[] = {r->scheme_label,
                          r->code,
                          r->config_json,
                          r->speeds,
                          seed,
                          r->broken_missing,
                          r->cond2.missing,
                          r->amp.missing,
                          r->residual.missing,
                          r->err_float64.missing,
                          r->err_float32.missing,
                          r->err_bfloat16.missing};
    const double real[] = {r->patterns,
                           r->load_d,
                           r->load_found,
                           r->stored_data_factor,
                           r->comm_found,
                           r->slack,
                           r->cond2.median,
                           r->cond2.p90,
                           r->cond2.worst,
                           r->amp.median,
                           r->amp.p90,
                           r->amp.worst,
                           r->residual.median,
                           r->residual.worst,
                           r->err_float64.median,
                           r->err_float64.p99,
                           r->err_float64.worst,
                           r->err_float32.median,
                           r->err_float32.p99,
                           r->err_float32.worst,
                           r->err_bfloat16.median,
                           r->err_bfloat16.p99,
                           r->err_bfloat16.worst,
                           r->encode_flops,
                           r->find_flops,
                           r->apply_flops,
                           r->least_messages,
                           r->received_gradients,
                           r->received_bytes};
    int k = 1;
    for (size_t i = 0; i < sizeof integer / sizeof *integer; i++)
      sqlite3_bind_int64(insert, k++, integer[i]);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) bind_text(insert, k++, text[i]);
    for (size_t i = 0; i < sizeof real / sizeof *real; i++) sg_bind_real(insert, k++, real[i]);
    status = sg_db_step(db, insert, e);
  }
  if (!status) *id = sqlite3_last_insert_rowid(sg_db_handle(db));
  sqlite3_finalize(insert);
  return status;
}

static sg_status add_sets(sg_db *db, int64_t id, const sg_code_check_record *r, sg_error *e) {
  sqlite3_stmt *insert = NULL;
  sg_status status =
      sg_db_prepare(db, "INSERT INTO code_check_sets VALUES (?, ?, ?, ?, ?)", &insert, e);
  for (int i = 0; i < r->n_sets && !status; i++) {
    sqlite3_bind_int64(insert, 1, id);
    sqlite3_bind_int(insert, 2, r->sets[i].responders);
    sqlite3_bind_double(insert, 3, r->sets[i].sets);
    sqlite3_bind_int64(insert, 4, r->sets[i].tried);
    sqlite3_bind_int64(insert, 5, r->sets[i].decodable);
    status = sg_db_step(db, insert, e);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  return status;
}

static sg_status add_one(sg_db *db, int64_t invocation_id, const sg_code_check_record *r,
                         sg_error *e) {
  char seed[24];
  int64_t id = 0;
  snprintf(seed, sizeof seed, "%" PRIu64, r->seed);
  sg_status status = delete_older(db, r, seed, e);
  if (!status) status = add_check(db, invocation_id, r, seed, &id, e);
  if (!status) status = add_sets(db, id, r, e);
  return status;
}

sg_status sg_db_add_code_checks(sg_db *db, const sg_invocation *invocation, int count,
                                const sg_code_check_record *record, sg_error *e) {
  int64_t id = 0;
  sg_status status = sg_db_execute(db, "SAVEPOINT code_check", e);
  if (status) return status;
  status = sg_db_add_invocation(db, invocation, &id, e);
  for (int i = 0; i < count && !status; i++) status = add_one(db, id, &record[i], e);
  if (!status) status = sg_db_execute(db, "RELEASE code_check", e);
  if (status)
    sqlite3_exec(sg_db_handle(db), "ROLLBACK TO code_check; RELEASE code_check", NULL, NULL, NULL);
  return status;
}
