/* SPDX-License-Identifier: MIT */
/* The command query: SQL and named queries. */
#include "results/query.h"
#include "sim/cli/command.h"
#include "sim/cli/output.h"

static sg_status query(sg_db *db, const sg_args *args, sg_buffer *out, sg_error *e) {
  return sg_query(db, args->n_words > 1 ? args->word[1] : NULL, sg_args_format(args),
                  sg_table_width_here(), sg_print_part, out, e);
}

const sg_command sg_cmd_query = {
    .name = "query",
    .summary = "Ask a result database: SQL, or a named query.",
    .operands = {SG_OPERAND_FILE("DB", "a result database"),
                 {.name = "SQL | @NAME", .what = "one question", .most = 1}},
    .options = {SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed")},
    .text = {"Without a question the named queries are listed. Nothing is written."},
    .examples = {{"query my.db @points --format markdown",
                  "A named query; without a question all are listed"},
                 {"query my.db \"SELECT scheme_label, iter_mean_s FROM v_point\"", "SQL"}},
    .ask = query};
