/* SPDX-License-Identifier: MIT */
/* Plots that are a curve per scheme: how iteration times are distributed, loss over time. */
#include "results/pictures/figure_rows.h"

#include "results/answers/statistics.h"
#include "results/database.h"
#include "sim/core/array.h"
#include "sim/core/owned.h"

#include <string.h>

/* Schemes in the order of what is in y, the best first, those that are not to be compared behind.
 */
static int by_time(const void *a, const void *b) {
  const sg_row *p = *(const sg_row *const *)a, *q = *(const sg_row *const *)b;
  double x = p->cell[SG_ROW_Y].number, y = q->cell[SG_ROW_Y].number;
  if (p->comparable != q->comparable) return p->comparable ? -1 : 1;
  if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
  return x != y ? (x > y) - (x < y) : (p->point_id > q->point_id) - (p->point_id < q->point_id);
}

/* What both kinds of curve begin with: rows, in the order in which they are drawn. */
static sg_status begin(sg_db *db, const sg_figure_request *r, sg_rows_found *f,
                       const sg_row ***order, sg_chart *c, sg_error *e) {
  sg_status status = sg_find_axes(db, r, f, e);
  const char *column[SG_ROW_COLUMNS] = {[SG_ROW_Y] = sg_time_column(f), [SG_ROW_GROUP] = r->group};
  *order = NULL;
  if (!status) status = sg_find_rows(db, r, column, f, e);
  if (status) return status;
  *order = calloc((size_t)f->n + 1, sizeof **order);
  if (!*order) return sg_fail_memory(e);
  for (int i = 0; i < f->n && !status; i++) {
    int panel; /* made in the order of the environments */
    status = sg_panel_of(c, f, &f->row[i], &panel, e);
    f->row[i].comparable |= f->to_target;
    (*order)[i] = &f->row[i];
  }
  if (!status) qsort(*order, (size_t)f->n, sizeof **order, by_time); /* else some may be missing */
  return status;
}

static sg_status say_first(sg_chart *c, sg_error *e) {
  if (c->n_panels > 1)
    return sg_chart_say(&c->message, e, "%d curves in %d panels", c->n_series, c->n_panels);
  return sg_chart_say(&c->message, e, "%d scheme%s, the fastest first: %s", c->n_series,
                      c->n_series == 1 ? "" : "s", c->series[0].name);
}

/* --- Distributions ---------------------------------------------------------------------------- */

typedef struct groups { /* iteration times of a point, ascending: how many are this */
  int n, capacity;
  struct {
    double seconds;
    int64_t count;
  } * group;
  int64_t total;
} groups;

/* By iterations, where every run has them, else as they were put together for the quantiles. */
static sg_status read_times(sg_db *db, sqlite3_stmt *s, int64_t point_id, groups *g, sg_error *e) {
  sg_status status = SG_OK;
  g->n = 0;
  g->total = 0;
  sqlite3_reset(s);
  sqlite3_bind_int64(s, 1, point_id);
  while (sg_db_row(db, s, &status, e)) {
    double seconds = sqlite3_column_double(s, 0);
    int64_t count = sqlite3_column_int64(s, 1);
    g->total += count;
    if (g->n > 0 && g->group[g->n - 1].seconds == seconds) {
      g->group[g->n - 1].count += count;
      continue;
    }
    if (!SG_ROOM(g->group, g->capacity, g->n + 1)) return sg_fail_memory(e);
    g->group[g->n].seconds = seconds;
    g->group[g->n++].count = count;
  }
  return status;
}

static sg_status add_times(const groups *g, bool tail, sg_chart *c, sg_error *e) {
  sg_status status = SG_OK;
  int64_t so_far = 0;
  for (int i = 0; i < g->n && !status; i++) {
    so_far += g->group[i].count;
    int64_t count = tail ? g->total - so_far : so_far;
    status = sg_chart_add_point(
        c, sg_chart_at(g->group[i].seconds, (double)count / (double)g->total), e);
  }
  return status;
}

static sg_status distribution(sg_db *db, const sg_figure_request *r, bool tail, sg_chart *c,
                              sg_error *e) {
  sg_rows_found f = {0};
  const sg_row **order = NULL;
  groups g = {0};
  int grouped = 0;
  sqlite3_stmt *each = NULL, *together = NULL, *detail = NULL;
  sg_status status = begin(db, r, &f, &order, c, e);
  if (!status)
    status = sg_db_prepare(db,
                           "SELECT count(*) FROM run WHERE point_id = ? AND status <> 'running'"
                           " AND detail = 'summary'",
                           &detail, e);
  if (!status)
    status = sg_db_prepare(db,
                           "SELECT duration_s, 1 FROM iteration JOIN run USING (run_id)"
                           " WHERE point_id = ? AND status <> 'running' ORDER BY duration_s",
                           &each, e);
  if (!status)
    status = sg_db_prepare(db,
                           "SELECT mean_s, iter_time_group.iterations FROM iter_time_group"
                           " JOIN run USING (run_id) WHERE point_id = ? AND status <> 'running'"
                           " ORDER BY mean_s",
                           &together, e);
  for (int i = 0; i < f.n && !status; i++) {
    const sg_row *row = order[i];
    int panel;
    sqlite3_reset(detail);
    sqlite3_bind_int64(detail, 1, row->point_id);
    bool summary = sg_db_row(db, detail, &status, e) && sqlite3_column_int64(detail, 0) > 0;
    if (!status) status = read_times(db, summary ? together : each, row->point_id, &g, e);
    if (status || g.n == 0) continue;
    grouped += summary;
    status = sg_panel_of(c, &f, row, &panel, e);
    const char *name =
        r->group && row->cell[SG_ROW_GROUP].text ? row->cell[SG_ROW_GROUP].text : row->label;
    if (!status) status = sg_chart_add_series(c, SG_MARK_STEPS, panel, name, e);
    if (!status) status = add_times(&g, tail, c, e);
  }
  sqlite3_finalize(each);
  sqlite3_finalize(together);
  sqlite3_finalize(detail);
  free(g.group);
  free(order);
  if (!status && c->n_points == 0)
    status = sg_fail(e, SG_INVALID, NULL, "no run of the points looked at has iteration times");
  if (!status) status = sg_chart_name_axis(&c->x, "iteration time", "s", "duration_s", e);
  if (!status)
    status = sg_chart_name_axis(&c->y,
                                tail ? "share of iterations that take longer"
                                     : "share of iterations that take at most so long",
                                NULL, tail ? "share_longer" : "share", e);
  c->y.scale = (tail && !r->linear_y) || r->log_y ? SG_SCALE_LOG : SG_SCALE_LINEAR;
  c->y.from_zero = true;
  c->x.scale = r->log_x ? SG_SCALE_LOG : SG_SCALE_LINEAR;
  c->x.from_zero = !r->log_x;
  if (!status)
    status = sg_chart_say(
        &c->title, e, tail ? "Tail of the iteration times" : "Distribution of the iteration times");
  if (!status)
    status =
        sg_chart_say(&c->conditions, e, "%s%s", f.conditions,
                     grouped ? "; detail summary: times near each other are drawn as one" : "");
  if (!status) status = say_first(c, e);
  sg_rows_clear(&f);
  return status;
}

sg_status sg_figure_ecdf(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  return distribution(db, r, false, c, e);
}

sg_status sg_figure_tail(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  return distribution(db, r, true, c, e);
}

/* --- Loss over time, or over bits
 * --------------------------------------------------------------------------- */

enum { MOMENTS = 200 }; /* at which losses are looked at */

typedef struct update { /* when a loss is known, and it */
  double at, loss;
} update;

typedef struct curves { /* of the runs of a point: run k has updates [begin[k], begin[k + 1]) */
  int n, capacity, n_runs, begin_capacity;
  update *update;
  int *begin;
} curves;

static sg_status read_losses(sg_db *db, sqlite3_stmt *s, int64_t point_id, curves *k, sg_error *e) {
  sg_status status = SG_OK;
  int64_t last = -1;
  k->n = k->n_runs = 0;
  sqlite3_reset(s);
  sqlite3_bind_int64(s, 1, point_id);
  while (sg_db_row(db, s, &status, e)) {
    if (!SG_ROOM(k->update, k->capacity, k->n + 1) ||
        !SG_ROOM(k->begin, k->begin_capacity, k->n_runs + 2))
      return sg_fail_memory(e);
    if (sqlite3_column_int64(s, 0) != last) k->begin[k->n_runs++] = k->n;
    last = sqlite3_column_int64(s, 0);
    k->update[k->n++] = (update){sqlite3_column_double(s, 1), sqlite3_column_double(s, 2)};
    k->begin[k->n_runs] = k->n;
  }
  return status;
}

/* The last loss of each run that was known at a time; of runs that have ended their last. */
static void losses_at(const curves *k, double at, int *position, double *loss) {
  for (int i = 0; i < k->n_runs; i++) {
    while (position[i] + 1 < k->begin[i + 1] && k->update[position[i] + 1].at <= at) position[i]++;
    loss[i] = k->update[position[i]].loss;
  }
  sg_sort_doubles(loss, (size_t)k->n_runs);
}

/* From when all runs have a loss until the last one ends, at moments of equal distance, on the axis
 * that is drawn. */
static sg_status add_losses(const curves *k, int64_t id, bool log_x, sg_chart *c, sg_error *e) {
  SG_OWNED double *loss = calloc((size_t)k->n_runs + 1, sizeof *loss);
  SG_OWNED int *position = calloc((size_t)k->n_runs + 1, sizeof *position);
  if (!loss || !position) return sg_fail_memory(e);
  double from = -INFINITY, to = -INFINITY;
  for (int i = 0; i < k->n_runs; i++) {
    position[i] = k->begin[i];
    from = fmax(from, k->update[k->begin[i]].at);
    to = fmax(to, k->update[k->begin[i + 1] - 1].at);
  }
  sg_status status = SG_OK;
  for (int i = 0; i < MOMENTS && !status; i++) {
    double share = (double)i / (MOMENTS - 1);
    double at = i == MOMENTS - 1    ? to
                : log_x && from > 0 ? from * pow(to / from, share)
                                    : from + (to - from) * share;
    if (i > 0 && !(to > from)) break;
    losses_at(k, at, position, loss);
    size_t n = (size_t)k->n_runs;
    sg_chart_point p = sg_chart_at(at, sg_quantile(loss, n, 0.5));
    p.low = n > 1 ? sg_quantile(loss, n, 0.1) : NAN;
    p.high = n > 1 ? sg_quantile(loss, n, 0.9) : NAN;
    p.id = id;
    status = sg_chart_add_point(c, p, e);
  }
  return status;
}

/* Why there is nothing to see. */
static sg_status fail_losses(sg_db *db, const char *column, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(
      db, "SELECT max(NOT timing_only), (SELECT max(detail <> 'summary') FROM run) FROM point", &s,
      e);
  bool row = sg_db_row(db, s, &status, e);
  bool learns = row && sqlite3_column_int(s, 0), detailed = row && sqlite3_column_int(s, 1);
  sqlite3_finalize(s);
  if (status) return status;
  if (!learns)
    return sg_fail(e, SG_INVALID, NULL,
                   "the runs simulate times only, there is no loss; a scenario with a learning "
                   "problem has one");
  if (!detailed)
    return sg_fail(e, SG_INVALID, NULL,
                   "the runs have detail summary; `straggle run SCENARIO --set "
                   "/output/detail=iteration -o DB` makes them again with the loss of each "
                   "iteration");
  return sg_fail(e, SG_INVALID, NULL, "no iteration of the points looked at has a value of %s",
                 column);
}

/* Whether some point trains several models: times are per model then, as in `compare`, and the
 * curve is that of the last one in turn. */
static sg_status find_models(sg_db *db, bool *several, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(db, "SELECT max(models) > 1 FROM figure_point", &s, e);
  *several = sg_db_row(db, s, &status, e) && sqlite3_column_int(s, 0);
  sqlite3_finalize(s);
  return status;
}

sg_status sg_figure_loss(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  static const char *const choice[] = {"loss", "test_loss", "test_accuracy", "test_auc",
                                       "full_grad_norm2"};
  const char *y = r->y ? r->y : choice[0];
  bool known = false, gradient = !strcmp(y, choice[4]);
  for (int i = 0; i < 5; i++) known |= !strcmp(y, choice[i]);
  if (!known)
    return sg_fail(e, SG_USAGE, NULL,
                   "expected loss, test_loss, test_accuracy, test_auc or full_grad_norm2 over "
                   "time, found \"%s\"",
                   y);
  if (r->x && strcmp(r->x, "bits") != 0)
    return sg_fail(e, SG_USAGE, NULL,
                   "loss is drawn over simulated time, or over what was received with --x bits, "
                   "found --x %s",
                   r->x);
  bool share = strncmp(y, "test_a", 6) == 0; /* accuracy, area */
  sg_rows_found f = {0};
  const sg_row **order = NULL;
  curves k = {0};
  sqlite3_stmt *s = NULL;
  sg_buffer sql = {0};
  bool several = false;
  sg_status status = begin(db, r, &f, &order, c, e);
  if (!status) status = find_models(db, &several, e);
  sg_putf(&sql,
          "SELECT run_id, at, %s FROM (SELECT run_id, iteration, model, models, %s, %s AS at"
          " FROM iteration JOIN run USING (run_id) JOIN point USING (point_id)"
          " WHERE point_id = ? AND status <> 'running')"
          " WHERE model = models - 1 AND %s IS NOT NULL ORDER BY run_id, iteration",
          y, y,
          r->x ? "sum(coalesce(bits, 0)) OVER (PARTITION BY run_id ORDER BY iteration) / models"
               : "(start_s + duration_s) / models",
          y);
  if (!status) status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, &s, e);
  for (int i = 0; i < f.n && !status; i++) {
    int panel;
    status = read_losses(db, s, order[i]->point_id, &k, e);
    if (status || k.n_runs == 0) continue;
    status = sg_panel_of(c, &f, order[i], &panel, e);
    const char *group = order[i]->cell[SG_ROW_GROUP].text;
    if (!status)
      status = sg_chart_add_series(c, SG_MARK_BAND, panel, group ? group : order[i]->label, e);
    if (!status) status = add_losses(&k, order[i]->point_id, r->log_x, c, e);
  }
  sqlite3_finalize(s);
  sg_buffer_free(&sql);
  free(k.update);
  free(k.begin);
  free(order);
  if (!status && c->n_points == 0) status = fail_losses(db, y, e);
  if (!status && r->x)
    status = sg_chart_name_axis(&c->x, "payload of the decoded messages so far", "bit", "bits", e);
  else if (!status)
    status = sg_chart_name_axis(&c->x, "simulated time", "s", "time_s", e);
  if (!status) status = sg_name_axis_of(db, &c->y, "iteration", y, e);
  if (!status && !strcmp(y, "loss")) status = sg_chart_say(&c->y.label, e, "training loss");
  if (!status && gradient) status = sg_chart_say(&c->y.label, e, "‖∇f‖² of the training loss");
  c->x.scale = r->log_x ? SG_SCALE_LOG : SG_SCALE_LINEAR;
  c->x.from_zero = !r->log_x;
  c->y.scale = r->log_y || (!share && !r->linear_y) ? SG_SCALE_LOG : SG_SCALE_LINEAR;
  if (!status) status = sg_chart_say(&c->id_column, e, "point_id");
  if (!status)
    status = sg_chart_say(&c->title, e, "%s over %s",
                          share      ? y
                          : gradient ? "‖∇f‖²"
                                     : "Loss",
                          r->x ? "bits received" : "simulated time");
  if (!status)
    status = sg_chart_say(
        &c->conditions, e,
        "%s; lines: median over the runs; runs that have ended"
        " count with their last value%s",
        f.conditions, several ? "; of several models side by side, time over their number" : "");
  double target = gradient ? f.target_grad_norm2 : r->y ? NAN : f.target;
  if (!status && !isnan(target)) status = sg_chart_add_line(c, false, target, "target", e);
  if (!status) status = sg_chart_say(&c->interval, e, "10 %% to 90 %% of the runs");
  if (!status) status = say_first(c, e);
  sg_rows_clear(&f);
  return status;
}

sg_status sg_figure_gradient(sg_db *db, const sg_figure_request *r, sg_chart *c, sg_error *e) {
  sg_figure_request of = *r;
  if (!of.y) of.y = "full_grad_norm2";
  return sg_figure_loss(db, &of, c, e);
}
