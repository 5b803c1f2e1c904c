/* SPDX-License-Identifier: MIT */
/* The command schema: the format of scenarios, for editors and for people. */
#include "sim/cli/command.h"
#include "sim/scenario/scenario.h"

static void print(const sg_call *call, sg_buffer *out) {
  if (sg_args_given(call->args, "reference"))
    sg_scenario_reference(out);
  else
    sg_scenario_schema(out);
}

const sg_command sg_cmd_schema = {
    .name = "schema",
    .summary = "Print the JSON Schema of scenarios, or their reference.",
    .options = {SG_OPTION_ROW_FLAG("reference", 'r', "the reference, as Markdown")},
    .examples = {{"schema > scenario.schema.json", "What editors check and complete scenarios by"}},
    .print = print};
