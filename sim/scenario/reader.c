/* SPDX-License-Identifier: MIT */
/* Reads a JSON tree against the parameter tables. */
#include "sim/scenario/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sg_is_scalar(const sg_param *row) {
  if (row->kind == SG_FAMILY) return row->family->by_name;
  return row->kind != SG_OBJECT && row->kind != SG_LIST && row->kind != SG_ANY;
}

const cJSON *sg_each_of(const cJSON *item) {
  const cJSON *each = cJSON_IsObject(item) ? item->child : NULL;
  return each && !each->next && strcmp(each->string, "each") == 0 && cJSON_IsArray(each) ? each
                                                                                         : NULL;
}

void sg_describe_json(const cJSON *item, sg_buffer *out) {
  enum { MOST = 60 };
  if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
    sg_put(out, cJSON_IsObject(item) ? "an object" : "a list");
    return;
  }
  if (cJSON_IsNumber(item)) sg_put(out, "the number ");
  if (cJSON_IsString(item) && strlen(item->valuestring) > MOST) {
    sg_putf(out, "a string of %zu bytes", strlen(item->valuestring));
    return;
  }
  if (cJSON_IsString(item)) sg_put(out, "the string ");
  sg_json_put(item, out);
}

static bool wrong_kind(const reader *r, const sg_param *row, const cJSON *item, const char *place) {
  sg_buffer found = {0};
  sg_describe_json(item, &found);
  if (sg_each_of(item))
    sg_put(&found, r->scheme >= 0
                       ? "; \"each\" stands for a single number, word or truth value only"
                       : "; \"each\" is for members of \"schemes\", use \"sweep\" here");
  if (found.failed)
    sg_fail_memory(r->e);
  else
    sg_fail_expected(r->e, place, row, found.data);
  sg_buffer_free(&found);
  return false;
}

/* A file name is relative to the scenario. */
static bool set_path(const reader *r, const sg_param *row, const char *name, const char *place,
                     sg_value *value) {
  char *path;
  if (asprintf(&path, "%s%s", name[0] == '/' ? "" : r->folder, name) < 0) {
    sg_fail_memory(r->e);
    return false;
  }
  sg_status status = sg_value_set_string(row, value, place, path, r->e);
  free(path);
  return !status;
}

/* A variant without parameters by its name alone. */
static bool read_name(const reader *r, const sg_param *row, const cJSON *item, const char *place,
                      sg_value *value) {
  const sg_family *family = row->family;
  const sg_variant *variant = sg_family_find(family, item->valuestring);
  if (!variant) {
    sg_fail_variant(r->e, place, family, item->valuestring);
    return false;
  }
  sg_values_free(value->object);
  value->object = sg_values_new(row->fields, variant, place);
  value->given = true;
  if (!value->object) sg_fail_memory(r->e);
  return value->object && !sg_values_check_required(value->object, r->e);
}

bool sg_read_scalar(const reader *r, const sg_param *row, const cJSON *item, const char *place,
                    sg_value *value) {
  if (row->kind == SG_FAMILY) {
    if (cJSON_IsString(item)) return read_name(r, row, item, place, value);
    return wrong_kind(r, row, item, place);
  }
  if (cJSON_IsNumber(item)) {
    /* The text's check has reported it already. */
    if (!isfinite(item->valuedouble)) return false;
    return !sg_value_set_number(row, value, place, item->valuedouble, r->e);
  }
  if (cJSON_IsBool(item)) return !sg_value_set_bool(row, value, place, cJSON_IsTrue(item), r->e);
  if (!cJSON_IsString(item)) return wrong_kind(r, row, item, place);
  if (row->kind == SG_MATRIX || row->flags & SG_IS_PATH)
    return set_path(r, row, item->valuestring, place, value);
  return !sg_value_set_string(row, value, place, item->valuestring, r->e);
}

/* {"each": […]}: the first value stands for all, the list becomes an axis. */
static bool read_each(reader *r, const sg_param *row, const cJSON *each, const char *pointer,
                      sg_value *value) {
  char *place = sg_pointer_join(pointer, "each"),
       *first = place ? sg_pointer_join(place, "0") : NULL;
  bool ok = first;
  if (!ok) {
    sg_fail_memory(r->e);
  } else if (!each->child) {
    sg_fail(r->e, SG_INVALID, place, "expected a list of at least one value, found an empty list");
    ok = false;
  } else {
    /* The name is the pointer within the scheme: "d", or "inner/d". */
    const char *name = strchr(pointer + strlen("/schemes/"), '/') + 1;
    if (!sg_axes_add(r->each, name, pointer, place, each, r->scheme)) {
      sg_fail_memory(r->e);
      ok = false;
    }
    ok = sg_read_scalar(r, row, each->child, first, value) && ok;
  }
  free(place);
  free(first);
  return ok;
}

/* "/a" + 3 → "/a/3". */
static char *join_index(const char *pointer, int i) {
  char index[16];
  snprintf(index, sizeof index, "%d", i);
  return sg_pointer_join(pointer, index);
}

static bool read_list(reader *r, const sg_param *row, const cJSON *item, const char *pointer,
                      sg_value *value) {
  if (!cJSON_IsArray(item)) return wrong_kind(r, row, item, pointer);
  int count = cJSON_GetArraySize(item), i = 0;
  value->given = true;
  if (count < row->min || (row->max > 0 && count > row->max)) {
    char found[64];
    snprintf(found, sizeof found, "a list of %d", count);
    sg_fail_expected(r->e, pointer, row, count ? found : "an empty list");
    return false;
  }
  if (!sg_value_new_items(value, count)) {
    sg_fail_memory(r->e);
    return false;
  }
  bool ok = true, schemes = strcmp(pointer, "/schemes") == 0;
  for (const cJSON *child = item->child; child; child = child->next, i++) {
    char *place = join_index(pointer, i);
    if (schemes) r->scheme = i;
    if (place)
      ok = sg_read_value(r, row->fields, child, place, &value->item[i]) && ok;
    else
      sg_fail_memory(r->e);
    free(place);
  }
  if (schemes) r->scheme = -1;
  return ok;
}

static bool read_any(const reader *r, const cJSON *item, sg_value *value) {
  sg_buffer b = {0};
  sg_json_put(item, &b);
  if (b.failed) {
    sg_buffer_free(&b);
    sg_fail_memory(r->e);
    return false;
  }
  free(value->text);
  value->text = b.data;
  value->given = true;
  return true;
}

bool sg_read_value(reader *r, const sg_param *row, const cJSON *item, const char *place,
                   sg_value *value) {
  switch (row->kind) {
  case SG_OBJECT:
  case SG_FAMILY: {
    const cJSON *each = r->each && r->scheme >= 0 && sg_is_scalar(row) ? sg_each_of(item) : NULL;
    if (each) return read_each(r, row, each, place, value);
    if (sg_is_scalar(row) && cJSON_IsString(item)) return read_name(r, row, item, place, value);
    if (!cJSON_IsObject(item)) return wrong_kind(r, row, item, place);
    sg_values_free(value->object);
    value->object = sg_read_object(r, row->fields, row->kind == SG_FAMILY ? row->family : NULL,
                                   item, place, NULL);
    value->given = true;
    return value->object;
  }
  case SG_LIST: return read_list(r, row, item, place, value);
  case SG_ANY: return read_any(r, item, value);
  default: {
    const cJSON *each = r->each && r->scheme >= 0 ? sg_each_of(item) : NULL;
    return each ? read_each(r, row, each, place, value)
                : sg_read_scalar(r, row, item, place, value);
  }
  }
}

/* The variant that an object asks for. NULL with a fault if there is none of that name. */
static const sg_variant *read_variant(const reader *r, const sg_family *family, const cJSON *item,
                                      const char *pointer) {
  const cJSON *word = cJSON_GetObjectItemCaseSensitive(item, family->selector);
  if (!word) {
    const sg_variant *fallback = family->fallback ? sg_family_find(family, family->fallback) : NULL;
    if (!fallback) sg_fail_variant(r->e, pointer, family, NULL);
    return fallback;
  }
  char *place = sg_pointer_join(pointer, family->selector);
  const sg_variant *variant = NULL;
  if (!place) {
    sg_fail_memory(r->e);
  } else if (!cJSON_IsString(word)) {
    sg_buffer found = {0};
    sg_describe_json(word, &found);
    if (sg_each_of(word)) sg_put(&found, "; list each as an entry of its own");
    sg_fail(r->e, SG_INVALID, place, "expected the name of %s %s, found %s",
            sg_article(family->what), family->what, found.failed ? "something else" : found.data);
    sg_buffer_free(&found);
  } else if (!(variant = sg_family_find(family, word->valuestring))) {
    sg_fail_variant(r->e, place, family, word->valuestring);
  }
  free(place);
  return variant;
}

static int row_index(const sg_values *v, const char *name) {
  for (int i = 0; i < sg_values_size(v); i++)
    if (strcmp(sg_values_row(v, i)->name, name) == 0) return i;
  return -1;
}

static void read_member(reader *r, sg_values *v, const sg_family *family, bool known,
                        const cJSON *child) {
  if (family && strcmp(child->string, family->selector) == 0) return;
  int i = row_index(v, child->string);
  /* Without its variant, only the common members of a family are known. */
  if (i < 0 && !known) return;
  char *place = sg_pointer_join(v->pointer, child->string);
  if (!place)
    sg_fail_memory(r->e);
  else if (i < 0)
    sg_fail_unknown(r->e, SG_INVALID, place, child->string, v->common, v->variant,
                    family ? family->selector : NULL);
  else if (!v->value[i].given) /* a duplicate is reported elsewhere */
    sg_read_value(r, sg_values_row(v, i), child, place, &v->value[i]);
  free(place);
}

sg_values *sg_read_object(reader *r, const sg_param *common, const sg_family *family,
                          const cJSON *item, const char *pointer, const char *skip) {
  const sg_variant *variant = family ? read_variant(r, family, item, pointer) : NULL;
  sg_values *v = sg_values_new(common, variant, pointer);
  if (!v) {
    sg_fail_memory(r->e);
    return NULL;
  }
  for (const cJSON *child = item->child; child; child = child->next)
    if (!skip || strcmp(child->string, skip) != 0)
      read_member(r, v, family, variant || !family, child);
  for (int i = 0; i < sg_values_size(v); i++) {
    const sg_param *row = sg_values_row(v, i);
    if (skip && strcmp(row->name, skip) == 0) continue;
    if (cJSON_GetObjectItemCaseSensitive(item, row->name)) continue;
    if (row->flags & SG_REQUIRED)
      sg_fail_missing(r->e, pointer, row);
    else if (v->value[i].object)
      sg_values_check_required(v->value[i].object, r->e);
  }
  return v;
}
