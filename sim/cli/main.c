/* SPDX-License-Identifier: MIT */
/* The program's entry: settings of libraries and signals; the rest is in straggle.c, where tests
 * reach it. */
#include "sim/cli/command.h"
#include "sim/core/linalg.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write error, with its message */
  int code = sg_straggle(argc, argv);
  /* After an interrupt threads may still compute, and must not meet what libraries do at the end.
   */
  if (code == sg_exit_code(SG_INTERRUPTED)) {
    fflush(NULL);
    _exit(code);
  }
  return code;
}
