/* SPDX-License-Identifier: MIT */
/* Means and quantiles of simulated iteration times, with standard errors over runs. */
#include "sim/expect/simulated.h"

#include "results/answers/statistics.h"
#include "results/database.h"
#include "sim/core/array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double column(sqlite3_stmt *s, int i) {
  return sqlite3_column_type(s, i) == SQLITE_NULL ? NAN : sqlite3_column_double(s, i);
}

/* Pools the runs: means by the numbers of iterations, squares within and between runs. No run has
 * more iterations than a scenario may ask for: memory is taken by their number. */
static sg_status read_runs(sg_db *db, int64_t point, sg_simulated *x, bool *rows, sg_error *e) {
  static const char sql[] =
      "SELECT r.iterations, s.iter_mean_s, s.iter_sd_s, r.detail <> 'summary', "
      "r.stop_reason = 'sim-time', (SELECT iter_p99_s FROM v_iter_quantile WHERE point_id = ?1) "
      "FROM run r JOIN run_summary s USING (run_id) WHERE r.point_id = ?1 AND r.status = "
      "'finished' AND r.iterations BETWEEN 1 AND 1000000000 ORDER BY r.run_id";
  sqlite3_stmt *s = NULL;
  if (sqlite3_prepare_v2(sg_db_handle(db), sql, -1, &s, NULL)) return sg_db_fail(db, e);
  sqlite3_bind_int64(s, 1, point);
  double squares = 0;
  int step;
  *rows = true;
  while ((step = sqlite3_step(s)) == SQLITE_ROW) {
    double n = column(s, 0), mean = column(s, 1), sd = column(s, 2);
    double before = (double)x->iterations, gap = mean - x->mean;
    if (n > 1 && !isnan(sd)) squares += (n - 1) * sd * sd;
    squares += gap * gap * before * n / (before + n);
    x->mean += gap * n / (before + n);
    x->iterations += (long)n;
    *rows = *rows && sqlite3_column_int(s, 3);
    x->cut = x->cut || sqlite3_column_int(s, 4);
    x->p99 = column(s, 5);
    x->runs++;
  }
  sqlite3_finalize(s);
  if (step != SQLITE_DONE) return sg_db_fail(db, e);
  x->sd = x->iterations > 1 ? sqrt(squares / (double)(x->iterations - 1)) : NAN;
  return SG_OK;
}

static sg_status read_rows(sg_db *db, int64_t point, sg_simulated *x, sg_error *e) {
  static const char sql[] =
      "SELECT r.replication, i.iteration, i.duration_s FROM run r JOIN iteration i USING (run_id) "
      "WHERE r.point_id = ?1 AND r.status = 'finished' ORDER BY r.replication, i.iteration";
  sqlite3_stmt *s = NULL;
  size_t room = (size_t)x->iterations, n = 0;
  x->time = malloc(room * sizeof *x->time);
  x->address = malloc(room * sizeof *x->address);
  if (!x->time || !x->address) return sg_fail_memory(e);
  if (sqlite3_prepare_v2(sg_db_handle(db), sql, -1, &s, NULL)) return sg_db_fail(db, e);
  sqlite3_bind_int64(s, 1, point);
  int step;
  while ((step = sqlite3_step(s)) == SQLITE_ROW && n < room) {
    x->address[n] = (int64_t)((uint64_t)sqlite3_column_int64(s, 0) << 32 |
                              (uint32_t)sqlite3_column_int64(s, 1));
    x->time[n++] = column(s, 2);
  }
  sqlite3_finalize(s);
  if (step != SQLITE_DONE && step != SQLITE_ROW) return sg_db_fail(db, e);
  if (n == room) return SG_OK;
  /* Fewer rows than the runs say that they have: not to be relied on. */
  free(x->time);
  free(x->address);
  x->time = NULL;
  x->address = NULL;
  return SG_OK;
}

sg_status sg_simulated_read(sg_db *db, const char *point_sha256, sg_simulated *x, sg_error *e) {
  *x = (sg_simulated){.mean = 0, .sd = NAN, .p99 = NAN};
  int64_t point = 0;
  bool rows = false;
  sg_status status = sg_db_find_point(db, point_sha256, &point, e);
  if (!status && point) status = read_runs(db, point, x, &rows, e);
  if (status || x->iterations == 0 || !rows) return status;
  status = read_rows(db, point, x, e);
  if (status || !x->time) return status;
  size_t n = (size_t)x->iterations;
  double *sorted = malloc(n * sizeof *sorted);
  if (!sorted) return sg_fail_memory(e);
  memcpy(sorted, x->time, n * sizeof *sorted);
  sg_sort_doubles(sorted, n);
  x->p99 = sg_quantile(sorted, n, 0.99);
  free(sorted);
  return SG_OK;
}

void sg_simulated_clear(sg_simulated *x) {
  free(x->time);
  free(x->address);
  *x = (sg_simulated){0};
}

double sg_simulated_within(const sg_simulated *x, double t) {
  if (!x->time) return NAN;
  long within = 0;
  for (long i = 0; i < x->iterations; i++) within += x->time[i] <= t;
  return (double)within / (double)x->iterations;
}

double sg_simulated_correlation(const sg_simulated *a, const sg_simulated *b) {
  if (!a->time || !b->time) return 1;
  double aa = 0, bb = 0, ab = 0;
  long i = 0, j = 0;
  while (i < a->iterations && j < b->iterations) {
    if (a->address[i] < b->address[j]) {
      i++;
    } else if (a->address[i] > b->address[j]) {
      j++;
    } else {
      double x = a->time[i++] - a->mean, y = b->time[j++] - b->mean;
      aa += x * x;
      bb += y * y;
      ab += x * y;
    }
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}
