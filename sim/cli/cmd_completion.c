/* SPDX-License-Identifier: MIT */
/* The command completion: scripts for shells, which ask `straggle __complete WORDS` for candidates,
 * one a line with a tab and what it is behind; ":files" stands for names of files. */
#include "sim/cli/command.h"

#include <string.h>

static const char bash[] =
    "# Completion of straggle for bash; made by `straggle completion bash`.\n"
    "_straggle() {\n"
    "  local current=${COMP_WORDS[COMP_CWORD]} line files=\n"
    "  COMPREPLY=()\n"
    "  while IFS= read -r line; do\n"
    "    if [[ $line == :files ]]; then files=1; else COMPREPLY+=(\"${line%%$'\\t'*}\"); fi\n"
    "  done < <(\"${COMP_WORDS[0]}\" __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "  if [[ -n $files ]]; then\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"${current#=}\")\n"
    "  fi\n"
    "}\n"
    "complete -F _straggle straggle\n";

/* For a folder of $fpath, as _straggle. */
static const char zsh[] =
    "#compdef straggle\n"
    "# Completion of straggle for zsh; made by `straggle completion zsh`.\n"
    "_straggle() {\n"
    "  local -a found\n"
    "  found=(\"${(@f)$(\"$words[1]\" __complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
    "  compset -P 1 '--*='\n"
    "  if [[ $found[1] == :files ]]; then\n"
    "    _files\n"
    "    shift found\n"
    "  fi\n"
    "  found=(\"${(@)found//:/\\\\:}\")\n"
    "  found=(\"${(@)found/$'\\t'/:}\")\n"
    "  _describe straggle found\n"
    "}\n"
    "if [[ $funcstack[1] == _straggle ]]; then _straggle; else compdef _straggle straggle; fi\n";

static void print(const sg_call *call, sg_buffer *out) {
  sg_put(out, strcmp(call->args->word[0], "bash") == 0 ? bash : zsh);
}

const sg_command sg_cmd_completion = {
    .name = "completion",
    .summary = "Print a completion script for bash or zsh.",
    .operands = {{.name = "SHELL",
                  .what = "bash or zsh",
                  .least = 1,
                  .most = 1,
                  .choices = (const char *const[]){"bash", "zsh", NULL}}},
    .text = {"make install puts both where the shells look."},
    .examples = {{"completion bash > ~/.local/share/bash-completion/completions/straggle",
                  "Complete commands, options, choices, names of codes and files"}},
    .print = print};
