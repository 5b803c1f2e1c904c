/* SPDX-License-Identifier: MIT */
/* Completion scripts, from the descriptors: commands, options, their choices, names of codes and of
 * files. All words stand in the script: the program is not run while somebody types. */
#ifndef SG_SIM_COMPLETE_H
#define SG_SIM_COMPLETE_H

#include "sim/cli/command.h"

void sg_put_bash_completion(const sg_command *const *commands, sg_buffer *out);
/* For a folder of $fpath, as _straggle. */
void sg_put_zsh_completion(const sg_command *const *commands, sg_buffer *out);

#endif
