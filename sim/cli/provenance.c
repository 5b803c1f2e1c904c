/* SPDX-License-Identifier: MIT */
/* Provenance. The only file that depends on the revision, which changes with every commit. */
#include "sim/cli/provenance.h"
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
  while (f && fgets(line, sizeof line, f)) {
    char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !colon) continue;
    snprintf(cpu, 128, "%.127s", colon + 2);
    cpu[strcspn(cpu, "\n")] = '\0';
    break;
  }
  if (f) fclose(f);
}

void sg_provenance_read(const sg_call *call, int threads, sg_provenance *p) {
  *p = (sg_provenance){0};
  sg_put(&p->command_line, "straggle");
  for (int i = 1; i < call->argc; i++) sg_putf(&p->command_line, " %s", call->argv[i]);
  read_cpu(p->cpu);
  if (gethostname(p->host, sizeof p->host) != 0) strcpy(p->host, "unknown");
  p->host[sizeof p->host - 1] = '\0';
  p->invocation = (sg_invocation){.argv = p->command_line.data,
                                  .version = SG_VERSION,
                                  .git_revision = SG_REVISION,
                                  .compiler = "cc " __VERSION__,
                                  .blas = openblas_get_config(),
                                  .blas_core = openblas_get_corename(),
                                  .cpu = p->cpu,
                                  .host = p->host,
                                  .libc = gnu_get_libc_version(),
                                  .threads = threads};
}

void sg_provenance_free(sg_provenance *p) {
  sg_buffer_free(&p->command_line);
}
