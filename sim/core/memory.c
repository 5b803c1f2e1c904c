/* SPDX-License-Identifier: MIT */
/* How much memory there is: from /proc, the control group and the resource limits. */
#include "sim/core/memory.h"
#include "sim/core/text.h"

#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* The number behind `name` in a small file; NAN: none ("max" is none, too). */
static double read_number(const char *path, const char *name) {
  char text[4096];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (n <= 0) return NAN;
  text[n] = '\0';
  const char *at = strstr(text, name);
  if (!at) return NAN;
  at += strlen(name);
  char *end;
  double x = strtod(at, &end);
  return end == at ? NAN : x;
}

double sg_memory_available(void) {
  double left = INFINITY; /* fmin passes over NAN */
  left = fmin(left, 1024 * read_number("/proc/meminfo", "MemAvailable:"));
  left = fmin(left, read_number("/sys/fs/cgroup/memory.max", "") -
                        read_number("/sys/fs/cgroup/memory.stat", "anon "));
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    double pages = read_number("/proc/self/statm", "");
    left = fmin(left, (double)limit.rlim_cur - pages * (double)sysconf(_SC_PAGESIZE));
  }
  return fmax(left, 0);
}

void *sg_pages(size_t count, size_t size) {
  const size_t line = 64, page = (size_t)2 << 20;
  if (count > (SIZE_MAX - page) / size) return NULL;
  size_t bytes = count * size, unit = bytes < page ? line : page;
  bytes = (bytes + unit - 1) / unit * unit;
  void *p = aligned_alloc(unit, bytes);
  if (p && unit == page) madvise(p, bytes, MADV_HUGEPAGE); /* only a hint */
  return p;
}

sg_status sg_fail_room(sg_error *e, const char *what, double bytes) {
  char needed[32], there[32];
  return sg_fail(e, SG_NO_MEMORY, NULL, "out of memory: %s: %s are needed, %s are available", what,
                 sg_format_bytes(bytes, needed), sg_format_bytes(sg_memory_available(), there));
}
