/* SPDX-License-Identifier: MIT */
/* Matrices of numbers from files. */
#include "sim/core/matrix.h"
#include "sim/core/array.h"
#include "sim/core/csv.h"
#include "sim/core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct numbers {
  int rows, columns;
  double *number;
  size_t count, capacity;
  double *line; /* rows of them */
  int line_room;
} numbers;

/* A first row 0, 1, 2, … of whole numbers is the header of a table without names. */
static bool counts_columns(const sg_csv *r) {
  enum { FEWEST = 3 }; /* columns: 0, 1 may well be meant */
  char number[16];
  int i = 0;
  for (; i < r->count; i++) {
    snprintf(number, sizeof number, "%d", i);
    if (!sg_csv_is(r->field[i], number)) break;
  }
  return i >= FEWEST && i == r->count;
}

static sg_status read_rows(sg_csv *r, numbers *m) {
  sg_status status;
  while ((!(status = sg_csv_next(r)) && r->count > 0) || status == SG_INVALID) {
    if (status) continue; /* it is counted */
    if (m->rows++ == 0) m->columns = r->count;
    if (!SG_ROOM(m->line, m->line_room, m->rows)) return sg_fail_memory(r->e);
    m->line[m->rows - 1] = (double)r->line;
    if (m->rows == 1 && counts_columns(r))
      sg_csv_fault(r, 0,
                   "expected numbers, found a header that counts the columns, as pandas writes it: "
                   "leave it out (header=False), or write 0.0 if it is a row");
    if (!SG_ROOM(m->number, m->capacity, m->count + (size_t)m->columns))
      return sg_fail_memory(r->e);
    for (int i = 0; i < r->count && i < m->columns; i++)
      sg_csv_finite(r, i, NULL, &m->number[m->count++]);
    if (r->count != m->columns)
      sg_csv_fault(r, r->count < m->columns ? r->count : m->columns,
                   "expected %d numbers as in the first row, found %d", m->columns, r->count);
  }
  if (!status && m->rows == 0 && r->faults == 0)
    sg_csv_fault(r, -1, "expected rows of numbers, found an empty file");
  return status;
}

sg_status sg_matrix_read(const char *path, const char *place, sg_matrix **out, sg_error *e) {
  char *text;
  size_t length;
  *out = NULL;
  sg_status status = sg_read_file(path, place, &text, &length, e);
  if (status) return status;
  numbers m = {0};
  sg_csv r = {.name = path, .separator = ',', .comment = sg_csv_skip, .e = e};
  sg_csv_text(&r, text, length);
  status = read_rows(&r, &m);
  sg_status faults = sg_csv_end(&r);
  if (!status) status = faults;
  if (!status && !(*out = malloc(sizeof **out + (m.count + (size_t)m.rows) * sizeof *m.number)))
    status = sg_fail_memory(e);
  if (!status) {
    (*out)->rows = m.rows;
    (*out)->columns = m.columns;
    memcpy((*out)->number, m.number, m.count * sizeof *m.number);
    memcpy((*out)->number + m.count, m.line, (size_t)m.rows * sizeof *m.line);
    sg_sha256(text, length, (*out)->sha256);
  }
  free(m.number);
  free(m.line);
  free(text);
  return status;
}

long sg_matrix_line(const sg_matrix *m, int row) {
  return (long)m->number[(size_t)m->rows * (size_t)m->columns + (size_t)row];
}

sg_matrix *sg_matrix_copy(const sg_matrix *m) {
  size_t size = sizeof *m + (size_t)m->rows * ((size_t)m->columns + 1) * sizeof m->number[0];
  sg_matrix *copy = malloc(size);
  if (copy) memcpy(copy, m, size);
  return copy;
}
