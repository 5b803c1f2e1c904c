/* SPDX-License-Identifier: MIT */
/* Data from comma-separated values (sim/core/csv.h): a header, numeric columns, one label column.
 */
#include "sim/core/csv.h"
#include "models/learning/data.h"
#include "sim/core/text.h"

#include <stdlib.h>
#include <string.h>

enum { CLASSES_MAX = 1000, LABEL = -1, IGNORED = -2 };

static const sg_param ignore_item[] = {SG_ROW("column", SG_TEXT, "the name of a column"), {0}};

static const sg_param params[] = {
    SG_ROW("path", SG_TEXT, "the file, relative to the scenario file",
           .flags = SG_REQUIRED | SG_IS_PATH),
    SG_ROW("label", SG_TEXT, "name of the column with the labels (least squares: with the targets)",
           .flags = SG_REQUIRED),
    SG_ROW("separator", SG_TEXT, "one character between fields", .text = ","),
    SG_ROW_LIST("ignore", ignore_item, 0, 100000, "names of columns to leave out"),
    {0}};

typedef struct name {
  char *text;
  int column;
} name;

typedef struct reader {
  const sg_values *values;
  sg_csv csv;
  int columns;         /* of the header */
  const char **column; /* columns names and a NULL; borrowed from `sorted` */
  name *sorted;        /* columns names in the order of the alphabet */
  int *role;           /* a feature's number, LABEL or IGNORED */
  int features;
  char **class_name; /* in order of appearance */
  int classes;
} reader;

/* --- Header ----------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
  const name *x = a, *y = b;
  int order = strcmp(x->text, y->text);
  return order ? order : (x->column > y->column) - (x->column < y->column);
}

static int against_text(const void *text, const void *of) {
  return strcmp(text, ((const name *)of)->text);
}

/* The column that a member names. O(log columns). */
static sg_status find_column(reader *r, const char *member, const char *text, int *column) {
  const name *found = bsearch(text, r->sorted, (size_t)r->columns, sizeof *r->sorted, against_text);
  if (!found) {
    sg_buffer list = {0};
    sg_csv_put_columns(&r->csv, text, &list);
    sg_status status = sg_fail_at(r->csv.e, r->values, member, "%s has no column \"%s\"%s",
                                  r->csv.name, text, list.failed ? "" : list.data);
    sg_buffer_free(&list);
    return status;
  }
  *column = found->column;
  return SG_OK;
}

/* The names of the columns, which must differ. */
static sg_status take_names(reader *r) {
  int n = r->csv.count;
  r->column = calloc((size_t)n + 1, sizeof *r->column);
  r->sorted = calloc((size_t)n, sizeof *r->sorted);
  r->role = calloc((size_t)n, sizeof *r->role);
  if (!r->column || !r->sorted || !r->role) return sg_fail_memory(r->csv.e);
  for (int i = 0; i < n; i++) {
    sg_csv_field f = r->csv.field[i];
    char *text = strndup(f.text, f.length);
    if (!text) return sg_fail_memory(r->csv.e);
    r->column[i] = text;
    r->sorted[r->columns++] = (name){text, i};
  }
  qsort(r->sorted, (size_t)n, sizeof *r->sorted, by_text);
  sg_status status = SG_OK;
  for (int i = 1; i < n; i++)
    if (strcmp(r->sorted[i].text, r->sorted[i - 1].text) == 0)
      status = sg_csv_fault(&r->csv, r->sorted[i].column, "two columns are named \"%s\"",
                            r->sorted[i].text);
  return status;
}

static sg_status read_header(reader *r) {
  sg_status status = sg_csv_next(&r->csv);
  if (status) return status;
  if (r->csv.count == 0)
    return sg_csv_fault(&r->csv, -1, "expected a header and rows, found an empty file");
  status = take_names(r);
  if (status == SG_NO_MEMORY) return status;
  int column;
  sg_status found = find_column(r, "label", sg_text(r->values, "label"), &column);
  if (found)
    status = found;
  else
    r->role[column] = LABEL;
  for (int i = 0; i < sg_count(r->values, "ignore"); i++) {
    const char *ignored = sg_item(r->values, "ignore", i)->text;
    found = find_column(r, "ignore", ignored, &column);
    if (found)
      status = found;
    else if (r->role[column] == LABEL)
      status = sg_fail_at(r->csv.e, r->values, "ignore", "\"%s\" is the label column", ignored);
    else
      r->role[column] = IGNORED;
  }
  for (int i = 0; i < r->columns; i++) {
    if (r->role[i] < 0) continue;
    r->role[i] = r->features++;
    if (sg_csv_is_unnamed(r->csv.field[i]))
      status = sg_csv_fault(&r->csv, i,
                            "expected the name of a feature, found none, as pandas writes an "
                            "index: name the column, or leave it out with \"ignore\": [\"%s\"]",
                            r->column[i]);
  }
  if (!status && r->features == 0)
    status = sg_csv_fault(&r->csv, -1, "expected columns besides the label, found none");
  return status;
}

/* --- Rows ------------------------------------------------------------------------------------- */

static sg_status read_class(reader *r, int i, double *y) {
  sg_csv_field f = r->csv.field[i];
  if (f.length == 0) {
    sg_csv_expected(&r->csv, i, "a label in column \"%s\"", r->column[i]);
    return SG_OK;
  }
  int c = 0;
  while (c < r->classes && !sg_csv_is(f, r->class_name[c])) c++;
  *y = c;
  if (c < r->classes) return SG_OK;
  if (c == CLASSES_MAX)
    return sg_fail_at(r->csv.e, r->values, "label",
                      "column \"%s\" has more than %d distinct labels; numbers to be predicted "
                      "are for problem \"least-squares\"",
                      r->column[i], CLASSES_MAX);
  r->class_name[c] = strndup(f.text, f.length);
  if (!r->class_name[c]) return sg_fail_memory(r->csv.e);
  r->classes++;
  return SG_OK;
}

/* One record to a row; faults are counted in the reader, only what ends the reading is returned. */
static sg_status read_row(reader *r, bool real, double *x, double *y) {
  sg_csv *csv = &r->csv;
  if (!sg_csv_has(csv, r->columns)) return SG_OK;
  for (int i = 0; i < r->columns; i++) {
    if (r->role[i] == IGNORED) continue;
    if (r->role[i] == LABEL && !real) {
      sg_status status = read_class(r, i, y);
      if (status) return status;
    } else
      sg_csv_finite(csv, i, r->column[i], r->role[i] == LABEL ? y : x + r->role[i]);
  }
  return SG_OK;
}

static sg_status read_rows(reader *r, bool real, sg_data *data) {
  sg_csv *csv = &r->csv;
  long room = 1, row = 0;
  for (const char *c = csv->next; (c = memchr(c, '\n', (size_t)(csv->end - c))); c++)
    room += c + 1 < csv->end && c[1] != '\n' && c[1] != '\r'; /* without most of the empty lines */
  sg_status status = sg_data_allocate(data, room, r->features, csv->e);
  if (status) return status;
  if (!real && !(r->class_name = calloc(CLASSES_MAX, sizeof *r->class_name)))
    return sg_fail_memory(csv->e);
  while ((!(status = sg_csv_next(csv)) && csv->count > 0) || status == SG_INVALID) {
    if (status) continue; /* it is counted */
    status = read_row(r, real, data->x + row * data->columns, data->y + row);
    if (status) return status;
    row++;
  }
  if (status) return status;
  data->rows = row;
  if (row == 0 && csv->faults == 0)
    sg_csv_fault(csv, -1, "expected rows after the header, found none");
  return SG_OK;
}

static bool counts_rows(const sg_data *data, const double *x) {
  long row = 0;
  while (row < data->rows && x[row * data->columns] == x[0] + (double)row) row++;
  return row == data->rows;
}

/* A feature that counts the rows is an index under a name of its own. */
static sg_status note_counter(const reader *r, sg_data *data) {
  enum { FEWEST = 10 }; /* rows: fewer may be so by chance */
  int i = 0;
  if (data->rows < FEWEST) return SG_OK;
  while (i < r->columns && (r->role[i] < 0 || !counts_rows(data, data->x + r->role[i]))) i++;
  if (i == r->columns) return SG_OK;
  sg_buffer note = {0};
  sg_putf(&note,
          "warning: column %d of the data counts the rows; where their order tells the label, so "
          "does this feature (\"ignore\" leaves it out)\n",
          i + 1);
  data->note = note.data;
  return note.failed ? sg_fail_memory(r->csv.e) : SG_OK;
}

/* --- Classes ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the class names, so that numbers of classes do not depend on the order of rows. */
static sg_status sort_classes(reader *r, sg_data *data) {
  if (r->classes < 2)
    return sg_fail_at(r->csv.e, r->values, "label",
                      "expected labels of at least 2 classes in column \"%s\" of %s, all are "
                      "\"%.60s\"",
                      sg_text(r->values, "label"), r->csv.name, r->class_name[0]);
  char **sorted = calloc((size_t)r->classes, sizeof *sorted);
  if (!sorted) return sg_fail_memory(r->csv.e);
  memcpy(sorted, r->class_name, (size_t)r->classes * sizeof *sorted);
  qsort(sorted, (size_t)r->classes, sizeof *sorted, by_name);
  for (long i = 0; i < data->rows; i++) {
    char **found = bsearch(&r->class_name[(int)data->y[i]], sorted, (size_t)r->classes,
                           sizeof *sorted, by_name);
    data->y[i] = (double)(found - sorted);
  }
  data->class_name = sorted;
  data->classes = r->classes;
  r->classes = 0; /* the names belong to the data now */
  return SG_OK;
}

static sg_status load(const sg_values *values, bool real, uint64_t seed, sg_data *data,
                      sg_error *e) {
  char *text = NULL;
  size_t length = 0;
  const char *separator = sg_text(values, "separator");
  if (strlen(separator) != 1 || strchr("\"\r\n", *separator))
    return sg_fail_at(e, values, "separator",
                      "expected one character that is no quote, found \"%s\"", separator);
  reader r = {.values = values,
              .csv = {.name = sg_text(values, "path"),
                      .separator = *separator,
                      .remedy = "; \"separator\" is for such files",
                      .e = e}};
  char *place = sg_pointer_join(values->pointer, "path");
  sg_status status = sg_read_file(r.csv.name, place, &text, &length, e);
  free(place);
  if (status) return status;
  sg_csv_text(&r.csv, text, length);
  status = read_header(&r);
  if (!status) status = read_rows(&r, real, data);
  sg_status faults = sg_csv_end(&r.csv);
  if (!status) status = faults;
  if (!status) status = note_counter(&r, data);
  if (!status && !real) status = sort_classes(&r, data);
  for (int i = 0; i < r.columns; i++) free(r.sorted[i].text);
  for (int i = 0; i < r.classes; i++) free(r.class_name[i]);
  free(r.column);
  free(r.sorted);
  free(r.role);
  free(r.class_name);
  free(text);
  return status;
}

const sg_data_source sg_data_source_csv = {
    .about = {.name = "csv",
              .summary = "a file of comma-separated values with a header",
              .params = params},
    .load = load};
