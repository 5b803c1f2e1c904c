/* SPDX-License-Identifier: MIT */
/* Comma-separated values (RFC 4180), record by record, for everything that is read from such files:
 * data, traces, times, matrices.
 *
 * A byte order mark, CRLF, blank lines, white space around fields and quoted fields (in which a
 * doubled quote stands for one, and lines may end) are taken in stride. Refused are NUL bytes (so
 * UTF-16 and compressed files), lines that end with CR alone, and a first record that has another
 * usual separator instead. Every fault has its place, file:line:column, columns being counted in
 * characters as editors do; after SG_CSV_FAULTS of them the rest is only counted.
 *
 *   sg_csv r = {.name = path, .separator = ',', .e = e};
 *   sg_csv_text(&r, text, length);
 *   while (!(status = sg_csv_next(&r)) && r.count > 0 || status == SG_INVALID) …
 *   status = sg_csv_end(&r);  */
#ifndef SG_CORE_CSV_H
#define SG_CORE_CSV_H

#include "sim/core/error.h"

#include <stddef.h>

enum { SG_CSV_FAULTS = 20 };

/* Without the white space and the quotes around it. No NUL follows. */
typedef struct sg_csv_field {
  const char *text;
  size_t length;
  const char *at; /* where it begins in the file, for places */
} sg_csv_field;

typedef struct sg_csv {
  /* Set by the caller; the rest is zero at first. */
  const char *name;   /* of the file */
  char separator;     /* any character but a quote and the ends of lines */
  const char *remedy; /* said when the file has another separator; NULL: nothing */
  /* What is done with lines that begin with '#': they are given to this function, without the '#';
   * false: no memory. NULL: such lines are records like others. */
  bool (*comment)(void *context, const char *text, size_t length);
  void *context;
  sg_error *e;
  /* The last record. */
  int count; /* fields; 0: the file is at its end */
  sg_csv_field *field;
  long line;   /* where it began, from 1 */
  long faults; /* of the file so far */
  /* The reader's own. */
  const char *next, *end, *record, *stop;
  bool begun;
  long next_line;
  size_t capacity, unquoted_length;
  char *unquoted; /* fields in which quotes were doubled */
} sg_csv;

/* The text to read; it must live as long as the reader. */
void sg_csv_text(sg_csv *r, const char *text, size_t length);
/* The next record that is not blank; its fields are valid until the next call. A record that is
 * wrong is reported and passed over with SG_INVALID. O(its length). */
sg_status sg_csv_next(sg_csv *r);
/* Counts what was not listed, and frees what the reader owns. SG_INVALID if there were faults. */
sg_status sg_csv_end(sg_csv *r);

/* A comment function that passes over. */
bool sg_csv_skip(void *context, const char *text, size_t length);

/* Whether the record has `columns` fields; else it is a fault. */
bool sg_csv_has(sg_csv *r, int columns);

bool sg_csv_is(sg_csv_field field, const char *word);
/* Whether a column has no name, or the one that pandas makes of none: such a column is an index. */
bool sg_csv_is_unnamed(sg_csv_field name);
/* Whether a field is a decimal number and nothing else, hexadecimal not being taken for one; it may
 * be infinite or no number ("nan"). */
bool sg_csv_number(const sg_csv *r, int i, double *x);
/* Whether a number is one to reckon with: of at most 1e250, so that sums stay finite, and not the
 * largest float, which stands for a missing value in some files as the largest double does. */
bool sg_csv_is_usable(double x);
/* As sg_csv_number, but what is not usable is a fault. column: the name of the column, NULL: none
 * is said. */
bool sg_csv_finite(sg_csv *r, int i, const char *column, double *x);

/* `; did you mean "b"?` and `; the header has "a", "b", …`, of the names in this record, a header,
 * that has not the one that was wanted. */
struct sg_buffer;
void sg_csv_put_columns(const sg_csv *r, const char *wanted, struct sg_buffer *out);

/* A fault at field i of the record: i = count is behind its last, −1 its beginning. Always
 * SG_INVALID. */
sg_status sg_csv_fault(sg_csv *r, int i, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "expected …, found "field i"" or "found nothing". */
sg_status sg_csv_expected(sg_csv *r, int i, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A fault of a whole line, for what only the whole file can tell. */
sg_status sg_csv_fault_in(sg_csv *r, long line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
