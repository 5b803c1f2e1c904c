/* SPDX-License-Identifier: MIT */
/* The command codes show: one code, its parameters, rules and source. */
#include "codes/frame/code.h"
#include "sim/cli/bibliography.h"
#include "sim/cli/command.h"
#include "sim/scenario/scenario.h"

static void put_json(const sg_variant *about, sg_buffer *out) {
  sg_put(out, "{");
  sg_put_json_text_member(out, "code", about->name);
  sg_put_json_text_member(out, "summary", about->summary);
  sg_put_json_text_member(out, "reference", about->reference);
  sg_put_json_raw_member(out, "parameters", "[");
  for (const sg_param *p = about->params; p && p->name; p++) {
    sg_put(out, p == about->params ? "{" : ", {");
    sg_put_json_text_member(out, "name", p->name);
    sg_put_json_text_member(out, "summary", p->summary);
    sg_put(out, "}");
  }
  sg_put(out, "]}\n");
}

static void print(const sg_call *call, sg_buffer *out) {
  const sg_variant *about = &sg_code_type_find(call->args->word[0])->about;
  sg_format format = sg_args_format(call->args);
  bool markdown = format == SG_FORMAT_MARKDOWN;
  if (sg_args_given(call->args, "bib")) {
    sg_put_bib(about->reference, out);
    return;
  }
  if (format == SG_FORMAT_JSON) {
    put_json(about, out);
    return;
  }
  sg_putf(out, markdown ? "## `%s`\n\n%s\n\n" : "%s\n  %s\n", about->name, about->summary);
  if (*about->reference)
    sg_putf(out, markdown ? "Source: %s\n\n" : "  Source: %s\n", about->reference);
  if (!markdown) sg_put(out, "\n");
  sg_param_reference(about->params, markdown, out);
}

static const char *const formats[] = {"text", "json", "markdown", NULL};

const sg_command sg_cmd_codes_show = {
    .name = "codes show",
    .summary = "Show a code: parameters, rules and source.",
    .operands = {{.name = "NAME",
                  .what = "the name of a code",
                  .least = 1,
                  .most = 1,
                  .family = &sg_code_family}},
    .options = {SG_OPTION_ROW_FLAG("bib", 0, "its papers as BibTeX"),
                SG_OPTION_ROWS_FORMAT(formats, "how it is printed")},
    .examples = {{"codes show group", "Its parameters, and the rules that join them"},
                 {"codes show group --bib", "What to cite"}},
    .print = print};
