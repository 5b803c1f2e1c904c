/* SPDX-License-Identifier: MIT */
/* Parts of a page of HTML. Texts are not trusted: all are escaped. */
#ifndef SG_RESULTS_PICTURES_HTML_H
#define SG_RESULTS_PICTURES_HTML_H

#include "results/database.h"
#include "sim/core/table.h"

/* Everything before the contents of <body>, and after. */
void sg_html_begin(sg_buffer *out, const char *title);
void sg_html_end(sg_buffer *out);
/* A text in a tag: <p>text</p>. */
void sg_html_text(sg_buffer *out, const char *tag, const char *text);
/* Each line of a text in a tag. */
void sg_html_lines(sg_buffer *out, const char *tag, const char *text);
/* A command to be typed; words that a shell would take apart are quoted. */
void sg_html_command(sg_buffer *out, int n, const char *const *word);
/* A table that can be sorted, in a box that scrolls. `most`: rows at most; how many are left out.
 */
int sg_html_table(sg_buffer *out, const sg_table *t, int most);
/* The answer to a query as such a table. */
sg_status sg_html_query(sg_db *db, const char *sql, int most, sg_buffer *out, sg_error *e);

#endif
