/* SPDX-License-Identifier: MIT */
/* From targets to points, values and verdicts. */
#include "sim/papers/papers.h"

#include "results/answers/statistics.h"
#include "results/columns.h"
#include "sim/expect/expect.h"
#include "sim/scenario/json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const sg_paper_verdict_words[] = {"equal",   "within", "order", "not reproducible",
                                              "differs", NULL};

/* --- Points ----------------------------------------------------------------------------------- */

/* Whether a point has the values of "at", as far as it has these axes. */
static bool is_at(const sg_planned *p, const cJSON *at, bool *failed) {
  const cJSON *member;
  bool same = true;
  cJSON_ArrayForEach(member, at) {
    sg_buffer value = {0};
    sg_json_put(member, &value);
    if (value.failed) *failed = true;
    for (int i = 0; i < p->point->n_axes && !value.failed; i++)
      if (strcmp(p->point->axis_name[i], member->string) == 0)
        same = same && strcmp(p->point->axis_value[i], value.data) == 0;
    sg_buffer_free(&value);
  }
  return same;
}

static bool has_code(const sg_planned *p, const char *name) {
  return strcmp(p->point->scheme->variant->name, name) == 0;
}

/* The one point of that label, or, where none has it, of that code. */
static sg_status find_point(const sg_plan *plan, const sg_values *t, const char *name,
                            const sg_planned **out, sg_error *e) {
  cJSON *at = sg_given(t, "at") ? cJSON_Parse(sg_text(t, "at")) : NULL;
  const sg_planned *found[2] = {NULL, NULL}; /* by label, by code */
  int count[2] = {0, 0};
  bool failed = sg_given(t, "at") && !at;
  for (int i = 0; i < plan->count; i++) {
    const sg_planned *p = &plan->point[i];
    if (p->duplicate || !is_at(p, at, &failed)) continue;
    const bool is[2] = {strcmp(p->label, name) == 0, has_code(p, name)};
    for (int k = 0; k < 2; k++)
      if (is[k] && !count[k]++) found[k] = p;
  }
  cJSON_Delete(at);
  int k = count[0] ? 0 : 1;
  *out = found[k];
  if (failed) return sg_fail_memory(e);
  if (count[k] == 0)
    return sg_fail_at(e, t, NULL, "there is no point of the scheme \"%.60s\" at these values",
                      name);
  if (count[k] > 1)
    return sg_fail_at(e, t, NULL,
                      "the scheme \"%.60s\" has %d points: a label, and values of axes in \"at\", "
                      "say which is meant",
                      name, count[k]);
  if (found[k]->valid) return SG_OK;
  const sg_error *why = &found[k]->why;
  return sg_fail_at(e, t, NULL, "the scheme \"%.60s\" cannot be run there: %s", name,
                    why->count ? why->fault[0].message : "it breaks a rule of its code");
}

/* A target that waits for the set-up to be known may name no scheme. */
static sg_status find_points(const sg_plan *plan, sg_judged *j, sg_error *e) {
  const sg_values *t = j->target;
  int n = sg_count(t, "order"), most = n ? n : sg_given(t, "scheme");
  j->point = calloc((size_t)most + 1, sizeof *j->point);
  if (!j->point) return sg_fail_memory(e);
  sg_status status = SG_OK;
  for (int i = 0; i < most && !status; i++) {
    const char *name = n ? sg_item(t, "order", i)->text : sg_text(t, "scheme");
    status = find_point(plan, t, name, &j->point[i], e);
    if (!status) j->n_points++;
  }
  if (!status && sg_given(t, "over")) status = find_point(plan, t, sg_text(t, "over"), &j->over, e);
  return status;
}

static bool wants_runs(const sg_judged *j) {
  const char *table = sg_paper_table(j->target);
  return j->n_points && table && strcmp(table, "point") != 0;
}

/* Standard errors are those of the spread over replications. */
static sg_status check_runs(const sg_plan *plan, const sg_judged *j, sg_error *e) {
  const char *way = sg_given(j->target, "z") ? "z" : sg_given(j->target, "order") ? "order" : NULL;
  int runs = sg_scenario_replications(plan->scenario);
  if (!way || !wants_runs(j) || runs >= SG_FEWEST_PAIRS) return SG_OK;
  return sg_fail_at(e, j->target, way,
                    "expected at least %d replications of the scenario, whose spread gives the "
                    "standard error, found %d",
                    SG_FEWEST_PAIRS, runs);
}

sg_status sg_paper_new(const sg_plan *plan, sg_paper **out, sg_error *e) {
  sg_paper *p = *out = calloc(1, sizeof *p);
  if (!p) return sg_fail_memory(e);
  p->plan = plan;
  p->about = sg_scenario_paper(plan->scenario);
  p->count = sg_count(p->about, "targets");
  p->of = calloc((size_t)p->count + 1, sizeof *p->of);
  if (!p->of) {
    p->count = 0;
    return sg_fail_memory(e);
  }
  sg_status status = SG_OK;
  for (int i = 0; i < p->count; i++) {
    p->of[i].target = sg_item(p->about, "targets", i)->object;
    sg_status one = find_points(plan, &p->of[i], e);
    if (!one) one = check_runs(plan, &p->of[i], e);
    if (one) status = one;
    p->simulated |= wants_runs(&p->of[i]);
  }
  return status;
}

void sg_paper_free(sg_paper *p) {
  if (!p) return;
  for (int i = 0; i < p->count; i++) {
    free(p->of[i].point);
    free(p->of[i].why);
  }
  free(p->of);
  free(p);
}

void sg_paper_trim(const sg_paper *p, sg_plan *plan) {
  for (int i = 0; i < plan->count; i++) {
    bool wanted = false;
    for (int k = 0; k < p->count && !wanted; k++) {
      const sg_judged *j = &p->of[k];
      if (!wants_runs(j)) continue;
      wanted = j->over == &plan->point[i];
      for (int m = 0; m < j->n_points; m++) wanted |= j->point[m] == &plan->point[i];
    }
    if (!wanted) plan->point[i].replications = 0;
  }
}

/* --- Our values ------------------------------------------------------------------------------- */

/* The value of a point: exact, or one for each replication. */
typedef struct series {
  bool exact;
  int n, unfinished; /* replications, and how many of them did not end well */
  double *x;         /* n; NAN where the run has no such value; owned */
} series;

static bool new_series(series *s, int n) {
  s->n = n;
  s->x = malloc(((size_t)n + 1) * sizeof *s->x);
  for (int i = 0; s->x && i < n; i++) s->x[i] = NAN;
  return s->x;
}

static double closed_form(const sg_expectation *x, const char *quantity) {
  if (strcmp(quantity, "iter_mean_s") == 0) return x->mean;
  if (strcmp(quantity, "iter_p50_s") == 0) return sg_finish_quantile(&x->finish, 0.5);
  if (strcmp(quantity, "iter_p90_s") == 0) return sg_finish_quantile(&x->finish, 0.9);
  if (strcmp(quantity, "iter_p99_s") == 0) return sg_finish_quantile(&x->finish, 0.99);
  return strcmp(quantity, "n_received") == 0 ? x->responses : x->err_norm;
}

/* NAN where there is none, and why. */
static sg_status read_closed_form(const sg_planned *point, const sg_plan *plan, const sg_values *t,
                                  series *s, char **why, sg_error *e) {
  sg_world *w = NULL;
  sg_expectation *x = NULL;
  sg_error own = {0};
  sg_status status = sg_world_new(point->point, plan->cache, NULL, &w, e);
  if (status) return status;
  status = sg_expect(w, &x, &own);
  if (!status) {
    s->x[0] = closed_form(x, sg_text(t, "quantity"));
  } else if (status == SG_INVALID && own.count) {
    status =
        asprintf(why, "no closed form: %s", own.fault[0].message) < 0 ? sg_fail_memory(e) : SG_OK;
  } else {
    sg_error_move(e, &own);
  }
  sg_error_clear(&own);
  sg_expectation_free(x);
  sg_world_free(w, plan->cache);
  return status;
}

/* Names of columns are those of our own tables. */
static sg_status read_runs(sg_db *db, const sg_planned *point, const sg_values *t, series *s,
                           sg_error *e) {
  const char *table = sg_paper_table(t), *quantity = sg_text(t, "quantity");
  sg_buffer sql = {0};
  sqlite3_stmt *q = NULL;
  int64_t id = 0;
  sg_put(&sql, "SELECT r.replication, r.status, ");
  bool share = sg_given(t, "at_most"), square = sg_given(t, "square_from");
  if (strcmp(table, "iteration") == 0) {
    sg_put(&sql, "(SELECT avg(");
    if (square)
      sg_putf(&sql, "(coalesce(%s, ?3) - ?2) * (coalesce(%s, ?3) - ?2)", quantity, quantity);
    else
      sg_putf(&sql, "coalesce(%s, ?3)%s", quantity, share ? " <= ?2" : "");
    sg_put(&sql, ") FROM iteration i WHERE i.run_id = r.run_id)");
  } else {
    sg_putf(&sql, "%s.%s", strcmp(table, "run") == 0 ? "r" : "s", quantity);
  }
  sg_put(&sql, " FROM run r JOIN run_summary s USING (run_id) WHERE r.point_id = ?1");
  sg_status status = sql.failed ? sg_fail_memory(e) : sg_db_find_point(db, point->key, &id, e);
  if (!status) status = sg_db_prepare(db, sql.data, &q, e);
  if (!status) sqlite3_bind_int64(q, 1, id);
  if (!status && (share || square))
    sqlite3_bind_double(q, 2, sg_real(t, share ? "at_most" : "square_from"));
  if (!status && sg_given(t, "if_missing")) sqlite3_bind_double(q, 3, sg_real(t, "if_missing"));
  s->unfinished = s->n;
  while (!status && sg_db_row(db, q, &status, e)) {
    int r = sqlite3_column_int(q, 0);
    if (r < 0 || r >= s->n) continue;
    if (strcmp(sg_db_text(q, 1), "finished") == 0) s->unfinished--;
    if (sqlite3_column_type(q, 2) != SQLITE_NULL) s->x[r] = sqlite3_column_double(q, 2);
  }
  sqlite3_finalize(q);
  sg_buffer_free(&sql);
  return status;
}

static sg_status read_series(const sg_paper *p, sg_db *db, const sg_planned *point, sg_judged *j,
                             series *s, sg_error *e) {
  const sg_values *t = j->target;
  const char *table = sg_paper_table(t);
  s->exact = !table || strcmp(table, "point") == 0;
  if (!new_series(s, s->exact ? 1 : point->replications)) return sg_fail_memory(e);
  if (!table) return read_closed_form(point, p->plan, t, s, &j->why, e);
  if (s->exact)
    s->x[0] = sg_column_number(sg_column_find("point", sg_text(t, "quantity")), &point->facts);
  return s->exact ? SG_OK : read_runs(db, point, t, s, e);
}

/* Mean and standard error over replications: of the ratio, if there is an `over`, by the deviations
 * from it (runs of both have the same random numbers). Replications are independent, however rows
 * of one hang together. */
static void estimate(const series *a, const series *over, sg_judged *j, bool *differ) {
  sg_moments x = {0}, y = {0}, d = {0};
  for (int i = 0; i < a->n; i++) {
    sg_moments_add(&x, a->x[i]);
    if (over) sg_moments_add(&y, over->x[i]);
  }
  double scale = sg_real(j->target, "scale"), ratio = over ? x.mean / y.mean : 1;
  for (int i = 0; i < a->n; i++) sg_moments_add(&d, a->x[i] - (over ? ratio * over->x[i] : 0));
  *differ = d.n > 1 && d.max > d.min && d.max - d.min > 1e-12 * fabs(x.mean);
  j->value = scale * (over ? ratio : x.mean);
  j->error =
      *differ ? scale * sg_moments_sd(&d) / sqrt((double)d.n) / (over ? fabs(y.mean) : 1) : 0;
}

/* --- Verdicts --------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static sg_status say(sg_judged *j, sg_error *e,
                                                           const char *format, ...) {
  if (j->why) return SG_OK; /* what was first wrong */
  va_list args;
  va_start(args, format);
  int n = vasprintf(&j->why, format, args);
  va_end(args);
  if (n < 0) j->why = NULL;
  return n < 0 ? sg_fail_memory(e) : SG_OK;
}

/* Half a unit of the last of n significant digits. */
static double half_unit(double value, long n) {
  double before = value != 0 ? floor(log10(fabs(value))) + 1 : 1;
  return 0.5 * pow(10, before - (double)n);
}

static sg_status judge_value(sg_judged *j, bool differ, sg_error *e) {
  const sg_values *t = j->target;
  double value = sg_real(t, "value"), gap = fabs(j->value - value);
  double error = sg_given(t, "error") ? sg_real(t, "error") : 0;
  if (isnan(j->value) || isinf(j->value))
    return say(j, e, isnan(j->value) ? "there is no such value" : "ours is infinite");
  if (sg_given(t, "z")) {
    double both = hypot(j->error, error), rounding = 1e-12 * fabs(value);
    j->off = both > 0 ? (j->value - value) / both : gap <= rounding ? 0 : INFINITY;
    j->verdict = fabs(j->off) <= sg_real(t, "z") ? SG_WITHIN : SG_DIFFERS;
    return SG_OK;
  }
  j->off = value != 0 ? 100 * (j->value - value) / fabs(value) : gap > 0 ? INFINITY : 0;
  if (sg_given(t, "percent")) {
    j->verdict = fabs(j->off) <= sg_real(t, "percent") * (1 + 1e-12) ? SG_WITHIN : SG_DIFFERS;
    return SG_OK;
  }
  if (differ) return say(j, e, "runs differ: digits are for what is exact, z for means");
  bool equal = gap <= half_unit(value, sg_int(t, "digits")) * (1 + 1e-9) + 1e-15 * fabs(value);
  j->verdict = equal ? SG_EQUAL : SG_DIFFERS;
  return SG_OK;
}

/* Whether b is worse than a: of exact values, or by the 95 % interval of the paired difference. */
static bool is_worse(const series *a, const series *b, bool least, bool *undecided) {
  sg_moments d = {0};
  for (int i = 0; i < a->n && i < b->n; i++)
    sg_moments_add(&d, least ? b->x[i] - a->x[i] : a->x[i] - b->x[i]);
  double half = d.n > 1 && d.max > d.min
                    ? sg_t_quantile(0.975, (double)d.n - 1) * sg_moments_sd(&d) / sqrt((double)d.n)
                    : 0;
  *undecided = !(fabs(sg_moments_mean(&d)) > half);
  return sg_moments_mean(&d) > half;
}

static sg_status judge_order(sg_judged *j, const series *s, sg_error *e) {
  bool least = sg_choice(j->target, "best") == SG_BEST_LEAST, undecided;
  for (int i = 0; i + 1 < j->n_points; i++)
    if (!is_worse(&s[i], &s[i + 1], least, &undecided))
      return say(j, e, "%s is not better than %s%s", j->point[i]->label, j->point[i + 1]->label,
                 undecided ? ", as far as can be told" : "");
  j->verdict = SG_RANKED;
  return SG_OK;
}

static sg_status judge(const sg_paper *p, sg_db *db, sg_judged *j, sg_error *e) {
  const sg_values *t = j->target;
  bool open = sg_given(t, "why_not"), order = sg_given(t, "order"), differ = false;
  int n = j->n_points + (j->over != NULL), unfinished = 0;
  series *s = calloc((size_t)n + 1, sizeof *s);
  sg_status status = s ? SG_OK : sg_fail_memory(e);
  j->value = j->error = j->off = NAN;
  j->verdict = open ? SG_NOT_REPRODUCIBLE : SG_DIFFERS;
  for (int i = 0; i < n && !status; i++) {
    status = read_series(p, db, i < j->n_points ? j->point[i] : j->over, j, &s[i], e);
    unfinished += s[i].unfinished;
  }
  if (!status && j->n_points && !order) estimate(&s[0], j->over ? &s[1] : NULL, j, &differ);
  if (open) {
    free(j->why);
    j->why = NULL;
    if (!status) status = say(j, e, "%s", sg_text(t, "why_not"));
  } else if (!status && unfinished) {
    status = say(j, e, "%d runs did not end well", unfinished);
  } else if (!status && !j->why) {
    status = order ? judge_order(j, s, e) : judge_value(j, differ, e);
  }
  for (int i = 0; s && i < n; i++) free(s[i].x);
  free(s);
  return status;
}

sg_status sg_paper_judge(sg_paper *p, sg_db *db, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < p->count && !status; i++) status = judge(p, db, &p->of[i], e);
  return status;
}
