/* SPDX-License-Identifier: MIT */
/* The command completion: scripts for shells. */
#include "sim/cli/complete.h"
#include "sim/cli/output.h"

#include <string.h>

static const char *const shells[] = {"bash", "zsh", NULL};

static int run(const sg_call *call) {
  sg_buffer out = {0};
  if (strcmp(call->args->word[0], "bash") == 0)
    sg_put_bash_completion(call->commands, &out);
  else
    sg_put_zsh_completion(call->commands, &out);
  return sg_print(&out);
}

static const sg_operand operands[] = {
    {.name = "SHELL", .what = "bash or zsh", .least = 1, .most = 1, .choices = shells}, {0}};

static const sg_example examples[] = {
    {"completion bash > ~/.local/share/bash-completion/completions/straggle",
     "Complete commands, options, choices, names of codes and files"},
    {0}};

const sg_command sg_cmd_completion = {.name = "completion",
                                      .summary = "Print a completion script for bash or zsh.",
                                      .operands = operands,
                                      .text = "make install puts both where the shells look.",
                                      .examples = examples,
                                      .run = run};
