/* SPDX-License-Identifier: MIT */
/* Lists of faults, and the exit codes of statuses. */
#include "sim/core/error.h"
#include "sim/core/array.h"
#include "sim/core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

sg_status sg_fail(sg_error *e, sg_status status, const char *place, const char *format, ...) {
  if (!e) return status;
  sg_fault fault = {.status = status, .place = strdup(place ? place : "")};
  va_list args;
  va_start(args, format);
  if (vasprintf(&fault.message, format, args) < 0) fault.message = NULL;
  va_end(args);
  if (fault.message) sg_utf8_mend(fault.message);
  if (fault.place && fault.message && SG_ROOM(e->fault, e->capacity, e->count + 1)) {
    e->fault[e->count++] = fault;
    return status;
  }
  free(fault.place);
  free(fault.message);
  e->lost = true;
  return SG_NO_MEMORY;
}

sg_status sg_fail_memory(sg_error *e) {
  return sg_fail(e, SG_NO_MEMORY, NULL, "out of memory");
}

bool sg_failed(const sg_error *e) {
  return e->count > 0 || e->lost;
}

/* The order of gravity: what the user cannot mend comes first. */
static const struct {
  sg_status status;
  int exit;
} order[] = {{SG_BUG, EX_SOFTWARE},
             {SG_NO_MEMORY, EX_OSERR},
             {SG_INTERRUPTED, 130},
             {SG_BUSY, EX_TEMPFAIL},
             {SG_CANNOT_CREATE, EX_CANTCREAT},
             {SG_IO, EX_IOERR},
             {SG_USAGE, EX_USAGE},
             {SG_INVALID, EX_DATAERR},
             {SG_NO_INPUT, EX_NOINPUT},
             {SG_UNDECODABLE, EX_DATAERR},
             {SG_OK, EX_OK}};
enum { N_STATUSES = sizeof order / sizeof *order };
_Static_assert(N_STATUSES == SG_INTERRUPTED + 1, "each status has its row");

sg_status sg_error_status(const sg_error *e) {
  for (int i = 0; i < N_STATUSES; i++) {
    if (e->lost && order[i].status == SG_NO_MEMORY) return SG_NO_MEMORY;
    for (int j = 0; j < e->count; j++)
      if (e->fault[j].status == order[i].status) return order[i].status;
  }
  return SG_OK;
}

int sg_exit_code(sg_status status) {
  for (int i = 0; i < N_STATUSES; i++)
    if (order[i].status == status) return order[i].exit;
  return EX_SOFTWARE;
}

static void clear_from(sg_error *e, int first) {
  for (int i = first; i < e->count; i++) {
    free(e->fault[i].place);
    free(e->fault[i].message);
  }
  free(e->fault);
  *e = (sg_error){0};
}

void sg_error_move(sg_error *to, sg_error *from) {
  int moved = 0;
  while (moved < from->count && SG_ROOM(to->fault, to->capacity, to->count + 1))
    to->fault[to->count++] = from->fault[moved++];
  to->lost |= from->lost || moved < from->count;
  clear_from(from, moved);
}

void sg_error_clear(sg_error *e) {
  clear_from(e, 0);
}
