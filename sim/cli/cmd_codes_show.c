/* SPDX-License-Identifier: MIT */
/* The command codes show: one code, its parameters, rules and source; with parameters or a number
 * of workers also what there is to know of that one. */
#include "sim/cli/bibliography.h"
#include "sim/cli/codes_check.h"
#include "sim/cli/output.h"
#include "sim/scenario/scenario.h"

#include <string.h>
#include <sysexits.h>

static void put_json(const sg_variant *about, const sg_buffer *facts, sg_buffer *out) {
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
  sg_put(out, "]");
  if (facts->length > 0) sg_put_json_text_member(out, "facts", facts->data);
  sg_put(out, "}\n");
}

static void put(const sg_call *call, const sg_buffer *facts, sg_buffer *out) {
  const sg_variant *about = &sg_code_type_find(call->args->word[0])->about;
  sg_format format = sg_args_format(call->args);
  bool markdown = format == SG_FORMAT_MARKDOWN;
  if (sg_args_given(call->args, "bib")) {
    sg_put_bib(about->reference, out);
    return;
  }
  if (format == SG_FORMAT_JSON) {
    put_json(about, facts, out);
    return;
  }
  sg_putf(out, markdown ? "## `%s`\n\n%s\n\n" : "%s\n  %s\n", about->name, about->summary);
  if (*about->reference)
    sg_putf(out, markdown ? "Source: %s\n\n" : "  Source: %s\n", about->reference);
  if (!markdown) sg_put(out, "\n");
  sg_param_reference(about->params, markdown, out);
  for (const char *line = facts->data; line && *line;) {
    int n = (int)strcspn(line, "\n");
    const char *start = line == facts->data ? "\n" : "";
    sg_putf(out, markdown ? "%s* %.*s\n" : "%s  %.*s\n", start, n, line);
    line += n + (line[n] != 0);
  }
}

/* What is known of the code with the parameters that were given. */
static sg_status find_facts(const sg_call *call, sg_buffer *facts, sg_error *e) {
  const sg_code_type *type = sg_code_type_find(call->args->word[0]);
  int workers = (int)sg_args_integer(call->args, "workers");
  sg_shape shape = {.workers = workers,
                    .subsets = workers,
                    .length = 1000000,
                    .seed = sg_args_find(call->args, "seed")->seed,
                    .updates = 1000};
  sg_values *values = sg_values_new(sg_scheme_params, &type->about, "");
  sg_choices choices = {0};
  sg_code *code = NULL;
  char label[128];
  sg_status status = values ? sg_choices_read(call->args, values, &choices, e) : sg_fail_memory(e);
  if (!status && choices.combinations > 1)
    status = sg_fail(e, SG_USAGE, NULL, "expected one value for each parameter, found several");
  if (!status) status = sg_choose(&choices, 0, values, e);
  if (!status) status = sg_code_new(type, &shape, values, &code, e);
  if (!status) {
    sg_code_label(values, label, sizeof label);
    sg_putf(facts, "%s, %d workers: d = %.6g, s = %d, %.6g copies of the data\n", label, workers,
            code->load, code->promised, code->stored);
    if (!sg_code_describe(code, facts)) status = sg_fail_memory(e);
  }
  sg_code_free(code);
  sg_choices_free(&choices);
  sg_values_free(values);
  return status;
}

static int run(const sg_call *call) {
  sg_buffer facts = {0}, out = {0};
  sg_error e = {0};
  sg_status status = SG_OK;
  if (call->args->n_words > 1 || sg_args_given(call->args, "workers"))
    status = find_facts(call, &facts, &e);
  int code = EX_OK;
  if (status) {
    code = sg_say_faults(call->command->name, status, &e);
  } else {
    put(call, &facts, &out);
    code = sg_print(&out);
  }
  sg_buffer_free(&facts);
  sg_error_clear(&e);
  return code;
}

static const char *const formats[] = {"text", "json", "markdown", NULL};

const sg_command sg_cmd_codes_show = {
    .name = "codes show",
    .summary = "Show a code: parameters, rules and source.",
    .operands = {{.name = "NAME",
                  .what = "the name of a code",
                  .least = 1,
                  .most = 1,
                  .family = &sg_code_family},
                 {.name = "PARAMETER=VALUE", .what = "parameters", .most = SG_ANY_NUMBER}},
    .options = {SG_OPTION_ROW("workers", 'n', INTEGER, "N", "workers of the code that is made",
                              .min = 1, .max = 1000000, .fallback = "12"),
                SG_OPTION_ROW("seed", 0, SEED, "S", "of the code that is made", .fallback = "1"),
                SG_OPTION_ROW_FLAG("bib", 0, "its papers as BibTeX"),
                SG_OPTION_ROWS_FORMAT(formats, "how it is printed")},
    .text =
        {"With parameters or a number of workers the code is made, and what there is to know of "
         "it is said, too."},
    .examples = {{"codes show group", "Its parameters, and the rules that join them"},
                 {"codes show graph graph=lps -n 6552", "A Ramanujan graph, and its bounds"},
                 {"codes show group --bib", "What to cite"}},
    .run = run};
