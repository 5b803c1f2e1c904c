/* SPDX-License-Identifier: MIT */
/* Questions to a result database in SQL, and those that have names: `straggle query`. */
#ifndef SG_RESULTS_QUERY_H
#define SG_RESULTS_QUERY_H

#include "results/results.h"
#include "sim/core/table.h"

/* SQL, or "@name" for a named query. The connection cannot write. "@" alone, or NULL, lists the
 * named queries. Faults of the SQL come with SQLite's message and, for unknown tables, the nearest
 * name. */
sg_status sg_query(sg_db *db, const char *sql, sg_format format, int width, sg_buffer *out,
                   sg_error *e);

/* One value of a row as a cell of a table: a blob as hexadecimal digits, NULL as an empty cell. */
void sg_put_value(sg_table *t, sqlite3_stmt *s, int column);

#endif
