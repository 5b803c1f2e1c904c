/* SPDX-License-Identifier: MIT */
/* From a scenario to its points: every environment of the sweep with every scheme.
 *
 * A value of an axis is put into a copy of the JSON tree, which is then read as if it had been
 * written there: what is given, which variant's table counts and what is checked come out right
 * without rules of their own. */
#include "codes/frame/code.h"
#include "sim/core/array.h"
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Canonical JSON --------------------------------------------------------------------------- */

static void put_values(const sg_values *v, const sg_family *family, const char *skip,
                       sg_buffer *out);

static void put_value(const sg_param *row, const sg_value *value, sg_buffer *out) {
  switch (row->kind) {
  case SG_INT:
  case SG_REAL:
    if (value->text) /* a word in place of a number */
      sg_put_json_string(out, value->text);
    else
      sg_put_json_number(out, value->number);
    break;
  case SG_BOOL: sg_put(out, value->number != 0 ? "true" : "false"); break;
  case SG_CHOICE:
  case SG_TEXT:
  case SG_SEED: sg_put_json_string(out, value->text); break;
  case SG_MATRIX: /* its content, not its name */
    sg_putf(out, "\"sha256:%s\"", value->matrix->sha256);
    break;
  case SG_ANY: sg_put(out, value->text); break;
  case SG_OBJECT: put_values(value->object, NULL, NULL, out); break;
  case SG_FAMILY: put_values(value->object, row->family, NULL, out); break;
  case SG_LIST:
    sg_put(out, "[");
    for (int i = 0; i < value->count; i++) {
      if (i > 0) sg_put(out, ", ");
      put_value(row->fields, &value->item[i], out);
    }
    sg_put(out, "]");
    break;
  }
}

/* An optional member that is not there has no text of its own, nor has an optional object. */
static bool is_absent(const sg_param *row, const sg_value *value) {
  bool has_default = !(row->flags & (SG_OPTIONAL | SG_REQUIRED));
  switch (row->kind) {
  case SG_OBJECT:
  case SG_FAMILY: return !value->object;
  case SG_LIST: return row->flags & SG_OPTIONAL && !value->given;
  case SG_ANY: return !value->text;
  default: return !value->given && !has_default;
  }
}

/* Equal configurations have equal texts, whatever their files look like. With the selector of the
 * family; a member named `skip` (may be NULL) is left out. */
static void put_values(const sg_values *v, const sg_family *family, const char *skip,
                       sg_buffer *out) {
  sg_put(out, "{");
  if (v->variant)
    sg_put_json_text_member(out, family ? family->selector : "variant", v->variant->name);
  for (int i = 0; i < sg_values_size(v); i++) {
    const sg_param *row = sg_values_row(v, i);
    if (row->flags & (SG_UNHASHED | SG_IS_PATH) || is_absent(row, &v->value[i])) continue;
    if (skip && strcmp(row->name, skip) == 0) continue;
    sg_put_json_name(out, row->name);
    put_value(row, &v->value[i], out);
  }
  sg_put(out, "}");
}

void sg_values_to_json(const sg_values *v, sg_buffer *out) {
  put_values(v, NULL, NULL, out);
}

/* --- Schemes and environments ----------------------------------------------------------------- */

/* Counts through all choices of a scheme's axes like a mileage counter, the last axis fastest.
 * false: once round. */
static bool next_choice(const axes *all, int scheme, int *choice) {
  for (int i = all->count - 1; i >= 0; i--) {
    if (all->axis[i].scheme != scheme) continue;
    if (++choice[i] < all->axis[i].count) return true;
    choice[i] = 0;
  }
  return false;
}

static void clear_variation(variation *v) {
  sg_values_free(v->values);
  free(v->json);
  free(v->choice);
}

void sg_variations_free(variations *all) {
  for (int i = 0; i < all->count; i++) clear_variation(&all->list[i]);
  free(all->list);
  *all = (variations){0};
}

/* Puts the chosen value of each axis into a tree and reads it. */
static sg_status add_variation(const sg_scenario *s, cJSON *tree, int scheme, const int *choice,
                               variations *all, sg_error *e) {
  if (!SG_ROOM(all->list, all->capacity, all->count + 1)) return sg_fail_memory(e);
  variation *v = &all->list[all->count++];
  size_t n = (size_t)s->axes.count;
  *v = (variation){.scheme = scheme, .choice = calloc(n + 1, sizeof *v->choice)};
  if (!v->choice) return sg_fail_memory(e);
  memcpy(v->choice, choice, n * sizeof *choice);
  for (size_t i = 0; i < n; i++) {
    const scenario_axis *a = &s->axes.axis[i];
    if (a->scheme != scheme) continue;
    cJSON *value = cJSON_Duplicate(a->value[choice[i]], true);
    sg_status status = sg_put_at(tree, a->path, value, SG_INVALID, a->path, e);
    if (status) return status;
  }
  reader r = {.folder = s->folder, .e = e, .scheme = scheme};
  sg_buffer b = {0};
  if (scheme < 0) {
    v->values = sg_read_object(&r, sg_scenario_params, NULL, tree, "", "schemes");
    if (v->values) put_values(v->values, NULL, "schemes", &b);
  } else {
    char pointer[40];
    snprintf(pointer, sizeof pointer, "/schemes/%d", scheme);
    const cJSON *item =
        cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(tree, "schemes"), scheme);
    v->values = sg_read_object(&r, sg_scenario_scheme_params, &sg_code_family, item, pointer, NULL);
    if (v->values) put_values(v->values, &sg_code_family, NULL, &b);
  }
  v->json = b.data;
  return !v->values || b.failed ? sg_fail_memory(e) : SG_OK;
}

/* The part of a scenario that is worth copying for one scheme: the others are replaced by null, so
 * that indices stay. For the environment (−1): all but the schemes, and the sweep and the paper,
 * which may be long. */
static cJSON *part_of(const cJSON *root, int scheme) {
  cJSON *tree = scheme < 0 ? cJSON_Duplicate(root, true) : cJSON_CreateObject();
  if (scheme < 0) {
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "schemes");
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "sweep");
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "paper");
    return tree;
  }
  cJSON *list = cJSON_AddArrayToObject(tree, "schemes");
  const cJSON *from = cJSON_GetObjectItemCaseSensitive(root, "schemes");
  bool ok = list;
  for (int i = 0; ok && i <= scheme; i++)
    ok = cJSON_AddItemToArray(list, i == scheme ? cJSON_Duplicate(cJSON_GetArrayItem(from, i), true)
                                                : cJSON_CreateNull());
  if (ok) return tree;
  cJSON_Delete(tree);
  return NULL;
}

/* Appends one scheme (−1: the environment) with all values of its axes. */
static sg_status vary(const sg_scenario *s, int scheme, variations *all, sg_error *e) {
  int *choice = calloc((size_t)s->axes.count + 1, sizeof *choice);
  cJSON *tree = part_of(s->tree, scheme);
  sg_status status = choice && tree ? SG_OK : sg_fail_memory(e);
  do {
    if (!status) status = add_variation(s, tree, scheme, choice, all, e);
  } while (!status && next_choice(&s->axes, scheme, choice));
  free(choice);
  cJSON_Delete(tree);
  return status;
}

/* Two schemes with the same configuration would be one point: the later goes. */
static sg_status drop_equal(variations *all, sg_error *e) {
  const char **text = calloc((size_t)all->count + 1, sizeof *text);
  int *repeated = calloc((size_t)all->count + 1, sizeof *repeated);
  sg_status status = text && repeated ? SG_OK : sg_fail_memory(e);
  if (!status) {
    for (int i = 0; i < all->count; i++) text[i] = all->list[i].json;
    int dropped = sg_find_repeated(all->count, text, repeated), k = 0;
    for (int i = 0; i < dropped; i++) {
      variation *v = &all->list[repeated[i]];
      clear_variation(v);
      *v = (variation){0};
    }
    for (int i = 0; i < all->count; i++)
      if (all->list[i].values) all->list[k++] = all->list[i];
    all->count = k;
  }
  free(text);
  free(repeated);
  return status;
}

sg_status sg_vary_schemes(const sg_scenario *s, variations *all, sg_error *e) {
  sg_error own = {0};
  sg_status status = SG_OK;
  int schemes = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(s->tree, "schemes"));
  for (int i = 0; !status && i < schemes; i++) status = vary(s, i, all, &own);
  status = sg_error_status(&own);
  if (!status) status = drop_equal(all, &own);
  sg_error_move(e, &own);
  return status;
}

/* --- Points ----------------------------------------------------------------------------------- */

void sg_point_put_axes(const sg_point *p, int n, sg_buffer *out) {
  for (int a = 0; a < n; a++)
    sg_putf(out, "%s%s=%s", a ? " " : "", p->axis_name[a], p->axis_value[a]);
}

void sg_points_free(int count, sg_point *points) {
  for (int i = 0; points && i < count; i++) {
    sg_point *p = &points[i];
    sg_values_free(p->values);
    free(p->env_json);
    free(p->scheme_json);
    for (int k = 0; k < p->n_axes; k++) {
      if (p->axis_name) free(p->axis_name[k]);
      if (p->axis_value) free(p->axis_value[k]);
    }
    free(p->axis_name);
    free(p->axis_value);
  }
  free(points);
}

/* The axes of a variation behind those that the point has. */
static bool put_axes(const axes *all, const variation *v, sg_point *p) {
  for (int i = 0; i < all->count; i++) {
    const scenario_axis *a = &all->axis[i];
    if (a->scheme != v->scheme) continue;
    sg_buffer b = {0};
    sg_json_put(a->value[v->choice[i]], &b);
    int k = p->n_axes++;
    p->axis_name[k] = strdup(a->name);
    p->axis_value[k] = b.data;
    if (b.failed || !p->axis_name[k]) return false;
  }
  return true;
}

/* last: no other point needs the environment's values and text, so the point takes them over. */
static sg_status make_point(const axes *all, variation *env, const variation *v, bool last,
                            sg_point *p, sg_error *e) {
  size_t n = (size_t)all->count;
  *p = (sg_point){.values = last ? env->values : sg_values_copy(env->values),
                  .env_json = last ? env->json : strdup(env->json),
                  .scheme_json = strdup(v->json),
                  .axis_name = calloc(n + 1, sizeof *p->axis_name),
                  .axis_value = calloc(n + 1, sizeof *p->axis_value),
                  .scheme_index = v->scheme};
  if (last) {
    env->values = NULL;
    env->json = NULL;
  }
  sg_value *schemes = p->values ? sg_values_find(p->values, "schemes") : NULL;
  if (!schemes || !p->env_json || !p->scheme_json || !p->axis_name || !p->axis_value ||
      !put_axes(all, env, p) || !sg_value_new_items(schemes, 1))
    return sg_fail_memory(e);
  p->n_shared_axes = p->n_axes;
  if (!put_axes(all, v, p)) return sg_fail_memory(e);
  p->single = p->n_axes == 0;
  schemes->given = schemes->item[0].given = true;
  p->scheme = schemes->item[0].object = sg_values_copy(v->values);
  return p->scheme ? SG_OK : sg_fail_memory(e);
}

sg_status sg_scenario_points(const sg_scenario *s, int *count, sg_point **points, sg_error *e) {
  *count = 0;
  *points = NULL;
  if (!s->complete)
    return sg_fail(e, SG_INVALID, NULL, "the scenario has faults, so it has no points");
  variations schemes = {0}, environments = {0};
  sg_error own = {0};
  if (!sg_vary_schemes(s, &schemes, &own)) vary(s, -1, &environments, &own);
  int n = schemes.count, total = n * environments.count, done = 0;
  sg_status status = sg_error_status(&own);
  sg_point *list = calloc((size_t)total + 1, sizeof *list);
  if (!list) status = sg_fail_memory(&own);
  for (; !status && done < total; done++)
    status = make_point(&s->axes, &environments.list[done / n], &schemes.list[done % n],
                        done % n == n - 1, &list[done], &own);
  sg_variations_free(&schemes);
  sg_variations_free(&environments);
  sg_error_move(e, &own);
  if (status) {
    sg_points_free(done, list);
    return status;
  }
  *count = total;
  *points = list;
  return SG_OK;
}
