/* SPDX-License-Identifier: MIT */
/* Printing: buffers, faults, running text; what the terminal is. */
#include "sim/cli/output.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sysexits.h>
#include <unistd.h>

int sg_out_of_memory(void) {
  static const char text[] = "straggle: out of memory\n";
  if (write(STDERR_FILENO, text, sizeof text - 1) < 0) return EX_OSERR; /* nobody can be told */
  return EX_OSERR;
}

int sg_print(sg_buffer *text) {
  int code = EX_OK;
  if (text->failed) {
    code = sg_out_of_memory();
  } else if (text->data && (fputs(text->data, stdout) == EOF || fflush(stdout) != 0)) {
    fprintf(stderr, "straggle: cannot write to standard output: %s\n", strerror(errno));
    code = EX_IOERR;
  }
  sg_buffer_free(text);
  return code;
}

bool sg_print_part(sg_buffer *text) {
  bool written = fputs(text->data, stdout) != EOF;
  text->length = 0;
  text->data[0] = '\0';
  return written;
}

void sg_say(const char *format, ...) {
  char *text;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0) {
    sg_out_of_memory();
    return;
  }
  sg_buffer clean = {0};
  sg_put_clean(&clean, text, (size_t)n, "\n\t", '?');
  if (clean.data && !clean.failed)
    fputs(clean.data, stderr);
  else if (n > 0)
    sg_out_of_memory();
  sg_buffer_free(&clean);
  free(text);
}

int sg_say_faults(const char *who, sg_status status, sg_error *e) {
  for (int i = 0; i < e->count; i++) {
    const char *place = e->fault[i].place, *message = e->fault[i].message;
    bool said = !*place || strstr(message, place);
    sg_say("straggle %s: %s%s%s\n", who, said ? "" : place, said ? "" : ": ", message);
  }
  if (e->lost || (status == SG_NO_MEMORY && e->count == 0)) sg_out_of_memory();
  sg_error_clear(e);
  return sg_exit_code(status);
}

int sg_print_faults(const sg_scenario *s, const char *path, sg_format format, sg_error *e) {
  int code = sg_exit_code(sg_error_status(e));
  sg_buffer text = {0};
  if (format == SG_FORMAT_JSON) {
    sg_put(&text, "{");
    sg_put_json_text_member(&text, "file", path);
    sg_put_json_raw_member(&text, "faults", "[");
    for (int i = 0; i < e->count; i++) {
      sg_put(&text, i ? ", {" : "{");
      sg_put_json_text_member(&text, "place", e->fault[i].place);
      sg_put_json_text_member(&text, "message", e->fault[i].message);
      sg_put(&text, "}");
    }
    sg_put(&text, "]}\n");
    if (sg_print(&text) == EX_OSERR) code = EX_OSERR;
  } else {
    sg_scenario_report(s, path, e, sg_color(STDERR_FILENO), &text);
    if (!text.failed && text.data) fputs(text.data, stderr);
    for (int i = 0; text.failed && i < e->count; i++)
      fprintf(stderr, "%s: %s: %s\n", path, e->fault[i].place, e->fault[i].message);
    sg_buffer_free(&text);
  }
  if (e->lost) sg_out_of_memory();
  sg_error_clear(e);
  return code;
}

/* Whether a cell is to be put; without a table its column's name is taken. */
static bool puts_cell(sg_rows *r, const char *column) {
  if (!r->table) r->name[r->n++] = column;
  return r->table;
}

void sg_row_text(sg_rows *r, const char *column, const char *text) {
  if (puts_cell(r, column)) sg_table_text(r->table, text);
}

void sg_row_buffer(sg_rows *r, const char *column, sg_buffer *text) {
  if (puts_cell(r, column))
    sg_table_buffer(r->table, text);
  else
    sg_buffer_free(text);
}

void sg_row_integer(sg_rows *r, const char *column, long long x) {
  if (puts_cell(r, column)) sg_table_integer(r->table, x);
}

void sg_row_number(sg_rows *r, const char *column, double x, int digits) {
  if (puts_cell(r, column)) sg_table_number(r->table, x, digits);
}

void sg_put_table(sg_table *t, sg_format format, sg_buffer *out) {
  sg_table_print(t, format, sg_table_width_here(), out);
  sg_table_free(t);
}

void sg_put_numbers(sg_buffer *out, const sg_json_number *member) {
  for (; member->name; member++) sg_put_json_number_member(out, member->name, member->x);
}

/* Columns of a terminal; 0: it is none. */
static int width_of(int fd) {
  struct winsize size;
  return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* COLUMNS; 0: it is not set. */
static int columns_wanted(void) {
  const char *columns = getenv("COLUMNS");
  int n = columns ? atoi(columns) : 0;
  return n > 20 ? n : 0;
}

int sg_table_width_here(void) {
  int width = width_of(STDOUT_FILENO);
  return width ? width : columns_wanted();
}

int sg_terminal_width(void) {
  int width = sg_table_width_here();
  return width ? width : 100;
}

bool sg_cursor(int fd) {
  const char *terminal = getenv("TERM");
  return isatty(fd) && terminal && *terminal && strcmp(terminal, "dumb") != 0;
}

bool sg_color(int fd) {
  const char *no = getenv("NO_COLOR");
  return sg_cursor(fd) && (!no || !*no);
}

/* The bar gives way first, then what is done, then the name, then the seconds that are over. */
void sg_put_progress(const char *what, double share, const char *done, double elapsed_s,
                     double left_s, int width, sg_buffer *out) {
  enum { BAR = 30, LEAST_BAR = 5, AROUND = 3 };
  char elapsed[32], left[32];
  sg_format_seconds(elapsed_s, elapsed);
  if (isnan(left_s))
    strcpy(left, "?");
  else
    sg_format_seconds(left_s, left);
  for (int without = 0; without <= 3; without++) {
    sg_buffer head = {0}, tail = {0};
    sg_put(&head, "");
    if (without < 2) sg_putf(&head, "%s ", what);
    sg_putf(&tail, "%3.0f %%  ", 100 * share);
    if (without < 1) sg_putf(&tail, "%s  ", done);
    if (without < 3) sg_putf(&tail, "%s  ", elapsed);
    sg_putf(&tail, "left %s", left);
    int room = width;
    if (!head.failed && !tail.failed)
      room -= sg_utf8_columns(head.data, head.length) + sg_utf8_columns(tail.data, tail.length);
    bool fits = room >= 0 || without == 3;
    int bar = room - AROUND < BAR ? room - AROUND : BAR;
    if (fits) sg_put(out, head.failed ? "" : head.data);
    if (fits && bar >= LEAST_BAR) {
      sg_put(out, "[");
      for (int i = 0; i < bar; i++) sg_put(out, i < (int)(share * bar) ? "#" : ".");
      sg_put(out, "] ");
    }
    if (fits) sg_put(out, tail.failed ? "" : tail.data);
    sg_buffer_free(&head);
    sg_buffer_free(&tail);
    if (fits) return;
  }
}

void sg_show_progress(const char *what, double share, const char *done, double elapsed_s,
                      double left_s) {
  int width = width_of(STDERR_FILENO);
  sg_buffer line = {0};
  /* The last column stays free: some terminals begin a line when it is written to. */
  sg_put_progress(what, share, done, elapsed_s, left_s, (width ? width : 80) - 1, &line);
  if (line.data && !line.failed) fprintf(stderr, "\r%s\033[K", line.data);
  fflush(stderr);
  sg_buffer_free(&line);
}

void sg_end_progress(void) {
  fprintf(stderr, "\r\033[K");
}
