/* SPDX-License-Identifier: MIT */
/* Tables for people and programs: aligned text that fits a terminal, CSV, JSON, Markdown, LaTeX. */
#ifndef SG_CORE_TABLE_H
#define SG_CORE_TABLE_H

#include "sim/core/text.h"

typedef enum sg_format {
  SG_FORMAT_TEXT,
  SG_FORMAT_CSV,
  SG_FORMAT_JSON,
  SG_FORMAT_MARKDOWN,
  SG_FORMAT_LATEX
} sg_format;

typedef struct sg_table sg_table;

/* columns: names of the columns, n of them; copied. A name may end in its unit ("iter_mean_s").
 * Without memory NULL, which the other functions take for a table; then, and when there is none
 * later, sg_table_print marks its output as failed. */
sg_table *sg_table_new(int n, const char *const *columns);
void sg_table_free(sg_table *t);
/* One more column, before there are cells. NULL as a name: no memory. */
void sg_table_column(sg_table *t, const char *name);
/* The table, for the next cell, which stands in the column of that name: so the cells of the first
 * row make the columns of a table that had none. Names are unlike each other. */
sg_table *sg_table_at(sg_table *t, const char *name);
/* Cells of the current row, left to right; the row is complete after n cells. */
void sg_table_text(sg_table *t, const char *text);  /* NULL: empty cell, JSON null */
void sg_table_buffer(sg_table *t, sg_buffer *text); /* and frees it; without data: empty */
void sg_table_integer(sg_table *t, long long x);
/* digits: significant digits in text, Markdown and LaTeX; CSV and JSON always have full precision.
 * NAN: empty, JSON null. Numbers are right-aligned. */
void sg_table_number(sg_table *t, double x, int digits);
/* The columns stay. */
void sg_table_drop_rows(sg_table *t);
int sg_table_rows(const sg_table *t);
/* An integer of a cell; 0 where there is none. */
long long sg_table_value(const sg_table *t, int row, int column);
/* The place of a column, or −1; and the name of a column. */
int sg_table_find(const sg_table *t, const char *name);
const char *sg_table_name(const sg_table *t, int column); /* NULL: there is none at that place */
/* Puts a cell as text, Markdown and LaTeX have it, without what they escape. */
void sg_table_put_cell(const sg_table *t, int row, int column, sg_buffer *out);
/* Whether a column has numbers and no texts. */
bool sg_table_is_numeric(const sg_table *t, int column);
int sg_table_columns(const sg_table *t);
/* Keeps the columns at n places, in that order, under other names. */
void sg_table_select(sg_table *t, int n, const int *column, const char *const *name);
/* Keeps the columns from the left that fit into `width` unwrapped, but at least the first `least`;
 * how many are left out. */
int sg_table_narrow(sg_table *t, int width, int least);
/* Columns that it is wide where nothing is wrapped. */
int sg_table_width(const sg_table *t);
/* Orders the rows by a column: numbers by size, texts by their bytes behind them, empty cells last
 * either way; equal ones stay in their order. */
void sg_table_sort(sg_table *t, int column, bool descending);
/* width: columns of the terminal, 0: unlimited. Text only: when the table is wider, the widest text
 * cells are wrapped, numbers never; if it still does not fit, the table is printed in blocks of
 * columns, the first column repeated. JSON: an array of objects. LaTeX: a tabular with
 * the rules of the package booktabs. */
void sg_table_print(const sg_table *t, sg_format format, int width, sg_buffer *out);
/* Prints the rows that there are and drops them; sg_table_print goes on behind them. CSV and JSON
 * only, whose rows do not depend on each other: false otherwise, and nothing is done. */
bool sg_table_print_rows(sg_table *t, sg_format format, sg_buffer *out);

#endif
