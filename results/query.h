/* SPDX-License-Identifier: MIT */
/* What a result database is asked, printed: in SQL or by name, `straggle query`; and the comparison
 * of schemes, `straggle compare`, of which judge.c says what they are worth. */
#ifndef SG_RESULTS_QUERY_H
#define SG_RESULTS_QUERY_H

#include "results/results.h"
#include "sim/core/table.h"

/* Writes out what is in a buffer and empties it; false: that failed, errno says why. */
typedef bool sg_flush(sg_buffer *out);

/* SQL, or "@name" for a named query. The connection cannot write. "@" alone, or NULL, lists the
 * named queries. Faults of the SQL come with SQLite's message and, for unknown tables, the nearest
 * name. flush: where CSV and JSON go as they come, so that an answer may be larger than the memory;
 * its end is left in `out`. NULL: all is put into `out`. */
sg_status sg_query(sg_db *db, const char *sql, sg_format format, int width, sg_flush *flush,
                   sg_buffer *out, sg_error *e);

typedef struct sg_compare_options {
  const char *baseline; /* a code or scheme label instead of the stored one; NULL */
  const char *columns;  /* "a,b" or "all"; NULL: what the format shows by itself */
  const char *sort;     /* a column, "-a" descending; NULL: the fastest first */
  bool simultaneous;    /* see judge.h */
  bool best;            /* one line per environment */
  const char *equal;    /* "batch", "time", "work": points at equal amounts of it; NULL */
  bool tuned;           /* each code at its best parameters */
  const char *across;   /* axes over which environments are put together, for both; NULL: none */
  sg_format format;
  int width; /* of the terminal; 0: unlimited */
  bool color;
} sg_compare_options;

/* The paired comparison of all schemes of each environment with its baseline and with each other.
 * Text, Markdown and LaTeX are for people: a table per environment, the fastest first, with what it
 * says in words; CSV and JSON one table of all rows and columns, with one for each axis of the
 * sweeps. */
sg_status sg_compare(sg_db *db, const sg_compare_options *options, sg_buffer *out, sg_error *e);

/* One value of a row as a cell of a table: a blob as hexadecimal digits, NULL as an empty cell. */
void sg_put_value(sg_table *t, sqlite3_stmt *s, int column);

#endif
