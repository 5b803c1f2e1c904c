/* SPDX-License-Identifier: MIT */
/* The command forget: takes results out of a database. */
#include "results/curate.h"
#include "sim/cli/output.h"
#include "sim/cli/session.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>

static double bytes_of(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 ? (double)info.st_size : 0;
}

static int print_report(const sg_call *call, bool dry, double before, sg_forgotten *found) {
  const char *path = call->args->word[0];
  double after = bytes_of(path);
  sg_buffer out = {0};
  if (sg_args_format(call->args) == SG_FORMAT_JSON) {
    sg_put(&out, "{");
    sg_put_json_text_member(&out, "database", path);
    sg_put_json_bool_member(&out, "dry_run", dry);
    SG_PUT_NUMBERS(&out, {"environments", (double)found->environments},
                   {"points", (double)found->points}, {"runs", (double)found->runs},
                   {"bytes_before", before}, {"bytes", after});
    sg_put(&out, "}\n");
    return sg_print(&out);
  }
  char size[2][32];
  sg_buffer text = {0};
  sg_putf(&text, "%s: %lld runs of %lld point%s in %lld environment%s %s", path,
          (long long)found->runs, (long long)found->points, found->points == 1 ? "" : "s",
          (long long)found->environments, found->environments == 1 ? "" : "s",
          dry ? "would be forgotten" : "forgotten");
  if (!dry)
    sg_putf(&text, "; %s before, %s now", sg_format_bytes(before, size[0]),
            sg_format_bytes(after, size[1]));
  sg_put(&text, "\n");
  if (found->list.data) sg_put(&text, found->list.data);
  out.failed = text.failed || found->list.failed;
  if (!out.failed) sg_put_clean(&out, text.data, text.length, "\n", '?');
  sg_buffer_free(&text);
  return sg_print(&out);
}

static int run(const sg_call *call) {
  const sg_args *args = call->args;
  const char *path = args->word[0];
  const sg_arg *environments = sg_args_find(args, "environment");
  const sg_forget what = {.n_environments = environments->count,
                          .environment = environments->item,
                          .scenario = sg_args_text(args, "scenario"),
                          .scheme = sg_args_text(args, "scheme"),
                          .where = sg_args_text(args, "where")};
  if (!what.n_environments && !what.scenario && !what.scheme && !what.where)
    return sg_usage_fault(
        call, "expected what to forget: --environment, --scenario, --scheme or --where");
  bool dry = sg_args_given(args, "dry-run");
  double before = bytes_of(path);
  sg_error e = {0};
  sg_db *db = NULL;
  sg_forgotten found = {0};
  /* A file that is not there is not made, and one of which nothing is to go is not touched. */
  sg_status status = sg_db_open(path, SG_OPEN_READ, &db, &e);
  if (!status) status = sg_forget_find(db, &what, &found, &e);
  if (db) sg_db_close(db, &e);
  if (!status && !dry && found.points > 0) {
    sg_provenance made;
    const atomic_bool *stop = sg_catch_signals(true);
    sg_buffer_free(&found.list);
    db = NULL;
    status = sg_db_open_until(path, SG_OPEN_WRITE, stop, &db, &e);
    if (!status)
      status = sg_forget_points(db, &what, sg_provenance_read(call, 1, &made), &found, &e);
    sg_status closing = db ? sg_db_close(db, &e) : SG_OK;
    if (!status) status = closing;
  }
  int code = status ? sg_say_faults(call->command->name, status, &e)
                    : print_report(call, dry, before, &found);
  sg_error_clear(&e);
  sg_buffer_free(&found.list);
  return code;
}

const sg_command sg_cmd_forget = {
    .name = "forget",
    .summary = "Take results out of a database again.",
    .operands = {SG_OPERAND_FILE("DB", "one result database")},
    .options = {SG_OPTION_ROW("environment", 'e', LIST, "N",
                              "an environment, by its number in compare or the beginning of its "
                              "env_sha256; with commas, or repeated"),
                SG_OPTION_ROW("scenario", 0, TEXT, "NAME",
                              "results of the scenario of this name "
                              "or file"),
                SG_OPTION_ROW("scheme", 0, TEXT, "LABEL", "a scheme by its label, or a code"),
                SG_OPTION_ROW("where", 'w', TEXT, "SQL",
                              "points for which this holds: an expression over the columns of "
                              "v_point, axes included"),
                SG_OPTION_ROW_FLAG("dry-run", 0, "only say what would be forgotten"),
                SG_OPTION_ROWS_FORMAT(sg_report_words, "json: the summary")},
    .text = {"Of several conditions all must hold. Runs, and points and scenarios that none is "
             "left of, go for good, and the file becomes smaller; what else is in it stays, with "
             "who computed it. Environments are counted anew afterwards."},
    .examples = {{"forget my.db --environment 2 --dry-run", "What that would take out"},
                 {"forget my.db --scenario quickstart", "All results of a scenario"},
                 {"forget my.db --where \"n_workers > 24 AND code = 'ye-abbe'\"",
                  "Points by their columns"}},
    .run = run};
