/* SPDX-License-Identifier: MIT */
/* A command of straggle: a descriptor in a file of its own, cmd_NAME.c, and a line in
 * command_table.c. Reading, faults, help, completion, the man page and docs/commands.md come from
 * the descriptor. Results go to standard output, messages and progress to standard error; nothing
 * asks questions.
 */
#ifndef SG_SIM_COMMAND_H
#define SG_SIM_COMMAND_H

#include "sim/cli/options.h"
#include "sim/core/param.h"

enum { SG_ANY_NUMBER = 1 << 20 };

/* Words behind the command, in their order; all that may be left out stand behind those that may
 * not. */
typedef struct sg_operand {
  const char *name;           /* "SCENARIO" */
  const char *what;           /* "a scenario file", for faults */
  int least, most;            /* how many of them; SG_ANY_NUMBER: no end */
  bool file;                  /* completed by names of files */
  bool command;               /* completed by names of commands */
  const char *const *choices; /* one of these; NULL: whatever it is */
  const sg_family *family;    /* the name of a variant; NULL: whatever it is */
} sg_operand;

/* Rows that many commands have. */
#define SG_OPERAND_FILE(word, is)                                                                  \
  { .name = word, .what = is, .least = 1, .most = 1, .file = true }
#define SG_OPERAND_FILES(word, is)                                                                 \
  { .name = word, .what = is, .least = 1, .most = SG_ANY_NUMBER, .file = true }

typedef struct sg_example {
  const char *line; /* without "straggle" */
  const char *what; /* a sentence without its stop */
} sg_example;

struct sg_call;
struct sg_db;

/* Lists have room for one row more than any command has, as they end in an empty one. */
typedef struct sg_command {
  const char *name;    /* "run", "codes check" */
  const char *summary; /* at most 60 characters, a sentence */
  sg_operand operands[3];
  sg_option options[20];
  const char *text[6]; /* more about it: paragraphs */
  sg_example examples[8];
  int (*run)(const struct sg_call *call); /* returns the exit code */
  /* Instead of run: puts what is to be printed; the same from the database that the first word
   * names. */
  void (*print)(const struct sg_call *call, sg_buffer *out);
  sg_status (*ask)(struct sg_db *db, const sg_args *args, sg_buffer *out, sg_error *e);
} sg_command;

/* What a command is run with. */
typedef struct sg_call {
  const sg_command *command;
  const sg_args *args;
  const char *line; /* "straggle" and what was typed behind it; NULL: no memory */
} sg_call;

extern const sg_command *const sg_commands[]; /* ends in NULL */

/* The command that the first words name, the longest name before a shorter one, and of how many
 * words it is; NULL: none. */
const sg_command *sg_command_find(int n, const char *const *word, int *used);

/* The second word of a command whose first is `first`; NULL: it is none. */
const char *sg_command_below(const sg_command *c, const char *first);

extern const char sg_version_text[], sg_revision_text[];

/* The program: finds the command, reads its options, runs it; returns the exit code. */
int sg_straggle(int argc, char **argv);

/* Prints what may stand for the last of n words behind "straggle", one candidate a line, with a tab
 * and what it is behind; ":files" stands for names of files. For the scripts of `completion`. */
int sg_complete(int n, char **word);

/* What the descriptors of commands say, for people. "run SCENARIO... [OPTIONS]": */
void sg_put_usage(const sg_command *c, sg_buffer *out);
/* One line per command, of at most 80 columns, and the exit codes. */
void sg_put_list(sg_buffer *out);
/* All about a command, and about those whose names begin with its own. */
void sg_put_help(const sg_command *c, sg_buffer *out);
/* straggle(1), in the macros of man(7), and straggle-NAME(1). */
void sg_put_man(sg_buffer *out);
void sg_put_man_of(const sg_command *c, sg_buffer *out);
/* docs/commands.md */
void sg_put_reference(sg_buffer *out);

/* The command that the words of a call name (NULL: there are none); EX_OK, or EX_USAGE and its
 * fault. */
int sg_named_command(const sg_call *call, const sg_command **c);

/* Prints a usage fault of a call; returns EX_USAGE. */
int sg_usage_fault(const sg_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
