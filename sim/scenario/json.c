/* SPDX-License-Identifier: MIT */
/* Strict JSON: positions, duplicates and forms that cJSON lets pass are found here, before it
 * reads. */
#include "sim/scenario/json.h"
#include "sim/core/array.h"
#include "sim/core/param.h"

#include <ctype.h>
#include <gsl/gsl_sort_int.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NUMBER = 63 }; /* cJSON reads no more characters of a number */

typedef struct scanner {
  const char *path, *text;
  size_t length, at;
  int depth, count, capacity;
  json_place *place; /* of the count values that have begun */
  sg_error *e;
} scanner;

/* The message is freed. */
static bool fail_text(const scanner *s, size_t offset, sg_buffer *message) {
  long line, column;
  sg_json_position(s->text, offset, &line, &column);
  sg_buffer place = {0};
  sg_putf(&place, "%s:%ld:%ld", s->path, line, column);
  sg_fail_buffer(s->e, SG_INVALID, place.failed ? NULL : place.data, message);
  sg_buffer_free(&place);
  return false;
}

static bool fail(const scanner *s, size_t offset, const char *message) {
  sg_buffer b = {0};
  sg_put(&b, message);
  return fail_text(s, offset, &b);
}

void sg_json_position(const char *text, size_t offset, long *line, long *column) {
  *line = *column = 1;
  for (size_t i = 0; i < offset; i++) {
    if (text[i] == '\n') {
      ++*line;
      *column = 1;
    } else if ((text[i] & 0xC0) != 0x80) {
      ++*column;
    }
  }
}

/* --- Checking --------------------------------------------------------------------------------- */

static int peek(const scanner *s) {
  return s->at < s->length ? (unsigned char)s->text[s->at] : -1;
}

static void skip_space(scanner *s) {
  while (s->at < s->length && memchr(" \t\r\n", s->text[s->at], 4)) s->at++;
}

/* "expected …, found …" with what stands at the present place, and why it may stand there. */
static bool unexpected(const scanner *s, const char *expected) {
  sg_buffer b = {0};
  int c = peek(s);
  sg_putf(&b, "expected %s, found ", expected);
  size_t n = 0;
  const char *at = s->text + s->at;
  while (s->at + n < s->length && n < 20 && (isalnum((unsigned char)at[n]) || at[n] == '_')) n++;
  if (c < 0)
    sg_put(&b, "the end of the file");
  else if (n > 0)
    sg_putf(&b, "%.*s", (int)n, at);
  else if (c < 0x20 || c >= 0x7F)
    sg_putf(&b, "the byte 0x%02x", (unsigned)c);
  else
    sg_putf(&b, "'%c'", c);
  if (c == '/' || c == '#')
    sg_put(&b, " (JSON has no comments)");
  else if (c == '\'')
    sg_put(&b, " (JSON strings are in double quotes)");
  else if (n > 0 && (strncasecmp(at, "nan", 3) == 0 || strncasecmp(at, "inf", 3) == 0))
    sg_put(&b, " (JSON has finite numbers only)");
  else if (n > 0 && (strncasecmp(at, "true", 4) == 0 || strncasecmp(at, "false", 5) == 0))
    sg_put(&b, " (true, false and null are in small letters)");
  return fail_text(s, s->at, &b);
}

/* Four hexadecimal digits after "\u". */
static bool read_hex(const scanner *s, size_t at, unsigned *code) {
  char digits[5] = {0};
  if (strspn(s->text + at, "0123456789abcdefABCDEF") < 4) return false;
  memcpy(digits, s->text + at, 4);
  *code = (unsigned)strtoul(digits, NULL, 16);
  return true;
}

static bool check_escape(scanner *s) {
  size_t start = s->at++;
  int c = peek(s);
  if (c >= 0 && c != 0 && strchr("\"\\/bfnrt", c)) {
    s->at++;
    return true;
  }
  unsigned code, low;
  if (c != 'u' || !read_hex(s, s->at + 1, &code))
    return fail(s, start,
                "expected an escape sequence (\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX)");
  s->at += 5;
  if (code == 0) return fail(s, start, "a string must not contain the character NUL (\\u0000)");
  if (code < 0xD800 || code > 0xDFFF) return true;
  if (code <= 0xDBFF && s->at + 2 <= s->length && memcmp(s->text + s->at, "\\u", 2) == 0 &&
      read_hex(s, s->at + 2, &low) && low >= 0xDC00 && low <= 0xDFFF) {
    s->at += 6;
    return true;
  }
  return fail(s, start, "half of a surrogate pair: expected \\uD8XX\\uDCXX");
}

static bool check_string(scanner *s) {
  size_t start = s->at++;
  for (;;) {
    int c = peek(s);
    if (c == '"') break;
    if (c < 0) return fail(s, start, "this string has no closing quote");
    if (c == '\n') return fail(s, start, "this string has no closing quote on its line");
    if (c < 0x20)
      return fail(s, s->at, "a control character in a string must be written as an escape");
    if (c != '\\')
      s->at++;
    else if (!check_escape(s))
      return false;
  }
  s->at++;
  return true;
}

static void skip_digits(scanner *s) {
  while (isdigit(peek(s))) s->at++;
}

/* A number that is well-formed but that a double cannot hold: a fault, but no reason to stop. */
static void check_exact(scanner *s, size_t start, bool whole) {
  char text[LONGEST_NUMBER + 1], back[400];
  size_t n = s->at - start;
  memcpy(text, s->text + start, n);
  text[n] = '\0';
  double x = strtod(text, NULL);
  sg_buffer b = {0};
  if (!isfinite(x)) {
    sg_putf(&b, "the number %s is too large", text);
    fail_text(s, start, &b);
    return;
  }
  if (!whole || n < 16) return;
  snprintf(back, sizeof back, "%.0f", x);
  if (strcmp(back, text) == 0) return;
  sg_putf(&b,
          "the whole number %s cannot be held exactly; expected at most 2^53 (a seed may be a "
          "string of digits)",
          text);
  fail_text(s, start, &b);
}

static bool check_number(scanner *s) {
  size_t start = s->at;
  bool whole = true;
  if (peek(s) == '-') s->at++;
  if (!isdigit(peek(s))) return unexpected(s, "a digit");
  if (peek(s) == '0') {
    s->at++;
    if (isdigit(peek(s))) return fail(s, start, "a number must not begin with 0");
  }
  skip_digits(s);
  if (peek(s) == '.') {
    whole = false;
    s->at++;
    if (!isdigit(peek(s))) return unexpected(s, "a digit after the decimal point");
    skip_digits(s);
  }
  if (peek(s) == 'e' || peek(s) == 'E') {
    whole = false;
    s->at++;
    if (peek(s) == '+' || peek(s) == '-') s->at++;
    if (!isdigit(peek(s))) return unexpected(s, "a digit of the exponent");
    skip_digits(s);
  }
  if (s->at - start > LONGEST_NUMBER) return fail(s, start, "this number has too many digits");
  check_exact(s, start, whole);
  return true;
}

static bool check_value(scanner *s, const size_t *name);

static bool check_members(scanner *s, bool object) {
  const char close = object ? '}' : ']';
  s->at++;
  skip_space(s);
  if (peek(s) == close) {
    s->at++;
    return true;
  }
  for (;;) {
    skip_space(s);
    size_t name = s->at;
    if (object) {
      if (peek(s) != '"') return unexpected(s, "a member name in double quotes");
      if (!check_string(s)) return false;
      skip_space(s);
      if (peek(s) != ':') return unexpected(s, "':' after the member name");
      s->at++;
    }
    if (!check_value(s, object ? &name : NULL)) return false;
    skip_space(s);
    if (peek(s) != ',' && peek(s) != close)
      return unexpected(s, object ? "',' or '}' after this member" : "',' or ']' after this item");
    if (s->text[s->at++] == close) return true;
    skip_space(s);
    if (peek(s) == close)
      return unexpected(s, object ? "another member after ','" : "another item after ','");
  }
}

/* name: the offset of the member's name, NULL outside objects. */
static bool check_value(scanner *s, const size_t *name) {
  skip_space(s);
  if (!SG_ROOM(s->place, s->capacity, s->count + 1)) {
    sg_fail_memory(s->e);
    return false;
  }
  s->place[s->count++] = (json_place){.value = s->at, .name = name ? *name : s->at};
  int c = peek(s);
  if (c == '{' || c == '[') {
    if (++s->depth > SG_JSON_DEPTH) return fail(s, s->at, "this is nested more than 64 deep");
    bool ok = check_members(s, c == '{');
    s->depth--;
    return ok;
  }
  if (c == '"') return check_string(s);
  if (c == '-' || isdigit(c)) return check_number(s);
  static const char *const literal[] = {"true", "false", "null"};
  for (size_t i = 0; i < 3; i++) {
    size_t n = strlen(literal[i]);
    if (s->length - s->at >= n && memcmp(s->text + s->at, literal[i], n) == 0) {
      s->at += n;
      return true;
    }
  }
  return unexpected(s, "a value");
}

static bool check(scanner *s) {
  if (s->length >= 3 && memcmp(s->text, "\xEF\xBB\xBF", 3) == 0)
    return fail(s, 0, "the file begins with a byte order mark; save it as UTF-8 without one");
  size_t valid = sg_utf8_valid(s->text, s->length);
  if (valid < s->length) return fail(s, valid, "this is not valid UTF-8");
  if (!check_value(s, NULL)) return false;
  skip_space(s);
  return s->at == s->length || unexpected(s, "the end of the file");
}

/* --- Duplicate members ------------------------------------------------------------------------ */

static int compare_texts(const void *x, const void *y, void *texts) {
  const char *const *text = texts;
  const int *a = x, *b = y;
  int order = strcmp(text[*a], text[*b]);
  return order ? order : (*a > *b) - (*a < *b);
}

int sg_find_repeated(int n, const char *const *text, int *repeated) {
  int k = 0, last = 0;
  for (int i = 0; i < n; i++) repeated[i] = i;
  qsort_r(repeated, (size_t)n, sizeof *repeated, compare_texts, (void *)text);
  for (int i = 0; i < n; i++) {
    int now = repeated[i];
    if (i > 0 && strcmp(text[now], text[last]) == 0) repeated[k++] = now;
    last = now;
  }
  return k;
}

/* How many values an item is, itself included. */
static int size_of(const cJSON *item) {
  int n = 1;
  for (const cJSON *child = item->child; child; child = child->next) n += size_of(child);
  return n;
}

/* The faults of the members of one object that repeat an earlier one, in their order. */
static void check_object(const scanner *s, const cJSON *object, int index) {
  int n = cJSON_GetArraySize(object), k = 0;
  const char **name = calloc((size_t)n + 1, sizeof *name);
  int *repeated = calloc((size_t)n + 1, sizeof *repeated);
  if (name && repeated) {
    n = 0;
    for (const cJSON *c = object->child; c; c = c->next) name[n++] = c->string;
    k = sg_find_repeated(n, name, repeated);
    gsl_sort_int(repeated, 1, (size_t)k);
  } else {
    sg_fail_memory(s->e);
  }
  const cJSON *child = object->child;
  index++;
  for (int i = 0, next = 0; next < k; i++, index += size_of(child), child = child->next) {
    if (i != repeated[next]) continue;
    next++;
    sg_buffer b = {0};
    sg_put(&b, "duplicate member ");
    sg_put_json_string(&b, child->string);
    fail_text(s, s->place[index].name, &b);
  }
  free(name);
  free(repeated);
}

/* index: of the item's place. Returns the index behind the item. */
static int check_duplicates(const scanner *s, const cJSON *item, int index) {
  if (cJSON_IsObject(item)) check_object(s, item, index);
  index++;
  for (const cJSON *child = item->child; child; child = child->next)
    index = check_duplicates(s, child, index);
  return index;
}

json_text sg_json_parse(const char *path, const char *text, size_t length, sg_error *e) {
  scanner s = {.path = path, .text = text, .length = length, .e = e};
  json_text json = {0};
  if (check(&s)) {
    /* The length takes in the NUL, which cJSON wants to see at the end. */
    json.tree = cJSON_ParseWithLengthOpts(text, length + 1, NULL, true);
    if (!json.tree) sg_fail_memory(e);
  }
  json.place = s.place;
  if (json.tree)
    check_duplicates(&s, json.tree, 0);
  else
    sg_json_free(&json);
  return json;
}

void sg_json_free(json_text *json) {
  cJSON_Delete(json->tree);
  free(json->place);
  *json = (json_text){0};
}

/* --- Places ----------------------------------------------------------------------------------- */

char *sg_json_token(const char **pointer) {
  const char *p = *pointer;
  if (*p == '/') p++;
  sg_buffer b = {0};
  sg_put(&b, "");
  for (; *p && *p != '/'; p++) {
    if (p[0] == '~' && (p[1] == '0' || p[1] == '1'))
      sg_put(&b, *++p == '0' ? "~" : "/");
    else
      sg_put_bytes(&b, p, 1);
  }
  *pointer = p;
  if (b.failed) sg_buffer_free(&b);
  return b.data;
}

/* Whether a token names this child, the n-th of its object or list. */
static bool is_named(const cJSON *child, int n, const char *token) {
  if (child->string) return strcmp(child->string, token) == 0;
  char index[16];
  snprintf(index, sizeof index, "%d", n);
  return strcmp(index, token) == 0;
}

size_t sg_json_locate(const json_text *json, const char *pointer, bool name) {
  const cJSON *item = json->tree;
  int at = 0;
  while (*pointer == '/') {
    char *token = sg_json_token(&pointer);
    const cJSON *child = token ? item->child : NULL;
    int next = at + 1;
    for (int n = 0; child && !is_named(child, n, token); n++, child = child->next)
      next += size_of(child);
    free(token);
    if (!child) return json->place[at].value;
    item = child;
    at = next;
  }
  return name ? json->place[at].name : json->place[at].value;
}

void sg_json_put(const cJSON *item, sg_buffer *out) {
  if (cJSON_IsNumber(item)) {
    sg_put_json_number(out, item->valuedouble);
  } else if (cJSON_IsString(item)) {
    sg_put_json_string(out, item->valuestring);
  } else if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
    bool object = cJSON_IsObject(item);
    sg_put(out, object ? "{" : "[");
    for (const cJSON *child = item->child; child; child = child->next) {
      if (child != item->child) sg_put(out, ", ");
      if (object) {
        sg_put_json_string(out, child->string);
        sg_put(out, ": ");
      }
      sg_json_put(child, out);
    }
    sg_put(out, object ? "}" : "]");
  } else {
    sg_put(out, cJSON_IsTrue(item) ? "true" : cJSON_IsFalse(item) ? "false" : "null");
  }
}
