/* SPDX-License-Identifier: MIT */
/* Mutation of files for the fuzzers, the same way every time. */
#ifndef SG_TESTS_MUTATE_H
#define SG_TESTS_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* A number under n, from a small generator of its own: the order of mutations must not change with
 * the simulator's. */
size_t mutate_below(size_t n);

typedef struct mutation {
  const char *const *word; /* that are put in or over; NULL-terminated */
  int lines;               /* of the file that are used; 0: all */
  int most;                /* changes at a time */
} mutation;

/* Calls `target` with the file and then with mutations of it. An exit code, 0 or 66. */
int mutate_file(const char *path, long iterations, const mutation *how,
                int (*target)(const uint8_t *data, size_t size));

/* The program: NAME ITERATIONS FILE…. An exit code. */
int mutate_main(int argc, char **argv, const mutation *how,
                int (*target)(const uint8_t *data, size_t size));

#endif
