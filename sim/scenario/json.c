/* SPDX-License-Identifier: MIT */
/* Strict JSON: positions, duplicates and forms that cJSON lets pass are found here, before it
 * reads. */
#include "sim/scenario/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_NUMBER = 63 }; /* cJSON reads no more characters of a number */

typedef struct scanner {
  const char *path, *text;
  size_t length, at;
  int depth;
  sg_error *e;
} scanner;

static bool fail(const scanner *s, size_t offset, const char *message) {
  long line, column;
  sg_json_position(s->text, offset, &line, &column);
  char *place;
  if (asprintf(&place, "%s:%ld:%ld", s->path, line, column) < 0) {
    sg_fail_memory(s->e);
    return false;
  }
  sg_fail(s->e, SG_INVALID, place, "%s", message);
  free(place);
  return false;
}

static bool fail_text(const scanner *s, size_t offset, sg_buffer *message) {
  if (message->failed)
    sg_fail_memory(s->e);
  else
    fail(s, offset, message->data);
  sg_buffer_free(message);
  return false;
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

static bool is_digit(int c) {
  return c >= '0' && c <= '9';
}

/* "expected …, found …" with what stands at the present place, and why it may stand there. */
static bool unexpected(const scanner *s, const char *expected) {
  sg_buffer b = {0};
  int c = peek(s);
  sg_putf(&b, "expected %s, found ", expected);
  size_t n = 0;
  const char *at = s->text + s->at;
  while (s->at + n < s->length && n < 20 &&
         (is_digit(at[n]) || at[n] == '_' || ((at[n] | 32) >= 'a' && (at[n] | 32) <= 'z')))
    n++;
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
  *code = 0;
  if (at + 4 > s->length) return false;
  for (size_t i = at; i < at + 4; i++) {
    int c = s->text[i] | 32;
    if (!is_digit(s->text[i]) && (c < 'a' || c > 'f')) return false;
    *code = *code * 16 + (unsigned)(is_digit(s->text[i]) ? s->text[i] - '0' : c - 'a' + 10);
  }
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
  while (is_digit(peek(s))) s->at++;
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
  if (!is_digit(peek(s))) return unexpected(s, "a digit");
  if (peek(s) == '0') {
    s->at++;
    if (is_digit(peek(s))) return fail(s, start, "a number must not begin with 0");
  }
  skip_digits(s);
  if (peek(s) == '.') {
    whole = false;
    s->at++;
    if (!is_digit(peek(s))) return unexpected(s, "a digit after the decimal point");
    skip_digits(s);
  }
  if (peek(s) == 'e' || peek(s) == 'E') {
    whole = false;
    s->at++;
    if (peek(s) == '+' || peek(s) == '-') s->at++;
    if (!is_digit(peek(s))) return unexpected(s, "a digit of the exponent");
    skip_digits(s);
  }
  if (s->at - start > LONGEST_NUMBER) return fail(s, start, "this number has too many digits");
  check_exact(s, start, whole);
  return true;
}

static bool check_value(scanner *s);

static bool check_members(scanner *s) {
  s->at++;
  skip_space(s);
  if (peek(s) == '}') {
    s->at++;
    return true;
  }
  for (;;) {
    skip_space(s);
    if (peek(s) != '"') return unexpected(s, "a member name in double quotes");
    if (!check_string(s)) return false;
    skip_space(s);
    if (peek(s) != ':') return unexpected(s, "':' after the member name");
    s->at++;
    if (!check_value(s)) return false;
    skip_space(s);
    if (peek(s) != ',' && peek(s) != '}') return unexpected(s, "',' or '}' after this member");
    if (s->text[s->at++] == '}') return true;
    skip_space(s);
    if (peek(s) == '}') return unexpected(s, "another member after ','");
  }
}

static bool check_items(scanner *s) {
  s->at++;
  skip_space(s);
  if (peek(s) == ']') {
    s->at++;
    return true;
  }
  for (;;) {
    if (!check_value(s)) return false;
    skip_space(s);
    if (peek(s) != ',' && peek(s) != ']') return unexpected(s, "',' or ']' after this item");
    if (s->text[s->at++] == ']') return true;
    skip_space(s);
    if (peek(s) == ']') return unexpected(s, "another item after ','");
  }
}

static bool check_value(scanner *s) {
  skip_space(s);
  int c = peek(s);
  if (c == '{' || c == '[') {
    if (++s->depth > SG_JSON_DEPTH) return fail(s, s->at, "this is nested more than 64 deep");
    bool ok = c == '{' ? check_members(s) : check_items(s);
    s->depth--;
    return ok;
  }
  if (c == '"') return check_string(s);
  if (c == '-' || is_digit(c)) return check_number(s);
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
  if (!check_value(s)) return false;
  skip_space(s);
  return s->at == s->length || unexpected(s, "the end of the file");
}

/* --- Duplicate members ------------------------------------------------------------------------ */

typedef struct member {
  const char *name;
  int index;
} member;

static int compare_members(const void *x, const void *y) {
  const member *a = x, *b = y;
  int order = strcmp(a->name, b->name);
  return order ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_ints(const void *x, const void *y) {
  const int *a = x, *b = y;
  return (*a > *b) - (*a < *b);
}

static void skip_string(scanner *s) {
  for (s->at++; s->text[s->at] != '"'; s->at++)
    if (s->text[s->at] == '\\') s->at++;
  s->at++;
}

/* Over a value of a text that is known to be valid. */
static void skip_value(scanner *s) {
  skip_space(s);
  int c = peek(s);
  if (c == '"') {
    skip_string(s);
  } else if (c == '{' || c == '[') {
    int depth = 0;
    do {
      c = peek(s);
      if (c == '"') {
        skip_string(s);
        continue;
      }
      depth += (c == '{' || c == '[') - (c == '}' || c == ']');
      s->at++;
    } while (depth > 0);
  } else {
    while (s->at < s->length && !memchr(" \t\r\n,]}", s->text[s->at], 7)) s->at++;
  }
}

/* The faults of the members of one object at `offset` of the text that repeat an earlier one;
 * `repeated` holds their indices, rising. */
static void report_repeated(const scanner *s, size_t offset, const cJSON *object,
                            const int *repeated, int n) {
  scanner walk = *s;
  walk.at = offset + 1;
  const cJSON *child = object->child;
  for (int i = 0, k = 0; k < n; i++, child = child->next) {
    skip_space(&walk);
    size_t name = walk.at;
    skip_string(&walk);
    skip_space(&walk);
    walk.at++; /* ':' */
    skip_value(&walk);
    skip_space(&walk);
    walk.at++; /* ',' */
    if (i != repeated[k]) continue;
    k++;
    sg_buffer b = {0};
    sg_put(&b, "duplicate member ");
    sg_put_json_string(&b, child->string);
    fail_text(s, name, &b);
  }
}

static void check_object(const scanner *s, size_t offset, const cJSON *object) {
  int n = cJSON_GetArraySize(object), k = 0;
  if (n < 2) return;
  member *list = calloc((size_t)n, sizeof *list);
  int *repeated = calloc((size_t)n, sizeof *repeated);
  if (list && repeated) {
    int i = 0;
    for (const cJSON *c = object->child; c; c = c->next, i++) list[i] = (member){c->string, i};
    qsort(list, (size_t)n, sizeof *list, compare_members);
    for (i = 1; i < n; i++)
      if (strcmp(list[i].name, list[i - 1].name) == 0) repeated[k++] = list[i].index;
    qsort(repeated, (size_t)k, sizeof *repeated, compare_ints);
    report_repeated(s, offset, object, repeated, k);
  } else {
    sg_fail_memory(s->e);
  }
  free(list);
  free(repeated);
}

/* Walks text and tree side by side. */
static void check_duplicates(scanner *s, const cJSON *item) {
  skip_space(s);
  if (!cJSON_IsObject(item) && !cJSON_IsArray(item)) {
    skip_value(s);
    return;
  }
  if (cJSON_IsObject(item)) check_object(s, s->at, item);
  s->at++;
  for (const cJSON *child = item->child; child; child = child->next) {
    skip_space(s);
    if (cJSON_IsObject(item)) {
      skip_string(s);
      skip_space(s);
      s->at++; /* ':' */
    }
    check_duplicates(s, child);
    skip_space(s);
    if (child->next) s->at++; /* ',' */
  }
  skip_space(s);
  s->at++; /* the closing bracket */
}

cJSON *sg_json_parse(const char *path, const char *text, size_t length, sg_error *e) {
  scanner s = {.path = path, .text = text, .length = length, .e = e};
  if (!check(&s)) return NULL;
  /* The length takes in the NUL, which cJSON wants to see at the end. */
  cJSON *tree = cJSON_ParseWithLengthOpts(text, length + 1, NULL, true);
  if (!tree) {
    sg_fail_memory(e);
    return NULL;
  }
  s.at = 0;
  check_duplicates(&s, tree);
  return tree;
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

/* Whether the string token at the present place spells `name`; moves behind it. */
static bool read_name(scanner *s, const char *name) {
  size_t start = s->at;
  skip_string(s);
  const char *raw = s->text + start + 1;
  size_t n = s->at - start - 2;
  if (!memchr(raw, '\\', n)) return strlen(name) == n && memcmp(raw, name, n) == 0;
  cJSON *decoded = cJSON_ParseWithLength(s->text + start, s->at - start);
  bool same = decoded && strcmp(decoded->valuestring, name) == 0;
  cJSON_Delete(decoded);
  return same;
}

/* Moves to the value of a member or item of the object or list at the present place. */
static bool enter(scanner *s, const char *token, size_t *name) {
  int open = peek(s);
  if (open != '{' && open != '[') return false;
  s->at++;
  for (long i = 0;; i++) {
    skip_space(s);
    if (peek(s) == '}' || peek(s) == ']') return false;
    char index[32];
    snprintf(index, sizeof index, "%ld", i);
    bool here = open == '[' && strcmp(index, token) == 0;
    *name = s->at;
    if (open == '{') {
      here = read_name(s, token);
      skip_space(s);
      s->at++; /* ':' */
      skip_space(s);
    }
    if (here) return true;
    skip_value(s);
    skip_space(s);
    if (peek(s) == ',') s->at++;
  }
}

size_t sg_json_locate(const char *text, size_t length, const char *pointer, bool name) {
  scanner s = {.text = text, .length = length};
  skip_space(&s);
  size_t value = s.at, key = s.at;
  while (*pointer == '/') {
    char *token = sg_json_token(&pointer);
    bool found = token && enter(&s, token, &key);
    free(token);
    if (!found) return value;
    value = s.at;
  }
  return name ? key : value;
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
