/* SPDX-License-Identifier: MIT */
/* From a stored configuration to a scenario of that one point.
 *
 * Configurations are what results depend on: they leave out the names of files. Those are members
 * that the scenario's text has at the same place, once the axes of the point are put into it. */
#include "sim/timeline/configuration.h"

#include "sim/scenario/json.h"

#include <stdlib.h>
#include <string.h>

void sg_stored_point_clear(sg_stored_point *p) {
  for (int i = 0; i < p->n_axes; i++) {
    free(p->name[i]);
    free(p->value[i]);
  }
  free(p->name);
  free(p->value);
  free(p->config_json);
  free(p->text);
  free(p->path);
  *p = (sg_stored_point){0};
}

static const cJSON *member(const cJSON *object, const char *name) {
  return cJSON_GetObjectItemCaseSensitive(object, name);
}

static json_text parse(const char *text, sg_error *e) {
  return sg_json_parse("the stored configuration", text, strlen(text), e);
}

/* What a pointer names; NULL: nothing. */
static cJSON *find(cJSON *root, const char *pointer) {
  cJSON *at = root;
  while (at && *pointer == '/') {
    pointer++;
    char *token = sg_json_token(&pointer);
    if (!token) return NULL;
    at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, atoi(token))
                           : cJSON_GetObjectItemCaseSensitive(at, token);
    free(token);
  }
  return at;
}

/* The scenario's text as it is at the point: axes of "sweep" at the point's values. */
static void apply_axes(cJSON *scenario, const sg_stored_point *p) {
  const cJSON *axis;
  cJSON_ArrayForEach(axis, member(scenario, "sweep")) {
    const char *name = cJSON_GetStringValue(member(axis, "name"));
    const char *path = cJSON_GetStringValue(member(axis, "path"));
    for (int i = 0; name && path && i < p->n_axes; i++) {
      if (strcmp(p->name[i], name) != 0) continue;
      cJSON *value = cJSON_Parse(p->value[i]), *old = find(scenario, path);
      if (!value || !old) {
        cJSON_Delete(value);
        continue;
      }
      /* They change places, but for their names and neighbours. */
      const cJSON kept = *old;
      *old = *value;
      old->next = kept.next;
      old->prev = kept.prev;
      old->string = kept.string;
      *value = kept;
      value->next = value->prev = NULL;
      value->string = NULL;
      cJSON_Delete(value);
    }
  }
}

/* Texts that a configuration leaves out, or has the hash of the content of. */
static void fill(cJSON *into, const cJSON *from, bool root) {
  const cJSON *theirs;
  int i = 0;
  cJSON_ArrayForEach(theirs, from) {
    bool list = cJSON_IsArray(from);
    cJSON *ours = list ? cJSON_GetArrayItem(into, i++)
                       : cJSON_GetObjectItemCaseSensitive(into, theirs->string);
    if (cJSON_IsString(theirs)) {
      bool hash = cJSON_IsString(ours) && strncmp(ours->valuestring, "sha256:", 7) == 0;
      if (hash)
        cJSON_SetValuestring(ours, theirs->valuestring);
      else if (!ours && !list && !root)
        cJSON_AddStringToObject(into, theirs->string, theirs->valuestring);
    } else if (ours && (cJSON_IsObject(ours) || cJSON_IsArray(ours)) &&
               cJSON_IsObject(ours) == cJSON_IsObject(theirs)) {
      fill(ours, theirs, false);
    }
  }
}

/* Takes out what the text does not say: defaults, which some codes do not want to be given. */
static void drop_defaults(cJSON *from, const cJSON *said) {
  for (cJSON *m = cJSON_IsObject(from) ? from->child : NULL, *next; m; m = next) {
    next = m->next;
    const cJSON *theirs = member(said, m->string);
    if (!theirs)
      cJSON_Delete(cJSON_DetachItemViaPointer(from, m));
    else if (cJSON_IsObject(theirs))
      drop_defaults(m, theirs);
  }
}

static bool same_code(const cJSON *a, const cJSON *b) {
  const char *x = cJSON_GetStringValue(member(a, "code")),
             *y = cJSON_GetStringValue(member(b, "code"));
  return x && y && strcmp(x, y) == 0;
}

/* Times depend on the sizes of the problem alone. */
static bool without_learning(cJSON *environment, const sg_stored_point *p) {
  cJSON *learning = cJSON_CreateObject();
  cJSON *stop = cJSON_GetObjectItemCaseSensitive(environment, "stop");
  if (!learning) return false;
  cJSON_DeleteItemFromObjectCaseSensitive(stop, "target_loss");
  cJSON_DeleteItemFromObjectCaseSensitive(stop, "target_grad_norm2");
  cJSON_AddStringToObject(learning, "problem", "none");
  cJSON_AddNumberToObject(learning, "length", (double)p->length);
  cJSON_AddNumberToObject(learning, "subsets", (double)p->subsets);
  return cJSON_ReplaceItemInObjectCaseSensitive(environment, "learning", learning);
}

typedef struct rebuilding {
  const sg_stored_point *point;
  const cJSON *environment;
  int n_overrides;
  const sg_override *override;
} rebuilding;

static sg_status build(const rebuilding *r, const cJSON *scheme, sg_scenario **out, sg_error *e) {
  sg_buffer whole = {0}, only = {0};
  sg_json_put(r->environment, &whole);
  sg_json_put(scheme, &only);
  if (whole.length > 0) whole.length--; /* the closing brace makes room */
  sg_putf(&whole, ", \"schemes\": [%s]}", only.data ? only.data : "");
  sg_status status = whole.failed || only.failed
                         ? sg_fail_memory(e)
                         : sg_scenario_parse(r->point->path, whole.data, whole.length,
                                             r->n_overrides, r->override, out, e);
  sg_buffer_free(&whole);
  sg_buffer_free(&only);
  return status;
}

/* Whether it has one scheme, of this configuration. */
static bool is_of(const sg_scenario *s, const cJSON *scheme) {
  int n = 0;
  sg_point *points = NULL;
  sg_error ignored = {0};
  bool same = false;
  if (!sg_scenario_points(s, &n, &points, &ignored) && n == 1) {
    cJSON *made = cJSON_Parse(points->scheme_json);
    same = cJSON_Compare(made, scheme, true);
    cJSON_Delete(made);
  }
  sg_points_free(n, points);
  sg_error_clear(&ignored);
  return same;
}

/* As a scheme of the text says it, if that is of this configuration. */
static sg_status build_as_written(const rebuilding *r, const cJSON *scheme, const cJSON *written,
                                  sg_scenario **out, sg_error *e) {
  sg_error ignored = {0};
  cJSON *ours = cJSON_Duplicate(scheme, true);
  if (!ours) return sg_fail_memory(e);
  drop_defaults(ours, written);
  fill(ours, written, false);
  sg_status status = build(r, ours, out, &ignored);
  cJSON_Delete(ours);
  sg_error_clear(&ignored);
  if (!status && is_of(*out, scheme)) return SG_OK;
  sg_scenario_free(*out);
  *out = NULL;
  return status == SG_NO_MEMORY ? sg_fail_memory(e) : SG_OK;
}

sg_status sg_rebuild_scenario(const sg_stored_point *p, bool times_only, int n_overrides,
                              const sg_override *override, sg_scenario **out, sg_error *e) {
  *out = NULL;
  sg_error ignored = {0};
  json_text config = parse(p->config_json, e), text = parse(p->text, &ignored);
  sg_error_clear(&ignored);
  cJSON *environment = cJSON_GetObjectItemCaseSensitive(config.tree, "environment");
  const cJSON *scheme = member(config.tree, "scheme"), *written;
  const rebuilding r = {p, environment, n_overrides, override};
  sg_status status = SG_OK;
  if (!cJSON_IsObject(environment) || !cJSON_IsObject(scheme))
    status = sg_fail(e, SG_INVALID, NULL, "the stored configuration of the point is damaged");
  if (!status) {
    apply_axes(text.tree, p);
    fill(environment, text.tree, true);
    if (times_only && !without_learning(environment, p)) status = sg_fail_memory(e);
  }
  cJSON_ArrayForEach(written, member(text.tree, "schemes")) {
    if (!status && !*out && same_code(scheme, written))
      status = build_as_written(&r, scheme, written, out, e);
  }
  if (!status && !*out) status = build(&r, scheme, out, e);
  sg_json_free(&config);
  sg_json_free(&text);
  return status;
}
