/* SPDX-License-Identifier: MIT */
/* Canonical JSON of values: equal configurations have equal texts, whatever their files look like.
 */
#include "sim/scenario/internal.h"

#include <string.h>

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
  case SG_OBJECT: sg_put_values(value->object, NULL, NULL, out); break;
  case SG_FAMILY: sg_put_values(value->object, row->family, NULL, out); break;
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

void sg_put_values(const sg_values *v, const sg_family *family, const char *skip, sg_buffer *out) {
  sg_put(out, "{");
  if (v->variant) {
    sg_put_json_text_member(out, family ? family->selector : "variant", v->variant->name);
  }
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
  sg_put_values(v, NULL, NULL, out);
}
