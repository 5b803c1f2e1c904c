/* SPDX-License-Identifier: MIT */
/* The command help. */
#include "sim/cli/command.h"
#include "sim/cli/output.h"

static int run(const sg_call *call) {
  const sg_args *a = call->args;
  sg_buffer out = {0};
  int used = 0;
  const sg_command *c = sg_command_find(a->n_words, a->word, &used);
  if (used < a->n_words)
    return sg_usage_fault(call, "there is no command \"%s%s%s\"", a->word[0],
                          a->n_words > 1 ? " " : "", a->n_words > 1 ? a->word[1] : "");
  if (c)
    sg_put_help(c, &out);
  else
    sg_put_list(&out);
  return sg_print(&out);
}

const sg_command sg_cmd_help = {
    .name = "help",
    .summary = "Explain straggle or one of its commands.",
    .operands = {{.name = "COMMAND", .what = "a command", .most = 2, .command = true}},
    .examples = {{"help codes check", "What that command takes"}},
    .run = run};
