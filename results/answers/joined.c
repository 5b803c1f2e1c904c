/* SPDX-License-Identifier: MIT */
/* Environments put together that agree in all axes of the sweep but some: of other numbers of
 * workers, or of other steps of the optimiser. */
#include "results/answers/compare.h"

#include "results/columns.h"
#include "sim/core/nearest.h"

#include <stdlib.h>
#include <string.h>

void sg_joined_clear(sg_joined *j) {
  for (int i = 0; i < j->n_axes; i++) free(j->axis[i]);
  free(j->axis);
  free(j->group);
  *j = (sg_joined){0};
}

static bool is_joined(const sg_joined *j, const char *axis) {
  for (int i = 0; i < j->n_axes; i++)
    if (!strcmp(j->axis[i], axis)) return true;
  return false;
}

/* Columns that stand here alone; an axis may be called like one of them. */
static bool is_ours(const char *axis) {
  static const char *const ours[] = {"name",   "scheme", "workers", "samples", "batch",
                                     "family", "rank",   "equal",   NULL};
  if (sg_column_find("", axis)) return true;
  for (int i = 0; ours[i]; i++)
    if (!sqlite3_stricmp(ours[i], axis)) return true;
  return false;
}

/* The axis must be one of the sweep: one of a scheme alone needs no joining. */
static sg_status check_axis(const sg_names *n, const char *axis, sg_error *e) {
  sg_nearness near = {.word = axis};
  sg_buffer all = {0};
  sg_put(&all, "expected axes of the sweep over which environments are put together");
  for (int i = 0, listed = 0; i < n->n_settings; i++) {
    bool known = false;
    for (int k = 0; k < i && !known; k++) known = !strcmp(n->setting[k].name, n->setting[i].name);
    if (!strcmp(n->setting[i].name, axis)) {
      sg_buffer_free(&all);
      return SG_OK;
    }
    if (known) continue;
    sg_putf(&all, "%s%s", listed++ ? ", " : ", here ", n->setting[i].name);
    sg_consider(&near, n->setting[i].name);
  }
  sg_putf(&all, "%s; found \"%s\"", n->n_settings ? "" : ", of which there is none here", axis);
  if (near.best) sg_putf(&all, "; did you mean \"%s\"?", near.best);
  sg_status status = all.failed ? sg_fail_memory(e) : sg_fail(e, SG_USAGE, NULL, "%s", all.data);
  sg_buffer_free(&all);
  return status;
}

static sg_status read_axes(const sg_names *n, const char *list, sg_joined *j, sg_error *e) {
  char *text = strdup(list ? list : ""), *rest = list ? text : NULL;
  size_t most = 1;
  for (const char *at = text; at && *at; at++) most += *at == ',';
  j->axis = calloc(most, sizeof *j->axis);
  sg_status status = text && j->axis ? SG_OK : sg_fail_memory(e), wrong = SG_OK;
  for (char *word; !status && (word = strsep(&rest, ","));) {
    if (n->n) wrong = check_axis(n, word, e) ? SG_USAGE : wrong;
    if (is_joined(j, word)) continue;
    j->axis[j->n_axes] = strdup(word);
    if (j->axis[j->n_axes])
      j->n_axes++;
    else
      status = sg_fail_memory(e);
  }
  free(text);
  return status ? status : wrong;
}

static void put_rest(const sg_comparing *c, const sg_joined *j, int environment, sg_buffer *out) {
  const sg_names *n = &c->names;
  const sg_environment_name *v = &n->environment[environment];
  sg_put_clean(out, v->scenario, strlen(v->scenario), "", ' ');
  for (int i = 0; i < n->n_varying; i++) {
    const char *value = sg_names_setting(n, environment, n->varying[i]);
    sg_buffer text = {0};
    if (!value || is_joined(j, n->varying[i])) continue;
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

sg_status sg_join(const sg_comparing *c, const char *axes, sg_joined *j, sg_error *e) {
  int n = c->found.n_environments;
  sg_status status = read_axes(&c->names, axes, j, e);
  if (status) return status;
  char **key = calloc((size_t)n + 1, sizeof *key);
  j->group = calloc((size_t)n + 1, sizeof *j->group);
  if (!key || !j->group) status = sg_fail_memory(e);
  for (int v = 0; v < n && !status; v++) {
    sg_buffer text = {0};
    const sg_judged *first = &c->found.scheme[c->found.environment[v].begin];
    sg_putf(&text, "%lld ", (long long)first->results_version);
    put_rest(c, j, v, &text);
    /* Without axes nothing is put together, whatever it is called. */
    if (!axes) sg_putf(&text, " %d", v);
    if (text.failed) status = sg_fail_memory(e);
    key[v] = text.data;
    int same = 0;
    while (!status && same < v && strcmp(key[same], key[v]) != 0) same++;
    if (!status) j->group[v] = same < v ? j->group[same] : j->n++;
  }
  for (int v = 0; key && v < n; v++) free(key[v]);
  free(key);
  return status;
}

int sg_joined_of(const sg_comparing *c, const sg_joined *j, int group, int *environment) {
  int n = 0;
  for (int v = 0; v < c->found.n_environments; v++)
    if (j->group[v] == group) environment[n++] = v;
  return n;
}

void sg_put_group(const sg_comparing *c, const sg_joined *j, int group, sg_buffer *out) {
  for (int v = 0; v < c->found.n_environments; v++) {
    if (j->group[v] != group) continue;
    put_rest(c, j, v, out);
    return;
  }
}

sg_status sg_put_joined(sg_comparing *c, const sg_joined *j, int group, int width, sg_buffer *out,
                        sg_error *e) {
  int *of = calloc((size_t)c->found.n_environments + 1, sizeof *of);
  sg_buffer text = {0};
  sg_status status = of ? SG_OK : sg_fail_memory(e);
  int n = of ? sg_joined_of(c, j, group, of) : 0;
  if (!status && n > 1) {
    sg_putf(&text, "%d environments, which differ in ", n);
    status = sg_put_differences(c->db, &c->found, n, of, &text, e);
    sg_put(&text, ".");
    sg_buffer clean = {0};
    if (!text.failed) sg_put_clean(&clean, text.data, text.length, "", '?');
    if (clean.data && !clean.failed) sg_put_paragraph(clean.data, width, out);
    out->failed |= clean.failed || text.failed;
    sg_buffer_free(&clean);
  }
  sg_buffer_free(&text);
  free(of);
  return status;
}

bool sg_joined_by_workers(const sg_comparing *c, const sg_joined *j) {
  for (int i = 0; i < j->n_axes; i++) {
    bool same = true;
    for (int v = 0; v < c->found.n_environments && same; v++) {
      const char *value = sg_names_setting(&c->names, v, j->axis[i]);
      const sg_judged *first = &c->found.scheme[c->found.environment[v].begin];
      same = value && strtod(value, NULL) == first->point.n_workers;
    }
    if (same) return true;
  }
  return false;
}

void sg_put_joined_axes(const sg_comparing *c, const sg_joined *j, int environment, sg_table *t) {
  for (int i = 0; i < j->n_axes; i++) {
    const char *value = sg_names_setting(&c->names, environment, j->axis[i]);
    char name[256], *end;
    double x = value ? strtod(value, &end) : 0;
    sg_table_at(t, sqlite3_snprintf(sizeof name, name, "%s%s", is_ours(j->axis[i]) ? "axis_" : "",
                                    j->axis[i]));
    sg_buffer cell = {0};
    if (value && *end == '\0') {
      sg_put_axis(t, x);
      continue;
    }
    if (value) sg_put_setting(value, &cell);
    sg_table_buffer(t, &cell);
  }
}

sg_status sg_print_data(const sg_comparing *c, sg_table *t, sg_buffer *out, sg_error *e) {
  const sg_compare_options *o = c->options;
  if (sg_table_rows(t) == 0) {
    sg_put(out, o->format == SG_FORMAT_JSON ? "[]\n" : "");
    return SG_OK;
  }
  sg_status status = sg_choose_columns(o, t, e);
  if (!status) sg_table_print(t, o->format, o->width, out);
  return status;
}
