/* SPDX-License-Identifier: MIT */
/* The reader of comma-separated values: see csv.h. Fields are spans of the text, nothing is copied
 * but fields with doubled quotes. */
#include "sim/core/csv.h"
#include "sim/core/array.h"
#include "sim/core/nearest.h"
#include "sim/core/text.h"

#include <float.h>
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
  if (r->faults >= SG_CSV_FAULTS) { /* a wide record may have many, and places are far in it */
    r->faults++;
    return SG_INVALID;
  }
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
  double x;
  if (r->faults >= SG_CSV_FAULTS) return sg_csv_fault(r, i, "%s", ""); /* is only counted */
  sg_csv_field f = r->field[i];
  size_t n = f.length < SHOWN ? f.length : SHOWN;
  va_list args;
  va_start(args, format);
  vsnprintf(expected, sizeof expected, format, args);
  va_end(args);
  memcpy(found, f.text, n);
  found[sg_utf8_valid(found, n)] = '\0';
  if (n == 0) return sg_csv_fault(r, i, "expected %s, found nothing", expected);
  bool mark = sg_csv_number(r, i, &x) && isfinite(x) && !sg_csv_is_usable(x);
  return sg_csv_fault(r, i, "expected %s, found \"%s\"%s", expected, found,
                      mark ? ", which seems to stand for a missing value" : "");
}

/* At r->stop: a carriage return, after which an old Mac would begin a line. */
static sg_status fault_of_cr(sg_csv *r) {
  return sg_csv_fault(r, r->count, "expected lines that end with LF or CRLF, found CR alone");
}

/* --- Records ---------------------------------------------------------------------------------- */

static bool is_blank(const sg_csv *r, char c) {
  return (c == ' ' || c == '\t' || c == '\v' || c == '\f') && c != r->separator;
}

static const char *skip_blanks(const sg_csv *r, const char *at) {
  while (at < r->end && is_blank(r, *at)) at++;
  return at;
}

static const char *before_blanks(const sg_csv *r, const char *from, const char *end) {
  while (end > from && is_blank(r, end[-1])) end--;
  return end;
}

/* Behind the carriage returns before an end of line; `at` itself where there is none. */
static const char *at_line_end(const sg_csv *r, const char *at) {
  const char *to = at;
  while (to < r->end && *to == '\r') to++;
  return to == r->end || *to == '\n' ? to : at;
}

static bool is_line_end(const sg_csv *r, const char *at) {
  return at == r->end || *at == '\n';
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
  r->next = at_line_end(r, skip_blanks(r, to + 1));
  if (is_line_end(r, r->next) || *r->next == r->separator) return SG_OK;
  r->stop = r->next;
  skip_line(r, r->stop);
  if (*r->stop == '\r') return fault_of_cr(r);
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
  if (is_line_end(r, at))
    while (at > f->text && at[-1] == '\r') at--;
  f->length = (size_t)(before_blanks(r, f->text, at) - f->text);
  const char *cr = memchr(f->text, '\r', f->length);
  if (!cr) return SG_OK;
  r->count--;
  r->stop = cr;
  skip_line(r, at);
  return fault_of_cr(r);
}

/* What is wrong with the whole text is said once, and nothing is read. */
static sg_status begin(sg_csv *r) {
  size_t length = (size_t)(r->end - r->next);
  const char *nul = memchr(r->next, '\0', length), *cr = memchr(r->next, '\r', length);
  bool old_mac = cr && at_line_end(r, cr) == cr && !memchr(r->next, '\n', length);
  r->begun = true;
  if (!nul && !old_mac) return SG_OK;
  r->stop = nul ? nul : cr;
  r->next = r->end;
  if (!nul) return fault_of_cr(r);
  return sg_csv_fault(r, 0,
                      "expected text in UTF-8, found a NUL byte: the file is in UTF-16, "
                      "compressed or damaged");
}

/* A first record that is one field, but would be several with another separator. */
static sg_status check_separator(sg_csv *r) {
  static const char usual[] = ",;\t|";
  const sg_csv_field *f = r->field;
  if (r->count != 1 || f->text != f->at) return SG_OK;
  for (const char *c = f->text; c < f->text + f->length; c++) {
    if (!strchr(usual, *c)) continue;
    r->stop = c;
    r->count = 0;
    r->next = r->end;
    return sg_csv_fault(r, 0, "expected \"%c\" between fields, found %s%s", r->separator,
                        *c == '\t'  ? "a tab"
                        : *c == ';' ? "\";\""
                        : *c == '|' ? "\"|\""
                                    : "\",\"",
                        r->remedy ? r->remedy : "");
  }
  return SG_OK;
}

sg_status sg_csv_next(sg_csv *r) {
  bool first = !r->begun;
  r->count = 0;
  r->unquoted_length = 0;
  if (first && begin(r)) return SG_INVALID;
  for (;;) {
    const char *at = at_line_end(r, skip_blanks(r, r->next));
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
    if (is_line_end(r, r->next)) break;
  }
  r->stop = r->next;
  while (r->stop > r->record && r->stop[-1] == '\r') r->stop--;
  r->stop = before_blanks(r, r->record, r->stop);
  skip_line(r, r->next);
  return first ? check_separator(r) : SG_OK;
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

bool sg_csv_has(sg_csv *r, int columns) {
  if (r->count == columns) return true;
  sg_csv_fault(r, r->count < columns ? r->count : columns, "expected %d field%s, found %d", columns,
               columns == 1 ? "" : "s", r->count);
  return false;
}

bool sg_csv_is_unnamed(sg_csv_field name) {
  static const char pandas[] = "Unnamed: ";
  size_t n = sizeof pandas - 1;
  return name.length == 0 || (name.length > n && memcmp(name.text, pandas, n) == 0);
}

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

bool sg_csv_is_usable(double x) {
  return fabs(x) <= 1e250 && fabs(fabs(x) / FLT_MAX - 1) > 1e-3;
}

bool sg_csv_finite(sg_csv *r, int i, const char *column, double *x) {
  bool number = sg_csv_number(r, i, x);
  if (number && sg_csv_is_usable(*x)) return true;
  sg_csv_expected(r, i, "a %snumber%s%s%s", number && !isfinite(*x) ? "finite " : "",
                  column ? " in column \"" : "", column ? column : "", column ? "\"" : "");
  return false;
}

void sg_csv_put_columns(const sg_csv *r, const char *wanted, sg_buffer *out) {
  enum { LISTED = 12, LONGEST = 40 };
  sg_nearness near = {.word = wanted};
  for (int i = 0; i < r->count; i++) {
    char *name = strndup(r->field[i].text, r->field[i].length);
    sg_buffer best = {0};
    if (name && sg_consider(&near, name)) sg_putf(&best, "; did you mean \"%s\"?", name);
    if (best.data && !out->failed) {
      out->length = 0; /* a nearer one */
      sg_put(out, best.data);
    }
    sg_buffer_free(&best);
    free(name);
  }
  for (int i = 0; i < r->count && i < LISTED; i++) {
    sg_csv_field f = r->field[i];
    sg_putf(out, "%s\"%.*s\"",
            i             ? ", "
            : out->length ? " The header has "
                          : "; the header has ",
            (int)(f.length < LONGEST ? f.length : LONGEST), f.text);
  }
  if (r->count > LISTED) sg_putf(out, ", … (%d)", r->count);
}
