/* SPDX-License-Identifier: MIT */
/* Axes: members that take several values in turn. They come from the scenario's "sweep", and from
 * the `each` that the reader finds in schemes; every value is checked where it stands. */
#include "sim/core/array.h"
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Lists of axes ---------------------------------------------------------------------------- */

static void clear(scenario_axis *a) {
  free(a->name);
  free(a->path);
  free(a->entry);
  free(a->value);
}

sg_status sg_axes_add(axes *all, const char *name, const char *path, const char *entry,
                      const char *list, const cJSON *values, int scheme, sg_error *e) {
  scenario_axis a = {.name = strdup(name),
                     .path = strdup(path),
                     .entry = strdup(entry),
                     .list = list,
                     .value = calloc((size_t)cJSON_GetArraySize(values) + 1, sizeof *a.value),
                     .scheme = scheme};
  if (!a.name || !a.path || !a.entry || !a.value ||
      !SG_ROOM(all->axis, all->capacity, all->count + 1)) {
    clear(&a);
    return sg_fail_memory(e);
  }
  for (const cJSON *v = values->child; v; v = v->next) a.value[a.count++] = v;
  all->axis[all->count++] = a;
  return SG_OK;
}

void sg_axes_free(axes *all) {
  for (int i = 0; i < all->count; i++) clear(&all->axis[i]);
  free(all->axis);
  *all = (axes){0};
}

/* --- Their values ----------------------------------------------------------------------------- */

/* The JSON pointer of a value, to be freed. NULL: no memory. */
static char *place_of(const scenario_axis *a, int i) {
  char *place;
  return asprintf(&place, "%s/%s/%d", a->entry, a->list, i) < 0 ? NULL : place;
}

/* The message is freed. */
static void fail_value(const scenario_axis *a, int i, sg_error *e, sg_buffer *message) {
  char *place = place_of(a, i);
  sg_fail_buffer(e, SG_INVALID, place, message);
  free(place);
}

/* A value that comes twice would make the same point twice. */
static void check_repeated(const scenario_axis *a, sg_error *e) {
  int n = a->count;
  char **text = calloc((size_t)n + 1, sizeof *text);
  int *repeated = calloc((size_t)n + 1, sizeof *repeated);
  bool ok = text && repeated;
  for (int i = 0; ok && i < n; i++) {
    sg_buffer b = {0};
    sg_json_put(a->value[i], &b);
    text[i] = b.data;
    ok = !b.failed;
  }
  if (!ok) sg_fail_memory(e);
  int k = ok ? sg_find_repeated(n, (const char *const *)text, repeated) : 0;
  for (int i = 0; i < k; i++) {
    sg_buffer b = {0};
    sg_put(&b, "this value is in the list already");
    fail_value(a, repeated[i], e, &b);
  }
  for (int i = 0; text && i < n; i++) free(text[i]);
  free(text);
  free(repeated);
}

/* Values of a scalar. */
static void check_values(const sg_scenario *s, const scenario_axis *a, const sg_param *row,
                         int from, sg_error *e) {
  reader r = {.folder = s->folder, .e = e, .scheme = a->scheme};
  for (int i = from; i < a->count; i++) {
    sg_value scratch = {0};
    char *place = place_of(a, i);
    sg_read_scalar(&r, row, a->value[i], place, &scratch);
    free(place);
    sg_value_clear(&scratch);
  }
}

static bool is_known(const sg_error *known, const sg_fault *fault) {
  for (int i = 0; i < known->count; i++)
    if (sg_same_fault(&known->fault[i], fault)) return true;
  return false;
}

/* Faults that the scenario has with value i of a selector and has not without it. */
static void check_variant(const sg_scenario *s, const scenario_axis *a, int i,
                          const sg_error *known, sg_error *e) {
  sg_error with = {0};
  axes each = {0};
  cJSON *tree = cJSON_Duplicate(s->tree, true), *value = cJSON_Duplicate(a->value[i], true);
  if (!sg_put_at(tree, a->path, value, SG_INVALID, a->path, &with)) {
    reader r = {.folder = s->folder, .e = &with, .each = &each, .scheme = -1};
    sg_values_free(sg_read_object(&r, sg_scenario_params, NULL, tree, "", NULL));
  }
  for (int k = 0; k < with.count; k++) {
    const sg_fault *f = &with.fault[k];
    if (is_known(known, f)) continue;
    sg_buffer b = {0};
    if (strcmp(f->place, a->path) != 0) sg_putf(&b, "with this value, %s: ", f->place);
    sg_put(&b, f->message);
    fail_value(a, i, e, &b);
  }
  sg_error_clear(&with);
  sg_axes_free(&each);
  cJSON_Delete(tree);
}

/* What an entry of "sweep" names must be a scalar that counts. */
static bool check_target(const scenario_axis *a, const char *place, const target *t, sg_error *e) {
  if (t->row && !sg_is_scalar(t->row))
    sg_fail(e, SG_INVALID, place,
            "%s is not a single value; a sweep varies numbers, words and truth values", a->path);
  else if (t->unhashed)
    sg_fail(e, SG_INVALID, place, "%s does not change the results of a run, so it cannot be swept",
            a->path);
  else if (!cJSON_IsArray(t->parent) && sg_each_of(t->item))
    sg_fail(e, SG_INVALID, place, "%s has an \"each\" already", a->path);
  else
    return true;
  return false;
}

/* Names must differ from earlier ones, and paths. */
static void check_unique(const axes *all, int i, sg_error *e) {
  const scenario_axis *a = &all->axis[i];
  const char *member = NULL;
  for (int k = 0; k < i && !member; k++) {
    if (strcmp(a->path, all->axis[k].path) == 0) member = "path";
    if (strcmp(a->name, all->axis[k].name) == 0) member = "name";
  }
  if (!*a->name) member = "name";
  if (!member) return;
  char *place = sg_pointer_join(a->entry, member);
  sg_buffer b = {0};
  sg_put(&b, *a->name ? "another axis of the sweep has this already"
                      : "expected a name, found an empty string");
  sg_fail_buffer(e, SG_INVALID, place, &b);
  free(place);
}

static void check_sweep(const sg_scenario *s, int i, const sg_error *known, sg_error *e) {
  const scenario_axis *a = &s->axes.axis[i];
  char *place = sg_pointer_join(a->entry, "path");
  target t = {0};
  check_unique(&s->axes, i, e);
  if (!place) {
    sg_fail_memory(e);
  } else if (!sg_find_target(s->tree, a->path, place, &t, e) && check_target(a, place, &t, e)) {
    if (t.row) check_values(s, a, t.row, 0, e);
    for (int k = 0; !t.row && k < a->count; k++) check_variant(s, a, k, known, e);
    check_repeated(a, e);
  }
  free(place);
  sg_target_clear(&t);
}

static void check_each(const sg_scenario *s, int i, int sweeps, sg_error *e) {
  const scenario_axis *a = &s->axes.axis[i];
  target t;
  for (int k = 0; k < sweeps; k++)
    if (strcmp(a->name, s->axes.axis[k].name) == 0)
      sg_fail(e, SG_INVALID, a->path,
              "an axis of the sweep is called \"%s\" too; give that another name", a->name);
  /* The first value has been read. */
  if (!sg_find_target(s->tree, a->path, a->path, &t, e) && t.row) check_values(s, a, t.row, 1, e);
  sg_target_clear(&t);
  check_repeated(a, e);
}

void sg_check_axes(const sg_scenario *s, int sweeps, const sg_error *known, sg_error *e) {
  for (int i = 0; i < sweeps; i++) check_sweep(s, i, known, e);
  for (int i = sweeps; i < s->axes.count; i++) check_each(s, i, sweeps, e);
}

/* The index in "/schemes/<i>/…", −1 for any other pointer. */
static int scheme_of(const char *pointer) {
  if (strncmp(pointer, "/schemes/", 9) != 0) return -1;
  return (int)strtol(pointer + 9, NULL, 10);
}

sg_status sg_read_sweeps(sg_scenario *s, sg_error *e) {
  const cJSON *sweep = cJSON_GetObjectItemCaseSensitive(s->tree, "sweep");
  const cJSON *entry = cJSON_IsArray(sweep) ? sweep->child : NULL;
  sg_status status = SG_OK;
  for (int i = 0; entry && !status; entry = entry->next, i++) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "name"));
    const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(entry, "path"));
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(entry, "values");
    /* What an entry lacks, the reader tells. */
    if (!name || !path || !cJSON_IsArray(values) || !values->child) continue;
    char place[40];
    snprintf(place, sizeof place, "/sweep/%d", i);
    status = sg_axes_add(&s->axes, name, path, place, "values", values, scheme_of(path), e);
  }
  return status;
}
