/* SPDX-License-Identifier: MIT */
/* The command man: the manual, from the tables of all commands. */
#include "sim/cli/command.h"

static void print(const sg_call *call, sg_buffer *out) {
  if (sg_args_find(call->args, "format")->choice == 0)
    sg_put_man(out);
  else
    sg_put_reference(out);
}

const sg_command sg_cmd_man = {
    .name = "man",
    .summary = "Print the manual page.",
    .options = {SG_OPTION_ROW("format", 'f', CHOICE, "F", "roff for man(1), or docs/commands.md",
                              .choices = (const char *const[]){"roff", "markdown", NULL},
                              .fallback = "roff")},
    .examples = {{"man > straggle.1 && man ./straggle.1",
                  "Read it where straggle is not installed"}},
    .print = print};
