/* SPDX-License-Identifier: MIT */
/* The command completion: scripts for shells, which ask `straggle __complete WORDS` for candidates
 * at every completion, so that they never grow old; and these, from the descriptors. */
#include "sim/cli/command.h"
#include "sim/cli/output.h"

#include <string.h>

/* --- The scripts ------------------------------------------------------------------------------ */

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

/* --- Candidates ------------------------------------------------------------------------------- */

/* A candidate, where it begins as the word does, and what it is. */
static void offer(const char *candidate, const char *what, const char *begin, sg_buffer *out) {
  if (strncmp(candidate, begin, strlen(begin)) == 0)
    sg_putf(out, what ? "%s\t%s\n" : "%s\n", candidate, what);
}

static void offer_all(const char *const *words, const char *begin, sg_buffer *out) {
  for (; words && *words; words++) offer(*words, NULL, begin, out);
}

/* The first words of commands; below != NULL: the second words of those whose first it is. */
static void offer_commands(const char *below, const char *begin, sg_buffer *out) {
  for (const sg_command *const *c = sg_commands; *c; c++) {
    const char *word = below ? sg_command_below(*c, below) : (*c)->name;
    if (word && !strchr(word, ' ')) offer(word, (*c)->summary, begin, out);
  }
}

/* The option with a value that a word names; NULL: none. */
static const sg_option *option_of(const sg_command *c, const char *word) {
  for (const sg_option *o = c->options; o->name; o++) {
    const char letter[] = {'-', o->letter, '\0'};
    bool named = strncmp(word, "--", 2) == 0 ? strcmp(word + 2, o->name) == 0
                                             : o->letter && strcmp(word, letter) == 0;
    if (named && o->kind != SG_OPTION_FLAG) return o;
  }
  return NULL;
}

static void offer_options(const sg_command *c, const char *begin, sg_buffer *out) {
  for (const sg_option *o = c->options; o->name; o++) {
    sg_buffer name = {0};
    sg_putf(&name, "--%s", o->name);
    if (!name.failed) offer(name.data, o->help, begin, out);
    sg_buffer_free(&name);
  }
  offer("--help", "help", begin, out);
}

static void offer_operand(const sg_operand *o, const char *begin, sg_buffer *out) {
  if (o->file) sg_put(out, ":files\n");
  offer_all(o->choices, begin, out);
  if (o->command) offer_commands(NULL, begin, out);
  for (int i = 0; o->family && o->family->at(i); i++)
    offer(o->family->at(i)->name, o->family->at(i)->brief, begin, out);
}

int sg_complete(int n, char **word) {
  char *begin = n > 0 ? word[n - 1] : "", *before = n > 1 ? word[n - 2] : "", *equals;
  sg_buffer out = {0};
  sg_put(&out, "");
  /* --format=json is one word, or three, as bash takes it apart. */
  if (strcmp(begin, "=") == 0) {
    begin = "";
  } else if (strcmp(before, "=") == 0 && n > 2) {
    before = word[n - 3];
  } else if (strncmp(begin, "--", 2) == 0 && (equals = strchr(begin, '='))) {
    *equals = '\0';
    before = begin;
    begin = equals + 1;
  }
  if (n <= 1) {
    offer_commands(NULL, begin, &out);
    offer_all((const char *const[]){"--help", "--version", NULL}, begin, &out);
    return sg_print(&out);
  }
  int used = 0;
  const sg_command *c = sg_command_find(n > 2 ? 2 : 1, (const char *const *)word, &used);
  if (!c) return sg_print(&out);
  const sg_option *o = option_of(c, before);
  if (n == 2) offer_commands(c->name, begin, &out);
  if (o && o->kind == SG_OPTION_FILE)
    sg_put(&out, ":files\n");
  else if (o)
    offer_all(o->choices, begin, &out);
  else if (*begin == '-')
    offer_options(c, begin, &out);
  else
    offer_operand(c->operands, begin, &out);
  return sg_print(&out);
}
