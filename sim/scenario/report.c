/* SPDX-License-Identifier: MIT */
/* Faults for people: their order, place, message, the source line with a caret. */
#include "sim/scenario/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  WINDOW = 110,      /* bytes of a source line that are shown */
  MOST_FAULTS = 1000 /* that are listed */
};

/* --- Where faults are ------------------------------------------------------------------------- */

static size_t offset_of(const char *text, size_t length, long line, long column) {
  size_t i = 0;
  for (; i < length && line > 1; i++)
    if (text[i] == '\n') line--;
  for (; i < length && column > 1; column--) do
      i++;
    while (i < length && (text[i] & 0xC0) == 0x80);
  return i;
}

/* Whether a place is "<path>:<line>:<column>" of the scenario's file, and its offset. */
static bool is_position(const sg_scenario *s, const char *place, size_t *offset) {
  size_t n = strlen(s->path);
  long line, column;
  if (strncmp(place, s->path, n) != 0 || sscanf(place + n, ":%ld:%ld", &line, &column) != 2)
    return false;
  *offset = offset_of(s->text.data, s->text.length, line, column);
  return true;
}

typedef struct placed {
  sg_fault fault;
  long offset; /* in the text, −1: none */
  int index;
} placed;

static int compare_placed(const void *x, const void *y) {
  const placed *a = x, *b = y;
  if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
  return (a->index > b->index) - (a->index < b->index);
}

static placed find_place(const sg_scenario *s, sg_fault fault, int index) {
  const char *place = fault.place ? fault.place : "";
  size_t offset = 0;
  bool found = is_position(s, place, &offset);
  if (!found && place[0] == '/') {
    offset = sg_json_locate(&s->written, place, false);
    found = true;
  }
  return (placed){fault, found ? (long)offset : -1, index};
}

bool sg_same_fault(const sg_fault *a, const sg_fault *b) {
  return a->place && b->place && a->message && b->message && strcmp(a->place, b->place) == 0 &&
         strcmp(a->message, b->message) == 0;
}

static void drop(sg_fault *f) {
  free(f->place);
  free(f->message);
}

void sg_sort_faults(const sg_scenario *s, sg_error *e) {
  int more = e->count - MOST_FAULTS;
  for (; e->count > MOST_FAULTS; e->count--) drop(&e->fault[e->count - 1]);
  int n = e->count;
  placed *list = calloc((size_t)n + 1, sizeof *list);
  if (list && s->tree) {
    for (int i = 0; i < n; i++) list[i] = find_place(s, e->fault[i], i);
    qsort(list, (size_t)n, sizeof *list, compare_placed);
    e->count = 0;
    /* A duplicate member is read twice, so its faults may come twice. */
    for (int i = 0; i < n; i++)
      if (e->count > 0 && sg_same_fault(&e->fault[e->count - 1], &list[i].fault))
        drop(&list[i].fault);
      else
        e->fault[e->count++] = list[i].fault;
  }
  free(list);
  if (more > 0) sg_fail(e, SG_INVALID, NULL, "%d more faults are not listed", more);
}

/* --- What is printed -------------------------------------------------------------------------- */

/* What a file or command line contains must not reach the terminal as control characters. */
static void put_text(sg_buffer *out, const char *text) {
  sg_put_clean(out, text, strlen(text), "\t", '?');
}

/* The source line of an offset, or a window of a long one, and a caret under the offset. */
static void put_source(sg_buffer *out, const sg_scenario *s, size_t offset) {
  const char *text = s->text.data;
  size_t begin = offset, end = offset;
  while (begin > 0 && text[begin - 1] != '\n') begin--;
  while (end < s->text.length && text[end] != '\n' && text[end] != '\r') end++;
  size_t from = begin, to = end;
  if (offset - begin > WINDOW * 2 / 3) from = offset - WINDOW * 2 / 3;
  while (from > begin && (text[from] & 0xC0) == 0x80) from--;
  if (to - from > WINDOW) to = from + WINDOW;
  while (to > offset && to < end && (text[to] & 0xC0) == 0x80) to--;
  sg_put(out, from > begin ? "  …" : "  ");
  sg_put_clean(out, text + from, to - from, "\t", '?');
  sg_put(out, to < end ? "…\n  " : "\n  ");
  if (from > begin) sg_put(out, " ");
  for (size_t i = from; i < offset; i++)
    if ((text[i] & 0xC0) != 0x80) sg_put(out, text[i] == '\t' ? "\t" : " ");
  sg_put(out, "^\n");
}

/* The override that put a value there, −1: none. */
static int override_at(const sg_scenario *s, const char *pointer) {
  for (int i = s->n_overrides - 1; i >= 0; i--) {
    size_t n = strcspn(s->override[i], "=");
    if (n > 0 && strncmp(pointer, s->override[i], n) == 0 && (pointer[n] == '/' || !pointer[n]))
      return i;
  }
  return -1;
}

/* Whether a place is a JSON pointer: its first member is one of the format, or of the scenario.
 * Else it may be the path of a database. */
static bool is_pointer(const sg_scenario *s, const sg_fault *fault) {
  const char *place = fault->place ? fault->place : "";
  /* What cannot be created or opened for writing is no part of a scenario. */
  if (fault->status != SG_INVALID && fault->status != SG_USAGE && fault->status != SG_NO_INPUT)
    return false;
  if (!s || !s->tree || place[0] != '/' || strchr(place, ':')) return false;
  char *first = strndup(place + 1, strcspn(place + 1, "/"));
  bool found = !first || cJSON_GetObjectItemCaseSensitive(s->tree, first);
  for (const sg_param *p = sg_scenario_params; p->name && !found; p++)
    found = strcmp(p->name, first) == 0;
  free(first);
  return found;
}

static void report_one(const sg_scenario *s, const char *path, const sg_fault *f, bool color,
                       sg_buffer *out) {
  const char *place = f->place ? f->place : "",
             *message = f->message ? f->message : "out of memory";
  size_t offset;
  /* A file may have an absolute path: what looks like a pointer may be "file:line". */
  bool source = s && is_position(s, place, &offset);
  bool pointer = !source && is_pointer(s, f);
  int set = pointer ? override_at(s, place) : -1;
  if (set >= 0) {
    sg_put(out, "--set ");
    put_text(out, s->override[set]);
  } else if (pointer) {
    /* What is wrong with an unknown member is its name. */
    offset = sg_json_locate(&s->written, place, strncmp(message, "unknown member", 14) == 0);
    source = true;
    long line, column;
    sg_json_position(s->text.data, offset, &line, &column);
    put_text(out, s->path);
    sg_putf(out, ":%ld:%ld", line, column);
  } else {
    put_text(out, place[0] ? place : path ? path : s ? s->path : "straggle");
  }
  sg_put(out, color ? ": \x1b[1;31merror:\x1b[0m " : ": error: ");
  if (pointer) {
    put_text(out, place);
    sg_put(out, ": ");
  }
  put_text(out, message);
  sg_put(out, "\n");
  if (source) put_source(out, s, offset);
}

void sg_scenario_report(const sg_scenario *s, const char *path, const sg_error *e, bool color,
                        sg_buffer *out) {
  for (int i = 0; i < e->count; i++) report_one(s, path, &e->fault[i], color, out);
}
