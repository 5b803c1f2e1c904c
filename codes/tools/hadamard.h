/* SPDX-License-Identifier: MIT */
/* Hadamard matrices: ±1 entries, rows orthogonal. */
#ifndef SG_CODES_TOOLS_HADAMARD_H
#define SG_CODES_TOOLS_HADAMARD_H

#include <stdbool.h>

/* Whether this order can be made here: 1, 2, q + 1 for primes q = 3 mod 4 and 2 (q + 1) for primes
 * q = 1 mod 4 (Paley 1933), and twice any of them, again and again (Sylvester). Below 100 that
 * leaves out, of the multiples of 4, only 52 and 92. O(√order · log order). */
bool sg_hadamard_exists(int order);

/* Fills h (order × order, row by row, and `order` bytes of workspace after it) with one whose row 0
 * is all ones, so that every other row has as many of +1 as of −1, and any two others have +1 in
 * common at a quarter of the places. false: no such order. O(order²). */
bool sg_hadamard(int order, signed char *h);

#endif
