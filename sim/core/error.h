/* SPDX-License-Identifier: MIT */
/* Status codes and the error object that every fallible function fills.
 *
 * A function that can fail returns an sg_status and takes an sg_error. An error object holds a list
 * of faults, so that a reader can report everything that is wrong at once. Nothing below main()
 * prints or exits. */
#ifndef SG_CORE_ERROR_H
#define SG_CORE_ERROR_H

#include <stdbool.h>

/* NAN and infinity mean something here, and sums have an order: with such options the program would
 * print wrong numbers. */
#if defined __FAST_MATH__ || defined __ASSOCIATIVE_MATH__ || defined __RECIPROCAL_MATH__ ||        \
    (defined __FINITE_MATH_ONLY__ && __FINITE_MATH_ONLY__)
#error "straggle cannot be built with -Ofast or -ffast-math: use -O2 or -O3"
#endif

typedef enum sg_status {
  SG_OK = 0,
  SG_UNDECODABLE,   /* The messages at hand do not determine the sum. A state, not an error. */
  SG_INVALID,       /* A scenario, data file or parameter is wrong. Exit code 65. */
  SG_USAGE,         /* The command line is wrong. Exit code 64. */
  SG_NO_INPUT,      /* A named file is missing or unreadable. Exit code 66. */
  SG_BUG,           /* An invariant of ours does not hold. Exit code 70. */
  SG_NO_MEMORY,     /* Out of memory or of another resource of the system. Exit code 71. */
  SG_CANNOT_CREATE, /* An output file cannot be created. Exit code 73. */
  SG_IO,         /* Reading or writing failed midway, for instance on a full disk. Exit code 74. */
  SG_BUSY,       /* The database is in use by another process. Exit code 75. */
  SG_INTERRUPTED /* The user asked to stop; what is finished is kept. Exit code 130. */
} sg_status;

typedef struct sg_fault {
  sg_status status;
  char *place;   /* A JSON pointer into the scenario ("/schemes/2/d"), "file:line", or "" */
  char *message; /* One sentence: what was expected, what was found. */
} sg_fault;      /* neither is NULL */

/* Zero-initialise; free with sg_error_clear. */
typedef struct sg_error {
  int count, capacity;
  sg_fault *fault; /* count entries, in the order in which they were found */
  bool lost;       /* there was no memory for a fault: that alone is SG_NO_MEMORY */
} sg_error;

/* Adds a fault and returns `status`; without memory for it, SG_NO_MEMORY. `place` may be NULL. `e`
 * may be NULL, then only the status is passed on. */
sg_status sg_fail(sg_error *e, sg_status status, const char *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* SG_NO_MEMORY with a standard message. */
sg_status sg_fail_memory(sg_error *e);

/* Whether there is a fault, a lost one included. */
bool sg_failed(const sg_error *e);

/* The status of the gravest fault, SG_OK if there is none. */
sg_status sg_error_status(const sg_error *e);

/* Moves all faults of `from` to the end of `to`; `from` is empty afterwards. */
void sg_error_move(sg_error *to, sg_error *from);

/* Frees all faults; the object may be used again. */
void sg_error_clear(sg_error *e);

/* The sysexits(3) code of a status. */
int sg_exit_code(sg_status status);

#endif
