/* SPDX-License-Identifier: MIT */
#include "sim/core/param.h"
#include "sim/core/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WHOLE 9007199254740992.0 /* 2^53: beyond, doubles skip whole numbers */

const sg_variant *sg_family_find(const sg_family *family, const char *name) {
  const sg_variant *variant;
  for (int i = 0; (variant = family->at(i)); i++)
    if (strcmp(variant->name, name) == 0) return variant;
  return NULL;
}

/* --- Nearest name ----------------------------------------------------------------------------- */

enum { LONGEST_NAME = 64 };

/* Optimal string alignment distance, upper and lower case being the same. */
static int distance(const char *a, const char *b) {
  int n = (int)strlen(a), m = (int)strlen(b);
  int row[3][LONGEST_NAME + 1]; /* rows i − 2, i − 1, i, in turn */
  for (int j = 0; j <= m; j++) row[0][j] = j;
  for (int i = 1; i <= n; i++) {
    int *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= m; j++) {
      bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
      int best = up[j - 1] + !same;
      if (up[j] + 1 < best) best = up[j] + 1;
      if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
        best = up2[j - 2] + 1;
      now[j] = best;
    }
  }
  return row[n % 3][m];
}

/* The cost of taking `word` for `candidate`, −1 if they are too far apart. */
static int mistake(const char *word, const char *candidate) {
  size_t n = strlen(word), m = strlen(candidate), longest = n > m ? n : m;
  if (n == 0 || longest > LONGEST_NAME) return -1;
  int limit = longest < 6 ? 1 : (int)longest / 3, d = distance(word, candidate);
  if (d <= limit && d < (int)longest) return d;
  /* Half a name ("logistic") or too much of one is worth a suggestion as well. */
  if (n >= 3 && m >= 3 && (strcasestr(candidate, word) || strcasestr(word, candidate)))
    return LONGEST_NAME + d;
  return -1;
}

const char *sg_nearest(const char *word, const char *const *candidates) {
  const char *best = NULL;
  int least = 0;
  for (; *candidates; candidates++) {
    int cost = mistake(word, *candidates);
    if (cost >= 0 && (!best || cost < least)) {
      best = *candidates;
      least = cost;
    }
  }
  return best;
}

const char *sg_article(const char *word) {
  return *word && strchr("aeiou", *word) ? "an" : "a";
}

/* --- What was expected ------------------------------------------------------------------------ */

static void put_range(const sg_param *p, sg_buffer *b) {
  /* A zeroed row has no range: 0 … 0 would allow one value only. */
  if (p->min == 0 && p->max == 0) return;
  if (p->min == p->max) {
    sg_put(b, " = ");
    sg_put_json_number(b, p->min);
    return;
  }
  bool below = p->min > -SG_UNBOUNDED, above = p->max < SG_UNBOUNDED;
  if (below) {
    sg_put(b, p->flags & SG_MIN_OPEN ? " > " : " ≥ ");
    sg_put_json_number(b, p->min);
  }
  if (above) {
    sg_put(b, below ? " and" : "");
    sg_put(b, p->flags & SG_MAX_OPEN ? " < " : " ≤ ");
    sg_put_json_number(b, p->max);
  }
}

static void put_words(const char *const *words, sg_buffer *b) {
  for (int i = 0; words[i]; i++) sg_putf(b, "%s\"%s\"", i ? ", " : "", words[i]);
}

void sg_param_expectation(const sg_param *p, sg_buffer *b) {
  switch (p->kind) {
  case SG_INT:
  case SG_REAL:
    sg_put(b, p->kind == SG_INT ? "a whole number" : "a number");
    put_range(p, b);
    if (p->choices) {
      sg_put(b, " or ");
      put_words(p->choices, b);
    }
    break;
  case SG_BOOL: sg_put(b, "true or false"); break;
  case SG_CHOICE:
    sg_put(b, "one of ");
    put_words(p->choices, b);
    break;
  case SG_TEXT: sg_put(b, "a string"); break;
  case SG_SEED:
    sg_put(b, "a whole number from 0 to 2^53 or a string of digits up to \"18446744073709551615\"");
    break;
  case SG_OBJECT: sg_put(b, "an object"); break;
  case SG_FAMILY: sg_putf(b, "an object with a \"%s\"", p->family->selector); break;
  case SG_MATRIX: sg_put(b, "the name of a CSV file of numbers"); break;
  case SG_LIST:
    sg_put(b, "a list");
    if (p->min > 0) sg_putf(b, " of at least %.0f", p->min);
    if (p->max > 0 && p->max < SG_UNBOUNDED)
      sg_putf(b, "%s at most %.0f", p->min > 0 ? " and" : " of", p->max);
    break;
  case SG_ANY: sg_put(b, "a value"); break;
  }
}

sg_status sg_fail_expected(sg_error *e, const char *place, const sg_param *p, const char *found) {
  sg_buffer b = {0};
  sg_param_expectation(p, &b);
  sg_status status = b.failed
                         ? sg_fail_memory(e)
                         : sg_fail(e, SG_INVALID, place, "expected %s, found %s", b.data, found);
  sg_buffer_free(&b);
  return status;
}

/* The JSON form of a string for a message, long ones cut. */
static void put_quoted(const char *text, sg_buffer *b) {
  enum { MOST = 60 };
  char cut[MOST + 1];
  size_t n = strlen(text);
  if (n <= MOST) {
    sg_put_json_string(b, text);
    return;
  }
  memcpy(cut, text, MOST);
  cut[MOST] = '\0';
  cut[sg_utf8_valid(cut, MOST)] = '\0'; /* not half a character */
  sg_put_json_string(b, cut);
  sg_putf(b, "… (%zu bytes)", n);
}

/* "expected …, found "word"; did you mean "…"?" where the words are those of the row's choices. */
static sg_status fail_word(const sg_param *p, const char *place, const char *text, sg_error *e) {
  sg_buffer found = {0};
  sg_put(&found, p->kind == SG_CHOICE || p->choices || p->kind == SG_SEED ? "" : "the string ");
  put_quoted(text, &found);
  const char *near = p->choices ? sg_nearest(text, p->choices) : NULL;
  if (near) sg_putf(&found, "; did you mean \"%s\"?", near);
  sg_status status = found.failed ? sg_fail_memory(e) : sg_fail_expected(e, place, p, found.data);
  sg_buffer_free(&found);
  return status;
}

static sg_status fail_number(const sg_param *p, const char *place, double number, sg_error *e) {
  bool numeric = p->kind == SG_INT || p->kind == SG_REAL || p->kind == SG_SEED;
  sg_buffer found = {0};
  sg_put(&found, numeric ? "" : "the number ");
  if (isfinite(number))
    sg_put_json_number(&found, number);
  else
    sg_putf(&found, "%s", isnan(number) ? "not a number" : number > 0 ? "infinity" : "-infinity");
  sg_status status = found.failed ? sg_fail_memory(e) : sg_fail_expected(e, place, p, found.data);
  sg_buffer_free(&found);
  return status;
}

/* --- One value -------------------------------------------------------------------------------- */

static bool in_range(const sg_param *p, double x) {
  if (p->min == 0 && p->max == 0) return true;
  return (p->flags & SG_MIN_OPEN ? x > p->min : x >= p->min) &&
         (p->flags & SG_MAX_OPEN ? x < p->max : x <= p->max);
}

static sg_status set_text(sg_value *value, const char *text, sg_error *e) {
  char *copy = strdup(text);
  if (!copy) return sg_fail_memory(e);
  free(value->text);
  value->text = copy;
  value->given = true;
  return SG_OK;
}

sg_status sg_value_set_number(const sg_param *p, sg_value *value, const char *place, double number,
                              sg_error *e) {
  bool whole = fabs(number) <= MAX_WHOLE && number == floor(number);
  switch (p->kind) {
  case SG_INT:
  case SG_REAL:
    if (!isfinite(number) || (p->kind == SG_INT && !whole) || !in_range(p, number))
      return fail_number(p, place, number, e);
    value->number = number;
    value->given = true;
    free(value->text); /* the default may have been a word */
    value->text = NULL;
    return SG_OK;
  case SG_SEED: {
    if (!whole || number < 0) return fail_number(p, place, number, e);
    char digits[32];
    snprintf(digits, sizeof digits, "%.0f", number);
    value->seed = (uint64_t)number;
    return set_text(value, digits, e);
  }
  default: return fail_number(p, place, number, e);
  }
}

sg_status sg_value_set_bool(const sg_param *p, sg_value *value, const char *place, bool flag,
                            sg_error *e) {
  if (p->kind != SG_BOOL) return sg_fail_expected(e, place, p, flag ? "true" : "false");
  value->number = flag;
  value->given = true;
  return SG_OK;
}

static bool read_seed(const char *text, uint64_t *seed) {
  if (!*text || strspn(text, "0123456789") != strlen(text)) return false;
  errno = 0;
  *seed = strtoull(text, NULL, 10);
  return errno == 0;
}

static int word_index(const char *const *words, const char *text) {
  for (int i = 0; words && words[i]; i++)
    if (strcmp(words[i], text) == 0) return i;
  return -1;
}

sg_status sg_value_set_string(const sg_param *p, sg_value *value, const char *place,
                              const char *text, sg_error *e) {
  int index = word_index(p->choices, text);
  switch (p->kind) {
  case SG_TEXT:
  case SG_ANY: return set_text(value, text, e);
  case SG_MATRIX: {
    sg_matrix *matrix;
    sg_status status = sg_matrix_read(text, place, &matrix, e);
    if (status) return status;
    free(value->matrix);
    value->matrix = matrix;
    return set_text(value, text, e);
  }
  case SG_INT:
  case SG_REAL:
  case SG_CHOICE:
    if (index < 0) break;
    value->number = p->kind == SG_CHOICE ? index : 0;
    return set_text(value, p->choices[index], e);
  case SG_SEED: {
    uint64_t seed;
    if (!read_seed(text, &seed)) break;
    char digits[32]; /* Without leading zeros, so that equal seeds have equal hashes. */
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)seed);
    value->seed = seed;
    return set_text(value, digits, e);
  }
  default: break;
  }
  return fail_word(p, place, text, e);
}

/* A default. false: no memory. */
static bool set_default(const sg_param *p, const char *pointer, sg_value *value) {
  *value = (sg_value){0};
  if (p->flags & (SG_REQUIRED | SG_OPTIONAL) && p->kind != SG_OBJECT && p->kind != SG_FAMILY)
    return true;
  const char *text = NULL;
  switch (p->kind) {
  case SG_INT:
  case SG_REAL:
    value->number = p->text ? 0 : p->fallback;
    text = p->text; /* a word instead of a number */
    break;
  case SG_BOOL: value->number = p->fallback; break;
  case SG_CHOICE:
    value->number = p->fallback;
    text = p->choices[(int)p->fallback];
    break;
  case SG_TEXT: text = p->text ? p->text : ""; break;
  case SG_SEED:
    text = p->text ? p->text : "0";
    read_seed(text, &value->seed);
    break;
  case SG_OBJECT:
  case SG_FAMILY: {
    const sg_variant *variant = NULL;
    if (p->flags & SG_OPTIONAL) return true;
    if (p->kind == SG_FAMILY) {
      variant = p->family->fallback ? sg_family_find(p->family, p->family->fallback) : NULL;
      if (!variant) return true;
    }
    char *place = sg_pointer_join(pointer, p->name);
    value->object = place ? sg_values_new(p->fields, variant, place) : NULL;
    free(place);
    return value->object;
  }
  case SG_LIST:
  case SG_MATRIX:
  case SG_ANY: break;
  }
  if (text && !(value->text = strdup(text))) return false;
  return true;
}

void sg_value_clear(sg_value *value) {
  free(value->text);
  free(value->matrix);
  sg_values_free(value->object);
  for (int i = 0; value->item && i < value->count; i++) sg_value_clear(&value->item[i]);
  free(value->item);
  *value = (sg_value){0};
}

static bool copy_value(const sg_value *from, sg_value *to) {
  *to = *from;
  to->text = NULL;
  to->object = NULL;
  to->item = NULL;
  to->matrix = NULL;
  to->count = 0;
  if (from->text && !(to->text = strdup(from->text))) return false;
  if (from->matrix && !(to->matrix = sg_matrix_copy(from->matrix))) return false;
  if (from->object && !(to->object = sg_values_copy(from->object))) return false;
  if (from->count == 0) return true;
  if (!(to->item = calloc((size_t)from->count, sizeof *to->item))) return false;
  for (; to->count < from->count; to->count++)
    if (!copy_value(&from->item[to->count], &to->item[to->count])) {
      to->count++; /* what there is of this one is freed as well */
      return false;
    }
  return true;
}

bool sg_value_new_items(sg_value *list, int count) {
  list->item = calloc(count ? (size_t)count : 1, sizeof *list->item);
  list->count = list->item ? count : 0;
  return list->item;
}

/* --- The members of an object ----------------------------------------------------------------- */

static int table_size(const sg_param *table) {
  int n = 0;
  while (table && table[n].name) n++;
  return n;
}

char *sg_pointer_join(const char *pointer, const char *name) {
  sg_buffer b = {0};
  sg_put(&b, pointer);
  sg_put(&b, "/");
  for (; *name; name++) { /* RFC 6901 */
    if (*name == '~')
      sg_put(&b, "~0");
    else if (*name == '/')
      sg_put(&b, "~1");
    else
      sg_put_bytes(&b, name, 1);
  }
  if (b.failed) sg_buffer_free(&b);
  return b.data;
}

const sg_param *sg_values_row(const sg_values *v, int i) {
  return i < v->n_common ? &v->common[i] : &v->variant->params[i - v->n_common];
}

int sg_values_size(const sg_values *v) {
  return v->n_common + v->n_own;
}

sg_values *sg_values_new(const sg_param *common, const sg_variant *variant, const char *pointer) {
  sg_values *v = calloc(1, sizeof *v);
  if (!v) return NULL;
  v->common = common;
  v->variant = variant;
  v->n_common = table_size(common);
  v->n_own = variant ? table_size(variant->params) : 0;
  int n = sg_values_size(v);
  v->pointer = strdup(pointer);
  v->value = calloc(n ? (size_t)n : 1, sizeof *v->value);
  bool ok = v->pointer && v->value;
  for (int i = 0; ok && i < n; i++) ok = set_default(sg_values_row(v, i), pointer, &v->value[i]);
  if (ok) return v;
  sg_values_free(v);
  return NULL;
}

sg_values *sg_values_copy(const sg_values *from) {
  sg_values *v = calloc(1, sizeof *v);
  if (!v) return NULL;
  *v = *from;
  int n = sg_values_size(v);
  v->pointer = strdup(from->pointer);
  v->value = calloc(n ? (size_t)n : 1, sizeof *v->value);
  bool ok = v->pointer && v->value;
  for (int i = 0; ok && i < n; i++) ok = copy_value(&from->value[i], &v->value[i]);
  if (ok) return v;
  sg_values_free(v);
  return NULL;
}

void sg_values_free(sg_values *v) {
  if (!v) return;
  for (int i = 0; v->value && i < sg_values_size(v); i++) sg_value_clear(&v->value[i]);
  free(v->value);
  free(v->pointer);
  free(v);
}

static int find(const sg_values *v, const char *name) {
  for (int i = 0; i < sg_values_size(v); i++)
    if (strcmp(sg_values_row(v, i)->name, name) == 0) return i;
  return -1;
}

const sg_param *sg_values_param(const sg_values *v, const char *name) {
  int i = find(v, name);
  return i < 0 ? NULL : sg_values_row(v, i);
}

sg_value *sg_values_find(const sg_values *v, const char *name) {
  int i = find(v, name);
  return i < 0 ? NULL : &v->value[i];
}

sg_status sg_fail_unknown(sg_error *e, sg_status status, const char *place, const char *name,
                          const sg_param *common, const sg_variant *variant, const char *selector) {
  int n = table_size(common), own = variant ? table_size(variant->params) : 0, k = 0;
  const char **names = calloc((size_t)(n + own + 2), sizeof *names);
  if (!names) return sg_fail_memory(e);
  if (selector) names[k++] = selector;
  for (int i = 0; i < n; i++) names[k++] = common[i].name;
  for (int i = 0; i < own; i++) names[k++] = variant->params[i].name;
  const char *near = sg_nearest(name, names);
  const sg_param *now = NULL;
  for (int i = 0; i < n; i++)
    if (common[i].formerly && strcmp(common[i].formerly, name) == 0) now = &common[i];
  sg_buffer b = {0};
  sg_put(&b, "unknown member ");
  put_quoted(name, &b);
  if (variant) sg_putf(&b, " of \"%s\"", variant->name);
  if (now && now->kind == SG_FAMILY) {
    sg_putf(&b, ", which is now \"%s\": {\"%s\": …}", now->name, now->family->selector);
  } else if (now) {
    sg_putf(&b, ", which is now \"%s\"", now->name);
  } else if (near) {
    sg_putf(&b, "; did you mean \"%s\"?", near);
  } else if (k > 0) {
    sg_put(&b, "; expected ");
    sg_put(&b, k > 1 ? "one of " : "");
    put_words(names, &b);
  }
  status = b.failed ? sg_fail_memory(e) : sg_fail(e, status, place, "%s", b.data);
  sg_buffer_free(&b);
  free(names);
  return status;
}

sg_status sg_fail_variant(sg_error *e, const char *place, const sg_family *family,
                          const char *name) {
  int n = 0;
  while (family->at(n)) n++;
  const char **names = calloc((size_t)n + 1, sizeof *names);
  if (!names) return sg_fail_memory(e);
  for (int i = 0; i < n; i++) names[i] = family->at(i)->name;
  const char *near = name ? sg_nearest(name, names) : NULL;
  sg_buffer b = {0};
  if (name) {
    sg_putf(&b, "unknown %s ", family->what);
    put_quoted(name, &b);
    if (near) sg_putf(&b, "; did you mean \"%s\"?", near);
    sg_put(&b, near ? " There are " : "; there are ");
  } else {
    sg_putf(&b, "\"%s\" is missing; expected the name of %s %s: ", family->selector,
            sg_article(family->what), family->what);
  }
  put_words(names, &b);
  sg_status status = b.failed ? sg_fail_memory(e) : sg_fail(e, SG_INVALID, place, "%s", b.data);
  sg_buffer_free(&b);
  free(names);
  return status;
}

/* The row and value to set, and the place of its faults (to be freed). */
static sg_status locate(sg_values *v, const char *name, const sg_param **row, sg_value **value,
                        char **place, sg_error *e) {
  int i = find(v, name);
  *place = sg_pointer_join(v->pointer, name);
  if (!*place) return sg_fail_memory(e);
  if (i < 0) return sg_fail_unknown(e, SG_INVALID, *place, name, v->common, v->variant, NULL);
  *row = sg_values_row(v, i);
  *value = &v->value[i];
  return SG_OK;
}

sg_status sg_values_set_number(sg_values *v, const char *name, double number, sg_error *e) {
  const sg_param *row;
  sg_value *value;
  char *place;
  sg_status status = locate(v, name, &row, &value, &place, e);
  if (status == SG_OK) status = sg_value_set_number(row, value, place, number, e);
  free(place);
  return status;
}

sg_status sg_values_set_bool(sg_values *v, const char *name, bool flag, sg_error *e) {
  const sg_param *row;
  sg_value *value;
  char *place;
  sg_status status = locate(v, name, &row, &value, &place, e);
  if (status == SG_OK) status = sg_value_set_bool(row, value, place, flag, e);
  free(place);
  return status;
}

sg_status sg_values_set_string(sg_values *v, const char *name, const char *text, sg_error *e) {
  const sg_param *row;
  sg_value *value;
  char *place;
  sg_status status = locate(v, name, &row, &value, &place, e);
  if (status == SG_OK) status = sg_value_set_string(row, value, place, text, e);
  free(place);
  return status;
}

/* A decimal number and nothing else: no hexadecimal, "inf" or spaces, which strtod would take. */
static bool read_number(const char *text, double *number) {
  if (!*text || strspn(text, "0123456789+-.eE") != strlen(text)) return false;
  char *end;
  *number = strtod(text, &end);
  return *end == '\0';
}

sg_status sg_values_parse(sg_values *v, const char *name, const char *text, sg_error *e) {
  const sg_param *row = sg_values_param(v, name);
  double number;
  if (row && (row->kind == SG_INT || row->kind == SG_REAL) && read_number(text, &number))
    return sg_values_set_number(v, name, number, e);
  if (row && row->kind == SG_BOOL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
    return sg_values_set_bool(v, name, text[0] == 't', e);
  return sg_values_set_string(v, name, text, e);
}

/* Written in the scenario, or something in it is. */
static bool is_present(const sg_value *value) {
  if (value->given) return true;
  for (int i = 0; value->object && i < sg_values_size(value->object); i++)
    if (is_present(&value->object->value[i])) return true;
  return false;
}

sg_status sg_fail_missing(sg_error *e, const char *pointer, const sg_param *row) {
  char *place = sg_pointer_join(pointer, row->name);
  sg_buffer b = {0};
  sg_param_expectation(row, &b);
  sg_status status =
      !place || b.failed
          ? sg_fail_memory(e)
          : sg_fail(e, SG_INVALID, place, "\"%s\" is missing; expected %s", row->name, b.data);
  sg_buffer_free(&b);
  free(place);
  return status;
}

static sg_status check_required(const sg_param *p, const sg_value *value, const char *pointer,
                                sg_error *e) {
  if (p->flags & SG_REQUIRED && !is_present(value)) return sg_fail_missing(e, pointer, p);
  sg_status status = SG_OK;
  if (value->object) status = sg_values_check_required(value->object, e);
  for (int i = 0; i < value->count; i++)
    if (value->item[i].object && sg_values_check_required(value->item[i].object, e) != SG_OK)
      status = SG_INVALID;
  return status;
}

sg_status sg_values_check_required(const sg_values *v, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < sg_values_size(v); i++) {
    sg_status one = check_required(sg_values_row(v, i), &v->value[i], v->pointer, e);
    if (one != SG_OK) status = one;
  }
  return status;
}

/* The word of the choice before '=' in `with`, and the length of the choice's name. */
static const char *with_word(const sg_values *v, const char *with, size_t *length) {
  *length = strcspn(with, "=");
  for (int i = 0; i < sg_values_size(v); i++) {
    const char *name = sg_values_row(v, i)->name;
    if (strncmp(name, with, *length) == 0 && !name[*length]) return v->value[i].text;
  }
  return NULL;
}

bool sg_values_with(const sg_values *v, const sg_param *row) {
  size_t length;
  const char *word = row->with ? with_word(v, row->with, &length) : NULL;
  return !row->with || (word && strcmp(word, row->with + length + 1) == 0);
}

sg_status sg_values_check_with(const sg_values *v, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < sg_values_size(v); i++) {
    const sg_param *row = sg_values_row(v, i);
    if (!v->value[i].given || sg_values_with(v, row)) continue;
    size_t length;
    const char *word = with_word(v, row->with, &length);
    status =
        sg_fail_at(e, v, row->name, "expected \"%s\" only with %.*s \"%s\", found \"%s\"",
                   row->name, (int)length, row->with, row->with + length + 1, word ? word : "");
  }
  return status;
}

/* --- Access ----------------------------------------------------------------------------------- */

/* The value of a member whose kind is in the set `kinds` of bits. Anything else is a bug of ours
 * that a test must see at once. */
static const sg_value *get(const sg_values *v, const char *name, unsigned kinds) {
  int i = find(v, name);
  if (i >= 0 && kinds & 1u << sg_values_row(v, i)->kind) return &v->value[i];
  fprintf(stderr, "bug: asked for \"%s\" of \"%s\"%s%s, %s\n", name, v->pointer,
          v->variant ? " " : "", v->variant ? v->variant->name : "",
          i < 0 ? "which has no such member" : "which is of another kind");
  abort();
}

#define KIND(k)  (1u << (k))
#define ANY_KIND (~0u)

bool sg_given(const sg_values *v, const char *name) {
  return get(v, name, ANY_KIND)->given;
}

long sg_int(const sg_values *v, const char *name) {
  return (long)get(v, name, KIND(SG_INT))->number;
}

double sg_real(const sg_values *v, const char *name) {
  return get(v, name, KIND(SG_REAL) | KIND(SG_INT))->number;
}

bool sg_bool(const sg_values *v, const char *name) {
  return get(v, name, KIND(SG_BOOL))->number != 0;
}

int sg_choice(const sg_values *v, const char *name) {
  return (int)get(v, name, KIND(SG_CHOICE))->number;
}

const char *sg_text(const sg_values *v, const char *name) {
  return get(v, name,
             KIND(SG_TEXT) | KIND(SG_CHOICE) | KIND(SG_SEED) | KIND(SG_ANY) | KIND(SG_INT) |
                 KIND(SG_REAL) | KIND(SG_MATRIX))
      ->text;
}

uint64_t sg_seed(const sg_values *v, const char *name) {
  return get(v, name, KIND(SG_SEED))->seed;
}

const sg_matrix *sg_matrix_of(const sg_values *v, const char *name) {
  return get(v, name, KIND(SG_MATRIX))->matrix;
}

const sg_values *sg_object(const sg_values *v, const char *name) {
  return get(v, name, KIND(SG_OBJECT) | KIND(SG_FAMILY))->object;
}

int sg_count(const sg_values *v, const char *name) {
  return get(v, name, KIND(SG_LIST))->count;
}

const sg_value *sg_item(const sg_values *v, const char *name, int i) {
  const sg_value *list = get(v, name, KIND(SG_LIST));
  if (i >= 0 && i < list->count) return &list->item[i];
  fprintf(stderr, "bug: asked for item %d of \"%s\", which has %d\n", i, name, list->count);
  abort();
}

sg_status sg_fail_at(sg_error *e, const sg_values *v, const char *name, const char *format, ...) {
  char *place = name ? sg_pointer_join(v->pointer, name) : strdup(v->pointer), *message = NULL;
  va_list args;
  va_start(args, format);
  int length = vasprintf(&message, format, args);
  va_end(args);
  if (length < 0) message = NULL;
  sg_status status =
      !place || !message ? sg_fail_memory(e) : sg_fail(e, SG_INVALID, place, "%s", message);
  free(place);
  free(message);
  return status;
}
