/* SPDX-License-Identifier: MIT */
/* Questions to a result database: compare, query. */
#ifndef SG_RESULTS_ASK_H
#define SG_RESULTS_ASK_H

#include "results/results.h"
#include "sim/core/table.h"

/* The paired comparison of all schemes of each environment with its baseline. text: for people,
 * with a heading per environment, notes and a legend; otherwise one table of all rows. baseline: a
 * code or scheme label instead of the stored one, or NULL. */
sg_status sg_compare(sg_db *db, const char *baseline, sg_format format, int width, bool color,
                     sg_buffer *out, sg_error *e);

/* SQL, or "@name" for a named query. The connection cannot write. "@" alone, or NULL, lists the
 * named queries. Faults of the SQL come with SQLite's message and, for unknown tables, the nearest
 * name. */
sg_status sg_query(sg_db *db, const char *sql, sg_format format, int width, sg_buffer *out,
                   sg_error *e);

#endif
