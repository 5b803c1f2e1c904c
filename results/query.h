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

/* The paired comparison of all schemes of each environment with its baseline. text: for people,
 * with a heading per environment, notes and a legend; otherwise one table of all rows, with a
 * column for each axis of the sweeps. baseline: a code or scheme label instead of the stored one,
 * or NULL. simultaneous: see judge.h. */
sg_status sg_compare(sg_db *db, const char *baseline, bool simultaneous, sg_format format,
                     int width, bool color, sg_buffer *out, sg_error *e);

/* One value of a row as a cell of a table: a blob as hexadecimal digits, NULL as an empty cell. */
void sg_put_value(sg_table *t, sqlite3_stmt *s, int column);

#endif
