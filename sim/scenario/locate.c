/* SPDX-License-Identifier: MIT */
/* JSON pointers against the format: what does /schemes/2/d name, and may it be given? */
#include "sim/scenario/internal.h"

#include <stdlib.h>
#include <string.h>

void sg_target_clear(target *t) {
  free(t->name);
  *t = (target){0};
}

bool sg_target_put(const target *t, cJSON *value) {
  bool ok;
  if (cJSON_IsArray(t->parent)) {
    ok = cJSON_ReplaceItemInArray(t->parent, (int)strtol(t->name, NULL, 10), value);
  } else if (cJSON_GetObjectItemCaseSensitive(t->parent, t->name)) {
    ok = cJSON_ReplaceItemInObjectCaseSensitive(t->parent, t->name, value);
  } else {
    ok = cJSON_AddItemToObject(t->parent, t->name, value);
  }
  if (!ok) cJSON_Delete(value);
  return ok;
}

/* The table of the object under the cursor: its variant by what the tree says of the selector. */
static const sg_variant *variant_of(const sg_family *family, const cJSON *object) {
  const cJSON *word = cJSON_GetObjectItemCaseSensitive(object, family->selector);
  if (cJSON_IsString(word)) return sg_family_find(family, word->valuestring);
  return !word && family->fallback ? sg_family_find(family, family->fallback) : NULL;
}

static const sg_param *row_of(const sg_param *table, const char *name) {
  for (; table && table->name; table++)
    if (strcmp(table->name, name) == 0) return table;
  return NULL;
}

/* What a step along the pointer has come to. */
typedef struct cursor {
  cJSON *item; /* NULL: absent */
  const sg_param *row;
  const sg_family *selector; /* the row is NULL: the selector of this family */
} cursor;

typedef struct search {
  const char *pointer, *place;
  sg_status status;
  bool create;
  sg_error *e;
} search;

static bool fail(const search *s, const char *what, const char *token) {
  sg_buffer b = {0};
  sg_put_json_string(&b, token);
  sg_fail(s->e, s->status, s->place, "%s names nothing: %s%s", s->pointer, b.failed ? "" : b.data,
          what);
  sg_buffer_free(&b);
  return false;
}

static bool step_object(const search *s, cursor *at, const char *token) {
  const sg_family *family = at->row->kind == SG_FAMILY ? at->row->family : NULL;
  const sg_variant *variant = family ? variant_of(family, at->item) : NULL;
  cJSON *object = at->item;
  if (family && strcmp(token, family->selector) == 0) {
    *at = (cursor){cJSON_GetObjectItemCaseSensitive(object, token), NULL, family};
    return true;
  }
  const sg_param *row = row_of(at->row->fields, token);
  if (!row && variant) row = row_of(variant->params, token);
  if (!row) {
    sg_fail_unknown(s->e, s->status, s->place, token, at->row->fields, variant,
                    family ? family->selector : NULL);
    return false;
  }
  *at = (cursor){cJSON_GetObjectItemCaseSensitive(object, token), row, NULL};
  return true;
}

static bool step_list(const search *s, cursor *at, const char *token) {
  int count = cJSON_GetArraySize(at->item);
  size_t digits = strspn(token, "0123456789");
  bool index = digits > 0 && digits < 9 && !token[digits] && (token[0] != '0' || digits == 1);
  long i = index ? strtol(token, NULL, 10) : count;
  if (i >= count) {
    sg_fail(s->e, s->status, s->place,
            count ? "%s names nothing: expected an index from 0 to %d"
                  : "%s names nothing: the list is empty",
            s->pointer, count - 1);
    return false;
  }
  *at = (cursor){cJSON_GetArrayItem(at->item, (int)i), at->row->fields, NULL};
  return true;
}

/* The object or list under the cursor must be there before the next step. */
static bool enter(const search *s, cursor *at, cJSON *parent, const char *name, const char *token) {
  bool object = at->row && (at->row->kind == SG_OBJECT || at->row->kind == SG_FAMILY);
  if (!object && !(at->row && at->row->kind == SG_LIST))
    return fail(s, " is looked for in something that is no object", token);
  if (!at->item && s->create && object) {
    at->item = cJSON_AddObjectToObject(parent, name);
    if (!at->item) {
      sg_fail_memory(s->e);
      return false;
    }
  }
  if (!at->item && !object) return fail(s, " is looked for in a list that is absent", token);
  if (at->item && !(object ? cJSON_IsObject(at->item) : cJSON_IsArray(at->item)))
    return fail(s,
                object ? " is looked for in something that is no object"
                       : " is looked for in something that is no list",
                token);
  return true;
}

bool sg_find_target(cJSON *root, const char *pointer, bool create, sg_status status,
                    const char *place, target *t, sg_error *e) {
  search s = {pointer, place, status, create, e};
  const sg_param top = {.name = "", .kind = SG_OBJECT, .fields = sg_scenario_params};
  cursor at = {root, &top, NULL};
  *t = (target){0};
  if (pointer[0] != '/') {
    sg_fail(e, status, place, "expected a JSON pointer such as /cluster/workers, found \"%s\"",
            pointer);
    return false;
  }
  while (*pointer == '/') {
    char *token = sg_json_token(&pointer);
    bool ok = token && enter(&s, &at, t->parent, t->name, token);
    if (!token) sg_fail_memory(e);
    if (ok) {
      t->parent = at.item;
      ok = at.row->kind == SG_LIST ? step_list(&s, &at, token) : step_object(&s, &at, token);
    }
    free(t->name);
    t->name = token;
    if (!ok) {
      sg_target_clear(t);
      return false;
    }
    if (at.row && at.row->flags & SG_UNHASHED) t->unhashed = true;
  }
  t->row = at.row;
  t->family = at.selector;
  return true;
}
