/* SPDX-License-Identifier: MIT */
/* Ternary digits in as few bits as their numbers allow: a static arithmetic coder (rANS, Duda 2013,
 * arXiv 1311.2540) for three symbols, of which + and − share one frequency of 16 bits.
 *
 * ⌈log2(n + 1)⌉ bits for how many are not 0 (k), then words of 32 bits: within 0.1 % and 96 bits of
 * n (h2(k/n) + k/n) for 1/20 ≤ k/n ≤ 19/20 and even signs. */
#ifndef SG_MODELS_ARITHMETIC_H
#define SG_MODELS_ARITHMETIC_H

#include "models/compress/packed.h"

/* The signs of x, 0 where it is 0. word: room for n/16 + 2. */
void sg_pack_ternary(sg_packed *out, long n, const double *x, uint32_t *word);
/* x_i = c times the sign. */
void sg_unpack_ternary(sg_packed *in, long n, double c, double *x);

#endif
