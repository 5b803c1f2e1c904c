/* SPDX-License-Identifier: MIT */
/* Reads the schemes of a database with the summaries of their runs, and folds these over the runs
 * of each scheme. Columns are read as the table of columns lists them: a new one is there at once.
 */
#include "results/columns.h"
#include "results/judge.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void sg_comparison_clear(sg_comparison *c) {
  for (int i = 0; i < c->n; i++) {
    sg_record_clear("point", &c->scheme[i].point);
    free(c->scheme[i].run);
  }
  free(c->scheme);
  free(c->environment);
  *c = (sg_comparison){0};
}

/* Before the members of `point` in a row: point_id, results_version, replication, status. */
enum { POINT_AT = 4 };

static sg_judged *add_scheme(sg_comparison *c, sqlite3_stmt *s) {
  if (!SG_ROOM(c->scheme, c->capacity, c->n + 1)) return NULL;
  sg_judged *j = &c->scheme[c->n++];
  *j = (sg_judged){.point_id = sqlite3_column_int64(s, 0),
                   .results_version = sqlite3_column_int64(s, 1),
                   .verdict = ""};
  return sg_read_record(s, POINT_AT, "point", &j->point) ? j : NULL;
}

static bool add_run(sg_judged *j, sqlite3_stmt *s, int summary_at) {
  if (!SG_ROOM(j->run, j->capacity, j->n_runs + 1)) return false;
  const char *status = (const char *)sqlite3_column_text(s, 3);
  if (!status) return false;
  sg_outcome *o = &j->run[j->n_runs++];
  *o = (sg_outcome){.replication = sqlite3_column_int(s, 2),
                    .finished = strcmp(status, "finished") == 0};
  j->n_diverged += strcmp(status, "diverged") == 0;
  j->n_stalled += strcmp(status, "stalled") == 0;
  j->n_undecodable += strcmp(status, "undecodable") == 0;
  j->n_ended_early += !o->finished;
  return sg_read_record(s, summary_at, "run_summary", &o->summary);
}

/* One column over the runs of a scheme. */
static double fold(const sg_judged *j, const sg_column *c) {
  sg_moments known = {0};
  double sum = 0;
  for (int i = 0; i < j->n_runs; i++) {
    double x = sg_column_number(c, &j->run[i].summary);
    if (isnan(x)) continue;
    sg_moments_add(&known, x);
    sum += x;
  }
  switch (c->fold) {
  case SG_FOLD_MEAN: return sg_moments_mean(&known);
  case SG_FOLD_MAX: return known.n ? known.max : NAN;
  case SG_FOLD_SUM: return known.n ? sum : NAN;
  case SG_FOLD_NONE:
  case SG_FOLD_LAST: break;
  }
  return NAN;
}

static bool fold_runs(sg_judged *j) {
  j->summary = sg_summary_blank;
  for (const sg_column *c = sg_members_of("run_summary"); c; c = sg_column_after(c))
    sg_column_set_number(c, &j->summary, fold(j, c));
  size_t n = 0, upper = (size_t)j->n_runs / 2, lower = ((size_t)j->n_runs - 1) / 2;
  double *time = malloc((size_t)j->n_runs * sizeof *time);
  if (!time) return false;
  for (int i = 0; i < j->n_runs; i++) {
    time[n] = j->run[i].summary.time_to_target_s;
    if (!isnan(time[n])) n++;
  }
  sg_sort_doubles(time, n);
  j->n_reached = (int)n;
  j->median_time_to_target = upper < n ? (time[lower] + time[upper]) / 2 : NAN;
  free(time);
  return true;
}

sg_status sg_comparison_load(sg_db *db, sg_comparison *c, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer sql = {0};
  sg_put(&sql, "SELECT p.point_id, p.results_version, r.replication, r.status, ");
  int summary_at = POINT_AT + sg_put_members("point", "p.", &sql);
  sg_put(&sql, ", ");
  sg_put_members("run_summary", "s.", &sql);
  sg_put(&sql, " FROM point p JOIN run r USING (point_id) JOIN run_summary s USING (run_id)"
               " WHERE r.status <> 'running'"
               " ORDER BY min(p.point_id) OVER (PARTITION BY p.env_sha256, p.results_version),"
               " p.point_id, r.replication");
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, &s, e);
  sg_buffer_free(&sql);
  while (sg_db_row(db, s, &status, e)) {
    sg_judged *last = c->n ? &c->scheme[c->n - 1] : NULL;
    if (!last || last->point_id != sqlite3_column_int64(s, 0)) last = add_scheme(c, s);
    if (!last || !add_run(last, s, summary_at)) status = sg_fail_memory(e);
  }
  for (int i = 0; i < c->n && !status; i++)
    if (!fold_runs(&c->scheme[i])) status = sg_fail_memory(e);
  sqlite3_finalize(s);
  return status;
}
