/* SPDX-License-Identifier: MIT */
/* Strict JSON on top of cJSON.
 *
 * cJSON is lenient (control characters, leading zeros, duplicate members, overflowing numbers) and
 * knows no positions. So the text is checked here first, which also gives the place of a syntax
 * error, and the positions of all values are kept beside the tree. */
#ifndef SG_SIM_SCENARIO_JSON_H
#define SG_SIM_SCENARIO_JSON_H

#include "sim/core/text.h"

#include <cjson/cJSON.h>

enum { SG_JSON_DEPTH = 64 }; /* deepest nesting of a text */

/* Where a value stands in a text, as offsets. */
typedef struct json_place {
  size_t value, name; /* that of its member; of the value itself in a list */
} json_place;

typedef struct json_text {
  cJSON *tree;
  json_place *place; /* of the values of the tree, in the order of the text */
} json_text;

/* Parses text (text[length] is a NUL). Faults have "<path>:<line>:<column>" as their place. The
 * tree is NULL after a syntax error; it is given in spite of faults that leave it readable
 * (duplicate members, numbers out of range). To be freed with sg_json_free. */
json_text sg_json_parse(const char *path, const char *text, size_t length, sg_error *e);
void sg_json_free(json_text *json);

/* The offset of the value that a JSON pointer names in a text with a tree, or of the member's name
 * if name is true. Where there is no such value: that of the nearest object or list around it. */
size_t sg_json_locate(const json_text *json, const char *pointer, bool name);

/* Line and column of an offset, from 1; columns count characters. */
void sg_json_position(const char *text, size_t offset, long *line, long *column);

/* The next token of a JSON pointer, unescaped, to be freed. *pointer moves behind it. NULL: no
 * memory. */
char *sg_json_token(const char **pointer);

/* A tree as JSON text with exact numbers (cJSON prints lossily). */
void sg_json_put(const cJSON *item, sg_buffer *out);

/* Which of n texts equal an earlier one, in the order of the texts; returns how many. There must be
 * room for n of them. */
int sg_find_repeated(int n, const char *const *text, int *repeated);

#endif
