/* SPDX-License-Identifier: MIT */
/* Sparse data as LIBSVM and SVMlight write them: a row is a line
 *
 *   label index:value index:value … # comment
 *
 * with indices that rise. Labels are numbers or words; numbers are compared as such, so that 1 and
 * +1 are one class. A byte order mark, CRLF, blank lines, lines of comments and white space at the
 * end are taken in stride. Faults are reported as those of CSV files are, by the same reader's
 * means (sim/core/csv.h). */
#include "models/learning/data.h"
#include "sim/core/array.h"
#include "sim/core/csv.h"
#include "sim/core/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_MAX = 1000, SHOWN = 60 };

static const sg_param params[] = {
    SG_ROW("path", SG_TEXT, "the file, relative to the scenario file",
           .flags = SG_REQUIRED | SG_IS_PATH),
    SG_ROW_INT("features", 1, SG_FEATURES_MAX,
               "number of features, where the file need not have the last ones; otherwise the "
               "largest index says it",
               .flags = SG_OPTIONAL),
    SG_ROW_INT("first_index", 0, 1, "the index of the first feature", .fallback = 1),
    {0}};

typedef struct class {
  char *name; /* as it was spelt first */
  double number;
  bool is_number;
  int found; /* the place in the order of appearance */
} class;

typedef struct reader {
  const sg_values *values;
  sg_csv csv; /* places and numbers of faults */
  const char *next, *end;
  long first, features, most; /* features 0: not given; most: the largest seen, counted from 1 */
  int32_t *column;            /* of the row being read */
  double *value;
  size_t column_room, value_room;
  class *class;
  size_t class_room;
  int classes, last; /* last: the class of the previous row */
} reader;

/* --- Numbers ---------------------------------------------------------------------------------- */

/* A decimal number that takes up [text, end), exactly rounded; false if it is none. Numbers of at
 * most 15 digits and powers of ten up to 22 are exact as doubles, so that one operation gives what
 * strtod would; that is most of them, and ten times as fast. */
static bool read_number(const char *text, const char *end, double *x) {
  static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const char *c = text;
  const bool negative = c < end && *c == '-';
  uint64_t digits = 0;
  int count = 0, power = 0;
  if (c < end && (*c == '-' || *c == '+')) c++;
  for (; c < end && *c >= '0' && *c <= '9' && count < 16; c++, count++)
    digits = 10 * digits + (uint64_t)(*c - '0');
  if (c < end && *c == '.')
    for (c++; c < end && *c >= '0' && *c <= '9' && count < 16; c++, count++, power--)
      digits = 10 * digits + (uint64_t)(*c - '0');
  if (count > 0 && c + 1 < end && (*c == 'e' || *c == 'E')) {
    const char *from = ++c;
    const bool down = *c == '-';
    int exponent = 0;
    if (*c == '-' || *c == '+') from = ++c;
    for (; c < end && *c >= '0' && *c <= '9' && c < from + 4; c++)
      exponent = 10 * exponent + (*c - '0');
    power += down ? -exponent : exponent;
    if (c == from) count = 0;
  }
  if (c == end && count > 0 && count < 16 && power >= -22 && power <= 22) {
    const double plain = (double)digits;
    *x = power < 0 ? plain / ten[-power] : plain * ten[power];
    if (negative) *x = -*x;
    return true;
  }
  char *stop = NULL;
  if (text == end || memchr(text, 'x', (size_t)(end - text)) ||
      memchr(text, 'X', (size_t)(end - text)))
    return false;
  *x = strtod(text, &stop); /* the whole text ends with a NUL */
  return stop == end;
}

/* --- Faults ----------------------------------------------------------------------------------- */

/* At a place in the line that is being read. */
static sg_csv *at(reader *r, const char *place) {
  r->csv.count = 0;
  r->csv.stop = place;
  return &r->csv;
}

/* What was found, as it can be printed. */
typedef struct found {
  char text[SHOWN + 1];
} found;

static found found_of(const char *text, const char *end) {
  found f;
  size_t n = (size_t)(end - text) < SHOWN ? (size_t)(end - text) : SHOWN;
  memcpy(f.text, text, n);
  f.text[sg_utf8_valid(f.text, n)] = '\0';
  return f;
}

/* A number that was no number, or not one to reckon with. */
static void fault_of_number(reader *r, const char *what, const char *text, const char *end) {
  double x = 0;
  const bool number = read_number(text, end, &x);
  if (text == end)
    sg_csv_fault(at(r, text), 0, "expected a number as %s, found nothing", what);
  else
    sg_csv_fault(at(r, text), 0, "expected a %snumber as %s, found \"%s\"%s",
                 number && !isfinite(x) ? "finite " : "", what, found_of(text, end).text,
                 number && isfinite(x) ? ", which seems to stand for a missing value" : "");
}

/* --- Labels ----------------------------------------------------------------------------------- */

static bool is_class(const class *c, bool is_number, double number, const char *text, size_t n) {
  if (c->is_number || is_number) return c->is_number && is_number && c->number == number;
  return strncmp(c->name, text, n) == 0 && c->name[n] == '\0';
}

/* The class of a label; a new one where there is none. Only what ends the reading is returned. */
static sg_status read_class(reader *r, const char *text, const char *end, double *y) {
  const size_t n = (size_t)(end - text);
  double number = 0;
  const bool is_number = read_number(text, end, &number) && isfinite(number);
  int c = r->last;
  if (r->classes == 0 || !is_class(&r->class[c], is_number, number, text, n))
    for (c = 0; c < r->classes && !is_class(&r->class[c], is_number, number, text, n);) c++;
  if (c == CLASSES_MAX)
    return sg_csv_fault(at(r, text), 0,
                        "expected at most %d distinct labels, found more; numbers to be predicted "
                        "are for problem \"least-squares\"",
                        CLASSES_MAX);
  if (c == r->classes) {
    if (!SG_ROOM(r->class, r->class_room, c + 1)) return sg_fail_memory(r->csv.e);
    r->class[c] = (class){strndup(text, n), number, is_number, c};
    if (!r->class[c].name) return sg_fail_memory(r->csv.e);
    r->classes++;
  }
  *y = r->last = c;
  return SG_OK;
}

/* Numbers in their order, then words in that of the alphabet. */
static int by_label(const void *a, const void *b) {
  const class *x = a, *y = b;
  if (x->is_number != y->is_number) return x->is_number ? -1 : 1;
  if (x->is_number) return (x->number > y->number) - (x->number < y->number);
  return strcmp(x->name, y->name);
}

/* So that numbers of classes do not depend on the order of rows. */
static sg_status sort_classes(reader *r, sg_data *data) {
  if (r->classes < 2)
    return sg_fail_at(r->csv.e, r->values, "path",
                      "expected labels of at least 2 classes in %s, all are \"%.60s\"", r->csv.name,
                      r->class[0].name);
  int *place = malloc((size_t)r->classes * sizeof *place);
  data->class_name = calloc((size_t)r->classes, sizeof *data->class_name);
  if (place && data->class_name) {
    qsort(r->class, (size_t)r->classes, sizeof *r->class, by_label);
    for (int c = 0; c < r->classes; c++) {
      place[r->class[c].found] = c;
      data->class_name[c] = r->class[c].name;
    }
    for (long i = 0; i < data->rows; i++) data->y[i] = place[(int)data->y[i]];
    data->classes = r->classes;
    r->classes = 0; /* the names belong to the data now */
  }
  free(place);
  return data->classes ? SG_OK : sg_fail_memory(r->csv.e);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

/* One index:value that takes up [text, end). previous: the index before it, or one less than the
 * first. Appended to the row, unless it is 0. */
static sg_status read_pair(reader *r, const char *text, const char *end, long *previous, long *n) {
  const char *c = text;
  long index = 0;
  for (; c < end && *c >= '0' && *c <= '9' && index <= SG_FEATURES_MAX; c++)
    index = 10 * index + (*c - '0');
  const bool too_large = index - r->first >= SG_FEATURES_MAX;
  while (too_large && c < end && *c >= '0' && *c <= '9') c++;
  if (c == text || c == end || *c != ':') {
    const bool query = end - text > 4 && memcmp(text, "qid:", 4) == 0;
    sg_csv_fault(at(r, text), 0, "expected index:value, found \"%s\"%s", found_of(text, end).text,
                 query ? "; queries of rankings are not for these problems" : "");
    return SG_OK;
  }
  if (index < r->first)
    sg_csv_fault(at(r, text), 0,
                 "expected an index ≥ 1, found 0; \"first_index\": 0 is for files that count from "
                 "0");
  else if (too_large)
    sg_csv_fault(at(r, text), 0, "expected an index ≤ %ld, found %s",
                 SG_FEATURES_MAX - 1 + r->first, found_of(text, c).text);
  else if (r->features && index - r->first >= r->features)
    sg_csv_fault(at(r, text), 0, "expected an index ≤ %ld, as \"features\" says, found %ld",
                 r->features - 1 + r->first, index);
  else if (index <= *previous)
    sg_csv_fault(at(r, text), 0, "expected an index > %ld, as they rise in a row, found %ld",
                 *previous, index);
  else
    *previous = index;
  double x;
  c++;
  if (!read_number(c, end, &x) || !sg_csv_is_usable(x)) {
    fault_of_number(r, "the value", c, end);
    return SG_OK;
  }
  if (r->csv.faults > 0 || x == 0) return SG_OK;
  if (!SG_ROOM(r->column, r->column_room, *n + 1) || !SG_ROOM(r->value, r->value_room, *n + 1))
    return sg_fail_memory(r->csv.e);
  r->column[*n] = (int32_t)(index - r->first);
  r->value[(*n)++] = x;
  return SG_OK;
}

/* A line that is not blank, in [text, end). Faults are counted in the reader, only what ends the
 * reading is returned. */
static sg_status read_row(reader *r, const char *text, const char *end, bool real, sg_data *data) {
  const char *c = text;
  double y = 0;
  long n = 0, previous = r->first - 1;
  while (c < end && !is_blank(*c)) c++;
  if (memchr(text, ':', (size_t)(c - text))) {
    sg_csv_fault(at(r, text), 0, "expected a label before index:value, found \"%s\"",
                 found_of(text, c).text);
    c = text;
  } else if (!real) {
    sg_status status = read_class(r, text, c, &y);
    if (status) return status;
  } else if (!read_number(text, c, &y) || !sg_csv_is_usable(y))
    fault_of_number(r, "the target", text, c);
  for (;;) {
    while (c < end && is_blank(*c)) c++;
    if (c == end) break;
    const char *token = c;
    while (c < end && !is_blank(*c)) c++;
    sg_status status = read_pair(r, token, c, &previous, &n);
    if (status) return status;
  }
  if (previous + 1 - r->first > r->most) r->most = previous + 1 - r->first;
  if (r->csv.faults > 0) return SG_OK;
  return sg_data_add_row(data, y, n, r->column, r->value, r->csv.e);
}

/* The next line without its comment and the white space around it; false: there is none. */
static bool next_line(reader *r, const char **text, const char **end) {
  if (r->next == r->end) return false;
  const char *stop = memchr(r->next, '\n', (size_t)(r->end - r->next)), *to = stop ? stop : r->end;
  r->csv.record = *text = r->next;
  r->next = stop ? stop + 1 : r->end;
  while (to > *text && to[-1] == '\r') to--;
  const char *comment = memchr(*text, '#', (size_t)(to - *text));
  if (comment) to = comment;
  const char *cr = memchr(*text, '\r', (size_t)(to - *text));
  if (cr) {
    sg_csv_fault(at(r, cr), 0, "expected lines that end with LF or CRLF, found CR alone");
    to = *text;
  }
  while (*text < to && is_blank(**text)) ++*text;
  while (to > *text && is_blank(to[-1])) to--;
  *end = to;
  return true;
}

static sg_status read_rows(reader *r, bool real, sg_data *data) {
  const char *text, *end, *nul = memchr(r->next, '\0', (size_t)(r->end - r->next));
  if (nul)
    return sg_csv_fault(at(r, nul), 0,
                        "expected text in UTF-8, found a NUL byte: the file is in UTF-16, "
                        "compressed or damaged");
  for (; next_line(r, &text, &end); r->csv.line++) {
    if (text == end) continue;
    sg_status status = read_row(r, text, end, real, data);
    if (status) return status;
  }
  if (r->csv.faults > 0) return SG_OK;
  if (data->rows == 0) return sg_csv_fault_in(&r->csv, 1, "expected rows, found none");
  if (r->most == 0 && !r->features)
    return sg_csv_fault_in(&r->csv, 1, "expected rows with index:value, found none");
  return SG_OK;
}

static sg_status load(const sg_values *values, bool real, uint64_t seed, sg_data *data,
                      sg_error *e) {
  char *text = NULL;
  size_t length = 0;
  reader r = {.values = values,
              .csv = {.name = sg_text(values, "path"), .e = e},
              .first = sg_int(values, "first_index"),
              .features = sg_given(values, "features") ? sg_int(values, "features") : 0};
  char *place = sg_pointer_join(values->pointer, "path");
  sg_status status = sg_read_file(r.csv.name, place, &text, &length, e);
  free(place);
  if (!status) status = sg_data_sparse(data, e);
  if (!status) {
    sg_csv_text(&r.csv, text, length); /* passes over a byte order mark */
    r.next = r.csv.next;
    r.end = text + length;
    status = read_rows(&r, real, data);
    sg_status faults = sg_csv_end(&r.csv);
    if (!status) status = faults;
  }
  free(text);
  if (!status) status = sg_data_sparse_end(data, r.features ? r.features : r.most, e);
  if (!status && !real) status = sort_classes(&r, data);
  for (int c = 0; c < r.classes; c++) free(r.class[c].name);
  free(r.class);
  free(r.column);
  free(r.value);
  return status;
}

const sg_data_source sg_data_source_libsvm = {
    .about = {.name = "libsvm",
              .summary = "a file of sparse rows as LIBSVM and SVMlight have them",
              .params = params},
    .load = load};
