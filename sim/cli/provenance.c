/* SPDX-License-Identifier: MIT */
/* Provenance. The only file that depends on the revision, which changes with every commit. */
#include "sim/cli/session.h"
#include "sim/core/linalg.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char sg_version_text[] = SG_VERSION;
const char sg_revision_text[] = SG_REVISION;

static void read_cpu(char cpu[128]) {
  strcpy(cpu, "unknown");
  FILE *f = fopen("/proc/cpuinfo", "r");
  char line[512];
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "model name : %127[^\n]", cpu) == 1) break;
  if (f) fclose(f);
}

const sg_invocation *sg_provenance_read(const sg_call *call, int threads, sg_provenance *p) {
  read_cpu(p->cpu);
  if (gethostname(p->host, sizeof p->host) != 0) strcpy(p->host, "unknown");
  p->host[sizeof p->host - 1] = '\0';
  p->invocation = (sg_invocation){.argv = call->line,
                                  .version = SG_VERSION,
                                  .git_revision = SG_REVISION,
                                  .compiler = "cc " __VERSION__,
                                  .blas = openblas_get_config(),
                                  .blas_core = openblas_get_corename(),
                                  .cpu = p->cpu,
                                  .host = p->host,
                                  .libc = gnu_get_libc_version(),
                                  .threads = threads};
  return &p->invocation;
}
