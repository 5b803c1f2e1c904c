/* SPDX-License-Identifier: MIT */
/* The command man: manual pages, from the tables of all commands. */
#include "sim/cli/command.h"
#include "sim/cli/output.h"

#include <string.h>
#include <sysexits.h>

/* "straggle-codes-check.1", in a folder or not. */
static void put_name(const char *folder, const sg_command *c, sg_buffer *out) {
  sg_putf(out, "%s/straggle%s%s", folder, c ? "-" : "", c ? c->name : "");
  for (char *at = out->failed ? NULL : out->data + strlen(folder) + 1; at && *at; at++)
    if (*at == ' ') *at = '-';
  sg_put(out, ".1");
}

/* A page into a folder; c NULL: that of the program. */
static sg_status write_page(const char *folder, const sg_command *c, sg_error *e) {
  sg_buffer name = {0}, page = {0};
  put_name(folder, c, &name);
  if (c)
    sg_put_man_of(c, &page);
  else
    sg_put_man(&page);
  bool room = !name.failed && !page.failed;
  sg_status status = room ? sg_write_file(name.data, &page, e) : sg_fail_memory(e);
  sg_buffer_free(&name);
  sg_buffer_free(&page);
  return status;
}

static int write_all(const char *folder) {
  sg_error e = {0};
  sg_status status = write_page(folder, NULL, &e);
  for (const sg_command *const *c = sg_commands; *c && !status; c++)
    status = write_page(folder, *c, &e);
  return status ? sg_say_faults("man", status, &e) : EX_OK;
}

static int run(const sg_call *call) {
  const sg_args *a = call->args;
  sg_buffer out = {0};
  const sg_command *c;
  int code = sg_named_command(call, &c);
  if (code) return code;
  if (sg_args_given(a, "output")) return write_all(sg_args_text(a, "output"));
  if (sg_args_find(a, "format")->choice == 1)
    sg_put_reference(&out);
  else if (c)
    sg_put_man_of(c, &out);
  else
    sg_put_man(&out);
  return sg_print(&out);
}

const sg_command sg_cmd_man = {
    .name = "man",
    .summary = "Print manual pages.",
    .operands = {{.name = "COMMAND", .what = "a command", .most = 2, .command = true}},
    .options = {SG_OPTION_ROW("format", 'f', CHOICE, "F", "roff for man(1), or docs/commands.md",
                              .choices = (const char *const[]){"roff", "markdown", NULL},
                              .fallback = "roff"),
                SG_OPTION_ROW("output", 'o', FILE, "DIR",
                              "write straggle.1 and a page of every command into this folder")},
    .examples = {{"man codes check > check.1 && man ./check.1",
                  "Read a page where straggle is not installed"}},
    .run = run};
