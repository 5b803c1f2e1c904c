/* SPDX-License-Identifier: MIT */
/* run --what-if: a scenario without each cause of lost time, on the same random numbers. */
#ifndef SG_SIM_WHAT_IF_H
#define SG_SIM_WHAT_IF_H

#include "sim/cli/command.h"

#include <stdatomic.h>

/* Computes what is missing, prints the table; returns the exit code. */
int sg_what_if(const sg_call *call, const char *path, const atomic_bool *stop);

#endif
