/* SPDX-License-Identifier: MIT */
/* Rules that many codes have, and words for the messages of rules that join parameters. */
#ifndef SG_CODES_RULES_H
#define SG_CODES_RULES_H

#include "codes/frame/code.h"

#include <stddef.h>

/* The row of s, the number of stragglers, of codes that must be given it. */
#define SG_ROW_STRAGGLERS(...) SG_ROW_INT("s", 0, SG_UNBOUNDED, __VA_ARGS__, .flags = SG_REQUIRED)

/* Reads it: s < n, and for groups of s + 1 workers that s + 1 divides n. */
sg_status sg_read_stragglers(const sg_values *values, int n, int *s, sg_error *e);
sg_status sg_read_repetition(const sg_values *values, int n, int *s, sg_error *e);

/* The status of making a code at random, with its fault: SG_UNDECODABLE is a singular draw. */
sg_status sg_made_at_random(sg_status status, const sg_values *values, sg_error *e);

/* Weights of messages of one part each, their tag: 1 for the first of each part, 0 for copies.
 * SG_UNDECODABLE while a part is missing. */
sg_status sg_first_of_each(const sg_code *code, const sg_used *used);

/* "1, 2, 5, 10" for n = 10, each less `shift` (1: "0, 1, 4, 9"). Cut with "…" where it is too long
 * for `size`. Returns `out`. */
char *sg_divisors(int n, int shift, char *out, size_t size);

#endif
