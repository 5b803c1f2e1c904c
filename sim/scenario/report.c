/* SPDX-License-Identifier: MIT */
/* Faults for people: place, message, the source line with a caret. */
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 110 }; /* bytes of a source line that are shown */

/* What a file or command line contains must not reach the terminal as control characters. */
static void put_clean(sg_buffer *out, const char *text, size_t n) {
  size_t i = 0;
  while (i < n) {
    unsigned char c = (unsigned char)text[i];
    size_t step = 1;
    while (i + step < n && (text[i + step] & 0xC0) == 0x80) step++;
    /* U+0080 … U+009F are control characters as well. */
    bool control =
        c < 0x20 || c == 0x7F || (c == 0xC2 && step == 2 && (text[i + 1] & 0xE0) == 0x80);
    if (control || sg_utf8_valid(text + i, step) < step)
      sg_put(out, c == '\t' ? "\t" : "?");
    else
      sg_put_bytes(out, text + i, step);
    i += step;
  }
}

static void put_text(sg_buffer *out, const char *text) {
  put_clean(out, text, strlen(text));
}

/* The source line of an offset, or a window of a long one, and a caret under the offset. */
static void put_source(sg_buffer *out, const sg_scenario *s, size_t offset) {
  const char *text = s->text;
  size_t begin = offset, end = offset;
  while (begin > 0 && text[begin - 1] != '\n') begin--;
  while (end < s->length && text[end] != '\n' && text[end] != '\r') end++;
  size_t from = begin, to = end;
  if (offset - begin > WINDOW * 2 / 3) from = offset - WINDOW * 2 / 3;
  while (from > begin && (text[from] & 0xC0) == 0x80) from--;
  if (to - from > WINDOW) to = from + WINDOW;
  while (to > offset && to < end && (text[to] & 0xC0) == 0x80) to--;
  sg_put(out, from > begin ? "  …" : "  ");
  put_clean(out, text + from, to - from);
  sg_put(out, to < end ? "…\n  " : "\n  ");
  if (from > begin) sg_put(out, " ");
  for (size_t i = from; i < offset; i++)
    if ((text[i] & 0xC0) != 0x80) sg_put(out, text[i] == '\t' ? "\t" : " ");
  sg_put(out, "^\n");
}

static size_t offset_of(const char *text, size_t length, long line, long column) {
  size_t i = 0;
  for (; i < length && line > 1; i++)
    if (text[i] == '\n') line--;
  for (; i < length && column > 1; column--) do
      i++;
    while (i < length && (text[i] & 0xC0) == 0x80);
  return i;
}

/* The override that put a value there, −1: none. */
static int override_at(const sg_scenario *s, const char *pointer) {
  for (int i = s->n_overrides - 1; i >= 0; i--) {
    size_t n = strlen(s->override_pointer[i]);
    if (n > 0 && strncmp(pointer, s->override_pointer[i], n) == 0 &&
        (pointer[n] == '/' || pointer[n] == '\0'))
      return i;
  }
  return -1;
}

static void put_error(sg_buffer *out, bool color) {
  sg_put(out, color ? ": \x1b[1;31merror:\x1b[0m " : ": error: ");
}

static void put_message(sg_buffer *out, const sg_fault *f, const char *pointer) {
  if (pointer[0]) {
    put_text(out, pointer);
    sg_put(out, ": ");
  }
  put_text(out, f->message ? f->message : "out of memory");
  sg_put(out, "\n");
}

/* A fault at a JSON pointer. */
static void report_pointer(const sg_scenario *s, const sg_fault *f, bool color, sg_buffer *out) {
  int set = override_at(s, f->place);
  if (set >= 0) {
    sg_put(out, "--set ");
    put_text(out, s->override_pointer[set]);
    sg_put(out, "=");
    put_text(out, s->override_value[set]);
    put_error(out, color);
    put_message(out, f, f->place);
    return;
  }
  /* What is wrong with an unknown member is its name. */
  bool name = f->message && strncmp(f->message, "unknown member", 14) == 0;
  size_t offset = sg_json_locate(s->text, s->length, f->place, name);
  long line, column;
  sg_json_position(s->text, offset, &line, &column);
  put_text(out, s->path);
  sg_putf(out, ":%ld:%ld", line, column);
  put_error(out, color);
  put_message(out, f, f->place);
  put_source(out, s, offset);
}

static void report_one(const sg_scenario *s, const char *path, const sg_fault *f, bool color,
                       sg_buffer *out) {
  const char *place = f->place ? f->place : "";
  long line, column;
  size_t n = s ? strlen(s->path) : 0;
  /* A file may have an absolute path: what looks like a pointer may be "file:line". */
  bool here =
      s && strncmp(place, s->path, n) == 0 && sscanf(place + n, ":%ld:%ld", &line, &column) == 2;
  if (s && s->tree && place[0] == '/' && !here && !strchr(place, ':')) {
    report_pointer(s, f, color, out);
    return;
  }
  if (place[0])
    put_text(out, place);
  else if (path || s)
    put_text(out, path ? path : s->path);
  else
    sg_put(out, "straggle");
  put_error(out, color);
  put_message(out, f, "");
  if (here) put_source(out, s, offset_of(s->text, s->length, line, column));
}

void sg_scenario_report(const sg_scenario *s, const char *path, const sg_error *e, bool color,
                        sg_buffer *out) {
  for (int i = 0; i < e->count; i++) report_one(s, path, &e->fault[i], color, out);
}
