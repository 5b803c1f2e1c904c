/* SPDX-License-Identifier: MIT */
/* Lists of faults, and the exit codes of statuses. */
#include "sim/core/error.h"
#include "sim/core/array.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

sg_status sg_fail(sg_error *e, sg_status status, const char *place, const char *format, ...) {
  if (!e || !SG_ROOM(e->fault, e->capacity, e->count + 1)) return status;
  va_list args;
  va_start(args, format);
  int length = vsnprintf(NULL, 0, format, args);
  va_end(args);
  char *message = length < 0 ? NULL : malloc((size_t)length + 1);
  if (message) {
    va_start(args, format);
    vsnprintf(message, (size_t)length + 1, format, args);
    va_end(args);
  }
  e->fault[e->count++] =
      (sg_fault){.status = status, .place = strdup(place ? place : ""), .message = message};
  return status;
}

sg_status sg_fail_memory(sg_error *e) {
  return sg_fail(e, SG_NO_MEMORY, NULL, "out of memory");
}

sg_status sg_error_status(const sg_error *e) {
  /* The order of gravity: what the user cannot mend comes first. */
  static const sg_status order[] = {SG_BUG,           SG_NO_MEMORY,  SG_INTERRUPTED, SG_BUSY,
                                    SG_CANNOT_CREATE, SG_IO,         SG_USAGE,       SG_INVALID,
                                    SG_NO_INPUT,      SG_UNDECODABLE};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    for (int j = 0; j < e->count; j++)
      if (e->fault[j].status == order[i]) return order[i];
  return SG_OK;
}

void sg_error_move(sg_error *to, sg_error *from) {
  for (int i = 0; i < from->count; i++) {
    if (!SG_ROOM(to->fault, to->capacity, to->count + 1)) {
      free(from->fault[i].place);
      free(from->fault[i].message);
      continue;
    }
    to->fault[to->count++] = from->fault[i];
  }
  free(from->fault);
  *from = (sg_error){0};
}

void sg_error_clear(sg_error *e) {
  for (int i = 0; i < e->count; i++) {
    free(e->fault[i].place);
    free(e->fault[i].message);
  }
  free(e->fault);
  *e = (sg_error){0};
}

int sg_exit_code(sg_status status) {
  switch (status) {
  case SG_OK: return EX_OK;
  case SG_UNDECODABLE:
  case SG_INVALID: return EX_DATAERR;
  case SG_USAGE: return EX_USAGE;
  case SG_NO_INPUT: return EX_NOINPUT;
  case SG_BUG: return EX_SOFTWARE;
  case SG_NO_MEMORY: return EX_OSERR;
  case SG_CANNOT_CREATE: return EX_CANTCREAT;
  case SG_IO: return EX_IOERR;
  case SG_BUSY: return EX_TEMPFAIL;
  case SG_INTERRUPTED: return 130;
  }
  return EX_SOFTWARE;
}
