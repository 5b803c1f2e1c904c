/* SPDX-License-Identifier: MIT */
/* The command help. */
#include "sim/cli/command.h"
#include "sim/cli/output.h"

static int run(const sg_call *call) {
  sg_buffer out = {0};
  const sg_command *c;
  int code = sg_named_command(call, &c);
  if (code) return code;
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
