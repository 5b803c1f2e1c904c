/* SPDX-License-Identifier: MIT */
/* All commands, in the order of help. A new one adds a declaration and a line. */
#include "sim/cli/command.h"

extern const sg_command sg_cmd_init, sg_cmd_run, sg_cmd_check, sg_cmd_plan, sg_cmd_expect,
    sg_cmd_compare, sg_cmd_merge, sg_cmd_forget, sg_cmd_query, sg_cmd_codes, sg_cmd_codes_show,
    sg_cmd_codes_check, sg_cmd_fit, sg_cmd_schema, sg_cmd_help, sg_cmd_completion, sg_cmd_man,
    sg_cmd_timeline, sg_cmd_version;

const sg_command *const sg_commands[] = {
    &sg_cmd_init,    &sg_cmd_run,        &sg_cmd_check,       &sg_cmd_plan,    &sg_cmd_expect,
    &sg_cmd_compare, &sg_cmd_merge,      &sg_cmd_forget,      &sg_cmd_query,   &sg_cmd_timeline,
    &sg_cmd_codes,   &sg_cmd_codes_show, &sg_cmd_codes_check, &sg_cmd_fit,     &sg_cmd_schema,
    &sg_cmd_help,    &sg_cmd_completion, &sg_cmd_man,         &sg_cmd_version, NULL,
};
