/* SPDX-License-Identifier: MIT */
/* To be preloaded: a disk that is full, counted in writes to files whose name contains ".db".
 *
 *   FAIL_WRITE=k    the k-th write fails, all others succeed
 *   FAIL_WRITE=k+   the k-th and all after it fail; of the k-th, half is written
 *   FAIL_WRITE_COUNT=FILE   how many there were is written there at the end
 *
 * A write is what takes room or promises it: write, pwrite, ftruncate that grows, fallocate, and
 * fsync and fdatasync, which may tell late that there was none. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long counted;

static int is_database(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = '\0';
  return strstr(path, ".db") != NULL;
}

/* 0: it goes on; 1: it fails; 2: it fails after half of it. */
static int fails(int fd) {
  const char *when = getenv("FAIL_WRITE");
  if (!when || !is_database(fd)) return 0;
  long k = atomic_fetch_add(&counted, 1) + 1, at = strtol(when, NULL, 10);
  int for_ever = strchr(when, '+') != NULL;
  if (at <= 0 || k < at || (k > at && !for_ever)) return 0;
  errno = ENOSPC;
  return for_ever && k == at ? 2 : 1;
}

__attribute__((destructor)) static void report(void) {
  const char *name = getenv("FAIL_WRITE_COUNT");
  FILE *f = name ? fopen(name, "w") : NULL;
  if (!f) return;
  fprintf(f, "%ld\n", atomic_load(&counted));
  fclose(f);
}

#define NEXT(name) ((__typeof__(&(name)))(size_t)dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *data, size_t n) {
  int how = fails(fd);
  if (how == 2 && n > 1) return NEXT(write)(fd, data, n / 2);
  return how ? -1 : NEXT(write)(fd, data, n);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t at) {
  int how = fails(fd);
  if (how == 2 && n > 1) return NEXT(pwrite)(fd, data, n / 2, at);
  return how ? -1 : NEXT(pwrite)(fd, data, n, at);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t at) {
  int how = fails(fd);
  if (how == 2 && n > 1) return NEXT(pwrite64)(fd, data, n / 2, at);
  return how ? -1 : NEXT(pwrite64)(fd, data, n, at);
}

static int grows(int fd, off_t size) {
  struct stat info;
  return fstat(fd, &info) == 0 && size > info.st_size;
}

int ftruncate(int fd, off_t size) {
  return grows(fd, size) && fails(fd) ? -1 : NEXT(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size) {
  return grows(fd, size) && fails(fd) ? -1 : NEXT(ftruncate64)(fd, size);
}

int posix_fallocate(int fd, off_t at, off_t n) {
  return fails(fd) ? ENOSPC : NEXT(posix_fallocate)(fd, at, n);
}

int fsync(int fd) {
  return fails(fd) ? -1 : NEXT(fsync)(fd);
}

int fdatasync(int fd) {
  return fails(fd) ? -1 : NEXT(fdatasync)(fd);
}
