/* SPDX-License-Identifier: MIT */
/* Axes: members that take several values in turn. They come from the scenario's "sweep", and from
 * the `each` that the reader finds in schemes; every value is checked where it stands. */
#include "sim/core/array.h"
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Lists of axes ---------------------------------------------------------------------------- */

scenario_axis *sg_axes_take(axes *list, scenario_axis *from) {
  if (!SG_ROOM(list->axis, list->capacity, list->count + 1)) return NULL;
  list->axis[list->count] = *from;
  *from = (scenario_axis){0};
  return &list->axis[list->count++];
}

bool sg_axes_add(axes *list, const char *name, const char *path, const char *place,
                 const cJSON *values, int scheme) {
  scenario_axis none = {.scheme = scheme}, *a = sg_axes_take(list, &none);
  if (!a) return false;
  a->name = strdup(name);
  a->path = strdup(path);
  a->place = strdup(place);
  a->value = calloc((size_t)cJSON_GetArraySize(values) + 1, sizeof *a->value);
  if (!a->name || !a->path || !a->place || !a->value) return false;
  for (const cJSON *v = values->child; v; v = v->next) a->value[a->count++] = v;
  return true;
}

void sg_axes_free(axes *list) {
  for (int i = 0; i < list->count; i++) {
    free(list->axis[i].name);
    free(list->axis[i].path);
    free(list->axis[i].place);
    free(list->axis[i].value);
  }
  free(list->axis);
  *list = (axes){0};
}

/* --- Their values ----------------------------------------------------------------------------- */

/* The index in "/schemes/<i>/…", −1 for any other pointer. */
static int scheme_of(const char *pointer) {
  if (strncmp(pointer, "/schemes/", 9) != 0) return -1;
  return (int)strtol(pointer + 9, NULL, 10);
}

typedef struct text_at {
  char *text;
  int index;
} text_at;

static int compare_texts(const void *x, const void *y) {
  const text_at *a = x, *b = y;
  int order = strcmp(a->text, b->text);
  return order ? order : (a->index > b->index) - (a->index < b->index);
}

static void fail_value(const scenario_axis *a, int i, sg_error *e, const char *message) {
  sg_buffer place = {0};
  sg_putf(&place, "%s/%d", a->place, i);
  if (place.failed)
    sg_fail_memory(e);
  else
    sg_fail(e, SG_INVALID, place.data, "%s", message);
  sg_buffer_free(&place);
}

/* A value that comes twice would make the same point twice. */
static void check_repeated(const scenario_axis *a, sg_error *e) {
  int n = a->count;
  text_at *list = calloc((size_t)n + 1, sizeof *list);
  bool ok = list;
  for (int i = 0; ok && i < n; i++) {
    sg_buffer b = {0};
    sg_json_put(a->value[i], &b);
    list[i] = (text_at){b.data, i};
    ok = !b.failed;
  }
  if (ok) {
    qsort(list, (size_t)n, sizeof *list, compare_texts);
    for (int i = 1; i < n; i++)
      if (strcmp(list[i].text, list[i - 1].text) == 0)
        fail_value(a, list[i].index, e, "this value is in the list already");
  } else {
    sg_fail_memory(e);
  }
  for (int i = 0; list && i < n; i++) free(list[i].text);
  free(list);
}

/* Values of a scalar. */
static void check_values(const sg_scenario *s, const scenario_axis *a, const sg_param *row,
                         int from, sg_error *e) {
  reader r = {.folder = s->folder, .e = e, .scheme = a->scheme};
  for (int i = from; i < a->count; i++) {
    sg_value scratch = {0};
    sg_buffer place = {0};
    sg_putf(&place, "%s/%d", a->place, i);
    if (place.failed)
      sg_fail_memory(e);
    else
      sg_read_scalar(&r, row, a->value[i], place.data, &scratch);
    sg_buffer_free(&place);
    sg_value_clear(&scratch);
  }
}

static bool is_known(const sg_error *known, const sg_fault *fault) {
  for (int i = 0; i < known->count; i++)
    if (strcmp(known->fault[i].place, fault->place) == 0 &&
        strcmp(known->fault[i].message, fault->message) == 0)
      return true;
  return false;
}

/* Faults that the scenario has with value i of a selector and has not without it. */
static void check_variant(const sg_scenario *s, const scenario_axis *a, int i,
                          const sg_error *known, sg_error *e) {
  sg_error with = {0};
  cJSON *tree = cJSON_Duplicate(s->tree, true), *value = cJSON_Duplicate(a->value[i], true);
  target t;
  axes each = {0};
  bool ok = tree && value && sg_find_target(tree, a->path, true, SG_INVALID, a->path, &t, &with);
  if (ok) {
    ok = sg_target_put(&t, value);
    sg_target_clear(&t);
  } else {
    cJSON_Delete(value);
  }
  if (ok) {
    reader r = {.folder = s->folder, .e = &with, .each = &each, .scheme = -1};
    sg_values_free(sg_read_object(&r, sg_scenario_params, NULL, tree, "", NULL));
  } else {
    sg_fail_memory(&with);
  }
  for (int k = 0; k < with.count; k++) {
    const sg_fault *f = &with.fault[k];
    if (is_known(known, f)) continue;
    sg_buffer b = {0};
    if (strcmp(f->place, a->path) != 0) sg_putf(&b, "with this value, %s: ", f->place);
    sg_put(&b, f->message);
    fail_value(a, i, e, b.failed ? f->message : b.data);
    sg_buffer_free(&b);
  }
  sg_error_clear(&with);
  sg_axes_free(&each);
  cJSON_Delete(tree);
}

/* What an entry of "sweep" names must be a scalar that counts. */
static bool check_target(const scenario_axis *a, const char *place, const target *t, sg_error *e) {
  const cJSON *now =
      cJSON_IsArray(t->parent) ? NULL : cJSON_GetObjectItemCaseSensitive(t->parent, t->name);
  if (t->row && !sg_is_scalar(t->row))
    sg_fail(e, SG_INVALID, place,
            "%s is not a single value; a sweep varies numbers, words and truth values", a->path);
  else if (t->unhashed)
    sg_fail(e, SG_INVALID, place, "%s does not change the results of a run, so it cannot be swept",
            a->path);
  else if (sg_each_of(now))
    sg_fail(e, SG_INVALID, place, "%s has an \"each\" already", a->path);
  else
    return true;
  return false;
}

static void check_sweep(const sg_scenario *s, const scenario_axis *a, const char *path_place,
                        const sg_error *known, sg_error *e) {
  target t;
  if (!sg_find_target(s->tree, a->path, false, SG_INVALID, path_place, &t, e)) return;
  if (check_target(a, path_place, &t, e)) {
    if (t.row)
      check_values(s, a, t.row, 0, e);
    else
      for (int i = 0; i < a->count; i++) check_variant(s, a, i, known, e);
    check_repeated(a, e);
  }
  sg_target_clear(&t);
}

/* Names must differ from earlier ones, and paths. */
static void check_unique(const axes *list, int i, const char *entry, sg_error *e) {
  const scenario_axis *a = &list->axis[i];
  const char *member = NULL;
  for (int k = 0; k < i && !member; k++) {
    if (strcmp(a->path, list->axis[k].path) == 0) member = "path";
    if (strcmp(a->name, list->axis[k].name) == 0) member = "name";
  }
  if (a->name[0] == '\0') member = "name";
  if (!member) return;
  char *place = sg_pointer_join(entry, member);
  if (place)
    sg_fail(e, SG_INVALID, place, "%s",
            a->name[0] == '\0' ? "expected a name, found an empty string"
                               : "another axis of the sweep has this already");
  else
    sg_fail_memory(e);
  free(place);
}

/* Whether an entry of the sweep has what it takes; if not, the reader has said so. */
static bool sweep_parts(const cJSON *entry, const char **name, const char **path,
                        const cJSON **values) {
  *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
  *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "path"));
  *values = cJSON_GetObjectItemCaseSensitive(entry, "values");
  return *name && *path && cJSON_IsArray(*values) && (*values)->child;
}

void sg_read_sweeps(sg_scenario *s, const sg_error *known, sg_error *e) {
  const cJSON *sweep = cJSON_GetObjectItemCaseSensitive(s->tree, "sweep"), *entry;
  int i = 0;
  if (!cJSON_IsArray(sweep)) return;
  for (entry = sweep->child; entry; entry = entry->next, i++) {
    const char *name, *path;
    const cJSON *values;
    if (!sweep_parts(entry, &name, &path, &values)) continue;
    char base[40], values_place[60], path_place[60];
    snprintf(base, sizeof base, "/sweep/%d", i);
    snprintf(values_place, sizeof values_place, "%s/values", base);
    snprintf(path_place, sizeof path_place, "%s/path", base);
    if (!sg_axes_add(&s->axes, name, path, values_place, values, scheme_of(path))) {
      sg_fail_memory(e);
      return;
    }
    check_unique(&s->axes, s->axes.count - 1, base, e);
    check_sweep(s, &s->axes.axis[s->axes.count - 1], path_place, known, e);
  }
}

void sg_add_each(sg_scenario *s, axes *each, sg_error *e) {
  int sweeps = s->axes.count;
  for (int i = 0; i < each->count; i++) {
    target t;
    const scenario_axis *a = sg_axes_take(&s->axes, &each->axis[i]);
    if (!a) {
      sg_fail_memory(e);
      return;
    }
    for (int k = 0; k < sweeps; k++)
      if (strcmp(a->name, s->axes.axis[k].name) == 0)
        sg_fail(e, SG_INVALID, a->path,
                "an axis of the sweep is called \"%s\" too; give that another name", a->name);
    /* The first value has been read. */
    if (sg_find_target(s->tree, a->path, false, SG_INVALID, a->path, &t, e) && t.row)
      check_values(s, a, t.row, 1, e);
    sg_target_clear(&t);
    check_repeated(a, e);
  }
}
