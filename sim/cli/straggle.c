/* SPDX-License-Identifier: MIT */
/* From a command line to a command: finds it, reads its options and words, tells faults. */
#include "sim/cli/command.h"
#include "sim/cli/output.h"
#include "sim/cli/session.h"
#include "sim/core/nearest.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static void print_usage(const sg_command *c) {
  sg_buffer usage = {0};
  sg_put_usage(c, &usage);
  fprintf(stderr, "Usage: straggle %s\nTry: straggle help %s\n", usage.data ? usage.data : c->name,
          c->name);
  sg_buffer_free(&usage);
}

int sg_usage_fault(const sg_call *call, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "straggle %s: ", call->command->name);
  vfprintf(stderr, format, args);
  fprintf(stderr, "\n");
  va_end(args);
  print_usage(call->command);
  return EX_USAGE;
}

int sg_named_command(const sg_call *call, const sg_command **c) {
  const sg_args *a = call->args;
  int used = 0;
  *c = sg_command_find(a->n_words, a->word, &used);
  if (used == a->n_words) return EX_OK;
  return sg_usage_fault(call, "there is no command \"%s%s%s\"", a->word[0],
                        a->n_words > 1 ? " " : "", a->n_words > 1 ? a->word[1] : "");
}

const sg_command *sg_command_find(int n, const char *const *word, int *used) {
  const sg_command *found = NULL;
  for (const sg_command *const *c = sg_commands; *c; c++) {
    int words = 0;
    const char *at = (*c)->name;
    for (; *at && words < n; words++) {
      size_t length = strcspn(at, " ");
      if (strlen(word[words]) != length || strncmp(at, word[words], length) != 0) break;
      at += length;
      at += *at == ' ';
    }
    if (*at || (found && words <= *used)) continue;
    found = *c;
    *used = words;
  }
  return found;
}

const char *sg_command_below(const sg_command *c, const char *first) {
  size_t n = strlen(first);
  return strncmp(c->name, first, n) == 0 && c->name[n] == ' ' ? c->name + n + 1 : NULL;
}

/* What people type for commands that are called otherwise. */
static const struct {
  const char *words, *command;
} synonyms[] = {{" new create template start ", "init"},
                {" validate lint verify ", "check"},
                {" simulate exec execute sim ", "run"},
                {" estimate dry-run preview ", "plan"},
                {" exact theory analytic ", "expect"},
                {" diff best results summary ", "compare"},
                {" graph chart figure draw ", "plot"},
                {" combine join import ", "merge"},
                {" delete remove rm drop clean ", "forget"},
                {" sql export select dump ", "query"},
                {" list ls schemes ", "codes"},
                {" show ", "codes show"},
                {" trace estimate-law ", "fit"},
                {" manual doc docs ", "man"}};

/* `; did you mean "init"?`, where there is such a command. */
static void put_synonym(const char *word, sg_buffer *out) {
  sg_buffer wanted = {0};
  sg_putf(&wanted, " %s ", word);
  for (size_t i = 0; wanted.data && i < sizeof synonyms / sizeof *synonyms; i++) {
    if (!strstr(synonyms[i].words, wanted.data)) continue;
    for (const sg_command *const *c = sg_commands; *c; c++)
      if (strcmp((*c)->name, synonyms[i].command) == 0)
        sg_putf(out, "; did you mean \"%s\"?", synonyms[i].command);
  }
  sg_buffer_free(&wanted);
}

static int unknown_command(const char *word) {
  size_t n = 0;
  while (sg_commands[n]) n++;
  const char **names = calloc(n + 1, sizeof *names);
  for (size_t i = 0; names && i < n; i++) names[i] = sg_commands[i]->name;
  sg_buffer near = {0};
  put_synonym(word, &near);
  if (!near.data && names) sg_put(&near, sg_suggest(word, names).text);
  sg_say("straggle: there is no command \"%s\"%s\nTry: straggle help\n", word,
         near.data && !near.failed ? near.data : "");
  sg_buffer_free(&near);
  free(names);
  return EX_USAGE;
}

/* A word too many: perhaps the second one of a command, misspelt or behind an option. */
static void fail_surplus(const sg_command *c, const char *word, const char *before, sg_error *e) {
  for (const sg_command *const *k = sg_commands; *k; k++) {
    const char *second[] = {sg_command_below(*k, c->name), NULL};
    if (!second[0]) continue;
    if (strcmp(second[0], word) == 0) {
      sg_fail(e, SG_USAGE, NULL, "options stand behind the command: straggle %s", (*k)->name);
      return;
    }
    if (sg_nearest(word, second)) {
      sg_fail(e, SG_USAGE, NULL, "there is no command \"%s %s\"; did you mean \"%s\"?", c->name,
              word, (*k)->name);
      return;
    }
  }
  bool list = strcmp(before, "codes") == 0 && strcmp(word, "list") == 0;
  sg_fail(e, SG_USAGE, NULL, "expected nothing behind \"%s\", found \"%s\"%s", before, word,
          list ? ": straggle codes lists them" : "");
}

static void check_word(const sg_operand *o, const char *word, sg_error *e) {
  if (o->family && !sg_family_find(o->family, word)) sg_fail_variant(e, NULL, o->family, word);
  if (!o->choices) return;
  for (int i = 0; o->choices[i]; i++)
    if (strcmp(o->choices[i], word) == 0) return;
  sg_fail(e, SG_USAGE, NULL, "expected %s, found \"%s\"%s", o->what, word,
          sg_suggest(word, o->choices).text);
}

static void check_words(const sg_command *c, const sg_args *a, sg_error *e) {
  int at = 0;
  for (const sg_operand *o = c->operands; o->name; o++) {
    int n = a->n_words - at < o->most ? a->n_words - at : o->most;
    if (n < o->least) sg_fail(e, SG_USAGE, NULL, "expected %s", o->what);
    for (int i = at; i < at + n; i++) check_word(o, a->word[i], e);
    at += n;
  }
  if (at < a->n_words && !a->unknown)
    fail_surplus(c, a->word[at], at ? a->word[at - 1] : c->name, e);
}

static int call_command(const sg_call *call) {
  if (call->command->run) return call->command->run(call);
  if (call->command->ask) return sg_ask(call);
  sg_buffer out = {0};
  call->command->print(call, &out);
  return sg_print(&out);
}

static int run(const sg_command *c, int used, int argc, char **argv) {
  sg_args args;
  sg_error e = {0};
  int code;
  sg_status status = sg_args_read(c->options, argc - 1 - used, argv + 1 + used, &args, &e);
  if (args.help) {
    sg_buffer out = {0};
    sg_put_help(c, &out);
    code = sg_print(&out);
  } else {
    if (status != SG_NO_MEMORY) check_words(c, &args, &e);
    sg_buffer line = {0};
    sg_put(&line, "straggle");
    for (int i = 1; i < argc; i++) sg_putf(&line, " %s", argv[i]);
    const sg_call call = {.command = c, .args = &args, .line = line.data};
    if (line.failed) sg_fail_memory(&e);
    if (!sg_failed(&e)) {
      code = call_command(&call);
    } else {
      /* Whatever is wrong with a word of the command line is a fault of usage. */
      bool usage = sg_error_status(&e) != SG_NO_MEMORY;
      code = sg_say_faults(c->name, usage ? SG_USAGE : SG_NO_MEMORY, &e);
      if (usage) print_usage(c);
    }
    sg_buffer_free(&line);
  }
  sg_error_clear(&e);
  sg_args_free(&args);
  return code;
}

int sg_straggle(int argc, char **argv) {
  static char output[BUFSIZ]; /* what is to be printed needs no more memory */
  setvbuf(stdout, output, _IOFBF, sizeof output);
  if (argc < 2) {
    sg_buffer out = {0};
    sg_put_list(&out);
    int code = sg_print(&out);
    return code == EX_OK ? EX_USAGE : code;
  }
  if (strcmp(argv[1], "__complete") == 0) return sg_complete(argc - 2, argv + 2);
  /* What everybody types before there is a command. */
  const char *word[] = {argv[1], argc > 2 ? argv[2] : NULL};
  if (strcmp(word[0], "--help") == 0 || strcmp(word[0], "-h") == 0) word[0] = "help";
  if (strcmp(word[0], "--version") == 0) word[0] = "version";
  int used = 0;
  const sg_command *c = sg_command_find(argc > 2 ? 2 : 1, word, &used);
  return c ? run(c, used, argc, argv) : unknown_command(argv[1]);
}
