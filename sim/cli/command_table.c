/* SPDX-License-Identifier: MIT */
/* All commands, in the order of help. A new one adds a line. */
#include "sim/cli/command.h"

/* clang-format off */
#define COMMANDS(X) \
  X(init)        \
  X(run)         \
  X(check)       \
  X(plan)        \
  X(expect)      \
  X(compare)     \
  X(plot)        \
  X(report)      \
  X(blame)       \
  X(merge)       \
  X(forget)      \
  X(query)       \
  X(timeline)    \
  X(codes)       \
  X(codes_show)  \
  X(codes_check) \
  X(codes_design) \
  X(fit)         \
  X(papers)      \
  X(schema)      \
  X(help)        \
  X(completion)  \
  X(man)         \
  X(version)
/* clang-format on */

#define DECLARED(name) extern const sg_command sg_cmd_##name;
#define LISTED(name)   &sg_cmd_##name,

COMMANDS(DECLARED)

const sg_command *const sg_commands[] = {COMMANDS(LISTED) NULL};
