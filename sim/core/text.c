/* SPDX-License-Identifier: MIT */
/* Growing text, JSON output, numbers for people, whole files. */
#include "sim/core/text.h"
#include "sim/core/array.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void sg_put_bytes(sg_buffer *b, const char *bytes, size_t n) {
  b->failed = b->failed || !SG_ROOM(b->data, b->capacity, b->length + n + 1);
  if (b->failed) return;
  if (n > 0) memcpy(b->data + b->length, bytes, n);
  b->length += n;
  b->data[b->length] = '\0';
}

void sg_put(sg_buffer *b, const char *text) {
  sg_put_bytes(b, text, strlen(text));
}

void sg_putf(sg_buffer *b, const char *format, ...) {
  char *text;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0) {
    b->failed = true;
  } else {
    sg_put_bytes(b, text, (size_t)n);
    free(text);
  }
}

void sg_buffer_free(sg_buffer *b) {
  free(b->data);
  *b = (sg_buffer){0};
}

/* Bytes of the UTF-8 sequence at s (n bytes are left), 0 if it is not valid: RFC 3629, without
 * overlong forms and surrogates. */
static size_t sequence(const unsigned char *s, size_t n) {
  if (s[0] < 0x80) return 1;
  size_t length = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
  if (s[0] < 0xC2 || s[0] > 0xF4 || n < length) return 0;
  for (size_t i = 1; i < length; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F)) return 0;
  if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
  return length;
}

/* The code of a sequence of `length` bytes, 0 where its bytes are not valid. Above U+FFFF there is
 * nothing that is_control knows. */
static unsigned code_of(const unsigned char *s, size_t length) {
  switch (length) {
  case 1: return s[0];
  case 2: return (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu);
  case 3: return (s[0] & 0x0Fu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu);
  default: return length ? 0x10000 : 0;
  }
}

static bool is_control(unsigned code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E ||
         code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

bool sg_has_control(const char *text) {
  size_t n = strlen(text), step;
  for (size_t i = 0; i < n; i += step) {
    step = sequence((const unsigned char *)text + i, n - i);
    if (is_control(code_of((const unsigned char *)text + i, step))) return true;
  }
  return false;
}

void sg_put_clean(sg_buffer *b, const char *text, size_t n, const char *keep, char instead) {
  size_t from = 0;
  for (size_t i = 0, step; i < n; i += step) {
    step = sequence((const unsigned char *)text + i, n - i);
    bool control = is_control(code_of((const unsigned char *)text + i, step));
    if (step == 0) step = 1;
    if (!control || (text[i] && strchr(keep, text[i]))) continue;
    sg_put_bytes(b, text + from, i - from);
    sg_put_bytes(b, &instead, 1);
    from = i + step;
  }
  sg_put_bytes(b, text + from, n - from);
}

size_t sg_utf8_valid(const char *bytes, size_t n) {
  size_t i = 0;
  while (i < n) {
    size_t step = sequence((const unsigned char *)bytes + i, n - i);
    if (step == 0) return i;
    i += step;
  }
  return n;
}

/* Stands for itself in JSON. */
static bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

void sg_put_json_string(sg_buffer *b, const char *text) {
  size_t n = strlen(text);
  sg_put(b, "\"");
  for (size_t i = 0; i < n;) {
    unsigned char c = (unsigned char)text[i];
    size_t step = sequence((const unsigned char *)text + i, n - i);
    if (c == '"' || c == '\\')
      sg_putf(b, "\\%c", c);
    else if (c == '\n')
      sg_put(b, "\\n");
    else if (c == '\t')
      sg_put(b, "\\t");
    else if (step == 0)
      sg_put(b, "\\ufffd"); /* A file name need not be UTF-8, JSON must be. */
    else if (is_control(code_of((const unsigned char *)text + i, step)))
      sg_putf(b, "\\u%04x", code_of((const unsigned char *)text + i, step));
    else {
      while (i + step < n && is_plain((unsigned char)text[i + step])) step++;
      sg_put_bytes(b, text + i, step);
    }
    i += step ? step : 1;
  }
  sg_put(b, "\"");
}

void sg_put_json_number(sg_buffer *b, double x) {
  char text[40] = "null";
  for (int digits = 15; isfinite(x) && digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, x);
    if (strtod(text, NULL) == x) break;
  }
  sg_put(b, text);
}

void sg_put_json_name(sg_buffer *b, const char *name) {
  if (b->length > 0 && b->data[b->length - 1] != '{') sg_put(b, ", ");
  sg_put_json_string(b, name);
  sg_put(b, ": ");
}

void sg_put_json_text_member(sg_buffer *b, const char *name, const char *text) {
  sg_put_json_name(b, name);
  sg_put_json_string(b, text);
}

void sg_put_json_number_member(sg_buffer *b, const char *name, double x) {
  sg_put_json_name(b, name);
  sg_put_json_number(b, x);
}

void sg_put_json_raw_member(sg_buffer *b, const char *name, const char *json) {
  sg_put_json_name(b, name);
  sg_put(b, json);
}

void sg_put_json_bool_member(sg_buffer *b, const char *name, bool x) {
  sg_put_json_raw_member(b, name, x ? "true" : "false");
}

void sg_utf8_mend(char *text) {
  size_t n = strlen(text);
  for (size_t i = 0; (i += sg_utf8_valid(text + i, n - i)) < n;) text[i] = '?';
}

int sg_utf8_columns(const char *text, size_t n) {
  int columns = 0;
  for (size_t i = 0; i < n; i++) columns += ((unsigned char)text[i] & 0xC0) != 0x80;
  return columns;
}

void sg_put_wrapped(sg_buffer *b, const char *first, const char *indent, const char *text,
                    int width) {
  int margin = sg_utf8_columns(indent, strlen(indent)),
      column = sg_utf8_columns(first, strlen(first));
  sg_put(b, first);
  while (*text) {
    size_t n = strcspn(text, " ");
    int wide = sg_utf8_columns(text, n);
    if (column + wide > width && column > margin) {
      while (b->length && b->data[b->length - 1] == ' ') b->data[--b->length] = '\0';
      sg_putf(b, "\n%s", indent);
      column = margin;
    }
    sg_put_bytes(b, text, n);
    column += wide;
    text += n;
    while (*text == ' ') {
      sg_put(b, " ");
      column++;
      text++;
    }
  }
  sg_put(b, "\n");
}

void sg_put_markdown_cell(const char *text, sg_buffer *b) {
  for (; *text; text++) {
    size_t n = strcspn(text, "|");
    sg_put_clean(b, text, n, "", ' ');
    text += n;
    if (!*text) return;
    sg_put(b, "\\|");
  }
}

char *sg_format_seconds(double seconds, char out[32]) {
  double s = fabs(seconds);
  const char *sign = seconds < 0 ? "-" : "";
  if (!isfinite(seconds))
    snprintf(out, 32, "–");
  else if (s == 0)
    snprintf(out, 32, "0 s");
  else if (s < 1e-6)
    snprintf(out, 32, "%s%.3g ns", sign, s * 1e9);
  else if (s < 1e-3)
    snprintf(out, 32, "%s%.3g µs", sign, s * 1e6);
  else if (s < 1)
    snprintf(out, 32, "%s%.3g ms", sign, s * 1e3);
  else if (s < 59.95)
    snprintf(out, 32, "%s%.*f s", sign, s < 9.995 ? 1 : 0, s);
  else if (s < 3599.5)
    snprintf(out, 32, "%s%d min %d s", sign, (int)(round(s) / 60), (int)fmod(round(s), 60));
  else if (s < 86370)
    snprintf(out, 32, "%s%d h %d min", sign, (int)(round(s / 60) / 60),
             (int)fmod(round(s / 60), 60));
  else
    snprintf(out, 32, "%s%.0f d %d h", sign, floor(round(s / 3600) / 24),
             (int)fmod(round(s / 3600), 24));
  return out;
}

char *sg_format_bytes(double bytes, char out[32]) {
  static const char *const unit[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (!isfinite(bytes)) {
    snprintf(out, 32, "–");
    return out;
  }
  size_t i = 0;
  /* 999.5 would be printed as "1000": it belongs to the next unit. */
  for (; fabs(bytes) >= 999.5 && i + 1 < sizeof unit / sizeof *unit; i++) bytes /= 1000;
  snprintf(out, 32, "%.*f %s", i > 0 && fabs(bytes) < 9.95 ? 1 : 0, bytes, unit[i]);
  return out;
}

void sg_sha256(const void *bytes, size_t n, char hex[65]) {
  SHA256Data(bytes, n, hex);
}

/* What is no file, in words; NULL: it is one. */
static const char *other_kind(mode_t mode) {
  return S_ISREG(mode)                    ? NULL
         : S_ISDIR(mode)                  ? "a folder"
         : S_ISFIFO(mode)                 ? "a pipe"
         : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                          : "something else";
}

static sg_status fail_size(const char *path, const char *place, size_t most, sg_error *e) {
  char limit[32];
  return sg_fail(e, SG_NO_INPUT, place, "cannot read \"%s\": expected at most %s, found more", path,
                 sg_format_bytes((double)most, limit));
}

/* To the end, which may come later than `expected` says: the file may grow, and those of /proc have
 * size 0. */
static sg_status read_all(int fd, const char *path, const char *place, size_t expected, size_t most,
                          sg_buffer *b, sg_error *e) {
  for (;;) {
    if (b->length > most) return fail_size(path, place, most, e);
    size_t wanted = b->length < expected ? expected : b->length;
    /* Room for a NUL, and for a byte that shows that there is more. */
    if (!SG_ROOM(b->data, b->capacity, wanted + 2)) return sg_fail_memory(e);
    ssize_t n = read(fd, b->data + b->length, b->capacity - 1 - b->length);
    if (n < 0) return sg_fail(e, SG_IO, place, "cannot read \"%s\": %s", path, strerror(errno));
    b->length += (size_t)n;
    b->data[b->length] = '\0';
    if (n == 0) return SG_OK;
  }
}

static sg_status read_fd(int fd, const char *path, const char *place, bool any_kind, size_t most,
                         char **data, size_t *length, sg_error *e) {
  struct stat s = {0};
  sg_buffer b = {0};
  sg_status status = SG_OK;
  const char *kind = fstat(fd, &s) ? strerror(errno) : any_kind ? NULL : other_kind(s.st_mode);
  size_t size = S_ISREG(s.st_mode) && s.st_size > 0 ? (size_t)s.st_size : 65536;
  if (kind)
    status =
        sg_fail(e, SG_NO_INPUT, place, "cannot read \"%s\": expected a file, found %s", path, kind);
  else if (size > most)
    status = fail_size(path, place, most, e);
  else
    status = read_all(fd, path, place, size, most, &b, e);
  if (status) sg_buffer_free(&b);
  *data = b.data;
  *length = b.length;
  return status;
}

static sg_status read_path(const char *path, const char *place, size_t most, char **data,
                           size_t *length, sg_error *e) {
  *data = NULL;
  *length = 0;
  /* Opening a pipe without a writer would wait for one, and reading /proc/kmsg for a message. */
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return sg_fail(e, errno == ENOMEM ? SG_NO_MEMORY : SG_NO_INPUT, place, "cannot open \"%s\": %s",
                   path, strerror(errno));
  sg_status status = read_fd(fd, path, place, false, most, data, length, e);
  close(fd);
  return status;
}

sg_status sg_read_file(const char *path, const char *place, char **data, size_t *length,
                       sg_error *e) {
  return read_path(path, place, SG_FILE_BYTES, data, length, e);
}

sg_status sg_read_input(const char *path, char **data, size_t *length, sg_error *e) {
  if (strcmp(path, "-") != 0) return read_path(path, NULL, SG_INPUT_BYTES, data, length, e);
  return read_fd(STDIN_FILENO, path, NULL, true, SG_INPUT_BYTES, data, length, e);
}

/* Whether somebody's results are there. */
static bool is_database(const char *path) {
  static const char magic[] = "SQLite format 3";
  char head[sizeof magic] = "";
  struct stat is;
  if (stat(path, &is) || !S_ISREG(is.st_mode)) return false;
  FILE *f = fopen(path, "rb");
  size_t n = f ? fread(head, 1, sizeof magic, f) : 0;
  if (f) fclose(f);
  return n == sizeof magic && !memcmp(head, magic, sizeof magic);
}

sg_status sg_write_file(const char *path, const sg_buffer *text, sg_error *e) {
  struct stat is;
  if (is_database(path))
    return sg_fail(e, SG_CANNOT_CREATE, path, "%s is a database, which is not overwritten", path);
  FILE *f = fopen(path, "wb");
  if (!f && errno == ENOMEM) return sg_fail_memory(e);
  if (!f)
    return sg_fail(e, SG_CANNOT_CREATE, path, "%s cannot be written: %s", path, strerror(errno));
  bool regular = !fstat(fileno(f), &is) && S_ISREG(is.st_mode);
  bool written = fwrite(text->data ? text->data : "", 1, text->length, f) == text->length;
  if (!written || fflush(f)) written = false;
  int error = errno;
  if (fclose(f) && written) {
    written = false;
    error = errno;
  }
  if (written) return SG_OK;
  if (regular) unlink(path);
  return sg_fail(e, SG_IO, path, "%s cannot be written whole: %s", path, strerror(error));
}
