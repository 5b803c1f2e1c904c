/* SPDX-License-Identifier: MIT */
/* The program's entry: settings of libraries and signals; the rest is in straggle.c, where tests
 * reach it. */
#include "sim/cli/command.h"
#include "sim/core/linalg.h"

#include <gsl/gsl_errno.h>
#include <signal.h>

int main(int argc, char **argv) {
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a write error, with its message */
  return sg_straggle(argc, argv);
}
