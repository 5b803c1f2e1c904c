/* SPDX-License-Identifier: MIT */
/* The program's entry: settings of libraries and signals; the rest is in straggle.c, where tests
 * reach it. */
#include "sim/cli/command.h"
#include "sim/core/linalg.h"

#include <gsl/gsl_errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

/* Not under sanitizers, which have a start and a mmap of their own. */
#if defined __GLIBC__ && defined __LP64__ && !defined __SANITIZE_ADDRESS__ &&                      \
    !defined __SANITIZE_THREAD__ && !__has_feature(address_sanitizer) &&                           \
    !__has_feature(thread_sanitizer)

/* OpenBLAS starts a thread per processor when it is loaded, before main, with 139 MB of address
 * space each; where these are refused it hangs or ends the program. Only its environment can keep
 * it from that: here, before libraries start, the program begins again with one thread. */
static void one_blas_thread(int argc, char **argv, char **environment) {
  enum { MOST = 4096 };
  static char *mine[MOST], path[4096];
  static char one[] = "OPENBLAS_NUM_THREADS=1";
  const size_t name = strcspn(one, "=") + 1;
  int n = 0;
  for (char **at = environment; *at && n < MOST - 2; at++) {
    if (strcmp(*at, one) == 0) return;
    if (strncmp(*at, one, name) != 0) mine[n++] = *at;
  }
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  /* Without an interpreter's base the program was named to the interpreter, which is `path`. */
  if (n == MOST - 2 || length <= 0 || !getauxval(AT_BASE)) return;
  mine[n] = one;
  execve(path, argv, mine);
}

__attribute__((section(".preinit_array"),
               used)) static void (*const before_libraries)(int, char **,
                                                            char **) = one_blas_thread;

/* Libraries find this one in place of the C library's. OpenBLAS asks for the 134 MB of a buffer
 * without end where it is refused them, in whatever thread and however deep: the program ends, and
 * the database is as after a kill. */
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  void *p = mmap64(address, length, protection, flags, fd, offset);
  if (p == MAP_FAILED && fd < 0 && length >= (size_t)32 << 20) {
    static const char text[] = "straggle: out of memory: linear algebra needs 134 MB of address "
                               "space for each thread (see ulimit -v)\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(EX_OSERR); /* nobody can be told */
    _exit(EX_OSERR);
  }
  return p;
}
#endif

int main(int argc, char **argv) {
  sg_blas_single_thread();
  gsl_set_error_handler_off();
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* nobody asks, and each allocation takes a lock */
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
