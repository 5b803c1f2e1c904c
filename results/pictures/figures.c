/* SPDX-License-Identifier: MIT */
/* Which plots there are, and which one suits a database. */
#include "results/pictures/figure_rows.h"

#include "results/database.h"
#include "sim/core/nearest.h"

#include <string.h>

const sg_figure sg_figures[] = {
    {"time", "time against an axis, each family of codes at its best parameters",
     "an axis (sweep) or --x", sg_figure_time},
    {"speedup", "how much faster than the baseline each scheme is, with intervals", "",
     sg_figure_speedup},
    {"pareto", "time against --x work, bytes or error; what nothing beats is ringed", "",
     sg_figure_pareto},
    {"ecdf", "how iteration times are distributed", "", sg_figure_ecdf},
    {"tail", "the share of iterations that take longer, on a logarithmic scale", "",
     sg_figure_tail},
    {"loss", "loss over simulated time (--x bits: bits), median and band (--y test_accuracy, …)",
     "a learning problem, detail iteration", sg_figure_loss},
    {"gradient", "‖∇f‖² over simulated time, as loss", "stop.target_grad_norm2, detail iteration",
     sg_figure_gradient},
    {"heat", "the best scheme and its time over two axes", "two axes, or --x and --y",
     sg_figure_heat},
    {"where", "where the time of an iteration goes: computing, sending, waiting, decoding", "",
     sg_figure_where},
    {"lateness", "how late each worker was in each iteration", "detail worker", sg_figure_lateness},
    {"last", "how often each worker arrived last", "detail worker", sg_figure_last},
    {"error", "numerical error against the number of workers",
     "rows of codes check, or learning runs", sg_figure_error},
    {"columns", "any column of v_point against any other: --x, --y, --group", "", sg_figure_free},
    {0}};

static const sg_figure *find(const char *name) {
  for (const sg_figure *f = sg_figures; f->name; f++)
    if (!strcmp(f->name, name)) return f;
  return NULL;
}

static sg_status fail_name(const char *name, sg_error *e) {
  sg_nearness near = {.word = name};
  for (const sg_figure *f = sg_figures; f->name; f++) sg_consider(&near, f->name);
  return sg_fail(e, SG_USAGE, NULL, "there is no plot \"%s\"%s%s%s; `plot DB @` lists them", name,
                 near.best ? "; did you mean \"" : "", near.best ? near.best : "",
                 near.best ? "\"?" : "");
}

/* Columns that are named want the free form; checks alone an error; one scheme its times; a sweep
 * time against its axis; else the speed-ups are the answer. */
static sg_status choose(sg_db *db, const sg_figure_request *r, const sg_figure **out, sg_error *e) {
  if (r->name) return (*out = find(r->name)) ? SG_OK : fail_name(r->name, e);
  if (r->x || r->y || r->group) {
    *out = find("columns");
    return SG_OK;
  }
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(
      db,
      "SELECT (SELECT count(*) FROM run WHERE status <> 'running'), (SELECT count(*) FROM"
      " code_check), (SELECT count(*) FROM (SELECT 1 FROM point GROUP BY env_sha256,"
      " results_version)), (SELECT count(*) FROM point)",
      &s, e);
  bool row = sg_db_row(db, s, &status, e);
  bool runs = row && sqlite3_column_int64(s, 0) > 0, checks = row && sqlite3_column_int64(s, 1) > 0,
       sweep = row && sqlite3_column_int64(s, 2) > 1, one = row && sqlite3_column_int64(s, 3) == 1;
  sqlite3_finalize(s);
  *out = find("speedup");
  if (!runs && checks) *out = find("error");
  if (runs && one) *out = find("ecdf");
  if (status || !runs || !sweep) return status;
  sg_rows_found f = {0};
  status = sg_find_axes(db, r, &f, e);
  const sg_axis_found *axis = status ? NULL : sg_best_axis(&f, NULL);
  if (axis && axis->of_environment) *out = find("time");
  sg_rows_clear(&f);
  return status;
}

sg_status sg_figure_make(sg_db *db, const sg_figure_request *r, const sg_figure **used, sg_chart *c,
                         sg_error *e) {
  const sg_figure *figure = NULL;
  /* One transaction: a writer that is at work does not show us two states of the database. */
  sg_status status = sg_db_begin(db, e);
  if (status) return status;
  status = choose(db, r, &figure, e);
  if (used) *used = figure;
  if (!status) status = figure->make(db, r, c, e);
  if (!status && sg_chart_is_empty(c))
    status = sg_fail(e, SG_INVALID, NULL, "there is nothing to draw: no point has both numbers");
  return sg_db_end(db, status, e);
}
