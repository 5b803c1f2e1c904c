/* SPDX-License-Identifier: MIT */
/* The command version, which is --version, too. */
#include "sim/cli/command.h"

static void print(const sg_call *call, sg_buffer *out) {
  sg_putf(out, "straggle %s (%s)\n", sg_version_text, sg_revision_text);
}

const sg_command sg_cmd_version = {.name = "version",
                                   .summary = "Print version and revision.",
                                   .examples = {{"version", "What to say in a report of a fault"}},
                                   .print = print};
