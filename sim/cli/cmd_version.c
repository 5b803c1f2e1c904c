/* SPDX-License-Identifier: MIT */
/* The command version, which is --version, too. */
#include "sim/cli/output.h"
#include "sim/cli/provenance.h"

static int run(const sg_call *call) {
  sg_buffer out = {0};
  sg_putf(&out, "straggle %s (%s)\n", sg_version_text, sg_revision_text);
  return sg_print(&out);
}

const sg_command sg_cmd_version = {
    .name = "version", .summary = "Print version and revision.", .run = run};
