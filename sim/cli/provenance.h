/* SPDX-License-Identifier: MIT */
/* What made a result: the command line, the build, the machine. */
#ifndef SG_SIM_PROVENANCE_H
#define SG_SIM_PROVENANCE_H

#include "results/results.h"
#include "sim/cli/command.h"

extern const char sg_version_text[], sg_revision_text[];

typedef struct sg_provenance {
  sg_invocation invocation; /* its texts are constants or those below: not to be copied */
  sg_buffer command_line;
  char cpu[128], host[128];
} sg_provenance;

void sg_provenance_read(const sg_call *call, int threads, sg_provenance *out);
void sg_provenance_free(sg_provenance *p);

#endif
