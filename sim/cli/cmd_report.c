/* SPDX-License-Identifier: MIT */
/* The command report: a database as one page of HTML. */
#include "results/pictures/report.h"
#include "sim/cli/command.h"

#include <string.h>

static sg_status report(sg_db *db, const sg_args *a, sg_buffer *out, sg_error *e) {
  const char *path = a->word[0], *slash = strrchr(path, '/');
  const char *base = slash ? slash + 1 : path, *output = sg_args_text(a, "output");
  const sg_report_options options = {
      .name = base, .title = sg_args_text(a, "title"), .baseline = sg_args_text(a, "baseline")};
  sg_buffer page = {0}, name = {0};
  size_t n = strlen(base), stem = n > 3 && !strcmp(base + n - 3, ".db") ? n - 3 : n;
  if (output)
    sg_put(&name, output);
  else
    sg_putf(&name, "%.*s.html", (int)stem, base);
  sg_status status = name.failed ? sg_fail_memory(e) : sg_report(db, &options, &page, e);
  if (!status) status = sg_write_file(name.data, &page, e);
  if (!status)
    sg_putf(out, "%s: %zu kB; any browser shows it\n", name.data, (page.length + 999) / 1000);
  sg_buffer_free(&name);
  sg_buffer_free(&page);
  return status;
}

const sg_command sg_cmd_report = {
    .name = "report",
    .summary = "Write a database as one page: answer, pictures, numbers.",
    .operands = {SG_OPERAND_FILE("DB", "one result database")},
    .options = {SG_OPTION_ROW("output", 'o', FILE, "FILE.html",
                              "the page; DB.html in the current folder if not given"),
                SG_OPTION_ROW("title", 0, TEXT, "TEXT",
                              "its title; the names of the scenarios if not given"),
                SG_OPTION_ROW("baseline", 'b', TEXT, "NAME",
                              "a code or scheme label instead of the scenario's baseline")},
    .text =
        {"The page is one file below 1 MB that loads nothing: the answer in words, pictures with "
         "their numbers and the commands that make them, the scenario and where all of it comes "
         "from. What the database lacks is named, with the way to it."},
    .examples = {{"report scenarios/quickstart.db -o report.html",
                  "One page to look at or to send"},
                 {"report sweep.db --title 'Two networks'", "Of a sweep"}},
    .ask = report};
