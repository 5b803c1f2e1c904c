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

/* Counts through all choices like a mileage counter, the last axis fastest. false: once round. */
static bool next_choice(int n, const scenario_axis *const *axis, int *choice) {
  for (int i = n - 1; i >= 0; i--) {
    if (++choice[i] < axis[i]->count) return true;
    choice[i] = 0;
  }
  return false;
}

/* Puts the chosen value of each axis into a tree of the whole scenario. */
static bool substitute(cJSON *root, int n, const scenario_axis *const *axis, const int *choice,
                       sg_error *e) {
  for (int i = 0; i < n; i++) {
    target t;
    if (!sg_find_target(root, axis[i]->path, true, SG_INVALID, axis[i]->path, &t, e)) return false;
    cJSON *value = cJSON_Duplicate(axis[i]->value[choice[i]], true);
    bool ok = value && sg_target_put(&t, value);
    sg_target_clear(&t);
    if (!ok) {
      sg_fail_memory(e);
      return false;
    }
  }
  return true;
}

/* The axes of one scheme (−1: of the environment), n of them. NULL: no memory. */
static const scenario_axis **axes_of(const axes *list, int scheme, int *n) {
  const scenario_axis **some = calloc((size_t)list->count + 1, sizeof *some);
  *n = 0;
  for (int i = 0; some && i < list->count; i++)
    if (list->axis[i].scheme == scheme) some[(*n)++] = &list->axis[i];
  return some;
}

/* --- Schemes ---------------------------------------------------------------------------------- */

void sg_variations_free(int count, variation *list) {
  for (int i = 0; list && i < count; i++) {
    sg_values_free(list[i].values);
    free(list[i].json);
    free(list[i].axis);
    free(list[i].choice);
  }
  free(list);
}

static void *copy_array(const void *from, size_t count, size_t size) {
  void *to = calloc(count + 1, size);
  if (to && count > 0) memcpy(to, from, count * size);
  return to;
}

/* Reads one scheme of a tree that has no `each` left in it. */
static bool read_variation(const sg_scenario *s, const cJSON *root, int scheme, int n,
                           const scenario_axis **axis, const int *choice, variation *v,
                           sg_error *e) {
  char pointer[40];
  snprintf(pointer, sizeof pointer, "/schemes/%d", scheme);
  const cJSON *schemes = cJSON_GetObjectItemCaseSensitive(root, "schemes");
  reader r = {.folder = s->folder, .e = e, .scheme = scheme};
  v->values = sg_read_object(&r, sg_scheme_params, &sg_code_family,
                             cJSON_GetArrayItem(schemes, scheme), pointer, NULL);
  v->scheme = scheme;
  v->n_axes = n;
  v->axis = copy_array(axis, (size_t)n, sizeof *axis);
  v->choice = copy_array(choice, (size_t)n, sizeof *choice);
  if (!v->values || !v->axis || !v->choice) {
    sg_fail_memory(e);
    return false;
  }
  sg_buffer b = {0};
  sg_put_values(v->values, &sg_code_family, NULL, &b);
  if (b.failed) {
    sg_buffer_free(&b);
    sg_fail_memory(e);
    return false;
  }
  v->json = b.data;
  return true;
}

typedef struct variations {
  int count, capacity;
  variation *list;
} variations;

static variation *append(variations *all) {
  if (!SG_ROOM(all->list, all->capacity, all->count + 1)) return NULL;
  all->list[all->count] = (variation){0};
  return &all->list[all->count++];
}

/* A tree with one scheme only that is worth copying: the others are replaced by null, so that
 * indices stay. */
static cJSON *scheme_tree(const cJSON *root, int scheme) {
  cJSON *tree = cJSON_CreateObject(), *list = cJSON_CreateArray();
  const cJSON *from = cJSON_GetObjectItemCaseSensitive(root, "schemes");
  bool ok = tree && list;
  for (int i = 0; ok && i <= scheme; i++)
    ok = cJSON_AddItemToArray(list, i == scheme ? cJSON_Duplicate(cJSON_GetArrayItem(from, i), true)
                                                : cJSON_CreateNull());
  ok = ok && cJSON_AddItemToObject(tree, "schemes", list);
  if (ok) return tree;
  cJSON_Delete(list);
  cJSON_Delete(tree);
  return NULL;
}

static bool vary_scheme(const sg_scenario *s, int scheme, variations *all, sg_error *e) {
  int n;
  const scenario_axis **axis = axes_of(&s->axes, scheme, &n);
  int *choice = calloc((size_t)s->axes.count + 1, sizeof *choice);
  cJSON *tree = scheme_tree(s->tree, scheme);
  bool ok = axis && choice && tree;
  if (!ok) sg_fail_memory(e);
  while (ok) {
    ok = substitute(tree, n, axis, choice, e);
    variation *v = ok ? append(all) : NULL;
    if (ok && !v) sg_fail_memory(e);
    ok = v && read_variation(s, tree, scheme, n, axis, choice, v, e);
    if (!ok || !next_choice(n, axis, choice)) break;
  }
  free(axis);
  free(choice);
  cJSON_Delete(tree);
  return ok;
}

static int compare_variations(const void *x, const void *y) {
  const variation *const *a = x, *const *b = y;
  int order = strcmp((*a)->json, (*b)->json);
  return order ? order : (*a > *b) - (*a < *b);
}

/* Two schemes with the same configuration would be one point: the later goes. */
static bool drop_equal(variations *all) {
  variation **sorted = calloc((size_t)all->count + 1, sizeof *sorted);
  if (!sorted) return false;
  for (int i = 0; i < all->count; i++) sorted[i] = &all->list[i];
  qsort(sorted, (size_t)all->count, sizeof *sorted, compare_variations);
  const char *kept = NULL;
  for (int i = 0; i < all->count; i++) {
    variation *v = sorted[i];
    if (!kept || strcmp(kept, v->json) != 0) {
      kept = v->json;
      continue;
    }
    sg_values_free(v->values);
    v->values = NULL; /* marks it */
  }
  free(sorted);
  int k = 0;
  for (int i = 0; i < all->count; i++) {
    variation *v = &all->list[i];
    if (v->values) {
      all->list[k++] = *v;
      continue;
    }
    free(v->json);
    free(v->axis);
    free(v->choice);
  }
  all->count = k;
  return true;
}

sg_status sg_vary_schemes(const sg_scenario *s, int *count, variation **list, sg_error *e) {
  variations all = {0};
  sg_error own = {0};
  bool ok = true;
  int schemes = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(s->tree, "schemes"));
  for (int i = 0; ok && i < schemes; i++) ok = vary_scheme(s, i, &all, &own);
  sg_status status = sg_error_status(&own);
  if (!status && !drop_equal(&all)) status = sg_fail_memory(&own);
  sg_error_move(e, &own);
  *count = all.count;
  *list = all.list;
  if (!status) return SG_OK;
  sg_variations_free(all.count, all.list);
  *count = 0;
  *list = NULL;
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

/* One environment: its values without schemes, and its choices. */
typedef struct environment {
  sg_values *values;
  char *json;
  int n;
  const scenario_axis **axis;
  int *choice;
} environment;

static bool put_axes(sg_point *p, int from, int n, const scenario_axis *const *axis,
                     const int *choice) {
  for (int i = 0; i < n; i++) {
    sg_buffer b = {0};
    sg_json_put(axis[i]->value[choice[i]], &b);
    p->axis_name[from + i] = strdup(axis[i]->name);
    p->axis_value[from + i] = b.data;
    if (b.failed || !p->axis_name[from + i]) return false;
  }
  return true;
}

static bool make_point(const environment *env, const variation *v, sg_point *p) {
  size_t n = (size_t)(env->n + v->n_axes);
  *p = (sg_point){
      .n_axes = (int)n, .n_shared_axes = env->n, .scheme_index = v->scheme, .single = n == 0};
  p->values = sg_values_copy(env->values);
  p->env_json = strdup(env->json);
  p->scheme_json = strdup(v->json);
  p->axis_name = calloc(n + 1, sizeof *p->axis_name);
  p->axis_value = calloc(n + 1, sizeof *p->axis_value);
  if (!p->values || !p->env_json || !p->scheme_json || !p->axis_name || !p->axis_value)
    return false;
  if (!put_axes(p, 0, env->n, env->axis, env->choice)) return false;
  if (!put_axes(p, env->n, v->n_axes, v->axis, v->choice)) return false;
  sg_value *schemes = sg_values_find(p->values, "schemes");
  if (!sg_value_new_items(schemes, 1)) return false;
  schemes->given = schemes->item[0].given = true;
  p->scheme = schemes->item[0].object = sg_values_copy(v->values);
  return p->scheme;
}

static bool read_environment(const sg_scenario *s, cJSON *tree, environment *env, sg_error *e) {
  if (!substitute(tree, env->n, env->axis, env->choice, e)) return false;
  sg_values_free(env->values);
  free(env->json);
  env->json = NULL;
  reader r = {.folder = s->folder, .e = e, .scheme = -1};
  env->values = sg_read_object(&r, sg_scenario_params, NULL, tree, "", "schemes");
  if (!env->values) return false;
  sg_buffer b = {0};
  sg_put_values(env->values, NULL, "schemes", &b);
  env->json = b.failed ? NULL : b.data;
  if (b.failed) {
    sg_buffer_free(&b);
    sg_fail_memory(e);
  }
  return env->json;
}

/* All points of one environment after another. */
static bool make_points(const sg_scenario *s, cJSON *tree, environment *env, int n_schemes,
                        const variation *scheme, int *count, sg_point *points, sg_error *e) {
  do {
    if (!read_environment(s, tree, env, e)) return false;
    for (int i = 0; i < n_schemes; i++)
      if (!make_point(env, &scheme[i], &points[(*count)++])) {
        sg_fail_memory(e);
        return false;
      }
  } while (next_choice(env->n, env->axis, env->choice));
  return true;
}

sg_status sg_scenario_points(const sg_scenario *s, int *count, sg_point **points, sg_error *e) {
  *count = 0;
  *points = NULL;
  if (!s->usable)
    return sg_fail(e, SG_INVALID, NULL, "the scenario has faults, so it has no points");
  int n_schemes, done = 0;
  variation *scheme;
  sg_status status = sg_vary_schemes(s, &n_schemes, &scheme, e);
  if (status) return status;
  sg_error own = {0};
  environment env = {0};
  env.axis = axes_of(&s->axes, -1, &env.n);
  env.choice = calloc((size_t)s->axes.count + 1, sizeof *env.choice);
  cJSON *tree = cJSON_Duplicate(s->tree, true);
  /* A point has neither all schemes nor the sweep, which may be long. */
  cJSON_DeleteItemFromObjectCaseSensitive(tree, "schemes");
  cJSON_DeleteItemFromObjectCaseSensitive(tree, "sweep");
  size_t total = (size_t)n_schemes;
  for (int i = 0; env.axis && i < env.n; i++) total *= (size_t)env.axis[i]->count;
  sg_point *list = calloc(total + 1, sizeof *list);
  if (env.axis && env.choice && tree && list)
    make_points(s, tree, &env, n_schemes, scheme, &done, list, &own);
  else
    sg_fail_memory(&own);
  sg_values_free(env.values);
  free(env.json);
  free(env.axis);
  free(env.choice);
  cJSON_Delete(tree);
  sg_variations_free(n_schemes, scheme);
  status = sg_error_status(&own);
  sg_error_move(e, &own);
  if (status) {
    sg_points_free(done, list);
    return status;
  }
  *count = done;
  *points = list;
  return SG_OK;
}
