/* SPDX-License-Identifier: MIT */
/* The command compare: schemes against their baseline. */
#include "results/query.h"
#include "sim/cli/command.h"
#include "sim/cli/output.h"

#include <unistd.h>

static sg_status compare(sg_db *db, const sg_args *args, sg_buffer *out, sg_error *e) {
  return sg_compare(db, sg_args_text(args, "baseline"), sg_args_given(args, "simultaneous"),
                    sg_args_format(args), sg_terminal_width(), sg_color(STDOUT_FILENO), out, e);
}

const sg_command sg_cmd_compare = {
    .name = "compare",
    .summary = "Compare the schemes of each environment, run by run.",
    .operands = {SG_OPERAND_FILE("DB", "one result database")},
    .options = {SG_OPTION_ROW("baseline", 'b', TEXT, "NAME",
                              "a code or scheme label instead of the scenario's baseline"),
                SG_OPTION_ROW_FLAG("simultaneous", 's',
                                   "95 % for all intervals and verdicts together (Bonferroni), not "
                                   "for each"),
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed")},
    .text = {"Runs are paired, as all schemes see the same delays: speed-ups come with 95 % "
             "intervals and a verdict."},
    .examples = {{"compare scenarios/quickstart.db",
                  "Which scheme is faster, and how certain that is"},
                 {"compare my.db -b 'cyclic-repetition s=1'", "Against another scheme"},
                 {"compare sweep.db --simultaneous",
                  "Many comparisons: one level for all of them"}},
    .ask = compare};
