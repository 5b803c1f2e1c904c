/* SPDX-License-Identifier: MIT */
/* The reader of comma-separated values: see csv.h. Fields are spans of the text, nothing is copied
 * but fields with doubled quotes. */
#include "sim/core/csv.h"
#include "sim/core/array.h"
#include "sim/core/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Faults ----------------------------------------------------------------------------------- */

/* column 0: of the whole line. */
static sg_status add_fault(sg_csv *r, long line, long column, const char *format, va_list args) {
  if (r->faults++ >= SG_CSV_FAULTS) return SG_INVALID;
  char message[512];
  sg_buffer place = {0};
  vsnprintf(message, sizeof message, format, args);
  message[sg_utf8_valid(message, strlen(message))] = '\0'; /* not half a character */
  sg_putf(&place, "%s:%ld", r->name, line);
  if (column > 0) sg_putf(&place, ":%ld", column);
  sg_fail(r->e, SG_INVALID, place.failed ? NULL : place.data, "%s", message);
  sg_buffer_free(&place);
  return SG_INVALID;
}

sg_status sg_csv_fault(sg_csv *r, int i, const char *format, ...) {
  const char *begin = r->record, *at = i < 0 ? begin : i < r->count ? r->field[i].at : r->stop;
  long line = r->line;
  for (const char *c = begin; c < at; c++) {
    if (*c != '\n') continue;
    line++;
    begin = c + 1;
  }
  va_list args;
  va_start(args, format);
  sg_status status =
      add_fault(r, line, 1 + sg_utf8_columns(begin, (size_t)(at - begin)), format, args);
  va_end(args);
  return status;
}

sg_status sg_csv_fault_in(sg_csv *r, long line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  sg_status status = add_fault(r, line, 0, format, args);
  va_end(args);
  return status;
}

sg_status sg_csv_expected(sg_csv *r, int i, const char *format, ...) {
  enum { SHOWN = 60 };
  char expected[256], found[SHOWN + 1];
  sg_csv_field f = r->field[i];
  size_t n = f.length < SHOWN ? f.length : SHOWN;
  va_list args;
  va_start(args, format);
  vsnprintf(expected, sizeof expected, format, args);
  va_end(args);
  memcpy(found, f.text, n);
  found[sg_utf8_valid(found, n)] = '\0';
  if (n == 0) return sg_csv_fault(r, i, "expected %s, found nothing", expected);
  return sg_csv_fault(r, i, "expected %s, found \"%s\"", expected, found);
}

/* --- Records ---------------------------------------------------------------------------------- */

static bool is_blank(const sg_csv *r, char c) {
  return (c == ' ' || (c >= '\t' && c <= '\r' && c != '\n')) && c != r->separator;
}

static const char *skip_blanks(const sg_csv *r, const char *at) {
  while (at < r->end && is_blank(r, *at)) at++;
  return at;
}

static const char *before_blanks(const sg_csv *r, const char *from, const char *end) {
  while (end > from && is_blank(r, end[-1])) end--;
  return end;
}

static const char *line_end(const sg_csv *r, const char *at) {
  const char *newline = memchr(at, '\n', (size_t)(r->end - at));
  return newline ? newline : r->end;
}

void sg_csv_text(sg_csv *r, const char *text, size_t length) {
  r->next = r->record = r->stop = text;
  r->end = text + length;
  r->line = r->next_line = 1;
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r->next = r->record = text + 3;
}

/* Goes behind a line without reading it. */
static void skip_line(sg_csv *r, const char *at) {
  const char *stop = line_end(r, at);
  r->next = stop < r->end ? stop + 1 : stop;
  r->next_line++;
}

/* Doubled quotes become one. No record needs more room than the whole text has. */
static bool undouble(sg_csv *r, sg_csv_field *f) {
  size_t all = (size_t)(r->end - r->record) + 1;
  if (!r->unquoted && !(r->unquoted = malloc(all))) return false;
  char *to = r->unquoted + r->unquoted_length, *begin = to;
  for (size_t i = 0; i < f->length; i++) {
    *to++ = f->text[i];
    i += f->text[i] == '"';
  }
  f->text = begin;
  f->length = (size_t)(to - begin);
  *to++ = '\0'; /* takes the place of a quote that is gone */
  r->unquoted_length += (size_t)(to - begin);
  return true;
}

/* A field behind its opening quote, and what is between it and the separator. */
static sg_status take_quoted(sg_csv *r, sg_csv_field *f) {
  bool doubled = false;
  const char *to = f->at + 1;
  for (; to < r->end; to++) {
    if (*to == '\n') r->next_line++;
    if (*to != '"') continue;
    if (to + 1 == r->end || to[1] != '"') break;
    doubled = true;
    to++;
  }
  if (to == r->end) {
    r->next = to;
    return sg_csv_fault(r, r->count - 1, "expected a closing quote, found the end of the file");
  }
  f->text = f->at + 1;
  f->length = (size_t)(to - f->text);
  if (doubled && !undouble(r, f)) return sg_fail_memory(r->e);
  while (f->length > 0 && is_blank(r, *f->text)) f->text++, f->length--;
  f->length = (size_t)(before_blanks(r, f->text, f->text + f->length) - f->text);
  r->next = skip_blanks(r, to + 1);
  if (r->next == r->end || *r->next == '\n' || *r->next == r->separator) return SG_OK;
  r->stop = r->next;
  skip_line(r, r->stop);
  size_t character = 1; /* with its continuation bytes */
  while (r->stop + character < r->end && ((unsigned char)r->stop[character] & 0xC0) == 0x80)
    character++;
  return sg_csv_fault(r, r->count, "expected a separator after a quoted field, found \"%.*s\"",
                      (int)character, r->stop);
}

static sg_status take_field(sg_csv *r) {
  if (!SG_ROOM(r->field, r->capacity, r->count + 1)) return sg_fail_memory(r->e);
  const char *at = skip_blanks(r, r->next), *end = r->end;
  sg_csv_field *f = &r->field[r->count++];
  *f = (sg_csv_field){.text = at, .at = at};
  if (at < end && *at == '"') return take_quoted(r, f);
  while (at < end && *at != r->separator && *at != '\n') at++;
  r->next = at;
  f->length = (size_t)(before_blanks(r, f->text, at) - f->text);
  return SG_OK;
}

sg_status sg_csv_next(sg_csv *r) {
  r->count = 0;
  r->unquoted_length = 0;
  for (;;) {
    const char *at = skip_blanks(r, r->next);
    if (at == r->end) {
      r->next = at;
      return SG_OK;
    }
    bool comment = r->comment && *at == '#';
    if (*at != '\n' && !comment) break;
    if (comment && !r->comment(r->context, at + 1, (size_t)(line_end(r, at) - at - 1)))
      return sg_fail_memory(r->e);
    skip_line(r, at);
  }
  r->line = r->next_line;
  r->record = r->next;
  for (;; r->next++) { /* past the separator */
    sg_status status = take_field(r);
    if (status) return status;
    if (r->next == r->end || *r->next == '\n') break;
  }
  r->stop = before_blanks(r, r->record, r->next);
  skip_line(r, r->next);
  return SG_OK;
}

sg_status sg_csv_end(sg_csv *r) {
  if (r->faults > SG_CSV_FAULTS)
    sg_fail(r->e, SG_INVALID, r->name, "and %ld more faults", r->faults - SG_CSV_FAULTS);
  free(r->field);
  free(r->unquoted);
  r->field = NULL;
  r->unquoted = NULL;
  r->capacity = 0;
  return r->faults > 0 ? SG_INVALID : SG_OK;
}

bool sg_csv_skip(void *context, const char *text, size_t length) {
  return true;
}

/* --- Fields ----------------------------------------------------------------------------------- */

bool sg_csv_is(sg_csv_field f, const char *word) {
  return strncmp(f.text, word, f.length) == 0 && strlen(word) == f.length;
}

bool sg_csv_number(const sg_csv *r, int i, double *x) {
  sg_csv_field f = r->field[i];
  char copy[400], *end;
  const char *text = f.text;
  *x = 0;
  if (f.length == 0 || memchr(text, 'x', f.length) || memchr(text, 'X', f.length)) return false;
  /* The text goes on behind the field, but at its end; a number may only seem to go on if the
   * separator is a character of numbers. */
  bool last = text + f.length == r->end;
  if (!last) *x = strtod(text, &end);
  if (last || end > text + f.length) {
    if (f.length >= sizeof copy) return false;
    memcpy(copy, text, f.length);
    copy[f.length] = '\0';
    text = copy;
    *x = strtod(text, &end);
  }
  return end == text + f.length;
}

bool sg_csv_finite(sg_csv *r, int i, const char *column, double *x) {
  bool number = sg_csv_number(r, i, x);
  if (number && isfinite(*x)) return true;
  sg_csv_expected(r, i, "a %snumber%s%s%s", number ? "finite " : "", column ? " in column \"" : "",
                  column ? column : "", column ? "\"" : "");
  return false;
}
