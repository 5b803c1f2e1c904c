/* SPDX-License-Identifier: MIT */
/* A variant of a family as a person types it: "deadline(deadline_s=30)",
 * "first-of(first=decodable,second=deadline(deadline_s=30))". */
#include "sim/core/param.h"

#include <stdlib.h>
#include <string.h>

/* The length of the member that `text` begins with: up to a comma that stands in no brackets. */
static size_t member_length(const char *text) {
  int depth = 0;
  size_t n = 0;
  for (; text[n] && (depth > 0 || text[n] != ','); n++)
    depth += (text[n] == '(') - (text[n] == ')');
  return n;
}

static sg_status parse_member(sg_values *values, const char *text, size_t length, sg_error *e) {
  char *member = strndup(text, length), *equals = member ? strchr(member, '=') : NULL;
  if (!member) return sg_fail_memory(e);
  sg_status status;
  if (!equals) {
    status = sg_fail(e, SG_INVALID, values->pointer,
                     "expected member=value in the brackets of "
                     "\"%s\", found \"%s\"",
                     values->variant->name, member);
  } else {
    *equals = 0;
    status = sg_values_param(values, member)
                 ? sg_values_parse(values, member, equals + 1, e)
                 : sg_fail_unknown(e, SG_INVALID, values->pointer, member, values->common,
                                   values->variant, NULL);
  }
  free(member);
  return status;
}

sg_status sg_family_parse(const sg_param *row, const char *place, const char *text, sg_value *value,
                          sg_error *e) {
  size_t length = strcspn(text, "("), end = strlen(text);
  char *name = strndup(text, length);
  if (!name) return sg_fail_memory(e);
  const sg_variant *variant = sg_family_find(row->family, name);
  sg_status status = variant ? SG_OK : sg_fail_variant(e, place, row->family, name);
  free(name);
  if (status) return status;
  if (text[length] && text[end - 1] != ')')
    return sg_fail(e, SG_INVALID, place, "expected a closing bracket, found \"%s\"", text);
  sg_values *values = sg_values_new(row->fields, variant, place);
  if (!values) return sg_fail_memory(e);
  for (const char *at = text + length + (text[length] != 0); !status && at < text + end - 1;) {
    size_t n = member_length(at);
    if (at + n > text + end - 1) n = (size_t)(text + end - 1 - at); /* without the last bracket */
    status = parse_member(values, at, n, e);
    at += n + 1;
  }
  if (!status) status = sg_values_check_required(values, e);
  if (status) {
    sg_values_free(values);
    return status;
  }
  sg_values_free(value->object);
  value->object = values;
  value->given = true;
  return SG_OK;
}
