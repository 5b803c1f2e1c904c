/* SPDX-License-Identifier: MIT */
/* JSON pointers against the format: what does /schemes/2/d name, and may it be given? */
#include "sim/scenario/internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct search {
  const char *pointer, *place;
  sg_status status;
  bool create;
  sg_error *e;
} search;

static sg_status fail(const search *s, const char *token, const char *what) {
  sg_buffer b = {0};
  sg_putf(&b, "%s names nothing: ", s->pointer);
  sg_put_json_string(&b, token);
  sg_putf(&b, " is looked for in %s", what);
  return sg_fail_buffer(s->e, s->status, s->place, &b);
}

/* The table of an object: its variant by what the tree says of the selector. */
static const sg_variant *variant_of(const sg_family *family, const cJSON *object) {
  const cJSON *word = cJSON_GetObjectItemCaseSensitive(object, family->selector);
  return word && !cJSON_IsString(word) ? NULL : sg_family_find(family, cJSON_GetStringValue(word));
}

static const sg_param *row_of(const sg_param *table, const char *name) {
  for (; table && table->name; table++)
    if (strcmp(table->name, name) == 0) return table;
  return NULL;
}

static sg_status step_object(const search *s, target *t, const char *token) {
  const sg_family *family = t->row->kind == SG_FAMILY ? t->row->family : NULL;
  const sg_variant *variant = family ? variant_of(family, t->parent) : NULL;
  t->item = cJSON_GetObjectItemCaseSensitive(t->parent, token);
  if (family && strcmp(token, family->selector) == 0) {
    t->row = NULL;
    return SG_OK;
  }
  const sg_param *row = row_of(t->row->fields, token);
  if (!row && variant) row = row_of(variant->params, token);
  if (!row)
    return sg_fail_unknown(s->e, s->status, s->place, token, t->row->fields, variant,
                           family ? family->selector : NULL);
  t->row = row;
  return SG_OK;
}

static sg_status step_list(const search *s, target *t, const char *token) {
  int count = cJSON_GetArraySize(t->parent);
  size_t digits = strspn(token, "0123456789");
  bool index = digits > 0 && digits < 9 && !token[digits] && (token[0] != '0' || digits == 1);
  long i = index ? strtol(token, NULL, 10) : count;
  if (i >= count)
    return sg_fail(s->e, s->status, s->place,
                   count ? "%s names nothing: expected an index from 0 to %d"
                         : "%s names nothing: the list is empty",
                   s->pointer, count - 1);
  t->item = cJSON_GetArrayItem(t->parent, (int)i);
  t->row = t->row->fields;
  return SG_OK;
}

/* From what has been found, which must be an object or a list that is there, to one of its members
 * or items. */
static sg_status step(const search *s, target *t, const char *token) {
  bool object = t->row && (t->row->kind == SG_OBJECT || t->row->kind == SG_FAMILY);
  if (!object && !(t->row && t->row->kind == SG_LIST))
    return fail(s, token, "something that is no object");
  if (!t->item && s->create && object) {
    t->item = cJSON_AddObjectToObject(t->parent, t->name);
    if (!t->item) return sg_fail_memory(s->e);
  }
  if (!t->item && !object) return fail(s, token, "a list that is absent");
  if (t->item && !(object ? cJSON_IsObject(t->item) : cJSON_IsArray(t->item)))
    return fail(s, token, object ? "something that is no object" : "something that is no list");
  t->parent = t->item;
  return object ? step_object(s, t, token) : step_list(s, t, token);
}

static sg_status find(cJSON *root, const search *s, target *t) {
  static const sg_param top = {.name = "", .kind = SG_OBJECT, .fields = sg_scenario_params};
  const char *rest = s->pointer;
  *t = (target){.item = root, .row = &top};
  if (*rest != '/')
    return sg_fail(s->e, s->status, s->place,
                   "expected a JSON pointer such as /cluster/workers, found \"%s\"", rest);
  sg_status status = SG_OK;
  while (!status && *rest == '/') {
    char *token = sg_json_token(&rest);
    status = token ? step(s, t, token) : sg_fail_memory(s->e);
    free(t->name);
    t->name = token;
    if (!status && t->row && t->row->flags & SG_UNHASHED) t->unhashed = true;
  }
  return status;
}

sg_status sg_find_target(cJSON *root, const char *pointer, const char *place, target *t,
                         sg_error *e) {
  const search s = {pointer, place, SG_INVALID, false, e};
  sg_status status = find(root, &s, t);
  if (status) sg_target_clear(t);
  return status;
}

void sg_target_clear(target *t) {
  free(t->name);
  *t = (target){0};
}

sg_status sg_put_at(cJSON *root, const char *pointer, cJSON *value, sg_status status,
                    const char *place, sg_error *e) {
  const search s = {pointer, place, status, true, e};
  target t = {0};
  status = value ? find(root, &s, &t) : sg_fail_memory(e);
  bool ok = !status;
  if (ok && cJSON_IsArray(t.parent))
    ok = cJSON_ReplaceItemViaPointer(t.parent, t.item, value);
  else if (ok && t.item)
    ok = cJSON_ReplaceItemInObjectCaseSensitive(t.parent, t.name, value);
  else if (ok)
    ok = cJSON_AddItemToObject(t.parent, t.name, value);
  if (!ok) cJSON_Delete(value);
  if (ok && !cJSON_IsArray(t.parent) && !value->string) { /* cJSON had no memory for the name */
    cJSON_Delete(cJSON_DetachItemViaPointer(t.parent, value));
    ok = false;
  }
  sg_target_clear(&t);
  return status || ok ? status : sg_fail_memory(e);
}
