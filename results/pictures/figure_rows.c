/* SPDX-License-Identifier: MIT */
/* Reading the points that a plot is about. Names of columns are the user's: they are looked up
 * before they get into a statement, and quoted there; values are bound. */
#include "results/pictures/figure_rows.h"

#include "results/answers/statistics.h"
#include "results/columns.h"
#include "sim/core/array.h"
#include "sim/core/nearest.h"
#include "sim/core/owned.h"

#include <stdio.h>
#include <string.h>

/* As in judge.c: an exact code with a larger error does not give the gradient, and one that skips
 * rounds does nothing in them. */
#define COMPARABLE                                                                                 \
  "exact AND barrier AND NOT compressed AND coalesce(grad_scaled_err_max, 0) < 1e-6 AND "          \
  "coalesce(undecodable_iters, 0) = 0"

void sg_rows_clear(sg_rows_found *f) {
  for (int i = 0; i < f->n; i++) {
    free(f->row[i].label);
    free(f->row[i].code);
    free(f->row[i].panel);
    for (int k = 0; k < SG_ROW_COLUMNS; k++) free(f->row[i].cell[k].text);
  }
  for (int i = 0; i < f->n_axes; i++) free(f->axis[i].name);
  free(f->row);
  free(f->axis);
  free(f->conditions);
  *f = (sg_rows_found){0};
}

char *sg_copy_text(sqlite3_stmt *s, int at) {
  const char *text = (const char *)sqlite3_column_text(s, at);
  return text ? strdup(text) : NULL;
}

sg_row *sg_row_of(const sg_rows_found *f, int64_t point_id, int *hint) {
  for (int i = 0; i < f->n; i++) {
    int at = (*hint + i) % f->n;
    if (f->row[at].point_id != point_id) continue;
    *hint = at;
    return &f->row[at];
  }
  return NULL;
}

void sg_put_identifier(sg_buffer *sql, const char *name) {
  sg_put(sql, "\"");
  for (; *name; name++) {
    if (*name == '"') sg_put(sql, "\"");
    sg_put_bytes(sql, name, 1);
  }
  sg_put(sql, "\"");
}

sg_status sg_check_column(sg_db *db, const char *table, const char *column, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer sql = {0};
  char nearest[96] = "";
  bool found = false;
  sg_nearness near = {.word = column};
  sg_putf(&sql, "SELECT name FROM pragma_table_info('%s')", table);
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    const char *name = (const char *)sqlite3_column_text(s, 0);
    found = found || (name && !sqlite3_stricmp(name, column));
    if (name && sg_consider(&near, name)) snprintf(nearest, sizeof nearest, "%s", name);
  }
  sqlite3_finalize(s);
  sg_buffer_free(&sql);
  if (status || found) return status;
  if (*nearest)
    return sg_fail(e, SG_USAGE, NULL, "%s has no column \"%s\"; did you mean \"%s\"?", table,
                   column, nearest);
  return sg_fail(e, SG_USAGE, NULL,
                 "%s has no column \"%s\"; `query DB \"SELECT * FROM %s\"` shows those that it has",
                 table, column, table);
}

/* --- Filters ---------------------------------------------------------------------------------- */

typedef struct condition { /* "column op value" */
  char column[128], value[256];
  const char *relation;
  bool number;
  double as_number;
} condition;

static const char *trim(const char *from, size_t n, char *to, size_t size) {
  while (n > 0 && from[0] == ' ') from++, n--;
  while (n > 0 && from[n - 1] == ' ') n--;
  if (n >= size) return NULL;
  memcpy(to, from, n);
  to[n] = '\0';
  return to;
}

static sg_status read_condition(const char *text, condition *c, sg_error *e) {
  static const char *const relation[] = {"<=", ">=", "!=", "==", "=", "<", ">"};
  size_t at = strcspn(text, "<>!=");
  c->relation = NULL;
  for (int i = 0; i < 7 && !c->relation && at > 0; i++)
    if (!strncmp(text + at, relation[i], strlen(relation[i]))) c->relation = relation[i];
  const char *value = c->relation ? text + at + strlen(c->relation) : "";
  if (!c->relation || !trim(text, at, c->column, sizeof c->column) || !*c->column ||
      !trim(value, strlen(value), c->value, sizeof c->value) || !*c->value)
    return sg_fail(e, SG_USAGE, NULL,
                   "expected a filter such as \"n = 20\", \"code=group\" or \"load_d<=4\", found "
                   "\"%s\"",
                   text);
  char *end;
  c->as_number = strtod(c->value, &end);
  c->number = !*end;
  return SG_OK;
}

sg_status sg_put_filters(sg_db *db, const sg_figure_request *r, const char *table, sg_buffer *sql,
                         sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < r->n_filters && !status; i++) {
    condition c;
    status = read_condition(r->filter[i], &c, e);
    if (!status) status = sg_check_column(db, table, c.column, e);
    if (status) break;
    bool equal = c.relation[0] == '=', unequal = c.relation[0] == '!';
    sg_put(sql, unequal ? " AND NOT coalesce((" : " AND (");
    sg_put_identifier(sql, c.column);
    sg_putf(sql, " %s ?", equal || unequal ? "=" : c.relation);
    /* A number may be stored as a text. */
    if (equal || unequal) sg_put(sql, " OR ");
    if (equal || unequal) sg_put_identifier(sql, c.column);
    if (equal || unequal) sg_put(sql, " = ?");
    sg_put(sql, unequal ? "), 0)" : ")");
  }
  if (r->scheme) sg_put(sql, " AND (code = ? OR scheme_label = ?)");
  if (!status && sql->failed) status = sg_fail_memory(e);
  return status;
}

sg_status sg_bind_filters(const sg_figure_request *r, int first, sqlite3_stmt *s, sg_error *e) {
  bool kept = true; /* without memory for its copy a parameter would be NULL */
  for (int i = 0; i < r->n_filters; i++) {
    condition c;
    sg_status status = read_condition(r->filter[i], &c, e);
    if (status) return status;
    if (c.number)
      sqlite3_bind_double(s, first++, c.as_number);
    else
      kept &= !sqlite3_bind_text(s, first++, c.value, -1, SQLITE_TRANSIENT);
    if (c.relation[0] == '=' || c.relation[0] == '!')
      kept &= !sqlite3_bind_text(s, first++, c.value, -1, SQLITE_TRANSIENT);
  }
  if (r->scheme) sqlite3_bind_text(s, first++, r->scheme, -1, SQLITE_STATIC);
  if (r->scheme) sqlite3_bind_text(s, first++, r->scheme, -1, SQLITE_STATIC);
  return kept ? SG_OK : sg_fail_memory(e);
}

/* Prepares `head`, the filters and `tail`. */
static sg_status prepare(sg_db *db, const sg_figure_request *r, const char *head, const char *tail,
                         sqlite3_stmt **s, sg_error *e) {
  sg_buffer sql = {0};
  sg_put(&sql, head);
  sg_status status = sg_put_filters(db, r, "v_point", &sql, e);
  sg_put(&sql, tail);
  if (!status) status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, s, e);
  if (!status) status = sg_bind_filters(r, 1, *s, e);
  sg_buffer_free(&sql);
  return status;
}

/* The view v_point, once: it takes long in a large database, and is asked several times.
 * Environments are numbered before anything is left out, as `compare` does. */
static sg_status copy_points(sg_db *db, sg_error *e) {
  return sg_db_execute(db,
                       "CREATE TEMP TABLE IF NOT EXISTS figure_point AS"
                       " SELECT v.*, dense_rank() OVER (ORDER BY figure_first) - 1 AS environment,"
                       " load_d * n_workers / n_subsets AS " SG_WORK
                       " FROM (SELECT v.*, min(point_id) OVER (PARTITION BY env_sha256, "
                       "results_version) AS figure_first"
                       " FROM v_point v) v ORDER BY environment, point_id",
                       e);
}

/* --- Axes and what there is in common --------------------------------------------------------- */

/* Of the environment is an axis that has one value, or none, in each of them. */
static sg_status find_axis(sg_db *db, const sg_figure_request *r, sg_axis_found *a, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer name = {0}, head = {0};
  sg_put_identifier(&name, a->name);
  const char *q = name.data ? name.data : "";
  sg_putf(&head,
          "SELECT count(DISTINCT %s), sum(typeof(%s) NOT IN ('integer', 'real', 'null')),"
          " max(different) FROM figure_point JOIN (SELECT environment, count(DISTINCT %s) > 1"
          " OR (count(%s) > 0 AND count(%s) < count(*)) AS different FROM figure_point"
          " GROUP BY environment) USING (environment) WHERE 1",
          q, q, q, q, q);
  sg_status status =
      head.failed || name.failed ? sg_fail_memory(e) : prepare(db, r, head.data, "", &s, e);
  if (sg_db_row(db, s, &status, e)) {
    a->values = sqlite3_column_int(s, 0);
    a->numeric = sqlite3_column_int(s, 1) == 0;
    a->of_environment = sqlite3_column_int(s, 2) == 0;
  }
  sqlite3_finalize(s);
  sg_buffer_free(&head);
  sg_buffer_free(&name);
  return status;
}

static sg_status find_all_axes(sg_db *db, const sg_figure_request *r, sg_rows_found *f,
                               sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(
      db, "SELECT name FROM pragma_table_info('v_axes') WHERE name <> 'point_id'", &s, e);
  while (sg_db_row(db, s, &status, e)) {
    char *name = sg_copy_text(s, 0);
    if (!name || !SG_ROOM(f->axis, f->axes_capacity, f->n_axes + 1)) {
      free(name);
      status = sg_fail_memory(e);
      break;
    }
    f->axis[f->n_axes++] = (sg_axis_found){.name = name};
  }
  sqlite3_finalize(s);
  for (int i = 0; i < f->n_axes && !status; i++) status = find_axis(db, r, &f->axis[i], e);
  return status;
}

static void put_span(sg_buffer *out, sqlite3_stmt *s, int at, const char *one, const char *many) {
  sqlite3_int64 low = sqlite3_column_int64(s, at), high = sqlite3_column_int64(s, at + 1);
  sg_putf(out, "%s%lld", out->length ? "; " : "", (long long)low);
  if (high > low) sg_putf(out, "–%lld", (long long)high);
  sg_putf(out, " %s", high == 1 ? one : many);
}

/* What the points looked at have in common. */
static sg_status find_common(sg_db *db, const sg_figure_request *r, sg_rows_found *f, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer text = {0};
  sg_status status =
      prepare(db, r,
              "SELECT count(*), min(" SG_SQL_HAS_TARGET "), min(n_workers),"
              " max(n_workers), min(replications), max(replications), min(problem), max(problem),"
              " count(target_loss), count(target_grad_norm2), max(timing_only),"
              " count(time_to_target_s), min(target_loss), min(target_grad_norm2),"
              " count(DISTINCT coalesce(target_loss, '') || ' ' || coalesce(target_grad_norm2, ''))"
              " FROM figure_point JOIN "
              "(SELECT point_id, problem FROM point) USING (point_id) WHERE 1",
              "", &s, e);
  int n = 0;
  if (sg_db_row(db, s, &status, e) && (n = sqlite3_column_int(s, 0)) > 0) {
    const char *problem = (const char *)sqlite3_column_text(s, 6),
               *other = (const char *)sqlite3_column_text(s, 7);
    bool target = sqlite3_column_int(s, 1);
    bool one = target && sqlite3_column_int(s, 14) == 1;
    bool losses = sqlite3_column_int(s, 8) > 0, gradients = sqlite3_column_int(s, 9) > 0;
    f->to_target = target && sqlite3_column_int(s, 11) > 0;
    f->goal = losses && gradients ? "target" : gradients ? "target gradient" : "target loss";
    f->target = one && losses ? sqlite3_column_double(s, 12) : NAN;
    f->target_grad_norm2 = one && gradients ? sqlite3_column_double(s, 13) : NAN;
    put_span(&text, s, 2, "worker", "workers");
    if (problem && other && !strcmp(problem, other) && !sqlite3_column_int(s, 10))
      sg_putf(&text, "; %s", problem);
    if (one) sg_put(&text, "; target ");
    if (one) sg_put_target(f->target, f->target_grad_norm2, &text);
    if (target && !f->to_target && one) sg_put(&text, " (no scheme reached it in all its runs)");
    if (target && !f->to_target && !one)
      sg_putf(&text, "; no scheme reached its %s in all its runs", f->goal);
    put_span(&text, s, 4, "run each", "runs each");
    if (r->scheme) sg_putf(&text, "; only %s", r->scheme);
    for (int i = 0; i < r->n_filters; i++) sg_putf(&text, "; %s", r->filter[i]);
  }
  sqlite3_finalize(s);
  if (!status && text.failed) status = sg_fail_memory(e);
  if (!status && n == 0) {
    bool chosen = r->scheme || r->n_filters > 0;
    status =
        sg_fail(e, SG_INVALID, NULL,
                chosen ? "no point with finished runs is left by --filter and --scheme; `query "
                         "DB @points` lists the points"
                       : "the database has no finished runs; `straggle run SCENARIO -o DB` "
                         "makes some");
  }
  if (status)
    sg_buffer_free(&text);
  else
    f->conditions = text.data;
  return status;
}

/* A scheme that nobody has is a mistake of typing. */
static sg_status check_scheme(sg_db *db, const char *scheme, sg_error *e) {
  sqlite3_stmt *s = NULL;
  char nearest[96] = "";
  bool found = false;
  sg_nearness near = {.word = scheme};
  sg_status status = sg_db_prepare(
      db,
      "SELECT code FROM point UNION SELECT scheme_label FROM point UNION SELECT code FROM"
      " code_check UNION SELECT scheme_label FROM code_check",
      &s, e);
  while (sg_db_row(db, s, &status, e)) {
    const char *name = (const char *)sqlite3_column_text(s, 0);
    found = found || (name && !strcmp(name, scheme));
    if (name && sg_consider(&near, name)) snprintf(nearest, sizeof nearest, "%s", name);
  }
  sqlite3_finalize(s);
  if (status || found) return status;
  return sg_fail(e, SG_USAGE, NULL, "no scheme of the database has the code or label \"%s\"%s%s%s",
                 scheme, *nearest ? "; did you mean \"" : "", nearest, *nearest ? "\"?" : "");
}

sg_status sg_find_axes(sg_db *db, const sg_figure_request *r, sg_rows_found *f, sg_error *e) {
  sg_status status = r->scheme ? check_scheme(db, r->scheme, e) : SG_OK;
  if (!status) status = copy_points(db, e);
  if (!status) status = find_common(db, r, f, e);
  if (!status) status = find_all_axes(db, r, f, e);
  return status;
}

const char *sg_time_column(const sg_rows_found *f) {
  return f->to_target ? "time_to_target_s" : "iter_mean_s";
}

sg_status sg_name_goal(sg_chart_axis *a, const char *column, const sg_rows_found *f, sg_error *e) {
  if (sqlite3_stricmp(column, "time_to_target_s") != 0 || !f->goal) return SG_OK;
  return sg_chart_say(&a->label, e, "mean time to the %s", f->goal);
}

const sg_axis_found *sg_best_axis(const sg_rows_found *f, const char *but) {
  const sg_axis_found *best = NULL;
  for (int i = 0; i < f->n_axes; i++) {
    const sg_axis_found *a = &f->axis[i];
    if (a->values < 2 || (but && !sqlite3_stricmp(a->name, but))) continue;
    bool better =
        !best || a->of_environment > best->of_environment ||
        (a->of_environment == best->of_environment &&
         (a->numeric > best->numeric || (a->numeric == best->numeric && a->values > best->values)));
    if (better) best = a;
  }
  return best;
}

/* How many combinations of two columns there are. */
static sg_status count_pairs(sg_db *db, const sg_figure_request *r, const char *x, const char *y,
                             int *n, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer head = {0};
  sg_status status = sg_check_column(db, "v_point", x, e);
  if (!status) status = sg_check_column(db, "v_point", y, e);
  sg_put(&head, "SELECT count(*), count(DISTINCT a), count(DISTINCT b) FROM (SELECT DISTINCT ");
  sg_put_identifier(&head, x);
  sg_put(&head, " AS a, ");
  sg_put_identifier(&head, y);
  sg_put(&head, " AS b FROM figure_point WHERE 1");
  if (!status && head.failed) status = sg_fail_memory(e);
  if (!status) status = prepare(db, r, head.data, ") WHERE a IS NOT NULL AND b IS NOT NULL", &s, e);
  bool row = sg_db_row(db, s, &status, e);
  bool both = row && sqlite3_column_int(s, 1) > 1 && sqlite3_column_int(s, 2) > 1;
  *n = both ? sqlite3_column_int(s, 0) : 0;
  sqlite3_finalize(s);
  sg_buffer_free(&head);
  return status;
}

sg_status sg_best_pair(sg_db *db, const sg_figure_request *r, const sg_rows_found *f,
                       const char **x, const char **y, sg_error *e) {
  enum { MOST = 16 }; /* axes that are tried */
  const char *given[2] = {*x, *y};
  int best = 0;
  if (given[0] && given[1]) return SG_OK;
  for (int i = 0; i < f->n_axes && i < MOST; i++)
    for (int k = 0; k < f->n_axes && k < MOST; k++) {
      const sg_axis_found *a = &f->axis[i], *b = &f->axis[k];
      if ((given[0] && i > 0) || (given[1] && k > 0) || (!given[0] && a->values < 2) ||
          (!given[1] && b->values < 2))
        continue;
      const char *p = given[0] ? given[0] : a->name, *q = given[1] ? given[1] : b->name;
      /* Without a wish the axis with more values lies along x. */
      if (!sqlite3_stricmp(p, q) || (!given[0] && !given[1] && a->values < b->values)) continue;
      int n, environment = (!given[0] && a->of_environment) + (!given[1] && b->of_environment);
      sg_status status = count_pairs(db, r, p, q, &n, e);
      if (status) return status;
      if (n == 0 || environment * 1000000 + n <= best) continue;
      best = environment * 1000000 + n;
      *x = p;
      *y = q;
    }
  return SG_OK;
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* A number as people read it in a heading; a text as it is; NULL if there is none. false: no
 * memory. */
static bool cell_text(sqlite3_stmt *s, int at, char **text) {
  char number[40];
  *text = NULL;
  switch (sqlite3_column_type(s, at)) {
  case SQLITE_NULL: return true;
  case SQLITE_FLOAT:
    snprintf(number, sizeof number, "%.6g", sqlite3_column_double(s, at));
    *text = strdup(number);
    break;
  default: *text = sg_copy_text(s, at);
  }
  return *text;
}

static bool read_cell(sqlite3_stmt *s, int at, sg_cell *cell) {
  int type = sqlite3_column_type(s, at);
  bool number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  cell->number = number ? sqlite3_column_double(s, at) : NAN;
  return cell_text(s, at, &cell->text);
}

/* Whether the picture itself has an axis, so that no panel need say it. */
static bool is_drawn(const char *const column[SG_ROW_COLUMNS], const char *name) {
  for (int k = 0; k < SG_ROW_COLUMNS; k++)
    if (column[k] && !sqlite3_stricmp(column[k], name)) return true;
  return false;
}

enum { FIXED = 7 }; /* columns before those asked for */

static sg_status read_row(sqlite3_stmt *s, const char *const column[SG_ROW_COLUMNS],
                          sg_rows_found *f, sg_error *e) {
  if (!SG_ROOM(f->row, f->capacity, f->n + 1)) return sg_fail_memory(e);
  sg_row *row = &f->row[f->n++];
  sg_buffer panel = {0};
  bool good = true;
  *row = (sg_row){.point_id = sqlite3_column_int64(s, 0),
                  .label = sg_copy_text(s, 1),
                  .code = sg_copy_text(s, 2),
                  .comparable = sqlite3_column_int(s, 3),
                  .environment = sqlite3_column_int(s, 4),
                  .runs = sqlite3_column_int(s, 5),
                  .unfinished = sqlite3_column_int(s, 6),
                  .low = NAN,
                  .high = NAN};
  for (int k = 0; k < SG_ROW_COLUMNS; k++) good = read_cell(s, FIXED + k, &row->cell[k]) && good;
  int at = FIXED + SG_ROW_COLUMNS;
  for (int i = 0; i < f->n_axes; i++, at++) {
    if (!f->axis[i].of_environment || f->axis[i].values < 2 || is_drawn(column, f->axis[i].name))
      continue;
    SG_OWNED char *value = NULL;
    good = cell_text(s, at, &value) && good;
    sg_putf(&panel, "%s%s = %s", panel.length ? ", " : "", f->axis[i].name, value ? value : "–");
  }
  sg_put(&panel, "");
  row->panel = panel.data;
  if (row->environment >= f->n_environments) f->n_environments = row->environment + 1;
  return good && row->label && row->code && row->panel ? SG_OK : sg_fail_memory(e);
}

static bool is_axis(const sg_rows_found *f, const char *column) {
  for (int i = 0; i < f->n_axes; i++)
    if (!sqlite3_stricmp(f->axis[i].name, column)) return true;
  return false;
}

/* Different environments that have the same panel, and x where that is of the environment, are told
 * apart by their number. */
static sg_status tell_apart(const char *const column[SG_ROW_COLUMNS], sg_rows_found *f,
                            sg_error *e) {
  bool same = false;
  for (int i = 1; i < f->n && !same; i++)
    for (int k = i - 1; k >= 0 && !same; k--) {
      const sg_row *a = &f->row[i], *b = &f->row[k];
      if (a->environment == b->environment) break; /* points of an environment follow each other */
      same = !strcmp(a->panel, b->panel) && !strcmp(a->label, b->label);
      for (int m = 0; m < SG_ROW_COLUMNS && same; m++)
        if (column[m] && (m == SG_ROW_X || is_axis(f, column[m]))) {
          const char *x = a->cell[m].text, *y = b->cell[m].text;
          same = x && y ? !strcmp(x, y) : x == y;
        }
    }
  for (int i = 0; i < f->n && same; i++) {
    sg_buffer panel = {0};
    sg_putf(&panel, "environment %d%s%s", f->row[i].environment + 1, *f->row[i].panel ? ": " : "",
            f->row[i].panel);
    if (panel.failed) return sg_fail_memory(e);
    free(f->row[i].panel);
    f->row[i].panel = panel.data;
  }
  return SG_OK;
}

/* The 95 % interval of the mean over runs, by Student's t. Runs that do not differ (replayed times)
 * say nothing of it; nor is there one where a run is unknown. */
static void set_interval(sg_rows_found *f, int64_t point_id, const sg_moments *m, int *hint) {
  sg_row *row = sg_row_of(f, point_id, hint);
  if (!row || m->n < 2 || !(m->max > m->min)) return;
  double y = row->cell[SG_ROW_Y].number;
  double half = sg_t_quantile(0.975, (double)m->n - 1) * sg_moments_sd(m) / sqrt((double)m->n);
  row->low = y - half;
  row->high = y + half;
}

static sg_status find_intervals(sg_db *db, const char *y, sg_rows_found *f, sg_error *e) {
  const sg_column *c = sg_column_find("run_summary", y);
  if (!c || strcmp(c->table, "run_summary") != 0 ||
      !(c->fold == SG_FOLD_MEAN || !strcmp(y, "time_to_target_s")))
    return SG_OK;
  sqlite3_stmt *s = NULL;
  sg_buffer sql = {0};
  sg_putf(&sql,
          "SELECT point_id, s.\"%s\" FROM run_summary s JOIN run USING (run_id)"
          " WHERE status <> 'running' ORDER BY point_id",
          c->name);
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_prepare(db, sql.data, &s, e);
  sg_moments m = {0};
  int64_t last = 0;
  int hint = 0;
  while (sg_db_row(db, s, &status, e)) {
    int64_t point_id = sqlite3_column_int64(s, 0);
    if (point_id != last) set_interval(f, last, &m, &hint);
    if (point_id != last) m = (sg_moments){0};
    last = point_id;
    if (sqlite3_column_type(s, 1) != SQLITE_NULL) sg_moments_add(&m, sqlite3_column_double(s, 1));
  }
  if (!status) set_interval(f, last, &m, &hint);
  sqlite3_finalize(s);
  sg_buffer_free(&sql);
  return status;
}

sg_status sg_find_rows(sg_db *db, const sg_figure_request *r,
                       const char *const column[SG_ROW_COLUMNS], sg_rows_found *f, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_buffer head = {0};
  sg_status status = SG_OK;
  sg_put(&head, "SELECT point_id, scheme_label, code, " COMPARABLE ", environment, replications,"
                " unfinished_runs");
  for (int k = 0; k < SG_ROW_COLUMNS && !status; k++) {
    if (column[k] && strcmp(column[k], SG_WORK) != 0)
      status = sg_check_column(db, "v_point", column[k], e);
    sg_put(&head, ", ");
    if (column[k])
      sg_put_identifier(&head, column[k]);
    else
      sg_put(&head, "NULL");
  }
  for (int i = 0; i < f->n_axes; i++) {
    sg_put(&head, ", ");
    sg_put_identifier(&head, f->axis[i].name);
  }
  sg_put(&head, " FROM figure_point WHERE 1");
  if (!status && head.failed) status = sg_fail_memory(e);
  if (!status) status = prepare(db, r, head.data, " ORDER BY environment, point_id", &s, e);
  while (sg_db_row(db, s, &status, e)) status = read_row(s, column, f, e);
  sqlite3_finalize(s);
  sg_buffer_free(&head);
  if (!status) status = tell_apart(column, f, e);
  f->one_panel = true;
  for (int i = 1; i < f->n && f->one_panel && !status; i++)
    f->one_panel = !strcmp(f->row[i].panel, f->row[0].panel);
  if (!status && column[SG_ROW_Y]) status = find_intervals(db, column[SG_ROW_Y], f, e);
  return status;
}

/* --- Axes of charts --------------------------------------------------------------------------- */

static const struct {
  const char *column, *label;
} common[] = {{"n_workers", "workers n"},
              {"n_subsets", "subsets of the data k"},
              {"iter_mean_s", "mean iteration time"},
              {"iter_p50_s", "median iteration time"},
              {"iter_p90_s", "90 % quantile of the iteration time"},
              {"iter_p99_s", "99 % quantile of the iteration time"},
              {"time_to_target_s", "mean time to the target"},
              {"load_d", "subsets per worker d"},
              {SG_WORK, "work × (how often the data are computed)"},
              {"stored_data_factor", "copies of the data stored"},
              {"stragglers_s", "stragglers tolerated s"},
              {"comm_m", "communication reduction m"},
              {"bytes_received_mean", "received per iteration"},
              {"bytes_sent_mean", "sent per iteration"},
              {"grad_scaled_err_max", "largest scaled error of a gradient"},
              {"grad_rel_err_max", "largest relative error of a gradient"},
              {"grad_common_err_max", "largest error of a gradient, common scale"},
              {"cond1_max", "largest condition estimate"},
              {"err_norm_mean", "mean decoding error per coefficient"},
              {"err_float64_worst", "worst error, messages as float64"},
              {"err_float32_worst", "worst error, messages as float32"},
              {"err_bfloat16_worst", "worst error, messages as bfloat16"},
              {"cond2_worst", "worst condition number"},
              {"cond2_median", "median condition number"},
              {"amp_worst", "worst amplification"},
              {"final_loss", "training loss at the end"},
              {"final_accuracy", "test accuracy at the end"},
              {"worker_seconds_per_iter", "worker-seconds per iteration"},
              {NULL, NULL}};

sg_status sg_name_axis_of(sg_db *db, sg_chart_axis *a, const char *table, const char *column,
                          sg_error *e) {
  static const char *const none[] = {"1", "count", "id", "0/1", "text", "as set", "worker", "JSON"};
  sqlite3_stmt *s = NULL;
  sg_buffer sql = {0};
  char unit[32] = "";
  const char *label = column;
  for (int i = 0; common[i].column; i++)
    if (!sqlite3_stricmp(common[i].column, column)) label = common[i].label;
  sg_putf(&sql, "SELECT unit FROM column_doc WHERE table_name = '%s' AND column_name = :text",
          table);
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_ask(db, sql.data, column, 0, &s, e);
  if (sg_db_row(db, s, &status, e)) {
    const char *text = (const char *)sqlite3_column_text(s, 0);
    snprintf(unit, sizeof unit, "%s", text ? text : "");
  }
  sqlite3_finalize(s);
  sg_buffer_free(&sql);
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    if (!strcmp(unit, none[i])) *unit = '\0';
  if (!strcmp(unit, "byte")) snprintf(unit, sizeof unit, "bytes");
  if (!status)
    status = sg_chart_name_axis(a, label, *unit ? unit : NULL,
                                strcmp(column, SG_WORK) != 0 ? column : "work", e);
  return status;
}

sg_status sg_set_axis(sg_db *db, sg_chart_axis *a, const char *column, const sg_rows_found *f,
                      int cell, bool log, bool linear, double much, sg_error *e) {
  double low = INFINITY, high = -INFINITY;
  for (int i = 0; i < f->n; i++) {
    const sg_cell *q = &f->row[i].cell[cell];
    if (q->text && isnan(q->number)) a->scale = SG_SCALE_NAMES;
    if (!isfinite(q->number)) continue;
    low = fmin(low, q->number);
    high = fmax(high, q->number);
  }
  bool wide = much > 0 && low > 0 && high / low >= much;
  if (a->scale != SG_SCALE_NAMES && (log || (wide && !linear))) a->scale = SG_SCALE_LOG;
  sg_status status = sg_name_axis_of(db, a, "v_point", column, e);
  return status ? status : sg_name_goal(a, column, f, e);
}

sg_status sg_place_of(sg_chart_axis *a, const sg_cell *cell, double *place, sg_error *e) {
  *place = cell->number;
  if (a->scale != SG_SCALE_NAMES) return SG_OK;
  return sg_chart_place(a, cell->text ? cell->text : "–", place, e);
}

sg_status sg_panel_of(sg_chart *c, const sg_rows_found *f, const sg_row *row, int *panel,
                      sg_error *e) {
  *panel = 0;
  if (f->one_panel) return SG_OK;
  for (int i = 0; i < c->n_panels; i++)
    if (!strcmp(c->panel[i], row->panel)) {
      *panel = i;
      return SG_OK;
    }
  return sg_chart_add_panel(c, row->panel, panel, e);
}
