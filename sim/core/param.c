/* SPDX-License-Identifier: MIT */
/* Values of parameter tables: defaults, ranges, members of objects, access by name, and variants of
 * families as a person types them. */
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
  if (!name) name = family->fallback;
  for (int i = 0; name && (variant = family->at(i)); i++)
    if (strcmp(variant->name, name) == 0) return variant;
  return NULL;
}

const char **sg_family_names(const sg_family *family) {
  int n = 0;
  while (family->at(n)) n++;
  const char **names = calloc((size_t)n + 1, sizeof *names);
  for (int i = 0; names && i < n; i++) names[i] = family->at(i)->name;
  return names;
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
  bool fits = p->kind == SG_REAL
                  ? isfinite(number)
                  : whole && (p->kind == SG_INT || (p->kind == SG_SEED && number >= 0));
  if (!fits || !in_range(p, number)) return sg_fail_number(p, place, number, e);
  if (p->kind == SG_SEED) {
    char digits[32];
    snprintf(digits, sizeof digits, "%.0f", number);
    value->seed = (uint64_t)number;
    return set_text(value, digits, e);
  }
  value->number = number;
  value->given = true;
  free(value->text); /* the default may have been a word */
  value->text = NULL;
  return SG_OK;
}

sg_status sg_value_set_bool(const sg_param *p, sg_value *value, const char *place, bool flag,
                            sg_error *e) {
  if (p->kind != SG_BOOL) {
    sg_buffer b = {0};
    sg_put_expected(p, flag ? "true" : "false", &b);
    return sg_fail_buffer(e, SG_INVALID, place, &b);
  }
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
  bool printed = p->kind == SG_MATRIX || p->flags & (SG_IS_NAME | SG_IS_PATH);
  if (printed && sg_has_control(text))
    return sg_fail(e, SG_INVALID, place,
                   "expected a text without control characters (line breaks, escapes, marks of the "
                   "direction of writing), found one");
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
  return sg_fail_word(p, place, text, e);
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
    const sg_variant *variant = p->kind == SG_FAMILY ? sg_family_find(p->family, NULL) : NULL;
    if (p->flags & SG_OPTIONAL || (p->kind == SG_FAMILY && !variant)) return true;
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

bool sg_value_new_items(sg_value *list, int count) {
  list->item = calloc(count ? (size_t)count : 1, sizeof *list->item);
  list->count = list->item ? count : 0;
  return list->item;
}

static bool copy_value(const sg_value *from, sg_value *to) {
  *to = *from;
  to->text = from->text ? strdup(from->text) : NULL;
  to->matrix = from->matrix ? sg_matrix_copy(from->matrix) : NULL;
  to->object = from->object ? sg_values_copy(from->object) : NULL;
  to->item = NULL;
  to->count = 0;
  bool ok = !to->text == !from->text && !to->matrix == !from->matrix &&
            !to->object == !from->object &&
            (from->count == 0 || sg_value_new_items(to, from->count));
  for (int i = 0; ok && i < from->count; i++) ok = copy_value(&from->item[i], &to->item[i]);
  return ok;
}

/* --- The members of an object ----------------------------------------------------------------- */

int sg_table_size(const sg_param *table) {
  int n = 0;
  while (table && table[n].name) n++;
  return n;
}

char *sg_pointer_join(const char *pointer, const char *name) {
  sg_buffer b = {0};
  sg_put(&b, pointer);
  sg_put(&b, "/");
  for (size_t plain; plain = strcspn(name, "~/"), sg_put_bytes(&b, name, plain), name[plain];
       name += plain + 1) /* RFC 6901 */
    sg_put(&b, name[plain] == '~' ? "~0" : "~1");
  if (b.failed) sg_buffer_free(&b);
  return b.data;
}

const sg_param *sg_values_row(const sg_values *v, int i) {
  return i < v->n_common ? &v->common[i] : &v->variant->params[i - v->n_common];
}

int sg_values_size(const sg_values *v) {
  return v->n_common + v->n_own;
}

/* New values: those of `from`, or (NULL) the defaults. */
static sg_values *make(const sg_param *common, const sg_variant *variant, const char *pointer,
                       const sg_values *from) {
  sg_values *v = calloc(1, sizeof *v);
  if (!v) return NULL;
  v->common = common;
  v->variant = variant;
  v->n_common = sg_table_size(common);
  v->n_own = variant ? sg_table_size(variant->params) : 0;
  int n = sg_values_size(v);
  v->pointer = strdup(pointer);
  v->value = calloc((size_t)n + 1, sizeof *v->value);
  bool ok = v->pointer && v->value;
  for (int i = 0; ok && i < n; i++)
    ok = from ? copy_value(&from->value[i], &v->value[i])
              : set_default(sg_values_row(v, i), pointer, &v->value[i]);
  if (ok) return v;
  sg_values_free(v);
  return NULL;
}

sg_values *sg_values_new(const sg_param *common, const sg_variant *variant, const char *pointer) {
  return make(common, variant, pointer, NULL);
}

sg_values *sg_values_copy(const sg_values *v) {
  return make(v->common, v->variant, v->pointer, v);
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

/* --- Variants by name ------------------------------------------------------------------------- */

sg_status sg_value_set_variant(const sg_param *row, sg_value *value, const char *place,
                               const char *name, sg_error *e) {
  const sg_variant *variant = sg_family_find(row->family, name);
  if (!variant) return sg_fail_variant(e, place, row->family, name);
  sg_values *object = sg_values_new(row->fields, variant, place);
  if (!object) return sg_fail_memory(e);
  sg_values_free(value->object);
  value->object = object;
  value->given = true;
  return SG_OK;
}

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
                     "expected member=value in the brackets of \"%s\", found \"%s\"",
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

/* As a person types it: "deadline(deadline_s=30)",
 * "first-of(first=decodable,second=deadline(deadline_s=30))". */
static sg_status parse_variant(const sg_param *row, sg_value *value, const char *place,
                               const char *text, sg_error *e) {
  size_t length = strcspn(text, "("), end = strlen(text);
  char *name = strndup(text, length);
  if (!name) return sg_fail_memory(e);
  sg_value new = {0};
  sg_status status = sg_value_set_variant(row, &new, place, name, e);
  free(name);
  if (!status && text[length] && text[end - 1] != ')')
    status = sg_fail(e, SG_INVALID, place, "expected a closing bracket, found \"%s\"", text);
  for (const char *at = text + length + (text[length] != 0); !status && at < text + end - 1;) {
    size_t n = member_length(at);
    if (at + n > text + end - 1) n = (size_t)(text + end - 1 - at); /* without the last bracket */
    status = parse_member(new.object, at, n, e);
    at += n + 1;
  }
  if (!status) status = sg_values_check_required(new.object, e);
  sg_value_clear(status ? &new : value);
  if (!status) *value = new;
  return status;
}

/* --- Members by name -------------------------------------------------------------------------- */

/* What a member is set to. */
typedef enum input { NUMBER, TRUTH, STRING, TYPED_VARIANT } input;

static sg_status set(sg_values *v, const char *name, input as, double number, const char *text,
                     sg_error *e) {
  const sg_param *row = sg_values_param(v, name);
  sg_value *value = sg_values_find(v, name);
  char *place = sg_pointer_join(v->pointer, name);
  sg_status status;
  if (!place)
    status = sg_fail_memory(e);
  else if (!row)
    status = sg_fail_unknown(e, SG_INVALID, place, name, v->common, v->variant, NULL);
  else if (as == NUMBER)
    status = sg_value_set_number(row, value, place, number, e);
  else if (as == TRUTH)
    status = sg_value_set_bool(row, value, place, number != 0, e);
  else if (as == TYPED_VARIANT)
    status = parse_variant(row, value, place, text, e);
  else
    status = sg_value_set_string(row, value, place, text, e);
  free(place);
  return status;
}

sg_status sg_values_set_number(sg_values *v, const char *name, double number, sg_error *e) {
  return set(v, name, NUMBER, number, NULL, e);
}

sg_status sg_values_set_bool(sg_values *v, const char *name, bool flag, sg_error *e) {
  return set(v, name, TRUTH, flag, NULL, e);
}

sg_status sg_values_set_string(sg_values *v, const char *name, const char *text, sg_error *e) {
  return set(v, name, STRING, 0, text, e);
}

/* A decimal number and nothing else: no hexadecimal, "inf" or spaces, which strtod would take. */
static bool read_number(const char *text, double *number) {
  if (!*text || strspn(text, "0123456789+-.eE") != strlen(text)) return false;
  char *end;
  *number = strtod(text, &end);
  return *end == '\0';
}

/* A list of numbers with commas between them. */
static sg_status parse_numbers(sg_values *v, const char *name, const char *text, sg_error *e) {
  const sg_param *row = sg_values_param(v, name);
  sg_value *list = sg_values_find(v, name);
  char *place = sg_pointer_join(v->pointer, name), *copy = strdup(text);
  int count = 1;
  for (const char *at = text; (at = strchr(at, ',')); at++) count++;
  sg_value_clear(list);
  sg_status status = SG_OK;
  if (!place || !copy || !sg_value_new_items(list, count)) status = sg_fail_memory(e);
  char *at = copy;
  for (int i = 0; !status && i < count; i++) {
    double number;
    size_t length = strcspn(at, ",");
    at[length] = '\0';
    if (read_number(at, &number))
      status = sg_value_set_number(row->fields, &list->item[i], place, number, e);
    else
      status = sg_value_set_string(row->fields, &list->item[i], place, at, e);
    at += length + 1;
  }
  list->given = !status;
  free(copy);
  free(place);
  return status;
}

sg_status sg_values_parse(sg_values *v, const char *name, const char *text, sg_error *e) {
  const sg_param *row = sg_values_param(v, name);
  double number;
  if (row && (row->kind == SG_INT || row->kind == SG_REAL) && read_number(text, &number))
    return sg_values_set_number(v, name, number, e);
  if (row && row->kind == SG_BOOL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0))
    return sg_values_set_bool(v, name, text[0] == 't', e);
  if (row && row->kind == SG_LIST && (row->fields->kind == SG_INT || row->fields->kind == SG_REAL))
    return parse_numbers(v, name, text, e);
  bool variant = row && row->kind == SG_FAMILY && row->family->by_name;
  return set(v, name, variant ? TYPED_VARIANT : STRING, 0, text, e);
}

/* Written in the scenario, or something in it is. */
static bool is_present(const sg_value *value) {
  if (value->given) return true;
  for (int i = 0; value->object && i < sg_values_size(value->object); i++)
    if (is_present(&value->object->value[i])) return true;
  return false;
}

/* In what a value holds. */
static sg_status check_required(const sg_value *value, sg_error *e) {
  sg_status status = value->object ? sg_values_check_required(value->object, e) : SG_OK;
  for (int i = 0; i < value->count; i++)
    if (check_required(&value->item[i], e)) status = SG_INVALID;
  return status;
}

sg_status sg_values_check_required(const sg_values *v, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < sg_values_size(v); i++) {
    const sg_param *row = sg_values_row(v, i);
    bool missing = row->flags & SG_REQUIRED && !is_present(&v->value[i]);
    sg_status one = missing ? sg_fail_missing(e, v->pointer, row) : check_required(&v->value[i], e);
    if (one) status = one;
  }
  return status;
}

/* The word of the choice that `with` names before its '='. */
static const char *with_word(const sg_values *v, const char *with) {
  size_t n = strcspn(with, "=");
  for (int i = 0; i < sg_values_size(v); i++) {
    const char *name = sg_values_row(v, i)->name;
    if (strncmp(name, with, n) == 0 && !name[n]) return v->value[i].text;
  }
  return NULL;
}

bool sg_values_with(const sg_values *v, const sg_param *row) {
  const char *word = row->with ? with_word(v, row->with) : NULL;
  return !row->with || (word && strcmp(word, strchr(row->with, '=') + 1) == 0);
}

sg_status sg_values_check_with(const sg_values *v, sg_error *e) {
  sg_status status = SG_OK;
  for (int i = 0; i < sg_values_size(v); i++) {
    const sg_param *row = sg_values_row(v, i);
    if (!v->value[i].given || sg_values_with(v, row)) continue;
    const char *word = with_word(v, row->with), *equals = strchr(row->with, '=');
    status =
        sg_fail_at(e, v, row->name, "expected \"%s\" only with %.*s \"%s\", found \"%s\"",
                   row->name, (int)(equals - row->with), row->with, equals + 1, word ? word : "");
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
  return get(v, name, ~(KIND(SG_BOOL) | KIND(SG_OBJECT) | KIND(SG_FAMILY) | KIND(SG_LIST)))->text;
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
