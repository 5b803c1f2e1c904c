/* SPDX-License-Identifier: MIT */
/* Option tables: what a command takes after its name. Reading, help, completion, the man page and
 * the reference all come from them. A table is a constant array that ends in {0}; what was read is
 * an sg_args, asked by name. */
#ifndef SG_SIM_OPTIONS_H
#define SG_SIM_OPTIONS_H

#include "sim/core/error.h"
#include "sim/core/table.h"

#include <stdint.h>

typedef enum sg_option_kind {
  SG_OPTION_FLAG,    /* without a value */
  SG_OPTION_TEXT,    /* any text */
  SG_OPTION_FILE,    /* the name of a file */
  SG_OPTION_INTEGER, /* from min to max */
  SG_OPTION_REAL,    /* a finite number > min and ≤ max (max 0: without end) */
  SG_OPTION_REALS,   /* such numbers with commas: 4,1,1 */
  SG_OPTION_SEED,    /* a whole number up to 2^64 − 1 */
  SG_OPTION_CHOICE,  /* one of `choices` */
  SG_OPTION_LIST,    /* a text; may be repeated */
  SG_OPTION_SETTING  /* /pointer=value; may be repeated */
} sg_option_kind;

typedef struct sg_option {
  const char *name; /* after "--" */
  char letter;      /* after "-"; 0: none */
  sg_option_kind kind;
  const char *value; /* what stands for the value in help: "DB"; NULL for flags */
  double min, max;
  const char *const *choices; /* SG_OPTION_CHOICE; SG_OPTION_LIST: words that completion offers */
  const char *fallback;       /* as a person would type it; NULL: absent, see sg_args_given */
  /* A flag that is short for the value `fallback` of that option: --json, --format=json. */
  const char *short_for;
  const char *help; /* says what it is, in a line or two; range, choices and default are added */
} sg_option;

/* A row with a value, and a flag. The last argument is the help; behind it stands, as designated
 * members, what only some rows have. */
#define SG_OPTION_ROW(called, short, of_kind, stands, ...)                                         \
  {                                                                                                \
    .name = called, .letter = short, .kind = SG_OPTION_##of_kind, .value = stands,                 \
    .help = __VA_ARGS__                                                                            \
  }
#define SG_OPTION_ROW_FLAG(called, short, ...)                                                     \
  { .name = called, .letter = short, .help = __VA_ARGS__ }

/* Rows that many commands have. */
extern const char *const sg_format_words[]; /* in the order of sg_format */
extern const char *const sg_report_words[]; /* text, json: of what is no table */
#define SG_OPTION_ROWS_FORMAT(words, text)                                                         \
  SG_OPTION_ROW("format", 'f', CHOICE, "F", text, .choices = words, .fallback = "text"),           \
      SG_OPTION_ROW_FLAG("json", 0, "short for --format=json", .short_for = "format",              \
                         .fallback = "json")
#define SG_OPTION_ROW_OUTPUT                                                                       \
  SG_OPTION_ROW("output", 'o', FILE, "DB", "result database instead of the scenario's own")
#define SG_OPTION_ROW_THREADS(text)                                                                \
  SG_OPTION_ROW("threads", 'j', INTEGER, "N", text, .min = 1, .max = 1024)
#define SG_OPTION_ROW_SET                                                                          \
  SG_OPTION_ROW("set", 0, SETTING, "/pointer=value",                                               \
                "override a member of the scenario; may be repeated")

typedef struct sg_arg { /* what an option was given */
  bool given;
  const char *text; /* the last value as typed, or the fallback */
  double number;    /* SG_OPTION_INTEGER, SG_OPTION_REAL */
  uint64_t seed;
  int choice;
  int count; /* SG_OPTION_REALS: of real; SG_OPTION_LIST, SG_OPTION_SETTING: of item */
  double *real;
  const char **item;
  int real_room, item_room;
} sg_arg;

typedef struct sg_args {
  const sg_option *option; /* the table */
  int n_options, n_words;
  sg_arg *arg;       /* one per row; owned */
  const char **word; /* what is no option; owned, the texts are those of the command line */
  bool help;         /* --help or -h stands somewhere */
  bool unknown;      /* an option is; a word may then be its value */
} sg_args;

/* Reads argv[0 … argc − 1], none of which is the command's name. Options may stand anywhere, be
 * abbreviated while that is unique, and have their value in the same word (--seed=3, -j4) or in the
 * next; letters may be joined (-qj4); behind "--" all are words. Every fault is added to `e` and
 * says what was expected and found; the status is that of all. `a` must be freed in any case. */
sg_status sg_args_read(const sg_option *table, int argc, char **argv, sg_args *a, sg_error *e);
void sg_args_free(sg_args *a);

/* By name. An option that the table does not have is a bug and aborts. */
const sg_arg *sg_args_find(const sg_args *a, const char *name);
bool sg_args_given(const sg_args *a, const char *name);
const char *sg_args_text(const sg_args *a, const char *name); /* NULL: absent */
long sg_args_integer(const sg_args *a, const char *name);
sg_format sg_args_format(const sg_args *a); /* the option "format", of some of sg_format_words */

/* "a whole number from 1 to 1024", for faults and help. */
void sg_option_expectation(const sg_option *o, sg_buffer *out);

#endif
