/* SPDX-License-Identifier: MIT */
/* The command merge: databases into one. */
#include "results/merge.h"
#include "sim/cli/output.h"
#include "sim/cli/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static int print_report(const sg_call *call, const char *path, const sg_merge_report *r) {
  if (sg_args_format(call->args) == SG_FORMAT_JSON) {
    sg_buffer out = {0};
    sg_put(&out, "{");
    sg_put_json_text_member(&out, "database", path);
    SG_PUT_NUMBERS(&out, {"databases", r->databases}, {"added", r->runs}, {"found", r->found},
                   {"replaced", r->replaced}, {"checks", r->checks},
                   {"shards_missing", r->shards_missing});
    sg_put(&out, "}\n");
    return sg_print(&out);
  }
  if (sg_args_given(call->args, "quiet")) return EX_OK;
  sg_say("%s: %d runs added from %d databases, %d were there already", path, r->runs, r->databases,
         r->found);
  if (r->replaced) fprintf(stderr, ", %d are more detailed now", r->replaced);
  if (r->checks) fprintf(stderr, ", %d checks of codes added", r->checks);
  fprintf(stderr, "\n");
  if (r->shards_missing)
    fprintf(stderr, "%d of %d shards are not among them\n", r->shards_missing, r->of_shards);
  return EX_OK;
}

/* A new database gets its name when it is whole; what has the name meanwhile is left alone. */
static sg_status publish(const char *part, const char *path, sg_error *e) {
  int code = link(part, path);
  if (code && (errno == EPERM || errno == ENOTSUP)) return rename(part, path) ? SG_IO : SG_OK;
  if (code)
    return sg_fail(e, errno == EEXIST ? SG_BUSY : SG_CANNOT_CREATE, path,
                   "cannot give the merged database this name: %s; it is %s", strerror(errno),
                   part);
  unlink(part);
  return SG_OK;
}

static int run(const sg_call *call) {
  const atomic_bool *stop = sg_catch_signals(true);
  const char *path = call->args->word[0];
  bool new = access(path, F_OK) != 0;
  sg_error e = {0};
  sg_db *db = NULL;
  sg_merge_report report;
  sg_buffer part = {0};
  sg_putf(&part, new ? "%s.part" : "%s", path);
  sg_status status =
      part.failed ? sg_fail_memory(&e) : sg_db_open(part.data, SG_OPEN_WRITE, &db, &e);
  if (!status) {
    status = sg_merge(db, path, call->args->n_words - 1, call->args->word + 1, stop, &report, &e);
    sg_status closing = sg_db_close(db, &e);
    if (!status) status = closing;
    if (new && !status) status = publish(part.data, path, &e);
    if (new &&status) unlink(part.data);
  }
  int code = status ? sg_print_faults(NULL, path, sg_args_format(call->args), &e)
                    : print_report(call, path, &report);
  if (status == SG_INTERRUPTED) fprintf(stderr, "stopped: nothing was written\n");
  sg_error_clear(&e);
  sg_buffer_free(&part);
  return status ? sg_exit_code(status) : code;
}

const sg_command sg_cmd_merge = {
    .name = "merge",
    .summary = "Add databases, such as those of shards, to one.",
    .operands = {SG_OPERAND_FILE("OUT", "the database to add to"),
                 SG_OPERAND_FILES("DB", "a database to add")},
    .options = {SG_OPTION_ROWS_FORMAT(sg_report_words, "json: the summary"),
                SG_OPTION_ROW_FLAG("quiet", 'q', "no summary")},
    .text = {"Runs that OUT has are not added again: they are compared, and what is not the same "
             "to the bit is a fault. Then nothing is written, as after an interrupt. OUT is made "
             "if it is not there."},
    .examples = {{"merge my.db my.shard-*.db", "What the shards have computed, in one database"}},
    .run = run};
