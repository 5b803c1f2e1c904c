/* SPDX-License-Identifier: MIT */
/* What fuzzers have in common: small scenarios played to their end, and a file for readers. */
#ifndef SG_TESTS_PLAY_H
#define SG_TESTS_PLAY_H

#include "sim/scenario/scenario.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Reads a scenario, expands it where `expand`, and reports on it, with the same aborts as below. */
void fuzz_read(const char *json, size_t length, int n_overrides, const sg_override *override,
               bool expand);

/* Reads a scenario, plans it and plays its first points without a database. Aborts when a fault of
 * the program's own comes, a failure without a message, or a row that cannot be. How many points
 * were played; 0: the scenario is refused, with messages. */
int fuzz_play(const char *json, size_t length, int n_overrides, const sg_override *override);

/* The name of this process's file in memory, with that content. */
const char *fuzz_file(const void *data, size_t size);

#endif
