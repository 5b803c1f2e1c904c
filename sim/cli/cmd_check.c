/* SPDX-License-Identifier: MIT */
/* The command check: what is wrong in scenarios, and what would be skipped. */
#include "sim/cli/output.h"
#include "sim/cli/session.h"

#include <string.h>
#include <sysexits.h>

static int print_valid(const sg_session *s) {
  const sg_plan *plan = s->plan;
  sg_buffer out = {0};
  sg_putf(&out, "%s: valid, %d points", s->path, plan->n_valid);
  if (plan->n_skipped) sg_putf(&out, ", %d combinations that a code cannot have", plan->n_skipped);
  sg_put(&out, "\n  results go to ");
  sg_put_clean(&out, s->database, strlen(s->database), "", '?');
  sg_put(&out, "\n");
  sg_put_skipped(plan, "  ", false, &out);
  sg_plan_notes(plan, &out);
  return sg_print(&out);
}

static int run(const sg_call *call) {
  int code = EX_OK;
  for (int i = 0; i < call->args->n_words; i++) {
    sg_session s;
    int one = EX_OK;
    sg_status status = sg_session_open(call, call->args->word[i], &s);
    if (!status) status = sg_session_place(&s, NULL);
    if (!status && s.format == SG_FORMAT_JSON)
      one = sg_print_faults(s.scenario, s.path, s.format, &s.error);
    else if (!status)
      one = print_valid(&s);
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
                SG_OPTION_ROWS_FORMAT(sg_report_words, "how faults are printed")},
    .text = {"Says, too, where results would go and what a run would skip, and warns of what does "
             "nothing."},
    .examples = {{"check my.json", "Every fault at once, with line, column and the nearest name"}},
    .run = run};
