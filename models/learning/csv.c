/* SPDX-License-Identifier: MIT */
/* Comma-separated values (RFC 4180): a header, numeric columns, one label column.
 *
 * Every fault of a file is reported with its line, up to a limit. Quoted fields, CRLF, a byte order
 * mark and blank lines are taken in stride. */
#include "models/learning/data_source.h"
#include "sim/core/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAULTS_SHOWN = 20, CLASSES_MAX = 1000, LABEL = -1, IGNORED = -2 };

static const sg_param ignore_item[] = {
    {.name = "column", .kind = SG_TEXT, .summary = "the name of a column"}, {.name = NULL}};

static const sg_param params[] = {
    {.name = "path",
     .kind = SG_TEXT,
     .summary = "the file, relative to the scenario file",
     .flags = SG_REQUIRED | SG_IS_PATH},
    {.name = "label",
     .kind = SG_TEXT,
     .summary = "name of the column with the labels (least squares: with the targets)",
     .flags = SG_REQUIRED},
    {.name = "separator", .kind = SG_TEXT, .summary = "one character between fields", .text = ","},
    {.name = "ignore",
     .kind = SG_LIST,
     .summary = "names of columns to leave out",
     .max = 100000,
     .fields = ignore_item},
    {.name = NULL}};

typedef struct reader {
  const sg_values *values;
  const char *path;
  const char *at, *end;
  char separator;
  long line;        /* of the next character */
  long record_line; /* where the last record began */
  sg_buffer text;   /* the fields of the last record, each with a NUL after it */
  size_t *field;    /* where each begins in text */
  int count, room;  /* fields of the last record; capacity of field */
  int columns;      /* of the header */
  char **name;      /* columns names and a NULL */
  int *role;        /* a feature's number, LABEL or IGNORED */
  int features;
  char **class_name; /* in order of appearance */
  int classes;
  long faults;
  sg_error *e;
} reader;

static sg_status fault(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static sg_status fault(reader *r, const char *format, ...) {
  if (r->faults++ >= FAULTS_SHOWN) return SG_INVALID;
  char message[512], *place = NULL;
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  if (asprintf(&place, "%s:%ld", r->path, r->record_line) < 0) place = NULL;
  sg_fail(r->e, SG_INVALID, place, "%s", message);
  free(place);
  return SG_INVALID;
}

/* --- Records ---------------------------------------------------------------------------------- */

static bool begin_field(reader *r) {
  if (r->count == r->room) {
    int room = r->room ? 2 * r->room : 64;
    size_t *field = realloc(r->field, (size_t)room * sizeof *field);
    if (!field) return false;
    r->field = field;
    r->room = room;
  }
  r->field[r->count++] = r->text.length;
  return true;
}

/* A quoted field after its opening quote; false if the closing quote is missing. */
static bool quoted(reader *r) {
  while (r->at < r->end) {
    const char *c = r->at++;
    if (*c == '\n') r->line++;
    if (*c == '"') {
      if (r->at == r->end || *r->at != '"') return true;
      r->at++; /* a doubled quote stands for one */
    }
    sg_put_bytes(&r->text, c, 1);
  }
  return false;
}

static void skip_line(reader *r) {
  const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
  r->at = newline ? newline + 1 : r->end;
  r->line++;
}

static bool at_record_end(const reader *r) {
  if (r->at == r->end || *r->at == '\n') return true;
  return *r->at == '\r' && (r->at + 1 == r->end || r->at[1] == '\n');
}

static sg_status one_field(reader *r) {
  if (!begin_field(r)) return sg_fail_memory(r->e);
  if (*r->at == '"' && r->at < r->end) {
    r->at++;
    if (!quoted(r)) return fault(r, "expected a closing quote, found the end of the file");
    if (!at_record_end(r) && *r->at != r->separator) {
      fault(r, "expected a separator after a quoted field, found \"%c\"", *r->at);
      skip_line(r);
      return SG_INVALID;
    }
  } else {
    const char *start = r->at;
    while (!at_record_end(r) && *r->at != r->separator) r->at++;
    sg_put_bytes(&r->text, start, (size_t)(r->at - start));
  }
  sg_put_bytes(&r->text, "", 1);
  return r->text.failed ? sg_fail_memory(r->e) : SG_OK;
}

/* The next record that is not blank. count = 0 at the end of the file. A faulty record is reported
 * and passed over with SG_INVALID. */
static sg_status next_record(reader *r) {
  r->count = 0;
  r->text.length = 0;
  while (r->at < r->end && at_record_end(r)) skip_line(r);
  if (r->at == r->end) return SG_OK;
  r->record_line = r->line;
  for (;;) {
    sg_status status = one_field(r);
    if (status) return status;
    if (at_record_end(r)) break;
    r->at++; /* the separator */
  }
  skip_line(r);
  return SG_OK;
}

/* A field without the white space around it. */
static char *field(reader *r, int i) {
  char *text = r->text.data + r->field[i], *end = text + strlen(text);
  while (isspace((unsigned char)*text)) text++;
  while (end > text && isspace((unsigned char)end[-1])) *--end = '\0';
  return text;
}

/* --- Header ----------------------------------------------------------------------------------- */

static int find_column(const reader *r, const char *name) {
  for (int i = 0; i < r->columns; i++)
    if (strcmp(r->name[i], name) == 0) return i;
  return -1;
}

static sg_status no_column(reader *r, const char *member, const char *name) {
  const char *nearest = sg_nearest(name, (const char *const *)r->name);
  return sg_fail_at(r->e, r->values, member,
                    nearest ? "%s has no column \"%s\"; did you mean \"%s\"?"
                            : "%s has no column \"%s\"",
                    r->path, name, nearest);
}

static sg_status read_header(reader *r) {
  sg_status status = next_record(r);
  if (status) return status;
  if (r->count == 0) return fault(r, "expected a header and rows, found an empty file");
  r->name = calloc((size_t)r->count + 1, sizeof *r->name);
  r->role = calloc((size_t)r->count, sizeof *r->role);
  if (!r->name || !r->role) return sg_fail_memory(r->e);
  for (int i = 0; i < r->count; i++) {
    const char *name = field(r, i);
    if (find_column(r, name) >= 0) status = fault(r, "two columns are named \"%s\"", name);
    r->name[i] = strdup(name);
    if (!r->name[i]) return sg_fail_memory(r->e);
    r->columns++;
  }
  const char *label = sg_text(r->values, "label");
  int column = find_column(r, label);
  if (column < 0)
    status = no_column(r, "label", label);
  else
    r->role[column] = LABEL;
  for (int i = 0; i < sg_count(r->values, "ignore"); i++) {
    const char *name = sg_item(r->values, "ignore", i)->text;
    column = find_column(r, name);
    if (column < 0)
      status = no_column(r, "ignore", name);
    else if (r->role[column] == LABEL)
      status = sg_fail_at(r->e, r->values, "ignore", "\"%s\" is the label column", name);
    else
      r->role[column] = IGNORED;
  }
  for (int i = 0; i < r->columns; i++)
    if (r->role[i] >= 0) r->role[i] = r->features++;
  if (!status && r->features == 0)
    status = fault(r, "expected columns besides the label, found none");
  return status;
}

/* --- Rows ------------------------------------------------------------------------------------- */

static bool read_number(reader *r, int column, const char *text, double *x) {
  char *end;
  errno = 0;
  *x = strtod(text, &end);
  if (*text == '\0')
    fault(r, "expected a number in column \"%s\", found nothing", r->name[column]);
  else if (*end != '\0')
    fault(r, "expected a number in column \"%s\", found \"%.60s\"", r->name[column], text);
  else if (!isfinite(*x))
    fault(r, "expected a finite number in column \"%s\", found \"%.60s\"", r->name[column], text);
  else
    return true;
  return false;
}

static sg_status read_class(reader *r, int column, const char *text, double *y) {
  if (*text == '\0')
    return fault(r, "expected a label in column \"%s\", found nothing", r->name[column]);
  int c = 0;
  while (c < r->classes && strcmp(r->class_name[c], text) != 0) c++;
  *y = c;
  if (c < r->classes) return SG_OK;
  if (c == CLASSES_MAX)
    return sg_fail_at(r->e, r->values, "label",
                      "column \"%s\" has more than %d distinct labels; numbers to be predicted "
                      "are for problem \"least-squares\"",
                      r->name[column], CLASSES_MAX);
  r->class_name[c] = strdup(text);
  if (!r->class_name[c]) return sg_fail_memory(r->e);
  r->classes++;
  return SG_OK;
}

/* One record to a row; faults are counted in the reader, only what ends the reading is returned. */
static sg_status read_row(reader *r, bool real, double *x, double *y) {
  if (r->count != r->columns) {
    fault(r, "expected %d fields, found %d", r->columns, r->count);
    return SG_OK;
  }
  for (int i = 0; i < r->columns; i++) {
    const char *text = field(r, i);
    if (r->role[i] == IGNORED) continue;
    if (r->role[i] == LABEL && !real) {
      long before = r->faults;
      sg_status status = read_class(r, i, text, y);
      if (status && r->faults == before) return status;
    } else
      read_number(r, i, text, r->role[i] == LABEL ? y : x + r->role[i]);
  }
  return SG_OK;
}

static sg_status read_rows(reader *r, bool real, sg_data *data) {
  long room = 1, row = 0;
  for (const char *c = r->at; c < r->end; c++) room += *c == '\n';
  sg_status status = sg_data_allocate(data, room, r->features, r->e);
  if (status) return status;
  if (!real && !(r->class_name = calloc(CLASSES_MAX, sizeof *r->class_name)))
    return sg_fail_memory(r->e);
  for (;;) {
    status = next_record(r);
    if (status == SG_INVALID) continue;
    if (status) return status;
    if (r->count == 0) break;
    status = read_row(r, real, data->x + row * data->columns, data->y + row);
    if (status) return status;
    row++;
  }
  data->rows = row;
  if (r->faults > FAULTS_SHOWN)
    sg_fail(r->e, SG_INVALID, r->path, "and %ld more faults", r->faults - FAULTS_SHOWN);
  if (r->faults > 0) return SG_INVALID;
  if (row == 0) return fault(r, "expected rows after the header, found none");
  return SG_OK;
}

/* --- Classes ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the class names, so that numbers of classes do not depend on the order of rows. */
static sg_status sort_classes(reader *r, sg_data *data) {
  if (r->classes < 2)
    return sg_fail_at(r->e, r->values, "label",
                      "expected labels of at least 2 classes in column \"%s\" of %s, all are "
                      "\"%.60s\"",
                      sg_text(r->values, "label"), r->path, r->class_name[0]);
  char **name = calloc((size_t)r->classes, sizeof *name);
  if (!name) return sg_fail_memory(r->e);
  memcpy(name, r->class_name, (size_t)r->classes * sizeof *name);
  qsort(name, (size_t)r->classes, sizeof *name, by_name);
  for (long i = 0; i < data->rows; i++) {
    char **found =
        bsearch(&r->class_name[(int)data->y[i]], name, (size_t)r->classes, sizeof *name, by_name);
    data->y[i] = (double)(found - name);
  }
  data->class_name = name;
  data->classes = r->classes;
  r->classes = 0; /* the names belong to the data now */
  return SG_OK;
}

static sg_status load(const sg_values *values, bool real, uint64_t seed, sg_data *data,
                      sg_error *e) {
  (void)seed;
  reader r = {
      .values = values, .path = sg_text(values, "path"), .line = 1, .record_line = 1, .e = e};
  char *text = NULL;
  size_t length = 0;
  const char *separator = sg_text(values, "separator");
  if (strlen(separator) != 1 || strchr("\"\r\n", *separator))
    return sg_fail_at(e, values, "separator",
                      "expected one character that is no quote, found \"%s\"", separator);
  r.separator = *separator;
  sg_status status = sg_read_file(r.path, &text, &length, e);
  if (status) return status;
  sg_sha256(text, length, data->sha256);
  r.at = text;
  r.end = text + length;
  if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r.at += 3;
  status = read_header(&r);
  if (!status) status = read_rows(&r, real, data);
  if (!status && !real) status = sort_classes(&r, data);
  for (int i = 0; i < r.columns; i++) free(r.name[i]);
  for (int i = 0; i < r.classes; i++) free(r.class_name[i]);
  free(r.name);
  free(r.role);
  free(r.class_name);
  free(r.field);
  sg_buffer_free(&r.text);
  free(text);
  return status;
}

const sg_data_source sg_data_source_csv = {
    .about = {"csv", "a file of comma-separated values with a header", "", params}, .load = load};
