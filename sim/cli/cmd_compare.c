/* SPDX-License-Identifier: MIT */
/* The command compare: schemes against their baseline. */
#include "results/query.h"
#include "sim/cli/command.h"
#include "sim/cli/output.h"

#include <string.h>
#include <unistd.h>

static const char *const equal_words[] = {"batch", "time", "work", NULL};

/* Each of them is a table of its own. */
static sg_status check(const sg_args *args, sg_error *e) {
  static const char *const table[] = {"best", "equal", "per-code"};
  const char *first = NULL;
  for (int i = 0; i < 3; i++) {
    if (!sg_args_given(args, table[i])) continue;
    if (first)
      sg_fail(e, SG_USAGE, NULL, "--%s and --%s are different tables: expected one of them", first,
              table[i]);
    first = table[i];
  }
  if (sg_args_given(args, "across") && (!first || !strcmp(first, "best")))
    sg_fail(e, SG_USAGE, NULL, "--across is for --equal and --per-code: expected one of them");
  return e->count ? SG_USAGE : SG_OK;
}

static sg_status compare(sg_db *db, const sg_args *args, sg_buffer *out, sg_error *e) {
  const sg_arg *axes = sg_args_find(args, "across");
  sg_buffer across = {0};
  for (int i = 0; i < axes->count; i++) sg_putf(&across, "%s%s", i ? "," : "", axes->item[i]);
  const sg_compare_options options = {.baseline = sg_args_text(args, "baseline"),
                                      .columns = sg_args_text(args, "columns"),
                                      .sort = sg_args_text(args, "sort"),
                                      .simultaneous = sg_args_given(args, "simultaneous"),
                                      .best = sg_args_given(args, "best"),
                                      .equal = sg_args_text(args, "equal"),
                                      .tuned = sg_args_given(args, "per-code"),
                                      .across = across.data,
                                      .format = sg_args_format(args),
                                      .width = sg_terminal_width(),
                                      .color = sg_color(STDOUT_FILENO)};
  sg_status status = across.failed ? sg_fail_memory(e) : check(args, e);
  if (!status) status = sg_compare(db, &options, out, e);
  sg_buffer_free(&across);
  return status;
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
                SG_OPTION_ROW_FLAG("best", 0,
                                   "one line per environment: the fastest scheme, the next, the "
                                   "lead"),
                SG_OPTION_ROW("equal", 0, CHOICE, "WHAT",
                              "points at equal batch, time or work (worker-seconds): what a sample "
                              "costs",
                              .choices = equal_words),
                SG_OPTION_ROW_FLAG("per-code", 0,
                                   "each code at its best parameters, chosen on one half of the "
                                   "replications and measured on the other"),
                SG_OPTION_ROW("across", 0, LIST, "AXES",
                              "puts environments together that differ in these axes of the sweep "
                              "alone, for --equal and --per-code"),
                SG_OPTION_ROW("columns", 0, TEXT, "LIST",
                              "these columns, with commas between them; or all. CSV and JSON have "
                              "all by themselves"),
                SG_OPTION_ROW("sort", 0, TEXT, "COLUMN",
                              "rows in the order of a column; --sort=-COLUMN: descending"),
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed"),
                SG_OPTION_ROW_FLAG("latex", 0, "short for --format=latex", .short_for = "format",
                                   .fallback = "latex")},
    .text = {"Runs are paired, as all schemes see the same delays: speed-ups come with 95 % "
             "intervals. The fastest stands first; whether it is ahead of all others beyond chance "
             "stands under the table."},
    .examples = {{"compare scenarios/quickstart.db",
                  "Which scheme is the fastest, and how certain that is"},
                 {"compare sweep.db --best", "A sweep: one line per environment"},
                 {"compare sweep.db --equal work --across n",
                  "Points of any number of workers: what a sample costs in worker-seconds"},
                 {"compare sweep.db --per-code --across n,net",
                  "Each code at its best parameters and in its best environment"},
                 {"compare my.db -b 'cyclic-repetition s=1'", "Against another scheme"},
                 {"compare my.db --columns scheme,work,speed-up,mb_received_mean --sort work",
                  "Columns of your own choice"}},
    .ask = compare};
