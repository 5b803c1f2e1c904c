/* SPDX-License-Identifier: MIT */
/* A stored run simulated again, and compared. */
#include "sim/timeline/replay.h"

#include "results/columns.h"
#include "sim/core/array.h"
#include "sim/core/nearest.h"
#include "sim/core/owned.h"
#include "sim/experiment/block.h"
#include "sim/timeline/configuration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Which run -------------------------------------------------------------------------------- */

/* Fails: nothing here is called by that name, but by others. */
static sg_status no_scheme(sg_db *db, const char *name, sg_error *e) {
  enum { LISTED = 8 };
  sqlite3_stmt *s = NULL;
  sg_nearness near = {.word = name};
  sg_buffer best = {0}, list = {0};
  int n = 0;
  sg_status status =
      sg_db_prepare(db, "SELECT DISTINCT scheme_label, code FROM point ORDER BY point_id", &s, e);
  while (sg_db_row(db, s, &status, e)) {
    if (++n <= LISTED) sg_putf(&list, "%s\"%s\"", n > 1 ? ", " : "; there are ", sg_db_text(s, 0));
    for (int i = 0; i < 2; i++) {
      if (!sg_consider(&near, sg_db_text(s, i))) continue;
      sg_buffer_free(&best);
      sg_putf(&best, "; did you mean \"%s\"?", sg_db_text(s, i));
    }
  }
  sqlite3_finalize(s);
  if (n > LISTED) sg_put(&list, ", …");
  if (!status)
    status = sg_fail(e, SG_USAGE, NULL, "no scheme here is called \"%s\"%s", name,
                     best.data   ? best.data
                     : list.data ? list.data
                                 : "");
  sg_buffer_free(&best);
  sg_buffer_free(&list);
  return status;
}

static sg_status find_by_id(sg_db *db, int64_t id, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(
      db,
      "SELECT (SELECT run_id FROM run WHERE run_id = :number), min(run_id), max(run_id), "
      "count(*), (SELECT run_id FROM run ORDER BY abs(run_id - :number) LIMIT 1) FROM run",
      NULL, id, &s, e);
  bool row = sg_db_row(db, s, &status, e);
  if (row && sqlite3_column_int64(s, 3) == 0)
    status = sg_fail(e, SG_INVALID, NULL, "the database has no runs");
  else if (row && sqlite3_column_type(s, 0) == SQLITE_NULL)
    status = sg_fail(e, SG_USAGE, NULL,
                     "there is no run %lld; there are %lld from %lld to %lld, the nearest is %lld",
                     (long long)id, (long long)sqlite3_column_int64(s, 3),
                     (long long)sqlite3_column_int64(s, 1), (long long)sqlite3_column_int64(s, 2),
                     (long long)sqlite3_column_int64(s, 4));
  sqlite3_finalize(s);
  return status;
}

static const char fitting[] =
    "SELECT run_id, replication, scheme_label, (SELECT group_concat(name || ' = ' || value, ', ') "
    "FROM point_axis a WHERE a.point_id = p.point_id), number FROM run r JOIN point p USING "
    "(point_id) LEFT JOIN (SELECT env_sha256, results_version, row_number() OVER (ORDER BY "
    "min(point_id)) AS number FROM point JOIN run USING (point_id) WHERE status <> 'running' GROUP "
    "BY 1, 2) USING (env_sha256, results_version) WHERE (scheme_label = :text OR (code = :text AND "
    "NOT EXISTS (SELECT 1 FROM point WHERE scheme_label = :text))) ORDER BY run_id";

/* Runs whose scheme fits but whose number does not are counted, so that a fault can say so. */
static sg_status find_by_scheme(sg_db *db, const sg_run_name *name, int64_t *run_id, sg_error *e) {
  enum { LISTED = 5 };
  sqlite3_stmt *s = NULL;
  sg_buffer list = {0};
  int fit = 0, most = -1;
  sg_status status = sg_db_ask(db, fitting, name->scheme, 0, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    int replication = sqlite3_column_int(s, 1), environment = sqlite3_column_int(s, 4);
    if (replication > most) most = replication;
    if (replication != name->replication) continue;
    if (name->environment > 0 && name->environment != environment) continue;
    if (fit++ == 0) *run_id = sqlite3_column_int64(s, 0);
    const char *axes = sg_db_text(s, 3);
    if (fit <= LISTED)
      sg_putf(&list, "%s--run %lld (environment %d, %s%s%s)", fit > 1 ? ", " : "",
              (long long)sqlite3_column_int64(s, 0), environment, sg_db_text(s, 2),
              *axes ? ", " : "", axes);
  }
  sqlite3_finalize(s);
  if (!status && list.failed) status = sg_fail_memory(e);
  if (!status && most < 0)
    status = no_scheme(db, name->scheme, e);
  else if (!status && fit == 0 && name->environment > 0)
    status = sg_fail(e, SG_USAGE, NULL, "there is no replication %d of \"%s\" in environment %d",
                     name->replication, name->scheme, name->environment);
  else if (!status && fit == 0)
    status = sg_fail(e, SG_USAGE, NULL, "there is no replication %d of \"%s\"; the last is %d",
                     name->replication, name->scheme, most);
  else if (!status && fit > 1)
    status = sg_fail(e, SG_USAGE, NULL, "%d runs fit: %s%s; give one, or --environment N", fit,
                     list.data, fit > LISTED ? ", …" : "");
  sg_buffer_free(&list);
  return status;
}

sg_status sg_find_run(sg_db *db, const sg_run_name *name, int64_t *run_id, sg_error *e) {
  if (name->scheme) return find_by_scheme(db, name, run_id, e);
  *run_id = name->run_id;
  return find_by_id(db, name->run_id, e);
}

/* --- What is stored --------------------------------------------------------------------------- */

typedef struct stored_run {
  int64_t run_id, point_id;
  int replication, results_version;
  long iterations, rounds, events;
  double sim_time_s;
  bool has_rows, has_workers;
  bool by_loss; /* what it ended by: times alone do not tell */
  char *label, *scenario;
  sg_stored_point point;
} stored_run;

static void stored_clear(stored_run *r) {
  free(r->label);
  free(r->scenario);
  sg_stored_point_clear(&r->point);
}

static sg_status read_axes(sg_db *db, stored_run *r, sg_error *e) {
  sg_stored_point *p = &r->point;
  sqlite3_stmt *s = NULL;
  int names = 0, values = 0;
  sg_status status =
      sg_db_ask(db, "SELECT name, value FROM point_axis WHERE point_id = :number ORDER BY position",
                NULL, r->point_id, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    if (!SG_ROOM(p->name, names, p->n_axes + 1) || !SG_ROOM(p->value, values, p->n_axes + 1)) {
      status = sg_fail_memory(e);
      break;
    }
    p->name[p->n_axes] = strdup(sg_db_text(s, 0));
    p->value[p->n_axes] = strdup(sg_db_text(s, 1));
    p->n_axes++;
    if (!p->name[p->n_axes - 1] || !p->value[p->n_axes - 1]) status = sg_fail_memory(e);
  }
  sqlite3_finalize(s);
  return status;
}

static sg_status read_run(sg_db *db, int64_t run_id, stored_run *r, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status =
      sg_db_ask(db,
                "SELECT point_id, replication, results_version, iterations, rounds, events, "
                "sim_time_s, detail, stop_reason, scheme_label, c.name, config_json, c.text, "
                "c.path, n_subsets, length, status FROM run r JOIN point p USING (point_id) JOIN "
                "scenario c USING (scenario_id) WHERE run_id = :number",
                NULL, run_id, &s, e);
  bool row = sg_db_row(db, s, &status, e);
  if (!status && !row)
    status = sg_fail(e, SG_INVALID, NULL, "run %lld is damaged", (long long)run_id);
  if (row) {
    const char *detail = sg_db_text(s, 7), *reason = sg_db_text(s, 8);
    *r = (stored_run){.run_id = run_id,
                      .point_id = sqlite3_column_int64(s, 0),
                      .replication = sqlite3_column_int(s, 1),
                      .results_version = sqlite3_column_int(s, 2),
                      .iterations = (long)sqlite3_column_int64(s, 3),
                      .rounds = (long)sqlite3_column_int64(s, 4),
                      .events = (long)sqlite3_column_int64(s, 5),
                      .sim_time_s = sqlite3_column_double(s, 6),
                      .has_rows = strcmp(detail, "summary") != 0,
                      .has_workers = strcmp(detail, "worker") == 0,
                      .by_loss =
                          strncmp(reason, "target", 6) == 0 || strcmp(reason, "diverged") == 0,
                      .label = strdup(sg_db_text(s, 9)),
                      .scenario = strdup(sg_db_text(s, 10)),
                      .point = {.config_json = strdup(sg_db_text(s, 11)),
                                .text = strdup(sg_db_text(s, 12)),
                                .path = strdup(sg_db_text(s, 13)),
                                .subsets = (long)sqlite3_column_int64(s, 14),
                                .length = (long)sqlite3_column_int64(s, 15)}};
    if (!r->label || !r->scenario || !r->point.config_json || !r->point.text || !r->point.path)
      status = sg_fail_memory(e);
    else if (strcmp(sg_db_text(s, 16), "running") == 0)
      status = sg_fail(e, SG_INVALID, NULL, "run %lld was not finished", (long long)run_id);
    else if (r->results_version != SG_RESULTS_VERSION)
      status = sg_fail(e, SG_INVALID, NULL,
                       "run %lld is of results version %d, and this program simulates by version "
                       "%d: nothing is drawn; simulate it again",
                       (long long)run_id, r->results_version, SG_RESULTS_VERSION);
    else if (r->iterations <= 0)
      status = sg_fail(e, SG_INVALID, NULL, "run %lld has no iterations", (long long)run_id);
  }
  sqlite3_finalize(s);
  return status ? status : read_axes(db, r, e);
}

/* --- The world -------------------------------------------------------------------------------- */

typedef struct rebuilt {
  sg_scenario *scenario;
  sg_point *point;
  int n_points;
  sg_problem_cache *cache;
  sg_world *world;
} rebuilt;

static void rebuilt_clear(rebuilt *b) {
  if (b->world) sg_world_free(b->world, b->cache);
  sg_points_free(b->n_points, b->point);
  sg_scenario_free(b->scenario);
  *b = (rebuilt){.cache = b->cache};
}

static sg_status rebuild(const stored_run *r, bool times_only, const sg_replay_options *o,
                         const sg_calibration *calibration, rebuilt *b, sg_error *e) {
  sg_status status =
      sg_rebuild_scenario(&r->point, times_only, o->n_overrides, o->override, &b->scenario, e);
  if (!status) status = sg_scenario_points(b->scenario, &b->n_points, &b->point, e);
  if (!status && b->n_points != 1)
    status = sg_fail(e, SG_INVALID, NULL, "the stored configuration is not one point");
  if (!status) status = sg_world_of(b->point, r->replication, b->cache, calibration, &b->world, e);
  return status;
}

/* Times only, if times depend on nothing else: not where bits depend on the data, or orders on
 * gradients. */
static sg_status make_world(const stored_run *r, const sg_replay_options *o,
                            const sg_calibration *calibration, rebuilt *b, sg_error *e) {
  sg_error faults = {0};
  b->cache = sg_problem_cache_new();
  if (!b->cache) return sg_fail_memory(e);
  sg_status status = rebuild(r, true, o, calibration, b, &faults);
  bool wants = !status && b->world->code->flags & SG_WANTS_VALUES;
  sg_error_clear(&faults);
  if (status == SG_NO_MEMORY) return sg_fail_memory(e);
  if (status || wants) {
    rebuilt_clear(b);
    status = rebuild(r, false, o, calibration, b, e);
    if (!status) status = sg_world_measure(b->world, b->cache, e);
  }
  if (status) return status;
  if (r->by_loss && r->iterations < b->world->limits.iterations)
    b->world->limits.iterations = r->iterations;
  b->world->target_loss = b->world->target_grad_norm2 = NAN;
  return SG_OK;
}

/* --- The same rows? --------------------------------------------------------------------------- */

enum { MOST_COLUMNS = 32 };

typedef struct comparing {
  sg_db *db;
  const stored_run *stored;
  sg_timeline *t;
  sqlite3_stmt *rows, *workers;
  const sg_column *iteration_column[MOST_COLUMNS], *worker_column[MOST_COLUMNS];
  sg_status status;
  sg_error *e;
  int rows_capacity, decoded_capacity;
  sg_buffer differs; /* what, of the first row that does */
} comparing;

static bool same(double a, double b) {
  if (isnan(a) || isnan(b)) return isnan(a) && isnan(b);
  return fabs(a - b) <= 1e-9 * fmax(1e-3, fabs(b));
}

/* What rows say of times, and of who sent what. */
static const char *const iteration_columns[] = {
    "round",           "model",       "start_s",        "duration_s",       "wait_s",
    "decode_s",        "encode_s",    "decoded",        "inner_decode_s",   "update_s",
    "n_used",          "n_received",  "messages_sent",  "signals_up",       "signals_down",
    "busy_s",          "last_worker", "wasted_s",       "bytes_received",   "bytes_sent",
    "bytes_broadcast", "queued_s",    "ingress_busy_s", "ingress_messages", NULL};
static const char *const worker_columns[] = {"worker",   "compute_s", "arrival_s", "tasks",
                                             "messages", "used",      "cancelled", NULL};

static void say_difference(comparing *c, const char *what, long row, double now, double then) {
  if (c->differs.length > 0) return;
  sg_putf(&c->differs, "%s", what);
  if (row >= 0) sg_putf(&c->differs, " of iteration %ld", row);
  sg_put(&c->differs, " is now ");
  sg_put_json_number(&c->differs, now);
  sg_put(&c->differs, ", and stored is ");
  sg_put_json_number(&c->differs, then);
}

/* The next stored row against this one. false: no memory, or no such row. */
static bool compare_row(comparing *c, sqlite3_stmt *s, const char *table,
                        const sg_column *const *column, long row, const void *now) {
  union {
    sg_iteration_record iteration;
    sg_worker_record worker;
  } then;
  if (!sg_db_row(c->db, s, &c->status, c->e)) {
    if (!c->status) say_difference(c, "the number of rows", -1, (double)row + 1, (double)row);
    return !c->status;
  }
  if (!sg_read_record(s, 0, table, &then)) {
    c->status = sg_fail_memory(c->e);
    return false;
  }
  for (; *column; column++) {
    double a = sg_column_number(*column, now), b = sg_column_number(*column, &then);
    if (!same(a, b)) say_difference(c, (*column)->name, row, a, b);
  }
  return true;
}

static bool take_row(void *user, int replication, const sg_iteration_record *row, int n_workers,
                     const sg_worker_record *worker) {
  comparing *c = user;
  sg_timeline *t = c->t;
  long number = t->rows;
  if (c->differs.length > 0) return false;
  if (!SG_ROOM(t->row_end, c->rows_capacity, number + 1) ||
      !SG_ROOM(t->decoded, c->decoded_capacity, number + 1)) {
    c->status = sg_fail_memory(c->e);
    return false;
  }
  t->row_end[t->rows++] = row->start_s + row->duration_s;
  if (row->decoded) t->decoded[t->n_decoded++] = number;
  if (c->rows && !compare_row(c, c->rows, "iteration", c->iteration_column, number, row))
    return false;
  for (int i = 0; c->workers && i < n_workers; i++)
    if (!compare_row(c, c->workers, "worker_iteration", c->worker_column, number, &worker[i]))
      return false;
  return c->differs.length == 0;
}

static bool take_end(void *user, int replication, const sg_run_row *run,
                     const sg_summary_record *summary, int n_workers,
                     const sg_worker_summary_record *worker) {
  comparing *c = user;
  const stored_run *r = c->stored;
  if (run->iterations != r->iterations)
    say_difference(c, "the number of iterations", -1, (double)run->iterations,
                   (double)r->iterations);
  if (!same(run->sim_time_s, r->sim_time_s))
    say_difference(c, "sim_time_s", -1, run->sim_time_s, r->sim_time_s);
  /* One that ended by its loss was simulated to the decode after its end. */
  if (!r->by_loss && run->rounds != r->rounds)
    say_difference(c, "the number of rounds", -1, (double)run->rounds, (double)r->rounds);
  if (!r->by_loss && run->events != r->events)
    say_difference(c, "the number of events", -1, (double)run->events, (double)r->events);
  return true;
}

static sg_status ask_rows(comparing *c, const char *table, const char *order,
                          const char *const *names, const sg_column **column, sqlite3_stmt **out) {
  sg_buffer sql = {0};
  for (int i = 0; names[i]; i++) column[i] = sg_column_find(table, names[i]);
  sg_put(&sql, "SELECT ");
  sg_put_members(table, "", &sql);
  sg_putf(&sql, " FROM %s WHERE run_id = :number ORDER BY %s", table, order);
  sg_status status = sql.failed ? sg_fail_memory(c->e)
                                : sg_db_ask(c->db, sql.data, NULL, c->stored->run_id, out, c->e);
  sg_buffer_free(&sql);
  return status;
}

static sg_status compare(comparing *c, const sg_world *w) {
  const stored_run *r = c->stored;
  const sg_block_options options = {.worker_rows = r->has_workers};
  const sg_sink sink = {.user = c, .row = take_row, .finish = take_end};
  sg_status status = SG_OK;
  if (r->has_rows)
    status =
        ask_rows(c, "iteration", "iteration", iteration_columns, c->iteration_column, &c->rows);
  if (!status && r->has_workers)
    status = ask_rows(c, "worker_iteration", "iteration, worker", worker_columns, c->worker_column,
                      &c->workers);
  if (!status) status = sg_block_run(w, 1, &r->replication, &options, &sink, c->e);
  sqlite3_finalize(c->rows);
  sqlite3_finalize(c->workers);
  if (c->status) status = c->status;
  if (c->differs.failed) status = sg_fail_memory(c->e);
  if (c->differs.length > 0 && !c->differs.failed)
    status = sg_fail(c->e, SG_INVALID, NULL,
                     "run %lld comes out otherwise now: %s; nothing is drawn. Is it of another "
                     "program, or have files changed that its scenario names?",
                     (long long)r->run_id, c->differs.data);
  sg_buffer_free(&c->differs);
  return status;
}

/* --- With a log ------------------------------------------------------------------------------- */

static bool ignore_row(void *user, int replication, const sg_iteration_record *row, int n_workers,
                       const sg_worker_record *worker) {
  return true;
}

static bool ignore_end(void *user, int replication, const sg_run_row *run,
                       const sg_summary_record *summary, int n_workers,
                       const sg_worker_summary_record *worker) {
  return true;
}

static sg_status draw(const stored_run *r, const sg_world *w, const sg_replay_options *o,
                      sg_timeline *t, sg_error *e) {
  if (o->first >= t->rows || o->last >= t->rows)
    return sg_fail(e, SG_USAGE, NULL,
                   "--iterations: run %lld has iterations 0 to %ld, and there is no %ld",
                   (long long)r->run_id, t->rows - 1, o->first >= t->rows ? o->first : o->last);
  t->first = o->first;
  t->last = o->last < 0 ? t->rows - 1 : o->last;
  t->begin_s = sg_row_begin(t, t->first);
  t->end_s = t->row_end[t->last];
  const sg_block_options options = {
      .worker_rows = r->has_workers, .log = sg_timeline_log, .log_user = t};
  const sg_sink sink = {.row = ignore_row, .finish = ignore_end};
  if (!sg_timeline_begin(t)) return sg_fail_memory(e);
  sg_status status = sg_block_run(w, 1, &r->replication, &options, &sink, e);
  bool fine = sg_timeline_end(t);
  return status ? status : fine ? SG_OK : sg_fail_memory(e);
}

static void describe(const stored_run *r, const rebuilt *b, sg_timeline *t) {
  const sg_world *w = b->world;
  const sg_values *ingress = sg_object(sg_section(b->point, "network"), "ingress");
  t->run_id = r->run_id;
  t->replication = r->replication;
  t->workers = w->workers;
  t->nodes = w->code->nodes > w->workers ? w->code->nodes : w->workers;
  t->barrier = !(w->code->flags & SG_ASYNC);
  t->fifo = strcmp(ingress->variant->name, "fifo") == 0;
  t->update_s = w->environment.update_s;
}

sg_status sg_replay(sg_db *db, int64_t run_id, const sg_replay_options *options, sg_timeline *out,
                    sg_error *e) {
  *out = (sg_timeline){0};
  stored_run r = {0};
  rebuilt b = {0};
  sg_calibration calibration;
  sg_status status = read_run(db, run_id, &r, e);
  if (!status) status = sg_db_load_calibration(db, &calibration, e);
  if (!status) status = make_world(&r, options, &calibration, &b, e);
  if (!status) {
    describe(&r, &b, out);
    out->label = strdup(r.label);
    out->scenario = strdup(r.scenario);
    if (!out->label || !out->scenario) status = sg_fail_memory(e);
  }
  comparing c = {.db = db, .stored = &r, .t = out, .e = e};
  if (!status) status = compare(&c, b.world);
  if (!status) status = draw(&r, b.world, options, out, e);
  rebuilt_clear(&b);
  sg_problem_cache_free(b.cache);
  stored_clear(&r);
  return status;
}
