/* SPDX-License-Identifier: MIT */
/* The command codes: the list of gradient codes. */
#include "codes/frame/code.h"
#include "sim/cli/bibliography.h"
#include "sim/cli/command.h"
#include "sim/cli/output.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* People see what, who and when, a table for each kind; all the rest is in `codes show`. */
static void print_kinds(sg_buffer *out) {
  static const char *const columns[] = {"code", "summary", "source"};
  for (int i = 0; sg_code_type_at(i);) {
    const char *kind = sg_code_kind(sg_code_type_at(i));
    sg_table *t = sg_table_new(3, columns);
    for (; sg_code_type_at(i) && strcmp(sg_code_kind(sg_code_type_at(i)), kind) == 0; i++) {
      const sg_variant *about = &sg_code_type_at(i)->about;
      char source[40];
      snprintf(source, sizeof source, "%.*s", (int)strcspn(about->reference, "(,;"),
               about->reference);
      sg_table_text(t, about->name);
      sg_table_text(t, about->brief ? about->brief : about->summary);
      sg_table_text(t, source);
    }
    sg_putf(out, "%s%c%s\n", i > sg_table_rows(t) ? "\n" : "", toupper((unsigned char)kind[0]),
            kind + 1);
    sg_put_table(t, SG_FORMAT_TEXT, out);
  }
}

static void print(const sg_call *call, sg_buffer *out) {
  if (sg_args_given(call->args, "bib")) {
    sg_put_bib(NULL, out);
    return;
  }
  sg_format format = sg_args_format(call->args);
  if (format == SG_FORMAT_TEXT) {
    print_kinds(out);
    return;
  }
  static const char *const columns[] = {"code", "summary", "source", "kind"};
  sg_table *t = sg_table_new(4, columns);
  for (int i = 0; sg_code_type_at(i); i++) {
    const sg_variant *about = &sg_code_type_at(i)->about;
    sg_table_text(t, about->name);
    sg_table_text(t, about->summary);
    sg_table_text(t, about->reference);
    sg_table_text(t, sg_code_kind(sg_code_type_at(i)));
  }
  sg_put_table(t, format, out);
}

const sg_command sg_cmd_codes = {
    .name = "codes",
    .summary = "List the gradient codes.",
    .options = {SG_OPTION_ROW_FLAG("bib", 0, "the papers of all codes as BibTeX"),
                SG_OPTION_ROWS_FORMAT(sg_format_words, "how the result is printed")},
    .examples = {{"codes", "What codes there are"},
                 {"codes --bib > codes.bib", "Their papers, for a LaTeX document"}},
    .print = print};
