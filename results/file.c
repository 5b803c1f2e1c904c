/* SPDX-License-Identifier: MIT */
/* Which file a name means, its lock, its header. */
#include "results/file.h"

#include "results/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The byte that a writer locks: SQLite uses those from 2^30 on, 512 of them. */
enum { LOCK_BYTE = (1 << 30) + 1024, HEADER = 100 };

static sg_status fail_open(const sg_file *f, const struct stat *info, int error, sg_error *e) {
  sg_status refused = f->write ? SG_CANNOT_CREATE : SG_NO_INPUT;
  if (info && S_ISDIR(info->st_mode))
    return sg_fail(e, refused, f->path, "expected a database, found a folder");
  if (info && !S_ISREG(info->st_mode))
    return sg_fail(e, refused, f->path, "expected a database, found a device or a pipe");
  if (!f->write)
    return sg_fail(e, refused, f->path, "cannot open the database: %s", strerror(error));
  if (info)
    return sg_fail(e, refused, f->path,
                   "cannot write to the database: %s; name another file with -o", strerror(error));
  return sg_fail(e, refused, f->path,
                 "cannot write in the folder of the database: %s; name another file with -o",
                 strerror(error));
}

/* An open file description holds the lock, not the process: SQLite's locks and closes of the same
 * file do not touch it. */
static sg_status lock(const sg_file *f, sg_error *e) {
  struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCK_BYTE, .l_len = 1};
  while (fcntl(f->fd, F_OFD_SETLK, &byte)) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EACCES)
      return sg_fail(e, SG_IO, f->path, "cannot lock the database: %s", strerror(errno));
    return sg_fail(e, SG_BUSY, f->path,
                   "another process is writing to the database; wait for it, or write to another "
                   "file with -o");
  }
  return SG_OK;
}

/* Opens and locks what the name means, once it means the same before and after: a process that
 * fails removes the file that it created. */
static sg_status take(sg_file *f, sg_error *e) {
  for (;;) {
    struct stat named, ours;
    bool exists = stat(f->path, &named) == 0;
    int error = errno;
    if (exists ? !S_ISREG(named.st_mode) : !f->write || error != ENOENT)
      return fail_open(f, exists ? &named : NULL, error, e);
    int flags = f->write ? O_RDWR | O_CREAT : O_RDONLY;
    f->fd = open(f->path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
    if (f->fd < 0) return fail_open(f, exists ? &named : NULL, errno, e);
    sg_status status = f->write ? lock(f, e) : SG_OK;
    if (status) return status;
    if (!fstat(f->fd, &ours) && !stat(f->path, &named) && ours.st_ino == named.st_ino &&
        ours.st_dev == named.st_dev) {
      f->created = f->write && !exists && ours.st_size == 0;
      return SG_OK;
    }
    close(f->fd);
    f->fd = -1;
  }
}

static char *companion(const sg_file *f, const char *suffix) {
  char *name;
  return asprintf(&name, "%s%s", f->real, suffix) < 0 ? NULL : name;
}

/* SQLite's journals go by name. A file with several names whose journal is not beside this one is
 * being written under another name, or was left unfinished there. */
static sg_status check_names(const sg_file *f, bool has_journal, sg_error *e) {
  struct stat info, beside;
  if (!has_journal || fstat(f->fd, &info) || info.st_nlink < 2) return SG_OK;
  char *wal = companion(f, "-wal");
  if (!wal) return sg_fail_memory(e);
  bool found = stat(wal, &beside) == 0;
  free(wal);
  if (found) return SG_OK;
  return sg_fail(e, SG_BUSY, f->path,
                 "the file has %lu names (hard links), and under another one it is being written "
                 "or was left unfinished: use that name",
                 (unsigned long)info.st_nlink);
}

static uint32_t big_endian(const unsigned char *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* By the file's own bytes: to open a database of another program would already end its journal. */
static sg_status check_header(sg_file *f, sg_error *e) {
  unsigned char header[HEADER];
  ssize_t n = pread(f->fd, header, HEADER, 0);
  if (n < 0) return sg_fail(e, SG_IO, f->path, "cannot read the database: %s", strerror(errno));
  f->empty = n == 0;
  if (f->empty && f->write) return SG_OK;
  if (f->empty) return sg_fail(e, SG_INVALID, f->path, SG_EMPTY_FILE);
  if (n < HEADER || memcmp(header, "SQLite format 3", 16) != 0)
    return sg_fail(e, SG_INVALID, f->path,
                   "expected a result database of straggle, found something else or a damaged "
                   "file");
  if (big_endian(header + 68) != SG_APPLICATION_ID)
    return sg_fail(e, SG_INVALID, f->path,
                   "expected a result database of straggle, found a database of another program");
  uint32_t version = big_endian(header + 60);
  if (version != SG_SCHEMA_VERSION)
    return sg_fail(e, SG_INVALID, f->path,
                   "expected schema version %d, found %d; use the straggle that made the file, or "
                   "write to another file",
                   SG_SCHEMA_VERSION, (int)version);
  return check_names(f, header[18] == 2, e);
}

/* SQLite would say of a folder that cannot be written no more than that it cannot open a file. */
static sg_status check_folder(const sg_file *f, sg_error *e) {
  char *folder = strdup(f->real);
  if (!folder) return sg_fail_memory(e);
  char *slash = strrchr(folder, '/');
  slash[slash == folder] = '\0';
  int error = faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) ? errno : 0;
  free(folder);
  return error ? fail_open(f, NULL, error, e) : SG_OK;
}

sg_status sg_file_open(const char *path, bool write, sg_file *f, sg_error *e) {
  *f = (sg_file){.path = strdup(path), .fd = -1, .write = write};
  if (!f->path) return sg_fail_memory(e);
  sg_status status = take(f, e);
  if (status) return status;
  f->real = realpath(path, NULL);
  if (!f->real) return errno == ENOMEM ? sg_fail_memory(e) : fail_open(f, NULL, errno, e);
  if (write) status = check_folder(f, e);
  return status ? status : check_header(f, e);
}

void sg_file_close(sg_file *f, bool remove) {
  static const char *const suffix[] = {"-wal", "-shm", "-journal", ""};
  for (int i = 0; remove && f->created && f->real && i < 4; i++) {
    char *name = companion(f, suffix[i]);
    if (name) unlink(name);
    free(name);
  }
  if (f->fd >= 0) close(f->fd);
  free(f->path);
  free(f->real);
  *f = (sg_file){.fd = -1};
}
