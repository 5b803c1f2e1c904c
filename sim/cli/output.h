/* SPDX-License-Identifier: MIT */
/* What commands print with, and where. */
#ifndef SG_SIM_OUTPUT_H
#define SG_SIM_OUTPUT_H

#include "sim/core/table.h"
#include "sim/scenario/scenario.h"

/* Writes a buffer to standard output and frees it; returns an exit code (full disk, no memory). */
int sg_print(sg_buffer *text);

/* Writes what is in a buffer so far and empties it; false, and errno, if that fails. */
bool sg_print_part(sg_buffer *text);

/* Says on standard error, without asking for memory, that there is none; returns the exit code. */
int sg_out_of_memory(void);
/* Prints a line for people, for what may be in it from files and names. */
void sg_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line on standard error for each fault, "straggle WHO: message", and empties `e`; returns the
 * exit code of `status`. */
int sg_say_faults(const char *who, sg_status status, sg_error *e);

/* Prints the faults (as JSON on standard output when asked) and empties `e`; returns the exit code
 * of the gravest. s may be NULL. */
int sg_print_faults(const sg_scenario *s, const char *path, sg_format format, sg_error *e);

/* Rows whose cells name their columns: what puts a row is called once without a table, for the
 * names alone, and then for each row with the table that was made of them. */
typedef struct sg_rows {
  sg_table *table;
  int n;
  const char *name[32];
} sg_rows;
void sg_row_text(sg_rows *r, const char *column, const char *text);
void sg_row_buffer(sg_rows *r, const char *column, sg_buffer *text); /* and frees it */
void sg_row_integer(sg_rows *r, const char *column, long long x);
void sg_row_number(sg_rows *r, const char *column, double x, int digits);

/* Prints a table for this terminal and frees it. NULL is one that there was no memory for. */
void sg_put_table(sg_table *t, sg_format format, sg_buffer *out);

/* Members of a JSON object that are numbers: SG_PUT_NUMBERS(out, {"mean", x}, {"sd", y}); */
typedef struct sg_json_number {
  const char *name;
  double x;
} sg_json_number;
void sg_put_numbers(sg_buffer *out, const sg_json_number *member);
#define SG_PUT_NUMBERS(out, ...) sg_put_numbers(out, (const sg_json_number[]){__VA_ARGS__, {0}})

int sg_terminal_width(void);   /* of standard output; 100 where it is none and COLUMNS is not set */
int sg_table_width_here(void); /* the same, but 0, unlimited, where it is none */
bool sg_cursor(int fd);        /* a terminal that knows more than lines: TERM is not "dumb" */
bool sg_color(int fd);         /* such a terminal, and NO_COLOR is not set */

/* A line of progress on standard error over the one before, as wide as the terminal is now; NAN: is
 * not known yet. sg_end_progress takes it away. */
void sg_show_progress(const char *what, double share, const char *done, double elapsed_s,
                      double left_s);
void sg_end_progress(void);
/* The same for `width` columns, into `out`. */
void sg_put_progress(const char *what, double share, const char *done, double elapsed_s,
                     double left_s, int width, sg_buffer *out);

#endif
