/* SPDX-License-Identifier: MIT */
/* Feeds arbitrary bytes to the reader of comma-separated values, to that of traces, and what it
 * takes to the fit: whatever comes, they must answer, not crash.
 *
 * With -DSG_LIBFUZZER and -fsanitize=fuzzer it is a libFuzzer target. Without, it is a program that
 * mutates the first lines of the files given to it, the same way every time:
 *   fuzz_trace ITERATIONS FILE… */
#include "sim/core/csv.h"
#include "sim/fit/fit.h"
#include "tests/support/mutate.h"
#include "tests/support/play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A fit of more is no other than one of less, and slow. */
enum {
  MOST_CELLS = 400,
  LINES = 52
}; /* four iterations of twelve workers, and a head of four lines */

static void check_fit(const sg_trace *t) {
  const sg_fit_options options = {.seed = 1, .replicates = 2};
  sg_error e = {0};
  sg_fit *fit = NULL;
  sg_status status = sg_fit_new(t, "fuzz.csv", &options, &fit, &e);
  /* The trace itself is a model that names a file, which is not there. */
  if ((status == SG_OK) != (fit != NULL) || (status == SG_OK && !fit->verdict)) abort();
  if (status != SG_OK && e.count == 0) abort();
  sg_error_clear(&e);
  sg_fit_free(fit);
}

/* All records, a field a line with its place; the ends of lines are not part of them. */
static void put_records(const char *text, size_t size, char separator, sg_buffer *out) {
  sg_error e = {0};
  sg_csv r = {.name = "fuzz.csv", .separator = separator, .e = &e};
  sg_csv_text(&r, text, size);
  size_t calls = 0;
  for (long line = 0;; line = r.line) {
    sg_status status = sg_csv_next(&r);
    if (status ? status != SG_INVALID || r.faults == 0 : r.count == 0) break;
    if (calls++ > size || r.line < line) abort(); /* it goes on, and forward */
    sg_putf(out, "%ld %d\n", r.line, status);
    for (int i = 0; !status && i < r.count; i++) {
      sg_csv_field f = r.field[i];
      double x;
      if (f.at < text || f.at > text + size || memchr(f.text, 0, f.length)) abort();
      if (f.text == f.at && (memchr(f.text, '\r', f.length) || memchr(f.text, '\n', f.length)))
        abort();
      sg_csv_finite(&r, i, "a", &x);
      sg_putf(out, "%.17g \"", x);
      sg_put_bytes(out, f.text, f.length);
      sg_put(out, "\"\n");
    }
  }
  bool faulty = r.faults > 0;
  if ((sg_csv_end(&r) != SG_OK) != faulty || e.count > SG_CSV_FAULTS + 1) abort();
  for (int i = 0; i < e.count; i++) sg_putf(out, "%s %s\n", e.fault[i].place, e.fault[i].message);
  sg_error_clear(&e);
}

/* Reads with a separator, by the length; CRLF must make no difference. */
static void check_records(const char *text, size_t size) {
  char separator = ",;\t "[size % 4];
  bool plain = !memchr(text, '\r', size) && !memchr(text, '"', size) && !memchr(text, 0, size);
  sg_buffer crlf = {0}, a = {0}, b = {0};
  for (size_t i = 0; plain && i < size; i++) {
    if (text[i] == '\n') sg_put(&crlf, "\r");
    sg_put_bytes(&crlf, &text[i], 1);
  }
  sg_put(&a, "");
  sg_put(&b, "");
  put_records(text, size, separator, &a);
  if (crlf.data) put_records(crlf.data, crlf.length, separator, &b);
  if (a.failed || b.failed || (crlf.data && strcmp(a.data, b.data) != 0)) abort();
  sg_buffer_free(&a);
  sg_buffer_free(&b);
  sg_buffer_free(&crlf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_records((const char *)data, size);
  sg_trace *t = NULL;
  sg_error e = {0};
  sg_status status = sg_trace_parse("fuzz.csv", (const char *)data, size, &t, &e);
  if ((status == SG_OK) != (e.count == 0) || (status == SG_OK) != (t != NULL)) abort();
  if (e.count > 21) abort(); /* bounded */
  for (int i = 0; i < e.count; i++)
    if (sg_utf8_valid(e.fault[i].message, strlen(e.fault[i].message)) < strlen(e.fault[i].message))
      abort();
  sg_error_clear(&e);
  if (!t) return 0;
  size_t cells = (size_t)t->iterations * (size_t)t->workers;
  if (t->workers < 1 || t->iterations < 1) abort();
  for (size_t k = 0; k < cells; k++)
    if (!(t->compute[k] > 0) || !isfinite(t->compute[k])) abort();
  if (cells <= MOST_CELLS) check_fit(t);
  sg_trace_free(t);
  return 0;
}

#ifndef SG_LIBFUZZER

static const char *const word[] = {",",
                                   "\n",
                                   "\r\n",
                                   "\r",
                                   ";",
                                   "3.4028235e38",
                                   "Unnamed: 0",
                                   "\xef\xbb\xbf",
                                   "\"a,\n\"\"b\"",
                                   "#",
                                   "# unit: ms\n",
                                   "1e308",
                                   "1e-308",
                                   "5e-324",
                                   "nan",
                                   "inf",
                                   "-1",
                                   "0",
                                   "0x1p3",
                                   "\"",
                                   "1e999",
                                   "load",
                                   "send_s",
                                   "worker",
                                   "compute_s",
                                   "iteration",
                                   "\xff",
                                   "\xe2\x89",
                                   "1.5",
                                   "9007199254740993",
                                   " ",
                                   "\t",
                                   "7",
                                   "# source:",
                                   NULL};

int main(int argc, char **argv) {
  const mutation how = {.word = word, .lines = LINES, .most = 4};
  LLVMFuzzerInitialize(&argc, &argv);
  return mutate_main(argc, argv, &how, LLVMFuzzerTestOneInput);
}

#endif
