/* SPDX-License-Identifier: MIT */
/* To be preloaded: lets allocations fail, counted from the beginning of main.
 *
 *   FAIL_MALLOC=k    the k-th fails, all others succeed
 *   FAIL_MALLOC=k+   the k-th and all after it fail
 *   FAIL_MALLOC_COUNT=FILE   how many there were is written there at the end
 *
 * Those of libraries (SQLite, GSL, the C library's own) count as well, but OpenBLAS's never fail.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size);

static atomic_long counted;
static long failing = -1; /* −1: not yet in main; 0: none */
static int for_ever;

/* Whether this one fails. */
static int fails(void) {
  if (failing < 0) return 0;
  long k = atomic_fetch_add(&counted, 1) + 1;
  if (failing == 0 || (for_ever ? k < failing : k != failing)) return 0;
  errno = ENOMEM;
  return 1;
}

/* OpenBLAS's kernels for small matrices on AVX-512 do not look at what they get. */
static int is_blas(const void *caller) {
  Dl_info where;
  return dladdr(caller, &where) && where.dli_fname && strstr(where.dli_fname, "openblas");
}

void *malloc(size_t size) {
  return fails() && !is_blas(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
  return fails() ? NULL : __libc_realloc(old, size);
}

void *reallocarray(void *old, size_t count, size_t size) {
  return count > (size_t)-1 / (size ? size : 1) || fails() ? NULL
                                                           : __libc_realloc(old, count * size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
  return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  void *p = fails() ? NULL : __libc_memalign(alignment, size);
  if (!p) return ENOMEM;
  *out = p;
  return 0;
}

typedef int entry(int, char **, char **);
static entry *real_main;
int __libc_start_main(entry *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end);

static int counting_main(int argc, char **argv, char **environment) {
  const char *text = getenv("FAIL_MALLOC");
  for_ever = text && strchr(text, '+');
  failing = text ? atol(text) : 0;
  return real_main(argc, argv, environment);
}

int __libc_start_main(entry *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
  typedef int start(entry *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
  start *next;
  void *found = dlsym(RTLD_NEXT, "__libc_start_main");
  memcpy(&next, &found, sizeof next);
  real_main = main;
  return next(counting_main, argc, argv, init, fini, rtld_fini, stack_end);
}

__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("FAIL_MALLOC_COUNT");
  long n = atomic_load(&counted);
  failing = 0;
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%ld\n", n);
  fclose(file);
}
