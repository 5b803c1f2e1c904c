/* SPDX-License-Identifier: MIT */
/* What is said of members that are wrong: what the table expects, what was found, and the name that
 * may have been meant. */
#include "sim/core/nearest.h"
#include "sim/core/param.h"
#include "sim/core/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sg_article(const char *word) {
  return *word && strchr("aeiou", *word) ? "an" : "a";
}

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

void sg_put_words(const char *const *words, sg_buffer *b) {
  for (int i = 0; words[i]; i++) {
    sg_put(b, i ? ", " : "");
    sg_put_json_string(b, words[i]);
  }
}

void sg_param_expectation(const sg_param *p, sg_buffer *b) {
  switch (p->kind) {
  case SG_INT:
  case SG_REAL:
    sg_put(b, p->kind == SG_INT ? "a whole number" : "a number");
    put_range(p, b);
    if (p->choices) {
      sg_put(b, " or ");
      sg_put_words(p->choices, b);
    }
    break;
  case SG_BOOL: sg_put(b, "true or false"); break;
  case SG_CHOICE:
    sg_put(b, "one of ");
    sg_put_words(p->choices, b);
    break;
  case SG_TEXT: sg_put(b, "a string"); break;
  case SG_SEED:
    sg_put(b, "a whole number from 0 to 2^53 or a string of digits up to \"18446744073709551615\"");
    break;
  case SG_OBJECT: sg_put(b, "an object"); break;
  case SG_FAMILY:
    if (p->family->by_name)
      sg_putf(b, "the name of %s %s, or ", sg_article(p->family->what), p->family->what);
    sg_putf(b, "an object with a \"%s\"", p->family->selector);
    break;
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

void sg_put_expected(const sg_param *p, const char *found, sg_buffer *b) {
  sg_put(b, "expected ");
  sg_param_expectation(p, b);
  sg_putf(b, ", found %s", found);
}

sg_status sg_fail_buffer(sg_error *e, sg_status status, const char *place, sg_buffer *message) {
  status = message->failed || !place ? sg_fail_memory(e)
                                     : sg_fail(e, status, place, "%s", message->data);
  sg_buffer_free(message);
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
sg_status sg_fail_word(const sg_param *p, const char *place, const char *text, sg_error *e) {
  sg_buffer b = {0};
  sg_put_expected(p, p->choices || p->kind == SG_SEED ? "" : "the string ", &b);
  put_quoted(text, &b);
  if (p->choices) sg_put(&b, sg_suggest(text, p->choices).text);
  return sg_fail_buffer(e, SG_INVALID, place, &b);
}

sg_status sg_fail_number(const sg_param *p, const char *place, double number, sg_error *e) {
  bool numeric = p->kind == SG_INT || p->kind == SG_REAL || p->kind == SG_SEED;
  sg_buffer b = {0};
  sg_put_expected(p, numeric ? "" : "the number ", &b);
  if (isfinite(number))
    sg_put_json_number(&b, number);
  else
    sg_put(&b, isnan(number) ? "not a number" : number > 0 ? "infinity" : "-infinity");
  return sg_fail_buffer(e, SG_INVALID, place, &b);
}

sg_status sg_fail_unknown(sg_error *e, sg_status status, const char *place, const char *name,
                          const sg_param *common, const sg_variant *variant, const char *selector) {
  int n = sg_table_size(common), own = variant ? sg_table_size(variant->params) : 0, k = 0;
  const char **names = calloc((size_t)(n + own + 2), sizeof *names);
  if (!names) return sg_fail_memory(e);
  if (selector) names[k++] = selector;
  for (int i = 0; i < n; i++) names[k++] = common[i].name;
  for (int i = 0; i < own; i++) names[k++] = variant->params[i].name;
  sg_suggestion near = sg_suggest(name, names);
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
  } else if (*near.text) {
    sg_put(&b, near.text);
  } else if (k > 0) {
    sg_put(&b, "; expected ");
    sg_put(&b, k > 1 ? "one of " : "");
    sg_put_words(names, &b);
  }
  free(names);
  return sg_fail_buffer(e, status, place, &b);
}

sg_status sg_fail_variant(sg_error *e, const char *place, const sg_family *family,
                          const char *name) {
  const char **names = sg_family_names(family);
  if (!names) return sg_fail_memory(e);
  sg_buffer b = {0};
  if (name) {
    sg_suggestion near = sg_suggest(name, names);
    sg_putf(&b, "unknown %s ", family->what);
    put_quoted(name, &b);
    sg_putf(&b, "%s%s", near.text, *near.text ? " There are " : "; there are ");
  } else {
    sg_putf(&b, "\"%s\" is missing; expected the name of %s %s: ", family->selector,
            sg_article(family->what), family->what);
  }
  sg_put_words(names, &b);
  free(names);
  return sg_fail_buffer(e, SG_INVALID, place ? place : "", &b); /* words of a command have none */
}

sg_status sg_fail_missing(sg_error *e, const char *pointer, const sg_param *row) {
  char *place = sg_pointer_join(pointer, row->name);
  sg_buffer b = {0};
  sg_putf(&b, "\"%s\" is missing; expected ", row->name);
  sg_param_expectation(row, &b);
  sg_status status = sg_fail_buffer(e, SG_INVALID, place, &b);
  free(place);
  return status;
}

sg_status sg_fail_at(sg_error *e, const sg_values *v, const char *name, const char *format, ...) {
  char *place = name ? sg_pointer_join(v->pointer, name) : strdup(v->pointer), *message = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&message, format, args) < 0) message = NULL;
  va_end(args);
  sg_status status =
      !place || !message ? sg_fail_memory(e) : sg_fail(e, SG_INVALID, place, "%s", message);
  free(place);
  free(message);
  return status;
}
