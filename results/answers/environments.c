/* SPDX-License-Identifier: MIT */
/* What the environments of a comparison are called: their scenario, the axes of the sweep that all
 * their schemes share, and, where that is the same for several, the members of their configuration
 * that are not. */
#include "results/answers/compare.h"

#include "results/database.h"
#include "sim/core/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIFFERENCES = 3 }; /* that are named */

typedef struct sg_axis_value { /* ascending by point, then by place */
  int64_t point;
  char *name, *value;
} axis_value;

static sg_status read_values(sg_db *db, sg_names *n, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(
      db, "SELECT point_id, name, value FROM point_axis ORDER BY point_id, position", &s, e);
  while (sg_db_row(db, s, &status, e)) {
    if (!SG_ROOM(n->value, n->values_capacity, n->n_values + 1)) {
      status = sg_fail_memory(e);
      break;
    }
    axis_value *a = &n->value[n->n_values++];
    *a = (axis_value){sqlite3_column_int64(s, 0), strdup(sg_db_text(s, 1)),
                      strdup(sg_db_text(s, 2))};
    if (!a->name || !a->value) status = sg_fail_memory(e);
  }
  sqlite3_finalize(s);
  return status;
}

/* The first of a point; after it stand the others. */
static int first_value(const sg_names *n, int64_t point) {
  int low = 0, high = n->n_values;
  while (low < high) {
    int middle = low + (high - low) / 2;
    if (n->value[middle].point < point)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool sg_names_axis(const sg_names *n, int64_t point, int k, sg_setting *axis) {
  int i = first_value(n, point) + k;
  if (i >= n->n_values || n->value[i].point != point) return false;
  *axis = (sg_setting){n->value[i].name, n->value[i].value};
  return true;
}

static bool has_value(const sg_names *n, int64_t point, const axis_value *a) {
  for (int i = first_value(n, point); i < n->n_values && n->value[i].point == point; i++)
    if (!strcmp(n->value[i].name, a->name)) return !strcmp(n->value[i].value, a->value);
  return false;
}

static bool add_settings(const sg_comparison *c, int number, sg_names *n) {
  const sg_judged_environment *v = &c->environment[number];
  int64_t point = c->scheme[v->begin].point_id;
  n->environment[number].begin = n->n_settings;
  for (int i = first_value(n, point); i < n->n_values && n->value[i].point == point; i++) {
    bool common = true;
    for (int k = v->begin + 1; k < v->end && common; k++)
      common = has_value(n, c->scheme[k].point_id, &n->value[i]);
    if (!common) continue;
    if (!SG_ROOM(n->setting, n->capacity, n->n_settings + 1)) return false;
    n->setting[n->n_settings++] = (sg_setting){n->value[i].name, n->value[i].value};
  }
  n->environment[number].end = n->n_settings;
  return true;
}

const char *sg_names_setting(const sg_names *n, int environment, const char *axis) {
  const sg_environment_name *v = &n->environment[environment];
  for (int i = v->begin; i < v->end; i++)
    if (!strcmp(n->setting[i].name, axis)) return n->setting[i].value;
  return NULL;
}

static bool is_varying(const sg_names *n, const char *axis) {
  for (int i = 0; i < n->n_varying; i++)
    if (!strcmp(n->varying[i], axis)) return true;
  return false;
}

static bool same(const char *a, const char *b) {
  return a && b ? !strcmp(a, b) : a == b;
}

/* Each setting against those of the first environment, and the first one's against all. */
static bool find_varying(sg_names *n) {
  for (int v = 0; v < n->n; v++)
    for (int i = n->environment[v].begin; i < n->environment[v].end; i++) {
      const sg_setting *s = &n->setting[i];
      bool differs = false;
      for (int k = v ? 0 : 1; k < (v ? 1 : n->n) && !differs; k++)
        differs = !same(sg_names_setting(n, k, s->name), s->value);
      if (!differs || is_varying(n, s->name)) continue;
      if (!SG_ROOM(n->varying, n->varying_capacity, n->n_varying + 1)) return false;
      n->varying[n->n_varying++] = s->name;
    }
  return true;
}

/* --- Environments that are called the same ---------------------------------------------------- */

typedef struct member {
  char *path, *value;
} member;

typedef struct members {
  int n, capacity;
  member *member; /* ascending by path */
} members;

static void members_clear(members *m) {
  for (int i = 0; i < m->n; i++) {
    free(m->member[i].path);
    free(m->member[i].value);
  }
  free(m->member);
  *m = (members){0};
}

/* "$.environment.delay.mean_s": "delay/mean_s". */
static char *path_of(const char *key) {
  sg_buffer path = {0};
  const char *at = key + strlen("$.environment");
  sg_put(&path, "");
  for (; *at; at++) {
    if (*at == '.' || *at == '[')
      sg_put(&path, path.length ? "/" : "");
    else if (*at != ']' && *at != '"')
      sg_put_bytes(&path, at, 1);
  }
  if (path.failed) sg_buffer_free(&path);
  return path.data;
}

static sg_status read_members(sg_db *db, int64_t point, members *m, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_ask(db,
                               "SELECT fullkey, json_quote(atom) FROM point,"
                               " json_tree(config_json, '$.environment')"
                               " WHERE point_id = :number AND type NOT IN ('object', 'array')"
                               " ORDER BY fullkey",
                               NULL, point, &s, e);
  while (sg_db_row(db, s, &status, e)) {
    if (!SG_ROOM(m->member, m->capacity, m->n + 1)) {
      status = sg_fail_memory(e);
      break;
    }
    member *added = &m->member[m->n++];
    *added = (member){path_of(sg_db_text(s, 0)), strdup(sg_db_text(s, 1))};
    if (!added->path || !added->value) status = sg_fail_memory(e);
  }
  sqlite3_finalize(s);
  return status;
}

static const char *member_value(const members *m, const char *path) {
  for (int i = 0; i < m->n; i++)
    if (!strcmp(m->member[i].path, path)) return m->member[i].value;
  return NULL;
}

/* Whether a member is another one in some of the group. */
static bool differs(int n, const members *m, const char *path) {
  for (int k = 1; k < n; k++)
    if (!same(member_value(&m[0], path), member_value(&m[k], path))) return true;
  return false;
}

/* The paths that differ, each once: those of the first that has them. */
static char *put_differences(int n, const members *m, int of) {
  sg_buffer out = {0};
  int found = 0;
  for (int k = 0; k < n; k++)
    for (int i = 0; i < m[k].n; i++) {
      const char *path = m[k].member[i].path, *value = member_value(&m[of], path);
      bool known = false;
      for (int before = 0; before < k && !known; before++)
        known = member_value(&m[before], path) != NULL;
      if (known || !differs(n, m, path) || ++found > MOST_DIFFERENCES) continue;
      sg_putf(&out, "%s%s ", found > 1 ? ", " : "", path);
      sg_put_setting(value ? value : "\"(none)\"", &out);
    }
  if (found > MOST_DIFFERENCES) sg_putf(&out, " and %d more", found - MOST_DIFFERENCES);
  if (!found) sg_put(&out, "other contents of data files");
  if (out.failed) sg_buffer_free(&out);
  return out.data;
}

/* " 100, 104": each value once. */
static void put_values(int n, const members *m, const char *path, sg_buffer *out) {
  int shown = 0;
  for (int k = 0; k < n; k++) {
    const char *value = member_value(&m[k], path);
    bool known = false;
    for (int before = 0; before < k && !known; before++)
      known = same(member_value(&m[before], path), value);
    if (known) continue;
    sg_put(out, shown++ ? ", " : " ");
    sg_put_setting(value ? value : "\"(none)\"", out);
  }
}

sg_status sg_put_differences(sg_db *db, const sg_comparison *c, int n, const int *of,
                             sg_buffer *out, sg_error *e) {
  members *m = calloc((size_t)n + 1, sizeof *m);
  sg_status status = m ? SG_OK : sg_fail_memory(e);
  int found = 0;
  for (int k = 0; k < n && !status; k++)
    status = read_members(db, c->scheme[c->environment[of[k]].begin].point_id, &m[k], e);
  for (int k = 0; k < n && !status; k++)
    for (int i = 0; i < m[k].n; i++) {
      const char *path = m[k].member[i].path;
      bool known = false;
      for (int before = 0; before < k && !known; before++)
        known = member_value(&m[before], path) != NULL;
      if (known || !differs(n, m, path) || ++found > MOST_DIFFERENCES) continue;
      sg_putf(out, "%s%s", found > 1 ? "; " : "", path);
      put_values(n, m, path, out);
    }
  if (found > MOST_DIFFERENCES) sg_putf(out, "; and %d more", found - MOST_DIFFERENCES);
  for (int k = 0; k < n && m; k++) members_clear(&m[k]);
  free(m);
  return status;
}

/* `of`: n environments that are called the same. */
static sg_status tell_apart(sg_db *db, const sg_comparison *c, int n, const int *of,
                            sg_names *names, sg_error *e) {
  members *m = calloc((size_t)n, sizeof *m);
  sg_status status = m ? SG_OK : sg_fail_memory(e);
  for (int k = 0; k < n && !status; k++)
    status = read_members(db, c->scheme[c->environment[of[k]].begin].point_id, &m[k], e);
  for (int k = 0; k < n && !status; k++) {
    names->environment[of[k]].differs = put_differences(n, m, k);
    if (!names->environment[of[k]].differs) status = sg_fail_memory(e);
  }
  for (int k = 0; k < n && m; k++) members_clear(&m[k]);
  free(m);
  return status;
}

typedef struct labelled { /* an environment, by its name and results_version */
  char *label;
  int number;
} labelled;

static int by_label(const void *a, const void *b) {
  const labelled *x = a, *y = b;
  int order = strcmp(x->label, y->label);
  return order ? order : x->number - y->number;
}

/* More than that are not looked at: the work is quadratic. */
enum { LARGEST_GROUP = 100 };

static sg_status tell_all_apart(sg_db *db, const sg_comparison *c, sg_names *n, sg_error *e) {
  labelled *of = calloc((size_t)n->n + 1, sizeof *of);
  int *group = calloc((size_t)n->n + 1, sizeof *group);
  sg_status status = of && group ? SG_OK : sg_fail_memory(e);
  n->told_apart = true;
  for (int v = 0; v < n->n && !status; v++) {
    sg_buffer label = {0};
    for (int i = 0; i < n->n_varying; i++) {
      const char *value = sg_names_setting(n, v, n->varying[i]);
      sg_putf(&label, "%s\n", value ? value : "");
    }
    long long version = c->scheme[c->environment[v].begin].results_version;
    sg_putf(&label, "%lld\n%s", version, n->environment[v].scenario);
    n->told_apart &= version == c->scheme[0].results_version &&
                     !strcmp(n->environment[v].scenario, n->environment[0].scenario);
    if (label.failed) status = sg_fail_memory(e);
    of[v] = (labelled){label.data, v};
  }
  if (!status) qsort(of, (size_t)n->n, sizeof *of, by_label);
  for (int i = 0, k; i < n->n && !status; i += k) {
    for (k = 0; i + k < n->n && !strcmp(of[i].label, of[i + k].label); k++)
      group[k] = of[i + k].number;
    if (k > 1) n->told_apart = false;
    if (k > 1 && k <= LARGEST_GROUP) status = tell_apart(db, c, k, group, n, e);
  }
  for (int v = 0; of && v < n->n; v++) free(of[v].label);
  free(of);
  free(group);
  return status;
}

/* --- All -------------------------------------------------------------------------------------- */

static sg_status read_scenarios(sg_db *db, const sg_comparison *c, sg_names *n, sg_error *e) {
  sqlite3_stmt *s = NULL;
  sg_status status = sg_db_prepare(
      db, "SELECT name FROM point JOIN scenario USING (scenario_id) WHERE point_id = ?", &s, e);
  for (int v = 0; v < n->n && !status; v++) {
    sqlite3_bind_int64(s, 1, c->scheme[c->environment[v].begin].point_id);
    status = sg_db_step(db, s, e);
    n->environment[v].scenario = strdup(status ? "" : sg_db_text(s, 0));
    if (!status && !n->environment[v].scenario) status = sg_fail_memory(e);
    sqlite3_reset(s);
  }
  sqlite3_finalize(s);
  return status;
}

sg_status sg_names_read(sg_db *db, const sg_comparison *c, sg_names *n, sg_error *e) {
  n->environment = calloc((size_t)c->n_environments + 1, sizeof *n->environment);
  if (!n->environment) return sg_fail_memory(e);
  n->n = c->n_environments;
  sg_status status = read_scenarios(db, c, n, e);
  if (!status) status = read_values(db, n, e);
  for (int v = 0; v < n->n && !status; v++)
    if (!add_settings(c, v, n)) status = sg_fail_memory(e);
  if (!status && n->n && !find_varying(n)) status = sg_fail_memory(e);
  return status ? status : tell_all_apart(db, c, n, e);
}

void sg_names_clear(sg_names *n) {
  for (int v = 0; v < n->n; v++) {
    free(n->environment[v].scenario);
    free(n->environment[v].differs);
  }
  for (int i = 0; i < n->n_values; i++) {
    free(n->value[i].name);
    free(n->value[i].value);
  }
  free(n->environment);
  free(n->value);
  free(n->setting);
  free(n->varying);
  *n = (sg_names){0};
}

void sg_put_setting(const char *json, sg_buffer *out) {
  char *end, shorter[32];
  size_t length = strlen(json);
  double x = strtod(json, &end);
  if (length > 1 && json[0] == '"' && !strpbrk(json, "\\,=")) {
    sg_put_bytes(out, json + 1, length - 2);
    return;
  }
  if (*end == '\0' && length > 6)
    for (int digits = 1; digits <= 17; digits++) {
      snprintf(shorter, sizeof shorter, "%.*g", digits, x);
      if (strtod(shorter, NULL) == x) {
        sg_put(out, strlen(shorter) < length ? shorter : json);
        return;
      }
    }
  sg_put(out, json);
}

void sg_put_name(const sg_names *n, int environment, sg_buffer *out) {
  const sg_environment_name *v = &n->environment[environment];
  sg_put_clean(out, v->scenario, strlen(v->scenario), "", ' ');
  for (int i = 0; i < n->n_varying; i++) {
    const char *value = sg_names_setting(n, environment, n->varying[i]);
    sg_buffer text = {0};
    if (!value) continue;
    sg_putf(&text, ", %s = ", n->varying[i]);
    sg_put_setting(value, &text);
    if (text.data) sg_put_clean(out, text.data, text.length, "", ' ');
    out->failed |= text.failed;
    sg_buffer_free(&text);
  }
  if (!v->differs) return;
  sg_put(out, ", ");
  sg_put_clean(out, v->differs, strlen(v->differs), "", ' ');
}
