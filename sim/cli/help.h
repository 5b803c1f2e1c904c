/* SPDX-License-Identifier: MIT */
/* What the descriptors of commands say, for people: help, man page, reference. */
#ifndef SG_SIM_HELP_H
#define SG_SIM_HELP_H

#include "sim/cli/command.h"

/* "run SCENARIO... [OPTIONS]" */
void sg_put_usage(const sg_command *c, sg_buffer *out);
/* One line per command, of at most 80 columns, and the exit codes. */
void sg_put_list(const sg_command *const *commands, sg_buffer *out);
/* All about a command, and about those whose names begin with its own. */
void sg_put_help(const sg_command *c, const sg_command *const *commands, int width, sg_buffer *out);
/* straggle(1), in the macros of man(7). */
void sg_put_man(const sg_command *const *commands, sg_buffer *out);
/* docs/commands.md */
void sg_put_reference(const sg_command *const *commands, sg_buffer *out);

#endif
