/* SPDX-License-Identifier: MIT */
/* The command check: what is wrong in scenarios, and what would be skipped. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"

#include <string.h>
#include <sysexits.h>

static int print_valid(const sg_session *s, bool all, sg_error *e) {
  const sg_plan *plan = s->plan;
  sg_buffer out = {0};
  sg_putf(&out, "%s: valid, %d points", s->path, plan->n_valid);
  if (plan->n_skipped) sg_putf(&out, ", %d combinations that a code cannot have", plan->n_skipped);
  sg_put(&out, "\n  results go to ");
  sg_put_clean(&out, s->database, strlen(s->database), "", '?');
  sg_put(&out, "\n");
  if (sg_put_skipped(plan, all, &out, e)) out.failed = true;
  sg_plan_notes(plan, true, &out);
  return sg_print(&out);
}

/* What a file without faults is said to be, in the form of those with faults. */
static int print_valid_json(const sg_session *s) {
  sg_buffer out = {0};
  sg_put(&out, "{");
  sg_put_json_text_member(&out, "file", s->path);
  sg_put_json_raw_member(&out, "faults", "[]");
  sg_put_json_number_member(&out, "points", s->plan->n_valid);
  sg_put_json_text_member(&out, "database", s->database);
  sg_put_json_name(&out, "skipped");
  sg_put_skipped_json(s->plan, &out);
  sg_put(&out, "}\n");
  return sg_print(&out);
}

static int run(const sg_call *call) {
  int code = EX_OK;
  bool all = sg_args_given(call->args, "verbose");
  for (int i = 0; i < call->args->n_words; i++) {
    sg_session s;
    int one = EX_OK;
    sg_status status = sg_session_open(call, call->args->word[i], &s);
    if (!status) status = sg_session_place(&s, NULL);
    if (!status && s.format == SG_FORMAT_JSON)
      one = print_valid_json(&s);
    else if (!status)
      one = print_valid(&s, all, &s.error);
    one = sg_session_close(&s, status, one);
    if (one != EX_OK) code = one;
  }
  return code;
}

const sg_command sg_cmd_check = {
    .name = "check",
    .summary = "List everything that is wrong in scenarios.",
    .operands = {SG_OPERAND_FILES("SCENARIO", "a scenario file")},
    .options = {SG_OPTION_ROW_SET,
                SG_OPTION_ROW_FLAG(
                    "verbose", 'v',
                    "combinations that are skipped, for every environment by itself"),
                SG_OPTION_ROWS_FORMAT(sg_report_words, "how faults are printed")},
    .text = {"Says, too, where results would go and what a run would skip, and warns of what does "
             "nothing."},
    .examples = {{"check my.json", "Every fault at once, with line, column and the nearest name"}},
    .run = run};
