/* SPDX-License-Identifier: MIT */
/* What the commands that ask a database share. */
#ifndef SG_SIM_CLI_ASK_H
#define SG_SIM_CLI_ASK_H

#include "results/results.h"
#include "sim/cli/command.h"

/* Opens the database that the first word names, asks, prints the answer or the faults; returns the
 * exit code. */
int sg_ask(const sg_call *call,
           sg_status (*question)(sg_db *db, const sg_args *args, sg_buffer *out, sg_error *e));

#endif
