/* SPDX-License-Identifier: MIT */
/* What made a result: the command line, the build, the machine. */
#ifndef SG_SIM_PROVENANCE_H
#define SG_SIM_PROVENANCE_H

#include "results/results.h"
#include "sim/cli/command.h"

extern const char sg_version_text[], sg_revision_text[];

typedef struct sg_provenance { /* what the texts of the invocation are in; not to be copied */
  sg_invocation invocation;
  char cpu[128], host[128];
} sg_provenance;

/* Fills *p, which must live as long as the result is used. */
const sg_invocation *sg_provenance_read(const sg_call *call, int threads, sg_provenance *p);

#endif
