/* SPDX-License-Identifier: MIT */
/* Completion scripts for bash and zsh. */
#include "sim/cli/complete.h"

#include <string.h>

static void put_words(const char *const *words, sg_buffer *out) {
  for (int i = 0; words[i]; i++) sg_putf(out, "%s%s", i ? " " : "", words[i]);
}

/* The first words of all commands, each once; below != NULL: the second words of those whose first
 * it is. */
static void put_commands(const sg_command *const *commands, const char *below, sg_buffer *out) {
  size_t n = below ? strlen(below) : 0;
  bool first = true;
  for (int i = 0; commands[i]; i++) {
    const char *name = commands[i]->name;
    bool single = !strchr(name, ' ');
    if (below ? strncmp(name, below, n) != 0 || name[n] != ' ' : !single) continue;
    sg_putf(out, "%s%s", first ? "" : " ", below ? name + n + 1 : name);
    first = false;
  }
}

static bool has_below(const sg_command *const *commands, const char *name) {
  sg_buffer words = {0};
  put_commands(commands, name, &words);
  bool any = words.length > 0;
  sg_buffer_free(&words);
  return any;
}

/* --- bash ------------------------------------------------------------------------------------- */

/* What may stand for the value of an option, as a statement. */
static void put_bash_value(const sg_option *o, sg_buffer *out) {
  if (o->kind == SG_OPTION_FILE) {
    sg_put(out, "files=1");
  } else if (o->choices) {
    sg_put(out, "words='");
    put_words(o->choices, out);
    sg_put(out, "'");
  } else {
    sg_put(out, "words=");
  }
}

static void put_bash_operand(const sg_operand *o, const sg_command *const *commands,
                             sg_buffer *out) {
  if (o->file) sg_put(out, "files=1 ");
  sg_put(out, "words=\"$words ");
  if (o->choices) put_words(o->choices, out);
  if (o->command) put_commands(commands, NULL, out);
  for (int i = 0; o->family && o->family->at(i); i++)
    sg_putf(out, "%s%s", i ? " " : "", o->family->at(i)->name);
  sg_put(out, "\"");
}

static void put_bash_command(const sg_command *c, const sg_command *const *commands,
                             sg_buffer *out) {
  sg_putf(out, "  '%s')\n    case $previous in\n", c->name);
  for (const sg_option *o = c->options; o && o->name; o++) {
    if (o->kind == SG_OPTION_FLAG) continue;
    sg_putf(out, "    --%s", o->name);
    if (o->letter) sg_putf(out, " | -%c", o->letter);
    sg_put(out, ") ");
    put_bash_value(o, out);
    sg_put(out, " ;;\n");
  }
  sg_put(out, "    *)\n      if [[ $current == -* ]]; then\n        words='");
  for (const sg_option *o = c->options; o && o->name; o++) sg_putf(out, "--%s ", o->name);
  sg_put(out, "--help'\n      else\n        ");
  if (c->operands)
    put_bash_operand(c->operands, commands, out);
  else
    sg_put(out, ":");
  sg_put(out, "\n      fi\n      ;;\n    esac\n    ;;\n");
}

void sg_put_bash_completion(const sg_command *const *commands, sg_buffer *out) {
  sg_put(out, "# Completion of straggle for bash; made by `straggle completion bash`.\n"
              "_straggle() {\n"
              "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
              "  local command=${COMP_WORDS[1]} words= files=\n"
              "  COMPREPLY=()\n"
              "  # bash takes --format=json apart at the \"=\".\n"
              "  if [[ $current == '=' ]]; then\n"
              "    current=\n"
              "  elif [[ $previous == '=' ]]; then\n"
              "    previous=${COMP_WORDS[COMP_CWORD-2]}\n"
              "  fi\n"
              "  if ((COMP_CWORD == 1)); then\n"
              "    COMPREPLY=($(compgen -W '");
  put_commands(commands, NULL, out);
  sg_put(out, " --help --version' -- \"$current\"))\n    return\n  fi\n"
              "  case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
  for (int i = 0; commands[i]; i++)
    if (strchr(commands[i]->name, ' '))
      sg_putf(out, "  '%s') ((COMP_CWORD > 2)) && command='%s' ;;\n", commands[i]->name,
              commands[i]->name);
  sg_put(out, "  esac\n");
  for (int i = 0; commands[i]; i++) {
    if (!has_below(commands, commands[i]->name)) continue;
    sg_putf(out, "  if ((COMP_CWORD == 2)) && [[ $command == '%s' ]]; then\n    words='",
            commands[i]->name);
    put_commands(commands, commands[i]->name, out);
    sg_put(out, "'\n  fi\n");
  }
  sg_put(out, "  case $command in\n");
  for (int i = 0; commands[i]; i++) put_bash_command(commands[i], commands, out);
  sg_put(out, "  esac\n"
              "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
              "  if [[ -n $files ]]; then\n"
              "    compopt -o filenames 2>/dev/null\n"
              "    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$current\")\n"
              "  fi\n"
              "}\n"
              "complete -F _straggle straggle\n");
}

/* --- zsh -------------------------------------------------------------------------------------- */

/* In '…' of an _arguments specification: brackets and colons have a meaning there. */
static void put_zsh_text(const char *text, sg_buffer *out) {
  for (; *text; text++) {
    if (*text == '\'')
      sg_put(out, "'\\''");
    else if (strchr("[]:\\", *text))
      sg_putf(out, "\\%c", *text);
    else
      sg_put_bytes(out, text, 1);
  }
}

static void put_zsh_option(const sg_option *o, sg_buffer *out) {
  bool repeated = o->kind == SG_OPTION_LIST || o->kind == SG_OPTION_SETTING;
  for (int form = o->letter ? 0 : 1; form < 2; form++) {
    sg_putf(out, " \\\n      '%s", repeated ? "*" : "");
    if (form == 0)
      sg_putf(out, "-%c", o->letter);
    else
      sg_putf(out, "--%s%s", o->name, o->kind == SG_OPTION_FLAG ? "" : "=");
    sg_put(out, "[");
    put_zsh_text(o->help, out);
    sg_put(out, "]");
    if (o->kind != SG_OPTION_FLAG) {
      sg_put(out, ":");
      put_zsh_text(o->value, out);
      sg_put(out, ":");
      if (o->kind == SG_OPTION_FILE) sg_put(out, "_files");
      if (o->choices) {
        sg_put(out, "(");
        put_words(o->choices, out);
        sg_put(out, ")");
      }
    }
    sg_put(out, "'");
  }
}

static void put_zsh_operand(const sg_operand *o, const sg_command *const *commands,
                            sg_buffer *out) {
  sg_putf(out, " \\\n      '%s:", o->most > 1 ? "*" : "");
  put_zsh_text(o->name, out);
  sg_put(out, ":");
  if (o->file) sg_put(out, "_files");
  if (o->choices || o->command || o->family) sg_put(out, "(");
  if (o->choices) put_words(o->choices, out);
  if (o->command) put_commands(commands, NULL, out);
  for (int i = 0; o->family && o->family->at(i); i++)
    sg_putf(out, "%s%s", i ? " " : "", o->family->at(i)->name);
  if (o->choices || o->command || o->family) sg_put(out, ")");
  sg_put(out, "'");
}

void sg_put_zsh_completion(const sg_command *const *commands, sg_buffer *out) {
  sg_put(out, "#compdef straggle\n# Completion of straggle for zsh; made by `straggle completion "
              "zsh`.\n_straggle() {\n  local command=$words[2]\n  local -a commands\n");
  sg_put(out, "  if ((CURRENT == 2)); then\n    commands=(");
  for (int i = 0; commands[i]; i++) {
    if (strchr(commands[i]->name, ' ')) continue;
    sg_put(out, "\n      '");
    put_zsh_text(commands[i]->name, out);
    sg_put(out, ":");
    put_zsh_text(commands[i]->summary, out);
    sg_put(out, "'");
  }
  sg_put(out, ")\n    _describe command commands\n    return\n  fi\n");
  for (int i = 0; commands[i]; i++) {
    if (!has_below(commands, commands[i]->name)) continue;
    sg_putf(out, "  if [[ $command == '%s' ]] && ((CURRENT == 3)); then\n    compadd -- ",
            commands[i]->name);
    put_commands(commands, commands[i]->name, out);
    sg_put(out, "\n  fi\n");
  }
  sg_put(out, "  case \"$words[2] $words[3]\" in\n");
  for (int i = 0; commands[i]; i++)
    if (strchr(commands[i]->name, ' '))
      sg_putf(out,
              "  '%s')\n    if ((CURRENT > 3)); then\n      command='%s'\n      shift words\n"
              "      ((CURRENT--))\n    fi\n    ;;\n",
              commands[i]->name, commands[i]->name);
  sg_put(out, "  esac\n  shift words\n  ((CURRENT--))\n  case $command in\n");
  for (int i = 0; commands[i]; i++) {
    const sg_command *c = commands[i];
    sg_putf(out, "  '%s')\n    _arguments '(- *)'{-h,--help}'[help]'", c->name);
    for (const sg_option *o = c->options; o && o->name; o++) put_zsh_option(o, out);
    for (const sg_operand *o = c->operands; o && o->name; o++) put_zsh_operand(o, commands, out);
    sg_put(out, "\n    ;;\n");
  }
  sg_put(out, "  esac\n}\nif [[ $funcstack[1] == _straggle ]]; then\n  _straggle \"$@\"\nelse\n"
              "  compdef _straggle straggle\nfi\n");
}
