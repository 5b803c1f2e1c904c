/* SPDX-License-Identifier: MIT */
/* Help, man page and reference, all from the descriptors. */
#include "sim/cli/command.h"
#include "sim/cli/output.h"

#include <stdlib.h>
#include <string.h>

static const char about[] = "simulates stragglers in coded distributed gradient descent";

static const struct {
  const char *code, *what;
} exits[] = {{"0", "all is well"},
             {"64", "the command line is wrong"},
             {"65", "a scenario, data file, parameter or database is wrong"},
             {"66", "a file is missing or cannot be read"},
             {"70", "our fault: a bug, or a code that breaks its promise"},
             {"71", "no memory"},
             {"73", "a file cannot be created"},
             {"74", "reading or writing failed"},
             {"75", "the database is in use"},
             {"130", "interrupted; what is finished is kept"},
             {0}};

/* --- Parts ------------------------------------------------------------------------------------ */

void sg_put_usage(const sg_command *c, sg_buffer *out) {
  sg_put(out, c->name);
  for (const sg_operand *o = c->operands; o->name; o++)
    sg_putf(out, o->least ? " %s%s" : " [%s%s]", o->name, o->most == SG_ANY_NUMBER ? "..." : "");
  if (c->options[0].name) sg_put(out, " [OPTIONS]");
}

/* "1 to 1024; default 12"; nothing where there is nothing to say. */
static void put_values(const sg_option *o, sg_buffer *out) {
  bool range = o->kind == SG_OPTION_INTEGER, words = o->kind == SG_OPTION_CHOICE;
  if (range) sg_putf(out, "%.0f to %.0f", o->min, o->max);
  if (words) sg_option_expectation(o, out);
  if (o->fallback && !o->short_for)
    sg_putf(out, "%sdefault %s", range || words ? "; " : "", o->fallback);
}

static void put_option_text(const sg_option *o, sg_buffer *out) {
  sg_buffer values = {0};
  put_values(o, &values);
  sg_put(out, o->help);
  if (values.data) sg_putf(out, " (%s)", values.data);
  out->failed |= values.failed;
  sg_buffer_free(&values);
}

/* What was put from `begin` on, as `put` writes it. */
static void escape(void (*put)(const char *text, sg_buffer *out), size_t begin, sg_buffer *out) {
  if (out->failed || out->length == begin) return;
  char *text = strdup(out->data + begin);
  out->failed = !text;
  out->length = begin;
  if (text) put(text, out);
  free(text);
}

/* --- For a terminal --------------------------------------------------------------------------- */

void sg_put_list(sg_buffer *out) {
  sg_putf(out, "straggle %s.\n\nUsage: straggle COMMAND [ARGUMENTS]\n\n", about);
  for (const sg_command *const *c = sg_commands; *c; c++)
    sg_putf(out, "  %-13s %s\n", (*c)->name, (*c)->summary);
  sg_put(out, "\nstraggle help COMMAND says more about one of them; straggle --version.\n\nExit "
              "codes:\n");
  for (int i = 0; exits[i].code; i++) sg_putf(out, "  %-4s %s\n", exits[i].code, exits[i].what);
}

static void put_option(const sg_option *o, int width, sg_buffer *out) {
  static const char indent[] = "                          ";
  sg_buffer head = {0}, text = {0};
  if (o->letter) sg_putf(&head, "  -%c, ", o->letter);
  sg_putf(&head, "%s--%s%s%s", o->letter ? "" : "      ", o->name, o->value ? " " : "",
          o->value ? o->value : "");
  put_option_text(o, &text);
  out->failed |= head.failed || text.failed;
  if (!out->failed) {
    bool fits = head.length + 2 < sizeof indent;
    if (fits)
      sg_put(&head, indent + head.length);
    else
      sg_putf(out, "%s\n", head.data);
    out->failed |= head.failed;
    sg_put_wrapped(out, fits ? head.data : indent, indent, text.data, width);
  }
  sg_buffer_free(&head);
  sg_buffer_free(&text);
}

static const sg_option help_row = SG_OPTION_ROW_FLAG("help", 'h', "this text");

static void put_text(const sg_command *c, int width, sg_buffer *out) {
  for (const char *const *text = c->text; *text; text++) {
    sg_put(out, "\n");
    sg_put_wrapped(out, "", "", *text, width);
  }
}

static void put_one(const sg_command *c, int width, sg_buffer *out) {
  sg_put(out, "straggle ");
  sg_put_usage(c, out);
  sg_putf(out, "\n\n%s\n", c->summary);
  put_text(c, width, out);
  sg_put(out, "\nOptions:\n");
  for (const sg_option *o = c->options; o->name; o++) put_option(o, width, out);
  put_option(&help_row, width, out);
  if (c->examples[0].line) sg_put(out, "\nExamples:\n");
  for (const sg_example *x = c->examples; x->line; x++)
    sg_putf(out, "  straggle %s\n      %s.\n", x->line, x->what);
}

void sg_put_help(const sg_command *c, sg_buffer *out) {
  int terminal = sg_terminal_width(), width = terminal < 80 ? terminal : 80;
  put_one(c, width, out);
  for (const sg_command *const *k = sg_commands; *k; k++) {
    if (!sg_command_below(*k, c->name)) continue;
    sg_put(out, "\n");
    put_one(*k, width, out);
  }
}

/* --- The man page ----------------------------------------------------------------------------- */

/* Text that troff prints as it is. */
static void put_plain(const char *text, sg_buffer *out) {
  bool begins = true; /* of a line: a dot or a quote would be a request */
  for (; *text; text++) {
    if (begins && (*text == '.' || *text == '\'')) sg_put(out, "\\&");
    begins = *text == '\n';
    if (*text == '\\')
      sg_put(out, "\\e");
    else if (*text == '-')
      sg_put(out, "\\-");
    else
      sg_put_bytes(out, text, 1);
  }
}

static void put_roff(const char *before, const char *text, const char *after, sg_buffer *out) {
  sg_put(out, before);
  put_plain(text, out);
  sg_put(out, after);
}

static void put_roff_option(const sg_option *o, sg_buffer *out) {
  sg_put(out, ".TP\n");
  if (o->letter) sg_putf(out, "\\fB\\-%c\\fR, ", o->letter);
  put_roff("\\fB\\-\\-", o->name, "\\fR", out);
  if (o->value) put_roff(" \\fI", o->value, "\\fR", out);
  sg_put(out, "\n");
  size_t begin = out->length;
  put_option_text(o, out);
  escape(put_plain, begin, out);
  sg_put(out, "\n");
}

static void put_roff_command(const sg_command *c, sg_buffer *out) {
  sg_put(out, ".SS straggle ");
  size_t begin = out->length;
  sg_put_usage(c, out);
  escape(put_plain, begin, out);
  put_roff("\n", c->summary, "\n", out);
  for (const char *const *text = c->text; *text; text++) put_roff(".PP\n", *text, "\n", out);
  for (const sg_option *o = c->options; o->name; o++) put_roff_option(o, out);
  for (const sg_example *x = c->examples; x->line; x++) {
    put_roff(".PP\n", x->what, ":\n", out);
    put_roff(".PP\n.in +4\nstraggle ", x->line, "\n.in\n", out);
  }
}

static void put_title(const char *name, sg_buffer *out) {
  sg_put(out, ".\\\" Made by `straggle man`.\n.TH \"");
  for (; *name; name++) {
    char upper = (char)(*name == ' ' ? '-' : *name >= 'a' && *name <= 'z' ? *name - 32 : *name);
    sg_put_bytes(out, &upper, 1);
  }
  put_roff("\" 1 \"\" \"straggle ", sg_version_text, "\" \"User Commands\"\n", out);
}

void sg_put_man_of(const sg_command *c, sg_buffer *out) {
  sg_buffer name = {0};
  sg_putf(&name, "straggle %s", c->name);
  out->failed |= name.failed;
  if (!name.failed) put_title(name.data, out);
  for (char *at = name.failed ? NULL : name.data; at && *at; at++)
    if (*at == ' ') *at = '-';
  put_roff(".SH NAME\n", name.failed ? "" : name.data, "", out);
  put_roff(" \\- ", c->summary, "\n.SH SYNOPSIS\n.B straggle ", out);
  sg_buffer_free(&name);
  size_t begin = out->length;
  sg_put_usage(c, out);
  escape(put_plain, begin, out);
  sg_put(out, "\n.SH DESCRIPTION\n");
  put_roff("", c->summary, "\n", out);
  for (const char *const *text = c->text; *text; text++) put_roff(".PP\n", *text, "\n", out);
  sg_put(out, ".SH OPTIONS\n");
  for (const sg_option *o = c->options; o->name; o++) put_roff_option(o, out);
  put_roff_option(&help_row, out);
  if (c->examples[0].line) sg_put(out, ".SH EXAMPLES\n");
  for (const sg_example *x = c->examples; x->line; x++) {
    put_roff(".PP\n", x->what, ":\n", out);
    put_roff(".PP\n.in +4\n.nf\nstraggle ", x->line, "\n.fi\n.in\n", out);
  }
  sg_put(out, ".SH SEE ALSO\n\\fBstraggle\\fR(1), which lists exit codes and all commands\n");
}

void sg_put_man(sg_buffer *out) {
  put_title("straggle", out);
  put_roff(".SH NAME\nstraggle \\- ", about, "\n", out);
  sg_put(out, ".SH SYNOPSIS\n\\fBstraggle\\fR \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n"
              ".SH DESCRIPTION\nA scenario, a JSON file, says what cluster, delays, network, "
              "learning problem and gradient codes there are. \\fBstraggle run\\fR simulates it "
              "into an SQLite database; the other commands prepare that or ask the database. "
              "Results go to standard output, messages and progress to standard error. Every "
              "command takes \\fB\\-\\-help\\fR.\n.SH COMMANDS\n");
  for (const sg_command *const *c = sg_commands; *c; c++) put_roff_command(*c, out);
  sg_put(out, ".SH EXIT STATUS\nAs in \\fBsysexits\\fR(3):\n");
  for (int i = 0; exits[i].code; i++)
    sg_putf(out, ".TP\n\\fB%s\\fR\n%s\n", exits[i].code, exits[i].what);
  sg_put(out, ".SH SEE ALSO\n\\fBsqlite3\\fR(1)\n");
}

/* --- The reference ---------------------------------------------------------------------------- */

static void put_markdown_option(const sg_option *o, sg_buffer *out) {
  sg_put(out, "| `");
  if (o->letter) sg_putf(out, "-%c`, `", o->letter);
  sg_putf(out, "--%s%s%s` | ", o->name, o->value ? " " : "", o->value ? o->value : "");
  sg_put_markdown_cell(o->help, out);
  sg_put(out, " | ");
  size_t begin = out->length;
  put_values(o, out);
  escape(sg_put_markdown_cell, begin, out);
  sg_put(out, " |\n");
}

void sg_put_reference(sg_buffer *out) {
  sg_put(out, "# Commands\n\n[all pages](../README.md#all-pages) · [how do I "
              "…](how-do-i.md)\n\nMade by `straggle man --format markdown` from the tables of the "
              "commands;\n`straggle help COMMAND` and `man straggle` say the same.\n\n"
              "| command | what it does |\n|---|---|\n");
  for (const sg_command *const *c = sg_commands; *c; c++)
    sg_putf(out, "| `%s` | %s |\n", (*c)->name, (*c)->summary);
  sg_put(out, "\nEvery command takes `--help`. Long options may be abbreviated; behind `--` "
              "nothing is an option.\n\n| exit code | when |\n|---|---|\n");
  for (int i = 0; exits[i].code; i++) sg_putf(out, "| %s | %s |\n", exits[i].code, exits[i].what);
  for (const sg_command *const *k = sg_commands; *k; k++) {
    const sg_command *c = *k;
    sg_putf(out, "\n## %s\n\n    straggle ", c->name);
    sg_put_usage(c, out);
    sg_putf(out, "\n\n%s\n", c->summary);
    put_text(c, 100, out);
    if (c->options[0].name) sg_put(out, "\n| option | what | values |\n|---|---|---|\n");
    for (const sg_option *o = c->options; o->name; o++) put_markdown_option(o, out);
    for (const sg_example *x = c->examples; x->line; x++)
      sg_putf(out, "\n%s:\n\n    straggle %s\n", x->what, x->line);
  }
}
