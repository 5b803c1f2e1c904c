/* SPDX-License-Identifier: MIT */
/* Which scheme of a database is asked who makes the others wait, and the arrivals of its workers.
 */
#include "results/answers/blame.h"

#include "results/database.h"
#include "results/pictures/figure_rows.h"
#include "sim/core/array.h"

#include <stdlib.h>
#include <string.h>

void sg_blame_source_clear(sg_blame_source *source) {
  free(source->label);
  free(source->panel);
  *source = (sg_blame_source){0};
}

/* How well a scheme suits the question. */
static int suits(sqlite3_stmt *s) {
  return 2 * (sqlite3_column_double(s, 2) >= 1) + sqlite3_column_int(s, 1);
}

static sg_status fail_none(sg_error *e) {
  return sg_fail(
      e, SG_INVALID, NULL,
      "no scheme that is asked for has rows of workers and a barrier at which they wait; "
      "such rows are written where a scenario says \"output\": {\"detail\": "
      "\"worker\"}, as in `straggle run SCENARIO --set /output/detail=worker`");
}

/* The first of those that suit best. */
static sg_status choose(sg_db *db, const sg_rows_found *f, sg_blame_source *source, sg_error *e) {
  sqlite3_stmt *s = NULL;
  int best = -1, hint = 0;
  sg_status status =
      sg_db_prepare(db,
                    "SELECT point_id, is_baseline, min(used_share), count(DISTINCT run_id),"
                    " json_extract(config_json, '$.environment.delay.mode') = 'replay',"
                    " json_type(config_json, '$.scheme.collective') IS NOT NULL"
                    " FROM point JOIN run USING (point_id) LEFT JOIN worker_summary USING (run_id)"
                    " WHERE detail = 'worker' AND status <> 'running' AND barrier GROUP BY point_id"
                    " ORDER BY point_id",
                    &s, e);
  while (sg_db_row(db, s, &status, e)) {
    const sg_row *row = sg_row_of(f, sqlite3_column_int64(s, 0), &hint);
    if (!row) continue;
    source->of++;
    if (suits(s) <= best) continue;
    best = suits(s);
    free(source->label);
    free(source->panel);
    source->point_id = row->point_id;
    source->label = strdup(row->label);
    source->panel = strdup(row->panel);
    source->replay = sqlite3_column_int(s, 4);
    source->collective = sqlite3_column_int(s, 5);
    source->runs = source->replay ? 1 : sqlite3_column_int(s, 3);
    if (!source->label || !source->panel) status = sg_fail_memory(e);
  }
  sqlite3_finalize(s);
  return status || best >= 0 ? status : fail_none(e);
}

static sg_status fail_damaged(const sg_blame_source *source, sg_error *e) {
  return sg_fail(e, SG_INVALID, NULL,
                 "the rows of workers of \"%s\" are not complete: is the file damaged?",
                 source->label);
}

/* Rows must be rectangles; those of a damaged file may be anything. Replayed runs are one run. In
 * an all-reduce everybody's last message comes when all is over: what the others wait for is that a
 * worker has computed. Who is late and only forwards has finished no task. */
static sg_status read_times(sg_db *db, const sg_blame_source *source, sg_arrivals *a, sg_error *e) {
  sqlite3_stmt *s = NULL;
  size_t capacity = 0, n = 0;
  sg_buffer sql = {0};
  sg_putf(&sql,
          "SELECT worker, n_workers, CASE WHEN %s END FROM point"
          " JOIN run USING (point_id) JOIN worker_iteration USING (run_id)"
          " WHERE point_id = :number AND detail = 'worker' AND status <> 'running'%s"
          " ORDER BY replication, iteration, worker",
          source->collective ? "used AND tasks > 0 THEN compute_s" : "used THEN arrival_s",
          source->replay ? " AND run_id = (SELECT min(run_id) FROM run WHERE point_id = :number"
                           " AND detail = 'worker' AND status <> 'running')"
                         : "");
  sg_status status =
      sql.failed ? sg_fail_memory(e) : sg_db_ask(db, sql.data, NULL, source->point_id, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    a->workers = sqlite3_column_int(s, 1);
    double time = sqlite3_column_type(s, 2) == SQLITE_NULL ? NAN : sqlite3_column_double(s, 2);
    if (a->workers < 1 || sqlite3_column_int64(s, 0) != (int64_t)(n % (size_t)a->workers))
      status = fail_damaged(source, e);
    else if (!SG_ROOM(a->time, capacity, n + 1))
      status = sg_fail_memory(e);
    else
      a->time[n++] = isfinite(time) ? time : NAN;
  }
  sqlite3_finalize(s);
  sg_buffer_free(&sql);
  if (status || !a->workers) return status;
  a->iterations = (long)(n / (size_t)a->workers);
  return n % (size_t)a->workers ? fail_damaged(source, e) : SG_OK;
}

sg_status sg_blame_read(sg_db *db, const sg_figure_request *r, sg_blame_source *source,
                        sg_arrivals *a, sg_error *e) {
  static const char *const none[SG_ROW_COLUMNS] = {NULL};
  sg_rows_found f = {0};
  sg_status status = sg_find_axes(db, r, &f, e);
  if (!status) status = sg_find_rows(db, r, none, &f, e);
  if (!status) status = choose(db, &f, source, e);
  if (!status) status = read_times(db, source, a, e);
  if (!status && a->iterations == 0) status = fail_none(e);
  sg_rows_clear(&f);
  return status;
}
