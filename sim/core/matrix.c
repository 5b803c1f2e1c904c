/* SPDX-License-Identifier: MIT */
#include "sim/core/matrix.h"
#include "sim/core/text.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_SHOWN = 20 };

typedef struct reader {
  const char *path;
  const char *line_start;
  long line, faults;
  sg_matrix *m; /* grown as numbers come */
  size_t count, room;
  sg_error *e;
} reader;

/* Columns are counted in characters, as editors do. */
static void fault(reader *r, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(reader *r, const char *at, const char *format, ...) {
  if (r->faults++ >= FAULTS_SHOWN) return;
  long column = 1;
  for (const char *c = r->line_start; c < at; c++) column += (*c & 0xC0) != 0x80;
  char message[256], *place = NULL;
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  message[sg_utf8_valid(message, strlen(message))] = '\0'; /* not half a character */
  if (asprintf(&place, "%s:%ld:%ld", r->path, r->line, column) < 0) place = NULL;
  sg_fail(r->e, SG_INVALID, place, "%s", message);
  free(place);
}

static bool append(reader *r, double number) {
  if (r->count == r->room) {
    size_t room = r->room ? 2 * r->room : 64;
    sg_matrix *m = realloc(r->m, sizeof *m + room * sizeof m->number[0]);
    if (!m) return false;
    r->m = m;
    r->room = room;
  }
  r->m->number[r->count++] = number;
  return true;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/* One field, from `at` to before `end`, white space cut off. */
static double read_field(reader *r, const char *at, const char *end) {
  char text[64], *rest;
  size_t n = (size_t)(end - at);
  if (n == 0) {
    fault(r, at, "expected a number, found nothing");
    return 0;
  }
  snprintf(text, sizeof text, "%.*s", (int)(n < sizeof text ? n : sizeof text - 1), at);
  double x = strtod(text, &rest);
  bool hexadecimal = strpbrk(text, "xX");
  if (*rest || hexadecimal || n >= sizeof text || strlen(text) != n)
    fault(r, at, "expected a number, found \"%.40s\"", text);
  else if (!isfinite(x))
    fault(r, at, "expected a finite number, found \"%.40s\"", text);
  return x;
}

/* false: no memory. */
static bool read_line(reader *r, const char *end) {
  const char *at = r->line_start;
  size_t fields = 0;
  int columns = r->m ? r->m->columns : 0;
  bool first = columns == 0;
  for (;;) {
    const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
    const char *last = stop;
    while (at < stop && is_blank(*at)) at++;
    while (last > at && is_blank(last[-1])) last--;
    if (!first && fields == (size_t)columns) {
      long more = 1;
      for (const char *c = at; c < end; c++) more += *c == ',';
      fault(r, at, "expected %d numbers as in the first row, found %ld", columns, columns + more);
      return true;
    }
    if (!append(r, read_field(r, at, last))) return false;
    fields++;
    if (!comma) break;
    at = comma + 1;
  }
  if (fields > INT_MAX || (!first && fields < (size_t)columns))
    fault(r, end, "expected %d numbers as in the first row, found %zu", columns, fields);
  if (first) {
    r->m->rows = 0;
    r->m->columns = (int)fields;
  }
  r->m->rows++;
  return true;
}

static bool read_lines(reader *r, const char *at, const char *end) {
  if (end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) at += 3;
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
    const char *last = stop > at && stop[-1] == '\r' ? stop - 1 : stop, *text = at;
    while (text < last && is_blank(*text)) text++;
    r->line++;
    r->line_start = at;
    if (text < last && *text != '#' && !read_line(r, last)) return false;
    at = newline ? newline + 1 : end;
  }
  return true;
}

sg_status sg_matrix_read(const char *path, const char *place, sg_matrix **out, sg_error *e) {
  sg_error own = {0};
  char *text;
  size_t length;
  *out = NULL;
  sg_status status = sg_read_file(path, &text, &length, &own);
  if (status) {
    sg_fail(e, status, place, "%s", own.count ? own.fault[0].message : "out of memory");
    sg_error_clear(&own);
    return status;
  }
  reader r = {.path = path, .e = e};
  if (!read_lines(&r, text, text + length)) status = sg_fail_memory(e);
  if (!status && r.faults > FAULTS_SHOWN)
    sg_fail(e, SG_INVALID, path, "and %ld more faults", r.faults - FAULTS_SHOWN);
  if (!status && r.faults) status = SG_INVALID;
  if (!status && !r.m) {
    r.line = 1;
    r.line_start = text;
    fault(&r, text, "expected rows of numbers, found an empty file");
    status = SG_INVALID;
  }
  if (!status) {
    sg_sha256(text, length, r.m->sha256);
    *out = r.m;
  } else {
    free(r.m);
  }
  free(text);
  return status;
}

sg_matrix *sg_matrix_copy(const sg_matrix *m) {
  size_t size = sizeof *m + (size_t)m->rows * (size_t)m->columns * sizeof m->number[0];
  sg_matrix *copy = malloc(size);
  if (copy) memcpy(copy, m, size);
  return copy;
}
