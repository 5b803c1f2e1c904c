/* SPDX-License-Identifier: MIT */
/* Words for the messages of rules that join parameters. */
#ifndef SG_CODES_RULES_H
#define SG_CODES_RULES_H

#include <stddef.h>

/* "1, 2, 5, 10" for n = 10, each less `shift` (1: "0, 1, 4, 9"). Cut with "…" where it is too long
 * for `size`. Returns `out`. */
char *sg_divisors(int n, int shift, char *out, size_t size);

#endif
