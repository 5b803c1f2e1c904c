/* SPDX-License-Identifier: MIT */
/* Growing text, JSON output and SHA-256. */
#ifndef SG_CORE_TEXT_H
#define SG_CORE_TEXT_H

#include "sim/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise; free(text.data) or sg_buffer_free. `failed` is set when memory ran out, the text
 * is then unusable; every function may still be called. data is always NUL-terminated once written.
 */
typedef struct sg_buffer {
  char *data;
  size_t length, capacity;
  bool failed;
} sg_buffer;

void sg_put(sg_buffer *b, const char *text);
void sg_put_bytes(sg_buffer *b, const char *bytes, size_t n);
void sg_putf(sg_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sg_buffer_free(sg_buffer *b);

/* JSON text. Numbers are written so that they read back to the same double ("%.17g", shortened when
 * a shorter form reads back equal); non-finite numbers become null. */
void sg_put_json_string(sg_buffer *b, const char *text);
void sg_put_json_number(sg_buffer *b, double x);
/* `"name": ` after a comma unless the last character written opens an object; for objects written
 * member by member. */
void sg_put_json_name(sg_buffer *b, const char *name);
/* A whole member. */
void sg_put_json_text_member(sg_buffer *b, const char *name, const char *text);
void sg_put_json_number_member(sg_buffer *b, const char *name, double x);
void sg_put_json_bool_member(sg_buffer *b, const char *name, bool x);
/* The name and what is JSON already, or the bracket that opens a list or an object. */
void sg_put_json_raw_member(sg_buffer *b, const char *name, const char *json);

/* `first` and the words of a text after it, in lines of at most `width` columns that begin with
 * `indent`. */
void sg_put_wrapped(sg_buffer *b, const char *first, const char *indent, const char *text,
                    int width);
/* Text in the cell of a Markdown table: bars are escaped, control characters become blanks. */
void sg_put_markdown_cell(const char *text, sg_buffer *b);

/* A count or duration for people: "1,234,567", "3.2 s", "4 min 10 s", "1.2 MB". Into `out`, which
 * is returned. */
char *sg_format_seconds(double seconds, char out[32]);
char *sg_format_bytes(double bytes, char out[32]);

/* The lower-case hexadecimal SHA-256 of `n` bytes. */
void sg_sha256(const void *bytes, size_t n, char hex[65]);

/* What may not reach a terminal: control characters (C0, DEL, C1), the marks and overrides of the
 * direction of writing, line separators, and bytes that are not UTF-8. sg_put_clean puts
 * `instead` for each but those in `keep`, such as "\n". */
bool sg_has_control(const char *text);
void sg_put_clean(sg_buffer *b, const char *text, size_t n, const char *keep, char instead);

/* How many of the n bytes, from the start, are valid UTF-8; n if all are. */
size_t sg_utf8_valid(const char *bytes, size_t n);
/* Puts a question mark over each byte that is not of UTF-8: messages cite files of any content. */
void sg_utf8_mend(char *text);
/* Columns of n bytes of UTF-8 on a terminal: code points, since the project prints no characters of
 * double width. */
int sg_utf8_columns(const char *text, size_t n);

/* Reads a whole file of at most SG_FILE_BYTES; devices, pipes and folders are refused. *data is
 * NUL-terminated and owned by the caller. The message of a fault names the file, its place is
 * `place` (may be NULL). */
#define SG_FILE_BYTES 4000000000u
sg_status sg_read_file(const char *path, const char *place, char **data, size_t *length,
                       sg_error *e);
/* Reads a file of at most SG_INPUT_BYTES, or the standard input, whatever that is, if the path is
 * "-". */
#define SG_INPUT_BYTES 256000000u
sg_status sg_read_input(const char *path, char **data, size_t *length, sg_error *e);
/* Makes or replaces a file. One that cannot be written whole is removed; a database is never
 * replaced. SG_CANNOT_CREATE, SG_IO; the message names the file. */
sg_status sg_write_file(const char *path, const sg_buffer *text, sg_error *e);

#endif
