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

/* "an object", "the string "x"", "null", … */
static void describe(const cJSON *item, sg_buffer *out) {
  enum { MOST = 60 };
  if (cJSON_IsObject(item) || cJSON_IsArray(item)) {
    sg_put(out, cJSON_IsObject(item) ? "an object" : "a list");
  } else if (cJSON_IsString(item) && strlen(item->valuestring) > MOST) {
    sg_putf(out, "a string of %zu bytes", strlen(item->valuestring));
  } else {
    sg_put(out, cJSON_IsNumber(item) ? "the number " : cJSON_IsString(item) ? "the string " : "");
    sg_json_put(item, out);
  }
}

static void wrong_kind(const reader *r, const sg_param *row, const cJSON *item, const char *place) {
  sg_buffer b = {0};
  sg_put_expected(row, "", &b);
  describe(item, &b);
  if (sg_each_of(item))
    sg_put(&b, r->scheme >= 0 ? "; \"each\" stands for a single number, word or truth value only"
                              : "; \"each\" is for members of \"schemes\", use \"sweep\" here");
  sg_fail_buffer(r->e, SG_INVALID, place, &b);
}

static void set_text(const reader *r, const sg_param *row, const sg_buffer *text, const char *place,
                     sg_value *value) {
  if (text->failed)
    sg_fail_memory(r->e);
  else
    sg_value_set_string(row, value, place, text->data, r->e);
}

void sg_read_scalar(const reader *r, const sg_param *row, const cJSON *item, const char *place,
                    sg_value *value) {
  bool number = cJSON_IsNumber(item), word = cJSON_IsString(item);
  if (!place) {
    sg_fail_memory(r->e);
  } else if (word && row->kind == SG_FAMILY) { /* a variant by its name alone */
    if (!sg_value_set_variant(row, value, place, item->valuestring, r->e))
      sg_values_check_required(value->object, r->e);
  } else if (row->kind == SG_FAMILY || !(number || word || cJSON_IsBool(item))) {
    wrong_kind(r, row, item, place);
  } else if (number) {
    /* Of other numbers the text's check has told already. */
    if (isfinite(item->valuedouble))
      sg_value_set_number(row, value, place, item->valuedouble, r->e);
  } else if (!word) {
    sg_value_set_bool(row, value, place, cJSON_IsTrue(item), r->e);
  } else if (row->kind == SG_MATRIX || row->flags & SG_IS_PATH) {
    sg_buffer path = {0}; /* relative to the scenario */
    sg_putf(&path, "%s%s", item->valuestring[0] == '/' ? "" : r->folder, item->valuestring);
    bool results = row->flags & SG_UNHASHED;
    if (path.failed || results || sg_check_file(r, place, item->valuestring, path.data))
      set_text(r, row, &path, place, value);
    sg_buffer_free(&path);
  } else {
    sg_value_set_string(row, value, place, item->valuestring, r->e);
  }
}

/* {"each": […]}: the first value stands for all, the list becomes an axis. */
static void read_each(reader *r, const sg_param *row, const cJSON *each, const char *pointer,
                      sg_value *value) {
  char *place = sg_pointer_join(pointer, "each"),
       *first = place ? sg_pointer_join(place, "0") : NULL;
  if (place && !each->child) {
    sg_fail(r->e, SG_INVALID, place, "expected a list of at least one value, found an empty list");
  } else {
    /* The name is the pointer within the scheme: "d", or "inner/d". */
    const char *name = strchr(pointer + strlen("/schemes/"), '/') + 1;
    sg_axes_add(r->each, name, pointer, pointer, "each", each, r->scheme, r->e);
    sg_read_scalar(r, row, each->child, first, value);
  }
  free(place);
  free(first);
}

static void read_value(reader *r, const sg_param *row, const cJSON *item, const char *place,
                       sg_value *value);

static void read_list(reader *r, const sg_param *row, const cJSON *item, const char *pointer,
                      sg_value *value) {
  if (!cJSON_IsArray(item)) {
    wrong_kind(r, row, item, pointer);
    return;
  }
  int count = cJSON_GetArraySize(item), i = 0;
  value->given = true;
  if (count < row->min || (row->max > 0 && count > row->max)) {
    sg_buffer b = {0};
    sg_put_expected(row, "", &b);
    sg_putf(&b, count ? "a list of %d" : "an empty list", count);
    sg_fail_buffer(r->e, SG_INVALID, pointer, &b);
    return;
  }
  if (!sg_value_new_items(value, count)) {
    sg_fail_memory(r->e);
    return;
  }
  bool schemes = strcmp(pointer, "/schemes") == 0;
  for (const cJSON *child = item->child; child; child = child->next, i++) {
    char index[16];
    snprintf(index, sizeof index, "%d", i);
    char *place = sg_pointer_join(pointer, index);
    if (schemes) r->scheme = i;
    read_value(r, row->fields, child, place, &value->item[i]);
    free(place);
  }
  if (schemes) r->scheme = -1;
}

/* Any value; place NULL: no memory. */
static void read_value(reader *r, const sg_param *row, const cJSON *item, const char *place,
                       sg_value *value) {
  bool scalar = sg_is_scalar(row), object = row->kind == SG_OBJECT || row->kind == SG_FAMILY;
  const cJSON *each = r->each && r->scheme >= 0 && scalar ? sg_each_of(item) : NULL;
  if (!place) {
    sg_fail_memory(r->e);
  } else if (each) {
    read_each(r, row, each, place, value);
  } else if (object && cJSON_IsObject(item)) {
    sg_values_free(value->object);
    value->object = sg_read_object(r, row->fields, row->kind == SG_FAMILY ? row->family : NULL,
                                   item, place, NULL);
    value->given = true;
  } else if (scalar) {
    sg_read_scalar(r, row, item, place, value);
  } else if (row->kind == SG_LIST) {
    read_list(r, row, item, place, value);
  } else if (row->kind == SG_ANY) {
    sg_buffer b = {0};
    sg_json_put(item, &b);
    set_text(r, row, &b, place, value);
    sg_buffer_free(&b);
  } else {
    wrong_kind(r, row, item, place);
  }
}

/* The variant that an object asks for. NULL with a fault if there is none of that name. */
static const sg_variant *read_variant(const reader *r, const sg_family *family, const cJSON *item,
                                      const char *pointer) {
  const cJSON *word = cJSON_GetObjectItemCaseSensitive(item, family->selector);
  if (!word) {
    const sg_variant *fallback = sg_family_find(family, NULL);
    if (!fallback) sg_fail_variant(r->e, pointer, family, NULL);
    return fallback;
  }
  char *place = sg_pointer_join(pointer, family->selector);
  const sg_variant *variant = NULL;
  if (!place) {
    sg_fail_memory(r->e);
  } else if (!cJSON_IsString(word)) {
    sg_buffer b = {0};
    sg_putf(&b, "expected the name of %s %s, found ", sg_article(family->what), family->what);
    describe(word, &b);
    if (sg_each_of(word)) sg_put(&b, "; list each as an entry of its own");
    sg_fail_buffer(r->e, SG_INVALID, place, &b);
  } else if (!(variant = sg_family_find(family, word->valuestring))) {
    sg_fail_variant(r->e, place, family, word->valuestring);
  }
  free(place);
  return variant;
}

static void read_member(reader *r, sg_values *v, const sg_family *family, bool known,
                        const cJSON *child) {
  if (family && strcmp(child->string, family->selector) == 0) return;
  const sg_param *row = sg_values_param(v, child->string);
  sg_value *value = sg_values_find(v, child->string);
  /* Without its variant, only the common members of a family are known. */
  if (!row && !known) return;
  char *place = sg_pointer_join(v->pointer, child->string);
  if (!place)
    sg_fail_memory(r->e);
  else if (!row)
    sg_fail_unknown(r->e, SG_INVALID, place, child->string, v->common, v->variant,
                    family ? family->selector : NULL);
  else if (!value->given) /* a duplicate is reported elsewhere */
    read_value(r, row, child, place, value);
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
