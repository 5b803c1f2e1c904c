/* SPDX-License-Identifier: MIT */
/* The command line: what the commands share. Results go to standard output, messages and progress
 * to standard error; nothing asks questions. */
#ifndef SG_SIM_CLI_H
#define SG_SIM_CLI_H

#include "results/results.h"
#include "sim/core/table.h"
#include "sim/scenario/scenario.h"

#include <stdatomic.h>

typedef struct sg_command {
  const char *name, *usage, *summary;
  const char *options;               /* one per line, for help */
  int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
} sg_command;

extern const sg_command sg_commands[]; /* ends with a NULL name */
const sg_command *sg_command_find(const char *name);

int sg_cmd_run(int argc, char **argv);
int sg_cmd_check(int argc, char **argv);
int sg_cmd_plan(int argc, char **argv);
int sg_cmd_expect(int argc, char **argv);
int sg_cmd_compare(int argc, char **argv);
int sg_cmd_query(int argc, char **argv);
int sg_cmd_codes(int argc, char **argv);
int sg_codes_check(int argc, char **argv); /* codes check; argv[0] is "check" */
int sg_cmd_schema(int argc, char **argv);
int sg_cmd_fit(int argc, char **argv);
int sg_cmd_help(int argc, char **argv);

/* Options that several commands take. */
typedef struct sg_options {
  const char *database; /* -o, --output; --database */
  int threads;          /* -j */
  int n_overrides;
  sg_override *override; /* --set; owned */
  int n_what_ifs;
  const char **what_if; /* --what-if; owned */
  const char *baseline;
  sg_format format; /* --format, --json */
  bool quiet, reference;
  uint64_t seed;       /* --seed; 1 when absent */
  const char *workers; /* --workers */
  int replicates;      /* --replicates; −1 when absent */
  int code;            /* where reading failed or help was asked: the exit code */
  int n_words;         /* what is not an option */
  char **word;
} sg_options;

/* Reads the options in `allowed` (letters: W for --what-if, o d j s b f q r S w R; --json is always
 * allowed). On a fault prints it with the command's usage and returns false: return o->code. */
bool sg_options_read(int argc, char **argv, const char *allowed, sg_options *o);
void sg_options_free(sg_options *o);

/* run --what-if on one scenario: computes, prints the table; returns the exit code. */
int sg_what_if(const char *path, const sg_options *o, const atomic_bool *stop, int argc,
               char **argv);

/* Prints a usage fault of `command`; returns EX_USAGE. */
int sg_usage_fault(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the faults (as JSON on standard output when asked) and empties `e`; returns the exit code
 * of the gravest. s may be NULL. */
int sg_print_faults(const sg_scenario *s, const char *path, sg_format format, sg_error *e);

/* Writes a buffer to standard output and frees it; returns an exit code (full disk, no memory). */
int sg_print(sg_buffer *text);

int sg_terminal_width(void); /* of standard output; 100 where it is none and COLUMNS is not set */
bool sg_color(int fd);       /* a terminal, and NO_COLOR is not set */
int sg_processors(void);     /* processors this process may use */

extern const char sg_version_text[], sg_revision_text[];
/* Provenance; texts live as long as the program or in the two buffers. */
void sg_provenance(int argc, char **argv, int threads, sg_buffer *command_line, char cpu[128],
                   char host[128], sg_invocation *out);

#endif
