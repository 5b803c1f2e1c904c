/* SPDX-License-Identifier: MIT */
/* The JSON Schema (2020-12) of scenario files, from the tables.
 *
 * A family becomes an object whose members depend on its selector (if … then); unknown members are
 * refused with unevaluatedProperties, which sees through the branches. */
#include "sim/scenario/internal.h"

#include <stdlib.h>
#include <string.h>

/* each: the object is (in) a scheme, where a scalar may be {"each": […]}. */
static void put_row(const sg_param *row, bool each, sg_buffer *out);

static void put_words(const char *const *words, sg_buffer *out) {
  sg_put_json_raw_member(out, "enum", "[");
  sg_put_words(words, out);
  sg_put(out, "]");
}

static void put_names(const sg_family *family, sg_buffer *out) {
  const char **names = sg_family_names(family);
  if (names)
    put_words(names, out);
  else
    out->failed = true;
  free(names);
}

static void put_number(const sg_param *row, sg_buffer *out) {
  sg_put_json_text_member(out, "type", row->kind == SG_INT ? "integer" : "number");
  if (row->min == 0 && row->max == 0) return;
  if (row->min > -SG_UNBOUNDED)
    sg_put_json_number_member(out, row->flags & SG_MIN_OPEN ? "exclusiveMinimum" : "minimum",
                              row->min);
  if (row->max < SG_UNBOUNDED)
    sg_put_json_number_member(out, row->flags & SG_MAX_OPEN ? "exclusiveMaximum" : "maximum",
                              row->max);
}

/* The constraints of a scalar, without braces. */
static void put_scalar(const sg_param *row, sg_buffer *out) {
  switch (row->kind) {
  case SG_INT:
  case SG_REAL:
    if (!row->choices) {
      put_number(row, out);
      break;
    }
    sg_put_json_raw_member(out, "anyOf", "[{");
    put_number(row, out);
    sg_put(out, "}, {");
    put_words(row->choices, out);
    sg_put(out, "}]");
    break;
  case SG_BOOL: sg_put_json_text_member(out, "type", "boolean"); break;
  case SG_CHOICE: put_words(row->choices, out); break;
  case SG_FAMILY: put_names(row->family, out); break;
  case SG_SEED:
    sg_put_json_raw_member(
        out, "anyOf",
        "[{\"type\": \"integer\", \"minimum\": 0, \"maximum\": 9007199254740992}, "
        "{\"type\": \"string\", \"pattern\": \"^[0-9]+$\"}]");
    break;
  default: sg_put_json_text_member(out, "type", "string"); break;
  }
}

static void put_default(const sg_param *row, sg_buffer *out) {
  if (row->flags & (SG_REQUIRED | SG_OPTIONAL)) return;
  const char *word = row->kind == SG_CHOICE ? row->choices[(int)row->fallback] : row->text;
  if (!word && (row->kind == SG_TEXT || row->kind == SG_SEED)) return;
  sg_put_json_name(out, "default");
  if (row->kind == SG_BOOL)
    sg_put(out, row->fallback != 0 ? "true" : "false");
  else if (row->kind == SG_SEED)
    sg_put(out, word);
  else if (word)
    sg_put_json_string(out, word);
  else
    sg_put_json_number(out, row->fallback);
}

static void put_properties(const sg_param *table, bool each, sg_buffer *out) {
  for (; table && table->name; table++) {
    sg_put_json_name(out, table->name);
    put_row(table, each, out);
  }
}

/* "required": the members of the table that must be given, and the selector. */
static void put_required(const sg_param *table, const char *selector, sg_buffer *out) {
  int n = 0;
  if (selector) {
    sg_put_json_raw_member(out, "required", "[");
    sg_put_json_string(out, selector);
    n++;
  }
  for (; table && table->name; table++) {
    if (!(table->flags & SG_REQUIRED)) continue;
    n++ ? sg_put(out, ", ") : sg_put_json_raw_member(out, "required", "[");
    sg_put_json_string(out, table->name);
  }
  if (n) sg_put(out, "]");
}

/* if the selector names this variant, then its members count. An absent selector means the
 * fallback. */
static void put_variant(const sg_family *family, const sg_variant *variant, bool each,
                        sg_buffer *out) {
  bool fallback = family->fallback && strcmp(family->fallback, variant->name) == 0;
  sg_put(out, "{\"if\": {\"properties\": {");
  sg_put_json_raw_member(out, family->selector, "{\"const\": ");
  sg_put_json_string(out, variant->name);
  sg_put(out, "}}");
  if (!fallback) put_required(NULL, family->selector, out);
  sg_put(out, "}, \"then\": {");
  sg_put_json_text_member(out, "description", variant->summary);
  sg_put_json_raw_member(out, "properties", "{");
  put_properties(variant->params, each, out);
  sg_put(out, "}");
  put_required(variant->params, NULL, out);
  sg_put(out, "}}");
}

/* The members of a table and, of a family (NULL: none), those of each variant. */
static void put_object(const sg_param *table, const sg_family *family, bool each, sg_buffer *out) {
  const sg_variant *variant;
  sg_put_json_text_member(out, "type", "object");
  sg_put_json_raw_member(out, "properties", "{");
  if (family) {
    sg_put_json_raw_member(out, family->selector, "{");
    put_names(family, out);
    if (family->fallback) sg_put_json_text_member(out, "default", family->fallback);
    sg_put(out, "}");
  }
  put_properties(table, each, out);
  sg_put(out, "}");
  put_required(table, family && !family->fallback ? family->selector : NULL, out);
  if (!family) {
    sg_put_json_raw_member(out, "additionalProperties", "false");
    return;
  }
  sg_put_json_raw_member(out, "allOf", "[");
  for (int i = 0; (variant = family->at(i)); i++) {
    sg_put(out, i ? ", " : "");
    put_variant(family, variant, each, out);
  }
  sg_put(out, "]");
  sg_put_json_raw_member(out, "unevaluatedProperties", "false");
}

static void put_list(const sg_param *row, bool each, sg_buffer *out) {
  sg_put_json_text_member(out, "type", "array");
  if (row->min > 0) sg_put_json_number_member(out, "minItems", row->min);
  if (row->max > 0 && row->max < SG_UNBOUNDED) sg_put_json_number_member(out, "maxItems", row->max);
  sg_put_json_name(out, "items");
  put_row(row->fields, each, out);
}

/* A scalar, several of it, or (a family whose variants may be given by name alone) the object. */
static void put_scalar_row(const sg_param *row, bool each, sg_buffer *out) {
  bool family = row->kind == SG_FAMILY, several = each || family;
  if (several) sg_put_json_raw_member(out, "anyOf", "[{");
  put_scalar(row, out);
  if (each) {
    sg_put(out, "}, {\"type\": \"object\", \"properties\": {\"each\": {\"type\": \"array\", "
                "\"minItems\": 1, \"uniqueItems\": true, \"items\": {");
    put_scalar(row, out);
    sg_put(out, "}}}, \"required\": [\"each\"], \"additionalProperties\": false");
  }
  if (family) {
    sg_put(out, "}, {");
    put_object(row->fields, row->family, each, out);
  }
  if (several) sg_put(out, "}]");
  if (!family) put_default(row, out);
}

static void put_row(const sg_param *row, bool each, sg_buffer *out) {
  sg_put(out, "{");
  sg_put_json_text_member(out, "description", row->summary ? row->summary : row->name);
  switch (row->kind) {
  case SG_OBJECT: put_object(row->fields, NULL, each, out); break;
  case SG_LIST: put_list(row, each || strcmp(row->name, "schemes") == 0, out); break;
  case SG_ANY: break;
  default:
    if (sg_is_scalar(row))
      put_scalar_row(row, each, out);
    else
      put_object(row->fields, row->family, each, out);
  }
  sg_put(out, "}");
}

static void put_line(int depth, sg_buffer *out) {
  sg_put(out, "\n");
  for (int i = 0; i < depth; i++) sg_put(out, "  ");
}

/* Lays compact JSON out for people: a line per member, lists of words on one line. */
static void put_indented(const char *json, sg_buffer *out) {
  enum { DEEPEST = 128 };
  bool string = false, in_object[DEEPEST] = {false};
  int depth = 0;
  for (const char *p = json; *p; p++) {
    if (string || *p == '"') {
      if (*p == '"') string = !string;
      sg_put_bytes(out, p, 1);
      if (string && *p == '\\') sg_put_bytes(out, ++p, 1);
      continue;
    }
    bool opens = *p == '{' || *p == '[', closes = *p == '}' || *p == ']';
    if (closes && in_object[depth--] && p[-1] != '{') put_line(depth, out);
    if (opens && depth + 1 < DEEPEST) in_object[++depth] = *p == '{';
    /* The blank after a comma. */
    if (*p == ' ' && p[-1] == ',' && in_object[depth])
      put_line(depth, out);
    else
      sg_put_bytes(out, p, 1);
    if (*p == '{' && p[1] != '}') put_line(depth, out);
  }
  sg_put(out, "\n");
}

void sg_scenario_schema(sg_buffer *out) {
  sg_buffer b = {0};
  sg_put(&b, "{");
  sg_put_json_text_member(&b, "$schema", "https://json-schema.org/draft/2020-12/schema");
  sg_put_json_text_member(&b, "$id", "urn:straggle:scenario:1"); /* 1: the member "format" */
  sg_put_json_text_member(&b, "title", "straggle scenario");
  sg_put_json_text_member(
      &b, "description",
      "A scenario of straggle: cluster, delays, network, learning problem and the "
      "gradient codes to compare.");
  put_object(sg_scenario_params, NULL, false, &b);
  sg_put(&b, "}");
  if (b.failed)
    out->failed = true;
  else
    put_indented(b.data, out);
  sg_buffer_free(&b);
}
