/* SPDX-License-Identifier: MIT */
/* The file of a database before SQLite sees it: which file a name means, who may write to it, and
 * whether it is ours. Nothing here changes a file that is there. */
#ifndef SG_RESULTS_FILE_H
#define SG_RESULTS_FILE_H

#include "sim/core/error.h"

#define SG_APPLICATION_ID 0x73747267 /* "strg" */

#define SG_EMPTY_FILE "expected a result database of straggle, found an empty file"

typedef struct sg_file {
  char *path, *real; /* as named, for messages; with all links followed, for SQLite; owned */
  int fd;            /* −1: not open */
  bool write;
  bool created; /* by us, just now */
  bool empty;   /* may become a database of ours */
} sg_file;

/* Opens the file and, for writing, creates it if it is missing and locks it: by its inode, so that
 * all its names have one lock, which goes with the process. Then reads its header. To be closed in
 * any case, and not before SQLite has closed it: closing any descriptor of a file ends the locks
 * that the process has on it. */
sg_status sg_file_open(const char *path, bool write, sg_file *f, sg_error *e);
/* remove: with the companions that SQLite may have made; only of a file that we created. */
void sg_file_close(sg_file *f, bool remove);

#endif
